#include "accounting/ledger_ids.h"

#include "accounting/ledger_proof.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

uint64_t ledger_ids_hash(struct text id)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < id.len; i++)
        hash = (hash ^ (unsigned char)id.bytes[i]) * UINT64_C(0x100000001b3);
    return (hash ^ hash >> 32) * UINT64_C(0x9e3779b97f4a7c15);
}

static void make_key(uint64_t hash, const struct ledger_ref *ref, char key[LEDGER_IDS_KEY])
{
    char row_key[LEDGER_KEY];
    hash = __builtin_bswap64(hash);
    memcpy(key, &hash, sizeof(hash));
    ledger_db_key(ref, LEDGER_KEY_ROW, row_key);
    memcpy(key + sizeof(hash), row_key, LEDGER_IDS_KEY - sizeof(hash));
}
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers on disk are big endian");

static size_t put(struct ledger_db *db, rocksdb_writebatch_t *batch, const struct ledger_ref *ref,
                  struct text id)
{
    char key[LEDGER_IDS_KEY];
    if (id.len == 0)
        return 0;
    make_key(ledger_ids_hash(id), ref, key);
    rocksdb_writebatch_put_cf(batch, db->ids, key, sizeof(key), "", 0);
    return sizeof(key);
}

size_t ledger_ids_put(struct ledger_db *db, rocksdb_writebatch_t *batch,
                      const struct ledger_ref *ref, const struct ledger_row *row)
{
    bool same = row->id.len == row->upstream_id.len && row->id.len > 0 &&
                memcmp(row->id.bytes, row->upstream_id.bytes, row->id.len) == 0;
    size_t bytes = put(db, batch, ref, row->id);
    assert(db->ids != NULL);
    return same ? bytes : bytes + put(db, batch, ref, row->upstream_id);
}

static int visit(rocksdb_iterator_t *iterator, int (*fn)(void *arg, const struct ledger_ref *ref),
                 void *arg)
{
    size_t len;
    const char *key = rocksdb_iter_key(iterator, &len);
    struct ledger_ref ref;
    if (len != LEDGER_IDS_KEY)
        return -EBADMSG;
    ref = ledger_db_ref(key + sizeof(uint64_t));
    return fn(arg, &ref);
}

int ledger_ids_find(struct ledger_db *db, struct text id,
                    int (*fn)(void *arg, const struct ledger_ref *ref), void *arg)
{
    const struct ledger_ref last = {INT64_MAX, UINT64_MAX};
    char from[LEDGER_IDS_KEY], *problem = NULL;
    rocksdb_iterator_t *iterator;
    int result = 0;
    assert(db->ids != NULL);
    make_key(ledger_ids_hash(id), &last, from);
    iterator = rocksdb_create_iterator_cf(db->db, db->read, db->ids);
    rocksdb_iter_seek_for_prev(iterator, from, sizeof(from));
    for (; result == 0 && rocksdb_iter_valid(iterator); rocksdb_iter_prev(iterator)) {
        size_t len;
        const char *key = rocksdb_iter_key(iterator, &len);
        if (len < sizeof(uint64_t) || memcmp(key, from, sizeof(uint64_t)) != 0)
            break;
        result = visit(iterator, fn, arg);
    }
    rocksdb_iter_get_error(iterator, &problem);
    rocksdb_iter_destroy(iterator);
    if (problem != NULL)
        return ledger_db_error(problem, NULL, 0);
    return result;
}
