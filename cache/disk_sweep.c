/* disk_sweep.c - takes the heads that lead nowhere: expired, or of a generation that has left.
 *
 * RocksDB's own compaction drops those it meets. It does not meet those at rest in the lowest
 * level, so when about a third of all heads is dead they are compacted on purpose, a slice of the
 * key space at a time (keys are digests, so slices are of one size): neither the time nor the room
 * that it takes grows with the number of heads.
 */
#include "cache/disk_state.h"

#include <assert.h>
#include <errno.h>

enum {
    SLICES_MAX = 256,
    DEAD_MIN = 4096, /* about 0.5 MiB: not worth a sweep */
    BUFFERS_PER_SLICE = 8,
};

static unsigned char filter_head(void *data, int level, const char *key, size_t key_len,
                                 const char *value, size_t value_len, char **new_value,
                                 size_t *new_value_len, unsigned char *value_changed)
{
    struct disk *disk = data;
    struct disk_head head;
    (void)level, (void)key, (void)key_len, (void)new_value, (void)new_value_len;
    *value_changed = 0;
    if (!atomic_load(&disk->loaded))
        return 0; /* RocksDB compacts from the moment it is open, before we know what is alive */
    int error = disk_head_decode(value, value_len, &head);
    if (error != 0)
        return error == -EBADMSG;
    return head.expires_at_ms <= atomic_load(&disk->now_ms) ||
           !disk_generations_have(&disk->generations, head.generation);
}

static const char *filter_name(void *data)
{
    (void)data;
    return "tollgate-heads";
}

static void filter_destroy(void *data)
{
    (void)data; /* the disk owns itself */
}

rocksdb_compactionfilter_t *disk_filter_new(struct disk *disk)
{
    return rocksdb_compactionfilter_create(disk, filter_destroy, filter_head, filter_name);
}

static uint64_t live_heads(struct disk *disk)
{
    pthread_mutex_lock(&disk->generations.lock);
    uint64_t entries = disk->generations.entries;
    pthread_mutex_unlock(&disk->generations.lock);
    return entries;
}

static void start_sweep(struct disk *disk)
{
    uint64_t bytes = 0;
    rocksdb_property_int_cf(disk->db, disk->head_family, "rocksdb.total-sst-files-size", &bytes);
    uint64_t slices = bytes / (disk->sizes.head_buffer * BUFFERS_PER_SLICE) + 1;
    disk->sweep_slices = slices < SLICES_MAX ? (unsigned)slices : SLICES_MAX;
    disk->sweep_at = 0;
    disk->sweep_dead = disk->dead;
}

/* Where slice number `at` of so many begins: the first two bytes of a key. */
static void slice_key(unsigned at, unsigned slices, char key[2])
{
    unsigned start = (unsigned)((uint64_t)at * 65536 / slices);
    key[0] = (char)(start >> 8);
    key[1] = (char)(start & 0xFF);
}

void disk_sweep_locked(struct disk *disk)
{
    char start[2], limit[2];
    if (disk->sweep_slices == 0) {
        if (disk->dead < DEAD_MIN || disk->dead < live_heads(disk) / 2)
            return;
        start_sweep(disk);
    }
    bool last = disk->sweep_at + 1 == disk->sweep_slices;
    slice_key(disk->sweep_at, disk->sweep_slices, start);
    if (!last)
        slice_key(disk->sweep_at + 1, disk->sweep_slices, limit);
    rocksdb_compactoptions_t *options = rocksdb_compactoptions_create();
    rocksdb_compactoptions_set_exclusive_manual_compaction(options, 0);
    rocksdb_compact_range_cf_opt(disk->db, disk->head_family, options, start, sizeof(start),
                                 last ? NULL : limit, last ? 0 : sizeof(limit));
    rocksdb_compactoptions_destroy(options);
    disk->sweep_at++;
    if (last) {
        assert(disk->dead >= disk->sweep_dead);
        disk->dead -= disk->sweep_dead;
        disk->sweep_slices = 0;
    }
}
