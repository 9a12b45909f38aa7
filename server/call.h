/* call.h - the life of one request, and nothing else.
 *
 *     READ --> LOOKUP --> STREAM --> SETTLED
 *       |       | ^ disk     |
 *       |       +-+          +--> (client left: 499 when nothing was sent)
 *       +--> refused: one error answer, no tape
 *
 * READ: headers, key, size, JSON, cache key. LOOKUP: hit, follow, lead, or wait for the disk.
 * STREAM: tape -> client at the client's pace; a hit reads a finished tape, a follower a growing
 * one, and the leader starts a fetch and then reads like everybody else. SETTLED: the row of a hit
 * or follower is in the ledger; a leader's row is its fetch's business.
 *
 * Threads: a call never leaves its worker. It lives in its h2o request's pool and ends with it.
 */
#ifndef SERVER_CALL_H
#define SERVER_CALL_H

#include "server/fetch.h"
#include "server/route.h"
#include "server/worker.h"

enum call_state { CALL_READ, CALL_LOOKUP, CALL_STREAM, CALL_SETTLED };
enum call_role { CALL_NOBODY, CALL_HIT, CALL_FOLLOWER, CALL_LEADER };

enum {
    CALL_SLICES_MAX = 24,
    CALL_SEND_BYTES_MAX = 256 * 1024,
    CALL_STALLED_MS = 60 * 1000,
    CALL_GATHER_BYTES = 64 * 1024
};

struct call_waiter; /* what the store wakes; may outlive the call */

struct call {
    h2o_generator_t generator; /* first: h2o hands it back */
    uint32_t magic;
    enum call_state state;
    enum call_role role;
    struct worker *worker;
    h2o_req_t *req;
    const struct route *route;
    struct call *next, *previous;               /* worker->calls */
    struct call *parked_next, **parked_pointer; /* worker->parked */
    struct watch leave_watch;                   /* HTTP/1.1: the client's departure while we wait */
    struct request_headers headers;
    const struct config_client *client; /* NULL: none are configured */
    struct text rest;                   /* of the path, in place of the route's `*` */
    struct text steering;               /* headers that are inputs of the key */
    struct request_body *body;          /* NULL: a repeat whose body was not parsed again */
    bool json;                          /* the body is JSON */
    bool recorded;                      /* a POST: it makes a row (design 2.5) */
    bool caching;                       /* on for this request */
    unsigned ttl_s;
    struct memo_value names; /* cache key, seal, key_id */
    struct call_waiter *waiter;
    struct fetch *fetch; /* LEADER */
    struct tape_reader reader;
    struct tape_stamp stamp;
    struct store_entry entry; /* HIT */
    char id[GENID_MAX + 1];   /* generation id of this request */
    char created[24];
    char *buffer; /* what h2o is sending, copied from a growing tape */
    bool responded, sending, ended, reader_set;
    bool sourced;        /* HIT: worker->source is this entry's, until the head is out */
    bool row_reserved;   /* FOLLOWER: the ledger keeps room for its row */
    int64_t started_ms;  /* monotonic */
    int64_t progress_ms; /* monotonic: when h2o last took bytes */
};

/* Takes over a request for a cacheable or forwarded endpoint. rest: as route_find() said. */
void call_start(struct worker *worker, h2o_req_t *req, const struct route *route, struct text rest);

/* A generation id in the words of a dialect. */
void call_new_id(struct worker *worker, enum config_dialect dialect, int64_t now_ms,
                 char id[GENID_MAX + 1]);

/* Its tape has more, or its head, or has ended. */
void call_resume(struct call *call);

/* About once a second: cuts off a client that takes nothing for CALL_STALLED_MS. */
void call_check_stalled(struct call *call, int64_t now_monotonic_ms);

/* Shutdown: ends the connection under it; then, if libh2o did not end the request, lets go of what
 * it holds (the loop must not run any more). */
void call_cut_off(struct call *call);
void call_abandon(struct call *call);

/* Refuses a request before any call exists. The envelope is that of dialect and api. */
void call_refuse(struct worker *worker, h2o_req_t *req, enum config_dialect dialect,
                 enum row_api api, enum problem problem, const char *detail);

#endif
