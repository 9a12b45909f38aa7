/* fetch_private.h - shared by fetch.c (life), fetch_answer.c (bytes) and fetch_settle.c (money). */
#ifndef SERVER_FETCH_PRIVATE_H
#define SERVER_FETCH_PRIVATE_H

#include "server/fetch.h"

/* fetch_answer.c: the upstream's callbacks. */
void fetch_on_head(void *arg, const struct upstream_head *head);
int fetch_on_bytes(void *arg, const char *bytes, size_t len);
void fetch_on_end(void *arg, enum upstream_end end, const char *detail);

/* fetch_answer.c: begins, if need be, and writes an error of ours. */
void fetch_write_problem(struct fetch *fetch, enum problem problem, const char *detail);
/* fetch_answer.c: appends to the tape, remembers whom to wake. */
void fetch_append(struct fetch *fetch, const char *bytes, size_t len, const struct tape_edit *edits,
                  size_t edit_count);

/* fetch_answer.c: frees the gathered body and gives its bytes back to the tape budget. */
void fetch_drop_body(struct fetch *fetch);

/* fetch_settle.c: completes the row from what is known, posts or voids the hold, plans the late
 * look-up, and leaves the info for later hits in info. end: how the transfer ended. Returns the
 * length of info. */
size_t fetch_settle(struct fetch *fetch, enum upstream_end end, uint8_t info[ROW_ENCODED_MAX]);

/* fetch.c: the end of everything: tape, flight, row, list. good: the answer may be stored. */
void fetch_finish(struct fetch *fetch, enum upstream_end end, bool good);

#endif
