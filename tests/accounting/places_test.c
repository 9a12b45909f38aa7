#include "accounting/places.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { COUNTERS = 1 << 26 };

static struct ledger_ref place(int64_t ms, unsigned micros, uint32_t boot, unsigned lane,
                               uint32_t counter)
{
    return (struct ledger_ref){ms, (uint64_t)micros << 54 | (uint64_t)boot << 34 |
                                       (uint64_t)lane << 26 | counter};
}

static int add(struct places *places, struct ledger_ref ref, uint64_t expected_missing)
{
    uint64_t missing = 77;
    int found = places_add(places, &ref, &missing);
    assert_int_equal(missing, expected_missing);
    return found;
}

static void a_sequence_has_its_parts(void **state)
{
    struct ledger_ref ref = place(5, 999, 0xfffff, 255, COUNTERS - 1);
    (void)state;
    assert_int_equal(ref.sequence, (UINT64_C(999) << 54) + (UINT64_C(1) << 54) - 1);
    ref = place(5, 1, 2, 3, 4);
    assert_int_equal(places_boot(&ref), 2);
    assert_int_equal(places_lane(&ref), 3);
    assert_int_equal(places_counter(&ref), 4);
}

static void whole_lanes_are_as_they_must_be(void **state)
{
    struct places places;
    (void)state;
    places_init(&places, false);
    for (uint32_t i = 0; i < 1000; i++)
        for (unsigned lane = 0; lane < 7; lane++)
            assert_int_equal(add(&places, place(1000 + i, lane, 1, lane, i), 0), PLACES_NEXT);
    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(add(&places, place(2000 + i, 0, 2, 3, i), 0), PLACES_NEXT);
    assert_int_equal(places_issued(&places), 7010);
    assert_int_equal(places.missing, 0);
    assert_int_equal(places.count, 1); /* lanes of the boot that ended are forgotten */
    places_release(&places);
}

static void a_gap_is_counted_and_named_once(void **state)
{
    struct places places;
    (void)state;
    places_init(&places, false);
    assert_int_equal(add(&places, place(1, 0, 1, 0, 0), 0), PLACES_NEXT);
    assert_int_equal(add(&places, place(2, 0, 1, 0, 4), 3), PLACES_GAP);
    assert_int_equal(add(&places, place(3, 0, 1, 0, 5), 0), PLACES_NEXT);
    assert_int_equal(add(&places, place(4, 0, 1, 1, 2), 2), PLACES_GAP); /* a lane begins at 0 */
    assert_int_equal(places.added, 4);
    assert_int_equal(places.missing, 5);
    assert_int_equal(places_issued(&places), 9);
    places_release(&places);
}

static void a_number_that_comes_again_is_no_gap(void **state)
{
    struct places places;
    (void)state;
    places_init(&places, false);
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(add(&places, place(i, 0, 1, 0, i), 0), PLACES_NEXT);
    assert_int_equal(add(&places, place(6, 0, 1, 0, 4), 0), PLACES_AGAIN);
    assert_int_equal(add(&places, place(7, 0, 1, 0, 2), 0), PLACES_AGAIN);
    assert_int_equal(add(&places, place(8, 0, 1, 0, 3), 0), PLACES_NEXT);
    assert_int_equal(places.missing, 0);
    places_release(&places);
}

/* The counter has 26 bits. */
static void a_counter_begins_anew_after_its_last(void **state)
{
    struct places places;
    (void)state;
    places_init(&places, true);
    assert_int_equal(add(&places, place(1, 0, 1, 0, COUNTERS - 2), 0), PLACES_NEXT);
    assert_int_equal(add(&places, place(2, 0, 1, 0, COUNTERS - 1), 0), PLACES_NEXT);
    assert_int_equal(add(&places, place(3, 0, 1, 0, 0), 0), PLACES_NEXT);
    assert_int_equal(add(&places, place(4, 0, 1, 0, 2), 1), PLACES_GAP);
    places_release(&places);
}

/* Where earlier months were dropped nobody knows how far the running boot had come; a boot that
 * begins later has no such excuse. */
static void midway_only_running_boots_may_have_begun(void **state)
{
    struct places places;
    (void)state;
    places_init(&places, true);
    assert_int_equal(add(&places, place(1, 5, 3, 0, 17), 0), PLACES_NEXT);
    assert_int_equal(add(&places, place(1, 6, 2, 9, 400), 0), PLACES_NEXT); /* in the same ms */
    assert_int_equal(add(&places, place(9, 0, 3, 1, 23), 0), PLACES_NEXT);
    assert_int_equal(add(&places, place(9, 1, 3, 1, 25), 1), PLACES_GAP);
    assert_int_equal(add(&places, place(10, 0, 4, 0, 2), 2), PLACES_GAP);
    assert_int_equal(places_issued(&places), 8);
    places_release(&places);
}

/* A new boot begins in the last millisecond of the one before, in front of its last places where
 * the clock stands behind the floor. */
static void boots_may_be_mixed_within_a_millisecond_only(void **state)
{
    struct places places;
    (void)state;
    places_init(&places, false);
    assert_int_equal(add(&places, place(3, 0, 1, 0, 0), 0), PLACES_NEXT);
    assert_int_equal(add(&places, place(4, 0, 1, 1, 0), 0), PLACES_NEXT);
    assert_int_equal(add(&places, place(5, 100, 2, 0, 0), 0), PLACES_NEXT);
    assert_int_equal(add(&places, place(5, 150, 3, 0, 0), 0), PLACES_NEXT);
    assert_int_equal(add(&places, place(5, 200, 1, 0, 1), 0), PLACES_NEXT);
    assert_int_equal(add(&places, place(5, 300, 1, 1, 2), 1), PLACES_GAP);
    assert_int_equal(add(&places, place(6, 0, 3, 0, 1), 0), PLACES_NEXT);
    assert_int_equal(add(&places, place(6, 1, 2, 0, 1), 0), PLACES_ENDED);
    assert_int_equal(add(&places, place(7, 1, 1, 0, 2), 0), PLACES_ENDED);
    assert_int_equal(add(&places, place(7, 2, 3, 0, 2), 0), PLACES_NEXT);
    places_release(&places);
}

/* The boot counter has 20 bits. */
static void the_first_boot_follows_the_last(void **state)
{
    struct places places;
    (void)state;
    assert_true(places_is_newer(0, 0xfffff));
    assert_true(places_is_newer(5, 4));
    assert_false(places_is_newer(4, 5));
    assert_false(places_is_newer(4, 4));
    assert_false(places_is_newer(0xfffff, 0));
    places_init(&places, false);
    assert_int_equal(add(&places, place(1, 0, 0xfffff, 0, 0), 0), PLACES_NEXT);
    assert_int_equal(add(&places, place(2, 0, 0, 0, 0), 0), PLACES_NEXT);
    assert_int_equal(add(&places, place(3, 0, 0xfffff, 0, 1), 0), PLACES_ENDED);
    places_release(&places);
}

static int note(void *arg, const struct ledger_ref *last)
{
    uint64_t *sum = arg;
    *sum = *sum * 1000 + places_boot(last) * 100 + places_lane(last) * 10 + places_counter(last);
    return 0;
}

static void lanes_are_told_when_their_boot_ended(void **state)
{
    struct places places;
    uint64_t told = 0;
    (void)state;
    places_init(&places, false);
    places.on_ended = note;
    places.arg = &told;
    add(&places, place(1, 0, 1, 0, 0), 0);
    add(&places, place(2, 0, 1, 2, 0), 0);
    add(&places, place(3, 0, 1, 2, 1), 0);
    add(&places, place(4, 0, 2, 0, 0), 0);
    assert_int_equal(told, 0);
    add(&places, place(5, 0, 2, 0, 1), 0);
    assert_int_equal(told, 100 * 1000 + 121);
    places_release(&places);
}

/* Restarts while the clock stands still keep all their lanes, up to a maximum. */
static void lanes_are_bounded(void **state)
{
    struct places places;
    struct ledger_ref ref;
    uint64_t missing;
    int result = 0;
    (void)state;
    places_init(&places, false);
    for (uint32_t boot = 1; boot < 5000 && result == 0; boot++)
        for (unsigned lane = 0; lane < 256 && result == 0; lane++) {
            ref = place(9, 0, boot, lane, 0);
            result = places_add(&places, &ref, &missing);
        }
    assert_int_equal(result, -E2BIG);
    assert_int_equal(places.count, PLACES_LANES_MAX);
    places_release(&places);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sequence_has_its_parts),
        cmocka_unit_test(whole_lanes_are_as_they_must_be),
        cmocka_unit_test(a_gap_is_counted_and_named_once),
        cmocka_unit_test(a_number_that_comes_again_is_no_gap),
        cmocka_unit_test(a_counter_begins_anew_after_its_last),
        cmocka_unit_test(midway_only_running_boots_may_have_begun),
        cmocka_unit_test(boots_may_be_mixed_within_a_millisecond_only),
        cmocka_unit_test(the_first_boot_follows_the_last),
        cmocka_unit_test(lanes_are_told_when_their_boot_ended),
        cmocka_unit_test(lanes_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
