#include "accounting/ledger_find.h"

#include "accounting/ledger_ids.h"
#include "accounting/ledger_month.h"
#include "accounting/ledger_recover.h"
#include "accounting/ledger_scan.h"
#include "accounting/ledger_writer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    NAP_MS = 1,
    CANDIDATES_MAX = 64, /* rows that share a hash and are looked at */
    /* A hit's row is recorded as its id is made, but for what the loop did in between. */
    NEAR_BEFORE_MS = 100,
    NEAR_AFTER_MS = 1000,
    /* A row whose id came from upstream stands at its hold, which is earlier; and a lane's clock
     * never goes back, so a row may stand later than the clock says. */
    FAR_BEFORE_MS = 120 * 1000,
    FAR_AFTER_MS = 10 * 1000,
};

/* --- who reads --- */

/* Between pin() and unpin() the writer keeps the database open. */
static int pin(struct ledger *ledger, struct ledger_db **ret_db)
{
    int result = -EIO; /* it is closed, and tried again about once a second */
    pthread_mutex_lock(&ledger->read_lock);
    if (ledger->readable != NULL) {
        ledger->readers++;
        *ret_db = ledger->readable;
        result = 0;
    }
    pthread_mutex_unlock(&ledger->read_lock);
    return result;
}

static void unpin(struct ledger *ledger)
{
    pthread_mutex_lock(&ledger->read_lock);
    assert(ledger->readers > 0);
    if (--ledger->readers == 0)
        pthread_cond_broadcast(&ledger->unread);
    pthread_mutex_unlock(&ledger->read_lock);
}

static bool all_drained(const struct ledger *ledger, const uint64_t *tails)
{
    for (unsigned i = 0; i < ledger->lane_count; i++)
        if (journal_head(&ledger->lanes[i].journal) < tails[i])
            return false;
    return true;
}

/* Waits until RocksDB has what the lanes have recorded now. */
static int wait_drained(struct ledger *ledger, int64_t wait_ms)
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

/* --- the time in an id --- */

/* 10 characters of Crockford's base 32: 48 bits of milliseconds, and two bits that are 0. */
static bool ulid_time(const char *text, int64_t *ret_ms)
{
    static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    int64_t ms = 0;
    for (int i = 0; i < 10; i++) {
        const char *at = text[i] != 0 ? strchr(alphabet, text[i]) : NULL;
        if (at == NULL)
            return false;
        ms = ms << 5 | (at - alphabet);
    }
    *ret_ms = ms;
    return ms < LEDGER_TIME_END_MS;
}

/* gen-1790000000-..., and gen-emb-1790000000-... as OpenRouter's families have it. */
static bool seconds_time(struct text id, int64_t *ret_ms)
{
    size_t at = 4, digits = 0;
    int64_t seconds = 0;
    while (at < id.len && id.bytes[at] >= 'a' && id.bytes[at] <= 'z')
        at++;
    if (at > 4 && at < id.len && id.bytes[at] == '-')
        at++;
    for (; at < id.len && id.bytes[at] >= '0' && id.bytes[at] <= '9' && digits < 11; at++, digits++)
        seconds = seconds * 10 + (id.bytes[at] - '0');
    if (digits != 10 || at >= id.len || id.bytes[at] != '-')
        return false;
    *ret_ms = seconds * 1000;
    return true;
}

bool ledger_id_time(struct text id, int64_t *ret_from_ms, int64_t *ret_span_ms)
{
    bool ulid = id.len == 30 && memcmp(id.bytes, "gen_", 4) == 0;
    int64_t ms;
    if (ulid ? !ulid_time(id.bytes + 4, &ms)
             : id.len < 16 || memcmp(id.bytes, "gen-", 4) != 0 || !seconds_time(id, &ms))
        return false;
    *ret_from_ms = ms;
    *ret_span_ms = ulid ? 1 : 1000;
    return true;
}

/* --- one row --- */

struct search {
    struct ledger *ledger;
    struct ledger_db *db;
    struct text id, key_id;
    uint8_t *buffer;
    struct ledger_row *row;
    unsigned candidates;
    bool found;
};

static bool is_text(struct text a, struct text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.bytes, b.bytes, a.len) == 0);
}

/* The last one that is wanted is kept. */
static int consider(void *arg, const struct ledger_row *row)
{
    struct search *search = arg;
    size_t len;
    int result;
    if (!is_text(row->id, search->id) && !is_text(row->upstream_id, search->id))
        return 0;
    if (search->key_id.len > 0 && !is_text(row->key_id, search->key_id))
        return 0;
    result = row_encode(row, search->buffer, ROW_ENCODED_MAX, &len);
    assert(result == 0);
    result = row_decode(search->buffer, len, search->row);
    assert(result == 0);
    search->found = true;
    return 0;
}

static int scan_months(struct search *search, int64_t from_ms, int64_t to_ms, struct text id)
{
    struct ledger_scan scan = {
        .from_ms = from_ms > 0 ? from_ms : 0,
        .to_ms = to_ms < LEDGER_TIME_END_MS ? to_ms : LEDGER_TIME_END_MS,
        .id = id,
        .key_id = search->key_id,
        .brief = true,
        .stop = {&search->ledger->evicting},
        .fn = consider,
        .arg = search,
    };
    struct ledger_month *months;
    size_t count;
    int result = ledger_db_copy_months(search->db, scan.from_ms, scan.to_ms, &months, &count);
    if (result < 0)
        return result;
    for (size_t i = 0; i < count && result == 0; i++)
        result = ledger_scan_month(&scan, search->db, &months[i]);
    ledger_scan_release(&scan);
    free(months);
    return result;
}

/* A row that was posted has a key of its own. 1: it was there. */
static int look_at_row(struct search *search, const struct ledger_ref *ref)
{
    struct ledger_month *months;
    struct ledger_row row;
    char key[LEDGER_KEY], *value;
    size_t count, len;
    int found = ledger_db_copy_months(search->db, ref->created_at_ms, ref->created_at_ms + 1,
                                      &months, &count);
    if (found < 0)
        return found;
    ledger_db_key(ref, LEDGER_KEY_ROW, key);
    found = count == 0
                ? 0
                : ledger_db_get(search->db, months[0].handle, key, sizeof(key), &value, &len);
    free(months);
    if (found <= 0)
        return found;
    if (row_decode((const uint8_t *)value, len, &row) == 0)
        found = consider(search, &row) < 0 ? -EBADMSG : 1;
    rocksdb_free(value);
    return found;
}

/* One that was drained together with others stands in a block, whose key only a scan finds. */
static int look_at(void *arg, const struct ledger_ref *ref)
{
    struct search *search = arg;
    int found;
    if (++search->candidates > CANDIDATES_MAX)
        return 1;
    found = look_at_row(search, ref);
    if (found == 0)
        found =
            scan_months(search, ref->created_at_ms, ref->created_at_ms + 1, (struct text){NULL, 0});
    return found < 0 ? found : search->found; /* the latest is enough */
}

static int search_around(struct search *search, int64_t before_ms, int64_t after_ms)
{
    int64_t from_ms, span_ms;
    if (!ledger_id_time(search->id, &from_ms, &span_ms))
        return 0;
    return scan_months(search, from_ms - before_ms, from_ms + span_ms + after_ms, search->id);
}

/* far: where no index and no near time has it. */
static int search_once(struct search *search, bool far)
{
    int result = pin(search->ledger, &search->db);
    if (result < 0)
        return result;
    search->candidates = 0;
    result = ledger_ids_find(search->db, search->id, look_at, search);
    if (result >= 0 && !search->found)
        result = search_around(search, NEAR_BEFORE_MS, NEAR_AFTER_MS);
    if (result >= 0 && !search->found && far)
        result = search_around(search, FAR_BEFORE_MS, FAR_AFTER_MS);
    unpin(search->ledger);
    return result < 0 ? result : 0;
}

int ledger_find(struct ledger *ledger, struct text id, struct text key_id, int64_t wait_ms,
                uint8_t buffer[ROW_ENCODED_MAX], struct ledger_row *ret_row)
{
    struct ledger_row row;
    struct search search = {
        .ledger = ledger, .id = id, .key_id = key_id, .buffer = buffer, .row = &row};
    int result, drained;
    if (id.len == 0 || id.len > ROW_ID_MAX)
        return -ENOENT;
    /* Most ids are asked for long after their rows were drained. */
    result = search_once(&search, false);
    if (result == 0 && !search.found) {
        drained = wait_drained(ledger, wait_ms);
        result = search_once(&search, true);
        if (result == 0 && !search.found)
            result = drained < 0 ? drained : -ENOENT;
    }
    if (result == 0)
        *ret_row = row;
    return result;
}

/* --- a range --- */

static int scan_pinned(struct ledger *ledger, struct ledger_db *db,
                       const struct ledger_range *range,
                       int (*fn)(void *arg, const struct ledger_row *row), void *arg)
{
    struct ledger_scan scan = {
        .from_ms = range->from_ms > 0 ? range->from_ms : 0,
        .to_ms = range->to_ms < LEDGER_TIME_END_MS ? range->to_ms : LEDGER_TIME_END_MS,
        .key_id = range->key_id,
        .stop = {&ledger->evicting, range->stop},
        .fn = fn,
        .arg = arg,
    };
    struct ledger_month *months;
    size_t count;
    int result;
    if (scan.from_ms >= scan.to_ms)
        return 0;
    result = ledger_db_copy_months(db, scan.from_ms, scan.to_ms, &months, &count);
    if (result < 0)
        return result;
    for (size_t i = 0; i < count && result == 0; i++)
        result = ledger_scan_month(&scan, db, &months[i]);
    ledger_scan_release(&scan);
    free(months);
    return result;
}

int ledger_scan_range(struct ledger *ledger, const struct ledger_range *range,
                      int (*fn)(void *arg, const struct ledger_row *row), void *arg)
{
    struct ledger_db *db;
    int result = range->wait_ms < 0 ? 0 : wait_drained(ledger, range->wait_ms);
    if (result == 0)
        result = pin(ledger, &db);
    if (result != 0)
        return result;
    result = scan_pinned(ledger, db, range, fn, arg);
    unpin(ledger);
    return result;
}

/* --- what is final --- */

/* The time of the first entry of a family whose keys begin with created_at; *ret_ms stays when
 * there is none. */
static int first_time(struct ledger_db *db, rocksdb_column_family_handle_t *family, int64_t *ret_ms)
{
    rocksdb_iterator_t *iterator = rocksdb_create_iterator_cf(db->db, db->read, family);
    char *problem = NULL;
    rocksdb_iter_seek_to_first(iterator);
    if (rocksdb_iter_valid(iterator)) {
        size_t len;
        const char *key = rocksdb_iter_key(iterator, &len);
        if (len == LEDGER_KEY && ledger_db_ref(key).created_at_ms < *ret_ms)
            *ret_ms = ledger_db_ref(key).created_at_ms;
    }
    rocksdb_iter_get_error(iterator, &problem);
    rocksdb_iter_destroy(iterator);
    return problem == NULL ? 0 : ledger_db_error(problem, NULL, 0);
}

int ledger_settled_before(struct ledger *ledger, int64_t now_ms, int64_t *ret_ms)
{
    int64_t ms = now_ms - LEDGER_LATE_MS;
    struct ledger_db *db;
    int result = pin(ledger, &db);
    if (result < 0)
        return result;
    result = first_time(db, db->holds, &ms);
    if (result == 0)
        result = first_time(db, db->pending, &ms);
    unpin(ledger);
    if (result < 0)
        return result;
    *ret_ms = ms > now_ms - LEDGER_STUCK_MS ? ms : now_ms - LEDGER_STUCK_MS;
    return 0;
}
