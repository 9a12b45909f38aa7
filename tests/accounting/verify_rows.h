/* verify_rows.h - rows that keep all laws, for tests that break one. */
#ifndef TESTS_ACCOUNTING_VERIFY_ROWS_H
#define TESTS_ACCOUNTING_VERIFY_ROWS_H

#include "accounting/ledger_month.h"
#include "accounting/observe.h"
#include "accounting/rating.h"
#include "accounting/settle.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OCTOBER INT64_C(1790812800000) /* 2026-10-01T00:00:00Z */
#define NOVEMBER INT64_C(1793491200000)
#define DECEMBER INT64_C(1796083200000)
#define JANUARY INT64_C(1798761600000)
#define NOW (DECEMBER + INT64_C(20) * LEDGER_DAY_MS)
#define HOUR INT64_C(3600000)

enum { TOLERANCE = 1000 };

static inline struct maybe_money femto(int64_t sum)
{
    return (struct maybe_money){true, {sum}};
}

/* Texts that a row borrows. */
struct made {
    char id[40], upstream_id[40], observed[ROW_OBSERVED_BYTES_MAX];
    struct settle_room room;
    struct ledger_row row;
};

static inline void judge(struct ledger_row *row, bool pending)
{
    struct reconcile_input input = {
        .billed = row->billed,
        .upstream = row->upstream_cost,
        .market = row->market,
        .estimated = row->estimated,
        .may_still_report = pending,
        .tolerance_ppm = TOLERANCE,
    };
    struct reconcile_result result;
    assert_int_equal(reconcile(&input, &result), 0);
    row->booked = result.booked;
    row->difference = result.difference;
    row->verdict = result.verdict;
    row->cause = result.verdict == VERDICT_OVER || result.verdict == VERDICT_UNDER
                     ? CAUSE_UNEXPLAINED
                     : CAUSE_NONE;
}

static inline void make_paid(struct made *made, size_t number, int64_t ms)
{
    struct ledger_row *row = &made->row;
    struct estimate estimate = {.count = 2, .multiplier_ppm = PRICE_MULTIPLIER_NONE};
    row->usage.prompt_tokens = 100 + (int64_t)number;
    row->usage.completion_tokens = 20;
    estimate.lines[0] = (struct estimate_line){
        PRICE_INPUT, PRICE_INPUT, 100 + (int64_t)number, {INT64_C(150000000)}, {0}};
    estimate.lines[1] =
        (struct estimate_line){PRICE_OUTPUT, PRICE_OUTPUT, 20, {INT64_C(600000000)}, {0}};
    estimate.cost.femto = (100 + (int64_t)number) * INT64_C(150000000) + INT64_C(12000000000);
    row->estimated = (struct maybe_money){true, estimate.cost};
    row->rating = (struct text){made->room.rating, rating_print(&estimate, made->room.rating)};
    if (number % 7 != 3) {
        struct observation seen = {.source = OBSERVE_USAGE, .at_ms = ms + 5, .byok = -1};
        seen.billed = row->estimated;
        if (number % 11 == 5)
            seen.billed.money.femto += 3000000000; /* over */
        seen.market = seen.billed;
        assert_int_equal(observe_add(row, &seen, made->observed), 1);
    }
    judge(row, false);
}

static inline void make_hit(struct made *made)
{
    struct ledger_row *row = &made->row;
    row->cache = CACHE_HIT;
    row->usage.prompt_tokens = row->usage.completion_tokens = 0;
    row->billed = row->upstream_cost = row->market = femto(0);
    row->estimated = row->booked = row->difference = femto(0);
    row->saved = femto(27000000000);
    row->source_id = TEXT("gen-1790812800-source");
    row->verdict = VERDICT_FREE;
}

/* The number decides what kind of request it is. */
static inline void make_row(struct made *made, size_t number, int64_t ms)
{
    struct ledger_row *row = &made->row;
    memset(made, 0, sizeof(*made));
    row_init(row);
    row->api = API_CHAT;
    row->cache = CACHE_MISS;
    row->status = 200;
    row->created_at_ms = ms;
    snprintf(made->id, sizeof(made->id), "gen-%" PRId64 "-%06zu", ms / 1000, number);
    snprintf(made->upstream_id, sizeof(made->upstream_id), "chatcmpl-%zu", number % 9);
    row->id = text_of(made->id);
    row->model = TEXT("openai/gpt-4o-mini");
    row->user = TEXT("nobody in particular");
    row->tags = TEXT("[\"a\",\"b\"]");
    row->latency_ms = 900;
    if (number % 3 == 1) {
        make_hit(made);
        return;
    }
    row->upstream = TEXT("vercel");
    row->upstream_id = text_of(made->upstream_id);
    if (number % 17 == 6)
        row->verdict = VERDICT_FAILED;
    else
        make_paid(made, number, ms);
}

#endif
