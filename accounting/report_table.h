/* report_table.h - groups by their values, each with sums of the caller's choice: a hash table that
 * is filled once, then sorted.
 *
 * A key is its values with their lengths, so that no two sets of values are the same bytes. How
 * many groups there are is up to whoever sends requests (users, tags, made-up models): beyond
 * groups_max, what is new counts in one group whose values all are report_others, so that sums stay
 * whole and memory bounded.
 *
 * Threads: one per table.
 */
#ifndef ACCOUNTING_REPORT_TABLE_H
#define ACCOUNTING_REPORT_TABLE_H

#include "accounting/text.h"

#include <stddef.h>

enum { REPORT_VALUES_MAX = 16, REPORT_GROUPS_MAX = 50000 };
extern const char report_others[]; /* "(others)" */

struct report_table;

/* empty: what a new group's sums are, copied. give; NULL: no memory. */
struct report_table *report_table_new(const void *empty, size_t size, size_t groups_max);
void report_table_free(struct report_table *table); /* accepts NULL */

/* The sums of the group of these values, made where there is none yet; NULL: no memory. borrow:
 * values for the call; the result stays where it is as long as the table. */
void *report_table_get(struct report_table *table, const struct text *values, size_t count);

/* Value `index` of the group whose sums these are. borrow. */
struct text report_table_value(const struct report_table *table, const void *sums, size_t index);

/* Calls fn with the sums of every group, in no order; stops at its first non-zero and returns it.
 * fn adds no groups. */
int report_table_each(struct report_table *table, int (*fn)(void *arg, void *sums), void *arg);

/* The groups' sums in order; equal ones by their values. The table takes no groups any
 * more. borrow. */
void *const *report_table_sort(struct report_table *table,
                               int (*compare)(const void *a, const void *b), size_t *ret_count);

#endif
