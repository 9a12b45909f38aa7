/* upstream.h - libcurl's multi interface in a worker's loop: start, hear, stop one transfer.
 *
 * A paid POST is never sent twice by libcurl: the body is given by a read callback without a seek
 * callback, so a reused connection that dies ends the transfer instead (platform.md). Nothing here
 * retries. Redirects are not followed. A transfer over HTTP/1.1 can be paused; over HTTP/2 it never
 * is, because libcurl would go on filling memory (platform.md).
 *
 * Threads: a pool and its transfers belong to one worker. Callbacks run inside libcurl: they may
 * not start or stop transfers of the same pool (on_end may).
 */
#ifndef SERVER_UPSTREAM_H
#define SERVER_UPSTREAM_H

#include "accounting/row.h"
#include "server/watch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    UPSTREAM_CONNECT_MS = 10 * 1000,
    UPSTREAM_SILENCE_MS = 5 * 60 * 1000, /* between two bytes, once the first has come */
    UPSTREAM_TOTAL_MS = 900 * 1000,      /* vendors' longest provider timeout is 789 s */
    UPSTREAM_BUFFER_BYTES = 4096,
    UPSTREAM_CONNECTIONS_MAX = 1024, /* kept for reuse, per worker */
    UPSTREAM_HEADERS_MAX = 32,       /* response headers passed on */
    UPSTREAM_REQUEST_HEADERS_MAX = 24,
    UPSTREAM_HEADER_BYTES_MAX = 4096,
};

struct upstream_pool;
struct upstream_transfer;

/* The part of an upstream's answer before its body. Texts are valid during on_head only. */
struct upstream_head {
    int status;
    struct text content_type; /* as sent; empty when absent */
    struct {
        struct text name, value;    /* name in lower case */
    } passed[UPSTREAM_HEADERS_MAX]; /* listed headers that go on to the client */
    unsigned passed_count;
};

enum upstream_end {
    UPSTREAM_COMPLETE, /* head and whole body were received */
    UPSTREAM_UNSENT,   /* the request cannot have been executed: it never left whole */
    UPSTREAM_BROKEN,   /* sent, then the connection ended before the answer did */
    UPSTREAM_TIMEOUT,  /* sent, then silence or too long */
};

enum upstream_method { UPSTREAM_POST, UPSTREAM_GET, UPSTREAM_HEAD, UPSTREAM_DELETE };

struct upstream_request {
    const char *url;    /* borrow, as the following: until start returns */
    const char *bearer; /* API key for the Authorization header; not NUL inside */
    size_t bearer_len;
    struct {
        struct text name, value;
    } headers[UPSTREAM_REQUEST_HEADERS_MAX];
    unsigned header_count;
    enum upstream_method method; /* POST has a body, the others have none */
    char *body; /* take: malloc'd, freed with the transfer, also when start fails */
    size_t body_len;
    int64_t timeout_ms;         /* for the whole transfer; 0: UPSTREAM_TOTAL_MS */
    void (*on_sent)(void *arg); /* the body has left and is freed; may be NULL */
    void (*on_head)(void *arg, const struct upstream_head *head);
    int (*on_bytes)(void *arg, const char *bytes, size_t len); /* non-zero: stop the transfer */
    /* Last callback. detail: a static text for logs. The transfer is gone when it returns. */
    void (*on_end)(void *arg, enum upstream_end end, const char *detail);
    void *arg;
};

/* give; NULL when libcurl or the kernel refuses. */
struct upstream_pool *upstream_pool_new(struct watch_set *watches);
void upstream_pool_free(struct upstream_pool *pool); /* stops what runs, without callbacks */

/* -ENOMEM or -EIO: nothing was sent and no callback will run. */
int upstream_start(struct upstream_pool *pool, const struct upstream_request *request,
                   struct upstream_transfer **ret_transfer);
/* Ends a transfer now, without callbacks. Not from inside on_head or on_bytes. */
void upstream_stop(struct upstream_transfer *transfer);
/* Stops reading from the upstream (also from inside on_bytes), and goes on. False: HTTP/2, it is
 * not paused. */
bool upstream_pause(struct upstream_transfer *transfer);
void upstream_resume(struct upstream_transfer *transfer); /* on_bytes may run inside */
/* Call about once a second: ends transfers that have been silent for too long. */
void upstream_tick(struct upstream_pool *pool);

#endif
