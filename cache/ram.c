/* ram.c - see ram.h.
 *
 * The tables have a fixed size, one bucket for each BUCKET_BYTES of budget: entries of a usual size
 * make chains of one, the smallest possible ones of about four, and no insertion ever stops to
 * rehash. Pages of buckets nobody has used are not resident.
 */
#include "cache/ram.h"
#include "cache/tape_private.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    SHARDS = 64,
    BUCKETS_MIN = 4,
    BUCKET_BYTES = 2048,
    HAND_STEPS = 16,           /* entries the hand passes in one shard before the next one's turn */
    TICK_BUCKETS = 64,         /* per shard and tick */
    EVICT_ROUNDS = SHARDS * 2, /* visits after which a visited entry is evicted as well */
    GIVE_UP_ROUNDS = EVICT_ROUNDS * 2,
};

struct ram_entry {
    struct key key;
    struct ram_entry *chain;
    struct ram_entry *newer, *older; /* place in the SIEVE queue */
    struct tape *tape;               /* share */
    struct store_entry times;
    bool visited;
};

struct ram_shard {
    _Alignas(64) pthread_mutex_t lock;
    struct ram_entry **buckets;
    struct ram_entry *newest, *oldest, *hand;
    size_t count;
    size_t sweep; /* the bucket ram_tick() looks at next */
};

struct ram {
    struct ram_shard shards[SHARDS];
    size_t bucket_mask;
    size_t table_bytes;
    size_t entry_bytes_max; /* for all entries together */
    atomic_size_t used;     /* by entries */
    atomic_size_t entries;
    atomic_uint turn; /* the shard that is asked next to give up an entry */
    atomic_uint_fast64_t evictions;
};

static struct ram_shard *shard_of(struct ram *ram, const struct key *key)
{
    return &ram->shards[key->bytes[0] % SHARDS];
}

static struct ram_entry **bucket_of(const struct ram *ram, const struct ram_shard *shard,
                                    const struct key *key)
{
    uint64_t hash;
    memcpy(&hash, key->bytes + 8, sizeof(hash));
    return &shard->buckets[hash & ram->bucket_mask];
}

static size_t entry_charge(const struct tape *tape)
{
    return tape_footprint(tape) + tape_heap_bytes(sizeof(struct ram_entry));
}

struct ram *ram_new(size_t bytes_max)
{
    struct ram *ram = aligned_alloc(_Alignof(struct ram), sizeof(*ram));
    if (ram == NULL)
        return NULL;
    memset(ram, 0, sizeof(*ram));
    size_t buckets = BUCKETS_MIN;
    while (buckets < bytes_max / SHARDS / BUCKET_BYTES)
        buckets *= 2;
    ram->bucket_mask = buckets - 1;
    ram->table_bytes =
        sizeof(*ram) + SHARDS * tape_heap_bytes(buckets * sizeof(struct ram_entry *));
    if (bytes_max > ram->table_bytes)
        ram->entry_bytes_max = bytes_max - ram->table_bytes;
    for (size_t i = 0; i < SHARDS; i++)
        pthread_mutex_init(&ram->shards[i].lock, NULL);
    for (size_t i = 0; i < SHARDS; i++) {
        ram->shards[i].buckets = calloc(buckets, sizeof(struct ram_entry *));
        if (ram->shards[i].buckets == NULL) {
            ram_free(ram);
            return NULL;
        }
    }
    return ram;
}

static void entry_free(struct ram_entry *entry)
{
    if (entry == NULL)
        return;
    tape_unref(entry->tape);
    free(entry);
}

void ram_free(struct ram *ram)
{
    if (ram == NULL)
        return;
    for (size_t i = 0; i < SHARDS; i++) {
        struct ram_shard *shard = &ram->shards[i];
        while (shard->oldest != NULL) {
            struct ram_entry *entry = shard->oldest;
            shard->oldest = entry->newer;
            entry_free(entry);
        }
        free(shard->buckets);
        pthread_mutex_destroy(&shard->lock);
    }
    free(ram);
}

/* --- linking; the caller holds shard->lock --- */

static struct ram_entry *find_locked(const struct ram *ram, const struct ram_shard *shard,
                                     const struct key *key)
{
    struct ram_entry *entry = *bucket_of(ram, shard, key);
    while (entry != NULL && !key_equal(&entry->key, key))
        entry = entry->chain;
    return entry;
}

static void link_locked(struct ram *ram, struct ram_shard *shard, struct ram_entry *entry)
{
    struct ram_entry **bucket = bucket_of(ram, shard, &entry->key);
    entry->chain = *bucket;
    *bucket = entry;
    entry->older = shard->newest;
    entry->newer = NULL;
    if (shard->newest != NULL)
        shard->newest->newer = entry;
    else
        shard->oldest = entry;
    shard->newest = entry;
    shard->count++;
    atomic_fetch_add_explicit(&ram->entries, 1, memory_order_relaxed);
}

/* give: the entry goes back to the caller, who frees it without the lock. Its bytes are given back
 * to the budget here. */
static struct ram_entry *unlink_locked(struct ram *ram, struct ram_shard *shard,
                                       struct ram_entry *entry)
{
    struct ram_entry **at = bucket_of(ram, shard, &entry->key);
    while (*at != entry)
        at = &(*at)->chain;
    *at = entry->chain;
    if (shard->hand == entry)
        shard->hand = entry->newer;
    if (entry->newer != NULL)
        entry->newer->older = entry->older;
    else
        shard->newest = entry->older;
    if (entry->older != NULL)
        entry->older->newer = entry->newer;
    else
        shard->oldest = entry->newer;
    assert(shard->count > 0);
    shard->count--;
    atomic_fetch_sub_explicit(&ram->entries, 1, memory_order_relaxed);
    size_t charge = entry_charge(entry->tape);
    size_t used = atomic_fetch_sub_explicit(&ram->used, charge, memory_order_relaxed);
    assert(used >= charge);
    return entry;
}

/* Moves the hand a few steps. give: the entry it evicts, or NULL when all it passed were in use.
 * Shards with fewer entries than the others are spared: eviction goes round, insertion is random,
 * and without this the counts would drift apart until some shards keep nothing. force: takes what
 * the hand is at. */
static struct ram_entry *evict_locked(struct ram *ram, struct ram_shard *shard, bool force)
{
    size_t entries = atomic_load_explicit(&ram->entries, memory_order_relaxed);
    if (!force && shard->count < entries / SHARDS)
        return NULL;
    for (size_t i = 0; i < HAND_STEPS && i < shard->count; i++) {
        struct ram_entry *entry = shard->hand != NULL ? shard->hand : shard->oldest;
        shard->hand = entry->newer;
        if (force || !entry->visited)
            return unlink_locked(ram, shard, entry);
        entry->visited = false;
    }
    return NULL;
}

/* --- budget --- */

static bool take_room(struct ram *ram, size_t bytes)
{
    size_t used = atomic_load_explicit(&ram->used, memory_order_relaxed);
    do {
        if (bytes > ram->entry_bytes_max - used)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&ram->used, &used, used + bytes,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

/* Takes bytes off the budget, evicting for as long as they do not fit: from the entry's own shard
 * first, then from one after the other. Entries in use survive some rounds; then the hand takes
 * anything, so this ends whatever other threads do. */
static bool make_room(struct ram *ram, struct ram_shard *shard, size_t bytes)
{
    if (bytes > ram->entry_bytes_max / 2)
        return false; /* one answer is not worth all the others */
    size_t fruitless = 0;
    while (!take_room(ram, bytes)) {
        pthread_mutex_lock(&shard->lock);
        struct ram_entry *gone = evict_locked(ram, shard, fruitless > EVICT_ROUNDS);
        pthread_mutex_unlock(&shard->lock);
        if (gone != NULL) {
            atomic_fetch_add_explicit(&ram->evictions, 1, memory_order_relaxed);
            entry_free(gone);
            fruitless = 0;
        } else if (++fruitless > GIVE_UP_ROUNDS) {
            return false; /* all that is charged belongs to puts under way elsewhere */
        }
        unsigned turn = atomic_fetch_add_explicit(&ram->turn, 1, memory_order_relaxed);
        shard = &ram->shards[turn % SHARDS];
    }
    return true;
}

/* --- the door --- */

bool ram_get(struct ram *ram, const struct key *key, int64_t now_ms, struct tape **ret_tape,
             struct store_entry *ret_entry)
{
    struct ram_shard *shard = shard_of(ram, key);
    struct ram_entry *expired = NULL;
    bool served = false;
    pthread_mutex_lock(&shard->lock);
    struct ram_entry *entry = find_locked(ram, shard, key);
    if (entry != NULL && now_ms >= entry->times.expires_at_ms) {
        expired = unlink_locked(ram, shard, entry);
    } else if (entry != NULL && now_ms >= entry->times.stored_at_ms) {
        if (!entry->visited)
            entry->visited = true;
        *ret_tape = tape_ref(entry->tape);
        *ret_entry = entry->times;
        served = true;
    }
    pthread_mutex_unlock(&shard->lock);
    entry_free(expired);
    return served;
}

bool ram_put(struct ram *ram, const struct key *key, struct tape *tape,
             const struct store_entry *entry)
{
    struct ram_shard *shard = shard_of(ram, key);
    struct ram_entry *added = malloc(sizeof(*added));
    if (added == NULL || !make_room(ram, shard, entry_charge(tape))) {
        free(added);
        ram_delete(ram, key);
        return false;
    }
    *added = (struct ram_entry){.key = *key, .tape = tape_ref(tape), .times = *entry};
    pthread_mutex_lock(&shard->lock);
    struct ram_entry *replaced = find_locked(ram, shard, key);
    if (replaced != NULL)
        unlink_locked(ram, shard, replaced);
    link_locked(ram, shard, added);
    pthread_mutex_unlock(&shard->lock);
    entry_free(replaced);
    return true;
}

void ram_delete(struct ram *ram, const struct key *key)
{
    struct ram_shard *shard = shard_of(ram, key);
    pthread_mutex_lock(&shard->lock);
    struct ram_entry *entry = find_locked(ram, shard, key);
    if (entry != NULL)
        unlink_locked(ram, shard, entry);
    pthread_mutex_unlock(&shard->lock);
    entry_free(entry);
}

/* give: a list of expired entries, linked through `chain`. */
static struct ram_entry *sweep_locked(struct ram *ram, struct ram_shard *shard, int64_t now_ms)
{
    struct ram_entry *list = NULL;
    for (size_t i = 0; i < TICK_BUCKETS && i <= ram->bucket_mask; i++) {
        struct ram_entry *entry = shard->buckets[shard->sweep++ & ram->bucket_mask];
        while (entry != NULL) {
            struct ram_entry *next = entry->chain;
            if (now_ms >= entry->times.expires_at_ms) {
                unlink_locked(ram, shard, entry);
                entry->chain = list;
                list = entry;
            }
            entry = next;
        }
    }
    return list;
}

void ram_tick(struct ram *ram, int64_t now_ms)
{
    for (size_t i = 0; i < SHARDS; i++) {
        struct ram_shard *shard = &ram->shards[i];
        pthread_mutex_lock(&shard->lock);
        struct ram_entry *expired = shard->count > 0 ? sweep_locked(ram, shard, now_ms) : NULL;
        pthread_mutex_unlock(&shard->lock);
        while (expired != NULL) {
            struct ram_entry *next = expired->chain;
            entry_free(expired);
            expired = next;
        }
    }
}

void ram_stats(struct ram *ram, struct ram_stats *ret_stats)
{
    *ret_stats = (struct ram_stats){
        .bytes = ram->table_bytes + atomic_load_explicit(&ram->used, memory_order_relaxed),
        .entries = atomic_load_explicit(&ram->entries, memory_order_relaxed),
        .evictions = atomic_load_explicit(&ram->evictions, memory_order_relaxed),
    };
}
