/* sim_chat.c - see sim_chat.h. */
#include "tests/sim/sim_chat.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { ECHO_BYTES = 60 };

static const char marker[] = "SIM:";

/* The parts of a body that decide the answer. */
struct body {
    bool valid; /* a JSON object */
    bool has_messages;
    h2o_iovec_t model, last_user;
    size_t text_bytes; /* of every message's text */
    bool stream;
};

static h2o_iovec_t message(h2o_mem_pool_t *pool, const char *text)
{
    return h2o_strdup(pool, text, SIZE_MAX);
}

static void refuse(struct sim_plan *plan, int status, const char *type, h2o_iovec_t why)
{
    plan->status = status;
    plan->error_type = type;
    plan->error_message = why;
}

/* A string's value; copied into the pool only where it was escaped. Empty for anything else. */
static h2o_iovec_t string_of(const struct json_doc *doc, uint32_t token, h2o_mem_pool_t *pool)
{
    h2o_iovec_t value = {0};
    const char *bytes;
    size_t span;
    char *scratch;

    if (token == JSON_NONE || doc->tokens[token].type != JSON_STRING)
        return value;
    span = doc->tokens[token].end - doc->tokens[token].start;
    scratch = doc->tokens[token].escaped ? h2o_mem_alloc_pool(pool, span) : NULL;
    if (json_string(doc, token, scratch, scratch != NULL ? span : 0, &bytes, &value.len) == 0)
        value.base = (char *)bytes;
    return value;
}

/* The text of a message's content: a string, or the first text part of an array. All of its text
 * counts as tokens. */
static h2o_iovec_t content_of(const struct json_doc *doc, uint32_t content, h2o_mem_pool_t *pool,
                              size_t *text_bytes)
{
    h2o_iovec_t first = {0};

    if (content == JSON_NONE || doc->tokens[content].type != JSON_ARRAY) {
        first = string_of(doc, content, pool);
        *text_bytes += first.len;
        return first;
    }
    for (uint32_t part = json_first(doc, content); part != JSON_NONE;
         part = json_next(doc, content, part)) {
        h2o_iovec_t text = string_of(doc, json_get(doc, part, "text"), pool);
        *text_bytes += text.len;
        if (first.base == NULL)
            first = text;
    }
    return first;
}

static struct body body_read(struct json_doc *doc, h2o_req_t *req)
{
    struct body body = {0};
    uint32_t messages, stream;

    if (json_parse(doc, req->entity.base, req->entity.len, NULL) < 0 ||
        doc->tokens[0].type != JSON_OBJECT)
        return body;
    body.valid = true;
    body.model = string_of(doc, json_get(doc, 0, "model"), &req->pool);
    stream = json_get(doc, 0, "stream");
    body.stream = stream != JSON_NONE && doc->tokens[stream].type == JSON_TRUE;
    messages = json_get(doc, 0, "messages");
    if (messages == JSON_NONE || doc->tokens[messages].type != JSON_ARRAY)
        return body;
    body.has_messages = true;
    for (uint32_t at = json_first(doc, messages); at != JSON_NONE;
         at = json_next(doc, messages, at)) {
        h2o_iovec_t text =
            content_of(doc, json_get(doc, at, "content"), &req->pool, &body.text_bytes);
        if (json_string_is(doc, json_get(doc, at, "role"), "user"))
            body.last_user = text;
    }
    return body;
}

/* Header, then script, then marker. False: what was found is no behaviour, and the plan says so. */
static bool choose_behaviour(struct sim_chat *chat, h2o_req_t *req, const struct body *body,
                             struct sim_plan *plan)
{
    size_t skip = sizeof(marker) - 1;
    char error[SIM_ERROR_SIZE];
    h2o_iovec_t json = {0};
    char *line;
    ssize_t at = h2o_find_header_by_str(&req->headers, H2O_STRLIT("x-sim"), -1);

    if (at >= 0) {
        json = req->headers.entries[at].value;
    } else if (sim_script_pop(chat->script, &line, &json.len)) {
        json = h2o_strdup(&req->pool, line, json.len);
        free(line);
    } else if (body->last_user.len > skip && memcmp(body->last_user.base, marker, skip) == 0) {
        json.base = body->last_user.base + skip;
        json.len = sim_behaviour_span(json.base, body->last_user.len - skip);
    } else {
        return true;
    }
    if (sim_behaviour_read(&chat->behaviour, &req->pool, json.base, json.len, &plan->behaviour,
                           error) == 0)
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

static void choose_text(h2o_req_t *req, const struct body *body, struct sim_plan *plan)
{
    const struct sim_behaviour *behaviour = &plan->behaviour;

    if (behaviour->raw.base != NULL)
        plan->text = behaviour->raw;
    else if (behaviour->text.base != NULL)
        plan->text = behaviour->text;
    else if (behaviour->size != SIM_UNSET)
        plan->text = filler(&req->pool, (size_t)behaviour->size);
    else if (behaviour->tool_name.base != NULL)
        plan->text = (h2o_iovec_t){0};
    else
        plan->text = h2o_concat(&req->pool, h2o_iovec_init(H2O_STRLIT("Echo: ")),
                                h2o_iovec_init(body->last_user.base, echo_len(body->last_user)));
}

static int64_t either(int64_t given, int64_t otherwise)
{
    return given != SIM_UNSET ? given : otherwise;
}

/* False: the counts contradict each other, and the plan says so. */
static bool count_tokens(h2o_req_t *req, const struct body *body, struct sim_plan *plan)
{
    const struct sim_behaviour *behaviour = &plan->behaviour;
    struct sim_tokens *tokens = &plan->tokens;
    size_t answer_bytes = plan->text.len + behaviour->tool_arguments.len;

    tokens->cached = either(behaviour->cached_tokens, 0);
    tokens->written = either(behaviour->cache_write_tokens, 0);
    tokens->reasoning = either(behaviour->reasoning_tokens, 0);
    tokens->prompt = either(behaviour->prompt_tokens, (int64_t)((body->text_bytes + 3) / 4) +
                                                          tokens->cached + tokens->written);
    tokens->completion =
        either(behaviour->completion_tokens, (int64_t)((answer_bytes + 3) / 4) + tokens->reasoning);
    if (tokens->cached + tokens->written <= tokens->prompt &&
        tokens->reasoning <= tokens->completion)
        return true;
    *tokens = (struct sim_tokens){0};
    refuse(plan, 400, "invalid_request_error",
           message(&req->pool, "sim: cached_tokens and cache_write_tokens are part of "
                               "prompt_tokens, reasoning_tokens of completion_tokens"));
    return false;
}

static void refuse_model(h2o_req_t *req, struct sim_plan *plan)
{
    refuse(plan, 404, "model_not_found",
           h2o_concat(&req->pool, h2o_iovec_init(H2O_STRLIT("Model '")), plan->model,
                      h2o_iovec_init(H2O_STRLIT("' not found"))));
}

/* What the vendor itself would refuse; the checks run in its order. */
static bool acceptable(struct sim_chat *chat, h2o_req_t *req, const struct body *body,
                       int64_t now_ms, struct sim_plan *plan)
{
    static const char chat_path[] = "/v1/chat/completions";

    if (!h2o_memis(req->path_normalized.base, req->path_normalized.len, H2O_STRLIT(chat_path)))
        refuse(plan, 404, "not_found", message(&req->pool, "Not found"));
    else if (!body->valid)
        refuse(plan, 400, "invalid_request_error",
               message(&req->pool, "The request body is not a JSON object"));
    else if (plan->model.base == NULL || !body->has_messages)
        refuse(plan, 400, "invalid_request_error",
               message(&req->pool, "Invalid input: model and messages are required"));
    else if (price_find(chat->prices, plan->model.base, plan->model.len, now_ms) == NULL)
        refuse_model(req, plan);
    else
        return true;
    return false;
}

static void plan_answer(struct sim_chat *chat, h2o_req_t *req, const struct body *body,
                        int64_t now_ms, struct sim_plan *plan)
{
    const struct sim_behaviour *behaviour = &plan->behaviour;
    int status = (int)either(behaviour->status, 200);

    if (behaviour->raw.base == NULL && status < 400 && !acceptable(chat, req, body, now_ms, plan))
        return;
    plan->status = status;
    if (status >= 400) {
        refuse(plan, status, type_of_status(status), message(&req->pool, "Simulated failure"));
        return;
    }
    choose_text(req, body, plan);
    if (!count_tokens(req, body, plan))
        return;
    if (!behaviour->no_finish)
        plan->finish_reason = behaviour->tool_name.base != NULL ? "tool_calls" : "stop";
    plan->costs = sim_cost_of(price_find(chat->prices, plan->model.base, plan->model.len, now_ms),
                              &plan->tokens, &behaviour->billing);
}

void sim_chat_plan(struct sim_chat *chat, h2o_req_t *req, bool has_key, int64_t now_ms,
                   struct sim_plan *ret_plan)
{
    struct body body = body_read(&chat->body, req);
    const char *slash;

    *ret_plan = (struct sim_plan){.behaviour = sim_behaviour_default(), .status = 200};
    ret_plan->model = body.model;
    ret_plan->provider = body.model;
    ret_plan->stream = body.stream;
    slash = body.model.base != NULL ? memchr(body.model.base, '/', body.model.len) : NULL;
    if (slash != NULL)
        ret_plan->provider.len = (size_t)(slash - body.model.base);
    if (!choose_behaviour(chat, req, &body, ret_plan))
        return;
    if (!has_key) {
        refuse(ret_plan, 401, "authentication_error",
               message(&req->pool, "Authentication failed: no API key was given"));
        return;
    }
    plan_answer(chat, req, &body, now_ms, ret_plan);
    assert(ret_plan->status < 400 || ret_plan->error_type != NULL);
}
