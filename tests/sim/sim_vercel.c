/* sim_vercel.c - `usage` and `provider_metadata` as Vercel orders and spells them. See sim_forms.h.
 */
#include "tests/sim/sim_catalogue.h"
#include "tests/sim/sim_forms.h"

void sim_vercel_usage(struct sim_text *text, const struct sim_plan *plan)
{
    const struct sim_tokens *tokens = &plan->tokens;
    const struct sim_costs *costs = &plan->costs;
    bool with_cost = sim_plan_tells_cost(plan), byok = plan->behaviour.billing.byok;
    int format = (int)plan->behaviour.cost_format;

    sim_json(text, ",'usage':{'prompt_tokens':%i,'completion_tokens':%i,'total_tokens':%i",
             tokens->prompt, tokens->completion, tokens->prompt + tokens->completion);
    if (with_cost)
        sim_json(text, ",'cost':%n", &costs->cost, format);
    sim_json(text,
             ",'is_byok':%b,'prompt_tokens_details':{'cached_tokens':%i,'audio_tokens':0,"
             "'video_tokens':0}",
             byok, tokens->cached);
    if (with_cost) {
        sim_text_str(text, ",\"cost_details\":{\"upstream_inference_cost\":");
        if (byok)
            sim_cost_json(text, costs->upstream, plan->behaviour.cost_format);
        else
            sim_text_str(text, "null");
        sim_text_str(text, ",\"upstream_inference_prompt_cost\":0"
                           ",\"upstream_inference_completions_cost\":0}");
    }
    sim_json(text,
             ",'completion_tokens_details':{'reasoning_tokens':%i,'image_tokens':0}"
             ",'cache_creation_input_tokens':%i",
             tokens->reasoning, tokens->written);
    if (tokens->searches > 0)
        sim_json(text, ",'server_tool_use':{'web_search_requests':%i}", tokens->searches);
    if (with_cost) {
        sim_json(text, ",'market_cost':%n", &costs->market, format);
        if (costs->surcharge != 0)
            sim_json(text, ",'surcharge_cost':%n", &costs->surcharge, format);
        sim_json(text, ",'gateway_cost':%n", &costs->gateway, format);
    }
    sim_text_str(text, "}");
}

static void failed_attempts(struct sim_text *text, const struct sim_plan *plan,
                            const struct sim_moment *moment)
{
    for (int64_t i = 0; i < plan->behaviour.tried_count; i++) {
        const h2o_iovec_t *model = &plan->behaviour.models_tried[i];
        struct sim_span owner = sim_model_owner((struct sim_span){model->base, model->len});
        h2o_iovec_t provider = h2o_iovec_init(owner.bytes, owner.len);
        sim_json(text,
                 "{'canonicalSlug':%v,'success':false,'providerAttemptCount':1,"
                 "'providerAttempts':[{'provider':%v,'credentialType':'system','success':false,"
                 "'error':'Simulated failure','startTime':%i,'endTime':%i,'statusCode':503}]},",
                 model, &provider, moment->now_ms, moment->now_ms);
    }
}

static void attempts(struct sim_text *text, const struct sim_plan *plan,
                     const struct sim_moment *moment)
{
    sim_json(text, ",'modelAttemptCount':%i,'modelAttempts':[", plan->behaviour.tried_count + 1);
    failed_attempts(text, plan, moment);
    sim_json(text,
             "{'canonicalSlug':%v,'success':true,'providerAttemptCount':1,'providerAttempts':["
             "{'provider':%v,'credentialType':%j,'success':true,'startTime':%i,'endTime':%i,"
             "'providerRequestId':'req_%h','statusCode':200,'providerResponseId':'resp_%h'}]}]"
             ",'totalProviderAttemptCount':%i",
             &plan->model, &plan->provider, plan->behaviour.billing.byok ? "byok" : "system",
             moment->now_ms, moment->now_ms, moment->body_sha256 + 8, (size_t)16,
             moment->body_sha256, (size_t)24, plan->behaviour.tried_count + 1);
}

static void routing(struct sim_text *text, const struct sim_plan *plan,
                    const struct sim_moment *moment)
{
    const char *credential = plan->behaviour.billing.byok ? "byok" : "system";

    sim_json(text,
             "'routing':{'originalModelId':%v,'resolvedProvider':%v,'fallbacksAvailable':['azure'],"
             "'planningReasoning':'Credentials planned for: %e, azure. Total execution order: "
             "%e(%r) \xe2\x86\x92 azure(system)','canonicalSlug':%v,'finalProvider':%v",
             &plan->request.model, &plan->provider, &plan->provider, &plan->provider, credential,
             &plan->model, &plan->provider);
    attempts(text, plan, moment);
    sim_json(text,
             ",'affinity':{'outcome':'skipped_below_min_prefix'},'clientSessionId':'%h',"
             "'clientSessionIdSource':'fingerprint'}",
             moment->body_sha256, (size_t)16);
}

static void costs_write(struct sim_text *text, const struct sim_costs *costs)
{
    sim_json(text,
             ",'cost':%d,'marketCost':%d,'surchargeCost':%d,'gatewayCost':%d,'inferenceCost':%d,"
             "'inputInferenceCost':%d,'outputInferenceCost':%d",
             &costs->cost, &costs->market, &costs->surcharge, &costs->gateway, &costs->cost,
             &costs->input, &costs->output);
}

/* Vercel's own spelling differs by API. */
static bool is_camel(const struct sim_plan *plan)
{
    if (plan->behaviour.metadata != SIM_METADATA_USUAL)
        return plan->behaviour.metadata == SIM_METADATA_CAMEL;
    return plan->dialect == SIM_AI_SDK ||
           !(plan->api == SIM_CHAT || plan->api == SIM_RESPONSES || plan->api == SIM_MESSAGES);
}

/* What the provider itself says; of images one entry each, which the AI SDK relies on. */
static void provider_entry(struct sim_text *text, const struct sim_plan *plan,
                           const struct sim_moment *moment)
{
    sim_json(text, "%v:{'responseId':'resp_%h','serviceTier':%j", &plan->provider,
             moment->body_sha256, (size_t)24, sim_plan_tier(plan, "default"));
    if (plan->api == SIM_IMAGES) {
        sim_text_str(text, ",\"images\":[");
        for (int64_t i = 0; i < plan->request.count; i++)
            sim_text_str(text, i > 0 ? ",{}" : "{}");
        sim_text_str(text, "]");
    }
    sim_text_str(text, "}");
}

bool sim_vercel_metadata(struct sim_text *text, const struct sim_plan *plan,
                         const struct sim_moment *moment)
{
    if (plan->behaviour.metadata == SIM_METADATA_NONE)
        return false;
    sim_json(text, "%j:{", is_camel(plan) ? "providerMetadata" : "provider_metadata");
    provider_entry(text, plan, moment);
    sim_text_str(text, ",\"gateway\":{");
    routing(text, plan, moment);
    if (sim_plan_tells_cost(plan))
        costs_write(text, &plan->costs);
    sim_json(text, ",'generationId':%j}}", moment->id);
    return true;
}

void sim_vercel_metadata_member(struct sim_text *text, const struct sim_plan *plan,
                                const struct sim_moment *moment)
{
    size_t len = text->len;

    sim_text_str(text, ",");
    if (!sim_vercel_metadata(text, plan, moment))
        text->len = len;
}
