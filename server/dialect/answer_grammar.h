/* answer_grammar.h - what differs between the APIs: where facts stand, when an answer is whole, and
 * which members a replay changes. Private to answer*.c.
 * Threads: constant tables.
 */
#ifndef SERVER_ANSWER_GRAMMAR_H
#define SERVER_ANSWER_GRAMMAR_H

#include "server/dialect/answer.h"

#include <stdbool.h>
#include <stddef.h>

/* What a replay shows instead of a member's value. */
enum answer_change {
    ANSWER_NEW_ID,    /* a string: the hit's id */
    ANSWER_NEW_TIME,  /* a number: the time of the hit */
    ANSWER_ZEROS,     /* every number and decimal string in it: zero */
    ANSWER_METADATA,  /* gateway metadata: costs zero, generationId the hit's id */
    ANSWER_CUT,       /* the member vanishes */
    ANSWER_IN_OBJECT, /* the rules `inside` hold for the members of this object */
    ANSWER_IN_ARRAY,  /* ... of each object in this array */
};

/* One member by its name. A table of rules ends with a row without name; tables nest a few levels
 * deep, and that bounds every walk. */
struct answer_rule {
    const char *name;
    size_t name_len;
    enum answer_change change;
    const struct answer_rule *inside;
    const char *type; /* not NULL: only in an object whose `type` is this */
};
#define ANSWER_RULE(text, does)                                                                    \
    {                                                                                              \
        .name = (text), .name_len = sizeof(text) - 1, .change = (does)                             \
    }
#define ANSWER_RULE_INSIDE(text, does, rules)                                                      \
    {                                                                                              \
        .name = (text), .name_len = sizeof(text) - 1, .change = (does), .inside = (rules)          \
    }
#define ANSWER_RULE_TYPE(text, does, only)                                                         \
    {                                                                                              \
        .name = (text), .name_len = sizeof(text) - 1, .change = (does), .type = (only)             \
    }
#define ANSWER_RULES_END                                                                           \
    {                                                                                              \
        .name = NULL                                                                               \
    }
/* Both spellings. */
#define ANSWER_RULES_METADATA                                                                      \
    ANSWER_RULE("provider_metadata", ANSWER_METADATA),                                             \
        ANSWER_RULE("providerMetadata", ANSWER_METADATA)

/* Every function reads answer->doc, whose value is an object. */
struct answer_grammar {
    void (*learn)(struct answer *answer, bool event); /* event: of a stream, else a whole body */
    /* How the answer itself ended; NULL: such answers are never stored. A stream's terminal, errors
     * and the rest are seen to by answer_is_storable(). */
    bool (*is_whole)(const struct answer *answer, bool stream);
    const struct answer_rule *rules; /* of body and event alike; NULL: nothing is noted */
    bool done_is_end;                /* [DONE] is its terminal; elsewhere it means nothing */
    bool is_opaque;                  /* no JSON is expected */
};

extern const struct answer_grammar answer_grammar_chat; /* completions too */
extern const struct answer_grammar answer_grammar_responses;
extern const struct answer_grammar answer_grammar_messages;
extern const struct answer_grammar answer_grammar_embeddings;
extern const struct answer_grammar answer_grammar_ai_language;
extern const struct answer_grammar answer_grammar_ai_embedding;

#endif
