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

static struct request_body read_body(const char *json)
{
    char tags[ROW_TAGS_BYTES_MAX];
    struct request_body body;
    const char *detail;
    struct json_doc doc;

    json_doc_init(&doc);
    assert_int_equal(json_parse(&doc, json, strlen(json), NULL), 0);
    assert_int_equal(request_read_body(&doc, &body, tags, &detail), 0);
    json_doc_release(&doc);
    return body;
}

static void the_answers_bound_is_found_under_every_name(void **state)
{
    static const struct {
        const char *json;
        int64_t most;
    } cases[] = {
        {"{}", -1},
        {"{\"max_tokens\":7}", 7},
        {"{\"max_completion_tokens\":8,\"max_tokens\":7}", 8},
        {"{\"max_output_tokens\":9}", 9},
        {"{\"maxOutputTokens\":10}", 10},
        {"{\"max_tokens\":7,\"n\":3}", 21},
        {"{\"max_tokens\":0}", 0},
        {"{\"max_tokens\":-1}", -1},
        {"{\"max_tokens\":null}", -1},
        {"{\"max_tokens\":\"7\"}", -1},
        {"{\"max_tokens\":9223372036854775807,\"n\":2}", INT64_MAX},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t most = read_body(cases[i].json).output_max;
        if (most != cases[i].most)
            fail_msg("%s: %lld", cases[i].json, (long long)most);
    }
}

static void service_tiers_and_searches_are_seen(void **state)
{
    (void)state;
    assert_string_equal(read_body("{\"service_tier\":\"flex\"}").service_tier, "flex");
    assert_string_equal(read_body("{\"speed\":\"fast\"}").service_tier, "fast");
    assert_string_equal(read_body("{\"service_tier\":7}").service_tier, "");
    assert_string_equal(
        read_body("{\"service_tier\":\"0123456789012345678901234567890123456789\"}").service_tier,
        "");
    assert_false(read_body("{\"model\":\"a/b\"}").searches);
    assert_true(read_body("{\"model\":\"a/b:online\"}").searches);
    assert_true(read_body("{\"plugins\":[{\"id\":\"web\"}]}").searches);
    assert_true(read_body("{\"tools\":[{\"type\":\"web_search_20250305\"}]}").searches);
}

static void a_link_counts_as_what_it_may_bring(void **state)
{
    static const char plain[] = "{\"a\":\"no link: http://x\"}";
    static const char linked[] = "[\"http://a\",\"https://b\"]";

    (void)state;
    assert_int_equal(request_prompt_bound(text_of(plain)), sizeof plain - 1);
    assert_int_equal(request_prompt_bound(text_of(linked)),
                     (int64_t)sizeof linked - 1 + 2 * REQUEST_LINK_TOKENS);
    assert_int_equal(request_prompt_bound((struct text){NULL, 0}), 0);
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
        cmocka_unit_test(the_answers_bound_is_found_under_every_name),
        cmocka_unit_test(service_tiers_and_searches_are_seen),
        cmocka_unit_test(a_link_counts_as_what_it_may_bring),
        cmocka_unit_test(zdr_is_asked_for_in_each_dialects_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
