/* tape_sample.h - random but repeatable tapes for tests, and what a replay of them must show,
 * computed the slow way from the whole original.
 */
#ifndef TESTS_CACHE_TAPE_SAMPLE_H
#define TESTS_CACHE_TAPE_SAMPLE_H

#include "cache/tape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SAMPLE_APPENDS_MAX = 256, SAMPLE_EDITS_MAX = 4096 };

struct sample {
    char *original;
    size_t len;
    struct tape_edit edits[SAMPLE_EDITS_MAX]; /* offsets from the start of the body */
    size_t edit_count;
    size_t append_end[SAMPLE_APPENDS_MAX];   /* body offset behind each append */
    size_t append_edits[SAMPLE_APPENDS_MAX]; /* edits up to and with this append */
    size_t append_count;
};

static inline uint64_t sample_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static inline struct tape_edit sample_edit(uint64_t *seed, size_t at, size_t room)
{
    struct tape_edit edit = {.at = at};
    size_t cut_max = sample_random(seed) % 40 == 0 ? room : room < 12 ? room : 12;
    edit.cut = (uint32_t)(sample_random(seed) % (cut_max + 1));
    edit.slot = (uint8_t)(sample_random(seed) % (TAPE_SLOTS + 1));
    edit.text_len = edit.slot == 0 ? (uint8_t)(sample_random(seed) % (TAPE_EDIT_TEXT_MAX + 1)) : 0;
    for (size_t i = 0; i < edit.text_len; i++)
        edit.text[i] = (char)('A' + sample_random(seed) % 26);
    return edit;
}

/* Appends of 0 to append_max bytes with edits in about every twentieth byte. give. */
static inline struct sample *sample_new(uint64_t seed, size_t appends, size_t append_max)
{
    struct sample *sample = calloc(1, sizeof(*sample));
    assert_non_null(sample);
    assert_true(appends <= SAMPLE_APPENDS_MAX);
    seed = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    sample->original = malloc(appends * append_max + 1);
    assert_non_null(sample->original);
    for (size_t i = 0; i < appends; i++) {
        size_t end = sample->len + sample_random(&seed) % (append_max + 1);
        size_t at = sample->len;
        for (size_t j = at; j < end; j++)
            sample->original[j] = (char)('a' + sample_random(&seed) % 26);
        while (sample->edit_count < SAMPLE_EDITS_MAX) {
            at += sample_random(&seed) % 40;
            if (at > end)
                break;
            struct tape_edit edit = sample_edit(&seed, at, end - at);
            sample->edits[sample->edit_count++] = edit;
            at += edit.cut;
        }
        sample->len = end;
        sample->append_end[i] = end;
        sample->append_edits[i] = sample->edit_count;
    }
    sample->append_count = appends;
    return sample;
}

static inline void sample_free(struct sample *sample)
{
    free(sample->original);
    free(sample);
}

/* Plays one append of the sample into a tape and returns whom to wake. */
static inline uint64_t sample_append(const struct sample *sample, size_t index, struct tape *tape)
{
    size_t start = index == 0 ? 0 : sample->append_end[index - 1];
    size_t first = index == 0 ? 0 : sample->append_edits[index - 1];
    size_t count = sample->append_edits[index] - first;
    struct tape_edit *edits = calloc(count + 1, sizeof(*edits));
    uint64_t wake = UINT64_MAX;
    assert_non_null(edits);
    for (size_t i = 0; i < count; i++) {
        edits[i] = sample->edits[first + i];
        edits[i].at -= start;
    }
    assert_int_equal(tape_append(tape, sample->original + start, sample->append_end[index] - start,
                                 edits, count, &wake),
                     0);
    free(edits);
    return wake;
}

/* give: a WHOLE tape of the sample. */
static inline struct tape *sample_record(const struct sample *sample, struct tape_budget *budget)
{
    struct tape *tape = tape_new(budget, SIZE_MAX);
    assert_non_null(tape);
    tape_begin(tape, "head", 4);
    for (size_t i = 0; i < sample->append_count; i++)
        sample_append(sample, i, tape);
    tape_end(tape, TAPE_WHOLE, "info", 4);
    return tape;
}

/* give: what a replay with this stamp shows. */
static inline char *sample_render(const struct sample *sample, const struct tape_stamp *stamp,
                                  size_t *ret_len)
{
    size_t stamp_len = 0;
    for (size_t i = 0; i < TAPE_SLOTS; i++)
        stamp_len += stamp->slot[i].len;
    char *out = malloc(sample->len + sample->edit_count * (TAPE_EDIT_TEXT_MAX + stamp_len) + 1);
    size_t len = 0, at = 0;
    assert_non_null(out);
    for (size_t i = 0; i < sample->edit_count; i++) {
        const struct tape_edit *edit = &sample->edits[i];
        memcpy(out + len, sample->original + at, edit->at - at);
        len += edit->at - at;
        const char *text = edit->slot == 0 ? edit->text : stamp->slot[edit->slot - 1].bytes;
        size_t text_len = edit->slot == 0 ? edit->text_len : stamp->slot[edit->slot - 1].len;
        memcpy(out + len, text, text_len);
        len += text_len;
        at = edit->at + edit->cut;
    }
    memcpy(out + len, sample->original + at, sample->len - at);
    *ret_len = len + sample->len - at;
    return out;
}

/* Reads what is there into out (with room for room bytes), buffer_size at a time. */
static inline enum tape_read sample_read(struct tape_reader *reader, size_t buffer_size, char *out,
                                         size_t room, size_t *len)
{
    char *buffer = malloc(buffer_size); /* of its own, so that a sanitizer sees an overrun */
    enum tape_read result;
    size_t got = 0;
    assert_non_null(buffer);
    while ((result = tape_read(reader, 0, buffer, buffer_size, &got)) == TAPE_READ_BYTES) {
        assert_true(got > 0);
        assert_true(got <= buffer_size);
        assert_true(*len + got <= room);
        memcpy(out + *len, buffer, got);
        *len += got;
    }
    free(buffer);
    return result;
}

#endif
