/* reads_request_log_test.c - what is kept of requests, and who can read it again. A worker here is
 * what the log needs of one: a clock, a hasher, and a mailbox that this test empties itself. */
#include "server/request_log.h"
#include "server/worker.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { DEADLINE_MS = 20000 };

static const uint8_t secret[32] = {7};
static h2o_loop_t *loop;
static pthread_mutex_t mail_lock = PTHREAD_MUTEX_INITIALIZER;
static void (*mail_fn)(void *arg, struct worker *worker);
static void *mail_arg;

void worker_post_function(struct worker *worker, void (*fn)(void *arg, struct worker *worker),
                          void *arg)
{
    (void)worker;
    pthread_mutex_lock(&mail_lock);
    mail_fn = fn;
    mail_arg = arg;
    pthread_mutex_unlock(&mail_lock);
}

struct fixture {
    char root[64];
    struct config config;
    struct worker *worker;
    struct request_log *log;
    bool done;
    char body[256];
};

static void open_log(struct fixture *fixture)
{
    char error[256] = "";
    const char *note;

    if (request_log_open(&fixture->config, &fixture->log, &note, error, sizeof error) != 0)
        fail_msg("%s", error);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    snprintf(fixture->root, sizeof fixture->root, "/tmp/tollgate-requests.XXXXXX");
    if (mkdtemp(fixture->root) == NULL)
        return -1;
    fixture->config.data_dir = fixture->root;
    fixture->config.limits.body_bytes = 1024 * 1024;
    fixture->config.limits.buffered_bytes = 8 * 1024 * 1024;
    fixture->config.request_log.enabled = true;
    fixture->config.request_log.retention_s = 90 * 24 * 3600;
    fixture->config.request_log.disk_bytes = 64 * 1024 * 1024;
    fixture->worker = calloc(1, sizeof *fixture->worker);
    if (loop == NULL)
        loop = h2o_evloop_create(); /* there is no call that would end it */
    fixture->worker->context.loop = loop;
    fixture->worker->ledger_names = key_hasher_new(secret);
    open_log(fixture);
    *state = fixture;
    return fixture->log != NULL ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    request_log_close(fixture->log);
    key_hasher_free(fixture->worker->ledger_names);
    nftw(fixture->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(fixture->worker);
    free(fixture);
    return 0;
}

static void on_read(void *arg, struct worker *worker, struct text body)
{
    struct fixture *fixture = arg;

    assert_ptr_equal(worker, fixture->worker);
    assert_false(fixture->done);
    fixture->done = true;
    assert_true(body.len < sizeof fixture->body);
    memcpy(fixture->body, body.len > 0 ? body.bytes : "", body.len);
    fixture->body[body.len] = '\0';
}

static void empty_mailbox(struct fixture *fixture)
{
    void (*fn)(void *arg, struct worker *worker);

    pthread_mutex_lock(&mail_lock);
    fn = mail_fn;
    mail_fn = NULL;
    pthread_mutex_unlock(&mail_lock);
    if (fn != NULL)
        fn(mail_arg, fixture->worker);
}

static const char *read_back(struct fixture *fixture, const char *id, const char *api_key)
{
    struct request_seal seal;

    request_log_seal(fixture->worker, text_of(api_key), &seal);
    fixture->done = false;
    request_log_read(fixture->log, fixture->worker, text_of(id), &seal, on_read, fixture);
    for (int waited = 0; waited < DEADLINE_MS && !fixture->done; waited++) {
        empty_mailbox(fixture);
        if (!fixture->done)
            poll(NULL, 0, 1);
    }
    assert_true(fixture->done);
    return fixture->body;
}

static void keep(struct fixture *fixture, const char *id, const char *api_key, const char *body)
{
    request_log_keep(fixture->log, fixture->worker, text_of(id), text_of(api_key), text_of(body));
}

static void a_request_is_read_back_as_it_was(void **state)
{
    struct fixture *fixture = *state;

    keep(fixture, "gen-1", "key-a", " {\"model\": \"m\", \"temperature\":0.10}");
    keep(fixture, "gen-2", "key-a", "{}");
    assert_string_equal(read_back(fixture, "gen-1", "key-a"),
                        " {\"model\": \"m\", \"temperature\":0.10}");
    assert_string_equal(read_back(fixture, "gen-2", "key-a"), "{}");
    assert_string_equal(read_back(fixture, "gen-3", "key-a"), "");
    keep(fixture, "gen-2", "key-a", "{\"again\":1}");
    assert_string_equal(read_back(fixture, "gen-2", "key-a"), "{\"again\":1}");
    request_log_close(fixture->log);
    open_log(fixture);
    assert_string_equal(read_back(fixture, "gen-2", "key-a"), "{\"again\":1}");
}

static void only_who_asked_can_read_it(void **state)
{
    struct fixture *fixture = *state;

    keep(fixture, "gen-1", "key-a", "{\"a\":1}");
    keep(fixture, "gen-1", "key-b", "{\"b\":2}");
    assert_string_equal(read_back(fixture, "gen-1", "key-c"), "");
    assert_string_equal(read_back(fixture, "gen-1", "key-a"), "{\"a\":1}");
    assert_string_equal(read_back(fixture, "gen-1", "key-b"), "{\"b\":2}");
}

static void what_is_no_json_object_is_not_kept(void **state)
{
    struct fixture *fixture = *state;

    keep(fixture, "gen-1", "key-a", "--boundary\r\n");
    keep(fixture, "gen-2", "key-a", "");
    keep(fixture, "gen-3", "key-a", "{\"torn\":");
    keep(fixture, "", "key-a", "{}");
    assert_string_equal(read_back(fixture, "gen-1", "key-a"), "");
    assert_string_equal(read_back(fixture, "gen-2", "key-a"), "");
    assert_string_equal(read_back(fixture, "gen-3", "key-a"), ""); /* it would break the answer */
}

/* The directory is searched for the words of a request, and for its key and id. */
static bool file_has(const char *path, const char *word)
{
    FILE *file = fopen(path, "rb");
    static char bytes[1 << 20];
    size_t len = file != NULL ? fread(bytes, 1, sizeof bytes, file) : 0;

    if (file != NULL)
        fclose(file);
    return memmem(bytes, len, word, strlen(word)) != NULL;
}

static const char *searched;
static bool seen;

static int search_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)place;
    if (type == FTW_F && file_has(path, searched))
        seen = true;
    return 0;
}

static void nothing_readable_is_on_disk(void **state)
{
    static const char *const words[] = {"confidential-prompt", "key-very-secret", "gen-named"};
    struct fixture *fixture = *state;

    keep(fixture, "gen-named", "key-very-secret", "{\"text\":\"confidential-prompt\"}");
    request_log_close(fixture->log);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        searched = words[i];
        seen = false;
        nftw(fixture->root, search_one, 16, FTW_PHYS);
        assert_false(seen);
    }
    open_log(fixture);
    assert_string_equal(read_back(fixture, "gen-named", "key-very-secret"),
                        "{\"text\":\"confidential-prompt\"}");
}

static void switched_off_it_does_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct request_log *on = fixture->log;
    const char *note;
    char error[64];

    fixture->config.request_log.enabled = false;
    assert_int_equal(request_log_open(&fixture->config, &fixture->log, &note, error, sizeof error),
                     0);
    assert_null(fixture->log);
    keep(fixture, "gen-1", "key-a", "{}");
    assert_string_equal(read_back(fixture, "gen-1", "key-a"), "");
    request_log_tick(fixture->log, 1);
    request_log_close(fixture->log);
    fixture->log = on;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(a_request_is_read_back_as_it_was),   TEST(only_who_asked_can_read_it),
        TEST(what_is_no_json_object_is_not_kept), TEST(nothing_readable_is_on_disk),
        TEST(switched_off_it_does_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
