/* row.h - one ledger row: what it holds, its stored form, its text form.
 *
 * Stored form: msgpack, a map from small integer (enum row_field in row.c: append, never renumber)
 * to value; fields that are not known are left out. Fields of a newer version are kept out of the
 * struct but do not fail the decoder; a broken encoding is -EBADMSG.
 *
 * Text fields are borrowed slices: of whatever the encoder was given, or of the bytes the decoder
 * was given. Threads: pure functions.
 */
#ifndef ACCOUNTING_ROW_H
#define ACCOUNTING_ROW_H

#include "accounting/reconcile.h"
#include "accounting/text.h"
#include "accounting/usage.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    ROW_ID_MAX = 128,   /* generation ids, ours and the upstream's */
    ROW_NAME_MAX = 256, /* models, providers, users, sessions, apps, ... */
    ROW_TAGS_MAX = 10,  /* vercel section 1: at most 10 tags of 1-64 characters */
    ROW_TAGS_BYTES_MAX = 4096,
    ROW_ATTEMPTS_BYTES_MAX = 2048, /* earlier attempts; whole ones are dropped from the end */
    ROW_CHECK_BYTES = 6,           /* what ends every stored row: a CRC-32C of it */
    ROW_PLACE_MAX = 48,            /* "ms/sequence" */
    ROW_RATING_BYTES_MAX = 768,    /* rating.h */
    ROW_OBSERVED_BYTES_MAX = 1024, /* observe.h */
    ROW_ENCODED_MAX = 14 * 1024,   /* no row is larger; the journal reserves by this bound */
};

/* Stored as numbers: append, never renumber. 0 is "not known" in each. */
enum row_api {
    API_NONE,
    API_CHAT,
    API_RESPONSES,
    API_MESSAGES,
    API_EMBEDDINGS,
    API_COMPLETIONS,
    API_IMAGES,
    API_AUDIO,
    API_VIDEOS,
    API_BATCHES,
    API_FILES,
    API_AI_LANGUAGE,
    API_AI_EMBEDDING,
    API_AI_OTHER,
    APIS,
};
enum row_cache {
    CACHE_NONE,
    CACHE_HIT,
    CACHE_COLLAPSED,
    CACHE_MISS,
    CACHE_OFF,
    CACHE_STALE,
    CACHE_REFRESH,
    CACHES,
};
const char *row_api_name(enum row_api api);       /* "chat", ..., "ai-language" */
const char *row_cache_name(enum row_cache cache); /* "hit", "collapsed", ... */

/* Why reported and estimated differ, found by re-rating (cause.h). Stored: append, never renumber.
 */
enum cause {
    CAUSE_NONE,          /* they do not, or one of them is not known */
    CAUSE_CACHE_IGNORED, /* cached tokens were billed as input */
    CAUSE_TIER_MISSED,   /* another context tier was applied */
    CAUSE_SERVICE_TIER,  /* another service tier's rates */
    CAUSE_CACHE_TTL,     /* 1-hour and 5-minute writes taken for one another */
    CAUSE_SURCHARGE,     /* the gateway's fee is in it */
    CAUSE_DISCOUNT,      /* less by a plain percentage */
    CAUSE_MARKUP,        /* more by one */
    CAUSE_BYOK,          /* billed under one's own key: a fee, or nothing */
    CAUSE_SEARCH_FEE,    /* a whole number of searches, or their fee left out */
    CAUSE_TOKEN_COUNT,   /* the counts of the record differ from those of the answer */
    CAUSE_PRICE_VERSION, /* the rates of the version before or after */
    CAUSE_UNEXPLAINED,
    CAUSES,
};
const char *cause_name(enum cause cause); /* "cached-tokens-ignored", ...; "" for CAUSE_NONE */

/* The columns of design 2.5, in its order; then what the read endpoints know besides, which is in
 * no export. */
struct ledger_row {
    struct text id;
    int64_t created_at_ms; /* unix ms, UTC; set by the ledger */
    enum row_api api;
    bool streamed;
    struct text client, key_id, project, user, session, app, environment;
    struct text tags; /* a JSON array of strings, compact */
    struct text model_requested, model, provider, upstream, upstream_id, route;
    enum row_cache cache;
    struct text source_id;
    int status; /* HTTP status the client was sent; 499: it left before; 0: not known */
    struct text finish_reason;
    struct usage usage;
    struct maybe_money billed, upstream_cost, market, estimated, booked, difference;
    enum verdict verdict;
    struct maybe_money saved;
    int byok;               /* 0 no, 1 yes, -1 not known */
    int64_t latency_ms;     /* whole answer; -1: not known */
    int64_t ttft_ms;        /* first byte of the body; -1: not known */
    struct text price_hash; /* which price table rated it; not exported in CSV */
    struct text attempts;   /* a JSON array of the attempts before the one that answered:
                               [{"upstream":"vercel","model":"x/y","status":503,"ms":12}] */
    struct text preset;     /* "name@version" */
    struct text native_finish_reason, service_tier;
    struct text origin; /* HTTP-Referer */
    struct text rating; /* the lines that `estimated` adds up from (rating.h); on hits and followers
                           those of what their source cost: the avoided quantities */
    struct text observed; /* every cost that was ever reported for it (observe.h) */
    unsigned version;     /* times that a later observation changed it */
    enum cause cause;     /* why `difference` is not 0 (cause.h) */
    uint64_t sequence;    /* of its place: not stored, but its check is over it, so that rows cannot
                             change places; 0 where a row has none */
    struct maybe_money held; /* what the client's budget held for it */
    struct text corrects;    /* "ms/sequence" of the closed month's row that this one corrects; its
                                sums are then differences to it */
};

/* A row of which nothing is known. */
void row_init(struct ledger_row *row);

/* Encodes into buffer; -ENOBUFS when it does not fit in size. Text longer than its maximum is cut
 * at a UTF-8 boundary. */
int row_encode(const struct ledger_row *row, uint8_t *buffer, size_t size, size_t *ret_len);

/* Decodes; text fields borrow from bytes. -EBADMSG when the bytes are not a row. */
int row_decode(const uint8_t *bytes, size_t len, struct ledger_row *ret_row);

/* Whether the encoded row has this id and this key_id, an empty text being any: much cheaper than
 * decoding, for scans that want few of many rows. True as well for bytes that are no row, so that
 * whoever decodes them says so. */
bool row_may_match(const uint8_t *bytes, size_t len, struct text id, struct text key_id);

#endif
