#include "tests/cache/tape_sample.h"

#include <errno.h>

static const struct tape_stamp stamp = {
    .slot = {{"gen-1763679111-abcdefghij0123456789", 35}, {"1763679111", 10}}};
static const size_t slot_bytes[TAPE_SLOTS] = {35, 10};

/* --- views --- */

static void assert_reads_as(struct tape *tape, enum tape_view view, size_t buffer_size,
                            const char *expected, size_t expected_len)
{
    struct tape_reader reader;
    size_t len = 0;
    char *out = malloc(expected_len + 1);
    assert_non_null(out);
    assert_int_equal(tape_reader_init(&reader, tape, view, &stamp), 0);
    assert_int_equal(sample_read(&reader, buffer_size, out, expected_len, &len), TAPE_READ_END);
    assert_int_equal(len, expected_len);
    assert_memory_equal(out, expected, expected_len);
    tape_reader_release(&reader);
    free(out);
}

static void views_are_exact_for_every_buffer_size(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 6; seed++) {
        struct tape_budget *budget = tape_budget_new(1 << 20);
        struct sample *sample = sample_new(seed, 40, 90 + 40 * (size_t)seed);
        struct tape *tape = sample_record(sample, budget);
        size_t len;
        char *expected = sample_render(sample, &stamp, &len);
        assert_true(sample->len > 1024); /* more than one block, or it tests nothing */
        for (size_t size = 1; size <= len + 1; size++)
            assert_reads_as(tape, TAPE_REPLAY, size, expected, len);
        for (size_t size = 1; size <= sample->len + 1; size += 7)
            assert_reads_as(tape, TAPE_ORIGINAL, size, sample->original, sample->len);
        tape_unref(tape);
        free(expected);
        sample_free(sample);
        assert_int_equal(tape_budget_used(budget), 0);
        tape_budget_free(budget);
    }
}

static void edits_work_at_the_borders(void **state)
{
    static const struct {
        const char *original;
        struct tape_edit edits[3];
        size_t edit_count;
        const char *replay;
    } cases[] = {
        {"", {{.at = 0, .text_len = 2, .text = "ab"}}, 1, "ab"},
        {"x", {{.at = 0, .cut = 1}}, 1, ""},
        {"xyz", {{.at = 0, .cut = 1, .text_len = 1, .text = "0"}}, 1, "0yz"},
        {"xyz", {{.at = 3, .text_len = 1, .text = "!"}}, 1, "xyz!"},
        {"xyz", {{.at = 0, .cut = 3, .slot = 2}}, 1, "1763679111"},
        {"xyz", {{.at = 1}, {.at = 1, .text_len = 1, .text = "a"}, {.at = 1, .cut = 1}}, 3, "xaz"},
        {"12345678", {{.at = 2, .cut = 3, .text_len = 8, .text = "abcdefgh"}}, 1, "12abcdefgh678"},
        {"xyz", {{.at = 0}}, 0, "xyz"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct tape *tape = tape_new(NULL, 100);
        uint64_t wake;
        assert_int_equal(tape_append(tape, cases[i].original, strlen(cases[i].original),
                                     cases[i].edits, cases[i].edit_count, &wake),
                         0);
        tape_end(tape, TAPE_WHOLE, NULL, 0);
        for (size_t size = 1; size < 20; size++)
            assert_reads_as(tape, TAPE_REPLAY, size, cases[i].replay, strlen(cases[i].replay));
        tape_unref(tape);
    }
}

/* The growing tape, the ended one and the baked one are one answer to whoever replays them. */
static void a_replay_is_the_same_growing_ended_and_baked(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct sample *sample = sample_new(seed, 1 + seed % 50, 3000);
        struct tape *tape = tape_new(NULL, SIZE_MAX);
        struct tape_reader reader;
        size_t expected_len, len = 0;
        char *expected = sample_render(sample, &stamp, &expected_len);
        char *out = malloc(expected_len + 1);
        assert_non_null(out);
        assert_int_equal(tape_reader_init(&reader, tape, TAPE_REPLAY, &stamp), 0);
        for (size_t i = 0; i < sample->append_count; i++) {
            sample_append(sample, i, tape);
            if (i % 3 != seed % 3)
                assert_int_equal(sample_read(&reader, 1 + seed * 13, out, expected_len, &len),
                                 TAPE_READ_WAIT);
        }
        tape_end(tape, TAPE_WHOLE, NULL, 0);
        assert_int_equal(sample_read(&reader, 100, out, expected_len, &len), TAPE_READ_END);
        assert_int_equal(len, expected_len);
        assert_memory_equal(out, expected, expected_len);
        tape_reader_release(&reader);
        assert_reads_as(tape, TAPE_REPLAY, 1000, expected, expected_len);
        struct tape *baked = tape_bake(tape, slot_bytes, NULL, 0);
        assert_non_null(baked);
        assert_reads_as(baked, TAPE_REPLAY, 1000, expected, expected_len);
        tape_unref(baked);
        tape_unref(tape);
        free(out);
        free(expected);
        sample_free(sample);
    }
}

static void assert_slices_are(struct tape *tape, size_t count_max, size_t bytes_max,
                              const char *expected, size_t expected_len)
{
    struct tape_reader reader;
    struct tape_slice slices[8];
    size_t done = 0, len = 0, count;
    enum tape_read result;
    assert_int_equal(tape_reader_init(&reader, tape, TAPE_REPLAY, &stamp), 0);
    for (;;) {
        assert_int_equal(tape_remaining(&reader), expected_len - done);
        count = count_max;
        assert_int_equal(tape_slices(&reader, slices, &count, bytes_max, &result, &len), 0);
        if (result == TAPE_READ_END)
            break;
        assert_int_equal(result, TAPE_READ_BYTES);
        assert_true(count <= count_max);
        assert_true(len <= bytes_max);
        for (size_t i = 0; i < count; i++) {
            assert_true(slices[i].len > 0);
            assert_true(done + slices[i].len <= expected_len);
            assert_memory_equal(slices[i].bytes, expected + done, slices[i].len);
            done += slices[i].len;
            len -= slices[i].len;
        }
        assert_int_equal(len, 0);
    }
    assert_int_equal(done, expected_len);
    assert_int_equal(len, 0);
    tape_reader_release(&reader);
}

static void slices_are_the_same_bytes_and_the_rest_is_known(void **state)
{
    static const size_t bytes_max[] = {1, 2, 17, 1000, SIZE_MAX};
    (void)state;
    for (uint64_t seed = 0; seed < 5; seed++) {
        struct sample *sample = sample_new(seed, 30, 200);
        struct tape *tape = sample_record(sample, NULL);
        struct tape *baked = tape_bake(tape, slot_bytes, NULL, 0);
        size_t len;
        char *expected = sample_render(sample, &stamp, &len);
        for (size_t count = 1; count <= 8; count++) {
            for (size_t i = 0; i < sizeof(bytes_max) / sizeof(*bytes_max); i++) {
                assert_slices_are(tape, count, bytes_max[i], expected, len);
                assert_slices_are(baked, count, bytes_max[i], expected, len);
            }
        }
        tape_unref(baked);
        tape_unref(tape);
        free(expected);
        sample_free(sample);
    }
}

/* --- states and waking --- */

static void a_growing_tape_gives_no_slices(void **state)
{
    struct tape *tape = tape_new(NULL, 100);
    struct tape_reader reader;
    struct tape_slice slice;
    size_t count = 1, len = 42;
    enum tape_read result;
    (void)state;
    assert_int_equal(tape_reader_init(&reader, tape, TAPE_ORIGINAL, NULL), 0);
    assert_int_equal(tape_slices(&reader, &slice, &count, 10, &result, &len), -EAGAIN);
    assert_int_equal(len, 42);
    tape_reader_release(&reader);
    tape_unref(tape);
}

static void a_failed_tape_gives_what_it_has(void **state)
{
    struct tape *tape = tape_new(NULL, 100);
    uint64_t wake;
    size_t len;
    (void)state;
    tape_begin(tape, "h", 1);
    assert_int_equal(tape_append(tape, "partial", 7, NULL, 0, &wake), 0);
    tape_end(tape, TAPE_FAILED, "why", 3);
    assert_int_equal(tape_state(tape), TAPE_FAILED);
    assert_memory_equal(tape_info(tape, &len), "why", 3);
    assert_int_equal(len, 3);
    assert_reads_as(tape, TAPE_REPLAY, 3, "partial", 7);
    assert_null(tape_bake(tape, slot_bytes, NULL, 0)); /* never stored */
    tape_unref(tape);
}

static void every_change_wakes_each_waiting_worker_once(void **state)
{
    struct tape *tape = tape_new(NULL, 100);
    struct tape_reader readers[3];
    static const unsigned workers[3] = {0, 63, 63};
    char buffer[8];
    size_t len, head_len = 9;
    uint64_t wake = 7;
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(tape_reader_init(&readers[i], tape, TAPE_ORIGINAL, NULL), 0);
        assert_int_equal(tape_read(&readers[i], workers[i], buffer, 8, &len), TAPE_READ_WAIT);
    }
    assert_null(tape_head(tape, &head_len));
    assert_int_equal(head_len, 0);
    assert_int_equal(tape_begin(tape, "head", 4), UINT64_C(1) << 63 | 1);
    assert_memory_equal(tape_head(tape, &head_len), "head", 4);
    assert_int_equal(head_len, 4);
    assert_int_equal(tape_append(tape, "a", 1, NULL, 0, &wake), 0);
    assert_int_equal(wake, 0); /* nobody said again that it waits */
    assert_int_equal(tape_read(&readers[0], 5, buffer, 8, &len), TAPE_READ_BYTES);
    assert_int_equal(tape_read(&readers[0], 5, buffer, 8, &len), TAPE_READ_WAIT);
    assert_int_equal(tape_append(tape, "b", 1, NULL, 0, &wake), 0);
    assert_int_equal(wake, UINT64_C(1) << 5);
    assert_int_equal(tape_read(&readers[0], 5, buffer, 8, &len), TAPE_READ_BYTES);
    assert_int_equal(tape_read(&readers[0], 5, buffer, 8, &len), TAPE_READ_WAIT);
    assert_int_equal(tape_end(tape, TAPE_WHOLE, NULL, 0), UINT64_C(1) << 5);
    assert_int_equal(tape_read(&readers[0], 5, buffer, 8, &len), TAPE_READ_END);
    for (size_t i = 0; i < 3; i++)
        tape_reader_release(&readers[i]);
    tape_unref(tape);
}

static void a_fetch_knows_when_nobody_can_want_it(void **state)
{
    struct tape_budget *budget = tape_budget_new(1 << 20);
    struct tape *tape = tape_new(budget, 10);
    struct tape_reader reader;
    uint64_t wake;
    (void)state;
    assert_true(tape_abandoned(tape)); /* only the writer holds it */
    struct tape *flight = tape_ref(tape);
    assert_false(tape_abandoned(tape)); /* the holder of a reference may bring a reader */
    assert_int_equal(tape_reader_init(&reader, tape, TAPE_REPLAY, &stamp), 0);
    assert_int_equal(tape_append(tape, "0123456789abc", 13, NULL, 0, &wake), 0);
    assert_true(tape_is_window(tape));
    assert_false(tape_abandoned(tape));
    tape_reader_release(&reader);
    assert_true(tape_abandoned(tape)); /* a window takes no readers, whoever holds it */
    tape_unref(flight);
    tape_unref(tape);
    assert_int_equal(tape_budget_used(budget), 0);
    tape_budget_free(budget);
}

/* --- windows and the budget --- */

static void append_filled(struct tape *tape, char fill, size_t len)
{
    char *bytes = malloc(len);
    uint64_t wake;
    assert_non_null(bytes);
    memset(bytes, fill, len);
    assert_int_equal(tape_append(tape, bytes, len, NULL, 0, &wake), 0);
    free(bytes);
}

static void a_small_live_answer_takes_little_and_a_big_one_wastes_little(void **state)
{
    struct tape_budget *budget = tape_budget_new(SIZE_MAX);
    struct tape *tape = tape_new(budget, SIZE_MAX);
    (void)state;
    for (size_t len = 100; len <= 1 << 20; len += 100) {
        append_filled(tape, 'x', 100);
        if (len == 8000)
            assert_in_range(tape_footprint(tape), 8000, 16 * 1024);
        if (len >= 100000)
            assert_in_range(tape_footprint(tape), len, len + len / 2 + 4096);
        assert_int_equal(tape_footprint(tape), tape_budget_used(budget));
    }
    tape_unref(tape);
    assert_int_equal(tape_budget_used(budget), 0);
    tape_budget_free(budget);
}

static void a_tape_over_its_maximum_is_a_window_and_stays_small(void **state)
{
    struct tape_budget *budget = tape_budget_new((size_t)64 << 20);
    struct tape *tape = tape_new(budget, 2 << 20);
    struct tape_reader fast, slow, late = {0};
    struct tape_edit edit = {.at = 9, .cut = 1, .text_len = 1, .text = "E"};
    static char buffer[70000], bytes[10000];
    size_t len, total = 0;
    uint64_t wake;
    (void)state;
    memset(bytes, 'x', sizeof(bytes));
    assert_int_equal(tape_reader_init(&fast, tape, TAPE_REPLAY, &stamp), 0);
    assert_int_equal(tape_reader_init(&slow, tape, TAPE_ORIGINAL, NULL), 0);
    for (size_t i = 0; i < 1000; i++) {
        assert_int_equal(tape_append(tape, bytes, sizeof(bytes), &edit, 1, &wake), 0);
        assert_int_equal(tape_is_window(tape), (i + 1) * sizeof(bytes) > 2 << 20);
        assert_int_equal(tape_read(&fast, 0, buffer, sizeof(buffer), &len), TAPE_READ_BYTES);
        assert_int_equal(len, sizeof(bytes));
        assert_int_equal(buffer[9], 'E');
        total += len;
        assert_int_equal(tape_lag(tape), 0); /* the fastest counts, however far the other is */
        assert_true(tape_budget_used(budget) < (2 << 20) + 2 * TAPE_WINDOW_BYTES);
    }
    assert_true(tape_footprint(tape) >= TAPE_WINDOW_BYTES); /* held for the slow reader, in vain */
    assert_int_equal(tape_read(&slow, 0, buffer, sizeof(buffer), &len), TAPE_READ_LOST);
    assert_int_equal(tape_read(&slow, 0, buffer, sizeof(buffer), &len), TAPE_READ_LOST);
    tape_reader_release(&slow);
    assert_int_equal(tape_reader_init(&late, tape, TAPE_REPLAY, &stamp), -EAGAIN);
    append_filled(tape, 'y', 10);
    assert_true(tape_footprint(tape) < 80 * 1024); /* every reader left is up to date */
    tape_end(tape, TAPE_WHOLE, NULL, 0);
    assert_null(tape_bake(tape, slot_bytes, NULL, 0)); /* never stored */
    assert_int_equal(tape_reader_init(&late, tape, TAPE_REPLAY, &stamp), -EAGAIN);
    assert_null(late.tape);
    assert_int_equal(tape_read(&fast, 0, buffer, sizeof(buffer), &len), TAPE_READ_BYTES);
    assert_int_equal(len, 10);
    assert_int_equal(tape_length(tape), total + 10);
    assert_int_equal(tape_read(&fast, 0, buffer, sizeof(buffer), &len), TAPE_READ_END);
    tape_reader_release(&fast);
    tape_unref(tape);
    assert_int_equal(tape_budget_used(budget), 0);
    tape_budget_free(budget);
}

static void a_spent_budget_makes_tight_windows(void **state)
{
    enum { TAPES = 20, CHUNK = 4096 };
    struct tape_budget *budget = tape_budget_new(1 << 20);
    struct tape *tapes[TAPES];
    struct tape_reader readers[TAPES];
    (void)state;
    for (size_t i = 0; i < TAPES; i++) {
        tapes[i] = tape_new(budget, SIZE_MAX);
        assert_int_equal(tape_reader_init(&readers[i], tapes[i], TAPE_ORIGINAL, NULL), 0);
    }
    /* Nobody reads: whatever is written, memory stays at the budget and a tight window each. */
    for (size_t round = 0; round < 500; round++) {
        for (size_t i = 0; i < TAPES; i++)
            append_filled(tapes[i], 'x', CHUNK);
        assert_true(tape_budget_used(budget) <
                    (1 << 20) + TAPES * (TAPE_WINDOW_BYTES_TIGHT + CHUNK + 3 * 8192));
    }
    for (size_t i = 0; i < TAPES; i++) {
        tape_reader_release(&readers[i]);
        append_filled(tapes[i], 'x', CHUNK);
        if (tape_is_window(tapes[i]))
            assert_true(tape_footprint(tapes[i]) < 8192); /* unread: nothing is kept */
    }
    for (size_t i = 0; i < TAPES; i++)
        tape_unref(tapes[i]);
    assert_int_equal(tape_budget_used(budget), 0);
    tape_budget_free(budget);
}

/* However large one append is, a reader that was up to date before it gets it whole. */
static void one_big_append_loses_nobody_who_kept_up(void **state)
{
    struct tape_budget *budget = tape_budget_new(1 << 20);
    struct tape *tape = tape_new(budget, SIZE_MAX);
    struct tape_reader reader;
    size_t len = 0;
    char *out = malloc(6 << 20);
    (void)state;
    assert_non_null(out);
    assert_int_equal(tape_reader_init(&reader, tape, TAPE_ORIGINAL, NULL), 0);
    append_filled(tape, 'a', 5 << 20);
    assert_true(tape_is_window(tape));
    assert_int_equal(sample_read(&reader, 65536, out, 6 << 20, &len), TAPE_READ_WAIT);
    assert_int_equal(len, 5 << 20);
    append_filled(tape, 'b', 10);
    assert_true(tape_footprint(tape) < 4096 + TAPE_WINDOW_BYTES_TIGHT + 8192);
    assert_int_equal(sample_read(&reader, 65536, out, 6 << 20, &len), TAPE_READ_WAIT);
    assert_int_equal(len, (5 << 20) + 10);
    tape_reader_release(&reader);
    tape_unref(tape);
    free(out);
    assert_int_equal(tape_budget_used(budget), 0);
    tape_budget_free(budget);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_are_exact_for_every_buffer_size),
        cmocka_unit_test(edits_work_at_the_borders),
        cmocka_unit_test(a_replay_is_the_same_growing_ended_and_baked),
        cmocka_unit_test(slices_are_the_same_bytes_and_the_rest_is_known),
        cmocka_unit_test(a_growing_tape_gives_no_slices),
        cmocka_unit_test(a_failed_tape_gives_what_it_has),
        cmocka_unit_test(every_change_wakes_each_waiting_worker_once),
        cmocka_unit_test(a_fetch_knows_when_nobody_can_want_it),
        cmocka_unit_test(a_small_live_answer_takes_little_and_a_big_one_wastes_little),
        cmocka_unit_test(a_tape_over_its_maximum_is_a_window_and_stays_small),
        cmocka_unit_test(a_spent_budget_makes_tight_windows),
        cmocka_unit_test(one_big_append_loses_nobody_who_kept_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
