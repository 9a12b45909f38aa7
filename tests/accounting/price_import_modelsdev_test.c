/* price_import_modelsdev_test.c - models.dev's JSON becomes our table; the point moves, exactly. */
#include "tests/accounting/price_support.h"

#define LIST(provider, model) "{\"" provider "\": {\"models\": {\"b\": {" model "}}}}"
#define COST(text) LIST("a", "\"cost\": {" text "}")
#define MODELS_DEV(rest) ROW("models.dev", rest)
#define FROM "[{\"from\": \"2026-07-01T00:00:00Z\", \"source\": \"models.dev\""

static void assert_models_dev(const char *json, const char *table, const char *report)
{
    assert_import(PRICE_SOURCE_MODELS_DEV, json, table, report);
}

static void assert_refused(const char *json, const char *error)
{
    assert_import_refused(PRICE_SOURCE_MODELS_DEV, json, error);
}

static void every_price_is_a_millionth_of_the_listed_one(void **state)
{
    (void)state;
    assert_models_dev(COST("\"input\": 3, \"output\": 15.0, \"reasoning\": \"20\", "
                           "\"cache_read\": 0.3, \"cache_write\": 3.75, \"input_audio\": 1e2, "
                           "\"output_audio\": 2.5E-1"),
                      MODELS_DEV(", \"input\": \"0.000003\", \"output\": \"0.000015\", "
                                 "\"input_cache_read\": \"0.0000003\", "
                                 "\"input_cache_write\": \"0.00000375\", "
                                 "\"reasoning\": \"0.00002\", \"input_audio\": \"0.0001\", "
                                 "\"output_audio\": \"0.00000025\""),
                      "");
    assert_models_dev(
        COST("\"input\": 0, \"output\": 1.1234567891e+3, "
             "\"cache_read\": 0.1234567891, "
             "\"reasoning\": 0.30000000000000004"),
        MODELS_DEV(", \"input\": \"0\", \"output\": \"0.0011234567891\", "
                   "\"input_cache_read\": \"0.000000123456789\", "
                   "\"reasoning\": \"0.0000003\""),
        "a/b: cost.cache_read: 0.1234567891 / 1000000 read as 0.000000123456789 (more than "
        "15 decimals)\n"
        "a/b: cost.reasoning: 0.30000000000000004 / 1000000 read as 0.0000003 (binary "
        "noise)\n");
}

static void exponents_beyond_all_bounds_are_refused_or_rounded(void **state)
{
    (void)state;
    assert_refused(COST("\"input\": 1e99999999999999999999"), "a/b cost.input: is more than 9223");
    assert_models_dev(
        COST("\"input\": 1e-99999999999999999999"), MODELS_DEV(", \"input\": \"0\""),
        "a/b: cost.input: 1e-99999999999999999999 / 1000000 read as 0 (more than 15 decimals)\n");
    assert_refused(COST("\"input\": \"1e\""), "a/b cost.input: is not a decimal number");
    assert_refused(COST("\"input\": \"e5\""), "a/b cost.input: is not a decimal number");
    assert_refused(COST("\"input\": \"1e5e5\""), "a/b cost.input: is not a decimal number");
    assert_refused(COST("\"input\": \"1e-\""), "a/b cost.input: is not a decimal number");
    assert_refused(COST("\"input\": \"\""), "a/b cost.input: is not a decimal number");
    assert_refused(COST("\"input\": \"1\\u0000\""), "a/b cost.input: is not a decimal number");
    assert_refused(COST("\"input\": \"NaN\""), "a/b cost.input: is not a decimal number");
    assert_refused(COST("\"input\": 12345678901234567890123456789012345678901234567890"),
                   "a/b cost.input: is more than 9223");
}

static void tiers_are_chosen_by_size(void **state)
{
    static const char tiers[] =
        MODELS_DEV(", \"input\": \"0.000001\",\n"
                   "      \"tiers\": [{\"above\": 200000, \"input\": \"0.000002\", "
                   "\"output\": \"0.000003\"}]");

    (void)state;
    assert_models_dev(COST("\"input\": 1, \"tiers\": [{\"input\": 2, \"output\": 3, "
                           "\"tier\": {\"type\": \"context\", \"size\": 200000}}]"),
                      tiers, "");
    /* The legacy view: alone it counts, beside `tiers` it is only checked. */
    assert_models_dev(COST("\"input\": 1, \"context_over_200k\": {\"input\": 2, \"output\": 3}"),
                      tiers, "");
    assert_models_dev(COST("\"input\": 1, \"tiers\": [{\"input\": 2, \"output\": 3, "
                           "\"tier\": {\"type\": \"context\", \"size\": 200000}}], "
                           "\"context_over_200k\": {\"input\": 2.0, \"output\": 3}"),
                      tiers, "");
    assert_models_dev(COST("\"input\": 1, \"context_over_200k\": {\"input\": 9}, "
                           "\"tiers\": [{\"input\": 2, \"output\": 3, "
                           "\"tier\": {\"type\": \"context\", \"size\": 200000}}]"),
                      tiers, "a/b: cost.context_over_200k: not used: `tiers` say otherwise\n");
    assert_models_dev(LIST("xai", "\"cost\": {\"tiers\": [{\"input\": 2, "
                                  "\"tier\": {\"type\": \"context\", \"size\": 128000}}]}"),
                      WRITTEN("\n    \"xai/b\": " FROM ",\n      \"tiers\": [{\"above\": 127999, "
                              "\"input\": \"0.000002\"}]}]"),
                      "");
}

static void modes_become_service_tiers(void **state)
{
    (void)state;
    assert_models_dev(
        LIST("a", "\"cost\": {\"input\": 1}, \"experimental\": {\"modes\": {\"fast\": {\"cost\": "
                  "{\"input\": 6, \"context_over_200k\": {\"input\": 12}, \"odd\": 1}, "
                  "\"provider\": {}, \"surcharge\": 1}, \"auto\": {\"cost\": {\"input\": 1}}, "
                  "\"quiet\": {}, \"none\": {\"cost\": null}}, \"price_hint\": 5}"),
        MODELS_DEV(", \"input\": \"0.000001\",\n"
                   "      \"service_tiers\": {\"fast\": {\"input\": \"0.000006\",\n"
                   "      \"tiers\": [{\"above\": 200000, \"input\": \"0.000012\"}]}}"),
        "a/b: experimental.price_hint: not used\n"
        "a/b: experimental.modes.fast.surcharge: not used\n"
        "a/b: experimental.modes.fast.cost.odd: not used\n"
        "a/b: experimental.modes.auto.cost: not used: a service tier cannot have that name\n"
        "a/b: experimental.modes.none.cost: null: not used\n");
}

static void what_cannot_be_carried_is_named(void **state)
{
    (void)state;
    assert_models_dev(
        LIST("a", "\"name\": \"B\", \"limit\": {\"context\": 5}, \"experimental\": true, "
                  "\"cost\": {\"input\": -1, \"output\": null, \"image\": 5, \"tiers\": null, "
                  "\"context_over_200k\": null}, \"cost_v2\": {}"),
        MODELS_DEV(""),
        "a/b: cost_v2: not used\n"
        "a/b: cost.input: below 0: not used\n"
        "a/b: cost.output: null: not used\n"
        "a/b: cost.image: not used\n"
        "a/b: cost.tiers: null: not used\n"
        "a/b: cost.context_over_200k: null: not used\n");
    assert_models_dev(COST("\"tiers\": [{\"input\": 2, \"tier\": {\"type\": \"volume\", "
                           "\"size\": 5}}, {\"input\": 3, \"tier\": {\"type\": \"context\", "
                           "\"size\": 5, \"odd\": 1}, \"odd\": 1}]"),
                      MODELS_DEV(",\n      \"tiers\": [{\"above\": 5, \"input\": \"0.000003\"}]"),
                      "a/b: cost.tiers[0].tier: not used: its type is not \"context\"\n"
                      "a/b: cost.tiers[1].tier.odd: not used\n"
                      "a/b: cost.tiers[1].odd: not used\n");
    assert_models_dev(LIST("a", ""), MODELS_DEV(""), "a/b: cost: missing: unpriced\n");
    assert_models_dev("{\"a\": {\"models\": {}, \"pricing\": 1}}", WRITTEN(""),
                      "a: pricing: not used\n");
}

/* A gateway's models are known under their own ids. */
static void one_provider_may_be_imported_alone(void **state)
{
    static const char json[] = "{\"a\": {\"models\": {\"x/b\": {\"cost\": {\"input\": 1}}}}, "
                               "\"ab\": {\"models\": {\"x/b\": {}}}, \"c\": 5}";
    struct price_import_order order = {
        .source = PRICE_SOURCE_MODELS_DEV, .from_ms = JULY, .provider = TEXT("a")};
    struct price_import_result result;
    char table[512] = "", error[256] = "";

    (void)state;
    order.out = fmemopen(table, sizeof(table), "w");
    assert_non_null(order.out);
    assert_int_equal(price_import(&order, json, strlen(json), &result, error, sizeof(error)), 0);
    fclose(order.out);
    assert_string_equal(table, WRITTEN("\n    \"x/b\": " FROM ", \"input\": \"0.000001\"}]"));
    order.provider = text_of("b");
    order.out = fmemopen(table, sizeof(table), "w");
    assert_int_equal(price_import(&order, json, strlen(json), &result, error, sizeof(error)),
                     -EINVAL);
    assert_string_equal(error, "has no such provider");
    fclose(order.out);
}

static void what_is_broken_is_refused_with_its_place(void **state)
{
    char json[1024], name[300];

    (void)state;
    assert_refused("[]", "must be an object of providers");
    assert_refused("{\"a\": []}", "a: must be an object with an object \"models\"");
    assert_refused("{\"a\": null}", "a: must be an object with an object \"models\"");
    assert_refused("{\"a\": {\"models\": []}}", "a: must be an object with an object \"models\"");
    assert_refused("{\"a\": {\"models\": {\"b\": 5}}}", "a/b: must be an object");
    assert_refused("{\"a\": {\"models\": {\"b\": {}, \"b\": {}}}}", "a.models.b: stands twice");
    assert_refused("{\"a\": {\"models\": {\"b/c\": {}}}, \"a/b\": {\"models\": {\"c\": {}}}}",
                   "a/b/c id: stands twice");
    memset(name, 'n', sizeof(name));
    snprintf(json, sizeof(json), "{\"a\": {\"models\": {\"%.255s\": {}}}}", name);
    assert_refused(json, "nnnn");
    snprintf(json, sizeof(json), "{\"%.300s\": {\"models\": {\"%.300s\": {}}}}", name, name);
    assert_refused(json, "nnnn");
    assert_refused(LIST("a", "\"cost\": []"), "a/b cost: must be an object");
    assert_refused(COST("\"input\": true"), "a/b cost.input: must be a decimal number");
    assert_refused(COST("\"input\": [1]"), "a/b cost.input: must be a decimal number");
    assert_refused(COST("\"tiers\": {}"), "a/b cost.tiers: must be a list");
    assert_refused(COST("\"tiers\": [1]"), "a/b cost.tiers[0]: must be an object");
    assert_refused(COST("\"tiers\": [{}]"), "a/b cost.tiers[0].tier: must be an object");
    assert_refused(COST("\"tiers\": [{\"tier\": {\"type\": \"context\"}}]"),
                   "a/b cost.tiers[0].tier.size: must be a whole number");
    assert_refused(COST("\"tiers\": [{\"tier\": {\"type\": \"context\", \"size\": \"5\"}}]"),
                   "a/b cost.tiers[0].tier.size: must be a whole number");
    assert_refused(COST("\"tiers\": [{\"input\": 1, \"tier\": {\"type\": \"context\", "
                        "\"size\": 5}}, {\"tier\": {\"type\": \"context\", \"size\": 5}}]"),
                   "a/b cost.tiers[1].tier.size: two tiers have the same size");
    assert_refused(COST("\"context_over_200k\": 5"),
                   "a/b cost.context_over_200k: must be an object");
    assert_refused(LIST("a", "\"experimental\": {\"modes\": []}"),
                   "a/b experimental.modes: must be an object");
    assert_refused(LIST("a", "\"experimental\": {\"modes\": {\"x\": 5}}"),
                   "a/b experimental.modes.x: must be an object");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_price_is_a_millionth_of_the_listed_one),
        cmocka_unit_test(exponents_beyond_all_bounds_are_refused_or_rounded),
        cmocka_unit_test(tiers_are_chosen_by_size),
        cmocka_unit_test(modes_become_service_tiers),
        cmocka_unit_test(what_cannot_be_carried_is_named),
        cmocka_unit_test(one_provider_may_be_imported_alone),
        cmocka_unit_test(what_is_broken_is_refused_with_its_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
