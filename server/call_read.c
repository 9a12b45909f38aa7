/* call_read.c - a request from its bytes to its cache key. */
#include "server/call_private.h"
#include "server/clients.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static void read_headers(struct call *call)
{
    const h2o_headers_t *headers = &call->req->headers;

    for (size_t i = 0; i < headers->size; i++) {
        const h2o_header_t *header = &headers->entries[i];
        request_read_header(&call->headers, (struct text){header->name->base, header->name->len},
                            (struct text){header->value.base, header->value.len});
    }
}

/* Headers that are inputs of the key beside the body. Borrows from the request's pool. */
static int make_steering(struct call *call)
{
    char text[REQUEST_STEER_MAX];
    size_t len;

    if (!call->route->ai_sdk && call->headers.upstream.len == 0)
        return 0;
    if (request_print_steering(&call->headers, text, &len) != 0)
        return -E2BIG;
    call->steering = (struct text){h2o_strdup(&call->req->pool, text, len).base, len};
    return 0;
}

static struct key_parts key_parts(const struct call *call)
{
    const struct wish *wish = &call->headers.wish;

    return (struct key_parts){
        .endpoint = call->route->endpoint,
        .salt = wish->salt,
        .salt_len = wish->salt_len,
        .extra = call->steering.bytes,
        .extra_len = call->steering.len,
    };
}

/* The digest of the request as it came; the API key stands in for its name. */
static void raw_digest(struct call *call, struct key *digest)
{
    struct key_parts parts = key_parts(call);

    parts.client = (const uint8_t *)call->headers.api_key.bytes;
    parts.client_len = call->headers.api_key.len;
    key_of_bytes(call->worker->cache_names, &parts, call->req->entity.base, call->req->entity.len,
                 digest);
}

/* --- the body --- */

/* application/json itself, with or without parameters; what says nothing is taken for it. */
static bool is_json(struct text type)
{
    static const char json[] = "application/json";

    if (type.len == 0)
        return true;
    if (type.len < sizeof json - 1 || strncasecmp(type.bytes, json, sizeof json - 1) != 0)
        return false;
    return type.len == sizeof json - 1 || strchr("; \t", type.bytes[sizeof json - 1]) != NULL;
}

static const char *keep_text(struct call *call, const char *text)
{
    return h2o_strdup(&call->req->pool, text, strlen(text)).base;
}

/* Which preset the body names, and the model that remains (preset.h). */
static enum problem choose_preset(struct call *call, const char **ret_detail)
{
    const struct config *config = call->worker->gateway->config;
    struct preset_choice choice;

    call->names.preset = NULL;
    if (call->route->ai_sdk)
        return PROBLEMS;
    preset_choose(config, &call->worker->doc, &choice);
    if (choice.detail[0] != '\0') {
        *ret_detail = keep_text(call, choice.detail);
        return PROBLEM_BAD_REQUEST;
    }
    if (choice.preset == NULL)
        return PROBLEMS;
    call->names.preset = choice.preset;
    call->body->model_len = strlen(choice.model);
    memcpy(call->body->model, choice.model, call->body->model_len + 1);
    return PROBLEMS;
}

/* The AI SDK protocol says the model and whether to stream in headers. */
static enum problem take_ai_headers(struct call *call, const char **ret_detail)
{
    const struct request_headers *headers = &call->headers;

    *ret_detail = "ai-language-model-id takes at most 256 bytes.";
    if (headers->ai_model.len > ROW_NAME_MAX)
        return PROBLEM_BAD_REQUEST;
    *ret_detail = NULL;
    if (headers->ai_model.len > 0)
        memcpy(call->body->model, headers->ai_model.bytes, headers->ai_model.len);
    call->body->model[headers->ai_model.len] = '\0';
    call->body->model_len = headers->ai_model.len;
    call->body->stream = headers->ai_streaming;
    call->body->fallback_count = 0; /* the body's options are the upstream's business */
    return PROBLEMS;
}

static enum problem read_json_body(struct call *call, const char **ret_detail)
{
    struct worker *worker = call->worker;
    char tags[ROW_TAGS_BYTES_MAX];
    enum problem problem;

    if (json_parse(&worker->doc, call->req->entity.base, call->req->entity.len, NULL) != 0)
        return PROBLEM_BAD_JSON;
    *ret_detail = "The request body has more than 256 members.";
    if (!request_is_modest(&worker->doc))
        return PROBLEM_BAD_REQUEST;
    if (request_read_body(&worker->doc, call->body, tags, ret_detail) != 0)
        return PROBLEM_BAD_REQUEST;
    /* OpenRouter's clients may say a list of models only. */
    if (call->route->dialect == DIALECT_OPENROUTER)
        request_lead_with_fallback(call->body);
    if (call->body->tags.len > 0)
        call->body->tags.bytes = h2o_strdup(&call->req->pool, tags, call->body->tags.len).base;
    problem =
        call->route->ai_sdk ? take_ai_headers(call, ret_detail) : choose_preset(call, ret_detail);
    if (problem != PROBLEMS)
        return problem;
    *ret_detail = "`model` must be a string of 1 to 256 bytes.";
    return call->body->model_len == 0 && call->route->kind == ROUTE_CACHEABLE ? PROBLEM_BAD_REQUEST
                                                                              : PROBLEMS;
}

/* Forms and the like are passed on; of them only the model matters to us. One that is not plain to
 * see is none. */
static enum problem read_other_body(struct call *call)
{
    struct text body = {call->req->entity.base, call->req->entity.len};
    struct text model;

    memset(call->body, 0, sizeof *call->body);
    if (call->route->ai_sdk)
        model = call->headers.ai_model;
    else if (request_find_form_model(call->headers.content_type, body, &model) != 0)
        model.len = 0;
    if (model.len > ROW_NAME_MAX)
        model.len = 0;
    if (model.len > 0)
        memcpy(call->body->model, model.bytes, model.len);
    call->body->model_len = model.len;
    return PROBLEMS;
}

static enum problem read_body(struct call *call, const char **ret_detail)
{
    bool forwarded = call->route->kind == ROUTE_FORWARDED;

    call->body = h2o_mem_alloc_pool(&call->req->pool, sizeof *call->body);
    call->json = !forwarded || (is_json(call->headers.content_type) && call->req->entity.len > 0 &&
                                call->req->entity.base[0] != '[');
    return call->json ? read_json_body(call, ret_detail) : read_other_body(call);
}

int call_parse_body(struct call *call)
{
    const char *detail = NULL;
    enum problem problem = read_body(call, &detail);

    if (problem == PROBLEMS)
        return 0;
    call_refuse_with(call, problem, detail);
    return -1;
}

bool call_recall_body(struct call *call)
{
    const char *detail;

    if (call->body == NULL && read_body(call, &detail) != PROBLEMS)
        call->body = NULL;
    return call->body != NULL;
}

/* --- names --- */

static int make_names(struct call *call)
{
    struct worker *worker = call->worker;
    struct text api_key = call->headers.api_key;
    struct memo_value *names = &call->names;
    struct key_parts parts = key_parts(call);
    uint8_t client[32], ledger_name[32];
    char preset[PRESET_KEY_PART_MAX];

    key_hasher_name(worker->ledger_names, "ledger id", api_key.bytes, api_key.len, ledger_name);
    identity_key_id(ledger_name, names->key_id);
    names->stream = call->body->stream;
    names->client = call->client;
    if (!call->caching)
        return 0;
    key_hasher_name(worker->cache_names, "cache key", api_key.bytes, api_key.len, client);
    key_hasher_name(worker->cache_names, "seal", api_key.bytes, api_key.len, names->seal.bytes);
    parts.client = client;
    parts.client_len = sizeof client;
    parts.stream = call->body->stream;
    parts.model = call->body->model;
    parts.model_len = call->body->model_len;
    if (names->preset != NULL) {
        parts.preset = preset;
        parts.preset_len = preset_key_part(names->preset, preset);
    }
    return key_of_request(worker->cache_names, &parts, &worker->doc, &names->key);
}

/* Without the body, and so without its preset, nobody can say no more than this. */
static bool may_be_cached(const struct call *call)
{
    const struct config *config = call->worker->gateway->config;
    enum wish_switch wish = call->headers.wish.cache;

    return call->route->kind == ROUTE_CACHEABLE && wish != WISH_OFF &&
           (wish == WISH_ON || config->cache.by_default || config->preset_count > 0);
}

/* Cache off, on, and for how long: openrouter-api.md section 1.6. */
static void decide_caching(struct call *call)
{
    const struct wish *wish = &call->headers.wish;
    const struct config *config = call->worker->gateway->config;
    const struct config_preset *preset = call->names.preset;

    call->ttl_s = wish->ttl_s != 0                             ? wish->ttl_s
                  : preset != NULL && preset->cache_ttl_s != 0 ? preset->cache_ttl_s
                                                               : config->cache.ttl_s;
    if (call->route->kind != ROUTE_CACHEABLE || wish->cache == WISH_OFF)
        call->caching = false;
    else if (call->client != NULL && (!call->client->cache || call->client->zdr))
        call->caching = false;
    else if (preset != NULL && preset->cache_enabled == 0)
        call->caching = false;
    else
        call->caching = wish->cache == WISH_ON || config->cache.by_default ||
                        (preset != NULL && preset->cache_enabled == 1);
}

/* --- checks --- */

static enum problem check(struct call *call, const char **ret_detail)
{
    const struct config *config = call->worker->gateway->config;

    if (call->headers.api_key.len == 0)
        return PROBLEM_NO_KEY;
    *ret_detail = "The API key is longer than 4096 bytes.";
    if (call->headers.api_key.len > REQUEST_KEY_MAX)
        return PROBLEM_BAD_REQUEST;
    *ret_detail = NULL;
    if (call->req->entity.len > config->limits.body_bytes)
        return PROBLEM_TOO_LARGE;
    *ret_detail = "ai-reporting-user takes at most 256 bytes.";
    if (call->headers.user.len > ROW_NAME_MAX)
        return PROBLEM_BAD_REQUEST;
    *ret_detail = "A request header is longer than this gateway accepts.";
    if (call->headers.too_long || make_steering(call) != 0)
        return PROBLEM_BAD_REQUEST;
    *ret_detail = "The ai-*-model-id headers name different models.";
    if (call->route->ai_sdk && call->headers.ai_models_differ)
        return PROBLEM_BAD_REQUEST;
    *ret_detail = NULL;
    return PROBLEMS;
}

static int check_tags(struct call *call)
{
    struct json_doc doc;
    char tags[ROW_TAGS_BYTES_MAX];
    size_t len;
    int result;

    if (call->headers.tags.len == 0)
        return 0;
    json_doc_init(&doc); /* the worker's still holds the body, which names the key */
    result = request_merge_tags(&doc, call->body->tags, call->headers.tags, tags, &len);
    json_doc_release(&doc);
    if (result == 0)
        return 0;
    call_refuse_with(call, PROBLEM_BAD_REQUEST,
                     "ai-reporting-tags takes at most 10 tags of 1 to 64 characters.");
    return -1;
}

/* A byte-identical repeat: everything but its facts is known. */
static bool remember(struct call *call, const struct key *digest)
{
    const struct memo_value *known = memo_get(call->worker->memo, digest);

    if (known == NULL)
        return false;
    call->names = *known;
    call->client = known->client;
    decide_caching(call);
    if (call->caching)
        return true;
    memset(&call->names, 0, sizeof call->names);
    return false;
}

/* --- clients --- */

/* Whose virtual key it is. With none configured every key is good, and the upstream's to judge. */
static bool identify(struct call *call)
{
    const struct clients *clients = call->worker->gateway->clients;

    if (!clients_required(clients))
        return true;
    if (call->client == NULL)
        call->client = clients_find(clients, call->headers.api_key);
    return call->client != NULL;
}

/* What the operator's own presets and routes add is the operator's choice. Only a POST has a model
 * run. */
static enum problem check_models(const struct call *call, const char **ret_detail)
{
    const struct request_body *body = call->body;
    bool allowed;

    if (call->client == NULL || !call->recorded)
        return PROBLEMS;
    allowed = clients_allow_model(call->client, (struct text){body->model, body->model_len});
    allowed = allowed && (!body->names_more || call->client->models.count == 0);
    for (unsigned i = 0; i < body->named_count; i++)
        allowed = allowed && clients_allow_model(call->client, text_of(body->fallback[i]));
    *ret_detail = "This key may not use that model.";
    return allowed ? PROBLEMS : PROBLEM_FORBIDDEN;
}

/* requests_per_minute: hits count, too. */
static int check_rate(struct call *call)
{
    int64_t wait_ms;

    if (call->client == NULL)
        return 0;
    wait_ms = clients_take(call->worker->gateway->clients, call->client, call->started_ms);
    if (wait_ms == 0)
        return 0;
    call_recall_body(call); /* for the row */
    call_refuse_rate(call, wait_ms);
    return -1;
}

int call_read(struct call *call)
{
    const char *detail = NULL;
    enum problem problem;
    struct key digest;
    bool memorable;

    assert(call->state == CALL_READ);
    read_headers(call);
    problem = check(call, &detail);
    if (problem != PROBLEMS) {
        call_refuse_with(call, problem, detail);
        return -1;
    }
    /* Tags of the header are checked together with the body's, so those requests are parsed. */
    memorable = may_be_cached(call) && call->headers.tags.len == 0;
    if (memorable) {
        raw_digest(call, &digest);
        if (remember(call, &digest))
            return check_rate(call);
    }
    if (!identify(call)) {
        call_refuse_with(call, PROBLEM_NO_KEY,
                         "This API key is not one of this gateway's clients'.");
        return -1;
    }
    if (call_parse_body(call) != 0 || check_tags(call) != 0)
        return -1;
    decide_caching(call);
    if (make_names(call) != 0) {
        call_refuse_with(call, PROBLEM_NO_MEMORY, NULL);
        return -1;
    }
    problem = check_models(call, &detail);
    if (problem != PROBLEMS) {
        call_refuse_recorded(call, problem, detail, NULL);
        return -1;
    }
    if (check_rate(call) != 0)
        return -1;
    if (memorable && call->caching)
        memo_put(call->worker->memo, &digest, &call->names);
    return 0;
}
