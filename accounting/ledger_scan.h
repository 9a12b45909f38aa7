/* ledger_scan.h - the rows of one month in order, out of single rows and blocks.
 *
 * Keys come in order, but blocks of several lanes overlap: a block is kept open until the keys
 * have passed its rows. A lane has one open block at a time, so memory is bounded by lanes.
 *
 * Threads: one per scan.
 */
#ifndef ACCOUNTING_LEDGER_SCAN_H
#define ACCOUNTING_LEDGER_SCAN_H

#include "accounting/ledger_block.h"
#include "accounting/ledger_db.h"

struct ledger_scan_block; /* opaque: lives in ledger_scan.c */

struct ledger_scan {
    int64_t from_ms, to_ms;      /* [from, to) */
    struct text id, key_id;      /* only rows that have these; empty: any. borrow */
    bool brief;                  /* a few rows are looked for: nothing is read ahead */
    const _Atomic bool *stop[2]; /* one becomes true: the scan ends with -ECANCELED; NULL: never */
    const rocksdb_snapshot_t *snapshot; /* as of when; NULL: now. borrow */
    int (*fn)(void *arg, const struct ledger_row *row);
    /* Instead of fn: rows as they are stored. What is no row, and what is left of a block that is
     * broken, comes as well. */
    int (*raw)(void *arg, const struct ledger_ref *ref, const uint8_t *bytes, size_t len);
    void *arg;
    struct ledger_scan_block *open;
    size_t open_count, open_room;
};

/* Calls fn for the rows of month that lie in the range; stops at its first non-zero and returns
 * that, or an error. */
int ledger_scan_month(struct ledger_scan *scan, struct ledger_db *db,
                      const struct ledger_month *month);
void ledger_scan_release(struct ledger_scan *scan);

/* All months of the range, one after the other; releases the scan. */
int ledger_scan_all(struct ledger_scan *scan, struct ledger_db *db);

#endif
