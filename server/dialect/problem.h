/* problem.h - errors that we raise ourselves, in the dialect's envelope.
 *
 * Vercel (section 8):     {"error":{"message":...,"type":...,"param":null,"code":...}}
 * OpenRouter (section 4): {"error":{"message":...,"code":<status>}}
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
    PROBLEM_NOT_FOUND,
    PROBLEM_METHOD,
    PROBLEM_TOO_LARGE,
    PROBLEM_NOT_CACHED,  /* only-if-cached and absent: 504 (RFC 9111 section 5.2.1.7) */
    PROBLEM_LEDGER_FULL, /* the ledger cannot take a hold now */
    PROBLEM_BUSY,        /* limits.buffered is spent, or too many fetches run */
    PROBLEM_NO_MEMORY,
    PROBLEM_DRAINING,
    PROBLEM_UNREACHABLE, /* upstream: the request was not sent */
    PROBLEM_UPSTREAM,    /* upstream: sent, then broken */
    PROBLEM_TIMEOUT,     /* upstream: sent, then silent */
    PROBLEMS,
};

int problem_status(enum problem problem, enum config_dialect dialect);
const char *problem_type(enum problem problem); /* Vercel's word for it */
/* What client libraries should know: true adds `x-should-retry: false` (a paid call was made). */
bool problem_is_final(enum problem problem);
/* Seconds for Retry-After, 0 for none. */
unsigned problem_retry_after(enum problem problem);

enum { PROBLEM_TEXT_MAX = 1024 };

/* Writes the body; detail replaces the standard message when not NULL. Returns its length. */
size_t problem_print(enum problem problem, enum config_dialect dialect, enum row_api api,
                     const char *detail, char text[PROBLEM_TEXT_MAX]);

/* The frame that ends a chat stream which broke after its head was sent (vercel section 4): the
 * usual members, no `choices`, an `error`. A whole SSE event. */
size_t problem_print_event(enum problem problem, enum config_dialect dialect, enum row_api api,
                           const char *id, const char *model, int64_t now_ms,
                           char text[PROBLEM_TEXT_MAX]);

#endif
