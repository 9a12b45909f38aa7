/* ask.h - a small question to an upstream: GET, gathered whole, told to a callback.
 *
 * For catalogues, credits, endpoints and the like: never for paid calls, and never on the way of a
 * request that costs.
 *
 * Threads: belongs to the worker it was started on; the callback runs there.
 */
#ifndef SERVER_ASK_H
#define SERVER_ASK_H

#include "accounting/row.h"
#include "server/config.h"

struct ask;
struct worker;

struct ask_answer {
    int status;             /* 0: it could not be asked, or broke off, or was too long */
    struct text type, body; /* borrow: during the callback */
};

struct ask_order {
    const struct config_upstream *upstream;
    struct text path;       /* behind base_url, with its query: "/credits" */
    struct text client_key; /* used where the upstream has no api_key of its own; may be empty */
    size_t body_max;
    int64_t timeout_ms;
    void (*done)(void *arg, struct worker *worker, const struct ask_answer *answer);
    void *arg;
};

/* borrow: order, copied. -ENOMEM or -EIO: done will not run. */
int ask_start(struct worker *worker, const struct ask_order *order, struct ask **ret_ask);
void ask_stop(struct ask *ask); /* without calling done; not from inside done */

#endif
