/* fake_disk.h - a disk tier that does what it is told: it keeps exported tapes in a list, counts,
 * can be held in the middle of a call, fails on demand, and lies in its filter on demand.
 * Include it in one source only: it defines the functions of cache/disk.h.
 */
#ifndef TESTS_CACHE_FAKE_DISK_H
#define TESTS_CACHE_FAKE_DISK_H

#include "cache/disk.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

struct fake_entry {
    struct fake_entry *next;
    struct key key;
    struct store_seal seal;
    struct store_entry times;
    void *front;
    size_t front_len;
    char *body;
    size_t body_len;
};

struct disk {
    struct fake_entry *entries;
};

/* What the tests turn. One fake at a time. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool hold_gets, hold_puts; /* calls stop at their start */
    atomic_int held;           /* how many stand there */
    atomic_int gets, puts, deletes, ticks, opens;
    atomic_int put_error, open_error;
    atomic_bool filter_lies; /* may_have says yes to everything */
} fake = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static inline void fake_reset(void)
{
    fake.hold_gets = fake.hold_puts = false;
    atomic_store(&fake.gets, 0);
    atomic_store(&fake.puts, 0);
    atomic_store(&fake.deletes, 0);
    atomic_store(&fake.ticks, 0);
    atomic_store(&fake.opens, 0);
    atomic_store(&fake.put_error, 0);
    atomic_store(&fake.open_error, 0);
    atomic_store(&fake.filter_lies, false);
}

/* Polls until the count is reached; false after a time in which it would have been. */
static inline bool fake_eventually(atomic_int *count, int wanted)
{
    struct timespec pause = {.tv_nsec = 200 * 1000};
    for (size_t i = 0; i < 100000; i++) {
        if (atomic_load(count) >= wanted)
            return true;
        nanosleep(&pause, NULL);
    }
    return false;
}

static inline void fake_hold(bool gets, bool puts)
{
    pthread_mutex_lock(&fake.lock);
    fake.hold_gets = gets;
    fake.hold_puts = puts;
    pthread_cond_broadcast(&fake.changed);
    pthread_mutex_unlock(&fake.lock);
}

static inline void fake_stand_locked(const bool *hold)
{
    atomic_fetch_add(&fake.held, 1);
    while (*hold)
        pthread_cond_wait(&fake.changed, &fake.lock);
    atomic_fetch_sub(&fake.held, 1);
}

static inline void fake_entry_free(struct fake_entry *entry)
{
    free(entry->front);
    free(entry->body);
    free(entry);
}

static inline struct fake_entry **fake_find_locked(struct disk *disk, const struct key *key)
{
    struct fake_entry **at = &disk->entries;
    while (*at != NULL && memcmp((*at)->key.bytes, key->bytes, KEY_BYTES) != 0)
        at = &(*at)->next;
    return at;
}

static inline void fake_remove_locked(struct disk *disk, const struct key *key)
{
    struct fake_entry **at = fake_find_locked(disk, key), *gone = *at;
    if (gone == NULL)
        return;
    *at = gone->next;
    fake_entry_free(gone);
}

int disk_open(const char *dir, uint64_t bytes_max, int64_t now_ms, struct disk **ret_disk,
              char *error, size_t error_size)
{
    char path[200];
    (void)bytes_max;
    (void)now_ms;
    (void)error;
    (void)error_size;
    atomic_fetch_add(&fake.opens, 1);
    mkdir(dir, 0700);
    snprintf(path, sizeof(path), "%s/file", dir);
    int err = atomic_load(&fake.open_error);
    if (err != 0 && access(path, F_OK) == 0)
        return err; /* until what is there has been removed */
    FILE *file = fopen(path, "w");
    if (file != NULL)
        fclose(file);
    *ret_disk = calloc(1, sizeof(struct disk));
    return *ret_disk == NULL ? -ENOMEM : 0;
}

void disk_close(struct disk *disk)
{
    if (disk == NULL)
        return;
    while (disk->entries != NULL) {
        struct key key = disk->entries->key;
        fake_remove_locked(disk, &key);
    }
    free(disk);
}

int disk_put(struct disk *disk, const struct key *key, const struct store_seal *seal,
             const struct store_entry *entry, const struct tape *tape, int64_t now_ms)
{
    const char *body;
    (void)now_ms;
    pthread_mutex_lock(&fake.lock);
    fake_stand_locked(&fake.hold_puts);
    int err = atomic_load(&fake.put_error);
    if (err == 0) {
        struct fake_entry *added = calloc(1, sizeof(*added));
        assert_non_null(added);
        *added = (struct fake_entry){.key = *key, .seal = *seal, .times = *entry};
        assert_int_equal(
            tape_export(tape, &added->front, &added->front_len, &body, &added->body_len), 0);
        added->body = malloc(added->body_len + 1);
        assert_non_null(added->body);
        memcpy(added->body, body, added->body_len);
        fake_remove_locked(disk, key);
        added->next = disk->entries;
        disk->entries = added;
    }
    atomic_fetch_add(&fake.puts, 1);
    pthread_mutex_unlock(&fake.lock);
    return err;
}

int disk_get(struct disk *disk, const struct key *key, const struct store_seal *seal,
             int64_t now_ms, struct tape **ret_tape, struct store_entry *ret_entry)
{
    int err = -ENOENT;
    pthread_mutex_lock(&fake.lock);
    struct fake_entry *entry = *fake_find_locked(disk, key);
    if (entry != NULL && now_ms >= entry->times.stored_at_ms &&
        now_ms < entry->times.expires_at_ms) {
        char *body = malloc(entry->body_len + 1);
        assert_non_null(body);
        assert_memory_equal(seal->bytes, entry->seal.bytes, sizeof(seal->bytes));
        memcpy(body, entry->body, entry->body_len);
        *ret_entry = entry->times;
        err = tape_import(entry->front, entry->front_len, body, entry->body_len, ret_tape);
    }
    fake_stand_locked(&fake.hold_gets); /* the result is old by the time it is let go */
    atomic_fetch_add(&fake.gets, 1);
    pthread_mutex_unlock(&fake.lock);
    return err;
}

bool disk_may_have(struct disk *disk, const struct key *key)
{
    pthread_mutex_lock(&fake.lock);
    bool has = *fake_find_locked(disk, key) != NULL;
    pthread_mutex_unlock(&fake.lock);
    return has || atomic_load(&fake.filter_lies);
}

int disk_delete(struct disk *disk, const struct key *key)
{
    pthread_mutex_lock(&fake.lock);
    fake_remove_locked(disk, key);
    atomic_fetch_add(&fake.deletes, 1);
    pthread_mutex_unlock(&fake.lock);
    return 0;
}

void disk_tick(struct disk *disk, int64_t now_ms)
{
    (void)disk;
    (void)now_ms;
    pthread_mutex_lock(&fake.lock);
    fake_stand_locked(&fake.hold_puts);
    atomic_fetch_add(&fake.ticks, 1);
    pthread_mutex_unlock(&fake.lock);
}

uint64_t disk_bytes(struct disk *disk)
{
    (void)disk;
    return 4711;
}

#endif
