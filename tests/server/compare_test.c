/* compare_test.c - `tollgate compare`: prompts into bodies, streams into results, results into
 * lines, and lines of an earlier run against them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/compare.h"

/* --- prompts --- */

static void prompts_become_bodies(void **state)
{
    static const char text[] =
        "{\"prompt\":\"Say \\\"hi\\\".\",\"model\":\"x\",\"stream\":false}\n\n"
        "{\"id\":\"b\",\"temperature\": 0.50,\"messages\":[ {\"role\":\"user\"} ]}\n"
        "{\"id\":7,\"prompt\":\"x\",\"stream_options\":{}}";
    static const char *const bodies[] = {
        "{\"model\":\"a/b\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"Say "
        "\\\"hi\\\".\"}],\"stream_options\":{\"include_usage\":true}}",
        "{\"model\":\"a/b\",\"stream\":true,\"temperature\": 0.50,\"messages\":[ "
        "{\"role\":\"user\"} ],\"stream_options\":{\"include_usage\":true}}",
        "{\"model\":\"a/b\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],"
        "\"stream_options\":{}}",
    };
    static const char *const ids[] = {"1", "b", "7"};
    struct compare_prompts prompts;
    char error[256] = "";

    (void)state;
    assert_int_equal(compare_prompts_read(text, strlen(text), &prompts, error, sizeof(error)), 0);
    assert_int_equal(prompts.count, 3);
    for (unsigned i = 0; i < 3; i++) {
        struct out body = OUT_INIT;

        compare_prompt_body(&prompts.prompt[i], "a/b", &body);
        out_char(&body, '\0');
        assert_string_equal(body.bytes, bodies[i]);
        assert_string_equal(prompts.prompt[i].id, ids[i]);
        out_release(&body);
    }
    compare_prompts_release(&prompts);
}

static void a_bad_prompt_is_told_with_its_line(void **state)
{
    static const char *const cases[][2] = {
        {"", "line 1: there is no prompt"},
        {"\n \n", "line 2: there is no prompt"},
        {"{\"prompt\":\"x\"}\nSay hello.\n",
         "line 2: is no JSON object; write one a line, such as {\"prompt\":\"Say hello.\"}"},
        {"[]", "line 1: is no JSON object; write one a line, such as {\"prompt\":\"Say hello.\"}"},
        {"{}", "line 1: needs a prompt or messages, one of the two"},
        {"{\"prompt\":\"x\",\"messages\":[]}",
         "line 1: needs a prompt or messages, one of the two"},
        {"{\"prompt\":1}", "line 1: prompt must be a text"},
        {"{\"messages\":{}}", "line 1: messages must be an array"},
        {"{\"id\":\"\",\"prompt\":\"x\"}",
         "line 1: id must be a whole number or a text of 1 to 128 bytes"},
        {"{\"id\":1.5,\"prompt\":\"x\"}",
         "line 1: id must be a whole number or a text of 1 to 128 bytes"},
        {"{\"prompt\":\"x\"}\n{\"id\":\"1\",\"prompt\":\"y\"}",
         "two prompts have the id 1; give each its own"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct compare_prompts prompts;
        char error[256] = "";

        assert_int_equal(
            compare_prompts_read(cases[i][0], strlen(cases[i][0]), &prompts, error, sizeof(error)),
            -EINVAL);
        assert_string_equal(error, cases[i][1]);
        compare_prompts_release(&prompts);
    }
}

/* --- answers --- */

static const char stream[] =
    "data: {\"id\":\"gen_1\",\"model\":\"a/b\",\"choices\":[{\"index\":0,\"delta\":{\"role\":"
    "\"assistant\",\"content\":\"\"}}]}\n\n"
    "data: {\"id\":\"gen_1\",\"model\":\"a/b\",\"choices\":[{\"index\":0,\"delta\":{\"content\":"
    "\"He\\u006c\"}}]}\n\n"
    "data: {\"id\":\"gen_1\",\"model\":\"a/b\",\"choices\":[{\"index\":0,\"delta\":{\"content\":"
    "\"lo\"},\"finish_reason\":\"stop\"}],\"provider\":\"Acme\",\"usage\":{\"prompt_tokens\":10,"
    "\"completion_tokens\":2,\"total_tokens\":12,\"cost\":0.0000012}}\n\n"
    "data: [DONE]\n\n";

/* Event by event, 1 ms each. */
static void read_stream(const char *text, long status, struct compare_result *result)
{
    struct compare_reader *reader = compare_reader_new(1000);
    int64_t now_us = 1000;

    assert_non_null(reader);
    while (*text != '\0') {
        const char *end = strstr(text, "\n\n");
        size_t len = end != NULL ? (size_t)(end - text) + 2 : strlen(text);

        now_us += 1000;
        assert_int_equal(compare_reader_bytes(reader, text, len, now_us), 0);
        text += len;
    }
    *result = (struct compare_result){.prompt = "1", .model = "a/b", .upstream = "u", .hit_us = -1};
    compare_reader_end(reader, status, now_us + 500, NULL, 0, result);
    compare_reader_free(reader);
}

static void a_stream_becomes_a_result(void **state)
{
    struct compare_result result;

    (void)state;
    read_stream(stream, 200, &result);
    assert_string_equal(result.error, "");
    assert_int_equal(result.answer.len, 5);
    assert_memory_equal(result.answer.bytes, "Hello", 5);
    assert_string_equal(result.provider, "Acme");
    assert_string_equal(result.served, "a/b");
    assert_int_equal(result.first_us, 2000); /* the second event has the first text */
    assert_int_equal(result.total_us, 4500);
    assert_true(result.reported.known);
    assert_true(result.reported.money.femto == 1200000000);
    assert_false(result.estimated.known);
    assert_int_equal(result.usage.completion_tokens, 2);
    assert_false(result.cached);
    out_release(&result.answer);
}

static void tool_calls_are_an_answer(void **state)
{
    static const char calls[] =
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning\":\"hm\"}}]}\n\n"
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{"
        "\"name\":\"f\",\"arguments\":\"\"}}]}}]}\n\n"
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{"
        "\"arguments\":\"{}\"}}]},\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n";
    struct compare_result result;

    (void)state;
    read_stream(calls, 200, &result);
    assert_string_equal(result.error, "");
    assert_int_equal(result.answer.len, 4);
    assert_memory_equal(result.answer.bytes, "f {}", 4);
    assert_int_equal(result.first_us, 1000); /* reasoning is a token too */
    out_release(&result.answer);
}

static void what_failed_says_why(void **state)
{
    struct compare_result result;

    (void)state;
    read_stream("{\"error\":{\"message\":\"No such model.\",\"code\":404}}", 404, &result);
    assert_string_equal(result.error, "No such model.");
    assert_int_equal(result.status, 404);
    out_release(&result.answer);
    read_stream("<html>", 502, &result);
    assert_string_equal(result.error, "status 502");
    out_release(&result.answer);
    read_stream("data: {\"choices\":[{\"delta\":{\"content\":\"He\"}}]}\n\n", 200, &result);
    assert_string_equal(result.error, "the answer broke off");
    out_release(&result.answer);
}

static void a_hit_shows_what_it_once_cost(void **state)
{
    struct compare_reader *reader = compare_reader_new(0);
    struct compare_result result = {.model = "a/b"};

    (void)state;
    assert_non_null(reader);
    compare_reader_header(reader, TEXT("x-openrouter-cache-status"), TEXT("HIT"));
    compare_reader_header(reader, TEXT("x-tollgate-saved-cost"), TEXT("0.5"));
    assert_true(compare_reader_is_hit(reader));
    assert_int_equal(compare_reader_bytes(reader, stream, strlen(stream), 10), 0);
    compare_reader_end(reader, 200, 20, NULL, 0, &result);
    assert_true(result.cached);
    assert_true(result.reported.known);
    assert_true(result.reported.money.femto == 500000000000000);
    compare_reader_free(reader);
    out_release(&result.answer);
}

static void an_answer_has_a_bound(void **state)
{
    struct compare_reader *reader = compare_reader_new(0);
    char *large = calloc(1, COMPARE_ANSWER_BYTES_MAX);

    (void)state;
    assert_non_null(reader);
    assert_non_null(large);
    memset(large, ':', COMPARE_ANSWER_BYTES_MAX);
    assert_int_equal(compare_reader_bytes(reader, large, COMPARE_ANSWER_BYTES_MAX, 1), 0);
    assert_int_equal(compare_reader_bytes(reader, large, 1, 1), -EFBIG);
    compare_reader_free(reader);
    free(large);
}

/* --- lines --- */

static struct compare_result sample(const char *answer)
{
    struct compare_result result = {
        .prompt = "p",
        .model = "a/b",
        .upstream = "u",
        .status = 200,
        .provider = "Acme",
        .served = "a/b",
        .first_us = 12345,
        .total_us = 20000,
        .hit_us = 449,
        .reported = {true, {.femto = 1200000000}},
        .usage = USAGE_INIT,
        .answer = OUT_INIT,
    };

    out_text(&result.answer, answer);
    return result;
}

static char *print_json(const struct compare_result *result,
                        const struct compare_difference *difference)
{
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    assert_int_equal(compare_print_json(result, difference, out), 0);
    fclose(out);
    return text;
}

static void a_line_has_everything(void **state)
{
    struct compare_result result = sample("a\n\"b\"");
    char *text = print_json(&result, NULL);

    (void)state;
    assert_string_equal(
        text, "{\"prompt\":\"p\",\"model\":\"a/b\",\"upstream\":\"u\",\"status\":200,\"provider\":"
              "\"Acme\",\"served_model\":\"a/b\",\"cached\":false,\"first_token_ms\":12.345,"
              "\"total_ms\":20.000,\"hit_ms\":0.449,\"cost_reported\":\"0.0000012\","
              "\"cost_estimated\":null,\"prompt_tokens\":null,\"completion_tokens\":null,\"error\":"
              "null,\"answer\":\"a\\n\\\"b\\\"\"}\n");
    free(text);
    out_release(&result.answer);
}

static void a_row_is_short_and_harmless(void **state)
{
    const struct compare_widths widths = {6, 5, 8};
    struct compare_result result =
        sample("one\ntwo \033[31m\xc2\x9b\xc3\xa9 and much more than fits "
               "into the last column of a table");
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    (void)state;
    compare_print_head(&widths, false, out);
    compare_print_row(&widths, &result, NULL, out);
    fclose(out);
    assert_string_equal(text,
                        "PROMPT  MODEL  UPSTREAM  PROVIDER      FIRST ms  TOTAL ms        COST USD "
                        "  ESTIMATED USD  "
                        " HIT ms  ANSWER\n"
                        "p       a/b    u         Acme              12.3      20.0       0.0000012 "
                        "              -  "
                        "    0.4  one two  [31m \xc3\xa9 and much more than fits into the...\n");
    free(text);
    out_release(&result.answer);
}

static void an_earlier_run_is_held_against_it(void **state)
{
    struct compare_result then = sample("a"), now = sample("a"), other = sample("b");
    char *line = print_json(&then, NULL), *text, error[256] = "";
    struct compare_baseline *baseline = NULL;
    struct compare_difference difference;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    (void)state;
    other.prompt = "other";
    snprintf(other.error, sizeof(other.error), "failed");
    fputs(line, out);
    free(line);
    line = print_json(&other, NULL);
    fputs(line, out);
    free(line);
    fclose(out);
    assert_int_equal(compare_baseline_read(text, len, &baseline, error, sizeof(error)), 0);

    now.reported.money.femto -= 200000000;
    now.first_us += 1500;
    now.total_us = -1;
    compare_baseline_find(baseline, &now, &difference);
    assert_true(difference.found);
    assert_true(difference.same_answer);
    assert_true(difference.cost.known);
    assert_true(difference.cost.money.femto == -200000000);
    assert_true(difference.first_known);
    assert_int_equal(difference.first_us, 1500);
    assert_false(difference.total_known);
    line = print_json(&now, &difference);
    assert_non_null(strstr(line, ",\"baseline\":{\"cost_difference\":\"-0.0000002\","
                                 "\"first_token_ms_difference\":1.500,\"total_ms_difference\":null,"
                                 "\"same_answer\":true}}\n"));
    free(line);
    out_text(&now.answer, "!");
    compare_baseline_find(baseline, &now, &difference);
    assert_false(difference.same_answer);
    now.upstream = "v";
    compare_baseline_find(baseline, &now, &difference);
    assert_false(difference.found);
    other.error[0] = '\0';
    compare_baseline_find(baseline, &other, &difference);
    assert_false(difference.found); /* it had failed then */
    compare_baseline_free(baseline);
    assert_int_equal(compare_baseline_read("{}\n", 3, &baseline, error, sizeof(error)), -EINVAL);
    assert_string_equal(error, "line 1: is not what tollgate compare --json writes");
    free(text);
    out_release(&then.answer);
    out_release(&now.answer);
    out_release(&other.answer);
}

/* --- the gateway --- */

static void the_ready_line_has_an_address(void **state)
{
    static const char *const cases[][2] = {
        {"tollgate listening on http://127.0.0.1:8080", "http://127.0.0.1:8080"},
        {"tollgate listening on https://0.0.0.0:443", "https://127.0.0.1:443"},
        {"tollgate listening on http://[::]:8080", "http://[::1]:8080"},
        {"tollgate listening on http://[::1]:8080", "http://[::1]:8080"},
        {"tollgate listening on http://localhost:1", "http://localhost:1"},
        {"tollgate listening on http://", NULL},
        {"tollgate listening on http://x:0", NULL},
        {"tollgate listening on http://x:99999", NULL},
        {"tollgate listening on ftp://x:1", NULL},
        {"{\"event\":\"x\"}", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *url = NULL;

        assert_int_equal(compare_gateway_read_line(cases[i][0], &url),
                         cases[i][1] != NULL ? 0 : -EINVAL);
        if (cases[i][1] != NULL)
            assert_string_equal(url, cases[i][1]);
        free(url);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prompts_become_bodies),
        cmocka_unit_test(a_bad_prompt_is_told_with_its_line),
        cmocka_unit_test(a_stream_becomes_a_result),
        cmocka_unit_test(tool_calls_are_an_answer),
        cmocka_unit_test(what_failed_says_why),
        cmocka_unit_test(a_hit_shows_what_it_once_cost),
        cmocka_unit_test(an_answer_has_a_bound),
        cmocka_unit_test(a_line_has_everything),
        cmocka_unit_test(a_row_is_short_and_harmless),
        cmocka_unit_test(an_earlier_run_is_held_against_it),
        cmocka_unit_test(the_ready_line_has_an_address),
    };
    return cmocka_run_group_tests_name("compare", tests, NULL, NULL);
}
