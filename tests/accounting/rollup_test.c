#include "accounting/rollup.h"

#include "accounting/rating.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* 2026-11-20T22:00:00Z */
static const int64_t hour_ms = INT64_C(1795212000000);

static uint64_t next(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random >> 11;
}

static struct text choose(uint64_t *random)
{
    static const char *const words[] = {"", "a", "b", "ab", "zai/glm-5.3", "vercel"};
    return text_of(words[next(random) % 6]);
}

static struct maybe_money some_money(uint64_t *random)
{
    struct maybe_money money = {.known = next(random) % 3 > 0};
    if (money.known)
        money.money.femto = (__int128)(int64_t)(next(random) - (UINT64_C(1) << 52)) *
                            (next(random) % 4 == 0 ? INT64_C(1000000000000000) : 1);
    return money;
}

/* 1 x 1400 + 16 cached x 260 + 10 written x 1750 + 5 for an hour x 2800, in 1e-9 USD each. */
static size_t print_rating(char text[ROW_RATING_BYTES_MAX], int64_t multiplier_ppm)
{
    static const struct estimate_line lines[] = {
        {PRICE_INPUT, PRICE_INPUT, 1, {1400}, {1400}},
        {PRICE_CACHE_READ, PRICE_CACHE_READ, 16, {260}, {16 * 260}},
        {PRICE_CACHE_WRITE, PRICE_CACHE_WRITE, 10, {1750}, {17500}},
        {PRICE_CACHE_WRITE_1H, PRICE_CACHE_WRITE_1H, 5, {2800}, {14000}},
    };
    struct estimate estimate = {.count = 4, .multiplier_ppm = multiplier_ppm};
    memcpy(estimate.lines, lines, sizeof(lines));
    return rating_print(&estimate, text);
}

static struct ledger_row random_row(uint64_t *random)
{
    static char rating[ROW_RATING_BYTES_MAX];
    struct ledger_row row;
    row_init(&row);
    row.created_at_ms = hour_ms + (int64_t)(next(random) % (2 * 3600000));
    row.model = choose(random);
    row.provider = next(random) % 2 == 0 ? choose(random) : (struct text){NULL, 0};
    row.key_id = next(random) % 4 == 0 ? choose(random) : TEXT("k1");
    row.api = (enum row_api)(next(random) % 3);
    row.cache = (enum row_cache)(next(random) % 4);
    row.verdict = (enum verdict)(next(random) % VERDICTS);
    row.cause = next(random) % 8 == 0 ? CAUSE_MARKUP : CAUSE_NONE;
    row.byok = (int)(next(random) % 3) - 1;
    row.usage.prompt_tokens = (int64_t)(next(random) % 1000) - 100;
    row.usage.prompt_tokens = row.usage.prompt_tokens < 0 ? USAGE_ABSENT : row.usage.prompt_tokens;
    row.usage.cached_tokens = next(random) % 2 == 0 ? USAGE_ABSENT : 16;
    row.usage.cache_write_tokens = next(random) % 2 == 0 ? USAGE_ABSENT : 15;
    row.rating = (struct text){rating, print_rating(rating, 950001)};
    row.billed = some_money(random);
    row.booked = some_money(random);
    row.difference = some_money(random);
    row.estimated = some_money(random);
    row.saved = some_money(random);
    row.latency_ms = (int64_t)(next(random) % 50000) - 100;
    row.ttft_ms = (int64_t)(next(random) % 500000) - 100;
    if (next(random) % 20 == 0)
        row.corrects = TEXT("1/1");
    return row;
}

struct bytes {
    uint8_t *at;
    size_t len;
};

/* take: rollup */
static struct bytes encode(struct rollup *rollup)
{
    struct bytes bytes;
    assert_int_equal(rollup_encode(rollup, &bytes.at, &bytes.len), 0);
    rollup_free(rollup);
    return bytes;
}

static void assert_same(struct bytes a, struct bytes b)
{
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.at, b.at, a.len);
    free(b.at);
}

static int merge(void *arg, const struct rollup_group *group)
{
    return rollup_merge(arg, group);
}

static struct rollup *new_rollup(void)
{
    struct rollup *rollup = rollup_new();
    assert_non_null(rollup);
    return rollup;
}

/* Whatever the order of rows, however they are grouped on the way, and also by way of the stored
 * form. */
static void sums_do_not_depend_on_order_or_grouping(void **state)
{
    enum { ROWS = 3000, PARTS = 7 };
    struct ledger_row *rows = calloc(ROWS, sizeof(*rows));
    uint64_t random = 88172645463325252ULL;
    (void)state;
    for (unsigned round = 0; round < 5; round++) {
        struct rollup *forth = new_rollup(), *back = new_rollup(), *merged = new_rollup();
        struct rollup *parts[PARTS];
        struct bytes want;
        for (unsigned i = 0; i < PARTS; i++)
            parts[i] = new_rollup();
        for (unsigned i = 0; i < ROWS; i++)
            rows[i] = random_row(&random);
        for (unsigned i = 0; i < ROWS; i++) {
            assert_int_equal(rollup_add(forth, &rows[i]), 0);
            assert_int_equal(rollup_add(back, &rows[ROWS - 1 - i]), 0);
            assert_int_equal(rollup_add(parts[next(&random) % PARTS], &rows[i]), 0);
        }
        for (unsigned i = 0; i < PARTS; i++) {
            struct bytes part = encode(parts[i]);
            assert_int_equal(rollup_decode(part.at, part.len, merge, merged), 0);
            free(part.at);
        }
        want = encode(forth);
        assert_same(want, encode(back));
        assert_same(want, encode(merged));
        merged = new_rollup();
        assert_int_equal(rollup_decode(want.at, want.len, merge, merged), 0);
        assert_same(want, encode(merged));
        free(want.at);
    }
    free(rows);
}

static void groups_have_their_columns_and_sums(void **state)
{
    struct rollup *rollup = new_rollup();
    const struct rollup_group *const *groups;
    struct ledger_row row;
    size_t count;
    (void)state;
    row_init(&row);
    row.created_at_ms = hour_ms + 3599999;
    row.model = TEXT("b");
    row.client = TEXT("c");
    row.verdict = VERDICT_MATCHED;
    row.billed = (struct maybe_money){true, {5}};
    row.estimated = (struct maybe_money){true, {0}};
    row.usage.prompt_tokens = 0;
    row.ttft_ms = 7;
    row.latency_ms = 0;
    assert_int_equal(rollup_add(rollup, &row), 0);
    row.billed.known = row.estimated.known = false;
    row.ttft_ms = row.latency_ms = -1;
    assert_int_equal(rollup_add(rollup, &row), 0);
    row.verdict = VERDICT_FAILED;
    row.model = TEXT("a");
    assert_int_equal(rollup_add(rollup, &row), 0);
    row.created_at_ms++;
    row.model = TEXT("");
    assert_int_equal(rollup_add(rollup, &row), 0);
    groups = rollup_sort(rollup, &count);
    assert_int_equal(count, 3);
    assert_int_equal(groups[0]->hour_ms, hour_ms);
    assert_memory_equal(groups[0]->model.bytes, "a", 1);
    assert_int_equal(groups[0]->unbilled, 0); /* it failed: that nothing was billed is known */
    assert_false(groups[0]->money[TALLY_BILLED].known);
    assert_memory_equal(groups[1]->client.bytes, "c", 1);
    assert_int_equal(groups[1]->requests, 2);
    assert_int_equal(groups[1]->unbilled, 1);
    assert_int_equal(groups[1]->estimated_requests, 1);
    assert_true(groups[1]->money[TALLY_BILLED].money.femto == 5);
    assert_true(groups[1]->money[TALLY_ESTIMATED].known); /* 0 is not unknown */
    assert_int_equal(groups[1]->tokens[TALLY_PROMPT], 0);
    assert_int_equal(groups[1]->tokens[TALLY_COMPLETION], USAGE_ABSENT);
    assert_int_equal(groups[1]->latency_count, 1);
    assert_int_equal(groups[2]->hour_ms, hour_ms + 3600000);
    rollup_free(rollup);
}

/* It has the rating, the latency and the verdict of the whole row; only its sums are new. */
static void a_correction_adds_its_differences_only(void **state)
{
    struct rollup *rollup = new_rollup();
    char rating[ROW_RATING_BYTES_MAX];
    const struct rollup_group *const *groups;
    struct ledger_row row;
    size_t count;
    (void)state;
    row_init(&row);
    row.created_at_ms = hour_ms;
    row.billed = (struct maybe_money){true, {-3}};
    row.usage.cached_tokens = 16;
    row.rating = (struct text){rating, print_rating(rating, PRICE_MULTIPLIER_NONE)};
    row.ttft_ms = row.latency_ms = 5;
    row.corrects = TEXT("1/1");
    assert_int_equal(rollup_add(rollup, &row), 0);
    groups = rollup_sort(rollup, &count);
    assert_int_equal(count, 1);
    assert_int_equal(groups[0]->requests, 0);
    assert_int_equal(groups[0]->unbilled, 0);
    assert_int_equal(groups[0]->latency_count, 0);
    assert_false(groups[0]->cache_read_saving.known);
    assert_true(groups[0]->money[TALLY_BILLED].money.femto == -3);
    assert_int_equal(groups[0]->tokens[TALLY_CACHED], 16);
    rollup_free(rollup);
}

struct cache_case {
    int64_t cached, written;
    enum row_cache cache;
    int64_t multiplier_ppm;
    int64_t write_cost, saving; /* -1: unknown */
};

static void prompt_caches_are_rated_by_their_lines(void **state)
{
    static const struct cache_case cases[] = {
        {16, 15, CACHE_MISS, 1000000, 31500, 16 * (1400 - 260)},
        {16, 15, CACHE_MISS, 500000, 15750, 8 * (1400 - 260)},
        {16, USAGE_ABSENT, CACHE_MISS, 1000000, -1, 16 * (1400 - 260)},
        {0, 15, CACHE_OFF, 1000000, 31500, -1},
        {USAGE_ABSENT, USAGE_ABSENT, CACHE_MISS, 1000000, -1, -1},
        {16, 15, CACHE_HIT, 1000000, -1, -1}, /* what it avoided */
        {16, 15, CACHE_COLLAPSED, 1000000, -1, -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rollup *rollup = new_rollup();
        char rating[ROW_RATING_BYTES_MAX];
        const struct rollup_group *const *groups;
        struct ledger_row row;
        size_t count;
        row_init(&row);
        row.created_at_ms = hour_ms;
        row.cache = cases[i].cache;
        row.usage.cached_tokens = cases[i].cached;
        row.usage.cache_write_tokens = cases[i].written;
        row.rating = (struct text){rating, print_rating(rating, cases[i].multiplier_ppm)};
        assert_int_equal(rollup_add(rollup, &row), 0);
        row.rating = TEXT("2 what is this");
        assert_int_equal(rollup_add(rollup, &row), 0);
        groups = rollup_sort(rollup, &count);
        assert_int_equal(count, 1);
        assert_int_equal(groups[0]->cache_write_cost.known, cases[i].write_cost >= 0);
        if (cases[i].write_cost >= 0)
            assert_int_equal(groups[0]->cache_write_cost.money.femto, cases[i].write_cost);
        assert_int_equal(groups[0]->cache_read_saving.known, cases[i].saving >= 0);
        if (cases[i].saving >= 0)
            assert_int_equal(groups[0]->cache_read_saving.money.femto, cases[i].saving);
        rollup_free(rollup);
    }
}

/* --- the histogram --- */

static unsigned bucket_of(int64_t ttft_ms)
{
    struct rollup *rollup = new_rollup();
    const struct rollup_group *const *groups;
    struct ledger_row row;
    unsigned bucket = ROLLUP_TTFT_BUCKETS, all = 0;
    size_t count;
    row_init(&row);
    row.ttft_ms = ttft_ms;
    assert_int_equal(rollup_add(rollup, &row), 0);
    groups = rollup_sort(rollup, &count);
    for (unsigned i = 0; i < ROLLUP_TTFT_BUCKETS; i++) {
        all += groups[0]->ttft[i];
        if (groups[0]->ttft[i] > 0)
            bucket = i;
    }
    assert_int_equal(all, 1);
    rollup_free(rollup);
    return bucket;
}

static void every_time_is_within_its_bucket(void **state)
{
    unsigned last = 0;
    (void)state;
    for (int64_t ms = 0; ms < 300000; ms += 1 + ms / 97) {
        unsigned bucket = bucket_of(ms);
        assert_true(bucket >= last);
        if (bucket < ROLLUP_TTFT_BUCKETS - 1)
            assert_true(ms <= rollup_ttft_bound(bucket));
        if (bucket > 0)
            assert_true(ms > rollup_ttft_bound(bucket - 1));
        last = bucket;
    }
    assert_int_equal(last, ROLLUP_TTFT_BUCKETS - 1);
    assert_int_equal(bucket_of(INT64_MAX), ROLLUP_TTFT_BUCKETS - 1);
    assert_int_equal(rollup_ttft_bound(ROLLUP_TTFT_BUCKETS - 1), 262143);
    for (unsigned i = 1; i < ROLLUP_TTFT_BUCKETS; i++)
        assert_true(rollup_ttft_bound(i) >= rollup_ttft_bound(i - 1));
}

static void percentiles_lie_where_the_rows_do(void **state)
{
    uint64_t counts[ROLLUP_TTFT_BUCKETS] = {0};
    unsigned bucket = bucket_of(1000);
    int64_t median;
    (void)state;
    assert_int_equal(rollup_ttft_percentile(counts, 50), -1);
    counts[bucket] = 10;
    median = rollup_ttft_percentile(counts, 50);
    assert_in_range(median, rollup_ttft_bound(bucket - 1), rollup_ttft_bound(bucket));
    assert_int_equal(rollup_ttft_percentile(counts, 100), rollup_ttft_bound(bucket));
    counts[bucket_of(20)] = 11;
    median = rollup_ttft_percentile(counts, 50);
    assert_in_range(median, rollup_ttft_bound(bucket_of(20) - 1), rollup_ttft_bound(bucket_of(20)));
    for (unsigned i = 0; i < ROLLUP_TTFT_BUCKETS; i++)
        counts[i] = UINT64_MAX; /* no sum of them fits 64 bits */
    assert_in_range(rollup_ttft_percentile(counts, 50), rollup_ttft_bound(34),
                    rollup_ttft_bound(35));
}

/* --- what is refused --- */

static void a_sum_that_does_not_fit_is_refused(void **state)
{
    struct rollup *rollup = new_rollup();
    struct ledger_row row;
    (void)state;
    row_init(&row);
    row.usage.prompt_tokens = INT64_MAX;
    assert_int_equal(rollup_add(rollup, &row), 0);
    assert_int_equal(rollup_add(rollup, &row), -EOVERFLOW);
    rollup_free(rollup);
}

static void a_table_has_a_bound(void **state)
{
    struct rollup *rollup = new_rollup();
    struct ledger_row row;
    char name[16];
    size_t count;
    (void)state;
    row_init(&row);
    for (unsigned i = 0; i < ROLLUP_GROUPS_MAX; i++) {
        int len = snprintf(name, sizeof(name), "%u", i);
        row.model = (struct text){name, (size_t)len};
        assert_int_equal(rollup_add(rollup, &row), 0);
    }
    assert_int_equal(rollup_add(rollup, &row), 0);
    row.model = TEXT("one more");
    assert_int_equal(rollup_add(rollup, &row), -E2BIG);
    assert_non_null(rollup_sort(rollup, &count));
    assert_int_equal(count, ROLLUP_GROUPS_MAX);
    rollup_free(rollup);
}

static void no_broken_bytes_are_read(void **state)
{
    struct rollup *rollup = new_rollup();
    uint64_t random = 4711;
    struct bytes bytes;
    uint8_t *copy;
    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        struct ledger_row row = random_row(&random);
        assert_int_equal(rollup_add(rollup, &row), 0);
    }
    bytes = encode(rollup);
    copy = malloc(bytes.len + 1);
    memcpy(copy, bytes.at, bytes.len);
    for (size_t len = 0; len < bytes.len; len++) {
        uint8_t *cut = malloc(len + 1); /* so that a look beyond the end is seen */
        memcpy(cut, copy, len);
        rollup = new_rollup();
        assert_int_equal(rollup_decode(cut, len, merge, rollup), -EBADMSG);
        rollup_free(rollup);
        free(cut);
    }
    rollup = new_rollup();
    copy[bytes.len] = 0;
    assert_int_equal(rollup_decode(copy, bytes.len + 1, merge, rollup), -EBADMSG);
    rollup_free(rollup);
    free(copy);
    free(bytes.at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_do_not_depend_on_order_or_grouping),
        cmocka_unit_test(groups_have_their_columns_and_sums),
        cmocka_unit_test(a_correction_adds_its_differences_only),
        cmocka_unit_test(prompt_caches_are_rated_by_their_lines),
        cmocka_unit_test(every_time_is_within_its_bucket),
        cmocka_unit_test(percentiles_lie_where_the_rows_do),
        cmocka_unit_test(a_sum_that_does_not_fit_is_refused),
        cmocka_unit_test(a_table_has_a_bound),
        cmocka_unit_test(no_broken_bytes_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
