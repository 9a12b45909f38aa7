/* rollup.h - sums of rows by hour and group, so that a report over ten million rows reads some
 * thousand sums. Pure: where rows come from and where sums are kept is ledger_rollup.h's.
 *
 * A group is what rows share in these columns: hour, model, provider, upstream, api, key_id,
 * client, project, cache, verdict, cause, byok. What has more values than that (users, sessions,
 * tags) is not in it: reports by those read the rows.
 *
 * A correction (row.h) adds its sums and tokens, which are differences, and nothing else: it is no
 * request, and what it corrects has been counted with its latency and its rating.
 *
 * Threads: one per table. Sums do not depend on the order in which rows come, nor on grouping.
 */
#ifndef ACCOUNTING_ROLLUP_H
#define ACCOUNTING_ROLLUP_H

#include "accounting/row.h"
#include "accounting/tally.h"

enum {
    ROLLUP_TTFT_BUCKETS = 72,   /* of a histogram: 8 for each power of 4 ms from 1 ms, up to 262 s;
                                   the   last takes the rest (rollup_ttft_bound()) */
    ROLLUP_GROUPS_MAX = 100000, /* of one hour: an hour with more is summed from its rows */
};

struct rollup_group {
    int64_t hour_ms;                                                /* unix ms of its begin */
    struct text model, provider, upstream, key_id, client, project; /* borrow: of the table */
    enum row_api api;
    enum row_cache cache;
    enum verdict verdict;
    enum cause cause;
    int byok;

    int64_t requests;
    int64_t unbilled;             /* of which `billed` is not known */
    int64_t estimated_requests;   /* requests of which an estimate is known: pricing coverage */
    int64_t tokens[TALLY_TOKENS]; /* USAGE_ABSENT until a row knows one */
    struct maybe_money money[TALLY_MONEY];
    /* By the rating's lines, of rows that were paid for: what 5-minute and 1-hour writes cost, and
     * cached tokens x (input - cache read price), where input was rated, too. */
    struct maybe_money cache_write_cost, cache_read_saving;
    int64_t latency_sum_ms, latency_count;
    uint32_t ttft[ROLLUP_TTFT_BUCKETS];
};

struct rollup;
struct rollup *rollup_new(void); /* give; NULL: no memory */
void rollup_free(struct rollup *rollup);

/* -ENOMEM; -E2BIG: more than ROLLUP_GROUPS_MAX groups, nothing was added; -EOVERFLOW: a sum does
 * not fit, the table is of no use any more. */
int rollup_add(struct rollup *rollup, const struct ledger_row *row);
/* Adds a group's sums to the group of the same columns. hour_ms counts as one. */
int rollup_merge(struct rollup *rollup, const struct rollup_group *group);
/* Groups sorted by their columns, hour first. borrow: as long as the table, which takes no more
 * rows. */
const struct rollup_group *const *rollup_sort(struct rollup *rollup, size_t *ret_count);

/* Upper bound of a bucket in ms (inclusive), and the median of a histogram by linear interpolation
 * within its bucket; -1: it is empty. */
int64_t rollup_ttft_bound(unsigned bucket);
int64_t rollup_ttft_percentile(const uint64_t counts[ROLLUP_TTFT_BUCKETS], unsigned percent);

/* The stored form of a table: msgpack, versioned, sorted, so that equal tables are equal bytes. The
 * table takes no more rows. give: *ret_bytes. Decoding calls fn for each group, in order, whose
 * texts borrow from bytes, and stops at its first non-zero; -EBADMSG: the bytes are none, found
 * before fn sees the group that breaks it. */
int rollup_encode(struct rollup *rollup, uint8_t **ret_bytes, size_t *ret_len);
int rollup_decode(const uint8_t *bytes, size_t len,
                  int (*fn)(void *arg, const struct rollup_group *group), void *arg);

#endif
