/* cause.h - why a reported cost differs from the estimate, found by re-rating the same usage under
 * each suspicion in turn and looking which one gives the reported figure (pricing-and-focus section
 * 4). Threads: pure functions.
 */
#ifndef ACCOUNTING_CAUSE_H
#define ACCOUNTING_CAUSE_H

#include "accounting/estimate.h"
#include "accounting/row.h"

struct cause_input {
    const struct price *versions; /* all of the model, oldest first; NULL: unpriced. borrow */
    size_t version_count;
    const struct price *price; /* the one that rated it */
    const struct estimate *estimate;
    struct usage usage;        /* of the answer */
    struct usage record_usage; /* of the generation record; USAGE_INIT: none was read */
    struct text service_tier;  /* as returned, else as requested */
    int64_t at_ms;             /* the request's start */
    struct maybe_money billed, upstream, market, surcharge; /* as reported */
    int byok;                                               /* -1: not said */
    int64_t tolerance_ppm;
};
/* What was reported for comparison is market, else billed + upstream (design 2.5). A suspicion
 * holds when its figure is within max(1e-9 USD, tolerance) of that, and is the nearest of those
 * that hold; of equals the one that stands first in enum cause. CAUSE_NONE: no difference beyond
 * the tolerance, or nothing to compare. A plain percentage (discount, markup) is one of at most 4
 * decimals of a percent, between 0.5 % and 95 %, and the last resort before CAUSE_UNEXPLAINED. */
enum cause cause_find(const struct cause_input *input);

#endif
