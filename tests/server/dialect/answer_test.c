/* Facts, completeness and costs learnt from upstream answers. */
#include "tests/server/dialect/answer_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define FINISHED "\"choices\":[{\"index\":0,\"finish_reason\":\"stop\",\"message\":{}}]"

static struct answer *read_body(const char *body)
{
    return body_as(API_CHAT, body);
}

static struct answer *read_events(const char *const *events, size_t count)
{
    return stream_as(API_CHAT, events, count);
}

/* expected NULL: not known. */
static void assert_money(struct maybe_money got, const char *expected)
{
    assert_true(money_is(got, expected));
}

static void feed(void *arg, const char *payload, size_t len)
{
    answer_read_event(arg, payload, len);
}

static struct answer *read_recorded_stream(const char *path)
{
    struct answer *answer = new_answer();
    size_t len;
    char *stream = read_file(path, &len);

    assert_true(each_event(stream, feed, answer) > 1);
    free(stream);
    return answer;
}

static struct answer *read_recorded_body(const char *path)
{
    struct answer *answer = new_answer();
    size_t len, body_len;
    char *text = read_file(path, &len);
    const char *body = recorded_body(text, len, &body_len);

    answer_read_body(answer, body, body_len);
    free(text);
    return answer;
}

/* --- recorded --- */

static void recorded_vercel_stream_is_understood(void **state)
{
    struct answer *answer =
        read_recorded_stream(TESTS_DIR "/data/wire/vercel-chat-stream.response.sse");
    struct ledger_row row;

    (void)state;
    memset(&row, 0, sizeof(row));
    assert_string_equal(answer->id, "gen_01M3RJQ2GXYP8F188NH5K17ED5");
    assert_string_equal(answer->model, "openai/gpt-4.1-nano");
    assert_string_equal(answer->provider, "openai");
    assert_string_equal(answer->finish_reason, "stop");
    assert_string_equal(answer->service_tier, "default");
    assert_int_equal(answer->events, 4);
    assert_int_equal(answer->usage.prompt_tokens, 20);
    assert_int_equal(answer->usage.completion_tokens, 3);
    assert_int_equal(answer->usage.cached_tokens, 0);
    assert_int_equal(answer->usage.cache_write_tokens, 0);
    assert_int_equal(answer->usage.web_searches, USAGE_ABSENT);
    assert_false(answer->usage.exclusive);
    assert_money(answer->cost, "0.0000032");
    assert_money(answer->gateway_cost, "0.0000032");
    assert_money(answer->surcharge_cost, NULL);
    assert_money(answer->upstream_inference_cost, NULL);
    assert_money(answer->meta_cost, "0.0000032");
    assert_money(answer->meta_market_cost, "0.0000032");
    assert_money(answer->meta_surcharge_cost, "0");
    assert_int_equal(answer->byok, 0);
    assert_true(answer_is_storable(answer, true));
    assert_false(answer->cost_unreadable);
    assert_false(answer->usage_unreadable);
    answer_costs(answer, &row);
    assert_money(row.billed, "0.0000032");
    assert_money(row.market, "0.0000032");
    assert_money(row.upstream_cost, NULL);
    assert_int_equal(row.byok, 0);
    free_answer(answer);
}

static void recorded_openrouter_stream_keeps_its_last_usage(void **state)
{
    struct answer *answer =
        read_recorded_stream(TESTS_DIR "/data/wire/openrouter-chat-stream.response.sse");
    struct ledger_row row;

    (void)state;
    memset(&row, 0, sizeof(row));
    assert_string_equal(answer->id, "gen-1762064096-m5VxL2xrxOREwashCey6");
    assert_string_equal(answer->provider, "xAI");
    assert_int_equal(answer->usage.prompt_tokens, 687);
    assert_int_equal(answer->usage.cached_tokens, 679);
    assert_int_equal(answer->usage.reasoning_tokens, 118);
    assert_true(answer_is_storable(answer, true));
    answer_costs(answer, &row);
    assert_money(row.billed, "0.00333825");
    assert_money(row.market, NULL);
    free_answer(answer);
}

static void recorded_prompt_cache_write_is_counted(void **state)
{
    struct answer *answer =
        read_recorded_body(TESTS_DIR "/data/wire/openrouter-chat-prompt-cache.response.json");
    struct ledger_row row;

    (void)state;
    memset(&row, 0, sizeof(row));
    assert_string_equal(answer->model, "anthropic/claude-4.6-sonnet-20260217");
    assert_string_equal(answer->provider, "Anthropic");
    assert_string_equal(answer->finish_reason, "length");
    assert_int_equal(answer->usage.prompt_tokens, 3214);
    assert_int_equal(answer->usage.cache_write_tokens, 3211);
    assert_true(answer_is_storable(answer, false));
    assert_false(answer_is_storable(answer, true));
    answer_costs(answer, &row);
    assert_money(row.billed, "0.01355025");
    /* Without a key of one's own the vendor bills nothing besides, whatever is reported. */
    assert_money(answer->upstream_inference_cost, "0.01355025");
    assert_money(row.upstream_cost, NULL);
    free_answer(answer);
}

static void recorded_tool_call_is_storable_and_its_cost_unknown(void **state)
{
    struct answer *answer =
        read_recorded_body(TESTS_DIR "/data/wire/openrouter-chat-tool-call.response.json");
    struct ledger_row row;

    (void)state;
    memset(&row, 0xff, sizeof(row));
    assert_string_equal(answer->id, "gen-1762047030-dJUcJW4ildNGqK4UV6iJ");
    assert_string_equal(answer->finish_reason, "tool_calls");
    assert_int_equal(answer->usage.cached_tokens, USAGE_ABSENT);
    assert_int_equal(answer->byok, -1);
    assert_true(answer_is_storable(answer, false));
    answer_costs(answer, &row);
    assert_money(row.billed, NULL);
    assert_money(row.market, NULL);
    assert_money(row.upstream_cost, NULL);
    assert_int_equal(row.byok, -1);
    free_answer(answer);
}

static void recorded_error_beside_choices_is_never_stored(void **state)
{
    struct answer *answer =
        read_recorded_stream(TESTS_DIR "/data/wire/openrouter-chat-stream-error.response.sse");

    (void)state;
    assert_true(answer->has_error);
    assert_true(answer->has_end);
    assert_true(answer->has_choices);
    assert_string_equal(answer->finish_reason, "length");
    assert_money(answer->cost, "0");
    assert_false(answer_is_storable(answer, true));
    free_answer(answer);
}

static void recorded_refusal_is_an_error(void **state)
{
    struct answer *answer =
        read_recorded_body(TESTS_DIR "/data/wire/openrouter-chat-429.response.json");

    (void)state;
    assert_true(answer->has_error);
    assert_false(answer->has_choices);
    assert_false(answer->unreadable);
    assert_false(answer_is_storable(answer, false));
    free_answer(answer);
}

/* --- completeness: design law 4 --- */

static void only_whole_good_bodies_are_storable(void **state)
{
    static const struct {
        const char *body;
        bool storable, error, unreadable;
    } cases[] = {
        {"{" FINISHED "}", true, false, false},
        {"{" FINISHED ",\"error\":null}", true, false, false},
        {"{" FINISHED ",\"error\":{\"code\":1}}", false, true, false},
        {"{" FINISHED ",\"error\":\"text\"}", false, true, false},
        {"{\"error\":\"flat\",\"type\":\"x\",\"statusCode\":400}", false, true, false},
        {"{\"choices\":[]}", false, false, false},
        {"{\"choices\":null}", false, false, false},
        {"{}", false, false, false},
        {"{\"choices\":{}}", false, false, true},
        {"{\"choices\":[1]}", false, false, true},
        {"{\"choices\":[{}]}", false, false, false},
        {"{\"choices\":[{\"finish_reason\":null}]}", false, false, false},
        {"{\"choices\":[{\"finish_reason\":\"\"}]}", false, false, false},
        {"{\"choices\":[{\"finish_reason\":1}]}", false, false, true},
        {"{\"choices\":[{\"finish_reason\":\"error\"}]}", false, true, false},
        {"{\"choices\":[{\"finish_reason\":\"stop\",\"error\":{}}]}", false, true, false},
        {"{\"choices\":[{\"finish_reason\":\"stop\",\"error\":null}]}", true, false, false},
        {"{\"choices\":[{\"finish_reason\":\"stop\"},{\"finish_reason\":null}]}", false, false,
         false},
        {"{\"choices\":[{\"finish_reason\":\"stop\",\"index\":0},{\"index\":0}]}", false, false,
         false},
        {"{\"choices\":[{\"finish_reason\":\"stop\"},{\"finish_reason\":\"error\",\"index\":1}]}",
         false, true, false},
        {"{\"choices\":[{\"finish_reason\":\"stop\",\"index\":-1}]}", false, false, true},
        {"{\"choices\":[{\"finish_reason\":\"stop\",\"index\":128}]}", false, false, true},
        {"[{" FINISHED "}]", false, false, true},
        {"{" FINISHED, false, false, true},
        {"{" FINISHED "}x", false, false, true},
        {"<html>", false, false, true},
        {"", false, false, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer *answer = read_body(cases[i].body);

        if (answer_is_storable(answer, false) != cases[i].storable ||
            answer->has_error != cases[i].error || answer->unreadable != cases[i].unreadable)
            fail_msg("case %zu: %s", i, cases[i].body);
        assert_false(answer_is_storable(answer, true)); /* no body is a whole stream */
        free_answer(answer);
    }
}

#define CHUNK(index, reason)                                                                       \
    "{\"id\":\"gen_1\",\"choices\":[{\"index\":" #index ",\"delta\":{},\"finish_reason\":" reason  \
    "}]}"

static void only_whole_good_streams_are_storable(void **state)
{
    static const struct {
        const char *events[6];
        bool storable;
    } cases[] = {
        {{CHUNK(0, "null"), CHUNK(0, "\"stop\""), "[DONE]"}, true},
        {{CHUNK(0, "\"stop\""), " [DONE] "}, true},
        {{CHUNK(0, "\"stop\""), CHUNK(0, "null"), "[DONE]"}, true}, /* repeated, then usage */
        {{"{\"choices\":[]}", CHUNK(0, "\"stop\""), "{\"choices\":[]}", "[DONE]"}, true},
        {{CHUNK(0, "null"), "[DONE]"}, false},
        {{CHUNK(0, "\"stop\"")}, false},
        {{"[DONE]"}, false},
        {{"{\"choices\":[]}", "[DONE]"}, false},
        {{CHUNK(0, "\"stop\""), "[done]", "[DONE]"}, false},
        {{CHUNK(0, "\"stop\""), "{\"error\":{\"message\":\"x\"}}", "[DONE]"}, false},
        {{CHUNK(0, "\"stop\""), "[DONE]", "{\"error\":\"late\"}"}, false},
        {{CHUNK(0, "\"error\""), "[DONE]"}, false},
        {{CHUNK(0, "\"stop\""), CHUNK(1, "null"), "[DONE]"}, false},
        {{CHUNK(0, "null"), CHUNK(1, "\"stop\""), CHUNK(0, "\"stop\""), "[DONE]"}, true},
        {{CHUNK(127, "\"stop\""), "[DONE]"}, true},
        {{CHUNK(127, "null"), CHUNK(63, "\"stop\""), "[DONE]"}, false},
        {{CHUNK(128, "\"stop\""), "[DONE]"}, false},
        {{CHUNK(1.5, "\"stop\""), "[DONE]"}, false},
        {{CHUNK(0, "\"stop\""), "", "[DONE]"}, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer *answer = read_events(cases[i].events, 6);

        if (answer_is_storable(answer, true) != cases[i].storable)
            fail_msg("case %zu", i);
        free_answer(answer);
    }
}

/* Vercel's frame after a failure in the middle: no choices, no cost, status long sent. */
static void error_frame_ends_in_error_without_cost(void **state)
{
    static const char *const events[] = {
        CHUNK(0, "null"),
        "{\"id\":\"gen_1\",\"object\":\"chat.completion.chunk\",\"created\":1785600000,\"model\":"
        "\"alibaba/qwen-3-14b\",\"error\":{\"code\":\"error\",\"message\":\"Stream error "
        "occurred\",\"value\":{\"error_message\":\"{\\\"error\\\":1}\"}}}",
        "[DONE]",
    };
    struct answer *answer = read_events(events, 3);
    struct ledger_row row;

    (void)state;
    memset(&row, 0, sizeof(row));
    assert_true(answer->has_error);
    assert_false(answer->unreadable);
    assert_string_equal(answer->id, "gen_1");
    assert_string_equal(answer->model, "alibaba/qwen-3-14b");
    assert_int_equal(answer->events, 2);
    assert_false(answer_is_storable(answer, true));
    answer_costs(answer, &row);
    assert_money(row.billed, NULL);
    free_answer(answer);
}

/* --- names --- */

static void finish_reason_is_the_first_choices_own(void **state)
{
    static const char *const events[] = {CHUNK(1, "\"length\""), CHUNK(0, "\"stop\""),
                                         CHUNK(1, "\"length\""), CHUNK(0, "null")};
    struct answer *answer = read_events(events, 1);

    (void)state;
    assert_string_equal(answer->finish_reason, "length"); /* better than nothing */
    free_answer(answer);
    answer = read_events(events, 4);
    assert_string_equal(answer->finish_reason, "stop");
    free_answer(answer);
}

static void native_finish_reason_is_of_the_same_choice(void **state)
{
    static const char *const events[] = {
        "{\"choices\":[{\"index\":1,\"finish_reason\":\"length\",\"native_finish_reason\":"
        "\"MAX\"}]}",
        "{\"choices\":[{\"index\":0,\"finish_reason\":\"stop\",\"native_finish_reason\":"
        "\"end_turn\"}]}",
        "{\"choices\":[{\"index\":1,\"finish_reason\":\"length\",\"native_finish_reason\":"
        "\"MAX\"}]}",
        "{\"choices\":[{\"index\":0,\"finish_reason\":\"stop\",\"native_finish_reason\":null}]}",
        "{\"choices\":[{\"index\":0,\"finish_reason\":null,\"native_finish_reason\":\"x\"}]}",
    };
    struct answer *answer = read_events(events, 1);

    (void)state;
    assert_string_equal(answer->native_finish_reason, "MAX");
    free_answer(answer);
    answer = read_events(events, 5);
    assert_string_equal(answer->native_finish_reason, "end_turn");
    free_answer(answer);
    answer =
        read_body("{\"choices\":[{\"index\":1,\"finish_reason\":\"length\","
                  "\"native_finish_reason\":\"MAX\"},{\"index\":0,\"finish_reason\":\"stop\"}]}");
    assert_string_equal(answer->finish_reason, "stop");
    assert_string_equal(answer->native_finish_reason, "");
    free_answer(answer);
}

/* The older API: text instead of a message, all else alike. */
static void text_completions_are_read_like_chat(void **state)
{
    static const char *const events[] = {
        "{\"id\":\"gen-1\",\"object\":\"text_completion\",\"created\":1,\"model\":\"acme/m-1\","
        "\"choices\":[{\"index\":0,\"text\":\"Hi\",\"finish_reason\":null}]}",
        "{\"id\":\"gen-1\",\"created\":1,\"choices\":[{\"index\":0,\"text\":\"\","
        "\"finish_reason\":\"length\",\"native_finish_reason\":\"MAX\"}],\"usage\":{"
        "\"prompt_tokens\":5,\"cost\":0.5}}",
        "[DONE]",
    };
    struct answer *answer = stream_as(API_COMPLETIONS, events, 3);
    char *replay = replay_as(API_COMPLETIONS, true, events[1]);

    (void)state;
    assert_string_equal(answer->id, "gen-1");
    assert_string_equal(answer->model, "acme/m-1");
    assert_string_equal(answer->finish_reason, "length");
    assert_string_equal(answer->native_finish_reason, "MAX");
    assert_int_equal(answer->usage.prompt_tokens, 5);
    assert_true(booked_are(answer, "0.5", NULL, NULL));
    assert_true(answer->has_end);
    assert_true(answer_is_storable(answer, true));
    assert_string_equal(replay, "{\"id\":\"" STAMP_ID "\",\"created\":" STAMP_CREATED
                                ",\"choices\":[{\"index\":0,\"text\":\"\",\"finish_reason\":"
                                "\"length\",\"native_finish_reason\":\"MAX\"}],\"usage\":{"
                                "\"prompt_tokens\":0,\"cost\":0}}");
    free(replay);
    free_answer(answer);
}

static void id_is_whole_and_fit_for_a_header_or_not_taken(void **state)
{
    char longest[ROW_ID_MAX + 1], longer[ROW_ID_MAX + 2];
    const struct {
        const char *id, *expected;
    } cases[] = {
        {"gen_1", "gen_1"},
        {"chatcmpl-A.b:c/d", "chatcmpl-A.b:c/d"},
        {"", ""},
        {"a b", ""},
        {"a\\r\\nb: c", ""},
        {"a\\u0000b", ""},
        {"\xc3\xa9", ""},
        {"a\\\"b", ""},
        {"g\\u0065n", "gen"},
        {longest, longest},
        {longer, ""},
    };

    (void)state;
    memset(longest, 'x', sizeof(longest));
    longest[ROW_ID_MAX] = '\0';
    memset(longer, 'x', sizeof(longer));
    longer[ROW_ID_MAX + 1] = '\0';
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char body[512];
        struct answer *answer;

        snprintf(body, sizeof(body), "{\"id\":\"%s\"}", cases[i].id);
        answer = read_body(body);
        assert_string_equal(answer->id, cases[i].expected);
        free_answer(answer);
    }
}

static void generation_id_stands_in_for_a_missing_id(void **state)
{
    static const struct {
        const char *body, *id;
    } cases[] = {
        {"{\"generationId\":\"gen_2\",\"id\":\"gen_1\"}", "gen_1"},
        {"{\"error\":{},\"generationId\":\"gen_2\"}", "gen_2"},
        {"{\"id\":7,\"generationId\":\"gen_2\"}", "gen_2"},
        {"{\"error\":{},\"providerMetadata\":{\"gateway\":{\"generationId\":\"gen_3\"}}}", "gen_3"},
        {"{\"id\":null}", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer *answer = read_body(cases[i].body);

        assert_string_equal(answer->id, cases[i].id);
        free_answer(answer);
    }
}

static void names_are_cut_at_a_characters_boundary(void **state)
{
    char body[1024] = "{\"model\":\"";
    struct answer *answer;

    (void)state;
    for (size_t i = 0; i < 255; i++)
        strcat(body, "m");
    strcat(body, "\xc3\xa9\xc3\xa9\",\"provider\":\"a\\u0000b\",\"service_tier\":[]}");
    answer = read_body(body);
    assert_int_equal(strlen(answer->model), 255); /* a half é would not be text */
    assert_string_equal(answer->provider, "a");
    assert_string_equal(answer->service_tier, "");
    assert_false(answer->unreadable);
    free_answer(answer);
}

static void top_level_provider_ranks_above_routing(void **state)
{
    static const char *const events[] = {
        "{\"provider\":\"Acme\"}",
        "{\"provider_metadata\":{\"gateway\":{\"serviceTier\":\"flex\",\"routing\":{"
        "\"finalProvider\":\"beta\"}}}}",
    };
    struct answer *answer = read_events(events, 2);

    (void)state;
    assert_string_equal(answer->provider, "Acme");
    assert_string_equal(answer->service_tier, "flex");
    free_answer(answer);
    answer = read_events(events + 1, 1);
    assert_string_equal(answer->provider, "beta");
    free_answer(answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_vercel_stream_is_understood),
        cmocka_unit_test(recorded_openrouter_stream_keeps_its_last_usage),
        cmocka_unit_test(recorded_prompt_cache_write_is_counted),
        cmocka_unit_test(recorded_tool_call_is_storable_and_its_cost_unknown),
        cmocka_unit_test(recorded_error_beside_choices_is_never_stored),
        cmocka_unit_test(recorded_refusal_is_an_error),
        cmocka_unit_test(only_whole_good_bodies_are_storable),
        cmocka_unit_test(only_whole_good_streams_are_storable),
        cmocka_unit_test(error_frame_ends_in_error_without_cost),
        cmocka_unit_test(finish_reason_is_the_first_choices_own),
        cmocka_unit_test(native_finish_reason_is_of_the_same_choice),
        cmocka_unit_test(text_completions_are_read_like_chat),
        cmocka_unit_test(id_is_whole_and_fit_for_a_header_or_not_taken),
        cmocka_unit_test(generation_id_stands_in_for_a_missing_id),
        cmocka_unit_test(names_are_cut_at_a_characters_boundary),
        cmocka_unit_test(top_level_provider_ranks_above_routing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
