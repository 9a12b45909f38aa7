/* settle.h - a row meets a later truth: what a generation record said, or that we gave up.
 * Threads: pure functions.
 */
#ifndef ACCOUNTING_SETTLE_H
#define ACCOUNTING_SETTLE_H

#include "accounting/cause.h"
#include "accounting/observe.h"
#include "accounting/rating.h"

/* What a generation record said. Texts and usage apply only where present. */
struct settle_record {
    struct usage usage; /* USAGE_INIT: it had none */
    struct text model, provider, finish_reason, service_tier;
    struct maybe_money billed, upstream_cost, market, surcharge;
    int byok; /* -1: not said */
};

/* What rates the row: the table's versions of its model; none: unpriced, the estimate that the row
 * has stays. */
struct settle_prices {
    const struct price *versions;
    size_t version_count;
    struct text hash; /* of the table */
};

/* Room for the texts that a settled row borrows. */
struct settle_room {
    char rating[ROW_RATING_BYTES_MAX];
    char observed[ROW_OBSERVED_BYTES_MAX];
};

/* Rates row->usage by the version in force at row->created_at_ms, sets estimated, rating,
 * price_hash; then booked, difference, verdict and cause from what the row knows. may_still_report:
 * a look-up is planned. record: what the generation record said, for the cause; NULL: none. A sum
 * that does not fit leaves booked and difference unknown, verdict unknown. */
void settle_rate(struct ledger_row *row, const struct settle_prices *prices,
                 const struct settle_record *record, bool may_still_report, int64_t tolerance_ppm,
                 struct settle_room *room);

/* A record was read at now_ms: its facts replace those of the row, its costs are observed, the row
 * is rated and judged anew. True when anything changed. */
bool settle_with_record(struct ledger_row *row, const struct settle_record *record,
                        const struct settle_prices *prices, int64_t now_ms, int64_t tolerance_ppm,
                        struct settle_room *room);

/* Nobody asks any more: pending becomes unreported, or unknown; other verdicts stay. True when it
 * changed. */
bool settle_give_up(struct ledger_row *row, int64_t tolerance_ppm);

/* The row that corrects `was` to be `is`, for a month that is closed: ids, names and tags of `is`
 * with route "correction", source_id the id of was, corrects its place; sums and tokens as
 * differences (unknown where they are equal), verdict and cause of `is`, cache that of was.
 * -EOVERFLOW. Texts borrow from is, was and corrects. */
int settle_correction(const struct ledger_row *was, const struct ledger_row *is,
                      const char *corrects, struct ledger_row *ret_row);

#endif
