/* fetch_wait.c - what a fetch does about time: holds that must reach the disk first, upstreams that
 * asked to come later, clients that wait for a slow start. */
#include "server/fetch_private.h"
#include "server/prices.h"

#include <assert.h>

/* --- durability: power --- */

void fetch_send_when_durable(struct fetch *fetch)
{
    struct worker *worker = fetch->worker;
    struct fetch **last = &worker->durable_waiters;

    assert(fetch->state == FETCH_HELD);
    fetch->hold_position = ledger_position(worker->lane);
    if (!fetch->recorded || ledger_durable(worker->lane, fetch->hold_position)) {
        fetch_send(fetch);
        return;
    }
    while (*last != NULL)
        last = &(*last)->durable_next;
    fetch->durable_next = NULL;
    *last = fetch;
    fetch->held_ms = worker_monotonic_ms();
    ledger_kick(worker->lane);
}

/* Positions only grow, so the waiters are in order of theirs. */
void fetch_durable(struct worker *worker)
{
    struct fetch *waiting;

    while ((waiting = worker->durable_waiters) != NULL &&
           ledger_durable(worker->lane, waiting->hold_position)) {
        worker->durable_waiters = waiting->durable_next;
        fetch_send(waiting);
    }
}

void fetch_check_durable(struct worker *worker)
{
    int64_t now = worker_monotonic_ms();
    struct fetch *waiting;

    while ((waiting = worker->durable_waiters) != NULL &&
           now - waiting->held_ms > FETCH_DURABLE_MS) {
        worker->durable_waiters = waiting->durable_next;
        fetch_write_problem(waiting, PROBLEM_LEDGER_FULL, NULL);
        fetch_finish(waiting, UPSTREAM_UNSENT, false);
    }
}

/* --- about once a second --- */

/* OpenRouter keeps the connections of slow starts alive with comments (openrouter-api.md section
 * 0); the head then leaves with an id of ours, and what goes wrong later is told in the stream. */
static void keep_alive(struct fetch *fetch, int64_t now)
{
    unsigned every = fetch->worker->gateway->config->limits.keepalive_ms;
    int64_t since = fetch->comment_ms != 0 ? fetch->comment_ms : fetch->started_ms;

    if (every == 0 || fetch->route->dialect != DIALECT_OPENROUTER || !fetch->client_stream ||
        fetch->route->kind != ROUTE_CACHEABLE)
        return;
    if ((fetch->begun && !fetch->early) || now - since < every)
        return;
    if (fetch->upstream_status != 0 && !fetch->upstream_stream)
        return; /* the answer is on its way, and it is no stream */
    fetch->comment_ms = now;
    fetch_write_comment(fetch);
}

/* What it will have cost if it were stopped now, as far as we can reckon: a token is four bytes of
 * the request, and each event of the answer brought at least one. */
static bool costs_too_much(const struct fetch *fetch, struct money most)
{
    enum { BYTES_PER_TOKEN = 4 };
    const struct gateway *gateway = fetch->worker->gateway;
    const struct fetch_attempt *attempt = &fetch->attempt[fetch->current];
    const struct price_table *table = prices_use(gateway->prices);
    struct settle_prices prices =
        prices_of(table, gateway->models, (struct text[]){attempt->model, attempt->said}, 2);
    const struct price *price = prices_at(&prices, worker_now_ms(fetch->worker));
    struct estimate_terms terms = {.service_tier = fetch->row.service_tier,
                                   .at_ms = fetch->hold.ref.created_at_ms};
    struct usage usage = USAGE_INIT;
    struct estimate estimate;
    bool too_much;

    usage.prompt_tokens = fetch->bounds.prompt_tokens_max / BYTES_PER_TOKEN;
    usage.completion_tokens = (int64_t)fetch->answer.events;
    too_much = price != NULL && estimate_cost(price, &usage, &terms, &estimate) == 0 &&
               money_compare(estimate.cost, most) > 0;
    prices_done(gateway->prices, table);
    return too_much;
}

/* Its client has left and nobody else reads: it is drained, since it is paid for and may be stored,
 * but not without end (limits.detached, limits.detached_cost). */
static bool is_beyond_bounds(struct fetch *fetch, int64_t now)
{
    const struct config *config = fetch->worker->gateway->config;

    if (!fetch->left || fetch->transfer == NULL || tape_lag(fetch->tape) != UINT64_MAX) {
        fetch->detached_ms = 0;
        return false;
    }
    if (fetch->detached_ms == 0)
        fetch->detached_ms = now;
    if (now - fetch->detached_ms >= (int64_t)config->limits.detached_ms)
        return true;
    return config->limits.detached_cost.femto > 0 &&
           costs_too_much(fetch, config->limits.detached_cost);
}

static void cancel(struct fetch *fetch)
{
    upstream_stop(fetch->transfer);
    fetch->cancelled = true;
    fetch_on_end(fetch, UPSTREAM_BROKEN, "nobody waits for it any more");
}

void fetch_tick(struct fetch *fetch, int64_t now_monotonic_ms)
{
    if (fetch->state == FETCH_ENDED)
        return;
    if (fetch->waits_for_budget && fetch_drop_unwanted(fetch))
        return;
    keep_alive(fetch, now_monotonic_ms);
    if (fetch->waits_for_budget)
        return; /* its line has a clock of its own */
    if (is_beyond_bounds(fetch, now_monotonic_ms))
        cancel(fetch);
    else if (fetch->retry_at_ms != 0 && now_monotonic_ms >= fetch->retry_at_ms)
        fetch_retry(fetch);
    else
        fetch_pace(fetch);
}
