/* answer_facts.h - what all grammars read alike from a document: names, errors, usage, gateway
 * metadata. Private to answer*.c, the converter's files included. Every token may be JSON_NONE:
 * then nothing is learnt. Threads: one answer, one thread.
 */
#ifndef SERVER_ANSWER_FACTS_H
#define SERVER_ANSWER_FACTS_H

#include "server/dialect/answer.h"

#include <stdbool.h>
#include <stdint.h>

enum { ANSWER_REASON_MAX = 63 }; /* bytes of a finish reason that are kept */

/* The members that an answer's outermost object has in all APIs: id or generationId, model,
 * provider, service_tier, error. */
void answer_facts_object(struct answer *answer, uint32_t object);

/* An object's `error` that is neither null nor absent. */
void answer_facts_error(struct answer *answer, uint32_t object);

/* How something ended, copied to reason; false, and reason is left alone, when that is not said. A
 * blank reason says nothing; what is no text is unreadable; "error" is one. */
bool answer_facts_reason(struct answer *answer, uint32_t token, char reason[ANSWER_REASON_MAX + 1]);

/* A `usage`, in whichever names. merge: what it says replaces what an earlier one said, else it
 * stands for all of it: a mixture of two independent ones would be nobody's report. */
void answer_facts_usage(struct answer *answer, uint32_t usage, bool merge);

/* A member of object that is money; unknown when not said or, flagged, when it is none. */
struct maybe_money answer_facts_money(struct answer *answer, uint32_t object, const char *name);
/* The sum of all fees; where only one of its parts was said, that part is the best that is known of
 * it. Never both: the part is inside the sum. */
struct maybe_money answer_facts_surcharge(struct answer *answer, uint32_t object, const char *sum,
                                          const char *part);

/* The cost at the configured path, below object or its `response` or `message`. */
void answer_facts_configured(struct answer *answer, uint32_t object);

/* Whose credentials paid for what the gateway's routing tells (vercel section 3): 1 the client's
 * own, 0 the gateway's, -1 not said. Older records list provider attempts flat. */
int answer_facts_byok(const struct json_doc *doc, uint32_t routing);

/* The gateway's part of the metadata that object has, in either spelling. */
void answer_facts_metadata(struct answer *answer, uint32_t object);

/* Whether a token is an array with something in it. */
bool answer_facts_has_elements(const struct answer *answer, uint32_t token);

#endif
