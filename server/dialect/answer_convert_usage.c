/* answer_convert_usage.c - `usage` in the words of both vendors.
 *
 * Amounts are put from one place into another digit for digit. What was not said is not said again:
 * no cost is ever made out of nothing, but for two zeros that OpenRouter's clients need beside an
 * upstream cost (Vercel itself writes them), and the cost of 0 that Vercel's own keys mean.
 */
#include "server/dialect/answer_convert_private.h"

#include "server/dialect/answer_field.h"

#include <string.h>

static uint32_t details_of(const struct rewrite *rewrite, uint32_t usage)
{
    return json_get(rewrite->doc, usage,
                    rewrite->conversion->api == API_RESPONSES ? "input_tokens_details"
                                                              : "prompt_tokens_details");
}

static struct text raw(const struct json_doc *doc, uint32_t value)
{
    if (!answer_field_is(doc, value, JSON_NUMBER))
        return (struct text){NULL, 0};
    return (struct text){doc->text + doc->tokens[value].start,
                         doc->tokens[value].end - doc->tokens[value].start};
}

/* Cache writes: Vercel has them beside the counts, OpenRouter among the details. */
static struct text cache_writes(const struct rewrite *rewrite, uint32_t usage)
{
    static const char *const names[] = {"cache_write_tokens", "cache_creation_tokens"};
    struct text text =
        raw(rewrite->doc, json_get(rewrite->doc, usage, "cache_creation_input_tokens"));

    for (size_t i = 0; text.len == 0 && i < sizeof(names) / sizeof(names[0]); i++)
        text = raw(rewrite->doc, json_get(rewrite->doc, details_of(rewrite, usage), names[i]));
    return text;
}

static bool is_said(const struct rewrite *rewrite, uint32_t object, const char *name)
{
    return answer_field_is_said(rewrite->doc, json_get(rewrite->doc, object, name));
}

/* null says nothing, and was dropped. */
static void add_byok(struct rewrite *rewrite, uint32_t usage)
{
    if (!is_said(rewrite, usage, "is_byok") && rewrite->facts->byok >= 0)
        rewrite_add_raw(rewrite, "is_byok", text_of(rewrite->facts->byok == 1 ? "true" : "false"));
}

/* --- OpenRouter --- */

/* Of inference alone: the gateway's fees are in `cost`, which is what is billed. */
static struct text upstream_cost(const struct converter_facts *facts)
{
    if (facts->byok != 1)
        return facts->cost;
    return facts->upstream.len > 0 ? facts->upstream : facts->market;
}

static void write_cost_details(struct rewrite *rewrite)
{
    const struct converter_facts *facts = rewrite->facts;
    bool responses = rewrite->conversion->api == API_RESPONSES;
    struct text upstream = upstream_cost(facts);

    out_name(rewrite->out, "cost_details");
    out_char(rewrite->out, '{');
    rewrite_add_raw(rewrite, "upstream_inference_cost", upstream.len > 0 ? upstream : TEXT("null"));
    rewrite_add_raw(rewrite,
                    responses ? "upstream_inference_input_cost" : "upstream_inference_prompt_cost",
                    facts->prompt.len > 0 ? facts->prompt : TEXT("0"));
    rewrite_add_raw(rewrite,
                    responses ? "upstream_inference_output_cost"
                              : "upstream_inference_completions_cost",
                    facts->completions.len > 0 ? facts->completions : TEXT("0"));
    out_char(rewrite->out, '}');
}

static bool has_cost_details(const struct converter_facts *facts)
{
    return facts->prompt.len > 0 || facts->completions.len > 0 ||
           (facts->byok == 1 && upstream_cost(facts).len > 0);
}

static void openrouter_cost(struct rewrite *rewrite, const struct rewrite_rule *rule,
                            uint32_t object, uint32_t value)
{
    (void)object;
    (void)value;
    rewrite_add_raw(rewrite, rule->name, rewrite->facts->billed);
}

static void openrouter_cost_details(struct rewrite *rewrite, const struct rewrite_rule *rule,
                                    uint32_t object, uint32_t value)
{
    (void)rule;
    (void)object;
    if (answer_field_is(rewrite->doc, value, JSON_OBJECT))
        write_cost_details(rewrite);
}

static void openrouter_cached(struct rewrite *rewrite, const struct rewrite_rule *rule,
                              uint32_t object, uint32_t value)
{
    if (!answer_field_is_said(rewrite->doc, value))
        return;
    rewrite_keep(rewrite, rule, object, value);
    if (!is_said(rewrite, object, "cache_write_tokens"))
        rewrite_add_raw(rewrite, "cache_write_tokens",
                        cache_writes(rewrite, rewrite->facts->usage.at));
}

/* Of responses, the counts that its schema requires. */
static void openrouter_in_tail(struct rewrite *rewrite, uint32_t object)
{
    if (is_said(rewrite, object, "cached_tokens"))
        return;
    if (rewrite->conversion->api == API_RESPONSES)
        rewrite_add_raw(rewrite, "cached_tokens", TEXT("0"));
    if (!is_said(rewrite, object, "cache_write_tokens"))
        rewrite_add_raw(rewrite, "cache_write_tokens",
                        cache_writes(rewrite, rewrite->facts->usage.at));
}

static void openrouter_out_tail(struct rewrite *rewrite, uint32_t object)
{
    if (rewrite->conversion->api == API_RESPONSES && !is_said(rewrite, object, "reasoning_tokens"))
        rewrite_add_raw(rewrite, "reasoning_tokens", TEXT("0"));
}

/* Other upstreams say null of what they did not count, where its schema has numbers only. */
static void openrouter_in(struct rewrite *rewrite, const struct rewrite_rule *rule, uint32_t object,
                          uint32_t value)
{
    static const struct rewrite_rule members[] = {
        {"cached_tokens", openrouter_cached},
        {"cache_write_tokens", rewrite_unless_null},
        {"cache_creation_tokens", NULL},
        {"audio_tokens", rewrite_unless_null},
        {"file_tokens", rewrite_unless_null},
        {"image_tokens", rewrite_unless_null},
        {"text_tokens", rewrite_unless_null},
        {"video_tokens", rewrite_unless_null},
        {NULL, NULL},
    };

    (void)object;
    if (!answer_field_is(rewrite->doc, value, JSON_OBJECT))
        return;
    out_name(rewrite->out, rule->name);
    rewrite_object(rewrite, value, members, openrouter_in_tail);
}

static void openrouter_out(struct rewrite *rewrite, const struct rewrite_rule *rule,
                           uint32_t object, uint32_t value)
{
    static const struct rewrite_rule members[] = {
        {"reasoning_tokens", rewrite_unless_null},
        {"accepted_prediction_tokens", rewrite_unless_null},
        {"rejected_prediction_tokens", rewrite_unless_null},
        {"audio_tokens", rewrite_unless_null},
        {"image_tokens", rewrite_unless_null},
        {"text_tokens", rewrite_unless_null},
        {"video_tokens", rewrite_unless_null},
        {NULL, NULL},
    };

    (void)object;
    if (!answer_field_is(rewrite->doc, value, JSON_OBJECT))
        return;
    out_name(rewrite->out, rule->name);
    rewrite_object(rewrite, value, members, openrouter_out_tail);
}

/* What stood in no object of its own: responses must have both. */
static void add_details(struct rewrite *rewrite, uint32_t usage)
{
    bool responses = rewrite->conversion->api == API_RESPONSES;
    const struct json_doc *doc = rewrite->doc;
    struct text writes = cache_writes(rewrite, usage);

    if ((responses || writes.len > 0) &&
        !answer_field_is(doc, details_of(rewrite, usage), JSON_OBJECT)) {
        out_name(rewrite->out, responses ? "input_tokens_details" : "prompt_tokens_details");
        out_text(rewrite->out, "{\"cached_tokens\":0");
        rewrite_add_raw(rewrite, "cache_write_tokens", writes);
        out_char(rewrite->out, '}');
    }
    if (responses &&
        !answer_field_is(doc, json_get(doc, usage, "output_tokens_details"), JSON_OBJECT))
        rewrite_add_raw(rewrite, "output_tokens_details", TEXT("{\"reasoning_tokens\":0}"));
}

static void openrouter_tail(struct rewrite *rewrite, uint32_t usage)
{
    const struct json_doc *doc = rewrite->doc;
    const struct converter_facts *facts = rewrite->facts;

    if (json_get(doc, usage, "cost") == JSON_NONE)
        rewrite_add_raw(rewrite, "cost", facts->billed);
    add_byok(rewrite, usage);
    if (rewrite->conversion->api != API_MESSAGES)
        add_details(rewrite, usage);
    if (!answer_field_is(doc, json_get(doc, usage, "cost_details"), JSON_OBJECT) &&
        has_cost_details(facts))
        write_cost_details(rewrite);
}

void rewrite_usage_openrouter(struct rewrite *rewrite)
{
    static const struct rewrite_rule counts[] = {
        {"cost", openrouter_cost},
        {"gateway_cost", NULL},
        {"market_cost", NULL},
        {"surcharge_cost", NULL},
        {"zero_data_retention_cost", NULL},
        {"cache_creation_input_tokens", NULL},
        {"prompt_tokens_details", openrouter_in},
        {"input_tokens_details", openrouter_in},
        {"completion_tokens_details", openrouter_out},
        {"output_tokens_details", openrouter_out},
        {"is_byok", rewrite_unless_null},
        {"cost_details", openrouter_cost_details},
        {NULL, NULL},
    };
    /* Anthropic's counts are OpenRouter's on this endpoint. */
    static const struct rewrite_rule messages[] = {
        {"cost", openrouter_cost},
        {"is_byok", rewrite_unless_null},
        {"cost_details", openrouter_cost_details},
        {NULL, NULL},
    };
    struct rewrite inner = *rewrite;

    inner.doc = rewrite->facts->usage.doc;
    rewrite_object(&inner, rewrite->facts->usage.at,
                   rewrite->conversion->api == API_MESSAGES ? messages : counts, openrouter_tail);
}

/* --- Vercel --- */

/* Under one's own key the inference costs nothing there, and what is billed is the fee. */
static void vercel_cost(struct rewrite *rewrite, const struct rewrite_rule *rule, uint32_t object,
                        uint32_t value)
{
    const struct converter_facts *facts = rewrite->facts;

    (void)object;
    (void)value;
    rewrite_add_raw(rewrite, rule->name, facts->byok == 1 ? TEXT("0") : facts->cost);
}

/* A number under one's own key, else null (vercel section 3). */
static void vercel_upstream(struct rewrite *rewrite, const struct rewrite_rule *rule,
                            uint32_t object, uint32_t value)
{
    out_name(rewrite->out, rule->name);
    if (rewrite->facts->byok == 1)
        out_value(rewrite->out, rewrite->doc, value);
    else
        out_text(rewrite->out, "null");
    (void)object;
}

static void vercel_cost_details(struct rewrite *rewrite, const struct rewrite_rule *rule,
                                uint32_t object, uint32_t value)
{
    static const struct rewrite_rule members[] = {
        {"upstream_inference_cost", vercel_upstream},
        {NULL, NULL},
    };

    (void)object;
    out_name(rewrite->out, rule->name);
    rewrite_object(rewrite, value, members, NULL);
}

static void vercel_details(struct rewrite *rewrite, const struct rewrite_rule *rule,
                           uint32_t object, uint32_t value)
{
    static const struct rewrite_rule members[] = {
        {"cache_write_tokens", NULL},
        {"cache_creation_tokens", NULL},
        {NULL, NULL},
    };

    (void)object;
    out_name(rewrite->out, rule->name);
    rewrite_object(rewrite, value, members, NULL);
}

static void add_unless_said(struct rewrite *rewrite, uint32_t usage, const char *name,
                            struct text value)
{
    if (json_get(rewrite->doc, usage, name) == JSON_NONE)
        rewrite_add_raw(rewrite, name, value);
}

static void vercel_tail(struct rewrite *rewrite, uint32_t usage)
{
    const struct converter_facts *facts = rewrite->facts;

    add_byok(rewrite, usage);
    add_unless_said(rewrite, usage, "cache_creation_input_tokens", cache_writes(rewrite, usage));
    add_unless_said(rewrite, usage, "market_cost", facts->market);
    add_unless_said(rewrite, usage, "surcharge_cost", facts->surcharge);
    add_unless_said(rewrite, usage, "gateway_cost", facts->billed);
}

void rewrite_usage_vercel(struct rewrite *rewrite)
{
    static const struct rewrite_rule chat[] = {
        {"cost", vercel_cost},
        {"is_byok", rewrite_unless_null},
        {"prompt_tokens_details", vercel_details},
        {"cost_details", vercel_cost_details},
        {NULL, NULL},
    };
    /* Their cost stands in the metadata alone (the table at the end of section 5). */
    static const struct rewrite_rule others[] = {
        {"cost", NULL},
        {"is_byok", NULL},
        {"cost_details", NULL},
        {NULL, NULL},
    };
    struct rewrite inner = *rewrite;
    enum row_api api = rewrite->conversion->api;

    inner.doc = rewrite->facts->usage.doc;
    if (api == API_CHAT || api == API_COMPLETIONS)
        rewrite_object(&inner, rewrite->facts->usage.at, chat, vercel_tail);
    else
        rewrite_object(&inner, rewrite->facts->usage.at, others, NULL);
}
