/* price_import_test.c - Vercel's list becomes our table, and what does not fit is told. */
#include "tests/accounting/price_support.h"

#include <unistd.h>

#define LIST(text) "{\"object\": \"list\", \"data\": [" text "]}"
#define MODEL(pricing) LIST("{\"id\": \"a/b\", \"type\": \"language\", \"pricing\": {" pricing "}}")
#define VERCEL(rest) ROW("vercel", rest)
#define FROM "[{\"from\": \"2026-07-01T00:00:00Z\", \"source\": \"vercel\""

static void assert_vercel(const char *json, const char *table, const char *report)
{
    assert_import(PRICE_SOURCE_VERCEL, json, table, report);
}

static void prices_are_carried_as_decimal_text(void **state)
{
    (void)state;
    assert_vercel(MODEL("\"output\": \"0.000005\", \"input\": \"0.000001\", "
                        "\"input_cache_write\": \"1.25e-6\", \"input_cache_read\": \"0.00000010\""),
                  VERCEL(", \"input\": \"0.000001\", \"output\": \"0.000005\", "
                         "\"input_cache_read\": \"0.0000001\", "
                         "\"input_cache_write\": \"0.00000125\""),
                  "");
    assert_vercel(MODEL("\"input\": \"0\", \"audio_input_token_cost\": \"0.000003\", "
                        "\"audio_output_token_cost\": 1.2E-5"),
                  VERCEL(", \"input\": \"0\", \"input_audio\": \"0.000003\", "
                         "\"output_audio\": \"0.000012\""),
                  "");
    assert_vercel(MODEL("\"input\": \"1e-6\", \"web_search\": \"0.01\", \"image\": 0.04"),
                  VERCEL(", \"input\": \"0.000001\", \"web_search\": \"0.01\", "
                         "\"image\": \"0.04\""),
                  "a/b: image: taken as USD per picture made\n"
                  "a/b: web_search: taken as USD per search\n");
}

static void models_are_sorted_and_unpriced_ones_stay_unpriced(void **state)
{
    (void)state;
    assert_vercel(LIST("{\"id\": \"z/z\", \"pricing\": {\"input\": \"1\"}}, "
                       "{\"id\": \"b\", \"pricing\": {}}, {\"id\": \"a/b\"}"),
                  WRITTEN("\n    \"a/b\": " FROM "}],\n    \"b\": " FROM "}],\n"
                          "    \"z/z\": " FROM ", \"input\": \"1\"}]"),
                  "a/b: pricing: missing: unpriced\n");
    assert_vercel(LIST(""), WRITTEN(""), "");
}

static void noise_is_cleaned_and_told(void **state)
{
    (void)state;
    assert_vercel(MODEL("\"input\": \"0.000000024999999999999998\", "
                        "\"output\": 0.0000000000000025, "
                        "\"input_cache_read\": 1234567.890123456789012345678901234567890e-12"),
                  VERCEL(", \"input\": \"0.000000025\", \"output\": \"0.000000000000002\", "
                         "\"input_cache_read\": \"0.00000123456789\""),
                  "a/b: input: 0.000000024999999999999998 read as 0.000000025 (binary noise)\n"
                  "a/b: output: 0.0000000000000025 read as 0.000000000000002 "
                  "(more than 15 decimals)\n"
                  "a/b: input_cache_read: 1234567.890123456789012345678901234567890e-12 read as "
                  "0.00000123456789 (binary noise)\n");
}

static void no_cost_field_is_dropped_in_silence(void **state)
{
    (void)state;
    assert_vercel(MODEL("\"regional\": {\"us\": {\"input\": \"1\"}}, \"input\": \"1\", "
                        "\"image_dimension_quality_pricing\": [], \"maps_search\": \"0.014\", "
                        "\"varies_by_provider\": true, \"output\": \"-1\", "
                        "\"input_cache_write_1h\": \"2\", \"input_cache_read\": null, "
                        "\"input_tiers\": [{\"cost\": \"1\", \"unit\": \"token\"}], "
                        "\"output_tiers\": null"),
                  VERCEL(", \"input\": \"1\""),
                  "a/b: regional: not used\n"
                  "a/b: image_dimension_quality_pricing: not used\n"
                  "a/b: maps_search: not used\n"
                  "a/b: varies_by_provider: not used\n"
                  "a/b: input_cache_write_1h: not used\n"
                  "a/b: output: below 0: not used\n"
                  "a/b: input_cache_read: null: not used\n"
                  "a/b: input_tiers.unit: not used\n"
                  "a/b: output_tiers: null: not used\n");
    assert_vercel(LIST("{\"id\": \"a/b\", \"pricing_v2\": {}, \"base_cost\": 1, \"name\": 1}"),
                  VERCEL(""),
                  "a/b: pricing_v2: not used\na/b: base_cost: not used\n"
                  "a/b: pricing: missing: unpriced\n");
}

static void brackets_become_tiers_above_the_token_before(void **state)
{
    (void)state;
    assert_vercel(
        MODEL("\"input_tiers\": [{\"cost\": \"2\", \"min\": 200001}, "
              "{\"cost\": \"1\", \"min\": 0, \"max\": 200001}], "
              "\"output_tiers\": [{\"cost\": \"3\", \"max\": 200001}, "
              "{\"cost\": \"4\", \"min\": 200001, \"max\": null}], \"output\": \"3\""),
        VERCEL(", \"input\": \"1\", \"output\": \"3\",\n"
               "      \"tiers\": [{\"above\": 200000, \"input\": \"2\", \"output\": \"4\"}]"),
        "");
}

/* Our tiers fall back to the base, their brackets to the one below: a bracket that reaches over
 * another field's border must be in both tiers. */
static void a_bracket_reaches_over_the_borders_of_other_fields(void **state)
{
    (void)state;
    assert_vercel(
        MODEL("\"input_tiers\": [{\"cost\": \"1\", \"max\": 128001}, "
              "{\"cost\": \"3\", \"min\": 256001}, "
              "{\"cost\": \"2\", \"min\": 128001, \"max\": 256001}], "
              "\"output_tiers\": [{\"cost\": \"10\"}, {\"cost\": \"20\", \"min\": 128001}], "
              "\"input_cache_read_tiers\": [{\"cost\": \"5\", \"min\": 256001}]"),
        VERCEL(", \"input\": \"1\", \"output\": \"10\",\n"
               "      \"tiers\": [{\"above\": 128000, \"input\": \"2\", \"output\": \"20\"},\n"
               "      {\"above\": 256000, \"input\": \"3\", \"output\": \"20\", "
               "\"input_cache_read\": \"5\"}]"),
        "");
}

static void brackets_that_contradict_are_told(void **state)
{
    (void)state;
    assert_vercel(MODEL("\"input\": \"9\", \"input_tiers\": [{\"cost\": \"1\", \"max\": 100}, "
                        "{\"cost\": \"2\", \"min\": 200, \"max\": 300}]"),
                  VERCEL(", \"input\": \"1\",\n"
                         "      \"tiers\": [{\"above\": 199, \"input\": \"2\"}]"),
                  "a/b: input_tiers: max 100: not used\n"
                  "a/b: input_tiers: the first bracket differs from the plain price: bracket used\n"
                  "a/b: input_tiers: max 300: not used\n");
}

static void service_tiers_keep_their_rates(void **state)
{
    (void)state;
    assert_vercel(
        MODEL("\"input\": \"1\", \"fast\": {\"input\": \"6\", \"knobs\": 1}, \"service_tiers\": {"
              "\"priority\": {\"output\": \"4\", \"input\": \"2\", "
              "\"long_context\": {\"threshold\": 272000, \"input\": \"3\", \"odd\": \"1\"}, "
              "\"input_cache_read_tiers\": [{\"cost\": \"5\", \"min\": 1001}]}, "
              "\"flex\": {\"long_context\": {\"input\": \"1\"}, \"input\": \"0.5\"}, "
              "\"default\": {\"input\": \"1\"}, \"empty\": {}}"),
        VERCEL(", \"input\": \"1\",\n"
               "      \"service_tiers\": {\"fast\": {\"input\": \"6\"},\n"
               "      \"flex\": {\"input\": \"0.5\"},\n"
               "      \"priority\": {\"input\": \"2\", \"output\": \"4\",\n"
               "      \"tiers\": [{\"above\": 1000, \"input_cache_read\": \"5\"},\n"
               "      {\"above\": 272000, \"input\": \"3\"}]}}"),
        "a/b: service_tiers.priority.long_context.threshold: taken as above 272000 prompt tokens\n"
        "a/b: service_tiers.priority.long_context.odd: not used\n"
        "a/b: service_tiers.flex.long_context: not used: it has no threshold\n"
        "a/b: service_tiers.default: not used: a service tier cannot have that name\n"
        "a/b: fast.knobs: not used\n");
    assert_vercel(MODEL("\"fast\": {\"input\": \"6\"}, "
                        "\"service_tiers\": {\"fast\": {\"input\": \"7\"}}"),
                  VERCEL(",\n      \"service_tiers\": {\"fast\": {\"input\": \"7\"}}"),
                  "a/b: fast: not used: service_tiers.fast is\n");
}

static void what_is_no_such_list_is_refused_before_a_byte_is_written(void **state)
{
    static const struct {
        const char *json, *error;
    } cases[] = {
        {"", "is empty"},
        {"{\n\"data\": [}", "line 2: is not JSON: "},
        {"<html>", "line 1: is not JSON: "},
        {"[]", "must be an object with a list \"data\""},
        {"null\n", "must be an object with a list \"data\""},
        {"{\"data\": {}}", "must be an object with a list \"data\""},
        {"{\"error\": {\"message\": \"no\"}}", "must be an object with a list \"data\""},
        {LIST("1"), "data[0]: must be an object with an \"id\""},
        {LIST("{\"id\": \"a\", \"pricing\": {}}, {}"), "data[1]: must be an object with an \"id\""},
        {LIST("{\"id\": \"a\", \"pricing\": {}}, null"), "data[1]: must be an object with"},
        {LIST("{\"id\": 5}"), "data[0]: must be an object with an \"id\""},
        {LIST("{\"id\": \"\"}"), "data[0] id: is no model id"},
        {LIST("{\"id\": \"a\\u0000b\"}"), "data[0] id: is no model id"},
        {LIST("{\"id\": \"a\\\"b\"}"), "data[0] id: is no model id"},
        {LIST("{\"id\": \"a\"}, {\"id\": \"b\"}, {\"id\": \"a\"}"), "a id: stands twice"},
        {LIST("{\"id\": \"a\", \"pricing\": []}"), "a pricing: must be an object"},
        {MODEL("\"input\": true"), "a/b input: must be a decimal number"},
        {MODEL("\"input\": []"), "a/b input: must be a decimal number"},
        {MODEL("\"input\": {\"cost\": 1}"), "a/b input: must be a decimal number"},
        {MODEL("\"input\": \"free\""), "a/b input: is not a decimal number"},
        {MODEL("\"input\": \"\""), "a/b input: is not a decimal number"},
        {MODEL("\"input\": \"NaN\""), "a/b input: is not a decimal number"},
        {MODEL("\"input\": \"0x10\""), "a/b input: is not a decimal number"},
        {MODEL("\"input\": NaN"), "data[0].pricing.input: NaN and Infinity are no numbers"},
        {MODEL("\"input\": Infinity"), "data[0].pricing.input: NaN and Infinity are no numbers"},
        {MODEL("\"input\": \"1e9\""), "a/b input: is more than 9223 USD a unit"},
        {MODEL("\"input\": 1e400"), "a/b input: is more than 9223 USD a unit"},
        {MODEL("\"input\": 1234567890123456789012345678901234567890"),
         "a/b input: is more than 9223 USD a unit"},
        {MODEL("\"input\": \"1\", \"input\": \"2\""), "data[0].pricing.input: stands twice"},
        {MODEL("\"a\\u0062\": \"1\""), "data[0].pricing: a key is empty or has a backslash"},
        {MODEL("\"input_tiers\": {}"), "a/b input_tiers: must be a list"},
        {MODEL("\"input_tiers\": [1]"), "a/b input_tiers: must be a list of objects"},
        {MODEL("\"input_tiers\": [{\"min\": 5}]"), "a/b input_tiers: a bracket has no \"cost\""},
        {MODEL("\"input_tiers\": [{\"cost\": null}]"), "a/b input_tiers: a bracket has no"},
        {MODEL("\"input_tiers\": [{\"cost\": \"1\", \"min\": \"5\"}]"), "a/b input_tiers: must be"},
        {MODEL("\"input_tiers\": [{\"cost\": \"1\", \"min\": 1.5}]"), "a/b input_tiers: must be"},
        {MODEL("\"input_tiers\": [{\"cost\": \"1\", \"min\": -5}]"), "a/b input_tiers: must be"},
        {MODEL("\"input_tiers\": [{\"cost\": \"1\", \"min\": 1e13}]"), "a/b input_tiers: must be"},
        {MODEL("\"input_tiers\": [{\"cost\": \"1\", \"min\": 5}, {\"cost\": \"2\", \"min\": 5}]"),
         "a/b input_tiers: two brackets begin at the same min"},
        {MODEL("\"input_tiers\": [{\"cost\": \"1\", \"min\": 10}, {\"cost\": \"1\", \"min\": 20}, "
               "{\"cost\": \"1\", \"min\": 30}, {\"cost\": \"1\", \"min\": 40}, "
               "{\"cost\": \"1\", \"min\": 50}, {\"cost\": \"1\", \"min\": 60}, "
               "{\"cost\": \"1\", \"min\": 70}, {\"cost\": \"1\", \"min\": 80}, "
               "{\"cost\": \"1\", \"min\": 90}]"),
         "a/b input_tiers: has more than 8 brackets"},
        {MODEL("\"service_tiers\": []"), "a/b service_tiers: must be an object"},
        {MODEL("\"service_tiers\": {\"flex\": \"1\"}"),
         "a/b service_tiers.flex: must be an object"},
        {MODEL("\"service_tiers\": {\"flex\": {\"input\": \"?\"}}"),
         "a/b service_tiers.flex.input: is not a decimal number"},
        {MODEL("\"fast\": {\"long_context\": {\"threshold\": 1.5}}"),
         "a/b fast.long_context.threshold: must be a whole number"},
        {MODEL("\"service_tiers\": {\"1\": {}, \"2\": {}, \"3\": {}, \"4\": {}, \"5\": {}, "
               "\"6\": {}, \"7\": {}, \"8\": {}, \"9\": {}}"),
         "a/b service_tiers.9: has more than 8 service tiers"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_import_refused(PRICE_SOURCE_VERCEL, cases[i].json, cases[i].error);
}

/* 1024 digits are looked at, and no more. */
static void very_long_numbers_are_rounded_or_refused(void **state)
{
    char json[2048], digits[1200];

    (void)state;
    memset(digits, '3', sizeof(digits));
    snprintf(json, sizeof(json), MODEL("\"input\": 0.%.1100s"), digits);
    assert_import_refused(PRICE_SOURCE_VERCEL, json, "a/b input: is not a decimal number of");
    snprintf(json, sizeof(json), MODEL("\"input\": \"0.%.1000s\""), digits);
    assert_vercel(json, VERCEL(", \"input\": \"0.333333333333\""),
                  "a/b: input: 0.33333333333333333333333333333333333333333333333333333333333333... "
                  "read as 0.333333333333 (binary noise)\n");
}

static void the_instant_keeps_its_milliseconds(void **state)
{
    static const char json[] = LIST("{\"id\": \"a\", \"pricing\": {}}");
    struct imported_text text =
        import_bytes(PRICE_SOURCE_VERCEL, json, strlen(json), NULL, JULY + 7);

    (void)state;
    assert_int_equal(text.rc, 0);
    assert_non_null(strstr(text.table, "\"2026-07-01T00:00:00.007Z\""));
    imported_text_release(&text);
    text = import_bytes(PRICE_SOURCE_VERCEL, json, strlen(json), NULL, -1);
    assert_int_equal(text.rc, -EINVAL);
    assert_string_equal(text.error, "prices take effect between 1970 and 9999");
    imported_text_release(&text);
    text = import_bytes(PRICE_SOURCE_VERCEL, json, strlen(json), NULL, INT64_MAX);
    assert_int_equal(text.rc, -EINVAL);
    imported_text_release(&text);
}

static void a_full_disk_is_an_error(void **state)
{
    static const char json[] = MODEL("\"input\": \"1\"");
    struct price_import_order order = {.source = PRICE_SOURCE_VERCEL, .from_ms = JULY};
    struct price_import_result result = {.models = 42};
    char error[256] = "";

    (void)state;
    order.out = fopen("/dev/full", "w");
    assert_non_null(order.out);
    assert_int_equal(price_import(&order, json, strlen(json), &result, error, sizeof(error)), -EIO);
    assert_true(strlen(error) > 0);
    assert_int_equal(result.models, 42);
    fclose(order.out);
}

/* A server has the table in memory of a fixed size, and nobody to tell. */
static void an_import_can_be_written_to_memory(void **state)
{
    static const char json[] = MODEL("\"input\": \"1\", \"other\": 1");
    struct price_import_order order = {.source = PRICE_SOURCE_VERCEL, .from_ms = JULY};
    struct price_import_result result = {0};
    char table[256] = "", error[256] = "";

    (void)state;
    order.out = fmemopen(table, sizeof(table), "w");
    assert_non_null(order.out);
    assert_int_equal(price_import(&order, json, strlen(json), &result, error, sizeof(error)), 0);
    fclose(order.out);
    assert_string_equal(table, VERCEL(", \"input\": \"1\""));
    assert_int_equal(result.models, 1);
    assert_int_equal(result.priced, 1);
    assert_int_equal(result.added, 1);
    assert_int_equal(result.notes, 1);
    order.out = fmemopen(table, 20, "w");
    assert_non_null(order.out);
    assert_int_equal(price_import(&order, json, strlen(json), &result, error, sizeof(error)), -EIO);
    fclose(order.out);
}

static void too_much_to_read_is_refused(void **state)
{
    char *json = calloc(1, (size_t)PRICE_FILE_MAX + 1);
    struct imported_text text;

    (void)state;
    assert_non_null(json);
    text = import_bytes(PRICE_SOURCE_VERCEL, json, (size_t)PRICE_FILE_MAX + 1, NULL, JULY);
    assert_int_equal(text.rc, -EFBIG);
    assert_string_equal(text.error, "is larger than 128 MiB");
    imported_text_release(&text);
    free(json);
}

/* The same prices in another order are the same bytes. */
static void the_list_may_have_any_order(void **state)
{
    static const char one[] =
        LIST("{\"id\": \"x/y\", \"pricing\": {\"input\": \"1e-6\", \"output\": \"2e-6\", "
             "\"input_tiers\": [{\"cost\": \"1e-6\", \"min\": 0, \"max\": 200001}, "
             "{\"cost\": \"3e-6\", \"min\": 200001}]}}, {\"id\": \"a\", \"pricing\": {}}");
    static const char other[] =
        LIST("{\"pricing\": {}, \"id\": \"a\"}, {\"pricing\": {\"input_tiers\": "
             "[{\"min\": 200001, \"cost\": \"3e-6\"}, {\"max\": 200001, \"cost\": \"1e-6\"}], "
             "\"output\": \"0.000002\", \"input\": \"0.0000010\"}, \"id\": \"x/y\"}");
    struct imported_text first = import_bytes(PRICE_SOURCE_VERCEL, one, strlen(one), NULL, JULY);
    struct imported_text second =
        import_bytes(PRICE_SOURCE_VERCEL, other, strlen(other), NULL, JULY);

    (void)state;
    assert_int_equal(first.rc, 0);
    assert_int_equal(second.rc, 0);
    assert_string_equal(first.table, second.table);
    imported_text_release(&first);
    imported_text_release(&second);
}

static void sources_have_names(void **state)
{
    enum price_source source = PRICE_SOURCE_VERCEL;

    (void)state;
    for (unsigned i = 0; i < PRICE_SOURCES; i++) {
        assert_int_equal(price_source_parse(price_source_name((enum price_source)i), &source), 0);
        assert_int_equal(source, i);
    }
    assert_int_equal(price_source_parse("models", &source), -EINVAL);
    assert_int_equal(source, PRICE_SOURCE_MODELS_DEV);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prices_are_carried_as_decimal_text),
        cmocka_unit_test(models_are_sorted_and_unpriced_ones_stay_unpriced),
        cmocka_unit_test(noise_is_cleaned_and_told),
        cmocka_unit_test(no_cost_field_is_dropped_in_silence),
        cmocka_unit_test(brackets_become_tiers_above_the_token_before),
        cmocka_unit_test(a_bracket_reaches_over_the_borders_of_other_fields),
        cmocka_unit_test(brackets_that_contradict_are_told),
        cmocka_unit_test(service_tiers_keep_their_rates),
        cmocka_unit_test(what_is_no_such_list_is_refused_before_a_byte_is_written),
        cmocka_unit_test(very_long_numbers_are_rounded_or_refused),
        cmocka_unit_test(the_instant_keeps_its_milliseconds),
        cmocka_unit_test(a_full_disk_is_an_error),
        cmocka_unit_test(an_import_can_be_written_to_memory),
        cmocka_unit_test(too_much_to_read_is_refused),
        cmocka_unit_test(the_list_may_have_any_order),
        cmocka_unit_test(sources_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
