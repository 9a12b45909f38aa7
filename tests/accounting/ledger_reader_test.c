#include "accounting/ledger_db.h"
#include "accounting/ledger_month.h"
#include "accounting/ledger_recover.h"

#include "tests/accounting/ledger_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

static void a_directory_without_a_ledger_reads_as_empty(void **state)
{
    const struct fixture *fixture = *state;
    struct fixture_rows *rows = fixture_read(fixture->dir);
    assert_int_equal(rows->count, 0);
    free(rows);
    assert_int_not_equal(access(fixture->dir, F_OK), 0); /* and nothing was made there */
    rows = fixture_read(fixture->root);
    assert_int_equal(rows->count, 0);
    free(rows);
    assert_int_equal(rmdir(fixture->root), 0); /* it was left empty */
}

/* An export beside a running server shows all that was answered before it began; new months,
 * which a secondary does not learn of by itself, included. */
static void a_reader_sees_what_was_recorded_before_it_came(void **state)
{
    enum { ROUNDS = 40, EACH = 25 };
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 2);
    struct ledger *ledger = fixture_open(&options);
    struct ledger_row row = fixture_row("x");
    row.verdict = VERDICT_FREE;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct fixture_rows *rows;
        for (unsigned i = 0; i < EACH; i++) {
            unsigned lane = i % 2;
            assert_int_equal(ledger_append(ledger_lane(ledger, lane), &row,
                                           fixture_now_ms + (int64_t)round * 10 * LEDGER_DAY_MS,
                                           NULL),
                             0);
            ledger_kick(ledger_lane(ledger, lane));
        }
        rows = fixture_read(fixture->dir);
        assert_int_equal(rows->count, (round + 1) * EACH);
        free(rows);
    }
    ledger_close(ledger);
}

/* What the reader is built around: a secondary catches up with rows, but a month made after it was
 * opened it does not see, and only the list of families tells. */
static void a_secondary_must_be_opened_again_for_a_new_month(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_db *primary, *secondary;
    rocksdb_column_family_handle_t *month;
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    uint64_t position = 0;
    int64_t created_at_ms;
    size_t families;
    char path[256], scratch[256], error[256];
    snprintf(path, sizeof(path), "%s/db", fixture->root);
    snprintf(scratch, sizeof(scratch), "%s/scratch", fixture->root);
    assert_int_equal(ledger_db_open(path, false, &primary, error, sizeof(error)), 0);
    assert_int_equal(ledger_db_open_secondary(path, scratch, &secondary, error, sizeof(error)), 0);
    assert_int_equal(ledger_db_month(primary, fixture_now_ms, &month), 0);
    ledger_db_put_lane(primary, batch, 0, 4711, 1);
    assert_int_equal(ledger_db_write(primary, batch), 0);
    assert_int_equal(ledger_db_catch_up(secondary), 0);
    assert_int_equal(ledger_db_get_lane(secondary, 0, &position, &created_at_ms), 1);
    assert_int_equal(position, 4711);
    assert_int_equal(secondary->month_count, 0);
    assert_int_equal(ledger_db_families(path, &families), 0);
    assert_int_equal(families, secondary->family_count + 1);
    ledger_db_close(secondary);
    assert_int_equal(ledger_db_open_secondary(path, scratch, &secondary, error, sizeof(error)), 0);
    assert_int_equal(secondary->month_count, 1);
    assert_int_equal(families, secondary->family_count);
    ledger_db_close(secondary);
    ledger_db_close(primary);
    rocksdb_writebatch_destroy(batch);
}

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
        char id[16];
        struct ledger_row row;
        struct ledger_hold hold;
        snprintf(id, sizeof(id), "%08u", i);
        row = fixture_row(id);
        while (ledger_hold(lane, &row, fixture_now_ms + i, &hold) < 0)
            poll(NULL, 0, 1);
        ledger_post(lane, &hold, &row);
        atomic_store(&busy->written, i + 1);
        ledger_kick(lane);
        if (i % 16 == 0)
            poll(NULL, 0, 1);
    }
    return NULL;
}

/* While rows keep coming: at least what was there, in order, without a hole. */
static void a_reader_beside_a_busy_writer_misses_nothing(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 1);
    struct busy busy = {.ledger = fixture_open(&options)};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, write_on, &busy), 0);
    for (unsigned round = 0; round < 25; round++) {
        uint32_t before = atomic_load(&busy.written);
        struct fixture_rows *rows = fixture_read(fixture->dir);
        assert_true(rows->count >= before);
        for (size_t i = 0; i < rows->count; i++) {
            char id[32];
            snprintf(id, sizeof(id), "%08zu", i);
            assert_string_equal(rows->rows[i].id, id);
        }
        free(rows);
    }
    atomic_store(&busy.stop, true);
    pthread_join(thread, NULL);
    ledger_close(busy.ledger);
}

static void a_server_may_start_while_a_reader_reads(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 1);
    struct fixture_rows *rows = calloc(1, sizeof(*rows) + 4 * sizeof(struct fixture_row));
    struct ledger_row row = fixture_row("before");
    struct ledger_reader *reader;
    struct ledger *ledger = fixture_open(&options);
    char error[256];
    row.verdict = VERDICT_FREE;
    assert_int_equal(ledger_append(ledger_lane(ledger, 0), &row, fixture_now_ms, NULL), 0);
    ledger_close(ledger);
    assert_int_equal(ledger_reader_open(fixture->dir, 0, &reader, error, sizeof(error)), 0);
    ledger = fixture_open(&options);
    row.id = TEXT("after");
    assert_int_equal(ledger_append(ledger_lane(ledger, 0), &row, fixture_now_ms, NULL), 0);
    ledger_close(ledger);
    assert_int_equal(ledger_reader_rows(reader, 0, INT64_MAX, fixture_take, rows), 0);
    assert_int_equal(rows->count, 1);
    assert_string_equal(rows->rows[0].id, "before");
    ledger_reader_close(reader);
    free(rows);
}

/* One lane's clock goes on; ranges hold what lies in [from, to), whatever the month. */
static void ranges_end_where_they_say(void **state)
{
    static const char *const months[] = {"2026-10", "2026-11", "2026-12", "2027-01"};
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 1);
    struct ledger *ledger;
    struct fixture_rows *rows;
    int64_t from_ms, to_ms;
    options.now_ms = 0;
    ledger = fixture_open(&options);
    for (unsigned i = 1; i < 4; i++) {
        static const int64_t around[] = {-1, 0, 1};
        ledger_month_parse(months[i], 7, &from_ms, &to_ms);
        for (unsigned k = 0; k < 3; k++) {
            struct ledger_row row = fixture_row("x");
            row.verdict = VERDICT_FREE;
            assert_int_equal(ledger_append(ledger_lane(ledger, 0), &row, from_ms + around[k], NULL),
                             0);
        }
    }
    ledger_close(ledger);
    for (unsigned i = 0; i < 4; i++) {
        static const size_t want[] = {1, 3, 3, 2};
        ledger_month_parse(months[i], 7, &from_ms, &to_ms);
        rows = fixture_read_range(fixture->dir, from_ms, to_ms);
        assert_int_equal(rows->count, want[i]);
        for (size_t k = 0; k < rows->count; k++)
            assert_in_range(rows->rows[k].row.created_at_ms, from_ms, to_ms - 1);
        free(rows);
        rows = fixture_read_range(fixture->dir, from_ms + 1, to_ms + 1);
        assert_int_equal(rows->count, i == 0 ? 2 : i == 3 ? 1 : 3);
        free(rows);
    }
    rows = fixture_read(fixture->dir);
    assert_int_equal(rows->count, 9);
    for (size_t k = 1; k < rows->count; k++)
        assert_true(rows->rows[k - 1].row.created_at_ms < rows->rows[k].row.created_at_ms);
    free(rows);
    rows = fixture_read_range(fixture->dir, to_ms, from_ms);
    assert_int_equal(rows->count, 0);
    free(rows);
}

/* Rows of several lanes are stored by the block, and blocks overlap; the reader's order is that of
 * time all the same, and a range that begins inside a block is whole. */
static void rows_of_many_lanes_come_in_order(void **state)
{
    enum { LANES = 4 };
    const size_t each = 4000, all = LANES * each;
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, LANES);
    struct ledger *ledger = fixture_open(&options);
    int64_t *times = calloc(all, sizeof(*times)), clock = fixture_now_ms;
    struct fixture_rows *rows;
    uint64_t random = 12345;
    for (size_t i = 0; i < all; i++) {
        struct ledger_row row = fixture_row("x");
        struct ledger_ref ref;
        unsigned lane;
        row.verdict = VERDICT_FREE;
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        lane = (unsigned)(random >> 40) % LANES;
        clock += (random >> 33) % 100 == 0 ? 700 : (int64_t)((random >> 33) % 3);
        while (ledger_append(ledger_lane(ledger, lane), &row, clock, &ref) == -ENOSPC)
            poll(NULL, 0, 1);
        times[i] = ref.created_at_ms;
        if ((random >> 50) % 200 == 0)
            ledger_kick(ledger_lane(ledger, lane));
    }
    ledger_close(ledger);
    rows = fixture_read(fixture->dir);
    assert_int_equal(rows->count, all);
    for (size_t i = 0; i < rows->count; i++)
        assert_int_equal(rows->rows[i].row.created_at_ms, times[i]);
    free(rows);
    for (size_t i = 0; i < 40; i++) {
        int64_t from_ms = times[i * 397], to_ms = times[i * 397 + (i * i) % 400] + 1;
        size_t want = 0, first = all;
        for (size_t k = all; k-- > 0;) {
            if (times[k] >= from_ms && times[k] < to_ms) {
                want++;
                first = k;
            }
        }
        rows = fixture_read_range(fixture->dir, from_ms, to_ms);
        assert_int_equal(rows->count, want);
        assert_int_equal(rows->rows[0].row.created_at_ms, times[first]);
        assert_int_equal(rows->rows[want - 1].row.created_at_ms, times[first + want - 1]);
        free(rows);
    }
    free(times);
}

static int stop_at_two(void *arg, const struct ledger_row *row)
{
    unsigned *seen = arg;
    (void)row;
    return ++*seen == 2 ? 42 : 0;
}

static void a_callback_can_stop_the_scan(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 1);
    struct ledger *ledger = fixture_open(&options);
    struct ledger_row row = fixture_row("x");
    struct ledger_reader *reader;
    unsigned seen = 0;
    char error[256];
    row.verdict = VERDICT_FREE;
    for (unsigned i = 0; i < 4; i++) {
        int64_t at_ms = fixture_now_ms + (int64_t)i * 20 * LEDGER_DAY_MS;
        assert_int_equal(ledger_append(ledger_lane(ledger, 0), &row, at_ms, NULL), 0);
    }
    ledger_close(ledger);
    assert_int_equal(ledger_reader_open(fixture->dir, 0, &reader, error, sizeof(error)), 0);
    assert_int_equal(ledger_reader_rows(reader, 0, INT64_MAX, stop_at_two, &seen), 42);
    assert_int_equal(seen, 2);
    ledger_reader_close(reader);
}

/* A client's requests may land on any worker; within a millisecond the microseconds decide. */
static void rows_of_one_millisecond_stand_in_the_order_they_came(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 2);
    struct ledger *ledger = fixture_open(&options);
    static const char *const ids[] = {"first", "second", "third", "fourth"};
    struct fixture_rows *rows;
    for (unsigned i = 0; i < 4; i++) {
        struct ledger_row row = fixture_row(ids[i]);
        struct ledger_lane *lane = ledger_lane(ledger, (i + 1) % 2);
        ledger_lane_micros(lane, 100 + i);
        assert_int_equal(ledger_append(lane, &row, fixture_now_ms, NULL), 0);
    }
    ledger_close(ledger);
    rows = fixture_read(fixture->dir);
    assert_int_equal(rows->count, 4);
    for (unsigned i = 0; i < 4; i++)
        assert_string_equal(rows->rows[i].id, ids[i]);
    free(rows);
}

/* A wrong clock at a start leaves no trace; only rows hold time back. */
static void a_clock_ahead_at_open_does_not_move_later_rows(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 1);
    struct ledger_row row = fixture_row("on time");
    struct ledger_ref ref;
    struct ledger *ledger;
    options.now_ms = fixture_now_ms + INT64_C(400) * 86400 * 1000;
    ledger_close(fixture_open(&options));
    options.now_ms = fixture_now_ms;
    ledger = fixture_open(&options);
    assert_int_equal(ledger_append(ledger_lane(ledger, 0), &row, fixture_now_ms, &ref), 0);
    assert_int_equal(ref.created_at_ms, fixture_now_ms);
    ledger_close(ledger);
}

static void *let_go_soon(void *arg)
{
    poll(NULL, 0, 50); /* long enough for the reader to find the lock taken */
    close(*(int *)arg);
    return NULL;
}

/* While a start recovers, rows of the dead process are still holds: readers wait for it. */
static void a_reader_waits_for_a_recovery_under_way(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 1);
    struct ledger_reader *reader = NULL;
    char error[256] = "";
    pthread_t thread;
    int fd;
    ledger_close(fixture_open(&options));
    assert_int_equal(ledger_lock(fixture->dir, 0, &fd), 0);
    assert_false(ledger_lock_is_serving(fixture->dir));
    assert_int_equal(pthread_create(&thread, NULL, let_go_soon, &fd), 0);
    assert_int_equal(ledger_reader_open(fixture->dir, 0, &reader, error, sizeof(error)), 0);
    pthread_join(thread, NULL);
    ledger_reader_close(reader);
    assert_int_equal(ledger_lock(fixture->dir, 0, &fd), 0);
    ledger_lock_serves(fd);
    assert_true(ledger_lock_is_serving(fixture->dir));
    close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_directory_without_a_ledger_reads_as_empty),
        TEST(rows_of_one_millisecond_stand_in_the_order_they_came),
        TEST(a_clock_ahead_at_open_does_not_move_later_rows),
        TEST(a_reader_waits_for_a_recovery_under_way),
        TEST(a_reader_sees_what_was_recorded_before_it_came),
        TEST(a_secondary_must_be_opened_again_for_a_new_month),
        TEST(a_reader_beside_a_busy_writer_misses_nothing),
        TEST(a_server_may_start_while_a_reader_reads),
        TEST(ranges_end_where_they_say),
        TEST(rows_of_many_lanes_come_in_order),
        TEST(a_callback_can_stop_the_scan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
