/* verify_early_test.c - a ledger that a build of format 1 left, killed as it was: it breaks no law,
 * neither when it is taken over nor ever after. */
#include "accounting/ledger_journal.h"
#include "accounting/ledger_recover.h"

#include "tests/accounting/verify_disk.h"

enum { EARLY_ROWS = 40, LATE_ROWS = 12, VERSION_AT = 8, MAP_COUNT_AT = 2 };

/* No check, and nothing that proves its sums. */
static void make_early(struct made *made, size_t number, int64_t ms)
{
    make_row(made, 3 * number, ms); /* no hit */
    made->row.rating = made->row.observed = (struct text){NULL, 0};
}

static size_t strip_check(uint8_t *bytes, size_t len)
{
    bytes[MAP_COUNT_AT]--;
    return len - ROW_CHECK_BYTES;
}

/* Returns the last place of lane 0. */
static struct ledger_ref record_early(struct ledger *ledger)
{
    struct ledger_ref last = {0};
    for (size_t number = 0; number < EARLY_ROWS; number++) {
        int64_t ms = OCTOBER + HOUR + (int64_t)number * 1000;
        struct ledger_lane *lane = ledger_lane(ledger, number % LANES);
        struct ledger_hold hold;
        struct made made;
        make_early(&made, number, ms);
        assert_int_equal(ledger_hold(lane, &made.row, ms, &hold), 0);
        ledger_post(lane, &hold, &made.row);
        if (number % LANES == 0)
            last = hold.ref;
    }
    wait_drained(ledger);
    return last;
}

/* What was recorded and not drained when the server was killed. */
static void append_undrained(const struct fixture *fixture, struct ledger_ref last)
{
    static const uint32_t version = 1;
    char path[JOURNAL_PATH_MAX];
    struct journal journal;
    int fd;
    ledger_journal_path(fixture->dir, 0, path);
    assert_int_equal(journal_open(path, &journal), 0);
    assert_int_equal(journal_make_room(&journal, 3 * JOURNAL_RECORD_MAX), 0);
    for (size_t number = EARLY_ROWS; number < EARLY_ROWS + 3; number++) {
        uint8_t bytes[ROW_ENCODED_MAX];
        struct made made;
        size_t len;
        last.created_at_ms += HOUR;
        last.sequence++;
        make_early(&made, number, last.created_at_ms);
        assert_int_equal(row_encode(&made.row, bytes, sizeof(bytes), &len), 0);
        journal_append(&journal, JOURNAL_ROW, JOURNAL_INDEXED, &last, bytes,
                       strip_check(bytes, len));
    }
    journal_close(&journal);
    fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, &version, sizeof(version), VERSION_AT), sizeof(version));
    close(fd);
}

/* Calls fn for what a family has from a key on. */
static void each(struct ledger_db *db, rocksdb_column_family_handle_t *family, const char *from,
                 void (*fn)(struct ledger_db *db, rocksdb_column_family_handle_t *family,
                            const char *key, size_t key_len, const char *value, size_t len))
{
    rocksdb_iterator_t *iterator = rocksdb_create_iterator_cf(db->db, db->read, family);
    for (rocksdb_iter_seek(iterator, from, strlen(from)); rocksdb_iter_valid(iterator);
         rocksdb_iter_next(iterator)) {
        size_t key_len, len;
        const char *key = rocksdb_iter_key(iterator, &key_len);
        const char *value = rocksdb_iter_value(iterator, &len);
        fn(db, family, key, key_len, value, len);
    }
    rocksdb_iter_destroy(iterator);
}

static void strip_row(struct ledger_db *db, rocksdb_column_family_handle_t *family, const char *key,
                      size_t key_len, const char *value, size_t len)
{
    char *problem = NULL;
    uint8_t bytes[ROW_ENCODED_MAX];
    assert_int_equal(key[LEDGER_KEY - 1], LEDGER_KEY_ROW);
    memcpy(bytes, value, len);
    len = strip_check(bytes, len);
    rocksdb_put_cf(db->db, db->write, family, key, key_len, (const char *)bytes, len, &problem);
    assert_null(problem);
}

static void forget_end(struct ledger_db *db, rocksdb_column_family_handle_t *family,
                       const char *key, size_t key_len, const char *value, size_t len)
{
    char *problem = NULL;
    (void)value;
    (void)len;
    if (memcmp(key, "end/", 4) == 0)
        rocksdb_delete_cf(db->db, db->write, family, key, key_len, &problem);
    assert_null(problem);
}

static void make_format_1(const struct fixture *fixture)
{
    rocksdb_column_family_handle_t *month, **newer[3];
    char path[JOURNAL_PATH_MAX], error[256], *problem = NULL;
    struct ledger_db *db;
    ledger_db_path(fixture->dir, path);
    assert_int_equal(ledger_db_open(path, false, &db, error, sizeof(error)), 0);
    assert_int_equal(ledger_db_month(db, OCTOBER, &month), 0);
    each(db, month, "", strip_row);
    each(db, db->meta, "end/", forget_end);
    rocksdb_put_cf(db->db, db->write, db->meta, "format", 6, "\0\0\0\1", 4, &problem);
    assert_null(problem);
    newer[0] = &db->ids; /* the first ones had none */
    newer[1] = &db->rollups;
    newer[2] = &db->seals;
    for (unsigned i = 0; i < 3; i++) {
        rocksdb_drop_column_family(db->db, *newer[i], &problem);
        assert_null(problem);
    }
    ledger_db_close(db);
}

static int make_early_ledger(void **state)
{
    struct whole *whole = calloc(1, sizeof(*whole));
    struct ledger_options options;
    struct ledger *ledger;
    struct ledger_ref last;
    if (fixture_setup((void **)&whole->fixture) != 0)
        return -1;
    snprintf(whole->copy, sizeof(whole->copy), "%s/copy", whole->fixture->root);
    options = fixture_options(whole->fixture, LANES);
    options.now_ms = OCTOBER;
    ledger = fixture_open(&options);
    last = record_early(ledger);
    ledger_close(ledger);
    append_undrained(whole->fixture, last);
    make_format_1(whole->fixture);
    *state = whole;
    return 0;
}

static void expect_whole(struct whole *whole, size_t rows)
{
    if (verify(whole) != 0)
        fail_msg("%s", whole->said);
    assert_int_equal(whole->result.rows, rows);
}

static void take_copy(struct whole *whole)
{
    fixture_remove(whole->copy);
    copy_directory(whole->fixture->dir, whole->copy);
}

/* With no server running, verify itself drains the journals. */
static void what_format_1_left_breaks_no_law(void **state)
{
    struct whole *whole = *state;
    take_copy(whole);
    expect_whole(whole, EARLY_ROWS + 3);
    expect_whole(whole, EARLY_ROWS + 3);
}

static void record_calls(struct ledger *ledger, size_t first)
{
    for (size_t number = first; number < first + LATE_ROWS; number++) {
        int64_t ms = OCTOBER + 90 * HOUR + (int64_t)number * 1000;
        struct ledger_lane *lane = ledger_lane(ledger, number % LANES);
        struct ledger_hold hold;
        struct made made;
        make_row(&made, 3 * number, ms);
        assert_int_equal(ledger_hold(lane, &made.row, ms, &hold), 0);
        ledger_post(lane, &hold, &made.row);
    }
    wait_drained(ledger);
}

/* Rows of later boots have all that is asked of them, and are asked for it. */
static void only_what_format_1_left_is_early(void **state)
{
    struct whole *whole = *state;
    struct ledger_options options = fixture_options(whole->fixture, LANES);
    char path[JOURNAL_PATH_MAX];
    struct found found;
    for (unsigned boot = 0; boot < 2; boot++) {
        struct ledger *ledger = fixture_open(&options);
        record_calls(ledger, 100 * (boot + 1));
        ledger_close(ledger);
    }
    take_copy(whole);
    expect_whole(whole, EARLY_ROWS + 3 + 2 * LATE_ROWS);
    ledger_db_path(whole->copy, path);
    assert_int_equal(ledger_db_open(path, false, &whole->db, whole->error, sizeof(whole->error)),
                     0);
    find(whole, OCTOBER, LEDGER_KEY_ROW, EARLY_ROWS + 3, &found); /* the first of the second boot */
    found.len = strip_check(found.value, found.len);
    put_found(whole, &found);
    expect_found(whole, &found.ref, "is not stored as this build writes it");
}

#define EARLY(name) cmocka_unit_test_setup_teardown(name, make_early_ledger, free_whole)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EARLY(what_format_1_left_breaks_no_law),
        EARLY(only_what_format_1_left_is_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
