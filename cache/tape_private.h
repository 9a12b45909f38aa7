/* tape_private.h - what tape.c (writer, life), tape_read.c (readers) and tape_bake.c (storing)
 * share. Nobody else includes it.
 *
 * Body bytes lie in an array of blocks, each with the body offset it starts at; edits in an array
 * beside it, both in body order. Only the writer changes them, and what a reader may look at only
 * under the tape's mutex. Two consequences carry the whole design:
 *   - the writer copies new bytes into room behind the published lengths without the mutex, and
 *     takes it for publishing alone;
 *   - once the state says ended (stored with release, under the mutex), nothing changes any more,
 *     and whoever loads it with acquire reads without the mutex.
 */
#ifndef CACHE_TAPE_PRIVATE_H
#define CACHE_TAPE_PRIVATE_H

#include "cache/tape.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    TAPE_BLOCK_MIN = 1024,
    TAPE_BLOCK_MAX = 64 * 1024,
    TAPE_BLOCK_WINDOW = 8 * 1024, /* windows drop whole blocks, so theirs are small */
};

struct tape_block {
    uint64_t start; /* body offset of its first byte */
    size_t len;     /* bytes published */
    size_t size;    /* bytes allocated */
    char *bytes;
};

struct tape_blob {
    size_t len;
    char bytes[];
};

#define TAPE_SEAT_FREE UINT64_MAX

struct tape {
    atomic_uint refs;
    atomic_int state; /* enum tape_state */
    atomic_bool window;
    bool baked; /* blocks, edits, head and info lie in the tape's own allocation */
    _Atomic(const struct tape_blob *) head;
    const struct tape_blob *info; /* written before the state says ended */
    atomic_uint_fast64_t length;
    uint64_t dropped; /* body offset of the first byte still held */
    struct tape_block *blocks;
    size_t block_count, block_capacity;
    struct tape_edit *edits;
    size_t edit_count, edit_capacity;
    size_t edit_base;   /* edits dropped so far: edits[0] is number edit_base */
    atomic_size_t held; /* bytes charged */

    /* Growing tapes only. */
    struct tape_budget *budget; /* NULL: nobody is charged */
    size_t bytes_max;
    atomic_uint_fast64_t watchers; /* bit per worker that waits for more */
    atomic_size_t reader_count;    /* changed under lock */
    uint64_t *seats;               /* position of each registered reader, or TAPE_SEAT_FREE */
    size_t seat_capacity;
    pthread_mutex_t lock;
};

/* What glibc takes from the heap for a request of this size. */
size_t tape_heap_bytes(size_t size);

/* Charges bytes to the tape and its budget, whether or not there is room. */
void tape_charge(struct tape *tape, size_t bytes);
void tape_uncharge(struct tape *tape, size_t bytes);

/* Index of the block that holds body offset `at`, which must be held. */
size_t tape_block_of(const struct tape *tape, uint64_t at);

#endif
