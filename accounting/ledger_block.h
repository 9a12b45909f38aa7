/* ledger_block.h - rows that were drained together, in one value of the database.
 *
 * A put costs RocksDB more than a hit costs the gateway, and a scan pays again for every key. So
 * rows without a hold (hits, mostly), which nobody changes later, are stored by the block:
 *
 *   per row: later u16    ms after the block's key
 *            sequence u64
 *            length u16   of the row
 *            row
 *
 * Integers are big endian. A block holds rows of one month, in order, and spans at
 * most LEDGER_BLOCK_SPAN_MS: who looks for rows from some time on starts that much earlier.
 *
 * Threads: plain data.
 */
#ifndef ACCOUNTING_LEDGER_BLOCK_H
#define ACCOUNTING_LEDGER_BLOCK_H

#include "accounting/ledger.h"

enum {
    LEDGER_BLOCK_ROWS = 100,
    LEDGER_BLOCK_BYTES = 32 * 1024,
    LEDGER_BLOCK_SPAN_MS = 1000,
    LEDGER_BLOCK_HEAD = 12, /* bytes before each row */
};

struct ledger_block {
    struct ledger_ref first, last;
    int64_t month_end_ms;
    unsigned rows;
    size_t len;
    uint8_t bytes[LEDGER_BLOCK_BYTES];
};

/* False when the row does not belong into this block any more: store it and begin another. An
 * empty block (rows == 0) takes any row. */
bool ledger_block_add(struct ledger_block *block, const struct ledger_ref *ref, const uint8_t *row,
                      size_t len);

struct ledger_block_walk {
    struct ledger_ref first;
    const uint8_t *at, *end;
    struct ledger_ref ref; /* of the row */
    const uint8_t *row;
    size_t len;
};

/* Begins before the first row of a block with that key. borrow: bytes. */
struct ledger_block_walk ledger_block_walk(const struct ledger_ref *first, const uint8_t *bytes,
                                           size_t len);
/* 1: there is a row; 0: that was all; -EBADMSG. */
int ledger_block_next(struct ledger_block_walk *walk);

/* -1, 0 or 1: the order of rows. */
static inline int ledger_ref_compare(const struct ledger_ref *a, const struct ledger_ref *b)
{
    if (a->created_at_ms != b->created_at_ms)
        return a->created_at_ms < b->created_at_ms ? -1 : 1;
    return (a->sequence > b->sequence) - (a->sequence < b->sequence);
}

#endif
