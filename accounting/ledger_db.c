#include "accounting/ledger_db.h"

#include "accounting/ledger_month.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
    return ledger_db_get_at(db, db->read, handle, key, key_len, ret_value, ret_len);
}

int ledger_db_get_at(struct ledger_db *db, const rocksdb_readoptions_t *read,
                     rocksdb_column_family_handle_t *handle, const char *key, size_t key_len,
                     char **ret_value, size_t *ret_len)
{
    char *problem = NULL, *value;
    size_t len = 0;
    value = rocksdb_get_cf(db->db, read, handle, key, key_len, &len, &problem);
    if (problem != NULL)
        return ledger_db_error(problem, NULL, 0);
    if (value == NULL)
        return 0;
    *ret_value = value;
    *ret_len = len;
    return 1;
}

/* A value of exactly len bytes. 1, 0 when absent, -EBADMSG when it has another length. */
static int get_fixed_at(struct ledger_db *db, const rocksdb_readoptions_t *read, const char *key,
                        size_t key_len, char *bytes, size_t len)
{
    char *value = NULL;
    size_t got = 0;
    int found = ledger_db_get_at(db, read, db->meta, key, key_len, &value, &got);
    if (found <= 0)
        return found;
    if (got == len)
        memcpy(bytes, value, len);
    rocksdb_free(value);
    return got == len ? 1 : -EBADMSG;
}

static int get_fixed(struct ledger_db *db, const char *key, char *bytes, size_t len)
{
    return get_fixed_at(db, db->read, key, strlen(key), bytes, len);
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

/* --- hours and marks --- */

enum { HOUR_PREFIX_MAX = 8 };

const char *ledger_db_hour_prefix(enum ledger_hour_counter counter)
{
    return counter == LEDGER_HOUR_CHANGED ? "changed/" : "rolled/";
}

void ledger_db_hour_key(int64_t hour_ms, char key[LEDGER_HOUR_KEY])
{
    assert(hour_ms >= 0 && hour_ms % LEDGER_HOUR_MS == 0);
    put_u64(key, (uint64_t)hour_ms);
}

static size_t counter_key(enum ledger_hour_counter counter, int64_t hour_ms,
                          char key[HOUR_PREFIX_MAX + LEDGER_HOUR_KEY])
{
    const char *prefix = ledger_db_hour_prefix(counter);
    size_t len = strlen(prefix);
    memcpy(key, prefix, len);
    ledger_db_hour_key(hour_ms, key + len);
    return len + LEDGER_HOUR_KEY;
}

bool ledger_db_is_hour(enum ledger_hour_counter counter, const char *key, size_t len,
                       int64_t *ret_hour_ms)
{
    const char *prefix = ledger_db_hour_prefix(counter);
    size_t prefix_len = strlen(prefix);
    uint64_t hour_ms;
    if (len != prefix_len + LEDGER_HOUR_KEY || memcmp(key, prefix, prefix_len) != 0)
        return false;
    hour_ms = get_u64(key + prefix_len);
    if (hour_ms >= LEDGER_TIME_END_MS || hour_ms % LEDGER_HOUR_MS != 0)
        return false;
    *ret_hour_ms = (int64_t)hour_ms;
    return true;
}

int ledger_db_get_hour(struct ledger_db *db, const rocksdb_readoptions_t *read,
                       enum ledger_hour_counter counter, int64_t hour_ms, uint64_t *ret_count)
{
    char key[HOUR_PREFIX_MAX + LEDGER_HOUR_KEY], value[8];
    size_t len = counter_key(counter, hour_ms, key);
    int found = get_fixed_at(db, read != NULL ? read : db->read, key, len, value, sizeof(value));
    if (found >= 0)
        *ret_count = found == 1 ? get_u64(value) : 0;
    return found;
}

void ledger_db_put_hour(struct ledger_db *db, rocksdb_writebatch_t *batch,
                        enum ledger_hour_counter counter, int64_t hour_ms, uint64_t count)
{
    char key[HOUR_PREFIX_MAX + LEDGER_HOUR_KEY], value[8];
    size_t len = counter_key(counter, hour_ms, key);
    put_u64(value, count);
    rocksdb_writebatch_put_cf(batch, db->meta, key, len, value, sizeof(value));
}

void ledger_db_delete_hour(struct ledger_db *db, rocksdb_writebatch_t *batch,
                           enum ledger_hour_counter counter, int64_t hour_ms)
{
    char key[HOUR_PREFIX_MAX + LEDGER_HOUR_KEY];
    size_t len = counter_key(counter, hour_ms, key);
    rocksdb_writebatch_delete_cf(batch, db->meta, key, len);
}

int ledger_db_get_closing(struct ledger_db *db, int64_t *ret_ms)
{
    char value[8];
    int found = get_fixed(db, "closing", value, sizeof(value));
    if (found >= 0)
        *ret_ms = found == 1 ? (int64_t)get_u64(value) : 0;
    return found < 0 ? found : 0;
}

void ledger_db_put_closing(struct ledger_db *db, rocksdb_writebatch_t *batch, int64_t ms)
{
    char value[8];
    put_u64(value, (uint64_t)ms);
    rocksdb_writebatch_put_cf(batch, db->meta, "closing", 7, value, sizeof(value));
}

int ledger_db_get_format(struct ledger_db *db, uint32_t *ret_format)
{
    char value[4];
    int found = get_fixed(db, "format", value, sizeof(value));
    if (found == 1) {
        memcpy(ret_format, value, sizeof(value));
        *ret_format = __builtin_bswap32(*ret_format);
    }
    return found;
}

void ledger_db_put_format(struct ledger_db *db, rocksdb_writebatch_t *batch, uint32_t format)
{
    char value[4];
    format = __builtin_bswap32(format);
    memcpy(value, &format, sizeof(value));
    rocksdb_writebatch_put_cf(batch, db->meta, "format", 6, value, sizeof(value));
}

int ledger_db_get_early(struct ledger_db *db, uint64_t *ret_boot)
{
    uint32_t format = 0;
    char value[8];
    int found = ledger_db_get_format(db, &format);
    if (found <= 0)
        return found;
    if (format < LEDGER_FORMAT)
        return ledger_db_get_boot(db, ret_boot);
    found = get_fixed(db, "early", value, sizeof(value));
    if (found == 1)
        *ret_boot = get_u64(value);
    return found;
}

void ledger_db_put_early(struct ledger_db *db, rocksdb_writebatch_t *batch, uint64_t boot)
{
    char value[8];
    put_u64(value, boot);
    rocksdb_writebatch_put_cf(batch, db->meta, "early", 5, value, sizeof(value));
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
