/* call_row.c - what a request means to the ledger. */
#include "server/call_private.h"
#include "server/fetch_private.h"
#include "server/late_savings.h"
#include "server/request_log.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* What the configuration says of a client holds whatever the request says: nobody books on another.
 */
static void add_client(const struct config_client *client, struct ledger_row *row)
{
    row->client = text_of(client->name);
    if (client->project != NULL)
        row->project = text_of(client->project);
    if (client->user != NULL)
        row->user = text_of(client->user);
    if (client->environment != NULL)
        row->environment = text_of(client->environment);
}

static void add_request(const struct call *call, struct ledger_row *row)
{
    row->api = call->route->api;
    row->streamed = call->names.stream;
    row->key_id = text_of(call->names.key_id);
    row->app = call->headers.app;
    row->origin = call->headers.referer;
    row->environment = call->headers.environment;
    if (call->headers.user.len > 0)
        row->user = call->headers.user;
    if (row->session.len == 0)
        row->session = call->headers.session;
    if (call->client != NULL)
        add_client(call->client, row);
}

/* Those of the body and the header, then the client's own as far as there is room. call_read()
 * checked that the first two merge. */
static void merge_tags(struct call *call, struct ledger_row *row, char *tags)
{
    const struct config_client *client = call->client;
    struct json_doc *doc = &call->worker->doc;
    size_t len = 0;

    if (call->headers.tags.len > 0 &&
        request_merge_tags(doc, row->tags, call->headers.tags, tags, &len) == 0)
        row->tags = (struct text){tags, len};
    for (unsigned i = 0; client != NULL && i < client->tags.count; i++) {
        char more[ROW_TAGS_BYTES_MAX];
        if (request_merge_tags(doc, row->tags, text_of(client->tags.item[i]), more, &len) != 0)
            break;
        memcpy(tags, more, len);
        row->tags = (struct text){tags, len};
    }
}

void call_source_facts(struct call *call, struct ledger_row *row)
{
    const struct request_body *body = call->body;

    row_init(row);
    if (body == NULL)
        return;
    row->model_requested = (struct text){body->model, body->model_len};
    row->user = (struct text){body->user, body->user_len};
    row->session = (struct text){body->session, body->session_len};
    row->tags = body->tags;
    if (body->service_tier[0] != '\0')
        row->service_tier = text_of(body->service_tier);
    if (call->names.preset != NULL)
        row->preset = text_of(call->names.preset->name);
}

void call_facts(struct call *call, struct ledger_row *row, char *tags)
{
    const struct wish *wish = &call->headers.wish;

    call_source_facts(call, row);
    add_request(call, row);
    row->id = text_of(call->id);
    row->cache = !call->caching                  ? CACHE_OFF
                 : wish->clear || wish->no_cache ? CACHE_REFRESH
                                                 : CACHE_MISS;
    merge_tags(call, row, tags);
}

static struct maybe_money zero(void)
{
    return (struct maybe_money){.known = true, .money = {.femto = 0}};
}

/* design 2.5: a hit's tokens and money are 0. */
static void make_free(struct ledger_row *row)
{
    bool exclusive = row->usage.exclusive;

    row->usage = USAGE_INIT;
    row->usage.exclusive = exclusive;
    row->usage.prompt_tokens = row->usage.completion_tokens = 0;
    row->usage.cached_tokens = row->usage.cache_write_tokens = 0;
    row->usage.reasoning_tokens = 0;
    row->billed = row->upstream_cost = row->market = zero();
    row->estimated = row->booked = row->difference = zero();
    row->verdict = VERDICT_FREE;
}

/* What a tape's source told the ledger, read into the worker's scratch; its cost may have come
 * since. False: the tape has none (yet). */
static bool read_info(struct worker *worker, const struct tape *tape)
{
    struct ledger_row *source = &worker->source;
    size_t len = 0;
    const void *info = NULL;

    if (tape_state(tape) != TAPE_GROWING)
        info = tape_info(tape, &len);
    if (len == 0 || row_decode(info, len, source) != 0)
        return false;
    if (!source->saved.known)
        source->saved = late_savings_get(worker->gateway->late_savings, source->id);
    return true;
}

static bool read_source(struct call *call)
{
    call->sourced = call->reader.tape != NULL && read_info(call->worker, call->reader.tape);
    return call->sourced;
}

void call_log_request(struct call *call)
{
    if (call->client != NULL && call->client->zdr)
        return;
    request_log_keep(call->worker->gateway->request_log, call->worker, text_of(call->id),
                     call->headers.api_key,
                     (struct text){call->req->entity.base, call->req->entity.len});
}

/* --- followers that left midway --- */

/* Its leader's answer still grows, so what it read from, and what that costs, is not known yet. The
 * ledger keeps room for the row: so there are no more of them than it has room for. */
struct left_follower {
    struct left_follower *next;
    struct tape *tape;
    struct ledger_row row;
    char *texts; /* of row */
};

/* False: no memory, or the tape has ended; then it is recorded as it is. */
static bool keep_left(struct call *call, const struct ledger_row *row)
{
    struct worker *worker = call->worker;
    struct left_follower *left;

    if (call->role != CALL_FOLLOWER || !call->row_reserved || !call->reader_set ||
        tape_state(call->reader.tape) != TAPE_GROWING)
        return false;
    left = malloc(sizeof *left);
    if (left == NULL)
        return false;
    left->texts = fetch_copy_row(row, &left->row);
    if (left->texts == NULL) {
        free(left);
        return false;
    }
    left->tape = tape_ref(call->reader.tape);
    left->next = worker->left_followers;
    worker->left_followers = left;
    call->row_reserved = false;
    return true;
}

/* What call_record() takes from the source and the request does not say. */
static void add_source(const struct ledger_row *source, struct ledger_row *row)
{
    row->source_id = source->id;
    row->model = source->model;
    row->provider = source->provider;
    row->finish_reason = source->finish_reason;
    row->native_finish_reason = source->native_finish_reason;
    row->service_tier = source->service_tier;
    row->upstream = source->upstream;
    row->usage.exclusive = source->usage.exclusive;
    row->rating = source->rating;
    row->saved = source->saved;
    if (row->model_requested.len == 0)
        row->model_requested = source->model_requested;
}

void call_write_left(struct worker *worker, bool all)
{
    struct left_follower **at = &worker->left_followers, *left;

    while ((left = *at) != NULL) {
        if (!all && tape_state(left->tape) == TAPE_GROWING) {
            at = &left->next;
            continue;
        }
        *at = left->next;
        if (read_info(worker, left->tape))
            add_source(&worker->source, &left->row);
        ledger_append_reserved(worker->lane, &left->row, worker_ledger_ms(worker));
        tape_unref(left->tape);
        free(left->texts);
        free(left);
    }
}

/* --- the row --- */

int call_record(struct call *call, int status)
{
    struct worker *worker = call->worker;
    struct ledger_row row;
    char tags[ROW_TAGS_BYTES_MAX];
    int64_t now = worker_monotonic_ms();

    if (read_source(call)) {
        row = worker->source;
        row.source_id = row.id;
    } else if (call->body != NULL) {
        call_source_facts(call, &row); /* it left before its leader ended, or found nothing */
    } else {
        row_init(&row);
    }
    add_request(call, &row);
    merge_tags(call, &row, tags);
    row.id = text_of(call->id);
    row.cache = call->role == CALL_HIT        ? CACHE_HIT
                : call->role == CALL_FOLLOWER ? CACHE_COLLAPSED
                : call->caching               ? CACHE_MISS
                                              : CACHE_OFF;
    row.status = status;
    row.latency_ms = now - call->started_ms;
    row.ttft_ms = row.latency_ms;
    if (call->role == CALL_NOBODY)
        row.verdict = VERDICT_FAILED; /* refused: nothing was answered, and nothing was billed */
    else
        make_free(&row);
    if (keep_left(call, &row))
        return 0;
    if (!call->row_reserved)
        return ledger_append(worker->lane, &row, worker_ledger_ms(worker), NULL);
    call->row_reserved = false;
    ledger_append_reserved(worker->lane, &row, worker_ledger_ms(worker));
    return 0;
}
