/* Generation records: what a record look-up says of an answer. */
#include "accounting/settle.h"
#include "tests/server/dialect/answer_support.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static int read_record(struct answer *answer, const char *body, struct settle_record *ret_record)
{
    return answer_read_generation(answer, body, strlen(body), "gen_1", ret_record);
}

static void a_whole_record_is_read(void **state)
{
    static const char body[] =
        "{\"data\":{\"id\":\"gen_1\",\"model\":\"zai/glm-5.3\",\"provider_name\":\"zai\","
        "\"created_at\":\"2026-09-21T14:14:05.120Z\",\"streamed\":true,\"finish_reason\":\"stop\","
        "\"is_byok\":false,\"total_cost\":0.00254674,\"usage\":0.00254674,"
        "\"upstream_inference_cost\":0,\"latency\":12,\"tokens_prompt\":1,\"tokens_completion\":16,"
        "\"native_tokens_prompt\":9520,\"native_tokens_completion\":17,"
        "\"native_tokens_reasoning\":3,\"native_tokens_cached\":9519,"
        "\"native_tokens_cache_creation\":0,\"billable_web_search_calls\":2}}";
    struct answer *answer = new_answer();
    struct settle_record record;

    (void)state;
    assert_int_equal(read_record(answer, body, &record), 0);
    assert_int_equal(record.byok, 0);
    assert_int_equal(record.model.len, 11);
    assert_memory_equal(record.model.bytes, "zai/glm-5.3", 11);
    assert_int_equal(record.provider.len, 3);
    assert_memory_equal(record.finish_reason.bytes, "stop", 4);
    assert_int_equal(record.service_tier.len, 0);
    assert_true(money_is(record.billed, "0.00254674"));
    assert_true(money_is(record.upstream_cost, NULL));
    assert_true(
        money_is(record.market, NULL)); /* surcharges may hide in the total: not comparable */
    assert_int_equal(record.usage.prompt_tokens, 9520);
    assert_int_equal(record.usage.completion_tokens, 17);
    assert_int_equal(record.usage.reasoning_tokens, 3);
    assert_int_equal(record.usage.cached_tokens, 9519);
    assert_int_equal(record.usage.cache_write_tokens, 0);
    assert_int_equal(record.usage.web_searches, 2);
    assert_int_equal(record.usage.audio_tokens, USAGE_ABSENT);
    assert_false(record.usage.exclusive);
    free_answer(answer);
}

/* OpenRouter's has the same names, its native counts including cache reads, and more beside them.
 */
static void openrouters_record_is_read(void **state)
{
    static const char body[] =
        "{\"data\":{\"id\":\"gen-1790000000-A\",\"upstream_id\":\"chatcmpl-1\",\"model\":"
        "\"acme/m-1-20260420\",\"provider_name\":\"Acme\",\"api_type\":\"completions\","
        "\"response_cache_source_id\":null,\"created_at\":\"2026-09-21T14:14:05.120Z\","
        "\"total_cost\":0.00735,\"usage\":0.00735,\"upstream_inference_cost\":%s,"
        "\"cache_discount\":-0.001,\"is_byok\":%s,\"tokens_prompt\":80,\"tokens_completion\":10,"
        "\"native_tokens_prompt\":100,\"native_tokens_completion\":12,"
        "\"native_tokens_reasoning\":null,\"native_tokens_cached\":90,"
        "\"native_tokens_completion_images\":1,\"num_search_results\":5,\"finish_reason\":\"stop\","
        "\"native_finish_reason\":\"end_turn\",\"provider_responses\":[{\"status\":200,"
        "\"id\":\"x\",\"is_byok\":true}]}}";
    static const struct {
        const char *upstream, *byok, *upstream_cost, *market;
    } cases[] = {
        {"null", "false", NULL, NULL},
        {"0", "false", NULL, NULL},
        {"0.147", "true", "0.147", "0.147"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer *answer = new_answer();
        struct settle_record record;
        char text[1024];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(text, sizeof(text), body, cases[i].upstream, cases[i].byok);
#pragma GCC diagnostic pop
        assert_int_equal(
            answer_read_generation(answer, text, strlen(text), "gen-1790000000-A", &record), 0);
        assert_true(money_is(record.billed, "0.00735"));
        assert_true(money_is(record.upstream_cost, cases[i].upstream_cost));
        assert_true(money_is(record.market, cases[i].market));
        assert_int_equal(record.byok, i == 2);
        assert_int_equal(record.usage.prompt_tokens, 100);
        assert_int_equal(record.usage.completion_tokens, 12);
        assert_int_equal(record.usage.cached_tokens, 90);
        assert_int_equal(record.usage.reasoning_tokens, USAGE_ABSENT);
        assert_int_equal(record.usage.image_tokens, 1);
        assert_int_equal(record.usage.web_searches, USAGE_ABSENT);
        assert_false(record.usage.exclusive);
        assert_memory_equal(record.model.bytes, "acme/m-1-20260420", record.model.len);
        assert_memory_equal(record.provider.bytes, "Acme", record.provider.len);
        assert_memory_equal(record.finish_reason.bytes, "stop", record.finish_reason.len);
        free_answer(answer);
    }
}

static void money_of_a_record_follows_its_rules(void **state)
{
    static const struct {
        const char *members, *billed, *upstream, *market;
    } cases[] = {
        {"\"total_cost\":9e-7", "0.0000009", NULL, NULL},
        {"\"usage\":0.5", "0.5", NULL, NULL},
        {"\"total_cost\":null,\"usage\":0.5", "0.5", NULL, NULL},
        {"\"total_cost\":0.5,\"gateway_cost\":0.6", "0.6", NULL, NULL},
        {"\"total_cost\":\"0.5\",\"surcharge_cost\":\"0.1\"", "0.5", NULL, "0.4"},
        {"\"total_cost\":0.5,\"surcharge_cost\":0", "0.5", NULL, "0.5"},
        {"\"total_cost\":0.1,\"surcharge_cost\":0.5", "0.1", NULL, NULL},
        {"\"total_cost\":0.5,\"surcharge_cost\":0.1,\"market_cost\":0.45", "0.5", NULL, "0.45"},
        {"\"surcharge_cost\":0.1", NULL, NULL, NULL},
        {"\"latency\":5", NULL, NULL, NULL},
        {"\"is_byok\":true,\"total_cost\":0,\"upstream_inference_cost\":2", "0", "2", "2"},
        {"\"is_byok\":true,\"total_cost\":0.1,\"surcharge_cost\":0.1,\"upstream_inference_cost\":2",
         "0.1", "2", "2"},
        {"\"is_byok\":true,\"total_cost\":0.1,\"market_cost\":3", "0.1", "3", "3"},
        {"\"is_byok\":true,\"total_cost\":0.1,\"surcharge_cost\":0.1", "0.1", NULL, NULL},
        {"\"is_byok\":false,\"total_cost\":1,\"upstream_inference_cost\":2", "1", NULL, NULL},
        {"\"total_cost\":-1", NULL, NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer *answer = new_answer();
        struct settle_record record;
        char body[512];

        /* Both with its envelope and flat. */
        snprintf(body, sizeof(body),
                 i % 2 == 0 ? "{\"data\":{\"id\":\"gen_1\",%s}}" : "{\"id\":\"gen_1\",%s}",
                 cases[i].members);
        assert_int_equal(read_record(answer, body, &record), 0);
        if (!money_is(record.billed, cases[i].billed) ||
            !money_is(record.market, cases[i].market) ||
            !money_is(record.upstream_cost, cases[i].upstream))
            fail_msg("case %s", cases[i].members);
        free_answer(answer);
    }
}

static void prompt_tokens_say_whether_cache_reads_are_inside(void **state)
{
    static const struct {
        const char *members;
        int64_t prompt, cached;
        bool exclusive;
    } cases[] = {
        {"\"native_tokens_prompt\":20", 20, USAGE_ABSENT, false},
        {"\"tokens_prompt\":20", 20, USAGE_ABSENT, false},
        {"\"tokens_prompt\":20,\"native_tokens_cached\":0", 20, 0, false},
        {"\"native_tokens_prompt\":20,\"native_tokens_cached\":20", 20, 20, false},
        {"\"native_tokens_prompt\":1,\"native_tokens_cached\":20", 1, 20, true},
        {"\"tokens_prompt\":1,\"native_tokens_cached\":20", 1, 20, true},
        {"\"tokens_prompt\":20,\"native_tokens_cached\":1", 20, 1, true},
        {"\"native_tokens_prompt\":null,\"tokens_prompt\":20", 20, USAGE_ABSENT, false},
        {"\"native_tokens_cached\":1", USAGE_ABSENT, 1, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer *answer = new_answer();
        struct settle_record record;
        char body[256];

        snprintf(body, sizeof(body), "{\"data\":{\"id\":\"gen_1\",%s}}", cases[i].members);
        assert_int_equal(read_record(answer, body, &record), 0);
        if (record.usage.prompt_tokens != cases[i].prompt ||
            record.usage.cached_tokens != cases[i].cached ||
            record.usage.exclusive != cases[i].exclusive)
            fail_msg("case %s", cases[i].members);
        free_answer(answer);
    }
}

/* A record of another call would book another call's money. */
static void another_answers_record_is_refused(void **state)
{
    static const char *const bodies[] = {
        "{\"data\":{\"id\":\"gen_2\",\"total_cost\":1}}",
        "{\"data\":{\"id\":\"gen_11\",\"total_cost\":1}}",
        "{\"data\":{\"total_cost\":1}}",
        "{\"id\":\"gen_1\",\"data\":{\"id\":\"gen_2\"}}",
        "{\"data\":{\"id\":1}}",
        "{\"data\":[],\"total_cost\":1}",
        "{\"error\":\"Usage event not found\",\"id\":\"gen_2\",\"message\":\"m\"}",
        "[\"gen_1\"]",
        "\"gen_1\"",
        "{\"data\":{\"id\":\"gen_1\"}",
        "<html>",
        "",
    };
    struct answer *answer = new_answer();
    struct settle_record record;

    (void)state;
    memset(&record, 0x5a, sizeof(record));
    strcpy(answer->model, "kept");
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct settle_record before = record;

        assert_int_equal(read_record(answer, bodies[i], &record), -EBADMSG);
        assert_memory_equal(&record, &before, sizeof(record));
        assert_string_equal(answer->model, "kept");
    }
    assert_int_equal(answer_read_generation(answer, "{\"id\":\"\"}", 9, "", &record), -EBADMSG);
    free_answer(answer);
}

static void what_an_earlier_answer_said_is_not_the_records(void **state)
{
    struct answer *answer = new_answer();
    struct settle_record record;

    (void)state;
    strcpy(answer->model, "stale");
    strcpy(answer->provider, "stale");
    strcpy(answer->finish_reason, "stale");
    assert_int_equal(read_record(answer, "{\"data\":{\"id\":\"gen_1\",\"model\":null}}", &record),
                     0);
    assert_int_equal(record.model.len, 0);
    assert_int_equal(record.provider.len, 0);
    assert_int_equal(record.finish_reason.len, 0);
    assert_int_equal(record.byok, -1);
    free_answer(answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_record_is_read),
        cmocka_unit_test(openrouters_record_is_read),
        cmocka_unit_test(money_of_a_record_follows_its_rules),
        cmocka_unit_test(prompt_tokens_say_whether_cache_reads_are_inside),
        cmocka_unit_test(another_answers_record_is_refused),
        cmocka_unit_test(what_an_earlier_answer_said_is_not_the_records),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
