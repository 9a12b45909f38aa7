/* ledger_marks.h - the marks of closed months' trees in the database (tree_marks.h).
 *
 *   seals   "marks/YYYY-MM" -> what tree_marks_encode() wrote
 *
 * That is behind the heads themselves, where their up to 2 MiB are in nobody's way. They are
 * written before the head is, and count only where its root vouches for them. They are read by
 * ledger_reader_marks() (ledger_proof.h).
 *
 * Threads: as ledger_view.h.
 */
#ifndef ACCOUNTING_LEDGER_MARKS_H
#define ACCOUNTING_LEDGER_MARKS_H

#include "accounting/ledger_view.h"
#include "accounting/tree_marks.h"

/* Replaces those that are there. month: "2026-11". -ENOMEM; errors of the database. */
int ledger_marks_put(const struct ledger_view *view, const char *month,
                     const struct tree_marks *marks);
/* Of a month whose rows are dropped. In the batch. */
void ledger_marks_drop(struct ledger_db *db, rocksdb_writebatch_t *batch, const char *month);

#endif
