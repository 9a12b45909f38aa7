#include "accounting/rerate.h"

#include "tests/accounting/report_support.h"

#include <unistd.h>

#include <json-c/json.h>

/* Input, output, cached input and 5-minute writes; dearer from the 15th on and for priority. */
static const char prices[] =
    "{\"format\": 2, \"models\": {\"a/x\": ["
    "{\"from\": \"2026-01-01T00:00:00Z\", \"source\": \"vercel\", \"input\": \"0.000002\","
    " \"output\": \"0.000004\", \"input_cache_read\": \"0.000001\","
    " \"input_cache_write\": \"0.000003\","
    " \"service_tiers\": {\"priority\": {\"input\": \"0.000004\"}}},"
    "{\"from\": \"2026-11-15T00:00:00Z\", \"source\": \"vercel\", \"input\": \"0.00002\","
    " \"output\": \"0.00004\"}]}}";

static int open_prices(void **state)
{
    char path[] = "/tmp/tollgate-rerate.XXXXXX", error[256] = "";
    int fd = mkstemp(path);
    struct price_table *table = NULL;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, prices, sizeof(prices) - 1), sizeof(prices) - 1);
    close(fd);
    if (price_table_open(path, &table, error, sizeof(error)) != 0)
        fail_msg("%s", error);
    unlink(path);
    *state = table;
    return 0;
}

static int close_prices(void **state)
{
    price_table_free(*state);
    return 0;
}

/* 100 input tokens and 10 output tokens, estimated at 0.0001. */
static struct ledger_row paid(int64_t at_ms, const char *model)
{
    struct ledger_row row;
    row_init(&row);
    row.created_at_ms = at_ms;
    row.id = TEXT("gen-1");
    row.model = text_of(model);
    row.cache = CACHE_MISS;
    row.usage.prompt_tokens = 100;
    row.usage.completion_tokens = 10;
    row.estimated = row.booked = usd(100000000000);
    row.verdict = VERDICT_UNREPORTED;
    row.rating = TEXT("1;0:0:100:1000000000");
    return row;
}

static struct json_object *rerated(const struct price_table *table, const struct ledger_row *rows,
                                   size_t count)
{
    struct ledger_reader reader = {.rows = rows, .count = count};
    struct rerate_order order = {
        .from_ms = NOVEMBER, .to_ms = DECEMBER, .prices = table, .json = true};
    struct json_object *root;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_int_equal(rerate_write(&reader, &order, out), 0);
    fclose(out);
    root = json_tokener_parse(text);
    assert_non_null(root);
    free(text);
    return root;
}

static void assert_total(struct json_object *root, const char *name, const char *want)
{
    struct json_object *totals, *found;
    const char *got;
    assert_true(json_object_object_get_ex(root, "totals", &totals));
    assert_true(json_object_object_get_ex(totals, name, &found));
    got = found != NULL ? json_object_get_string(found) : "null";
    if (strcmp(got, want) != 0)
        fail_msg("%s is %s, not %s", name, got, want);
}

#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))

static void rows_are_rated_by_the_version_in_force_at_their_start(void **state)
{
    struct ledger_row rows[] = {paid(NOVEMBER, "a/x"), paid(NOVEMBER + 14 * LEDGER_DAY_MS, "a/x"),
                                paid(NOVEMBER - 1, "a/x")};
    struct json_object *root = rerated(*state, rows, COUNT(rows));
    assert_total(root, "requests", "2");
    assert_total(root, "prompt_tokens", "200");
    assert_total(root, "then_usd", "0.0002");
    assert_total(root, "now_usd", "0.00264"); /* 0.00024 + 0.0024 */
    assert_total(root, "difference_usd", "0.00244");
    json_object_put(root);
}

static void service_tier_and_dated_names_are_found(void **state)
{
    struct ledger_row rows[] = {paid(NOVEMBER, "a/x"), paid(NOVEMBER, "a/x-2026-07-01")};
    struct json_object *root;
    rows[0].service_tier = TEXT("priority");
    rows[1].model_requested = TEXT("a/x");
    root = rerated(*state, rows, COUNT(rows));
    assert_total(root, "now_usd", "0.00068"); /* 0.00044 + 0.00024 */
    json_object_put(root);
}

static void what_the_table_does_not_price_is_named(void **state)
{
    struct ledger_row rows[] = {paid(NOVEMBER, "b/y"), paid(NOVEMBER, "a/x"), paid(NOVEMBER, "a/x"),
                                paid(NOVEMBER, "a/x")};
    struct json_object *root;
    rows[1].estimated.known = false; /* then there was no price */
    rows[2].usage.prompt_tokens = USAGE_ABSENT;
    rows[3].verdict = VERDICT_FAILED;
    root = rerated(*state, rows, COUNT(rows));
    assert_total(root, "requests", "3");
    assert_total(root, "rated", "0");
    assert_total(root, "difference_usd", "null");
    assert_total(root, "not_priced", "2");
    assert_total(root, "not_priced_then_usd", "0.0002");
    assert_total(root, "newly_priced", "1");
    assert_total(root, "newly_priced_usd", "0.00024");
    json_object_put(root);
}

/* Its own tokens are 0; its rating has what was avoided. */
static void hits_are_rated_by_what_they_avoided(void **state)
{
    struct ledger_row rows[] = {paid(NOVEMBER, "a/x"), paid(NOVEMBER, "a/x")};
    struct json_object *root;
    for (size_t i = 0; i < 2; i++) {
        rows[i].cache = i == 0 ? CACHE_HIT : CACHE_COLLAPSED;
        rows[i].verdict = VERDICT_FREE;
        rows[i].usage.prompt_tokens = rows[i].usage.completion_tokens = 0;
        rows[i].estimated = rows[i].booked = usd(0);
    }
    rows[0].rating = TEXT("1 flags=1;0:0:50:1000000000;1:1:10:1000000000;2:0:30:1000000000;"
                          "3:3:7:1000000000");
    rows[1].rating = (struct text){NULL, 0};
    root = rerated(*state, rows, COUNT(rows));
    assert_total(root, "requests", "0");
    assert_total(root, "hits", "1");
    assert_total(root, "avoided_then_usd", "0.000097");
    assert_total(root, "avoided_now_usd", "0.000191"); /* 100 + 40 + 30 + 21 */
    json_object_put(root);
}

/* 100 input tokens beside 20 written: the list cost that told so then says nothing now. */
static void cache_writes_are_read_as_they_were_then(void **state)
{
    struct ledger_row rows[] = {paid(NOVEMBER, "a/x")};
    struct json_object *root;
    rows[0].usage.cache_write_tokens = 20;
    root = rerated(*state, rows, 1);
    assert_total(root, "now_usd", "0.00026"); /* 80 x 2 + 20 x 3 + 10 x 4 */
    json_object_put(root);
    rows[0].rating = TEXT("1 flags=4;0:0:100:1000000000;3:3:20:1000000000");
    root = rerated(*state, rows, 1);
    assert_total(root, "now_usd", "0.0003");
    json_object_put(root);
}

static void models_are_sorted_and_failures_told(void **state)
{
    struct ledger_row rows[] = {paid(NOVEMBER, "b/y"), paid(NOVEMBER, "a/x")};
    struct ledger_reader reader = {.rows = rows, .count = 2};
    struct rerate_order order = {.from_ms = NOVEMBER, .to_ms = DECEMBER, .prices = *state};
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len), *full = fopen("/dev/full", "w");
    assert_int_equal(rerate_write(&reader, &order, out), 0);
    fclose(out);
    assert_true(strstr(text, "a/x") < strstr(text, "b/y")); /* the larger change */
    assert_null(strstr(text, " \n"));
    free(text);
    assert_int_equal(rerate_write(&reader, &order, full), -EIO);
    reader.fails = -EBADMSG;
    assert_int_equal(rerate_write(&reader, &order, full), -EBADMSG);
    fclose(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_rated_by_the_version_in_force_at_their_start),
        cmocka_unit_test(service_tier_and_dated_names_are_found),
        cmocka_unit_test(what_the_table_does_not_price_is_named),
        cmocka_unit_test(hits_are_rated_by_what_they_avoided),
        cmocka_unit_test(cache_writes_are_read_as_they_were_then),
        cmocka_unit_test(models_are_sorted_and_failures_told),
    };
    return cmocka_run_group_tests(tests, open_prices, close_prices);
}
