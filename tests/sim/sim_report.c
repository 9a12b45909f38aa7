/* sim_report.c - prints the call log, its totals and generation records as JSON. See sim_calls.h.
 */
#include "tests/sim/sim_calls_private.h"
#include "tests/sim/sim_ulid.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define BALANCE_AT_START ((__int128)1000 * 1000000000000000) /* 1,000 USD in 1e-15 */

enum { CREDIT_DECIMALS = 8 };

static void member_int(struct sim_text *text, const char *name, int64_t value)
{
    sim_text_str(text, ",\"");
    sim_text_str(text, name);
    sim_text_str(text, "\":");
    sim_text_int(text, value);
}

static void member_string(struct sim_text *text, const char *name, const char *bytes, size_t len)
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

static void member_number(struct sim_text *text, const char *name, __int128 femto)
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
    member_string(text, "id", call->id, SIM_ID_LEN);
    member_string(text, "path", call->path->bytes, call->path->len);
    member_string(text, "model", call->model->bytes, call->model->len);
    sim_text_str(text, call->stream ? ",\"stream\":true" : ",\"stream\":false");
    member_string(text, "key", call->key->bytes, call->key->len);
    sim_text_str(text, call->http2 ? ",\"http\":\"2\"" : ",\"http\":\"1.1\"");
    sim_text_str(text, ",\"body_sha256\":\"");
    sim_text_hex(text, call->body_sha256, SIM_SHA_BYTES);
    sim_text_str(text, "\"");
    member_int(text, "body_bytes", (int64_t)call->body_bytes);
    sim_text_str(text, ",\"headers\":");
    sim_text_add(text, call->headers->bytes, call->headers->len);
    member_int(text, "status", call->status);
    member_string(text, "state", states[call->state], strlen(states[call->state]));
    member_int(text, "prompt_tokens", call->tokens.prompt);
    member_int(text, "completion_tokens", call->tokens.completion);
    member_int(text, "cached_tokens", call->tokens.cached);
    member_int(text, "cache_write_tokens", call->tokens.written);
    member_int(text, "reasoning_tokens", call->tokens.reasoning);
    member_decimal(text, "cost", known, call->costs.cost);
    member_decimal(text, "market_cost", known, call->costs.market);
    member_decimal(text, "gateway_cost", known, call->costs.gateway);
    member_decimal(text, "upstream_cost", known, call->costs.upstream);
    sim_text_str(text, call->byok ? ",\"byok\":true" : ",\"byok\":false");
    member_int(text, "arrived_ms", call->arrived_ms);
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
    member_int(text, "generations", (int64_t)calls->lookups);
    member_int(text, "connections", (int64_t)calls->connections);
    member_int(text, "open", calls->open);
    member_int(text, "live", (int64_t)calls->live);
    member_int(text, "aborted", (int64_t)calls->aborted);
    member_decimal(text, "spent", true, calls->spent);
    sim_text_str(text, "}\n");
    pthread_mutex_unlock(&calls->lock);
}

/* Eight decimals always, cut off: "95.50000000". */
static void print_credit(struct sim_text *text, __int128 femto)
{
    char digits[64];
    __int128 units = femto / 10000000; /* of 1e-8 USD */

    snprintf(digits, sizeof(digits), "%lld.%0*lld", (long long)(units / 100000000), CREDIT_DECIMALS,
             (long long)(units % 100000000));
    sim_text_json(text, digits, strlen(digits));
}

void sim_calls_credits(struct sim_calls *calls, struct sim_text *text)
{
    __int128 spent;

    pthread_mutex_lock(&calls->lock);
    spent = calls->spent;
    pthread_mutex_unlock(&calls->lock);
    sim_text_str(text, "{\"balance\":");
    print_credit(text, spent < BALANCE_AT_START ? BALANCE_AT_START - spent : 0);
    sim_text_str(text, ",\"total_used\":");
    print_credit(text, spent);
    sim_text_str(text, "}");
}

static void print_time(struct sim_text *text, int64_t unix_ms)
{
    time_t seconds = (time_t)(unix_ms / 1000);
    char day[32], whole[48];
    struct tm utc;

    gmtime_r(&seconds, &utc);
    strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(whole, sizeof(whole), "%s.%03dZ", day, (int)(unix_ms % 1000));
    sim_text_json(text, whole, strlen(whole));
}

static void print_record(struct sim_text *text, const struct sim_call *call)
{
    const char *slash = memchr(call->model->bytes, '/', call->model->len);
    size_t provider = slash != NULL ? (size_t)(slash - call->model->bytes) : call->model->len;
    const char *finish = call->finish_reason != NULL ? call->finish_reason : "unknown";
    int64_t uncached = call->tokens.prompt - call->tokens.cached;

    sim_text_str(text, "{\"data\":{\"id\":");
    sim_text_json(text, call->id, SIM_ID_LEN);
    member_number(text, "total_cost", call->costs.gateway);
    member_number(text, "usage", call->costs.gateway);
    member_number(text, "upstream_inference_cost", call->costs.upstream);
    member_number(text, "market_cost", call->costs.market);
    member_number(text, "surcharge_cost", call->costs.surcharge);
    member_number(text, "gateway_cost", call->costs.gateway);
    sim_text_str(text, ",\"created_at\":");
    print_time(text, call->arrived_ms);
    member_string(text, "model", call->model->bytes, call->model->len);
    sim_text_str(text, call->byok ? ",\"is_byok\":true" : ",\"is_byok\":false");
    member_string(text, "provider_name", call->model->bytes, provider);
    sim_text_str(text, call->stream ? ",\"streamed\":true" : ",\"streamed\":false");
    member_string(text, "finish_reason", finish, strlen(finish));
    member_int(text, "latency", call->ended_ms - call->arrived_ms);
    member_int(text, "generation_time", call->ended_ms - call->arrived_ms);
    member_int(text, "native_tokens_prompt", call->tokens.prompt);
    member_int(text, "native_tokens_completion", call->tokens.completion);
    member_int(text, "native_tokens_reasoning", call->tokens.reasoning);
    member_int(text, "native_tokens_cached", call->tokens.cached);
    member_int(text, "native_tokens_cache_creation", call->tokens.written);
    member_int(text, "tokens_prompt", uncached);
    member_int(text, "tokens_completion", call->tokens.completion);
    member_int(text, "billable_web_search_calls", 0);
    sim_text_str(text, "}}");
}

bool sim_calls_generation(struct sim_calls *calls, const char *id, size_t len, int64_t now_ms,
                          struct sim_text *text)
{
    const struct sim_call *call = NULL;
    uint64_t serial;
    bool found;

    pthread_mutex_lock(&calls->lock);
    calls->lookups++;
    if (sim_ulid_serial(id, len, calls->secret, &serial))
        call = sim_call_locked(calls, serial);
    /* A refused call has no record: the vendor counts usage, and there was none. */
    found = call != NULL && memcmp(call->id, id, len) == 0 && call->state != SIM_LIVE &&
            call->status < 400 && call->record_delay_ms >= 0 &&
            call->ended_ms + call->record_delay_ms <= now_ms;
    if (found)
        print_record(text, call);
    pthread_mutex_unlock(&calls->lock);
    return found;
}
