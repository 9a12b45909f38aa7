/* verify_places.c - every place that was given is there: as a row or an open hold, up to the end of
 * its lane; and what is listed as open is there, too. */
#include "accounting/verify_private.h"

#include "accounting/ledger_ends.h"
#include "accounting/ledger_proof.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct text no_id;

/* --- ends --- */

static uint32_t boot_and_lane(const struct ledger_ref *ref)
{
    return places_boot(ref) << 8 | places_lane(ref);
}

static int add_end(void *arg, const struct ledger_ref *last)
{
    struct verify *verify = arg;
    if (verify->end_count == verify->end_room) {
        size_t room = verify->end_room == 0 ? 256 : 2 * verify->end_room;
        struct verify_end *ends;
        if (room > VERIFY_ENDS_MAX)
            return -E2BIG;
        ends = realloc(verify->ends, room * sizeof(*ends));
        if (ends == NULL)
            return -ENOMEM;
        verify->ends = ends;
        verify->end_room = room;
    }
    verify->ends[verify->end_count++] =
        (struct verify_end){.boot_and_lane = boot_and_lane(last), .ref = *last};
    return 0;
}

static int compare_ends(const void *a, const void *b)
{
    uint32_t one = ((const struct verify_end *)a)->boot_and_lane;
    uint32_t other = ((const struct verify_end *)b)->boot_and_lane;
    return (one > other) - (one < other);
}

int verify_ends_load(struct verify *verify)
{
    int result = ledger_reader_early(verify->reader, &verify->early_boot);
    verify->has_early = result == 1;
    if (result >= 0)
        result = ledger_reader_ends(verify->reader, 0, INT64_MAX, add_end, verify);
    if (result < 0)
        return result;
    if (verify->ends != NULL)
        qsort(verify->ends, verify->end_count, sizeof(*verify->ends), compare_ends);
    return 0;
}

bool verify_is_early(const struct verify *verify, const struct ledger_ref *ref)
{
    return verify->has_early && !places_is_newer(places_boot(ref), verify->early_boot);
}

static struct verify_end *find_end(struct verify *verify, const struct ledger_ref *ref)
{
    struct verify_end wanted = {.boot_and_lane = boot_and_lane(ref)};
    if (verify->end_count == 0)
        return NULL;
    return bsearch(&wanted, verify->ends, verify->end_count, sizeof(wanted), compare_ends);
}

/* The last place that is there of a lane, against the last that it gave. What the lane gave from
 * limit_ms on is somebody else's matter. month is NULL for what comes before the first that is
 * verified. */
static void compare_end(struct verify *verify, struct verify_month *month,
                        const struct ledger_ref *last, int64_t limit_ms)
{
    struct verify_end *end = find_end(verify, last);
    int order;
    if (verify_is_early(verify, last) || (end != NULL && end->ref.created_at_ms >= limit_ms))
        return;
    order = end == NULL ? -1 : verify_ref_compare(&end->ref, last);
    if (end != NULL)
        end->met = true;
    if (order == 0 || month == NULL)
        return;
    /* What lies before the month was said there. */
    if ((order < 0 ? last : &end->ref)->created_at_ms < month->one->from_ms)
        return;
    if (order < 0)
        verify_complain(month, last, no_id,
                        "comes behind the last place that lane %u of boot %u gave",
                        places_lane(last), places_boot(last));
    else
        verify_complain(month, last, no_id,
                        "lane %u of boot %u gave places behind it, up to %lld/%llu: they are gone",
                        places_lane(last), places_boot(last), (long long)end->ref.created_at_ms,
                        (unsigned long long)end->ref.sequence);
}

struct ended {
    struct verify *verify;
    struct verify_month *month;
};

/* A boot number that is used again after a million starts has a later end by now. */
static int on_ended(void *arg, const struct ledger_ref *last)
{
    const struct ended *ended = arg;
    compare_end(ended->verify, ended->month, last, ended->verify->places.boot_from_ms + 1);
    return 0;
}

static int follow(struct verify *verify, struct verify_month *month, const struct ledger_ref *ref,
                  uint64_t *ret_missing)
{
    struct ended ended = {verify, month};
    int result;
    verify->places.on_ended = on_ended;
    verify->places.arg = &ended;
    result = places_add(&verify->places, ref, ret_missing);
    verify->places.arg = NULL;
    return result;
}

/* --- what comes before --- */

static int add_before(void *arg, const struct ledger_ref *ref, const uint8_t *bytes, size_t len)
{
    uint64_t missing;
    int result = follow(arg, NULL, ref, &missing);
    (void)bytes;
    (void)len;
    return result < 0 ? result : 0;
}

/* The month before the first that is verified tells where its lanes stood. */
int verify_places_begin(struct verify *verify)
{
    const struct verify_one *before;
    int result;
    places_init(&verify->places, verify->first > 0);
    if (verify->first == 0 || verify->first == verify->end)
        return 0;
    before = &verify->months[verify->first - 1];
    result = ledger_reader_raw(verify->reader, before->from_ms, before->to_ms, add_before, verify);
    return result == -EBADMSG ? 0 : result; /* that month's own matter */
}

/* --- open items --- */

static int add_open(void *arg, bool is_hold, const struct ledger_ref *ref,
                    const struct ledger_row *row)
{
    struct verify_month *month = arg;
    (void)row; /* whether it is there, and can be read, the pass over the rows says */
    if (month->open_count == month->open_room) {
        size_t room = month->open_room == 0 ? 256 : 2 * month->open_room;
        struct verify_open *open;
        if (room > VERIFY_OPEN_MAX)
            return -E2BIG;
        open = realloc(month->open, room * sizeof(*open));
        if (open == NULL)
            return -ENOMEM;
        month->open = open;
        month->open_room = room;
    }
    month->open[month->open_count++] = (struct verify_open){.ref = *ref, .is_hold = is_hold};
    return 0;
}

static int compare_open(const void *a, const void *b)
{
    const struct verify_open *one = a, *other = b;
    int order = verify_ref_compare(&one->ref, &other->ref);
    return order != 0 ? order : other->is_hold - one->is_hold;
}

int verify_open_load(struct verify_month *month)
{
    int result = ledger_reader_open_items(month->verify->reader, month->one->from_ms,
                                          month->one->to_ms, add_open, month);
    if (result == 0 && month->open != NULL)
        qsort(month->open, month->open_count, sizeof(*month->open), compare_open);
    return result;
}

/* --- places --- */

static int take_place(struct verify_month *month, const struct ledger_ref *ref, struct text id)
{
    struct verify *verify = month->verify;
    uint64_t missing, ignored;
    int found = follow(verify, month, ref, &missing);
    if (found == PLACES_GAP)
        verify_complain(month, ref, id,
                        "%llu places that lane %u of boot %u gave before it are missing",
                        (unsigned long long)missing, places_lane(ref), places_boot(ref));
    else if (found == PLACES_AGAIN)
        verify_complain(month, ref, id,
                        "lane %u of boot %u had given its number before: it is out of its place, "
                        "or forged",
                        places_lane(ref), places_boot(ref));
    else if (found == PLACES_ENDED)
        verify_complain(month, ref, id, "boot %u had ended before it: it was forged, or moved",
                        places_boot(ref));
    if (found < 0 || !verify_is_sealed(month->one))
        return found < 0 ? found : 0;
    found = places_add(&month->places, ref, &ignored);
    return found < 0 ? found : 0;
}

static int take_hold(struct verify_month *month, const struct verify_open *hold)
{
    int64_t now_ms = month->verify->order->now_ms;
    if (verify_is_sealed(month->one))
        verify_complain(month, &hold->ref, no_id, "is an open hold of a closed month");
    else if (hold->ref.created_at_ms < now_ms - LEDGER_DAY_MS)
        verify_complain(month, &hold->ref, no_id, "is a hold that is open for more than a day");
    return take_place(month, &hold->ref, no_id);
}

/* What is open before ref; NULL: all of it. */
static int take_open_before(struct verify_month *month, const struct ledger_ref *ref)
{
    int result = 0;
    for (; result == 0 && month->open_at < month->open_count; month->open_at++) {
        const struct verify_open *open = &month->open[month->open_at];
        if (ref != NULL && verify_ref_compare(&open->ref, ref) >= 0)
            return 0;
        if (open->is_hold)
            result = take_hold(month, open);
        else
            verify_complain(month, &open->ref, no_id,
                            "is listed as one that may still change, but no row is there");
    }
    return result;
}

int verify_places_row(struct verify_month *month, const struct ledger_ref *ref,
                      const struct ledger_row *row)
{
    struct text id = row != NULL ? row->id : no_id;
    bool listed = false;
    int result = take_open_before(month, ref);
    for (; month->open_at < month->open_count; month->open_at++) {
        const struct verify_open *open = &month->open[month->open_at];
        if (verify_ref_compare(&open->ref, ref) != 0)
            break;
        if (open->is_hold)
            verify_complain(month, ref, id, "is a row, and a hold that is still open");
        else
            listed = true;
    }
    /* A closed month's row stays as it is when its truth comes: a correction says so. */
    if (row != NULL && row->verdict == VERDICT_PENDING && !listed &&
        !verify_is_closed(month->verify, month->one) && row->corrects.len == 0)
        verify_complain(month, ref, id, "is pending, but nobody looks for its cost");
    return result < 0 ? result : take_place(month, ref, id);
}

/* Lanes that have an end in this month, and no place in it or before. */
static void look_for_lanes(struct verify_month *month)
{
    struct verify *verify = month->verify;
    for (size_t i = 0; i < verify->end_count; i++) {
        const struct verify_end *end = &verify->ends[i];
        if (end->met || verify_is_early(verify, &end->ref) ||
            end->ref.created_at_ms < month->one->from_ms ||
            end->ref.created_at_ms >= month->one->to_ms)
            continue;
        verify_complain(month, &end->ref, no_id,
                        "is the last place that lane %u of boot %u gave: no row is there",
                        places_lane(&end->ref), places_boot(&end->ref));
    }
}

int verify_places_end(struct verify_month *month)
{
    struct verify *verify = month->verify;
    int result = take_open_before(month, NULL);
    if (result < 0)
        return result;
    for (size_t i = 0; i < verify->places.count; i++)
        compare_end(verify, month, &verify->places.lanes[i].last, month->one->to_ms);
    look_for_lanes(month);
    return 0;
}
