#include "server/compare_models.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- the list --- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* What is left of a line without comment and blanks. */
static struct text trim(const char *line, size_t len)
{
    size_t from = 0;

    for (size_t i = 0; i < len; i++) {
        if (line[i] == '#' && (i == 0 || is_blank(line[i - 1])))
            len = i;
    }
    while (from < len && is_blank(line[from]))
        from++;
    while (len > from && is_blank(line[len - 1]))
        len--;
    return (struct text){line + from, len - from};
}

/* Terminals show it and tables align it. */
static bool is_id(struct text id)
{
    for (size_t i = 0; i < id.len; i++) {
        if (id.bytes[i] <= ' ' || id.bytes[i] > '~' || id.bytes[i] == '"')
            return false;
    }
    return id.len > 0 && id.len <= ROW_NAME_MAX;
}

/* `model@preset/name`: the model. */
static struct text without_preset(struct text id)
{
    const char *mark = memmem(id.bytes, id.len, "@preset", strlen("@preset"));

    return mark == NULL ? id : (struct text){id.bytes, (size_t)(mark - id.bytes)};
}

static int compare_texts(struct text a, struct text b)
{
    int order = memcmp(a.bytes, b.bytes, a.len < b.len ? a.len : b.len);

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

struct place_in_list {
    struct text id;
    unsigned at;
};

static int compare_places(const void *a, const void *b)
{
    const struct place_in_list *one = a, *other = b;
    int order = compare_texts(one->id, other->id);

    return order != 0 ? order : (one->at > other->at) - (one->at < other->at);
}

/* Keeps the first of each, in the list's order. */
static int drop_repeated(struct compare_ids *ids)
{
    struct place_in_list *sorted = calloc(ids->count + 1, sizeof(*sorted));
    bool *repeated = calloc(ids->count + 1, sizeof(*repeated));
    unsigned kept = 0;
    int error = sorted == NULL || repeated == NULL ? -ENOMEM : 0;

    for (unsigned i = 0; error == 0 && i < ids->count; i++)
        sorted[i] = (struct place_in_list){ids->id[i], i};
    if (error == 0)
        qsort(sorted, ids->count, sizeof(*sorted), compare_places);
    for (unsigned i = 1; error == 0 && i < ids->count; i++)
        repeated[sorted[i].at] = compare_texts(sorted[i - 1].id, sorted[i].id) == 0;
    for (unsigned i = 0; error == 0 && i < ids->count; i++) {
        if (!repeated[i])
            ids->id[kept++] = ids->id[i];
    }
    if (error == 0)
        ids->count = kept;
    free(sorted);
    free(repeated);
    return error;
}

int compare_ids_read(const char *text, size_t len, struct compare_ids *ids, char *error,
                     size_t error_size)
{
    unsigned line = 0;

    ids->count = 0;
    for (size_t at = 0; at < len;) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t line_len = end != NULL ? (size_t)(end - text) - at : len - at;
        struct text id = trim(text + at, line_len);

        line++;
        at += line_len + 1;
        if (id.len == 0)
            continue;
        id = without_preset(id);
        if (id.len == 0)
            continue; /* the preset's own model is in the configuration */
        if (!is_id(id)) {
            snprintf(error, error_size,
                     "line %u: is no model id; write one a line, without quotes or commas", line);
            return -EINVAL;
        }
        if (ids->count == COMPARE_IDS_MAX) {
            snprintf(error, error_size, "line %u: more than %d ids; split the list", line,
                     COMPARE_IDS_MAX);
            return -EINVAL;
        }
        ids->id[ids->count++] = id;
    }
    return drop_repeated(ids);
}

/* --- one id at one upstream --- */

static struct text vendor_of(struct text id)
{
    const char *slash = memchr(id.bytes, '/', id.len);

    return (struct text){id.bytes, slash != NULL ? (size_t)(slash - id.bytes) : 0};
}

static struct text without_variant(struct text id)
{
    const char *colon = memrchr(id.bytes, ':', id.len);

    return colon == NULL ? id : (struct text){id.bytes, (size_t)(colon - id.bytes)};
}

static struct text behind(struct text id, struct text front)
{
    return (struct text){id.bytes + front.len, id.len - front.len};
}

/* What the map did, told by what came of it. */
static const char *why_mapped(struct text id, struct text mapped)
{
    struct text plain = without_variant(id);
    struct text rest = behind(plain, vendor_of(plain));
    bool same_vendor = compare_texts(vendor_of(id), vendor_of(mapped)) == 0;
    bool same_rest = compare_texts(rest, behind(mapped, vendor_of(mapped))) == 0;
    bool dropped = plain.len != id.len;

    if (vendor_of(id).len == 0)
        return "vendor added";
    if (same_rest && dropped)
        return same_vendor ? "variant dropped" : "vendor's other name, variant dropped";
    if (same_rest)
        return "vendor's other name";
    return "listed pair";
}

static enum catalog_has has(const struct catalog *catalog, struct text id)
{
    if (catalog == NULL)
        return CATALOG_UNKNOWN;
    return catalog_has(catalog, id) ? CATALOG_YES : CATALOG_NO;
}

static void set_place(struct compare_place *place, struct text model, const char *why,
                      enum catalog_has known)
{
    assert(model.len <= ROW_NAME_MAX);
    memmove(place->model, model.bytes, model.len);
    place->model[model.len] = '\0';
    place->why = why;
    place->has = known;
}

/* Sorts and plugins by suffix are OpenRouter's own and in no catalogue: the model itself is. */
static bool is_openrouter_suffix(struct text id)
{
    static const char *const suffixes[] = {":nitro", ":floor", ":online", ":exacto"};
    struct text suffix = behind(id, without_variant(id));

    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        if (compare_texts(suffix, text_of(suffixes[i])) == 0)
            return true;
    }
    return false;
}

static enum config_dialect dialect_of(const struct model_map *map, struct text id)
{
    char mapped[ROW_NAME_MAX + 1];
    const char *sort = NULL;

    return model_map_model(map, DIALECT_OPENROUTER, DIALECT_VERCEL, id, false, mapped, &sort) ==
                   MODEL_MAP_SAME
               ? DIALECT_VERCEL
               : DIALECT_OPENROUTER;
}

void compare_place(const struct model_map *map, enum config_dialect upstream,
                   const struct catalog *catalog, struct text id, struct compare_place *ret_place)
{
    enum config_dialect from = dialect_of(map, id);
    enum model_map_result result = MODEL_MAP_SAME;
    char mapped[ROW_NAME_MAX + 1];
    const char *sort = NULL;

    if (from != upstream)
        result = model_map_model(map, from, upstream, id, false, mapped, &sort);
    set_place(ret_place, id, "the same there", has(catalog, id));
    if (result == MODEL_MAP_ROUTER) {
        set_place(ret_place, id, "a router, which only an openrouter upstream has", CATALOG_NO);
    } else if (result == MODEL_MAP_VARIANT) {
        set_place(ret_place, id, "has no form there", CATALOG_NO);
    } else if (result == MODEL_MAP_MAPPED) {
        enum catalog_has there = has(catalog, text_of(mapped));

        /* The id itself, when only that exists, is what a client in the other dialect would get. */
        if (there != CATALOG_NO || ret_place->has != CATALOG_YES)
            set_place(ret_place, text_of(mapped), why_mapped(id, text_of(mapped)), there);
    } else if (upstream == DIALECT_OPENROUTER && ret_place->has == CATALOG_NO &&
               is_openrouter_suffix(id)) {
        set_place(ret_place, id, "the same there, a suffix that the router reads",
                  has(catalog, without_variant(id)));
    }
}

/* --- the report --- */

static int widest_id(const struct compare_ids *ids)
{
    size_t widest = strlen("MODEL");

    for (unsigned i = 0; i < ids->count; i++)
        widest = ids->id[i].len > widest ? ids->id[i].len : widest;
    return widest < 60 ? (int)widest : 60;
}

static int widest_name(const struct config *config)
{
    size_t widest = strlen("UPSTREAM");

    for (unsigned i = 0; i < config->upstream_count; i++) {
        size_t len = strlen(config->upstream[i].name);

        widest = len > widest ? len : widest;
    }
    return (int)widest;
}

static void print_json(const struct config *config, struct text id,
                       const struct compare_place *places, bool exists, FILE *out)
{
    static const char *const answers[] = {
        [CATALOG_UNKNOWN] = "null", [CATALOG_YES] = "true", [CATALOG_NO] = "false"};
    struct out line = OUT_INIT;

    out_text(&line, "{\"id\":");
    out_string(&line, id);
    out_text(&line,
             exists ? ",\"exists\":true,\"upstreams\":[" : ",\"exists\":false,\"upstreams\":[");
    for (unsigned i = 0; i < config->upstream_count; i++) {
        out_text(&line, i > 0 ? ",{\"upstream\":" : "{\"upstream\":");
        out_string(&line, text_of(config->upstream[i].name));
        out_text(&line, ",\"model\":");
        out_string(&line, text_of(places[i].model));
        out_text(&line, ",\"found\":");
        out_text(&line, answers[places[i].has]);
        out_text(&line, ",\"why\":");
        out_string(&line, text_of(places[i].why));
        out_char(&line, '}');
    }
    out_text(&line, "]}\n");
    if (line.error == 0)
        fwrite(line.bytes, 1, line.len, out);
    out_release(&line);
}

static void print_rows(const struct config *config, struct text id,
                       const struct compare_place *places, int id_width, int name_width, FILE *out)
{
    static const char *const answers[] = {
        [CATALOG_UNKNOWN] = "unknown", [CATALOG_YES] = "found", [CATALOG_NO] = "missing"};

    for (unsigned i = 0; i < config->upstream_count; i++)
        fprintf(out, "%-*.*s  %-*s  %-7s  %-*s  %s\n", id_width, i == 0 ? (int)id.len : 0, id.bytes,
                name_width, config->upstream[i].name, answers[places[i].has], id_width,
                places[i].model, places[i].why);
}

unsigned compare_models_print(const struct config *config, const struct model_map *map,
                              struct catalog *const *catalogs, const struct compare_ids *ids,
                              bool json, FILE *out)
{
    int id_width = widest_id(ids), name_width = widest_name(config);
    unsigned missing = 0;

    if (!json)
        fprintf(out, "%-*s  %-*s  %-7s  %-*s  %s\n", id_width, "MODEL", name_width, "UPSTREAM", "",
                id_width, "CALLED THERE", "WHY");
    for (unsigned n = 0; n < ids->count; n++) {
        struct compare_place places[CONFIG_UPSTREAMS_MAX];
        bool exists = false;

        for (unsigned i = 0; i < config->upstream_count; i++) {
            compare_place(map, config->upstream[i].dialect, catalogs[i], ids->id[n], &places[i]);
            exists = exists || places[i].has == CATALOG_YES;
        }
        missing += exists ? 0 : 1;
        if (json)
            print_json(config, ids->id[n], places, exists, out);
        else
            print_rows(config, ids->id[n], places, id_width, name_width, out);
    }
    if (!json)
        fprintf(out, "%u of %u exist\n", ids->count - missing, ids->count);
    return missing;
}
