/* call_lead.c - a miss: where it goes, what is sent, and the fetch that brings the answer. */
#include "server/call_private.h"
#include "server/plan.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void call_attach(struct call *call, struct tape *tape, enum tape_view view)
{
    int result;

    call->stamp.slot[ANSWER_SLOT_ID - 1].bytes = call->id;
    call->stamp.slot[ANSWER_SLOT_ID - 1].len = strlen(call->id);
    call->stamp.slot[ANSWER_SLOT_CREATED - 1].bytes = call->created;
    call->stamp.slot[ANSWER_SLOT_CREATED - 1].len = strlen(call->created);
    result = tape_reader_init(&call->reader, tape, view, &call->stamp);
    assert(result == 0 || call->role == CALL_FOLLOWER);
    call->reader_set = result == 0;
}

/* What is left of the request's body once its preset is merged in. borrow: of the request or of
 * *merged. */
static enum problem merge_preset(struct call *call, struct out *merged, struct text *ret_body,
                                 const char **ret_detail)
{
    struct worker *worker = call->worker;
    const struct config_preset *preset = call->names.preset;
    char tags[ROW_TAGS_BYTES_MAX], model[ROW_NAME_MAX + 1];
    int result;

    *ret_body = (struct text){call->req->entity.base, call->req->entity.len};
    if (preset == NULL)
        return PROBLEMS;
    if (worker->doc.text != ret_body->bytes &&
        json_parse(&worker->doc, ret_body->bytes, ret_body->len, NULL) != 0)
        return PROBLEM_NO_MEMORY; /* it parsed before */
    memcpy(model, call->body->model, sizeof model);
    result = preset_merge(preset, call->route->api, &worker->doc, model, merged, ret_detail);
    if (result == 0)
        result = merged->error;
    if (result == 0)
        result = json_parse(&worker->doc, merged->bytes, merged->len, NULL);
    if (result == -ENOMEM)
        return PROBLEM_NO_MEMORY;
    if (result != 0 || request_read_body(&worker->doc, call->body, tags, ret_detail) != 0)
        return PROBLEM_BAD_REQUEST;
    if (call->body->tags.len > 0)
        call->body->tags.bytes = h2o_strdup(&call->req->pool, tags, call->body->tags.len).base;
    *ret_body = (struct text){merged->bytes, merged->len};
    return PROBLEMS;
}

static enum upstream_method method_of(const struct call *call)
{
    h2o_iovec_t method = call->req->method;

    if (h2o_memis(method.base, method.len, H2O_STRLIT("GET")))
        return UPSTREAM_GET;
    if (h2o_memis(method.base, method.len, H2O_STRLIT("HEAD")))
        return UPSTREAM_HEAD;
    return h2o_memis(method.base, method.len, H2O_STRLIT("DELETE")) ? UPSTREAM_DELETE
                                                                    : UPSTREAM_POST;
}

/* A client whose data nobody may keep: the upstream is told so, in the client's dialect, which is
 * converted like all else. What cannot be told is not sent. */
static enum problem ask_zdr(struct call *call, struct out *asking, struct text *body,
                            const char **ret_detail)
{
    struct json_doc *doc = &call->worker->doc;
    int result;

    if (call->client == NULL || !call->client->zdr || !call->recorded)
        return PROBLEMS;
    *ret_detail = "This key's requests are sent with zero data retention only, and this one cannot "
                  "ask for it.";
    if (!call->json)
        return PROBLEM_FORBIDDEN;
    result = json_parse(doc, body->bytes, body->len, NULL);
    if (result == 0)
        result = request_ask_zdr(doc, call->route->dialect, asking);
    if (result == 0)
        result = json_parse(doc, asking->bytes, asking->len, NULL);
    if (result != 0)
        return result == -ENOMEM ? PROBLEM_NO_MEMORY : PROBLEM_BAD_REQUEST;
    *body = (struct text){asking->bytes, asking->len};
    *ret_detail = NULL;
    return PROBLEMS;
}

/* What the request may use at most: its client's budget holds that. body: as it is sent. */
static struct estimate_bounds bounds_of(const struct call *call, struct text body)
{
    struct json_doc *doc = &call->worker->doc;
    struct request_extent extent = {
        .api = call->route->api,
        .body = body,
        .content_type = call->headers.content_type,
        .output_tokens = (int64_t)call->worker->gateway->config->limits.output_tokens,
    };

    if (call->body != NULL)
        extent.model = (struct text){call->body->model, call->body->model_len};
    /* Its tokens are gone where the disk was asked meanwhile. It parsed before; without memory it
     * is measured as what is no JSON, and nobody gets far. */
    if (call->json && ((doc->text == body.bytes && doc->len == body.len && doc->count > 0) ||
                       json_parse(doc, body.bytes, body.len, NULL) == 0))
        extent.doc = doc;
    return request_bound(&extent);
}

/* The request's fallback models, then its preset's. */
static enum problem make_plan(struct call *call, struct plan *plan)
{
    struct gateway *gateway = call->worker->gateway;
    const struct request_body *body = call->body;
    const struct config_preset *preset = call->names.preset;
    struct plan_order order = {
        .config = gateway->config,
        /* Models of sound and pictures are in no catalogue of text: those calls are never refused.
         */
        .catalogs = call->route->kind == ROUTE_FORWARDED ? NULL : gateway->catalogs,
        .health = route_keeps_its_place(call->route) ? NULL : gateway->health,
        .map = gateway->models,
        .from = call->route->dialect,
        .ai_sdk = call->route->ai_sdk,
        .model = {body->model, body->model_len},
        .forced = call->headers.upstream,
        .user = call->headers.user.len > 0 ? call->headers.user
                                           : (struct text){body->user, body->user_len},
        .key_id = text_of(call->names.key_id),
        .reasoning_off = body->reasoning_off,
        .now_ms = worker_now_ms(call->worker),
    };

    for (unsigned i = 0; i < body->fallback_count; i++)
        order.fallbacks[order.fallback_count++] = text_of(body->fallback[i]);
    for (unsigned i = 0; preset != NULL && i < preset->fallback_models.count &&
                         order.fallback_count < PLAN_MODELS_MAX;
         i++)
        order.fallbacks[order.fallback_count++] = text_of(preset->fallback_models.item[i]);
    return plan_make(&order, plan);
}

/* The AI SDK protocol's body goes on as it is, and its upstream tries the models that it lists.
 * They are in the plan so that a budget holds the dearest. */
static void add_named_models(const struct call *call, struct plan *plan)
{
    const struct request_body *body = call->body;

    for (unsigned i = 0; call->route->ai_sdk && i < plan->count; i++) {
        struct plan_attempt *attempt = &plan->attempt[i];
        for (unsigned n = body->fallback_count;
             n < body->named_count && attempt->model_count < PLAN_MODELS_MAX; n++)
            memcpy(attempt->models[attempt->model_count++], body->fallback[n],
                   sizeof body->fallback[n]);
    }
}
_Static_assert((int)REQUEST_FALLBACKS_MAX <= (int)PLAN_MODELS_MAX, "every fallback can be planned");

/* Behind the upstream's base path (for the AI SDK protocol: behind its host): the route's own, else
 * what the client asked for, with its query. Only what libh2o normalised is used, and only when
 * nothing in it needs an escape: a client chooses no host and no way out of the base path. */
static enum problem find_path(struct call *call, struct text *ret_path)
{
    const struct route *route = call->route;
    h2o_req_t *req = call->req;
    const char *base = route->dialect == DIALECT_OPENROUTER ? "/api/v1" : "/v1";
    size_t base_len = route->ai_sdk ? 0 : strlen(base);
    struct text path = {req->path_normalized.base, req->path_normalized.len}, query = {NULL, 0};
    h2o_iovec_t whole;

    if (route->upstream_path != NULL) {
        *ret_path = text_of(route->upstream_path);
        return PROBLEMS;
    }
    if (req->query_at != SIZE_MAX && req->query_at < req->path.len)
        query = (struct text){req->path.base + req->query_at, req->path.len - req->query_at};
    if (!route_path_is_plain(path) || !route_query_is_plain(query) || path.len < base_len)
        return PROBLEM_NOT_FOUND;
    whole = h2o_concat(&req->pool, h2o_iovec_init(path.bytes + base_len, path.len - base_len),
                       h2o_iovec_init(query.bytes, query.len));
    *ret_path = (struct text){whole.base, whole.len};
    return PROBLEMS;
}

static void start(struct call *call, struct tape *tape, struct store_flight *flight,
                  const struct fetch_order *order)
{
    call->role = CALL_LEADER;
    call_enter(call, CALL_STREAM);
    call_attach(call, tape, TAPE_ORIGINAL);
    call->fetch = fetch_start(call->worker, tape, flight, order);
    call_pump(call);
}

/* Also a refusal goes by way of the tape: others may be waiting for it. */
void call_lead(struct call *call, struct tape *tape, struct store_flight *flight)
{
    struct plan *plan = &call->worker->plan;
    struct ledger_row row, source;
    struct out merged = OUT_INIT, asking = OUT_INIT;
    char tags[ROW_TAGS_BYTES_MAX];
    struct fetch_order order = {
        .row = &row,
        .source = &source,
        .headers = &call->headers,
        .route = call->route,
        .plan = plan,
        .method = method_of(call),
        .may_store = call->caching && !call->headers.wish.no_store,
        .ttl_s = call->ttl_s,
        .started_ms = call->started_ms,
        .client = call->client,
    };

    /* A repeat whose answer has left the cache: now its facts are needed after all. */
    if (call->body == NULL && !call_recall_body(call))
        order.refusal = PROBLEM_NO_MEMORY; /* it was readable once */
    else
        order.refusal = merge_preset(call, &merged, &order.body, &order.detail);
    if (order.refusal == PROBLEMS)
        order.refusal = ask_zdr(call, &asking, &order.body, &order.detail);
    plan->count = 0;
    plan->why[0] = '\0';
    if (order.refusal == PROBLEMS)
        order.refusal = find_path(call, &order.path);
    if (order.refusal == PROBLEMS) {
        order.refusal = make_plan(call, plan);
        add_named_models(call, plan);
        order.detail = plan->detail[0] != '\0' ? plan->detail : NULL;
    }
    if (order.refusal == PROBLEMS)
        order.bounds = bounds_of(call, order.body); /* before tags are parsed in the same place */
    call_source_facts(call, &source);
    call_facts(call, &row, tags);
    row.route = text_of(plan->why);
    order.json = call->json;
    order.logged = (struct text){call->req->entity.base, call->req->entity.len};
    order.client_stream = call->body != NULL && call->body->stream;
    start(call, tape, flight, &order); /* the call may be gone */
    out_release(&merged);
    out_release(&asking);
}
