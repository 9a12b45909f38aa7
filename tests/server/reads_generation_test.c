#include "tests/server/reads_support.h"

#include <errno.h>

static uint32_t print_as(struct printed *printed, enum config_dialect to,
                         const struct ledger_row *row)
{
    struct reads_view view = view_of(to);

    printed->out = OUT_INIT;
    assert_int_equal(reads_print_generation(&view, row, &printed->out), 0);
    parse_printed(printed);
    return json_get(&printed->doc, 0, "data");
}

/* Every member of GenerationResponse of @openrouter/sdk, whatever the row knows. */
static const char *const openrouter_members[] = {
    "api_type",
    "app_id",
    "cache_discount",
    "cancelled",
    "created_at",
    "data_region",
    "external_user",
    "finish_reason",
    "generation_time",
    "http_referer",
    "id",
    "is_byok",
    "latency",
    "model",
    "moderation_latency",
    "native_finish_reason",
    "native_tokens_cached",
    "native_tokens_completion",
    "native_tokens_completion_images",
    "native_tokens_prompt",
    "native_tokens_reasoning",
    "num_fetches",
    "num_input_audio_prompt",
    "num_media_completion",
    "num_media_prompt",
    "num_search_results",
    "origin",
    "preset_id",
    "provider_name",
    "provider_responses",
    "request_id",
    "response_cache_source_id",
    "router",
    "service_tier",
    "session_id",
    "streamed",
    "tokens_completion",
    "tokens_prompt",
    "total_cost",
    "upstream_id",
    "upstream_inference_cost",
    "usage",
    "user_agent",
    "web_search_engine",
    "workspace_id",
};
/* What @ai-sdk/gateway wants as number, string or boolean. */
static const struct {
    const char *name;
    enum json_type type;
} vercel_members[] = {
    {"id", JSON_STRING},
    {"total_cost", JSON_NUMBER},
    {"upstream_inference_cost", JSON_NUMBER},
    {"usage", JSON_NUMBER},
    {"created_at", JSON_STRING},
    {"model", JSON_STRING},
    {"provider_name", JSON_STRING},
    {"finish_reason", JSON_STRING},
    {"latency", JSON_NUMBER},
    {"generation_time", JSON_NUMBER},
    {"native_tokens_prompt", JSON_NUMBER},
    {"native_tokens_completion", JSON_NUMBER},
    {"native_tokens_reasoning", JSON_NUMBER},
    {"native_tokens_cached", JSON_NUMBER},
    {"native_tokens_cache_creation", JSON_NUMBER},
    {"billable_web_search_calls", JSON_NUMBER},
};

static void check_openrouter_schema(const struct json_doc *doc, uint32_t data)
{
    static const char *const never_null[] = {"id",    "created_at", "data_region", "is_byok",
                                             "model", "origin",     "total_cost",  "usage"};

    for (size_t i = 0; i < sizeof openrouter_members / sizeof *openrouter_members; i++)
        if (json_get(doc, data, openrouter_members[i]) == JSON_NONE)
            fail_msg("%s is missing", openrouter_members[i]);
    for (size_t i = 0; i < sizeof never_null / sizeof *never_null; i++)
        assert_int_not_equal(doc->tokens[json_get(doc, data, never_null[i])].type, JSON_NULL);
}

static void check_vercel_schema(const struct json_doc *doc, uint32_t data)
{
    for (size_t i = 0; i < sizeof vercel_members / sizeof *vercel_members; i++) {
        uint32_t value = json_get(doc, data, vercel_members[i].name);
        if (value == JSON_NONE || doc->tokens[value].type != vercel_members[i].type)
            fail_msg("%s", vercel_members[i].name);
    }
}

static void a_row_is_openrouters_record(void **state)
{
    struct ledger_row row = chat_row();
    struct printed printed;
    uint32_t data, responses;

    (void)state;
    row.session = TEXT("s-1");
    row.user = TEXT("u\"1");
    row.origin = TEXT("https://example.com/");
    row.preset = TEXT("support@0a");
    row.native_finish_reason = TEXT("end_turn");
    row.attempts =
        TEXT("[{\"upstream\":\"router\",\"model\":\"z-ai/glm-5.3\",\"status\":503,\"ms\":12}]");
    data = print_as(&printed, DIALECT_OPENROUTER, &row);
    check_openrouter_schema(&printed.doc, data);
    assert_raw(&printed.doc, data, "id", "\"gen_01KYEXAMPLE0000000000000AA\"");
    assert_raw(&printed.doc, data, "model", "\"z-ai/glm-5.3\""); /* the words of who asks */
    assert_raw(&printed.doc, data, "provider_name", "\"Z.AI\""); /* as its answer had it */
    assert_raw(&printed.doc, data, "created_at", "\"2026-11-20T22:51:51.123Z\"");
    assert_raw(&printed.doc, data, "api_type", "\"completions\"");
    assert_raw(&printed.doc, data, "total_cost", "0.00254674");
    assert_raw(&printed.doc, data, "usage", "0.00254674");
    assert_raw(&printed.doc, data, "upstream_inference_cost", "null");
    assert_raw(&printed.doc, data, "native_tokens_prompt", "9520");
    assert_raw(&printed.doc, data, "native_tokens_cached", "9519");
    assert_raw(&printed.doc, data, "native_tokens_reasoning", "null"); /* unknown, not 0 */
    assert_raw(&printed.doc, data, "latency", "300");
    assert_raw(&printed.doc, data, "generation_time", "1100");
    assert_raw(&printed.doc, data, "external_user", "\"u\\\"1\"");
    assert_raw(&printed.doc, data, "origin", "\"https://example.com/\"");
    assert_raw(&printed.doc, data, "preset_id", "\"support@0a\"");
    assert_raw(&printed.doc, data, "native_finish_reason", "\"end_turn\"");
    assert_raw(&printed.doc, data, "response_cache_source_id", "null");
    responses = json_first(&printed.doc, json_get(&printed.doc, data, "provider_responses"));
    assert_raw(&printed.doc, responses, "status", "503");
    assert_raw(&printed.doc, responses, "provider_name", "\"router\"");
    responses =
        json_next(&printed.doc, json_get(&printed.doc, data, "provider_responses"), responses);
    assert_raw(&printed.doc, responses, "status", "200");
    assert_raw(&printed.doc, responses, "id", "\"gen_01KYEXAMPLE0000000000000AA\"");
    release_printed(&printed);
}

static void a_row_is_vercels_record(void **state)
{
    struct ledger_row row = chat_row();
    struct printed printed;
    uint32_t data;

    (void)state;
    data = print_as(&printed, DIALECT_VERCEL, &row);
    check_vercel_schema(&printed.doc, data);
    assert_raw(&printed.doc, data, "model", "\"zai/glm-5.3\"");
    assert_raw(&printed.doc, data, "total_cost", "0.00254674");
    assert_raw(&printed.doc, data, "gateway_cost", "0.00254674");
    assert_raw(&printed.doc, data, "upstream_inference_cost", "0");
    assert_raw(&printed.doc, data, "native_tokens_prompt", "9520");
    assert_raw(&printed.doc, data, "tokens_prompt", "1");           /* without cache reads */
    assert_raw(&printed.doc, data, "native_tokens_reasoning", "0"); /* not named by the usage */
    assert_no_member(&printed.doc, data, "response_cache_source_id");
    release_printed(&printed);
}

static void a_hit_names_its_source_and_costs_nothing(void **state)
{
    struct ledger_row row = chat_row();
    struct printed printed;
    uint32_t data;

    (void)state;
    row.id = TEXT("gen-1795215111-AAAAAAAAAAAAAAAAAAAA");
    row.source_id = TEXT("gen_01KYEXAMPLE0000000000000AA");
    row.cache = CACHE_HIT;
    row.upstream = row.upstream_id = (struct text){NULL, 0};
    row.billed = row.market = row.estimated = row.booked = usd("0");
    row.usage.prompt_tokens = row.usage.completion_tokens = row.usage.cached_tokens = 0;
    row.verdict = VERDICT_FREE;
    row.byok = -1;
    data = print_as(&printed, DIALECT_OPENROUTER, &row);
    check_openrouter_schema(&printed.doc, data);
    assert_raw(&printed.doc, data, "response_cache_source_id",
               "\"gen_01KYEXAMPLE0000000000000AA\"");
    assert_raw(&printed.doc, data, "total_cost", "0");
    assert_raw(&printed.doc, data, "tokens_prompt", "0");
    assert_raw(&printed.doc, data, "provider_responses", "null");
    assert_raw(&printed.doc, data, "is_byok", "false");
    release_printed(&printed);
    data = print_as(&printed, DIALECT_VERCEL, &row);
    check_vercel_schema(&printed.doc, data);
    assert_raw(&printed.doc, data, "response_cache_source_id",
               "\"gen_01KYEXAMPLE0000000000000AA\"");
    release_printed(&printed);
}

/* A hit's row names no upstream. Where all speak alike that decides whose words its model is in. */
static void a_hits_model_is_in_the_words_of_who_asks(void **state)
{
    struct ledger_row row = chat_row();
    struct printed printed;

    (void)state;
    row.upstream = (struct text){NULL, 0};
    reads_config.upstream_count = 1;
    assert_raw(&printed.doc, print_as(&printed, DIALECT_OPENROUTER, &row), "model",
               "\"z-ai/glm-5.3\"");
    release_printed(&printed);
    reads_config.upstream_count = 2;
    assert_raw(&printed.doc, print_as(&printed, DIALECT_OPENROUTER, &row), "model",
               "\"zai/glm-5.3\"");
    release_printed(&printed);
}

static void own_keys_show_the_vendors_bill(void **state)
{
    struct ledger_row row = chat_row();
    struct reads_view view = view_of(DIALECT_VERCEL);
    struct printed printed;
    uint32_t data;

    (void)state;
    row.byok = 1;
    row.billed = usd("0");
    row.upstream_cost = usd("0.019295");
    data = print_as(&printed, DIALECT_OPENROUTER, &row);
    assert_raw(&printed.doc, data, "total_cost", "0");
    assert_raw(&printed.doc, data, "upstream_inference_cost", "0.019295");
    assert_raw(&printed.doc, data, "is_byok", "true");
    release_printed(&printed);
    data = print_as(&printed, DIALECT_VERCEL, &row);
    assert_raw(&printed.doc, data, "upstream_inference_cost", "0.019295");
    release_printed(&printed);
    row.upstream_cost.known = false; /* Vercel's schema has no word for that */
    printed.out = OUT_INIT;
    assert_int_equal(reads_print_generation(&view, &row, &printed.out), -ENODATA);
    data = print_as(&printed, DIALECT_OPENROUTER, &row);
    assert_raw(&printed.doc, data, "upstream_inference_cost", "null");
    release_printed(&printed);
}

/* Unknown is never 0: there is no record yet, or there never will be. */
static void an_unknown_cost_is_no_record(void **state)
{
    static const enum config_dialect dialects[] = {DIALECT_OPENROUTER, DIALECT_VERCEL};
    struct ledger_row row = chat_row();

    (void)state;
    row.billed.known = false;
    for (size_t i = 0; i < 2; i++) {
        struct reads_view view = view_of(dialects[i]);
        struct out out = OUT_INIT;
        row.verdict = VERDICT_PENDING;
        assert_int_equal(reads_print_generation(&view, &row, &out), -EAGAIN);
        row.verdict = VERDICT_UNREPORTED;
        assert_int_equal(reads_print_generation(&view, &row, &out), -ENODATA);
        assert_int_equal(out.len, 0);
        row.verdict = VERDICT_FAILED; /* refused upstream: nothing was billed, and that is known */
        assert_int_equal(reads_print_generation(&view, &row, &out), 0);
        assert_true(out.len > 0);
        out_release(&out);
    }
}

/* messages counts input without cache reads and writes; the records count all of it. */
static void prompts_are_whole_whatever_the_api_counts(void **state)
{
    struct ledger_row row = chat_row();
    struct printed printed;
    uint32_t data;

    (void)state;
    row.api = API_MESSAGES;
    row.usage = USAGE_INIT;
    row.usage.exclusive = true;
    row.usage.prompt_tokens = 13;
    row.usage.cached_tokens = 18909;
    row.usage.cache_write_tokens = 100;
    row.usage.completion_tokens = 4;
    data = print_as(&printed, DIALECT_VERCEL, &row);
    assert_raw(&printed.doc, data, "native_tokens_prompt", "19022");
    assert_raw(&printed.doc, data, "tokens_prompt", "113");
    assert_raw(&printed.doc, data, "native_tokens_cache_creation", "100");
    release_printed(&printed);
}

/* A row of which next to nothing is known is still a record that parses. */
static void a_bare_row_is_a_record(void **state)
{
    struct ledger_row row;
    struct printed printed;

    (void)state;
    row_init(&row);
    row.id = TEXT("x");
    row.billed = usd("0.1");
    check_openrouter_schema(&printed.doc, print_as(&printed, DIALECT_OPENROUTER, &row));
    release_printed(&printed);
    assert_raw(&printed.doc, print_as(&printed, DIALECT_VERCEL, &row), "native_tokens_prompt",
               "null");
    release_printed(&printed);
}

/* --- AI Stats' shape --- */

static void record_of(struct printed *printed, const struct ledger_row *row, const char *request)
{
    struct reads_view view = view_of(DIALECT_VERCEL);

    printed->out = OUT_INIT;
    reads_print_record(&view, row, text_of(request), &printed->out);
    parse_printed(printed);
}

static void a_record_takes_its_estimate_apart(void **state)
{
    static const char *const classes[] = {"\"input\"", "\"output\"", "\"input_cache_read\""};
    static const char *const quantities[] = {"1", "16", "9519"};
    static const char *const prices[] = {"\"0.0000014\"", "\"0.0000044\"", "\"0.00000026\""};
    static const char *const costs[] = {"\"0.0000014\"", "\"0.0000704\"", "\"0.00247494\""};
    struct ledger_row row = chat_row();
    struct printed printed;
    uint32_t lines, line;

    (void)state;
    row.attempts = TEXT("[{\"upstream\":\"a\",\"status\":429}]");
    row.rating = TEXT("1;0:0:1:1400000000;1:1:16:4400000000;2:2:9519:260000000");
    record_of(&printed, &row, "");
    assert_raw(&printed.doc, 0, "request_id", "\"gen_01KYEXAMPLE0000000000000AA\"");
    assert_raw(&printed.doc, 0, "endpoint", "\"chat/completions\"");
    assert_raw(&printed.doc, 0, "cost_nanos", "2546740");
    assert_raw(&printed.doc, 0, "billed_usd", "\"0.00254674\"");
    assert_raw(&printed.doc, 0, "latency_ms", "300");
    assert_raw(&printed.doc, 0, "generation_ms", "800");
    assert_raw(&printed.doc, 0, "throughput", "20");
    assert_raw(&printed.doc, 0, "success", "true");
    assert_raw(&printed.doc, 0, "attempts", "[{\"upstream\":\"a\",\"status\":429}]");
    assert_raw(&printed.doc, 0, "replay_supported", "false");
    assert_raw(&printed.doc, 0, "replay_request", "null");
    lines = json_get(&printed.doc, 0, "pricing_lines");
    line = json_first(&printed.doc, lines);
    for (size_t i = 0; i < 3; i++) {
        assert_raw(&printed.doc, line, "class", classes[i]);
        assert_raw(&printed.doc, line, "quantity", quantities[i]);
        assert_raw(&printed.doc, line, "unit_price", prices[i]);
        assert_raw(&printed.doc, line, "cost", costs[i]);
        line = json_next(&printed.doc, lines, line);
    }
    assert_int_equal(line, JSON_NONE);
    release_printed(&printed);
}

/* Lines that did not make this estimate are not shown as if they had. */
static void lines_that_do_not_add_up_are_not_shown(void **state)
{
    struct ledger_row row = chat_row();
    struct printed printed;

    (void)state;
    row.rating = TEXT("1;0:0:1:1400000000;1:1:16:4400000000;2:2:9519:260000000");
    row.estimated = usd("0.00254675");
    record_of(&printed, &row, "");
    assert_raw(&printed.doc, 0, "pricing_lines", "[]");
    release_printed(&printed);
    row = chat_row();
    row.rating = TEXT("");
    record_of(&printed, &row, "");
    assert_raw(&printed.doc, 0, "pricing_lines", "[]");
    release_printed(&printed);
}

static void a_logged_request_is_shown_as_it_was(void **state)
{
    struct ledger_row row = chat_row();
    struct printed printed;

    (void)state;
    record_of(&printed, &row, "{\"model\": \"m\", \"temperature\":0.10}");
    assert_raw(&printed.doc, 0, "replay_supported", "true");
    assert_raw(&printed.doc, 0, "replay_request", "{\"model\": \"m\", \"temperature\":0.10}");
    release_printed(&printed);
}

static void what_a_record_does_not_know_is_null(void **state)
{
    struct ledger_row row;
    struct printed printed;

    (void)state;
    row_init(&row);
    row.id = TEXT("x");
    row.verdict = VERDICT_PENDING;
    record_of(&printed, &row, "");
    assert_raw(&printed.doc, 0, "cost_nanos", "null");
    assert_raw(&printed.doc, 0, "billed_usd", "null");
    assert_raw(&printed.doc, 0, "byok", "null");
    assert_raw(&printed.doc, 0, "status_code", "null");
    assert_raw(&printed.doc, 0, "success", "false");
    assert_raw(&printed.doc, 0, "throughput", "null");
    assert_raw(&printed.doc, 0, "verdict", "\"pending\"");
    assert_raw(&printed.doc, 0, "team_id", "\"default\"");
    release_printed(&printed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_openrouters_record),
        cmocka_unit_test(a_row_is_vercels_record),
        cmocka_unit_test(a_hit_names_its_source_and_costs_nothing),
        cmocka_unit_test(a_hits_model_is_in_the_words_of_who_asks),
        cmocka_unit_test(own_keys_show_the_vendors_bill),
        cmocka_unit_test(an_unknown_cost_is_no_record),
        cmocka_unit_test(prompts_are_whole_whatever_the_api_counts),
        cmocka_unit_test(a_bare_row_is_a_record),
        cmocka_unit_test(a_record_takes_its_estimate_apart),
        cmocka_unit_test(lines_that_do_not_add_up_are_not_shown),
        cmocka_unit_test(a_logged_request_is_shown_as_it_was),
        cmocka_unit_test(what_a_record_does_not_know_is_null),
    };
    return cmocka_run_group_tests(tests, reads_setup, reads_teardown);
}
