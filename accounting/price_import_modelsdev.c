/* price_import_modelsdev.c - models.dev's JSON (pricing-and-focus section 1.2): providers, their
 * models, USD per 1,000,000 units. The digits stay as they are; only the point moves.
 */
#include "accounting/price_import_private.h"

#include <json-c/json.h>
#include <string.h>

static const struct field {
    const char *key;
    enum price_unit unit;
} fields[] = {
    {"input", PRICE_INPUT},
    {"output", PRICE_OUTPUT},
    {"reasoning", PRICE_REASONING},
    {"cache_read", PRICE_CACHE_READ},
    {"cache_write", PRICE_CACHE_WRITE},
    {"input_audio", PRICE_INPUT_AUDIO},
    {"output_audio", PRICE_OUTPUT_AUDIO},
};

enum {
    FIELDS = sizeof(fields) / sizeof(fields[0]),
    LEGACY_BOUND = 200000, /* of context_over_200k */
};

static const struct field *find_field(const char *key)
{
    for (unsigned i = 0; i < FIELDS; i++) {
        if (strcmp(key, fields[i].key) == 0)
            return &fields[i];
    }
    return NULL;
}

/* Reads the prices of an object, names its other members but those that somebody else reads. */
static int read_rates(struct import *import, struct json_object *object, const char *prefix,
                      const char *const *others, struct price_rates *rates)
{
    json_object_object_foreach(object, key, value)
    {
        const struct field *field = find_field(key);
        int rc;

        import_at(import, "%s.%s", prefix, key);
        if (field == NULL) {
            if (!import_listed(others, key))
                import_note(import, "not used");
            continue;
        }
        rc = import_rate(import, value, IMPORT_PER_MILLION, field->unit, rates);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* `tier` of a tier: {type: "context", size}. -1: not one of that kind, which is told. */
static int read_size(struct import *import, const char *where, struct json_object *entry,
                     int64_t *ret_size)
{
    struct json_object *tier = json_object_object_get(entry, "tier");
    struct json_object *type;

    import_at(import, "%s.tier", where);
    *ret_size = -1;
    if (!json_object_is_type(tier, json_type_object))
        return import_refuse(import, "must be an object with \"type\" and \"size\"");
    type = json_object_object_get(tier, "type");
    if (!json_object_is_type(type, json_type_string) ||
        strcmp(json_object_get_string(type), "context") != 0) {
        import_note(import, "not used: its type is not \"context\"");
        return 0;
    }
    json_object_object_foreach(tier, key, value)
    {
        (void)value;
        import_at(import, "%s.tier.%s", where, key);
        if (strcmp(key, "type") != 0 && strcmp(key, "size") != 0)
            import_note(import, "not used");
    }
    import_at(import, "%s.tier.size", where);
    if (json_object_object_get(tier, "size") == NULL)
        return import_refuse(import, "must be a whole number of tokens, 0 to 1000000000000");
    return import_tokens(import, json_object_object_get(tier, "size"), ret_size);
}

static int read_tiers(struct import *import, struct json_object *list, const char *prefix,
                      bool inclusive, struct price_brackets *brackets)
{
    static const char *const others[] = {"tier", NULL};

    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *entry = json_object_array_get_idx(list, i);
        struct price_rates *rates = NULL;
        char where[IMPORT_KEY_SIZE];
        int64_t size = -1;
        int rc;

        snprintf(where, sizeof(where), "%s.tiers[%zu]", prefix, i);
        import_at(import, "%s", where);
        if (!json_object_is_type(entry, json_type_object))
            return import_refuse(import, "must be an object");
        rc = read_size(import, where, entry, &size);
        if (rc < 0)
            return rc;
        if (size < 0)
            continue;
        rc = import_tier(import, brackets, size > 0 ? size - inclusive : 0, &rates);
        if (rc == 0 && rates->known != 0)
            rc = import_refuse(import, "two tiers have the same size");
        if (rc == 0)
            rc = read_rates(import, entry, where, others, rates);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* A view of the tier above 200,000 for those who do not read `tiers`: what it adds where there are
 * tiers is nothing, which is checked. */
static int read_legacy(struct import *import, struct json_object *object, const char *prefix,
                       bool has_tiers, bool inclusive, struct price_brackets *brackets)
{
    static const char *const others[] = {NULL};
    struct price_rates legacy = {0}, *rates = NULL;
    char where[IMPORT_KEY_SIZE];
    int rc;

    snprintf(where, sizeof(where), "%s.context_over_200k", prefix);
    rc = read_rates(import, object, where, others, &legacy);
    import_at(import, "%s", where);
    if (rc < 0)
        return rc;
    if (!has_tiers) {
        rc = import_tier(import, brackets, LEGACY_BOUND - inclusive, &rates);
        if (rc == 0)
            *rates = legacy;
        return rc;
    }
    for (unsigned i = 0; i < brackets->tier_count; i++) {
        if (brackets->tiers[i].above == LEGACY_BOUND - inclusive &&
            price_rates_same(&brackets->tiers[i].rates, &legacy))
            return 0;
    }
    import_note(import, "not used: `tiers` say otherwise");
    return 0;
}

/* A `cost` object into the rates of the model, or of one of its modes. */
static int read_cost(struct import *import, struct json_object *cost, const char *prefix,
                     bool inclusive, struct price_brackets *brackets)
{
    static const char *const others[] = {"tiers", "context_over_200k", NULL};
    struct json_object *tiers = NULL, *legacy = NULL;
    char within[IMPORT_KEY_SIZE];
    int rc = read_rates(import, cost, prefix, others, &brackets->base);

    snprintf(within, sizeof(within), "%s.", prefix);
    if (rc == 0)
        rc = import_member(import, cost, within, "tiers", IMPORT_LIST, &tiers);
    if (rc == 0 && tiers != NULL)
        rc = read_tiers(import, tiers, prefix, inclusive, brackets);
    if (rc == 0)
        rc = import_member(import, cost, within, "context_over_200k", IMPORT_OBJECT, &legacy);
    if (rc == 0 && legacy != NULL)
        rc = read_legacy(import, legacy, prefix, tiers != NULL, inclusive, brackets);
    return rc;
}

/* Modes are chosen by the request as service tiers are. */
static int read_mode(struct import *import, const char *name, struct json_object *mode,
                     bool inclusive, struct price *price)
{
    static const char *const known[] = {"cost", NULL};
    struct price_service *service = NULL;
    struct json_object *cost = NULL;
    char where[IMPORT_KEY_SIZE];
    int rc;

    snprintf(where, sizeof(where), "experimental.modes.%s.", name);
    if (!json_object_is_type(mode, json_type_object))
        return import_refuse(import, "must be an object");
    import_name_paid(import, mode, where, known);
    rc = import_member(import, mode, where, "cost", IMPORT_OBJECT, &cost);
    if (rc < 0 || cost == NULL)
        return rc;
    rc = import_service(import, price, name, &service);
    if (rc < 0 || service == NULL)
        return rc;
    snprintf(where, sizeof(where), "experimental.modes.%s.cost", name);
    return read_cost(import, cost, where, inclusive, &service->brackets);
}

static int read_modes(struct import *import, struct json_object *experimental, bool inclusive,
                      struct price *price)
{
    static const char *const known[] = {"modes", NULL};
    struct json_object *modes = NULL;
    int rc;

    if (!json_object_is_type(experimental, json_type_object))
        return 0; /* a model may say `true` that it is experimental */
    import_name_paid(import, experimental, "experimental.", known);
    rc = import_member(import, experimental, "experimental.", "modes", IMPORT_OBJECT, &modes);
    if (rc < 0 || modes == NULL)
        return rc;
    json_object_object_foreach(modes, name, mode)
    {
        import_at(import, "experimental.modes.%s", name);
        rc = read_mode(import, name, mode, inclusive, price);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int read_model(struct import *import, struct json_object *model, bool inclusive,
                      struct price *price)
{
    static const char *const known[] = {"cost", NULL};
    struct json_object *cost = NULL, *experimental = NULL;
    int rc;

    if (!json_object_is_type(model, json_type_object))
        return import_refuse(import, "must be an object");
    import_name_paid(import, model, "", known);
    rc = import_pricing(import, model, "cost", &cost);
    if (rc == 0 && cost != NULL)
        rc = read_cost(import, cost, "cost", inclusive, &price->standard);
    if (rc == 0 && json_object_object_get_ex(model, "experimental", &experimental))
        rc = read_modes(import, experimental, inclusive, price);
    return rc;
}

static int read_provider(struct import *import, const char *provider, struct json_object *object)
{
    static const char *const known[] = {"models", NULL};
    bool alone = import->order->provider.len > 0, inclusive = strcmp(provider, "xai") == 0;
    struct json_object *models = NULL;

    import->place.model = provider;
    import->place.model_len = strlen(provider);
    price_at(&import->place, NULL);
    if (!json_object_is_type(object, json_type_object) ||
        !json_object_object_get_ex(object, "models", &models) ||
        !json_object_is_type(models, json_type_object))
        return import_refuse(import, "must be an object with an object \"models\"");
    import_name_paid(import, object, "", known);
    json_object_object_foreach(models, name, entry)
    {
        char id[2 * PRICE_MODEL_MAX];
        struct imported *model = NULL;
        int len = snprintf(id, sizeof(id), "%s%s%s", alone ? "" : provider, alone ? "" : "/", name);
        int rc;

        import->place.model = name;
        import->place.model_len = strlen(name);
        price_at(&import->place, NULL);
        rc = import_model(import, id, (size_t)len, &model); /* what was cut is too long anyway */
        if (rc == 0)
            rc = read_model(import, entry, inclusive, &model->price);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int import_models_dev(struct import *import, struct json_object *root)
{
    struct text wanted = import->order->provider;
    bool found = wanted.len == 0;

    if (!json_object_is_type(root, json_type_object))
        return import_refuse(import, "must be an object of providers");
    json_object_object_foreach(root, provider, object)
    {
        int rc = 0;

        if (wanted.len > 0 &&
            (strlen(provider) != wanted.len || memcmp(provider, wanted.bytes, wanted.len) != 0))
            continue;
        found = true;
        rc = read_provider(import, provider, object);
        if (rc < 0)
            return rc;
    }
    return found ? 0 : import_refuse(import, "has no such provider");
}
