/* fetch_attempt.c - what goes to one upstream, and going on to the next.
 *
 * Another attempt is made before the first byte of an answer was shown, and only after something
 * that cannot have been billed: the request did not leave whole, or the upstream answered 408, 429
 * or 5xx. What broke off after it was sent is never repeated. Each attempt has a hold of its own;
 * the request has one row. Attempts whose request cannot be said in the words of their upstream are
 * passed over.
 */
#include "server/fetch_private.h"
#include "server/health.h"
#include "server/log.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

bool fetch_may_try_again(const struct fetch *fetch)
{
    return fetch->attempt_count > 1 || fetch->worker->gateway->config->limits.retry_ms > 0;
}

/* --- preparing --- */

static const struct config_upstream *upstream_of(const struct fetch *fetch, unsigned attempt)
{
    return &fetch->worker->gateway->config->upstream[fetch->attempt[attempt].upstream];
}

/* The tokens of the first attempt's body are the worker's already. */
static int parse_body(struct fetch *fetch, struct text body)
{
    struct json_doc *doc = &fetch->worker->doc;

    if (doc->count > 0 && doc->text == body.bytes && doc->len == body.len)
        return 0;
    return json_parse(doc, body.bytes, body.len, NULL);
}

static int copy_body(struct text body, struct out *out)
{
    out_bytes(out, body.bytes, body.len);
    out_char(out, '\n'); /* so that there is a block, also for an empty body; it is not sent */
    out->len--;
    return out->error;
}

/* The body in the words of the attempt's upstream. 0, or as request_convert(). */
static int write_body(struct fetch *fetch, struct request_conversion *conversion, struct text body,
                      struct out *out)
{
    if (!fetch->json || body.len == 0 || fetch->route->ai_sdk) /* it has no members of ours */
        return copy_body(body, out);
    if (parse_body(fetch, body) != 0)
        return -ENOMEM; /* it parsed when it came */
    if (request_needs_no_conversion(conversion))
        return copy_body(body, out);
    return request_convert(conversion, out);
}

/* The AI SDK protocol stands beside the base path, not below it. */
static void write_url(const struct fetch *fetch, const struct config_upstream *upstream,
                      struct out *url)
{
    size_t len = strlen(upstream->base_url);

    if (fetch->route->ai_sdk && len > 3 && strcmp(upstream->base_url + len - 3, "/v1") == 0)
        len -= 3;
    out_bytes(url, upstream->base_url, len);
    out_bytes(url, fetch->path.bytes, fetch->path.len);
    out_char(url, '\0');
}

static void add_header(struct upstream_request *request, struct text name, struct text value)
{
    assert(request->header_count < UPSTREAM_REQUEST_HEADERS_MAX);
    request->headers[request->header_count].name = name;
    request->headers[request->header_count++].value = value;
}

/* What the vendors call by different names (vercel section 1, openrouter section 6). */
static const struct {
    const char *openrouter, *vercel;
} header_names[] = {
    {"x-anthropic-beta", "anthropic-beta"},
    {"x-openrouter-title", "x-title"},
};

static bool is_named(struct text text, const char *name)
{
    return text.len == strlen(name) && memcmp(text.bytes, name, text.len) == 0;
}

static bool is_forwarded(const struct fetch *fetch, const char *name)
{
    for (unsigned i = 0; i < fetch->forward_count; i++)
        if (is_named(fetch->forward[i].name, name))
            return true;
    return false;
}

/* A header's name in the words of the upstream, unless the client said that one as well. */
static struct text name_for(const struct fetch *fetch, struct text name)
{
    bool to_openrouter = fetch->upstream->dialect == DIALECT_OPENROUTER;

    for (size_t i = 0; i < sizeof header_names / sizeof *header_names; i++) {
        const char *from = to_openrouter ? header_names[i].vercel : header_names[i].openrouter;
        const char *to = to_openrouter ? header_names[i].openrouter : header_names[i].vercel;
        /* OpenRouter reads x-title, too. */
        if (is_named(name, from) && !is_named(name, "x-title") && !is_forwarded(fetch, to))
            return text_of(to);
    }
    return name;
}

static void write_headers(const struct fetch *fetch, struct upstream_request *request)
{
    struct text type = fetch->content_type_sent;

    if (fetch->json || type.len == 0)
        type = TEXT("application/json");
    if (fetch->method == UPSTREAM_POST)
        add_header(request, TEXT("Content-Type"), type);
    for (unsigned i = 0; i < fetch->forward_count; i++)
        add_header(request, name_for(fetch, fetch->forward[i].name), fetch->forward[i].value);
}
_Static_assert(REQUEST_FORWARD_MAX + 1 <= UPSTREAM_REQUEST_HEADERS_MAX, "all headers fit");

/* Everything is at hand: this attempt it is. take: body's bytes. */
static void commit(struct fetch *fetch, unsigned index, const struct request_conversion *conversion,
                   struct out *body)
{
    const struct config_upstream *upstream = upstream_of(fetch, index);
    const char *own_key = upstream->api_key;

    fetch->current = index;
    fetch->upstream = upstream;
    fetch->assemble = conversion->assemble;
    memcpy(fetch->warning, conversion->warning, sizeof fetch->warning);
    fetch->key = own_key != NULL ? text_of(own_key) : fetch->client_key;
    fetch->row.upstream = text_of(upstream->name);
    out_clear(&fetch->url);
    write_url(fetch, upstream, &fetch->url);
    fetch->request = (struct upstream_request){
        .url = fetch->url.bytes,
        .bearer = fetch->key.bytes,
        .bearer_len = fetch->key.len,
        .method = fetch->method,
        .body = body->bytes,
        .body_len = body->len,
        .on_head = fetch_on_head,
        .on_bytes = fetch_on_bytes,
        .on_end = fetch_on_end,
        .on_sent = fetch->original == NULL ? fetch_uncharge_body : NULL,
        .arg = fetch,
    };
    write_headers(fetch, &fetch->request);
}

static struct request_conversion conversion_of(struct fetch *fetch, unsigned index)
{
    const struct fetch_attempt *attempt = &fetch->attempt[index];
    enum config_dialect to = upstream_of(fetch, index)->dialect;

    return (struct request_conversion){
        .api = fetch->route->api,
        .from = fetch->route->dialect,
        .to = to,
        .map = fetch->worker->gateway->models,
        .doc = &fetch->worker->doc,
        .model = attempt->model,
        .models = attempt->models,
        .model_count = attempt->model_count,
        .sort = attempt->sort,
        /* Vercel itself reads the header that named the user. */
        .user = to == DIALECT_VERCEL ? (struct text){NULL, 0} : fetch->user,
    };
}

enum problem fetch_prepare(struct fetch *fetch, unsigned from, struct text body,
                           char detail[REQUEST_DETAIL_MAX])
{
    for (unsigned i = from; i < fetch->attempt_count; i++) {
        struct request_conversion conversion = conversion_of(fetch, i);
        struct out out = OUT_INIT;
        int result = write_body(fetch, &conversion, body, &out);

        if (result == 0)
            result = out.error;
        if (result == 0) {
            commit(fetch, i, &conversion, &out);
            if (i > from && from == 0) { /* an earlier one cannot be asked for this */
                memcpy(fetch->why, "dialect", sizeof "dialect");
                fetch->row.route = text_of(fetch->why);
            }
            detail[0] = '\0';
            return fetch->url.error == 0 ? PROBLEMS : PROBLEM_NO_MEMORY;
        }
        out_release(&out);
        if (result == -ENOMEM)
            return PROBLEM_NO_MEMORY;
        if (detail[0] == '\0')
            memcpy(detail, conversion.detail, REQUEST_DETAIL_MAX);
    }
    return PROBLEM_BAD_REQUEST;
}

/* --- going on --- */

static bool is_worth_another(const struct fetch *fetch, enum upstream_end end)
{
    int status = fetch->upstream_status;

    if (status == 0)
        return end == UPSTREAM_UNSENT;
    return status == 408 || status == 429 || status >= 500;
}

static bool may_fall_back(const struct fetch *fetch, enum upstream_end end)
{
    if (fetch->original == NULL || fetch->cancelled || fetch->worker->stopped)
        return false;
    if (fetch->begun && !fetch->early)
        return false;
    /* Nobody is there any more, and nothing will be kept: no new call is paid for. */
    if (fetch->client_status == 499 && fetch->flight == NULL)
        return false;
    if (route_keeps_its_place(fetch->route)) /* only what was not sent can go elsewhere */
        return fetch->method == UPSTREAM_POST && end == UPSTREAM_UNSENT;
    return is_worth_another(fetch, end);
}

/* Seconds or an HTTP date (RFC 9110 section 10.2.3) from now on; -1: none. */
static int64_t retry_after_ms(const struct fetch *fetch)
{
    const char *text = fetch->retry_after;
    int64_t seconds = 0;
    struct tm when = {0};

    if (text[0] == '\0')
        return -1;
    if (text[0] < '0' || text[0] > '9') {
        const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &when);
        int64_t at_ms = end != NULL && *end == '\0' ? (int64_t)timegm(&when) * 1000 : -1;
        int64_t now_ms = worker_now_ms(fetch->worker);
        return at_ms < 0 ? -1 : at_ms > now_ms ? at_ms - now_ms : 0;
    }
    for (; *text >= '0' && *text <= '9' && seconds < 1000000; text++)
        seconds = seconds * 10 + (*text - '0');
    return seconds * 1000;
}

void fetch_note_health(struct fetch *fetch, enum upstream_end end)
{
    struct health *health = fetch->worker->gateway->health;
    unsigned upstream = fetch->attempt[fetch->current].upstream;
    int64_t now_ms = worker_now_ms(fetch->worker), rest_ms = retry_after_ms(fetch);
    int status = fetch->upstream_status;
    bool failed = end != UPSTREAM_COMPLETE || status == 408 || status >= 500;

    if (fetch->cancelled)
        return;
    if (status != 429) /* neither good nor bad */
        health_note(health, upstream, failed, now_ms);
    /* A client's own key has limits of its own: they are nobody else's business. */
    if (rest_ms > 0 && fetch->upstream->api_key != NULL && (status == 429 || status == 503))
        health_rest(health, upstream, fetch->row.model_requested, rest_ms, now_ms);
}

/* One more element of the row's list of earlier attempts. */
static void note_attempt(struct fetch *fetch)
{
    struct out *out = &fetch->attempts;

    if (out->len > FETCH_ATTEMPTS_BYTES_MAX - 2 * (ROW_NAME_MAX + 64))
        return;
    if (out->len > 0)
        out->len--; /* its bracket */
    else
        out_char(out, '[');
    out_next(out);
    out_char(out, '{');
    out_name(out, "upstream");
    out_string(out, text_of(fetch->upstream->name));
    out_name(out, "model");
    out_string(out, fetch->attempt[fetch->current].model);
    out_name(out, "status");
    if (fetch->upstream_status != 0)
        out_number(out, fetch->upstream_status);
    else
        out_text(out, "null");
    out_name(out, "ms");
    out_number(out, worker_monotonic_ms() - fetch->sent_ms);
    out_text(out, "}]");
    fetch->row.attempts =
        out->error == 0 ? (struct text){out->bytes, out->len} : (struct text){NULL, 0};
}

/* Sends what fetch_prepare() made, under a hold of its own. */
static void send_again(struct fetch *fetch, const char *why)
{
    struct worker *worker = fetch->worker;

    snprintf(fetch->why, sizeof fetch->why, "%s", why);
    json_doc_clear(&worker->doc);
    fetch->row.route = text_of(fetch->why);
    fetch_reset_answer(fetch);
    if (fetch->state != FETCH_HELD)
        fetch_enter(fetch, FETCH_HELD);
    if (fetch->recorded &&
        ledger_rehold(worker->lane, &fetch->hold, &fetch->row, worker_ledger_ms(worker)) != 0) {
        fetch_write_problem(fetch, PROBLEM_LEDGER_FULL, NULL);
        fetch_finish(fetch, UPSTREAM_UNSENT, false);
        return;
    }
    fetch_send_when_durable(fetch);
}

/* The last upstream said when to come again, and that is soon enough. */
static bool wait_to_retry(struct fetch *fetch)
{
    int64_t now = worker_monotonic_ms(), after = retry_after_ms(fetch);
    int64_t deadline = fetch->started_ms + fetch->worker->gateway->config->limits.retry_ms;

    if (after < 0 || fetch->upstream_status == 0 || now + after > deadline || now >= deadline)
        return false;
    note_attempt(fetch);
    fetch_reset_answer(fetch);
    fetch_enter(fetch, FETCH_HELD);
    fetch->retry_at_ms = now + (after > 0 ? after : 1);
    return true;
}

bool fetch_fall_back(struct fetch *fetch, enum upstream_end end)
{
    char detail[REQUEST_DETAIL_MAX] = "";
    struct text body = {fetch->original, fetch->original_len};
    const struct config_upstream *failed = fetch->upstream;

    if (!may_fall_back(fetch, end))
        return false;
    if (fetch->current + 1 < fetch->attempt_count) {
        unsigned current = fetch->current;
        if (fetch_prepare(fetch, current + 1, body, detail) == PROBLEMS) {
            unsigned next = fetch->current;
            fetch->current = current; /* the one that is noted */
            fetch->upstream = failed;
            note_attempt(fetch);
            fetch->current = next;
            fetch->upstream = upstream_of(fetch, next);
            log_line(LOG_WARNING, "fell_back", LOG_TEXT("from", failed->name),
                     LOG_TEXT("to", fetch->upstream->name),
                     LOG_NUMBER("status", fetch->upstream_status));
            send_again(fetch, "fallback");
            return true;
        }
    }
    return wait_to_retry(fetch);
}

void fetch_retry(struct fetch *fetch)
{
    char detail[REQUEST_DETAIL_MAX] = "";
    struct text body = {fetch->original, fetch->original_len};

    assert(fetch->state == FETCH_HELD && fetch->retry_at_ms != 0);
    fetch->retry_at_ms = 0;
    if (fetch->worker->stopped || (fetch->client_status == 499 && fetch->flight == NULL)) {
        fetch_write_problem(fetch, PROBLEM_DRAINING, NULL); /* nobody is there to pay for */
        fetch_finish(fetch, UPSTREAM_UNSENT, false);
        return;
    }
    if (fetch_prepare(fetch, fetch->current, body, detail) != PROBLEMS) {
        fetch_write_problem(fetch, PROBLEM_NO_MEMORY, NULL);
        fetch_finish(fetch, UPSTREAM_UNSENT, false);
        return;
    }
    send_again(fetch, "retry");
}
