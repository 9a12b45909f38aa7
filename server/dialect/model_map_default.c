/* model_map_default.c - the shipped names, compiled in: configs/models.json, table by table.
 * Neither is made from the other; model_map_test.c holds both against each other, entry by entry.
 */
#include "server/dialect/model_map_private.h"

#define PAIR(first, second)                                                                        \
    {                                                                                              \
        .openrouter = (first), .vercel = (second)                                                  \
    }
#define TRIPLE(first, second, more)                                                                \
    {                                                                                              \
        .openrouter = (first), .vercel = (second), .third = (more)                                 \
    }
#define ONE_WAY(first, second)                                                                     \
    {                                                                                              \
        .openrouter = (first), .vercel = (second), .one_way = true                                 \
    }

static const struct map_entry models[] = {
    PAIR("mistralai/codestral-2508", "mistral/codestral"),
    PAIR("mistralai/codestral-embed-2505", "mistral/codestral-embed"),
    PAIR("mistralai/devstral-2512", "mistral/devstral-2"),
    PAIR("mistralai/ministral-3b-2512", "mistral/ministral-3b"),
    PAIR("mistralai/ministral-8b-2512", "mistral/ministral-8b"),
    PAIR("mistralai/ministral-14b-2512", "mistral/ministral-14b"),
    PAIR("mistralai/mistral-embed-2312", "mistral/mistral-embed"),
    PAIR("mistralai/mistral-large-2512", "mistral/mistral-large-3"),
    PAIR("mistralai/mistral-medium-3.1", "mistral/mistral-medium"),
    PAIR("mistralai/mistral-medium-3", "mistral/mistral-medium"),
    PAIR("mistralai/mistral-medium-3-5", "mistral/mistral-medium-3.5"),
    PAIR("mistralai/mistral-small-2603", "mistral/mistral-small"),
    PAIR("mistralai/pixtral-large-2411", "mistral/pixtral-large"),
    PAIR("qwen/qwen3-14b", "alibaba/qwen-3-14b"),
    PAIR("qwen/qwen3-32b", "alibaba/qwen-3-32b"),
    PAIR("qwen/qwen3-30b-a3b", "alibaba/qwen-3-30b"),
    PAIR("qwen/qwen3-30b-a3b-instruct-2507", "alibaba/qwen-3-30b"),
    PAIR("qwen/qwen3-235b-a22b", "alibaba/qwen-3-235b"),
    PAIR("qwen/qwen3-235b-a22b-2507", "alibaba/qwen-3-235b"),
    PAIR("qwen/qwen3-235b-a22b-thinking-2507", "alibaba/qwen3-235b-a22b-thinking"),
    ONE_WAY("qwen/qwen3-coder:free", "alibaba/qwen3-coder"),
    PAIR("qwen/qwen3-coder-30b-a3b-instruct", "alibaba/qwen3-coder-30b-a3b"),
    PAIR("qwen/qwen3-vl-235b-a22b-thinking", "alibaba/qwen3-vl-thinking"),
    PAIR("qwen/qwen3.6-max-preview", "alibaba/qwen-3.6-max-preview"),
    ONE_WAY("x-ai/grok-3-beta", "xai/grok-3"),
    ONE_WAY("x-ai/grok-3-mini-beta", "xai/grok-3-mini"),
    TRIPLE("x-ai/grok-4-fast", "xai/grok-4-fast-reasoning", "xai/grok-4-fast-non-reasoning"),
    TRIPLE("x-ai/grok-4.1-fast", "xai/grok-4.1-fast-reasoning", "xai/grok-4.1-fast-non-reasoning"),
    TRIPLE("x-ai/grok-4.20", "xai/grok-4.20-reasoning", "xai/grok-4.20-non-reasoning"),
    PAIR("deepseek/deepseek-chat", "deepseek/deepseek-v3"),
    PAIR("deepseek/deepseek-chat-v3.1", "deepseek/deepseek-v3.1"),
    ONE_WAY("deepseek/deepseek-v3.2-exp", "deepseek/deepseek-v3.2"),
    PAIR("google/gemini-2.0-flash-001", "google/gemini-2.0-flash"),
    PAIR("google/gemini-2.0-flash-lite-001", "google/gemini-2.0-flash-lite"),
    ONE_WAY("google/gemini-2.5-pro-preview", "google/gemini-2.5-pro"),
    PAIR("google/gemini-3-flash-preview", "google/gemini-3-flash"),
    PAIR("google/gemini-3-pro-image-preview", "google/gemini-3-pro-image"),
    ONE_WAY("google/gemini-3.1-pro-preview-customtools", "google/gemini-3.1-pro-preview"),
    PAIR("meta-llama/llama-3.1-8b-instruct", "meta/llama-3.1-8b"),
    PAIR("meta-llama/llama-3.1-70b-instruct", "meta/llama-3.1-70b"),
    PAIR("meta-llama/llama-3.2-1b-instruct", "meta/llama-3.2-1b"),
    PAIR("meta-llama/llama-3.2-3b-instruct", "meta/llama-3.2-3b"),
    PAIR("meta-llama/llama-3.2-11b-vision-instruct", "meta/llama-3.2-11b"),
    PAIR("meta-llama/llama-3.3-70b-instruct", "meta/llama-3.3-70b"),
    PAIR("meta-llama/llama-4-maverick", "meta/llama-4-maverick"),
    PAIR("meta-llama/llama-4-scout", "meta/llama-4-scout"),
    PAIR("amazon/nova-micro-v1", "amazon/nova-micro"),
    PAIR("amazon/nova-lite-v1", "amazon/nova-lite"),
    PAIR("amazon/nova-pro-v1", "amazon/nova-pro"),
    PAIR("amazon/nova-2-lite-v1", "amazon/nova-2-lite"),
    PAIR("bytedance-seed/seed-1.6", "bytedance/seed-1.6"),
    ONE_WAY("anthropic/claude-haiku-4-5", "anthropic/claude-haiku-4.5"),
    ONE_WAY("anthropic/claude-opus-4.6-fast", "anthropic/claude-opus-4.6"),
    ONE_WAY("minimax/minimax-m2.5-20260211", "minimax/minimax-m2.5"),
    PAIR("openai/gpt-5.1", "openai/gpt-5.1-thinking"),
    PAIR("openai/gpt-5.1-chat", "openai/gpt-5.1-instant"),
    PAIR("inclusionai/ling-3.0-flash:free", "inclusionai/ling-3.0-flash-free"),
};

static const struct map_entry vendors[] = {
    PAIR("mistralai", "mistral"),
    PAIR("qwen", "alibaba"),
    PAIR("meta-llama", "meta"),
    PAIR("black-forest-labs", "bfl"),
    PAIR("z-ai", "zai"),
    PAIR("x-ai", "xai"),
    PAIR("x-ai", "spacexai"),
    PAIR("bytedance-seed", "bytedance"),
    TRIPLE("amazon", "amazon", "-v1"),
};

static const struct map_entry providers[] = {
    PAIR("amazon-bedrock", "bedrock"),
    PAIR("google-ai-studio", "google"),
    PAIR("google-vertex", "vertex"),
    PAIR("google-vertex", "vertexanthropic"),
    PAIR("z-ai", "zai"),
    PAIR("seed", "bytedance"),
    PAIR("together", "togetherai"),
    PAIR("claude-on-aws", "claudeaws"),
};

static const struct map_entry variants[] = {
    PAIR("nitro", "tps"),
    PAIR("floor", "cost"),
};

static const struct map_entry bare[] = {
    PAIR("gpt-", "openai"),
    PAIR("o1", "openai"),
    PAIR("o3", "openai"),
    PAIR("o4-", "openai"),
    PAIR("text-embedding-3-", "openai"),
    PAIR("text-embedding-ada-", "openai"),
    PAIR("claude-", "anthropic"),
    PAIR("gemini-", "google"),
};

static const char *const free_too[] = {"openai/gpt-oss-*", "nvidia/*", "google/gemma-4-*",
                                       "z-ai/glm-4.5-air", "arcee-ai/trinity-large-preview"};
static const char *const routers[] = {"openrouter/*", "~*"};
static const char *const vercel_only[] = {"vmc/*"};
static const char *const dashed[] = {"anthropic/claude-*"};

#define COUNT(array) ((unsigned)(sizeof(array) / sizeof((array)[0])))

const struct map_table model_map_shipped_table[MAP_TABLES] = {
    [MAP_MODELS] = {models, COUNT(models)},
    [MAP_VENDORS] = {vendors, COUNT(vendors)},
    [MAP_PROVIDERS] = {providers, COUNT(providers)},
    [MAP_VARIANTS] = {variants, COUNT(variants)},
    [MAP_BARE] = {bare, COUNT(bare)},
};

const struct map_patterns model_map_shipped_patterns[MAP_LISTS] = {
    [MAP_FREE] = {free_too, COUNT(free_too)},
    [MAP_ROUTERS] = {routers, COUNT(routers)},
    [MAP_VERCEL_ONLY] = {vercel_only, COUNT(vercel_only)},
    [MAP_DASHED] = {dashed, COUNT(dashed)},
};
