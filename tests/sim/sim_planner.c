/* sim_planner.c - see sim_planner.h. */
#include "tests/sim/sim_planner.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    ECHO_BYTES = 60,
    IMAGE_TOKENS = 1000,       /* of output that an image counts as */
    CLAUDE_OUTPUT_MAX = 21333, /* tokens that Vercel lets one ask Anthropic for without a stream */
};

static const char marker[] = "SIM:";
static const char thought[] = "Let me think.";

static h2o_iovec_t message(h2o_mem_pool_t *pool, const char *text)
{
    return h2o_strdup(pool, text, SIZE_MAX);
}

static h2o_iovec_t of_span(struct sim_span span)
{
    return h2o_iovec_init(span.bytes, span.len);
}

static struct sim_span to_span(h2o_iovec_t value)
{
    return (struct sim_span){value.base, value.len};
}

static void refuse(struct sim_plan *plan, int status, const char *type, h2o_iovec_t why)
{
    plan->status = status;
    plan->error_type = type;
    plan->error_message = why;
}

static bool begins_with(h2o_iovec_t text, const char *start)
{
    size_t len = strlen(start);
    return text.base != NULL && text.len >= len && memcmp(text.base, start, len) == 0;
}

/* The JSON behind the marker that a text begins with; base NULL without one. */
static h2o_iovec_t marked(h2o_iovec_t text)
{
    size_t skip = sizeof(marker) - 1;

    if (!begins_with(text, marker))
        return (h2o_iovec_t){0};
    return h2o_iovec_init(text.base + skip, sim_behaviour_span(text.base + skip, text.len - skip));
}

/* Header, then script, then marker. False: what was found is no behaviour, and the plan says so. */
static bool choose_behaviour(struct sim_planner *planner, h2o_req_t *req, struct sim_plan *plan)
{
    h2o_iovec_t json = sim_header(req, "x-sim"), path = req->path_normalized;
    char error[SIM_ERROR_SIZE];
    char *line;

    if (json.base == NULL &&
        sim_script_pop(planner->script, path.base, path.len, &line, &json.len)) {
        json = h2o_strdup(&req->pool, line, json.len);
        free(line);
    }
    if (json.base == NULL)
        json = marked(plan->request.last_user);
    if (json.base == NULL)
        json = marked(plan->request.first_user);
    if (json.base == NULL || sim_behaviour_read(&planner->behaviour, &req->pool, json.base,
                                                json.len, &plan->behaviour, error) == 0)
        return true;
    refuse(plan, 400, "invalid_request_error", message(&req->pool, error));
    return false;
}

static const char *type_of_status(int status)
{
    static const struct {
        int status;
        const char *type;
    } types[] = {
        {400, "invalid_request_error"},
        {401, "authentication_error"},
        {402, "insufficient_funds"},
        {403, "forbidden"},
        {404, "not_found"},
        {408, "timeout_error"},
        {424, "failed_dependency"},
        {429, "rate_limit_exceeded"},
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (types[i].status == status)
            return types[i].type;
    }
    return "internal_server_error";
}

static size_t echo_len(h2o_iovec_t text)
{
    size_t len = text.len < ECHO_BYTES ? text.len : ECHO_BYTES;

    /* Never half a character. */
    while (len < text.len && len > 0 && ((unsigned char)text.base[len] & 0xc0) == 0x80)
        len--;
    return len;
}

static h2o_iovec_t filler(h2o_mem_pool_t *pool, size_t len)
{
    static const char words[] = "the quick brown fox jumps over the lazy dog and does it again ";
    h2o_iovec_t text = {.base = h2o_mem_alloc_pool(pool, len + 1), .len = len};

    for (size_t at = 0; at < len;) {
        size_t take = len - at < sizeof(words) - 1 ? len - at : sizeof(words) - 1;
        memcpy(text.base + at, words, take);
        at += take;
    }
    return text;
}

static void choose_text(h2o_req_t *req, struct sim_plan *plan)
{
    const struct sim_behaviour *behaviour = &plan->behaviour;
    h2o_iovec_t said = plan->request.last_user;
    bool says_something = sim_api_streams(plan->api) || plan->api == SIM_TRANSCRIPTION;

    if (behaviour->raw.base != NULL)
        plan->text = behaviour->raw;
    else if (behaviour->text.base != NULL)
        plan->text = behaviour->text;
    else if (behaviour->size != SIM_UNSET)
        plan->text = filler(&req->pool, (size_t)behaviour->size);
    else if (sim_plan_has_tool(plan) || !says_something)
        plan->text = (h2o_iovec_t){0};
    else
        plan->text = h2o_concat(&req->pool, h2o_iovec_init(H2O_STRLIT("Echo: ")),
                                h2o_iovec_init(said.base, echo_len(said)));
}

/* Shown when the behaviour has one, and where the dialect could not tell of it otherwise. */
static void choose_reasoning(struct sim_plan *plan)
{
    const struct sim_behaviour *behaviour = &plan->behaviour;
    bool asked = plan->api == SIM_MESSAGES && plan->request.thinking;
    bool counted = plan->dialect == SIM_OPENAI && behaviour->reasoning_tokens > 0;

    if (behaviour->raw.base != NULL)
        return;
    if (behaviour->reasoning.base != NULL)
        plan->reasoning = behaviour->reasoning;
    else if (asked || counted)
        plan->reasoning = h2o_iovec_init(H2O_STRLIT(thought));
}

static int64_t either(int64_t given, int64_t otherwise)
{
    return given != SIM_UNSET ? given : otherwise;
}

static int64_t tokens_of(size_t bytes)
{
    return (int64_t)((bytes + 3) / 4);
}

/* False: the counts contradict each other, and the plan says so. */
static bool count_tokens(h2o_req_t *req, struct sim_plan *plan)
{
    const struct sim_behaviour *behaviour = &plan->behaviour;
    struct sim_tokens *tokens = &plan->tokens;
    int64_t answer = tokens_of(plan->text.len + behaviour->tool_arguments.len);

    if (plan->api == SIM_IMAGES && plan->text.len == 0)
        answer = plan->request.count * IMAGE_TOKENS;
    tokens->cached = either(behaviour->cached_tokens, 0);
    tokens->written = either(behaviour->cache_write_tokens, 0);
    tokens->written_1h = either(behaviour->write_1h_tokens, 0);
    tokens->searches = either(behaviour->web_searches, 0);
    tokens->reasoning = either(behaviour->reasoning_tokens, tokens_of(plan->reasoning.len));
    tokens->prompt = either(behaviour->prompt_tokens,
                            tokens_of(plan->request.text_bytes) + tokens->cached + tokens->written);
    tokens->completion = either(behaviour->completion_tokens, answer + tokens->reasoning);
    if (tokens->cached + tokens->written <= tokens->prompt &&
        tokens->written_1h <= tokens->written && tokens->reasoning <= tokens->completion)
        return true;
    *tokens = (struct sim_tokens){0};
    refuse(plan, 400, "invalid_request_error",
           message(&req->pool, "sim: cached_tokens and cache_write_tokens are part of "
                               "prompt_tokens, write_1h_tokens of cache_write_tokens, "
                               "reasoning_tokens of completion_tokens"));
    return false;
}

static void refuse_model(h2o_req_t *req, struct sim_plan *plan)
{
    static const struct {
        int status;
        const char *type, *before, *behind;
    } words[] = {
        [SIM_VERCEL] = {404, "model_not_found", "Model '", "' not found"},
        [SIM_AI_SDK] = {404, "model_not_found", "Model '", "' not found"},
        [SIM_OPENROUTER] = {400, "invalid_request_error", "", " is not a valid model ID"},
        [SIM_OPENAI] = {404, "model_not_found", "The model `", "` does not exist"},
    };

    refuse(plan, words[plan->dialect].status, words[plan->dialect].type,
           h2o_concat(
               &req->pool,
               h2o_iovec_init(words[plan->dialect].before, strlen(words[plan->dialect].before)),
               plan->request.model,
               h2o_iovec_init(words[plan->dialect].behind, strlen(words[plan->dialect].behind))));
}

static bool can_serve(const struct sim_planner *planner, const struct sim_plan *plan,
                      const struct sim_model *model, int64_t now_ms)
{
    if (model == NULL)
        return false;
    return !sim_api_needs_price(plan->api) ||
           sim_model_price(planner->catalogue, model, now_ms) != NULL;
}

/* The first of the models asked for that exists here, and its name as the client knows it. */
static const struct sim_model *choose_model(const struct sim_planner *planner,
                                            struct sim_plan *plan, int64_t now_ms)
{
    const struct sim_catalogue *catalogue = planner->catalogue;
    const struct sim_request *request = &plan->request;
    const struct sim_model *model;

    plan->model = request->model;
    model = sim_catalogue_find(catalogue, plan->dialect, to_span(request->model));
    for (size_t i = 0; i < request->fallback_count && !can_serve(planner, plan, model, now_ms);
         i++) {
        model = sim_catalogue_find(catalogue, plan->dialect, to_span(request->fallbacks[i]));
        plan->model = request->fallbacks[i];
    }
    if (!can_serve(planner, plan, model, now_ms)) {
        plan->model = request->model;
        return NULL;
    }
    if (plan->dialect == SIM_OPENROUTER && begins_with(plan->model, "openrouter/"))
        plan->model = of_span(sim_model_name(model, plan->dialect));
    return model;
}

/* Who served, under which name, at whose prices. */
static const struct price *settle_model(const struct sim_planner *planner, h2o_req_t *req,
                                        int64_t now_ms, struct sim_plan *plan)
{
    const struct sim_model *model = choose_model(planner, plan, now_ms), *served = NULL;
    struct sim_span owner;

    plan->exists = model != NULL;
    if (plan->behaviour.served_model.base != NULL) {
        plan->model = plan->behaviour.served_model;
        served = sim_catalogue_find(planner->catalogue, plan->dialect, to_span(plan->model));
    }
    if (served != NULL)
        model = served;
    plan->priced = model != NULL ? of_span(model->id) : plan->model;
    owner = sim_model_owner(to_span(plan->priced));
    if (plan->dialect == SIM_OPENROUTER)
        owner = sim_provider_display(owner, h2o_mem_alloc_pool(&req->pool, SIM_PROVIDER_MAX));
    plan->provider = of_span(owner);
    if (plan->behaviour.provider.base != NULL)
        plan->provider = plan->behaviour.provider;
    return sim_model_price(planner->catalogue, model, now_ms);
}

static bool needs_model(const struct sim_plan *plan)
{
    return plan->api != SIM_FILES && plan->api != SIM_BATCHES && plan->api != SIM_VIDEO_STATUS;
}

static bool is_long_claude(const struct sim_plan *plan)
{
    return (plan->dialect == SIM_VERCEL || plan->dialect == SIM_AI_SDK) && !plan->stream &&
           plan->request.output_max > CLAUDE_OUTPUT_MAX && begins_with(plan->priced, "anthropic/");
}

/* What the vendor itself would refuse; the checks run in its order. */
static bool acceptable(h2o_req_t *req, struct sim_plan *plan)
{
    const struct sim_request *request = &plan->request;

    if (plan->api == SIM_NO_API)
        refuse(plan, 404, "not_found", message(&req->pool, "Not found"));
    else if (!request->valid)
        refuse(plan, 400, "invalid_request_error",
               message(&req->pool, "The request body is not a JSON object"));
    else if ((request->model.base == NULL && request->fallback_count == 0 && needs_model(plan)) ||
             !request->complete)
        refuse(plan, 400, "invalid_request_error",
               h2o_concat(&req->pool, h2o_iovec_init(H2O_STRLIT("Invalid input: ")),
                          h2o_iovec_init(request->wanted, strlen(request->wanted)),
                          h2o_iovec_init(H2O_STRLIT(" are required"))));
    else if (needs_model(plan) && !plan->exists)
        refuse_model(req, plan);
    else if (is_long_claude(plan))
        refuse(plan, 400, "invalid_request_error",
               message(&req->pool, "Streaming is required for Anthropic models when max_tokens "
                                   "exceeds 21333"));
    else
        return true;
    return false;
}

/* What the API has no word for does nothing. */
static void drop_unused(struct sim_plan *plan)
{
    struct sim_behaviour *behaviour = &plan->behaviour;

    if (plan->api == SIM_CHAT || plan->api == SIM_RESPONSES || plan->api == SIM_MESSAGES)
        return;
    behaviour->reasoning = (h2o_iovec_t){0};
    behaviour->tool_name = (h2o_iovec_t){0};
    behaviour->tool_arguments = (h2o_iovec_t){0};
}

static int status_of(const struct sim_behaviour *behaviour)
{
    bool bare = behaviour->refuse_html || behaviour->empty;
    return (int)either(behaviour->status, bare ? 502 : 200);
}

static void plan_answer(h2o_req_t *req, const struct price *price, struct sim_plan *plan)
{
    const struct sim_behaviour *behaviour = &plan->behaviour;
    int status = status_of(behaviour);

    if (behaviour->raw.base == NULL && status < 400 && !acceptable(req, plan))
        return;
    plan->status = status;
    if (status >= 400) {
        refuse(plan, status, type_of_status(status), message(&req->pool, "Simulated failure"));
        return;
    }
    drop_unused(plan);
    choose_text(req, plan);
    choose_reasoning(plan);
    if (!count_tokens(req, plan))
        return;
    if (!behaviour->no_finish)
        plan->finish_reason = sim_plan_has_tool(plan) ? "tool_calls" : "stop";
    plan->costs = sim_price_plan(plan, price);
}

static h2o_iovec_t no_key(h2o_mem_pool_t *pool, enum sim_dialect dialect)
{
    if (dialect == SIM_OPENROUTER)
        return message(pool, "No auth credentials found");
    if (dialect == SIM_OPENAI)
        return message(pool, "You didn't provide an API key");
    return message(pool, "Authentication failed: no API key was given");
}

void sim_planner_plan(struct sim_planner *planner, h2o_req_t *req, const struct sim_route *route,
                      bool has_key, int64_t now_ms, struct sim_plan *ret_plan)
{
    const struct price *price;

    *ret_plan = (struct sim_plan){
        .behaviour = sim_behaviour_default(),
        .dialect = route->dialect,
        .api = route->api,
        .status = 200,
    };
    sim_request_read(&planner->body, req, route, &ret_plan->request);
    ret_plan->stream = ret_plan->request.stream;
    if (!choose_behaviour(planner, req, ret_plan)) {
        ret_plan->model = ret_plan->request.model;
        return;
    }
    price = settle_model(planner, req, now_ms, ret_plan);
    if (!has_key) {
        refuse(ret_plan, 401, "authentication_error", no_key(&req->pool, route->dialect));
        return;
    }
    plan_answer(req, price, ret_plan);
    assert(ret_plan->status < 400 || ret_plan->error_type != NULL);
}
