/* route.h - which path does what. */
#ifndef SERVER_ROUTE_H
#define SERVER_ROUTE_H

#include "accounting/row.h"
#include "server/config.h"

enum route_kind { ROUTE_HEALTH, ROUTE_CACHEABLE };

struct route {
    const char *path;
    enum route_kind kind;
    const char *methods;         /* for Allow */
    enum config_dialect dialect; /* of the envelope */
    enum row_api api;            /* CACHEABLE */
    const char *endpoint;        /* CACHEABLE: endpoint type in the cache key */
    const char *upstream_path;   /* CACHEABLE: behind base_url */
};

/* NULL: unknown path. */
const struct route *route_find(const char *path, size_t len);

/* Whose envelope an error on this path has, known path or not. */
enum config_dialect route_dialect(const char *path, size_t len);

#endif
