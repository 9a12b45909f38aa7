/* store.h - the door of the cache: find, record and replay one answer across both tiers, with one
 * flight per key.
 *
 * Memory (ram.c): sharded table under a byte budget, SIEVE eviction, a shard's mutex is held for
 * pointer work only. Disk (disk.c): RocksDB, read and written by a small pool of threads, never by
 * a worker. Flights (flight.c): key -> tape being filled.
 *
 * An entry is served iff stored_at <= now < expires_at. Only WHOLE tapes that their leader judged
 * good are ever stored. Time is an argument.
 *
 * Threads: any worker may call any function; none blocks on disk.
 */
#ifndef CACHE_STORE_H
#define CACHE_STORE_H

#include "cache/key.h"
#include "cache/tape.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;

struct store_options {
    const char *dir;               /* data_dir/cache; created when absent, mode 0700 */
    size_t memory_bytes;           /* 0: no memory tier */
    uint64_t disk_bytes;           /* 0: no disk tier (dir then only holds the secret) */
    size_t entry_bytes_max;        /* body bytes of one entry */
    size_t tape_bytes;             /* the budget of all growing tapes */
    size_t slot_bytes[TAPE_SLOTS]; /* lengths that stamps will have (tape_bake) */
    unsigned disk_threads;         /* 0: 2 */
};

/* Opens both tiers; creates data_dir/cache/secret (32 random bytes, mode 0600) when absent. A disk
 * tier that is corrupt or of an unknown format is removed and made anew: it is a cache; *ret_note
 * (may be NULL) then gets a static text that says so. On failure a negative errno and text in
 * error; -EBUSY: another process has this directory open. give: *ret_store. */
int store_open(const struct store_options *options, struct store **ret_store, const char **ret_note,
               char *error, size_t error_size);
/* Runs the disk work that is queued, flushes, closes. No call may be running; every flight has
 * landed and every tape of the store's budget is freed. Accepts NULL. */
void store_close(struct store *store);

/* The cache's secret: for key_hasher_new(). borrow. */
const uint8_t *store_secret(const struct store *store);
struct tape_budget *store_tape_budget(struct store *store);

/* What opens and seals an entry on disk: derived from the client's API key
 * (key_hasher_name "seal"), never stored. Wipe after use. */
struct store_seal {
    uint8_t bytes[32];
};

/* Called once, on any thread, when what made store_find() say STORE_WAIT is known: ask again. The
 * owner keeps it alive until then. */
struct store_waiter {
    void (*wake)(struct store_waiter *waiter);
    struct store_waiter *next; /* private to the store */
};

enum store_mode {
    STORE_NORMAL,
    STORE_REFRESH, /* Cache-Control: no-cache: never answers from the cache, never follows; leads a
                      flight of its own */
    STORE_CLEAR,   /* the same, and drops the entry first */
    STORE_ONLY_CACHED, /* hit or nothing */
};

struct store_query {
    const struct key *key;
    const struct store_seal *seal; /* NULL: keep out of the disk tier */
    int64_t now_ms;
    enum store_mode mode;
    bool coalesce; /* may follow, and may be followed */
    bool retry;    /* asks again after a WAIT */
};

enum store_found {
    STORE_HIT,    /* *ret_tape: a WHOLE tape; *ret_entry: its times */
    STORE_FOLLOW, /* *ret_tape: a growing one (or just ended), lead by another */
    STORE_LEAD,   /* *ret_flight: end it with store_land(), whatever happens upstream; *ret_tape:
                     write here */
    STORE_WAIT,   /* the disk is being asked; waiter->wake() runs once, then ask again with retry */
    STORE_ABSENT, /* STORE_ONLY_CACHED only */
};

struct store_entry {
    int64_t stored_at_ms;
    int64_t expires_at_ms;
};

struct store_flight; /* the right, and the duty, to fill one key */

struct store_answer {
    enum store_found found;
    struct tape *tape; /* share: one reference, drop with tape_unref(); NULL for WAIT, ABSENT */
    struct store_entry entry;    /* HIT */
    struct store_flight *flight; /* LEAD: give */
};

/* borrow: query. take: waiter, only when the answer is WAIT. -ENOMEM. */
int store_find(struct store *store, const struct store_query *query, struct store_waiter *waiter,
               struct store_answer *ret_answer);

/* Ends a flight; call after tape_end(). take: flight. keep: the tape is WHOLE and good; it is baked
 * (info attached) and stored in both tiers, unless a newer flight for the key has stored meanwhile,
 * or it is a window. entry->expires_at_ms - stored_at_ms is the TTL. Returns true when it was kept.
 * Not keeping: later arrivals lead a new flight. */
bool store_land(struct store *store, struct store_flight *flight, bool keep,
                const struct store_entry *entry, const void *info, size_t info_len);

/* Replaces the current flight's claim to new followers (a fetch that became a window calls it). */
void store_close_flight(struct store *store, struct store_flight *flight);

/* Drops the entry of one key from both tiers. */
void store_purge(struct store *store, const struct key *key);

/* Drops expired entries from memory and lets the disk tier drop what it can without reading.
 * Call about once a second from one worker. */
void store_tick(struct store *store, int64_t now_ms);

struct store_stats {
    uint64_t memory_bytes, memory_entries, disk_bytes, flights, evictions, disk_errors;
};
void store_stats(struct store *store, struct store_stats *ret_stats);

#endif
