/* focus_text.h - texts and numbers as a FOCUS dataset holds them. Threads: pure functions. */
#ifndef ACCOUNTING_FOCUS_TEXT_H
#define ACCOUNTING_FOCUS_TEXT_H

#include "accounting/money.h"
#include "accounting/text.h"

enum {
    FOCUS_CLEAN_MAX = 3,   /* bytes that a byte may become by focus_clean() */
    FOCUS_ESCAPED_MAX = 6, /* by focus_json_string(), of clean text */
    FOCUS_TIME_TEXT = 20,  /* "2026-11-20T22:00:00Z" */
};

/* The text as UTF-8: each byte that is none as U+FFFD, and NUL, which readers of text stop at. Cut
 * at len_max bytes of the source. Returns the length. */
size_t focus_clean(char *at, struct text text, size_t len_max);

/* Clean text as a JSON string with its quotes. */
size_t focus_json_string(char *at, struct text text);

/* A sum in 1e-21 USD, plain decimal. At most MONEY_TEXT_MAX bytes, its NUL included. */
size_t focus_print_fine(__int128 value, char text[MONEY_TEXT_MAX]);

/* The second that ms lies in, UTC. No NUL. */
void focus_print_time(int64_t ms, char text[FOCUS_TIME_TEXT]);

/* -1, 0 or 1: as bytes, the shorter first. */
int focus_compare(struct text a, struct text b);

#endif
