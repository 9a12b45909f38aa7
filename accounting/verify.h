/* verify.h - every law of the ledger, rechecked from the raw rows.
 *
 * Of each row: it decodes and encodes to the same bytes; its place is its created_at; it has an id;
 * texts are UTF-8. The verdict, booked and difference are what reconcile() makes of its columns
 * under the tolerance of now, or, as that may have been another one then, under some tolerance that
 * agrees with its cause. Estimated is what its rating adds up to; reported figures are those of its
 * observations. A hit's tokens and sums are 0, and where it saved something it names its source.
 * Rows that recovery made of a hold are believed as far as they go, and rows of format 1
 * (ledger_ends.h) need no check, no rating, no observations, no end and no entry in the index.
 *
 * Of the month: places strictly ascend. Every place that a lane gave is there, as a row or an open
 * hold (places.h), across the month's borders and up to the lane's end, so that a dropped, forged
 * or moved row leaves a gap, a repetition, or an end that is none. No generation id (gen-...,
 * gen_...) twice; other names are upstreams' own, and some repeat them. No open hold older than a
 * day; pending rows are listed and listed rows exist; the index of ids names the rows and no
 * others; corrections point at rows of closed months; kept sums equal their rows; the sums of rows
 * equal those of an export made from them and read back.
 *
 * Of a closed month: the tree's root, first, last, count, issued and sums are those of its head,
 * the signature holds, each head names its predecessor, no hold is left. Where the head has marks
 * (tree_marks.h) the first row that was changed is named. A row may stay pending in it (it was
 * closed so): what comes of it is a correction. One whose closing was interrupted before it had a
 * head is closed all the same, and one complaint says so: it must be closed again. A month whose
 * rows were dropped after their export is held by its head alone.
 *
 * What cannot be seen: texts that no law knows (a user, a session), changed in a month that is
 * still open; a last head that was taken away; all of it, forged by somebody who has the key. So
 * keep heads elsewhere.
 *
 * A month is read about twice, and once more for every 6 million generation ids beyond the first
 * 6 million; memory is flat (verify_private.h). One month alone is joined with the one before it.
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
