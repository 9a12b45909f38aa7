/* Questions over real sockets: the upstream is a thread that answers one connection at a time. */
#include "server/ask.h"
#include "server/catalog.h"
#include "server/worker.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { TURNS_MAX = 2000, TURN_MS = 10 };

struct world {
    struct config config;
    struct gateway gateway;
    struct worker *worker;
    char base_url[64];
    int listener;
    pthread_t thread;
    const char *_Atomic answer; /* of the next connection */
    char asked[8192];           /* the last request's head; read it once it was served */
    atomic_uint served;         /* connections, ended from both sides */
    /* What the callback heard. */
    unsigned heard;
    int status;
    char type[128], body[256];
    size_t body_len;
};

/* --- the upstream --- */

static void serve(struct world *world, int fd)
{
    const char *answer;
    char rest[64];
    size_t len = 0;
    ssize_t got;

    world->asked[0] = '\0';
    while (len + 1 < sizeof world->asked && strstr(world->asked, "\r\n\r\n") == NULL &&
           (got = read(fd, world->asked + len, sizeof world->asked - 1 - len)) > 0) {
        len += (size_t)got;
        world->asked[len] = '\0';
    }
    answer = world->answer;
    if (answer != NULL && send(fd, answer, strlen(answer), MSG_NOSIGNAL) < 0)
        return; /* it was cut off: what is heard then is what is tested */
    shutdown(fd, SHUT_WR);
    while (read(fd, rest, sizeof rest) > 0)
        ;
}

static void *run_upstream(void *arg)
{
    struct world *world = arg;
    int fd;

    while ((fd = accept(world->listener, NULL, NULL)) >= 0) {
        serve(world, fd);
        close(fd);
        world->served++;
    }
    return NULL;
}

static void listen_somewhere(struct world *world)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;

    world->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(world->listener >= 0);
    assert_int_equal(bind(world->listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(world->listener, 16), 0);
    assert_int_equal(getsockname(world->listener, (struct sockaddr *)&address, &len), 0);
    snprintf(world->base_url, sizeof world->base_url, "http://127.0.0.1:%u/v1",
             ntohs(address.sin_port));
}

/* --- the worker --- */

static void after(void *arg)
{
    (void)arg;
}

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    char error[256];

    assert_non_null(world);
    listen_somewhere(world);
    world->config.upstream_count = 1;
    world->config.models.catalog_ms = 120000;
    world->config.upstream[0] = (struct config_upstream){
        .name = (char *)(uintptr_t) "a", .dialect = DIALECT_VERCEL, .base_url = world->base_url};
    world->gateway.config = &world->config;
    assert_int_equal(model_map_open(NULL, &world->gateway.models, error, sizeof error), 0);
    world->worker = calloc(1, sizeof *world->worker);
    assert_non_null(world->worker);
    world->worker->gateway = &world->gateway;
    world->worker->context.loop = h2o_evloop_create();
    assert_int_equal(
        watch_set_init(&world->worker->watches, world->worker->context.loop, after, NULL), 0);
    world->worker->upstream = upstream_pool_new(&world->worker->watches);
    assert_non_null(world->worker->upstream);
    assert_int_equal(pthread_create(&world->thread, NULL, run_upstream, world), 0);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    upstream_pool_free(world->worker->upstream); /* its connections end, and serve() with them */
    shutdown(world->listener, SHUT_RDWR);
    pthread_join(world->thread, NULL);
    close(world->listener);
    watch_set_release(&world->worker->watches);
    h2o_evloop_run(world->worker->context.loop, 0); /* lets go of the closed socket */
    h2o_evloop_destroy(world->worker->context.loop);
    model_map_free(world->gateway.models);
    free(world->worker);
    free(world);
    return 0;
}

static void hear(void *arg, struct worker *worker, const struct ask_answer *answer)
{
    struct world *world = arg;

    assert_ptr_equal(worker, world->worker);
    world->heard++;
    world->status = answer->status;
    world->body_len = answer->body.len;
    snprintf(world->type, sizeof world->type, "%.*s", (int)answer->type.len, answer->type.bytes);
    snprintf(world->body, sizeof world->body, "%.*s", (int)answer->body.len, answer->body.bytes);
}

static struct ask_order question(struct world *world)
{
    return (struct ask_order){.upstream = &world->config.upstream[0],
                              .path = TEXT("/credits?x=1"),
                              .client_key = TEXT("sk-client"),
                              .body_max = 200,
                              .timeout_ms = 20000,
                              .done = hear,
                              .arg = world};
}

static void turn(struct world *world)
{
    h2o_evloop_run(world->worker->context.loop, TURN_MS);
}

/* libcurl hangs up within the turn in which the answer is told. */
static void turn_until_served(struct world *world, unsigned count)
{
    for (unsigned i = 0; i < TURNS_MAX && world->served < count; i++)
        turn(world);
    assert_int_equal(world->served, count);
}

/* Asks and hears. */
static void ask(struct world *world, const struct ask_order *order, const char *answer)
{
    unsigned before = world->heard, served = world->served;
    struct ask *running = NULL;

    world->answer = answer;
    assert_int_equal(ask_start(world->worker, order, &running), 0);
    assert_non_null(running);
    turn_until_served(world, served + 1);
    assert_int_equal(world->heard, before + 1);
}

#define ANSWER(status, length, body)                                                               \
    "HTTP/1.1 " status "\r\nContent-Type: application/json; charset=utf-8\r\n"                     \
    "Connection: close\r\nContent-Length: " length "\r\n\r\n" body

static void an_answer_is_gathered_whole(void **state)
{
    struct world *world = *state;
    struct ask_order order = question(world);

    ask(world, &order, ANSWER("200 OK", "11", "{\"data\":{}}"));
    assert_int_equal(world->status, 200);
    assert_string_equal(world->type, "application/json; charset=utf-8");
    assert_string_equal(world->body, "{\"data\":{}}");
    assert_memory_equal(world->asked, "GET /v1/credits?x=1 HTTP/1.1\r\n", 30);
    assert_non_null(strstr(world->asked, "\r\nAuthorization: Bearer sk-client\r\n"));
    assert_non_null(strstr(world->asked, "\r\nAccept: application/json\r\n"));
    ask(world, &order, ANSWER("404 Not Found", "0", ""));
    assert_int_equal(world->status, 404);
    assert_int_equal(world->body_len, 0);
}

static void an_upstreams_own_key_comes_before_the_clients(void **state)
{
    struct world *world = *state;
    struct ask_order order = question(world);

    world->config.upstream[0].api_key = (char *)(uintptr_t) "sk-ours";
    ask(world, &order, ANSWER("200 OK", "0", ""));
    assert_non_null(strstr(world->asked, "\r\nAuthorization: Bearer sk-ours\r\n"));
    assert_null(strstr(world->asked, "sk-client"));
}

/* An empty one would be refused where none is not. */
static void without_a_key_there_is_no_header(void **state)
{
    struct world *world = *state;
    struct ask_order order = question(world);

    order.client_key = (struct text){NULL, 0};
    ask(world, &order, ANSWER("200 OK", "0", ""));
    assert_int_equal(world->status, 200);
    assert_null(strstr(world->asked, "Authorization"));
}

static void what_is_no_whole_answer_has_no_status(void **state)
{
    struct world *world = *state;
    struct ask_order order = question(world);

    ask(world, &order, ANSWER("200 OK", "20", "{\"data\":"));
    assert_int_equal(world->status, 0);
    assert_int_equal(world->body_len, 0);
    ask(world, &order, NULL);
    assert_int_equal(world->status, 0);
    /* One byte too many. */
    order.body_max = 10;
    ask(world, &order, ANSWER("200 OK", "11", "{\"data\":{}}"));
    assert_int_equal(world->status, 0);
    order.body_max = 11;
    ask(world, &order, ANSWER("200 OK", "11", "{\"data\":{}}"));
    assert_int_equal(world->status, 200);
}

static void nobody_there_is_an_answer_too(void **state)
{
    struct world *world = *state;
    struct ask_order order = question(world);
    struct ask *running = NULL;

    world->status = -1;
    world->config.upstream[0].base_url = (char *)(uintptr_t) "http://127.0.0.1:1/v1";
    assert_int_equal(ask_start(world->worker, &order, &running), 0);
    for (unsigned i = 0; i < TURNS_MAX && world->heard == 0; i++)
        turn(world);
    assert_int_equal(world->heard, 1);
    assert_int_equal(world->status, 0);
}

static void a_stopped_question_is_never_answered(void **state)
{
    struct world *world = *state;
    struct ask_order order = question(world);
    struct ask *running = NULL;
    char *path = malloc(20000);

    assert_non_null(path);
    world->answer = ANSWER("200 OK", "0", "");
    assert_int_equal(ask_start(world->worker, &order, &running), 0);
    ask_stop(running);
    for (unsigned i = 0; i < 3; i++)
        turn(world);
    assert_int_equal(world->heard, 0);
    ask_stop(NULL);
    memset(path, 'a', 20000);
    order.path = (struct text){path, 20000};
    running = NULL;
    assert_int_equal(ask_start(world->worker, &order, &running), -EIO);
    assert_null(running);
    free(path);
}

/* --- catalogues --- */

#define MODELS ANSWER("200 OK", "23", "{\"data\":[{\"id\":\"a/b\"}]}")

static void the_first_tick_reads_the_list(void **state)
{
    struct world *world = *state;
    struct catalogs *catalogs = catalogs_new(&world->gateway);

    world->answer = MODELS;
    catalogs_tick(catalogs, world->worker);
    catalogs_tick(catalogs, world->worker); /* it is being asked already */
    turn_until_served(world, 1);
    assert_memory_equal(world->asked, "GET /v1/models HTTP/1.1\r\n", 25);
    assert_int_equal(catalogs_has(catalogs, 0, TEXT("a/b")), CATALOG_YES);
    assert_int_equal(catalogs_has(catalogs, 0, TEXT("a/c")), CATALOG_NO);
    catalogs_tick(catalogs, world->worker); /* not due for two minutes */
    for (unsigned i = 0; i < 3; i++)
        turn(world);
    assert_int_equal(world->served, 1);
    catalogs_stop(catalogs);
    catalogs_free(catalogs);
}

/* A later failure keeps the last good list. */
static void a_failure_keeps_what_was_known(void **state)
{
    struct world *world = *state;
    struct catalogs *catalogs = catalogs_new(&world->gateway);
    struct catalog *catalog = NULL;

    assert_int_equal(catalog_parse("{\"data\":[{\"id\":\"a/b\"}]}", 23, DIALECT_VERCEL, &catalog),
                     0);
    catalogs_put(catalogs, 0, catalog);
    world->answer = ANSWER("500 Oh", "2", "{}");
    catalogs_tick(catalogs, world->worker);
    turn_until_served(world, 1);
    assert_int_equal(catalogs_has(catalogs, 0, TEXT("a/b")), CATALOG_YES);
    catalogs_stop(catalogs);
    catalogs_free(catalogs);
}

/* An upstream without a list, or with an empty one, is not known: nothing is refused for it. */
static void what_is_no_list_is_not_believed(void **state)
{
    static const char *const answers[] = {
        ANSWER("404 Not Found", "11", "{\"data\":[1]}"), ANSWER("200 OK", "11", "{\"data\":[]} "),
        ANSWER("200 OK", "6", "<html>"), ANSWER("200 OK", "0", "")};
    struct world *world = *state;

    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct catalogs *catalogs = catalogs_new(&world->gateway);

        world->answer = answers[i];
        catalogs_tick(catalogs, world->worker);
        turn_until_served(world, (unsigned)i + 1);
        assert_int_equal(catalogs_has(catalogs, 0, TEXT("a/b")), CATALOG_UNKNOWN);
        catalogs_stop(catalogs);
        catalogs_free(catalogs);
    }
}

static void a_list_that_is_being_read_is_let_go_of_at_the_end(void **state)
{
    struct world *world = *state;
    struct catalogs *catalogs = catalogs_new(&world->gateway);

    world->answer = MODELS;
    catalogs_tick(catalogs, world->worker);
    catalogs_stop(catalogs);
    catalogs_tick(catalogs, world->worker); /* nothing begins any more */
    for (unsigned i = 0; i < 3; i++)
        turn(world);
    assert_int_equal(catalogs_has(catalogs, 0, TEXT("a/b")), CATALOG_UNKNOWN);
    catalogs_free(catalogs);
}

static void zero_means_never(void **state)
{
    struct world *world = *state;
    struct catalogs *catalogs = catalogs_new(&world->gateway);

    world->config.models.catalog_ms = 0;
    world->answer = MODELS;
    catalogs_tick(catalogs, world->worker);
    catalogs_free(catalogs); /* nothing runs: there was nothing to stop */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_answer_is_gathered_whole),
        TEST(an_upstreams_own_key_comes_before_the_clients),
        TEST(without_a_key_there_is_no_header),
        TEST(what_is_no_whole_answer_has_no_status),
        TEST(nobody_there_is_an_answer_too),
        TEST(a_stopped_question_is_never_answered),
        TEST(the_first_tick_reads_the_list),
        TEST(a_failure_keeps_what_was_known),
        TEST(what_is_no_list_is_not_believed),
        TEST(a_list_that_is_being_read_is_let_go_of_at_the_end),
        TEST(zero_means_never),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
