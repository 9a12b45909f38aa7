/* sim_account.c - what the vendors say of an account: credits, and OpenRouter's key and activity.
 * See sim_calls.h.
 */
#include "tests/sim/sim_calls_private.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define BALANCE_AT_START ((__int128)1000 * 1000000000000000) /* 1,000 USD in 1e-15 */

enum { CREDIT_DECIMALS = 8, ACTIVITY_ROWS_MAX = 512 };

/* Eight decimals always, cut off: "95.50000000". */
static void credit_print(struct sim_text *text, __int128 femto)
{
    char digits[64];
    __int128 units = femto / 10000000; /* of 1e-8 USD */

    snprintf(digits, sizeof(digits), "%lld.%0*lld", (long long)(units / 100000000), CREDIT_DECIMALS,
             (long long)(units % 100000000));
    sim_text_json_str(text, digits);
}

static __int128 spent_of(struct sim_calls *calls)
{
    __int128 spent;

    pthread_mutex_lock(&calls->lock);
    spent = calls->spent;
    pthread_mutex_unlock(&calls->lock);
    return spent;
}

void sim_calls_credits(struct sim_calls *calls, bool openrouter, struct sim_text *text)
{
    __int128 spent = spent_of(calls);

    if (openrouter) {
        sim_text_str(text, "{\"data\":{\"total_credits\":1000");
        sim_member_number(text, "total_usage", spent);
        sim_text_str(text, "}}");
        return;
    }
    sim_text_str(text, "{\"balance\":");
    credit_print(text, spent < BALANCE_AT_START ? BALANCE_AT_START - spent : 0);
    sim_text_str(text, ",\"total_used\":");
    credit_print(text, spent);
    sim_text_str(text, "}");
}

void sim_calls_key(struct sim_calls *calls, struct sim_text *text)
{
    static const char *const spent_names[] = {"usage", "usage_daily", "usage_weekly",
                                              "usage_monthly"};
    __int128 spent = spent_of(calls);

    sim_text_str(text, "{\"data\":{\"label\":\"sk-or-v1-sim...sim\",\"limit\":null,"
                       "\"limit_remaining\":null,\"limit_reset\":null,"
                       "\"include_byok_in_limit\":false");
    for (size_t i = 0; i < sizeof(spent_names) / sizeof(spent_names[0]); i++)
        sim_member_number(text, spent_names[i], spent);
    sim_text_str(text,
                 ",\"byok_usage\":0,\"byok_usage_daily\":0,\"byok_usage_weekly\":0,"
                 "\"byok_usage_monthly\":0,\"is_free_tier\":false,\"is_management_key\":false,"
                 "\"is_provisioning_key\":false,\"creator_user_id\":null,\"expires_at\":null,"
                 "\"rate_limit\":{\"requests\":-1,\"interval\":\"10s\",\"note\":\"not used\"},"
                 "\"workspace_id\":null,\"organization_id\":null,"
                 "\"allowed_data_regions\":[\"global\"],"
                 "\"free_model_daily_requests\":{\"limit\":1000,\"remaining\":1000,\"used\":0}}}");
}

/* One row of the activity: a model at a provider on a day. */
struct activity {
    const struct sim_call *like;
    int64_t day, requests;
    struct sim_tokens tokens;
    __int128 usage, byok;
};

static bool same_row(const struct activity *row, const struct sim_call *call)
{
    return row->day == call->arrived_ms / 86400000 && row->like->served == call->served &&
           row->like->provider == call->provider;
}

static void row_add(struct activity *row, const struct sim_call *call)
{
    row->requests++;
    row->tokens.prompt += call->tokens.prompt;
    row->tokens.completion += call->tokens.completion;
    row->tokens.reasoning += call->tokens.reasoning;
    row->usage += call->costs.gateway;
    row->byok += call->costs.upstream;
}

static void row_print(struct sim_text *text, const struct activity *row)
{
    time_t seconds = (time_t)(row->day * 86400);
    char day[16];
    struct tm utc;

    gmtime_r(&seconds, &utc);
    strftime(day, sizeof(day), "%Y-%m-%d", &utc);
    sim_text_str(text, "{\"date\":");
    sim_text_json_str(text, day);
    sim_member_string(text, "model", row->like->served->bytes, row->like->served->len);
    sim_member_string(text, "model_permaslug", row->like->served->bytes, row->like->served->len);
    sim_member_string(text, "endpoint_id", "sim", 3);
    sim_member_string(text, "provider_name", row->like->provider->bytes, row->like->provider->len);
    sim_member_number(text, "usage", row->usage);
    sim_member_number(text, "byok_usage_inference", row->byok);
    sim_member_int(text, "requests", row->requests);
    sim_member_int(text, "prompt_tokens", row->tokens.prompt);
    sim_member_int(text, "completion_tokens", row->tokens.completion);
    sim_member_int(text, "reasoning_tokens", row->tokens.reasoning);
    sim_text_str(text, "}");
}

void sim_calls_activity(struct sim_calls *calls, struct sim_text *text)
{
    struct activity rows[ACTIVITY_ROWS_MAX];
    size_t count = 0;

    pthread_mutex_lock(&calls->lock);
    for (uint64_t serial = calls->first; serial < calls->next; serial++) {
        const struct sim_call *call = sim_call_locked(calls, serial);
        size_t at = 0;
        if (call == NULL || call->dialect != SIM_OPENROUTER || call->status >= 400)
            continue;
        while (at < count && !same_row(&rows[at], call))
            at++;
        if (at == ACTIVITY_ROWS_MAX)
            continue;
        if (at == count)
            rows[count++] = (struct activity){.like = call, .day = call->arrived_ms / 86400000};
        row_add(&rows[at], call);
    }
    sim_text_str(text, "{\"data\":[");
    for (size_t i = 0; i < count; i++) {
        sim_text_str(text, i > 0 ? "," : "");
        row_print(text, &rows[i]);
    }
    sim_text_str(text, "]}");
    pthread_mutex_unlock(&calls->lock);
}
