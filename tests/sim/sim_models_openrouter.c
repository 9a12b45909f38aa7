/* sim_models_openrouter.c - the catalogue as OpenRouter lists it. See sim_models.h. */
#include "tests/sim/sim_json.h"
#include "tests/sim/sim_models.h"

#include <string.h>

static const struct {
    enum price_unit unit;
    const char *name;
} units[] = {
    {PRICE_INPUT, "prompt"},
    {PRICE_OUTPUT, "completion"},
    {PRICE_CACHE_READ, "input_cache_read"},
    {PRICE_CACHE_WRITE, "input_cache_write"},
    {PRICE_CACHE_WRITE_1H, "input_cache_write_1h"},
    {PRICE_REASONING, "internal_reasoning"},
    {PRICE_WEB_SEARCH, "web_search"},
    {PRICE_REQUEST, "request"},
};

static h2o_iovec_t vec(struct sim_span span)
{
    return h2o_iovec_init(span.bytes, span.len);
}

static void add_rates(struct sim_text *text, const struct price_rates *rates, const char *separator)
{
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if ((rates->known & (1u << units[i].unit)) == 0)
            continue;
        sim_json(text, "%r%j:", separator, units[i].name);
        sim_cost_json(text, rates->unit[units[i].unit].femto, SIM_COST_STRING);
        separator = ",";
    }
}

static void add_pricing(struct sim_text *text, const struct price *price)
{
    sim_text_str(text, "{");
    add_rates(text, &price->standard.base, "");
    for (unsigned i = 0; i < price->standard.tier_count; i++) {
        sim_json(text,
                 i == 0 ? ",'overrides':[{'min_prompt_tokens':%i" : ",{'min_prompt_tokens':%i",
                 price->standard.tiers[i].above);
        add_rates(text, &price->standard.tiers[i].rates, ",");
        sim_text_str(text, "}");
    }
    sim_text_str(text, price->standard.tier_count > 0 ? "]}" : "}");
}

static const char *output_of(const struct sim_model *model)
{
    if (strcmp(model->type, "embedding") == 0)
        return "embeddings";
    return strcmp(model->type, "language") == 0 ? "text" : model->type;
}

static void add_architecture(struct sim_text *text, const struct sim_model *model)
{
    sim_json(text,
             "'architecture':{'modality':'text->%r','input_modalities':['text'],"
             "'output_modalities':[%j],'tokenizer':'Other','instruct_type':null}",
             output_of(model), output_of(model));
}

static void add_name(struct sim_text *text, const struct sim_model *model)
{
    char scratch[SIM_PROVIDER_MAX];
    struct sim_span owner = sim_model_owner(model->id);
    h2o_iovec_t display = vec(sim_provider_display(owner, scratch));
    size_t skip = owner.len < model->id.len ? owner.len + 1 : 0;
    h2o_iovec_t rest = h2o_iovec_init(model->id.bytes + skip, model->id.len - skip);

    sim_json(text, "'name':'%e: %e'", &display, &rest);
}

/* Whether it can be told what a model costs: both are required there. */
static bool is_listed(const struct sim_catalogue *catalogue, const struct sim_model *model,
                      int64_t now_ms)
{
    const uint32_t both = 1u << PRICE_INPUT | 1u << PRICE_OUTPUT;
    const struct price *price = sim_model_price(catalogue, model, now_ms);

    return price != NULL && (price->standard.base.known & both) == both;
}

static bool is_wanted(const struct sim_catalogue *catalogue, const struct sim_model *model,
                      const char *type, int64_t now_ms)
{
    return (type == NULL || strcmp(type, model->type) == 0) && is_listed(catalogue, model, now_ms);
}

static void add_model(const struct sim_catalogue *catalogue, const struct sim_model *model,
                      int64_t now_ms, struct sim_text *text)
{
    h2o_iovec_t id = vec(model->openrouter);

    sim_json(text, "{'id':%v,'canonical_slug':%v,", &id, &id);
    add_name(text, model);
    sim_json(text, ",'created':%i,'description':'Simulated.','context_length':%i,",
             (int64_t)SIM_MODEL_CREATED, (int64_t)SIM_MODEL_CONTEXT);
    add_architecture(text, model);
    sim_text_str(text, ",\"pricing\":");
    add_pricing(text, sim_model_price(catalogue, model, now_ms));
    sim_json(text,
             ",'top_provider':{'context_length':%i,'max_completion_tokens':%i,"
             "'is_moderated':false},'per_request_limits':null,"
             "'supported_parameters':['max_tokens','temperature','tools','tool_choice',"
             "'reasoning'],'default_parameters':null,'hugging_face_id':null,"
             "'supported_voices':null,'links':{'details':'/api/v1/models/%e/endpoints'}}",
             (int64_t)SIM_MODEL_CONTEXT, (int64_t)SIM_MODEL_OUTPUT, &id);
}

/* A model of OpenRouter's that is none: it picks one. */
static void add_router(struct sim_text *text)
{
    sim_json(text,
             "{'id':'openrouter/auto','canonical_slug':'openrouter/auto','name':'Auto Router',"
             "'created':%i,'description':'Simulated.','context_length':%i,'architecture':{"
             "'modality':'text->text','input_modalities':['text'],'output_modalities':['text'],"
             "'tokenizer':'Router','instruct_type':null},'pricing':{'prompt':'-1',"
             "'completion':'-1'},'top_provider':{'context_length':null,"
             "'max_completion_tokens':null,'is_moderated':false},'per_request_limits':null,"
             "'supported_parameters':[],'default_parameters':null,'supported_voices':null,"
             "'links':{'details':'/api/v1/models/openrouter/auto/endpoints'}}",
             (int64_t)SIM_MODEL_CREATED, (int64_t)SIM_MODEL_CONTEXT);
}

static size_t count_of(const struct sim_catalogue *catalogue, const char *type, int64_t now_ms)
{
    size_t count = type == NULL || strcmp(type, "language") == 0 ? 1 : 0; /* the router */

    for (size_t i = 0; i < catalogue->count; i++)
        count += is_wanted(catalogue, &catalogue->models[i], type, now_ms) ? 1 : 0;
    return count;
}

void sim_models_openrouter(const struct sim_catalogue *catalogue,
                           const struct sim_models_filter *filter, int64_t now_ms,
                           struct sim_text *text)
{
    size_t total = count_of(catalogue, filter->type, now_ms), at = 0, shown = 0;
    size_t limit = filter->limit > 0 ? filter->limit : total;
    bool router = filter->type == NULL || strcmp(filter->type, "language") == 0;

    sim_text_str(text, "{\"data\":[");
    if (router && at++ >= filter->offset && shown < limit) {
        add_router(text);
        shown++;
    }
    for (size_t i = 0; i < catalogue->count && shown < limit; i++) {
        const struct sim_model *model = &catalogue->models[i];
        if (!is_wanted(catalogue, model, filter->type, now_ms) || at++ < filter->offset)
            continue;
        sim_text_str(text, shown > 0 ? "," : "");
        add_model(catalogue, model, now_ms, text);
        shown++;
    }
    sim_json(text, "],'total_count':%i,'links':{'next':", (int64_t)total);
    if (filter->offset + shown < total && shown > 0)
        sim_json(text, "'/api/v1/models?offset=%i&limit=%i'}}", (int64_t)(filter->offset + shown),
                 (int64_t)limit);
    else
        sim_text_str(text, "null}}");
}

void sim_models_openrouter_count(const struct sim_catalogue *catalogue, const char *type,
                                 int64_t now_ms, struct sim_text *text)
{
    sim_json(text, "{'data':{'count':%i}}", (int64_t)count_of(catalogue, type, now_ms));
}

void sim_models_openrouter_one(const struct sim_catalogue *catalogue, const struct sim_model *model,
                               int64_t now_ms, struct sim_text *text)
{
    sim_text_str(text, "{\"data\":");
    add_model(catalogue, model, now_ms, text);
    sim_text_str(text, "}");
}

void sim_models_openrouter_endpoints(const struct sim_catalogue *catalogue,
                                     const struct sim_model *model, int64_t now_ms,
                                     struct sim_text *text)
{
    char scratch[SIM_PROVIDER_MAX];
    struct sim_span owner = sim_model_owner(model->id);
    h2o_iovec_t id = vec(model->openrouter), slug = vec(sim_provider_slug(owner));
    h2o_iovec_t display = vec(sim_provider_display(owner, scratch));

    sim_json(text, "{'data':{'id':%v,", &id);
    add_name(text, model);
    sim_json(text, ",'created':%i,'description':'Simulated.',", (int64_t)SIM_MODEL_CREATED);
    add_architecture(text, model);
    sim_json(text,
             ",'endpoints':[{'name':'%e | %e','model_id':%v,'model_name':%v,'provider_name':%v,"
             "'tag':%v,'context_length':%i,'max_completion_tokens':%i,'max_prompt_tokens':null,"
             "'quantization':null,'pricing':",
             &display, &id, &id, &id, &display, &slug, (int64_t)SIM_MODEL_CONTEXT,
             (int64_t)SIM_MODEL_OUTPUT);
    add_pricing(text, sim_model_price(catalogue, model, now_ms));
    sim_json(
        text,
        ",'supported_parameters':['max_tokens','temperature','tools'],"
        "'supports_implicit_caching':false,'supports_tool_choice':{'auto':true,'function':true,"
        "'none':true,'required':true},'status':0,"
        "'uptime_last_5m':100,'uptime_last_30m':100,'uptime_last_1d':100,"
        "'latency_last_30m':null,'throughput_last_30m':null}]}}");
}

void sim_models_openrouter_providers(const struct sim_catalogue *catalogue, struct sim_text *text)
{
    struct sim_span last = {0};
    const char *separator = "";

    sim_text_str(text, "{\"data\":[");
    for (size_t i = 0; i < catalogue->count; i++) {
        struct sim_span owner = sim_model_owner(catalogue->models[i].id);
        char scratch[SIM_PROVIDER_MAX];
        h2o_iovec_t display = vec(sim_provider_display(owner, scratch));
        h2o_iovec_t slug = vec(sim_provider_slug(owner));
        /* Sorted by id, so each vendor's models stand together. */
        if (last.bytes != NULL && last.len == owner.len &&
            memcmp(last.bytes, owner.bytes, owner.len) == 0)
            continue;
        sim_json(text,
                 "%r{'name':%v,'slug':%v,'privacy_policy_url':null,'terms_of_service_url':null,"
                 "'status_page_url':null,'headquarters':null,'datacenters':null}",
                 separator, &display, &slug);
        separator = ",";
        last = owner;
    }
    sim_text_str(text, "]}");
}
