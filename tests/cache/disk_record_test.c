/* disk_record_test.c - a record opens in its own place, with its own seal, unchanged, or not at
 * all. */
#include "cache/disk_head.h"
#include "cache/disk_record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

static const struct store_seal seal = {.bytes = {1, 2, 3}};
static const struct disk_identity identity = {
    .key = {.bytes = {7}}, .id = {8}, .salt = {9}, .records = 6};

static void fill_random(char *bytes, size_t len, uint64_t seed)
{
    for (size_t i = 0; i < len; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        bytes[i] = (char)(seed >> 32);
    }
}

static void fill_text(char *bytes, size_t len)
{
    static const char text[] = "data: {\"choices\":[{\"delta\":{\"content\":\" word\"}}]}\n\n";
    for (size_t i = 0; i < len; i++)
        bytes[i] = text[i % (sizeof(text) - 1)];
}

/* give: a copy of record number 3 */
static char *sealed(struct disk_codec *codec, const struct store_seal *with,
                    const struct disk_identity *of, const char *plain, size_t len, size_t *ret_len)
{
    const char *record;
    assert_int_equal(disk_codec_begin(codec, DISK_SEALING, with, of), 0);
    assert_int_equal(disk_record_seal(codec, 3, plain, len, &record, ret_len), 0);
    char *copy = malloc(*ret_len);
    assert_non_null(copy);
    memcpy(copy, record, *ret_len);
    disk_codec_end(codec);
    return copy;
}

static int opened(struct disk_codec *codec, const struct store_seal *with,
                  const struct disk_identity *of, uint32_t number, const char *record, size_t len,
                  char *plain, size_t plain_len)
{
    assert_int_equal(disk_codec_begin(codec, DISK_OPENING, with, of), 0);
    int error = disk_record_open(codec, number, record, len, plain, plain_len);
    disk_codec_end(codec);
    return error;
}

static void a_piece_of_any_length_comes_back(void **state)
{
    static const size_t lengths[] = {
        0, 1, 15, 16, 17, 1500, 65535, 65536, 65537, DISK_PIECE_BYTES - 1, DISK_PIECE_BYTES};
    struct disk_codec *codec = disk_codec_new();
    (void)state;
    assert_non_null(codec);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        for (int random = 0; random < 2; random++) {
            size_t len = lengths[i], record_len;
            char *plain = malloc(len + 1), *again = calloc(1, len + 1);
            assert_non_null(plain);
            assert_non_null(again);
            if (random)
                fill_random(plain, len, 77 + i);
            else
                fill_text(plain, len);
            char *record = sealed(codec, &seal, &identity, plain, len, &record_len);
            assert_true(record_len <= len + DISK_RECORD_OVERHEAD);
            if (!random && len >= 1500)
                assert_true(record_len < len / 2);
            assert_int_equal(opened(codec, &seal, &identity, 3, record, record_len, again, len), 0);
            assert_memory_equal(plain, again, len);
            free(record);
            free(plain);
            free(again);
        }
    }
    disk_codec_free(codec);
}

/* Both forms, every byte, a flip of the lowest and of the highest bit; then every shorter length.
 */
static void a_record_with_one_bit_changed_does_not_open(void **state)
{
    struct disk_codec *codec = disk_codec_new();
    char plain[700], again[700];
    (void)state;
    assert_non_null(codec);
    for (int random = 0; random < 2; random++) {
        size_t len;
        if (random)
            fill_random(plain, sizeof(plain), 5);
        else
            fill_text(plain, sizeof(plain));
        char *record = sealed(codec, &seal, &identity, plain, sizeof(plain), &len);
        for (size_t at = 0; at < len; at++) {
            for (int bit = 0; bit < 8; bit += 7) {
                record[at] = (char)(record[at] ^ (1 << bit));
                assert_int_equal(opened(codec, &seal, &identity, 3, record, len, again, 700),
                                 -EBADMSG);
                record[at] = (char)(record[at] ^ (1 << bit));
            }
        }
        for (size_t shorter = 0; shorter < len; shorter++)
            assert_int_equal(opened(codec, &seal, &identity, 3, record, shorter, again, 700),
                             -EBADMSG);
        assert_int_equal(opened(codec, &seal, &identity, 3, record, len, again, 699), -EBADMSG);
        assert_int_equal(opened(codec, &seal, &identity, 3, record, len, again, 700), 0);
        assert_memory_equal(plain, again, sizeof(plain));
        free(record);
    }
    disk_codec_free(codec);
}

static void a_record_opens_only_as_what_it_was_sealed_as(void **state)
{
    enum { SEAL, KEY, ID, SALT, RECORDS, NUMBER, OTHERS };
    struct disk_codec *codec = disk_codec_new();
    char plain[100], again[100];
    size_t len;
    (void)state;
    assert_non_null(codec);
    fill_text(plain, sizeof(plain));
    char *record = sealed(codec, &seal, &identity, plain, sizeof(plain), &len);
    for (int other = 0; other < OTHERS; other++) {
        struct store_seal with = seal;
        struct disk_identity of = identity;
        with.bytes[31] = (uint8_t)(other == SEAL);
        of.key.bytes[31] = (uint8_t)(other == KEY);
        of.id[15] = (uint8_t)(other == ID);
        of.salt[15] = (uint8_t)(other == SALT);
        of.records = identity.records + (other == RECORDS);
        uint32_t number = other == NUMBER ? 2 : 3;
        assert_int_equal(opened(codec, &with, &of, number, record, len, again, 100), -EBADMSG);
    }
    assert_int_equal(opened(codec, &seal, &identity, 3, record, len, again, 100), 0);
    free(record);
    disk_codec_free(codec);
}

/* The plain text must not shine through, not even where it is stored uncompressed. */
static void a_record_does_not_show_what_it_holds(void **state)
{
    static const char secret[] = "zq9-MARKER-xw4";
    struct disk_codec *codec = disk_codec_new();
    char plain[sizeof(secret) - 1];
    size_t len;
    (void)state;
    assert_non_null(codec);
    memcpy(plain, secret, sizeof(plain));
    char *record = sealed(codec, &seal, &identity, plain, sizeof(plain), &len);
    assert_null(memmem(record, len, secret, 5));
    free(record);
    disk_codec_free(codec);
}

static struct disk_head sample_head(void)
{
    return (struct disk_head){
        .generation = UINT64_MAX,
        .id = {1},
        .stored_at_ms = -5, /* a clock before 1970 is wrong, not fatal */
        .expires_at_ms = INT64_MAX,
        .salt = {2},
        .front_len = DISK_BODY_MAX,
        .body_len = DISK_PIECE_BYTES + 1,
        .records = (uint32_t)(DISK_BODY_MAX / DISK_PIECE_BYTES) + 2 /* an odd byte */,
        .check = {3},
    };
}

static void a_head_comes_back_and_its_check_covers_it(void **state)
{
    struct disk_head head = sample_head(), again = {0};
    struct disk_codec *codec = disk_codec_new();
    uint8_t bytes[DISK_HEAD_BYTES_MAX];
    size_t facts_len;
    (void)state;
    assert_non_null(codec);
    disk_head_encode(&head, bytes, &facts_len);
    assert_int_equal(disk_codec_begin(codec, DISK_SEALING, &seal, &identity), 0);
    assert_int_equal(disk_check_make(codec, bytes, facts_len, head.check), 0);
    disk_codec_end(codec);
    size_t len = disk_head_encode(&head, bytes, &facts_len);
    assert_int_equal(disk_head_decode(bytes, len, &again), 0);
    uint8_t bytes_again[DISK_HEAD_BYTES_MAX];
    assert_int_equal(disk_head_encode(&again, bytes_again, NULL), len);
    assert_memory_equal(bytes, bytes_again, len);
    assert_true(again.stored_at_ms == head.stored_at_ms);
    assert_true(again.expires_at_ms == head.expires_at_ms);
    assert_true(again.front_len == head.front_len && again.body_len == head.body_len);
    for (size_t at = 0; at < len; at++) {
        bytes[at] ^= 1;
        /* Either it is no head any more, or its check says so. */
        if (disk_head_decode(bytes, len, &again) == 0) {
            uint8_t facts[DISK_HEAD_BYTES_MAX];
            disk_head_encode(&again, facts, &facts_len);
            assert_int_equal(disk_codec_begin(codec, DISK_OPENING, &seal, &identity), 0);
            assert_int_equal(disk_check_test(codec, facts, facts_len, again.check), -EBADMSG);
            disk_codec_end(codec);
        }
        bytes[at] ^= 1;
    }
    disk_codec_free(codec);
}

static void a_head_that_is_none_is_refused(void **state)
{
    struct disk_head head = sample_head(), got = {.generation = 42};
    uint8_t bytes[DISK_HEAD_BYTES_MAX];
    (void)state;
    size_t len = disk_head_encode(&head, bytes, NULL);
    for (size_t shorter = 0; shorter < len; shorter++)
        assert_int_equal(disk_head_decode(bytes, shorter, &got), -EBADMSG);
    head.records++; /* contradicts the lengths */
    len = disk_head_encode(&head, bytes, NULL);
    assert_int_equal(disk_head_decode(bytes, len, &got), -EBADMSG);
    head = sample_head();
    head.front_len = DISK_BODY_MAX + 1; /* would be allocated */
    len = disk_head_encode(&head, bytes, NULL);
    assert_int_equal(disk_head_decode(bytes, len, &got), -EBADMSG);
    head = sample_head();
    len = disk_head_encode(&head, bytes, NULL);
    bytes[len] = 0; /* something behind it */
    assert_int_equal(disk_head_decode(bytes, len + 1, &got), -EBADMSG);
    assert_int_equal((int)got.generation, 42); /* a refused output keeps its value */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_piece_of_any_length_comes_back),
        cmocka_unit_test(a_record_with_one_bit_changed_does_not_open),
        cmocka_unit_test(a_record_opens_only_as_what_it_was_sealed_as),
        cmocka_unit_test(a_record_does_not_show_what_it_holds),
        cmocka_unit_test(a_head_comes_back_and_its_check_covers_it),
        cmocka_unit_test(a_head_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
