/* fetch.h - one upstream answer: hold -> upstream -> tape -> post. It outlives the call that began
 * it, and may need several attempts.
 *
 *     HELD --(durability: power)--> SENT --> ANSWERED --> ENDED
 *       ^                            |          |
 *       +---- next attempt, under a hold of its own (before the first byte: fetch_attempt.c)
 *
 * HELD: the hold is recorded; with durability `power` it waits here until that is on disk, and an
 * attempt that was told to come later waits here for its time. SENT: the request is with libcurl.
 * ANSWERED: the answer's head is known. ENDED: the hold is posted or voided, the tape ended, the
 * flight landed.
 *
 * Threads: a fetch belongs to its worker and never leaves it; only its tape is shared.
 */
#ifndef SERVER_FETCH_H
#define SERVER_FETCH_H

#include "accounting/estimate.h"
#include "server/dialect/answer.h"
#include "server/dialect/answer_convert.h"
#include "server/dialect/problem.h"
#include "server/dialect/request_convert.h"
#include "server/dialect/sse.h"
#include "server/plan.h"
#include "server/request.h"
#include "server/route.h"
#include "server/upstream.h"
#include "server/worker.h"

enum fetch_state { FETCH_HELD, FETCH_SENT, FETCH_ANSWERED, FETCH_ENDED };

/* The head of every tape that the server makes: fixed part, then the texts. */
struct tape_head {
    int32_t status;
    uint8_t stream; /* body is an event stream */
    uint8_t own;    /* our error, not the upstream's answer */
    uint8_t final;  /* an error after a paid call: x-should-retry: false */
    uint16_t retry_after_len;
    uint16_t id_len, type_len, warning_len;
    char texts[]; /* id, content type, Retry-After, X-Tollgate-Warning */
};
enum {
    TAPE_HEAD_BYTES_MAX = 1024,
    FETCHES_MAX = 16384,          /* of one worker at the same time, detached ones included */
    FETCHES_WAITING_MAX = 4096,   /* of one worker, for budgets */
    FETCH_DURABLE_MS = 10 * 1000, /* how long a hold may take to reach the disk */
    FETCH_ATTEMPTS_BYTES_MAX = 2048,
};

/* Everything that a fetch needs to know of its request. All borrowed: copied inside. */
struct fetch_order {
    const struct ledger_row *row;    /* facts of the request: the hold */
    const struct ledger_row *source; /* the same without what headers said: for later hits */
    const struct request_headers *headers;
    const struct route *route;
    const struct plan *plan;
    enum problem refusal; /* PROBLEMS: none; else the answer is this error */
    const char *detail;   /* of the refusal */
    enum upstream_method method;
    struct text path;   /* behind base_url; of the AI SDK protocol: behind the host */
    struct text body;   /* in the client's words, its preset merged in */
    struct text logged; /* the body as it came */
    bool json;          /* the body is JSON */
    bool client_stream;
    bool may_store;
    unsigned ttl_s;
    int64_t started_ms;                 /* monotonic */
    const struct config_client *client; /* NULL: its own key. borrow: the configuration's */
    struct estimate_bounds bounds;      /* of what it may use, for its budget */
};

/* One upstream to try, as the plan said it. */
struct fetch_attempt {
    unsigned upstream;
    struct text said;  /* the model in the client's words */
    struct text model; /* in the upstream's words */
    const char *sort;
    struct text *models; /* fallbacks that it tries by itself */
    unsigned model_count;
};

struct fetch {
    struct worker *worker;
    struct fetch *next, *previous; /* worker->fetches */
    struct fetch *durable_next;
    unsigned references; /* the worker while it runs, the leading call while it reads */
    enum fetch_state state;
    struct tape *tape;           /* share */
    struct store_flight *flight; /* NULL: caching is off */

    /* the request */
    const struct route *route;
    enum upstream_method method;
    bool recorded; /* a POST: has a hold and becomes a row; everything else is free of charge */
    bool json, client_stream, metadata;
    char *original; /* the body in the client's words, while another attempt may need it */
    size_t original_len;
    char *logged; /* the same for the request log, until the row's id is known; NULL: it is off */
    size_t logged_len, logged_charged;
    char *request_texts; /* holds what the following point to; wiped, the key is among them */
    struct text path, client_key, user, content_type_sent; /* in request_texts */
    struct {
        struct text name, value;
    } forward[REQUEST_FORWARD_MAX];
    unsigned forward_count;

    /* attempts */
    struct fetch_attempt *attempt; /* one block with their texts */
    unsigned attempt_count, current;
    struct out attempts; /* earlier ones as a JSON array, for the row */
    int64_t retry_at_ms; /* monotonic: waits for a Retry-After until then; 0: it does not */
    int64_t sent_ms;     /* monotonic: this attempt */
    char why[PLAN_WHY_MAX];
    char warning[REQUEST_WARNING_MAX];

    /* money */
    struct ledger_hold hold;
    uint64_t hold_position; /* of the lane, for durability */
    int64_t held_ms;        /* monotonic: since when it waits for that */
    struct ledger_row row, source;
    char *row_texts, *source_texts; /* what their texts point into */

    /* the client's budget */
    const struct config_client *client; /* NULL: none is configured */
    bool zdr;                           /* nothing of it is kept */
    struct estimate_bounds bounds;
    struct money ceiling; /* the most that it can cost */
    struct budget_hold budget;
    bool waits_for_budget; /* is in its client's line */
    struct fetch *line_next, *line_previous;
    h2o_timeout_entry_t line_timeout;

    /* the transfer */
    const struct config_upstream *upstream;
    struct out url;
    struct upstream_request request; /* its texts lie in url, request_texts and the configuration */
    struct upstream_transfer *transfer;
    struct text key; /* API key that pays */

    /* the answer */
    bool may_store, window, begun, seen, stored, paused, cancelled;
    bool upstream_stream; /* the upstream answers with an event stream */
    bool stream;          /* the client gets one */
    bool assemble;        /* the upstream streams what the client gets as one body */
    bool early;           /* the head has left, but nothing behind it except comments */
    bool own_id;          /* the head left before the upstream's id was known */
    bool torn; /* a body was cut off after its head had left: only the connection can tell */
    unsigned ttl_s;
    bool left;         /* the leading client is gone, served or not */
    int client_status; /* what the leading client was sent; 0: nothing yet; 499: it left */
    int upstream_status;
    int64_t started_ms, first_byte_ms; /* monotonic; 0: not yet */
    int64_t detached_ms;               /* monotonic: since when nobody waits for it; 0: somebody */
    int64_t comment_ms;                /* monotonic: the last keep-alive comment; 0: none */
    char content_type[128];
    char *passed; /* name\0value\0 pairs for the leading client; UPSTREAM_HEADER_BYTES_MAX */
    size_t passed_len;
    char retry_after[64];
    struct sse_splitter splitter;
    char *body; /* a JSON answer while it arrives */
    size_t body_len, body_size;
    size_t body_charged;     /* bytes of the request's body that the tape budget counts */
    size_t assembly_charged; /* bytes of an answer that is put together, likewise */
    size_t splitter_charged; /* bytes of the splitter that the tape budget counts */
    struct answer answer;
    struct answer_conversion conversion;
    struct answer_converter *converter; /* NULL: bytes go to the client as they are */
    uint64_t wake;                      /* workers to wake at the end of the callback */
};

/* Starts a fetch that writes to tape. share: tape. take: flight, also on failure. Never fails from
 * the caller's view: when nothing could be sent the tape tells (503 or 502) and has ended.
 * Returns a reference for the leading call; drop it with fetch_leave(). */
struct fetch *fetch_start(struct worker *worker, struct tape *tape, struct store_flight *flight,
                          const struct fetch_order *order);

/* The leading call says what it sent (once), and that it goes. */
void fetch_client_sent(struct fetch *fetch, int status);
void fetch_leave(struct fetch *fetch);

/* Keeps it alive across a callback. */
struct fetch *fetch_ref(struct fetch *fetch);
void fetch_unref(struct fetch *fetch);

/* A reader went on: a fetch that was paused for it may, too. Also about once a second, because
 * readers on other workers do not say so. */
void fetch_pace(struct fetch *fetch);

/* About once a second: keep-alive comments, attempts whose time has come. The fetch may be gone
 * when it returns. */
void fetch_tick(struct fetch *fetch, int64_t now_monotonic_ms);

/* LEDGER_POWER: the lane's records up to some point are on disk now: sends what waited for it. */
void fetch_durable(struct worker *worker);
/* Once a second: a hold that does not reach the disk is given up with a 503; nothing was sent. */
void fetch_check_durable(struct worker *worker);

/* Any thread. Something of a client's budget was released: whoever waits for it asks again. */
void fetch_budget_released(struct worker *worker, size_t client);

/* Shutdown: ends every fetch of the worker where it is; what is not known goes to late look-up. */
void fetch_abort_all(struct worker *worker);

#endif
