/* bill_report_test.c - a vendor's report is read to the last digit, or refused with the place. */
#include "tests/accounting/bill_support.h"

static void openrouters_activity_is_read(void **state)
{
    struct ledger_row rows[] = {paid(NOVEMBER, "a/x-20260701"), paid(NOVEMBER, "a/x"),
                                paid(NOVEMBER, "b/y")};
    struct json_object *root;
    (void)state;
    rows[1].byok = 1;
    rows[1].billed = usd(50 * FEMTO_MICRO);
    rows[1].upstream_cost = usd(1000 * FEMTO_MICRO);
    root = billed(
        OPENROUTER("{\"date\": \"2026-11-01\", \"model\": \"a/x\", \"model_permaslug\":"
                   " \"a/x-20260701\", \"provider_name\": \"One\", \"usage\": 0.001,"
                   " \"byok_usage_inference\": 0, \"requests\": 1, \"prompt_tokens\": 100,"
                   " \"completion_tokens\": 10, \"reasoning_tokens\": 0},"
                   "{\"date\": \"2026-11-01\", \"model\": \"a/x\", \"model_permaslug\":"
                   " \"a/x-20260701\", \"provider_name\": \"Two\", \"usage\": \"0.00005\","
                   " \"byok_usage_inference\": 1e-3, \"requests\": 1, \"prompt_tokens\": 1E2,"
                   " \"completion_tokens\": 10.0, \"reasoning_tokens\": 0},"
                   "{\"date\": \"2026-11-01 00:00:00\", \"model\": \"b/y\", \"usage\": 0.001,"
                   " \"requests\": 1},"
                   "{\"date\": \"2026-10-31\", \"model\": \"a/x\", \"usage\": 7},"
                   "{\"date\": \"2026-12-01\", \"model\": \"a/x\", \"usage\": 0.5}"),
        rows, COUNT(rows), true);
    assert_at(root, "vendor", "openrouter");
    assert_at(root, "report.rows", "3");
    assert_at(root, "report.outside_rows", "2");
    assert_at(root, "report.outside_usd", "7.5");
    assert_at(root, "report.last_day", "2026-11-01");
    assert_at(root, "lines.0.model", "a/x");
    assert_at(root, "lines.0.cause", "equal");
    assert_at(root, "lines.0.vendor.cost_usd", "0.00105");
    assert_at(root, "lines.0.vendor.upstream_usd", "0.001");
    assert_at(root, "lines.0.vendor.prompt_tokens", "200");
    assert_at(root, "lines.0.ledger.upstream_usd", "0.001");
    assert_at(root, "lines.0.ledger.byok", "1");
    assert_at(root, "lines.1.cause", "equal");
    json_object_put(root);
}

/* A dated name of two models is that of neither; one that is a model stays one. */
static void unclear_names_stay_as_they_are(void **state)
{
    struct ledger_row rows[] = {paid(NOVEMBER, "d/1"), paid(NOVEMBER, "d/2")};
    struct json_object *root = billed(
        OPENROUTER("{\"date\": \"2026-11-01\", \"model\": \"a/x\", \"model_permaslug\": \"d/1\","
                   " \"usage\": 0.001},"
                   "{\"date\": \"2026-11-01\", \"model\": \"a/x:free\", \"model_permaslug\":"
                   " \"d/1\", \"usage\": 0},"
                   "{\"date\": \"2026-11-01\", \"model\": \"b/y\", \"model_permaslug\": \"d/2\","
                   " \"usage\": 0},"
                   "{\"date\": \"2026-11-01\", \"model\": \"d/2\", \"usage\": 0.001}"),
        rows, COUNT(rows), false);
    (void)state;
    assert_at(root, "lines.0.cause", "not-in-ledger");
    assert_at(root, "lines.3.model", "d/1");
    assert_at(root, "lines.3.cause", "not-in-report");
    assert_at(root, "lines.4.model", "d/2");
    assert_at(root, "lines.4.cause", "equal");
    json_object_put(root);
}

static void either_dimension_will_do(void **state)
{
    struct ledger_row rows[] = {paid(NOVEMBER, "a/x"), paid(NOVEMBER + DAY, "a/x"),
                                paid(NOVEMBER, "b/y")};
    struct json_object *root = billed(VERCEL("{\"model\": \"a/x\", \"total_cost\": 0.002},"
                                             "{\"model\": \"b/y\", \"total_cost\": 0.001}"),
                                      rows, COUNT(rows), true);
    (void)state;
    assert_at(root, "by", "[ \"model\" ]");
    assert_at(root, "lines.0.day", "null");
    assert_at(root, "lines.0.ledger.requests", "2");
    assert_at(root, "report.first_day", "null");
    json_object_put(root);
    /* Hours and providers are added up. */
    root =
        billed(VERCEL("{\"hour\": \"2026-11-01T00\", \"provider\": \"p\", \"total_cost\": 0.001},"
                      "{\"hour\": \"2026-11-01T23\", \"provider\": \"q\", \"total_cost\": 0.001},"
                      "{\"day\": \"2026-11-02T05\", \"provider\": \"q\", \"total_cost\": 1e-3}"),
               rows, COUNT(rows), true);
    assert_at(root, "by", "[ \"day\" ]");
    assert_at(root, "lines.0.model", "null");
    assert_at(root, "lines.0.ledger.requests", "2");
    assert_at(root, "lines.1.day", "2026-11-02");
    json_object_put(root);
}

/* A sum of 17 digits is not noise that may be rounded to 12. */
static void costs_are_read_to_the_last_decimal(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"1234.567890123456789", "1234.567890123456789"},
        {"1234.5678901234567899", "1234.567890123456789"},
        {"-1234.567890123456789", "-1234.567890123456789"},
        {"-0.12345678901234567", "-0.123456789012345"},
        {"9e-7", "0.0000009"},
        {"\"1.50\"", "1.5"},
        {"123456789", "123456789"},
        {"0", "0"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char report[256];
        struct json_object *root;
        snprintf(report, sizeof(report), COST("%s"), cases[i].text);
        root = billed(report, NULL, 0, strcmp(cases[i].want, "0") == 0);
        assert_at(root, "totals.vendor.cost_usd", cases[i].want);
        json_object_put(root);
    }
}

/* The newer member counts, unless it is an empty one. */
static void fees_are_part_of_the_bill(void **state)
{
    struct json_object *root =
        billed(VERCEL("{" FIRST ", \"total_cost\": 1, \"gateway_cost\": 1.5},"
                      "{" SECOND ", \"total_cost\": 2, \"gateway_cost\": 0},"
                      "{" SECOND ", \"total_cost\": null, \"gateway_cost\": 0}"),
               NULL, 0, false);
    (void)state;
    assert_at(root, "lines.0.vendor.cost_usd", "1.5");
    assert_at(root, "lines.1.vendor.cost_usd", "2");
    json_object_put(root);
}

static int refused(const struct bill_order *order, char error[512])
{
    struct ledger_reader reader = {.count = 0};
    char *text = NULL;
    bool agrees = true;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    int result = bill_write(&reader, order, out, error, 512, &agrees);
    fclose(out);
    assert_int_equal(len, 0); /* nothing that could be taken for a result */
    assert_true(agrees);      /* a refused output keeps its value */
    free(text);
    return result;
}

static void what_is_no_report_is_refused(void **state)
{
    static const struct {
        const char *report, *error;
    } cases[] = {
        {"", "is empty"},
        {"{\"results\": [}", "line 1: is not JSON"},
        {"[]", "is neither Vercel's report"},
        {"\"text\"", "is neither Vercel's report"},
        {"{\"error\": {\"code\": 403}}", "is neither Vercel's report"},
        {"{\"results\": {}}", "is neither Vercel's report"},
        {"{\"results\": [], \"data\": []}", "is neither Vercel's report"},
        {"{\"results\": [], \"results\": []}", "results: stands twice"},
        {VERCEL("7"), "results[0]: is no object"},
        {VERCEL("{\"total_cost\": 1}"), "results[0]: has neither a day nor a model"},
        {VERCEL("{\"tag\": \"t\", \"model\": \"m\", \"total_cost\": 1}"), "results[0] tag: "},
        {VERCEL("{" FIRST ", \"total_cost\": 1}, {\"day\": \"2026-11-01\", \"total_cost\": 1}"),
         "results[1]: is grouped by other members"},
        {VERCEL("{" FIRST "}"), "results[0] total_cost: is missing"},
        {COST("null"), "results[0] total_cost: is missing"},
        {COST("{}"), "total_cost: must be a number or a string"},
        {VERCEL("{" FIRST ", \"total_cost\": \"1 USD\"}"), "total_cost: is not a decimal number"},
        {COST("NaN"), "NaN"},
        {COST("1e400"), "total_cost: is too large"},
        {COST("99999999999999999999"), "total_cost: is too large"},
        {COST("-99999999999999999999"), "total_cost: is too large"},
        {VERCEL("{" FIRST ", \"total_cost\": 1e23}, {" FIRST ", \"total_cost\": 1e23}"),
         "too large for any bill"},
        {VERCEL("{" FIRST ", \"total_cost\": 1, \"request_count\": 1.5}"), "is not a count"},
        {VERCEL("{" FIRST ", \"total_cost\": 1, \"request_count\": -1}"), "is not a count"},
        {VERCEL("{" FIRST ", \"total_cost\": 1, \"input_tokens\": 1e19}"), "is not a count"},
        {VERCEL("{\"day\": \"2026-11-31\", \"total_cost\": 1}"), "results[0] day: is not a day"},
        {VERCEL("{\"day\": \"01.11.2026\", \"total_cost\": 1}"), "results[0] day: is not a day"},
        {VERCEL("{\"day\": null, \"total_cost\": 1}"), "results[0] day: is not a day"},
        {VERCEL("{\"hour\": \"2026-11-01T00:00:00+02:00\", \"total_cost\": 1}"),
         "results[0] hour: is not a day"},
        {OPENROUTER("{\"date\": \"2026-11-01\", \"usage\": true}"), "data[0] usage: must be"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bill_order order = order_of(cases[i].report, true);
        char error[512] = "";
        int result = refused(&order, error);
        assert_int_equal(result, strstr(error, "any bill") != NULL ? -EOVERFLOW : -EINVAL);
        if (strstr(error, cases[i].error) == NULL)
            fail_msg("%s: %s, not %s", cases[i].report, error, cases[i].error);
    }
}

/* As many rows as a report may have, all different, and one more. */
static void limits_hold(void **state)
{
    struct bill_order order = {.from_ms = NOVEMBER, .to_ms = DECEMBER, .json = true};
    char error[512] = "", *text = NULL;
    size_t len = 0;
    (void)state;
    for (unsigned more = 0; more < 2; more++) {
        FILE *report = open_memstream(&text, &len);
        fprintf(report, "{\"data\": [");
        for (unsigned i = 0; i < BILL_ROWS_MAX + more; i++)
            fprintf(report, "%s{\"date\":\"2026-11-%02u\",\"model\":\"m/%u\",\"usage\":1e-9}",
                    i > 0 ? "," : "", i % 30 + 1, i);
        fprintf(report, "]}");
        fclose(report);
        order.report = text;
        order.report_len = len;
        if (more == 0) {
            struct json_object *root = written(&order, NULL, 0, true);
            assert_at(root, "causes.0.lines", "100000");
            assert_at(root, "totals.vendor.cost_usd", "0.0001");
            json_object_put(root);
        } else {
            assert_int_equal(refused(&order, error), -EFBIG);
            assert_string_equal(error, "has more than 100000 rows");
        }
        free(text);
    }
    text = malloc(BILL_REPORT_MAX + 1);
    assert_non_null(text);
    memset(text, ' ', BILL_REPORT_MAX + 1);
    order.report = text;
    order.report_len = BILL_REPORT_MAX + 1;
    assert_int_equal(refused(&order, error), -EFBIG);
    assert_non_null(strstr(error, "64 MiB"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(openrouters_activity_is_read),
        cmocka_unit_test(unclear_names_stay_as_they_are),
        cmocka_unit_test(either_dimension_will_do),
        cmocka_unit_test(costs_are_read_to_the_last_decimal),
        cmocka_unit_test(fees_are_part_of_the_bill),
        cmocka_unit_test(what_is_no_report_is_refused),
        cmocka_unit_test(limits_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
