/* price_table_fuzz.c - the price file, any bytes: what opens is written and opens again, alike, and
 * written twice it is the same bytes; every rate that is picked is one of the file's. */
#include "accounting/price_private.h"
#include "tests/fuzz/price_import_law.h"

/* An import that says nothing writes the old table. */
static struct price_import_text rewrite(const struct price_table *table)
{
    static const char nothing[] = "{}";

    return price_import_text(PRICE_SOURCE_LITELLM, nothing, strlen(nothing), 0, table);
}

static void check_pick(const struct price *price, int64_t at_ms)
{
    static const char *const tiers[] = {"", "priority", "fast", "batch", "flex"};
    static const int64_t prompts[] = {0, 128001, 200001, INT64_MAX};

    for (size_t i = 0; i < sizeof(tiers) / sizeof(tiers[0]); i++) {
        for (size_t j = 0; j < sizeof(prompts) / sizeof(prompts[0]); j++) {
            struct price_terms terms = {prompts[j], text_of(tiers[i]), at_ms};
            struct price_pick pick = price_pick(price, &terms);
            assert((pick.rates.known & price->standard.base.known) == price->standard.base.known);
            assert(pick.above == 0 || pick.above < prompts[j]);
            assert(pick.multiplier_ppm > 0);
            assert(i > 0 || pick.tier == NULL);
        }
    }
}

static void check_tables(const struct price_table *a, const struct price_table *b)
{
    assert(price_table_models(a) == price_table_models(b));
    assert(price_table_priced(a) == price_table_priced(b));
    for (size_t i = 0; i < price_table_models(a); i++) {
        struct text name = price_table_model(a, i);
        size_t count = 0, other = 0;
        const struct price *left = price_versions(a, name.bytes, name.len, &count);
        const struct price *right = price_versions(b, name.bytes, name.len, &other);

        assert(left != NULL);
        assert(right != NULL);
        assert(count == other);
        for (size_t version = 0; version < count; version++) {
            assert(left[version].from_ms == right[version].from_ms);
            assert(strcmp(left[version].source, right[version].source) == 0);
            assert(price_same(&left[version], &right[version]));
            check_pick(&left[version], left[version].from_ms);
            check_pick(&left[version], INT64_MIN);
            check_pick(&left[version], INT64_MAX);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct price_table *table = NULL, *back = NULL;
    struct price_import_text once, twice;
    char error[512] = "";
    int rc = price_table_read("prices", (const char *)data, len, &table, error, sizeof(error));

    if (rc != 0) {
        assert(rc == -EINVAL);
        assert(strncmp(error, "prices:", 7) == 0);
        assert(table == NULL);
        return 0;
    }
    once = rewrite(table);
    assert(once.rc == 0);
    rc = price_table_read(NULL, once.table, once.table_len, &back, error, sizeof(error));
    assert(rc == 0);
    check_tables(table, back);
    twice = rewrite(back);
    assert(twice.rc == 0);
    assert(strcmp(once.table, twice.table) == 0);
    price_import_text_free(&once);
    price_import_text_free(&twice);
    price_table_free(table);
    price_table_free(back);
    return 0;
}
