/* admin_error.h - what an operator is told went wrong: the same to HTTP clients and to the commands
 * that do without one. Threads: values only.
 */
#ifndef SERVER_ADMIN_ERROR_H
#define SERVER_ADMIN_ERROR_H

#include "server/dialect/out.h"

enum { ADMIN_MESSAGE_MAX = 1024 };

struct admin_error {
    int status;       /* HTTP; 0: nothing went wrong */
    const char *code; /* static: "bad_request", "not_found", ... */
    char message[ADMIN_MESSAGE_MAX];
};

/* What it says goes through vsnprintf: cut at the end, never empty. Returns -1, so that a caller
 * may return it. */
int admin_error_set(struct admin_error *error, int status, const char *code, const char *format,
                    ...) __attribute__((format(printf, 4, 5)));
/* What a negative errno of the ledger is; text may be empty. -1. */
int admin_error_ledger(struct admin_error *error, int result, const char *text);
/* {"error":{"code":"...","message":"..."}} */
void admin_error_print(const struct admin_error *error, struct out *out);

#endif
