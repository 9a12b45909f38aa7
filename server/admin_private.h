/* admin_private.h - shared by admin.c, admin_routes.c, admin_job.c and admin_work.c only.
 *
 * A job is a request that needs the ledger: made on the loop, worked on by a thread of its own,
 * sent by the loop again. The thread writes to a FILE whose bytes are handed over chunk by chunk:
 * it waits while the loop still has one, and the loop has one until libh2o has written it. So
 * there are two chunks per job in memory, one being filled and one being sent.
 *
 *     thread   FILE -> [chunk] --message--> loop   h2o_send() ... proceed: [chunk] is free again
 *              end     --------message--> loop   joined; the answer ends, or breaks
 *
 * The head leaves with the first chunk. What goes wrong before is a JSON error with a status of its
 * own; what goes wrong after it breaks the connection, because an answer that ends in order is
 * taken for whole.
 *
 * Whoever asked may be gone before the thread has ended: then the loop marks the job, the thread's
 * next write fails, and the message that the thread has ended frees it. A client that takes nothing
 * while the ledger must be opened again is not waited for either: the thread's write fails, and the
 * answer breaks.
 */
#ifndef SERVER_ADMIN_PRIVATE_H
#define SERVER_ADMIN_PRIVATE_H

#include "server/admin.h"
#include "server/admin_query.h"
#include "server/watch.h"

#include <h2o.h>
#include <pthread.h>

enum {
    ADMIN_CHUNK_BYTES = 64 * 1024,
    ADMIN_WAIT_MS = 5000,         /* for rows to come out of the lanes */
    ADMIN_MONTHS_MAX = 1200,      /* a century */
    ADMIN_REQUEST_MS = 30 * 1000, /* for the head and body of one request */
    ADMIN_LINGER_MS = 200,        /* at the end, for the last bytes to leave */
};

struct admin_job;
struct admin_message {
    h2o_multithread_message_t super;
    void (*fn)(void *arg);
    void *arg;
};

struct admin {
    struct gateway *gateway;
    pthread_t thread;
    atomic_bool stopping;
    bool has_token;
    uint8_t token[ADMIN_DIGEST];
    /* The loop's own from here on. */
    h2o_globalconf_t globalconf;
    h2o_context_t context;
    h2o_accept_ctx_t accept;
    h2o_socket_t *listener; /* NULL: closed */
    bool resting;           /* accepts again when a connection ends, or at the next tick */
    unsigned connections;
    h2o_multithread_receiver_t mailbox;
    struct admin_message wake;
    h2o_timeout_entry_t tick;
    struct watch_set watches;
    struct admin_job *jobs;
    unsigned threads; /* jobs whose thread has not been joined */
    bool closing;     /* a close or a backup is under way: one at a time */
};

/* What a job does, on its thread: 0, or -1 with job->error. Sets job->type before it writes. */
typedef int admin_work(struct admin_job *job, FILE *out);

struct admin_job {
    h2o_generator_t generator;
    struct admin *admin;
    struct admin_job *next, **pointer; /* in admin->jobs */
    enum admin_route route;
    admin_work *work;
    union {
        struct admin_query query;
        char id[ROW_ID_MAX + 1];
        struct admin_close_body close;
        struct admin_backup_body backup;
    } ask;
    bool exclusive; /* goes on when whoever asked for it leaves */
    /* The loop's own. */
    h2o_req_t *req; /* NULL: gone, or answered */
    struct watch leave_watch;
    bool responded, sending, ended;
    bool joined; /* the thread has ended: what it left may be read */
    int64_t progress_ms;
    pthread_t thread;
    struct admin_message chunk_message, end_message;
    /* Shared. */
    _Atomic bool stop;    /* for the ledger's reader: nobody waits for it any more */
    pthread_mutex_t lock; /* guards the following; held for copying a chunk at most */
    pthread_cond_t taken;
    bool gone;
    bool posted;      /* chunk_message lies in the mailbox */
    size_t chunk_len; /* 0: the thread may fill it */
    char *chunk;
    /* The thread's, until it has ended; type and disposition are read by the loop once there is a
     * chunk. */
    char *buffer; /* of the FILE */
    bool discard; /* what the FILE still holds is not to leave */
    struct admin_error error;
    const char *type;     /* static */
    const char *warning;  /* static; NULL: none */
    char disposition[80]; /* empty: none */
};

struct admin_handler {
    h2o_handler_t super;
    struct admin *admin;
};
/* What libh2o takes for the Host of a request that has none; nobody else's name (RFC 6761). */
#define ADMIN_NO_HOST "none.invalid"

int64_t admin_monotonic_ms(void);
int64_t admin_wall_ms(void);

/* --- admin_routes.c: on the loop --- */

int admin_on_request(h2o_handler_t *self, h2o_req_t *req);
void admin_send(h2o_req_t *req, int status, struct text body);
void admin_refuse(h2o_req_t *req, const struct admin_error *error);
const char *admin_reason(int status);

/* --- admin_job.c --- */

/* Any thread: fn(arg) on the loop. The message stays the caller's until then, and must not be
 * posted again before. */
void admin_post(struct admin *admin, struct admin_message *message, void (*fn)(void *arg),
                void *arg);
/* A job for the request, its question still to be filled in; NULL: no memory. Starting it may
 * refuse the request. take: job. */
struct admin_job *admin_job_new(struct admin *admin, h2o_req_t *req, enum admin_route route);
void admin_job_start(struct admin_job *job);
/* Without starting it. */
void admin_job_drop(struct admin_job *job);
/* Cuts clients off that take nothing. */
void admin_jobs_check(struct admin *admin, int64_t now_ms);
/* The gateway stops: all jobs are to end as soon as they can. */
void admin_jobs_stop(struct admin *admin);

/* --- admin_work.c: on a job's thread --- */

admin_work admin_work_report, admin_work_requests, admin_work_request, admin_work_export,
    admin_work_months, admin_work_close, admin_work_backup;

#endif
