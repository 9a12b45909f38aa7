/* compare_gateway.c - a gateway to ask: the one that runs, else a child that stops with us. */
#include "server/compare.h"

#include "server/compare_http.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    HEALTH_MS = 2000,
    START_MS = 60 * 1000,
    STOP_MS = 10 * 1000,
    STEP_MS = 10,
    LINE_MAX_BYTES = 512,
    HOST_BYTES = 256
};

#define READY "tollgate listening on "

static int64_t clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* "every address" is none that could be called. */
static const char *reachable(const char *host)
{
    if (strcmp(host, "0.0.0.0") == 0)
        return "127.0.0.1";
    return strcmp(host, "::") == 0 ? "::1" : host;
}

static int make_url(bool tls, const char *host, unsigned port, char **ret_url)
{
    const char *at = reachable(host);
    bool v6 = strchr(at, ':') != NULL;

    if (asprintf(ret_url, "%s://%s%s%s:%u", tls ? "https" : "http", v6 ? "[" : "", at,
                 v6 ? "]" : "", port) >= 0)
        return 0;
    *ret_url = NULL;
    return -ENOMEM;
}

int compare_gateway_read_line(const char *line, char **ret_url)
{
    const char *url = strncmp(line, READY, strlen(READY)) == 0 ? line + strlen(READY) : "";
    bool tls = strncmp(url, "https://", 8) == 0;
    char host[HOST_BYTES] = "";
    const char *colon = strrchr(url, ':'), *at = url + (tls ? 8 : 7);
    unsigned long port;
    size_t len;
    char *end;

    if ((!tls && strncmp(url, "http://", 7) != 0) || colon <= at)
        return -EINVAL;
    len = (size_t)(colon - at);
    if (*at == '[' && colon[-1] == ']') {
        at++;
        len = len >= 2 ? len - 2 : 0;
    }
    port = strtoul(colon + 1, &end, 10);
    if (len == 0 || len >= sizeof(host) || end == colon + 1 || port == 0 || port > UINT16_MAX)
        return -EINVAL;
    memcpy(host, at, len);
    return make_url(tls, host, (unsigned)port, ret_url);
}

/* Whether a gateway answers there. */
static bool is_there(const char *url, const char *ca_file)
{
    static const char *const headers[] = {NULL};
    struct compare_http *http = compare_http_new(ca_file, ca_file != NULL);
    struct compare_request request = {.headers = headers, .timeout_ms = HEALTH_MS};
    char *health = NULL;
    long status = 0;
    bool there = false;

    if (http != NULL && asprintf(&health, "%s/health", url) >= 0) {
        request.url = health;
        there = compare_http_send(http, &request, &status) == 0 && status == 200;
        free(health);
    }
    compare_http_free(http);
    return there;
}

/* --- the child --- */

/* In the child, between fork and exec: nothing that takes a lock. */
static void become_gateway(const char *config, const int pipe_fds[2])
{
    char *const arguments[] = {(char *)(uintptr_t) "tollgate", (char *)(uintptr_t) "serve",
                               (char *)(uintptr_t) "-c", (char *)(uintptr_t)config, NULL};

    prctl(PR_SET_PDEATHSIG, SIGTERM); /* whatever becomes of us */
    if (dup2(pipe_fds[1], STDOUT_FILENO) >= 0)
        execv("/proc/self/exe", arguments);
    _exit(127);
}

static int start(const char *config, struct compare_gateway *gateway)
{
    int pipe_fds[2];

    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return -errno;
    fflush(NULL);
    gateway->child = fork();
    if (gateway->child == 0)
        become_gateway(config, pipe_fds);
    close(pipe_fds[1]);
    gateway->output = pipe_fds[0];
    return gateway->child < 0 ? -errno : 0;
}

/* Reads what the child prints up to its first line's end. 0, -EPIPE when it ended, -ETIMEDOUT. */
static int read_line(int fd, char line[LINE_MAX_BYTES])
{
    int64_t until_ms = clock_ms() + START_MS;
    size_t len = 0;

    while (len < LINE_MAX_BYTES - 1) {
        struct pollfd waiting = {.fd = fd, .events = POLLIN};
        int64_t left_ms = until_ms - clock_ms();

        if (left_ms <= 0)
            return -ETIMEDOUT;
        if (poll(&waiting, 1, (int)left_ms) <= 0)
            continue;
        if (read(fd, line + len, 1) != 1)
            return -EPIPE;
        if (line[len] == '\n')
            break;
        len++;
    }
    line[len] = '\0';
    return 0;
}

static int start_and_wait(const struct config *config, struct compare_gateway *gateway, char *error,
                          size_t error_size)
{
    char line[LINE_MAX_BYTES];
    int result = start(config->path, gateway);

    if (result == 0)
        result = read_line(gateway->output, line);
    if (result == -EPIPE)
        snprintf(error, error_size, "the gateway did not start; what it says stands above");
    else if (result != 0)
        snprintf(error, error_size, "the gateway cannot be started: %s", strerror(-result));
    if (result != 0)
        return result;
    result = compare_gateway_read_line(line, &gateway->url);
    if (result != 0)
        snprintf(error, error_size, "the gateway said what was not expected: %s", line);
    return result;
}

int compare_gateway_open(const struct config *config, struct compare_gateway *gateway, char *error,
                         size_t error_size)
{
    const struct config_listen *listen = &config->listen[0];
    int result;

    *gateway = (struct compare_gateway){
        .output = -1, .stop_ms = config->limits.drain_ms + STOP_MS, .ca_file = listen->certificate};
    if (listen->port != 0) {
        result = make_url(listen->certificate != NULL, listen->host, listen->port, &gateway->url);
        if (result != 0)
            return result;
        if (is_there(gateway->url, gateway->ca_file))
            return 0;
        free(gateway->url);
        gateway->url = NULL;
    }
    result = start_and_wait(config, gateway, error, error_size);
    if (result != 0)
        compare_gateway_close(gateway);
    return result;
}

/* It finishes what runs, writes its ledger and ends; one that does not is ended. */
static void stop(pid_t child, unsigned stop_ms)
{
    int64_t until_ms = clock_ms() + stop_ms;

    kill(child, SIGTERM);
    while (waitpid(child, NULL, WNOHANG) == 0) {
        if (clock_ms() > until_ms) {
            kill(child, SIGKILL);
            waitpid(child, NULL, 0);
            return;
        }
        poll(NULL, 0, STEP_MS);
    }
}

void compare_gateway_close(struct compare_gateway *gateway)
{
    if (gateway->child > 0)
        stop(gateway->child, gateway->stop_ms);
    if (gateway->output >= 0)
        close(gateway->output);
    free(gateway->url);
    *gateway = (struct compare_gateway){.output = -1};
}
