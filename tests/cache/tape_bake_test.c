#include "tests/cache/tape_sample.h"

#include <errno.h>

static const size_t slot_bytes[TAPE_SLOTS] = {35, 10};
static const struct tape_stamp stamp = {
    .slot = {{"gen-1763679111-abcdefghij0123456789", 35}, {"1763679111", 10}}};

struct flat {
    uint8_t *front;
    size_t front_len;
    char *body;
    size_t body_len;
};

static struct flat flat_of(const struct tape *baked)
{
    struct flat flat;
    void *front;
    const char *body;
    assert_int_equal(tape_export(baked, &front, &flat.front_len, &body, &flat.body_len), 0);
    flat.front = front;
    flat.body = malloc(flat.body_len + 1);
    assert_non_null(flat.body);
    memcpy(flat.body, body, flat.body_len);
    return flat;
}

static void flat_release(struct flat *flat)
{
    free(flat->front);
    free(flat->body);
}

/* Imports copies of exactly these sizes, so that a sanitizer sees every step outside. */
static int import_copy(const uint8_t *front, size_t front_len, const char *body, size_t body_len,
                       struct tape **ret_tape)
{
    uint8_t *front_copy = malloc(front_len > 0 ? front_len : 1);
    char *body_copy = malloc(body_len > 0 ? body_len : 1);
    assert_non_null(front_copy);
    assert_non_null(body_copy);
    memcpy(front_copy, front, front_len);
    memcpy(body_copy, body, body_len);
    int err = tape_import(front_copy, front_len, body_copy, body_len, ret_tape);
    free(front_copy);
    return err;
}

static void assert_replays_as(struct tape *tape, const struct tape_stamp *with,
                              const char *expected, size_t expected_len)
{
    struct tape_reader reader;
    size_t len = 0;
    char *out = malloc(expected_len + 1);
    assert_non_null(out);
    assert_int_equal(tape_reader_init(&reader, tape, TAPE_REPLAY, with), 0);
    assert_int_equal(tape_remaining(&reader), expected_len);
    assert_int_equal(sample_read(&reader, 777, out, expected_len, &len), TAPE_READ_END);
    assert_int_equal(len, expected_len);
    assert_memory_equal(out, expected, expected_len);
    tape_reader_release(&reader);
    free(out);
}

/* A baked tape keeps what a replay needs and nothing else, and takes stamps of any length. */
static void baking_keeps_the_replay_for_any_stamp(void **state)
{
    static const struct tape_stamp odd = {.slot = {{"x", 1}, {"", 0}}};
    (void)state;
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct sample *sample = sample_new(seed, 1 + seed % 30, 400);
        struct tape *tape = sample_record(sample, NULL);
        struct tape *baked = tape_bake(tape, slot_bytes, "ledger", 6);
        struct tape *again = tape_bake(baked, slot_bytes, "ledger", 6);
        size_t len, odd_len;
        char *expected = sample_render(sample, &stamp, &len);
        char *odd_expected = sample_render(sample, &odd, &odd_len);
        assert_int_equal(tape_length(baked), len); /* stamps are copied over in place */
        assert_replays_as(baked, &stamp, expected, len);
        assert_replays_as(baked, &odd, odd_expected, odd_len);
        assert_replays_as(again, &stamp, expected, len);
        free(expected);
        free(odd_expected);
        tape_unref(again);
        tape_unref(baked);
        tape_unref(tape);
        sample_free(sample);
    }
}

static void a_baked_tape_has_the_head_its_own_info_and_no_budget(void **state)
{
    struct tape_budget *budget = tape_budget_new(1 << 20);
    struct tape *tape = tape_new(budget, 1000);
    size_t len = 0;
    uint64_t wake;
    (void)state;
    tape_begin(tape, "status and headers", 18);
    assert_int_equal(tape_append(tape, "body", 4, NULL, 0, &wake), 0);
    assert_null(tape_bake(tape, slot_bytes, NULL, 0)); /* still growing */
    tape_end(tape, TAPE_WHOLE, "old", 3);
    struct tape *baked = tape_bake(tape, slot_bytes, "new", 3);
    struct tape *plain = tape_bake(tape, slot_bytes, NULL, 0);
    tape_unref(tape);
    assert_int_equal(tape_budget_used(budget), 0);
    assert_memory_equal(tape_head(baked, &len), "status and headers", 18);
    assert_int_equal(len, 18);
    assert_memory_equal(tape_info(baked, &len), "new", 3);
    assert_int_equal(len, 3);
    assert_null(tape_info(plain, &len));
    assert_int_equal(len, 0);
    assert_in_range(tape_footprint(baked), 4 + 18 + 3, 600);
    assert_false(tape_is_window(baked));
    assert_int_equal(tape_state(baked), TAPE_WHOLE);
    tape_unref(baked);
    tape_unref(plain);
    tape_budget_free(budget);
}

static void what_is_exported_comes_back(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct sample *sample = sample_new(seed, seed % 30, 400); /* empty bodies too */
        struct tape *tape = sample_record(sample, NULL);
        struct tape *baked = tape_bake(tape, slot_bytes, "info", seed % 5);
        struct tape *back = NULL;
        struct flat flat = flat_of(baked);
        size_t len;
        char *expected = sample_render(sample, &stamp, &len);
        assert_int_equal(import_copy(flat.front, flat.front_len, flat.body, flat.body_len, &back),
                         0);
        assert_replays_as(back, &stamp, expected, len);
        assert_int_equal(tape_footprint(back), tape_footprint(baked));
        struct flat again = flat_of(back);
        assert_int_equal(again.front_len, flat.front_len);
        assert_memory_equal(again.front, flat.front, flat.front_len);
        assert_int_equal(again.body_len, flat.body_len);
        assert_memory_equal(again.body, flat.body, flat.body_len);
        flat_release(&again);
        flat_release(&flat);
        free(expected);
        tape_unref(back);
        tape_unref(baked);
        tape_unref(tape);
        sample_free(sample);
    }
}

/* The law for bytes from a disk: refused, or another tape whose export is these very bytes. */
static void assert_refused_or_faithful(const uint8_t *front, size_t front_len, const char *body,
                                       size_t body_len)
{
    struct tape *tape = NULL;
    int err = import_copy(front, front_len, body, body_len, &tape);
    if (err != 0) {
        assert_int_equal(err, -EBADMSG);
        assert_null(tape);
        return;
    }
    struct flat flat = flat_of(tape);
    struct tape_reader reader;
    char buffer[100];
    size_t len;
    assert_int_equal(flat.front_len, front_len);
    assert_memory_equal(flat.front, front, front_len);
    assert_int_equal(flat.body_len, body_len);
    assert_int_equal(tape_reader_init(&reader, tape, TAPE_REPLAY, &stamp), 0);
    while (tape_read(&reader, 0, buffer, sizeof(buffer), &len) == TAPE_READ_BYTES)
        continue; /* a sanitizer looks on */
    tape_reader_release(&reader);
    flat_release(&flat);
    tape_unref(tape);
}

static void hostile_bytes_are_refused_and_never_harm(void **state)
{
    static const uint8_t flips[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff};
    struct sample *sample = sample_new(3, 6, 60);
    struct tape *tape = sample_record(sample, NULL);
    struct tape *baked = tape_bake(tape, slot_bytes, "info", 4), *none = NULL;
    struct flat flat = flat_of(baked);
    (void)state;
    for (size_t i = 0; i < flat.front_len; i++) {
        assert_int_equal(import_copy(flat.front, i, flat.body, flat.body_len, &none), -EBADMSG);
        for (size_t j = 0; j < sizeof(flips); j++) {
            flat.front[i] ^= flips[j];
            assert_refused_or_faithful(flat.front, flat.front_len, flat.body, flat.body_len);
            if (i < 4) /* the version is part of it */
                assert_int_equal(
                    import_copy(flat.front, flat.front_len, flat.body, flat.body_len, &none),
                    -EBADMSG);
            flat.front[i] ^= flips[j];
        }
    }
    for (size_t i = 0; i < flat.body_len; i++)
        assert_int_equal(import_copy(flat.front, flat.front_len, flat.body, i, &none), -EBADMSG);
    assert_null(none);
    flat_release(&flat);
    tape_unref(baked);
    tape_unref(tape);
    sample_free(sample);
}

/* Edits as no writer makes them. The front: 24 bytes, no head, no info, then 13 bytes for each. */
static void edits_that_no_writer_makes_are_refused(void **state)
{
    static const struct {
        uint8_t edits[2][13]; /* at u64, cut u32, slot */
        int expected;
    } cases[] = {
        {{{0, [8] = 2, [12] = 1}, {2, [8] = 8, [12] = 2}}, 0},
        {{{0, [8] = 2, [12] = 1}, {10, [8] = 0, [12] = 2}}, 0},
        {{{0, [8] = 3, [12] = 1}, {2, [8] = 1, [12] = 2}}, -EBADMSG}, /* overlap */
        {{{5, [8] = 1, [12] = 1}, {2, [8] = 1, [12] = 2}}, -EBADMSG}, /* order */
        {{{0, [8] = 2, [12] = 0}, {2, [8] = 1, [12] = 2}}, -EBADMSG}, /* a literal */
        {{{0, [8] = 2, [12] = 3}, {2, [8] = 1, [12] = 2}}, -EBADMSG}, /* no such slot */
        {{{0, [8] = 2, [12] = 1}, {2, [8] = 9, [12] = 2}}, -EBADMSG}, /* past the end */
        {{{0, [8] = 2, [12] = 1}, {11, [8] = 0, [12] = 2}}, -EBADMSG},
        {{{0, [8] = 2, [12] = 1}, {255, 255, 255, 255, 255, 255, 255, 255, 1, [12] = 2}}, -EBADMSG},
        {{{0, [8] = 0xff, 0xff, 0xff, 0xff, [12] = 1}, {2, [12] = 2}}, -EBADMSG},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        uint8_t front[24 + 26] = {'T', 'G', 'T', 1, [12] = 2, [16] = 10};
        struct tape *tape = NULL;
        memcpy(front + 24, cases[i].edits, 26);
        assert_int_equal(import_copy(front, sizeof(front), "0123456789", 10, &tape),
                         cases[i].expected);
        assert_int_equal(tape == NULL, cases[i].expected != 0);
        tape_unref(tape);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(baking_keeps_the_replay_for_any_stamp),
        cmocka_unit_test(a_baked_tape_has_the_head_its_own_info_and_no_budget),
        cmocka_unit_test(what_is_exported_comes_back),
        cmocka_unit_test(hostile_bytes_are_refused_and_never_harm),
        cmocka_unit_test(edits_that_no_writer_makes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
