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
    const struct price *price; /* the one that rated it; NULL: none is known */
    const struct estimate *estimate;
    struct usage usage;        /* of the answer */
    struct usage record_usage; /* of the generation record; USAGE_INIT: none was read. The estimate
                                  is of either: of both the record's where it gives the same */
    struct text service_tier;  /* as returned, else as requested */
    int64_t at_ms;             /* the request's start */
    struct maybe_money billed, upstream, market, surcharge; /* as reported */
    int byok;                                               /* -1: not said */
    int64_t tolerance_ppm;
};

/* What was reported for comparison is market, else billed + upstream (design 2.5). A suspicion
 * holds when, with its figure for the estimate, the row would be `matched` (reconcile.h), and is
 * the nearest of those that hold; of equals the one that stands first in enum cause. Suspicions
 * with a free number in them (how many searches, which of the gateway's published fees) must hit to
 * 1e-9 USD. CAUSE_NONE: no difference beyond the tolerance, or nothing to compare.
 *
 * A plain percentage (discount, markup) is one of at most 4 decimals of a percent, between 0.5 %
 * and 95 %, and the last resort before CAUSE_UNEXPLAINED. Any two sums differ by some percentage;
 * one is plain when it gives the reported figure as exactly as that figure is written, and the
 * figure is fine enough to tell it from its neighbours: whole percents first, then hundredths, then
 * ten-thousandths.
 *
 * Rates of another hour (an off-peak window missed, or taken too early) count as those of another
 * version of the price; cache writes that prompt_tokens left out as a token count. */
enum cause cause_find(const struct cause_input *input);

#endif
