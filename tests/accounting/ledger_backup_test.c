/* ledger_backup_test.c - a copy made while serving is a ledger of its own. */
#include "tests/accounting/ledger_close_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

struct busy {
    struct ledger *ledger;
    _Atomic bool stop;
    _Atomic uint32_t written;
};

static void *write_on(void *arg)
{
    struct busy *busy = arg;
    struct ledger_lane *lane = ledger_lane(busy->ledger, 0);
    for (uint32_t i = 0; !atomic_load(&busy->stop) && i + 1 < FIXTURE_ROWS / 2; i++) {
        struct ledger_row row;
        struct ledger_hold hold;
        char id[16];
        snprintf(id, sizeof(id), "%08u", i);
        row = fixture_row(id);
        if (i % 3 == 0) {
            close_append(lane, id, october_ms + i);
        } else {
            while (ledger_hold(lane, &row, october_ms + i, &hold) < 0)
                poll(NULL, 0, 1);
            ledger_post(lane, &hold, &row);
        }
        atomic_store(&busy->written, i + 1);
        ledger_kick(lane);
        if (i % 16 == 0)
            poll(NULL, 0, 1);
    }
    return NULL;
}

static void check_rows(const char *dir, uint32_t at_least)
{
    struct fixture_rows *rows = fixture_read(dir);
    assert_true(rows->count >= at_least);
    for (size_t i = 0; i < rows->count; i++) {
        char id[32];
        snprintf(id, sizeof(id), "%08zu", i);
        assert_string_equal(rows->rows[i].id, id);
    }
    free(rows);
}

/* What had been recorded before is in it, nothing is in it by half, and it can be written to. */
static void a_copy_made_while_serving_is_whole(void **state)
{
    const struct fixture *fixture = *state;
    struct busy busy = {.ledger = close_open(fixture, 1)};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, write_on, &busy), 0);
    for (unsigned round = 0; round < 4; round++) {
        struct fixture copy = {0};
        char dir[100];
        uint32_t before;
        while ((before = atomic_load(&busy.written)) < 200 * (round + 1))
            poll(NULL, 0, 1);
        snprintf(dir, sizeof(dir), "%s/copies/%u", fixture->root, round);
        snprintf(copy.dir, sizeof(copy.dir), "%s/ledger", dir);
        assert_int_equal(ledger_backup(busy.ledger, dir, close_error, sizeof(close_error)), 0);
        check_rows(copy.dir, before);
        if (round == 2) {
            struct ledger *ledger = close_open(&copy, 2);
            struct ledger_ref ref;
            char id[16];
            struct fixture_rows *rows = fixture_read(copy.dir);
            snprintf(id, sizeof(id), "%08zu", rows->count);
            free(rows);
            ref = close_append(ledger_lane(ledger, 1), id, october_ms);
            assert_true(ref.created_at_ms > october_ms); /* its clock goes on where it was */
            ledger_close(ledger);
            check_rows(copy.dir, before + 1);
        }
    }
    atomic_store(&busy.stop, true);
    pthread_join(thread, NULL);
    ledger_close(busy.ledger);
    check_rows(fixture->dir, atomic_load(&busy.written));
}

/* As at the start after a crash: what was under way is a row that says so. */
static void open_holds_and_seals_are_copied(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger *ledger = close_open(fixture, 1), *copied;
    struct ledger_lane *lane = ledger_lane(ledger, 0);
    struct ledger_row row = fixture_row("under way");
    struct fixture copy = {0};
    struct fixture_rows *rows;
    struct ledger_hold hold;
    char dir[100];
    close_append(lane, "x", october_ms);
    assert_int_equal(try_close(fixture, ledger, october_ms, november_ms, false), 0);
    assert_int_equal(ledger_hold(lane, &row, november_ms, &hold), 0);
    close_post_pending(lane, "pending", november_ms + 1);
    snprintf(dir, sizeof(dir), "%s/copy", fixture->root);
    snprintf(copy.dir, sizeof(copy.dir), "%s/ledger", dir);
    assert_int_equal(ledger_backup(ledger, dir, close_error, sizeof(close_error)), 0);
    copied = close_open(&copy, 1);
    assert_int_equal(close_listed(copied), 1);
    assert_int_equal(ledger_closed_before(copied), november_ms);
    ledger_close(copied);
    close_check_seal(&copy, october_ms, november_ms);
    rows = fixture_read(copy.dir);
    assert_int_equal(rows->count, 3);
    assert_int_equal(fixture_find(rows, "under way")->row.verdict, VERDICT_UNKNOWN);
    free(rows);
    ledger_post(lane, &hold, &row); /* the ledger itself knows better */
    ledger_close(ledger);
    rows = fixture_read(fixture->dir);
    assert_int_equal(fixture_find(rows, "under way")->row.verdict, VERDICT_UNPRICED);
    free(rows);
}

static void only_an_empty_directory_is_taken(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger *ledger = close_open(fixture, 1);
    char dir[100], error[256];
    snprintf(dir, sizeof(dir), "%s/empty", fixture->root);
    assert_int_equal(mkdir(dir, 0700), 0);
    assert_int_equal(ledger_backup(ledger, dir, error, sizeof(error)), 0);
    assert_int_equal(ledger_backup(ledger, dir, error, sizeof(error)), -EEXIST);
    assert_non_null(strstr(error, "not empty"));
    assert_int_equal(ledger_backup(ledger, fixture->root, error, sizeof(error)), -EEXIST);
    assert_true(ledger_backup(ledger, "/proc/nowhere", error, sizeof(error)) < 0);
    assert_non_null(strstr(error, "/proc/nowhere"));
    ledger_close(ledger);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_copy_made_while_serving_is_whole),
        TEST(open_holds_and_seals_are_copied),
        TEST(only_an_empty_directory_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
