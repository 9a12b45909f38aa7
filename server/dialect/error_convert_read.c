/* error_convert_read.c - an error out of any vendor's envelope:
 *
 *   {"error":{"message","type","param","code","metadata"}}    Vercel, OpenRouter, OpenAI, Anthropic
 *   {"error":"...","type","statusCode"}, {"error","message"}  Vercel, flat
 *   {"success":false,"error":{"name":"ZodError","message"}}   some routes of OpenRouter
 *   {"type":"error","code","message"}                         an event of the responses endpoint
 *   {"message"}, {"detail"}                                   what proxies and frameworks say
 */
#include "server/dialect/answer_field.h"
#include "server/dialect/error_convert.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* The string's beginning, as much as a message may have, cut at a character's boundary. */
static bool copy_message(const struct json_doc *doc, uint32_t token, char *message)
{
    size_t raw_len, len;
    const char *bytes;
    char *scratch;

    if (!answer_field_is(doc, token, JSON_STRING))
        return false;
    raw_len = doc->tokens[token].end - doc->tokens[token].start;
    scratch = malloc(raw_len);
    if (scratch == NULL || json_string(doc, token, scratch, raw_len, &bytes, &len) != 0)
        len = 0;
    if (len > ERROR_MESSAGE_MAX) {
        len = ERROR_MESSAGE_MAX;
        while (len > 0 && ((unsigned char)bytes[len] & 0xc0) == 0x80)
            len--;
    }
    if (len > 0)
        memcpy(message, bytes, len);
    message[len] = '\0';
    free(scratch);
    return message[0] != '\0';
}

/* Vercel puts the provider's own words into a JSON text inside the error (section 4). */
static bool copy_inner_message(const struct json_doc *doc, uint32_t error, char *message)
{
    uint32_t text = json_get(doc, json_get(doc, error, "value"), "error_message");
    char inner[ERROR_MESSAGE_MAX + 1];
    struct json_doc nested;
    bool found = false;

    if (!copy_message(doc, text, inner))
        return false;
    json_doc_init(&nested);
    if (json_parse(&nested, inner, strlen(inner), NULL) == 0) {
        uint32_t object = json_get(&nested, 0, "error");

        found = copy_message(&nested, json_get(&nested, object, "message"), message) ||
                copy_message(&nested, json_get(&nested, 0, "message"), message) ||
                copy_message(&nested, object, message);
    }
    json_doc_release(&nested);
    if (!found)
        memcpy(message, inner, sizeof(inner));
    return true;
}

static bool copy_any_message(const struct json_doc *doc, uint32_t top, uint32_t error,
                             char *message)
{
    if (answer_field_is(doc, error, JSON_OBJECT))
        return copy_inner_message(doc, error, message) ||
               copy_message(doc, json_get(doc, error, "message"), message) ||
               copy_message(doc, json_get(doc, error, "error"), message);
    return copy_message(doc, json_get(doc, top, "message"), message) ||
           copy_message(doc, error, message) ||
           copy_message(doc, json_get(doc, top, "detail"), message);
}

static bool is_status(const struct json_doc *doc, uint32_t token, int *status)
{
    int64_t number;

    if (!answer_field_is(doc, token, JSON_NUMBER) || json_int64(doc, token, &number) != 0 ||
        number < 400 || number > 599)
        return false;
    *status = (int)number;
    return true;
}

static void read_status(struct error_said *said, uint32_t object)
{
    static const char *const names[] = {"code", "status", "statusCode", "http_status"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (is_status(said->doc, json_get(said->doc, object, names[i]), &said->status))
            return;
    is_status(said->doc, json_get(said->doc, said->param, "statusCode"), &said->status);
}

/* The status decides between kinds that share the word; another word is more exact than it. */
static bool is_word_of(const struct error_words *words, const char *word)
{
    return strcmp(word, words->openrouter) == 0 || strcmp(word, words->vercel) == 0 ||
           strcmp(word, words->anthropic) == 0;
}

static bool learn_kind(struct error_said *said, uint32_t token)
{
    char word[ERROR_TYPE_MAX + 1];
    enum error_kind by_status = error_kind_of_status(said->status);

    if (!answer_field_text(said->doc, token, word, sizeof(word)))
        return false;
    if (said->status != 0 && is_word_of(error_words(by_status), word)) {
        said->kind = by_status;
        return true;
    }
    if (!error_kind_of_word(word, &said->kind))
        return false;
    /* OpenAI has one word for every 4xx and one for every 5xx: the status says more. */
    if (said->kind == ERROR_INVALID && said->status >= 400 && said->status < 500)
        said->kind = by_status;
    if (said->kind == ERROR_SERVER && said->status >= 500)
        said->kind = by_status;
    return true;
}

/* OpenRouter has no type for it: "x/y is not a valid model ID", 400. */
static bool names_no_model(const struct error_said *said)
{
    return (said->status == 400 || said->status == 404) &&
           strstr(said->message, "is not a valid model ID") != NULL;
}

static void read_kind(struct error_said *said, uint32_t object)
{
    const struct json_doc *doc = said->doc;
    uint32_t type = json_get(doc, object, "type");
    const uint32_t words[] = {json_get(doc, said->metadata, "error_type"),
                              json_get(doc, object, "error_type"), said->code, type,
                              json_get(doc, object, "name")};

    if (!json_string_is(doc, type, "error"))
        answer_field_text(doc, type, said->type, sizeof(said->type));
    if (said->status == 0)
        said->kind = ERROR_UNAVAILABLE;
    else
        said->kind = error_kind_of_status(said->status);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (learn_kind(said, words[i]))
            break;
    if (names_no_model(said))
        said->kind = ERROR_MODEL_NOT_FOUND;
}

void error_said_nothing(const struct json_doc *doc, int status, struct error_said *ret_said)
{
    *ret_said = (struct error_said){
        .doc = doc,
        .status = status,
        .kind = status != 0 ? error_kind_of_status(status) : ERROR_UNAVAILABLE,
        .code = JSON_NONE,
        .param = JSON_NONE,
        .metadata = JSON_NONE,
        .availability = JSON_NONE,
        .generation_id = JSON_NONE,
        .request_id = JSON_NONE,
    };
}

bool error_read(const struct json_doc *doc, uint32_t top, int status, struct error_said *ret_said)
{
    uint32_t error = json_get(doc, top, "error"), object;
    bool nested = answer_field_is(doc, error, JSON_OBJECT);

    if (!answer_field_is(doc, top, JSON_OBJECT))
        return false;
    error_said_nothing(doc, status, ret_said);
    if (!copy_any_message(doc, top, error, ret_said->message)) {
        if (!nested)
            return false;
        memcpy(ret_said->message, "Provider returned error", sizeof("Provider returned error"));
    }
    object = nested ? error : top;
    ret_said->code = json_get(doc, object, "code");
    ret_said->param = json_get(doc, object, "param");
    ret_said->metadata = json_get(doc, object, "metadata");
    if (!answer_field_is(doc, ret_said->metadata, JSON_OBJECT))
        ret_said->metadata = JSON_NONE;
    ret_said->availability = json_get(doc, object, "availability");
    ret_said->generation_id = json_get(doc, top, "generationId");
    ret_said->request_id = json_get(doc, top, "request_id");
    if (status == 0)
        read_status(ret_said, object);
    read_kind(ret_said, object);
    return true;
}
