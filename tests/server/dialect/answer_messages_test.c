/* Anthropic's Messages: facts, completeness and replays of bodies and streams, as both vendors
 * write them. */
#include "tests/server/dialect/answer_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define API API_MESSAGES

static void assert_replay(bool event, const char *text, const char *expected)
{
    char *out = replay_as(API, event, text);

    assert_string_equal(out, expected);
    free(out);
}

#define TEXT_BLOCK "{\"type\":\"text\",\"text\":\"Hi\"}"
#define TOOL_BLOCK                                                                                 \
    "{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"f\",\"input\":{\"id\":\"x\",\"usage\":{" \
    "\"a\":1},\"provider_metadata\":{\"gateway\":{\"cost\":\"1\"}}}}"

/* --- bodies --- */

#define VERCEL(id, in, out, read, written, cost)                                                   \
    "{\"id\":\"" id "\",\"type\":\"message\",\"role\":\"assistant\",\"model\":"                    \
    "\"anthropic/claude-haiku-4.5\",\"content\":[" TEXT_BLOCK "," TOOL_BLOCK                       \
    "],\"stop_reason\":\"tool_use\",\"stop_sequence\":null,\"usage\":{\"input_tokens\":" in        \
    ",\"output_tokens\":" out ",\"cache_read_input_tokens\":" read                                 \
    ",\"cache_creation_input_tokens\":" written                                                    \
    "},\"provider_metadata\":{\"anthropic\":{\"cost\":5},\"gateway\":{\"routing\":{"               \
    "\"finalProvider\":\"bedrock\"},\"cost\":\"" cost "\",\"marketCost\":\"" cost                  \
    "\",\"gatewayCost\":\"" cost "\",\"generationId\":\"" id "\"}}}"

static void vercel_body_counts_the_cache_beside_its_input(void **state)
{
    static const char body[] = VERCEL("gen_1", "13", "4", "18909", "7", "0.0019239");
    struct answer *answer = body_as(API, body);

    (void)state;
    assert_string_equal(answer->id, "gen_1");
    assert_string_equal(answer->model, "anthropic/claude-haiku-4.5");
    assert_string_equal(answer->provider, "bedrock");
    assert_string_equal(answer->finish_reason, "tool_use");
    assert_string_equal(answer->native_finish_reason, "");
    assert_int_equal(answer->usage.prompt_tokens, 13);
    assert_int_equal(answer->usage.completion_tokens, 4);
    assert_int_equal(answer->usage.cached_tokens, 18909);
    assert_int_equal(answer->usage.cache_write_tokens, 7);
    assert_int_equal(answer->usage.cache_write_1h_tokens, USAGE_ABSENT);
    assert_true(answer->usage.exclusive);
    assert_true(booked_are(answer, "0.0019239", NULL, "0.0019239"));
    assert_true(answer_is_storable(answer, false));
    assert_false(answer_is_storable(answer, true));
    free_answer(answer);
    assert_replay(false, body, VERCEL(STAMP_ID, "0", "0", "0", "0", "0"));
}

#define OPENROUTER(id, n, m, cost, metadata)                                                       \
    "{\"id\":\"" id "\",\"type\":\"message\",\"model\":\"acme/m-1\",\"provider\":\"Acme\","        \
    "\"content\":[" TEXT_BLOCK "],\"stop_reason\":\"max_tokens\",\"container\":{\"id\":\"c\","     \
    "\"expires_at\":\"2026\"},\"usage\":{\"input_tokens\":" n ",\"output_tokens\":" n              \
    ",\"cache_creation_input_tokens\":" m ",\"cache_read_input_tokens\":null,"                     \
    "\"cache_creation\":{\"ephemeral_5m_input_tokens\":" n ",\"ephemeral_1h_input_tokens\":" m     \
    "},\"output_tokens_details\":{\"thinking_tokens\":" n "},\"server_tool_use\":{"                \
    "\"web_search_requests\":" m ",\"web_fetch_requests\":0},\"service_tier\":\"standard\","       \
    "\"inference_geo\":\"us\",\"iterations\":[{\"input_tokens\":" n "}],\"cost\":" cost            \
    ",\"is_byok\":true,\"cost_details\":{\"upstream_inference_cost\":" cost "}}" metadata "}"

static void openrouter_body_has_its_cost_in_usage(void **state)
{
    static const char body[] =
        OPENROUTER("gen-1-A", "5", "3", "9e-7", ",\"openrouter_metadata\":{\"attempt\":1}");
    struct answer *answer = body_as(API, body);

    (void)state;
    assert_string_equal(answer->id, "gen-1-A");
    assert_string_equal(answer->provider, "Acme");
    assert_string_equal(answer->finish_reason, "max_tokens");
    assert_string_equal(answer->service_tier, "standard");
    assert_int_equal(answer->usage.prompt_tokens, 5);
    assert_int_equal(answer->usage.cached_tokens, USAGE_ABSENT);
    assert_int_equal(answer->usage.cache_write_tokens, 3);
    assert_int_equal(answer->usage.cache_write_1h_tokens, 3);
    assert_int_equal(answer->usage.reasoning_tokens, 5);
    assert_int_equal(answer->usage.web_searches, 3);
    assert_true(booked_are(answer, "0.0000009", "0.0000009", NULL));
    assert_int_equal(answer->byok, 1);
    assert_true(answer_is_storable(answer, false));
    free_answer(answer);
    assert_replay(false, body, OPENROUTER(STAMP_ID, "0", "0", "0", ""));
}

static void only_whole_good_bodies_are_storable(void **state)
{
    static const struct {
        const char *body;
        bool storable, error, unreadable;
    } cases[] = {
        {"{\"content\":[" TEXT_BLOCK "],\"stop_reason\":\"end_turn\"}", true, false, false},
        {"{\"content\":[" TEXT_BLOCK "],\"stop_reason\":\"refusal\"}", true, false, false},
        {"{\"content\":[" TEXT_BLOCK "],\"stop_reason\":\"end_turn\",\"error\":null}", true, false,
         false},
        {"{\"content\":[" TEXT_BLOCK "],\"stop_reason\":null}", false, false, false},
        {"{\"content\":[" TEXT_BLOCK "],\"stop_reason\":\"\"}", false, false, false},
        {"{\"content\":[" TEXT_BLOCK "],\"stop_reason\":3}", false, false, true},
        {"{\"content\":[" TEXT_BLOCK "],\"stop_reason\":\"error\"}", false, true, false},
        {"{\"content\":[" TEXT_BLOCK "]}", false, false, false},
        {"{\"content\":[],\"stop_reason\":\"end_turn\"}", false, false, false},
        {"{\"content\":\"text\",\"stop_reason\":\"end_turn\"}", false, false, false},
        {"{\"content\":[" TEXT_BLOCK "],\"stop_reason\":\"end_turn\",\"error\":{}}", false, true,
         false},
        {"{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"},\"request_id\":\"gen-1\"}",
         false, true, false},
        {"[]", false, false, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer *answer = body_as(API, cases[i].body);

        if (answer_is_storable(answer, false) != cases[i].storable ||
            answer->has_error != cases[i].error || answer->unreadable != cases[i].unreadable)
            fail_msg("case %zu: %s", i, cases[i].body);
        assert_false(answer_is_storable(answer, true));
        free_answer(answer);
    }
}

/* --- streams --- */

#define START(id, in, out, read, tail)                                                             \
    "{\"type\":\"message_start\",\"message\":{\"id\":\"" id                                        \
    "\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"acme/m-1\",\"content\":[],"        \
    "\"stop_reason\":null,\"usage\":{\"input_tokens\":" in                                         \
    ",\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":" read                         \
    ",\"output_tokens\":" out ",\"service_tier\":\"standard\"}}" tail "}"
#define BLOCK(block) "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":" block "}"
#define TEXT_DELTA                                                                                 \
    "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":"   \
    "\"usage\"}}"
#define BLOCK_STOP "{\"type\":\"content_block_stop\",\"index\":0}"
#define PING "{\"type\":\"ping\"}"
#define END(reason, usage, tail)                                                                   \
    "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":" reason                               \
    ",\"stop_sequence\":null},\"usage\":" usage tail "}"
#define STOP "{\"type\":\"message_stop\"}"
#define GATEWAY(id, cost)                                                                          \
    ",\"provider_metadata\":{\"gateway\":{\"routing\":{\"finalProvider\":\"zai\",\"n\":5},"        \
    "\"cost\":\"" cost "\",\"generationId\":\"" id "\"}}"

static void vercel_stream_has_its_metadata_beside_the_last_delta(void **state)
{
    static const struct {
        const char *event, *replay;
    } cases[] = {
        {START("gen_1", "13", "1", "7", ""), START(STAMP_ID, "0", "0", "0", "")},
        {PING, PING},
        {BLOCK(TOOL_BLOCK), BLOCK(TOOL_BLOCK)},
        {TEXT_DELTA, TEXT_DELTA},
        {BLOCK_STOP, BLOCK_STOP},
        {END("\"end_turn\"", "{\"output_tokens\":40}", GATEWAY("gen_1", "0.5")),
         END("\"end_turn\"", "{\"output_tokens\":0}", GATEWAY(STAMP_ID, "0"))},
        {STOP, STOP},
    };
    struct answer *answer = new_answer_as(API);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_replay(true, cases[i].event, cases[i].replay);
        assert_false(answer_is_storable(answer, true));
        answer_read_event(answer, cases[i].event, strlen(cases[i].event));
    }
    assert_true(answer->has_end);
    assert_true(answer_is_storable(answer, true));
    assert_string_equal(answer->id, "gen_1");
    assert_string_equal(answer->model, "acme/m-1");
    assert_string_equal(answer->provider, "zai");
    assert_string_equal(answer->finish_reason, "end_turn");
    assert_string_equal(answer->service_tier, "standard");
    assert_int_equal(answer->usage.prompt_tokens, 13);
    assert_int_equal(answer->usage.cached_tokens, 7);
    assert_int_equal(answer->usage.completion_tokens, 40);
    assert_true(answer->usage.exclusive);
    assert_true(booked_are(answer, "0.5", NULL, NULL));
    free_answer(answer);
}

static void openrouter_stream_names_its_provider_and_maybe_its_cost(void **state)
{
#define METADATA ",\"openrouter_metadata\":{\"attempt\":1}"
    static const char *const events[] = {
        START("gen-1-A", "5", "1", "null", ",\"provider\":\"Acme\""),
        BLOCK(TEXT_BLOCK),
        END("\"tool_use\"",
            "{\"output_tokens\":4,\"cost\":0.25,\"is_byok\":true,\"cost_details\":{"
            "\"upstream_inference_cost\":5}}",
            ""),
        "{\"type\":\"message_stop\"" METADATA "}",
    };
    struct answer *answer = stream_as(API, events, 4);

    (void)state;
    assert_string_equal(answer->provider, "Acme");
    assert_string_equal(answer->finish_reason, "tool_use");
    assert_true(booked_are(answer, "0.25", "5", NULL));
    assert_true(answer_is_storable(answer, true));
    free_answer(answer);
    assert_replay(true, events[2],
                  END("\"tool_use\"",
                      "{\"output_tokens\":0,\"cost\":0,\"is_byok\":true,\"cost_details\":{"
                      "\"upstream_inference_cost\":0}}",
                      ""));
    assert_replay(true, events[3], STOP);
}

static void what_the_delta_says_of_usage_replaces_and_the_rest_stays(void **state)
{
    static const struct {
        const char *usage;
        int64_t in, out, read, thinking;
    } cases[] = {
        {"{\"output_tokens\":40}", 13, 40, 7, USAGE_ABSENT},
        {"{\"output_tokens\":40,\"input_tokens\":20}", 20, 40, 7, USAGE_ABSENT},
        {"{\"output_tokens\":40,\"input_tokens\":0,\"cache_read_input_tokens\":20}", 0, 40, 20,
         USAGE_ABSENT},
        {"{\"output_tokens\":40,\"input_tokens\":null,\"cache_read_input_tokens\":null}", 13, 40, 7,
         USAGE_ABSENT},
        {"{\"output_tokens\":40,\"output_tokens_details\":{\"thinking_tokens\":30}}", 13, 40, 7,
         30},
        {"{}", 13, 1, 7, USAGE_ABSENT},
        {"null", 13, 1, 7, USAGE_ABSENT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer *answer = new_answer_as(API);
        char event[256];

        snprintf(event, sizeof(event), "{\"type\":\"message_delta\",\"delta\":{},\"usage\":%s}",
                 cases[i].usage);
        answer_read_event(answer, START("g", "13", "1", "7", ""),
                          sizeof(START("g", "13", "1", "7", "")) - 1);
        answer_read_event(answer, event, strlen(event));
        if (answer->usage.prompt_tokens != cases[i].in ||
            answer->usage.completion_tokens != cases[i].out ||
            answer->usage.cached_tokens != cases[i].read ||
            answer->usage.reasoning_tokens != cases[i].thinking)
            fail_msg("case %s", cases[i].usage);
        assert_true(answer->usage.exclusive);
        assert_false(answer->usage_unreadable);
        free_answer(answer);
    }
}

/* Costs that only the first event told are not forgotten for the last one. */
static void costs_of_both_ends_are_kept(void **state)
{
    static const char *const events[] = {
        ("{\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":1,\"cost\":0.5,"
         "\"is_byok\":true,\"cost_details\":{\"upstream_inference_cost\":2}}}}"),
        "{\"type\":\"message_delta\",\"usage\":{\"output_tokens\":1}}",
        "{\"type\":\"message_delta\",\"usage\":{\"cost\":0.75,\"is_byok\":false}}",
    };
    struct answer *answer = stream_as(API, events, 2);

    (void)state;
    assert_true(booked_are(answer, "0.5", "2", NULL));
    answer_read_event(answer, events[2], strlen(events[2]));
    assert_true(booked_are(answer, "0.75", NULL, NULL));
    assert_int_equal(answer->usage.prompt_tokens, 1);
    free_answer(answer);
}

#define COST(cost) ":{\"gateway\":{\"cost\":\"" cost "\"}}"
#define IN_DELTA(cost) "{\"type\":\"message_delta\",\"delta\":{\"providerMetadata\"" COST(cost) "}}"
#define IN_MESSAGE(cost)                                                                           \
    "{\"type\":\"message_start\",\"message\":{\"provider_metadata\"" COST(cost) "}}"
#define AT_END(cost) "{\"type\":\"message_stop\",\"provider_metadata\"" COST(cost) "}"

static void metadata_may_stand_elsewhere_too(void **state)
{
    static const struct {
        const char *event, *replay;
    } cases[] = {
        {IN_DELTA("0.5"), IN_DELTA("0")},
        {IN_MESSAGE("0.5"), IN_MESSAGE("0")},
        {AT_END("0.5"), AT_END("0")},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer *answer = stream_as(API, &cases[i].event, 1);

        assert_true(booked_are(answer, "0.5", NULL, NULL));
        free_answer(answer);
        assert_replay(true, cases[i].event, cases[i].replay);
    }
}

#define BEGUN START("g", "1", "1", "0", "")
#define OVER END("\"end_turn\"", "{\"output_tokens\":1}", "")

static void only_whole_good_streams_are_storable(void **state)
{
    static const struct {
        const char *events[6];
        bool storable, end, error;
    } cases[] = {
        {{BEGUN, BLOCK(TEXT_BLOCK), TEXT_DELTA, BLOCK_STOP, OVER, STOP}, true, true, false},
        {{BEGUN, BLOCK(TEXT_BLOCK), OVER, STOP, "[DONE]"}, true, true, false},
        {{BEGUN, BLOCK(TEXT_BLOCK), OVER, "[DONE]"}, false, false, false},
        {{BEGUN, BLOCK(TEXT_BLOCK), OVER}, false, false, false},
        {{BEGUN, BLOCK(TEXT_BLOCK), STOP}, false, true, false},
        {{BEGUN, BLOCK(TEXT_BLOCK), END("null", "{}", ""), STOP}, false, true, false},
        {{BEGUN, OVER, STOP}, false, true, false}, /* nothing was said */
        {{BEGUN, BLOCK(TEXT_BLOCK), "{\"type\":\"error\",\"error\":{\"type\":\"api_error\"}}"},
         false,
         false,
         true},
        {{BEGUN, BLOCK(TEXT_BLOCK), OVER, STOP, "{\"type\":\"error\"}"}, false, true, true},
        {{BEGUN, BLOCK(TEXT_BLOCK), "{\"error\":\"flat\"}", OVER, STOP}, false, true, true},
        {{BEGUN, BLOCK(TEXT_BLOCK), "x", OVER, STOP}, false, true, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer *answer = stream_as(API, cases[i].events, 6);

        if (answer_is_storable(answer, true) != cases[i].storable ||
            answer->has_end != cases[i].end || answer->has_error != cases[i].error)
            fail_msg("case %zu", i);
        free_answer(answer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vercel_body_counts_the_cache_beside_its_input),
        cmocka_unit_test(openrouter_body_has_its_cost_in_usage),
        cmocka_unit_test(only_whole_good_bodies_are_storable),
        cmocka_unit_test(vercel_stream_has_its_metadata_beside_the_last_delta),
        cmocka_unit_test(openrouter_stream_names_its_provider_and_maybe_its_cost),
        cmocka_unit_test(what_the_delta_says_of_usage_replaces_and_the_rest_stays),
        cmocka_unit_test(costs_of_both_ends_are_kept),
        cmocka_unit_test(metadata_may_stand_elsewhere_too),
        cmocka_unit_test(only_whole_good_streams_are_storable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
