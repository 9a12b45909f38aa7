/* ledger_settle_test.c - rows that a later truth changes, and what older builds left. */
#include "accounting/ledger_find.h"
#include "accounting/ledger_journal.h"
#include "accounting/ledger_recover.h"
#include "accounting/ledger_writer.h"

#include "tests/accounting/ledger_close_fixture.h"

#include <fcntl.h>

struct listed {
    unsigned count, unreadable;
    struct ledger_ref ref;
    enum verdict verdict;
    char upstream_id[ROW_ID_MAX + 1];
};

static void list(void *arg, const struct ledger_pending *pending)
{
    struct listed *listed = arg;
    listed->count++;
    listed->ref = pending->ref;
    if (pending->row == NULL) {
        listed->unreadable++;
        return;
    }
    listed->verdict = pending->row->verdict;
    fixture_copy(listed->upstream_id, sizeof(listed->upstream_id), pending->row->upstream_id);
}

static struct listed list_all(struct ledger *ledger)
{
    struct listed listed = {0};
    assert_int_equal(ledger_pending(ledger, list, &listed), 0);
    return listed;
}

static struct ledger_row pending_row(const char *id)
{
    struct ledger_row row = fixture_row(id);
    row.upstream_id = row.id;
    row.verdict = VERDICT_PENDING;
    row.billed.known = false;
    row.finish_reason = TEXT("stop");
    return row;
}

static struct ledger_ref post(struct ledger_lane *lane, const struct ledger_row *row, bool listed)
{
    struct ledger_hold hold;
    assert_int_equal(ledger_hold(lane, row, fixture_now_ms, &hold), 0);
    if (listed)
        ledger_post_listed(lane, &hold, row);
    else
        ledger_post(lane, &hold, row);
    return hold.ref;
}

static struct ledger_ref post_pending(struct ledger_lane *lane, const char *id)
{
    struct ledger_row row = pending_row(id);
    return post(lane, &row, false);
}

static void settle(struct ledger_lane *lane, const struct ledger_ref *ref, const char *id,
                   int64_t billed, bool listed)
{
    struct ledger_row was = pending_row(id), row = was;
    row.billed = fixture_money(billed);
    row.verdict = VERDICT_UNPRICED;
    assert_int_equal(ledger_settle(lane, ref, &was, &row, listed, fixture_now_ms + 1), 0);
}

static void pending_rows_are_listed_until_they_are_settled(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 1);
    struct ledger *ledger = fixture_open(&options);
    struct fixture_rows *rows;
    struct listed listed;
    post_pending(ledger_lane(ledger, 0), "gen_1");
    ledger_close(ledger);
    for (unsigned round = 0; round < 3; round++) {
        ledger = fixture_open(&options);
        listed = list_all(ledger);
        assert_int_equal(listed.count, 1);
        assert_string_equal(listed.upstream_id, "gen_1");
        assert_int_equal(listed.verdict, round == 0 ? VERDICT_PENDING : VERDICT_UNPRICED);
        settle(ledger_lane(ledger, 0), &listed.ref, "gen_1", 400 + round, round < 2);
        ledger_close(ledger);
    }
    ledger = fixture_open(&options);
    assert_int_equal(list_all(ledger).count, 0);
    ledger_close(ledger);
    rows = fixture_read(fixture->dir);
    assert_int_equal(rows->count, 1);
    assert_true(rows->rows[0].row.billed.money.femto == 402);
    free(rows);
}

/* A drift that is to be confirmed, say. */
static void a_row_may_be_listed_whatever_its_verdict(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 1);
    struct ledger *ledger = fixture_open(&options);
    struct ledger_row row = fixture_row("gen_1");
    row.verdict = VERDICT_OVER;
    post(ledger_lane(ledger, 0), &row, false);
    post(ledger_lane(ledger, 0), &row, true);
    ledger_close(ledger);
    ledger = fixture_open(&options);
    assert_int_equal(list_all(ledger).count, 1);
    assert_int_equal(list_all(ledger).verdict, VERDICT_OVER);
    ledger_close(ledger);
}

/* The row is what it was settled to be, in every column; only its name and time are its own. */
static void a_settled_row_is_replaced_as_a_whole(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 1);
    struct ledger *ledger = fixture_open(&options);
    struct ledger_lane *lane = ledger_lane(ledger, 0);
    struct ledger_row was = pending_row("gen_1"), row = fixture_row("another");
    struct ledger_ref ref = post_pending(lane, "gen_1");
    struct fixture_rows *rows;
    row.model = TEXT("zai/glm-5.3-air");
    row.version = 3;
    row.cause = CAUSE_MARKUP;
    row.created_at_ms = 1;
    row.usage = USAGE_INIT;
    row.usage.completion_tokens = 7;
    assert_int_equal(ledger_settle(lane, &ref, &was, &row, false, fixture_now_ms), 0);
    settle(lane, &ref, "gen_1", 1, false); /* it is not listed any more: left alone */
    ledger_close(ledger);
    rows = fixture_read(fixture->dir);
    assert_int_equal(rows->count, 1);
    assert_string_equal(rows->rows[0].id, "gen_1");
    assert_string_equal(rows->rows[0].model, "zai/glm-5.3-air");
    assert_int_equal(rows->rows[0].row.created_at_ms, fixture_now_ms);
    assert_int_equal(rows->rows[0].row.usage.prompt_tokens, USAGE_ABSENT);
    assert_int_equal(rows->rows[0].row.usage.completion_tokens, 7);
    assert_int_equal(rows->rows[0].row.version, 3);
    assert_int_equal(rows->rows[0].row.cause, CAUSE_MARKUP);
    assert_int_equal(rows->rows[0].row.finish_reason.len, 0);
    assert_true(rows->rows[0].row.billed.money.femto == 1000000000000);
    free(rows);
}

/* The lane that settles may be drained before the one that posted. */
static void another_lane_may_settle(void **state)
{
    enum { ROWS = 300, LANES = 4 };
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, LANES);
    struct ledger *ledger = fixture_open(&options);
    struct fixture_rows *rows;
    for (unsigned i = 0; i < ROWS; i++) {
        struct ledger_lane *settles = ledger_lane(ledger, i / LANES % LANES);
        struct ledger_ref ref = post_pending(ledger_lane(ledger, i % LANES), "x");
        settle(settles, &ref, "x", 3, false);
        if (i % 5 == 0)
            ledger_kick(settles); /* sometimes a record at a time, sometimes many */
    }
    ledger_close(ledger);
    rows = fixture_read(fixture->dir);
    assert_int_equal(rows->count, ROWS);
    for (unsigned i = 0; i < ROWS; i++)
        assert_true(rows->rows[i].row.billed.money.femto == 3);
    free(rows);
}

/* Overwrites the stored row of a place, or takes it away. */
static void damage(const struct fixture *fixture, const struct ledger_ref *ref, bool remove)
{
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    rocksdb_column_family_handle_t *month;
    struct ledger_db *db;
    char path[JOURNAL_PATH_MAX], key[LEDGER_KEY], error[256];
    ledger_db_path(fixture->dir, path);
    assert_int_equal(ledger_db_open(path, false, &db, error, sizeof(error)), 0);
    assert_int_equal(ledger_db_month(db, ref->created_at_ms, &month), 0);
    ledger_db_key(ref, LEDGER_KEY_ROW, key);
    if (remove)
        rocksdb_writebatch_delete_cf(batch, month, key, sizeof(key));
    else
        rocksdb_writebatch_put_cf(batch, month, key, sizeof(key), "\xc1", 1);
    assert_int_equal(ledger_db_write(db, batch), 0);
    ledger_db_close(db);
    rocksdb_writebatch_destroy(batch);
}

static void a_row_that_cannot_be_read_hides_no_other(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 1);
    struct ledger *ledger = fixture_open(&options);
    struct ledger_ref refs[4];
    struct listed listed;
    for (unsigned i = 0; i < 4; i++)
        refs[i] = post_pending(ledger_lane(ledger, 0), "gen_1");
    ledger_close(ledger);
    damage(fixture, &refs[0], false);
    damage(fixture, &refs[2], true);
    ledger = fixture_open(&options);
    listed = list_all(ledger);
    assert_int_equal(listed.count, 4);
    assert_int_equal(listed.unreadable, 2);
    assert_memory_equal(&listed.ref, &refs[3], sizeof(refs[3]));
    ledger_close(ledger);
}

/* A drift that nobody ever confirms must not keep sums from being kept. */
static void a_listed_row_holds_sums_back_for_a_time_only(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 1);
    struct ledger *ledger = fixture_open(&options);
    struct ledger_row row = fixture_row("gen_1");
    int64_t until_ms = 0;
    post(ledger_lane(ledger, 0), &row, true);
    ledger_kick(ledger_lane(ledger, 0));
    assert_true(fixture_wait(fixture_drained, ledger));
    assert_int_equal(ledger_settled_before(ledger, fixture_now_ms + 3600 * 1000, &until_ms), 0);
    assert_int_equal(until_ms, fixture_now_ms);
    assert_int_equal(ledger_settled_before(ledger, fixture_now_ms + 2 * LEDGER_STUCK_MS, &until_ms),
                     0);
    assert_int_equal(until_ms, fixture_now_ms + LEDGER_STUCK_MS);
    ledger_close(ledger);
}

/* A month that is closed while a row's record says all but its cost: that is no last word, and must
 * not stand for it. */
static void a_closed_month_is_told_the_last_word_only(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger *ledger = close_open(fixture, 1);
    struct ledger_lane *lane = ledger_lane(ledger, 0);
    struct ledger_ref ref = close_post_pending(lane, "gen_1", october_ms + 6);
    struct ledger_row was = close_pending_row("gen_1"), row = was;
    struct fixture_rows *rows;
    int64_t billed = 0, tokens = 0;
    assert_int_equal(try_close(fixture, ledger, october_ms, november_ms, true), 0);
    row.usage.prompt_tokens = 25;
    for (unsigned again = 0; again < 2; again++) {
        uint64_t position = ledger_position(lane);
        assert_int_equal(ledger_settle(lane, &ref, &was, &row, true, november_ms + 1), -ESTALE);
        assert_int_equal(ledger_position(lane), position);
        assert_int_equal(close_listed(ledger), 1);
        ledger_close(ledger);
        ledger = close_open(fixture, 1);
        lane = ledger_lane(ledger, 0);
    }
    row.billed = fixture_money(400);
    row.verdict = VERDICT_UNPRICED;
    assert_int_equal(ledger_settle(lane, &ref, &was, &row, false, november_ms + 2), 0);
    assert_int_equal(ledger_wait(ledger), 0);
    assert_int_equal(close_listed(ledger), 0);
    ledger_close(ledger);
    rows = fixture_read(fixture->dir);
    assert_int_equal(rows->count, 2);
    for (size_t i = 0; i < rows->count; i++) {
        billed +=
            rows->rows[i].row.billed.known ? (int64_t)rows->rows[i].row.billed.money.femto : 0;
        tokens += rows->rows[i].row.usage.prompt_tokens;
    }
    assert_int_equal(billed, 400);
    assert_int_equal(tokens, 25);
    free(rows);
}

/* --- what older builds left --- */

static uint32_t journal_version(const struct fixture *fixture, const uint32_t *set)
{
    char path[JOURNAL_PATH_MAX];
    uint32_t version;
    int fd;
    ledger_journal_path(fixture->dir, 0, path);
    fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    if (set != NULL)
        assert_int_equal(pwrite(fd, set, sizeof(*set), 8), sizeof(*set));
    assert_int_equal(pread(fd, &version, sizeof(version), 8), sizeof(version));
    close(fd);
    return version;
}

/* A settlement that a build before this one recorded and did not drain: it says less than a row.
 * The row stays listed, so that it is asked for again; everything else is drained as ever. */
static void a_journal_of_the_first_version_is_drained(void **state)
{
    static uint8_t bytes[ROW_ENCODED_MAX];
    static const uint32_t first = 1;
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 1);
    struct ledger *ledger = fixture_open(&options);
    struct ledger_row row = fixture_row("gen_2"), late;
    struct ledger_ref ref = post_pending(ledger_lane(ledger, 0), "gen_1");
    struct journal journal;
    struct fixture_rows *rows;
    char path[JOURNAL_PATH_MAX];
    size_t len;
    ledger_close(ledger);
    ledger_journal_path(fixture->dir, 0, path);
    assert_int_equal(journal_open(path, &journal), 0);
    row_init(&late);
    late.billed = fixture_money(400);
    assert_int_equal(row_encode(&late, bytes, sizeof(bytes), &len), 0);
    assert_int_equal(journal_make_room(&journal, 2 * JOURNAL_RECORD_MAX), 0);
    journal_append(&journal, JOURNAL_SETTLE, 1000, &ref, bytes, len);
    ref.created_at_ms = row.created_at_ms = fixture_now_ms + 9;
    assert_int_equal(row_encode(&row, bytes, sizeof(bytes), &len), 0);
    journal_append(&journal, JOURNAL_ROW, JOURNAL_INDEXED, &ref, bytes, len);
    journal_close(&journal);
    journal_version(fixture, &first);

    ledger = fixture_open(&options);
    assert_int_equal(journal_version(fixture, NULL), JOURNAL_VERSION);
    assert_int_equal(list_all(ledger).count, 1);
    assert_int_equal(list_all(ledger).verdict, VERDICT_PENDING);
    ledger_close(ledger);
    rows = fixture_read(fixture->dir);
    assert_int_equal(rows->count, 2);
    assert_int_equal(fixture_find(rows, "gen_1")->row.verdict, VERDICT_PENDING);
    assert_int_equal(fixture_find(rows, "gen_2")->row.verdict, VERDICT_UNPRICED);
    free(rows);
}

static rocksdb_t *open_families(const char *path, int count, const char *const *names,
                                rocksdb_options_t *options,
                                rocksdb_column_family_handle_t **handles)
{
    const rocksdb_options_t *each[8] = {options, options, options, options,
                                        options, options, options, options};
    char *problem = NULL;
    rocksdb_t *db =
        rocksdb_open_column_families(options, path, count, names, each, handles, &problem);
    if (problem != NULL)
        fail_msg("%s", problem);
    return db;
}

/* Takes away what format 1 did not have. */
static void make_format_1(const struct fixture *fixture)
{
    static const char *const names[] = {"default", "holds", "pending", "ids",
                                        "rollups", "seals", "2026-11"};
    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_writeoptions_t *write = rocksdb_writeoptions_create();
    rocksdb_column_family_handle_t *handles[8];
    char path[JOURNAL_PATH_MAX], *problem = NULL;
    rocksdb_t *db;
    ledger_db_path(fixture->dir, path);
    db = open_families(path, 7, names, options, handles);
    rocksdb_put_cf(db, write, handles[0], "format", 6, "\0\0\0\1", 4, &problem);
    assert_null(problem);
    for (unsigned i = 4; i < 6; i++) {
        rocksdb_drop_column_family(db, handles[i], &problem);
        assert_null(problem);
    }
    for (unsigned i = 0; i < 7; i++)
        rocksdb_column_family_handle_destroy(handles[i]);
    rocksdb_close(db);
    rocksdb_options_destroy(options);
    rocksdb_writeoptions_destroy(write);
}

static void a_ledger_of_the_first_format_is_taken_over(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 1);
    struct ledger *ledger = fixture_open(&options);
    char path[JOURNAL_PATH_MAX], scratch[JOURNAL_PATH_MAX + 16], error[256];
    struct fixture_rows *rows;
    struct ledger_db *db;
    uint32_t format = 0;
    post_pending(ledger_lane(ledger, 0), "gen_1");
    ledger_close(ledger);
    make_format_1(fixture);
    ledger_db_path(fixture->dir, path);
    snprintf(scratch, sizeof(scratch), "%s/scratch", fixture->root);
    /* Beside a server of before: it is read as it is. */
    assert_int_equal(ledger_db_open_secondary(path, scratch, &db, error, sizeof(error)), 0);
    assert_null(db->rollups);
    assert_null(db->seals);
    ledger_db_close(db);
    ledger = fixture_open(&options);
    assert_int_equal(list_all(ledger).count, 1);
    ledger_close(ledger);
    assert_int_equal(ledger_db_open(path, false, &db, error, sizeof(error)), 0);
    assert_int_equal(ledger_db_get_format(db, &format), 1);
    assert_int_equal(format, LEDGER_FORMAT);
    assert_non_null(db->rollups);
    ledger_db_close(db);
    rows = fixture_read(fixture->dir);
    assert_int_equal(rows->count, 1);
    free(rows);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pending_rows_are_listed_until_they_are_settled),
        TEST(a_row_may_be_listed_whatever_its_verdict),
        TEST(a_settled_row_is_replaced_as_a_whole),
        TEST(another_lane_may_settle),
        TEST(a_row_that_cannot_be_read_hides_no_other),
        TEST(a_listed_row_holds_sums_back_for_a_time_only),
        TEST(a_closed_month_is_told_the_last_word_only),
        TEST(a_journal_of_the_first_version_is_drained),
        TEST(a_ledger_of_the_first_format_is_taken_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
