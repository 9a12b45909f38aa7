/* store_disk.c - the disk tier's work as jobs for the pool, and what follows when they are done.
 *
 * All jobs of a key go to one lane. Reads may overtake writes of other keys, so a read of a key
 * that has writes queued is queued as a write itself; a read that was queued before a write and
 * runs after it finds itself stale.
 */
#include "cache/store_private.h"

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

struct disk_job {
    struct pool_job pool;
    struct store *store;
    struct key key;
    struct store_seal seal; /* reads and puts; wiped with the job */
    int64_t now_ms;
    struct store_entry entry; /* puts */
    struct tape *tape;        /* puts; share */
    size_t bytes;             /* puts: charged to store->write_bytes */
};

static uint32_t lane_of(const struct key *key)
{
    uint32_t lane;
    memcpy(&lane, key->bytes + 16, sizeof(lane));
    return lane;
}

static struct disk_job *from_pool(struct pool_job *job)
{
    return (struct disk_job *)(void *)((char *)job - offsetof(struct disk_job, pool));
}

/* give; NULL: no memory. */
static struct disk_job *job_new(struct store *store, const struct key *key,
                                void (*run)(struct pool_job *job))
{
    struct disk_job *job = calloc(1, sizeof(*job));
    if (job == NULL)
        return NULL;
    job->pool.run = run;
    job->store = store;
    if (key != NULL)
        job->key = *key;
    return job;
}

static void job_free(struct disk_job *job)
{
    tape_unref(job->tape);
    OPENSSL_cleanse(job, sizeof(*job));
    free(job);
}

static void count_error(struct store *store)
{
    atomic_fetch_add_explicit(&store->disk_errors, 1, memory_order_relaxed);
}

bool store_disk_may_have(struct store *store, const struct flight_key *record,
                         const struct key *key)
{
    if (store->disk == NULL)
        return false;
    if (record != NULL && record->writes > 0)
        return true;
    return disk_may_have(store->disk, key);
}

/* --- reads --- */

static void wake_all(struct store_waiter *waiter)
{
    while (waiter != NULL) {
        struct store_waiter *next = waiter->next; /* its owner may free it as soon as it is woken */
        waiter->wake(waiter);
        waiter = next;
    }
}

/* Brings what was read (or NULL) to the memory tier and to those who wait. Returns false when the
 * key changed meanwhile and the disk may have something newer: then the job is to run again, for
 * the same waiters. */
static bool read_done(struct disk_job *job, struct tape *tape, const struct store_entry *entry)
{
    struct store *store = job->store;
    struct flight_shard *shard = flight_lock(store->flights, &job->key);
    struct flight_key *record = flight_find(shard, &job->key);
    assert(record != NULL);
    assert(record->reading);
    if (record->read_stale && store_disk_may_have(store, record, &job->key)) {
        record->read_stale = false;
        pool_push(store->pool, lane_of(&job->key), POOL_WRITE, &job->pool);
        flight_unlock(shard);
        return false;
    }
    struct store_waiter *waiters = record->waiters;
    if (tape != NULL && !record->read_stale) {
        ram_put(store->ram, &job->key, tape, entry);
        flight_hold(shard, record, tape, entry, record->waiting);
    }
    record->reading = false;
    record->read_stale = false;
    record->waiters = NULL;
    record->waiting = 0;
    flight_settle(shard, record);
    flight_unlock(shard);
    wake_all(waiters);
    return true;
}

static void run_read(struct pool_job *pool_job)
{
    struct disk_job *job = from_pool(pool_job);
    struct tape *tape = NULL;
    struct store_entry entry = {0};
    int err = disk_get(job->store->disk, &job->key, &job->seal, job->now_ms, &tape, &entry);
    if (err != 0 && err != -ENOENT)
        count_error(job->store);
    bool done = read_done(job, tape, &entry);
    tape_unref(tape);
    if (done)
        job_free(job);
}

int store_queue_read(struct store *store, struct flight_key *record, const struct store_seal *seal,
                     int64_t now_ms)
{
    struct disk_job *job = job_new(store, &record->key, run_read);
    if (job == NULL)
        return -ENOMEM;
    assert(!record->reading);
    assert(record->waiters == NULL);
    job->seal = *seal;
    job->now_ms = now_ms;
    record->reading = true;
    record->read_stale = false;
    pool_push(store->pool, lane_of(&record->key), record->writes > 0 ? POOL_WRITE : POOL_READ,
              &job->pool);
    return 0;
}

/* --- writes --- */

static void queue_write(struct store *store, struct flight_key *record, struct disk_job *job)
{
    record->writes++;
    pool_push(store->pool, lane_of(&record->key), POOL_WRITE, &job->pool);
}

static void write_done(struct disk_job *job)
{
    struct flight_shard *shard = flight_lock(job->store->flights, &job->key);
    struct flight_key *record = flight_find(shard, &job->key);
    assert(record != NULL);
    assert(record->writes > 0);
    record->writes--;
    flight_settle(shard, record);
    flight_unlock(shard);
    if (job->bytes > 0) {
        size_t before =
            atomic_fetch_sub_explicit(&job->store->write_bytes, job->bytes, memory_order_relaxed);
        assert(before >= job->bytes);
    }
    job_free(job);
}

static void run_put(struct pool_job *pool_job)
{
    struct disk_job *job = from_pool(pool_job);
    struct disk *disk = job->store->disk;
    if (disk_put(disk, &job->key, &job->seal, &job->entry, job->tape, job->now_ms) != 0) {
        count_error(job->store);
        disk_delete(disk, &job->key); /* what it should have replaced must not come back */
    }
    write_done(job);
}

static void run_delete(struct pool_job *pool_job)
{
    struct disk_job *job = from_pool(pool_job);
    if (disk_delete(job->store->disk, &job->key) != 0)
        count_error(job->store);
    write_done(job);
}

/* Takes room for a write; one is always let through, however large. */
static bool take_write_room(struct store *store, size_t bytes)
{
    size_t used = atomic_load_explicit(&store->write_bytes, memory_order_relaxed);
    do {
        if (used > 0 && used + bytes > STORE_WRITE_BYTES_MAX)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&store->write_bytes, &used, used + bytes,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

bool store_queue_put(struct store *store, struct flight_key *record, const struct store_seal *seal,
                     struct tape *tape, const struct store_entry *entry)
{
    size_t bytes = tape_footprint(tape);
    struct disk_job *job = job_new(store, &record->key, run_put);
    if (job == NULL || !take_write_room(store, bytes)) {
        free(job);
        count_error(store);
        store_queue_delete(store, record);
        return false;
    }
    job->seal = *seal;
    job->entry = *entry;
    job->now_ms = entry->stored_at_ms;
    job->tape = tape_ref(tape);
    job->bytes = bytes;
    queue_write(store, record, job);
    return true;
}

int store_queue_delete(struct store *store, struct flight_key *record)
{
    if (!store_disk_may_have(store, record, &record->key))
        return 0; /* so nobody queues more drops than there are entries */
    struct disk_job *job = job_new(store, &record->key, run_delete);
    if (job == NULL)
        return -ENOMEM;
    queue_write(store, record, job);
    return 0;
}

/* --- upkeep --- */

static void run_tick(struct pool_job *pool_job)
{
    struct disk_job *job = from_pool(pool_job);
    disk_tick(job->store->disk, job->now_ms);
    atomic_store_explicit(&job->store->tick_queued, false, memory_order_release);
    job_free(job);
}

void store_queue_tick(struct store *store, int64_t now_ms)
{
    if (atomic_exchange_explicit(&store->tick_queued, true, memory_order_acq_rel))
        return;
    struct disk_job *job = job_new(store, NULL, run_tick);
    if (job == NULL) {
        atomic_store_explicit(&store->tick_queued, false, memory_order_release);
        return;
    }
    job->now_ms = now_ms;
    pool_push(store->pool, 0, POOL_WRITE, &job->pool);
}
