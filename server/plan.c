#include "server/plan.h"
#include "server/catalog.h"
#include "server/health.h"

#include <assert.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

/* Whether an upstream can be sent the request with one model. */
enum fit {
    FIT_YES,
    FIT_ROUTER,  /* only OpenRouter chooses this one */
    FIT_VARIANT, /* the id's :variant has no form there */
    FIT_LACKS,   /* its catalogue is known and has no such model */
};

struct list {
    unsigned upstream[CONFIG_UPSTREAMS_MAX];
    unsigned count;
};

static bool is_text(struct text text, const char *other)
{
    return text.len == strlen(other) && memcmp(text.bytes, other, text.len) == 0;
}

/* --- patterns --- */

/* Goes back to the last star only: what an earlier one would have to give up, this one can take. */
bool plan_pattern_matches(const char *pattern, struct text text)
{
    const char *star = NULL;
    size_t at = 0, tried = 0;

    while (at < text.len) {
        if (*pattern == '*') {
            star = pattern++;
            tried = at;
        } else if (*pattern != '\0' && *pattern == text.bytes[at]) {
            pattern++;
            at++;
        } else if (star != NULL) {
            pattern = star + 1;
            at = ++tried;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

static bool matches_one(const struct config_strings *patterns, struct text text)
{
    for (unsigned i = 0; i < patterns->count; i++)
        if (plan_pattern_matches(patterns->item[i], text))
            return true;
    return patterns->count == 0;
}

static const struct config_route *find_route(const struct plan_order *order)
{
    const char *slash =
        order->model.len > 0 ? memchr(order->model.bytes, '/', order->model.len) : NULL;
    struct text author = {order->model.bytes,
                          slash != NULL ? (size_t)(slash - order->model.bytes) : 0};

    for (unsigned i = 0; i < order->config->route_count; i++) {
        const struct config_route *route = &order->config->route[i];
        if (order->model.len == 0 && (route->models.count > 0 || route->providers.count > 0))
            continue; /* `*` is any model, not none */
        if (matches_one(&route->models, order->model) && matches_one(&route->providers, author))
            return route;
    }
    return NULL;
}

/* --- refusals --- */

/* What was asked for, in a message: ids are ASCII, and this one may come from a header. */
static void print_id(struct text id, char text[ROW_NAME_MAX + 1])
{
    size_t len = id.len < ROW_NAME_MAX ? id.len : ROW_NAME_MAX;

    for (size_t i = 0; i < len; i++)
        text[i] = id.bytes[i] < 0x20 || id.bytes[i] > 0x7e ? '?' : id.bytes[i];
    text[len] = '\0';
}

static enum problem refuse_forced(const struct plan_order *order, struct plan *plan)
{
    const struct config *config = order->config;
    size_t len = (size_t)snprintf(plan->detail, sizeof plan->detail,
                                  "X-Tollgate-Upstream names no upstream; there are");

    /* The value is not repeated: it may be anything, a key put into the wrong header too. */
    for (unsigned i = 0; i < config->upstream_count; i++) {
        if (len + strlen(config->upstream[i].name) + 3 > sizeof plan->detail)
            break;
        len += (size_t)snprintf(plan->detail + len, sizeof plan->detail - len, "%s%s",
                                i > 0 ? ", " : " ", config->upstream[i].name);
    }
    return PROBLEM_BAD_REQUEST;
}

static enum problem refuse_model(const struct plan_order *order, enum fit fit, struct plan *plan)
{
    char id[ROW_NAME_MAX + 1];
    const char *colon;

    print_id(order->model, id);
    colon = strrchr(id, ':');
    if (fit == FIT_ROUTER) {
        snprintf(plan->detail, sizeof plan->detail,
                 "%.200s is chosen by OpenRouter; configure an upstream with dialect openrouter",
                 id);
        return PROBLEM_BAD_REQUEST;
    }
    if (fit == FIT_VARIANT && colon == NULL) {
        snprintf(plan->detail, sizeof plan->detail,
                 "%.200s is known to Vercel only; configure an upstream with dialect vercel", id);
        return PROBLEM_BAD_REQUEST;
    }
    if (fit == FIT_VARIANT) {
        snprintf(plan->detail, sizeof plan->detail,
                 "%.160s: no upstream of this request has a form for the variant %.60s", id, colon);
        return PROBLEM_BAD_REQUEST;
    }
    if (order->from == DIALECT_OPENROUTER)
        snprintf(plan->detail, sizeof plan->detail, "%s is not a valid model ID", id);
    else
        snprintf(plan->detail, sizeof plan->detail, "Model '%s' not found", id);
    return PROBLEM_MODEL;
}

/* --- one model on one upstream --- */

static bool begins(const char *id, const char *with)
{
    return strncmp(id, with, strlen(with)) == 0;
}

/* Ids that work although no catalogue lists them. */
static bool is_never_listed(enum config_dialect dialect, const char *id)
{
    if (dialect == DIALECT_VERCEL)
        return begins(id, "vmc/"); /* virtual models of the account */
    if (dialect == DIALECT_OPENROUTER)
        return *id == '~' || *id == '@'; /* aliases, presets that are kept there */
    return false;
}

/* The id without its variant: OpenRouter lists few of them apart. Only what costs nothing is a
 * model of its own. */
static struct text base_of(const char *id)
{
    const char *colon = strrchr(id, ':');

    if (colon == NULL || colon == id || strcmp(colon, ":free") == 0)
        return text_of(id);
    return (struct text){id, (size_t)(colon - id)};
}

/* May shorten id to the form under which it is listed. */
static bool lacks(const struct plan_order *order, unsigned upstream, char id[ROW_NAME_MAX + 1])
{
    enum config_dialect dialect = order->config->upstream[upstream].dialect;
    const char *slash = strchr(id, '/');

    if (order->catalogs == NULL || *id == '\0' || is_never_listed(dialect, id))
        return false;
    if (catalogs_has(order->catalogs, upstream, text_of(id)) != CATALOG_NO)
        return false;
    if (dialect == DIALECT_OPENROUTER)
        return catalogs_has(order->catalogs, upstream, base_of(id)) == CATALOG_NO;
    if (dialect != DIALECT_OPENAI || slash == NULL || slash[1] == '\0' ||
        catalogs_has(order->catalogs, upstream, text_of(slash + 1)) == CATALOG_NO)
        return true;
    memmove(id, slash + 1, strlen(slash + 1) + 1);
    return false;
}

/* Whoever asks for it and in whose words: OpenRouter's routers are nobody else's models. */
static bool is_router(const struct plan_order *order, struct text id)
{
    char words[ROW_NAME_MAX + 1];
    const char *sort = NULL;

    return model_map_model(order->map, DIALECT_OPENROUTER, DIALECT_VERCEL, id, false, words,
                           &sort) == MODEL_MAP_ROUTER;
}

/* An id in the other vendor's words, or without its author: understood where the catalogue proves
 * that it is there. So one list of fallback models serves clients of both dialects. */
static bool is_known_otherwise(const struct plan_order *order, unsigned upstream, struct text id,
                               char words[ROW_NAME_MAX + 1], const char **ret_sort)
{
    enum config_dialect to = order->config->upstream[upstream].dialect;
    enum config_dialect other =
        order->from == DIALECT_OPENROUTER ? DIALECT_VERCEL : DIALECT_OPENROUTER;
    /* A generic upstream may list either vendor's ids. */
    enum config_dialect said = to == DIALECT_OPENAI ? order->from : other;
    enum config_dialect meant = to == DIALECT_OPENAI ? other : to;
    char again[ROW_NAME_MAX + 1];
    const char *sort;

    if (model_map_model(order->map, said, meant, id, order->reasoning_off, again, &sort) !=
            MODEL_MAP_MAPPED ||
        catalogs_has(order->catalogs, upstream, text_of(again)) != CATALOG_YES)
        return false;
    memcpy(words, again, strlen(again) + 1);
    *ret_sort = sort;
    return true;
}

/* words: the id as the upstream says it. */
static enum fit fit(const struct plan_order *order, unsigned upstream, struct text id,
                    char words[ROW_NAME_MAX + 1], const char **ret_sort)
{
    enum config_dialect to = order->config->upstream[upstream].dialect;
    enum model_map_result result;

    words[0] = '\0';
    *ret_sort = NULL;
    if (id.len == 0)
        return FIT_YES;
    result =
        model_map_model(order->map, order->from, to, id, order->reasoning_off, words, ret_sort);
    if (is_router(order, id))
        return to == DIALECT_OPENROUTER ? FIT_YES : FIT_ROUTER;
    if (result == MODEL_MAP_ROUTER)
        return FIT_ROUTER;
    if (result == MODEL_MAP_VARIANT)
        return FIT_VARIANT;
    return lacks(order, upstream, words) &&
                   !is_known_otherwise(order, upstream, id, words, ret_sort)
               ? FIT_LACKS
               : FIT_YES;
}

/* --- the order of upstreams --- */

/* Rules 1 and 2, and which upstreams speak the protocol at all. */
static enum problem list_upstreams(const struct plan_order *order, const struct config_route *route,
                                   struct list *list, struct plan *plan)
{
    const struct config *config = order->config;

    list->count = 0;
    for (unsigned i = 0; order->forced.len > 0 && i < config->upstream_count; i++)
        if (is_text(order->forced, config->upstream[i].name))
            list->upstream[list->count++] = i;
    if (order->forced.len > 0) {
        snprintf(plan->why, sizeof plan->why, "forced");
        return list->count > 0 ? PROBLEMS : refuse_forced(order, plan);
    }
    if (route != NULL && route->upstream_count > 0) {
        memcpy(list->upstream, route->upstream, route->upstream_count * sizeof *route->upstream);
        list->count = route->upstream_count;
    } else {
        for (unsigned i = 0; i < config->upstream_count; i++)
            list->upstream[list->count++] = i;
    }
    if (route != NULL && route->upstreams.count > 0)
        snprintf(plan->why, sizeof plan->why, "route %s", route->name);
    else
        snprintf(plan->why, sizeof plan->why, "first");
    return PROBLEMS;
}

static bool speaks(const struct plan_order *order, unsigned upstream)
{
    return !order->ai_sdk || order->config->upstream[upstream].dialect == DIALECT_VERCEL;
}

static enum problem leave_speakers(const struct plan_order *order, struct list *list,
                                   struct plan *plan)
{
    unsigned kept = 0;

    assert(list->count > 0);
    if (!speaks(order, list->upstream[0]) && order->forced.len == 0)
        snprintf(plan->why, sizeof plan->why, "dialect");
    for (unsigned i = 0; i < list->count; i++)
        if (speaks(order, list->upstream[i]))
            list->upstream[kept++] = list->upstream[i];
    list->count = kept;
    if (kept > 0)
        return PROBLEMS;
    snprintf(plan->detail, sizeof plan->detail,
             "the AI SDK protocol needs an upstream with dialect vercel");
    return PROBLEM_BAD_REQUEST;
}

/* Rules 3 and 4: those that can take the first model, and the others, each in their order. Without
 * the former a fallback may lead where the model is merely missing; what cannot be asked for in
 * that form is refused: the client is to know. */
static enum problem part(const struct plan_order *order, const struct list *list, bool fallbacks,
                         struct list *able, struct list *others, struct plan *plan)
{
    bool seen[FIT_LACKS + 1] = {false};
    enum fit first = FIT_YES;
    char words[ROW_NAME_MAX + 1];
    const char *sort;

    able->count = others->count = 0;
    for (unsigned i = 0; i < list->count; i++) {
        enum fit one = fit(order, list->upstream[i], order->model, words, &sort);
        struct list *to = one == FIT_YES ? able : others;
        to->upstream[to->count++] = list->upstream[i];
        seen[one] = true;
        if (i == 0)
            first = one;
    }
    if (able->count == 0 && !(fallbacks && seen[FIT_LACKS]))
        return refuse_model(order,
                            seen[FIT_ROUTER]    ? FIT_ROUTER
                            : seen[FIT_VARIANT] ? FIT_VARIANT
                                                : FIT_LACKS,
                            plan);
    if (first != FIT_YES && order->forced.len == 0)
        snprintf(plan->why, sizeof plan->why, "%s", first == FIT_LACKS ? "catalog" : "dialect");
    return PROBLEMS;
}

/* Rule 5. */
static bool is_split_off(const struct plan_order *order, int64_t split_ppm)
{
    static const char prefix[] = "tollgate_routing_";
    struct text who = order->user.len > 0 ? order->user : order->key_id;
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char text[sizeof prefix + 3 * ROW_NAME_MAX];
    size_t len = sizeof prefix - 1;
    uint32_t first;

    if (split_ppm <= 0)
        return false;
    assert(who.len <= ROW_NAME_MAX && order->model.len <= ROW_NAME_MAX);
    memcpy(text, prefix, len);
    if (who.len > 0)
        memcpy(text + len, who.bytes, who.len);
    len += who.len;
    if (order->model.len > 0)
        memcpy(text + len, order->model.bytes, order->model.len);
    SHA256((const unsigned char *)text, len + order->model.len, digest);
    first = (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 | (uint32_t)digest[2] << 8 |
            digest[3];
    return first % 1000000 < split_ppm;
}

static void split(const struct plan_order *order, const struct config_route *route,
                  struct list *able, struct plan *plan)
{
    if (route == NULL || order->forced.len > 0 || route->upstream_count < 2 || able->count < 2 ||
        able->upstream[0] != route->upstream[0] || able->upstream[1] != route->upstream[1] ||
        !is_split_off(order, route->split_ppm))
        return;
    able->upstream[0] = route->upstream[1];
    able->upstream[1] = route->upstream[0];
    snprintf(plan->why, sizeof plan->why, "split");
}

/* Rule 6. True: another one comes first now. */
static bool sort_by_health(const struct plan_order *order, struct list *list)
{
    struct list well = {.count = 0}, avoided = {.count = 0};
    bool moved;

    if (order->health == NULL || list->count < 2)
        return false;
    for (unsigned i = 0; i < list->count; i++) {
        struct list *to =
            health_should_avoid(order->health, list->upstream[i], order->model, order->now_ms)
                ? &avoided
                : &well;
        to->upstream[to->count++] = list->upstream[i];
    }
    moved = well.count > 0 && well.upstream[0] != list->upstream[0];
    memcpy(list->upstream, well.upstream, well.count * sizeof *well.upstream);
    memcpy(list->upstream + well.count, avoided.upstream, avoided.count * sizeof *well.upstream);
    return moved;
}

/* --- attempts --- */

struct fallbacks {
    struct text id[PLAN_MODELS_MAX];
    unsigned count;
};

static void add_fallback(const struct plan_order *order, struct fallbacks *fallbacks,
                         struct text id)
{
    bool known = id.len == 0 || id.len > ROW_NAME_MAX || memchr(id.bytes, 0, id.len) != NULL ||
                 fallbacks->count == PLAN_MODELS_MAX ||
                 (id.len == order->model.len && memcmp(id.bytes, order->model.bytes, id.len) == 0);

    for (unsigned i = 0; i < fallbacks->count && !known; i++)
        known =
            id.len == fallbacks->id[i].len && memcmp(id.bytes, fallbacks->id[i].bytes, id.len) == 0;
    if (!known)
        fallbacks->id[fallbacks->count++] = id;
}

static void gather_fallbacks(const struct plan_order *order, const struct config_route *route,
                             struct fallbacks *fallbacks)
{
    fallbacks->count = 0;
    if (order->model.len == 0)
        return; /* forwarded as it is: there is nothing that another could be put in place of */
    for (unsigned i = 0; i < order->fallback_count; i++)
        add_fallback(order, fallbacks, order->fallbacks[i]);
    for (unsigned i = 0;
         route != NULL && order->fallback_count == 0 && i < route->fallback_models.count; i++)
        add_fallback(order, fallbacks, text_of(route->fallback_models.item[i]));
}

static bool tries_models(const struct plan_order *order, unsigned upstream)
{
    return order->config->upstream[upstream].dialect != DIALECT_OPENAI;
}

static void add_model(struct plan_attempt *attempt, const char *words)
{
    bool known = attempt->model_count == PLAN_MODELS_MAX || strcmp(attempt->model, words) == 0;

    for (unsigned i = 0; i < attempt->model_count && !known; i++)
        known = strcmp(attempt->models[i], words) == 0;
    if (!known)
        memcpy(attempt->models[attempt->model_count++], words, strlen(words) + 1);
}

/* One more attempt, with model `id` and the fallbacks from number `next` on. False: it does not fit
 * there, or the plan is full. */
static bool add_attempt(const struct plan_order *order, unsigned upstream, struct text id,
                        const struct fallbacks *fallbacks, unsigned next, struct plan *plan)
{
    struct plan_attempt *attempt = &plan->attempt[plan->count];
    char words[ROW_NAME_MAX + 1];
    const char *sort;

    if (plan->count == PLAN_ATTEMPTS_MAX)
        return false;
    if (fit(order, upstream, id, attempt->model, &attempt->sort) != FIT_YES)
        return false;
    for (unsigned i = 0; i < plan->count; i++)
        if (plan->attempt[i].upstream == upstream &&
            strcmp(plan->attempt[i].model, attempt->model) == 0)
            return false; /* two names of one model: it was tried already */
    attempt->upstream = upstream;
    attempt->model_count = 0;
    memcpy(attempt->said, id.bytes, id.len);
    attempt->said[id.len] = '\0';
    for (unsigned i = next; tries_models(order, upstream) && i < fallbacks->count; i++)
        if (fit(order, upstream, fallbacks->id[i], words, &sort) == FIT_YES)
            add_model(attempt, words);
    plan->count++;
    return true;
}

/* Rule 7. */
static void add_attempts(const struct plan_order *order, const struct fallbacks *fallbacks,
                         const struct list *able, const struct list *others, struct plan *plan)
{
    bool begun[CONFIG_UPSTREAMS_MAX] = {false};

    plan->count = 0;
    for (unsigned i = 0; i < able->count; i++)
        add_attempt(order, able->upstream[i], order->model, fallbacks, 0, plan);
    for (unsigned n = 0; n < fallbacks->count; n++) {
        for (unsigned i = 0; i < able->count; i++)
            if (!tries_models(order, able->upstream[i]))
                add_attempt(order, able->upstream[i], fallbacks->id[n], fallbacks, n + 1, plan);
        for (unsigned i = 0; i < others->count; i++) {
            unsigned upstream = others->upstream[i];
            if (!begun[upstream] &&
                add_attempt(order, upstream, fallbacks->id[n], fallbacks, n + 1, plan))
                begun[upstream] = tries_models(order, upstream);
        }
    }
}

enum problem plan_make(const struct plan_order *order, struct plan *plan)
{
    const struct config_route *route = find_route(order);
    struct list list, able, others;
    struct fallbacks fallbacks;
    enum problem problem;

    assert(order->fallback_count <= PLAN_MODELS_MAX);
    assert(order->config->upstream_count > 0);
    plan->count = 0;
    plan->why[0] = plan->detail[0] = '\0';
    if (order->model.len > ROW_NAME_MAX) {
        snprintf(plan->detail, sizeof plan->detail, "model is longer than %d bytes", ROW_NAME_MAX);
        return PROBLEM_BAD_REQUEST;
    }
    if (order->model.len > 0 && memchr(order->model.bytes, 0, order->model.len) != NULL)
        return refuse_model(order, FIT_LACKS, plan); /* what stands before the NUL is another */
    gather_fallbacks(order, route, &fallbacks);
    problem = list_upstreams(order, route, &list, plan);
    if (problem == PROBLEMS)
        problem = leave_speakers(order, &list, plan);
    if (problem == PROBLEMS)
        problem = part(order, &list, fallbacks.count > 0, &able, &others, plan);
    if (problem != PROBLEMS)
        return problem;
    split(order, route, &able, plan);
    if (sort_by_health(order, &able) && order->forced.len == 0)
        snprintf(plan->why, sizeof plan->why, "health");
    sort_by_health(order, &others);
    add_attempts(order, &fallbacks, &able, &others, plan);
    if (plan->count == 0)
        return refuse_model(order, FIT_LACKS, plan);
    if (plan->count == 1 && strcmp(plan->why, "first") == 0)
        snprintf(plan->why, sizeof plan->why, "only");
    return PROBLEMS;
}
