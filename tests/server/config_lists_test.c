/* config_lists_test.c - routes name upstreams that exist, presets hold parameters that a body can
 * take, and a preset's version changes with anything in it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/server/config_support.h"

#define THREE                                                                                      \
    "upstreams: [{name: vercel, dialect: vercel, base_url: 'https://x'}, {name: openrouter, "      \
    "dialect: openrouter, base_url: 'https://x/o'}, {name: other, dialect: openai, base_url: "     \
    "'https://x/z'}]\n"
#define PRESET EXAMPLE "presets:\n  - name: p\n    "

/* Each text follows THREE, so its first line is 2. */
static const struct {
    const char *text, *complaints;
} refused_routes[] = {
    {"routes: [{models: [a]}]\n", "2: routes[0].name is missing; add for example name: claude\n"},
    {"routes: [{name: a}, {name: b}, {name: a}]\n",
     "2: routes[2].name is that of routes[0]; give each its own\n"},
    {"routes: [{name: a, models: b}]\n",
     "2: routes[0].models must be a list of patterns, in which * is any text, such as "
     "[anthropic/*, openai/gpt-5*]\n"},
    {"routes: [{name: a, models: []}]\n",
     "2: routes[0].models is empty; add an element or remove it\n"},
    {"routes: [{name: a, models: [b, {c: d}]}]\n",
     "2: routes[0].models[1] must be a single value, not a list or a mapping\n"},
    {"routes:\n  - name: a\n    models:\n      - b\n      - c d\n      -\n",
     "6: routes[0].models[1] must be a pattern such as anthropic/*: 1 to 256 characters without "
     "spaces, quotes or @preset/\n7: routes[0].models[2] has no value; it must be a pattern such "
     "as anthropic/*: 1 to 256 characters without spaces, quotes or @preset/\n"},
    {"routes: [{name: a, models: [*b]}]\n",
     "2: anchors (&) and aliases (*) are not read; write the value itself, in quotes when it "
     "begins with & or *\n"},
    {"routes: [{name: a, fallback_models: ['b/*']}]\n",
     "2: routes[0].fallback_models[0] must be the id of a model, such as openai/gpt-5-mini: 1 to "
     "256 characters without spaces, quotes, * or @preset/\n"},
    {"routes: [{name: a, fallback_models: [a, b, c, d, e, f, g, h, i, j]}]\n",
     "2: routes[0].fallback_models may have at most 8 elements; remove the rest\n"},
    {"routes:\n  - name: a\n    upstreams: [vercel, opnerouter]\n",
     "4: routes[0].upstreams[1] names no upstream; did you mean openrouter?\n"},
    {"routes: [{name: a, upstreams: [llmgateway]}]\n",
     "2: routes[0].upstreams[0] names no upstream; there are vercel, openrouter, other\n"},
    {"routes: [{name: a, upstreams: [other, vercel, other]}]\n",
     "2: routes[0].upstreams[2] was named before; remove one\n"},
    {"routes: [{name: a, upstreams: [vercel], split: 5%}]\n",
     "2: routes[0].split needs at least two upstreams; name a second one under upstreams or remove "
     "split\n"},
    {"routes: [{name: a, split: 101%}]\n", "2: routes[0].split must be 0% to 100%\n"},
    {"routes: [{name: a, model: x}]\n",
     "2: routes[0].model is not a key; did you mean routes[].models?\n"},
};

static void a_bad_route_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused_routes) / sizeof(refused_routes[0]); i++) {
        char text[1024];
        snprintf(text, sizeof(text), "%s%s", THREE, refused_routes[i].text);
        assert_refused(text, false, refused_routes[i].complaints);
    }
}

static void routes_become_indices(void **state)
{
    struct config *config =
        accept(THREE "routes:\n"
                     "  - {name: claude, models: [anthropic/*], upstreams: [other, vercel], split: "
                     "12.5%, fallback_models: [openai/gpt-5-mini]}\n"
                     "  - {name: rest, providers: ['*']}\n",
               false);
    const struct config_route *claude = &config->route[0], *rest = &config->route[1];
    (void)state;
    assert_int_equal(config->route_count, 2);
    assert_string_equal(claude->name, "claude");
    assert_int_equal(claude->models.count, 1);
    assert_string_equal(claude->models.item[0], "anthropic/*");
    assert_int_equal(claude->providers.count, 0);
    assert_int_equal(claude->upstream_count, 2);
    assert_int_equal(claude->upstream[0], 2);
    assert_int_equal(claude->upstream[1], 0);
    assert_int_equal(claude->split_ppm, 125000);
    assert_string_equal(claude->fallback_models.item[0], "openai/gpt-5-mini");
    assert_int_equal(rest->upstreams.count, 0); /* not stated: all of them, in their order */
    assert_int_equal(rest->upstream_count, 3);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(rest->upstream[i], i);
    assert_int_equal(rest->split_ppm, 0);
    config_free(config);
}

/* Each text follows PRESET, so its first line is 4. */
static const struct {
    const char *text, *complaints;
} refused_presets[] = {
    {"model: a b\n", "4: presets[0].model must be the id of a model, such as openai/gpt-5-mini: 1 "
                     "to 256 characters without spaces, quotes, * or @preset/\n"},
    {"model: '@preset/q'\n",
     "4: presets[0].model must be the id of a model, such as openai/gpt-5-mini: 1 to 256 "
     "characters without spaces, quotes, * or @preset/\n"},
    {"system_prompt: ''\n",
     "4: presets[0].system_prompt must not be empty; write something or remove the line\n"},
    {"system_prompt: [a]\n",
     "4: presets[0].system_prompt must be a single value, not a list or a mapping\n"},
    {"system_prompt: \"a\\0b\"\n",
     "4: presets[0].system_prompt must be under 65536 bytes, none of them zero\n"},
    {"cache_enabled: maybe\n",
     "4: presets[0].cache_enabled must be on or off (or true, false, yes, no)\n"},
    {"cache_ttl_seconds: 0\n", "4: presets[0].cache_ttl_seconds must be 1 to 86400 seconds\n"},
    {"cache_ttl_seconds: soon\n",
     "4: presets[0].cache_ttl_seconds must be whole seconds, or a duration in s, m or h, such as "
     "300; 1 to 86400 seconds\n"},
    {"parameters: a\n", "4: presets[0].parameters must be a mapping, such as { temperature: 0, "
                        "max_tokens: 1000 }\n"},
    {"parameters: [a]\n", "4: presets[0].parameters must be a mapping, such as { temperature: 0, "
                          "max_tokens: 1000 }\n"},
    {"parameters:\n", "4: presets[0].parameters must be a mapping, such as { temperature: 0, "
                      "max_tokens: 1000 }\n"},
    {"parameters:\n      a: 1\n      b: 0x1F\n      c: 010\n      d: .inf\n      e: -.NaN\n"
     "      f: 0o7\n",
     "6: presets[0].parameters: write a number as JSON has it (31, not 031 or 0x1F; none is "
     "infinite), or put it in quotes\n7: presets[0].parameters: write a number as JSON has it (31, "
     "not 031 or 0x1F; none is infinite), or put it in quotes\n8: presets[0].parameters: write a "
     "number as JSON has it (31, not 031 or 0x1F; none is infinite), or put it in quotes\n9: "
     "presets[0].parameters: write a number as JSON has it (31, not 031 or 0x1F; none is "
     "infinite), or put it in quotes\n10: presets[0].parameters: write a number as JSON has it "
     "(31, not 031 or 0x1F; none is infinite), or put it in quotes\n"},
    {"parameters: { logprobs: on }\n",
     "4: presets[0].parameters: on, off, yes and no are ambiguous here; write true or false, or "
     "put the word in quotes\n"},
    {"parameters: { a: &x 1, b: *x }\n",
     "4: anchors (&) and aliases (*) are not read; write the value itself, in quotes when it "
     "begins with & or *\n4: anchors (&) and aliases (*) are not read; write the value itself, in "
     "quotes when it begins with & or *\n"},
    {"parameters: { a: !!str 1 }\n",
     "4: tags (!) are not read; write the value alone, in quotes when it begins with !\n"},
    {"parameters: { [a, b]: 1, ~: 2 }\n",
     "4: presets[0].parameters: a key must be a word, such as temperature\n4: "
     "presets[0].parameters: a key must be a word, such as temperature\n"},
    {"parameters: { a: 1, b: { c: 1, 'c': 2 }, \"a\": 3 }\n",
     "4: presets[0].parameters states \"a\" twice; keep one\n4: presets[0].parameters states "
     "\"c\" twice; keep one\n"},
    {"parameters: { model: a, stream: true }\n",
     "4: presets[0].parameters may not state model: state model beside parameters\n4: "
     "presets[0].parameters may not state stream: only the client knows what it can read\n"},
    {"parameters: { tools: {} }\n", "4: presets[0].parameters: tools must be a list of tools\n"},
    {"fallback_models: [a]\n    parameters: { models: [b] }\n",
     "5: presets[0] states models under parameters and fallback_models, which mean the same; keep "
     "one\n"},
    {"parameters: { a: [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]] }\n",
     "4: presets[0].parameters is nested more than 16 deep; no upstream takes that\n"},
    {"parameters: { a: 1\n", "5: not YAML: did not find expected ',' or '}' while parsing a flow "
                             "mapping from line 4; check the indentation, quotes and brackets "
                             "here\n"},
};

static void a_bad_preset_is_told(void **state)
{
    (void)state;
    assert_refused(EXAMPLE "presets: [{model: a}]\n", false,
                   "2: presets[0].name is missing; add for example name: support\n");
    assert_refused(EXAMPLE "presets: [{name: A}, {name: b}, {name: b}]\n", false,
                   "2: presets[0].name must be 1 to 32 of a-z, 0-9, _ and -\n"
                   "2: presets[2].name is that of presets[1]; give each its own\n");
    for (size_t i = 0; i < sizeof(refused_presets) / sizeof(refused_presets[0]); i++) {
        char text[1024];
        snprintf(text, sizeof(text), "%s%s", PRESET, refused_presets[i].text);
        assert_refused(text, false, refused_presets[i].complaints);
    }
}

static void a_mapping_becomes_json(void **state)
{
    static const char *const pairs[][2] = {
        {"{}", "{}"},
        {"{ a: null, b: ~, c: , d: Null }", "{\"a\":null,\"b\":null,\"c\":null,\"d\":null}"},
        {"{ a: true, b: True, c: FALSE, d: tRUE }",
         "{\"a\":true,\"b\":true,\"c\":false,\"d\":\"tRUE\"}"},
        {"{ a: 'true', b: \"1\", c: '~', d: '' }",
         "{\"a\":\"true\",\"b\":\"1\",\"c\":\"~\",\"d\":\"\"}"},
        {"{ a: 0, b: -0, c: 1.50, d: 1E+05, e: 123456789012345678901234567890 }",
         "{\"a\":0,\"b\":-0,\"c\":1.50,\"d\":1E+05,\"e\":123456789012345678901234567890}"},
        {"{ a: +1, b: .5, c: -.5e1, d: 1., e: 1.e5, f: 0.0 }",
         "{\"a\":1,\"b\":0.5,\"c\":-0.5e1,\"d\":1,\"e\":1e5,\"f\":0.0}"},
        {"{ a: '010', b: 1_000, c: 12:30, d: ., e: +, f: -, g: 1e, h: 1e+, i: e5, j: 0xG, k: 1.2.3 "
         "}",
         "{\"a\":\"010\",\"b\":\"1_000\",\"c\":\"12:30\",\"d\":\".\",\"e\":\"+\",\"f\":\"-\","
         "\"g\":\"1e\",\"h\":\"1e+\",\"i\":\"e5\",\"j\":\"0xG\",\"k\":\"1.2.3\"}"},
        {"{ stop: [\"\\n\", \"\\0\", \"\\\"\", é], logit_bias: { 50256: -100 } }",
         "{\"stop\":[\"\\n\",\"\\u0000\",\"\\\"\",\"é\"],\"logit_bias\":{\"50256\":-100}}"},
        {"{ a: [[], {}, [[{ b: [] }]]], c: { d: {} } }",
         "{\"a\":[[],{},[[{\"b\":[]}]]],\"c\":{\"d\":{}}}"},
        {"{ a: { a: 1 }, b: [{ a: 1 }, { a: 2 }] }",
         "{\"a\":{\"a\":1},\"b\":[{\"a\":1},{\"a\":2}]}"},
        {"\n      provider:\n        order: [bedrock]\n      text: |\n        one\n        two\n",
         "{\"provider\":{\"order\":[\"bedrock\"]},\"text\":\"one\\ntwo\\n\"}"},
        {"{ a: [[[[[[[[[[[[[[[1]]]]]]]]]]]]]]] }", "{\"a\":[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        char text[1024];
        struct config *config;
        snprintf(text, sizeof(text), PRESET "parameters: %s\n", pairs[i][0]);
        config = accept(text, false);
        assert_string_equal(config->preset[0].parameters, pairs[i][1]);
        config_free(config);
    }
}

static void a_preset_keeps_what_it_was_given(void **state)
{
    struct config *config = accept(EXAMPLE "presets:\n"
                                           "  - name: a\n"
                                           "    system_prompt: |\n"
                                           "      You are brief.\n"
                                           "\n"
                                           "      You are \"kind\".\n"
                                           "    cache_enabled: off\n"
                                           "    cache_ttl_seconds: 1h\n"
                                           "    model: openai/gpt-5:nitro\n"
                                           "    fallback_models: [a/b, c]\n"
                                           "  - name: b\n"
                                           "  - {name: c, cache_enabled: yes}\n",
                                   false);
    const struct config_preset *preset = config->preset;
    (void)state;
    assert_int_equal(config->preset_count, 3);
    assert_string_equal(preset[0].system_prompt, "You are brief.\n\nYou are \"kind\".\n");
    assert_int_equal(preset[0].cache_enabled, 0);
    assert_int_equal(preset[0].cache_ttl_s, 3600);
    assert_string_equal(preset[0].model, "openai/gpt-5:nitro");
    assert_int_equal(preset[0].fallback_models.count, 2);
    assert_null(preset[0].parameters);
    assert_int_equal(preset[1].cache_enabled, -1);
    assert_int_equal(preset[1].cache_ttl_s, 0);
    assert_null(preset[1].model);
    assert_null(preset[1].system_prompt);
    assert_int_equal(preset[2].cache_enabled, 1);
    config_free(config);
}

static void version_of(const char *text, char version[17])
{
    char whole[1024];
    struct config *config;
    snprintf(whole, sizeof(whole), EXAMPLE "presets:\n  - { %s }\n", text);
    config = accept(whole, false);
    memcpy(version, config->preset[0].version, 17);
    config_free(config);
    assert_int_equal(strlen(version), 16);
    assert_int_equal(strspn(version, "0123456789abcdef"), 16);
}

static void any_change_is_another_version(void **state)
{
    static const char *const texts[] = {
        "name: a",
        "name: b",
        "name: a, model: m",
        "name: a, system_prompt: m",
        "name: a, fallback_models: [m]",
        "name: a, fallback_models: [m, n]",
        "name: a, fallback_models: [n, m]",
        "name: a, parameters: {}",
        "name: a, parameters: { x: 1 }",
        "name: a, parameters: { x: 1.0 }",
        "name: a, parameters: { x: '1' }",
        "name: a, cache_enabled: on",
        "name: a, cache_enabled: off",
        "name: a, cache_ttl_seconds: 1",
    };
    enum { TEXTS = sizeof(texts) / sizeof(texts[0]) };
    char versions[TEXTS][17], again[17];
    (void)state;
    for (unsigned i = 0; i < TEXTS; i++) {
        version_of(texts[i], versions[i]);
        version_of(texts[i], again);
        assert_string_equal(again, versions[i]);
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(versions[i], versions[j]);
    }
}

static void long_texts_have_a_bound(void **state)
{
    char *text, *prompt = test_malloc(CONFIG_JSON_MAX + 1);
    struct config *config;
    (void)state;
    memset(prompt, 'x', CONFIG_JSON_MAX);
    prompt[CONFIG_JSON_MAX] = '\0';
    assert_true(asprintf(&text, PRESET "system_prompt: %.*s\n", CONFIG_PROSE_MAX - 1, prompt) > 0);
    config = accept(text, false);
    assert_int_equal(strlen(config->preset[0].system_prompt), CONFIG_PROSE_MAX - 1);
    config_free(config);
    free(text);
    assert_true(asprintf(&text, PRESET "system_prompt: %.*s\n", CONFIG_PROSE_MAX, prompt) > 0);
    assert_refused(text, false,
                   "4: presets[0].system_prompt must be under 65536 bytes, none of them zero\n");
    free(text);
    assert_true(asprintf(&text, PRESET "parameters: { a: %.*s }\n", CONFIG_JSON_MAX - 8, prompt) >
                0);
    config = accept(text, false);
    assert_int_equal(strlen(config->preset[0].parameters), CONFIG_JSON_MAX);
    config_free(config);
    free(text);
    assert_true(asprintf(&text, PRESET "parameters: { a: %.*s }\n", CONFIG_JSON_MAX - 7, prompt) >
                0);
    assert_refused(text, false, "4: presets[0].parameters must be at most 256 KiB as JSON\n");
    free(text);
    test_free(prompt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_route_is_told),
        cmocka_unit_test(routes_become_indices),
        cmocka_unit_test(a_bad_preset_is_told),
        cmocka_unit_test(a_mapping_becomes_json),
        cmocka_unit_test(a_preset_keeps_what_it_was_given),
        cmocka_unit_test(any_change_is_another_version),
        cmocka_unit_test(long_texts_have_a_bound),
    };
    return cmocka_run_group_tests_name("config_lists", tests, set_up, tear_down);
}
