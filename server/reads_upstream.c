/* reads_upstream.c - what is answered from the catalogues, and what an upstream is asked for. */
#include "server/ask.h"
#include "server/catalog.h"
#include "server/clients.h"
#include "server/dialect/answer_convert.h"
#include "server/reads_private.h"
#include "server/worker.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* openrouter section 5.2 */
static const char public_minutes[] =
    "public, max-age=120, stale-while-revalidate=3600, stale-if-error=3600";

/* --- the catalogues --- */

static enum catalog_question question_of(enum route_read read)
{
    switch (read) {
    case READ_MODELS_COUNT:
        return CATALOG_COUNT;
    case READ_MODEL:
        return CATALOG_MODEL;
    case READ_PROVIDERS:
        return CATALOG_PROVIDERS;
    case READ_EMBEDDING_MODELS:
        return CATALOG_EMBEDDING_MODELS;
    default:
        assert(read == READ_MODELS);
        return CATALOG_MODELS;
    }
}

/* A model that is not there is a 404 in both dialects here, where it is what was asked for. */
static void refuse_model(h2o_req_t *req, const struct route *route)
{
    if (route->dialect == DIALECT_OPENROUTER)
        reads_refuse(req, route, PROBLEM_NOT_FOUND, "Model not found");
    else
        reads_refuse(req, route, PROBLEM_MODEL, NULL);
}

void reads_answer_catalog(struct worker *worker, h2o_req_t *req, const struct route *route,
                          struct text rest, struct text query)
{
    struct out out = OUT_INIT;
    const char *detail = NULL;
    int result = -ENOENT;

    if (rest.len <= ROW_NAME_MAX)
        result = catalogs_print(worker->gateway->catalogs, question_of(route->read), route->dialect,
                                rest, query, &out, &detail);
    if (result == 0 && out.error == 0)
        reads_send(req, 200, (struct text){out.bytes, out.len}, public_minutes);
    else if (result == -ENOENT)
        refuse_model(req, route);
    else if (result == -EAGAIN)
        reads_refuse(req, route, PROBLEM_NOT_YET, "No upstream's catalogue is known yet.");
    else if (result == -EINVAL)
        reads_refuse(req, route, PROBLEM_BAD_REQUEST, detail);
    else
        reads_refuse(req, route, PROBLEM_NO_MEMORY, NULL);
    out_release(&out);
}

/* --- asking an upstream --- */

/* Lives in the request's pool, and stops asking when that goes. */
struct question {
    struct ask *ask; /* NULL: answered */
    h2o_req_t *req;
    const struct route *route;
    const struct config_upstream *upstream;
    struct reads_view view;
    struct text id; /* of a model, as the client said it; in the request's pool */
};

static void on_request_gone(void *arg)
{
    struct question *question = arg;

    if (question->ask != NULL)
        ask_stop(question->ask);
}

/* What the upstream refuses is refused in the words of the path, with its status. */
static void pass_refusal(struct question *question, const struct ask_answer *answer)
{
    struct answer_conversion conversion = {
        .api = API_CHAT, /* the envelope of everything but messages */
        .from = question->upstream->dialect,
        .to = question->route->dialect,
        .map = question->view.models,
        .model_requested = question->id,
        .model_sent = question->id,
        .upstream = text_of(question->upstream->name),
    };
    struct out out = OUT_INIT;

    if (answer->status < 400 || answer->status > 599) {
        reads_refuse(question->req, question->route, PROBLEM_UNREACHABLE,
                     "The upstream did not answer this question.");
        return;
    }
    if (answer_convert_error(&conversion, answer->status, answer->body, &out) == 0 &&
        out.error == 0)
        reads_send(question->req, answer->status,
                   out.len > 0 ? (struct text){out.bytes, out.len} : answer->body, "no-store");
    else
        reads_refuse(question->req, question->route, PROBLEM_NO_MEMORY, NULL);
    out_release(&out);
}

static void on_answer(void *arg, struct worker *worker, const struct ask_answer *answer)
{
    struct question *question = arg;
    bool credits = question->route->read == READ_CREDITS;
    struct out out = OUT_INIT;
    int result;

    (void)worker;
    question->ask = NULL;
    if (answer->status != 200) {
        pass_refusal(question, answer);
        return;
    }
    if (credits)
        result = reads_print_credits(answer->body, question->view.to, &out);
    else
        result = reads_print_endpoints(&question->view, question->upstream->dialect, question->id,
                                       answer->body, &out);
    if (out.error != 0)
        reads_refuse(question->req, question->route, PROBLEM_NO_MEMORY, NULL);
    else if (result != 0)
        reads_refuse(question->req, question->route, PROBLEM_UNREACHABLE,
                     "The upstream's answer could not be understood.");
    else
        reads_send(question->req, 200, (struct text){out.bytes, out.len},
                   credits ? "private, no-store" : public_minutes);
    out_release(&out);
}

static void start(struct worker *worker, struct question question, struct text path,
                  struct text api_key)
{
    struct question *asked =
        h2o_mem_alloc_shared(&question.req->pool, sizeof *asked, on_request_gone);
    struct ask_order order = {
        .upstream = question.upstream,
        .path = path,
        .client_key = api_key,
        .body_max = READS_UPSTREAM_BYTES,
        .timeout_ms = READS_UPSTREAM_MS,
        .done = on_answer,
        .arg = asked,
    };

    *asked = question;
    if (ask_start(worker, &order, &asked->ask) != 0)
        reads_refuse(question.req, question.route, PROBLEM_UNREACHABLE, NULL);
}

static struct question question_new(struct worker *worker, h2o_req_t *req,
                                    const struct route *route)
{
    return (struct question){
        .req = req, .route = route, .view = reads_view(worker->gateway, route)};
}

void reads_ask_credits(struct worker *worker, h2o_req_t *req, const struct route *route,
                       struct text api_key)
{
    const struct config *config = worker->gateway->config;
    struct question question = question_new(worker, req, route);

    for (unsigned i = 0; i < config->upstream_count && question.upstream == NULL; i++)
        if (config->upstream[i].dialect != DIALECT_OPENAI) /* has no credits that we know of */
            question.upstream = &config->upstream[i];
    if (question.upstream == NULL) {
        reads_refuse(req, route, PROBLEM_NOT_FOUND, "No upstream tells its credits.");
        return;
    }
    start(worker, question, TEXT("/credits"), api_key);
}

void reads_show_credits(struct worker *worker, h2o_req_t *req, const struct route *route,
                        const struct config_client *client)
{
    struct clients *clients = worker->gateway->clients;
    struct budget_state states[BUDGET_PERIODS] = {0};
    struct out out = OUT_INIT;
    int result;

    budget_show(clients_budgets(clients), clients_index(clients, client), worker_now_ms(worker),
                states);
    result = reads_print_own_credits(states, route->dialect, &out);
    if (result != 0)
        reads_refuse(req, route, PROBLEM_FORBIDDEN,
                     "This key has no budget, and the balance of this gateway is not shown to its "
                     "clients.");
    else if (out.error != 0)
        reads_refuse(req, route, PROBLEM_NO_MEMORY, NULL);
    else
        reads_send(req, 200, (struct text){out.bytes, out.len}, "private, no-store");
    out_release(&out);
}

/* The model's name at the first upstream that may have it. */
static bool choose(struct worker *worker, struct question *question, char model[ROW_NAME_MAX + 1])
{
    const struct gateway *gateway = worker->gateway;

    for (unsigned i = 0; i < gateway->config->upstream_count; i++) {
        const struct config_upstream *upstream = &gateway->config->upstream[i];
        const char *sort;
        enum model_map_result mapped;
        if (upstream->dialect == DIALECT_OPENAI)
            continue; /* has no such list */
        mapped = model_map_model(gateway->models, question->view.to, upstream->dialect,
                                 question->id, false, model, &sort);
        if (mapped == MODEL_MAP_ROUTER && upstream->dialect != DIALECT_OPENROUTER)
            continue;
        if (mapped == MODEL_MAP_VARIANT ||
            catalogs_has(gateway->catalogs, i, text_of(model)) == CATALOG_NO)
            continue;
        question->upstream = upstream;
        return true;
    }
    return false;
}

/* The id goes into a path: what could end it or climb out of it is encoded or refused. */
static bool print_path(const char *model, struct out *out)
{
    static const char hex[] = "0123456789ABCDEF";

    if (strstr(model, "..") != NULL || model[0] == '/')
        return false;
    out_text(out, "/models/");
    for (const char *at = model; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;
        bool plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
                     (byte >= 'a' && byte <= 'z') || strchr("-_.~/:@", byte) != NULL;
        if (plain) {
            out_char(out, *at);
            continue;
        }
        out_char(out, '%');
        out_char(out, hex[byte >> 4]);
        out_char(out, hex[byte & 15]);
    }
    out_text(out, "/endpoints");
    return out->error == 0;
}

void reads_ask_endpoints(struct worker *worker, h2o_req_t *req, const struct route *route,
                         struct text rest, struct text api_key)
{
    struct question question = question_new(worker, req, route);
    char model[ROW_NAME_MAX + 1];
    struct out path = OUT_INIT;

    if (rest.len <= ROW_NAME_MAX) {
        h2o_iovec_t id = h2o_strdup(&req->pool, rest.bytes, rest.len);
        question.id = (struct text){id.base, id.len};
    }
    if (question.id.len == 0 || memchr(question.id.bytes, '\0', question.id.len) != NULL ||
        !choose(worker, &question, model) || !print_path(model, &path))
        refuse_model(req, route);
    else
        start(worker, question, (struct text){path.bytes, path.len}, api_key);
    out_release(&path);
}
