#include "cache/flight.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct key the_key = {.bytes = {7, 7, 7}};

static struct store_flight flight_of(void)
{
    return (struct store_flight){.tape = tape_new(NULL, 100)};
}

static void a_record_lives_as_long_as_anything_is_under_way(void **state)
{
    struct flight_map *map = flight_map_new();
    struct flight_shard *shard = flight_lock(map, &the_key);
    struct store_flight flight = flight_of();
    (void)state;
    assert_null(flight_find(shard, &the_key));
    struct flight_key *record = flight_get(shard, &the_key);
    flight_settle(shard, record);
    assert_null(flight_find(shard, &the_key));
    record = flight_get(shard, &the_key);
    assert_ptr_equal(flight_get(shard, &the_key), record);
    flight_start(shard, record, &flight, true, false);
    record->writes = 1;
    flight_end(shard, &flight);
    assert_ptr_equal(flight_find(shard, &the_key), record);
    record->writes = 0;
    record->reading = true;
    flight_settle(shard, record);
    assert_ptr_equal(flight_find(shard, &the_key), record);
    record->reading = false;
    flight_settle(shard, record);
    assert_null(flight_find(shard, &the_key));
    flight_unlock(shard);
    assert_int_equal(flight_count(map), 0);
    tape_unref(flight.tape);
    flight_map_free(map);
}

/* Keys that share shard and bucket share nothing else. */
static void keys_in_one_bucket_are_apart(void **state)
{
    struct flight_map *map = flight_map_new();
    struct key keys[3] = {
        {.bytes = {0, 1, 1, 1}}, {.bytes = {0, 1, 1, 2}}, {.bytes = {0, 1, 1, 3}}};
    struct flight_key *records[3];
    struct store_flight flights[3];
    struct flight_shard *shard = flight_lock(map, &keys[0]);
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        flights[i] = flight_of();
        records[i] = flight_get(shard, &keys[i]);
        flight_start(shard, records[i], &flights[i], true, false);
    }
    static const size_t order[] = {1, 2, 0};
    for (size_t i = 0; i < 3; i++) {
        for (size_t j = i; j < 3; j++) {
            assert_ptr_equal(flight_find(shard, &keys[order[j]]), records[order[j]]);
            assert_ptr_equal(flight_to_follow(records[order[j]]), &flights[order[j]]);
        }
        flight_end(shard, &flights[order[i]]);
        assert_null(flight_find(shard, &keys[order[i]]));
        tape_unref(flights[order[i]].tape);
    }
    flight_unlock(shard);
    flight_map_free(map);
}

static void the_newest_joinable_flight_is_followed_until_it_closes(void **state)
{
    struct flight_map *map = flight_map_new();
    struct flight_shard *shard = flight_lock(map, &the_key);
    struct flight_key *record = flight_get(shard, &the_key);
    struct store_flight first = flight_of(), second = flight_of(), alone = flight_of(),
                        refresh = flight_of();
    (void)state;
    flight_start(shard, record, &first, true, false);
    assert_ptr_equal(flight_to_follow(record), &first);
    flight_start(shard, record, &alone, false, false);
    assert_ptr_equal(flight_to_follow(record), &first);
    flight_start(shard, record, &second, true, true);
    assert_ptr_equal(flight_to_follow(record), &second);
    flight_close(record, &first); /* it is no longer the one */
    assert_ptr_equal(flight_to_follow(record), &second);
    flight_start(shard, record, &refresh, false, true);
    assert_null(flight_to_follow(record));
    struct store_flight *all[] = {&second, &alone, &refresh, &first};
    for (size_t i = 0; i < 4; i++) {
        flight_end(shard, all[i]);
        tape_unref(all[i]->tape);
    }
    assert_null(flight_find(shard, &the_key));
    flight_unlock(shard);
    flight_map_free(map);
}

static void the_order_of_starts_outlives_the_newer_flight(void **state)
{
    struct flight_map *map = flight_map_new();
    struct flight_shard *shard = flight_lock(map, &the_key);
    struct flight_key *record = flight_get(shard, &the_key);
    struct store_flight old = flight_of(), newer = flight_of(), newest = flight_of();
    (void)state;
    flight_start(shard, record, &old, true, false);
    flight_start(shard, record, &newer, true, true);
    assert_true(flight_may_store(record, &newer));
    flight_end(shard, &newer);
    assert_false(flight_may_store(record, &old));
    flight_start(shard, record, &newest, true, true);
    assert_true(flight_may_store(record, &newest));
    flight_end(shard, &newest);
    assert_false(flight_may_store(record, &old));
    flight_end(shard, &old);
    flight_unlock(shard);
    tape_unref(old.tape);
    tape_unref(newer.tape);
    tape_unref(newest.tape);
    flight_map_free(map);
}

static void what_is_held_goes_with_its_last_retry_a_change_or_time(void **state)
{
    struct flight_map *map = flight_map_new();
    struct tape *tape = tape_new(NULL, 100);
    struct store_entry entry = {.expires_at_ms = 9};
    (void)state;
    for (size_t way = 0; way < 3; way++) {
        struct flight_shard *shard = flight_lock(map, &the_key);
        struct flight_key *record = flight_get(shard, &the_key);
        flight_hold(shard, record, tape, &entry, 2);
        flight_retried(shard, record);
        assert_ptr_equal(record->held, tape);
        if (way == 0)
            flight_retried(shard, record);
        if (way == 1)
            flight_outdate_read(shard, record);
        if (way < 2) {
            assert_null(record->held);
            flight_settle(shard, record);
        }
        flight_unlock(shard);
        for (size_t i = 0; way == 2 && i < 12; i++)
            flight_tick(map);
        shard = flight_lock(map, &the_key);
        assert_null(flight_find(shard, &the_key));
        flight_unlock(shard);
        assert_true(tape_abandoned(tape)); /* ours is the only reference again */
    }
    tape_unref(tape);
    flight_map_free(map);
}

static void only_a_read_under_way_can_become_stale(void **state)
{
    struct flight_map *map = flight_map_new();
    struct flight_shard *shard = flight_lock(map, &the_key);
    struct flight_key *record = flight_get(shard, &the_key);
    (void)state;
    flight_outdate_read(shard, record);
    assert_false(record->read_stale);
    record->reading = true;
    flight_outdate_read(shard, record);
    assert_true(record->read_stale);
    record->reading = false;
    flight_settle(shard, record);
    flight_unlock(shard);
    flight_map_free(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_lives_as_long_as_anything_is_under_way),
        cmocka_unit_test(keys_in_one_bucket_are_apart),
        cmocka_unit_test(the_newest_joinable_flight_is_followed_until_it_closes),
        cmocka_unit_test(the_order_of_starts_outlives_the_newer_flight),
        cmocka_unit_test(what_is_held_goes_with_its_last_retry_a_change_or_time),
        cmocka_unit_test(only_a_read_under_way_can_become_stale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
