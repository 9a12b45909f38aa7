/* answer_convert_private.h - what the files of the answer converter share.
 *
 * answer_convert.c            life, dispatch, events as they leave
 * answer_convert_stream.c     chat streams: what is held back, merged or split
 * answer_convert_member.c     the walk over an object along a table of members; ids and models
 * answer_convert_openrouter.c the tables of a client of OpenRouter
 * answer_convert_vercel.c     the tables of a client of Vercel
 * answer_convert_usage.c      usage in the words of both
 * answer_convert_routing.c    openrouter_metadata and gateway.routing
 * answer_convert_facts.c      what an answer says of its cost and its provider
 * answer_convert_provider.c   slugs and names of providers
 *
 * Threads: as answer_convert.h.
 */
#ifndef SERVER_DIALECT_ANSWER_CONVERT_PRIVATE_H
#define SERVER_DIALECT_ANSWER_CONVERT_PRIVATE_H

#include "server/dialect/answer_convert.h"
#include "server/dialect/assemble.h"

enum answer_way {
    WAY_SAME, /* only the model's name and the id */
    WAY_OPENROUTER,
    WAY_VERCEL,
};

/* What is being written. */
enum answer_part {
    PART_BODY,
    PART_CHUNK,  /* an event in the midst of a stream */
    PART_FINISH, /* OpenRouter: the chunk that ends the choice; its usage follows */
    PART_USAGE,  /* OpenRouter: the usage chunk */
    PART_LAST,   /* the event that holds everything at once */
    PART_ERROR,  /* a chat stream's error frame */
};

/* A value somewhere; at JSON_NONE: not said. */
struct converter_node {
    const struct json_doc *doc;
    uint32_t at;
};

/* --- answer_convert_facts.c --- */

/* Of one body, or of the events that end a stream. Decimal texts are JSON numbers, digit for digit
 * as they came; empty: not said. They borrow from the documents and from here: never copied. */
struct converter_facts {
    struct converter_node usage;         /* an object with members */
    struct converter_node gateway;       /* of the upstream's metadata, an object */
    struct converter_node router;        /* openrouter_metadata, an object */
    struct converter_node id;            /* a string: the answer's own, else generationId */
    struct converter_node model;         /* a string */
    struct converter_node said_provider; /* a string: the member `provider` */
    char provider[ROW_NAME_MAX + 1];     /* in the client's words; empty: not known */
    int byok;                            /* -1 not said, 0, 1 */
    struct text cost, surcharge, billed, market, upstream, prompt, completions;
    char sum[MONEY_TEXT_MAX]; /* billed, where it is a sum */
};

void converter_facts_init(struct converter_facts *facts);
/* Learns from an answer's object: a body, a chunk, or the response inside an event. What a later
 * one says replaces what an earlier one said. borrow: doc, as long as facts is used. */
void converter_facts_learn(struct converter_facts *facts, const struct json_doc *doc,
                           uint32_t object);
/* After the last one: works out the rest. */
void converter_facts_conclude(struct converter_facts *facts,
                              const struct answer_conversion *conversion);

/* --- answer_convert_provider.c --- */

/* Display name of a slug of OpenRouter's, NULL: not one we know. */
const char *provider_name_of(const char *slug);
/* The slug of a display name: from the table, else made of it. */
void provider_slug_of(const char *name, char slug[ROW_NAME_MAX + 1]);
/* What the upstream calls the provider -> what the client calls it (a name for OpenRouter's
 * clients, a slug for Vercel's). */
void provider_convert(const struct answer_conversion *conversion, const char *said,
                      char provider[ROW_NAME_MAX + 1]);

/* --- answer_convert_member.c --- */

struct rewrite {
    struct answer_converter *converter;
    const struct answer_conversion *conversion;
    const struct json_doc *doc;
    const struct converter_facts *facts;
    struct out *out;
    enum answer_part part;
    bool metadata_placed;  /* Vercel: provider_metadata stands somewhere */
    bool choice_is_chosen; /* Vercel: it belongs into the choice that is being written */
};

struct rewrite_rule;
typedef void rewrite_member(struct rewrite *rewrite, const struct rewrite_rule *rule,
                            uint32_t object, uint32_t value);
/* A member by its name. Given twice it is written once: in its first place, with its last value. */
struct rewrite_rule {
    const char *name;      /* NULL ends a table */
    rewrite_member *write; /* NULL: the member is dropped */
};
enum { REWRITE_RULES_MAX = 32 };

/* Writes an object: named members by their rule, all others as they came, then what tail (may be
 * NULL) adds. A value that is no object is written as it came. */
void rewrite_object(struct rewrite *rewrite, uint32_t object, const struct rewrite_rule *rules,
                    void (*tail)(struct rewrite *rewrite, uint32_t object));
/* The same for every element of an array. */
void rewrite_array(struct rewrite *rewrite, uint32_t array, const struct rewrite_rule *rules,
                   void (*tail)(struct rewrite *rewrite, uint32_t object));

rewrite_member rewrite_keep, rewrite_unless_null, rewrite_id, rewrite_model;
/* reasoning_content of other upstreams is OpenRouter's and Vercel's reasoning. */
rewrite_member rewrite_reasoning, rewrite_reasoning_content;
/* A served model in the client's words: value is a string of doc. */
void rewrite_model_value(const struct answer_conversion *conversion, struct out *out,
                         const struct json_doc *doc, uint32_t value);
/* A model as rewrite_model_value() has it, as text; false, and model is left alone, when the token
 * is not said or no name. */
bool converter_served_model(const struct answer_conversion *conversion, const struct json_doc *doc,
                            uint32_t value, char model[ROW_NAME_MAX + 1]);
/* The id that the client is shown, unless nobody said one. */
void rewrite_add_id(struct rewrite *rewrite, const char *name);
/* A chat stream's error frame that says nothing else is told which answer it ends. */
void rewrite_complete_error(struct rewrite *rewrite, uint32_t object);
/* A name and a raw JSON text, unless that is empty. */
void rewrite_add_raw(struct rewrite *rewrite, const char *name, struct text raw);
void rewrite_add_string(struct rewrite *rewrite, const char *name, const char *value);

/* Nothing but ids and the model; for every api, bodies and events alike. */
void rewrite_same(struct rewrite *rewrite);

/* --- answer_convert_openrouter.c, answer_convert_vercel.c --- */

/* The document's object as an answer or event of (to, api). */
void rewrite_openrouter(struct rewrite *rewrite);
void rewrite_vercel(struct rewrite *rewrite);
/* Value of gateway metadata made for a Vercel client. */
void rewrite_gateway(struct rewrite *rewrite);

/* --- answer_convert_usage.c --- */

/* The value of `usage`, from the facts. */
void rewrite_usage_openrouter(struct rewrite *rewrite);
void rewrite_usage_vercel(struct rewrite *rewrite);

/* --- answer_convert_routing.c --- */

void rewrite_openrouter_metadata(struct rewrite *rewrite);
void rewrite_routing(struct rewrite *rewrite);

/* --- answer_convert.c --- */

enum { FINISH_TEXT_MAX = 64, CREATED_TEXT_MAX = 24 };

struct answer_converter {
    const struct answer_conversion *conversion; /* borrow */
    enum answer_way way;
    struct json_doc doc, held_doc;
    struct out event; /* the event that is being written */
    size_t data_at;
    struct out held;            /* chat: payload of the chunk with the finish reason; empty: none */
    struct out router_metadata; /* messages: for message_stop */
    struct assembler *assembler;
    /* Of a stream, as the upstream said them; raw JSON, empty: not seen. */
    char id[ROW_ID_MAX + 3], created[CREATED_TEXT_MAX + 1], finish[FINISH_TEXT_MAX + 1],
        native[FINISH_TEXT_MAX + 1];
    char provider[ROW_NAME_MAX + 1]; /* the last one known, in the client's words */
    char model[ROW_NAME_MAX + 1];    /* the one that serves, likewise */
    bool done;                       /* [DONE] has passed */
    bool terminal;                   /* responses: the event that ends it has passed */
    bool metadata_given;             /* openrouter_metadata is out */
};

/* An event for the client: begin, write the payload to converter->event, end. */
void converter_begin_event(struct answer_converter *converter, struct text name);
int converter_end_event(struct answer_converter *converter, answer_sink *sink, void *arg);
int converter_pass(struct answer_converter *converter, struct text name, struct text payload,
                   answer_sink *sink, void *arg);
/* A stream's first event tells which answer it is: what is said in a place that is not. */
void converter_remember(struct answer_converter *converter, const struct converter_facts *facts);
/* Ready to write converter->doc or held_doc into the event. */
struct rewrite converter_rewrite(struct answer_converter *converter, const struct json_doc *doc,
                                 const struct converter_facts *facts, enum answer_part part);
void converter_write(struct rewrite *rewrite);
/* Raw text of a token, NUL-terminated; left alone when it does not fit or is not said. */
void converter_copy_raw(const struct json_doc *doc, uint32_t token, char *to, size_t size);

/* --- answer_convert_stream.c: chat and completions; converter->doc holds the event --- */

int converter_chat_event(struct answer_converter *converter, struct text name, struct text payload,
                         answer_sink *sink, void *arg);
/* Lets go of what is held: last, when no more usage can come. */
int converter_chat_flush(struct answer_converter *converter, bool last, answer_sink *sink,
                         void *arg);

#endif
