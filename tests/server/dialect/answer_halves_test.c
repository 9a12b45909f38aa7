/* Learning from one text and noting another; answers that are only forwarded. */
#include "tests/server/dialect/answer_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct {
    enum row_api api;
    const char *body, *event;
} samples[] = {
    {API_CHAT,
     "{\"id\":\"gen_1\",\"model\":\"m\",\"choices\":[{\"finish_reason\":\"stop\"}],\"usage\":{"
     "\"prompt_tokens\":3,\"cost\":2}}",
     "{\"id\":\"gen_1\",\"model\":\"m\",\"choices\":[{\"finish_reason\":\"stop\"}],\"usage\":{"
     "\"prompt_tokens\":3,\"cost\":2}}"},
    {API_COMPLETIONS,
     "{\"id\":\"gen_1\",\"model\":\"m\",\"choices\":[{\"text\":\"x\",\"finish_reason\":\"stop\"}],"
     "\"usage\":{\"prompt_tokens\":3,\"cost\":2}}",
     "{\"id\":\"gen_1\",\"model\":\"m\",\"choices\":[{\"text\":\"x\",\"finish_reason\":\"stop\"}],"
     "\"usage\":{\"prompt_tokens\":3,\"cost\":2}}"},
    {API_RESPONSES,
     "{\"id\":\"gen_1\",\"model\":\"m\",\"status\":\"completed\",\"output\":[{}],\"usage\":{"
     "\"input_tokens\":3,\"cost\":2}}",
     "{\"type\":\"response.completed\",\"response\":{\"id\":\"gen_1\",\"model\":\"m\",\"status\":"
     "\"completed\",\"output\":[{}],\"usage\":{\"input_tokens\":3,\"cost\":2}}}"},
    {API_MESSAGES,
     "{\"id\":\"gen_1\",\"model\":\"m\",\"stop_reason\":\"stop\",\"content\":[{}],\"usage\":{"
     "\"input_tokens\":3,\"cost\":2}}",
     "{\"type\":\"message_start\",\"message\":{\"id\":\"gen_1\",\"model\":\"m\",\"stop_reason\":"
     "\"stop\",\"content\":[{}],\"usage\":{\"input_tokens\":3,\"cost\":2}}}"},
    {API_AI_LANGUAGE,
     "{\"content\":[{}],\"finishReason\":\"stop\",\"usage\":{\"inputTokens\":3},"
     "\"providerMetadata\":{\"gateway\":{\"generationId\":\"gen_1\",\"gatewayCost\":\"2\","
     "\"routing\":{\"canonicalSlug\":\"m\"}}}}",
     "{\"type\":\"finish\",\"finishReason\":\"stop\",\"usage\":{\"inputTokens\":3},"
     "\"providerMetadata\":{\"gateway\":{\"generationId\":\"gen_1\",\"gatewayCost\":\"2\","
     "\"routing\":{\"canonicalSlug\":\"m\"}}}}"},
};
enum { SAMPLES = sizeof(samples) / sizeof(samples[0]) };

static void assert_learnt(const struct answer *answer)
{
    assert_string_equal(answer->id, "gen_1");
    assert_string_equal(answer->model, "m");
    assert_string_equal(answer->finish_reason, "stop");
    assert_int_equal(answer->usage.prompt_tokens, 3);
    assert_true(booked_are(answer, "2", NULL, NULL));
    assert_false(answer->unreadable);
}

static void learning_takes_facts_and_notes_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) {
        struct answer *answer = new_answer_as(samples[i].api);

        answer_learn_body(answer, samples[i].body, strlen(samples[i].body));
        assert_learnt(answer);
        assert_int_equal(answer->edit_count, 0);
        assert_true(answer_is_storable(answer, false));
        free_answer(answer);
        answer = new_answer_as(samples[i].api);
        answer_learn_event(answer, samples[i].event, strlen(samples[i].event));
        assert_learnt(answer);
        assert_int_equal(answer->edit_count, 0);
        assert_int_equal(answer->events, 1);
        free_answer(answer);
    }
}

static void noting_leaves_the_facts_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) {
        const char *texts[] = {samples[i].body, samples[i].event};

        for (size_t event = 0; event < 2; event++) {
            struct answer *answer = new_answer_as(samples[i].api);
            char *expected = replay_as(samples[i].api, event == 1, texts[event]);
            size_t len;
            char *out;

            if (event == 1)
                answer_note_event(answer, texts[event], strlen(texts[event]));
            else
                answer_note_body(answer, texts[event], strlen(texts[event]));
            out = render(answer, texts[event], strlen(texts[event]), &len);
            assert_string_equal(out, expected); /* the same edits as of reading */
            assert_non_null(strstr(out, STAMP_ID));
            assert_string_equal(answer->id, "");
            assert_string_equal(answer->model, "");
            assert_string_equal(answer->finish_reason, "");
            assert_int_equal(answer->usage.prompt_tokens, USAGE_ABSENT);
            assert_true(booked_are(answer, NULL, NULL, NULL));
            assert_int_equal(answer->events, 0);
            assert_false(answer->has_end);
            assert_false(answer->has_choices);
            assert_false(answer->unreadable);
            free(out);
            free(expected);
            free_answer(answer);
        }
    }
}

static void the_terminal_is_learnt_and_not_noted(void **state)
{
    struct answer *answer = new_answer();

    (void)state;
    answer_note_event(answer, "[DONE]", 6);
    assert_false(answer->has_end);
    assert_false(answer->unreadable);
    answer_learn_event(answer, "[DONE]", 6);
    assert_true(answer->has_end);
    assert_int_equal(answer->events, 0);
    free_answer(answer);
}

/* A replay of it would show what nobody looked at. */
static void what_cannot_be_noted_is_not_storable(void **state)
{
    struct answer *answer = new_answer();

    (void)state;
    answer_learn_body(answer, samples[0].body, strlen(samples[0].body));
    assert_true(answer_is_storable(answer, false));
    answer_note_body(answer, "{\"usage\":{\"cost\":1}", 19);
    assert_int_equal(answer->edit_count, 0);
    assert_false(answer_is_storable(answer, false));
    free_answer(answer);
}

/* --- forwarded only --- */

static const enum row_api forwarded[] = {API_NONE,  API_IMAGES,   API_AUDIO,  API_VIDEOS,
                                         API_FILES, API_AI_OTHER, API_BATCHES};

static void forwarded_answers_tell_what_they_used_and_cost(void **state)
{
    static const char body[] =
        "{\"id\":\"gen_1\",\"model\":\"acme/i-1\",\"provider\":\"Acme\",\"data\":[{\"b64_json\":"
        "\"AAAA\"}],\"usage\":{\"input_tokens\":3,\"output_tokens\":4,\"cost\":0.5},"
        "\"providerMetadata\":{\"gateway\":{\"marketCost\":\"0.25\"}}}";

    (void)state;
    for (size_t i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++) {
        struct answer *answer = body_as(forwarded[i], body);
        bool sdk = forwarded[i] == API_AI_OTHER;

        assert_string_equal(answer->id, "gen_1");
        assert_string_equal(answer->model, "acme/i-1");
        assert_string_equal(answer->provider, "Acme");
        assert_int_equal(answer->usage.prompt_tokens, sdk ? USAGE_ABSENT : 3);
        assert_int_equal(answer->usage.completion_tokens, sdk ? USAGE_ABSENT : 4);
        assert_true(booked_are(answer, "0.5", NULL, "0.25"));
        assert_int_equal(answer->edit_count, 0);
        assert_false(answer_is_storable(answer, false));
        assert_false(answer_is_storable(answer, true));
        free_answer(answer);
    }
}

static void sdk_images_are_counted_in_the_sdks_words(void **state)
{
    struct answer *answer =
        body_as(API_AI_OTHER, "{\"images\":[\"AAAA\"],\"usage\":{\"inputTokens\":3,"
                              "\"outputTokens\":4,\"totalTokens\":7},\"providerMetadata\":{"
                              "\"gateway\":{\"cost\":\"0.5\",\"generationId\":\"gen_1\","
                              "\"routing\":{\"canonicalSlug\":\"acme/i-1\"}}}}");

    (void)state;
    assert_string_equal(answer->id, "gen_1");
    assert_string_equal(answer->model, "acme/i-1");
    assert_int_equal(answer->usage.prompt_tokens, 3);
    assert_int_equal(answer->usage.completion_tokens, 4);
    assert_true(booked_are(answer, "0.5", NULL, NULL));
    free_answer(answer);
}

static void sound_and_films_are_no_fault(void **state)
{
    static const char *const bodies[] = {"ID3\x04\xff\xfb", "", "[1]", "<html>", "{\"id\":"};

    (void)state;
    for (size_t i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++) {
        for (size_t j = 0; j < sizeof(bodies) / sizeof(bodies[0]); j++) {
            struct answer *answer = body_as(forwarded[i], bodies[j]);

            answer_note_body(answer, bodies[j], strlen(bodies[j]));
            answer_read_event(answer, bodies[j], strlen(bodies[j]));
            assert_false(answer->unreadable);
            assert_false(answer->has_error);
            assert_int_equal(answer->edit_count, 0);
            assert_false(answer_is_storable(answer, false));
            free_answer(answer);
        }
    }
}

static void forwarded_streams_end_and_fail_visibly(void **state)
{
    static const char *const events[] = {
        "{\"type\":\"result\",\"videos\":[],\"providerMetadata\":{\"gateway\":{\"cost\":\"3\"}}}",
        "{\"type\":\"error\",\"message\":\"m\",\"statusCode\":500}",
        "[DONE]",
    };
    struct answer *answer = stream_as(API_AI_OTHER, events, 1);

    (void)state;
    assert_true(booked_are(answer, "3", NULL, NULL));
    assert_false(answer->has_error);
    assert_false(answer->has_end);
    free_answer(answer);
    answer = stream_as(API_AI_OTHER, events, 3);
    assert_true(answer->has_error);
    assert_true(answer->has_end);
    free_answer(answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(learning_takes_facts_and_notes_nothing),
        cmocka_unit_test(noting_leaves_the_facts_alone),
        cmocka_unit_test(the_terminal_is_learnt_and_not_noted),
        cmocka_unit_test(what_cannot_be_noted_is_not_storable),
        cmocka_unit_test(forwarded_answers_tell_what_they_used_and_cost),
        cmocka_unit_test(sdk_images_are_counted_in_the_sdks_words),
        cmocka_unit_test(sound_and_films_are_no_fault),
        cmocka_unit_test(forwarded_streams_end_and_fail_visibly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
