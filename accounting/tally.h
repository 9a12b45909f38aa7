/* tally.h - rows added up by group: one entry in memory per group, whatever the number of rows.
 *
 * A group's key is the values of its columns, each with its length before it, so that no two sets
 * of values are ever the same bytes. A correction (row.h) adds its differences, but is no request.
 * A sum over rows of which none knows the value is unknown,
 * never 0; a sum that does not fit is an error, never a wrap.
 *
 * Threads: one per tally. It knows rows only: where they come from is the caller's business.
 */
#ifndef ACCOUNTING_TALLY_H
#define ACCOUNTING_TALLY_H

#include "accounting/row.h"

enum { TALLY_VALUES_MAX = 16, TALLY_KEY_BYTES_MAX = 64 * 1024 };

enum tally_tokens {
    TALLY_PROMPT,
    TALLY_COMPLETION,
    TALLY_CACHED,
    TALLY_CACHE_WRITE,
    TALLY_REASONING,
    TALLY_TOKENS,
};
enum tally_money {
    TALLY_BILLED,
    TALLY_UPSTREAM,
    TALLY_MARKET,
    TALLY_ESTIMATED,
    TALLY_BOOKED,
    TALLY_DIFFERENCE,
    TALLY_SAVED,
    TALLY_MONEY,
};

struct tally_group {
    uint64_t hash;     /* private */
    uint64_t last_row; /* private */
    int64_t requests;
    int64_t hits;                 /* hit or collapsed */
    int64_t unbilled;             /* requests of which `billed` is not known */
    int64_t tokens[TALLY_TOKENS]; /* USAGE_ABSENT until a row knows one */
    struct maybe_money money[TALLY_MONEY];
    size_t key_len;
    char key[];
};

struct tally;

/* groups_max: 0 for as many as there are. give; NULL: no memory. */
struct tally *tally_new(size_t groups_max);
void tally_free(struct tally *tally); /* accepts NULL */

/* Tells that what follows is about another row: a row counts once in each group, however often it
 * is added to it. */
void tally_next_row(struct tally *tally);
/* Adds the row to the group of these values: as many in every call, at most TALLY_VALUES_MAX, of
 * TALLY_KEY_BYTES_MAX together. borrow: all. -ENOMEM; -EOVERFLOW; -E2BIG: groups_max. */
int tally_add(struct tally *tally, const struct text *values, size_t count,
              const struct ledger_row *row);

/* The groups, sorted by their values as bytes. The tally takes no rows any more. borrow: as long
 * as the tally. */
struct tally_group *const *tally_sort(struct tally *tally, size_t *ret_count);

/* Value `index` of a group, from 0. borrow. */
struct text tally_value(const struct tally_group *group, size_t index);

#endif
