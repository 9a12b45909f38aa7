/* call_lookup.c - from the cache key to a tape: hit, follow, lead, or wait for the disk. */
#include "server/call_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void wake_call(void *arg, struct worker *worker)
{
    struct call_waiter *waiter = arg;
    struct call *call = waiter->call;

    free(waiter);
    if (call == NULL)
        return;
    call->waiter = NULL;
    if (call->ended || worker->stopped)
        return;
    call_look_up(call, true);
    json_doc_clear(&worker->doc);
}

/* On any thread. */
static void wake_waiter(struct store_waiter *waiter)
{
    struct call_waiter *mine = (struct call_waiter *)waiter;

    worker_post_function(mine->worker, wake_call, mine);
}

void call_without_cache(struct call *call)
{
    struct gateway *gateway = call->worker->gateway;
    struct tape *tape =
        tape_new(store_tape_budget(gateway->store), (size_t)gateway->config->cache.max_entry_bytes);

    if (tape == NULL) {
        call_refuse_with(call, PROBLEM_NO_MEMORY, NULL);
        return;
    }
    call_lead(call, tape, NULL);
    tape_unref(tape);
}

static void absent(struct call *call)
{
    call_recall_body(call);
    if (call_record(call, problem_status(PROBLEM_NOT_CACHED, call->route->dialect)) != 0)
        call_refuse_with(call, PROBLEM_LEDGER_FULL, NULL);
    else
        call_refuse_with(call, PROBLEM_NOT_CACHED, NULL);
}

static void serve_hit(struct call *call, const struct store_answer *answer)
{
    call->role = CALL_HIT;
    call->entry = answer->entry;
    call_attach(call, answer->tape, TAPE_REPLAY);
    call_log_request(call);
    if (call_record(call, 200) != 0) {
        call_refuse_with(call, PROBLEM_LEDGER_FULL, NULL);
        return;
    }
    call_enter(call, CALL_STREAM);
    call_pump(call);
}

static void take_answer(struct call *call, const struct store_answer *answer)
{
    switch (answer->found) {
    case STORE_HIT:
        serve_hit(call, answer);
        break;
    case STORE_FOLLOW:
        call_recall_body(call); /* for the row, should it leave before its leader ends */
        call_log_request(call);
        call->role = CALL_FOLLOWER;
        call_attach(call, answer->tape, TAPE_REPLAY);
        if (!call->reader_set) { /* it became a window this very moment: go alone */
            call->role = CALL_NOBODY;
            call_without_cache(call);
            break;
        }
        if (ledger_reserve(call->worker->lane) != 0) {
            call->role = CALL_NOBODY;
            call_refuse_with(call, PROBLEM_LEDGER_FULL, NULL);
            break;
        }
        call->row_reserved = true;
        call_enter(call, CALL_STREAM);
        call_pump(call);
        break;
    case STORE_LEAD:
        call_lead(call, answer->tape, answer->flight);
        break;
    case STORE_ABSENT:
        absent(call);
        break;
    case STORE_WAIT:
        call_recall_body(call);
        call_watch_client(call);
        break;
    }
}

static enum store_mode mode_of(const struct wish *wish)
{
    if (wish->only_if_cached) /* whoever says so must not pay, whatever else is asked */
        return STORE_ONLY_CACHED;
    if (wish->clear)
        return STORE_CLEAR;
    return wish->no_cache ? STORE_REFRESH : STORE_NORMAL;
}

void call_look_up(struct call *call, bool retry)
{
    struct worker *worker = call->worker;
    struct call_waiter *waiter;
    struct store_answer answer = {.found = STORE_ABSENT};
    struct store_query query = {
        .key = &call->names.key,
        .seal = &call->names.seal,
        .now_ms = worker_now_ms(worker),
        .mode = mode_of(&call->headers.wish),
        .coalesce = worker->gateway->config->cache.coalesce,
        .retry = retry,
    };
    int result;

    assert(call->state == CALL_LOOKUP && call->waiter == NULL);
    waiter = worker->spare_waiter != NULL ? worker->spare_waiter : malloc(sizeof *waiter);
    worker->spare_waiter = NULL; /* a hit needs none: the next request uses it */
    if (waiter == NULL) {
        call_refuse_with(call, PROBLEM_NO_MEMORY, NULL);
        return;
    }
    *waiter = (struct call_waiter){{wake_waiter, NULL}, worker, call};
    call->waiter = waiter;
    result = store_find(worker->gateway->store, &query, &waiter->waiter, &answer);
    if (result != 0 || answer.found != STORE_WAIT) {
        call->waiter = NULL;
        worker->spare_waiter = waiter;
    }
    if (result != 0) {
        call_refuse_with(call, PROBLEM_NO_MEMORY, NULL);
        return;
    }
    take_answer(call, &answer);
    tape_unref(answer.tape);
}
