/* report_sums.h - what a report adds up for each of its groups, from kept sums or from rows, and
 * which columns it can group by.
 *
 * A sum of which no part is known is unknown, never 0; one that does not fit is an error.
 *
 * Threads: pure functions.
 */
#ifndef ACCOUNTING_REPORT_SUMS_H
#define ACCOUNTING_REPORT_SUMS_H

#include "accounting/export.h"
#include "accounting/rollup.h"

struct report_sums {
    int64_t requests, hits, collapsed; /* hits: from the cache or by another's call, both */
    int64_t paid;                      /* that a call was made for and might cost */
    int64_t estimated;                 /* of those with an estimate */
    int64_t tokens[TALLY_TOKENS];
    struct maybe_money spend, billed, upstream, saved, saved_collapsed;
};
extern const struct report_sums report_sums_empty;

/* Of a request with this verdict, something was asked for that may cost. */
bool report_is_paid(enum verdict verdict);

/* -EOVERFLOW, here and below. */
int report_add_count(int64_t *sum, int64_t count);                             /* negative: none */
int report_add_money(struct maybe_money *sum, const struct maybe_money *more); /* unknown: none */

int report_sums_add_group(struct report_sums *sums, const struct rollup_group *group);
int report_sums_add_row(struct report_sums *sums, const struct ledger_row *row);

/* No request, and no correction of one. */
bool report_is_empty(const struct report_sums *sums);
/* The sums as they are shown: nothing was spent where no request was paid for, nothing saved where
 * there were no hits; else unknown stays unknown. */
struct maybe_money report_spend(const struct report_sums *sums);
struct maybe_money report_saved(const struct report_sums *sums);
struct maybe_money report_saved_collapsed(const struct report_sums *sums);
/* saved / (saved + spend): how much of what it would have cost was not paid. False: not known. */
bool report_savings_rate(const struct report_sums *sums, __int128 *ret_saved, __int128 *ret_whole);

/* --- group keys --- */

enum { REPORT_DAY_SIZE = 11 };

/* Whether kept sums have all these columns; else rows must be read. */
bool report_by_kept(const enum export_key *by, size_t by_count);
/* The column's name in JSON and in headings: "key_id" for key. */
const char *report_key_name(enum export_key key);
/* The group's value of a column that is kept; day: room for one. */
struct text report_group_value(const struct rollup_group *group, enum export_key key,
                               char day[REPORT_DAY_SIZE]);
/* The row's; of a tag: `tag`. */
struct text report_row_value(const struct ledger_row *row, enum export_key key, struct text tag,
                             char day[REPORT_DAY_SIZE]);

#endif
