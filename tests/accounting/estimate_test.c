/* estimate_test.c - list prices x tokens, to the last digit. */
#include "accounting/estimate.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
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
    return (struct price){.base = known(&base)};
}

static struct price tiered(struct rates base, int64_t above, struct rates rates)
{
    struct price price = {.base = known(&base), .tier_count = 1};

    price.tiers[0].above = above;
    price.tiers[0].rates = known(&rates);
    return price;
}

static struct money money(const char *text)
{
    struct money result;

    assert_int_equal(money_parse(text, strlen(text), &result, NULL), 0);
    return result;
}

/* Every line is quantity x price, and nothing is lost or counted twice between them. */
static void assert_lines(const struct price *price, const struct usage *usage,
                         const struct money *market, const struct estimate *estimate)
{
    struct estimate_line lines[PRICE_UNITS];
    struct estimate same;
    struct money sum = {0}, cost;
    unsigned count = 42;

    assert_int_equal(estimate_lines(price, usage, market, lines, &count, &same), 0);
    assert_true(count <= PRICE_UNITS);
    assert_int_equal(money_compare(same.cost, estimate->cost), 0);
    assert_int_equal(same.flags, estimate->flags);
    for (unsigned i = 0; i < count; i++) {
        assert_true(i == 0 || lines[i].class > lines[i - 1].class);
        assert_true(lines[i].quantity > 0);
        assert_int_equal(money_multiply(lines[i].price, lines[i].quantity, &cost), 0);
        assert_int_equal(money_compare(cost, lines[i].cost), 0);
        assert_int_equal(money_add(sum, cost, &sum), 0);
    }
    assert_int_equal(money_compare(sum, estimate->cost), 0);
}

static void assert_estimate(const struct price *price, struct usage usage, const char *market,
                            const char *cost, unsigned flags)
{
    struct estimate estimate = {{42}, 42};
    struct money reported = market != NULL ? money(market) : (struct money){0};
    char text[MONEY_TEXT_MAX];
    int rc = estimate_cost(price, &usage, market != NULL ? &reported : NULL, &estimate);

    if (rc != 0)
        fail_msg("%s: %d", cost, rc);
    money_print(estimate.cost, text);
    assert_string_equal(text, cost);
    assert_int_equal(estimate.flags, flags);
    assert_lines(price, &usage, market != NULL ? &reported : NULL, &estimate);
}

static void assert_refused(const struct price *price, struct usage usage, int expected)
{
    struct estimate estimate = {{42}, 42};

    assert_int_equal(estimate_cost(price, &usage, NULL, &estimate), expected);
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
    struct price flex = priced((struct rates){
        {[PRICE_INPUT] = M(250), [PRICE_OUTPUT] = M(2000), [PRICE_CACHE_READ] = M(25)}});

    (void)state;
    assert_estimate(&anthropic, messages(3, 550, ABSENT, 12304, ABSENT), NULL, "0.054399", 0);
    assert_estimate(&anthropic, messages(3, 550, 0, 12304, 0), NULL, "0.054399", 0);
    assert_estimate(&anthropic, messages(100, 400, 20000, 12000, 7000), NULL, "0.07305", 0);
    assert_estimate(&inclusive, chat(262960, 1744, 257955, ABSENT), NULL, "0.184918125", 0);
    assert_estimate(&above_128k, chat(162732, 1308, ABSENT, ABSENT), NULL, "1.015632", 0);
    assert_estimate(&only_flat, chat(162732, 1308, ABSENT, ABSENT), NULL, "0.507816", 0);
    assert_estimate(&above_256k, chat(300000, ABSENT, ABSENT, ABSENT), NULL, "0.075", 0);
    assert_estimate(&flex, chat(2000, 500, 1000, ABSENT), NULL, "0.001275", 0);
    {
        struct money half;
        assert_int_equal(money_scale(money("0.001275"), 1, 2, &half), 0);
        assert_int_equal(money_compare(half, money("0.0006375")), 0);
    }
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
    struct estimate_line lines[PRICE_UNITS];
    struct estimate estimate;
    unsigned count = 0;

    (void)state;
    assert_int_equal(estimate_lines(&price, &usage, NULL, lines, &count, &estimate), 0);
    assert_int_equal(count, 4);
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
    usage.prompt_tokens = ABSENT;
    assert_int_equal(estimate_lines(&price, &usage, NULL, lines, &count, &estimate), -ENODATA);
    assert_int_equal(count, 4);
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
