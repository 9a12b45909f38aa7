#include "server/route.h"

#include <string.h>

static const struct route routes[] = {
    {"/v1/chat/completions", ROUTE_CACHEABLE, "POST", DIALECT_VERCEL, API_CHAT, "vercel/chat",
     "/chat/completions"},
    {"/health", ROUTE_HEALTH, "GET, HEAD", DIALECT_VERCEL, API_NONE, NULL, NULL},
    {"/v1/health", ROUTE_HEALTH, "GET, HEAD", DIALECT_VERCEL, API_NONE, NULL, NULL},
    {"/api/v1/health", ROUTE_HEALTH, "GET, HEAD", DIALECT_OPENROUTER, API_NONE, NULL, NULL},
};

const struct route *route_find(const char *path, size_t len)
{
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
        if (strlen(routes[i].path) == len && memcmp(routes[i].path, path, len) == 0)
            return &routes[i];
    return NULL;
}

enum config_dialect route_dialect(const char *path, size_t len)
{
    return len >= 5 && memcmp(path, "/api/", 5) == 0 ? DIALECT_OPENROUTER : DIALECT_VERCEL;
}
