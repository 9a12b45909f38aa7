/* rerate.h - what a month would have cost under another price table; and our books against the
 * vendor's own bill. Both change nothing.
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
    bool json;
};
/* By model: requests, tokens, estimated then and under the table, difference; what the table does
 * not price is named. Hits cost nothing under any table, but what they saved is re-rated as well.
 * Every paid row that knows its tokens is rated by the version in force at its start. */
int rerate_write(struct ledger_reader *reader, const struct rerate_order *order, FILE *out);

struct bill_order {
    int64_t from_ms, to_ms;
    const char *report; /* JSON text: Vercel's GET /v1/report (group_by=day and model, or either),
                           or OpenRouter's GET /activity. borrow */
    size_t report_len;
    struct text upstream; /* rows of this upstream only; empty: all */
    bool json;
};
/* By day and model: both sides' cost, requests and tokens, difference, likely cause (requests the
 * other does not have, pending rows, BYOK, surcharge, time zone of the day's border, token count,
 * unexplained). -EINVAL with text in error: not such a report; -EFBIG above 64 MiB. */
int bill_write(struct ledger_reader *reader, const struct bill_order *order, FILE *out, char *error,
               size_t error_size);

#endif
