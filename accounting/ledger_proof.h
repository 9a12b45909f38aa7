/* ledger_proof.h - what verify must know of the ledger besides its rows.
 *
 * Ends: the last place that each lane of each boot gave. Without them rows cut off the end of the
 * open month would leave no gap. In family "default": "end/" boot (4 bytes) lane (1) -> created_at
 * (8), sequence (8), all big endian, written in the very batch that applies the records (a hold
 * that is no rehold, a row, a correction: whatever gives a place), so that it is never behind the
 * rows. Ends before the first month that is kept go when months are dropped. How they are stored,
 * and functions over a struct ledger_db that do all of this: ledger_ends.h.
 *
 * Marks: in family "seals", "marks/YYYY-MM" -> what tree_marks_encode() made of the tree when the
 * month was closed, written before its seal (ledger_marks.h). The seal's root vouches for them.
 *
 * Index entries: what finds rows by their ids (ledger_ids.h).
 *
 * Threads: as the reader, or as ledger_db.h.
 */
#ifndef ACCOUNTING_LEDGER_PROOF_H
#define ACCOUNTING_LEDGER_PROOF_H

#include "accounting/ledger.h"

/* Calls fn for every end with created_at in [from, to), in no order; stops at its first non-zero
 * and returns that. */
int ledger_reader_ends(struct ledger_reader *reader, int64_t from_ms, int64_t to_ms,
                       int (*fn)(void *arg, const struct ledger_ref *last), void *arg);

/* Calls fn for every entry of the index that names a place with created_at in [from, to), in no
 * order of places. hash is ledger_ids_hash() of the id. Stops at its first non-zero. */
int ledger_reader_ids(struct ledger_reader *reader, int64_t from_ms, int64_t to_ms,
                      int (*fn)(void *arg, uint64_t hash, const struct ledger_ref *ref), void *arg);

/* The marks of a closed month's tree (tree_marks.h), as they were stored with its seal. give:
 * *ret_bytes. -ENOENT: there are none; then a changed row shows, but cannot be named. */
int ledger_reader_marks(struct ledger_reader *reader, int64_t month_from_ms, uint8_t **ret_bytes,
                        size_t *ret_len);

/* Months that begin before it were closed, or were being closed: what the ledger itself remembers
 * beside their heads. 0: none. */
int ledger_reader_closed_before(struct ledger_reader *reader, int64_t *ret_ms);

/* The hash in an entry of the index (ledger_ids.c's). */
uint64_t ledger_ids_hash(struct text id);

#endif
