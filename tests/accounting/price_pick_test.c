/* price_pick_test.c - which rates hold: bracket, service tier, off-peak hours, multiplier. */
#include "tests/accounting/price_support.h"

#define FEMTO(n) "\"" #n "e-15\""

struct expected {
    int64_t prompt;
    const char *tier;
    int64_t at_ms;
    int64_t input, output, read; /* -1: not known */
    int64_t above;
};

static void assert_rate(const struct price_rates *rates, enum price_unit unit, int64_t femto)
{
    assert_int_equal((rates->known & 1U << unit) != 0, femto >= 0);
    if (femto >= 0 && rates->unit[unit].femto != femto)
        fail_msg("%s: %lld, not %lld", price_unit_name(unit), (long long)rates->unit[unit].femto,
                 (long long)femto);
}

static struct price_pick pick(const struct price_table *table, const struct expected *given)
{
    const struct price *price = price_of(table, "a/b", JULY);
    struct price_terms terms = {
        .prompt_tokens = given->prompt,
        .service_tier = given->tier != NULL ? text_of(given->tier) : (struct text){NULL, 0},
        .at_ms = given->at_ms,
    };

    assert_non_null(price);
    return price_pick(price, &terms);
}

static void assert_picks(const char *text, const struct expected *cases, size_t count)
{
    struct price_table *table = table_of(text);

    for (size_t i = 0; i < count; i++) {
        struct price_pick got = pick(table, &cases[i]);
        print_message("case %zu\n", i);
        assert_rate(&got.rates, PRICE_INPUT, cases[i].input);
        assert_rate(&got.rates, PRICE_OUTPUT, cases[i].output);
        assert_rate(&got.rates, PRICE_CACHE_READ, cases[i].read);
        assert_true(got.above == cases[i].above);
        assert_int_equal(got.multiplier_ppm, PRICE_MULTIPLIER_NONE);
    }
    price_table_free(table);
}
#define ASSERT_PICKS(text, cases) assert_picks(text, cases, sizeof(cases) / sizeof((cases)[0]))

/* The threshold is strict, the highest tier that matches holds for every class, and what it does
 * not name keeps its base price. */
static void brackets_go_by_total_prompt_strictly_above(void **state)
{
    static const struct expected cases[] = {
        {0, NULL, 0, 1, 2, 3, 0},
        {128000, NULL, 0, 1, 2, 3, 0},
        {128001, NULL, 0, 10, 2, 30, 128000},
        {200000, NULL, 0, 10, 2, 30, 128000},
        {200001, NULL, 0, 100, 200, 3, 200000},
        {INT64_MAX, NULL, 0, 100, 200, 3, 200000},
    };

    (void)state;
    ASSERT_PICKS(
        ENTRY("\"input\": " FEMTO(1) ", \"output\": " FEMTO(
            2) ", "
               "\"input_cache_read\": " FEMTO(
                   3) ", "
                      "\"tiers\": [{\"above\": 200000, \"input\": " FEMTO(
                          100) ", "
                               "\"output\": " FEMTO(200) "}, {\"input\": " FEMTO(
                                   10) ", "
                                       "\"input_cache_read\": " FEMTO(30) ", \"above\": 128000}]"),
        cases);
}

/* A tier that does not name a unit leaves it to the standard rates of the same bracket. */
static void a_service_tier_stands_above_the_standard_of_its_bracket(void **state)
{
    static const struct expected cases[] = {
        {1, "", 0, 1, 2, 3, 0},
        {1, "standard", 0, 1, 2, 3, 0},
        {1, "default", 0, 1, 2, 3, 0},
        {1, "auto", 0, 1, 2, 3, 0},
        {1, "unheard-of", 0, 1, 2, 3, 0},
        {1, "priority", 0, 5, 2, 3, 0},
        {1, "fast", 0, 5, 2, 3, 0},                 /* is priority elsewhere */
        {200001, "priority", 0, 50, 20, 3, 200000}, /* input: its own; output: standard's tier */
        {200001, "flex", 0, 10, 20, 6, 200000},     /* the bracket outranks flex's base */
        {1, "flex", 0, 4, 2, 6, 0},
        {1, "batch", 0, 7, 2, 3, 0},
        {1, "batches", 0, 7, 2, 3, 0},
        {1, "Priority", 0, 1, 2, 3, 0},
    };

    (void)state;
    ASSERT_PICKS(
        ENTRY("\"input\": " FEMTO(1) ", \"output\": " FEMTO(
            2) ", "
               "\"input_cache_read\": " FEMTO(
                   3) ", "
                      "\"tiers\": [{\"above\": 200000, \"input\": " FEMTO(
                          10) ", "
                              "\"output\": " FEMTO(
                                  20) "}], "
                                      "\"service_tiers\": {\"priority\": "
                                      "{\"input\": " FEMTO(
                                          5) ", "
                                             "\"tiers\": [{\"above\": 200000, "
                                             "\"input\": " FEMTO(
                                                 50) "}]}, "
                                                     "\"flex\": {\"input\": " FEMTO(
                                                         4) ", "
                                                            "\"input_cache_read\":"
                                                            " " FEMTO(6) "}, "
                                                                         "\"batches\":"
                                                                         " {\"input\":"
                                                                         " " FEMTO(7) "}}"),
        cases);
}

static void the_highest_bracket_wins_wherever_it_stands(void **state)
{
    static const struct expected cases[] = {
        {150000, "flex", 0, 40, 20, 3, 128000}, /* flex's own lower bracket */
        {300000, "flex", 0, 10, 50, 3, 272000}, /* the standard one is higher; output: flex's */
        {300000, "long", 0, 70, 2, 3, 290000},  /* its own is higher; output: no bracket names it */
        {280000, "long", 0, 10, 2, 3, 272000},
    };

    (void)state;
    ASSERT_PICKS(
        ENTRY("\"input\": " FEMTO(1) ", \"output\": " FEMTO(
            2) ", "
               "\"input_cache_read\": " FEMTO(
                   3) ", "
                      "\"tiers\": [{\"above\": 272000, \"input\": " FEMTO(
                          10) "}], "
                              "\"service_tiers\": {\"flex\": {\"output\": " FEMTO(
                                  20) ", "
                                      "\"tiers\": [{\"above\": 128000, \"input\": " FEMTO(
                                          40) "}, "
                                              "{\"above\": 200000, \"input\": " FEMTO(
                                                  41) ", \"output\": " FEMTO(50) "}]}, "
                                                                                 "\"long\": "
                                                                                 "{\"tiers\": "
                                                                                 "[{\"above\": "
                                                                                 "290000, "
                                                                                 "\"input\":"
                                                                                 " " FEMTO(
                                                                                     70) "}]}}"),
        cases);
}

static void fast_is_its_own_where_it_is_listed(void **state)
{
    static const struct expected cases[] = {
        {1, "fast", 0, 6, -1, -1, 0},
        {1, "priority", 0, 5, -1, -1, 0},
    };
    struct price_table *table =
        table_of(ENTRY("\"service_tiers\": {\"priority\": {\"input\": " FEMTO(
            5) "}, "
               "\"fast\": {\"input\": " FEMTO(6) "}}"));

    (void)state;
    assert_string_equal(pick(table, &cases[0]).tier->name, "fast");
    assert_string_equal(pick(table, &cases[1]).tier->name, "priority");
    assert_null(pick(table, &(struct expected){.tier = "flex"}).tier);
    price_table_free(table);
    ASSERT_PICKS(ENTRY("\"service_tiers\": {\"priority\": {\"input\": " FEMTO(
                     5) "}, "
                        "\"fast\": {\"input\": " FEMTO(6) "}}"),
                 cases);
}

/* Off-peak rates replace those of tiers of either kind, while they last; start inclusive, end not.
 */
static void off_peak_rates_replace_all_others(void **state)
{
    static const struct expected cases[] = {
        {1, NULL, JULY + 16 * HOUR + HOUR / 2 - 1, 1, 2, -1, 0},
        {1, NULL, JULY + 16 * HOUR + HOUR / 2, 9, 2, -1, 0},
        {1, NULL, JULY + DAY - 1, 9, 2, -1, 0},
        {1, NULL, JULY + DAY, 9, 2, -1, 0},
        {1, NULL, JULY + DAY + HOUR / 2 - 1, 9, 2, -1, 0},
        {1, NULL, JULY + DAY + HOUR / 2, 1, 2, -1, 0},
        {1, NULL, -7 * HOUR, 9, 2, -1, 0}, /* 17:00 on the last day of 1969 */
        {1, NULL, INT64_MIN, 9, 2, -1, 0}, /* at 16:47 of some day */
        {300000, NULL, JULY + 17 * HOUR, 9, 20, -1, 200000},
        {300000, "flex", JULY + 17 * HOUR, 9, 20, -1, 200000},
        {1, "flex", JULY + 17 * HOUR, 9, 2, -1, 0},
        {1, "flex", JULY, 9, 2, -1, 0}, /* still yesterday's */
        {1, "flex", JULY + 12 * HOUR, 4, 2, -1, 0},
    };

    (void)state;
    ASSERT_PICKS(
        ENTRY("\"input\": " FEMTO(1) ", \"output\": " FEMTO(
            2) ", "
               "\"tiers\": [{\"above\": 200000, \"input\": " FEMTO(
                   10) ", "
                       "\"output\": " FEMTO(
                           20) "}], "
                               "\"service_tiers\": {\"flex\": {\"input\": " FEMTO(
                                   4) "}}, "
                                      "\"off_peak\": [{\"utc\": \"16:30-00:30\", \"input\": " FEMTO(
                                          9) "}]"),
        cases);
}

/* 2026-07-01 is a Wednesday. */
static void a_window_belongs_to_the_day_on_which_it_begins(void **state)
{
    static const struct expected cases[] = {
        {1, NULL, JULY + 12 * HOUR, 1, -1, -1, 0},           /* Wednesday noon */
        {1, NULL, JULY + 23 * HOUR, 9, -1, -1, 0},           /* Wednesday night begins */
        {1, NULL, JULY + DAY + HOUR, 9, -1, -1, 0},          /* and lasts into Thursday */
        {1, NULL, JULY + DAY + 23 * HOUR, 1, -1, -1, 0},     /* Thursday's does not count */
        {1, NULL, JULY + HOUR, 1, -1, -1, 0},                /* Tuesday's neither */
        {1, NULL, JULY + 4 * DAY + 12 * HOUR, 5, -1, -1, 0}, /* Sunday, all day */
        {1, NULL, JULY + 4 * DAY, 5, -1, -1, 0},             /* from midnight */
        {1, NULL, JULY + 5 * DAY - 1, 5, -1, -1, 0},         /* to midnight */
        {1, NULL, JULY + 5 * DAY, 1, -1, -1, 0},             /* Monday */
        {1, NULL, JULY + 7 * DAY + 23 * HOUR, 9, -1, -1, 0}, /* next week */
        {1, NULL, JULY + 3 * DAY + 22 * HOUR, 7, -1, -1, 0}, /* the later one wins */
    };

    (void)state;
    ASSERT_PICKS(
        ENTRY("\"input\": " FEMTO(
            1) ", \"off_peak\": ["
               "{\"utc\": \"22:00-02:00\", \"weekdays\": \"wed,sat\", "
               "\"input\": " FEMTO(
                   9) "}, "
                      "{\"utc\": \"00:00-24:00\", \"weekdays\": \"sun\", \"input\": " FEMTO(
                          5) "}, "
                             "{\"utc\": \"22:00-23:00\", \"weekdays\": \"sat\", \"input\": " FEMTO(
                                 7) "}]"),
        cases);
}

static void the_multiplier_is_told_and_not_applied(void **state)
{
    struct price_table *table = table_of(ENTRY("\"input\": \"1\", \"multiplier\": \"0.95\""));
    struct price_pick got = pick(table, &(struct expected){.prompt = 1});
    struct price by_hand = {.standard.base = {.known = 1, .unit = {{5}}}};

    (void)state;
    assert_int_equal(got.multiplier_ppm, 950000);
    assert_true(got.rates.unit[PRICE_INPUT].femto == INT64_C(1000000000000000));
    price_table_free(table);
    table = table_of(ENTRY("\"input\": \"1\", \"multiplier\": \"100\""));
    assert_int_equal(pick(table, &(struct expected){0}).multiplier_ppm, 100000000);
    price_table_free(table);
    table = table_of(ENTRY("\"input\": \"1\", \"multiplier\": \"0.000001\""));
    assert_int_equal(pick(table, &(struct expected){0}).multiplier_ppm, 1);
    price_table_free(table);
    got = price_pick(&by_hand, &(struct price_terms){0});
    assert_int_equal(got.multiplier_ppm, PRICE_MULTIPLIER_NONE);
}

/* A price that only a service tier has is known, and yet nothing for other requests. */
static void a_price_of_one_service_tier_only(void **state)
{
    static const struct expected cases[] = {
        {1, NULL, 0, -1, -1, -1, 0},
        {1, "flex", 0, 4, -1, -1, 0},
    };

    (void)state;
    ASSERT_PICKS(ENTRY("\"service_tiers\": {\"flex\": {\"input\": " FEMTO(4) "}}"), cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(brackets_go_by_total_prompt_strictly_above),
        cmocka_unit_test(a_service_tier_stands_above_the_standard_of_its_bracket),
        cmocka_unit_test(the_highest_bracket_wins_wherever_it_stands),
        cmocka_unit_test(fast_is_its_own_where_it_is_listed),
        cmocka_unit_test(off_peak_rates_replace_all_others),
        cmocka_unit_test(a_window_belongs_to_the_day_on_which_it_begins),
        cmocka_unit_test(the_multiplier_is_told_and_not_applied),
        cmocka_unit_test(a_price_of_one_service_tier_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
