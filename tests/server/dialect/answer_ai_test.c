/* The AI SDK's language models through Vercel's gateway: facts, completeness and replays of results
 * and of streams of parts. */
#include "tests/server/dialect/answer_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

#define API API_AI_LANGUAGE

static void assert_replay(bool event, const char *text, const char *expected)
{
    char *out = replay_as(API, event, text);

    assert_string_equal(out, expected);
    free(out);
}

#define USAGE(total, plain, cached, written, out, thought)                                         \
    "\"usage\":{\"inputTokens\":{\"total\":" total ",\"noCache\":" plain ",\"cacheRead\":" cached  \
    ",\"cacheWrite\":" written "},\"outputTokens\":{\"total\":" out ",\"reasoning\":" thought      \
    "},\"raw\":{\"prompt_tokens\":" total ",\"service_tier\":\"default\"}}"
#define GATEWAY(id, cost)                                                                          \
    "\"providerMetadata\":{\"openai\":{\"responseId\":\"resp_1\",\"cost\":3},\"gateway\":{"        \
    "\"routing\":{\"canonicalSlug\":\"openai/gpt-5\",\"finalProvider\":\"azure\",\"n\":3,"         \
    "\"modelAttempts\":[{\"success\":true,\"canonicalSlug\":\"openai/gpt-5\","                     \
    "\"providerAttempts\":[{\"success\":true,\"credentialType\":\"byok\"}]}]},\"cost\":\"" cost    \
    "\",\"marketCost\":\"" cost "\",\"generationId\":\"" id "\"}}"
#define CONTENT                                                                                    \
    "\"content\":[{\"type\":\"text\",\"text\":\"Hi\"},{\"type\":\"tool-call\",\"toolCallId\":"     \
    "\"c\",\"toolName\":\"f\",\"input\":\"{}\"}]"
#define RESULT(id, response, in, cost)                                                             \
    "{" CONTENT ",\"finishReason\":{\"unified\":\"tool-calls\",\"raw\":\"tool_use\"}," USAGE(      \
        in, in, in, in, in, in) "," GATEWAY(id, cost) ",\"response\":{\"id\":\"" response          \
                                                      "\",\"timestamp\":\"2026-10-01T00:00:00Z\"," \
                                                      "\"modelId\":\"gpt-5-dated\"},\"warnings\":" \
                                                      "[]}"

/* --- bodies --- */

static void a_result_is_understood_and_replayed(void **state)
{
    static const char body[] = RESULT("gen_1", "resp_1", "7", "0.5");
    struct answer *answer = body_as(API, body);

    (void)state;
    assert_string_equal(answer->id, "gen_1"); /* not the provider's resp_1 */
    assert_string_equal(answer->model, "openai/gpt-5");
    assert_string_equal(answer->provider, "azure");
    assert_string_equal(answer->finish_reason, "tool-calls");
    assert_string_equal(answer->native_finish_reason, "tool_use");
    assert_int_equal(answer->usage.prompt_tokens, 7);
    assert_int_equal(answer->usage.cached_tokens, 7);
    assert_int_equal(answer->usage.cache_write_tokens, 7);
    assert_int_equal(answer->usage.completion_tokens, 7);
    assert_int_equal(answer->usage.reasoning_tokens, 7);
    assert_false(answer->usage.exclusive);
    assert_int_equal(answer->byok, 1);
    assert_true(booked_are(answer, "0.5", "0.5", "0.5"));
    assert_true(answer_is_storable(answer, false));
    assert_false(answer_is_storable(answer, true));
    free_answer(answer);
    assert_replay(false, body, RESULT(STAMP_ID, STAMP_ID, "0", "0"));
}

static void usage_is_read_in_every_version_of_the_protocol(void **state)
{
    static const struct {
        const char *usage;
        int64_t in, cached, written, out, thought;
        bool exclusive, odd;
    } cases[] = {
        {"{\"inputTokens\":9,\"outputTokens\":4,\"totalTokens\":13,\"reasoningTokens\":3,"
         "\"cachedInputTokens\":2}",
         9, 2, USAGE_ABSENT, 4, 3, false, false},
        {"{\"inputTokens\":{\"total\":9,\"noCache\":5,\"cacheRead\":3,\"cacheWrite\":1},"
         "\"outputTokens\":{\"total\":4,\"text\":1,\"reasoning\":3}}",
         9, 3, 1, 4, 3, false, false},
        {"{\"inputTokens\":{\"noCache\":5,\"cacheRead\":3},\"outputTokens\":{}}", 5, 3,
         USAGE_ABSENT, USAGE_ABSENT, USAGE_ABSENT, true, false},
        {"{\"inputTokens\":{},\"outputTokens\":{\"total\":0}}", USAGE_ABSENT, USAGE_ABSENT,
         USAGE_ABSENT, 0, USAGE_ABSENT, false, false},
        {"{\"inputTokens\":null,\"outputTokens\":\"4\"}", USAGE_ABSENT, USAGE_ABSENT, USAGE_ABSENT,
         USAGE_ABSENT, USAGE_ABSENT, false, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer *answer;
        char body[512];

        snprintf(body, sizeof(body), "{\"usage\":%s}", cases[i].usage);
        answer = body_as(API, body);
        if (answer->usage.prompt_tokens != cases[i].in ||
            answer->usage.cached_tokens != cases[i].cached ||
            answer->usage.cache_write_tokens != cases[i].written ||
            answer->usage.completion_tokens != cases[i].out ||
            answer->usage.reasoning_tokens != cases[i].thought ||
            answer->usage.exclusive != cases[i].exclusive ||
            answer->usage_unreadable != cases[i].odd)
            fail_msg("case %zu: %s", i, cases[i].usage);
        free_answer(answer);
    }
}

static void only_whole_good_results_are_storable(void **state)
{
    static const struct {
        const char *body, *reason, *native;
        bool storable, error, unreadable;
    } cases[] = {
        {"{" CONTENT ",\"finishReason\":\"stop\"}", "stop", "", true, false, false},
        {"{" CONTENT ",\"finishReason\":\"other\"}", "other", "", true, false, false},
        {"{" CONTENT ",\"finishReason\":{\"unified\":\"length\",\"raw\":\"max_tokens\"}}", "length",
         "max_tokens", true, false, false},
        {"{" CONTENT ",\"finishReason\":{\"unified\":\"interrupted\"}}", "interrupted", "", false,
         false, false},
        {"{" CONTENT ",\"finishReason\":\"unknown\"}", "unknown", "", false, false, false},
        {"{" CONTENT ",\"finishReason\":\"error\"}", "error", "", false, true, false},
        {"{" CONTENT ",\"finishReason\":{\"raw\":\"stop\"}}", "", "stop", false, false, false},
        {"{" CONTENT ",\"finishReason\":5}", "", "", false, false, true},
        {"{" CONTENT "}", "", "", false, false, false},
        {"{\"content\":[],\"finishReason\":\"stop\"}", "stop", "", false, false, false},
        {"{\"error\":{\"message\":\"m\",\"type\":\"model_not_found\"},\"generationId\":\"gen_1\"}",
         "", "", false, true, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer *answer = body_as(API, cases[i].body);

        if (answer_is_storable(answer, false) != cases[i].storable ||
            answer->has_error != cases[i].error || answer->unreadable != cases[i].unreadable ||
            strcmp(answer->finish_reason, cases[i].reason) != 0 ||
            strcmp(answer->native_finish_reason, cases[i].native) != 0)
            fail_msg("case %zu: %s", i, cases[i].body);
        free_answer(answer);
    }
}

static void an_error_names_its_generation(void **state)
{
    struct answer *answer = body_as(API, "{\"error\":{},\"generationId\":\"gen_1\"}");

    (void)state;
    assert_string_equal(answer->id, "gen_1");
    free_answer(answer);
}

/* The gateway's own names are taken where the provider's might stand. */
static void names_are_the_gateways(void **state)
{
    static const struct {
        const char *body, *id, *model;
    } cases[] = {
        {"{\"response\":{\"id\":\"resp_1\",\"modelId\":\"gpt-5\"}}", "", ""},
        {"{\"response\":{\"id\":\"gen_2\",\"modelId\":\"acme/m-1\"}}", "gen_2", "acme/m-1"},
        {"{\"response\":{\"id\":\"gen-2\",\"modelId\":\"acme/m-1\"}," GATEWAY("gen_1", "1") "}",
         "gen-2", "openai/gpt-5"},
        {"{\"response\":{\"id\":5,\"modelId\":5}," GATEWAY("gen_1", "1") "}", "gen_1",
         "openai/gpt-5"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer *answer = body_as(API, cases[i].body);

        assert_string_equal(answer->id, cases[i].id);
        assert_string_equal(answer->model, cases[i].model);
        free_answer(answer);
    }
}

/* --- streams --- */

#define STREAM_START "{\"type\":\"stream-start\",\"warnings\":[]}"
#define METADATA(id)                                                                               \
    "{\"type\":\"response-metadata\",\"id\":\"" id "\",\"timestamp\":\"2026-10-01T00:00:00.000Z\"" \
    ",\"modelId\":\"gpt-5-dated\"}"
#define TEXT_START "{\"type\":\"text-start\",\"id\":\"0\"}"
#define TEXT_DELTA "{\"type\":\"text-delta\",\"id\":\"0\",\"delta\":\"Hi\"}"
#define TEXT_END "{\"type\":\"text-end\",\"id\":\"0\"}"
#define RAW "{\"type\":\"raw\",\"rawValue\":{\"id\":\"x\",\"usage\":{\"n\":3}}}"
#define FINISH(id, in, cost)                                                                       \
    "{\"type\":\"finish\",\"finishReason\":{\"unified\":\"stop\",\"raw\":\"completed\"}," USAGE(   \
        in, in, in, in, in, in) "," GATEWAY(id, cost) "}"

static void a_stream_of_parts_is_understood_and_replayed(void **state)
{
    static const struct {
        const char *event, *replay;
    } cases[] = {
        {STREAM_START, STREAM_START},
        {METADATA("resp_1"), METADATA(STAMP_ID)},
        {RAW, RAW},
        {TEXT_START, TEXT_START},
        {TEXT_DELTA, TEXT_DELTA},
        {TEXT_END, TEXT_END},
        {FINISH("gen_1", "7", "0.5"), FINISH(STAMP_ID, "0", "0")},
        {"[DONE]", "[DONE]"},
    };
    struct answer *answer = new_answer_as(API);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_replay(true, cases[i].event, cases[i].replay);
        answer_read_event(answer, cases[i].event, strlen(cases[i].event));
        assert_int_equal(answer->has_choices, i >= 3);
        assert_int_equal(answer_is_storable(answer, true), i >= 6);
    }
    assert_string_equal(answer->id, "gen_1");
    assert_string_equal(answer->model, "openai/gpt-5");
    assert_string_equal(answer->provider, "azure");
    assert_string_equal(answer->finish_reason, "stop");
    assert_string_equal(answer->native_finish_reason, "completed");
    assert_int_equal(answer->usage.prompt_tokens, 7);
    assert_int_equal(answer->events, 7);
    assert_true(booked_are(answer, "0.5", "0.5", "0.5"));
    free_answer(answer);
}

#define ENDED "{\"type\":\"finish\",\"finishReason\":\"stop\"}"

static void only_whole_good_streams_are_storable(void **state)
{
    static const struct {
        const char *events[6];
        bool storable, end, error;
    } cases[] = {
        {{STREAM_START, TEXT_START, TEXT_DELTA, TEXT_END, ENDED, "[DONE]"}, true, true, false},
        {{TEXT_DELTA, ENDED}, true, true, false},
        {{"{\"type\":\"tool-call\",\"toolCallId\":\"c\"}", ENDED}, true, true, false},
        {{STREAM_START, TEXT_DELTA, TEXT_END, "[DONE]"}, false, false, false},
        {{STREAM_START, (METADATA("x")), "{\"type\":\"ping\"}", RAW, ENDED}, false, true, false},
        {{TEXT_DELTA, "{\"type\":\"finish\"}"}, false, true, false},
        {{TEXT_DELTA, "{\"type\":\"finish\",\"finishReason\":\"unknown\"}"}, false, true, false},
        {{TEXT_DELTA, "{\"type\":\"error\",\"error\":{\"message\":\"m\"}}", ENDED},
         false,
         true,
         true},
        {{TEXT_DELTA, "{\"type\":\"error\"}"}, false, false, true},
        {{TEXT_DELTA, "{\"error\":{\"message\":\"m\"}}", ENDED}, false, true, true},
        {{"{\"x\":1}", ENDED}, false, true, false},
        {{TEXT_DELTA, "5", ENDED}, false, true, false},
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

static void ids_of_parts_stay(void **state)
{
    static const char *const parts[] = {
        "{\"type\":\"reasoning-start\",\"id\":\"r\",\"providerMetadata\":{\"openai\":{\"itemId\":"
        "\"i\",\"cost\":1}}}",
        "{\"type\":\"source\",\"sourceType\":\"url\",\"id\":\"s\",\"url\":\"u\"}",
        "{\"type\":\"tool-result\",\"toolCallId\":\"c\",\"result\":{\"id\":\"i\",\"usage\":{\"n\":"
        "1},\"providerMetadata\":{\"gateway\":{\"cost\":1}}}}",
        "{\"id\":\"x\",\"created\":1}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        assert_replay(true, parts[i], parts[i]);
    assert_replay(false, "{\"content\":[{\"providerMetadata\":{\"gateway\":{\"cost\":\"1\"}}},5]}",
                  "{\"content\":[{\"providerMetadata\":{\"gateway\":{\"cost\":\"0\"}}},5]}");
}

/* A walk that looked for the object's type at each of them would take minutes. */
static void any_number_of_ids_in_one_object_is_read_at_once(void **state)
{
    enum { MEMBERS = 60000 };
    static const char member[] = "\"id\":\"x\",";
    static const char type[] = "\"type\":\"text-delta\"}";
    struct answer *answer = new_answer_as(API);
    size_t piece = sizeof(member) - 1, len = 1 + MEMBERS * piece;
    char *text = malloc(len + sizeof(type));
    clock_t start = clock();

    (void)state;
    assert_non_null(text);
    text[0] = '{';
    for (size_t i = 0; i < MEMBERS; i++)
        memcpy(text + 1 + i * piece, member, piece);
    memcpy(text + len, type, sizeof(type));
    answer_read_event(answer, text, len + sizeof(type) - 1);
    answer_read_body(answer, text, len + sizeof(type) - 1);
    assert_true((clock() - start) / CLOCKS_PER_SEC < 2);
    assert_int_equal(answer->edit_count, 0);
    free(text);
    free_answer(answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_result_is_understood_and_replayed),
        cmocka_unit_test(usage_is_read_in_every_version_of_the_protocol),
        cmocka_unit_test(only_whole_good_results_are_storable),
        cmocka_unit_test(an_error_names_its_generation),
        cmocka_unit_test(names_are_the_gateways),
        cmocka_unit_test(a_stream_of_parts_is_understood_and_replayed),
        cmocka_unit_test(only_whole_good_streams_are_storable),
        cmocka_unit_test(ids_of_parts_stay),
        cmocka_unit_test(any_number_of_ids_in_one_object_is_read_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
