/* price_table_read.c - the price file, read strictly into a table. See price.h. */
#include "accounting/price_json.h"
#include "accounting/price_private.h"
#include "accounting/price_time.h"

#include <assert.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

enum { MULTIPLIER_MAX = 100 };

struct reader {
    struct price_place place;
    int64_t format;
};

static struct text string_of(struct json_object *value)
{
    if (!json_object_is_type(value, json_type_string))
        return (struct text){"", 0};
    return (struct text){json_object_get_string(value), (size_t)json_object_get_string_len(value)};
}

/* ---- rates ---- */

/* A price in our file is exact, so that the same text always means the same sum everywhere. */
static int read_price(const struct price_place *place, struct json_object *value,
                      struct unit_price *ret_price)
{
    enum money_precision precision;
    struct unit_price price;
    int rc;

    if (!json_object_is_type(value, json_type_string))
        return price_refuse(place,
                            "must be a decimal string such as \"0.0000014\", in USD per unit");
    rc = unit_price_parse(json_object_get_string(value), (size_t)json_object_get_string_len(value),
                          &price, &precision);
    if (rc == -ERANGE)
        return price_refuse(place, "is more than 9223 USD a unit");
    if (rc < 0)
        return price_refuse(place, "is not a decimal number such as \"0.0000014\"");
    if (precision != MONEY_EXACT)
        return price_refuse(place, "has more than 15 digits or decimals; round it");
    if (price.femto < 0)
        return price_refuse(place, "is below 0");
    *ret_price = price;
    return 0;
}

/* Reads the price that the place's key names. */
static int read_unit(const struct price_place *place, struct json_object *value,
                     struct price_rates *rates)
{
    enum price_unit unit = price_unit_find(place->key);
    struct unit_price price = {0};
    int rc;

    if (unit == PRICE_UNITS)
        return price_refuse(place, "is no key of the price file; remove it");
    rc = read_price(place, value, &price);
    if (rc == 0)
        price_rates_set(rates, unit, price);
    return rc;
}

static int read_tier(struct price_place *place, struct json_object *tier, int64_t *ret_above,
                     struct price_rates *rates)
{
    int64_t above = -1;
    int rc = 0;

    price_at(place, "tiers");
    if (!json_object_is_type(tier, json_type_object))
        return price_refuse(place, "must be a list of objects");
    json_object_object_foreach(tier, key, value)
    {
        price_at(place, key);
        if (strcmp(key, "above") == 0) {
            above = json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : -1;
            if (above < 0 || above > PRICE_ABOVE_MAX)
                return price_refuse(place, "must be a number of tokens, 0 to 1000000000000");
        } else {
            rc = read_unit(place, value, rates);
            if (rc < 0)
                return rc;
        }
    }
    price_at(place, "tiers");
    if (above < 0)
        return price_refuse(place, "a tier has no \"above\"");
    if (rates->known == 0)
        return price_refuse(place, "a tier has no price");
    *ret_above = above;
    return 0;
}

/* Reads the tiers and keeps them ascending. */
static int read_tiers(struct price_place *place, struct json_object *tiers,
                      struct price_brackets *brackets)
{
    price_at(place, "tiers");
    if (!json_object_is_type(tiers, json_type_array))
        return price_refuse(place, "must be a list of objects");
    for (size_t i = 0; i < json_object_array_length(tiers); i++) {
        struct price_rates rates = {0};
        int64_t above = 0;
        unsigned at = brackets->tier_count;
        int rc;

        if (brackets->tier_count == PRICE_TIERS_MAX)
            return price_refuse(place, "has more than 8 tiers");
        rc = read_tier(place, json_object_array_get_idx(tiers, i), &above, &rates);
        if (rc < 0)
            return rc;
        for (; at > 0 && brackets->tiers[at - 1].above > above; at--)
            brackets->tiers[at] = brackets->tiers[at - 1];
        brackets->tiers[at].above = above;
        brackets->tiers[at].rates = rates;
        brackets->tier_count++;
        if (at > 0 && brackets->tiers[at - 1].above == above)
            return price_refuse(place, "two tiers have the same \"above\"");
    }
    return 0;
}

/* ---- service tiers and hours ---- */

static int read_service(struct price_place *place, const char *name, struct json_object *value,
                        struct price_service *service)
{
    int rc = 0;

    price_at(place, name);
    if (!price_service_valid(name, strlen(name)))
        return price_refuse(place, "is no name of a service tier: 1 to 31 bytes, and not one of "
                                   "the standard rates' (standard, default, auto)");
    if (!json_object_is_type(value, json_type_object))
        return price_refuse(place, "must be an object of prices");
    snprintf(service->name, sizeof(service->name), "%s", name);
    json_object_object_foreach(value, key, price)
    {
        price_at(place, key);
        rc = strcmp(key, "tiers") == 0 ? read_tiers(place, price, &service->brackets)
                                       : read_unit(place, price, &service->brackets.base);
        if (rc < 0)
            return rc;
    }
    price_at(place, name);
    if (service->brackets.base.known == 0 && service->brackets.tier_count == 0)
        return price_refuse(place, "a service tier has no price");
    return 0;
}

static int compare_services(const void *left, const void *right)
{
    const struct price_service *a = left, *b = right;

    return strcmp(a->name, b->name);
}

static int read_services(struct price_place *place, struct json_object *list, struct price *price)
{
    struct price_service *services;
    unsigned count = 0;

    if (!json_object_is_type(list, json_type_object))
        return price_refuse(place, "must be an object of service tiers");
    if (json_object_object_length(list) > PRICE_SERVICES_MAX)
        return price_refuse(place, "has more than 8 service tiers");
    if (json_object_object_length(list) == 0)
        return 0;
    services = calloc((size_t)json_object_object_length(list), sizeof(*services));
    if (services == NULL)
        return -ENOMEM;
    price->services = services; /* the table's from here on, also on failure */
    json_object_object_foreach(list, name, value)
    {
        int rc = read_service(place, name, value, &services[count++]);
        if (rc < 0)
            return rc;
    }
    qsort(services, count, sizeof(*services), compare_services);
    price->service_count = count;
    return 0;
}

static int read_window(struct price_place *place, struct json_object *entry,
                       struct price_off_peak *window)
{
    bool timed = false;

    window->weekdays = PRICE_WEEKDAYS_ALL;
    price_at(place, "off_peak");
    if (!json_object_is_type(entry, json_type_object))
        return price_refuse(place, "must be a list of objects");
    json_object_object_foreach(entry, key, value)
    {
        struct text text = string_of(value);
        int rc;

        price_at(place, key);
        if (strcmp(key, "utc") == 0) {
            timed = true;
            if (price_hours_parse(text.bytes, text.len, &window->from_minute, &window->to_minute) <
                0)
                return price_refuse(place, "must be hours such as \"16:30-00:30\"");
        } else if (strcmp(key, "weekdays") == 0) {
            if (price_weekdays_parse(text.bytes, text.len, &window->weekdays) < 0)
                return price_refuse(place, "must be weekdays such as \"mon,tue\"");
        } else {
            rc = read_unit(place, value, &window->rates);
            if (rc < 0)
                return rc;
        }
    }
    price_at(place, "off_peak");
    if (!timed)
        return price_refuse(place, "an entry has no \"utc\"");
    return window->rates.known != 0 ? 0 : price_refuse(place, "an entry has no price");
}

static int read_off_peak(struct price_place *place, struct json_object *list, struct price *price)
{
    struct price_off_peak *windows;
    size_t count;

    if (!json_object_is_type(list, json_type_array))
        return price_refuse(place, "must be a list of objects");
    count = json_object_array_length(list);
    if (count > PRICE_OFF_PEAK_MAX)
        return price_refuse(place, "has more than 8 entries");
    if (count == 0)
        return 0;
    windows = calloc(count, sizeof(*windows));
    if (windows == NULL)
        return -ENOMEM;
    price->off_peak = windows; /* the table's from here on, also on failure */
    for (size_t i = 0; i < count; i++) {
        int rc = read_window(place, json_object_array_get_idx(list, i), &windows[i]);
        if (rc < 0)
            return rc;
    }
    price->off_peak_count = (unsigned)count;
    return 0;
}

/* A decimal of at most 6 places, above 0: the price's text has 15. */
static int read_multiplier(struct price_place *place, struct json_object *value,
                           struct price *price)
{
    const int64_t femto_per_ppm = 1000000000;
    struct text text = string_of(value);
    enum money_precision precision;
    struct unit_price factor;

    if (unit_price_parse(text.bytes, text.len, &factor, &precision) < 0 ||
        precision != MONEY_EXACT || factor.femto % femto_per_ppm != 0 || factor.femto <= 0 ||
        factor.femto / femto_per_ppm > (int64_t)MULTIPLIER_MAX * PRICE_MULTIPLIER_NONE)
        return price_refuse(place, "must be a decimal string such as \"0.95\": above 0, at most "
                                   "100, at most 6 decimals");
    price->multiplier_ppm = factor.femto / femto_per_ppm;
    return 0;
}

/* ---- versions ---- */

static int read_from(struct price_place *place, struct json_object *value, struct price *price)
{
    struct text text = string_of(value);

    if (text.len == 0 || price_instant_parse(text.bytes, text.len, &price->from_ms) < 0 ||
        price->from_ms < 0)
        return price_refuse(
            place, "must be a UTC time such as \"2026-07-01T00:00:00Z\", 1970 at the earliest");
    return 0;
}

static int read_source(struct price_place *place, struct json_object *value, struct price *price)
{
    struct text text = string_of(value);

    if (!price_source_valid(text.bytes, text.len))
        return price_refuse(place, "must be 1 to 15 of a-z, 0-9, dot, dash and underscore");
    memcpy(price->source, text.bytes, text.len);
    price->source[text.len] = '\0';
    return 0;
}

/* A member of an entry that format 1 did not have; -ENOENT: it is none. */
static int read_later_member(struct reader *reader, struct json_object *value, struct price *price)
{
    static const struct {
        const char *key;
        int (*read)(struct price_place *place, struct json_object *value, struct price *price);
    } members[] = {
        {"source", read_source},
        {"service_tiers", read_services},
        {"off_peak", read_off_peak},
        {"multiplier", read_multiplier},
    };

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        if (strcmp(reader->place.key, members[i].key) != 0)
            continue;
        if (reader->format < 2)
            return price_refuse(&reader->place, "is no key of format 1; say \"format\": 2");
        return members[i].read(&reader->place, value, price);
    }
    return -ENOENT;
}

static int read_entry(struct reader *reader, struct json_object *entry, struct price *price)
{
    struct price_place *place = &reader->place;
    bool dated = false;

    price->multiplier_ppm = PRICE_MULTIPLIER_NONE;
    if (!json_object_is_type(entry, json_type_object))
        return price_refuse(place, "must be a list of objects");
    json_object_object_foreach(entry, key, value)
    {
        int rc;

        price_at(place, key);
        rc = read_later_member(reader, value, price);
        if (rc == -ENOENT && strcmp(key, "from") == 0) {
            rc = read_from(place, value, price);
            dated = true;
        } else if (rc == -ENOENT && strcmp(key, "tiers") == 0) {
            rc = read_tiers(place, value, &price->standard);
        } else if (rc == -ENOENT) {
            rc = read_unit(place, value, &price->standard.base);
        }
        if (rc < 0)
            return rc;
    }
    price_at(place, NULL);
    return dated ? 0 : price_refuse(place, "an entry has no \"from\"");
}

static int compare_versions(const void *left, const void *right)
{
    const struct price *a = left, *b = right;

    return (a->from_ms > b->from_ms) - (a->from_ms < b->from_ms);
}

/* Reads all entries of a model. What is allocated belongs to the table, also on failure. */
static int read_model(struct reader *reader, struct json_object *entries, struct price_model *model)
{
    struct price_place *place = &reader->place;
    size_t count;

    if (!json_object_is_type(entries, json_type_array))
        return price_refuse(place, "must be a list of objects");
    count = json_object_array_length(entries);
    if (count > PRICE_VERSIONS_MAX)
        return price_refuse(place, "has more than 4096 entries");
    model->versions = calloc(count > 0 ? count : 1, sizeof(*model->versions));
    if (model->versions == NULL)
        return -ENOMEM;
    model->count = count;
    for (size_t i = 0; i < count; i++) {
        int rc = read_entry(reader, json_object_array_get_idx(entries, i), &model->versions[i]);
        if (rc < 0)
            return rc;
    }
    if (count > 1)
        qsort(model->versions, count, sizeof(*model->versions), compare_versions);
    for (size_t i = 1; i < count; i++) {
        if (model->versions[i - 1].from_ms == model->versions[i].from_ms)
            return price_refuse(place, "two entries have the same \"from\"");
    }
    return 0;
}

/* ---- the table ---- */

static int add_model(struct reader *reader, struct price_table *table, struct json_object *entries)
{
    struct price_place *place = &reader->place;
    struct price_model *model = &table->models[table->model_count];

    if (!price_model_valid(place->model, place->model_len))
        return price_refuse(
            place, "is no model id: 1 to 256 bytes of UTF-8 without quotes or control characters");
    model->name = strndup(place->model, place->model_len);
    if (model->name == NULL)
        return -ENOMEM;
    model->len = place->model_len;
    table->model_count++;
    return read_model(reader, entries, model);
}

static int read_models(struct reader *reader, struct json_object *models,
                       struct price_table **ret_table)
{
    struct price_table *table = price_table_new((size_t)json_object_object_length(models));
    int rc = table != NULL ? 0 : -ENOMEM;

    if (rc == 0) {
        json_object_object_foreach(models, name, entries)
        {
            reader->place.model = name;
            reader->place.model_len = strlen(name);
            price_at(&reader->place, NULL);
            rc = add_model(reader, table, entries);
            if (rc < 0)
                break;
        }
    }
    if (rc < 0) {
        price_table_free(table);
        return rc;
    }
    price_table_index(table);
    *ret_table = table;
    return 0;
}

static int read_root(struct reader *reader, struct json_object *root,
                     struct price_table **ret_table)
{
    struct price_place *place = &reader->place;
    struct json_object *models = NULL;

    if (!json_object_is_type(root, json_type_object))
        return price_refuse(place, "must be an object with \"format\" and \"models\"");
    json_object_object_foreach(root, key, value)
    {
        price_at(place, key);
        if (strcmp(key, "format") == 0) {
            reader->format =
                json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : 0;
            if (reader->format < 1 || reader->format > PRICE_FORMAT)
                return price_refuse(place, "must be 1 or 2, the formats this version knows");
        } else if (strcmp(key, "models") == 0) {
            if (!json_object_is_type(value, json_type_object))
                return price_refuse(place, "must be an object of models");
            models = value;
        } else {
            return price_refuse(place, "is no key of the price file; remove it");
        }
    }
    price_at(place, NULL);
    if (reader->format == 0 || models == NULL)
        return price_refuse(place, "must be an object with \"format\" and \"models\"");
    return read_models(reader, models, ret_table);
}

int price_table_read(const char *path, const char *bytes, size_t len,
                     struct price_table **ret_table, char *error, size_t error_size)
{
    struct reader reader = {.place = {.path = path, .error = error, .error_size = error_size}};
    struct price_table *table = NULL;
    struct json_object *root = NULL;
    int rc = price_json_parse(&reader.place, bytes, len, &root);

    if (rc == 0)
        rc = read_root(&reader, root, &table);
    if (rc == 0)
        rc = price_table_digest(table, bytes, len);
    json_object_put(root);
    if (rc < 0) {
        if (rc != -EINVAL)
            snprintf(error, error_size, "%s%s%s", path != NULL ? path : "",
                     path != NULL ? ": " : "", strerror(-rc));
        price_table_free(table);
        return rc;
    }
    *ret_table = table;
    return 0;
}

int price_table_open(const char *path, struct price_table **ret_table, char *error,
                     size_t error_size)
{
    struct price_place place = {.path = path, .error = error, .error_size = error_size};
    char *bytes = NULL;
    size_t len = 0;
    int rc = price_file_read(&place, &bytes, &len);

    if (rc < 0)
        return rc; /* the message is written */
    rc = price_table_read(path, bytes, len, ret_table, error, error_size);
    free(bytes);
    return rc;
}
