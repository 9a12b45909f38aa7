/* budget_test.c - no sequence of reservations, at whatever time and from however many threads,
 * spends more than a limit; none is refused that fits. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/accounting/budget_support.h"

static void a_limit_holds_to_the_last_digit(void **state)
{
    struct budgets *budgets = budgets_of(100, 0, 0);
    struct budget_hold a, b, c = {.client = 77};
    (void)state;
    assert_int_equal(reserve(budgets, 60, SATURDAY, &a), 0);
    assert_int_equal(reserve(budgets, 41, SATURDAY, &c), -EAGAIN);
    assert_int_equal(c.client, 77); /* a refused output keeps its value */
    assert_int_equal(reserve(budgets, 40, SATURDAY, &b), 0);
    assert_sums(budgets, SATURDAY, BUDGET_DAY, 0, 100);
    assert_int_equal(reserve(budgets, 101, SATURDAY, &c), -EDQUOT);
    budget_post(budgets, &a, known(59));
    assert_false(a.open);
    assert_sums(budgets, SATURDAY, BUDGET_DAY, 59, 40);
    assert_int_equal(reserve(budgets, 42, SATURDAY, &c), -EDQUOT);
    assert_int_equal(reserve(budgets, 41, SATURDAY, &c), -EAGAIN);
    assert_int_equal(reserve(budgets, 1, SATURDAY, &c), 0);
    budget_void(budgets, &b);
    budget_void(budgets, &c);
    assert_sums(budgets, SATURDAY, BUDGET_DAY, 59, 0);
    assert_int_equal(reserve(budgets, 41, SATURDAY, &a), 0);
    budget_post(budgets, &a, known(41));
    assert_int_equal(reserve(budgets, 0, SATURDAY, &a), 0); /* nothing always fits up to here */
    budget_void(budgets, &a);
    assert_int_equal(reserve(budgets, 1, SATURDAY, &a), -EDQUOT);
    budgets_free(budgets);
    budgets_free(NULL);
}

static void without_limits_everything_fits_and_is_counted(void **state)
{
    struct budgets *budgets = budgets_of(0, 0, 0);
    struct money most = {((__int128)1 << 126) - 1 + ((__int128)1 << 126)};
    struct budget_state states[BUDGET_PERIODS];
    struct budget_hold holds[3];
    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(budget_reserve(budgets, 0, most, SATURDAY, &holds[i], NULL), 0);
    budget_post(budgets, &holds[0], known(3));
    budget_post(budgets, &holds[1], (struct maybe_money){true, {-5}}); /* nobody is paid to ask */
    budget_show(budgets, 0, SATURDAY, states);
    for (unsigned i = 0; i < BUDGET_PERIODS; i++) {
        assert_false(states[i].limited);
        assert_int_equal((int64_t)states[i].spent.femto, 3);
        assert_true(states[i].held.femto > 0);
    }
    budget_post(budgets, &holds[2], (struct maybe_money){0});
    budget_show(budgets, 0, SATURDAY, states);
    assert_true(states[BUDGET_MONTH].held.femto > 3);
    assert_int_equal((int64_t)states[BUDGET_MONTH].spent.femto, 3);
    budget_resolve(budgets, 0, most, usd(2), SATURDAY, SATURDAY);
    assert_sums(budgets, SATURDAY, BUDGET_MONTH, 5, 0);
    budgets_free(budgets);
}

static void the_state_says_which_limit_and_until_when(void **state)
{
    struct budgets *budgets = budgets_of(50, 60, 100);
    struct budget_state got = {.limited = false};
    struct budget_hold hold;
    (void)state;
    assert_int_equal(budget_reserve(budgets, 0, usd(51), SATURDAY, &hold, &got), -EDQUOT);
    assert_int_equal(got.period, BUDGET_DAY);
    assert_string_equal(budget_period_name(got.period), "day");
    assert_true(got.limited);
    assert_int_equal((int64_t)got.limit.femto, 50);
    assert_int_equal(got.resets_ms, SUNDAY_0);
    /* The week refuses, too, and ends later. */
    assert_int_equal(budget_reserve(budgets, 0, usd(61), SATURDAY, &hold, &got), -EDQUOT);
    assert_int_equal(got.period, BUDGET_WEEK);
    assert_int_equal(got.resets_ms, MONDAY_0);
    assert_int_equal(budget_reserve(budgets, 0, usd(101), SATURDAY, &hold, &got), -EDQUOT);
    assert_int_equal(got.period, BUDGET_MONTH);
    assert_int_equal(got.resets_ms, DECEMBER_0);
    /* In the last days of a month it is the week that ends later. */
    assert_int_equal(budget_reserve(budgets, 0, usd(101), MONDAY_0, &hold, &got), -EDQUOT);
    assert_int_equal(got.period, BUDGET_WEEK);
    assert_int_equal(got.resets_ms, MONDAY_0 + 7 * DAY);
    /* Waiting would help with the day, but not with the week. */
    assert_int_equal(reserve(budgets, 45, SATURDAY, &hold), 0);
    budget_post(budgets, &hold, known(45));
    assert_int_equal(reserve(budgets, 10, SUNDAY_0, &hold), 0);
    assert_int_equal(budget_reserve(budgets, 0, usd(41), SUNDAY_0, &hold, &got), -EDQUOT);
    assert_int_equal(got.period, BUDGET_WEEK);
    assert_int_equal((int64_t)got.spent.femto, 45);
    assert_int_equal((int64_t)got.held.femto, 10);
    assert_int_equal(budget_reserve(budgets, 0, usd(6), SUNDAY_0, &hold, &got), -EAGAIN);
    budgets_free(budgets);
    /* And with the week, but not with the day. */
    budgets = budgets_of(10, 20, 0);
    assert_int_equal(reserve(budgets, 10, SATURDAY, &hold), 0);
    assert_int_equal(budget_reserve(budgets, 0, usd(11), SUNDAY_0, &hold, &got), -EDQUOT);
    assert_int_equal(got.period, BUDGET_DAY);
    budgets_free(budgets);
}

/* Day, week and month begin anew at their own midnight; what is open counts where it began. */
static void periods_begin_anew_while_holds_are_open(void **state)
{
    struct budgets *budgets = budgets_of(10, 20, 30);
    struct budget_hold old, young;
    (void)state;
    assert_int_equal(reserve(budgets, 10, SUNDAY_0 - 1, &old), 0);
    assert_int_equal(reserve(budgets, 1, SUNDAY_0 - 1, &young), -EAGAIN);
    assert_int_equal(reserve(budgets, 10, SUNDAY_0, &young), 0); /* another day, the same week */
    assert_sums(budgets, SUNDAY_0, BUDGET_DAY, 0, 10);
    assert_sums(budgets, SUNDAY_0, BUDGET_WEEK, 0, 20);
    budget_post(budgets, &old, known(4));
    assert_sums(budgets, SUNDAY_0, BUDGET_DAY, 0, 10);
    assert_sums(budgets, SUNDAY_0 - 1, BUDGET_DAY, 4, 0);
    assert_sums(budgets, SUNDAY_0, BUDGET_WEEK, 4, 10);
    budget_post(budgets, &young, known(10));

    assert_int_equal(reserve(budgets, 10, MONDAY_0, &old), 0);
    assert_sums(budgets, MONDAY_0, BUDGET_WEEK, 0, 10);
    assert_sums(budgets, MONDAY_0, BUDGET_MONTH, 14, 10);
    assert_int_equal(reserve(budgets, 7, DECEMBER_0, &young), 0);
    assert_sums(budgets, DECEMBER_0, BUDGET_MONTH, 0, 7);
    assert_sums(budgets, DECEMBER_0, BUDGET_WEEK, 0, 17);
    budget_void(budgets, &old);
    assert_sums(budgets, DECEMBER_0, BUDGET_WEEK, 0, 7);
    assert_sums(budgets, MONDAY_0, BUDGET_MONTH, 14, 0);
    budget_post(budgets, &young, known(7));
    assert_sums(budgets, DECEMBER_0, BUDGET_MONTH, 7, 0);
    budgets_free(budgets);
}

/* A hold whose day is not kept any more leaves all others alone. */
static void a_very_late_post_changes_only_what_still_runs(void **state)
{
    struct budgets *budgets = budgets_of(10, 0, 100);
    struct budget_hold old, other, young;
    (void)state;
    assert_int_equal(reserve(budgets, 10, SATURDAY - 5 * DAY, &old), 0);
    assert_int_equal(reserve(budgets, 1, SATURDAY - DAY, &other), 0);
    assert_int_equal(reserve(budgets, 2, SATURDAY, &young), 0);
    budget_post(budgets, &old, known(9));
    assert_sums(budgets, SATURDAY, BUDGET_DAY, 0, 2);
    assert_sums(budgets, SATURDAY, BUDGET_MONTH, 9, 3);
    budget_void(budgets, &other);
    budget_post(budgets, &young, known(2));
    assert_sums(budgets, SATURDAY, BUDGET_MONTH, 11, 0);
    budgets_free(budgets);
}

/* The clock was four years ahead for a day and then was put right. */
static void a_clock_that_was_wrong_blocks_nobody(void **state)
{
    const int64_t wrong = SATURDAY + 1460 * DAY;
    struct budgets *budgets = budgets_of(10, 0, 0);
    struct budget_hold before, ahead, hold;
    (void)state;
    assert_int_equal(reserve(budgets, 6, SATURDAY, &before), 0);
    assert_int_equal(reserve(budgets, 10, wrong, &ahead), 0);
    budget_post(budgets, &ahead, known(10));
    assert_int_equal(reserve(budgets, 1, wrong, &ahead), -EDQUOT);
    assert_int_equal(reserve(budgets, 10, wrong + DAY, &ahead), 0); /* Saturday is given up */
    assert_int_equal(reserve(budgets, 3, SATURDAY, &hold), 0);
    budget_post(budgets, &before, known(5)); /* of the sum before; its cost is Saturday's still */
    assert_sums(budgets, SATURDAY, BUDGET_DAY, 5, 3);
    assert_int_equal(reserve(budgets, 3, SATURDAY, &before), -EAGAIN);
    budget_post(budgets, &hold, known(3));
    for (int day = 1; day < 5; day++) {
        assert_int_equal(reserve(budgets, 10, SATURDAY + day * DAY, &hold), 0);
        budget_post(budgets, &hold, known(10));
        assert_int_equal(reserve(budgets, 1, SATURDAY + day * DAY, &hold), -EDQUOT);
    }
    budget_post(budgets, &ahead, known(1));
    budgets_free(budgets);
}

static void times_before_1970_have_periods_too(void **state)
{
    struct budgets *budgets = budgets_of(10, 10, 10);
    struct budget_state states[BUDGET_PERIODS];
    (void)state;
    budget_show(budgets, 0, -1, states);
    assert_int_equal(states[BUDGET_DAY].resets_ms, 0);
    assert_int_equal(states[BUDGET_WEEK].resets_ms, 4 * DAY); /* 1970-01-05 was a Monday */
    assert_int_equal(states[BUDGET_MONTH].resets_ms, 0);
    budget_show(budgets, 0, 0, states);
    assert_int_equal(states[BUDGET_DAY].resets_ms, DAY);
    assert_int_equal(states[BUDGET_WEEK].resets_ms, 4 * DAY);
    assert_int_equal(states[BUDGET_MONTH].resets_ms, 31 * DAY);
    budget_show(budgets, 0, 4 * DAY, states);
    assert_int_equal(states[BUDGET_WEEK].resets_ms, 11 * DAY);
    budgets_free(budgets);
}

static void a_call_may_turn_out_dearer_than_its_bound(void **state)
{
    struct budgets *budgets = budgets_of(10, 0, 0);
    struct budget_hold hold;
    struct budget_state got;
    (void)state;
    assert_int_equal(reserve(budgets, 4, SATURDAY, &hold), 0);
    budget_post(budgets, &hold, known(14));
    assert_sums(budgets, SATURDAY, BUDGET_DAY, 14, 0);
    assert_int_equal(budget_reserve(budgets, 0, usd(0), SATURDAY, &hold, &got), -EDQUOT);
    assert_int_equal((int64_t)got.spent.femto, 14);
    budgets_free(budgets);
}

/* --- many threads --- */

enum { THREADS = 8, ROUNDS = 4000, RACE_LIMIT = 5000 };

struct race {
    struct budgets *budgets;
    _Atomic int64_t spent, fitted, releases;
    int64_t seed;
};

static void count_race(void *arg, size_t client)
{
    struct race *race = arg;
    assert_int_equal(client, 0);
    race->releases++;
}

static uint32_t roll(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*seed >> 33);
}

static void *run(void *arg)
{
    struct race *race = arg;
    uint64_t seed = (uint64_t)(race->fitted++ * 7919 + race->seed);
    for (int i = 0; i < ROUNDS; i++) {
        int64_t amount = roll(&seed) % 50, cost = amount > 0 ? roll(&seed) % amount : 0;
        struct budget_state now[BUDGET_PERIODS];
        struct budget_hold hold;
        if (budget_reserve(race->budgets, 0, usd(amount), SATURDAY, &hold, NULL) == 0) {
            if (roll(&seed) % 4 == 0) {
                budget_void(race->budgets, &hold);
            } else {
                race->spent += cost;
                budget_post(race->budgets, &hold, known(cost));
            }
        }
        budget_show(race->budgets, 0, SATURDAY, now);
        if (now[BUDGET_DAY].spent.femto + now[BUDGET_DAY].held.femto > RACE_LIMIT)
            return race;
    }
    return NULL;
}

static void no_race_overspends(void **state)
{
    (void)state;
    for (int64_t seed = 1; seed <= 3; seed++) {
        struct race race = {.budgets = budgets_of(RACE_LIMIT, 0, 0), .seed = seed};
        struct budget_hold hold;
        pthread_t threads[THREADS];
        int64_t left;
        budgets_on_release(race.budgets, count_race, &race);
        for (int i = 0; i < THREADS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, run, &race), 0);
        for (int i = 0; i < THREADS; i++) {
            void *overspent;
            assert_int_equal(pthread_join(threads[i], &overspent), 0);
            assert_null(overspent);
        }
        assert_sums(race.budgets, SATURDAY, BUDGET_DAY, race.spent, 0);
        left = RACE_LIMIT - race.spent;
        assert_in_range(left, 0, 49); /* what no 49 fitted into, all else was let through */
        assert_int_equal(reserve(race.budgets, left + 1, SATURDAY, &hold), -EDQUOT);
        assert_int_equal(reserve(race.budgets, left, SATURDAY, &hold), 0);
        budgets_free(race.budgets);
    }
}

/* 200 at the same time against room for 50, each asking again on every release: exactly 50 pass. */
struct crowd {
    struct budgets *budgets;
    pthread_mutex_t lock;
    pthread_cond_t released;
    unsigned releases;
    _Atomic int passed, refused;
};

static void wake_crowd(void *arg, size_t client)
{
    struct crowd *crowd = arg;
    (void)client;
    pthread_mutex_lock(&crowd->lock);
    crowd->releases++;
    pthread_cond_broadcast(&crowd->released);
    pthread_mutex_unlock(&crowd->lock);
}

static void *ask_until_told(void *arg)
{
    struct crowd *crowd = arg;
    struct budget_hold hold;
    int error;
    for (;;) {
        unsigned seen;
        pthread_mutex_lock(&crowd->lock);
        seen = crowd->releases; /* on the list before asking */
        pthread_mutex_unlock(&crowd->lock);
        error = budget_reserve(crowd->budgets, 0, usd(100), SATURDAY, &hold, NULL);
        if (error != -EAGAIN)
            break;
        pthread_mutex_lock(&crowd->lock);
        while (crowd->releases == seen)
            pthread_cond_wait(&crowd->released, &crowd->lock);
        pthread_mutex_unlock(&crowd->lock);
    }
    if (error == 0) {
        crowd->passed++;
        budget_post(crowd->budgets, &hold, known(2)); /* far below the bound */
    } else {
        crowd->refused++;
    }
    return NULL;
}

static void who_waits_for_the_true_cost_is_not_refused(void **state)
{
    enum { ASKING = 60, LIMIT = 49 * 2 + 100 };
    struct crowd crowd = {.budgets = budgets_of(0, LIMIT, 0),
                          .lock = PTHREAD_MUTEX_INITIALIZER,
                          .released = PTHREAD_COND_INITIALIZER};
    pthread_t threads[ASKING];
    (void)state;
    budgets_on_release(crowd.budgets, wake_crowd, &crowd);
    for (int i = 0; i < ASKING; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_until_told, &crowd), 0);
    for (int i = 0; i < ASKING; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(crowd.passed, 50);
    assert_int_equal(crowd.refused, ASKING - 50);
    assert_sums(crowd.budgets, SATURDAY, BUDGET_WEEK, 100, 0);
    budgets_free(crowd.budgets);
}

/* Random times and amounts against a plain list of what happened. */
static void sums_are_those_of_a_plain_list(void **state)
{
    enum { CALLS = 300 };
    static struct {
        int64_t at_ms, amount, cost;
        struct budget_hold hold;
    } calls[CALLS];
    struct budgets *budgets = budgets_of(200, 0, 3000);
    uint64_t seed = 1;
    int64_t now = SATURDAY;
    int count = 0, refused = 0;
    (void)state;
    while (count < CALLS && now < DECEMBER_0 + 30 * DAY) { /* two months at most */
        int64_t amount = roll(&seed) % 60, spent = 0, held = 0, month_spent = 0, month_held = 0;
        int64_t day = now / DAY;
        int want, got;
        now += roll(&seed) % (DAY / 40);
        if (count > 0 && roll(&seed) % 2 == 0) {
            int i = (int)(roll(&seed) % (unsigned)count);
            if (calls[i].hold.open && calls[i].at_ms / DAY + 1 >= now / DAY) {
                calls[i].cost = roll(&seed) % 60;
                budget_post(budgets, &calls[i].hold, known(calls[i].cost));
            }
        }
        day = now / DAY;
        for (int i = 0; i < count; i++) {
            bool in_month = (calls[i].at_ms >= DECEMBER_0) == (now >= DECEMBER_0);
            int64_t paid = calls[i].hold.open ? 0 : calls[i].cost;
            int64_t open = calls[i].hold.open ? calls[i].amount : 0;
            month_spent += in_month ? paid : 0;
            month_held += in_month ? open : 0;
            spent += calls[i].at_ms / DAY == day ? paid : 0;
            held += calls[i].at_ms / DAY == day ? open : 0;
        }
        assert_sums(budgets, now, BUDGET_DAY, spent, held);
        assert_sums(budgets, now, BUDGET_MONTH, month_spent, month_held);
        want =
            spent + held + amount > 200 || month_spent + month_held + amount > 3000 ? -EAGAIN : 0;
        if (spent + amount > 200 || month_spent + amount > 3000)
            want = -EDQUOT;
        got = reserve(budgets, amount, now, &calls[count].hold);
        assert_int_equal(got, want);
        refused += got != 0;
        if (got == 0) {
            calls[count].at_ms = now;
            calls[count++].amount = amount;
        }
    }
    assert_true(count > 100);
    assert_true(refused > 10);
    budgets_free(budgets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_limit_holds_to_the_last_digit),
        cmocka_unit_test(without_limits_everything_fits_and_is_counted),
        cmocka_unit_test(the_state_says_which_limit_and_until_when),
        cmocka_unit_test(periods_begin_anew_while_holds_are_open),
        cmocka_unit_test(a_very_late_post_changes_only_what_still_runs),
        cmocka_unit_test(a_clock_that_was_wrong_blocks_nobody),
        cmocka_unit_test(times_before_1970_have_periods_too),
        cmocka_unit_test(a_call_may_turn_out_dearer_than_its_bound),
        cmocka_unit_test(no_race_overspends),
        cmocka_unit_test(who_waits_for_the_true_cost_is_not_refused),
        cmocka_unit_test(sums_are_those_of_a_plain_list),
    };
    return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
