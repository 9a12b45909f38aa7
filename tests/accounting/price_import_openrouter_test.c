/* price_import_openrouter_test.c - OpenRouter's list becomes our table, `overrides` included. */
#include "tests/accounting/price_support.h"

#define MODEL(pricing) "{\"data\": [{\"id\": \"a/b\", \"pricing\": {" pricing "}}]}"
#define OPENROUTER(rest) ROW("openrouter", rest)

static void assert_openrouter(const char *json, const char *table, const char *report)
{
    assert_import(PRICE_SOURCE_OPENROUTER, json, table, report);
}

static void assert_refused(const char *json, const char *error)
{
    assert_import_refused(PRICE_SOURCE_OPENROUTER, json, error);
}

static void every_carried_price_has_its_unit(void **state)
{
    (void)state;
    assert_openrouter(
        MODEL("\"prompt\": \"0.000003\", \"completion\": \"0.000015\", \"request\": \"0.005\", "
              "\"image\": \"0.0048\", \"image_token\": \"0.0000003\", \"image_output\": \"0.03\", "
              "\"audio\": \"0.000001\", \"audio_output\": \"0.000002\", "
              "\"input_audio_cache\": \"0.0000001\", \"web_search\": \"0.01\", "
              "\"internal_reasoning\": \"0.00002\", \"input_cache_read\": \"3e-7\", "
              "\"input_cache_write\": 0.00000375, \"input_cache_write_1h\": \"0.000006\", "
              "\"brand_new\": \"1\""),
        OPENROUTER(", \"input\": \"0.000003\", \"output\": \"0.000015\", "
                   "\"input_cache_read\": \"0.0000003\", \"input_cache_write\": \"0.00000375\", "
                   "\"input_cache_write_1h\": \"0.000006\", \"reasoning\": \"0.00002\", "
                   "\"input_audio\": \"0.000001\", \"web_search\": \"0.01\", "
                   "\"request\": \"0.005\", \"output_audio\": \"0.000002\", "
                   "\"input_image\": \"0.0000003\", \"image\": \"0.03\""),
        "a/b: image: not used\n"
        "a/b: image_token: taken as USD per token of a picture read\n"
        "a/b: image_output: taken as USD per picture made\n"
        "a/b: input_audio_cache: not used\n"
        "a/b: brand_new: not used\n");
}

/* A router's -1 is no price, nor is an absent one; "0" is one. */
static void a_router_is_unpriced_and_free_is_free(void **state)
{
    (void)state;
    assert_openrouter(MODEL("\"prompt\": \"-1\", \"completion\": \"-1\""), OPENROUTER(""),
                      "a/b: prompt: below 0: not used\na/b: completion: below 0: not used\n");
    assert_openrouter(MODEL("\"prompt\": \"0\", \"completion\": \"0\""),
                      OPENROUTER(", \"input\": \"0\", \"output\": \"0\""), "");
    assert_openrouter("{\"data\": [{\"id\": \"a/b\", \"min_price\": 1}]}", OPENROUTER(""),
                      "a/b: min_price: not used\na/b: pricing: missing: unpriced\n");
}

static void a_discount_becomes_the_multiplier(void **state)
{
    static const char told[] =
        "a/b: discount: taken off the listed prices, which may hold it already\n";

    (void)state;
    assert_openrouter(MODEL("\"prompt\": \"1\", \"discount\": 0.05"),
                      OPENROUTER(", \"input\": \"1\",\n      \"multiplier\": \"0.95\""), told);
    assert_openrouter(MODEL("\"prompt\": \"1\", \"discount\": \"0.999999\""),
                      OPENROUTER(", \"input\": \"1\",\n      \"multiplier\": \"0.000001\""), told);
    assert_openrouter(MODEL("\"prompt\": \"1\", \"discount\": 0"), OPENROUTER(", \"input\": \"1\""),
                      "");
    assert_openrouter(MODEL("\"prompt\": \"1\", \"discount\": 1"), OPENROUTER(", \"input\": \"1\""),
                      "a/b: discount: not used: it leaves nothing to pay\n");
    assert_openrouter(MODEL("\"prompt\": \"1\", \"discount\": -0.1"),
                      OPENROUTER(", \"input\": \"1\""), "a/b: discount: below 0: not used\n");
    assert_openrouter(MODEL("\"prompt\": \"1\", \"discount\": 0.1234565"), /* half to even */
                      OPENROUTER(", \"input\": \"1\",\n      \"multiplier\": \"0.876544\""),
                      "a/b: discount: rounded to 6 decimals\n"
                      "a/b: discount: taken off the listed prices, which may hold it already\n");
    assert_openrouter(MODEL("\"prompt\": \"1\", \"discount\": 0.1234575"),
                      OPENROUTER(", \"input\": \"1\",\n      \"multiplier\": \"0.876542\""),
                      "a/b: discount: rounded to 6 decimals\n"
                      "a/b: discount: taken off the listed prices, which may hold it already\n");
}

static void overrides_by_prompt_size_become_tiers(void **state)
{
    (void)state;
    assert_openrouter(
        MODEL("\"prompt\": \"3\", \"completion\": \"15\", \"overrides\": ["
              "{\"min_prompt_tokens\": 200000, \"prompt\": \"6\", \"completion\": \"22.5\"}]"),
        OPENROUTER(", \"input\": \"3\", \"output\": \"15\",\n"
                   "      \"tiers\": [{\"above\": 200000, \"input\": \"6\", "
                   "\"output\": \"22.5\"}]"),
        "");
}

/* Later entries win key by key, also over those of longer prompts; all that hold add up. */
static void overrides_add_up_in_their_order(void **state)
{
    (void)state;
    assert_openrouter(
        MODEL("\"prompt\": \"1\", \"overrides\": ["
              "{\"min_prompt_tokens\": 2000, \"prompt\": \"5\", \"completion\": \"6\"}, "
              "{\"min_prompt_tokens\": 1000, \"prompt\": \"3\", \"input_cache_read\": \"4\"}, "
              "{\"min_prompt_tokens\": 3000, \"audio\": \"8\"}]"),
        OPENROUTER(", \"input\": \"1\",\n"
                   "      \"tiers\": [{\"above\": 1000, \"input\": \"3\", "
                   "\"input_cache_read\": \"4\"},\n"
                   "      {\"above\": 2000, \"input\": \"3\", \"output\": \"6\", "
                   "\"input_cache_read\": \"4\"},\n"
                   "      {\"above\": 3000, \"input\": \"3\", \"output\": \"6\", "
                   "\"input_cache_read\": \"4\", \"input_audio\": \"8\"}]"),
        "");
    assert_openrouter(MODEL("\"prompt\": \"1\", \"overrides\": [{\"prompt\": \"2\"}, "
                            "{\"min_prompt_tokens\": 10, \"prompt\": \"3\"}, "
                            "{\"completion\": \"4\"}]"),
                      OPENROUTER(", \"input\": \"2\", \"output\": \"4\",\n"
                                 "      \"tiers\": [{\"above\": 10, \"input\": \"3\", "
                                 "\"output\": \"4\"}]"),
                      "a/b: overrides[0]: holds always: taken as the plain price\n"
                      "a/b: overrides[2]: holds always: taken as the plain price\n");
}

static void overrides_by_the_hour_become_off_peak(void **state)
{
    (void)state;
    assert_openrouter(
        MODEL("\"prompt\": \"2\", \"overrides\": ["
              "{\"utc_start\": 1630, \"utc_end\": 30, \"prompt\": \"1\"}, "
              "{\"utc_start\": 0, \"utc_end\": 2400, \"completion\": \"1\"}, "
              "{\"utc_end\": 2359, \"utc_start\": 2200, \"prompt\": \"0.5\"}, "
              "{\"min_prompt_tokens\": 5, \"prompt\": \"4\"}]"),
        OPENROUTER(", \"input\": \"2\",\n"
                   "      \"tiers\": [{\"above\": 5, \"input\": \"4\"}],\n"
                   "      \"off_peak\": [{\"utc\": \"16:30-00:30\", \"input\": \"1\"},\n"
                   "      {\"utc\": \"22:00-23:59\", \"input\": \"0.5\"}]"),
        "a/b: overrides[1]: not used: its hours end where they begin\n"
        "a/b: overrides[3]: outranked by the hours of overrides[0] while they last\n"
        "a/b: overrides[3]: outranked by the hours of overrides[2] while they last\n");
}

/* A price whose condition is not understood would hold when it must not. */
static void what_cannot_be_said_is_named(void **state)
{
    (void)state;
    assert_openrouter(
        MODEL(
            "\"prompt\": \"2\", \"overrides\": ["
            "{\"utc_start\": 100, \"utc_end\": 200, \"min_prompt_tokens\": 5, \"prompt\": \"1\"}, "
            "{\"region\": 5, \"prompt\": \"1\"}, {\"weekday\": null, \"prompt\": \"1\"}, "
            "{\"min_prompt_tokens\": 9, \"input_audio_cache\": \"1\", \"prompt\": \"3\"}, "
            "{\"min_prompt_tokens\": 99}]"),
        OPENROUTER(", \"input\": \"2\",\n      \"tiers\": [{\"above\": 9, \"input\": \"3\"}]"),
        "a/b: overrides[0]: not used: hours and a prompt size together\n"
        "a/b: overrides[1].region: a condition that is not known: the override is not used\n"
        "a/b: overrides[2].weekday: a condition that is not known: the override is not used\n"
        "a/b: overrides[3].input_audio_cache: not used\n");
    assert_openrouter(MODEL("\"prompt\": null, \"overrides\": null, \"discount\": null"),
                      OPENROUTER(""),
                      "a/b: prompt: null: not used\na/b: discount: null: not used\n"
                      "a/b: overrides: null: not used\n");
}

static void what_is_broken_is_refused_with_its_place(void **state)
{
    (void)state;
    assert_refused("{\"data\": [{}]}", "data[0]: must be an object with an \"id\"");
    assert_refused("{\"data\": [{\"id\": \"a/b\", \"pricing\": \"free\"}]}",
                   "a/b pricing: must be an object");
    assert_refused(MODEL("\"prompt\": \"a lot\""), "a/b prompt: is not a decimal number");
    assert_refused(MODEL("\"prompt\": [1]"), "a/b prompt: must be a decimal number");
    assert_refused(MODEL("\"discount\": {}"), "a/b discount: must be a decimal number");
    assert_refused(MODEL("\"overrides\": {}"), "a/b overrides: must be a list");
    assert_refused(MODEL("\"overrides\": [5]"), "a/b overrides[0]: must be an object");
    assert_refused(MODEL("\"overrides\": [{\"min_prompt_tokens\": \"5\"}]"),
                   "a/b overrides[0].min_prompt_tokens: must be a whole number");
    assert_refused(MODEL("\"overrides\": [{\"utc_start\": 1660, \"utc_end\": 5}]"),
                   "a/b overrides[0].utc_start: must be a time of day");
    assert_refused(MODEL("\"overrides\": [{\"utc_start\": \"16:30\"}]"),
                   "a/b overrides[0].utc_start: must be a time of day");
    assert_refused(MODEL("\"overrides\": [{\"utc_start\": 5}]"),
                   "a/b overrides[0]: utc_start and utc_end belong together");
    assert_refused(MODEL("\"overrides\": [{\"prompt\": \"?\"}]"),
                   "a/b overrides[0].prompt: is not a decimal number");
    assert_refused(MODEL("\"overrides\": [{\"min_prompt_tokens\": 1, \"prompt\": \"1\"}, "
                         "{\"min_prompt_tokens\": 2, \"prompt\": \"1\"}, "
                         "{\"min_prompt_tokens\": 3, \"prompt\": \"1\"}, "
                         "{\"min_prompt_tokens\": 4, \"prompt\": \"1\"}, "
                         "{\"min_prompt_tokens\": 5, \"prompt\": \"1\"}, "
                         "{\"min_prompt_tokens\": 6, \"prompt\": \"1\"}, "
                         "{\"min_prompt_tokens\": 7, \"prompt\": \"1\"}, "
                         "{\"min_prompt_tokens\": 8, \"prompt\": \"1\"}, "
                         "{\"min_prompt_tokens\": 9, \"prompt\": \"1\"}]"),
                   "a/b overrides[8]: has more than 8 brackets");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_carried_price_has_its_unit),
        cmocka_unit_test(a_router_is_unpriced_and_free_is_free),
        cmocka_unit_test(a_discount_becomes_the_multiplier),
        cmocka_unit_test(overrides_by_prompt_size_become_tiers),
        cmocka_unit_test(overrides_add_up_in_their_order),
        cmocka_unit_test(overrides_by_the_hour_become_off_peak),
        cmocka_unit_test(what_cannot_be_said_is_named),
        cmocka_unit_test(what_is_broken_is_refused_with_its_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
