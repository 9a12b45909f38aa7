#include "accounting/tally.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct ledger_row row(int64_t billed, int64_t prompt, enum row_cache cache)
{
    struct ledger_row row;
    row_init(&row);
    row.cache = cache;
    row.usage.prompt_tokens = prompt;
    if (billed >= 0)
        row.billed = (struct maybe_money){true, {billed}};
    return row;
}

static void add(struct tally *tally, const char *model, const char *day, struct ledger_row added)
{
    struct text values[2] = {text_of(model), text_of(day)};
    tally_next_row(tally);
    assert_int_equal(tally_add(tally, values, 2, &added), 0);
}

static void groups_are_sorted_sums(void **state)
{
    struct tally *tally = tally_new(0);
    struct tally_group *const *groups;
    size_t count;
    (void)state;
    add(tally, "b", "2", row(5, 10, CACHE_MISS));
    add(tally, "a", "2", row(7, USAGE_ABSENT, CACHE_MISS));
    add(tally, "b", "2", row(6, 20, CACHE_HIT));
    add(tally, "b", "1", row(-1, 3, CACHE_COLLAPSED));
    add(tally, "", "b2", row(-1, USAGE_ABSENT, CACHE_MISS));
    groups = tally_sort(tally, &count);
    assert_int_equal(count, 4);
    assert_int_equal(tally_value(groups[0], 0).len, 0);
    assert_memory_equal(tally_value(groups[0], 1).bytes, "b2", 2);
    assert_int_equal(groups[0]->tokens[TALLY_PROMPT], USAGE_ABSENT);
    assert_false(groups[0]->money[TALLY_BILLED].known); /* unknown, not 0 */
    assert_int_equal(groups[0]->unbilled, 1);
    assert_memory_equal(tally_value(groups[1], 0).bytes, "a", 1);
    assert_memory_equal(tally_value(groups[2], 1).bytes, "1", 1);
    assert_int_equal(groups[2]->hits, 1);
    assert_memory_equal(tally_value(groups[3], 1).bytes, "2", 1);
    assert_int_equal(groups[3]->requests, 2);
    assert_int_equal(groups[3]->hits, 1);
    assert_int_equal(groups[3]->tokens[TALLY_PROMPT], 30);
    assert_true(groups[3]->money[TALLY_BILLED].money.femto == 11);
    assert_int_equal(groups[3]->unbilled, 0);
    tally_free(tally);
}

/* It says by how much a sum was wrong, and nobody asked for it. */
static void a_correction_is_no_request(void **state)
{
    struct tally *tally = tally_new(0);
    struct ledger_row correction = row(7, 3, CACHE_HIT);
    struct tally_group *const *groups;
    size_t count;
    (void)state;
    correction.corrects = TEXT("1/2");
    add(tally, "a", "1", correction);
    correction.billed.known = false;
    add(tally, "a", "1", correction);
    groups = tally_sort(tally, &count);
    assert_int_equal(count, 1);
    assert_int_equal(groups[0]->requests, 0);
    assert_int_equal(groups[0]->hits, 0);
    assert_int_equal(groups[0]->unbilled, 0);
    assert_int_equal(groups[0]->tokens[TALLY_PROMPT], 6);
    assert_true(groups[0]->money[TALLY_BILLED].money.femto == 7);
    tally_free(tally);
}

/* As a tag may be named twice by one row. */
static void a_row_counts_once_in_a_group(void **state)
{
    struct tally *tally = tally_new(0);
    struct ledger_row added = row(5, 1, CACHE_MISS);
    struct text tags[2] = {TEXT("x"), TEXT("y")};
    struct tally_group *const *groups;
    size_t count;
    (void)state;
    for (int i = 0; i < 2; i++) {
        tally_next_row(tally);
        for (unsigned j = 0; j < 2; j++) {
            assert_int_equal(tally_add(tally, &tags[j], 1, &added), 0);
            assert_int_equal(tally_add(tally, &tags[0], 1, &added), 0);
        }
    }
    groups = tally_sort(tally, &count);
    assert_int_equal(count, 2);
    assert_int_equal(groups[0]->requests, 2);
    assert_int_equal(groups[1]->requests, 2);
    tally_free(tally);
}

/* A refused upstream bills nothing, and that is known. */
static void failed_rows_do_not_make_a_sum_doubtful(void **state)
{
    struct tally *tally = tally_new(0);
    struct ledger_row added = row(-1, 1, CACHE_MISS);
    size_t count;
    (void)state;
    added.verdict = VERDICT_FAILED;
    add(tally, "m", "d", added);
    assert_int_equal(tally_sort(tally, &count)[0]->unbilled, 0);
    tally_free(tally);
}

static void there_are_as_many_groups_as_allowed(void **state)
{
    struct tally *tally = tally_new(1000);
    struct ledger_row added = row(1, 1, CACHE_MISS);
    char name[16];
    struct text value;
    size_t count;
    (void)state;
    for (unsigned i = 0; i <= 1000; i++) {
        snprintf(name, sizeof(name), "%u", i);
        value = text_of(name);
        tally_next_row(tally);
        assert_int_equal(tally_add(tally, &value, 1, &added), i < 1000 ? 0 : -E2BIG);
    }
    value = TEXT("7");
    assert_int_equal(tally_add(tally, &value, 1, &added), 0); /* one that is there takes rows */
    tally_sort(tally, &count);
    assert_int_equal(count, 1000);
    tally_free(tally);
}

static void a_sum_that_does_not_fit_is_refused(void **state)
{
    struct tally *tally = tally_new(0);
    struct ledger_row added = row(1, INT64_MAX, CACHE_MISS);
    struct text value = TEXT("m");
    (void)state;
    tally_next_row(tally);
    assert_int_equal(tally_add(tally, &value, 1, &added), 0);
    tally_next_row(tally);
    assert_int_equal(tally_add(tally, &value, 1, &added), -EOVERFLOW);
    tally_free(tally);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_are_sorted_sums),
        cmocka_unit_test(a_correction_is_no_request),
        cmocka_unit_test(a_row_counts_once_in_a_group),
        cmocka_unit_test(failed_rows_do_not_make_a_sum_doubtful),
        cmocka_unit_test(there_are_as_many_groups_as_allowed),
        cmocka_unit_test(a_sum_that_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
