/* sim_record.c - the generation record of one call, as Vercel (section 10 of its API) and as
 * OpenRouter (section 5.1 of its) give it. See sim_calls.h.
 */
#include "tests/sim/sim_calls_private.h"

#include <assert.h>
#include <string.h>

static void member_bool(struct sim_text *text, const char *name, bool value)
{
    sim_text_str(text, ",\"");
    sim_text_str(text, name);
    sim_text_str(text, value ? "\":true" : "\":false");
}

static void member_str(struct sim_text *text, const char *name, const char *value)
{
    sim_member_string(text, name, value, strlen(value));
}

static __int128 billed(const struct sim_call *call)
{
    return call->record.cost >= 0 ? call->record.cost : call->costs.gateway;
}

static int64_t prompt_of(const struct sim_call *call)
{
    return call->record.prompt >= 0 ? call->record.prompt : call->tokens.prompt;
}

static int64_t completion_of(const struct sim_call *call)
{
    return call->record.completion >= 0 ? call->record.completion : call->tokens.completion;
}

static void head_print(struct sim_text *text, const struct sim_call *call)
{
    sim_text_str(text, "{\"data\":{\"id\":");
    sim_text_json(text, call->id, call->record.wrong_id ? call->id_len - 1 : call->id_len);
    sim_member_number(text, "total_cost", billed(call));
    sim_member_number(text, "usage", billed(call));
    sim_member_number(text, "upstream_inference_cost", call->costs.upstream);
}

static void body_print(struct sim_text *text, const struct sim_call *call)
{
    sim_text_str(text, ",\"created_at\":");
    sim_text_time(text, call->arrived_ms);
    sim_member_string(text, "model", call->served->bytes, call->served->len);
    member_bool(text, "is_byok", call->byok);
    sim_member_string(text, "provider_name", call->provider->bytes, call->provider->len);
    member_bool(text, "streamed", call->stream);
    member_str(text, "finish_reason",
               call->finish_reason != NULL ? call->finish_reason : "unknown");
    sim_member_int(text, "latency", call->ended_ms - call->arrived_ms);
    sim_member_int(text, "generation_time", call->ended_ms - call->arrived_ms);
    sim_member_int(text, "native_tokens_prompt", prompt_of(call));
    sim_member_int(text, "native_tokens_completion", completion_of(call));
    sim_member_int(text, "native_tokens_reasoning", call->tokens.reasoning);
    sim_member_int(text, "native_tokens_cached", call->tokens.cached);
}

static void vercel_print(struct sim_text *text, const struct sim_call *call)
{
    head_print(text, call);
    sim_member_number(text, "market_cost", call->costs.market);
    sim_member_number(text, "surcharge_cost", call->costs.surcharge);
    sim_member_number(text, "gateway_cost", billed(call));
    body_print(text, call);
    sim_member_int(text, "native_tokens_cache_creation", call->tokens.written);
    sim_member_int(text, "tokens_prompt", prompt_of(call) - call->tokens.cached);
    sim_member_int(text, "tokens_completion", completion_of(call));
    sim_member_int(text, "billable_web_search_calls", call->tokens.searches);
    sim_text_str(text, "}}");
}

static const char *api_type(enum sim_api api)
{
    if (api == SIM_EMBEDDINGS)
        return "embeddings";
    return api == SIM_RERANK ? "rerank" : "completions";
}

static void openrouter_print(struct sim_text *text, const struct sim_call *call)
{
    static const char *const unknown[] = {
        "upstream_id",
        "session_id",
        "response_cache_source_id",
        "router",
        "preset_id",
        "workspace_id",
        "num_media_prompt",
        "num_input_audio_prompt",
        "num_fetches",
        "app_id",
        "num_media_completion",
        "num_search_results",
        "http_referer",
        "user_agent",
        "external_user",
        "native_tokens_completion_images",
        "service_tier",
        "cache_discount",
        "web_search_engine",
        "moderation_latency",
    };

    head_print(text, call);
    body_print(text, call);
    member_str(text, "native_finish_reason",
               call->finish_reason != NULL ? call->finish_reason : "unknown");
    sim_member_int(text, "tokens_prompt", prompt_of(call));
    sim_member_int(text, "tokens_completion", completion_of(call));
    member_str(text, "api_type", api_type(call->api));
    member_bool(text, "cancelled", call->state == SIM_ABORTED);
    member_str(text, "data_region", "global");
    member_str(text, "origin", "");
    sim_text_str(text, ",\"request_id\":\"req-");
    sim_text_int(text, call->arrived_ms / 1000);
    sim_text_str(text, "-");
    sim_text_add(text, call->id + call->id_len - 20, 20);
    sim_text_str(text, "\",\"provider_responses\":[{\"status\":200");
    sim_member_string(text, "provider_name", call->provider->bytes, call->provider->len);
    member_bool(text, "is_byok", call->byok);
    sim_member_int(text, "latency", call->ended_ms - call->arrived_ms);
    sim_text_str(text, "}]");
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        sim_text_str(text, ",\"");
        sim_text_str(text, unknown[i]);
        sim_text_str(text, "\":null");
    }
    sim_text_str(text, "}}");
}

/* Whether an id of one dialect is known to another's endpoint: Vercel has one for its two. */
static bool same_vendor(enum sim_dialect a, enum sim_dialect b)
{
    return (a == SIM_AI_SDK ? SIM_VERCEL : a) == (b == SIM_AI_SDK ? SIM_VERCEL : b);
}

int sim_calls_generation(struct sim_calls *calls, enum sim_dialect dialect, struct sim_span id,
                         int64_t now_ms, struct sim_text *text)
{
    struct sim_call *call = NULL;
    uint64_t serial;
    int status = 404;
    bool found;

    pthread_mutex_lock(&calls->lock);
    calls->lookups++;
    if (sim_id_serial(id.bytes, id.len, calls->secret, &serial))
        call = sim_call_locked(calls, serial);
    /* A refused call has no record: the vendor counts usage, and there was none. */
    found = call != NULL && call->id_len == id.len && memcmp(call->id, id.bytes, id.len) == 0 &&
            same_vendor(call->dialect, dialect) && call->state != SIM_LIVE && call->status < 400 &&
            call->record.delay_ms >= 0 && call->ended_ms + call->record.delay_ms <= now_ms;
    if (found && call->record.errors > 0) {
        call->record.errors--;
        status = 500;
    } else if (found) {
        status = 200;
        if (dialect == SIM_OPENROUTER)
            openrouter_print(text, call);
        else
            vercel_print(text, call);
    }
    pthread_mutex_unlock(&calls->lock);
    return status;
}
