/* answer_convert_vercel.c - answers for a client of Vercel (vercel-ai-gateway-api.md sections 3 to
 * 5), from OpenRouter or an upstream of OpenAI's dialect: one table per object.
 *
 * The gateway's metadata is made of what the upstream says, and placed where the api has it. An
 * upstream that wrote such metadata itself keeps its own.
 */
#include "server/dialect/answer_convert_private.h"

#include "server/dialect/answer_field.h"
#include "server/dialect/error_convert.h"

#include <string.h>

/* --- gateway metadata --- */

/* Costs are strings here; a JSON number needs no escape. */
static void add_cost(struct rewrite *rewrite, const char *name, struct text cost)
{
    if (cost.len == 0)
        return;
    out_name(rewrite->out, name);
    out_char(rewrite->out, '"');
    out_bytes(rewrite->out, cost.bytes, cost.len);
    out_char(rewrite->out, '"');
}

void rewrite_gateway(struct rewrite *rewrite)
{
    const struct converter_facts *facts = rewrite->facts;
    struct text cost = facts->byok == 1 && facts->cost.len > 0 ? TEXT("0") : facts->cost;
    struct out *out = rewrite->out;

    out_text(out, "{\"routing\":");
    rewrite_routing(rewrite);
    add_cost(rewrite, "cost", cost);
    add_cost(rewrite, "marketCost", facts->market);
    add_cost(rewrite, "surchargeCost", facts->surcharge);
    add_cost(rewrite, "gatewayCost", facts->billed);
    add_cost(rewrite, "inferenceCost", cost);
    add_cost(rewrite, "inputInferenceCost", facts->prompt);
    add_cost(rewrite, "outputInferenceCost", facts->completions);
    rewrite_add_id(rewrite, "generationId");
    out_char(out, '}');
}

static bool wants_metadata(const struct rewrite *rewrite)
{
    return (rewrite->part == PART_BODY || rewrite->part == PART_LAST) &&
           !rewrite->metadata_placed && rewrite->facts->gateway.at == JSON_NONE;
}

static void add_metadata(struct rewrite *rewrite, const char *name)
{
    if (!wants_metadata(rewrite))
        return;
    rewrite->metadata_placed = true;
    out_name(rewrite->out, name);
    out_text(rewrite->out, "{\"gateway\":");
    rewrite_gateway(rewrite);
    out_char(rewrite->out, '}');
}

static void add_usage(struct rewrite *rewrite)
{
    if (rewrite->facts->usage.at == JSON_NONE)
        return;
    out_name(rewrite->out, "usage");
    rewrite_usage_vercel(rewrite);
}

static void usage(struct rewrite *rewrite, const struct rewrite_rule *rule, uint32_t object,
                  uint32_t value)
{
    if (answer_field_is(rewrite->doc, value, JSON_OBJECT))
        add_usage(rewrite);
    else if (rewrite->conversion->api == API_RESPONSES)
        rewrite_keep(rewrite, rule, object, value);
}

/* --- chat and completions --- */

/* The message or delta of the choice that ends the answer. */
static void message_tail(struct rewrite *rewrite, uint32_t object)
{
    (void)object;
    if (rewrite->choice_is_chosen)
        add_metadata(rewrite, "provider_metadata");
}

static void message(struct rewrite *rewrite, const struct rewrite_rule *rule, uint32_t object,
                    uint32_t value)
{
    static const struct rewrite_rule members[] = {
        {"reasoning", rewrite_reasoning},
        {"reasoning_content", rewrite_reasoning_content},
        {NULL, NULL},
    };

    (void)object;
    out_name(rewrite->out, rule->name);
    rewrite_object(rewrite, value, members, message_tail);
}

/* One without a message: of completions, or odd. */
static void choice_tail(struct rewrite *rewrite, uint32_t object)
{
    (void)object;
    if (rewrite->choice_is_chosen)
        add_metadata(rewrite, "provider_metadata");
}

static const struct rewrite_rule choice_members[] = {
    {"native_finish_reason", NULL},
    {"message", message},
    {"delta", message},
    {NULL, NULL},
};

/* The first choice that is at its end, else the first. */
static uint32_t chosen_choice(const struct json_doc *doc, uint32_t choices)
{
    for (uint32_t choice = json_first(doc, choices); choice != JSON_NONE;
         choice = json_next(doc, choices, choice))
        if (answer_field_is_said(doc, json_get(doc, choice, "finish_reason")))
            return choice;
    return json_first(doc, choices);
}

/* An upstream that sends its usage with no choice at all. */
static void lone_choice(struct rewrite *rewrite)
{
    const char *finish = rewrite->converter->finish;
    bool text = rewrite->conversion->api == API_COMPLETIONS;

    out_name(rewrite->out, "choices");
    out_text(rewrite->out, text ? "[{\"index\":0,\"text\":\"\"" : "[{\"index\":0,\"delta\":{");
    add_metadata(rewrite, "provider_metadata");
    out_text(rewrite->out, text ? ",\"logprobs\":null" : "},\"logprobs\":null");
    rewrite_add_raw(rewrite, "finish_reason", text_of(finish[0] != '\0' ? finish : "null"));
    out_text(rewrite->out, "}]");
}

static void choices(struct rewrite *rewrite, const struct rewrite_rule *rule, uint32_t object,
                    uint32_t value)
{
    const struct json_doc *doc = rewrite->doc;
    struct out *out = rewrite->out;
    uint32_t chosen;

    (void)object;
    if (rewrite->part == PART_ERROR)
        return;
    if (!answer_field_is(doc, value, JSON_ARRAY)) {
        rewrite_keep(rewrite, rule, object, value);
        return;
    }
    chosen = chosen_choice(doc, value);
    if (chosen == JSON_NONE && rewrite->part == PART_LAST) {
        lone_choice(rewrite);
        return;
    }
    out_name(out, rule->name);
    out_char(out, '[');
    for (uint32_t choice = json_first(doc, value); choice != JSON_NONE;
         choice = json_next(doc, value, choice)) {
        out_next(out);
        rewrite->choice_is_chosen = choice == chosen;
        rewrite_object(rewrite, choice, choice_members, choice_tail);
    }
    rewrite->choice_is_chosen = false;
    out_char(out, ']');
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

/* Its error frames tell of no usage (section 4). */
static void chat_usage(struct rewrite *rewrite, const struct rewrite_rule *rule, uint32_t object,
                       uint32_t value)
{
    if (rewrite->part != PART_ERROR)
        usage(rewrite, rule, object, value);
}

static void chat_tail(struct rewrite *rewrite, uint32_t object)
{
    const struct json_doc *doc = rewrite->doc;

    if (rewrite->part == PART_ERROR) {
        rewrite_complete_error(rewrite, object);
        return;
    }
    if (rewrite->part != PART_BODY && rewrite->part != PART_LAST)
        return;
    if (rewrite->part == PART_LAST && json_get(doc, object, "choices") == JSON_NONE)
        lone_choice(rewrite);
    if (!answer_field_is(doc, json_get(doc, object, "usage"), JSON_OBJECT))
        add_usage(rewrite);
    if (json_get(doc, object, "generationId") == JSON_NONE)
        rewrite_add_id(rewrite, "generationId");
}

static const struct rewrite_rule chat_members[] = {
    {"id", rewrite_id},    {"generationId", rewrite_id},  {"model", rewrite_model},
    {"provider", NULL},    {"openrouter_metadata", NULL}, {"choices", choices},
    {"error", chat_error}, {"usage", chat_usage},         {NULL, NULL},
};

/* --- the other apis: one object that is the answer --- */

static void answer_tail(struct rewrite *rewrite, uint32_t object)
{
    (void)object;
    add_metadata(rewrite, rewrite->conversion->api == API_EMBEDDINGS ? "providerMetadata"
                                                                     : "provider_metadata");
}

static const struct rewrite_rule answer_members[] = {
    {"id", rewrite_id}, {"generationId", rewrite_id},  {"model", rewrite_model},
    {"provider", NULL}, {"openrouter_metadata", NULL}, {"usage", usage},
    {NULL, NULL},
};

/* Its embeddings have no id of their own. */
static const struct rewrite_rule embeddings_members[] = {
    {"id", NULL},       {"model", rewrite_model},
    {"provider", NULL}, {"openrouter_metadata", NULL},
    {"usage", usage},   {NULL, NULL},
};

static void inner_answer(struct rewrite *rewrite, const struct rewrite_rule *rule, uint32_t object,
                         uint32_t value)
{
    bool responses = rewrite->conversion->api == API_RESPONSES;

    (void)object;
    out_name(rewrite->out, rule->name);
    rewrite_object(rewrite, value, answer_members, responses ? answer_tail : NULL);
}

static const struct rewrite_rule response_event_members[] = {
    {"response", inner_answer},
    {NULL, NULL},
};

/* message_delta is where the metadata of a stream stands (section 5). */
static void messages_event_tail(struct rewrite *rewrite, uint32_t object)
{
    if (json_string_is(rewrite->doc, json_get(rewrite->doc, object, "type"), "message_delta"))
        add_metadata(rewrite, "provider_metadata");
}

static const struct rewrite_rule messages_event_members[] = {
    {"message", inner_answer}, {"provider", NULL}, {"openrouter_metadata", NULL},
    {"usage", usage},          {NULL, NULL},
};

void rewrite_vercel(struct rewrite *rewrite)
{
    bool body = rewrite->part == PART_BODY;

    switch (rewrite->conversion->api) {
    case API_RESPONSES:
        if (body)
            rewrite_object(rewrite, 0, answer_members, answer_tail);
        else
            rewrite_object(rewrite, 0, response_event_members, NULL);
        break;
    case API_MESSAGES:
        if (body)
            rewrite_object(rewrite, 0, answer_members, answer_tail);
        else
            rewrite_object(rewrite, 0, messages_event_members, messages_event_tail);
        break;
    case API_EMBEDDINGS:
        rewrite_object(rewrite, 0, embeddings_members, answer_tail);
        break;
    default:
        rewrite_object(rewrite, 0, chat_members, chat_tail);
        break;
    }
}
