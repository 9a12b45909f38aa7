/* price_import_test.c - Vercel's list becomes our table, and what does not fit is told. */
#include "accounting/price.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define JULY INT64_C(1782864000000) /* 2026-07-01T00:00:00Z */
#define LIST(text) "{\"object\": \"list\", \"data\": [" text "]}"
#define MODEL(pricing) LIST("{\"id\": \"a/b\", \"type\": \"language\", \"pricing\": {" pricing "}}")
#define HEAD "{\n  \"format\": 1,\n  \"models\": {"
#define ROW(rest) HEAD "\n    \"a/b\": [{\"from\": \"2026-07-01T00:00:00Z\"" rest "}]\n  }\n}\n"

struct result {
    int rc;
    char *table, *report;
    size_t table_len, report_len;
    char error[256];
};

static struct result import(const char *json, size_t len, int64_t from_ms)
{
    struct result result = {0};
    FILE *out = open_memstream(&result.table, &result.table_len);
    FILE *report = open_memstream(&result.report, &result.report_len);

    assert_non_null(out);
    assert_non_null(report);
    result.rc =
        price_import_vercel(json, len, from_ms, out, report, result.error, sizeof(result.error));
    fclose(out);
    fclose(report);
    return result;
}

static void release(struct result *result)
{
    free(result->table);
    free(result->report);
}

static void assert_import(const char *json, const char *table, const char *report)
{
    struct result result = import(json, strlen(json), JULY);

    if (result.rc != 0)
        fail_msg("%s: %d %s", json, result.rc, result.error);
    assert_string_equal(result.table, table);
    assert_string_equal(result.report, report);
    release(&result);
}

static void prices_are_carried_as_decimal_text(void **state)
{
    (void)state;
    assert_import(MODEL("\"output\": \"0.000005\", \"input\": \"0.000001\", "
                        "\"input_cache_write\": \"1.25e-6\", \"input_cache_read\": \"0.00000010\""),
                  ROW(", \"input\": \"0.000001\", \"output\": \"0.000005\", "
                      "\"input_cache_read\": \"0.0000001\", \"input_cache_write\": \"0.00000125\""),
                  "");
    assert_import(MODEL("\"input\": \"0\", \"audio_input_token_cost\": \"0.000003\""),
                  ROW(", \"input\": \"0\", \"input_audio\": \"0.000003\""), "");
    assert_import(MODEL("\"input\": \"1e-6\", \"web_search\": \"0.01\""),
                  ROW(", \"input\": \"0.000001\", \"web_search\": \"0.01\""),
                  "a/b: web_search: taken as USD per search\n");
}

static void models_are_sorted_and_unpriced_ones_stay_unpriced(void **state)
{
    (void)state;
    assert_import(LIST("{\"id\": \"z/z\", \"pricing\": {\"input\": \"1\"}}, "
                       "{\"id\": \"b\", \"pricing\": {}}, {\"id\": \"a/b\"}"),
                  HEAD "\n    \"a/b\": [{\"from\": \"2026-07-01T00:00:00Z\"}],\n"
                       "    \"b\": [{\"from\": \"2026-07-01T00:00:00Z\"}],\n"
                       "    \"z/z\": [{\"from\": \"2026-07-01T00:00:00Z\", \"input\": \"1\"}]\n"
                       "  }\n}\n",
                  "a/b: pricing: missing: unpriced\n");
    assert_import(LIST(""), HEAD "\n  }\n}\n", "");
}

static void noise_is_cleaned_and_told(void **state)
{
    (void)state;
    assert_import(MODEL("\"input\": \"0.000000024999999999999998\", "
                        "\"output\": \"0.0000000000000025\""),
                  ROW(", \"input\": \"0.000000025\", \"output\": \"0.000000000000002\""),
                  "a/b: input: 0.000000024999999999999998 read as 0.000000025 (binary noise)\n"
                  "a/b: output: 0.0000000000000025 read as 0.000000000000002 "
                  "(more than 15 decimals)\n");
}

static void no_cost_field_is_dropped_in_silence(void **state)
{
    (void)state;
    assert_import(MODEL("\"fast\": {\"input\": \"1\"}, \"input\": \"1\", \"image\": \"0.04\", "
                        "\"varies_by_provider\": true, \"output\": \"-1\", "
                        "\"input_cache_write_1h\": \"2\", "
                        "\"input_tiers\": [{\"cost\": \"1\", \"unit\": \"token\"}]"),
                  ROW(", \"input\": \"1\""),
                  "a/b: fast: not used\n"
                  "a/b: image: not used\n"
                  "a/b: varies_by_provider: not used\n"
                  "a/b: input_cache_write_1h: not used\n"
                  "a/b: input_tiers.unit: not used\n"
                  "a/b: output: below 0: not used\n");
}

static void brackets_become_tiers_above_the_token_before(void **state)
{
    (void)state;
    assert_import(
        MODEL("\"input_tiers\": [{\"cost\": \"2\", \"min\": 200001}, "
              "{\"cost\": \"1\", \"min\": 0, \"max\": 200001}], "
              "\"output_tiers\": [{\"cost\": \"3\", \"max\": 200001}, "
              "{\"cost\": \"4\", \"min\": 200001, \"max\": null}], \"output\": \"3\""),
        ROW(", \"input\": \"1\", \"output\": \"3\",\n"
            "      \"tiers\": [{\"above\": 200000, \"input\": \"2\", \"output\": \"4\"}]"),
        "");
}

/* Our tiers fall back to the base, their brackets to the one below: a bracket that reaches over
 * another field's border must be in both tiers. */
static void a_bracket_reaches_over_the_borders_of_other_fields(void **state)
{
    (void)state;
    assert_import(
        MODEL("\"input_tiers\": [{\"cost\": \"1\", \"max\": 128001}, "
              "{\"cost\": \"3\", \"min\": 256001}, "
              "{\"cost\": \"2\", \"min\": 128001, \"max\": 256001}], "
              "\"output_tiers\": [{\"cost\": \"10\"}, {\"cost\": \"20\", \"min\": 128001}], "
              "\"input_cache_read_tiers\": [{\"cost\": \"5\", \"min\": 256001}]"),
        ROW(", \"input\": \"1\", \"output\": \"10\",\n"
            "      \"tiers\": [{\"above\": 128000, \"input\": \"2\", \"output\": \"20\"},\n"
            "      {\"above\": 256000, \"input\": \"3\", \"output\": \"20\", "
            "\"input_cache_read\": \"5\"}]"),
        "");
}

static void brackets_that_contradict_are_told(void **state)
{
    (void)state;
    assert_import(MODEL("\"input\": \"9\", \"input_tiers\": [{\"cost\": \"1\", \"max\": 100}, "
                        "{\"cost\": \"2\", \"min\": 200, \"max\": 300}]"),
                  ROW(", \"input\": \"1\",\n"
                      "      \"tiers\": [{\"above\": 199, \"input\": \"2\"}]"),
                  "a/b: input_tiers: max 100: not used\n"
                  "a/b: input_tiers: the first bracket differs from the plain price: bracket used\n"
                  "a/b: input_tiers: max 300: not used\n");
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
        {"{\"data\": {}}", "must be an object with a list \"data\""},
        {"{\"error\": {\"message\": \"no\"}}", "must be an object with a list \"data\""},
        {LIST("1"), "data[0]: must be an object with an \"id\""},
        {LIST("{\"id\": \"a\", \"pricing\": {}}, {}"), "data[1]: must be an object with an \"id\""},
        {LIST("{\"id\": 5}"), "data[0]: must be an object with an \"id\""},
        {LIST("{\"id\": \"\"}"), "data[0]: its \"id\" is no model id"},
        {LIST("{\"id\": \"a\\u0000b\"}"), "data[0]: its \"id\" is no model id"},
        {LIST("{\"id\": \"a\\\"b\"}"), "data[0]: its \"id\" is no model id"},
        {LIST("{\"id\": \"a\"}, {\"id\": \"b\"}, {\"id\": \"a\"}"), "a id: stands twice"},
        {LIST("{\"id\": \"a\", \"pricing\": []}"), "a pricing: must be an object"},
        {MODEL("\"input\": 0.0000014"), "a/b input: must be a decimal string"},
        {MODEL("\"input\": null"), "a/b input: must be a decimal string"},
        {MODEL("\"input\": \"free\""), "a/b input: is not a decimal number"},
        {MODEL("\"input\": \"1e9\""), "a/b input: is not a decimal number that fits"},
        {MODEL("\"input\": \"1\", \"input\": \"2\""), "input: stands twice"},
        {MODEL("\"input_tiers\": {}"), "a/b input_tiers: must be a list of brackets"},
        {MODEL("\"input_tiers\": [1]"), "a/b input_tiers: must be a list of brackets"},
        {MODEL("\"input_tiers\": [{\"min\": 5}]"), "a/b input_tiers: must be a decimal string"},
        {MODEL("\"input_tiers\": [{\"cost\": \"1\", \"min\": \"5\"}]"), "a/b input_tiers: min"},
        {MODEL("\"input_tiers\": [{\"cost\": \"1\", \"min\": 1.5}]"), "a/b input_tiers: min"},
        {MODEL("\"input_tiers\": [{\"cost\": \"1\", \"min\": -5}]"), "a/b input_tiers: min"},
        {MODEL("\"input_tiers\": [{\"cost\": \"1\", \"min\": 5}, {\"cost\": \"2\", \"min\": 5}]"),
         "a/b input_tiers: two brackets begin at the same min"},
        {MODEL("\"input_tiers\": [{\"cost\": \"1\", \"min\": 10}, {\"cost\": \"1\", \"min\": 20}, "
               "{\"cost\": \"1\", \"min\": 30}, {\"cost\": \"1\", \"min\": 40}, "
               "{\"cost\": \"1\", \"min\": 50}, {\"cost\": \"1\", \"min\": 60}, "
               "{\"cost\": \"1\", \"min\": 70}, {\"cost\": \"1\", \"min\": 80}, "
               "{\"cost\": \"1\", \"min\": 90}]"),
         "a/b input_tiers: has more than 8 brackets"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct result result = import(cases[i].json, strlen(cases[i].json), JULY);
        if (result.rc != -EINVAL ||
            strncmp(result.error, cases[i].error, strlen(cases[i].error)) != 0)
            fail_msg("%s\n  gave %d %s", cases[i].json, result.rc, result.error);
        assert_int_equal(result.table_len, 0);
        release(&result);
    }
}

static void the_instant_keeps_its_milliseconds(void **state)
{
    static const char json[] = LIST("{\"id\": \"a\", \"pricing\": {}}");
    struct result result = import(json, strlen(json), JULY + 7);

    (void)state;
    assert_int_equal(result.rc, 0);
    assert_non_null(strstr(result.table, "\"2026-07-01T00:00:00.007Z\""));
    release(&result);
    result = import(json, strlen(json), -1);
    assert_int_equal(result.rc, -EINVAL);
    release(&result);
    result = import(json, strlen(json), INT64_MAX);
    assert_int_equal(result.rc, -EINVAL);
    release(&result);
}

static void a_full_disk_is_an_error(void **state)
{
    static const char json[] = MODEL("\"input\": \"1\"");
    FILE *full = fopen("/dev/full", "w"), *sink = fopen("/dev/null", "w");
    char error[256] = "";

    (void)state;
    assert_non_null(full);
    assert_non_null(sink);
    assert_int_equal(
        price_import_vercel(json, strlen(json), JULY, full, sink, error, sizeof(error)), -EIO);
    assert_true(strlen(error) > 0);
    fclose(full);
    fclose(sink);
}

/* What is imported opens, prices the same, and gives the same bytes whatever the list's order. */
static void the_table_opens_and_is_the_same_for_the_same_list(void **state)
{
    static const char one[] =
        LIST("{\"id\": \"x/y\", \"pricing\": {\"input\": \"1e-6\", \"output\": \"2e-6\", "
             "\"input_tiers\": [{\"cost\": \"1e-6\", \"min\": 0, \"max\": 200001}, "
             "{\"cost\": \"3e-6\", \"min\": 200001}]}}, {\"id\": \"a\", \"pricing\": {}}");
    static const char other[] =
        LIST("{\"pricing\": {}, \"id\": \"a\"}, {\"pricing\": {\"input_tiers\": "
             "[{\"min\": 200001, \"cost\": \"3e-6\"}, {\"max\": 200001, \"cost\": \"1e-6\"}], "
             "\"output\": \"0.000002\", \"input\": \"0.0000010\"}, \"id\": \"x/y\"}");
    struct result first = import(one, strlen(one), JULY);
    struct result second = import(other, strlen(other), JULY);
    char path[] = "/tmp/price_import_test.XXXXXX", error[256] = "";
    struct price_table *table = NULL;
    const struct price *price;
    int fd = mkstemp(path);

    (void)state;
    assert_int_equal(first.rc, 0);
    assert_int_equal(second.rc, 0);
    assert_string_equal(first.table, second.table);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, first.table, first.table_len), first.table_len);
    close(fd);
    if (price_table_open(path, &table, error, sizeof(error)) != 0)
        fail_msg("%s", error);
    unlink(path);
    price = price_find(table, "x/y", 3, JULY);
    assert_non_null(price);
    assert_true(price_rates_for(price, 200000).unit[PRICE_INPUT].femto == 1000000000);
    assert_true(price_rates_for(price, 200001).unit[PRICE_INPUT].femto == 3000000000);
    assert_true(price_rates_for(price, 200001).unit[PRICE_OUTPUT].femto == 2000000000);
    assert_null(price_find(table, "x/y", 3, JULY - 1));
    assert_null(price_find(table, "a", 1, JULY));
    price_table_free(table);
    release(&first);
    release(&second);
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
        cmocka_unit_test(what_is_no_such_list_is_refused_before_a_byte_is_written),
        cmocka_unit_test(the_instant_keeps_its_milliseconds),
        cmocka_unit_test(a_full_disk_is_an_error),
        cmocka_unit_test(the_table_opens_and_is_the_same_for_the_same_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
