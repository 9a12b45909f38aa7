/* reads.c - GET requests: who asks, what for; the thread that asks the ledger, and its queue. */
#include "server/call_private.h"
#include "server/clients.h"
#include "server/cors.h"
#include "server/reads_private.h"
#include "server/request.h"
#include "server/worker.h"

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct reads {
    struct gateway *gateway;
    struct request_log *log;
    pthread_t thread;
    bool started;
    _Atomic bool stopping;
    pthread_mutex_t lock; /* guards the following; held for pointer work only */
    pthread_cond_t wanted;
    struct reads_job *first, **last; /* the queue */
    unsigned waiting;
    struct reads_job *all; /* wherever they are */
    /* The thread's own. */
    struct tally_keys *keys;
    int64_t settled_ms;
};

/* Lives in the request's pool, and goes with it. */
struct reads_ticket {
    struct reads_job *job; /* NULL: answered */
    h2o_req_t *req;
};

struct gateway *reads_gateway(const struct reads *reads)
{
    return reads->gateway;
}

const _Atomic bool *reads_stopping(const struct reads *reads)
{
    return &reads->stopping;
}

struct tally_keys **reads_keys(struct reads *reads)
{
    return &reads->keys;
}

int64_t *reads_settled(struct reads *reads)
{
    return &reads->settled_ms;
}

void reads_use_log(struct reads *reads, struct request_log *log)
{
    reads->log = log;
}

struct reads_view reads_view(const struct gateway *gateway, const struct route *route)
{
    return (struct reads_view){
        .config = gateway->config,
        .models = gateway->models,
        .to = route->dialect,
    };
}

/* --- sending --- */

static void add(h2o_req_t *req, const char *name, size_t name_len, const char *value, size_t len)
{
    h2o_add_header_by_str(&req->pool, &req->res.headers, name, name_len, 0, NULL, value, len);
}

void reads_send(h2o_req_t *req, int status, struct text body, const char *cache_control)
{
    static h2o_generator_t no_more = {NULL, NULL};
    h2o_iovec_t bytes;

    req->res.status = status;
    req->res.reason = call_reason(status);
    req->res.content_length = body.len;
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL,
                   H2O_STRLIT("application/json"));
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CACHE_CONTROL, NULL, cache_control,
                   strlen(cache_control));
    cors_add_if_asked(req);
    h2o_start_response(req, &no_more);
    if (h2o_memis(req->method.base, req->method.len, H2O_STRLIT("HEAD"))) {
        h2o_send(req, NULL, 0, H2O_SEND_STATE_FINAL);
        return;
    }
    bytes = h2o_strdup(&req->pool, body.bytes, body.len);
    h2o_send(req, &bytes, 1, H2O_SEND_STATE_FINAL);
}

void reads_refuse(h2o_req_t *req, const struct route *route, enum problem problem,
                  const char *detail)
{
    char text[PROBLEM_TEXT_MAX];
    size_t len = problem_print(problem, route->dialect, route->api, detail, text);

    if (problem_retry_after(problem) > 0)
        add(req, H2O_STRLIT("retry-after"), H2O_STRLIT("1"));
    if (problem == PROBLEM_NO_KEY)
        add(req, H2O_STRLIT("www-authenticate"), H2O_STRLIT("Bearer"));
    reads_send(req, problem_status(problem, route->dialect), (struct text){text, len}, "no-store");
}

void reads_problem(struct reads_reply *reply, enum problem problem, const char *detail)
{
    reply->problem = problem;
    reply->detail[0] = '\0';
    if (detail != NULL) {
        assert(strlen(detail) < sizeof reply->detail);
        memcpy(reply->detail, detail, strlen(detail) + 1);
    }
}

void reads_ledger_error(struct reads_reply *reply, int error)
{
    switch (error) {
    case -ECANCELED:
        reads_problem(reply, PROBLEM_DRAINING, NULL);
        break;
    case -ENOMEM:
        reads_problem(reply, PROBLEM_NO_MEMORY, NULL);
        break;
    case -E2BIG:
        reads_problem(reply, PROBLEM_BAD_REQUEST,
                      "The answer has more than 10,000 groups: ask for a shorter time or with a "
                      "filter.");
        break;
    default: /* the disk is full, or the database is being opened again */
        reads_problem(reply, PROBLEM_NOT_YET, "The ledger cannot be read now; ask again.");
        break;
    }
}

/* --- jobs --- */

static void on_request_gone(void *arg)
{
    struct reads_ticket *ticket = arg;

    if (ticket->job != NULL)
        ticket->job->ticket = NULL;
}

static struct reads_job *job_new(struct worker *worker, h2o_req_t *req, const struct route *route)
{
    struct reads *reads = worker->gateway->reads;
    struct reads_job *job = calloc(1, sizeof *job);

    if (job == NULL)
        return NULL;
    job->reads = reads;
    job->worker = worker;
    job->route = route;
    job->view = reads_view(worker->gateway, route);
    job->now_ms = worker_now_ms(worker);
    job->reply = (struct reads_reply){.problem = PROBLEMS, .status = 200, .body = OUT_INIT};
    job->ticket = h2o_mem_alloc_shared(&req->pool, sizeof *job->ticket, on_request_gone);
    *job->ticket = (struct reads_ticket){job, req};
    pthread_mutex_lock(&reads->lock);
    job->all_next = reads->all;
    job->all_pointer = &reads->all;
    if (reads->all != NULL)
        reads->all->all_pointer = &job->all_next;
    reads->all = job;
    pthread_mutex_unlock(&reads->lock);
    return job;
}

/* On its worker, or when all threads have ended. */
static void job_free(struct reads_job *job)
{
    struct reads *reads = job->reads;

    if (job->ticket != NULL)
        job->ticket->job = NULL;
    pthread_mutex_lock(&reads->lock);
    *job->all_pointer = job->all_next;
    if (job->all_next != NULL)
        job->all_next->all_pointer = job->all_pointer;
    pthread_mutex_unlock(&reads->lock);
    out_release(&job->reply.body);
    OPENSSL_cleanse(&job->seal, sizeof job->seal);
    free(job);
}

/* take: job. */
static void job_send(struct reads_job *job)
{
    struct reads_reply *reply = &job->reply;
    h2o_req_t *req = job->ticket != NULL ? job->ticket->req : NULL;

    if (reply->problem == PROBLEMS && reply->body.error != 0)
        reads_problem(reply, PROBLEM_NO_MEMORY, NULL);
    if (req == NULL) {
        job_free(job);
        return;
    }
    job->ticket->job = NULL; /* sending may end the request, and with it the ticket */
    job->ticket = NULL;
    if (reply->problem != PROBLEMS)
        reads_refuse(req, job->route, reply->problem,
                     reply->detail[0] != '\0' ? reply->detail : NULL);
    else
        reads_send(req, reply->status, (struct text){reply->body.bytes, reply->body.len},
                   "private, no-store");
    job_free(job);
}

static void take_request(void *arg, struct worker *worker, struct text body)
{
    struct reads_job *job = arg;

    (void)worker;
    reads_print_record(&job->view, &job->row, body, &job->reply.body);
    job_send(job);
}

/* By message, on the job's worker. */
static void on_answered(void *arg, struct worker *worker)
{
    struct reads_job *job = arg;

    if (job->found && job->ticket != NULL)
        request_log_read(job->reads->log, worker, job->row.id, &job->seal, take_request, job);
    else
        job_send(job);
}

/* --- the thread --- */

static struct reads_job *take_first(struct reads *reads)
{
    struct reads_job *job;

    pthread_mutex_lock(&reads->lock);
    while (reads->first == NULL && !reads->stopping)
        pthread_cond_wait(&reads->wanted, &reads->lock);
    job = reads->first;
    if (job != NULL) {
        reads->first = job->next;
        if (reads->first == NULL)
            reads->last = &reads->first;
        reads->waiting--;
    }
    pthread_mutex_unlock(&reads->lock);
    return job;
}

static void *run(void *arg)
{
    struct reads *reads = arg;
    struct reads_job *job;

    pthread_setname_np(pthread_self(), "reads");
    while ((job = take_first(reads)) != NULL) {
        if (reads->stopping)
            reads_problem(&job->reply, PROBLEM_DRAINING, NULL);
        else
            job->ask(job);
        worker_post_function(job->worker, on_answered, job);
    }
    return NULL;
}

/* take: job. */
static void enqueue(struct reads_job *job)
{
    struct reads *reads = job->reads;
    enum problem problem = PROBLEMS;

    pthread_mutex_lock(&reads->lock);
    if (reads->stopping)
        problem = PROBLEM_DRAINING;
    else if (reads->waiting >= READS_QUEUE_MAX)
        problem = PROBLEM_BUSY;
    if (problem == PROBLEMS) {
        *reads->last = job;
        reads->last = &job->next;
        reads->waiting++;
        pthread_cond_signal(&reads->wanted);
    }
    pthread_mutex_unlock(&reads->lock);
    if (problem == PROBLEMS)
        return;
    reads_problem(&job->reply, problem,
                  problem == PROBLEM_BUSY ? "Too many questions wait for the ledger." : NULL);
    job_send(job);
}

struct reads *reads_new(struct gateway *gateway)
{
    struct reads *reads = calloc(1, sizeof *reads);

    if (reads == NULL)
        return NULL;
    reads->gateway = gateway;
    reads->last = &reads->first;
    pthread_mutex_init(&reads->lock, NULL);
    pthread_cond_init(&reads->wanted, NULL);
    reads->started = pthread_create(&reads->thread, NULL, run, reads) == 0;
    if (!reads->started) {
        reads_free(reads);
        return NULL;
    }
    return reads;
}

void reads_stop(struct reads *reads)
{
    if (!reads->started)
        return;
    pthread_mutex_lock(&reads->lock);
    atomic_store(&reads->stopping, true);
    pthread_cond_signal(&reads->wanted);
    pthread_mutex_unlock(&reads->lock);
    pthread_join(reads->thread, NULL);
    reads->started = false;
}

void reads_free(struct reads *reads)
{
    if (reads == NULL)
        return;
    reads_stop(reads);
    while (reads->all != NULL) { /* their workers ended before they took them */
        reads->all->ticket = NULL;
        job_free(reads->all);
    }
    tally_keys_free(reads->keys);
    pthread_cond_destroy(&reads->wanted);
    pthread_mutex_destroy(&reads->lock);
    free(reads);
}

/* --- who asks, and what --- */

/* The caller's key; false after refusing. */
static bool read_key(struct worker *worker, h2o_req_t *req, const struct route *route, bool needed,
                     struct text *ret_key)
{
    const struct clients *clients = worker->gateway->clients;
    struct request_headers headers = {0};

    for (size_t i = 0; i < req->headers.size; i++) {
        const h2o_header_t *header = &req->headers.entries[i];
        request_read_header(&headers, (struct text){header->name->base, header->name->len},
                            (struct text){header->value.base, header->value.len});
    }
    *ret_key = headers.api_key;
    if (headers.api_key.len == 0 && needed) {
        reads_refuse(req, route, PROBLEM_NO_KEY, NULL);
        return false;
    }
    if (headers.api_key.len > REQUEST_KEY_MAX) {
        reads_refuse(req, route, PROBLEM_BAD_REQUEST, "The API key is longer than 4096 bytes.");
        return false;
    }
    if (needed && clients_required(clients) && clients_find(clients, headers.api_key) == NULL) {
        reads_refuse(req, route, PROBLEM_NO_KEY,
                     "This API key is not one of this gateway's clients'.");
        return false;
    }
    return true;
}

static struct text query_of(const h2o_req_t *req)
{
    if (req->query_at == SIZE_MAX || req->query_at + 1 >= req->path.len)
        return (struct text){"", 0};
    return (struct text){req->path.base + req->query_at + 1, req->path.len - req->query_at - 1};
}

/* 0, or -1 after refusing. */
static int parse_id(h2o_req_t *req, const struct route *route, struct text query,
                    char id[ROW_ID_MAX + 1])
{
    static const char flat[] = "{\"error\":\"id is required\"}";
    size_t len = 0;
    int result = reads_query_get(query, "id", id, ROW_ID_MAX + 1, &len);

    if (result == 0 && len > 0)
        return 0;
    if (result == -EINVAL)
        reads_refuse(req, route, PROBLEM_BAD_REQUEST, "id must be a generation id.");
    else if (route->read == READ_GENERATION && route->dialect != DIALECT_OPENROUTER)
        reads_send(req, 400, TEXT(flat), "no-store");
    else
        reads_refuse(req, route, PROBLEM_BAD_REQUEST, "id is required");
    return -1;
}

/* What the job is asked. 0, or -1 after refusing. */
static int parse_question(struct reads_job *job, h2o_req_t *req, struct text query)
{
    const struct route *route = job->route;
    const char *detail = NULL;
    int result = 0;

    switch (route->read) {
    case READ_GENERATION:
        job->ask = reads_ask_generation;
        return parse_id(req, route, query, job->query.id);
    case READ_GENERATIONS:
        job->ask = reads_ask_record;
        return parse_id(req, route, query, job->query.id);
    case READ_ACTIVITY:
        job->ask = reads_ask_activity;
        result = reads_parse_activity(query, job->now_ms, &job->query.activity, &detail);
        break;
    case READ_REPORT:
        job->ask = reads_ask_report;
        result = reads_parse_report(query, &job->query.report, &detail);
        break;
    default:
        assert(route->read == READ_KEY);
        job->ask = reads_ask_key;
        break;
    }
    if (result != 0)
        reads_refuse(req, route, PROBLEM_BAD_REQUEST, detail);
    return result != 0 ? -1 : 0;
}

static void ask_ledger(struct worker *worker, h2o_req_t *req, const struct route *route,
                       struct text api_key, struct text query)
{
    struct reads_job *job = job_new(worker, req, route);
    uint8_t name[32];

    if (job == NULL) {
        reads_refuse(req, route, PROBLEM_NO_MEMORY, NULL);
        return;
    }
    key_hasher_name(worker->ledger_names, "ledger id", api_key.bytes, api_key.len, name);
    identity_key_id(name, job->key_id);
    if (clients_required(worker->gateway->clients))
        job->client = clients_find(worker->gateway->clients, api_key);
    if (job->reads->log != NULL && route->read == READ_GENERATIONS)
        request_log_seal(worker, api_key, &job->seal);
    if (parse_question(job, req, query) != 0)
        job_free(job);
    else
        enqueue(job);
}

void reads_start(struct worker *worker, h2o_req_t *req, const struct route *route, struct text rest)
{
    const struct clients *clients = worker->gateway->clients;
    struct text query = query_of(req), api_key;
    bool keyless = route->read == READ_MODELS || route->read == READ_MODELS_COUNT ||
                   route->read == READ_MODEL || route->read == READ_EMBEDDING_MODELS ||
                   route->read == READ_PROVIDERS;

    if (keyless) {
        reads_answer_catalog(worker, req, route, rest, query);
        return;
    }
    /* Public at the vendors; here it is asked with the gateway's own key. */
    if (!read_key(worker, req, route, route->read != READ_ENDPOINTS || clients_required(clients),
                  &api_key))
        return;
    if (route->read == READ_CREDITS && clients_required(clients))
        reads_show_credits(worker, req, route, clients_find(clients, api_key));
    else if (route->read == READ_CREDITS)
        reads_ask_credits(worker, req, route, api_key);
    else if (route->read == READ_ENDPOINTS)
        reads_ask_endpoints(worker, req, route, rest, api_key);
    else
        ask_ledger(worker, req, route, api_key, query);
}
