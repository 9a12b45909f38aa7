/* catalogs.c - the snapshots of all upstreams: who reads them, when, and who may look. */
#include "server/ask.h"
#include "server/catalog_private.h"
#include "server/log.h"
#include "server/worker.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    READ_TIMEOUT_MS = 30 * 1000,
    RETRY_FIRST_MS = 5 * 1000,
    RETRY_LAST_MS = 60 * 1000,
    VIEWS = 2, /* one for each dialect that clients speak */
};

/* One upstream's list. Worker 0's, but for what the mutex guards. */
struct source {
    struct catalogs *catalogs;
    unsigned upstream;
    struct ask *ask;    /* runs */
    int64_t due_ms;     /* monotonic */
    int64_t retry_ms;   /* 0: the last reading went well */
    bool told;          /* the log knows how it stands */
    struct catalog *is; /* share, guarded; NULL: not known */
};

struct catalogs {
    struct gateway *gateway;
    struct source source[CONFIG_UPSTREAMS_MAX];
    bool stopped;
    pthread_mutex_t mutex; /* a leaf; guards what follows and source[].is */
    uint64_t version;      /* counts changes */
    struct catalog_view *view[VIEWS];
};

struct catalogs *catalogs_new(struct gateway *gateway)
{
    struct catalogs *catalogs = calloc(1, sizeof *catalogs);

    if (catalogs == NULL)
        return NULL;
    if (pthread_mutex_init(&catalogs->mutex, NULL) != 0) {
        free(catalogs);
        return NULL;
    }
    catalogs->gateway = gateway;
    for (unsigned i = 0; i < CONFIG_UPSTREAMS_MAX; i++)
        catalogs->source[i] = (struct source){.catalogs = catalogs, .upstream = i};
    return catalogs;
}

void catalogs_free(struct catalogs *catalogs)
{
    if (catalogs == NULL)
        return;
    for (unsigned i = 0; i < CONFIG_UPSTREAMS_MAX; i++) {
        assert(catalogs->source[i].ask == NULL); /* catalogs_stop() came before */
        catalog_free(catalogs->source[i].is);
    }
    for (unsigned i = 0; i < VIEWS; i++)
        catalog_view_unref(catalogs->view[i]);
    pthread_mutex_destroy(&catalogs->mutex);
    free(catalogs);
}

void catalogs_put(struct catalogs *catalogs, unsigned upstream, struct catalog *catalog)
{
    struct catalog *old;

    assert(upstream < CONFIG_UPSTREAMS_MAX);
    pthread_mutex_lock(&catalogs->mutex);
    old = catalogs->source[upstream].is;
    catalogs->source[upstream].is = catalog;
    catalogs->version++;
    pthread_mutex_unlock(&catalogs->mutex);
    catalog_free(old);
}

/* share; NULL: not known. */
static struct catalog *look(struct catalogs *catalogs, unsigned upstream)
{
    struct catalog *catalog;

    assert(upstream < CONFIG_UPSTREAMS_MAX);
    pthread_mutex_lock(&catalogs->mutex);
    catalog = catalog_ref(catalogs->source[upstream].is);
    pthread_mutex_unlock(&catalogs->mutex);
    return catalog;
}

enum catalog_has catalogs_has(struct catalogs *catalogs, unsigned upstream, struct text id)
{
    struct catalog *catalog = look(catalogs, upstream);
    enum catalog_has has = CATALOG_UNKNOWN;

    if (catalog != NULL)
        has = catalog_has(catalog, id)        ? CATALOG_YES
              : catalog_has_patterns(catalog) ? CATALOG_UNKNOWN
                                              : CATALOG_NO;
    catalog_free(catalog);
    return has;
}

/* --- reading --- */

static void note_failure(struct source *source, const struct ask_answer *answer)
{
    const struct config *config = source->catalogs->gateway->config;

    if (source->retry_ms == 0)
        log_line(LOG_WARNING, "catalog_not_read",
                 LOG_TEXT("upstream", config->upstream[source->upstream].name),
                 LOG_NUMBER("status", answer->status), LOG_NUMBER("bytes", answer->body.len));
    source->retry_ms = source->retry_ms == 0 ? RETRY_FIRST_MS : source->retry_ms * 2;
    if (source->retry_ms > RETRY_LAST_MS)
        source->retry_ms = RETRY_LAST_MS;
    source->due_ms = worker_monotonic_ms() + source->retry_ms;
    source->told = false;
}

static void note_success(struct source *source, unsigned count)
{
    const struct config *config = source->catalogs->gateway->config;

    if (!source->told)
        log_line(LOG_INFO, "catalog_read",
                 LOG_TEXT("upstream", config->upstream[source->upstream].name),
                 LOG_NUMBER("models", count));
    source->told = true;
    source->retry_ms = 0;
    source->due_ms = worker_monotonic_ms() + config->models.catalog_ms;
}

/* Most readings bring nothing new: then what was printed from the old one stays good. */
static bool is_same(struct catalogs *catalogs, unsigned upstream, struct text body)
{
    struct catalog *old = look(catalogs, upstream);
    bool same =
        old != NULL && old->doc.len == body.len && memcmp(old->text, body.bytes, body.len) == 0;

    catalog_free(old);
    return same;
}

/* A list without a single model is not believed: it would refuse every request. */
static void on_answer(void *arg, struct worker *worker, const struct ask_answer *answer)
{
    struct source *source = arg;
    struct catalogs *catalogs = source->catalogs;
    const struct config *config = catalogs->gateway->config;
    struct catalog *catalog = NULL;

    (void)worker;
    source->ask = NULL;
    if (answer->status != 200 || answer->body.len == 0) {
        note_failure(source, answer);
        return;
    }
    if (is_same(catalogs, source->upstream, answer->body)) {
        note_success(source, 0);
        return;
    }
    if (catalog_parse(answer->body.bytes, answer->body.len,
                      config->upstream[source->upstream].dialect, &catalog) != 0 ||
        catalog_count(catalog) == 0) {
        catalog_free(catalog);
        note_failure(source, answer);
        return;
    }
    note_success(source, catalog_count(catalog));
    catalogs_put(catalogs, source->upstream, catalog);
}

void catalogs_tick(struct catalogs *catalogs, struct worker *worker)
{
    const struct config *config = catalogs->gateway->config;
    int64_t now_ms = worker_monotonic_ms();

    assert(worker->index == 0);
    if (catalogs->stopped || config->models.catalog_ms == 0)
        return;
    for (unsigned i = 0; i < config->upstream_count; i++) {
        struct source *source = &catalogs->source[i];
        const struct config_upstream *upstream = &config->upstream[i];
        struct ask_order order = {
            .upstream = upstream,
            /* OpenRouter leaves out what makes no text, unless asked. */
            .path = upstream->dialect == DIALECT_OPENROUTER ? TEXT("/models?output_modalities=all")
                                                            : TEXT("/models"),
            .body_max = CATALOG_BYTES_MAX,
            .timeout_ms = READ_TIMEOUT_MS,
            .done = on_answer,
            .arg = source,
        };

        if (source->ask == NULL && source->due_ms <= now_ms &&
            ask_start(worker, &order, &source->ask) != 0)
            note_failure(source, &(struct ask_answer){0});
    }
}

void catalogs_stop(struct catalogs *catalogs)
{
    catalogs->stopped = true;
    for (unsigned i = 0; i < CONFIG_UPSTREAMS_MAX; i++) {
        ask_stop(catalogs->source[i].ask);
        catalogs->source[i].ask = NULL;
    }
}

/* --- printing --- */

/* share. The lock is not held while it is made: two workers may do so at once, either one will do.
 * NULL: -EAGAIN or -ENOMEM in *ret_error. */
static struct catalog_view *view_of(struct catalogs *catalogs, enum config_dialect to,
                                    int *ret_error)
{
    unsigned slot = to == DIALECT_OPENROUTER ? 1 : 0, known = 0;
    struct catalog *snapshot[CONFIG_UPSTREAMS_MAX];
    struct catalog_view *view, *old = NULL;
    uint64_t version;

    pthread_mutex_lock(&catalogs->mutex);
    view = catalogs->view[slot];
    version = catalogs->version;
    if (view != NULL && view->version == version) {
        atomic_fetch_add_explicit(&view->references, 1, memory_order_relaxed);
        pthread_mutex_unlock(&catalogs->mutex);
        return view;
    }
    for (unsigned i = 0; i < CONFIG_UPSTREAMS_MAX; i++)
        snapshot[i] = catalog_ref(catalogs->source[i].is);
    pthread_mutex_unlock(&catalogs->mutex);

    for (unsigned i = 0; i < CONFIG_UPSTREAMS_MAX; i++)
        known += snapshot[i] != NULL ? 1 : 0;
    view = known > 0
               ? catalog_view_new(snapshot, CONFIG_UPSTREAMS_MAX, to, catalogs->gateway->models)
               : NULL;
    for (unsigned i = 0; i < CONFIG_UPSTREAMS_MAX; i++)
        catalog_free(snapshot[i]);
    *ret_error = known > 0 ? -ENOMEM : -EAGAIN;
    if (view == NULL)
        return NULL;
    view->version = version;
    atomic_fetch_add_explicit(&view->references, 1, memory_order_relaxed);
    pthread_mutex_lock(&catalogs->mutex);
    if (catalogs->view[slot] == NULL || catalogs->view[slot]->version < version) {
        old = catalogs->view[slot];
        catalogs->view[slot] = view;
    } else {
        old = view; /* somebody was faster */
    }
    pthread_mutex_unlock(&catalogs->mutex);
    catalog_view_unref(old);
    return view;
}

static int print_model(const struct catalog_view *view, enum config_dialect to, struct text model,
                       struct out *out)
{
    char copy[3 * ROW_NAME_MAX];
    const struct catalog_row *row;

    if (model.len == 0 || model.len > sizeof copy)
        return -ENOENT;
    memcpy(copy, model.bytes, model.len);
    row = catalog_view_find(view, catalog_decode(copy, model.len, false));
    if (row == NULL)
        return -ENOENT;
    if (to == DIALECT_OPENROUTER)
        out_text(out, "{\"data\":");
    out_bytes(out, view->text.bytes + row->text_at, row->text_len);
    if (to == DIALECT_OPENROUTER)
        out_char(out, '}');
    return out->error;
}

int catalogs_print(struct catalogs *catalogs, enum catalog_question question,
                   enum config_dialect to, struct text model, struct text query, struct out *out,
                   const char **ret_detail)
{
    struct catalog_view *view;
    int result = 0;

    if (to == DIALECT_OPENAI)
        to = DIALECT_VERCEL; /* which is OpenAI's list with more in it */
    view = view_of(catalogs, to, &result);
    if (view == NULL)
        return result;
    if (question == CATALOG_MODEL) {
        result = print_model(view, to, model, out);
    } else if (question == CATALOG_PROVIDERS) {
        catalog_view_providers(view, to, catalogs->gateway->models, out);
        result = out->error;
    } else {
        result =
            catalog_query_print(view, question, to, query, (int64_t)time(NULL), out, ret_detail);
    }
    catalog_view_unref(view);
    return result;
}
