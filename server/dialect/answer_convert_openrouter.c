/* answer_convert_openrouter.c - answers for a client of OpenRouter (openrouter-api.md sections 2.4
 * to 3.3), from Vercel or an upstream of OpenAI's dialect: one table per object. */
#include "server/dialect/answer_convert_private.h"

#include "server/dialect/answer_field.h"
#include "server/dialect/error_convert.h"

#include <string.h>

/* --- members of every api --- */

/* Vercel tells who served in its last chunk only, OpenRouter's chunks all do: until then it is the
 * upstream itself. */
static void add_provider(struct rewrite *rewrite)
{
    const struct answer_conversion *conversion = rewrite->conversion;
    const char *provider = rewrite->facts->provider[0] != '\0' ? rewrite->facts->provider
                                                               : rewrite->converter->provider;

    rewrite_add_string(rewrite, "provider", provider);
    if (provider[0] != '\0' || conversion->upstream.len == 0 ||
        (conversion->api != API_CHAT && conversion->api != API_COMPLETIONS))
        return;
    out_name(rewrite->out, "provider");
    out_string(rewrite->out, conversion->upstream);
}

static void model_and_provider(struct rewrite *rewrite, const struct rewrite_rule *rule,
                               uint32_t object, uint32_t value)
{
    rewrite_model(rewrite, rule, object, value);
    add_provider(rewrite);
}

static void add_usage(struct rewrite *rewrite)
{
    if (rewrite->facts->usage.at == JSON_NONE)
        return;
    out_name(rewrite->out, "usage");
    rewrite_usage_openrouter(rewrite);
}

static bool shows_usage(const struct rewrite *rewrite)
{
    return rewrite->part != PART_FINISH;
}

/* null where the api's own grammar has it, which is in events that begin a response. */
static void usage(struct rewrite *rewrite, const struct rewrite_rule *rule, uint32_t object,
                  uint32_t value)
{
    if (answer_field_is(rewrite->doc, value, JSON_OBJECT) && shows_usage(rewrite))
        add_usage(rewrite);
    else if (rewrite->conversion->api == API_RESPONSES)
        rewrite_keep(rewrite, rule, object, value);
}

static void add_router_metadata(struct rewrite *rewrite)
{
    if (!rewrite->conversion->metadata || rewrite->converter->metadata_given)
        return;
    rewrite->converter->metadata_given = true;
    out_name(rewrite->out, "openrouter_metadata");
    rewrite_openrouter_metadata(rewrite);
}

static void add_nulls(struct rewrite *rewrite, uint32_t object, const char *const *names,
                      size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (json_get(rewrite->doc, object, names[i]) == JSON_NONE)
            rewrite_add_raw(rewrite, names[i], TEXT("null"));
}

/* --- chat and completions --- */

/* Vercel has no native reason; its reasons are the providers' in OpenAI's words. */
static void finish_reason(struct rewrite *rewrite, const struct rewrite_rule *rule, uint32_t object,
                          uint32_t value)
{
    uint32_t native = json_get(rewrite->doc, object, "native_finish_reason");

    rewrite_keep(rewrite, rule, object, value);
    out_name(rewrite->out, "native_finish_reason");
    out_value(rewrite->out, rewrite->doc,
              answer_field_is_said(rewrite->doc, native) ? native : value);
}

static void message_tail(struct rewrite *rewrite, uint32_t object)
{
    static const char *const nulls[] = {"refusal", "reasoning"};

    /* Where it was called otherwise, reasoning is written already. */
    add_nulls(
        rewrite, object, nulls,
        answer_field_is_said(rewrite->doc, json_get(rewrite->doc, object, "reasoning_content"))
            ? 1
            : 2);
}

/* What held nothing but metadata is an empty delta, which is written like this. */
static void delta_tail(struct rewrite *rewrite, uint32_t object)
{
    const struct out *out = rewrite->out;

    (void)object;
    if (out->len > 0 && out->bytes[out->len - 1] == '{')
        out_text(rewrite->out, "\"role\":\"assistant\",\"content\":\"\"");
}

/* Upstreams that stream a call repeat what they said of it as null; its schemas have no null. */
static const struct rewrite_rule function_members[] = {
    {"name", rewrite_unless_null},
    {"arguments", rewrite_unless_null},
    {NULL, NULL},
};

static void function(struct rewrite *rewrite, const struct rewrite_rule *rule, uint32_t object,
                     uint32_t value)
{
    (void)object;
    if (!answer_field_is_said(rewrite->doc, value))
        return;
    out_name(rewrite->out, rule->name);
    rewrite_object(rewrite, value, function_members, NULL);
}

static const struct rewrite_rule call_members[] = {
    {"id", rewrite_unless_null},
    {"type", rewrite_unless_null},
    {"function", function},
    {NULL, NULL},
};

static void tool_calls(struct rewrite *rewrite, const struct rewrite_rule *rule, uint32_t object,
                       uint32_t value)
{
    (void)object;
    if (!answer_field_is_said(rewrite->doc, value))
        return;
    out_name(rewrite->out, rule->name);
    rewrite_array(rewrite, value, call_members, NULL);
}

static const struct rewrite_rule message_members[] = {
    {"provider_metadata", NULL},
    {"providerMetadata", NULL},
    {"reasoning", rewrite_reasoning},
    {"reasoning_content", rewrite_reasoning_content},
    {"reasoning_details", rewrite_unless_null},
    {"tool_calls", tool_calls},
    {"images", rewrite_unless_null},
    {"audio", rewrite_unless_null},
    {"annotations", rewrite_unless_null},
    {NULL, NULL},
};

static void message(struct rewrite *rewrite, const struct rewrite_rule *rule, uint32_t object,
                    uint32_t value)
{
    (void)object;
    out_name(rewrite->out, rule->name);
    rewrite_object(rewrite, value, message_members, message_tail);
}

static void delta(struct rewrite *rewrite, const struct rewrite_rule *rule, uint32_t object,
                  uint32_t value)
{
    (void)object;
    out_name(rewrite->out, rule->name);
    rewrite_object(rewrite, value, message_members, delta_tail);
}

static const struct rewrite_rule choice_members[] = {
    {"finish_reason", finish_reason},
    {"native_finish_reason", NULL},
    {"message", message},
    {"delta", delta},
    {"provider_metadata", NULL},
    {"providerMetadata", NULL},
    {NULL, NULL},
};

/* A choice without a word in it: of the usage chunk (the last of the shapes of section 2.6), and of
 * the frame that ends a stream in error. */
static void empty_choice(struct rewrite *rewrite)
{
    const struct answer_converter *converter = rewrite->converter;
    bool text = rewrite->conversion->api == API_COMPLETIONS;
    bool error = rewrite->part == PART_ERROR;

    out_name(rewrite->out, "choices");
    out_text(rewrite->out, "[{\"index\":0,");
    if (text)
        out_text(rewrite->out, "\"text\":\"\"");
    else if (error)
        out_text(rewrite->out, "\"delta\":{\"content\":\"\"}");
    else
        out_text(rewrite->out, "\"delta\":{\"role\":\"assistant\",\"content\":\"\"}");
    if (error) {
        out_text(rewrite->out, ",\"finish_reason\":\"error\"}]");
        return;
    }
    rewrite_add_raw(rewrite, "finish_reason",
                    text_of(converter->finish[0] != '\0' ? converter->finish : "null"));
    rewrite_add_raw(rewrite, "native_finish_reason",
                    text_of(converter->native[0] != '\0' ? converter->native : "null"));
    out_text(rewrite->out, ",\"logprobs\":null}]");
}

static void choices(struct rewrite *rewrite, const struct rewrite_rule *rule, uint32_t object,
                    uint32_t value)
{
    (void)object;
    if (rewrite->part == PART_USAGE || rewrite->part == PART_ERROR) {
        empty_choice(rewrite);
        return;
    }
    out_name(rewrite->out, rule->name);
    rewrite_array(rewrite, value, choice_members, NULL);
}

static void chat_error(struct rewrite *rewrite, const struct rewrite_rule *rule, uint32_t object,
                       uint32_t value)
{
    struct error_said said;

    if (rewrite->part != PART_ERROR || !error_read(rewrite->doc, object, 0, &said)) {
        rewrite_unless_null(rewrite, rule, object, value);
        return;
    }
    out_name(rewrite->out, rule->name);
    error_print_value(&said, rewrite->conversion, rewrite->out);
}

/* Its schema has a fingerprint in every body, null if need be, and none that is null in a chunk. */
static void fingerprint(struct rewrite *rewrite, const struct rewrite_rule *rule, uint32_t object,
                        uint32_t value)
{
    if (rewrite->part == PART_BODY)
        rewrite_keep(rewrite, rule, object, value);
    else
        rewrite_unless_null(rewrite, rule, object, value);
}

static void chat_tail(struct rewrite *rewrite, uint32_t object)
{
    const struct json_doc *doc = rewrite->doc;
    static const char *const nulls[] = {"system_fingerprint"};

    if (rewrite->part == PART_ERROR) {
        rewrite_complete_error(rewrite, object);
        if (json_get(doc, object, "model") == JSON_NONE)
            add_provider(rewrite);
        if (json_get(doc, object, "choices") == JSON_NONE)
            empty_choice(rewrite);
        return;
    }
    if (json_get(doc, object, "model") == JSON_NONE)
        add_provider(rewrite);
    if (rewrite->part == PART_BODY && rewrite->conversion->api == API_CHAT)
        add_nulls(rewrite, object, nulls, 1);
    if (rewrite->part == PART_USAGE && json_get(doc, object, "choices") == JSON_NONE)
        empty_choice(rewrite);
    if (shows_usage(rewrite) && rewrite->part != PART_CHUNK &&
        !answer_field_is(doc, json_get(doc, object, "usage"), JSON_OBJECT))
        add_usage(rewrite);
    if (rewrite->part == PART_BODY || rewrite->part == PART_USAGE || rewrite->part == PART_LAST)
        add_router_metadata(rewrite);
}

static const struct rewrite_rule chat_members[] = {
    {"id", rewrite_id},
    {"model", model_and_provider},
    {"provider", NULL},
    {"generationId", NULL},
    {"provider_metadata", NULL},
    {"providerMetadata", NULL},
    {"openrouter_metadata", NULL},
    {"system_fingerprint", fingerprint},
    {"choices", choices},
    {"error", chat_error},
    {"usage", usage},
    {NULL, NULL},
};

/* --- responses --- */

static void add_unless_said(struct rewrite *rewrite, uint32_t object, const char *name,
                            struct text value)
{
    if (!answer_field_is_said(rewrite->doc, json_get(rewrite->doc, object, name)))
        rewrite_add_raw(rewrite, name, value);
}

static void response_tail(struct rewrite *rewrite, uint32_t object)
{
    /* What its schema requires to be there, null or not. */
    static const char *const nulls[] = {
        "completed_at",       "error",        "frequency_penalty",
        "incomplete_details", "instructions", "metadata",
        "presence_penalty",   "temperature",  "top_p",
    };

    add_nulls(rewrite, object, nulls, sizeof(nulls) / sizeof(nulls[0]));
    /* And what may not be null: what a request that says nothing of them means. */
    add_unless_said(rewrite, object, "parallel_tool_calls", TEXT("true"));
    add_unless_said(rewrite, object, "tool_choice", TEXT("\"auto\""));
    add_unless_said(rewrite, object, "tools", TEXT("[]"));
    if (rewrite->part != PART_CHUNK)
        add_router_metadata(rewrite);
}

static const struct rewrite_rule response_members[] = {
    {"id", rewrite_id},
    {"model", model_and_provider},
    {"provider", NULL},
    {"generationId", NULL},
    {"provider_metadata", NULL},
    {"providerMetadata", NULL},
    {"openrouter_metadata", NULL},
    {"parallel_tool_calls", rewrite_unless_null},
    {"tool_choice", rewrite_unless_null},
    {"tools", rewrite_unless_null},
    {"usage", usage},
    {NULL, NULL},
};

static void response(struct rewrite *rewrite, const struct rewrite_rule *rule, uint32_t object,
                     uint32_t value)
{
    (void)object;
    out_name(rewrite->out, rule->name);
    rewrite_object(rewrite, value, response_members, response_tail);
}

static const struct rewrite_rule response_event_members[] = {
    {"response", response},
    {NULL, NULL},
};

/* --- messages --- */

static void messages_tail(struct rewrite *rewrite, uint32_t object)
{
    (void)object;
    if (rewrite->part == PART_BODY)
        add_router_metadata(rewrite);
}

/* The answer itself, as a body or inside message_start. */
static const struct rewrite_rule messages_members[] = {
    {"id", rewrite_id},
    {"model", model_and_provider},
    {"provider", NULL},
    {"generationId", NULL},
    {"provider_metadata", NULL},
    {"providerMetadata", NULL},
    {"openrouter_metadata", NULL},
    {"usage", usage},
    {NULL, NULL},
};

static void start_message(struct rewrite *rewrite, const struct rewrite_rule *rule, uint32_t object,
                          uint32_t value)
{
    (void)object;
    out_name(rewrite->out, rule->name);
    rewrite_object(rewrite, value, messages_members, NULL);
}

/* message_delta says what the answer cost; message_stop may carry how it came about. */
static void messages_event_tail(struct rewrite *rewrite, uint32_t object)
{
    struct out *kept = &rewrite->converter->router_metadata;

    if (json_string_is(rewrite->doc, json_get(rewrite->doc, object, "type"), "message_delta")) {
        add_provider(rewrite);
        return;
    }
    if (kept->len == 0 ||
        !json_string_is(rewrite->doc, json_get(rewrite->doc, object, "type"), "message_stop"))
        return;
    rewrite_add_raw(rewrite, "openrouter_metadata", (struct text){kept->bytes, kept->len});
    out_release(kept);
}

static const struct rewrite_rule messages_event_members[] = {
    {"message", start_message},
    {"provider", NULL},
    {"provider_metadata", NULL},
    {"providerMetadata", NULL},
    {"openrouter_metadata", NULL},
    {"usage", usage},
    {NULL, NULL},
};

/* --- embeddings --- */

static void embeddings_tail(struct rewrite *rewrite, uint32_t object)
{
    (void)object;
    add_provider(rewrite);
    rewrite_add_id(rewrite, "id");
    add_router_metadata(rewrite);
}

static const struct rewrite_rule embeddings_members[] = {
    {"id", NULL},
    {"model", rewrite_model},
    {"provider", NULL},
    {"generationId", NULL},
    {"provider_metadata", NULL},
    {"providerMetadata", NULL},
    {"openrouter_metadata", NULL},
    {"usage", usage},
    {NULL, NULL},
};

void rewrite_openrouter(struct rewrite *rewrite)
{
    bool body = rewrite->part == PART_BODY;

    switch (rewrite->conversion->api) {
    case API_RESPONSES:
        if (body)
            rewrite_object(rewrite, 0, response_members, response_tail);
        else
            rewrite_object(rewrite, 0, response_event_members, NULL);
        break;
    case API_MESSAGES:
        if (body)
            rewrite_object(rewrite, 0, messages_members, messages_tail);
        else
            rewrite_object(rewrite, 0, messages_event_members, messages_event_tail);
        break;
    case API_EMBEDDINGS:
        rewrite_object(rewrite, 0, embeddings_members, embeddings_tail);
        break;
    default:
        rewrite_object(rewrite, 0, chat_members, chat_tail);
        break;
    }
}
