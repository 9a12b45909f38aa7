/* What a request may cost at most, and asking that nothing of it be kept. */
#include "server/request.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { LIMIT = 65536 };

static struct estimate_bounds bound(enum row_api api, const char *json)
{
    struct request_extent extent = {.api = api, .body = text_of(json), .output_tokens = LIMIT};
    struct estimate_bounds bounds;
    struct json_doc doc;

    json_doc_init(&doc);
    assert_int_equal(json_parse(&doc, json, strlen(json), NULL), 0);
    extent.doc = &doc;
    bounds = request_bound(&extent);
    json_doc_release(&doc);
    return bounds;
}

/* Beside the body's own bytes. */
static int64_t brought_in(const char *json)
{
    return bound(API_CHAT, json).prompt_tokens_max - (int64_t)strlen(json);
}

static void the_answers_bound_is_found_under_its_apis_name(void **state)
{
    static const struct {
        enum row_api api;
        const char *json;
        int64_t most;
    } cases[] = {
        {API_CHAT, "{}", LIMIT},
        {API_CHAT, "{\"max_tokens\":7}", 7},
        {API_CHAT, "{\"max_completion_tokens\":8,\"max_tokens\":7}", 8},
        {API_CHAT, "{\"max_output_tokens\":9}", LIMIT},
        {API_RESPONSES, "{\"max_output_tokens\":9}", 9},
        {API_RESPONSES, "{\"max_tokens\":9}", LIMIT},
        {API_MESSAGES, "{\"max_tokens\":9}", 9},
        {API_AI_LANGUAGE, "{\"maxOutputTokens\":10}", 10},
        {API_IMAGES, "{\"max_tokens\":10}", LIMIT},
        {API_CHAT, "{\"max_tokens\":0}", LIMIT},
        {API_CHAT, "{\"max_tokens\":-1}", LIMIT},
        {API_CHAT, "{\"max_tokens\":null}", LIMIT},
        {API_CHAT, "{\"max_tokens\":\"7\"}", LIMIT},
        {API_CHAT, "{\"max_tokens\":1e30}", INT64_MAX},
        {API_CHAT, "{\"max_tokens\":9223372036854775807,\"n\":2}", INT64_MAX},
        {API_EMBEDDINGS, "{\"max_tokens\":7}", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t most = bound(cases[i].api, cases[i].json).output_tokens_max;
        if (most != cases[i].most)
            fail_msg("%s: %lld", cases[i].json, (long long)most);
    }
}

static void every_choice_of_every_prompt_has_its_answer(void **state)
{
    static const struct {
        const char *json;
        int64_t most;
    } cases[] = {
        {"{\"max_tokens\":7,\"n\":3}", 21},
        {"{\"n\":100}", (int64_t)100 * LIMIT},
        {"{\"max_tokens\":7,\"n\":3,\"best_of\":5}", 35},
        {"{\"max_tokens\":7,\"n\":0}", 7},
        {"{\"max_tokens\":7,\"prompt\":[\"a\",\"b\",[1,2]]}", 21},
        {"{\"max_tokens\":7,\"prompt\":[1,2,3]}", 7},
        {"{\"max_tokens\":7,\"prompt\":[]}", 7},
        {"{\"max_tokens\":7,\"prompt\":[\"a\",\"b\"],\"best_of\":2}", 28},
        {"{\"max_tokens\":7,\"providerOptions\":{\"google\":{\"candidateCount\":4}}}", 28},
        {"{\"max_tokens\":7,\"n\":2,\"reasoning\":{\"max_tokens\":10}}", 34},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct estimate_bounds got = bound(API_COMPLETIONS, cases[i].json);
        if (got.output_tokens_max != cases[i].most)
            fail_msg("%s: %lld", cases[i].json, (long long)got.output_tokens_max);
    }
    assert_int_equal(bound(API_IMAGES, "{\"n\":3}").images_max, 3 * REQUEST_PICTURES);
}

static void thinking_comes_on_top_of_the_answer(void **state)
{
    static const struct {
        const char *json;
        int64_t more;
    } cases[] = {
        {"{\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":5000}}", 5000},
        {"{\"providerOptions\":{\"anthropic\":{\"thinking\":{\"budgetTokens\":6000}}}}", 6000},
        {"{\"providerOptions\":{\"google\":{\"thinkingConfig\":{\"thinkingBudget\":7}}}}", 7},
        {"{\"reasoning\":{\"max_tokens\":8}}", 8},
        {"{\"thinking\":{\"type\":\"enabled\"}}", REQUEST_THINKING_TOKENS},
        {"{\"reasoning\":{\"effort\":\"high\"}}", 0},
        {"{\"\\u0072easoning\":{\"max_tokens\":8}}", 8},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t more = bound(API_CHAT, cases[i].json).output_tokens_max - LIMIT;
        if (more != cases[i].more)
            fail_msg("%s: %lld", cases[i].json, (long long)more);
    }
}

static void what_may_search_is_seen(void **state)
{
    static const struct {
        const char *json;
        int64_t most;
    } cases[] = {
        {"{\"model\":\"a/b\"}", 0},
        {"{\"messages\":[{\"content\":\"a web search\"}]}", 0},
        {"{\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"search_docs\"}}]}", 0},
        {"{\"web_search_options\":null}", 0},
        {"{\"model\":\"a/b:online\"}", REQUEST_SEARCHES},
        {"{\"model\":\"perplexity/sonar\"}", REQUEST_SEARCHES},
        {"{\"plugins\":[{\"id\":\"web\"}]}", REQUEST_SEARCHES},
        {"{\"plugins\":[{\"id\":\"\\u0077eb\"}]}", REQUEST_SEARCHES},
        {"{\"plugins\":[{\"id\":\"fusion\"}]}", REQUEST_SEARCHES},
        {"{\"tools\":[{\"type\":\"web_search_20250305\"}]}", REQUEST_SEARCHES},
        {"{\"tools\":[{\"type\":\"vercel:perplexity_search\"}]}", REQUEST_SEARCHES},
        {"{\"tools\":[{\"type\":\"vercel:tako_search\"}]}", REQUEST_SEARCHES},
        {"{\"tools\":[{\"googleSearch\":{}}]}", REQUEST_SEARCHES},
        {"{\"web_search_options\":{}}", REQUEST_SEARCHES},
        {"{\"tools\":[{\"type\":\"web_search\",\"max_uses\":3}]}", REQUEST_SEARCHES},
        {"{\"tools\":[{\"type\":\"web_search\",\"max_uses\":30},{\"max_uses\":4}]}", 34},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t most = bound(API_CHAT, cases[i].json).searches_max;
        if (most != cases[i].most)
            fail_msg("%s: %lld", cases[i].json, (long long)most);
        assert_int_equal(brought_in(cases[i].json), most > 0 ? REQUEST_SEARCHED_TOKENS : 0);
    }
}

static void what_a_body_points_at_counts_as_what_it_may_be(void **state)
{
    static const struct {
        const char *json;
        int64_t more;
    } cases[] = {
        {"{\"a\":\"no link: http://x\"}", 0},
        {"{\"http://x\":1}", 0},
        {"[\"http://a\",\"https://b\"]", 2 * REQUEST_LINK_TOKENS},
        {"[\"HTTPS://a/b.png\"]", REQUEST_LINK_TOKENS},
        {"[\"\\u0068ttps:\\/\\/a\"]", REQUEST_LINK_TOKENS},
        {"[\"  \\nhttp://a\"]", REQUEST_LINK_TOKENS},
        {"[\"gs://bucket/film.mp4\"]", REQUEST_LINK_TOKENS},
        {"[\"data:image/png;base64,AAAA\"]", REQUEST_PICTURE_TOKENS},
        {"[\"data:application/pdf;base64,AAAA\"]", REQUEST_LINK_TOKENS},
        {"[\"data: see below\"]", 0},
        {"{\"source\":{\"media_type\":\"image/png\",\"data\":\"AAAA\"}}", REQUEST_PICTURE_TOKENS},
        {"{\"mediaType\":\"application/pdf\",\"data\":\"AAAA\"}", REQUEST_LINK_TOKENS},
        {"{\"file_id\":\"file-1\"}", REQUEST_STORED_TOKENS},
        {"{\"file\":{\"file_id\":\"file-1\"}}", REQUEST_STORED_TOKENS},
        {"{\"file\":{\"file_data\":\"AAAA\"}}", 0},
        {"{\"file\":\"file-1\"}", REQUEST_STORED_TOKENS},
        {"{\"previous_response_id\":\"resp_1\"}", REQUEST_STORED_TOKENS},
        {"{\"previous_response_id\":null}", 0},
        {"{\"conversation\":{\"id\":\"conv_1\"}}", REQUEST_STORED_TOKENS},
        {"{\"prompt\":{\"id\":\"pmpt_1\"}}", REQUEST_STORED_TOKENS},
        {"{\"prompt\":\"a\"}", 0},
        {"{\"vector_store_ids\":[\"a\",\"b\"]}", 2 * REQUEST_STORED_TOKENS},
        {"[{\"type\":\"item_reference\",\"id\":\"m\"}]", REQUEST_STORED_TOKENS},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t more = brought_in(cases[i].json);
        if (more != cases[i].more)
            fail_msg("%s: %lld", cases[i].json, (long long)more);
    }
}

static void what_is_no_json_does_not_say_how_much(void **state)
{
    struct request_extent extent = {
        .api = API_IMAGES,
        .content_type = TEXT("multipart/form-data; boundary=b"),
        .body = TEXT("--b\r\nContent-Disposition: form-data; name=\"n\"\r\n\r\n3\r\n--b--\r\n"),
        .output_tokens = LIMIT,
    };
    struct estimate_bounds bounds = request_bound(&extent);

    (void)state;
    assert_int_equal(bounds.output_tokens_max, 3 * LIMIT);
    assert_int_equal(bounds.images_max, 3 * REQUEST_PICTURES);
    assert_true(bounds.prompt_tokens_max >= REQUEST_PICTURE_TOKENS + (int64_t)extent.body.len);
    extent.content_type = TEXT("audio/mpeg");
    assert_int_equal(request_bound(&extent).output_tokens_max, LIMIT);
}

static void files_and_batches_use_nothing_by_themselves(void **state)
{
    struct estimate_bounds bounds = bound(API_BATCHES, "{\"input_file_id\":\"f\",\"n\":3}");

    (void)state;
    assert_int_equal(bounds.prompt_tokens_max, 0);
    assert_int_equal(bounds.output_tokens_max, 0);
    assert_int_equal(bounds.searches_max, 0);
    assert_int_equal(bounds.images_max, 0);
    assert_int_equal(bound(API_FILES, "{}").prompt_tokens_max, 0);
}

static void service_tiers_are_seen(void **state)
{
    static const struct {
        const char *json, *tier;
    } cases[] = {
        {"{\"service_tier\":\"flex\"}", "flex"},
        {"{\"speed\":\"fast\"}", "fast"},
        {"{\"service_tier\":7}", ""},
        {"{\"service_tier\":\"0123456789012345678901234567890123456789\"}", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char tags[ROW_TAGS_BYTES_MAX];
        struct request_body body;
        const char *detail;
        struct json_doc doc;

        json_doc_init(&doc);
        assert_int_equal(json_parse(&doc, cases[i].json, strlen(cases[i].json), NULL), 0);
        assert_int_equal(request_read_body(&doc, &body, tags, &detail), 0);
        assert_string_equal(body.service_tier, cases[i].tier);
        json_doc_release(&doc);
    }
}

static void zdr_is_asked_for_in_each_dialects_words(void **state)
{
    static const struct {
        enum config_dialect dialect;
        const char *json, *asking; /* NULL: it cannot be asked */
    } cases[] = {
        {DIALECT_OPENROUTER, "{}", "{\"provider\":{\"zdr\":true}}"},
        {DIALECT_OPENROUTER, "{ \"a\" : 1.0 }", "{\"a\":1.0,\"provider\":{\"zdr\":true}}"},
        {DIALECT_OPENROUTER, "{\"provider\":{\"zdr\":false,\"only\":[\"x\"]},\"b\":2}",
         "{\"b\":2,\"provider\":{\"only\":[\"x\"],\"zdr\":true}}"},
        {DIALECT_OPENROUTER, "{\"provider\":null}", "{\"provider\":{\"zdr\":true}}"},
        {DIALECT_OPENROUTER, "{\"provider\":[]}", NULL},
        {DIALECT_VERCEL, "{\"a\":1}",
         "{\"a\":1,\"providerOptions\":{\"gateway\":{\"zeroDataRetention\":true}}}"},
        {DIALECT_VERCEL,
         "{\"providerOptions\":{\"openai\":{},\"gateway\":{\"order\":[\"z\"],"
         "\"zeroDataRetention\":false}}}",
         "{\"providerOptions\":{\"openai\":{},\"gateway\":{\"order\":[\"z\"],"
         "\"zeroDataRetention\":true}}}"},
        {DIALECT_VERCEL, "{\"providerOptions\":7}", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct out out = OUT_INIT;
        struct json_doc doc;
        int result;

        json_doc_init(&doc);
        assert_int_equal(json_parse(&doc, cases[i].json, strlen(cases[i].json), NULL), 0);
        result = request_ask_zdr(&doc, cases[i].dialect, &out);
        assert_int_equal(result, cases[i].asking != NULL ? 0 : -EINVAL);
        if (cases[i].asking != NULL && (out.len != strlen(cases[i].asking) ||
                                        memcmp(out.bytes, cases[i].asking, out.len) != 0))
            fail_msg("%s: %.*s", cases[i].json, (int)out.len, out.bytes);
        out_release(&out);
        json_doc_release(&doc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_answers_bound_is_found_under_its_apis_name),
        cmocka_unit_test(every_choice_of_every_prompt_has_its_answer),
        cmocka_unit_test(thinking_comes_on_top_of_the_answer),
        cmocka_unit_test(what_may_search_is_seen),
        cmocka_unit_test(what_a_body_points_at_counts_as_what_it_may_be),
        cmocka_unit_test(what_is_no_json_does_not_say_how_much),
        cmocka_unit_test(files_and_batches_use_nothing_by_themselves),
        cmocka_unit_test(service_tiers_are_seen),
        cmocka_unit_test(zdr_is_asked_for_in_each_dialects_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
