#include "tests/accounting/focus_fixture.h"

#include "accounting/focus_check.h"

static const int64_t milli = INT64_C(1000000000000); /* 0.001 USD */

/* Three lines: cache_read, in_text, gateway/surcharge; in the order of their SKUs: surcharge, then
 * the model's. */
static void write_sample(const struct fixture *fixture)
{
    struct ledger_row row =
        focus_row("zai/glm", "1 x=500000;0:0:1000:2000000000;2:2:100:200000000", milli + 123);
    row.market = fixture_money(milli);
    row.tags = TEXT("[\"a\",\"b\"]");
    focus_write(fixture, &row, 1);
}
enum { SURCHARGE = 1, CACHE_READ = 2, IN_TEXT = 3 };

static struct focus_dataset sample(const struct fixture *fixture, const struct focus_order *order)
{
    write_sample(fixture);
    return focus_good(fixture, order);
}

/* The points that fail, as bits; notes may be NULL. */
static uint32_t points_of(const struct fixture *fixture, const struct focus_order *order,
                          const char *text, char **ret_notes)
{
    struct ledger_reader *reader;
    struct focus_check check;
    char error[256], *kept;
    FILE *in = tmpfile(), *notes = tmpfile();
    fwrite(text, 1, strlen(text), in);
    rewind(in);
    assert_int_equal(ledger_reader_open(fixture->dir, 0, &reader, error, sizeof(error)), 0);
    assert_int_equal(focus_validate(reader, order, in, notes, &check), 0);
    ledger_reader_close(reader);
    fclose(in);
    kept = focus_slurp(notes);
    assert_int_equal(check.failed, __builtin_popcount(check.points));
    if (ret_notes != NULL)
        *ret_notes = kept;
    else
        free(kept);
    return check.points;
}

/* The dataset with one cell (line 0: a heading) as `cell` says, quotes and all. give. */
static char *with_cell(const char *csv, size_t line, const char *column, const char *cell)
{
    const char *start = focus_line_at(csv, line), *end;
    char name[FOCUS_CELL_MAX], *edited;
    size_t index = 0;
    while (focus_field(csv, index, name) && strcmp(name, column) != 0)
        index++;
    assert_string_equal(name, column);
    for (bool quoted = false; index > 0 || *start == 0; start++) {
        quoted ^= *start == '"';
        index -= *start == ',' && !quoted;
    }
    end = start;
    for (bool quoted = false; (*end != ',' && *end != '\n') || quoted; end++)
        quoted ^= *end == '"';
    if (asprintf(&edited, "%.*s%s%s", (int)(start - csv), csv, cell, end) < 0)
        abort();
    return edited;
}

#define BIT(point) (1u << (point))

/* Each point is found by what breaks it, and by nothing else. */
static void every_point_finds_what_breaks_it(void **state)
{
    static const struct {
        size_t line;
        const char *column, *cell;
        uint32_t points;
    } cases[] = {
        {0, "ServiceName", "Service", BIT(POINT_COLUMNS)},
        {0, "ServiceName", "SkuId", BIT(POINT_COLUMNS)},
        {IN_TEXT, "ServiceName", "", BIT(POINT_COLUMNS)},
        {IN_TEXT, "SkuMeter", "", 0},
        {IN_TEXT, "PricingCategory", "", BIT(POINT_COLUMNS)},
        {IN_TEXT, "ChargeClass", "Correction", BIT(POINT_QUANTITIES)},
        {IN_TEXT, "ChargeClass", "correction", BIT(POINT_VALUES) | BIT(POINT_QUANTITIES)},
        {IN_TEXT, "BillingCurrency", "EUR", BIT(POINT_VALUES)},
        {IN_TEXT, "ChargeCategory", "usage", BIT(POINT_VALUES)},
        {IN_TEXT, "ChargeCategory", "Purchase", BIT(POINT_VALUES)},
        {IN_TEXT, "PricingCategory", "Spot", BIT(POINT_VALUES)},
        {IN_TEXT, "x_EstimatedCost", "+1", BIT(POINT_VALUES)},
        {IN_TEXT, "x_EstimatedCost", "0.0000000000000001", BIT(POINT_VALUES)},
        {IN_TEXT, "x_EstimatedCost", "1e-15", 0},
        {IN_TEXT, "x_EstimatedCost", "NaN", BIT(POINT_VALUES)},
        {IN_TEXT, "x_RequestCount", "1.5", BIT(POINT_VALUES)},
        {IN_TEXT, "x_RequestCount", "-1", BIT(POINT_VALUES)},
        {SURCHARGE, "ChargePeriodStart", "2026-11-20 22:00:00Z", BIT(POINT_PERIODS)},
        {SURCHARGE, "ChargePeriodStart", "2026-10-31T23:00:00Z", BIT(POINT_PERIODS)},
        {IN_TEXT, "ChargePeriodStart", "2026-11-20T23:00:00Z", BIT(POINT_PERIODS)},
        {IN_TEXT, "ChargePeriodEnd", "2026-12-01T01:00:00Z", BIT(POINT_PERIODS)},
        {IN_TEXT, "ChargePeriodEnd", "2026-11-31T01:00:00Z", BIT(POINT_PERIODS)},
        {IN_TEXT, "ChargePeriodEnd", "2026-11-20T24:00:00Z", BIT(POINT_PERIODS)},
        {IN_TEXT, "BillingPeriodEnd", "2026-11-30T00:00:00Z", BIT(POINT_PERIODS)},
        {IN_TEXT, "ListCost", "0.002000000000001", BIT(POINT_LIST)},
        {IN_TEXT, "ListCost", "0.0020", 0},
        {IN_TEXT, "ListUnitPrice", "2.1", BIT(POINT_LIST)},
        {IN_TEXT, "ListUnitPrice", "-2", BIT(POINT_VALUES) | BIT(POINT_LIST)},
        {IN_TEXT, "ContractedCost", "0.002", BIT(POINT_CONTRACTED)},
        {IN_TEXT, "ContractedUnitPrice", "2", BIT(POINT_CONTRACTED)},
        {IN_TEXT, "BilledCost", "0.001", BIT(POINT_BILLED)},
        {IN_TEXT, "BilledCost", "", BIT(POINT_COLUMNS) | BIT(POINT_BILLED)},
        {IN_TEXT, "BilledCost", "1e99", BIT(POINT_BILLED)},
        {IN_TEXT, "BilledCost", "1e999", BIT(POINT_VALUES) | BIT(POINT_BILLED)},
        {IN_TEXT, "ConsumedQuantity", "1001", BIT(POINT_QUANTITIES)},
        {IN_TEXT, "SkuId", "zai/glm/out_text", BIT(POINT_QUANTITIES) | BIT(POINT_SKUS)},
        {IN_TEXT, "ConsumedUnit", "", BIT(POINT_COLUMNS) | BIT(POINT_PAIRS)},
        {IN_TEXT, "SubAccountName", "", BIT(POINT_PAIRS)},
        {IN_TEXT, "SubAccountType", "", BIT(POINT_PAIRS)},
        {IN_TEXT, "InvoiceId", "\"\"", BIT(POINT_STRINGS)},
        {IN_TEXT, "ServiceName", "\"\"", BIT(POINT_STRINGS)},
        {IN_TEXT, "Tags", "\"[\"\"a\"\"]\"", BIT(POINT_CELLS)},
        {SURCHARGE, "Tags", "\"{\"\"a\"\":[1]}\"", BIT(POINT_CELLS)},
        {SURCHARGE, "Tags", "\"{\"\"a\"\":{}}\"", BIT(POINT_CELLS)},
        {SURCHARGE, "Tags", "\"{\"\"a\"\":1,\"\"a\"\":1}\"", BIT(POINT_CELLS)},
        {SURCHARGE, "Tags", "\"{\"\"b\"\":1,\"\"a\"\":1}\"", BIT(POINT_CELLS)},
        {SURCHARGE, "Tags", "\"{\"\"a\"\":NaN}\"", BIT(POINT_CELLS)},
        {SURCHARGE, "Tags", "\"{\"\"a\"\":1}x\"", BIT(POINT_CELLS)},
        {SURCHARGE, "Tags", "\"{\"\"a\"\": 1}\"", BIT(POINT_CELLS)},
        {SURCHARGE, "Tags", "\"{\"\"a\"\":1.5,\"\"b\"\":\"\"x\"\",\"\"c\"\":null}\"", 0},
        {SURCHARGE, "SkuPriceDetails", "{", BIT(POINT_CELLS)},
        {0, "x_Variance", "Variance", BIT(POINT_ORDER)},
        {0, "x_Variance", "variance", BIT(POINT_ORDER)},
        {IN_TEXT, "SkuPriceId", "zai/glm/in_text", BIT(POINT_SKUS)},
        {IN_TEXT, "SkuPriceId", "zai/glm/in_tex@standard", BIT(POINT_SKUS)},
        {SURCHARGE, "SkuPriceId", "zz@standard", BIT(POINT_SKUS) | BIT(POINT_GRAIN)},
    };
    const struct focus_order order = focus_order();
    struct focus_dataset dataset = sample(*state, &order);
    assert_int_equal(points_of(*state, &order, dataset.text, NULL), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *edited = with_cell(dataset.text, cases[i].line, cases[i].column, cases[i].cell);
        char *notes;
        uint32_t points = points_of(*state, &order, edited, &notes);
        if (points != cases[i].points)
            fail_msg("%s as %s: %x, not %x\n%s", cases[i].column, cases[i].cell, points,
                     cases[i].points, notes);
        free(notes);
        free(edited);
    }
    focus_free(&dataset);
}

static void a_line_that_comes_twice_is_found(void **state)
{
    const struct focus_order order = focus_order();
    struct focus_dataset dataset = sample(*state, &order);
    const char *last = focus_line_at(dataset.text, IN_TEXT);
    char *twice, *notes;
    if (asprintf(&twice, "%s%s", dataset.text, last) < 0)
        abort();
    assert_int_equal(points_of(*state, &order, twice, &notes),
                     BIT(POINT_GRAIN) | BIT(POINT_BILLED) | BIT(POINT_QUANTITIES));
    assert_non_null(strstr(notes, "line 5: the same grain as the line before"));
    free(notes);
    free(twice);
    focus_free(&dataset);
}

static void a_line_that_is_missing_is_found(void **state)
{
    const struct focus_order order = focus_order();
    struct focus_dataset dataset = sample(*state, &order);
    *(char *)focus_line_at(dataset.text, IN_TEXT) = 0;
    assert_int_equal(points_of(*state, &order, dataset.text, NULL),
                     BIT(POINT_BILLED) | BIT(POINT_QUANTITIES));
    focus_free(&dataset);
}

static void text_that_is_no_csv_is_found(void **state)
{
    static const char *const texts[] = {
        "",         "\xef\xbb\xbfZ\n", "BilledCost\n\"1", "a\nb\"c\n", "a\n\"b\"c\n", "a\n1,2\n",
        "a\r\n1\n", "a\n1\r\n",        "a\n1\rx",         "a\n\xff\n", "\n",
    };
    const struct focus_order order = focus_order();
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char *notes;
        uint32_t points = points_of(*state, &order, texts[i], &notes);
        assert_true((points & BIT(POINT_COLUMNS)) != 0);
        if (i != 10 && strstr(notes, "line ") == NULL && strstr(notes, "no header") == NULL)
            fail_msg("%zu: %s", i, notes);
        free(notes);
    }
}

/* CRLF throughout is as good; the last line needs no end. */
static void lines_may_end_as_rfc_4180_says(void **state)
{
    const struct focus_order order = focus_order();
    struct focus_dataset dataset = sample(*state, &order);
    char *other = calloc(2, strlen(dataset.text) + 1), *at = other;
    for (const char *from = dataset.text; *from != 0; from++) {
        if (*from == '\n')
            *at++ = '\r';
        *at++ = *from;
    }
    assert_int_equal(points_of(*state, &order, other, NULL), 0);
    at[-2] = 0;
    assert_int_equal(points_of(*state, &order, other, NULL), 0);
    free(other);
    focus_free(&dataset);
}

static char *replaced(const char *text, const char *from, const char *to)
{
    const char *found = strstr(text, from);
    char *edited;
    if (found == NULL)
        fail_msg("there is no %s in %s", from, text);
    if (asprintf(&edited, "%.*s%s%s", (int)(found - text), text, to, found + strlen(from)) < 0)
        abort();
    return edited;
}

static void json_lines_are_checked_alike(void **state)
{
    static const struct {
        const char *from, *to;
        uint32_t points;
    } cases[] = {
        {"\"InvoiceId\":null", "\"InvoiceId\":\"\"", BIT(POINT_STRINGS)},
        {"\"InvoiceId\":null,", "", BIT(POINT_COLUMNS)},
        {"\"InvoiceId\":null", "\"InvoiceId\":null,\"InvoiceId\":null",
         BIT(POINT_COLUMNS) | BIT(POINT_BILLED) | BIT(POINT_QUANTITIES)},
        {"\"BillingCurrency\":\"USD\"", "\"BillingCurrency\":1", BIT(POINT_VALUES)},
        {"\"EffectiveCost\":\"0.000000000000123\"", "\"EffectiveCost\":0.000000000000123",
         BIT(POINT_VALUES)},
        {"\"x_RequestCount\":1", "\"x_RequestCount\":\"1\"", BIT(POINT_VALUES)},
        {"\"Tags\":{\"a\":true,\"b\":true}", "\"Tags\":{\"a\":[]}", BIT(POINT_CELLS)},
        {"\"Tags\":{\"a\":true,\"b\":true}", "\"Tags\":\"a\"",
         BIT(POINT_CELLS) | BIT(POINT_VALUES)},
        {"{\"BilledCost\"", "{\"x_A\":1,\"BilledCost\"", BIT(POINT_ORDER)},
        {"{\"BilledCost\"", "{\"a\":1,\"BilledCost\"", BIT(POINT_ORDER)},
        {"{\"BilledCost\"", "{\"BilledCost",
         BIT(POINT_COLUMNS) | BIT(POINT_BILLED) | BIT(POINT_QUANTITIES)},
        {"{\"BilledCost\"", "[\"BilledCost\"",
         BIT(POINT_COLUMNS) | BIT(POINT_BILLED) | BIT(POINT_QUANTITIES)},
        {"{\"BilledCost\"", "\n{\"BilledCost\"",
         BIT(POINT_COLUMNS) | BIT(POINT_BILLED) | BIT(POINT_QUANTITIES)},
    };
    struct focus_order order = focus_order();
    struct focus_dataset dataset;
    order.form = FOCUS_JSONL;
    dataset = sample(*state, &order);
    assert_int_equal(points_of(*state, &order, dataset.text, NULL), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *edited = replaced(dataset.text, cases[i].from, cases[i].to), *notes;
        uint32_t points = points_of(*state, &order, edited, &notes);
        if (points != cases[i].points)
            fail_msg("%s: %x, not %x\n%s", cases[i].to, points, cases[i].points, notes);
        free(notes);
        free(edited);
    }
    focus_free(&dataset);
}

static void another_versions_columns_are_missed(void **state)
{
    struct focus_order order = focus_order();
    struct focus_dataset dataset = sample(*state, &order);
    order.profile = FOCUS_1_4;
    assert_int_equal(points_of(*state, &order, dataset.text, NULL), BIT(POINT_COLUMNS));
    focus_free(&dataset);
}

/* A row that changed after the dataset was made is a difference that it cannot explain. */
static void the_ledger_is_what_sums_are_compared_with(void **state)
{
    const struct fixture *fixture = *state;
    const struct focus_order order = focus_order();
    struct focus_dataset dataset = sample(fixture, &order);
    struct focus_check check;
    FILE *in, *notes = tmpfile();
    struct ledger_row more = focus_row("zai/glm", "1;0:0:1:1", 1);
    focus_write(fixture, &more, 1);
    assert_int_equal(points_of(fixture, &order, dataset.text, NULL),
                     BIT(POINT_BILLED) | BIT(POINT_QUANTITIES));
    in = fmemopen(dataset.text, strlen(dataset.text), "r");
    assert_int_equal(focus_validate(NULL, &order, in, notes, &check), 0);
    assert_int_equal(check.points, 0);
    assert_int_equal(check.lines, 3);
    fclose(in);
    fclose(notes);
    focus_free(&dataset);
}

static void the_vendors_report_is_compared_by_model(void **state)
{
    static const struct {
        const char *report;
        uint32_t points;
        const char *note;
    } cases[] = {
        {"{\"results\":[{\"model\":\"zai/glm\",\"total_cost\":1,\"gateway_cost\":0.001000000000123"
         "}]}",
         0, "0 of 1 models differ"},
        {"{\"data\":[{\"model\":\"zai/glm\",\"usage\":\"0.001\"},{\"model\":\"zai/glm\",\"usage\":"
         "1.23e-13}]}",
         0, "0 of 1 models differ"},
        {"{\"results\":[{\"model\":\"zai/glm\",\"total_cost\":0.002},{\"model\":\"other\","
         "\"total_cost\":3}]}",
         0, "report zai/glm: 0.001000000000123 here, 0.002 there, difference -0.000999999999877"},
        {"{\"results\":[]}", 0, "report does not name the models of 3 lines: 0.001000000000123"},
        {"{\"results\":[{\"day\":\"2026-11-01\",\"total_cost\":1}]}", BIT(POINT_VENDOR),
         "group it by model"},
        {"{\"results\":[{\"model\":\"a\",\"total_cost\":\"x\"}]}", BIT(POINT_VENDOR), "item 0"},
        {"{\"error\":1}", BIT(POINT_VENDOR), "neither"},
        {"{", BIT(POINT_VENDOR), "report: "},
    };
    struct focus_order order = focus_order();
    struct focus_dataset dataset = sample(*state, &order);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *notes;
        uint32_t points;
        order.vendor_report = cases[i].report;
        order.vendor_report_len = strlen(cases[i].report);
        points = points_of(*state, &order, dataset.text, &notes);
        if (points != cases[i].points || strstr(notes, cases[i].note) == NULL)
            fail_msg("%s: %x\n%s", cases[i].report, points, notes);
        free(notes);
    }
    focus_free(&dataset);
}

/* --- numbers --- */

static struct focus_decimal decimal(const char *text)
{
    struct focus_decimal got;
    if (focus_decimal_parse(text_of(text), &got) != 0)
        fail_msg("%s is no number", text);
    return got;
}

static void products_are_exact(void **state)
{
    static const struct {
        const char *a, *b, *product;
        bool holds;
    } cases[] = {
        {"3.75", "0.012304", "0.04614", true},
        {"3.75", "0.012304", "0.046140000000001", false},
        {"2", "5", "10", true},
        {"2", "5", "1e1", true},
        {"2", "5", "0.1e2", true},
        {"-2", "5", "-10", true},
        {"-2", "5", "10", false},
        {"0", "5", "0.0", true},
        {"0", "5", "-0", true},
        {"0", "5", "1e-15", false},
        {"999999999999999999999999999", "999999999999999999999999999",
         "999999999999999999999999998000000000000000000000000001", true},
        {"999999999999999999999999999", "999999999999999999999999999",
         "999999999999999999999999998000000000000000000000000002", false},
        {"999999999999999999999999999", "999999999999999999999999999",
         "99999999999999999999999999800000000000000000000000000", false},
        {"1e100", "1e100", "1", false},
        {"1e-100", "1e100", "1", true},
        {"1e-100", "1e-100", "1e100", false},
        {"123456789123456789", "1000000007", "123456789987654312864197523", true},
        {"123456789123456789", "1000000007", "123456789987654312864197524", false},
        {"123456789", "123456789", "15241578750190521", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct focus_decimal a = decimal(cases[i].a), b = decimal(cases[i].b);
        struct focus_decimal product = decimal(cases[i].product);
        if (focus_decimal_is_product(&a, &b, &product) != cases[i].holds ||
            focus_decimal_is_product(&b, &a, &product) != cases[i].holds)
            fail_msg("%s x %s, %s", cases[i].a, cases[i].b, cases[i].product);
    }
}

static void numbers_are_ordered_by_value(void **state)
{
    static const char *const ascending[] = {"-1e100", "-12",     "-1.5", "-1",   "0",
                                            "1e-100", "0.1",     "0.11", "1",    "1.5",
                                            "9e5",    "1000000", "1e99", "1e100"};
    enum { COUNT = sizeof(ascending) / sizeof(ascending[0]) };
    (void)state;
    for (int i = 0; i < COUNT; i++) {
        for (int j = 0; j < COUNT; j++) {
            struct focus_decimal a = decimal(ascending[i]), b = decimal(ascending[j]);
            assert_int_equal(focus_decimal_compare(&a, &b), (i > j) - (i < j));
        }
    }
}

static void what_is_no_number_is_refused(void **state)
{
    static const char *const texts[] = {"",      "+1",    "1,000", " 1",    "1 ",
                                        "$1",    ".5",    "5.",    "1e",    "1e+5",
                                        "--1",   "0x1",   "NaN",   "1e5.0", "1e9999999999999999999",
                                        "1e101", "1e-101"};
    struct focus_decimal got = {.count = 7};
    struct money money = {.femto = 42};
    int64_t count = 42;
    struct focus_decimal fine = decimal("1e-16"), large = decimal("1e30"), half = decimal("0.5");
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (focus_decimal_parse(text_of(texts[i]), &got) == 0)
            fail_msg("%s was read", texts[i]);
    }
    assert_int_equal(got.count, 7);
    assert_int_equal(focus_decimal_money(&fine, &money), -ERANGE);
    assert_int_equal(focus_decimal_money(&large, &money), -ERANGE);
    assert_int_equal((int)money.femto, 42);
    assert_int_equal(focus_decimal_count(&half, &count), -ERANGE);
    assert_int_equal(focus_decimal_count(&large, &count), -ERANGE);
    assert_int_equal(count, 42);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_point_finds_what_breaks_it),
        TEST(a_line_that_comes_twice_is_found),
        TEST(a_line_that_is_missing_is_found),
        TEST(text_that_is_no_csv_is_found),
        TEST(lines_may_end_as_rfc_4180_says),
        TEST(json_lines_are_checked_alike),
        TEST(another_versions_columns_are_missed),
        TEST(the_ledger_is_what_sums_are_compared_with),
        TEST(the_vendors_report_is_compared_by_model),
        TEST(products_are_exact),
        TEST(numbers_are_ordered_by_value),
        TEST(what_is_no_number_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
