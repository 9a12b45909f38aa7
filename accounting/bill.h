/* bill.h - the ledger's month against what the vendor says it billed: Vercel's GET /v1/report or
 * OpenRouter's GET /activity. It changes nothing.
 *
 * Our side are the kept sums of every request that went to an upstream and may cost: no hits, no
 * collapsed requests, none that was refused. Both sides are compared by what the vendor's rows are
 * grouped by (day and model, or either one); rows that are finer (provider, key, hour) are added
 * up. Differences are the vendor's figure less ours, whatever we do not know counting as nothing,
 * so that the lines' differences always add up to that of the totals.
 *
 * Threads: one per call.
 */
#ifndef ACCOUNTING_BILL_H
#define ACCOUNTING_BILL_H

#include "accounting/ledger.h"

#include <stdio.h>

enum {
    BILL_REPORT_MAX = 64 << 20, /* bytes of the vendor's report */
    BILL_ROWS_MAX = 100000,     /* rows of it */
    BILL_TOLERANCE = 1000000,   /* 1e-15 USD: what a line may differ by and still agree, 1e-9 USD */
};

struct bill_order {
    int64_t from_ms, to_ms; /* a month, UTC */
    const char *report;     /* JSON text: Vercel's GET /v1/report (group_by=day and model, or
                               either), or OpenRouter's GET /activity. borrow */
    size_t report_len;
    struct text upstream; /* rows of this upstream only; empty: all. borrow */
    bool json;
};

/* By day and model: both sides' cost, requests and tokens, the difference, and its likely cause.
 * As JSON:
 *
 *     {"month":"2026-11", "vendor":"vercel", "upstream":null, "several_upstreams":false,
 *      "by":["day","model"],
 *      "report":{"rows":9, "first_day":"2026-11-01", "last_day":"2026-11-30",
 *                "outside_rows":0, "outside_usd":null},
 *      "agrees":false, "differing":1,
 *      "causes":[{"cause":"equal", "lines":8, "difference_usd":"0"}],
 *      "totals":{SUMS}, "lines":[{"day":"2026-11-01", "model":"...", "agrees":true,
 * "cause":"equal", SUMS}]}
 *
 * where SUMS are vendor and ledger: {cost_usd, market_usd, surcharge_usd, upstream_usd, requests,
 * prompt_tokens, completion_tokens, cached_tokens, cache_write_tokens, reasoning_tokens}, the
 * ledger's with pending, unreported and byok, too; difference_usd, requests_difference,
 * prompt_tokens_difference, completion_tokens_difference. Causes:
 *
 *     equal          cost, requests and tokens
 *     not-in-report  the vendor's report has no such row
 *     not-in-ledger  no request of ours: calls made past the gateway
 *     pending        requests of ours whose cost is still to come
 *     unreported     requests of ours whose cost never came
 *     byok           the size of what was billed under one's own key
 *     surcharge      the size of the vendor's surcharge
 *     requests       one side has more requests
 *     day-border     the neighbouring day has the opposite difference
 *     token-count    equal requests, other tokens
 *     unexplained
 *
 * A line agrees when its costs are no more than BILL_TOLERANCE apart, whatever else it differs in.
 * *ret_agrees: all of them do.
 *
 * -EINVAL: not such a report; -EFBIG: too large; -EOVERFLOW: sums that do not fit; all with text in
 * error. -ENOMEM, -EIO (out), else as the reader. */
int bill_write(struct ledger_reader *reader, const struct bill_order *order, FILE *out, char *error,
               size_t error_size, bool *ret_agrees);

#endif
