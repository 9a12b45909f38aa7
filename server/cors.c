#include "server/cors.h"

#include <stdbool.h>
#include <string.h>

/* A day: browsers cap it at less. */
#define MAX_AGE "86400"
#define METHODS "GET,OPTIONS,PATCH,DELETE,POST,PUT"
#define CACHE_REQUEST_HEADERS                                                                      \
    "X-OpenRouter-Cache,X-OpenRouter-Cache-TTL,X-OpenRouter-Cache-Clear,X-OpenRouter-Cache-Salt,"  \
    "Cache-Control,X-OpenRouter-Metadata,X-Tollgate-Upstream"
#define REQUEST_HEADERS                                                                            \
    "Authorization,X-Api-Key,Content-Type,HTTP-Referer,X-Title,X-OpenRouter-Title,"                \
    "X-OpenRouter-Categories,X-Session-Id,X-Session-Affinity,Anthropic-Version,Anthropic-Beta,"    \
    "Anthropic-Dangerous-Direct-Browser-Access,X-Anthropic-Beta,AI-Reporting-Tags,"                \
    "AI-Reporting-User,User-Agent,X-Stainless-Lang,X-Stainless-Package-Version,X-Stainless-OS,"    \
    "X-Stainless-Arch,X-Stainless-Runtime,X-Stainless-Runtime-Version,X-Stainless-Retry-Count,"    \
    "X-Stainless-Timeout,X-Stainless-Helper-Method,X-Stainless-Async,X-Stainless-Poll-Helper,"     \
    "Idempotency-Key,traceparent," CACHE_REQUEST_HEADERS
#define RESPONSE_HEADERS                                                                           \
    "X-Generation-Id,X-Provider-Name,request-id,X-OpenRouter-Cache-Status,X-OpenRouter-Cache-Age," \
    "X-OpenRouter-Cache-TTL,X-OpenRouter-Cache-Source-Id,Cache-Status,Age,X-Tollgate-Saved-Cost,"  \
    "X-Tollgate-Upstream,X-Tollgate-Route,X-Tollgate-Warning,Retry-After,X-Should-Retry"

static void add(h2o_req_t *req, const char *name, size_t name_len, const char *value, size_t len)
{
    h2o_add_header_by_str(&req->pool, &req->res.headers, name, name_len, 0, NULL, value, len);
}

void cors_add(h2o_req_t *req)
{
    add(req, H2O_STRLIT("access-control-allow-origin"), H2O_STRLIT("*"));
    add(req, H2O_STRLIT("access-control-expose-headers"), H2O_STRLIT(RESPONSE_HEADERS));
}

/* libh2o answers an index, -1 for none. */
static ssize_t find(h2o_req_t *req, const char *name, size_t len)
{
    return h2o_find_header_by_str(&req->headers, name, len, -1);
}

void cors_add_if_asked(h2o_req_t *req)
{
    if (find(req, H2O_STRLIT("origin")) != -1)
        cors_add(req);
}

/* The AI SDK's clients send names that no list can foresee (ai-...): what a preflight names is
 * allowed as it stands, as long as it is a list of names. */
static h2o_iovec_t asked_headers(h2o_req_t *req)
{
    ssize_t at = find(req, H2O_STRLIT("access-control-request-headers"));
    h2o_iovec_t asked;

    if (at == -1)
        return h2o_iovec_init(NULL, 0);
    asked = req->headers.entries[at].value;
    if (asked.len == 0 || asked.len > 2048)
        return h2o_iovec_init(NULL, 0);
    for (size_t i = 0; i < asked.len; i++) {
        char byte = asked.base[i];
        bool name = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                    (byte >= '0' && byte <= '9') || byte == '-' || byte == '_';
        if (!name && byte != ',' && byte != ' ')
            return h2o_iovec_init(NULL, 0);
    }
    return asked;
}

static void add_allowed_headers(h2o_req_t *req)
{
    static const char known[] = REQUEST_HEADERS;
    h2o_iovec_t asked = asked_headers(req), list;

    if (asked.len == 0) {
        add(req, H2O_STRLIT("access-control-allow-headers"), H2O_STRLIT(REQUEST_HEADERS));
        return;
    }
    list = h2o_concat(&req->pool, h2o_iovec_init(known, sizeof known - 1),
                      h2o_iovec_init(H2O_STRLIT(",")), asked);
    add(req, H2O_STRLIT("access-control-allow-headers"), list.base, list.len);
}

void cors_answer(h2o_req_t *req, const char *methods)
{
    req->res.status = 204;
    req->res.reason = "No Content";
    add(req, H2O_STRLIT("allow"), methods, strlen(methods));
    add(req, H2O_STRLIT("access-control-allow-origin"), H2O_STRLIT("*"));
    add(req, H2O_STRLIT("access-control-allow-methods"), H2O_STRLIT(METHODS));
    add_allowed_headers(req);
    add(req, H2O_STRLIT("access-control-max-age"), H2O_STRLIT(MAX_AGE));
    h2o_send_inline(req, NULL, 0);
}
