/* request_convert.h - a client's request in the words of an upstream of another dialect
 * (vercel-ai-gateway-api.md section 13; openrouter-api.md section 2).
 *
 * What has an equivalent is translated; what changes nothing for the answer's meaning and cannot be
 * said upstream is dropped with a warning; what would change its meaning is refused. Never
 * silently. Driven by tables: one row per member, one table per pair of dialects and api.
 * Everything that no row names is spliced byte for byte, in its order.
 *
 * Threads: pure functions.
 */
#ifndef SERVER_DIALECT_REQUEST_CONVERT_H
#define SERVER_DIALECT_REQUEST_CONVERT_H

#include "server/dialect/model_map.h"
#include "server/dialect/out.h"

enum { REQUEST_WARNING_MAX = 512, REQUEST_DETAIL_MAX = 256 };

struct request_conversion {
    /* in */
    enum row_api api; /* CHAT, RESPONSES, MESSAGES, EMBEDDINGS, COMPLETIONS; others: as they are */
    enum config_dialect from, to;
    const struct model_map *map;
    const struct json_doc *doc; /* the client's body, an object; borrow */
    struct text model;          /* the id to send, already in the words of `to`; replaces `model` */
    bool single_model;          /* other models are attempts of ours: `models` is not passed on */
    const char *sort;           /* from model_map_model(), else NULL */
    struct text user;           /* a header replaced the body's; empty: leave as it is */
    /* out */
    bool assemble; /* a plain answer was asked for, but this must be streamed upstream: the body
                    * says "stream":true and answer_convert assembles */
    char warning[REQUEST_WARNING_MAX]; /* comma list of members that were dropped, else empty */
    char detail[REQUEST_DETAIL_MAX];   /* for the 400 */
};

/* Writes the body to send to out. -EINVAL: refused, detail says why; -ENOMEM. Also for from == to
 * (only model, models, user and the rules of the upstream are applied: a request that Vercel
 * refuses for its size, Claude above 21,333 max tokens without stream, becomes `assemble`). */
int request_convert(struct request_conversion *conversion, struct out *out);

/* True when the body could go out as it came: nothing to change. */
bool request_needs_no_conversion(const struct request_conversion *conversion);

#endif
