/* store_private.h - what store.c (find and land), store_disk.c (jobs for the disk) and store_open.c
 * (opening and closing) share. Nobody else includes it.
 *
 * Lock order: flight shard, then RAM shard or pool lane or whatever the disk tier locks inside
 * disk_may_have(). Disk calls that block run on the pool with no lock held.
 */
#ifndef CACHE_STORE_PRIVATE_H
#define CACHE_STORE_PRIVATE_H

#include "cache/disk.h"
#include "cache/flight.h"
#include "cache/ram.h"
#include "cache/store.h"
#include "cache/store_pool.h"

#include <stdatomic.h>

enum {
    STORE_SECRET_BYTES = 32,
    STORE_DISK_THREADS = 2,
    /* Answers waiting for their disk write, beyond the memory tier's budget. When the disk falls
     * behind further, answers are not written: a cache may forget, a worker must not wait. */
    STORE_WRITE_BYTES_MAX = 32 * 1024 * 1024,
};

struct store {
    uint8_t secret[STORE_SECRET_BYTES];
    size_t entry_bytes_max;
    size_t slot_bytes[TAPE_SLOTS];
    struct tape_budget *budget;
    struct ram *ram;
    struct flight_map *flights;
    struct disk *disk; /* NULL: no disk tier */
    struct pool *pool; /* NULL as well then */
    int lock_fd;       /* keeps a second process out of the directory */
    atomic_size_t write_bytes;
    atomic_bool tick_queued;
    atomic_uint_fast64_t disk_errors;
};

/* Whether the disk must be asked before one can say that it has nothing under the key. */
bool store_disk_may_have(struct store *store, const struct flight_key *record,
                         const struct key *key);

/* The three below: caller holds the flight shard of the record, whose counts they keep. Jobs of a
 * key run in the order they are queued here. */

/* Starts the record's disk read. -ENOMEM. */
int store_queue_read(struct store *store, struct flight_key *record, const struct store_seal *seal,
                     int64_t now_ms);
/* Queues a write of a baked tape (a reference is taken), or, when it is not to be had, a drop of
 * what the key had. Returns whether a write was queued. */
bool store_queue_put(struct store *store, struct flight_key *record, const struct store_seal *seal,
                     struct tape *tape, const struct store_entry *entry);
/* Queues a drop, unless there is nothing to drop. -ENOMEM. */
int store_queue_delete(struct store *store, struct flight_key *record);

void store_queue_tick(struct store *store, int64_t now_ms);

#endif
