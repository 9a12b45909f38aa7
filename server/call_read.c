/* call_read.c - a request from its bytes to its cache key. */
#include "server/call_private.h"

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

static struct key_parts key_parts(const struct call *call)
{
    const struct wish *wish = &call->headers.wish;

    return (struct key_parts){
        .endpoint = call->route->endpoint, .salt = wish->salt, .salt_len = wish->salt_len};
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

static enum problem read_body(struct call *call, const char **ret_detail)
{
    struct worker *worker = call->worker;
    char tags[ROW_TAGS_BYTES_MAX];

    if (json_parse(&worker->doc, call->req->entity.base, call->req->entity.len, NULL) != 0)
        return PROBLEM_BAD_JSON;
    call->body = h2o_mem_alloc_pool(&call->req->pool, sizeof *call->body);
    if (request_read_body(&worker->doc, call->body, tags, ret_detail) != 0)
        return PROBLEM_BAD_REQUEST;
    if (call->body->tags.len > 0)
        call->body->tags.bytes = h2o_strdup(&call->req->pool, tags, call->body->tags.len).base;
    return PROBLEMS;
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

static int make_names(struct call *call)
{
    struct worker *worker = call->worker;
    struct text api_key = call->headers.api_key;
    struct memo_value *names = &call->names;
    struct key_parts parts = key_parts(call);
    uint8_t client[32], ledger_name[32];

    key_hasher_name(worker->ledger_names, "ledger id", api_key.bytes, api_key.len, ledger_name);
    identity_key_id(ledger_name, names->key_id);
    names->stream = call->body->stream;
    if (!call->caching)
        return 0;
    key_hasher_name(worker->cache_names, "cache key", api_key.bytes, api_key.len, client);
    key_hasher_name(worker->cache_names, "seal", api_key.bytes, api_key.len, names->seal.bytes);
    parts.client = client;
    parts.client_len = sizeof client;
    parts.stream = call->body->stream;
    parts.model = call->body->model;
    parts.model_len = call->body->model_len;
    return key_of_request(worker->cache_names, &parts, &worker->doc, &names->key);
}

/* Cache off, on, and for how long: openrouter-api.md section 1.6, without presets. */
static void decide_caching(struct call *call)
{
    const struct wish *wish = &call->headers.wish;
    const struct config *config = call->worker->gateway->config;

    call->caching =
        wish->cache == WISH_ON || (wish->cache == WISH_UNSAID && config->cache.by_default);
    call->ttl_s = wish->ttl_s != 0 ? wish->ttl_s : config->cache.ttl_s;
}

static enum problem check(const struct call *call, const char **ret_detail)
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
    if (call->headers.too_long)
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

int call_read(struct call *call)
{
    const struct memo_value *known;
    const char *detail = NULL;
    enum problem problem;
    struct key digest;

    assert(call->state == CALL_READ);
    read_headers(call);
    problem = check(call, &detail);
    if (problem != PROBLEMS) {
        call_refuse_with(call, problem, detail);
        return -1;
    }
    decide_caching(call);
    /* Tags of the header are checked together with the body's, so those requests are parsed. */
    if (call->caching && call->headers.tags.len == 0) {
        raw_digest(call, &digest);
        known = memo_get(call->worker->memo, &digest);
        if (known != NULL) {
            call->names = *known;
            return 0;
        }
    }
    if (call_parse_body(call) != 0 || check_tags(call) != 0)
        return -1;
    if (make_names(call) != 0) {
        call_refuse_with(call, PROBLEM_NO_MEMORY, NULL);
        return -1;
    }
    json_doc_clear(&call->worker->doc); /* a hostile body's tokens are not kept */
    if (call->caching && call->headers.tags.len == 0)
        memo_put(call->worker->memo, &digest, &call->names);
    return 0;
}
