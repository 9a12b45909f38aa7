/* ledger_rollup.c - making the ledger's kept sums. */
#include "accounting/ledger_rollup.h"

#include "accounting/ledger_find.h"
#include "accounting/ledger_view.h"
#include "accounting/ledger_writer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct making {
    struct ledger_view view;
    int64_t limit_ms; /* hours before it are made */
    unsigned hours_max, made;
};

/* --- one hour --- */

static int add_row(void *arg, const struct ledger_row *row)
{
    return rollup_add(arg, row);
}

/* The sums of an hour as bytes; none (NULL, 0) for one that can only be read from its rows: it has
 * too many groups, or a row that cannot be read, which must not stop the other hours. */
static int sum_hour(const struct making *making, int64_t hour_ms, uint8_t **ret_bytes,
                    size_t *ret_len)
{
    struct rollup *rollup = rollup_new();
    struct ledger_scan scan = {
        .from_ms = hour_ms,
        .to_ms = hour_ms + LEDGER_HOUR_MS,
        .stop = {making->view.stop[0], making->view.stop[1]},
        .fn = add_row,
        .arg = rollup,
    };
    int result = -ENOMEM;
    *ret_bytes = NULL;
    *ret_len = 0;
    if (rollup == NULL)
        return result;
    result = ledger_scan_all(&scan, making->view.db);
    if (result == 0)
        result = rollup_encode(rollup, ret_bytes, ret_len);
    rollup_free(rollup);
    return result == -E2BIG || result == -EOVERFLOW || result == -EBADMSG ? 0 : result;
}

/* The counter is read before the rows are: a row that comes in between is in the sums, and makes
 * them stale all the same, which costs another round and nothing else. */
static int make_hour(struct making *making, int64_t hour_ms)
{
    struct ledger_db *db = making->view.db;
    rocksdb_writebatch_t *batch;
    char key[LEDGER_HOUR_KEY];
    uint8_t *bytes;
    uint64_t changed;
    size_t len;
    int result = ledger_db_get_hour(db, NULL, LEDGER_HOUR_CHANGED, hour_ms, &changed);
    if (result >= 0)
        result = sum_hour(making, hour_ms, &bytes, &len);
    if (result < 0)
        return result;
    batch = rocksdb_writebatch_create();
    ledger_db_hour_key(hour_ms, key);
    rocksdb_writebatch_put_cf(batch, db->rollups, key, sizeof(key),
                              bytes != NULL ? (const char *)bytes : "", len);
    ledger_db_put_hour(db, batch, LEDGER_HOUR_ROLLED, hour_ms, changed);
    result = ledger_db_write(db, batch);
    rocksdb_writebatch_destroy(batch);
    free(bytes);
    making->made += result == 0;
    return result;
}

/* 1: its sums hold. */
static int is_fresh(const struct making *making, int64_t hour_ms, uint64_t changed)
{
    uint64_t rolled;
    int found = ledger_db_get_hour(making->view.db, NULL, LEDGER_HOUR_ROLLED, hour_ms, &rolled);
    return found < 0 ? found : found == 1 && rolled == changed;
}

/* --- which hours --- */

/* Hours that have changed since they were made, or that got their first row late. */
static int make_changed(struct making *making, int64_t before_ms)
{
    struct ledger_db *db = making->view.db;
    const char *prefix = ledger_db_hour_prefix(LEDGER_HOUR_CHANGED);
    rocksdb_iterator_t *iterator = rocksdb_create_iterator_cf(db->db, db->read, db->meta);
    char *problem = NULL;
    int result = 0;
    rocksdb_iter_seek(iterator, prefix, strlen(prefix));
    for (; result >= 0 && making->made < making->hours_max && rocksdb_iter_valid(iterator);
         rocksdb_iter_next(iterator)) {
        int64_t hour_ms;
        uint64_t changed;
        size_t len;
        const char *key = rocksdb_iter_key(iterator, &len);
        if (!ledger_db_is_hour(LEDGER_HOUR_CHANGED, key, len, &hour_ms) || hour_ms >= before_ms)
            break;
        /* The entry may be of before the writer's last batch. */
        result = ledger_db_get_hour(db, NULL, LEDGER_HOUR_CHANGED, hour_ms, &changed);
        if (result >= 0)
            result = is_fresh(making, hour_ms, changed);
        if (result == 0)
            result = make_hour(making, hour_ms);
    }
    if (result >= 0)
        rocksdb_iter_get_error(iterator, &problem);
    rocksdb_iter_destroy(iterator);
    if (problem != NULL)
        return ledger_db_error(problem, NULL, 0);
    return result < 0 ? result : 0;
}

/* The first hour from from_ms on that a month has a row in; INT64_MAX: none. Blocks that begin
 * earlier may reach into an hour: their end is not looked at, an hour too many does no harm. */
static int next_hour(const struct making *making, const struct ledger_month *month, int64_t from_ms,
                     int64_t *ret_hour_ms)
{
    struct ledger_db *db = making->view.db;
    rocksdb_iterator_t *iterator = rocksdb_create_iterator_cf(db->db, db->read, month->handle);
    int64_t early_ms = from_ms - LEDGER_BLOCK_SPAN_MS;
    const struct ledger_ref first = {early_ms > 0 ? early_ms : 0, 0};
    char key[LEDGER_KEY], *problem = NULL;
    ledger_db_key(&first, 0, key);
    *ret_hour_ms = INT64_MAX;
    rocksdb_iter_seek(iterator, key, sizeof(key));
    if (rocksdb_iter_valid(iterator)) {
        size_t len;
        const char *at = rocksdb_iter_key(iterator, &len);
        int64_t ms = len == LEDGER_KEY ? ledger_db_ref(at).created_at_ms : from_ms;
        ms = ms > from_ms ? ms : from_ms;
        if (ms < month->to_ms)
            *ret_hour_ms = ms - ms % LEDGER_HOUR_MS;
    }
    rocksdb_iter_get_error(iterator, &problem);
    rocksdb_iter_destroy(iterator);
    return problem == NULL ? 0 : ledger_db_error(problem, NULL, 0);
}

/* Hours of the month that were not made yet. *from_ms moves behind those that have been looked at.
 */
static int make_missing(struct making *making, const struct ledger_month *month, int64_t *from_ms)
{
    int64_t at_ms = *from_ms > month->from_ms ? *from_ms : month->from_ms;
    at_ms -= at_ms % LEDGER_HOUR_MS;
    while (making->made < making->hours_max) {
        uint64_t changed = 0;
        int result = next_hour(making, month, at_ms, &at_ms);
        if (result < 0)
            return result;
        if (at_ms >= making->limit_ms)
            break;
        result = ledger_db_get_hour(making->view.db, NULL, LEDGER_HOUR_CHANGED, at_ms, &changed);
        if (result >= 0)
            result = is_fresh(making, at_ms, changed);
        if (result == 0)
            result = make_hour(making, at_ms);
        if (result < 0)
            return result;
        at_ms += LEDGER_HOUR_MS;
        *from_ms = at_ms;
    }
    return 0;
}

static int make_all(struct making *making, int64_t *from_ms)
{
    struct ledger_month *months;
    size_t count;
    int result = make_changed(making, *from_ms < making->limit_ms ? *from_ms : making->limit_ms);
    if (result == 0)
        result =
            ledger_db_copy_months(making->view.db, *from_ms, making->limit_ms, &months, &count);
    if (result < 0)
        return result;
    for (size_t i = 0; i < count && result == 0; i++)
        result = make_missing(making, &months[i], from_ms);
    free(months);
    if (result == 0 && making->made < making->hours_max && *from_ms < making->limit_ms)
        *from_ms = making->limit_ms;
    return result;
}

/* --- the run --- */

/* From here on the writer tells of every row that is older than the limit. A batch that it began
 * before has been written when we get its lock, and is seen; and while we keep the database open it
 * cannot take another one, which would not know the limit. */
static int begin(struct ledger *ledger, struct making *making)
{
    int result = -EIO;
    pthread_mutex_lock(&ledger->lock);
    ledger_forget_dropped_locked(ledger); /* what a reader kept when it was dropped */
    if (ledger->db != NULL && atomic_load(&ledger->error) == 0)
        result = ledger_view_pin(ledger, NULL, &making->view);
    if (result == 0 && ledger->db->rolled_before_ms < making->limit_ms)
        ledger->db->rolled_before_ms = making->limit_ms;
    pthread_mutex_unlock(&ledger->lock);
    return result;
}

int ledger_rollup_run(struct ledger *ledger, int64_t now_ms, unsigned hours_max, unsigned *ret_made)
{
    struct making making = {.limit_ms = now_ms - LEDGER_LATE_MS, .hours_max = hours_max};
    int result;
    *ret_made = 0;
    if (making.limit_ms < LEDGER_HOUR_MS)
        return 0;
    making.limit_ms -= making.limit_ms % LEDGER_HOUR_MS;
    pthread_mutex_lock(&ledger->upkeep_lock);
    result = begin(ledger, &making);
    if (result == 0) {
        result = make_all(&making, &ledger->rolled_ms);
        *ret_made = making.made;
        ledger_view_release(&making.view);
    }
    pthread_mutex_unlock(&ledger->upkeep_lock);
    return result;
}
