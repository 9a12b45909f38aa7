/* price_import.h - public price lists into our table, and a new import into an older table.
 *
 * Every cost field that pricing-and-focus.md section 1 lists (1.1 LiteLLM, 1.2 models.dev, 1.4 and
 * vercel section 9, openrouter section 5.2 with `overrides` and `discount`) is used, or is named on
 * the report with what became of it; none is dropped in silence. Numbers are read as decimal text
 * (json-c keeps it), strings likewise; NaN, Infinity, hex, more than MONEY_DIGITS_MAX digits, keys
 * that stand twice and prices that do not fit are -EINVAL with the place.
 *
 * What a source says and a table cannot, and what was decided where it is not clear:
 *  - a null is named and not used; a cost below 0 means "it depends", likewise. A cost that is
 *    neither number nor decimal text is refused.
 *  - LiteLLM: thresholds are strict but for litellm_provider xai, whose bounds are inclusive.
 *    tiered_pricing replaces the flat keys of the units that it names. Of
 * search_context_cost_per_query the medium size is taken. Multipliers hang on a region that no
 * answer tells: named.
 *  - OpenRouter: `discount` becomes the multiplier 1 - discount. Overrides with a time are off-peak
 *    rates; one with a time and a prompt size cannot be said, and is named.
 *  - models.dev: thresholds are strict but for provider xai. experimental.modes are service tiers.
 *
 * Threads: pure functions but for the two files they write to, which may be in memory.
 */
#ifndef ACCOUNTING_PRICE_IMPORT_H
#define ACCOUNTING_PRICE_IMPORT_H

#include "accounting/price.h"

enum price_source {
    PRICE_SOURCE_LITELLM,
    PRICE_SOURCE_VERCEL,
    PRICE_SOURCE_OPENROUTER,
    PRICE_SOURCE_MODELS_DEV,
    PRICE_SOURCES,
};
/* "litellm", "vercel", "openrouter", "models.dev". */
const char *price_source_name(enum price_source source);
/* -EINVAL: none of them. */
int price_source_parse(const char *name, enum price_source *ret_source);

struct price_import_order {
    enum price_source source;
    int64_t from_ms;               /* since when the prices hold: 1970 to 9999 */
    const struct price_table *old; /* what they are added to; NULL: a table of their own. borrow */
    struct text provider; /* models.dev only: this provider's models, under their own ids; empty:
                             all providers, and a model's id is "provider/id". borrow */
    FILE *out;            /* the new table, sorted by model; the same input, the same bytes */
    FILE *report; /* one line for each field not used, price rounded or removed. NULL: not told */
};
struct price_import_result {
    size_t models;  /* in the list */
    size_t priced;  /* of those, with a price */
    size_t added;   /* not in the old table */
    size_t changed; /* got a new version: some rate differs from what is in force at from_ms */
    size_t missing; /* in the old table from the same source, but not in the list: they keep their
                       price, and are named on the report */
    size_t notes;   /* lines for the report, told or not */
};
/* Reads a list and writes a table. With `old`, every version of it is kept byte for byte in value;
 * a model whose rates are the same as those in force at from_ms gets no new version (so importing
 * twice changes nothing), one that differs gets a version from from_ms on (replacing one with that
 * very instant). -EINVAL with "model key: what" in error (the way to it, "data[3].pricing.input:
 * what", where the JSON is at fault), and then out has been given nothing; -EFBIG above
 * PRICE_FILE_MAX; -EIO; -ENOMEM. borrow: json. */
int price_import(const struct price_import_order *order, const char *json, size_t len,
                 struct price_import_result *ret_result, char *error, size_t error_size);

#endif
