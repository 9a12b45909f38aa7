#include "server/route.h"

#include <string.h>

/* The endpoint types keep the dialects apart in the cache key: the same body asked in the other
 * dialect has another answer. */
#define CACHEABLE(base, dialect, prefix, path, api, name)                                          \
    {                                                                                              \
        base path, ROUTE_CACHEABLE, "POST, OPTIONS", dialect, api, prefix name, path, READ_NONE    \
    }
#define FORWARDED(base, dialect, path, methods, api)                                               \
    {                                                                                              \
        base path, ROUTE_FORWARDED, methods ", OPTIONS", dialect, api, NULL, NULL, READ_NONE       \
    }
#define READ(base, dialect, path, read)                                                            \
    {                                                                                              \
        base path, ROUTE_READ, "GET, HEAD, OPTIONS", dialect, API_NONE, NULL, NULL, read           \
    }
#define HEALTH(path, dialect)                                                                      \
    {                                                                                              \
        path, ROUTE_HEALTH, "GET, HEAD, OPTIONS", dialect, API_NONE, NULL, NULL, READ_NONE         \
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
#define AI_CACHED(base)                                                                            \
    CACHEABLE(base, DIALECT_VERCEL, "ai/", "/language-model", API_AI_LANGUAGE, "language"),        \
        CACHEABLE(base, DIALECT_VERCEL, "ai/", "/embedding-model", API_AI_EMBEDDING, "embedding")
#define AI_OTHERS(base) FORWARDED(base, DIALECT_VERCEL, "/*", "POST, GET, HEAD", API_AI_OTHER)

static const struct route routes[] = {
    CACHED("/v1", DIALECT_VERCEL, "vercel/"),
    CACHED("/api/v1", DIALECT_OPENROUTER, "openrouter/"),
    AI_CACHED("/v4/ai"),
    AI_CACHED("/v3/ai"),
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
