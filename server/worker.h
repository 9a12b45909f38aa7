/* worker.h - one thread: h2o loop, mailbox, curl multi, and the calls and fetches it owns. Created
 * and torn down together.
 *
 * Threads: everything here belongs to the worker's own thread, except worker_post_*() (any thread)
 * and create/join (the main thread).
 */
#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H

#include "server/dialect/answer.h"
#include "server/gateway.h"
#include "server/genid.h"
#include "server/memo.h"
#include "server/plan.h"
#include "server/upstream.h"
#include "server/watch.h"

#include <h2o.h>
#include <pthread.h>

struct call;
struct fetch;
struct call_waiter;
struct left_follower;

enum {
    WORKER_PARKED_BUCKETS = 1024,
    WORKER_WAKES_MAX = 64,
    WORKER_SCRATCH_BYTES = 64 * 1024,
    WORKER_BACKLOG = 4096,
};

/* Fetches of one client that wait for what its budget holds for others, in the order in which they
 * came. */
struct budget_line {
    struct fetch *first, *last;
};

struct worker_listener {
    h2o_socket_t *socket;
    h2o_accept_ctx_t accept;
    struct worker *worker;
    bool resting; /* out of descriptors: accepts again at the next tick */
};

struct worker {
    struct gateway *gateway;
    unsigned index; /* also: its bit in tape wake sets, its ledger lane */
    pthread_t thread;
    h2o_globalconf_t globalconf;
    h2o_context_t context;
    struct worker_listener listeners[CONFIG_LISTENS_MAX];
    unsigned listener_count;
    h2o_multithread_receiver_t mailbox;
    h2o_timeout_entry_t tick;
    struct watch_set watches;
    struct upstream_pool *upstream;
    struct ledger_lane *lane;
    struct genid genid;
    struct key_hasher *cache_names;  /* under the cache's secret */
    struct key_hasher *ledger_names; /* under the identity secret */
    struct memo *memo;
    struct tape_edit edits[ANSWER_EDITS_MAX];   /* scratch for the event being read */
    struct json_doc doc;                        /* scratch for one request at a time */
    struct plan plan;                           /* scratch for the miss that is being started */
    struct call *parked[WORKER_PARKED_BUCKETS]; /* calls that wait for their tape, by tape */
    struct tape *wakes[WORKER_WAKES_MAX];       /* own readers to wake at the end of the turn */
    unsigned wake_count;
    struct call *calls;       /* all, for the tick */
    struct fetch *fetches;    /* all that have not ended */
    struct ledger_row source; /* of the hit that is being served; its texts lie in the tape */
    struct call_waiter *spare_waiter;
    struct left_follower *left_followers; /* call_row.c: whose rows wait for their leader's end */
    struct budget_line budget_lines[CONFIG_CLIENTS_MAX]; /* by client */
    unsigned budget_waiting;                             /* in all lines */
    h2o_timeout_t budget_timeout;                        /* limits.budget_wait, once one waited */
    bool budget_timed;
    _Atomic bool budget_told; /* any thread: a message about released budgets is on its way */
    _Atomic uint64_t budget_released[CONFIG_CLIENTS_MAX / 64]; /* any thread: bits, by client */
    struct fetch *durable_waiters; /* LEDGER_POWER: holds that are not on disk yet */
    unsigned call_count, fetch_count;
    bool draining;
    bool stopped;  /* the drain deadline has passed: nothing new begins */
    bool flushing; /* worker_flush() is running further up the stack */
    char scratch[WORKER_SCRATCH_BYTES];
};

/* fds: listening sockets, one per configured address; ssl: their SSL_CTX or NULL. take: fds. give.
 */
struct worker *worker_new(struct gateway *gateway, unsigned index, const int *fds,
                          SSL_CTX *const *ssl, unsigned count);
int worker_run(struct worker *worker); /* starts the thread */
void worker_join(struct worker *worker);
void worker_free(struct worker *worker); /* after the thread has ended */

/* Wakes every reader of tape on the workers of the set: those of this worker at the end of the
 * current turn, the others by message. share: takes its own references. */
void worker_wake(struct worker *worker, struct tape *tape, uint64_t set);
/* End of a turn: resumes own readers that were woken, lets the ledger's writer know. */
void worker_flush(struct worker *worker);

/* Any thread. */
void worker_post_wake(struct worker *worker, struct tape *tape); /* share: takes a reference */
void worker_post_function(struct worker *worker, void (*fn)(void *arg, struct worker *worker),
                          void *arg);

/* Where the calls that wait for this tape are listed (with those of others). */
static inline struct call **worker_parked(struct worker *worker, const struct tape *tape)
{
    return &worker->parked[((uintptr_t)tape >> 6) % WORKER_PARKED_BUCKETS];
}

/* Wall clock of this turn of the loop, unix milliseconds. */
static inline int64_t worker_now_ms(const struct worker *worker)
{
    return (int64_t)h2o_now(worker->context.loop);
}
int64_t worker_monotonic_ms(void);
/* The wall clock itself, for the ledger, whose lane is told the microseconds: rows of different
 * workers are to stand in the order in which their requests came. Unix milliseconds. */
int64_t worker_ledger_ms(struct worker *worker);

#endif
