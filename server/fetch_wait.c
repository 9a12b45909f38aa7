/* fetch_wait.c - what a fetch does about time: holds that must reach the disk first, upstreams that
 * asked to come later, clients that wait for a slow start. */
#include "server/fetch_private.h"

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

void fetch_tick(struct fetch *fetch, int64_t now_monotonic_ms)
{
    if (fetch->state == FETCH_ENDED)
        return;
    keep_alive(fetch, now_monotonic_ms);
    if (fetch->retry_at_ms != 0 && now_monotonic_ms >= fetch->retry_at_ms)
        fetch_retry(fetch);
    else
        fetch_pace(fetch);
}
