/* ledger_ids.h - the index from an id to its row.
 *
 * Rows but hits have an entry under their id, and another under upstream_id where that differs,
 * written in the same batch as the row. Hits have none: they outnumber everything, and their ids,
 * which are ours, carry their time. The id itself is not in the entry: the row has it, so that a
 * hash shared by two ids costs a look at both rows and nothing else.
 *
 *   key   hash u64, created_at i64, sequence u64, all big endian       value: empty
 *
 * The hash is FNV-1a of 64 bits (public domain), finished with a multiplication; it is on disk.
 *
 * Threads: as ledger_db.h.
 */
#ifndef ACCOUNTING_LEDGER_IDS_H
#define ACCOUNTING_LEDGER_IDS_H

#include "accounting/ledger_db.h"

enum { LEDGER_IDS_KEY = 24 };

/* Entries for a row, into the batch. Returns the bytes that they add to it. */
size_t ledger_ids_put(struct ledger_db *db, rocksdb_writebatch_t *batch,
                      const struct ledger_ref *ref, const struct ledger_row *row);

/* Calls fn for every row that may have this id, latest first; stops at its first non-zero and
 * returns that. An error of RocksDB. */
int ledger_ids_find(struct ledger_db *db, struct text id,
                    int (*fn)(void *arg, const struct ledger_ref *ref), void *arg);

#endif
