/* ledger_disk_test.c - a disk that refuses, and then takes writes again.
 *
 * The victim is this program again, run with arguments: what it does to its limits and mounts ends
 * with it, and a fork alone would inherit a RocksDB whose threads did not come along. */
#include "accounting/ledger_month.h"
#include "accounting/ledger_rollup.h"

#include "tests/accounting/ledger_fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { CANNOT = 77 }; /* exit status of a victim that this machine does not allow */

static struct ledger_row numbered_row(uint32_t id, char name[32])
{
    struct ledger_row row;
    snprintf(name, 32, "m-%u", id);
    row = fixture_row(name);
    row.model = row.id;
    return row;
}

static struct ledger *victim_open(const char *root)
{
    struct fixture fixture = {0};
    struct ledger_options options;
    struct ledger *ledger;
    char error[256];
    snprintf(fixture.dir, sizeof(fixture.dir), "%s/data/ledger", root);
    options = fixture_options(&fixture, 1);
    if (ledger_open(&options, &ledger, error, sizeof(error)) < 0) {
        fprintf(stderr, "victim: %s\n", error);
        abort();
    }
    return ledger;
}

static bool has_error(void *arg)
{
    struct ledger_health health;
    ledger_health(arg, &health);
    return health.error != 0;
}

static bool is_well(void *arg)
{
    struct ledger_health health;
    ledger_health(arg, &health);
    return health.error == 0 && health.lag_bytes == 0;
}

/* Files may not grow, then they may again: errors of a disk, wherever it is. */
static int refuse_growth(bool refuse)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) != 0)
        return -1;
    limit.rlim_cur = refuse ? 16 : limit.rlim_max;
    return setrlimit(RLIMIT_FSIZE, &limit);
}

/* A ballast file takes what is left of a small disk; then it goes. */
static int fill_disk(bool fill)
{
    static const char zeros[65536];
    char path[] = "ballast";
    int fd;
    if (!fill)
        return unlink(path);
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd < 0)
        return -1;
    for (size_t size = sizeof(zeros); size > 0;) {
        if (write(fd, zeros, size) < 0)
            size /= 2;
    }
    return close(fd);
}

/* A disk of a few MiB for this process alone, as data below root; the rest of the machine does not
 * see it. Not every machine allows it. */
static bool mount_small_disk(const char *root)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/data", root);
    if (mkdir(path, 0700) != 0)
        return false;
    if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
        return false;
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return false;
    return mount("none", path, "tmpfs", 0, "size=6m") == 0 && chdir(path) == 0;
}

static int count_row(void *arg, const struct ledger_row *row)
{
    unsigned *next = arg;
    char name[32];
    snprintf(name, sizeof(name), "m-%u", *next);
    if (row->model.len != strlen(name) || memcmp(row->model.bytes, name, row->model.len) != 0)
        return -EBADMSG;
    ++*next;
    return 0;
}

static int count_requests(void *arg, const struct rollup_group *group)
{
    *(int64_t *)arg += group->requests;
    return 0;
}

/* All rows are there, in order, and in the sums. */
static bool all_there(const char *root, unsigned rows)
{
    const int64_t from_ms = fixture_now_ms - fixture_now_ms % LEDGER_DAY_MS;
    struct ledger_reader *reader;
    int64_t requests = 0;
    unsigned next = 0;
    char dir[128], error[256];
    snprintf(dir, sizeof(dir), "%s/data/ledger", root);
    if (ledger_reader_open(dir, 0, &reader, error, sizeof(error)) < 0)
        return false;
    if (ledger_reader_rows(reader, 0, INT64_MAX, count_row, &next) < 0)
        next = 0;
    if (ledger_reader_sums(reader, from_ms, from_ms + 50 * LEDGER_DAY_MS, count_requests, &requests,
                           NULL) < 0)
        requests = 0;
    ledger_reader_close(reader);
    return next == rows && requests == rows;
}

/* Works on the database besides the writer, and lets go of it when the writer wants it back. What
 * fails then is tried again. */
struct upkeep {
    struct ledger *ledger;
    _Atomic bool stop;
    unsigned made;
};

static void *keep_up(void *arg)
{
    struct upkeep *upkeep = arg;
    while (!atomic_load(&upkeep->stop)) {
        struct ledger_reader *reader;
        int64_t requests = 0;
        unsigned made;
        (void)ledger_rollup_run(upkeep->ledger, fixture_now_ms + 50 * LEDGER_DAY_MS, 3, &made);
        upkeep->made += made;
        if (ledger_reader_within(upkeep->ledger, 1, NULL, &reader) < 0)
            continue;
        (void)ledger_reader_sums(reader, 0, INT64_C(3600000) * 600000, count_requests, &requests,
                                 NULL);
        ledger_reader_close(reader);
    }
    return NULL;
}

static int outlive_refusal(const char *root, int (*refuse)(bool))
{
    enum { ROWS = 300 };
    struct ledger *ledger = victim_open(root);
    struct ledger_lane *lane = ledger_lane(ledger, 0);
    struct upkeep upkeep = {.ledger = ledger};
    pthread_t thread;
    char name[32];
    if (pthread_create(&thread, NULL, keep_up, &upkeep) != 0)
        return 9;
    for (uint32_t i = 0; i < ROWS; i++) {
        struct ledger_row row = numbered_row(i, name);
        if (i == ROWS / 3 && refuse(true) != 0)
            return 3;
        if (i == 2 * ROWS / 3) {
            if (!fixture_wait(has_error, ledger))
                return 4;
            if (refuse(false) != 0)
                return 5;
        }
        if (ledger_append(lane, &row, fixture_now_ms + i * 86400000LL / 8, NULL) < 0)
            return 6;
        ledger_kick(lane);
    }
    if (!fixture_wait(is_well, ledger))
        return 7;
    atomic_store(&upkeep.stop, true);
    pthread_join(thread, NULL);
    ledger_close(ledger);
    if (upkeep.made == 0)
        return 10;
    return all_there(root, ROWS) ? 0 : 8;
}

static int run_refused_victim(const char *root, const char *how)
{
    signal(SIGXFSZ, SIG_IGN);
    if (strcmp(how, "limit") == 0)
        return outlive_refusal(root, refuse_growth);
    return mount_small_disk(root) ? outlive_refusal(root, fill_disk) : CANNOT;
}

static void outlives(const char *root, const char *how)
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        execl("/proc/self/exe", "ledger_disk_test", root, how, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == CANNOT)
        skip();
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("the victim ended with status %#x", (unsigned)status);
}

static void a_disk_that_refuses_loses_no_row(void **state)
{
    const struct fixture *fixture = *state;
    outlives(fixture->root, "limit");
}

/* RocksDB takes no writes again by itself after this one: it must be opened anew. */
static void a_full_disk_loses_no_row(void **state)
{
    const struct fixture *fixture = *state;
    outlives(fixture->root, "full");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(a_disk_that_refuses_loses_no_row),
        TEST(a_full_disk_loses_no_row),
    };
    if (argc == 3)
        return run_refused_victim(argv[1], argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
