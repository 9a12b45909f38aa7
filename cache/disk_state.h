/* disk_state.h - what the files of the disk tier share. Nobody else includes it.
 *
 *     disk.c             the calls: put, get, delete, tick
 *     disk_options.c     sizes and RocksDB's options
 *     disk_open.c        opening, closing, healing
 *     disk_room.c        the budget: measure, make generations, let them go
 *     disk_sweep.c       heads that lead nowhere any more
 *     disk_generation.c  the list of generations
 *     disk_head.c        heads to bytes and back
 *     disk_record.c      compress and seal, open and decompress
 *
 * Locks, in this order: gate, keeper, generations.lock. The gate is held for reading by every call
 * that uses the database and for writing by healing alone, which closes and reopens it. The keeper
 * is held, across RocksDB calls, by the one who measures or changes which generations there are;
 * who uses a generation (disk_generations_join) never waits for the keeper, since the keeper may be
 * waiting for its users.
 */
#ifndef CACHE_DISK_STATE_H
#define CACHE_DISK_STATE_H

#include "cache/disk.h"
#include "cache/disk_generation.h"
#include "cache/disk_head.h"

#include <pthread.h>
#include <rocksdb/c.h>
#include <stdatomic.h>

enum { DISK_CODECS_KEPT = 8, DISK_NUMBER_KEY_BYTES = 11 };

/* What follows from bytes_max. */
struct disk_sizes {
    size_t write_buffer, head_buffer;
    uint64_t wal;        /* the log is cut beyond this */
    uint64_t generation; /* closed beyond this */
    uint64_t entry_max;  /* nothing longer is put: it would need most of the room at once */
    uint64_t step;       /* bytes written between two looks at the directory */
    uint64_t manifest;
    uint64_t compaction;         /* of heads, at most so much at a time */
    uint64_t filesystem_reserve; /* left free for everybody's sake */
};

struct disk {
    char *dir;
    uint64_t bytes_max;
    struct disk_sizes sizes;

    pthread_rwlock_t gate;
    rocksdb_t *db; /* NULL: could not be reopened */
    rocksdb_column_family_handle_t *base_family, *head_family;
    rocksdb_options_t *base_options, *head_options, *body_options;
    rocksdb_compactionfilter_t *filter;
    rocksdb_cache_t *blocks;
    rocksdb_readoptions_t *read_options;
    rocksdb_writeoptions_t *write_options;

    struct disk_generations generations;
    pthread_mutex_t keeper;
    uint64_t next_number;            /* under keeper, as are the next four */
    uint64_t dead;                   /* about so many heads lead nowhere */
    uint64_t sweep_dead;             /* as many did when the sweep under way began */
    unsigned sweep_at, sweep_slices; /* 0 slices: no sweep under way */

    atomic_bool loaded; /* the list of generations is to be believed */
    atomic_bool broken; /* RocksDB refuses writes: reopen */
    atomic_bool filesystem_full;
    atomic_bool distrusted; /* a delete was lost: nothing is served, healing empties the tier */
    atomic_int_least64_t now_ms;    /* of the last call, for the compaction filter */
    atomic_uint_least64_t measured; /* the directory, at the last look */
    atomic_uint_least64_t since;    /* written since that look */
    atomic_uint_least64_t inflight; /* of puts under way, at most */
    atomic_uint_least64_t mark;     /* generations leave until the use is below */

    pthread_mutex_t codec_lock;
    struct disk_codec *codecs[DISK_CODECS_KEPT];
    size_t codec_count;
};

/* take: text. What went wrong as a negative errno, for a message that RocksDB gave. */
int disk_error(char *text);
/* The same for a write that was refused; remembers that the database wants reopening. */
int disk_write_error(struct disk *disk, char *text);

/* In the default family: the format, the number that the next generation gets (in the form of the
 * key of its facts), and facts by number. */
#define DISK_FORMAT_KEY "format"
#define DISK_FORMAT "1"
#define DISK_NEXT_KEY "next"
void disk_number_key(uint64_t number, char key[DISK_NUMBER_KEY_BYTES]);

/* --- disk_options.c --- */

/* Everything that RocksDB is opened with. give; NULL: no memory. */
struct disk *disk_new(const char *dir, uint64_t bytes_max);
void disk_free(struct disk *disk); /* the database is closed */

/* --- disk_open.c --- */

/* Reopens what broke, if there is room again. Gate held for writing. */
void disk_heal_locked(struct disk *disk, int64_t now_ms);

/* --- disk_room.c --- */

/* Looks at the directory. Keeper held. */
void disk_measure_locked(struct disk *disk);
/* Drops what has expired. Keeper held. */
void disk_expire_locked(struct disk *disk, int64_t now_ms);
/* Drops what has expired and what the budget has no room for, and sweeps a little. Keeper held. */
void disk_keep_locked(struct disk *disk, int64_t now_ms);
/* Room for what is in flight. -ENOSPC. */
int disk_make_room(struct disk *disk, int64_t now_ms);
/* The generation for one entry more (disk_generations_join), made when there is none. */
int disk_join(struct disk *disk, int64_t now_ms, int64_t expires_at_ms,
              struct disk_generation **ret_generation, bool *ret_keep,
              struct disk_facts *ret_facts);

/* --- disk_sweep.c --- */

/* Tells RocksDB's compaction which heads to drop. give. */
rocksdb_compactionfilter_t *disk_filter_new(struct disk *disk);
/* Compacts one slice of the heads when many of them lead nowhere. Keeper held. */
void disk_sweep_locked(struct disk *disk);

#endif
