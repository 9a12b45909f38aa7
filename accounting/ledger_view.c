#include "accounting/ledger_view.h"

#include "accounting/ledger_month.h"
#include "accounting/ledger_recover.h"
#include "accounting/ledger_writer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { NAP_MS = 1 };

int ledger_view_pin(struct ledger *ledger, const _Atomic bool *stop, struct ledger_view *ret_view)
{
    struct ledger_view view = {.ledger = ledger, .stop = {&ledger->evicting, stop}};
    pthread_mutex_lock(&ledger->read_lock);
    view.db = ledger->readable;
    if (view.db != NULL)
        ledger->readers++;
    pthread_mutex_unlock(&ledger->read_lock);
    if (view.db == NULL)
        return -EIO;
    *ret_view = view;
    return 0;
}

void ledger_view_release(struct ledger_view *view)
{
    struct ledger *ledger = view->ledger;
    view->db = NULL;
    if (ledger == NULL)
        return;
    pthread_mutex_lock(&ledger->read_lock);
    assert(ledger->readers > 0);
    if (--ledger->readers == 0)
        pthread_cond_broadcast(&ledger->unread);
    pthread_mutex_unlock(&ledger->read_lock);
}

bool ledger_view_stopped(const struct ledger_view *view)
{
    for (unsigned i = 0; i < 2; i++)
        if (view->stop[i] != NULL && atomic_load_explicit(view->stop[i], memory_order_relaxed))
            return true;
    return false;
}

/* --- entries --- */

static int visit(rocksdb_iterator_t *iterator, int64_t to_ms, bool *ret_past,
                 int (*fn)(void *arg, const struct ledger_entry *entry), void *arg)
{
    struct ledger_entry entry;
    size_t key_len;
    entry.key = rocksdb_iter_key(iterator, &key_len);
    if (key_len != LEDGER_KEY)
        return -EBADMSG;
    entry.ref = ledger_db_ref(entry.key);
    entry.kind = entry.key[LEDGER_KEY - 1];
    entry.value = (const uint8_t *)rocksdb_iter_value(iterator, &entry.len);
    *ret_past = entry.ref.created_at_ms >= to_ms;
    return *ret_past ? 0 : fn(arg, &entry);
}

int ledger_view_each(const struct ledger_view *view, rocksdb_column_family_handle_t *family,
                     int64_t from_ms, int64_t to_ms,
                     int (*fn)(void *arg, const struct ledger_entry *entry), void *arg)
{
    const struct ledger_ref first = {from_ms > 0 ? from_ms : 0, 0};
    rocksdb_iterator_t *iterator = rocksdb_create_iterator_cf(view->db->db, view->db->read, family);
    char key[LEDGER_KEY], *problem = NULL;
    bool past = false;
    int result = 0;
    ledger_db_key(&first, 0, key);
    rocksdb_iter_seek(iterator, key, sizeof(key));
    while (result == 0 && rocksdb_iter_valid(iterator)) {
        result = ledger_view_stopped(view) ? -ECANCELED : visit(iterator, to_ms, &past, fn, arg);
        if (past)
            break;
        rocksdb_iter_next(iterator);
    }
    if (result == 0)
        rocksdb_iter_get_error(iterator, &problem);
    rocksdb_iter_destroy(iterator);
    return problem == NULL ? result : ledger_db_error(problem, NULL, 0);
}

int ledger_view_row(const struct ledger_view *view, const struct ledger_ref *ref, char **ret_value,
                    size_t *ret_len)
{
    struct ledger_month *months = NULL;
    char key[LEDGER_KEY];
    size_t count = 0;
    int found = ledger_db_copy_months(view->db, ref->created_at_ms, ref->created_at_ms + 1, &months,
                                      &count);
    if (found < 0)
        return found;
    ledger_db_key(ref, LEDGER_KEY_ROW, key);
    if (count > 0)
        found = ledger_db_get(view->db, months[0].handle, key, sizeof(key), ret_value, ret_len);
    free(months);
    return found;
}

int ledger_view_has_rows(const struct ledger_view *view, const struct ledger_month *month,
                         bool *ret_has_rows)
{
    rocksdb_iterator_t *iterator =
        rocksdb_create_iterator_cf(view->db->db, view->db->read, month->handle);
    char *problem = NULL;
    rocksdb_iter_seek_to_first(iterator);
    *ret_has_rows = rocksdb_iter_valid(iterator);
    rocksdb_iter_get_error(iterator, &problem);
    rocksdb_iter_destroy(iterator);
    return problem == NULL ? 0 : ledger_db_error(problem, NULL, 0);
}

/* --- the writer's progress --- */

static bool all_drained(const struct ledger *ledger, const uint64_t *tails)
{
    for (unsigned i = 0; i < ledger->lane_count; i++)
        if (journal_head(&ledger->lanes[i].journal) < tails[i])
            return false;
    return true;
}

int ledger_wait_drained(struct ledger *ledger, int64_t wait_ms)
{
    uint64_t tails[LEDGER_LANES_MAX] = {0};
    int timer, result;
    bool drained;
    for (unsigned i = 0; i < ledger->lane_count; i++)
        tails[i] = journal_tail(&ledger->lanes[i].journal);
    if (all_drained(ledger, tails))
        return 0;
    result = ledger_deadline(wait_ms, &timer);
    if (result < 0)
        return result;
    ledger_writer_wake(ledger);
    for (bool over = false; !(drained = all_drained(ledger, tails)) && !over;)
        over = ledger_deadline_nap(timer, NAP_MS);
    close(timer);
    return drained ? 0 : -ETIMEDOUT;
}
