/* request_convert.h - a client's request in the words of an upstream of another dialect
 * (vercel-ai-gateway-api.md section 13; openrouter-api.md section 2).
 *
 * What has an equivalent is translated; what changes nothing for the answer's meaning and cannot be
 * said upstream is dropped with a warning; what would change its meaning is refused. Never
 * silently: only what the vendors document as having no effect, and what our own ledger keeps
 * (session, tags), goes without a word. Driven by tables: one row per member, one table per pair of
 * dialects. Everything that no row names is spliced byte for byte, in its order.
 *
 * A client of dialect OPENAI is read as one of OpenRouter's, whose words include OpenAI's. A member
 * that is said twice is sent once: in the first one's place, with the last one's value. Null,
 * false, "", [] and {} say nothing: such a member is neither warned of nor refused.
 *
 * Threads: pure functions.
 */
#ifndef SERVER_DIALECT_REQUEST_CONVERT_H
#define SERVER_DIALECT_REQUEST_CONVERT_H

#include "server/dialect/model_map.h"
#include "server/dialect/out.h"

enum {
    REQUEST_WARNING_MAX = 512,
    REQUEST_DETAIL_MAX = 256,
    REQUEST_MEMBERS_MAX = 256,         /* of each object that is taken apart; more is refused */
    REQUEST_NAME_MAX = 256,            /* bytes of the name of such a member; more is refused */
    REQUEST_SLUGS_MAX = 32,            /* providers in one list; more is refused */
    REQUEST_DEFAULT_MAX_TOKENS = 8192, /* OpenRouter's messages need none, other upstreams' do */
    REQUEST_PLAIN_MAX_TOKENS = 21333,  /* more of Claude must be streamed on Vercel */
};

struct request_conversion {
    /* in */
    enum row_api api; /* CHAT, RESPONSES, MESSAGES, EMBEDDINGS, COMPLETIONS; others: only `model` is
                       * replaced */
    enum config_dialect from, to;
    const struct model_map *map; /* may be NULL where from == to */
    const struct json_doc *doc;  /* the client's body; borrow */
    struct text model;           /* the id to send, already in the words of `to`; replaces `model`;
                                  * empty: it stays */
    const struct text *models;   /* fallbacks that this upstream tries by itself, in its words; they
                                  * replace the body's, wherever it says them; borrow */
    unsigned model_count;        /* 0: none are passed on: others are attempts of ours */
    const char *sort;            /* from model_map_model(), else NULL */
    struct text user;            /* a header replaced the body's; empty: leave as it is */
    /* out */
    bool assemble; /* a plain answer was asked for, but this must be streamed upstream: the body
                    * says "stream":true and answer_convert assembles */
    char warning[REQUEST_WARNING_MAX]; /* comma list of members that were dropped or, as
                                        * name=value, given a value of ours; visible ASCII and
                                        * spaces; else empty */
    char detail[REQUEST_DETAIL_MAX];   /* for the 400; visible ASCII and spaces */
};

/* Appends the body to send to out. -EINVAL: refused, detail says why; -ENOMEM. On failure out keeps
 * its text. Also for from == to (only model, models, user and the rules of the upstream are
 * applied: a request that Vercel refuses for its size, Claude above REQUEST_PLAIN_MAX_TOKENS
 * without stream, becomes `assemble`; a generic upstream is asked for a stream's usage). */
int request_convert(struct request_conversion *conversion, struct out *out);

/* True when the body could go out as it came: nothing to change. False also for what
 * request_convert() will refuse. */
bool request_needs_no_conversion(const struct request_conversion *conversion);

/* The body switches reasoning off: what model_map_model() asks. doc: a parsed body. */
bool request_reasoning_is_off(const struct json_doc *doc);

#endif
