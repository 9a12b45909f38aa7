/* answer_usage.c - tokens and costs that a `usage` reports, in the names of every API. */
#include "server/dialect/answer_facts.h"
#include "server/dialect/answer_field.h"

#include <string.h>

static int64_t read_count(struct answer *answer, uint32_t object, const char *name)
{
    return answer_field_count(&answer->doc, json_get(&answer->doc, object, name),
                              &answer->usage_unreadable);
}

/* Chat has one name for it; responses, messages and images another. */
static int64_t read_either(struct answer *answer, uint32_t object, const char *name,
                           const char *other)
{
    int64_t count = read_count(answer, object, name);

    return count != USAGE_ABSENT ? count : read_count(answer, object, other);
}

static uint32_t find_either(const struct json_doc *doc, uint32_t object, const char *name,
                            const char *other)
{
    uint32_t token = json_get(doc, object, name);

    return answer_field_is(doc, token, JSON_OBJECT) ? token : json_get(doc, object, other);
}

/* Upstreams name cache writes in three ways, and one that knows nothing of them may say 0 beside
 * another that counted: so the largest. */
static int64_t read_cache_writes(struct answer *answer, uint32_t usage, uint32_t details)
{
    const int64_t counts[] = {
        read_count(answer, usage, "cache_creation_input_tokens"),
        read_count(answer, details, "cache_write_tokens"),
        read_count(answer, details, "cache_creation_tokens"),
    };
    int64_t writes = USAGE_ABSENT;

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        if (counts[i] > writes)
            writes = counts[i];
    }
    return writes;
}

/* Texts have no output where they become vectors, and some upstreams count the total only. */
static int64_t read_prompt(struct answer *answer, uint32_t usage)
{
    int64_t count = read_either(answer, usage, "prompt_tokens", "input_tokens");

    if (count == USAGE_ABSENT && answer->api == API_EMBEDDINGS)
        count = read_count(answer, usage, "total_tokens");
    return count;
}

static struct usage read_tokens(struct answer *answer, uint32_t usage)
{
    const struct json_doc *doc = &answer->doc;
    uint32_t in = find_either(doc, usage, "prompt_tokens_details", "input_tokens_details");
    uint32_t out = find_either(doc, usage, "completion_tokens_details", "output_tokens_details");
    uint32_t kept = json_get(doc, usage, "cache_creation");
    uint32_t tools = find_either(doc, usage, "server_tool_use_details", "server_tool_use");
    struct usage read = USAGE_INIT;

    read.prompt_tokens = read_prompt(answer, usage);
    read.completion_tokens = read_either(answer, usage, "completion_tokens", "output_tokens");
    read.cached_tokens = read_count(answer, in, "cached_tokens");
    if (read.cached_tokens == USAGE_ABSENT)
        read.cached_tokens =
            read_either(answer, usage, "cache_read_input_tokens", "prompt_cache_hit_tokens");
    read.cache_write_tokens = read_cache_writes(answer, usage, in);
    read.cache_write_1h_tokens = read_count(answer, kept, "ephemeral_1h_input_tokens");
    read.reasoning_tokens = read_either(answer, out, "reasoning_tokens", "thinking_tokens");
    read.audio_tokens = read_count(answer, in, "audio_tokens");
    read.image_tokens = read_count(answer, out, "image_tokens");
    read.image_input_tokens = read_count(answer, in, "image_tokens");
    read.video_input_tokens = read_count(answer, in, "video_tokens");
    read.audio_output_tokens = read_count(answer, out, "audio_tokens");
    read.web_searches = read_count(answer, tools, "web_search_requests");
    read.exclusive = answer->api == API_MESSAGES;
    return read;
}

/* --- the AI SDK's names --- */

/* Its older versions count in plain numbers. What was not cached is all that some providers say:
 * that is the other reading of a prompt. */
static void read_ai_input(struct answer *answer, uint32_t usage, struct usage *read)
{
    const struct json_doc *doc = &answer->doc;
    uint32_t in = json_get(doc, usage, "inputTokens");

    if (!answer_field_is(doc, in, JSON_OBJECT)) {
        read->prompt_tokens = answer_field_count(doc, in, &answer->usage_unreadable);
        read->cached_tokens = read_count(answer, usage, "cachedInputTokens");
        return;
    }
    read->prompt_tokens = read_count(answer, in, "total");
    read->cached_tokens = read_count(answer, in, "cacheRead");
    read->cache_write_tokens = read_count(answer, in, "cacheWrite");
    if (read->prompt_tokens != USAGE_ABSENT)
        return;
    read->prompt_tokens = read_count(answer, in, "noCache");
    read->exclusive = read->prompt_tokens != USAGE_ABSENT;
}

static struct usage read_ai_tokens(struct answer *answer, uint32_t usage)
{
    const struct json_doc *doc = &answer->doc;
    uint32_t out = json_get(doc, usage, "outputTokens");
    struct usage read = USAGE_INIT;

    read_ai_input(answer, usage, &read);
    if (read.prompt_tokens == USAGE_ABSENT)
        read.prompt_tokens = read_count(answer, usage, "tokens"); /* embeddings */
    if (answer_field_is(doc, out, JSON_OBJECT)) {
        read.completion_tokens = read_count(answer, out, "total");
        read.reasoning_tokens = read_count(answer, out, "reasoning");
    } else {
        read.completion_tokens = answer_field_count(doc, out, &answer->usage_unreadable);
        read.reasoning_tokens = read_count(answer, usage, "reasoningTokens");
    }
    return read;
}

static bool has_ai_names(enum row_api api)
{
    return api == API_AI_LANGUAGE || api == API_AI_EMBEDDING || api == API_AI_OTHER;
}

/* --- the whole --- */

static int64_t first_count(int64_t first, int64_t second)
{
    return first != USAGE_ABSENT ? first : second;
}

static struct usage merge_tokens(struct usage read, const struct usage *old)
{
    read.prompt_tokens = first_count(read.prompt_tokens, old->prompt_tokens);
    read.completion_tokens = first_count(read.completion_tokens, old->completion_tokens);
    read.cached_tokens = first_count(read.cached_tokens, old->cached_tokens);
    read.cache_write_tokens = first_count(read.cache_write_tokens, old->cache_write_tokens);
    read.cache_write_1h_tokens =
        first_count(read.cache_write_1h_tokens, old->cache_write_1h_tokens);
    read.reasoning_tokens = first_count(read.reasoning_tokens, old->reasoning_tokens);
    read.audio_tokens = first_count(read.audio_tokens, old->audio_tokens);
    read.image_tokens = first_count(read.image_tokens, old->image_tokens);
    read.web_searches = first_count(read.web_searches, old->web_searches);
    read.image_input_tokens = first_count(read.image_input_tokens, old->image_input_tokens);
    read.video_input_tokens = first_count(read.video_input_tokens, old->video_input_tokens);
    read.audio_output_tokens = first_count(read.audio_output_tokens, old->audio_output_tokens);
    read.images = first_count(read.images, old->images);
    return read;
}

static void take_cost(struct maybe_money read, bool merge, struct maybe_money *cost)
{
    if (read.known || !merge)
        *cost = read;
}

static void learn_costs(struct answer *answer, uint32_t usage, bool merge)
{
    const struct json_doc *doc = &answer->doc;
    uint32_t details = json_get(doc, usage, "cost_details");
    int byok = answer_field_bool(doc, json_get(doc, usage, "is_byok"));

    take_cost(answer_facts_money(answer, usage, "cost"), merge, &answer->cost);
    take_cost(answer_facts_surcharge(answer, usage, "surcharge_cost", "zero_data_retention_cost"),
              merge, &answer->surcharge_cost);
    take_cost(answer_facts_money(answer, usage, "gateway_cost"), merge, &answer->gateway_cost);
    take_cost(answer_facts_money(answer, usage, "market_cost"), merge, &answer->market_cost);
    take_cost(answer_facts_money(answer, details, "upstream_inference_cost"), merge,
              &answer->upstream_inference_cost);
    if (byok >= 0 || !merge)
        answer->usage_byok = byok;
}

void answer_facts_usage(struct answer *answer, uint32_t usage, bool merge)
{
    const struct json_doc *doc = &answer->doc;
    struct usage read;

    if (!answer_field_is_said(doc, usage))
        return;
    if (!answer_field_is(doc, usage, JSON_OBJECT)) {
        answer->usage_unreadable = true;
        return;
    }
    if (json_first(doc, usage) == JSON_NONE)
        return;
    read = has_ai_names(answer->api) ? read_ai_tokens(answer, usage) : read_tokens(answer, usage);
    answer->usage = merge ? merge_tokens(read, &answer->usage) : read;
    learn_costs(answer, usage, merge);
}
