/* call_private.h - shared by call.c (machine), call_read.c (request in), call_respond.c (answer
 * out) and call_row.c (ledger). */
#ifndef SERVER_CALL_PRIVATE_H
#define SERVER_CALL_PRIVATE_H

#include "server/call.h"

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

/* call_respond.c: status and headers of the answer, from the tape's head. */
void call_respond(struct call *call, const struct tape_head *head);
const char *call_reason(int status); /* for HTTP/1.1's status line */

/* call_row.c: the facts of this request, ready for a hold (leader) or to be completed. tags
 * must hold ROW_TAGS_BYTES_MAX. */
void call_facts(struct call *call, struct ledger_row *row, char *tags);
/* The same without what headers said: what later hits start from. */
void call_source_facts(struct call *call, struct ledger_row *row);
/* Records a hit or a follower. -ENOSPC: the ledger is behind. */
int call_record(struct call *call, int status);

#endif
