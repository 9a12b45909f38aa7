/* ledger_db_open.c - how the ledger's RocksDB is opened, closed and flushed. */
#include "accounting/ledger_db.h"

#include "accounting/ledger_month.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    LOG_FATAL = 4,               /* anything lower ends the process when the disk is full */
    TOLERATE_CORRUPTED_TAIL = 0, /* and refuse corruption anywhere else */
    CACHE_BYTES = 8 * 1024 * 1024,
    MONTH_BUFFER_BYTES = 16 * 1024 * 1024,
    /* Holds die young: a small buffer keeps their tombstones few when a start reads them. */
    HOLDS_BUFFER_BYTES = 4 * 1024 * 1024,
    WAL_BYTES = 64 * 1024 * 1024, /* what a start may have to replay */
    BLOCK_BYTES = 16 * 1024,
    FAMILIES_MAX = 4096,
};

static rocksdb_options_t *make_options(rocksdb_cache_t *cache, size_t buffer_bytes)
{
    rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();
    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_block_based_options_set_block_cache(table, cache);
    rocksdb_block_based_options_set_block_size(table, BLOCK_BYTES);
    rocksdb_options_set_block_based_table_factory(options, table);
    rocksdb_block_based_options_destroy(table);
    rocksdb_options_set_create_if_missing(options, 1);
    rocksdb_options_set_create_missing_column_families(options, 1);
    rocksdb_options_set_info_log_level(options, LOG_FATAL);
    rocksdb_options_set_keep_log_file_num(options, 2);
    rocksdb_options_set_wal_recovery_mode(options, TOLERATE_CORRUPTED_TAIL);
    rocksdb_options_set_max_total_wal_size(options, WAL_BYTES);
    rocksdb_options_set_max_open_files(options, -1); /* a secondary must keep what it reads open */
    rocksdb_options_set_write_buffer_size(options, buffer_bytes);
    rocksdb_options_set_compression(options, rocksdb_lz4_compression);
    rocksdb_options_set_stats_dump_period_sec(options, 0);
    rocksdb_options_set_stats_persist_period_sec(options, 0);
    return options;
}

static struct ledger_db *new_db(bool sync)
{
    struct ledger_db *db = calloc(1, sizeof(*db));
    if (db == NULL)
        return NULL;
    db->cache = rocksdb_cache_create_lru(CACHE_BYTES);
    db->options = make_options(db->cache, MONTH_BUFFER_BYTES);
    db->holds_options = make_options(db->cache, HOLDS_BUFFER_BYTES);
    db->write = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(db->write, sync);
    db->read = rocksdb_readoptions_create();
    pthread_mutex_init(&db->months_lock, NULL);
    return db;
}

static void destroy_family(rocksdb_column_family_handle_t *handle)
{
    if (handle != NULL)
        rocksdb_column_family_handle_destroy(handle);
}

void ledger_db_close(struct ledger_db *db)
{
    if (db == NULL)
        return;
    for (size_t i = 0; i < db->month_count; i++)
        destroy_family(db->months[i].handle);
    ledger_db_forget_dropped(db);
    free(db->months);
    destroy_family(db->meta);
    destroy_family(db->holds);
    destroy_family(db->pending);
    destroy_family(db->ids);
    destroy_family(db->rollups);
    destroy_family(db->seals);
    if (db->db != NULL)
        rocksdb_close(db->db);
    pthread_mutex_destroy(&db->months_lock);
    rocksdb_readoptions_destroy(db->read);
    rocksdb_writeoptions_destroy(db->write);
    rocksdb_options_destroy(db->holds_options);
    rocksdb_options_destroy(db->options);
    rocksdb_cache_destroy(db->cache);
    free(db);
}

static bool database_exists(const char *path)
{
    char current[4096 + 16];
    snprintf(current, sizeof(current), "%s/CURRENT", path);
    return access(current, F_OK) == 0;
}

/* Something of a database is there, but not the file that says which is its state. */
static bool is_beheaded(const char *path)
{
    bool remains = false;
    struct dirent *entry;
    DIR *dir;
    if (database_exists(path))
        return false;
    dir = opendir(path);
    while (dir != NULL && !remains && (entry = readdir(dir)) != NULL) {
        size_t len = strlen(entry->d_name);
        remains = len > 4 && strcmp(entry->d_name + len - 4, ".sst") == 0;
    }
    if (dir != NULL)
        closedir(dir);
    return remains;
}

int ledger_db_check(const char *path, const char *first_journal, char *error, size_t error_size)
{
    bool journal = !database_exists(path) && access(first_journal, F_OK) == 0;
    if (!journal && !is_beheaded(path))
        return 0;
    snprintf(error, error_size,
             "%s: the file CURRENT is missing though there was a ledger: restore it from a backup",
             path);
    return -EBADMSG;
}

/* Names of the families to open. Those that every ledger has come first: they are asked for even
 * where they do not exist yet, so that a start that died half-way is made good, and so that a
 * ledger from before there were ids, rollups or seals gets them. A secondary cannot make what is
 * missing, and needs the first three only. */
enum {
    FAMILY_META,
    FAMILY_HOLDS,
    FAMILY_PENDING,
    FAMILY_IDS,
    FAMILY_ROLLUPS,
    FAMILY_SEALS,
    FAMILIES_FIXED,
};

static const char *const fixed_names[FAMILIES_FIXED] = {
    [FAMILY_META] = "default", [FAMILY_HOLDS] = "holds",     [FAMILY_PENDING] = "pending",
    [FAMILY_IDS] = "ids",      [FAMILY_ROLLUPS] = "rollups", [FAMILY_SEALS] = "seals",
};

struct families {
    const char *names[FAMILIES_MAX];
    const rocksdb_options_t *options[FAMILIES_MAX];
    rocksdb_column_family_handle_t *handles[FAMILIES_MAX];
    char **listed;
    size_t listed_count;
    int count, fixed_count;
    int fixed[FAMILIES_FIXED]; /* where it stands among the names; -1: it is not opened */
};

static bool is_fixed(const char *name)
{
    for (int i = 0; i < FAMILIES_FIXED; i++)
        if (strcmp(name, fixed_names[i]) == 0)
            return true;
    return false;
}

static bool is_listed(const struct families *families, const char *name)
{
    for (size_t i = 0; i < families->listed_count; i++)
        if (strcmp(families->listed[i], name) == 0)
            return true;
    return false;
}

static void add_fixed(const struct ledger_db *db, struct families *families, bool secondary)
{
    for (int i = 0; i < FAMILIES_FIXED; i++) {
        families->fixed[i] = -1;
        if (secondary && i > FAMILY_PENDING && !is_listed(families, fixed_names[i]))
            continue;
        families->fixed[i] = families->count;
        families->names[families->count] = fixed_names[i];
        families->options[families->count++] = i == FAMILY_META ? db->options : db->holds_options;
    }
    families->fixed_count = families->count;
}

static int list_families(struct ledger_db *db, const char *path, bool secondary,
                         struct families *families, char *error, size_t error_size)
{
    char *problem = NULL;
    if (database_exists(path))
        families->listed =
            rocksdb_list_column_families(db->options, path, &families->listed_count, &problem);
    if (problem != NULL) {
        rocksdb_list_column_families_destroy(families->listed, 0); /* it is given all the same */
        families->listed = NULL;
        return ledger_db_error(problem, error, error_size);
    }
    add_fixed(db, families, secondary);
    for (size_t i = 0; i < families->listed_count; i++) {
        const char *name = families->listed[i];
        if (is_fixed(name))
            continue;
        if (families->count == FAMILIES_MAX) {
            snprintf(error, error_size, "more than %d column families", (int)FAMILIES_MAX);
            return -EBADMSG;
        }
        families->names[families->count] = name;
        families->options[families->count++] = db->options;
    }
    db->family_count = families->listed_count;
    return 0;
}

/* Sorts the opened handles to their places. A family that is no month of ours can only come with
 * a format that we do not know, which is refused later; until then it is closed. */
static int keep_handles(struct ledger_db *db, struct families *families)
{
    rocksdb_column_family_handle_t **const fixed[FAMILIES_FIXED] = {
        [FAMILY_META] = &db->meta, [FAMILY_HOLDS] = &db->holds,     [FAMILY_PENDING] = &db->pending,
        [FAMILY_IDS] = &db->ids,   [FAMILY_ROLLUPS] = &db->rollups, [FAMILY_SEALS] = &db->seals,
    };
    int result = 0;
    for (int i = 0; i < FAMILIES_FIXED; i++)
        if (families->fixed[i] >= 0)
            *fixed[i] = families->handles[families->fixed[i]];
    for (int i = families->fixed_count; i < families->count; i++) {
        int64_t from_ms, to_ms;
        const char *name = families->names[i];
        if (ledger_month_parse(name, strlen(name), &from_ms, &to_ms) < 0 || result < 0) {
            rocksdb_column_family_handle_destroy(families->handles[i]);
            continue;
        }
        result = ledger_db_add_month(db, from_ms, to_ms, families->handles[i]);
    }
    return result;
}

/* Of an older format: whatever the boots up to now left is early, rows in the database and records
 * in the journals alike. One batch says both, so that no later boot is taken for early. */
static int write_format(struct ledger_db *db, bool older)
{
    uint64_t boot = 0;
    rocksdb_writebatch_t *batch;
    int result = older ? ledger_db_get_boot(db, &boot) : 0;
    if (result < 0)
        return result;
    batch = rocksdb_writebatch_create();
    ledger_db_put_format(db, batch, LEDGER_FORMAT);
    if (result == 1)
        ledger_db_put_early(db, batch, boot);
    result = ledger_db_write(db, batch);
    rocksdb_writebatch_destroy(batch);
    return result;
}

static int check_format(struct ledger_db *db, bool may_write, char *error, size_t error_size)
{
    uint32_t format;
    int found = ledger_db_get_format(db, &format);
    if (found < 0) {
        snprintf(error, error_size, "the ledger's format version cannot be read");
        return found;
    }
    if (found == 1 && (format < LEDGER_FORMAT_READ || format > LEDGER_FORMAT)) {
        snprintf(error, error_size,
                 "the ledger has format %u, this build knows format %d: use a newer tollgate",
                 format, (int)LEDGER_FORMAT);
        return -EPROTO;
    }
    if (found == 1 && (format == LEDGER_FORMAT || !may_write))
        return 0;
    if (!may_write)
        return -EAGAIN; /* its writer is just creating it */
    found = write_format(db, found == 1);
    if (found < 0)
        snprintf(error, error_size, "the ledger's format version cannot be written: %s",
                 strerror(-found));
    return found;
}

/* The key of the last entry that begins with prefix and comes before end. 1, 0 when there is none.
 */
static int last_key(struct ledger_db *db, rocksdb_column_family_handle_t *family,
                    const char *prefix, const char *end, char *key, size_t size, size_t *ret_len)
{
    rocksdb_iterator_t *iterator = rocksdb_create_iterator_cf(db->db, db->read, family);
    char *problem = NULL;
    size_t prefix_len = strlen(prefix);
    int found = 0;
    rocksdb_iter_seek_for_prev(iterator, end, strlen(end));
    if (rocksdb_iter_valid(iterator)) {
        const char *at = rocksdb_iter_key(iterator, ret_len);
        found = *ret_len <= size && *ret_len >= prefix_len && memcmp(at, prefix, prefix_len) == 0;
        if (found)
            memcpy(key, at, *ret_len);
    }
    rocksdb_iter_get_error(iterator, &problem);
    rocksdb_iter_destroy(iterator);
    return problem == NULL ? found : ledger_db_error(problem, NULL, 0);
}

/* A month's name begins with a digit: behind them all come their marks, "marks/YYYY-MM". */
static const char AFTER_SEALS[] = ":";

/* What is kept of rollups and closed months decides how rows are written. */
static int read_marks(struct ledger_db *db)
{
    const char *prefix = ledger_db_hour_prefix(LEDGER_HOUR_ROLLED);
    char key[LEDGER_NAME_MAX], end[LEDGER_NAME_MAX];
    int64_t hour_ms, from_ms, to_ms, closed_before_ms = 0;
    size_t len;
    int found;
    snprintf(end, sizeof(end), "%s", prefix);
    end[strlen(end) - 1]++; /* behind all that begin with the prefix */
    found = last_key(db, db->meta, prefix, end, key, sizeof(key), &len);
    if (found < 0)
        return found;
    if (found == 1 && ledger_db_is_hour(LEDGER_HOUR_ROLLED, key, len, &hour_ms))
        db->rolled_before_ms = hour_ms + LEDGER_HOUR_MS;
    found = ledger_db_get_closing(db, &closed_before_ms);
    if (found == 0)
        found = last_key(db, db->seals, "", AFTER_SEALS, key, sizeof(key), &len);
    if (found == 1 && ledger_month_parse(key, len, &from_ms, &to_ms) == 0 &&
        to_ms > closed_before_ms)
        closed_before_ms = to_ms;
    db->closed_before_ms = closed_before_ms;
    return found < 0 ? found : 0;
}

static int open_families(struct ledger_db *db, const char *path, const char *scratch_path,
                         struct families *families, char *error, size_t error_size)
{
    char *problem = NULL;
    int result = list_families(db, path, scratch_path != NULL, families, error, error_size);
    if (result < 0)
        return result;
    if (scratch_path == NULL)
        db->db = rocksdb_open_column_families(db->options, path, families->count, families->names,
                                              families->options, families->handles, &problem);
    else
        db->db = rocksdb_open_as_secondary_column_families(
            db->options, path, scratch_path, families->count, families->names, families->options,
            families->handles, &problem);
    if (problem != NULL) {
        db->db = NULL;
        return ledger_db_error(problem, error, error_size);
    }
    result = keep_handles(db, families);
    if (result == 0)
        result = check_format(db, scratch_path == NULL, error, error_size);
    if (result == 0 && scratch_path == NULL)
        result = read_marks(db);
    return result;
}

static int open_any(const char *path, const char *scratch_path, bool sync,
                    struct ledger_db **ret_db, char *error, size_t error_size)
{
    struct families *families = calloc(1, sizeof(*families));
    struct ledger_db *db = new_db(sync);
    int result = -ENOMEM;
    if (families == NULL || db == NULL)
        goto out;
    result = open_families(db, path, scratch_path, families, error, error_size);
    if (result < 0)
        goto out;
    *ret_db = db;
    db = NULL;
out:
    if (families != NULL && families->listed != NULL)
        rocksdb_list_column_families_destroy(families->listed, families->listed_count);
    free(families);
    ledger_db_close(db);
    return result;
}

int ledger_db_open(const char *path, bool sync, struct ledger_db **ret_db, char *error,
                   size_t error_size)
{
    return open_any(path, NULL, sync, ret_db, error, error_size);
}

int ledger_db_open_secondary(const char *path, const char *scratch_path, struct ledger_db **ret_db,
                             char *error, size_t error_size)
{
    if (!database_exists(path))
        return -ENOENT;
    return open_any(path, scratch_path, false, ret_db, error, error_size);
}

int ledger_db_catch_up(struct ledger_db *db)
{
    char *problem = NULL;
    rocksdb_try_catch_up_with_primary(db->db, &problem);
    return problem == NULL ? 0 : ledger_db_error(problem, NULL, 0);
}

int ledger_db_families(const char *path, size_t *ret_count)
{
    rocksdb_options_t *options = rocksdb_options_create();
    char *problem = NULL, **listed;
    size_t count = 0;
    listed = rocksdb_list_column_families(options, path, &count, &problem);
    rocksdb_options_destroy(options);
    if (problem != NULL)
        return ledger_db_error(problem, NULL, 0);
    rocksdb_list_column_families_destroy(listed, count);
    *ret_count = count;
    return 0;
}

int ledger_db_flush(struct ledger_db *db)
{
    rocksdb_column_family_handle_t *const fixed[FAMILIES_FIXED] = {
        db->holds, db->pending, db->ids, db->rollups, db->seals, db->meta,
    };
    rocksdb_flushoptions_t *options = rocksdb_flushoptions_create();
    char *problem = NULL;
    int result = 0;
    rocksdb_flushoptions_set_wait(options, 1);
    for (size_t i = 0; i < db->month_count + FAMILIES_FIXED && result == 0; i++) {
        rocksdb_flush_cf(db->db, options,
                         i < db->month_count ? db->months[i].handle : fixed[i - db->month_count],
                         &problem);
        if (problem != NULL)
            result = ledger_db_error(problem, NULL, 0);
    }
    rocksdb_flushoptions_destroy(options);
    return result;
}
