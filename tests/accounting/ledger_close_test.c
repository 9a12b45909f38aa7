/* ledger_close_test.c - a closed month stands still, and what comes later is a correction. */
#include "accounting/ledger_close.h"

#include "accounting/ledger_find.h"
#include "accounting/ledger_month.h"
#include "accounting/ledger_place.h"

#include "tests/accounting/ledger_close_fixture.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

/* --- may it be closed --- */

static void what_is_not_over_or_not_settled_is_not_closed(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger *ledger = close_open(fixture, 1);
    struct ledger_lane *lane = ledger_lane(ledger, 0);
    struct ledger_row row = fixture_row("gen_open");
    struct ledger_ref ref = close_post_pending(lane, "gen_1", october_ms);
    struct ledger_hold hold;
    struct seal seal;
    assert_int_equal(ledger_closed_before(ledger), 0);
    assert_int_equal(try_close(fixture, ledger, october_ms, november_ms - 1, false), -EINVAL);
    assert_int_equal(try_close(fixture, ledger, october_ms + 1, december_ms, false), -EINVAL);
    assert_int_equal(try_close(fixture, ledger, -1, december_ms, false), -EINVAL);
    assert_int_equal(ledger_hold(lane, &row, october_ms + 5, &hold), 0);
    assert_int_equal(try_close(fixture, ledger, october_ms, november_ms, true), -EBUSY);
    assert_non_null(strstr(close_error, "under way"));
    assert_int_equal(ledger_closed_before(ledger), 0);
    ledger_post(lane, &hold, &row);
    close_append(lane, "gen_2", november_ms);
    assert_int_equal(try_close(fixture, ledger, october_ms, december_ms, false), -EBUSY);
    assert_non_null(strstr(close_error, "cost"));
    assert_int_equal(try_close(fixture, ledger, november_ms, december_ms, false), -EAGAIN);
    assert_non_null(strstr(close_error, "2026-10"));
    close_settle(lane, &ref, "gen_1", 5, true); /* listed, but its cost is known */
    assert_int_equal(try_close(fixture, ledger, october_ms, december_ms, false), 0);
    assert_int_equal(try_close(fixture, ledger, october_ms, december_ms, false), -EEXIST);
    assert_int_equal(try_close(fixture, ledger, november_ms, december_ms, false), 0);
    assert_int_equal(ledger_closed_before(ledger), december_ms);
    close_read_seal(fixture, october_ms, &seal);
    assert_int_equal(seal.rows, 2);
    ledger_close(ledger);
}

static void a_seal_says_what_the_month_holds(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger *ledger = close_open(fixture, 2);
    uint8_t root[TREE_HASH], hash[TREE_HASH];
    struct ledger_ref first = {0, 0}, last = {0, 0};
    struct seal october, november;
    for (unsigned i = 0; i < 50; i++) {
        last = close_append(ledger_lane(ledger, i % 2), "x", october_ms + 1000 * i);
        if (i == 0)
            first = last;
    }
    for (unsigned i = 0; i < 30; i++)
        close_append(ledger_lane(ledger, i % 2), "y", november_ms + i);
    assert_int_equal(try_close(fixture, ledger, october_ms, november_ms + 9, false), 0);
    assert_int_equal(try_close(fixture, ledger, november_ms, december_ms, false), 0);
    close_read_seal(fixture, october_ms, &october);
    close_read_seal(fixture, november_ms, &november);
    ledger_close(ledger);
    assert_string_equal(october.month, "2026-10");
    assert_int_equal(october.rows, 50);
    assert_int_equal(october.issued, 50);
    assert_memory_equal(&october.first, &first, sizeof(first));
    assert_memory_equal(&october.last, &last, sizeof(last));
    assert_true(october.billed.femto == 50 * INT64_C(1000000000000));
    assert_int_equal(october.closed_ms, november_ms + 9);
    close_root(fixture, october_ms, november_ms, root);
    assert_memory_equal(october.root, root, TREE_HASH);
    memset(hash, 0, sizeof(hash));
    assert_memory_equal(october.previous, hash, TREE_HASH);
    seal_hash(&october, hash);
    assert_memory_equal(november.previous, hash, TREE_HASH);
    assert_int_equal(november.issued, 30);
    assert_true(seal_verify(&october));
    assert_true(seal_verify(&november));
    assert_true(november.has_export);
    ledger = close_open(fixture, 1); /* and it is so at the next start */
    assert_int_equal(ledger_closed_before(ledger), december_ms);
    ledger_close(ledger);
}

/* --- after it was closed --- */

static void no_row_comes_into_a_closed_month(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger *ledger = close_open(fixture, 2);
    struct ledger_row row = fixture_row("late");
    struct ledger_hold hold;
    close_append(ledger_lane(ledger, 0), "x", october_ms);
    assert_int_equal(try_close(fixture, ledger, october_ms, november_ms, false), 0);
    for (unsigned again = 0; again < 2; again++) {
        for (unsigned lane = 0; lane < 2; lane++) {
            assert_int_equal(
                close_append(ledger_lane(ledger, lane), "y", november_ms - 1).created_at_ms,
                november_ms);
            assert_int_equal(ledger_hold(ledger_lane(ledger, lane), &row, october_ms + 7, &hold),
                             0);
            assert_int_equal(hold.ref.created_at_ms, november_ms);
            ledger_post(ledger_lane(ledger, lane), &hold, &row);
        }
        ledger_close(ledger);
        ledger = close_open(fixture, 2);
    }
    ledger_close(ledger);
}

static void a_late_truth_is_a_correction_in_the_open_month(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger *ledger = close_open(fixture, 1);
    struct ledger_lane *lane = ledger_lane(ledger, 0);
    struct ledger_ref ref = close_post_pending(lane, "gen_1", october_ms + 6);
    uint8_t before[TREE_HASH], after[TREE_HASH], buffer[ROW_ENCODED_MAX];
    char place[ROW_PLACE_MAX];
    struct fixture_rows *rows;
    struct ledger_row was = close_pending_row("gen_1"), row;
    ledger_place_print(&ref, place);
    assert_int_equal(try_close(fixture, ledger, october_ms, november_ms, true), 0);
    close_root(fixture, october_ms, november_ms, before);
    assert_int_equal(close_listed(ledger), 1);
    row = was;
    row.billed = fixture_money(4);
    row.verdict = VERDICT_UNPRICED;
    assert_int_equal(ledger_settle(lane, &ref, &was, &row, true, november_ms + 1), -ESTALE);
    assert_int_equal(close_listed(ledger), 1); /* that was not the last word */
    close_settle(lane, &ref, "gen_1", 5, false);
    close_settle(lane, &ref, "gen_1", 7, false); /* comes twice: counts once */
    ledger_kick(lane);
    assert_true(fixture_wait(fixture_drained, ledger));
    assert_int_equal(close_listed(ledger), 0);
    /* By its id the row is found, not what corrects it. */
    assert_int_equal(ledger_find(ledger, TEXT("gen_1"), TEXT(""), 1000, buffer, &row), 0);
    assert_int_equal(row.created_at_ms, ref.created_at_ms);
    ledger_close(ledger);

    close_root(fixture, october_ms, november_ms, after);
    assert_memory_equal(after, before, TREE_HASH);
    rows = fixture_read_range(fixture->dir, november_ms, december_ms);
    assert_int_equal(rows->count, 2); /* a place that was given has its row, whatever it says */
    assert_string_equal(rows->rows[0].id, "gen_1");
    assert_true(rows->rows[0].row.billed.money.femto == 5);
    assert_false(rows->rows[1].row.billed.known);
    assert_false(rows->rows[1].row.booked.known);
    assert_int_equal(rows->rows[1].row.usage.prompt_tokens, USAGE_ABSENT);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(rows->rows[i].row.corrects.len, strlen(place));
    free(rows);
}

static void a_correction_that_does_not_fit_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger *ledger = close_open(fixture, 1);
    struct ledger_lane *lane = ledger_lane(ledger, 0);
    struct ledger_ref ref = close_post_pending(lane, "gen_1", october_ms);
    struct ledger_row was = close_pending_row("gen_1"), row = was;
    assert_int_equal(try_close(fixture, ledger, october_ms, november_ms, true), 0);
    was.booked.known = row.booked.known = true;
    was.booked.money.femto = -((__int128)1 << 126) - 1;
    row.booked.money.femto = (__int128)1 << 126;
    row.booked.money.femto += row.booked.money.femto - 1;
    assert_int_equal(ledger_settle(lane, &ref, &was, &row, false, november_ms), -EOVERFLOW);
    ledger_close(ledger);
    ledger = close_open(fixture, 1);
    assert_int_equal(close_listed(ledger), 1);
    ledger_close(ledger);
}

/* From when it was decided that it is closed it stays so, also without its seal. */
static void a_month_that_could_not_be_sealed_stands_still(void **state)
{
    static const uint8_t no_root[TREE_HASH];
    const struct fixture *fixture = *state;
    struct ledger *ledger = close_open(fixture, 1);
    struct ledger_ref ref = close_post_pending(ledger_lane(ledger, 0), "gen_1", october_ms);
    struct fixture_rows *rows;
    assert_int_equal(try_close_as(fixture, ledger, october_ms, november_ms, true, no_root),
                     -ESTALE);
    assert_non_null(strstr(close_error, "2026-10"));
    for (unsigned again = 0; again < 2; again++) {
        assert_int_equal(ledger_closed_before(ledger), november_ms);
        ledger_close(ledger);
        ledger = close_open(fixture, 1);
    }
    close_settle(ledger_lane(ledger, 0), &ref, "gen_1", 5, false);
    ledger_close(ledger);
    rows = fixture_read_range(fixture->dir, november_ms, december_ms);
    assert_int_equal(rows->count, 1);
    assert_true(rows->rows[0].row.corrects.len > 0);
    free(rows);
}

static void other_rows_than_were_exported_are_not_sealed(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger *ledger = close_open(fixture, 1);
    struct ledger_lane *lane = ledger_lane(ledger, 0);
    struct ledger_ref ref = close_post_pending(lane, "gen_1", october_ms);
    uint8_t early[TREE_HASH], late[TREE_HASH];
    struct ledger_reader *reader;
    struct seal seal;
    close_root(fixture, october_ms, november_ms, early);
    close_settle(lane, &ref, "gen_1", 5, true); /* in the row, and it goes on being followed */
    ledger_kick(lane);
    assert_int_equal(try_close_as(fixture, ledger, october_ms, november_ms, true, early), -ESTALE);
    reader = close_reader(fixture->dir);
    assert_int_equal(ledger_reader_seal(reader, october_ms, &seal), -ENOENT);
    ledger_reader_close(reader);
    close_root(fixture, october_ms, november_ms, late);
    assert_memory_not_equal(early, late, TREE_HASH);
    close_append(lane, "later", november_ms - 1); /* nothing comes in between any more */
    assert_int_equal(try_close_as(fixture, ledger, october_ms, november_ms, true, late), 0);
    ledger_close(ledger);
    close_read_seal(fixture, october_ms, &seal);
    assert_memory_equal(seal.root, late, TREE_HASH);
    assert_int_equal(seal.rows, 1);
    assert_true(seal.billed.femto == 5);
}

static void a_row_that_cannot_be_read_is_sealed_as_it_is(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger *ledger = close_open(fixture, 1);
    struct ledger_lane *lane = ledger_lane(ledger, 0);
    struct ledger_ref ref = close_post_pending(lane, "gen_1", october_ms);
    struct ledger_ref broken = close_post_pending(lane, "gen_2", october_ms + 1);
    struct seal seal;
    close_settle(lane, &ref, "gen_1", 5, false);
    close_append(lane, "y", november_ms);
    ledger_close(ledger);
    close_forge(fixture, &broken, "\xc1", 1);
    ledger = close_open(fixture, 1);
    assert_int_equal(try_close(fixture, ledger, october_ms, december_ms, true), 0);
    assert_int_equal(try_close(fixture, ledger, november_ms, december_ms, false), 0);
    ledger_close(ledger);
    close_check_seal(fixture, october_ms, november_ms);
    close_read_seal(fixture, october_ms, &seal);
    assert_int_equal(seal.rows, 2);
    assert_true(seal.billed.femto == 5);
}

/* --- settled from another thread meanwhile --- */

struct settler {
    struct ledger *ledger;
    struct ledger_ref *refs;
    unsigned count;
    bool slow; /* so that closing and killing come in between */
    _Atomic unsigned settled;
};

static void *settle_on(void *arg)
{
    struct settler *settler = arg;
    struct ledger_lane *lane = ledger_lane(settler->ledger, 1);
    for (unsigned i = 0; i < settler->count; i++) {
        char id[16];
        snprintf(id, sizeof(id), "gen_%u", i);
        close_settle(lane, &settler->refs[i], id, 1000 + i, false);
        close_append(lane, "hit", november_ms - 1); /* its clock is behind */
        ledger_kick(lane);
        if (settler->slow && i % 2 == 0)
            poll(NULL, 0, 1);
        atomic_store(&settler->settled, i + 1);
    }
    return NULL;
}

static void a_month_is_closed_while_its_rows_are_settled(void **state)
{
    enum { ROWS = 2000 };
    const struct fixture *fixture = *state;
    for (unsigned round = 0; round < 4; round++) {
        struct ledger *ledger = close_open(fixture, 2);
        struct ledger_ref refs[ROWS];
        struct settler settler = {.ledger = ledger, .refs = refs, .count = ROWS};
        uint8_t root[TREE_HASH];
        struct seal seal;
        pthread_t thread;
        for (unsigned i = 0; i < ROWS; i++) {
            char id[16];
            snprintf(id, sizeof(id), "gen_%u", i);
            refs[i] = close_post_pending(ledger_lane(ledger, 0), id, october_ms + i);
        }
        assert_int_equal(pthread_create(&thread, NULL, settle_on, &settler), 0);
        while (atomic_load(&settler.settled) < 50 * (round + 1))
            poll(NULL, 0, 0);
        assert_int_equal(try_close(fixture, ledger, october_ms, november_ms, true), 0);
        pthread_join(thread, NULL);
        assert_int_equal(ledger_wait(ledger), 0);
        assert_int_equal(close_listed(ledger), 0);
        ledger_close(ledger);
        close_root(fixture, october_ms, november_ms, root);
        close_read_seal(fixture, october_ms, &seal);
        assert_memory_equal(seal.root, root, TREE_HASH);
        assert_int_equal(seal.issued, seal.rows);
        close_check_totals(fixture, ROWS, ROWS);
        fixture_remove(fixture->dir);
    }
}

/* --- kill -9 --- */

enum { VICTIM_ROWS = 150 };

/* Settles the rows that are still listed from one thread, and closes their month from another. */
static int run_victim(const char *root)
{
    struct fixture fixture = {0};
    struct ledger_ref refs[VICTIM_ROWS];
    struct settler settler = {.refs = refs, .count = VICTIM_ROWS, .slow = true};
    pthread_t thread;
    snprintf(fixture.root, sizeof(fixture.root), "%s", root);
    snprintf(fixture.dir, sizeof(fixture.dir), "%s/data/ledger", root);
    settler.ledger = close_open(&fixture, 2);
    for (unsigned i = 0; i < VICTIM_ROWS; i++) {
        char id[16];
        snprintf(id, sizeof(id), "gen_%u", i);
        refs[i] = close_post_pending(ledger_lane(settler.ledger, 0), id, october_ms + i);
    }
    ledger_kick(ledger_lane(settler.ledger, 0));
    if (ledger_wait(settler.ledger) != 0 || write(STDOUT_FILENO, "r", 1) != 1)
        abort();
    if (pthread_create(&thread, NULL, settle_on, &settler) != 0)
        abort();
    try_close(&fixture, settler.ledger, october_ms, november_ms, true);
    while (pause() < 0)
        continue;
    return 1;
}

static pid_t start_victim(const char *root)
{
    int pipe_fd[2];
    char byte;
    pid_t child;
    assert_int_equal(pipe(pipe_fd), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(pipe_fd[1], STDOUT_FILENO);
        execl("/proc/self/exe", "ledger_close_test", "victim", root, (char *)NULL);
        _exit(127);
    }
    close(pipe_fd[1]);
    assert_int_equal(read(pipe_fd[0], &byte, 1), 1);
    close(pipe_fd[0]);
    return child;
}

/* A settlement is in the row or in one correction, or the row is still listed, and never twice; and
 * corrections are of a month that is closed. */
static void nothing_is_corrected_twice_by_kill_at_any_instant(void **state)
{
    const struct fixture *fixture = *state;
    unsigned sealed = 0, corrected = 0;
    for (unsigned round = 0; round < 10; round++) {
        pid_t child = start_victim(fixture->root);
        struct ledger *ledger;
        struct ledger_reader *reader;
        struct seal seal;
        unsigned listed, corrections;
        char error[256];
        int status;
        poll(NULL, 0, (int)(round * 10));
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        ledger = close_open(fixture, 2);
        listed = close_listed(ledger);
        corrections = close_check_totals(fixture, VICTIM_ROWS, VICTIM_ROWS - listed);
        if (corrections > 0)
            assert_int_equal(ledger_closed_before(ledger), november_ms);
        corrected += corrections;
        assert_int_equal(ledger_reader_open(fixture->dir, 0, &reader, error, sizeof(error)), 0);
        if (ledger_reader_seal(reader, october_ms, &seal) == -ENOENT)
            assert_int_equal(try_close(fixture, ledger, october_ms, november_ms, true), 0);
        else
            sealed++;
        ledger_reader_close(reader);
        close_check_seal(fixture, october_ms, november_ms);
        ledger_close(ledger);
        fixture_remove(fixture->dir);
    }
    assert_true(sealed > 0); /* else it was killed too early every time */
    assert_true(corrected > 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_not_over_or_not_settled_is_not_closed),
        TEST(a_seal_says_what_the_month_holds),
        TEST(no_row_comes_into_a_closed_month),
        TEST(a_late_truth_is_a_correction_in_the_open_month),
        TEST(a_correction_that_does_not_fit_is_refused),
        TEST(a_month_that_could_not_be_sealed_stands_still),
        TEST(other_rows_than_were_exported_are_not_sealed),
        TEST(a_row_that_cannot_be_read_is_sealed_as_it_is),
        TEST(a_month_is_closed_while_its_rows_are_settled),
        TEST(nothing_is_corrected_twice_by_kill_at_any_instant),
    };
    if (argc == 3 && strcmp(argv[1], "victim") == 0)
        return run_victim(argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
