#include "server/admin_error.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int admin_error_set(struct admin_error *error, int status, const char *code, const char *format,
                    ...)
{
    va_list arguments;

    assert(status >= 400 && status < 600);
    error->status = status;
    error->code = code;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    return -1;
}

int admin_error_ledger(struct admin_error *error, int result, const char *text)
{
    bool told = text[0] != '\0';

    assert(result < 0);
    switch (result) {
    case -ECANCELED:
        return admin_error_set(error, 503, "stopping",
                               "the gateway is stopping, or opens its ledger again; ask again");
    case -ETIMEDOUT:
        return admin_error_set(error, 503, "ledger_behind", "%s",
                               told ? text
                                    : "the ledger has not written its last rows yet: see whether "
                                      "its disk is full");
    case -ENOMEM:
        return admin_error_set(error, 503, "no_memory", "there is no memory for it now; ask again");
    case -E2BIG:
        return admin_error_set(error, 400, "too_many_groups", "%s",
                               told ? text : "there are too many groups: group by less");
    case -EINVAL:
        return admin_error_set(error, 400, "bad_request", "%s", told ? text : "it cannot be done");
    default:
        return admin_error_set(error, 500, "ledger_unreadable", "the ledger: %s",
                               told ? text : strerror(-result));
    }
}

void admin_error_print(const struct admin_error *error, struct out *out)
{
    assert(error->status != 0);
    out_text(out, "{\"error\":{\"code\":");
    out_string(out, text_of(error->code));
    out_text(out, ",\"message\":");
    out_string(out, text_of(error->message));
    out_text(out, "}}");
}
