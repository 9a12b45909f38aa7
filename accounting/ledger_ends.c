#include "accounting/ledger_ends.h"

#include "accounting/ledger_ids.h"
#include "accounting/ledger_reader.h"
#include "accounting/places.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static const char prefix[] = "end/";
enum { PREFIX = sizeof(prefix) - 1, END_KEY = PREFIX + 5, END_VALUE = 16 };
_Static_assert(LEDGER_KEY == END_VALUE + 1, "a value is a key without its kind");

static void make_key(const struct ledger_ref *ref, char key[END_KEY])
{
    uint32_t boot = __builtin_bswap32(places_boot(ref));
    memcpy(key, prefix, PREFIX);
    memcpy(key + PREFIX, &boot, sizeof(boot));
    key[PREFIX + 4] = (char)places_lane(ref);
}

void ledger_ends_put(struct ledger_db *db, rocksdb_writebatch_t *batch,
                     const struct ledger_ref *last)
{
    char key[END_KEY], value[LEDGER_KEY];
    make_key(last, key);
    ledger_db_key(last, LEDGER_KEY_ROW, value);
    rocksdb_writebatch_put_cf(batch, db->meta, key, sizeof(key), value, END_VALUE);
}

static bool is_end(const rocksdb_iterator_t *iterator)
{
    size_t len;
    const char *key = rocksdb_iter_key(iterator, &len);
    return len >= PREFIX && memcmp(key, prefix, PREFIX) == 0;
}

/* -EBADMSG where it names a place that is none of its own lane: it was not written by us. */
static int read_end(const rocksdb_iterator_t *iterator, struct ledger_ref *ret_ref)
{
    char expected[END_KEY];
    size_t key_len, len;
    const char *key = rocksdb_iter_key(iterator, &key_len);
    const char *value = rocksdb_iter_value(iterator, &len);
    struct ledger_ref ref;
    if (key_len != END_KEY || len != END_VALUE)
        return -EBADMSG;
    ref = ledger_db_ref(value);
    make_key(&ref, expected);
    if (memcmp(key, expected, END_KEY) != 0)
        return -EBADMSG;
    *ret_ref = ref;
    return 0;
}

static int close_iterator(rocksdb_iterator_t *iterator, int result)
{
    char *problem = NULL;
    rocksdb_iter_get_error(iterator, &problem);
    rocksdb_iter_destroy(iterator);
    if (problem == NULL)
        return result;
    return ledger_db_error(problem, NULL, 0);
}

int ledger_ends_each(struct ledger_db *db, int64_t from_ms, int64_t to_ms,
                     int (*fn)(void *arg, const struct ledger_ref *last), void *arg)
{
    rocksdb_iterator_t *iterator = rocksdb_create_iterator_cf(db->db, db->read, db->meta);
    int result = 0;
    rocksdb_iter_seek(iterator, prefix, PREFIX);
    for (; result == 0 && rocksdb_iter_valid(iterator) && is_end(iterator);
         rocksdb_iter_next(iterator)) {
        struct ledger_ref ref;
        result = read_end(iterator, &ref);
        if (result == 0 && ref.created_at_ms >= from_ms && ref.created_at_ms < to_ms)
            result = fn(arg, &ref);
    }
    return close_iterator(iterator, result);
}

int ledger_ends_drop(struct ledger_db *db, rocksdb_writebatch_t *batch, int64_t before_ms)
{
    rocksdb_iterator_t *iterator = rocksdb_create_iterator_cf(db->db, db->read, db->meta);
    int result = 0;
    rocksdb_iter_seek(iterator, prefix, PREFIX);
    for (; result == 0 && rocksdb_iter_valid(iterator) && is_end(iterator);
         rocksdb_iter_next(iterator)) {
        struct ledger_ref ref;
        size_t len;
        const char *key = rocksdb_iter_key(iterator, &len);
        result = read_end(iterator, &ref);
        if (result == 0 && ref.created_at_ms < before_ms)
            rocksdb_writebatch_delete_cf(batch, db->meta, key, len);
    }
    return close_iterator(iterator, result);
}

int ledger_ends_ids(struct ledger_db *db, int64_t from_ms, int64_t to_ms,
                    int (*fn)(void *arg, uint64_t hash, const struct ledger_ref *ref), void *arg)
{
    rocksdb_iterator_t *iterator;
    int result = 0;
    if (db->ids == NULL)
        return 0;
    iterator = rocksdb_create_iterator_cf(db->db, db->read, db->ids);
    for (rocksdb_iter_seek_to_first(iterator); result == 0 && rocksdb_iter_valid(iterator);
         rocksdb_iter_next(iterator)) {
        size_t len;
        const char *key = rocksdb_iter_key(iterator, &len);
        struct ledger_ref ref;
        uint64_t hash;
        if (len != LEDGER_IDS_KEY) {
            result = -EBADMSG;
            break;
        }
        memcpy(&hash, key, sizeof(hash));
        ref = ledger_db_ref(key + sizeof(hash));
        if (ref.created_at_ms >= from_ms && ref.created_at_ms < to_ms)
            result = fn(arg, __builtin_bswap64(hash), &ref);
    }
    return close_iterator(iterator, result);
}

int ledger_reader_early(struct ledger_reader *reader, uint32_t *ret_boot)
{
    struct ledger_view view;
    uint64_t boot = 0;
    int found = ledger_reader_begin(reader, &view);
    if (found < 0)
        return found;
    if (view.db != NULL)
        found = ledger_db_get_early(view.db, &boot);
    ledger_view_release(&view);
    *ret_boot = (uint32_t)boot;
    return found;
}
