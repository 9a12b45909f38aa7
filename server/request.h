/* request.h - what a client sent, read into plain facts: headers, then the JSON body.
 *
 * Threads: pure functions over one request. Texts borrow from the request (headers) or live in the
 * struct (body facts).
 */
#ifndef SERVER_REQUEST_H
#define SERVER_REQUEST_H

#include "accounting/row.h"
#include "cache/json.h"
#include "server/wish.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    REQUEST_KEY_MAX = 4096,   /* bytes of an API key or OIDC token */
    REQUEST_FORWARD_MAX = 12, /* request headers passed upstream */
    REQUEST_VALUE_MAX = 2048, /* bytes of one of those */
    REQUEST_TAG_MAX = 64,     /* characters of one tag (vercel section 1) */
};

struct request_headers {
    struct text api_key;
    struct wish wish;
    struct text app, user, session, environment; /* attribution, from headers only */
    struct text tags;                            /* ai-reporting-tags: a comma list */
    struct {
        struct text name, value;
    } forward[REQUEST_FORWARD_MAX];
    unsigned forward_count;
    bool too_long; /* a listed header is over its maximum */
};

/* Reads one header; name in lower case. A listed value is made UTF-8 in place. */
void request_read_header(struct request_headers *headers, struct text name, struct text value);

/* Facts of a chat body. Texts are unescaped. */
struct request_body {
    bool stream;
    char model[ROW_NAME_MAX + 1], user[ROW_NAME_MAX + 1], session[ROW_NAME_MAX + 1];
    size_t model_len, user_len, session_len;
    struct text tags; /* JSON array; empty text when there are none */
};

/* Reads a parsed chat body. body->tags borrows from tags. On -EINVAL *ret_detail is a static text
 * for the 400. */
int request_read_body(const struct json_doc *doc, struct request_body *body,
                      char tags[ROW_TAGS_BYTES_MAX], const char **ret_detail);

/* Merges the body's tags (a JSON array or empty) and the header's comma list, without duplicates,
 * into a JSON array. -E2BIG: more than ROW_TAGS_MAX or one that is too long. *ret_len 0: no tags.
 * doc is scratch. */
int request_merge_tags(struct json_doc *doc, struct text body_tags, struct text header_tags,
                       char tags[ROW_TAGS_BYTES_MAX], size_t *ret_len);

#endif
