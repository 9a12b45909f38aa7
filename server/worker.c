#include "server/worker.h"
#include "server/call_private.h"
#include "server/catalog.h"
#include "server/cors.h"
#include "server/fetch.h"
#include "server/log.h"
#include "server/lookup.h"
#include "server/prices.h"
#include "server/reads.h"
#include "server/request_log.h"

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    REQUEST_TIMEOUT_MS = 10 * 60 * 1000, /* header and body of one request, HTTP/1.1 */
    IDLE_TIMEOUT_MS = 5 * 60 * 1000,     /* HTTP/2 connection without a stream */
    HANDSHAKE_TIMEOUT_MS = 10 * 1000,
    STREAMS_MAX = 256,     /* handled at once, per HTTP/2 connection */
    DRAIN_LINGER_MS = 200, /* for the last bytes to leave, once nothing runs any more */
    CUT_OFF_MS = 1000,     /* for libh2o to end what was cut off at the deadline */
    LOOP_WAIT_MS = 1000,
};

struct message {
    h2o_multithread_message_t super;
    struct tape *tape; /* share: readers to wake; or NULL */
    void (*fn)(void *arg, struct worker *worker);
    void *arg;
};

int64_t worker_monotonic_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t worker_ledger_ms(struct worker *worker)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    ledger_lane_micros(worker->lane, (unsigned)(now.tv_nsec / 1000 % 1000));
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- waking readers --- */

static void resume_readers(struct worker *worker, const struct tape *tape)
{
    struct call **bucket = worker_parked(worker, tape);
    struct call *woken = NULL, *next;

    /* Taken out first: whoever is resumed may park again in the same bucket. */
    for (struct call *call = *bucket; call != NULL; call = next) {
        next = call->parked_next;
        if (call->reader.tape != tape)
            continue;
        *call->parked_pointer = next;
        if (next != NULL)
            next->parked_pointer = call->parked_pointer;
        call->parked_next = woken;
        call->parked_pointer = &woken;
        if (woken != NULL)
            woken->parked_pointer = &call->parked_next;
        woken = call;
    }
    while (woken != NULL)
        call_resume(woken); /* unlinks itself, and others that end with it */
}

void worker_wake(struct worker *worker, struct tape *tape, uint64_t set)
{
    for (unsigned i = 0; set != 0 && i < worker->gateway->worker_count; i++) {
        if (!(set >> i & 1))
            continue;
        if (i != worker->index) {
            worker_post_wake(worker->gateway->workers[i], tape);
            continue;
        }
        if (worker->wake_count > 0 && worker->wakes[worker->wake_count - 1] == tape)
            continue;
        if (worker->wake_count == WORKER_WAKES_MAX)
            worker_post_wake(worker, tape);
        else
            worker->wakes[worker->wake_count++] = tape_ref(tape);
    }
}

void worker_flush(struct worker *worker)
{
    /* Resuming a reader may end its request, and libh2o then starts the next one of that connection
     * inside this very call: what it wakes is taken up by the loop below. */
    if (worker->flushing)
        return;
    worker->flushing = true;
    for (unsigned i = 0; i < worker->wake_count; i++) {
        struct tape *tape = worker->wakes[i];
        worker->wakes[i] = NULL;
        resume_readers(worker, tape);
        tape_unref(tape);
    }
    worker->wake_count = 0;
    worker->flushing = false;
    ledger_kick(worker->lane);
}

/* --- mailbox --- */

static void post(struct worker *worker, struct message message)
{
    struct message *sent = malloc(sizeof *sent);

    if (sent == NULL)
        abort(); /* a lost wake-up would leave a client waiting for ever */
    *sent = message;
    sent->super = (h2o_multithread_message_t){{NULL, NULL}};
    h2o_multithread_send_message(&worker->mailbox, &sent->super);
}

void worker_post_wake(struct worker *worker, struct tape *tape)
{
    post(worker, (struct message){.tape = tape_ref(tape)});
}

void worker_post_function(struct worker *worker, void (*fn)(void *arg, struct worker *worker),
                          void *arg)
{
    post(worker, (struct message){.fn = fn, .arg = arg});
}

static void on_mail(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    struct worker *worker = H2O_STRUCT_FROM_MEMBER(struct worker, mailbox, receiver);

    while (!h2o_linklist_is_empty(messages)) {
        struct message *message =
            H2O_STRUCT_FROM_MEMBER(struct message, super.link, messages->next);
        h2o_linklist_unlink(&message->super.link);
        if (message->tape != NULL) {
            resume_readers(worker, message->tape);
            tape_unref(message->tape);
        } else {
            message->fn(message->arg, worker);
        }
        free(message);
    }
    worker_flush(worker);
}

/* --- requests --- */

static void send_health(struct worker *worker, h2o_req_t *req)
{
    static const char ok[] = "{\"status\":\"ok\"}";

    (void)worker;
    req->res.status = 200;
    req->res.reason = "OK";
    req->res.content_length = sizeof ok - 1;
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL,
                   H2O_STRLIT("application/json"));
    h2o_send_inline(req, H2O_STRLIT(ok));
}

static bool method_allowed(const struct route *route, h2o_iovec_t method)
{
    const char *at = route->methods;

    while (at != NULL && *at != '\0') {
        size_t len = strcspn(at, ", ");
        if (len == method.len && memcmp(at, method.base, len) == 0)
            return true;
        at += len;
        at += strspn(at, ", ");
    }
    return false;
}

struct handler {
    h2o_handler_t super;
    struct worker *worker;
};

static void dispatch(struct worker *worker, h2o_req_t *req, const struct route *route,
                     struct text rest)
{
    if (h2o_memis(req->method.base, req->method.len, H2O_STRLIT("OPTIONS")))
        cors_answer(req, route->methods);
    else if (route->kind == ROUTE_HEALTH)
        send_health(worker, req);
    else if (route->kind == ROUTE_READ)
        reads_start(worker, req, route, rest);
    else
        call_start(worker, req, route, rest);
}

static int on_request(h2o_handler_t *self, h2o_req_t *req)
{
    struct worker *worker = ((struct handler *)self)->worker;
    h2o_iovec_t path = req->path_normalized;
    struct text rest;
    const struct route *route = route_find(path.base, path.len, &rest);
    enum config_dialect dialect = route_dialect(path.base, path.len);

    if (worker->stopped) {
        req->http1_is_persistent = 0;
        call_refuse(worker, req, dialect, route_api(path.base, path.len), PROBLEM_DRAINING, NULL);
    } else if (route == NULL) {
        call_refuse(worker, req, dialect, route_api(path.base, path.len), PROBLEM_NOT_FOUND, NULL);
    } else if (!method_allowed(route, req->method)) {
        h2o_add_header_by_str(&req->pool, &req->res.headers, H2O_STRLIT("allow"), 0, NULL,
                              route->methods, strlen(route->methods));
        call_refuse(worker, req, dialect, route->api, PROBLEM_METHOD, NULL);
    } else {
        dispatch(worker, req, route, rest);
    }
    worker_flush(worker);
    return 0;
}

/* --- connections --- */

static void on_accept(h2o_socket_t *socket, const char *error)
{
    struct worker_listener *listener = socket->data;
    h2o_socket_t *client;

    if (error != NULL)
        return;
    /* A few at a time: a storm of connections must not starve those that are being served. */
    for (int i = 0; i < 16; i++) {
        errno = 0;
        client = h2o_evloop_socket_accept(socket);
        if (client == NULL) {
            /* The connection stays in the queue: asking again at once would only spin. */
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
                h2o_socket_read_stop(socket);
                listener->resting = true;
            }
            return;
        }
        h2o_accept(&listener->accept, client);
    }
}

static void wake_listeners(struct worker *worker)
{
    for (unsigned i = 0; i < worker->listener_count; i++) {
        struct worker_listener *listener = &worker->listeners[i];
        if (!listener->resting || listener->socket == NULL)
            continue;
        log_line(LOG_WARNING, "out_of_descriptors", LOG_NUMBER("worker", worker->index));
        listener->resting = false;
        h2o_socket_read_start(listener->socket, on_accept);
    }
}

/* --- once a second --- */

static void on_tick(h2o_timeout_entry_t *entry)
{
    struct worker *worker = H2O_STRUCT_FROM_MEMBER(struct worker, tick, entry);
    struct call *call = worker->calls, *next;
    int64_t now = worker_monotonic_ms();

    for (; call != NULL; call = next) {
        next = call->next;
        call_check_stalled(call, now);
    }
    for (struct fetch *fetch = worker->fetches, *following; fetch != NULL; fetch = following) {
        following = fetch->next;
        fetch_tick(fetch, now);
    }
    upstream_tick(worker->upstream);
    fetch_check_durable(worker);
    call_write_left(worker, false);
    wake_listeners(worker);
    if (worker->index == 0) {
        lookup_tick(worker->gateway->lookup, worker);
        catalogs_tick(worker->gateway->catalogs, worker);
        prices_tick(worker->gateway->prices, worker);
        store_tick(worker->gateway->store, worker_now_ms(worker));
        request_log_tick(worker->gateway->request_log, worker_now_ms(worker));
    }
    worker_flush(worker);
    h2o_timeout_link(worker->context.loop, &worker->context.one_sec_timeout, &worker->tick);
}

static void close_listeners(struct worker *worker)
{
    for (unsigned i = 0; i < worker->listener_count; i++) {
        struct worker_listener *listener = &worker->listeners[i];
        h2o_socket_t *client;
        if (listener->socket == NULL)
            continue;
        /* Who is in the queue already was promised an answer. */
        while ((client = h2o_evloop_socket_accept(listener->socket)) != NULL)
            h2o_accept(&listener->accept, client);
        h2o_socket_close(listener->socket);
        listener->socket = NULL;
    }
}

static bool connections_left(const struct worker *worker)
{
    return worker->context.http1._conns.next != &worker->context.http1._conns ||
           worker->context.http2._conns.next != &worker->context.http2._conns;
}

/* The deadline has passed: clients that did not take their answers lose their connections, which
 * gives libh2o the chance to end their requests; what is still there after that lets go of its tape
 * and its fetch, because both are about to be taken down. */
static void run_until_idle(struct worker *worker, int64_t for_ms)
{
    int64_t deadline = worker_monotonic_ms() + for_ms;

    do {
        h2o_evloop_run(worker->context.loop, 10);
    } while (worker->call_count > 0 && worker_monotonic_ms() < deadline);
}

static void cut_off_calls(struct worker *worker)
{
    run_until_idle(worker, DRAIN_LINGER_MS); /* the errors that were just written leave first */
    for (struct call *call = worker->calls; call != NULL; call = call->next)
        call_cut_off(call);
    run_until_idle(worker, CUT_OFF_MS);
    for (struct call *call = worker->calls; call != NULL; call = call->next)
        call_abandon(call);
}

/* Stops accepting, lets what runs finish until the deadline, then ends the rest. */
static void drain(struct worker *worker)
{
    int64_t now = worker_monotonic_ms();
    int64_t deadline = now + worker->gateway->config->limits.drain_ms, idle_since = 0;

    worker->draining = true;
    close_listeners(worker);
    h2o_context_request_shutdown(&worker->context);
    while ((now = worker_monotonic_ms()) < deadline) {
        if (worker->call_count > 0 || worker->fetch_count > 0)
            idle_since = 0;
        else if (idle_since == 0)
            idle_since = now;
        else if (now - idle_since > DRAIN_LINGER_MS || !connections_left(worker))
            break;
        h2o_evloop_run(worker->context.loop, 20);
    }
    worker->stopped = true; /* nothing that is paid for begins from here on */
    fetch_abort_all(worker);
    worker_flush(worker);
    cut_off_calls(worker);
    assert(worker->fetches == NULL);
}

static void *run(void *arg)
{
    struct worker *worker = arg;
    char name[16];

    snprintf(name, sizeof name, "worker-%u", worker->index);
    pthread_setname_np(pthread_self(), name);
    if (worker->index == 0) /* catalogues are of use from the first request on */
        catalogs_tick(worker->gateway->catalogs, worker);
    while (!atomic_load_explicit(&worker->gateway->draining, memory_order_relaxed))
        h2o_evloop_run(worker->context.loop, LOOP_WAIT_MS);
    drain(worker);
    return NULL;
}

/* --- birth and death --- */

static void configure(struct worker *worker)
{
    const struct config *config = worker->gateway->config;
    h2o_globalconf_t *global = &worker->globalconf;
    h2o_hostconf_t *host;
    h2o_pathconf_t *path;
    struct handler *handler;

    h2o_config_init(global);
    global->server_name = h2o_iovec_init(H2O_STRLIT("tollgate"));
    /* Ours answers 413; the library's wall behind it ends the connection (platform.md). */
    global->max_request_entity_size = (size_t)config->limits.body_bytes * 2 + 1024 * 1024;
    global->handshake_timeout = HANDSHAKE_TIMEOUT_MS;
    global->http1.req_timeout = REQUEST_TIMEOUT_MS;
    global->http2.idle_timeout = IDLE_TIMEOUT_MS;
    global->http2.max_concurrent_requests_per_connection = STREAMS_MAX;
    host = h2o_config_register_host(global, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    path = h2o_config_register_path(host, "/", 0);
    handler = (struct handler *)h2o_create_handler(path, sizeof *handler);
    handler->super.on_req = on_request;
    handler->worker = worker;
}

static void listen_on(struct worker *worker, int fd, SSL_CTX *ssl)
{
    struct worker_listener *listener = &worker->listeners[worker->listener_count++];

    listener->worker = worker;
    listener->accept = (h2o_accept_ctx_t){
        .ctx = &worker->context, .hosts = worker->globalconf.hosts, .ssl_ctx = ssl};
    listener->socket =
        h2o_evloop_socket_create(worker->context.loop, fd, H2O_SOCKET_FLAG_DONT_READ);
    listener->socket->data = listener;
    h2o_socket_read_start(listener->socket, on_accept);
}

static void after_watches(void *arg)
{
    worker_flush(arg);
}

struct worker *worker_new(struct gateway *gateway, unsigned index, const int *fds,
                          SSL_CTX *const *ssl, unsigned count)
{
    struct worker *worker = calloc(1, sizeof *worker);

    if (worker == NULL)
        return NULL;
    worker->gateway = gateway;
    worker->index = index;
    worker->lane = ledger_lane(gateway->ledger, index);
    genid_init(&worker->genid);
    json_doc_init(&worker->doc);
    worker->cache_names = key_hasher_new(store_secret(gateway->store));
    worker->ledger_names = key_hasher_new(gateway->identity);
    worker->memo = memo_new();
    configure(worker);
    h2o_context_init(&worker->context, h2o_evloop_create(), &worker->globalconf);
    h2o_multithread_register_receiver(worker->context.queue, &worker->mailbox, on_mail);
    worker->tick.cb = on_tick;
    h2o_timeout_link(worker->context.loop, &worker->context.one_sec_timeout, &worker->tick);
    if (watch_set_init(&worker->watches, worker->context.loop, after_watches, worker) == 0)
        worker->upstream = upstream_pool_new(&worker->watches);
    for (unsigned i = 0; i < count; i++)
        listen_on(worker, fds[i], ssl[i]);
    if (worker->cache_names == NULL || worker->ledger_names == NULL || worker->memo == NULL ||
        worker->upstream == NULL) {
        worker_free(worker);
        return NULL;
    }
    return worker;
}

int worker_run(struct worker *worker)
{
    return -pthread_create(&worker->thread, NULL, run, worker);
}

void worker_join(struct worker *worker)
{
    pthread_join(worker->thread, NULL);
}

/* libh2o cannot take a context down while connections live (it asserts), so what is left of them
 * ends with the process; what we own is freed. */
void worker_free(struct worker *worker)
{
    if (worker == NULL)
        return;
    assert(worker->fetches == NULL);
    call_write_left(worker, true); /* all workers have ended, and with them all tapes */
    upstream_pool_free(worker->upstream);
    key_hasher_free(worker->cache_names);
    key_hasher_free(worker->ledger_names);
    memo_free(worker->memo);
    json_doc_release(&worker->doc);
    free(worker->spare_waiter);
}
