/* ledger_rollup_test.c - kept sums are those of the rows, whatever comes late and whenever the
 * process dies. */
#include "accounting/ledger_rollup.h"

#include "accounting/ledger_db.h"
#include "accounting/ledger_find.h"
#include "accounting/ledger_recover.h"

#include "tests/accounting/ledger_fixture.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

#define HOUR_MS LEDGER_HOUR_MS
/* 2026-11-20T00:00:00Z, and a day with the end of a month in it. */
static const int64_t day_ms = INT64_C(1795132800000);
enum { HOURS = 30, WAIT_MS = 5000, ALL = 1000000 };

/* --- the law: sums are those of the rows --- */

struct bytes {
    uint8_t *at;
    size_t len;
};

static int add_row(void *arg, const struct ledger_row *row)
{
    return rollup_add(arg, row);
}

static int add_group(void *arg, const struct rollup_group *group)
{
    return rollup_merge(arg, group);
}

/* take: rollup */
static struct bytes encode(struct rollup *rollup)
{
    struct bytes bytes;
    assert_int_equal(rollup_encode(rollup, &bytes.at, &bytes.len), 0);
    rollup_free(rollup);
    return bytes;
}

/* Returns how many rows had to be read for the sums. */
static uint64_t check_sums(struct ledger_reader *reader, int64_t from_ms, int64_t to_ms)
{
    struct rollup *by_rows = rollup_new(), *by_sums = rollup_new();
    struct bytes want, got;
    uint64_t rows_read = 0;
    assert_int_equal(ledger_reader_rows(reader, from_ms, to_ms, add_row, by_rows), 0);
    assert_int_equal(ledger_reader_sums(reader, from_ms, to_ms, add_group, by_sums, &rows_read), 0);
    want = encode(by_rows);
    got = encode(by_sums);
    assert_int_equal(got.len, want.len);
    assert_memory_equal(got.at, want.at, want.len);
    free(want.at);
    free(got.at);
    return rows_read;
}

static uint64_t check_from_outside(const char *dir)
{
    struct ledger_reader *reader;
    char error[256];
    uint64_t rows_read;
    int result = ledger_reader_open(dir, fixture_now_ms, &reader, error, sizeof(error));
    if (result != 0)
        fail_msg("ledger_reader_open: %d: %s", result, error);
    rows_read = check_sums(reader, day_ms, day_ms + HOURS * HOUR_MS);
    assert_int_equal(check_sums(reader, day_ms + 5 * HOUR_MS, day_ms + 5 * HOUR_MS), 0);
    check_sums(reader, day_ms + 3 * HOUR_MS, day_ms + 7 * HOUR_MS);
    ledger_reader_close(reader);
    return rows_read;
}

static uint64_t check_within(struct ledger *ledger)
{
    struct ledger_reader *reader;
    uint64_t rows_read;
    assert_int_equal(ledger_reader_within(ledger, WAIT_MS, NULL, &reader), 0);
    rows_read = check_sums(reader, day_ms, day_ms + HOURS * HOUR_MS);
    check_sums(reader, day_ms + 3 * HOUR_MS, day_ms + 7 * HOUR_MS);
    ledger_reader_close(reader);
    return rows_read;
}

/* --- rows --- */

static uint64_t step(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random >> 11;
}

static struct ledger_row some_row(uint64_t *random)
{
    static const char *const models[] = {"zai/glm-5.3", "openai/gpt-5", "a/b"};
    struct ledger_row row = fixture_row("x");
    row.model = text_of(models[step(random) % 3]);
    row.billed = fixture_money((int64_t)(step(random) % 1000000));
    row.verdict = step(random) % 2 == 0 ? VERDICT_MATCHED : VERDICT_OVER;
    row.ttft_ms = (int64_t)(step(random) % 3000);
    row.latency_ms = row.ttft_ms + 10;
    return row;
}

static void append(struct ledger_lane *lane, uint64_t *random, int64_t at_ms)
{
    struct ledger_row row = some_row(random);
    while (ledger_append(lane, &row, at_ms, NULL) == -ENOSPC) {
        ledger_kick(lane);
        poll(NULL, 0, 1);
    }
}

static struct ledger_ref post_pending(struct ledger_lane *lane, int64_t at_ms)
{
    struct ledger_row row = fixture_row("late");
    struct ledger_hold hold;
    row.verdict = VERDICT_PENDING;
    row.billed.known = false;
    while (ledger_hold(lane, &row, at_ms, &hold) == -ENOSPC)
        poll(NULL, 0, 1);
    ledger_post(lane, &hold, &row);
    return hold.ref;
}

static void settle(struct ledger_lane *lane, const struct ledger_ref *ref, int64_t billed,
                   bool listed)
{
    struct ledger_row row = fixture_row("late"), was = row;
    was.verdict = VERDICT_PENDING;
    was.billed.known = false;
    row.billed = fixture_money(billed);
    while (ledger_settle(lane, ref, &was, &row, listed, ref->created_at_ms + 1) == -ENOSPC)
        poll(NULL, 0, 1);
}

static void drain(struct ledger *ledger)
{
    ledger_kick(ledger_lane(ledger, 0));
    assert_true(fixture_wait(fixture_drained, ledger));
}

static unsigned run(struct ledger *ledger, int64_t now_ms, unsigned hours_max)
{
    unsigned made;
    assert_int_equal(ledger_rollup_run(ledger, now_ms, hours_max, &made), 0);
    return made;
}

/* A day with rows in every hour but the second and the last ones, of two lanes. */
static struct ledger *open_day(const struct fixture *fixture, uint64_t *rows)
{
    struct ledger_options options = fixture_options(fixture, 2);
    struct ledger *ledger;
    uint64_t random = 4711;
    options.now_ms = day_ms;
    ledger = fixture_open(&options);
    *rows = 0;
    for (int64_t hour = 0; hour < HOURS - 2; hour++) {
        for (int64_t i = 0; hour != 1 && i < 40; i++, ++*rows)
            append(ledger_lane(ledger, (unsigned)(i % 2)), &random,
                   day_ms + hour * HOUR_MS + i * 90000);
    }
    ledger_kick(ledger_lane(ledger, 1));
    drain(ledger);
    return ledger;
}

/* --- the tests --- */

static void sums_are_those_of_the_rows(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 2);
    int64_t later_ms = day_ms + HOURS * HOUR_MS + LEDGER_LATE_MS;
    uint64_t rows;
    struct ledger *ledger = open_day(fixture, &rows);
    assert_int_equal(check_within(ledger), rows);
    assert_int_equal(check_from_outside(fixture->dir), rows);
    /* An hour that is not over for long enough is not made. */
    assert_int_equal(run(ledger, day_ms + HOUR_MS + LEDGER_LATE_MS - 1, ALL), 0);
    assert_int_equal(run(ledger, day_ms + HOUR_MS + LEDGER_LATE_MS, ALL), 1);
    assert_int_equal(check_within(ledger), rows - 40);
    assert_int_equal(run(ledger, later_ms, 5), 5);
    assert_int_equal(check_within(ledger), rows - 6 * 40);
    assert_int_equal(check_from_outside(fixture->dir), rows - 6 * 40);
    assert_int_equal(run(ledger, later_ms, ALL), HOURS - 3 - 6);
    assert_int_equal(run(ledger, later_ms, ALL), 0);
    assert_int_equal(check_within(ledger), 0);
    ledger_close(ledger);
    assert_int_equal(check_from_outside(fixture->dir), 0);
    ledger = fixture_open(&options);
    assert_int_equal(run(ledger, later_ms, ALL), 0); /* they are kept over a start */
    assert_int_equal(check_within(ledger), 0);
    ledger_close(ledger);
}

static void a_row_that_changes_late_makes_its_hour_anew(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 1);
    int64_t later_ms = day_ms + HOURS * HOUR_MS + LEDGER_LATE_MS;
    struct ledger *ledger;
    struct ledger_ref refs[3];
    options.now_ms = day_ms;
    ledger = fixture_open(&options);
    for (unsigned i = 0; i < 3; i++)
        refs[i] = post_pending(ledger_lane(ledger, 0), day_ms + i * HOUR_MS);
    drain(ledger);
    assert_int_equal(run(ledger, later_ms, ALL), 3);
    assert_int_equal(check_within(ledger), 0);
    for (unsigned round = 0; round < 3; round++) {
        settle(ledger_lane(ledger, 0), &refs[1], 5 + round, true);
        drain(ledger);
        assert_int_equal(check_within(ledger), 1); /* read from its rows until then */
        assert_int_equal(check_from_outside(fixture->dir), 1);
        if (round == 1) { /* also when it is a start later */
            ledger_close(ledger);
            ledger = fixture_open(&options);
            assert_int_equal(check_within(ledger), 1);
        }
        assert_int_equal(run(ledger, later_ms, ALL), 1);
        assert_int_equal(check_within(ledger), 0);
    }
    ledger_close(ledger);
}

/* A request that took hours: its row stands at its hold, in an hour that had none. */
static void an_hour_that_gets_its_first_row_late_is_made(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 1);
    int64_t later_ms = day_ms + HOURS * HOUR_MS + LEDGER_LATE_MS;
    struct ledger_row row = fixture_row("slow");
    struct ledger_hold hold;
    struct ledger *ledger;
    uint64_t random = 1;
    options.now_ms = day_ms;
    ledger = fixture_open(&options);
    assert_int_equal(ledger_hold(ledger_lane(ledger, 0), &row, day_ms + 2 * HOUR_MS, &hold), 0);
    append(ledger_lane(ledger, 0), &random, day_ms + 5 * HOUR_MS);
    drain(ledger);
    assert_int_equal(run(ledger, later_ms, ALL), 1);
    assert_int_equal(check_within(ledger), 0);
    ledger_post(ledger_lane(ledger, 0), &hold, &row);
    drain(ledger);
    assert_int_equal(check_within(ledger), 1);
    assert_int_equal(run(ledger, later_ms, ALL), 1);
    assert_int_equal(check_within(ledger), 0);
    ledger_close(ledger);
}

struct kept {
    unsigned groups;
};

static int count_group(void *arg, const struct rollup_group *group)
{
    struct kept *kept = arg;
    (void)group;
    kept->groups++;
    return 0;
}

static void verify_sees_what_is_kept(void **state)
{
    const struct fixture *fixture = *state;
    uint64_t rows;
    struct ledger *ledger = open_day(fixture, &rows);
    struct ledger_reader *reader;
    struct kept kept = {0};
    struct ledger_ref ref = post_pending(ledger_lane(ledger, 0), day_ms + (HOURS - 1) * HOUR_MS);
    bool fresh = false;
    drain(ledger);
    assert_int_equal(run(ledger, day_ms + (HOURS + 1) * HOUR_MS, ALL), HOURS - 2);
    assert_int_equal(ledger_reader_within(ledger, WAIT_MS, NULL, &reader), 0);
    assert_int_equal(ledger_reader_rollup(reader, day_ms, &fresh, count_group, &kept), 0);
    assert_true(fresh);
    assert_true(kept.groups > 3);
    assert_int_equal(ledger_reader_rollup(reader, day_ms + HOUR_MS, &fresh, count_group, &kept),
                     -ENOENT);
    settle(ledger_lane(ledger, 0), &ref, 1, false);
    drain(ledger);
    assert_int_equal(
        ledger_reader_rollup(reader, day_ms + (HOURS - 1) * HOUR_MS, &fresh, count_group, &kept),
        0);
    assert_false(fresh);
    ledger_reader_close(reader);
    ledger_close(ledger);
}

/* One hour cannot be read: it is not kept, and its readers are told; the others are. */
static void a_row_that_cannot_be_read_stops_its_own_hour(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 2);
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    rocksdb_column_family_handle_t *month;
    struct ledger_ref ref = {day_ms + 3 * HOUR_MS + 1, 1};
    struct kept kept = {0};
    uint64_t rows, read;
    struct ledger *ledger = open_day(fixture, &rows);
    struct ledger_reader *reader;
    struct ledger_db *db;
    char path[JOURNAL_PATH_MAX], key[LEDGER_KEY], error[256];
    ledger_close(ledger);
    ledger_db_path(fixture->dir, path);
    assert_int_equal(ledger_db_open(path, false, &db, error, sizeof(error)), 0);
    assert_int_equal(ledger_db_month(db, ref.created_at_ms, &month), 0);
    ledger_db_key(&ref, LEDGER_KEY_ROW, key);
    rocksdb_writebatch_put_cf(batch, month, key, sizeof(key), "\xc1", 1);
    assert_int_equal(ledger_db_write(db, batch), 0);
    rocksdb_writebatch_destroy(batch);
    ledger_db_close(db);
    ledger = fixture_open(&options);
    assert_int_equal(run(ledger, day_ms + (HOURS + 1) * HOUR_MS, ALL), HOURS - 3);
    assert_int_equal(run(ledger, day_ms + (HOURS + 1) * HOUR_MS, ALL), 0);
    assert_int_equal(ledger_reader_within(ledger, WAIT_MS, NULL, &reader), 0);
    check_sums(reader, day_ms, day_ms + 3 * HOUR_MS);
    check_sums(reader, day_ms + 4 * HOUR_MS, day_ms + HOURS * HOUR_MS);
    assert_int_equal(
        ledger_reader_sums(reader, day_ms, day_ms + HOURS * HOUR_MS, count_group, &kept, &read),
        -EBADMSG);
    ledger_reader_close(reader);
    ledger_close(ledger);
}

/* --- while rows change --- */

struct busy {
    struct ledger *ledger;
    _Atomic bool stop;
};

enum { LISTED = 24, ROUNDS = 60, MANY = 3000 };

static void *make_on(void *arg)
{
    struct busy *busy = arg;
    unsigned made;
    while (!atomic_load(&busy->stop)) {
        int result = ledger_rollup_run(busy->ledger, day_ms + (HOURS + 1) * HOUR_MS, 7, &made);
        assert_int_equal(result, 0);
    }
    return NULL;
}

/* A second thread reads: what it sees may be of any instant, but is of one, and is whole. */
static void *read_on(void *arg)
{
    struct busy *busy = arg;
    while (!atomic_load(&busy->stop)) {
        struct ledger_reader *reader;
        struct kept kept = {0};
        assert_int_equal(ledger_reader_within(busy->ledger, WAIT_MS, NULL, &reader), 0);
        assert_int_equal(
            ledger_reader_sums(reader, day_ms, day_ms + HOURS * HOUR_MS, count_group, &kept, NULL),
            0);
        assert_true(kept.groups > 0);
        ledger_reader_close(reader);
    }
    return NULL;
}

static void late_rows_are_never_missing_from_a_sum(void **state)
{
    const struct fixture *fixture = *state;
    uint64_t rows, random = 99;
    struct busy busy = {.ledger = open_day(fixture, &rows)};
    struct ledger_lane *lane = ledger_lane(busy.ledger, 0);
    struct ledger_ref refs[LISTED];
    pthread_t maker, reader;
    for (unsigned i = 0; i < LISTED; i++)
        refs[i] = post_pending(lane, day_ms + HOURS * HOUR_MS - 2 * HOUR_MS + i * 200000);
    for (int64_t i = 0; i < MANY; i++) /* so that rows come while their hour is being summed */
        append(lane, &random, day_ms + HOURS * HOUR_MS - HOUR_MS + i);
    assert_int_equal(pthread_create(&maker, NULL, make_on, &busy), 0);
    assert_int_equal(pthread_create(&reader, NULL, read_on, &busy), 0);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < 5; i++)
            settle(lane, &refs[step(&random) % LISTED], (int64_t)(step(&random) % 1000), true);
        append(lane, &random, day_ms + HOURS * HOUR_MS - 1000);
        drain(busy.ledger);
        check_within(busy.ledger);
    }
    atomic_store(&busy.stop, true);
    pthread_join(maker, NULL);
    pthread_join(reader, NULL);
    run(busy.ledger, day_ms + (HOURS + 1) * HOUR_MS, ALL);
    assert_int_equal(check_within(busy.ledger), 0);
    ledger_close(busy.ledger);
    assert_int_equal(check_from_outside(fixture->dir), 0);
}

/* --- kill -9 --- */

static struct ledger *victim_open(const char *root)
{
    struct fixture fixture = {0};
    struct ledger_options options;
    struct ledger *ledger;
    char error[256];
    snprintf(fixture.dir, sizeof(fixture.dir), "%s/data/ledger", root);
    options = fixture_options(&fixture, 1);
    options.now_ms = day_ms;
    options.lock_wait_ms = FIXTURE_DEADLINE_MS;
    if (ledger_open(&options, &ledger, error, sizeof(error)) < 0) {
        fprintf(stderr, "victim: %s\n", error);
        abort();
    }
    return ledger;
}

static void *victim_makes(void *arg)
{
    unsigned made;
    for (;;)
        if (ledger_rollup_run(arg, day_ms + (HOURS + 1) * HOUR_MS, 3, &made) < 0)
            abort();
    return NULL;
}

/* Rows of two hours and changes of them, beside a thread that makes rollups of hours that are not
 * over yet; until it is killed. */
static int run_victim(const char *root, const char *seed)
{
    uint64_t round = strtoull(seed, NULL, 10);
    uint64_t random = round * UINT64_C(0x9e3779b97f4a7c15) + 1;
    struct ledger *ledger = victim_open(root);
    struct ledger_lane *lane = ledger_lane(ledger, 0);
    struct ledger_ref refs[LISTED];
    unsigned listed = 0;
    pthread_t thread;
    if (pthread_create(&thread, NULL, victim_makes, ledger) != 0)
        abort();
    for (uint64_t i = 0;; i++) {
        int64_t at_ms = day_ms + (int64_t)(2 * round) * HOUR_MS + (int64_t)(i % 7200) * 1000;
        append(lane, &random, at_ms);
        if (listed < LISTED && step(&random) % 8 == 0)
            refs[listed++] = post_pending(lane, at_ms);
        if (listed > 0 && step(&random) % 4 == 0)
            settle(lane, &refs[step(&random) % listed], (int64_t)(i % 999), true);
        if (step(&random) % 8 == 0)
            ledger_kick(lane);
    }
    return 1;
}

static void sums_hold_after_kill_at_any_instant(void **state)
{
    const struct fixture *fixture = *state;
    uint64_t random = 12345;
    for (unsigned round = 0; round < 12; round++) {
        char seed[16];
        pid_t child;
        int status;
        snprintf(seed, sizeof(seed), "%u", round);
        child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            execl("/proc/self/exe", "ledger_rollup_test", fixture->root, seed, (char *)NULL);
            _exit(127);
        }
        poll(NULL, 0, (int)(50 + step(&random) % 250));
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        if (round % 3 == 2)
            check_from_outside(fixture->dir);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(sums_are_those_of_the_rows),
        TEST(a_row_that_changes_late_makes_its_hour_anew),
        TEST(an_hour_that_gets_its_first_row_late_is_made),
        TEST(verify_sees_what_is_kept),
        TEST(a_row_that_cannot_be_read_stops_its_own_hour),
        TEST(late_rows_are_never_missing_from_a_sum),
        TEST(sums_hold_after_kill_at_any_instant),
    };
    if (argc == 3)
        return run_victim(argv[1], argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
