/* export_tags.h - a walk over a row's tags: a JSON array of strings. Threads: pure functions. */
#ifndef ACCOUNTING_EXPORT_TAGS_H
#define ACCOUNTING_EXPORT_TAGS_H

#include "accounting/row.h"

struct export_tags_walk {
    const char *at, *end;
    bool begun;
};

struct export_tags_walk export_tags_walk(struct text tags);

/* 1: a tag, decoded into buffer (as many bytes as the array has are enough; NULL: only checked);
 * 0: that was all; -EINVAL: this is no such array. */
int export_tags_next(struct export_tags_walk *walk, char *buffer, size_t *ret_len);

/* True when tags are a whole JSON array of strings, on one line. */
bool export_tags_valid(struct text tags);

/* Bytes of the UTF-8 character at bytes, 0 when it is none. */
size_t export_utf8(const char *bytes, size_t len);

#endif
