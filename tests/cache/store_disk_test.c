/* The store above the real disk tier: what was stored is found after a restart, and only by who
 * may. */
#include "cache/store.h"

#include <ftw.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { ANSWERS = 50 };

static const struct store_seal seal = {.bytes = {9, 8, 7}}, other_seal = {.bytes = {1}};
static char dir[64];

struct bell {
    struct store_waiter waiter;
    atomic_bool rung;
};

static void ring(struct store_waiter *waiter)
{
    atomic_store(&((struct bell *)(void *)waiter)->rung, true);
}

static int make_dir(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/tollgate-store-disk-XXXXXX");
    return mkdtemp(dir) == NULL ? -1 : 0;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status;
    (void)type;
    (void)at;
    return remove(path);
}

static int remove_dir(void **state)
{
    (void)state;
    return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct store *open_store(const char **ret_note)
{
    struct store_options options = {.dir = dir,
                                    .memory_bytes = 1 << 20,
                                    .disk_bytes = 64 << 20,
                                    .entry_bytes_max = 1 << 20,
                                    .tape_bytes = 64 << 20,
                                    .slot_bytes = {4, 4}};
    struct store *store = NULL;
    char error[300] = "";
    int err = store_open(&options, &store, ret_note, error, sizeof(error));
    if (err != 0)
        fail_msg("store_open: %d, %s", err, error);
    return store;
}

static struct key key_of(uint64_t number)
{
    struct key key;
    uint64_t value = (number + 1) * UINT64_C(0x9E3779B97F4A7C15);
    for (size_t i = 0; i < KEY_BYTES; i += 8, value ^= value >> 7, value *= 31)
        memcpy(key.bytes + i, &value, 8);
    return key;
}

static struct store_answer ask(struct store *store, uint64_t number, enum store_mode mode,
                               const struct store_seal *with)
{
    struct key key = key_of(number);
    struct store_query query = {
        .key = &key, .seal = with, .now_ms = 1000, .mode = mode, .coalesce = true};
    struct bell bell = {.waiter = {.wake = ring}};
    struct store_answer answer;
    struct timespec pause = {.tv_nsec = 100 * 1000};
    assert_int_equal(store_find(store, &query, &bell.waiter, &answer), 0);
    if (answer.found != STORE_WAIT)
        return answer;
    for (size_t i = 0; i < 200000 && !atomic_load(&bell.rung); i++)
        nanosleep(&pause, NULL);
    assert_true(atomic_load(&bell.rung));
    query.retry = true;
    assert_int_equal(store_find(store, &query, &bell.waiter, &answer), 0);
    return answer;
}

/* Texts of very different sizes, with both slots in them. */
static size_t text_of(uint64_t number, char *text)
{
    size_t len = 20 + (size_t)(number * number * number % 400000);
    for (size_t i = 0; i < len; i++)
        text[i] = (char)('a' + (number + i / 7) % 26);
    memcpy(text, "IDID", 4);
    memcpy(text + 10, "1234", 4);
    return len;
}

static void store_all(struct store *store)
{
    static const struct tape_edit edits[] = {{.at = 0, .cut = 9, .slot = 1},
                                             {.at = 10, .cut = 4, .slot = 2}};
    struct store_entry entry = {.stored_at_ms = 1000, .expires_at_ms = 60000};
    char *text = malloc(500000);
    uint64_t wake;
    assert_non_null(text);
    for (uint64_t i = 0; i < ANSWERS; i++) {
        size_t len = text_of(i, text);
        struct store_answer lead = ask(store, i, STORE_NORMAL, &seal);
        assert_int_equal(lead.found, STORE_LEAD);
        tape_begin(lead.tape, "head", 4);
        assert_int_equal(tape_append(lead.tape, text, len, edits, 2, &wake), 0);
        tape_end(lead.tape, TAPE_WHOLE, NULL, 0);
        assert_true(store_land(store, lead.flight, true, &entry, "info", 4));
        tape_unref(lead.tape);
    }
    free(text);
}

static void assert_is_answer(struct store_answer *answer, uint64_t number)
{
    static const struct tape_stamp stamp = {.slot = {{"iiii", 4}, {"5678", 4}}};
    char *expected = malloc(500000), *got = malloc(500000);
    struct tape_reader reader;
    size_t len = 0, piece, expected_len;
    assert_non_null(expected);
    assert_non_null(got);
    expected_len = text_of(number, expected);
    memmove(expected + 4, expected + 9, expected_len - 9); /* slot 1 replaced nine bytes by four */
    expected_len -= 5;
    memcpy(expected, "iiii", 4);
    memcpy(expected + 5, "5678", 4);
    assert_int_equal(answer->found, STORE_HIT);
    assert_int_equal(answer->entry.expires_at_ms, 60000);
    assert_memory_equal(tape_head(answer->tape, &piece), "head", 4);
    assert_memory_equal(tape_info(answer->tape, &piece), "info", 4);
    assert_int_equal(tape_reader_init(&reader, answer->tape, TAPE_REPLAY, &stamp), 0);
    while (tape_read(&reader, 0, got + len, 500000 - len, &piece) == TAPE_READ_BYTES)
        len += piece;
    assert_int_equal(len, expected_len);
    assert_memory_equal(got, expected, len);
    tape_reader_release(&reader);
    tape_unref(answer->tape);
    free(expected);
    free(got);
}

static void answers_survive_eviction_and_restart(void **state)
{
    struct store *store = open_store(NULL);
    struct store_stats stats;
    (void)state;
    store_all(store);
    for (int restart = 0; restart < 2; restart++) {
        for (uint64_t i = 0; i < ANSWERS; i++) {
            struct store_answer answer = ask(store, i, STORE_ONLY_CACHED, &seal);
            assert_is_answer(&answer, i);
        }
        store_tick(store, 1000);
        store_stats(store, &stats);
        assert_int_equal(stats.disk_errors, 0);
        assert_true(stats.memory_bytes <= 1 << 20);
        store_close(store);
        store = open_store(NULL);
    }
    store_close(store);
}

static void a_key_is_opened_by_its_own_seal_only(void **state)
{
    const char *note = NULL;
    struct store *store = open_store(&note);
    (void)state;
    assert_null(note);
    store_all(store);
    store_close(store);
    store = open_store(NULL);
    assert_int_equal(ask(store, 1, STORE_ONLY_CACHED, &other_seal).found, STORE_ABSENT);
    struct store_answer answer = ask(store, 2, STORE_ONLY_CACHED, &seal);
    assert_is_answer(&answer, 2);
    store_close(store);
}

static void a_purge_reaches_the_disk(void **state)
{
    struct store *store = open_store(NULL);
    struct key key = key_of(3);
    (void)state;
    store_all(store);
    store_purge(store, &key);
    assert_int_equal(ask(store, 3, STORE_ONLY_CACHED, &seal).found, STORE_ABSENT);
    store_close(store);
    store = open_store(NULL);
    assert_int_equal(ask(store, 3, STORE_ONLY_CACHED, &seal).found, STORE_ABSENT);
    struct store_answer answer = ask(store, 4, STORE_ONLY_CACHED, &seal);
    assert_is_answer(&answer, 4);
    store_close(store);
}

static void garbage_for_a_database_starts_an_empty_cache(void **state)
{
    const char *note = NULL;
    char path[128];
    struct store *store = open_store(NULL);
    (void)state;
    store_all(store);
    store_close(store);
    snprintf(path, sizeof(path), "%s/db/CURRENT", dir);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("not a manifest", file);
    fclose(file);
    store = open_store(&note);
    assert_non_null(note);
    assert_int_equal(ask(store, 1, STORE_ONLY_CACHED, &seal).found, STORE_ABSENT);
    store_all(store);
    store_close(store);
    note = NULL;
    store = open_store(&note);
    assert_null(note);
    struct store_answer answer = ask(store, 1, STORE_ONLY_CACHED, &seal);
    assert_is_answer(&answer, 1);
    store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answers_survive_eviction_and_restart, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_key_is_opened_by_its_own_seal_only, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_purge_reaches_the_disk, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(garbage_for_a_database_starts_an_empty_cache, make_dir,
                                        remove_dir),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
