#include "accounting/ledger_find.h"

#include "accounting/ledger_ids.h"
#include "accounting/ledger_month.h"
#include "accounting/ledger_view.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum {
    CANDIDATES_MAX = 64, /* rows that share a hash and are looked at */
    /* A hit's row is recorded as its id is made, but for what the loop did in between. */
    NEAR_BEFORE_MS = 100,
    NEAR_AFTER_MS = 1000,
    /* A row whose id came from upstream stands at its hold, which is earlier; and a lane's clock
     * never goes back, so a row may stand later than the clock says. */
    FAR_BEFORE_MS = 120 * 1000,
    FAR_AFTER_MS = 10 * 1000,
};

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
    const struct ledger_view *view;
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
    if (row->corrects.len > 0)
        return 0; /* it has the id of the row that is meant */
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
        .from_ms = from_ms,
        .to_ms = to_ms,
        .id = id,
        .key_id = search->key_id,
        .brief = true,
        .stop = {search->view->stop[0], search->view->stop[1]},
        .fn = consider,
        .arg = search,
    };
    return ledger_scan_all(&scan, search->view->db);
}

/* A row that was posted has a key of its own. 1: it was there. */
static int look_at_row(struct search *search, const struct ledger_ref *ref)
{
    struct ledger_row row;
    char *value;
    size_t len;
    int found = ledger_view_row(search->view, ref, &value, &len);
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

int ledger_view_find(const struct ledger_view *view, struct text id, struct text key_id, bool far,
                     uint8_t buffer[ROW_ENCODED_MAX], struct ledger_row *ret_row)
{
    struct ledger_row row;
    struct search search = {
        .view = view, .id = id, .key_id = key_id, .buffer = buffer, .row = &row};
    int result = 0;
    if (id.len == 0 || id.len > ROW_ID_MAX || view->db == NULL)
        return -ENOENT;
    if (view->db->ids != NULL)
        result = ledger_ids_find(view->db, id, look_at, &search);
    if (result >= 0 && !search.found)
        result = search_around(&search, NEAR_BEFORE_MS, NEAR_AFTER_MS);
    if (result >= 0 && !search.found && far)
        result = search_around(&search, FAR_BEFORE_MS, FAR_AFTER_MS);
    if (result < 0)
        return result;
    if (!search.found)
        return -ENOENT;
    *ret_row = row;
    return 0;
}

static int find_pinned(struct ledger *ledger, struct text id, struct text key_id, bool far,
                       uint8_t buffer[ROW_ENCODED_MAX], struct ledger_row *ret_row)
{
    struct ledger_view view;
    int result = ledger_view_pin(ledger, NULL, &view);
    if (result < 0)
        return result;
    result = ledger_view_find(&view, id, key_id, far, buffer, ret_row);
    ledger_view_release(&view);
    return result;
}

int ledger_find(struct ledger *ledger, struct text id, struct text key_id, int64_t wait_ms,
                uint8_t buffer[ROW_ENCODED_MAX], struct ledger_row *ret_row)
{
    int result, drained;
    if (id.len == 0 || id.len > ROW_ID_MAX)
        return -ENOENT;
    /* Most ids are asked for long after their rows were drained. */
    result = find_pinned(ledger, id, key_id, false, buffer, ret_row);
    if (result != -ENOENT)
        return result;
    drained = ledger_wait_drained(ledger, wait_ms);
    result = find_pinned(ledger, id, key_id, true, buffer, ret_row);
    return result == -ENOENT && drained < 0 ? drained : result;
}

/* --- a range --- */

int ledger_scan_range(struct ledger *ledger, const struct ledger_range *range,
                      int (*fn)(void *arg, const struct ledger_row *row), void *arg)
{
    struct ledger_view view;
    struct ledger_scan scan = {
        .from_ms = range->from_ms,
        .to_ms = range->to_ms,
        .key_id = range->key_id,
        .fn = fn,
        .arg = arg,
    };
    int result = range->wait_ms < 0 ? 0 : ledger_wait_drained(ledger, range->wait_ms);
    if (result == 0)
        result = ledger_view_pin(ledger, range->stop, &view);
    if (result != 0)
        return result;
    memcpy(scan.stop, view.stop, sizeof(scan.stop));
    result = ledger_scan_all(&scan, view.db);
    ledger_view_release(&view);
    return result;
}

/* --- what is final --- */

/* The time of the first entry of a family whose keys begin with created_at, where it is earlier. */
static int take_first(void *arg, const struct ledger_entry *entry)
{
    int64_t *ms = arg;
    if (entry->ref.created_at_ms < *ms)
        *ms = entry->ref.created_at_ms;
    return 1;
}

int ledger_settled_before(struct ledger *ledger, int64_t now_ms, int64_t *ret_ms)
{
    int64_t ms = now_ms - LEDGER_LATE_MS;
    struct ledger_view view;
    int result = ledger_view_pin(ledger, NULL, &view);
    if (result < 0)
        return result;
    result = ledger_view_each(&view, view.db->holds, 0, INT64_MAX, take_first, &ms);
    if (result >= 0)
        result = ledger_view_each(&view, view.db->pending, 0, INT64_MAX, take_first, &ms);
    ledger_view_release(&view);
    if (result < 0)
        return result;
    *ret_ms = ms > now_ms - LEDGER_STUCK_MS ? ms : now_ms - LEDGER_STUCK_MS;
    return 0;
}
