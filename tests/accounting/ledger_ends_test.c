#include "accounting/ledger_ends.h"
#include "accounting/ledger_ids.h"
#include "accounting/ledger_marks.h"
#include "accounting/ledger_proof.h"
#include "accounting/ledger_view.h"

#include "tests/accounting/ledger_fixture.h"

struct seen {
    struct ledger_ref refs[8];
    uint64_t hashes[8];
    size_t count;
};

static int see(void *arg, const struct ledger_ref *ref)
{
    struct seen *seen = arg;
    assert_true(seen->count < 8);
    seen->refs[seen->count++] = *ref;
    return 0;
}

static int see_id(void *arg, uint64_t hash, const struct ledger_ref *ref)
{
    struct seen *seen = arg;
    seen->hashes[seen->count] = hash;
    return see(arg, ref);
}

static struct ledger_ref place(int64_t ms, uint32_t boot, unsigned lane, uint32_t counter)
{
    return (struct ledger_ref){ms, (uint64_t)boot << 34 | (uint64_t)lane << 26 | counter};
}

static struct ledger_db *open_db(const struct fixture *fixture)
{
    struct ledger_db *db;
    char path[160], error[256];
    snprintf(path, sizeof(path), "%s/db", fixture->root);
    assert_int_equal(ledger_db_open(path, false, &db, error, sizeof(error)), 0);
    return db;
}

static void write_batch(struct ledger_db *db, rocksdb_writebatch_t *batch)
{
    assert_int_equal(ledger_db_write(db, batch), 0);
    rocksdb_writebatch_clear(batch);
}

/* One end for each lane of each boot: the last that was put. */
static void the_last_place_of_each_lane_is_kept(void **state)
{
    struct ledger_db *db = open_db(*state);
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    struct ledger_ref refs[] = {place(100, 1, 0, 0), place(200, 1, 0, 1), place(150, 1, 255, 9),
                                place(300, 0xfffff, 0, 7)};
    struct seen seen = {0};
    for (size_t i = 0; i < 4; i++)
        ledger_ends_put(db, batch, &refs[i]);
    write_batch(db, batch);
    assert_int_equal(ledger_ends_each(db, 0, INT64_MAX, see, &seen), 0);
    assert_int_equal(seen.count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(ledger_ref_compare(&seen.refs[i], &refs[i + 1]), 0);
    seen.count = 0;
    assert_int_equal(ledger_ends_each(db, 150, 200, see, &seen), 0);
    assert_int_equal(seen.count, 1);
    assert_int_equal(ledger_ends_drop(db, batch, 200), 0);
    write_batch(db, batch);
    seen.count = 0;
    assert_int_equal(ledger_ends_each(db, 0, INT64_MAX, see, &seen), 0);
    assert_int_equal(seen.count, 2);
    rocksdb_writebatch_destroy(batch);
    ledger_db_close(db);
}

static void an_end_of_another_lane_is_refused(void **state)
{
    struct ledger_db *db = open_db(*state);
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    struct ledger_ref ref = place(100, 1, 0, 5);
    struct seen seen = {0};
    char value[16] = {0};
    ledger_ends_put(db, batch, &ref);
    rocksdb_writebatch_put_cf(batch, db->meta, "end/\0\0\0\1\0", 9, value, sizeof(value));
    write_batch(db, batch);
    assert_int_equal(ledger_ends_each(db, 0, INT64_MAX, see, &seen), -EBADMSG);
    rocksdb_writebatch_delete_cf(batch, db->meta, "end/\0\0\0\1\0", 9);
    rocksdb_writebatch_put_cf(batch, db->meta, "end/", 4, value, sizeof(value));
    write_batch(db, batch);
    assert_int_equal(ledger_ends_each(db, 0, INT64_MAX, see, &seen), -EBADMSG);
    rocksdb_writebatch_destroy(batch);
    ledger_db_close(db);
}

static void the_index_is_walked(void **state)
{
    struct ledger_db *db = open_db(*state);
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    struct ledger_row row = fixture_row("gen_a");
    struct ledger_ref ref = place(100, 1, 0, 5), other = place(900, 1, 0, 6);
    struct seen seen = {0};
    row.upstream_id = TEXT("theirs");
    ledger_ids_put(db, batch, &ref, &row);
    row.upstream_id = row.id;
    ledger_ids_put(db, batch, &other, &row);
    write_batch(db, batch);
    assert_int_equal(ledger_ends_ids(db, 0, 101, see_id, &seen), 0);
    assert_int_equal(seen.count, 2);
    assert_int_equal(ledger_ref_compare(&seen.refs[0], &ref), 0);
    assert_true(seen.hashes[0] == ledger_ids_hash(TEXT("gen_a")) ||
                seen.hashes[1] == ledger_ids_hash(TEXT("gen_a")));
    assert_true(seen.hashes[0] == ledger_ids_hash(TEXT("theirs")) ||
                seen.hashes[1] == ledger_ids_hash(TEXT("theirs")));
    seen.count = 0;
    assert_int_equal(ledger_ends_ids(db, 0, INT64_MAX, see_id, &seen), 0);
    assert_int_equal(seen.count, 3);
    rocksdb_writebatch_destroy(batch);
    ledger_db_close(db);
}

/* Marks lie behind the heads, and come back through a reader. */
static void marks_are_stored_beside_the_heads(void **state)
{
    const struct fixture *fixture = *state;
    struct ledger_options options = fixture_options(fixture, 1);
    struct ledger *ledger = fixture_open(&options);
    const uint8_t leaf[TREE_HASH] = {1, 2, 3};
    struct ledger_reader *reader;
    struct ledger_view view;
    struct tree_marks marks;
    uint8_t *bytes, *read;
    size_t len, read_len;
    char error[256];
    assert_int_equal(tree_marks_init(&marks), 0);
    assert_int_equal(tree_marks_add(&marks, leaf), 0);
    assert_int_equal(tree_marks_encode(&marks, &bytes, &len), 0);
    assert_int_equal(ledger_view_pin(ledger, NULL, &view), 0);
    assert_int_equal(ledger_marks_put(&view, "2026-11", &marks), 0);
    ledger_view_release(&view);
    ledger_close(ledger);
    assert_int_equal(
        ledger_reader_open(fixture->dir, fixture_now_ms, &reader, error, sizeof(error)), 0);
    assert_int_equal(ledger_reader_marks(reader, fixture_now_ms, &read, &read_len), 0);
    assert_int_equal(read_len, len);
    assert_memory_equal(read, bytes, len);
    free(read);
    assert_int_equal(ledger_reader_marks(reader, 0, &read, &read_len), -ENOENT);
    ledger_reader_close(reader);
    free(bytes);
    tree_marks_release(&marks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_last_place_of_each_lane_is_kept, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(an_end_of_another_lane_is_refused, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(the_index_is_walked, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(marks_are_stored_beside_the_heads, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
