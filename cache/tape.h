/* tape.h - one recorded answer: appended by its leader, read by anyone at their own offset.
 *
 * Clients are only ever written from a tape. It has an opaque head (status, headers: the server's
 * business), body bytes as the leader's client gets them, and beside the bytes a list of edits:
 * what a replay (a hit or a follower) shows instead. One reader code serves all three: the leader
 * reads with TAPE_ORIGINAL, everybody else with TAPE_REPLAY and a stamp of its own.
 *
 *     GROWING --tape_end(WHOLE)--> WHOLE      immutable from here on; readers take no lock
 *        |------tape_end(FAILED)-> FAILED     what was recorded so far stays readable
 *
 * Memory: all tapes draw on one tape_budget. A tape over its own maximum, or when the budget is
 * spent, becomes a sliding window: bytes that every reader has passed are dropped, it is never
 * stored and takes no new readers, and a reader that falls behind further than the window
 * (TAPE_WINDOW_BYTES, TAPE_WINDOW_BYTES_TIGHT while the budget is spent) is lost. How far is
 * measured before each append, so one append of any size reaches whole whoever had kept up. The
 * slowest reader never paces the leader. With no reader a window keeps nothing: a leader's own
 * reader is to be there before the first append.
 *
 * Threads: one writer at a time; readers on any thread, each reader on one. References are atomic.
 * Waking: a reader that reached the end says tape_watch(worker); the writer gets, from every call
 * that changes the tape, the set of workers to wake, once per worker however many readers it has.
 */
#ifndef CACHE_TAPE_H
#define CACHE_TAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TAPE_WORKERS_MAX = 64,           /* bits of the wake set */
    TAPE_WINDOW_BYTES = 1024 * 1024, /* and as much as the tape's own maximum besides */
    TAPE_WINDOW_BYTES_TIGHT = 64 * 1024,
    TAPE_EDIT_TEXT_MAX = 8,
    TAPE_SLOTS = 2,
};

/* A bound on the bytes of all tapes; shared by all threads (atomics inside). */
struct tape_budget;
struct tape_budget *tape_budget_new(size_t bytes_max);
void tape_budget_free(struct tape_budget *budget); /* after the last of its tapes */
size_t tape_budget_used(const struct tape_budget *budget);
/* For bytes on their way to a tape (a body that is gathered first): taken only when they fit. */
bool tape_budget_take(struct tape_budget *budget, size_t bytes);
void tape_budget_give(struct tape_budget *budget, size_t bytes);

/* At body offset `at`, a replay shows the edit's text instead of `cut` original bytes. */
struct tape_edit {
    uint64_t at;
    uint32_t cut;
    uint8_t slot; /* 0: text below; 1..TAPE_SLOTS: the reader's stamp */
    uint8_t text_len;
    char text[TAPE_EDIT_TEXT_MAX];
};

/* What a replaying reader puts into slots 1..TAPE_SLOTS (new id, time of the hit). Borrowed: must
 * live as long as the reader. */
struct tape_stamp {
    struct {
        const char *bytes;
        size_t len;
    } slot[TAPE_SLOTS];
};

enum tape_state { TAPE_GROWING, TAPE_WHOLE, TAPE_FAILED };
enum tape_view { TAPE_ORIGINAL, TAPE_REPLAY };

struct tape;

/* give: one reference, the writer's. budget is shared and outlives the tape. NULL: no memory. */
struct tape *tape_new(struct tape_budget *budget, size_t bytes_max);
struct tape *tape_ref(struct tape *tape);
void tape_unref(struct tape *tape); /* accepts NULL; any thread */

/* --- writer --- */

/* Sets the head, once, before the first byte. borrow: copied. Returns workers to wake. */
uint64_t tape_begin(struct tape *tape, const void *head, size_t len);
/* Appends bytes and their edits (sorted; `at` counted from the start of these bytes,
 * non-overlapping, inside them). borrow: copied. *ret_wake: workers to wake. -ENOMEM: nothing was
 * appended. */
int tape_append(struct tape *tape, const char *bytes, size_t len, const struct tape_edit *edits,
                size_t edit_count, uint64_t *ret_wake);
/* Ends the tape; nothing follows. info: opaque bytes that tape_info() returns from now on (what the
 * ledger wants to know of the source; NULL and 0 for none). Returns workers to wake. */
uint64_t tape_end(struct tape *tape, enum tape_state state, const void *info, size_t info_len);
/* How far the reader who is nearest to the end is behind it, in bytes; UINT64_MAX: there is none.
 * Writers of windows that can pause their source pace themselves by it: by the fastest reader,
 * never by the slowest. */
uint64_t tape_lag(struct tape *tape);
/* How far a reader of a window may be behind at present. */
size_t tape_window_bytes(const struct tape *tape);
/* No reader is left and none can come: what the writer asks before it goes on paying. */
bool tape_abandoned(const struct tape *tape);

/* --- state, any thread --- */

enum tape_state tape_state(const struct tape *tape);
bool tape_is_window(const struct tape *tape); /* never stored, takes no new readers */
/* The head, once set (NULL before). borrow: lives as long as the tape. */
const void *tape_head(const struct tape *tape, size_t *ret_len);
/* Valid when WHOLE or FAILED. borrow. */
const void *tape_info(const struct tape *tape, size_t *ret_len);
/* Original body bytes recorded so far (dropped ones included). */
uint64_t tape_length(const struct tape *tape);
/* Bytes that this tape holds, its bookkeeping included: what caches charge. */
size_t tape_footprint(const struct tape *tape);

/* --- readers --- */

struct tape_reader {
    struct tape *tape; /* share: one reference */
    enum tape_view view;
    const struct tape_stamp *stamp; /* TAPE_REPLAY only */
    /* position; private to tape.c */
    uint64_t at;
    uint32_t edit, edit_done;
    uint64_t cookie;
};

enum tape_read {
    TAPE_READ_BYTES, /* *ret_len bytes were given */
    TAPE_READ_WAIT,  /* nothing new; tape_watch() was done for the worker */
    TAPE_READ_END,   /* all read; tape_state() says WHOLE or FAILED */
    TAPE_READ_LOST,  /* the window passed this reader by */
};

/* Starts at byte 0. borrow: tape (a reference is taken), stamp. -EAGAIN: it is a window, which
 * takes no readers (a follower asks store_find() again); -ENOMEM. */
int tape_reader_init(struct tape_reader *reader, struct tape *tape, enum tape_view view,
                     const struct tape_stamp *stamp);
void tape_reader_release(struct tape_reader *reader); /* accepts a zeroed one */

/* Copies up to size bytes of the view to buffer. worker: whom to wake when there is more. */
enum tape_read tape_read(struct tape_reader *reader, unsigned worker, char *buffer, size_t size,
                         size_t *ret_len);

/* Zero-copy for a tape that ended: up to *count slices of the view, in order, that live as long as
 * the reader's reference and its stamp; at most bytes_max bytes in all. *ret_len: bytes given.
 * Sets *count to the slices used. -EAGAIN: still growing, use tape_read(). */
struct tape_slice {
    const char *bytes;
    size_t len;
};
int tape_slices(struct tape_reader *reader, struct tape_slice *slices, size_t *count,
                size_t bytes_max, enum tape_read *ret_read, size_t *ret_len);

/* Bytes that a reader at this position still has to come in its view, exact. Only for WHOLE. */
uint64_t tape_remaining(const struct tape_reader *reader);

/* --- storing --- */

/* A new WHOLE tape that replays like this one but is quick to read: one block of bytes with all
 * literal edits applied, every slot edit kept and its original replaced by slot_bytes[slot] filler
 * bytes, so that stamps of exactly those lengths are copied over in place. Same head; info
 * replaced. The new tape is not charged to a tape_budget (whoever stores it charges it).
 * give; NULL: not WHOLE, a window, or no memory. */
struct tape *tape_bake(const struct tape *tape, const size_t slot_bytes[TAPE_SLOTS],
                       const void *info, size_t info_len);

/* Flat form for the disk tier. Encoded: versioned header, head, info, edits, then body bytes. The
 * part before the body is `front`. borrow: until the tape is freed. Only for baked tapes. */
int tape_export(const struct tape *tape, void **ret_front, size_t *ret_front_len,
                const char **ret_body, size_t *ret_body_len); /* give: *ret_front, free() it */
/* Rebuilds a baked tape. take: body (malloc'd), also on error. -EBADMSG. give: *ret_tape. */
int tape_import(const void *front, size_t front_len, char *body, size_t body_len,
                struct tape **ret_tape);

#endif
