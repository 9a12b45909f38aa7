/* command_compare.c - tollgate compare: the same prompts through several upstreams and models, one
 * after another, through a gateway, so that what was asked once is free from then on. */
#include "server/commands.h"
#include "server/compare.h"
#include "server/compare_file.h"
#include "server/compare_http.h"

#include <curl/curl.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ERROR_BYTES = 1024, TIMEOUT_MS = 900 * 1000, KEY_BYTES_MAX = 4096 };

static const char help[] =
    "usage: tollgate compare PROMPTS -c FILE --models MODEL[,MODEL] [--upstreams NAME[,NAME]]\n"
    "                        [--json] [--baseline FILE] [-o FILE]\n\n"
    "Sends each prompt through each upstream (default: all) with each model, one after another, "
    "and\n"
    "shows side by side: the answer, the provider, the time to the first token and to the end, "
    "the\n"
    "cost as reported and as estimated from the price table, then the time of the cache hit. The\n"
    "gateway of that configuration is asked, or one is started for as long as it takes. Answers "
    "are\n"
    "cached for a day under the key below: a rerun is free, and shows the costs of the first "
    "run.\n\n"
    "PROMPTS has one JSON object a line: {\"prompt\":\"...\"} or {\"messages\":[...]}, an id when "
    "you\n"
    "like, and any other members of a chat request. Models are named in Vercel's words.\n"
    "--json writes JSON lines with the whole answers. --baseline compares with such a file of an\n"
    "earlier run. -o writes to a file instead of standard output.\n"
    "The key is TOLLGATE_COMPARE_KEY, else AI_GATEWAY_API_KEY, from the environment. Exits with 1\n"
    "when a request failed.\n";

struct wanted {
    const char *prompts, *config, *baseline, *out;
    char *upstreams, *models; /* comma lists, cut in place */
    bool json;
};

struct run {
    const struct config *config;
    const char *upstream[CONFIG_UPSTREAMS_MAX], *model[COMPARE_MODELS_MAX];
    unsigned upstream_count, model_count;
    struct compare_prompts prompts;
    struct price_table *prices; /* NULL: none */
    struct out baseline_text;
    struct compare_baseline *baseline; /* NULL: none */
    struct compare_gateway gateway;
    struct compare_http *http;
    char *url, *authorization;
    struct compare_widths widths;
    bool json;
    FILE *out;
    unsigned failed;
};

/* --- one request --- */

static int64_t clock_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t wall_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int on_header(void *arg, struct text name, struct text value)
{
    compare_reader_header(arg, name, value);
    return 0;
}

static int on_bytes(void *arg, const char *bytes, size_t len)
{
    return compare_reader_bytes(arg, bytes, len, clock_us());
}

/* What went wrong, if anything, is in the result. Returns whether it was answered by the cache. */
static bool ask(struct run *run, const char *upstream, const struct out *body,
                struct compare_result *result)
{
    struct compare_reader *reader = compare_reader_new(clock_us());
    char name[sizeof("X-Tollgate-Upstream: ") + ROW_NAME_MAX];
    const char *headers[] = {"Content-Type: application/json",
                             "Accept: text/event-stream",
                             "X-OpenRouter-Cache: true",
                             "X-OpenRouter-Cache-TTL: 86400",
                             name,
                             run->authorization,
                             NULL};
    struct compare_request request = {.url = run->url,
                                      .headers = headers,
                                      .body = {body->bytes, body->len},
                                      .timeout_ms = TIMEOUT_MS,
                                      .on_header = on_header,
                                      .on_bytes = on_bytes,
                                      .arg = reader};
    bool hit = false;
    long status = 0;
    int error = reader == NULL || body->error != 0 ? -ENOMEM : 0;

    snprintf(name, sizeof(name), "X-Tollgate-Upstream: %s", upstream);
    if (error == 0)
        error = compare_http_send(run->http, &request, &status);
    if (error == 0) {
        compare_reader_end(reader, status, clock_us(), run->prices, wall_ms(), result);
        hit = status == 200 && compare_reader_is_hit(reader);
    } else {
        snprintf(result->error, sizeof(result->error), "%s",
                 error == -EIO     ? compare_http_why(run->http)
                 : error == -EFBIG ? "the answer is over 16 MiB"
                                   : strerror(-error));
    }
    compare_reader_free(reader);
    return hit;
}

static void init_result(struct compare_result *result, const struct compare_prompt *prompt,
                        const char *model, const char *upstream)
{
    *result = (struct compare_result){.prompt = prompt->id,
                                      .model = model,
                                      .upstream = upstream,
                                      .first_us = -1,
                                      .total_us = -1,
                                      .hit_us = -1,
                                      .usage = USAGE_INIT,
                                      .answer = OUT_INIT};
}

/* Twice: what it takes, and what the hit takes. An earlier run's answer is a hit at once; then its
 * own times are not known. */
static void ask_twice(struct run *run, const struct compare_prompt *prompt, const char *model,
                      const char *upstream, struct compare_result *result)
{
    struct compare_result again;
    struct out body = OUT_INIT;

    init_result(result, prompt, model, upstream);
    init_result(&again, prompt, model, upstream);
    compare_prompt_body(prompt, model, &body);
    if (ask(run, upstream, &body, result)) {
        result->first_us = -1;
        result->total_us = -1;
    }
    if (result->error[0] == '\0' && ask(run, upstream, &body, &again) && again.error[0] == '\0')
        result->hit_us = again.total_us;
    out_release(&again.answer);
    out_release(&body);
}

static int show(struct run *run, const struct compare_result *result)
{
    struct compare_difference difference, *shown = NULL;
    int error = 0;

    if (run->baseline != NULL) {
        compare_baseline_find(run->baseline, result, &difference);
        shown = &difference;
    }
    if (run->json)
        error = compare_print_json(result, shown, run->out);
    else
        compare_print_row(&run->widths, result, shown, run->out);
    if (fflush(run->out) != 0 && error == 0)
        error = -errno;
    return error;
}

static int ask_all(struct run *run)
{
    int error = 0;

    if (!run->json)
        compare_print_head(&run->widths, run->baseline != NULL, run->out);
    for (unsigned p = 0; p < run->prompts.count; p++) {
        for (unsigned i = 0; i < run->model_count * run->upstream_count && error == 0; i++) {
            struct compare_result result;

            ask_twice(run, &run->prompts.prompt[p], run->model[i / run->upstream_count],
                      run->upstream[i % run->upstream_count], &result);
            run->failed += result.error[0] != '\0' ? 1 : 0;
            error = show(run, &result);
            out_release(&result.answer);
        }
    }
    if (error != 0)
        fprintf(stderr, "tollgate compare: cannot write: %s\n", strerror(-error));
    return error;
}

/* --- before and after --- */

/* Cuts a comma list in place. -EINVAL: empty elements, or too many. */
static int cut_list(char *list, const char **items, unsigned max, unsigned *ret_count)
{
    unsigned count = 0;

    while (list != NULL) {
        char *comma = strchr(list, ',');

        if (comma != NULL)
            *comma++ = '\0';
        if (*list == '\0' || strlen(list) > ROW_NAME_MAX || count == max)
            return -EINVAL;
        items[count++] = list;
        list = comma;
    }
    *ret_count = count;
    return 0;
}

static bool is_upstream(const struct config *config, const char *name)
{
    for (unsigned i = 0; i < config->upstream_count; i++) {
        if (strcmp(config->upstream[i].name, name) == 0)
            return true;
    }
    fprintf(stderr, "tollgate compare: --upstreams: the configuration has no upstream %s; it has",
            name);
    for (unsigned i = 0; i < config->upstream_count; i++)
        fprintf(stderr, "%s %s", i > 0 ? "," : "", config->upstream[i].name);
    fputc('\n', stderr);
    return false;
}

static int choose_upstreams(struct run *run, char *list)
{
    if (cut_list(list, run->upstream, CONFIG_UPSTREAMS_MAX, &run->upstream_count) != 0) {
        fputs("tollgate compare: --upstreams: 1 to 16 names, separated by commas\n", stderr);
        return -EINVAL;
    }
    for (unsigned i = 0; list == NULL && i < run->config->upstream_count; i++)
        run->upstream[run->upstream_count++] = run->config->upstream[i].name;
    for (unsigned i = 0; i < run->upstream_count; i++) {
        if (!is_upstream(run->config, run->upstream[i]))
            return -EINVAL;
    }
    return 0;
}

static int read_prompts(struct run *run, const char *path)
{
    char error[ERROR_BYTES] = "out of memory";
    struct out text = OUT_INIT;
    int result = compare_file_read(path, COMPARE_PROMPTS_BYTES_MAX, &text, error, sizeof error);

    if (result != 0) {
        fprintf(stderr, "tollgate compare: %s\n", error);
    } else {
        result = compare_prompts_read(text.bytes != NULL ? text.bytes : "", text.len, &run->prompts,
                                      error, sizeof error);
        if (result != 0)
            fprintf(stderr, "tollgate compare: %s: %s\n", path, error);
    }
    out_release(&text);
    return result;
}

static int read_baseline(struct run *run, const char *path)
{
    char error[ERROR_BYTES] = "out of memory";
    struct out *text = &run->baseline_text;
    int result;

    if (path == NULL)
        return 0;
    result = compare_file_read(path, COMPARE_BASELINE_BYTES_MAX, text, error, sizeof error);
    if (result != 0) {
        fprintf(stderr, "tollgate compare: %s\n", error);
        return result;
    }
    result = compare_baseline_read(text->bytes != NULL ? text->bytes : "", text->len,
                                   &run->baseline, error, sizeof error);
    if (result != 0)
        fprintf(stderr, "tollgate compare: %s: %s\n", path, error);
    return result;
}

static int open_prices(struct run *run)
{
    char error[ERROR_BYTES] = "";
    const char *file = run->config->prices.file;
    int result = file == NULL ? 0 : price_table_open(file, &run->prices, error, sizeof error);

    if (result != 0)
        fprintf(stderr, "%s\n", error);
    return result;
}

static int widest(int width, const char *text)
{
    return strlen(text) > (size_t)width ? (int)strlen(text) : width;
}

static void set_widths(struct run *run)
{
    run->widths = (struct compare_widths){6, 5, 8}; /* of the headings */
    for (unsigned i = 0; i < run->prompts.count; i++)
        run->widths.prompt = widest(run->widths.prompt, run->prompts.prompt[i].id);
    for (unsigned i = 0; i < run->model_count; i++)
        run->widths.model = widest(run->widths.model, run->model[i]);
    for (unsigned i = 0; i < run->upstream_count; i++)
        run->widths.upstream = widest(run->widths.upstream, run->upstream[i]);
}

static int make_authorization(struct run *run)
{
    const char *key = getenv("TOLLGATE_COMPARE_KEY");

    if (key == NULL || *key == '\0')
        key = getenv("AI_GATEWAY_API_KEY");
    if (key == NULL || *key == '\0')
        key = "compare";
    for (const char *c = key; *c != '\0'; c++) {
        if (*c <= ' ' || *c > '~' || c - key >= KEY_BYTES_MAX) {
            fputs("tollgate compare: the key in the environment cannot stand in a header\n",
                  stderr);
            return -EINVAL;
        }
    }
    if (asprintf(&run->authorization, "Authorization: Bearer %s", key) >= 0)
        return 0;
    run->authorization = NULL;
    return -ENOMEM;
}

/* Connects, so that the first answer's time is not the connection's as well. */
static int warm(struct run *run)
{
    static const char *const headers[] = {NULL};
    struct compare_request request = {.headers = headers, .timeout_ms = TIMEOUT_MS};
    char *url = NULL;
    long status;
    int result = asprintf(&url, "%s/health", run->gateway.url) < 0 ? -ENOMEM : 0;

    if (result != 0)
        return result;
    request.url = url;
    result = compare_http_send(run->http, &request, &status);
    if (result != 0)
        fprintf(stderr, "tollgate compare: the gateway does not answer: %s\n",
                compare_http_why(run->http));
    free(url);
    return result;
}

/* The gateway comes last: what can be wrong before it, is told before anything is started. */
static int open_gateway(struct run *run)
{
    char error[ERROR_BYTES] = "out of memory";
    int result = compare_gateway_open(run->config, &run->gateway, error, sizeof error);

    if (result != 0) {
        fprintf(stderr, "tollgate compare: %s\n", error);
        return result;
    }
    run->http = compare_http_new(run->gateway.ca_file, run->gateway.ca_file != NULL);
    if (run->http == NULL || asprintf(&run->url, "%s/v1/chat/completions", run->gateway.url) < 0) {
        run->url = NULL;
        return -ENOMEM;
    }
    return warm(run);
}

static int open_out(struct run *run, const char *path)
{
    run->out = path == NULL ? stdout : fopen(path, "we");
    if (run->out != NULL)
        return 0;
    fprintf(stderr, "tollgate compare: %s: %s\n", path, strerror(errno));
    return -errno;
}

static int close_out(struct run *run, const char *path)
{
    int result = run->out != NULL && run->out != stdout && fclose(run->out) != 0 ? -errno : 0;

    if (result != 0)
        fprintf(stderr, "tollgate compare: %s: %s\n", path, strerror(-result));
    return result;
}

static void release(struct run *run)
{
    compare_http_free(run->http);
    compare_gateway_close(&run->gateway);
    compare_baseline_free(run->baseline);
    out_release(&run->baseline_text);
    compare_prompts_release(&run->prompts);
    price_table_free(run->prices);
    if (run->authorization != NULL)
        explicit_bzero(run->authorization, strlen(run->authorization));
    free(run->authorization);
    free(run->url);
}

static int compare(const struct wanted *wanted, struct config *config)
{
    struct run run = {.config = config, .json = wanted->json, .gateway = {.output = -1}};
    int code = EXIT_FAILED, result;

    if (cut_list(wanted->models, run.model, COMPARE_MODELS_MAX, &run.model_count) != 0) {
        fputs("tollgate compare: --models: 1 to 32 models, separated by commas\n", stderr);
        return EXIT_MISUSE;
    }
    if (choose_upstreams(&run, wanted->upstreams) != 0)
        return EXIT_MISUSE;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    result = read_prompts(&run, wanted->prompts) != 0 ||
             read_baseline(&run, wanted->baseline) != 0 || open_prices(&run) != 0 ||
             make_authorization(&run) != 0 || open_gateway(&run) != 0 ||
             open_out(&run, wanted->out) != 0;
    set_widths(&run);
    if (result == 0) {
        result = ask_all(&run);
        if (close_out(&run, wanted->out) == 0 && result == 0 && run.failed == 0)
            code = EXIT_OK;
    }
    release(&run);
    curl_global_cleanup();
    return code;
}

/* 0; 1: nothing is left to do; -EINVAL. */
static int read_option(int option, struct wanted *wanted)
{
    switch (option) {
    case 'h':
        fputs(help, stdout);
        return 1;
    case 'c':
        wanted->config = optarg;
        return 0;
    case 'u':
        wanted->upstreams = optarg;
        return 0;
    case 'm':
        wanted->models = optarg;
        return 0;
    case 'j':
        wanted->json = true;
        return 0;
    case 'b':
        wanted->baseline = optarg;
        return 0;
    case 'o':
        wanted->out = optarg;
        return 0;
    default:
        return -EINVAL;
    }
}

int command_compare(int argc, char **argv)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},           {"upstreams", required_argument, NULL, 'u'},
        {"models", required_argument, NULL, 'm'},   {"json", no_argument, NULL, 'j'},
        {"baseline", required_argument, NULL, 'b'}, {0}};
    struct wanted wanted = {0};
    struct config *config;
    int option, result = 0;

    while (result == 0 && (option = getopt_long(argc, argv, "c:o:h", options, NULL)) != -1)
        result = read_option(option, &wanted);
    if (result != 0)
        return result > 0 ? EXIT_OK : EXIT_MISUSE;
    if (optind == argc - 1)
        wanted.prompts = argv[optind];
    if (wanted.prompts == NULL || wanted.config == NULL || wanted.models == NULL) {
        fputs(help, stderr);
        return EXIT_MISUSE;
    }
    if (config_open(wanted.config, false, stderr, &config) != 0)
        return EXIT_FAILED;
    result = compare(&wanted, config);
    config_free(config);
    return result;
}
