/* flight.c - see flight.h. */
#include "cache/flight.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    SHARDS = 64,
    BUCKETS = 256, /* per shard: 16 k records with chains of one */
    HELD_TICKS_MAX = 10,
};

struct flight_shard {
    _Alignas(64) pthread_mutex_t lock;
    struct flight_key *buckets[BUCKETS];
    size_t held; /* records that hold a tape for waiters */
    size_t open; /* flights */
};

struct flight_map {
    struct flight_shard shards[SHARDS];
};

struct flight_map *flight_map_new(void)
{
    struct flight_map *map = aligned_alloc(_Alignof(struct flight_map), sizeof(*map));
    if (map == NULL)
        return NULL;
    memset(map, 0, sizeof(*map));
    for (size_t i = 0; i < SHARDS; i++)
        pthread_mutex_init(&map->shards[i].lock, NULL);
    return map;
}

static void drop_held(struct flight_shard *shard, struct flight_key *record)
{
    if (record->held == NULL)
        return;
    assert(shard->held > 0);
    shard->held--;
    tape_unref(record->held);
    record->held = NULL;
    record->held_retries = 0;
}

void flight_map_free(struct flight_map *map)
{
    if (map == NULL)
        return;
    for (size_t i = 0; i < SHARDS; i++) {
        struct flight_shard *shard = &map->shards[i];
        assert(shard->open == 0); /* every flight lands, whatever happens upstream */
        for (size_t j = 0; j < BUCKETS; j++) {
            struct flight_key *record = shard->buckets[j];
            while (record != NULL) {
                struct flight_key *next = record->chain;
                assert(!record->reading);
                assert(record->writes == 0);
                drop_held(shard, record);
                free(record);
                record = next;
            }
        }
        pthread_mutex_destroy(&shard->lock);
    }
    free(map);
}

uint64_t flight_count(struct flight_map *map)
{
    uint64_t count = 0;
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_lock(&map->shards[i].lock);
        count += map->shards[i].open;
        pthread_mutex_unlock(&map->shards[i].lock);
    }
    return count;
}

struct flight_shard *flight_lock(struct flight_map *map, const struct key *key)
{
    struct flight_shard *shard = &map->shards[key->bytes[1] % SHARDS];
    pthread_mutex_lock(&shard->lock);
    return shard;
}

void flight_unlock(struct flight_shard *shard)
{
    pthread_mutex_unlock(&shard->lock);
}

static struct flight_key **bucket_of(struct flight_shard *shard, const struct key *key)
{
    return &shard->buckets[key->bytes[2] % BUCKETS];
}

struct flight_key *flight_find(struct flight_shard *shard, const struct key *key)
{
    struct flight_key *record = *bucket_of(shard, key);
    while (record != NULL && !key_equal(&record->key, key))
        record = record->chain;
    return record;
}

struct flight_key *flight_get(struct flight_shard *shard, const struct key *key)
{
    struct flight_key *record = flight_find(shard, key);
    if (record != NULL)
        return record;
    record = calloc(1, sizeof(*record));
    if (record == NULL)
        return NULL;
    struct flight_key **bucket = bucket_of(shard, key);
    record->key = *key;
    record->chain = *bucket;
    *bucket = record;
    return record;
}

void flight_settle(struct flight_shard *shard, struct flight_key *record)
{
    if (record->open > 0 || record->writes > 0 || record->reading || record->held != NULL)
        return;
    assert(record->current == NULL);
    assert(record->waiters == NULL);
    struct flight_key **at = bucket_of(shard, &record->key);
    while (*at != record)
        at = &(*at)->chain;
    *at = record->chain;
    free(record);
}

/* --- flights --- */

void flight_start(struct flight_shard *shard, struct flight_key *record,
                  struct store_flight *flight, bool joinable, bool replace)
{
    flight->record = record;
    flight->number = ++record->last_number;
    record->open++;
    shard->open++;
    if (joinable)
        record->current = flight;
    else if (replace)
        record->current = NULL;
}

struct store_flight *flight_to_follow(const struct flight_key *record)
{
    struct store_flight *flight = record->current;
    if (flight == NULL || tape_is_window(flight->tape))
        return NULL;
    return tape_state(flight->tape) == TAPE_FAILED ? NULL : flight;
}

bool flight_may_store(struct flight_key *record, const struct store_flight *flight)
{
    assert(flight->record == record);
    assert(flight->number != record->stored_number);
    if (flight->number < record->stored_number)
        return false;
    record->stored_number = flight->number;
    return true;
}

void flight_close(struct flight_key *record, const struct store_flight *flight)
{
    assert(flight->record == record);
    if (record->current == flight)
        record->current = NULL;
}

void flight_end(struct flight_shard *shard, struct store_flight *flight)
{
    struct flight_key *record = flight->record;
    flight_close(record, flight);
    assert(record->open > 0);
    assert(shard->open > 0);
    record->open--;
    shard->open--;
    flight->record = NULL;
    flight_settle(shard, record);
}

/* --- the disk read --- */

void flight_outdate_read(struct flight_shard *shard, struct flight_key *record)
{
    if (record->reading)
        record->read_stale = true;
    drop_held(shard, record);
}

void flight_hold(struct flight_shard *shard, struct flight_key *record, struct tape *tape,
                 const struct store_entry *entry, size_t retries)
{
    drop_held(shard, record);
    if (retries == 0)
        return;
    record->held = tape_ref(tape);
    record->held_entry = *entry;
    record->held_retries = retries;
    record->held_ticks = 0;
    shard->held++;
}

void flight_retried(struct flight_shard *shard, struct flight_key *record)
{
    if (record->held == NULL)
        return;
    assert(record->held_retries > 0);
    if (--record->held_retries == 0)
        drop_held(shard, record);
}

static void tick_bucket(struct flight_shard *shard, struct flight_key *record)
{
    while (record != NULL) {
        struct flight_key *next = record->chain;
        if (record->held != NULL && ++record->held_ticks > HELD_TICKS_MAX) {
            drop_held(shard, record);
            flight_settle(shard, record);
        }
        record = next;
    }
}

void flight_tick(struct flight_map *map)
{
    for (size_t i = 0; i < SHARDS; i++) {
        struct flight_shard *shard = &map->shards[i];
        pthread_mutex_lock(&shard->lock);
        for (size_t j = 0; shard->held > 0 && j < BUCKETS; j++)
            tick_bucket(shard, shard->buckets[j]);
        pthread_mutex_unlock(&shard->lock);
    }
}
