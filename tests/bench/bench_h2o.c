/* bench_h2o.c - the yardstick: a bare libh2o server that answers POST /v1/chat/completions with
 * fixed bytes and does nothing else. What it reaches is what the library leaves to a gateway.
 *
 *     bench_h2o [--listen 127.0.0.1:PORT] [--body FILE]
 *
 * Prints `bench_h2o listening on 127.0.0.1:PORT` when ready (port 0 picks one) and runs until it
 * is killed. One thread, HTTP/1.1 and HTTP/2 by prior knowledge.
 */
#ifndef H2O_USE_LIBUV
#define H2O_USE_LIBUV 0 /* the header would ask for libuv otherwise */
#endif
#include <h2o.h>

#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    BODY_BYTES = 1500,
    BODY_BYTES_MAX = 1 << 20,
    BACKLOG = 4096,
    ACCEPTS_PER_TURN = 16,
};

static h2o_globalconf_t config;
static h2o_context_t context;
static h2o_accept_ctx_t accept_context = {.ctx = &context};
static char *body;
static size_t body_len;

static int on_request(h2o_handler_t *self, h2o_req_t *req)
{
    static h2o_generator_t generator;
    h2o_iovec_t part = h2o_iovec_init(body, body_len);

    (void)self;
    if (!h2o_memis(req->method.base, req->method.len, H2O_STRLIT("POST")))
        return -1;
    req->res.status = 200;
    req->res.reason = "OK";
    req->res.content_length = body_len;
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL,
                   H2O_STRLIT("application/json"));
    h2o_start_response(req, &generator);
    h2o_send(req, &part, 1, H2O_SEND_STATE_FINAL);
    return 0;
}

static void on_accept(h2o_socket_t *listener, const char *error)
{
    if (error != NULL)
        return;
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        h2o_socket_t *client = h2o_evloop_socket_accept(listener);
        if (client == NULL)
            return;
        h2o_accept(&accept_context, client);
    }
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* Valid JSON of BODY_BYTES when no file is named. */
static void body_default(void)
{
    static const char head[] = "{\"object\":\"chat.completion\",\"content\":\"";

    body_len = BODY_BYTES;
    memset(body, 'x', body_len);
    memcpy(body, head, sizeof(head) - 1);
    memcpy(body + body_len - 2, "\"}", 2);
}

static void body_read(const char *path)
{
    FILE *file = fopen(path, "rb");

    if (file == NULL)
        fail(path);
    body_len = fread(body, 1, BODY_BYTES_MAX, file);
    if (ferror(file) != 0)
        fail(path);
    fclose(file);
}

static int listen_on(const char *text)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    const char *colon = strrchr(text, ':');
    char host[INET_ADDRSTRLEN] = "";
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int yes = 1;

    if (colon != NULL && (size_t)(colon - text) < sizeof(host))
        memcpy(host, text, (size_t)(colon - text));
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1) {
        fprintf(stderr, "bench_h2o: --listen must be IPV4:PORT, not %s\n", text);
        exit(2);
    }
    address.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
        bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        fail(text);
    printf("bench_h2o listening on %s:%d\n", host, ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static void options_read(int argc, char **argv, const char **ret_listen)
{
    static const struct option names[] = {
        {"listen", required_argument, NULL, 'l'},
        {"body", required_argument, NULL, 'b'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (option == 'l') {
            *ret_listen = optarg;
        } else if (option == 'b') {
            body_read(optarg);
        } else {
            fprintf(stderr, "usage: bench_h2o [--listen IPV4:PORT] [--body FILE]\n");
            exit(2);
        }
    }
}

int main(int argc, char **argv)
{
    const char *address = "127.0.0.1:0";
    h2o_hostconf_t *host;
    h2o_pathconf_t *path;
    h2o_handler_t *handler;
    h2o_socket_t *listener;
    h2o_evloop_t *loop;

    signal(SIGPIPE, SIG_IGN);
    body = malloc(BODY_BYTES_MAX);
    if (body == NULL)
        fail("malloc");
    body_default();
    options_read(argc, argv, &address);

    h2o_config_init(&config);
    host = h2o_config_register_host(&config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    path = h2o_config_register_path(host, "/v1/chat/completions", 0);
    handler = h2o_create_handler(path, sizeof(*handler));
    handler->on_req = on_request;
    loop = h2o_evloop_create();
    h2o_context_init(&context, loop, &config);
    accept_context.hosts = config.hosts;
    listener = h2o_evloop_socket_create(loop, listen_on(address), H2O_SOCKET_FLAG_DONT_READ);
    h2o_socket_read_start(listener, on_accept);
    for (;;)
        h2o_evloop_run(loop, INT32_MAX);
}
