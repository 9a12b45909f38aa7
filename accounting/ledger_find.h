/* ledger_find.h - reading rows of a ledger that is open and being written: one by its id, or those
 * of a key in a range of time.
 *
 * A row is found by its id through the index (ledger_ids.h). Hits are not in it: their ids are
 * ours, and the time in them (gen_<ULID>, gen-<unix seconds>-...) says within which seconds to
 * look. So do the ids of rows from before there was an index, as far as they carry a time.
 *
 * What lanes had recorded before the call is seen, too: the writer is woken and waited for.
 *
 * Threads: any but the writer's; all of it blocks on the disk, so no worker calls it. The ledger
 * must stay open until every call has returned.
 */
#ifndef ACCOUNTING_LEDGER_FIND_H
#define ACCOUNTING_LEDGER_FIND_H

#include "accounting/ledger.h"

/* The row of key_id (empty: of anybody) with this id, or with this upstream id; of several the
 * latest; corrections, which have the id of what they correct, are not found. wait_ms: how long the
 * writer may take to drain the lanes. Texts borrow from buffer. -ENOENT: there is none; -ETIMEDOUT:
 * none yet, and the lanes could not be drained in time (a full disk); -EIO and others from the
 * database. */
int ledger_find(struct ledger *ledger, struct text id, struct text key_id, int64_t wait_ms,
                uint8_t buffer[ROW_ENCODED_MAX], struct ledger_row *ret_row);

struct ledger_range {
    struct text key_id;       /* empty: of anybody. borrow */
    int64_t from_ms, to_ms;   /* [from, to) by created_at */
    int64_t wait_ms;          /* for the lanes to be drained; below 0: as they are */
    const _Atomic bool *stop; /* becomes true: ends with -ECANCELED; may be NULL */
};
/* Calls fn for the rows of the range, oldest first; stops at its first non-zero and returns that.
 * Rows and their texts are valid during the callback. -ETIMEDOUT: nothing was read, the lanes could
 * not be drained in time; -ECANCELED; -EIO and others from the database. */
int ledger_scan_range(struct ledger *ledger, const struct ledger_range *range,
                      int (*fn)(void *arg, const struct ledger_row *row), void *arg);

/* Rows with a created_at before *ret_ms are all there and do not change any more: it is before
 * every open hold and every listed row that are in the database, and LEDGER_LATE_MS before now_ms,
 * for lanes whose clock is behind. A sum over them can be kept. At least LEDGER_STUCK_MS before
 * now_ms, though: a row that is still listed then, because its cost or its drift is not settled,
 * may stay so for ever. Waits for nothing. -EIO. */
enum { LEDGER_LATE_MS = 10 * 60 * 1000, LEDGER_STUCK_MS = 36 * 3600 * 1000 };
int ledger_settled_before(struct ledger *ledger, int64_t now_ms, int64_t *ret_ms);

/* The unix milliseconds that a generation id says it was made at, and for how long it says so (1 or
 * 1000 ms). False: it carries no time. */
bool ledger_id_time(struct text id, int64_t *ret_from_ms, int64_t *ret_span_ms);

#endif
