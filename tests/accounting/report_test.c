#include "accounting/report.h"

#include "accounting/report_collect.h"
#include "accounting/report_grid.h"
#include "accounting/report_table.h"
#include "accounting/report_writer.h"

#include "tests/accounting/report_support.h"

#include <json-c/json.h>

/* --- rows --- */

/* A paid call that was billed as estimated. */
static struct ledger_row paid(int64_t at_ms, const char *model, int64_t cost)
{
    struct ledger_row row;
    row_init(&row);
    row.created_at_ms = at_ms;
    row.id = TEXT("gen-1");
    row.api = API_CHAT;
    row.model = text_of(model);
    row.upstream = TEXT("vercel");
    row.key_id = TEXT("k1");
    row.cache = CACHE_MISS;
    row.status = 200;
    row.usage.prompt_tokens = 100;
    row.usage.completion_tokens = 10;
    row.billed = row.market = row.estimated = row.booked = usd(cost);
    row.difference = usd(0);
    row.verdict = VERDICT_MATCHED;
    row.ttft_ms = 100;
    return row;
}

static struct ledger_row hit(int64_t at_ms, const char *model, enum row_cache cache, int64_t saved)
{
    struct ledger_row row = paid(at_ms, model, 0);
    row.cache = cache;
    row.verdict = VERDICT_FREE;
    row.saved = usd(saved);
    row.usage.prompt_tokens = row.usage.completion_tokens = 0;
    row.ttft_ms = 1;
    return row;
}

static struct report_order november(bool json)
{
    return (struct report_order){
        .from_ms = NOVEMBER, .to_ms = DECEMBER, .json = json, .now_ms = DECEMBER + 48 * HOUR};
}

/* free() the text. */
static char *written(struct ledger_reader *reader, const struct report_order *order)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_int_equal(report_write(reader, order, out), 0);
    fclose(out);
    return text;
}

static struct json_object *report_json(const struct ledger_row *rows, size_t count,
                                       const struct report_order *order)
{
    struct ledger_reader reader = {.rows = rows, .count = count};
    char *text = written(&reader, order);
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

/* The member at a path of names and indices: "totals.spend_usd", "groups.0.model". */
static struct json_object *at(struct json_object *object, const char *path)
{
    while (*path != '\0' && object != NULL) {
        char name[64];
        size_t len = strcspn(path, ".");
        memcpy(name, path, len);
        name[len] = '\0';
        if (json_object_is_type(object, json_type_array))
            object = json_object_array_get_idx(object, (size_t)strtoul(name, NULL, 10));
        else if (!json_object_object_get_ex(object, name, &object))
            fail_msg("no member %s", name);
        path += len + (path[len] == '.');
    }
    return object;
}

static void assert_at(struct json_object *root, const char *path, const char *want)
{
    struct json_object *found = at(root, path);
    const char *got = found != NULL ? json_object_get_string(found) : "null";
    if (strcmp(got, want) != 0)
        fail_msg("%s is %s, not %s", path, got, want);
}

#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))

/* --- a month --- */

static void a_month_adds_up(void **state)
{
    const int64_t t = NOVEMBER + 5 * HOUR;
    struct ledger_row rows[] = {
        paid(t, "a/x", 3 * USD / 1000),       paid(t, "b/y", 5 * USD / 1000),
        hit(t, "a/x", CACHE_HIT, USD / 1000), hit(t, "a/x", CACHE_COLLAPSED, USD / 500),
        paid(NOVEMBER - 1, "a/x", USD),       paid(DECEMBER, "a/x", USD), /* not in it */
    };
    struct report_order order = november(true);
    struct json_object *root = report_json(rows, COUNT(rows), &order);
    (void)state;
    assert_at(root, "month", "2026-11");
    assert_at(root, "closed", "false");
    assert_at(root, "totals.requests", "4");
    assert_at(root, "totals.spend_usd", "0.008");
    assert_at(root, "totals.saved_usd", "0.003");
    assert_at(root, "totals.saved_by_collapsed_usd", "0.002");
    assert_at(root, "totals.savings_rate_percent", "27.27"); /* 3 / 11 */
    assert_at(root, "totals.hits", "2");
    assert_at(root, "totals.collapsed", "1");
    assert_at(root, "totals.hit_rate_percent", "50.00");
    assert_at(root, "totals.upstream_usd", "null"); /* nobody said anything: not 0 */
    assert_at(root, "coverage.percent", "100.00");
    assert_at(root, "groups.0.model", "b/y"); /* dearest first */
    assert_at(root, "groups.1.model", "a/x");
    assert_at(root, "groups.1.requests", "3");
    assert_at(root, "groups.1.prompt_tokens", "100");
    assert_at(root, "groups.1.hit_rate_percent", "66.66");
    assert_at(root, "verdicts.free.requests", "2");
    json_object_put(root);
}

static void ttft_is_of_requests_that_an_upstream_answered(void **state)
{
    struct ledger_row rows[] = {
        paid(NOVEMBER, "a/x", USD),
        hit(NOVEMBER, "a/x", CACHE_HIT, USD),
        hit(NOVEMBER, "a/x", CACHE_HIT, USD),
        hit(NOVEMBER, "a/x", CACHE_COLLAPSED, USD),
    };
    struct report_order order = november(true);
    struct json_object *root = report_json(rows, COUNT(rows), &order);
    enum export_key by_app = EXPORT_APP;
    int64_t ttft = json_object_get_int64(at(root, "groups.0.ttft_p50_ms"));
    (void)state;
    assert_true(ttft >= 50 && ttft <= 200);
    json_object_put(root);
    order.by = &by_app; /* from rows: the same */
    order.by_count = 1;
    root = report_json(rows, COUNT(rows), &order);
    assert_int_equal(json_object_get_int64(at(root, "groups.0.ttft_p50_ms")), ttft);
    json_object_put(root);
}

/* Billed 10 % below the list price, and once above it under one's own key. */
static void fees_are_what_was_billed_beyond_the_list_price(void **state)
{
    struct ledger_row rows[] = {paid(NOVEMBER, "a/x", 90), paid(NOVEMBER, "a/x", 0),
                                paid(NOVEMBER, "a/x", 50), paid(NOVEMBER, "a/x", 7)};
    struct report_order order = november(true);
    struct json_object *root;
    (void)state;
    rows[0].market = usd(100);
    rows[0].estimated = usd(95);
    rows[0].difference = usd(5);
    rows[0].verdict = VERDICT_OVER;
    rows[1].billed = usd(2);
    rows[1].upstream_cost = usd(40);
    rows[1].booked = usd(42);
    rows[1].market = rows[1].estimated = usd(40);
    rows[2].market.known = false; /* no list price: neither fee nor discount is known */
    rows[2].estimated = usd(45);
    rows[2].difference = usd(5);
    rows[3].verdict = VERDICT_UNPRICED;
    rows[3].estimated.known = rows[3].difference.known = false;
    root = report_json(rows, COUNT(rows), &order);
    assert_at(root, "fees.usd", "-0.000000000000008"); /* -10 + 2 */
    assert_at(root, "fees.requests", "3");
    assert_at(root, "coverage.percent", "75.00");
    assert_at(root, "without_estimate.0.requests", "1");
    assert_at(root, "without_estimate.0.reported", "1");
    assert_at(root, "without_estimate.0.spend_usd", "0.000000000000007");
    json_object_put(root);
}

static void drift_is_by_model_and_cause_largest_first(void **state)
{
    struct ledger_row rows[] = {paid(NOVEMBER, "a/x", 90), paid(NOVEMBER, "b/y", 90),
                                paid(NOVEMBER + HOUR, "b/y", 90), paid(NOVEMBER, "b/y", 90)};
    struct report_order order = november(true);
    struct json_object *root;
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        rows[i].verdict = VERDICT_OVER;
        rows[i].cause = CAUSE_CACHE_IGNORED;
        rows[i].difference = usd(10);
    }
    rows[0].verdict = VERDICT_UNDER;
    rows[0].cause = CAUSE_DISCOUNT;
    rows[0].difference = usd(-30);
    root = report_json(rows, COUNT(rows), &order);
    assert_int_equal(json_object_array_length(at(root, "drift")), 2);
    assert_at(root, "drift.0.cause", "discount");
    assert_at(root, "drift.0.difference_usd", "-0.00000000000003");
    assert_at(root, "drift.1.model", "b/y");
    assert_at(root, "drift.1.cause", "cached-tokens-ignored");
    assert_at(root, "drift.1.requests", "2");
    assert_at(root, "drift.1.difference_usd", "0.00000000000002");
    json_object_put(root);
}

static void pending_and_unreported_rows_are_counted_with_what_is_booked(void **state)
{
    struct ledger_row rows[] = {paid(NOVEMBER, "a/x", 90), paid(NOVEMBER, "a/x", 4),
                                paid(NOVEMBER, "a/x", 4), paid(NOVEMBER, "a/x", 4)};
    struct report_order order = november(true);
    struct json_object *root;
    (void)state;
    rows[0].verdict = VERDICT_PENDING;
    rows[1].verdict = VERDICT_UNREPORTED;
    rows[2].verdict = VERDICT_FAILED;
    rows[2].model = TEXT("c/z");
    rows[2].booked.known = rows[2].billed.known = false;
    rows[3].verdict = VERDICT_UNKNOWN;
    rows[3].estimated.known = rows[3].booked.known = false;
    root = report_json(rows, COUNT(rows), &order);
    assert_at(root, "verdicts.pending.requests", "1");
    assert_at(root, "verdicts.pending.spend_usd", "0.00000000000009");
    assert_at(root, "verdicts.unreported.spend_usd", "0.000000000000004");
    assert_at(root, "verdicts.unknown.spend_usd", "null");
    assert_at(root, "verdicts.failed.spend_usd", "0"); /* refused: that is known to be free */
    assert_at(root, "groups.1.model", "c/z");
    assert_at(root, "groups.1.spend_usd", "0");
    assert_at(root, "coverage.paid_requests", "3"); /* the failed one cost nothing */
    assert_at(root, "coverage.percent", "66.66");
    json_object_put(root);
}

/* Their sums are differences: of 90 booked 20 were too much. */
static void corrections_add_their_sums_and_are_no_requests(void **state)
{
    struct ledger_row rows[] = {paid(NOVEMBER, "a/x", 90), paid(NOVEMBER, "a/x", -20)};
    enum export_key by_user = EXPORT_USER;
    struct report_order order = november(true);
    struct json_object *root;
    (void)state;
    rows[1].corrects = TEXT("1790812800000/7");
    rows[1].estimated.known = rows[1].market.known = false; /* they stay what they were */
    rows[1].difference.known = false;
    root = report_json(rows, 2, &order);
    assert_at(root, "totals.requests", "1");
    assert_at(root, "totals.spend_usd", "0.00000000000007");
    assert_at(root, "fees.usd", "-0.00000000000002"); /* booked less, of the same list price */
    assert_at(root, "coverage.percent", "100.00");
    json_object_put(root);
    order.by = &by_user;
    order.by_count = 1;
    root = report_json(rows, 2, &order);
    assert_at(root, "groups.0.requests", "1");
    assert_at(root, "groups.0.spend_usd", "0.00000000000007");
    json_object_put(root);
    rows[0].created_at_ms = OCTOBER; /* the correction alone */
    order.against_from_ms = OCTOBER;
    order.against_to_ms = NOVEMBER;
    root = report_json(rows, 2, &order);
    assert_at(root, "groups.0.state", "null");
    assert_at(root, "groups.0.now.spend_usd", "-0.00000000000002");
    json_object_put(root);
}

/* --- prompt caches --- */

static struct ledger_row cached(int64_t at_ms, int64_t written, int64_t read)
{
    static char ratings[64][64];
    static size_t count;
    struct ledger_row row = paid(at_ms, "a/x", 5);
    char *rating = ratings[count++ % 64];
    row.usage.cache_write_tokens = written;
    row.usage.cached_tokens = read;
    snprintf(rating, 64, "1;3:3:%d:1000", (int)written);
    if (written > 0)
        row.rating = text_of(rating);
    return row;
}

static void assert_wasted(const struct ledger_row *rows, size_t count, int64_t now_ms,
                          const char *tokens, const char *cost)
{
    struct report_order order = november(true);
    struct json_object *root;
    order.now_ms = now_ms;
    root = report_json(rows, count, &order);
    assert_at(root, "wasted_cache_writes.tokens", tokens);
    assert_at(root, "wasted_cache_writes.usd", cost);
    json_object_put(root);
}

static void a_cache_write_is_wasted_unless_read_in_its_hour_or_the_next(void **state)
{
    struct ledger_row rows[] = {cached(NOVEMBER, 100, 0), cached(NOVEMBER + 59, 0, 0)};
    struct ledger_row last[] = {cached(DECEMBER - 1, 100, 0), cached(DECEMBER, 50, 7)};
    const int64_t later = DECEMBER + 10 * HOUR;
    (void)state;
    assert_wasted(rows, 2, later, "100", "0.0000000001");
    rows[1] = cached(NOVEMBER + 59, 0, 7); /* in its hour */
    assert_wasted(rows, 2, later, "0", "null");
    rows[1] = cached(NOVEMBER + 2 * HOUR - 1, 30, 7); /* in the next; that one is read, too */
    assert_wasted(rows, 2, later, "0", "null");
    rows[1] = cached(NOVEMBER + 2 * HOUR, 30, 7); /* too late */
    assert_wasted(rows, 2, later, "100", "0.0000000001");
    rows[1] = cached(NOVEMBER + 2 * HOUR, 30, 0);
    assert_wasted(rows, 2, later, "130", "0.00000000013");
    rows[1].key_id = TEXT("k2"); /* another key's reads are no help */
    rows[1].usage.cached_tokens = 9;
    rows[1].created_at_ms = NOVEMBER;
    assert_wasted(rows, 2, later, "100", "0.0000000001");
    assert_wasted(last, 2, later, "0", "null"); /* read in the first hour of the next month */
    assert_wasted(last, 1, later, "100", "0.0000000001");
}

static void a_cache_write_may_still_be_read_until_the_next_hour_is_over(void **state)
{
    struct ledger_row rows[] = {cached(NOVEMBER, 100, 0)};
    (void)state;
    assert_wasted(rows, 1, NOVEMBER + 2 * HOUR - 1, "0", "null");
    assert_wasted(rows, 1, NOVEMBER + 2 * HOUR, "100", "0.0000000001");
}

/* --- groups --- */

static void groups_from_sums_and_from_rows_agree(void **state)
{
    static const enum export_key kept[] = {EXPORT_MODEL,    EXPORT_PROVIDER, EXPORT_KEY,
                                           EXPORT_CLIENT,   EXPORT_PROJECT,  EXPORT_DAY,
                                           EXPORT_UPSTREAM, EXPORT_API};
    struct ledger_row rows[12];
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        rows[i] = i % 5 == 4 ? hit(NOVEMBER, "a/x", CACHE_HIT, (int64_t)i)
                             : paid(NOVEMBER, "a/x", (int64_t)(i + 1) * 7);
        rows[i].created_at_ms = NOVEMBER + (int64_t)i * 11 * HOUR;
        rows[i].model = i % 2 == 0 ? TEXT("a/x") : TEXT("b/y");
        rows[i].provider = i % 3 == 0 ? TEXT("azure") : TEXT("");
        rows[i].key_id = i % 4 == 0 ? TEXT("k1") : TEXT("k2");
        rows[i].client = rows[i].key_id;
        rows[i].project = rows[i].model;
        rows[i].api = i % 3 == 1 ? API_CHAT : API_MESSAGES;
        rows[i].upstream = rows[i].provider;
    }
    for (size_t i = 0; i < COUNT(kept); i++) {
        enum export_key by[] = {kept[i], EXPORT_USER};
        struct report_order order = november(true);
        struct json_object *sums, *read;
        order.by = by;
        order.by_count = 1;
        sums = report_json(rows, COUNT(rows), &order);
        order.by_count = 2; /* users are in no kept sum, and there are none */
        read = report_json(rows, COUNT(rows), &order);
        for (size_t k = 0; k < json_object_array_length(at(sums, "groups")); k++)
            json_object_object_add(json_object_array_get_idx(at(sums, "groups"), k), "user", NULL);
        assert_int_equal(json_object_array_length(at(sums, "groups")),
                         json_object_array_length(at(read, "groups")));
        assert_true(json_object_equal(at(sums, "groups"), at(read, "groups")));
        assert_true(json_object_equal(at(sums, "totals"), at(read, "totals")));
        json_object_put(sums);
        json_object_put(read);
    }
}

static void a_row_counts_in_each_of_its_tags_once(void **state)
{
    struct ledger_row rows[] = {paid(NOVEMBER, "a/x", 3), paid(NOVEMBER, "a/x", 5),
                                paid(NOVEMBER, "a/x", 7), paid(NOVEMBER, "a/x", 11)};
    enum export_key by = EXPORT_TAG;
    struct report_order order = november(true);
    struct json_object *root;
    (void)state;
    rows[0].tags = TEXT("[\"x\",\"y\",\"x\"]");
    rows[1].tags = TEXT("[\"y\"]");
    rows[2].tags = TEXT("[]");
    rows[3].tags = TEXT("[broken");
    order.by = &by;
    order.by_count = 1;
    root = report_json(rows, COUNT(rows), &order);
    assert_at(root, "overlap", "true");
    assert_at(root, "totals.spend_usd", "0.000000000000026"); /* each once */
    assert_int_equal(json_object_array_length(at(root, "groups")), 4);
    assert_at(root, "groups.0.tag", "[broken");
    assert_at(root, "groups.1.tag", "y");
    assert_at(root, "groups.1.spend_usd", "0.000000000000008");
    assert_at(root, "groups.1.requests", "2");
    assert_at(root, "groups.2.tag", "null");
    assert_at(root, "groups.3.tag", "x");
    assert_at(root, "groups.3.requests", "1");
    json_object_put(root);
}

static void many_groups_end_in_one(void **state)
{
    static const int64_t zero;
    struct report_table *table = report_table_new(&zero, sizeof(zero), 3);
    void *sums[6];
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        char name[2] = {(char)('a' + i), 0};
        struct text value = text_of(name);
        sums[i] = report_table_get(table, &value, 1);
        ++*(int64_t *)sums[i];
        assert_ptr_equal(report_table_get(table, &value, 1), sums[i]);
    }
    assert_ptr_equal(sums[3], sums[5]);
    assert_int_equal(*(int64_t *)sums[5], 3);
    assert_memory_equal(report_table_value(table, sums[3], 0).bytes, report_others, 8);
    report_table_free(table);
}

/* --- what changed --- */

static void assert_pair(struct json_object *root, size_t index, const char *model,
                        const char *state, const char *spend, const char *requests)
{
    char path[64];
    snprintf(path, sizeof(path), "groups.%zu.model", index);
    assert_at(root, path, model);
    snprintf(path, sizeof(path), "groups.%zu.state", index);
    assert_at(root, path, state);
    snprintf(path, sizeof(path), "groups.%zu.change.spend_usd", index);
    assert_at(root, path, spend);
    snprintf(path, sizeof(path), "groups.%zu.change.requests", index);
    assert_at(root, path, requests);
}

static void changes_are_sorted_by_their_size(void **state)
{
    struct ledger_row rows[] = {
        paid(OCTOBER, "same", 50),  paid(OCTOBER, "less", 500),    paid(OCTOBER, "less", 500),
        paid(OCTOBER, "gone", 200), paid(NOVEMBER, "same", 51),    paid(NOVEMBER, "less", 100),
        paid(NOVEMBER, "new", 300), paid(NOVEMBER, "unknown", 10), paid(OCTOBER, "unknown", 10),
    };
    struct report_order order = november(true);
    struct json_object *root;
    (void)state;
    rows[8].booked.known = false; /* it cost something, but who knows what */
    order.against_from_ms = OCTOBER;
    order.against_to_ms = NOVEMBER;
    root = report_json(rows, COUNT(rows), &order);
    assert_at(root, "month", "2026-11");
    assert_at(root, "against", "2026-10");
    assert_pair(root, 0, "less", "null", "-0.0000000000009", "-1");
    assert_pair(root, 1, "new", "new", "0.0000000000003", "1");
    assert_pair(root, 2, "gone", "gone", "-0.0000000000002", "-1");
    assert_pair(root, 3, "same", "null", "0.000000000000001", "0");
    assert_pair(root, 4, "unknown", "null", "null", "0");
    assert_at(root, "totals.now.spend_usd", "0.000000000000461");
    assert_at(root, "totals.then.spend_usd", "0.00000000000125");
    assert_at(root, "totals.change.saved_usd", "0");
    json_object_put(root);
}

static void changes_by_tag_are_read_from_rows(void **state)
{
    struct ledger_row rows[] = {paid(OCTOBER, "a/x", 50), paid(NOVEMBER, "a/x", 70)};
    enum export_key by = EXPORT_TAG;
    struct report_order order = november(false);
    struct ledger_reader reader = {.rows = rows, .count = COUNT(rows)};
    char *text;
    (void)state;
    rows[0].tags = TEXT("[\"x\"]");
    rows[1].tags = TEXT("[\"x\",\"y\"]");
    order.against_from_ms = OCTOBER;
    order.against_to_ms = NOVEMBER;
    order.by = &by;
    order.by_count = 1;
    text = written(&reader, &order);
    assert_int_equal(reader.scanned, 2);
    assert_non_null(strstr(text, "several tags"));
    assert_non_null(strstr(text, "\n  new   y "));
    free(text);
}

/* --- for people --- */

static void a_month_without_rows_says_so(void **state)
{
    struct ledger_reader reader = {.closed_before_ms = DECEMBER};
    struct report_order order = november(false);
    char *text = written(&reader, &order);
    (void)state;
    assert_string_equal(text, "2026-11, closed 2026-12-01T00:00:01.000Z: no requests\n");
    free(text);
    order.against_from_ms = OCTOBER;
    order.against_to_ms = NOVEMBER;
    text = written(&reader, &order);
    assert_non_null(strstr(text, "no requests in either\n"));
    free(text);
}

static void points_stand_below_each_other(void **state)
{
    struct ledger_row rows[] = {paid(NOVEMBER, "a/x", 12 * USD), paid(NOVEMBER, "b/y", USD / 1000)};
    struct ledger_reader reader = {.rows = rows, .count = COUNT(rows)};
    struct report_order order = november(false);
    char *text = written(&reader, &order), *first, *second;
    (void)state;
    first = strstr(text, "a/x ");
    second = strstr(text, "b/y ");
    assert_non_null(first);
    assert_non_null(second);
    assert_true(first < second);
    assert_int_equal(strstr(first, " 12 ") + 3 - first, strstr(second, "0.001") + 1 - second);
    assert_null(strstr(text, " \n"));
    assert_non_null(strstr(text, "2026-11, open: 2 requests"));
    assert_non_null(strstr(text, "12.001"));
    free(text);
}

static void names_cannot_steer_a_terminal(void **state)
{
    struct ledger_row rows[] = {paid(NOVEMBER, "a\x1b[2J\nx\x9b\xe2\x80\xae\xc2\x9b\\", 12)};
    struct ledger_reader reader = {.rows = rows, .count = 1};
    struct report_order order = november(false);
    char *text = written(&reader, &order);
    struct json_object *root;
    (void)state;
    assert_null(strchr(text, 0x1b));
    assert_non_null(strstr(text, "a\\u001b[2J\\u000ax\xef\xbf\xbd\\u202e\\u009b\\\\ "));
    free(text);
    order.json = true; /* and JSON stays JSON */
    root = report_json(rows, 1, &order);
    assert_at(root, "groups.0.model", "a\x1b[2J\nx\xef\xbf\xbd\xe2\x80\xae\xc2\x9b\\");
    json_object_put(root);
}

static void failures_are_told(void **state)
{
    struct ledger_row rows[] = {paid(NOVEMBER, "a/x", 12), paid(NOVEMBER, "a/x", 12)};
    struct ledger_reader reader = {.rows = rows, .count = 2};
    enum export_key twice[] = {EXPORT_MODEL, EXPORT_MODEL};
    struct report_order order = november(false);
    FILE *full = fopen("/dev/full", "w");
    (void)state;
    assert_int_equal(report_write(&reader, &order, full), -EIO);
    order.by = twice;
    order.by_count = 2;
    assert_int_equal(report_write(&reader, &order, full), -EINVAL);
    order.by_count = 0;
    rows[0].booked.money.femto = rows[1].booked.money.femto = (__int128)1 << 126;
    assert_int_equal(report_write(&reader, &order, full), -EOVERFLOW);
    reader.fails = -EBADMSG;
    assert_int_equal(report_write(&reader, &order, full), -EBADMSG);
    fclose(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_month_adds_up),
        cmocka_unit_test(ttft_is_of_requests_that_an_upstream_answered),
        cmocka_unit_test(fees_are_what_was_billed_beyond_the_list_price),
        cmocka_unit_test(drift_is_by_model_and_cause_largest_first),
        cmocka_unit_test(pending_and_unreported_rows_are_counted_with_what_is_booked),
        cmocka_unit_test(corrections_add_their_sums_and_are_no_requests),
        cmocka_unit_test(a_cache_write_is_wasted_unless_read_in_its_hour_or_the_next),
        cmocka_unit_test(a_cache_write_may_still_be_read_until_the_next_hour_is_over),
        cmocka_unit_test(groups_from_sums_and_from_rows_agree),
        cmocka_unit_test(a_row_counts_in_each_of_its_tags_once),
        cmocka_unit_test(many_groups_end_in_one),
        cmocka_unit_test(changes_are_sorted_by_their_size),
        cmocka_unit_test(changes_by_tag_are_read_from_rows),
        cmocka_unit_test(a_month_without_rows_says_so),
        cmocka_unit_test(points_stand_below_each_other),
        cmocka_unit_test(names_cannot_steer_a_terminal),
        cmocka_unit_test(failures_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
