/* places.h - whether every place that a lane gave is there: the completeness counter.
 *
 * A place is created_at and a sequence (ledger_writer.h). A boot's lane gives its places with a
 * counter that begins at 0 and goes up by exactly one each time, modulo 2^26, and in the order of
 * places; every one of them ends as one row (posted, voided, recovered, appended, a correction) or
 * is an open hold. So rows and open holds together, in the order of their places, show each
 * counter once: a dropped row leaves a gap, a row put in between leaves a repetition. A boot begins
 * where the one before it ended (ledger.c: the lanes' floor), so boots come in order, too; only
 * within one millisecond they may be mixed.
 *
 * `issued` of a month is what its rows alone say, so that a seal still holds when the months
 * before it were dropped: a table is made anew for it, with `midway` set, and places are added in
 * order; issued = places added + places missing between them. Before the first place of a lane
 * nothing is missing when its boot may have begun before the month (it is the boot of the month's
 * first place, or an older one), else as many as its counter says. What is missing across the
 * border of two months only verify sees, which carries one table through all months.
 * A month is complete when issued = rows. What was cut off a lane's end shows by its end
 * (ledger_proof.h).
 *
 * Memory: one entry for each lane of the boots that have places in the same millisecond, which
 * are 256 where the clock does not stand still between restarts; PLACES_LANES_MAX at most.
 *
 * Threads: one per table.
 */
#ifndef ACCOUNTING_PLACES_H
#define ACCOUNTING_PLACES_H

#include "accounting/ledger.h"

enum { PLACES_LANES_MAX = 1 << 18 };

enum places_found {
    PLACES_NEXT,  /* as it must be */
    PLACES_GAP,   /* places before it are missing */
    PLACES_AGAIN, /* its counter was given before, or lies before the last: out of order, or forged
                   */
    PLACES_ENDED, /* of a boot that had ended when it came */
};

struct places_lane {
    uint32_t boot_and_lane; /* boot << 8 | lane */
    struct ledger_ref last; /* that it gave */
};

struct places {
    bool midway, begun;
    uint64_t added, missing;   /* issued = added + missing */
    uint32_t boot;             /* the newest */
    uint32_t first_boot;       /* of the first place */
    int64_t boot_from_ms;      /* when the newest gave its first place */
    struct places_lane *lanes; /* sorted by boot_and_lane */
    size_t count, room, older; /* older: of boots before the newest */
    size_t hint;
    /* Told of each lane whose boot has ended, before it is forgotten; may be NULL. */
    int (*on_ended)(void *arg, const struct ledger_ref *last);
    void *arg;
};

/* midway: boots may have begun before the first place. */
void places_init(struct places *places, bool midway);
void places_release(struct places *places);

/* The next place, of a row or of an open hold: in order of places. enum places_found, with the
 * number of places that are missing before it (0 but for PLACES_GAP); -ENOMEM; -E2BIG; what
 * on_ended returned below 0. After any finding counting goes on behind this place. */
int places_add(struct places *places, const struct ledger_ref *ref, uint64_t *ret_missing);

uint64_t places_issued(const struct places *places);

/* The parts of a sequence. */
uint32_t places_boot(const struct ledger_ref *ref);
uint32_t places_lane(const struct ledger_ref *ref);
uint32_t places_counter(const struct ledger_ref *ref);
/* Boots are counted modulo 2^20. */
bool places_is_newer(uint32_t boot, uint32_t than);

#endif
