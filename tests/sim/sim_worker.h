/* sim_worker.h - one thread: its loop, its listener, its timers and its watch on waiting clients.
 *
 * Threads: a worker owns all it holds; `calls` and `script` are shared and lock for themselves.
 */
#ifndef TESTS_SIM_WORKER_H
#define TESTS_SIM_WORKER_H

#include "tests/sim/sim_answer.h"
#include "tests/sim/sim_calls.h"
#include "tests/sim/sim_h2o.h"
#include "tests/sim/sim_planner.h"
#include "tests/sim/sim_things.h"
#include "tests/sim/sim_timer.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

/* What all workers share; set once before the first starts. */
struct sim {
    h2o_globalconf_t config;
    struct sim_catalogue catalogue;
    struct sim_calls *calls;
    struct sim_things *things;
    struct sim_script *script;
    SSL_CTX *tls; /* NULL: cleartext */
    EVP_MD *sha256;
    int64_t generation_delay_ms;
    bool log_bodies;
    atomic_bool stop;
    sem_t parked; /* posted once by each worker that has stopped */
};

enum { SIM_BEARER_MAX = 256, SIM_LOGGED_BODY_MAX = 65536 };

struct sim_worker {
    struct sim *sim;
    pthread_t thread;
    h2o_evloop_t *loop;
    h2o_context_t context;
    h2o_accept_ctx_t accept;
    h2o_socket_t *listener, *watch;
    h2o_timeout_entry_t due; /* runs the timers from inside the loop */
    struct sim_timers timers;
    struct sim_planner planner;
    struct sim_text headers, joined, body; /* scratch */
    EVP_MD_CTX *digest;                    /* scratch */
    char bearer[SIM_BEARER_MAX];
    size_t bearer_len;
    char key[2 * SIM_SHA_BYTES]; /* hex SHA-256 of `bearer`: clients repeat their key */
    int watch_fd;
    struct sim_answer spare; /* memory of the last answer, for the next */
};

/* listen_fd: a bound, listening socket of this worker's own; taken. */
void sim_worker_init(struct sim_worker *worker, struct sim *sim, int listen_fd);
/* Runs until sim->stop, then posts sim->parked and never returns. arg: the worker. */
void *sim_worker_run(void *arg);
struct sim_worker *sim_worker_of(h2o_req_t *req);

/* sim_http.c: puts the endpoints into the configuration. */
void sim_http_register(h2o_globalconf_t *config);

/* sim_post.c: answers a POST. */
int sim_post(h2o_req_t *req, const struct sim_route *route);

/* sim_read.c: answers what is asked of a vendor with GET or DELETE. */
int sim_read(h2o_req_t *req, const struct sim_route *route);

#endif
