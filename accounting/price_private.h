/* price_private.h - how a price table lies in memory: price.c looks up, price_table_read.c builds,
 * price_table_write.c prints (internal).
 */
#ifndef ACCOUNTING_PRICE_PRIVATE_H
#define ACCOUNTING_PRICE_PRIVATE_H

#include "accounting/price.h"

enum {
    PRICE_FORMAT = 2,
    PRICE_HASH_BYTES = 32, /* SHA-256 */
};

struct price_model {
    char *name;
    size_t len;
    struct price *versions; /* ascending by from_ms; they own their services and off_peak */
    size_t count;
};

struct price_table {
    struct price_model *models; /* ascending by name */
    size_t model_count;
    size_t priced_count;
    char hash[2 * PRICE_HASH_BYTES + 1];
};

/* An empty table with room for count models; NULL without memory. give. */
struct price_table *price_table_new(size_t count);
/* Sorts the models, whose names all differ, and counts those with a price. */
void price_table_index(struct price_table *table);
/* Writes the hash of the bytes to table->hash. -ENOMEM. */
int price_table_digest(struct price_table *table, const void *bytes, size_t len);
/* Frees what a version owns, not the version. */
void price_release(struct price *price);

/* Whether both rate every request alike; who said so, and since when, does not count. */
bool price_same(const struct price *a, const struct price *b);

static inline bool price_rates_have(const struct price_rates *rates, enum price_unit unit)
{
    return (rates->known & 1U << unit) != 0;
}

static inline void price_rates_set(struct price_rates *rates, enum price_unit unit,
                                   struct unit_price price)
{
    rates->unit[unit] = price;
    rates->known |= 1U << unit;
}

/* Writes over what `over` names. */
void price_rates_lay_over(struct price_rates *rates, const struct price_rates *over);
bool price_rates_same(const struct price_rates *a, const struct price_rates *b);

/* The unit of that name; PRICE_UNITS: none. */
enum price_unit price_unit_find(const char *name);

/* Order of names in a table: by bytes. */
int price_name_compare(const char *a, size_t a_len, const char *b, size_t b_len);

/* Whether a service tier can have that name: valid as a model's, PRICE_SERVICE_NAME_MAX with its
 * NUL, and none of the names of the standard rates. */
bool price_service_valid(const char *name, size_t len);
/* 1 to PRICE_SOURCE_MAX - 1 of a-z, 0-9, dot, dash and underscore. */
bool price_source_valid(const char *name, size_t len);

/* ---- price_table_write.c ---- */

/* A table in our format: head, then each model in the order of names, then tail. A version and each
 * of its tiers has a line of its own, so that a changed price is a changed line. A model's versions
 * are written one by one, `first` with the first; nothing is told of errors, ask ferror(). */
/* What a reader will spend on a version: objects and lists, and values. Never too little. */
void price_write_weigh(const struct price *version, size_t *containers, size_t *values);
void price_write_head(FILE *out);
void price_write_model_begin(FILE *out, bool first, const char *name, size_t len);
void price_write_version(FILE *out, bool first, const struct price *version);
void price_write_model_end(FILE *out);
void price_write_tail(FILE *out);

#endif
