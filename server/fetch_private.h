/* fetch_private.h - shared by fetch.c (life), fetch_order.c (copies of the request),
 * fetch_attempt.c (what is sent, and going on to the next), fetch_wait.c (time), fetch_answer.c
 * (bytes), fetch_end.c (was it whole) and fetch_settle.c (money). */
#ifndef SERVER_FETCH_PRIVATE_H
#define SERVER_FETCH_PRIVATE_H

#include "server/fetch.h"

/* --- fetch.c --- */

/* The one function that changes the state. */
void fetch_enter(struct fetch *fetch, enum fetch_state next);
/* Starts the transfer that was prepared. The fetch may have ended when it returns. */
void fetch_send(struct fetch *fetch);
/* The end of everything: tape, flight, row, list. good: the answer may be stored. */
void fetch_finish(struct fetch *fetch, enum upstream_end end, bool good);
/* The request's body is not needed again. */
void fetch_drop_original(struct fetch *fetch);
void fetch_uncharge_body(void *arg);

/* The hold, then the transfer, once nothing else is waited for. The fetch may have ended when it
 * returns. */
void fetch_hold_and_send(struct fetch *fetch);

/* --- fetch_budget.c --- */

/* Holds the most that it can cost. True: it may be sent. Else it waits for others' holds, or has
 * been refused and may have ended. */
bool fetch_reserve(struct fetch *fetch);
/* The row of a request that was understood and not sent (design 2.5). */
void fetch_record_refusal(struct fetch *fetch, enum problem problem);
/* About once a second, of one that waits for its budget. True: nobody wants it any more, and it has
 * ended. */
bool fetch_drop_unwanted(struct fetch *fetch);
/* Shutdown: nobody waits for a budget any more. They have their rows, and have not ended. */
void fetch_stop_waiting(struct worker *worker);
/* Posts what it cost, or voids the reservation; what is still to come stays held. */
void fetch_settle_budget(struct fetch *fetch, const struct ledger_row *row);

/* --- fetch_order.c --- */

/* give: the block that the copy's texts point into. NULL: no memory. */
char *fetch_copy_row(const struct ledger_row *row, struct ledger_row *copy);
/* -ENOMEM. */
int fetch_copy_request(struct fetch *fetch, const struct fetch_order *order);
int fetch_copy_plan(struct fetch *fetch, const struct plan *plan);
void fetch_wipe_request(struct fetch *fetch); /* the key is among it */

/* --- fetch_attempt.c --- */

/* More than one attempt may be needed, so the request is kept in the client's words. */
bool fetch_may_try_again(const struct fetch *fetch);
/* Makes the request of the first attempt, counted from `from`, whose upstream can be asked for
 * this. body: in the client's words. PROBLEMS, or why none can; detail then says what for (it is
 * kept when it says something already). */
enum problem fetch_prepare(struct fetch *fetch, unsigned from, struct text body,
                           char detail[REQUEST_DETAIL_MAX]);
/* An attempt has ended without a byte for the client: true when another one has taken its place, in
 * which case even the fetch may have ended. */
bool fetch_fall_back(struct fetch *fetch, enum upstream_end end);
/* The time that an upstream asked for has passed. */
void fetch_retry(struct fetch *fetch);
void fetch_note_health(struct fetch *fetch, enum upstream_end end);

/* --- fetch_wait.c --- */

void fetch_send_when_durable(struct fetch *fetch);

/* --- fetch_answer.c --- */

/* The upstream's callbacks. */
void fetch_on_head(void *arg, const struct upstream_head *head);
int fetch_on_bytes(void *arg, const char *bytes, size_t len);
/* Begins, if need be, and writes an error of ours. */
void fetch_write_problem(struct fetch *fetch, enum problem problem, const char *detail);
/* The same for a limit of ours; limits: as problem_print_limits() takes them. Nothing has begun. */
void fetch_write_limit(struct fetch *fetch, enum problem problem, const char *detail,
                       const char *limits);
/* The same behind comments, with the upstream's own words: an envelope of the client's dialect. */
void fetch_write_error_event(struct fetch *fetch, struct text envelope);
/* Begins a stream before its first event is there, if need be, and writes a comment. */
void fetch_write_comment(struct fetch *fetch);
/* For fetch_end.c: the last piece of the splitter; what the converter held back; the id was learnt;
 * the head of an answer that is one body. */
void fetch_finish_events(struct fetch *fetch);
void fetch_convert_end(struct fetch *fetch);
void fetch_note_id(struct fetch *fetch);
void fetch_begin_body(struct fetch *fetch, int status, const char *type);
/* Files, jobs and the like have ids, too; they name no call that could be looked up. */
static inline bool fetch_is_generation(const struct fetch *fetch, struct text id)
{
    return fetch->route->kind == ROUTE_CACHEABLE || (id.len > 3 && memcmp(id.bytes, "gen", 3) == 0);
}
/* 2xx: batches and videos are accepted with 201 or 202. Only a 200 is ever stored. */
static inline bool fetch_succeeded(const struct fetch *fetch)
{
    return fetch->upstream_status >= 200 && fetch->upstream_status < 300;
}
/* The id that the client, the body and the row share. borrow: until the row's texts go. */
const char *fetch_shown_id(struct fetch *fetch);
void fetch_append(struct fetch *fetch, const char *bytes, size_t len, const struct tape_edit *edits,
                  size_t edit_count);
void fetch_drop_body(struct fetch *fetch);
/* Forgets an answer that the client will not see. */
void fetch_reset_answer(struct fetch *fetch);

/* --- fetch_end.c --- */

void fetch_on_end(void *arg, enum upstream_end end, const char *detail);

/* --- fetch_settle.c --- */

/* Completes the row from what is known, posts or voids the hold, plans the late look-up, and leaves
 * the info for later hits in info. end: how the transfer ended. Returns the length of info. */
size_t fetch_settle(struct fetch *fetch, enum upstream_end end, uint8_t info[ROW_ENCODED_MAX]);

#endif
