/* price_import_collect.c - what the importers share. See price_import_private.h. */
#include "accounting/price_import_private.h"
#include "accounting/price_time.h"

#include <assert.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum {
    EXPONENT_MAX = 100000, /* beyond it a price is 0 or does not fit, whatever its digits */
    SHIFTED_SIZE = MONEY_DIGITS_MAX + 1,
    SHOWN_DIGITS = 64,
};

/* ---- places ---- */

void import_at(struct import *import, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(import->key, sizeof(import->key), format, arguments);
    va_end(arguments);
    price_at(&import->place, import->key);
}

void import_at_element(struct import *import, const char *list, size_t index, char where[32])
{
    import->place.model = where;
    import->place.model_len = (size_t)snprintf(where, 32, "%s[%zu]", list, index);
    price_at(&import->place, NULL);
}

void import_note(struct import *import, const char *format, ...)
{
    const struct price_place *place = &import->place;
    FILE *report = import->order->report;
    va_list arguments;

    import->notes++;
    if (report == NULL)
        return;
    fprintf(report, "%.*s: ", (int)place->model_len, place->model);
    if (place->key != NULL)
        fprintf(report, "%.*s: ", (int)place->key_len, place->key);
    va_start(arguments, format);
    vfprintf(report, format, arguments);
    va_end(arguments);
    fputc('\n', report);
}

int import_refuse(struct import *import, const char *what)
{
    return price_refuse(&import->place, what);
}

/* ---- models ---- */

int import_model(struct import *import, const char *id, size_t len, struct imported **ret_model)
{
    struct imported *model;

    if (!price_model_valid(id, len))
        return import_refuse(import, "is no model id: 1 to 256 bytes of UTF-8 without quotes or "
                                     "control characters");
    if (import->count == IMPORT_MODELS_MAX)
        return import_refuse(import, "is one model too many: a list may have 65536");
    if (import->count == import->size) {
        size_t size = import->size > 0 ? 2 * import->size : 256;
        struct imported *models = realloc(import->models, size * sizeof(*models));
        if (models == NULL)
            return -ENOMEM;
        import->models = models;
        import->size = size;
    }
    model = &import->models[import->count];
    *model = (struct imported){.id = strndup(id, len), .len = len};
    if (model->id == NULL)
        return -ENOMEM;
    model->price.from_ms = import->order->from_ms;
    model->price.multiplier_ppm = PRICE_MULTIPLIER_NONE;
    snprintf(model->price.source, sizeof(model->price.source), "%s",
             price_source_name(import->order->source));
    import->count++;
    import->place.model = model->id;
    import->place.model_len = len;
    price_at(&import->place, NULL);
    *ret_model = model;
    return 0;
}

static int compare_services(const void *left, const void *right)
{
    const struct price_service *a = left, *b = right;

    return strcmp(a->name, b->name);
}

void import_compact(struct price_brackets *brackets)
{
    unsigned kept = 0;

    for (unsigned tier = 0; tier < brackets->tier_count; tier++) {
        if (brackets->tiers[tier].rates.known != 0)
            brackets->tiers[kept++] = brackets->tiers[tier];
    }
    brackets->tier_count = kept;
}

void import_finish(struct price *price)
{
    struct price_service *services = (struct price_service *)price->services;
    struct price_off_peak *windows = (struct price_off_peak *)price->off_peak;
    unsigned kept = 0;

    import_compact(&price->standard);
    for (unsigned i = 0; i < price->service_count; i++) {
        import_compact(&services[i].brackets);
        if (services[i].brackets.base.known != 0 || services[i].brackets.tier_count > 0)
            services[kept++] = services[i];
    }
    price->service_count = kept;
    if (kept > 1)
        qsort(services, kept, sizeof(*services), compare_services);
    kept = 0;
    for (unsigned i = 0; i < price->off_peak_count; i++) {
        if (windows[i].rates.known != 0)
            windows[kept++] = windows[i];
    }
    price->off_peak_count = kept;
}

/* ---- costs ---- */

/* The text of a number as it was written (json-c keeps it), or of a string. */
static bool text_of_cost(struct json_object *value, struct text *ret_text)
{
    switch (json_object_get_type(value)) {
    case json_type_string:
        *ret_text =
            (struct text){json_object_get_string(value), (size_t)json_object_get_string_len(value)};
        return true;
    case json_type_int:
    case json_type_double:
        *ret_text = text_of(json_object_get_string(value));
        return true;
    default:
        return false;
    }
}

/* Writes text x 10^exponent: the digits stay as they are. -EINVAL where text is no number, or none
 * whose digits are looked at. */
static int shift_decimal(struct text text, int exponent, char shifted[SHIFTED_SIZE])
{
    size_t mantissa = 0, at;
    long given = 0;
    bool down = false;
    int len;

    while (mantissa < text.len && text.bytes[mantissa] != 'e' && text.bytes[mantissa] != 'E')
        mantissa++;
    at = mantissa + 1;
    if (at < text.len && (text.bytes[at] == '-' || text.bytes[at] == '+'))
        down = text.bytes[at++] == '-';
    if (mantissa < text.len && at >= text.len)
        return -EINVAL;
    for (; at < text.len; at++) {
        if (text.bytes[at] < '0' || text.bytes[at] > '9')
            return -EINVAL;
        given = given < EXPONENT_MAX ? given * 10 + (text.bytes[at] - '0') : given;
    }
    len = snprintf(shifted, SHIFTED_SIZE, "%.*se%ld",
                   mantissa < MONEY_DIGITS_MAX ? (int)mantissa : MONEY_DIGITS_MAX, text.bytes,
                   (down ? -given : given) + exponent);
    return len < SHIFTED_SIZE && memchr(text.bytes, '\0', mantissa) == NULL ? 0 : -EINVAL;
}

static void note_rounded(struct import *import, struct text text, int exponent,
                         enum money_precision precision, struct unit_price price)
{
    char rounded[MONEY_TEXT_MAX];

    money_print((struct money){price.femto}, rounded);
    import_note(import, "%.*s%s%s read as %s (%s)",
                text.len < SHOWN_DIGITS ? (int)text.len : SHOWN_DIGITS, text.bytes,
                text.len > SHOWN_DIGITS ? "..." : "", exponent != 0 ? " / 1000000" : "", rounded,
                precision == MONEY_DENOISED ? "binary noise" : "more than 15 decimals");
}

int import_cost(struct import *import, struct json_object *value, int exponent,
                struct unit_price *ret_price, bool *ret_known)
{
    char shifted[SHIFTED_SIZE];
    enum money_precision precision = MONEY_EXACT;
    struct unit_price price = {0};
    struct text text, digits;
    int rc = 0;

    assert(exponent == 0 || exponent == IMPORT_PER_MILLION);
    if (value == NULL) {
        import_note(import, "null: not used");
        return 0;
    }
    if (!text_of_cost(value, &text))
        return import_refuse(import, "must be a decimal number");
    digits = text;
    if (exponent != 0) {
        rc = shift_decimal(text, exponent, shifted);
        digits = rc == 0 ? text_of(shifted) : text;
    }
    if (rc == 0)
        rc = unit_price_parse(digits.bytes, digits.len, &price, &precision);
    if (rc < 0)
        return import_refuse(import, rc == -ERANGE ? "is more than 9223 USD a unit"
                                                   : "is not a decimal number of at most 1024 "
                                                     "digits");
    if (price.femto < 0) {
        import_note(import, "below 0: not used");
        return 0;
    }
    if (precision != MONEY_EXACT)
        note_rounded(import, text, exponent, precision, price);
    *ret_price = price;
    *ret_known = true;
    return 0;
}

int import_rate(struct import *import, struct json_object *value, int exponent,
                enum price_unit unit, struct price_rates *rates)
{
    struct unit_price price;
    bool known = false;
    int rc = import_cost(import, value, exponent, &price, &known);

    if (rc == 0 && known)
        price_rates_set(rates, unit, price);
    return rc;
}

int import_tokens(struct import *import, struct json_object *value, int64_t *ret_tokens)
{
    static const char what[] = "must be a whole number of tokens, 0 to 1000000000000";
    enum money_precision precision;
    struct money tokens;
    struct text text;

    if (value == NULL)
        return 0;
    if (json_object_is_type(value, json_type_string) || !text_of_cost(value, &text))
        return import_refuse(import, what);
    if (money_parse(text.bytes, text.len, &tokens, &precision) < 0 || precision != MONEY_EXACT)
        return import_refuse(import, what);
    if (tokens.femto % INT64_C(1000000000000000) != 0 || tokens.femto < 0 ||
        tokens.femto / INT64_C(1000000000000000) > PRICE_ABOVE_MAX)
        return import_refuse(import, what);
    *ret_tokens = (int64_t)(tokens.femto / INT64_C(1000000000000000));
    return 0;
}

/* ---- parts of a price ---- */

int import_tier(struct import *import, struct price_brackets *brackets, int64_t above,
                struct price_rates **ret_rates)
{
    unsigned at = 0;

    assert(above >= 0);
    while (at < brackets->tier_count && brackets->tiers[at].above < above)
        at++;
    if (at == brackets->tier_count || brackets->tiers[at].above != above) {
        if (brackets->tier_count == PRICE_TIERS_MAX)
            return import_refuse(import, "has more than 8 brackets");
        memmove(&brackets->tiers[at + 1], &brackets->tiers[at],
                (brackets->tier_count - at) * sizeof(brackets->tiers[0]));
        memset(&brackets->tiers[at], 0, sizeof(brackets->tiers[at]));
        brackets->tiers[at].above = above;
        brackets->tier_count++;
    }
    *ret_rates = &brackets->tiers[at].rates;
    return 0;
}

int import_service(struct import *import, struct price *price, const char *name,
                   struct price_service **ret_service)
{
    struct price_service *services = (struct price_service *)price->services;

    *ret_service = NULL;
    if (!price_service_valid(name, strlen(name))) {
        import_note(import, "not used: a service tier cannot have that name");
        return 0;
    }
    for (unsigned i = 0; i < price->service_count; i++) {
        if (strcmp(services[i].name, name) == 0) {
            *ret_service = &services[i];
            return 0;
        }
    }
    if (price->service_count == PRICE_SERVICES_MAX)
        return import_refuse(import, "has more than 8 service tiers");
    services = realloc(services, (price->service_count + 1) * sizeof(*services));
    if (services == NULL)
        return -ENOMEM;
    price->services = services;
    *ret_service = &services[price->service_count++];
    memset(*ret_service, 0, sizeof(**ret_service));
    snprintf((*ret_service)->name, sizeof((*ret_service)->name), "%s", name);
    return 0;
}

int import_window(struct import *import, struct price *price, unsigned from_minute,
                  unsigned to_minute, unsigned weekdays, struct price_off_peak **ret_window)
{
    struct price_off_peak *windows = (struct price_off_peak *)price->off_peak;

    if (price->off_peak_count == PRICE_OFF_PEAK_MAX)
        return import_refuse(import, "has more than 8 off-peak windows");
    windows = realloc(windows, (price->off_peak_count + 1) * sizeof(*windows));
    if (windows == NULL)
        return -ENOMEM;
    price->off_peak = windows;
    *ret_window = &windows[price->off_peak_count++];
    **ret_window = (struct price_off_peak){from_minute, to_minute, weekdays, {.known = 0}};
    return 0;
}

/* ---- names ---- */

bool import_listed(const char *const *list, const char *key)
{
    for (; *list != NULL; list++) {
        if (strcmp(*list, key) == 0)
            return true;
    }
    return false;
}

bool import_looks_paid(const char *key)
{
    static const char *const words[] = {
        "cost",       "price",   "pricing", "discount", "surcharge",
        "multiplier", "billing", "fee_",    "_fee",
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strstr(key, words[i]) != NULL)
            return true;
    }
    return false;
}

void import_name_paid(struct import *import, struct json_object *object, const char *prefix,
                      const char *const *known)
{
    json_object_object_foreach(object, key, value)
    {
        (void)value;
        if (!import_looks_paid(key) || import_listed(known, key))
            continue;
        import_at(import, "%s%s", prefix, key);
        import_note(import, "not used");
    }
}

/* ---- members ---- */

int import_member(struct import *import, struct json_object *object, const char *prefix,
                  const char *key, enum import_type type, struct json_object **ret_member)
{
    struct json_object *member = NULL;
    bool list = type == IMPORT_LIST;

    *ret_member = NULL;
    if (!json_object_object_get_ex(object, key, &member))
        return 0;
    import_at(import, "%s%s", prefix, key);
    if (member == NULL)
        import_note(import, "null: not used");
    else if (!json_object_is_type(member, list ? json_type_array : json_type_object))
        return import_refuse(import, list ? "must be a list" : "must be an object");
    *ret_member = member;
    return 0;
}

int import_pricing(struct import *import, struct json_object *model, const char *key,
                   struct json_object **ret_pricing)
{
    *ret_pricing = NULL;
    if (json_object_object_get(model, key) != NULL)
        return import_member(import, model, "", key, IMPORT_OBJECT, ret_pricing);
    import_at(import, "%s", key);
    import_note(import, "missing: unpriced");
    return 0;
}

/* ---- lists of the OpenAI kind ---- */

static int read_entry(struct import *import, struct json_object *entry,
                      int (*read)(struct import *import, struct json_object *entry,
                                  struct price *price))
{
    struct json_object *id = NULL;
    struct imported *model = NULL;
    int rc;

    if (!json_object_is_type(entry, json_type_object) ||
        !json_object_object_get_ex(entry, "id", &id) || !json_object_is_type(id, json_type_string))
        return import_refuse(import, "must be an object with an \"id\"");
    price_at(&import->place, "id");
    rc = import_model(import, json_object_get_string(id), (size_t)json_object_get_string_len(id),
                      &model);
    if (rc == 0)
        rc = read(import, entry, &model->price);
    return rc;
}

int import_data(struct import *import, struct json_object *root,
                int (*read)(struct import *import, struct json_object *entry, struct price *price))
{
    struct json_object *data = NULL;

    if (!json_object_is_type(root, json_type_object) ||
        !json_object_object_get_ex(root, "data", &data) ||
        !json_object_is_type(data, json_type_array))
        return import_refuse(import, "must be an object with a list \"data\"");
    for (size_t i = 0; i < json_object_array_length(data); i++) {
        char where[32];
        int rc;

        import_at_element(import, "data", i, where);
        rc = read_entry(import, json_object_array_get_idx(data, i), read);
        if (rc < 0)
            return rc;
    }
    return 0;
}
