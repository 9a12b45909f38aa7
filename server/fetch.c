/* fetch.c - the life of a fetch: order, hold, send, end. */
#include "server/fetch.h"
#include "server/clients.h"
#include "server/fetch_private.h"
#include "server/log.h"
#include "server/lookup.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t may_follow[] = {
    [FETCH_HELD] = 1 << FETCH_SENT | 1 << FETCH_ENDED,
    [FETCH_SENT] = 1 << FETCH_ANSWERED | 1 << FETCH_HELD | 1 << FETCH_ENDED,
    [FETCH_ANSWERED] = 1 << FETCH_HELD | 1 << FETCH_ENDED,
    [FETCH_ENDED] = 0,
};

void fetch_enter(struct fetch *fetch, enum fetch_state next)
{
    assert(may_follow[fetch->state] & 1 << next);
    if (next == FETCH_ENDED)
        assert(!fetch->hold.open);
    fetch->state = next;
}

struct fetch *fetch_ref(struct fetch *fetch)
{
    assert(fetch->references > 0);
    fetch->references++;
    return fetch;
}

/* Gives back what the request's body was charged. */
void fetch_uncharge_body(void *arg)
{
    struct fetch *fetch = arg;

    if (fetch->body_charged > 0)
        tape_budget_give(store_tape_budget(fetch->worker->gateway->store), fetch->body_charged);
    fetch->body_charged = 0;
}

void fetch_drop_original(struct fetch *fetch)
{
    free(fetch->original);
    fetch->original = NULL;
    if (fetch->request.body == NULL)
        fetch_uncharge_body(fetch);
}

void fetch_unref(struct fetch *fetch)
{
    assert(fetch->references > 0);
    if (--fetch->references > 0)
        return;
    assert(!fetch->hold.open && fetch->flight == NULL && fetch->transfer == NULL);
    fetch_wipe_request(fetch);
    free(fetch->request.body);
    fetch->request.body = NULL;
    fetch_drop_original(fetch);
    out_release(&fetch->url);
    out_release(&fetch->attempts);
    free(fetch->attempt);
    free(fetch->passed);
    free(fetch->logged);
    tape_budget_give(store_tape_budget(fetch->worker->gateway->store), fetch->logged_charged);
    free(fetch->row_texts);
    free(fetch->source_texts);
    fetch_reset_answer(fetch);
    sse_splitter_release(&fetch->splitter);
    answer_release(&fetch->answer);
    tape_unref(fetch->tape);
    free(fetch);
}

/* --- start --- */

static void link_fetch(struct fetch *fetch)
{
    struct worker *worker = fetch->worker;

    fetch->next = worker->fetches;
    if (worker->fetches != NULL)
        worker->fetches->previous = fetch;
    worker->fetches = fetch;
    worker->fetch_count++;
}

static void unlink_fetch(struct fetch *fetch)
{
    struct worker *worker = fetch->worker;

    if (fetch->previous != NULL)
        fetch->previous->next = fetch->next;
    else
        worker->fetches = fetch->next;
    if (fetch->next != NULL)
        fetch->next->previous = fetch->previous;
    assert(worker->fetch_count > 0);
    worker->fetch_count--;
}

static struct fetch *fetch_new(struct worker *worker, struct tape *tape,
                               struct store_flight *flight, const struct fetch_order *order)
{
    struct fetch *fetch = calloc(1, sizeof *fetch);

    /* A fetch that cannot even be made still has to end its tape and its flight; h2o itself ends
     * the process when memory is out, so nothing is lost by doing the same for these bytes. */
    if (fetch == NULL)
        abort();
    fetch->worker = worker;
    fetch->references = 2;
    fetch->tape = tape_ref(tape);
    fetch->flight = flight;
    fetch->route = order->route;
    fetch->method = order->method;
    fetch->recorded = order->method == UPSTREAM_POST;
    fetch->json = order->json;
    fetch->client_stream = order->client_stream;
    fetch->metadata = order->headers->metadata;
    fetch->may_store = order->may_store;
    fetch->ttl_s = order->ttl_s;
    fetch->started_ms = order->started_ms;
    fetch->client = order->client;
    fetch->zdr = order->client != NULL && order->client->zdr;
    fetch->bounds = order->bounds;
    answer_init(&fetch->answer, order->route->api, worker->edits);
    sse_splitter_init(&fetch->splitter, (size_t)worker->gateway->config->cache.max_entry_bytes);
    link_fetch(fetch);
    return fetch;
}

/* A fetch outlives its client, so clients that come and go must not add up without a bound: their
 * bodies count in limits.buffered until they have left, and so does the number of fetches. */
static enum problem admit(struct fetch *fetch, const struct fetch_order *order)
{
    struct worker *worker = fetch->worker;
    struct tape_budget *budget = store_tape_budget(worker->gateway->store);
    size_t charge = order->body.len, logged = 0;

    if (fetch_may_try_again(fetch))
        charge += order->body.len; /* what the client said, beside what is sent */
    if (worker->gateway->request_log != NULL && fetch->recorded && fetch->json)
        logged = order->logged.len;
    if (worker->fetch_count > FETCHES_MAX || !tape_budget_take(budget, charge + logged))
        return PROBLEM_BUSY;
    fetch->body_charged = charge;
    fetch->logged_charged = logged;
    return PROBLEMS;
}

static enum problem copy_order(struct fetch *fetch, const struct fetch_order *order)
{
    enum problem problem;

    fetch->row_texts = fetch_copy_row(order->row, &fetch->row);
    fetch->source_texts = fetch_copy_row(order->source, &fetch->source);
    if (fetch->row_texts == NULL || fetch->source_texts == NULL)
        return PROBLEM_NO_MEMORY;
    if (order->refusal != PROBLEMS)
        return order->refusal;
    if (fetch_copy_plan(fetch, order->plan) != 0)
        return PROBLEM_NO_MEMORY;
    problem = admit(fetch, order);
    if (problem == PROBLEMS && fetch_copy_request(fetch, order) != 0)
        problem = PROBLEM_NO_MEMORY;
    return problem;
}

static enum problem hold(struct fetch *fetch)
{
    struct worker *worker = fetch->worker;
    int result;

    if (!fetch->recorded)
        return PROBLEMS;
    result = ledger_hold(worker->lane, &fetch->row, worker_ledger_ms(worker), &fetch->hold);
    if (result != 0)
        return result == -ENOSPC ? PROBLEM_LEDGER_FULL : PROBLEM_NO_MEMORY;
    if (fetch->upstream->api_key == NULL)
        lookup_offer_key(worker->gateway->lookup, fetch->row.key_id, fetch->key);
    return PROBLEMS;
}

struct fetch *fetch_start(struct worker *worker, struct tape *tape, struct store_flight *flight,
                          const struct fetch_order *order)
{
    struct fetch *fetch = fetch_new(worker, tape, flight, order);
    enum problem problem = copy_order(fetch, order);
    char detail[REQUEST_DETAIL_MAX] = "";

    if (order->detail != NULL)
        snprintf(detail, sizeof detail, "%s", order->detail);
    if (problem == PROBLEMS)
        problem = fetch_prepare(fetch, 0, order->body, detail);
    if (problem != PROBLEMS) {
        if (problem == PROBLEM_FORBIDDEN)
            fetch_record_refusal(fetch, problem);
        fetch_write_problem(fetch, problem, detail[0] != '\0' ? detail : NULL);
        fetch_finish(fetch, UPSTREAM_UNSENT, false);
        return fetch;
    }
    if (fetch_reserve(fetch))
        fetch_hold_and_send(fetch);
    return fetch;
}

void fetch_hold_and_send(struct fetch *fetch)
{
    enum problem problem = hold(fetch);

    if (problem == PROBLEMS) {
        fetch_send_when_durable(fetch);
        return;
    }
    fetch_write_problem(fetch, problem, NULL);
    fetch_finish(fetch, UPSTREAM_UNSENT, false);
}

void fetch_send(struct fetch *fetch)
{
    int result;

    fetch_enter(fetch, FETCH_SENT);
    fetch->sent_ms = worker_monotonic_ms();
    result = upstream_start(fetch->worker->upstream, &fetch->request, &fetch->transfer);
    fetch->request.body = NULL; /* taken, also on failure */
    if (result != 0) {
        fetch->transfer = NULL;
        fetch_write_problem(fetch, PROBLEM_NO_MEMORY, NULL);
        fetch_finish(fetch, UPSTREAM_UNSENT, false);
    }
}

/* --- the leading call --- */

void fetch_client_sent(struct fetch *fetch, int status)
{
    if (fetch->client_status == 0)
        fetch->client_status = status;
}

void fetch_leave(struct fetch *fetch)
{
    fetch_client_sent(fetch, 499);
    fetch->left = true;
    fetch_unref(fetch);
}

/* --- end --- */

void fetch_finish(struct fetch *fetch, enum upstream_end end, bool good)
{
    struct worker *worker = fetch->worker;
    uint8_t info[ROW_ENCODED_MAX];
    struct store_entry entry = {.stored_at_ms = worker_now_ms(worker)};
    size_t info_len = 0;

    assert(fetch->begun);
    if (fetch->hold.open)
        info_len = fetch_settle(fetch, end, info);
    if (fetch->budget.open) /* it was never held, so nothing was sent */
        budget_void(clients_budgets(worker->gateway->clients), &fetch->budget);
    fetch_enter(fetch, FETCH_ENDED);
    good = good && fetch->may_store && !fetch->window;
    fetch->wake |= tape_end(fetch->tape, fetch->torn ? TAPE_FAILED : TAPE_WHOLE, info, info_len);
    if (fetch->flight != NULL) {
        entry.expires_at_ms = entry.stored_at_ms + (int64_t)fetch->ttl_s * 1000;
        fetch->stored =
            store_land(worker->gateway->store, fetch->flight, good, &entry, info, info_len);
        fetch->flight = NULL;
    }
    worker_wake(worker, fetch->tape, fetch->wake);
    fetch->wake = 0;
    fetch_wipe_request(fetch);
    fetch_drop_original(fetch);
    unlink_fetch(fetch);
    fetch_unref(fetch);
}

void fetch_abort_all(struct worker *worker)
{
    worker->durable_waiters = NULL;
    fetch_stop_waiting(worker);
    while (worker->fetches != NULL) {
        struct fetch *fetch = worker->fetches;
        bool sent = fetch->state != FETCH_HELD;
        upstream_stop(fetch->transfer);
        fetch->transfer = NULL;
        fetch_write_problem(fetch, sent ? PROBLEM_UPSTREAM : PROBLEM_DRAINING, NULL);
        fetch_finish(fetch, sent ? UPSTREAM_BROKEN : UPSTREAM_UNSENT, false);
    }
}
