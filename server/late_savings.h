/* late_savings.h - what the calls cost whose cost came by a late look-up, so that hits on their
 * answers can say what was saved: the answer that is stored was recorded before its cost was known.
 *
 * In memory, bounded: beyond LATE_SAVINGS_MAX calls the oldest leave, and their hits save what is
 * not known.
 *
 * Threads: any. A mutex for each of several shards, held for pointer work only.
 */
#ifndef SERVER_LATE_SAVINGS_H
#define SERVER_LATE_SAVINGS_H

#include "accounting/ledger.h"

enum {
    LATE_SAVINGS_MAX = 65536,
    LATE_SAVINGS_MS = 24 * 3600 * 1000, /* how far back a start reads */
};

struct late_savings;
/* give; NULL: no memory. */
struct late_savings *late_savings_new(void);
void late_savings_free(struct late_savings *savings); /* accepts NULL */

/* The call whose answer has this id cost that much; said again, the later word holds. Ids beyond
 * ROW_ID_MAX are left out, and so is everything when there is no memory. borrow: copied. */
void late_savings_put(struct late_savings *savings, struct text id, struct money money);
/* Unknown: nothing was told of it, or it has left. */
struct maybe_money late_savings_get(struct late_savings *savings, struct text id);

/* What a hit on this row's answer saves: what was billed, and with a client's own key what its
 * vendor took besides. Unknown while the cost is. */
struct maybe_money late_savings_of(const struct ledger_row *row);

/* Puts the rows of the last LATE_SAVINGS_MS whose cost only their generation record told. Blocks on
 * the disk. -ECANCELED: *stop became true, or the database is being opened again; others as
 * ledger_reader_within(). */
int late_savings_load(struct late_savings *savings, struct ledger *ledger, int64_t now_ms,
                      const _Atomic bool *stop);

#endif
