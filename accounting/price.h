/* price.h - the price table: model -> list price, versioned by effective date.
 *
 * The file (configs/prices.json) is ours: JSON, decimal strings, USD per unit, at most 15 decimals
 * and 15 significant digits (the importers round, a table is exact). The table is read once and
 * never changes afterwards, so any thread may read it without a lock.
 *
 *     {"format": 2, "models": {"zai/glm-5.3": [
 *        {"from": "2026-07-01T00:00:00Z", "source": "vercel",
 *         "input": "0.0000014", "output": "0.0000044", "input_cache_read": "0.00000026",
 *         "tiers": [{"above": 200000, "input": "0.0000028", ...}],
 *         "service_tiers": {"priority": {"input": "...", "tiers": [...]}, "flex": {...}},
 *         "off_peak": [{"utc": "16:30-00:30", "weekdays": "mon,tue", "input": "...", ...}],
 *         "multiplier": "0.95"}]}}
 *
 * Format 1 is format 2 without `source`, `service_tiers`, `off_peak` and `multiplier`; it is read,
 * too. "multiplier" is a decimal of at most 6 places, above 0 and at most 100. "utc" is
 * "HH:MM-HH:MM", start inclusive, end exclusive, may wrap midnight; without "weekdays" every day
 * (the day on which the window began counts). A service tier that does not name a unit falls back
 * to the standard rates of the same bracket (pricing-and-focus section 1.1).
 * "from" is UTC, YYYY-MM-DDTHH:MM:SS[.mmm]Z, 1970 at the earliest. A model has any number of
 * entries; each holds until the next one begins. Entries and tiers may stand in any order; two with
 * the same "from" or "above" are refused, and so is a key that is unknown or stands twice. A model
 * without entries, or an entry without prices, is unknown from there on, never free (vercel section
 * 9: `{}` is legal there).
 */
#ifndef ACCOUNTING_PRICE_H
#define ACCOUNTING_PRICE_H

#include "accounting/money.h"
#include "accounting/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What a unit can be. The order is the file's and the export's, and the numbers are stored in rows
 * (rating.h): append, never renumber. */
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
    PRICE_OUTPUT_AUDIO,   /* "output_audio": token */
    PRICE_INPUT_IMAGE,    /* "input_image": token */
    PRICE_INPUT_VIDEO,    /* "input_video": token */
    PRICE_IMAGE,          /* "image": picture made */
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
    PRICE_SERVICES_MAX = 8, /* service tiers of one version */
    PRICE_SERVICE_NAME_MAX = 32,
    PRICE_OFF_PEAK_MAX = 8,
    PRICE_VERSIONS_MAX = 4096,          /* of one model */
    PRICE_SOURCE_MAX = 16,              /* bytes of a source's name and its NUL */
    PRICE_MODEL_MAX = 256,              /* bytes of a model's id */
    PRICE_FILE_MAX = 128 * 1024 * 1024, /* bytes of a price file, and of a list to import */
};
#define PRICE_ABOVE_MAX INT64_C(1000000000000) /* tokens: no prompt comes near */
#define PRICE_MULTIPLIER_NONE 1000000          /* millionths */

/* Rates by size of the prompt. Tiers are chosen by total prompt tokens, cached included, strictly
 * greater than `above`; the highest that matches holds for the whole request (not graduated). A
 * unit that a tier does not name keeps its base price. */
struct price_brackets {
    struct price_rates base;
    struct {
        int64_t above; /* tokens */
        struct price_rates rates;
    } tiers[PRICE_TIERS_MAX]; /* ascending */
    unsigned tier_count;
};

struct price_service {
    char name[PRICE_SERVICE_NAME_MAX]; /* as answers name it: "priority", "flex" */
    struct price_brackets brackets;
};

/* Rates that replace (not discount) all others while it lasts. */
struct price_off_peak {
    unsigned from_minute, to_minute; /* of the UTC day; to <= from wraps midnight */
    unsigned weekdays;               /* bit 0 is Monday */
    struct price_rates rates;
};

/* A model's price in force from one instant on. */
struct price {
    int64_t from_ms; /* unix milliseconds, inclusive */
    struct price_brackets standard;
    const struct price_service *services; /* borrow: of the table */
    unsigned service_count;
    const struct price_off_peak *off_peak; /* borrow */
    unsigned off_peak_count;
    int64_t multiplier_ppm; /* applied once to the sum of a request; 0 (made by hand): none */
    char source[PRICE_SOURCE_MAX]; /* who said so: "vercel", "litellm", ...; empty: not said */
};

/* What decides which rates hold. */
struct price_terms {
    int64_t prompt_tokens;    /* total input */
    struct text service_tier; /* as returned, else as requested; empty, "standard", "default" and
                                 "auto" are the standard rates */
    int64_t at_ms;            /* of the request's start: off-peak windows */
};
struct price_pick {
    struct price_rates rates;
    int64_t above;                    /* the tier's bound; 0: the base */
    const struct price_service *tier; /* NULL: standard */
    bool off_peak;
    int64_t multiplier_ppm;
};
/* Order of pricing-and-focus section 3 rule 9: bracket, service tier, off-peak, multiplier. Unit by
 * unit the highest bracket that holds wins, and within a bracket the service tier before standard.
 * Of off-peak windows that overlap the later one wins. An unknown service tier falls back to
 * standard rates: `tier` is NULL then. "fast" is also found as "priority", "batch" as "batches".
 * borrow: of price. */
struct price_pick price_pick(const struct price *price, const struct price_terms *terms);

struct price_table;

/* Reads a table. On failure returns a negative errno, leaves *ret_table alone and writes what is
 * wrong into error: "file: model key: what", "file:line: what" where it is not JSON, "file: what"
 * where it cannot be read. -EFBIG above PRICE_FILE_MAX, -EINVAL for bad content. borrow: path.
 * give: *ret_table. */
int price_table_open(const char *path, struct price_table **ret_table, char *error,
                     size_t error_size);
/* The same from memory: what an import has just written. path: of the messages; NULL: none. borrow:
 * bytes. */
int price_table_read(const char *path, const char *bytes, size_t len,
                     struct price_table **ret_table, char *error, size_t error_size);
/* An empty table: every model is unknown; its hash is that of no bytes. NULL without memory.
 * give. */
struct price_table *price_table_empty(void);
void price_table_free(struct price_table *table);

/* The price of model in force at at_ms, or NULL when unknown. borrow: valid while the table is. */
const struct price *price_find(const struct price_table *table, const char *model, size_t len,
                               int64_t at_ms);
/* All versions of a model, oldest first, unpriced ones included; NULL: not in the table. */
const struct price *price_versions(const struct price_table *table, const char *model, size_t len,
                                   size_t *ret_count);
/* Of those the one in force at at_ms, priced or not; NULL: none has begun. borrow: of versions. */
const struct price *price_version_at(const struct price *versions, size_t count, int64_t at_ms);
/* Whether a version says any price at all: one that does not is unknown, never free. */
bool price_known(const struct price *price);
/* Model `index` of the table (below price_table_models()), sorted by name. */
struct text price_table_model(const struct price_table *table, size_t index);

/* Models in the table, and of those how many have a price at all. */
size_t price_table_models(const struct price_table *table);
size_t price_table_priced(const struct price_table *table);
/* SHA-256 of the file's bytes in hex, 64 characters and a NUL: which prices rated a row. */
const char *price_table_hash(const struct price_table *table);

/* Whether the file can name this model: 1 to PRICE_MODEL_MAX bytes of UTF-8, no control character,
 * quote or backslash among them (so that a name has one spelling only). */
bool price_model_valid(const char *model, size_t len);

#endif
