/* bill_test.c - the ledger's month against the vendor's bill: both sides, differences, causes. */
#include "tests/accounting/bill_support.h"

static void equal_sides_agree(void **state)
{
    struct ledger_row rows[] = {paid(NOVEMBER, "a/x"), paid(NOVEMBER + DAY - 1, "a/x"),
                                paid(NOVEMBER + DAY, "a/x")};
    struct json_object *root = billed(
        VERCEL("{" SECOND ", \"total_cost\": 0.001, \"surcharge_cost\": 0, " ONE_CALL "},"
               "{" FIRST ", \"total_cost\": 0.002, \"market_cost\": 0.002, \"request_count\": 2,"
               " \"input_tokens\": 200, \"output_tokens\": 20}"),
        rows, COUNT(rows), true);
    (void)state;
    assert_at(root, "month", "2026-11");
    assert_at(root, "vendor", "vercel");
    assert_at(root, "by", "[ \"day\", \"model\" ]");
    assert_at(root, "agrees", "true");
    assert_at(root, "differing", "0");
    assert_at(root, "report.rows", "2");
    assert_at(root, "report.first_day", "2026-11-01");
    assert_at(root, "report.last_day", "2026-11-02");
    assert_at(root, "lines.0.day", "2026-11-01");
    assert_at(root, "lines.0.model", "a/x");
    assert_at(root, "lines.0.cause", "equal");
    assert_at(root, "lines.0.vendor.cost_usd", "0.002");
    assert_at(root, "lines.0.ledger.cost_usd", "0.002");
    assert_at(root, "lines.0.ledger.requests", "2");
    assert_at(root, "lines.0.prompt_tokens_difference", "0");
    assert_at(root, "lines.1.day", "2026-11-02");
    assert_at(root, "lines.1.vendor.market_usd", "null");
    assert_at(root, "causes.0.lines", "2");
    assert_at(root, "totals.vendor.cost_usd", "0.003");
    assert_at(root, "totals.ledger.prompt_tokens", "300");
    assert_at(root, "totals.difference_usd", "0");
    json_object_put(root);
}

/* One line of each side, and what it should be put down to. */
static void the_likely_cause_is_named(void **state)
{
    struct ledger_row plain = paid(NOVEMBER, "a/x"), pending = plain, silent = plain, own = plain,
                      cached = plain;
    pending.verdict = VERDICT_PENDING;
    pending.billed = pending.booked = (struct maybe_money){.known = false};
    silent.verdict = VERDICT_UNREPORTED;
    silent.billed = (struct maybe_money){.known = false};
    own.byok = 1;
    own.billed = usd(50 * FEMTO_MICRO);
    own.upstream_cost = usd(1000 * FEMTO_MICRO);
    cached.usage.cached_tokens = 40;
    const struct {
        const char *cause, *difference, *report;
        const struct ledger_row *row; /* NULL: none */
        bool agrees;
    } cases[] = {
        {"not-in-report", "-0.001", VERCEL(""), &plain, false},
        {"not-in-ledger", "0.001", CALL("0.001"), NULL, false},
        {"not-in-ledger", "0", CALL("0"), NULL, true},
        {"pending", "0.001", CALL("0.001"), &pending, false},
        {"unreported", "0.001", CALL("0.001"), &silent, false},
        /* The fee is not in the report, or the vendor's part is, or the call is there for nothing.
         */
        {"byok", "-0.00005", CALL("0"), &own, false},
        {"byok", "0.001", CALL("0.00105"), &own, false},
        {"byok", "-0.001",
         OPENROUTER("{\"date\": \"2026-11-01\", \"model\": \"a/x\", \"usage\": 0,"
                    " \"byok_usage_inference\": 0.001, \"requests\": 1}"),
         &plain, false},
        {"surcharge", "0.0001",
         VERCEL("{" FIRST ", \"total_cost\": 0.001, \"surcharge_cost\": 1e-4,"
                " \"gateway_cost\": 0.0011, " ONE_CALL "}"),
         &plain, false},
        {"requests", "0.001",
         VERCEL("{" FIRST ", \"total_cost\": 0.002, \"request_count\": 2, \"input_tokens\": 200}"),
         &plain, false},
        {"requests", "0",
         VERCEL("{" FIRST ", \"total_cost\": 0.001, \"request_count\": 2, \"input_tokens\": 100}"),
         &plain, true},
        {"token-count", "-0.0004",
         VERCEL("{" FIRST ", \"total_cost\": 0.0006, \"request_count\": 1, \"input_tokens\": 60}"),
         &plain, false},
        {"token-count", "0",
         VERCEL("{" FIRST ", \"total_cost\": 0.001, \"request_count\": 1, \"input_tokens\": 60}"),
         &plain, true},
        /* 60 beside the 40 that were read from the cache are the same 100. */
        {"equal", "0",
         VERCEL("{" FIRST ", \"total_cost\": 0.001, \"request_count\": 1, \"input_tokens\": 60,"
                " \"cached_input_tokens\": 40}"),
         &cached, true},
        {"equal", "0",
         VERCEL("{" FIRST ", \"total_cost\": 0.001, \"request_count\": 1, \"input_tokens\": 50,"
                " \"cached_input_tokens\": 40, \"cache_creation_input_tokens\": 10}"),
         &cached, true},
        /* Of an unknown number of them it is not. */
        {"token-count", "0",
         VERCEL("{" FIRST ", \"total_cost\": 0.001, \"request_count\": 1, \"input_tokens\": 61,"
                " \"cached_input_tokens\": 40}"),
         &cached, true},
        {"unexplained", "-0.0004", CALL("0.0006"), &plain, false},
        /* What is still to come is no reason for our side to be the larger one. */
        {"unexplained", "-0.001", CALL("-0.001"), &pending, false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct json_object *root =
            billed(cases[i].report, cases[i].row, cases[i].row != NULL, cases[i].agrees);
        assert_at(root, "lines.0.cause", cases[i].cause);
        assert_at(root, "lines.0.difference_usd", cases[i].difference);
        assert_at(root, "lines.0.agrees", cases[i].agrees ? "true" : "false");
        assert_at(root, "causes.0.cause", cases[i].cause);
        assert_at(root, "totals.difference_usd", cases[i].difference);
        json_object_put(root);
    }
}

/* The fee under one's own key is missing, beside a call that was billed. */
static void fees_under_ones_own_key_are_found_beside_others(void **state)
{
    struct ledger_row rows[] = {paid(NOVEMBER, "a/x"), paid(NOVEMBER, "a/x")};
    struct json_object *root;
    (void)state;
    rows[1].byok = 1;
    rows[1].billed = usd(50 * FEMTO_MICRO);
    root = billed(COST("0.001"), rows, COUNT(rows), false);
    assert_at(root, "lines.0.cause", "byok");
    assert_at(root, "lines.0.ledger.byok", "1");
    json_object_put(root);
}

/* The vendor counts the last call of a day on the next one. */
static void a_shifted_day_border_is_seen(void **state)
{
    struct ledger_row rows[] = {paid(NOVEMBER, "a/x"), paid(NOVEMBER + DAY - 1, "a/x"),
                                paid(NOVEMBER + 2 * DAY, "b/y"), paid(NOVEMBER + 9 * DAY, "a/x")};
    struct json_object *root =
        billed(VERCEL("{" FIRST ", \"total_cost\": 0.001, " ONE_CALL "},"
                      "{" SECOND ", \"total_cost\": 0.001, " ONE_CALL "},"
                      "{\"day\": \"2026-11-03\", \"model\": \"a/x\", \"total_cost\": 0},"
                      "{\"day\": \"2026-11-12\", \"model\": \"a/x\", \"total_cost\": 0.001}"),
               rows, COUNT(rows), false);
    (void)state;
    assert_at(root, "lines.0.cause", "day-border");
    assert_at(root, "lines.0.difference_usd", "-0.001");
    assert_at(root, "lines.1.cause", "day-border");
    assert_at(root, "lines.1.difference_usd", "0.001");
    assert_at(root, "lines.2.model", "a/x");
    assert_at(root, "lines.3.model", "b/y"); /* another model's neighbouring day is no neighbour */
    assert_at(root, "lines.3.cause", "not-in-report");
    assert_at(root, "lines.4.cause", "not-in-report"); /* nor is the day after the next */
    assert_at(root, "lines.5.cause", "not-in-ledger");
    assert_at(root, "differing", "5");
    assert_at(root, "totals.difference_usd", "-0.001");
    json_object_put(root);
}

static void a_day_is_paired_once(void **state)
{
    struct ledger_row rows[] = {paid(NOVEMBER + 5 * HOUR, "a/x"),
                                paid(NOVEMBER + 2 * DAY + 7 * HOUR, "a/x")};
    struct json_object *root =
        billed(VERCEL("{" SECOND ", \"total_cost\": 0.001}"), rows, COUNT(rows), false);
    (void)state;
    assert_at(root, "lines.0.cause", "day-border");
    assert_at(root, "lines.1.cause", "day-border");
    assert_at(root, "lines.2.cause", "not-in-report");
    json_object_put(root);
}

static void only_what_was_paid_for_is_compared(void **state)
{
    struct ledger_row rows[] = {paid(NOVEMBER, "a/x"),    paid(NOVEMBER, "a/x"),
                                paid(NOVEMBER, "a/x"),    paid(NOVEMBER, "a/x"),
                                paid(NOVEMBER, "a/x"),    paid(DECEMBER, "a/x"),
                                paid(NOVEMBER - 1, "a/x")};
    struct bill_order order = order_of(CALL("0.001"), true);
    struct json_object *root;
    (void)state;
    rows[1].cache = CACHE_HIT;
    rows[2].cache = CACHE_COLLAPSED;
    rows[1].verdict = rows[2].verdict = VERDICT_FREE;
    rows[3].verdict = VERDICT_FAILED;
    rows[4].upstream = TEXT("other");
    root = written(&order, rows, COUNT(rows), false);
    assert_at(root, "several_upstreams", "true");
    assert_at(root, "upstream", "null");
    assert_at(root, "lines.0.ledger.requests", "2");
    json_object_put(root);
    order.upstream = TEXT("gate");
    root = written(&order, rows, COUNT(rows), true);
    assert_at(root, "several_upstreams", "false");
    assert_at(root, "upstream", "gate");
    assert_at(root, "lines.0.cause", "equal");
    json_object_put(root);
}

static void lines_agree_within_a_nano_dollar(void **state)
{
    struct ledger_row rows[] = {paid(NOVEMBER, "a/x")};
    struct json_object *root;
    (void)state;
    root = billed(COST("0.001000001"), rows, 1, true);
    assert_at(root, "lines.0.difference_usd", "0.000000001"); /* listed all the same */
    json_object_put(root);
    json_object_put(billed(COST("0.000999999"), rows, 1, true));
    json_object_put(billed(COST("0.001000001000001"), rows, 1, false));
    json_object_put(billed(COST("0.000999998999999"), rows, 1, false));
}

/* Two lines that differ must not make a total that agrees. */
static void errors_do_not_cancel(void **state)
{
    struct ledger_row rows[] = {paid(NOVEMBER, "a/x"), paid(NOVEMBER, "b/y")};
    struct json_object *root =
        billed(VERCEL("{" FIRST ", \"total_cost\": 0.0011},"
                      "{\"day\": \"2026-11-01\", \"model\": \"b/y\", \"total_cost\": 0.0009}"),
               rows, COUNT(rows), false);
    (void)state;
    assert_at(root, "totals.difference_usd", "0");
    assert_at(root, "differing", "2");
    json_object_put(root);
}

static void people_get_a_table(void **state)
{
    struct ledger_row rows[] = {paid(NOVEMBER, "a/x"), paid(NOVEMBER, "b/\033[31m")};
    struct ledger_reader reader = {.rows = rows, .count = 2};
    struct bill_order order =
        order_of(VERCEL("{" FIRST ", \"total_cost\": 0.003, \"request_count\": 2},"
                        "{\"day\": \"2026-12-01\", \"model\": \"a/x\", \"total_cost\": 5}"),
                 false);
    char error[512] = "", *text = NULL;
    bool agrees = true;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len), *full = fopen("/dev/full", "w");
    (void)state;
    assert_int_equal(bill_write(&reader, &order, out, error, sizeof(error), &agrees), 0);
    fclose(out);
    assert_false(agrees);
    assert_non_null(strstr(text, "2026-11, Vercel's report against the ledger"));
    assert_non_null(strstr(text, "left out: 1 rows of other months, 5 USD"));
    assert_non_null(strstr(text, "the number of requests"));
    assert_non_null(strstr(text, "not in the vendor's report"));
    assert_non_null(strstr(text, "2 of 2 lines differ in cost"));
    assert_null(strchr(text, '\033'));
    assert_null(strstr(text, " \n"));
    free(text);
    agrees = true;
    assert_int_equal(bill_write(&reader, &order, full, error, sizeof(error), &agrees), -EIO);
    reader.fails = -EBADMSG;
    assert_int_equal(bill_write(&reader, &order, full, error, sizeof(error), &agrees), -EBADMSG);
    assert_true(agrees);
    fclose(full);
}

static void nothing_agrees_with_nothing(void **state)
{
    struct ledger_reader reader = {.count = 0};
    struct bill_order order = order_of(VERCEL(""), false);
    char error[512] = "", *text = NULL;
    bool agrees = false;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    (void)state;
    assert_int_equal(bill_write(&reader, &order, out, error, sizeof(error), &agrees), 0);
    fclose(out);
    assert_true(agrees);
    assert_non_null(strstr(text, "nothing on either side"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_sides_agree),
        cmocka_unit_test(the_likely_cause_is_named),
        cmocka_unit_test(fees_under_ones_own_key_are_found_beside_others),
        cmocka_unit_test(a_shifted_day_border_is_seen),
        cmocka_unit_test(a_day_is_paired_once),
        cmocka_unit_test(only_what_was_paid_for_is_compared),
        cmocka_unit_test(lines_agree_within_a_nano_dollar),
        cmocka_unit_test(errors_do_not_cancel),
        cmocka_unit_test(people_get_a_table),
        cmocka_unit_test(nothing_agrees_with_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
