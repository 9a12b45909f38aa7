/* answer.h - reads an upstream's answer as it passes: ids, model, tokens, costs, errors,
 * completeness; and notes what a replay of it must show instead (openrouter-api.md section 1.5,
 * design 2.3): new id, time of the hit, every usage counter and cost zero in its own type.
 *
 * One answer object per upstream answer. The bytes themselves are never changed here.
 *
 * Places read (vercel sections 3, 4, 11): top level, choices[].message, choices[].delta, under
 * `provider_metadata` and `providerMetadata`; `usage` at top level in any chunk (the last non-null
 * one counts). Costs are decimal text, numbers or strings, exponents included.
 *
 * Threads: one answer, one thread.
 */
#ifndef SERVER_ANSWER_H
#define SERVER_ANSWER_H

#include "accounting/row.h"
#include "cache/json.h"
#include "cache/tape.h"

#include <stdbool.h>
#include <stddef.h>

/* Slots of tape stamps, for every tape the server makes. */
enum { ANSWER_SLOT_ID = 1, ANSWER_SLOT_CREATED = 2 };

enum {
    ANSWER_EDITS_MAX = 512, /* per event or body; more: the answer is not stored, not followed */
};

struct answer {
    /* What was learnt. Texts are NUL-terminated, cut at their maximum. */
    char id[ROW_ID_MAX + 1]; /* body id: the upstream's generation id */
    char model[ROW_NAME_MAX + 1];
    char provider[ROW_NAME_MAX + 1]; /* top-level provider, else routing.finalProvider */
    char finish_reason[64];
    char service_tier[32];
    struct usage usage;
    /* reported, as read; which one is billed is answer_costs()'s rule */
    struct maybe_money cost, surcharge_cost, gateway_cost, market_cost, upstream_inference_cost;
    struct maybe_money meta_cost, meta_surcharge_cost, meta_gateway_cost, meta_market_cost;
    int byok; /* -1 not said, 0, 1 */
    bool has_error;   /* an error object, or finish_reason "error" */
    bool has_done;    /* stream: [DONE] seen */
    bool has_choices; /* something of the answer itself was there */
    bool unreadable;  /* an event or body that is not the JSON we expect */
    bool cost_unreadable; /* a cost field that is no decimal: the row goes to late look-up */
    uint64_t events;  /* data events seen, [DONE] excluded */
    /* private */
    struct json_doc doc;
    struct tape_edit edits[ANSWER_EDITS_MAX];
    size_t edit_count;
};

void answer_init(struct answer *answer);
void answer_release(struct answer *answer);

/* A whole chat JSON body. After it: answer->edits[0..edit_count) are the replay edits, offsets from
 * the body's start, sorted. Anything odd sets flags; it never fails. */
void answer_read_body(struct answer *answer, const char *body, size_t len);

/* The payload of one data line of a chat stream; edits count from payload's start. */
void answer_read_event(struct answer *answer, const char *payload, size_t len);

/* Finds the top-level "id" in the beginning of a body that has not arrived whole; 0 when not there
 * yet. For recording the id as soon as it is seen. */
size_t answer_peek_id(const char *body, size_t len, char *id, size_t id_size);

/* Design law 4: whole and good, so that it may be stored. */
bool answer_is_storable(const struct answer *answer, bool stream);

/* Vercel rule (section 11, 2 and BYOK): billed = gateway_cost, else gatewayCost, else cost +
 * surcharge, else cost. Fills billed, upstream_cost, market of the row; leaves what was not said
 * unknown. */
void answer_costs(const struct answer *answer, struct ledger_row *row);

/* The `data` object of GET /v1/generation (section 10) -> late; id must equal asked, else -EBADMSG.
 * Texts in late borrow from answer. */
struct ledger_late;
int answer_read_generation(struct answer *answer, const char *body, size_t len, const char *asked,
                           struct ledger_late *ret_late);

#endif
