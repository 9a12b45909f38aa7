/* ledger_sums.c - reading sums: from the kept ones where they hold, else from the rows. */
#include "accounting/ledger_reader.h"
#include "accounting/ledger_rollup.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct summing {
    struct ledger_view view;
    const rocksdb_snapshot_t *snapshot; /* all hours as of one instant; NULL in a secondary, which
                                           stands still by itself */
    rocksdb_readoptions_t *read;
    int (*fn)(void *arg, const struct rollup_group *group);
    void *arg;
    struct rollup *rollup; /* of the rows of rows_hour_ms */
    int64_t rows_hour_ms;
    uint64_t rows_read;
};

static int begin(struct ledger_reader *reader, struct summing *summing)
{
    int result = ledger_reader_begin(reader, &summing->view);
    if (result < 0)
        return result;
    summing->read = rocksdb_readoptions_create();
    if (summing->view.ledger != NULL) {
        summing->snapshot = rocksdb_create_snapshot(summing->view.db->db);
        rocksdb_readoptions_set_snapshot(summing->read, summing->snapshot);
    }
    return 0;
}

static void end(struct summing *summing)
{
    rocksdb_readoptions_destroy(summing->read);
    if (summing->snapshot != NULL)
        rocksdb_release_snapshot(summing->view.db->db, summing->snapshot);
    rollup_free(summing->rollup);
    ledger_view_release(&summing->view);
}

/* --- kept --- */

/* 1 and its bytes (to be freed with rocksdb_free()) when a rollup is kept, 0 when none is. */
static int get_kept(const struct summing *summing, int64_t hour_ms, bool *ret_fresh,
                    char **ret_bytes, size_t *ret_len)
{
    struct ledger_db *db = summing->view.db;
    uint64_t rolled, changed;
    char key[LEDGER_HOUR_KEY];
    int found;
    if (db->rollups == NULL)
        return 0;
    found = ledger_db_get_hour(db, summing->read, LEDGER_HOUR_ROLLED, hour_ms, &rolled);
    if (found <= 0)
        return found;
    found = ledger_db_get_hour(db, summing->read, LEDGER_HOUR_CHANGED, hour_ms, &changed);
    if (found < 0)
        return found;
    ledger_db_hour_key(hour_ms, key);
    found = ledger_db_get_at(db, summing->read, db->rollups, key, sizeof(key), ret_bytes, ret_len);
    if (found == 1 && *ret_len == 0) {
        rocksdb_free(*ret_bytes); /* it is summed from its rows for ever */
        found = 0;
    }
    *ret_fresh = rolled == changed;
    return found;
}

/* --- from rows --- */

static int give_summed(struct summing *summing)
{
    const struct rollup_group *const *groups;
    size_t count;
    int result = 0;
    if (summing->rollup == NULL)
        return 0;
    groups = rollup_sort(summing->rollup, &count);
    if (groups == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count && result == 0; i++)
        result = summing->fn(summing->arg, groups[i]);
    rollup_free(summing->rollup);
    summing->rollup = NULL;
    return result;
}

/* Rows come in order, so an hour is whole when the next one begins: memory is that of one hour. */
static int sum_row(void *arg, const struct ledger_row *row)
{
    struct summing *summing = arg;
    int64_t hour_ms = row->created_at_ms - row->created_at_ms % LEDGER_HOUR_MS;
    int result = hour_ms != summing->rows_hour_ms ? give_summed(summing) : 0;
    if (result != 0)
        return result;
    summing->rows_hour_ms = hour_ms;
    summing->rows_read++;
    for (unsigned tries = 0; tries < 2; tries++) {
        if (summing->rollup == NULL)
            summing->rollup = rollup_new();
        if (summing->rollup == NULL)
            return -ENOMEM;
        result = rollup_add(summing->rollup, row);
        if (result != -E2BIG)
            break;
        result = give_summed(summing); /* the rest of the hour comes as more groups */
        if (result != 0)
            break;
    }
    return result;
}

static int sum_rows(struct summing *summing, int64_t from_ms, int64_t to_ms)
{
    struct ledger_scan scan = {
        .from_ms = from_ms,
        .to_ms = to_ms,
        .stop = {summing->view.stop[0], summing->view.stop[1]},
        .snapshot = summing->snapshot,
        .fn = sum_row,
        .arg = summing,
    };
    int result;
    if (from_ms >= to_ms)
        return 0;
    result = ledger_scan_all(&scan, summing->view.db);
    return result != 0 ? result : give_summed(summing);
}

/* --- both --- */

/* The hour's sums where they hold; what has to be read before it goes first. *rows_from_ms: rows
 * from there on have not been summed. */
static int sum_hour(struct summing *summing, int64_t hour_ms, int64_t *rows_from_ms)
{
    bool fresh = false;
    char *bytes;
    size_t len;
    int result = get_kept(summing, hour_ms, &fresh, &bytes, &len);
    if (result <= 0)
        return result;
    result = 0;
    if (fresh) {
        result = sum_rows(summing, *rows_from_ms, hour_ms);
        if (result == 0)
            result = rollup_decode((const uint8_t *)bytes, len, summing->fn, summing->arg);
        *rows_from_ms = hour_ms + LEDGER_HOUR_MS;
    }
    rocksdb_free(bytes);
    return result;
}

/* Hours that have to be read stand together more often than not: they are read at once. */
static int sum_range(struct summing *summing, int64_t from_ms, int64_t to_ms)
{
    int64_t rows_from_ms = from_ms;
    for (int64_t hour_ms = from_ms; hour_ms < to_ms; hour_ms += LEDGER_HOUR_MS) {
        int result = ledger_view_stopped(&summing->view)
                         ? -ECANCELED
                         : sum_hour(summing, hour_ms, &rows_from_ms);
        if (result != 0)
            return result;
    }
    return sum_rows(summing, rows_from_ms, to_ms);
}

static int sum_months(struct summing *summing, int64_t from_ms, int64_t to_ms)
{
    struct ledger_month *months;
    size_t count;
    int result = ledger_db_copy_months(summing->view.db, from_ms, to_ms, &months, &count);
    if (result < 0)
        return result;
    for (size_t i = 0; i < count && result == 0; i++)
        result = sum_range(summing, from_ms > months[i].from_ms ? from_ms : months[i].from_ms,
                           to_ms < months[i].to_ms ? to_ms : months[i].to_ms);
    free(months);
    return result;
}

int ledger_reader_sums(struct ledger_reader *reader, int64_t from_ms, int64_t to_ms,
                       int (*fn)(void *arg, const struct rollup_group *group), void *arg,
                       uint64_t *rows_read)
{
    struct summing summing = {.fn = fn, .arg = arg, .rows_hour_ms = INT64_MIN};
    int result = begin(reader, &summing);
    assert(from_ms % LEDGER_HOUR_MS == 0);
    assert(to_ms % LEDGER_HOUR_MS == 0);
    if (result < 0)
        return result;
    if (summing.view.db != NULL)
        result = sum_months(&summing, from_ms, to_ms);
    if (rows_read != NULL)
        *rows_read = summing.rows_read;
    end(&summing);
    return result;
}

int ledger_reader_rollup(struct ledger_reader *reader, int64_t hour_ms, bool *ret_fresh,
                         int (*fn)(void *arg, const struct rollup_group *group), void *arg)
{
    struct summing summing = {.view = {.db = NULL}};
    int found = begin(reader, &summing);
    char *bytes;
    size_t len;
    if (found < 0)
        return found;
    found = summing.view.db == NULL ? 0 : get_kept(&summing, hour_ms, ret_fresh, &bytes, &len);
    if (found == 1) {
        found = rollup_decode((const uint8_t *)bytes, len, fn, arg);
        rocksdb_free(bytes);
    } else if (found == 0) {
        found = -ENOENT;
    }
    end(&summing);
    return found;
}
