/* sim_main.c - tollgate-sim: arguments, listeners, threads, and waiting for the end. */
#include "tests/sim/sim_worker.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    WORKERS_MAX = 64,
    BACKLOG = 4096,
    IDLE_MS = 600000, /* pooled connections must not vanish under a test */
    BODY_BYTES_MAX = 256 << 20,
    MISSING_MAX = 256, /* models */
};

struct options {
    const char *listen, *prices, *tls_cert, *tls_key;
    long workers, generation_delay;
    bool exit_with_stdin, log_bodies;
    char *missing[MISSING_MAX]; /* borrow: of argv */
    size_t missing_count;
};

/* The process ends without tearing its loops down, so these stay reachable until then. */
static struct sim sim;
static struct sim_worker *workers;

static const char help[] =
    "usage: tollgate-sim [--listen HOST:PORT] [--prices FILE] [--workers N]\n"
    "                    [--generation-delay MS] [--tls-cert FILE --tls-key FILE]\n"
    "                    [--missing MODEL]... [--log-bodies] [--exit-with-stdin]\n"
    "Answers like Vercel AI Gateway (/v1, /v4/ai, /v3/ai), OpenRouter (/api/v1) and OpenAI\n"
    "(/openai/v1), with exact costs, and with faults on demand.\n"
    "  --listen            default 127.0.0.1:0, which picks a free port\n"
    "  --prices            price file, default configs/prices.json\n"
    "  --workers           threads, default 1\n"
    "  --generation-delay  ms after an answer's end until its record appears, default 0\n"
    "  --tls-cert, -key    PEM files; with them the listener speaks TLS only\n"
    "  --missing           a model that does not exist here, in either vendor's words\n"
    "  --log-bodies        /sim/calls shows request bodies\n"
    "  --exit-with-stdin   stop when standard input closes\n";

static int misuse(const char *what, const char *value)
{
    fprintf(stderr, "tollgate-sim: %s %s\n%s", what, value, help);
    return 2;
}

static bool number(const char *text, long least, long most, long *ret_value)
{
    char *end;
    long value;

    errno = 0;
    value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < least || value > most)
        return false;
    *ret_value = value;
    return true;
}

/* 0, or the exit code. */
static int options_read(int argc, char **argv, struct options *options)
{
    static const struct option names[] = {
        {"listen", required_argument, NULL, 'l'},
        {"prices", required_argument, NULL, 'p'},
        {"workers", required_argument, NULL, 'w'},
        {"generation-delay", required_argument, NULL, 'g'},
        {"tls-cert", required_argument, NULL, 'c'},
        {"tls-key", required_argument, NULL, 'k'},
        {"missing", required_argument, NULL, 'm'},
        {"log-bodies", no_argument, NULL, 'b'},
        {"exit-with-stdin", no_argument, NULL, 'x'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (option == 'l')
            options->listen = optarg;
        else if (option == 'p')
            options->prices = optarg;
        else if (option == 'c')
            options->tls_cert = optarg;
        else if (option == 'k')
            options->tls_key = optarg;
        else if (option == 'x')
            options->exit_with_stdin = true;
        else if (option == 'b')
            options->log_bodies = true;
        else if (option == 'm' && options->missing_count == MISSING_MAX)
            return misuse("too many --missing before", optarg);
        else if (option == 'm')
            options->missing[options->missing_count++] = optarg;
        else if (option == 'w' && !number(optarg, 1, WORKERS_MAX, &options->workers))
            return misuse("--workers must be 1 to 64, not", optarg);
        else if (option == 'g' && !number(optarg, 0, 86400000, &options->generation_delay))
            return misuse("--generation-delay must be 0 to 86400000 ms, not", optarg);
        else if (option == '?')
            return misuse("see the options below", "");
        else if (option == 'h') {
            fputs(help, stdout);
            exit(0);
        }
    }
    if (optind < argc)
        return misuse("unexpected argument", argv[optind]);
    if ((options->tls_cert == NULL) != (options->tls_key == NULL))
        return misuse("--tls-cert and --tls-key go together", "");
    return 0;
}

/* HOST:PORT, with the host in brackets when it is IPv6; numbers only. */
static bool address_read(const char *text, struct sockaddr_storage *address, socklen_t *len)
{
    struct addrinfo hints = {
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
        .ai_socktype = SOCK_STREAM,
    };
    struct addrinfo *found;
    const char *colon = strrchr(text, ':');
    char host[64];
    size_t host_len;

    if (colon == NULL)
        return false;
    host_len = (size_t)(colon - text);
    if (host_len > 1 && text[0] == '[' && text[host_len - 1] == ']') {
        text++;
        host_len -= 2;
    }
    if (host_len >= sizeof(host))
        return false;
    memcpy(host, text, host_len);
    host[host_len] = '\0';
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
        return false;
    memcpy(address, found->ai_addr, found->ai_addrlen);
    *len = found->ai_addrlen;
    freeaddrinfo(found);
    return true;
}

/* A listening socket, or a negative errno. The port that was picked is written back, so that the
 * next worker binds the same. */
static int listen_on(struct sockaddr_storage *address, socklen_t *len)
{
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int yes = 1;

    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes)) != 0 ||
        bind(fd, (struct sockaddr *)address, *len) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)address, len) != 0) {
        int rc = -errno;
        close(fd);
        return rc;
    }
    return fd;
}

static void print_ready(const struct sockaddr_storage *address, socklen_t len)
{
    char host[INET6_ADDRSTRLEN], port[8];
    const char *format = address->ss_family == AF_INET6 ? "tollgate-sim listening on [%s]:%s\n"
                                                        : "tollgate-sim listening on %s:%s\n";

    if (getnameinfo((const struct sockaddr *)address, len, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        abort();
    printf(format, host, port);
    fflush(stdout);
}

static SSL_CTX *tls_new(const char *cert, const char *key)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

    if (tls == NULL)
        abort();
    SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
    if (SSL_CTX_use_certificate_chain_file(tls, cert) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1) {
        SSL_CTX_free(tls);
        return NULL;
    }
    h2o_ssl_register_alpn_protocols(tls, h2o_alpn_protocols);
    return tls;
}

static int sim_open(const struct options *options)
{
    struct price_table *prices;
    char error[256];

    if (price_table_open(options->prices, &prices, error, sizeof(error)) < 0) {
        fprintf(stderr, "tollgate-sim: %s\n", error);
        return 1;
    }
    if (sim_catalogue_open(options->prices, prices, options->missing, options->missing_count,
                           &sim.catalogue) < 0) {
        fprintf(stderr, "tollgate-sim: %s cannot be read as a catalogue\n", options->prices);
        return 1;
    }
    if (options->tls_cert != NULL) {
        sim.tls = tls_new(options->tls_cert, options->tls_key);
        if (sim.tls == NULL) {
            fprintf(stderr, "tollgate-sim: %s and %s are no certificate and key\n",
                    options->tls_cert, options->tls_key);
            return 1;
        }
    }
    if (sem_init(&sim.parked, 0, 0) != 0)
        abort();
    sim.calls = sim_calls_new();
    sim.script = sim_script_new();
    sim.things = sim_things_new();
    sim.log_bodies = options->log_bodies;
    sim.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    sim.generation_delay_ms = options->generation_delay;
    h2o_socket_buffer_mmap_settings.threshold = SIZE_MAX; /* no body goes to a file */
    h2o_config_init(&sim.config);
    sim.config.server_name = h2o_iovec_init(H2O_STRLIT("tollgate-sim"));
    sim.config.max_request_entity_size = BODY_BYTES_MAX;
    sim.config.http1.req_timeout = IDLE_MS;
    sim.config.http2.idle_timeout = IDLE_MS;
    sim.config.http2.max_concurrent_requests_per_connection = 256;
    sim_http_register(&sim.config);
    return 0;
}

/* Blocks until a signal asks for the end, or standard input closes where that was asked for. */
static void wait_for_end(int signals, bool with_stdin)
{
    struct pollfd polls[2] = {
        {.fd = signals, .events = POLLIN},
        {.fd = with_stdin ? STDIN_FILENO : -1, .events = POLLIN},
    };
    char ignored[256];

    for (;;) {
        if (poll(polls, 2, -1) < 0 && errno != EINTR)
            return;
        if ((polls[0].revents & POLLIN) != 0)
            return;
        if (polls[1].revents != 0 && read(STDIN_FILENO, ignored, sizeof(ignored)) <= 0)
            return;
    }
}

static int serve(const struct options *options, int signals)
{
    struct sockaddr_storage address;
    socklen_t len = 0;
    size_t count = (size_t)options->workers;

    if (!address_read(options->listen, &address, &len))
        return misuse("--listen must be a numeric HOST:PORT, not", options->listen);
    workers = calloc(count, sizeof(*workers));
    if (workers == NULL)
        abort();
    for (size_t i = 0; i < count; i++) {
        int fd = listen_on(&address, &len);
        if (fd < 0) {
            fprintf(stderr, "tollgate-sim: cannot listen on %s: %s\n", options->listen,
                    strerror(-fd));
            return 1;
        }
        sim_worker_init(&workers[i], &sim, fd);
    }
    for (size_t i = 0; i < count; i++) {
        if (pthread_create(&workers[i].thread, NULL, sim_worker_run, &workers[i]) != 0)
            abort();
    }
    print_ready(&address, len);
    wait_for_end(signals, options->exit_with_stdin);
    atomic_store(&sim.stop, true);
    for (size_t i = 0; i < count; i++) {
        while (sem_wait(&sim.parked) != 0) /* a signal may interrupt it */
            continue;
    }
    return 0;
}

/* As many connections as the system lets us have: thousands of streams may be live at once. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
    struct options options = {
        .listen = "127.0.0.1:0",
        .prices = "configs/prices.json",
        .workers = 1,
    };
    sigset_t ends;
    int rc = options_read(argc, argv, &options);

    if (rc != 0)
        return rc;
    raise_descriptor_limit();
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL); /* before any thread, so that all inherit it */
    rc = sim_open(&options);
    return rc != 0 ? rc : serve(&options, signalfd(-1, &ends, SFD_CLOEXEC));
}
