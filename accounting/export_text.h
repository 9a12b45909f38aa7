/* export_text.h - how values look in CSV and in JSON lines, and the buffer they are written to.
 *
 * Text that is not UTF-8 (a header may hold anything) comes out with U+FFFD in its place, so that
 * the file as a whole is UTF-8. Text that a spreadsheet would take for a formula is left as it is:
 * the ledger shows what was recorded.
 *
 * Threads: one per buffer.
 */
#ifndef ACCOUNTING_EXPORT_TEXT_H
#define ACCOUNTING_EXPORT_TEXT_H

#include "accounting/export.h"

#include <string.h>

enum {
    EXPORT_BUFFER_BYTES = 256 * 1024,
    /* No line is longer: a row's texts are bounded (row.h), and a byte becomes six at most. */
    EXPORT_LINE_MAX = 64 * 1024,
    EXPORT_DAY_TEXT = 10, /* "2026-11-20" */
};

struct export_buffer {
    FILE *out;
    enum export_format format;
    bool failed;
    char *at;
    int64_t day; /* the day that day_text names: rows come in runs of one day */
    char day_text[EXPORT_DAY_TEXT];
    char bytes[EXPORT_BUFFER_BYTES];
};

struct export_buffer *export_buffer_new(FILE *out, enum export_format format); /* give; or NULL */
/* Writes what is left; -EIO when out ever failed. take: buffer. */
int export_buffer_finish(struct export_buffer *buffer);

/* Lines: between begin and end there is room for EXPORT_LINE_MAX bytes. */
void export_line_begin(struct export_buffer *buffer);
void export_line_end(struct export_buffer *buffer);

static inline void export_bytes(struct export_buffer *buffer, const char *bytes, size_t len)
{
    memcpy(buffer->at, bytes, len);
    buffer->at += len;
}

static inline void export_char(struct export_buffer *buffer, char c)
{
    *buffer->at++ = c;
}

/* Starts a field of a line: its comma, and its name in JSON lines. name: as EXPORT_NAME makes it.
 */
static inline void export_field(struct export_buffer *buffer, const char *name, size_t name_len,
                                bool first)
{
    if (!first)
        export_char(buffer, ',');
    if (buffer->format == EXPORT_JSONL)
        export_bytes(buffer, name, name_len);
}

/* A column's name as JSON lines want it, and how to find it in there for a CSV header. */
#define EXPORT_NAME(name) "\"" name "\":"
void export_heading(struct export_buffer *buffer, const char *name, size_t name_len, bool first);

/* The values. Unknown is nothing in CSV and null in JSON lines. */
void export_unknown(struct export_buffer *buffer);
void export_text(struct export_buffer *buffer, struct text text);
void export_word(struct export_buffer *buffer, const char *word); /* plain; "" is unknown */
void export_tags(struct export_buffer *buffer, struct text tags);
void export_count(struct export_buffer *buffer, int64_t count); /* negative: unknown */
void export_bool(struct export_buffer *buffer, bool value);
void export_money(struct export_buffer *buffer, const struct maybe_money *money);
void export_time(struct export_buffer *buffer, int64_t ms);

/* The day of ms, as YYYY-MM-DD. */
const char *export_day(struct export_buffer *buffer, int64_t ms);

#endif
