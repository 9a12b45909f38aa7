/* answer.h - reads an upstream's answer as it passes: ids, model, tokens, costs, errors,
 * completeness; and notes what a replay of it must show instead (openrouter-api.md section 1.5,
 * design 2.3): new id, time of the hit, every usage counter and cost zero in its own type.
 *
 * One answer object per upstream answer. The bytes themselves are never changed here. Each API has
 * a grammar of its own (answer_grammar.h); both vendors' members are known in all of them, because
 * an upstream speaks the one and a client the other.
 *
 * Read alike everywhere: gateway metadata under `provider_metadata` and `providerMetadata`, in
 * every place where the API has any; `usage` in the names of chat and of responses and messages (of
 * several in a stream the last one that is neither null nor empty counts, as a whole). Costs are
 * decimal text, numbers or strings, exponents included; a negative one is unreadable.
 *
 *                  terminal of a stream        finish_reason                    usage
 * chat             [DONE]                      the first choice's               input incl. cache
 * completions      [DONE]                      the first choice's               input incl. cache
 * responses        response.completed,         completed: stop or tool_calls;   input incl. cache
 *                  .incomplete, .failed        incomplete: its reason, length
 *                                              for max_output_tokens
 * messages         message_stop                stop_reason in its own word      input excl. cache;
 *                                                                               merged, see below
 * embeddings       no streams                  none
 * ai-language      part `finish`               finishReason, or its `unified`   input incl. cache
 * ai-embedding     no streams                  none                             `tokens`
 * all others       [DONE]                      none                             whichever they say
 *
 * In a stream of messages the usage of message_delta adds to that of message_start: what it says
 * replaces, what it leaves out stays.
 *
 * Replayed differently: the answer's id and every `generationId`; created, created_at and
 * completed_at where they are numbers; every number and decimal string in `usage`; in gateway
 * metadata every member called cost, ...Cost or ..._cost; and `openrouter_metadata` vanishes.
 * Everything else, `routing` above all, ids of items and parts, sequence numbers, written-out
 * timestamps and a provider's raw chunks, is replayed as it came. The answers of all others are
 * never stored, and have no edits.
 *
 * Nothing here fails and everything is bounded: odd input sets flags.
 *
 * Threads: one answer, one thread.
 */
#ifndef SERVER_ANSWER_H
#define SERVER_ANSWER_H

#include "accounting/observe.h"
#include "cache/json.h"
#include "cache/tape.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Slots of tape stamps, for every tape the server makes. */
enum { ANSWER_SLOT_ID = 1, ANSWER_SLOT_CREATED = 2 };

enum {
    ANSWER_EDITS_MAX = 512,      /* per event or body; more: not stored, not followed */
    ANSWER_CHOICES_MAX = 128,    /* of one stream; a higher index makes it unreadable */
    ANSWER_PEEK_MAX = 64 * 1024, /* bytes of a body's beginning that are searched for its id */
};

struct answer {
    enum row_api api; /* whose grammar it has */
    /* What was learnt. Texts are NUL-terminated, cut at their maximum at a character's boundary. */
    char id[ROW_ID_MAX + 1];         /* body id, else generationId: the upstream's generation id.
                                      * Empty unless it is visible ASCII that fits: it goes into
                                      * headers and look-ups, where a cut id would be another's.
                                      * AI SDK protocol: a provider's own id is not taken. */
    char model[ROW_NAME_MAX + 1];    /* the last one said, else the slug that routing names. AI SDK
                                      * protocol: the slug first; a name without maker never. */
    char provider[ROW_NAME_MAX + 1]; /* top-level provider, else routing.finalProvider */
    char finish_reason[64];          /* the last one said */
    char native_finish_reason[64];   /* the provider's own word beside it; empty when not said */
    char service_tier[32];           /* top-level, else the gateway's or that of usage */
    struct usage usage;
    /* reported, as read; which one is billed is answer_costs()'s rule */
    struct maybe_money cost, surcharge_cost, gateway_cost, market_cost, upstream_inference_cost;
    struct maybe_money meta_cost, meta_surcharge_cost, meta_gateway_cost, meta_market_cost;
    struct maybe_money configured_cost; /* at answer_use_cost_path()'s place, the last one said */
    int byok;                           /* -1 not said, 0, 1 */
    bool has_error;                     /* an error object, or finish_reason "error" */
    bool has_end;          /* stream: the grammar's terminal was seen, a bad one included */
    bool has_choices;      /* something of the answer itself was there */
    bool unreadable;       /* an event or body that is not the JSON we expect; never set where
                            * nothing is expected (sound, pictures) */
    bool cost_unreadable;  /* a cost field that is no decimal: the row goes to late look-up */
    bool usage_unreadable; /* a count that is negative, fractional or no number: taken as absent */
    bool too_many_edits;   /* more than ANSWER_EDITS_MAX: a replay would show what it must not */
    uint64_t events;       /* data events seen, [DONE] excluded */
    /* The replay edits of the last body or event read; borrow: of whoever called answer_init(). */
    struct tape_edit *edits;
    size_t edit_count;
    /* private; doc is empty between calls */
    const char *cost_path; /* borrow; NULL: none */
    int64_t cost_unit_femto;
    const struct answer_grammar *grammar;
    struct json_doc doc;
    bool provider_is_top; /* provider came from the top level: routing does not replace it */
    bool finish_is_first; /* finish_reason is the first choice's own */
    bool body_unfinished; /* body: a choice without a finish_reason */
    bool is_finished;     /* grammars without choices: how it ended was said, and it is an end */
    bool calls_tools;     /* responses: the client has a call to make */
    int usage_byok, meta_byok;
    uint64_t choices_seen[ANSWER_CHOICES_MAX / 64], choices_finished[ANSWER_CHOICES_MAX / 64];
};

/* edits: room for ANSWER_EDITS_MAX, which many answers of one thread may share: what stands there
 * is of interest only until the next text is read. borrow: as long as the answer. */
void answer_init(struct answer *answer, enum row_api api, struct tape_edit *edits);
void answer_release(struct answer *answer);

/* For upstreams that name their cost in a way of their own: path is dotted ("usage.cost_nano_usd"),
 * looked for in the answer's outermost object and in its `response` and `message`; what stands
 * there is worth unit_femto each (1e-15 USD; rounded half-even where a part of one is left).
 * borrow: path, as long as the answer. */
void answer_use_cost_path(struct answer *answer, const char *path, int64_t unit_femto);

/* A whole JSON body: facts and edits on one parse. After it: answer->edits[0..edit_count) are the
 * replay edits, offsets from the body's start, sorted and disjoint. Anything odd sets flags; it
 * never fails. borrow: body. */
void answer_read_body(struct answer *answer, const char *body, size_t len);

/* The payload of one data line of a stream; edits count from payload's start. */
void answer_read_event(struct answer *answer, const char *payload, size_t len);

/* The same in halves, for an answer that is converted between them. Learning is of the upstream's
 * bytes: facts only, and no edits afterwards. Noting is of what the client gets: edits only. What
 * cannot be noted (it is no JSON object, or memory is short) is `unreadable`: it must not be
 * replayed. */
void answer_learn_body(struct answer *answer, const char *body, size_t len);
void answer_learn_event(struct answer *answer, const char *payload, size_t len);
void answer_note_body(struct answer *answer, const char *body, size_t len);
void answer_note_event(struct answer *answer, const char *payload, size_t len);

/* Finds the top-level "id" in the beginning of a body that has not arrived whole; 0 when not there
 * yet (or not an id as above, or not within ANSWER_PEEK_MAX). Writes it with a NUL and returns its
 * length. For recording the id as soon as it is seen; a call reads no more than ANSWER_PEEK_MAX,
 * so that asking again with every chunk of a large body stays cheap. */
size_t answer_peek_id(const char *body, size_t len, char *id, size_t id_size);

/* Design law 4: whole and good, so that it may be stored. Something of the answer, its end and how
 * it ended: in a stream the terminal and the finish reason (chat: of every choice that began), in a
 * body the finish reason (chat: of every choice; embeddings: vectors are enough); no error, all
 * readable, all edits noted. APIs whose answers are only forwarded: never. */
bool answer_is_storable(const struct answer *answer, bool stream);

/* What the answer said of its cost, one element for each place that did: gateway metadata, the
 * final usage, the configured path (observe.h). Both vendors' rule (vercel section 11, 2 and BYOK;
 * openrouter 2.5): billed = gateway_cost, else cost + surcharge, else cost. Under BYOK upstream =
 * upstream_inference_cost, else the market price; otherwise it stays unknown. What a usage leaves
 * out is taken from the metadata; where a path is configured nothing else counts. Returns how many,
 * at most ANSWER_OBSERVATIONS_MAX. */
enum { ANSWER_OBSERVATIONS_MAX = 3 };
size_t answer_observe(const struct answer *answer, int64_t at_ms,
                      struct observation list[ANSWER_OBSERVATIONS_MAX]);

/* The same, applied to the row by rank: billed, upstream_cost, market and byok; what was not said
 * is unknown. */
void answer_costs(const struct answer *answer, struct ledger_row *row);

/* A record of GET generation (vercel section 10, openrouter 5.1), in its `data` or flat. Texts in
 * the record borrow from answer, whose model, provider, finish_reason and service_tier it replaces.
 *
 * billed = gateway_cost, else total_cost, else usage. market = market_cost, else upstream's list
 * price under BYOK, else total_cost - surcharge_cost where both are said. Tokens: native counts
 * first. native_tokens_prompt is read as including cache reads unless the reads exceed it;
 * tokens_prompt excludes them since 2026-06, so with reads it is exclusive. Without reads both are
 * the same number, and called inclusive, so that estimate.h tries both readings of writes.
 *
 * -EBADMSG: not JSON, no record, or of another id than asked; -E2BIG, -ENOMEM as json_parse(). */
struct settle_record;
int answer_read_generation(struct answer *answer, const char *body, size_t len, const char *asked,
                           struct settle_record *ret_record);

#endif
