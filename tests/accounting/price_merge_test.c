/* price_merge_test.c - a new import into an older table: versions are added, none is lost, and what
 * is written reads back to the same rates. */
#include "tests/accounting/price_support.h"

#include "accounting/price_private.h"

#define MODEL(id, pricing) "{\"id\": \"" id "\", \"pricing\": {" pricing "}}"
#define LIST(text) "{\"data\": [" text "]}"
#define SEPTEMBER INT64_C(1788220800000)

struct step {
    const struct price_table *old;
    int64_t from_ms;
    const char *list;
    size_t added, changed, missing;
    const char *report;
};

/* Imports a Vercel list; what it gives is the table of the next step. */
static struct price_table *take(const struct step *step)
{
    struct imported_text text =
        import_bytes(PRICE_SOURCE_VERCEL, step->list, strlen(step->list), step->old, step->from_ms);
    struct price_table *table;

    if (text.rc != 0)
        fail_msg("%s", text.error);
    assert_int_equal(text.result.added, step->added);
    assert_int_equal(text.result.changed, step->changed);
    assert_int_equal(text.result.missing, step->missing);
    assert_string_equal(text.report, step->report != NULL ? step->report : "");
    table = table_of(text.table);
    imported_text_release(&text);
    return table;
}

static int64_t input_at(const struct price_table *table, const char *model, int64_t at_ms)
{
    const struct price *price = price_of(table, model, at_ms);

    if (price == NULL)
        return -1;
    return price_pick(price, &(struct price_terms){.at_ms = at_ms}).rates.unit[PRICE_INPUT].femto;
}

static size_t versions_of(const struct price_table *table, const char *model)
{
    size_t count = 0;

    assert_non_null(price_versions(table, model, strlen(model), &count));
    return count;
}

static void a_change_becomes_a_version(void **state)
{
    struct price_table *july = take(&(struct step){
        .from_ms = JULY,
        .list = LIST(MODEL("a", "\"input\": \"1e-15\"") ", " MODEL("b", "\"input\": \"5e-15\"")),
        .added = 2});
    struct price_table *august =
        take(&(struct step){july, AUGUST,
                            LIST(MODEL("a", "\"input\": \"2e-15\"") ", " MODEL(
                                "b", "\"input\": \"5e-15\"") ", " MODEL("c", "\"input\": \"0\"")),
                            1, 1, 0, NULL});

    (void)state;
    assert_int_equal(versions_of(august, "a"), 2);
    assert_int_equal(versions_of(august, "b"), 1); /* nothing new was said of it */
    assert_int_equal(input_at(august, "a", JULY - 1), -1);
    assert_int_equal(input_at(august, "a", AUGUST - 1), 1);
    assert_int_equal(input_at(august, "a", AUGUST), 2);
    assert_int_equal(input_at(august, "c", AUGUST - 1), -1);
    assert_int_equal(input_at(august, "c", AUGUST), 0);
    price_table_free(july);
    price_table_free(august);
}

static void importing_twice_changes_nothing(void **state)
{
    static const char list[] =
        LIST(MODEL("a", "\"input\": \"1\", \"fast\": {\"input\": \"2\"}, \"output_tiers\": "
                        "[{\"cost\": \"3\", \"min\": 5}]") ", " MODEL("b", ""));
    struct price_table *once = take(&(struct step){.from_ms = JULY, .list = list, .added = 2});
    struct price_table *twice = take(&(struct step){once, AUGUST, list, 0, 0, 0, NULL});

    (void)state;
    assert_string_equal(price_table_hash(once), price_table_hash(twice));
    price_table_free(once);
    price_table_free(twice);
}

static void a_version_of_the_same_instant_is_replaced(void **state)
{
    struct price_table *first = take(&(struct step){
        .from_ms = JULY, .list = LIST(MODEL("a", "\"input\": \"1e-15\"")), .added = 1});
    struct price_table *second =
        take(&(struct step){first, JULY, LIST(MODEL("a", "\"input\": \"2e-15\"")), 0, 1, 0, NULL});

    (void)state;
    assert_int_equal(versions_of(second, "a"), 1);
    assert_int_equal(input_at(second, "a", JULY), 2);
    price_table_free(first);
    price_table_free(second);
}

/* An import of older prices goes before what is known of later times, and changes none of it. */
static void an_older_list_goes_where_it_belongs(void **state)
{
    struct price_table *july = take(&(struct step){
        .from_ms = JULY, .list = LIST(MODEL("a", "\"input\": \"1e-15\"")), .added = 1});
    struct price_table *september = take(
        &(struct step){july, SEPTEMBER, LIST(MODEL("a", "\"input\": \"3e-15\"")), 0, 1, 0, NULL});
    struct price_table *between = take(
        &(struct step){september, AUGUST, LIST(MODEL("a", "\"input\": \"2e-15\"")), 0, 1, 0, NULL});
    struct price_table *before = take(&(struct step){
        between, JULY - DAY, LIST(MODEL("a", "\"input\": \"9e-15\"")), 0, 1, 0, NULL});

    (void)state;
    assert_int_equal(versions_of(before, "a"), 4);
    assert_int_equal(input_at(before, "a", JULY - 1), 9);
    assert_int_equal(input_at(before, "a", JULY), 1);
    assert_int_equal(input_at(before, "a", AUGUST), 2);
    assert_int_equal(input_at(before, "a", SEPTEMBER), 3);
    price_table_free(july);
    price_table_free(september);
    price_table_free(between);
    price_table_free(before);
}

/* Unknown from then on: the list names the model and no longer its price. */
static void a_price_that_is_no_longer_told_ends(void **state)
{
    struct price_table *july = take(&(struct step){
        .from_ms = JULY, .list = LIST(MODEL("a", "\"input\": \"1e-15\"")), .added = 1});
    struct price_table *august =
        take(&(struct step){july, AUGUST, LIST(MODEL("a", "")), 0, 1, 0, NULL});
    struct price_table *again =
        take(&(struct step){august, SEPTEMBER, LIST(MODEL("a", "")), 0, 0, 0, NULL});
    struct price_table *early =
        take(&(struct step){august, JULY - DAY, LIST(MODEL("a", "")), 0, 0, 0, NULL});

    (void)state;
    assert_int_equal(input_at(august, "a", JULY), 1);
    assert_int_equal(input_at(august, "a", AUGUST), -1);
    assert_string_equal(price_table_hash(august), price_table_hash(again));
    assert_string_equal(price_table_hash(august), price_table_hash(early));
    price_table_free(july);
    price_table_free(august);
    price_table_free(again);
    price_table_free(early);
}

/* What the list does not have keeps its price. It is named where the same source had said it. */
static void what_is_missing_keeps_its_price(void **state)
{
    struct price_table *old =
        table_of(TABLE("\"gone\": [{\"from\": \"2026-07-01T00:00:00Z\", \"source\": \"vercel\", "
                       "\"input\": \"1e-15\"}], \"other\": [{\"from\": \"2026-07-01T00:00:00Z\", "
                       "\"source\": \"litellm\", \"input\": \"2e-15\"}], \"ours\": [{\"from\": "
                       "\"2026-07-01T00:00:00Z\", \"input\": \"3e-15\"}], \"nothing\": []"));
    struct price_table *table =
        take(&(struct step){old, AUGUST, LIST(MODEL("z", "\"input\": \"1\"")), 1, 0, 1,
                            "gone: not in the list: its price stays\n"});

    (void)state;
    assert_int_equal(price_table_models(table), 5);
    assert_int_equal(input_at(table, "gone", SEPTEMBER), 1);
    assert_int_equal(input_at(table, "other", SEPTEMBER), 2);
    assert_int_equal(input_at(table, "ours", SEPTEMBER), 3);
    assert_int_equal(versions_of(table, "nothing"), 0);
    price_table_free(old);
    price_table_free(table);
}

/* The rates count, not who said them. */
static void another_source_with_the_same_rates_adds_nothing(void **state)
{
    static const char litellm[] = "{\"a\": {\"input_cost_per_token\": 1e-15}}";
    struct price_table *july = take(&(struct step){
        .from_ms = JULY, .list = LIST(MODEL("a", "\"input\": \"1e-15\"")), .added = 1});
    struct imported_text text =
        import_bytes(PRICE_SOURCE_LITELLM, litellm, strlen(litellm), july, AUGUST);

    (void)state;
    assert_int_equal(text.rc, 0);
    assert_int_equal(text.result.changed, 0);
    assert_non_null(strstr(text.table, "\"source\": \"vercel\""));
    assert_null(strstr(text.table, "litellm"));
    price_table_free(july);
    imported_text_release(&text);
}

/* Each part of a price alone makes a difference. */
static void any_difference_of_rates_is_one(void **state)
{
    static const char *const entries[] = {
        "\"input\": \"1\"",
        "\"input\": \"2\"",
        "\"output\": \"1\"",
        "\"input\": \"1\", \"output\": \"1\"",
        "\"input\": \"1\", \"tiers\": [{\"above\": 1, \"input\": \"1\"}]",
        "\"input\": \"1\", \"tiers\": [{\"above\": 2, \"input\": \"1\"}]",
        "\"input\": \"1\", \"tiers\": [{\"above\": 1, \"input\": \"2\"}]",
        "\"input\": \"1\", \"multiplier\": \"0.9\"",
        "\"input\": \"1\", \"service_tiers\": {\"a\": {\"input\": \"1\"}}",
        "\"input\": \"1\", \"service_tiers\": {\"b\": {\"input\": \"1\"}}",
        "\"input\": \"1\", \"service_tiers\": {\"a\": {\"input\": \"2\"}}",
        "\"input\": \"1\", \"off_peak\": [{\"utc\": \"01:00-02:00\", \"input\": \"1\"}]",
        "\"input\": \"1\", \"off_peak\": [{\"utc\": \"01:30-02:00\", \"input\": \"1\"}]",
        "\"input\": \"1\", \"off_peak\": [{\"utc\": \"01:00-02:30\", \"input\": \"1\"}]",
        ("\"input\": \"1\", \"off_peak\": [{\"utc\": \"01:00-02:00\", \"weekdays\": \"mon\", "
         "\"input\": \"1\"}]"),
        "\"input\": \"1\", \"off_peak\": [{\"utc\": \"01:00-02:00\", \"input\": \"2\"}]",
        "",
    };
    enum { ENTRIES = sizeof(entries) / sizeof(entries[0]) };

    (void)state;
    for (unsigned i = 0; i < ENTRIES; i++) {
        for (unsigned j = 0; j < ENTRIES; j++) {
            char text[512];
            struct price_table *table;
            size_t count = 0;
            const struct price *versions;

            snprintf(text, sizeof(text),
                     TABLE("\"a\": [{%s%s\"from\": \"2026-07-01T00:00:00Z\"}, "
                           "{%s%s\"from\": \"2026-08-01T00:00:00Z\", \"source\": \"x\"}]"),
                     entries[i], entries[i][0] != '\0' ? ", " : "", entries[j],
                     entries[j][0] != '\0' ? ", " : "");
            table = table_of(text);
            versions = price_versions(table, "a", 1, &count);
            assert_int_equal(count, 2);
            assert_int_equal(price_same(&versions[0], &versions[1]), i == j);
            price_table_free(table);
        }
    }
}

/* A list of 65536 models with a tier each would make a table that no reader takes. */
static void a_table_that_could_not_be_read_is_not_written(void **state)
{
    enum { MANY = 65536, LINE = 64 };
    char *json = malloc((size_t)MANY * LINE), *end = json;
    struct imported_text text;

    (void)state;
    assert_non_null(json);
    for (int i = 0; i < MANY; i++)
        end += snprintf(end, LINE, "%s\"%d\": {\"input_cost_per_token_flex\": 1}",
                        i == 0 ? "{" : ",", i);
    *end++ = '}';
    text = import_bytes(PRICE_SOURCE_LITELLM, json, (size_t)(end - json), NULL, JULY);
    assert_int_equal(text.rc, -EINVAL);
    assert_int_equal(text.table_len, 0);
    assert_non_null(strstr(text.error, "the table would be larger than one may be"));
    imported_text_release(&text);
    end[-1] = ',';
    memcpy(end, "\"one more\":{}}", 14);
    text = import_bytes(PRICE_SOURCE_LITELLM, json, (size_t)(end - json) + 14, NULL, JULY);
    assert_int_equal(text.rc, -EINVAL);
    assert_string_equal(text.error, "one more: is one model too many: a list may have 65536");
    imported_text_release(&text);
    free(json);
}

/* ---- parse(print(x)) = x ---- */

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static unsigned below(uint64_t *seed, unsigned bound)
{
    return (unsigned)(next_random(seed) % bound);
}

/* Some rates, at least one: of at most 15 digits, as every price that was parsed has. */
static struct price_rates some_rates(uint64_t *seed)
{
    struct price_rates rates = {0};

    do {
        struct unit_price price = {(int64_t)(next_random(seed) % UINT64_C(1000000000000000))};
        if (below(seed, 3) == 0)
            price.femto /= INT64_C(100000000);
        price_rates_set(&rates, (enum price_unit)below(seed, PRICE_UNITS), price);
    } while (below(seed, 4) > 0);
    return rates;
}

static struct price_brackets some_brackets(uint64_t *seed)
{
    struct price_brackets brackets = {.base = some_rates(seed)};
    int64_t above = below(seed, 2);

    for (unsigned count = below(seed, PRICE_TIERS_MAX + 1); count > 0; count--) {
        brackets.tiers[brackets.tier_count].above = above;
        brackets.tiers[brackets.tier_count++].rates = some_rates(seed);
        above += 1 + below(seed, 300000);
    }
    return brackets;
}

static void what_is_written_reads_back_the_same(void **state)
{
    uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);

    (void)state;
    for (unsigned round = 0; round < 300; round++) {
        static const char *const names[] = {"batches", "fast", "flex", "priority"};
        struct price_service services[4] = {0};
        struct price_off_peak windows[PRICE_OFF_PEAK_MAX] = {0};
        struct price price = {.from_ms = (int64_t)(next_random(&seed) % 253402300799999U),
                              .services = services,
                              .off_peak = windows,
                              .multiplier_ppm = 1 + below(&seed, 100000000)};
        struct price_table *table;
        char *text = NULL;
        size_t len = 0, count = 0; /* of services, then of versions */
        const struct price *back;
        FILE *out = open_memstream(&text, &len);

        assert_non_null(out);
        price.standard = some_brackets(&seed);
        for (price.service_count = below(&seed, 5); count < price.service_count; count++) {
            snprintf(services[count].name, sizeof(services[count].name), "%s", names[count]);
            services[count].brackets = some_brackets(&seed);
        }
        price.off_peak_count = below(&seed, PRICE_OFF_PEAK_MAX + 1);
        for (unsigned i = 0; i < price.off_peak_count; i++)
            windows[i] = (struct price_off_peak){below(&seed, 1440), below(&seed, 1440),
                                                 1 + below(&seed, 127), some_rates(&seed)};
        price_write_head(out);
        price_write_model_begin(out, true, "a/b", 3);
        price_write_version(out, true, &price);
        price_write_model_end(out);
        price_write_tail(out);
        fclose(out);
        table = table_of(text);
        back = price_versions(table, "a/b", 3, &count);
        assert_int_equal(count, 1);
        assert_true(back->from_ms == price.from_ms);
        assert_true(price_same(back, &price));
        price_table_free(table);
        free(text);
    }
}

/* An import that says nothing writes every model of the shipped table as it was. */
static void the_shipped_table_survives_an_import(void **state)
{
    struct price_table *shipped = NULL, *written;
    char error[256] = "";

    (void)state;
    if (price_table_open(SOURCE_DIR "/configs/prices.json", &shipped, error, sizeof(error)) != 0)
        fail_msg("%s", error);
    written = take(&(struct step){shipped, AUGUST, LIST(""), 0, 0, 0, NULL});
    assert_int_equal(price_table_models(written), 298);
    assert_int_equal(price_table_priced(written), price_table_priced(shipped));
    for (size_t i = 0; i < price_table_models(shipped); i++) {
        struct text name = price_table_model(shipped, i);
        size_t was_count = 0, is_count = 0;
        const struct price *was = price_versions(shipped, name.bytes, name.len, &was_count);
        const struct price *is = price_versions(written, name.bytes, name.len, &is_count);

        assert_non_null(is);
        assert_int_equal(was_count, is_count);
        for (size_t version = 0; version < was_count; version++) {
            assert_true(was[version].from_ms == is[version].from_ms);
            assert_true(price_same(&was[version], &is[version]));
        }
    }
    price_table_free(shipped);
    price_table_free(written);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_becomes_a_version),
        cmocka_unit_test(importing_twice_changes_nothing),
        cmocka_unit_test(a_version_of_the_same_instant_is_replaced),
        cmocka_unit_test(an_older_list_goes_where_it_belongs),
        cmocka_unit_test(a_price_that_is_no_longer_told_ends),
        cmocka_unit_test(what_is_missing_keeps_its_price),
        cmocka_unit_test(another_source_with_the_same_rates_adds_nothing),
        cmocka_unit_test(any_difference_of_rates_is_one),
        cmocka_unit_test(a_table_that_could_not_be_read_is_not_written),
        cmocka_unit_test(what_is_written_reads_back_the_same),
        cmocka_unit_test(the_shipped_table_survives_an_import),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
