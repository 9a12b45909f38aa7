/* fetch_settle.c - what an upstream call cost: from the answer to the row, the post or the void. */
#include "accounting/settle.h"
#include "server/fetch_private.h"
#include "server/lookup.h"
#include "server/prices.h"
#include "server/request_log.h"
#include "server/spending.h"

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

/* The list price in force when the request began: of the model that served, else (it may be a dated
 * name that no table has) of the one that was asked for. */
static struct settle_prices find_prices(const struct fetch *fetch, const struct price_table *table,
                                        const struct ledger_row *row)
{
    struct text models[] = {row->model, fetch->attempt[fetch->current].model, row->model_requested};
    size_t count = is_asked_model(fetch, row->model) ? sizeof models / sizeof *models : 1;

    return prices_of(table, fetch->worker->gateway->models, models, count);
}

/* Generic upstreams have no generation records. */
static bool can_be_looked_up(const struct fetch *fetch, const struct ledger_row *row)
{
    return row->upstream_id.len > 0 && fetch->upstream->dialect != DIALECT_OPENAI &&
           fetch_is_generation(fetch, row->upstream_id);
}

/* Whether a later truth may still change the row: its cost is not known yet, or differs from the
 * estimate and the generation record has the last word. */
static bool is_followed(const struct fetch *fetch, const struct ledger_row *row)
{
    if (row->verdict == VERDICT_PENDING)
        return true;
    return fetch->worker->gateway->config->ledger.confirm &&
           (row->verdict == VERDICT_OVER || row->verdict == VERDICT_UNDER) &&
           can_be_looked_up(fetch, row);
}

static void plan_lookup(struct fetch *fetch, const struct ledger_row *row)
{
    struct lookup_order order = {
        .ref = fetch->hold.ref,
        .row = row,
        .upstream = fetch->upstream,
        .key = fetch->key,
        .counted = spending_counted(row),
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
    source.rating = row->rating;
    if (row->billed.known) {
        source.saved = row->billed;
        if (row->upstream_cost.known &&
            money_add(row->billed.money, row->upstream_cost.money, &source.saved.money) != 0)
            source.saved.known = false;
    }
    return row_encode(&source, info, ROW_ENCODED_MAX, &len) == 0 ? len : 0;
}

/* Everything that the answer says of its cost, then what it should have cost, then the verdict. */
static void judge(struct fetch *fetch, struct ledger_row *row, const struct price_table *table,
                  struct settle_room *room)
{
    struct settle_prices prices = find_prices(fetch, table, row);
    struct observation seen[ANSWER_OBSERVATIONS_MAX];
    struct settle_record record = SETTLE_RECORD_INIT;
    size_t count = answer_observe(&fetch->answer, worker_now_ms(fetch->worker), seen);

    row->byok = fetch->answer.byok;
    for (size_t i = 0; i < count; i++)
        observe_add(row, &seen[i], room->observed);
    row->version = 0; /* it counts what comes after the first booking */
    record.surcharge = fetch->answer.surcharge_cost.known ? fetch->answer.surcharge_cost
                                                          : fetch->answer.meta_surcharge_cost;
    settle_rate(row, &prices, &record, can_be_looked_up(fetch, row),
                fetch->worker->gateway->config->ledger.tolerance_ppm, room);
}

static void post(struct fetch *fetch, const struct ledger_row *row)
{
    struct worker *worker = fetch->worker;

    fetch_settle_budget(fetch, row);
    if (!is_followed(fetch, row)) {
        ledger_post(worker->lane, &fetch->hold, row);
        return;
    }
    ledger_post_listed(worker->lane, &fetch->hold, row);
    plan_lookup(fetch, row); /* after the post: what settles it must come later */
}

size_t fetch_settle(struct fetch *fetch, enum upstream_end end, uint8_t info[ROW_ENCODED_MAX])
{
    struct gateway *gateway = fetch->worker->gateway;
    struct ledger_row row = fetch->row;
    bool refused =
        end == UPSTREAM_UNSENT || (fetch->upstream_status != 0 && !fetch_succeeded(fetch));
    size_t head_len;
    const struct tape_head *head = tape_head(fetch->tape, &head_len);
    const struct price_table *table = prices_use(gateway->prices);
    struct settle_room room;
    size_t info_len;

    assert(fetch->hold.open);
    take_texts(&row, &fetch->answer, head);
    row.created_at_ms = fetch->hold.ref.created_at_ms;
    row.usage = fetch->answer.usage;
    row.status = fetch->client_status != 0 ? fetch->client_status : head->status;
    row.latency_ms = worker_monotonic_ms() - fetch->started_ms;
    if (fetch->first_byte_ms != 0)
        row.ttft_ms = fetch->first_byte_ms - fetch->started_ms;
    if (refused)
        row.verdict = VERDICT_FAILED;
    else
        judge(fetch, &row, table, &room);
    info_len = make_info(fetch, &row, info);
    if (!fetch->zdr)
        request_log_keep(gateway->request_log, fetch->worker, row.id, fetch->client_key,
                         (struct text){fetch->logged, fetch->logged_len});
    post(fetch, &row);
    prices_done(gateway->prices, table); /* the row's texts are recorded now */
    assert(!fetch->hold.open);
    return info_len;
}
