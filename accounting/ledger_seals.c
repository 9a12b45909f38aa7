#include "accounting/ledger_seals.h"

#include "accounting/ledger_month.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* A head that stands under another month's name is none of that month's. */
static int parse(const char *name, size_t name_len, const char *text, size_t len,
                 struct seal *ret_seal)
{
    struct seal seal;
    int result = seal_parse(text, len, &seal);
    if (result < 0)
        return result;
    if (strlen(seal.month) != name_len || memcmp(seal.month, name, name_len) != 0)
        return -EBADMSG;
    *ret_seal = seal;
    return 0;
}

int ledger_seals_get(const struct ledger_view *view, int64_t month_from_ms, struct seal *ret_seal)
{
    char name[LEDGER_MONTH_NAME], *text;
    size_t len;
    int found;
    if (view->db == NULL || view->db->seals == NULL)
        return -ENOENT;
    ledger_month_name(month_from_ms, name);
    found = ledger_db_get(view->db, view->db->seals, name, strlen(name), &text, &len);
    if (found <= 0)
        return found < 0 ? found : -ENOENT;
    found = parse(name, strlen(name), text, len, ret_seal);
    rocksdb_free(text);
    return found;
}

int ledger_seals_last(const struct ledger_view *view, int64_t before_ms, struct seal *ret_seal)
{
    rocksdb_iterator_t *iterator;
    char name[LEDGER_MONTH_NAME], *problem = NULL;
    int result = -ENOENT;
    if (view->db == NULL || view->db->seals == NULL)
        return -ENOENT;
    ledger_month_name(before_ms, name);
    iterator = rocksdb_create_iterator_cf(view->db->db, view->db->read, view->db->seals);
    rocksdb_iter_seek_for_prev(iterator, name, strlen(name));
    if (rocksdb_iter_valid(iterator)) {
        size_t len;
        const char *at = rocksdb_iter_key(iterator, &len);
        if (len == strlen(name) && memcmp(at, name, len) == 0)
            rocksdb_iter_prev(iterator);
    }
    if (rocksdb_iter_valid(iterator)) {
        size_t len, text_len;
        const char *at = rocksdb_iter_key(iterator, &len);
        const char *text = rocksdb_iter_value(iterator, &text_len);
        result = parse(at, len, text, text_len, ret_seal);
    }
    rocksdb_iter_get_error(iterator, &problem);
    rocksdb_iter_destroy(iterator);
    return problem == NULL ? result : ledger_db_error(problem, NULL, 0);
}

int ledger_seals_put(const struct ledger_view *view, const struct seal *seal)
{
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    char text[SEAL_TEXT_MAX];
    size_t len = seal_print(seal, true, text);
    int result;
    rocksdb_writebatch_put_cf(batch, view->db->seals, seal->month, strlen(seal->month), text, len);
    result = ledger_db_write(view->db, batch);
    rocksdb_writebatch_destroy(batch);
    return result < 0 ? result : ledger_db_sync(view->db);
}
