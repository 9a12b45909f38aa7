/* sim_report.c - prints the call log and its totals as JSON. See sim_calls.h. */
#include "tests/sim/sim_calls_private.h"

#include <string.h>

void sim_member_int(struct sim_text *text, const char *name, int64_t value)
{
    sim_text_str(text, ",\"");
    sim_text_str(text, name);
    sim_text_str(text, "\":");
    sim_text_int(text, value);
}

void sim_member_string(struct sim_text *text, const char *name, const char *bytes, size_t len)
{
    sim_text_str(text, ",\"");
    sim_text_str(text, name);
    sim_text_str(text, "\":");
    sim_text_json(text, bytes, len);
}

/* A cost as a decimal string; null where no price is known. */
static void member_decimal(struct sim_text *text, const char *name, bool known, __int128 femto)
{
    sim_text_str(text, ",\"");
    sim_text_str(text, name);
    sim_text_str(text, "\":");
    if (known)
        sim_cost_json(text, femto, SIM_COST_STRING);
    else
        sim_text_str(text, "null");
}

void sim_member_number(struct sim_text *text, const char *name, __int128 femto)
{
    sim_text_str(text, ",\"");
    sim_text_str(text, name);
    sim_text_str(text, "\":");
    sim_cost_json(text, femto, SIM_COST_NUMBER);
}

static void print_call(struct sim_text *text, const struct sim_call *call, uint64_t n)
{
    static const char *const states[] = {"live", "done", "aborted", "died"};
    bool known = call->costs.known || call->status >= 400;

    sim_text_str(text, "{\"n\":");
    sim_text_int(text, (int64_t)n);
    sim_member_string(text, "id", call->id, call->id_len);
    sim_member_string(text, "dialect", sim_dialect_name(call->dialect),
                      strlen(sim_dialect_name(call->dialect)));
    sim_member_string(text, "api", sim_api_name(call->api), strlen(sim_api_name(call->api)));
    sim_member_string(text, "path", call->path->bytes, call->path->len);
    sim_member_string(text, "model", call->model->bytes, call->model->len);
    sim_member_string(text, "served_model", call->served->bytes, call->served->len);
    sim_member_string(text, "provider", call->provider->bytes, call->provider->len);
    sim_text_str(text, call->stream ? ",\"stream\":true" : ",\"stream\":false");
    sim_member_string(text, "key", call->key->bytes, call->key->len);
    sim_text_str(text, call->http2 ? ",\"http\":\"2\"" : ",\"http\":\"1.1\"");
    sim_text_str(text, ",\"body_sha256\":\"");
    sim_text_hex(text, call->body_sha256, SIM_SHA_BYTES);
    sim_text_str(text, "\"");
    sim_member_int(text, "body_bytes", (int64_t)call->body_bytes);
    sim_text_str(text, ",\"headers\":");
    sim_text_add(text, call->headers->bytes, call->headers->len);
    if (call->body->len > 0) {
        sim_text_str(text, ",\"body\":");
        sim_text_add(text, call->body->bytes, call->body->len);
    }
    sim_member_int(text, "status", call->status);
    sim_member_string(text, "state", states[call->state], strlen(states[call->state]));
    sim_member_int(text, "prompt_tokens", call->tokens.prompt);
    sim_member_int(text, "completion_tokens", call->tokens.completion);
    sim_member_int(text, "cached_tokens", call->tokens.cached);
    sim_member_int(text, "cache_write_tokens", call->tokens.written);
    sim_member_int(text, "reasoning_tokens", call->tokens.reasoning);
    member_decimal(text, "cost", known, call->costs.cost);
    member_decimal(text, "market_cost", known, call->costs.market);
    member_decimal(text, "gateway_cost", known, call->costs.gateway);
    member_decimal(text, "upstream_cost", known, call->costs.upstream);
    sim_text_str(text, call->byok ? ",\"byok\":true" : ",\"byok\":false");
    sim_member_int(text, "arrived_ms", call->arrived_ms);
    sim_text_str(text, "}\n");
}

bool sim_calls_print(struct sim_calls *calls, struct sim_text *text, size_t most, uint64_t *cursor,
                     uint64_t *end)
{
    bool more;

    pthread_mutex_lock(&calls->lock);
    if (*cursor == 0) {
        uint64_t kept = calls->next > SIM_RING_CALLS ? calls->next - SIM_RING_CALLS : 1;
        *cursor = calls->first > kept ? calls->first : kept;
        *end = calls->next;
    }
    for (; *cursor < *end && text->len < most; (*cursor)++) {
        const struct sim_call *call = sim_call_locked(calls, *cursor);
        if (call != NULL)
            print_call(text, call, *cursor - calls->first + 1);
    }
    more = *cursor < *end;
    pthread_mutex_unlock(&calls->lock);
    return more;
}

void sim_calls_stats(struct sim_calls *calls, struct sim_text *text)
{
    pthread_mutex_lock(&calls->lock);
    sim_text_str(text, "{\"posts\":");
    sim_text_int(text, (int64_t)(calls->next - calls->first));
    sim_member_int(text, "generations", (int64_t)calls->lookups);
    sim_member_int(text, "connections", (int64_t)calls->connections);
    sim_member_int(text, "open", calls->open);
    sim_member_int(text, "live", (int64_t)calls->live);
    sim_member_int(text, "aborted", (int64_t)calls->aborted);
    member_decimal(text, "spent", true, calls->spent);
    sim_text_str(text, "}\n");
    pthread_mutex_unlock(&calls->lock);
}
