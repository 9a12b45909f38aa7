#include "server/dialect/answer_convert_private.h"

#include "server/dialect/answer_facts.h"
#include "server/dialect/answer_field.h"

#include <assert.h>
#include <string.h>

#define NOT_SAID ((struct converter_node){NULL, JSON_NONE})

void converter_facts_init(struct converter_facts *facts)
{
    *facts = (struct converter_facts){.usage = NOT_SAID,
                                      .gateway = NOT_SAID,
                                      .router = NOT_SAID,
                                      .id = NOT_SAID,
                                      .model = NOT_SAID,
                                      .said_provider = NOT_SAID,
                                      .byok = -1};
}

static uint32_t get(struct converter_node node, const char *name)
{
    return node.at == JSON_NONE ? JSON_NONE : json_get(node.doc, node.at, name);
}

/* --- where things stand --- */

static void learn(struct converter_node *node, const struct json_doc *doc, uint32_t token,
                  enum json_type type)
{
    if (!answer_field_is(doc, token, type))
        return;
    if (type == JSON_OBJECT && json_first(doc, token) == JSON_NONE)
        return;
    *node = (struct converter_node){doc, token};
}

/* Spelling and place of the gateway's metadata vary (vercel section 3). */
static void learn_gateway(struct converter_facts *facts, const struct json_doc *doc,
                          uint32_t object)
{
    static const char *const names[] = {"provider_metadata", "providerMetadata"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        learn(&facts->gateway, doc, json_get(doc, json_get(doc, object, names[i]), "gateway"),
              JSON_OBJECT);
}

static void learn_choices(struct converter_facts *facts, const struct json_doc *doc,
                          uint32_t object)
{
    uint32_t choices = json_get(doc, object, "choices");

    if (!answer_field_is(doc, choices, JSON_ARRAY))
        return;
    for (uint32_t choice = json_first(doc, choices); choice != JSON_NONE;
         choice = json_next(doc, choices, choice)) {
        learn_gateway(facts, doc, choice);
        learn_gateway(facts, doc, json_get(doc, choice, "message"));
        learn_gateway(facts, doc, json_get(doc, choice, "delta"));
    }
}

void converter_facts_learn(struct converter_facts *facts, const struct json_doc *doc,
                           uint32_t object)
{
    learn(&facts->usage, doc, json_get(doc, object, "usage"), JSON_OBJECT);
    learn(&facts->router, doc, json_get(doc, object, "openrouter_metadata"), JSON_OBJECT);
    learn(&facts->id, doc, json_get(doc, object, "generationId"), JSON_STRING);
    learn(&facts->id, doc, json_get(doc, object, "id"), JSON_STRING);
    learn(&facts->model, doc, json_get(doc, object, "model"), JSON_STRING);
    learn(&facts->said_provider, doc, json_get(doc, object, "provider"), JSON_STRING);
    learn_choices(facts, doc, object);
    learn_gateway(facts, doc, object);
    if (facts->id.at == JSON_NONE)
        learn(&facts->id, facts->gateway.doc, get(facts->gateway, "generationId"), JSON_STRING);
}

/* --- costs --- */

static size_t digits(struct text text, size_t at)
{
    size_t count = 0;

    while (at + count < text.len && text.bytes[at + count] >= '0' && text.bytes[at + count] <= '9')
        count++;
    return count;
}

/* RFC 8259's number, so that a cost that came as a string can stand without its quotes. */
static bool is_json_number(struct text text)
{
    size_t at = text.len > 0 && text.bytes[0] == '-' ? 1 : 0, count = digits(text, at);

    if (count == 0 || (count > 1 && text.bytes[at] == '0'))
        return false;
    at += count;
    if (at < text.len && text.bytes[at] == '.') {
        count = digits(text, at + 1);
        if (count == 0)
            return false;
        at += 1 + count;
    }
    if (at < text.len && (text.bytes[at] == 'e' || text.bytes[at] == 'E')) {
        at++;
        if (at < text.len && (text.bytes[at] == '+' || text.bytes[at] == '-'))
            at++;
        count = digits(text, at);
        if (count == 0)
            return false;
        at += count;
    }
    return at == text.len;
}

/* The first of several places where a decimal stands, as a number or as a string. */
struct place {
    struct converter_node object;
    const char *name;
};

static struct text decimal(const struct json_doc *doc, uint32_t token)
{
    struct text text;

    if (!answer_field_is(doc, token, JSON_NUMBER) && !answer_field_is(doc, token, JSON_STRING))
        return (struct text){NULL, 0};
    text = (struct text){doc->text + doc->tokens[token].start,
                         doc->tokens[token].end - doc->tokens[token].start};
    if (doc->tokens[token].type == JSON_STRING) {
        text.bytes++;
        text.len -= 2;
    }
    /* Longer than what money.h looks at is no amount that anybody meant. */
    if (text.len > MONEY_DIGITS_MAX || !is_json_number(text))
        return (struct text){NULL, 0};
    return text;
}

static struct text first(const struct place *places, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct text text = decimal(places[i].object.doc, get(places[i].object, places[i].name));

        if (text.len > 0)
            return text;
    }
    return (struct text){NULL, 0};
}
#define FIRST(...)                                                                                 \
    first((const struct place[]){__VA_ARGS__},                                                     \
          sizeof((const struct place[]){__VA_ARGS__}) / sizeof(struct place))

static bool is_zero(struct text text)
{
    for (size_t i = 0; i < text.len && text.bytes[i] != 'e' && text.bytes[i] != 'E'; i++)
        if (text.bytes[i] >= '1' && text.bytes[i] <= '9')
            return false;
    return true;
}

/* What the gateway bills where it does not say so: inference and fees (vercel section 11). */
static struct text add(struct converter_facts *facts)
{
    struct money cost, surcharge, sum;

    if (facts->cost.len == 0 || facts->surcharge.len == 0 || is_zero(facts->surcharge) ||
        money_parse(facts->cost.bytes, facts->cost.len, &cost, NULL) != 0 ||
        money_parse(facts->surcharge.bytes, facts->surcharge.len, &surcharge, NULL) != 0 ||
        money_add(cost, surcharge, &sum) != 0)
        return facts->cost;
    return (struct text){facts->sum, money_print(sum, facts->sum)};
}

static void conclude_costs(struct converter_facts *facts)
{
    struct converter_node usage = facts->usage, gateway = facts->gateway;
    struct converter_node details = {usage.doc, get(usage, "cost_details")};

    facts->cost = FIRST({usage, "cost"}, {gateway, "cost"});
    facts->surcharge = FIRST({usage, "surcharge_cost"}, {usage, "zero_data_retention_cost"},
                             {gateway, "surchargeCost"}, {gateway, "zeroDataRetentionCost"});
    facts->billed = FIRST({usage, "gateway_cost"}, {gateway, "gatewayCost"});
    if (facts->billed.len == 0)
        facts->billed = add(facts);
    facts->market = FIRST({usage, "market_cost"}, {gateway, "marketCost"});
    facts->upstream = FIRST({details, "upstream_inference_cost"});
    facts->prompt =
        FIRST({gateway, "inputInferenceCost"}, {details, "upstream_inference_prompt_cost"},
              {details, "upstream_inference_input_cost"});
    facts->completions =
        FIRST({gateway, "outputInferenceCost"}, {details, "upstream_inference_completions_cost"},
              {details, "upstream_inference_output_cost"});
}

/* --- who served, with whose key --- */

static int conclude_byok(const struct converter_facts *facts)
{
    int said = answer_field_bool(facts->usage.doc, get(facts->usage, "is_byok"));

    if (said >= 0 || facts->gateway.at == JSON_NONE)
        return said;
    return answer_facts_byok(facts->gateway.doc, get(facts->gateway, "routing"));
}

/* The one that openrouter_metadata says was selected: not every api has a `provider`. */
static bool selected_provider(struct converter_node router, char *said, size_t size)
{
    const struct json_doc *doc = router.doc;
    uint32_t list = router.at == JSON_NONE
                        ? JSON_NONE
                        : json_get(doc, json_get(doc, router.at, "endpoints"), "available");

    if (list == JSON_NONE || !answer_field_is(doc, list, JSON_ARRAY))
        return false;
    for (uint32_t item = json_first(doc, list); item != JSON_NONE;
         item = json_next(doc, list, item))
        if (answer_field_bool(doc, json_get(doc, item, "selected")) == 1)
            return answer_field_text(doc, json_get(doc, item, "provider"), said, size);
    return false;
}

static void conclude_provider(struct converter_facts *facts,
                              const struct answer_conversion *conversion)
{
    char said[ROW_NAME_MAX + 1];
    const struct json_doc *doc = facts->gateway.doc;
    uint32_t routing = get(facts->gateway, "routing");
    bool known;

    known = routing != JSON_NONE &&
            answer_field_text(doc, json_get(doc, routing, "finalProvider"), said, sizeof(said));
    if (!known)
        known = answer_field_text(facts->said_provider.doc, facts->said_provider.at, said,
                                  sizeof(said));
    if (!known)
        known = selected_provider(facts->router, said, sizeof(said));
    if (!known && conversion->from == DIALECT_OPENAI && conversion->upstream.len > 0) {
        size_t len =
            conversion->upstream.len < ROW_NAME_MAX ? conversion->upstream.len : ROW_NAME_MAX;
        memcpy(said, conversion->upstream.bytes, len);
        said[len] = '\0';
        known = true;
    }
    if (known)
        provider_convert(conversion, said, facts->provider);
}

/* OpenRouter says what is billed, and what the provider asks: its list price. Under one's own key
 * what is billed is nothing but its fee. */
static void conclude_openrouter(struct converter_facts *facts)
{
    if (facts->market.len == 0)
        facts->market = facts->upstream;
    if (facts->market.len == 0 && facts->byok != 1)
        facts->market = facts->cost;
    if (facts->byok == 1 && facts->surcharge.len == 0 && !is_zero(facts->billed))
        facts->surcharge = facts->billed;
}

void converter_facts_conclude(struct converter_facts *facts,
                              const struct answer_conversion *conversion)
{
    conclude_costs(facts);
    facts->byok = conclude_byok(facts);
    if (conversion->from == DIALECT_OPENROUTER)
        conclude_openrouter(facts);
    conclude_provider(facts, conversion);
}
