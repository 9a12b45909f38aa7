/* sim_worker.c - see sim_worker.h. */
#include "tests/sim/sim_worker.h"
#include "tests/sim/sim_watch.h"

#include <stdlib.h>
#include <unistd.h>

enum {
    ACCEPTS_PER_TURN = 16,
    WAIT_MS_MAX = 100, /* how late a worker may see that it shall stop */
};

struct sim_worker *sim_worker_of(h2o_req_t *req)
{
    return H2O_STRUCT_FROM_MEMBER(struct sim_worker, context, req->conn->ctx);
}

static void on_closed(void *data)
{
    sim_calls_disconnected(data);
}

static void on_accept(h2o_socket_t *listener, const char *error)
{
    struct sim_worker *worker = listener->data;

    if (error != NULL)
        return;
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        h2o_socket_t *socket = h2o_evloop_socket_accept(listener);
        if (socket == NULL)
            return;
        sim_calls_connected(worker->sim->calls);
        socket->on_close.cb = on_closed;
        socket->on_close.data = worker->sim->calls;
        h2o_accept(&worker->accept, socket);
    }
}

static void on_due(h2o_timeout_entry_t *entry)
{
    struct sim_worker *worker = H2O_STRUCT_FROM_MEMBER(struct sim_worker, due, entry);
    sim_timers_run(&worker->timers, sim_monotonic_ms());
}

void sim_worker_init(struct sim_worker *worker, struct sim *sim, int listen_fd)
{
    worker->sim = sim;
    worker->loop = h2o_evloop_create();
    h2o_context_init(&worker->context, worker->loop, &sim->config);
    worker->accept.ctx = &worker->context;
    worker->accept.hosts = sim->config.hosts;
    worker->accept.ssl_ctx = sim->tls;
    worker->planner.catalogue = &sim->catalogue;
    worker->planner.script = sim->script;
    json_doc_init(&worker->planner.body);
    json_doc_init(&worker->planner.behaviour);
    worker->digest = EVP_MD_CTX_new();
    if (worker->digest == NULL)
        abort();
    worker->due.cb = on_due;
    worker->listener = h2o_evloop_socket_create(worker->loop, listen_fd, H2O_SOCKET_FLAG_DONT_READ);
    worker->listener->data = worker;
    h2o_socket_read_start(worker->listener, on_accept);
    sim_watch_init(worker);
}

void *sim_worker_run(void *arg)
{
    struct sim_worker *worker = arg;

    while (!atomic_load(&worker->sim->stop)) {
        int32_t wait = sim_timers_wait(&worker->timers, sim_monotonic_ms(), WAIT_MS_MAX);
        /* Timers fire inside the loop's turn: what they write is only then carried on at once. */
        if (wait == 0 && !h2o_timeout_is_linked(&worker->due))
            h2o_timeout_link(worker->loop, &worker->context.zero_timeout, &worker->due);
        h2o_evloop_run(worker->loop, wait);
    }
    /* libh2o keeps memory for reuse per thread and has no call to free it. A thread that ends
     * would leak it; one that rests until the process ends does not. */
    sem_post(&worker->sim->parked);
    for (;;)
        pause();
}
