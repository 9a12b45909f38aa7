#include "accounting/ledger_db.h"

#include "accounting/ledger_month.h"

#include <assert.h>
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

int ledger_db_error(char *text, char *error, size_t error_size)
{
    int result = -EIO;
    assert(text != NULL);
    if (strstr(text, "No space left") != NULL)
        result = -ENOSPC;
    else if (strncmp(text, "Corruption", 10) == 0)
        result = -EBADMSG;
    else if (strstr(text, "While lock file") != NULL || strstr(text, "lock hold") != NULL)
        result = -EBUSY;
    if (error != NULL)
        snprintf(error, error_size, "%s", text);
    rocksdb_free(text);
    return result;
}

/* --- keys and values --- */

static void put_u64(char *at, uint64_t number)
{
    number = __builtin_bswap64(number);
    memcpy(at, &number, sizeof(number));
}

static uint64_t get_u64(const char *at)
{
    uint64_t number;
    memcpy(&number, at, sizeof(number));
    return __builtin_bswap64(number);
}
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers on disk are big endian");

void ledger_db_key(const struct ledger_ref *ref, enum ledger_key_kind kind, char key[LEDGER_KEY])
{
    assert(ref->created_at_ms >= 0);
    put_u64(key, (uint64_t)ref->created_at_ms);
    put_u64(key + 8, ref->sequence);
    key[16] = (char)kind;
}

struct ledger_ref ledger_db_ref(const char *key)
{
    return (struct ledger_ref){(int64_t)get_u64(key), get_u64(key + 8)};
}

int ledger_db_get(struct ledger_db *db, rocksdb_column_family_handle_t *handle, const char *key,
                  size_t key_len, char **ret_value, size_t *ret_len)
{
    char *problem = NULL, *value;
    size_t len = 0;
    value = rocksdb_get_cf(db->db, db->read, handle, key, key_len, &len, &problem);
    if (problem != NULL)
        return ledger_db_error(problem, NULL, 0);
    if (value == NULL)
        return 0;
    *ret_value = value;
    *ret_len = len;
    return 1;
}

/* A value of exactly len bytes. 1, 0 when absent, -EBADMSG when it has another length. */
static int get_fixed(struct ledger_db *db, const char *key, char *bytes, size_t len)
{
    char *value = NULL;
    size_t got = 0;
    int found = ledger_db_get(db, db->meta, key, strlen(key), &value, &got);
    if (found <= 0)
        return found;
    if (got == len)
        memcpy(bytes, value, len);
    rocksdb_free(value);
    return got == len ? 1 : -EBADMSG;
}

static void lane_key(unsigned lane, char key[LEDGER_NAME_MAX])
{
    assert(lane < LEDGER_LANES_MAX);
    snprintf(key, LEDGER_NAME_MAX, "lane/%03u", lane);
}

int ledger_db_get_lane(struct ledger_db *db, unsigned lane, uint64_t *ret_position,
                       int64_t *ret_created_at_ms)
{
    char key[LEDGER_NAME_MAX], value[16];
    int found;
    lane_key(lane, key);
    found = get_fixed(db, key, value, sizeof(value));
    if (found <= 0)
        return found;
    *ret_position = get_u64(value);
    *ret_created_at_ms = (int64_t)get_u64(value + 8);
    return 1;
}

void ledger_db_put_lane(struct ledger_db *db, rocksdb_writebatch_t *batch, unsigned lane,
                        uint64_t position, int64_t created_at_ms)
{
    char key[LEDGER_NAME_MAX], value[16];
    lane_key(lane, key);
    put_u64(value, position);
    put_u64(value + 8, (uint64_t)created_at_ms);
    rocksdb_writebatch_put_cf(batch, db->meta, key, strlen(key), value, sizeof(value));
}

int ledger_db_get_boot(struct ledger_db *db, uint64_t *ret_boot)
{
    char value[8];
    int found = get_fixed(db, "boot", value, sizeof(value));
    if (found == 1)
        *ret_boot = get_u64(value);
    return found;
}

void ledger_db_put_boot(struct ledger_db *db, rocksdb_writebatch_t *batch, uint64_t boot)
{
    char value[8];
    put_u64(value, boot);
    rocksdb_writebatch_put_cf(batch, db->meta, "boot", 4, value, sizeof(value));
}

int ledger_db_write(struct ledger_db *db, rocksdb_writebatch_t *batch)
{
    char *problem = NULL;
    rocksdb_write(db->db, db->write, batch, &problem);
    return problem == NULL ? 0 : ledger_db_error(problem, NULL, 0);
}

int ledger_db_sync(struct ledger_db *db)
{
    char *problem = NULL;
    rocksdb_flush_wal(db->db, 1, &problem);
    return problem == NULL ? 0 : ledger_db_error(problem, NULL, 0);
}

/* --- months --- */

/* Keeps the months in order. take: handle, also on failure. */
static int add_month_locked(struct ledger_db *db, int64_t from_ms, int64_t to_ms,
                            rocksdb_column_family_handle_t *handle)
{
    size_t at = db->month_count;
    if (db->month_count == db->month_room) {
        size_t room = db->month_room == 0 ? 16 : 2 * db->month_room;
        struct ledger_month *months = realloc(db->months, room * sizeof(*months));
        if (months == NULL) {
            rocksdb_column_family_handle_destroy(handle);
            return -ENOMEM;
        }
        db->months = months;
        db->month_room = room;
    }
    for (; at > 0 && db->months[at - 1].from_ms > from_ms; at--)
        db->months[at] = db->months[at - 1];
    db->months[at] = (struct ledger_month){from_ms, to_ms, handle};
    db->month_count++;
    db->month_last = at;
    return 0;
}

/* take: handle, also on failure. */
static int add_month(struct ledger_db *db, int64_t from_ms, int64_t to_ms,
                     rocksdb_column_family_handle_t *handle)
{
    int result;
    pthread_mutex_lock(&db->months_lock);
    result = add_month_locked(db, from_ms, to_ms, handle);
    pthread_mutex_unlock(&db->months_lock);
    return result;
}

int ledger_db_copy_months(struct ledger_db *db, int64_t from_ms, int64_t to_ms,
                          struct ledger_month **ret_months, size_t *ret_count)
{
    struct ledger_month *months = NULL;
    size_t count = 0;
    int result = 0;
    pthread_mutex_lock(&db->months_lock);
    if (db->month_count > 0)
        months = malloc(db->month_count * sizeof(*months));
    if (db->month_count > 0 && months == NULL)
        result = -ENOMEM;
    for (size_t i = 0; i < db->month_count && result == 0; i++)
        if (db->months[i].from_ms < to_ms && from_ms < db->months[i].to_ms)
            months[count++] = db->months[i];
    pthread_mutex_unlock(&db->months_lock);
    if (result < 0)
        return result;
    *ret_months = months;
    *ret_count = count;
    return 0;
}

int ledger_db_month(struct ledger_db *db, int64_t created_at_ms,
                    rocksdb_column_family_handle_t **ret_handle)
{
    rocksdb_column_family_handle_t *handle;
    char name[LEDGER_MONTH_NAME], *problem = NULL;
    int64_t from_ms, to_ms;
    int result;

    for (size_t i = 0; i < db->month_count; i++) {
        size_t at = (db->month_last + i) % db->month_count;
        const struct ledger_month *month = &db->months[at];
        if (month->from_ms <= created_at_ms && created_at_ms < month->to_ms) {
            db->month_last = at;
            *ret_handle = month->handle;
            return 0;
        }
    }
    ledger_month_range(created_at_ms, &from_ms, &to_ms);
    ledger_month_name(created_at_ms, name);
    handle = rocksdb_create_column_family(db->db, db->options, name, &problem);
    if (problem != NULL) {
        if (handle != NULL)
            rocksdb_column_family_handle_destroy(handle);
        return ledger_db_error(problem, NULL, 0);
    }
    result = add_month(db, from_ms, to_ms, handle);
    if (result == 0)
        *ret_handle = handle;
    return result;
}

/* --- opening --- */

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

void ledger_db_close(struct ledger_db *db)
{
    if (db == NULL)
        return;
    for (size_t i = 0; i < db->month_count; i++)
        rocksdb_column_family_handle_destroy(db->months[i].handle);
    free(db->months);
    if (db->meta != NULL)
        rocksdb_column_family_handle_destroy(db->meta);
    if (db->holds != NULL)
        rocksdb_column_family_handle_destroy(db->holds);
    if (db->pending != NULL)
        rocksdb_column_family_handle_destroy(db->pending);
    if (db->ids != NULL)
        rocksdb_column_family_handle_destroy(db->ids);
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

/* Names of the families to open. Those that every ledger has come first: they are asked for even
 * where they do not exist yet, so that a start that died half-way is made good, and so that a
 * ledger from before there were ids gets its index. A secondary cannot make what is missing and
 * does not need the ids. */
enum { FAMILY_META, FAMILY_HOLDS, FAMILY_PENDING, FAMILY_IDS, FAMILIES_ALWAYS };

static const char *const always_names[FAMILIES_ALWAYS] = {
    [FAMILY_META] = "default",
    [FAMILY_HOLDS] = "holds",
    [FAMILY_PENDING] = "pending",
    [FAMILY_IDS] = "ids",
};

struct families {
    const char *names[FAMILIES_MAX];
    const rocksdb_options_t *options[FAMILIES_MAX];
    rocksdb_column_family_handle_t *handles[FAMILIES_MAX];
    char **listed;
    size_t listed_count;
    int count, always;
};

static bool is_always(const char *name)
{
    for (int i = 0; i < FAMILIES_ALWAYS; i++)
        if (strcmp(name, always_names[i]) == 0)
            return true;
    return false;
}

static int list_families(struct ledger_db *db, const char *path, bool secondary,
                         struct families *families, char *error, size_t error_size)
{
    char *problem = NULL;
    if (database_exists(path))
        families->listed =
            rocksdb_list_column_families(db->options, path, &families->listed_count, &problem);
    if (problem != NULL) {
        families->listed = NULL;
        return ledger_db_error(problem, error, error_size);
    }
    families->always = secondary ? FAMILY_IDS : FAMILIES_ALWAYS;
    for (int i = 0; i < families->always; i++)
        families->names[families->count++] = always_names[i];
    for (size_t i = 0; i < families->listed_count; i++) {
        const char *name = families->listed[i];
        if (is_always(name))
            continue;
        if (families->count == FAMILIES_MAX) {
            snprintf(error, error_size, "more than %d column families", (int)FAMILIES_MAX);
            return -EBADMSG;
        }
        families->names[families->count++] = name;
    }
    for (int i = 0; i < families->count; i++)
        families->options[i] =
            i == FAMILY_HOLDS || (i == FAMILY_IDS && !secondary) ? db->holds_options : db->options;
    db->family_count = families->listed_count;
    return 0;
}

/* Sorts the opened handles to their places. A family that is no month of ours can only come with
 * a format that we do not know, which is refused later; until then it is closed. */
static int keep_handles(struct ledger_db *db, struct families *families)
{
    int result = 0;
    db->meta = families->handles[FAMILY_META];
    db->holds = families->handles[FAMILY_HOLDS];
    db->pending = families->handles[FAMILY_PENDING];
    if (families->always == FAMILIES_ALWAYS)
        db->ids = families->handles[FAMILY_IDS];
    for (int i = families->always; i < families->count; i++) {
        int64_t from_ms, to_ms;
        const char *name = families->names[i];
        if (ledger_month_parse(name, strlen(name), &from_ms, &to_ms) < 0 || result < 0) {
            rocksdb_column_family_handle_destroy(families->handles[i]);
            continue;
        }
        result = add_month(db, from_ms, to_ms, families->handles[i]);
    }
    return result;
}

static int check_format(struct ledger_db *db, bool may_write, char *error, size_t error_size)
{
    char value[4], *problem = NULL;
    uint32_t format = __builtin_bswap32(LEDGER_FORMAT);
    int found = get_fixed(db, "format", value, sizeof(value));
    if (found < 0) {
        snprintf(error, error_size, "the ledger's format version cannot be read");
        return found;
    }
    if (found == 1) {
        memcpy(&format, value, sizeof(format));
        format = __builtin_bswap32(format);
        if (format == LEDGER_FORMAT)
            return 0;
        snprintf(error, error_size,
                 "the ledger has format %u, this build knows format %d: use a newer tollgate",
                 format, (int)LEDGER_FORMAT);
        return -EPROTO;
    }
    if (!may_write)
        return -EAGAIN; /* its writer is just creating it */
    memcpy(value, &format, sizeof(format));
    rocksdb_put_cf(db->db, db->write, db->meta, "format", 6, value, sizeof(value), &problem);
    return problem == NULL ? 0 : ledger_db_error(problem, error, error_size);
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
    return result < 0 ? result : check_format(db, scratch_path == NULL, error, error_size);
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
    rocksdb_flushoptions_t *options = rocksdb_flushoptions_create();
    char *problem = NULL;
    int result = 0;
    rocksdb_flushoptions_set_wait(options, 1);
    for (size_t i = 0; i < db->month_count + FAMILIES_ALWAYS && result == 0; i++) {
        rocksdb_column_family_handle_t *fixed[FAMILIES_ALWAYS] = {db->holds, db->pending, db->ids,
                                                                  db->meta};
        rocksdb_flush_cf(db->db, options,
                         i < db->month_count ? db->months[i].handle : fixed[i - db->month_count],
                         &problem);
        if (problem != NULL)
            result = ledger_db_error(problem, NULL, 0);
    }
    rocksdb_flushoptions_destroy(options);
    return result;
}
