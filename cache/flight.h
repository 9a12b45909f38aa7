/* flight.h - what is under way for a key: the flights that fill it, the one that later arrivals may
 * follow, disk writes that are queued, and the one disk read that may be running.
 *
 * A record lives as long as any of these does, so it decides exactly:
 *   - which landing may store: flights of a key are numbered as they start, and one may store only
 *     while no higher number has;
 *   - whether a disk read is still true when it comes back: any store or drop of the key makes it
 *     stale;
 *   - whether the disk must be asked though its filter does not know a queued write yet.
 *
 * Threads: any. Everything about a record happens under its shard's mutex: flight_lock() first,
 * flight_unlock() last. Lock order: flight shard, then RAM shard or pool lane.
 */
#ifndef CACHE_FLIGHT_H
#define CACHE_FLIGHT_H

#include "cache/store.h"

struct flight_map;
struct flight_shard;

/* The right, and the duty, to fill one key. Owned by its leader. */
struct store_flight {
    struct flight_key *record;
    struct tape *tape; /* share */
    uint64_t number;
    bool has_seal;
    struct store_seal seal; /* wiped when the flight ends */
};

struct flight_key {
    struct key key;
    struct flight_key *chain;
    /* flights */
    struct store_flight *current; /* later arrivals may follow it; NULL: none */
    size_t open;
    uint64_t last_number, stored_number;
    /* disk writes queued or running */
    size_t writes;
    /* the disk read */
    bool reading;
    bool read_stale; /* its result is not to be used */
    struct store_waiter *waiters;
    size_t waiting;
    /* what a read brought, until each of its waiters has asked again */
    struct tape *held; /* share */
    struct store_entry held_entry;
    size_t held_retries;
    unsigned held_ticks;
};

struct flight_map *flight_map_new(void);      /* give; NULL: no memory */
void flight_map_free(struct flight_map *map); /* nothing may be under way; accepts NULL */
uint64_t flight_count(struct flight_map *map);

struct flight_shard *flight_lock(struct flight_map *map, const struct key *key);
void flight_unlock(struct flight_shard *shard);

/* The functions below: caller holds the lock of the key's shard. */

/* NULL: nothing is under way. */
struct flight_key *flight_find(struct flight_shard *shard, const struct key *key);
/* Finds or makes; NULL: no memory. A made record must be used or settled before the unlock. */
struct flight_key *flight_get(struct flight_shard *shard, const struct key *key);
/* Frees the record when nothing is under way any more. */
void flight_settle(struct flight_shard *shard, struct flight_key *record);

/* Numbers a flight and makes it the current one when `joinable`; if not, `replace` still takes the
 * place from the one before. borrow: flight. */
void flight_start(struct flight_shard *shard, struct flight_key *record,
                  struct store_flight *flight, bool joinable, bool replace);
/* The flight that an arrival may follow, or NULL: none that is good and takes readers. */
struct store_flight *flight_to_follow(const struct flight_key *record);
/* True, once, when this flight's answer is the newest there is: the caller stores it before it
 * gives up the lock. */
bool flight_may_store(struct flight_key *record, const struct store_flight *flight);
/* Later arrivals do not follow it any more. */
void flight_close(struct flight_key *record, const struct store_flight *flight);
/* The flight is over; the record may be gone afterwards. */
void flight_end(struct flight_shard *shard, struct store_flight *flight);

/* What the key held has changed: a read under way is stale, and what one brought is dropped. */
void flight_outdate_read(struct flight_shard *shard, struct flight_key *record);
/* Keeps what a read brought for its waiters. Takes a reference. */
void flight_hold(struct flight_shard *shard, struct flight_key *record, struct tape *tape,
                 const struct store_entry *entry, size_t retries);
/* One of the waiters has asked again. */
void flight_retried(struct flight_shard *shard, struct flight_key *record);

/* Locks by itself: drops what is held for waiters that never came back. Once a second. */
void flight_tick(struct flight_map *map);

#endif
