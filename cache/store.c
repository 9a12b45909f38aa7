/* store.c - find, land and purge. Opening is in store_open.c, the disk's jobs in store_disk.c.
 *
 * A hit in memory takes one RAM shard's mutex and nothing else. Everything else is decided under
 * the key's flight shard, in one go, so that what is found, started, stored or dropped for a key
 * has one order.
 *
 * A disk read that races with a store or a drop is made stale by it (flight_outdate_read()). What a
 * read brought is held for its waiters until each has asked again: the memory tier may have no
 * room for it, or lose it before they come.
 */
#include "cache/store_private.h"

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>

const uint8_t *store_secret(const struct store *store)
{
    return store->secret;
}

struct tape_budget *store_tape_budget(struct store *store)
{
    return store->budget;
}

static void drop_locked(struct store *store, struct flight_shard *shard, struct flight_key *record)
{
    ram_delete(store->ram, &record->key);
    flight_outdate_read(shard, record);
}

/* --- find; the caller of _locked functions holds the key's flight shard --- */

static bool answers_from_cache(const struct store_query *query)
{
    return query->mode == STORE_NORMAL || query->mode == STORE_ONLY_CACHED;
}

/* What an earlier disk read holds for its waiters, or memory. */
static bool hit_locked(struct store *store, struct flight_shard *shard, struct flight_key *record,
                       const struct store_query *query, struct store_answer *ret_answer)
{
    struct store_answer answer = {.found = STORE_HIT};
    bool hit = ram_get(store->ram, query->key, query->now_ms, &answer.tape, &answer.entry);
    if (record != NULL && record->held != NULL) {
        const struct store_entry *entry = &record->held_entry;
        if (!hit && query->now_ms >= entry->stored_at_ms && query->now_ms < entry->expires_at_ms) {
            answer.tape = tape_ref(record->held);
            answer.entry = *entry;
            hit = true;
        }
        if (query->retry)
            flight_retried(shard, record);
    }
    if (hit)
        *ret_answer = answer;
    return hit;
}

static bool follow_locked(const struct flight_key *record, struct store_answer *ret_answer)
{
    struct store_flight *flight = record == NULL ? NULL : flight_to_follow(record);
    if (flight == NULL)
        return false;
    *ret_answer = (struct store_answer){.found = STORE_FOLLOW, .tape = tape_ref(flight->tape)};
    return true;
}

static int wait_locked(struct store *store, struct flight_key *record,
                       const struct store_query *query, struct store_waiter *waiter,
                       struct store_answer *ret_answer)
{
    if (!record->reading) {
        int err = store_queue_read(store, record, query->seal, query->now_ms);
        if (err != 0)
            return err;
    }
    waiter->next = record->waiters;
    record->waiters = waiter;
    record->waiting++;
    *ret_answer = (struct store_answer){.found = STORE_WAIT};
    return 0;
}

static void flight_free(struct store_flight *flight)
{
    if (flight == NULL)
        return;
    tape_unref(flight->tape);
    OPENSSL_cleanse(flight, sizeof(*flight));
    free(flight);
}

static int lead_locked(struct store *store, struct flight_shard *shard, struct flight_key *record,
                       const struct store_query *query, struct store_answer *ret_answer)
{
    struct store_flight *flight = calloc(1, sizeof(*flight));
    if (flight == NULL)
        return -ENOMEM;
    flight->tape = tape_new(store->budget, store->entry_bytes_max);
    if (flight->tape == NULL) {
        free(flight);
        return -ENOMEM;
    }
    if (query->seal != NULL) {
        flight->has_seal = true;
        flight->seal = *query->seal;
    }
    flight_start(shard, record, flight, query->coalesce, !answers_from_cache(query));
    *ret_answer = (struct store_answer){
        .found = STORE_LEAD, .tape = tape_ref(flight->tape), .flight = flight};
    return 0;
}

/* The disk is asked once for each arrival: who was told to wait and asks again has its answer. */
static bool must_ask_disk(struct store *store, const struct flight_key *record,
                          const struct store_query *query)
{
    if (query->retry || query->seal == NULL || store->disk == NULL)
        return false;
    return (record != NULL && record->reading) || store_disk_may_have(store, record, query->key);
}

static int find_locked(struct store *store, struct flight_shard *shard,
                       const struct store_query *query, struct store_waiter *waiter,
                       struct store_answer *ret_answer)
{
    struct flight_key *record = flight_find(shard, query->key);
    bool ask_disk = false;
    if (answers_from_cache(query)) {
        bool hit = hit_locked(store, shard, record, query, ret_answer);
        if (record != NULL)
            flight_settle(shard, record);
        if (hit)
            return 0;
        record = flight_find(shard, query->key); /* the last retry may have settled it */
        if (query->mode == STORE_NORMAL && query->coalesce && follow_locked(record, ret_answer))
            return 0;
        ask_disk = must_ask_disk(store, record, query);
        if (query->mode == STORE_ONLY_CACHED && !ask_disk) {
            *ret_answer = (struct store_answer){.found = STORE_ABSENT};
            return 0;
        }
    }
    record = flight_get(shard, query->key);
    if (record == NULL)
        return -ENOMEM;
    int err = 0;
    if (query->mode == STORE_CLEAR) {
        drop_locked(store, shard, record);
        err = store_queue_delete(store, record);
    }
    if (err == 0)
        err = ask_disk ? wait_locked(store, record, query, waiter, ret_answer)
                       : lead_locked(store, shard, record, query, ret_answer);
    if (err != 0)
        flight_settle(shard, record);
    return err;
}

int store_find(struct store *store, const struct store_query *query, struct store_waiter *waiter,
               struct store_answer *ret_answer)
{
    /* Whoever was told to wait passes the key's record even for a hit, to say that it came back. */
    if (answers_from_cache(query) && !query->retry) {
        struct store_answer answer = {.found = STORE_HIT};
        if (ram_get(store->ram, query->key, query->now_ms, &answer.tape, &answer.entry)) {
            *ret_answer = answer;
            return 0;
        }
    }
    struct flight_shard *shard = flight_lock(store->flights, query->key);
    int err = find_locked(store, shard, query, waiter, ret_answer);
    flight_unlock(shard);
    return err;
}

/* --- land --- */

/* Stores what a flight brought, unless a newer one has. */
static bool keep_locked(struct store *store, struct flight_shard *shard,
                        struct store_flight *flight, struct tape *baked,
                        const struct store_entry *entry)
{
    struct flight_key *record = flight->record;
    if (!flight_may_store(record, flight))
        return false;
    flight_outdate_read(shard, record);
    bool in_memory = ram_put(store->ram, &record->key, baked, entry);
    bool on_disk = false;
    if (store->disk != NULL && flight->has_seal)
        on_disk = store_queue_put(store, record, &flight->seal, baked, entry);
    else if (store->disk != NULL)
        store_queue_delete(store, record); /* an older answer must not outlive this one there */
    return in_memory || on_disk;
}

bool store_land(struct store *store, struct store_flight *flight, bool keep,
                const struct store_entry *entry, const void *info, size_t info_len)
{
    struct tape *baked = NULL;
    bool kept = false;
    assert(tape_state(flight->tape) != TAPE_GROWING);
    if (keep && entry->stored_at_ms < entry->expires_at_ms) {
        assert(tape_state(flight->tape) == TAPE_WHOLE);
        baked = tape_bake(flight->tape, store->slot_bytes, info, info_len);
    }
    const struct key key = flight->record->key; /* the record may leave before the lock does */
    struct flight_shard *shard = flight_lock(store->flights, &key);
    if (baked != NULL)
        kept = keep_locked(store, shard, flight, baked, entry);
    flight_end(shard, flight);
    flight_unlock(shard);
    tape_unref(baked);
    flight_free(flight);
    return kept;
}

void store_close_flight(struct store *store, struct store_flight *flight)
{
    struct flight_shard *shard = flight_lock(store->flights, &flight->record->key);
    flight_close(flight->record, flight);
    flight_unlock(shard);
}

/* --- the rest --- */

void store_purge(struct store *store, const struct key *key)
{
    struct flight_shard *shard = flight_lock(store->flights, key);
    struct flight_key *record = flight_get(shard, key);
    if (record != NULL) {
        drop_locked(store, shard, record);
        if (store_queue_delete(store, record) != 0)
            atomic_fetch_add_explicit(&store->disk_errors, 1, memory_order_relaxed);
        flight_settle(shard, record);
    } else {
        ram_delete(store->ram, key);
        atomic_fetch_add_explicit(&store->disk_errors, 1, memory_order_relaxed);
    }
    flight_unlock(shard);
}

void store_tick(struct store *store, int64_t now_ms)
{
    ram_tick(store->ram, now_ms);
    flight_tick(store->flights);
    if (store->disk != NULL)
        store_queue_tick(store, now_ms);
}

void store_stats(struct store *store, struct store_stats *ret_stats)
{
    struct ram_stats ram;
    ram_stats(store->ram, &ram);
    *ret_stats = (struct store_stats){
        .memory_bytes = ram.bytes,
        .memory_entries = ram.entries,
        .disk_bytes = store->disk == NULL ? 0 : disk_bytes(store->disk),
        .flights = flight_count(store->flights),
        .evictions = ram.evictions,
        .disk_errors = atomic_load_explicit(&store->disk_errors, memory_order_relaxed),
    };
}
