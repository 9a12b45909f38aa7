/* rating.h - the lines of an estimate as a row keeps them: compact text, readable by eye, so that
 * whoever reads the ledger later can prove `estimated` without any price table.
 *
 *     1 above=200000 tier=priority x=950000 flags=3;0:0:120:1400000000;1:1:16:4400000000
 *
 * First the version, then what is not the default; then class:billed:quantity:price for each line,
 * numbers in decimal, prices in 1e-15 USD. What does not fit ROW_RATING_BYTES_MAX cannot be made:
 * an estimate has at most PRICE_UNITS lines.
 *
 * Threads: pure functions.
 */
#ifndef ACCOUNTING_RATING_H
#define ACCOUNTING_RATING_H

#include "accounting/estimate.h"
#include "accounting/row.h"

/* Returns the length; no NUL. */
size_t rating_print(const struct estimate *estimate, char text[ROW_RATING_BYTES_MAX]);

/* The estimate again, `cost` recomputed from the lines: parse(print(x)) = x. -EBADMSG for anything
 * that rating_print() does not write; -EOVERFLOW. */
int rating_parse(struct text text, struct estimate *ret_estimate);

/* Shares cost out over the lines in proportion to their own costs, to the last unit: floor at 1e-15
 * USD, the rest by largest remainder, ties to the lower line (pricing-and-focus section 6). Costs
 * below 0 are shared out alike with the sign turned. -EINVAL: no lines, or they cost nothing.
 * -EOVERFLOW. ret_shares: one for each of estimate->count. */
int rating_allocate(const struct estimate *estimate, struct money cost,
                    struct money ret_shares[PRICE_UNITS]);

#endif
