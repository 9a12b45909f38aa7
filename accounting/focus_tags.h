/* focus_tags.h - a row's tags as the flat JSON object that FOCUS wants: keys sorted and unique, a
 * tag without a value is true. The caller's own tags stand as they are; what the ledger knows
 * besides (app, environment, and the client where the sub-account is its project) has the prefix
 * "tollgate/", which wins over a tag of that name.
 *
 *     {"batch":true,"tollgate/app":"Search"}
 *
 * Threads: one per struct.
 */
#ifndef ACCOUNTING_FOCUS_TAGS_H
#define ACCOUNTING_FOCUS_TAGS_H

#include "accounting/focus_text.h"
#include "accounting/row.h"

#define FOCUS_TAG_PREFIX "tollgate"

enum {
    FOCUS_TAGS_COUNT_MAX = ROW_TAGS_BYTES_MAX / 3 + 4, /* an empty one takes three bytes */
    FOCUS_TAGS_TEXT_MAX =
        6 * (ROW_TAGS_BYTES_MAX + 3 * ROW_NAME_MAX) + 8 * FOCUS_TAGS_COUNT_MAX + 128,
};

struct focus_tag {
    struct text key, value; /* value: NULL for true */
    bool ours;
};

struct focus_tags {
    size_t count;
    struct focus_tag tags[FOCUS_TAGS_COUNT_MAX];
    char decoded[ROW_TAGS_BYTES_MAX];
    char clean[FOCUS_CLEAN_MAX * (ROW_TAGS_BYTES_MAX + 3 * ROW_NAME_MAX)];
    size_t clean_len;
    char text[FOCUS_TAGS_TEXT_MAX];
};

/* Empty where the row has none. borrow: of tags. */
struct text focus_tags_of(struct focus_tags *tags, const struct ledger_row *row, bool with_client);

#endif
