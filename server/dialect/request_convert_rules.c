/* request_convert_rules.c - one row per member of a request that another dialect says differently.
 * See request_convert_private.h; providers and reasoning have files of their own.
 *
 * What no row names goes as it is: vendors add members without notice, and most are OpenAI's or
 * Anthropic's, which all upstreams share. */
#include "server/dialect/request_convert_private.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What has a prompt that a provider can keep in its cache. */
enum { MARKABLE = CONVERT_CHAT | CONVERT_RESPONSES | CONVERT_MESSAGES };
enum { TEXTS = CONVERT_CHAT | CONVERT_RESPONSES | CONVERT_MESSAGES | CONVERT_COMPLETIONS };

bool convert_is_claude(const struct convert *convert)
{
    static const char prefix[] = "anthropic/";
    char scratch[ROW_NAME_MAX + 1];
    struct text model = convert->order->model;

    if (model.len == 0 && json_string(convert->doc, json_get(convert->doc, 0, "model"), scratch,
                                      sizeof(scratch), &model.bytes, &model.len) != 0)
        return false;
    return model.len >= sizeof(prefix) - 1 && memcmp(model.bytes, prefix, sizeof(prefix) - 1) == 0;
}

/* --- where a request may be tried --- */

static int take_fallbacks(struct convert *convert, uint32_t value)
{
    if (!convert_is_nothing(convert->doc, value) &&
        !convert_is_nothing(convert->doc, json_get(convert->doc, 0, "models")))
        return convert_refuse(convert, "fallbacks", "`models` is there as well; say one of them");
    return CONVERT_GONE; /* the order's `models` */
}

/* "fallback" is what all upstreams do; "sort" would mix the models. */
static int take_route(struct convert *convert, uint32_t value)
{
    if (!convert_is_nothing(convert->doc, value) &&
        !json_string_is(convert->doc, value, "fallback"))
        convert_warn(convert, "route");
    return CONVERT_GONE;
}

/* --- plugins --- */

static const struct {
    const char *id;
    enum convert_act act;
} plugins[] = {
    /* These change what the model reads or may do, or who looks at it. */
    {"web", CONVERT_REFUSE},
    {"web-fetch", CONVERT_REFUSE},
    {"file-parser", CONVERT_REFUSE}, /* except "native": see take_plugin() */
    {"moderation", CONVERT_REFUSE},
    {"fusion", CONVERT_REFUSE},
    /* These repair, or only matter to router models, which no other upstream has. */
    {"response-healing", CONVERT_WARN},
    {"context-compression", CONVERT_WARN},
    {"auto-router", CONVERT_WARN},
    {"auto-beta-router", CONVERT_WARN},
    {"pareto-router", CONVERT_WARN},
};

static int take_plugin(struct convert *convert, uint32_t plugin)
{
    const struct json_doc *doc = convert->doc;
    uint32_t id = json_get(doc, plugin, "id");
    uint32_t engine = json_get(doc, json_get(doc, plugin, "pdf"), "engine");
    enum convert_act act = CONVERT_REFUSE;

    if (!convert_is(doc, id, JSON_STRING))
        return convert_malformed(convert, "plugins", "a list of objects with an id");
    if (convert_is(doc, json_get(doc, plugin, "enabled"), JSON_FALSE))
        return 0;
    for (size_t i = 0; i < COUNT(plugins); i++) {
        if (json_string_is(doc, id, plugins[i].id))
            act = plugins[i].act;
    }
    /* The model reads the file itself: what happens without the plugin, too. */
    if (json_string_is(doc, id, "file-parser") && json_string_is(doc, engine, "native"))
        act = CONVERT_WARN;
    if (act == CONVERT_REFUSE)
        return convert_refuse_member(convert, "plugins.", id,
                                     "it has no plugins, and the answer depends on it");
    convert_warn_member(convert, "plugins.", id);
    return 0;
}

static int take_plugins(struct convert *convert, uint32_t value)
{
    const struct json_doc *doc = convert->doc;
    int error = 0;

    if (!convert_is_said(doc, value))
        return CONVERT_GONE;
    if (!convert_is(doc, value, JSON_ARRAY))
        return convert_malformed(convert, "plugins", "a list of objects with an id");
    for (uint32_t at = json_first(doc, value); at != JSON_NONE && error == 0;
         at = json_next(doc, value, at))
        error = take_plugin(convert, at);
    return error != 0 ? error : CONVERT_GONE;
}

/* --- tools --- */

static bool begins(const struct json_doc *doc, uint32_t token, const char *prefix)
{
    char scratch[ROW_NAME_MAX];
    const char *bytes;
    size_t len, prefix_len = strlen(prefix);

    return token != JSON_NONE &&
           json_string(doc, token, scratch, sizeof(scratch), &bytes, &len) == 0 &&
           len >= prefix_len && memcmp(bytes, prefix, prefix_len) == 0;
}

/* A gateway's own tools run inside that gateway. */
static int take_tools(struct convert *convert, uint32_t value)
{
    const struct json_doc *doc = convert->doc;

    if (!convert_is(doc, value, JSON_ARRAY))
        return CONVERT_KEPT;
    for (uint32_t tool = json_first(doc, value); tool != JSON_NONE;
         tool = json_next(doc, value, tool)) {
        uint32_t type = json_get(doc, tool, "type");

        if (convert->to != DIALECT_OPENROUTER && begins(doc, type, "openrouter:"))
            return convert_refuse(convert, "tools", "openrouter: tools run at OpenRouter only");
        if (convert->to != DIALECT_VERCEL && begins(doc, type, "vercel:"))
            return convert_refuse(convert, "tools", "vercel: tools run at Vercel only");
    }
    return CONVERT_KEPT;
}

/* --- formats --- */

static int take_openrouter_format(struct convert *convert, uint32_t value)
{
    uint32_t type = json_get(convert->doc, value, "type");

    if (json_string_is(convert->doc, type, "grammar") ||
        json_string_is(convert->doc, type, "python"))
        return convert_refuse(convert, "response_format", "it knows text and JSON only");
    return CONVERT_KEPT;
}

/* Vercel's older {"type":"json","schema":...}: OpenAI's form wraps the schema and names it. */
static int take_vercel_format(struct convert *convert, uint32_t value)
{
    const struct json_doc *doc = convert->doc;
    static const char *const beside[] = {"description", "strict"};
    uint32_t schema = json_get(doc, value, "schema"), name = json_get(doc, value, "name");
    struct out *out;

    if (!json_string_is(doc, json_get(doc, value, "type"), "json"))
        return CONVERT_KEPT;
    out = convert_say(convert, "response_format");
    if (!convert_is_said(doc, schema)) {
        out_text(out, "{\"type\":\"json_object\"}");
        convert_said(convert);
        return CONVERT_KEPT;
    }
    out_text(out, "{\"type\":\"json_schema\",\"json_schema\":{\"name\":");
    if (convert_is_nothing(doc, name))
        out_text(out, "\"response\"");
    else
        out_value(out, doc, name);
    for (size_t i = 0; i < COUNT(beside); i++) {
        uint32_t member = json_get(doc, value, beside[i]);

        if (!convert_is_said(doc, member))
            continue;
        out_name(out, beside[i]);
        out_value(out, doc, member);
    }
    out_name(out, "schema");
    out_value(out, doc, schema);
    out_text(out, "}}");
    convert_said(convert);
    return CONVERT_KEPT;
}

/* --- tiers --- */

static int take_tier_for_vercel(struct convert *convert, uint32_t value)
{
    const struct json_doc *doc = convert->doc;
    int error;

    if (json_string_is(doc, value, "flex"))
        error = convert_route_word(convert, "serviceTier", "\"flex\"");
    else if (json_string_is(doc, value, "priority") || json_string_is(doc, value, "fast"))
        error = convert_route_word(convert, "serviceTier", "\"priority\"");
    else
        return CONVERT_KEPT;
    return error != 0 ? error : CONVERT_GONE;
}

static int take_tier_for_generic(struct convert *convert, uint32_t value)
{
    if (json_string_is(convert->doc, value, "fast"))
        convert_say_text(convert, "service_tier", TEXT("priority"));
    return CONVERT_KEPT;
}

static int take_speed(struct convert *convert, uint32_t value)
{
    int error;

    if (!json_string_is(convert->doc, value, "fast"))
        return CONVERT_KEPT;
    error = convert_route_word(convert, "speed", "\"fast\"");
    return error != 0 ? error : CONVERT_GONE;
}

/* --- marks for the provider's prompt cache --- */

/* Chat: on the last message. Responses: Vercel's own word for it. */
static int take_mark(struct convert *convert, uint32_t value)
{
    uint32_t ttl = json_get(convert->doc, value, "ttl");

    if (!convert_is(convert->doc, value, JSON_OBJECT))
        return convert_is_said(convert->doc, value)
                   ? convert_malformed(convert, "cache_control", "an object")
                   : CONVERT_GONE;
    if (convert->api == API_CHAT) {
        convert->mark = value;
        return CONVERT_GONE;
    }
    if (!convert_has(convert, "caching"))
        convert_say_text(convert, "caching", TEXT("auto"));
    if (convert_is_said(convert->doc, ttl) && !convert_has(convert, "cache_ttl"))
        convert_say_value(convert, "cache_ttl", ttl);
    return CONVERT_GONE;
}

void convert_say_mark(struct convert *convert)
{
    uint32_t ttl = json_get(convert->doc, 0, "cache_ttl");
    struct out *out = convert_say(convert, "cache_control");

    out_text(out, "{\"type\":\"ephemeral\"");
    if (convert_is_said(convert->doc, ttl)) {
        out_name(out, "ttl");
        out_value(out, convert->doc, ttl);
    }
    out_char(out, '}');
    convert_said(convert);
}

static int take_caching(struct convert *convert, uint32_t value)
{
    if (convert_is_nothing(convert->doc, value))
        return CONVERT_GONE;
    if (!json_string_is(convert->doc, value, "auto"))
        convert_warn(convert, "caching");
    else if (!convert_has(convert, "cache_control"))
        convert_say_mark(convert);
    return CONVERT_GONE;
}

/* Said with the mark, if there is one. */
static int take_cache_ttl(struct convert *convert, uint32_t value)
{
    if (!convert_is_nothing(convert->doc, value) &&
        !json_string_is(convert->doc, json_get(convert->doc, 0, "caching"), "auto"))
        convert_warn(convert, "cache_ttl");
    return CONVERT_GONE;
}

/* --- the tables --- */

static const char no_preset[] = "presets of an OpenRouter account are known there only";
static const char no_search[] = "it would answer without the search";
static const char no_prompt[] = "send messages, or the prompt to /completions";
static const char no_image[] = "the image would be another one";

static const struct convert_rule openrouter_to_vercel[] = {
    {"models", CONVERT_ALL, CONVERT_FORGET, NULL, NULL}, /* the order's `models` */
    {"fallbacks", CONVERT_MESSAGES, CONVERT_TAKE, take_fallbacks, NULL},
    {"provider", CONVERT_ALL, CONVERT_TAKE, convert_take_provider, NULL},
    {"route", CONVERT_ALL, CONVERT_TAKE, take_route, NULL},
    {"preset", CONVERT_ALL, CONVERT_REFUSE, NULL, no_preset},
    {"plugins", CONVERT_ALL, CONVERT_TAKE, take_plugins, NULL},
    {"transforms", CONVERT_ALL, CONVERT_WARN, NULL, NULL},
    {"include_reasoning", CONVERT_CHAT | CONVERT_COMPLETIONS, CONVERT_TAKE,
     convert_take_include_reasoning, NULL},
    {"verbosity", CONVERT_CHAT, CONVERT_TAKE, convert_take_verbosity, NULL},
    {"usage", CONVERT_ALL, CONVERT_FORGET, NULL, NULL},      /* documented to do nothing */
    {"session_id", CONVERT_ALL, CONVERT_FORGET, NULL, NULL}, /* our ledger keeps it */
    {"trace", CONVERT_ALL, CONVERT_WARN, NULL, NULL},
    {"debug", CONVERT_ALL, CONVERT_WARN, NULL, NULL},
    {"user", CONVERT_MESSAGES | CONVERT_EMBEDDINGS, CONVERT_FORGET, NULL, NULL}, /* gateway.user */
    {"service_tier", CONVERT_ALL, CONVERT_TAKE, take_tier_for_vercel, NULL},
    {"speed", CONVERT_ALL, CONVERT_TAKE, take_speed, NULL},
    {"cache_control", CONVERT_CHAT | CONVERT_RESPONSES, CONVERT_TAKE, take_mark, NULL},
    {"cache_control", CONVERT_EMBEDDINGS | CONVERT_COMPLETIONS, CONVERT_WARN, NULL, NULL},
    {"prompt_cache_options", CONVERT_ALL, CONVERT_WARN, NULL, NULL},
    {"top_k", CONVERT_CHAT | CONVERT_RESPONSES | CONVERT_COMPLETIONS, CONVERT_WARN, NULL, NULL},
    {"min_p", TEXTS, CONVERT_WARN, NULL, NULL},
    {"top_a", TEXTS, CONVERT_WARN, NULL, NULL},
    {"repetition_penalty", TEXTS, CONVERT_WARN, NULL, NULL},
    {"prediction", TEXTS, CONVERT_WARN, NULL, NULL},
    {"structured_outputs", TEXTS, CONVERT_WARN, NULL, NULL},
    {"stop_server_tools_when", TEXTS, CONVERT_WARN, NULL, NULL},
    {"image_config", TEXTS, CONVERT_REFUSE, NULL, no_image},
    {"web_search_options", TEXTS, CONVERT_REFUSE, NULL, no_search},
    {"prompt", CONVERT_CHAT, CONVERT_REFUSE, NULL, no_prompt},
    {"input_type", CONVERT_EMBEDDINGS, CONVERT_REFUSE, NULL, "the vectors would be other ones"},
    {"tools", TEXTS, CONVERT_TAKE, take_tools, NULL},
    {"response_format", TEXTS, CONVERT_TAKE, take_openrouter_format, NULL},
};

/* Sampling parameters and OpenAI's own members go as they are: servers of this kind know them. */
static const struct convert_rule openrouter_to_generic[] = {
    {"models", CONVERT_ALL, CONVERT_FORGET, NULL, NULL},
    {"fallbacks", CONVERT_MESSAGES, CONVERT_TAKE, take_fallbacks, NULL},
    {"provider", CONVERT_ALL, CONVERT_TAKE, convert_take_provider, NULL},
    {"providerOptions", CONVERT_ALL, CONVERT_TAKE, convert_take_options, NULL},
    {"route", CONVERT_ALL, CONVERT_TAKE, take_route, NULL},
    {"preset", CONVERT_ALL, CONVERT_REFUSE, NULL, no_preset},
    {"plugins", CONVERT_ALL, CONVERT_TAKE, take_plugins, NULL},
    {"transforms", CONVERT_ALL, CONVERT_WARN, NULL, NULL},
    {"reasoning", CONVERT_CHAT | CONVERT_RESPONSES | CONVERT_COMPLETIONS, CONVERT_TAKE,
     convert_take_reasoning, NULL},
    {"include_reasoning", CONVERT_CHAT | CONVERT_COMPLETIONS, CONVERT_TAKE,
     convert_take_include_reasoning, NULL},
    {"usage", CONVERT_ALL, CONVERT_FORGET, NULL, NULL},
    {"session_id", CONVERT_ALL, CONVERT_FORGET, NULL, NULL},
    {"trace", CONVERT_ALL, CONVERT_WARN, NULL, NULL},
    {"debug", CONVERT_ALL, CONVERT_WARN, NULL, NULL},
    {"user", CONVERT_MESSAGES, CONVERT_FORGET, NULL, NULL}, /* metadata.user_id */
    {"service_tier", CONVERT_ALL, CONVERT_TAKE, take_tier_for_generic, NULL},
    {"cache_control", CONVERT_ALL & ~CONVERT_MESSAGES, CONVERT_WARN, NULL, NULL},
    {"prompt_cache_options", CONVERT_ALL, CONVERT_WARN, NULL, NULL},
    {"structured_outputs", TEXTS, CONVERT_WARN, NULL, NULL},
    {"stop_server_tools_when", TEXTS, CONVERT_WARN, NULL, NULL},
    {"image_config", TEXTS, CONVERT_REFUSE, NULL, no_image},
    {"prompt", CONVERT_CHAT, CONVERT_REFUSE, NULL, no_prompt},
    {"tools", TEXTS, CONVERT_TAKE, take_tools, NULL},
    {"response_format", TEXTS, CONVERT_TAKE, take_openrouter_format, NULL},
};

static const struct convert_rule vercel_to_openrouter[] = {
    {"models", CONVERT_ALL, CONVERT_FORGET, NULL, NULL},
    {"provider", CONVERT_ALL, CONVERT_TAKE, convert_take_shorthand, NULL},
    {"providerOptions", CONVERT_ALL, CONVERT_TAKE, convert_take_options, NULL},
    {"thinking", CONVERT_CHAT, CONVERT_TAKE, convert_take_thinking, NULL},
    {"caching", MARKABLE, CONVERT_TAKE, take_caching, NULL},
    {"cache_ttl", MARKABLE, CONVERT_TAKE, take_cache_ttl, NULL},
    {"cache_anchor_items", CONVERT_ALL, CONVERT_WARN, NULL, NULL},
    {"allowed_tools", CONVERT_ALL, CONVERT_REFUSE, NULL, "list the tools in `tools` only"},
    {"tools", TEXTS, CONVERT_TAKE, take_tools, NULL},
    {"response_format", TEXTS, CONVERT_TAKE, take_vercel_format, NULL},
};

static const struct convert_rule vercel_to_generic[] = {
    {"models", CONVERT_ALL, CONVERT_FORGET, NULL, NULL},
    {"provider", CONVERT_ALL, CONVERT_TAKE, convert_take_provider, NULL},
    {"providerOptions", CONVERT_ALL, CONVERT_TAKE, convert_take_options, NULL},
    {"reasoning", CONVERT_CHAT | CONVERT_RESPONSES | CONVERT_COMPLETIONS, CONVERT_TAKE,
     convert_take_reasoning, NULL},
    {"thinking", CONVERT_CHAT, CONVERT_TAKE, convert_take_thinking, NULL},
    {"caching", MARKABLE, CONVERT_WARN, NULL, NULL},
    {"cache_ttl", MARKABLE, CONVERT_TAKE, take_cache_ttl, NULL},
    {"cache_anchor_items", CONVERT_ALL, CONVERT_WARN, NULL, NULL},
    {"allowed_tools", CONVERT_ALL, CONVERT_REFUSE, NULL, "list the tools in `tools` only"},
    {"tools", TEXTS, CONVERT_TAKE, take_tools, NULL},
    {"response_format", TEXTS, CONVERT_TAKE, take_vercel_format, NULL},
};

static const struct convert_table tables[][DIALECT_OPENAI + 1] =
    {
        [DIALECT_OPENROUTER] =
            {
                [DIALECT_VERCEL] = {"", openrouter_to_vercel, COUNT(openrouter_to_vercel),
                                    CONVERT_KEEP, NULL},
                [DIALECT_OPENAI] = {"", openrouter_to_generic, COUNT(openrouter_to_generic),
                                    CONVERT_KEEP, NULL},
            },
        [DIALECT_VERCEL] =
            {
                [DIALECT_OPENROUTER] = {"", vercel_to_openrouter, COUNT(vercel_to_openrouter),
                                        CONVERT_KEEP, NULL},
                [DIALECT_OPENAI] = {"", vercel_to_generic, COUNT(vercel_to_generic), CONVERT_KEEP,
                                    NULL},
            },
};

const struct convert_table *convert_table_of(enum config_dialect from, enum config_dialect to)
{
    assert(from != to && from != DIALECT_OPENAI);
    return &tables[from][to];
}
