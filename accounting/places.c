#include "accounting/places.h"

#include "accounting/ledger_writer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    BOOT_MASK = (1 << LEDGER_BOOT_BITS) - 1,
    LANE_MASK = (1 << LEDGER_LANE_BITS) - 1,
    COUNTER_MASK = (1 << LEDGER_COUNTER_BITS) - 1,
};

uint32_t places_boot(const struct ledger_ref *ref)
{
    return (uint32_t)(ref->sequence >> (LEDGER_LANE_BITS + LEDGER_COUNTER_BITS)) & BOOT_MASK;
}

uint32_t places_lane(const struct ledger_ref *ref)
{
    return (uint32_t)(ref->sequence >> LEDGER_COUNTER_BITS) & LANE_MASK;
}

uint32_t places_counter(const struct ledger_ref *ref)
{
    return (uint32_t)ref->sequence & COUNTER_MASK;
}

static uint32_t boot_and_lane(const struct ledger_ref *ref)
{
    return (uint32_t)(ref->sequence >> LEDGER_COUNTER_BITS) &
           ((uint32_t)BOOT_MASK << LEDGER_LANE_BITS | LANE_MASK);
}

bool places_is_newer(uint32_t boot, uint32_t than)
{
    uint32_t ahead = (boot - than) & BOOT_MASK;
    return ahead != 0 && ahead <= BOOT_MASK / 2;
}

void places_init(struct places *places, bool midway)
{
    memset(places, 0, sizeof(*places));
    places->midway = midway;
}

void places_release(struct places *places)
{
    free(places->lanes);
    places->lanes = NULL;
    places->count = places->room = 0;
}

/* Where the lane stands in the table, or would stand. */
static size_t find(const struct places *places, uint32_t lane)
{
    size_t from = 0, to = places->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (places->lanes[middle].boot_and_lane < lane)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static int insert(struct places *places, size_t at, uint32_t lane)
{
    assert(at <= places->count);
    if (places->count == places->room) {
        size_t room = places->room == 0 ? 64 : 2 * places->room;
        struct places_lane *lanes;
        if (places->count >= PLACES_LANES_MAX)
            return -E2BIG;
        lanes = realloc(places->lanes, room * sizeof(*lanes));
        if (lanes == NULL)
            return -ENOMEM;
        places->lanes = lanes;
        places->room = room;
    }
    memmove(&places->lanes[at + 1], &places->lanes[at],
            (places->count - at) * sizeof(*places->lanes));
    places->lanes[at].boot_and_lane = lane;
    places->count++;
    return 0;
}

static int tell(const struct places *places, const struct places_lane *lane)
{
    return places->on_ended == NULL ? 0 : places->on_ended(places->arg, &lane->last);
}

/* Forgets the lanes of boots that have ended: none of their places can come any more. */
static int forget(struct places *places)
{
    size_t kept = 0;
    for (size_t i = 0; i < places->count; i++) {
        const struct places_lane *lane = &places->lanes[i];
        if (lane->boot_and_lane >> LEDGER_LANE_BITS == places->boot) {
            places->lanes[kept++] = *lane;
        } else {
            int result = tell(places, lane);
            if (result < 0)
                return result;
        }
    }
    places->count = kept;
    places->older = 0;
    return 0;
}

/* Follows the boots. PLACES_ENDED, PLACES_NEXT or an error. */
static int follow_boot(struct places *places, const struct ledger_ref *ref)
{
    uint32_t boot = places_boot(ref);
    if (!places->begun) {
        places->begun = true;
        places->boot = places->first_boot = boot;
        places->boot_from_ms = ref->created_at_ms;
    } else if (places_is_newer(boot, places->boot)) {
        /* Of the newest boot all that came in earlier milliseconds stays until this one is over:
         * the old boot's places may stand behind the new one's within it. */
        int result =
            ref->created_at_ms > places->boot_from_ms && places->older > 0 ? forget(places) : 0;
        if (result < 0)
            return result;
        places->boot = boot;
        places->boot_from_ms = ref->created_at_ms;
        places->older = places->count;
    } else if (boot != places->boot && ref->created_at_ms > places->boot_from_ms) {
        return PLACES_ENDED;
    } else if (places->older > 0 && ref->created_at_ms > places->boot_from_ms) {
        return forget(places);
    }
    return PLACES_NEXT;
}

/* The counter that the lane's first place must have. */
static uint32_t first_counter(const struct places *places, const struct ledger_ref *ref)
{
    bool may_have_begun = places->midway && !places_is_newer(places_boot(ref), places->first_boot);
    return may_have_begun ? places_counter(ref) : 0;
}

int places_add(struct places *places, const struct ledger_ref *ref, uint64_t *ret_missing)
{
    uint32_t lane = boot_and_lane(ref), expected, ahead;
    size_t at = places->hint;
    int result = follow_boot(places, ref);
    if (result < 0)
        return result;
    *ret_missing = 0;
    places->added++;
    if (result == PLACES_ENDED)
        return result;
    if (at >= places->count || places->lanes[at].boot_and_lane != lane)
        at = find(places, lane);
    if (at < places->count && places->lanes[at].boot_and_lane == lane) {
        expected = (places_counter(&places->lanes[at].last) + 1) & COUNTER_MASK;
    } else {
        expected = first_counter(places, ref);
        result = insert(places, at, lane);
        if (result < 0)
            return result;
        places->older += places_boot(ref) != places->boot;
    }
    places->hint = at;
    places->lanes[at].last = *ref;
    ahead = (places_counter(ref) - expected) & COUNTER_MASK;
    if (ahead == 0)
        return PLACES_NEXT;
    if (ahead > COUNTER_MASK / 2)
        return PLACES_AGAIN;
    places->missing += ahead;
    *ret_missing = ahead;
    return PLACES_GAP;
}

uint64_t places_issued(const struct places *places)
{
    return places->added + places->missing;
}
