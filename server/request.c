#include "server/request.h"

#include "server/dialect/request_convert.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

/* --- headers --- */

/* What becomes a column must be UTF-8. Header values may be anything (RFC 9110 section 5.5), so
 * bytes that are no part of a character are shown as question marks, upstream too. */
static void make_utf8(struct text value)
{
    unsigned char *at = (unsigned char *)(uintptr_t)value.bytes, *end = at + value.len;

    while (at < end) {
        size_t more = *at < 0x80                  ? 0
                      : *at >= 0xC2 && *at < 0xE0 ? 1
                      : *at >= 0xE0 && *at < 0xF0 ? 2
                      : *at >= 0xF0 && *at < 0xF5 ? 3
                                                  : SIZE_MAX;
        bool whole = more != SIZE_MAX && more < (size_t)(end - at);
        for (size_t i = 1; whole && i <= more; i++)
            whole = (at[i] & 0xC0) == 0x80;
        if (whole && more == 2)
            whole = !(at[0] == 0xE0 && at[1] < 0xA0) && !(at[0] == 0xED && at[1] > 0x9F);
        if (whole && more == 3)
            whole = !(at[0] == 0xF0 && at[1] < 0x90) && !(at[0] == 0xF4 && at[1] > 0x8F);
        if (!whole) {
            *at++ = '?';
            continue;
        }
        at += more + 1;
    }
}

static bool text_is(struct text text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.bytes, word, text.len) == 0;
}

static bool has_prefix(struct text text, const char *prefix)
{
    size_t len = strlen(prefix);

    return text.len > len && memcmp(text.bytes, prefix, len) == 0;
}

static bool has_suffix(struct text text, const char *suffix)
{
    size_t len = strlen(suffix);

    return text.len > len && memcmp(text.bytes + text.len - len, suffix, len) == 0;
}

/* Request headers that go upstream as they came (vercel section 1; openrouter section 6). */
static bool goes_upstream(struct text name)
{
    static const char *const names[] = {
        "http-referer",
        "x-title",
        "x-openrouter-title",
        "ai-reporting-tags",
        "ai-reporting-user",
        "x-session-affinity",
        "x-session-id",
        "anthropic-version",
        "anthropic-beta",
        "x-anthropic-beta",
        "user-agent",
        "x-vercel-ai-gateway-team",
        "x-openrouter-categories",
        "x-openrouter-metadata",
        "x-openrouter-experimental-metadata",
    };

    if (has_prefix(name, "ai-"))
        return true;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (text_is(name, names[i]))
            return true;
    return false;
}

static void read_authorization(struct request_headers *headers, struct text value)
{
    if (value.len < 7 || strncasecmp(value.bytes, "bearer ", 7) != 0)
        return;
    value.bytes += 7;
    value.len -= 7;
    while (value.len > 0 && *value.bytes == ' ') {
        value.bytes++;
        value.len--;
    }
    headers->api_key = value;
}

static void read_cache_header(struct request_headers *headers, struct text name, struct text value)
{
    struct wish *wish = &headers->wish;

    if (text_is(name, "x-openrouter-cache")) {
        wish->cache = wish_parse_switch(value.bytes, value.len);
    } else if (text_is(name, "x-openrouter-cache-ttl")) {
        wish->ttl_s = wish_parse_ttl(value.bytes, value.len);
    } else if (text_is(name, "x-openrouter-cache-clear")) {
        wish->clear = wish_parse_switch(value.bytes, value.len) == WISH_ON;
    } else if (text_is(name, "x-openrouter-cache-salt")) {
        headers->too_long |= value.len > WISH_SALT_MAX;
        wish->salt = value.bytes;
        wish->salt_len = value.len;
    }
}

/* Each kind of model has its own header, and which of them the upstream reads is its business. */
static void read_ai_model(struct request_headers *headers, struct text value)
{
    struct text known = headers->ai_model;

    if (known.bytes != NULL)
        headers->ai_models_differ |=
            known.len != value.len || memcmp(known.bytes, value.bytes, value.len) != 0;
    headers->ai_model = value;
}

static void read_attribution(struct request_headers *headers, struct text name, struct text value)
{
    if (text_is(name, "http-referer"))
        headers->referer = value;
    if (text_is(name, "x-title") || text_is(name, "x-openrouter-title"))
        headers->app = value;
    else if (text_is(name, "http-referer") && headers->app.len == 0)
        headers->app = value;
    else if (text_is(name, "ai-reporting-user"))
        headers->user = value;
    else if (text_is(name, "ai-reporting-tags"))
        headers->tags = value;
    else if (text_is(name, "x-session-id"))
        headers->session = value;
    else if (text_is(name, "ai-o11y-environment"))
        headers->environment = value;
    else if (text_is(name, "ai-language-model-streaming"))
        headers->ai_streaming = text_is(value, "true");
    else if (has_prefix(name, "ai-") && has_suffix(name, "-model-id"))
        read_ai_model(headers, value);
}

static void read_own_header(struct request_headers *headers, struct text name, struct text value)
{
    if (text_is(name, "x-openrouter-metadata") ||
        text_is(name, "x-openrouter-experimental-metadata"))
        headers->metadata = value.len == 7 && strncasecmp(value.bytes, "enabled", 7) == 0;
    else if (text_is(name, "x-tollgate-upstream"))
        headers->upstream = value;
    else if (text_is(name, "content-type")) {
        headers->too_long |= value.len > REQUEST_VALUE_MAX;
        headers->content_type = value;
    } else if (text_is(name, "origin"))
        headers->cross_origin = true;
}

/* What only says who asks, or how, changes no answer. */
static bool steers(struct text name)
{
    return has_prefix(name, "ai-") && !has_prefix(name, "ai-reporting-") &&
           !has_prefix(name, "ai-o11y-") && !text_is(name, "ai-gateway-auth-method");
}

void request_read_header(struct request_headers *headers, struct text name, struct text value)
{
    if (name.len < 6 || name.len > 48)
        return; /* none of ours */
    if (text_is(name, "authorization")) {
        read_authorization(headers, value);
    } else if (text_is(name, "x-api-key")) {
        if (headers->api_key.len == 0)
            headers->api_key = value;
    } else if (text_is(name, "cache-control")) {
        wish_parse_cache_control(value.bytes, value.len, &headers->wish);
    } else if (name.len >= 18 && memcmp(name.bytes, "x-openrouter-cache", 18) == 0) {
        read_cache_header(headers, name, value);
    } else if (goes_upstream(name)) {
        headers->too_long |= value.len > REQUEST_VALUE_MAX;
        make_utf8(value);
        read_attribution(headers, name, value);
        headers->too_long |= headers->forward_count == REQUEST_FORWARD_MAX && steers(name);
        if (headers->forward_count < REQUEST_FORWARD_MAX) {
            headers->forward[headers->forward_count].name = name;
            headers->forward[headers->forward_count++].value = value;
        }
    }
    read_own_header(headers, name, value);
}

static int add_steering(struct text name, struct text value, char text[REQUEST_STEER_MAX],
                        size_t *len)
{
    if (name.len + value.len + 2 > REQUEST_STEER_MAX - *len)
        return -E2BIG;
    memcpy(text + *len, name.bytes, name.len);
    text[*len + name.len] = '\0';
    memcpy(text + *len + name.len + 1, value.bytes, value.len);
    *len += name.len + 1 + value.len;
    text[(*len)++] = '\0';
    return 0;
}

int request_print_steering(const struct request_headers *headers, char text[REQUEST_STEER_MAX],
                           size_t *ret_len)
{
    int result = 0;

    *ret_len = 0;
    for (unsigned i = 0; i < headers->forward_count && result == 0; i++)
        if (steers(headers->forward[i].name))
            result =
                add_steering(headers->forward[i].name, headers->forward[i].value, text, ret_len);
    if (result == 0 && headers->upstream.len > 0)
        result = add_steering(TEXT("x-tollgate-upstream"), headers->upstream, text, ret_len);
    return result;
}

/* --- tags --- */

struct tag_list {
    struct text tag[ROW_TAGS_MAX];
    unsigned count;
};

static int add_tag(struct tag_list *list, struct text tag)
{
    size_t characters = 0;

    for (size_t i = 0; i < tag.len; i++)
        characters += ((unsigned char)tag.bytes[i] & 0xC0) != 0x80;
    if (characters == 0 || characters > REQUEST_TAG_MAX)
        return -E2BIG;
    for (unsigned i = 0; i < list->count; i++)
        if (list->tag[i].len == tag.len && memcmp(list->tag[i].bytes, tag.bytes, tag.len) == 0)
            return 0;
    if (list->count == ROW_TAGS_MAX)
        return -E2BIG;
    list->tag[list->count++] = tag;
    return 0;
}

static size_t print_tag(struct text tag, char *out)
{
    static const char hex[] = "0123456789abcdef";
    size_t len = 0;

    out[len++] = '"';
    for (size_t i = 0; i < tag.len; i++) {
        unsigned char byte = (unsigned char)tag.bytes[i];
        if (byte == '"' || byte == '\\') {
            out[len++] = '\\';
            out[len++] = (char)byte;
        } else if (byte < 0x20) {
            memcpy(out + len, "\\u00", 4);
            out[len + 4] = hex[byte >> 4];
            out[len + 5] = hex[byte & 15];
            len += 6;
        } else {
            out[len++] = (char)byte;
        }
    }
    out[len++] = '"';
    return len;
}

/* 10 tags of 64 characters of 4 bytes, or of 6-byte escapes, and their quotes and commas. */
_Static_assert(ROW_TAGS_MAX *(REQUEST_TAG_MAX * 6 + 3) + 2 <= ROW_TAGS_BYTES_MAX,
               "every permitted list of tags fits");

static size_t print_tags(const struct tag_list *list, char tags[ROW_TAGS_BYTES_MAX])
{
    size_t len = 0;

    if (list->count == 0)
        return 0;
    tags[len++] = '[';
    for (unsigned i = 0; i < list->count; i++) {
        if (i > 0)
            tags[len++] = ',';
        len += print_tag(list->tag[i], tags + len);
    }
    tags[len++] = ']';
    return len;
}

/* Unescaped tag texts go into scratch, one after the other. */
static int add_json_tags(struct tag_list *list, const struct json_doc *doc, uint32_t array,
                         char *scratch, size_t size)
{
    uint32_t item;

    for (item = json_first(doc, array); item != JSON_NONE; item = json_next(doc, array, item)) {
        struct text tag;
        int result = json_string(doc, item, scratch, size, &tag.bytes, &tag.len);
        if (result != 0)
            return result == -EINVAL ? -EINVAL : -E2BIG;
        if (tag.bytes == scratch) {
            scratch += tag.len;
            size -= tag.len;
        }
        result = add_tag(list, tag);
        if (result != 0)
            return result;
    }
    return 0;
}

static int add_header_tags(struct tag_list *list, struct text tags)
{
    const char *at = tags.bytes, *end = tags.bytes + tags.len;

    while (at < end) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma != NULL ? comma : end, *next = stop + 1;
        while (at < stop && *at == ' ')
            at++;
        while (stop > at && stop[-1] == ' ')
            stop--;
        if (stop > at) {
            int result = add_tag(list, (struct text){at, (size_t)(stop - at)});
            if (result != 0)
                return result;
        }
        at = next;
    }
    return 0;
}

int request_merge_tags(struct json_doc *doc, struct text body_tags, struct text header_tags,
                       char tags[ROW_TAGS_BYTES_MAX], size_t *ret_len)
{
    char scratch[ROW_TAGS_BYTES_MAX];
    struct tag_list list = {.count = 0};
    int result = 0;

    if (body_tags.len > 0) {
        result = json_parse(doc, body_tags.bytes, body_tags.len, NULL);
        if (result == 0)
            result = add_json_tags(&list, doc, 0, scratch, sizeof scratch);
    }
    if (result == 0)
        result = add_header_tags(&list, header_tags);
    if (result == 0)
        *ret_len = print_tags(&list, tags);
    return result;
}

/* --- body --- */

/* A string member, at most ROW_NAME_MAX characters. Absent and null are the empty text. */
static int read_text(const struct json_doc *doc, uint32_t token, char text[ROW_NAME_MAX + 1],
                     size_t *ret_len)
{
    const char *bytes;
    size_t len;
    int result;

    if (token == JSON_NONE || doc->tokens[token].type == JSON_NULL)
        return 0;
    result = json_string(doc, token, text, ROW_NAME_MAX + 1, &bytes, &len);
    if (result != 0 || len > ROW_NAME_MAX || memchr(bytes, '\0', len) != NULL)
        return -EINVAL;
    if (bytes != text)
        memcpy(text, bytes, len);
    text[len] = '\0';
    *ret_len = len;
    return 0;
}

static int read_tags(const struct json_doc *doc, uint32_t array, char tags[ROW_TAGS_BYTES_MAX],
                     struct text *ret_tags)
{
    char scratch[ROW_TAGS_BYTES_MAX];
    struct tag_list list = {.count = 0};
    int result;

    if (array == JSON_NONE || doc->tokens[array].type != JSON_ARRAY)
        return 0;
    result = add_json_tags(&list, doc, array, scratch, sizeof scratch);
    if (result == 0)
        *ret_tags = (struct text){tags, print_tags(&list, tags)};
    return result;
}

/* `models` of both dialects, Vercel's gateway.models, and `fallbacks` of Anthropic's shape, whose
 * elements are {"model": ...} (openrouter-api.md section 3.2). */
static int read_fallbacks(const struct json_doc *doc, uint32_t list, struct request_body *body)
{
    if (list == JSON_NONE || doc->tokens[list].type != JSON_ARRAY)
        return 0;
    for (uint32_t item = json_first(doc, list); item != JSON_NONE;
         item = json_next(doc, list, item)) {
        uint32_t id = doc->tokens[item].type == JSON_OBJECT ? json_get(doc, item, "model") : item;
        size_t len = 0;

        if (body->fallback_count == REQUEST_FALLBACKS_MAX || id == JSON_NONE)
            return -EINVAL;
        if (read_text(doc, id, body->fallback[body->fallback_count], &len) != 0 || len == 0)
            return -EINVAL;
        /* A list that begins with the model itself is common. */
        if (strcmp(body->fallback[body->fallback_count], body->model) != 0)
            body->fallback_count++;
    }
    return 0;
}

static void name_model(const struct json_doc *doc, uint32_t token, struct request_body *body)
{
    char *name = body->fallback[body->named_count];
    size_t len = 0;

    if (body->names_more || doc->tokens[token].type != JSON_STRING)
        return;
    body->names_more =
        body->named_count == REQUEST_FALLBACKS_MAX || read_text(doc, token, name, &len) != 0;
    if (body->names_more || len == 0 || strcmp(name, body->model) == 0)
        return;
    for (unsigned i = 0; i < body->named_count; i++)
        if (strcmp(name, body->fallback[i]) == 0)
            return;
    body->named_count++;
}

/* Tools and plugins may ask models of their own: {"id":"fusion","model":...,"analysis_models":[]}.
 */
static void name_inner_models(const struct json_doc *doc, uint32_t list, struct request_body *body)
{
    uint32_t end = list == JSON_NONE ? 0 : doc->tokens[list].next;

    for (uint32_t i = list; i < end && !body->names_more; i++) {
        if (doc->tokens[i].type != JSON_OBJECT)
            continue;
        for (uint32_t key = json_first(doc, i); key != JSON_NONE;
             key = json_next(doc, i, key + 1)) {
            bool one = json_string_is(doc, key, "model"), many = json_string_is(doc, key, "models");
            uint32_t value = key + 1;
            many = many || json_string_is(doc, key, "analysis_models");
            if (one)
                name_model(doc, value, body);
            for (uint32_t item = many ? json_first(doc, value) : JSON_NONE; item != JSON_NONE;
                 item = json_next(doc, value, item))
                name_model(doc, item, body);
        }
    }
}

/* Whose request it is: Vercel's options, the OpenAI field, Anthropic's metadata. */
static uint32_t find_user(const struct json_doc *doc, uint32_t gateway)
{
    uint32_t user = json_get(doc, gateway, "user");

    if (user == JSON_NONE)
        user = json_get(doc, 0, "user");
    if (user != JSON_NONE)
        return user;
    /* `metadata` is also a free object of OpenAI's: what does not look like a user is none. */
    user = json_get(doc, json_get(doc, 0, "metadata"), "user_id");
    if (user == JSON_NONE || doc->tokens[user].type != JSON_STRING ||
        doc->tokens[user].end - doc->tokens[user].start - 2 > ROW_NAME_MAX)
        return JSON_NONE;
    return user;
}

/* "fast" is what OpenRouter's `speed` says of Anthropic's models. What is no short text is none. */
static void read_tier(const struct json_doc *doc, char *tier, size_t size)
{
    uint32_t token = json_get(doc, 0, "service_tier");
    const char *bytes;
    char scratch[64];
    size_t len;

    if (token == JSON_NONE || doc->tokens[token].type != JSON_STRING)
        token = json_get(doc, 0, "speed");
    if (token == JSON_NONE || doc->tokens[token].type != JSON_STRING ||
        json_string(doc, token, scratch, sizeof scratch, &bytes, &len) != 0 || len >= size)
        return;
    memcpy(tier, bytes, len);
    tier[len] = '\0';
}

bool request_is_modest(const struct json_doc *doc)
{
    unsigned count = 0;

    if (doc->tokens[0].type != JSON_OBJECT)
        return true;
    for (uint32_t key = json_first(doc, 0); key != JSON_NONE; key = json_next(doc, 0, key + 1))
        if (++count > REQUEST_MEMBERS_MAX)
            return false;
    return true;
}

void request_lead_with_fallback(struct request_body *body)
{
    if (body->model_len > 0 || body->fallback_count == 0)
        return;
    body->model_len = strlen(body->fallback[0]);
    memcpy(body->model, body->fallback[0], body->model_len + 1);
    body->fallback_count--;
    body->named_count--;
    memmove(body->fallback[0], body->fallback[1], body->named_count * sizeof body->fallback[0]);
}

int request_read_body(const struct json_doc *doc, struct request_body *body,
                      char tags[ROW_TAGS_BYTES_MAX], const char **ret_detail)
{
    uint32_t stream, gateway;

    memset(body, 0, sizeof *body);
    *ret_detail = "The request body must be a JSON object.";
    if (doc->tokens[0].type != JSON_OBJECT)
        return -EINVAL;
    *ret_detail = "`model` must be a string of 1 to 256 bytes.";
    if (read_text(doc, json_get(doc, 0, "model"), body->model, &body->model_len) != 0)
        return -EINVAL;
    stream = json_get(doc, 0, "stream");
    body->stream = stream != JSON_NONE && doc->tokens[stream].type == JSON_TRUE;
    body->reasoning_off = request_reasoning_is_off(doc);

    read_tier(doc, body->service_tier, sizeof body->service_tier);

    gateway = json_get(doc, json_get(doc, 0, "providerOptions"), "gateway");
    *ret_detail = "`user` must be a string of at most 256 bytes.";
    if (read_text(doc, find_user(doc, gateway), body->user, &body->user_len) != 0)
        return -EINVAL;
    *ret_detail = "`session_id` must be a string of at most 256 bytes.";
    if (read_text(doc, json_get(doc, 0, "session_id"), body->session, &body->session_len) != 0)
        return -EINVAL;
    *ret_detail = "Fallback models are a list of at most 8 model ids.";
    if (read_fallbacks(doc, json_get(doc, 0, "models"), body) != 0 ||
        read_fallbacks(doc, json_get(doc, gateway, "models"), body) != 0 ||
        read_fallbacks(doc, json_get(doc, 0, "fallbacks"), body) != 0)
        return -EINVAL;
    body->named_count = body->fallback_count;
    name_inner_models(doc, json_get(doc, 0, "plugins"), body);
    name_inner_models(doc, json_get(doc, 0, "tools"), body);
    *ret_detail = "`providerOptions.gateway.tags` takes at most 10 strings of 1 to 64 characters.";
    return read_tags(doc, json_get(doc, gateway, "tags"), tags, &body->tags) == 0 ? 0 : -EINVAL;
}
