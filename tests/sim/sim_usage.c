/* sim_usage.c - `usage` and `provider_metadata` as Vercel orders and spells them. See sim_answer.h.
 */
#include "tests/sim/sim_answer.h"

static void member(struct sim_text *text, const char *name_and_colon)
{
    sim_text_str(text, name_and_colon);
}

static void usage_cost(struct sim_text *text, const struct sim_plan *plan, const char *name,
                       __int128 femto)
{
    member(text, name);
    sim_cost_json(text, femto, plan->behaviour.cost_format);
}

void sim_usage_render(struct sim_text *text, const struct sim_plan *plan)
{
    const struct sim_tokens *tokens = &plan->tokens;
    const struct sim_costs *costs = &plan->costs;
    bool with_cost = costs->known && !plan->behaviour.no_cost;

    member(text, ",\"usage\":{\"prompt_tokens\":");
    sim_text_int(text, tokens->prompt);
    member(text, ",\"completion_tokens\":");
    sim_text_int(text, tokens->completion);
    member(text, ",\"total_tokens\":");
    sim_text_int(text, tokens->prompt + tokens->completion);
    if (with_cost)
        usage_cost(text, plan, ",\"cost\":", costs->cost);
    member(text, plan->behaviour.billing.byok ? ",\"is_byok\":true" : ",\"is_byok\":false");
    member(text, ",\"prompt_tokens_details\":{\"cached_tokens\":");
    sim_text_int(text, tokens->cached);
    member(text, ",\"audio_tokens\":0,\"video_tokens\":0}");
    if (with_cost) {
        member(text, ",\"cost_details\":{\"upstream_inference_cost\":");
        if (plan->behaviour.billing.byok)
            sim_cost_json(text, costs->upstream, plan->behaviour.cost_format);
        else
            member(text, "null");
        member(text, ",\"upstream_inference_prompt_cost\":0"
                     ",\"upstream_inference_completions_cost\":0}");
    }
    member(text, ",\"completion_tokens_details\":{\"reasoning_tokens\":");
    sim_text_int(text, tokens->reasoning);
    member(text, ",\"image_tokens\":0},\"cache_creation_input_tokens\":");
    sim_text_int(text, tokens->written);
    if (with_cost) {
        usage_cost(text, plan, ",\"market_cost\":", costs->market);
        if (costs->surcharge != 0)
            usage_cost(text, plan, ",\"surcharge_cost\":", costs->surcharge);
        usage_cost(text, plan, ",\"gateway_cost\":", costs->gateway);
    }
    member(text, "}");
}

static void quoted(struct sim_text *text, const char *before, h2o_iovec_t value)
{
    member(text, before);
    sim_text_json(text, value.base, value.len);
}

static void attempts_render(struct sim_text *text, const struct sim_plan *plan,
                            const struct sim_moment *moment)
{
    const char *credential = plan->behaviour.billing.byok ? "byok" : "system";

    quoted(text, ",\"modelAttemptCount\":1,\"modelAttempts\":[{\"canonicalSlug\":", plan->model);
    quoted(text,
           ",\"success\":true,\"providerAttemptCount\":1,\"providerAttempts\":[{\"provider\":",
           plan->provider);
    member(text, ",\"credentialType\":\"");
    member(text, credential);
    member(text, "\",\"success\":true,\"startTime\":");
    sim_text_int(text, moment->now_ms);
    member(text, ",\"endTime\":");
    sim_text_int(text, moment->now_ms);
    member(text, ",\"providerRequestId\":\"req_");
    sim_text_hex(text, moment->body_sha256 + 8, 16);
    member(text, "\",\"statusCode\":200,\"providerResponseId\":\"resp_");
    sim_text_hex(text, moment->body_sha256, 24);
    member(text, "\"}]}],\"totalProviderAttemptCount\":1"
                 ",\"affinity\":{\"outcome\":\"skipped_below_min_prefix\"},\"clientSessionId\":\"");
    sim_text_hex(text, moment->body_sha256, 16);
    member(text, "\",\"clientSessionIdSource\":\"fingerprint\"}");
}

static void routing_render(struct sim_text *text, const struct sim_plan *plan,
                           const struct sim_moment *moment)
{
    const char *credential = plan->behaviour.billing.byok ? "byok" : "system";

    quoted(text, "\"routing\":{\"originalModelId\":", plan->model);
    quoted(text, ",\"resolvedProvider\":", plan->provider);
    member(text, ",\"fallbacksAvailable\":[\"azure\"],\"planningReasoning\":\"Credentials planned "
                 "for: ");
    sim_text_escaped(text, plan->provider.base, plan->provider.len);
    member(text, ", azure. Total execution order: ");
    sim_text_escaped(text, plan->provider.base, plan->provider.len);
    member(text, "(");
    member(text, credential);
    member(text, ") \xe2\x86\x92 azure(system)\"");
    quoted(text, ",\"canonicalSlug\":", plan->model);
    quoted(text, ",\"finalProvider\":", plan->provider);
    attempts_render(text, plan, moment);
}

static void decimal(struct sim_text *text, const char *before, __int128 femto)
{
    member(text, before);
    sim_cost_json(text, femto, SIM_COST_STRING);
}

static void costs_render(struct sim_text *text, const struct sim_costs *costs)
{
    decimal(text, ",\"cost\":", costs->cost);
    decimal(text, ",\"marketCost\":", costs->market);
    decimal(text, ",\"surchargeCost\":", costs->surcharge);
    decimal(text, ",\"gatewayCost\":", costs->gateway);
    decimal(text, ",\"inferenceCost\":", costs->cost);
    decimal(text, ",\"inputInferenceCost\":", costs->input);
    decimal(text, ",\"outputInferenceCost\":", costs->output);
}

bool sim_metadata_render(struct sim_text *text, const struct sim_plan *plan,
                         const struct sim_moment *moment)
{
    if (plan->behaviour.metadata == SIM_METADATA_NONE)
        return false;
    member(text, plan->behaviour.metadata == SIM_METADATA_CAMEL ? "\"providerMetadata\":{"
                                                                : "\"provider_metadata\":{");
    sim_text_json(text, plan->provider.base, plan->provider.len);
    member(text, ":{\"responseId\":\"resp_");
    sim_text_hex(text, moment->body_sha256, 24);
    member(text, "\",\"serviceTier\":\"default\"},\"gateway\":{");
    routing_render(text, plan, moment);
    if (plan->costs.known && !plan->behaviour.no_cost)
        costs_render(text, &plan->costs);
    member(text, ",\"generationId\":\"");
    member(text, moment->id);
    member(text, "\"}}");
    return true;
}
