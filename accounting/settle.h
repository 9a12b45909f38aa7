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
/* A record that says nothing: for an answer's own surcharge, and to begin with. */
#define SETTLE_RECORD_INIT ((struct settle_record){.usage = USAGE_INIT, .byok = -1})

/* What rates the row: the table's versions of its model, oldest first; none: unpriced, the estimate
 * that the row has stays. */
struct settle_prices {
    const struct price *versions;
    size_t version_count;
    struct text hash; /* of the table */
};

/* Room for the texts that a settled row borrows: one for each row, as long as the row's texts are
 * used. The same row may be settled with it again and again, its texts being there already; another
 * row settled with it changes those of the first. */
struct settle_room {
    char rating[ROW_RATING_BYTES_MAX];
    char observed[ROW_OBSERVED_BYTES_MAX];
};

/* Rates row->usage by the version in force at row->created_at_ms, sets estimated, rating,
 * price_hash; then booked, difference, verdict and cause from what the row knows. What cannot be
 * rated (no version, no tokens, no price for some) keeps the estimate that it has, with its rating
 * and its hash; without one it gets the hash of the table that did not know it. may_still_report: a
 * look-up is planned. record: what the generation record (or, of the surcharge, the answer) said,
 * for the cause; NULL: none. A sum that does not fit leaves booked and difference unknown, verdict
 * unknown. A row that is free stays free; one that has failed stays so unless somebody bills it.
 * borrow: prices->hash and room, by the row. */
void settle_rate(struct ledger_row *row, const struct settle_prices *prices,
                 const struct settle_record *record, bool may_still_report, int64_t tolerance_ppm,
                 struct settle_room *room);

/* A record was read at now_ms: its facts replace those of the row, its costs are observed, the row
 * is rated and judged anew. A pending row whose record does not say what was billed stays pending:
 * that may still come. True when anything changed; a record that says nothing new changes nothing,
 * not even where the price table is another one by now. An observed list that cannot be read stays
 * as it is, for `verify` to find, and the record's figures hold. borrow: the texts of record too.
 */
bool settle_with_record(struct ledger_row *row, const struct settle_record *record,
                        const struct settle_prices *prices, int64_t now_ms, int64_t tolerance_ppm,
                        struct settle_room *room);

/* Nobody asks any more: pending becomes unreported, or unknown; other verdicts stay. True when it
 * changed. */
bool settle_give_up(struct ledger_row *row, int64_t tolerance_ppm);

/* The row that corrects `was` to be `is`, for a month that is closed: ids, names, tags, rating and
 * observations of `is` with route "correction", source_id the id of was, corrects its place; sums
 * and tokens as differences (unknown where they are equal), so that was and its correction add up
 * to is; verdict and cause of `is`, cache that of was. prompt_tokens counts as in was, with its
 * cache reads and writes or without.
 *
 * Of tokens a correction carries growths only. A stored count below 0 means that it is unknown, so
 * tokens that became fewer are left out: their sums stay those of `was`, while the money is right
 * to the femto, and the correction's rating has the true counts. verify and rollups add up what
 * rows hold, and agree with each other on it. -EOVERFLOW. Texts borrow from is, was and corrects.
 */
int settle_correction(const struct ledger_row *was, const struct ledger_row *is,
                      const char *corrects, struct ledger_row *ret_row);

#endif
