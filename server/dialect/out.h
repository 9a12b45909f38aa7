/* out.h - a growing text: what converted requests and answers are written into.
 *
 * Errors stick: after the first -ENOMEM every further write is ignored, so that a writer checks
 * `error` once at the end. Nothing here is printf: values are spliced as they came.
 *
 * Threads: one out, one thread.
 */
#ifndef SERVER_DIALECT_OUT_H
#define SERVER_DIALECT_OUT_H

#include "accounting/money.h"
#include "accounting/row.h"
#include "cache/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct out {
    char *bytes; /* malloc'd; NULL while empty; not NUL-terminated */
    size_t len, size;
    int error; /* 0 or -ENOMEM */
};
#define OUT_INIT ((struct out){NULL, 0, 0, 0})

void out_release(struct out *out);
void out_clear(struct out *out); /* forgets the text, keeps the memory */

void out_bytes(struct out *out, const void *bytes, size_t len);
void out_text(struct out *out, const char *text); /* NUL-terminated, as it is */
void out_char(struct out *out, char byte);
void out_number(struct out *out, int64_t value);
void out_money(struct out *out, struct money money); /* plain decimal: 0.0000123 */

/* A JSON string with its quotes; bytes must be UTF-8, what is not is replaced by U+FFFD. */
void out_string(struct out *out, struct text text);
/* The raw text of one value of a document, byte for byte. */
void out_value(struct out *out, const struct json_doc *doc, uint32_t value);
/* The raw text of a document from byte `from` up to byte `to`. */
void out_span(struct out *out, const struct json_doc *doc, size_t from, size_t to);

/* Members of an object that is being written: a comma first unless the last byte is '{'; then the
 * name (ASCII, no escapes needed) with quotes and colon. The value follows by any call above. */
void out_name(struct out *out, const char *name);
/* Elements of an array: a comma first unless the last byte is '['. */
void out_next(struct out *out);

#endif
