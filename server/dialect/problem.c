#include "server/dialect/problem.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const struct {
    int status;
    bool final;
    unsigned retry_after;
    const char *type, *message;
} problems[PROBLEMS] = {
    [PROBLEM_BAD_JSON] = {400, false, 0, "invalid_request_error",
                          "The request body is not valid JSON."},
    [PROBLEM_BAD_REQUEST] = {400, false, 0, "invalid_request_error", "The request is not valid."},
    [PROBLEM_MODEL] = {404, false, 0, "model_not_found", "No upstream has this model."},
    [PROBLEM_NO_KEY] = {401, false, 0, "authentication_error",
                        "Missing API key: send it as Authorization: Bearer KEY."},
    [PROBLEM_NOT_FOUND] = {404, false, 0, "not_found", "Not Found"},
    [PROBLEM_METHOD] = {405, false, 0, "method_not_allowed", "Method Not Allowed"},
    [PROBLEM_TOO_LARGE] = {413, false, 0, "request_too_large",
                           "The request body is larger than this gateway accepts (limits.body)."},
    [PROBLEM_NOT_CACHED] = {504, false, 0, "not_cached",
                            "Not in the cache, and the request asked for only-if-cached."},
    [PROBLEM_LEDGER_FULL] = {503, false, 1, "service_unavailable",
                             "The ledger cannot record this request now; nothing was sent."},
    [PROBLEM_BUSY] = {503, false, 1, "service_unavailable",
                      "Too much is in flight (limits.buffered); nothing was sent."},
    [PROBLEM_NO_MEMORY] = {503, false, 1, "service_unavailable",
                           "Out of memory; nothing was sent."},
    [PROBLEM_DRAINING] = {503, false, 1, "service_unavailable", "The gateway is shutting down."},
    [PROBLEM_UNREACHABLE] = {502, false, 0, "upstream_unreachable",
                             "The upstream could not be reached; nothing was sent."},
    [PROBLEM_UPSTREAM] = {502, true, 0, "upstream_error",
                          "The upstream broke off its answer; the call may have been billed."},
    [PROBLEM_TIMEOUT] = {504, true, 0, "timeout_error",
                         "The upstream did not answer in time; the call may have been billed."},
};

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
    return problems[problem].retry_after;
}

/* Our own messages and upstream ids only: quotes and controls cannot be allowed to break out. */
static void escape(const char *text, char *out, size_t size)
{
    size_t len = 0;

    for (; *text != '\0' && len + 7 < size; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte == '"' || byte == '\\') {
            out[len++] = '\\';
            out[len++] = *text;
        } else if (byte < 0x20) {
            len += (size_t)snprintf(out + len, size - len, "\\u%04x", byte);
        } else {
            out[len++] = *text;
        }
    }
    out[len] = '\0';
}

static int print_error(enum problem problem, enum config_dialect dialect, const char *detail,
                       char *out, size_t size)
{
    char message[600];

    escape(detail != NULL ? detail : problems[problem].message, message, sizeof message);
    if (dialect == DIALECT_OPENROUTER)
        return snprintf(out, size, "{\"message\":\"%s\",\"code\":%d}", message,
                        problem_status(problem, dialect));
    return snprintf(out, size,
                    "{\"message\":\"%s\",\"type\":\"%s\",\"param\":null,\"code\":\"%s\"}", message,
                    problems[problem].type, problems[problem].type);
}

size_t problem_print(enum problem problem, enum config_dialect dialect, enum row_api api,
                     const char *detail, char text[PROBLEM_TEXT_MAX])
{
    char error[800];
    int len;

    (void)api;
    assert(problem < PROBLEMS);
    print_error(problem, dialect, detail, error, sizeof error);
    len = snprintf(text, PROBLEM_TEXT_MAX, "{\"error\":%s}", error);
    assert(len > 0 && len < PROBLEM_TEXT_MAX);
    return (size_t)len;
}

size_t problem_print_event(enum problem problem, enum config_dialect dialect, enum row_api api,
                           const char *id, const char *model, int64_t now_ms,
                           char text[PROBLEM_TEXT_MAX])
{
    char error[500], safe_id[150], safe_model[200];
    int len;

    (void)api;
    assert(problem < PROBLEMS);
    print_error(problem, dialect, NULL, error, sizeof error);
    escape(id, safe_id, sizeof safe_id);
    escape(model, safe_model, sizeof safe_model);
    len = snprintf(text, PROBLEM_TEXT_MAX,
                   "data: {\"id\":\"%s\",\"object\":\"chat.completion.chunk\",\"created\":%lld,"
                   "\"model\":\"%s\",\"error\":%s}\n\n",
                   safe_id, (long long)(now_ms / 1000), safe_model, error);
    assert(len > 0 && len < PROBLEM_TEXT_MAX);
    return (size_t)len;
}
