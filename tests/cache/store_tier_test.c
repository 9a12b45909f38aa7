/* The store above its disk tier: who waits, what is read once, and that nothing dropped comes back.
 */
#include "tests/cache/store_fixture.h"

#include "cache/store_private.h"

enum { MEMORY = 1 << 20, DISK = 1 << 20, WAITERS = 4 };

static int fake_is_idle(void **state)
{
    (void)state;
    fake_reset();
    return 0;
}

/* Puts an answer on disk and takes it out of memory. Entries live from 0 to 100. */
static void store_on_disk_only(struct fixture *fixture, uint64_t number, const char *text)
{
    struct key key = key_of(number);
    struct store_answer lead = ask_through(fixture, (struct ask){.key = number});
    int puts = atomic_load(&fake.puts);
    assert_true(land(fixture, &lead, text, 0));
    assert_true(fake_eventually(&fake.puts, puts + 1));
    ram_delete(fixture->store->ram, &key); /* as an eviction does */
}

static void a_disk_hit_is_read_once_and_moves_to_memory(void **state)
{
    struct fixture fixture;
    struct bell bells[WAITERS] = {{.rung = 0}};
    (void)state;
    fixture_open(&fixture, MEMORY, DISK);
    store_on_disk_only(&fixture, 1, "one");
    fake_hold(true, false);
    for (size_t i = 0; i < WAITERS; i++) {
        struct ask question = {.key = 1,
                               .now_ms = 1,
                               .mode = i == 0 ? STORE_ONLY_CACHED : STORE_NORMAL,
                               .alone = i == 1};
        struct store_answer answer = ask_with(&fixture, question, &bells[i]);
        assert_int_equal(answer.found, STORE_WAIT);
    }
    for (size_t i = 0; i < WAITERS; i++)
        assert_int_equal(atomic_load(&bells[i].rung), 0);
    fake_hold(false, false);
    for (size_t i = 0; i < WAITERS; i++)
        assert_true(fake_eventually(&bells[i].rung, 1));
    for (size_t i = 0; i < WAITERS; i++) {
        struct store_answer answer =
            ask(&fixture, (struct ask){.key = 1, .now_ms = 1, .retry = true});
        assert_int_equal(answer.entry.expires_at_ms, 100);
        assert_text(&answer, STORE_HIT, "one");
        assert_int_equal(atomic_load(&bells[i].rung), 1);
    }
    assert_hit(&fixture, 1, 1, "one");
    assert_int_equal(atomic_load(&fake.gets), 1);
    fixture_close(&fixture);
}

/* Without room in memory the waiters still get what was read for them, and then it is let go. */
static void what_was_read_is_held_until_its_waiters_came_back(void **state)
{
    struct fixture fixture;
    struct bell bells[WAITERS] = {{.rung = 0}};
    (void)state;
    fixture_open(&fixture, 0, DISK);
    store_on_disk_only(&fixture, 1, "one");
    fake_hold(true, false);
    for (size_t i = 0; i < WAITERS; i++)
        ask_with(&fixture, (struct ask){.key = 1, .now_ms = 1}, &bells[i]);
    fake_hold(false, false);
    for (size_t i = 0; i < WAITERS; i++) {
        assert_true(fake_eventually(&bells[i].rung, 1));
        struct store_answer answer =
            ask(&fixture, (struct ask){.key = 1, .now_ms = 1, .retry = true});
        assert_text(&answer, STORE_HIT, "one");
    }
    assert_int_equal(atomic_load(&fake.gets), 1);
    assert_hit(&fixture, 1, 1, "one"); /* nobody waits any more, so this one reads for itself */
    assert_int_equal(atomic_load(&fake.gets), 2);
    fixture_close(&fixture);
}

static void a_waiter_that_never_comes_back_costs_nothing_for_long(void **state)
{
    struct fixture fixture;
    struct bell bell = {.rung = 0};
    struct key key = key_of(1);
    (void)state;
    fixture_open(&fixture, 0, DISK);
    store_on_disk_only(&fixture, 1, "one");
    assert_int_equal(ask_with(&fixture, (struct ask){.key = 1, .now_ms = 1}, &bell).found,
                     STORE_WAIT);
    assert_true(fake_eventually(&bell.rung, 1));
    struct flight_shard *shard = flight_lock(fixture.store->flights, &key);
    assert_non_null(flight_find(shard, &key));
    flight_unlock(shard);
    for (size_t i = 0; i < 20; i++)
        store_tick(fixture.store, 1);
    shard = flight_lock(fixture.store->flights, &key);
    assert_null(flight_find(shard, &key));
    flight_unlock(shard);
    fixture_close(&fixture);
}

static void after_a_disk_miss_the_first_leads_and_others_follow(void **state)
{
    (void)state;
    for (size_t alone = 0; alone < 2; alone++) {
        struct fixture fixture;
        struct bell bells[WAITERS] = {{.rung = 0}};
        struct store_answer answers[WAITERS];
        fake_reset();
        fixture_open(&fixture, MEMORY, DISK);
        atomic_store(&fake.filter_lies, true);
        fake_hold(true, false);
        for (size_t i = 0; i < WAITERS; i++)
            ask_with(&fixture, (struct ask){.key = 1, .alone = alone == 1}, &bells[i]);
        fake_hold(false, false);
        for (size_t i = 0; i < WAITERS; i++) {
            assert_true(fake_eventually(&bells[i].rung, 1));
            answers[i] = ask(&fixture, (struct ask){.key = 1, .alone = alone == 1, .retry = true});
            assert_int_equal(answers[i].found, i == 0 || alone == 1 ? STORE_LEAD : STORE_FOLLOW);
        }
        assert_int_equal(atomic_load(&fake.gets), 1);
        for (size_t i = 0; i < WAITERS; i++) {
            if (answers[i].found == STORE_LEAD)
                land_failed(&fixture, &answers[i]);
            else
                tape_unref(answers[i].tape);
        }
        fixture_close(&fixture);
    }
}

static void a_flight_is_followed_without_asking_the_disk(void **state)
{
    struct fixture fixture;
    (void)state;
    fixture_open(&fixture, MEMORY, DISK);
    struct store_answer lead = ask(&fixture, (struct ask){.key = 1});
    atomic_store(&fake.filter_lies, true);
    struct store_answer follow = ask(&fixture, (struct ask){.key = 1});
    assert_int_equal(follow.found, STORE_FOLLOW);
    tape_unref(follow.tape);
    land_failed(&fixture, &lead);
    assert_int_equal(atomic_load(&fake.gets), 0);
    fixture_close(&fixture);
}

/* The read is held with the old entry in its hands; meanwhile the key is dropped or replaced. */
static void a_read_under_way_brings_nothing_back(void **state)
{
    enum change { PURGE, CLEAR, REPLACE, CHANGES };
    (void)state;
    for (int change = PURGE; change < CHANGES * 2; change++) {
        struct fixture fixture;
        struct bell bell = {.rung = 0};
        struct key key = key_of(1);
        struct store_answer lead = {.found = STORE_ABSENT};
        fake_reset();
        fixture_open(&fixture, change < CHANGES ? MEMORY : 0, DISK);
        store_on_disk_only(&fixture, 1, "old");
        fake_hold(true, false);
        assert_int_equal(ask_with(&fixture, (struct ask){.key = 1, .now_ms = 1}, &bell).found,
                         STORE_WAIT);
        assert_true(fake_eventually(&fake.held, 1));
        if (change % CHANGES == PURGE)
            store_purge(fixture.store, &key);
        else
            lead = ask(&fixture, (struct ask){.key = 1,
                                              .mode = change % CHANGES == CLEAR ? STORE_CLEAR
                                                                                : STORE_REFRESH});
        if (change % CHANGES == REPLACE)
            assert_true(land(&fixture, &lead, "new", 0));
        fake_hold(false, false);
        assert_true(fake_eventually(&bell.rung, 1));
        struct store_answer answer =
            ask(&fixture,
                (struct ask){.key = 1, .now_ms = 1, .mode = STORE_ONLY_CACHED, .retry = true});
        if (change % CHANGES == REPLACE)
            assert_text(&answer, STORE_HIT, "new");
        else
            assert_int_equal(answer.found, STORE_ABSENT);
        if (change % CHANGES == CLEAR)
            land_failed(&fixture, &lead);
        if (change % CHANGES == REPLACE)
            assert_hit(&fixture, 1, 1, "new");
        else
            assert_absent(&fixture, 1, 1);
        fixture_close(&fixture);
    }
}

/* What a read holds for waiters that have not come back yet is dropped with the entry as well. */
static void what_is_held_for_waiters_is_dropped_with_the_entry(void **state)
{
    struct fixture fixture;
    struct bell bell = {.rung = 0};
    struct key key = key_of(1);
    (void)state;
    fixture_open(&fixture, 0, DISK);
    store_on_disk_only(&fixture, 1, "old");
    ask_with(&fixture, (struct ask){.key = 1, .now_ms = 1}, &bell);
    assert_true(fake_eventually(&bell.rung, 1));
    store_purge(fixture.store, &key);
    struct store_answer answer = ask(
        &fixture, (struct ask){.key = 1, .now_ms = 1, .mode = STORE_ONLY_CACHED, .retry = true});
    assert_int_equal(answer.found, STORE_ABSENT);
    fixture_close(&fixture);
}

/* The disk stands still while drops and writes of a key pile up: they run in the order they came,
 * and the last one decides. */
static void drops_and_writes_of_a_key_keep_their_order(void **state)
{
    struct fixture fixture;
    struct key key = key_of(1);
    (void)state;
    for (size_t ends_with_purge = 0; ends_with_purge < 2; ends_with_purge++) {
        fake_reset();
        fixture_open(&fixture, 0, DISK);
        store_on_disk_only(&fixture, 1, "first");
        fake_hold(false, true);
        for (size_t i = 0; i < 5; i++) {
            struct store_answer lead =
                ask(&fixture, (struct ask){.key = 1, .now_ms = 1, .mode = STORE_CLEAR});
            assert_true(land(&fixture, &lead, i == 4 ? "last" : "middle", 1));
        }
        if (ends_with_purge == 1)
            store_purge(fixture.store, &key);
        fake_hold(false, false);
        if (ends_with_purge == 1)
            assert_absent(&fixture, 1, 2);
        else
            assert_hit(&fixture, 1, 2, "last"); /* asked while the writes were queued */
        assert_int_equal(atomic_load(&fake.puts), 6);
        fixture_close(&fixture);
    }
}

/* Drops cost queue space only where there is something to drop. */
static void clearing_what_is_not_there_asks_nothing_of_the_disk(void **state)
{
    struct fixture fixture;
    (void)state;
    fixture_open(&fixture, MEMORY, DISK);
    for (uint64_t i = 0; i < 100; i++) {
        struct store_answer lead = ask(&fixture, (struct ask){.key = i, .mode = STORE_CLEAR});
        land_failed(&fixture, &lead);
    }
    store_close(fixture.store);
    fixture.store = NULL;
    assert_int_equal(atomic_load(&fake.deletes), 0);
    nftw(fixture.dir, fixture_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* Polls: a write leaves the queue's account a moment after the disk has it. */
static bool queue_is_empty(struct store *store)
{
    struct timespec pause = {.tv_nsec = 200 * 1000};
    for (size_t i = 0; i < 100000; i++) {
        if (atomic_load(&store->write_bytes) == 0)
            return true;
        nanosleep(&pause, NULL);
    }
    return false;
}

/* A worker never waits for a disk that stands still; what does not fit the queue is not written,
 * and what it should have replaced goes. */
static void a_disk_that_falls_behind_loses_writes_and_blocks_nobody(void **state)
{
    enum { LARGE = 900 * 1024, ANSWERS = 60 };
    struct fixture fixture;
    struct store_stats stats;
    char *text = malloc(LARGE + 1);
    (void)state;
    assert_non_null(text);
    memset(text, 'x', LARGE);
    text[LARGE] = '\0';
    fixture_open(&fixture, 0, DISK);
    store_on_disk_only(&fixture, ANSWERS - 1, "old");
    fake_hold(false, true);
    size_t kept = 0;
    for (uint64_t i = 0; i < ANSWERS; i++) {
        struct store_answer lead = ask(&fixture, (struct ask){.key = i, .mode = STORE_REFRESH});
        kept += land(&fixture, &lead, text, 0) ? 1 : 0;
    }
    assert_in_range(kept, 30, 40);
    assert_true(atomic_load(&fixture.store->write_bytes) <= 32 << 20);
    store_stats(fixture.store, &stats);
    assert_int_equal(stats.disk_errors, ANSWERS - kept);
    fake_hold(false, false);
    assert_true(fake_eventually(&fake.puts, (int)kept + 1));
    assert_absent(&fixture, ANSWERS - 1, 1);
    assert_true(queue_is_empty(fixture.store));
    struct store_answer lead = ask(&fixture, (struct ask){.key = 0, .mode = STORE_REFRESH});
    assert_true(land(&fixture, &lead, "fits again", 0));
    free(text);
    fixture_close(&fixture);
}

static void a_failed_write_leaves_no_older_answer(void **state)
{
    struct fixture fixture;
    struct store_stats stats;
    (void)state;
    fixture_open(&fixture, MEMORY, DISK);
    store_on_disk_only(&fixture, 1, "old");
    atomic_store(&fake.put_error, -ENOSPC);
    store_on_disk_only(&fixture, 2, "never there");
    struct store_answer lead = ask(&fixture, (struct ask){.key = 1, .mode = STORE_REFRESH});
    assert_true(land(&fixture, &lead, "new", 0)); /* memory has it */
    assert_hit(&fixture, 1, 1, "new");
    assert_true(fake_eventually(&fake.deletes, 2));
    struct key key = key_of(1);
    ram_delete(fixture.store->ram, &key);
    assert_absent(&fixture, 1, 1);
    store_stats(fixture.store, &stats);
    assert_int_equal(stats.disk_errors, 2);
    assert_int_equal(stats.disk_bytes, 4711);
    fixture_close(&fixture);
}

static void ticks_do_not_pile_up(void **state)
{
    struct fixture fixture;
    (void)state;
    fixture_open(&fixture, MEMORY, DISK);
    fake_hold(false, true);
    for (size_t i = 0; i < 50; i++)
        store_tick(fixture.store, (int64_t)i);
    fake_hold(false, false);
    assert_true(fake_eventually(&fake.ticks, 1));
    struct fixture closing = fixture;
    store_close(closing.store); /* runs what is queued */
    assert_int_equal(atomic_load(&fake.ticks), 1);
    nftw(fixture.dir, fixture_remove, 16, FTW_DEPTH | FTW_PHYS);
}

static void an_unreadable_database_is_made_anew_and_said(void **state)
{
    static const struct {
        int error;
        const char *note; /* NULL: the start fails */
    } cases[] = {{-EPROTO, NULL}, {-EBADMSG, "unreadable"}, {-EIO, "unreadable"}, {-ENOMEM, NULL}};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct fixture fixture;
        char error[200] = "";
        fake_reset();
        fixture_open(&fixture, MEMORY, DISK);
        assert_null(fixture.note);
        store_close(fixture.store);
        fixture.store = NULL;
        atomic_store(&fake.open_error, cases[i].error);
        struct store_options options = options_of(&fixture, MEMORY, DISK);
        int err = store_open(&options, &fixture.store, &fixture.note, error, sizeof(error));
        if (cases[i].note != NULL) {
            assert_int_equal(err, 0);
            assert_non_null(strstr(fixture.note, cases[i].note));
            assert_int_equal(atomic_load(&fake.opens), 3);
        } else {
            assert_int_equal(err, cases[i].error);
            assert_null(fixture.store);
            assert_null(fixture.note);
        }
        store_close(fixture.store);
        nftw(fixture.dir, fixture_remove, 16, FTW_DEPTH | FTW_PHYS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_disk_hit_is_read_once_and_moves_to_memory, fake_is_idle),
        cmocka_unit_test_setup(what_was_read_is_held_until_its_waiters_came_back, fake_is_idle),
        cmocka_unit_test_setup(a_waiter_that_never_comes_back_costs_nothing_for_long, fake_is_idle),
        cmocka_unit_test_setup(after_a_disk_miss_the_first_leads_and_others_follow, fake_is_idle),
        cmocka_unit_test_setup(a_flight_is_followed_without_asking_the_disk, fake_is_idle),
        cmocka_unit_test_setup(a_read_under_way_brings_nothing_back, fake_is_idle),
        cmocka_unit_test_setup(what_is_held_for_waiters_is_dropped_with_the_entry, fake_is_idle),
        cmocka_unit_test_setup(drops_and_writes_of_a_key_keep_their_order, fake_is_idle),
        cmocka_unit_test_setup(clearing_what_is_not_there_asks_nothing_of_the_disk, fake_is_idle),
        cmocka_unit_test_setup(a_disk_that_falls_behind_loses_writes_and_blocks_nobody,
                               fake_is_idle),
        cmocka_unit_test_setup(a_failed_write_leaves_no_older_answer, fake_is_idle),
        cmocka_unit_test_setup(ticks_do_not_pile_up, fake_is_idle),
        cmocka_unit_test_setup(an_unreadable_database_is_made_anew_and_said, fake_is_idle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
