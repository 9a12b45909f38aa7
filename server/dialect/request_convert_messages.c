/* request_convert_messages.c - messages and their parts, where dialects differ. See
 * request_convert_private.h.
 *
 *                        OpenRouter, generic              Vercel
 *   prompt-cache mark    on a part; OpenRouter: also      on the message
 *                        at the top, for the last one
 *   file part            file_data, a data URL            data, media_type
 *   reasoning            reasoning_content is an alias    reasoning
 *
 * Anthropic's messages have no role "system"; OpenRouter's do. Leading ones become `system`.
 */
#include "server/dialect/request_convert_private.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum { DATA_URL_HEAD_MAX = 256 }; /* bytes before the data of a data URL */

/* --- files in URLs --- */

/* The text of a string between its quotes, escapes and all: it can be put between others. */
static struct text raw(const struct json_doc *doc, uint32_t string)
{
    return (struct text){doc->text + doc->tokens[string].start + 1,
                         doc->tokens[string].end - doc->tokens[string].start - 2};
}

static bool starts(struct text text, const char *prefix)
{
    size_t len = strlen(prefix);

    return text.len >= len && memcmp(text.bytes, prefix, len) == 0;
}

/* data:application/pdf;base64,JVBE... False: another kind of URL, or nothing of the kind. */
static bool split_data_url(struct text url, struct text *ret_type, struct text *ret_data)
{
    static const char scheme[] = "data:", coding[] = ";base64,";
    size_t head = url.len < DATA_URL_HEAD_MAX ? url.len : DATA_URL_HEAD_MAX;
    const char *type = url.bytes + sizeof(scheme) - 1, *end, *data;

    if (!starts(url, scheme))
        return false;
    data = memmem(url.bytes, head, coding, sizeof(coding) - 1);
    if (data == NULL)
        return false;
    end = memchr(type, ';', (size_t)(data + 1 - type));
    *ret_type = (struct text){type, (size_t)(end - type)};
    data += sizeof(coding) - 1;
    *ret_data = (struct text){data, url.len - (size_t)(data - url.bytes)};
    return ret_type->len > 0;
}

/* --- what a message needs --- */

struct message {
    uint32_t token;
    uint32_t mark; /* to VERCEL: put on the message; else: put on its last part; or JSON_NONE */
    bool moves;    /* its own mark leaves the message */
    bool alias;    /* reasoning_content becomes reasoning, */
    bool twin;     /* ... or goes, because that is said as well */
    bool generic;  /* to OPENAI: reasoning becomes reasoning_content */
    bool files;    /* a part is a file to be said otherwise */
    bool remote;   /* to VERCEL: ... which is not in the request: nothing else could be said */
};

static bool needs_rewriting(const struct message *message)
{
    return message->mark != JSON_NONE || message->moves || message->alias || message->generic ||
           message->files;
}

/* A file part whose `file` is in the other dialect's words; JSON_NONE: it is not. */
static uint32_t foreign_file(const struct convert *convert, uint32_t part)
{
    const struct json_doc *doc = convert->doc;
    uint32_t file = json_get(doc, part, "file");
    uint32_t data = json_get(doc, file, "data"), url = json_get(doc, file, "file_data");

    if (convert->to == DIALECT_VERCEL)
        return convert_is(doc, url, JSON_STRING) && !convert_is_nothing(doc, url) &&
                       !convert_is_said(doc, data)
                   ? file
                   : JSON_NONE;
    return convert_is(doc, data, JSON_STRING) && !convert_is_said(doc, url) ? file : JSON_NONE;
}

/* file: a foreign one. */
static bool is_remote(const struct convert *convert, uint32_t file)
{
    uint32_t url = json_get(convert->doc, file, "file_data");
    struct text media_type, data;

    return convert->to == DIALECT_VERCEL &&
           !split_data_url(raw(convert->doc, url), &media_type, &data);
}

static void read_parts(const struct convert *convert, uint32_t content, struct message *message,
                       uint32_t *ret_mark, uint32_t *ret_last)
{
    const struct json_doc *doc = convert->doc;

    if (!convert_is(doc, content, JSON_ARRAY))
        return;
    for (uint32_t part = json_first(doc, content); part != JSON_NONE;
         part = json_next(doc, content, part)) {
        uint32_t mark = json_get(doc, part, "cache_control");
        uint32_t file = foreign_file(convert, part);

        if (convert_is_said(doc, mark))
            *ret_mark = mark;
        if (file != JSON_NONE)
            message->files = true;
        if (file != JSON_NONE && is_remote(convert, file))
            message->remote = true;
        *ret_last = part;
    }
}

static struct message read_for_vercel(const struct convert *convert, uint32_t token, bool last)
{
    const struct json_doc *doc = convert->doc;
    struct message message = {.token = token, .mark = JSON_NONE};
    uint32_t mark = JSON_NONE, last_part = JSON_NONE;

    read_parts(convert, json_get(doc, token, "content"), &message, &mark, &last_part);
    if (mark == JSON_NONE && last)
        mark = convert->mark;
    if (!convert_is_said(doc, json_get(doc, token, "cache_control")))
        message.mark = mark;
    message.alias = json_string_is(doc, json_get(doc, token, "role"), "assistant") &&
                    json_get(doc, token, "reasoning_content") != JSON_NONE;
    message.twin = convert_is_said(doc, json_get(doc, token, "reasoning"));
    return message;
}

/* From Vercel. *ret_lost: the mark finds no part to sit on. */
static struct message read_from_vercel(const struct convert *convert, uint32_t token,
                                       bool *ret_lost)
{
    const struct json_doc *doc = convert->doc;
    struct message message = {.token = token, .mark = JSON_NONE};
    uint32_t mark = json_get(doc, token, "cache_control");
    uint32_t content = json_get(doc, token, "content");
    uint32_t part_mark = JSON_NONE, last_part = JSON_NONE;

    read_parts(convert, content, &message, &part_mark, &last_part);
    message.moves = mark != JSON_NONE;
    if (!convert_is_said(doc, mark))
        return message;
    if (convert_is(doc, last_part, JSON_OBJECT) ||
        (convert_is(doc, content, JSON_STRING) && !convert_is_nothing(doc, content)))
        message.mark = mark;
    else
        *ret_lost = true;
    return message;
}

/* What generic upstreams call the reasoning of an earlier turn, and answer with. */
static bool says_reasoning(const struct convert *convert, uint32_t token)
{
    const struct json_doc *doc = convert->doc;

    return json_string_is(doc, json_get(doc, token, "role"), "assistant") &&
           convert_is_said(doc, json_get(doc, token, "reasoning")) &&
           json_get(doc, token, "reasoning_content") == JSON_NONE;
}

static struct message read_message(const struct convert *convert, uint32_t token, bool last,
                                   bool *ret_lost)
{
    struct message message = {.token = token, .mark = JSON_NONE};

    if (!convert_is(convert->doc, token, JSON_OBJECT))
        return message;
    if (convert->to == DIALECT_VERCEL)
        return read_for_vercel(convert, token, last);
    if (convert->from == DIALECT_VERCEL)
        message = read_from_vercel(convert, token, ret_lost);
    message.generic = convert->to == DIALECT_OPENAI && convert->from != DIALECT_OPENAI &&
                      says_reasoning(convert, token);
    return message;
}

/* --- parts --- */

static void out_raw(struct out *out, const char *before, struct text text, const char *after)
{
    out_text(out, before);
    out_bytes(out, text.bytes, text.len);
    out_text(out, after);
}

/* False: it stays as it is, for the upstream to judge. */
static bool write_file_member(const struct convert *convert, uint32_t file,
                              const struct convert_member *member, struct out *out)
{
    const struct json_doc *doc = convert->doc;
    struct text media_type, data;
    uint32_t type;

    if (convert->to == DIALECT_VERCEL) {
        if (!json_string_is(doc, member->key, "file_data") ||
            !split_data_url(raw(doc, member->value), &media_type, &data))
            return false;
        out_name(out, "data");
        out_raw(out, "\"", data, "\"");
        if (convert_is_said(doc, json_get(doc, file, "media_type")))
            return true;
        out_name(out, "media_type");
        out_raw(out, "\"", media_type, "\"");
        return true;
    }
    if (json_string_is(doc, member->key, "media_type"))
        return true;
    if (!json_string_is(doc, member->key, "data"))
        return false;
    out_name(out, "file_data");
    data = raw(doc, member->value);
    if (starts(data, "data:") || starts(data, "http:") || starts(data, "https:")) {
        out_value(out, doc, member->value);
        return true;
    }
    type = json_get(doc, file, "media_type");
    out_raw(out, "\"data:",
            convert_is(doc, type, JSON_STRING) ? raw(doc, type) : TEXT("application/octet-stream"),
            ";base64,");
    out_raw(out, "", data, "\"");
    return true;
}

/* A null under a name that we write would be its twin. */
static bool is_replaced_null(const struct convert *convert, const struct convert_member *member)
{
    const struct json_doc *doc = convert->doc;

    if (convert_is_said(doc, member->value))
        return false;
    return convert->to == DIALECT_VERCEL ? json_string_is(doc, member->key, "data") ||
                                               json_string_is(doc, member->key, "media_type")
                                         : json_string_is(doc, member->key, "file_data");
}

static int write_file(struct convert *convert, uint32_t file, struct out *out)
{
    struct convert_members members;
    int error = convert_fold(convert, file, &members);

    out_char(out, '{');
    for (size_t i = 0; error == 0 && i < members.count; i++) {
        if (!is_replaced_null(convert, &members.at[i]) &&
            !write_file_member(convert, file, &members.at[i], out))
            convert_splice(convert, &members.at[i], out);
    }
    out_char(out, '}');
    return error;
}

/* mark: JSON_NONE, or what the part gets unless it has its own. */
static int write_part(struct convert *convert, uint32_t part, uint32_t mark, struct out *out)
{
    const struct json_doc *doc = convert->doc;
    uint32_t file = foreign_file(convert, part);
    struct convert_members members;
    int error;

    if (convert_is_said(doc, json_get(doc, part, "cache_control")))
        mark = JSON_NONE;
    if (file == JSON_NONE && mark == JSON_NONE) {
        out_value(out, doc, part);
        return 0;
    }
    error = convert_fold(convert, part, &members);
    out_char(out, '{');
    for (size_t i = 0; error == 0 && i < members.count; i++) {
        if (file != JSON_NONE && json_string_is(doc, members.at[i].key, "file")) {
            out_name(out, "file");
            error = write_file(convert, file, out);
        } else if (mark == JSON_NONE || !json_string_is(doc, members.at[i].key, "cache_control")) {
            convert_splice(convert, &members.at[i], out);
        }
    }
    if (mark != JSON_NONE) {
        out_name(out, "cache_control");
        out_value(out, doc, mark);
    }
    out_char(out, '}');
    return error;
}

/* mark: for the last part. */
static int write_parts(struct convert *convert, uint32_t content, uint32_t mark, struct out *out)
{
    const struct json_doc *doc = convert->doc;
    int error = 0;

    out_char(out, '[');
    for (uint32_t part = json_first(doc, content); part != JSON_NONE && error == 0;) {
        uint32_t next = json_next(doc, content, part);

        out_next(out);
        error = write_part(convert, part, next == JSON_NONE ? mark : JSON_NONE, out);
        part = next;
    }
    out_char(out, ']');
    return error;
}

static int write_content(struct convert *convert, uint32_t content, const struct message *message,
                         struct out *out)
{
    const struct json_doc *doc = convert->doc;
    uint32_t mark = convert->to == DIALECT_VERCEL ? JSON_NONE : message->mark;

    if (convert_is(doc, content, JSON_ARRAY))
        return write_parts(convert, content, mark, out);
    if (mark == JSON_NONE) {
        out_value(out, doc, content);
        return 0;
    }
    out_text(out, "[{\"type\":\"text\"");
    out_name(out, "text");
    out_value(out, doc, content);
    out_name(out, "cache_control");
    out_value(out, doc, mark);
    out_text(out, "}]");
    return 0;
}

/* --- messages --- */

static int write_member(struct convert *convert, const struct message *message,
                        const struct convert_member *member, struct out *out)
{
    const struct json_doc *doc = convert->doc;

    if (json_string_is(doc, member->key, "content")) {
        out_name(out, "content");
        return write_content(convert, member->value, message, out);
    }
    if ((message->moves || message->mark != JSON_NONE) &&
        json_string_is(doc, member->key, "cache_control"))
        return 0;
    if (message->alias && !message->twin && json_string_is(doc, member->key, "reasoning"))
        return 0;
    if (message->generic && json_string_is(doc, member->key, "reasoning")) {
        out_name(out, "reasoning_content");
        out_value(out, doc, member->value);
        return 0;
    }
    if (message->alias && json_string_is(doc, member->key, "reasoning_content")) {
        if (message->twin)
            return 0;
        out_name(out, "reasoning");
        out_value(out, doc, member->value);
        return 0;
    }
    convert_splice(convert, member, out);
    return 0;
}

static int write_message(struct convert *convert, const struct message *message, struct out *out)
{
    struct convert_members members;
    int error;

    if (!needs_rewriting(message)) {
        out_value(out, convert->doc, message->token);
        return 0;
    }
    error = convert_fold(convert, message->token, &members);
    out_char(out, '{');
    for (size_t i = 0; error == 0 && i < members.count; i++)
        error = write_member(convert, message, &members.at[i], out);
    if (convert->to == DIALECT_VERCEL && message->mark != JSON_NONE) {
        out_name(out, "cache_control");
        out_value(out, convert->doc, message->mark);
    }
    out_char(out, '}');
    return error;
}

int convert_write_messages(struct convert *convert, uint32_t messages, struct out *out)
{
    const struct json_doc *doc = convert->doc;
    uint32_t index = 0;
    bool lost;
    int error = 0;

    assert(convert->rewrite);
    out_char(out, '[');
    for (uint32_t at = json_first(doc, messages); at != JSON_NONE && error == 0; index++) {
        uint32_t next = json_next(doc, messages, at);

        if (index >= convert->skip) {
            struct message message = {.token = at, .mark = JSON_NONE};

            if (convert->api == API_CHAT)
                message = read_message(convert, at, next == JSON_NONE, &lost);
            out_next(out);
            error = write_message(convert, &message, out);
        }
        at = next;
    }
    out_char(out, ']');
    return error;
}

static int read_messages(struct convert *convert, uint32_t messages)
{
    const struct json_doc *doc = convert->doc;
    bool lost = false;

    for (uint32_t at = json_first(doc, messages); at != JSON_NONE;) {
        uint32_t next = json_next(doc, messages, at);
        struct message message = read_message(convert, at, next == JSON_NONE, &lost);

        if (message.remote)
            return convert_refuse(convert, "messages[].file_data",
                                  "it takes the file itself; send it as a base64 data URL");
        if (needs_rewriting(&message))
            convert->rewrite = true;
        at = next;
    }
    if (lost)
        convert_warn(convert, "messages[].cache_control");
    return 0;
}

/* --- Anthropic's `system` --- */

/* Elements of a system prompt: a string is a text block. */
static void write_blocks(const struct convert *convert, uint32_t content, struct out *out)
{
    const struct json_doc *doc = convert->doc;

    if (convert_is(doc, content, JSON_STRING)) {
        out_next(out);
        out_text(out, "{\"type\":\"text\",\"text\":");
        out_value(out, doc, content);
        out_char(out, '}');
        return;
    }
    for (uint32_t block = json_first(doc, content); block != JSON_NONE;
         block = json_next(doc, content, block)) {
        out_next(out);
        out_value(out, doc, block);
    }
}

static bool is_content(const struct convert *convert, uint32_t content)
{
    return convert_is(convert->doc, content, JSON_STRING) ||
           convert_is(convert->doc, content, JSON_ARRAY);
}

static int hoist_system(struct convert *convert, uint32_t messages)
{
    const struct json_doc *doc = convert->doc;
    uint32_t system = json_get(doc, 0, "system"), index = 0;
    struct out *out;

    for (uint32_t at = json_first(doc, messages); at != JSON_NONE;
         at = json_next(doc, messages, at), index++) {
        if (!json_string_is(doc, json_get(doc, at, "role"), "system"))
            continue;
        if (index != convert->skip)
            return convert_refuse(convert, "messages[].role system",
                                  "it must come before all other messages, or in `system`");
        if (!is_content(convert, json_get(doc, at, "content")))
            return convert_malformed(convert, "messages[].content", "a text or a list of blocks");
        convert->skip++;
    }
    if (convert->skip == 0)
        return 0;
    if (convert_is_said(doc, system) && !is_content(convert, system))
        return convert_malformed(convert, "system", "a text or a list of blocks");
    convert->rewrite = true;
    out = convert_say(convert, "system");
    out_char(out, '[');
    if (convert_is_said(doc, system))
        write_blocks(convert, system, out);
    index = 0;
    for (uint32_t at = json_first(doc, messages); index < convert->skip;
         at = json_next(doc, messages, at), index++)
        write_blocks(convert, json_get(doc, at, "content"), out);
    out_char(out, ']');
    convert_said(convert);
    return 0;
}

int convert_messages(struct convert *convert)
{
    uint32_t messages = json_get(convert->doc, 0, "messages");
    bool empty = !convert_is(convert->doc, messages, JSON_ARRAY) ||
                 json_first(convert->doc, messages) == JSON_NONE;

    if (convert->mark != JSON_NONE && empty)
        convert_warn(convert, "cache_control");
    if (empty)
        return 0;
    if (convert->api == API_CHAT)
        return read_messages(convert, messages);
    if (convert->api == API_MESSAGES && convert->from == DIALECT_OPENROUTER)
        return hoist_system(convert, messages);
    return 0;
}
