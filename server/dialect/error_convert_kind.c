#include "server/dialect/error_convert.h"

#include <assert.h>
#include <string.h>

static const struct error_words words[ERROR_KINDS] = {
    [ERROR_INVALID] = {400, "invalid_request", "invalid_request_error", "invalid_request_error",
                       "invalid_prompt"},
    [ERROR_PRECONDITION] = {412, "precondition_failed", "invalid_request_error",
                            "invalid_request_error", "invalid_prompt"},
    [ERROR_TOO_LARGE] = {413, "payload_too_large", "request_too_large", "invalid_request_error",
                         "invalid_prompt"},
    [ERROR_UNPROCESSABLE] = {422, "unprocessable", "invalid_request_error", "invalid_request_error",
                             "invalid_prompt"},
    [ERROR_AUTHENTICATION] = {401, "authentication", "authentication_error", "authentication_error",
                              "server_error"},
    [ERROR_PAYMENT] = {402, "payment_required", "insufficient_funds", "billing_error",
                       "server_error"},
    [ERROR_PERMISSION] = {403, "permission_denied", "forbidden", "permission_error",
                          "server_error"},
    [ERROR_NOT_FOUND] = {404, "not_found", "not_found", "not_found_error", "invalid_prompt"},
    [ERROR_MODEL_NOT_FOUND] = {404, "not_found", "model_not_found", "not_found_error",
                               "invalid_prompt"},
    [ERROR_TIMEOUT] = {504, "timeout", "timeout_error", "timeout_error", "server_error"},
    [ERROR_DEPENDENCY] = {424, "provider_unavailable", "failed_dependency", "api_error",
                          "server_error"},
    [ERROR_RATE] = {429, "rate_limit_exceeded", "rate_limit_exceeded", "rate_limit_error",
                    "rate_limit_exceeded"},
    [ERROR_SERVER] = {500, "server", "internal_server_error", "api_error", "server_error"},
    [ERROR_UNAVAILABLE] = {502, "provider_unavailable", "internal_server_error", "api_error",
                           "server_error"},
    [ERROR_OVERLOADED] = {503, "provider_overloaded", "internal_server_error", "overloaded_error",
                          "server_error"},
};

/* Words that stand in no column above: more of OpenRouter's and Vercel's, and what upstreams that
 * speak OpenAI's dialect say. */
static const struct {
    const char *word;
    enum error_kind kind;
} more_words[] = {
    {"context_length_exceeded", ERROR_INVALID},
    {"max_tokens_exceeded", ERROR_INVALID},
    {"token_limit_exceeded", ERROR_INVALID},
    {"string_too_long", ERROR_INVALID},
    {"content_policy_violation", ERROR_INVALID},
    {"refusal", ERROR_INVALID},
    {"invalid_image", ERROR_INVALID},
    {"image_too_large", ERROR_INVALID},
    {"image_too_small", ERROR_INVALID},
    {"unsupported_image_format", ERROR_INVALID},
    {"image_download_failed", ERROR_INVALID},
    {"image_not_found", ERROR_NOT_FOUND},
    {"ZodError", ERROR_INVALID},
    {"quota_for_entity_exceeded", ERROR_PAYMENT},
    {"insufficient_quota", ERROR_PAYMENT},
    {"customer_verification_required", ERROR_PERMISSION},
    {"free_tier_model_not_available", ERROR_PERMISSION},
    {"invalid_api_key", ERROR_AUTHENTICATION},
    {"request_too_large", ERROR_TOO_LARGE},
    {"no_endpoints", ERROR_NOT_FOUND},
    {"server_error", ERROR_SERVER},
    {"unmapped", ERROR_SERVER},
    {"upstream_error", ERROR_UNAVAILABLE},
};

const struct error_words *error_words(enum error_kind kind)
{
    assert(kind < ERROR_KINDS);
    return &words[kind];
}

enum error_kind error_kind_of_status(int status)
{
    for (unsigned kind = 0; kind < ERROR_KINDS; kind++)
        if (words[kind].status == status)
            return (enum error_kind)kind;
    switch (status) {
    case 408:
    case 524:
        return ERROR_TIMEOUT;
    case 529:
        return ERROR_OVERLOADED;
    default:
        return status >= 400 && status < 500 ? ERROR_INVALID : ERROR_SERVER;
    }
}

bool error_kind_of_word(const char *word, enum error_kind *ret_kind)
{
    for (unsigned kind = 0; kind < ERROR_KINDS; kind++) {
        const struct error_words *row = &words[kind];

        if (strcmp(word, row->openrouter) != 0 && strcmp(word, row->vercel) != 0 &&
            strcmp(word, row->anthropic) != 0)
            continue;
        *ret_kind = (enum error_kind)kind;
        return true;
    }
    for (size_t i = 0; i < sizeof(more_words) / sizeof(more_words[0]); i++) {
        if (strcmp(word, more_words[i].word) != 0)
            continue;
        *ret_kind = more_words[i].kind;
        return true;
    }
    return false;
}
