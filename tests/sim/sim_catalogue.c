/* sim_catalogue.c - see sim_catalogue.h. */
#include "tests/sim/sim_catalogue.h"
#include "cache/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { READ_BYTES = 65536 };

#define SPAN(text)                                                                                 \
    (struct sim_span)                                                                              \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const char router_prefix[] = "openrouter/";
static const char routed_model[] = "openai/gpt-4.1-nano";

/* Vendors that OpenRouter calls otherwise: before the slash of their models, as a provider, and for
 * people. NULL: as here. */
static const struct {
    const char *slug, *author, *provider, *display;
} vendors[] = {
    {"alibaba", "qwen", NULL, "Alibaba"},
    {"amazon", NULL, "amazon-bedrock", "Amazon Bedrock"},
    {"bfl", "black-forest-labs", "black-forest-labs", "Black Forest Labs"},
    {"bytedance", "bytedance-seed", "seed", "Seed"},
    {"deepseek", NULL, NULL, "DeepSeek"},
    {"google", NULL, "google-ai-studio", "Google AI Studio"},
    {"meta", "meta-llama", NULL, "Meta"},
    {"minimax", NULL, NULL, "Minimax"},
    {"mistral", "mistralai", NULL, "Mistral"},
    {"moonshotai", NULL, NULL, "Moonshot AI"},
    {"nvidia", NULL, NULL, "Nvidia"},
    {"openai", NULL, NULL, "OpenAI"},
    {"stepfun", NULL, NULL, "StepFun"},
    {"xai", "x-ai", NULL, "xAI"},
    {"zai", "z-ai", "z-ai", "Z.AI"},
};

/* Models that OpenRouter calls otherwise behind the slash, too. */
static const struct {
    const char *id, *openrouter;
} renamed[] = {
    {"alibaba/qwen-3-14b", "qwen/qwen3-14b"},
    {"alibaba/qwen-3-32b", "qwen/qwen3-32b"},
    {"alibaba/qwen-3-30b", "qwen/qwen3-30b-a3b"},
    {"alibaba/qwen-3-235b", "qwen/qwen3-235b-a22b"},
    {"alibaba/qwen3-235b-a22b-thinking", "qwen/qwen3-235b-a22b-thinking-2507"},
    {"amazon/nova-lite", "amazon/nova-lite-v1"},
    {"amazon/nova-micro", "amazon/nova-micro-v1"},
    {"amazon/nova-pro", "amazon/nova-pro-v1"},
    {"deepseek/deepseek-v3", "deepseek/deepseek-chat"},
    {"deepseek/deepseek-v3.1", "deepseek/deepseek-chat-v3.1"},
    {"google/gemini-2.0-flash", "google/gemini-2.0-flash-001"},
    {"meta/llama-3.1-8b", "meta-llama/llama-3.1-8b-instruct"},
    {"meta/llama-3.1-70b", "meta-llama/llama-3.1-70b-instruct"},
    {"meta/llama-3.3-70b", "meta-llama/llama-3.3-70b-instruct"},
    {"mistral/codestral", "mistralai/codestral-2508"},
    {"mistral/devstral-2", "mistralai/devstral-2512"},
    {"mistral/ministral-3b", "mistralai/ministral-3b-2512"},
    {"mistral/ministral-8b", "mistralai/ministral-8b-2512"},
    {"mistral/mistral-embed", "mistralai/mistral-embed-2312"},
    {"mistral/mistral-large-3", "mistralai/mistral-large-2512"},
};

/* What a model does, told by a word in its name: the price file does not say. The first that
 * matches holds. */
static const struct {
    const char *word, *type;
} types[] = {
    {"embed", "embedding"},    {"voyage-", "embedding"},
    {"rerank", "reranking"},   {"whisper", "transcription"},
    {"-stt", "transcription"}, {"transcribe", "transcription"},
    {"tts", "speech"},         {"wan-", "video"},
    {"seedance", "video"},     {"veo-", "video"},
    {"kling", "video"},        {"imagine-video", "video"},
    {"flux", "image"},         {"seedream", "image"},
    {"imagen", "image"},       {"recraft-v", "image"},
    {"gpt-image", "image"},    {"imagine-image", "image"},
};

static int compare(struct sim_span a, struct sim_span b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = memcmp(a.bytes, b.bytes, shorter);

    if (order != 0)
        return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

static bool span_is(struct sim_span span, const char *text)
{
    return span.len == strlen(text) && memcmp(span.bytes, text, span.len) == 0;
}

static int by_id(const void *a, const void *b)
{
    return compare(((const struct sim_model *)a)->id, ((const struct sim_model *)b)->id);
}

static int by_openrouter(const void *a, const void *b)
{
    return compare((*(struct sim_model *const *)a)->openrouter,
                   (*(struct sim_model *const *)b)->openrouter);
}

struct sim_span sim_model_owner(struct sim_span id)
{
    const char *slash = id.len > 0 ? memchr(id.bytes, '/', id.len) : NULL;
    return (struct sim_span){id.bytes, slash != NULL ? (size_t)(slash - id.bytes) : id.len};
}

struct sim_span sim_provider_slug(struct sim_span slug)
{
    for (size_t i = 0; i < sizeof(vendors) / sizeof(vendors[0]); i++) {
        if (vendors[i].provider != NULL && span_is(slug, vendors[i].slug))
            return (struct sim_span){vendors[i].provider, strlen(vendors[i].provider)};
    }
    return slug;
}

static struct sim_span author_of(struct sim_span slug)
{
    for (size_t i = 0; i < sizeof(vendors) / sizeof(vendors[0]); i++) {
        if (vendors[i].author != NULL && span_is(slug, vendors[i].slug))
            return (struct sim_span){vendors[i].author, strlen(vendors[i].author)};
    }
    return slug;
}

struct sim_span sim_provider_display(struct sim_span slug, char scratch[SIM_PROVIDER_MAX])
{
    size_t len = slug.len < SIM_PROVIDER_MAX ? slug.len : SIM_PROVIDER_MAX;

    for (size_t i = 0; i < sizeof(vendors) / sizeof(vendors[0]); i++) {
        if (span_is(slug, vendors[i].slug))
            return (struct sim_span){vendors[i].display, strlen(vendors[i].display)};
    }
    if (len > 0)
        memcpy(scratch, slug.bytes, len);
    if (len > 0 && scratch[0] >= 'a' && scratch[0] <= 'z')
        scratch[0] = (char)(scratch[0] - 'a' + 'A');
    return (struct sim_span){scratch, len};
}

static struct sim_span keep(const struct sim_text *text)
{
    char *bytes = malloc(text->len + 1);

    if (bytes == NULL)
        abort();
    if (text->len > 0)
        memcpy(bytes, text->bytes, text->len);
    bytes[text->len] = '\0';
    return (struct sim_span){bytes, text->len};
}

static struct sim_span openrouter_name(struct sim_span id)
{
    struct sim_span owner = sim_model_owner(id), kept;
    struct sim_text name = {0};

    for (size_t i = 0; i < sizeof(renamed) / sizeof(renamed[0]); i++) {
        if (span_is(id, renamed[i].id))
            return (struct sim_span){renamed[i].openrouter, strlen(renamed[i].openrouter)};
    }
    sim_text_span(&name, author_of(owner));
    sim_text_add(&name, id.bytes + owner.len, id.len - owner.len);
    kept = keep(&name);
    sim_text_release(&name);
    return kept;
}

static const char *type_of(const char *id)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strstr(id, types[i].word) != NULL)
            return types[i].type;
    }
    return "language";
}

/* Names from the program's own table stay; the others are the heap's. */
static void names_free(struct sim_model *model)
{
    bool own = true;

    for (size_t i = 0; i < sizeof(renamed) / sizeof(renamed[0]); i++)
        own = own && model->openrouter.bytes != renamed[i].openrouter;
    if (own)
        free((char *)model->openrouter.bytes);
    free((char *)model->id.bytes);
}

static bool is_missing(const struct sim_model *model, char *const *missing, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (span_is(model->id, missing[i]) || span_is(model->openrouter, missing[i]))
            return true;
    }
    return false;
}

static int read_file(const char *path, struct sim_text *text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got;
    int rc;

    if (fd < 0)
        return -errno;
    do {
        sim_text_reserve(text, READ_BYTES);
        got = read(fd, text->bytes + text->len, READ_BYTES);
        text->len += got > 0 ? (size_t)got : 0;
    } while (got > 0 && text->len <= PRICE_FILE_MAX);
    rc = got < 0 ? -errno : got > 0 ? -EFBIG : 0;
    close(fd);
    return rc;
}

static int add_names(struct sim_catalogue *catalogue, const struct json_doc *doc,
                     char *const *missing, size_t missing_count)
{
    uint32_t models = json_get(doc, 0, "models");
    char scratch[PRICE_MODEL_MAX];
    const char *id;
    size_t len;

    /* A name and its entries are two tokens at least. */
    catalogue->models = calloc(doc->count / 2 + 1, sizeof(*catalogue->models));
    if (catalogue->models == NULL)
        abort();
    for (uint32_t name = json_first(doc, models); name != JSON_NONE;) {
        struct sim_text text = {0};
        struct sim_model model = {0};
        int rc = json_string(doc, name, scratch, sizeof(scratch), &id, &len);
        if (rc < 0)
            return rc;
        sim_text_add(&text, id, len);
        model.id = keep(&text);
        sim_text_release(&text);
        model.openrouter = openrouter_name(model.id);
        model.type = type_of(model.id.bytes);
        if (is_missing(&model, missing, missing_count))
            names_free(&model);
        else
            catalogue->models[catalogue->count++] = model;
        name = json_next(doc, models, json_next(doc, models, name));
    }
    return 0;
}

static void sort_names(struct sim_catalogue *catalogue)
{
    qsort(catalogue->models, catalogue->count, sizeof(*catalogue->models), by_id);
    catalogue->by_openrouter = calloc(catalogue->count + 1, sizeof(*catalogue->by_openrouter));
    if (catalogue->by_openrouter == NULL)
        abort();
    for (size_t i = 0; i < catalogue->count; i++)
        catalogue->by_openrouter[i] = &catalogue->models[i];
    qsort(catalogue->by_openrouter, catalogue->count, sizeof(*catalogue->by_openrouter),
          by_openrouter);
}

int sim_catalogue_open(const char *path, struct price_table *prices, char *const *missing,
                       size_t missing_count, struct sim_catalogue *ret_catalogue)
{
    struct sim_catalogue catalogue = {.prices = prices};
    struct sim_text file = {0};
    struct json_doc doc;
    int rc;

    json_doc_init(&doc);
    rc = read_file(path, &file);
    if (rc == 0)
        rc = json_parse(&doc, file.bytes, file.len, NULL);
    if (rc == 0)
        rc = add_names(&catalogue, &doc, missing, missing_count);
    if (rc == 0) {
        sort_names(&catalogue);
        *ret_catalogue = catalogue;
    }
    json_doc_release(&doc);
    sim_text_release(&file);
    return rc;
}

const struct sim_model *sim_catalogue_at(const struct sim_catalogue *catalogue, struct sim_span id)
{
    struct sim_model wanted = {.id = id};

    if (id.len == 0 || catalogue->count == 0)
        return NULL;
    return bsearch(&wanted, catalogue->models, catalogue->count, sizeof(wanted), by_id);
}

static const struct sim_model *find_openrouter(const struct sim_catalogue *catalogue,
                                               struct sim_span name)
{
    const char *colon = memchr(name.bytes, ':', name.len);
    struct sim_model wanted = {.openrouter = name};
    struct sim_model *key = &wanted, **found;

    if (name.len > sizeof(router_prefix) - 1 &&
        memcmp(name.bytes, router_prefix, sizeof(router_prefix) - 1) == 0)
        return sim_catalogue_at(catalogue, SPAN(routed_model));
    if (colon != NULL)
        wanted.openrouter.len = (size_t)(colon - name.bytes);
    if (catalogue->count == 0)
        return NULL;
    found = bsearch(&key, catalogue->by_openrouter, catalogue->count,
                    sizeof(*catalogue->by_openrouter), by_openrouter);
    return found != NULL ? *found : NULL;
}

static const struct sim_model *find_bare(const struct sim_catalogue *catalogue,
                                         struct sim_span name)
{
    for (size_t i = 0; i < catalogue->count; i++) {
        struct sim_span id = catalogue->models[i].id;
        if (id.len > name.len + 1 && id.bytes[id.len - name.len - 1] == '/' &&
            memcmp(id.bytes + id.len - name.len, name.bytes, name.len) == 0)
            return &catalogue->models[i];
    }
    return NULL;
}

const struct sim_model *sim_catalogue_find(const struct sim_catalogue *catalogue,
                                           enum sim_dialect dialect, struct sim_span name)
{
    const struct sim_model *found;

    if (name.len == 0)
        return NULL;
    if (dialect == SIM_OPENROUTER)
        return find_openrouter(catalogue, name);
    found = sim_catalogue_at(catalogue, name);
    if (found == NULL && dialect == SIM_OPENAI && memchr(name.bytes, '/', name.len) == NULL)
        found = find_bare(catalogue, name);
    return found;
}

struct sim_span sim_model_name(const struct sim_model *model, enum sim_dialect dialect)
{
    return dialect == SIM_OPENROUTER ? model->openrouter : model->id;
}

const struct price *sim_model_price(const struct sim_catalogue *catalogue,
                                    const struct sim_model *model, int64_t now_ms)
{
    if (model == NULL)
        return NULL;
    return price_find(catalogue->prices, model->id.bytes, model->id.len, now_ms);
}
