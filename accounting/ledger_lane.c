/* ledger_lane.c - the lanes: what workers call. */
#include "accounting/ledger_month.h"
#include "accounting/ledger_place.h"
#include "accounting/ledger_writer.h"
#include "accounting/settle.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

/* What an answer may add to the held row: ids, names, counts, sums, how it was rated and what was
 * observed. The row with no lists and all its texts cut to POST_TEXT_BYTES fits by itself, so that
 * every post does. 5,000 live streams with the largest tags there are fit a lane's journal, also
 * while the disk takes nothing. */
enum { POST_EXTRA_BYTES = 4608, POST_TEXT_BYTES = 64 };
_Static_assert((int)ROW_RATING_BYTES_MAX + (int)ROW_OBSERVED_BYTES_MAX + 11 * 256 <=
                   (int)POST_EXTRA_BYTES,
               "an answer's own texts have room beside its rating and its costs");

/* What a reserved row may take: all the tags there can be, and the rest as above. */
enum { RESERVED_BYTES = ROW_TAGS_BYTES_MAX + POST_EXTRA_BYTES };

struct ledger_lane *ledger_lane(struct ledger *ledger, unsigned index)
{
    assert(index < ledger->lane_count);
    return &ledger->lanes[index];
}

/* From here until end_record() whoever closes a month waits for this lane: either it sees the floor
 * that was moved, or it is seen. */
static void begin_record(struct ledger_lane *lane)
{
    atomic_store(&lane->recording, true);
}

static void end_record(struct ledger_lane *lane)
{
    atomic_store_explicit(&lane->recording, false, memory_order_release);
}

/* The next record's place: time never goes back in a lane, whatever the clock does, and never into
 * a closed month. */
static struct ledger_ref next_ref(const struct ledger_lane *lane, int64_t now_ms)
{
    int64_t place_floor_ms = atomic_load(&lane->ledger->place_floor_ms);
    unsigned micros = lane->micros;
    assert(now_ms < LEDGER_TIME_END_MS);
    if (now_ms < place_floor_ms) {
        now_ms = place_floor_ms;
        micros = 0;
    }
    if (now_ms <= lane->floor_ms && (now_ms < lane->floor_ms || micros < lane->floor_micros)) {
        now_ms = lane->floor_ms;
        micros = lane->floor_micros;
    }
    return (struct ledger_ref){
        .created_at_ms = now_ms,
        .sequence = (uint64_t)micros << LEDGER_MICROS_SHIFT | lane->boot_and_lane | lane->counter,
    };
}

void ledger_lane_micros(struct ledger_lane *lane, unsigned micros)
{
    assert(micros < 1000);
    lane->micros = micros;
}

static void take_ref(struct ledger_lane *lane, const struct ledger_ref *ref)
{
    assert(ref->created_at_ms >= lane->floor_ms);
    lane->counter = (lane->counter + 1) & ((1U << LEDGER_COUNTER_BITS) - 1);
    lane->floor_ms = ref->created_at_ms;
    lane->floor_micros = (unsigned)(ref->sequence >> LEDGER_MICROS_SHIFT);
    /* While the clock stands behind the floor only the counter tells rows apart, so when it begins
     * anew the floor takes a step. */
    if (lane->counter == 0 && ++lane->floor_micros == 1000) {
        lane->floor_micros = 0;
        lane->floor_ms++;
    }
}

static size_t encode(struct ledger_lane *lane, const struct ledger_row *row,
                     const struct ledger_ref *ref)
{
    struct ledger_row stamped = *row;
    size_t len;
    int result;
    stamped.created_at_ms = ref->created_at_ms;
    stamped.sequence = ref->sequence;
    result = row_encode(&stamped, lane->scratch, sizeof(lane->scratch), &len);
    assert(result == 0); /* ROW_ENCODED_MAX holds any row */
    return len;
}

static int make_room(struct ledger_lane *lane, uint64_t bytes)
{
    int result = journal_make_room(&lane->journal, bytes);
    if (result < 0)
        ledger_kick(lane); /* a full lane must not wait for its owner's next turn */
    return result;
}

static uint64_t room_of(const struct ledger_hold *hold)
{
    return journal_record_bytes(hold->room) + (hold->seen ? 0 : journal_record_bytes(ROW_ID_MAX));
}

static unsigned lane_of(const struct ledger_ref *ref)
{
    return (unsigned)(ref->sequence >> LEDGER_COUNTER_BITS) & (LEDGER_LANES_MAX - 1);
}

/* Writes a hold's record and reserves what its post will take. */
static int record_hold(struct ledger_lane *lane, const struct ledger_row *row, unsigned flags,
                       struct ledger_hold *hold)
{
    size_t len = encode(lane, row, &hold->ref);
    size_t room = len + POST_EXTRA_BYTES;
    int result;
    hold->room = (uint32_t)(room < ROW_ENCODED_MAX ? room : ROW_ENCODED_MAX);
    result = make_room(lane, journal_record_bytes(len) + room_of(hold));
    if (result < 0)
        return result;
    journal_append(&lane->journal, JOURNAL_HOLD, flags, &hold->ref, lane->scratch, len);
    lane->journal.reserved += room_of(hold);
    return 0;
}

int ledger_hold(struct ledger_lane *lane, const struct ledger_row *row, int64_t now_ms,
                struct ledger_hold *ret_hold)
{
    struct ledger_hold hold = {.open = true};
    int result;
    begin_record(lane);
    hold.ref = next_ref(lane, now_ms);
    result = record_hold(lane, row, 0, &hold);
    end_record(lane);
    if (result < 0)
        return result;
    take_ref(lane, &hold.ref);
    *ret_hold = hold;
    return 0;
}

/* The record has the name of the hold that it replaces: whoever drains it overwrites the one with
 * the other. A second name would need two records, and a kill between them would leave two holds
 * or none. */
int ledger_rehold(struct ledger_lane *lane, struct ledger_hold *hold, const struct ledger_row *row,
                  int64_t now_ms)
{
    struct ledger_hold next = {.ref = hold->ref, .open = true};
    int result;
    (void)now_ms;
    assert(hold->open);
    assert(lane_of(&hold->ref) == lane->index);
    assert(lane->journal.reserved >= room_of(hold));
    result = record_hold(lane, row, JOURNAL_REPLACES, &next);
    if (result < 0)
        return result;
    lane->journal.reserved -= room_of(hold);
    *hold = next;
    return 0;
}

void ledger_seen(struct ledger_lane *lane, struct ledger_hold *hold, const char *upstream_id,
                 size_t len)
{
    assert(hold->open);
    assert(lane_of(&hold->ref) == lane->index);
    if (len == 0)
        return;
    if (len > ROW_ID_MAX)
        len = ROW_ID_MAX;
    if (hold->seen) {
        if (make_room(lane, journal_record_bytes(len)) < 0)
            return;
    } else {
        assert(lane->journal.reserved >= room_of(hold));
        lane->journal.reserved -= journal_record_bytes(ROW_ID_MAX);
        hold->seen = true;
    }
    journal_append(&lane->journal, JOURNAL_SEEN, 0, &hold->ref, (const uint8_t *)upstream_id, len);
}

static void clip(struct text *text)
{
    if (text->len <= POST_TEXT_BYTES)
        return;
    text->len = POST_TEXT_BYTES;
    while (text->len > 0 && ((unsigned char)text->bytes[text->len] & 0xc0) == 0x80)
        text->len--;
}

/* Fits the row into the room that its hold kept, giving up its texts as far as it must: what can be
 * missed first, then what proves the sums, then the ends of the others. */
static size_t encode_within(struct ledger_lane *lane, struct ledger_row *row, size_t room)
{
    struct text *given_up[] = {&row->attempts, &row->tags, &row->observed, &row->rating};
    struct text *texts[] = {
        &row->id,
        &row->client,
        &row->key_id,
        &row->project,
        &row->user,
        &row->session,
        &row->app,
        &row->environment,
        &row->model_requested,
        &row->model,
        &row->provider,
        &row->upstream,
        &row->upstream_id,
        &row->route,
        &row->source_id,
        &row->finish_reason,
        &row->price_hash,
        &row->preset,
        &row->native_finish_reason,
        &row->service_tier,
        &row->origin,
    };
    size_t len;
    int result = row_encode(row, lane->scratch, room, &len);
    for (size_t i = 0; i < sizeof(given_up) / sizeof(given_up[0]) && result < 0; i++) {
        if (given_up[i]->len == 0)
            continue;
        *given_up[i] = (struct text){NULL, 0};
        result = row_encode(row, lane->scratch, room, &len);
    }
    if (result < 0) {
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
            clip(texts[i]);
        result = row_encode(row, lane->scratch, room, &len);
    }
    assert(result == 0);
    return len;
}

static void post(struct ledger_lane *lane, struct ledger_hold *hold, const struct ledger_row *row,
                 bool listed)
{
    struct ledger_row stamped = *row;
    size_t len;
    assert(hold->open);
    assert(lane_of(&hold->ref) == lane->index);
    assert(lane->journal.reserved >= room_of(hold));
    stamped.created_at_ms = hold->ref.created_at_ms;
    stamped.sequence = hold->ref.sequence;
    len = encode_within(lane, &stamped, hold->room);
    lane->journal.reserved -= room_of(hold);
    journal_append(&lane->journal, JOURNAL_POST, listed ? JOURNAL_PENDING : 0, &hold->ref,
                   lane->scratch, len);
    hold->open = false;
}

void ledger_post(struct ledger_lane *lane, struct ledger_hold *hold, const struct ledger_row *row)
{
    post(lane, hold, row, row->verdict == VERDICT_PENDING);
}

void ledger_post_listed(struct ledger_lane *lane, struct ledger_hold *hold,
                        const struct ledger_row *row)
{
    post(lane, hold, row, true);
}

/* Hits outnumber everything and are found by the time in their ids: an index entry each would cost
 * more than the rows do. */
static unsigned row_flags(const struct ledger_row *row)
{
    return row->cache == CACHE_HIT ? 0 : JOURNAL_INDEXED;
}

/* A row of its own at the next place. */
static int record_row(struct ledger_lane *lane, const struct ledger_row *row, unsigned flags,
                      int64_t now_ms, struct ledger_ref *ret_ref)
{
    struct ledger_ref ref;
    size_t len;
    int result;
    begin_record(lane);
    ref = next_ref(lane, now_ms);
    len = encode(lane, row, &ref);
    result = make_room(lane, journal_record_bytes(len));
    if (result == 0)
        journal_append(&lane->journal, JOURNAL_ROW, flags, &ref, lane->scratch, len);
    end_record(lane);
    if (result < 0)
        return result;
    take_ref(lane, &ref);
    *ret_ref = ref;
    return 0;
}

int ledger_append(struct ledger_lane *lane, const struct ledger_row *row, int64_t now_ms,
                  struct ledger_ref *ret_ref)
{
    struct ledger_ref ref;
    int result;
    assert(row->verdict != VERDICT_PENDING); /* only a paid call has a cost to come */
    result = record_row(lane, row, row_flags(row), now_ms, &ref);
    if (result == 0 && ret_ref != NULL)
        *ret_ref = ref;
    return result;
}

int ledger_reserve(struct ledger_lane *lane)
{
    int result = make_room(lane, journal_record_bytes(RESERVED_BYTES));
    if (result == 0)
        lane->journal.reserved += journal_record_bytes(RESERVED_BYTES);
    return result;
}

void ledger_append_reserved(struct ledger_lane *lane, const struct ledger_row *row, int64_t now_ms)
{
    struct ledger_row stamped = *row;
    struct ledger_ref ref;
    size_t len;
    assert(row->verdict != VERDICT_PENDING);
    assert(lane->journal.reserved >= journal_record_bytes(RESERVED_BYTES));
    begin_record(lane);
    ref = next_ref(lane, now_ms);
    stamped.created_at_ms = ref.created_at_ms;
    stamped.sequence = ref.sequence;
    len = encode_within(lane, &stamped, RESERVED_BYTES);
    lane->journal.reserved -= journal_record_bytes(RESERVED_BYTES);
    journal_append(&lane->journal, JOURNAL_ROW, row_flags(row), &ref, lane->scratch, len);
    end_record(lane);
    take_ref(lane, &ref);
}

/* --- settling --- */

static int record_change(struct ledger_lane *lane, const struct ledger_ref *ref,
                         const struct ledger_row *row, bool listed)
{
    size_t len = encode(lane, row, ref);
    int result = make_room(lane, journal_record_bytes(len));
    if (result < 0)
        return result;
    journal_append(&lane->journal, JOURNAL_CHANGE, listed ? JOURNAL_PENDING : 0, ref, lane->scratch,
                   len);
    return 0;
}

/* One record says both: what the difference is, and which row leaves the list for it. It is not
 * found by its id, which is that of the row. */
static int record_correction(struct ledger_lane *lane, const struct ledger_ref *ref,
                             const struct ledger_row *was, const struct ledger_row *row,
                             int64_t now_ms)
{
    char place[ROW_PLACE_MAX];
    struct ledger_row correction;
    struct ledger_ref at;
    int result;
    ledger_place_print(ref, place);
    result = settle_correction(was, row, place, &correction);
    if (result < 0)
        return result;
    assert(correction.corrects.len > 0);
    assert(correction.verdict != VERDICT_PENDING); /* it takes the row off the list, for good */
    return record_row(lane, &correction, JOURNAL_CORRECTS, now_ms, &at);
}

int ledger_settle(struct ledger_lane *lane, const struct ledger_ref *ref,
                  const struct ledger_row *was, const struct ledger_row *row, bool listed,
                  int64_t now_ms)
{
    struct ledger *ledger = lane->ledger;
    struct ledger_row stamped = *row;
    int result = -ENOSPC; /* just now nobody knows whether its month is closed */
    stamped.id = was->id;
    stamped.created_at_ms = ref->created_at_ms;
    pthread_mutex_lock(&ledger->settle_lock);
    if (ref->created_at_ms < atomic_load(&ledger->closed_before_ms))
        result = listed ? -ESTALE : record_correction(lane, ref, was, &stamped, now_ms);
    else if (ref->created_at_ms >= ledger->closing_ms)
        result = record_change(lane, ref, &stamped, listed);
    pthread_mutex_unlock(&ledger->settle_lock);
    return result;
}

uint64_t ledger_position(const struct ledger_lane *lane)
{
    return lane->journal.tail;
}

bool ledger_durable(const struct ledger_lane *lane, uint64_t position)
{
    if (!lane->ledger->power)
        return true;
    return atomic_load_explicit(&lane->durable, memory_order_acquire) >= position;
}

void ledger_on_durable(struct ledger *ledger, void (*fn)(void *arg, unsigned lane), void *arg)
{
    pthread_mutex_lock(&ledger->lock);
    ledger->on_durable = fn;
    ledger->on_durable_arg = arg;
    pthread_mutex_unlock(&ledger->lock);
}

void ledger_kick(struct ledger_lane *lane)
{
    struct ledger *ledger = lane->ledger;
    if (lane->kicked == lane->journal.tail)
        return;
    lane->kicked = lane->journal.tail;
    journal_publish(&lane->journal);
    if (atomic_load(&ledger->sleeping) && atomic_exchange(&ledger->sleeping, false)) {
        if (eventfd_write(ledger->wake_fd, 1) != 0)
            assert(errno == EAGAIN); /* its counter is full: it is awake */
    }
}
