/* sim_error.c - a refusal in the envelope of its dialect, and of its API where that has one of its
 * own. See sim_answer.h.
 */
#include "tests/sim/sim_forms.h"

#include <string.h>

/* What each status is called. NULL: as the row that ends the table. */
static const struct names {
    int status;
    const char *anthropic;  /* error.type on messages */
    const char *openrouter; /* error_type, the machine's word */
    const char *message;    /* OpenRouter's */
    const char *openai;     /* error.type */
} names[] = {
    {400, "invalid_request_error", "invalid_request", "Invalid request", "invalid_request_error"},
    {401, "authentication_error", "authentication", "User not found.", "invalid_request_error"},
    {402, "billing_error", "payment_required", "Insufficient credits. Add more to continue.",
     "insufficient_quota"},
    {403, "permission_error", "permission_denied", "Key limit exceeded (total limit).",
     "invalid_request_error"},
    {404, "not_found_error", "not_found", "No endpoints found", "invalid_request_error"},
    {408, "timeout_error", "timeout", "Operation timed out. Please try again later.",
     "server_error"},
    {413, "request_too_large", "payload_too_large", "Request payload too large",
     "invalid_request_error"},
    {422, "invalid_request_error", "unprocessable", "Invalid argument", "invalid_request_error"},
    {429, "rate_limit_error", "rate_limit_exceeded", "Provider returned error",
     "rate_limit_exceeded"},
    {500, "api_error", "server", "Internal Server Error", "server_error"},
    {502, "api_error", "provider_unavailable", "Provider returned error", "server_error"},
    {503, "overloaded_error", "provider_overloaded", "Service temporarily unavailable",
     "server_error"},
    {504, "timeout_error", "timeout", "Operation timed out. Please try again later.",
     "server_error"},
    {529, "overloaded_error", "provider_overloaded", "Provider returned error", "server_error"},
    {0, "api_error", "unmapped", "Provider returned error", "server_error"},
};

static const struct names *names_of(int status)
{
    const struct names *row = names;

    while (row->status != 0 && row->status != status)
        row++;
    return row;
}

/* A failure that was asked for has the vendor's words; a refusal of ours says what is wrong. */
static h2o_iovec_t message_of(const struct sim_plan *plan)
{
    const char *words = names_of(plan->status)->message;

    if (plan->dialect != SIM_OPENROUTER || plan->behaviour.status == SIM_UNSET)
        return plan->error_message;
    return h2o_iovec_init(words, strlen(words));
}

static void vercel(struct sim_text *body, const struct sim_plan *plan)
{
    sim_json(body, "{'error':{'message':%v,'type':%j", &plan->error_message, plan->error_type);
    if (strcmp(plan->error_type, "model_not_found") == 0)
        sim_json(body, ",'param':{'modelId':%v}", &plan->model);
    sim_text_str(body, "}}");
}

static void anthropic(struct sim_text *body, const struct sim_plan *plan,
                      const struct sim_moment *moment)
{
    const struct names *row = names_of(plan->status);
    h2o_iovec_t message = message_of(plan);

    sim_json(body, "{'type':'error','error':{'type':%j,'message':%v", row->anthropic, &message);
    if (plan->dialect == SIM_OPENROUTER)
        sim_json(body, ",'error_type':%j},'request_id':%j}", row->openrouter,
                 plan->status < 500 ? NULL : moment->id);
    else
        sim_text_str(body, "}}");
}

static void provider_metadata(struct sim_text *body, const struct sim_plan *plan,
                              const char *error_type)
{
    sim_json(body,
             ",'metadata':{'error_type':%j,'raw':'simulated provider failure',"
             "'provider_name':%v,'is_byok':%b",
             error_type, &plan->provider, plan->behaviour.billing.byok);
    if (plan->status == 429)
        sim_text_str(body, ",\"provider_error_code\":\"429\","
                           "\"limit_source\":\"upstream_provider_shared_pool\","
                           "\"retry_after_seconds\":1,\"headers\":{\"Retry-After\":\"1\"}");
    sim_text_str(body, "}");
}

static void openrouter(struct sim_text *body, const struct sim_plan *plan)
{
    const struct names *row = names_of(plan->status);
    h2o_iovec_t message = message_of(plan);

    sim_json(body, "{'error':{'message':%v,'code':%i", &message, (int64_t)plan->status);
    if (plan->status == 402)
        sim_json(body, ",'metadata':{'error_type':%j,'limit_source':'openrouter_credits'}",
                 row->openrouter);
    else if (plan->behaviour.status != SIM_UNSET && plan->status >= 429 && plan->status != 500)
        provider_metadata(body, plan, row->openrouter);
    sim_text_str(body, plan->status == 401 ? "}}" : "},\"user_id\":\"user_sim\"}");
}

static void openai(struct sim_text *body, const struct sim_plan *plan)
{
    const char *code = NULL;

    if (plan->status == 401)
        code = "invalid_api_key";
    else if (strcmp(plan->error_type, "model_not_found") == 0)
        code = "model_not_found";
    else if (plan->status == 429)
        code = "rate_limit_exceeded";
    sim_json(body, "{'error':{'message':%v,'type':%j,'param':null,'code':%j}}",
             &plan->error_message, names_of(plan->status)->openai, code);
}

void sim_error_render(struct sim_text *body, const struct sim_plan *plan,
                      const struct sim_moment *moment)
{
    if (plan->api == SIM_MESSAGES)
        anthropic(body, plan, moment);
    else if (plan->dialect == SIM_OPENROUTER)
        openrouter(body, plan);
    else if (plan->dialect == SIM_OPENAI)
        openai(body, plan);
    else
        vercel(body, plan);
}
