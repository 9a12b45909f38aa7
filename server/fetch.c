/* fetch.c - the life of a fetch: order, hold, send, end. */
#include "server/fetch.h"
#include "server/fetch_private.h"
#include "server/log.h"
#include "server/lookup.h"

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t may_follow[] = {
    [FETCH_HELD] = 1 << FETCH_SENT | 1 << FETCH_ENDED,
    [FETCH_SENT] = 1 << FETCH_ANSWERED | 1 << FETCH_ENDED,
    [FETCH_ANSWERED] = 1 << FETCH_ENDED,
    [FETCH_ENDED] = 0,
};

static void enter(struct fetch *fetch, enum fetch_state next)
{
    assert(may_follow[fetch->state] & 1 << next);
    if (next == FETCH_ENDED)
        assert(!fetch->hold.open);
    fetch->state = next;
}

/* --- copies of what the request said --- */

/* Every text of a row, so that one block can hold them all. */
static const size_t row_text_at[] = {
    offsetof(struct ledger_row, id),
    offsetof(struct ledger_row, client),
    offsetof(struct ledger_row, key_id),
    offsetof(struct ledger_row, project),
    offsetof(struct ledger_row, user),
    offsetof(struct ledger_row, session),
    offsetof(struct ledger_row, app),
    offsetof(struct ledger_row, environment),
    offsetof(struct ledger_row, tags),
    offsetof(struct ledger_row, model_requested),
    offsetof(struct ledger_row, model),
    offsetof(struct ledger_row, provider),
    offsetof(struct ledger_row, upstream),
    offsetof(struct ledger_row, upstream_id),
    offsetof(struct ledger_row, route),
    offsetof(struct ledger_row, source_id),
    offsetof(struct ledger_row, finish_reason),
    offsetof(struct ledger_row, price_hash),
};
enum { ROW_TEXTS = sizeof row_text_at / sizeof *row_text_at };

static struct text *row_text(struct ledger_row *row, size_t index)
{
    return (struct text *)((char *)row + row_text_at[index]);
}

/* give: the block that the copy's texts point into. NULL: no memory. */
static char *copy_row(const struct ledger_row *row, struct ledger_row *copy)
{
    size_t total = 1;
    char *block, *to;

    *copy = *row;
    for (size_t i = 0; i < ROW_TEXTS; i++)
        total += row_text(copy, i)->len;
    block = to = malloc(total);
    if (block == NULL)
        return NULL;
    for (size_t i = 0; i < ROW_TEXTS; i++) {
        struct text *text = row_text(copy, i);
        if (text->len == 0)
            continue;
        memcpy(to, text->bytes, text->len);
        text->bytes = to;
        to += text->len;
    }
    return block;
}

static struct text put_text(char **at, struct text text)
{
    struct text copy = {*at, text.len};

    if (text.len > 0)
        memcpy(*at, text.bytes, text.len);
    *at += text.len;
    return copy;
}

/* URL, API key and forwarded headers: everything the transfer is started with. */
static int copy_request(struct fetch *fetch, const struct fetch_order *order)
{
    const struct request_headers *headers = order->headers;
    const char *base = order->upstream->base_url, *own_key = order->upstream->api_key;
    struct text key = own_key != NULL ? (struct text){own_key, strlen(own_key)} : headers->api_key;
    size_t total = strlen(base) + strlen(order->path) + 1 + key.len;
    struct upstream_request *request = &fetch->request;
    char *at;

    for (unsigned i = 0; i < headers->forward_count; i++)
        total += headers->forward[i].name.len + headers->forward[i].value.len;
    fetch->request_texts = at = malloc(total);
    request->body = malloc(order->body_len + 1);
    if (at == NULL || request->body == NULL)
        return -ENOMEM;
    memcpy(request->body, order->body, order->body_len);
    request->body_len = order->body_len;
    request->url = at;
    put_text(&at, (struct text){base, strlen(base)});
    put_text(&at, (struct text){order->path, strlen(order->path) + 1});
    fetch->key = put_text(&at, key);
    request->bearer = fetch->key.bytes;
    request->bearer_len = key.len;
    request->headers[0].name = TEXT("Content-Type");
    request->headers[0].value = TEXT("application/json");
    request->header_count = 1;
    for (unsigned i = 0; i < headers->forward_count; i++) {
        unsigned to = request->header_count++;
        request->headers[to].name = put_text(&at, headers->forward[i].name);
        request->headers[to].value = put_text(&at, headers->forward[i].value);
    }
    request->on_head = fetch_on_head;
    request->on_bytes = fetch_on_bytes;
    request->on_end = fetch_on_end;
    request->arg = fetch;
    return 0;
}
_Static_assert(REQUEST_FORWARD_MAX + 1 <= 16, "forwarded headers fit an upstream request");

static void wipe_request(struct fetch *fetch)
{
    if (fetch->request_texts != NULL && fetch->key.len > 0)
        OPENSSL_cleanse((char *)(uintptr_t)fetch->key.bytes, fetch->key.len);
    free(fetch->request_texts);
    fetch->request_texts = NULL;
    fetch->key = (struct text){NULL, 0};
}

struct fetch *fetch_ref(struct fetch *fetch)
{
    assert(fetch->references > 0);
    fetch->references++;
    return fetch;
}

static void uncharge_body(void *arg)
{
    struct fetch *fetch = arg;

    if (fetch->body_charged > 0)
        tape_budget_give(store_tape_budget(fetch->worker->gateway->store), fetch->body_charged);
    fetch->body_charged = 0;
}

void fetch_unref(struct fetch *fetch)
{
    assert(fetch->references > 0);
    if (--fetch->references > 0)
        return;
    assert(!fetch->hold.open && fetch->flight == NULL && fetch->transfer == NULL);
    wipe_request(fetch);
    uncharge_body(fetch);
    free(fetch->passed);
    free(fetch->request.body);
    free(fetch->row_texts);
    free(fetch->source_texts);
    fetch_drop_body(fetch);
    if (fetch->splitter_charged > 0)
        tape_budget_give(store_tape_budget(fetch->worker->gateway->store), fetch->splitter_charged);
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

static void send_fetch(struct fetch *fetch)
{
    int result;

    enter(fetch, FETCH_SENT);
    result = upstream_start(fetch->worker->upstream, &fetch->request, &fetch->transfer);
    fetch->request.body = NULL; /* taken, also on failure */
    if (result != 0) {
        fetch->transfer = NULL;
        fetch_write_problem(fetch, PROBLEM_NO_MEMORY, NULL);
        fetch_finish(fetch, UPSTREAM_UNSENT, false);
    }
}

static void wait_for_disk(struct fetch *fetch)
{
    struct worker *worker = fetch->worker;
    struct fetch **last = &worker->durable_waiters;

    if (ledger_durable(worker->lane, fetch->hold_position)) {
        send_fetch(fetch);
        return;
    }
    while (*last != NULL)
        last = &(*last)->durable_next;
    fetch->durable_next = NULL;
    *last = fetch;
    ledger_kick(worker->lane);
}

/* Positions only grow, so the waiters are in order of theirs. */
void fetch_durable(struct worker *worker)
{
    struct fetch *waiting;

    while ((waiting = worker->durable_waiters) != NULL &&
           ledger_durable(worker->lane, waiting->hold_position)) {
        worker->durable_waiters = waiting->durable_next;
        send_fetch(waiting);
    }
}

void fetch_check_durable(struct worker *worker)
{
    int64_t now = worker_monotonic_ms();
    struct fetch *waiting;

    while ((waiting = worker->durable_waiters) != NULL &&
           now - waiting->started_ms > FETCH_DURABLE_MS) {
        worker->durable_waiters = waiting->durable_next;
        fetch_write_problem(waiting, PROBLEM_LEDGER_FULL, NULL);
        fetch_finish(waiting, UPSTREAM_UNSENT, false);
    }
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
    fetch->upstream = order->upstream;
    fetch->may_store = order->may_store;
    fetch->ttl_s = order->ttl_s;
    fetch->started_ms = order->started_ms;
    answer_init(&fetch->answer, order->row->api, worker->edits);
    sse_splitter_init(&fetch->splitter, (size_t)worker->gateway->config->cache.max_entry_bytes);
    link_fetch(fetch);
    return fetch;
}

/* A fetch outlives its client, so clients that come and go must not add up without a bound: their
 * bodies count in limits.buffered until they have left, and so does the number of fetches. */
static int admit(struct fetch *fetch, const struct fetch_order *order)
{
    struct worker *worker = fetch->worker;

    if (worker->fetch_count > FETCHES_MAX)
        return -EAGAIN;
    if (!tape_budget_take(store_tape_budget(worker->gateway->store), order->body_len))
        return -EAGAIN;
    fetch->body_charged = order->body_len;
    fetch->request.on_sent = uncharge_body;
    return 0;
}

struct fetch *fetch_start(struct worker *worker, struct tape *tape, struct store_flight *flight,
                          const struct fetch_order *order)
{
    struct fetch *fetch = fetch_new(worker, tape, flight, order);
    int result;

    fetch->row_texts = copy_row(order->row, &fetch->row);
    fetch->source_texts = copy_row(order->source, &fetch->source);
    result = admit(fetch, order);
    if (result == 0 && (fetch->row_texts == NULL || fetch->source_texts == NULL))
        result = -ENOMEM;
    if (result == 0)
        result = copy_request(fetch, order);
    if (result == 0)
        result = ledger_hold(worker->lane, &fetch->row, worker_ledger_ms(worker), &fetch->hold);
    if (result != 0) {
        fetch_write_problem(fetch,
                            result == -ENOSPC   ? PROBLEM_LEDGER_FULL
                            : result == -EAGAIN ? PROBLEM_BUSY
                                                : PROBLEM_NO_MEMORY,
                            NULL);
        fetch_finish(fetch, UPSTREAM_UNSENT, false);
        return fetch;
    }
    if (fetch->upstream->api_key == NULL)
        lookup_offer_key(worker->gateway->lookup, fetch->row.key_id, fetch->key);
    fetch->hold_position = ledger_position(worker->lane);
    wait_for_disk(fetch);
    return fetch;
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
    enter(fetch, FETCH_ENDED);
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
    wipe_request(fetch);
    unlink_fetch(fetch);
    fetch_unref(fetch);
}

void fetch_abort_all(struct worker *worker)
{
    worker->durable_waiters = NULL;
    while (worker->fetches != NULL) {
        struct fetch *fetch = worker->fetches;
        bool sent = fetch->state != FETCH_HELD;
        upstream_stop(fetch->transfer);
        fetch->transfer = NULL;
        fetch_write_problem(fetch, sent ? PROBLEM_UPSTREAM : PROBLEM_DRAINING, NULL);
        fetch_finish(fetch, sent ? UPSTREAM_BROKEN : UPSTREAM_UNSENT, false);
    }
}
