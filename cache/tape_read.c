/* tape_read.c - readers of a tape: positions, the two views, copies and slices.
 *
 * Both views are one loop over pieces: next_piece() gives the next stretch of memory that the view
 * shows, either original bytes up to the next edit and to the end of their block, or what is left
 * of an edit's text. Copying and slicing differ only in what they do with a piece.
 *
 * A reader in the middle of an edit's text stands at the edit's offset, with edit_done bytes of the
 * text given; it steps over the cut bytes when the text is finished.
 */
#include "cache/tape_private.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Gives a seat to a reader of a growing tape, so that a window knows how far it is. Caller holds
 * tape->lock. */
static int take_seat_locked(struct tape *tape, uint64_t *ret_cookie)
{
    size_t seat = 0;
    while (seat < tape->seat_capacity && tape->seats[seat] != TAPE_SEAT_FREE)
        seat++;
    if (seat == tape->seat_capacity) {
        size_t capacity = seat == 0 ? 2 : seat * 2;
        uint64_t *seats = realloc(tape->seats, capacity * sizeof(*seats));
        if (seats == NULL)
            return -ENOMEM;
        size_t before = seat == 0 ? 0 : tape_heap_bytes(seat * sizeof(*seats));
        tape_charge(tape, tape_heap_bytes(capacity * sizeof(*seats)) - before);
        for (size_t i = seat; i < capacity; i++)
            seats[i] = TAPE_SEAT_FREE;
        tape->seats = seats;
        tape->seat_capacity = capacity;
    }
    tape->seats[seat] = 0;
    atomic_fetch_add_explicit(&tape->reader_count, 1, memory_order_relaxed);
    *ret_cookie = seat + 1;
    return 0;
}

int tape_reader_init(struct tape_reader *reader, struct tape *tape, enum tape_view view,
                     const struct tape_stamp *stamp)
{
    uint64_t cookie = 0;
    assert(view == TAPE_ORIGINAL || stamp != NULL);
    if (tape_state(tape) == TAPE_GROWING) {
        int err = 0;
        pthread_mutex_lock(&tape->lock);
        if (!tape_is_window(tape) && tape_state(tape) == TAPE_GROWING)
            err = take_seat_locked(tape, &cookie);
        pthread_mutex_unlock(&tape->lock);
        if (err != 0)
            return err;
    }
    if (cookie == 0 && tape_is_window(tape))
        return -EAGAIN;
    *reader = (struct tape_reader){
        .tape = tape_ref(tape), .view = view, .stamp = stamp, .cookie = cookie};
    return 0;
}

void tape_reader_release(struct tape_reader *reader)
{
    struct tape *tape = reader->tape;
    if (tape == NULL)
        return;
    /* Seats matter to a tape that grows; what is left in them when it ended goes with the tape. */
    if (reader->cookie != 0 && tape_state(tape) == TAPE_GROWING) {
        pthread_mutex_lock(&tape->lock);
        assert(tape->seats[reader->cookie - 1] != TAPE_SEAT_FREE);
        tape->seats[reader->cookie - 1] = TAPE_SEAT_FREE;
        size_t count = atomic_fetch_sub_explicit(&tape->reader_count, 1, memory_order_release);
        assert(count > 0);
        pthread_mutex_unlock(&tape->lock);
    }
    *reader = (struct tape_reader){0};
    tape_unref(tape);
}

static void edit_text(const struct tape_reader *reader, const struct tape_edit *edit,
                      const char **ret_text, size_t *ret_len)
{
    if (edit->slot == 0) {
        *ret_text = edit->text;
        *ret_len = edit->text_len;
    } else {
        *ret_text = reader->stamp->slot[edit->slot - 1].bytes;
        *ret_len = reader->stamp->slot[edit->slot - 1].len;
    }
}

/* The edit this reader comes to next, or NULL. The reader is not lost. */
static const struct tape_edit *edit_ahead(const struct tape_reader *reader)
{
    const struct tape *tape = reader->tape;
    if (reader->view != TAPE_REPLAY)
        return NULL;
    assert(reader->edit >= tape->edit_base);
    size_t index = reader->edit - tape->edit_base;
    return index < tape->edit_count ? &tape->edits[index] : NULL;
}

/* The next stretch of the view, at most max > 0 bytes; moves the reader behind it. 0: nothing yet,
 * or nothing more. Caller holds tape->lock, or the tape has ended. */
static size_t next_piece(struct tape_reader *reader, size_t max, const char **ret_bytes)
{
    const struct tape *tape = reader->tape;
    const struct tape_edit *edit;
    uint64_t stop = tape_length(tape);
    while ((edit = edit_ahead(reader)) != NULL) {
        assert(edit->at >= reader->at);
        if (edit->at > reader->at) {
            stop = edit->at;
            break;
        }
        const char *text;
        size_t len;
        edit_text(reader, edit, &text, &len);
        size_t left = len - reader->edit_done;
        size_t given = left < max ? left : max;
        *ret_bytes = text + reader->edit_done;
        reader->edit_done += (uint32_t)given;
        if (given == left) {
            reader->at += edit->cut;
            reader->edit++;
            reader->edit_done = 0;
        }
        if (given > 0)
            return given;
    }
    if (reader->at == stop)
        return 0;
    const struct tape_block *block = &tape->blocks[tape_block_of(tape, reader->at)];
    size_t inside = (size_t)(reader->at - block->start);
    assert(inside < block->len);
    uint64_t left = stop - reader->at;
    size_t given = block->len - inside;
    given = left < given ? (size_t)left : given;
    given = max < given ? max : given;
    *ret_bytes = block->bytes + inside;
    reader->at += given;
    return given;
}

static size_t copy_view(struct tape_reader *reader, char *buffer, size_t size)
{
    size_t done = 0;
    while (done < size) {
        const char *bytes;
        size_t len = next_piece(reader, size - done, &bytes);
        if (len == 0)
            break;
        memcpy(buffer + done, bytes, len);
        done += len;
    }
    return done;
}

/* Reads from a tape that is still growing, and leaves the watch bit when there is nothing. */
static enum tape_read read_locked(struct tape_reader *reader, unsigned worker, char *buffer,
                                  size_t size, size_t *ret_len)
{
    struct tape *tape = reader->tape;
    if (reader->at < tape->dropped)
        return TAPE_READ_LOST;
    size_t done = copy_view(reader, buffer, size);
    tape->seats[reader->cookie - 1] = reader->at;
    if (done > 0) {
        *ret_len = done;
        return TAPE_READ_BYTES;
    }
    uint64_t bit = UINT64_C(1) << worker;
    atomic_fetch_or_explicit(&tape->watchers, bit, memory_order_relaxed);
    return TAPE_READ_WAIT;
}

enum tape_read tape_read(struct tape_reader *reader, unsigned worker, char *buffer, size_t size,
                         size_t *ret_len)
{
    struct tape *tape = reader->tape;
    assert(size > 0);
    assert(worker < TAPE_WORKERS_MAX);
    if (tape_state(tape) == TAPE_GROWING) {
        pthread_mutex_lock(&tape->lock);
        bool growing = tape_state(tape) == TAPE_GROWING;
        enum tape_read result = TAPE_READ_END;
        if (growing)
            result = read_locked(reader, worker, buffer, size, ret_len);
        pthread_mutex_unlock(&tape->lock);
        if (growing)
            return result;
    }
    if (reader->at < tape->dropped)
        return TAPE_READ_LOST;
    size_t done = copy_view(reader, buffer, size);
    if (done == 0)
        return TAPE_READ_END;
    *ret_len = done;
    return TAPE_READ_BYTES;
}

int tape_slices(struct tape_reader *reader, struct tape_slice *slices, size_t *count,
                size_t bytes_max, enum tape_read *ret_read, size_t *ret_len)
{
    struct tape *tape = reader->tape;
    size_t used = 0, done = 0;
    assert(*count > 0);
    assert(bytes_max > 0);
    if (tape_state(tape) == TAPE_GROWING)
        return -EAGAIN;
    bool lost = reader->at < tape->dropped;
    while (!lost && used < *count && done < bytes_max) {
        size_t len = next_piece(reader, bytes_max - done, &slices[used].bytes);
        if (len == 0)
            break;
        slices[used++].len = len;
        done += len;
    }
    *count = used;
    *ret_len = done;
    *ret_read = lost ? TAPE_READ_LOST : used > 0 ? TAPE_READ_BYTES : TAPE_READ_END;
    return 0;
}

uint64_t tape_remaining(const struct tape_reader *reader)
{
    const struct tape *tape = reader->tape;
    assert(tape_state(tape) == TAPE_WHOLE);
    uint64_t remaining = tape_length(tape) - reader->at;
    if (reader->view != TAPE_REPLAY)
        return remaining;
    /* All texts are added before the cuts are taken off: the sum never goes below zero. */
    uint64_t cut = 0;
    assert(reader->edit >= tape->edit_base);
    for (size_t i = reader->edit - tape->edit_base; i < tape->edit_count; i++) {
        const char *text;
        size_t len;
        edit_text(reader, &tape->edits[i], &text, &len);
        remaining += len;
        cut += tape->edits[i].cut;
    }
    return remaining - cut - reader->edit_done;
}
