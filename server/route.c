#include "server/route.h"

#include <string.h>

/* The endpoint types keep the dialects apart in the cache key: the same body asked in the other
 * dialect has another answer. */
/* NOLINTBEGIN(bugprone-macro-parentheses): parts of string literals are joined by standing side by
 * side. */
#define CACHEABLE(base, of, prefix, rest, family, name)                                            \
    {                                                                                              \
        .path = base rest, .kind = ROUTE_CACHEABLE, .methods = "POST, OPTIONS", .dialect = of,     \
        .api = family, .endpoint = prefix name, .upstream_path = rest                              \
    }
#define FORWARDED(base, of, rest, verbs, family)                                                   \
    {                                                                                              \
        .path = base rest, .kind = ROUTE_FORWARDED, .methods = verbs ", OPTIONS", .dialect = of,   \
        .api = family                                                                              \
    }
#define READ(base, of, rest, what)                                                                 \
    {                                                                                              \
        .path = base rest, .kind = ROUTE_READ, .methods = "GET, HEAD, OPTIONS", .dialect = of,     \
        .read = what                                                                               \
    }
#define HEALTH(whole, of)                                                                          \
    {                                                                                              \
        .path = whole, .kind = ROUTE_HEALTH, .methods = "GET, HEAD, OPTIONS", .dialect = of        \
    }

/* Looked up on every hit: they stand first. */
#define CACHED(base, dialect, prefix)                                                              \
    CACHEABLE(base, dialect, prefix, "/chat/completions", API_CHAT, "chat"),                       \
        CACHEABLE(base, dialect, prefix, "/responses", API_RESPONSES, "responses"),                \
        CACHEABLE(base, dialect, prefix, "/messages", API_MESSAGES, "messages"),                   \
        CACHEABLE(base, dialect, prefix, "/embeddings", API_EMBEDDINGS, "embeddings")

/* What both vendors have besides. */
#define OTHERS(base, dialect)                                                                      \
    FORWARDED(base, dialect, "/completions", "POST", API_COMPLETIONS),                             \
        FORWARDED(base, dialect, "/responses/compact", "POST", API_RESPONSES),                     \
        FORWARDED(base, dialect, "/rerank", "POST", API_AI_OTHER),                                 \
        FORWARDED(base, dialect, "/images", "POST", API_IMAGES),                                   \
        FORWARDED(base, dialect, "/images/*", "POST", API_IMAGES),                                 \
        FORWARDED(base, dialect, "/audio/*", "POST", API_AUDIO),                                   \
        FORWARDED(base, dialect, "/videos", "POST, GET, HEAD", API_VIDEOS),                        \
        FORWARDED(base, dialect, "/videos/*", "POST, GET, HEAD, DELETE", API_VIDEOS),              \
        FORWARDED(base, dialect, "/batches", "POST, GET, HEAD", API_BATCHES),                      \
        FORWARDED(base, dialect, "/batches/*", "POST, GET, HEAD", API_BATCHES),                    \
        FORWARDED(base, dialect, "/files", "POST, GET, HEAD", API_FILES),                          \
        FORWARDED(base, dialect, "/files/*", "GET, HEAD, DELETE, POST", API_FILES),                \
        READ(base, dialect, "/models", READ_MODELS),                                               \
        READ(base, dialect, "/models/count", READ_MODELS_COUNT),                                   \
        READ(base, dialect, "/models/user", READ_MODELS),                                          \
        READ(base, dialect, "/models/*/endpoints", READ_ENDPOINTS),                                \
        READ(base, dialect, "/models/*", READ_MODEL), READ(base, dialect, "/model/*", READ_MODEL), \
        READ(base, dialect, "/embeddings/models", READ_EMBEDDING_MODELS),                          \
        READ(base, dialect, "/providers", READ_PROVIDERS),                                         \
        READ(base, dialect, "/generation", READ_GENERATION),                                       \
        READ(base, dialect, "/generations", READ_GENERATIONS),                                     \
        READ(base, dialect, "/key", READ_KEY), READ(base, dialect, "/auth/key", READ_KEY),         \
        READ(base, dialect, "/credits", READ_CREDITS),                                             \
        READ(base, dialect, "/activity", READ_ACTIVITY),                                           \
        READ(base, dialect, "/report", READ_REPORT), HEALTH(base "/health", dialect)

/* Vercel's AI SDK protocol (vercel section 1): v4, earlier v3. */
#define AI_CACHED(base, rest, family, name)                                                        \
    {                                                                                              \
        .path = base rest, .kind = ROUTE_CACHEABLE, .methods = "POST, OPTIONS",                    \
        .dialect = DIALECT_VERCEL, .api = family, .endpoint = "ai/" name, .ai_sdk = true           \
    }
#define AI_LANGUAGE(base) AI_CACHED(base, "/language-model", API_AI_LANGUAGE, "language")
#define AI_EMBEDDING(base) AI_CACHED(base, "/embedding-model", API_AI_EMBEDDING, "embedding")
#define AI_OTHERS(base)                                                                            \
    {                                                                                              \
        .path = base "/*", .kind = ROUTE_FORWARDED, .methods = "POST, GET, HEAD, OPTIONS",         \
        .dialect = DIALECT_VERCEL, .api = API_AI_OTHER, .ai_sdk = true                             \
    }
/* NOLINTEND(bugprone-macro-parentheses) */

static const struct route routes[] = {
    CACHED("/v1", DIALECT_VERCEL, "vercel/"),
    CACHED("/api/v1", DIALECT_OPENROUTER, "openrouter/"),
    AI_LANGUAGE("/v4/ai"),
    AI_EMBEDDING("/v4/ai"),
    AI_LANGUAGE("/v3/ai"),
    AI_EMBEDDING("/v3/ai"),
    OTHERS("/v1", DIALECT_VERCEL),
    OTHERS("/api/v1", DIALECT_OPENROUTER),
    AI_OTHERS("/v4/ai"),
    AI_OTHERS("/v3/ai"),
    HEALTH("/health", DIALECT_VERCEL),
};

static bool matches(const char *pattern, const char *path, size_t len, struct text *ret_rest)
{
    const char *star = strchr(pattern, '*');
    size_t before = star != NULL ? (size_t)(star - pattern) : strlen(pattern);
    size_t after = star != NULL ? strlen(star + 1) : 0;

    *ret_rest = (struct text){NULL, 0};
    if (star == NULL)
        return len == before && memcmp(pattern, path, len) == 0;
    if (len <= before + after || memcmp(pattern, path, before) != 0 ||
        memcmp(star + 1, path + len - after, after) != 0)
        return false;
    *ret_rest = (struct text){path + before, len - before - after};
    return true;
}

const struct route *route_find(const char *path, size_t len, struct text *ret_rest)
{
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
        if (matches(routes[i].path, path, len, ret_rest))
            return &routes[i];
    return NULL;
}

bool route_keeps_its_place(const struct route *route)
{
    return route->api == API_FILES || route->api == API_BATCHES || route->api == API_VIDEOS;
}

static bool is_plain(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || strchr("-._~:@/+,=", byte) != NULL;
}

bool route_path_is_plain(struct text path)
{
    if (path.len == 0 || path.bytes[0] != '/')
        return false;
    for (size_t i = 0; i < path.len; i++) {
        if (path.bytes[i] == '\0' || !is_plain(path.bytes[i]))
            return false;
        /* No segment begins with a dot: `.` and `..` least of all. */
        if (i > 0 && path.bytes[i] == '.' && path.bytes[i - 1] == '/')
            return false;
    }
    return true;
}

bool route_query_is_plain(struct text query)
{
    for (size_t i = 0; i < query.len; i++)
        if (query.bytes[i] <= ' ' || query.bytes[i] > '~' || query.bytes[i] == '#')
            return false;
    return true;
}

enum config_dialect route_dialect(const char *path, size_t len)
{
    return len >= 5 && memcmp(path, "/api/", 5) == 0 ? DIALECT_OPENROUTER : DIALECT_VERCEL;
}

/* /v1/messages/count_tokens and the like are unknown paths, but whose client reads the error is
 * plain to see. */
enum row_api route_api(const char *path, size_t len)
{
    static const char messages[] = "/v1/messages";

    if (len >= 4 && memcmp(path, "/api", 4) == 0) {
        path += 4;
        len -= 4;
    }
    if (len >= sizeof messages - 1 && memcmp(path, messages, sizeof messages - 1) == 0)
        return API_MESSAGES;
    if (len >= 7 && (memcmp(path, "/v4/ai/", 7) == 0 || memcmp(path, "/v3/ai/", 7) == 0))
        return API_AI_OTHER;
    return API_NONE;
}
