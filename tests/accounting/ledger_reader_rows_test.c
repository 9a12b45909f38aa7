/* ledger_reader_rows_test.c - what a reader reads, from another process's place and from within. */
#include "accounting/ledger_block.h"
#include "accounting/ledger_db.h"
#include "accounting/ledger_ends.h"
#include "accounting/ledger_place.h"
#include "accounting/ledger_proof.h"
#include "accounting/ledger_recover.h"

#include "tests/accounting/ledger_close_fixture.h"

#include <stdatomic.h>

enum { WAIT_MS = 5000, RAW_MAX = 400 };

struct raw {
    unsigned count, broken;
    struct ledger_ref refs[RAW_MAX];
    char ids[RAW_MAX][ROW_ID_MAX + 1];
};

static int take_raw(void *arg, const struct ledger_ref *ref, const uint8_t *bytes, size_t len)
{
    struct raw *raw = arg;
    struct ledger_row row;
    assert_true(raw->count < RAW_MAX);
    raw->refs[raw->count] = *ref;
    if (row_decode(bytes, len, &row) == 0)
        fixture_copy(raw->ids[raw->count], ROW_ID_MAX + 1, row.id);
    else
        raw->broken++;
    raw->count++;
    return 0;
}

/* Writes an entry of a month as no build of ours would. */
static void forge(const struct fixture *fixture, const struct ledger_ref *ref, char kind,
                  size_t key_len, const void *bytes, size_t len)
{
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    rocksdb_column_family_handle_t *month;
    struct ledger_db *db;
    char path[JOURNAL_PATH_MAX], key[LEDGER_KEY], error[256];
    ledger_db_path(fixture->dir, path);
    assert_int_equal(ledger_db_open(path, false, &db, error, sizeof(error)), 0);
    assert_int_equal(ledger_db_month(db, ref->created_at_ms, &month), 0);
    ledger_db_key(ref, LEDGER_KEY_ROW, key);
    key[LEDGER_KEY - 1] = kind;
    rocksdb_writebatch_put_cf(batch, month, key, key_len, bytes, len);
    assert_int_equal(ledger_db_write(db, batch), 0);
    rocksdb_writebatch_destroy(batch);
    ledger_db_close(db);
}

/* Rows are given in the order of their places, out of single rows and blocks. */
static void raw_rows_come_in_the_order_of_their_places(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger *ledger = close_open(fixture, 3);
    struct raw raw = {.count = 0};
    struct ledger_reader *reader;
    for (unsigned i = 0; i < 90; i++) {
        char id[16];
        snprintf(id, sizeof(id), "%u", i);
        if (i % 4 == 0)
            close_post_pending(ledger_lane(ledger, i % 3), id, november_ms - 45 + i);
        else
            close_append(ledger_lane(ledger, i % 3), id, november_ms - 45 + i);
    }
    ledger_close(ledger);
    reader = close_reader(fixture->dir);
    assert_int_equal(ledger_reader_raw(reader, october_ms, december_ms, take_raw, &raw), 0);
    assert_int_equal(raw.count, 90);
    assert_int_equal(raw.broken, 0);
    for (unsigned i = 1; i < raw.count; i++)
        assert_true(ledger_ref_compare(&raw.refs[i - 1], &raw.refs[i]) < 0);
    assert_string_equal(raw.ids[77], "77");
    raw.count = 0;
    assert_int_equal(ledger_reader_raw(reader, november_ms, november_ms + 10, take_raw, &raw), 0);
    assert_int_equal(raw.count, 10);
    assert_string_equal(raw.ids[0], "45");
    ledger_reader_close(reader);
}

/* Whatever is stored where rows belong is given, and the rest of the month with it. */
static void what_is_no_row_is_given_all_the_same(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger *ledger = close_open(fixture, 1);
    static uint8_t bytes[ROW_ENCODED_MAX], large[LEDGER_BLOCK_BYTES + 1];
    struct ledger_row row = fixture_row("in a block");
    struct ledger_ref at = {october_ms + 5, 9};
    struct ledger_block *block = calloc(1, sizeof(*block));
    struct raw raw = {.count = 0};
    struct fixture_rows rows = {.count = 0};
    struct ledger_reader *reader;
    size_t len;
    close_append(ledger_lane(ledger, 0), "first", october_ms);
    close_append(ledger_lane(ledger, 0), "last", october_ms + 900);
    ledger_close(ledger);
    row.created_at_ms = at.created_at_ms;
    assert_int_equal(row_encode(&row, bytes, sizeof(bytes), &len), 0);
    assert_true(ledger_block_add(block, &at, bytes, len));
    forge(fixture, &at, LEDGER_KEY_BLOCK, LEDGER_KEY, block->bytes, block->len);
    at.created_at_ms += 5;
    block->bytes[block->len] = 1; /* the beginning of a second row */
    forge(fixture, &at, LEDGER_KEY_BLOCK, LEDGER_KEY, block->bytes, block->len + 1);
    at.created_at_ms += 5;
    forge(fixture, &at, LEDGER_KEY_BLOCK, LEDGER_KEY, "\1", 1);
    at.created_at_ms += 5;
    forge(fixture, &at, LEDGER_KEY_BLOCK, LEDGER_KEY, large, sizeof(large));
    at.created_at_ms += 5;
    forge(fixture, &at, LEDGER_KEY_ROW, LEDGER_KEY, "\xc1", 1);
    at.created_at_ms += 5;
    forge(fixture, &at, 77, LEDGER_KEY, bytes, len);
    at.created_at_ms += 5;
    forge(fixture, &at, LEDGER_KEY_ROW, LEDGER_KEY - 1, "\xc1", 1);
    reader = close_reader(fixture->dir);
    assert_int_equal(ledger_reader_raw(reader, october_ms, november_ms, take_raw, &raw), 0);
    assert_int_equal(raw.broken, 5);
    assert_int_equal(raw.count, 10);
    assert_string_equal(raw.ids[1], "in a block");
    assert_string_equal(raw.ids[2], "in a block"); /* and then its broken rest */
    assert_int_equal(raw.refs[3].created_at_ms, october_ms + 10);
    assert_string_equal(raw.ids[7], "in a block");
    assert_string_equal(raw.ids[9], "last");
    /* An export must not read over any of it. */
    assert_int_equal(ledger_reader_rows(reader, october_ms + 9, november_ms, fixture_take, &rows),
                     -EBADMSG);
    ledger_reader_close(reader);
    free(block);
}

/* --- one row --- */

static void check_find(struct ledger_reader *reader)
{
    static const struct {
        const char *id, *model;
    } cases[] = {
        {"gen_own", "m/paid"},
        {"up-1", "m/paid"},
        {"gen-1790812800-hit", "m/hit"},
        {"gen_twice", "m/second"},
    };
    uint8_t buffer[ROW_ENCODED_MAX];
    struct ledger_row row;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(ledger_reader_find(reader, text_of(cases[i].id), buffer, &row), 0);
        assert_int_equal(row.model.len, strlen(cases[i].model));
        assert_memory_equal(row.model.bytes, cases[i].model, row.model.len);
    }
    assert_int_equal(ledger_reader_find(reader, TEXT("gen_none"), buffer, &row), -ENOENT);
    assert_int_equal(ledger_reader_find(reader, TEXT(""), buffer, &row), -ENOENT);
}

static void a_row_is_found_by_either_id(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger *ledger = close_open(fixture, 1);
    struct ledger_lane *lane = ledger_lane(ledger, 0);
    struct ledger_row row = fixture_row("gen_own");
    struct ledger_reader *reader;
    struct ledger_hold hold;
    row.model = TEXT("m/paid");
    row.upstream_id = TEXT("up-1");
    assert_int_equal(ledger_hold(lane, &row, october_ms, &hold), 0);
    ledger_post(lane, &hold, &row);
    row = fixture_row("gen-1790812800-hit");
    row.cache = CACHE_HIT;
    row.verdict = VERDICT_FREE;
    row.model = TEXT("m/hit");
    assert_int_equal(ledger_append(lane, &row, october_ms + 3, NULL), 0);
    row = fixture_row("gen_twice");
    assert_int_equal(ledger_append(lane, &row, october_ms + 5, NULL), 0);
    row.model = TEXT("m/second");
    assert_int_equal(ledger_append(lane, &row, november_ms, NULL), 0);
    assert_int_equal(ledger_reader_within(ledger, WAIT_MS, NULL, &reader), 0);
    check_find(reader);
    ledger_reader_close(reader);
    reader = close_reader(fixture->dir); /* beside the server */
    check_find(reader);
    ledger_reader_close(reader);
    ledger_close(ledger);
    reader = close_reader(fixture->dir);
    check_find(reader);
    ledger_reader_close(reader);
}

/* --- what is open --- */

struct items {
    unsigned holds, pending, unreadable;
    int64_t last_ms;
};

static int take_item(void *arg, bool is_hold, const struct ledger_ref *ref,
                     const struct ledger_row *row)
{
    struct items *items = arg;
    items->holds += is_hold;
    items->pending += !is_hold;
    items->unreadable += row == NULL;
    if (row != NULL && !is_hold)
        assert_int_equal(row->created_at_ms, ref->created_at_ms);
    items->last_ms = ref->created_at_ms;
    return 0;
}

static struct items items_of(struct ledger_reader *reader, int64_t from_ms, int64_t to_ms)
{
    struct items items = {0};
    assert_int_equal(ledger_reader_open_items(reader, from_ms, to_ms, take_item, &items), 0);
    return items;
}

static void open_holds_and_listed_rows_are_shown(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger *ledger = close_open(fixture, 1);
    struct ledger_lane *lane = ledger_lane(ledger, 0);
    struct ledger_row row = fixture_row("held");
    struct ledger_reader *reader;
    struct ledger_hold hold;
    struct ledger_ref ref;
    struct items items;
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(ledger_hold(lane, &row, october_ms + i, &hold), 0);
        ledger_seen(lane, &hold, "up", 2);
    }
    ref = close_post_pending(lane, "pending", october_ms + 10);
    close_post_pending(lane, "pending", november_ms);
    assert_int_equal(ledger_reader_within(ledger, WAIT_MS, NULL, &reader), 0);
    items = items_of(reader, 0, INT64_MAX);
    assert_int_equal(items.holds, 3);
    assert_int_equal(items.pending, 2);
    assert_int_equal(items.unreadable, 0);
    items = items_of(reader, october_ms + 1, november_ms);
    assert_int_equal(items.holds, 2);
    assert_int_equal(items.pending, 1);
    assert_int_equal(items.last_ms, october_ms + 10);
    ledger_reader_close(reader);
    ledger_post(lane, &hold, &row);
    ledger_close(ledger);
    forge(fixture, &ref, LEDGER_KEY_ROW, LEDGER_KEY, "\xc1", 1);
    reader = close_reader(fixture->dir); /* recovers the two holds, whose ids were seen */
    items = items_of(reader, 0, INT64_MAX);
    assert_int_equal(items.holds, 0);
    assert_int_equal(items.pending, 4);
    assert_int_equal(items.unreadable, 1);
    ledger_reader_close(reader);
}

static void an_empty_directory_has_nothing(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_reader *reader = close_reader(fixture->dir);
    uint8_t buffer[ROW_ENCODED_MAX];
    struct ledger_row row;
    struct raw raw = {.count = 0};
    struct seal seal;
    int64_t months[1];
    size_t count = 9;
    assert_int_equal(ledger_reader_raw(reader, 0, INT64_MAX, take_raw, &raw), 0);
    assert_int_equal(raw.count, 0);
    assert_int_equal(ledger_reader_find(reader, TEXT("x"), buffer, &row), -ENOENT);
    assert_int_equal(items_of(reader, 0, INT64_MAX).holds, 0);
    assert_int_equal(ledger_reader_months(reader, months, 1, &count), 0);
    assert_int_equal(count, 0);
    assert_int_equal(ledger_reader_seal(reader, october_ms, &seal), -ENOENT);
    ledger_reader_close(reader);
}

/* --- within --- */

static int raise_stop(void *arg, const struct ledger_row *row)
{
    (void)row;
    atomic_store((_Atomic bool *)arg, true);
    return 0;
}

static void a_reader_within_ends_when_it_is_told(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger *ledger = close_open(fixture, 1);
    struct ledger_reader *reader;
    _Atomic bool stop = false;
    struct raw raw = {.count = 0};
    for (unsigned i = 0; i < 10; i++)
        close_append(ledger_lane(ledger, 0), "x", october_ms + i);
    assert_int_equal(ledger_reader_within(ledger, WAIT_MS, &stop, &reader), 0);
    assert_int_equal(ledger_reader_raw(reader, 0, INT64_MAX, take_raw, &raw), 0);
    assert_int_equal(raw.count, 10); /* what was recorded before is there */
    assert_int_equal(ledger_reader_rows(reader, 0, INT64_MAX, raise_stop, &stop), -ECANCELED);
    assert_int_equal(ledger_reader_raw(reader, 0, INT64_MAX, take_raw, &raw), -ECANCELED);
    ledger_reader_close(reader);
    ledger_close(ledger);
}

/* --- ends, and places as text --- */

static int take_end(void *arg, const struct ledger_ref *last)
{
    struct raw *raw = arg;
    raw->refs[raw->count++] = *last;
    return 0;
}

static void the_last_place_of_each_lane_is_kept(void **state)
{
    const struct fixture *fixture = *state;
    for (unsigned boot = 1; boot <= 2; boot++) {
        struct ledger *ledger = close_open(fixture, 2);
        struct ledger_ref last[2];
        struct ledger_row row = fixture_row("held");
        struct raw raw = {.count = 0};
        struct ledger_reader *reader;
        struct ledger_hold hold;
        close_append(ledger_lane(ledger, 0), "x", october_ms);
        last[0] = close_append(ledger_lane(ledger, 0), "x", october_ms + 1);
        close_append(ledger_lane(ledger, 1), "x", october_ms);
        assert_int_equal(ledger_hold(ledger_lane(ledger, 1), &row, october_ms, &hold), 0);
        last[1] = hold.ref;
        assert_int_equal(ledger_rehold(ledger_lane(ledger, 1), &hold, &row, october_ms), 0);
        assert_int_equal(ledger_reader_within(ledger, WAIT_MS, NULL, &reader), 0);
        assert_int_equal(ledger_reader_ends(reader, 0, INT64_MAX, take_end, &raw), 0);
        assert_int_equal(raw.count, 2 * boot);
        for (unsigned lane = 0; lane < 2; lane++)
            assert_memory_equal(&raw.refs[2 * boot - 2 + lane], &last[lane], sizeof(last[lane]));
        ledger_reader_close(reader);
        ledger_post(ledger_lane(ledger, 1), &hold, &row);
        ledger_close(ledger);
    }
}

static void a_place_has_one_text(void **state)
{
    static const char *const broken[] = {"",
                                         "/",
                                         "1",
                                         "1/",
                                         "/1",
                                         "01/1",
                                         "1/01",
                                         "1/1 ",
                                         "-1/1",
                                         "1/-1",
                                         "1/1/1",
                                         "9223372036854775808/1",
                                         "1/18446744073709551616"};
    static const struct ledger_ref refs[] = {
        {0, 0}, {INT64_MAX, UINT64_MAX}, {INT64_C(1795215111123), UINT64_C(1) << 54}};
    struct ledger_ref ref;
    char text[ROW_PLACE_MAX];
    (void)state;
    for (size_t i = 0; i < sizeof(refs) / sizeof(refs[0]); i++) {
        size_t len = ledger_place_print(&refs[i], text);
        assert_int_equal(len, strlen(text));
        assert_int_equal(ledger_place_parse((struct text){text, len}, &ref), 0);
        assert_memory_equal(&ref, &refs[i], sizeof(ref));
    }
    assert_string_equal(text, "1795215111123/18014398509481984");
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
        assert_int_equal(ledger_place_parse(text_of(broken[i]), &ref), -EINVAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(raw_rows_come_in_the_order_of_their_places),
        TEST(what_is_no_row_is_given_all_the_same),
        TEST(a_row_is_found_by_either_id),
        TEST(open_holds_and_listed_rows_are_shown),
        TEST(an_empty_directory_has_nothing),
        TEST(a_reader_within_ends_when_it_is_told),
        TEST(the_last_place_of_each_lane_is_kept),
        cmocka_unit_test(a_place_has_one_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
