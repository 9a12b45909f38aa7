/* budget_support.h - budgets of one client, and what they say, for the tests of budget.c. */
#ifndef TESTS_ACCOUNTING_BUDGET_SUPPORT_H
#define TESTS_ACCOUNTING_BUDGET_SUPPORT_H

#include "accounting/budget.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define HOUR INT64_C(3600000)
#define DAY (24 * HOUR)
/* 2026-11-28T12:00:00Z, a Saturday; the Monday after is the last day of November. */
#define SATURDAY INT64_C(1795867200000)
#define SUNDAY_0 (SATURDAY + 12 * HOUR)
#define MONDAY_0 (SUNDAY_0 + DAY)
#define DECEMBER_0 (MONDAY_0 + DAY)

static inline struct money usd(int64_t femto)
{
    return (struct money){femto};
}

static inline struct maybe_money known(int64_t femto)
{
    return (struct maybe_money){true, {femto}};
}

/* Limits of one client; 0: none. */
static inline struct budgets *budgets_of(int64_t day, int64_t week, int64_t month)
{
    struct budget_limits limits = {0};
    struct budgets *budgets;
    limits.limit[BUDGET_DAY] = (struct maybe_money){day > 0, {day}};
    limits.limit[BUDGET_WEEK] = (struct maybe_money){week > 0, {week}};
    limits.limit[BUDGET_MONTH] = (struct maybe_money){month > 0, {month}};
    budgets = budgets_new(&limits, 1);
    assert_non_null(budgets);
    return budgets;
}

static inline int reserve(struct budgets *budgets, int64_t amount, int64_t now_ms,
                          struct budget_hold *hold)
{
    return budget_reserve(budgets, 0, usd(amount), now_ms, hold, NULL);
}

static inline void assert_sums(struct budgets *budgets, int64_t now_ms, enum budget_period period,
                               int64_t spent, int64_t held)
{
    struct budget_state states[BUDGET_PERIODS];
    budget_show(budgets, 0, now_ms, states);
    assert_int_equal(states[period].period, period);
    assert_int_equal((int64_t)states[period].spent.femto, spent);
    assert_int_equal((int64_t)states[period].held.femto, held);
}

#endif
