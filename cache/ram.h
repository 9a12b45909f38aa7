/* ram.h - the memory tier: baked tapes by key, under one byte budget, SIEVE eviction.
 *
 * The table is cut into shards by key bytes; a shard's mutex is held for pointer work only, never
 * while freeing. The budget is one atomic counter for all shards, taken before an entry is linked:
 * the sum of entries and tables never passes bytes_max. What is evicted stays alive as long as
 * somebody reads it, on that reader's account.
 *
 * SIEVE: entries stand in a queue by age; a hit sets a bit (only when it is clear, so that a hot
 * entry's line is not written for ever) and moves nothing. A hand walks from old to new, clears
 * bits and evicts the first entry without one. Each shard has a queue and a hand. A new entry
 * evicts from its own shard first and then goes round the others, a few steps in each and sparing
 * those that have fewer entries: close to one queue, and one entry may take half of the budget.
 *
 * Threads: any. Lock order: a caller may hold a flight shard's mutex; nothing is called from here.
 */
#ifndef CACHE_RAM_H
#define CACHE_RAM_H

#include "cache/store.h"

struct ram;

/* give; NULL: no memory. bytes_max 0: nothing is ever kept. */
struct ram *ram_new(size_t bytes_max);
void ram_free(struct ram *ram); /* accepts NULL */

/* share: *ret_tape. Serves iff stored_at <= now < expires_at; drops what has expired. */
bool ram_get(struct ram *ram, const struct key *key, int64_t now_ms, struct tape **ret_tape,
             struct store_entry *ret_entry);

/* Keeps a baked tape under key (a reference is taken), in place of what was there. False: it does
 * not fit or there is no memory, and nothing is kept under the key. */
bool ram_put(struct ram *ram, const struct key *key, struct tape *tape,
             const struct store_entry *entry);

void ram_delete(struct ram *ram, const struct key *key);

/* Drops expired entries among the next few thousand; a bounded amount of work. */
void ram_tick(struct ram *ram, int64_t now_ms);

struct ram_stats {
    uint64_t bytes, entries, evictions;
};
void ram_stats(struct ram *ram, struct ram_stats *ret_stats);

#endif
