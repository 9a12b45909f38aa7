/* reconcile.h - reported cost against estimated cost: what is booked, by how much they differ,
 * and the verdict (design 2.5). Threads: pure functions.
 */
#ifndef ACCOUNTING_RECONCILE_H
#define ACCOUNTING_RECONCILE_H

#include "accounting/money.h"

#include <stdbool.h>
#include <stdint.h>

/* A sum that may be unknown. Unknown is never 0 in disguise. */
struct maybe_money {
    bool known;
    struct money money;
};

/* The order is stored in rows: append, never renumber. */
enum verdict {
    VERDICT_NONE = 0,
    VERDICT_MATCHED,    /* |difference| <= max(1e-9 USD, tolerance x estimated) */
    VERDICT_OVER,       /* the gateway reported more */
    VERDICT_UNDER,      /* the gateway reported less */
    VERDICT_PENDING,    /* a reported cost is still to come */
    VERDICT_UNREPORTED, /* we gave up asking */
    VERDICT_UNPRICED,   /* reported, but no price is known */
    VERDICT_UNKNOWN,    /* neither */
    VERDICT_FREE,       /* hit or collapsed */
    VERDICT_FAILED,     /* refused upstream; nothing billed */
    VERDICTS,
};

/* The export's word; "" for VERDICT_NONE. */
const char *verdict_name(enum verdict verdict);

/* What is known about the money of one upstream call. */
struct reconcile_input {
    struct maybe_money billed;   /* what the gateway bills, fees included */
    struct maybe_money upstream; /* what the vendor bills besides, under one's own key */
    struct maybe_money market;   /* list price as reported */
    struct maybe_money estimated;
    bool may_still_report; /* a look-up is under way or planned */
    bool gave_up;          /* it was, and ended without a record */
    int64_t tolerance_ppm; /* of the estimate, not below 0; 0.1 % is 1000 */
};

struct reconcile_result {
    struct maybe_money booked;     /* billed + upstream, else the estimate, else unknown */
    struct maybe_money difference; /* (market, else billed + upstream) - estimated */
    enum verdict verdict;
};

/* A call is reported when `billed` is known; an unknown `upstream` then adds nothing.
 *     reported, estimate known       matched, over or under
 *     reported, no estimate          unpriced
 *     not reported, may still be     pending
 *     not reported, estimate known   unreported (given up, or never asked)
 *     neither                        unknown
 * FREE and FAILED are the caller's to say: no call was made, or nothing was billed.
 * -EOVERFLOW when a sum does not fit; the tolerance is met to the last digit, never rounded. */
int reconcile(const struct reconcile_input *input, struct reconcile_result *ret_result);

#endif
