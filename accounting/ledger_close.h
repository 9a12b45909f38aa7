/* ledger_close.h - closing months, dropping old ones, and a consistent copy while serving.
 *
 * Seals lie in the column family "seals": "YYYY-MM" -> text of the signed head. From the moment a
 * month is being closed its rows do not change any more: what comes later is a correction in the
 * open month (ledger_settle()).
 *
 * Threads: any but the writer's; all block on the disk. One closing at a time per ledger.
 */
#ifndef ACCOUNTING_LEDGER_CLOSE_H
#define ACCOUNTING_LEDGER_CLOSE_H

#include "accounting/ledger.h"
#include "accounting/seal.h"

struct ledger_close_order {
    int64_t month_from_ms; /* the month's first millisecond; it must be over at now_ms */
    int64_t now_ms;
    const struct seal_signer *signer;
    const uint8_t *export_hash; /* TREE_HASH bytes, or NULL: it was not exported */
    /* TREE_HASH bytes: the root over the rows that were exported, as they are stored (tree.h).
     * NULL: whatever the rows are. */
    const uint8_t *expected_root;
    bool with_pending; /* also when rows of it still wait for their cost */
};
/* Closes. -EBUSY: open holds in it (or pending rows, without with_pending); -EEXIST: closed
 * already; -EAGAIN: an earlier month with rows is open; -EINVAL: the month is not over; -ESTALE: a
 * row came or changed since expected_root was made, and there is no seal, but from now on the rows
 * stand still: export them again; text in error.
 *
 * A row that cannot be read is sealed with the bytes it has, and is in no sum. */
int ledger_close_month(struct ledger *ledger, const struct ledger_close_order *order,
                       struct seal *ret_seal, char *error, size_t error_size);

/* Everything before it is closed; 0: nothing is. Any thread, does not block. */
int64_t ledger_closed_before(struct ledger *ledger);

/* The seal of a month. -ENOENT: it is open. */
int ledger_reader_seal(struct ledger_reader *reader, int64_t month_from_ms, struct seal *ret_seal);

/* 1: the month of from_ms was closed with rows (its head: *ret_seal) and holds none any more: what
 * is made of it must not look like a month in which nothing happened. 0: no. */
int ledger_reader_dropped(struct ledger_reader *reader, int64_t from_ms, struct seal *ret_seal);

/* Drops the rows, rollups and index entries of whole months that ended before keep_from_ms, are
 * closed, and whose seal names an export; their seals stay. So go months in which there never was a
 * row, when a later one is closed. Oldest first, up to the first that must stay. *ret_dropped:
 * months. */
int ledger_drop_months(struct ledger *ledger, int64_t keep_from_ms, unsigned *ret_dropped);

/* A consistent copy of everything recorded up to now into dir/ledger, made durable: it opens as a
 * ledger of its own. dir is made, or must be empty (-EEXIST). Serving goes on. */
int ledger_backup(struct ledger *ledger, const char *dir, char *error, size_t error_size);

#endif
