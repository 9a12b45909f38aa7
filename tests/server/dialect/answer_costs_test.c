/* Tokens and money learnt from upstream answers, and which of it the ledger books. */
#include "tests/server/dialect/answer_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct answer *read_json(const char *json)
{
    struct answer *answer = new_answer();

    answer_read_event(answer, json, strlen(json));
    return answer;
}

/* --- tokens --- */

static void every_count_is_found_in_its_place(void **state)
{
    struct answer *answer = read_json(
        "{\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":2e1,\"prompt_tokens_details\":{"
        "\"cached_tokens\":30,\"audio_tokens\":4},\"completion_tokens_details\":{"
        "\"reasoning_tokens\":5.0,\"image_tokens\":6,\"audio_tokens\":99},"
        "\"server_tool_use\":{\"web_search_requests\":7},\"cache_creation_input_tokens\":8}}");

    (void)state;
    assert_int_equal(answer->usage.prompt_tokens, 100);
    assert_int_equal(answer->usage.completion_tokens, 20);
    assert_int_equal(answer->usage.cached_tokens, 30);
    assert_int_equal(answer->usage.cache_write_tokens, 8);
    assert_int_equal(answer->usage.cache_write_1h_tokens, USAGE_ABSENT);
    assert_int_equal(answer->usage.reasoning_tokens, 5);
    assert_int_equal(answer->usage.audio_tokens, 4);
    assert_int_equal(answer->usage.image_tokens, 6);
    assert_int_equal(answer->usage.web_searches, 7);
    assert_false(answer->usage.exclusive);
    assert_false(answer->usage_unreadable);
    free_answer(answer);
}

static void cache_writes_are_found_under_every_name(void **state)
{
    static const struct {
        const char *usage;
        int64_t writes;
    } cases[] = {
        {"{\"prompt_tokens\":1}", USAGE_ABSENT},
        {"{\"cache_creation_input_tokens\":0}", 0},
        {"{\"cache_creation_input_tokens\":9}", 9},
        {"{\"prompt_tokens_details\":{\"cache_write_tokens\":9}}", 9},
        {"{\"prompt_tokens_details\":{\"cache_creation_tokens\":9}}", 9},
        {"{\"cache_creation_input_tokens\":0,\"prompt_tokens_details\":{\"cache_write_tokens\":9}}",
         9},
        {"{\"cache_creation_input_tokens\":9,\"prompt_tokens_details\":{\"cache_write_tokens\":9}}",
         9},
        {"{\"cache_creation_input_tokens\":null}", USAGE_ABSENT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char json[256];
        struct answer *answer;

        snprintf(json, sizeof(json), "{\"usage\":%s}", cases[i].usage);
        answer = read_json(json);
        assert_int_equal(answer->usage.cache_write_tokens, cases[i].writes);
        assert_false(answer->usage_unreadable);
        free_answer(answer);
    }
}

static void a_count_that_is_none_is_absent_and_flagged(void **state)
{
    static const struct {
        const char *count;
        int64_t expected;
        bool flagged;
    } cases[] = {
        {"0", 0, false},
        {"null", USAGE_ABSENT, false},
        {"9223372036854775807", INT64_MAX, false},
        {"-1", USAGE_ABSENT, true},
        {"1.5", USAGE_ABSENT, true},
        {"\"20\"", USAGE_ABSENT, true},
        {"true", USAGE_ABSENT, true},
        {"[]", USAGE_ABSENT, true},
        {"9223372036854775808", USAGE_ABSENT, true},
        {"1e999999999999", USAGE_ABSENT, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char json[256];
        struct answer *answer;

        snprintf(json, sizeof(json), "{\"usage\":{\"prompt_tokens\":%s}}", cases[i].count);
        answer = read_json(json);
        if (answer->usage.prompt_tokens != cases[i].expected ||
            answer->usage_unreadable != cases[i].flagged)
            fail_msg("case %s", cases[i].count);
        assert_false(answer->unreadable);
        free_answer(answer);
    }
}

static void modalities_and_deepseeks_cache_are_counted(void **state)
{
    struct answer *answer =
        read_json("{\"usage\":{\"prompt_tokens\":100,\"prompt_cache_hit_tokens\":30,\"prompt_"
                  "tokens_details\":{"
                  "\"image_tokens\":4,\"video_tokens\":5},\"completion_tokens_details\":{"
                  "\"audio_tokens\":6}}}");

    (void)state;
    assert_int_equal(answer->usage.cached_tokens, 30);
    assert_int_equal(answer->usage.image_input_tokens, 4);
    assert_int_equal(answer->usage.video_input_tokens, 5);
    assert_int_equal(answer->usage.audio_output_tokens, 6);
    assert_int_equal(answer->usage.images, USAGE_ABSENT);
    free_answer(answer);
}

/* --- costs by a configured path --- */

static void a_configured_path_tells_the_cost_in_its_unit(void **state)
{
    static const struct {
        const char *path, *json, *billed; /* NULL: none */
        int64_t unit_femto;
        bool odd;
    } cases[] = {
        {"usage.cost_nano_usd", "{\"usage\":{\"cost_nano_usd\":123456789}}", "0.123456789", 1000000,
         false},
        {"usage.cost_nano_usd", "{\"usage\":{\"cost_nano_usd\":\"7\"}}", "0.000000007", 1000000,
         false},
        {"meta.cost.total", "{\"meta\":{\"cost\":{\"total\":2.5e-3}}}", "0.0025",
         INT64_C(1000000000000000), false},
        {"cost", "{\"response\":{\"cost\":3}}", "0.000003", INT64_C(1000000000), false},
        {"usage.cost", "{\"usage\":{}}", NULL, 1, false},
        {"usage.cost.deep", "{\"usage\":{\"cost\":1}}", NULL, 1, false},
        {"usage.nano", "{\"usage\":{\"nano\":-1}}", NULL, 1000000, true},
        {"usage.nano", "{\"usage\":{\"nano\":\"x\"}}", NULL, 1000000, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer *answer = new_answer();
        struct ledger_row row;

        row_init(&row);
        answer_use_cost_path(answer, cases[i].path, cases[i].unit_femto);
        answer_read_event(answer, cases[i].json, strlen(cases[i].json));
        answer_costs(answer, &row);
        if (!money_is(row.billed, cases[i].billed) || answer->cost_unreadable != cases[i].odd)
            fail_msg("case %zu", i);
        free_answer(answer);
    }
}

static void what_metadata_and_usage_say_are_two_observations(void **state)
{
    struct observation list[ANSWER_OBSERVATIONS_MAX];
    struct answer *answer = read_json(
        "{\"usage\":{\"prompt_tokens\":1,\"cost\":\"0.5\"},\"provider_metadata\":{\"gateway\":{"
        "\"cost\":\"0.6\",\"marketCost\":\"0.7\"}}}");

    (void)state;
    assert_int_equal(answer_observe(answer, 1234, list), 2);
    assert_int_equal(list[0].source, OBSERVE_METADATA);
    assert_true(money_is(list[0].billed, "0.6"));
    assert_int_equal(list[0].at_ms, 1234);
    assert_int_equal(list[1].source, OBSERVE_USAGE);
    assert_true(money_is(list[1].billed, "0.5"));
    assert_true(money_is(list[1].market, "0.7"));
    free_answer(answer);
    answer = read_json("{\"usage\":{\"prompt_tokens\":1}}");
    assert_int_equal(answer_observe(answer, 1234, list), 0);
    free_answer(answer);
}

static void the_last_usage_counts_as_a_whole(void **state)
{
    static const char first[] =
        "{\"choices\":[{\"delta\":{}}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,"
        "\"cost\":0.5,\"is_byok\":true,\"market_cost\":0.7}}";
    static const char *const nothing[] = {"{\"usage\":null}", "{\"usage\":{}}", "{}"};
    struct answer *answer = read_json(first);
    /* The other shape: usage alone, choices empty. */
    static const char second[] =
        "{\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"cost\":\"0.6\"}}";

    (void)state;
    for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++) {
        answer_read_event(answer, nothing[i], strlen(nothing[i]));
        assert_int_equal(answer->usage.completion_tokens, 2);
        assert_true(money_is(answer->cost, "0.5"));
        assert_int_equal(answer->byok, 1);
    }
    assert_false(answer->usage_unreadable);
    answer_read_event(answer, second, sizeof(second) - 1);
    assert_int_equal(answer->usage.prompt_tokens, 3);
    assert_int_equal(answer->usage.completion_tokens, USAGE_ABSENT);
    assert_true(money_is(answer->cost, "0.6"));
    assert_true(money_is(answer->market_cost, NULL));
    assert_int_equal(answer->byok, -1);
    answer_read_event(answer, "{\"usage\":[5]}", 13);
    assert_true(answer->usage_unreadable);
    assert_int_equal(answer->usage.prompt_tokens, 3);
    free_answer(answer);
}

/* --- money --- */

static void costs_are_decimal_text_in_any_spelling(void **state)
{
    static const struct {
        const char *cost, *expected;
        bool unreadable;
    } cases[] = {
        {"0", "0", false},
        {"9e-7", "0.0000009", false},
        {"7.35E-06", "0.00000735", false},
        {"\"9e-7\"", "0.0000009", false},
        {"\"0.00254674\"", "0.00254674", false},
        {"\"\\u0030.5\"", "0.5", false},
        {"0.0018599999999999999", "0.00186", false}, /* float noise is taken off */
        {"-0.0", "0", false},
        {"null", NULL, false},
        {"-0.5", NULL, true},
        {"\"\"", NULL, true},
        {"\"free\"", NULL, true},
        {"\" 1\"", NULL, true},
        {"true", NULL, true},
        {"{\"total\":1}", NULL, true},
        {"1e400", NULL, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char json[256];
        struct answer *answer;

        snprintf(json, sizeof(json), "{\"usage\":{\"cost\":%s}}", cases[i].cost);
        answer = read_json(json);
        if (!money_is(answer->cost, cases[i].expected) ||
            answer->cost_unreadable != cases[i].unreadable)
            fail_msg("case %s", cases[i].cost);
        free_answer(answer);
    }
}

#define GATEWAY                                                                                    \
    "{\"gateway\":{\"cost\":\"0.1\",\"marketCost\":\"0.2\",\"surchargeCost\":\"0.3\","             \
    "\"gatewayCost\":\"0.4\"}}"

static void gateway_metadata_is_found_in_every_place_and_spelling(void **state)
{
    static const char *const places[] = {
        "{\"%s\":" GATEWAY "}",
        "{\"choices\":[{\"%s\":" GATEWAY "}]}",
        "{\"choices\":[{\"message\":{\"%s\":" GATEWAY "}}]}",
        "{\"choices\":[{\"delta\":{\"%s\":" GATEWAY "}}]}",
        "{\"choices\":[{},{\"delta\":{\"%s\":" GATEWAY "}}]}",
    };
    static const char *const spellings[] = {"provider_metadata", "providerMetadata"};

    (void)state;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) * 2; i++) {
        char json[512];
        struct answer *answer;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(json, sizeof(json), places[i / 2], spellings[i % 2]);
#pragma GCC diagnostic pop
        answer = read_json(json);
        if (!money_is(answer->meta_cost, "0.1") || !money_is(answer->meta_market_cost, "0.2") ||
            !money_is(answer->meta_surcharge_cost, "0.3") ||
            !money_is(answer->meta_gateway_cost, "0.4") || money_is(answer->cost, "0.1"))
            fail_msg("%s", json);
        free_answer(answer);
    }
}

#define META(costs) "\"provider_metadata\":{\"gateway\":{" costs "}}"
#define USAGE(costs) "\"usage\":{" costs "}"

static void what_is_billed_follows_the_order_of_reports(void **state)
{
    static const struct {
        const char *json, *billed, *upstream, *market;
        int byok;
    } cases[] = {
        /* The three recorded sets of vercel section 3. */
        {"{" USAGE("\"cost\":0.00254674,\"gateway_cost\":0.00254674,\"market_cost\":0.00254674,"
                   "\"is_byok\":false,\"cost_details\":{\"upstream_inference_cost\":null}") "}",
         "0.00254674", NULL, "0.00254674", 0},
        {"{" USAGE("\"cost\":0.00001638,\"surcharge_cost\":0.0001,\"zero_data_retention_cost\":"
                   "0.0001,\"gateway_cost\":0.00011638,\"market_cost\":0.00001638") "}",
         "0.00011638", NULL, "0.00001638", -1},
        {"{" USAGE("\"cost\":0,\"is_byok\":true,\"market_cost\":0.019295,\"cost_details\":{"
                   "\"upstream_inference_cost\":0.019295}") "}",
         "0", "0.019295", "0.019295", 1},
        /* gateway_cost, else gatewayCost, else cost + surcharge, else cost. */
        {"{" USAGE("\"gateway_cost\":1,\"cost\":4") "," META("\"gatewayCost\":\"2\"") "}", "1",
         NULL, NULL, -1},
        {"{" USAGE("\"cost\":4") "," META("\"gatewayCost\":\"2\",\"marketCost\":\"3\"") "}", "2",
         NULL, "3", -1},
        {"{" USAGE("\"cost\":4,\"surcharge_cost\":0.5") "," META("\"cost\":\"7\"") "}", "4.5", NULL,
         NULL, -1},
        {"{" USAGE("\"cost\":4,\"surcharge_cost\":0.5,\"zero_data_retention_cost\":0.5") "}", "4.5",
         NULL, NULL, -1},
        {"{" USAGE("\"cost\":4,\"zero_data_retention_cost\":0.5") "}", "4.5", NULL, NULL, -1},
        {"{" USAGE("\"cost\":4") "," META("\"surchargeCost\":\"0.25\"") "}", "4.25", NULL, NULL,
         -1},
        {"{" META(
             "\"cost\":\"7\",\"surchargeCost\":\"0.25\",\"zeroDataRetentionCost\":\"0.25\"") "}",
         "7.25", NULL, NULL, -1},
        {"{" USAGE("\"cost\":4") "}", "4", NULL, NULL, -1},
        {"{" USAGE("\"surcharge_cost\":4") "}", NULL, NULL, NULL, -1},
        {"{" USAGE("\"prompt_tokens\":4") "}", NULL, NULL, NULL, -1},
        {"{}", NULL, NULL, NULL, -1},
        /* One's own key: the vendor's bill beside the gateway's. */
        {"{" USAGE("\"cost\":0,\"surcharge_cost\":0.1,\"is_byok\":true,\"market_cost\":2") "}",
         "0.1", "2", "2", 1},
        {"{" USAGE("\"cost\":0.05,\"is_byok\":true,\"cost_details\":{\"upstream_inference_cost\":"
                   "1}") "}",
         "0.05", "1", NULL, 1},
        {"{" USAGE("\"is_byok\":true,\"cost_details\":{\"upstream_inference_cost\":1}") "}", NULL,
         "1", NULL, 1},
        {"{" USAGE(
             "\"cost\":1,\"is_byok\":false,\"cost_details\":{\"upstream_inference_cost\":1}") "}",
         "1", NULL, NULL, 0},
        /* A sum that cannot be held is not known. */
        {"{" USAGE("\"cost\":1e23,\"surcharge_cost\":1e23") "}", NULL, NULL, NULL, -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer *answer = read_json(cases[i].json);
        struct ledger_row row;

        memset(&row, 0, sizeof(row));
        answer_costs(answer, &row);
        if (!money_is(row.billed, cases[i].billed) || row.byok != cases[i].byok ||
            !money_is(row.upstream_cost, cases[i].upstream) ||
            !money_is(row.market, cases[i].market))
            fail_msg("case %s", cases[i].json);
        assert_false(answer->cost_unreadable);
        free_answer(answer);
    }
}

#define ATTEMPT(type, success) "{\"credentialType\":\"" type "\",\"success\":" success "}"
#define MODEL(success, attempts) "{\"success\":" success ",\"providerAttempts\":[" attempts "]}"
#define ROUTING(models) META("\"routing\":{\"modelAttempts\":[" models "]}")

static void whose_key_paid_is_told_by_the_attempt_that_succeeded(void **state)
{
    static const struct {
        const char *json;
        int byok;
    } cases[] = {
        {"{" ROUTING(MODEL("true", ATTEMPT("byok", "true"))) "}", 1},
        {"{" ROUTING(MODEL("true", ATTEMPT("system", "true"))) "}", 0},
        {"{" ROUTING(MODEL("true", ATTEMPT("byok", "false") "," ATTEMPT("system", "true"))) "}", 0},
        {"{" ROUTING(MODEL("false", ATTEMPT("system", "true")) "," MODEL(
             "true", ATTEMPT("byok", "true"))) "}",
         1},
        {"{" ROUTING(MODEL("true", ATTEMPT("byok", "false"))) "}", -1},
        {"{" ROUTING(MODEL("1", ATTEMPT("byok", "true"))) "}", -1},
        {"{" META("\"routing\":{\"attempts\":[" ATTEMPT("byok", "true") "]}") "}", 1},
        {"{" META("\"routing\":{\"modelAttempts\":{}}") "}", -1},
        {"{" META("\"routing\":[]") "}", -1},
        /* usage, where it says so, ranks above. */
        {"{" USAGE("\"is_byok\":false") "," ROUTING(MODEL("true", ATTEMPT("byok", "true"))) "}", 0},
        {"{" USAGE("\"is_byok\":null") "," ROUTING(MODEL("true", ATTEMPT("byok", "true"))) "}", 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer *answer = read_json(cases[i].json);

        if (answer->byok != cases[i].byok)
            fail_msg("case %s", cases[i].json);
        free_answer(answer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_count_is_found_in_its_place),
        cmocka_unit_test(cache_writes_are_found_under_every_name),
        cmocka_unit_test(a_count_that_is_none_is_absent_and_flagged),
        cmocka_unit_test(modalities_and_deepseeks_cache_are_counted),
        cmocka_unit_test(a_configured_path_tells_the_cost_in_its_unit),
        cmocka_unit_test(what_metadata_and_usage_say_are_two_observations),
        cmocka_unit_test(the_last_usage_counts_as_a_whole),
        cmocka_unit_test(costs_are_decimal_text_in_any_spelling),
        cmocka_unit_test(gateway_metadata_is_found_in_every_place_and_spelling),
        cmocka_unit_test(what_is_billed_follows_the_order_of_reports),
        cmocka_unit_test(whose_key_paid_is_told_by_the_attempt_that_succeeded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
