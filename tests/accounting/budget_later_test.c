/* budget_later_test.c - costs that are told later, by the upstream or by the ledger at a start:
 * until then they are held, then they are spent, and who waits for them is told. */
#include "tests/accounting/budget_support.h"

static void a_cost_to_come_is_held_until_it_is_known(void **state)
{
    struct budgets *budgets = budgets_of(10, 0, 20);
    struct budget_hold hold, other;
    struct budget_state got;
    (void)state;
    assert_int_equal(reserve(budgets, 8, SATURDAY, &hold), 0);
    budget_post(budgets, &hold, (struct maybe_money){0});
    assert_false(hold.open);
    assert_sums(budgets, SATURDAY, BUDGET_DAY, 0, 8);
    assert_sums(budgets, SATURDAY, BUDGET_MONTH, 0, 8);
    assert_int_equal(budget_reserve(budgets, 0, usd(3), SATURDAY, &other, &got), -EAGAIN);
    assert_int_equal((int64_t)got.held.femto, 8);
    assert_int_equal(reserve(budgets, 11, SATURDAY, &other), -EDQUOT);
    assert_int_equal(reserve(budgets, 2, SATURDAY, &other), 0);
    assert_sums(budgets, SATURDAY, BUDGET_DAY, 0, 10);
    budget_resolve(budgets, 0, usd(8), usd(3), SATURDAY, SATURDAY);
    assert_sums(budgets, SATURDAY, BUDGET_DAY, 3, 2); /* the other's hold is its own */
    budget_post(budgets, &other, known(1));
    assert_sums(budgets, SATURDAY, BUDGET_DAY, 4, 0);
    assert_int_equal(reserve(budgets, 6, SATURDAY, &hold), 0);
    budget_post(budgets, &hold, (struct maybe_money){0});
    budget_resolve(budgets, 0, usd(6), usd(2), SATURDAY, SUNDAY_0); /* of yesterday by now */
    assert_sums(budgets, SATURDAY, BUDGET_DAY, 6, 0);
    assert_sums(budgets, SUNDAY_0, BUDGET_DAY, 0, 0);
    assert_sums(budgets, SUNDAY_0, BUDGET_MONTH, 6, 0);
    budget_resolve(budgets, 0, usd(9), usd(9), SATURDAY - 30 * DAY, SUNDAY_0); /* October's */
    budget_resolve(budgets, 0, usd(9), usd(1), SUNDAY_0, SUNDAY_0); /* never below nothing */
    assert_sums(budgets, SUNDAY_0, BUDGET_DAY, 1, 0);
    assert_sums(budgets, SUNDAY_0, BUDGET_MONTH, 7, 0);
    budgets_free(budgets);
}

static void a_cost_to_come_is_held_after_a_start_too(void **state)
{
    struct budgets *budgets = budgets_of(10, 0, 0);
    struct budget_hold hold;
    (void)state;
    budgets_load_held(budgets, 0, usd(7), SATURDAY);
    budgets_load_held(budgets, 0, usd(7), SATURDAY - 60 * DAY);
    assert_sums(budgets, SATURDAY, BUDGET_DAY, 0, 7);
    assert_sums(budgets, SATURDAY, BUDGET_MONTH, 0, 7);
    assert_int_equal(reserve(budgets, 4, SATURDAY, &hold), -EAGAIN);
    budget_resolve(budgets, 0, usd(7), usd(6), SATURDAY, SATURDAY);
    assert_sums(budgets, SATURDAY, BUDGET_DAY, 6, 0);
    assert_int_equal(reserve(budgets, 4, SATURDAY, &hold), 0);
    budgets_free(budgets);
}

static void asking_holds_nothing(void **state)
{
    struct budgets *budgets = budgets_of(10, 0, 0);
    struct budget_hold hold;
    struct budget_state got;
    (void)state;
    assert_int_equal(budget_ask(budgets, 0, usd(10), SATURDAY, NULL), 0);
    assert_sums(budgets, SATURDAY, BUDGET_DAY, 0, 0);
    assert_int_equal(budget_ask(budgets, 0, usd(11), SATURDAY, &got), -EDQUOT);
    assert_int_equal(reserve(budgets, 10, SATURDAY, &hold), 0);
    assert_int_equal(budget_ask(budgets, 0, usd(1), SATURDAY, &got), -EAGAIN);
    assert_int_equal((int64_t)got.held.femto, 10);
    budgets_free(budgets);
}

static void a_later_truth_changes_what_was_spent(void **state)
{
    struct budgets *budgets = budgets_of(10, 0, 20);
    struct budget_hold hold;
    (void)state;
    assert_int_equal(reserve(budgets, 10, SATURDAY, &hold), 0);
    budget_post(budgets, &hold, known(10));
    budget_correct(budgets, 0, usd(10), usd(3), SATURDAY, SATURDAY);
    assert_sums(budgets, SATURDAY, BUDGET_DAY, 3, 0);
    budget_correct(budgets, 0, usd(3), usd(4), SATURDAY, SUNDAY_0); /* of yesterday by now */
    assert_sums(budgets, SATURDAY, BUDGET_DAY, 4, 0);
    assert_sums(budgets, SUNDAY_0, BUDGET_DAY, 0, 0);
    assert_sums(budgets, SUNDAY_0, BUDGET_MONTH, 4, 0);
    budget_correct(budgets, 0, usd(0), usd(9), SATURDAY - 30 * DAY, SUNDAY_0); /* October's */
    assert_sums(budgets, SUNDAY_0, BUDGET_MONTH, 4, 0);
    budget_correct(budgets, 0, usd(0), usd(2), SUNDAY_0, SUNDAY_0); /* nothing else was, today */
    assert_sums(budgets, SUNDAY_0, BUDGET_DAY, 2, 0);
    budget_correct(budgets, 0, usd(7), usd(1), SUNDAY_0, SUNDAY_0); /* never below nothing */
    assert_sums(budgets, SUNDAY_0, BUDGET_DAY, 0, 0);
    budgets_free(budgets);
}

static void load(struct budgets *budgets, int64_t at_ms, struct maybe_money booked,
                 const char *corrects)
{
    struct ledger_row row;
    row_init(&row);
    row.created_at_ms = at_ms;
    row.booked = booked;
    row.corrects = text_of(corrects);
    assert_int_equal(budgets_load(budgets, 0, &row), 0);
}

static void the_ledger_says_what_was_spent_before_the_start(void **state)
{
    struct budgets *budgets = budgets_of(10, 10, 10);
    struct budget_hold hold;
    (void)state;
    load(budgets, SATURDAY - 60 * DAY, known(9), "");
    load(budgets, SATURDAY - 4 * DAY, known(2), "");
    load(budgets, SATURDAY, known(3), "");
    load(budgets, SATURDAY, (struct maybe_money){0}, "");
    load(budgets, SATURDAY, known(3), "1790000000000/5"); /* of a closed month */
    load(budgets, SATURDAY - 28 * DAY, known(9), "");     /* older than both days that are kept */
    load(budgets, SATURDAY - HOUR, known(1), "");
    assert_sums(budgets, SATURDAY, BUDGET_DAY, 4, 0);
    assert_sums(budgets, SATURDAY, BUDGET_WEEK, 6, 0);
    assert_sums(budgets, SATURDAY, BUDGET_MONTH, 6, 0);
    assert_int_equal(reserve(budgets, 5, SATURDAY, &hold), -EDQUOT);
    assert_int_equal(reserve(budgets, 4, SATURDAY, &hold), 0);
    budgets_free(budgets);
}

static void rows_may_come_in_any_order(void **state)
{
    static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                    {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        struct budgets *budgets = budgets_of(10, 0, 0);
        for (int n = 0; n < 3; n++)
            load(budgets, SATURDAY - orders[i][n] * DAY, known(orders[i][n] + 1), "");
        assert_sums(budgets, SATURDAY, BUDGET_DAY, 1, 0);
        assert_sums(budgets, SATURDAY - DAY, BUDGET_DAY, 2, 0);
        assert_sums(budgets, SATURDAY - 2 * DAY, BUDGET_DAY, 0, 0); /* not kept any more */
        assert_sums(budgets, SATURDAY, BUDGET_MONTH, 6, 0);
        budgets_free(budgets);
    }
}

static void count_release(void *arg, size_t client)
{
    int *counts = arg;
    counts[client]++;
}

static void only_who_was_told_to_wait_is_woken(void **state)
{
    struct budget_limits limits[2] = {{.limit = {{true, {10}}}}, {.limit = {{true, {10}}}}};
    struct budgets *budgets = budgets_new(limits, 2);
    struct budget_hold a, b, c;
    int counts[2] = {0, 0};
    (void)state;
    budgets_on_release(budgets, count_release, counts);
    assert_int_equal(budget_reserve(budgets, 1, usd(5), SATURDAY, &a, NULL), 0);
    budget_void(budgets, &a);
    assert_int_equal(counts[1], 0);
    assert_int_equal(budget_reserve(budgets, 1, usd(5), SATURDAY, &a, NULL), 0);
    assert_int_equal(budget_reserve(budgets, 1, usd(5), SATURDAY, &b, NULL), 0);
    assert_int_equal(budget_reserve(budgets, 1, usd(11), SATURDAY, &c, NULL), -EDQUOT);
    assert_int_equal(budget_reserve(budgets, 1, usd(9), SATURDAY, &c, NULL), -EAGAIN);
    budget_post(budgets, &a, known(1));
    assert_int_equal(counts[1], 1);
    budget_correct(budgets, 1, usd(1), usd(0), SATURDAY, SATURDAY);
    assert_int_equal(counts[1], 2);
    budget_void(budgets, &b);
    assert_int_equal(counts[1], 3);
    assert_int_equal(budget_reserve(budgets, 1, usd(9), SATURDAY, &c, NULL), 0);
    budget_void(budgets, &c);
    assert_int_equal(counts[1], 3); /* nobody has waited since */
    assert_int_equal(counts[0], 0);
    budgets_free(budgets);
}

static void who_waits_for_a_cost_to_come_is_woken_by_it(void **state)
{
    struct budgets *budgets = budgets_of(10, 0, 0);
    struct budget_hold a, b, c;
    int count = 0;
    (void)state;
    budgets_on_release(budgets, count_release, &count);
    assert_int_equal(reserve(budgets, 4, SATURDAY, &a), 0);
    assert_int_equal(reserve(budgets, 5, SATURDAY, &b), 0);
    assert_int_equal(reserve(budgets, 6, SATURDAY, &c), -EAGAIN);
    budget_post(budgets, &a, (struct maybe_money){0});
    assert_int_equal(count, 0); /* nothing has become free */
    budget_void(budgets, &b);
    assert_int_equal(count, 1);
    assert_int_equal(reserve(budgets, 7, SATURDAY, &c), -EAGAIN); /* no hold is open any more */
    budget_resolve(budgets, 0, usd(4), usd(1), SATURDAY, SATURDAY);
    assert_int_equal(count, 2);
    budget_resolve(budgets, 0, usd(0), usd(0), SATURDAY, SATURDAY);
    assert_int_equal(count, 2); /* nobody has waited since */
    budgets_free(budgets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cost_to_come_is_held_until_it_is_known),
        cmocka_unit_test(a_cost_to_come_is_held_after_a_start_too),
        cmocka_unit_test(asking_holds_nothing),
        cmocka_unit_test(a_later_truth_changes_what_was_spent),
        cmocka_unit_test(the_ledger_says_what_was_spent_before_the_start),
        cmocka_unit_test(rows_may_come_in_any_order),
        cmocka_unit_test(only_who_was_told_to_wait_is_woken),
        cmocka_unit_test(who_waits_for_a_cost_to_come_is_woken_by_it),
    };
    return cmocka_run_group_tests_name("budget_later", tests, NULL, NULL);
}
