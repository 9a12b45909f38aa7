/* explain.h - one request's whole story: what was asked, attempts and routing, pricing lines,
 * reported against estimated with every observation and the cause, and the chain of hits: the
 * source it came from and how often it was served again.
 *
 * JSON, one line; decimals are strings, counts numbers, unknown null:
 *
 *     {"id":"gen-1", "created_at":"2026-11-20T22:51:51.123Z", "month_closed":false,
 *      "api":"chat", "streamed":true,
 *      "client":null, "key_id":"...", "project":null, "user":null, "session":null, "app":null,
 *      "origin":null, "environment":null, "tags":["x"], "preset":null,
 *      "model_requested":"...", "model":"...", "provider":"...", "upstream":"...",
 *      "upstream_id":"...", "route":"first", "route_reason":"the first in order",
 *      "attempts":[{"upstream":"...", "model":"...", "status":503, "ms":12}],
 *      "cache":"miss", "status":200, "finish_reason":"stop", "native_finish_reason":null,
 *      "latency_ms":900, "ttft_ms":120, "byok":false, "service_tier":null,
 *      "usage":{"prompt_tokens":120, "completion_tokens":16, "cached_tokens":null,
 *               "cache_write_tokens":null, "cache_write_1h_tokens":null, "reasoning_tokens":null,
 *               "audio_tokens":null, "image_tokens":null, "web_searches":null,
 *               "image_input_tokens":null, "video_input_tokens":null, "audio_output_tokens":null,
 *               "images":null, "exclusive":false},
 *      "pricing":{"lines":[{"class":"input", "billed_as":"input", "quantity":120,
 *                           "unit_price_usd":"0.0000014", "cost_usd":"0.000168"}],
 *                 "cost_usd":"0.000168", "context_above":0, "service_tier":null,
 *                 "multiplier":"1", "flags":["fallback_price"], "price_table":"64 hex"},
 *      "observations":[{"from":"usage", "at":"...", "billed_usd":"...", "upstream_usd":null,
 *                       "market_usd":null, "byok":null}],
 *      "billed_usd":"...", "upstream_usd":null, "market_usd":"...", "estimated_usd":"...",
 *      "difference_usd":"0", "booked_usd":"...", "saved_usd":null,
 *      "verdict":"matched", "verdict_reason":"...", "cause":null, "cause_reason":null,
 *      "version":0,
 *      "source":{"id":"...", "found":true, "created_at":"...", "booked_usd":"..."},
 *      "served_again":{"source_id":"gen-1", "hits":3, "collapsed":1, "first_at":"...",
 *                      "first_id":"...", "last_at":"...", "last_id":"...", "saved_usd":"...",
 *                      "looked_until":"..."},
 *      "corrections":[{"at":"...", "corrects":"ms/sequence", "booked_usd":"...",
 *                      "difference_usd":"...", "verdict":"matched", "cause":null}],
 *      "correction_count":1}
 *
 * pricing is null where nothing was rated, source on all but hits and collapsed requests,
 * served_again where nothing could be served again (the request was refused, or never meant to be
 * cached) or the source is gone. On a hit and on a collapsed request attempts, observations and
 * pricing are those of its source: what was avoided; served_again then is the source's, too.
 *
 * Threads: one per call.
 */
#ifndef ACCOUNTING_EXPLAIN_H
#define ACCOUNTING_EXPLAIN_H

#include "accounting/ledger.h"

#include <stdio.h>

struct explain_order {
    struct text id; /* ours or the upstream's */
    bool json;
    int64_t hits_days; /* how far after the source hits are looked for; 0: 90 */
};
/* Hits, and corrections of a closed month, are found by reading the rows after the source: seconds
 * where there are millions. -ENOENT: no such row. -EIO when out fails; -ENOMEM; else as the reader.
 */
int explain_write(struct ledger_reader *reader, const struct explain_order *order, FILE *out);

#endif
