/* admin_requests.h - a page of the ledger's rows, newest first.
 *
 * The ledger reads forwards. So it is read window by window backwards, and of each window the last
 * rows that match are kept: memory is one page, and a first page of a busy month reads minutes of
 * it, not days. What one page may read is bounded (ADMIN_SCAN_MAX); where a filter lets hardly
 * anything pass, a page ends early, even empty, and its `next` says where to go on.
 *
 * Threads: one per call.
 */
#ifndef SERVER_ADMIN_REQUESTS_H
#define SERVER_ADMIN_REQUESTS_H

#include "server/admin_query.h"

enum {
    ADMIN_SCAN_MAX = 1000 * 1000,  /* rows read for one page; the window in which it is passed is
                                      read to its end */
    ADMIN_WINDOW_ROWS = 50 * 1000, /* windows grow while they have fewer */
};
#define ADMIN_WINDOW_MIN_MS INT64_C(900000)   /* a quarter of an hour */
#define ADMIN_WINDOW_MAX_MS INT64_C(86400000) /* a day */

/* Where rows come from: ledger_reader_raw(). */
struct admin_rows {
    int (*raw)(void *arg, int64_t from_ms, int64_t to_ms,
               int (*fn)(void *arg, const struct ledger_ref *ref, const uint8_t *bytes, size_t len),
               void *fn_arg);
    void *arg;
};
/* query->after is a place, an id with its created_at_ms in `place`, or nothing. Writes
 * {"month":"2026-11","data":[{...},...],"next":"ms/sequence"|null}. Rows that cannot be read are
 * left out (verify names them). -EIO: out failed; -ENOMEM; what raw returned. */
int admin_requests_write(const struct admin_rows *rows, const struct admin_query *query, FILE *out);

#endif
