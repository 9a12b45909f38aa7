/* price.h - the price table: model -> list price, versioned by effective date.
 *
 * The file (configs/prices.json) is ours: JSON, decimal strings, USD per unit, at most 15 decimals
 * and 15 significant digits (the importers round, a table is exact). The table is read once and
 * never changes afterwards, so any thread may read it without a lock.
 *
 *     {"format": 1, "models": {"zai/glm-5.3": [
 *        {"from": "2026-07-01T00:00:00Z", "input": "0.0000014", "output": "0.0000044",
 *         "input_cache_read": "0.00000026",
 *         "tiers": [{"above": 200000, "input": "0.0000028", ...}]}]}}
 *
 * "from" is UTC, YYYY-MM-DDTHH:MM:SS[.mmm]Z. A model has any number of entries; each holds until
 * the next one begins. Entries and tiers may stand in any order; two with the same "from" or
 * "above" are refused, and so is a key that is unknown or stands twice. A model without entries,
 * or an entry without prices, is unknown from there on, never free (vercel section 9: `{}` is
 * legal there).
 */
#ifndef ACCOUNTING_PRICE_H
#define ACCOUNTING_PRICE_H

#include "accounting/money.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What a unit can be. The order is the file's and the export's. */
enum price_unit {
    PRICE_INPUT,          /* "input": token */
    PRICE_OUTPUT,         /* "output": token */
    PRICE_CACHE_READ,     /* "input_cache_read": token */
    PRICE_CACHE_WRITE,    /* "input_cache_write": token, kept for 5 minutes */
    PRICE_CACHE_WRITE_1H, /* "input_cache_write_1h": token, kept for an hour */
    PRICE_REASONING,      /* "reasoning": token */
    PRICE_INPUT_AUDIO,    /* "input_audio": token */
    PRICE_OUTPUT_IMAGE,   /* "output_image": token */
    PRICE_WEB_SEARCH,     /* "web_search": search */
    PRICE_REQUEST,        /* "request": once per request */
    PRICE_UNITS,
};

/* The unit's key in the file. */
const char *price_unit_name(enum price_unit unit);

/* One set of rates. A unit without a price has its bit in `known` clear. */
struct price_rates {
    struct unit_price unit[PRICE_UNITS];
    uint32_t known; /* bit 1u << enum price_unit */
};

enum {
    PRICE_TIERS_MAX = 8,
    PRICE_MODEL_MAX = 256,              /* bytes of a model's id */
    PRICE_FILE_MAX = 128 * 1024 * 1024, /* bytes of a price file, and of a list to import */
};
#define PRICE_ABOVE_MAX INT64_C(1000000000000) /* tokens: no prompt comes near */

/* A model's price in force from one instant on. Tiers are chosen by total prompt tokens, cached
 * included, strictly greater than `above`; the highest that matches holds for the whole request
 * (not graduated). A unit that a tier does not name keeps its base price. */
struct price {
    int64_t from_ms; /* unix milliseconds, inclusive */
    struct price_rates base;
    struct {
        int64_t above; /* tokens */
        struct price_rates rates;
    } tiers[PRICE_TIERS_MAX]; /* ascending */
    unsigned tier_count;
};

struct price_table;

/* Reads a table. On failure returns a negative errno, leaves *ret_table alone and writes what is
 * wrong into error: "file: model key: what", "file:line: what" where it is not JSON, "file: what"
 * where it cannot be read. -EFBIG above PRICE_FILE_MAX, -EINVAL for bad content. borrow: path.
 * give: *ret_table. */
int price_table_open(const char *path, struct price_table **ret_table, char *error,
                     size_t error_size);
/* An empty table: every model is unknown; its hash is that of no bytes. NULL without memory.
 * give. */
struct price_table *price_table_empty(void);
void price_table_free(struct price_table *table);

/* The price of model in force at at_ms, or NULL when unknown. borrow: valid while the table is. */
const struct price *price_find(const struct price_table *table, const char *model, size_t len,
                               int64_t at_ms);

/* Models in the table, and of those how many have a price at all. */
size_t price_table_models(const struct price_table *table);
size_t price_table_priced(const struct price_table *table);
/* SHA-256 of the file's bytes in hex, 64 characters and a NUL: which prices rated a row. */
const char *price_table_hash(const struct price_table *table);

/* The rates that hold for a request of prompt_tokens (total input): the base overlaid by its tier.
 */
struct price_rates price_rates_for(const struct price *price, int64_t prompt_tokens);

/* Whether the file can name this model: 1 to PRICE_MODEL_MAX bytes of UTF-8, no control character,
 * quote or backslash among them (so that a name has one spelling only). */
bool price_model_valid(const char *model, size_t len);

/* Converts the answer of Vercel's GET /v1/models (vercel section 9) into our format, effective
 * from from_ms, and writes it to out: sorted by model, the same list always gives the same bytes.
 * Cost fields that our format does not carry are named on report ("model: field: not used"), one
 * line each, none dropped in silence; so are prices that had to be rounded. A model with `{}` is
 * written as unpriced. borrow: json.
 * -EINVAL with the place ("model key: what") in error for JSON that is not such a list, and then
 * out has been given nothing; -EFBIG above PRICE_FILE_MAX; -EIO when out or report fails. */
int price_import_vercel(const char *json, size_t len, int64_t from_ms, FILE *out, FILE *report,
                        char *error, size_t error_size);

#endif
