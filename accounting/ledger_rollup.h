/* ledger_rollup.h - the ledger's kept sums: one rollup per hour, made when the hour is over, made
 * anew when a row of it changes later.
 *
 * Column family "rollups": hour (8 bytes, big endian ms) -> the encoded rollup, empty where the
 * hour can only be summed from its rows (too many groups, an unreadable row). In "default":
 * "changed/" hour -> how often rows of that hour were written after rollups had come that far;
 * "rolled/" hour
 * -> what "changed/" was when the rollup was made. A rollup counts only while both are equal, so a
 * late row can never be missing from a report: its hour is read from the rows until it is summed
 * anew. The writer bumps the counter in the very batch that writes the row.
 *
 * Threads: as each says.
 */
#ifndef ACCOUNTING_LEDGER_ROLLUP_H
#define ACCOUNTING_LEDGER_ROLLUP_H

#include "accounting/ledger.h"
#include "accounting/rollup.h"

/* Makes what is missing or stale of hours that ended before now_ms - LEDGER_LATE_MS; at most
 * hours_max of them: first those that changed, then new ones, oldest first. *ret_made: how many,
 * also when it fails. Any thread but the writer's; blocks. Hours of closed months are made as well.
 * -ECANCELED, -EIO: the writer has trouble with the disk, try again later; others from the
 * database. */
int ledger_rollup_run(struct ledger *ledger, int64_t now_ms, unsigned hours_max,
                      unsigned *ret_made);

/* The sums of [from, to), both whole hours: from rollups where they hold, else from rows. Groups
 * come in no order, the same columns may come more than once; valid during the callback. rows_read
 * may be NULL: how many rows had to be read. */
int ledger_reader_sums(struct ledger_reader *reader, int64_t from_ms, int64_t to_ms,
                       int (*fn)(void *arg, const struct rollup_group *group), void *arg,
                       uint64_t *rows_read);
/* For verify: the rollup of one hour as stored, whether it counts (is fresh) or not. -ENOENT: none
 * is kept, the hour is summed from its rows. */
int ledger_reader_rollup(struct ledger_reader *reader, int64_t hour_ms, bool *ret_fresh,
                         int (*fn)(void *arg, const struct rollup_group *group), void *arg);

#endif
