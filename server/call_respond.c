/* call_respond.c - the head of an answer: status and headers, built without printf. */
#include "server/call_private.h"
#include "server/cors.h"

#include <assert.h>
#include <string.h>

static void add(struct call *call, const char *name, size_t name_len, const char *value, size_t len)
{
    h2o_add_header_by_str(&call->req->pool, &call->req->res.headers, name, name_len, 0, NULL, value,
                          len);
}
#define ADD(call, name, value, len) add((call), (name), sizeof(name) - 1, (value), (len))
#define ADD_TEXT(call, name, value) ADD(call, name, value, sizeof(value) - 1)

/* Decimal digits of value at to; returns how many. */
static size_t print_number(uint64_t value, char *to)
{
    char digits[20];
    size_t count = 0;

    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    for (size_t i = 0; i < count; i++)
        to[i] = digits[count - 1 - i];
    return count;
}

static void add_number(struct call *call, const char *name, size_t name_len, uint64_t value)
{
    char *text = h2o_mem_alloc_pool(&call->req->pool, 20);

    add(call, name, name_len, text, print_number(value, text));
}

/* Times of an entry as a client sees them: age + ttl is the TTL it was stored with, and what is
 * served has at least a second left (openrouter-api.md section 9, 9). */
static void entry_times(const struct call *call, uint64_t *ret_age, uint64_t *ret_ttl)
{
    int64_t now = worker_now_ms(call->worker);
    int64_t stored_s = (call->entry.expires_at_ms - call->entry.stored_at_ms) / 1000;
    int64_t age = (now - call->entry.stored_at_ms) / 1000;

    if (age < 0)
        age = 0;
    *ret_age = (uint64_t)age;
    *ret_ttl = stored_s > age ? (uint64_t)(stored_s - age) : 1;
}

static void add_hit(struct call *call)
{
    static const char status[] = "tollgate; hit; ttl=";
    const struct ledger_row *source = &call->worker->source; /* call_record() just read it */
    uint64_t age, ttl;
    char *text;

    entry_times(call, &age, &ttl);
    ADD_TEXT(call, "x-openrouter-cache-status", "HIT");
    add_number(call, "x-openrouter-cache-age", 22, age);
    add_number(call, "x-openrouter-cache-ttl", 22, ttl);
    add_number(call, "age", 3, age);
    text = h2o_mem_alloc_pool(&call->req->pool, sizeof status + 20);
    memcpy(text, status, sizeof status - 1);
    ADD(call, "cache-status", text,
        sizeof status - 1 + print_number(ttl, text + sizeof status - 1));
    if (!call->sourced)
        return;
    /* The source lives in the tape, which the reader holds until the request is gone. */
    ADD(call, "x-openrouter-cache-source-id", source->id.bytes, source->id.len);
    if (source->saved.known) {
        text = h2o_mem_alloc_pool(&call->req->pool, MONEY_TEXT_MAX);
        ADD(call, "x-tollgate-saved-cost", text, money_print(source->saved.money, text));
    }
}

static void add_follower(struct call *call, const struct tape_head *head)
{
    ADD_TEXT(call, "x-openrouter-cache-status", "HIT");
    ADD_TEXT(call, "x-openrouter-cache-age", "0");
    add_number(call, "x-openrouter-cache-ttl", 22, call->ttl_s);
    ADD_TEXT(call, "age", "0");
    ADD_TEXT(call, "cache-status", "tollgate; fwd=miss; collapsed");
    if (head->id_len > 0)
        ADD(call, "x-openrouter-cache-source-id", head->texts, head->id_len);
}

/* Where it went, and why there (plan.h). */
static void add_route(struct call *call)
{
    const struct fetch *fetch = call->fetch;
    h2o_mem_pool_t *pool = &call->req->pool;
    size_t len = strlen(fetch->why);

    if (fetch->upstream == NULL)
        return;
    ADD(call, "x-tollgate-upstream", fetch->upstream->name, strlen(fetch->upstream->name));
    ADD(call, "x-tollgate-route", h2o_strdup(pool, fetch->why, len).base, len);
}

static void add_leader(struct call *call, const struct tape_head *head)
{
    const struct fetch *fetch = call->fetch;

    add_route(call);
    for (size_t at = 0; at < fetch->passed_len && !head->own;) {
        const char *name = fetch->passed + at, *value = name + strlen(name) + 1;
        at += strlen(name) + strlen(value) + 2;
        add(call, name, strlen(name), value, strlen(value));
    }
    if (call->route->kind == ROUTE_FORWARDED)
        return;
    if (!call->caching) {
        ADD_TEXT(call, "cache-status", "tollgate; fwd=bypass");
        return;
    }
    if (head->status == 200) {
        ADD_TEXT(call, "x-openrouter-cache-status", "MISS");
        add_number(call, "x-openrouter-cache-ttl", 22, call->ttl_s);
    }
    if (fetch->stored)
        ADD_TEXT(call, "cache-status", "tollgate; fwd=miss; stored");
    else
        ADD_TEXT(call, "cache-status", "tollgate; fwd=miss");
}

const char *call_reason(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 402:
        return "Payment Required";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 413:
        return "Content Too Large";
    case 429:
        return "Too Many Requests";
    case 500:
        return "Internal Server Error";
    case 502:
        return "Bad Gateway";
    case 503:
        return "Service Unavailable";
    case 504:
        return "Gateway Timeout";
    default:
        return "Answer";
    }
}

static void add_common(struct call *call, const struct tape_head *head)
{
    const char *type = head->texts + head->id_len, *retry = type + head->type_len;
    const char *warning = retry + head->retry_after_len;
    bool own_id = call->role != CALL_LEADER;

    call->req->res.status = head->status;
    call->req->res.reason = call_reason(head->status);
    if (own_id)
        ADD(call, "x-generation-id", call->id, strlen(call->id));
    else
        ADD(call, "x-generation-id", head->texts, head->id_len);
    if (head->type_len > 0)
        h2o_add_header(&call->req->pool, &call->req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL,
                       type, head->type_len);
    if (head->stream)
        h2o_add_header(&call->req->pool, &call->req->res.headers, H2O_TOKEN_CACHE_CONTROL, NULL,
                       H2O_STRLIT("no-cache"));
    if (head->retry_after_len > 0)
        ADD(call, "retry-after", retry, head->retry_after_len);
    if (head->warning_len > 0)
        ADD(call, "x-tollgate-warning", warning, head->warning_len);
    if (head->final)
        ADD_TEXT(call, "x-should-retry", "false");
    if (call->headers.cross_origin)
        cors_add(call->req);
}

/* RFC 9110 section 8.6: no length is better than a wrong one. */
static bool has_body(const struct call *call, int status)
{
    return status != 204 && status != 304 &&
           !h2o_memis(call->req->method.base, call->req->method.len, H2O_STRLIT("HEAD"));
}

void call_respond(struct call *call, const struct tape_head *head)
{
    assert(!call->responded);
    call->responded = true;
    add_common(call, head);
    if (call->role == CALL_HIT)
        add_hit(call);
    else if (call->role == CALL_LEADER)
        add_leader(call, head);
    else if (head->status == 200)
        add_follower(call, head);
    if (!head->stream && has_body(call, head->status) &&
        tape_state(call->reader.tape) == TAPE_WHOLE)
        call->req->res.content_length = (size_t)tape_remaining(&call->reader);
    /* HTTP/1.0 has no chunks: without a length only the end of the connection ends the body. */
    if (call->req->res.content_length == SIZE_MAX && call->req->version < 0x101)
        call->req->http1_is_persistent = 0;
    h2o_start_response(call->req, &call->generator);
}
