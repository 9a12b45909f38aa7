/* price_import_litellm_test.c - LiteLLM's map becomes our table: keys taken apart, nothing lost. */
#include "tests/accounting/price_support.h"

#define MODEL(text) "{\"a/b\": {" text "}}"
#define LITELLM(rest) ROW("litellm", rest)

static void assert_litellm(const char *json, const char *table, const char *report)
{
    assert_import(PRICE_SOURCE_LITELLM, json, table, report);
}

static void assert_refused(const char *json, const char *error)
{
    assert_import_refused(PRICE_SOURCE_LITELLM, json, error);
}

static void every_carried_class_has_its_unit(void **state)
{
    (void)state;
    assert_litellm(MODEL("\"input_cost_per_token\": 1e-06, \"output_cost_per_token\": 2E-06, "
                         "\"output_cost_per_reasoning_token\": \"3e-06\", "
                         "\"cache_read_input_token_cost\": 7.5e-08, "
                         "\"cache_creation_input_token_cost\": 1.25e-06, "
                         "\"cache_creation_input_token_cost_above_1hr\": 0.000002, "
                         "\"input_cost_per_audio_token\": 4e-06, "
                         "\"output_cost_per_audio_token\": 5e-06, "
                         "\"input_cost_per_image_token\": 6e-06, "
                         "\"output_cost_per_image_token\": 7e-06, "
                         "\"input_cost_per_video_token\": 8e-06, \"output_cost_per_image\": 0.04"),
                   LITELLM(", \"input\": \"0.000001\", \"output\": \"0.000002\", "
                           "\"input_cache_read\": \"0.000000075\", "
                           "\"input_cache_write\": \"0.00000125\", "
                           "\"input_cache_write_1h\": \"0.000002\", \"reasoning\": \"0.000003\", "
                           "\"input_audio\": \"0.000004\", \"output_image\": \"0.000007\", "
                           "\"output_audio\": \"0.000005\", \"input_image\": \"0.000006\", "
                           "\"input_video\": \"0.000008\", \"image\": \"0.04\""),
                   "");
}

/* Thresholds of any size; the hour of a cache write is none. */
static void thresholds_are_parsed_generically(void **state)
{
    (void)state;
    assert_litellm(
        MODEL("\"input_cost_per_token\": 1e-6, \"input_cost_per_token_above_128k_tokens\": 2e-6, "
              "\"output_cost_per_token_above_272k_tokens\": 3e-6, "
              "\"cache_read_input_token_cost_above_1k_tokens\": 4e-6, "
              "\"cache_creation_input_token_cost_above_128k_tokens\": 5e-6, "
              "\"cache_creation_input_token_cost_above_1hr\": 6e-6, "
              "\"cache_creation_input_token_cost_above_1hr_above_128k_tokens\": 7e-6"),
        LITELLM(", \"input\": \"0.000001\", \"input_cache_write_1h\": \"0.000006\",\n"
                "      \"tiers\": [{\"above\": 1000, \"input_cache_read\": \"0.000004\"},\n"
                "      {\"above\": 128000, \"input\": \"0.000002\", "
                "\"input_cache_write\": \"0.000005\", \"input_cache_write_1h\": \"0.000007\"},\n"
                "      {\"above\": 272000, \"output\": \"0.000003\"}]"),
        "");
    assert_litellm(MODEL("\"input_cost_per_token_above_1hr\": 1, "
                         "\"input_cost_per_token_above_k_tokens\": 1, "
                         "\"input_cost_per_token_above_0k_tokens\": 1, "
                         "\"input_cost_per_token_above_-1k_tokens\": 1, "
                         "\"input_cost_per_token_above_9999999999999999999k_tokens\": 1, "
                         "\"input_cost_per_token_above_128k\": 1, "
                         "\"_above_128k_tokens\": 1, \"_priority\": 1"),
                   LITELLM(""),
                   "a/b: input_cost_per_token_above_1hr: not used\n"
                   "a/b: input_cost_per_token_above_k_tokens: not used\n"
                   "a/b: input_cost_per_token_above_0k_tokens: not used\n"
                   "a/b: input_cost_per_token_above_-1k_tokens: not used\n"
                   "a/b: input_cost_per_token_above_9999999999999999999k_tokens: not used\n"
                   "a/b: input_cost_per_token_above_128k: not used\n"
                   "a/b: _above_128k_tokens: not used\n"
                   "a/b: _priority: not used\n");
}

static void bounds_of_xai_are_inclusive(void **state)
{
    (void)state;
    assert_litellm(MODEL("\"litellm_provider\": \"xai\", "
                         "\"input_cost_per_token_above_128k_tokens\": 2e-6"),
                   LITELLM(",\n      \"tiers\": [{\"above\": 127999, \"input\": \"0.000002\"}]"),
                   "");
}

/* The tier comes last, behind the threshold. */
static void service_tiers_are_the_last_word_of_a_key(void **state)
{
    (void)state;
    assert_litellm(
        MODEL("\"input_cost_per_token\": 4e-6, \"input_cost_per_token_flex\": 2e-6, "
              "\"input_cost_per_token_priority\": 8e-6, "
              "\"input_cost_per_token_above_272k_tokens_priority\": 16e-6, "
              "\"output_cost_per_token_batches\": 1e-6, "
              "\"cache_read_input_token_cost_ultrafast\": 3e-6, "
              "\"cache_creation_input_token_cost_above_1hr_priority\": 9e-6, "
              "\"input_cost_per_token_slow\": 1, \"input_cost_per_token_priority_flex\": 1"),
        LITELLM(", \"input\": \"0.000004\",\n"
                "      \"service_tiers\": {\"batches\": {\"output\": \"0.000001\"},\n"
                "      \"flex\": {\"input\": \"0.000002\"},\n"
                "      \"priority\": {\"input\": \"0.000008\", "
                "\"input_cache_write_1h\": \"0.000009\",\n"
                "      \"tiers\": [{\"above\": 272000, \"input\": \"0.000016\"}]},\n"
                "      \"ultrafast\": {\"input_cache_read\": \"0.000003\"}}"),
        "a/b: input_cost_per_token_slow: not used\n"
        "a/b: input_cost_per_token_priority_flex: not used\n");
}

static const char *const not_carried[] = {
    "citation_cost_per_token",
    "input_cost_per_image",
    "input_cost_per_pixel",
    "output_cost_per_pixel",
    "input_cost_per_character",
    "output_cost_per_character",
    "input_cost_per_second",
    "output_cost_per_second",
    "output_cost_per_second_480p",
    "output_cost_per_second_1080p",
    "output_cost_per_second_4k",
    "output_cost_per_video_token",
    "input_cost_per_audio_per_second",
    "input_cost_per_video_per_second",
    "output_cost_per_video_per_second",
    "input_cost_per_query",
    "ocr_cost_per_page",
    "ocr_cost_per_credit",
    "annotation_cost_per_page",
    "google_maps_grounding_cost_per_query",
    "code_interpreter_cost_per_session",
    "file_search_cost_per_1k_calls",
    "file_search_cost_per_gb_per_day",
    "vector_store_cost_per_gb_per_day",
    "computer_use_input_cost_per_1k_tokens",
    "computer_use_output_cost_per_1k_tokens",
    "regional_processing_uplift_multiplier_eu",
    "regional_processing_uplift_multiplier_us",
    "regional_endpoint_uplift_multiplier",
    "provider_specific_entry",
    "max_cost_per_call",
    "never_heard_of",
};

/* Every cost field of the reference that we cannot carry, and what nobody has heard of yet. */
static void what_cannot_be_carried_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(not_carried) / sizeof(not_carried[0]); i++) {
        char json[256], report[256];
        snprintf(json, sizeof(json), MODEL("\"%s\": 1.1"), not_carried[i]);
        snprintf(report, sizeof(report), "a/b: %s: not used\n", not_carried[i]);
        assert_litellm(json, LITELLM(""), report);
    }
    assert_litellm(MODEL("\"litellm_provider\": \"x\", \"mode\": \"chat\", \"max_tokens\": 5, "
                         "\"max_input_tokens\": 5, \"deprecation_date\": \"2026-01-01\", "
                         "\"supported_endpoints\": [], \"supports_vision\": true, "
                         "\"source\": \"https://\", \"metadata\": {\"notes\": \"\"}"),
                   LITELLM(""), "");
    assert_litellm(MODEL("\"input_cost_per_token\": null, \"output_cost_per_token\": -1, "
                         "\"tiered_pricing\": null, \"off_peak_pricing\": null, "
                         "\"search_context_cost_per_query\": null"),
                   LITELLM(""),
                   "a/b: input_cost_per_token: null: not used\n"
                   "a/b: output_cost_per_token: below 0: not used\n"
                   "a/b: off_peak_pricing: null: not used\n"
                   "a/b: search_context_cost_per_query: null: not used\n"
                   "a/b: tiered_pricing: null: not used\n");
}

static void searches_have_one_price(void **state)
{
    (void)state;
    assert_litellm(
        MODEL("\"search_context_cost_per_query\": {\"search_context_size_low\": 0.03, "
              "\"search_context_size_medium\": 0.035, "
              "\"search_context_size_high\": 0.05, \"search_context_size_huge\": 1}, "
              "\"web_search_billing_unit\": \"per_query\""),
        LITELLM(", \"web_search\": \"0.035\""),
        "a/b: search_context_cost_per_query.search_context_size_low: not used: one size "
        "has to do\n"
        "a/b: search_context_cost_per_query.search_context_size_high: not used: one size "
        "has to do\n"
        "a/b: search_context_cost_per_query.search_context_size_huge: not used\n");
    assert_litellm(MODEL("\"search_context_cost_per_query\": {\"search_context_size_low\": 0.01, "
                         "\"search_context_size_high\": \"0.010\"}"),
                   LITELLM(", \"web_search\": \"0.01\""), "");
    assert_litellm(MODEL("\"search_context_cost_per_query\": {\"search_context_size_low\": 0.01}, "
                         "\"web_search_billing_unit\": \"per_prompt\""),
                   LITELLM(""),
                   "a/b: search_context_cost_per_query: not used\n"
                   "a/b: web_search_billing_unit: not used\n");
}

/* 300000 tokens take the second tier whole (pricing section 3: 0.075, not 0.0238). */
static void tiered_pricing_stands_instead_of_the_flat_keys(void **state)
{
    static const char json[] = MODEL(
        "\"tiered_pricing\": [{\"range\": [256000.0, 1e6], \"input_cost_per_token\": 2.5e-07, "
        "\"odd\": 5}, {\"range\": [0, 256000], \"input_cost_per_token\": 5e-08, "
        "\"output_cost_per_token\": 4e-07}], \"input_cost_per_token\": 9, "
        "\"input_cost_per_token_above_128k_tokens\": 9, "
        "\"cache_read_input_token_cost\": 1e-08");

    (void)state;
    assert_litellm(json,
                   LITELLM(", \"input\": \"0.00000005\", \"output\": \"0.0000004\", "
                           "\"input_cache_read\": \"0.00000001\",\n"
                           "      \"tiers\": [{\"above\": 256000, \"input\": \"0.00000025\"}]"),
                   "a/b: tiered_pricing[0].odd: not used\n"
                   "a/b: tiered_pricing: used instead of the flat prices\n");
    assert_litellm(MODEL("\"tiered_pricing\": [{\"range\": [0, 5], \"input_cost_per_token\": 1}, "
                         "{\"range\": [10, 20], \"input_cost_per_token\": 2}, "
                         "{\"range\": [10, 30], \"input_cost_per_token\": 3}, "
                         "{\"input_cost_per_token\": 4}, {\"range\": [20, 30], "
                         "\"input_cost_per_token_flex\": 5}]"),
                   LITELLM(", \"input\": \"1\",\n      \"tiers\": [{\"above\": 10, \"input\": "
                           "\"2\"}]"),
                   "a/b: tiered_pricing[0].range: no tier begins at 5: this one goes on\n"
                   "a/b: tiered_pricing[2].input_cost_per_token: not used: an earlier tier begins "
                   "at the same size\n"
                   "a/b: tiered_pricing[3].range: missing: the tier is not used\n"
                   "a/b: tiered_pricing[4].input_cost_per_token_flex: not used\n");
}

static void off_peak_hours_have_rates_of_their_own(void **state)
{
    (void)state;
    assert_litellm(MODEL("\"input_cost_per_token\": 2e-6, \"off_peak_pricing\": {"
                         "\"hours_utc\": \"16:30-00:30\", \"input_cost_per_token\": 1e-6, "
                         "\"output_cost_per_token_priority\": 1, \"odd\": 1}"),
                   LITELLM(", \"input\": \"0.000002\",\n"
                           "      \"off_peak\": [{\"utc\": \"16:30-00:30\", "
                           "\"input\": \"0.000001\"}]"),
                   "a/b: off_peak_pricing.output_cost_per_token_priority: not used\n"
                   "a/b: off_peak_pricing.odd: not used\n");
    assert_litellm(
        MODEL("\"off_peak_pricing\": {\"hours_utc\": [\"00:00-01:00\", \"22:00-24:00\"], "
              "\"weekday_timezone\": \"UTC\", \"windows\": [{\"hours_utc\": \"02:00-03:00\", "
              "\"weekdays\": [\"Sunday\", \"sat\"]}, {\"hours_utc\": [\"04:00-05:00\"], \"x\": 1}, "
              "{\"hours_utc\": \"06:00-07:00\", \"weekdays\": [6]}, "
              "{\"hours_utc\": \"06:00-07:00\", \"weekdays\": \"daily\"}], "
              "\"input_cost_per_token\": 1}"),
        LITELLM(",\n      \"off_peak\": [{\"utc\": \"00:00-01:00\", \"input\": \"1\"},\n"
                "      {\"utc\": \"22:00-00:00\", \"input\": \"1\"},\n"
                "      {\"utc\": \"02:00-03:00\", \"weekdays\": \"sat,sun\", \"input\": \"1\"},\n"
                "      {\"utc\": \"04:00-05:00\", \"input\": \"1\"}]"),
        "a/b: off_peak_pricing.windows[1].x: not used\n"
        "a/b: off_peak_pricing.windows[2]: not used: its weekdays are not understood\n"
        "a/b: off_peak_pricing.windows[3]: not used: its weekdays are not understood\n");
    assert_litellm(
        MODEL("\"off_peak_pricing\": {\"weekday_timezone\": \"Asia/Shanghai\", \"windows\": ["
              "{\"hours_utc\": \"02:00-03:00\", \"weekdays\": [\"sat\"]}, "
              "{\"hours_utc\": \"04:00-05:00\"}], \"input_cost_per_token\": 1}"),
        LITELLM(",\n      \"off_peak\": [{\"utc\": \"04:00-05:00\", \"input\": \"1\"}]"),
        "a/b: off_peak_pricing.windows[0]: not used: its weekdays are not those of UTC\n");
}

static void the_sample_is_no_model(void **state)
{
    (void)state;
    assert_litellm("{\"sample_spec\": {\"input_cost_per_token\": \"what you pay\"}, \"b\": {}, "
                   "\"azure/eu/a\": {\"output_cost_per_token\": 1}}",
                   WRITTEN("\n    \"azure/eu/a\": [{\"from\": \"2026-07-01T00:00:00Z\", "
                           "\"source\": \"litellm\", \"output\": \"1\"}],\n"
                           "    \"b\": [{\"from\": \"2026-07-01T00:00:00Z\", "
                           "\"source\": \"litellm\"}]"),
                   "");
    assert_litellm("{}", WRITTEN(""), "");
}

static void what_is_broken_is_refused_with_its_place(void **state)
{
    (void)state;
    assert_refused("[]", "must be an object of models");
    assert_refused("{\"a\": []}", "a: must be an object");
    assert_refused("{\"a\": null}", "a: must be an object");
    assert_refused("{\"a\": {}, \"a\": {}}", "a: stands twice");
    assert_refused("{\"a\x7f\": {}}", "a\x7f: is no model id");
    assert_refused(MODEL("\"mode\": NaN"), "a/b.mode: NaN and Infinity are no numbers in JSON");
    assert_refused(MODEL("\"input_cost_per_token\": \"free\""),
                   "a/b input_cost_per_token: is not a decimal number");
    assert_refused(MODEL("\"input_cost_per_token\": {}"),
                   "a/b input_cost_per_token: must be a decimal number");
    assert_refused(MODEL("\"input_cost_per_token\": 10000"),
                   "a/b input_cost_per_token: is more than 9223 USD a unit");
    assert_refused(MODEL("\"input_cost_per_token\": 1, \"input_cost_per_token\": 1"),
                   "a/b.input_cost_per_token: stands twice");
    assert_refused(MODEL("\"search_context_cost_per_query\": 0.01"),
                   "a/b search_context_cost_per_query: must be an object");
    assert_refused(MODEL("\"tiered_pricing\": {}"), "a/b tiered_pricing: must be a list");
    assert_refused(MODEL("\"tiered_pricing\": [5]"), "a/b tiered_pricing[0]: must be an object");
    assert_refused(MODEL("\"tiered_pricing\": [{\"range\": [5]}]"),
                   "a/b tiered_pricing[0].range: must be a list of two");
    assert_refused(MODEL("\"tiered_pricing\": [{\"range\": [0.5, 1]}]"),
                   "a/b tiered_pricing[0].range: must be a whole number");
    assert_refused(MODEL("\"tiered_pricing\": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]"),
                   "a/b tiered_pricing: has more than 8 tiers");
    assert_refused(MODEL("\"off_peak_pricing\": []"), "a/b off_peak_pricing: must be an object");
    assert_refused(MODEL("\"off_peak_pricing\": {\"hours_utc\": 5}"),
                   "a/b off_peak_pricing.hours_utc: must be hours");
    assert_refused(MODEL("\"off_peak_pricing\": {\"hours_utc\": [\"25:00-26:00\"]}"),
                   "a/b off_peak_pricing.hours_utc: must be hours");
    assert_refused(MODEL("\"off_peak_pricing\": {\"windows\": {}}"),
                   "a/b off_peak_pricing.windows: must be a list");
    assert_refused(MODEL("\"off_peak_pricing\": {\"windows\": [{}]}"),
                   "a/b off_peak_pricing.windows[0]: must be hours");
    assert_refused(MODEL("\"off_peak_pricing\": {\"windows\": [5]}"),
                   "a/b off_peak_pricing.windows[0]: must be an object");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_carried_class_has_its_unit),
        cmocka_unit_test(thresholds_are_parsed_generically),
        cmocka_unit_test(bounds_of_xai_are_inclusive),
        cmocka_unit_test(service_tiers_are_the_last_word_of_a_key),
        cmocka_unit_test(what_cannot_be_carried_is_named),
        cmocka_unit_test(searches_have_one_price),
        cmocka_unit_test(tiered_pricing_stands_instead_of_the_flat_keys),
        cmocka_unit_test(off_peak_hours_have_rates_of_their_own),
        cmocka_unit_test(the_sample_is_no_model),
        cmocka_unit_test(what_is_broken_is_refused_with_its_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
