/* disk_room.c - keeps the directory within its budget.
 *
 * What counts is what `du` says, so that is what is measured: the files are looked at after every
 * `step` bytes written, and what was written since is added. Generations leave before the budget is
 * reached, because some bytes are on the disk twice for a while: in the log and in the table that
 * is being made of it, in heads and in the tables they are being compacted into. The mark leaves
 * room for both.
 */
#include "cache/disk_state.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

enum { STAT_BLOCK_BYTES = 512 };

/* Files come and go meanwhile; one that is gone takes nothing. */
static bool directory_bytes(const char *path, uint64_t *ret_bytes)
{
    DIR *dir = opendir(path);
    if (dir == NULL)
        return false;
    uint64_t bytes = 0;
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        struct stat status;
        if (fstatat(dirfd(dir), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(status.st_mode))
            continue;
        /* Blocks may be given late (the length is then the truth) or early (they are). */
        uint64_t blocks = (uint64_t)status.st_blocks * STAT_BLOCK_BYTES;
        uint64_t length = (uint64_t)status.st_size;
        bytes += blocks > length ? blocks : length;
    }
    closedir(dir);
    *ret_bytes = bytes;
    return true;
}

static bool filesystem_full(const struct disk *disk)
{
    struct statvfs status;
    return statvfs(disk->dir, &status) == 0 &&
           (uint64_t)status.f_bavail * status.f_frsize < disk->sizes.filesystem_reserve;
}

void disk_measure_locked(struct disk *disk)
{
    uint64_t bytes, heads = 0;
    uint64_t since = atomic_load(&disk->since);
    atomic_store(&disk->filesystem_full, filesystem_full(disk));
    if (!directory_bytes(disk->dir, &bytes))
        return; /* the last look and what was written since go on counting */
    atomic_store(&disk->measured, bytes);
    atomic_fetch_sub(&disk->since, since);
    if (disk->db == NULL)
        return;
    rocksdb_property_int_cf(disk->db, disk->head_family, "rocksdb.total-sst-files-size", &heads);
    uint64_t twice = heads < disk->sizes.compaction ? heads : disk->sizes.compaction;
    uint64_t spare = disk->sizes.wal + twice + disk->sizes.step;
    uint64_t spare_max = disk->bytes_max / 4;
    atomic_store(&disk->mark, disk->bytes_max - (spare < spare_max ? spare : spare_max));
}

/* Puts under way count twice: once in the log, once in the table. */
static uint64_t used(struct disk *disk)
{
    return atomic_load(&disk->measured) + atomic_load(&disk->since) +
           2 * atomic_load(&disk->inflight);
}

/* Drops the generation that expires first, if it does until then. No file of it is read. */
static bool drop_first(struct disk *disk, int64_t until_ms)
{
    char key[DISK_NUMBER_KEY_BYTES];
    char *text = NULL;
    struct disk_generation *generation = disk_generations_remove(&disk->generations, until_ms);
    if (generation == NULL)
        return false;
    assert(generation->users == 0);
    rocksdb_drop_column_family(disk->db, generation->family, &text);
    if (text == NULL) {
        disk_number_key(generation->facts.number, key);
        rocksdb_delete_cf(disk->db, disk->write_options, disk->base_family, key, sizeof(key),
                          &text);
    }
    /* The files go with the last handle, not with the drop. */
    rocksdb_column_family_handle_destroy(generation->family);
    if (text != NULL)
        disk_write_error(disk, text); /* it is still there when the database is opened next */
    disk->dead += generation->facts.entries;
    free(generation);
    return true;
}

void disk_expire_locked(struct disk *disk, int64_t now_ms)
{
    while (drop_first(disk, now_ms))
        continue;
}

void disk_keep_locked(struct disk *disk, int64_t now_ms)
{
    disk_expire_locked(disk, now_ms);
    disk_measure_locked(disk);
    while (used(disk) > atomic_load(&disk->mark) && drop_first(disk, INT64_MAX))
        disk_measure_locked(disk);
    disk_sweep_locked(disk);
}

static bool has_room(struct disk *disk)
{
    return used(disk) <= atomic_load(&disk->mark) &&
           atomic_load(&disk->since) <= disk->sizes.step && !atomic_load(&disk->filesystem_full);
}

int disk_make_room(struct disk *disk, int64_t now_ms)
{
    if (has_room(disk))
        return 0;
    pthread_mutex_lock(&disk->keeper);
    if (!has_room(disk)) /* somebody else may have made it meanwhile */
        disk_keep_locked(disk, now_ms);
    pthread_mutex_unlock(&disk->keeper);
    return used(disk) <= atomic_load(&disk->mark) && !atomic_load(&disk->filesystem_full) ? 0
                                                                                          : -ENOSPC;
}

/* The facts come first: a family that nothing is known of, or facts without a family, are cleared
 * away when the database is opened next. A number is never given twice, so that no old head leads
 * into a new generation. */
static int write_facts(struct disk *disk, const struct disk_facts *facts)
{
    char key[DISK_NUMBER_KEY_BYTES], next[DISK_NUMBER_KEY_BYTES];
    uint8_t bytes[DISK_FACTS_BYTES_MAX];
    char *text = NULL;
    size_t len = disk_facts_encode(facts, bytes);
    disk_number_key(facts->number, key);
    disk_number_key(facts->number + 1, next);
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    rocksdb_writebatch_put_cf(batch, disk->base_family, key, sizeof(key), (const char *)bytes, len);
    rocksdb_writebatch_put_cf(batch, disk->base_family, DISK_NEXT_KEY, sizeof(DISK_NEXT_KEY) - 1,
                              next, sizeof(next));
    rocksdb_write(disk->db, disk->write_options, batch, &text);
    rocksdb_writebatch_destroy(batch);
    return text == NULL ? 0 : disk_write_error(disk, text);
}

static int add_generation_locked(struct disk *disk, unsigned class, int64_t now_ms,
                                 int64_t expires_at_ms)
{
    struct disk_facts facts = {
        .number = disk->next_number,
        .class = class,
        .opened_at_ms = now_ms,
        .expires_at_ms = expires_at_ms,
    };
    char name[24];
    char *text = NULL;
    int error = write_facts(disk, &facts);
    if (error != 0)
        return error;
    disk->next_number++;
    snprintf(name, sizeof(name), "g%" PRIu64, facts.number);
    rocksdb_column_family_handle_t *family =
        rocksdb_create_column_family(disk->db, disk->body_options, name, &text);
    if (text != NULL)
        return disk_write_error(disk, text);
    error = disk_generations_add(&disk->generations, &facts, family);
    if (error != 0) {
        rocksdb_drop_column_family(disk->db, family, &text);
        rocksdb_column_family_handle_destroy(family);
        rocksdb_free(text);
    }
    return error;
}

int disk_join(struct disk *disk, int64_t now_ms, int64_t expires_at_ms,
              struct disk_generation **ret_generation, bool *ret_keep, struct disk_facts *ret_facts)
{
    unsigned class = disk_class(expires_at_ms - now_ms);
    int error = 0;
    struct disk_generation *generation =
        disk_generations_join(&disk->generations, class, now_ms, expires_at_ms,
                              disk->sizes.generation, ret_keep, ret_facts);
    if (generation == NULL) {
        pthread_mutex_lock(&disk->keeper);
        /* Somebody else may have made one meanwhile, or closed ours: twice is bad luck enough. */
        for (int tries = 0; generation == NULL && error == 0 && tries < 3; tries++) {
            if (tries > 0)
                error = add_generation_locked(disk, class, now_ms, expires_at_ms);
            if (error == 0)
                generation = disk_generations_join(&disk->generations, class, now_ms, expires_at_ms,
                                                   disk->sizes.generation, ret_keep, ret_facts);
        }
        pthread_mutex_unlock(&disk->keeper);
    }
    if (generation != NULL)
        *ret_generation = generation;
    return error != 0 ? error : generation == NULL ? -ENOSPC : 0;
}
