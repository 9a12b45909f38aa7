/* bill_test.c - the ledger's month against the vendor's bill: both sides, differences, causes. */
#include "accounting/bill.h"

#include "tests/accounting/report_support.h"

#include <json-c/json.h>

#define DAY LEDGER_DAY_MS
#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))
#define FEMTO_MICRO INT64_C(1000000000) /* 1e-6 USD */

/* 100 input tokens and 10 output tokens, billed at 0.001. */
static struct ledger_row paid(int64_t at_ms, const char *model)
{
    struct ledger_row row;
    row_init(&row);
    row.created_at_ms = at_ms;
    row.id = TEXT("gen-1");
    row.model = text_of(model);
    row.upstream = TEXT("gate");
    row.cache = CACHE_MISS;
    row.usage.prompt_tokens = 100;
    row.usage.completion_tokens = 10;
    row.billed = row.market = row.booked = usd(1000 * FEMTO_MICRO);
    row.verdict = VERDICT_MATCHED;
    row.byok = 0;
    return row;
}

static struct bill_order order_of(const char *report, bool json)
{
    return (struct bill_order){.from_ms = NOVEMBER,
                               .to_ms = DECEMBER,
                               .report = report,
                               .report_len = strlen(report),
                               .json = json};
}

static struct json_object *written(const struct bill_order *order, const struct ledger_row *rows,
                                   size_t count, bool agrees)
{
    struct ledger_reader reader = {.rows = rows, .count = count};
    char error[512] = "", *text = NULL;
    bool got = !agrees;
    struct json_object *root;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (bill_write(&reader, order, out, error, sizeof(error), &got) != 0)
        fail_msg("%s", error);
    fclose(out);
    assert_int_equal(got, agrees);
    root = json_tokener_parse(text);
    assert_non_null(root);
    free(text);
    return root;
}

static struct json_object *billed(const char *report, const struct ledger_row *rows, size_t count,
                                  bool agrees)
{
    struct bill_order order = order_of(report, true);
    return written(&order, rows, count, agrees);
}

/* Follows a path of members, "lines.0.cause"; "null" where the value is. */
static const char *at(struct json_object *root, const char *path)
{
    while (*path != '\0') {
        size_t len = strcspn(path, ".");
        char name[64];
        snprintf(name, sizeof(name), "%.*s", (int)len, path);
        if (json_object_is_type(root, json_type_array)) {
            size_t index = (size_t)(name[0] - '0');
            if (index >= json_object_array_length(root))
                fail_msg("no %s", path);
            root = json_object_array_get_idx(root, index);
        } else if (!json_object_object_get_ex(root, name, &root)) {
            fail_msg("no %s", path);
        }
        path += path[len] == '.' ? len + 1 : len;
    }
    return root != NULL ? json_object_get_string(root) : "null";
}

static void assert_at(struct json_object *root, const char *path, const char *want)
{
    if (strcmp(at(root, path), want) != 0)
        fail_msg("%s is %s, not %s", path, at(root, path), want);
}

#define VERCEL(rows) "{\"results\": [" rows "]}"
#define OPENROUTER(rows) "{\"data\": [" rows "]}"
#define FIRST "\"day\": \"2026-11-01\", \"model\": \"a/x\""
#define SECOND "\"day\": \"2026-11-02\", \"model\": \"a/x\""
#define ONE_CALL "\"request_count\": 1, \"input_tokens\": 100, \"output_tokens\": 10"

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
        {"not-in-ledger", "0.001", VERCEL("{" FIRST ", \"total_cost\": 0.001, " ONE_CALL "}"), NULL,
         false},
        {"not-in-ledger", "0", VERCEL("{" FIRST ", \"total_cost\": 0, " ONE_CALL "}"), NULL, true},
        {"pending", "0.001", VERCEL("{" FIRST ", \"total_cost\": 0.001, " ONE_CALL "}"), &pending,
         false},
        {"unreported", "0.001", VERCEL("{" FIRST ", \"total_cost\": 0.001, " ONE_CALL "}"), &silent,
         false},
        /* The fee is not in the report, or the vendor's part is, or the call is there for nothing.
         */
        {"byok", "-0.00005", VERCEL("{" FIRST ", \"total_cost\": 0, " ONE_CALL "}"), &own, false},
        {"byok", "0.001", VERCEL("{" FIRST ", \"total_cost\": 0.00105, " ONE_CALL "}"), &own,
         false},
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
        /* Of an unknown number of them it is not. */
        {"token-count", "0",
         VERCEL("{" FIRST ", \"total_cost\": 0.001, \"request_count\": 1, \"input_tokens\": 61,"
                " \"cached_input_tokens\": 40}"),
         &cached, true},
        {"unexplained", "-0.0004", VERCEL("{" FIRST ", \"total_cost\": 0.0006, " ONE_CALL "}"),
         &plain, false},
        /* What is still to come is no reason for our side to be the larger one. */
        {"unexplained", "-0.001", VERCEL("{" FIRST ", \"total_cost\": -0.001, " ONE_CALL "}"),
         &pending, false},
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
    struct ledger_row rows[] = {paid(NOVEMBER, "a/x"), paid(NOVEMBER + 2 * DAY, "a/x")};
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
    struct bill_order order =
        order_of(VERCEL("{" FIRST ", \"total_cost\": 0.001, " ONE_CALL "}"), true);
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
                   "{\"date\": \"2026-11-01\", \"model\": \"d/2\", \"model_permaslug\": \"d/2\","
                   " \"usage\": 0.001}"),
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
        snprintf(report, sizeof(report), VERCEL("{" FIRST ", \"total_cost\": %s}"), cases[i].text);
        root = billed(report, NULL, 0, strcmp(cases[i].want, "0") == 0);
        assert_at(root, "totals.vendor.cost_usd", cases[i].want);
        json_object_put(root);
    }
}

static void lines_agree_within_a_nano_dollar(void **state)
{
    struct ledger_row rows[] = {paid(NOVEMBER, "a/x")};
    struct json_object *root;
    (void)state;
    root = billed(VERCEL("{" FIRST ", \"total_cost\": 0.001000001}"), rows, 1, true);
    assert_at(root, "lines.0.difference_usd", "0.000000001"); /* listed all the same */
    json_object_put(root);
    json_object_put(billed(VERCEL("{" FIRST ", \"total_cost\": 0.000999999}"), rows, 1, true));
    json_object_put(
        billed(VERCEL("{" FIRST ", \"total_cost\": 0.001000001000001}"), rows, 1, false));
    json_object_put(
        billed(VERCEL("{" FIRST ", \"total_cost\": 0.000999998999999}"), rows, 1, false));
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
        {VERCEL("{" FIRST ", \"total_cost\": null}"), "results[0] total_cost: is missing"},
        {VERCEL("{" FIRST ", \"total_cost\": {}}"), "total_cost: must be a number or a string"},
        {VERCEL("{" FIRST ", \"total_cost\": \"1 USD\"}"), "total_cost: is not a decimal number"},
        {VERCEL("{" FIRST ", \"total_cost\": NaN}"), "NaN"},
        {VERCEL("{" FIRST ", \"total_cost\": 1e400}"), "total_cost: is too large"},
        {VERCEL("{" FIRST ", \"total_cost\": 99999999999999999999}"), "total_cost: is too large"},
        {VERCEL("{" FIRST ", \"total_cost\": -99999999999999999999}"), "total_cost: is too large"},
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
        cmocka_unit_test(a_shifted_day_border_is_seen),
        cmocka_unit_test(a_day_is_paired_once),
        cmocka_unit_test(only_what_was_paid_for_is_compared),
        cmocka_unit_test(openrouters_activity_is_read),
        cmocka_unit_test(unclear_names_stay_as_they_are),
        cmocka_unit_test(either_dimension_will_do),
        cmocka_unit_test(costs_are_read_to_the_last_decimal),
        cmocka_unit_test(lines_agree_within_a_nano_dollar),
        cmocka_unit_test(errors_do_not_cancel),
        cmocka_unit_test(fees_are_part_of_the_bill),
        cmocka_unit_test(what_is_no_report_is_refused),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(people_get_a_table),
        cmocka_unit_test(nothing_agrees_with_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
