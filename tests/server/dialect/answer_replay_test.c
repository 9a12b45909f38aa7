/* What a replay shows instead of the original, and the id seen before an answer is whole. */
#include "tests/server/dialect/answer_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* give: text as a replay shows it. */
static char *replay(const char *text, size_t len)
{
    struct answer *answer = new_answer();
    size_t out_len;
    char *out;

    answer_read_body(answer, text, len);
    out = render(answer, text, len, &out_len);
    assert_int_equal(strlen(out), out_len);
    free_answer(answer);
    return out;
}

static void assert_replay(const char *text, const char *expected)
{
    char *out = replay(text, strlen(text));

    assert_string_equal(out, expected);
    free(out);
}

/* --- recorded --- */

/* Replaces every occurrence; counts them. give. */
static char *replace(char *text, const char *from, const char *to, size_t expected_count)
{
    char *out = calloc(1, strlen(text) + expected_count * strlen(to) + 1);
    size_t count = 0;
    char *found;

    assert_non_null(out);
    for (char *rest = text;; rest = found + strlen(from)) {
        found = strstr(rest, from);
        if (found == NULL) {
            strcat(out, rest);
            break;
        }
        assert_true(count < expected_count);
        strncat(out, rest, (size_t)(found - rest));
        strcat(out, to);
        count++;
    }
    assert_int_equal(count, expected_count);
    free(text);
    return out;
}

struct replayed {
    struct answer *answer;
    char *text;
};

static void replay_event(void *arg, const char *payload, size_t len)
{
    struct replayed *replayed = arg;
    size_t out_len;
    char *out;

    answer_read_event(replayed->answer, payload, len);
    out = render(replayed->answer, payload, len, &out_len);
    strcat(replayed->text, "data: ");
    strcat(replayed->text, out);
    strcat(replayed->text, "\n\n");
    free(out);
}

static void recorded_vercel_stream_replays_with_zeros_and_a_new_id(void **state)
{
    size_t len;
    char *stream = read_file(TESTS_DIR "/data/wire/vercel-chat-stream.response.sse", &len);
    struct replayed replayed = {.answer = new_answer(), .text = calloc(1, 2 * len)};

    (void)state;
    each_event(stream, replay_event, &replayed);
    /* 4 chunks' ids, generationId at the end and in the metadata; routing and all else as it was.
     */
    stream = replace(stream, "gen_01M3RJQ2GXYP8F188NH5K17ED5", STAMP_ID, 6);
    stream = replace(stream, "\"created\":1790752558", "\"created\":" STAMP_CREATED, 4);
    stream = replace(stream, "ost\":\"0.0000032\"", "ost\":\"0\"", 4);
    stream =
        replace(stream, "\"inputInferenceCost\":\"0.000002\"", "\"inputInferenceCost\":\"0\"", 1);
    stream = replace(stream, "\"outputInferenceCost\":\"0.0000012\"",
                     "\"outputInferenceCost\":\"0\"", 1);
    stream = replace(stream, "\"prompt_tokens\":20,\"completion_tokens\":3,\"total_tokens\":23",
                     "\"prompt_tokens\":0,\"completion_tokens\":0,\"total_tokens\":0", 1);
    stream = replace(stream, "cost\":0.0000032", "cost\":0", 3);
    assert_string_equal(replayed.text, stream);
    assert_true(answer_is_storable(replayed.answer, true));
    assert_int_equal(replayed.answer->edit_count, 0); /* [DONE] is replayed as it is */
    free_answer(replayed.answer);
    free(replayed.text);
    free(stream);
}

static void recorded_plain_answer_keeps_its_shape(void **state)
{
    size_t len, body_len;
    char *text = read_file(TESTS_DIR "/data/wire/openrouter-chat-prompt-cache.response.json", &len);
    const char *body = recorded_body(text, len, &body_len);
    char *out = replay(body, body_len);
    char *expected = strndup(body, body_len);

    (void)state;
    expected = replace(expected, "gen-1773011155-RKj29WPs25kxzvCwOntV", STAMP_ID, 1);
    expected = replace(expected, "\"created\": 1773011155", "\"created\": " STAMP_CREATED, 1);
    expected = replace(expected, "\"completion_tokens\": 100", "\"completion_tokens\": 0", 1);
    expected = replace(expected, "cost\": 0.01355025", "cost\": 0", 2);
    expected = replace(expected, "completions_cost\": 0.0015", "completions_cost\": 0", 1);
    expected = replace(expected, "prompt_cost\": 0.01205025", "prompt_cost\": 0", 1);
    expected = replace(expected, "\"prompt_tokens\": 3214", "\"prompt_tokens\": 0", 1);
    expected = replace(expected, "\"cache_write_tokens\": 3211", "\"cache_write_tokens\": 0", 1);
    expected = replace(expected, "\"total_tokens\": 3314", "\"total_tokens\": 0", 1);
    assert_string_equal(out, expected);
    free(out);
    free(expected);
    free(text);
}

static void recorded_tool_call_keeps_its_own_ids(void **state)
{
    size_t len, body_len;
    char *text = read_file(TESTS_DIR "/data/wire/openrouter-chat-tool-call.response.json", &len);
    const char *body = recorded_body(text, len, &body_len);
    char *out = replay(body, body_len);

    (void)state;
    assert_non_null(strstr(out, "\"id\": \"3sniiMddS\""));
    assert_non_null(strstr(out, "\"id\": \"" STAMP_ID "\""));
    assert_null(strstr(out, "dJUcJW4ildNGqK4UV6iJ"));
    assert_non_null(strstr(out, "{\\\"numerator\\\": 123, \\\"denominator\\\": 456"));
    free(out);
    free(text);
}

/* --- rules --- */

static void ids_and_times_change_where_they_mean_the_answer(void **state)
{
    (void)state;
    assert_replay("{\"id\":\"a\",\"created\":1}",
                  "{\"id\":\"" STAMP_ID "\",\"created\":" STAMP_CREATED "}");
    assert_replay("{\"\\u0069d\":\"\\u0061\"}", "{\"\\u0069d\":\"" STAMP_ID "\"}");
    assert_replay("{\"id\":\"\",\"id\":\"b\"}",
                  "{\"id\":\"" STAMP_ID "\",\"id\":\"" STAMP_ID "\"}");
    assert_replay("{\"id\":null,\"created\":null,\"generationId\":7}",
                  "{\"id\":null,\"created\":null,\"generationId\":7}");
    assert_replay("{\"created\":\"1\",\"choices\":[{\"id\":\"x\",\"created\":2,\"message\":{\"id\":"
                  "\"y\",\"generationId\":\"z\",\"usage\":{\"n\":1},\"cost\":1}}]}",
                  "{\"created\":\"1\",\"choices\":[{\"id\":\"x\",\"created\":2,\"message\":{\"id\":"
                  "\"y\",\"generationId\":\"z\",\"usage\":{\"n\":1},\"cost\":1}}]}");
}

static void usage_becomes_zero_in_its_own_type(void **state)
{
    (void)state;
    assert_replay("{\"usage\":{\"a\":1,\"b\":-1.5e3,\"c\":0,\"d\":0.0,\"e\":null,\"f\":true,"
                  "\"g\":\"9e-7\",\"h\":\"0\",\"i\":\"word\",\"j\":\"\",\"k\":[1,[2],{\"7\":8}],"
                  "\"l\":{\"m\":{\"n\":3}},\"12\" : 4,\"o\":\"\\u0031\",\"p\":\"1.\"}}",
                  "{\"usage\":{\"a\":0,\"b\":0,\"c\":0,\"d\":0,\"e\":null,\"f\":true,"
                  "\"g\":\"0\",\"h\":\"0\",\"i\":\"word\",\"j\":\"\",\"k\":[0,[0],{\"7\":0}],"
                  "\"l\":{\"m\":{\"n\":0}},\"12\" : 0,\"o\":\"0\",\"p\":\"1.\"}}");
    assert_replay("{\"usage\":17,\"usage\":null}", "{\"usage\":0,\"usage\":null}");
    assert_replay("{\"usage\":{\"cost\":1e99999,\"s\":\"1e99999\"}}",
                  "{\"usage\":{\"cost\":0,\"s\":\"0\"}}");
}

#define BEFORE                                                                                     \
    "{\"zai\":{\"cost\":\"5\",\"tokens\":5},\"gateway\":{\"routing\":{\"cost\":\"5\","             \
    "\"generationId\":\"r\",\"n\":5},\"cost\":\"0.5\",\"marketCost\":0.5,\"flat_cost\":\"1e-3\","  \
    "\"x\":{\"innerCost\":\"2\",\"y\":3},\"costs\":\"4\",\"Cost\":{\"a\":1,\"b\":[\"2\"]},"        \
    "\"surchargeCost\":null,\"costly\":9,\"generationId\":\"g\"}}"
#define AFTER                                                                                      \
    "{\"zai\":{\"cost\":\"5\",\"tokens\":5},\"gateway\":{\"routing\":{\"cost\":\"5\","             \
    "\"generationId\":\"r\",\"n\":5},\"cost\":\"0\",\"marketCost\":0,\"flat_cost\":\"0\","         \
    "\"x\":{\"innerCost\":\"0\",\"y\":3},\"costs\":\"4\",\"Cost\":{\"a\":0,\"b\":[\"0\"]},"        \
    "\"surchargeCost\":null,\"costly\":9,\"generationId\":\"" STAMP_ID "\"}}"

static void gateway_costs_become_zero_and_nothing_else_does(void **state)
{
    (void)state;
    assert_replay("{\"provider_metadata\":" BEFORE "}", "{\"provider_metadata\":" AFTER "}");
    assert_replay("{\"providerMetadata\":" BEFORE "}", "{\"providerMetadata\":" AFTER "}");
    assert_replay("{\"choices\":[{\"providerMetadata\":" BEFORE "}]}",
                  "{\"choices\":[{\"providerMetadata\":" AFTER "}]}");
    assert_replay("{\"choices\":[{},{\"message\":{\"provider_metadata\":" BEFORE "}}]}",
                  "{\"choices\":[{},{\"message\":{\"provider_metadata\":" AFTER "}}]}");
    assert_replay("{\"choices\":[{\"delta\":{\"providerMetadata\":" BEFORE ",\"content\":\"c\"}}]}",
                  "{\"choices\":[{\"delta\":{\"providerMetadata\":" AFTER ",\"content\":\"c\"}}]}");
    assert_replay("{\"metadata\":" BEFORE "}", "{\"metadata\":" BEFORE "}");
}

static void router_metadata_vanishes_with_one_comma(void **state)
{
    static const char m[] = "\"openrouter_metadata\":{\"a\":[1,2],\"usage\":3}";
    static const struct {
        const char *format, *expected;
    } cases[] = {
        {"{%s}", "{}"},
        {"{ %s }", "{  }"},
        {"{%s,%s}", "{}"},
        {"{%s , \"a\":1}", "{ \"a\":1}"},
        {"{\"a\":1 , %s}", "{\"a\":1 }"},
        {"{\"a\":1,%s,\"b\":2}", "{\"a\":1,\"b\":2}"},
        {"{\"a\":1,%s,%s}", "{\"a\":1}"},
        {"{%s,%s,\"a\":1}", "{\"a\":1}"},
        {"{%s,\"a\":1,%s}", "{\"a\":1}"},
        {"{%s,\"usage\":5,%s,\"created\":5}", "{\"usage\":0,\"created\":" STAMP_CREATED "}"},
        {"{\"choices\":[{%s}]}", NULL}, /* only at top level */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[256];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
        snprintf(text, sizeof(text), cases[i].format, m, m);
#pragma GCC diagnostic pop
        assert_replay(text, cases[i].expected != NULL ? cases[i].expected : text);
    }
}

static void what_is_no_json_object_is_replayed_as_it_came(void **state)
{
    static const char *const texts[] = {"", "[DONE]", "{\"id\":\"a\"", "[{\"id\":\"a\"}]", "null"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_replay(texts[i], texts[i]);
}

/* give: {"choices":[finished],"usage":[1,1,...]} with so many ones. */
static char *many_counts(size_t count)
{
    char *text = malloc(256 + 2 * count);
    char *at = text;

    assert_non_null(text);
    at += sprintf(at, "{\"choices\":[{\"finish_reason\":\"stop\"}],\"usage\":[");
    for (size_t i = 0; i < count; i++)
        at += sprintf(at, i == 0 ? "1" : ",1");
    strcpy(at, "]}");
    return text;
}

static void more_edits_than_fit_forbid_storing(void **state)
{
    struct answer *answer = new_answer();
    char *fits = many_counts(ANSWER_EDITS_MAX);
    char *too_many = many_counts(ANSWER_EDITS_MAX + 1);

    (void)state;
    answer_read_body(answer, fits, strlen(fits));
    assert_int_equal(answer->edit_count, ANSWER_EDITS_MAX);
    assert_false(answer->too_many_edits);
    assert_true(answer_is_storable(answer, false));
    answer_read_body(answer, too_many, strlen(too_many));
    assert_int_equal(answer->edit_count, ANSWER_EDITS_MAX);
    assert_true(answer->too_many_edits);
    assert_false(answer_is_storable(answer, false));
    answer_read_body(answer, fits, strlen(fits)); /* what was missed once stays missed */
    assert_false(answer_is_storable(answer, false));
    free(fits);
    free(too_many);
    free_answer(answer);
}

/* --- hostile --- */

static const char *const hostile_members[] = {
    "id",
    "created",
    "generationId",
    "model",
    "provider",
    "choices",
    "usage",
    "error",
    "service_tier",
    "openrouter_metadata",
    "message",
    "provider_metadata",
    "providerMetadata",
    "gateway",
    "routing",
    "delta",
    "modelAttempts",
    "providerAttempts",
    "credentialType",
    "cost",
    "type",
    "response",
    "status",
    "output",
    "incomplete_details",
    "created_at",
    "stop_reason",
    "content",
    "data",
    "embeddings",
    "finishReason",
    "inputTokens",
    "outputTokens",
    "raw",
};
static const char *const hostile_values[] = {
    "0", "-1", "1e999", "\"\"", "\"x\"", "null", "true", "[]", "{}", "[[]]", "[{}]", "[null,1]",
};

static void survive(enum row_api api, bool event, const char *text)
{
    char *out = replay_as(api, event, text);
    struct json_doc doc;

    json_doc_init(&doc);
    if (json_parse(&doc, out, strlen(out), NULL) != 0) /* it is JSON still */
        fail_msg("api %d: %s became %s", (int)api, text, out);
    json_doc_release(&doc);
    free(out);
}

/* Every member in every type, in every place that is looked at, in every grammar. */
static void wrong_types_everywhere_are_survived(void **state)
{
    static const char *const places[] = {
        "{\"%s\":%s}",
        "{\"choices\":[{\"%s\":%s}]}",
        "{\"choices\":[{\"delta\":{\"%s\":%s}}]}",
        "{\"usage\":{\"%s\":%s}}",
        "{\"usage\":{\"inputTokens\":{\"%s\":%s}}}",
        "{\"response\":{\"%s\":%s}}",
        "{\"type\":\"response.completed\",\"response\":{\"%s\":%s}}",
        "{\"type\":\"message_start\",\"message\":{\"%s\":%s}}",
        "{\"type\":\"message_delta\",\"delta\":{\"%s\":%s}}",
        "{\"type\":\"response-metadata\",\"%s\":%s}",
        "{\"type\":\"finish\",\"%s\":%s}",
        "{\"output\":[{\"%s\":%s}]}",
        "{\"content\":[{\"%s\":%s}]}",
        "{\"finishReason\":{\"%s\":%s}}",
        "{\"provider_metadata\":{\"%s\":%s}}",
        "{\"provider_metadata\":{\"gateway\":{\"%s\":%s}}}",
        "{\"provider_metadata\":{\"gateway\":{\"routing\":{\"%s\":%s}}}}",
        ("{\"provider_metadata\":{\"gateway\":{\"routing\":{\"modelAttempts\":[{\"success\":true,"
         "\"%s\":%s}]}}}}"),
    };
    size_t values = sizeof(hostile_values) / sizeof(hostile_values[0]);
    size_t members = sizeof(hostile_members) / sizeof(hostile_members[0]);

    (void)state;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) * values * members; i++) {
        char text[256];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(text, sizeof(text), places[i / values / members],
                 hostile_members[i / values % members], hostile_values[i % values]);
#pragma GCC diagnostic pop
        for (int api = API_NONE; api < APIS; api++) {
            survive((enum row_api)api, true, text);
            survive((enum row_api)api, false, text);
        }
    }
}

/* Writes text without its NUL. */
static void put(char *at, const char *text)
{
    while (*text != '\0')
        *at++ = *text++;
}

static void depth_and_size_are_survived(void **state)
{
    size_t len = 1 << 20;
    char *text = malloc(len + 1);
    struct answer *answer = new_answer();

    (void)state;
    assert_non_null(text);
    memset(text, '[', len);
    put(text, "{\"usage\":");
    answer_read_event(answer, text, len);
    assert_true(answer->unreadable);
    assert_int_equal(answer->edit_count, 0);
    memset(text, ' ', len);
    put(text, "{\"usage\":1");
    text[len - 1] = '}';
    answer_read_event(answer, text, len);
    assert_int_equal(answer->edit_count, 1);
    memset(text, '7', len);
    put(text, "{\"usage\":{\"cost\":");
    put(text + len - 2, "}}");
    answer_read_event(answer, text, len); /* a number of a million digits */
    assert_int_equal(answer->edit_count, 1);
    assert_int_equal(answer->edits[0].cut, len - 19);
    assert_true(answer->cost_unreadable);
    free(text);
    free_answer(answer);
}

/* --- the id in a beginning --- */

static void id_is_peeked_from_the_first_prefix_that_holds_it(void **state)
{
    static const char body[] =
        " {\"a\":{\"id\":\"no\",\"b\":[\"id\",{\"id\":\"no\"}]},\"c\":\"id\","
        "\"d\":\"\\\"id\\\":\\\"no\\\"\\\\\",\"e\":[],\"id\" : \"gen_1\","
        "\"created\":1}";
    size_t found_at = (size_t)(strstr(body, "gen_1\"") - body) + 6;

    (void)state;
    for (size_t len = 0; len < sizeof(body); len++) {
        char *prefix = malloc(len + 1); /* of this very size, so that reading past it shows */
        char id[ROW_ID_MAX + 1] = "kept";
        size_t id_len;

        assert_non_null(prefix);
        memcpy(prefix, body, len);
        id_len = answer_peek_id(prefix, len, id, sizeof(id));
        assert_int_equal(id_len, len >= found_at ? 5 : 0);
        assert_string_equal(id, len >= found_at ? "gen_1" : "kept");
        free(prefix);
    }
}

static void recorded_ids_are_peeked(void **state)
{
    size_t len, body_len;
    char *text = read_file(TESTS_DIR "/data/wire/openrouter-chat-tool-call.response.json", &len);
    const char *body = recorded_body(text, len, &body_len);
    char id[ROW_ID_MAX + 1];

    (void)state;
    assert_int_equal(answer_peek_id(body, body_len, id, sizeof(id)), 35);
    assert_string_equal(id, "gen-1762047030-dJUcJW4ildNGqK4UV6iJ");
    free(text);
}

static void only_a_sound_top_level_id_is_peeked(void **state)
{
    static const struct {
        const char *body;
        size_t len;
    } cases[] = {
        {"{\"id\":\"a\"", 1},
        {"{\"id\":\"\"}", 0},
        {"{\"id\":7,\"id\":\"ab\"}", 2},
        {"{\"id\":null}", 0},
        {"[{\"id\":\"a\"}]", 0},
        {"[\"id\",\"a\"]", 0},
        {"{\"id\":\"a\\nb\"}", 0},
        {"{\"id\":\"a b\"}", 0},
        {"{}{\"id\":\"a\"}", 0},
        {"{\"id\"\"a\"}", 0},
        {"\"id\":\"a\"", 0},
        {"{\"x\":\"id\",\"id\":\"abc\"}", 3},
        {"{\"id\":\"abcd\"}", 4},
        {"{\"id\":\"abcdefgh\"}", 0},
        {"}]", 0},
        {"{\"a\":[1,2],\"id\":\"a\"}", 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char id[8] = "";
        size_t len = answer_peek_id(cases[i].body, strlen(cases[i].body), id, sizeof(id));

        if (len != cases[i].len || strlen(id) != len)
            fail_msg("case %s", cases[i].body);
    }
}

static void peeking_is_bounded(void **state)
{
    char *body = malloc(ANSWER_PEEK_MAX + 64);
    char id[ROW_ID_MAX + 1];

    (void)state;
    assert_non_null(body);
    memset(body, ' ', ANSWER_PEEK_MAX + 64);
    body[0] = '{';
    put(body + ANSWER_PEEK_MAX - 8, "\"id\":\"a\"");
    assert_int_equal(answer_peek_id(body, ANSWER_PEEK_MAX + 64, id, sizeof(id)), 1);
    put(body + ANSWER_PEEK_MAX - 8, " \"id\":\"a\"");
    assert_int_equal(answer_peek_id(body, ANSWER_PEEK_MAX + 64, id, sizeof(id)), 0);
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_vercel_stream_replays_with_zeros_and_a_new_id),
        cmocka_unit_test(recorded_plain_answer_keeps_its_shape),
        cmocka_unit_test(recorded_tool_call_keeps_its_own_ids),
        cmocka_unit_test(ids_and_times_change_where_they_mean_the_answer),
        cmocka_unit_test(usage_becomes_zero_in_its_own_type),
        cmocka_unit_test(gateway_costs_become_zero_and_nothing_else_does),
        cmocka_unit_test(router_metadata_vanishes_with_one_comma),
        cmocka_unit_test(what_is_no_json_object_is_replayed_as_it_came),
        cmocka_unit_test(more_edits_than_fit_forbid_storing),
        cmocka_unit_test(wrong_types_everywhere_are_survived),
        cmocka_unit_test(depth_and_size_are_survived),
        cmocka_unit_test(id_is_peeked_from_the_first_prefix_that_holds_it),
        cmocka_unit_test(recorded_ids_are_peeked),
        cmocka_unit_test(only_a_sound_top_level_id_is_peeked),
        cmocka_unit_test(peeking_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
