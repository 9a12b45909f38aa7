/* store_fixture.h - a store in a directory of its own, and short words for what tests do with it.
 * The disk tier is fake_disk.h's: a test that includes this defines all of disk.h, so the linker
 * leaves the real one out, and says itself when the disk answers.
 */
#ifndef TESTS_CACHE_STORE_FIXTURE_H
#define TESTS_CACHE_STORE_FIXTURE_H

#include "tests/cache/fake_disk.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct fixture {
    char dir[64];
    struct store *store;
    const char *note;
};

static const struct store_seal the_seal = {.bytes = {1, 2, 3}};

static inline struct key key_of(uint64_t number)
{
    struct key key = {{0}};
    uint64_t value = (number + 1) * UINT64_C(0x9E3779B97F4A7C15);
    for (size_t i = 0; i < KEY_BYTES; i += 8, value ^= value >> 7, value *= 31)
        memcpy(key.bytes + i, &value, 8);
    memcpy(key.bytes + 24, &number, 8);
    return key;
}

static inline struct store_options options_of(const struct fixture *fixture, size_t memory_bytes,
                                              uint64_t disk_bytes)
{
    return (struct store_options){.dir = fixture->dir,
                                  .memory_bytes = memory_bytes,
                                  .disk_bytes = disk_bytes,
                                  .entry_bytes_max = 1 << 20,
                                  .tape_bytes = 64 << 20,
                                  .slot_bytes = {4, 4}};
}

static inline void fixture_open(struct fixture *fixture, size_t memory_bytes, uint64_t disk_bytes)
{
    char error[200] = "";
    *fixture = (struct fixture){.dir = "/tmp/tollgate-store-XXXXXX"};
    assert_non_null(mkdtemp(fixture->dir));
    struct store_options options = options_of(fixture, memory_bytes, disk_bytes);
    assert_int_equal(store_open(&options, &fixture->store, &fixture->note, error, sizeof(error)),
                     0);
}

static inline int fixture_remove(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

/* Every tape and flight must be gone: closing asserts it. */
static inline void fixture_close(struct fixture *fixture)
{
    assert_int_equal(tape_budget_used(store_tape_budget(fixture->store)), 0);
    store_close(fixture->store);
    nftw(fixture->dir, fixture_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* A waiter that counts how often it was woken. */
struct bell {
    struct store_waiter waiter;
    atomic_int rung;
};

static inline void bell_ring(struct store_waiter *waiter)
{
    struct bell *bell = (struct bell *)(void *)waiter;
    atomic_fetch_add(&bell->rung, 1);
}

struct ask {
    uint64_t key;
    int64_t now_ms;
    enum store_mode mode;
    bool alone; /* no coalescing */
    bool retry;
};

static inline struct store_answer ask_with(struct fixture *fixture, struct ask ask,
                                           struct bell *bell)
{
    struct key key = key_of(ask.key);
    struct store_query query = {.key = &key,
                                .seal = &the_seal,
                                .now_ms = ask.now_ms,
                                .mode = ask.mode,
                                .coalesce = !ask.alone,
                                .retry = ask.retry};
    struct store_answer answer;
    bell->waiter.wake = bell_ring;
    memset(&answer, 0xee, sizeof(answer));
    assert_int_equal(store_find(fixture->store, &query, &bell->waiter, &answer), 0);
    assert_int_equal(answer.tape == NULL,
                     answer.found == STORE_WAIT || answer.found == STORE_ABSENT);
    assert_int_equal(answer.flight != NULL, answer.found == STORE_LEAD);
    return answer;
}

/* For answers that need not wait. */
static inline struct store_answer ask(struct fixture *fixture, struct ask question)
{
    struct bell bell = {.rung = 0};
    struct store_answer answer = ask_with(fixture, question, &bell);
    assert_int_not_equal(answer.found, STORE_WAIT);
    return answer;
}

/* Asks again after the disk has answered, as a server would. */
static inline struct store_answer ask_through(struct fixture *fixture, struct ask question)
{
    struct bell bell = {.rung = 0};
    struct store_answer answer = ask_with(fixture, question, &bell);
    if (answer.found != STORE_WAIT)
        return answer;
    assert_true(fake_eventually(&bell.rung, 1));
    question.retry = true;
    return ask(fixture, question);
}

static inline void fill(struct store_answer *lead, const char *text, enum tape_state state)
{
    uint64_t wake;
    assert_int_equal(lead->found, STORE_LEAD);
    tape_begin(lead->tape, "head", 4);
    assert_int_equal(tape_append(lead->tape, text, strlen(text), NULL, 0, &wake), 0);
    tape_end(lead->tape, state, NULL, 0);
}

/* Fills and lands a flight with a life of 100 ms from now_ms. */
static inline bool land(struct fixture *fixture, struct store_answer *lead, const char *text,
                        int64_t now_ms)
{
    struct store_entry entry = {.stored_at_ms = now_ms, .expires_at_ms = now_ms + 100};
    fill(lead, text, TAPE_WHOLE);
    bool kept = store_land(fixture->store, lead->flight, true, &entry, "info", 4);
    tape_unref(lead->tape);
    return kept;
}

static inline void land_failed(struct fixture *fixture, struct store_answer *lead)
{
    struct store_entry entry = {0};
    fill(lead, "half an ans", TAPE_FAILED);
    assert_false(store_land(fixture->store, lead->flight, false, &entry, NULL, 0));
    tape_unref(lead->tape);
}

static inline void assert_text(struct store_answer *answer, enum store_found found,
                               const char *expected)
{
    static const struct tape_stamp stamp = {.slot = {{"idid", 4}, {"1234", 4}}};
    struct tape_reader reader;
    char text[200] = "";
    size_t len = 0;
    assert_int_equal(answer->found, found);
    assert_int_equal(tape_reader_init(&reader, answer->tape, TAPE_REPLAY, &stamp), 0);
    assert_int_equal(tape_read(&reader, 0, text, sizeof(text) - 1, &len), TAPE_READ_BYTES);
    text[len] = '\0';
    assert_string_equal(text, expected);
    tape_reader_release(&reader);
    tape_unref(answer->tape);
}

static inline void assert_hit(struct fixture *fixture, uint64_t key, int64_t now_ms,
                              const char *expected)
{
    struct store_answer answer =
        ask_through(fixture, (struct ask){.key = key, .now_ms = now_ms, .mode = STORE_ONLY_CACHED});
    assert_text(&answer, STORE_HIT, expected);
}

static inline void assert_absent(struct fixture *fixture, uint64_t key, int64_t now_ms)
{
    struct store_answer answer =
        ask_through(fixture, (struct ask){.key = key, .now_ms = now_ms, .mode = STORE_ONLY_CACHED});
    assert_int_equal(answer.found, STORE_ABSENT);
}

#endif
