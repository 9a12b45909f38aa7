/* ledger_drop.c - whole months leave the ledger when they have been closed and exported.
 *
 * What points at the rows goes first, the rows last: a run that dies half-way is made good by the
 * next one. The seals stay, so that the chain of heads does.
 */
#include "accounting/ledger_close.h"
#include "accounting/ledger_ends.h"
#include "accounting/ledger_ids.h"
#include "accounting/ledger_marks.h"
#include "accounting/ledger_month.h"
#include "accounting/ledger_seals.h"
#include "accounting/ledger_writer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_DELETES = 10000 };

/* Index entries are not in the order of time: all of them are looked at. */
static int drop_ids(const struct ledger_view *view, const struct ledger_month *month)
{
    struct ledger_db *db = view->db;
    rocksdb_iterator_t *iterator = rocksdb_create_iterator_cf(db->db, db->read, db->ids);
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    char *problem = NULL;
    int result = 0, count = 0;
    rocksdb_iter_seek_to_first(iterator);
    while (result == 0 && rocksdb_iter_valid(iterator)) {
        size_t len;
        const char *key = rocksdb_iter_key(iterator, &len);
        struct ledger_ref ref = {-1, 0};
        if (len == LEDGER_IDS_KEY)
            ref = ledger_db_ref(key + sizeof(uint64_t));
        if (ref.created_at_ms >= month->from_ms && ref.created_at_ms < month->to_ms) {
            rocksdb_writebatch_delete_cf(batch, db->ids, key, len);
            count++;
        }
        rocksdb_iter_next(iterator);
        if (count == BATCH_DELETES || (count > 0 && !rocksdb_iter_valid(iterator))) {
            result = ledger_db_write(db, batch);
            rocksdb_writebatch_clear(batch);
            count = 0;
        }
        if (ledger_view_stopped(view))
            result = -ECANCELED;
    }
    if (result == 0)
        rocksdb_iter_get_error(iterator, &problem);
    rocksdb_iter_destroy(iterator);
    rocksdb_writebatch_destroy(batch);
    return problem == NULL ? result : ledger_db_error(problem, NULL, 0);
}

/* Rollups and their counters, listed rows whose cost nobody will say any more, the ends of lanes,
 * and the marks of its tree. */
static int drop_small(const struct ledger_view *view, const struct ledger_month *month)
{
    struct ledger_db *db = view->db;
    const struct ledger_ref from = {month->from_ms, 0}, to = {month->to_ms, 0};
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    char key[LEDGER_KEY], end[LEDGER_KEY], name[LEDGER_MONTH_NAME];
    int result;
    ledger_month_name(month->from_ms, name);
    ledger_marks_drop(db, batch, name);
    for (int64_t hour_ms = month->from_ms; hour_ms < month->to_ms; hour_ms += LEDGER_HOUR_MS) {
        char hour[LEDGER_HOUR_KEY];
        ledger_db_hour_key(hour_ms, hour);
        rocksdb_writebatch_delete_cf(batch, db->rollups, hour, sizeof(hour));
        ledger_db_delete_hour(db, batch, LEDGER_HOUR_ROLLED, hour_ms);
        ledger_db_delete_hour(db, batch, LEDGER_HOUR_CHANGED, hour_ms);
    }
    ledger_db_key(&from, 0, key);
    ledger_db_key(&to, 0, end);
    rocksdb_writebatch_delete_range_cf(batch, db->pending, key, sizeof(key), end, sizeof(end));
    result = ledger_ends_drop(db, batch, month->to_ms);
    if (result == 0)
        result = ledger_db_write(db, batch);
    rocksdb_writebatch_destroy(batch);
    return result;
}

/* 1: a copy of its rows is named in a seal, or it never had any; 0: it must stay. */
static int may_go(const struct ledger_view *view, const struct ledger_month *month)
{
    struct seal seal;
    bool has_rows;
    int result = ledger_seals_get(view, month->from_ms, &seal);
    if (result == 0 && (seal.has_export || seal.rows > 0))
        return seal.has_export;
    if (result < 0 && result != -ENOENT)
        return result;
    result = ledger_view_has_rows(view, month, &has_rows);
    return result < 0 ? result : !has_rows;
}

/* 1: the oldest month was one that may go, and everything but its rows is gone; 0: it may not. */
static int prepare(struct ledger *ledger, int64_t keep_from_ms, int64_t *ret_month_ms)
{
    struct ledger_month *months = NULL;
    struct ledger_view view;
    size_t count = 0;
    int result = ledger_view_pin(ledger, NULL, &view);
    if (result < 0)
        return result;
    result = ledger_db_copy_months(view.db, 0, keep_from_ms, &months, &count);
    if (result == 0 && count > 0 && months[0].to_ms <= keep_from_ms &&
        months[0].to_ms <= ledger_closed_before(ledger)) {
        result = may_go(&view, &months[0]);
        if (result == 1) {
            *ret_month_ms = months[0].from_ms;
            result = drop_ids(&view, &months[0]);
            if (result == 0)
                result = drop_small(&view, &months[0]);
            result = result < 0 ? result : 1;
        }
    }
    ledger_view_release(&view);
    free(months);
    return result;
}

void ledger_forget_dropped_locked(struct ledger *ledger)
{
    pthread_mutex_lock(&ledger->read_lock);
    if (ledger->readers == 0 && ledger->db != NULL)
        ledger_db_forget_dropped(ledger->db);
    pthread_mutex_unlock(&ledger->read_lock);
}

/* The writer keeps the list of months, so it is kept out. */
static int drop_rows(struct ledger *ledger, int64_t month_ms)
{
    int result = -EIO;
    pthread_mutex_lock(&ledger->lock);
    if (ledger->db != NULL && atomic_load(&ledger->error) == 0)
        result = ledger_db_drop_month(ledger->db, month_ms);
    ledger_forget_dropped_locked(ledger);
    pthread_mutex_unlock(&ledger->lock);
    return result;
}

int ledger_drop_months(struct ledger *ledger, int64_t keep_from_ms, unsigned *ret_dropped)
{
    int result;
    *ret_dropped = 0;
    pthread_mutex_lock(&ledger->upkeep_lock);
    for (;;) {
        int64_t month_ms = 0;
        result = prepare(ledger, keep_from_ms, &month_ms);
        if (result == 1)
            result = drop_rows(ledger, month_ms);
        else
            break;
        if (result < 0)
            break;
        ++*ret_dropped;
    }
    pthread_mutex_unlock(&ledger->upkeep_lock);
    return result;
}
