/* rerate.h - what a month would have cost under another price table. It changes nothing.
 *
 * Threads: one per call.
 */
#ifndef ACCOUNTING_RERATE_H
#define ACCOUNTING_RERATE_H

#include "accounting/ledger.h"
#include "accounting/price.h"

#include <stdio.h>

struct rerate_order {
    int64_t from_ms, to_ms;
    const struct price_table *prices; /* borrow */
    /* The version that rates a row, where its own model's name is not the table's; NULL: by name.
     */
    const struct price *(*find)(void *arg, const struct price_table *table,
                                const struct ledger_row *row);
    void *find_arg;
    bool json;
};
/* By model: requests, tokens, estimated then and under the table, difference; what the table does
 * not price is named. Hits cost nothing under any table, but what they saved is re-rated as well.
 * Every paid row that knows its tokens is rated by the version in force at its start, by the
 * service tier of its answer, and with cache writes read as they were read then; a dated name that
 * the table lacks by the name that was asked for. Corrections of closed months are left out: their
 * tokens are differences.
 *
 *     {"month":"2026-11", "price_table":"64 hex", "totals":{SUMS},
 *      "models":[{"model":"...", SUMS}]}
 *
 * where SUMS are requests (paid ones), prompt_tokens, completion_tokens, cached_tokens; rated (with
 * an estimate then and now), then_usd, now_usd, difference_usd (of those); not_priced (the table
 * has no price, or the row no tokens), not_priced_then_usd; newly_priced (without an estimate
 * then), newly_priced_usd; hits (collapsed requests among them) that could be rated,
 * avoided_then_usd and avoided_now_usd: what they would have cost by the prices of then and of the
 * table. Models are sorted by the size of the difference. -ENOMEM, -EOVERFLOW, -EIO, else as the
 * reader. */
int rerate_write(struct ledger_reader *reader, const struct rerate_order *order, FILE *out);

#endif
