#include "server/dialect/problem.h"

#include "accounting/export_tags.h"
#include "server/dialect/error_convert.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* kind: what it is in OpenRouter's and Anthropic's tables; ERROR_KINDS: neither has a word for it.
 */
static const struct {
    int status;
    bool final;
    unsigned retry_after;
    enum error_kind kind;
    const char *type, *message;
} problems[PROBLEMS] = {
    [PROBLEM_BAD_JSON] = {400, false, 0, ERROR_INVALID, "invalid_request_error",
                          "The request body is not valid JSON."},
    [PROBLEM_BAD_REQUEST] = {400, false, 0, ERROR_INVALID, "invalid_request_error",
                             "The request is not valid."},
    [PROBLEM_MODEL] = {404, false, 0, ERROR_MODEL_NOT_FOUND, "model_not_found",
                       "No upstream has this model."},
    [PROBLEM_NO_KEY] = {401, false, 0, ERROR_AUTHENTICATION, "authentication_error",
                        "Missing API key: send it as Authorization: Bearer KEY."},
    [PROBLEM_PAYMENT] = {402, false, 0, ERROR_PAYMENT, "quota_for_entity_exceeded",
                         "This key's budget is spent; nothing was sent."},
    [PROBLEM_FORBIDDEN] = {403, false, 0, ERROR_PERMISSION, "forbidden",
                           "This key may not do that."},
    [PROBLEM_NOT_FOUND] = {404, false, 0, ERROR_NOT_FOUND, "not_found", "Not Found"},
    [PROBLEM_METHOD] = {405, false, 0, ERROR_INVALID, "method_not_allowed", "Method Not Allowed"},
    [PROBLEM_TOO_LARGE] = {413, false, 0, ERROR_TOO_LARGE, "request_too_large",
                           "The request body is larger than this gateway accepts (limits.body)."},
    [PROBLEM_RATE] = {429, false, 1, ERROR_RATE, "rate_limit_exceeded",
                      "Rate limit exceeded; nothing was sent."},
    [PROBLEM_NOT_CACHED] = {504, false, 0, ERROR_KINDS, "not_cached",
                            "Not in the cache, and the request asked for only-if-cached."},
    [PROBLEM_LEDGER_FULL] = {503, false, 1, ERROR_OVERLOADED, "service_unavailable",
                             "The ledger cannot record this request now; nothing was sent."},
    [PROBLEM_BUSY] = {503, false, 1, ERROR_OVERLOADED, "service_unavailable",
                      "Too much is in flight (limits.buffered); nothing was sent."},
    [PROBLEM_NO_MEMORY] = {503, false, 1, ERROR_OVERLOADED, "service_unavailable",
                           "Out of memory; nothing was sent."},
    [PROBLEM_DRAINING] = {503, false, 1, ERROR_OVERLOADED, "service_unavailable",
                          "The gateway is shutting down."},
    [PROBLEM_NOT_YET] = {503, false, 5, ERROR_OVERLOADED, "service_unavailable",
                         "Not known yet: ask again in a few seconds."},
    [PROBLEM_UNREACHABLE] = {502, false, 0, ERROR_UNAVAILABLE, "upstream_unreachable",
                             "The upstream could not be reached; nothing was sent."},
    [PROBLEM_UPSTREAM] = {502, true, 0, ERROR_UNAVAILABLE, "upstream_error",
                          "The upstream broke off its answer; the call may have been billed."},
    [PROBLEM_TIMEOUT] = {504, true, 0, ERROR_TIMEOUT, "timeout_error",
                         "The upstream did not answer in time; the call may have been billed."},
};

/* What one piece of a text may take in the output, so that all of them together fit. */
enum {
    MESSAGE_BYTES = 500,
    PARAM_BYTES = 360,
    EVENT_MESSAGE_BYTES = 260,
    ID_BYTES = 150,
    MODEL_BYTES = 200
};
_Static_assert(EVENT_MESSAGE_BYTES + ID_BYTES + MODEL_BYTES + 350 < PROBLEM_TEXT_MAX,
               "the widest event fits");
_Static_assert(MESSAGE_BYTES + PARAM_BYTES + PROBLEM_LIMITS_MAX + 270 < PROBLEM_TEXT_MAX,
               "the widest body fits");

int problem_status(enum problem problem, enum config_dialect dialect)
{
    assert(problem < PROBLEMS);
    if (problem == PROBLEM_MODEL && dialect == DIALECT_OPENROUTER)
        return 400;
    return problems[problem].status;
}

const char *problem_type(enum problem problem)
{
    assert(problem < PROBLEMS);
    return problems[problem].type;
}

bool problem_is_final(enum problem problem)
{
    assert(problem < PROBLEMS);
    return problems[problem].final;
}

unsigned problem_retry_after(enum problem problem)
{
    assert(problem < PROBLEMS);
    assert(problems[problem].retry_after <= 9);
    return problems[problem].retry_after;
}

/* OpenRouter calls an unknown model a bad request (section 4: 400, not 404). */
static enum error_kind kind_of(enum problem problem, enum config_dialect dialect)
{
    assert(problem < PROBLEMS);
    if (problem == PROBLEM_MODEL && dialect == DIALECT_OPENROUTER)
        return ERROR_INVALID;
    return problems[problem].kind;
}

/* The inside of a JSON string, cut so that it fits: details quote what a client sent. */
static void escape(const char *text, char *out, size_t size)
{
    size_t left = strlen(text), len = 0;

    while (left > 0 && len + 7 < size) {
        unsigned char byte = (unsigned char)*text;
        size_t count = export_utf8(text, left);

        if (count == 0) {
            out[len++] = '?';
            count = 1;
        } else if (byte == '"' || byte == '\\') {
            out[len++] = '\\';
            out[len++] = *text;
        } else if (byte < 0x20) {
            len += (size_t)snprintf(out + len, size - len, "\\u%04x", byte);
        } else {
            memcpy(out + len, text, count);
            len += count;
        }
        text += count;
        left -= count;
    }
    assert(len < size);
    out[len] = '\0';
}

/* Vercel says which model it was (section 8). message is escaped already and has the id between its
 * first and its last quote; NULL, or one that does not fit, is none. */
static void print_param(enum problem problem, const char *message, char param[PARAM_BYTES])
{
    const char *from = strchr(message, '\''), *to = strrchr(message, '\'');
    int len;

    memcpy(param, "null", sizeof "null");
    if (problem != PROBLEM_MODEL || from == NULL || to <= from + 1)
        return;
    len = snprintf(param, PARAM_BYTES, "{\"modelId\":\"%.*s\"}", (int)(to - from - 1), from + 1);
    if (len < 0 || len >= PARAM_BYTES)
        memcpy(param, "null", sizeof "null");
}

/* ,"metadata":{...}, or nothing. type: OpenRouter's word; NULL: there is none. */
static void print_metadata(const char *type, const char *limits, char *out, size_t size)
{
    int len;

    out[0] = '\0';
    if (type == NULL && limits == NULL)
        return;
    len = snprintf(out, size, ",\"metadata\":{%s%s%s%s%s}", type != NULL ? "\"error_type\":\"" : "",
                   type != NULL ? type : "", type != NULL ? "\"" : "",
                   type != NULL && limits != NULL ? "," : "", limits != NULL ? limits : "");
    assert(len > 0 && (size_t)len < size);
}

/* The value of `error`; message is escaped already, param is JSON. */
static void print_error(enum problem problem, enum config_dialect dialect, enum row_api api,
                        const char *message, const char *param, const char *limits, char *out,
                        size_t size)
{
    enum error_kind kind = kind_of(problem, dialect);
    const char *type = problems[problem].type;
    bool openrouter = dialect == DIALECT_OPENROUTER && api != API_MESSAGES;
    char metadata[PROBLEM_LIMITS_MAX + 100];
    int len;

    print_metadata(openrouter && kind != ERROR_KINDS ? error_words(kind)->openrouter : NULL, limits,
                   metadata, sizeof metadata);
    if (api == API_MESSAGES)
        len = snprintf(out, size, "{\"type\":\"%s\",\"message\":\"%s\"%s}",
                       kind == ERROR_KINDS ? "api_error" : error_words(kind)->anthropic, message,
                       metadata);
    else if (openrouter)
        len = snprintf(out, size, "{\"message\":\"%s\",\"code\":%d%s}", message,
                       problem_status(problem, dialect), metadata);
    else
        len = snprintf(out, size,
                       "{\"message\":\"%s\",\"type\":\"%s\",\"param\":%s,\"code\":\"%s\"%s}",
                       message, type, param, type, metadata);
    assert(len > 0 && (size_t)len < size);
}

size_t problem_print(enum problem problem, enum config_dialect dialect, enum row_api api,
                     const char *detail, char text[PROBLEM_TEXT_MAX])
{
    return problem_print_limits(problem, dialect, api, detail, NULL, text);
}

size_t problem_print_limits(enum problem problem, enum config_dialect dialect, enum row_api api,
                            const char *detail, const char *limits, char text[PROBLEM_TEXT_MAX])
{
    char message[MESSAGE_BYTES], param[PARAM_BYTES];
    char error[MESSAGE_BYTES + PARAM_BYTES + PROBLEM_LIMITS_MAX + 200];
    int len;

    assert(problem < PROBLEMS);
    assert(limits == NULL || strlen(limits) <= PROBLEM_LIMITS_MAX);
    escape(detail != NULL ? detail : problems[problem].message, message, sizeof message);
    print_param(problem, message, param);
    print_error(problem, dialect, api, message, param, limits, error, sizeof error);
    if (api == API_MESSAGES)
        len = snprintf(text, PROBLEM_TEXT_MAX, "{\"type\":\"error\",\"error\":%s%s}", error,
                       dialect == DIALECT_OPENROUTER ? ",\"request_id\":null" : "");
    else
        len = snprintf(text, PROBLEM_TEXT_MAX, "{\"error\":%s}", error);
    assert(len > 0 && len < PROBLEM_TEXT_MAX);
    return (size_t)len;
}

/* --- the end of a broken stream --- */

/* The part of a chunk behind its model. */
static int print_chunk_end(enum config_dialect dialect, enum row_api api, const char *error,
                           char *out, size_t size)
{
    if (dialect != DIALECT_OPENROUTER)
        return snprintf(out, size, "\"error\":%s}\n\n", error);
    return snprintf(
        out, size, "\"error\":%s,\"choices\":[{\"index\":0,%s,\"finish_reason\":\"error\"}]}\n\n",
        error, api == API_COMPLETIONS ? "\"text\":\"\"" : "\"delta\":{\"content\":\"\"}");
}

static size_t print_chunk(enum config_dialect dialect, enum row_api api, const char *error,
                          const char *id, const char *model, int64_t now_ms, char *text,
                          size_t *ret_id_at)
{
    static const char before_id[] = "data: {\"id\":\"";
    char safe_id[ID_BYTES], safe_model[MODEL_BYTES];
    size_t used;
    int len;

    escape(id, safe_id, sizeof safe_id);
    escape(model, safe_model, sizeof safe_model);
    len = snprintf(text, PROBLEM_TEXT_MAX,
                   "%s%s\",\"object\":\"%s\",\"created\":%lld,\"model\":\"%s\",", before_id,
                   safe_id, api == API_COMPLETIONS ? "text_completion" : "chat.completion.chunk",
                   (long long)(now_ms / 1000), safe_model);
    assert(len > 0 && len < PROBLEM_TEXT_MAX);
    used = (size_t)len;
    len = print_chunk_end(dialect, api, error, text + used, PROBLEM_TEXT_MAX - used);
    assert(len > 0 && (size_t)len < PROBLEM_TEXT_MAX - used);
    if (strcmp(safe_id, id) == 0)
        *ret_id_at = sizeof before_id - 1;
    return used + (size_t)len;
}

static int print_responses(enum problem problem, enum config_dialect dialect, const char *message,
                           char *text)
{
    enum error_kind kind = kind_of(problem, dialect);
    const char *code = problems[problem].type;

    if (dialect == DIALECT_OPENROUTER)
        code = kind == ERROR_KINDS ? "server_error" : error_words(kind)->responses;
    return snprintf(text, PROBLEM_TEXT_MAX,
                    "event: error\ndata: {\"type\":\"error\",\"code\":\"%s\",\"message\":\"%s\","
                    "\"param\":null,\"sequence_number\":0}\n\n",
                    code, message);
}

size_t problem_print_event(enum problem problem, enum config_dialect dialect, enum row_api api,
                           const char *id, const char *model, int64_t now_ms,
                           char text[PROBLEM_TEXT_MAX], size_t *ret_id_at)
{
    char message[EVENT_MESSAGE_BYTES], error[EVENT_MESSAGE_BYTES + 120];
    int len;

    assert(problem < PROBLEMS);
    *ret_id_at = 0;
    escape(problems[problem].message, message, sizeof message);
    print_error(problem, dialect, api, message, "null", NULL, error, sizeof error);
    if (api == API_RESPONSES)
        len = print_responses(problem, dialect, message, text);
    else if (api == API_MESSAGES)
        len = snprintf(text, PROBLEM_TEXT_MAX,
                       "event: error\ndata: {\"type\":\"error\",\"error\":%s}\n\n", error);
    else if (api == API_AI_LANGUAGE || api == API_AI_EMBEDDING || api == API_AI_OTHER)
        len = snprintf(text, PROBLEM_TEXT_MAX,
                       "data: {\"type\":\"error\",\"error\":{\"message\":\"%s\",\"type\":\"%s\"}}"
                       "\n\n",
                       message, problems[problem].type);
    else
        return print_chunk(dialect, api, error, id, model, now_ms, text, ret_id_at);
    assert(len > 0 && len < PROBLEM_TEXT_MAX);
    return (size_t)len;
}
