/* catalog_view.c - all catalogues as one, in the schema and the words of one dialect. */
#include "server/catalog_private.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void view_free(struct catalog_view *view)
{
    for (unsigned i = 0; i < CONFIG_UPSTREAMS_MAX; i++)
        catalog_free(view->catalogs[i]);
    out_release(&view->ids);
    out_release(&view->text);
    free(view->rows);
    free(view->sorted);
    free(view);
}

void catalog_view_unref(struct catalog_view *view)
{
    if (view != NULL && atomic_fetch_sub_explicit(&view->references, 1, memory_order_acq_rel) == 1)
        view_free(view);
}

struct text catalog_row_id(const struct catalog_view *view, const struct catalog_row *row)
{
    return (struct text){view->ids.bytes + row->id_at, row->id_len};
}

static int compare_rows(const void *a, const void *b, void *arg)
{
    const struct catalog_view *view = arg;
    uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;
    int order = catalog_compare_texts(catalog_row_id(view, &view->rows[one]),
                                      catalog_row_id(view, &view->rows[other]));

    return order != 0 ? order : (one > other) - (one < other);
}

static void add_rows(struct catalog_view *view, struct catalog *catalog, enum config_dialect to,
                     const struct model_map *map)
{
    for (unsigned i = 0; i < catalog->count; i++) {
        struct catalog_row *row = &view->rows[view->count];
        char id[ROW_NAME_MAX + 1];

        catalog_entry_name(catalog, i, to, map, id);
        *row = (struct catalog_row){
            .catalog = catalog, .entry = i, .id_at = view->ids.len, .id_len = strlen(id)};
        out_text(&view->ids, id);
        view->count++;
    }
}

/* Of rows with one id the first stays: that of the earlier upstream. */
static int remove_twins(struct catalog_view *view)
{
    bool *twin = calloc((size_t)view->count + 1, sizeof *twin);
    unsigned kept = 0;

    if (twin == NULL)
        return -1;
    for (unsigned i = 0; i < view->count; i++)
        view->sorted[i] = i;
    qsort_r(view->sorted, view->count, sizeof *view->sorted, compare_rows, view);
    for (unsigned i = 1; i < view->count; i++)
        twin[view->sorted[i]] =
            catalog_compare_texts(catalog_row_id(view, &view->rows[view->sorted[i - 1]]),
                                  catalog_row_id(view, &view->rows[view->sorted[i]])) == 0;
    for (unsigned i = 0; i < view->count; i++)
        if (!twin[i])
            view->rows[kept++] = view->rows[i];
    view->count = kept;
    for (unsigned i = 0; i < view->count; i++)
        view->sorted[i] = i;
    qsort_r(view->sorted, view->count, sizeof *view->sorted, compare_rows, view);
    free(twin);
    return 0;
}

static void fill_rows(struct catalog_view *view, enum config_dialect to,
                      const struct model_map *map)
{
    for (unsigned i = 0; i < view->count; i++) {
        struct catalog_row *row = &view->rows[i];
        struct catalog_fact fact;

        catalog_fact_read(row->catalog, row->entry, to, map, &fact);
        row->text_at = view->text.len;
        catalog_fact_print(&fact, to, &view->text);
        row->text_len = view->text.len - row->text_at;
        row->created_s = fact.created_s;
        row->context = fact.context;
        row->prompt = catalog_price_femto(&fact.prices, COST_PROMPT);
        row->completion = catalog_price_femto(&fact.prices, COST_COMPLETION);
        row->inputs = fact.inputs;
        row->outputs = fact.outputs;
        row->group = fact.group;
    }
}

struct catalog_view *catalog_view_new(struct catalog *const *catalogs, unsigned count,
                                      enum config_dialect to, const struct model_map *map)
{
    struct catalog_view *view = calloc(1, sizeof *view);
    size_t rows = 0;

    assert(count <= CONFIG_UPSTREAMS_MAX);
    if (view == NULL)
        return NULL;
    atomic_init(&view->references, 1);
    for (unsigned i = 0; i < count; i++) {
        view->catalogs[i] = catalog_ref(catalogs[i]);
        rows += catalogs[i] != NULL ? catalogs[i]->count : 0;
    }
    view->rows = calloc(rows + 1, sizeof *view->rows);
    view->sorted = calloc(rows + 1, sizeof *view->sorted);
    if (view->rows != NULL && view->sorted != NULL) {
        for (unsigned i = 0; i < count; i++)
            if (catalogs[i] != NULL)
                add_rows(view, catalogs[i], to, map);
        if (view->ids.error == 0 && remove_twins(view) == 0) {
            fill_rows(view, to, map);
            if (view->text.error == 0)
                return view;
        }
    }
    view_free(view);
    return NULL;
}

const struct catalog_row *catalog_view_find(const struct catalog_view *view, struct text id)
{
    unsigned from = 0, to = view->count;

    while (from < to) {
        unsigned middle = from + (to - from) / 2;
        const struct catalog_row *row = &view->rows[view->sorted[middle]];
        int order = catalog_compare_texts(id, catalog_row_id(view, row));

        if (order == 0)
            return row;
        if (order < 0)
            to = middle;
        else
            from = middle + 1;
    }
    for (unsigned i = 0; i < view->count; i++) {
        const struct catalog_row *row = &view->rows[i];
        struct text slug = row->catalog->entries[row->entry].slug;
        if (slug.len > 0 && catalog_compare_texts(id, slug) == 0)
            return row;
    }
    return NULL;
}

/* --- providers --- */

/* Names as their owners write them; any other begins with a capital. */
static const struct {
    const char *slug, *name;
} names[] = {
    {"ai21", "AI21"},
    {"arcee-ai", "Arcee AI"},
    {"bfl", "Black Forest Labs"},
    {"deepinfra", "DeepInfra"},
    {"deepseek", "DeepSeek"},
    {"google-ai-studio", "Google AI Studio"},
    {"google-vertex", "Google Vertex"},
    {"amazon-bedrock", "Amazon Bedrock"},
    {"inclusionai", "inclusionAI"},
    {"klingai", "Kling AI"},
    {"minimax", "MiniMax"},
    {"moonshotai", "Moonshot AI"},
    {"nvidia", "NVIDIA"},
    {"openai", "OpenAI"},
    {"openrouter", "OpenRouter"},
    {"seed", "Seed"},
    {"stepfun", "StepFun"},
    {"x-ai", "xAI"},
    {"xai", "xAI"},
    {"z-ai", "Z.ai"},
    {"zai", "Z.ai"},
};

static void print_provider(const char *slug, struct out *out)
{
    char name[ROW_NAME_MAX + 1];

    memcpy(name, slug, strlen(slug) + 1);
    if (name[0] >= 'a' && name[0] <= 'z')
        name[0] = (char)(name[0] - 'a' + 'A');
    out_next(out);
    out_text(out, "{\"name\":");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i].slug, slug) == 0)
            memcpy(name, names[i].name, strlen(names[i].name) + 1);
    out_string(out, text_of(name));
    out_text(out, ",\"slug\":");
    out_string(out, text_of(slug));
    out_text(out, ",\"privacy_policy_url\":null,\"terms_of_service_url\":null,"
                  "\"status_page_url\":null,\"headquarters\":null,\"datacenters\":null}");
}

/* The author of a row as an inference provider is called in dialect `to`. Authors have one name in
 * each vendor's ids and another among OpenRouter's providers (mistralai, mistral), so the way leads
 * over Vercel's ids, where both are the same. False: the id names none. */
static bool provider_of(const struct catalog_view *view, const struct catalog_row *row,
                        enum config_dialect to, const struct model_map *map,
                        char slug[ROW_NAME_MAX + 1])
{
    struct text id = catalog_row_id(view, row), author;
    char words[ROW_NAME_MAX + 1];
    const char *slash, *sort;

    if (id.bytes[0] == '~')
        id = (struct text){id.bytes + 1, id.len - 1};
    if (id.len == 0)
        return false;
    if (map != NULL && to == DIALECT_OPENROUTER) {
        model_map_model(map, DIALECT_OPENROUTER, DIALECT_VERCEL, id, false, words, &sort);
        id = text_of(words);
    }
    slash = memchr(id.bytes, '/', id.len);
    if (slash == NULL || slash == id.bytes)
        return false;
    author = (struct text){id.bytes, (size_t)(slash - id.bytes)};
    if (map != NULL && to == DIALECT_OPENROUTER) {
        model_map_provider(map, DIALECT_VERCEL, to, author, slug);
        return true;
    }
    memcpy(slug, author.bytes, author.len);
    slug[author.len] = '\0';
    return true;
}

static int compare_words(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void catalog_view_providers(const struct catalog_view *view, enum config_dialect to,
                            const struct model_map *map, struct out *out)
{
    const char **slugs = calloc((size_t)view->count + 1, sizeof *slugs);
    struct out words = OUT_INIT;
    char slug[ROW_NAME_MAX + 1];
    unsigned count = 0;
    size_t at = 0;

    for (unsigned i = 0; i < view->count; i++) {
        if (!provider_of(view, &view->rows[i], to, map, slug))
            continue;
        out_bytes(&words, slug, strlen(slug) + 1);
        count++;
    }
    if (slugs == NULL || words.error != 0) {
        out->error = -ENOMEM;
        count = 0;
    }
    for (unsigned i = 0; i < count; i++) {
        slugs[i] = words.bytes + at;
        at += strlen(slugs[i]) + 1;
    }
    if (count > 0)
        qsort(slugs, count, sizeof *slugs, compare_words);
    out_text(out, "{\"data\":[");
    for (unsigned i = 0; i < count; i++)
        if (i == 0 || strcmp(slugs[i - 1], slugs[i]) != 0)
            print_provider(slugs[i], out);
    out_text(out, "]}");
    out_release(&words);
    free(slugs);
}
