/* compare_prompts.c - a file of prompts, one JSON object a line, into bodies of chat requests. */
#include "server/compare.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void compare_prompts_release(struct compare_prompts *prompts)
{
    for (unsigned i = 0; i < prompts->count; i++)
        out_release(&prompts->prompt[i].members);
    free(prompts->prompt);
    *prompts = (struct compare_prompts){NULL, 0};
}

/* Tables align it, terminals show it. */
static bool is_id(struct text id)
{
    for (size_t i = 0; i < id.len; i++) {
        if ((unsigned char)id.bytes[i] < ' ' || id.bytes[i] == 0x7f)
            return false;
    }
    return id.len > 0 && id.len <= COMPARE_ID_MAX;
}

static const char *read_id(const struct json_doc *doc, unsigned line, char id[COMPARE_ID_MAX + 1])
{
    uint32_t value = json_get(doc, 0, "id");
    char scratch[COMPARE_ID_MAX];
    struct text text = {NULL, 0};
    int64_t number;

    if (value == JSON_NONE) {
        snprintf(id, COMPARE_ID_MAX + 1, "%u", line);
    } else if (json_int64(doc, value, &number) == 0) {
        snprintf(id, COMPARE_ID_MAX + 1, "%" PRId64, number);
    } else if (json_string(doc, value, scratch, sizeof(scratch), &text.bytes, &text.len) == 0 &&
               is_id(text)) {
        memcpy(id, text.bytes, text.len);
        id[text.len] = '\0';
    } else {
        return "id must be a whole number or a text of 1 to 128 bytes";
    }
    return NULL;
}

/* Members that are ours to say. */
static bool is_ours(const struct json_doc *doc, uint32_t key)
{
    static const char *const names[] = {"id", "prompt", "model", "stream"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (json_string_is(doc, key, names[i]))
            return true;
    }
    return false;
}

static void write_members(const struct json_doc *doc, struct out *out)
{
    uint32_t prompt = json_get(doc, 0, "prompt");

    if (prompt != JSON_NONE) {
        out_text(out, "\"messages\":[{\"role\":\"user\",\"content\":");
        out_value(out, doc, prompt);
        out_text(out, "}]");
    }
    for (uint32_t key = json_first(doc, 0); key != JSON_NONE; key = json_next(doc, 0, key + 1)) {
        if (is_ours(doc, key))
            continue;
        if (out->len > 0)
            out_char(out, ',');
        out_span(out, doc, doc->tokens[key].start, doc->tokens[key + 1].end);
    }
    if (json_get(doc, 0, "stream_options") == JSON_NONE)
        out_text(out, ",\"stream_options\":{\"include_usage\":true}");
}

static const char *read_prompt(const struct json_doc *doc, unsigned line,
                               struct compare_prompt *prompt)
{
    uint32_t text = json_get(doc, 0, "prompt"), messages = json_get(doc, 0, "messages");
    const char *complaint = read_id(doc, line, prompt->id);

    if (complaint != NULL)
        return complaint;
    if ((text == JSON_NONE) == (messages == JSON_NONE))
        return "needs a prompt or messages, one of the two";
    if (text != JSON_NONE && doc->tokens[text].type != JSON_STRING)
        return "prompt must be a text";
    if (messages != JSON_NONE && doc->tokens[messages].type != JSON_ARRAY)
        return "messages must be an array";
    write_members(doc, &prompt->members);
    return NULL;
}

static bool is_blank(const char *line, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (strchr(" \t\r", line[i]) == NULL || line[i] == '\0')
            return false;
    }
    return true;
}

static const char *read_line(struct json_doc *doc, const char *line, size_t len, unsigned number,
                             struct compare_prompts *prompts)
{
    struct compare_prompt *prompt = &prompts->prompt[prompts->count];
    const char *complaint;

    if (json_parse(doc, line, len, NULL) != 0 || doc->tokens[0].type != JSON_OBJECT)
        return "is no JSON object; write one a line, such as {\"prompt\":\"Say hello.\"}";
    if (prompts->count == COMPARE_PROMPTS_MAX)
        return "more than 10000 prompts; split the file";
    complaint = read_prompt(doc, number, prompt);
    if (complaint != NULL) {
        out_release(&prompt->members);
        return complaint;
    }
    prompts->count++;
    return NULL;
}

static int compare_ids(const void *a, const void *b)
{
    const struct compare_prompt *one = *(struct compare_prompt *const *)a;
    const struct compare_prompt *other = *(struct compare_prompt *const *)b;

    return strcmp(one->id, other->id);
}

/* An id twice would make two answers one in a baseline. */
static int check_ids(const struct compare_prompts *prompts, char *error, size_t error_size)
{
    struct compare_prompt **sorted = calloc(prompts->count + 1, sizeof(struct compare_prompt *));
    int result = sorted == NULL ? -ENOMEM : 0;

    for (unsigned i = 0; result == 0 && i < prompts->count; i++)
        sorted[i] = &prompts->prompt[i];
    if (result == 0)
        qsort(sorted, prompts->count, sizeof(*sorted), compare_ids);
    for (unsigned i = 1; result == 0 && i < prompts->count; i++) {
        if (strcmp(sorted[i - 1]->id, sorted[i]->id) != 0)
            continue;
        snprintf(error, error_size, "two prompts have the id %s; give each its own", sorted[i]->id);
        result = -EINVAL;
    }
    free(sorted);
    return result;
}

int compare_prompts_read(const char *text, size_t len, struct compare_prompts *prompts, char *error,
                         size_t error_size)
{
    const char *complaint = NULL;
    struct json_doc doc;
    unsigned line = 0;

    prompts->count = 0;
    prompts->prompt = calloc(COMPARE_PROMPTS_MAX + 1, sizeof(prompts->prompt[0]));
    if (prompts->prompt == NULL)
        return -ENOMEM;
    json_doc_init(&doc);
    for (size_t at = 0; at < len && complaint == NULL;) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t line_len = end != NULL ? (size_t)(end - text) - at : len - at;

        line++;
        if (!is_blank(text + at, line_len))
            complaint = read_line(&doc, text + at, line_len, line, prompts);
        at += line_len + 1;
    }
    json_doc_release(&doc);
    if (complaint == NULL && prompts->count == 0)
        complaint = "there is no prompt";
    if (complaint != NULL) {
        snprintf(error, error_size, "line %u: %s", line > 0 ? line : 1, complaint);
        return -EINVAL;
    }
    for (unsigned i = 0; i < prompts->count; i++) {
        if (prompts->prompt[i].members.error != 0)
            return prompts->prompt[i].members.error;
    }
    return check_ids(prompts, error, error_size);
}

void compare_prompt_body(const struct compare_prompt *prompt, const char *model, struct out *body)
{
    out_text(body, "{\"model\":");
    out_string(body, text_of(model));
    out_text(body, ",\"stream\":true,");
    out_bytes(body, prompt->members.bytes, prompt->members.len);
    out_char(body, '}');
}
