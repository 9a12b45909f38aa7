/* ledger_drop_test.c - whole months leave the ledger, and nothing of them stays but their seals. */
#include "accounting/ledger_find.h"
#include "accounting/ledger_proof.h"
#include "accounting/ledger_rollup.h"

#include "tests/accounting/ledger_close_fixture.h"

enum { WAIT_MS = 5000, EACH = 40 };

/* Rows in October and November, October's with one that is still pending; October closed. */
static struct ledger *open_months(const struct fixture *fixture)
{
    struct ledger *ledger = close_open(fixture, 2);
    unsigned made;
    for (unsigned i = 0; i < EACH; i++) {
        char id[16];
        snprintf(id, sizeof(id), "oct-%u", i);
        close_append(ledger_lane(ledger, i % 2), id, october_ms + 100000 * (int64_t)i);
    }
    close_post_pending(ledger_lane(ledger, 0), "oct-pending", october_ms + 7200000);
    for (unsigned i = 0; i < EACH; i++) {
        char id[16];
        snprintf(id, sizeof(id), "nov-%u", i);
        close_append(ledger_lane(ledger, i % 2), id, november_ms + 100000 * (int64_t)i);
    }
    assert_int_equal(try_close(fixture, ledger, october_ms, december_ms, true), 0);
    assert_int_equal(ledger_rollup_run(ledger, december_ms, 100000, &made), 0);
    assert_true(made > 2);
    return ledger;
}

static int count_row(void *arg, const struct ledger_row *row)
{
    unsigned *count = arg;
    (void)row;
    ++*count;
    return 0;
}

static int count_group(void *arg, const struct rollup_group *group)
{
    unsigned *count = arg;
    (void)group;
    ++*count;
    return 0;
}

static int count_id(void *arg, uint64_t hash, const struct ledger_ref *ref)
{
    unsigned *count = arg;
    (void)hash;
    (void)ref;
    ++*count;
    return 0;
}

static int count_end(void *arg, const struct ledger_ref *last)
{
    unsigned *count = arg;
    (void)last;
    ++*count;
    return 0;
}

static unsigned rows_of(struct ledger_reader *reader, int64_t from_ms, int64_t to_ms)
{
    unsigned count = 0;
    assert_int_equal(ledger_reader_rows(reader, from_ms, to_ms, count_row, &count), 0);
    return count;
}

static bool is_found(struct ledger *ledger, const char *id)
{
    uint8_t buffer[ROW_ENCODED_MAX];
    struct ledger_row row;
    int result = ledger_find(ledger, text_of(id), TEXT(""), WAIT_MS, buffer, &row);
    assert_true(result == 0 || result == -ENOENT);
    return result == 0;
}

static void check_dropped(struct ledger_reader *reader)
{
    int64_t months[4];
    unsigned groups = 0, ids = 0, ends = 0;
    struct seal seal;
    size_t count;
    bool fresh;
    assert_int_equal(rows_of(reader, october_ms, november_ms), 0);
    assert_int_equal(rows_of(reader, november_ms, december_ms), EACH);
    assert_int_equal(ledger_reader_seal(reader, october_ms, &seal), 0);
    assert_int_equal(seal.rows, EACH + 1);
    assert_int_equal(ledger_reader_rollup(reader, october_ms, &fresh, count_group, &groups),
                     -ENOENT);
    assert_int_equal(ledger_reader_rollup(reader, november_ms, &fresh, count_group, &groups), 0);
    assert_int_equal(ledger_reader_ids(reader, 0, INT64_MAX, count_id, &ids), 0);
    assert_int_equal(ids, EACH);
    assert_int_equal(ledger_reader_ends(reader, 0, INT64_MAX, count_end, &ends), 0);
    assert_int_equal(ends, 2);
    assert_int_equal(ledger_reader_months(reader, months, 4, &count), 0);
    assert_int_equal(count, 2); /* October has its seal */
    assert_int_equal(months[0], october_ms);
    assert_int_equal(months[1], november_ms);
    assert_int_equal(ledger_reader_months(reader, months, 1, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(months[0], october_ms);
}

static void a_month_leaves_with_all_that_points_at_it(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger *ledger = open_months(fixture);
    struct ledger_reader *reader;
    unsigned dropped = 9;
    assert_true(is_found(ledger, "oct-5"));
    assert_int_equal(close_listed(ledger), 1);
    assert_int_equal(ledger_drop_months(ledger, november_ms - 1, &dropped), 0);
    assert_int_equal(dropped, 0); /* not over before that */
    assert_int_equal(ledger_drop_months(ledger, december_ms, &dropped), 0);
    assert_int_equal(dropped, 1); /* November is open */
    assert_false(is_found(ledger, "oct-5"));
    assert_true(is_found(ledger, "nov-5"));
    assert_int_equal(close_listed(ledger), 0);
    assert_int_equal(ledger_reader_within(ledger, WAIT_MS, NULL, &reader), 0);
    check_dropped(reader);
    ledger_reader_close(reader);
    reader = close_reader(fixture->dir);
    check_dropped(reader);
    ledger_reader_close(reader);
    ledger_close(ledger);
    ledger = close_open(fixture, 2);
    assert_int_equal(ledger_drop_months(ledger, december_ms, &dropped), 0);
    assert_int_equal(dropped, 0);
    /* And the ledger goes on as before. */
    close_append(ledger_lane(ledger, 1), "nov-more", november_ms);
    assert_true(is_found(ledger, "nov-more"));
    assert_int_equal(try_close(fixture, ledger, november_ms, december_ms, false), 0);
    ledger_close(ledger);
    close_check_seal(fixture, november_ms, december_ms);
}

static void a_month_that_was_not_exported_stays(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger *ledger = close_open(fixture, 1);
    struct ledger_close_order order = {.month_from_ms = october_ms, .now_ms = november_ms};
    struct seal_signer *signer;
    struct seal seal;
    uint8_t key[SEAL_KEY];
    unsigned dropped;
    close_append(ledger_lane(ledger, 0), "x", october_ms);
    assert_int_equal(seal_signer_make(fixture->root, key, close_error, sizeof(close_error)), 0);
    assert_int_equal(seal_signer_open(fixture->root, &signer, close_error, sizeof(close_error)), 0);
    order.signer = signer;
    assert_int_equal(ledger_close_month(ledger, &order, &seal, close_error, sizeof(close_error)),
                     0);
    assert_false(seal.has_export);
    seal_signer_free(signer);
    assert_int_equal(ledger_drop_months(ledger, december_ms, &dropped), 0);
    assert_int_equal(dropped, 0);
    assert_true(is_found(ledger, "x"));
    ledger_close(ledger);
}

/* As a machine leaves one that stopped between making a month and its first row. */
static void make_empty_month(const struct fixture *fixture, int64_t month_ms)
{
    rocksdb_column_family_handle_t *month;
    struct ledger_db *db;
    char path[JOURNAL_PATH_MAX];
    ledger_db_path(fixture->dir, path);
    assert_int_equal(ledger_db_open(path, false, &db, close_error, sizeof(close_error)), 0);
    assert_int_equal(ledger_db_month(db, month_ms, &month), 0);
    ledger_db_close(db);
    close_error[0] = 0;
}

static void a_month_without_rows_holds_up_no_other(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger *ledger = open_months(fixture);
    struct ledger_reader *reader;
    unsigned dropped;
    ledger_close(ledger);
    make_empty_month(fixture, october_ms - 1);
    make_empty_month(fixture, december_ms);
    ledger = close_open(fixture, 2);
    assert_int_equal(ledger_drop_months(ledger, october_ms - 1, &dropped), 0);
    assert_int_equal(dropped, 0);
    assert_int_equal(ledger_drop_months(ledger, INT64_MAX, &dropped), 0);
    assert_int_equal(dropped, 2);
    assert_int_equal(ledger_reader_within(ledger, WAIT_MS, NULL, &reader), 0);
    check_dropped(reader);
    ledger_reader_close(reader);
    ledger_close(ledger);
}

struct slow_read {
    struct ledger *ledger;
    unsigned seen, dropped;
};

/* In the middle of reading the month. */
static int drop_while_reading(void *arg, const struct ledger_row *row)
{
    struct slow_read *read = arg;
    (void)row;
    if (read->seen++ == EACH / 2)
        assert_int_equal(ledger_drop_months(read->ledger, december_ms, &read->dropped), 0);
    return 0;
}

static void who_is_reading_a_month_reads_it_to_its_end(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger *ledger = open_months(fixture);
    struct slow_read read = {.ledger = ledger};
    struct ledger_reader *reader;
    unsigned made;
    assert_int_equal(ledger_reader_within(ledger, WAIT_MS, NULL, &reader), 0);
    assert_int_equal(ledger_reader_rows(reader, october_ms, november_ms, drop_while_reading, &read),
                     0);
    assert_int_equal(read.dropped, 1);
    assert_int_equal(read.seen, EACH + 1);
    assert_int_equal(rows_of(reader, october_ms, november_ms), 0);
    assert_int_equal(ledger_rollup_run(ledger, december_ms, 10, &made), 0); /* lets go of it */
    assert_int_equal(rows_of(reader, november_ms, december_ms), EACH);
    ledger_reader_close(reader);
    ledger_close(ledger);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_month_leaves_with_all_that_points_at_it),
        TEST(a_month_that_was_not_exported_stays),
        TEST(a_month_without_rows_holds_up_no_other),
        TEST(who_is_reading_a_month_reads_it_to_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
