/* disk_sample.h - directories, keys and tapes for the tests of the disk tier, and `du`. */
#ifndef TESTS_CACHE_DISK_SAMPLE_H
#define TESTS_CACHE_DISK_SAMPLE_H

#include "cache/disk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <errno.h>
#include <ftw.h>
#include <sys/stat.h>

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define SECOND INT64_C(1000)
#define DAY (INT64_C(86400) * 1000)
#define NOW INT64_C(1800000000000)

static const struct store_seal sample_seal = {.bytes = {0xA5, 1}};

/* A directory of its own, or the test ends. */
static inline char *sample_directory(void)
{
    const char *base = getenv("TMPDIR");
    char *dir;
    assert_true(asprintf(&dir, "%s/tollgate-disk-XXXXXX", base == NULL ? "/tmp" : base) > 0);
    assert_non_null(mkdtemp(dir));
    return dir;
}

static inline int sample_remove_one(const char *path, const struct stat *status, int kind,
                                    struct FTW *where)
{
    (void)status, (void)kind, (void)where;
    return remove(path);
}

static inline void sample_remove(char *dir)
{
    nftw(dir, sample_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(dir);
}

static _Thread_local uint64_t sample_du_bytes;

static inline int sample_du_one(const char *path, const struct stat *status, int kind,
                                struct FTW *where)
{
    (void)path, (void)where;
    if (kind == FTW_F || kind == FTW_D)
        sample_du_bytes += (uint64_t)status->st_blocks * 512;
    return 0;
}

/* What `du` says. Files that vanish meanwhile are no error. */
static inline uint64_t sample_du(const char *dir)
{
    sample_du_bytes = 0;
    nftw(dir, sample_du_one, 16, FTW_PHYS);
    return sample_du_bytes;
}

static inline struct disk *sample_open(const char *dir, uint64_t bytes_max, int64_t now_ms)
{
    struct disk *disk = NULL;
    char error[256] = "";
    int code = disk_open(dir, bytes_max, now_ms, &disk, error, sizeof(error));
    if (code != 0)
        print_error("%d: %s\n", code, error);
    assert_int_equal(code, 0);
    assert_non_null(disk);
    return disk;
}

/* Spread like digests. */
static inline struct key sample_key(uint64_t number)
{
    struct key key;
    uint64_t mixed = number * UINT64_C(0x9E3779B97F4A7C15) + 1;
    for (size_t i = 0; i < KEY_BYTES; i++) {
        mixed ^= mixed >> 29;
        mixed *= UINT64_C(0xBF58476D1CE4E5B9);
        key.bytes[i] = (uint8_t)(mixed >> 56);
    }
    memcpy(key.bytes + 16, &number, sizeof(number)); /* and never equal */
    return key;
}

/* The source of tapes: bytes that do not compress, or text that does, after `seed`. */
struct sample_source {
    struct tape_budget *budget;
    char *bytes;
    size_t size;
};

static inline struct sample_source sample_source_new(size_t size)
{
    struct sample_source source = {.budget = tape_budget_new(64 * size + MIB), .size = size};
    assert_non_null(source.budget);
    source.bytes = malloc(size + 1);
    assert_non_null(source.bytes);
    return source;
}

static inline void sample_source_free(struct sample_source *source)
{
    tape_budget_free(source->budget);
    free(source->bytes);
}

/* give: a baked tape of len body bytes. Even seeds give text, odd ones noise. */
static inline struct tape *sample_tape(struct sample_source *source, size_t len, uint64_t seed)
{
    static const size_t slots[TAPE_SLOTS] = {24, 10};
    static const char text[] =
        "data: {\"id\":\"chatcmpl-1\",\"delta\":{\"content\":\" word\"}}\n\n";
    uint64_t wake, random = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    assert_true(len <= source->size);
    for (size_t i = 0; seed % 2 == 0 && i < len; i += sizeof(text) - 1)
        memcpy(source->bytes + i, text, len - i < sizeof(text) - 1 ? len - i : sizeof(text) - 1);
    for (size_t i = 0; seed % 2 == 1 && i < len; i += sizeof(random)) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        memcpy(source->bytes + i, &random, len - i < sizeof(random) ? len - i : sizeof(random));
    }
    memcpy(source->bytes, &seed, len < sizeof(seed) ? len : sizeof(seed));
    struct tape *tape = tape_new(source->budget, len + 64 * KIB);
    assert_non_null(tape);
    tape_begin(tape, "200 text/event-stream", 21);
    struct tape_edit edit = {.at = 8, .cut = 4, .slot = 1};
    assert_int_equal(tape_append(tape, source->bytes, len, &edit, len > 12 ? 1 : 0, &wake), 0);
    tape_end(tape, TAPE_WHOLE, NULL, 0);
    struct tape *baked = tape_bake(tape, slots, &seed, sizeof(seed));
    tape_unref(tape);
    assert_non_null(baked);
    return baked;
}

static inline void assert_same_tape(const struct tape *left, const struct tape *right)
{
    void *front[2];
    const char *body[2];
    size_t front_len[2], body_len[2];
    assert_int_equal(tape_export(left, &front[0], &front_len[0], &body[0], &body_len[0]), 0);
    assert_int_equal(tape_export(right, &front[1], &front_len[1], &body[1], &body_len[1]), 0);
    assert_int_equal(front_len[0], front_len[1]);
    assert_int_equal(body_len[0], body_len[1]);
    assert_memory_equal(front[0], front[1], front_len[0]);
    assert_memory_equal(body[0], body[1], body_len[0]);
    free(front[0]);
    free(front[1]);
}

/* Puts the tape of (len, seed) under the key of that number. */
static inline int sample_put(struct disk *disk, struct sample_source *source, uint64_t number,
                             size_t len, uint64_t seed, int64_t now_ms, int64_t ttl_ms)
{
    struct store_entry entry = {.stored_at_ms = now_ms, .expires_at_ms = now_ms + ttl_ms};
    struct key key = sample_key(number);
    struct tape *tape = sample_tape(source, len, seed);
    int error = disk_put(disk, &key, &sample_seal, &entry, tape, now_ms);
    tape_unref(tape);
    return error;
}

/* Gets it and, on success, compares it to the tape of (len, seed). */
static inline int sample_get(struct disk *disk, struct sample_source *source, uint64_t number,
                             size_t len, uint64_t seed, int64_t now_ms)
{
    struct store_entry entry;
    struct tape *got = NULL;
    struct key key = sample_key(number);
    int error = disk_get(disk, &key, &sample_seal, now_ms, &got, &entry);
    if (error != 0) {
        assert_null(got);
        return error;
    }
    assert_true(entry.stored_at_ms <= now_ms);
    assert_true(now_ms < entry.expires_at_ms);
    struct tape *want = sample_tape(source, len, seed);
    assert_same_tape(want, got);
    tape_unref(want);
    tape_unref(got);
    return 0;
}

#endif
