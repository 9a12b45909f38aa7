#include "server/prices.h"

#include "accounting/price_import.h"
#include "server/ask.h"
#include "server/log.h"
#include "server/worker.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LIST_BYTES_MAX = 16 * 1024 * 1024, LIST_TIMEOUT_MS = 30 * 1000, PATH_BYTES = 4096 };

/* A table and who uses it: those that asked, and `prices` while it is the one in force. */
struct shared_table {
    struct price_table *table;
    unsigned users;
    struct shared_table *next; /* older ones that are still used */
};

struct prices {
    const struct config *config;
    pthread_mutex_t mutex;     /* a leaf: guards the list */
    struct shared_table *list; /* the first is in force */

    /* worker 0's */
    int64_t due_ms; /* monotonic */
    struct ask *ask;
    pthread_t thread;
    bool started;         /* thread is to be joined */
    atomic_bool finished; /* it has ended */

    /* the thread's */
    char *body;
    size_t body_len;
    int64_t now_ms;
};

/* --- who uses which table --- */

static int put_in_force(struct prices *prices, struct price_table *table)
{
    struct shared_table *shared = calloc(1, sizeof *shared);

    if (shared == NULL)
        return -ENOMEM;
    shared->table = table;
    shared->users = 1;
    pthread_mutex_lock(&prices->mutex);
    shared->next = prices->list;
    prices->list = shared;
    pthread_mutex_unlock(&prices->mutex);
    if (shared->next != NULL)
        prices_done(prices, shared->next->table);
    return 0;
}

const struct price_table *prices_use(struct prices *prices)
{
    const struct price_table *table;

    pthread_mutex_lock(&prices->mutex);
    prices->list->users++;
    table = prices->list->table;
    pthread_mutex_unlock(&prices->mutex);
    return table;
}

void prices_done(struct prices *prices, const struct price_table *table)
{
    struct shared_table **at, *unused = NULL;

    pthread_mutex_lock(&prices->mutex);
    for (at = &prices->list; (*at)->table != table; at = &(*at)->next)
        continue;
    assert((*at)->users > 0);
    if (--(*at)->users == 0) {
        unused = *at;
        *at = unused->next;
    }
    pthread_mutex_unlock(&prices->mutex);
    if (unused != NULL)
        price_table_free(unused->table);
    free(unused);
}

struct settle_prices prices_of(const struct price_table *table, const struct model_map *map,
                               const struct text *models, size_t count)
{
    struct settle_prices found = {.hash = text_of(price_table_hash(table))};
    char mapped[ROW_NAME_MAX + 1];
    const char *sort;

    for (size_t i = 0; i < count && found.versions == NULL; i++) {
        if (models[i].len == 0)
            continue;
        found.versions =
            price_versions(table, models[i].bytes, models[i].len, &found.version_count);
        if (found.versions == NULL &&
            model_map_model(map, DIALECT_OPENROUTER, DIALECT_VERCEL, models[i], false, mapped,
                            &sort) == MODEL_MAP_MAPPED)
            found.versions = price_versions(table, mapped, strlen(mapped), &found.version_count);
    }
    if (found.versions == NULL)
        found.version_count = 0;
    return found;
}

const struct price *prices_at(const struct settle_prices *prices, int64_t at_ms)
{
    const struct price *price = price_version_at(prices->versions, prices->version_count, at_ms);

    return price != NULL && price_known(price) ? price : NULL;
}

/* --- opening --- */

int prices_open(const struct config *config, struct prices **ret_prices, char *error,
                size_t error_size)
{
    struct prices *prices = calloc(1, sizeof *prices);
    struct price_table *table = NULL;
    int result = -ENOMEM;

    if (prices == NULL)
        return result;
    prices->config = config;
    pthread_mutex_init(&prices->mutex, NULL);
    if (config->prices.file == NULL)
        table = price_table_empty();
    else if ((result = price_table_open(config->prices.file, &table, error, error_size)) != 0)
        table = NULL;
    if (table != NULL)
        result = put_in_force(prices, table);
    if (result != 0) {
        price_table_free(table);
        prices_free(prices);
        return result;
    }
    *ret_prices = prices;
    return 0;
}

void prices_free(struct prices *prices)
{
    if (prices == NULL)
        return;
    assert(prices->ask == NULL && !prices->started);
    if (prices->list != NULL) {
        assert(prices->list->next == NULL && prices->list->users == 1); /* nobody uses one */
        prices_done(prices, prices->list->table);
    }
    pthread_mutex_destroy(&prices->mutex);
    free(prices);
}

/* --- refreshing: a thread of its own, since a list takes a while to read --- */

static enum price_source source_of(const struct config_upstream *upstream)
{
    return upstream->dialect == DIALECT_OPENROUTER ? PRICE_SOURCE_OPENROUTER : PRICE_SOURCE_VERCEL;
}

/* The upstream whose list is read; NULL: none has prices. */
static const struct config_upstream *refresh_from(const struct config *config)
{
    for (unsigned i = 0; i < config->upstream_count; i++) {
        const struct config_upstream *upstream = &config->upstream[i];
        bool named = config->prices.from.count == 0 ||
                     strcmp(config->prices.from.item[0], upstream->name) == 0;
        if (named && upstream->dialect != DIALECT_OPENAI)
            return upstream;
    }
    return NULL;
}

static int write_whole(const char *path, const char *bytes, size_t len)
{
    FILE *file = fopen(path, "w");
    int result = 0;

    if (file == NULL)
        return -errno;
    if (fwrite(bytes, 1, len, file) != len || fflush(file) != 0 || fsync(fileno(file)) != 0)
        result = errno != 0 ? -errno : -EIO;
    if (fclose(file) != 0 && result == 0)
        result = -errno;
    return result;
}

/* Read back, so that what is put in force is what a start would read; then to its place. */
static int keep(struct prices *prices, const char *text, size_t len)
{
    const char *place = prices->config->prices.file;
    char beside[PATH_BYTES], error[512] = "";
    struct price_table *table;
    int result = price_table_read(place, text, len, &table, error, sizeof error);

    if (result != 0)
        return result;
    result = put_in_force(prices, table);
    if (result != 0) {
        price_table_free(table);
        return result;
    }
    snprintf(beside, sizeof beside, "%s.new", place);
    result = write_whole(beside, text, len);
    if (result == 0 && rename(beside, place) != 0)
        result = -errno;
    if (result != 0) {
        unlink(beside);
        log_line(LOG_WARNING, "prices_not_kept", LOG_TEXT("file", place),
                 LOG_TEXT("why", strerror(-result)));
    }
    return 0;
}

static void *refresh_main(void *arg)
{
    struct prices *prices = arg;
    const struct config_upstream *upstream = refresh_from(prices->config);
    const struct price_table *old = prices_use(prices);
    struct price_import_result counted = {0};
    char *text = NULL, error[512] = "";
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    struct price_import_order order = {
        .source = source_of(upstream), .from_ms = prices->now_ms, .old = old, .out = out};
    int result = out == NULL ? -ENOMEM : 0;

    if (result == 0)
        result =
            price_import(&order, prices->body, prices->body_len, &counted, error, sizeof error);
    prices_done(prices, old);
    if (out != NULL && fclose(out) != 0 && result == 0)
        result = -EIO;
    if (result == 0 && counted.priced > 0 && counted.added + counted.changed > 0)
        result = keep(prices, text, len);
    if (result != 0)
        log_line(LOG_WARNING, "prices_not_refreshed", LOG_TEXT("upstream", upstream->name),
                 LOG_TEXT("why", error[0] != '\0' ? error : strerror(-result)));
    else
        log_line(LOG_INFO, "prices_refreshed", LOG_TEXT("upstream", upstream->name),
                 LOG_NUMBER("models", counted.models), LOG_NUMBER("added", counted.added),
                 LOG_NUMBER("changed", counted.changed), LOG_NUMBER("missing", counted.missing));
    free(text);
    atomic_store(&prices->finished, true);
    return NULL;
}

static void join(struct prices *prices)
{
    if (!prices->started)
        return;
    pthread_join(prices->thread, NULL);
    prices->started = false;
    free(prices->body);
    prices->body = NULL;
}

static void on_list(void *arg, struct worker *worker, const struct ask_answer *answer)
{
    struct prices *prices = arg;

    prices->ask = NULL;
    if (answer->status != 200 || answer->body.len == 0) {
        log_line(LOG_WARNING, "prices_not_refreshed", LOG_NUMBER("status", answer->status));
        return;
    }
    prices->body = malloc(answer->body.len);
    if (prices->body == NULL)
        return;
    memcpy(prices->body, answer->body.bytes, answer->body.len);
    prices->body_len = answer->body.len;
    prices->now_ms = worker_now_ms(worker);
    atomic_store(&prices->finished, false);
    prices->started = pthread_create(&prices->thread, NULL, refresh_main, prices) == 0;
    if (!prices->started) {
        free(prices->body);
        prices->body = NULL;
    }
}

void prices_tick(struct prices *prices, struct worker *worker)
{
    const struct config_upstream *upstream = refresh_from(prices->config);
    int64_t now_ms = worker_monotonic_ms();
    struct ask_order order = {
        .upstream = upstream,
        .body_max = LIST_BYTES_MAX,
        .timeout_ms = LIST_TIMEOUT_MS,
        .done = on_list,
        .arg = prices,
    };

    assert(worker->index == 0);
    if (prices->started && atomic_load(&prices->finished))
        join(prices);
    if (prices->config->prices.refresh_ms == 0 || prices->config->prices.file == NULL ||
        upstream == NULL || prices->ask != NULL || prices->started || now_ms < prices->due_ms)
        return;
    order.path = upstream->dialect == DIALECT_OPENROUTER ? TEXT("/models?output_modalities=all")
                                                         : TEXT("/models");
    prices->due_ms = now_ms + prices->config->prices.refresh_ms;
    if (ask_start(worker, &order, &prices->ask) != 0)
        prices->ask = NULL;
}

void prices_stop(struct prices *prices)
{
    ask_stop(prices->ask);
    prices->ask = NULL;
    join(prices);
}
