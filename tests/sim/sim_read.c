/* sim_read.c - what is read from a vendor: catalogue, records, account, and things made before. See
 * sim_worker.h.
 */
#include "tests/sim/sim_http.h"
#include "tests/sim/sim_json.h"
#include "tests/sim/sim_models.h"

#include <string.h>

enum { LIST_MAX = 1000000 };

/* One question: which path of which dialect, and what stands behind it. */
struct question {
    h2o_req_t *req;
    struct sim *sim;
    enum sim_dialect dialect;
    const char *version;  /* of the AI SDK protocol */
    struct sim_span rest; /* what stands for the star of a path */
};

static int refuse(const struct question *question, int status, const char *type,
                  const char *message)
{
    struct sim_text text = {0};

    if (question->dialect != SIM_OPENROUTER)
        return sim_respond_error(question->req, status, type, message);
    sim_json(&text, "{'error':{'message':%j,'code':%i}}", message, (int64_t)status);
    return sim_respond_json(question->req, status, &text);
}

static int not_found(const struct question *question)
{
    return refuse(question, 404, "not_found", "Not Found");
}

/* True: nobody said who asks, and that was the answer. */
static bool refuse_without_key(const struct question *question)
{
    if (h2o_find_header(&question->req->headers, H2O_TOKEN_AUTHORIZATION, -1) >= 0 ||
        sim_header(question->req, "x-api-key").base != NULL)
        return false;
    refuse(question, 401, "authentication_error",
           question->dialect == SIM_OPENROUTER ? "No auth credentials found"
                                               : "Authentication failed");
    return true;
}

static int get_credits(const struct question *question)
{
    struct sim_text text = {0};

    if (refuse_without_key(question))
        return 0;
    sim_calls_credits(question->sim->calls, question->dialect == SIM_OPENROUTER, &text);
    return sim_respond_json(question->req, 200, &text);
}

static int get_key(const struct question *question)
{
    struct sim_text text = {0};

    if (refuse_without_key(question))
        return 0;
    sim_calls_key(question->sim->calls, &text);
    return sim_respond_json(question->req, 200, &text);
}

static int get_activity(const struct question *question)
{
    struct sim_text text = {0};

    if (refuse_without_key(question))
        return 0;
    sim_calls_activity(question->sim->calls, &text);
    return sim_respond_json(question->req, 200, &text);
}

static int get_generation(const struct question *question)
{
    struct sim_span id = sim_query(question->req, "id");
    h2o_iovec_t shown = h2o_iovec_init(id.bytes, id.len);
    struct sim_text text = {0};
    int status = 400;

    if (refuse_without_key(question))
        return 0;
    if (id.len > 0)
        status =
            sim_calls_generation(question->sim->calls, question->dialect, id, sim_unix_ms(), &text);
    if (status == 400) {
        sim_json(&text, question->dialect == SIM_OPENROUTER
                            ? "{'error':{'message':'id is required','code':400}}"
                            : "{'error':'id is required'}");
    } else if (status == 500) {
        sim_json(&text, "{'error':{'message':'Simulated failure','code':500}}");
    } else if (status == 200) {
        return sim_respond_json(question->req, status, &text);
    } else if (question->dialect == SIM_OPENROUTER) {
        sim_json(&text, "{'error':{'message':'Generation %e not found','code':404}}", &shown);
    } else {
        sim_json(&text,
                 "{'error':'Usage event not found','id':%v,"
                 "'message':'No usage event with this id has been recorded'}",
                 &shown);
    }
    return sim_respond_json(question->req, status, &text);
}

static bool span_is(struct sim_span span, const char *text)
{
    return span.len == strlen(text) && memcmp(span.bytes, text, span.len) == 0;
}

static size_t number_of(struct sim_span span)
{
    size_t value = 0;

    for (size_t i = 0; i < span.len && span.bytes[i] >= '0' && span.bytes[i] <= '9'; i++) {
        if (value < LIST_MAX)
            value = value * 10 + (size_t)(span.bytes[i] - '0');
    }
    return value;
}

/* OpenRouter lists models that write text unless it is asked for others. */
static const char *type_asked_for(const struct question *question)
{
    struct sim_span wanted = sim_query(question->req, "output_modalities");

    if (span_is(wanted, "all"))
        return NULL;
    if (span_is(wanted, "embeddings"))
        return "embedding";
    return span_is(wanted, "image") ? "image" : "language";
}

static int get_models(const struct question *question)
{
    const struct sim_catalogue *catalogue = &question->sim->catalogue;
    struct sim_models_filter filter = {
        .type = type_asked_for(question),
        .offset = number_of(sim_query(question->req, "offset")),
        .limit = number_of(sim_query(question->req, "limit")),
    };
    struct sim_text text = {0};

    if (question->dialect == SIM_OPENROUTER)
        sim_models_openrouter(catalogue, &filter, sim_unix_ms(), &text);
    else if (question->dialect == SIM_OPENAI)
        sim_models_openai(catalogue, &text);
    else
        sim_models_vercel(catalogue, sim_unix_ms(), &text);
    return sim_respond_json(question->req, 200, &text);
}

static int get_embedding_models(const struct question *question)
{
    struct sim_models_filter filter = {.type = "embedding"};
    struct sim_text text = {0};

    sim_models_openrouter(&question->sim->catalogue, &filter, sim_unix_ms(), &text);
    return sim_respond_json(question->req, 200, &text);
}

static int get_config(const struct question *question)
{
    struct sim_text text = {0};

    if (refuse_without_key(question))
        return 0;
    sim_models_ai_sdk(&question->sim->catalogue, question->version, sim_unix_ms(), &text);
    return sim_respond_json(question->req, 200, &text);
}

static int get_count(const struct question *question)
{
    struct sim_text text = {0};

    sim_models_openrouter_count(&question->sim->catalogue, type_asked_for(question), sim_unix_ms(),
                                &text);
    return sim_respond_json(question->req, 200, &text);
}

static int get_providers(const struct question *question)
{
    struct sim_text text = {0};

    sim_models_openrouter_providers(&question->sim->catalogue, &text);
    return sim_respond_json(question->req, 200, &text);
}

/* The model that `rest` names; NULL, and a 404 was the answer. */
static const struct sim_model *model_asked_for(const struct question *question)
{
    const struct sim_model *model =
        sim_catalogue_find(&question->sim->catalogue, question->dialect, question->rest);
    h2o_iovec_t name = h2o_iovec_init(question->rest.bytes, question->rest.len);
    struct sim_text text = {0};

    if (model != NULL)
        return model;
    if (question->dialect == SIM_OPENROUTER) {
        not_found(question);
        return NULL;
    }
    sim_json(&text,
             "{'error':{'message':'Model %e not found','type':'model_not_found','param':{"
             "'modelId':%v}}}",
             &name, &name);
    sim_respond_json(question->req, 404, &text);
    return NULL;
}

static int get_model(const struct question *question)
{
    const struct sim_model *model = model_asked_for(question);
    const struct sim_catalogue *catalogue = &question->sim->catalogue;
    struct sim_text text = {0};

    if (model == NULL)
        return 0;
    if (question->dialect == SIM_OPENROUTER &&
        sim_model_price(catalogue, model, sim_unix_ms()) == NULL)
        return not_found(question);
    if (question->dialect == SIM_OPENROUTER)
        sim_models_openrouter_one(catalogue, model, sim_unix_ms(), &text);
    else if (question->dialect == SIM_OPENAI)
        sim_models_openai_one(model, &text);
    else
        sim_models_vercel_one(catalogue, model, sim_unix_ms(), &text);
    return sim_respond_json(question->req, 200, &text);
}

static int get_endpoints(const struct question *question)
{
    const struct sim_model *model = model_asked_for(question);
    const struct sim_catalogue *catalogue = &question->sim->catalogue;
    struct sim_text text = {0};

    if (model == NULL)
        return 0;
    if (question->dialect == SIM_OPENROUTER &&
        sim_model_price(catalogue, model, sim_unix_ms()) == NULL)
        return not_found(question);
    (question->dialect == SIM_OPENROUTER
         ? sim_models_openrouter_endpoints
         : sim_models_vercel_endpoints)(catalogue, model, sim_unix_ms(), &text);
    return sim_respond_json(question->req, 200, &text);
}

static int read_thing(const struct question *question, enum sim_api api)
{
    struct sim_text text = {0};

    if (refuse_without_key(question))
        return 0;
    if (!sim_things_find(question->sim->things, api, question->rest, false, &text))
        return not_found(question);
    return sim_respond_json(question->req, 200, &text);
}

static int get_file(const struct question *question)
{
    return read_thing(question, SIM_FILES);
}

static int get_batch(const struct question *question)
{
    return read_thing(question, SIM_BATCHES);
}

static int get_video(const struct question *question)
{
    return read_thing(question, SIM_VIDEOS);
}

static int get_files(const struct question *question)
{
    struct sim_text text = {0};

    if (refuse_without_key(question))
        return 0;
    sim_text_str(&text, "{\"object\":\"list\",\"data\":[");
    sim_things_list(question->sim->things, SIM_FILES, &text);
    sim_text_str(&text, "],\"has_more\":false}");
    return sim_respond_json(question->req, 200, &text);
}

static int delete_file(const struct question *question)
{
    h2o_iovec_t id = h2o_iovec_init(question->rest.bytes, question->rest.len);
    struct sim_text text = {0};

    if (refuse_without_key(question))
        return 0;
    if (!sim_things_find(question->sim->things, SIM_FILES, question->rest, true, &text))
        return not_found(question);
    text.len = 0;
    sim_json(&text, "{'id':%v,'object':'file','deleted':true}", &id);
    return sim_respond_json(question->req, 200, &text);
}

enum {
    VERCEL = 1 << SIM_VERCEL,
    AI_SDK = 1 << SIM_AI_SDK,
    OPENROUTER = 1 << SIM_OPENROUTER,
    OPENAI = 1 << SIM_OPENAI,
};

/* A star stands for what the question's `rest` gets. The first row that matches holds. */
static const struct reader {
    const char *method, *before, *behind; /* behind NULL: the path has no star */
    unsigned dialects;
    int (*answer)(const struct question *question);
} readers[] = {
    {"GET", "models", NULL, VERCEL | OPENROUTER | OPENAI, get_models},
    {"GET", "models/count", NULL, OPENROUTER, get_count},
    {"GET", "embeddings/models", NULL, OPENROUTER, get_embedding_models},
    {"GET", "models/", "/endpoints", VERCEL | OPENROUTER, get_endpoints},
    {"GET", "models/", "", VERCEL | OPENAI, get_model},
    {"GET", "model/", "", OPENROUTER, get_model},
    {"GET", "generation", NULL, VERCEL | OPENROUTER, get_generation},
    {"GET", "credits", NULL, VERCEL | OPENROUTER, get_credits},
    {"GET", "key", NULL, OPENROUTER, get_key},
    {"GET", "activity", NULL, OPENROUTER, get_activity},
    {"GET", "providers", NULL, OPENROUTER, get_providers},
    {"GET", "config", NULL, AI_SDK, get_config},
    {"GET", "files", NULL, VERCEL, get_files},
    {"GET", "files/", "", VERCEL, get_file},
    {"DELETE", "files/", "", VERCEL, delete_file},
    {"GET", "batches/", "", VERCEL, get_batch},
    {"GET", "videos/", "", VERCEL, get_video},
};

static bool path_matches(const struct reader *reader, struct sim_span path,
                         struct sim_span *ret_rest)
{
    size_t before = strlen(reader->before), behind;

    if (reader->behind == NULL)
        return span_is(path, reader->before);
    behind = strlen(reader->behind);
    if (path.len <= before + behind || memcmp(path.bytes, reader->before, before) != 0 ||
        memcmp(path.bytes + path.len - behind, reader->behind, behind) != 0)
        return false;
    *ret_rest = (struct sim_span){path.bytes + before, path.len - before - behind};
    return true;
}

static int wrong_method(const struct question *question)
{
    if (question->dialect == SIM_VERCEL || question->dialect == SIM_AI_SDK)
        return sim_respond(question->req, 405, "", "", 0);
    return refuse(question, 405, "invalid_request_error", "Method Not Allowed");
}

int sim_read(h2o_req_t *req, const struct sim_route *route)
{
    struct question question = {
        .req = req,
        .sim = sim_worker_of(req)->sim,
        .dialect = route->dialect,
        .version = req->path_normalized.base[2] == '3' ? "v3" : "v4",
    };
    struct sim_span path = {route->rest, route->rest_len};
    bool known = route->api != SIM_NO_API;

    for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
        if ((readers[i].dialects & 1u << route->dialect) == 0 ||
            !path_matches(&readers[i], path, &question.rest))
            continue;
        known = true;
        if (sim_method_is(req, readers[i].method))
            return readers[i].answer(&question);
    }
    return known ? wrong_method(&question) : not_found(&question);
}
