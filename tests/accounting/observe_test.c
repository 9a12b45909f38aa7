/* observe_test.c - every cost that was ever reported is kept, and ranks decide which one holds. */
#include "accounting/observe.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define AT INT64_C(1763679111123)

static struct maybe_money usd(const char *text)
{
    struct maybe_money result = {.known = text != NULL};

    if (text != NULL)
        assert_int_equal(money_parse(text, strlen(text), &result.money, NULL), 0);
    return result;
}

static struct observation seen(enum observe_source source, const char *billed, const char *upstream,
                               const char *market, int byok)
{
    return (struct observation){source, AT, usd(billed), usd(upstream), usd(market), byok};
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

struct room {
    struct ledger_row row;
    char buffer[ROW_OBSERVED_BYTES_MAX];
};

static void init(struct room *room)
{
    row_init(&room->row);
}

static int add(struct room *room, struct observation observation)
{
    return observe_add(&room->row, &observation, room->buffer);
}

static void assert_observed(const struct room *room, const char *expected)
{
    assert_int_equal(room->row.observed.len, strlen(expected));
    assert_memory_equal(room->row.observed.bytes, expected, strlen(expected));
}

static void assert_figures(const struct room *room, const char *billed, const char *upstream,
                           const char *market, int byok)
{
    assert_sum(room->row.billed, billed);
    assert_sum(room->row.upstream_cost, upstream);
    assert_sum(room->row.market, market);
    assert_int_equal(room->row.byok, byok);
}

static void the_list_says_what_was_said_and_nothing_else(void **state)
{
    struct room room;

    (void)state;
    init(&room);
    assert_int_equal(add(&room, seen(OBSERVE_USAGE, "0.002", NULL, "0.002", -1)), 1);
    assert_observed(&room, "[{\"from\":\"usage\",\"at\":1763679111123,\"billed\":\"0.002\","
                           "\"market\":\"0.002\"}]");
    assert_int_equal(room.row.version, 0);
    assert_int_equal(add(&room, seen(OBSERVE_GENERATION, "0", "0.0021", NULL, 1)), 1);
    assert_observed(&room, "[{\"from\":\"usage\",\"at\":1763679111123,\"billed\":\"0.002\","
                           "\"market\":\"0.002\"},{\"from\":\"generation\",\"at\":1763679111123,"
                           "\"billed\":\"0\",\"upstream\":\"0.0021\",\"byok\":true}]");
    assert_int_equal(room.row.version, 1);
    assert_figures(&room, "0", "0.0021", "0.002", 1);
    assert_int_equal(room.row.verdict, VERDICT_NONE);
    assert_false(room.row.difference.known);
}

static void the_words_of_sources_are_stored(void **state)
{
    (void)state;
    assert_string_equal(observe_source_name(OBSERVE_USAGE), "usage");
    assert_string_equal(observe_source_name(OBSERVE_METADATA), "metadata");
    assert_string_equal(observe_source_name(OBSERVE_CONFIGURED), "configured");
    assert_string_equal(observe_source_name(OBSERVE_GENERATION), "generation");
}

static void the_higher_rank_holds_in_whatever_order_they_come(void **state)
{
    const struct observation list[] = {
        seen(OBSERVE_METADATA, "1", "10", "100", 0),
        seen(OBSERVE_USAGE, "2", NULL, "200", 1),
        seen(OBSERVE_CONFIGURED, "3", NULL, NULL, -1),
        seen(OBSERVE_GENERATION, "4", NULL, NULL, -1),
    };
    static const unsigned orders[][4] = {
        {0, 1, 2, 3}, {3, 2, 1, 0}, {1, 3, 0, 2}, {2, 0, 3, 1}, {3, 0, 1, 2}};

    (void)state;
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        struct room room;

        init(&room);
        for (unsigned j = 0; j < 4; j++)
            assert_int_equal(add(&room, list[orders[i][j]]), 1);
        assert_figures(&room, "4", "10", "200", 1);
    }
}

/* Two who disagree about the key must not be added up. */
static void without_an_own_key_there_is_no_vendors_bill(void **state)
{
    struct room room;

    (void)state;
    init(&room);
    assert_int_equal(add(&room, seen(OBSERVE_METADATA, "0", "0.5", NULL, 1)), 1);
    assert_figures(&room, "0", "0.5", NULL, 1);
    assert_int_equal(add(&room, seen(OBSERVE_GENERATION, "0.5", NULL, NULL, 0)), 1);
    assert_figures(&room, "0.5", NULL, NULL, 0);
}

static void within_a_rank_the_latest_holds(void **state)
{
    struct room room;

    (void)state;
    init(&room);
    assert_int_equal(add(&room, seen(OBSERVE_GENERATION, "1", NULL, "7", -1)), 1);
    assert_int_equal(add(&room, seen(OBSERVE_GENERATION, "2", NULL, NULL, -1)), 1);
    assert_figures(&room, "2", NULL, "7", -1);
    assert_int_equal(room.row.version, 1);
    /* Back again is news, too. */
    assert_int_equal(add(&room, seen(OBSERVE_GENERATION, "1", NULL, "7", -1)), 1);
    assert_figures(&room, "1", NULL, "7", -1);
    assert_int_equal(room.row.version, 2);
}

static void a_repeated_observation_changes_nothing(void **state)
{
    struct observation again = seen(OBSERVE_GENERATION, "2", NULL, "2", 0);
    struct ledger_row before;
    struct room room;
    char text[ROW_OBSERVED_BYTES_MAX];

    (void)state;
    init(&room);
    add(&room, seen(OBSERVE_USAGE, "1", NULL, NULL, -1));
    add(&room, again);
    before = room.row;
    memcpy(text, room.buffer, sizeof(text));
    again.at_ms += 60000;
    assert_int_equal(add(&room, again), 0);
    assert_int_equal(add(&room, seen(OBSERVE_USAGE, "1", NULL, NULL, -1)), 0);
    assert_int_equal(add(&room, seen(OBSERVE_USAGE, NULL, NULL, NULL, -1)), 0);
    assert_memory_equal(&before, &room.row, sizeof(before));
    assert_memory_equal(text, room.row.observed.bytes, room.row.observed.len);
    again.byok = -1; /* any of its figures makes it another one */
    assert_int_equal(add(&room, again), 1);
}

static void a_lower_rank_is_kept_but_makes_no_new_version(void **state)
{
    struct room room;

    (void)state;
    init(&room);
    add(&room, seen(OBSERVE_GENERATION, "2", NULL, "2", 0));
    assert_int_equal(add(&room, seen(OBSERVE_USAGE, "1", NULL, "1", 0)), 1);
    assert_figures(&room, "2", NULL, "2", 0);
    assert_int_equal(room.row.version, 0);
}

/* Rows from before there were lists lose nothing. */
static void figures_without_a_list_are_the_first_observation(void **state)
{
    struct room room;

    (void)state;
    init(&room);
    room.row.created_at_ms = 7;
    room.row.billed = usd("1");
    room.row.market = usd("3");
    assert_int_equal(add(&room, seen(OBSERVE_GENERATION, "2", NULL, NULL, -1)), 1);
    assert_observed(&room, "[{\"from\":\"usage\",\"at\":7,\"billed\":\"1\",\"market\":\"3\"},"
                           "{\"from\":\"generation\",\"at\":1763679111123,\"billed\":\"2\"}]");
    assert_figures(&room, "2", NULL, "3", -1);
    assert_int_equal(room.row.version, 1);
    init(&room);
    room.row.billed = usd("1");
    assert_int_equal(add(&room, seen(OBSERVE_USAGE, "1", NULL, NULL, -1)), 1);
    assert_observed(&room, "[{\"from\":\"usage\",\"at\":1763679111123,\"billed\":\"1\"}]");
    assert_int_equal(room.row.version, 0);
}

/* A sum may have more digits than what money_parse() takes for exact. */
static void sums_keep_every_digit(void **state)
{
    static const char *const sums[] = {
        "0",
        "-0.000000000000001",
        "123456789.123456789012345",
        "170141183460469231731687.303715884105727",
        "-170141183460469231731687.303715884105728",
    };
    struct observation list[OBSERVATIONS_MAX];
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
        char text[256] = "[{\"from\":\"configured\",\"at\":0,\"billed\":\"";
        struct room room;

        strncat(text, sums[i], 64);
        strncat(text, "\"}]", 8);
        assert_int_equal(observe_parse(text_of(text), list, &count), 0);
        assert_int_equal(count, 1);
        assert_sum(list[0].billed, sums[i]);
        init(&room);
        assert_int_equal(add(&room, list[0]), 1);
        assert_observed(&room, text);
    }
}

static void what_observe_add_does_not_write_is_refused(void **state)
{
#define HEAD "[{\"from\":\"usage\",\"at\":1"
    static const char *const cases[] = {
        "[]",
        "[",
        "{}",
        "null",
        " [{\"from\":\"usage\",\"at\":1,\"billed\":\"1\"}]",
        HEAD "}]", /* says nothing */
        HEAD ",\"billed\":\"1\"}",
        HEAD ",\"billed\":\"1\"}] ",
        HEAD ",\"billed\":\"1\"},]",
        HEAD ",\"billed\":\"1\"}{}]",
        HEAD ",\"billed\":1}]",
        HEAD ",\"billed\":\"\"}]",
        HEAD ",\"billed\":\"1",
        HEAD ",\"billed\":\"1.0\"}]",
        HEAD ",\"billed\":\"01\"}]",
        HEAD ",\"billed\":\"+1\"}]",
        HEAD ",\"billed\":\"1e2\"}]",
        HEAD ",\"billed\":\"-0\"}]",
        HEAD ",\"billed\":\".5\"}]",
        HEAD ",\"billed\":\"5.\"}]",
        HEAD ",\"billed\":\"0.0000000000000001\"}]",
        HEAD ",\"billed\":\"170141183460469231731687.303715884105728\"}]",
        HEAD ",\"billed\": \"1\"}]",
        HEAD ",\"market\":\"1\",\"billed\":\"1\"}]",
        HEAD ",\"billed\":\"1\",\"billed\":\"1\"}]",
        HEAD ",\"billed\":\"1\",\"other\":\"1\"}]",
        HEAD ",\"byok\":1}]",
        HEAD ",\"byok\":null}]",
        HEAD ",\"billed\":\"1\",\"dropped\":0}]",
        HEAD ",\"billed\":\"1\",\"dropped\":1000000000}]",
        HEAD ",\"billed\":\"1\"},{\"from\":\"usage\",\"at\":1,\"byok\":true,\"dropped\":1}]",
        "[{\"from\":\"usage\",\"at\":-1,\"billed\":\"1\"}]",
        "[{\"from\":\"usage\",\"at\":01,\"billed\":\"1\"}]",
        "[{\"from\":\"usage\",\"at\":9223372036854775808,\"billed\":\"1\"}]",
        "[{\"from\":\"usage\",\"at\":,\"billed\":\"1\"}]",
        "[{\"from\":\"Usage\",\"at\":1,\"billed\":\"1\"}]",
        "[{\"from\":\"usages\",\"at\":1,\"billed\":\"1\"}]",
        "[{\"from\":\"\",\"at\":1,\"billed\":\"1\"}]",
        "[{\"at\":1,\"billed\":\"1\"}]",
    };
    struct observation list[OBSERVATIONS_MAX];
    size_t count = 42;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ledger_row before;
        struct room room;

        if (observe_parse(text_of(cases[i]), list, &count) != -EBADMSG)
            fail_msg("%s", cases[i]);
        assert_int_equal(count, 42);
        init(&room);
        room.row.observed = text_of(cases[i]);
        before = room.row;
        assert_int_equal(add(&room, seen(OBSERVE_GENERATION, "1", NULL, NULL, -1)), -EBADMSG);
        assert_memory_equal(&before, &room.row, sizeof(before));
    }
    assert_int_equal(observe_parse((struct text){NULL, 0}, list, &count), 0);
    assert_int_equal(count, 0);
    assert_int_equal(
        observe_parse(TEXT(HEAD ",\"billed\":\"1\",\"dropped\":999999999}]"), list, &count), 0);
    assert_int_equal(count, 1);
}

static void more_than_fits_is_refused_and_never_written(void **state)
{
    char text[ROW_OBSERVED_BYTES_MAX + 64] = "[";
    struct observation list[OBSERVATIONS_MAX];
    size_t count = 42;

    (void)state;
    for (unsigned i = 0; i <= OBSERVATIONS_MAX; i++)
        strncat(text,
                i == 0 ? "{\"from\":\"usage\",\"at\":0,\"byok\":true}"
                       : ",{\"from\":\"usage\",\"at\":0,\"byok\":true}",
                64);
    strncat(text, "]", 2);
    assert_int_equal(observe_parse(text_of(text), list, &count), -EBADMSG);
    memset(text, ' ', sizeof(text));
    assert_int_equal(observe_parse((struct text){text, sizeof(text)}, list, &count), -EBADMSG);
    assert_int_equal(count, 42);
}

/* First and last say most; what is replaced by later ones goes before what is not. */
static void a_full_list_loses_what_says_least(void **state)
{
    struct observation list[OBSERVATIONS_MAX];
    struct room room;
    size_t count = 0;

    (void)state;
    init(&room);
    add(&room, seen(OBSERVE_USAGE, "1", NULL, "9", -1));
    add(&room, seen(OBSERVE_METADATA, NULL, "5", NULL, 1));
    for (unsigned i = 0; i < 100; i++) {
        struct observation next = seen(OBSERVE_GENERATION, "1", NULL, NULL, -1);
        next.billed.money.femto += i;
        assert_int_equal(add(&room, next), 1);
        assert_int_equal(observe_parse(room.row.observed, list, &count), 0);
        assert_int_equal(list[0].source, OBSERVE_USAGE);
        assert_int_equal(list[1].source, OBSERVE_METADATA);
        assert_true(money_compare(list[count - 1].billed.money, next.billed.money) == 0);
        assert_true(room.row.observed.len <= ROW_OBSERVED_BYTES_MAX);
    }
    assert_figures(&room, "1.000000000000099", "5", "9", 1);
    /* The first generation record said no more than the usage had: no figure changed by it. */
    assert_int_equal(room.row.version, 100);
    {
        char expected[64];
        snprintf(expected, sizeof(expected), "\"dropped\":%zu}", (size_t)102 - count);
        assert_non_null(
            memmem(room.row.observed.bytes, room.row.observed.len, expected, strlen(expected)));
    }
}

/* The same pseudo-random values in every run. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static struct maybe_money any_sum(uint64_t *seed)
{
    unsigned __int128 wide = (unsigned __int128)next_random(seed) << 64 | next_random(seed);
    uint64_t kind = next_random(seed) % 4;

    if (kind == 0)
        return (struct maybe_money){0};
    if (kind == 1)
        wide %= 3; /* often the same one again */
    return (struct maybe_money){true, {(__int128)(wide >> (kind == 2 ? 80 : 0))}};
}

static struct observation any_observation(uint64_t *seed)
{
    struct observation any = {
        .source = (enum observe_source)(next_random(seed) % OBSERVE_SOURCES),
        .at_ms = (int64_t)(next_random(seed) >> 1),
        .byok = (int)(next_random(seed) % 3) - 1,
    };

    any.billed = any_sum(seed);
    any.upstream = any_sum(seed);
    any.market = any_sum(seed);
    return any;
}

static bool equal(struct maybe_money a, struct maybe_money b)
{
    return a.known == b.known && (!a.known || money_compare(a.money, b.money) == 0);
}

static void whatever_comes_the_list_reads_back_and_holds_the_figures(void **state)
{
    uint64_t seed = 3;

    (void)state;
    for (unsigned round = 0; round < 2000; round++) {
        struct observation list[OBSERVATIONS_MAX], figures;
        struct room room;
        size_t count = 0;

        init(&room);
        for (unsigned i = 0; i < 24; i++) {
            struct observation any = any_observation(&seed);
            unsigned version = room.row.version;
            int added = add(&room, any);

            assert_true(added == 0 || added == 1);
            assert_int_equal(observe_parse(room.row.observed, list, &count), 0);
            observe_figures(list, count, &figures);
            assert_true(equal(figures.billed, room.row.billed));
            assert_true(equal(figures.upstream, room.row.upstream_cost));
            assert_true(equal(figures.market, room.row.market));
            assert_int_equal(figures.byok, room.row.byok);
            assert_true(room.row.version - version <= (unsigned)added);
            if (added == 1) {
                assert_int_equal(list[count - 1].at_ms, any.at_ms);
                assert_true(equal(list[count - 1].billed, any.billed));
            }
            assert_int_equal(add(&room, any), 0); /* twice is once */
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_says_what_was_said_and_nothing_else),
        cmocka_unit_test(the_words_of_sources_are_stored),
        cmocka_unit_test(the_higher_rank_holds_in_whatever_order_they_come),
        cmocka_unit_test(without_an_own_key_there_is_no_vendors_bill),
        cmocka_unit_test(within_a_rank_the_latest_holds),
        cmocka_unit_test(a_repeated_observation_changes_nothing),
        cmocka_unit_test(a_lower_rank_is_kept_but_makes_no_new_version),
        cmocka_unit_test(figures_without_a_list_are_the_first_observation),
        cmocka_unit_test(sums_keep_every_digit),
        cmocka_unit_test(what_observe_add_does_not_write_is_refused),
        cmocka_unit_test(more_than_fits_is_refused_and_never_written),
        cmocka_unit_test(a_full_list_loses_what_says_least),
        cmocka_unit_test(whatever_comes_the_list_reads_back_and_holds_the_figures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
