/* report.h - a month for people, and for machines (JSON): spend, savings, hit rate, requests,
 * tokens and TTFT by model, fees and discounts, wasted cache writes, drift by model and cause, what
 * is unpriced or pending, how much of it is priced.
 *
 * Read from rollups (ledger_rollup.h), so that ten million rows take seconds; groups by user,
 * session, app, tag or environment read the rows.
 *
 * fees and discounts = billed + upstream - market, of rows that know both. Wasted cache writes:
 * cost of tokens written to a prompt cache by a key and model in an hour in which, and in the hour
 * after which, that key and model read none. Savings: what hits and collapsed requests would have
 * cost (`saved`). Pricing coverage: paid requests with an estimate / paid requests.
 *
 * Threads: one per call.
 */
#ifndef ACCOUNTING_REPORT_H
#define ACCOUNTING_REPORT_H

#include "accounting/export.h"
#include "accounting/ledger_rollup.h"

struct report_order {
    int64_t from_ms, to_ms;                 /* the month */
    int64_t against_from_ms, against_to_ms; /* another one to compare with; 0 and 0: none */
    const enum export_key *by; /* for the comparison, or groups instead of models; NULL */
    size_t by_count;
    bool json;
    int64_t now_ms;
};
/* -EIO when out fails; else as the reader. */
int report_write(struct ledger_reader *reader, const struct report_order *order, FILE *out);

#endif
