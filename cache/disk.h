/* disk.h - the disk tier: baked tapes in RocksDB, sealed, bounded, expiring without being read.
 *
 * Layout (format version in the default column family; an unknown one is -EPROTO):
 *   "head"  key(32) -> msgpack {generation, entry id(16), stored_at, expires_at, salt(16), front_len,
 *           body_len, records, checks}: small, one per entry.
 *   "g<N>"  one column family per generation of bodies: entry id(16) + record no(4) -> record.
 *           Record 0 is the tape's front, the others are the body in pieces of at most 256 KiB,
 *           each compressed (zstd, or stored when that does not help) and then sealed:
 *           AES-256-GCM, key = HKDF-SHA256(seal, salt of the entry), nonce = record number,
 *           additional data = key, entry id, record number, number of records.
 * Generations are written by TTL class, closed by size and age, and leave whole (drop of the column
 * family: its files are unlinked, nothing is read or rewritten) once their last entry has expired
 * or when the budget needs room, the one that would expire soonest first. Heads are small; a
 * compaction filter takes the expired ones and those whose generation has left.
 * `du` of the directory stays within bytes_max + 10 %, WAL and manifests included.
 *
 * Threads: any; every call may block on disk except disk_may_have(). RocksDB locks inside; the list
 * of generations has its own mutex.
 */
#ifndef CACHE_DISK_H
#define CACHE_DISK_H

#include "cache/store.h"

struct disk;

/* give. -EPROTO: unknown format; -EBADMSG or -EIO: corrupt or unreadable (the store sets the
 * directory aside and opens anew). now_ms: generations that expired while we were away leave. */
int disk_open(const char *dir, uint64_t bytes_max, int64_t now_ms, struct disk **ret_disk,
              char *error, size_t error_size);
void disk_close(struct disk *disk); /* flushes; accepts NULL */

/* Stores a baked tape under key, replacing what was there. -ENOSPC, -EIO, -ENOMEM: not stored. */
int disk_put(struct disk *disk, const struct key *key, const struct store_seal *seal,
             const struct store_entry *entry, const struct tape *tape, int64_t now_ms);

/* 0 and the entry; -ENOENT: absent or expired; -EBADMSG: does not open with this seal or is
 * damaged (it is dropped). give: *ret_tape. */
int disk_get(struct disk *disk, const struct key *key, const struct store_seal *seal,
             int64_t now_ms, struct tape **ret_tape, struct store_entry *ret_entry);

/* Never reads the disk: false means certainly absent. */
bool disk_may_have(struct disk *disk, const struct key *key);

int disk_delete(struct disk *disk, const struct key *key);

/* Drops generations that are expired or over the budget. */
void disk_tick(struct disk *disk, int64_t now_ms);

uint64_t disk_bytes(struct disk *disk); /* what the files take, as RocksDB accounts for them */

#endif
