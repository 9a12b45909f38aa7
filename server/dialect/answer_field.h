/* answer_field.h - reads one member of an upstream's JSON, and tells what is not as it should be.
 * Private to answer*.c. Every token may be JSON_NONE: that reads as "not said".
 * Threads: pure functions.
 */
#ifndef SERVER_ANSWER_FIELD_H
#define SERVER_ANSWER_FIELD_H

#include "accounting/reconcile.h"
#include "cache/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* JSON null and absence are the same to us. */
bool answer_field_is_said(const struct json_doc *doc, uint32_t token);
bool answer_field_is(const struct json_doc *doc, uint32_t token, enum json_type type);

/* Copies a string, cut to size - 1 bytes at a character's boundary and at a NUL. False, and text is
 * left alone, when it is not a string or is empty. */
bool answer_field_text(const struct json_doc *doc, uint32_t token, char *text, size_t size);

/* The same for an id: whole or not at all. */
bool answer_field_id(const struct json_doc *doc, uint32_t token, char *id, size_t size);
/* Visible ASCII that needs no quoting anywhere, between 1 and size - 1 bytes. */
bool answer_field_id_is_sound(const char *id, size_t len, size_t size);

/* A count of tokens. USAGE_ABSENT when not said, and, with *odd set, when it is none. */
int64_t answer_field_count(const struct json_doc *doc, uint32_t token, bool *odd);

/* Money as a number or a decimal string, read from its raw text. Unknown when not said, and, with
 * *odd set, when it is no decimal, too large, or negative: no gateway bills less than nothing. */
struct maybe_money answer_field_money(const struct json_doc *doc, uint32_t token, bool *odd);

/* 1, 0, or -1 when not said. */
int answer_field_bool(const struct json_doc *doc, uint32_t token);

#endif
