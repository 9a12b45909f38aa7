/* fetch_settle.c - what an upstream call cost: from the answer to the row, the post or the void. */
#include "accounting/estimate.h"
#include "server/fetch_private.h"
#include "server/log.h"
#include "server/lookup.h"
#include "server/request_log.h"

#include <assert.h>
#include <string.h>

/* The row has the id that the client was shown in the head, whatever came later. */
static void take_texts(struct ledger_row *row, const struct answer *answer,
                       const struct tape_head *head)
{
    if (head->id_len > 0)
        row->id = (struct text){head->texts, head->id_len};
    if (answer->id[0] != '\0')
        row->upstream_id = text_of(answer->id);
    if (answer->model[0] != '\0')
        row->model = text_of(answer->model);
    if (answer->provider[0] != '\0')
        row->provider = text_of(answer->provider);
    if (answer->finish_reason[0] != '\0')
        row->finish_reason = text_of(answer->finish_reason);
    if (answer->native_finish_reason[0] != '\0')
        row->native_finish_reason = text_of(answer->native_finish_reason);
    if (answer->service_tier[0] != '\0')
        row->service_tier = text_of(answer->service_tier);
}

/* A model that another one stands in for has another price: only the asked one's dated name, which
 * begins with it, or none at all, is the asked one. */
static bool is_asked_model(const struct fetch *fetch, struct text model)
{
    const struct fetch_attempt *attempt = &fetch->attempt[fetch->current];
    struct text asked = attempt->model;

    /* OpenRouter's dated names do not all begin with the model's. */
    if (fetch->upstream->dialect == DIALECT_OPENROUTER && attempt->model_count == 0)
        return true;
    return model.len == 0 ||
           (model.len >= asked.len && memcmp(model.bytes, asked.bytes, asked.len) == 0);
}

/* Our price table has Vercel's names; what another upstream says is looked up as it is, then by its
 * Vercel name. */
static const struct price *find_price(struct fetch *fetch, struct text model)
{
    const struct gateway *gateway = fetch->worker->gateway;
    int64_t at_ms = fetch->hold.ref.created_at_ms;
    const struct price *price = price_find(gateway->prices, model.bytes, model.len, at_ms);
    char mapped[ROW_NAME_MAX + 1];
    const char *sort;

    if (price != NULL || model.len == 0)
        return price;
    if (model_map_model(gateway->models, DIALECT_OPENROUTER, DIALECT_VERCEL, model, false, mapped,
                        &sort) != MODEL_MAP_MAPPED)
        return NULL;
    return price_find(gateway->prices, mapped, strlen(mapped), at_ms);
}

/* The list price in force when the request began: of the model that served, else (it may be a dated
 * name that no table has) of the one that was asked for. */
static void estimate(struct fetch *fetch, struct ledger_row *row)
{
    const struct price *price = find_price(fetch, row->model);
    struct estimate result;

    if (price == NULL && is_asked_model(fetch, row->model))
        price = find_price(fetch, fetch->attempt[fetch->current].model);
    if (price == NULL && is_asked_model(fetch, row->model))
        price = find_price(fetch, row->model_requested);
    row->price_hash = text_of(price_table_hash(fetch->worker->gateway->prices));
    if (price == NULL || estimate_cost(price, &row->usage,
                                       row->market.known ? &row->market.money : NULL, &result) != 0)
        return;
    row->estimated = (struct maybe_money){.known = true, .money = result.cost};
}

static void judge(struct fetch *fetch, struct ledger_row *row, bool may_still_report)
{
    struct reconcile_input input = {
        .billed = row->billed,
        .upstream = row->upstream_cost,
        .market = row->market,
        .estimated = row->estimated,
        .may_still_report = may_still_report,
        .tolerance_ppm = fetch->worker->gateway->config->ledger.tolerance_ppm,
    };
    struct reconcile_result result;

    if (reconcile(&input, &result) != 0) {
        /* Sums beyond 1e23 USD: the parts stay, the verdict cannot be formed. */
        row->verdict = VERDICT_UNKNOWN;
        return;
    }
    row->booked = result.booked;
    row->difference = result.difference;
    row->verdict = result.verdict;
}

/* Generic upstreams have no generation records. */
static bool can_be_looked_up(const struct fetch *fetch, const struct ledger_row *row)
{
    return row->upstream_id.len > 0 && fetch->upstream->dialect != DIALECT_OPENAI &&
           fetch_is_generation(fetch, row->upstream_id);
}

static void plan_lookup(struct fetch *fetch, const struct ledger_row *row)
{
    struct lookup_order order = {
        .ref = fetch->hold.ref,
        .upstream = fetch->upstream,
        .upstream_id = row->upstream_id,
        .key_id = row->key_id,
        .model = row->model.len > 0 ? row->model : row->model_requested,
        .key = fetch->key,
    };

    lookup_add(fetch->worker->gateway->lookup, &order);
}

/* What later hits tell the ledger: the source's facts, without what its headers said. */
static size_t make_info(struct fetch *fetch, const struct ledger_row *row,
                        uint8_t info[ROW_ENCODED_MAX])
{
    struct ledger_row source = fetch->source;
    size_t len = 0;

    source.id = row->id;
    source.model = row->model;
    source.provider = row->provider;
    source.finish_reason = row->finish_reason;
    source.native_finish_reason = row->native_finish_reason;
    source.service_tier = row->service_tier;
    source.upstream = row->upstream;
    source.usage = row->usage;
    if (row->billed.known) {
        source.saved = row->billed;
        if (row->upstream_cost.known &&
            money_add(row->billed.money, row->upstream_cost.money, &source.saved.money) != 0)
            source.saved.known = false;
    }
    return row_encode(&source, info, ROW_ENCODED_MAX, &len) == 0 ? len : 0;
}

size_t fetch_settle(struct fetch *fetch, enum upstream_end end, uint8_t info[ROW_ENCODED_MAX])
{
    struct ledger_row row = fetch->row;
    const struct answer *answer = &fetch->answer;
    bool refused =
        end == UPSTREAM_UNSENT || (fetch->upstream_status != 0 && !fetch_succeeded(fetch));
    size_t head_len;
    const struct tape_head *head = tape_head(fetch->tape, &head_len);
    int64_t now = worker_monotonic_ms();
    size_t info_len;

    assert(fetch->hold.open);
    take_texts(&row, answer, head);
    row.usage = answer->usage;
    row.status = fetch->client_status != 0 ? fetch->client_status : head->status;
    row.latency_ms = now - fetch->started_ms;
    if (fetch->first_byte_ms != 0)
        row.ttft_ms = fetch->first_byte_ms - fetch->started_ms;
    if (refused) {
        row.verdict = VERDICT_FAILED;
    } else {
        answer_costs(answer, &row);
        estimate(fetch, &row);
        judge(fetch, &row, can_be_looked_up(fetch, &row));
    }
    info_len = make_info(fetch, &row, info);
    request_log_keep(fetch->worker->gateway->request_log, fetch->worker, row.id, fetch->client_key,
                     (struct text){fetch->logged, fetch->logged_len});
    ledger_post(fetch->worker->lane, &fetch->hold, &row);
    if (row.verdict == VERDICT_PENDING) /* after the post: what settles it must come later */
        plan_lookup(fetch, &row);
    assert(!fetch->hold.open);
    return info_len;
}
