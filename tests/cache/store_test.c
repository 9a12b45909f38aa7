#include "tests/cache/store_fixture.h"

#include <fcntl.h>

enum { MEMORY = 1 << 20 };

/* --- opening --- */

static void read_file(const char *dir, const char *name, char *bytes, size_t size, size_t *ret_len)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t len = read(fd, bytes, size);
    assert_true(len >= 0);
    close(fd);
    *ret_len = (size_t)len;
}

static void the_secret_is_made_once_and_for_its_owner_only(void **state)
{
    struct fixture fixture;
    char before[64], after[64], path[128], error[200] = "";
    size_t before_len, after_len;
    struct stat status;
    (void)state;
    fixture_open(&fixture, MEMORY, 0);
    struct store_options options = options_of(&fixture, MEMORY, 0);
    read_file(fixture.dir, "secret", before, sizeof(before), &before_len);
    assert_int_equal(before_len, 32);
    assert_memory_equal(before, store_secret(fixture.store), 32);
    snprintf(path, sizeof(path), "%s/secret", fixture.dir);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    store_close(fixture.store);
    assert_int_equal(store_open(&options, &fixture.store, NULL, error, sizeof(error)), 0);
    read_file(fixture.dir, "secret", after, sizeof(after), &after_len);
    assert_int_equal(after_len, 32);
    assert_memory_equal(before, after, 32);
    store_close(fixture.store);
    assert_int_equal(truncate(path, 31), 0); /* a short one is refused, never used */
    assert_int_equal(store_open(&options, &fixture.store, NULL, error, sizeof(error)), -EBADMSG);
    assert_non_null(strstr(error, path));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(store_open(&options, &fixture.store, NULL, error, sizeof(error)), 0);
    assert_memory_not_equal(before, store_secret(fixture.store), 32);
    fixture_close(&fixture);
}

static void a_directory_belongs_to_one_store_at_a_time(void **state)
{
    struct fixture fixture;
    struct store *second = NULL;
    char error[200] = "";
    (void)state;
    fixture_open(&fixture, MEMORY, 0);
    struct store_options options = options_of(&fixture, MEMORY, 0);
    assert_int_equal(store_open(&options, &second, NULL, error, sizeof(error)), -EBUSY);
    assert_null(second);
    assert_non_null(strstr(error, "another process"));
    fixture_close(&fixture);
}

static void missing_directories_are_made(void **state)
{
    struct fixture fixture;
    struct store *store;
    char error[200] = "", dir[128];
    (void)state;
    fixture_open(&fixture, MEMORY, 0);
    snprintf(dir, sizeof(dir), "%s/data/deep/cache", fixture.dir);
    struct store_options options = options_of(&fixture, MEMORY, 0);
    options.dir = dir;
    assert_int_equal(store_open(&options, &store, NULL, error, sizeof(error)), 0);
    store_close(store);
    options.dir = "/proc/nowhere/cache";
    assert_true(store_open(&options, &store, NULL, error, sizeof(error)) < 0);
    fixture_close(&fixture);
}

/* --- flights --- */

static void one_leads_others_follow_and_then_it_is_a_hit(void **state)
{
    struct fixture fixture;
    struct store_stats stats;
    (void)state;
    fixture_open(&fixture, MEMORY, 0);
    struct store_answer lead = ask(&fixture, (struct ask){.key = 1});
    struct store_answer other = ask(&fixture, (struct ask){.key = 2});
    struct store_answer follow = ask(&fixture, (struct ask){.key = 1});
    assert_int_equal(lead.found, STORE_LEAD);
    assert_int_equal(other.found, STORE_LEAD);
    assert_ptr_equal(follow.tape, lead.tape);
    store_stats(fixture.store, &stats);
    assert_int_equal(stats.flights, 2);
    struct store_answer late = ask(&fixture, (struct ask){.key = 1});
    assert_true(land(&fixture, &lead, "one", 50));
    assert_text(&follow, STORE_FOLLOW, "one");
    assert_text(&late, STORE_FOLLOW, "one");
    struct store_answer hit = ask(&fixture, (struct ask){.key = 1, .now_ms = 149});
    assert_int_equal(hit.entry.stored_at_ms, 50);
    assert_int_equal(hit.entry.expires_at_ms, 150);
    assert_text(&hit, STORE_HIT, "one");
    assert_absent(&fixture, 2, 50);
    land_failed(&fixture, &other);
    store_stats(fixture.store, &stats);
    assert_int_equal(stats.flights, 0);
    assert_int_equal(stats.memory_entries, 1);
    fixture_close(&fixture);
}

static void an_entry_is_served_within_its_time_only(void **state)
{
    static const struct {
        int64_t now_ms;
        enum store_found found;
    } cases[] = {{49, STORE_ABSENT}, {50, STORE_HIT}, {149, STORE_HIT}, {150, STORE_ABSENT}};
    struct fixture fixture;
    (void)state;
    fixture_open(&fixture, MEMORY, 0);
    struct store_answer lead = ask(&fixture, (struct ask){.key = 1, .now_ms = 50});
    assert_true(land(&fixture, &lead, "one", 50));
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct store_answer answer = ask(
            &fixture, (struct ask){.key = 1, .now_ms = cases[i].now_ms, .mode = STORE_ONLY_CACHED});
        assert_int_equal(answer.found, cases[i].found);
        tape_unref(answer.tape);
    }
    fixture_close(&fixture);
}

/* Whatever is not whole, good, lasting and complete in one piece is never found again. */
static void what_is_not_kept_is_led_again(void **state)
{
    struct fixture fixture;
    struct store_entry no_time = {.stored_at_ms = 5, .expires_at_ms = 5};
    struct store_entry entry = {.stored_at_ms = 5, .expires_at_ms = 50};
    (void)state;
    fixture_open(&fixture, MEMORY, 0);
    struct store_answer lead = ask(&fixture, (struct ask){.key = 1});
    land_failed(&fixture, &lead);
    lead = ask(&fixture, (struct ask){.key = 1});
    fill(&lead, "good, not wanted", TAPE_WHOLE);
    assert_false(store_land(fixture.store, lead.flight, false, &entry, NULL, 0));
    tape_unref(lead.tape);
    lead = ask(&fixture, (struct ask){.key = 1});
    fill(&lead, "no life", TAPE_WHOLE);
    assert_false(store_land(fixture.store, lead.flight, true, &no_time, NULL, 0));
    tape_unref(lead.tape);
    lead = ask(&fixture, (struct ask){.key = 1});
    char *large = calloc(1, (1 << 20) + 2);
    assert_non_null(large);
    memset(large, 'x', (1 << 20) + 1);
    fill(&lead, large, TAPE_WHOLE); /* more than entry_bytes_max: a window */
    assert_false(store_land(fixture.store, lead.flight, true, &entry, NULL, 0));
    tape_unref(lead.tape);
    free(large);
    assert_absent(&fixture, 1, 6);
    fixture_close(&fixture);
}

static void flights_that_cannot_be_followed_are_not(void **state)
{
    struct fixture fixture;
    uint64_t wake;
    (void)state;
    fixture_open(&fixture, MEMORY, 0);
    /* A window. */
    struct store_answer window = ask(&fixture, (struct ask){.key = 1});
    char *large = calloc(1, (1 << 20) + 2);
    assert_non_null(large);
    assert_int_equal(tape_append(window.tape, large, (1 << 20) + 1, NULL, 0, &wake), 0);
    free(large);
    struct store_answer second = ask(&fixture, (struct ask){.key = 1});
    assert_int_equal(second.found, STORE_LEAD);
    /* A closed one. */
    store_close_flight(fixture.store, second.flight);
    struct store_answer third = ask(&fixture, (struct ask){.key = 1});
    assert_int_equal(third.found, STORE_LEAD);
    /* One that has failed and not landed yet. */
    tape_end(third.tape, TAPE_FAILED, NULL, 0);
    struct store_answer fourth = ask(&fixture, (struct ask){.key = 1});
    struct store_answer follow = ask(&fixture, (struct ask){.key = 1});
    assert_int_equal(fourth.found, STORE_LEAD);
    assert_ptr_equal(follow.tape, fourth.tape);
    tape_unref(follow.tape);
    tape_end(window.tape, TAPE_FAILED, NULL, 0);
    assert_false(store_land(fixture.store, window.flight, false, NULL, NULL, 0));
    assert_false(store_land(fixture.store, third.flight, false, NULL, NULL, 0));
    tape_unref(window.tape);
    tape_unref(third.tape);
    assert_true(land(&fixture, &second, "closed, and good", 0)); /* it may still store */
    assert_hit(&fixture, 1, 1, "closed, and good");
    assert_true(land(&fixture, &fourth, "newest", 0));
    assert_hit(&fixture, 1, 1, "newest");
    fixture_close(&fixture);
}

/* Each case: flights 0..2 start in this order (0 in normal mode), then land in another. */
static void an_older_flight_never_overwrites_a_newer_one(void **state)
{
    static const struct {
        enum store_mode mode;
        unsigned order[3];
        bool fails[3];
        const char *found;
        bool kept[3];
    } cases[] = {
        {STORE_REFRESH, {0, 1, 2}, {false}, "2", {true, true, true}},
        {STORE_REFRESH, {2, 1, 0}, {false}, "2", {false, false, true}},
        {STORE_REFRESH, {1, 0, 2}, {false}, "2", {false, true, true}},
        {STORE_REFRESH, {1, 2, 0}, {false}, "2", {false, true, true}},
        {STORE_REFRESH, {2, 1, 0}, {false, false, true}, "1", {false, true, false}},
        {STORE_REFRESH, {2, 1, 0}, {false, true, true}, "0", {true, false, false}},
        {STORE_CLEAR, {2, 0, 1}, {false}, "2", {false, false, true}},
        {STORE_CLEAR, {0, 2, 1}, {false}, "2", {true, false, true}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases) * 2; i++) {
        size_t c = i / 2;
        bool alone = i % 2 == 1; /* the rule does not depend on coalescing */
        struct fixture fixture;
        struct store_answer leads[3];
        fixture_open(&fixture, MEMORY, 0);
        for (size_t j = 0; j < 3; j++) {
            leads[j] = ask(&fixture, (struct ask){.key = 9,
                                                  .mode = j == 0 ? STORE_NORMAL : cases[c].mode,
                                                  .alone = alone});
            assert_int_equal(leads[j].found, STORE_LEAD);
        }
        for (size_t j = 0; j < 3; j++) {
            static const char *const texts[] = {"0", "1", "2"};
            unsigned which = cases[c].order[j];
            if (cases[c].fails[which])
                land_failed(&fixture, &leads[which]);
            else
                assert_int_equal(land(&fixture, &leads[which], texts[which], 0),
                                 cases[c].kept[which]);
        }
        assert_hit(&fixture, 9, 1, cases[c].found);
        fixture_close(&fixture);
    }
}

static void refresh_and_clear_take_over_later_arrivals(void **state)
{
    static const enum store_mode modes[] = {STORE_REFRESH, STORE_CLEAR};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct fixture fixture;
        fixture_open(&fixture, MEMORY, 0);
        struct store_answer first = ask(&fixture, (struct ask){.key = 1});
        struct store_answer second = ask(&fixture, (struct ask){.key = 1, .mode = modes[i]});
        struct store_answer follow = ask(&fixture, (struct ask){.key = 1});
        assert_int_equal(second.found, STORE_LEAD);
        assert_ptr_equal(follow.tape, second.tape);
        assert_true(land(&fixture, &first, "old", 0));
        struct store_answer third = ask(&fixture, (struct ask){.key = 1, .mode = modes[i]});
        assert_int_equal(third.found, STORE_LEAD); /* although an entry is there */
        if (modes[i] == STORE_REFRESH)
            assert_hit(&fixture, 1, 1, "old");
        else
            assert_absent(&fixture, 1, 1);
        assert_true(land(&fixture, &second, "new", 0));
        assert_text(&follow, STORE_FOLLOW, "new");
        land_failed(&fixture, &third);
        assert_hit(&fixture, 1, 1, "new");
        fixture_close(&fixture);
    }
}

static void without_coalescing_every_miss_leads(void **state)
{
    struct fixture fixture;
    (void)state;
    fixture_open(&fixture, MEMORY, 0);
    struct store_answer first = ask(&fixture, (struct ask){.key = 1, .alone = true});
    struct store_answer second = ask(&fixture, (struct ask){.key = 1, .alone = true});
    struct store_answer joined = ask(&fixture, (struct ask){.key = 1}); /* nobody to follow */
    assert_int_equal(first.found, STORE_LEAD);
    assert_int_equal(second.found, STORE_LEAD);
    assert_int_equal(joined.found, STORE_LEAD);
    land_failed(&fixture, &joined);
    assert_true(land(&fixture, &second, "second", 0));
    assert_false(land(&fixture, &first, "first", 0));
    assert_hit(&fixture, 1, 1, "second");
    fixture_close(&fixture);
}

static void a_purge_drops_the_entry_at_once(void **state)
{
    struct fixture fixture;
    struct key key = key_of(1);
    (void)state;
    fixture_open(&fixture, MEMORY, 0);
    store_purge(fixture.store, &key);
    struct store_answer lead = ask(&fixture, (struct ask){.key = 1});
    assert_true(land(&fixture, &lead, "one", 0));
    assert_hit(&fixture, 1, 1, "one");
    store_purge(fixture.store, &key);
    assert_absent(&fixture, 1, 1);
    fixture_close(&fixture);
}

static void a_fetch_is_worth_its_money_while_it_may_be_stored(void **state)
{
    struct fixture fixture;
    (void)state;
    fixture_open(&fixture, MEMORY, 0);
    struct store_answer lead = ask(&fixture, (struct ask){.key = 1});
    assert_false(tape_abandoned(lead.tape)); /* nobody reads, but it will be kept */
    assert_true(land(&fixture, &lead, "one", 0));
    fixture_close(&fixture);
}

/* --- threads --- */

enum { KEYS = 5, THREADS = 3, ASKS = 3000 };

struct crowd {
    struct fixture *fixture;
    uint64_t seed;
    atomic_int *failures;
};

static bool text_is_of(struct tape *tape, uint64_t key)
{
    static const struct tape_stamp stamp = {.slot = {{"idid", 4}, {"1234", 4}}};
    struct tape_reader reader;
    char first = 0;
    size_t len;
    if (tape_reader_init(&reader, tape, TAPE_REPLAY, &stamp) != 0)
        return false;
    enum tape_read result = tape_read(&reader, 0, &first, 1, &len);
    tape_reader_release(&reader);
    return result == TAPE_READ_WAIT || (result == TAPE_READ_BYTES && first == (char)('a' + key));
}

/* One request from beginning to end, as a server would carry it through. */
static void crowd_request(struct crowd *crowd, uint64_t random)
{
    struct bell *bell = calloc(1, sizeof(*bell));
    uint64_t number = random % KEYS;
    struct key key = key_of(number);
    struct store_query query = {.key = &key,
                                .seal = &the_seal,
                                .now_ms = 1,
                                .mode = (random >> 8) % 16 < 3 ? (enum store_mode)(random >> 8) % 16
                                                               : STORE_NORMAL,
                                .coalesce = (random >> 16) % 4 != 0};
    struct store_answer answer;
    assert_non_null(bell);
    bell->waiter.wake = bell_ring;
    int err = store_find(crowd->fixture->store, &query, &bell->waiter, &answer);
    if (err == 0 && answer.found == STORE_WAIT) {
        if (!fake_eventually(&bell->rung, 1))
            atomic_fetch_add(crowd->failures, 1);
        query.retry = true;
        if ((random >> 24) % 8 != 0) /* a few never come back */
            err = store_find(crowd->fixture->store, &query, &bell->waiter, &answer);
        else
            answer.tape = NULL;
    }
    if (err != 0 || (answer.tape == NULL && answer.found == STORE_LEAD))
        atomic_fetch_add(crowd->failures, 1);
    if (answer.tape != NULL && answer.found == STORE_LEAD) {
        struct store_entry entry = {.stored_at_ms = 0, .expires_at_ms = 100};
        char text[40];
        uint64_t wake;
        bool good = (random >> 32) % 4 != 0;
        memset(text, 'a' + (int)number, sizeof(text));
        tape_begin(answer.tape, "h", 1);
        tape_append(answer.tape, text, sizeof(text), NULL, 0, &wake);
        tape_end(answer.tape, good ? TAPE_WHOLE : TAPE_FAILED, NULL, 0);
        store_land(crowd->fixture->store, answer.flight, good, &entry, "i", 1);
    } else if (answer.tape != NULL && !text_is_of(answer.tape, number)) {
        atomic_fetch_add(crowd->failures, 1);
    }
    tape_unref(answer.tape);
    if (atomic_load(&bell->rung) > 1)
        atomic_fetch_add(crowd->failures, 1);
    free(bell);
}

static void *crowd_run(void *arg)
{
    struct crowd *crowd = arg;
    uint64_t random = crowd->seed;
    for (size_t i = 0; i < ASKS; i++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        crowd_request(crowd, random);
        if (i % 50 == 0)
            store_tick(crowd->fixture->store, 1);
        if (i % 7 == 0) {
            struct key key = key_of(random % KEYS);
            store_purge(crowd->fixture->store, &key);
        }
    }
    return NULL;
}

/* Any mix of everything: every request ends, sees its own key's answer, and nothing is left. */
static void a_crowd_leaves_nothing_behind(void **state)
{
    static const size_t memories[] = {MEMORY, 0};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct fixture fixture;
        struct crowd crowds[THREADS];
        pthread_t threads[THREADS];
        struct store_stats stats;
        atomic_int failures = 0;
        fake_reset();
        fixture_open(&fixture, memories[i], 1 << 20);
        for (size_t j = 0; j < THREADS; j++) {
            crowds[j] = (struct crowd){&fixture, 77777 + j, &failures};
            assert_int_equal(pthread_create(&threads[j], NULL, crowd_run, &crowds[j]), 0);
        }
        for (size_t j = 0; j < THREADS; j++)
            pthread_join(threads[j], NULL);
        assert_int_equal(atomic_load(&failures), 0);
        assert_true(atomic_load(&fake.gets) > 0); /* the disk had its part in it */
        assert_true(atomic_load(&fake.puts) > 0);
        store_stats(fixture.store, &stats);
        assert_int_equal(stats.flights, 0);
        assert_int_equal(stats.disk_errors, 0);
        fixture_close(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_secret_is_made_once_and_for_its_owner_only),
        cmocka_unit_test(a_directory_belongs_to_one_store_at_a_time),
        cmocka_unit_test(missing_directories_are_made),
        cmocka_unit_test(one_leads_others_follow_and_then_it_is_a_hit),
        cmocka_unit_test(an_entry_is_served_within_its_time_only),
        cmocka_unit_test(what_is_not_kept_is_led_again),
        cmocka_unit_test(flights_that_cannot_be_followed_are_not),
        cmocka_unit_test(an_older_flight_never_overwrites_a_newer_one),
        cmocka_unit_test(refresh_and_clear_take_over_later_arrivals),
        cmocka_unit_test(without_coalescing_every_miss_leads),
        cmocka_unit_test(a_purge_drops_the_entry_at_once),
        cmocka_unit_test(a_fetch_is_worth_its_money_while_it_may_be_stored),
        cmocka_unit_test(a_crowd_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
