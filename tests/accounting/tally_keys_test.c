#include "accounting/tally_keys.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define HOUR INT64_C(3600000)
/* 2026-11-28T12:00:00Z, a Saturday */
#define SATURDAY INT64_C(1795867200000)

static struct ledger_row spent(const char *key_id, int64_t at_ms, int64_t billed)
{
    struct ledger_row row;
    row_init(&row);
    row.key_id = text_of(key_id);
    row.created_at_ms = at_ms;
    row.billed = (struct maybe_money){true, {billed}};
    return row;
}

static void add(struct tally_key *key, int64_t at_ms, int64_t billed)
{
    struct ledger_row row = spent("k", at_ms, billed);
    assert_int_equal(tally_key_add(key, &row), 0);
}

static void assert_sums(const struct tally_key *key, int64_t total, int64_t day, int64_t week,
                        int64_t month)
{
    assert_int_equal((int64_t)key->billed[TALLY_TOTAL].femto, total);
    assert_int_equal((int64_t)key->billed[TALLY_DAY].femto, day);
    assert_int_equal((int64_t)key->billed[TALLY_WEEK].femto, week);
    assert_int_equal((int64_t)key->billed[TALLY_MONTH].femto, month);
}

/* Weeks begin on Monday, and months where they begin; 30 November 2026 is a Monday. */
static void periods_begin_anew(void **state)
{
    struct tally_key key = TALLY_KEY_INIT;
    (void)state;
    add(&key, SATURDAY, 1);
    assert_sums(&key, 1, 1, 1, 1);
    add(&key, SATURDAY + 12 * HOUR - 1, 10);
    assert_sums(&key, 11, 11, 11, 11);
    add(&key, SATURDAY + 12 * HOUR, 100); /* Sunday */
    assert_sums(&key, 111, 100, 111, 111);
    add(&key, SATURDAY + 36 * HOUR, 1000); /* Monday */
    assert_sums(&key, 1111, 1000, 1000, 1111);
    add(&key, SATURDAY + 60 * HOUR, 10000); /* Tuesday, 1 December */
    assert_sums(&key, 11111, 10000, 11000, 10000);
    tally_key_advance(&key, SATURDAY + 90 * HOUR);
    assert_sums(&key, 11111, 0, 11000, 10000);
    tally_key_advance(&key, SATURDAY + 40 * 24 * HOUR);
    assert_sums(&key, 11111, 0, 0, 0);
}

static void only_what_is_known_counts(void **state)
{
    struct tally_key key = TALLY_KEY_INIT;
    struct ledger_row row = spent("k", SATURDAY, 3);
    (void)state;
    row.upstream_cost = (struct maybe_money){true, {50}};
    row.byok = 1;
    assert_int_equal(tally_key_add(&key, &row), 0);
    row.byok = 0; /* what a gateway's own key cost upstream is not the client's */
    assert_int_equal(tally_key_add(&key, &row), 0);
    row.billed.known = row.upstream_cost.known = false;
    assert_int_equal(tally_key_add(&key, &row), 0);
    assert_sums(&key, 6, 6, 6, 6);
    assert_true(key.byok[TALLY_TOTAL].femto == 50);
    assert_true(key.byok[TALLY_DAY].femto == 50);
}

static void a_row_of_yesterday_after_midnight_is_not_todays(void **state)
{
    struct tally_key key = TALLY_KEY_INIT;
    (void)state;
    tally_key_advance(&key, SATURDAY);
    add(&key, SATURDAY - 13 * HOUR, 7);
    assert_sums(&key, 7, 0, 7, 7);
}

static void keys_stay_apart(void **state)
{
    struct tally_keys *keys = tally_keys_new(500);
    struct tally_key key;
    char name[16];
    (void)state;
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 500; i++) {
            struct ledger_row row;
            snprintf(name, sizeof(name), "key-%u", i);
            row = spent(name, SATURDAY, (int64_t)i);
            assert_int_equal(tally_keys_add(keys, &row), 0);
        }
    }
    for (unsigned i = 0; i < 500; i++) {
        snprintf(name, sizeof(name), "key-%u", i);
        assert_true(tally_keys_get(keys, text_of(name), &key));
        assert_int_equal((int64_t)key.billed[TALLY_TOTAL].femto, 2 * i);
    }
    assert_true(tally_keys_get(keys, TEXT("nobody"), &key));
    assert_sums(&key, 0, 0, 0, 0);
    tally_keys_free(keys);
}

/* Keys that spend nothing take no room; beyond the maximum it is said that nothing is known. */
static void there_are_as_many_keys_as_allowed(void **state)
{
    struct tally_keys *keys = tally_keys_new(2);
    struct tally_key key;
    struct ledger_row row;
    (void)state;
    row = spent("free", SATURDAY, 0);
    assert_int_equal(tally_keys_add(keys, &row), 0);
    row = spent("a", SATURDAY, 1);
    assert_int_equal(tally_keys_add(keys, &row), 0);
    row = spent("b", SATURDAY, 1);
    assert_int_equal(tally_keys_add(keys, &row), 0);
    assert_true(tally_keys_get(keys, TEXT("c"), &key));
    row = spent("c", SATURDAY, 1);
    assert_int_equal(tally_keys_add(keys, &row), 0);
    assert_false(tally_keys_get(keys, TEXT("c"), &key));
    assert_true(tally_keys_get(keys, TEXT("a"), &key));
    tally_keys_free(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(periods_begin_anew),
        cmocka_unit_test(only_what_is_known_counts),
        cmocka_unit_test(a_row_of_yesterday_after_midnight_is_not_todays),
        cmocka_unit_test(keys_stay_apart),
        cmocka_unit_test(there_are_as_many_keys_as_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
