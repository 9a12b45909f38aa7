/* estimate.h - what an answer should have cost: list prices x tokens, exact to 1e-15 USD.
 * Threads: pure functions.
 */
#ifndef ACCOUNTING_ESTIMATE_H
#define ACCOUNTING_ESTIMATE_H

#include "accounting/price.h"
#include "accounting/usage.h"

#include <stdbool.h>

enum estimate_flag {
    ESTIMATE_FALLBACK_PRICE = 1 << 0,     /* a cache class without its own price used another's */
    ESTIMATE_USAGE_INCONSISTENT = 1 << 1, /* classes exceed their total; clamped at 0 */
    ESTIMATE_WRITES_OUTSIDE = 1 << 2,     /* prompt_tokens was read as excluding cache writes */
    ESTIMATE_OFF_PEAK = 1 << 3,
    ESTIMATE_SERVICE_UNKNOWN = 1 << 4, /* a service tier that the price does not have: standard */
};

/* One class of the usage: quantity x price = cost. */
struct estimate_line {
    enum price_unit class;  /* what was counted */
    enum price_unit billed; /* whose price it took: class, or the nearest known one */
    int64_t quantity;       /* above 0 */
    struct unit_price price;
    struct money cost;
};

struct estimate {
    struct money
        cost;       /* the sum of the lines' costs, times the multiplier, rounded half-even once */
    unsigned flags; /* enum estimate_flag */
    unsigned count;
    struct estimate_line lines[PRICE_UNITS];   /* in the order of enum price_unit */
    int64_t above;                             /* the context tier that held; 0: the base */
    char service_tier[PRICE_SERVICE_NAME_MAX]; /* whose rates held; empty: standard */
    int64_t multiplier_ppm;
};

struct estimate_terms {
    struct text service_tier;   /* as returned in the answer, else as requested */
    int64_t at_ms;              /* the request's start */
    const struct money *market; /* the list cost that the upstream reported, or NULL */
};

/* Rates usage by price (vercel section 11 rules 3-6, pricing section 3). Where prompt_tokens may or
 * may not include cache writes, both readings are tried and the one that equals *terms->market is
 * kept, else the inclusive one.
 *
 * Total input picks the tier. Cache classes without a price use the nearest known one (1-hour
 * write, 5-minute write, input; read, input) and are flagged. Audio, image, video and reasoning
 * tokens are inside their totals and leave them only where they have a price of their own. An
 * absent count, completion_tokens among them, counts as none; searches, pictures and the price per
 * request count where the price is known. Parts that exceed their total are billed as they were
 * said, and only the rest of the total is clamped at 0.
 * -ENODATA when usage lacks prompt_tokens (and has no pictures that are priced) or a price that it
 * needs is unknown; -EOVERFLOW. */
int estimate_cost(const struct price *price, const struct usage *usage,
                  const struct estimate_terms *terms, struct estimate *ret_estimate);

/* The most that a request can cost before it is sent, for a budget's hold: prompt_tokens_max at the
 * dearest rate that any input token may take (cache writes and audio among them) in any service
 * tier, off-peak window and bracket that so many tokens can reach; output_tokens_max likewise; the
 * price per request, searches and pictures. Never below any estimate_cost() of a usage whose input
 * classes add up to no more than prompt_tokens_max (cache reads and writes included, wherever
 * prompt_tokens has them), its output classes to output_tokens_max, and any terms. -ENODATA: tokens
 * are asked for whose direction has no price at all; -EOVERFLOW. */
struct estimate_bounds {
    int64_t prompt_tokens_max, output_tokens_max, searches_max, images_max; /* none below 0 */
};
int estimate_ceiling(const struct price *price, const struct estimate_bounds *bounds,
                     struct money *ret_cost);

#endif
