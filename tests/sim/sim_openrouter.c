/* sim_openrouter.c - `usage`, its costs and `openrouter_metadata` as OpenRouter orders and spells
 * them (sections 2.4, 2.5 and 6 of its API). See sim_forms.h.
 */
#include "tests/sim/sim_catalogue.h"
#include "tests/sim/sim_forms.h"

/* What inference costs: billed by OpenRouter, or under one's own key by the vendor. */
struct split {
    __int128 input, output, whole;
};

static struct split split_of(const struct sim_plan *plan)
{
    const struct sim_costs *costs = &plan->costs;
    struct split split = {.input = costs->input, .output = costs->output};

    if (plan->behaviour.billing.byok)
        split = (struct split){.input = costs->market - costs->market_output,
                               .output = costs->market_output};
    split.whole = split.input + split.output;
    return split;
}

void sim_openrouter_costs(struct sim_text *text, const struct sim_plan *plan, const char *input,
                          const char *output)
{
    bool byok = plan->behaviour.billing.byok;
    struct split split = split_of(plan);
    int format = (int)plan->behaviour.cost_format;

    if (sim_plan_tells_cost(plan))
        sim_json(text,
                 ",'cost':%n,'is_byok':%b,'cost_details':{'upstream_inference_cost':%n,"
                 "'upstream_inference_%r_cost':%n,'upstream_inference_%r_cost':%n}",
                 &plan->costs.gateway, format, byok, &split.whole, format, input, &split.input,
                 format, output, &split.output, format);
    else
        sim_json(text, ",'is_byok':%b", byok);
}

void sim_openrouter_usage(struct sim_text *text, const struct sim_plan *plan)
{
    const struct sim_tokens *tokens = &plan->tokens;
    bool with_cost = sim_plan_tells_cost(plan);
    struct split split = split_of(plan);
    int format = (int)plan->behaviour.cost_format;

    sim_json(text, ",'usage':{'prompt_tokens':%i,'completion_tokens':%i,'total_tokens':%i",
             tokens->prompt, tokens->completion, tokens->prompt + tokens->completion);
    if (with_cost)
        sim_json(text, ",'cost':%n", &plan->costs.gateway, format);
    sim_json(text,
             ",'is_byok':%b,'prompt_tokens_details':{'cached_tokens':%i,'cache_write_tokens':%i,"
             "'audio_tokens':0,'video_tokens':0}",
             plan->behaviour.billing.byok, tokens->cached, tokens->written);
    if (with_cost)
        sim_json(text,
                 ",'cost_details':{'upstream_inference_cost':%n,"
                 "'upstream_inference_prompt_cost':%n,'upstream_inference_completions_cost':%n}",
                 &split.whole, format, &split.input, format, &split.output, format);
    if (tokens->searches > 0)
        sim_json(text, ",'server_tool_use':{'web_search_requests':%i}", tokens->searches);
    sim_json(text,
             ",'completion_tokens_details':{'reasoning_tokens':%i,'image_tokens':0,"
             "'audio_tokens':0}}",
             tokens->reasoning);
}

/* The name of who would have served a model that was tried. */
static h2o_iovec_t provider_of(const h2o_iovec_t *model, char scratch[SIM_PROVIDER_MAX])
{
    struct sim_span owner = sim_model_owner((struct sim_span){model->base, model->len});
    struct sim_span name = sim_provider_display(owner, scratch);
    return h2o_iovec_init(name.bytes, name.len);
}

void sim_openrouter_metadata(struct sim_text *text, const struct sim_plan *plan)
{
    const struct sim_behaviour *behaviour = &plan->behaviour;
    char scratch[SIM_PROVIDER_MAX];
    h2o_iovec_t provider;

    if (!plan->request.metadata)
        return;
    sim_json(text,
             ",'openrouter_metadata':{'requested':%v,'strategy':%j,'region':'sim',"
             "'summary':'available=%i, selected=%e','attempt':%i,'is_byok':%b,"
             "'endpoints':{'total':%i,'available':[",
             &plan->request.model, behaviour->tried_count > 0 ? "fallback" : "direct",
             behaviour->tried_count + 1, &plan->provider, behaviour->tried_count + 1,
             behaviour->billing.byok, behaviour->tried_count + 1);
    for (int64_t i = 0; i < behaviour->tried_count; i++) {
        provider = provider_of(&behaviour->models_tried[i], scratch);
        sim_json(text, "{'provider':%v,'model':%v,'selected':false},", &provider,
                 &behaviour->models_tried[i]);
    }
    sim_json(text, "{'provider':%v,'model':%v,'selected':true}]},'attempts':[", &plan->provider,
             &plan->model);
    for (int64_t i = 0; i < behaviour->tried_count; i++) {
        provider = provider_of(&behaviour->models_tried[i], scratch);
        sim_json(text, "{'provider':%v,'model':%v,'status':503},", &provider,
                 &behaviour->models_tried[i]);
    }
    sim_json(text, "{'provider':%v,'model':%v,'status':200}]}", &plan->provider, &plan->model);
}
