/* admin_job.c - a request that a thread works on: its chunks, its end, and whoever left. */
#include "server/admin_private.h"

#include "server/log.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { HAND_OVER_MS = 200 }; /* until it is asked whether a chunk may be waited for */

/* Lives in the request's pool, and goes with it. */
struct ticket {
    struct admin_job *job; /* NULL: answered */
};

void admin_post(struct admin *admin, struct admin_message *message, void (*fn)(void *arg),
                void *arg)
{
    assert(!h2o_linklist_is_linked(&message->super.link)); /* it was taken off before it ran */
    message->fn = fn;
    message->arg = arg;
    h2o_multithread_send_message(&admin->mailbox, &message->super);
}

/* --- birth and death: on the loop --- */

static void init_taken(struct admin_job *job)
{
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&job->taken, &attributes);
    pthread_condattr_destroy(&attributes);
}

static void free_job(struct admin_job *job)
{
    pthread_cond_destroy(&job->taken);
    pthread_mutex_destroy(&job->lock);
    free(job->chunk);
    free(job->buffer);
    free(job);
}

static void forget_request(struct admin_job *job)
{
    watch_remove(&job->admin->watches, &job->leave_watch);
    job->req = NULL;
    job->sending = false;
    pthread_mutex_lock(&job->lock);
    job->gone = true;
    pthread_cond_signal(&job->taken);
    pthread_mutex_unlock(&job->lock);
    if (!job->exclusive)
        atomic_store(&job->stop, true);
}

/* When the request is gone and the thread, too. */
static void free_if_over(struct admin_job *job)
{
    if (job->req != NULL || !job->joined)
        return;
    *job->pointer = job->next;
    if (job->next != NULL)
        job->next->pointer = job->pointer;
    free_job(job);
}

static void on_request_gone(void *arg)
{
    struct ticket *ticket = arg;
    struct admin_job *job = ticket->job;

    if (job == NULL)
        return;
    forget_request(job);
    free_if_over(job);
}

struct admin_job *admin_job_new(struct admin *admin, h2o_req_t *req, enum admin_route route)
{
    struct admin_job *job = calloc(1, sizeof *job);

    if (job == NULL)
        return NULL;
    job->admin = admin;
    job->req = req;
    job->route = route;
    job->leave_watch.fd = -1;
    job->type = "application/json";
    job->chunk = malloc(ADMIN_CHUNK_BYTES);
    job->buffer = malloc(ADMIN_CHUNK_BYTES);
    pthread_mutex_init(&job->lock, NULL);
    init_taken(job);
    if (job->chunk != NULL && job->buffer != NULL)
        return job;
    free_job(job);
    return NULL;
}

void admin_job_drop(struct admin_job *job)
{
    assert(job->pointer == NULL);
    free_job(job);
}

/* --- sending: on the loop --- */

static void start_response(struct admin_job *job)
{
    h2o_req_t *req = job->req;

    job->responded = true;
    req->res.status = 200;
    req->res.reason = "OK";
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, job->type,
                   strlen(job->type));
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CACHE_CONTROL, NULL,
                   H2O_STRLIT("private, no-store"));
    if (job->disposition[0] != '\0')
        h2o_add_header_by_str(&req->pool, &req->res.headers, H2O_STRLIT("content-disposition"), 0,
                              NULL, h2o_strdup(&req->pool, job->disposition, SIZE_MAX).base,
                              strlen(job->disposition));
    if (job->warning != NULL)
        h2o_add_header_by_str(&req->pool, &req->res.headers, H2O_STRLIT("x-tollgate-warning"), 0,
                              NULL, job->warning, strlen(job->warning));
    /* HTTP/1.0 has no chunks: only the end of the connection ends the body. */
    if (req->version < 0x101)
        req->http1_is_persistent = 0;
    h2o_start_response(req, &job->generator);
}

/* The thread has ended and its last chunk has left. */
static void end_response(struct admin_job *job)
{
    h2o_iovec_t nothing = {NULL, 0};
    bool failed = job->error.status != 0;

    job->ended = true;
    watch_remove(&job->admin->watches, &job->leave_watch);
    if (failed && !job->responded) {
        job->responded = true;
        admin_refuse(job->req, &job->error);
        return;
    }
    if (failed)
        log_line(LOG_WARNING, "admin_answer_broken", LOG_TEXT("error", job->error.message));
    if (!job->responded)
        start_response(job);
    h2o_send(job->req, &nothing, 0, failed ? H2O_SEND_STATE_ERROR : H2O_SEND_STATE_FINAL);
}

static void pump(struct admin_job *job)
{
    h2o_iovec_t chunk;
    size_t len;

    if (job->req == NULL || job->sending || job->ended)
        return;
    pthread_mutex_lock(&job->lock);
    len = job->chunk_len;
    pthread_mutex_unlock(&job->lock);
    if (len > 0) {
        if (!job->responded)
            start_response(job);
        job->sending = true;
        job->progress_ms = admin_monotonic_ms();
        chunk = h2o_iovec_init(job->chunk, len);
        h2o_send(job->req, &chunk, 1, H2O_SEND_STATE_IN_PROGRESS);
    } else if (job->joined) {
        end_response(job);
    }
}

static void on_proceed(h2o_generator_t *generator, h2o_req_t *req)
{
    struct admin_job *job = H2O_STRUCT_FROM_MEMBER(struct admin_job, generator, generator);

    (void)req;
    job->sending = false;
    pthread_mutex_lock(&job->lock);
    job->chunk_len = 0;
    pthread_cond_signal(&job->taken);
    pthread_mutex_unlock(&job->lock);
    pump(job);
}

static void on_stop(h2o_generator_t *generator, h2o_req_t *req)
{
    struct admin_job *job = H2O_STRUCT_FROM_MEMBER(struct admin_job, generator, generator);

    (void)req;
    job->ended = true; /* on_request_gone() follows */
}

/* HTTP/1.1 reads nothing while a handler waits, so a client that leaves would not be noticed
 * (platform.md); HTTP/2 tells by itself. */
static void on_client_left(struct watch *watch, uint32_t events)
{
    struct admin_job *job = H2O_STRUCT_FROM_MEMBER(struct admin_job, leave_watch, watch);
    h2o_iovec_t nothing = {NULL, 0};

    (void)events;
    watch_remove(&job->admin->watches, watch);
    job->req->http1_is_persistent = 0;
    if (job->sending || job->ended)
        return; /* the write under way will fail and end the request */
    job->ended = true;
    if (!job->responded) {
        job->req->res.status = 499; /* nobody will read it; it ends the request inside libh2o */
        job->req->res.reason = "Client Closed Request";
        h2o_start_response(job->req, &job->generator);
    }
    h2o_send(job->req, &nothing, 0, H2O_SEND_STATE_ERROR);
}

static void watch_client(struct admin_job *job)
{
    h2o_socket_t *socket;

    if (job->req->version >= 0x200)
        return;
    socket = job->req->conn->callbacks->get_socket(job->req->conn);
    job->leave_watch.on_events = on_client_left;
    if (watch_add(&job->admin->watches, &job->leave_watch, h2o_socket_get_fd(socket),
                  EPOLLRDHUP | EPOLLONESHOT) != 0)
        job->leave_watch.fd = -1; /* it will be noticed when we write */
}

/* --- messages: on the loop --- */

static void on_chunk(void *arg)
{
    struct admin_job *job = arg;

    pthread_mutex_lock(&job->lock);
    job->posted = false;
    pthread_mutex_unlock(&job->lock);
    pump(job);
}

static void on_end(void *arg)
{
    struct admin_job *job = arg;

    pthread_join(job->thread, NULL);
    job->joined = true;
    assert(job->admin->threads > 0);
    job->admin->threads--;
    if (job->exclusive)
        job->admin->closing = false;
    if (job->req == NULL)
        free_if_over(job);
    else
        pump(job);
}

/* --- the thread --- */

/* The thread may be in the midst of reading the ledger. Its writer, which opens the database again
 * after an error, must not wait for a client that takes nothing. */
static bool is_in_the_way(const struct admin_job *job)
{
    struct ledger_health health;

    if (job->exclusive)
        return false; /* what it answers is written when it reads no more */
    if (atomic_load(&job->stop))
        return true;
    ledger_health(job->admin->gateway->ledger, &health);
    return health.error != 0;
}

static bool wait_for_room_locked(struct admin_job *job)
{
    while (job->chunk_len > 0 && !job->gone) {
        int64_t until_ms = admin_monotonic_ms() + HAND_OVER_MS;
        struct timespec until = {(time_t)(until_ms / 1000), (long)(until_ms % 1000) * 1000000};
        if (pthread_cond_timedwait(&job->taken, &job->lock, &until) == ETIMEDOUT &&
            job->chunk_len > 0 && is_in_the_way(job)) {
            atomic_store(&job->stop, true); /* which is what its error says, too */
            job->gone = true;               /* no later chunk either: one is missing */
        }
    }
    return !job->gone;
}

/* Hands one chunk over. false: nobody wants it any more, or it may not be waited for. The loop may
 * find the chunk before it comes to the message, so that the next one is handed over while the
 * message still lies in the mailbox: it is posted once. */
static bool hand_over(struct admin_job *job, const char *bytes, size_t len)
{
    bool wanted, post;

    assert(len > 0 && len <= ADMIN_CHUNK_BYTES);
    pthread_mutex_lock(&job->lock);
    wanted = wait_for_room_locked(job);
    post = wanted && !job->posted;
    if (wanted) {
        memcpy(job->chunk, bytes, len);
        job->chunk_len = len;
        job->posted = true;
    }
    pthread_mutex_unlock(&job->lock);
    if (post)
        admin_post(job->admin, &job->chunk_message, on_chunk, job);
    return wanted;
}

/* 0 is what stdio wants of a write that failed. */
static ssize_t write_chunks(void *cookie, const char *bytes, size_t len)
{
    struct admin_job *job = cookie;
    size_t done = 0;

    while (done < len && !job->discard) {
        size_t part = len - done < ADMIN_CHUNK_BYTES ? len - done : ADMIN_CHUNK_BYTES;
        if (!hand_over(job, bytes + done, part)) {
            errno = EPIPE;
            return 0;
        }
        done += part;
    }
    return (ssize_t)len;
}

static void *run(void *arg)
{
    struct admin_job *job = arg;
    FILE *out = fopencookie(job, "w", (cookie_io_functions_t){.write = write_chunks});
    int result = -1;
    bool broken;

    pthread_setname_np(pthread_self(), "admin-job");
    if (out == NULL || setvbuf(out, job->buffer, _IOFBF, ADMIN_CHUNK_BYTES) != 0)
        admin_error_ledger(&job->error, -ENOMEM, "");
    else
        result = job->work(job, out);
    assert((result == 0) == (job->error.status == 0));
    /* Whatever broke it off: writes fail, too, when the gateway stops. */
    if (result != 0 && !job->exclusive && atomic_load(&job->stop))
        admin_error_ledger(&job->error, -ECANCELED, "");
    job->discard = result != 0; /* an error is told instead, as far as nothing has left yet */
    broken = out != NULL && ferror(out) != 0;
    if (out != NULL && fclose(out) != 0)
        broken = true;
    if (broken && result == 0)
        admin_error_ledger(&job->error, -ECANCELED, "");
    admin_post(job->admin, &job->end_message, on_end, job);
    return NULL;
}

/* Why it cannot begin now: 0, or -1 with error. */
static int admit(struct admin_job *job, struct admin_error *error)
{
    struct admin *admin = job->admin;

    if (atomic_load(&admin->stopping))
        return admin_error_set(error, 503, "stopping", "the gateway is stopping");
    if (job->exclusive && admin->closing)
        return admin_error_set(error, 409, "busy",
                               "a close or a backup is under way: one at a time");
    if (admin->threads >= ADMIN_JOBS_MAX)
        return admin_error_set(error, 503, "busy", "%d questions are being worked on; ask again",
                               ADMIN_JOBS_MAX);
    if (pthread_create(&job->thread, NULL, run, job) != 0)
        return admin_error_set(error, 503, "busy", "there is no thread for it now; ask again");
    return 0;
}

void admin_job_start(struct admin_job *job)
{
    struct admin *admin = job->admin;
    h2o_req_t *req = job->req;
    struct admin_error error = {.status = 0};
    struct ticket *ticket;

    job->generator = (h2o_generator_t){on_proceed, on_stop};
    if (admit(job, &error) != 0) {
        free_job(job);
        admin_refuse(req, &error);
        return;
    }
    /* Its messages are read by this very thread, in a later turn. */
    admin->threads++;
    if (job->exclusive)
        admin->closing = true;
    job->next = admin->jobs;
    job->pointer = &admin->jobs;
    if (admin->jobs != NULL)
        admin->jobs->pointer = &job->next;
    admin->jobs = job;
    ticket = h2o_mem_alloc_shared(&req->pool, sizeof *ticket, on_request_gone);
    ticket->job = job;
    watch_client(job);
}

/* --- all of them: on the loop --- */

void admin_jobs_check(struct admin *admin, int64_t now_ms)
{
    for (struct admin_job *job = admin->jobs; job != NULL; job = job->next) {
        h2o_socket_t *socket;
        if (job->req == NULL || !job->sending || now_ms - job->progress_ms < ADMIN_IDLE_MS)
            continue;
        /* The library closes a connection whose descriptor is shut down under it (platform.md). */
        socket = job->req->conn->callbacks->get_socket(job->req->conn);
        shutdown(h2o_socket_get_fd(socket), SHUT_RDWR);
        log_line(LOG_WARNING, "admin_stalled_reader_cut", LOG_NUMBER("route", job->route));
    }
}

/* A close that has begun is waited for; what is only read ends. A client that takes nothing must
 * not hold up the end, so chunks that wait for one are given up. */
void admin_jobs_stop(struct admin *admin)
{
    for (struct admin_job *job = admin->jobs; job != NULL; job = job->next) {
        atomic_store(&job->stop, true);
        if (job->exclusive)
            continue;
        pthread_mutex_lock(&job->lock);
        job->gone = true;
        pthread_cond_signal(&job->taken);
        pthread_mutex_unlock(&job->lock);
    }
}
