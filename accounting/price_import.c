/* price_import.c - public price lists into our table, and into an older one. See price_import.h.
 *
 * A list is read whole, and set against the old table whole, before the first byte is written, so
 * that a broken one leaves no half table.
 */
#include "accounting/price_import.h"
#include "accounting/price_import_private.h"
#include "accounting/price_time.h"

#include <assert.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int (*import)(struct import *import, struct json_object *root);
} sources[PRICE_SOURCES] = {
    [PRICE_SOURCE_LITELLM] = {"litellm", import_litellm},
    [PRICE_SOURCE_VERCEL] = {"vercel", import_vercel},
    [PRICE_SOURCE_OPENROUTER] = {"openrouter", import_openrouter},
    [PRICE_SOURCE_MODELS_DEV] = {"models.dev", import_models_dev},
};

const char *price_source_name(enum price_source source)
{
    assert((unsigned)source < PRICE_SOURCES);
    return sources[source].name;
}

int price_source_parse(const char *name, enum price_source *ret_source)
{
    for (unsigned source = 0; source < PRICE_SOURCES; source++) {
        if (strcmp(name, sources[source].name) == 0) {
            *ret_source = (enum price_source)source;
            return 0;
        }
    }
    return -EINVAL;
}

/* ---- the list ---- */

static int compare_models(const void *left, const void *right)
{
    const struct imported *a = left, *b = right;

    return price_name_compare(a->id, a->len, b->id, b->len);
}

static int sort_models(struct import *import)
{
    if (import->count > 1)
        qsort(import->models, import->count, sizeof(*import->models), compare_models);
    for (size_t i = 1; i < import->count; i++) {
        if (compare_models(&import->models[i - 1], &import->models[i]) == 0) {
            import->place.model = import->models[i].id;
            import->place.model_len = import->models[i].len;
            price_at(&import->place, "id");
            return import_refuse(import, "stands twice");
        }
    }
    return 0;
}

static int read_list(struct import *import, const char *json, size_t len)
{
    struct json_object *root = NULL;
    int rc;

    if (import->order->from_ms < 0 || import->order->from_ms > PRICE_FROM_MS_MAX)
        return import_refuse(import, "prices take effect between 1970 and 9999");
    rc = price_json_parse(&import->place, json, len, &root);
    if (rc == 0)
        rc = sources[import->order->source].import(import, root);
    json_object_put(root);
    for (size_t i = 0; i < import->count && rc == 0; i++)
        import_finish(&import->models[i].price);
    return rc == 0 ? sort_models(import) : rc;
}

/* ---- the list and the old table ---- */

/* One model of either, or of both. */
struct pair {
    const struct price_model *old;   /* NULL: only in the list */
    const struct imported *imported; /* NULL: only in the old table */
    bool added;                      /* the imported price becomes a version */
};

struct walk {
    const struct import *import;
    size_t old_at, new_at;
};

/* Whether the old table already says what the list does: then nothing is added. A price that is not
 * known needs no version where none was known. */
static bool is_said(const struct price_model *old, const struct price *price)
{
    const struct price *in_force = price_version_at(old->versions, old->count, price->from_ms);

    if (in_force == NULL || !price_known(in_force))
        return !price_known(price);
    return price_same(in_force, price);
}

/* The next model in the order of names; false: that was all. */
static bool next_pair(struct walk *walk, struct pair *ret_pair)
{
    const struct import *import = walk->import;
    const struct price_table *table = import->order->old;
    const struct price_model *old = NULL;
    const struct imported *imported = NULL;
    int order;

    if (table != NULL && walk->old_at < table->model_count)
        old = &table->models[walk->old_at];
    if (walk->new_at < import->count)
        imported = &import->models[walk->new_at];
    if (old == NULL && imported == NULL)
        return false;
    order = old == NULL ? 1
            : imported == NULL
                ? -1
                : price_name_compare(old->name, old->len, imported->id, imported->len);
    *ret_pair = (struct pair){order <= 0 ? old : NULL, order >= 0 ? imported : NULL, false};
    walk->old_at += order <= 0;
    walk->new_at += order >= 0;
    ret_pair->added = order > 0 || (order == 0 && !is_said(old, &imported->price));
    return true;
}

static void note_missing(struct import *import, const struct price_model *old,
                         struct price_import_result *result)
{
    const struct price *in_force =
        price_version_at(old->versions, old->count, import->order->from_ms);

    if (in_force == NULL || strcmp(in_force->source, price_source_name(import->order->source)) != 0)
        return;
    import->place.model = old->name;
    import->place.model_len = old->len;
    price_at(&import->place, NULL);
    import_note(import, "not in the list: its price stays");
    result->missing++;
}

/* What would be written has to be read again. */
static int weigh(struct import *import, const struct pair *pair, size_t *containers, size_t *values)
{
    if (pair->old != NULL && pair->added && pair->old->count == PRICE_VERSIONS_MAX) {
        import->place.model = pair->old->name;
        import->place.model_len = pair->old->len;
        price_at(&import->place, NULL);
        return import_refuse(import, "has 4096 versions, the most a table can hold");
    }
    *containers += 1;
    *values += 1;
    for (size_t i = 0; pair->old != NULL && i < pair->old->count; i++)
        price_write_weigh(&pair->old->versions[i], containers, values);
    if (pair->added)
        price_write_weigh(&pair->imported->price, containers, values);
    if (*containers <= PRICE_CONTAINERS_MAX && *values <= PRICE_VALUES_MAX)
        return 0;
    import->place.model = NULL;
    price_at(&import->place, NULL);
    return import_refuse(import, "the table would be larger than one may be: 262144 objects and "
                                 "lists, 2097152 values");
}

static int compare_tables(struct import *import, struct price_import_result *result)
{
    struct walk walk = {.import = import};
    size_t containers = 2, values = 2; /* the table itself */
    struct pair pair;
    int rc = 0;

    while (rc == 0 && next_pair(&walk, &pair)) {
        if (pair.imported != NULL) {
            result->models++;
            result->priced += price_known(&pair.imported->price);
            result->added += pair.old == NULL;
            result->changed += pair.old != NULL && pair.added;
        } else {
            note_missing(import, pair.old, result);
        }
        rc = weigh(import, &pair, &containers, &values);
    }
    result->notes = import->notes;
    return rc;
}

/* ---- writing ---- */

/* The versions in their order, the new one among them or in the place of its twin in time. */
static void write_pair(FILE *out, const struct pair *pair)
{
    size_t count = pair->old != NULL ? pair->old->count : 0;
    const struct price *added = pair->added ? &pair->imported->price : NULL;
    bool first = true;

    for (size_t i = 0; i < count; i++) {
        const struct price *version = &pair->old->versions[i];
        if (added != NULL && added->from_ms <= version->from_ms) {
            price_write_version(out, first, added);
            first = false;
            if (added->from_ms == version->from_ms)
                version = NULL;
            added = NULL;
        }
        if (version != NULL)
            price_write_version(out, first, version);
        first = false;
    }
    if (added != NULL)
        price_write_version(out, first, added);
}

static int write_table(const struct import *import)
{
    const struct price_import_order *order = import->order;
    struct walk walk = {.import = import};
    struct pair pair;
    bool first = true;

    price_write_head(order->out);
    while (next_pair(&walk, &pair)) {
        const char *name = pair.old != NULL ? pair.old->name : pair.imported->id;
        size_t len = pair.old != NULL ? pair.old->len : pair.imported->len;
        price_write_model_begin(order->out, first, name, len);
        write_pair(order->out, &pair);
        price_write_model_end(order->out);
        first = false;
    }
    price_write_tail(order->out);
    if (fflush(order->out) != 0 || ferror(order->out))
        return -EIO;
    if (order->report != NULL && (fflush(order->report) != 0 || ferror(order->report)))
        return -EIO;
    return 0;
}

static void release(struct import *import)
{
    for (size_t i = 0; i < import->count; i++) {
        price_release(&import->models[i].price);
        free(import->models[i].id);
    }
    free(import->models);
}

int price_import(const struct price_import_order *order, const char *json, size_t len,
                 struct price_import_result *ret_result, char *error, size_t error_size)
{
    struct import import = {.place = {.error = error, .error_size = error_size}, .order = order};
    struct price_import_result result = {0};
    int rc;

    assert((unsigned)order->source < PRICE_SOURCES);
    rc = read_list(&import, json, len);
    if (rc == 0)
        rc = compare_tables(&import, &result);
    if (rc == 0)
        rc = write_table(&import);
    if (rc < 0 && rc != -EINVAL)
        snprintf(error, error_size, "%s", rc == -EFBIG ? "is larger than 128 MiB" : strerror(-rc));
    release(&import);
    if (rc == 0)
        *ret_result = result;
    return rc;
}
