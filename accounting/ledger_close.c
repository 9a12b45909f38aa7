/* ledger_close.c - closing a month.
 *
 * First it is made to stand still: lanes give no more places in it, settlements wait a moment, and
 * what lanes have recorded is drained. Then nothing can come into it but the posts of open holds,
 * so when there are none it is closed: the mark is made durable before any correction can rest on
 * it. From here on the month's rows are final, whenever the seal is made; should the process die
 * before, closing it again makes the seal.
 */
#include "accounting/ledger_close.h"

#include "accounting/ledger_marks.h"
#include "accounting/ledger_month.h"
#include "accounting/ledger_place.h"
#include "accounting/ledger_recover.h"
#include "accounting/ledger_seals.h"
#include "accounting/ledger_writer.h"
#include "accounting/places.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DRAIN_MS = 30 * 1000, NAP_MS = 1 };

struct closing {
    struct ledger *ledger;
    const struct ledger_close_order *order;
    int64_t to_ms; /* the month's end */
    struct ledger_view view;
    struct seal seal; /* what was made */
    char *error;
    size_t error_size;
};

static void say(const struct closing *closing, const char *text)
{
    char name[LEDGER_MONTH_NAME];
    ledger_month_name(closing->order->month_from_ms, name);
    snprintf(closing->error, closing->error_size, "%s: %s", name, text);
}

static int fail(const struct closing *closing, int result)
{
    if (result == -ECANCELED || result == -EIO || result == -ETIMEDOUT)
        say(closing, "the ledger's disk is not writing: see why, then close it again");
    else if (closing->error[0] == 0)
        say(closing, strerror(-result));
    return result;
}

/* --- may it be closed --- */

static int check_month(const struct closing *closing)
{
    const struct ledger_close_order *order = closing->order;
    int64_t from_ms, to_ms;
    if (order->month_from_ms < 0 || order->month_from_ms >= LEDGER_TIME_END_MS) {
        snprintf(closing->error, closing->error_size, "no such month");
        return -EINVAL;
    }
    ledger_month_range(order->month_from_ms, &from_ms, &to_ms);
    if (from_ms != order->month_from_ms || order->now_ms < to_ms) {
        say(closing, "the month is not over");
        return -EINVAL;
    }
    return 0;
}

static int check_earlier(const struct closing *closing)
{
    struct ledger_month *months;
    struct seal seal;
    size_t count;
    int result =
        ledger_db_copy_months(closing->view.db, 0, closing->order->month_from_ms, &months, &count);
    for (size_t i = 0; i < count && result == 0; i++) {
        char name[LEDGER_MONTH_NAME];
        bool has_rows;
        result = ledger_view_has_rows(&closing->view, &months[i], &has_rows);
        if (result < 0 || !has_rows)
            continue;
        result = ledger_seals_get(&closing->view, months[i].from_ms, &seal);
        if (result != -ENOENT)
            continue;
        result = -EAGAIN;
        ledger_month_name(months[i].from_ms, name);
        snprintf(closing->error, closing->error_size, "%s is open: close it first", name);
    }
    free(months);
    return result;
}

static int check_order(struct closing *closing)
{
    struct seal seal;
    int result = ledger_seals_get(&closing->view, closing->order->month_from_ms, &seal);
    if (result == 0) {
        say(closing, "it is closed already");
        return -EEXIST;
    }
    return result == -ENOENT ? check_earlier(closing) : result;
}

/* --- making it stand still --- */

/* A lane that has read the old floor is about to record. */
static int wait_for_lanes(const struct ledger *ledger)
{
    int timer, result = ledger_deadline(DRAIN_MS, &timer);
    if (result < 0)
        return result;
    for (unsigned i = 0; i < ledger->lane_count && result == 0; i++)
        while (result == 0 && atomic_load(&ledger->lanes[i].recording))
            result = ledger_deadline_nap(timer, NAP_MS) ? -ETIMEDOUT : 0;
    close(timer);
    return result;
}

static int stand_still(struct closing *closing)
{
    struct ledger *ledger = closing->ledger;
    int result;
    pthread_mutex_lock(&ledger->settle_lock);
    if (closing->to_ms > atomic_load(&ledger->closed_before_ms))
        ledger->closing_ms = closing->to_ms;
    pthread_mutex_unlock(&ledger->settle_lock);
    if (closing->to_ms > atomic_load(&ledger->place_floor_ms))
        atomic_store(&ledger->place_floor_ms, closing->to_ms);
    result = wait_for_lanes(ledger);
    return result < 0 ? result : ledger_wait_drained(ledger, DRAIN_MS);
}

struct open_items {
    const struct ledger_view *view;
    uint64_t holds, pending;
    struct ledger_ref first;
};

static int count_hold(void *arg, const struct ledger_entry *entry)
{
    struct open_items *items = arg;
    if (entry->kind == LEDGER_KEY_HOLD && items->holds++ == 0)
        items->first = entry->ref;
    return 0;
}

/* A row whose cost is known but may still change is no reason to wait. */
static int count_pending(void *arg, const struct ledger_entry *entry)
{
    struct open_items *items = arg;
    struct ledger_row row;
    char *value = NULL;
    size_t len;
    int found = ledger_view_row(items->view, &entry->ref, &value, &len);
    bool waits = found <= 0 || row_decode((const uint8_t *)value, len, &row) < 0 ||
                 row.verdict == VERDICT_PENDING;
    if (value != NULL)
        rocksdb_free(value);
    if (found < 0 && found != -EBADMSG)
        return found;
    if (waits && items->pending++ == 0)
        items->first = entry->ref;
    return 0;
}

static int check_items(const struct closing *closing)
{
    struct open_items items = {.view = &closing->view};
    const struct ledger_db *db = closing->view.db;
    char text[160], place[ROW_PLACE_MAX];
    int result = ledger_view_each(&closing->view, db->holds, 0, closing->to_ms, count_hold, &items);
    if (result == 0 && items.holds == 0 && !closing->order->with_pending)
        result = ledger_view_each(&closing->view, db->pending, closing->order->month_from_ms,
                                  closing->to_ms, count_pending, &items);
    if (result < 0 || items.holds + items.pending == 0)
        return result;
    ledger_place_print(&items.first, place);
    snprintf(text, sizeof(text), "%" PRIu64 " of its requests %s, the first at %s: wait for them%s",
             items.holds + items.pending,
             items.holds > 0 ? "are under way" : "still wait for their cost", place,
             items.holds > 0 ? "" : ", or close it with its pending rows");
    say(closing, text);
    return -EBUSY;
}

/* The mark is on the disk before a correction can rest on it. */
static int put_mark(const struct closing *closing)
{
    struct ledger_db *db = closing->view.db;
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    int result;
    ledger_db_put_closing(db, batch, closing->to_ms);
    result = ledger_db_write(db, batch);
    rocksdb_writebatch_destroy(batch);
    return result < 0 ? result : ledger_db_sync(db);
}

static void decide(const struct closing *closing, bool closed)
{
    struct ledger *ledger = closing->ledger;
    pthread_mutex_lock(&ledger->settle_lock);
    ledger->closing_ms = 0;
    if (closed && closing->to_ms > atomic_load(&ledger->closed_before_ms))
        atomic_store(&ledger->closed_before_ms, closing->to_ms);
    pthread_mutex_unlock(&ledger->settle_lock);
}

/* With the month standing still. */
static int freeze(struct closing *closing)
{
    bool closed =
        atomic_load(&closing->ledger->closed_before_ms) >= closing->to_ms; /* once before */
    int result = check_items(closing);
    if (result == 0 && !closed)
        result = put_mark(closing);
    if (result == 0 && !closed)
        atomic_store(&closing->view.db->closed_before_ms, closing->to_ms);
    return result;
}

/* --- the head --- */

struct heading {
    struct seal *seal;
    struct tree tree;
    struct tree_marks marks;
    struct places places;
};

static int add_known(struct money *sum, const struct maybe_money *money)
{
    return money->known ? money_add(*sum, money->money, sum) : 0;
}

/* The month stands still by now: a row that cannot be read must not keep it, and every later one,
 * from being closed. verify tells of it. */
static int add_sums(struct seal *seal, const uint8_t *bytes, size_t len)
{
    struct ledger_row row;
    int result = 0;
    if (row_decode(bytes, len, &row) < 0)
        return 0;
    result = add_known(&seal->booked, &row.booked);
    if (result == 0)
        result = add_known(&seal->billed, &row.billed);
    return result < 0 ? result : add_known(&seal->saved, &row.saved);
}

static int add_row(void *arg, const struct ledger_ref *ref, const uint8_t *bytes, size_t len)
{
    struct heading *heading = arg;
    struct seal *seal = heading->seal;
    uint8_t leaf[TREE_HASH];
    uint64_t missing;
    int result = places_add(&heading->places, ref, &missing);
    if (seal->rows++ == 0)
        seal->first = *ref;
    seal->last = *ref;
    if (result < 0)
        return result;
    tree_leaf(&heading->tree, ref, bytes, len, leaf);
    tree_add_leaf(&heading->tree, leaf);
    result = tree_marks_add(&heading->marks, leaf);
    return result < 0 ? result : add_sums(seal, bytes, len);
}

static int read_rows(const struct closing *closing, struct heading *heading)
{
    struct ledger_scan scan = {
        .from_ms = closing->order->month_from_ms,
        .to_ms = closing->to_ms,
        .stop = {closing->view.stop[0], closing->view.stop[1]},
        .raw = add_row,
        .arg = heading,
    };
    char place[ROW_PLACE_MAX], text[ROW_PLACE_MAX + 80];
    int result = ledger_scan_all(&scan, closing->view.db);
    heading->seal->issued = places_issued(&heading->places);
    tree_root(&heading->tree, heading->seal->root);
    if (result == -EBADMSG || result == -EOVERFLOW) {
        ledger_place_print(&heading->seal->last, place);
        snprintf(text, sizeof(text), "the row at %s %s", place,
                 result == -EBADMSG ? "or one after it cannot be found: see `tollgate verify`"
                                    : "makes a sum that does not fit");
        say(closing, text);
    }
    return result;
}

/* A seal must not name an export that holds other rows. */
static int check_root(const struct closing *closing, const struct seal *seal)
{
    const uint8_t *expected = closing->order->expected_root;
    if (expected == NULL || memcmp(expected, seal->root, TREE_HASH) == 0)
        return 0;
    say(closing, "a row of it changed after it was exported: export it again, it stands still now");
    return -ESTALE;
}

static int make_seal(struct closing *closing)
{
    const struct ledger_close_order *order = closing->order;
    struct seal seal = {.closed_ms = order->now_ms}, last;
    struct heading heading = {.seal = &seal};
    int result = tree_init(&heading.tree);
    if (result == 0)
        result = tree_marks_init(&heading.marks);
    if (result < 0) {
        tree_release(&heading.tree);
        return result;
    }
    places_init(&heading.places, true);
    ledger_month_name(order->month_from_ms, seal.month);
    if (order->export_hash != NULL) {
        memcpy(seal.export_hash, order->export_hash, TREE_HASH);
        seal.has_export = true;
    }
    result = ledger_seals_last(&closing->view, order->month_from_ms, &last);
    if (result == 0)
        seal_hash(&last, seal.previous);
    if (result == 0 || result == -ENOENT)
        result = read_rows(closing, &heading);
    if (result == 0)
        result = check_root(closing, &seal);
    if (result == 0)
        result = seal_sign(&seal, order->signer);
    if (result == 0)
        result = ledger_marks_put(&closing->view, seal.month, &heading.marks);
    if (result == 0)
        result = ledger_seals_put(&closing->view, &seal);
    places_release(&heading.places);
    tree_marks_release(&heading.marks);
    tree_release(&heading.tree);
    if (result == 0)
        closing->seal = seal;
    return result;
}
_Static_assert((int)SEAL_MONTH_MAX == (int)LEDGER_MONTH_NAME, "a month's name is its name");

/* --- the doors --- */

static int with_view(struct closing *closing, int (*step)(struct closing *closing))
{
    int result = ledger_view_pin(closing->ledger, NULL, &closing->view);
    if (result < 0)
        return result;
    result = step(closing);
    ledger_view_release(&closing->view);
    return result;
}

/* The writer is waited for while the database is its own: it might need it back. */
static int close_locked(struct closing *closing)
{
    int result = with_view(closing, check_order);
    if (result < 0)
        return result;
    result = stand_still(closing);
    if (result == 0)
        result = with_view(closing, freeze);
    decide(closing, result == 0);
    return result < 0 ? result : with_view(closing, make_seal);
}

int ledger_close_month(struct ledger *ledger, const struct ledger_close_order *order,
                       struct seal *ret_seal, char *error, size_t error_size)
{
    struct closing closing = {
        .ledger = ledger, .order = order, .error = error, .error_size = error_size};
    int64_t from_ms;
    int result;
    assert(error_size > 0);
    error[0] = 0;
    result = check_month(&closing);
    if (result < 0)
        return result;
    ledger_month_range(order->month_from_ms, &from_ms, &closing.to_ms);
    pthread_mutex_lock(&ledger->upkeep_lock);
    result = close_locked(&closing);
    pthread_mutex_unlock(&ledger->upkeep_lock);
    if (result < 0)
        return fail(&closing, result);
    *ret_seal = closing.seal;
    return 0;
}

int64_t ledger_closed_before(struct ledger *ledger)
{
    return atomic_load(&ledger->closed_before_ms);
}
