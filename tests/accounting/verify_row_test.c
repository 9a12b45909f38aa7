#include "accounting/verify_row.h"

#include "accounting/observe.h"
#include "accounting/rating.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct maybe_money femto(int64_t sum)
{
    return (struct maybe_money){true, {sum}};
}

struct sample {
    struct ledger_row row;
    char rating[ROW_RATING_BYTES_MAX], observed[ROW_OBSERVED_BYTES_MAX];
};

/* A row that was paid for: 10 tokens at 1e-6 USD, billed as estimated. */
static void make_paid(struct sample *sample)
{
    struct estimate estimate = {.count = 1, .multiplier_ppm = PRICE_MULTIPLIER_NONE};
    struct observation seen = {.source = OBSERVE_USAGE, .at_ms = 1005, .byok = -1};
    struct ledger_row *row = &sample->row;
    memset(sample, 0, sizeof(*sample));
    row_init(row);
    row->created_at_ms = 1000;
    row->id = TEXT("gen-1-x");
    row->status = 200;
    row->cache = CACHE_MISS;
    row->usage.prompt_tokens = 10;
    estimate.lines[0] =
        (struct estimate_line){PRICE_INPUT, PRICE_INPUT, 10, {1000000000}, {10000000000}};
    estimate.cost.femto = 10000000000;
    row->estimated = femto(10000000000);
    row->rating = (struct text){sample->rating, rating_print(&estimate, sample->rating)};
    seen.billed = femto(10000000000);
    assert_int_equal(observe_add(row, &seen, sample->observed), 1);
    row->booked = row->billed;
    row->difference = femto(0);
    row->verdict = VERDICT_MATCHED;
}

static void make_hit(struct sample *sample)
{
    struct ledger_row *row = &sample->row;
    memset(sample, 0, sizeof(*sample));
    row_init(row);
    row->created_at_ms = 1000;
    row->id = TEXT("gen-1-y");
    row->cache = CACHE_HIT;
    row->verdict = VERDICT_FREE;
    row->usage.prompt_tokens = 0;
    row->booked = row->billed = row->estimated = row->difference = femto(0);
    row->saved = femto(7);
    row->source_id = TEXT("gen-1-x");
}

static const char *law_of_as(const struct ledger_row *row, bool early, int64_t tolerance_ppm)
{
    uint8_t bytes[ROW_ENCODED_MAX];
    struct ledger_ref ref = {1000, 5};
    struct verify_row check = {&ref, bytes, 0, tolerance_ppm, early};
    struct ledger_row decoded;
    bool is_decoded;
    struct ledger_row placed = *row;
    placed.sequence = ref.sequence;
    assert_int_equal(row_encode(&placed, bytes, sizeof(bytes), &check.len), 0);
    return verify_row(&check, &is_decoded, &decoded);
}

static const char *law_of(const struct ledger_row *row)
{
    return law_of_as(row, false, 1000);
}

static void rows_that_keep_the_laws_pass(void **state)
{
    struct sample sample;
    (void)state;
    make_paid(&sample);
    assert_null(law_of(&sample.row));
    make_hit(&sample);
    assert_null(law_of(&sample.row));
    sample.row.cache = CACHE_COLLAPSED; /* its client left before its leader had a cost */
    sample.row.source_id = (struct text){NULL, 0};
    sample.row.saved = (struct maybe_money){0};
    assert_null(law_of(&sample.row));
    make_paid(&sample);
    row_init(&sample.row);
    sample.row.id = TEXT("gen-1-z");
    sample.row.created_at_ms = 1000;
    sample.row.verdict = VERDICT_FAILED;
    assert_null(law_of(&sample.row));
    sample.row.verdict = VERDICT_UNKNOWN;
    assert_null(law_of(&sample.row));
}

static void expect(const struct ledger_row *row, const char *law)
{
    const char *found = law_of(row);
    if (found == NULL || strcmp(found, law) != 0)
        fail_msg("\"%s\" instead of \"%s\"", found != NULL ? found : "nothing", law);
}

#define EXPECT(change, law)                                                                        \
    do {                                                                                           \
        make_paid(&sample);                                                                        \
        change;                                                                                    \
        expect(&sample.row, law);                                                                  \
    } while (0)

static void each_law_of_a_paid_row_is_checked(void **state)
{
    struct sample sample;
    struct ledger_row *row = &sample.row;
    (void)state;
    EXPECT(row->id.len = 0, "has no id");
    EXPECT(row->created_at_ms++, "has another created_at than its place");
    EXPECT(row->verdict = VERDICT_NONE, "has no verdict");
    EXPECT(row->verdict = VERDICT_OVER, "has a verdict that its sums do not make");
    EXPECT(row->verdict = VERDICT_PENDING, "has a verdict that its sums do not make");
    EXPECT(row->verdict = VERDICT_UNKNOWN, "has a verdict that its sums do not make");
    EXPECT(row->verdict = VERDICT_FREE, "is free but no hit");
    EXPECT(row->verdict = VERDICT_FAILED, "failed but is booked");
    EXPECT(row->cache = CACHE_HIT, "is a hit but not free");
    EXPECT(row->booked.money.femto++, "has a booked_usd that its other sums do not make");
    EXPECT(row->booked.known = false, "has a booked_usd that its other sums do not make");
    EXPECT(row->billed.money.femto++, "has a booked_usd that its other sums do not make");
    EXPECT(row->upstream_cost = femto(1), "has a booked_usd that its other sums do not make");
    EXPECT(row->difference = femto(1), "has a difference_usd that its other sums do not make");
    EXPECT(row->difference.known = false, "has a difference_usd that its other sums do not make");
    EXPECT(row->estimated.money.femto++, "has a difference_usd that its other sums do not make");
    EXPECT(row->market = row->billed, "has reported sums that nobody was observed to report");
    EXPECT(row->rating.len = 0, "has an estimated_usd without the lines that it adds up from");
    EXPECT(row->rating = TEXT("1;0:0:11:1000000000"),
           "has an estimated_usd that its rating does not add up to");
    EXPECT(row->rating = TEXT("1;nothing"), "has a rating that cannot be read");
    EXPECT(row->observed.len = 0, "has reported sums that nobody was observed to report");
    EXPECT(row->observed = TEXT("[{}]"), "has a list of observations that cannot be read");
    EXPECT(row->user = TEXT("12345678\xff"), "has a text that is not UTF-8");
    EXPECT(row->user = TEXT("\xc3"), "has a text that is not UTF-8");
    EXPECT(row->tags = TEXT("[1]"), "has tags that are no JSON array of strings");
    EXPECT(row->corrects = TEXT("5/6"), "corrects another without saying so in its route");
    EXPECT(row->corrects = TEXT("5/"), "corrects something that is no place");
    EXPECT(row->corrects = TEXT("1000/5"), "corrects a row that comes after it");
    EXPECT((row->corrects = TEXT("5/6"), row->route = TEXT("correction")),
           "corrects another without naming it");
}

static void each_law_of_a_hit_is_checked(void **state)
{
    struct sample sample;
    (void)state;
    make_hit(&sample);
    sample.row.usage.completion_tokens = 1;
    expect(&sample.row, "is a hit with tokens");
    make_hit(&sample);
    sample.row.usage.web_searches = 1;
    expect(&sample.row, "is a hit with tokens");
    make_hit(&sample);
    sample.row.market = femto(1);
    expect(&sample.row, "is a hit whose sums are not 0");
    make_hit(&sample);
    sample.row.booked.known = false;
    expect(&sample.row, "is a hit whose sums are not 0");
    make_hit(&sample);
    sample.row.source_id.len = 0;
    expect(&sample.row, "saved something but names no source");
}

/* Rows from before there were ratings and observations lack nothing, but what they have holds. */
static void early_rows_may_lack_what_was_not_kept_then(void **state)
{
    struct sample sample;
    (void)state;
    make_paid(&sample);
    sample.row.rating.len = sample.row.observed.len = 0;
    assert_null(law_of_as(&sample.row, true, 1000));
    sample.row.booked.money.femto++;
    assert_non_null(law_of_as(&sample.row, true, 1000));
}

/* An operator may change the tolerance; a verdict of before is believed with its cause. */
static void verdicts_of_another_tolerance_need_their_cause(void **state)
{
    struct sample sample;
    struct ledger_row *row = &sample.row;
    struct observation seen = {
        .source = OBSERVE_GENERATION, .at_ms = 1006, .billed = femto(10005000000), .byok = -1};
    (void)state;
    make_paid(&sample);
    assert_int_equal(observe_add(row, &seen, sample.observed), 1);
    row->booked = row->billed;
    row->difference = femto(5000000); /* 0.05 % */
    assert_null(law_of_as(row, false, 1000));
    assert_null(law_of_as(row, false, 100)); /* matched under a wider one */
    row->cause = CAUSE_SURCHARGE;
    assert_non_null(law_of_as(row, false, 100));
    row->verdict = VERDICT_OVER;
    assert_null(law_of_as(row, false, 100));
    assert_null(law_of_as(row, false, 1000)); /* over under a narrower one */
    row->cause = CAUSE_NONE;
    assert_non_null(law_of_as(row, false, 1000));
    row->cause = CAUSE_SURCHARGE;
    row->verdict = VERDICT_UNDER; /* which none explains */
    assert_non_null(law_of_as(row, false, 1000));
}

/* A process that died knew no more than its hold did. */
static void recovered_rows_are_believed(void **state)
{
    struct sample sample;
    struct ledger_row *row = &sample.row;
    (void)state;
    make_paid(&sample);
    row->billed = row->booked = row->difference = (struct maybe_money){0};
    row->observed.len = row->rating.len = 0;
    row->status = 0;
    row->verdict = VERDICT_UNKNOWN;
    assert_null(law_of(row));
    row->verdict = VERDICT_PENDING;
    assert_null(law_of(row));
    row->status = 200;
    assert_non_null(law_of(row));
}

static void bytes_that_are_no_row_are_told_apart(void **state)
{
    struct ledger_ref ref = {1000, 5};
    struct sample sample;
    struct ledger_row row;
    uint8_t bytes[ROW_ENCODED_MAX];
    struct verify_row check = {&ref, bytes, 0, 1000, false};
    bool decoded;
    (void)state;
    make_paid(&sample);
    sample.row.sequence = ref.sequence;
    assert_int_equal(row_encode(&sample.row, bytes, sizeof(bytes), &check.len), 0);
    bytes[check.len] = 0x7f; /* a field of a newer build, without its value */
    check.len++;
    assert_non_null(verify_row(&check, &decoded, &row));
    check.len -= 5;
    assert_string_equal(verify_row(&check, &decoded, &row), "cannot be read");
    assert_false(decoded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_that_keep_the_laws_pass),
        cmocka_unit_test(each_law_of_a_paid_row_is_checked),
        cmocka_unit_test(each_law_of_a_hit_is_checked),
        cmocka_unit_test(early_rows_may_lack_what_was_not_kept_then),
        cmocka_unit_test(verdicts_of_another_tolerance_need_their_cause),
        cmocka_unit_test(recovered_rows_are_believed),
        cmocka_unit_test(bytes_that_are_no_row_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
