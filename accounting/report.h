/* report.h - a month for people, and for machines (JSON): spend, savings, hit rate, requests,
 * tokens and TTFT by model, fees and discounts, wasted cache writes, drift by model and cause, what
 * is unpriced or pending, how much of it is priced.
 *
 * Read from rollups (ledger_rollup.h), so that ten million rows take seconds; groups by user, app
 * or tag read the rows. A request with several tags counts in each of them, and the report says so.
 * Groups beyond REPORT_GROUPS_MAX (report_table.h) are summed as "(others)".
 *
 * spend is what is booked. Savings: what hits and collapsed requests would have cost (`saved`);
 * savings rate = saved / (saved + spend). hits are requests answered from the cache and collapsed
 * ones; hit rate = hits / requests. P50 TTFT is of requests that an upstream answered: hits would
 * only say how often there were any. Pricing coverage: paid requests with an estimate / paid
 * requests; paid are all but free and failed ones.
 * fees and discounts = billed + upstream - market, of requests that were priced and reported;
 * where no market price was reported it is 0. Wasted cache writes: cost of tokens written to a
 * prompt cache by a key and model in an hour in which, and in the hour after which, that key and
 * model read none; hours count once the hour after them is over.
 *
 * JSON, one line: decimals are strings, counts numbers, unknown null; percents are strings with two
 * decimals, cut (100.00 is all of it).
 *
 *     {"month":"2026-11", "closed":false, "closed_at":null, "rows_read":0,
 *      "totals":{SUMS, "ttft_p50_ms":120, "market_usd":"0.1", "estimated_usd":"0.1"},
 *      "coverage":{"paid_requests":2, "estimated_requests":2, "percent":"100.00"},
 *      "fees":{"requests":2, "usd":"0.01"},
 *      "verdicts":{"matched":{"requests":2, "spend_usd":"0.1", "difference_usd":"0"}, ...},
 *      "by":["model"], "overlap":false,
 *      "groups":[{"model":"zai/glm-5.3", SUMS, "ttft_p50_ms":120}],
 *      "drift":[{"model":"...", "cause":"...", "requests":1, "difference_usd":"0.001"}],
 *      "without_estimate":[{"model":"...", "requests":1, "reported":1, "spend_usd":"0.1"}],
 *      "wasted_cache_writes":{"tokens":0, "usd":null,
 *                             "groups":[{"model":"...", "key_id":"...", "tokens":9, "usd":"0.1"}]}}
 *
 * where rows_read says how many rows had to be read for want of kept sums, and SUMS are requests,
 * hits (collapsed ones among them), collapsed, hit_rate_percent, prompt_tokens, completion_tokens,
 * cached_tokens, cache_write_tokens, reasoning_tokens, spend_usd, billed_usd, upstream_usd,
 * saved_usd, saved_by_collapsed_usd, savings_rate_percent. "groups" have the columns of "by"
 * (key_id for key) and are sorted by spend, largest first, unknown last; drift and changes by their
 * size.
 *
 * Against another month:
 *
 *     {"month":"2026-11", "closed":false, "against":"2026-10", "against_closed":true,
 *      "totals":{PAIR}, "by":["tag"], "overlap":true, "groups":[{"tag":"x", "state":"new", PAIR}]}
 *
 * where PAIR is "now":{SUMS}, "then":{SUMS}, "change":{"requests":-1, "spend_usd":"0.1",
 * "saved_usd":"0"}, and state is "new", "gone" or null. Where there were no
 * paid requests nothing was spent, and where there were no hits nothing was saved: 0, not unknown.
 * Corrections of closed months add their sums, but are no requests.
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
/* -EIO when out fails; -EINVAL: a key in `by` stands twice or is none; -EOVERFLOW: a sum does not
 * fit; -ENOMEM; else as the reader. A month without rows says so and is no failure. */
int report_write(struct ledger_reader *reader, const struct report_order *order, FILE *out);

#endif
