/* reads_endpoints.c - an upstream's endpoints of one model in the words of the asking dialect
 * (openrouter section 5.3, vercel section 9).
 *
 * Both vendors have nearly the same members. What differs: ids and provider slugs; OpenRouter wants
 * `model_id`, `tag` and a few members that may be null. Uptimes and latencies over other spans of
 * time are no other name for the same thing: they stay as they are, and the spans that are asked
 * for are null.
 */
#include "server/reads_private.h"

#include <errno.h>
#include <string.h>

/* Members that OpenRouter's schema wants, in its order, and what stands for those that are absent.
 */
static const struct {
    const char *name, *absent;
} wanted[] = {
    {"context_length", "0"},
    {"max_completion_tokens", "null"},
    {"max_prompt_tokens", "null"},
    {"quantization", "null"},
    {"supported_parameters", "[]"},
    {"supports_implicit_caching", "false"},
    {"status", "0"},
    {"uptime_last_5m", "null"},
    {"uptime_last_30m", "null"},
    {"uptime_last_1d", "null"},
    {"latency_last_30m", "null"},
    {"throughput_last_30m", "null"},
};

static bool is_one_of_ours(const struct json_doc *doc, uint32_t key)
{
    return json_string_is(doc, key, "model_id") || json_string_is(doc, key, "tag") ||
           json_string_is(doc, key, "provider_name");
}

/* A member's name as it came, escapes and all. */
static void print_key(const struct json_doc *doc, uint32_t key, struct out *out)
{
    if (out->len > 0 && out->bytes[out->len - 1] != '{')
        out_char(out, ',');
    out_value(out, doc, key);
    out_char(out, ':');
}

/* Every member but those that are written anew. */
static void copy_members(const struct json_doc *doc, uint32_t object, bool all, struct out *out)
{
    for (uint32_t key = json_first(doc, object); key != JSON_NONE;
         key = json_next(doc, object, key + 1)) {
        if (!all && is_one_of_ours(doc, key))
            continue;
        print_key(doc, key, out);
        out_value(out, doc, key + 1);
    }
}

static void print_provider(const struct reads_view *view, enum config_dialect from,
                           const struct json_doc *doc, uint32_t endpoint, struct out *out)
{
    char scratch[ROW_NAME_MAX + 1], slug[ROW_NAME_MAX + 1];
    struct text provider;

    if (json_string(doc, json_get(doc, endpoint, "provider_name"), scratch, sizeof scratch,
                    &provider.bytes, &provider.len) != 0 ||
        provider.len > ROW_NAME_MAX)
        provider = TEXT("");
    out_name(out, "provider_name");
    out_string(out, provider);
    slug[0] = '\0';
    if (provider.len > 0 && view->models != NULL)
        model_map_provider(view->models, from, view->to, provider, slug);
    out_name(out, "tag");
    out_string(out, slug[0] != '\0' ? text_of(slug) : provider);
}

/* Vercel lists `tool_choice` among the parameters; which of its values work it does not say. */
static void print_tool_choice(const struct json_doc *doc, uint32_t endpoint, struct out *out)
{
    uint32_t list = json_get(doc, endpoint, "supported_parameters");
    bool supported = false;

    if (json_get(doc, endpoint, "supports_tool_choice") != JSON_NONE)
        return;
    for (uint32_t at = json_first(doc, list); at != JSON_NONE; at = json_next(doc, list, at))
        supported |= json_string_is(doc, at, "tool_choice");
    out_name(out, "supports_tool_choice");
    out_text(out, supported
                      ? "{\"none\":true,\"auto\":true,\"required\":true,\"function\":true}"
                      : "{\"none\":false,\"auto\":false,\"required\":false,\"function\":false}");
}

static void print_for_openrouter(const struct reads_view *view, enum config_dialect from,
                                 struct text id, const struct json_doc *doc, uint32_t endpoint,
                                 struct out *out)
{
    copy_members(doc, endpoint, false, out);
    out_name(out, "model_id");
    out_string(out, id);
    print_provider(view, from, doc, endpoint, out);
    print_tool_choice(doc, endpoint, out);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        if (json_get(doc, endpoint, wanted[i].name) != JSON_NONE)
            continue;
        out_name(out, wanted[i].name);
        out_text(out, wanted[i].absent);
    }
}

static void print_list(const struct reads_view *view, enum config_dialect from, struct text id,
                       const struct json_doc *doc, uint32_t list, struct out *out)
{
    out_char(out, '[');
    for (uint32_t at = json_first(doc, list); at != JSON_NONE; at = json_next(doc, list, at)) {
        out_next(out);
        if (doc->tokens[at].type != JSON_OBJECT) {
            out_value(out, doc, at);
            continue;
        }
        out_char(out, '{');
        if (view->to == DIALECT_OPENROUTER)
            print_for_openrouter(view, from, id, doc, at, out);
        else
            copy_members(doc, at, true, out);
        out_char(out, '}');
    }
    out_char(out, ']');
}

static void print_data(const struct reads_view *view, enum config_dialect from, struct text id,
                       const struct json_doc *doc, uint32_t data, struct out *out)
{
    for (uint32_t key = json_first(doc, data); key != JSON_NONE;
         key = json_next(doc, data, key + 1)) {
        print_key(doc, key, out);
        if (json_string_is(doc, key, "id"))
            out_string(out, id);
        else if (json_string_is(doc, key, "endpoints"))
            print_list(view, from, id, doc, key + 1, out);
        else
            out_value(out, doc, key + 1);
    }
}

int reads_print_endpoints(const struct reads_view *view, enum config_dialect from, struct text id,
                          struct text answer, struct out *out)
{
    struct json_doc doc;
    uint32_t data, list;
    int result = -EBADMSG;

    if (from == view->to) {
        out_bytes(out, answer.bytes, answer.len);
        return 0;
    }
    json_doc_init(&doc);
    if (answer.len > 0 && json_parse(&doc, answer.bytes, answer.len, NULL) == 0) {
        data = json_get(&doc, 0, "data");
        list = json_get(&doc, data, "endpoints");
        if (list != JSON_NONE && doc.tokens[list].type == JSON_ARRAY) {
            out_text(out, "{\"data\":{");
            print_data(view, from, id, &doc, data, out);
            out_text(out, "}}");
            result = 0;
        }
    }
    json_doc_release(&doc);
    return result;
}
