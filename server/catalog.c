#include "server/catalog_private.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct catalog *catalog_ref(struct catalog *catalog)
{
    if (catalog != NULL)
        atomic_fetch_add_explicit(&catalog->references, 1, memory_order_relaxed);
    return catalog;
}

void catalog_free(struct catalog *catalog)
{
    if (catalog == NULL ||
        atomic_fetch_sub_explicit(&catalog->references, 1, memory_order_acq_rel) > 1)
        return;
    for (unsigned i = 0; i < catalog->count; i++)
        free(catalog->entries[i].unescaped);
    free(catalog->entries);
    free(catalog->names);
    json_doc_release(&catalog->doc);
    free(catalog->text);
    free(catalog);
}

int catalog_compare_texts(struct text a, struct text b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len > 0 ? memcmp(a.bytes, b.bytes, len) : 0;

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_names(const void *a, const void *b)
{
    const struct catalog_name *one = a, *other = b;
    int order = catalog_compare_texts(one->name, other->name);

    return order != 0 ? order : (one->entry > other->entry) - (one->entry < other->entry);
}

/* Ids go into headers, addresses and rows. */
static bool is_id(struct text id)
{
    for (size_t i = 0; i < id.len; i++) {
        unsigned char byte = (unsigned char)id.bytes[i];
        if (byte <= ' ' || byte == 0x7f || byte == '"' || byte == '\\')
            return false;
    }
    return id.len > 0 && id.len <= ROW_NAME_MAX;
}

/* The value of a string; *ret_unescaped is allocated when it is not in the text itself. */
static int read_id(const struct json_doc *doc, uint32_t token, struct text *ret_id,
                   char **ret_unescaped)
{
    char scratch[ROW_NAME_MAX];
    struct text id;
    char *copy = NULL;

    if (token == JSON_NONE ||
        json_string(doc, token, scratch, sizeof scratch, &id.bytes, &id.len) != 0 || !is_id(id))
        return -EBADMSG;
    if (doc->tokens[token].escaped) {
        copy = malloc(id.len);
        if (copy == NULL)
            return -ENOMEM;
        memcpy(copy, id.bytes, id.len);
        id.bytes = copy;
    }
    *ret_id = id;
    *ret_unescaped = copy;
    return 0;
}

/* An entry without a usable id is left out: nobody could ask for it. */
static int add_entry(struct catalog *catalog, uint32_t token)
{
    struct catalog_entry *entry = &catalog->entries[catalog->count];
    const struct json_doc *doc = &catalog->doc;
    uint32_t slug = json_get(doc, token, "canonical_slug");
    char *unescaped = NULL;
    int result = read_id(doc, json_get(doc, token, "id"), &entry->id, &entry->unescaped);

    if (result == -EBADMSG)
        return 0;
    if (result != 0)
        return result;
    entry->token = token;
    entry->slug = (struct text){NULL, 0};
    catalog->names[catalog->name_count++] = (struct catalog_name){entry->id, catalog->count};
    if (slug != JSON_NONE && !doc->tokens[slug].escaped &&
        read_id(doc, slug, &entry->slug, &unescaped) == 0)
        catalog->names[catalog->name_count++] = (struct catalog_name){entry->slug, catalog->count};
    assert(unescaped == NULL);
    catalog->count++;
    return 0;
}

static int add_entries(struct catalog *catalog)
{
    const struct json_doc *doc = &catalog->doc;
    uint32_t list = json_get(doc, 0, "data");
    size_t count = 0;
    int result = 0;

    if (list == JSON_NONE || doc->tokens[list].type != JSON_ARRAY)
        return -EBADMSG;
    for (uint32_t at = json_first(doc, list); at != JSON_NONE; at = json_next(doc, list, at))
        count++;
    if (count > CATALOG_MODELS_MAX)
        return -EBADMSG;
    catalog->entries = calloc(count + 1, sizeof *catalog->entries);
    catalog->names = calloc(2 * count + 1, sizeof *catalog->names);
    if (catalog->entries == NULL || catalog->names == NULL)
        return -ENOMEM;
    for (uint32_t at = json_first(doc, list); at != JSON_NONE && result == 0;
         at = json_next(doc, list, at))
        result = add_entry(catalog, at);
    qsort(catalog->names, catalog->name_count, sizeof *catalog->names, compare_names);
    return result;
}

int catalog_parse(const char *text, size_t len, enum config_dialect dialect,
                  struct catalog **ret_catalog)
{
    struct catalog *catalog;
    int result;

    if (len > CATALOG_BYTES_MAX)
        return -EBADMSG;
    catalog = calloc(1, sizeof *catalog);
    if (catalog == NULL)
        return -ENOMEM;
    atomic_init(&catalog->references, 1);
    catalog->dialect = dialect;
    json_doc_init(&catalog->doc);
    catalog->text = malloc(len + 1);
    result = catalog->text != NULL ? 0 : -ENOMEM;
    if (result == 0) {
        if (len > 0)
            memcpy(catalog->text, text, len);
        result = json_parse(&catalog->doc, catalog->text, len, NULL);
    }
    if (result == 0)
        result = add_entries(catalog);
    if (result != 0) {
        catalog_free(catalog);
        return result == -ENOMEM ? -ENOMEM : -EBADMSG;
    }
    for (unsigned i = 0; i < catalog->count && !catalog->patterns; i++)
        catalog->patterns =
            memchr(catalog->entries[i].id.bytes, '*', catalog->entries[i].id.len) != NULL;
    *ret_catalog = catalog;
    return 0;
}

bool catalog_has_patterns(const struct catalog *catalog)
{
    return catalog->patterns;
}

bool catalog_has(const struct catalog *catalog, struct text id)
{
    unsigned from = 0, to = catalog->name_count;

    while (from < to) {
        unsigned middle = from + (to - from) / 2;
        int order = catalog_compare_texts(id, catalog->names[middle].name);

        if (order == 0)
            return true;
        if (order < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return false;
}

unsigned catalog_count(const struct catalog *catalog)
{
    return catalog->count;
}
