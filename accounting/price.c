/* price.c - the price table: read once, strictly, then only looked up. See price.h. */
#include "accounting/price.h"
#include "accounting/price_json.h"

#include <assert.h>
#include <errno.h>
#include <json-c/json.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    HASH_BYTES = 32, /* SHA-256 */
    FORMAT_VERSION = 1,
};

struct model {
    char *name;
    size_t len;
    struct price *prices; /* ascending by from_ms */
    size_t price_count;
};

/* Open addressing over model numbers: a slot holds index + 1, 0 is empty. At most half full. */
struct price_table {
    struct model *models;
    size_t model_count;
    size_t priced_count;
    uint32_t *slots;
    size_t slot_mask;
    char hash[2 * HASH_BYTES + 1];
};

static const char *const unit_names[PRICE_UNITS] = {
    [PRICE_INPUT] = "input",
    [PRICE_OUTPUT] = "output",
    [PRICE_CACHE_READ] = "input_cache_read",
    [PRICE_CACHE_WRITE] = "input_cache_write",
    [PRICE_CACHE_WRITE_1H] = "input_cache_write_1h",
    [PRICE_REASONING] = "reasoning",
    [PRICE_INPUT_AUDIO] = "input_audio",
    [PRICE_OUTPUT_IMAGE] = "output_image",
    [PRICE_WEB_SEARCH] = "web_search",
    [PRICE_REQUEST] = "request",
};

_Static_assert(PRICE_UNITS <= 32, "struct price_rates.known has 32 bits");

const char *price_unit_name(enum price_unit unit)
{
    assert((unsigned)unit < PRICE_UNITS);
    return unit_names[unit];
}

/* Bytes of the UTF-8 sequence that begins the text, in its shortest form; 0 when there is none.
 * json-c lets overlong forms and surrogates pass. */
static size_t utf8_sequence(const unsigned char *text, size_t len)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t size = text[0] < 0x80   ? 1
                  : text[0] < 0xc0 ? 0
                  : text[0] < 0xe0 ? 2
                  : text[0] < 0xf0 ? 3
                  : text[0] < 0xf8 ? 4
                                   : 0;
    uint32_t code = size > 1 ? text[0] & (0x7fU >> size) : text[0];

    if (size == 0 || size > len)
        return 0;
    for (size_t i = 1; i < size; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (text[i] & 0x3fU);
    }
    if (code < smallest[size] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return 0;
    return size;
}

bool price_model_valid(const char *model, size_t len)
{
    size_t size;

    if (len == 0 || len > PRICE_MODEL_MAX)
        return false;
    for (size_t at = 0; at < len; at += size) {
        size = utf8_sequence((const unsigned char *)model + at, len - at);
        if (size == 0 || (unsigned char)model[at] < 0x20 || model[at] == 0x7f)
            return false;
        if (model[at] == '"' || model[at] == '\\')
            return false;
    }
    return true;
}

/* ---- prices ---- */

static int digits_at(const char *text, size_t count)
{
    int value = 0;

    for (size_t i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

/* YYYY-MM-DDTHH:MM:SS[.mmm]Z. A date that does not exist comes back from timegm() as another. */
static int parse_instant(const char *text, size_t len, int64_t *ret_ms)
{
    static const char form[] = "dddd-dd-ddTdd:dd:dd";
    size_t seconds = sizeof(form) - 1;
    bool fraction = len == seconds + 5;
    struct tm given = {0}, back = {0};
    int ms = 0;
    time_t at;

    if ((len != seconds + 1 && !fraction) || text[len - 1] != 'Z')
        return -EINVAL;
    for (size_t i = 0; i < seconds; i++) {
        if (form[i] == 'd' ? digits_at(text + i, 1) < 0 : text[i] != form[i])
            return -EINVAL;
    }
    if (fraction && (text[seconds] != '.' || (ms = digits_at(text + seconds + 1, 3)) < 0))
        return -EINVAL;
    given.tm_year = digits_at(text, 4) - 1900;
    given.tm_mon = digits_at(text + 5, 2) - 1;
    given.tm_mday = digits_at(text + 8, 2);
    given.tm_hour = digits_at(text + 11, 2);
    given.tm_min = digits_at(text + 14, 2);
    given.tm_sec = digits_at(text + 17, 2);
    back = given;
    at = timegm(&back);
    if (back.tm_year != given.tm_year || back.tm_mon != given.tm_mon ||
        back.tm_mday != given.tm_mday || back.tm_hour != given.tm_hour ||
        back.tm_min != given.tm_min || back.tm_sec != given.tm_sec)
        return -EINVAL;
    *ret_ms = (int64_t)at * 1000 + ms;
    return 0;
}

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
    for (unsigned unit = 0; unit < PRICE_UNITS; unit++) {
        if (strcmp(place->key, unit_names[unit]) == 0) {
            rates->known |= 1U << unit;
            return read_price(place, value, &rates->unit[unit]);
        }
    }
    return price_refuse(place, "is no key of the price file; remove it");
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
static int read_tiers(struct price_place *place, struct json_object *tiers, struct price *price)
{
    if (!json_object_is_type(tiers, json_type_array))
        return price_refuse(place, "must be a list of objects");
    for (size_t i = 0; i < json_object_array_length(tiers); i++) {
        struct price_rates rates = {0};
        int64_t above = 0;
        unsigned at = price->tier_count;
        int rc;

        if (price->tier_count == PRICE_TIERS_MAX)
            return price_refuse(place, "has more than 8 tiers");
        rc = read_tier(place, json_object_array_get_idx(tiers, i), &above, &rates);
        if (rc < 0)
            return rc;
        for (; at > 0 && price->tiers[at - 1].above > above; at--)
            price->tiers[at] = price->tiers[at - 1];
        price->tiers[at].above = above;
        price->tiers[at].rates = rates;
        price->tier_count++;
        if (at > 0 && price->tiers[at - 1].above == above)
            return price_refuse(place, "two tiers have the same \"above\"");
    }
    return 0;
}

static int read_entry(struct price_place *place, struct json_object *entry, struct price *price)
{
    bool dated = false;
    int rc = 0;

    if (!json_object_is_type(entry, json_type_object))
        return price_refuse(place, "must be a list of objects");
    json_object_object_foreach(entry, key, value)
    {
        price_at(place, key);
        if (strcmp(key, "from") == 0) {
            if (!json_object_is_type(value, json_type_string) ||
                parse_instant(json_object_get_string(value),
                              (size_t)json_object_get_string_len(value), &price->from_ms) < 0)
                return price_refuse(place, "must be a UTC time such as \"2026-07-01T00:00:00Z\"");
            dated = true;
        } else if (strcmp(key, "tiers") == 0) {
            rc = read_tiers(place, value, price);
        } else {
            rc = read_unit(place, value, &price->base);
        }
        if (rc < 0)
            return rc;
    }
    price_at(place, NULL);
    return dated ? 0 : price_refuse(place, "an entry has no \"from\"");
}

static int compare_prices(const void *left, const void *right)
{
    const struct price *a = left, *b = right;

    return (a->from_ms > b->from_ms) - (a->from_ms < b->from_ms);
}

static bool has_price(const struct price *price)
{
    return price->base.known != 0 || price->tier_count > 0;
}

/* Reads all entries of a model. What is allocated belongs to the table, also on failure. */
static int read_model(struct price_place *place, struct json_object *entries, struct model *model)
{
    size_t count;

    if (!json_object_is_type(entries, json_type_array))
        return price_refuse(place, "must be a list of objects");
    count = json_object_array_length(entries);
    model->prices = calloc(count > 0 ? count : 1, sizeof(*model->prices));
    if (model->prices == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        int rc = read_entry(place, json_object_array_get_idx(entries, i), &model->prices[i]);
        if (rc < 0)
            return rc;
    }
    model->price_count = count;
    if (count > 1)
        qsort(model->prices, count, sizeof(*model->prices), compare_prices);
    for (size_t i = 1; i < count; i++) {
        if (model->prices[i - 1].from_ms == model->prices[i].from_ms)
            return price_refuse(place, "two entries have the same \"from\"");
    }
    return 0;
}

/* ---- the table ---- */

/* FNV-1a: the names in the table are the operator's, so nobody can choose colliding ones. */
static size_t hash_name(const char *name, size_t len)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)name[i]) * UINT64_C(0x100000001b3);
    return (size_t)(hash ^ hash >> 32);
}

/* The slot that holds the model, or the empty one where it would go. */
static size_t find_slot(const struct price_table *table, const char *name, size_t len)
{
    size_t slot = hash_name(name, len) & table->slot_mask;

    for (; table->slots[slot] != 0; slot = (slot + 1) & table->slot_mask) {
        const struct model *model = &table->models[table->slots[slot] - 1];
        if (model->len == len && memcmp(model->name, name, len) == 0)
            break;
    }
    return slot;
}

/* An empty table with room for count models. */
static struct price_table *new_table(size_t count)
{
    struct price_table *table = calloc(1, sizeof(*table));
    size_t slots = 4;

    if (table == NULL)
        return NULL;
    while (slots < 2 * count)
        slots *= 2;
    table->models = calloc(count > 0 ? count : 1, sizeof(*table->models));
    table->slots = calloc(slots, sizeof(*table->slots));
    table->slot_mask = slots - 1;
    if (table->models == NULL || table->slots == NULL) {
        price_table_free(table);
        return NULL;
    }
    return table;
}

static int add_model(struct price_table *table, struct price_place *place,
                     struct json_object *entries)
{
    struct model *model = &table->models[table->model_count];
    size_t slot = find_slot(table, place->model, place->model_len);

    if (!price_model_valid(place->model, place->model_len))
        return price_refuse(
            place, "is no model id: 1 to 256 bytes of UTF-8 without quotes or control characters");
    assert(table->slots[slot] == 0); /* check_text() has refused what stands twice */
    model->name = strndup(place->model, place->model_len);
    if (model->name == NULL)
        return -ENOMEM;
    model->len = place->model_len;
    table->slots[slot] = (uint32_t)++table->model_count;
    return read_model(place, entries, model);
}

static int read_models(struct price_place *place, struct json_object *models,
                       struct price_table **ret_table)
{
    size_t count = (size_t)json_object_object_length(models);
    struct price_table *table = new_table(count);
    int rc = table != NULL ? 0 : -ENOMEM;

    if (rc == 0) {
        json_object_object_foreach(models, name, entries)
        {
            struct model *model = &table->models[table->model_count];
            place->model = name;
            place->model_len = strlen(name);
            price_at(place, NULL);
            rc = add_model(table, place, entries);
            if (rc < 0)
                break;
            for (size_t i = 0; i < model->price_count; i++) {
                if (has_price(&model->prices[i])) {
                    table->priced_count++;
                    break;
                }
            }
        }
    }
    if (rc < 0) {
        price_table_free(table);
        return rc;
    }
    *ret_table = table;
    return 0;
}

static int read_root(struct price_place *place, struct json_object *root,
                     struct price_table **ret_table)
{
    struct json_object *models = NULL;
    bool format = false;

    if (!json_object_is_type(root, json_type_object))
        return price_refuse(place, "must be an object with \"format\" and \"models\"");
    json_object_object_foreach(root, key, value)
    {
        price_at(place, key);
        if (strcmp(key, "format") == 0) {
            if (!json_object_is_type(value, json_type_int) ||
                json_object_get_int64(value) != FORMAT_VERSION)
                return price_refuse(place, "must be 1, the only format this version knows");
            format = true;
        } else if (strcmp(key, "models") == 0) {
            if (!json_object_is_type(value, json_type_object))
                return price_refuse(place, "must be an object of models");
            models = value;
        } else {
            return price_refuse(place, "is no key of the price file; remove it");
        }
    }
    price_at(place, NULL);
    if (!format || models == NULL)
        return price_refuse(place, "must be an object with \"format\" and \"models\"");
    return read_models(place, models, ret_table);
}

static int hash_bytes(const void *bytes, size_t len, char *ret_hex)
{
    unsigned char digest[HASH_BYTES];
    unsigned digest_len = 0;

    if (EVP_Digest(bytes, len, digest, &digest_len, EVP_sha256(), NULL) != 1)
        return -ENOMEM;
    assert(digest_len == HASH_BYTES);
    for (size_t i = 0; i < HASH_BYTES; i++)
        snprintf(ret_hex + 2 * i, 3, "%02x", digest[i]);
    return 0;
}

int price_table_open(const char *path, struct price_table **ret_table, char *error,
                     size_t error_size)
{
    struct price_place place = {.path = path, .error = error, .error_size = error_size};
    struct price_table *table = NULL;
    struct json_object *root = NULL;
    char *bytes = NULL;
    size_t len = 0;
    int rc;

    rc = price_file_read(&place, &bytes, &len);
    if (rc < 0)
        return rc; /* the message is written */
    rc = price_json_parse(&place, bytes, len, &root);
    if (rc == 0)
        rc = read_root(&place, root, &table);
    if (rc == 0)
        rc = hash_bytes(bytes, len, table->hash);
    json_object_put(root);
    free(bytes);
    if (rc < 0) {
        if (rc == -ENOMEM)
            snprintf(error, error_size, "%s: %s", path, strerror(ENOMEM));
        price_table_free(table);
        return rc;
    }
    *ret_table = table;
    return 0;
}

struct price_table *price_table_empty(void)
{
    struct price_table *table = new_table(0);

    if (table != NULL && hash_bytes("", 0, table->hash) < 0) {
        price_table_free(table);
        return NULL;
    }
    return table;
}

void price_table_free(struct price_table *table)
{
    if (table == NULL)
        return;
    for (size_t i = 0; i < table->model_count; i++) {
        free(table->models[i].name);
        free(table->models[i].prices);
    }
    free(table->models);
    free(table->slots);
    free(table);
}

const struct price *price_find(const struct price_table *table, const char *model, size_t len,
                               int64_t at_ms)
{
    size_t slot = find_slot(table, model, len);
    const struct model *found;
    size_t low = 0, high;

    if (table->slots[slot] == 0)
        return NULL;
    found = &table->models[table->slots[slot] - 1];
    high = found->price_count;
    while (low < high) { /* the number of entries that have begun by then */
        size_t middle = low + (high - low) / 2;
        if (found->prices[middle].from_ms <= at_ms)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || !has_price(&found->prices[low - 1]))
        return NULL;
    return &found->prices[low - 1];
}

size_t price_table_models(const struct price_table *table)
{
    return table->model_count;
}

size_t price_table_priced(const struct price_table *table)
{
    return table->priced_count;
}

const char *price_table_hash(const struct price_table *table)
{
    return table->hash;
}

struct price_rates price_rates_for(const struct price *price, int64_t prompt_tokens)
{
    struct price_rates rates = price->base;
    unsigned tier = price->tier_count;

    assert(tier <= PRICE_TIERS_MAX);
    while (tier > 0 && prompt_tokens <= price->tiers[tier - 1].above)
        tier--;
    if (tier == 0)
        return rates;
    for (unsigned unit = 0; unit < PRICE_UNITS; unit++) {
        if ((price->tiers[tier - 1].rates.known & 1U << unit) != 0)
            rates.unit[unit] = price->tiers[tier - 1].rates.unit[unit];
    }
    rates.known |= price->tiers[tier - 1].rates.known;
    return rates;
}
