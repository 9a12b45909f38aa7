/* sim_models.c - the catalogue as Vercel, its AI SDK and OpenAI list it. See sim_models.h. */
#include "tests/sim/sim_models.h"
#include "tests/sim/sim_json.h"

#include <string.h>

static const struct {
    enum price_unit unit;
    const char *name;
} units[] = {
    {PRICE_INPUT, "input"},
    {PRICE_OUTPUT, "output"},
    {PRICE_CACHE_READ, "input_cache_read"},
    {PRICE_CACHE_WRITE, "input_cache_write"},
};

static h2o_iovec_t vec(struct sim_span span)
{
    return h2o_iovec_init(span.bytes, span.len);
}

static void add_price(struct sim_text *text, const struct price_rates *rates, enum price_unit unit)
{
    sim_cost_json(text, rates->unit[unit].femto, SIM_COST_STRING);
}

/* Vercel's brackets: `min` is inclusive and `max` exclusive, where our tiers hold above a count. */
static void add_tiers(struct sim_text *text, const struct price *price, enum price_unit unit)
{
    sim_text_str(text, "[{\"cost\":");
    add_price(text, &price->standard.base, unit);
    for (unsigned i = 0; i < price->standard.tier_count; i++) {
        const struct price_rates *rates = &price->standard.tiers[i].rates;
        bool named = (rates->known & (1u << unit)) != 0;
        sim_json(text, ",'max':%i},{'cost':", price->standard.tiers[i].above + 1);
        add_price(text, named ? rates : &price->standard.base, unit);
        sim_json(text, ",'min':%i", price->standard.tiers[i].above + 1);
    }
    sim_text_str(text, "}]");
}

/* price: NULL for a model without one; Vercel lists those with an empty object. */
static void add_pricing(struct sim_text *text, const struct price *price, bool with_tiers)
{
    const char *separator = "";

    sim_text_str(text, "{");
    for (size_t i = 0; price != NULL && i < sizeof(units) / sizeof(units[0]); i++) {
        if ((price->standard.base.known & (1u << units[i].unit)) == 0)
            continue;
        sim_json(text, "%r%j:", separator, units[i].name);
        add_price(text, &price->standard.base, units[i].unit);
        separator = ",";
        if (price->standard.tier_count == 0 || !with_tiers)
            continue;
        sim_json(text, ",'%r_tiers':", units[i].name);
        add_tiers(text, price, units[i].unit);
    }
    sim_text_str(text, "}");
}

static bool is_language(const struct sim_model *model)
{
    return strcmp(model->type, "language") == 0;
}

static void add_modalities(struct sim_text *text, const struct sim_model *model)
{
    static const char *const outputs[][2] = {{"embedding", "embedding"},
                                             {"image", "image"},
                                             {"video", "video"},
                                             {"speech", "audio"},
                                             {"language", "text"}};
    const char *output = "text";

    for (size_t i = 0; i < sizeof(outputs) / sizeof(outputs[0]); i++) {
        if (strcmp(outputs[i][0], model->type) == 0)
            output = outputs[i][1];
    }
    sim_json(text, ",'modalities':{'input':[%j],'output':[%j]}",
             strcmp(model->type, "transcription") == 0 ? "audio" : "text", output);
}

static void add_model(const struct sim_catalogue *catalogue, const struct sim_model *model,
                      int64_t now_ms, struct sim_text *text)
{
    h2o_iovec_t id = vec(model->id), owner = vec(sim_model_owner(model->id));

    sim_json(text,
             "{'id':%v,'object':'model','created':%i,'released':%i,'owned_by':%v,'name':%v,"
             "'description':'Simulated.','type':%j",
             &id, (int64_t)SIM_MODEL_CREATED, (int64_t)SIM_MODEL_CREATED, &owner, &id, model->type);
    if (is_language(model))
        sim_json(text, ",'context_window':%i,'max_tokens':%i,'tags':['tool-use','reasoning']",
                 (int64_t)SIM_MODEL_CONTEXT, (int64_t)SIM_MODEL_OUTPUT);
    add_modalities(text, model);
    sim_text_str(text, ",\"supported_specifications\":[\"v2\",\"v3\",\"v4\"],\"pricing\":");
    add_pricing(text, sim_model_price(catalogue, model, now_ms), true);
    sim_text_str(text, "}");
}

void sim_models_vercel(const struct sim_catalogue *catalogue, int64_t now_ms, struct sim_text *text)
{
    sim_text_str(text, "{\"object\":\"list\",\"data\":[");
    for (size_t i = 0; i < catalogue->count; i++) {
        sim_text_str(text, i > 0 ? "," : "");
        add_model(catalogue, &catalogue->models[i], now_ms, text);
    }
    sim_text_str(text, "]}");
}

void sim_models_vercel_one(const struct sim_catalogue *catalogue, const struct sim_model *model,
                           int64_t now_ms, struct sim_text *text)
{
    add_model(catalogue, model, now_ms, text);
}

/* The names of the endpoints' prices are OpenRouter's. */
static void add_endpoint_pricing(struct sim_text *text, const struct price *price)
{
    static const char *const names[] = {"prompt", "completion", "input_cache_read",
                                        "input_cache_write"};
    const char *separator = "";

    sim_text_str(text, "{");
    for (size_t i = 0; price != NULL && i < sizeof(units) / sizeof(units[0]); i++) {
        if ((price->standard.base.known & (1u << units[i].unit)) == 0)
            continue;
        sim_json(text, "%r%j:", separator, names[i]);
        add_price(text, &price->standard.base, units[i].unit);
        separator = ",";
    }
    sim_json(text, "%r'request':'0','image':'0','discount':0}", separator);
}

void sim_models_vercel_endpoints(const struct sim_catalogue *catalogue,
                                 const struct sim_model *model, int64_t now_ms,
                                 struct sim_text *text)
{
    h2o_iovec_t id = vec(model->id), owner = vec(sim_model_owner(model->id));

    sim_json(text,
             "{'data':{'id':%v,'name':%v,'created':%i,'released':%i,'description':'Simulated.',"
             "'architecture':{'tokenizer':null,'instruct_type':null,'modality':'text->text',"
             "'input_modalities':['text'],'output_modalities':['text']},'endpoints':[{"
             "'name':'%e | %e','model_name':%v,'provider_name':%v,'context_length':%i,"
             "'max_completion_tokens':%i,'max_prompt_tokens':null,'quantization':null,"
             "'supported_parameters':['max_tokens','temperature','tools'],'tags':[],'pricing':",
             &id, &id, (int64_t)SIM_MODEL_CREATED, (int64_t)SIM_MODEL_CREATED, &owner, &id, &id,
             &owner, (int64_t)SIM_MODEL_CONTEXT, (int64_t)SIM_MODEL_OUTPUT);
    add_endpoint_pricing(text, sim_model_price(catalogue, model, now_ms));
    sim_json(text,
             ",'status':0,'uptime_last_15m':100,'uptime_last_1h':100,'uptime_last_1d':100,"
             "'latency_last_1h':{'p50':100,'p95':200},'throughput_last_1h':{'p50':100,'p95':50},"
             "'supports_implicit_caching':false,'has_zdr':true,'has_no_training':true}]}}");
}

void sim_models_ai_sdk(const struct sim_catalogue *catalogue, const char *version, int64_t now_ms,
                       struct sim_text *text)
{
    const uint32_t both = 1u << PRICE_INPUT | 1u << PRICE_OUTPUT;

    sim_text_str(text, "{\"models\":[");
    for (size_t i = 0; i < catalogue->count; i++) {
        const struct sim_model *model = &catalogue->models[i];
        const struct price *price = sim_model_price(catalogue, model, now_ms);
        h2o_iovec_t id = vec(model->id), owner = vec(sim_model_owner(model->id));
        sim_json(text,
                 "%r{'id':%v,'name':%v,'description':null,'specification':{"
                 "'specificationVersion':%j,'provider':%v,'modelId':%v},'modelType':%j,'pricing':",
                 i > 0 ? "," : "", &id, &id, version, &owner, &id, model->type);
        if (price != NULL && (price->standard.base.known & both) == both)
            add_pricing(text, price, false);
        else
            sim_text_str(text, "null");
        sim_text_str(text, "}");
    }
    sim_text_str(text, "]}");
}

void sim_models_openai_one(const struct sim_model *model, struct sim_text *text)
{
    h2o_iovec_t id = vec(model->id), owner = vec(sim_model_owner(model->id));

    sim_json(text, "{'id':%v,'object':'model','created':%i,'owned_by':%v}", &id,
             (int64_t)SIM_MODEL_CREATED, &owner);
}

void sim_models_openai(const struct sim_catalogue *catalogue, struct sim_text *text)
{
    sim_text_str(text, "{\"object\":\"list\",\"data\":[");
    for (size_t i = 0; i < catalogue->count; i++) {
        sim_text_str(text, i > 0 ? "," : "");
        sim_models_openai_one(&catalogue->models[i], text);
    }
    sim_text_str(text, "]}");
}
