/* command_serve.c - tollgate serve: open everything, run the workers, shut down in order. */
#include "server/admin.h"
#include "server/catalog.h"
#include "server/clients.h"
#include "server/commands.h"
#include "server/dialect/model_map.h"
#include "server/fetch.h"
#include "server/gateway.h"
#include "server/genid.h"
#include "server/health.h"
#include "server/late_savings.h"
#include "server/listen.h"
#include "server/log.h"
#include "server/lookup.h"
#include "server/prices.h"
#include "server/reads.h"
#include "server/request_log.h"
#include "server/spending.h"
#include "server/upkeep.h"
#include "server/worker.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOCK_WAIT_MS = 3 * 1000, ERROR_BYTES = 1024 };

/* Reachable for as long as the process lives: libh2o's contexts are not torn down while
 * connections may still refer to them. */
static struct gateway gateway;

static const char help[] = "usage: tollgate serve -c FILE\n\n"
                           "Runs the gateway in the foreground. SIGTERM or SIGINT drains: it stops "
                           "accepting, lets running\n"
                           "answers finish (limits.drain), flushes the ledger and exits 0.\n";

/* --- what is shared, opened and closed --- */

static int64_t wall_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int make_data_dir(const struct config *config)
{
    if (mkdir(config->data_dir, 0700) == 0 || errno == EEXIST)
        return 0;
    fprintf(stderr, "tollgate: cannot make data_dir %s: %s\n", config->data_dir, strerror(errno));
    return -errno;
}

static int open_prices(const struct config *config)
{
    char error[ERROR_BYTES] = "";
    int result = prices_open(config, &gateway.prices, error, sizeof error);

    if (result != 0)
        fprintf(stderr, "%s\n", error[0] != '\0' ? error : strerror(-result));
    return result;
}

/* Before anything is served: budgets must know what was spent. */
static int open_clients(const struct config *config)
{
    int result;

    gateway.clients = clients_new(config);
    if (gateway.clients == NULL)
        return -ENOMEM;
    result = spending_load(&gateway, wall_ms());
    if (result != 0)
        fprintf(stderr, "tollgate: the ledger cannot be read for the clients' budgets: %s\n",
                strerror(-result));
    return result;
}

static int open_ledger(const struct config *config)
{
    char dir[4096], error[ERROR_BYTES] = "";
    struct ledger_options options = {
        .dir = dir,
        .lanes = config->workers,
        .durability = config->ledger.durability == DURABILITY_POWER ? LEDGER_POWER : LEDGER_CRASH,
        .now_ms = wall_ms(),
        .lock_wait_ms = LOCK_WAIT_MS,
    };
    int result;

    snprintf(dir, sizeof dir, "%s/ledger", config->data_dir);
    result = ledger_open(&options, &gateway.ledger, error, sizeof error);
    if (result != 0)
        fprintf(stderr, "tollgate: ledger: %s\n", error[0] != '\0' ? error : strerror(-result));
    return result;
}

static int open_store(const struct config *config)
{
    char dir[4096], error[ERROR_BYTES] = "";
    const char *note = NULL;
    struct store_options options = {
        .dir = dir,
        .memory_bytes = (size_t)config->cache.memory_bytes,
        .disk_bytes = config->cache.disk_bytes,
        .entry_bytes_max = (size_t)config->cache.max_entry_bytes,
        .tape_bytes = (size_t)config->limits.buffered_bytes,
        .slot_bytes = {[ANSWER_SLOT_ID - 1] = GENID_VERCEL_LEN, [ANSWER_SLOT_CREATED - 1] = 10},
    };
    int result;

    snprintf(dir, sizeof dir, "%s/cache", config->data_dir);
    result = store_open(&options, &gateway.store, &note, error, sizeof error);
    if (result != 0)
        fprintf(stderr, "tollgate: cache: %s\n", error[0] != '\0' ? error : strerror(-result));
    else if (note != NULL)
        log_line(LOG_WARNING, "cache_made_anew", LOG_TEXT("why", note));
    return result;
}

static int open_request_log(const struct config *config)
{
    char error[ERROR_BYTES] = "";
    const char *note = NULL;
    int result = request_log_open(config, &gateway.request_log, &note, error, sizeof error);

    if (result != 0)
        fprintf(stderr, "tollgate: request log: %s\n",
                error[0] != '\0' ? error : strerror(-result));
    else if (note != NULL)
        log_line(LOG_WARNING, "request_log_made_anew", LOG_TEXT("why", note));
    return result;
}

static int open_shared(const struct config *config)
{
    char error[ERROR_BYTES] = "";

    gateway.config = config;
    gateway.worker_count = config->workers;
    if (make_data_dir(config) != 0 || open_prices(config) != 0 || open_ledger(config) != 0)
        return -1;
    if (identity_open(config->data_dir, gateway.identity, error, sizeof error) != 0) {
        fprintf(stderr, "tollgate: %s\n", error);
        return -1;
    }
    if (open_clients(config) != 0 || open_store(config) != 0 || open_request_log(config) != 0)
        return -1;
    if (model_map_open(config->models.map, &gateway.models, error, sizeof error) != 0) {
        fprintf(stderr, "%s\n", error);
        return -1;
    }
    gateway.late_savings = late_savings_new();
    gateway.lookup = lookup_new(&gateway);
    gateway.health = health_new();
    gateway.catalogs = catalogs_new(&gateway);
    gateway.reads = reads_new(&gateway);
    if (gateway.reads != NULL)
        reads_use_log(gateway.reads, gateway.request_log);
    if (gateway.late_savings != NULL && gateway.lookup != NULL && gateway.health != NULL &&
        gateway.catalogs != NULL && gateway.reads != NULL)
        return 0;
    fprintf(stderr, "tollgate: out of memory or threads\n");
    return -1;
}

/* Also half of it, after a start that failed: every part accepts NULL. */
static void close_shared(void)
{
    upkeep_stop(gateway.upkeep);
    reads_free(gateway.reads);
    catalogs_free(gateway.catalogs);
    health_free(gateway.health);
    lookup_free(gateway.lookup);
    late_savings_free(gateway.late_savings);
    model_map_free(gateway.models);
    request_log_close(gateway.request_log);
    store_close(gateway.store);
    ledger_close(gateway.ledger);
    clients_free(gateway.clients);
    prices_free(gateway.prices);
    OPENSSL_cleanse(gateway.identity, sizeof gateway.identity);
}

/* --- workers --- */

static void on_durable_message(void *arg, struct worker *worker)
{
    (void)arg;
    fetch_durable(worker);
}

static void on_durable(void *arg, unsigned lane)
{
    (void)arg;
    worker_post_function(gateway.workers[lane], on_durable_message, NULL);
}

/* One SSL_CTX per address, shared by the workers; sockets per worker. */
static int make_workers(const struct config *config, SSL_CTX **ssl, uint16_t *ports)
{
    char error[ERROR_BYTES];
    int fds[CONFIG_LISTENS_MAX];

    for (unsigned i = 0; i < config->workers; i++) {
        for (unsigned j = 0; j < config->listen_count; j++)
            if (listen_open(&config->listen[j], i == 0, &ports[j], &fds[j], error, sizeof error) !=
                0) {
                fprintf(stderr, "tollgate: %s\n", error);
                return -1;
            }
        gateway.workers[i] = worker_new(&gateway, i, fds, ssl, config->listen_count);
        if (gateway.workers[i] == NULL) {
            fprintf(stderr, "tollgate: worker %u cannot be made: out of memory or descriptors\n",
                    i);
            return -1;
        }
    }
    return 0;
}

static int make_tls(const struct config *config, SSL_CTX **ssl)
{
    char error[ERROR_BYTES];

    for (unsigned i = 0; i < config->listen_count; i++) {
        ssl[i] = NULL;
        if (config->listen[i].certificate == NULL)
            continue;
        ssl[i] = listen_tls(&config->listen[i], error, sizeof error);
        if (ssl[i] == NULL) {
            fprintf(stderr, "tollgate: %s\n", error);
            return -1;
        }
    }
    return 0;
}

static void announce(const struct config *config, const uint16_t *ports)
{
    for (unsigned i = 0; i < config->listen_count; i++) {
        const struct config_listen *listen = &config->listen[i];
        bool bare_v6 = strchr(listen->host, ':') != NULL;
        printf("tollgate listening on %s://%s%s%s:%u\n",
               listen->certificate != NULL ? "https" : "http", bare_v6 ? "[" : "", listen->host,
               bare_v6 ? "]" : "", ports[i]);
    }
    fflush(stdout);
    for (unsigned i = 0; i < config->upstream_count; i++)
        if (config->upstream[i].api_key != NULL && config->client_count == 0)
            log_line(LOG_WARNING, "own_key_for_everybody",
                     LOG_TEXT("upstream", config->upstream[i].name),
                     LOG_TEXT("note", "whoever reaches this port on loopback spends the key in "
                                      "api_key_env"));
}

static void wait_for_signal(void)
{
    sigset_t set;
    int signal = 0;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    while (sigwait(&set, &signal) != 0)
        ;
    log_line(LOG_INFO, "draining", LOG_TEXT("signal", strsignal(signal)));
}

static void look_around(void *arg, struct worker *worker)
{
    (void)arg;
    (void)worker; /* the loop sees gateway.draining by itself, once it is awake */
}

/* Those that run finish what they do; then nobody uses what is shared any more. */
static void stop_workers(unsigned running, struct admin *admin)
{
    atomic_store(&gateway.draining, true);
    for (unsigned i = 0; i < running; i++)
        worker_post_function(gateway.workers[i], look_around, NULL);
    reads_stop(gateway.reads);
    for (unsigned i = 0; i < running; i++)
        worker_join(gateway.workers[i]);
    admin_stop(admin); /* it says until now that we are draining */
    lookup_stop(gateway.lookup);
    catalogs_stop(gateway.catalogs);
    prices_stop(gateway.prices);
}

static int run_workers(const struct config *config, const uint16_t *ports)
{
    struct admin *admin = NULL;
    unsigned running = 0;
    int result = 0;

    while (running < config->workers && worker_run(gateway.workers[running]) == 0)
        running++;
    if (running < config->workers) {
        fprintf(stderr, "tollgate: cannot start a thread\n");
        result = -1;
    } else {
        announce(config, ports);
        result = admin_start(&gateway, &admin);
    }
    if (result == 0)
        wait_for_signal();
    stop_workers(running, admin);
    return result;
}

/* The upkeep last of all: it begins to read what is shared at once. */
static int run_gateway(const struct config *config, SSL_CTX **ssl, uint16_t *ports)
{
    if (open_shared(config) != 0 || make_workers(config, ssl, ports) != 0)
        return -1;
    ledger_on_durable(gateway.ledger, on_durable, NULL);
    spending_watch(&gateway);
    gateway.upkeep = upkeep_start(&gateway);
    if (gateway.upkeep == NULL) {
        fprintf(stderr, "tollgate: cannot start a thread\n");
        return -1;
    }
    return run_workers(config, ports);
}

static int serve(const struct config *config)
{
    SSL_CTX *ssl[CONFIG_LISTENS_MAX] = {NULL};
    uint16_t ports[CONFIG_LISTENS_MAX] = {0};
    int result;

    for (unsigned i = 0; i < config->listen_count; i++)
        ports[i] = config->listen[i].port;
    result = make_tls(config, ssl);
    if (result == 0)
        result = run_gateway(config, ssl, ports);
    for (unsigned i = 0; i < config->workers; i++)
        worker_free(gateway.workers[i]);
    close_shared();
    if (result != 0) {
        for (unsigned i = 0; i < config->listen_count; i++)
            SSL_CTX_free(ssl[i]);
        return EXIT_FAILED;
    }
    log_line(LOG_INFO, "stopped", LOG_TEXT("ledger", "flushed"));
    return EXIT_OK;
}

static void prepare_process(void)
{
    struct rlimit files;
    sigset_t set;

    /* Signals are waited for by the main thread; every thread inherits this mask. */
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    /* No core dump and no debugger of the same user reads the keys in our memory. */
    prctl(PR_SET_DUMPABLE, 0);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    umask(077);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    /* libh2o would spill large request bodies, prompts that is, into files under /tmp. */
    h2o_socket_buffer_mmap_settings.threshold = SIZE_MAX;
}

int command_serve(int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {0}};
    const char *path = NULL;
    struct config *config;
    int option, code;

    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (option == 'h') {
            fputs(help, stdout);
            return EXIT_OK;
        }
        if (option != 'c')
            return EXIT_MISUSE;
        path = optarg;
    }
    if (path == NULL || optind != argc) {
        fputs(help, stderr);
        return EXIT_MISUSE;
    }
    if (config_open(path, true, stderr, &config) != 0)
        return EXIT_FAILED;
    prepare_process();
    code = serve(config);
    config_free(config);
    return code;
}
