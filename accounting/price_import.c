/* price_import.c - other people's price lists into ours. See price.h.
 *
 * A list is read whole before the first byte is written, so that a broken one leaves no half
 * table. What the list says and our format cannot is told on the report, never guessed at: the
 * price of Anthropic's 1-hour cache writes, for one, is not listed and so not written.
 */
#include "accounting/price.h"
#include "accounting/price_json.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FROM_MS_MAX INT64_C(253402300799999) /* the last millisecond of the year 9999 */

enum { INSTANT_SIZE = 32 };

struct imported {
    const char *id; /* borrow: of the JSON tree */
    size_t len;
    struct price price;
};

struct import {
    struct price_place place;
    FILE *report;
    struct imported *models;
    size_t count;
};

/* Vercel's plain prices, USD per unit, and the brackets that may stand beside them. */
static const struct field {
    const char *plain;
    const char *tiers; /* NULL: never seen with brackets */
    enum price_unit unit;
} fields[] = {
    {"input", "input_tiers", PRICE_INPUT},
    {"output", "output_tiers", PRICE_OUTPUT},
    {"input_cache_read", "input_cache_read_tiers", PRICE_CACHE_READ},
    {"input_cache_write", "input_cache_write_tiers", PRICE_CACHE_WRITE},
    {"audio_input_token_cost", NULL, PRICE_INPUT_AUDIO},
    {"web_search", NULL, PRICE_WEB_SEARCH},
};

enum { FIELDS = sizeof(fields) / sizeof(fields[0]) };

/* ---- the report ---- */

static void report(const struct import *import, const char *what)
{
    fprintf(import->report, "%.*s: %s: %s\n", (int)import->place.model_len, import->place.model,
            import->place.key, what);
}

static void report_rounded(const struct import *import, const char *text,
                           enum money_precision precision, struct unit_price price)
{
    char rounded[MONEY_TEXT_MAX];

    money_print((struct money){price.femto}, rounded);
    fprintf(import->report, "%.*s: %s: %s read as %s (%s)\n", (int)import->place.model_len,
            import->place.model, import->place.key, text, rounded,
            precision == MONEY_DENOISED ? "binary noise" : "more than 15 decimals");
}

/* ---- reading ---- */

/* Reads one cost at the place's key. One below 0 stands for "it depends": *ret_known stays false.
 */
static int read_cost(struct import *import, struct json_object *value, struct unit_price *ret_price,
                     bool *ret_known)
{
    enum money_precision precision;
    struct unit_price price;
    const char *text;

    if (!json_object_is_type(value, json_type_string))
        return price_refuse(&import->place, "must be a decimal string");
    text = json_object_get_string(value);
    if (unit_price_parse(text, (size_t)json_object_get_string_len(value), &price, &precision) < 0)
        return price_refuse(&import->place, "is not a decimal number that fits");
    if (price.femto < 0) {
        report(import, "below 0: not used");
        return 0;
    }
    if (precision != MONEY_EXACT)
        report_rounded(import, text, precision, price);
    *ret_price = price;
    *ret_known = true;
    return 0;
}

static void set_rate(struct price_rates *rates, enum price_unit unit, struct unit_price price)
{
    rates->unit[unit] = price;
    rates->known |= 1U << unit;
}

static bool has_rate(const struct price_rates *rates, enum price_unit unit)
{
    return (rates->known & 1U << unit) != 0;
}

/* Reads a number of tokens; absent is absence, the caller's default. */
static int read_tokens(const struct import *import, struct json_object *value, int64_t *ret_tokens)
{
    int64_t tokens;

    if (value == NULL)
        return 0;
    if (!json_object_is_type(value, json_type_int))
        return price_refuse(&import->place, "min and max must be whole numbers");
    tokens = json_object_get_int64(value);
    if (tokens < 0 || tokens > PRICE_ABOVE_MAX)
        return price_refuse(&import->place, "min and max must be 0 to 1000000000000");
    *ret_tokens = tokens;
    return 0;
}

/* The rates of the tier above so many tokens; it is made, in its order, when there is none. */
static struct price_rates *tier_at(struct price *price, int64_t above)
{
    unsigned at = 0;

    while (at < price->tier_count && price->tiers[at].above < above)
        at++;
    if (at < price->tier_count && price->tiers[at].above == above)
        return &price->tiers[at].rates;
    if (price->tier_count == PRICE_TIERS_MAX)
        return NULL;
    memmove(&price->tiers[at + 1], &price->tiers[at],
            (price->tier_count - at) * sizeof(price->tiers[0]));
    memset(&price->tiers[at], 0, sizeof(price->tiers[at]));
    price->tiers[at].above = above;
    price->tier_count++;
    return &price->tiers[at].rates;
}

/* Where one bracket ends another must begin, or the prompt sizes behind it have no price in the
 * list, while ours would go on with the bracket's. */
static int check_max(struct import *import, struct json_object *brackets, int64_t max)
{
    for (size_t i = 0; i < json_object_array_length(brackets); i++) {
        struct json_object *bracket = json_object_array_get_idx(brackets, i);
        int64_t min = 0;
        int rc = read_tokens(import, json_object_object_get(bracket, "min"), &min);
        if (rc < 0)
            return rc;
        if (min == max)
            return 0;
    }
    fprintf(import->report, "%.*s: %s: max %" PRId64 ": not used\n", (int)import->place.model_len,
            import->place.model, import->place.key, max);
    return 0;
}

static void report_bracket_keys(const struct import *import, struct json_object *bracket)
{
    json_object_object_foreach(bracket, key, value)
    {
        (void)value;
        if (strcmp(key, "cost") != 0 && strcmp(key, "min") != 0 && strcmp(key, "max") != 0)
            fprintf(import->report, "%.*s: %s.%s: not used\n", (int)import->place.model_len,
                    import->place.model, import->place.key, key);
    }
}

/* Puts one bracket's price where it belongs. min is inclusive, our "above" is not. A bracket from
 * 0 is the base price; it should repeat the plain one and outranks it where it does not. */
static int place_bracket(struct import *import, struct price *price, enum price_unit unit,
                         int64_t min, struct unit_price cost)
{
    struct price_rates *rates;

    if (min == 0) {
        if (has_rate(&price->base, unit) && price->base.unit[unit].femto != cost.femto)
            report(import, "the first bracket differs from the plain price: bracket used");
        set_rate(&price->base, unit, cost);
        return 0;
    }
    rates = tier_at(price, min - 1);
    if (rates == NULL)
        return price_refuse(&import->place, "has more than 8 brackets");
    if (has_rate(rates, unit))
        return price_refuse(&import->place, "two brackets begin at the same min");
    set_rate(rates, unit, cost);
    return 0;
}

static int read_bracket(struct import *import, struct json_object *brackets, size_t index,
                        enum price_unit unit, struct price *price)
{
    struct json_object *bracket = json_object_array_get_idx(brackets, index);
    int64_t min = 0, max = -1;
    struct unit_price cost;
    bool known = false;
    int rc;

    report_bracket_keys(import, bracket);
    rc = read_tokens(import, json_object_object_get(bracket, "min"), &min);
    if (rc == 0)
        rc = read_tokens(import, json_object_object_get(bracket, "max"), &max);
    if (rc == 0 && max >= 0)
        rc = check_max(import, brackets, max);
    if (rc == 0)
        rc = read_cost(import, json_object_object_get(bracket, "cost"), &cost, &known);
    if (rc < 0 || !known)
        return rc;
    return place_bracket(import, price, unit, min, cost);
}

static int read_brackets(struct import *import, struct json_object *brackets, enum price_unit unit,
                         struct price *price)
{
    if (!json_object_is_type(brackets, json_type_array))
        return price_refuse(&import->place, "must be a list of brackets");
    if (json_object_array_length(brackets) > PRICE_TIERS_MAX + 1) /* the base is one more */
        return price_refuse(&import->place, "has more than 8 brackets");
    for (size_t i = 0; i < json_object_array_length(brackets); i++) {
        if (!json_object_is_type(json_object_array_get_idx(brackets, i), json_type_object))
            return price_refuse(&import->place, "must be a list of brackets");
    }
    for (size_t i = 0; i < json_object_array_length(brackets); i++) {
        int rc = read_bracket(import, brackets, i, unit, price);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* In our format a unit that a tier does not name falls back to the base, in the list to the
 * bracket below: so each tier repeats what the one below it says. */
static void carry_tiers(struct price *price)
{
    for (unsigned tier = 1; tier < price->tier_count; tier++) {
        for (unsigned unit = 0; unit < PRICE_UNITS; unit++) {
            const struct price_rates *below = &price->tiers[tier - 1].rates;
            if (has_rate(below, unit) && !has_rate(&price->tiers[tier].rates, unit))
                set_rate(&price->tiers[tier].rates, unit, below->unit[unit]);
        }
    }
}

/* Names what the list has and we do not carry. */
static void report_unused(struct import *import, struct json_object *pricing)
{
    json_object_object_foreach(pricing, key, value)
    {
        bool used = false;
        (void)value;
        for (unsigned i = 0; i < FIELDS && !used; i++)
            used = strcmp(key, fields[i].plain) == 0 ||
                   (fields[i].tiers != NULL && strcmp(key, fields[i].tiers) == 0);
        price_at(&import->place, key);
        if (!used)
            report(import, "not used");
    }
}

static int read_pricing(struct import *import, struct json_object *pricing, struct price *price)
{
    int rc = 0;

    report_unused(import, pricing);
    for (unsigned i = 0; i < FIELDS && rc == 0; i++) {
        struct unit_price cost;
        struct json_object *value;
        bool known = false;

        price_at(&import->place, fields[i].plain);
        if (json_object_object_get_ex(pricing, fields[i].plain, &value))
            rc = read_cost(import, value, &cost, &known);
        if (known)
            set_rate(&price->base, fields[i].unit, cost);
        if (known && fields[i].unit == PRICE_WEB_SEARCH)
            report(import, "taken as USD per search"); /* its unit is documented, not measured */
        if (rc == 0 && fields[i].tiers != NULL &&
            json_object_object_get_ex(pricing, fields[i].tiers, &value)) {
            price_at(&import->place, fields[i].tiers);
            rc = read_brackets(import, value, fields[i].unit, price);
        }
    }
    carry_tiers(price);
    return rc;
}

static int read_model(struct import *import, struct json_object *entry, struct imported *model)
{
    struct json_object *id = json_object_object_get(entry, "id");
    struct json_object *pricing;

    if (!json_object_is_type(id, json_type_string))
        return price_refuse(&import->place, "must be an object with an \"id\"");
    model->id = json_object_get_string(id);
    model->len = (size_t)json_object_get_string_len(id);
    if (!price_model_valid(model->id, model->len))
        return price_refuse(&import->place, "its \"id\" is no model id");
    import->place.model = model->id;
    import->place.model_len = model->len;
    price_at(&import->place, "pricing");
    pricing = json_object_object_get(entry, "pricing");
    if (pricing == NULL) {
        report(import, "missing: unpriced");
        return 0;
    }
    if (!json_object_is_type(pricing, json_type_object))
        return price_refuse(&import->place, "must be an object");
    return read_pricing(import, pricing, &model->price);
}

static int compare_models(const void *left, const void *right)
{
    const struct imported *a = left, *b = right;

    return strcmp(a->id, b->id);
}

static int sort_models(struct import *import)
{
    if (import->count > 1)
        qsort(import->models, import->count, sizeof(*import->models), compare_models);
    for (size_t i = 1; i < import->count; i++) {
        if (compare_models(&import->models[i - 1], &import->models[i]) == 0) {
            import->place.model = import->models[i].id;
            import->place.model_len = import->models[i].len;
            price_at(&import->place, "id");
            return price_refuse(&import->place, "stands twice");
        }
    }
    return 0;
}

static int read_list(struct import *import, struct json_object *root)
{
    struct json_object *data = NULL;
    size_t count;

    if (!json_object_is_type(root, json_type_object) ||
        !json_object_object_get_ex(root, "data", &data) ||
        !json_object_is_type(data, json_type_array))
        return price_refuse(&import->place, "must be an object with a list \"data\"");
    count = json_object_array_length(data);
    import->models = calloc(count > 0 ? count : 1, sizeof(*import->models));
    if (import->models == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        struct json_object *entry = json_object_array_get_idx(data, i);
        char where[32];
        int rc;

        import->place.model = where;
        import->place.model_len = (size_t)snprintf(where, sizeof(where), "data[%zu]", i);
        price_at(&import->place, NULL);
        if (!json_object_is_type(entry, json_type_object))
            return price_refuse(&import->place, "must be an object with an \"id\"");
        rc = read_model(import, entry, &import->models[import->count]);
        if (rc < 0)
            return rc;
        import->count++;
    }
    return sort_models(import);
}

/* ---- writing ---- */

static void print_instant(int64_t ms, char text[INSTANT_SIZE])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm utc;
    size_t len;

    assert(ms >= 0);
    assert(ms <= FROM_MS_MAX);
    gmtime_r(&seconds, &utc);
    len = strftime(text, INSTANT_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
    if (ms % 1000 != 0)
        snprintf(text + len, INSTANT_SIZE - len, ".%03dZ", (int)(ms % 1000));
    else
        snprintf(text + len, INSTANT_SIZE - len, "Z");
}

static void write_rates(FILE *out, const struct price_rates *rates)
{
    char text[MONEY_TEXT_MAX];

    for (unsigned unit = 0; unit < PRICE_UNITS; unit++) {
        if (!has_rate(rates, unit))
            continue;
        money_print((struct money){rates->unit[unit].femto}, text);
        fprintf(out, ", \"%s\": \"%s\"", price_unit_name(unit), text);
    }
}

/* One line a model, and one more for each tier: a changed price is a changed line. */
static void write_model(FILE *out, const struct imported *model, const char *from)
{
    fprintf(out, "    \"%s\": [{\"from\": \"%s\"", model->id, from);
    write_rates(out, &model->price.base);
    for (unsigned tier = 0; tier < model->price.tier_count; tier++) {
        fprintf(out, ",\n      %s{\"above\": %" PRId64, tier == 0 ? "\"tiers\": [" : "",
                model->price.tiers[tier].above);
        write_rates(out, &model->price.tiers[tier].rates);
        fputs("}", out);
    }
    fputs(model->price.tier_count > 0 ? "]}]" : "}]", out);
}

static int write_table(const struct import *import, int64_t from_ms, FILE *out)
{
    char from[INSTANT_SIZE];

    print_instant(from_ms, from);
    fputs("{\n  \"format\": 1,\n  \"models\": {", out);
    for (size_t i = 0; i < import->count; i++) {
        fputs(i > 0 ? ",\n" : "\n", out);
        write_model(out, &import->models[i], from);
    }
    fputs("\n  }\n}\n", out);
    if (fflush(out) != 0 || fflush(import->report) != 0 || ferror(out) || ferror(import->report))
        return -EIO;
    return 0;
}

int price_import_vercel(const char *json, size_t len, int64_t from_ms, FILE *out, FILE *report_out,
                        char *error, size_t error_size)
{
    struct import import = {.place = {.error = error, .error_size = error_size},
                            .report = report_out};
    struct json_object *root = NULL;
    int rc;

    if (from_ms < 0 || from_ms > FROM_MS_MAX)
        return price_refuse(&import.place, "prices take effect between 1970 and 9999");
    rc = price_json_parse(&import.place, json, len, &root);
    if (rc == 0)
        rc = read_list(&import, root);
    if (rc == 0)
        rc = write_table(&import, from_ms, out);
    if (rc < 0 && rc != -EINVAL)
        snprintf(error, error_size, "%s", strerror(-rc));
    free(import.models);
    json_object_put(root);
    return rc;
}
