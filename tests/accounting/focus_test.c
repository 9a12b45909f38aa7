#include "tests/accounting/focus_fixture.h"

#include "accounting/focus_use.h"
#include "accounting/ledger_place.h"

#include <json-c/json.h>

static const int64_t milli = INT64_C(1000000000000); /* 0.001 USD */

/* input 3 x 3, write 12304 x 3.75, output 550 x 15 USD per million: 0.054399 */
static const char vector[] = "1;0:0:3:3000000000;1:1:550:15000000000;3:3:12304:3750000000";

static void assert_column(const char *csv, const char *column, const char *const *want,
                          size_t count)
{
    assert_int_equal(focus_count(csv), count);
    for (size_t i = 0; i < count; i++)
        assert_cell(csv, i + 1, column, want[i]);
}

/* pricing-and-focus section 6's example, to the last digit. */
static void a_total_is_shared_out_to_the_last_digit(void **state)
{
    static const char *const skus[] = {"zai/glm/cache_write_5m", "zai/glm/in_text",
                                       "zai/glm/out_text"};
    static const char *const billed[] = {"0.046140848177356", "0.000009000165444",
                                         "0.0082501516572"};
    static const char *const list[] = {"0.04614", "0.000009", "0.00825"};
    static const char *const prices[] = {"3.75", "3", "15"};
    static const char *const quantities[] = {"0.012304", "0.000003", "0.00055"};
    static const char *const consumed[] = {"12304", "3", "550"};
    const struct focus_order order = focus_order();
    struct ledger_row row = focus_row("zai/glm", vector, INT64_C(54400000000000));
    struct focus_dataset dataset;
    row.estimated = fixture_money(INT64_C(54399000000000));
    row.usage.prompt_tokens = 12307;
    row.usage.cache_write_tokens = 12304;
    row.usage.completion_tokens = 550;
    focus_write(*state, &row, 1);
    dataset = focus_good(*state, &order);
    assert_column(dataset.text, "SkuId", skus, 3);
    assert_column(dataset.text, "BilledCost", billed, 3);
    assert_column(dataset.text, "EffectiveCost", billed, 3);
    assert_column(dataset.text, "x_ReportedCost", billed, 3);
    assert_column(dataset.text, "ListCost", list, 3);
    assert_column(dataset.text, "ContractedCost", list, 3);
    assert_column(dataset.text, "x_EstimatedCost", list, 3);
    assert_column(dataset.text, "ListUnitPrice", prices, 3);
    assert_column(dataset.text, "PricingQuantity", quantities, 3);
    assert_column(dataset.text, "ConsumedQuantity", consumed, 3);
    assert_cell(dataset.text, 2, "x_Variance", "0.000000000165444");
    assert_null(strstr(dataset.notes, "other token counts"));
    focus_free(&dataset);
}

static void every_column_says_what_it_should(void **state)
{
    static const char *const want[][2] = {
        {"BillingAccountId", "team-1"},
        {"BillingAccountName", "The Team"},
        {"BillingCurrency", "USD"},
        {"BillingPeriodStart", "2026-11-01T00:00:00Z"},
        {"BillingPeriodEnd", "2026-12-01T00:00:00Z"},
        {"ChargeCategory", "Usage"},
        {"ChargeClass", ""},
        {"ChargeDescription", "zai/glm cached input tokens"},
        {"ChargeFrequency", "Usage-Based"},
        {"ChargePeriodStart", "2026-11-20T22:00:00Z"},
        {"ChargePeriodEnd", "2026-11-20T23:00:00Z"},
        {"ConsumedQuantity", "1000"},
        {"ConsumedUnit", "Tokens"},
        {"InvoiceId", ""},
        {"InvoiceIssuerName", "Vercel"},
        {"ListCost", "0.00026"},
        {"ListUnitPrice", "0.26"},
        {"ContractedUnitPrice", "0.26"},
        {"PricingCategory", "Dynamic"},
        {"PricingQuantity", "0.001"},
        {"PricingUnit", "1000000 Tokens"},
        {"ProviderName", "Vercel"},
        {"PublisherName", "zai"},
        {"ResourceId", "bedrock/zai/glm"},
        {"ResourceName", "zai/glm"},
        {"ResourceType", "Model"},
        {"ServiceCategory", "AI and Machine Learning"},
        {"ServiceName", "Vercel AI Gateway"},
        {"ServiceSubcategory", "Generative AI"},
        {"SkuId", "zai/glm/cache_read"},
        {"SkuMeter", "Cached Input Tokens"},
        {"SkuPriceDetails",
         "{\"x_ContextAbove\":200000,\"x_OffPeak\":true,\"x_ServiceTier\":\"flex\"}"},
        {"SkuPriceId", "zai/glm/cache_read@flex+>200k+off-peak"},
        {"SubAccountId", "shop"},
        {"SubAccountName", "shop"},
        {"SubAccountType", "Project"},
        {"Tags", "{\"a\":true,\"b,\\\"c\\\"\":true,\"tollgate/app\":\"Search\","
                 "\"tollgate/client\":\"ci\",\"tollgate/environment\":\"prod\"}"},
        {"x_CostSource", "lookup"},
        {"x_ReconciliationStatus", "matched"},
        {"x_RequestCount", "1"},
        {"x_CacheHitCount", "0"},
        {"x_CacheAvoidedCost", ""},
        {"x_PriceTableHash", "abc"},
        {"x_LedgerRootHash", ""},
    };
    const struct focus_order order = focus_order();
    struct ledger_row row = focus_row(
        "zai/glm", "1 above=200000 tier=flex flags=8;2:2:1000:260000000", INT64_C(260000000000));
    struct focus_dataset dataset;
    row.provider = TEXT("bedrock");
    row.project = TEXT("shop");
    row.client = TEXT("ci");
    row.app = TEXT("Search");
    row.environment = TEXT("prod");
    row.tags = TEXT("[\"b,\\\"c\\\"\",\"a\",\"a\",\"tollgate/app\",\"\"]");
    row.price_hash = TEXT("abc");
    row.observed = TEXT("[{\"from\":\"generation\",\"at\":1,\"billed\":\"0.00026\"}]");
    focus_write(*state, &row, 1);
    dataset = focus_good(*state, &order);
    assert_int_equal(focus_count(dataset.text), 1);
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
        assert_cell(dataset.text, 1, want[i][0], want[i][1]);
    focus_free(&dataset);
}

static void a_later_version_has_its_columns(void **state)
{
    struct focus_order order = focus_order();
    struct ledger_row row = focus_row("zai/glm", vector, milli);
    struct focus_dataset dataset;
    row.provider = TEXT("bedrock");
    order.profile = FOCUS_1_4;
    focus_write(*state, &row, 1);
    dataset = focus_good(*state, &order);
    assert_cell(dataset.text, 1, "ServiceProviderName", "zai");
    assert_cell(dataset.text, 1, "HostProviderName", "bedrock");
    assert_null(strstr(dataset.text, ",ProviderName"));
    assert_null(strstr(dataset.text, "PublisherName"));
    focus_free(&dataset);
}

static void json_lines_keep_numbers_exact_and_objects_objects(void **state)
{
    struct focus_order order = focus_order();
    struct ledger_row row = focus_row("zai/glm", "1;0:0:3:3000000000", INT64_C(9000165444));
    struct focus_dataset dataset;
    struct json_object *line, *value;
    order.form = FOCUS_JSONL;
    row.tags = TEXT("[\"a/b\"]");
    focus_write(*state, &row, 1);
    dataset = focus_good(*state, &order);
    line = json_tokener_parse(dataset.text);
    assert_true(json_object_object_get_ex(line, "BilledCost", &value));
    assert_int_equal(json_object_get_type(value), json_type_string);
    assert_string_equal(json_object_get_string(value), "0.000009000165444");
    assert_true(json_object_object_get_ex(line, "ConsumedQuantity", &value));
    assert_int_equal(json_object_get_int(value), 3);
    assert_true(json_object_object_get_ex(line, "InvoiceId", &value));
    assert_null(value);
    assert_true(json_object_object_get_ex(line, "Tags", &value));
    assert_int_equal(json_object_get_type(value), json_type_object);
    assert_true(json_object_object_get_ex(value, "a/b", &value));
    assert_true(json_object_get_boolean(value));
    json_object_put(line);
    focus_free(&dataset);
}

static void a_request_without_a_price_is_one_line(void **state)
{
    const struct focus_order order = focus_order();
    struct ledger_row rows[3] = {
        focus_row("new/model", NULL, 5 * milli), focus_row("new/model", NULL, 6 * milli),
        focus_row("free/model", "1;0:0:7:0", milli), /* a price of 0, and billed all the same */
    };
    struct focus_dataset dataset;
    size_t line;
    focus_write(*state, rows, 3);
    dataset = focus_good(*state, &order);
    assert_int_equal(focus_count(dataset.text), 2);
    line = focus_sku(dataset.text, "new/model/unpriced");
    assert_cell(dataset.text, line, "BilledCost", "0.011");
    assert_cell(dataset.text, line, "ListCost", "0.011");
    assert_cell(dataset.text, line, "ListUnitPrice", "0.011");
    assert_cell(dataset.text, line, "PricingQuantity", "1");
    assert_cell(dataset.text, line, "PricingUnit", "Requests");
    assert_cell(dataset.text, line, "ConsumedQuantity", "2");
    assert_cell(dataset.text, line, "PricingCategory", "Other");
    assert_cell(dataset.text, line, "SkuPriceDetails", "");
    line = focus_sku(dataset.text, "free/model/unpriced");
    assert_cell(dataset.text, line, "BilledCost", "0.001");
    focus_free(&dataset);
}

static void what_is_free_still_shows_its_use(void **state)
{
    const struct focus_order order = focus_order();
    struct ledger_row row = focus_row("free/model", "1;0:0:7:0;1:1:9:0", 0);
    struct focus_dataset dataset;
    focus_write(*state, &row, 1);
    dataset = focus_good(*state, &order);
    assert_cell(dataset.text, focus_sku(dataset.text, "free/model/out_text"), "ConsumedQuantity",
                "9");
    assert_cell(dataset.text, 1, "BilledCost", "0");
    focus_free(&dataset);
}

/* Nothing was billed, or nobody knows what: neither is a charge of 0. */
static void failed_and_unknown_requests_have_no_line(void **state)
{
    const struct focus_order order = focus_order();
    struct ledger_row rows[4];
    struct focus_dataset dataset;
    for (unsigned i = 0; i < 4; i++)
        rows[i] = focus_row("zai/glm", NULL, 0);
    rows[0].verdict = VERDICT_FAILED;
    rows[1].verdict = VERDICT_FAILED;
    rows[1].billed.known = rows[1].booked.known = false;
    rows[2].verdict = VERDICT_UNKNOWN;
    rows[2].billed.known = rows[2].booked.known = false;
    rows[3].verdict = VERDICT_FREE;
    rows[3].cache = CACHE_HIT;
    focus_write(*state, rows, 4);
    dataset = focus_good(*state, &order);
    assert_int_equal(focus_count(dataset.text), 0);
    assert_non_null(strstr(dataset.notes, "the cost of 1 more is not known"));
    assert_non_null(strstr(dataset.metadata, "\"x_UnknownCostRequests\":1,"));
    focus_free(&dataset);
}

static void what_the_gateway_takes_besides_is_a_line_of_its_own(void **state)
{
    const struct focus_order order = focus_order();
    struct ledger_row rows[2] = {
        focus_row("zai/glm", "1;0:0:1000:1000000000", milli + 100000),
        focus_row("zai/glm", "1;0:0:1000:1000000000", milli + 500),
    };
    struct focus_dataset dataset;
    size_t line;
    rows[0].market = fixture_money(milli);
    rows[1].cause = CAUSE_SURCHARGE; /* found by the estimate: no market price was reported */
    rows[1].difference = fixture_money(500);
    focus_write(*state, rows, 2);
    dataset = focus_good(*state, &order);
    assert_int_equal(focus_count(dataset.text), 2);
    line = focus_sku(dataset.text, "gateway/surcharge");
    assert_cell(dataset.text, line, "BilledCost", "0.0000000001005");
    assert_cell(dataset.text, line, "ConsumedQuantity", "2");
    assert_cell(dataset.text, line, "ResourceName", "zai/glm");
    assert_cell(dataset.text, line, "PublisherName", "Vercel");
    line = focus_sku(dataset.text, "zai/glm/in_text");
    assert_cell(dataset.text, line, "BilledCost", "0.002");
    focus_free(&dataset);
}

static void under_ones_own_key_the_vendor_invoices(void **state)
{
    const struct focus_order order = focus_order();
    struct ledger_row rows[2] = {
        focus_row("zai/glm", "1;0:0:1000:1000000000", 100000),
        focus_row("zai/glm", "1;0:0:1000:1000000000", milli),
    };
    struct focus_dataset dataset;
    bool seen_vendor = false, seen_gateway = false;
    rows[0].byok = 1;
    rows[0].market = fixture_money(milli);
    rows[0].upstream_cost = fixture_money(2 * milli);
    rows[0].booked = fixture_money(2 * milli + 100000);
    focus_write(*state, rows, 2);
    dataset = focus_good(*state, &order);
    assert_int_equal(focus_count(dataset.text), 3);
    for (size_t i = 1; i <= 3; i++) {
        bool vendor = strcmp(focus_at(dataset.text, i, "InvoiceIssuerName"), "zai") == 0;
        if (strcmp(focus_at(dataset.text, i, "SkuId"), "gateway/surcharge") == 0) {
            assert_cell(dataset.text, i, "InvoiceIssuerName", "Vercel");
            assert_cell(dataset.text, i, "BilledCost", "0.0000000001");
            continue;
        }
        assert_cell(dataset.text, i, "BilledCost", vendor ? "0.002" : "0.001");
        seen_vendor |= vendor;
        seen_gateway |= !vendor;
    }
    assert_true(seen_vendor && seen_gateway);
    focus_free(&dataset);
}

static void fees_are_what_the_rules_say(void **state)
{
    static const struct {
        int byok;
        int64_t billed, market, difference; /* -1: not known */
        enum cause cause;
        int64_t fee;
    } cases[] = {
        {0, 100, 90, -1, CAUSE_NONE, 10},      {0, 90, 100, -1, CAUSE_DISCOUNT, 0},
        {0, 100, 0, -1, CAUSE_NONE, 0}, /* a market price of 0 says nothing */
        {0, 100, -1, -1, CAUSE_NONE, 0},       {0, 100, -1, 10, CAUSE_SURCHARGE, 10},
        {0, 100, -1, 10, CAUSE_MARKUP, 0},     {0, 100, -1, 1000, CAUSE_SURCHARGE, 0},
        {0, 100, 100, 10, CAUSE_SURCHARGE, 0}, {1, 100, -1, -1, CAUSE_BYOK, 100},
        {1, 100, 90, -1, CAUSE_NONE, 100},     {1, -1, 90, -1, CAUSE_NONE, 0},
        {-1, 100, 90, -1, CAUSE_NONE, 10},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ledger_row row = focus_row("m", NULL, cases[i].billed);
        row.billed.known = cases[i].billed >= 0;
        row.byok = cases[i].byok;
        row.cause = cases[i].cause;
        if (cases[i].market >= 0)
            row.market = fixture_money(cases[i].market);
        if (cases[i].difference >= 0)
            row.difference = fixture_money(cases[i].difference);
        if (focus_fee(&row).femto != cases[i].fee)
            fail_msg("case %zu: %lld", i, (long long)focus_fee(&row).femto);
    }
}

/* A multiplier is an agreed rate: the list price stays. 15 decimals x 6 decimals x a count. */
static void a_multiplier_is_what_is_contracted(void **state)
{
    const struct focus_order order = focus_order();
    struct ledger_row row =
        focus_row("zai/glm", "1 x=950001;0:0:3:3000000001;8:8:2:7", INT64_C(8550009));
    struct focus_dataset dataset;
    size_t line;
    focus_write(*state, &row, 1);
    dataset = focus_good(*state, &order);
    line = focus_sku(dataset.text, "zai/glm/in_text");
    assert_cell(dataset.text, line, "ListUnitPrice", "3.000000001");
    assert_cell(dataset.text, line, "ListCost", "0.000009000000003");
    assert_cell(dataset.text, line, "ContractedUnitPrice", "2.850003000950001");
    assert_cell(dataset.text, line, "ContractedCost", "0.000008550009002850003");
    line = focus_sku(dataset.text, "zai/glm/web_search");
    assert_cell(dataset.text, line, "PricingUnit", "Requests");
    assert_cell(dataset.text, line, "ListUnitPrice", "0.000000000000007");
    assert_cell(dataset.text, line, "ContractedUnitPrice", "0.000000000000006650007");
    assert_cell(dataset.text, line, "ContractedCost", "0.000000000000013300014");
    focus_free(&dataset);
}

static void hits_are_shown_only_when_asked_for(void **state)
{
    struct focus_order order = focus_order();
    struct ledger_row rows[3] = {
        focus_row("zai/glm", vector, INT64_C(54399000000000)),
        focus_row("zai/glm", vector, 0),
        focus_row("new/model", NULL, 0),
    };
    struct focus_dataset dataset;
    size_t line;
    for (unsigned i = 1; i < 3; i++) {
        rows[i].cache = i == 1 ? CACHE_HIT : CACHE_COLLAPSED;
        rows[i].verdict = VERDICT_FREE;
        rows[i].saved = fixture_money(INT64_C(54400000000000));
    }
    focus_write(*state, rows, 3);
    dataset = focus_good(*state, &order);
    assert_int_equal(focus_count(dataset.text), 3);
    focus_free(&dataset);
    order.savings = true;
    dataset = focus_good(*state, &order);
    assert_int_equal(focus_count(dataset.text), 7);
    line = focus_sku(dataset.text, "zai/glm/cache_write_5m/response-cache");
    assert_cell(dataset.text, line, "ConsumedQuantity", "12304");
    assert_cell(dataset.text, line, "ListCost", "0.04614");
    assert_cell(dataset.text, line, "BilledCost", "0");
    assert_cell(dataset.text, line, "EffectiveCost", "0");
    assert_cell(dataset.text, line, "ContractedCost", "0");
    assert_cell(dataset.text, line, "ContractedUnitPrice", "0");
    assert_cell(dataset.text, line, "x_CacheAvoidedCost", "0.046140848177356");
    assert_cell(dataset.text, line, "x_CacheHitCount", "1");
    assert_cell(dataset.text, line, "x_EstimatedCost", "");
    line = focus_sku(dataset.text, "new/model/unpriced/response-cache");
    assert_cell(dataset.text, line, "ListCost", "0.0544");
    assert_cell(dataset.text, line, "BilledCost", "0");
    focus_free(&dataset);
}

static void a_correction_is_charged_in_its_own_hour(void **state)
{
    const struct focus_order order = focus_order();
    struct ledger_row rows[3] = {
        focus_row("zai/glm", "1;0:0:1000:1000000000", milli),
        focus_row("zai/glm", "1;0:0:1000:1000000000;1:1:3:1000000000", -milli / 4),
        focus_row("zai/glm", NULL, 7),
    };
    struct focus_dataset dataset;
    rows[1].corrects = TEXT("1793491199999/77"); /* the last of October */
    rows[1].estimated = fixture_money(-1003);
    rows[2].corrects = TEXT("nonsense");
    focus_close(*state, focus_october_ms, focus_from_ms);
    focus_write(*state, rows, 3);
    dataset = focus_good(*state, &order);
    assert_int_equal(focus_count(dataset.text), 4);
    assert_cell(dataset.text, 1, "ChargeClass", "Correction");
    assert_cell(dataset.text, 1, "SkuId", "zai/glm/in_text");
    assert_cell(dataset.text, 1, "ChargePeriodStart", "2026-10-31T23:00:00Z");
    assert_cell(dataset.text, 1, "ChargePeriodEnd", "2026-11-01T00:00:00Z");
    assert_cell(dataset.text, 1, "BillingPeriodStart", "2026-11-01T00:00:00Z");
    assert_cell(dataset.text, 1, "BilledCost", "-0.00024925224327");
    assert_cell(dataset.text, 1, "ListCost", "-0.000000000001");
    assert_cell(dataset.text, 1, "ConsumedQuantity", "");
    assert_cell(dataset.text, 1, "PricingUnit", "");
    assert_cell(dataset.text, 1, "ListUnitPrice", "");
    assert_cell(dataset.text, 3, "ChargeClass", "");
    assert_cell(dataset.text, 4, "ChargeClass", "Correction");
    assert_cell(dataset.text, 4, "ChargePeriodStart", "2026-11-20T22:00:00Z");
    assert_non_null(strstr(dataset.metadata, "\"x_Corrections\":2,"));
    focus_free(&dataset);
}

/* Where no month is closed nothing can be corrected; what says that it is one still counts. */
static void a_correction_of_nothing_is_charged_where_it_stands(void **state)
{
    const struct focus_order order = focus_order();
    struct ledger_row row = focus_row("zai/glm", NULL, 7);
    struct focus_dataset dataset;
    row.corrects = TEXT("1793491199999/77");
    focus_write(*state, &row, 1);
    dataset = focus_good(*state, &order);
    assert_int_equal(focus_count(dataset.text), 1);
    assert_cell(dataset.text, 1, "ChargePeriodStart", "2026-11-20T22:00:00Z");
    focus_free(&dataset);
}

/* The same SKU at another price, in another hour, for another project: lines of their own. All else
 * is added up. */
static void lines_are_as_many_as_their_grain(void **state)
{
    static const char *const starts[] = {
        "2026-11-20T22:00:00Z", "2026-11-20T22:00:00Z", "2026-11-20T22:00:00Z",
        "2026-11-20T22:00:00Z", "2026-11-20T23:00:00Z",
    };
    static const char *const accounts[] = {"a", "a", "a", "k1", "k1"};
    static const char *const types[] = {"Client", "Project", "Project", "Key", "Key"};
    static const char *const consumed[] = {"10", "20", "30", "100", "1000"};
    const struct focus_order order = focus_order();
    struct ledger_row rows[7];
    struct focus_dataset dataset;
    for (unsigned i = 0; i < 7; i++)
        rows[i] = focus_row("zai/glm", "1;0:0:50:10", 10);
    rows[0].client = TEXT("a");
    rows[0].rating = TEXT("1;0:0:10:10");
    rows[1].project = TEXT("a");
    rows[1].rating = TEXT("1;0:0:30:11");
    rows[2].project = TEXT("a");
    rows[2].rating = TEXT("1;0:0:20:10");
    rows[2].verdict = VERDICT_OVER;
    rows[2].billed.known = false;
    rows[5].created_at_ms += FOCUS_FIXTURE_HOUR_MS;
    rows[5].rating = TEXT("1;0:0:999:10");
    rows[6].created_at_ms += FOCUS_FIXTURE_HOUR_MS;
    rows[6].rating = TEXT("1;0:0:1:10");
    rows[6].price_hash = TEXT("x");
    focus_write(*state, rows, 7);
    dataset = focus_good(*state, &order);
    assert_column(dataset.text, "ChargePeriodStart", starts, 5);
    assert_column(dataset.text, "SubAccountId", accounts, 5);
    assert_column(dataset.text, "SubAccountType", types, 5);
    assert_column(dataset.text, "ConsumedQuantity", consumed, 5);
    assert_cell(dataset.text, 2, "x_CostSource", "estimate");
    assert_cell(dataset.text, 2, "x_ReportedCost", "");
    assert_cell(dataset.text, 5, "x_RequestCount", "2");
    focus_free(&dataset);
}

static struct text gateway_of(void *arg, struct text upstream)
{
    assert_string_equal(arg, "arg");
    return upstream.len == 2 ? TEXT("OpenRouter") : (struct text){NULL, 0};
}

static void gateways_are_named_by_upstream(void **state)
{
    struct focus_order order = focus_order();
    struct ledger_row rows[2] = {focus_row("zai/glm", vector, 1), focus_row("m", vector, 1)};
    struct focus_dataset dataset;
    rows[0].upstream = TEXT("or");
    rows[1].upstream = TEXT("local");
    order.gateway_of = gateway_of;
    order.gateway_arg = "arg";
    focus_write(*state, rows, 2);
    dataset = focus_good(*state, &order);
    assert_cell(dataset.text, 6, "ProviderName", "OpenRouter");
    assert_cell(dataset.text, 6, "ServiceName", "OpenRouter");
    assert_cell(dataset.text, 1, "ProviderName", "local");
    focus_free(&dataset);
}

static void the_metadata_names_every_column(void **state)
{
    const struct focus_order order = focus_order();
    struct focus_dataset dataset = focus_good(*state, &order);
    struct json_object *metadata = json_tokener_parse(dataset.metadata), *columns, *column, *name;
    char cell[FOCUS_CELL_MAX];
    size_t count = 0;
    assert_non_null(metadata);
    assert_true(json_object_object_get_ex(metadata, "FocusVersion", &name));
    assert_string_equal(json_object_get_string(name), "1.2");
    assert_true(json_object_object_get_ex(metadata, "ColumnDefinition", &columns));
    while (focus_field(dataset.text, count, cell)) {
        column = json_object_array_get_idx(columns, count++);
        assert_true(json_object_object_get_ex(column, "ColumnName", &name));
        assert_string_equal(json_object_get_string(name), cell);
    }
    assert_int_equal(json_object_array_length(columns), count);
    assert_int_equal(count, 54);
    json_object_put(metadata);
    focus_free(&dataset);
}

/* The lines of a closed month name the head that proves them. */
static void a_closed_month_carries_its_head(void **state)
{
    const struct fixture *fixture = *state;
    const struct focus_order order = focus_order();
    struct ledger_row row = focus_row("zai/glm", vector, milli);
    struct focus_dataset dataset;
    struct seal seal;
    char root[2 * TREE_HASH + 1], place[ROW_PLACE_MAX];
    focus_write(fixture, &row, 1);
    seal = focus_close(fixture, focus_from_ms, focus_to_ms + 1);
    dataset = focus_good(fixture, &order);
    for (unsigned i = 0; i < TREE_HASH; i++)
        snprintf(root + 2 * (size_t)i, 3, "%02x", seal.root[i]);
    ledger_place_print(&seal.first, place);
    assert_int_equal(focus_count(dataset.text), 3);
    for (size_t i = 1; i <= 3; i++) {
        assert_cell(dataset.text, i, "x_LedgerRootHash", root);
        assert_cell(dataset.text, i, "x_LedgerFirstSeq", place);
        assert_cell(dataset.text, i, "x_LedgerLastSeq", place);
    }
    focus_free(&dataset);
}

static void an_order_that_cannot_be_kept_is_refused(void **state)
{
    struct focus_order order = focus_order();
    struct focus_dataset dataset;
    char long_name[ROW_NAME_MAX + 2];
    memset(long_name, 'a', sizeof(long_name));
    long_name[ROW_NAME_MAX + 1] = 0;
    order.account_id = "";
    dataset = focus_make(*state, &order);
    assert_int_equal(dataset.result, -EINVAL);
    focus_free(&dataset);
    order.account_id = long_name;
    dataset = focus_make(*state, &order);
    assert_int_equal(dataset.result, -EINVAL);
    focus_free(&dataset);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_total_is_shared_out_to_the_last_digit),
        TEST(every_column_says_what_it_should),
        TEST(a_later_version_has_its_columns),
        TEST(json_lines_keep_numbers_exact_and_objects_objects),
        TEST(a_request_without_a_price_is_one_line),
        TEST(what_is_free_still_shows_its_use),
        TEST(failed_and_unknown_requests_have_no_line),
        TEST(what_the_gateway_takes_besides_is_a_line_of_its_own),
        TEST(under_ones_own_key_the_vendor_invoices),
        TEST(fees_are_what_the_rules_say),
        TEST(a_multiplier_is_what_is_contracted),
        TEST(hits_are_shown_only_when_asked_for),
        TEST(a_correction_is_charged_in_its_own_hour),
        TEST(a_correction_of_nothing_is_charged_where_it_stands),
        TEST(lines_are_as_many_as_their_grain),
        TEST(gateways_are_named_by_upstream),
        TEST(the_metadata_names_every_column),
        TEST(a_closed_month_carries_its_head),
        TEST(an_order_that_cannot_be_kept_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
