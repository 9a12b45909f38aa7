/* reconcile_test.c - what is booked, how far apart the costs are, and the verdict. */
#include "accounting/reconcile.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MAX ((__int128)(~(unsigned __int128)0 >> 1))

/* NULL: not known. */
struct row {
    const char *billed, *upstream, *market, *estimated;
    bool may_still_report, gave_up;
    const char *booked, *difference, *verdict;
};

static struct maybe_money maybe(const char *text)
{
    struct maybe_money result = {0};

    if (text != NULL) {
        result.known = true;
        assert_int_equal(money_parse(text, strlen(text), &result.money, NULL), 0);
    }
    return result;
}

static void assert_maybe(struct maybe_money got, const char *text, size_t row)
{
    char printed[MONEY_TEXT_MAX] = "unknown";

    if (got.known)
        money_print(got.money, printed);
    if (strcmp(printed, text != NULL ? text : "unknown") != 0)
        fail_msg("row %zu: %s, not %s", row, printed, text != NULL ? text : "unknown");
}

static void assert_row(const struct row *row, int64_t tolerance_ppm, size_t number)
{
    struct reconcile_input input = {.billed = maybe(row->billed),
                                    .upstream = maybe(row->upstream),
                                    .market = maybe(row->market),
                                    .estimated = maybe(row->estimated),
                                    .may_still_report = row->may_still_report,
                                    .gave_up = row->gave_up,
                                    .tolerance_ppm = tolerance_ppm};
    struct reconcile_result result = {.verdict = VERDICT_FREE};

    assert_int_equal(reconcile(&input, &result), 0);
    assert_maybe(result.booked, row->booked, number);
    assert_maybe(result.difference, row->difference, number);
    if (strcmp(verdict_name(result.verdict), row->verdict) != 0)
        fail_msg("row %zu: %s, not %s", number, verdict_name(result.verdict), row->verdict);
}

static void every_combination_of_what_is_known_has_its_verdict(void **state)
{
    static const struct row rows[] = {
        /* billed, upstream, market, estimated, may, gave up -> booked, difference, verdict */
        {"0.0032", NULL, "0.0032", "0.0032", false, false, "0.0032", "0", "matched"},
        {"0.0032", NULL, NULL, "0.0032", false, false, "0.0032", "0", "matched"},
        {"0", NULL, "0", "0", false, false, "0", "0", "matched"},
        /* A discount or a fee is no drift: list price is compared with list price. */
        {"0.0016", NULL, "0.0032", "0.0032", false, false, "0.0016", "0", "matched"},
        {"0.00011638", NULL, "0.00001638", "0.00001638", false, false, "0.00011638", "0",
         "matched"},
        /* One's own key: the gateway bills nothing, the vendor all of it. */
        {"0", "0.019295", "0.019295", "0.019295", false, false, "0.019295", "0", "matched"},
        {"0.0001", "0.019295", NULL, "0.019295", false, false, "0.019395", "0.0001", "over"},
        {"0", NULL, "0.019295", "0.019295", false, false, "0", "0", "matched"},
        {"0.0033", NULL, "0.0033", "0.0032", false, false, "0.0033", "0.0001", "over"},
        {"0.0033", NULL, "0.0031", "0.0032", false, false, "0.0033", "-0.0001", "under"},
        {"0.0031", NULL, NULL, "0.0032", false, false, "0.0031", "-0.0001", "under"},
        {"0.5", NULL, "0.5", "0", false, false, "0.5", "0.5", "over"},
        {"0", NULL, NULL, "0.5", false, false, "0", "-0.5", "under"},
        /* Reported is reported, whatever else may come. */
        {"0.0032", NULL, "0.0032", "0.0032", true, true, "0.0032", "0", "matched"},
        {"0.0032", NULL, "0.0032", NULL, true, false, "0.0032", NULL, "unpriced"},
        {"0.0032", NULL, NULL, NULL, false, false, "0.0032", NULL, "unpriced"},
        {"0", "0.5", NULL, NULL, false, true, "0.5", NULL, "unpriced"},
        /* Not reported. */
        {NULL, NULL, NULL, "0.0032", true, false, "0.0032", NULL, "pending"},
        {NULL, NULL, NULL, NULL, true, false, NULL, NULL, "pending"},
        {NULL, NULL, NULL, "0.0032", false, true, "0.0032", NULL, "unreported"},
        {NULL, NULL, NULL, "0.0032", false, false, "0.0032", NULL, "unreported"},
        {NULL, NULL, NULL, NULL, false, true, NULL, NULL, "unknown"},
        {NULL, NULL, NULL, NULL, false, false, NULL, NULL, "unknown"},
        /* A list price alone says nothing of what is billed, but it can be compared. */
        {NULL, NULL, "0.0033", "0.0032", false, true, "0.0032", "0.0001", "unreported"},
        {NULL, NULL, "0.0033", NULL, false, true, NULL, NULL, "unknown"},
        {NULL, "0.0033", NULL, "0.0032", false, true, "0.0032", NULL, "unreported"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_row(&rows[i], 1000, i);
}

/* matched: |difference| <= max(1e-9 USD, tolerance x estimated), to the last digit. */
static void the_tolerance_is_met_exactly(void **state)
{
    static const struct {
        const char *reported, *estimated, *difference, *verdict;
        int64_t tolerance_ppm;
    } cases[] = {
        {"0.000000001", "0", "0.000000001", "matched", 1000},
        {"0.000000001000001", "0", "0.000000001000001", "over", 1000},
        {"0.000001001", "0.000001", "0.000000001", "matched", 0},
        {"0.000000999", "0.000001", "-0.000000001", "matched", 0},
        {"0.000000998999999", "0.000001", "-0.000000001000001", "under", 0},
        {"1.001", "1", "0.001", "matched", 1000},
        {"1.00100000000001", "1", "0.00100000000001", "over", 1000},
        {"0.999", "1", "-0.001", "matched", 1000},
        {"0.99899999999999", "1", "-0.00100000000001", "under", 1000},
        {"1.000000001", "1", "0.000000001", "matched", 0},
        {"1.00000000100001", "1", "0.00000000100001", "over", 0},
        {"3", "1", "2", "matched", 2000000},
        /* 0.1 % of it is 0.0000123456789015: a tolerance rounded to 15 places would be wider. */
        {"0.012358024580401", "0.0123456789015", "0.000012345678901", "matched", 1000},
        {"0.012358024580402", "0.0123456789015", "0.000012345678902", "over", 1000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct row row = {.billed = cases[i].reported,
                          .estimated = cases[i].estimated,
                          .booked = cases[i].reported,
                          .difference = cases[i].difference,
                          .verdict = cases[i].verdict};
        assert_row(&row, cases[i].tolerance_ppm, i);
        row.market = row.billed;
        assert_row(&row, cases[i].tolerance_ppm, i);
    }
}

static void a_sum_that_does_not_fit_is_refused_and_touches_nothing(void **state)
{
    const struct maybe_money unknown = {0}, one = {true, {1}}, most = {true, {MAX}};
    const struct maybe_money least = {true, {-MAX - 1}};
    const struct reconcile_input cases[] = {
        {.billed = most, .upstream = one, .market = unknown, .estimated = unknown},
        {.billed = least, .estimated = one},
        {.billed = one, .market = least, .estimated = one},
        {.billed = most, .estimated = most, .tolerance_ppm = 2000000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct reconcile_result result = {.verdict = VERDICT_FREE};
        assert_int_equal(reconcile(&cases[i], &result), -EOVERFLOW);
        assert_int_equal(result.verdict, VERDICT_FREE);
        assert_false(result.booked.known);
    }
    {
        struct reconcile_input input = {.billed = most, .estimated = most, .tolerance_ppm = 1000};
        struct reconcile_result result;
        assert_int_equal(reconcile(&input, &result), 0);
        assert_int_equal(result.verdict, VERDICT_MATCHED);
        assert_true(result.booked.money.femto == MAX);
    }
}

/* Rows on disk hold these numbers, and exports these words. */
static void verdicts_keep_their_numbers_and_words(void **state)
{
    static const char *const words[VERDICTS] = {"",        "matched",    "over",     "under",
                                                "pending", "unreported", "unpriced", "unknown",
                                                "free",    "failed"};

    (void)state;
    assert_int_equal(VERDICTS, 10);
    for (unsigned i = 0; i < VERDICTS; i++)
        assert_string_equal(verdict_name((enum verdict)i), words[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_combination_of_what_is_known_has_its_verdict),
        cmocka_unit_test(the_tolerance_is_met_exactly),
        cmocka_unit_test(a_sum_that_does_not_fit_is_refused_and_touches_nothing),
        cmocka_unit_test(verdicts_keep_their_numbers_and_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
