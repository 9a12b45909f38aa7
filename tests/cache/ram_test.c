#include "cache/ram.h"
#include "cache/tape.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const size_t slot_bytes[TAPE_SLOTS] = {0, 0};
static const struct store_entry always = {.stored_at_ms = 0, .expires_at_ms = INT64_MAX};

/* Spreads over the table as a digest would. */
static struct key key_of(uint64_t number)
{
    struct key key;
    uint64_t value = number + 1;
    for (size_t i = 0; i < KEY_BYTES; i += 8) {
        value = (value ^ value >> 31) * UINT64_C(0x9E3779B97F4A7C15);
        value ^= value >> 29;
        memcpy(key.bytes + i, &value, 8);
    }
    memcpy(key.bytes + 24, &number, 8);
    return key;
}

static struct tape *baked_of(size_t len, char fill)
{
    struct tape *tape = tape_new(NULL, SIZE_MAX);
    char *bytes = malloc(len + 1);
    uint64_t wake;
    assert_non_null(bytes);
    memset(bytes, fill, len);
    assert_int_equal(tape_append(tape, bytes, len, NULL, 0, &wake), 0);
    tape_end(tape, TAPE_WHOLE, NULL, 0);
    struct tape *baked = tape_bake(tape, slot_bytes, NULL, 0);
    assert_non_null(baked);
    tape_unref(tape);
    free(bytes);
    return baked;
}

static bool put(struct ram *ram, uint64_t number, size_t len, const struct store_entry *entry)
{
    struct key key = key_of(number);
    struct tape *tape = baked_of(len, (char)('a' + number % 26));
    bool kept = ram_put(ram, &key, tape, entry);
    tape_unref(tape);
    return kept;
}

static bool has(struct ram *ram, uint64_t number, int64_t now_ms)
{
    struct key key = key_of(number);
    struct tape *tape;
    struct store_entry entry;
    if (!ram_get(ram, &key, now_ms, &tape, &entry))
        return false;
    tape_unref(tape);
    return true;
}

static struct ram_stats stats_of(struct ram *ram)
{
    struct ram_stats stats;
    ram_stats(ram, &stats);
    return stats;
}

static void what_is_put_is_found_until_it_is_replaced_or_dropped(void **state)
{
    struct ram *ram = ram_new(1 << 20);
    uint64_t empty = stats_of(ram).bytes;
    struct key key = key_of(7);
    struct store_entry entry = {.stored_at_ms = 5, .expires_at_ms = 9}, got;
    struct tape *first = baked_of(100, 'x'), *second = baked_of(900, 'y'), *tape = NULL;
    (void)state;
    assert_false(has(ram, 7, 6));
    assert_true(ram_put(ram, &key, first, &entry));
    assert_true(ram_get(ram, &key, 6, &tape, &got));
    assert_ptr_equal(tape, first);
    assert_int_equal(got.stored_at_ms, 5);
    assert_int_equal(got.expires_at_ms, 9);
    tape_unref(tape);
    assert_false(has(ram, 8, 6));
    assert_true(ram_put(ram, &key, second, &always));
    assert_true(ram_get(ram, &key, 6, &tape, &got));
    assert_ptr_equal(tape, second);
    tape_unref(tape);
    assert_int_equal(stats_of(ram).entries, 1);
    assert_true(stats_of(ram).bytes >= empty + tape_footprint(second));
    ram_delete(ram, &key);
    ram_delete(ram, &key);
    assert_false(has(ram, 7, 6));
    assert_int_equal(stats_of(ram).entries, 0);
    assert_int_equal(stats_of(ram).bytes, empty);
    tape_unref(first);
    tape_unref(second);
    ram_free(ram);
}

static void an_entry_is_served_only_within_its_time(void **state)
{
    static const struct {
        int64_t now_ms;
        bool served;
        uint64_t entries_after;
    } cases[] = {{99, false, 1}, {100, true, 1}, {199, true, 1}, {200, false, 0}, {150, false, 0}};
    struct ram *ram = ram_new(1 << 20);
    struct store_entry entry = {.stored_at_ms = 100, .expires_at_ms = 200};
    (void)state;
    assert_true(put(ram, 1, 10, &entry));
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_int_equal(has(ram, 1, cases[i].now_ms), cases[i].served);
        assert_int_equal(stats_of(ram).entries, cases[i].entries_after);
    }
    ram_free(ram);
}

static void expired_entries_leave_without_being_asked_for(void **state)
{
    struct ram *ram = ram_new(64 << 20);
    uint64_t empty = stats_of(ram).bytes;
    (void)state;
    for (uint64_t i = 0; i < 5000; i++) {
        struct store_entry entry = {.stored_at_ms = 0, .expires_at_ms = i % 2 == 0 ? 10 : 1000};
        assert_true(put(ram, i, 50, &entry));
    }
    for (size_t i = 0; i < 20; i++)
        ram_tick(ram, 10);
    assert_int_equal(stats_of(ram).entries, 2500);
    for (size_t i = 0; i < 20; i++)
        ram_tick(ram, 1000);
    assert_int_equal(stats_of(ram).bytes, empty);
    ram_free(ram);
}

static void the_budget_holds_whatever_is_put(void **state)
{
    static const size_t budgets[] = {0, 100, 64 * 1024, 1 << 20, 3 << 20};
    (void)state;
    for (size_t i = 0; i < sizeof(budgets) / sizeof(*budgets); i++) {
        struct ram *ram = ram_new(budgets[i]);
        uint64_t kept = 0, random = 88172645463325252u, fixed = stats_of(ram).bytes;
        for (uint64_t j = 0; j < 1500; j++) {
            random ^= random << 13, random ^= random >> 7, random ^= random << 17;
            size_t len = (size_t)1 << random % 20;
            kept += put(ram, j, len, &always) ? 1 : 0;
            struct ram_stats stats = stats_of(ram);
            assert_true(stats.bytes <= budgets[i] || stats.bytes == fixed);
            assert_int_equal(stats.entries, kept - stats.evictions);
        }
        if (budgets[i] >= 1 << 20) {
            assert_true(kept > 700);
            assert_true(stats_of(ram).bytes > budgets[i] / 3); /* and it is used */
        } else if (budgets[i] <= 100) {
            assert_int_equal(kept, 0);
        }
        ram_free(ram);
    }
}

static void what_does_not_fit_replaces_nothing_but_its_own_key(void **state)
{
    struct ram *ram = ram_new(1 << 20);
    (void)state;
    assert_true(put(ram, 1, 1000, &always));
    assert_true(put(ram, 2, 1000, &always));
    assert_false(put(ram, 2, 1 << 20, &always));
    assert_true(has(ram, 1, 0));
    assert_false(has(ram, 2, 0)); /* the old answer must not stand for the new one */
    assert_int_equal(stats_of(ram).evictions, 0);
    ram_free(ram);
}

/* A scan of many times the budget passes through; what is in use stays. With mixed sizes one put
 * evicts from several shards, which must not empty some of them. */
static void eviction_keeps_what_is_used(void **state)
{
    enum { HOT = 200, SCAN = 20000 };
    (void)state;
    for (size_t mixed = 0; mixed < 2; mixed++) {
        struct ram *ram = ram_new(2 << 20);
        size_t left = 0;
        for (uint64_t i = 0; i < HOT; i++)
            assert_true(put(ram, i, 700, &always));
        for (uint64_t i = 0; i < SCAN; i++) {
            size_t len = mixed == 0 ? 700 : i % 10 == 0 ? 6000 : 100;
            assert_true(put(ram, 1000 + i, len, &always));
            has(ram, i % HOT, 0);
            has(ram, (i * 7 + 3) % HOT, 0);
        }
        for (uint64_t i = 0; i < HOT; i++)
            left += has(ram, i, 0) ? 1 : 0;
        assert_in_range(left, HOT * 95 / 100, HOT);
        assert_true(stats_of(ram).evictions > SCAN / 2);
        ram_free(ram);
    }
}

/* A cache full of hot entries still takes new ones. */
static void everything_in_use_does_not_stop_a_new_entry(void **state)
{
    struct ram *ram = ram_new(1 << 20);
    (void)state;
    for (uint64_t i = 0; i < 3000; i++) {
        assert_true(put(ram, i, 700, &always));
        assert_true(has(ram, i, 0));
        for (uint64_t j = i < 600 ? 0 : i - 600; j < i; j += 3)
            has(ram, j, 0);
    }
    ram_free(ram);
}

static void an_evicted_answer_lives_while_it_is_read(void **state)
{
    struct ram *ram = ram_new(1 << 20);
    struct key key = key_of(0);
    struct tape *tape;
    struct store_entry entry;
    struct tape_reader reader;
    char buffer[200];
    size_t len;
    (void)state;
    assert_true(put(ram, 0, 100, &always));
    assert_true(ram_get(ram, &key, 0, &tape, &entry));
    assert_int_equal(tape_reader_init(&reader, tape, TAPE_ORIGINAL, NULL), 0);
    tape_unref(tape);
    ram_delete(ram, &key);
    ram_free(ram);
    assert_int_equal(tape_read(&reader, 0, buffer, sizeof(buffer), &len), TAPE_READ_BYTES);
    assert_int_equal(len, 100);
    assert_int_equal(buffer[99], 'a');
    tape_reader_release(&reader);
}

struct stress {
    struct ram *ram;
    uint64_t seed;
    atomic_int *failures;
};

static void *stress_run(void *arg)
{
    struct stress *stress = arg;
    uint64_t random = stress->seed;
    for (size_t i = 0; i < 8000; i++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        uint64_t number = random % 700;
        struct key key = key_of(number);
        struct tape *tape;
        struct store_entry entry;
        if (random >> 32 & 1) {
            struct store_entry times = {.expires_at_ms = random >> 33 & 1 ? 5 : INT64_MAX};
            put(stress->ram, number, 1 + (random >> 40) % 4000, &times);
        } else if (ram_get(stress->ram, &key, (int64_t)(i % 10), &tape, &entry)) {
            struct tape_reader reader;
            char first = 0;
            size_t len;
            if (tape_reader_init(&reader, tape, TAPE_ORIGINAL, NULL) != 0 ||
                tape_read(&reader, 0, &first, 1, &len) != TAPE_READ_BYTES ||
                first != (char)('a' + number % 26))
                atomic_fetch_add(stress->failures, 1);
            tape_reader_release(&reader);
            tape_unref(tape);
        }
        if (i % 500 == 0)
            ram_tick(stress->ram, 5);
        if (random >> 48 == 0)
            ram_delete(stress->ram, &key);
        if (i % 100 == 0 && stats_of(stress->ram).bytes > 1 << 20)
            atomic_fetch_add(stress->failures, 1);
    }
    return NULL;
}

static void the_budget_holds_under_threads(void **state)
{
    atomic_int failures = 0;
    struct ram *ram = ram_new(1 << 20);
    struct stress stress[3];
    pthread_t threads[3];
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        stress[i] = (struct stress){.ram = ram, .seed = 1234567 + i, .failures = &failures};
        assert_int_equal(pthread_create(&threads[i], NULL, stress_run, &stress[i]), 0);
    }
    for (size_t i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&failures), 0);
    assert_true(stats_of(ram).evictions > 0);
    ram_free(ram);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_is_found_until_it_is_replaced_or_dropped),
        cmocka_unit_test(an_entry_is_served_only_within_its_time),
        cmocka_unit_test(expired_entries_leave_without_being_asked_for),
        cmocka_unit_test(the_budget_holds_whatever_is_put),
        cmocka_unit_test(what_does_not_fit_replaces_nothing_but_its_own_key),
        cmocka_unit_test(eviction_keeps_what_is_used),
        cmocka_unit_test(everything_in_use_does_not_stop_a_new_entry),
        cmocka_unit_test(an_evicted_answer_lives_while_it_is_read),
        cmocka_unit_test(the_budget_holds_under_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
