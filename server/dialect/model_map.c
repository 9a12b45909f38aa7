#include "server/dialect/model_map_private.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- building --- */

/* Doubling, so that count is a power of two whenever the array is full. */
static int grow(void **array, unsigned count, size_t size)
{
    void *larger;

    if (count != 0 && (count & (count - 1)) != 0)
        return 0;
    larger = reallocarray(*array, count == 0 ? 1 : (size_t)count * 2, size);
    if (larger == NULL)
        return -ENOMEM;
    *array = larger;
    return 0;
}

int model_map_add(struct model_map *map, enum map_tables table, const struct map_entry *entry)
{
    void *entries = map->entries[table];
    int error = grow(&entries, map->entry_count[table], sizeof(*entry));

    map->entries[table] = entries;
    if (error == 0)
        map->entries[table][map->entry_count[table]++] = *entry;
    return error;
}

int model_map_add_pattern(struct model_map *map, enum map_lists list, const char *pattern)
{
    void *patterns = map->patterns[list];
    int error = grow(&patterns, map->pattern_count[list], sizeof(pattern));

    map->patterns[list] = patterns;
    if (error == 0)
        map->patterns[list][map->pattern_count[list]++] = pattern;
    return error;
}

int model_map_add_shipped(struct model_map *map)
{
    for (unsigned table = 0; table < MAP_TABLES; table++) {
        const struct map_table *shipped = &model_map_shipped_table[table];

        for (unsigned i = 0; i < shipped->count; i++) {
            if (model_map_add(map, (enum map_tables)table, &shipped->entries[i]) != 0)
                return -ENOMEM;
        }
    }
    for (unsigned list = 0; list < MAP_LISTS; list++) {
        const struct map_patterns *shipped = &model_map_shipped_patterns[list];

        for (unsigned i = 0; i < shipped->count; i++) {
            if (model_map_add_pattern(map, (enum map_lists)list, shipped->patterns[i]) != 0)
                return -ENOMEM;
        }
    }
    return 0;
}

static int by_name_and_place(const void *a, const void *b)
{
    const struct map_sorted *one = a, *other = b;
    int order = strcmp(one->name, other->name);

    if (order != 0)
        return order;
    return (one->entry > other->entry) - (one->entry < other->entry);
}

/* Entries do not move any more: their addresses are their places. */
static int build_index(struct model_map *map, enum map_tables table)
{
    size_t count = map->entry_count[table];
    struct map_index *forward = &map->forward[table], *backward = &map->backward[table];

    forward->names = reallocarray(NULL, count + 1, sizeof(struct map_sorted));
    backward->names = reallocarray(NULL, 2 * count + 1, sizeof(struct map_sorted));
    if (forward->names == NULL || backward->names == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        const struct map_entry *entry = &map->entries[table][i];

        forward->names[forward->count++] = (struct map_sorted){entry->openrouter, entry};
        if (entry->one_way)
            continue;
        backward->names[backward->count++] = (struct map_sorted){entry->vercel, entry};
        if (table == MAP_MODELS && entry->third != NULL)
            backward->names[backward->count++] = (struct map_sorted){entry->third, entry};
    }
    qsort(forward->names, forward->count, sizeof(struct map_sorted), by_name_and_place);
    qsort(backward->names, backward->count, sizeof(struct map_sorted), by_name_and_place);
    return 0;
}

int model_map_open(const char *path, struct model_map **ret_map, char *error, size_t error_size)
{
    struct model_map *map = calloc(1, sizeof(*map));
    int result = map == NULL ? -ENOMEM : 0;

    if (result == 0)
        result = path == NULL ? model_map_add_shipped(map)
                              : model_map_read(map, path, error, error_size);
    for (unsigned table = 0; result == 0 && table < MAP_TABLES; table++)
        result = build_index(map, (enum map_tables)table);
    if (result != 0) {
        if (result == -ENOMEM)
            snprintf(error, error_size, "%s: no memory", path == NULL ? "models" : path);
        model_map_free(map);
        return result;
    }
    *ret_map = map;
    return 0;
}

void model_map_free(struct model_map *map)
{
    if (map == NULL)
        return;
    for (unsigned table = 0; table < MAP_TABLES; table++) {
        free(map->entries[table]);
        free(map->forward[table].names);
        free(map->backward[table].names);
    }
    for (unsigned list = 0; list < MAP_LISTS; list++)
        free(map->patterns[list]);
    free(map->text);
    free(map);
}

/* --- looking up --- */

/* text may hold NUL bytes: a client wrote it. */
static int compare(const char *name, const char *text, size_t len)
{
    size_t name_len = strlen(name);
    int order = memcmp(name, text, name_len < len ? name_len : len);

    return order != 0 ? order : (name_len > len) - (name_len < len);
}

/* Of the first entry that is not before that name. */
static unsigned find_place(const struct map_index *index, const char *name, size_t len)
{
    unsigned low = 0, high = index->count;

    while (low < high) {
        unsigned middle = low + (high - low) / 2;

        if (compare(index->names[middle].name, name, len) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at(const struct map_index *index, unsigned place, const char *name, size_t len)
{
    return place < index->count && compare(index->names[place].name, name, len) == 0;
}

const struct map_entry *model_map_find(const struct map_index *index, const char *name, size_t len)
{
    unsigned place = find_place(index, name, len);

    return is_at(index, place, name, len) ? index->names[place].entry : NULL;
}

static bool matches(const char *pattern, const char *text, size_t text_len)
{
    size_t len = strlen(pattern);

    if (len > 0 && pattern[len - 1] == '*')
        return text_len >= len - 1 && memcmp(pattern, text, len - 1) == 0;
    return text_len == len && memcmp(pattern, text, len) == 0;
}

static bool is_listed(const struct model_map *map, enum map_lists list, const char *text,
                      size_t len)
{
    for (unsigned i = 0; i < map->pattern_count[list]; i++) {
        if (matches(map->patterns[list][i], text, len))
            return true;
    }
    return false;
}

/* An id while it is being changed. It may outgrow what an id may be; then it stays as it came. */
struct name {
    char bytes[2 * ROW_NAME_MAX + 2];
    size_t len;
};

static void set_name(struct name *name, const char *bytes, size_t len)
{
    assert(len < sizeof(name->bytes));
    memcpy(name->bytes, bytes, len);
    name->len = len;
}

/* Replaces the first cut bytes by a text. */
static void set_front(struct name *name, size_t cut, const char *front)
{
    size_t len = strlen(front);

    assert(cut <= name->len);
    if (name->len - cut + len >= sizeof(name->bytes))
        return;
    memmove(name->bytes + len, name->bytes + cut, name->len - cut);
    memcpy(name->bytes, front, len);
    name->len += len - cut;
}

/* gpt-4o -> openai/gpt-4o: a convenience for clients that never named a vendor. */
static void add_vendor(const struct model_map *map, struct name *name)
{
    if (memchr(name->bytes, '/', name->len) != NULL)
        return;
    for (unsigned i = 0; i < map->entry_count[MAP_BARE]; i++) {
        const struct map_entry *entry = &map->entries[MAP_BARE][i];
        size_t len = strlen(entry->openrouter);

        if (name->len >= len && memcmp(name->bytes, entry->openrouter, len) == 0) {
            set_front(name, 0, "/");
            set_front(name, 0, entry->vercel);
            return;
        }
    }
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* claude-haiku-4-5-20251001, claude-haiku-4-5-latest -> claude-haiku-4.5: as Claude's own vendor
 * writes it, and as both catalogues do. Only one digit on either side is a version: 3-7 is,
 * 4-20250514 is not. */
static void undash(const struct model_map *map, struct name *name)
{
    static const char latest[] = "-latest";
    size_t digits = 0, ending = sizeof(latest) - 1;

    if (!is_listed(map, MAP_DASHED, name->bytes, name->len))
        return;
    if (name->len > ending && memcmp(name->bytes + name->len - ending, latest, ending) == 0)
        name->len -= ending;
    while (digits < name->len && is_digit(name->bytes[name->len - 1 - digits]))
        digits++;
    if (digits == 8 && name->len > 9 && name->bytes[name->len - 9] == '-')
        name->len -= 9;
    for (size_t i = 1; i + 3 < name->len; i++) {
        const char *at = name->bytes + i;
        bool ends = i + 4 == name->len || at[4] == '-' || at[4] == ':';

        if (at[0] == '-' && is_digit(at[1]) && at[2] == '-' && is_digit(at[3]) && ends)
            name->bytes[i + 2] = '.';
    }
}

static bool set_pair(const struct model_map *map, bool reasoning_off, struct name *name)
{
    const struct map_entry *entry =
        model_map_find(&map->forward[MAP_MODELS], name->bytes, name->len);
    const char *id;

    if (entry == NULL)
        return false;
    id = reasoning_off && entry->third != NULL ? entry->third : entry->vercel;
    set_name(name, id, strlen(id));
    return true;
}

/* The last of the variants. Of two sorts the last one said counts. False: it has no form on Vercel.
 */
static bool drop_variant(const struct model_map *map, struct name *name, const char **ret_sort)
{
    const char *first = memchr(name->bytes, ':', name->len);
    const char *colon = memrchr(name->bytes, ':', name->len);
    const struct map_entry *entry;
    size_t at, len;

    assert(colon != NULL);
    at = (size_t)(colon - name->bytes);
    len = name->len - at - 1;
    entry = model_map_find(&map->forward[MAP_VARIANTS], colon + 1, len);
    if (entry != NULL && *ret_sort == NULL)
        *ret_sort = entry->vercel;
    else if (entry == NULL &&
             (len != 4 || memcmp(colon + 1, "free", 4) != 0 ||
              !is_listed(map, MAP_FREE, name->bytes, (size_t)(first - name->bytes))))
        return false;
    name->len = at;
    return true;
}

static void set_vendor(const struct model_map *map, bool to_vercel, struct name *name)
{
    const char *slash = memchr(name->bytes, '/', name->len);
    const struct map_index *index =
        to_vercel ? &map->forward[MAP_VENDORS] : &map->backward[MAP_VENDORS];
    const struct map_entry *entry;
    size_t len;

    if (slash == NULL)
        return;
    len = (size_t)(slash - name->bytes);
    entry = model_map_find(index, name->bytes, len);
    if (entry == NULL)
        return;
    set_front(name, len, to_vercel ? entry->vercel : entry->openrouter);
    if (to_vercel && entry->third != NULL) {
        size_t drop = strlen(entry->third);

        if (name->len > drop && memcmp(name->bytes + name->len - drop, entry->third, drop) == 0)
            name->len -= drop;
    }
}

/* False: it has no form there. */
static bool name_for_vercel(const struct model_map *map, bool reasoning_off, struct name *name,
                            const char **ret_sort)
{
    add_vendor(map, name);
    if (set_pair(map, reasoning_off, name))
        return true;
    while (memchr(name->bytes, ':', name->len) != NULL) {
        if (!drop_variant(map, name, ret_sort))
            return false;
        if (set_pair(map, reasoning_off, name))
            return true;
    }
    undash(map, name);
    if (!set_pair(map, reasoning_off, name))
        set_vendor(map, true, name);
    return true;
}

/* The entry of a Vercel id. A vendor may have several names there (xai, spacexai): name becomes the
 * one that the entry has. */
static const struct map_entry *find_vercel(const struct model_map *map, struct name *name)
{
    const struct map_index *vendors = &map->forward[MAP_VENDORS];
    const struct map_entry *entry =
        model_map_find(&map->backward[MAP_MODELS], name->bytes, name->len);
    const char *slash = memchr(name->bytes, '/', name->len);
    size_t len = slash != NULL ? (size_t)(slash - name->bytes) : 0;
    const struct map_entry *vendor;

    if (entry != NULL || slash == NULL)
        return entry;
    vendor = model_map_find(&map->backward[MAP_VENDORS], name->bytes, len);
    if (vendor == NULL)
        return NULL;
    for (unsigned i = find_place(vendors, vendor->openrouter, strlen(vendor->openrouter));
         entry == NULL && is_at(vendors, i, vendor->openrouter, strlen(vendor->openrouter)); i++) {
        struct name other = *name;

        set_front(&other, len, vendors->names[i].entry->vercel);
        entry = model_map_find(&map->backward[MAP_MODELS], other.bytes, other.len);
        if (entry != NULL)
            *name = other;
    }
    return entry;
}

static void name_for_openrouter(const struct model_map *map, struct name *name)
{
    const struct map_entry *entry;

    add_vendor(map, name);
    entry = find_vercel(map, name);
    if (entry != NULL) {
        set_name(name, entry->openrouter, strlen(entry->openrouter));
        return;
    }
    undash(map, name);
    set_vendor(map, false, name);
}

enum model_map_result model_map_model(const struct model_map *map, enum config_dialect from,
                                      enum config_dialect to, struct text id, bool reasoning_off,
                                      char ret_id[ROW_NAME_MAX + 1], const char **ret_sort)
{
    struct name name;
    const char *sort = NULL;

    assert(id.len <= ROW_NAME_MAX);
    if (id.len > 0)
        memcpy(ret_id, id.bytes, id.len);
    ret_id[id.len] = '\0';
    *ret_sort = NULL;
    if (id.len == 0)
        return MODEL_MAP_SAME;
    if (to != DIALECT_OPENROUTER && is_listed(map, MAP_ROUTERS, id.bytes, id.len))
        return MODEL_MAP_ROUTER;
    if (to != DIALECT_VERCEL && is_listed(map, MAP_VERCEL_ONLY, id.bytes, id.len))
        return MODEL_MAP_VARIANT;
    if (from == to || to == DIALECT_OPENAI)
        return MODEL_MAP_SAME;
    set_name(&name, id.bytes, id.len);
    if (to == DIALECT_OPENROUTER && from == DIALECT_VERCEL)
        name_for_openrouter(map, &name);
    else if (to == DIALECT_OPENROUTER)
        add_vendor(map, &name);
    else if (!name_for_vercel(map, reasoning_off, &name, &sort))
        return MODEL_MAP_VARIANT;
    if (name.len > ROW_NAME_MAX)
        return MODEL_MAP_SAME;
    *ret_sort = sort;
    if (name.len == id.len && memcmp(name.bytes, id.bytes, id.len) == 0)
        return MODEL_MAP_SAME;
    memcpy(ret_id, name.bytes, name.len);
    ret_id[name.len] = '\0';
    return MODEL_MAP_MAPPED;
}

bool model_map_means_reasoning_off(const struct model_map *map, struct text id)
{
    const struct map_entry *entry;
    struct name name;

    if (id.len == 0 || id.len > ROW_NAME_MAX)
        return false;
    set_name(&name, id.bytes, id.len);
    entry = find_vercel(map, &name);
    return entry != NULL && entry->third != NULL &&
           compare(entry->third, name.bytes, name.len) == 0;
}

void model_map_provider(const struct model_map *map, enum config_dialect from,
                        enum config_dialect to, struct text slug, char ret_slug[ROW_NAME_MAX + 1])
{
    bool to_vercel = to == DIALECT_VERCEL;
    const char *suffix = slug.len > 0 ? memchr(slug.bytes, '/', slug.len) : NULL;
    const struct map_entry *entry;
    size_t len = slug.len;

    assert(slug.len <= ROW_NAME_MAX);
    if (from != to && to_vercel && suffix != NULL)
        len = (size_t)(suffix - slug.bytes);
    for (size_t i = 0; i < len; i++) {
        char byte = slug.bytes[i];

        ret_slug[i] = byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
    }
    ret_slug[len] = '\0';
    if (from == to || to == DIALECT_OPENAI)
        return;
    entry = model_map_find(to_vercel ? &map->forward[MAP_PROVIDERS] : &map->backward[MAP_PROVIDERS],
                           ret_slug, len);
    if (entry != NULL)
        snprintf(ret_slug, ROW_NAME_MAX + 1, "%s", to_vercel ? entry->vercel : entry->openrouter);
}
