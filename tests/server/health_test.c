#include "server/health.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { OTHER = 1 };
static const int64_t start = (int64_t)60000000 * HEALTH_WINDOW_MS; /* a window's first instant */

static void note(struct health *health, unsigned failures, unsigned successes, int64_t now_ms)
{
    for (unsigned i = 0; i < failures; i++)
        health_note(health, 0, true, now_ms);
    for (unsigned i = 0; i < successes; i++)
        health_note(health, 0, false, now_ms);
}

/* Without the probe: two questions in a row cannot both be one. */
static bool is_avoided(struct health *health, int64_t now_ms)
{
    bool first = health_should_avoid(health, 0, TEXT("m"), now_ms);

    return health_should_avoid(health, 0, TEXT("m"), now_ms) || first;
}

static void failing_is_more_than_half_of_enough_calls(void **state)
{
    static const struct {
        unsigned successes, failures;
        bool failing;
    } cases[] = {
        {0, 0, false}, {0, 9, false}, {0, 10, true},   {4, 5, false},  {4, 6, true},
        {5, 5, false}, {5, 6, true},  {50, 50, false}, {50, 51, true}, {10, 0, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct health *health = health_new();
        note(health, 0, cases[i].successes, start);
        note(health, cases[i].failures, 0, start);
        assert_int_equal(is_avoided(health, start), cases[i].failing);
        assert_false(health_should_avoid(health, OTHER, TEXT("m"), start)); /* each has its own */
        health_free(health);
    }
}

static void two_windows_count_and_older_ones_do_not(void **state)
{
    struct health *health = health_new();

    (void)state;
    note(health, 5, 0, start);
    note(health, 5, 0, start + HEALTH_WINDOW_MS); /* together they are enough */
    assert_true(is_avoided(health, start + HEALTH_WINDOW_MS));
    assert_true(is_avoided(health, start + 2 * HEALTH_WINDOW_MS - 1));
    assert_false(is_avoided(health, start + 2 * HEALTH_WINDOW_MS)); /* the first five are gone */
    note(health, 5, 0, start + 2 * HEALTH_WINDOW_MS);
    assert_true(is_avoided(health, start + 2 * HEALTH_WINDOW_MS));
    assert_false(is_avoided(health, start + 4 * HEALTH_WINDOW_MS)); /* nothing was heard since */
    health_free(health);
}

/* The slot is shared by every second window: what stood in it does not leak into the next. */
static void an_old_window_is_forgotten_when_its_slot_is_used_again(void **state)
{
    struct health *health = health_new();

    (void)state;
    note(health, 100, 0, start);
    note(health, 9, 0, start + 2 * HEALTH_WINDOW_MS);
    assert_false(is_avoided(health, start + 2 * HEALTH_WINDOW_MS));
    health_free(health);
}

static void one_request_in_ten_still_begins_there(void **state)
{
    struct health *health = health_new();
    unsigned probes = 0;

    (void)state;
    note(health, 50, 0, start);
    for (unsigned i = 0; i < 100 * HEALTH_PROBE_EVERY; i++)
        probes += health_should_avoid(health, 0, TEXT("m"), start) ? 0 : 1;
    assert_int_equal(probes, 100);
    health_free(health);
}

static void a_run_of_successes_ends_it_at_once(void **state)
{
    struct health *health = health_new();

    (void)state;
    note(health, 1000, HEALTH_RECOVERED - 1, start);
    assert_true(is_avoided(health, start));
    note(health, 1, HEALTH_RECOVERED - 1, start); /* interrupted: it counts from the start */
    assert_true(is_avoided(health, start));
    note(health, 0, 1, start);
    assert_false(is_avoided(health, start));
    note(health, HEALTH_CALLS_MIN - 1, 0, start); /* and what was before does not count */
    assert_false(is_avoided(health, start));
    note(health, 1, 0, start);
    assert_true(is_avoided(health, start));
    health_free(health);
}

/* While it is well a run clears nothing: five successes do not excuse the failures after them. */
static void successes_before_the_failures_do_not_clear(void **state)
{
    struct health *health = health_new();

    (void)state;
    note(health, 0, 10 * HEALTH_RECOVERED, start);
    note(health, 10 * HEALTH_RECOVERED + 1, 0, start);
    assert_true(is_avoided(health, start));
    health_free(health);
}

static void counts_keep_their_ratio_when_they_are_full(void **state)
{
    struct health *health = health_new();

    (void)state;
    for (unsigned i = 0; i < 200000; i++)
        health_note(health, 0, i % 5 < 3, start); /* three of five */
    assert_true(is_avoided(health, start));
    for (unsigned i = 0; i < 200000; i++)
        health_note(health, 0, i % 5 < 2, start); /* two of five */
    assert_false(is_avoided(health, start));
    health_free(health);
}

static void a_rest_lasts_as_long_as_was_asked_and_has_a_bound(void **state)
{
    struct health *health = health_new();

    (void)state;
    assert_int_equal(health_resting_until(health, 0, TEXT("m"), start), 0);
    health_rest(health, 0, TEXT("m"), 0, start);
    health_rest(health, 0, TEXT("m"), -5, start);
    assert_int_equal(health_resting_until(health, 0, TEXT("m"), start), 0);
    health_rest(health, 0, TEXT("m"), 2000, start);
    assert_int_equal(health_resting_until(health, 0, TEXT("m"), start), start + 2000);
    health_rest(health, 0, TEXT("m"), 500, start); /* does not take back the longer one */
    assert_int_equal(health_resting_until(health, 0, TEXT("m"), start), start + 2000);
    for (unsigned i = 0; i < 3 * HEALTH_PROBE_EVERY; i++) /* no probes while it rests */
        assert_true(health_should_avoid(health, 0, TEXT("m"), start + 1999));
    assert_false(health_should_avoid(health, 0, TEXT("m"), start + 2000));
    assert_int_equal(health_resting_until(health, 0, TEXT("m"), start + 2000), 0);
    health_rest(health, 0, TEXT("m"), INT64_MAX, start);
    assert_int_equal(health_resting_until(health, 0, TEXT("m"), start), start + HEALTH_REST_MAX_MS);
    assert_int_equal(health_resting_until(health, OTHER, TEXT("m"), start), 0);
    health_free(health);
}

static void a_clock_that_is_put_back_loses_the_future(void **state)
{
    struct health *health = health_new();
    int64_t back = start - 100 * (int64_t)HEALTH_WINDOW_MS;

    (void)state;
    note(health, 50, 0, start);
    health_rest(health, 0, TEXT("m"), 60000, start);
    assert_false(is_avoided(health, back));
    assert_int_equal(health_resting_until(health, 0, TEXT("m"), back), 0);
    note(health, 9, 0, back);
    assert_false(is_avoided(health, back)); /* the fifty were not added to */
    note(health, 1, 0, back);
    assert_true(is_avoided(health, back));
    health_rest(health, 0, TEXT("m"), 100, back); /* and the old, distant one does not win */
    assert_int_equal(health_resting_until(health, 0, TEXT("m"), back), back + 100);
    assert_false(is_avoided(health, -1)); /* no such time: nothing happens */
    note(health, 1, 0, -1);
    health_free(health);
}

static void one_models_limit_speaks_for_no_other(void **state)
{
    struct health *health = health_new();

    (void)state;
    health_rest(health, 0, TEXT("a/one"), 60000, 1000);
    assert_true(health_should_avoid(health, 0, TEXT("a/one"), 2000));
    assert_false(health_should_avoid(health, 0, TEXT("a/two"), 2000));
    assert_false(health_should_avoid(health, 1, TEXT("a/one"), 2000));
    assert_int_equal(health_resting_until(health, 0, TEXT("a/one"), 2000), 61000);
    health_free(health);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failing_is_more_than_half_of_enough_calls),
        cmocka_unit_test(two_windows_count_and_older_ones_do_not),
        cmocka_unit_test(an_old_window_is_forgotten_when_its_slot_is_used_again),
        cmocka_unit_test(one_request_in_ten_still_begins_there),
        cmocka_unit_test(a_run_of_successes_ends_it_at_once),
        cmocka_unit_test(successes_before_the_failures_do_not_clear),
        cmocka_unit_test(counts_keep_their_ratio_when_they_are_full),
        cmocka_unit_test(a_rest_lasts_as_long_as_was_asked_and_has_a_bound),
        cmocka_unit_test(one_models_limit_speaks_for_no_other),
        cmocka_unit_test(a_clock_that_is_put_back_loses_the_future),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
