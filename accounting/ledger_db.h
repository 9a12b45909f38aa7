/* ledger_db.h - the ledger's RocksDB: how it is opened, what it is made of, its keys.
 *
 *   default   "format" u32, "boot" u64, "lane/NNN" drained position u64 and last created_at i64
 *   holds     key(ref, HOLD) -> the held row; key(ref, SEEN) -> the upstream's id
 *   pending   key(ref, ROW) -> nothing: the row stands in its month
 *   ids       hash of an id, ref -> nothing (ledger_ids.h)
 *   YYYY-MM   key(ref, ROW) -> row; key(ref of the first, BLOCK) -> rows (ledger_block.h)
 *
 * A key is created_at (8 bytes, big endian), sequence (8), kind (1). Integers are big endian.
 *
 * Threads: one, that of the writer (or of whoever recovers, or reads). Others may read beside it
 * (RocksDB's handle and families are for any thread), by way of ledger_db_copy_months() and
 * ledger_db_get(), as long as whoever owns the database keeps it open.
 */
#ifndef ACCOUNTING_LEDGER_DB_H
#define ACCOUNTING_LEDGER_DB_H

#include "accounting/ledger.h"

#include <pthread.h>
#include <rocksdb/c.h>

enum { LEDGER_FORMAT = 1, LEDGER_KEY = 17, LEDGER_NAME_MAX = 32 };
/* On disk: append, never renumber. */
enum ledger_key_kind {
    LEDGER_KEY_ROW = 1,
    LEDGER_KEY_HOLD = 2,
    LEDGER_KEY_SEEN = 3,
    LEDGER_KEY_BLOCK = 4,
};

struct ledger_month {
    int64_t from_ms, to_ms;
    rocksdb_column_family_handle_t *handle;
};

struct ledger_db {
    rocksdb_t *db;
    rocksdb_options_t *options, *holds_options;
    rocksdb_cache_t *cache;
    rocksdb_writeoptions_t *write;
    rocksdb_readoptions_t *read;
    rocksdb_column_family_handle_t *meta, *holds, *pending;
    rocksdb_column_family_handle_t *ids; /* NULL in a secondary: exports need none */
    pthread_mutex_t months_lock;         /* for changing the list, and for others to copy it */
    struct ledger_month *months;         /* oldest first */
    size_t month_count, month_room;
    size_t month_last;   /* where the last look-up ended: rows come in runs of one month */
    size_t family_count; /* as the database listed them when it was opened */
};

/* Opens for writing, creating what is missing; sync: every write reaches the disk. -EPROTO for an
 * unknown format; -EBUSY, -ENOSPC, -EBADMSG, -EIO with text in error. give. */
int ledger_db_open(const char *path, bool sync, struct ledger_db **ret_db, char *error,
                   size_t error_size);
/* Opens beside a writer. -ENOENT: there is no database. give. */
int ledger_db_open_secondary(const char *path, const char *scratch_path, struct ledger_db **ret_db,
                             char *error, size_t error_size);
int ledger_db_catch_up(struct ledger_db *db);
/* How many column families the database at path has now. */
int ledger_db_families(const char *path, size_t *ret_count);
void ledger_db_close(struct ledger_db *db); /* accepts NULL */
/* Moves what is in memory into files, so that the next start has nothing to replay. */
int ledger_db_flush(struct ledger_db *db);

/* Syncs what was written so far to the disk. */
int ledger_db_sync(struct ledger_db *db);

/* The month that holds created_at_ms; created when absent. */
int ledger_db_month(struct ledger_db *db, int64_t created_at_ms,
                    rocksdb_column_family_handle_t **ret_handle);

/* The months that overlap [from, to), oldest first. Any thread. give: *ret_months, NULL when there
 * are none. -ENOMEM. */
int ledger_db_copy_months(struct ledger_db *db, int64_t from_ms, int64_t to_ms,
                          struct ledger_month **ret_months, size_t *ret_count);

void ledger_db_key(const struct ledger_ref *ref, enum ledger_key_kind kind, char key[LEDGER_KEY]);
struct ledger_ref ledger_db_ref(const char *key);

/* 1 and a value to be freed with rocksdb_free(), 0 when there is none, or an error. */
int ledger_db_get(struct ledger_db *db, rocksdb_column_family_handle_t *handle, const char *key,
                  size_t key_len, char **ret_value, size_t *ret_len);
int ledger_db_write(struct ledger_db *db, rocksdb_writebatch_t *batch);

/* Lane positions and the boot counter. get: 1, 0 when absent, or an error. */
int ledger_db_get_lane(struct ledger_db *db, unsigned lane, uint64_t *ret_position,
                       int64_t *ret_created_at_ms);
void ledger_db_put_lane(struct ledger_db *db, rocksdb_writebatch_t *batch, unsigned lane,
                        uint64_t position, int64_t created_at_ms);
int ledger_db_get_boot(struct ledger_db *db, uint64_t *ret_boot);
void ledger_db_put_boot(struct ledger_db *db, rocksdb_writebatch_t *batch, uint64_t boot);

/* Frees text that RocksDB gave, writes it to error (when that is not NULL), returns its errno. */
int ledger_db_error(char *text, char *error, size_t error_size);

#endif
