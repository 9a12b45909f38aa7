/* ledger_db_months.c - the column families of months: found, made, copied for others, dropped. */
#include "accounting/ledger_db.h"

#include "accounting/ledger_month.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

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

int ledger_db_add_month(struct ledger_db *db, int64_t from_ms, int64_t to_ms,
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
    result = ledger_db_add_month(db, from_ms, to_ms, handle);
    if (result == 0)
        *ret_handle = handle;
    return result;
}

/* Keeps the handle for whoever copied it: -ENOMEM before anything is done. */
static int remember_dropped(struct ledger_db *db, rocksdb_column_family_handle_t *handle)
{
    rocksdb_column_family_handle_t **dropped =
        realloc(db->dropped, (db->dropped_count + 1) * sizeof(rocksdb_column_family_handle_t *));
    if (dropped == NULL)
        return -ENOMEM;
    dropped[db->dropped_count++] = handle;
    db->dropped = dropped;
    return 0;
}

int ledger_db_drop_month(struct ledger_db *db, int64_t from_ms)
{
    char *problem = NULL;
    size_t at = 0;
    int result;
    while (at < db->month_count && db->months[at].from_ms != from_ms)
        at++;
    if (at == db->month_count)
        return -ENOENT;
    result = remember_dropped(db, db->months[at].handle);
    if (result < 0)
        return result;
    rocksdb_drop_column_family(db->db, db->months[at].handle, &problem);
    if (problem != NULL) {
        db->dropped_count--; /* it stays on the list, which owns its handle */
        return ledger_db_error(problem, NULL, 0);
    }
    pthread_mutex_lock(&db->months_lock);
    db->month_count--;
    for (size_t i = at; i < db->month_count; i++)
        db->months[i] = db->months[i + 1];
    db->month_last = 0;
    pthread_mutex_unlock(&db->months_lock);
    return 0;
}

void ledger_db_forget_dropped(struct ledger_db *db)
{
    for (size_t i = 0; i < db->dropped_count; i++)
        rocksdb_column_family_handle_destroy(db->dropped[i]);
    free(db->dropped);
    db->dropped = NULL;
    db->dropped_count = 0;
}
