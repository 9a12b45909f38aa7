/* model_map_read.c - reads a mapping file (docs/models.md says its form) into a map. See
 * model_map.h. */
#include "server/dialect/model_map_private.h"

#include "cache/json.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    const char *path;
    char *text; /* of the file */
    size_t len;
    struct json_doc doc;
    struct model_map *map;
    char *free_text; /* where the next string goes in map->text */
    unsigned count;  /* entries and patterns so far */
    bool extends;
    char *error;
    size_t error_size;
};

/* The tables that are lists of objects: which members an entry has. */
static const struct section {
    const char *name;
    enum map_tables table;
    const char *first, *second; /* both must be there */
    const char *third;          /* NULL: there is none; else it may be missing */
    bool unique;                /* the first may be listed once only */
} sections[] = {
    {"models", MAP_MODELS, "openrouter", "vercel", "reasoning_off", true},
    {"vendors", MAP_VENDORS, "openrouter", "vercel", "drop", false},
    {"providers", MAP_PROVIDERS, "openrouter", "vercel", NULL, false},
    {"variants", MAP_VARIANTS, "openrouter", "sort", NULL, true},
    {"bare", MAP_BARE, "starts", "vendor", NULL, true},
};
enum { SECTIONS = sizeof(sections) / sizeof(sections[0]) };

static const char *const list_names[MAP_LISTS] = {"free", "routers", "vercel_only", "dashed"};

/* --- complaints --- */

static int complain_at(struct reader *reader, size_t at, const char *format, va_list arguments)
{
    unsigned line = 1;
    int written;

    for (size_t i = 0; i < at && i < reader->len; i++)
        line += reader->text[i] == '\n';
    written = snprintf(reader->error, reader->error_size, "%s:%u: ", reader->path, line);
    if (written > 0 && (size_t)written < reader->error_size)
        vsnprintf(reader->error + written, reader->error_size - (size_t)written, format, arguments);
    return -EINVAL;
}

__attribute__((format(printf, 3, 4))) static int complain(struct reader *reader, size_t at,
                                                          const char *format, ...)
{
    va_list arguments;
    int error;

    va_start(arguments, format);
    error = complain_at(reader, at, format, arguments);
    va_end(arguments);
    return error;
}

static size_t place_of(const struct reader *reader, uint32_t token)
{
    return reader->doc.tokens[token].start;
}

static bool is(const struct reader *reader, uint32_t token, enum json_type type)
{
    return token != JSON_NONE && reader->doc.tokens[token].type == type;
}

/* --- reading --- */

static bool is_visible(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] <= ' ' || bytes[i] > '~')
            return false;
    }
    return true;
}

/* Copies a name behind the others; the quotes it loses pay for its NUL. */
static int read_name(struct reader *reader, uint32_t token, const char *what, const char **ret_name)
{
    char scratch[ROW_NAME_MAX];
    const char *bytes;
    size_t len;

    if (json_string(&reader->doc, token, scratch, sizeof(scratch), &bytes, &len) != 0 || len == 0 ||
        len > ROW_NAME_MAX || !is_visible(bytes, len))
        return complain(reader, place_of(reader, token),
                        "%s must be a text of 1 to %d visible ASCII characters", what,
                        (int)ROW_NAME_MAX);
    memcpy(reader->free_text, bytes, len);
    reader->free_text[len] = '\0';
    *ret_name = reader->free_text;
    reader->free_text += len + 1;
    return 0;
}

static int read_one_way(struct reader *reader, uint32_t token, bool *ret_one_way)
{
    if (!is(reader, token, JSON_TRUE) && !is(reader, token, JSON_FALSE))
        return complain(reader, place_of(reader, token), "one_way must be true or false");
    *ret_one_way = is(reader, token, JSON_TRUE);
    return 0;
}

static int read_member(struct reader *reader, const struct section *section, uint32_t key,
                       struct map_entry *entry)
{
    const struct json_doc *doc = &reader->doc;

    if (json_string_is(doc, key, section->first))
        return read_name(reader, key + 1, section->first, &entry->openrouter);
    if (json_string_is(doc, key, section->second))
        return read_name(reader, key + 1, section->second, &entry->vercel);
    if (section->third != NULL && json_string_is(doc, key, section->third))
        return read_name(reader, key + 1, section->third, &entry->third);
    if (json_string_is(doc, key, "one_way"))
        return read_one_way(reader, key + 1, &entry->one_way);
    return complain(reader, place_of(reader, key),
                    "an entry of %s has no such member; it has %s, %s and one_way", section->name,
                    section->first, section->second);
}

static bool is_sort(const char *name)
{
    return strcmp(name, "cost") == 0 || strcmp(name, "ttft") == 0 || strcmp(name, "tps") == 0;
}

/* Slugs are compared in lower case. */
static void lower(const char *name, const struct reader *reader)
{
    assert(name >= reader->map->text && name < reader->free_text);
    for (char *at = reader->map->text + (name - reader->map->text); *at != '\0'; at++) {
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at - 'A' + 'a');
    }
}

static int check_entry(struct reader *reader, const struct section *section,
                       const struct map_entry *entry)
{
    if (entry->openrouter == NULL || entry->vercel == NULL)
        return complain(reader, entry->at, "an entry of %s must say %s and %s", section->name,
                        section->first, section->second);
    if (section->table == MAP_VARIANTS && !is_sort(entry->vercel))
        return complain(reader, entry->at, "sort must be cost, ttft or tps");
    if (section->table == MAP_PROVIDERS) {
        lower(entry->openrouter, reader);
        lower(entry->vercel, reader);
    }
    return 0;
}

static int count_one(struct reader *reader, uint32_t token)
{
    if (++reader->count > MAP_ENTRIES_MAX)
        return complain(reader, place_of(reader, token), "more than %d entries",
                        (int)MAP_ENTRIES_MAX);
    return 0;
}

static int read_entry(struct reader *reader, const struct section *section, uint32_t token)
{
    const struct json_doc *doc = &reader->doc;
    struct map_entry entry = {.at = (uint32_t)place_of(reader, token)};
    int error = count_one(reader, token);

    if (error == 0 && !is(reader, token, JSON_OBJECT))
        error = complain(reader, entry.at, "an entry of %s must be an object", section->name);
    for (uint32_t key = error == 0 ? json_first(doc, token) : JSON_NONE;
         key != JSON_NONE && error == 0; key = json_next(doc, token, key + 1))
        error = read_member(reader, section, key, &entry);
    if (error == 0)
        error = check_entry(reader, section, &entry);
    if (error == 0 && section->table == MAP_BARE &&
        reader->map->entry_count[MAP_BARE] >= MAP_PATTERNS_MAX)
        error = complain(reader, entry.at, "more than %d entries of bare", (int)MAP_PATTERNS_MAX);
    return error != 0 ? error : model_map_add(reader->map, section->table, &entry);
}

static int read_pattern(struct reader *reader, enum map_lists list, uint32_t token)
{
    const char *pattern = "", *star;
    int error = count_one(reader, token);

    if (error == 0)
        error = read_name(reader, token, list_names[list], &pattern);
    if (error != 0)
        return error;
    star = strchr(pattern, '*');
    if (star != NULL && star[1] != '\0')
        return complain(reader, place_of(reader, token), "`*` may stand at the end only");
    if (reader->map->pattern_count[list] >= MAP_PATTERNS_MAX)
        return complain(reader, place_of(reader, token), "more than %d patterns",
                        (int)MAP_PATTERNS_MAX);
    return model_map_add_pattern(reader->map, list, pattern);
}

static int read_array(struct reader *reader, const struct section *section, enum map_lists list,
                      uint32_t array)
{
    const struct json_doc *doc = &reader->doc;
    int error = 0;

    if (!is(reader, array, JSON_ARRAY))
        return complain(reader, place_of(reader, array), "must be a list");
    for (uint32_t at = json_first(doc, array); at != JSON_NONE && error == 0;
         at = json_next(doc, array, at))
        error = section != NULL ? read_entry(reader, section, at) : read_pattern(reader, list, at);
    return error;
}

static int read_header(struct reader *reader, uint32_t key)
{
    int64_t format;

    if (json_string_is(&reader->doc, key, "format")) {
        if (json_int64(&reader->doc, key + 1, &format) == 0 && format == 1)
            return 0;
        return complain(reader, place_of(reader, key), "format must be 1");
    }
    if (!json_string_is(&reader->doc, key, "extends"))
        return complain(reader, place_of(reader, key),
                        "no such member; there are format, extends, models, vendors, providers, "
                        "variants, bare, free, routers, vercel_only and dashed");
    if (!json_string_is(&reader->doc, key + 1, "shipped"))
        return complain(reader, place_of(reader, key), "extends must be \"shipped\"");
    reader->extends = true;
    return 0;
}

static int read_top(struct reader *reader, uint32_t key)
{
    for (unsigned i = 0; i < SECTIONS; i++) {
        if (json_string_is(&reader->doc, key, sections[i].name))
            return read_array(reader, &sections[i], MAP_LISTS, key + 1);
    }
    for (unsigned list = 0; list < MAP_LISTS; list++) {
        if (json_string_is(&reader->doc, key, list_names[list]))
            return read_array(reader, NULL, (enum map_lists)list, key + 1);
    }
    return read_header(reader, key);
}

/* --- what is listed twice --- */

static int by_name(const void *a, const void *b)
{
    const struct map_entry *one = a, *other = b;
    int order = strcmp(one->openrouter, other->openrouter);

    return order != 0 ? order : (one->at > other->at) - (one->at < other->at);
}

static int refuse_twins(struct reader *reader, const struct section *section)
{
    unsigned count = reader->map->entry_count[section->table];
    struct map_entry *sorted = reallocarray(NULL, (size_t)count + 1, sizeof(*sorted));
    int error = 0;

    if (sorted == NULL)
        return -ENOMEM;
    if (count > 0)
        memcpy(sorted, reader->map->entries[section->table], count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), by_name);
    for (unsigned i = 1; i < count && error == 0; i++) {
        if (strcmp(sorted[i - 1].openrouter, sorted[i].openrouter) == 0)
            error = complain(reader, sorted[i].at, "%s is listed twice in %s", sorted[i].openrouter,
                             section->name);
    }
    free(sorted);
    return error;
}

/* --- the file --- */

static int read_object(struct reader *reader)
{
    const struct json_doc *doc = &reader->doc;
    size_t error_at = 0;
    int error = json_parse(&reader->doc, reader->text, reader->len, &error_at);

    if (error == -ENOMEM)
        return error;
    if (error != 0)
        return complain(reader, error_at, "is not JSON from here on");
    if (!is(reader, 0, JSON_OBJECT))
        return complain(reader, 0, "must be an object");
    for (uint32_t key = json_first(doc, 0); key != JSON_NONE && error == 0;
         key = json_next(doc, 0, key + 1))
        error = read_top(reader, key);
    if (error == 0 && json_get(doc, 0, "format") == JSON_NONE)
        error = complain(reader, 0, "must say \"format\": 1");
    for (unsigned i = 0; i < SECTIONS && error == 0; i++) {
        if (sections[i].unique)
            error = refuse_twins(reader, &sections[i]);
    }
    return error;
}

/* Reads at most one byte more than allowed, so that what grows meanwhile is seen as well. */
static int read_file(struct reader *reader)
{
    FILE *file = fopen(reader->path, "rbe");
    int error = 0;

    reader->text = malloc(MAP_FILE_MAX + 1);
    if (reader->text == NULL) {
        error = -ENOMEM;
    } else if (file == NULL) {
        error = -errno;
    } else {
        errno = 0;
        reader->len = fread(reader->text, 1, MAP_FILE_MAX + 1, file);
        if (ferror(file) != 0)
            error = errno != 0 ? -errno : -EIO;
    }
    if (file != NULL)
        fclose(file);
    if (error != 0 && error != -ENOMEM)
        snprintf(reader->error, reader->error_size, "%s: cannot be read: %s", reader->path,
                 strerror(-error));
    else if (error == 0 && reader->len > MAP_FILE_MAX)
        error = complain(reader, 0, "larger than %d bytes", (int)MAP_FILE_MAX);
    return error;
}

int model_map_read(struct model_map *map, const char *path, char *error, size_t error_size)
{
    struct reader reader = {.path = path, .map = map, .error = error, .error_size = error_size};
    int result;

    json_doc_init(&reader.doc);
    result = read_file(&reader);
    if (result == 0) {
        map->text = malloc(reader.len + 1);
        reader.free_text = map->text;
        result = map->text == NULL ? -ENOMEM : read_object(&reader);
    }
    /* Behind the file's own: of two that fit, the first counts. */
    if (result == 0 && reader.extends)
        result = model_map_add_shipped(map);
    json_doc_release(&reader.doc);
    free(reader.text);
    return result;
}
