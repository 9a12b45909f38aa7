/* preset_test.c - which preset a body names, and the body that comes of it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/preset.h"

static struct config config = {
    .preset = {{.name = "support", .model = "openai/gpt-5-mini", .version = "0123456789abcdef"},
               {.name = "bare", .version = "fedcba9876543210"}},
    .preset_count = 2,
};

static void a_body_names_its_preset(void **state)
{
    static const struct {
        const char *body, *preset, *model, *detail;
    } cases[] = {
        {"{}", NULL, "", ""},
        {"{\"model\":\"a/b\"}", NULL, "a/b", ""},
        {"{\"model\":\"a/b:free\",\"preset\":null}", NULL, "a/b:free", ""},
        {"{\"model\":null}", NULL, "", ""},
        {"{\"model\":7}", NULL, "", ""},
        {"{\"model\":\"@preset/support\"}", "support", "openai/gpt-5-mini", ""},
        {"{\"model\":\"@preset/bare\"}", "bare", "", ""},
        {"{\"model\":\"a/b@preset/support\"}", "support", "a/b", ""},
        {"{\"model\":\"a/b:nitro@preset/bare\"}", "bare", "a/b:nitro", ""},
        {"{\"preset\":\"support\"}", "support", "openai/gpt-5-mini", ""},
        {"{\"preset\":\"support\",\"model\":\"a/b\"}", "support", "a/b", ""},
        {"{\"preset\":\"\\u0073upport\",\"model\":\"a\\/b@preset\\/support\"}", "support", "a/b",
         ""},
        {"{\"preset\":\"bare\",\"preset\":\"support\"}", "support", "openai/gpt-5-mini", ""},
        {"{\"preset\":\"bare\",\"model\":\"@preset/support\"}", NULL, "",
         "model and preset name two different presets; name one."},
        {"{\"preset\":\"\"}", NULL, "", "There is no preset of that name."},
        {"{\"preset\":\"\",\"model\":\"a@preset/support\"}", NULL, "",
         "model and preset name two different presets; name one."},
        {"{\"preset\":\"Support\"}", NULL, "", "There is no preset \"Support\"."},
        {"{\"preset\":\"supporting\"}", NULL, "", "There is no preset \"supporting\"."},
        {"{\"model\":\"a@preset/\"}", NULL, "", "There is no preset of that name."},
        {"{\"model\":\"a@preset/x\\u001b[0m\"}", NULL, "", "There is no preset of that name."},
        {"{\"model\":\"@preset/support@preset/support\"}", NULL, "",
         "There is no preset of that name."},
        {"{\"preset\":7}", NULL, "", "preset must be a string, the name of a preset."},
        {"{\"preset\":[\"support\"]}", NULL, "", "preset must be a string, the name of a preset."},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct preset_choice choice;
        struct json_doc doc;
        json_doc_init(&doc);
        assert_int_equal(json_parse(&doc, cases[i].body, strlen(cases[i].body), NULL), 0);
        preset_choose(&config, &doc, &choice);
        json_doc_release(&doc);
        assert_string_equal(choice.detail, cases[i].detail);
        assert_string_equal(choice.model, cases[i].model);
        if (cases[i].preset == NULL)
            assert_null(choice.preset);
        else
            assert_string_equal(choice.preset->name, cases[i].preset);
    }
}

static void a_model_that_is_too_long_is_told(void **state)
{
    char body[2048], model[1100];
    struct preset_choice choice;
    struct json_doc doc;
    (void)state;
    memset(model, 'm', sizeof(model));
    json_doc_init(&doc);
    snprintf(body, sizeof(body), "{\"model\":\"%.257s@preset/bare\"}", model);
    assert_int_equal(json_parse(&doc, body, strlen(body), NULL), 0);
    preset_choose(&config, &doc, &choice);
    assert_string_equal(choice.detail, "model is longer than 256 bytes.");
    assert_null(choice.preset);
    snprintf(body, sizeof(body), "{\"model\":\"%.256s@preset/bare\"}", model);
    assert_int_equal(json_parse(&doc, body, strlen(body), NULL), 0);
    preset_choose(&config, &doc, &choice);
    assert_string_equal(choice.detail, "");
    assert_int_equal(strlen(choice.model), 256);
    json_doc_release(&doc);
}

static void the_key_part_is_name_and_version(void **state)
{
    char text[PRESET_KEY_PART_MAX];
    (void)state;
    assert_int_equal(preset_key_part(&config.preset[0], text), 7 + 1 + 16);
    assert_memory_equal(text, "support\0000123456789abcdef", 24);
}

static void assert_merged(enum row_api api, const char *prompt, const char *parameters,
                          const char *model, const char *body, const char *want)
{
    /* config_free() would free what is borrowed here; nothing does. */
    struct config_preset preset = {.name = "p",
                                   .system_prompt = (char *)(uintptr_t)prompt,
                                   .parameters = (char *)(uintptr_t)parameters};
    const char *detail = NULL;
    struct out out = OUT_INIT;
    struct json_doc doc;
    int error;
    json_doc_init(&doc);
    assert_int_equal(json_parse(&doc, body, strlen(body), NULL), 0);
    error = preset_merge(&preset, api, &doc, model, &out, &detail);
    if (error == 0) {
        out_char(&out, '\0');
        assert_null(detail);
        assert_string_equal(out.bytes, want);
    } else {
        assert_int_equal(error, -EINVAL);
        assert_string_equal(detail, want);
    }
    out_release(&out);
    json_doc_release(&doc);
}

struct merged {
    enum row_api api;
    const char *prompt, *parameters, *model, *body, *want;
};

static void assert_all_merged(const struct merged *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_merged(cases[i].api, cases[i].prompt, cases[i].parameters, cases[i].model,
                      cases[i].body, cases[i].want);
}

static void the_request_overrides_member_by_member(void **state)
{
    static const struct merged cases[] = {
        {API_CHAT, NULL, NULL, "a/b", "{}", "{\"model\":\"a/b\"}"},
        {API_CHAT, NULL, NULL, "", "{}", "{}"},
        {API_CHAT, NULL, NULL, "a/b", "{\"x\": 1.0 , \"model\" : \"@preset/p\",\"y\":[ ]}",
         "{\"x\": 1.0,\"model\":\"a/b\",\"y\":[ ]}"},
        {API_CHAT, NULL, NULL, "a/b", "{\"preset\":\"p\",\"x\":1,\"preset\":\"p\"}",
         "{\"x\":1,\"model\":\"a/b\"}"},
        {API_CHAT, NULL, NULL, "", "{\"model\":\"@preset/p\"}", "{}"},
        {API_CHAT, NULL, "{\"temperature\":0,\"top_p\":0.50}", "m",
         "{\"messages\":[],\"temperature\":1e0}",
         "{\"messages\":[],\"temperature\":1e0,\"model\":\"m\",\"top_p\":0.50}"},
        {API_CHAT, NULL, "{\"temperature\":0}", "m", "{\"temperature\":null}",
         "{\"temperature\":null,\"model\":\"m\"}"},
        {API_CHAT, NULL, "{\"provider\":{\"order\":[\"a\"],\"zdr\":true}}", "m",
         "{\"provider\":{\"order\":[\"b\"]}}",
         "{\"provider\":{\"order\":[\"b\"]},\"model\":\"m\"}"},
        {API_CHAT, NULL, "{\"seed\":1,\"a\\\"b\":2}", "m", "{\"\\u0073eed\":7,\"a\\u0022b\":8}",
         "{\"\\u0073eed\":7,\"a\\u0022b\":8,\"model\":\"m\"}"},
        {API_CHAT, NULL, "{\"seed\":1}", "m", "{\"seed\":2,\"seed\":3}",
         "{\"seed\":2,\"seed\":3,\"model\":\"m\"}"},
        {API_EMBEDDINGS, NULL, "{\"dimensions\":256}", "m", "{\"input\":\"x\"}",
         "{\"input\":\"x\",\"model\":\"m\",\"dimensions\":256}"},
        {API_COMPLETIONS, NULL, "{\"max_tokens\":9}", "m", "{\"prompt\":\"x\"}",
         "{\"prompt\":\"x\",\"model\":\"m\",\"max_tokens\":9}"},
    };
    (void)state;
    assert_all_merged(cases, sizeof(cases) / sizeof(cases[0]));
}

static void one_limit_has_many_names(void **state)
{
    static const struct merged cases[] = {
        {API_CHAT, NULL, "{\"max_tokens\":9}", "m", "{\"max_completion_tokens\":5}",
         "{\"max_completion_tokens\":5,\"model\":\"m\"}"},
        {API_CHAT, NULL, "{\"max_output_tokens\":9}", "m", "{}",
         "{\"model\":\"m\",\"max_tokens\":9}"},
        {API_CHAT, NULL, "{\"max_completion_tokens\":9}", "m", "{}",
         "{\"model\":\"m\",\"max_completion_tokens\":9}"},
        {API_RESPONSES, NULL, "{\"max_tokens\":9,\"max_completion_tokens\":8}", "m", "{}",
         "{\"model\":\"m\",\"max_output_tokens\":9}"},
        {API_RESPONSES, NULL, "{\"max_tokens\":9}", "m", "{\"max_output_tokens\":5}",
         "{\"max_output_tokens\":5,\"model\":\"m\"}"},
        {API_MESSAGES, NULL, "{\"max_completion_tokens\":9,\"stop\":\"x\"}", "m", "{}",
         "{\"model\":\"m\",\"max_tokens\":9,\"stop_sequences\":[\"x\"]}"},
        {API_MESSAGES, NULL, "{\"stop\":[\"x\"]}", "m", "{}",
         "{\"model\":\"m\",\"stop_sequences\":[\"x\"]}"},
        {API_CHAT, NULL, "{\"stop_sequences\":[\"x\"]}", "m", "{}",
         "{\"model\":\"m\",\"stop\":[\"x\"]}"},
        {API_CHAT, NULL, "{\"reasoning\":{\"effort\":\"high\"}}", "m",
         "{\"reasoning_effort\":\"low\"}", "{\"reasoning_effort\":\"low\",\"model\":\"m\"}"},
        {API_MESSAGES, NULL, "{\"reasoning\":{\"effort\":\"high\"}}", "m",
         "{\"thinking\":{\"type\":\"disabled\"}}",
         "{\"thinking\":{\"type\":\"disabled\"},\"model\":\"m\"}"},
        {API_CHAT, NULL, "{\"models\":[\"a\"]}", "m", "{\"models\":[]}",
         "{\"models\":[],\"model\":\"m\"}"},
    };
    (void)state;
    assert_all_merged(cases, sizeof(cases) / sizeof(cases[0]));
}

static void the_system_prompt_comes_first(void **state)
{
    static const struct merged cases[] = {
        {API_CHAT, "Be \"kind\".\n", NULL, "m", "{\"messages\":[ {\"role\":\"user\"} ]}",
         "{\"messages\":[{\"role\":\"system\",\"content\":\"Be \\\"kind\\\".\\n\"}, "
         "{\"role\":\"user\"} ],\"model\":\"m\"}"},
        {API_CHAT, "P", NULL, "m", "{\"messages\":[]}",
         "{\"messages\":[{\"role\":\"system\",\"content\":\"P\"}],\"model\":\"m\"}"},
        {API_CHAT, "P", NULL, "m", "{\"messages\":[1],\"messages\":[2]}",
         "{\"messages\":[1],\"messages\":[{\"role\":\"system\",\"content\":\"P\"},2],\"model\":"
         "\"m\"}"},
        {API_CHAT, "P", NULL, "m", "{}", "{\"model\":\"m\"}"},
        {API_CHAT, "P", NULL, "m", "{\"prompt\":null}", "{\"prompt\":null,\"model\":\"m\"}"},
        {API_CHAT, "P", NULL, "m", "{\"prompt\":\"x\"}",
         "The preset's system prompt needs `messages`."},
        {API_CHAT, "P", "{\"prompt\":\"y\"}", "m", "{}",
         "The preset's system prompt needs `messages`."},
        {API_CHAT, NULL, NULL, "m", "{\"prompt\":\"x\"}", "{\"prompt\":\"x\",\"model\":\"m\"}"},
        {API_CHAT, "P", NULL, "m", "{\"messages\":\"x\"}", "messages must be an array."},
        {API_MESSAGES, "P", NULL, "m", "{\"messages\":[]}",
         "{\"messages\":[],\"model\":\"m\",\"system\":\"P\"}"},
        {API_MESSAGES, "P", NULL, "m", "{\"system\":\"\\u0051\"}",
         "{\"system\":\"P\\n\\n\\u0051\",\"model\":\"m\"}"},
        {API_MESSAGES, "P", NULL, "m", "{\"system\":null}", "{\"system\":\"P\",\"model\":\"m\"}"},
        {API_MESSAGES, "P", NULL, "m", "{\"system\":[{\"type\":\"text\",\"text\":\"Q\"}]}",
         "{\"system\":[{\"type\":\"text\",\"text\":\"P\"},{\"type\":\"text\",\"text\":\"Q\"}],"
         "\"model\":\"m\"}"},
        {API_MESSAGES, "P", NULL, "m", "{\"system\":7}",
         "system must be a string or an array of text blocks."},
        {API_RESPONSES, "P", "{\"temperature\":0}", "m", "{\"input\":\"x\"}",
         "{\"input\":\"x\",\"model\":\"m\",\"instructions\":\"P\",\"temperature\":0}"},
        {API_RESPONSES, "P", NULL, "m", "{\"instructions\":\"Q\"}",
         "{\"instructions\":\"P\\n\\nQ\",\"model\":\"m\"}"},
        {API_RESPONSES, "P", NULL, "m", "{\"instructions\":[]}", "instructions must be a string."},
        {API_EMBEDDINGS, "P", NULL, "m", "{}",
         "The preset has a system prompt, which has no place in this endpoint."},
        {API_COMPLETIONS, "P", NULL, "m", "{}",
         "The preset has a system prompt, which has no place in this endpoint."},
    };
    (void)state;
    assert_all_merged(cases, sizeof(cases) / sizeof(cases[0]));
}

#define F(name, rest) "{\"type\":\"function\",\"function\":{\"name\":\"" name "\"" rest "}}"

static void tools_are_united_by_identity(void **state)
{
    static const struct merged cases[] = {
        {API_CHAT, NULL, "{\"tools\":[" F("a", "") "]}", "m", "{}",
         "{\"model\":\"m\",\"tools\":[" F("a", "") "]}"},
        {API_CHAT, NULL, "{\"tools\":[" F("a", "") "," F("b", "") "]}", "m",
         "{\"tools\":[ " F("b", ",\"strict\": true") " ]}",
         "{\"tools\":[ " F("b", ",\"strict\": true") " ," F("a", "") "],\"model\":\"m\"}"},
        {API_CHAT, NULL, "{\"tools\":[" F("a", "") "]}", "m", "{\"tools\":[]}",
         "{\"tools\":[" F("a", "") "],\"model\":\"m\"}"},
        {API_CHAT, NULL, "{\"tools\":[" F("a", "") "]}", "m", "{\"tools\":null}",
         "{\"tools\":null,\"model\":\"m\"}"},
        {API_CHAT, NULL, "{\"tools\":[" F("a", "") "," F("a", ",\"x\":1") "]}", "m",
         "{\"tools\":[" F("\\u0061", "") "]}",
         "{\"tools\":[" F("\\u0061", "") "],\"model\":\"m\"}"},
        {API_CHAT, NULL, "{\"tools\":[" F("a", "") "]}", "m", "{\"tools\":{}}",
         "tools must be an array."},
        {API_MESSAGES, NULL, "{\"tools\":[{\"name\":\"a\"},{\"type\":\"web_search\"}]}", "m",
         "{\"tools\":[{\"type\":\"custom\",\"name\":\"a\"},7,{}]}",
         "{\"tools\":[{\"type\":\"custom\",\"name\":\"a\"},7,{},{\"type\":\"web_search\"}],"
         "\"model\":\"m\"}"},
        {API_RESPONSES, NULL,
         "{\"tools\":[{\"type\":\"mcp\",\"server_label\":\"x\"},{\"type\":\"mcp\",\"server_label\":"
         "\"y\"},{\"type\":\"web_search\"},{}]}",
         "m",
         "{\"tools\":[{\"type\":\"mcp\",\"server_label\":\"y\"},{\"type\":\"web_search\"},{}]}",
         "{\"tools\":[{\"type\":\"mcp\",\"server_label\":\"y\"},{\"type\":\"web_search\"},{},{"
         "\"type\":\"mcp\",\"server_label\":\"x\"},{}],\"model\":\"m\"}"},
    };
    (void)state;
    assert_all_merged(cases, sizeof(cases) / sizeof(cases[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_names_its_preset),
        cmocka_unit_test(a_model_that_is_too_long_is_told),
        cmocka_unit_test(the_key_part_is_name_and_version),
        cmocka_unit_test(the_request_overrides_member_by_member),
        cmocka_unit_test(one_limit_has_many_names),
        cmocka_unit_test(the_system_prompt_comes_first),
        cmocka_unit_test(tools_are_united_by_identity),
    };
    return cmocka_run_group_tests_name("preset", tests, NULL, NULL);
}
