/* rating_test.c - a rating reads back as it was written, and shares add up to the last unit. */
#include "accounting/rating.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MAX ((__int128)(~(unsigned __int128)0 >> 1))

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

/* Any number of digits alike. */
static int64_t any_count(uint64_t *seed)
{
    return (int64_t)(next_random(seed) >> (1 + below(seed, 62)));
}

static struct money money(const char *text)
{
    struct money result;

    assert_int_equal(money_parse(text, strlen(text), &result, NULL), 0);
    return result;
}

static void add_line(struct estimate *estimate, enum price_unit class, enum price_unit billed,
                     int64_t quantity, int64_t price)
{
    struct estimate_line *line = &estimate->lines[estimate->count++];

    *line = (struct estimate_line){class, billed, quantity, {price}, {0}};
    assert_int_equal(money_multiply(line->price, quantity, &line->cost), 0);
    assert_int_equal(money_add(estimate->cost, line->cost, &estimate->cost), 0);
}

static void assert_same(const struct estimate *a, const struct estimate *b)
{
    assert_true(money_compare(a->cost, b->cost) == 0);
    assert_int_equal(a->flags, b->flags);
    assert_int_equal(a->above, b->above);
    assert_string_equal(a->service_tier, b->service_tier);
    assert_int_equal(a->multiplier_ppm, b->multiplier_ppm);
    assert_int_equal(a->count, b->count);
    for (unsigned i = 0; i < a->count; i++) {
        assert_int_equal(a->lines[i].class, b->lines[i].class);
        assert_int_equal(a->lines[i].billed, b->lines[i].billed);
        assert_int_equal(a->lines[i].quantity, b->lines[i].quantity);
        assert_int_equal(a->lines[i].price.femto, b->lines[i].price.femto);
        assert_true(money_compare(a->lines[i].cost, b->lines[i].cost) == 0);
    }
}

static void assert_text(const struct estimate *estimate, const char *expected)
{
    char text[ROW_RATING_BYTES_MAX];
    size_t len = rating_print(estimate, text);
    struct estimate again;

    assert_int_equal(len, strlen(expected));
    assert_memory_equal(text, expected, len);
    assert_int_equal(rating_parse((struct text){text, len}, &again), 0);
    assert_same(estimate, &again);
}

static void a_rating_says_what_is_not_the_default_and_every_line(void **state)
{
    struct estimate estimate = {.multiplier_ppm = PRICE_MULTIPLIER_NONE};

    (void)state;
    assert_text(&estimate, "1");
    add_line(&estimate, PRICE_INPUT, PRICE_INPUT, 120, 1400000000);
    add_line(&estimate, PRICE_OUTPUT, PRICE_OUTPUT, 16, 4400000000);
    assert_text(&estimate, "1;0:0:120:1400000000;1:1:16:4400000000");
    estimate.above = 200000;
    memcpy(estimate.service_tier, "priority", 8);
    estimate.multiplier_ppm = 950000;
    assert_int_equal(money_scale(estimate.cost, 950000, 1000000, &estimate.cost), 0);
    estimate.flags = ESTIMATE_USAGE_INCONSISTENT | ESTIMATE_OFF_PEAK;
    assert_text(&estimate,
                "1 above=200000 tier=priority x=950000 flags=10;0:0:120:1400000000;1:1:16:"
                "4400000000");
}

/* A table may name its tiers as it likes; they must not end the word, or begin another. */
static void names_of_tiers_cannot_forge_a_rating(void **state)
{
    struct estimate estimate = {.multiplier_ppm = PRICE_MULTIPLIER_NONE};

    (void)state;
    memcpy(estimate.service_tier, "a x=1;b%", 8);
    assert_text(&estimate, "1 tier=a%20x%3D1%3Bb%25");
    memcpy(estimate.service_tier, "gr\xc3\xb6\xc3\x9f", 7);
    assert_text(&estimate, "1 tier=gr%C3%B6%C3%9F");
}

static void the_longest_rating_fits(void **state)
{
    struct estimate estimate = {.above = PRICE_ABOVE_MAX, .multiplier_ppm = 99999999, .flags = 31};
    char text[ROW_RATING_BYTES_MAX];
    struct estimate again;
    size_t len;

    (void)state;
    memset(estimate.service_tier, ' ', PRICE_SERVICE_NAME_MAX - 1);
    for (unsigned unit = 0; unit < PRICE_UNITS; unit++)
        estimate.lines[estimate.count++] = (struct estimate_line){.class = (enum price_unit)unit,
                                                                  .billed = (enum price_unit)unit,
                                                                  .quantity = INT64_MAX,
                                                                  .price = {INT64_MAX}};
    len = rating_print(&estimate, text);
    assert_true(len > ROW_RATING_BYTES_MAX - 8);
    assert_int_equal(rating_parse((struct text){text, len}, &again), -EBADMSG); /* flags say that a
                                                                price was borrowed; none was */
    estimate.flags &= ~(unsigned)ESTIMATE_FALLBACK_PRICE;
    len = rating_print(&estimate, text);
    assert_int_equal(rating_parse((struct text){text, len}, &again), -EOVERFLOW);
}

static void what_is_no_rating_is_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "2",
        "1 ",
        " 1",
        "11",
        "1;",
        "1;0:0:1",
        "1;0:0:1:1;",
        "1;0:0:1:1 ",
        "1;0:0:1:1;0:0:1:1", /* a class twice */
        "1;1:1:1:1;0:0:1:1", /* out of order */
        "1;0:0:0:1",         /* nothing of it */
        "1;0:0:-1:1",
        "1;0:0:1:-1",
        "1;0:0:01:1",
        "1;00:0:1:1",
        "1;0:0:1:9223372036854775808",
        "1;0:0:99999999999999999999:1",
        "1;14:14:1:1", /* no such class */
        "1;0:14:1:1",
        "1;1:0:1:1", /* output at input's price */
        "1 flags=1;1:0:1:1",
        "1 flags=1;2:3:1:1", /* reads at the price of writes */
        "1 flags=1;0:0:1:1", /* marked, but nothing borrowed */
        "1;2:0:1:1",         /* borrowed, but not marked */
        "1 above=0;0:0:1:1",
        "1 above=;0:0:1:1",
        "1 above=1000000000001",
        "1 above=+1",
        "1 x=1000000",
        "1 x=0",
        "1 x=100000001",
        "1 flags=0",
        "1 flags=32",
        "1 tier=",
        "1 tier= ",
        "1 tier=a b",
        "1 tier=%41", /* A needs no escape */
        "1 tier=%2f", /* nor is it written in small letters */
        "1 tier=%00",
        "1 tier=%2",
        "1 tier=%",
        "1 tier=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", /* 32 */
        "1 tier=a above=1",                        /* another order */
        "1 x=1 tier=a",
        "1 above=1 above=2",
        "1  above=1",
        "1\n",
        "1;0:0:1:1\n",
        "1;0;0:1:1",
        "1;0:0:1:1:1",
    };
    struct estimate estimate = {.flags = 42};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (rating_parse(text_of(cases[i]), &estimate) != -EBADMSG)
            fail_msg("'%s'", cases[i]);
        assert_int_equal(estimate.flags, 42);
    }
    assert_int_equal(rating_parse((struct text){NULL, 0}, &estimate), -EBADMSG);
    assert_int_equal(rating_parse((struct text){"1\0", 2}, &estimate), -EBADMSG);
    assert_int_equal(rating_parse(TEXT("1;0:0:1:1;2:2:1:1;3:3:1:1;4:4:1:1"), &estimate), 0);
    assert_int_equal(rating_parse(TEXT("1 flags=1;2:0:1:1;3:0:1:1;4:3:1:1"), &estimate), 0);
}

static void a_sum_that_does_not_fit_is_refused(void **state)
{
    static const char most[] = "1;0:0:9223372036854775807:9223372036854775807"
                               ";1:1:9223372036854775807:9223372036854775807"
                               ";2:2:9223372036854775807:9223372036854775807";
    struct estimate estimate = {.flags = 42};

    (void)state;
    assert_int_equal(rating_parse(text_of(most), &estimate), -EOVERFLOW);
    assert_int_equal(estimate.flags, 42);
    assert_int_equal(
        rating_parse(TEXT("1 x=100000000;0:0:9223372036854775807:9223372036854775807"), &estimate),
        -EOVERFLOW);
    assert_int_equal(estimate.flags, 42);
}

static struct estimate any_estimate(uint64_t *seed)
{
    struct estimate estimate = {.multiplier_ppm = PRICE_MULTIPLIER_NONE};
    size_t name = (size_t)below(seed, PRICE_SERVICE_NAME_MAX);

    for (unsigned unit = 0; unit < PRICE_UNITS; unit++) {
        bool borrows = unit >= PRICE_CACHE_READ && unit <= PRICE_CACHE_WRITE_1H;

        if (below(seed, 2) == 0)
            continue;
        borrows = borrows && below(seed, 2) == 0;
        if (borrows)
            estimate.flags |= ESTIMATE_FALLBACK_PRICE;
        add_line(&estimate, (enum price_unit)unit, borrows ? PRICE_INPUT : (enum price_unit)unit,
                 1 + any_count(seed) / 4, any_count(seed) / 1024);
    }
    estimate.flags |= (unsigned)below(seed, 16) << 1;
    if (below(seed, 2) == 0)
        estimate.above = below(seed, PRICE_ABOVE_MAX + 1);
    for (size_t i = 0; i < name && below(seed, 4) > 0; i++)
        estimate.service_tier[i] = (char)(1 + below(seed, 255));
    if (below(seed, 2) == 0)
        estimate.multiplier_ppm = 1 + below(seed, 2000000);
    assert_int_equal(money_scale(estimate.cost, estimate.multiplier_ppm, 1000000, &estimate.cost),
                     0);
    return estimate;
}

static void what_is_printed_reads_back_the_same(void **state)
{
    uint64_t seed = 1;

    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        struct estimate estimate = any_estimate(&seed), again;
        char text[ROW_RATING_BYTES_MAX], twice[ROW_RATING_BYTES_MAX];
        size_t len = rating_print(&estimate, text);

        assert_int_equal(rating_parse((struct text){text, len}, &again), 0);
        assert_same(&estimate, &again);
        assert_int_equal(rating_print(&again, twice), len);
        assert_memory_equal(text, twice, len);
        /* No part of it reads as the whole: a rating that was cut is seen, or is shorter by lines.
         */
        if (len > 1 && rating_parse((struct text){text, len - 1}, &again) == 0)
            assert_true(again.count <= estimate.count);
    }
}

/* --- shares --- */

static struct estimate weighted(const __int128 *costs, unsigned count)
{
    struct estimate estimate = {.count = count, .multiplier_ppm = PRICE_MULTIPLIER_NONE};

    for (unsigned i = 0; i < count; i++)
        estimate.lines[i].cost.femto = costs[i];
    return estimate;
}

static void assert_share(struct money share, const char *expected)
{
    char text[MONEY_TEXT_MAX];

    money_print(share, text);
    assert_string_equal(text, expected);
}

/* pricing-and-focus section 6. */
static void the_example_of_the_rules_is_shared_out_as_it_says(void **state)
{
    const __int128 costs[] = {money("0.000009").femto, money("0.04614").femto,
                              money("0.00825").femto};
    struct estimate estimate = weighted(costs, 3);
    struct money shares[PRICE_UNITS];

    (void)state;
    assert_int_equal(rating_allocate(&estimate, money("0.0544"), shares), 0);
    assert_share(shares[0], "0.000009000165444");
    assert_share(shares[1], "0.046140848177356");
    assert_share(shares[2], "0.0082501516572");
    assert_int_equal(rating_allocate(&estimate, money("-0.0544"), shares), 0);
    assert_share(shares[0], "-0.000009000165444");
    assert_share(shares[1], "-0.046140848177356");
    assert_share(shares[2], "-0.0082501516572");
}

static void what_is_left_goes_to_the_largest_remainder_and_then_the_lower_line(void **state)
{
    static const struct {
        int64_t weights[3];
        int64_t cost;
        int64_t shares[3];
    } cases[] = {
        {{1, 1, 1}, 1, {1, 0, 0}},  {{1, 1, 1}, 2, {1, 1, 0}}, {{1, 1, 1}, 4, {2, 1, 1}},
        {{1, 1, 2}, 1, {0, 0, 1}},  {{3, 2, 2}, 1, {1, 0, 0}}, {{1, 5, 4}, 5, {1, 2, 2}},
        {{0, 1, 1}, 1, {0, 1, 0}},  {{1, 0, 0}, 7, {7, 0, 0}}, {{2, 3, 5}, 0, {0, 0, 0}},
        {{2, 3, 5}, 10, {2, 3, 5}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const __int128 costs[] = {cases[i].weights[0], cases[i].weights[1], cases[i].weights[2]};
        struct estimate estimate = weighted(costs, 3);
        struct money shares[PRICE_UNITS];

        for (int sign = 1; sign >= -1; sign -= 2) {
            struct money cost = {sign * cases[i].cost};
            assert_int_equal(rating_allocate(&estimate, cost, shares), 0);
            for (unsigned line = 0; line < 3; line++)
                assert_true(shares[line].femto == sign * cases[i].shares[line]);
        }
    }
}

static void nothing_can_be_shared_out_over_nothing(void **state)
{
    const __int128 zero[] = {0, 0}, below_zero[] = {5, -1}, wide[] = {MAX, MAX};
    struct estimate estimate = weighted(NULL, 0);
    struct money shares[PRICE_UNITS] = {{42}};

    (void)state;
    assert_int_equal(rating_allocate(&estimate, money("1"), shares), -EINVAL);
    estimate = weighted(zero, 2);
    assert_int_equal(rating_allocate(&estimate, money("1"), shares), -EINVAL);
    estimate = weighted(below_zero, 2);
    assert_int_equal(rating_allocate(&estimate, money("1"), shares), -EINVAL);
    estimate = weighted(wide, 2);
    assert_int_equal(rating_allocate(&estimate, money("1"), shares), -EOVERFLOW);
    assert_true(shares[0].femto == 42);
}

/* Sums of any width, where no product fits 128 bits any more. */
static void the_widest_sums_are_shared_out_exactly(void **state)
{
    const __int128 even[] = {MAX / 3, MAX / 3, MAX / 3}, one[] = {MAX}, lop[] = {1, MAX - 1};
    const __int128 third[] = {MAX / 8 + 1, MAX / 4 + 1};
    struct estimate estimate = weighted(even, 3);
    struct money shares[PRICE_UNITS];

    (void)state;
    assert_int_equal(rating_allocate(&estimate, (struct money){MAX}, shares), 0);
    assert_true(shares[0].femto == MAX / 3 + 1); /* MAX is 3n + 1 */
    assert_true(shares[1].femto == MAX / 3);
    assert_true(shares[2].femto == MAX / 3);
    assert_int_equal(rating_allocate(&estimate, (struct money){-MAX - 1}, shares), 0);
    assert_true(shares[0].femto == -(MAX / 3) - 1);
    assert_true(shares[1].femto == -(MAX / 3) - 1);
    assert_true(shares[2].femto == -(MAX / 3));
    estimate = weighted(one, 1);
    assert_int_equal(rating_allocate(&estimate, (struct money){-MAX - 1}, shares), 0);
    assert_true(shares[0].femto == -MAX - 1);
    estimate = weighted(lop, 2);
    assert_int_equal(rating_allocate(&estimate, (struct money){MAX - 1}, shares), 0);
    assert_true(shares[0].femto == 1); /* (MAX - 1) / MAX is nearly a whole unit */
    assert_true(shares[1].femto == MAX - 2);
    estimate = weighted(third, 2);
    assert_int_equal(rating_allocate(&estimate, (struct money){3 * third[0]}, shares), 0);
    assert_true(shares[0].femto == third[0]); /* without a remainder */
    assert_true(shares[1].femto == third[1]);
}

static __int128 any_sum(uint64_t *seed)
{
    unsigned __int128 wide = (unsigned __int128)next_random(seed) << 64 | next_random(seed);

    return (__int128)(wide >> (1 + below(seed, 126)));
}

static void shares_add_up_exactly_whatever_the_sums(void **state)
{
    uint64_t seed = 2;

    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        struct estimate estimate = {.count = 1 + (unsigned)below(&seed, PRICE_UNITS)};
        struct money shares[PRICE_UNITS], sum = {0}, weights = {0};
        struct money cost = {any_sum(&seed)};

        if (below(&seed, 2) == 0)
            cost.femto = -cost.femto;
        for (unsigned i = 0; i < estimate.count; i++) {
            estimate.lines[i].cost.femto = any_sum(&seed) / 16;
            assert_int_equal(money_add(weights, estimate.lines[i].cost, &weights), 0);
        }
        if (weights.femto == 0) {
            assert_int_equal(rating_allocate(&estimate, cost, shares), -EINVAL);
            continue;
        }
        assert_int_equal(rating_allocate(&estimate, cost, shares), 0);
        for (unsigned i = 0; i < estimate.count; i++) {
            struct money own = estimate.lines[i].cost;

            assert_int_equal(money_add(sum, shares[i], &sum), 0);
            assert_true(shares[i].femto == 0 || (shares[i].femto < 0) == (cost.femto < 0));
            if (own.femto == 0)
                assert_true(shares[i].femto == 0);
            /* Less than one unit off its due: |share x weights - cost x own| < weights. */
            if (weights.femto < INT64_MAX && cost.femto < INT32_MAX && cost.femto > -INT32_MAX) {
                __int128 off = shares[i].femto * weights.femto - cost.femto * own.femto;
                assert_true(off < weights.femto && off > -weights.femto);
            }
        }
        assert_true(money_compare(sum, cost) == 0);
    }
}

/* Costs of lines are list prices; what was billed with a multiplier is shared out over them. */
static void a_multiplier_does_not_change_the_proportions(void **state)
{
    struct estimate plain = {.multiplier_ppm = PRICE_MULTIPLIER_NONE}, cheap;
    struct money a[PRICE_UNITS], b[PRICE_UNITS];

    (void)state;
    add_line(&plain, PRICE_INPUT, PRICE_INPUT, 3, 7);
    add_line(&plain, PRICE_OUTPUT, PRICE_OUTPUT, 5, 11);
    add_line(&plain, PRICE_REQUEST, PRICE_REQUEST, 1, 1);
    cheap = plain;
    cheap.multiplier_ppm = 333333;
    assert_int_equal(money_scale(plain.cost, 333333, 1000000, &cheap.cost), 0);
    assert_int_equal(rating_allocate(&plain, cheap.cost, a), 0);
    assert_int_equal(rating_allocate(&cheap, cheap.cost, b), 0);
    for (unsigned i = 0; i < 3; i++)
        assert_true(money_compare(a[i], b[i]) == 0);
    assert_true(a[0].femto + a[1].femto + a[2].femto == cheap.cost.femto);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rating_says_what_is_not_the_default_and_every_line),
        cmocka_unit_test(names_of_tiers_cannot_forge_a_rating),
        cmocka_unit_test(the_longest_rating_fits),
        cmocka_unit_test(what_is_no_rating_is_refused),
        cmocka_unit_test(a_sum_that_does_not_fit_is_refused),
        cmocka_unit_test(what_is_printed_reads_back_the_same),
        cmocka_unit_test(the_example_of_the_rules_is_shared_out_as_it_says),
        cmocka_unit_test(what_is_left_goes_to_the_largest_remainder_and_then_the_lower_line),
        cmocka_unit_test(nothing_can_be_shared_out_over_nothing),
        cmocka_unit_test(the_widest_sums_are_shared_out_exactly),
        cmocka_unit_test(shares_add_up_exactly_whatever_the_sums),
        cmocka_unit_test(a_multiplier_does_not_change_the_proportions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
