/* disk.h - the disk tier: baked tapes in RocksDB, sealed, bounded, expiring without being read.
 *
 * Layout (format version in the default column family; an unknown one is -EPROTO):
 *
 * "head": key (32) -> msgpack {generation, entry id (16), stored_at, expires_at, salt (16),
 * front_len, body_len, records, check}. Small, one per entry; the check authenticates the rest.
 *
 * "g<N>": one column family per generation of bodies, entry id (16) + record number (4) -> record.
 * The records are the tape's front and body, one behind the other (so that a short entry is one
 * record), in pieces of at most 256 KiB, each compressed (zstd, or stored when that does not help)
 * and then sealed: AES-256-GCM, key = HKDF-SHA256(seal, salt of the entry), nonce = record number,
 * additional data = key, entry id, record number, number of records.
 *
 * Generations are written by TTL class, closed by size and age, and leave whole (drop of the column
 * family: its files are unlinked, nothing is read or rewritten) once their last entry has expired
 * or when the budget needs room, the one that would expire soonest first. Heads are small; a
 * compaction filter takes the expired ones and those whose generation has left.
 * `du` of the directory stays within bytes_max + 10 %, WAL and manifests included. The directory is
 * the disk tier's alone: files of others in it would be counted.
 *
 * Threads: any; every call may block on disk except disk_may_have() and disk_bytes(). RocksDB locks
 * inside; the list of generations has its own mutex.
 */
#ifndef CACHE_DISK_H
#define CACHE_DISK_H

#include "cache/store.h"

struct disk;

/* give. -EPROTO: unknown format; -EBADMSG or -EIO: corrupt or unreadable (the store sets the
 * directory aside and opens anew). Anything else is no reason to: -EBUSY (another process has it),
 * -ENOSPC, -EACCES, -EMFILE, -ENOMEM, -EINVAL (bytes_max below 16 MiB). Text in error.
 * now_ms: generations that expired while we were away leave. */
int disk_open(const char *dir, uint64_t bytes_max, int64_t now_ms, struct disk **ret_disk,
              char *error, size_t error_size);
void disk_close(struct disk *disk); /* flushes; accepts NULL */

/* Stores a baked tape under key, replacing what was there (its body stays until its generation
 * leaves). An entry that has expired already only removes what was there. -ENOSPC (also: larger
 * than a quarter of bytes_max, or the file system is nearly full), -EIO, -ENOMEM: not stored, and
 * what was there is still there. */
int disk_put(struct disk *disk, const struct key *key, const struct store_seal *seal,
             const struct store_entry *entry, const struct tape *tape, int64_t now_ms);

/* 0 and the entry; -ENOENT: absent or expired; -EBADMSG: does not open with this seal or is
 * damaged. It is dropped either way, since the two look alike; a key that names its client (key.h)
 * is never asked for with another client's seal. -EIO, -ENOMEM. give: *ret_tape. */
int disk_get(struct disk *disk, const struct key *key, const struct store_seal *seal,
             int64_t now_ms, struct tape **ret_tape, struct store_entry *ret_entry);

/* Never reads the disk, it asks the filters in memory: false means certainly absent. */
bool disk_may_have(struct disk *disk, const struct key *key);

int disk_delete(struct disk *disk, const struct key *key);

/* Drops generations that are expired or over the budget, a few dead heads, and reopens the database
 * when it refused to write (a full disk, say) and there is room again. */
void disk_tick(struct disk *disk, int64_t now_ms);

/* What the files take: as they did at the last look, and what was written since. Reads no disk. */
uint64_t disk_bytes(struct disk *disk);

#endif
