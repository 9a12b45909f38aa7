/* call_private.h - shared by call.c (machine), call_lookup.c (cache), call_lead.c (miss),
 * call_read.c (request in), call_respond.c (answer out) and call_row.c (ledger); worker.c ticks it.
 */
#ifndef SERVER_CALL_PRIVATE_H
#define SERVER_CALL_PRIVATE_H

#include "server/call.h"
#include "server/preset.h"

/* call.c: the one function that changes the state. */
void call_enter(struct call *call, enum call_state next);
/* call.c: tape -> client, as far as either goes. The call may be gone when it returns. */
void call_pump(struct call *call);
/* call.c: HTTP/1.1: notice a client that leaves while we wait. */
void call_watch_client(struct call *call);

/* call_lookup.c: asks the cache and goes on with what it says; retry: after the disk has answered.
 */
void call_look_up(struct call *call, bool retry);
/* call_lookup.c: a tape and a fetch of its own. */
void call_without_cache(struct call *call);

/* call_lead.c: reads the tape from its beginning. */
void call_attach(struct call *call, struct tape *tape, enum tape_view view);
/* call_lead.c: plans where the request goes and starts the fetch that fills tape. take: flight. */
void call_lead(struct call *call, struct tape *tape, struct store_flight *flight);

/* What store_find() keeps while the disk is being asked. It outlives a call whose client leaves. */
struct call_waiter {
    struct store_waiter waiter; /* first: the store hands it back */
    struct worker *worker;
    struct call *call; /* NULL: gone. Touched on the worker's thread only. */
};

/* call_read.c: fills headers, names, body (when it has to be parsed), caching. 0; or -1 after it
 * refused the request. */
int call_read(struct call *call);
/* Parses the body although the memo knew its key: a miss needs its facts. 0, or -1 after refusing.
 */
int call_parse_body(struct call *call);
/* The same for the ledger's sake only: never refuses. False: it cannot be read (no memory). */
bool call_recall_body(struct call *call);

/* call.c: one error answer instead of everything else. */
void call_refuse_with(struct call *call, enum problem problem, const char *detail);

/* The same for a request that was understood: it becomes a row (design 2.5). limits: as
 * problem_print_limits() takes them. */
void call_refuse_recorded(struct call *call, enum problem problem, const char *detail,
                          const char *limits);
/* 429: its client may come again in wait_ms. */
void call_refuse_rate(struct call *call, int64_t wait_ms);

/* call_respond.c: status and headers of the answer, from the tape's head. */
void call_respond(struct call *call, const struct tape_head *head);
const char *call_reason(int status); /* for HTTP/1.1's status line */

/* call_row.c: the facts of this request, ready for a hold (leader) or to be completed. tags
 * must hold ROW_TAGS_BYTES_MAX. */
void call_facts(struct call *call, struct ledger_row *row, char *tags);
/* The same without what headers said: what later hits start from. */
void call_source_facts(struct call *call, struct ledger_row *row);
/* Keeps the request for the request log, under this call's id. While the body is there only. */
void call_log_request(struct call *call);
/* Records a hit or a follower; one that leaves while its leader's answer still grows is kept until
 * that has ended (call_write_left()). Never touches the request's body: libh2o has freed it by the
 * time an HTTP/2 stream that was reset is disposed of. -ENOSPC: the ledger is behind. */
int call_record(struct call *call, int status);
/* About once a second, and with `all` when every worker has ended: the rows of followers that left,
 * as soon as their leaders' answers are whole or have failed. */
void call_write_left(struct worker *worker, bool all);

#endif
