/* request_convert_private.h - what the files of the request's conversion share.
 *
 * Two passes. The first reads: rules mark members of the body as gone, and gather what will be said
 * instead. Refusals and warnings come from here. The second writes: each member of the body at its
 * place, spliced, or in other words where the first pass said so; what is new comes at the end. A
 * body of which the first pass changed nothing needs no second.
 *
 *   request_convert.c           the passes; model, models, user, the rules of an upstream
 *   request_convert_text.c      members, words said instead, complaints
 *   request_convert_rules.c     the tables: one row per member
 *   request_convert_provider.c  `provider` -> providerOptions.gateway
 *   request_convert_gateway.c   providerOptions -> `provider`; writing either
 *   request_convert_reasoning.c reasoning, thinking, verbosity
 *   request_convert_messages.c  messages and their parts
 */
#ifndef SERVER_DIALECT_REQUEST_CONVERT_PRIVATE_H
#define SERVER_DIALECT_REQUEST_CONVERT_PRIVATE_H

#include "server/dialect/request_convert.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CONVERT_SAYS_MAX = 32,    /* more than all the rules of one table can say */
    CONVERT_ROUTING_MAX = 16, /* the same for a `provider` or a `gateway` object */
    CONVERT_CHAINS = 64,      /* of names, by hash */
};

/* The members of one object that count: a twin has the first one's place and the last one's value.
 */
struct convert_member {
    uint32_t key, value;
    bool gone;
};
struct convert_members {
    struct convert_member at[REQUEST_MEMBERS_MAX];
    uint32_t hash[REQUEST_MEMBERS_MAX]; /* of the name */
    uint16_t next[REQUEST_MEMBERS_MAX]; /* in its chain: index + 1, 0 ends it */
    uint16_t chain[CONVERT_CHAINS];
    size_t count;
    bool folded; /* there were twins */
};

/* A top-level member in our words: convert->words from `from` up to `to`. */
struct convert_say {
    const char *name;
    size_t from, to;
    bool written;
};

struct convert {
    const struct request_conversion *order;
    const struct json_doc *doc;
    enum config_dialect from, to; /* a client of OPENAI speaks OpenRouter's words */
    enum row_api api;
    struct convert_members members; /* of the body */

    struct out words;
    struct convert_say say[CONVERT_SAYS_MAX];
    size_t say_count;

    /* For providerOptions.gateway (to VERCEL) or `provider` (to OPENROUTER): members without their
     * braces, and the names that the client's own object loses to them. */
    struct out routing;
    const char *routing_name[CONVERT_ROUTING_MAX];
    size_t routing_count;
    uint32_t effort; /* for providerOptions.anthropic; JSON_NONE: none */

    struct { /* gathered from other words than the upstream's */
        uint32_t effort, max_tokens, summary;
        int enabled;      /* -1: not said */
        const char *path; /* where it was said */
    } reasoning;

    uint32_t mark;      /* cache_control that belongs to the last message; JSON_NONE: none */
    uint32_t skip;      /* so many messages are said elsewhere */
    bool rewrite;       /* messages cannot be spliced as they are */
    int64_t max_tokens; /* that we said; 0: none */
    bool assemble;
    char warning[REQUEST_WARNING_MAX];
    char detail[REQUEST_DETAIL_MAX];
};

/* --- request_convert_text.c --- */

bool convert_is(const struct json_doc *doc, uint32_t token, enum json_type type);
/* Neither absent nor null. */
bool convert_is_said(const struct json_doc *doc, uint32_t token);
/* Absent, null, false, "", [] or {}: to leave it out changes nothing. */
bool convert_is_nothing(const struct json_doc *doc, uint32_t token);
/* A string of exactly this value. */
bool convert_is_text(const struct json_doc *doc, uint32_t token, struct text text);

/* Takes an object apart. -EINVAL: too many members, or too long a name. */
int convert_fold(struct convert *convert, uint32_t object, struct convert_members *ret_members);
/* Writes a member as it came, with a comma before it where one is due. */
void convert_splice(const struct convert *convert, const struct convert_member *member,
                    struct out *out);
void convert_comma(struct out *out);

/* A member of the body, in our words: write one value into what is returned, then said(). Once for
 * each name. */
struct out *convert_say(struct convert *convert, const char *name);
void convert_said(struct convert *convert);
void convert_say_text(struct convert *convert, const char *name, struct text text);
void convert_say_value(struct convert *convert, const char *name, uint32_t value);
/* The body will have that member: the client said it and it is not gone, or we did. */
bool convert_has(const struct convert *convert, const char *name);
void convert_drop(struct convert *convert, const char *name);

/* A member of the routing object: write one value into what is returned. */
struct out *convert_route(struct convert *convert, const char *name);
/* The client's own routing object loses that member. */
void convert_unroute(struct convert *convert, const char *name);
bool convert_routes(const struct convert *convert, const char *name);

/* path: as in "provider.only"; borrow. */
void convert_warn(struct convert *convert, const char *path);
void convert_warn_member(struct convert *convert, const char *parent, uint32_t key);
int convert_refuse(struct convert *convert, const char *path, const char *why);
int convert_refuse_member(struct convert *convert, const char *parent, uint32_t key,
                          const char *why);
int convert_malformed(struct convert *convert, const char *path, const char *must);

/* --- rules --- */

enum convert_act {
    CONVERT_KEEP,   /* as it is */
    CONVERT_FORGET, /* goes without a word */
    CONVERT_WARN,   /* goes with a warning, unless it says nothing */
    CONVERT_REFUSE, /* ends the conversion, unless it says nothing */
    CONVERT_TAKE,   /* take() decides */
};
enum { CONVERT_GONE, CONVERT_KEPT }; /* what take() returns unless it fails */

#define CONVERT_ON(api) (1U << (api))
enum {
    CONVERT_CHAT = CONVERT_ON(API_CHAT),
    CONVERT_RESPONSES = CONVERT_ON(API_RESPONSES),
    CONVERT_MESSAGES = CONVERT_ON(API_MESSAGES),
    CONVERT_EMBEDDINGS = CONVERT_ON(API_EMBEDDINGS),
    CONVERT_COMPLETIONS = CONVERT_ON(API_COMPLETIONS),
    CONVERT_ALL = CONVERT_CHAT | CONVERT_RESPONSES | CONVERT_MESSAGES | CONVERT_EMBEDDINGS |
                  CONVERT_COMPLETIONS,
};

typedef int convert_take(struct convert *convert, uint32_t value);

struct convert_rule {
    const char *name;
    unsigned apis;
    enum convert_act act;
    convert_take *take; /* of CONVERT_TAKE */
    const char *why;    /* of CONVERT_REFUSE: what the client can do, or what is missing */
};
struct convert_table {
    const char *parent; /* "" or "provider." */
    const struct convert_rule *rules;
    size_t count;
    enum convert_act otherwise; /* what no row names: KEEP, WARN or REFUSE */
    const char *why;
};
int convert_apply(struct convert *convert, const struct convert_table *table,
                  struct convert_members *members);

/* The table for a pair of dialects that differ. */
const struct convert_table *convert_table_of(enum config_dialect from, enum config_dialect to);

/* --- request_convert_provider.c --- */

convert_take convert_take_provider;
/* A list of providers' slugs in the upstream's words, as a member of the routing object. */
int convert_route_list(struct convert *convert, uint32_t list, const char *path, const char *name);

/* --- request_convert_gateway.c --- */

convert_take convert_take_shorthand, convert_take_options;
/* The client's own providerOptions.gateway, or JSON_NONE. */
uint32_t convert_own_gateway(const struct convert *convert);
/* Like convert_route(), but what the client said in the upstream's own words is not overruled:
 * -EINVAL. */
int convert_route_new(struct convert *convert, const char *name, struct out **ret_out);
/* json: the whole value. Fine also where the client said that very value itself. */
int convert_route_word(struct convert *convert, const char *name, const char *json);
/* The last step of the first pass: the routing object, if it changed, as a member. */
int convert_routing(struct convert *convert);

enum { CONVERT_SORTS = 3 };
extern const struct convert_sort {
    const char *openrouter, *vercel, *openrouter_json, *vercel_json;
} convert_sorts[CONVERT_SORTS];

/* --- request_convert_rules.c --- */

/* A top-level mark for the provider's prompt cache, in OpenRouter's words. */
void convert_say_mark(struct convert *convert);
/* The model that the request asks for in the end is one of Claude's. */
bool convert_is_claude(const struct convert *convert);

/* --- request_convert_reasoning.c --- */

convert_take convert_take_reasoning, convert_take_include_reasoning, convert_take_thinking,
    convert_take_verbosity;
/* providerOptions.anthropic, .openai */
int convert_take_anthropic(struct convert *convert, uint32_t value);
int convert_take_openai(struct convert *convert, uint32_t value);
/* What the rules gathered, and what the model's name means. */
int convert_reasoning(struct convert *convert);

/* --- request_convert_messages.c --- */

int convert_messages(struct convert *convert);
/* Only where convert->rewrite. */
int convert_write_messages(struct convert *convert, uint32_t messages, struct out *out);

#endif
