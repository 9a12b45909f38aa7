/* cause.c - re-rates the same usage under each suspicion. See cause.h.
 *
 * A suspicion about rates is made of what price_pick() gives under other terms, laid flat into a
 * price without tiers; one about counts of a changed usage. Both then go through estimate_cost(),
 * so that no arithmetic is done twice.
 */
#include "accounting/cause.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum {
    SEARCHES_MAX = 100, /* of one request, that a difference may be explained by */
    PPM_MIN = 5000,     /* a plain percentage: 0.5 % */
    PPM_MAX = 950000,   /* to 95 % */
    PPM_ALL = 1000000,
    CHANCE = 6, /* of three figures as coarse at most one is near a percentage by accident */
    DAYS = 7,   /* of a week, in which every off-peak window comes once */
};
#define DAY_MS INT64_C(86400000)
#define MINUTE_MS INT64_C(60000)
#define FEMTO_MAX ((__int128)1 << 100) /* 1e15 USD: beyond, no percentage is looked for */

/* Vercel's published fees per request: zero data retention and the provider allow-list cost 0.0001
 * USD each, a new value of a tag, user or quota 0.000075 USD (vercel sections 10 and 14). */
enum { FEES_MAX = 2, WRITES_MAX = 12 };
#define FEE_FEMTO INT64_C(100000000000)
#define WRITE_FEMTO INT64_C(75000000000)

struct search {
    const struct cause_input *input;
    struct usage usage; /* what was rated; then the other reading of it */
    struct money reported;
    enum cause found;
    struct money distance; /* of what was found */
};

/* --- judging one figure --- */

/* Whether a row with this estimate would be matched, and how far off it still is. */
static bool is_near(struct money reported, struct money figure, int64_t tolerance_ppm,
                    struct money *ret_distance)
{
    struct reconcile_input input = {
        .billed = {true, reported},
        .estimated = {true, figure},
        .tolerance_ppm = tolerance_ppm,
    };
    struct reconcile_result result;

    if (reconcile(&input, &result) < 0 || result.verdict != VERDICT_MATCHED)
        return false;
    return money_absolute(result.difference.money, ret_distance) == 0;
}

static void weigh(struct search *search, enum cause cause, struct money figure,
                  int64_t tolerance_ppm)
{
    struct money distance = {0};
    int order;

    if (!is_near(search->reported, figure, tolerance_ppm, &distance))
        return;
    order = search->found == CAUSE_NONE ? -1 : money_compare(distance, search->distance);
    if (order > 0 || (order == 0 && search->found < cause))
        return;
    search->found = cause;
    search->distance = distance;
}

static void suspect(struct search *search, enum cause cause, struct money figure)
{
    weigh(search, cause, figure, search->input->tolerance_ppm);
}

/* --- re-rating --- */

static bool rate(const struct search *search, const struct price *price, const struct usage *usage,
                 struct text service_tier, struct money *ret_cost)
{
    struct estimate_terms terms = {.service_tier = service_tier, .at_ms = search->input->at_ms};
    struct estimate estimate;

    if (price == NULL || estimate_cost(price, usage, &terms, &estimate) < 0)
        return false;
    *ret_cost = estimate.cost;
    return true;
}

/* The same counts at other rates. */
static void suspect_price(struct search *search, enum cause cause, const struct price *price,
                          struct text service_tier)
{
    struct money figure;

    if (rate(search, price, &search->usage, service_tier, &figure))
        suspect(search, cause, figure);
}

static void suspect_pick(struct search *search, enum cause cause, const struct price_pick *pick)
{
    struct price flat = {.standard.base = pick->rates, .multiplier_ppm = pick->multiplier_ppm};

    suspect_price(search, cause, &flat, (struct text){NULL, 0});
}

/* Other counts at the same rates. */
static void suspect_usage(struct search *search, enum cause cause, const struct usage *usage)
{
    struct money figure;

    if (rate(search, search->input->price, usage, search->input->service_tier, &figure))
        suspect(search, cause, figure);
}

static struct price_pick pick_at(const struct search *search, int64_t prompt_tokens, int64_t at_ms)
{
    struct price_terms terms = {prompt_tokens, search->input->service_tier, at_ms};

    return price_pick(search->input->price, &terms);
}

static int64_t counted(int64_t tokens)
{
    return tokens > 0 ? tokens : 0;
}

static int64_t all_writes(const struct usage *usage)
{
    return usage->cache_write_tokens >= 0 ? usage->cache_write_tokens
                                          : counted(usage->cache_write_1h_tokens);
}

/* Total input of a reading, as estimate.c counts it. */
static int64_t total_of(const struct usage *usage)
{
    int64_t total = counted(usage->prompt_tokens);

    if (usage->exclusive && (__builtin_add_overflow(total, counted(usage->cached_tokens), &total) ||
                             __builtin_add_overflow(total, all_writes(usage), &total)))
        return INT64_MAX;
    return total;
}

/* --- the suspicions --- */

/* Moves tokens that an exclusive prompt leaves out into it; an inclusive one has them. */
static bool move_into_prompt(struct usage *usage, int64_t tokens)
{
    return !usage->exclusive ||
           !__builtin_add_overflow(usage->prompt_tokens, tokens, &usage->prompt_tokens);
}

/* Reads, writes, or both of them. */
static void suspect_cache_ignored(struct search *search)
{
    for (int which = 1; which <= 3; which++) {
        struct usage usage = search->usage;
        int64_t read = which & 1 ? counted(usage.cached_tokens) : 0;
        int64_t written = which & 2 ? all_writes(&usage) : 0;

        if (!move_into_prompt(&usage, read) || !move_into_prompt(&usage, written))
            continue; /* more tokens than any sum holds */
        if (which & 1)
            usage.cached_tokens = 0;
        if (which & 2)
            usage.cache_write_tokens = usage.cache_write_1h_tokens = 0;
        suspect_usage(search, CAUSE_CACHE_IGNORED, &usage);
    }
}

/* Every bracket's rates for the whole request, whatever its size. */
static void suspect_tiers(struct search *search)
{
    const struct price *price = search->input->price;
    struct price_pick pick = pick_at(search, 0, search->input->at_ms);
    const struct price_brackets *brackets[] = {&price->standard,
                                               pick.tier != NULL ? &pick.tier->brackets : NULL};

    suspect_pick(search, CAUSE_TIER_MISSED, &pick);
    for (size_t i = 0; i < sizeof(brackets) / sizeof(brackets[0]); i++) {
        for (unsigned tier = 0; brackets[i] != NULL && tier < brackets[i]->tier_count; tier++) {
            pick = pick_at(search, brackets[i]->tiers[tier].above + 1, search->input->at_ms);
            suspect_pick(search, CAUSE_TIER_MISSED, &pick);
        }
    }
}

static void suspect_service_tiers(struct search *search)
{
    const struct price *price = search->input->price;

    if (search->input->estimate->service_tier[0] != '\0')
        suspect_price(search, CAUSE_SERVICE_TIER, price, (struct text){NULL, 0});
    for (unsigned i = 0; i < price->service_count; i++) {
        const char *name = price->services[i].name;

        if (strcmp(name, search->input->estimate->service_tier) != 0)
            suspect_price(search, CAUSE_SERVICE_TIER, price, text_of(name));
    }
}

/* Where no 1-hour price is listed it is twice that of input (vercel section 9). */
static void suspect_unlisted_hour(struct search *search, const struct usage *usage)
{
    struct price_pick pick = pick_at(search, total_of(usage), search->input->at_ms);
    struct unit_price *hour = &pick.rates.unit[PRICE_CACHE_WRITE_1H];
    struct price flat = {.multiplier_ppm = pick.multiplier_ppm};
    struct money figure;

    if ((pick.rates.known & 1U << PRICE_CACHE_WRITE_1H) != 0 ||
        (pick.rates.known & 1U << PRICE_INPUT) == 0 ||
        __builtin_mul_overflow(pick.rates.unit[PRICE_INPUT].femto, 2, &hour->femto))
        return;
    pick.rates.known |= 1U << PRICE_CACHE_WRITE_1H;
    flat.standard.base = pick.rates;
    if (rate(search, &flat, usage, (struct text){NULL, 0}, &figure))
        suspect(search, CAUSE_CACHE_TTL, figure);
}

/* Some were kept for an hour and some for five minutes: a whole number of them, exactly, must give
 * what was reported, for any number between is a suspect. */
static void suspect_ttl_mix(struct search *search, struct usage usage, int64_t all)
{
    struct money low, high;
    __int128 span, rest;

    usage.cache_write_1h_tokens = 0;
    if (!rate(search, search->input->price, &usage, search->input->service_tier, &low))
        return;
    usage.cache_write_1h_tokens = all;
    if (!rate(search, search->input->price, &usage, search->input->service_tier, &high))
        return;
    if (__builtin_sub_overflow(high.femto, low.femto, &span) || span <= 0 || span % all != 0 ||
        __builtin_sub_overflow(search->reported.femto, low.femto, &rest))
        return;
    if (rest > 0 && rest < span && rest % (span / all) == 0)
        weigh(search, CAUSE_CACHE_TTL, search->reported, 0);
}

static void suspect_cache_ttl(struct search *search)
{
    struct usage usage = search->usage;
    int64_t all = all_writes(&usage), hour = counted(usage.cache_write_1h_tokens);
    int64_t hours[] = {all, 0, all > hour ? all - hour : 0, hour};

    if (all == 0)
        return;
    usage.cache_write_tokens = all;
    for (size_t which = 0; which < sizeof(hours) / sizeof(hours[0]); which++) {
        usage.cache_write_1h_tokens = hours[which];
        suspect_usage(search, CAUSE_CACHE_TTL, &usage);
        if (hours[which] > 0)
            suspect_unlisted_hour(search, &usage);
    }
    suspect_ttl_mix(search, usage, all);
}

/* The fee that was reported; where none was, and no list price to compare with, a published one. */
static void suspect_surcharge(struct search *search)
{
    const struct cause_input *input = search->input;
    struct money estimated = input->estimate->cost, figure;

    if (input->surcharge.known) {
        if (money_add(estimated, input->surcharge.money, &figure) == 0)
            suspect(search, CAUSE_SURCHARGE, figure);
        return;
    }
    if (input->market.known)
        return;
    for (int fees = 0; fees <= FEES_MAX; fees++) {
        for (int writes = 0; writes <= WRITES_MAX; writes++) {
            struct money fee = {fees * FEE_FEMTO + writes * WRITE_FEMTO};

            if (fee.femto > 0 && money_add(estimated, fee, &figure) == 0)
                weigh(search, CAUSE_SURCHARGE, figure, 0);
        }
    }
}

/* Under one's own key the gateway asks a fee or nothing. Without the vendor's bill that is all
 * there is to compare, and no list price: it differs by its nature. With it the fee comes on top.
 */
static void suspect_byok(struct search *search)
{
    const struct cause_input *input = search->input;
    struct money figure;

    if (input->byok != 1 || input->market.known)
        return;
    if (!input->upstream.known)
        suspect(search, CAUSE_BYOK, search->reported);
    else if (money_add(input->estimate->cost, input->billed.money, &figure) == 0)
        suspect(search, CAUSE_BYOK, figure);
}

/* How many searches make up for the difference, to the nearest. */
static int64_t searches_in(struct money difference, struct money each)
{
    __int128 count;

    if (each.femto <= 0 || difference.femto < 0)
        return -1;
    count = difference.femto / each.femto + (difference.femto % each.femto > each.femto / 2);
    return count <= SEARCHES_MAX ? (int64_t)count : -1;
}

static void suspect_searches(struct search *search)
{
    const struct price *price = search->input->price;
    struct usage usage = search->usage;
    struct text tier = search->input->service_tier;
    int64_t said = counted(usage.web_searches);
    struct money none, one, figure;

    usage.web_searches = 0;
    if (!rate(search, price, &usage, tier, &none))
        return;
    if (said > 0)
        suspect(search, CAUSE_SEARCH_FEE, none);
    usage.web_searches = 1;
    if (!rate(search, price, &usage, tier, &one) || money_subtract(one, none, &one) < 0 ||
        money_subtract(search->reported, none, &figure) < 0)
        return;
    usage.web_searches = searches_in(figure, one);
    if (usage.web_searches > 0 && usage.web_searches != said &&
        rate(search, price, &usage, tier, &figure))
        weigh(search, CAUSE_SEARCH_FEE, figure, 0);
}

/* The other reading of an inclusive prompt: that it leaves out the cache writes. False where there
 * is none. */
static bool read_outside(const struct usage *usage, struct usage *ret_outside)
{
    struct usage outside = *usage;

    if (usage->exclusive || usage->prompt_tokens < 0 || all_writes(usage) == 0 ||
        __builtin_add_overflow(outside.prompt_tokens, all_writes(usage), &outside.prompt_tokens))
        return false;
    *ret_outside = outside;
    return true;
}

static struct usage merged_usage(const struct cause_input *input)
{
    struct usage merged = input->usage;

    usage_take(&merged, &input->record_usage);
    return merged;
}

static void suspect_counts(struct search *search)
{
    struct usage usages[] = {search->input->usage, merged_usage(search->input)}, outside;

    for (size_t i = 0; i < sizeof(usages) / sizeof(usages[0]); i++) {
        suspect_usage(search, CAUSE_TOKEN_COUNT, &usages[i]);
        if (read_outside(&usages[i], &outside))
            suspect_usage(search, CAUSE_TOKEN_COUNT, &outside);
    }
}

/* The rates of the hours that are priced otherwise. */
static void suspect_hours(struct search *search)
{
    struct price peak = *search->input->price;
    int64_t day = search->input->at_ms / DAY_MS * DAY_MS;

    if (peak.off_peak_count == 0)
        return;
    for (unsigned i = 0; i < peak.off_peak_count; i++) {
        for (int64_t later = 0; later < DAYS; later++) {
            int64_t at_ms = day + later * DAY_MS + peak.off_peak[i].from_minute * MINUTE_MS;
            struct price_pick pick = pick_at(search, total_of(&search->usage), at_ms);

            if (pick.off_peak)
                suspect_pick(search, CAUSE_PRICE_VERSION, &pick);
        }
    }
    peak.off_peak_count = 0;
    suspect_price(search, CAUSE_PRICE_VERSION, &peak, search->input->service_tier);
}

static void suspect_versions(struct search *search)
{
    const struct cause_input *input = search->input;

    for (size_t i = 0; i < input->version_count; i++) {
        bool is_next = i > 0 && input->versions[i - 1].from_ms == input->price->from_ms;
        bool is_previous =
            i + 1 < input->version_count && input->versions[i + 1].from_ms == input->price->from_ms;

        if (is_next || is_previous)
            suspect_price(search, CAUSE_PRICE_VERSION, &input->versions[i], input->service_tier);
    }
    suspect_hours(search);
}

/* --- the last resort --- */

/* The place value of the last digit that a figure is written with. */
static __int128 last_place(__int128 figure)
{
    __int128 place = 1;

    while (place < FEMTO_MAX && figure % (place * 10) == 0)
        place *= 10;
    return place;
}

/* Whether reported is estimated and so many whole steps of a percentage more or less, as exactly as
 * it is written. */
static bool is_percentage(__int128 estimated, __int128 reported, int64_t step_ppm)
{
    __int128 size = reported > estimated ? reported - estimated : estimated - reported;
    __int128 step = estimated * step_ppm; /* in millionths */
    __int128 slack = last_place(reported) / 2;
    int64_t ppm = (int64_t)((size * PPM_ALL + step / 2) / step) * step_ppm;
    struct money figure, distance;

    if (slack == 0)
        slack = 1; /* half-even, either way */
    if (ppm < PPM_MIN || ppm > PPM_MAX || slack * CHANCE * PPM_ALL > step)
        return false;
    ppm = reported > estimated ? PPM_ALL + ppm : PPM_ALL - ppm;
    if (money_scale((struct money){estimated}, ppm, PPM_ALL, &figure) < 0 ||
        money_subtract((struct money){reported}, figure, &distance) < 0)
        return false;
    return distance.femto <= slack && distance.femto >= -slack;
}

static enum cause find_percentage(struct money estimated, struct money reported)
{
    static const int64_t steps_ppm[] = {10000, 100, 1};

    if (estimated.femto <= 0 || estimated.femto > FEMTO_MAX || reported.femto <= 0 ||
        reported.femto > 2 * estimated.femto)
        return CAUSE_UNEXPLAINED;
    for (size_t i = 0; i < sizeof(steps_ppm) / sizeof(steps_ppm[0]); i++) {
        if (is_percentage(estimated.femto, reported.femto, steps_ppm[i]))
            return reported.femto > estimated.femto ? CAUSE_MARKUP : CAUSE_DISCOUNT;
    }
    return CAUSE_UNEXPLAINED;
}

/* --- all of it --- */

/* False: nothing was reported that could be compared. */
static bool find_reported(const struct cause_input *input, struct money *ret_reported)
{
    if (input->market.known) {
        *ret_reported = input->market.money;
        return true;
    }
    if (!input->billed.known)
        return false;
    *ret_reported = input->billed.money;
    return !input->upstream.known ||
           money_add(input->billed.money, input->upstream.money, ret_reported) == 0;
}

/* True where the estimate was made of these counts, which are then searched. */
static bool use_counts(struct search *search, const struct usage *usage)
{
    const struct cause_input *input = search->input;
    struct money cost;

    search->usage = *usage;
    return rate(search, input->price, usage, input->service_tier, &cost) &&
           money_compare(cost, input->estimate->cost) == 0;
}

static void suspect_rates_and_counts(struct search *search)
{
    if (search->input->price == NULL)
        return;
    suspect_cache_ignored(search);
    suspect_tiers(search);
    suspect_service_tiers(search);
    suspect_cache_ttl(search);
    suspect_searches(search);
    suspect_counts(search);
    suspect_versions(search);
}

/* Suspicions about the counts as they were read for the estimate come first: what holds only with
 * the other reading besides is two suspicions at once. */
static void suspect_all(struct search *search)
{
    struct usage usages[] = {merged_usage(search->input), search->input->usage}, outside;
    size_t rated = 0;
    bool other;

    while (rated < 2 && !use_counts(search, &usages[rated]) &&
           !(read_outside(&usages[rated], &outside) && use_counts(search, &outside)))
        rated++;
    if (rated == 2)
        use_counts(search, &usages[--rated]);
    other = read_outside(&usages[rated], &outside);
    if (other && usage_equal(&search->usage, &outside))
        outside = usages[rated];
    suspect_rates_and_counts(search);
    suspect_surcharge(search);
    suspect_byok(search);
    if (other && search->found == CAUSE_NONE) {
        use_counts(search, &outside);
        suspect_rates_and_counts(search);
    }
}

enum cause cause_find(const struct cause_input *input)
{
    struct search search = {.input = input};
    struct money distance;

    assert(input->tolerance_ppm >= 0);
    if (input->estimate == NULL || !find_reported(input, &search.reported))
        return CAUSE_NONE;
    if (is_near(search.reported, input->estimate->cost, input->tolerance_ppm, &distance))
        return CAUSE_NONE;
    suspect_all(&search);
    if (search.found == CAUSE_NONE)
        search.found = find_percentage(input->estimate->cost, search.reported);
    return search.found;
}
