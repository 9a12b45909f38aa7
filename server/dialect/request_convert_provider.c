/* request_convert_provider.c - which providers may serve a request: OpenRouter's `provider` in
 * other words; request_convert_gateway.c is its mirror. See request_convert_private.h.
 *
 * A rule that narrows the choice (only, ignore, max_price, zdr, ...) is a promise to somebody:
 * where the upstream cannot keep it, the request is refused. A rule that orders the choice is a
 * wish: it may go, with a warning.
 */
#include "server/dialect/request_convert_private.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- lists of providers --- */

struct slugs {
    char slug[REQUEST_SLUGS_MAX][ROW_NAME_MAX + 1];
    size_t count;
    bool cut; /* a region or quantization was lost */
};

static bool has_slug(const struct slugs *slugs, const char *slug)
{
    for (size_t i = 0; i < slugs->count; i++) {
        if (strcmp(slugs->slug[i], slug) == 0)
            return true;
    }
    return false;
}

/* Keeps those that are, or are not, in others; the order stays. */
static void filter(struct slugs *slugs, const struct slugs *others, bool keep)
{
    size_t kept = 0;

    for (size_t i = 0; i < slugs->count; i++) {
        if (has_slug(others, slugs->slug[i]) != keep)
            continue;
        if (kept != i)
            memcpy(slugs->slug[kept], slugs->slug[i], sizeof(slugs->slug[i]));
        kept++;
    }
    slugs->count = kept;
}

static int add_slug(struct convert *convert, uint32_t value, const char *path, struct slugs *slugs)
{
    char scratch[ROW_NAME_MAX + 1], mapped[ROW_NAME_MAX + 1];
    struct text slug;

    if (json_string(convert->doc, value, scratch, sizeof(scratch), &slug.bytes, &slug.len) != 0 ||
        slug.len == 0 || slug.len > ROW_NAME_MAX || memchr(slug.bytes, '\0', slug.len) != NULL)
        return convert_malformed(convert, path, "a list of providers' slugs");
    model_map_provider(convert->order->map, convert->from, convert->to, slug, mapped);
    if (mapped[0] == '\0')
        return convert_malformed(convert, path, "a list of providers' slugs");
    if (convert->to == DIALECT_VERCEL && memchr(slug.bytes, '/', slug.len) != NULL)
        slugs->cut = true;
    if (has_slug(slugs, mapped)) /* google-vertex/us and google-vertex/europe are one here */
        return 0;
    memcpy(slugs->slug[slugs->count++], mapped, sizeof(mapped));
    return 0;
}

static int read_slugs(struct convert *convert, uint32_t list, const char *path, struct slugs *slugs)
{
    const struct json_doc *doc = convert->doc;
    unsigned elements = 0;
    int error = 0;

    slugs->count = 0;
    slugs->cut = false;
    if (!convert_is_said(doc, list))
        return 0;
    if (!convert_is(doc, list, JSON_ARRAY))
        return convert_malformed(convert, path, "a list of providers' slugs");
    for (uint32_t at = json_first(doc, list); at != JSON_NONE && error == 0;
         at = json_next(doc, list, at)) {
        if (++elements > REQUEST_SLUGS_MAX)
            return convert_malformed(convert, path, "a list of at most 32 providers");
        error = add_slug(convert, at, path, slugs);
    }
    return error;
}

static int route_slugs(struct convert *convert, const char *name, const struct slugs *slugs)
{
    struct out *out;
    int error = slugs->count > 0 ? convert_route_new(convert, name, &out) : 0;

    if (error != 0 || slugs->count == 0)
        return error;
    out_char(out, '[');
    for (size_t i = 0; i < slugs->count; i++) {
        out_next(out);
        out_string(out, text_of(slugs->slug[i]));
    }
    out_char(out, ']');
    return 0;
}

int convert_route_list(struct convert *convert, uint32_t list, const char *path, const char *name)
{
    struct slugs slugs;
    int error = read_slugs(convert, list, path, &slugs);

    return error != 0 ? error : route_slugs(convert, name, &slugs);
}

/* --- what narrows the choice --- */

struct choice {
    struct slugs order, only, ignore;
    bool no_fallbacks;
};

static int read_choice(struct convert *convert, uint32_t provider, struct choice *choice)
{
    const struct json_doc *doc = convert->doc;
    int error =
        read_slugs(convert, json_get(doc, provider, "order"), "provider.order", &choice->order);

    if (error == 0)
        error =
            read_slugs(convert, json_get(doc, provider, "only"), "provider.only", &choice->only);
    if (error == 0)
        error = read_slugs(convert, json_get(doc, provider, "ignore"), "provider.ignore",
                           &choice->ignore);
    choice->no_fallbacks = convert_is(doc, json_get(doc, provider, "allow_fallbacks"), JSON_FALSE);
    return error;
}

/* Without fallbacks an order names all who may serve, which is what `only` says. Whom to ignore can
 * be said where it is known who is left. */
static int narrow(struct convert *convert, struct choice *choice)
{
    bool narrowed = choice->only.count > 0;

    if (choice->ignore.count > 0 && choice->only.count == 0 &&
        !(choice->no_fallbacks && choice->order.count > 0))
        return convert_refuse(convert, "provider.ignore",
                              "it has no such rule; name the providers in provider.only");
    if (choice->no_fallbacks && choice->order.count > 0) {
        if (narrowed)
            filter(&choice->only, &choice->order, true);
        else
            choice->only = choice->order;
        narrowed = true;
    } else if (choice->no_fallbacks && choice->only.count != 1) {
        convert_warn(convert, "provider.allow_fallbacks");
    }
    if (choice->ignore.count > 0) {
        filter(&choice->only, &choice->ignore, false);
        filter(&choice->order, &choice->ignore, false);
    }
    if (narrowed && choice->only.count == 0)
        return convert_refuse(convert, "provider", "its rules leave no provider");
    return 0;
}

/* google-vertex/europe alone may serve: to let all of google-vertex would break the promise. Who is
 * ignored without its suffix is ignored all the same. */
static int check_cut(struct convert *convert, const struct choice *choice)
{
    static const char why[] = "it knows no regions or quantizations; name the provider only";

    if (choice->only.cut)
        return convert_refuse(convert, "provider.only", why);
    if (choice->order.cut && choice->no_fallbacks)
        return convert_refuse(convert, "provider.order", why);
    return 0;
}

static int route_choice(struct convert *convert, uint32_t provider)
{
    struct choice choice;
    int error = read_choice(convert, provider, &choice);

    if (error == 0)
        error = check_cut(convert, &choice);
    if (error == 0)
        error = narrow(convert, &choice);
    if (error != 0)
        return error;
    if (choice.order.cut || choice.ignore.cut)
        convert_warn(convert, "provider region or quantization suffix");
    error = route_slugs(convert, "order", &choice.order);
    return error != 0 ? error : route_slugs(convert, "only", &choice.only);
}

/* A generic upstream has no providers to choose from. */
static int refuse_choice(struct convert *convert, uint32_t provider)
{
    const struct json_doc *doc = convert->doc;
    static const char why[] = "it does not choose among providers";
    bool strict = convert_is(doc, json_get(doc, provider, "allow_fallbacks"), JSON_FALSE);

    if (!convert_is_nothing(doc, json_get(doc, provider, "only")))
        return convert_refuse(convert, "provider.only", why);
    if (!convert_is_nothing(doc, json_get(doc, provider, "ignore")))
        return convert_refuse(convert, "provider.ignore", why);
    if (convert_is_nothing(doc, json_get(doc, provider, "order")))
        return 0;
    if (strict)
        return convert_refuse(convert, "provider.order", why);
    convert_warn(convert, "provider.order");
    return 0;
}

static int take_zdr(struct convert *convert, uint32_t value)
{
    if (convert_is(convert->doc, value, JSON_TRUE))
        return convert_route_word(convert, "zeroDataRetention", "true");
    if (convert_is_nothing(convert->doc, value))
        return CONVERT_GONE;
    return convert_malformed(convert, "provider.zdr", "true or false");
}

static int take_data_collection(struct convert *convert, uint32_t value)
{
    const struct json_doc *doc = convert->doc;

    if (json_string_is(doc, value, "allow") || convert_is_nothing(doc, value))
        return CONVERT_GONE;
    if (!json_string_is(doc, value, "deny"))
        return convert_malformed(convert, "provider.data_collection", "allow or deny");
    if (convert->to == DIALECT_OPENAI)
        return convert_refuse(convert, "provider.data_collection", "it makes no such promise");
    return convert_route_word(convert, "disallowPromptTraining", "true");
}

/* A word, or {by, partition}; partition "model", the default, is what Vercel does. */
static int take_sort(struct convert *convert, uint32_t value)
{
    const struct json_doc *doc = convert->doc;
    bool object = convert_is(doc, value, JSON_OBJECT);
    uint32_t by = object ? json_get(doc, value, "by") : value;
    uint32_t partition = json_get(doc, value, "partition");

    if (!convert_is_nothing(doc, partition) && !json_string_is(doc, partition, "model"))
        convert_warn(convert, "provider.sort.partition");
    for (size_t i = 0; i < CONVERT_SORTS; i++) {
        if (json_string_is(doc, by, convert_sorts[i].openrouter))
            return convert_route_word(convert, "sort", convert_sorts[i].vercel_json);
    }
    if (!convert_is_nothing(doc, by))
        convert_warn(convert, "provider.sort");
    return CONVERT_GONE;
}

static const char promise[] = "it makes no such promise";
static const char unknown[] = "what it means there is not known";

/* What neither table names may narrow the choice: it is refused. */
static const struct convert_rule provider_to_vercel[] = {
    {"order", CONVERT_ALL, CONVERT_FORGET, NULL, NULL}, /* these four: route_choice() */
    {"only", CONVERT_ALL, CONVERT_FORGET, NULL, NULL},
    {"ignore", CONVERT_ALL, CONVERT_FORGET, NULL, NULL},
    {"allow_fallbacks", CONVERT_ALL, CONVERT_FORGET, NULL, NULL},
    {"zdr", CONVERT_ALL, CONVERT_TAKE, take_zdr, NULL},
    {"data_collection", CONVERT_ALL, CONVERT_TAKE, take_data_collection, NULL},
    {"sort", CONVERT_ALL, CONVERT_TAKE, take_sort, NULL},
    {"require_parameters", CONVERT_ALL, CONVERT_REFUSE, NULL, promise},
    {"quantizations", CONVERT_ALL, CONVERT_REFUSE, NULL, "it has no such rule"},
    {"max_price", CONVERT_ALL, CONVERT_REFUSE, NULL, "it has no such rule"},
    {"enforce_distillable_text", CONVERT_ALL, CONVERT_REFUSE, NULL, promise},
    {"data_region", CONVERT_ALL, CONVERT_REFUSE, NULL, promise},
    {"preferred_min_throughput", CONVERT_ALL, CONVERT_WARN, NULL, NULL},
    {"preferred_max_latency", CONVERT_ALL, CONVERT_WARN, NULL, NULL},
    {"options", CONVERT_ALL, CONVERT_WARN, NULL, NULL},
};

static const struct convert_rule provider_to_generic[] = {
    {"order", CONVERT_ALL, CONVERT_FORGET, NULL, NULL}, /* these four: refuse_choice() */
    {"only", CONVERT_ALL, CONVERT_FORGET, NULL, NULL},
    {"ignore", CONVERT_ALL, CONVERT_FORGET, NULL, NULL},
    {"allow_fallbacks", CONVERT_ALL, CONVERT_FORGET, NULL, NULL},
    {"zdr", CONVERT_ALL, CONVERT_REFUSE, NULL, promise},
    {"data_collection", CONVERT_ALL, CONVERT_TAKE, take_data_collection, NULL},
    {"sort", CONVERT_ALL, CONVERT_WARN, NULL, NULL},
    {"require_parameters", CONVERT_ALL, CONVERT_REFUSE, NULL, promise},
    {"quantizations", CONVERT_ALL, CONVERT_REFUSE, NULL, promise},
    {"max_price", CONVERT_ALL, CONVERT_REFUSE, NULL, promise},
    {"enforce_distillable_text", CONVERT_ALL, CONVERT_REFUSE, NULL, promise},
    {"data_region", CONVERT_ALL, CONVERT_REFUSE, NULL, promise},
    {"preferred_min_throughput", CONVERT_ALL, CONVERT_WARN, NULL, NULL},
    {"preferred_max_latency", CONVERT_ALL, CONVERT_WARN, NULL, NULL},
    {"options", CONVERT_ALL, CONVERT_WARN, NULL, NULL},
};

static const struct convert_table provider_tables[] = {
    [DIALECT_VERCEL] = {"provider.", provider_to_vercel, COUNT(provider_to_vercel), CONVERT_REFUSE,
                        unknown},
    [DIALECT_OPENAI] = {"provider.", provider_to_generic, COUNT(provider_to_generic),
                        CONVERT_REFUSE, unknown},
};

int convert_take_provider(struct convert *convert, uint32_t value)
{
    struct convert_members members;
    int error;

    if (!convert_is_said(convert->doc, value))
        return CONVERT_GONE;
    if (!convert_is(convert->doc, value, JSON_OBJECT))
        return convert_malformed(convert, "provider", "an object");
    error = convert->to == DIALECT_VERCEL ? route_choice(convert, value)
                                          : refuse_choice(convert, value);
    if (error == 0)
        error = convert_fold(convert, value, &members);
    if (error == 0)
        error = convert_apply(convert, &provider_tables[convert->to], &members);
    return error != 0 ? error : CONVERT_GONE;
}
