/* ledger_ends.h - the last place that each lane of each boot gave, as the database keeps it.
 *
 *   default   "end/" boot u32, lane u8 -> created_at i64, sequence u64; all big endian
 *
 * Whoever applies a record that gives a place (a hold that replaces none, a row, a correction)
 * remembers it for its lane, and puts the latest into the batch that commits it. Recovery does the
 * same. A lane's places ascend, so that the latest is the last.
 *
 * A ledger of format 1 kept none, and its rows had neither a check nor what proves their sums. Its
 * last boot was remembered when it became format 2: places of that boot and of older ones are
 * early. What its journals still held was drained after that, and so left ends of an early boot
 * that say nothing of the lanes that were drained before.
 *
 * Threads: as ledger_db.h.
 */
#ifndef ACCOUNTING_LEDGER_ENDS_H
#define ACCOUNTING_LEDGER_ENDS_H

#include "accounting/ledger_db.h"

/* Into the batch; the boot and the lane are those of its sequence. */
void ledger_ends_put(struct ledger_db *db, rocksdb_writebatch_t *batch,
                     const struct ledger_ref *last);
/* Calls fn for each end with created_at in [from, to); stops at its first non-zero and returns
 * that. -EBADMSG: an entry is none; others from the database. */
int ledger_ends_each(struct ledger_db *db, int64_t from_ms, int64_t to_ms,
                     int (*fn)(void *arg, const struct ledger_ref *last), void *arg);
/* Of months that are dropped: those with created_at before before_ms. In the batch. */
int ledger_ends_drop(struct ledger_db *db, rocksdb_writebatch_t *batch, int64_t before_ms);

/* Calls fn for each entry of the index of ids that names a place in [from, to). Nothing where a
 * database was opened without its index. */
int ledger_ends_ids(struct ledger_db *db, int64_t from_ms, int64_t to_ms,
                    int (*fn)(void *arg, uint64_t hash, const struct ledger_ref *ref), void *arg);

/* The last early boot. 1; 0: there is none, and ends are there for every place; or an error. */
int ledger_reader_early(struct ledger_reader *reader, uint32_t *ret_boot);

#endif
