/* ledger_recover_test.c - what a start finds of months that were closed, or were to go. */
#include "tests/accounting/ledger_close_fixture.h"

static struct ledger_db *open_db(const struct fixture *fixture)
{
    char path[JOURNAL_PATH_MAX], error[256] = "";
    struct ledger_db *db;
    ledger_db_path(fixture->dir, path);
    if (ledger_db_open(path, false, &db, error, sizeof(error)) != 0)
        fail_msg("%s", error);
    return db;
}

/* The seals say it, too: their marks, which lie behind them, must not hide them. */
static void the_last_seal_tells_what_is_closed(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger *ledger = close_open(fixture, 1);
    char *problem = NULL;
    struct ledger_db *db;
    close_append(ledger_lane(ledger, 0), "x", october_ms);
    close_append(ledger_lane(ledger, 0), "y", november_ms);
    assert_int_equal(try_close(fixture, ledger, october_ms, december_ms, false), 0);
    assert_int_equal(try_close(fixture, ledger, november_ms, december_ms, false), 0);
    ledger_close(ledger);
    db = open_db(fixture);
    assert_int_equal(db->closed_before_ms, december_ms);
    rocksdb_delete_cf(db->db, db->write, db->meta, "closing", 7, &problem);
    assert_null(problem);
    ledger_db_close(db);
    db = open_db(fixture);
    assert_int_equal(db->closed_before_ms, december_ms);
    ledger_db_close(db);
}

static size_t count_months(struct ledger_db *db)
{
    struct ledger_month *months;
    size_t count;
    assert_int_equal(ledger_db_copy_months(db, 0, INT64_MAX, &months, &count), 0);
    free(months);
    return count;
}

static void a_month_that_cannot_be_dropped_stays_on_the_list(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger *ledger = close_open(fixture, 1);
    rocksdb_column_family_handle_t *month;
    char *problem = NULL;
    struct ledger_db *db;
    close_append(ledger_lane(ledger, 0), "x", october_ms);
    close_append(ledger_lane(ledger, 0), "y", november_ms);
    ledger_close(ledger);
    db = open_db(fixture);
    assert_int_equal(count_months(db), 2);
    assert_int_equal(ledger_db_month(db, october_ms, &month), 0);
    rocksdb_drop_column_family(db->db, month, &problem); /* so that it fails the second time */
    assert_null(problem);
    assert_true(ledger_db_drop_month(db, october_ms) < 0);
    assert_int_equal(count_months(db), 2);
    assert_int_equal(db->dropped_count, 0);
    assert_int_equal(ledger_db_drop_month(db, november_ms), 0);
    assert_int_equal(count_months(db), 1);
    assert_int_equal(ledger_db_drop_month(db, november_ms), -ENOENT);
    ledger_db_close(db);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_last_seal_tells_what_is_closed),
        TEST(a_month_that_cannot_be_dropped_stays_on_the_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
