#include "server/dialect/answer.h"

#include "server/dialect/answer_field.h"
#include "server/dialect/answer_replay.h"

#include <assert.h>
#include <string.h>

void answer_init(struct answer *answer, enum row_api api, struct tape_edit *edits)
{
    memset(answer, 0, sizeof(*answer));
    answer->api = api;
    answer->edits = edits;
    answer->usage = USAGE_INIT;
    answer->byok = answer->usage_byok = answer->meta_byok = -1;
    json_doc_init(&answer->doc);
}

void answer_release(struct answer *answer)
{
    if (answer != NULL)
        json_doc_release(&answer->doc);
}

/* --- usage --- */

/* Upstreams name cache writes in three ways, and one that knows nothing of them may say 0 beside
 * another that counted: so the largest. */
static int64_t learn_cache_writes(struct answer *answer, uint32_t usage, uint32_t details)
{
    const struct json_doc *doc = &answer->doc;
    const uint32_t tokens[] = {
        json_get(doc, usage, "cache_creation_input_tokens"),
        json_get(doc, details, "cache_write_tokens"),
        json_get(doc, details, "cache_creation_tokens"),
    };
    int64_t writes = USAGE_ABSENT;

    for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        int64_t count = answer_field_count(doc, tokens[i], &answer->usage_unreadable);

        if (count > writes)
            writes = count;
    }
    return writes;
}

static int64_t learn_web_searches(struct answer *answer, uint32_t usage)
{
    const struct json_doc *doc = &answer->doc;
    uint32_t tools = json_get(doc, usage, "server_tool_use_details");

    if (!answer_field_is(doc, tools, JSON_OBJECT))
        tools = json_get(doc, usage, "server_tool_use");
    return answer_field_count(doc, json_get(doc, tools, "web_search_requests"),
                              &answer->usage_unreadable);
}

static void learn_tokens(struct answer *answer, uint32_t usage)
{
    const struct json_doc *doc = &answer->doc;
    uint32_t in = json_get(doc, usage, "prompt_tokens_details");
    uint32_t out = json_get(doc, usage, "completion_tokens_details");
    bool *odd = &answer->usage_unreadable;

    answer->usage = USAGE_INIT;
    answer->usage.prompt_tokens =
        answer_field_count(doc, json_get(doc, usage, "prompt_tokens"), odd);
    answer->usage.completion_tokens =
        answer_field_count(doc, json_get(doc, usage, "completion_tokens"), odd);
    answer->usage.cached_tokens = answer_field_count(doc, json_get(doc, in, "cached_tokens"), odd);
    answer->usage.cache_write_tokens = learn_cache_writes(answer, usage, in);
    answer->usage.reasoning_tokens =
        answer_field_count(doc, json_get(doc, out, "reasoning_tokens"), odd);
    answer->usage.audio_tokens = answer_field_count(doc, json_get(doc, in, "audio_tokens"), odd);
    answer->usage.image_tokens = answer_field_count(doc, json_get(doc, out, "image_tokens"), odd);
    answer->usage.web_searches = learn_web_searches(answer, usage);
}

/* surcharge is the sum of all fees; where only one of its parts was said, that part is the best
 * that is known of it. Never both: the part is inside the sum. */
static struct maybe_money learn_surcharge(struct answer *answer, uint32_t object, const char *sum,
                                          const char *part)
{
    const struct json_doc *doc = &answer->doc;
    struct maybe_money surcharge =
        answer_field_money(doc, json_get(doc, object, sum), &answer->cost_unreadable);

    if (surcharge.known)
        return surcharge;
    return answer_field_money(doc, json_get(doc, object, part), &answer->cost_unreadable);
}

static void learn_usage_costs(struct answer *answer, uint32_t usage)
{
    const struct json_doc *doc = &answer->doc;
    uint32_t details = json_get(doc, usage, "cost_details");
    bool *odd = &answer->cost_unreadable;

    answer->cost = answer_field_money(doc, json_get(doc, usage, "cost"), odd);
    answer->surcharge_cost =
        learn_surcharge(answer, usage, "surcharge_cost", "zero_data_retention_cost");
    answer->gateway_cost = answer_field_money(doc, json_get(doc, usage, "gateway_cost"), odd);
    answer->market_cost = answer_field_money(doc, json_get(doc, usage, "market_cost"), odd);
    answer->upstream_inference_cost =
        answer_field_money(doc, json_get(doc, details, "upstream_inference_cost"), odd);
    answer->usage_byok = answer_field_bool(doc, json_get(doc, usage, "is_byok"));
}

/* A later usage replaces an earlier one whole: a mixture of two would be nobody's report. */
static void learn_usage(struct answer *answer)
{
    const struct json_doc *doc = &answer->doc;
    uint32_t usage = json_get(doc, 0, "usage");

    if (!answer_field_is_said(doc, usage))
        return;
    if (!answer_field_is(doc, usage, JSON_OBJECT)) {
        answer->usage_unreadable = true;
        return;
    }
    if (json_first(doc, usage) == JSON_NONE)
        return;
    learn_tokens(answer, usage);
    learn_usage_costs(answer, usage);
}

/* --- gateway metadata --- */

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

/* Whose credentials paid (vercel section 3); older records list provider attempts flat. */
static int read_credential_type(const struct json_doc *doc, uint32_t routing)
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

static void learn_routing(struct answer *answer, uint32_t routing)
{
    const struct json_doc *doc = &answer->doc;
    int byok = read_credential_type(doc, routing);

    if (byok >= 0)
        answer->meta_byok = byok;
    if (!answer->provider_is_top)
        answer_field_text(doc, json_get(doc, routing, "finalProvider"), answer->provider,
                          sizeof(answer->provider));
}

static void learn_meta_cost(struct maybe_money read, struct maybe_money *cost)
{
    if (read.known)
        *cost = read;
}

static void learn_metadata_object(struct answer *answer, uint32_t metadata)
{
    const struct json_doc *doc = &answer->doc;
    uint32_t gateway = json_get(doc, metadata, "gateway");
    bool *odd = &answer->cost_unreadable;

    if (!answer_field_is(doc, gateway, JSON_OBJECT))
        return;
    learn_meta_cost(answer_field_money(doc, json_get(doc, gateway, "cost"), odd),
                    &answer->meta_cost);
    learn_meta_cost(learn_surcharge(answer, gateway, "surchargeCost", "zeroDataRetentionCost"),
                    &answer->meta_surcharge_cost);
    learn_meta_cost(answer_field_money(doc, json_get(doc, gateway, "gatewayCost"), odd),
                    &answer->meta_gateway_cost);
    learn_meta_cost(answer_field_money(doc, json_get(doc, gateway, "marketCost"), odd),
                    &answer->meta_market_cost);
    learn_routing(answer, json_get(doc, gateway, "routing"));
    if (answer->id[0] == '\0')
        answer_field_id(doc, json_get(doc, gateway, "generationId"), answer->id,
                        sizeof(answer->id));
    if (answer->service_tier[0] == '\0')
        answer_field_text(doc, json_get(doc, gateway, "serviceTier"), answer->service_tier,
                          sizeof(answer->service_tier));
}

/* Spelling and place vary; object is whatever may hold metadata, JSON_NONE included. */
static void learn_metadata(struct answer *answer, uint32_t object)
{
    learn_metadata_object(answer, json_get(&answer->doc, object, "provider_metadata"));
    learn_metadata_object(answer, json_get(&answer->doc, object, "providerMetadata"));
}

/* --- choices --- */

/* Which choice of the stream this is part of; ANSWER_CHOICES_MAX when that makes no sense. */
static uint64_t choice_index(const struct json_doc *doc, uint32_t choice, uint64_t position)
{
    uint32_t token = json_get(doc, choice, "index");
    int64_t index;

    if (!answer_field_is_said(doc, token))
        return position < ANSWER_CHOICES_MAX ? position : ANSWER_CHOICES_MAX;
    if (json_int64(doc, token, &index) != 0 || index < 0 || index >= ANSWER_CHOICES_MAX)
        return ANSWER_CHOICES_MAX;
    return (uint64_t)index;
}

/* True when the choice says how it ended. A blank reason says nothing. */
static bool learn_finish_reason(struct answer *answer, uint32_t choice, bool is_first)
{
    const struct json_doc *doc = &answer->doc;
    uint32_t token = json_get(doc, choice, "finish_reason");
    char reason[sizeof(answer->finish_reason)];

    if (!answer_field_is_said(doc, token))
        return false;
    if (!answer_field_is(doc, token, JSON_STRING)) {
        answer->unreadable = true;
        return false;
    }
    if (!answer_field_text(doc, token, reason, sizeof(reason)))
        return false;
    if (json_string_is(doc, token, "error"))
        answer->has_error = true;
    if (is_first || !answer->finish_is_first)
        memcpy(answer->finish_reason, reason, strlen(reason) + 1);
    answer->finish_is_first |= is_first;
    return true;
}

static void learn_choice(struct answer *answer, uint32_t choice, uint64_t position)
{
    const struct json_doc *doc = &answer->doc;
    uint64_t index = choice_index(doc, choice, position);
    bool finished;

    if (!answer_field_is(doc, choice, JSON_OBJECT) || index == ANSWER_CHOICES_MAX) {
        answer->unreadable = true;
        return;
    }
    answer->has_choices = true;
    finished = learn_finish_reason(answer, choice, index == 0);
    answer->choices_seen[index / 64] |= UINT64_C(1) << (index % 64);
    if (finished)
        answer->choices_finished[index / 64] |= UINT64_C(1) << (index % 64);
    else
        answer->body_unfinished = true;
    if (answer_field_is_said(doc, json_get(doc, choice, "error")))
        answer->has_error = true;
    learn_metadata(answer, choice);
    learn_metadata(answer, json_get(doc, choice, "message"));
    learn_metadata(answer, json_get(doc, choice, "delta"));
}

static void learn_choices(struct answer *answer)
{
    const struct json_doc *doc = &answer->doc;
    uint32_t choices = json_get(doc, 0, "choices");
    uint64_t position = 0;

    if (!answer_field_is_said(doc, choices))
        return;
    if (!answer_field_is(doc, choices, JSON_ARRAY)) {
        answer->unreadable = true;
        return;
    }
    for (uint32_t choice = json_first(doc, choices); choice != JSON_NONE;
         choice = json_next(doc, choices, choice))
        learn_choice(answer, choice, position++);
}

/* --- the whole --- */

static void learn_top(struct answer *answer)
{
    const struct json_doc *doc = &answer->doc;

    if (answer->id[0] == '\0' &&
        !answer_field_id(doc, json_get(doc, 0, "id"), answer->id, sizeof(answer->id)))
        answer_field_id(doc, json_get(doc, 0, "generationId"), answer->id, sizeof(answer->id));
    answer_field_text(doc, json_get(doc, 0, "model"), answer->model, sizeof(answer->model));
    if (answer_field_text(doc, json_get(doc, 0, "provider"), answer->provider,
                          sizeof(answer->provider)))
        answer->provider_is_top = true;
    answer_field_text(doc, json_get(doc, 0, "service_tier"), answer->service_tier,
                      sizeof(answer->service_tier));
    if (answer_field_is_said(doc, json_get(doc, 0, "error")))
        answer->has_error = true;
}

static void learn(struct answer *answer)
{
    learn_top(answer);
    learn_usage(answer);
    learn_choices(answer);
    learn_metadata(answer, 0);
    answer->byok = answer->usage_byok >= 0 ? answer->usage_byok : answer->meta_byok;
}

/* The text is the caller's again afterwards, and a large one's tokens are not kept. */
static void read_json(struct answer *answer, const char *text, size_t len)
{
    answer->edit_count = 0;
    if (json_parse(&answer->doc, text, len, NULL) == 0 &&
        answer_field_is(&answer->doc, 0, JSON_OBJECT)) {
        learn(answer);
        answer_replay_note(answer);
    } else {
        answer->unreadable = true;
    }
    json_doc_clear(&answer->doc);
}

void answer_read_body(struct answer *answer, const char *body, size_t len)
{
    read_json(answer, body, len);
}

static bool is_done(const char *payload, size_t len)
{
    static const char done[] = "[DONE]";

    while (len > 0 && (payload[len - 1] == ' ' || payload[len - 1] == '\t'))
        len--;
    while (len > 0 && (payload[0] == ' ' || payload[0] == '\t')) {
        payload++;
        len--;
    }
    return len == sizeof(done) - 1 && memcmp(payload, done, len) == 0;
}

void answer_read_event(struct answer *answer, const char *payload, size_t len)
{
    if (is_done(payload, len)) {
        answer->edit_count = 0;
        answer->has_done = true;
        return;
    }
    answer->events++;
    read_json(answer, payload, len);
}

static bool stream_is_whole(const struct answer *answer)
{
    if (!answer->has_done)
        return false;
    for (size_t i = 0; i < ANSWER_CHOICES_MAX / 64; i++) {
        if (answer->choices_seen[i] != answer->choices_finished[i])
            return false;
    }
    return true;
}

bool answer_is_storable(const struct answer *answer, bool stream)
{
    if (!answer->has_choices || answer->has_error || answer->unreadable || answer->too_many_edits)
        return false;
    assert(answer->edit_count <= ANSWER_EDITS_MAX);
    return stream ? stream_is_whole(answer) : !answer->body_unfinished;
}

static struct maybe_money first_known(struct maybe_money first, struct maybe_money second)
{
    return first.known ? first : second;
}

/* What the gateway bills when it does not say so itself. */
static struct maybe_money add_surcharge(struct maybe_money cost, struct maybe_money surcharge)
{
    struct maybe_money sum = {.known = true};

    if (!cost.known || !surcharge.known)
        return cost;
    if (money_add(cost.money, surcharge.money, &sum.money) != 0)
        return (struct maybe_money){.known = false};
    assert(money_compare(sum.money, cost.money) >= 0);
    return sum;
}

void answer_costs(const struct answer *answer, struct ledger_row *row)
{
    struct maybe_money unknown = {.known = false};
    struct maybe_money stated = first_known(answer->gateway_cost, answer->meta_gateway_cost);
    struct maybe_money market = first_known(answer->market_cost, answer->meta_market_cost);
    struct maybe_money derived =
        add_surcharge(first_known(answer->cost, answer->meta_cost),
                      first_known(answer->surcharge_cost, answer->meta_surcharge_cost));

    row->byok = answer->byok;
    row->billed = first_known(stated, derived);
    row->market = market;
    row->upstream_cost =
        answer->byok == 1 ? first_known(answer->upstream_inference_cost, market) : unknown;
    assert(!row->billed.known || row->billed.money.femto >= 0);
    assert(!row->upstream_cost.known || row->upstream_cost.money.femto >= 0);
}
