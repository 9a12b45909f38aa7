/* price.h - the price table: model -> list price, versioned by effective date.
 *
 * The file (configs/prices.json) is ours: JSON, decimal strings, USD per unit. The table is read
 * once and never changes afterwards, so any thread may read it without a lock.
 *
 *     {"format": 1, "models": {"zai/glm-5.3": [
 *        {"from": "2026-07-01T00:00:00Z", "input": "0.0000014", "output": "0.0000044",
 *         "input_cache_read": "0.00000026",
 *         "tiers": [{"above": 200000, "input": "0.0000028", ...}]}]}}
 *
 * A model without a price is unknown, never free (vercel section 9: `{}` is legal there).
 */
#ifndef ACCOUNTING_PRICE_H
#define ACCOUNTING_PRICE_H

#include "accounting/money.h"

#include <stdio.h>

/* What a unit can be. The order is the file's and the export's. */
enum price_unit {
    PRICE_INPUT,
    PRICE_OUTPUT,
    PRICE_CACHE_READ,
    PRICE_CACHE_WRITE,    /* 5-minute write */
    PRICE_CACHE_WRITE_1H,
    PRICE_REASONING,
    PRICE_INPUT_AUDIO,
    PRICE_OUTPUT_IMAGE,
    PRICE_WEB_SEARCH,
    PRICE_REQUEST,
    PRICE_UNITS,
};

/* One set of rates. A unit without a price has its bit in `known` clear. */
struct price_rates {
    struct unit_price unit[PRICE_UNITS];
    uint32_t known; /* bit 1u << enum price_unit */
};

enum { PRICE_TIERS_MAX = 8 };

/* A model's price in force from one instant on. Tiers are chosen by total prompt tokens, cached
 * included, strictly greater than `above`; the highest that matches holds for the whole request
 * (not graduated). A unit that a tier does not name keeps its base price. */
struct price {
    int64_t from_ms; /* unix milliseconds, inclusive */
    struct price_rates base;
    struct {
        int64_t above; /* tokens */
        struct price_rates rates;
    } tiers[PRICE_TIERS_MAX];
    unsigned tier_count;
};

struct price_table;

/* Reads a table. On failure returns a negative errno, leaves *ret_table alone and writes
 * "file: model key: what is wrong" into error. give: *ret_table. */
int price_table_open(const char *path, struct price_table **ret_table, char *error,
                     size_t error_size);
/* An empty table: every model is unknown. give. */
struct price_table *price_table_empty(void);
void price_table_free(struct price_table *table);

/* The price of model in force at at_ms, or NULL when unknown. borrow: valid while the table is. */
const struct price *price_find(const struct price_table *table, const char *model, size_t len,
                               int64_t at_ms);

/* Models in the table, and of those how many have a price at all. */
size_t price_table_models(const struct price_table *table);
/* SHA-256 of the file's bytes in hex, 64 characters and a NUL: which prices rated a row. */
const char *price_table_hash(const struct price_table *table);

/* The rates that hold for a request of prompt_tokens (total input): the base overlaid by its tier. */
struct price_rates price_rates_for(const struct price *price, int64_t prompt_tokens);

/* Converts the answer of Vercel's GET /v1/models (vercel section 9) into our format, effective
 * from from_ms, and writes it to out. Cost fields that our format does not carry are named on
 * report, one line each, none dropped in silence; a model with `{}` is written as unpriced.
 * -EINVAL with the place in error for JSON that is not such a list. */
int price_import_vercel(const char *json, size_t len, int64_t from_ms, FILE *out, FILE *report,
                        char *error, size_t error_size);

#endif
