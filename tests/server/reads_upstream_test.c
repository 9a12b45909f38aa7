#include "tests/server/reads_support.h"

#include <errno.h>

static void credits_keep_every_digit(void **state)
{
    static const struct {
        const char *answer;
        enum config_dialect to;
        const char *want; /* NULL: refused */
    } cases[] = {
        {"{\"balance\":\"95.50000000\",\"total_used\":\"4.50000000\"}", DIALECT_OPENROUTER,
         "{\"data\":{\"total_credits\":100,\"total_usage\":4.50000000}}"},
        {"{\"balance\":\"95.50000000\",\"total_used\":\"4.50000000\"}", DIALECT_VERCEL,
         "{\"balance\":\"95.50000000\",\"total_used\":\"4.50000000\"}"},
        {"{\"balance\":\"0.000000000000001\",\"total_used\":\"0.1\"}", DIALECT_OPENROUTER,
         "{\"data\":{\"total_credits\":0.100000000000001,\"total_usage\":0.1}}"},
        {"{\"balance\":\"-1.5\",\"total_used\":\"2\"}", DIALECT_OPENROUTER,
         "{\"data\":{\"total_credits\":0.5,\"total_usage\":2}}"},
        {"{\"balance\":\"1\",\"total_used\":\"007\"}", DIALECT_OPENROUTER,
         "{\"data\":{\"total_credits\":8,\"total_usage\":7}}"},
        {"{\"data\":{\"total_credits\":100.5,\"total_usage\":25.75,\"new\":1}}", DIALECT_OPENROUTER,
         "{\"data\":{\"total_credits\":100.5,\"total_usage\":25.75,\"new\":1}}"},
        {"{\"data\":{\"total_credits\":100.5,\"total_usage\":25.75}}", DIALECT_VERCEL,
         "{\"balance\":\"74.75\",\"total_used\":\"25.75\"}"},
        {"{\"data\":{\"total_credits\":1,\"total_usage\":9e-7}}", DIALECT_VERCEL,
         "{\"balance\":\"0.9999991\",\"total_used\":\"0.0000009\"}"},
        {"{\"data\":{\"total_credits\":5,\"total_usage\":7}}", DIALECT_VERCEL,
         "{\"balance\":\"-2\",\"total_used\":\"7\"}"},
        {"{\"data\":{\"total_credits\":null,\"total_usage\":7}}", DIALECT_VERCEL, NULL},
        {"{\"balance\":\"1e999999\",\"total_used\":\"1\"}", DIALECT_OPENROUTER, NULL},
        {"{\"balance\":\"x\",\"total_used\":\"1\"}", DIALECT_OPENROUTER, NULL},
        {"{}", DIALECT_OPENROUTER, NULL},
        {"{}", DIALECT_VERCEL, NULL},
        {"[]", DIALECT_VERCEL, NULL},
        {"<html>", DIALECT_VERCEL, NULL},
        {"", DIALECT_VERCEL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct out out = OUT_INIT;
        int result = reads_print_credits(text_of(cases[i].answer), cases[i].to, &out);

        if (cases[i].want == NULL) {
            if (result != -EBADMSG)
                fail_msg("%s: %d", cases[i].answer, result);
        } else if (result != 0 || out.len != strlen(cases[i].want) ||
                   memcmp(out.bytes, cases[i].want, out.len) != 0) {
            fail_msg("%s: %.*s", cases[i].answer, (int)out.len, out.bytes);
        }
        out_release(&out);
    }
}

static void a_client_sees_its_own_budget(void **state)
{
    struct budget_state states[BUDGET_PERIODS] = {0};
    struct out out = OUT_INIT;

    (void)state;
    assert_int_equal(reads_print_own_credits(states, DIALECT_VERCEL, &out), -ENOENT);
    assert_int_equal(out.len, 0);
    for (int i = 0; i < BUDGET_PERIODS; i++) {
        struct budget_state *budget = &states[i];
        budget->limited = i != BUDGET_DAY; /* has spent most, and no limit */
        assert_int_equal(money_parse("10", 2, &budget->limit, NULL), 0);
        assert_int_equal(money_parse(i == BUDGET_MONTH ? "9.25" : "2.5", i == BUDGET_MONTH ? 4 : 3,
                                     &budget->spent, NULL),
                         0);
    }
    assert_int_equal(reads_print_own_credits(states, DIALECT_VERCEL, &out), 0);
    out_char(&out, ' ');
    assert_int_equal(reads_print_own_credits(states, DIALECT_OPENROUTER, &out), 0);
    assert_int_equal(money_parse("11", 2, &states[BUDGET_WEEK].spent, NULL), 0); /* overdrawn */
    out_char(&out, ' ');
    assert_int_equal(reads_print_own_credits(states, DIALECT_VERCEL, &out), 0);
    out_char(&out, '\0');
    assert_int_equal(out.error, 0);
    assert_string_equal(out.bytes, "{\"balance\":\"0.75\",\"total_used\":\"9.25\"} "
                                   "{\"data\":{\"total_credits\":10,\"total_usage\":9.25}} "
                                   "{\"balance\":\"0\",\"total_used\":\"11\"}");
    out_release(&out);
}

static const char vercel_endpoints[] =
    "{\"data\":{\"id\":\"zai/glm-5.3\",\"name\":\"GLM\",\"endpoints\":["
    "{\"name\":\"zai | glm\",\"model_name\":\"GLM\",\"provider_name\":\"zai\",\"tag\":\"x\","
    "\"context_length\":200000,\"pricing\":{\"prompt\":\"0.0000014\"},\"uptime_last_1h\":99.5,"
    "\"status\":0},{\"name\":\"b\",\"provider_name\":\"bedrock\"}]}}";

static void endpoints_are_renamed_for_openrouter(void **state)
{
    struct reads_view view = view_of(DIALECT_OPENROUTER);
    struct printed printed = {.out = OUT_INIT};
    uint32_t data, list, at;

    (void)state;
    assert_int_equal(reads_print_endpoints(&view, DIALECT_VERCEL, TEXT("z-ai/glm-5.3"),
                                           TEXT(vercel_endpoints), &printed.out),
                     0);
    parse_printed(&printed);
    data = json_get(&printed.doc, 0, "data");
    assert_raw(&printed.doc, data, "id", "\"z-ai/glm-5.3\"");
    assert_raw(&printed.doc, data, "name", "\"GLM\"");
    list = json_get(&printed.doc, data, "endpoints");
    at = json_first(&printed.doc, list);
    assert_raw(&printed.doc, at, "model_id", "\"z-ai/glm-5.3\"");
    assert_raw(&printed.doc, at, "provider_name", "\"zai\"");
    assert_raw(&printed.doc, at, "tag", "\"z-ai\"");
    assert_raw(&printed.doc, at, "context_length", "200000");
    assert_raw(&printed.doc, at, "pricing", "{\"prompt\":\"0.0000014\"}");
    assert_raw(&printed.doc, at, "uptime_last_1h", "99.5"); /* another span is another thing */
    assert_raw(&printed.doc, at, "uptime_last_30m", "null");
    assert_raw(&printed.doc, at, "quantization", "null");
    at = json_next(&printed.doc, list, at);
    assert_raw(&printed.doc, at, "tag", "\"amazon-bedrock\"");
    assert_raw(&printed.doc, at, "supported_parameters", "[]");
    release_printed(&printed);
}

static void endpoints_are_left_alone_otherwise(void **state)
{
    struct reads_view same = view_of(DIALECT_VERCEL);
    struct printed printed = {.out = OUT_INIT};
    uint32_t data;

    (void)state;
    assert_int_equal(reads_print_endpoints(&same, DIALECT_VERCEL, TEXT("zai/glm-5.3"),
                                           TEXT(vercel_endpoints), &printed.out),
                     0);
    assert_int_equal(printed.out.len, strlen(vercel_endpoints));
    assert_memory_equal(printed.out.bytes, vercel_endpoints, printed.out.len);
    out_clear(&printed.out);
    assert_int_equal(
        reads_print_endpoints(&same, DIALECT_OPENROUTER, TEXT("zai/glm-5.3"),
                              TEXT("{\"data\":{\"id\":\"z-ai/glm-5.3\",\"endpoints\":[7,{}]}}"),
                              &printed.out),
        0);
    parse_printed(&printed);
    data = json_get(&printed.doc, 0, "data");
    assert_raw(&printed.doc, data, "id", "\"zai/glm-5.3\"");
    assert_raw(&printed.doc, data, "endpoints", "[7,{}]");
    release_printed(&printed);
}

static void what_is_no_list_of_endpoints_is_refused(void **state)
{
    static const char *const none[] = {
        "", "{}", "{\"data\":{}}", "{\"data\":{\"endpoints\":{}}}", "[]", "{\"data\":"};
    struct reads_view view = view_of(DIALECT_OPENROUTER);

    (void)state;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        struct out out = OUT_INIT;
        assert_int_equal(
            reads_print_endpoints(&view, DIALECT_VERCEL, TEXT("m"), text_of(none[i]), &out),
            -EBADMSG);
        assert_int_equal(out.len, 0);
        out_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(credits_keep_every_digit),
        cmocka_unit_test(a_client_sees_its_own_budget),
        cmocka_unit_test(endpoints_are_renamed_for_openrouter),
        cmocka_unit_test(endpoints_are_left_alone_otherwise),
        cmocka_unit_test(what_is_no_list_of_endpoints_is_refused),
    };
    return cmocka_run_group_tests(tests, reads_setup, reads_teardown);
}
