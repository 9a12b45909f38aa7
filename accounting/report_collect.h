/* report_collect.h - one month's sums, from kept sums and, where --by needs them, from rows.
 *
 * Hours are read one after the other, so that a cache write can be held against the reads of its
 * own and of the next hour without keeping more than two hours in memory.
 *
 * Threads: one per call.
 */
#ifndef ACCOUNTING_REPORT_COLLECT_H
#define ACCOUNTING_REPORT_COLLECT_H

#include "accounting/ledger_month.h"
#include "accounting/report.h"
#include "accounting/report_sums.h"
#include "accounting/report_table.h"

#define REPORT_HOUR_MS INT64_C(3600000)

/* By model, or by order->by. */
struct report_line {
    struct report_sums sums;
    uint64_t ttft[ROLLUP_TTFT_BUCKETS]; /* of requests that an upstream answered */
};
/* By model and cause: estimates that what was reported differs from. */
struct report_drift {
    int64_t requests;
    struct maybe_money difference;
};
/* By model: paid requests without an estimate, and of those the ones whose cost was reported. */
struct report_unpriced {
    int64_t requests, reported;
    struct maybe_money spend;
};
/* By model and key: tokens written to a prompt cache and never read. */
struct report_waste {
    int64_t tokens; /* USAGE_ABSENT: none */
    struct maybe_money cost;
    struct report_waste_hour {
        int64_t hour_ms; /* -1: none */
        int64_t tokens;
        struct maybe_money cost;
        bool read; /* something was read from the cache in it */
    } before, last;
};
/* Of a verdict. */
struct report_verdict {
    int64_t requests;
    struct maybe_money spend, difference;
};

/* A table's groups in the order in which they are shown. */
struct report_list {
    struct report_table *table;
    void *const *sums;
    size_t count;
};

struct report_month {
    int64_t from_ms, to_ms, now_ms;
    char name[LEDGER_MONTH_NAME];
    bool closed;
    int64_t closed_ms;
    uint64_t rows_read; /* for want of kept sums, or of columns in them */

    struct report_line total;
    struct maybe_money market, estimated;
    struct maybe_money fees; /* billed + upstream - market, of rows that have an estimate, too */
    int64_t fees_requests;   /* priced and reported: what fees are of */
    struct report_verdict verdicts[VERDICTS];
    struct report_waste waste;

    const enum export_key *by; /* borrow */
    size_t by_count;
    struct report_list lines;    /* struct report_line, by `by`: dearest first */
    struct report_list drift;    /* struct report_drift, by model and cause: largest first */
    struct report_list unpriced; /* struct report_unpriced, by model: dearest first */
    struct report_list wasted;   /* struct report_waste, by model and key_id: dearest first, without
                                    those that wasted nothing */
};

/* Reads the order's month. ret_month: all zeroes before; give: what report_month_release() frees,
 * also on failure. -ENOMEM, -EOVERFLOW, or as the reader. */
int report_collect(struct ledger_reader *reader, const struct report_order *order,
                   struct report_month *ret_month);
void report_month_release(struct report_month *month);

/* Name and state alone. */
int report_month_open(struct ledger_reader *reader, int64_t from_ms, int64_t to_ms,
                      struct report_month *ret_month);

/* For sorting: what is known first, larger sums (or larger sizes of sums) before smaller ones. */
int report_compare_money(const struct maybe_money *a, const struct maybe_money *b);
int report_compare_sizes(const struct maybe_money *a, const struct maybe_money *b);

/* Calls fn for every group that a row belongs to by these keys: one, or one for each of its tags
 * (each once). Stops at fn's first failure. */
int report_row_groups(const struct ledger_row *row, const enum export_key *by, size_t by_count,
                      int (*fn)(void *arg, const struct text *values, const struct ledger_row *row),
                      void *arg);
/* The values of a group by keys that are kept. day: room for them. */
void report_group_values(const struct rollup_group *group, const enum export_key *by,
                         size_t by_count, struct text values[EXPORT_KEYS],
                         char day[REPORT_DAY_SIZE]);

#endif
