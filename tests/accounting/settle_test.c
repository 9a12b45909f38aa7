/* settle_test.c - a row is rated, judged, and meets later truths; twice is once. */
#include "accounting/settle.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define AT INT64_C(1790752558000)
#define LATER (AT + 90000)
#define M(milli) ((milli)*INT64_C(1000000)) /* thousandths of USD per million tokens */
#define TOLERANCE_PPM 1000
#define HASH TEXT("abc123")

static struct price versions[2];
static struct settle_prices prices;

/* zai/glm-5.3 of vercel section 11, dearer before. */
static int set_up(void **state)
{
    struct price *now = &versions[1];

    (void)state;
    memset(versions, 0, sizeof(versions));
    now->from_ms = 1000;
    now->multiplier_ppm = PRICE_MULTIPLIER_NONE;
    now->standard.base.unit[PRICE_INPUT].femto = M(1400);
    now->standard.base.unit[PRICE_OUTPUT].femto = M(4400);
    now->standard.base.unit[PRICE_CACHE_READ].femto = M(260);
    now->standard.base.known = 1U << PRICE_INPUT | 1U << PRICE_OUTPUT | 1U << PRICE_CACHE_READ;
    versions[0] = *now;
    versions[0].from_ms = 0;
    versions[0].standard.base.unit[PRICE_INPUT].femto = M(2800);
    prices = (struct settle_prices){versions, 2, HASH};
    return 0;
}

static struct maybe_money usd(const char *text)
{
    struct maybe_money result = {.known = text != NULL};

    if (text != NULL)
        assert_int_equal(money_parse(text, strlen(text), &result.money, NULL), 0);
    return result;
}

static void assert_sum(struct maybe_money got, const char *expected)
{
    char text[MONEY_TEXT_MAX];

    assert_int_equal(got.known, expected != NULL);
    if (expected == NULL)
        return;
    money_print(got.money, text);
    assert_string_equal(text, expected);
}

static void assert_text(struct text text, const char *expected)
{
    assert_int_equal(text.len, strlen(expected));
    assert_memory_equal(text.bytes, expected, text.len);
}

/* The recorded answer: 9,520 tokens in, 9,519 of them cached, 16 out. */
static struct ledger_row answered(void)
{
    struct ledger_row row;

    row_init(&row);
    row.id = TEXT("gen-1");
    row.upstream_id = TEXT("gen_1");
    row.created_at_ms = AT;
    row.cache = CACHE_MISS;
    row.status = 200;
    row.model = TEXT("zai/glm-5.3");
    row.usage.prompt_tokens = 9520;
    row.usage.completion_tokens = 16;
    row.usage.cached_tokens = 9519;
    return row;
}

static void observe(struct ledger_row *row, const char *billed, const char *upstream,
                    const char *market, int byok, struct settle_room *room)
{
    struct observation seen = {OBSERVE_USAGE, AT, usd(billed), usd(upstream), usd(market), byok};

    assert_int_equal(observe_add(row, &seen, room->observed), 1);
}

static void rate(struct ledger_row *row, bool may_still_report, struct settle_room *room)
{
    settle_rate(row, &prices, NULL, may_still_report, TOLERANCE_PPM, room);
}

static bool tell(struct ledger_row *row, const struct settle_record *record,
                 struct settle_room *room)
{
    return settle_with_record(row, record, &prices, LATER, TOLERANCE_PPM, room);
}

static void assert_judged(const struct ledger_row *row, const char *booked, const char *difference,
                          enum verdict verdict, enum cause cause)
{
    assert_sum(row->booked, booked);
    assert_sum(row->difference, difference);
    assert_string_equal(verdict_name(row->verdict), verdict_name(verdict));
    assert_int_equal(row->cause, cause);
}

/* Everything that a settled row says, its texts included. */
static void assert_same_row(const struct ledger_row *a, const struct ledger_row *b)
{
    static uint8_t first[ROW_ENCODED_MAX], second[ROW_ENCODED_MAX];
    size_t first_len = 0, second_len = 0;

    assert_int_equal(row_encode(a, first, sizeof(first), &first_len), 0);
    assert_int_equal(row_encode(b, second, sizeof(second), &second_len), 0);
    assert_int_equal(first_len, second_len);
    assert_memory_equal(first, second, first_len);
}

static void a_row_is_rated_by_the_version_in_force_at_its_start(void **state)
{
    struct settle_room room;
    struct ledger_row row = answered();

    (void)state;
    observe(&row, "0.00254674", NULL, "0.00254674", 0, &room);
    rate(&row, true, &room);
    assert_sum(row.estimated, "0.00254674");
    assert_text(row.rating, "1;0:0:1:1400000000;1:1:16:4400000000;2:2:9519:260000000");
    assert_text(row.price_hash, "abc123");
    assert_judged(&row, "0.00254674", "0", VERDICT_MATCHED, CAUSE_NONE);
    row.created_at_ms = 999; /* one before the price changed */
    rate(&row, true, &room);
    assert_sum(row.estimated, "0.00254814");
    assert_text(row.rating, "1;0:0:1:2800000000;1:1:16:4400000000;2:2:9519:260000000");
    row.created_at_ms = 1000;
    rate(&row, true, &room);
    assert_sum(row.estimated, "0.00254674");
    row.created_at_ms = -1; /* before any version */
    row.estimated = (struct maybe_money){0};
    rate(&row, true, &room);
    assert_judged(&row, "0.00254674", NULL, VERDICT_UNPRICED, CAUSE_NONE);
}

static void verdicts_follow_from_what_is_known(void **state)
{
    static const struct {
        const char *billed, *upstream, *market;
        int byok;
        bool may_still_report;
        const char *booked, *difference;
        enum verdict verdict;
        enum cause cause;
    } cases[] = {
        {"0.00254674", NULL, "0.00254674", 0, true, "0.00254674", "0", VERDICT_MATCHED, CAUSE_NONE},
        /* Discounts and fees are between billed and market: no drift. */
        {"0.002", NULL, "0.00254674", 0, true, "0.002", "0", VERDICT_MATCHED, CAUSE_NONE},
        {"0.00264674", NULL, "0.00254674", 0, true, "0.00264674", "0", VERDICT_MATCHED, CAUSE_NONE},
        /* Cached tokens billed as input. */
        {"0.0133984", NULL, "0.0133984", 0, true, "0.0133984", "0.01085166", VERDICT_OVER,
         CAUSE_CACHE_IGNORED},
        {"0.0024", NULL, "0.0024", 0, false, "0.0024", "-0.00014674", VERDICT_UNDER,
         CAUSE_UNEXPLAINED},
        {"0.002419403", NULL, NULL, 0, false, "0.002419403", "-0.000127337", VERDICT_UNDER,
         CAUSE_DISCOUNT},
        {"0.00264674", NULL, NULL, 0, false, "0.00264674", "0.0001", VERDICT_OVER, CAUSE_SURCHARGE},
        /* One's own key: the gateway bills (nearly) nothing, the vendor the rest. */
        {"0", "0.00254674", "0.00254674", 1, true, "0.00254674", "0", VERDICT_MATCHED, CAUSE_NONE},
        {"0.0001", "0.00254674", "0.00254674", 1, true, "0.00264674", "0", VERDICT_MATCHED,
         CAUSE_NONE},
        {"0", "0.00254674", NULL, 1, true, "0.00254674", "0", VERDICT_MATCHED, CAUSE_NONE},
        {"0.000127337", "0.00254674", NULL, 1, true, "0.002674077", "0.000127337", VERDICT_OVER,
         CAUSE_BYOK},
        {"0", NULL, NULL, 1, true, "0", "-0.00254674", VERDICT_UNDER, CAUSE_BYOK},
        /* Not reported. */
        {NULL, NULL, NULL, 0, true, "0.00254674", NULL, VERDICT_PENDING, CAUSE_NONE},
        {NULL, NULL, NULL, 0, false, "0.00254674", NULL, VERDICT_UNREPORTED, CAUSE_NONE},
        {NULL, "0.00254674", "0.00254674", 1, true, "0.00254674", "0", VERDICT_PENDING, CAUSE_NONE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ledger_row row = answered();
        struct settle_room room;

        observe(&row, cases[i].billed, cases[i].upstream, cases[i].market, cases[i].byok, &room);
        rate(&row, cases[i].may_still_report, &room);
        assert_sum(row.estimated, "0.00254674");
        assert_judged(&row, cases[i].booked, cases[i].difference, cases[i].verdict, cases[i].cause);
    }
}

/* What an answer says of its surcharge is in no column of the row. */
static void an_answers_own_surcharge_explains_its_difference(void **state)
{
    struct settle_record said = SETTLE_RECORD_INIT;
    struct ledger_row row = answered();
    struct settle_room room;

    (void)state;
    observe(&row, "0.00287774", NULL, NULL, 0, &room);
    rate(&row, false, &room);
    assert_int_equal(row.cause, CAUSE_UNEXPLAINED);
    said.surcharge = usd("0.000331");
    settle_rate(&row, &prices, &said, false, TOLERANCE_PPM, &room);
    assert_judged(&row, "0.00287774", "0.000331", VERDICT_OVER, CAUSE_SURCHARGE);
    assert_int_equal(row.usage.prompt_tokens, 9520);
}

static void what_cannot_be_rated_keeps_the_estimate_it_has(void **state)
{
    struct ledger_row row = answered(), before;
    struct settle_room room;

    (void)state;
    observe(&row, "0.00254674", NULL, "0.00254674", 0, &room);
    rate(&row, true, &room);
    before = row;
    prices = (struct settle_prices){NULL, 0, TEXT("other")};
    rate(&row, true, &room);
    assert_same_row(&row, &before);
    set_up(NULL);
    row.usage = USAGE_INIT;
    before.usage = USAGE_INIT;
    rate(&row, true, &room);
    assert_same_row(&row, &before);
    /* Never rated: the table that did not know it is named. */
    row = answered();
    prices = (struct settle_prices){NULL, 0, TEXT("other")};
    rate(&row, false, &room);
    assert_judged(&row, NULL, NULL, VERDICT_UNKNOWN, CAUSE_NONE);
    assert_text(row.price_hash, "other");
    assert_int_equal(row.rating.len, 0);
}

/* The upstream's cost tells whether prompt_tokens has the cache writes in it. */
static void the_reading_of_cache_writes_is_the_one_that_was_billed(void **state)
{
    struct ledger_row row = answered();
    struct settle_room room;

    (void)state;
    versions[1].standard.base.unit[PRICE_CACHE_WRITE].femto = M(1750);
    versions[1].standard.base.known |= 1U << PRICE_CACHE_WRITE;
    row.usage.cache_write_tokens = 1;
    observe(&row, "0.00254849", NULL, NULL, 0, &room); /* no market cost: billed stands in for it */
    rate(&row, true, &room);
    assert_judged(&row, "0.00254849", "0", VERDICT_MATCHED, CAUSE_NONE);
    assert_text(row.rating,
                "1 flags=4;0:0:1:1400000000;1:1:16:4400000000;2:2:9519:260000000;3:3:1:1750000000");
}

static void a_hit_is_free_whatever_its_source_cost(void **state)
{
    struct settle_record record = SETTLE_RECORD_INIT;
    struct ledger_row row = answered(), before;
    struct settle_room room;

    (void)state;
    row.cache = CACHE_HIT;
    row.verdict = VERDICT_FREE;
    row.saved = usd("0.00254674");
    before = row;
    rate(&row, false, &room);
    assert_same_row(&row, &before);
    record.billed = usd("1");
    assert_false(tell(&row, &record, &room));
    assert_same_row(&row, &before);
    assert_false(settle_give_up(&row, TOLERANCE_PPM));
}

/* An upstream that refused, and then billed all the same. */
static void a_failure_that_is_billed_is_no_failure(void **state)
{
    struct settle_record record = SETTLE_RECORD_INIT;
    struct ledger_row row = answered();
    struct settle_room room;

    (void)state;
    row.verdict = VERDICT_FAILED;
    rate(&row, false, &room);
    assert_int_equal(row.verdict, VERDICT_FAILED);
    record.billed = usd("0");
    assert_true(tell(&row, &record, &room));
    assert_int_equal(row.verdict, VERDICT_FAILED);
    assert_false(row.booked.known);
    record.billed = usd("0.00254674");
    assert_true(tell(&row, &record, &room));
    assert_judged(&row, "0.00254674", "0", VERDICT_MATCHED, CAUSE_NONE);
}

static void a_sum_that_does_not_fit_is_unknown(void **state)
{
    const struct maybe_money most = {true, {(__int128)(~(unsigned __int128)0 >> 1)}};
    struct ledger_row row = answered();
    struct settle_room room;
    struct observation seen = {OBSERVE_USAGE, AT, most, most, {0}, 1};

    (void)state;
    row.booked = usd("1");
    row.difference = usd("1");
    row.cause = CAUSE_MARKUP;
    assert_int_equal(observe_add(&row, &seen, room.observed), 1);
    rate(&row, true, &room);
    assert_judged(&row, NULL, NULL, VERDICT_UNKNOWN, CAUSE_NONE);
    assert_sum(row.estimated, "0.00254674");
}

/* --- records --- */

static struct settle_record record_of(const char *billed, const char *market)
{
    struct settle_record record = SETTLE_RECORD_INIT;

    record.billed = usd(billed);
    record.market = usd(market);
    return record;
}

/* A stream that was cut said nothing; the record says it all. */
static void a_record_settles_a_row_that_waited(void **state)
{
    struct settle_record record = record_of("0.00254674", NULL);
    struct ledger_row row = answered();
    struct settle_room room;

    (void)state;
    row.usage = USAGE_INIT;
    row.model = TEXT("zai/glm");
    rate(&row, true, &room);
    assert_judged(&row, NULL, NULL, VERDICT_PENDING, CAUSE_NONE);
    record.usage = answered().usage;
    record.model = TEXT("zai/glm-5.3");
    record.provider = TEXT("fireworks");
    record.finish_reason = TEXT("stop");
    record.service_tier = TEXT("default");
    record.byok = 0;
    assert_true(tell(&row, &record, &room));
    assert_judged(&row, "0.00254674", "0", VERDICT_MATCHED, CAUSE_NONE);
    assert_text(row.model, "zai/glm-5.3");
    assert_text(row.provider, "fireworks");
    assert_text(row.finish_reason, "stop");
    assert_text(row.service_tier, "default");
    assert_text(row.observed, "[{\"from\":\"generation\",\"at\":1790752648000,"
                              "\"billed\":\"0.00254674\",\"byok\":false}]");
    assert_int_equal(row.usage.prompt_tokens, 9520);
    assert_int_equal(row.byok, 0);
    assert_int_equal(row.version, 0);
}

static void a_record_ranks_above_what_the_answer_said(void **state)
{
    struct settle_record record = record_of("0.0133984", "0.0133984");
    struct ledger_row row = answered();
    struct settle_room room;

    (void)state;
    observe(&row, "0.00254674", NULL, "0.00254674", 0, &room);
    rate(&row, true, &room);
    assert_true(tell(&row, &record, &room));
    assert_judged(&row, "0.0133984", "0.01085166", VERDICT_OVER, CAUSE_CACHE_IGNORED);
    assert_int_equal(row.version, 1);
    /* The same figures from a higher rank are kept, but change none. */
    row = answered();
    observe(&row, "0.00254674", NULL, "0.00254674", -1, &room);
    rate(&row, true, &room);
    record = record_of("0.00254674", "0.00254674");
    assert_true(tell(&row, &record, &room));
    assert_judged(&row, "0.00254674", "0", VERDICT_MATCHED, CAUSE_NONE);
    assert_int_equal(row.version, 0);
}

static void a_record_without_a_cost_leaves_the_row_waiting(void **state)
{
    struct settle_record record = SETTLE_RECORD_INIT;
    struct ledger_row row = answered();
    struct settle_room room;

    (void)state;
    rate(&row, true, &room);
    assert_false(tell(&row, &record, &room));
    record.usage.completion_tokens = 17;
    assert_true(tell(&row, &record, &room));
    assert_judged(&row, "0.00255114", NULL, VERDICT_PENDING, CAUSE_NONE);
    record.market = usd("0.00255114");
    assert_true(tell(&row, &record, &room));
    assert_judged(&row, "0.00255114", "0", VERDICT_PENDING, CAUSE_NONE);
    assert_true(settle_give_up(&row, TOLERANCE_PPM));
    assert_judged(&row, "0.00255114", "0", VERDICT_UNREPORTED, CAUSE_NONE);
    assert_false(settle_give_up(&row, TOLERANCE_PPM));
    /* It may come after all. */
    record.billed = usd("0.00255114");
    assert_true(tell(&row, &record, &room));
    assert_judged(&row, "0.00255114", "0", VERDICT_MATCHED, CAUSE_NONE);
}

/* Rated by the record's counts, the cost was made of the answer's. */
static void counts_that_differ_are_named(void **state)
{
    struct settle_record record = SETTLE_RECORD_INIT;
    struct ledger_row row = answered();
    struct settle_room room;

    (void)state;
    observe(&row, "0.00254674", NULL, "0.00254674", -1, &room);
    rate(&row, true, &room);
    record.usage.completion_tokens = 61;
    assert_true(tell(&row, &record, &room));
    assert_sum(row.estimated, "0.00274474");
    assert_judged(&row, "0.00254674", "-0.000198", VERDICT_UNDER, CAUSE_TOKEN_COUNT);
}

/* A record of the prompt without its cache reads, where the answer knew of reads: it is counted as
 * the answer was. */
static void a_smaller_prompt_leaves_out_the_reads_that_are_known(void **state)
{
    struct settle_record record = SETTLE_RECORD_INIT;
    struct ledger_row row = answered();
    struct settle_room room;

    (void)state;
    rate(&row, true, &room);
    record.usage.prompt_tokens = 1;
    assert_false(tell(&row, &record, &room)); /* with its reads it is the same */
    record.usage.prompt_tokens = 2;
    assert_true(tell(&row, &record, &room));
    assert_false(row.usage.exclusive);
    assert_int_equal(row.usage.prompt_tokens, 9521);
    assert_sum(row.estimated, "0.00254814");
    assert_text(row.rating, "1;0:0:2:1400000000;1:1:16:4400000000;2:2:9519:260000000");
}

static void giving_up_ends_pending_only(void **state)
{
    struct ledger_row row = answered();
    struct settle_room room;

    (void)state;
    rate(&row, true, &room);
    assert_true(settle_give_up(&row, TOLERANCE_PPM));
    assert_judged(&row, "0.00254674", NULL, VERDICT_UNREPORTED, CAUSE_NONE);
    row = answered();
    row.usage = USAGE_INIT;
    rate(&row, true, &room);
    assert_true(settle_give_up(&row, TOLERANCE_PPM));
    assert_judged(&row, NULL, NULL, VERDICT_UNKNOWN, CAUSE_NONE);
    row = answered();
    observe(&row, "0.0133984", NULL, NULL, -1, &room);
    rate(&row, true, &room);
    assert_false(settle_give_up(&row, TOLERANCE_PPM));
    assert_judged(&row, "0.0133984", "0.01085166", VERDICT_OVER, CAUSE_CACHE_IGNORED);
}

/* For `verify` to find; what was billed is booked all the same. */
static void a_list_that_cannot_be_read_is_not_lost(void **state)
{
    struct settle_record record = record_of("0.00254674", "0.00254674");
    struct ledger_row row = answered();
    struct settle_room room;

    (void)state;
    row.observed = TEXT("[{\"forged\":1}]");
    row.verdict = VERDICT_PENDING;
    record.byok = 0;
    assert_true(tell(&row, &record, &room));
    assert_text(row.observed, "[{\"forged\":1}]");
    assert_judged(&row, "0.00254674", "0", VERDICT_MATCHED, CAUSE_NONE);
    assert_int_equal(row.version, 1);
    assert_false(tell(&row, &record, &room));
}

/* --- twice is once --- */

/* The same pseudo-random values in every run. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static int64_t below(uint64_t *seed, int64_t bound)
{
    return (int64_t)(next_random(seed) % (uint64_t)bound);
}

static int64_t any_count(uint64_t *seed)
{
    return below(seed, 3) == 0 ? USAGE_ABSENT : below(seed, 20000);
}

static struct usage any_usage(uint64_t *seed)
{
    struct usage usage = USAGE_INIT;

    usage.prompt_tokens = any_count(seed);
    usage.completion_tokens = any_count(seed);
    usage.cached_tokens = any_count(seed);
    usage.cache_write_tokens = any_count(seed);
    usage.web_searches = any_count(seed);
    usage.exclusive = below(seed, 2) == 0;
    return usage;
}

static struct maybe_money any_money(uint64_t *seed)
{
    static const char *const sums[] = {NULL, "0", "0.00254674", "0.0133984", "0.0127", "12"};

    return usd(sums[below(seed, 6)]);
}

static struct settle_record any_record(uint64_t *seed)
{
    static const struct text words[] = {{NULL, 0}, TEXT("a"), TEXT("priority"), TEXT("b/c")};

    return (struct settle_record){
        .usage = any_usage(seed),
        .model = words[below(seed, 4)],
        .provider = words[below(seed, 4)],
        .finish_reason = words[below(seed, 4)],
        .service_tier = words[below(seed, 4)],
        .billed = any_money(seed),
        .upstream_cost = any_money(seed),
        .market = any_money(seed),
        .surcharge = any_money(seed),
        .byok = (int)below(seed, 3) - 1,
    };
}

static void a_record_that_comes_twice_changes_nothing_the_second_time(void **state)
{
    uint64_t seed = 6;

    (void)state;
    for (unsigned round = 0; round < 3000; round++) {
        struct ledger_row row = answered(), before;
        struct settle_room room, copy;

        row.usage = any_usage(&seed);
        row.verdict = (enum verdict)below(&seed, VERDICTS);
        if (below(&seed, 2) == 0)
            rate(&row, below(&seed, 2) == 0, &room);
        for (unsigned i = 0; i < 4; i++) {
            struct settle_record record = any_record(&seed);

            tell(&row, &record, &room);
            before = row;
            copy = room;
            if (before.rating.bytes == room.rating)
                before.rating.bytes = copy.rating;
            if (before.observed.bytes == room.observed)
                before.observed.bytes = copy.observed;
            versions[1].standard.base.unit[PRICE_INPUT].femto += 1; /* not even then */
            assert_false(
                settle_with_record(&row, &record, &prices, LATER + 1, TOLERANCE_PPM, &room));
            versions[1].standard.base.unit[PRICE_INPUT].femto -= 1;
            assert_same_row(&row, &before);
            if (row.verdict == VERDICT_OVER || row.verdict == VERDICT_UNDER)
                assert_int_not_equal(row.cause, CAUSE_NONE);
            if (row.verdict == VERDICT_MATCHED)
                assert_int_equal(row.cause, CAUSE_NONE);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_row_is_rated_by_the_version_in_force_at_its_start, set_up),
        cmocka_unit_test_setup(verdicts_follow_from_what_is_known, set_up),
        cmocka_unit_test_setup(an_answers_own_surcharge_explains_its_difference, set_up),
        cmocka_unit_test_setup(what_cannot_be_rated_keeps_the_estimate_it_has, set_up),
        cmocka_unit_test_setup(the_reading_of_cache_writes_is_the_one_that_was_billed, set_up),
        cmocka_unit_test_setup(a_hit_is_free_whatever_its_source_cost, set_up),
        cmocka_unit_test_setup(a_failure_that_is_billed_is_no_failure, set_up),
        cmocka_unit_test_setup(a_sum_that_does_not_fit_is_unknown, set_up),
        cmocka_unit_test_setup(a_record_settles_a_row_that_waited, set_up),
        cmocka_unit_test_setup(a_record_ranks_above_what_the_answer_said, set_up),
        cmocka_unit_test_setup(a_record_without_a_cost_leaves_the_row_waiting, set_up),
        cmocka_unit_test_setup(counts_that_differ_are_named, set_up),
        cmocka_unit_test_setup(a_smaller_prompt_leaves_out_the_reads_that_are_known, set_up),
        cmocka_unit_test_setup(giving_up_ends_pending_only, set_up),
        cmocka_unit_test_setup(a_list_that_cannot_be_read_is_not_lost, set_up),
        cmocka_unit_test_setup(a_record_that_comes_twice_changes_nothing_the_second_time, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
