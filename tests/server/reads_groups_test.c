#include "tests/server/reads_support.h"

#include <errno.h>

#define HOUR INT64_C(3600000)

static struct report_query query_of(const char *rest)
{
    char text[512];
    struct report_query query;
    const char *detail = "";

    snprintf(text, sizeof text, "start_date=2026-11-01&end_date=2026-11-30&%s", rest);
    if (reads_parse_report(text_of(text), &query, &detail) != 0)
        fail_msg("%s: %s", rest, detail);
    return query;
}

static void report_of(struct printed *printed, enum config_dialect to, const char *rest,
                      const struct ledger_row *rows, size_t count)
{
    struct reads_view view = view_of(to);
    struct report_query query = query_of(rest);
    struct report *report = report_new(&view, &query);

    for (size_t i = 0; i < count; i++)
        assert_int_equal(report_add(report, &rows[i]), 0);
    printed->out = OUT_INIT;
    report_print(report, &printed->out);
    report_free(report);
    parse_printed(printed);
}

static uint32_t nth(const struct json_doc *doc, const char *list, unsigned index)
{
    uint32_t array = json_get(doc, 0, list), at = json_first(doc, array);

    for (; index > 0 && at != JSON_NONE; index--)
        at = json_next(doc, array, at);
    return at;
}

static void a_report_adds_up_by_day_and_hour(void **state)
{
    struct ledger_row rows[4] = {chat_row(), chat_row(), chat_row(), chat_row()};
    struct printed printed;
    uint32_t group;

    (void)state;
    rows[1].created_at_ms += HOUR;
    rows[2].created_at_ms += 24 * HOUR;
    rows[3].created_at_ms += 24 * HOUR;
    rows[3].billed.known = rows[3].market.known = false;
    rows[3].verdict = VERDICT_PENDING;
    report_of(&printed, DIALECT_VERCEL, "", rows, 4);
    group = nth(&printed.doc, "results", 0);
    assert_raw(&printed.doc, group, "day", "\"2026-11-20\"");
    assert_raw(&printed.doc, group, "total_cost", "0.00509348");
    assert_raw(&printed.doc, group, "market_cost", "0.00509348");
    assert_raw(&printed.doc, group, "gateway_cost", "0.00509348");
    assert_raw(&printed.doc, group, "input_tokens", "19040");
    assert_raw(&printed.doc, group, "output_tokens", "32");
    assert_raw(&printed.doc, group, "cached_input_tokens", "19038");
    assert_raw(&printed.doc, group, "request_count", "2");
    assert_raw(&printed.doc, group, "unbilled_count", "0");
    assert_no_member(&printed.doc, group, "reasoning_tokens"); /* nobody knows: left out, not 0 */
    group = nth(&printed.doc, "results", 1);
    assert_raw(&printed.doc, group, "day", "\"2026-11-21\"");
    assert_raw(&printed.doc, group, "total_cost", "0.00254674");
    assert_raw(&printed.doc, group, "unbilled_count", "1"); /* and so it may be more */
    assert_int_equal(nth(&printed.doc, "results", 2), JSON_NONE);
    release_printed(&printed);
    report_of(&printed, DIALECT_VERCEL, "date_part=hour", rows, 2);
    assert_raw(&printed.doc, nth(&printed.doc, "results", 0), "hour", "\"2026-11-20T22\"");
    assert_raw(&printed.doc, nth(&printed.doc, "results", 1), "hour", "\"2026-11-20T23\"");
    release_printed(&printed);
}

static void a_report_groups_by_every_key(void **state)
{
    static const struct {
        const char *by, *name, *first, *second;
    } cases[] = {
        {"user", "user", "\"\"", "\"u-2\""},
        {"model", "model", "\"z-ai/glm-5.3\"", NULL},
        {"tag", "tag", "\"a\"", "\"b,c\""},
        {"provider", "provider", "\"Z.AI\"", NULL},
        {"credential_type", "credential_type", "\"byok\"", "\"system\""},
        {"zero_data_retention", "zero_data_retention", "\"unknown\"", NULL},
        {"api_key_name", "api_key_name", "\"0123456789abcdef0123456789abcdef\"", "\"team\""},
    };
    struct ledger_row rows[2] = {chat_row(), chat_row()};

    (void)state;
    rows[0].tags = TEXT("[\"b,c\",\"a\"]");
    rows[1].tags = TEXT("[\"a\",\"a\"]");
    rows[0].byok = 1;
    rows[1].user = TEXT("u-2");
    rows[1].client = TEXT("team");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char rest[64];
        struct printed printed;
        uint32_t second;
        snprintf(rest, sizeof rest, "group_by=%s", cases[i].by);
        report_of(&printed, DIALECT_OPENROUTER, rest, rows, 2);
        assert_raw(&printed.doc, nth(&printed.doc, "results", 0), cases[i].name, cases[i].first);
        second = nth(&printed.doc, "results", 1);
        assert_int_equal(second == JSON_NONE, cases[i].second == NULL);
        if (cases[i].second != NULL)
            assert_raw(&printed.doc, second, cases[i].name, cases[i].second);
        release_printed(&printed);
    }
}

/* Whose key paid is one of two words in the schema; a third is no word. */
static void an_unknown_credential_has_no_name(void **state)
{
    struct ledger_row row = chat_row();
    struct printed printed;

    (void)state;
    row.byok = -1;
    report_of(&printed, DIALECT_VERCEL, "group_by=credential_type", &row, 1);
    assert_no_member(&printed.doc, nth(&printed.doc, "results", 0), "credential_type");
    assert_raw(&printed.doc, nth(&printed.doc, "results", 0), "request_count", "1");
    release_printed(&printed);
}

static void filters_keep_what_they_say(void **state)
{
    static const struct {
        const char *rest;
        bool kept;
    } cases[] = {
        {"user_id=u-1", true},
        {"user_id=u", false},
        {"model=zai/glm-5.3", true},
        {"model=z-ai/glm-5.3", true}, /* in the words of the path, too */
        {"model=glm-5.3", false},
        {"provider=zai", true},
        {"provider=openai", false},
        {"credential_type=system", true},
        {"credential_type=byok", false},
        {"tags=x,a", true},
        {"tags=x", false},
        {"tags=a,b", true},
        {"tags=a,b&tags_match=all", true},
        {"tags=a,x&tags_match=all", false},
        {"tags=a,,b,&tags_match=all", true},
        {"tags=x%2Cb", true}, /* as URLSearchParams writes a comma */
        {"user_id=u-1&model=other", false},
    };
    struct ledger_row row = chat_row();

    (void)state;
    row.user = TEXT("u-1");
    row.tags = TEXT("[\"a\",\"b\"]");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct printed printed;
        report_of(&printed, DIALECT_OPENROUTER, cases[i].rest, &row, 1);
        if ((nth(&printed.doc, "results", 0) != JSON_NONE) != cases[i].kept)
            fail_msg("%s", cases[i].rest);
        release_printed(&printed);
    }
}

static void activity_is_by_day_model_and_provider(void **state)
{
    struct ledger_row row = chat_row();
    struct reads_view view = view_of(DIALECT_OPENROUTER);
    struct activity *activity = activity_new(&view);
    struct printed printed = {.out = OUT_INIT};
    uint32_t group;

    (void)state;
    assert_int_equal(activity_add(activity, &row), 0);
    row.byok = 1;
    row.billed = usd("0.0001");
    row.upstream_cost = usd("0.02");
    row.usage.reasoning_tokens = 5;
    assert_int_equal(activity_add(activity, &row), 0);
    row = chat_row();
    row.created_at_ms += 24 * HOUR;
    row.cache = CACHE_HIT;
    row.billed = usd("0");
    row.usage.prompt_tokens = row.usage.completion_tokens = 0;
    assert_int_equal(activity_add(activity, &row), 0);
    activity_print(activity, &printed.out);
    activity_free(activity);
    parse_printed(&printed);
    group = nth(&printed.doc, "data", 0); /* the latest day first */
    assert_raw(&printed.doc, group, "date", "\"2026-11-21\"");
    assert_raw(&printed.doc, group, "requests", "1");
    assert_raw(&printed.doc, group, "cached_requests", "1");
    assert_raw(&printed.doc, group, "usage", "0");
    group = nth(&printed.doc, "data", 1);
    assert_raw(&printed.doc, group, "date", "\"2026-11-20\"");
    assert_raw(&printed.doc, group, "model", "\"z-ai/glm-5.3\"");
    assert_raw(&printed.doc, group, "provider_name", "\"Z.AI\"");
    assert_raw(&printed.doc, group, "requests", "2");
    assert_raw(&printed.doc, group, "usage", "0.00264674");
    assert_raw(&printed.doc, group, "byok_usage_inference", "0.02");
    assert_raw(&printed.doc, group, "prompt_tokens", "19040");
    assert_raw(&printed.doc, group, "completion_tokens", "32");
    assert_raw(&printed.doc, group, "reasoning_tokens", "5");
    assert_int_equal(nth(&printed.doc, "data", 2), JSON_NONE);
    release_printed(&printed);
}

/* The label names the key without telling anything of it. */
static void a_key_shows_its_sums_and_a_label(void **state)
{
    struct tally_key key = TALLY_KEY_INIT;
    struct printed printed = {.out = OUT_INIT};
    uint32_t data;

    (void)state;
    key.billed[TALLY_TOTAL] = usd("1.5").money;
    key.billed[TALLY_MONTH] = usd("0.25").money;
    key.byok[TALLY_WEEK] = usd("0.000000000000001").money;
    reads_print_key("0123456789abcdef0123456789abcdef", &key, NULL, NULL, &printed.out);
    parse_printed(&printed);
    data = json_get(&printed.doc, 0, "data");
    assert_raw(&printed.doc, data, "label", "\"key-012345...cdef\"");
    assert_raw(&printed.doc, data, "usage", "1.5");
    assert_raw(&printed.doc, data, "usage_daily", "0");
    assert_raw(&printed.doc, data, "usage_monthly", "0.25");
    assert_raw(&printed.doc, data, "byok_usage_weekly", "0.000000000000001");
    assert_raw(&printed.doc, data, "limit", "null");
    assert_raw(&printed.doc, json_get(&printed.doc, data, "rate_limit"), "requests", "-1");
    release_printed(&printed);
}

/* Of several budgets the one with the least left. */
static void a_clients_budget_is_its_keys_limit(void **state)
{
    static const struct config_client client = {.name = NULL};
    struct budget_state states[BUDGET_PERIODS] = {
        [BUDGET_DAY] = {.limited = true, .limit = usd("5").money, .spent = usd("1").money},
        [BUDGET_WEEK] = {.limited = false},
        [BUDGET_MONTH] = {.limited = true, .limit = usd("20").money, .spent = usd("17.5").money},
    };
    struct tally_key key = TALLY_KEY_INIT;
    struct printed printed = {.out = OUT_INIT};
    uint32_t data;

    (void)state;
    reads_print_key("0123456789abcdef0123456789abcdef", &key, &client, states, &printed.out);
    parse_printed(&printed);
    data = json_get(&printed.doc, 0, "data");
    assert_raw(&printed.doc, data, "limit", "20");
    assert_raw(&printed.doc, data, "limit_remaining", "2.5");
    assert_raw(&printed.doc, data, "limit_reset", "\"monthly\"");
    release_printed(&printed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clients_budget_is_its_keys_limit),
        cmocka_unit_test(a_report_adds_up_by_day_and_hour),
        cmocka_unit_test(a_report_groups_by_every_key),
        cmocka_unit_test(an_unknown_credential_has_no_name),
        cmocka_unit_test(filters_keep_what_they_say),
        cmocka_unit_test(activity_is_by_day_model_and_provider),
        cmocka_unit_test(a_key_shows_its_sums_and_a_label),
    };
    return cmocka_run_group_tests(tests, reads_setup, reads_teardown);
}
