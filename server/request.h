/* request.h - what a client sent, read into plain facts: headers, then the JSON body.
 *
 * Threads: pure functions over one request. Texts borrow from the request (headers) or live in the
 * struct (body facts).
 */
#ifndef SERVER_REQUEST_H
#define SERVER_REQUEST_H

#include "accounting/estimate.h"
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
    struct text ai_model;  /* ai-*-model-id of the AI SDK protocol (vercel section 1) */
    bool ai_models_differ; /* two of those headers, two models */
    bool ai_streaming;     /* ai-language-model-streaming: true */
    bool metadata;         /* X-OpenRouter-Metadata: enabled */
    bool cross_origin;     /* a browser asks: there is an Origin */
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
    unsigned named_count; /* of fallback: also what only the upstream may use, behind those that we
                           * plan with; a client's permission and its budget look at all */
    bool names_more;      /* more than there is room for, or one whose name is too long */
    struct text tags;     /* JSON array; empty text when there are none */
    char service_tier[32];
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

/* What a request may use at most, for its client's budget (estimate_ceiling()). A token of the
 * prompt has at least a byte of the body; what the body only points at is taken for the most that
 * it may be. */
enum {
    REQUEST_PICTURE_TOKENS = 50000,  /* a picture in the body, or a part of a form */
    REQUEST_LINK_TOKENS = 100000,    /* a link, or a document, a film or sound in the body */
    REQUEST_STORED_TOKENS = 1000000, /* what the vendor keeps: a file, a conversation, a prompt */
    REQUEST_SEARCHED_TOKENS = REQUEST_STORED_TOKENS / 10, /* what searches bring in */
    REQUEST_SEARCHES = 10,          /* where it may search and does not say how often */
    REQUEST_PICTURES = 10,          /* made for one choice, where pictures are priced */
    REQUEST_THINKING_TOKENS = 1024, /* where it may think and does not say how much */
};
struct request_extent {
    enum row_api api;
    const struct json_doc *doc; /* the parsed body; NULL: it is no JSON */
    struct text body, content_type;
    struct text model;     /* some search by themselves */
    int64_t output_tokens; /* of a choice that does not say: limits.output_tokens */
};
/* All 0: files and batches, which cost nothing by themselves. INT64_MAX: more than can be
 * counted. Time is linear in the body. */
struct estimate_bounds request_bound(const struct request_extent *extent);

/* Reads a parsed body of any of the APIs. body->tags borrows from tags. On -EINVAL *ret_detail is a
 * static text for the 400. */
int request_read_body(const struct json_doc *doc, struct request_body *body,
                      char tags[ROW_TAGS_BYTES_MAX], const char **ret_detail);

/* request_form.c: the `model` of a multipart form (images/edits, audio/transcriptions): its part's
 * text, borrowed from body; empty when it has none. Whatever any reader of forms may take for a
 * part is one: -EINVAL where they may differ (two models; a boundary, a name or a value that is
 * written in a way that not all read alike). */
int request_find_form_model(struct text content_type, struct text body, struct text *ret_model);

/* How many parts it has at most, and the number in the part `n` (the most of several; 1: none).
 * Both 0 when it is no form. */
void request_measure_form(struct text content_type, struct text body, int64_t *ret_parts,
                          int64_t *ret_n);

/* Merges the body's tags (a JSON array or empty) and the header's comma list, without duplicates,
 * into a JSON array. -E2BIG: more than ROW_TAGS_MAX or one that is too long. *ret_len 0: no tags.
 * doc is scratch. */
int request_merge_tags(struct json_doc *doc, struct text body_tags, struct text header_tags,
                       char tags[ROW_TAGS_BYTES_MAX], size_t *ret_len);

#endif
