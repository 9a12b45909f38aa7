/* estimate_test.c - list prices x tokens, to the last digit. */
#include "accounting/estimate.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define AT INT64_C(1790752558000)           /* 2026-09-30, when the stream below was recorded */
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

static struct money money(const char *text)
{
    struct money result;

    assert_int_equal(money_parse(text, strlen(text), &result, NULL), 0);
    return result;
}

/* Every line is quantity x price, and nothing is lost or counted twice between them. */
static void assert_lines(const struct estimate *estimate)
{
    struct money sum = {0}, cost;

    assert_true(estimate->count <= PRICE_UNITS);
    for (unsigned i = 0; i < estimate->count; i++) {
        const struct estimate_line *line = &estimate->lines[i];
        assert_true(i == 0 || line->class > line[-1].class);
        assert_true(line->quantity > 0);
        assert_int_equal(money_multiply(line->price, line->quantity, &cost), 0);
        assert_int_equal(money_compare(cost, line->cost), 0);
        assert_int_equal(money_add(sum, cost, &sum), 0);
    }
    assert_int_equal(money_scale(sum, estimate->multiplier_ppm, 1000000, &sum), 0);
    assert_int_equal(money_compare(sum, estimate->cost), 0);
}

static struct estimate rated(const struct price *price, const struct usage *usage,
                             struct estimate_terms terms)
{
    struct estimate estimate = {.count = 42};
    int rc = estimate_cost(price, usage, &terms, &estimate);

    if (rc != 0)
        fail_msg("not rated: %d", rc);
    assert_lines(&estimate);
    return estimate;
}

static void assert_cost(const struct estimate *estimate, const char *cost)
{
    char text[MONEY_TEXT_MAX];

    money_print(estimate->cost, text);
    assert_string_equal(text, cost);
}

static void assert_estimate(const struct price *price, struct usage usage, const char *market,
                            const char *cost, unsigned flags)
{
    struct money reported = market != NULL ? money(market) : (struct money){0};
    struct estimate_terms terms = {.at_ms = AT, .market = market != NULL ? &reported : NULL};
    struct estimate estimate = rated(price, &usage, terms);

    assert_cost(&estimate, cost);
    assert_int_equal(estimate.flags, flags);
}

static void assert_refused(const struct price *price, struct usage usage, int expected)
{
    struct estimate estimate = {.cost = {42}, .flags = 42};
    struct estimate_terms terms = {.at_ms = AT};

    assert_int_equal(estimate_cost(price, &usage, &terms, &estimate), expected);
    assert_true(estimate.cost.femto == 42);
    assert_int_equal(estimate.flags, 42);
}

/* prompt, completion, cached, written of a chat or responses answer. */
static struct usage chat(int64_t prompt, int64_t completion, int64_t cached, int64_t written)
{
    struct usage usage = USAGE_INIT;

    usage.prompt_tokens = prompt;
    usage.completion_tokens = completion;
    usage.cached_tokens = cached;
    usage.cache_write_tokens = written;
    return usage;
}

/* The same for a messages answer, with writes by their TTL. */
static struct usage messages(int64_t input, int64_t output, int64_t cached, int64_t written,
                             int64_t written_1h)
{
    struct usage usage = chat(input, output, cached, written);

    usage.cache_write_1h_tokens = written_1h;
    usage.exclusive = true;
    return usage;
}

/* Vercel section 11, "Exact vectors", and one recorded stream, from the table that we ship. */
static void the_shipped_prices_give_the_recorded_costs(void **state)
{
    static const struct {
        const char *model;
        int64_t uncached, cached, written, out;
        const char *cost;
    } vectors[] = {
        {"zai/glm-5.3", 1, 9519, 0, 16, "0.00254674"},
        {"anthropic/claude-haiku-4.5", 13, 0, 18909, 4, "0.02366925"},
        {"anthropic/claude-haiku-4.5", 13, 18909, 0, 4, "0.0019239"},
        {"openai/gpt-4.1-nano", 20, 0, 0, 3, "0.0000032"},
    };
    struct price_table *table = NULL;
    char error[256] = "";

    (void)state;
    if (price_table_open(SOURCE_DIR "/configs/prices.json", &table, error, sizeof(error)) != 0)
        fail_msg("%s", error);
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        const struct price *price =
            price_find(table, vectors[i].model, strlen(vectors[i].model), AT);
        int64_t prompt = vectors[i].uncached + vectors[i].cached + vectors[i].written;
        assert_non_null(price);
        assert_estimate(price, chat(prompt, vectors[i].out, vectors[i].cached, vectors[i].written),
                        NULL, vectors[i].cost, 0);
        assert_estimate(price, chat(prompt, vectors[i].out, vectors[i].cached, vectors[i].written),
                        vectors[i].cost, vectors[i].cost, 0);
        assert_estimate(price,
                        messages(vectors[i].uncached, vectors[i].out, vectors[i].cached,
                                 vectors[i].written, ABSENT),
                        vectors[i].cost, vectors[i].cost, 0);
    }
    price_table_free(table);
}

/* pricing-and-focus section 3, "Test vectors". */
static void the_vectors_of_the_pricing_rules_hold(void **state)
{
    struct price anthropic = priced((struct rates){{[PRICE_INPUT] = M(3000),
                                                    [PRICE_OUTPUT] = M(15000),
                                                    [PRICE_CACHE_READ] = M(300),
                                                    [PRICE_CACHE_WRITE] = M(3750),
                                                    [PRICE_CACHE_WRITE_1H] = M(6000)}});
    struct price inclusive = priced((struct rates){
        {[PRICE_INPUT] = M(1250), [PRICE_OUTPUT] = M(10000), [PRICE_CACHE_READ] = M(625)}});
    struct rates flat = {{[PRICE_INPUT] = M(3000), [PRICE_OUTPUT] = M(15000)}};
    struct price above_128k =
        tiered(flat, 128000, (struct rates){{[PRICE_INPUT] = M(6000), [PRICE_OUTPUT] = M(30000)}});
    struct price only_flat = priced(flat);
    struct price above_256k = tiered((struct rates){{[PRICE_INPUT] = M(50)}}, 256000,
                                     (struct rates){{[PRICE_INPUT] = M(250)}});
    struct price_service flex = {.name = "flex"};
    struct price with_flex = priced((struct rates){
        {[PRICE_INPUT] = M(250), [PRICE_OUTPUT] = M(2000), [PRICE_CACHE_READ] = M(25)}});
    struct usage half = chat(2000, 500, 1000, ABSENT);
    struct estimate estimate;

    (void)state;
    assert_estimate(&anthropic, messages(3, 550, ABSENT, 12304, ABSENT), NULL, "0.054399", 0);
    assert_estimate(&anthropic, messages(3, 550, 0, 12304, 0), NULL, "0.054399", 0);
    assert_estimate(&anthropic, messages(100, 400, 20000, 12000, 7000), NULL, "0.07305", 0);
    assert_estimate(&inclusive, chat(262960, 1744, 257955, ABSENT), NULL, "0.184918125", 0);
    assert_estimate(&above_128k, chat(162732, 1308, ABSENT, ABSENT), NULL, "1.015632", 0);
    assert_estimate(&only_flat, chat(162732, 1308, ABSENT, ABSENT), NULL, "0.507816", 0);
    assert_estimate(&above_256k, chat(300000, ABSENT, ABSENT, ABSENT), NULL, "0.075", 0);
    assert_estimate(&with_flex, half, NULL, "0.001275", 0);
    flex.brackets.base = known(&(struct rates){
        {[PRICE_INPUT] = M(125), [PRICE_OUTPUT] = M(1000), [PRICE_CACHE_READ] = M(25) / 2}});
    with_flex.services = &flex;
    with_flex.service_count = 1;
    assert_estimate(&with_flex, half, NULL, "0.001275", 0);
    estimate = rated(&with_flex, &half, (struct estimate_terms){.service_tier = TEXT("flex")});
    assert_cost(&estimate, "0.0006375");
    assert_string_equal(estimate.service_tier, "flex");
    with_flex.service_count = 0;
    with_flex.multiplier_ppm = 500000; /* the same by way of a multiplier, once over the sum */
    assert_estimate(&with_flex, half, NULL, "0.0006375", 0);
}

static void the_tier_goes_by_total_input_strictly_above(void **state)
{
    struct price price = tiered((struct rates){{[PRICE_INPUT] = M(1000),
                                                [PRICE_OUTPUT] = M(1000),
                                                [PRICE_CACHE_READ] = M(1000),
                                                [PRICE_CACHE_WRITE] = M(1000)}},
                                1000,
                                (struct rates){{[PRICE_INPUT] = M(2000),
                                                [PRICE_OUTPUT] = M(2000),
                                                [PRICE_CACHE_READ] = M(2000),
                                                [PRICE_CACHE_WRITE] = M(2000)}});

    (void)state;
    assert_estimate(&price, chat(1000, 1000000, 0, 0), NULL, "1.001", 0); /* output picks no tier */
    assert_estimate(&price, chat(1001, 0, 0, 0), NULL, "0.002002", 0);
    assert_estimate(&price, chat(1001, 0, 900, 100), NULL, "0.002002", 0);
    assert_estimate(&price, chat(1000, 0, 900, 100), NULL, "0.001", 0);
    assert_estimate(&price, messages(1, 0, 899, 100, 0), NULL, "0.001", 0);
    assert_estimate(&price, messages(1, 0, 900, 100, 0), NULL, "0.002002", 0);
    assert_estimate(&price, messages(1, 0, 900, 100, 100), NULL, "0.002002",
                    ESTIMATE_FALLBACK_PRICE);
}

static void a_cache_class_without_a_price_is_never_free(void **state)
{
    struct price input_only =
        priced((struct rates){{[PRICE_INPUT] = M(1000), [PRICE_OUTPUT] = M(5000)}});
    struct price five_minutes = priced((struct rates){{[PRICE_INPUT] = M(1000),
                                                       [PRICE_OUTPUT] = M(5000),
                                                       [PRICE_CACHE_READ] = M(100),
                                                       [PRICE_CACHE_WRITE] = M(1250)}});

    (void)state;
    assert_estimate(&input_only, chat(1000, 0, 400, 0), NULL, "0.001", ESTIMATE_FALLBACK_PRICE);
    assert_estimate(&input_only, chat(1000, 0, 0, 400), NULL, "0.001", ESTIMATE_FALLBACK_PRICE);
    assert_estimate(&input_only, messages(0, 0, 0, 400, 400), NULL, "0.0004",
                    ESTIMATE_FALLBACK_PRICE);
    assert_estimate(&input_only, chat(1000, 0, 0, 0), NULL, "0.001", 0);
    /* Vercel does not list the 1-hour write: it is billed as a 5-minute one, and marked. */
    assert_estimate(&five_minutes, messages(0, 0, 0, 1000, 1000), NULL, "0.00125",
                    ESTIMATE_FALLBACK_PRICE);
    assert_estimate(&five_minutes, messages(0, 0, 0, ABSENT, 1000), NULL, "0.00125",
                    ESTIMATE_FALLBACK_PRICE);
    assert_estimate(&five_minutes, messages(0, 0, 0, 1000, 0), NULL, "0.00125", 0);
}

static void reasoning_and_images_are_inside_the_output(void **state)
{
    struct rates rates = {{[PRICE_INPUT] = M(1000), [PRICE_OUTPUT] = M(5000)}};
    struct price plain = priced(rates), reasoning, images;
    struct usage usage = chat(0, 100, ABSENT, ABSENT);

    (void)state;
    usage.reasoning_tokens = 40;
    usage.image_tokens = 30;
    rates.femto[PRICE_REASONING] = M(2000);
    reasoning = priced(rates);
    rates.femto[PRICE_OUTPUT_IMAGE] = M(30000);
    images = priced(rates);
    assert_estimate(&plain, usage, NULL, "0.0005", 0);
    assert_estimate(&reasoning, usage, NULL, "0.00038", 0); /* 60 x 5 + 40 x 2 */
    assert_estimate(&images, usage, NULL, "0.00113", 0);    /* 30 x 5 + 40 x 2 + 30 x 30 */
}

static void audio_is_inside_the_input(void **state)
{
    struct rates rates = {{[PRICE_INPUT] = M(1000), [PRICE_OUTPUT] = M(5000)}};
    struct price plain = priced(rates), audio;
    struct usage usage = chat(100, ABSENT, ABSENT, ABSENT);

    (void)state;
    usage.audio_tokens = 40;
    rates.femto[PRICE_INPUT_AUDIO] = M(3000);
    audio = priced(rates);
    assert_estimate(&plain, usage, NULL, "0.0001", 0);
    assert_estimate(&audio, usage, NULL, "0.00018", 0);
    usage.exclusive = true;
    assert_estimate(&audio, usage, NULL, "0.00018", 0);
}

static void extras_count_where_count_and_price_are_known(void **state)
{
    struct rates rates = {{[PRICE_INPUT] = M(1000)}};
    struct price plain = priced(rates), extras;
    struct usage usage = chat(10, ABSENT, ABSENT, ABSENT);

    (void)state;
    rates.femto[PRICE_WEB_SEARCH] = INT64_C(10000000000000); /* 0.01 USD */
    rates.femto[PRICE_REQUEST] = INT64_C(5000000000000);
    extras = priced(rates);
    assert_estimate(&extras, usage, NULL, "0.00501", 0);
    usage.web_searches = 3;
    assert_estimate(&extras, usage, NULL, "0.03501", 0);
    assert_estimate(&plain, usage, NULL, "0.00001", 0);
}

static void usage_that_contradicts_itself_is_clamped_and_marked(void **state)
{
    struct rates rates = {{[PRICE_INPUT] = M(1000),
                           [PRICE_OUTPUT] = M(5000),
                           [PRICE_CACHE_READ] = M(100),
                           [PRICE_CACHE_WRITE] = M(1250),
                           [PRICE_CACHE_WRITE_1H] = M(2000),
                           [PRICE_REASONING] = M(5000)}};
    struct price price = priced(rates);
    struct usage usage;

    (void)state;
    assert_estimate(&price, chat(100, 0, 1000, 0), NULL, "0.0001", ESTIMATE_USAGE_INCONSISTENT);
    assert_estimate(&price, chat(100, 0, 80, 40), NULL, "0.000058", ESTIMATE_USAGE_INCONSISTENT);
    assert_estimate(&price, messages(10, 0, 0, 100, 300), NULL, "0.00061",
                    ESTIMATE_USAGE_INCONSISTENT);
    usage = chat(0, 10, ABSENT, ABSENT);
    usage.reasoning_tokens = 30;
    assert_estimate(&price, usage, NULL, "0.00015", ESTIMATE_USAGE_INCONSISTENT);
    assert_estimate(&price, chat(1000, 0, INT64_MIN, -7), NULL, "0.001", 0);
    /* An exclusive dialect reads more than it takes in every day. */
    assert_estimate(&price, messages(10, 0, 1000, 0, 0), NULL, "0.00011", 0);
}

/* Whether chat counts cache writes inside prompt_tokens is settled by the list cost, if by
 * anything. */
static void the_reading_that_equals_the_market_cost_is_kept(void **state)
{
    struct price price = tiered((struct rates){{[PRICE_INPUT] = M(1000),
                                                [PRICE_OUTPUT] = M(5000),
                                                [PRICE_CACHE_READ] = M(100),
                                                [PRICE_CACHE_WRITE] = M(1250)}},
                                100000, (struct rates){{[PRICE_INPUT] = M(2000)}});
    struct usage outside = chat(13, 4, 0, 18909), inside = chat(18922, 4, 0, 18909);
    struct usage mixed = chat(1000, 0, 300, 200), above = chat(90000, 0, 0, 20000);

    (void)state;
    assert_estimate(&price, inside, "0.02366925", "0.02366925", 0);
    assert_estimate(&price, outside, "0.02366925", "0.02366925", ESTIMATE_WRITES_OUTSIDE);
    assert_estimate(&price, outside, "0.02366926", "0.02365625", ESTIMATE_USAGE_INCONSISTENT);
    assert_estimate(&price, outside, NULL, "0.02365625", ESTIMATE_USAGE_INCONSISTENT);
    assert_estimate(&price, mixed, NULL, "0.00078", 0); /* 500 x 1 + 300 x 0.1 + 200 x 1.25 */
    assert_estimate(&price, mixed, "0.00078", "0.00078", 0);
    assert_estimate(&price, mixed, "0.00098", "0.00098", ESTIMATE_WRITES_OUTSIDE);
    assert_estimate(&price, mixed, "0.00097", "0.00078", 0); /* neither: inclusive */
    /* With the writes outside, the total is above the threshold. */
    assert_estimate(&price, above, "0.205", "0.205", ESTIMATE_WRITES_OUTSIDE);
    assert_estimate(&price, above, "0.115", "0.095", 0);
    mixed.exclusive = true; /* this dialect is known to leave them out */
    assert_estimate(&price, mixed, "0.00078", "0.00128", 0);
}

static void what_is_not_known_is_not_estimated(void **state)
{
    struct price no_output = priced((struct rates){{[PRICE_INPUT] = M(1000)}});
    struct price no_input = priced((struct rates){{[PRICE_OUTPUT] = M(1000)}});
    struct price nothing = {0};

    (void)state;
    assert_refused(&no_output, chat(ABSENT, 10, 5, 5), -ENODATA);
    assert_refused(&no_output, chat(10, 1, ABSENT, ABSENT), -ENODATA);
    assert_refused(&no_input, chat(10, 1, ABSENT, ABSENT), -ENODATA);
    assert_refused(&no_input, chat(10, 1, 10, ABSENT), -ENODATA);
    assert_refused(&nothing, chat(10, 0, ABSENT, ABSENT), -ENODATA);
    assert_estimate(&no_output, chat(10, 0, ABSENT, ABSENT), NULL, "0.00001", 0);
    assert_estimate(&no_output, chat(10, ABSENT, ABSENT, ABSENT), NULL, "0.00001", 0);
    assert_estimate(&no_input, chat(0, 10, ABSENT, ABSENT), NULL, "0.00001", 0);
    assert_estimate(&nothing, chat(0, 0, 0, 0), NULL, "0", 0);
}

static void counts_of_any_size_are_exact_or_refused(void **state)
{
    struct price dear = priced((struct rates){
        {[PRICE_INPUT] = INT64_MAX, [PRICE_OUTPUT] = INT64_MAX, [PRICE_CACHE_READ] = INT64_MAX}});
    struct price one = priced((struct rates){{[PRICE_INPUT] = 1, [PRICE_OUTPUT] = 1}});

    (void)state;
    assert_estimate(&one, chat(INT64_MAX, INT64_MAX, ABSENT, ABSENT), NULL, "18446.744073709551614",
                    0);
    assert_estimate(&dear, chat(INT64_MAX, 0, ABSENT, ABSENT), NULL,
                    "85070591730234615847396.907784232501249", 0);
    assert_refused(&dear, messages(INT64_MAX, INT64_MAX, ABSENT, INT64_MAX, ABSENT), -EOVERFLOW);
    assert_refused(&one, messages(INT64_MAX, 0, 1, 0, 0), -EOVERFLOW);
    assert_refused(&one, messages(INT64_MAX, 0, 0, 1, 0), -EOVERFLOW);
    assert_refused(&one, messages(INT64_MAX, 0, 0, ABSENT, 1), -EOVERFLOW);
}

static void lines_name_what_they_count_and_whose_price_it_took(void **state)
{
    struct price price = priced((struct rates){
        {[PRICE_INPUT] = M(1000), [PRICE_OUTPUT] = M(5000), [PRICE_CACHE_READ] = M(100)}});
    struct usage usage = chat(1000, 20, 600, 100);
    struct estimate estimate = rated(&price, &usage, (struct estimate_terms){.at_ms = AT});
    const struct estimate_line *lines = estimate.lines;

    (void)state;
    assert_int_equal(estimate.count, 4);
    assert_int_equal(lines[0].class, PRICE_INPUT);
    assert_int_equal(lines[0].quantity, 300);
    assert_int_equal(lines[1].class, PRICE_OUTPUT);
    assert_int_equal(lines[1].quantity, 20);
    assert_int_equal(lines[2].class, PRICE_CACHE_READ);
    assert_int_equal(lines[2].quantity, 600);
    assert_true(lines[2].price.femto == M(100));
    assert_int_equal(lines[3].class, PRICE_CACHE_WRITE);
    assert_int_equal(lines[3].billed, PRICE_INPUT);
    assert_int_equal(lines[3].quantity, 100);
    assert_int_equal(estimate.above, 0);
    assert_string_equal(estimate.service_tier, "");
    assert_int_equal(estimate.multiplier_ppm, PRICE_MULTIPLIER_NONE);
}

/* One total for the bracket, whichever dialect said it, and the service tier's rates within it. */
static void tiers_of_context_and_service_are_named(void **state)
{
    struct price price = tiered((struct rates){{[PRICE_INPUT] = M(1000), [PRICE_OUTPUT] = M(4000)}},
                                1000, (struct rates){{[PRICE_INPUT] = M(2000)}});
    struct price_service services[] = {{.name = "priority"}, {.name = "flex"}};
    struct usage small = chat(1000, 100, 0, 0), large = chat(1001, 100, 0, 0);
    struct estimate estimate;

    (void)state;
    services[0].brackets.base =
        known(&(struct rates){{[PRICE_INPUT] = M(3000), [PRICE_OUTPUT] = M(9000)}});
    services[1].brackets.base = known(&(struct rates){{[PRICE_OUTPUT] = M(1000)}});
    price.services = services;
    price.service_count = 2;
    estimate = rated(&price, &small, (struct estimate_terms){.service_tier = TEXT("priority")});
    assert_cost(&estimate, "0.0039");
    assert_string_equal(estimate.service_tier, "priority");
    assert_int_equal(estimate.flags, 0);
    estimate = rated(&price, &large, (struct estimate_terms){.service_tier = TEXT("flex")});
    assert_cost(&estimate, "0.002102"); /* input of the bracket, output of the service tier */
    assert_int_equal(estimate.above, 1000);
    estimate = rated(&price, &small, (struct estimate_terms){.service_tier = TEXT("scale")});
    assert_cost(&estimate, "0.0014");
    assert_int_equal(estimate.flags, ESTIMATE_SERVICE_UNKNOWN);
    estimate = rated(&price, &small, (struct estimate_terms){.service_tier = TEXT("default")});
    assert_int_equal(estimate.flags, 0);
    estimate = rated(&price, &small, (struct estimate_terms){.service_tier = TEXT("auto")});
    assert_int_equal(estimate.flags, 0);
    estimate = rated(&price, &small, (struct estimate_terms){.service_tier = TEXT("standard")});
    assert_int_equal(estimate.flags, 0);
    assert_string_equal(estimate.service_tier, "");
}

static void off_peak_rates_replace_and_are_marked(void **state)
{
    struct price price =
        priced((struct rates){{[PRICE_INPUT] = M(1000), [PRICE_OUTPUT] = M(4000)}});
    struct price_off_peak night = {.from_minute = 990, .to_minute = 30, .weekdays = 0x7f};
    struct usage usage = chat(1000, 100, 0, 0);
    struct estimate estimate;

    (void)state;
    night.rates = known(&(struct rates){{[PRICE_INPUT] = M(500)}});
    price.off_peak = &night;
    price.off_peak_count = 1;
    estimate = rated(&price, &usage, (struct estimate_terms){.at_ms = 17 * 3600 * 1000});
    assert_cost(&estimate, "0.0009");
    assert_int_equal(estimate.flags, ESTIMATE_OFF_PEAK);
    estimate = rated(&price, &usage, (struct estimate_terms){.at_ms = 12 * 3600 * 1000});
    assert_cost(&estimate, "0.0014");
    assert_int_equal(estimate.flags, 0);
}

/* The lines keep list prices; what the multiplier makes of their sum is rounded once. */
static void the_multiplier_rounds_the_sum_once_half_even(void **state)
{
    struct price price = priced((struct rates){{[PRICE_INPUT] = 1, [PRICE_OUTPUT] = 1}});
    static const struct {
        int64_t in, out, ppm;
        const char *cost;
    } cases[] = {
        {1, 0, 500000, "0"},
        {3, 0, 500000, "0.000000000000002"},
        {1, 2, 500000, "0.000000000000002"}, /* line by line it would be 0 and 1 */
        {1, 4, 500000, "0.000000000000002"},
        {1, 1, 500001, "0.000000000000001"},
        {7, 0, 950000, "0.000000000000007"},
        {10, 0, 100000000, "0.000000000001"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        price.multiplier_ppm = cases[i].ppm;
        assert_estimate(&price, chat(cases[i].in, cases[i].out, 0, 0), NULL, cases[i].cost, 0);
    }
    price.multiplier_ppm = 0; /* a price made by hand that says nothing of one */
    assert_estimate(&price, chat(3, 0, 0, 0), NULL, "0.000000000000003", 0);
}

/* Which reading is right is decided after the multiplier, as the upstream's figure is. */
static void readings_are_compared_with_the_multiplier_applied(void **state)
{
    struct price price = priced((struct rates){{[PRICE_INPUT] = M(1000),
                                                [PRICE_OUTPUT] = M(5000),
                                                [PRICE_CACHE_READ] = M(100),
                                                [PRICE_CACHE_WRITE] = M(1250)}});
    struct usage mixed = chat(1000, 0, 300, 200);

    (void)state;
    price.multiplier_ppm = 500000;
    assert_estimate(&price, mixed, "0.00049", "0.00049", ESTIMATE_WRITES_OUTSIDE);
    assert_estimate(&price, mixed, "0.00039", "0.00039", 0);
}

static void each_modality_leaves_its_total_only_with_a_price_of_its_own(void **state)
{
    struct rates rates = {{[PRICE_INPUT] = M(1000), [PRICE_OUTPUT] = M(5000)}};
    struct usage usage = chat(100, 50, 10, 0);
    struct price price = priced(rates);

    (void)state;
    rates.femto[PRICE_CACHE_READ] = M(100);
    usage.audio_tokens = 20;
    usage.image_input_tokens = 30;
    usage.video_input_tokens = 15;
    usage.audio_output_tokens = 20;
    usage.image_tokens = 10;
    usage.reasoning_tokens = 5;
    assert_estimate(&price, usage, NULL, "0.00035", ESTIMATE_FALLBACK_PRICE);
    rates.femto[PRICE_INPUT_AUDIO] = M(3000);
    rates.femto[PRICE_INPUT_IMAGE] = M(2000);
    price = priced(rates);
    /* 40 x 1 + 50 x 5 + 10 x 0.1 + 20 x 3 + 30 x 2 */
    assert_estimate(&price, usage, NULL, "0.000411", 0);
    rates.femto[PRICE_INPUT_VIDEO] = M(4000);
    rates.femto[PRICE_OUTPUT_AUDIO] = M(20000);
    rates.femto[PRICE_OUTPUT_IMAGE] = M(30000);
    rates.femto[PRICE_REASONING] = M(6000);
    price = priced(rates);
    /* 25 x 1 + 15 x 5 + 1 + 5 x 6 + 60 + 10 x 30 + 20 x 20 + 60 + 15 x 4 */
    assert_estimate(&price, usage, NULL, "0.001011", 0);
}

/* Pictures by the piece may come without a single token. */
static void pictures_need_no_tokens_where_they_have_a_price(void **state)
{
    struct price by_piece = priced((struct rates){{[PRICE_IMAGE] = INT64_C(40000000000000)}});
    struct price by_token =
        priced((struct rates){{[PRICE_INPUT] = M(1000), [PRICE_OUTPUT] = M(4000)}});
    struct usage usage = USAGE_INIT;

    (void)state;
    assert_refused(&by_piece, usage, -ENODATA);
    usage.images = 3;
    assert_estimate(&by_piece, usage, NULL, "0.12", 0);
    assert_refused(&by_token, usage, -ENODATA);
    usage.prompt_tokens = 10;
    assert_refused(&by_piece, usage, -ENODATA); /* its text has no price */
    assert_estimate(&by_token, usage, NULL, "0.00001", 0);
    usage.images = 0;
    usage.prompt_tokens = ABSENT;
    assert_refused(&by_piece, usage, -ENODATA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shipped_prices_give_the_recorded_costs),
        cmocka_unit_test(the_vectors_of_the_pricing_rules_hold),
        cmocka_unit_test(the_tier_goes_by_total_input_strictly_above),
        cmocka_unit_test(a_cache_class_without_a_price_is_never_free),
        cmocka_unit_test(reasoning_and_images_are_inside_the_output),
        cmocka_unit_test(audio_is_inside_the_input),
        cmocka_unit_test(extras_count_where_count_and_price_are_known),
        cmocka_unit_test(usage_that_contradicts_itself_is_clamped_and_marked),
        cmocka_unit_test(the_reading_that_equals_the_market_cost_is_kept),
        cmocka_unit_test(what_is_not_known_is_not_estimated),
        cmocka_unit_test(counts_of_any_size_are_exact_or_refused),
        cmocka_unit_test(lines_name_what_they_count_and_whose_price_it_took),
        cmocka_unit_test(tiers_of_context_and_service_are_named),
        cmocka_unit_test(off_peak_rates_replace_and_are_marked),
        cmocka_unit_test(the_multiplier_rounds_the_sum_once_half_even),
        cmocka_unit_test(readings_are_compared_with_the_multiplier_applied),
        cmocka_unit_test(each_modality_leaves_its_total_only_with_a_price_of_its_own),
        cmocka_unit_test(pictures_need_no_tokens_where_they_have_a_price),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
