/* lookup.h - late truth: rows whose verdict can still change are asked for at the upstream's
 * generation endpoint until it cannot (vercel section 10: 404 means not yet, never zero).
 *
 * Followed are rows without a reported cost, and with `ledger.confirm` those whose reported cost
 * differs from the estimate: a generation record has the last word. Back-off: after 1 s, then every
 * 2 s for ten times, every minute for an hour, every hour up to LOOKUP_GIVE_UP_MS; then a pending
 * row ends `unreported` (or `unknown`). One that differs keeps its verdict after LOOKUP_CONFIRM_MS.
 * Followed rows survive restarts in the ledger; an API key does not (it is never stored), so a row
 * that was paid with a client's own key waits until that client comes back with it, and one whose
 * upstream left the configuration until that is back; both a day at most. A row of an upstream that
 * has no generation records ends at once. What a record tells first is told to hits, too
 * (late_savings.h).
 *
 * Runs on worker 0.
 *
 * Threads: lookup_add() and lookup_offer_key() from any worker; the rest on worker 0.
 */
#ifndef SERVER_LOOKUP_H
#define SERVER_LOOKUP_H

#include "server/gateway.h"

enum {
    LOOKUP_GIVE_UP_MS = 24 * 3600 * 1000,
    LOOKUP_CONFIRM_MS = 3600 * 1000,
    LOOKUP_TIMEOUT_MS = 30 * 1000,
    LOOKUP_RUNNING_MAX = 16,     /* at the same time */
    LOOKUP_WAITING_MAX = 100000, /* in memory; more stay in the ledger until the next start */
    LOOKUP_RECORD_MAX = 64 * 1024,
};

struct lookup_order {
    struct ledger_ref ref;
    const struct ledger_row *row; /* as it was posted; its upstream_id is asked for */
    const struct config_upstream *upstream;
    struct money counted; /* what the client's budget takes it for */
    struct text key;      /* API key that paid; empty when it is not known */
};

struct lookup;

/* Loads the pending rows of the ledger. give; NULL: no memory. */
struct lookup *lookup_new(struct gateway *gateway);
void lookup_free(struct lookup *lookup); /* wipes keys; worker 0 has ended */

/* borrow: copied. */
void lookup_add(struct lookup *lookup, const struct lookup_order *order);
/* A client came with its key: rows that wait for just this one can be asked for. Nearly free when
 * none waits. */
void lookup_offer_key(struct lookup *lookup, struct text key_id, struct text key);

/* Worker 0, about once a second. */
void lookup_tick(struct lookup *lookup, struct worker *worker);
/* Worker 0, at shutdown: stops what runs; the rows stay pending in the ledger. */
void lookup_stop(struct lookup *lookup);

#endif
