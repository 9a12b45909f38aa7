/* command_check.c - tollgate check: is this configuration one that serve would start with, and do
 * the models that an application asks for exist upstream? */
#include "accounting/price.h"
#include "server/commands.h"
#include "server/compare_file.h"
#include "server/compare_http.h"
#include "server/compare_models.h"
#include "server/config.h"

#include <curl/curl.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ERROR_BYTES = 1024, CATALOG_TIMEOUT_MS = 10 * 1000, CATALOG_FILES_MAX = 16 };

static const char help[] =
    "usage: tollgate check -c FILE\n"
    "       tollgate check -c FILE --models LIST [--catalog [UPSTREAM=]FILE] [--json]\n"
    "       tollgate check --reference\n\n"
    "Validates the configuration, the price table and the model map, and prints the effective\n"
    "values. --reference prints every key with its type, range and default.\n\n"
    "--models reads model ids, one a line, in OpenRouter's or Vercel's words, and says of each "
    "what\n"
    "it is called at every upstream and whether it exists there. The upstreams' lists of models "
    "are\n"
    "asked for (GET models, 10 s); --catalog takes a saved one instead, for one upstream or for\n"
    "all. Exits with 1 when an id exists nowhere.\n";

struct wanted {
    const char *config, *models;
    const char *catalog[CATALOG_FILES_MAX];
    unsigned catalog_count;
    bool json;
};

/* --- the configuration --- */

static int open_map(const struct config *config, struct model_map **ret_map)
{
    char error[ERROR_BYTES] = "";
    int result = model_map_open(config->models.map, ret_map, error, sizeof error);

    if (result != 0)
        fprintf(stderr, "%s\n", error);
    return result;
}

static bool has_budget(const struct config_client *client)
{
    for (unsigned i = 0; i < BUDGET_PERIODS; i++) {
        if (client->budget.limit[i].known)
            return true;
    }
    return false;
}

/* Their names and limits stand in the values above. */
static void print_clients(const struct config *config)
{
    unsigned budgets = 0, rates = 0, models = 0, zdr = 0;

    for (unsigned i = 0; i < config->client_count; i++) {
        budgets += has_budget(&config->client[i]);
        rates += config->client[i].requests_per_minute > 0;
        models += config->client[i].models.count > 0;
        zdr += config->client[i].zdr;
    }
    if (config->client_count == 0)
        printf("# clients: none; every caller is served, and known by the hash of its own key\n");
    else
        printf("# clients: %u; with a budget %u, a rate %u, their own list of models %u, zdr %u\n",
               config->client_count, budgets, rates, models, zdr);
}

static int check(const struct config *config)
{
    struct price_table *prices = NULL;
    struct model_map *map = NULL;
    char error[ERROR_BYTES] = "";
    int code = EXIT_OK;

    if (config->prices.file != NULL &&
        price_table_open(config->prices.file, &prices, error, sizeof error) != 0) {
        fprintf(stderr, "%s\n", error);
        code = EXIT_FAILED;
    }
    if (open_map(config, &map) != 0)
        code = EXIT_FAILED;
    config_print(config, stdout);
    if (prices != NULL)
        printf("# prices: %zu models, table %.12s\n", price_table_models(prices),
               price_table_hash(prices));
    print_clients(config);
    price_table_free(prices);
    model_map_free(map);
    return code;
}

/* --- the models --- */

static int take_bytes(void *arg, const char *bytes, size_t len)
{
    struct out *text = arg;

    if (len > CATALOG_BYTES_MAX - text->len)
        return -EFBIG;
    out_bytes(text, bytes, len);
    return text->error;
}

/* The upstream's own list. */
static int fetch(const struct config_upstream *upstream, struct out *text)
{
    struct compare_http *http = compare_http_new(NULL, false);
    char *url = NULL, *bearer = NULL;
    const char *headers[] = {"Accept: application/json", NULL, NULL};
    struct compare_request request = {
        .headers = headers, .timeout_ms = CATALOG_TIMEOUT_MS, .on_bytes = take_bytes, .arg = text};
    long status = 0;
    int result = -ENOMEM;

    if (http == NULL || asprintf(&url, "%s/models", upstream->base_url) < 0 ||
        (upstream->api_key != NULL &&
         asprintf(&bearer, "Authorization: Bearer %s", upstream->api_key) < 0))
        goto out;
    headers[1] = bearer;
    request.url = url;
    result = compare_http_send(http, &request, &status);
    if (result != 0)
        fprintf(stderr, "tollgate check: upstream %s: its models cannot be read: %s\n",
                upstream->name, result == -EIO ? compare_http_why(http) : strerror(-result));
    else if (status != 200)
        fprintf(stderr, "tollgate check: upstream %s: its models cannot be read: status %ld\n",
                upstream->name, status);
    if (result == 0 && status != 200)
        result = -EIO;
out:
    if (bearer != NULL)
        explicit_bzero(bearer, strlen(bearer));
    free(bearer);
    free(url);
    compare_http_free(http);
    return result;
}

/* The saved list for an upstream: its own, else everybody's, else NULL. */
static const char *saved_for(const struct wanted *wanted, const char *upstream)
{
    const char *everybodys = NULL;
    size_t len = strlen(upstream);

    for (unsigned i = 0; i < wanted->catalog_count; i++) {
        const char *file = wanted->catalog[i], *equals = strchr(file, '=');

        if (equals == NULL)
            everybodys = file;
        else if ((size_t)(equals - file) == len && strncmp(file, upstream, len) == 0)
            return equals + 1;
    }
    return everybodys;
}

/* *ret_catalog stays NULL when the upstream does not tell: its models are unknown then. A saved
 * list that cannot be read is an error. */
static int read_catalog(const struct wanted *wanted, const struct config_upstream *upstream,
                        struct catalog **ret_catalog)
{
    const char *saved = saved_for(wanted, upstream->name);
    char error[ERROR_BYTES] = "";
    struct out text = OUT_INIT;
    int result = saved != NULL
                     ? compare_file_read(saved, CATALOG_BYTES_MAX, &text, error, sizeof error)
                     : fetch(upstream, &text);

    if (result != 0 && saved != NULL)
        fprintf(stderr, "tollgate check: %s\n", error);
    if (result == 0) {
        result = catalog_parse(text.bytes != NULL ? text.bytes : "", text.len, upstream->dialect,
                               ret_catalog);
        if (result != 0)
            fprintf(stderr, "tollgate check: %s: is no list of models\n",
                    saved != NULL ? saved : upstream->base_url);
    }
    out_release(&text);
    return saved != NULL ? result : 0;
}

static int report(const struct wanted *wanted, const struct config *config,
                  const struct compare_ids *ids)
{
    struct catalog *catalogs[CONFIG_UPSTREAMS_MAX] = {NULL};
    struct model_map *map = NULL;
    int code = open_map(config, &map) == 0 ? EXIT_OK : EXIT_FAILED;

    curl_global_init(CURL_GLOBAL_DEFAULT);
    for (unsigned i = 0; i < config->upstream_count && code == EXIT_OK; i++) {
        if (read_catalog(wanted, &config->upstream[i], &catalogs[i]) != 0)
            code = EXIT_FAILED;
    }
    if (code == EXIT_OK &&
        compare_models_print(config, map, catalogs, ids, wanted->json, stdout) > 0)
        code = EXIT_FAILED;
    for (unsigned i = 0; i < config->upstream_count; i++)
        catalog_free(catalogs[i]);
    model_map_free(map);
    curl_global_cleanup();
    return code;
}

static int check_models(const struct wanted *wanted, const struct config *config)
{
    struct compare_ids *ids = malloc(sizeof(*ids));
    char error[ERROR_BYTES] = "";
    struct out text = OUT_INIT;
    int code = EXIT_FAILED;

    if (ids == NULL) {
        fputs("tollgate check: out of memory\n", stderr);
    } else if (compare_file_read(wanted->models, COMPARE_IDS_BYTES_MAX, &text, error,
                                 sizeof error) != 0) {
        fprintf(stderr, "tollgate check: %s\n", error);
    } else if (compare_ids_read(text.bytes != NULL ? text.bytes : "", text.len, ids, error,
                                sizeof error) != 0) {
        fprintf(stderr, "tollgate check: %s: %s\n", wanted->models, error);
    } else {
        code = report(wanted, config, ids);
    }
    out_release(&text);
    free(ids);
    return code;
}

/* --- arguments --- */

static int run(const struct wanted *wanted)
{
    struct config *config;
    int code;

    if (config_open(wanted->config, false, stderr, &config) != 0)
        return EXIT_FAILED;
    code = wanted->models != NULL ? check_models(wanted, config) : check(config);
    config_free(config);
    return code;
}

/* 0; 1: nothing is left to do; -EINVAL. */
static int read_option(int option, struct wanted *wanted)
{
    switch (option) {
    case 'h':
        fputs(help, stdout);
        return 1;
    case 'r':
        config_print_reference(stdout);
        return 1;
    case 'c':
        wanted->config = optarg;
        return 0;
    case 'm':
        wanted->models = optarg;
        return 0;
    case 'j':
        wanted->json = true;
        return 0;
    case 'g':
        if (wanted->catalog_count == CATALOG_FILES_MAX)
            return -EINVAL;
        wanted->catalog[wanted->catalog_count++] = optarg;
        return 0;
    default:
        return -EINVAL;
    }
}

int command_check(int argc, char **argv)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},         {"reference", no_argument, NULL, 'r'},
        {"models", required_argument, NULL, 'm'}, {"catalog", required_argument, NULL, 'g'},
        {"json", no_argument, NULL, 'j'},         {0}};
    struct wanted wanted = {0};
    int option, result = 0;

    while (result == 0 && (option = getopt_long(argc, argv, "c:h", options, NULL)) != -1)
        result = read_option(option, &wanted);
    if (result != 0)
        return result > 0 ? EXIT_OK : EXIT_MISUSE;
    if (wanted.config == NULL || optind != argc ||
        (wanted.models == NULL && (wanted.catalog_count > 0 || wanted.json))) {
        fputs(help, stderr);
        return EXIT_MISUSE;
    }
    return run(&wanted);
}
