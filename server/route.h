/* route.h - which path does what. */
#ifndef SERVER_ROUTE_H
#define SERVER_ROUTE_H

#include "accounting/row.h"
#include "server/config.h"

#include <stdbool.h>

enum route_kind {
    ROUTE_HEALTH,
    ROUTE_CACHEABLE, /* POST: keyed, cached, recorded */
    ROUTE_FORWARDED, /* passed on as it is; a POST makes a row, other methods do not */
    ROUTE_READ,      /* GET: answered from the ledger, the catalogue, or by asking upstream */
};

enum route_read {
    READ_NONE,
    READ_MODELS,
    READ_MODELS_COUNT,
    READ_MODEL,     /* {author}/{slug} follows */
    READ_ENDPOINTS, /* models/{author}/{slug}/endpoints */
    READ_EMBEDDING_MODELS,
    READ_PROVIDERS,
    READ_GENERATION,  /* one record, in the shape of the dialect */
    READ_GENERATIONS, /* AI Stats' shape, with pricing_lines */
    READ_KEY,
    READ_CREDITS,
    READ_ACTIVITY,
    READ_REPORT,
};

struct route {
    const char *path; /* one '*' in it: any non-empty text there */
    enum route_kind kind;
    const char *methods;         /* for Allow */
    enum config_dialect dialect; /* of the client: its envelope, its words */
    enum row_api api;
    const char *endpoint;      /* CACHEABLE: endpoint type in the cache key */
    const char *upstream_path; /* behind base_url; NULL: what follows the dialect's base path */
    enum route_read read;
    bool ai_sdk; /* the AI SDK protocol: beside base_url, model and stream in headers */
};

/* NULL: unknown path. *ret_rest: what stands in place of the `*`, borrowed from path, else empty.
 */
const struct route *route_find(const char *path, size_t len, struct text *ret_rest);

/* Files, batches and videos live where they were made: later questions must go there, too. */
bool route_keeps_its_place(const struct route *route);

/* Nothing in a path that is passed on may change where it leads: printable characters that need no
 * escape, no dot segments, and for a query no `#`. */
bool route_path_is_plain(struct text path);
bool route_query_is_plain(struct text query);

/* Whose envelope an error on this path has, known path or not. */
enum config_dialect route_dialect(const char *path, size_t len);
enum row_api route_api(const char *path, size_t len);

#endif
