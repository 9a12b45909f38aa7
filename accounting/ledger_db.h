/* ledger_db.h - the ledger's RocksDB: how it is opened, what it is made of, its keys.
 *
 *   default   "format" u32, "boot" u64, "early" u64 (boots up to it wrote format 1; absent: none
 *             did), "lane/NNN" drained position u64 and last created_at i64,
 *             "end/" (ledger_ends.h), "closing" i64: rows before it do not change any more,
 *             "rolled/" and "changed/" hour i64 -> u64 (ledger_rollup.h)
 *   holds     key(ref, HOLD) -> the held row; key(ref, SEEN) -> the upstream's id
 *   pending   key(ref, ROW) -> nothing: a row that may still change; it stands in its month
 *   ids       hash of an id, ref -> nothing (ledger_ids.h)
 *   rollups   hour i64 -> its sums (ledger_rollup.h)
 *   seals     "YYYY-MM" -> the text of its signed head (ledger_close.h)
 *   YYYY-MM   key(ref, ROW) -> row; key(ref of the first, BLOCK) -> rows (ledger_block.h)
 *
 * A key is created_at (8 bytes, big endian), sequence (8), kind (1). Integers are big endian.
 *
 * Format 1 had no rollups, seals, ends and "closing". It becomes format 2 when it is opened for
 * writing: a build that knows only format 1 would settle rows of closed months and would not tell
 * rollups of late rows, so it must be kept out. A secondary reads either.
 *
 * Threads: one, that of the writer (or of whoever recovers, or reads). Others may read beside it
 * (RocksDB's handle and families are for any thread), by way of ledger_db_copy_months() and
 * ledger_db_get(), and write to families that the writer leaves alone, as long as whoever owns the
 * database keeps it open (ledger_view.h).
 */
#ifndef ACCOUNTING_LEDGER_DB_H
#define ACCOUNTING_LEDGER_DB_H

#include "accounting/ledger.h"

#include <pthread.h>
#include <rocksdb/c.h>

enum { LEDGER_FORMAT = 2, LEDGER_FORMAT_READ = 1, LEDGER_KEY = 17, LEDGER_NAME_MAX = 32 };
#define LEDGER_HOUR_MS INT64_C(3600000)
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
    /* NULL in a secondary of a ledger that has none yet. */
    rocksdb_column_family_handle_t *ids, *rollups, *seals;
    pthread_mutex_t months_lock; /* for changing the list, and for others to copy it */
    struct ledger_month *months; /* oldest first */
    size_t month_count, month_room;
    size_t month_last;   /* where the last look-up ended: rows come in runs of one month */
    size_t family_count; /* as the database listed them when it was opened */
    rocksdb_column_family_handle_t **dropped; /* months that somebody may still be reading */
    size_t dropped_count;
    int64_t rolled_before_ms; /* a row that is older tells the rollup of its hour; for whoever
                                 holds the writer's lock */
    _Atomic int64_t closed_before_ms; /* rows that are older do not change */
};

/* Opens for writing, creating what is missing; sync: every write reaches the disk. -EPROTO for an
 * unknown format; -EBUSY, -ENOSPC, -EBADMSG, -EIO with text in error. give. */
int ledger_db_open(const char *path, bool sync, struct ledger_db **ret_db, char *error,
                   size_t error_size);
/* -EBADMSG with text in error: path has files of a database, or there is a journal (which is made
 * after the database is), but its CURRENT is gone: opening it would begin an empty one. */
int ledger_db_check(const char *path, const char *first_journal, char *error, size_t error_size);
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

/* While it is opened: a month that the database has. take: handle, also on failure. */
int ledger_db_add_month(struct ledger_db *db, int64_t from_ms, int64_t to_ms,
                        rocksdb_column_family_handle_t *handle);

/* The months that overlap [from, to), oldest first. Any thread. give: *ret_months, NULL when there
 * are none. -ENOMEM. */
int ledger_db_copy_months(struct ledger_db *db, int64_t from_ms, int64_t to_ms,
                          struct ledger_month **ret_months, size_t *ret_count);

/* Drops a month's rows and takes it off the list; whoever has copied the list may go on reading
 * them. -ENOENT: there is none. After an error the month is on the list as before. The writer must
 * be kept out. */
int ledger_db_drop_month(struct ledger_db *db, int64_t from_ms);
/* Their files go. Nobody may hold a copy of the list that still has them. */
void ledger_db_forget_dropped(struct ledger_db *db);

void ledger_db_key(const struct ledger_ref *ref, enum ledger_key_kind kind, char key[LEDGER_KEY]);
struct ledger_ref ledger_db_ref(const char *key);

/* 1 and a value to be freed with rocksdb_free(), 0 when there is none, or an error. */
int ledger_db_get(struct ledger_db *db, rocksdb_column_family_handle_t *handle, const char *key,
                  size_t key_len, char **ret_value, size_t *ret_len);
/* The same as of a snapshot. */
int ledger_db_get_at(struct ledger_db *db, const rocksdb_readoptions_t *read,
                     rocksdb_column_family_handle_t *handle, const char *key, size_t key_len,
                     char **ret_value, size_t *ret_len);
int ledger_db_write(struct ledger_db *db, rocksdb_writebatch_t *batch);

/* 1, 0 when it is not written yet. */
int ledger_db_get_format(struct ledger_db *db, uint32_t *ret_format);
void ledger_db_put_format(struct ledger_db *db, rocksdb_writebatch_t *batch, uint32_t format);

/* The last boot that wrote format 1, as it was when that became format 2; where it is format 1
 * still, the last boot of all. 1, 0 when none did, or an error. */
int ledger_db_get_early(struct ledger_db *db, uint64_t *ret_boot);
void ledger_db_put_early(struct ledger_db *db, rocksdb_writebatch_t *batch, uint64_t boot);

/* Lane positions and the boot counter. get: 1, 0 when absent, or an error. */
int ledger_db_get_lane(struct ledger_db *db, unsigned lane, uint64_t *ret_position,
                       int64_t *ret_created_at_ms);
void ledger_db_put_lane(struct ledger_db *db, rocksdb_writebatch_t *batch, unsigned lane,
                        uint64_t position, int64_t created_at_ms);
int ledger_db_get_boot(struct ledger_db *db, uint64_t *ret_boot);
void ledger_db_put_boot(struct ledger_db *db, rocksdb_writebatch_t *batch, uint64_t boot);

/* Counters of an hour; absent is 0. read may be NULL: as of now. */
enum ledger_hour_counter {
    LEDGER_HOUR_CHANGED, /* how often rows of it came after rollups had come that far */
    LEDGER_HOUR_ROLLED,  /* what LEDGER_HOUR_CHANGED was when its rollup was made */
};
/* 1, or 0 when it is absent. */
int ledger_db_get_hour(struct ledger_db *db, const rocksdb_readoptions_t *read,
                       enum ledger_hour_counter counter, int64_t hour_ms, uint64_t *ret_count);
void ledger_db_put_hour(struct ledger_db *db, rocksdb_writebatch_t *batch,
                        enum ledger_hour_counter counter, int64_t hour_ms, uint64_t count);
void ledger_db_delete_hour(struct ledger_db *db, rocksdb_writebatch_t *batch,
                           enum ledger_hour_counter counter, int64_t hour_ms);
/* The key of an hour in "rollups", and the hour in a key of "default": false when it is none. */
enum { LEDGER_HOUR_KEY = 8 };
void ledger_db_hour_key(int64_t hour_ms, char key[LEDGER_HOUR_KEY]);
bool ledger_db_is_hour(enum ledger_hour_counter counter, const char *key, size_t len,
                       int64_t *ret_hour_ms);
const char *ledger_db_hour_prefix(enum ledger_hour_counter counter);

/* Rows before *ret_ms do not change any more; 0: all may. */
int ledger_db_get_closing(struct ledger_db *db, int64_t *ret_ms);
void ledger_db_put_closing(struct ledger_db *db, rocksdb_writebatch_t *batch, int64_t ms);

/* Frees text that RocksDB gave, writes it to error (when that is not NULL), returns its errno. */
int ledger_db_error(char *text, char *error, size_t error_size);

#endif
