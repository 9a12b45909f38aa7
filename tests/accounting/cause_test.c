/* cause_test.c - each reason for a difference is found by re-rating, and near misses are not. */
#include "accounting/cause.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define AT INT64_C(1790752558000)           /* 2026-09-30, a Wednesday, 07:15:58 UTC */
#define M(milli) ((milli)*INT64_C(1000000)) /* thousandths of USD per million tokens */
#define ABSENT USAGE_ABSENT
#define STANDARD ((struct text){NULL, 0})

/* One model with everything that a price can have. */
static struct {
    struct price_service services[2];
    struct price_off_peak night;
    struct price versions[3];
} model;

static void set(struct price_rates *rates, enum price_unit unit, int64_t femto)
{
    rates->unit[unit].femto = femto;
    rates->known |= 1U << unit;
}

static struct price_rates tokens(int64_t input, int64_t output, int64_t read, int64_t write,
                                 int64_t hour)
{
    struct price_rates rates = {0};

    set(&rates, PRICE_INPUT, input);
    set(&rates, PRICE_OUTPUT, output);
    set(&rates, PRICE_CACHE_READ, read);
    set(&rates, PRICE_CACHE_WRITE, write);
    if (hour > 0)
        set(&rates, PRICE_CACHE_WRITE_1H, hour);
    return rates;
}

static int set_up(void **state)
{
    struct price *now = &model.versions[1];

    (void)state;
    memset(&model, 0, sizeof(model));
    memcpy(model.services[0].name, "priority", 8);
    model.services[0].brackets.base = tokens(M(5000), M(25000), M(500), M(6000), M(9000));
    memcpy(model.services[1].name, "flex", 4);
    model.services[1].brackets.base = tokens(M(1500), M(7500), M(150), M(1875), M(3000));
    model.night.from_minute = 16 * 60;
    model.night.to_minute = 30;
    model.night.weekdays = 1U << 5; /* the night from Saturday */
    set(&model.night.rates, PRICE_OUTPUT, M(11000));
    now->from_ms = 1000;
    now->standard.base = tokens(M(3000), M(15000), M(300), M(3750), M(6000));
    set(&now->standard.base, PRICE_WEB_SEARCH, INT64_C(10000000000000));
    now->standard.tiers[0].above = 200000;
    now->standard.tiers[0].rates = tokens(M(6100), M(22500), M(600), M(7500), M(12000));
    now->standard.tier_count = 1;
    now->multiplier_ppm = PRICE_MULTIPLIER_NONE;
    model.versions[0] = *now;
    model.versions[0].from_ms = 0;
    set(&model.versions[0].standard.base, PRICE_INPUT, M(3300));
    model.versions[2] = *now;
    model.versions[2].from_ms = AT + 1;
    set(&model.versions[2].standard.base, PRICE_OUTPUT, M(14200));
    now->services = model.services;
    now->service_count = 2;
    return 0;
}

static struct usage chat(int64_t prompt, int64_t completion, int64_t cached, int64_t written,
                         int64_t hour)
{
    struct usage usage = USAGE_INIT;

    usage.prompt_tokens = prompt;
    usage.completion_tokens = completion;
    usage.cached_tokens = cached;
    usage.cache_write_tokens = written;
    usage.cache_write_1h_tokens = hour;
    return usage;
}

static struct maybe_money usd(const char *text)
{
    struct maybe_money result = {.known = true};

    assert_int_equal(money_parse(text, strlen(text), &result.money, NULL), 0);
    return result;
}

/* What the usage costs at the price in force, or another, in a service tier. */
static struct estimate rate_at(const struct price *price, const struct usage *usage,
                               struct text service_tier, int64_t at_ms)
{
    struct estimate_terms terms = {.service_tier = service_tier, .at_ms = at_ms};
    struct estimate estimate;

    assert_int_equal(estimate_cost(price, usage, &terms, &estimate), 0);
    return estimate;
}

static struct maybe_money cost_of(const struct usage *usage)
{
    return (struct maybe_money){true, rate_at(&model.versions[1], usage, STANDARD, AT).cost};
}

static struct maybe_money plus(struct maybe_money money, int64_t femto)
{
    money.money.femto += femto;
    return money;
}

/* A row of this usage with this market cost. */
struct asked {
    struct estimate estimate;
    struct cause_input input;
};

static struct asked *ask(struct asked *asked, struct usage usage, struct maybe_money market)
{
    *asked = (struct asked){.input = {
                                .versions = model.versions,
                                .version_count = 3,
                                .price = &model.versions[1],
                                .usage = usage,
                                .record_usage = USAGE_INIT,
                                .at_ms = AT,
                                .market = market,
                                .byok = -1,
                                .tolerance_ppm = 1000,
                            }};
    asked->estimate = rate_at(&model.versions[1], &usage, STANDARD, AT);
    asked->input.estimate = &asked->estimate;
    return asked;
}

static void assert_found(struct asked *asked, enum cause expected)
{
    assert_int_equal(cause_find(&asked->input), expected);
}

static void assert_cause(struct usage usage, struct maybe_money market, enum cause expected)
{
    struct asked asked;

    assert_found(ask(&asked, usage, market), expected);
}

/* Beyond the tolerance of what would explain it. */
static void assert_near_miss(struct usage usage, struct maybe_money market)
{
    int64_t off = (int64_t)(market.money.femto / 900) + 1000001;

    assert_cause(usage, plus(market, off), CAUSE_UNEXPLAINED);
    assert_cause(usage, plus(market, -off), CAUSE_UNEXPLAINED);
}

static void no_difference_has_no_cause(void **state)
{
    struct usage usage = chat(1003, 127, 400, 0, 0);
    struct maybe_money cost = cost_of(&usage);
    struct asked asked;

    (void)state;
    assert_cause(usage, cost, CAUSE_NONE);
    assert_cause(usage, plus(cost, (int64_t)(cost.money.femto / 1000)), CAUSE_NONE);
    assert_cause(usage, plus(cost, (int64_t)(cost.money.femto / 1000) + 1), CAUSE_UNEXPLAINED);
    assert_cause(usage, (struct maybe_money){0}, CAUSE_NONE);
    ask(&asked, usage, usd("1"));
    asked.input.estimate = NULL;
    assert_found(&asked, CAUSE_NONE);
    ask(&asked, usage, (struct maybe_money){0});
    asked.input.upstream = usd("1"); /* a vendor's bill alone is no report */
    assert_found(&asked, CAUSE_NONE);
}

/* delta = cached x (input - read). */
static void cached_tokens_billed_as_input_are_seen(void **state)
{
    struct usage usage = chat(12003, 127, 8000, 0, 0), full = usage, exclusive = usage;

    (void)state;
    full.cached_tokens = 0;
    assert_int_equal((int64_t)(cost_of(&full).money.femto - cost_of(&usage).money.femto),
                     8000 * M(2700));
    assert_cause(usage, cost_of(&full), CAUSE_CACHE_IGNORED);
    assert_near_miss(usage, cost_of(&full));
    exclusive.exclusive = true;
    exclusive.prompt_tokens = 4003;
    assert_cause(exclusive, cost_of(&full), CAUSE_CACHE_IGNORED);
    usage = chat(12003, 127, 4000, 5000, 1000);
    full = chat(12003, 127, 4000, 0, 0);
    assert_cause(usage, cost_of(&full), CAUSE_CACHE_IGNORED);
    full = chat(12003, 127, 0, 0, 0);
    assert_cause(usage, cost_of(&full), CAUSE_CACHE_IGNORED);
    exclusive = usage;
    exclusive.exclusive = true;
    exclusive.prompt_tokens = 3003;
    assert_cause(exclusive, cost_of(&full), CAUSE_CACHE_IGNORED);
}

static void another_context_tier_is_seen(void **state)
{
    struct usage small = chat(150011, 127, 0, 0, 0), large = chat(250011, 127, 0, 0, 0);
    struct price high = model.versions[1], low = model.versions[1];

    (void)state;
    high.standard.tiers[0].above = 100000;
    low.standard.tier_count = 0;
    assert_cause(small, (struct maybe_money){true, rate_at(&high, &small, STANDARD, AT).cost},
                 CAUSE_TIER_MISSED);
    assert_cause(large, (struct maybe_money){true, rate_at(&low, &large, STANDARD, AT).cost},
                 CAUSE_TIER_MISSED);
    assert_near_miss(small, (struct maybe_money){true, rate_at(&high, &small, STANDARD, AT).cost});
}

static void another_service_tier_is_seen(void **state)
{
    struct usage usage = chat(1003, 127, 0, 0, 0);
    const struct price *price = &model.versions[1];
    struct maybe_money priority = {true, rate_at(price, &usage, TEXT("priority"), AT).cost};
    struct asked asked;

    (void)state;
    assert_cause(usage, priority, CAUSE_SERVICE_TIER);
    assert_cause(usage, (struct maybe_money){true, rate_at(price, &usage, TEXT("flex"), AT).cost},
                 CAUSE_SERVICE_TIER);
    assert_near_miss(usage, priority);
    /* Returned as priority, billed as standard. */
    ask(&asked, usage, cost_of(&usage));
    asked.input.service_tier = TEXT("priority");
    asked.estimate = rate_at(price, &usage, TEXT("priority"), AT);
    assert_found(&asked, CAUSE_SERVICE_TIER);
}

static void writes_kept_for_another_time_are_seen(void **state)
{
    struct usage usage = chat(12003, 127, 0, 9000, 2000), other = usage;

    (void)state;
    other.cache_write_1h_tokens = 9000;
    assert_cause(usage, cost_of(&other), CAUSE_CACHE_TTL);
    assert_near_miss(usage, cost_of(&other));
    other.cache_write_1h_tokens = 0;
    assert_cause(usage, cost_of(&other), CAUSE_CACHE_TTL);
    other.cache_write_1h_tokens = 7000; /* the two taken for one another */
    assert_cause(usage, cost_of(&other), CAUSE_CACHE_TTL);
    /* What the answer did not split was for an hour. */
    usage.cache_write_1h_tokens = ABSENT;
    other.cache_write_1h_tokens = 9000;
    assert_cause(usage, cost_of(&other), CAUSE_CACHE_TTL);
}

/* The gateway lists no 1-hour price: it is twice that of input. */
static void unlisted_hours_are_known_all_the_same(void **state)
{
    struct usage usage = chat(12003, 127, 0, 9000, 9000);
    struct asked asked;

    (void)state;
    model.versions[1].standard.base.known &= ~(1U << PRICE_CACHE_WRITE_1H);
    model.services[0].brackets.base.known &= ~(1U << PRICE_CACHE_WRITE_1H);
    model.services[1].brackets.base.known &= ~(1U << PRICE_CACHE_WRITE_1H);
    /* 3003 x 3 + 9000 x 6 + 127 x 15 */
    ask(&asked, usage, usd("0.064914"));
    assert_true(asked.estimate.flags & ESTIMATE_FALLBACK_PRICE);
    assert_found(&asked, CAUSE_CACHE_TTL);
    usage.cache_write_1h_tokens = ABSENT;
    assert_cause(usage, usd("0.064914"), CAUSE_CACHE_TTL);
}

static void fees_are_seen(void **state)
{
    struct usage usage = chat(1003, 127, 0, 0, 0);
    struct maybe_money cost = cost_of(&usage), fee = usd("0.000317");
    struct asked asked;

    (void)state;
    ask(&asked, usage, (struct maybe_money){0});
    asked.input.billed = plus(cost, (int64_t)fee.money.femto);
    assert_found(&asked, CAUSE_UNEXPLAINED);
    asked.input.surcharge = fee;
    assert_found(&asked, CAUSE_SURCHARGE);
    asked.input.surcharge = usd("0.000327"); /* not that one */
    assert_found(&asked, CAUSE_UNEXPLAINED);
    /* Published fees, where the record has no name for them: zero data retention; and with it an
     * allow-list and two tags. */
    ask(&asked, usage, (struct maybe_money){0});
    asked.input.billed = plus(cost, INT64_C(100000000000));
    assert_found(&asked, CAUSE_SURCHARGE);
    asked.input.billed = plus(cost, INT64_C(350000000000));
    assert_found(&asked, CAUSE_SURCHARGE);
    asked.input.billed = plus(cost, INT64_C(100001000001)); /* to 1e-9 USD, no tolerance */
    assert_found(&asked, CAUSE_UNEXPLAINED);
    /* A list price has no fees in it. */
    asked.input.market = plus(cost, INT64_C(100000000000));
    assert_found(&asked, CAUSE_UNEXPLAINED);
}

static void plain_percentages_are_the_last_resort(void **state)
{
    static const struct {
        const char *estimated, *reported;
        enum cause cause;
    } cases[] = {
        {"0.00254674", "0.002419403", CAUSE_DISCOUNT},    /* 5 % */
        {"0.00254674", "0.0024194", CAUSE_DISCOUNT},      /* the same, rounded to 8 places */
        {"0.00254674", "0.002674077", CAUSE_MARKUP},      /* 5 % */
        {"0.00254674", "0.002228397500", CAUSE_DISCOUNT}, /* 12.5 % */
        {"0.0000032", "0.00000304", CAUSE_DISCOUNT},      /* 5 % of very little */
        {"1.1", "0.9641984", CAUSE_DISCOUNT},             /* 12.3456 % */
        {"1", "0.876544", CAUSE_UNEXPLAINED},           /* as any other six digits of 1 would be */
        {"1.234567891", "1.082153077", CAUSE_DISCOUNT}, /* the same, rounded to 9 places */
        {"1.234567891", "1.082153704", CAUSE_UNEXPLAINED}, /* 12.345357 % */
        {"1", "0.87654449", CAUSE_UNEXPLAINED},            /* 12.345551 %: five decimals */
        {"1.23", "1.22385", CAUSE_DISCOUNT},
        {"1.23", "1.223973", CAUSE_UNEXPLAINED}, /* below half a percent */
        {"1.23", "0.0615", CAUSE_DISCOUNT},
        {"1.23", "0.0492", CAUSE_UNEXPLAINED},
        {"1.23", "2.3985", CAUSE_MARKUP},
        {"1.23", "2.4108", CAUSE_UNEXPLAINED},
        {"1", "0", CAUSE_UNEXPLAINED},
        {"0", "1", CAUSE_UNEXPLAINED},
        {"0.0031", "0.003", CAUSE_UNEXPLAINED}, /* too coarse to tell 3 % from 5 % */
        {"0.000123457", "0.000111", CAUSE_UNEXPLAINED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct estimate estimate = {.cost = usd(cases[i].estimated).money};
        struct cause_input input = {
            .estimate = &estimate,
            .usage = USAGE_INIT,
            .record_usage = USAGE_INIT,
            .market = usd(cases[i].reported),
            .byok = -1,
            .tolerance_ppm = 1000,
        };
        enum cause found = cause_find(&input);

        if (found != cases[i].cause)
            fail_msg("%s against %s: %d", cases[i].reported, cases[i].estimated, (int)found);
    }
}

/* Half of the price is the flex tier, not a discount of 50 %. */
static void a_percentage_gives_way_to_any_other_cause(void **state)
{
    struct usage usage = chat(1003, 127, 0, 0, 0);
    struct maybe_money half = cost_of(&usage);

    (void)state;
    half.money.femto /= 2;
    assert_cause(usage, half, CAUSE_SERVICE_TIER);
    model.versions[1].service_count = 0;
    assert_cause(usage, half, CAUSE_DISCOUNT);
    half = cost_of(&usage);
    half.money.femto += half.money.femto / 4;
    assert_cause(usage, half, CAUSE_MARKUP);
}

static void ones_own_key_is_seen(void **state)
{
    struct usage usage = chat(1003, 127, 0, 0, 0);
    struct maybe_money cost = cost_of(&usage), fee = usd("0.000245");
    struct asked asked;

    (void)state;
    ask(&asked, usage, (struct maybe_money){0});
    asked.input.billed = usd("0");
    assert_found(&asked, CAUSE_UNEXPLAINED); /* nobody said that it was one's own */
    asked.input.byok = 0;
    assert_found(&asked, CAUSE_UNEXPLAINED);
    asked.input.byok = 1;
    assert_found(&asked, CAUSE_BYOK);
    asked.input.billed = fee; /* 5 % of it, or whatever they ask */
    assert_found(&asked, CAUSE_BYOK);
    /* The vendor's bill is the list price, and the fee comes besides. */
    asked.input.upstream = cost;
    assert_found(&asked, CAUSE_BYOK);
    asked.input.upstream = plus(cost, INT64_C(50000123457));
    assert_found(&asked, CAUSE_UNEXPLAINED);
    /* With a list price there is something better to compare. */
    asked.input.upstream = cost;
    asked.input.market = cost;
    assert_found(&asked, CAUSE_NONE);
}

static void searches_are_counted_from_the_difference(void **state)
{
    struct usage usage = chat(1003, 127, 0, 0, 0), other = usage;

    (void)state;
    other.web_searches = 3;
    assert_cause(usage, cost_of(&other), CAUSE_SEARCH_FEE);
    assert_cause(usage, plus(cost_of(&other), 1000001), CAUSE_UNEXPLAINED);
    assert_cause(other, cost_of(&usage), CAUSE_SEARCH_FEE); /* left out */
    usage.web_searches = 1;
    assert_cause(usage, cost_of(&other), CAUSE_SEARCH_FEE);
    assert_cause(other, cost_of(&usage), CAUSE_SEARCH_FEE);
    other.web_searches = 101; /* nobody searches so often */
    assert_cause(usage, cost_of(&other), CAUSE_UNEXPLAINED);
}

/* Of a large sum the tolerance holds many searches: some number of them is always near. */
static void searches_within_the_tolerance_explain_nothing(void **state)
{
    struct usage usage = chat(1000000, 4000000, 0, 0, 0);
    struct maybe_money market = cost_of(&usage); /* 96.1 USD */

    (void)state;
    market.money.femto += INT64_C(153717000000000);
    assert_cause(usage, market, CAUSE_UNEXPLAINED);
}

static void counts_of_the_record_are_tried(void **state)
{
    struct usage answer = chat(1003, 127, 0, 0, 0),
                 record = chat(1103, 131, ABSENT, ABSENT, ABSENT);
    struct asked asked;

    (void)state;
    ask(&asked, answer, cost_of(&record));
    assert_found(&asked, CAUSE_UNEXPLAINED);
    asked.input.record_usage = record;
    assert_found(&asked, CAUSE_TOKEN_COUNT);
    /* The row is rated by the record's counts, and the cost was made of the answer's. */
    ask(&asked, answer, cost_of(&answer));
    asked.input.record_usage = record;
    asked.estimate = rate_at(&model.versions[1], &record, STANDARD, AT);
    assert_found(&asked, CAUSE_TOKEN_COUNT);
    asked.input.market = plus(cost_of(&answer), INT64_C(50000000000));
    assert_found(&asked, CAUSE_UNEXPLAINED);
    /* Other suspicions are about what was rated. */
    asked.input.market =
        (struct maybe_money){true, rate_at(&model.versions[1], &record, TEXT("priority"), AT).cost};
    assert_found(&asked, CAUSE_SERVICE_TIER);
}

/* Nearly, but not exactly the cost with the writes outside: estimate_cost() could not tell. */
static void a_prompt_without_its_cache_writes_is_a_matter_of_counts(void **state)
{
    struct usage usage = chat(9003, 127, 1000, 4000, 0), outside = usage;

    (void)state;
    outside.prompt_tokens += 4000;
    assert_cause(usage, plus(cost_of(&outside), 2000000), CAUSE_TOKEN_COUNT);
    /* And the suspicions are tried in that reading, too. */
    outside.cached_tokens = 0;
    assert_cause(usage, cost_of(&outside), CAUSE_CACHE_IGNORED);
}

static void neighbouring_versions_of_the_price_are_tried(void **state)
{
    struct usage usage = chat(1003, 127, 0, 0, 0);
    struct maybe_money before = {true, rate_at(&model.versions[0], &usage, STANDARD, AT).cost};
    struct maybe_money after = {true, rate_at(&model.versions[2], &usage, STANDARD, AT).cost};
    struct asked asked;

    (void)state;
    assert_cause(usage, before, CAUSE_PRICE_VERSION);
    assert_cause(usage, after, CAUSE_PRICE_VERSION);
    assert_near_miss(usage, before);
    ask(&asked, usage, after);
    asked.input.version_count = 2; /* not known yet */
    assert_found(&asked, CAUSE_UNEXPLAINED);
    ask(&asked, usage, after);
    asked.input.price = &model.versions[0]; /* not the neighbour any more */
    asked.estimate = rate_at(&model.versions[0], &usage, STANDARD, AT);
    assert_found(&asked, CAUSE_UNEXPLAINED);
    model.versions[2].standard.base.known = 0; /* the model lost its price */
    assert_cause(usage, after, CAUSE_UNEXPLAINED);
}

static void rates_of_another_hour_are_those_of_another_version(void **state)
{
    struct usage usage = chat(1003, 127, 0, 0, 0);
    struct price *now = &model.versions[1];
    int64_t saturday = AT + 3 * INT64_C(86400000) + 10 * INT64_C(3600000); /* 17:15:58 */
    struct maybe_money night;
    struct asked asked;

    (void)state;
    now->off_peak = &model.night;
    now->off_peak_count = 1;
    night = (struct maybe_money){true, rate_at(now, &usage, STANDARD, saturday).cost};
    assert_cause(usage, night, CAUSE_PRICE_VERSION);
    ask(&asked, usage, cost_of(&usage));
    asked.input.at_ms = saturday;
    asked.estimate = rate_at(now, &usage, STANDARD, saturday);
    assert_true(asked.estimate.flags & ESTIMATE_OFF_PEAK);
    assert_found(&asked, CAUSE_PRICE_VERSION);
}

static void the_nearest_suspicion_wins_and_of_equals_the_first(void **state)
{
    struct usage usage = chat(1003, 127, 0, 0, 0);
    struct maybe_money priority = {true,
                                   rate_at(&model.versions[1], &usage, TEXT("priority"), AT).cost};
    struct asked asked;

    (void)state;
    /* The version before costs exactly what the priority tier does: the tier stands first. */
    model.versions[0].standard.base = model.services[0].brackets.base;
    assert_cause(usage, priority, CAUSE_SERVICE_TIER);
    /* One femto nearer, and it is the version. */
    model.versions[0].standard.base.unit[PRICE_OUTPUT].femto += 1;
    assert_cause(usage, plus(priority, 127), CAUSE_PRICE_VERSION);
    assert_cause(usage, plus(priority, 63), CAUSE_SERVICE_TIER);
    assert_cause(usage, plus(priority, 64), CAUSE_PRICE_VERSION);
    /* A fee that makes the same sum comes behind the service tier, but before the version. */
    ask(&asked, usage, priority);
    asked.input.surcharge.known = true;
    asked.input.surcharge.money.femto = priority.money.femto - asked.estimate.cost.femto;
    assert_found(&asked, CAUSE_SERVICE_TIER);
    model.versions[1].service_count = 0;
    assert_found(&asked, CAUSE_SURCHARGE);
}

/* Without a price there are no rates to suspect, but a fee is a fee. */
static void an_estimate_without_its_price_can_still_be_told(void **state)
{
    struct usage usage = chat(1003, 127, 400, 0, 0);
    struct asked asked;

    (void)state;
    ask(&asked, usage, plus(cost_of(&usage), INT64_C(317000000000)));
    asked.input.price = NULL;
    asked.input.versions = NULL;
    asked.input.version_count = 0;
    assert_found(&asked, CAUSE_UNEXPLAINED);
    asked.input.surcharge = usd("0.000317");
    assert_found(&asked, CAUSE_SURCHARGE);
}

static void counts_and_sums_of_any_size_are_survived(void **state)
{
    const __int128 most[] = {(__int128)(~(unsigned __int128)0 >> 1),
                             -(__int128)(~(unsigned __int128)0 >> 1)};
    struct usage usage = chat(INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX);
    struct usage small = chat(1003, 127, 4, 5, 3);
    struct asked asked;

    (void)state;
    usage.web_searches = INT64_MAX;
    for (int exclusive = 0; exclusive < 2; exclusive++) {
        ask(&asked, small, usd("5"));
        asked.input.usage = usage;
        asked.input.usage.exclusive = exclusive != 0;
        asked.input.record_usage = asked.input.usage;
        assert_found(&asked, CAUSE_UNEXPLAINED);
    }
    for (size_t i = 0; i < 2; i++) {
        ask(&asked, small, (struct maybe_money){true, {most[i]}});
        assert_found(&asked, CAUSE_UNEXPLAINED);
        asked.input.surcharge = asked.input.market;
        assert_found(&asked, i == 0 ? CAUSE_UNEXPLAINED : CAUSE_SURCHARGE); /* overflow, or not */
        asked.estimate.cost.femto = most[i];
        asked.input.market = usd("1");
        assert_found(&asked, CAUSE_UNEXPLAINED);
    }
    ask(&asked, small, (struct maybe_money){0});
    asked.input.billed = asked.input.upstream = (struct maybe_money){true, {most[0]}};
    assert_found(&asked, CAUSE_NONE); /* their sum does not fit */
}

#define TEST(function) cmocka_unit_test_setup(function, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_difference_has_no_cause),
        TEST(cached_tokens_billed_as_input_are_seen),
        TEST(another_context_tier_is_seen),
        TEST(another_service_tier_is_seen),
        TEST(writes_kept_for_another_time_are_seen),
        TEST(unlisted_hours_are_known_all_the_same),
        TEST(fees_are_seen),
        TEST(plain_percentages_are_the_last_resort),
        TEST(a_percentage_gives_way_to_any_other_cause),
        TEST(ones_own_key_is_seen),
        TEST(searches_are_counted_from_the_difference),
        TEST(searches_within_the_tolerance_explain_nothing),
        TEST(counts_of_the_record_are_tried),
        TEST(a_prompt_without_its_cache_writes_is_a_matter_of_counts),
        TEST(neighbouring_versions_of_the_price_are_tried),
        TEST(rates_of_another_hour_are_those_of_another_version),
        TEST(the_nearest_suspicion_wins_and_of_equals_the_first),
        TEST(an_estimate_without_its_price_can_still_be_told),
        TEST(counts_and_sums_of_any_size_are_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
