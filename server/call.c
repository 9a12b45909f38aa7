#include "server/call.h"
#include "server/call_private.h"
#include "server/cors.h"
#include "server/log.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { CALL_MAGIC = 0x63616c6c };

static const uint8_t may_follow[] = {
    [CALL_READ] = 1 << CALL_LOOKUP | 1 << CALL_SETTLED,
    [CALL_LOOKUP] = 1 << CALL_STREAM | 1 << CALL_SETTLED,
    [CALL_STREAM] = 1 << CALL_SETTLED,
    [CALL_SETTLED] = 0,
};

void call_enter(struct call *call, enum call_state next)
{
    assert(call->magic == CALL_MAGIC);
    assert(may_follow[call->state] & 1 << next);
    call->state = next;
}

/* --- waiting: for the tape, and for the client to leave meanwhile --- */

static void unpark(struct call *call)
{
    if (call->parked_pointer == NULL)
        return;
    *call->parked_pointer = call->parked_next;
    if (call->parked_next != NULL)
        call->parked_next->parked_pointer = call->parked_pointer;
    call->parked_pointer = NULL;
}

static void park(struct call *call)
{
    struct call **bucket = worker_parked(call->worker, call->reader.tape);

    if (call->parked_pointer != NULL)
        return;
    call->parked_next = *bucket;
    call->parked_pointer = bucket;
    if (*bucket != NULL)
        (*bucket)->parked_pointer = &call->parked_next;
    *bucket = call;
}

/* HTTP/1.1 reads nothing while a handler waits, so a client that leaves would not be noticed
 * (platform.md); HTTP/2 tells by itself. */
static void on_client_left(struct watch *watch, uint32_t events)
{
    struct call *call = (struct call *)((char *)watch - offsetof(struct call, leave_watch));
    h2o_iovec_t nothing = {NULL, 0};

    (void)events;
    assert(call->magic == CALL_MAGIC);
    watch_remove(&call->worker->watches, watch);
    unpark(call);
    call->req->http1_is_persistent = 0;
    if (call->sending || call->ended)
        return; /* the write under way will fail and end the request */
    call->ended = true;
    if (!call->responded) {
        call->req->res.status = 499; /* nobody will read it; it ends the request inside libh2o */
        call->req->res.reason = "Client Closed Request";
        h2o_start_response(call->req, &call->generator);
    }
    h2o_send(call->req, &nothing, 0, H2O_SEND_STATE_ERROR);
}

void call_watch_client(struct call *call)
{
    h2o_socket_t *socket;

    if (call->req->version >= 0x200 || call->leave_watch.fd >= 0)
        return;
    socket = call->req->conn->callbacks->get_socket(call->req->conn);
    call->leave_watch.on_events = on_client_left;
    if (watch_add(&call->worker->watches, &call->leave_watch, h2o_socket_get_fd(socket),
                  EPOLLRDHUP | EPOLLONESHOT) != 0)
        call->leave_watch.fd = -1; /* it will be noticed when we write */
}

/* --- settle and dispose --- */

static void record(struct call *call, int status)
{
    if (call_record(call, status) != 0)
        log_line(LOG_ERROR, "ledger_full_row_lost", LOG_TEXT("id", call->id));
}

/* Followers are recorded when they end: only then is it known what they saved. So is whoever left
 * while the disk was being asked. */
static void settle(struct call *call)
{
    int status = call->responded ? call->req->res.status : 499;

    if (call->state == CALL_SETTLED)
        return;
    if (call->role == CALL_FOLLOWER || call->state == CALL_LOOKUP)
        record(call, status);
    call_enter(call, CALL_SETTLED);
}

static void on_dispose(void *arg)
{
    struct call *call = arg;
    struct worker *worker = call->worker;

    assert(call->magic == CALL_MAGIC);
    call_abandon(call);
    watch_remove(&worker->watches, &call->leave_watch);
    unpark(call);
    if (call->waiter != NULL)
        call->waiter->call = NULL;
    free(call->buffer);
    if (call->previous != NULL)
        call->previous->next = call->next;
    else
        worker->calls = call->next;
    if (call->next != NULL)
        call->next->previous = call->previous;
    assert(worker->call_count > 0);
    worker->call_count--;
    call->magic = 0;
}

/* --- refusing --- */

/* What an error answer says beside its problem. */
struct refusal {
    const char *id;
    enum config_dialect dialect;
    enum row_api api;
    enum problem problem;
    const char *detail, *limits; /* or NULL */
    int64_t retry_after_s;
};

static void add_retry_after(h2o_req_t *req, int64_t seconds)
{
    char *text = h2o_mem_alloc_pool(&req->pool, 24);
    int len = snprintf(text, 24, "%lld", (long long)seconds);

    h2o_add_header_by_str(&req->pool, &req->res.headers, H2O_STRLIT("retry-after"), 0, NULL, text,
                          (size_t)len);
}

static void refuse_as(h2o_req_t *req, const struct refusal *refusal)
{
    char *text = h2o_mem_alloc_pool(&req->pool, PROBLEM_TEXT_MAX);
    const char *id = refusal->id;
    size_t len = problem_print_limits(refusal->problem, refusal->dialect, refusal->api,
                                      refusal->detail, refusal->limits, text);
    h2o_headers_t *headers = &req->res.headers;

    req->res.status = problem_status(refusal->problem, refusal->dialect);
    req->res.reason = call_reason(req->res.status);
    req->res.content_length = len;
    log_line(LOG_WARNING, "refused", LOG_NUMBER("status", req->res.status), LOG_TEXT("id", id),
             LOG_TEXT("why", problem_type(refusal->problem)));
    h2o_add_header(&req->pool, headers, H2O_TOKEN_CONTENT_TYPE, NULL,
                   H2O_STRLIT("application/json"));
    h2o_add_header_by_str(&req->pool, headers, H2O_STRLIT("x-generation-id"), 0, NULL,
                          h2o_strdup(&req->pool, id, strlen(id)).base, strlen(id));
    if (refusal->retry_after_s > 0)
        add_retry_after(req, refusal->retry_after_s);
    if (refusal->problem == PROBLEM_NO_KEY)
        h2o_add_header_by_str(&req->pool, headers, H2O_STRLIT("www-authenticate"), 0, NULL,
                              H2O_STRLIT("Bearer"));
    cors_add_if_asked(req);
    h2o_send_inline(req, text, len);
}

void call_refuse(struct worker *worker, h2o_req_t *req, enum config_dialect dialect,
                 enum row_api api, enum problem problem, const char *detail)
{
    char id[GENID_MAX + 1];
    struct refusal refusal = {
        id, dialect, api, problem, detail, NULL, problem_retry_after(problem) > 0 ? 1 : 0};

    call_new_id(worker, dialect, worker_now_ms(worker), id);
    refuse_as(req, &refusal);
}

static void refuse_call(struct call *call, enum problem problem, const char *detail,
                        const char *limits, int64_t retry_after_s)
{
    struct refusal refusal = {call->id, call->route->dialect, call->route->api, problem, detail,
                              limits,   retry_after_s};

    assert(!call->responded);
    call->responded = call->ended = true;
    call_enter(call, CALL_SETTLED);
    refuse_as(call->req, &refusal);
}

void call_refuse_with(struct call *call, enum problem problem, const char *detail)
{
    refuse_call(call, problem, detail, NULL, problem_retry_after(problem) > 0 ? 1 : 0);
}

void call_refuse_recorded(struct call *call, enum problem problem, const char *detail,
                          const char *limits)
{
    if (call->recorded)
        record(call, problem_status(problem, call->route->dialect));
    refuse_call(call, problem, detail, limits, 0);
}

void call_refuse_rate(struct call *call, int64_t wait_ms)
{
    int64_t seconds = (wait_ms + 999) / 1000;
    int64_t reset_ms = worker_now_ms(call->worker) + wait_ms;
    char limits[PROBLEM_LIMITS_MAX + 1];

    snprintf(limits, sizeof limits,
             "\"limit_source\":\"tollgate_requests_per_minute\",\"retry_after_seconds\":%lld,"
             "\"headers\":{\"X-RateLimit-Limit\":\"%u\",\"X-RateLimit-Remaining\":\"0\","
             "\"X-RateLimit-Reset\":\"%lld\",\"Retry-After\":\"%lld\"}",
             (long long)seconds, call->client->requests_per_minute, (long long)reset_ms,
             (long long)seconds);
    if (call->recorded)
        record(call, problem_status(PROBLEM_RATE, call->route->dialect));
    refuse_call(call, PROBLEM_RATE, "Rate limit exceeded for this key (requests per minute).",
                limits, seconds);
}

/* --- streaming --- */

static void send_slices(struct call *call, const h2o_iovec_t *slices, size_t count, bool last,
                        bool torn)
{
    h2o_iovec_t copy[CALL_SLICES_MAX];

    assert(count <= CALL_SLICES_MAX && !call->sending);
    if (count > 0)
        memcpy(copy, slices, count * sizeof *slices);
    call->sending = true;
    call->progress_ms = worker_monotonic_ms();
    if (last) {
        call->ended = true;
        settle(call);
    }
    h2o_send(call->req, copy, count,
             torn   ? H2O_SEND_STATE_ERROR
             : last ? H2O_SEND_STATE_FINAL
                    : H2O_SEND_STATE_IN_PROGRESS);
}

static bool respond_if_headed(struct call *call)
{
    size_t len;
    const struct tape_head *head = tape_head(call->reader.tape, &len);

    if (head == NULL)
        return false;
    if (call->role == CALL_LEADER)
        fetch_client_sent(call->fetch, head->status);
    call_respond(call, head);
    return true;
}

/* A stream of many small chunks has hundreds of slices in a packet's worth of bytes: they leave as
 * one. false: no memory, send what there is. */
static bool gather_slices(struct call *call, const struct tape_slice *first, size_t first_count,
                          size_t *ret_len)
{
    struct tape_slice more[CALL_SLICES_MAX];
    const struct tape_slice *slices = first;
    size_t count = first_count, len = 0, given;
    enum tape_read read = TAPE_READ_BYTES;

    call->buffer = malloc(CALL_GATHER_BYTES);
    if (call->buffer == NULL)
        return false;
    while (read == TAPE_READ_BYTES) {
        for (size_t i = 0; i < count; i++) {
            memcpy(call->buffer + len, slices[i].bytes, slices[i].len);
            len += slices[i].len;
        }
        if (len == CALL_GATHER_BYTES)
            break;
        slices = more;
        count = CALL_SLICES_MAX;
        if (tape_slices(&call->reader, more, &count, CALL_GATHER_BYTES - len, &read, &given) != 0)
            break;
    }
    *ret_len = len;
    return true;
}

/* A tape that has ended is written from where it lies. */
static bool pump_ended(struct call *call)
{
    struct tape_slice slices[CALL_SLICES_MAX];
    h2o_iovec_t out[CALL_SLICES_MAX];
    size_t count = CALL_SLICES_MAX, len;
    enum tape_read read;
    bool whole = tape_state(call->reader.tape) == TAPE_WHOLE;

    if (tape_slices(&call->reader, slices, &count, CALL_SEND_BYTES_MAX, &read, &len) != 0)
        return false;
    if (count == CALL_SLICES_MAX && len < CALL_GATHER_BYTES &&
        gather_slices(call, slices, count, &len)) {
        out[0] = h2o_iovec_init(call->buffer, len);
        count = 1;
    } else {
        for (size_t i = 0; i < count; i++)
            out[i] = h2o_iovec_init(slices[i].bytes, slices[i].len);
    }
    if (read == TAPE_READ_BYTES)
        send_slices(call, out, count, whole && tape_remaining(&call->reader) == 0, false);
    else
        send_slices(call, out, 0, true, read == TAPE_READ_LOST || !whole);
    return true;
}

/* A growing one is copied out: its bytes may go before h2o has sent them. */
static void pump_growing(struct call *call)
{
    struct worker *worker = call->worker;
    h2o_iovec_t out;
    size_t len = 0;
    enum tape_read read =
        tape_read(&call->reader, worker->index, worker->scratch, WORKER_SCRATCH_BYTES, &len);

    if (read == TAPE_READ_WAIT) {
        park(call);
        call_watch_client(call);
        return;
    }
    /* The leader, on another worker, may have set the head since we looked. */
    if (!call->responded && !respond_if_headed(call)) {
        if (call->role == CALL_FOLLOWER)
            record(call, problem_status(PROBLEM_UPSTREAM, call->route->dialect));
        call_refuse_with(call, PROBLEM_UPSTREAM, NULL); /* it ended without so much as a head */
        return;
    }
    if (read != TAPE_READ_BYTES) {
        bool torn = read == TAPE_READ_LOST || tape_state(call->reader.tape) != TAPE_WHOLE;
        if (read == TAPE_READ_LOST)
            log_line(LOG_WARNING, "slow_reader_cut", LOG_TEXT("id", call->id));
        send_slices(call, NULL, 0, true, torn);
        return;
    }
    call->buffer = malloc(len);
    if (call->buffer == NULL) {
        send_slices(call, NULL, 0, true, true);
        return;
    }
    memcpy(call->buffer, worker->scratch, len);
    out = h2o_iovec_init(call->buffer, len);
    send_slices(call, &out, 1, false, false);
}

void call_pump(struct call *call)
{
    if (call->sending || call->ended)
        return;
    assert(call->state == CALL_STREAM);
    if (!call->responded && !respond_if_headed(call)) {
        /* Asking for bytes registers this worker to be woken by the head as well. */
        pump_growing(call);
        return;
    }
    if (!pump_ended(call))
        pump_growing(call);
}

static void on_proceed(h2o_generator_t *generator, h2o_req_t *req)
{
    struct call *call = (struct call *)generator;
    struct worker *worker = call->worker;
    struct fetch *fetch;

    (void)req;
    assert(call->magic == CALL_MAGIC);
    call->sending = false;
    free(call->buffer);
    call->buffer = NULL;
    fetch = call->fetch != NULL ? fetch_ref(call->fetch) : NULL;
    call_pump(call); /* may end the request, and with it the call */
    if (fetch != NULL) {
        fetch_pace(fetch);
        fetch_unref(fetch);
    }
    worker_flush(worker);
}

static void on_stop(h2o_generator_t *generator, h2o_req_t *req)
{
    struct call *call = (struct call *)generator;

    (void)req;
    assert(call->magic == CALL_MAGIC);
    call->ended = true; /* on_dispose follows */
}

void call_resume(struct call *call)
{
    assert(call->magic == CALL_MAGIC);
    unpark(call);
    call_pump(call);
}

/* The library closes a connection whose descriptor is shut down under it (platform.md). */
void call_cut_off(struct call *call)
{
    h2o_socket_t *socket = call->req->conn->callbacks->get_socket(call->req->conn);

    shutdown(h2o_socket_get_fd(socket), SHUT_RDWR);
}

void call_abandon(struct call *call)
{
    settle(call);
    if (call->reader_set)
        tape_reader_release(&call->reader);
    call->reader_set = false;
    if (call->fetch != NULL)
        fetch_leave(call->fetch);
    call->fetch = NULL;
}

void call_check_stalled(struct call *call, int64_t now_monotonic_ms)
{
    if (!call->sending || now_monotonic_ms - call->progress_ms < CALL_STALLED_MS)
        return;
    call_cut_off(call);
    log_line(LOG_WARNING, "stalled_reader_cut", LOG_TEXT("id", call->id));
}

/* --- start --- */

void call_new_id(struct worker *worker, enum config_dialect dialect, int64_t now_ms,
                 char id[GENID_MAX + 1])
{
    if (dialect == DIALECT_OPENROUTER)
        genid_openrouter(&worker->genid, now_ms, id);
    else
        genid_vercel(&worker->genid, now_ms, id);
}

static void set_identity(struct call *call)
{
    int64_t now = worker_now_ms(call->worker);

    call_new_id(call->worker, call->route->dialect, now, call->id);
    snprintf(call->created, sizeof call->created, "%lld", (long long)(now / 1000));
}

void call_start(struct worker *worker, h2o_req_t *req, const struct route *route, struct text rest)
{
    struct call *call = h2o_mem_alloc_shared(&req->pool, sizeof *call, on_dispose);

    memset(call, 0, sizeof *call);
    call->generator = (h2o_generator_t){on_proceed, on_stop};
    call->magic = CALL_MAGIC;
    call->worker = worker;
    call->req = req;
    call->route = route;
    call->rest = rest;
    call->recorded = h2o_memis(req->method.base, req->method.len, H2O_STRLIT("POST"));
    call->leave_watch.fd = -1;
    call->started_ms = worker_monotonic_ms();
    call->next = worker->calls;
    if (worker->calls != NULL)
        worker->calls->previous = call;
    worker->calls = call;
    worker->call_count++;
    set_identity(call);
    if (worker->draining)
        req->http1_is_persistent = 0;
    if (call_read(call) == 0) {
        call_enter(call, CALL_LOOKUP);
        if (call->caching)
            call_look_up(call, false);
        else
            call_without_cache(call);
    }
    /* The call may be gone. A hostile body's tokens are not kept, and those of any body must not
     * outlive it: the next one may lie at the same address. */
    json_doc_clear(&worker->doc);
}
