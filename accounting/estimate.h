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
};

struct estimate {
    struct money cost;
    unsigned flags; /* enum estimate_flag */
};

/* One class of the usage: quantity x price = cost. */
struct estimate_line {
    enum price_unit class;  /* what was counted */
    enum price_unit billed; /* whose price it took: class, or the nearest known one */
    int64_t quantity;       /* above 0 */
    struct unit_price price;
    struct money cost;
};

/* Rates usage by price (vercel section 11 rules 3-6, pricing section 3). market is the list cost
 * that the upstream reported, or NULL: where prompt_tokens may or may not include cache writes,
 * both readings are tried and the one that equals *market is kept, else the inclusive one.
 *
 * Total input picks the tier. Cache classes without a price use the nearest known one (1-hour
 * write, 5-minute write, input; read, input) and are flagged. Audio, reasoning and image tokens are
 * inside their totals and leave them only where they have a price of their own. An absent count,
 * completion_tokens among them, counts as none; searches and the price per request count where
 * the price is known.
 * -ENODATA when usage lacks prompt_tokens or a price that it needs is unknown; -EOVERFLOW. */
int estimate_cost(const struct price *price, const struct usage *usage, const struct money *market,
                  struct estimate *ret_estimate);

/* The same, with the lines that it adds up from: at most PRICE_UNITS, in the order of enum
 * price_unit; their costs add up to ret_estimate->cost to the last digit. */
int estimate_lines(const struct price *price, const struct usage *usage, const struct money *market,
                   struct estimate_line lines[PRICE_UNITS], unsigned *ret_count,
                   struct estimate *ret_estimate);

#endif
