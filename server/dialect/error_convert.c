/* error_convert.c - says an error in the envelope of (to, api), and decides whether it needs to. */
#include "server/dialect/error_convert.h"

#include "accounting/export_tags.h"
#include "server/dialect/answer_field.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool is_number(const struct json_doc *doc, uint32_t token, int64_t *ret_number)
{
    return answer_field_is(doc, token, JSON_NUMBER) && json_int64(doc, token, ret_number) == 0;
}

static int status_of(const struct error_said *said)
{
    return said->status != 0 ? said->status : error_words(said->kind)->status;
}

/* A member with a word, unless the object said it itself. */
static void add_word(struct out *out, const struct error_said *said, uint32_t object,
                     const char *name, const char *word)
{
    if (word[0] == '\0' || json_get(said->doc, object, name) != JSON_NONE)
        return;
    out_name(out, name);
    out_string(out, text_of(word));
}

/* --- OpenRouter --- */

/* What the upstream's metadata says stays as it is; what stood elsewhere in its envelope and a
 * machine may want to read is put beside it. */
static void print_metadata(const struct error_said *said, struct out *out)
{
    const struct json_doc *doc = said->doc;
    const char *error_type = error_words(said->kind)->openrouter;
    uint32_t metadata = said->metadata;

    out_char(out, '{');
    add_word(out, said, metadata, "error_type", error_type);
    if (strcmp(said->type, error_type) != 0)
        add_word(out, said, metadata, "type", said->type);
    if (answer_field_is(doc, said->code, JSON_STRING) &&
        json_get(doc, metadata, "provider_code") == JSON_NONE) {
        out_name(out, "provider_code");
        out_value(out, doc, said->code);
    }
    if (answer_field_is_said(doc, said->param) && json_get(doc, metadata, "param") == JSON_NONE) {
        out_name(out, "param");
        out_value(out, doc, said->param);
    }
    if (metadata != JSON_NONE && json_first(doc, metadata) != JSON_NONE) {
        if (out->len > 0 && out->bytes[out->len - 1] != '{')
            out_char(out, ',');
        out_span(out, doc, doc->tokens[metadata].start + 1, doc->tokens[metadata].end - 1);
    }
    out_char(out, '}');
}

static void print_openrouter(const struct error_said *said, struct out *out)
{
    out_char(out, '{');
    out_name(out, "message");
    out_string(out, text_of(said->message));
    out_name(out, "code");
    out_number(out, status_of(said));
    out_name(out, "metadata");
    print_metadata(said, out);
    if (answer_field_is_said(said->doc, said->availability)) {
        out_name(out, "availability");
        out_value(out, said->doc, said->availability);
    }
    out_char(out, '}');
}

/* --- Vercel --- */

/* Upstreams other than OpenRouter speak in Vercel's words already, or in OpenAI's, which its
 * clients know as well. An unknown model is what they look for by name. */
static const char *vercel_type(const struct error_said *said,
                               const struct answer_conversion *conversion)
{
    if (conversion->from == DIALECT_OPENROUTER || said->type[0] == '\0' ||
        said->kind == ERROR_MODEL_NOT_FOUND)
        return error_words(said->kind)->vercel;
    return said->type;
}

static void print_param(const struct error_said *said, const struct answer_conversion *conversion,
                        struct out *out)
{
    out_name(out, "param");
    if (answer_field_is_said(said->doc, said->param)) {
        out_value(out, said->doc, said->param);
    } else if (said->kind == ERROR_MODEL_NOT_FOUND && conversion->model_requested.len > 0) {
        out_char(out, '{');
        out_name(out, "modelId");
        out_string(out, conversion->model_requested);
        out_char(out, '}');
    } else {
        out_text(out, "null");
    }
}

static void print_vercel(const struct error_said *said, const struct answer_conversion *conversion,
                         struct out *out)
{
    const struct json_doc *doc = said->doc;
    const char *type = vercel_type(said, conversion);

    out_char(out, '{');
    out_name(out, "message");
    out_string(out, text_of(said->message));
    out_name(out, "type");
    out_string(out, text_of(type));
    print_param(said, conversion, out);
    out_name(out, "code");
    if (answer_field_is(doc, said->code, JSON_STRING) ||
        answer_field_is(doc, said->code, JSON_NUMBER))
        out_value(out, doc, said->code);
    else
        out_string(out, text_of(type));
    if (said->metadata != JSON_NONE) {
        out_name(out, "metadata");
        out_value(out, doc, said->metadata);
    }
    if (answer_field_is_said(doc, said->availability)) {
        out_name(out, "availability");
        out_value(out, doc, said->availability);
    }
    out_char(out, '}');
}

/* --- both --- */

static void print_anthropic(const struct error_said *said,
                            const struct answer_conversion *conversion, struct out *out)
{
    const struct error_words *words = error_words(said->kind);

    out_char(out, '{');
    out_name(out, "type");
    out_string(out, text_of(words->anthropic));
    out_name(out, "message");
    out_string(out, text_of(said->message));
    if (conversion->to == DIALECT_OPENROUTER) {
        out_name(out, "error_type");
        out_string(out, text_of(words->openrouter));
    }
    out_char(out, '}');
}

void error_print_value(const struct error_said *said, const struct answer_conversion *conversion,
                       struct out *out)
{
    if (conversion->api == API_MESSAGES)
        print_anthropic(said, conversion, out);
    else if (conversion->to == DIALECT_OPENROUTER)
        print_openrouter(said, out);
    else
        print_vercel(said, conversion, out);
}

void error_print(const struct error_said *said, const struct answer_conversion *conversion,
                 struct out *out)
{
    const struct json_doc *doc = said->doc;
    bool messages = conversion->api == API_MESSAGES;

    out_text(out, messages ? "{\"type\":\"error\"" : "{");
    out_name(out, "error");
    error_print_value(said, conversion, out);
    if (messages && answer_field_is_said(doc, said->request_id)) {
        out_name(out, "request_id");
        out_value(out, doc, said->request_id);
    } else if (messages && conversion->to == DIALECT_OPENROUTER) {
        out_text(out, ",\"request_id\":null");
    }
    if (conversion->to != DIALECT_OPENROUTER && answer_field_is_said(doc, said->generation_id)) {
        out_name(out, "generationId");
        out_value(out, doc, said->generation_id);
    }
    out_char(out, '}');
}

void error_print_responses(const struct error_said *said,
                           const struct answer_conversion *conversion, uint32_t sequence,
                           struct out *out)
{
    int64_t number = 0;

    out_text(out, "{\"type\":\"error\"");
    out_name(out, "code");
    out_string(out,
               text_of(conversion->to == DIALECT_OPENROUTER ? error_words(said->kind)->responses
                                                            : vercel_type(said, conversion)));
    out_name(out, "message");
    out_string(out, text_of(said->message));
    out_text(out, ",\"param\":null");
    out_name(out, "sequence_number");
    if (is_number(said->doc, sequence, &number))
        out_value(out, said->doc, sequence);
    else
        out_number(out, 0);
    out_char(out, '}');
}

/* --- answers that are no 200 --- */

static bool is_short_text(const struct json_doc *doc, uint32_t token)
{
    char scratch[ERROR_MESSAGE_MAX];
    const char *bytes;
    size_t len;

    return answer_field_is(doc, token, JSON_STRING) &&
           json_string(doc, token, scratch, sizeof(scratch), &bytes, &len) == 0 &&
           len <= ERROR_MESSAGE_MAX;
}

/* The body is the envelope that the client expects, so that not a byte of it needs to change. */
static bool fits(const struct answer_conversion *conversion, const struct json_doc *doc)
{
    uint32_t error = json_get(doc, 0, "error");
    int64_t code;

    if (!is_short_text(doc, json_get(doc, error, "message")))
        return false;
    if (conversion->api == API_MESSAGES)
        return json_string_is(doc, json_get(doc, 0, "type"), "error") &&
               answer_field_is(doc, json_get(doc, error, "type"), JSON_STRING);
    if (conversion->to == DIALECT_OPENROUTER)
        return is_number(doc, json_get(doc, error, "code"), &code);
    return answer_field_is(doc, json_get(doc, error, "type"), JSON_STRING);
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static struct text trim(struct text text)
{
    while (text.len > 0 && is_space(text.bytes[0])) {
        text.bytes++;
        text.len--;
    }
    while (text.len > 0 && is_space(text.bytes[text.len - 1]))
        text.len--;
    return text;
}

/* As much as a message may have; what is no character is shown as '?'. */
static void copy_text(struct text text, char message[ERROR_MESSAGE_MAX + 1])
{
    size_t len = 0;

    for (size_t at = 0; at < text.len;) {
        size_t count = export_utf8(text.bytes + at, text.len - at);

        if (len + (count > 0 ? count : 1) > ERROR_MESSAGE_MAX)
            break;
        if (count == 0 || text.bytes[at] == '\0') {
            message[len++] = '?';
            at++;
        } else {
            memcpy(message + len, text.bytes + at, count);
            len += count;
            at += count;
        }
    }
    message[len] = '\0';
}

/* What is no JSON: plain text is the message; a page of markup is none that anybody should read. */
static void say_text(struct error_said *said, int status, struct text body)
{
    struct text text = trim(body);
    const char *what = text.len == 0 ? "an empty body" : "HTML";

    if (text.len > 0 && memchr("<{[", text.bytes[0], 3) == NULL) {
        copy_text(text, said->message);
        return;
    }
    if (text.len > 0 && text.bytes[0] != '<')
        what = "JSON that tells no error";
    snprintf(said->message, sizeof(said->message), "Upstream answered %d with %s", status, what);
}

int answer_convert_error(const struct answer_conversion *conversion, int status, struct text body,
                         struct out *out)
{
    struct json_doc doc;
    struct error_said said;
    int parsed;

    assert(out->len == 0);
    json_doc_init(&doc);
    parsed = body.len > 0 ? json_parse(&doc, body.bytes, body.len, NULL) : -EBADMSG;
    if (parsed == -ENOMEM)
        return -ENOMEM;
    if (parsed == 0 && fits(conversion, &doc)) {
        json_doc_release(&doc);
        return 0;
    }
    if (parsed != 0 || !error_read(&doc, 0, status, &said)) {
        error_said_nothing(&doc, status, &said);
        say_text(&said, status, body);
    }
    error_print(&said, conversion, out);
    json_doc_release(&doc);
    return out->error;
}
