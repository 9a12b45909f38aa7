/* price_import_private.h - what the importers share: collecting models, and telling what became of
 * each field (internal). One importer is one file; it reads a JSON tree into struct import, and
 * price_import.c does the rest.
 */
#ifndef ACCOUNTING_PRICE_IMPORT_PRIVATE_H
#define ACCOUNTING_PRICE_IMPORT_PRIVATE_H

#include "accounting/price_import.h"
#include "accounting/price_json.h"
#include "accounting/price_private.h"

struct json_object;

enum {
    IMPORT_KEY_SIZE = 512,
    IMPORT_MODELS_MAX = 65536, /* of one list; models.dev has some 5,000 */
    IMPORT_PER_MILLION = -6,   /* the exponent of lists whose prices are for 1,000,000 units */
};

struct imported {
    char *id;
    size_t len;
    struct price price; /* owns services and off_peak */
};

struct import {
    struct price_place place; /* its key lies in key[] */
    const struct price_import_order *order;
    struct imported *models;
    size_t count, size;
    size_t notes;
    char key[IMPORT_KEY_SIZE];
};

/* Moves the place to a key of the model it is in, spelled as the way to it: "overrides[0].prompt".
 */
__attribute__((format(printf, 2, 3))) void import_at(struct import *import, const char *format,
                                                     ...);
/* Moves the place to an element of a list whose model is not known yet: "data[3]". where: at least
 * 32 bytes that live as long as the place is used. */
void import_at_element(struct import *import, const char *list, size_t index, char where[32]);

/* Tells what became of the field at the place: "model: key: what". */
__attribute__((format(printf, 2, 3))) void import_note(struct import *import, const char *format,
                                                       ...);
/* -EINVAL with "model key: what" as the error. */
int import_refuse(struct import *import, const char *what);

/* Begins the next model and moves the place to it. -EINVAL: no model's id; -ENOMEM. borrow:
 * *ret_model, until the next one begins. */
int import_model(struct import *import, const char *id, size_t len, struct imported **ret_model);

/* Reads the cost at the place, a number or decimal text, x 10^exponent. One below 0 stands for "it
 * depends" and null for nothing: both are told, and *ret_known stays false. What had to be rounded
 * is told. */
int import_cost(struct import *import, struct json_object *value, int exponent,
                struct unit_price *ret_price, bool *ret_known);
/* The same into a set of rates. */
int import_rate(struct import *import, struct json_object *value, int exponent,
                enum price_unit unit, struct price_rates *rates);

/* A whole number of tokens, 0 to PRICE_ABOVE_MAX, also written 256000.0 or 2.56e5. NULL is absence:
 * the caller's default stays. */
int import_tokens(struct import *import, struct json_object *value, int64_t *ret_tokens);

/* The rates of the tier above so many tokens; it is made, in its order, where there is none.
 * -EINVAL for one too many. borrow. */
int import_tier(struct import *import, struct price_brackets *brackets, int64_t above,
                struct price_rates **ret_rates);

/* The service tier of that name, made where there is none. NULL where a table cannot have the name,
 * which is told. -EINVAL for one too many; -ENOMEM. borrow: until another is made. */
int import_service(struct import *import, struct price *price, const char *name,
                   struct price_service **ret_service);

/* A further off-peak window. -EINVAL for one too many; -ENOMEM. borrow: until another is made. */
int import_window(struct import *import, struct price *price, unsigned from_minute,
                  unsigned to_minute, unsigned weekdays, struct price_off_peak **ret_window);

/* Takes tiers without rates out. */
void import_compact(struct price_brackets *brackets);
/* Ends a model: what has no rate goes, service tiers are sorted. */
void import_finish(struct price *price);

/* Whether a key's words are those of money. */
bool import_looks_paid(const char *key);
/* Tells of members whose key looks like money and is not among the known ones, which end with
 * NULL. prefix: of the key, as "limit."; "": none. */
void import_name_paid(struct import *import, struct json_object *object, const char *prefix,
                      const char *const *known);

enum import_type { IMPORT_OBJECT, IMPORT_LIST };
/* A member that must be an object or a list; the place moves to it. NULL where it is absent, and
 * where it is null, which is told. -EINVAL: it is something else. borrow: *ret_member. */
int import_member(struct import *import, struct json_object *object, const char *prefix,
                  const char *key, enum import_type type, struct json_object **ret_member);
/* The same for the object that holds a model's prices: a model without one is unpriced, which is
 * told. */
int import_pricing(struct import *import, struct json_object *model, const char *key,
                   struct json_object **ret_pricing);

/* Whether key is in the list, which ends with NULL. */
bool import_listed(const char *const *list, const char *key);

/* Reads an object with a list `data` of objects, each with an `id`: calls read for each model. */
int import_data(struct import *import, struct json_object *root,
                int (*read)(struct import *import, struct json_object *entry, struct price *price));

/* ---- the importers: the whole list, every model of it ---- */

int import_litellm(struct import *import, struct json_object *root);
int import_vercel(struct import *import, struct json_object *root);
int import_openrouter(struct import *import, struct json_object *root);
int import_models_dev(struct import *import, struct json_object *root);

#endif
