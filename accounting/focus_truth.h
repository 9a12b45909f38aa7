/* focus_truth.h - what a FOCUS dataset must add up to: the sums of the rows that it was made from,
 * taken as the rows went by. Threads: one per struct. */
#ifndef ACCOUNTING_FOCUS_TRUTH_H
#define ACCOUNTING_FOCUS_TRUTH_H

#include "accounting/estimate.h"
#include "accounting/row.h"

struct focus_truth {
    struct money booked;           /* of all rows that know it */
    int64_t quantity[PRICE_UNITS]; /* of rated rows, by class; corrections and hits have none */
    int64_t requests;              /* rows with a charge */
    int64_t hits;                  /* hit or collapsed: no charge */
    int64_t unknown;               /* paid, and nobody knows what: not in the dataset */
    int64_t pending;               /* booked with their estimate, which may still change */
    int64_t corrections;           /* of rows of closed months */
    int64_t other_tokens; /* rated rows whose columns count other tokens than their rating */
};

/* -EOVERFLOW. estimate: the row's rating where its classes are charged for, else NULL. */
int focus_truth_add(struct focus_truth *truth, const struct ledger_row *row,
                    const struct estimate *estimate);

#endif
