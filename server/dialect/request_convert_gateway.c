/* request_convert_gateway.c - Vercel's `providerOptions` in other words, and the routing object of
 * the upstream put together. See request_convert_private.h; request_convert_provider.c is its
 * mirror. */
#include "server/dialect/request_convert_private.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const struct convert_sort convert_sorts[CONVERT_SORTS] = {
    {"price", "cost", "\"price\"", "\"cost\""},
    {"throughput", "tps", "\"throughput\"", "\"tps\""},
    {"latency", "ttft", "\"latency\"", "\"ttft\""},
};

/* --- the upstream's own object --- */

static uint32_t own_options(const struct convert *convert)
{
    return json_get(convert->doc, 0, "providerOptions");
}

uint32_t convert_own_gateway(const struct convert *convert)
{
    return json_get(convert->doc, own_options(convert), "gateway");
}

/* What a client that knows the upstream's words said in them. */
static uint32_t own_routing(const struct convert *convert)
{
    return convert->to == DIALECT_VERCEL ? convert_own_gateway(convert)
                                         : json_get(convert->doc, 0, "provider");
}

int convert_route_new(struct convert *convert, const char *name, struct out **ret_out)
{
    const struct json_doc *doc = convert->doc;

    if (convert_is_said(doc, json_get(doc, own_routing(convert), name)))
        return convert_refuse(convert, name,
                              "it is said in `provider` and in `providerOptions`; say it once");
    assert(!convert_routes(convert, name));
    *ret_out = convert_route(convert, name);
    return 0;
}

int convert_route_word(struct convert *convert, const char *name, const char *json)
{
    const struct json_doc *doc = convert->doc;
    uint32_t own = json_get(doc, own_routing(convert), name);
    size_t len = strlen(json);
    struct out *out = NULL;
    int error;

    if (own != JSON_NONE && doc->tokens[own].end - doc->tokens[own].start == len &&
        memcmp(doc->text + doc->tokens[own].start, json, len) == 0)
        return 0;
    error = convert_route_new(convert, name, &out);
    if (error == 0)
        out_text(out, json);
    return error;
}

/* --- writing it --- */

/* The members of an object that the routing does not replace; JSON_NONE has none. */
static int write_others(struct convert *convert, uint32_t object, struct out *out)
{
    const struct json_doc *doc = convert->doc;
    struct convert_members members;
    int error;

    if (!convert_is_said(doc, object))
        return 0;
    error = convert_fold(convert, object, &members);
    for (size_t i = 0; error == 0 && i < members.count; i++) {
        bool replaced = false;

        for (size_t name = 0; name < convert->routing_count && !replaced; name++)
            replaced = json_string_is(doc, members.at[i].key, convert->routing_name[name]);
        if (!replaced)
            convert_splice(convert, &members.at[i], out);
    }
    return error;
}

static int write_routing(struct convert *convert, struct out *out)
{
    int error;

    out_char(out, '{');
    error = write_others(convert, own_routing(convert), out);
    if (convert->routing.len > 0) {
        convert_comma(out);
        out_bytes(out, convert->routing.bytes, convert->routing.len);
    }
    out_char(out, '}');
    return error;
}

/* verbosity of a Claude becomes an option of its vendor. */
static int write_effort(struct convert *convert, uint32_t own, struct out *out)
{
    struct convert_members members = {.count = 0};
    int error = convert_is_said(convert->doc, own) ? convert_fold(convert, own, &members) : 0;

    out_name(out, "anthropic");
    out_char(out, '{');
    for (size_t i = 0; error == 0 && i < members.count; i++) {
        if (!json_string_is(convert->doc, members.at[i].key, "effort"))
            convert_splice(convert, &members.at[i], out);
    }
    out_name(out, "effort");
    out_value(out, convert->doc, convert->effort);
    out_char(out, '}');
    return error;
}

static int write_options(struct convert *convert, struct out *out)
{
    const struct json_doc *doc = convert->doc;
    uint32_t options = own_options(convert), anthropic = json_get(doc, options, "anthropic");
    struct convert_members members = {.count = 0};
    int error = convert_is_said(doc, options) ? convert_fold(convert, options, &members) : 0;

    out_char(out, '{');
    for (size_t i = 0; error == 0 && i < members.count; i++) {
        uint32_t key = members.at[i].key;

        if (json_string_is(doc, key, "gateway") && convert->routing_count > 0)
            continue;
        if (json_string_is(doc, key, "anthropic") && convert->effort != JSON_NONE)
            continue;
        convert_splice(convert, &members.at[i], out);
    }
    if (error == 0 && convert->routing_count > 0) {
        out_name(out, "gateway");
        error = write_routing(convert, out);
    }
    if (error == 0 && convert->effort != JSON_NONE)
        error = write_effort(convert, anthropic, out);
    out_char(out, '}');
    return error;
}

static int check_object(struct convert *convert, uint32_t value, const char *path)
{
    if (!convert_is_said(convert->doc, value) || convert_is(convert->doc, value, JSON_OBJECT))
        return 0;
    return convert_malformed(convert, path, "an object");
}

int convert_routing(struct convert *convert)
{
    const struct json_doc *doc = convert->doc;
    uint32_t options = own_options(convert);
    bool vercel = convert->to == DIALECT_VERCEL;
    int error = 0;

    if (convert->routing_count == 0 && convert->effort == JSON_NONE)
        return 0;
    assert(convert->to != DIALECT_OPENAI);
    if (vercel)
        error = check_object(convert, options, "providerOptions");
    if (vercel && error == 0)
        error =
            check_object(convert, json_get(doc, options, "anthropic"), "providerOptions.anthropic");
    if (error == 0)
        error = check_object(convert, own_routing(convert),
                             vercel ? "providerOptions.gateway" : "provider");
    if (error != 0)
        return error;
    error = vercel ? write_options(convert, convert_say(convert, "providerOptions"))
                   : write_routing(convert, convert_say(convert, "provider"));
    convert_said(convert);
    return error;
}

/* --- Vercel's `provider`: a shorthand for sort; anything else in it is OpenRouter's already --- */

int convert_take_shorthand(struct convert *convert, uint32_t value)
{
    const struct json_doc *doc = convert->doc;
    uint32_t sort = json_get(doc, value, "sort");

    if (!convert_is_said(doc, value))
        return CONVERT_GONE;
    if (!convert_is(doc, value, JSON_OBJECT))
        return convert_malformed(convert, "provider", "an object");
    for (size_t i = 0; i < CONVERT_SORTS; i++) {
        if (json_string_is(doc, sort, convert_sorts[i].vercel))
            out_text(convert_route(convert, "sort"), convert_sorts[i].openrouter_json);
    }
    return CONVERT_KEPT;
}

/* --- providerOptions.gateway --- */

static int take_order(struct convert *convert, uint32_t value)
{
    return convert_route_list(convert, value, "providerOptions.gateway.order", "order");
}

static int take_only(struct convert *convert, uint32_t value)
{
    return convert_route_list(convert, value, "providerOptions.gateway.only", "only");
}

static int take_sort(struct convert *convert, uint32_t value)
{
    uint32_t shorthand = json_get(convert->doc, own_routing(convert), "sort");

    for (size_t i = 0; i < CONVERT_SORTS; i++) {
        if (!json_string_is(convert->doc, value, convert_sorts[i].vercel))
            continue;
        if (json_string_is(convert->doc, shorthand, convert_sorts[i].vercel))
            return CONVERT_GONE; /* convert_take_shorthand() says it */
        return convert_route_word(convert, "sort", convert_sorts[i].openrouter_json);
    }
    if (!convert_is_nothing(convert->doc, value))
        convert_warn(convert, "providerOptions.gateway.sort");
    return CONVERT_GONE;
}

/* A promise that is asked for with true. */
static int take_promise(struct convert *convert, uint32_t value, const char *path, const char *name,
                        const char *json)
{
    if (convert_is_nothing(convert->doc, value))
        return CONVERT_GONE;
    if (!convert_is(convert->doc, value, JSON_TRUE))
        return convert_malformed(convert, path, "true or false");
    return convert_route_word(convert, name, json);
}

static int take_retention(struct convert *convert, uint32_t value)
{
    return take_promise(convert, value, "providerOptions.gateway.zeroDataRetention", "zdr", "true");
}

static int take_training(struct convert *convert, uint32_t value)
{
    return take_promise(convert, value, "providerOptions.gateway.disallowPromptTraining",
                        "data_collection", "\"deny\"");
}

/* Marks for the provider's prompt cache that the gateway sets: OpenRouter's top-level mark. */
static int take_caching(struct convert *convert, uint32_t value)
{
    const unsigned markable = CONVERT_CHAT | CONVERT_RESPONSES | CONVERT_MESSAGES;

    if (convert_is_nothing(convert->doc, value))
        return CONVERT_GONE;
    if ((markable & CONVERT_ON(convert->api)) == 0 || !json_string_is(convert->doc, value, "auto"))
        convert_warn(convert, "providerOptions.gateway.caching");
    else if (!convert_has(convert, "cache_control"))
        convert_say_mark(convert);
    return CONVERT_GONE;
}

static int take_tier(struct convert *convert, uint32_t value)
{
    if (convert_is_nothing(convert->doc, value))
        return CONVERT_GONE;
    if (convert_has(convert, "service_tier"))
        convert_warn(convert, "providerOptions.gateway.serviceTier");
    else if (convert->to == DIALECT_OPENAI && json_string_is(convert->doc, value, "fast"))
        convert_say_text(convert, "service_tier", TEXT("priority"));
    else
        convert_say_value(convert, "service_tier", value);
    return CONVERT_GONE;
}

/* Anthropic's own member on messages; elsewhere OpenRouter has -fast models instead. */
static int take_speed(struct convert *convert, uint32_t value)
{
    if (convert_is_nothing(convert->doc, value))
        return CONVERT_GONE;
    if (convert->api != API_MESSAGES || convert_has(convert, "speed"))
        convert_warn(convert, "providerOptions.gateway.speed");
    else
        convert_say_value(convert, "speed", value);
    return CONVERT_GONE;
}

static const char no_keys[] = "keys of your own cannot be passed on; use that upstream's account";
static const char no_rule[] = "it has no such rule";
static const char promise[] = "it makes no such promise";

/* Vercel ignores what it does not know, and so may we, with a warning. */
static const struct convert_rule gateway_to_openrouter[] = {
    {"order", CONVERT_ALL, CONVERT_TAKE, take_order, NULL},
    {"only", CONVERT_ALL, CONVERT_TAKE, take_only, NULL},
    {"sort", CONVERT_ALL, CONVERT_TAKE, take_sort, NULL},
    {"models", CONVERT_ALL, CONVERT_FORGET, NULL, NULL}, /* the order's `models` */
    {"user", CONVERT_ALL, CONVERT_FORGET, NULL, NULL},   /* becomes `user` */
    {"tags", CONVERT_ALL, CONVERT_FORGET, NULL, NULL},   /* our ledger keeps them */
    {"byok", CONVERT_ALL, CONVERT_REFUSE, NULL, no_keys},
    {"caching", CONVERT_ALL, CONVERT_TAKE, take_caching, NULL},
    {"zeroDataRetention", CONVERT_ALL, CONVERT_TAKE, take_retention, NULL},
    {"disallowPromptTraining", CONVERT_ALL, CONVERT_TAKE, take_training, NULL},
    {"quotaEntityId", CONVERT_ALL, CONVERT_REFUSE, NULL, "the budget is kept by Vercel"},
    {"has", CONVERT_ALL, CONVERT_REFUSE, NULL, no_rule},
    {"serviceTier", CONVERT_ALL, CONVERT_TAKE, take_tier, NULL},
    {"speed", CONVERT_ALL, CONVERT_TAKE, take_speed, NULL},
    {"inferenceRegion", CONVERT_ALL, CONVERT_REFUSE, NULL, promise},
};

static const struct convert_rule gateway_to_generic[] = {
    {"order", CONVERT_ALL, CONVERT_WARN, NULL, NULL},
    {"only", CONVERT_ALL, CONVERT_REFUSE, NULL, "it does not choose among providers"},
    {"sort", CONVERT_ALL, CONVERT_WARN, NULL, NULL},
    {"models", CONVERT_ALL, CONVERT_FORGET, NULL, NULL},
    {"user", CONVERT_ALL, CONVERT_FORGET, NULL, NULL},
    {"tags", CONVERT_ALL, CONVERT_FORGET, NULL, NULL},
    {"byok", CONVERT_ALL, CONVERT_REFUSE, NULL, no_keys},
    {"caching", CONVERT_ALL, CONVERT_WARN, NULL, NULL},
    {"zeroDataRetention", CONVERT_ALL, CONVERT_REFUSE, NULL, promise},
    {"disallowPromptTraining", CONVERT_ALL, CONVERT_REFUSE, NULL, promise},
    {"quotaEntityId", CONVERT_ALL, CONVERT_REFUSE, NULL, "the budget is kept by Vercel"},
    {"has", CONVERT_ALL, CONVERT_REFUSE, NULL, no_rule},
    {"serviceTier", CONVERT_ALL, CONVERT_TAKE, take_tier, NULL},
    {"speed", CONVERT_ALL, CONVERT_WARN, NULL, NULL},
    {"inferenceRegion", CONVERT_ALL, CONVERT_REFUSE, NULL, promise},
};

static const struct convert_table gateway_tables[] = {
    [DIALECT_OPENROUTER] = {"providerOptions.gateway.", gateway_to_openrouter,
                            COUNT(gateway_to_openrouter), CONVERT_WARN, NULL},
    [DIALECT_OPENAI] = {"providerOptions.gateway.", gateway_to_generic, COUNT(gateway_to_generic),
                        CONVERT_WARN, NULL},
};

static int take_gateway(struct convert *convert, uint32_t value)
{
    struct convert_members members;
    int error = check_object(convert, value, "providerOptions.gateway");

    if (error != 0 || !convert_is_said(convert->doc, value))
        return error;
    error = convert_fold(convert, value, &members);
    return error != 0 ? error : convert_apply(convert, &gateway_tables[convert->to], &members);
}

/* --- providerOptions --- */

/* The vendors' own options are in the AI SDK's words, which no other gateway speaks. */
static const struct convert_rule option_rules[] = {
    {"gateway", CONVERT_ALL, CONVERT_TAKE, take_gateway, NULL},
    {"anthropic", CONVERT_CHAT | CONVERT_RESPONSES, CONVERT_TAKE, convert_take_anthropic, NULL},
    {"openai", CONVERT_CHAT | CONVERT_RESPONSES, CONVERT_TAKE, convert_take_openai, NULL},
};
static const struct convert_table options_table = {"providerOptions.", option_rules,
                                                   COUNT(option_rules), CONVERT_WARN, NULL};

int convert_take_options(struct convert *convert, uint32_t value)
{
    struct convert_members members;
    int error = check_object(convert, value, "providerOptions");

    if (error == 0 && convert_is_said(convert->doc, value)) {
        error = convert_fold(convert, value, &members);
        if (error == 0)
            error = convert_apply(convert, &options_table, &members);
    }
    return error != 0 ? error : CONVERT_GONE;
}
