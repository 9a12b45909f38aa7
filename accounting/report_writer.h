/* report_writer.h - values onto a stream, as JSON and as text for a terminal: what reports,
 * explanations and re-ratings are written with.
 *
 * Both forms are UTF-8 whatever a row holds: bytes that are none become U+FFFD. Text for a terminal
 * has control characters and those that turn the direction of writing escaped as \u001b, so that no
 * name can move a cursor or pose as another one.
 *
 * A stream that fails says so in ferror(): the caller looks once, at the end.
 *
 * Threads: one per writer.
 */
#ifndef ACCOUNTING_REPORT_WRITER_H
#define ACCOUNTING_REPORT_WRITER_H

#include "accounting/row.h"

#include <stdio.h>

/* --- JSON --- */

struct report_json {
    FILE *out;
    bool comma; /* one is due before the next member or element */
};
#define REPORT_JSON(stream) ((struct report_json){(stream), false})

/* name is a literal that needs no escapes; NULL for elements of an array and for the document. */
void report_json_open(struct report_json *json, const char *name, char bracket); /* '{' or '[' */
void report_json_close(struct report_json *json, char bracket);                  /* '}' or ']' */
void report_json_null(struct report_json *json, const char *name);
void report_json_text(struct report_json *json, const char *name, struct text text); /* "": null */
void report_json_word(struct report_json *json, const char *name, const char *word); /* "": null */
void report_json_bool(struct report_json *json, const char *name, bool value);
/* Negative: null. */
void report_json_count(struct report_json *json, const char *name, int64_t count);
/* A decimal as a string, or null. */
void report_json_money(struct report_json *json, const char *name, const struct maybe_money *money);
void report_json_time(struct report_json *json, const char *name, int64_t ms); /* RFC 3339 */
/* A value that is JSON already. */
void report_json_raw(struct report_json *json, const char *name, struct text value);

/* --- text for a terminal --- */

/* Bytes that report_plain() may write for a text: a byte becomes six at most, then a NUL. */
#define REPORT_PLAIN_SIZE(max) (6 * (max) + 1)
/* Escapes text to `to`, NUL-terminated; what does not fit in size is left out. Returns its length.
 */
size_t report_plain(struct text text, char *to, size_t size);
void report_put_text(FILE *out, struct text text);

/* Columns that a plain text takes on a terminal, one for each character. */
size_t report_width(const char *plain, size_t len);

/* --- values in both --- */

enum { REPORT_TIME_SIZE = 32, REPORT_PERCENT_SIZE = 48 };

/* "2026-11-20T22:51:51.123Z" */
void report_time(int64_t ms, char text[REPORT_TIME_SIZE]);
/* "12.34": part of whole in percent, cut after two decimals, so that 100 means all of it. Empty
 * where whole is not above 0 or part is below 0. */
void report_percent(__int128 part, __int128 whole, char text[REPORT_PERCENT_SIZE]);
/* The sum as text, or `unknown`. */
void report_money(const struct maybe_money *money, const char *unknown, char text[MONEY_TEXT_MAX]);

#endif
