/* price_import_litellm.c - LiteLLM's map (pricing-and-focus section 1.1): one object, a flat one
 * for each model, USD per unit. A key spells its class, then its threshold, then its service tier:
 * input_cost_per_token_above_272k_tokens_priority.
 */
#include "accounting/price_import_private.h"
#include "accounting/price_time.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>

static const struct field {
    const char *key;
    enum price_unit unit;
} fields[] = {
    {"input_cost_per_token", PRICE_INPUT},
    {"output_cost_per_token", PRICE_OUTPUT},
    {"output_cost_per_reasoning_token", PRICE_REASONING},
    {"cache_read_input_token_cost", PRICE_CACHE_READ},
    {"cache_creation_input_token_cost", PRICE_CACHE_WRITE},
    {"cache_creation_input_token_cost_above_1hr", PRICE_CACHE_WRITE_1H}, /* no threshold */
    {"input_cost_per_audio_token", PRICE_INPUT_AUDIO},
    {"output_cost_per_audio_token", PRICE_OUTPUT_AUDIO},
    {"input_cost_per_image_token", PRICE_INPUT_IMAGE},
    {"output_cost_per_image_token", PRICE_OUTPUT_IMAGE},
    {"input_cost_per_video_token", PRICE_INPUT_VIDEO},
    {"output_cost_per_image", PRICE_IMAGE},
};

enum { FIELDS = sizeof(fields) / sizeof(fields[0]) };

static const char above_prefix[] = "_above_", above_suffix[] = "k_tokens";

/* A key, taken apart. */
struct parts {
    const struct field *field;
    int64_t thousands;   /* of the threshold; 0: none */
    const char *service; /* NULL: standard */
};

/* ---- keys ---- */

/* Whether text ends with suffix and has something before it; then len loses it. */
static bool cut_suffix(const char *text, size_t *len, const char *suffix)
{
    size_t cut = strlen(suffix);

    if (*len <= cut || memcmp(text + *len - cut, suffix, cut) != 0)
        return false;
    *len -= cut;
    return true;
}

/* Cuts "_above_<N>k_tokens" off. */
static int64_t cut_threshold(const char *key, size_t *len)
{
    int64_t thousands = 0, place = 1;
    size_t rest = *len;

    if (!cut_suffix(key, &rest, above_suffix))
        return 0;
    for (; rest > 0 && key[rest - 1] >= '0' && key[rest - 1] <= '9'; rest--) {
        if (place > PRICE_ABOVE_MAX / 1000)
            return 0;
        thousands += (key[rest - 1] - '0') * place;
        place *= 10;
    }
    if (thousands == 0 || thousands > PRICE_ABOVE_MAX / 1000 ||
        !cut_suffix(key, &rest, above_prefix))
        return 0;
    *len = rest;
    return thousands;
}

/* False where the key is none of a price that we carry. */
static bool take_apart(const char *key, struct parts *ret_parts)
{
    static const char *const services[] = {"_flex", "_priority", "_ultrafast", "_batches"};
    size_t len = strlen(key);

    *ret_parts = (struct parts){0};
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
        if (cut_suffix(key, &len, services[i])) {
            ret_parts->service = services[i] + 1;
            break;
        }
    }
    ret_parts->thousands = cut_threshold(key, &len);
    for (unsigned i = 0; i < FIELDS; i++) {
        if (len == strlen(fields[i].key) && memcmp(key, fields[i].key, len) == 0)
            ret_parts->field = &fields[i];
    }
    return ret_parts->field != NULL;
}

/* Keys that say nothing about money. */
static bool is_identity(const char *key)
{
    static const char *const prefixes[] = {"supports_", "supported_", "max_"};
    static const char *const keys[] = {"litellm_provider",
                                       "mode",
                                       "deprecation_date",
                                       "source",
                                       "metadata",
                                       "rpm",
                                       "tpm",
                                       "rpd",
                                       "display_name",
                                       "output_vector_size",
                                       "comment",
                                       "tool_use_system_prompt_tokens",
                                       NULL};

    if (import_listed(keys, key))
        return true;
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        if (strncmp(key, prefixes[i], strlen(prefixes[i])) == 0)
            return !import_looks_paid(key);
    }
    return false;
}

/* ---- flat prices ---- */

static int read_flat(struct import *import, const struct parts *parts, bool inclusive,
                     struct json_object *value, struct price *price)
{
    struct price_brackets *brackets = &price->standard;
    struct price_service *service = NULL;
    struct price_rates *rates;
    int rc = 0;

    if (parts->service != NULL) {
        rc = import_service(import, price, parts->service, &service);
        if (rc < 0)
            return rc;
        brackets = &service->brackets;
    }
    rates = &brackets->base;
    if (parts->thousands > 0)
        rc = import_tier(import, brackets, parts->thousands * 1000 - inclusive, &rates);
    return rc == 0 ? import_rate(import, value, 0, parts->field->unit, rates) : rc;
}

/* ---- web searches ---- */

static int read_searches(struct import *import, struct json_object *sizes, struct price *price)
{
    static const char list[] = "search_context_cost_per_query";
    static const char *const names[] = {"search_context_size_medium", "search_context_size_low",
                                        "search_context_size_high"};
    struct price_rates *rates = &price->standard.base;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct json_object *value = NULL;
        struct unit_price cost;
        bool known = false;
        int rc;

        if (!json_object_object_get_ex(sizes, names[i], &value))
            continue;
        import_at(import, "%s.%s", list, names[i]);
        rc = import_cost(import, value, 0, &cost, &known);
        if (rc < 0)
            return rc;
        if (known && !price_rates_have(rates, PRICE_WEB_SEARCH))
            price_rates_set(rates, PRICE_WEB_SEARCH, cost);
        else if (known && rates->unit[PRICE_WEB_SEARCH].femto != cost.femto)
            import_note(import, "not used: one size has to do");
    }
    json_object_object_foreach(sizes, key, value)
    {
        (void)value;
        if (strcmp(key, names[0]) == 0 || strcmp(key, names[1]) == 0 || strcmp(key, names[2]) == 0)
            continue;
        import_at(import, "%s.%s", list, key);
        import_note(import, "not used");
    }
    return 0;
}

/* Our price is for a search; what is billed once for a prompt is another. */
static bool is_per_prompt(struct json_object *model)
{
    struct json_object *unit = json_object_object_get(model, "web_search_billing_unit");

    return json_object_is_type(unit, json_type_string) &&
           strcmp(json_object_get_string(unit), "per_query") != 0;
}

/* ---- tiered_pricing ---- */

static int read_range(struct import *import, size_t index, struct json_object *entry,
                      int64_t *ret_from, int64_t *ret_to)
{
    struct json_object *range = json_object_object_get(entry, "range");
    int rc;

    import_at(import, "tiered_pricing[%zu].range", index);
    if (range == NULL) {
        import_note(import, "missing: the tier is not used");
        return 0;
    }
    if (!json_object_is_type(range, json_type_array) || json_object_array_length(range) != 2)
        return import_refuse(import, "must be a list of two numbers of tokens");
    rc = import_tokens(import, json_object_array_get_idx(range, 0), ret_from);
    return rc == 0 ? import_tokens(import, json_object_array_get_idx(range, 1), ret_to) : rc;
}

/* Whether some tier begins at so many tokens, or none lies above them. */
static int find_gap(struct import *import, struct json_object *list, int64_t to)
{
    bool above = false;

    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *entry = json_object_array_get_idx(list, i);
        struct json_object *range = json_object_object_get(entry, "range");
        struct json_object *first = json_object_is_type(range, json_type_array)
                                        ? json_object_array_get_idx(range, 0)
                                        : NULL;
        int64_t from = 0;
        int rc = import_tokens(import, first, &from);

        if (rc < 0 || from == to)
            return rc;
        above = above || from > to;
    }
    if (above)
        import_note(import, "no tier begins at %" PRId64 ": this one goes on", to);
    return 0;
}

static int read_tier_rates(struct import *import, size_t index, struct json_object *entry,
                           struct price_rates *rates)
{
    bool taken = rates->known != 0;

    json_object_object_foreach(entry, key, value)
    {
        struct parts parts;
        int rc;

        if (strcmp(key, "range") == 0)
            continue;
        import_at(import, "tiered_pricing[%zu].%s", index, key);
        if (taken) {
            import_note(import, "not used: an earlier tier begins at the same size");
        } else if (!take_apart(key, &parts) || parts.thousands > 0 || parts.service != NULL) {
            import_note(import, "not used");
        } else {
            rc = import_rate(import, value, 0, parts.field->unit, rates);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

static int read_tiered(struct import *import, struct json_object *list,
                       struct price_brackets *tiered)
{
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *entry = json_object_array_get_idx(list, i);
        struct price_rates *rates = &tiered->base;
        int64_t from = -1, to = -1;
        int rc;

        import_at(import, "tiered_pricing[%zu]", i);
        if (!json_object_is_type(entry, json_type_object))
            return import_refuse(import, "must be an object");
        rc = read_range(import, i, entry, &from, &to);
        if (rc == 0 && to >= 0)
            rc = find_gap(import, list, to);
        if (rc == 0 && from > 0)
            rc = import_tier(import, tiered, from, &rates);
        if (rc == 0 && from >= 0)
            rc = read_tier_rates(import, i, entry, rates);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* Takes the units in `mask` out; whether there were any. */
static bool clear_units(struct price_brackets *brackets, uint32_t mask)
{
    bool any = (brackets->base.known & mask) != 0;

    brackets->base.known &= ~mask;
    for (unsigned tier = 0; tier < brackets->tier_count; tier++) {
        any = any || (brackets->tiers[tier].rates.known & mask) != 0;
        brackets->tiers[tier].rates.known &= ~mask;
    }
    return any;
}

/* The list overrides the flat keys of the units that it names. */
static int replace_flat(struct import *import, struct json_object *list, struct price *price)
{
    struct price_brackets tiered = {0};
    uint32_t named;
    int rc;

    if (json_object_array_length(list) > PRICE_TIERS_MAX + 1) /* the base is one more */
        return import_refuse(import, "has more than 8 tiers");
    rc = read_tiered(import, list, &tiered);
    named = tiered.base.known;
    for (unsigned tier = 0; tier < tiered.tier_count; tier++)
        named |= tiered.tiers[tier].rates.known;
    import_at(import, "tiered_pricing");
    if (rc == 0 && clear_units(&price->standard, named))
        import_note(import, "used instead of the flat prices");
    import_compact(&price->standard);
    price_rates_lay_over(&price->standard.base, &tiered.base);
    for (unsigned tier = 0; tier < tiered.tier_count && rc == 0; tier++) {
        struct price_rates *rates = NULL;
        rc = import_tier(import, &price->standard, tiered.tiers[tier].above, &rates);
        if (rc == 0)
            price_rates_lay_over(rates, &tiered.tiers[tier].rates);
    }
    return rc;
}

/* ---- off_peak_pricing ---- */

static int read_off_peak_rates(struct import *import, struct json_object *object,
                               struct price_rates *rates)
{
    static const char *const others[] = {"hours_utc", "windows", "weekday_timezone", NULL};

    json_object_object_foreach(object, key, value)
    {
        struct parts parts;
        int rc;

        if (import_listed(others, key))
            continue;
        import_at(import, "off_peak_pricing.%s", key);
        if (!take_apart(key, &parts) || parts.thousands > 0 || parts.service != NULL) {
            import_note(import, "not used");
            continue;
        }
        rc = import_rate(import, value, 0, parts.field->unit, rates);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* Hours at the place, one text or a list of them. */
static int add_hours(struct import *import, struct json_object *hours, unsigned weekdays,
                     const struct price_rates *rates, struct price *price)
{
    bool list = json_object_is_type(hours, json_type_array);
    size_t count = list ? json_object_array_length(hours) : 1;

    for (size_t i = 0; i < count; i++) {
        struct json_object *text = list ? json_object_array_get_idx(hours, i) : hours;
        struct price_off_peak *window = NULL;
        unsigned from, to;
        int rc;

        if (!json_object_is_type(text, json_type_string) ||
            price_hours_parse(json_object_get_string(text),
                              (size_t)json_object_get_string_len(text), &from, &to) < 0)
            return import_refuse(import, "must be hours such as \"16:30-00:30\"");
        rc = import_window(import, price, from, to, weekdays, &window);
        if (rc < 0)
            return rc;
        window->rates = *rates;
    }
    return 0;
}

/* The weekdays of a list of names; 0 where they are not understood. */
static unsigned read_weekdays(struct json_object *list)
{
    unsigned weekdays = 0;

    if (!json_object_is_type(list, json_type_array))
        return 0;
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *name = json_object_array_get_idx(list, i);
        unsigned day = json_object_is_type(name, json_type_string)
                           ? price_weekday_bit(json_object_get_string(name),
                                               (size_t)json_object_get_string_len(name))
                           : 0;
        if (day == 0)
            return 0;
        weekdays |= day;
    }
    return weekdays;
}

/* Our weekdays are UTC's; those of another zone begin at other hours. */
static bool is_utc(struct json_object *object)
{
    struct json_object *zone = json_object_object_get(object, "weekday_timezone");

    return zone == NULL || (json_object_is_type(zone, json_type_string) &&
                            (strcmp(json_object_get_string(zone), "UTC") == 0 ||
                             strcmp(json_object_get_string(zone), "Etc/UTC") == 0));
}

static int add_window(struct import *import, size_t index, struct json_object *entry, bool utc,
                      const struct price_rates *rates, struct price *price)
{
    struct json_object *hours = NULL, *days = NULL;
    unsigned weekdays = PRICE_WEEKDAYS_ALL;

    import_at(import, "off_peak_pricing.windows[%zu]", index);
    if (!json_object_is_type(entry, json_type_object))
        return import_refuse(import, "must be an object");
    json_object_object_foreach(entry, key, value)
    {
        if (strcmp(key, "hours_utc") == 0) {
            hours = value;
        } else if (strcmp(key, "weekdays") == 0) {
            days = value;
        } else {
            import_at(import, "off_peak_pricing.windows[%zu].%s", index, key);
            import_note(import, "not used");
        }
    }
    import_at(import, "off_peak_pricing.windows[%zu]", index);
    if (days != NULL)
        weekdays = utc ? read_weekdays(days) : 0;
    if (weekdays == 0) {
        import_note(import, utc ? "not used: its weekdays are not understood"
                                : "not used: its weekdays are not those of UTC");
        return 0;
    }
    return add_hours(import, hours, weekdays, rates, price);
}

static int read_off_peak(struct import *import, struct json_object *object, struct price *price)
{
    struct json_object *hours = NULL, *windows = NULL;
    struct price_rates rates = {0};
    int rc;

    rc = read_off_peak_rates(import, object, &rates);
    import_at(import, "off_peak_pricing.hours_utc");
    if (rc == 0 && json_object_object_get_ex(object, "hours_utc", &hours))
        rc = add_hours(import, hours, PRICE_WEEKDAYS_ALL, &rates, price);
    if (rc == 0)
        rc = import_member(import, object, "off_peak_pricing.", "windows", IMPORT_LIST, &windows);
    if (windows == NULL)
        return rc;
    for (size_t i = 0; i < json_object_array_length(windows) && rc == 0; i++)
        rc = add_window(import, i, json_object_array_get_idx(windows, i), is_utc(object), &rates,
                        price);
    return rc;
}

/* ---- models ---- */

/* A member that is no flat price. */
static int read_other(struct import *import, struct json_object *model, const char *key,
                      struct price *price)
{
    bool per_prompt = is_per_prompt(model);
    struct json_object *object = NULL;
    int rc;

    if (strcmp(key, "tiered_pricing") == 0)
        return 0; /* when all flat prices are known */
    if (strcmp(key, "off_peak_pricing") == 0) {
        rc = import_member(import, model, "", key, IMPORT_OBJECT, &object);
        return object != NULL ? read_off_peak(import, object, price) : rc;
    }
    if (strcmp(key, "search_context_cost_per_query") == 0 && !per_prompt) {
        rc = import_member(import, model, "", key, IMPORT_OBJECT, &object);
        return object != NULL ? read_searches(import, object, price) : rc;
    }
    if (strcmp(key, "web_search_billing_unit") == 0 && !per_prompt)
        return 0;
    if (!is_identity(key))
        import_note(import, "not used");
    return 0;
}

static int read_model(struct import *import, struct json_object *model, struct price *price)
{
    struct json_object *provider = json_object_object_get(model, "litellm_provider");
    struct json_object *tiered = NULL;
    int rc;
    bool inclusive = json_object_is_type(provider, json_type_string) &&
                     strcmp(json_object_get_string(provider), "xai") == 0;

    json_object_object_foreach(model, key, value)
    {
        struct parts parts;

        import_at(import, "%s", key);
        rc = take_apart(key, &parts) ? read_flat(import, &parts, inclusive, value, price)
                                     : read_other(import, model, key, price);
        if (rc < 0)
            return rc;
    }
    rc = import_member(import, model, "", "tiered_pricing", IMPORT_LIST, &tiered);
    return tiered != NULL ? replace_flat(import, tiered, price) : rc;
}

int import_litellm(struct import *import, struct json_object *root)
{
    if (!json_object_is_type(root, json_type_object))
        return import_refuse(import, "must be an object of models");
    json_object_object_foreach(root, name, entry)
    {
        struct imported *model = NULL;
        int rc;

        if (strcmp(name, "sample_spec") == 0)
            continue;
        import->place.model = name;
        import->place.model_len = strlen(name);
        price_at(&import->place, NULL);
        rc = import_model(import, name, strlen(name), &model);
        if (rc == 0 && !json_object_is_type(entry, json_type_object))
            rc = import_refuse(import, "must be an object");
        if (rc == 0)
            rc = read_model(import, entry, &model->price);
        if (rc < 0)
            return rc;
    }
    return 0;
}
