/* admin.c - the admin address: its socket, its loop, its thread. */
#include "server/admin_private.h"

#include "server/listen.h"
#include "server/log.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LOOP_WAIT_MS = 1000, ACCEPTS_PER_TURN = 16, ERROR_BYTES = 512 };

/* Reachable for as long as the process lives: libh2o's context is not torn down while connections
 * may still refer to it. */
static struct admin admin_of_process;

static int64_t clock_ms(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t admin_monotonic_ms(void)
{
    return clock_ms(CLOCK_MONOTONIC);
}

int64_t admin_wall_ms(void)
{
    return clock_ms(CLOCK_REALTIME);
}

/* --- connections --- */

static void on_accept(h2o_socket_t *listener, const char *error);

static void accept_again(struct admin *admin)
{
    if (!admin->resting || admin->listener == NULL)
        return;
    admin->resting = false;
    h2o_socket_read_start(admin->listener, on_accept);
}

static void on_connection_closed(void *data)
{
    struct admin *admin = data;

    assert(admin->connections > 0);
    admin->connections--;
    accept_again(admin);
}

static void on_accept(h2o_socket_t *listener, const char *error)
{
    struct admin *admin = listener->data;
    h2o_socket_t *client;

    if (error != NULL)
        return;
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        errno = 0;
        client =
            admin->connections < ADMIN_CONNECTIONS_MAX ? h2o_evloop_socket_accept(listener) : NULL;
        if (client == NULL) {
            /* Whoever stays in the queue, because there are enough or we have no descriptors left,
             * is taken up again when a connection ends or at the next tick. */
            if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
                h2o_socket_read_stop(listener);
                admin->resting = true;
            }
            return;
        }
        admin->connections++;
        client->on_close.cb = on_connection_closed;
        client->on_close.data = admin;
        h2o_accept(&admin->accept, client);
    }
}

/* --- the loop --- */

static void on_mail(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    (void)receiver;
    while (!h2o_linklist_is_empty(messages)) {
        h2o_linklist_t *first = messages->next;
        struct admin_message *message =
            H2O_STRUCT_FROM_MEMBER(struct admin_message, super.link, first);
        assert(first->next != NULL); /* it is in the list */
        h2o_linklist_unlink(first);
        message->fn(message->arg); /* may free it */
    }
}

static void on_tick(h2o_timeout_entry_t *entry)
{
    struct admin *admin = H2O_STRUCT_FROM_MEMBER(struct admin, tick, entry);

    admin_jobs_check(admin, admin_monotonic_ms());
    accept_again(admin);
    h2o_timeout_link(admin->context.loop, &admin->context.one_sec_timeout, &admin->tick);
}

static void look_around(void *arg)
{
    (void)arg; /* the loop sees `stopping` by itself, once it is awake */
}

static void after_watches(void *arg)
{
    (void)arg;
}

static bool connections_left(const struct admin *admin)
{
    return admin->context.http1._conns.next != &admin->context.http1._conns ||
           admin->context.http2._conns.next != &admin->context.http2._conns;
}

static void *run(void *arg)
{
    struct admin *admin = arg;
    int64_t deadline;

    pthread_setname_np(pthread_self(), "admin");
    while (!atomic_load(&admin->stopping))
        h2o_evloop_run(admin->context.loop, LOOP_WAIT_MS);
    h2o_socket_close(admin->listener);
    admin->listener = NULL;
    h2o_context_request_shutdown(&admin->context);
    admin_jobs_stop(admin);
    while (admin->threads > 0) /* they use the ledger, which is about to be closed */
        h2o_evloop_run(admin->context.loop, LOOP_WAIT_MS);
    deadline = admin_monotonic_ms() + ADMIN_LINGER_MS;
    while (connections_left(admin) && admin_monotonic_ms() < deadline)
        h2o_evloop_run(admin->context.loop, 10);
    return NULL;
}

/* --- birth and death --- */

static void configure(struct admin *admin)
{
    h2o_globalconf_t *global = &admin->globalconf;
    h2o_hostconf_t *host;
    h2o_pathconf_t *path;
    struct admin_handler *handler;

    h2o_config_init(global);
    global->server_name = h2o_iovec_init(H2O_STRLIT("tollgate"));
    /* Ours answers 413; the library's wall behind it ends the connection (platform.md). */
    global->max_request_entity_size = 2 * ADMIN_BODY_MAX;
    global->http1.req_timeout = ADMIN_REQUEST_MS;
    global->http2.idle_timeout = ADMIN_IDLE_MS;
    host = h2o_config_register_host(global, h2o_iovec_init(H2O_STRLIT(ADMIN_NO_HOST)), 65535);
    path = h2o_config_register_path(host, "/", 0);
    handler = (struct admin_handler *)h2o_create_handler(path, sizeof *handler);
    handler->super.on_req = admin_on_request;
    handler->admin = admin;
}

static int open_loop(struct admin *admin, int fd)
{
    configure(admin);
    h2o_context_init(&admin->context, h2o_evloop_create(), &admin->globalconf);
    h2o_multithread_register_receiver(admin->context.queue, &admin->mailbox, on_mail);
    admin->tick.cb = on_tick;
    h2o_timeout_link(admin->context.loop, &admin->context.one_sec_timeout, &admin->tick);
    admin->accept = (h2o_accept_ctx_t){.ctx = &admin->context, .hosts = admin->globalconf.hosts};
    admin->listener = h2o_evloop_socket_create(admin->context.loop, fd, H2O_SOCKET_FLAG_DONT_READ);
    admin->listener->data = admin;
    h2o_socket_read_start(admin->listener, on_accept);
    return watch_set_init(&admin->watches, admin->context.loop, after_watches, admin);
}

static int open_listener(const struct config *config, uint16_t *port, int *ret_fd)
{
    struct config_listen listen = {.host = config->admin.host, .port = config->admin.port};
    char error[ERROR_BYTES] = "";

    *port = listen.port;
    if (listen_open(&listen, true, port, ret_fd, error, sizeof error) == 0)
        return 0;
    fprintf(stderr, "tollgate: admin.address: %s\n", error);
    return -1;
}

static void announce(const char *host, uint16_t port)
{
    bool bare_v6 = strchr(host, ':') != NULL;

    printf("tollgate admin on http://%s%s%s:%u\n", bare_v6 ? "[" : "", host, bare_v6 ? "]" : "",
           port);
    fflush(stdout);
}

int admin_start(struct gateway *gateway, struct admin **ret_admin)
{
    const struct config *config = gateway->config;
    struct admin *admin = &admin_of_process;
    uint16_t port;
    int fd;

    assert(admin->gateway == NULL); /* once per process */
    if (config->admin.host == NULL) {
        *ret_admin = NULL;
        return 0;
    }
    assert(config->admin.loopback || config->admin.token != NULL); /* config_check.c saw to it */
    if (open_listener(config, &port, &fd) != 0)
        return -1;
    admin->gateway = gateway;
    admin->has_token = config->admin.token != NULL;
    if (admin->has_token)
        admin_token_digest(text_of(config->admin.token), admin->token);
    if (open_loop(admin, fd) != 0 || pthread_create(&admin->thread, NULL, run, admin) != 0) {
        fprintf(stderr, "tollgate: admin.address: no descriptor or thread is left for it\n");
        return -1;
    }
    announce(config->admin.host, port);
    *ret_admin = admin;
    return 0;
}

void admin_stop(struct admin *admin)
{
    if (admin == NULL)
        return;
    atomic_store(&admin->stopping, true);
    admin_post(admin, &admin->wake, look_around, NULL);
    pthread_join(admin->thread, NULL);
    assert(admin->threads == 0);
}
