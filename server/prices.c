#include "server/prices.h"

#include "accounting/price_import.h"
#include "server/ask.h"
#include "server/log.h"
#include "server/prices_file.h"
#include "server/worker.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LIST_BYTES_MAX = 16 * 1024 * 1024,
    LIST_TIMEOUT_MS = 30 * 1000,
    HASH_SIZE = 65,
    ERROR_BYTES = 512
};

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
    atomic_bool stopping;

    /* the thread's */
    char *body;
    size_t body_len;
    int64_t now_ms;
    char file_hash[HASH_SIZE]; /* of the file as we last read or wrote it: what is in force has all
                                  of that, and more where it could not be written */
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
    if (table != NULL) {
        memcpy(prices->file_hash, price_table_hash(table), HASH_SIZE);
        result = put_in_force(prices, table);
    }
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

/* One refresh. */
struct refresh {
    struct prices *prices;
    const struct config_upstream *upstream;
    const struct price_table *in_force; /* share */
    struct prices_file file;
    bool locked;
    int why;                     /* the file cannot be written: a negative errno */
    struct price_table *in_file; /* owned; NULL: not read */
    struct price_import_result counted;
    char *text; /* the merged table, as it is written */
    size_t len;
    char error[ERROR_BYTES];
};

/* What others put into the file since we read it must not be lost, and a file that cannot be read
 * is not ours to replace: somebody is at it. */
static void read_file(struct refresh *refresh)
{
    struct prices *prices = refresh->prices;
    const char *place = prices->config->prices.file;
    char error[ERROR_BYTES] = "";

    refresh->why = prices_file_lock(place, &prices->stopping, &refresh->file);
    refresh->locked = refresh->why == 0;
    if (refresh->locked && refresh->file.exists)
        refresh->why = price_table_open(refresh->file.path, &refresh->in_file, error, sizeof error);
}

/* Somebody else wrote the file since we read it. */
static bool is_others(const struct refresh *refresh)
{
    return refresh->in_file != NULL &&
           strcmp(price_table_hash(refresh->in_file), refresh->prices->file_hash) != 0;
}

static int merge(struct refresh *refresh)
{
    struct prices *prices = refresh->prices;
    FILE *out = open_memstream(&refresh->text, &refresh->len);
    struct price_import_order order = {
        .source = source_of(refresh->upstream),
        .from_ms = prices->now_ms,
        .old = is_others(refresh) ? refresh->in_file : refresh->in_force,
        .out = out,
    };
    int result;

    if (out == NULL)
        return -ENOMEM;
    result = price_import(&order, prices->body, prices->body_len, &refresh->counted, refresh->error,
                          sizeof refresh->error);
    if (fclose(out) != 0 && result == 0)
        result = -ENOMEM;
    return result;
}

/* The file first, so that what is in force is what a start would read; where that fails it serves
 * from memory. */
static void write_file(struct refresh *refresh)
{
    if (refresh->why == 0)
        refresh->why = prices_file_replace(&refresh->file, refresh->text, refresh->len);
    if (refresh->why != 0)
        log_line(LOG_WARNING, "prices_not_kept",
                 LOG_TEXT("file", refresh->prices->config->prices.file),
                 LOG_TEXT("why", strerror(-refresh->why)));
}

/* take: table, also when that fails. */
static int use_table(struct refresh *refresh, struct price_table *table)
{
    struct prices *prices = refresh->prices;
    char hash[HASH_SIZE];
    int result;

    memcpy(hash, price_table_hash(table), HASH_SIZE);
    result = put_in_force(prices, table);
    if (result != 0)
        price_table_free(table);
    else if (refresh->why == 0) /* not before: else the next refresh must read the file again */
        memcpy(prices->file_hash, hash, HASH_SIZE);
    return result;
}

/* Something is new, or was and could not be written. */
static int keep(struct refresh *refresh)
{
    const char *place = refresh->prices->config->prices.file;
    struct price_table *table = NULL;
    int result;

    result = price_table_read(place, refresh->text, refresh->len, &table, refresh->error,
                              sizeof refresh->error);
    if (result != 0)
        return result;
    write_file(refresh);
    return use_table(refresh, table);
}

static int take_list(struct refresh *refresh)
{
    const struct price_import_result *counted = &refresh->counted;
    struct price_table *others;
    int result = merge(refresh);

    if (result != 0 || counted->priced == 0)
        return result;
    if (counted->added + counted->changed > 0)
        return keep(refresh);
    if (is_others(refresh)) { /* the list adds nothing to what somebody imported */
        others = refresh->in_file;
        refresh->in_file = NULL;
        return use_table(refresh, others);
    }
    if (strcmp(price_table_hash(refresh->in_force), refresh->prices->file_hash) != 0)
        write_file(refresh); /* what could not be written before */
    if (refresh->why == 0)
        memcpy(refresh->prices->file_hash, price_table_hash(refresh->in_force), HASH_SIZE);
    return 0;
}

static void say_not_refreshed(const struct config_upstream *upstream, const char *why)
{
    log_line(LOG_WARNING, "prices_not_refreshed", LOG_TEXT("upstream", upstream->name),
             LOG_TEXT("why", why));
}

static void *refresh_main(void *arg)
{
    struct prices *prices = arg;
    struct refresh refresh = {.prices = prices, .upstream = refresh_from(prices->config)};
    const struct price_import_result *counted = &refresh.counted;
    int result;

    refresh.in_force = prices_use(prices);
    read_file(&refresh);
    result = take_list(&refresh);
    if (result != 0)
        say_not_refreshed(refresh.upstream,
                          refresh.error[0] != '\0' ? refresh.error : strerror(-result));
    else
        log_line(LOG_INFO, "prices_refreshed", LOG_TEXT("upstream", refresh.upstream->name),
                 LOG_NUMBER("models", counted->models), LOG_NUMBER("added", counted->added),
                 LOG_NUMBER("changed", counted->changed), LOG_NUMBER("missing", counted->missing));
    if (refresh.locked)
        prices_file_unlock(&refresh.file);
    price_table_free(refresh.in_file);
    prices_done(prices, refresh.in_force);
    free(refresh.text);
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
    const struct config_upstream *upstream = refresh_from(prices->config);
    int result;

    prices->ask = NULL;
    if (answer->status != 200 || answer->body.len == 0) {
        log_line(LOG_WARNING, "prices_not_refreshed", LOG_NUMBER("status", answer->status));
        return;
    }
    prices->body = malloc(answer->body.len);
    if (prices->body == NULL) {
        say_not_refreshed(upstream, strerror(ENOMEM));
        return;
    }
    memcpy(prices->body, answer->body.bytes, answer->body.len);
    prices->body_len = answer->body.len;
    prices->now_ms = worker_now_ms(worker);
    atomic_store(&prices->finished, false);
    result = pthread_create(&prices->thread, NULL, refresh_main, prices);
    prices->started = result == 0;
    if (!prices->started) {
        say_not_refreshed(upstream, strerror(result));
        free(prices->body);
        prices->body = NULL;
    }
}

void prices_tick(struct prices *prices, struct worker *worker)
{
    const struct config_upstream *upstream = refresh_from(prices->config);
    int64_t now_ms = worker_monotonic_ms();
    int result;
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
    result = ask_start(worker, &order, &prices->ask);
    if (result != 0) {
        prices->ask = NULL;
        say_not_refreshed(upstream, strerror(-result));
    }
}

void prices_stop(struct prices *prices)
{
    atomic_store(&prices->stopping, true);
    ask_stop(prices->ask);
    prices->ask = NULL;
    join(prices);
}
