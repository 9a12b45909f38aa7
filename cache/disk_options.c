/* disk_options.c - the disk tier before it is opened: how large its parts are, and how RocksDB is
 * set up for them.
 *
 * Heads are for point lookups, filtered and compacted. Bodies are written once and never moved: no
 * compaction, no limit on tables, one filter entry per cache entry.
 */
#include "cache/disk_state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define KIB ((uint64_t)1024)
#define MIB (1024 * KIB)
#define BLOCK_CACHE_BYTES (8 * MIB) /* finds the body where the front was; RAM is ram.c's */

enum {
    HEAD_BLOCK_BYTES = 4 * 1024,
    BODY_BLOCK_BYTES = 16 * 1024, /* an index entry per block stays in memory */
    FILTER_BITS = 10,
    INFO_LOG_FATAL = 4, /* anything less, and a full disk ends the process in the log writer */
    COMPRESSION_NONE = 0,
    NO_STALL =
        1 << 30, /* tables of a generation are never compacted, so their number means nothing */
};

static uint64_t clamp(uint64_t value, uint64_t min, uint64_t max)
{
    return value < min ? min : value > max ? max : value;
}

static struct disk_sizes sizes_of(uint64_t bytes_max)
{
    struct disk_sizes sizes = {
        .write_buffer = clamp(bytes_max / 32, 512 * KIB, 32 * MIB),
        .head_buffer = clamp(bytes_max / 128, 128 * KIB, 8 * MIB),
        .wal = clamp(bytes_max / 32, 1 * MIB, 64 * MIB),
        .generation = bytes_max / 24,
        .entry_max = bytes_max / 4 < DISK_BODY_MAX ? bytes_max / 4 : DISK_BODY_MAX,
        .step = bytes_max / 128,
        .manifest = clamp(bytes_max / 128, 128 * KIB, 4 * MIB),
        .filesystem_reserve = clamp(bytes_max / 64, 4 * MIB, 64 * MIB),
    };
    sizes.compaction = 12 * sizes.head_buffer;
    return sizes;
}

/* All tables stay open when the process may open enough files, so that filters are in memory. A
 * table that is not open makes disk_may_have() say "maybe", never wait. */
static int open_tables_max(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
        limit.rlim_cur >= 8192)
        return -1;
    return limit.rlim_cur < 128 ? 64 : (int)(limit.rlim_cur / 2);
}

static rocksdb_options_t *base_options_new(const struct disk_sizes *sizes)
{
    char *text = NULL;
    rocksdb_options_t *plain = rocksdb_options_create();
    rocksdb_options_t *options = rocksdb_options_create();
    /* Room that is given before it is written would count, so none is. C has no setter for it. */
    rocksdb_get_options_from_string(plain, "allow_fallocate=false", options, &text);
    assert(text == NULL);
    rocksdb_options_destroy(plain);
    rocksdb_options_set_create_if_missing(options, 1);
    rocksdb_options_set_create_missing_column_families(options, 1);
    rocksdb_options_set_info_log_level(options, INFO_LOG_FATAL);
    rocksdb_options_set_keep_log_file_num(options, 1);
    rocksdb_options_set_stats_dump_period_sec(options, 0);
    rocksdb_options_set_stats_persist_period_sec(options, 0);
    rocksdb_options_set_max_open_files(options, open_tables_max());
    rocksdb_options_set_skip_stats_update_on_db_open(options, 1);
    rocksdb_options_set_skip_checking_sst_file_sizes_on_db_open(options, 1);
    rocksdb_options_set_max_background_jobs(options, 2);
    rocksdb_options_set_max_total_wal_size(options, sizes->wal);
    /* Every flush looks for files that nobody needs. Logs of an earlier run are found no other way,
     * and by default only after six hours. */
    rocksdb_options_set_delete_obsolete_files_period_micros(options, 0);
    rocksdb_options_set_max_manifest_file_size(options, sizes->manifest);
    rocksdb_options_set_db_write_buffer_size(options, sizes->write_buffer + MIB);
    rocksdb_options_set_write_buffer_size(options, 64 * KIB); /* the default family: facts only */
    rocksdb_options_set_compression(options, COMPRESSION_NONE);
    return options;
}

static void set_tables(rocksdb_options_t *options, rocksdb_cache_t *blocks, size_t block_bytes,
                       bool whole_keys)
{
    rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();
    rocksdb_block_based_options_set_block_cache(table, blocks);
    rocksdb_block_based_options_set_block_size(table, block_bytes);
    rocksdb_block_based_options_set_filter_policy(
        table, rocksdb_filterpolicy_create_bloom_full(FILTER_BITS));
    rocksdb_block_based_options_set_whole_key_filtering(table, whole_keys);
    /* Indexes and filters stay with their open table instead of competing for the block cache:
     * disk_may_have() must find them without reading. */
    rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 0);
    rocksdb_block_based_options_set_format_version(table, 5);
    rocksdb_options_set_block_based_table_factory(options, table);
    rocksdb_block_based_options_destroy(table);
}

static rocksdb_options_t *head_options_new(struct disk *disk)
{
    const struct disk_sizes *sizes = &disk->sizes;
    rocksdb_options_t *options = rocksdb_options_create_copy(disk->base_options);
    rocksdb_options_set_write_buffer_size(options, sizes->head_buffer);
    rocksdb_options_set_max_write_buffer_number(options, 3);
    rocksdb_options_set_target_file_size_base(options, sizes->head_buffer);
    rocksdb_options_set_max_bytes_for_level_base(options, 4 * sizes->head_buffer);
    rocksdb_options_set_level0_file_num_compaction_trigger(options, 4);
    rocksdb_options_set_max_compaction_bytes(options, sizes->compaction);
    rocksdb_options_set_compaction_filter(options, disk->filter);
    set_tables(options, disk->blocks, HEAD_BLOCK_BYTES, true);
    return options;
}

static rocksdb_options_t *body_options_new(struct disk *disk)
{
    rocksdb_options_t *options = rocksdb_options_create_copy(disk->base_options);
    rocksdb_options_set_write_buffer_size(options, disk->sizes.write_buffer);
    rocksdb_options_set_max_write_buffer_number(options, 3);
    rocksdb_options_set_disable_auto_compactions(options, 1);
    rocksdb_options_set_level0_slowdown_writes_trigger(options, NO_STALL);
    rocksdb_options_set_level0_stop_writes_trigger(options, NO_STALL);
    rocksdb_options_set_soft_pending_compaction_bytes_limit(options, 0);
    rocksdb_options_set_hard_pending_compaction_bytes_limit(options, 0);
    rocksdb_options_set_num_levels(options, 2);
    /* Many generations hold few bytes in memory; a whole arena block each would be most of it. */
    rocksdb_options_set_arena_block_size(options, 64 * KIB);
    /* One filter entry per cache entry, however many records it has. */
    rocksdb_options_set_prefix_extractor(options,
                                         rocksdb_slicetransform_create_fixed_prefix(DISK_ID_BYTES));
    set_tables(options, disk->blocks, BODY_BLOCK_BYTES, false);
    return options;
}

/* Whoever heals must not wait for a gap between readers. Nobody takes the gate twice, which is what
 * this kind asks for. */
static void init_gate(pthread_rwlock_t *gate)
{
    pthread_rwlockattr_t kind;
    pthread_rwlockattr_init(&kind);
    pthread_rwlockattr_setkind_np(&kind, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(gate, &kind);
    pthread_rwlockattr_destroy(&kind);
}

struct disk *disk_new(const char *dir, uint64_t bytes_max)
{
    struct disk *disk = calloc(1, sizeof(*disk));
    if (disk == NULL)
        return NULL;
    disk->dir = strdup(dir);
    if (disk->dir == NULL) {
        free(disk);
        return NULL;
    }
    disk->bytes_max = bytes_max;
    disk->sizes = sizes_of(bytes_max);
    init_gate(&disk->gate);
    pthread_mutex_init(&disk->keeper, NULL);
    pthread_mutex_init(&disk->codec_lock, NULL);
    disk_generations_init(&disk->generations);
    disk->blocks = rocksdb_cache_create_lru(BLOCK_CACHE_BYTES);
    disk->filter = disk_filter_new(disk);
    disk->base_options = base_options_new(&disk->sizes);
    disk->head_options = head_options_new(disk);
    disk->body_options = body_options_new(disk);
    disk->read_options = rocksdb_readoptions_create();
    disk->write_options = rocksdb_writeoptions_create();
    return disk;
}

void disk_free(struct disk *disk)
{
    assert(disk->db == NULL);
    while (disk->codec_count > 0)
        disk_codec_free(disk->codecs[--disk->codec_count]);
    rocksdb_writeoptions_destroy(disk->write_options);
    rocksdb_readoptions_destroy(disk->read_options);
    rocksdb_options_destroy(disk->body_options);
    rocksdb_options_destroy(disk->head_options);
    rocksdb_options_destroy(disk->base_options);
    rocksdb_compactionfilter_destroy(disk->filter);
    rocksdb_cache_destroy(disk->blocks);
    disk_generations_release(&disk->generations);
    pthread_mutex_destroy(&disk->codec_lock);
    pthread_mutex_destroy(&disk->keeper);
    pthread_rwlock_destroy(&disk->gate);
    free(disk->dir);
    free(disk);
}
