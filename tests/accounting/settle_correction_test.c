/* settle_correction_test.c - a closed month's row and its correction add up to the truth. */
#include "accounting/settle.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MAX ((__int128)(~(unsigned __int128)0 >> 1))

static struct maybe_money usd(const char *text)
{
    struct maybe_money result = {.known = text != NULL};

    if (text != NULL)
        assert_int_equal(money_parse(text, strlen(text), &result.money, NULL), 0);
    return result;
}

static void assert_sum(struct maybe_money got, const char *expected)
{
    char text[MONEY_TEXT_MAX];

    assert_int_equal(got.known, expected != NULL);
    if (expected == NULL)
        return;
    money_print(got.money, text);
    assert_string_equal(text, expected);
}

static void assert_text(struct text text, const char *expected)
{
    assert_int_equal(text.len, strlen(expected));
    assert_memory_equal(text.bytes, expected, text.len);
}

static struct ledger_row pending(void)
{
    struct ledger_row row;

    row_init(&row);
    row.id = TEXT("gen-1");
    row.upstream_id = TEXT("gen_1");
    row.tags = TEXT("[\"a\"]");
    row.route = TEXT("cheapest");
    row.cache = CACHE_MISS;
    row.model = TEXT("m/old");
    row.estimated = usd("0.003");
    row.booked = usd("0.003");
    row.verdict = VERDICT_PENDING;
    row.usage.prompt_tokens = 100;
    row.usage.completion_tokens = 5;
    return row;
}

static void a_correction_says_what_changed_and_whose(void **state)
{
    struct ledger_row was = pending(), is = was, row;

    (void)state;
    is.model = TEXT("m/new");
    is.billed = usd("0.0025");
    is.estimated = usd("0.003");
    is.booked = usd("0.0025");
    is.difference = usd("-0.0005");
    is.verdict = VERDICT_UNDER;
    is.cause = CAUSE_DISCOUNT;
    is.cache = CACHE_STALE; /* nobody can say that, but it is not of the correction's */
    is.rating = TEXT("1");
    is.observed = TEXT("[]");
    is.usage.completion_tokens = 12;
    is.usage.reasoning_tokens = 3;
    is.usage.web_searches = 0;
    assert_int_equal(settle_correction(&was, &is, "1790752558000/7", &row), 0);
    assert_text(row.id, "gen-1");
    assert_text(row.upstream_id, "gen_1");
    assert_text(row.source_id, "gen-1");
    assert_text(row.corrects, "1790752558000/7");
    assert_text(row.route, "correction");
    assert_text(row.model, "m/new");
    assert_text(row.tags, "[\"a\"]");
    assert_text(row.rating, "1");
    assert_text(row.observed, "[]");
    assert_int_equal(row.cache, CACHE_MISS);
    assert_int_equal(row.verdict, VERDICT_UNDER);
    assert_int_equal(row.cause, CAUSE_DISCOUNT);
    assert_sum(row.billed, "0.0025");
    assert_sum(row.estimated, NULL); /* no change */
    assert_sum(row.booked, "-0.0005");
    assert_sum(row.difference, "-0.0005");
    assert_sum(row.market, NULL); /* never known */
    assert_int_equal(row.usage.prompt_tokens, USAGE_ABSENT);
    assert_int_equal(row.usage.completion_tokens, 7);
    assert_int_equal(row.usage.reasoning_tokens, 3);
    assert_int_equal(row.usage.web_searches, 0); /* unknown before, none now */
}

static void a_correction_to_nothing_new_is_empty(void **state)
{
    struct ledger_row was = pending(), row;

    (void)state;
    assert_int_equal(settle_correction(&was, &was, "1/1", &row), 0);
    assert_sum(row.estimated, NULL);
    assert_sum(row.booked, NULL);
    assert_true(usage_equal(&row.usage, &USAGE_INIT));
    assert_int_equal(row.verdict, VERDICT_PENDING);
}

/* A row holds no count below 0: what went down is unknown, not wrapped. */
static void counts_that_went_down_are_unknown(void **state)
{
    struct ledger_row was = pending(), is = was, row;

    (void)state;
    is.usage.prompt_tokens = 99;
    is.usage.completion_tokens = USAGE_ABSENT;
    assert_int_equal(settle_correction(&was, &is, "1/1", &row), 0);
    assert_int_equal(row.usage.prompt_tokens, USAGE_ABSENT);
    assert_int_equal(row.usage.completion_tokens, USAGE_ABSENT);
}

/* The same prompt, said with and without its cache. */
static void prompts_of_two_dialects_are_compared_alike(void **state)
{
    struct ledger_row was = pending(), is = was, row;

    (void)state;
    was.usage.prompt_tokens = 100;
    was.usage.cached_tokens = 60;
    is.usage.prompt_tokens = 35;
    is.usage.cached_tokens = 60;
    is.usage.cache_write_tokens = 10;
    is.usage.exclusive = true; /* 105 in all */
    assert_int_equal(settle_correction(&was, &is, "1/1", &row), 0);
    assert_int_equal(row.usage.prompt_tokens, 5);
    assert_int_equal(row.usage.cache_write_tokens, 10);
    assert_false(row.usage.exclusive);
    was.usage.prompt_tokens = 30;
    was.usage.exclusive = true;
    is.usage.prompt_tokens = 105;
    is.usage.exclusive = false; /* 35 beside the cache */
    assert_int_equal(settle_correction(&was, &is, "1/1", &row), 0);
    assert_int_equal(row.usage.prompt_tokens, 5);
    assert_true(row.usage.exclusive);
    is.usage.prompt_tokens = INT64_MAX;
    is.usage.exclusive = true;
    was.usage.exclusive = false;
    assert_int_equal(settle_correction(&was, &is, "1/1", &row), 0);
    assert_int_equal(row.usage.prompt_tokens, USAGE_ABSENT);
}

static void a_difference_that_does_not_fit_is_refused(void **state)
{
    struct ledger_row was = pending(), is = was, row = {.status = 42};

    (void)state;
    was.billed = (struct maybe_money){true, {-MAX}};
    is.billed = (struct maybe_money){true, {2}};
    assert_int_equal(settle_correction(&was, &is, "1/1", &row), -EOVERFLOW);
    assert_int_equal(row.status, 42);
    is.billed.money.femto = 0;
    assert_int_equal(settle_correction(&was, &is, "1/1", &row), 0);
    assert_true(row.billed.money.femto == MAX);
}

/* The same pseudo-random values in every run. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static struct maybe_money any_money(uint64_t *seed)
{
    struct maybe_money any = {.known = next_random(seed) % 3 != 0};

    if (any.known)
        any.money.femto = (int64_t)next_random(seed) >> (next_random(seed) % 63);
    return any;
}

static void assert_adds_up(struct maybe_money was, struct maybe_money change, struct maybe_money is)
{
    __int128 sum = (was.known ? was.money.femto : 0) + (change.known ? change.money.femto : 0);

    assert_true(sum == (is.known ? is.money.femto : 0));
    if (is.known)
        assert_true(was.known || change.known); /* known together where it is known */
}

static void a_row_and_its_correction_add_up(void **state)
{
    uint64_t seed = 7;

    (void)state;
    for (unsigned round = 0; round < 5000; round++) {
        struct ledger_row rows[2] = {pending(), pending()}, row;

        for (unsigned i = 0; i < 2; i++) {
            rows[i].billed = any_money(&seed);
            rows[i].upstream_cost = any_money(&seed);
            rows[i].market = any_money(&seed);
            rows[i].estimated = any_money(&seed);
            rows[i].booked = any_money(&seed);
            rows[i].difference = any_money(&seed);
            rows[i].saved = any_money(&seed);
        }
        assert_int_equal(settle_correction(&rows[0], &rows[1], "1/1", &row), 0);
        assert_adds_up(rows[0].billed, row.billed, rows[1].billed);
        assert_adds_up(rows[0].upstream_cost, row.upstream_cost, rows[1].upstream_cost);
        assert_adds_up(rows[0].market, row.market, rows[1].market);
        assert_adds_up(rows[0].estimated, row.estimated, rows[1].estimated);
        assert_adds_up(rows[0].booked, row.booked, rows[1].booked);
        assert_adds_up(rows[0].difference, row.difference, rows[1].difference);
        assert_adds_up(rows[0].saved, row.saved, rows[1].saved);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_correction_says_what_changed_and_whose),
        cmocka_unit_test(a_correction_to_nothing_new_is_empty),
        cmocka_unit_test(counts_that_went_down_are_unknown),
        cmocka_unit_test(prompts_of_two_dialects_are_compared_alike),
        cmocka_unit_test(a_difference_that_does_not_fit_is_refused),
        cmocka_unit_test(a_row_and_its_correction_add_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
