/* price_import_openrouter.c - the answer of OpenRouter's GET /models (openrouter section 5.2).
 *
 * `overrides` says which prices hold under which conditions, later entries winning key by key. An
 * entry with a prompt size becomes a tier, computed as the list would be read by a prompt of that
 * size; one with hours becomes an off-peak window.
 */
#include "accounting/price_import_private.h"
#include "accounting/price_time.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>

static const struct field {
    const char *key;
    const char *about; /* what its unit is taken as, where the list's words leave room; or NULL */
    enum price_unit unit;
} fields[] = {
    {"prompt", NULL, PRICE_INPUT},
    {"completion", NULL, PRICE_OUTPUT},
    {"request", NULL, PRICE_REQUEST},
    {"image_token", "USD per token of a picture read", PRICE_INPUT_IMAGE},
    {"image_output", "USD per picture made", PRICE_IMAGE},
    {"audio", NULL, PRICE_INPUT_AUDIO},
    {"audio_output", NULL, PRICE_OUTPUT_AUDIO},
    {"web_search", NULL, PRICE_WEB_SEARCH},
    {"internal_reasoning", NULL, PRICE_REASONING},
    {"input_cache_read", NULL, PRICE_CACHE_READ},
    {"input_cache_write", NULL, PRICE_CACHE_WRITE},
    {"input_cache_write_1h", NULL, PRICE_CACHE_WRITE_1H},
};

enum {
    FIELDS = sizeof(fields) / sizeof(fields[0]),
    OVERRIDES_MAX = 64,
    HHMM_MAX = 2400,
};

/* One entry of `overrides`, understood. */
struct override {
    struct price_rates rates;
    int64_t above; /* -1: any prompt */
    bool timed;
    unsigned from_minute, to_minute;
    bool usable;
};

static const struct field *find_field(const char *key)
{
    for (unsigned i = 0; i < FIELDS; i++) {
        if (strcmp(key, fields[i].key) == 0)
            return &fields[i];
    }
    return NULL;
}

/* ---- plain prices ---- */

static int read_prices(struct import *import, struct json_object *pricing, struct price *price)
{
    json_object_object_foreach(pricing, key, value)
    {
        const struct field *field = find_field(key);
        int rc;

        if (strcmp(key, "overrides") == 0 || strcmp(key, "discount") == 0)
            continue;
        import_at(import, "%s", key);
        if (field == NULL) {
            import_note(import, "not used");
            continue;
        }
        rc = import_rate(import, value, 0, field->unit, &price->standard.base);
        if (rc < 0)
            return rc;
        if (field->about != NULL && price_rates_have(&price->standard.base, field->unit))
            import_note(import, "taken as %s", field->about);
    }
    return 0;
}

/* A fraction of the price. Millionths are 1e9 times the unit of money, and it is rounded to them,
 * half-even. */
static int read_discount(struct import *import, struct json_object *pricing, struct price *price)
{
    const int64_t femto_per_ppm = 1000000000;
    struct json_object *value = NULL;
    struct unit_price discount;
    bool known = false;
    int64_t ppm, rest;
    int rc;

    if (!json_object_object_get_ex(pricing, "discount", &value))
        return 0;
    import_at(import, "discount");
    rc = import_cost(import, value, 0, &discount, &known);
    if (rc < 0 || !known || discount.femto == 0)
        return rc;
    ppm = discount.femto / femto_per_ppm;
    rest = discount.femto % femto_per_ppm;
    ppm += 2 * rest > femto_per_ppm || (2 * rest == femto_per_ppm && ppm % 2 != 0);
    if (ppm >= PRICE_MULTIPLIER_NONE) {
        import_note(import, "not used: it leaves nothing to pay");
        return 0;
    }
    if (rest != 0)
        import_note(import, "rounded to 6 decimals");
    price->multiplier_ppm = PRICE_MULTIPLIER_NONE - ppm;
    import_note(import, "taken off the listed prices, which may hold it already");
    return 0;
}

/* ---- overrides ---- */

static int read_clock(struct import *import, struct json_object *value, unsigned *ret_minute)
{
    int64_t hhmm = json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : -1;

    if (hhmm < 0 || hhmm > HHMM_MAX || hhmm % 100 > 59)
        return import_refuse(import, "must be a time of day, HHMM as a number");
    *ret_minute = (unsigned)(hhmm / 100 * 60 + hhmm % 100) % PRICE_DAY_MINUTES;
    return 0;
}

/* Reads a member that is no known price. One whose value cannot be a price may be a condition, and
 * a price whose condition is not understood cannot be used. */
static void note_override_key(struct import *import, struct json_object *value,
                              struct override *override)
{
    if (json_object_is_type(value, json_type_string)) {
        import_note(import, "not used");
        return;
    }
    import_note(import, "a condition that is not known: the override is not used");
    override->usable = false;
}

static int read_override(struct import *import, size_t index, struct json_object *entry,
                         struct override *override)
{
    unsigned clocks = 0;

    import_at(import, "overrides[%zu]", index);
    *override = (struct override){.above = -1, .usable = true};
    if (!json_object_is_type(entry, json_type_object))
        return import_refuse(import, "must be an object");
    json_object_object_foreach(entry, key, value)
    {
        const struct field *field = find_field(key);
        int rc = 0;

        import_at(import, "overrides[%zu].%s", index, key);
        if (field != NULL) {
            rc = import_rate(import, value, 0, field->unit, &override->rates);
        } else if (strcmp(key, "min_prompt_tokens") == 0) {
            rc = import_tokens(import, value, &override->above);
        } else if (strcmp(key, "utc_start") == 0) {
            rc = read_clock(import, value, &override->from_minute);
            clocks++;
        } else if (strcmp(key, "utc_end") == 0) {
            rc = read_clock(import, value, &override->to_minute);
            clocks++;
        } else {
            note_override_key(import, value, override);
        }
        if (rc < 0)
            return rc;
    }
    import_at(import, "overrides[%zu]", index);
    if (clocks == 1)
        return import_refuse(import, "utc_start and utc_end belong together");
    override->timed = clocks == 2;
    return 0;
}

/* What a table cannot say is told here, and the override left out. */
static void check_override(struct import *import, size_t index, struct override *override)
{
    const char *why = NULL;

    if (!override->usable)
        return;
    if (override->timed && override->above >= 0)
        why = "hours and a prompt size together";
    else if (override->timed && override->from_minute == override->to_minute)
        why = "its hours end where they begin";
    if (why == NULL)
        return;
    import_at(import, "overrides[%zu]", index);
    import_note(import, "not used: %s", why);
    override->usable = false;
}

/* The rates of a prompt above so many tokens: all entries that hold then, in their order. */
static void add_up(const struct override *overrides, size_t count, int64_t above,
                   struct price_rates *rates)
{
    for (size_t i = 0; i < count; i++) {
        if (overrides[i].usable && !overrides[i].timed && overrides[i].above <= above)
            price_rates_lay_over(rates, &overrides[i].rates);
    }
}

/* In the list a later entry for long prompts outranks the hours; off-peak rates outrank all. */
static void note_outranked(struct import *import, const struct override *overrides, size_t count,
                           size_t index)
{
    for (size_t i = index + 1; i < count; i++) {
        uint32_t both = overrides[i].rates.known & overrides[index].rates.known;
        if (!overrides[i].usable || overrides[i].timed || both == 0)
            continue;
        import_at(import, "overrides[%zu]", i);
        import_note(import, "outranked by the hours of overrides[%zu] while they last", index);
    }
}

static int place_overrides(struct import *import, const struct override *overrides, size_t count,
                           struct price *price)
{
    for (size_t i = 0; i < count; i++) {
        const struct override *override = &overrides[i];
        struct price_off_peak *window = NULL;
        struct price_rates *rates = NULL;
        int rc = 0;

        import_at(import, "overrides[%zu]", i);
        if (!override->usable || override->rates.known == 0)
            continue;
        if (override->timed) {
            rc = import_window(import, price, override->from_minute, override->to_minute,
                               PRICE_WEEKDAYS_ALL, &window);
            if (rc == 0) {
                window->rates = override->rates;
                note_outranked(import, overrides, count, i);
            }
        } else if (override->above < 0) {
            import_note(import, "holds always: taken as the plain price");
            price_rates_lay_over(&price->standard.base, &override->rates);
        } else {
            rc = import_tier(import, &price->standard, override->above, &rates);
            if (rc == 0)
                add_up(overrides, count, override->above, rates);
        }
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int read_overrides(struct import *import, struct json_object *pricing, struct price *price)
{
    struct override overrides[OVERRIDES_MAX];
    struct json_object *list = NULL;
    size_t count;
    int rc = import_member(import, pricing, "", "overrides", IMPORT_LIST, &list);

    if (rc < 0 || list == NULL)
        return rc;
    count = json_object_array_length(list);
    if (count > OVERRIDES_MAX)
        return import_refuse(import, "has more than 64 entries");
    for (size_t i = 0; i < count; i++) {
        rc = read_override(import, i, json_object_array_get_idx(list, i), &overrides[i]);
        if (rc < 0)
            return rc;
        check_override(import, i, &overrides[i]);
    }
    return place_overrides(import, overrides, count, price);
}

static int read_model(struct import *import, struct json_object *entry, struct price *price)
{
    static const char *const known[] = {"pricing", NULL};
    struct json_object *pricing = NULL;
    int rc;

    import_name_paid(import, entry, "", known);
    rc = import_pricing(import, entry, "pricing", &pricing);
    if (rc < 0 || pricing == NULL)
        return rc;
    rc = read_prices(import, pricing, price);
    if (rc == 0)
        rc = read_discount(import, pricing, price);
    return rc == 0 ? read_overrides(import, pricing, price) : rc;
}

int import_openrouter(struct import *import, struct json_object *root)
{
    return import_data(import, root, read_model);
}
