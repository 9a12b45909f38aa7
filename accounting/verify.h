/* verify.h - every law of the ledger, rechecked from the raw rows.
 *
 * Of each row: it decodes and encodes to the same bytes; its place is its created_at; ids are
 * there; the verdict, booked and difference are what reconcile() makes of its columns; estimated is
 * what its rating adds up to; figures are those of its observations; a hit's tokens and sums are 0
 * and it names a source; texts are UTF-8. Of the month: places strictly ascend; no id twice; every
 * place that a lane gave is there (a sequence's counter goes up by one within a boot and lane,
 * across the month's borders), so that a dropped, forged or moved row leaves a gap or a repetition;
 * no open hold older than a day; pending rows are listed and listed rows exist; corrections point
 * at rows of closed months; rollups equal their rows; the sums of rows equal those of an export
 * made from them and read back. Of a closed month: the tree's root, first, last, count, issued and
 * sums are those of its seal, the signature holds, each head names its predecessor, nothing pending
 * is left.
 *
 * Threads: one per call.
 */
#ifndef ACCOUNTING_VERIFY_H
#define ACCOUNTING_VERIFY_H

#include "accounting/ledger.h"
#include "accounting/seal.h"

#include <stdio.h>

struct verify_order {
    int64_t from_ms, to_ms; /* whole months; every month in it that has rows or a seal */
    int64_t now_ms;
    int64_t tolerance_ppm;
    const uint8_t *trusted_key; /* SEAL_KEY bytes: heads must be signed by it. NULL: by the key of
                                   the first head */
    unsigned complaints_max;    /* per month; 0: 20 */
};
struct verify_result {
    uint64_t months, rows, complaints;
    char first[512]; /* the first row that breaks a law: its place, its id, which law */
};
/* Writes one line for each complaint and one for each month to out, oldest first. 0: all laws hold;
 * -EBADMSG: some do not; others: it could not be read. */
int verify_ledger(struct ledger_reader *reader, const struct verify_order *order, FILE *out,
                  struct verify_result *ret_result);

#endif
