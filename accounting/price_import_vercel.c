/* price_import_vercel.c - the answer of Vercel's GET /v1/models (vercel section 9).
 *
 * What the list says and our format cannot is told on the report, never guessed at: the price of
 * Anthropic's 1-hour cache writes, for one, is not listed and so not written.
 */
#include "accounting/price_import_private.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>

/* Vercel's plain prices, USD per unit, and the brackets that may stand beside them. */
static const struct field {
    const char *plain;
    const char *tiers; /* NULL: never seen with brackets */
    const char *about; /* what its unit is taken as, where the list's words leave room; or NULL */
    enum price_unit unit;
} fields[] = {
    {"input", "input_tiers", NULL, PRICE_INPUT},
    {"output", "output_tiers", NULL, PRICE_OUTPUT},
    {"input_cache_read", "input_cache_read_tiers", NULL, PRICE_CACHE_READ},
    {"input_cache_write", "input_cache_write_tiers", NULL, PRICE_CACHE_WRITE},
    {"audio_input_token_cost", NULL, NULL, PRICE_INPUT_AUDIO},
    {"audio_output_token_cost", NULL, NULL, PRICE_OUTPUT_AUDIO},
    {"image", NULL, "USD per picture made", PRICE_IMAGE},
    {"web_search", NULL, "USD per search", PRICE_WEB_SEARCH},
};

enum { FIELDS = sizeof(fields) / sizeof(fields[0]) };

/* A set of rates: the model's own, or one that a service tier has. */
struct rate_set {
    struct json_object *object;
    const char *prefix; /* of its keys on the report: "", "fast." */
    struct price_brackets *brackets;
};

/* ---- brackets ---- */

/* Where one bracket ends another must begin, or the prompt sizes behind it have no price in the
 * list, while ours would go on with the bracket's. */
static int check_max(struct import *import, struct json_object *brackets, int64_t max)
{
    for (size_t i = 0; i < json_object_array_length(brackets); i++) {
        struct json_object *bracket = json_object_array_get_idx(brackets, i);
        int64_t min = 0;
        int rc = import_tokens(import, json_object_object_get(bracket, "min"), &min);
        if (rc < 0)
            return rc;
        if (min == max)
            return 0;
    }
    import_note(import, "max %" PRId64 ": not used", max);
    return 0;
}

static void note_bracket_keys(struct import *import, const struct rate_set *set, const char *list,
                              struct json_object *bracket)
{
    json_object_object_foreach(bracket, key, value)
    {
        (void)value;
        if (strcmp(key, "cost") == 0 || strcmp(key, "min") == 0 || strcmp(key, "max") == 0)
            continue;
        import_at(import, "%s%s.%s", set->prefix, list, key);
        import_note(import, "not used");
    }
    import_at(import, "%s%s", set->prefix, list);
}

/* Puts one bracket's price where it belongs. min is inclusive, our "above" is not. A bracket from
 * 0 is the base price; it should repeat the plain one and outranks it where it does not. */
static int place_bracket(struct import *import, struct price_brackets *brackets,
                         enum price_unit unit, int64_t min, struct unit_price cost)
{
    struct price_rates *rates = NULL;
    int rc;

    if (min == 0) {
        if (price_rates_have(&brackets->base, unit) &&
            brackets->base.unit[unit].femto != cost.femto)
            import_note(import, "the first bracket differs from the plain price: bracket used");
        price_rates_set(&brackets->base, unit, cost);
        return 0;
    }
    rc = import_tier(import, brackets, min - 1, &rates);
    if (rc < 0)
        return rc;
    if (price_rates_have(rates, unit))
        return import_refuse(import, "two brackets begin at the same min");
    price_rates_set(rates, unit, cost);
    return 0;
}

static int read_bracket(struct import *import, const struct rate_set *set,
                        const struct field *field, struct json_object *list, size_t index)
{
    struct json_object *bracket = json_object_array_get_idx(list, index);
    struct json_object *value = json_object_object_get(bracket, "cost");
    int64_t min = 0, max = -1;
    struct unit_price cost;
    bool known = false;
    int rc;

    note_bracket_keys(import, set, field->tiers, bracket);
    rc = import_tokens(import, json_object_object_get(bracket, "min"), &min);
    if (rc == 0)
        rc = import_tokens(import, json_object_object_get(bracket, "max"), &max);
    if (rc == 0 && max >= 0)
        rc = check_max(import, list, max);
    if (rc == 0 && value == NULL)
        rc = import_refuse(import, "a bracket has no \"cost\"");
    if (rc == 0)
        rc = import_cost(import, value, 0, &cost, &known);
    if (rc < 0 || !known)
        return rc;
    return place_bracket(import, set->brackets, field->unit, min, cost);
}

static int read_brackets(struct import *import, const struct rate_set *set,
                         const struct field *field, struct json_object *list)
{
    size_t count;

    count = json_object_array_length(list);
    if (count > PRICE_TIERS_MAX + 1) /* the base is one more */
        return import_refuse(import, "has more than 8 brackets");
    for (size_t i = 0; i < count; i++) {
        if (!json_object_is_type(json_object_array_get_idx(list, i), json_type_object))
            return import_refuse(import, "must be a list of objects");
    }
    for (size_t i = 0; i < count; i++) {
        int rc = read_bracket(import, set, field, list, i);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* In our format a unit that a tier does not name falls back to the base, in the list to the
 * bracket below: so each tier repeats what the one below it says. */
static void carry_tiers(struct price_brackets *brackets)
{
    for (unsigned tier = 1; tier < brackets->tier_count; tier++) {
        const struct price_rates *below = &brackets->tiers[tier - 1].rates;
        struct price_rates *rates = &brackets->tiers[tier].rates;
        for (unsigned unit = 0; unit < PRICE_UNITS; unit++) {
            if (price_rates_have(below, (enum price_unit)unit) &&
                !price_rates_have(rates, (enum price_unit)unit))
                price_rates_set(rates, (enum price_unit)unit, below->unit[unit]);
        }
    }
}

/* ---- sets of rates ---- */

/* Names what the list has and we do not carry. others: keys that somebody else reads. */
static void note_unused(struct import *import, const struct rate_set *set,
                        const char *const *others)
{
    json_object_object_foreach(set->object, key, value)
    {
        bool used = import_listed(others, key);
        (void)value;
        for (unsigned i = 0; i < FIELDS && !used; i++)
            used = strcmp(key, fields[i].plain) == 0 ||
                   (fields[i].tiers != NULL && strcmp(key, fields[i].tiers) == 0);
        if (used)
            continue;
        import_at(import, "%s%s", set->prefix, key);
        import_note(import, "not used");
    }
}

/* The prices that are not brackets, into one set of rates. */
static int read_plain(struct import *import, const struct rate_set *set, struct price_rates *rates)
{
    int rc = 0;

    for (unsigned i = 0; i < FIELDS && rc == 0; i++) {
        struct json_object *value = NULL;

        if (!json_object_object_get_ex(set->object, fields[i].plain, &value))
            continue;
        import_at(import, "%s%s", set->prefix, fields[i].plain);
        rc = import_rate(import, value, 0, fields[i].unit, rates);
        /* Its unit is documented, not measured. */
        if (rc == 0 && fields[i].about != NULL && price_rates_have(rates, fields[i].unit))
            import_note(import, "taken as %s", fields[i].about);
    }
    return rc;
}

static int read_set(struct import *import, const struct rate_set *set, const char *const *others)
{
    int rc;

    note_unused(import, set, others);
    rc = read_plain(import, set, &set->brackets->base);
    for (unsigned i = 0; i < FIELDS && rc == 0; i++) {
        struct json_object *list = NULL;

        if (fields[i].tiers == NULL)
            continue;
        rc = import_member(import, set->object, set->prefix, fields[i].tiers, IMPORT_LIST, &list);
        if (rc == 0 && list != NULL)
            rc = read_brackets(import, set, &fields[i], list);
    }
    if (rc == 0)
        carry_tiers(set->brackets);
    return rc;
}

/* A service tier's rates above so many tokens. */
static int read_long_context(struct import *import, const struct rate_set *set)
{
    static const char *const others[] = {"threshold", NULL};
    struct json_object *object = NULL, *threshold = NULL;
    char prefix[IMPORT_KEY_SIZE];
    struct price_rates *rates = NULL;
    struct rate_set within = {.prefix = prefix};
    int64_t above = -1;
    int rc;

    rc = import_member(import, set->object, set->prefix, "long_context", IMPORT_OBJECT, &object);
    if (rc < 0 || object == NULL)
        return rc;
    if (json_object_object_get_ex(object, "threshold", &threshold)) {
        import_at(import, "%slong_context.threshold", set->prefix);
        rc = import_tokens(import, threshold, &above);
        if (rc < 0)
            return rc;
    }
    if (above < 0) {
        import_note(import, "not used: it has no threshold");
        return 0;
    }
    import_note(import, "taken as above %" PRId64 " prompt tokens", above);
    rc = import_tier(import, set->brackets, above, &rates);
    if (rc < 0)
        return rc;
    snprintf(prefix, sizeof(prefix), "%slong_context.", set->prefix);
    within.object = object;
    note_unused(import, &within, others);
    return read_plain(import, &within, rates);
}

/* ---- service tiers ---- */

static int read_service(struct import *import, struct price *price, const char *name,
                        const char *prefix, struct json_object *object)
{
    static const char *const others[] = {"long_context", NULL};
    struct price_service *service = NULL;
    struct rate_set set = {.object = object, .prefix = prefix};
    int rc;

    if (!json_object_is_type(object, json_type_object))
        return import_refuse(import, "must be an object of prices");
    rc = import_service(import, price, name, &service);
    if (rc < 0 || service == NULL)
        return rc;
    set.brackets = &service->brackets;
    rc = read_set(import, &set, others);
    return rc == 0 ? read_long_context(import, &set) : rc;
}

static int read_services(struct import *import, struct json_object *pricing, struct price *price)
{
    struct json_object *fast = NULL, *list = NULL;
    char prefix[IMPORT_KEY_SIZE];
    int rc = import_member(import, pricing, "", "service_tiers", IMPORT_OBJECT, &list);

    if (rc == 0 && list != NULL) {
        json_object_object_foreach(list, name, object)
        {
            import_at(import, "service_tiers.%s", name);
            snprintf(prefix, sizeof(prefix), "service_tiers.%s.", name);
            rc = read_service(import, price, name, prefix, object);
            if (rc < 0)
                return rc;
        }
    }
    if (rc == 0)
        rc = import_member(import, pricing, "", "fast", IMPORT_OBJECT, &fast);
    if (rc < 0 || fast == NULL)
        return rc;
    if (list != NULL && json_object_object_get_ex(list, "fast", NULL)) {
        import_note(import, "not used: service_tiers.fast is");
        return 0;
    }
    return read_service(import, price, "fast", "fast.", fast);
}

static int read_model(struct import *import, struct json_object *entry, struct price *price)
{
    static const char *const known[] = {"pricing", NULL};
    static const char *const others[] = {"fast", "service_tiers", NULL};
    struct rate_set set = {.prefix = "", .brackets = &price->standard};
    int rc;

    import_name_paid(import, entry, "", known);
    rc = import_pricing(import, entry, "pricing", &set.object);
    if (rc < 0 || set.object == NULL)
        return rc;
    rc = read_set(import, &set, others);
    return rc == 0 ? read_services(import, set.object, price) : rc;
}

int import_vercel(struct import *import, struct json_object *root)
{
    return import_data(import, root, read_model);
}
