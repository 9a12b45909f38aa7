#include "accounting/explain.h"

#include "accounting/explain_story.h"

#include "tests/accounting/report_support.h"

#include <json-c/json.h>

static struct text print_rating(const struct estimate *estimate, char text[ROW_RATING_BYTES_MAX])
{
    return (struct text){text, rating_print(estimate, text)};
}

/* 1200 input tokens, 1000 of them cached, and 16 output tokens. */
static struct estimate estimate(void)
{
    struct estimate made = {
        .count = 3,
        .multiplier_ppm = 950000,
        .above = 1000,
        .service_tier = "priority",
        .flags = ESTIMATE_FALLBACK_PRICE,
        .lines = {{PRICE_INPUT, PRICE_INPUT, 200, {1400000000}, {0}},
                  {PRICE_OUTPUT, PRICE_OUTPUT, 16, {4400000000}, {0}},
                  {PRICE_CACHE_READ, PRICE_INPUT, 1000, {1400000000}, {0}}},
    };
    return made;
}

static struct ledger_row paid(void)
{
    static char rating[ROW_RATING_BYTES_MAX];
    struct estimate made = estimate();
    struct ledger_row row;
    row_init(&row);
    row.created_at_ms = NOVEMBER + HOUR;
    row.id = TEXT("gen-1");
    row.api = API_CHAT;
    row.streamed = true;
    row.client = TEXT("team");
    row.key_id = TEXT("k1");
    row.project = TEXT("p");
    row.user = TEXT("u");
    row.app = TEXT("a");
    row.session = TEXT("s");
    row.tags = TEXT("[\"x\",\"y z\"]");
    row.model_requested = TEXT("glm");
    row.model = TEXT("zai/glm-5.3");
    row.provider = TEXT("azure");
    row.upstream = TEXT("vercel");
    row.upstream_id = TEXT("gen_01");
    row.route = TEXT("fallback");
    row.attempts = TEXT("[{\"upstream\":\"openrouter\",\"model\":\"z\",\"status\":503,\"ms\":12},"
                        "{\"upstream\":\"b\",\"model\":\"y\",\"status\":null,\"ms\":9}]");
    row.cache = CACHE_MISS;
    row.status = 200;
    row.finish_reason = TEXT("stop");
    row.usage.prompt_tokens = 1200;
    row.usage.cached_tokens = 1000;
    row.usage.completion_tokens = 16;
    row.billed = row.booked = usd(1700000000000);
    row.market = usd(1750000000000);
    row.estimated = usd(1662880000000);
    row.difference = usd(87120000000);
    row.verdict = VERDICT_OVER;
    row.cause = CAUSE_TIER_MISSED;
    row.observed = TEXT("[{\"from\":\"usage\",\"at\":1793494800123,\"billed\":\"0.0017\"},"
                        "{\"from\":\"generation\",\"at\":1793494801123,\"billed\":\"0.0017\","
                        "\"market\":\"0.00175\"}]");
    row.price_hash = TEXT("abcdef");
    row.rating = print_rating(&made, rating);
    row.version = 1;
    row.latency_ms = 900;
    row.ttft_ms = 120;
    row.byok = 0;
    return row;
}

static struct ledger_row hit(const char *id, int64_t at_ms, enum row_cache cache)
{
    struct ledger_row row = paid();
    row.created_at_ms = at_ms;
    row.id = text_of(id);
    row.upstream_id = (struct text){NULL, 0};
    row.source_id = TEXT("gen-1");
    row.cache = cache;
    row.verdict = VERDICT_FREE;
    row.billed = row.market = row.booked = row.estimated = row.difference = usd(0);
    row.saved = usd(1700000000000);
    row.cause = CAUSE_NONE;
    return row;
}

/* free() the text. */
static char *explained(struct ledger_reader *reader, const char *id, bool json)
{
    struct explain_order order = {.id = text_of(id), .json = json};
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_int_equal(explain_write(reader, &order, out), 0);
    fclose(out);
    return text;
}

static struct json_object *explained_json(struct ledger_reader *reader, const char *id)
{
    char *text = explained(reader, id, true);
    struct json_tokener *tokener = json_tokener_new();
    struct json_object *root;
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    root = json_tokener_parse_ex(tokener, text, (int)strlen(text) + 1);
    if (root == NULL)
        fail_msg("not JSON: %s", text);
    json_tokener_free(tokener);
    free(text);
    return root;
}

static void assert_member(struct json_object *root, const char *name, const char *want)
{
    struct json_object *found;
    const char *got;
    if (!json_object_object_get_ex(root, name, &found))
        fail_msg("no member %s", name);
    got = found != NULL ? json_object_to_json_string_ext(found, JSON_C_TO_STRING_PLAIN |
                                                                    JSON_C_TO_STRING_NOSLASHESCAPE)
                        : "null";
    if (strcmp(got, want) != 0)
        fail_msg("%s is %s, not %s", name, got, want);
}

#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))

static void a_paid_request_in_json(void **state)
{
    struct ledger_row rows[] = {paid()};
    struct ledger_reader reader = {.rows = rows, .count = 1};
    struct json_object *root = explained_json(&reader, "gen_01"); /* by the upstream's id */
    (void)state;
    assert_member(root, "id", "\"gen-1\"");
    assert_member(root, "created_at", "\"2026-11-01T01:00:00.000Z\"");
    assert_member(root, "month_closed", "false");
    assert_member(root, "tags", "[\"x\",\"y z\"]");
    assert_member(root, "environment", "null");
    assert_member(root, "attempts",
                  "[{\"upstream\":\"openrouter\",\"model\":\"z\",\"status\":503,\"ms\":12},"
                  "{\"upstream\":\"b\",\"model\":\"y\",\"status\":null,\"ms\":9}]");
    assert_member(root, "pricing",
                  "{\"lines\":[{\"class\":\"input\",\"billed_as\":\"input\",\"quantity\":200,"
                  "\"unit_price_usd\":\"0.0000014\",\"cost_usd\":\"0.00028\"},"
                  "{\"class\":\"output\",\"billed_as\":\"output\",\"quantity\":16,"
                  "\"unit_price_usd\":\"0.0000044\",\"cost_usd\":\"0.0000704\"},"
                  "{\"class\":\"input_cache_read\",\"billed_as\":\"input\",\"quantity\":1000,"
                  "\"unit_price_usd\":\"0.0000014\",\"cost_usd\":\"0.0014\"}],"
                  "\"cost_usd\":\"0.00166288\",\"context_above\":1000,"
                  "\"service_tier\":\"priority\",\"multiplier\":\"0.95\","
                  "\"flags\":[\"fallback_price\"],\"price_table\":\"abcdef\"}");
    assert_member(root, "observations",
                  "[{\"from\":\"usage\",\"at\":\"2026-11-01T01:00:00.123Z\","
                  "\"billed_usd\":\"0.0017\",\"upstream_usd\":null,\"market_usd\":null,"
                  "\"byok\":null},{\"from\":\"generation\",\"at\":\"2026-11-01T01:00:01.123Z\","
                  "\"billed_usd\":\"0.0017\",\"upstream_usd\":null,\"market_usd\":\"0.00175\","
                  "\"byok\":null}]");
    assert_member(root, "difference_usd", "\"0.00008712\"");
    assert_member(root, "verdict", "\"over\"");
    assert_member(root, "cause", "\"tier-missed\"");
    assert_member(root, "source", "null");
    assert_member(root, "corrections", "[]");
    json_object_put(root);
}

static void a_paid_request_in_words(void **state)
{
    struct ledger_row rows[] = {paid()};
    struct ledger_reader reader = {.rows = rows, .count = 1};
    char *text = explained(&reader, "gen-1", false);
    static const char *const parts[] = {
        "gen-1   2026-11-01T01:00:00.000Z, of a month that is open\n",
        "api             chat, streamed\n",
        "tags            x, y z\n",
        "why             fallback: the attempt before it failed\n",
        "attempt before  openrouter, z: status 503 after 12 ms\n",
        "attempt before  b, y: no answer after 9 ms\n",
        "1200\n",
        "1000   cached input tokens   x    0.0000014   =   0.0014      at the price of input",
        "sum             0.00166288, after a multiplier of 0.95\n",
        "above 1000 input tokens\n",
        "a cache class without a price of its own",
        "market - estimated\n",
        "verdict         over: more was reported than estimated\n",
        "cause           tier-missed: ",
        "version         1: ",
        "Served again\n  never, until 2027-01-30T00:59:59.999Z\n",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(parts); i++) {
        if (strstr(text, parts[i]) == NULL)
            fail_msg("not there: %s\nin:\n%s", parts[i], text);
    }
    assert_null(strstr(text, " \n"));
    free(text);
}

static void a_source_knows_how_often_it_was_served_again(void **state)
{
    struct ledger_row rows[] = {
        hit("early", NOVEMBER, CACHE_HIT), /* before it: cannot be its */
        paid(),
        hit("f1", NOVEMBER + HOUR, CACHE_COLLAPSED),
        hit("h1", NOVEMBER + 2 * HOUR, CACHE_HIT),
        hit("other", NOVEMBER + 2 * HOUR, CACHE_HIT),
        hit("h2", DECEMBER + 4, CACHE_HIT),
        hit("late", NOVEMBER + HOUR + 90 * LEDGER_DAY_MS, CACHE_HIT),
    };
    struct ledger_reader reader = {.rows = rows, .count = COUNT(rows)};
    struct json_object *root;
    static const char want[] =
        "{\"source_id\":\"gen-1\",\"hits\":2,\"collapsed\":1,"
        "\"first_at\":\"2026-11-01T01:00:00.000Z\",\"first_id\":\"f1\","
        "\"last_at\":\"2026-12-01T00:00:00.004Z\",\"last_id\":\"h2\",\"saved_usd\":\"0.0051\","
        "\"looked_until\":\"2027-01-30T00:59:59.999Z\"}";
    (void)state;
    rows[4].source_id = TEXT("gen-2");
    root = explained_json(&reader, "gen-1");
    assert_member(root, "served_again", want);
    json_object_put(root);
    root = explained_json(&reader, "h1"); /* a hit tells it of its source */
    assert_member(root, "served_again", want);
    assert_member(root, "source",
                  "{\"id\":\"gen-1\",\"found\":true,\"created_at\":\"2026-11-01T01:00:00.000Z\","
                  "\"booked_usd\":\"0.0017\"}");
    assert_member(root, "saved_usd", "\"0.0017\"");
    assert_member(root, "verdict", "\"free\"");
    json_object_put(root);
}

static void a_hit_whose_source_is_gone_says_so(void **state)
{
    struct ledger_row rows[] = {hit("h1", NOVEMBER, CACHE_HIT),
                                hit("f1", NOVEMBER, CACHE_COLLAPSED)};
    struct ledger_reader reader = {.rows = rows, .count = 2};
    struct json_object *root = explained_json(&reader, "h1");
    char *text;
    (void)state;
    assert_member(root, "source",
                  "{\"id\":\"gen-1\",\"found\":false,\"created_at\":null,\"booked_usd\":null}");
    assert_member(root, "served_again", "null");
    json_object_put(root);
    text = explained(&reader, "h1", false);
    assert_non_null(strstr(text, "not in the ledger any more"));
    free(text);
    rows[1].source_id = (struct text){NULL, 0}; /* it left before its leader ended */
    root = explained_json(&reader, "f1");
    assert_member(root, "source", "null");
    json_object_put(root);
}

static void corrections_of_a_closed_month_are_found(void **state)
{
    struct ledger_row rows[] = {paid(), paid()};
    struct ledger_reader reader = {.rows = rows, .count = 2, .closed_before_ms = DECEMBER};
    struct json_object *root;
    char *text;
    (void)state;
    rows[1].created_at_ms = DECEMBER + 5;
    rows[1].id = TEXT("gen-1b"); /* the fake's index knows no better */
    rows[1].upstream_id = (struct text){NULL, 0};
    rows[1].source_id = TEXT("gen-1");
    rows[1].corrects = TEXT("1793494800000/7");
    rows[1].route = TEXT("correction");
    rows[1].booked = usd(-300000000000);
    rows[1].difference.known = false;
    rows[1].verdict = VERDICT_MATCHED;
    rows[1].cause = CAUSE_NONE;
    for (int cached = 0; cached < 2; cached++) {
        rows[0].cache = cached != 0 ? CACHE_MISS : CACHE_OFF;
        root = explained_json(&reader, "gen-1");
        assert_member(root, "month_closed", "true");
        assert_member(root, "corrections",
                      "[{\"at\":\"2026-12-01T00:00:00.005Z\",\"corrects\":\"1793494800000/7\","
                      "\"booked_usd\":\"-0.0003\",\"difference_usd\":null,"
                      "\"verdict\":\"matched\",\"cause\":null}]");
        assert_member(root, "correction_count", "1");
        json_object_put(root);
    }
    text = explained(&reader, "gen-1", false);
    assert_non_null(strstr(text, "Corrected since its month was closed (1)"));
    free(text);
}

static void rows_are_read_only_where_they_can_tell_anything(void **state)
{
    struct ledger_row rows[] = {paid()};
    struct ledger_reader reader = {.rows = rows, .count = 1};
    struct json_object *root;
    (void)state;
    rows[0].cache = CACHE_OFF;
    root = explained_json(&reader, "gen-1");
    assert_member(root, "served_again", "null");
    json_object_put(root);
    assert_int_equal(reader.scanned, 0);
    rows[0].cache = CACHE_REFRESH;
    json_object_put(explained_json(&reader, "gen-1"));
    assert_int_equal(reader.scanned, 1);
}

static void broken_lists_and_steering_names_do_no_harm(void **state)
{
    struct ledger_row rows[] = {paid()};
    struct ledger_reader reader = {.rows = rows, .count = 1};
    struct json_object *root;
    char *text;
    (void)state;
    rows[0].attempts = TEXT("[{\"upstream\":7,\"status\":-3},4,[[[[[[[[[[");
    rows[0].observed = TEXT("nothing");
    rows[0].rating = TEXT("1;99:99:1:1");
    rows[0].tags = TEXT("\x1b\xff");
    rows[0].user = TEXT("u\x1b[31m\r\n");
    root = explained_json(&reader, "gen-1");
    assert_member(root, "attempts", "[]");
    assert_member(root, "observations", "[]");
    assert_member(root, "pricing", "null");
    assert_member(root, "tags", "[\"\\u001b\xef\xbf\xbd\"]");
    assert_member(root, "user", "\"u\\u001b[31m\\r\\n\"");
    json_object_put(root);
    text = explained(&reader, "gen-1", false);
    assert_null(strchr(text, 0x1b));
    assert_null(strchr(text, '\r'));
    assert_non_null(strstr(text, "user            u\\u001b[31m\\u000d\\u000a\n"));
    assert_non_null(strstr(text, "nothing was rated"));
    free(text);
    rows[0].attempts = TEXT("[{\"upstream\":7,\"status\":-3},4,{}]");
    root = explained_json(&reader, "gen-1");
    assert_member(root, "attempts",
                  "[{\"upstream\":null,\"model\":null,\"status\":null,\"ms\":null},"
                  "{\"upstream\":null,\"model\":null,\"status\":null,\"ms\":null}]");
    json_object_put(root);
}

static void every_code_has_words(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PRICE_UNITS; i++)
        assert_true(strlen(explain_unit((enum price_unit)i)) > 0);
    for (unsigned i = VERDICT_NONE + 1; i < VERDICTS; i++)
        assert_true(strlen(explain_verdict((enum verdict)i)) > 0);
    for (unsigned i = CAUSE_NONE + 1; i < CAUSES; i++)
        assert_true(strlen(explain_cause((enum cause)i)) > 0);
    assert_string_equal(explain_route(TEXT("route cheap")),
                        "the first upstream of this route that could serve it");
    assert_string_equal(explain_route(TEXT("else")), "");
}

static void failures_are_told(void **state)
{
    struct ledger_row rows[] = {paid()};
    struct ledger_reader reader = {.rows = rows, .count = 1};
    struct explain_order order = {.id = TEXT("gen-0")};
    FILE *full = fopen("/dev/full", "w");
    (void)state;
    assert_int_equal(explain_write(&reader, &order, full), -ENOENT);
    order.id = TEXT("gen-1");
    assert_int_equal(explain_write(&reader, &order, full), -EIO);
    reader.fails = -EBADMSG;
    assert_int_equal(explain_write(&reader, &order, full), -EBADMSG);
    fclose(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_paid_request_in_json),
        cmocka_unit_test(a_paid_request_in_words),
        cmocka_unit_test(a_source_knows_how_often_it_was_served_again),
        cmocka_unit_test(a_hit_whose_source_is_gone_says_so),
        cmocka_unit_test(corrections_of_a_closed_month_are_found),
        cmocka_unit_test(rows_are_read_only_where_they_can_tell_anything),
        cmocka_unit_test(broken_lists_and_steering_names_do_no_harm),
        cmocka_unit_test(every_code_has_words),
        cmocka_unit_test(failures_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
