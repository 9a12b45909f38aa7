/* estimate.c - list prices x tokens. See estimate.h.
 *
 * The counts are first split into classes that do not overlap, then each class is multiplied by
 * its rate. A product of two 64-bit integers and their sum are exact; only the multiplier of a
 * price, applied once to the whole, can round.
 */
#include "accounting/estimate.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* The disjoint classes of one answer, and the total input that picks the tier. */
struct classes {
    int64_t count[PRICE_UNITS];
    int64_t total_input;
    unsigned flags; /* enum estimate_flag */
};

/* Which units the tokens of each direction can be billed at. */
static const enum price_unit input_units[] = {
    PRICE_INPUT,       PRICE_CACHE_READ,  PRICE_CACHE_WRITE, PRICE_CACHE_WRITE_1H,
    PRICE_INPUT_AUDIO, PRICE_INPUT_IMAGE, PRICE_INPUT_VIDEO,
};
static const enum price_unit output_units[] = {
    PRICE_OUTPUT,
    PRICE_REASONING,
    PRICE_OUTPUT_IMAGE,
    PRICE_OUTPUT_AUDIO,
};
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

_Static_assert(COUNT_OF(input_units) + COUNT_OF(output_units) + 3 == PRICE_UNITS,
               "searches, requests and pictures are the units that are no tokens");

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
    int64_t total = counted(usage->prompt_tokens);
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

/* What has a price of its own leaves the total it is part of. */
static void set_apart(struct classes *classes, const struct price_rates *rates,
                      enum price_unit unit, int64_t tokens, int64_t *rest)
{
    if (!knows(rates, unit))
        return;
    classes->count[unit] = counted(tokens);
    *rest = without(*rest, classes->count[unit], &classes->flags);
}

/* Audio, images and video without a price of their own are billed as text, so they stay inside. */
static void split_input(const struct usage *usage, const struct price_rates *rates,
                        struct classes *classes)
{
    int64_t rest = classes->total_input;

    classes->count[PRICE_CACHE_READ] = counted(usage->cached_tokens);
    rest = without(rest, classes->count[PRICE_CACHE_READ], &classes->flags);
    rest = without(rest, classes->count[PRICE_CACHE_WRITE], &classes->flags);
    rest = without(rest, classes->count[PRICE_CACHE_WRITE_1H], &classes->flags);
    set_apart(classes, rates, PRICE_INPUT_AUDIO, usage->audio_tokens, &rest);
    set_apart(classes, rates, PRICE_INPUT_IMAGE, usage->image_input_tokens, &rest);
    set_apart(classes, rates, PRICE_INPUT_VIDEO, usage->video_input_tokens, &rest);
    classes->count[PRICE_INPUT] = rest;
}

/* Reasoning, sound and images are inside the output. An embedding has no output at all. */
static void split_output(const struct usage *usage, const struct price_rates *rates,
                         struct classes *classes)
{
    int64_t rest = counted(usage->completion_tokens);

    set_apart(classes, rates, PRICE_REASONING, usage->reasoning_tokens, &rest);
    set_apart(classes, rates, PRICE_OUTPUT_IMAGE, usage->image_tokens, &rest);
    set_apart(classes, rates, PRICE_OUTPUT_AUDIO, usage->audio_output_tokens, &rest);
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
    if (knows(rates, PRICE_IMAGE))
        classes->count[PRICE_IMAGE] = counted(usage->images);
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

/* The lines, and their sum before any multiplier. */
static int make_lines(const struct price_rates *rates, const struct classes *classes,
                      struct estimate *estimate)
{
    for (unsigned unit = 0; unit < PRICE_UNITS; unit++) {
        enum price_unit billed = billed_as(rates, (enum price_unit)unit);
        struct estimate_line *line = &estimate->lines[estimate->count];
        int rc;

        if (classes->count[unit] == 0)
            continue;
        if (!knows(rates, billed))
            return -ENODATA;
        if (billed != (enum price_unit)unit)
            estimate->flags |= ESTIMATE_FALLBACK_PRICE;
        line->class = (enum price_unit)unit;
        line->billed = billed;
        line->quantity = classes->count[unit];
        line->price = rates->unit[billed];
        rc = money_multiply(line->price, line->quantity, &line->cost);
        if (rc == 0)
            rc = money_add(estimate->cost, line->cost, &estimate->cost);
        if (rc < 0)
            return rc;
        estimate->count++;
    }
    return 0;
}

static bool is_word(struct text text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.bytes, word, text.len) == 0;
}

/* Words for the rates that everybody pays. */
static bool is_standard(struct text service_tier)
{
    return service_tier.len == 0 || is_word(service_tier, "standard") ||
           is_word(service_tier, "default") || is_word(service_tier, "auto");
}

/* Whose rates were taken, for whoever reads the lines later. */
static void note_pick(const struct price_pick *pick, struct text service_tier,
                      struct estimate *estimate)
{
    assert(pick->multiplier_ppm > 0);
    estimate->above = pick->above;
    estimate->multiplier_ppm = pick->multiplier_ppm;
    if (pick->tier != NULL)
        memcpy(estimate->service_tier, pick->tier->name, sizeof(estimate->service_tier));
    else if (!is_standard(service_tier))
        estimate->flags |= ESTIMATE_SERVICE_UNKNOWN;
    if (pick->off_peak)
        estimate->flags |= ESTIMATE_OFF_PEAK;
}

/* One reading of the usage. */
static int rate(const struct price *price, const struct usage *usage,
                const struct estimate_terms *terms, bool outside, struct estimate *ret_estimate)
{
    struct classes classes = {.flags = outside ? ESTIMATE_WRITES_OUTSIDE : 0};
    struct price_terms at = {.service_tier = terms->service_tier, .at_ms = terms->at_ms};
    struct estimate estimate = {.count = 0};
    struct price_pick pick;
    int rc;

    split_writes(usage, &classes);
    rc = total_input(usage, outside, &classes);
    if (rc < 0)
        return rc;
    at.prompt_tokens = classes.total_input;
    pick = price_pick(price, &at);
    if (usage->prompt_tokens < 0 &&
        (counted(usage->images) == 0 || !knows(&pick.rates, PRICE_IMAGE)))
        return -ENODATA;
    split_input(usage, &pick.rates, &classes);
    split_output(usage, &pick.rates, &classes);
    count_extras(usage, &pick.rates, &classes);
    estimate.flags = classes.flags;
    note_pick(&pick, terms->service_tier, &estimate);
    rc = make_lines(&pick.rates, &classes, &estimate);
    if (rc == 0 && pick.multiplier_ppm != PRICE_MULTIPLIER_NONE)
        rc = money_scale(estimate.cost, pick.multiplier_ppm, PRICE_MULTIPLIER_NONE, &estimate.cost);
    if (rc == 0)
        *ret_estimate = estimate;
    return rc;
}

int estimate_cost(const struct price *price, const struct usage *usage,
                  const struct estimate_terms *terms, struct estimate *ret_estimate)
{
    struct estimate inside, outside;
    bool writes =
        counted(usage->cache_write_tokens) > 0 || counted(usage->cache_write_1h_tokens) > 0;
    int rc = rate(price, usage, terms, false, &inside);

    if (terms->market != NULL && writes && !usage->exclusive && usage->prompt_tokens >= 0 &&
        (rc < 0 || money_compare(inside.cost, *terms->market) != 0)) {
        if (rate(price, usage, terms, true, &outside) == 0 &&
            money_compare(outside.cost, *terms->market) == 0) {
            *ret_estimate = outside;
            return 0;
        }
    }
    if (rc == 0)
        *ret_estimate = inside;
    return rc;
}

/* --- before the call --- */

static void raise_rates(const struct price_rates *rates, struct price_rates *dearest)
{
    for (unsigned unit = 0; unit < PRICE_UNITS; unit++) {
        if (!knows(rates, (enum price_unit)unit))
            continue;
        if (!knows(dearest, (enum price_unit)unit) ||
            dearest->unit[unit].femto < rates->unit[unit].femto)
            dearest->unit[unit] = rates->unit[unit];
        dearest->known |= 1U << unit;
    }
}

/* A tier begins strictly above its bound: one that starts at prompt_tokens_max cannot be met. */
static void raise_brackets(const struct price_brackets *brackets, int64_t prompt_tokens_max,
                           struct price_rates *dearest)
{
    raise_rates(&brackets->base, dearest);
    for (unsigned i = 0; i < brackets->tier_count; i++) {
        if (brackets->tiers[i].above < prompt_tokens_max)
            raise_rates(&brackets->tiers[i].rates, dearest);
    }
}

/* Adds count at the dearest of the units. What has no price at all cannot be bounded. */
static int add_dearest(const struct price_rates *dearest, const enum price_unit *units,
                       size_t unit_count, int64_t count, struct money *sum)
{
    struct unit_price price = {-1};
    struct money cost;

    assert(count >= 0);
    for (size_t i = 0; i < unit_count; i++) {
        if (knows(dearest, units[i]) && dearest->unit[units[i]].femto > price.femto)
            price = dearest->unit[units[i]];
    }
    if (count == 0)
        return 0;
    if (price.femto < 0)
        return -ENODATA;
    if (money_multiply(price, count, &cost) < 0)
        return -EOVERFLOW;
    return money_add(*sum, cost, sum);
}

/* The same for what costs nothing where it has no price. */
static int add_extra(const struct price_rates *dearest, enum price_unit unit, int64_t count,
                     struct money *sum)
{
    return knows(dearest, unit) ? add_dearest(dearest, &unit, 1, count, sum) : 0;
}

int estimate_ceiling(const struct price *price, const struct estimate_bounds *bounds,
                     struct money *ret_cost)
{
    struct price_rates dearest = {0};
    struct money sum = {0};
    int rc;

    raise_brackets(&price->standard, bounds->prompt_tokens_max, &dearest);
    for (unsigned i = 0; i < price->service_count; i++)
        raise_brackets(&price->services[i].brackets, bounds->prompt_tokens_max, &dearest);
    for (unsigned i = 0; i < price->off_peak_count; i++)
        raise_rates(&price->off_peak[i].rates, &dearest);
    if (dearest.known == 0)
        return -ENODATA;
    rc = add_dearest(&dearest, input_units, COUNT_OF(input_units), bounds->prompt_tokens_max, &sum);
    if (rc == 0)
        rc = add_dearest(&dearest, output_units, COUNT_OF(output_units), bounds->output_tokens_max,
                         &sum);
    if (rc == 0)
        rc = add_extra(&dearest, PRICE_WEB_SEARCH, bounds->searches_max, &sum);
    if (rc == 0)
        rc = add_extra(&dearest, PRICE_IMAGE, bounds->images_max, &sum);
    if (rc == 0)
        rc = add_extra(&dearest, PRICE_REQUEST, 1, &sum);
    if (rc == 0 && price->multiplier_ppm > 0)
        rc = money_scale(sum, price->multiplier_ppm, PRICE_MULTIPLIER_NONE, &sum);
    if (rc == 0)
        *ret_cost = sum;
    return rc;
}
