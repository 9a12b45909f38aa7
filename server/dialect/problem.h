/* problem.h - errors that we raise ourselves, in the envelope of the client's dialect and api.
 *
 * Vercel (section 8):     {"error":{"message":...,"type":...,"param":null,"code":...}}; the AI SDK
 *                         protocol reads the same
 * OpenRouter (section 4): {"error":{"message":...,"code":<status>,"metadata":{"error_type":...}}};
 *                         no metadata where its table has no word for the problem
 * messages, both:         {"type":"error","error":{"type":<Anthropic's word>,"message":...}}, with
 *                         "request_id":null in OpenRouter's
 *
 * Nothing here allocates: running out of memory is one of the problems.
 *
 * Threads: pure functions.
 */
#ifndef SERVER_PROBLEM_H
#define SERVER_PROBLEM_H

#include "accounting/row.h"
#include "server/config.h"

enum problem {
    PROBLEM_BAD_JSON,
    PROBLEM_BAD_REQUEST,
    PROBLEM_MODEL, /* no upstream has the model: 400 in OpenRouter's dialect, 404 in Vercel's */
    PROBLEM_NO_KEY,
    PROBLEM_PAYMENT,   /* 402: the client's budget */
    PROBLEM_FORBIDDEN, /* 403: what the client's key may not do */
    PROBLEM_NOT_FOUND,
    PROBLEM_METHOD,
    PROBLEM_TOO_LARGE,
    PROBLEM_RATE,        /* 429: a limit of ours */
    PROBLEM_NOT_CACHED,  /* only-if-cached and absent: 504 (RFC 9111 section 5.2.1.7) */
    PROBLEM_LEDGER_FULL, /* the ledger cannot take a hold now */
    PROBLEM_BUSY,        /* limits.buffered is spent, or too many fetches run */
    PROBLEM_NO_MEMORY,
    PROBLEM_DRAINING,
    PROBLEM_NOT_YET,     /* what was asked is not known yet, e.g. a catalogue after a start: 503 */
    PROBLEM_UNREACHABLE, /* upstream: the request was not sent */
    PROBLEM_UPSTREAM,    /* upstream: sent, then broken */
    PROBLEM_TIMEOUT,     /* upstream: sent, then silent */
    PROBLEMS,
};

int problem_status(enum problem problem, enum config_dialect dialect);
const char *problem_type(enum problem problem); /* Vercel's word for it */
/* What client libraries should know: true adds `x-should-retry: false` (a paid call was made). */
bool problem_is_final(enum problem problem);
/* Seconds for Retry-After, 0 for none, at most 9. */
unsigned problem_retry_after(enum problem problem);

enum { PROBLEM_TEXT_MAX = 2048 };

/* Writes the body; detail replaces the standard message when not NULL. It may be of any length and
 * bytes: it is cut at a character's boundary, and what is no UTF-8 is shown as '?'. Returns the
 * text's length; it is JSON. */
size_t problem_print(enum problem problem, enum config_dialect dialect, enum row_api api,
                     const char *detail, char text[PROBLEM_TEXT_MAX]);
/* The same for an error that a limit of ours raised. limits: the members of a JSON object (at most
 * PROBLEM_LIMITS_MAX bytes) that say which; they stand in the error's `metadata`, where OpenRouter
 * has its own, and which no other schema forbids. NULL: none. */
enum { PROBLEM_LIMITS_MAX = 512 };
size_t problem_print_limits(enum problem problem, enum config_dialect dialect, enum row_api api,
                            const char *detail, const char *limits, char text[PROBLEM_TEXT_MAX]);

/* The event that ends a stream which broke after its head was sent, one whole SSE event in the
 * grammar of (dialect, api):
 *   chat, completions  a chunk with `error`: without `choices` in Vercel's dialect (section 4),
 * with a choice that ends in "error" in OpenRouter's (section 2.6) responses          event: error,
 * {"type":"error","code","message","param","sequence_number"}; the `event:` line is what makes
 * OpenAI's client raise it messages           event: error, Anthropic's envelope ai-language the AI
 * SDK's part {"type":"error","error":{"message","type"}} id and model: as the client was shown
 * them, any text. *ret_id_at: where in text the id stands, 0 when it does not stand there exactly
 * as it was given. */
size_t problem_print_event(enum problem problem, enum config_dialect dialect, enum row_api api,
                           const char *id, const char *model, int64_t now_ms,
                           char text[PROBLEM_TEXT_MAX], size_t *ret_id_at);

#endif
