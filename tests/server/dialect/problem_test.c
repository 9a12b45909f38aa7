/* problem_test.c - errors of our own are what each client's parser expects, whatever they quote. */
#include "server/dialect/problem.h"

#include "cache/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct json_doc doc;

static void parse(const char *text, size_t len)
{
    assert_int_equal(json_parse(&doc, text, len, NULL), 0);
}

/* The payload of the one data line. */
static void parse_event(const char *text, size_t len)
{
    const char *data = strstr(text, "data: ");

    assert_non_null(data);
    assert_memory_equal(text + len - 2, "\n\n", 2);
    parse(data + 6, len - 8 - (size_t)(data - text));
}

static void is_body(enum problem problem, enum config_dialect dialect, enum row_api api,
                    const char *detail, const char *expected)
{
    char text[PROBLEM_TEXT_MAX];
    size_t len = problem_print(problem, dialect, api, detail, text);

    assert_int_equal(len, strlen(text));
    assert_string_equal(text, expected);
}

static void bodies_are_the_envelope_of_dialect_and_api(void **state)
{
    (void)state;
    is_body(PROBLEM_RATE, DIALECT_VERCEL, API_CHAT, "Slow down.",
            "{\"error\":{\"message\":\"Slow down.\",\"type\":\"rate_limit_exceeded\","
            "\"param\":null,\"code\":\"rate_limit_exceeded\"}}");
    is_body(PROBLEM_RATE, DIALECT_OPENROUTER, API_RESPONSES, "Slow down.",
            "{\"error\":{\"message\":\"Slow down.\",\"code\":429,"
            "\"metadata\":{\"error_type\":\"rate_limit_exceeded\"}}}");
    is_body(PROBLEM_RATE, DIALECT_VERCEL, API_MESSAGES, "Slow down.",
            "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\","
            "\"message\":\"Slow down.\"}}");
    is_body(PROBLEM_PAYMENT, DIALECT_OPENROUTER, API_MESSAGES, NULL,
            "{\"type\":\"error\",\"error\":{\"type\":\"billing_error\","
            "\"message\":\"This key's budget is spent; nothing was sent.\"},"
            "\"request_id\":null}");
    is_body(PROBLEM_NO_KEY, DIALECT_VERCEL, API_AI_LANGUAGE, "No key.",
            "{\"error\":{\"message\":\"No key.\",\"type\":\"authentication_error\","
            "\"param\":null,\"code\":\"authentication_error\"}}");
    /* OpenRouter's table has no word for it. */
    is_body(PROBLEM_NOT_CACHED, DIALECT_OPENROUTER, API_CHAT, "Absent.",
            "{\"error\":{\"message\":\"Absent.\",\"code\":504}}");
    is_body(PROBLEM_NOT_CACHED, DIALECT_VERCEL, API_MESSAGES, "Absent.",
            "{\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"Absent.\"}}");
}

/* OpenRouter refuses an unknown model with 400, Vercel with 404. */
static void an_unknown_model_is_each_vendors_own(void **state)
{
    (void)state;
    assert_int_equal(problem_status(PROBLEM_MODEL, DIALECT_OPENROUTER), 400);
    assert_int_equal(problem_status(PROBLEM_MODEL, DIALECT_VERCEL), 404);
    is_body(PROBLEM_MODEL, DIALECT_OPENROUTER, API_CHAT, "No x/y.",
            "{\"error\":{\"message\":\"No x/y.\",\"code\":400,"
            "\"metadata\":{\"error_type\":\"invalid_request\"}}}");
    is_body(PROBLEM_MODEL, DIALECT_OPENROUTER, API_MESSAGES, "No x/y.",
            "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\","
            "\"message\":\"No x/y.\"},\"request_id\":null}");
    is_body(PROBLEM_MODEL, DIALECT_VERCEL, API_CHAT, "No x/y.",
            "{\"error\":{\"message\":\"No x/y.\",\"type\":\"model_not_found\","
            "\"param\":null,\"code\":\"model_not_found\"}}");
}

static void is_event(enum config_dialect dialect, enum row_api api, const char *expected,
                     const char *id_at)
{
    char text[PROBLEM_TEXT_MAX];
    size_t at = 77;
    size_t len =
        problem_print_event(PROBLEM_TIMEOUT, dialect, api, "gen_1", "x/y", 7999, text, &at);

    assert_int_equal(len, strlen(text));
    assert_string_equal(text, expected);
    if (id_at == NULL)
        assert_int_equal(at, 0);
    else
        assert_memory_equal(text + at, id_at, strlen(id_at));
}

#define TOLD "The upstream did not answer in time; the call may have been billed."

static void a_broken_stream_ends_as_its_grammar_has_it(void **state)
{
    (void)state;
    is_event(DIALECT_VERCEL, API_CHAT,
             "data: {\"id\":\"gen_1\",\"object\":\"chat.completion.chunk\",\"created\":7,"
             "\"model\":\"x/y\",\"error\":{\"message\":\"" TOLD "\",\"type\":\"timeout_error\","
             "\"param\":null,\"code\":\"timeout_error\"}}\n\n",
             "gen_1\",\"object\"");
    is_event(DIALECT_OPENROUTER, API_CHAT,
             "data: {\"id\":\"gen_1\",\"object\":\"chat.completion.chunk\",\"created\":7,"
             "\"model\":\"x/y\",\"error\":{\"message\":\"" TOLD "\",\"code\":504,"
             "\"metadata\":{\"error_type\":\"timeout\"}},\"choices\":[{\"index\":0,"
             "\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]}\n\n",
             "gen_1\",\"object\"");
    is_event(DIALECT_OPENROUTER, API_COMPLETIONS,
             "data: {\"id\":\"gen_1\",\"object\":\"text_completion\",\"created\":7,"
             "\"model\":\"x/y\",\"error\":{\"message\":\"" TOLD "\",\"code\":504,"
             "\"metadata\":{\"error_type\":\"timeout\"}},\"choices\":[{\"index\":0,"
             "\"text\":\"\",\"finish_reason\":\"error\"}]}\n\n",
             "gen_1\",\"object\"");
    is_event(
        DIALECT_VERCEL, API_RESPONSES,
        "event: error\ndata: {\"type\":\"error\",\"code\":\"timeout_error\",\"message\":\"" TOLD
        "\",\"param\":null,\"sequence_number\":0}\n\n",
        NULL);
    is_event(DIALECT_OPENROUTER, API_RESPONSES,
             "event: error\ndata: {\"type\":\"error\",\"code\":\"server_error\",\"message\":\"" TOLD
             "\",\"param\":null,\"sequence_number\":0}\n\n",
             NULL);
    is_event(DIALECT_VERCEL, API_MESSAGES,
             "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"timeout_error\","
             "\"message\":\"" TOLD "\"}}\n\n",
             NULL);
    is_event(DIALECT_VERCEL, API_AI_LANGUAGE,
             "data: {\"type\":\"error\",\"error\":{\"message\":\"" TOLD
             "\",\"type\":\"timeout_error\"}}\n\n",
             NULL);
}

/* Which limit it was stands where OpenRouter has its own. */
static void limits_are_told_in_metadata(void **state)
{
    static const struct {
        enum config_dialect dialect;
        enum row_api api;
        const char *expected;
    } cases[] = {
        {DIALECT_OPENROUTER, API_CHAT,
         "{\"error\":{\"message\":\"No.\",\"code\":402,\"metadata\":{"
         "\"error_type\":\"payment_required\",\"limit_usd\":\"5\"}}}"},
        {DIALECT_VERCEL, API_CHAT,
         "{\"error\":{\"message\":\"No.\",\"type\":\"quota_for_entity_exceeded\",\"param\":null,"
         "\"code\":\"quota_for_entity_exceeded\",\"metadata\":{\"limit_usd\":\"5\"}}}"},
        {DIALECT_VERCEL, API_MESSAGES,
         "{\"type\":\"error\",\"error\":{\"type\":\"billing_error\",\"message\":\"No.\","
         "\"metadata\":{\"limit_usd\":\"5\"}}}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[PROBLEM_TEXT_MAX];
        size_t len = problem_print_limits(PROBLEM_PAYMENT, cases[i].dialect, cases[i].api, "No.",
                                          "\"limit_usd\":\"5\"", text);
        assert_int_equal(len, strlen(text));
        assert_string_equal(text, cases[i].expected);
    }
}

/* Whatever goes in, what comes out is JSON, fits, and has the words that clients look for. */
static void hostile_texts_stay_inside_their_strings(void **state)
{
    static const enum config_dialect dialects[] = {DIALECT_VERCEL, DIALECT_OPENROUTER};
    static const char *const fillings[] = {"\"", "\\", "\x01", "\xff", "\xf0\x9f\x98\x80", "a"};
    char hostile[4001], text[PROBLEM_TEXT_MAX];

    (void)state;
    for (size_t f = 0; f < sizeof(fillings) / sizeof(fillings[0]); f++) {
        size_t step = strlen(fillings[f]), at = 77;

        for (size_t i = 0; i + step < sizeof(hostile); i += step)
            memcpy(hostile + i, fillings[f], step);
        hostile[4000 - 4000 % step] = '\0';
        for (unsigned p = 0; p < PROBLEMS; p++)
            for (unsigned d = 0; d < 2; d++)
                for (unsigned api = API_NONE; api < APIS; api++) {
                    size_t len = problem_print((enum problem)p, dialects[d], (enum row_api)api,
                                               hostile, text);
                    parse(text, len);
                    assert_int_not_equal(json_get(&doc, json_get(&doc, 0, "error"), "message"),
                                         JSON_NONE);
                    len = problem_print_event((enum problem)p, dialects[d], (enum row_api)api,
                                              hostile, hostile, 1000, text, &at);
                    assert_true(len < PROBLEM_TEXT_MAX);
                    parse_event(text, len);
                    assert_int_equal(at, 0); /* it had to be cut: nothing may be patched there */
                }
    }
}

static void clients_are_told_whether_to_come_again(void **state)
{
    (void)state;
    for (unsigned p = 0; p < PROBLEMS; p++) {
        bool is_final = problem_is_final((enum problem)p);

        assert_true(problem_retry_after((enum problem)p) <= 9);
        assert_true(!is_final || problem_retry_after((enum problem)p) == 0);
        assert_int_equal(is_final, p == PROBLEM_UPSTREAM || p == PROBLEM_TIMEOUT);
    }
    assert_int_equal(problem_status(PROBLEM_RATE, DIALECT_VERCEL), 429);
    assert_int_equal(problem_status(PROBLEM_PAYMENT, DIALECT_VERCEL), 402);
    assert_int_equal(problem_status(PROBLEM_FORBIDDEN, DIALECT_OPENROUTER), 403);
    assert_int_equal(problem_status(PROBLEM_NOT_YET, DIALECT_OPENROUTER), 503);
    assert_true(problem_retry_after(PROBLEM_NOT_YET) > 0);
    assert_string_equal(problem_type(PROBLEM_FORBIDDEN), "forbidden");
}

static int set_up(void **state)
{
    (void)state;
    json_doc_init(&doc);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    json_doc_release(&doc);
    return 0;
}

/* The id stands in the message and in the param: escapes and braces must not break out of either.
 */
static void a_hostile_model_id_stays_inside_its_strings(void **state)
{
    char detail[400], text[PROBLEM_TEXT_MAX];
    static const char *const ends[] = {"\"", "}", "\\", "'", "a"};
    struct json_doc parsed;

    (void)state;
    json_doc_init(&parsed);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        for (size_t len = 0; len <= 256; len += 8) {
            size_t at = (size_t)snprintf(detail, sizeof detail, "Model '");
            for (size_t n = 0; n < len; n++)
                detail[at++] = *ends[i];
            snprintf(detail + at, sizeof detail - at, "' not found");
            size_t written = problem_print(PROBLEM_MODEL, DIALECT_VERCEL, API_CHAT, detail, text);
            assert_true(written < PROBLEM_TEXT_MAX);
            assert_int_equal(json_parse(&parsed, text, written, NULL), 0);
        }
    json_doc_release(&parsed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_are_the_envelope_of_dialect_and_api),
        cmocka_unit_test(an_unknown_model_is_each_vendors_own),
        cmocka_unit_test(a_broken_stream_ends_as_its_grammar_has_it),
        cmocka_unit_test(limits_are_told_in_metadata),
        cmocka_unit_test(hostile_texts_stay_inside_their_strings),
        cmocka_unit_test(a_hostile_model_id_stays_inside_its_strings),
        cmocka_unit_test(clients_are_told_whether_to_come_again),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
