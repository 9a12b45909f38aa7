/* health.h - how upstreams have been doing: error rate and Retry-After.
 *
 * Per upstream two windows of 30 s of calls (current and last). Failing: at least HEALTH_CALLS_MIN
 * calls in both together and more than half of them failed (connect failure, 5xx, 408, broken,
 * timeout; a 429 is no failure but may carry Retry-After). While it is failing one request in
 * HEALTH_PROBE_EVERY still begins there, so that traffic comes back by itself; a run of
 * HEALTH_RECOVERED successes ends it at once. Resting: until its Retry-After has passed (at most
 * HEALTH_REST_MAX_MS).
 *
 * A clock that was put back loses the windows and rests that now lie in the future.
 *
 * Threads: any; relaxed atomics, nothing is written on the cache-hit path.
 */
#ifndef SERVER_HEALTH_H
#define SERVER_HEALTH_H

#include "accounting/row.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    HEALTH_WINDOW_MS = 30 * 1000,
    HEALTH_CALLS_MIN = 10,
    HEALTH_PROBE_EVERY = 10,
    HEALTH_RECOVERED = 5,
    HEALTH_REST_MAX_MS = 5 * 60 * 1000,
    HEALTH_RESTS = 64, /* models that may rest at the same time, per upstream; by hash */
};

struct health;
struct health *health_new(void); /* give; NULL: no memory */
void health_free(struct health *health);

void health_note(struct health *health, unsigned upstream, bool failed, int64_t now_ms);
/* model: as the client said it; what one model's limit says does not speak for the others. */
void health_rest(struct health *health, unsigned upstream, struct text model, int64_t for_ms,
                 int64_t now_ms);

/* Whether a request should rather begin elsewhere; counts probes, so ask once per request. */
bool health_should_avoid(struct health *health, unsigned upstream, struct text model,
                         int64_t now_ms);
/* Unix ms until which it asked us to wait; 0: it did not. */
int64_t health_resting_until(const struct health *health, unsigned upstream, struct text model,
                             int64_t now_ms);

#endif
