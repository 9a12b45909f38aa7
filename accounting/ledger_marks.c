#include "accounting/ledger_marks.h"

#include "accounting/ledger_month.h"
#include "accounting/ledger_proof.h"
#include "accounting/ledger_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char prefix[] = "marks/";
enum { PREFIX = sizeof(prefix) - 1, MARKS_KEY = PREFIX + LEDGER_MONTH_NAME - 1 };

static void make_key(const char *month, char key[MARKS_KEY])
{
    memcpy(key, prefix, PREFIX);
    memcpy(key + PREFIX, month, LEDGER_MONTH_NAME - 1);
}

int ledger_marks_put(const struct ledger_view *view, const char *month,
                     const struct tree_marks *marks)
{
    rocksdb_writebatch_t *batch;
    char key[MARKS_KEY];
    uint8_t *bytes;
    size_t len;
    int result = tree_marks_encode(marks, &bytes, &len);
    if (result < 0)
        return result;
    make_key(month, key);
    batch = rocksdb_writebatch_create();
    rocksdb_writebatch_put_cf(batch, view->db->seals, key, sizeof(key), (const char *)bytes, len);
    result = ledger_db_write(view->db, batch);
    rocksdb_writebatch_destroy(batch);
    free(bytes);
    return result;
}

void ledger_marks_drop(struct ledger_db *db, rocksdb_writebatch_t *batch, const char *month)
{
    char key[MARKS_KEY];
    make_key(month, key);
    rocksdb_writebatch_delete_cf(batch, db->seals, key, sizeof(key));
}

static int read_marks(const struct ledger_view *view, const char *month, uint8_t **ret_bytes,
                      size_t *ret_len)
{
    char key[MARKS_KEY], *value;
    size_t len;
    int found;
    if (view->db == NULL || view->db->seals == NULL)
        return -ENOENT;
    make_key(month, key);
    found = ledger_db_get(view->db, view->db->seals, key, sizeof(key), &value, &len);
    if (found <= 0)
        return found < 0 ? found : -ENOENT;
    *ret_bytes = malloc(len > 0 ? len : 1);
    if (*ret_bytes != NULL)
        memcpy(*ret_bytes, value, len);
    rocksdb_free(value);
    *ret_len = len;
    return *ret_bytes != NULL ? 0 : -ENOMEM;
}

int ledger_reader_marks(struct ledger_reader *reader, int64_t month_from_ms, uint8_t **ret_bytes,
                        size_t *ret_len)
{
    char name[LEDGER_MONTH_NAME];
    struct ledger_view view;
    int result = ledger_reader_begin(reader, &view);
    if (result < 0)
        return result;
    ledger_month_name(month_from_ms, name);
    result = read_marks(&view, name, ret_bytes, ret_len);
    ledger_view_release(&view);
    return result;
}
