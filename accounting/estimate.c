/* estimate.c - list prices x tokens. See estimate.h.
 *
 * The counts are first split into classes that do not overlap, then each class is multiplied by
 * its rate. Nothing is rounded: a product of two 64-bit integers and their sum are exact.
 */
#include "accounting/estimate.h"

#include <assert.h>
#include <errno.h>

/* The disjoint classes of one answer, and the total input that picks the tier. */
struct classes {
    int64_t count[PRICE_UNITS];
    int64_t total_input;
    unsigned flags; /* enum estimate_flag */
};

/* One reading of the usage, priced. */
struct rated {
    struct estimate estimate;
    struct estimate_line lines[PRICE_UNITS];
    unsigned count;
};

/* An absent count takes no part in a sum. Neither does a negative one: no upstream means it. */
static int64_t counted(int64_t tokens)
{
    return tokens > 0 ? tokens : 0;
}

static bool knows(const struct price_rates *rates, enum price_unit unit)
{
    return (rates->known & 1U << unit) != 0;
}

/* total without part, never below 0. */
static int64_t without(int64_t total, int64_t part, unsigned *flags)
{
    assert(total >= 0);
    assert(part >= 0);
    if (part <= total)
        return total - part;
    *flags |= ESTIMATE_USAGE_INCONSISTENT;
    return 0;
}

/* Cache writes by how long they are kept. Writes without a split are 5-minute writes. */
static void split_writes(const struct usage *usage, struct classes *classes)
{
    int64_t hour = counted(usage->cache_write_1h_tokens);
    int64_t all = usage->cache_write_tokens < 0 ? hour : usage->cache_write_tokens;

    classes->count[PRICE_CACHE_WRITE] = without(all, hour, &classes->flags);
    classes->count[PRICE_CACHE_WRITE_1H] = hour;
}

/* Total input decides the tier, and the tier decides which units have a price of their own, so it
 * comes first. outside: prompt_tokens leaves out the cache writes though the dialect includes
 * reads. */
static int total_input(const struct usage *usage, bool outside, struct classes *classes)
{
    int64_t total = usage->prompt_tokens;
    int64_t read = counted(usage->cached_tokens);
    bool overflow = false;

    if (usage->exclusive || outside) {
        overflow |= __builtin_add_overflow(total, classes->count[PRICE_CACHE_WRITE], &total);
        overflow |= __builtin_add_overflow(total, classes->count[PRICE_CACHE_WRITE_1H], &total);
    }
    if (usage->exclusive)
        overflow |= __builtin_add_overflow(total, read, &total);
    classes->total_input = total;
    return overflow ? -EOVERFLOW : 0;
}

/* Audio without a price of its own is billed as text, so it stays inside. */
static void split_input(const struct usage *usage, const struct price_rates *rates,
                        struct classes *classes)
{
    int64_t rest = classes->total_input;

    classes->count[PRICE_CACHE_READ] = counted(usage->cached_tokens);
    if (knows(rates, PRICE_INPUT_AUDIO))
        classes->count[PRICE_INPUT_AUDIO] = counted(usage->audio_tokens);
    rest = without(rest, classes->count[PRICE_CACHE_READ], &classes->flags);
    rest = without(rest, classes->count[PRICE_CACHE_WRITE], &classes->flags);
    rest = without(rest, classes->count[PRICE_CACHE_WRITE_1H], &classes->flags);
    rest = without(rest, classes->count[PRICE_INPUT_AUDIO], &classes->flags);
    classes->count[PRICE_INPUT] = rest;
}

/* Reasoning and images are inside the output, and billed as output unless they have a price of
 * their own. An embedding has no output at all. */
static void split_output(const struct usage *usage, const struct price_rates *rates,
                         struct classes *classes)
{
    int64_t rest = counted(usage->completion_tokens);

    if (knows(rates, PRICE_REASONING))
        classes->count[PRICE_REASONING] = counted(usage->reasoning_tokens);
    if (knows(rates, PRICE_OUTPUT_IMAGE))
        classes->count[PRICE_OUTPUT_IMAGE] = counted(usage->image_tokens);
    rest = without(rest, classes->count[PRICE_REASONING], &classes->flags);
    rest = without(rest, classes->count[PRICE_OUTPUT_IMAGE], &classes->flags);
    classes->count[PRICE_OUTPUT] = rest;
}

/* What is billed beside tokens, where both its count and its price are known. */
static void count_extras(const struct usage *usage, const struct price_rates *rates,
                         struct classes *classes)
{
    if (knows(rates, PRICE_WEB_SEARCH))
        classes->count[PRICE_WEB_SEARCH] = counted(usage->web_searches);
    if (knows(rates, PRICE_REQUEST))
        classes->count[PRICE_REQUEST] = 1;
}

/* The unit whose rate a class is billed at: its own, or for cache classes the nearest known one.
 * Never free, for want of a price. */
static enum price_unit billed_as(const struct price_rates *rates, enum price_unit unit)
{
    if (unit == PRICE_CACHE_WRITE_1H && !knows(rates, unit))
        unit = PRICE_CACHE_WRITE;
    if ((unit == PRICE_CACHE_READ || unit == PRICE_CACHE_WRITE) && !knows(rates, unit))
        unit = PRICE_INPUT;
    return unit;
}

static int sum_classes(const struct price_rates *rates, struct classes *classes,
                       struct rated *ret_rated)
{
    struct rated rated = {.count = 0};

    for (unsigned unit = 0; unit < PRICE_UNITS; unit++) {
        enum price_unit billed = billed_as(rates, unit);
        struct estimate_line *line = &rated.lines[rated.count];
        int rc;

        if (classes->count[unit] == 0)
            continue;
        if (!knows(rates, billed))
            return -ENODATA;
        if (billed != unit)
            classes->flags |= ESTIMATE_FALLBACK_PRICE;
        line->class = (enum price_unit)unit;
        line->billed = billed;
        line->quantity = classes->count[unit];
        line->price = rates->unit[billed];
        rc = money_multiply(line->price, line->quantity, &line->cost);
        if (rc == 0)
            rc = money_add(rated.estimate.cost, line->cost, &rated.estimate.cost);
        if (rc < 0)
            return rc;
        rated.count++;
    }
    rated.estimate.flags = classes->flags;
    *ret_rated = rated;
    return 0;
}

/* One reading of the usage. */
static int rate(const struct price *price, const struct usage *usage, bool outside,
                struct rated *ret_rated)
{
    struct classes classes = {.flags = outside ? ESTIMATE_WRITES_OUTSIDE : 0};
    struct price_rates rates;
    int rc;

    split_writes(usage, &classes);
    rc = total_input(usage, outside, &classes);
    if (rc < 0)
        return rc;
    rates = price_rates_for(price, classes.total_input);
    split_input(usage, &rates, &classes);
    split_output(usage, &rates, &classes);
    count_extras(usage, &rates, &classes);
    return sum_classes(&rates, &classes, ret_rated);
}

static int rate_best(const struct price *price, const struct usage *usage,
                     const struct money *market, struct rated *ret_rated)
{
    struct rated inside, outside;
    bool writes =
        counted(usage->cache_write_tokens) > 0 || counted(usage->cache_write_1h_tokens) > 0;
    int rc;

    if (usage->prompt_tokens < 0)
        return -ENODATA;
    rc = rate(price, usage, false, &inside);
    if (market != NULL && writes && !usage->exclusive &&
        (rc < 0 || money_compare(inside.estimate.cost, *market) != 0)) {
        if (rate(price, usage, true, &outside) == 0 &&
            money_compare(outside.estimate.cost, *market) == 0) {
            *ret_rated = outside;
            return 0;
        }
    }
    if (rc == 0)
        *ret_rated = inside;
    return rc;
}

int estimate_cost(const struct price *price, const struct usage *usage, const struct money *market,
                  struct estimate *ret_estimate)
{
    struct rated rated;
    int rc = rate_best(price, usage, market, &rated);

    if (rc == 0)
        *ret_estimate = rated.estimate;
    return rc;
}

int estimate_lines(const struct price *price, const struct usage *usage, const struct money *market,
                   struct estimate_line lines[PRICE_UNITS], unsigned *ret_count,
                   struct estimate *ret_estimate)
{
    struct rated rated;
    int rc = rate_best(price, usage, market, &rated);

    if (rc != 0)
        return rc;
    for (unsigned i = 0; i < rated.count; i++)
        lines[i] = rated.lines[i];
    *ret_count = rated.count;
    *ret_estimate = rated.estimate;
    return 0;
}
