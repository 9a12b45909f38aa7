/* The Responses API: facts, completeness and replays of bodies and streams, as both vendors write
 * them. */
#include "tests/server/dialect/answer_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define API API_RESPONSES

static void assert_replay(bool event, const char *text, const char *expected)
{
    char *out = replay_as(API, event, text);

    assert_string_equal(out, expected);
    free(out);
}

#define OUTPUT                                                                                     \
    "\"output\":[{\"id\":\"rs_1\",\"type\":\"reasoning\",\"summary\":[]},{\"id\":\"msg_1\","       \
    "\"type\":\"message\",\"role\":\"assistant\",\"status\":\"completed\",\"content\":[{\"type\":" \
    "\"output_text\",\"text\":\"usage: 5\",\"annotations\":[]}]}]"
#define CALL                                                                                       \
    "\"output\":[{\"id\":\"fc_1\",\"type\":\"function_call\",\"call_id\":\"c_1\",\"name\":\"f\","  \
    "\"arguments\":\"{\\\"id\\\":1}\"}]"

/* --- bodies --- */

/* No cost in usage: it is in the metadata only, as text, in either spelling. */
#define VERCEL(id, time, in, out, cost, spelling)                                                  \
    "{\"id\":\"" id "\",\"object\":\"response\",\"created_at\":" time ",\"completed_at\":" time    \
    ",\"status\":\"completed\",\"model\":\"openai/gpt-5\",\"error\":null,\"incomplete_details\":"  \
    "null,\"previous_response_id\":null,\"temperature\":1," OUTPUT                                 \
    ",\"usage\":{\"input_tokens\":" in ",\"input_tokens_details\":{\"cached_tokens\":" in          \
    "},\"output_tokens\":" out ",\"output_tokens_details\":{\"reasoning_tokens\":" out             \
    "},\"total_tokens\":" in "},\"" spelling                                                       \
    "\":{\"openai\":{\"responseId\":\"resp_1\"},\"gateway\":{\"routing\":{\"finalProvider\":"      \
    "\"azure\",\"canonicalSlug\":\"openai/gpt-5\",\"modelAttempts\":[{\"success\":true,"           \
    "\"providerAttempts\":[{\"credentialType\":\"system\",\"success\":true,\"statusCode\":200}]}]" \
    "},\"cost\":\"" cost "\",\"marketCost\":\"" cost "\",\"generationId\":\"" id "\"}}}"

static void vercel_body_has_its_cost_in_the_metadata(void **state)
{
    static const char *const bodies[] = {
        VERCEL("gen_1", "1785600000", "12", "34", "0.0005", "provider_metadata"),
        VERCEL("gen_1", "1785600000", "12", "34", "0.0005", "providerMetadata"),
    };
    static const char *const replays[] = {
        VERCEL(STAMP_ID, STAMP_CREATED, "0", "0", "0", "provider_metadata"),
        VERCEL(STAMP_ID, STAMP_CREATED, "0", "0", "0", "providerMetadata"),
    };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct answer *answer = body_as(API, bodies[i]);

        assert_string_equal(answer->id, "gen_1");
        assert_string_equal(answer->model, "openai/gpt-5");
        assert_string_equal(answer->provider, "azure");
        assert_string_equal(answer->finish_reason, "stop");
        assert_string_equal(answer->native_finish_reason, "completed");
        assert_int_equal(answer->usage.prompt_tokens, 12);
        assert_int_equal(answer->usage.cached_tokens, 12);
        assert_int_equal(answer->usage.completion_tokens, 34);
        assert_int_equal(answer->usage.reasoning_tokens, 34);
        assert_false(answer->usage.exclusive);
        assert_int_equal(answer->byok, 0);
        assert_true(booked_are(answer, "0.0005", NULL, "0.0005"));
        assert_true(answer_is_storable(answer, false));
        assert_false(answer_is_storable(answer, true));
        free_answer(answer);
        assert_replay(false, bodies[i], replays[i]);
    }
}

#define OPENROUTER(id, time, in, writes, cost, metadata)                                           \
    "{\"id\":\"" id "\",\"object\":\"response\",\"created_at\":" time ",\"completed_at\":" time    \
    ",\"model\":\"acme/m-1\",\"status\":\"completed\"," CALL                                       \
    ",\"error\":null,\"provider\":\"Acme\",\"service_tier\":\"flex\",\"usage\":{\"input_tokens\":" \
    "" in ",\"input_tokens_details\":{\"cached_tokens\":0,\"cache_write_tokens\":" writes          \
    "},\"output_tokens\":" in ",\"total_tokens\":" in ",\"cost\":" cost                            \
    ",\"is_byok\":false,\"cost_details\":{\"upstream_inference_cost\":" cost                       \
    ",\"upstream_inference_input_cost\":" cost "},\"server_tool_use_details\":{"                   \
    "\"web_search_requests\":" writes "}}" metadata "}"

static void openrouter_body_has_its_cost_in_usage(void **state)
{
    static const char body[] =
        OPENROUTER("gen-1-A", "1785600000", "770", "2", "0.0046999",
                   ",\"openrouter_metadata\":{\"requested\":\"acme/m-1\",\"attempt\":1}");
    struct answer *answer = body_as(API, body);

    (void)state;
    assert_string_equal(answer->id, "gen-1-A");
    assert_string_equal(answer->provider, "Acme");
    assert_string_equal(answer->service_tier, "flex");
    assert_string_equal(answer->finish_reason, "tool_calls");
    assert_int_equal(answer->usage.prompt_tokens, 770);
    assert_int_equal(answer->usage.cache_write_tokens, 2);
    assert_int_equal(answer->usage.web_searches, 2);
    assert_true(booked_are(answer, "0.0046999", NULL, NULL));
    assert_true(answer_is_storable(answer, false));
    free_answer(answer);
    assert_replay(false, body, OPENROUTER(STAMP_ID, STAMP_CREATED, "0", "0", "0", ""));
}

static void ones_own_key_makes_the_vendors_bill_known(void **state)
{
    struct answer *answer =
        body_as(API, "{\"usage\":{\"input_tokens\":1,\"cost\":0.05,\"is_byok\":true,"
                     "\"cost_details\":{\"upstream_inference_cost\":1}}}");

    (void)state;
    assert_true(booked_are(answer, "0.05", "1", NULL));
    free_answer(answer);
    answer = body_as(API, "{\"provider_metadata\":{\"gateway\":{\"cost\":\"0\",\"marketCost\":"
                          "\"0.25\",\"routing\":{\"attempts\":[{\"success\":true,"
                          "\"credentialType\":\"byok\"}]}}}}");
    assert_true(booked_are(answer, "0", "0.25", "0.25"));
    free_answer(answer);
}

static void only_whole_good_bodies_are_storable(void **state)
{
    static const struct {
        const char *body, *reason, *native;
        bool storable, error, unreadable;
    } cases[] = {
        {"{\"status\":\"completed\"," OUTPUT "}", "stop", "completed", true, false, false},
        {"{\"status\":\"completed\"," CALL "}", "tool_calls", "completed", true, false, false},
        {"{\"status\":\"completed\",\"output\":[{\"type\":\"custom_tool_call\"}]}", "tool_calls",
         "completed", true, false, false},
        {"{\"status\":\"incomplete\",\"incomplete_details\":{\"reason\":\"max_output_tokens\"}," //
         OUTPUT "}",
         "length", "max_output_tokens", true, false, false},
        {"{\"status\":\"incomplete\",\"incomplete_details\":{\"reason\":\"content_filter\"}," //
         OUTPUT "}",
         "content_filter", "content_filter", true, false, false},
        {"{\"status\":\"incomplete\",\"incomplete_details\":null," OUTPUT "}", "", "", false, false,
         false},
        {"{\"status\":\"completed\",\"error\":null," OUTPUT "}", "stop", "completed", true, false,
         false},
        {"{\"status\":\"completed\",\"error\":{\"code\":\"server_error\"}," OUTPUT "}", "stop",
         "completed", false, true, false},
        {"{\"status\":\"failed\"," OUTPUT "}", "", "", false, true, false},
        {"{\"status\":\"failed\",\"error\":{\"code\":\"server_error\"},\"output\":[]}", "", "",
         false, true, false},
        {"{\"status\":\"in_progress\"," OUTPUT "}", "", "", false, false, false},
        {"{\"status\":\"queued\"," OUTPUT "}", "", "", false, false, false},
        {"{\"status\":\"cancelled\"," OUTPUT "}", "", "", false, false, false},
        {"{\"status\":null," OUTPUT "}", "", "", false, false, false},
        {"{\"status\":7," OUTPUT "}", "", "", false, false, true},
        {"{" OUTPUT "}", "", "", false, false, false},
        {"{\"status\":\"completed\",\"output\":[]}", "stop", "completed", false, false, false},
        {"{\"status\":\"completed\",\"output\":null}", "stop", "completed", false, false, false},
        {"{\"status\":\"completed\",\"output\":{}}", "stop", "completed", false, false, true},
        {"{\"error\":{\"message\":\"m\",\"code\":429}}", "", "", false, true, false},
        {"<html>", "", "", false, false, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer *answer = body_as(API, cases[i].body);

        if (answer_is_storable(answer, false) != cases[i].storable ||
            answer->has_error != cases[i].error || answer->unreadable != cases[i].unreadable ||
            strcmp(answer->finish_reason, cases[i].reason) != 0 ||
            strcmp(answer->native_finish_reason, cases[i].native) != 0)
            fail_msg("case %zu: %s", i, cases[i].body);
        assert_false(answer_is_storable(answer, true));
        free_answer(answer);
    }
}

/* --- streams --- */

#define EVENT(type, n, members) "{\"type\":\"" type "\",\"sequence_number\":" n "," members "}"
#define RESPONSE(id, time, members)                                                                \
    "\"response\":{\"id\":\"" id "\",\"object\":\"response\",\"created_at\":" time members "}"
#define ITEM "\"output_index\":0,\"item\":{\"id\":\"msg_1\",\"type\":\"message\",\"content\":[]}"
#define DELTA                                                                                      \
    EVENT("response.output_text.delta", "4",                                                       \
          "\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"delta\":\"Hi\"")
#define USED(in, cost)                                                                             \
    ",\"usage\":{\"input_tokens\":" in ",\"output_tokens\":" in ",\"cost\":" cost                  \
    ",\"is_byok\":false}"

static void openrouter_stream_is_understood_and_replayed(void **state)
{
    static const struct {
        const char *event, *replay;
    } cases[] = {
        {EVENT("response.created", "0",
               RESPONSE("gen-1-A", "5",
                        ",\"model\":\"acme/m-1\",\"status\":\"in_progress\",\"output\":[],"
                        "\"usage\":null")),
         EVENT("response.created", "0",
               RESPONSE(STAMP_ID, STAMP_CREATED,
                        ",\"model\":\"acme/m-1\",\"status\":\"in_progress\",\"output\":[],"
                        "\"usage\":null"))},
        {EVENT("response.output_item.added", "2", ITEM),
         EVENT("response.output_item.added", "2", ITEM)},
        {DELTA, DELTA},
        {EVENT("response.completed", "8",
               RESPONSE("gen-1-A", "5",
                        ",\"completed_at\":6,\"model\":\"acme/m-1-dated\",\"status\":\"completed\","
                        "\"openrouter_metadata\":{\"id\":\"x\"}," OUTPUT USED("77", "0.25"))),
         EVENT("response.completed", "8",
               RESPONSE(STAMP_ID, STAMP_CREATED,
                        ",\"completed_at\":" STAMP_CREATED
                        ",\"model\":\"acme/m-1-dated\",\"status\":\"completed\"," OUTPUT USED(
                            "0", "0")))},
        {"[DONE]", "[DONE]"},
    };
    struct answer *answer = new_answer_as(API);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_replay(true, cases[i].event, cases[i].replay);
        assert_int_equal(answer->has_end, i > 3);
        answer_read_event(answer, cases[i].event, strlen(cases[i].event));
        assert_int_equal(answer_is_storable(answer, true), i >= 3);
    }
    assert_string_equal(answer->id, "gen-1-A");
    assert_string_equal(answer->model, "acme/m-1-dated");
    assert_string_equal(answer->finish_reason, "stop");
    assert_int_equal(answer->events, 4);
    assert_int_equal(answer->usage.completion_tokens, 77);
    assert_true(booked_are(answer, "0.25", NULL, NULL));
    free_answer(answer);
}

static void vercel_stream_ends_with_its_metadata(void **state)
{
#define END(id, cost)                                                                              \
    EVENT("response.incomplete", "9",                                                              \
          RESPONSE(id, "null",                                                                     \
                   ",\"status\":\"incomplete\",\"incomplete_details\":{\"reason\":"                \
                   "\"max_output_tokens\"}," OUTPUT                                                \
                   ",\"provider_metadata\":{\"gateway\":{\"cost\":\"" cost                         \
                   "\",\"generationId\":\"" id "\",\"routing\":{\"finalProvider\":\"zai\"}}}"))
    static const char *const events[] = {DELTA, END("gen_1", "0.5")};
    struct answer *answer = stream_as(API, events, 2);

    (void)state;
    assert_true(answer->has_end);
    assert_string_equal(answer->id, "gen_1");
    assert_string_equal(answer->provider, "zai");
    assert_string_equal(answer->finish_reason, "length");
    assert_string_equal(answer->native_finish_reason, "max_output_tokens");
    assert_true(booked_are(answer, "0.5", NULL, NULL));
    assert_true(answer_is_storable(answer, true));
    free_answer(answer);
    assert_replay(true, events[1], END(STAMP_ID, "0"));
}

#define CREATED                                                                                    \
    EVENT("response.created", "0", RESPONSE("g", "1", ",\"status\":\"in_progress\",\"output\":[]"))
#define ADDED EVENT("response.output_item.added", "1", ITEM)
#define COMPLETED                                                                                  \
    EVENT("response.completed", "9",                                                               \
          RESPONSE("g", "1", ",\"status\":\"completed\",\"output\":[],\"error\":null"))

static void only_whole_good_streams_are_storable(void **state)
{
    static const struct {
        const char *events[6];
        bool storable, end, error;
    } cases[] = {
        {{CREATED, ADDED, DELTA, COMPLETED, "[DONE]"}, true, true, false},
        {{CREATED, ADDED, DELTA, COMPLETED}, true, true, false},
        /* The object says less than the event's name does. */
        {{ADDED, EVENT("response.completed", "9", RESPONSE("g", "1", ""))}, true, true, false},
        {{ADDED, EVENT("response.done", "9", RESPONSE("g", "1", ",\"status\":\"completed\""))},
         true,
         true,
         false},
        {{ADDED, EVENT("response.done", "9", RESPONSE("g", "1", ""))}, false, true, false},
        {{ADDED, EVENT("response.completed", "9", "\"x\":1")}, false, true, false},
        {{ADDED, EVENT("response.incomplete", "9", RESPONSE("g", "1", ""))}, false, true, false},
        {{CREATED, ADDED, DELTA, "[DONE]"}, false, false, false},
        {{CREATED, ADDED, DELTA}, false, false, false},
        {{CREATED, COMPLETED}, false, true, false}, /* nothing was said */
        {{CREATED, ADDED, EVENT("error", "3", "\"code\":\"x\",\"message\":\"m\"")},
         false,
         false,
         true},
        {{ADDED, EVENT("error", "3", "\"message\":\"m\""), COMPLETED}, false, true, true},
        {{ADDED, EVENT("response.error", "3", "\"message\":\"m\"")}, false, false, true},
        {{ADDED, EVENT("response.failed", "3", RESPONSE("g", "1", ",\"status\":\"failed\""))},
         false,
         true,
         true},
        {{ADDED, EVENT("response.completed", "3", RESPONSE("g", "1", ",\"status\":\"failed\""))},
         false,
         true,
         true},
        {{ADDED, EVENT("response.completed", "3", RESPONSE("g", "1", ",\"error\":{}"))},
         false,
         true,
         true},
        {{ADDED, COMPLETED, "{\"error\":{\"message\":\"late\"}}"}, false, true, true},
        {{ADDED, "{", COMPLETED}, false, true, false},
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

/* Some upstreams leave the last object's output empty. */
static void a_call_is_seen_in_its_item(void **state)
{
    static const char *const events[] = {
        EVENT("response.output_item.done", "1",
              "\"item\":{\"type\":\"function_call\",\"name\":\"f\",\"arguments\":\"{}\"}"),
        COMPLETED,
    };
    struct answer *answer = stream_as(API, events, 2);

    (void)state;
    assert_string_equal(answer->finish_reason, "tool_calls");
    free_answer(answer);
}

static void metadata_may_stand_beside_the_response(void **state)
{
    static const char *const events[] = {
        EVENT("response.completed", "1",
              "\"response\":{},\"providerMetadata\":{\"gateway\":{\"cost\":\"0.5\"}}"),
    };
    struct answer *answer = stream_as(API, events, 1);

    (void)state;
    assert_true(booked_are(answer, "0.5", NULL, NULL));
    free_answer(answer);
    assert_replay(true, events[0],
                  EVENT("response.completed", "1",
                        "\"response\":{},\"providerMetadata\":{\"gateway\":{\"cost\":\"0\"}}"));
}

/* --- rules of replay --- */

static void ids_that_mean_the_answer_change_and_others_stay(void **state)
{
    (void)state;
    assert_replay(true, "{\"type\":\"x\",\"response_id\":\"gen_1\",\"item_id\":\"i\",\"n\":5}",
                  "{\"type\":\"x\",\"response_id\":\"" STAMP_ID "\",\"item_id\":\"i\",\"n\":5}");
    assert_replay(true,
                  "{\"response\":{\"previous_response_id\":\"p\",\"prompt_cache_key\":\"k\"}}",
                  "{\"response\":{\"previous_response_id\":\"p\",\"prompt_cache_key\":\"k\"}}");
    assert_replay(true, "{\"item\":{\"id\":\"i\",\"usage\":{\"n\":1},\"created_at\":1}}",
                  "{\"item\":{\"id\":\"i\",\"usage\":{\"n\":1},\"created_at\":1}}");
    assert_replay(false, "{\"created_at\":\"2026-01-01\",\"completed_at\":null,\"created\":1}",
                  "{\"created_at\":\"2026-01-01\",\"completed_at\":null,\"created\":1}");
    assert_replay(true,
                  "{\"response\":[{\"id\":\"i\"}],\"openrouter_metadata\":1,\"usage\":{\"a\":1}}",
                  "{\"response\":[{\"id\":\"i\"}],\"usage\":{\"a\":0}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vercel_body_has_its_cost_in_the_metadata),
        cmocka_unit_test(openrouter_body_has_its_cost_in_usage),
        cmocka_unit_test(ones_own_key_makes_the_vendors_bill_known),
        cmocka_unit_test(only_whole_good_bodies_are_storable),
        cmocka_unit_test(openrouter_stream_is_understood_and_replayed),
        cmocka_unit_test(vercel_stream_ends_with_its_metadata),
        cmocka_unit_test(only_whole_good_streams_are_storable),
        cmocka_unit_test(a_call_is_seen_in_its_item),
        cmocka_unit_test(metadata_may_stand_beside_the_response),
        cmocka_unit_test(ids_that_mean_the_answer_change_and_others_stay),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
