/* ledger_reader_rows.c - what readers read: rows, as they are or as they are stored, one row, what
 * is still open, months. */
#include "accounting/ledger_reader.h"

#include "accounting/ledger_close.h"
#include "accounting/ledger_ends.h"
#include "accounting/ledger_month.h"
#include "accounting/ledger_proof.h"
#include "accounting/ledger_seals.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- rows --- */

static int scan_with(struct ledger_reader *reader, struct ledger_scan *scan)
{
    struct ledger_view view;
    int result = ledger_reader_begin(reader, &view);
    if (result < 0)
        return result;
    memcpy(scan->stop, view.stop, sizeof(scan->stop));
    if (view.db != NULL)
        result = ledger_scan_all(scan, view.db);
    ledger_view_release(&view);
    return result;
}

int ledger_reader_rows(struct ledger_reader *reader, int64_t from_ms, int64_t to_ms,
                       int (*fn)(void *arg, const struct ledger_row *row), void *arg)
{
    struct ledger_scan scan = {.from_ms = from_ms, .to_ms = to_ms, .fn = fn, .arg = arg};
    return scan_with(reader, &scan);
}

int ledger_reader_raw(struct ledger_reader *reader, int64_t from_ms, int64_t to_ms,
                      int (*fn)(void *arg, const struct ledger_ref *ref, const uint8_t *bytes,
                                size_t len),
                      void *arg)
{
    struct ledger_scan scan = {.from_ms = from_ms, .to_ms = to_ms, .raw = fn, .arg = arg};
    return scan_with(reader, &scan);
}

int ledger_reader_find(struct ledger_reader *reader, struct text id,
                       uint8_t buffer[ROW_ENCODED_MAX], struct ledger_row *ret_row)
{
    struct ledger_view view;
    int result = ledger_reader_begin(reader, &view);
    if (result < 0)
        return result;
    result = ledger_view_find(&view, id, (struct text){NULL, 0}, true, buffer, ret_row);
    ledger_view_release(&view);
    return result;
}

/* --- what is open --- */

struct open_items {
    const struct ledger_view *view;
    int (*fn)(void *arg, bool is_hold, const struct ledger_ref *ref, const struct ledger_row *row);
    void *arg;
};

static int give_hold(void *arg, const struct ledger_entry *entry)
{
    const struct open_items *items = arg;
    struct ledger_row row;
    bool readable;
    if (entry->kind != LEDGER_KEY_HOLD)
        return 0;
    readable = row_decode(entry->value, entry->len, &row) == 0;
    return items->fn(items->arg, true, &entry->ref, readable ? &row : NULL);
}

static int give_pending(void *arg, const struct ledger_entry *entry)
{
    const struct open_items *items = arg;
    struct ledger_row row;
    char *value = NULL;
    size_t len = 0;
    bool readable;
    int result = ledger_view_row(items->view, &entry->ref, &value, &len);
    if (result < 0 && result != -EBADMSG)
        return result;
    readable = result == 1 && row_decode((const uint8_t *)value, len, &row) == 0;
    result = items->fn(items->arg, false, &entry->ref, readable ? &row : NULL);
    if (value != NULL)
        rocksdb_free(value);
    return result;
}

int ledger_reader_open_items(struct ledger_reader *reader, int64_t from_ms, int64_t to_ms,
                             int (*fn)(void *arg, bool is_hold, const struct ledger_ref *ref,
                                       const struct ledger_row *row),
                             void *arg)
{
    struct ledger_view view;
    struct open_items items = {&view, fn, arg};
    int result = ledger_reader_begin(reader, &view);
    if (result < 0 || view.db == NULL)
        return result;
    result = ledger_view_each(&view, view.db->holds, from_ms, to_ms, give_hold, &items);
    if (result == 0)
        result = ledger_view_each(&view, view.db->pending, from_ms, to_ms, give_pending, &items);
    ledger_view_release(&view);
    return result;
}

/* --- proofs --- */

int ledger_reader_ends(struct ledger_reader *reader, int64_t from_ms, int64_t to_ms,
                       int (*fn)(void *arg, const struct ledger_ref *last), void *arg)
{
    struct ledger_view view;
    int result = ledger_reader_begin(reader, &view);
    if (result < 0 || view.db == NULL)
        return result;
    result = ledger_ends_each(view.db, from_ms, to_ms, fn, arg);
    ledger_view_release(&view);
    return result;
}

int ledger_reader_ids(struct ledger_reader *reader, int64_t from_ms, int64_t to_ms,
                      int (*fn)(void *arg, uint64_t hash, const struct ledger_ref *ref), void *arg)
{
    struct ledger_view view;
    int result = ledger_reader_begin(reader, &view);
    if (result < 0 || view.db == NULL)
        return result;
    result = ledger_ends_ids(view.db, from_ms, to_ms, fn, arg);
    ledger_view_release(&view);
    return result;
}

int ledger_reader_seal(struct ledger_reader *reader, int64_t month_from_ms, struct seal *ret_seal)
{
    struct ledger_view view;
    int result = ledger_reader_begin(reader, &view);
    if (result < 0)
        return result;
    result = ledger_seals_get(&view, month_from_ms, ret_seal);
    ledger_view_release(&view);
    return result;
}

int ledger_reader_closed_before(struct ledger_reader *reader, int64_t *ret_ms)
{
    struct ledger_view view;
    int result = ledger_reader_begin(reader, &view);
    if (result < 0)
        return result;
    *ret_ms = 0;
    if (view.db != NULL)
        result = ledger_db_get_closing(view.db, ret_ms);
    ledger_view_release(&view);
    return result;
}

static int stop_at_row(void *arg, const struct ledger_ref *ref, const uint8_t *bytes, size_t len)
{
    (void)arg;
    (void)ref;
    (void)bytes;
    (void)len;
    return 1;
}

int ledger_reader_dropped(struct ledger_reader *reader, int64_t from_ms, struct seal *ret_seal)
{
    int64_t first_ms, end_ms;
    int result;
    ledger_month_range(from_ms, &first_ms, &end_ms);
    result = ledger_reader_seal(reader, first_ms, ret_seal);
    if (result < 0)
        return result == -ENOENT || result == -EBADMSG ? 0 : result;
    if (ret_seal->rows == 0)
        return 0;
    result = ledger_reader_raw(reader, first_ms, end_ms, stop_at_row, NULL);
    return result < 0 ? result : result == 0;
}

/* --- months --- */

struct month_list {
    int64_t *from_ms;
    size_t max, count;
};

static void add_month(struct month_list *list, int64_t from_ms)
{
    size_t at = list->count;
    for (; at > 0 && list->from_ms[at - 1] >= from_ms; at--)
        if (list->from_ms[at - 1] == from_ms)
            return;
    if (at == list->max)
        return;
    if (list->count == list->max)
        list->count--; /* the newest makes room */
    memmove(&list->from_ms[at + 1], &list->from_ms[at],
            (list->count - at) * sizeof(list->from_ms[0]));
    list->from_ms[at] = from_ms;
    list->count++;
}

static int add_months_with_rows(const struct ledger_view *view, struct month_list *list)
{
    struct ledger_month *months;
    size_t count;
    int result = ledger_db_copy_months(view->db, INT64_MIN, INT64_MAX, &months, &count);
    for (size_t i = 0; i < count && result == 0; i++) {
        bool has_rows;
        result = ledger_view_has_rows(view, &months[i], &has_rows);
        if (result == 0 && has_rows)
            add_month(list, months[i].from_ms);
    }
    free(months);
    return result;
}

static int add_months_with_seals(const struct ledger_view *view, struct month_list *list)
{
    rocksdb_iterator_t *iterator;
    char *problem = NULL;
    if (view->db->seals == NULL)
        return 0;
    iterator = rocksdb_create_iterator_cf(view->db->db, view->db->read, view->db->seals);
    for (rocksdb_iter_seek_to_first(iterator); rocksdb_iter_valid(iterator);
         rocksdb_iter_next(iterator)) {
        int64_t from_ms, to_ms;
        size_t len;
        const char *name = rocksdb_iter_key(iterator, &len);
        if (ledger_month_parse(name, len, &from_ms, &to_ms) == 0)
            add_month(list, from_ms);
    }
    rocksdb_iter_get_error(iterator, &problem);
    rocksdb_iter_destroy(iterator);
    return problem == NULL ? 0 : ledger_db_error(problem, NULL, 0);
}

int ledger_reader_months(struct ledger_reader *reader, int64_t *ret_from_ms, size_t max,
                         size_t *ret_count)
{
    struct month_list list = {ret_from_ms, max, 0};
    struct ledger_view view;
    int result = ledger_reader_begin(reader, &view);
    if (result < 0)
        return result;
    if (view.db != NULL)
        result = add_months_with_rows(&view, &list);
    if (result == 0 && view.db != NULL)
        result = add_months_with_seals(&view, &list);
    ledger_view_release(&view);
    if (result < 0)
        return result;
    *ret_count = list.count;
    return 0;
}
