/* answer_facts.c - names, errors and gateway metadata, in whichever API's answer. */
#include "server/dialect/answer_facts.h"

#include "server/dialect/answer_field.h"

#include <string.h>

#define FEMTO_PER_USD INT64_C(1000000000000000)

_Static_assert(sizeof(((struct answer *)0)->finish_reason) == ANSWER_REASON_MAX + 1,
               "what is read fits where it is kept");
_Static_assert(sizeof(((struct answer *)0)->native_finish_reason) == ANSWER_REASON_MAX + 1,
               "what is read fits where it is kept");

bool answer_facts_has_elements(const struct answer *answer, uint32_t token)
{
    return answer_field_is(&answer->doc, token, JSON_ARRAY) &&
           json_first(&answer->doc, token) != JSON_NONE;
}

void answer_facts_error(struct answer *answer, uint32_t object)
{
    if (answer_field_is_said(&answer->doc, json_get(&answer->doc, object, "error")))
        answer->has_error = true;
}

void answer_facts_object(struct answer *answer, uint32_t object)
{
    const struct json_doc *doc = &answer->doc;

    if (answer->id[0] == '\0' &&
        !answer_field_id(doc, json_get(doc, object, "id"), answer->id, sizeof(answer->id)))
        answer_field_id(doc, json_get(doc, object, "generationId"), answer->id, sizeof(answer->id));
    answer_field_text(doc, json_get(doc, object, "model"), answer->model, sizeof(answer->model));
    if (answer_field_text(doc, json_get(doc, object, "provider"), answer->provider,
                          sizeof(answer->provider)))
        answer->provider_is_top = true;
    answer_field_text(doc, json_get(doc, object, "service_tier"), answer->service_tier,
                      sizeof(answer->service_tier));
    answer_facts_error(answer, object);
}

bool answer_facts_reason(struct answer *answer, uint32_t token, char reason[ANSWER_REASON_MAX + 1])
{
    const struct json_doc *doc = &answer->doc;

    if (!answer_field_is_said(doc, token))
        return false;
    if (!answer_field_is(doc, token, JSON_STRING)) {
        answer->unreadable = true;
        return false;
    }
    if (!answer_field_text(doc, token, reason, ANSWER_REASON_MAX + 1))
        return false;
    if (json_string_is(doc, token, "error"))
        answer->has_error = true;
    return true;
}

/* The attempt that succeeded among attempts, or JSON_NONE. */
static uint32_t successful(const struct json_doc *doc, uint32_t attempts)
{
    if (!answer_field_is(doc, attempts, JSON_ARRAY))
        return JSON_NONE;
    for (uint32_t attempt = json_first(doc, attempts); attempt != JSON_NONE;
         attempt = json_next(doc, attempts, attempt)) {
        if (answer_field_bool(doc, json_get(doc, attempt, "success")) == 1)
            return attempt;
    }
    return JSON_NONE;
}

int answer_facts_byok(const struct json_doc *doc, uint32_t routing)
{
    uint32_t model = successful(doc, json_get(doc, routing, "modelAttempts"));
    uint32_t attempt = successful(doc, json_get(doc, model, "providerAttempts"));
    uint32_t type;

    if (attempt == JSON_NONE)
        attempt = successful(doc, json_get(doc, routing, "attempts"));
    type = json_get(doc, attempt, "credentialType");
    if (!answer_field_is(doc, type, JSON_STRING))
        return -1;
    return json_string_is(doc, type, "byok") ? 1 : 0;
}

/* The catalogue's name of what served, where the answer itself has none: the AI SDK protocol tells
 * the provider's own name of a model, which no price list knows. */
static void learn_slug(struct answer *answer, uint32_t routing, uint32_t model)
{
    const struct json_doc *doc = &answer->doc;

    if (answer->model[0] != '\0' && answer->api != API_AI_LANGUAGE)
        return;
    if (!answer_field_text(doc, json_get(doc, model, "canonicalSlug"), answer->model,
                           sizeof(answer->model)))
        answer_field_text(doc, json_get(doc, routing, "canonicalSlug"), answer->model,
                          sizeof(answer->model));
}

static void learn_routing(struct answer *answer, uint32_t routing)
{
    const struct json_doc *doc = &answer->doc;
    uint32_t model = successful(doc, json_get(doc, routing, "modelAttempts"));
    int byok = answer_facts_byok(doc, routing);

    if (byok >= 0)
        answer->meta_byok = byok;
    learn_slug(answer, routing, model);
    if (!answer->provider_is_top)
        answer_field_text(doc, json_get(doc, routing, "finalProvider"), answer->provider,
                          sizeof(answer->provider));
}

struct maybe_money answer_facts_money(struct answer *answer, uint32_t object, const char *name)
{
    return answer_field_money(&answer->doc, json_get(&answer->doc, object, name),
                              &answer->cost_unreadable);
}

struct maybe_money answer_facts_surcharge(struct answer *answer, uint32_t object, const char *sum,
                                          const char *part)
{
    struct maybe_money surcharge = answer_facts_money(answer, object, sum);

    return surcharge.known ? surcharge : answer_facts_money(answer, object, part);
}

/* The member at a dotted path, or JSON_NONE. */
static uint32_t member_at(const struct json_doc *doc, uint32_t object, const char *path)
{
    char name[64];

    while (object != JSON_NONE && *path != '\0') {
        size_t len = strcspn(path, ".");
        if (len >= sizeof(name) || !answer_field_is(doc, object, JSON_OBJECT))
            return JSON_NONE;
        memcpy(name, path, len);
        name[len] = '\0';
        object = json_get(doc, object, name);
        path += path[len] == '.' ? len + 1 : len;
    }
    return object;
}

void answer_facts_configured(struct answer *answer, uint32_t object)
{
    static const char *const wraps[] = {NULL, "response", "message"};
    const struct json_doc *doc = &answer->doc;

    for (size_t i = 0; answer->cost_path != NULL && i < sizeof(wraps) / sizeof(*wraps); i++) {
        uint32_t within = wraps[i] == NULL ? object : json_get(doc, object, wraps[i]);
        struct maybe_money read = answer_field_money(doc, member_at(doc, within, answer->cost_path),
                                                     &answer->cost_unreadable);
        if (!read.known)
            continue;
        if (money_scale(read.money, answer->cost_unit_femto, FEMTO_PER_USD, &read.money) == 0)
            answer->configured_cost = read;
        else
            answer->cost_unreadable = true;
        return;
    }
}

static void take_cost(struct maybe_money read, struct maybe_money *cost)
{
    if (read.known)
        *cost = read;
}

static void learn_metadata_object(struct answer *answer, uint32_t metadata)
{
    const struct json_doc *doc = &answer->doc;
    uint32_t gateway = json_get(doc, metadata, "gateway");

    if (!answer_field_is(doc, gateway, JSON_OBJECT))
        return;
    take_cost(answer_facts_money(answer, gateway, "cost"), &answer->meta_cost);
    take_cost(answer_facts_surcharge(answer, gateway, "surchargeCost", "zeroDataRetentionCost"),
              &answer->meta_surcharge_cost);
    take_cost(answer_facts_money(answer, gateway, "gatewayCost"), &answer->meta_gateway_cost);
    take_cost(answer_facts_money(answer, gateway, "marketCost"), &answer->meta_market_cost);
    learn_routing(answer, json_get(doc, gateway, "routing"));
    if (answer->id[0] == '\0')
        answer_field_id(doc, json_get(doc, gateway, "generationId"), answer->id,
                        sizeof(answer->id));
    if (answer->service_tier[0] == '\0')
        answer_field_text(doc, json_get(doc, gateway, "serviceTier"), answer->service_tier,
                          sizeof(answer->service_tier));
}

void answer_facts_metadata(struct answer *answer, uint32_t object)
{
    learn_metadata_object(answer, json_get(&answer->doc, object, "provider_metadata"));
    learn_metadata_object(answer, json_get(&answer->doc, object, "providerMetadata"));
}
