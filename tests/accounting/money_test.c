/* money_test.c - decimal text is exact or refused, and arithmetic never wraps. */
#include "accounting/money.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MAX ((__int128)(~(unsigned __int128)0 >> 1))
#define MIN (-MAX - 1)
#define ONE ((__int128)1000000000000000) /* 1 USD */

static struct money usd(__int128 femto)
{
    return (struct money){femto};
}

static void assert_money(struct money got, __int128 femto, const char *what)
{
    if (got.femto != femto) {
        char text[MONEY_TEXT_MAX];
        money_print(got, text);
        fail_msg("%s: got %s", what, text);
    }
}

/* The same pseudo-random values in every run. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static void text_is_read_to_the_last_digit(void **state)
{
    static const struct {
        const char *text;
        int64_t femto;
    } cases[] = {
        {"0", 0},
        {"-0", 0},
        {"0.000", 0},
        {"-0.0e5", 0},
        {"0e999999999999999999999", 0},
        {"0e-999999999999999999999", 0},
        {"1", 1000000000000000},
        {"-1", -1000000000000000},
        {"007", 7000000000000000},
        {"1.5", 1500000000000000},
        {"0.000000000000001", 1},
        {"-0.000000000000001", -1},
        {"1e-15", 1},
        {"9e-7", 900000000},
        {"9E-7", 900000000},
        {"9e-07", 900000000},
        {"1.25e+2", 125000000000000000},
        {"1.25E2", 125000000000000000},
        {"7.5e-08", 75000000},
        {"0.00254674", 2546740000000},
        {"0.0000000000000010000000000", 1}, /* zeros at the end are no digits */
        {"1.00000000000000000000000000", 1000000000000000},
        {"9223.372036854", 9223372036854000000},
        {"100000000000000000000000000e-26", 1000000000000000},
        {"0.00000000000000000000000001e26", 1000000000000000},
        {"123456789012345e-15", 123456789012345},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum money_precision precision = MONEY_DENOISED;
        struct money got = {-42};
        int rc = money_parse(cases[i].text, strlen(cases[i].text), &got, &precision);
        if (rc != 0)
            fail_msg("%s: %d", cases[i].text, rc);
        assert_money(got, cases[i].femto, cases[i].text);
        assert_int_equal(precision, MONEY_EXACT);
    }
}

static void what_is_no_decimal_is_refused_and_touches_nothing(void **state)
{
    static const char *const cases[] = {
        "",      "-",     "+1",   ".",     "1.",    ".5",       "-.5",   "1e",   "1e+",      "1e-",
        "e5",    "1.e5",  "1..2", "1.2.3", "--1",   "0x10",     "NaN",   "nan",  "Infinity", "inf",
        " 1",    "1 ",    "1,5",  "1_0",   "1e5.0", "1e 5",     "1e5 ",  "1\n",  "\t1",      "$1",
        "1e--5", "1e+-5", "1f",   "1-",    "1-2",   "\xd9\xa1", "1e5e5", "null",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum money_precision precision = MONEY_DENOISED;
        struct money got = {42};
        int rc = money_parse(cases[i], strlen(cases[i]), &got, &precision);
        if (rc != -EINVAL)
            fail_msg("'%s': %d", cases[i], rc);
        assert_money(got, 42, cases[i]);
        assert_int_equal(precision, MONEY_DENOISED);
    }
    {
        struct money got = {42};
        assert_int_equal(money_parse("1\0", 2, &got, NULL), -EINVAL); /* length, not NUL, ends it */
        assert_int_equal(money_parse("12", 1, &got, NULL), 0);
        assert_money(got, ONE, "first byte of 12");
    }
}

/* A number we cannot hold is refused; saturating it here would bill wrong for ever. */
static void a_number_that_does_not_fit_is_refused(void **state)
{
    static const char *const cases[] = {
        "1e400",
        "-1e400",
        "1e99999999999999999999999999999999",
        "170141183460469e10", /* 2^127 femto is 170141183460469.23...e9 USD */
        "1e24",
        "2e23",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct money got = {42};
        enum money_precision precision = MONEY_INEXACT;
        assert_int_equal(money_parse(cases[i], strlen(cases[i]), &got, &precision), -ERANGE);
        assert_money(got, 42, cases[i]);
        assert_int_equal(precision, MONEY_INEXACT);
    }
    {
        struct money got = {42};
        assert_int_equal(money_parse("170141183460469e9", 17, &got, NULL), 0);
        assert_true(got.femto / ONE == (__int128)170141183460469 * 1000000000);
        assert_int_equal(money_parse("-1.70141183460469e23", 20, &got, NULL), 0);
        assert_true(got.femto / ONE == -(__int128)170141183460469 * 1000000000);
    }
}

static void text_up_to_the_maximum_is_looked_at_and_longer_is_refused(void **state)
{
    char text[MONEY_DIGITS_MAX + 1];
    enum money_precision precision;
    struct money got = {42};

    (void)state;
    memset(text, '0', sizeof(text));
    text[1] = '.';
    text[MONEY_DIGITS_MAX - 1] = '9';
    assert_int_equal(money_parse(text, MONEY_DIGITS_MAX, &got, &precision), 0);
    assert_money(got, 0, "9e-1022");
    assert_int_equal(precision, MONEY_INEXACT);
    got.femto = 42;
    assert_int_equal(money_parse(text, MONEY_DIGITS_MAX + 1, &got, &precision), -EINVAL);
    assert_money(got, 42, "too long");
    memset(text, '9', sizeof(text));
    assert_int_equal(money_parse(text, MONEY_DIGITS_MAX, &got, &precision), -ERANGE);
    for (int i = 0; i < 6; i++)
        text[MONEY_DIGITS_MAX - 6 + i] = "e-1018"[i];
    assert_int_equal(money_parse(text, MONEY_DIGITS_MAX, &got, &precision), 0);
    assert_money(got, ONE, "0.999... of 1018 nines");
    assert_int_equal(precision, MONEY_DENOISED);
}

static void finer_text_is_rounded_half_even_and_marked(void **state)
{
    static const struct {
        const char *text;
        int64_t femto;
        enum money_precision precision;
    } cases[] = {
        /* At most 15 significant digits, more than 15 decimals: half-even to 15 decimals. */
        {"0.0000000000000014", 1, MONEY_INEXACT},
        {"0.0000000000000015", 2, MONEY_INEXACT},
        {"0.0000000000000025", 2, MONEY_INEXACT},
        {"0.0000000000000035", 4, MONEY_INEXACT},
        {"0.00000000000000251", 3, MONEY_INEXACT},
        {"-0.0000000000000025", -2, MONEY_INEXACT},
        {"-0.0000000000000035", -4, MONEY_INEXACT},
        {"0.0000000000000005", 0, MONEY_INEXACT},
        {"0.00000000000000051", 1, MONEY_INEXACT},
        {"-0.0000000000000004", 0, MONEY_INEXACT},
        {"0.0000000000000009999", 1, MONEY_INEXACT},
        {"5e-16", 0, MONEY_INEXACT},
        {"999999999999999e-30", 1, MONEY_INEXACT},
        {"499999999999999e-30", 0, MONEY_INEXACT},
        {"999999999999999e-31", 0, MONEY_INEXACT},
        {"1e-99999999999999999999", 0, MONEY_INEXACT},
        /* More than 15 significant digits: binary noise, half-even to 12 of them. */
        {"0.0000032000000000000003", 3200000000, MONEY_DENOISED},
        {"0.0000008999999999999999", 900000000, MONEY_DENOISED},
        {"0.000000024999999999999998", 25000000, MONEY_DENOISED},
        {"0.30000000000000004", 300000000000000, MONEY_DENOISED},
        {"-0.30000000000000004", -300000000000000, MONEY_DENOISED},
        {"1.2345678901250000e0", 1234567890125000, MONEY_EXACT}, /* 13 digits count */
        {"1.234567890125000001", 1234567890130000, MONEY_DENOISED},
        {"1.234567890124999999", 1234567890120000, MONEY_DENOISED},
        {"9.99999999999999999", 10000000000000000, MONEY_DENOISED},
        {"1234.567890123456", 1234567890120000000, MONEY_DENOISED},
        {"1.2345678901234567e-9", 1234568, MONEY_DENOISED},
        {"2.4999999999999999e-15", 2, MONEY_DENOISED}, /* is 2.5, and 2.5 goes to even */
        {"3.4999999999999999e-15", 4, MONEY_DENOISED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum money_precision precision;
        struct money got = {-42};
        assert_int_equal(money_parse(cases[i].text, strlen(cases[i].text), &got, &precision), 0);
        assert_money(got, cases[i].femto, cases[i].text);
        if (precision != cases[i].precision)
            fail_msg("%s: precision %d", cases[i].text, (int)precision);
    }
}

static void unit_prices_are_64_bits_or_refused(void **state)
{
    enum money_precision precision = MONEY_INEXACT;
    struct unit_price price = {42};

    (void)state;
    assert_int_equal(unit_price_parse("0.0000014", 9, &price, &precision), 0);
    assert_true(price.femto == 1400000000);
    assert_int_equal(precision, MONEY_EXACT);
    assert_int_equal(unit_price_parse("9223.37203685477", 16, &price, NULL), 0);
    assert_true(price.femto == 9223372036854770000);
    assert_int_equal(unit_price_parse("-9223.37203685477", 17, &price, NULL), 0);
    assert_true(price.femto == -9223372036854770000);
    assert_int_equal(unit_price_parse("9223.37203685478", 16, &price, &precision), -ERANGE);
    assert_int_equal(unit_price_parse("-9223.37203685478", 17, &price, &precision), -ERANGE);
    assert_int_equal(unit_price_parse("1e30", 4, &price, &precision), -ERANGE);
    assert_int_equal(unit_price_parse("free", 4, &price, &precision), -EINVAL);
    assert_true(price.femto == -9223372036854770000);
    assert_int_equal(precision, MONEY_EXACT);
}

static void sums_are_exact_or_refused(void **state)
{
    struct money got = {42};

    (void)state;
    assert_int_equal(money_add(usd(1), usd(-3), &got), 0);
    assert_money(got, -2, "1 - 3");
    assert_int_equal(money_add(usd(MAX - 1), usd(1), &got), 0);
    assert_money(got, MAX, "max");
    assert_int_equal(money_subtract(usd(MIN + 1), usd(1), &got), 0);
    assert_money(got, MIN, "min");
    got.femto = 42;
    assert_int_equal(money_add(usd(MAX), usd(1), &got), -EOVERFLOW);
    assert_int_equal(money_add(usd(MIN), usd(-1), &got), -EOVERFLOW);
    assert_int_equal(money_subtract(usd(MIN), usd(1), &got), -EOVERFLOW);
    assert_int_equal(money_subtract(usd(0), usd(MIN), &got), -EOVERFLOW);
    assert_money(got, 42, "refused");
}

static void products_are_exact_and_absent_counts_never_become_money(void **state)
{
    struct money got = {42};

    (void)state;
    assert_int_equal(money_multiply((struct unit_price){1400000000}, 9520, &got), 0);
    assert_money(got, 13328000000000, "9520 tokens");
    assert_int_equal(money_multiply((struct unit_price){INT64_MAX}, INT64_MAX, &got), 0);
    assert_money(got, (__int128)INT64_MAX * INT64_MAX, "largest");
    assert_int_equal(money_multiply((struct unit_price){INT64_MIN}, INT64_MAX, &got), 0);
    assert_money(got, (__int128)INT64_MIN * INT64_MAX, "smallest");
    assert_int_equal(money_multiply((struct unit_price){5}, 0, &got), 0);
    assert_money(got, 0, "none");
    got.femto = 42;
    assert_int_equal(money_multiply((struct unit_price){5}, -1, &got), -EINVAL);
    assert_money(got, 42, "absent");
}

static void scaling_rounds_once_half_even_and_goes_through_192_bits(void **state)
{
    static const struct {
        int64_t femto, numerator, denominator, scaled;
    } cases[] = {
        {10, 1, 2, 5},
        {5, 1, 2, 2},
        {7, 1, 2, 4},
        {-5, 1, 2, -2},
        {-7, 1, 2, -4},
        {5, -1, 2, -2},
        {-7, -1, 2, 4},
        {1, 1, 3, 0},
        {2, 1, 3, 1},
        {0, 7, 9, 0},
        {9, 0, 9, 0},
        {3, 1, 1, 3},
        {1275, 500000, 1000000, 638},
        {1000000, 1000, 1000000, 1000},
        {INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX},
        {INT64_MIN, INT64_MAX, INT64_MAX, INT64_MIN},
        {1, INT64_MAX, INT64_MAX, 1},
        {1, INT64_MIN, INT64_MAX, -1},
        {1, 1, INT64_MAX, 0},
        {INT64_MAX, 1, INT64_MAX, 1},
    };
    struct money got = {42};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(
            money_scale(usd(cases[i].femto), cases[i].numerator, cases[i].denominator, &got), 0);
        assert_money(got, cases[i].scaled, "scale");
    }
    assert_int_equal(money_scale(usd(MAX), INT64_MAX, INT64_MAX, &got), 0);
    assert_money(got, MAX, "max over itself");
    assert_int_equal(money_scale(usd(MIN), INT64_MAX, INT64_MAX, &got), 0);
    assert_money(got, MIN, "min over itself");
    assert_int_equal(money_scale(usd(MIN), 1, 1, &got), 0);
    assert_money(got, MIN, "min");
    assert_int_equal(money_scale(usd(MAX), 1000000, 1000001, &got), 0);
    assert_money(got, MAX / 1000001 * 1000000 + (MAX % 1000001 * 1000000 + 500000) / 1000001,
                 "max but a millionth");
    got.femto = 42;
    assert_int_equal(money_scale(usd(MIN), -1, 1, &got), -EOVERFLOW);
    assert_int_equal(money_scale(usd(MAX), 2, 1, &got), -EOVERFLOW);
    assert_int_equal(money_scale(usd(MAX), INT64_MAX, 1, &got), -EOVERFLOW);
    assert_int_equal(money_scale(usd(MAX), 1000001, 1000000, &got), -EOVERFLOW);
    assert_money(got, 42, "refused");
}

static void order_and_size_hold_at_the_ends(void **state)
{
    struct money got = {42};

    (void)state;
    assert_int_equal(money_compare(usd(MIN), usd(MAX)), -1);
    assert_int_equal(money_compare(usd(MAX), usd(MIN)), 1);
    assert_int_equal(money_compare(usd(-1), usd(0)), -1);
    assert_int_equal(money_compare(usd(7), usd(7)), 0);
    assert_int_equal(money_absolute(usd(MIN), &got), -EOVERFLOW);
    assert_money(got, 42, "refused");
    assert_int_equal(money_absolute(usd(MIN + 1), &got), 0);
    assert_money(got, MAX, "nearly smallest");
    assert_int_equal(money_absolute(usd(-3), &got), 0);
    assert_money(got, 3, "-3");
    assert_int_equal(money_absolute(usd(3), &got), 0);
    assert_money(got, 3, "3");
}

static void print_is_plain_and_short(void **state)
{
    static const struct {
        int64_t femto;
        const char *text;
    } cases[] = {
        {0, "0"},
        {1, "0.000000000000001"},
        {-1, "-0.000000000000001"},
        {50000000000000, "0.05"},
        {-1200000000000000, "-1.2"},
        {1000000000, "0.000001"},
        {900000000, "0.0000009"},
        {1000000000000000, "1"},
        {100000000000000000, "100"},
        {123456789012345678, "123.456789012345678"},
        {INT64_MIN, "-9223.372036854775808"},
    };
    char text[MONEY_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t len = money_print(usd(cases[i].femto), text);
        assert_string_equal(text, cases[i].text);
        assert_int_equal(len, strlen(text));
    }
    money_print(usd(MAX), text);
    assert_string_equal(text, "170141183460469231731687.303715884105727");
    money_print(usd(MIN), text);
    assert_string_equal(text, "-170141183460469231731687.303715884105728");
}

/* Any value of up to 15 significant digits, anywhere in the range. */
static struct money random_money(uint64_t *state)
{
    __int128 femto = 0;
    uint64_t digits = next_random(state) % 15 + 1;
    uint64_t zeros = next_random(state) % 23;

    for (; digits > 0; digits--)
        femto = femto * 10 + (__int128)(next_random(state) % 10);
    for (; zeros > 0; zeros--)
        femto *= 10;
    return usd((next_random(state) & 1) != 0 ? femto : -femto);
}

static void what_is_printed_parses_back(void **state)
{
    uint64_t seed = 1;

    (void)state;
    for (int i = 0; i < 200000; i++) {
        struct money value = random_money(&seed), back = {42};
        enum money_precision precision;
        char text[MONEY_TEXT_MAX];
        size_t len = money_print(value, text);
        assert_int_equal(money_parse(text, len, &back, &precision), 0);
        assert_money(back, value.femto, text);
        assert_int_equal(precision, MONEY_EXACT);
    }
}

/* Grouping must not change a total: the same rows, in any order, give the same sum. */
static void sums_do_not_depend_on_order(void **state)
{
    enum { ROWS = 1000 };
    static struct money rows[ROWS];
    struct money first = {0}, sum;
    uint64_t seed = 2;

    (void)state;
    for (int i = 0; i < ROWS; i++) {
        rows[i] = usd((__int128)(int64_t)next_random(&seed) * (int64_t)(next_random(&seed) >> 24));
        assert_int_equal(money_add(first, rows[i], &first), 0);
    }
    for (int round = 0; round < 50; round++) {
        struct money groups[7] = {{0}};
        for (size_t i = ROWS - 1; i > 0; i--) {
            size_t other = next_random(&seed) % (i + 1);
            struct money swap = rows[i];
            rows[i] = rows[other];
            rows[other] = swap;
        }
        for (size_t i = 0; i < ROWS; i++)
            assert_int_equal(money_add(groups[i % 7], rows[i], &groups[i % 7]), 0);
        sum = groups[0];
        for (size_t i = 1; i < 7; i++)
            assert_int_equal(money_add(sum, groups[i], &sum), 0);
        assert_int_equal(money_compare(sum, first), 0);
    }
}

/* Scaling is checked against 128-bit arithmetic wherever that is wide enough. */
static void scaling_agrees_with_plain_division(void **state)
{
    uint64_t seed = 3;

    (void)state;
    for (int i = 0; i < 200000; i++) {
        int64_t femto = (int64_t)next_random(&seed) >> (next_random(&seed) % 63);
        int64_t numerator = (int64_t)next_random(&seed) >> (1 + next_random(&seed) % 62);
        int64_t denominator = (int64_t)(next_random(&seed) >> (1 + next_random(&seed) % 62)) | 1;
        __int128 product = (__int128)femto * numerator;
        __int128 floor, rest;
        struct money got;

        floor = product / denominator - (product % denominator < 0);
        rest = product - floor * denominator;
        if (rest * 2 > denominator || (rest * 2 == denominator && (floor & 1) != 0))
            floor++;
        assert_int_equal(money_scale(usd(femto), numerator, denominator, &got), 0);
        assert_money(got, floor, "scale");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_read_to_the_last_digit),
        cmocka_unit_test(what_is_no_decimal_is_refused_and_touches_nothing),
        cmocka_unit_test(a_number_that_does_not_fit_is_refused),
        cmocka_unit_test(text_up_to_the_maximum_is_looked_at_and_longer_is_refused),
        cmocka_unit_test(finer_text_is_rounded_half_even_and_marked),
        cmocka_unit_test(unit_prices_are_64_bits_or_refused),
        cmocka_unit_test(sums_are_exact_or_refused),
        cmocka_unit_test(products_are_exact_and_absent_counts_never_become_money),
        cmocka_unit_test(scaling_rounds_once_half_even_and_goes_through_192_bits),
        cmocka_unit_test(order_and_size_hold_at_the_ends),
        cmocka_unit_test(print_is_plain_and_short),
        cmocka_unit_test(what_is_printed_parses_back),
        cmocka_unit_test(sums_do_not_depend_on_order),
        cmocka_unit_test(scaling_agrees_with_plain_division),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
