/* sim_route.c - see sim_route.h. */
#include "tests/sim/sim_route.h"

#include <string.h>

static const struct {
    const char *path;
    enum sim_dialect dialect;
} bases[] = {
    {"/v1/", SIM_VERCEL},         {"/v4/ai/", SIM_AI_SDK},     {"/v3/ai/", SIM_AI_SDK},
    {"/api/v1/", SIM_OPENROUTER}, {"/openai/v1/", SIM_OPENAI},
};

enum {
    VERCEL = 1 << SIM_VERCEL,
    AI_SDK = 1 << SIM_AI_SDK,
    OPENROUTER = 1 << SIM_OPENROUTER,
    OPENAI = 1 << SIM_OPENAI,
};

static const struct {
    const char *path;
    unsigned dialects;
    enum sim_api api;
} posts[] = {
    {"chat/completions", VERCEL | OPENROUTER | OPENAI, SIM_CHAT},
    {"responses", VERCEL | OPENROUTER | OPENAI, SIM_RESPONSES},
    {"messages", VERCEL | OPENROUTER, SIM_MESSAGES},
    {"completions", VERCEL | OPENROUTER | OPENAI, SIM_COMPLETIONS},
    {"embeddings", VERCEL | OPENROUTER | OPENAI, SIM_EMBEDDINGS},
    {"images/generations", VERCEL, SIM_IMAGES},
    {"images/edits", VERCEL, SIM_IMAGES},
    {"audio/speech", VERCEL, SIM_SPEECH},
    {"audio/transcriptions", VERCEL, SIM_TRANSCRIPTION},
    {"videos", VERCEL, SIM_VIDEOS},
    {"rerank", VERCEL | OPENROUTER, SIM_RERANK},
    {"batches", VERCEL, SIM_BATCHES},
    {"files", VERCEL, SIM_FILES},
    {"language-model", AI_SDK, SIM_CHAT},
    {"embedding-model", AI_SDK, SIM_EMBEDDINGS},
    {"image-model", AI_SDK, SIM_IMAGES},
    {"speech-model", AI_SDK, SIM_SPEECH},
    {"transcription-model", AI_SDK, SIM_TRANSCRIPTION},
    {"reranking-model", AI_SDK, SIM_RERANK},
    {"video-model", AI_SDK, SIM_VIDEOS},
    {"video-model/start", AI_SDK, SIM_VIDEO_START},
    {"video-model/status", AI_SDK, SIM_VIDEO_STATUS},
};

static enum sim_api api_of(enum sim_dialect dialect, const char *rest, size_t len)
{
    for (size_t i = 0; i < sizeof(posts) / sizeof(posts[0]); i++) {
        if ((posts[i].dialects & 1u << dialect) != 0 && strlen(posts[i].path) == len &&
            memcmp(posts[i].path, rest, len) == 0)
            return posts[i].api;
    }
    return SIM_NO_API;
}

bool sim_route_find(const char *path, size_t len, struct sim_route *ret_route)
{
    for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
        size_t base = strlen(bases[i].path);
        if (len < base || memcmp(path, bases[i].path, base) != 0)
            continue;
        *ret_route = (struct sim_route){
            .dialect = bases[i].dialect,
            .api = api_of(bases[i].dialect, path + base, len - base),
            .rest = path + base,
            .rest_len = len - base,
        };
        return true;
    }
    return false;
}

const char *sim_dialect_name(enum sim_dialect dialect)
{
    static const char *const names[] = {
        [SIM_VERCEL] = "vercel",
        [SIM_AI_SDK] = "ai-sdk",
        [SIM_OPENROUTER] = "openrouter",
        [SIM_OPENAI] = "openai",
    };
    return names[dialect];
}

const char *sim_api_name(enum sim_api api)
{
    static const char *const names[] = {
        [SIM_NO_API] = "none",
        [SIM_CHAT] = "chat",
        [SIM_RESPONSES] = "responses",
        [SIM_MESSAGES] = "messages",
        [SIM_COMPLETIONS] = "completions",
        [SIM_EMBEDDINGS] = "embeddings",
        [SIM_IMAGES] = "images",
        [SIM_SPEECH] = "speech",
        [SIM_TRANSCRIPTION] = "transcription",
        [SIM_VIDEOS] = "videos",
        [SIM_VIDEO_START] = "video-start",
        [SIM_VIDEO_STATUS] = "video-status",
        [SIM_RERANK] = "rerank",
        [SIM_BATCHES] = "batches",
        [SIM_FILES] = "files",
    };
    return names[api];
}

bool sim_api_streams(enum sim_api api)
{
    return api == SIM_CHAT || api == SIM_RESPONSES || api == SIM_MESSAGES || api == SIM_COMPLETIONS;
}

bool sim_api_needs_price(enum sim_api api)
{
    return sim_api_streams(api) || api == SIM_EMBEDDINGS;
}
