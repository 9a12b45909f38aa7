/* rollup_table.h - what rollup.c and rollup_codec.c share. Threads: pure functions. */
#ifndef ACCOUNTING_ROLLUP_TABLE_H
#define ACCOUNTING_ROLLUP_TABLE_H

#include "accounting/rollup.h"

enum { ROLLUP_TEXTS = 6 };

/* The texts of a group in the order in which groups are sorted. */
void rollup_texts(const struct rollup_group *group, struct text texts[ROLLUP_TEXTS]);
/* The order of groups: below 0, 0 for the same columns, above 0. */
int rollup_compare(const struct rollup_group *a, const struct rollup_group *b);
/* Of no rows. */
void rollup_group_init(struct rollup_group *group);

#endif
