/* request.h - what a client sent, read into plain facts: headers, then the JSON body.
 *
 * Threads: pure functions over one request. Texts borrow from the request (headers) or live in the
 * struct (body facts).
 */
#ifndef SERVER_REQUEST_H
#define SERVER_REQUEST_H

#include "accounting/row.h"
#include "cache/json.h"
#include "server/config.h"
#include "server/dialect/out.h"
#include "server/wish.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    REQUEST_KEY_MAX = 4096,    /* bytes of an API key or OIDC token */
    REQUEST_FORWARD_MAX = 20,  /* request headers passed upstream */
    REQUEST_VALUE_MAX = 2048,  /* bytes of one of those */
    REQUEST_TAG_MAX = 64,      /* characters of one tag (vercel section 1) */
    REQUEST_FALLBACKS_MAX = 8, /* models after the first */
    REQUEST_STEER_MAX = 2048,  /* bytes of all headers that steer the call, as one text */
};

struct request_headers {
    struct text api_key;
    struct wish wish;
    struct text app, user, session, environment; /* attribution, from headers only */
    struct text tags;                            /* ai-reporting-tags: a comma list */
    struct text referer;                         /* HTTP-Referer, whatever `app` is */
    struct text upstream;                        /* X-Tollgate-Upstream: the only one to use */
    struct text content_type;
    struct text ai_model; /* ai-*-model-id of the AI SDK protocol (vercel section 1) */
    bool ai_streaming;    /* ai-language-model-streaming: true */
    bool metadata;        /* X-OpenRouter-Metadata: enabled */
    bool cross_origin;    /* a browser asks: there is an Origin */
    struct {
        struct text name, value;
    } forward[REQUEST_FORWARD_MAX];
    unsigned forward_count;
    bool too_long; /* a listed header is over its maximum */
};

/* Reads one header; name in lower case. A listed value is made UTF-8 in place. */
void request_read_header(struct request_headers *headers, struct text name, struct text value);

/* The AI SDK protocol's headers that steer the call and so belong to the key (design 2.3), and the
 * upstream that was asked for: names and values in the order they came, each ended by a NUL.
 * -E2BIG: more than REQUEST_STEER_MAX bytes. */
int request_print_steering(const struct request_headers *headers, char text[REQUEST_STEER_MAX],
                           size_t *ret_len);

/* Facts of a JSON body. Texts are unescaped. */
struct request_body {
    bool stream;
    bool reasoning_off; /* reasoning is disabled by the request: some models have another name then
                         */
    char model[ROW_NAME_MAX + 1], user[ROW_NAME_MAX + 1], session[ROW_NAME_MAX + 1];
    size_t model_len, user_len, session_len;                /* model_len 0: not said */
    char fallback[REQUEST_FALLBACKS_MAX][ROW_NAME_MAX + 1]; /* models to try after the first */
    unsigned fallback_count;
    struct text tags; /* JSON array; empty text when there are none */
    char service_tier[32];
    int64_t output_max; /* tokens of all choices that it allows itself; -1: it does not say */
    bool searches;      /* it may search the web */
};

/* No more members at the top than REQUEST_MEMBERS_MAX (request_convert.h): what is read of a body
 * is read member by member, a few dozen times. */
bool request_is_modest(const struct json_doc *doc);

/* Where no model was said, the first of the list is it. */
void request_lead_with_fallback(struct request_body *body);

/* The body with zero data retention asked for, in the words of a dialect (openrouter-api.md section
 * 2: provider.zdr; vercel section 7: providerOptions.gateway.zeroDataRetention): what it says of
 * that itself is replaced, all else is spliced. -EINVAL: that member is no object; -ENOMEM. */
int request_ask_zdr(const struct json_doc *doc, enum config_dialect dialect, struct out *out);

/* The most prompt tokens that a body can hold: a token has at least a byte, and what it links to
 * may be pictures or files of REQUEST_LINK_TOKENS each. */
enum { REQUEST_LINK_TOKENS = 100000 };
int64_t request_prompt_bound(struct text body);

/* Reads a parsed body of any of the APIs. body->tags borrows from tags. On -EINVAL *ret_detail is a
 * static text for the 400. */
int request_read_body(const struct json_doc *doc, struct request_body *body,
                      char tags[ROW_TAGS_BYTES_MAX], const char **ret_detail);

/* The `model` of a multipart form (images/edits, audio/transcriptions): its part's text, borrowed
 * from body; empty when there is none in the first 64 KiB. boundary: from the content type. */
struct text request_find_form_model(struct text content_type, struct text body);

/* Merges the body's tags (a JSON array or empty) and the header's comma list, without duplicates,
 * into a JSON array. -E2BIG: more than ROW_TAGS_MAX or one that is too long. *ret_len 0: no tags.
 * doc is scratch. */
int request_merge_tags(struct json_doc *doc, struct text body_tags, struct text header_tags,
                       char tags[ROW_TAGS_BYTES_MAX], size_t *ret_len);

#endif
