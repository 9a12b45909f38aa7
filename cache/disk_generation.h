/* disk_generation.h - which generations of bodies there are, which one takes new entries, and when
 * each leaves.
 *
 * A class of time to live has one open generation. It is closed when it holds enough or has been
 * open for a quarter of its class's span, so that what it holds expires together. A generation
 * leaves whole, when the last of its entries has expired or when the budget needs its room.
 *
 * What the default column family keeps of one, under "gen" + number u64 big-endian: msgpack array
 * number, class, closed, opened_at, expires_at, bytes, entries. The expiry kept is rounded up, so
 * that not every put has to write it.
 *
 * Threads: any. The lock is held for pointer work only, never while RocksDB works: compaction asks
 * disk_generations_have() on RocksDB's own threads. Generations are added and removed by the one
 * who holds disk->keeper.
 */
#ifndef CACHE_DISK_GENERATION_H
#define CACHE_DISK_GENERATION_H

#include <pthread.h>
#include <rocksdb/c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The number of a class is on disk: append, never renumber. */
enum { DISK_CLASSES = 7, DISK_FACTS_BYTES_MAX = 64 };

struct disk_facts {
    uint64_t number;
    unsigned class;
    bool closed;
    int64_t opened_at_ms;
    int64_t expires_at_ms; /* of the entry that lives longest */
    uint64_t bytes, entries;
};

struct disk_generation {
    struct disk_facts facts;
    int64_t kept_expires_at_ms; /* what the default column family says, or will after this write */
    rocksdb_column_family_handle_t *family;
    unsigned users; /* under the lock: who reads or writes the family now */
};

struct disk_generations {
    pthread_mutex_t lock;
    pthread_cond_t unused;          /* a user of some generation left */
    struct disk_generation **items; /* by number, ascending */
    size_t count, capacity;
    struct disk_generation *open[DISK_CLASSES]; /* NULL: none, or closed */
    uint64_t entries;                           /* of all of them */
};

void disk_generations_init(struct disk_generations *generations);
/* Frees the list; every family must be destroyed already. */
void disk_generations_release(struct disk_generations *generations);

/* The class for entries that live this long from now. */
unsigned disk_class(int64_t ttl_ms);

size_t disk_facts_encode(const struct disk_facts *facts, uint8_t bytes[DISK_FACTS_BYTES_MAX]);
int disk_facts_decode(const void *bytes, size_t len, struct disk_facts *ret_facts);

/* Adds one with the highest number yet. take: family, on success. One that is not closed becomes
 * the open one of its class; the one it replaces is closed. -ENOMEM. */
int disk_generations_add(struct disk_generations *generations, const struct disk_facts *facts,
                         rocksdb_column_family_handle_t *family);

/* The open generation of the class, for one entry more that expires then; NULL: a new one is due
 * (bytes_max reached, too old, or none). *ret_keep: write *ret_facts with the entry. The caller is
 * a user until disk_generation_leave(). */
struct disk_generation *disk_generations_join(struct disk_generations *generations, unsigned class,
                                              int64_t now_ms, int64_t expires_at_ms,
                                              uint64_t bytes_max, bool *ret_keep,
                                              struct disk_facts *ret_facts);
/* The same for a reader; NULL: it has left. */
struct disk_generation *disk_generations_find(struct disk_generations *generations,
                                              uint64_t number);
void disk_generation_leave(struct disk_generations *generations, struct disk_generation *generation,
                           uint64_t bytes_written);

bool disk_generations_have(struct disk_generations *generations, uint64_t number);

/* Takes the one that expires first off the list, if it expires until then: from here on nobody
 * finds it. Waits until it has no user. give; NULL: none. */
struct disk_generation *disk_generations_remove(struct disk_generations *generations,
                                                int64_t until_ms);

#endif
