/* Vectors, in OpenAI's shape as both vendors write it and in the AI SDK's. */
#include "tests/server/dialect/answer_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void assert_replay(enum row_api api, const char *text, const char *expected)
{
    char *out = replay_as(api, false, text);

    assert_string_equal(out, expected);
    free(out);
}

#define DATA                                                                                       \
    "\"data\":[{\"object\":\"embedding\",\"index\":0,\"embedding\":[0.5,-1e-3,0]},{\"object\":"    \
    "\"embedding\",\"index\":1,\"embedding\":\"AAAA\"}]"

#define VERCEL(id, tokens, cost)                                                                   \
    "{\"object\":\"list\"," DATA ",\"model\":\"openai/text-embedding-3-small\",\"usage\":{"        \
    "\"prompt_tokens\":" tokens ",\"total_tokens\":" tokens "},\"providerMetadata\":{\"gateway\":" \
    "{\"routing\":{\"finalProvider\":\"azure\",\"attempts\":[{\"success\":true,"                   \
    "\"credentialType\":\"system\"}]},\"cost\":\"" cost "\",\"marketCost\":\"" cost                \
    "\",\"generationId\":\"" id "\"}}}"

static void vercel_body_has_neither_id_nor_cost_outside_its_metadata(void **state)
{
    static const char body[] = VERCEL("gen_1", "8", "0.00000016");
    struct answer *answer = body_as(API_EMBEDDINGS, body);

    (void)state;
    assert_string_equal(answer->id, "gen_1");
    assert_string_equal(answer->model, "openai/text-embedding-3-small");
    assert_string_equal(answer->provider, "azure");
    assert_string_equal(answer->finish_reason, "");
    assert_int_equal(answer->usage.prompt_tokens, 8);
    assert_int_equal(answer->usage.completion_tokens, USAGE_ABSENT);
    assert_int_equal(answer->byok, 0);
    assert_true(booked_are(answer, "0.00000016", NULL, "0.00000016"));
    assert_true(answer_is_storable(answer, false));
    assert_false(answer_is_storable(answer, true));
    free_answer(answer);
    assert_replay(API_EMBEDDINGS, body, VERCEL(STAMP_ID, "0", "0"));
}

#define OPENROUTER(id, tokens, cost)                                                               \
    "{\"object\":\"list\"," DATA ",\"model\":\"acme/e-1\",\"usage\":{\"prompt_tokens\":" tokens    \
    ",\"total_tokens\":" tokens ",\"cost\":" cost                                                  \
    ",\"is_byok\":false,\"cost_details\":{\"upstream_inference_cost\":" cost                       \
    "},\"prompt_tokens_details\":{\"text_tokens\":" tokens "}},\"provider\":\"Acme\",\"id\":\"" id \
    "\"}"

static void openrouter_body_ends_with_its_id(void **state)
{
    static const char body[] = OPENROUTER("gen-emb-1", "8", "1.6e-7");
    struct answer *answer = body_as(API_EMBEDDINGS, body);

    (void)state;
    assert_string_equal(answer->id, "gen-emb-1");
    assert_string_equal(answer->provider, "Acme");
    assert_int_equal(answer->usage.prompt_tokens, 8);
    assert_true(booked_are(answer, "0.00000016", NULL, NULL));
    assert_true(answer_is_storable(answer, false));
    free_answer(answer);
    assert_replay(API_EMBEDDINGS, body, OPENROUTER(STAMP_ID, "0", "0"));
}

static void a_total_alone_is_the_prompt(void **state)
{
    struct answer *answer = body_as(API_EMBEDDINGS, "{\"usage\":{\"total_tokens\":8}}");

    (void)state;
    assert_int_equal(answer->usage.prompt_tokens, 8);
    free_answer(answer);
    answer = body_as(API_CHAT, "{\"usage\":{\"total_tokens\":8}}");
    assert_int_equal(answer->usage.prompt_tokens, USAGE_ABSENT);
    free_answer(answer);
}

#define SDK(id, tokens, cost)                                                                      \
    "{\"embeddings\":[[0.5,1],[2]],\"usage\":{\"tokens\":" tokens "},\"warnings\":[],"             \
    "\"providerMetadata\":{\"gateway\":{\"routing\":{\"canonicalSlug\":\"acme/e-1\","              \
    "\"finalProvider\":\"acme\",\"modelAttempts\":[{\"success\":false,\"canonicalSlug\":"          \
    "\"acme/e-0\"},{\"success\":true,\"canonicalSlug\":\"acme/e-2\"}]},\"cost\":\"" cost           \
    "\",\"generationId\":\"" id "\"}}}"

static void sdk_body_is_named_by_its_routing(void **state)
{
    static const char body[] = SDK("gen_1", "5", "0.5");
    struct answer *answer = body_as(API_AI_EMBEDDING, body);

    (void)state;
    assert_string_equal(answer->id, "gen_1");
    assert_string_equal(answer->model, "acme/e-2"); /* what served, not what was asked */
    assert_string_equal(answer->provider, "acme");
    assert_int_equal(answer->usage.prompt_tokens, 5);
    assert_true(booked_are(answer, "0.5", NULL, NULL));
    assert_true(answer_is_storable(answer, false));
    free_answer(answer);
    assert_replay(API_AI_EMBEDDING, body, SDK(STAMP_ID, "0", "0"));
}

static void only_good_vectors_are_storable(void **state)
{
    static const struct {
        enum row_api api;
        const char *body;
        bool storable;
    } cases[] = {
        {API_EMBEDDINGS, "{" DATA "}", true},
        {API_EMBEDDINGS, "{" DATA ",\"error\":null}", true},
        {API_EMBEDDINGS, "{" DATA ",\"error\":{\"code\":5}}", false},
        {API_EMBEDDINGS, "{\"data\":[]}", false},
        {API_EMBEDDINGS, "{\"data\":{\"a\":1}}", false},
        {API_EMBEDDINGS, "{\"embeddings\":[[1]]}", false},
        {API_EMBEDDINGS, "{}", false},
        {API_EMBEDDINGS, "[" DATA "]", false},
        {API_AI_EMBEDDING, "{\"embeddings\":[[1]]}", true},
        {API_AI_EMBEDDING, "{\"embeddings\":[],\"usage\":null}", false},
        {API_AI_EMBEDDING, "{" DATA "}", false},
        {API_AI_EMBEDDING, "{\"embeddings\":[[1]],\"error\":{}}", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer *answer = body_as(cases[i].api, cases[i].body);

        if (answer_is_storable(answer, false) != cases[i].storable)
            fail_msg("case %zu: %s", i, cases[i].body);
        assert_false(answer_is_storable(answer, true));
        free_answer(answer);
    }
}

/* A large batch is read, and its tokens are not kept afterwards. */
static void a_large_batch_leaves_no_memory_behind(void **state)
{
    enum { NUMBERS = 200 * 1000 };
    char *body = malloc(NUMBERS * 4 + 256);
    char *at = body;
    struct answer *answer;

    (void)state;
    assert_non_null(body);
    at += sprintf(at, "{\"data\":[{\"embedding\":[");
    for (size_t i = 0; i < NUMBERS; i++)
        at += sprintf(at, i == 0 ? "0.5" : ",0.5");
    strcpy(at, "]}],\"usage\":{\"prompt_tokens\":7}}");
    answer = body_as(API_EMBEDDINGS, body);
    assert_true(answer_is_storable(answer, false));
    assert_int_equal(answer->edit_count, 1);
    assert_true(answer->doc.capacity <= JSON_TOKENS_KEPT);
    free_answer(answer);
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vercel_body_has_neither_id_nor_cost_outside_its_metadata),
        cmocka_unit_test(openrouter_body_ends_with_its_id),
        cmocka_unit_test(a_total_alone_is_the_prompt),
        cmocka_unit_test(sdk_body_is_named_by_its_routing),
        cmocka_unit_test(only_good_vectors_are_storable),
        cmocka_unit_test(a_large_batch_leaves_no_memory_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
