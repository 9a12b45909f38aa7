/* estimate_ceiling_test.c - no request costs more than its hold, and dialects agree on the same
 * tokens: for prices, counts and terms of every kind. */
#include "accounting/estimate.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define AT INT64_C(1790752558000)           /* 2026-09-30 */
#define M(milli) ((milli)*INT64_C(1000000)) /* thousandths of USD per million tokens */
#define ABSENT USAGE_ABSENT

/* Rates by unit; here a unit without a rate has no price. */
struct rates {
    int64_t femto[PRICE_UNITS];
};

static struct price_rates known(const struct rates *rates)
{
    struct price_rates result = {0};

    for (unsigned unit = 0; unit < PRICE_UNITS; unit++) {
        result.unit[unit].femto = rates->femto[unit];
        if (rates->femto[unit] != 0)
            result.known |= 1U << unit;
    }
    return result;
}

static struct price priced(struct rates base)
{
    return (struct price){.standard.base = known(&base), .multiplier_ppm = PRICE_MULTIPLIER_NONE};
}

static struct price tiered(struct rates base, int64_t above, struct rates rates)
{
    struct price price = priced(base);

    price.standard.tier_count = 1;
    price.standard.tiers[0].above = above;
    price.standard.tiers[0].rates = known(&rates);
    return price;
}

static struct estimate rated(const struct price *price, const struct usage *usage,
                             struct estimate_terms terms)
{
    struct estimate estimate = {.count = 42};
    int rc = estimate_cost(price, usage, &terms, &estimate);

    if (rc != 0)
        fail_msg("not rated: %d", rc);
    return estimate;
}

static void assert_ceiling(const struct price *price, struct estimate_bounds bounds,
                           const char *expected)
{
    struct money cost = {42};
    char text[MONEY_TEXT_MAX];

    assert_int_equal(estimate_ceiling(price, &bounds, &cost), 0);
    money_print(cost, text);
    assert_string_equal(text, expected);
}

static void the_ceiling_takes_the_dearest_rate_that_can_be_met(void **state)
{
    struct price price =
        tiered((struct rates){{[PRICE_INPUT] = M(1000), [PRICE_OUTPUT] = M(4000)}}, 1000,
               (struct rates){{[PRICE_INPUT] = M(2000), [PRICE_OUTPUT] = M(8000)}});
    struct price_service priority = {.name = "priority"};
    struct estimate_bounds bounds = {1000, 100, 0, 0};

    (void)state;
    assert_ceiling(&price, bounds, "0.0014");
    bounds.prompt_tokens_max = 1001; /* now the bracket above can be met */
    assert_ceiling(&price, bounds, "0.002802");
    priority.brackets.base = known(&(struct rates){{[PRICE_CACHE_WRITE_1H] = M(10000)}});
    price.services = &priority;
    price.service_count = 1;
    assert_ceiling(&price, bounds, "0.01081");
    price.standard.base.unit[PRICE_WEB_SEARCH].femto = INT64_C(10000000000000);
    price.standard.base.unit[PRICE_REQUEST].femto = INT64_C(5000000000000);
    price.standard.base.unit[PRICE_IMAGE].femto = INT64_C(40000000000000);
    bounds.searches_max = 2;
    bounds.images_max = 1;
    assert_ceiling(&price, bounds, "0.01081"); /* no price, no cost */
    price.standard.base.known |= 1U << PRICE_WEB_SEARCH | 1U << PRICE_REQUEST | 1U << PRICE_IMAGE;
    assert_ceiling(&price, bounds, "0.07581");
    price.multiplier_ppm = 500000;
    assert_ceiling(&price, bounds, "0.037905");
}

static void a_ceiling_without_a_price_is_refused(void **state)
{
    struct price no_output = priced((struct rates){{[PRICE_INPUT] = M(1000)}});
    struct price nothing = priced((struct rates){{0}});
    struct price dear =
        priced((struct rates){{[PRICE_INPUT] = INT64_MAX, [PRICE_OUTPUT] = INT64_MAX}});
    struct money cost = {42};

    (void)state;
    assert_int_equal(
        estimate_ceiling(&no_output, &(struct estimate_bounds){.output_tokens_max = 1}, &cost),
        -ENODATA);
    assert_int_equal(
        estimate_ceiling(&nothing, &(struct estimate_bounds){.searches_max = 1}, &cost), -ENODATA);
    assert_int_equal(estimate_ceiling(&dear,
                                      &(struct estimate_bounds){.prompt_tokens_max = INT64_MAX,
                                                                .output_tokens_max = INT64_MAX},
                                      &cost),
                     0);
    dear.multiplier_ppm = 100000000;
    cost.femto = 42;
    assert_int_equal(estimate_ceiling(&dear,
                                      &(struct estimate_bounds){.prompt_tokens_max = INT64_MAX,
                                                                .output_tokens_max = INT64_MAX},
                                      &cost),
                     -EOVERFLOW);
    assert_true(cost.femto == 42);
    assert_ceiling(&no_output, (struct estimate_bounds){.prompt_tokens_max = 7}, "0.000007");
}

/* The same pseudo-random values in every run. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static int64_t below(uint64_t *seed, int64_t bound)
{
    return (int64_t)(next_random(seed) % (uint64_t)bound);
}

static struct price_rates any_rates(uint64_t *seed, bool complete)
{
    struct price_rates rates = {0};

    for (unsigned unit = 0; unit < PRICE_UNITS; unit++) {
        if (!(complete && unit <= PRICE_OUTPUT) && below(seed, 2) == 0)
            continue;
        rates.unit[unit].femto = below(seed, 1000000000000);
        rates.known |= 1U << unit;
    }
    return rates;
}

static struct price_brackets any_brackets(uint64_t *seed, bool complete)
{
    struct price_brackets brackets = {.base = any_rates(seed, complete)};

    brackets.tier_count = (unsigned)below(seed, 3);
    for (unsigned i = 0; i < brackets.tier_count; i++) {
        brackets.tiers[i].above = 300 * (i + 1) + below(seed, 200);
        brackets.tiers[i].rates = any_rates(seed, false);
    }
    return brackets;
}

struct any_price {
    struct price price;
    struct price_service services[2];
    struct price_off_peak windows[2];
};

static void make_price(struct any_price *any, uint64_t *seed)
{
    static const char *const names[] = {"priority", "flex"};

    memset(any, 0, sizeof(*any));
    any->price.standard = any_brackets(seed, true);
    for (unsigned i = 0; i < 2; i++) {
        memcpy(any->services[i].name, names[i], strlen(names[i]));
        any->services[i].brackets = any_brackets(seed, false);
        any->windows[i].from_minute = (unsigned)below(seed, 1440);
        any->windows[i].to_minute = (unsigned)below(seed, 1440);
        any->windows[i].weekdays = (unsigned)below(seed, 128);
        any->windows[i].rates = any_rates(seed, false);
    }
    any->price.services = any->services;
    any->price.service_count = (unsigned)below(seed, 3);
    any->price.off_peak = any->windows;
    any->price.off_peak_count = (unsigned)below(seed, 3);
    any->price.multiplier_ppm = 1 + below(seed, 3000000);
}

/* At most so many of what is left; often none, sometimes all. */
static int64_t part_of(uint64_t *seed, int64_t *left)
{
    int64_t part = below(seed, 3) == 0 ? ABSENT : below(seed, *left + 1);

    if (part > 0)
        *left -= part;
    return part;
}

/* Disjoint parts of totals within the bounds, said in one of the three ways there are. */
static struct usage any_usage(uint64_t *seed, const struct estimate_bounds *bounds)
{
    struct usage usage = USAGE_INIT;
    int64_t input = below(seed, bounds->prompt_tokens_max + 1), left = input;
    int64_t output = below(seed, bounds->output_tokens_max + 1), rest = output;
    int64_t way = below(seed, 3), hours;

    usage.cached_tokens = part_of(seed, &left);
    usage.cache_write_tokens = part_of(seed, &left);
    hours = usage.cache_write_tokens > 0 ? usage.cache_write_tokens : 0;
    usage.cache_write_1h_tokens = hours > 0 ? part_of(seed, &hours) : ABSENT;
    usage.audio_tokens = part_of(seed, &left);
    usage.image_input_tokens = part_of(seed, &left);
    usage.video_input_tokens = part_of(seed, &left);
    usage.prompt_tokens = input;
    usage.exclusive = way == 1;
    if (way >= 1 && usage.cache_write_tokens > 0)
        usage.prompt_tokens -= usage.cache_write_tokens;
    if (way == 1 && usage.cached_tokens > 0)
        usage.prompt_tokens -= usage.cached_tokens;
    usage.completion_tokens = output;
    usage.reasoning_tokens = part_of(seed, &rest);
    usage.image_tokens = part_of(seed, &rest);
    usage.audio_output_tokens = part_of(seed, &rest);
    usage.web_searches = below(seed, bounds->searches_max + 1);
    usage.images = below(seed, bounds->images_max + 1);
    return usage;
}

static struct estimate_terms any_terms(uint64_t *seed)
{
    static const struct text tiers[] = {
        {NULL, 0}, TEXT("priority"), TEXT("flex"), TEXT("fast"), TEXT("other")};

    return (struct estimate_terms){.service_tier = tiers[below(seed, 5)],
                                   .at_ms = AT + below(seed, INT64_C(700000000))};
}

/* A hold that is too small lets concurrent requests overspend. */
static void no_usage_within_the_bounds_costs_more_than_the_ceiling(void **state)
{
    uint64_t seed = 4;
    unsigned tried = 0;

    (void)state;
    for (unsigned round = 0; round < 2000; round++) {
        struct any_price any;
        struct estimate_bounds bounds = {1 + below(&seed, 1200), 1 + below(&seed, 500),
                                         below(&seed, 4), below(&seed, 4)};
        struct money ceiling;

        make_price(&any, &seed);
        assert_int_equal(estimate_ceiling(&any.price, &bounds, &ceiling), 0);
        for (unsigned i = 0; i < 20; i++) {
            struct usage usage = any_usage(&seed, &bounds);
            struct estimate_terms terms = any_terms(&seed);
            struct estimate estimate, outside;
            struct usage all_in = usage;

            if (usage.prompt_tokens == ABSENT ||
                estimate_cost(&any.price, &usage, &terms, &estimate) != 0)
                continue;
            assert_true(money_compare(estimate.cost, ceiling) <= 0);
            tried++;
            /* The other reading, where the market cost asks for it. */
            all_in.prompt_tokens += usage.cache_write_tokens > 0 ? usage.cache_write_tokens : 0;
            if (usage.exclusive || all_in.prompt_tokens > bounds.prompt_tokens_max ||
                estimate_cost(&any.price, &all_in, &terms, &outside) != 0)
                continue;
            terms.market = &outside.cost;
            assert_int_equal(estimate_cost(&any.price, &usage, &terms, &estimate), 0);
            assert_true(money_compare(estimate.cost, outside.cost) == 0);
            assert_true(money_compare(estimate.cost, ceiling) <= 0);
        }
    }
    assert_true(tried > 30000);
}

/* The same tokens cost the same in whichever dialect they are said. */
static void dialects_agree_on_the_same_tokens(void **state)
{
    uint64_t seed = 5;

    (void)state;
    for (unsigned round = 0; round < 5000; round++) {
        struct any_price any;
        struct estimate_bounds bounds = {2000, 500, 3, 3};
        struct usage usage, exclusive;
        struct estimate a, b;
        struct estimate_terms terms = any_terms(&seed);

        make_price(&any, &seed);
        do {
            usage = any_usage(&seed, &bounds);
        } while (usage.exclusive);
        exclusive = usage;
        exclusive.exclusive = true;
        if (usage.cached_tokens > 0)
            exclusive.prompt_tokens -= usage.cached_tokens;
        if (usage.cache_write_tokens > 0)
            exclusive.prompt_tokens -= usage.cache_write_tokens;
        if (exclusive.prompt_tokens < 0)
            continue;
        a = rated(&any.price, &usage, terms);
        b = rated(&any.price, &exclusive, terms);
        assert_true(money_compare(a.cost, b.cost) == 0);
        assert_int_equal(a.count, b.count);
        assert_int_equal(a.above, b.above);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ceiling_takes_the_dearest_rate_that_can_be_met),
        cmocka_unit_test(a_ceiling_without_a_price_is_refused),
        cmocka_unit_test(no_usage_within_the_bounds_costs_more_than_the_ceiling),
        cmocka_unit_test(dialects_agree_on_the_same_tokens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
