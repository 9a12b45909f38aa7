/* Somebody writes into a copy of the ledger's database, and verify says so. */
#include "accounting/ledger_ends.h"

#include "tests/accounting/verify_disk.h"

static const int64_t months[] = {OCTOBER, NOVEMBER, DECEMBER};

/* --- what is done to it --- */

static void nobody_did_anything(void **state)
{
    struct whole *whole = *state;
    begin(whole);
    if (verify(whole) != 0)
        fail_msg("%s", whole->said);
    assert_int_equal(whole->result.months, 3);
    assert_non_null(strstr(whole->said, "2026-11: "));
    assert_non_null(strstr(whole->said, " closed, all laws hold\n"));
    assert_non_null(strstr(whole->said, " open, all laws hold\n"));
}

static void a_byte_was_flipped(void **state)
{
    struct whole *whole = *state;
    struct found found;
    for (size_t at = 0, tries = 0; tries < 12; tries++, at += 29) {
        begin(whole);
        find(whole, months[tries % 2], tries % 3 == 0 ? LEDGER_KEY_BLOCK : LEDGER_KEY_ROW, 3,
             &found);
        found.value[LEDGER_BLOCK_HEAD + at % (found.len - LEDGER_BLOCK_HEAD)] ^= 0x04;
        put_found(whole, &found);
        expect_found(whole, NULL, "its rows are not those that were sealed");
        assert_non_null(strchr(whole->result.first, '/')); /* a row is named */
    }
}

static void a_row_was_dropped(void **state)
{
    struct whole *whole = *state;
    struct found found;
    for (size_t i = 0; i < 3; i++) {
        begin(whole);
        find(whole, months[i], LEDGER_KEY_ROW, 5, &found);
        delete_found(whole, &found);
        expect_found(whole, NULL, "places that lane");
        assert_non_null(strchr(whole->result.first, '/'));
    }
}

static void a_run_of_hits_was_dropped(void **state)
{
    struct whole *whole = *state;
    struct found found;
    for (size_t i = 0; i < 3; i++) {
        begin(whole);
        find(whole, months[i], LEDGER_KEY_BLOCK, 2, &found);
        delete_found(whole, &found);
        expect_found(whole, NULL, "gave before it are missing");
    }
}

/* The rows of a run, by their beginnings. */
static size_t walk(const struct found *found, size_t starts[LEDGER_BLOCK_ROWS])
{
    struct ledger_block_walk at = ledger_block_walk(&found->ref, found->value, found->len);
    size_t count = 0;
    while (ledger_block_next(&at) == 1)
        starts[count++] = (size_t)(at.row - found->value) - LEDGER_BLOCK_HEAD;
    starts[count] = found->len;
    return count;
}

static void a_run_was_cut_short(void **state)
{
    struct whole *whole = *state;
    struct found found;
    for (size_t i = 0; i < 3; i++) {
        size_t starts[LEDGER_BLOCK_ROWS + 1], count;
        begin(whole);
        find(whole, months[i], LEDGER_KEY_BLOCK, 2, &found);
        count = walk(&found, starts);
        assert_true(count >= 2);
        found.len = starts[count - 1];
        put_found(whole, &found);
        expect_found(whole, NULL, "gave before it are missing");
        begin(whole);
        found.len -= 3; /* within a row */
        put_found(whole, &found);
        assert_int_equal(verify(whole), -EBADMSG);
    }
}

static void rows_of_a_run_changed_places(void **state)
{
    struct whole *whole = *state;
    struct found found, changed;
    for (size_t i = 0; i < 3; i++) {
        size_t starts[LEDGER_BLOCK_ROWS + 1], first, second;
        begin(whole);
        find(whole, months[i], LEDGER_KEY_BLOCK, 2, &found);
        assert_true(walk(&found, starts) >= 2);
        changed = found;
        first = starts[1] - starts[0];
        second = starts[2] - starts[1];
        memcpy(changed.value, found.value + starts[1], second);
        memcpy(changed.value + second, found.value, first);
        put_found(whole, &changed);
        expect_found(whole, NULL, "does not come after the row before it");
    }
}

static void the_end_was_cut_off(void **state)
{
    struct whole *whole = *state;
    struct found found;
    for (size_t i = 0; i < 3; i++) {
        begin(whole);
        for (unsigned cut = 0; cut < 4; cut++) {
            find(whole, months[i], 0, -1, &found);
            delete_found(whole, &found);
        }
        expect_found(whole, NULL, i == 2 ? "gave places behind it" : "are missing");
        assert_non_null(strchr(whole->result.first, '/'));
    }
}

/* With a place of its own, and everything in order by itself. */
static void a_row_was_forged(void **state)
{
    struct whole *whole = *state;
    for (size_t i = 0; i < 3; i++) {
        struct found found;
        struct made made;
        begin(whole);
        find(whole, months[i], LEDGER_KEY_ROW, 5, &found);
        found.ref.created_at_ms++;
        make_row(&made, 7777, found.ref.created_at_ms);
        made.row.sequence = found.ref.sequence;
        assert_int_equal(row_encode(&made.row, found.value, sizeof(found.value), &found.len), 0);
        ledger_db_key(&found.ref, LEDGER_KEY_ROW, found.key);
        put_found(whole, &found);
        expect_found(whole, &found.ref, "it is out of its place, or forged");
    }
}

static void a_row_was_replaced(void **state)
{
    struct whole *whole = *state;
    for (size_t i = 0; i < 3; i++) {
        struct found found;
        struct made made;
        begin(whole);
        find(whole, months[i], LEDGER_KEY_ROW, 5, &found);
        make_row(&made, 7776, found.ref.created_at_ms);
        made.row.sequence = found.ref.sequence;
        assert_true(made.row.cache == CACHE_MISS);
        assert_int_equal(row_encode(&made.row, found.value, sizeof(found.value), &found.len), 0);
        put_found(whole, &found);
        expect_found(whole, &found.ref, "the index of ids does not name this row");
    }
}

/* The first row of the month that is billed, made cheaper by a tenth and judged anew. */
static void make_cheaper(struct whole *whole, int64_t month_ms, struct found *ret_found)
{
    struct observation seen = {.source = OBSERVE_USAGE, .at_ms = month_ms, .byok = -1};
    static struct found was;
    char observed[ROW_OBSERVED_BYTES_MAX];
    struct ledger_row row;
    int skip = 0;
    do {
        find(whole, month_ms, LEDGER_KEY_ROW, skip++, &was);
        assert_int_equal(row_decode(was.value, was.len, &row), 0);
    } while (!row.billed.known || row.billed.money.femto == 0);
    seen.billed = seen.market = row.billed;
    seen.billed.money.femto -= seen.billed.money.femto / 10;
    row.billed = row.market = (struct maybe_money){0};
    row.observed = (struct text){NULL, 0};
    assert_int_equal(observe_add(&row, &seen, observed), 1);
    judge(&row, false);
    *ret_found = was;
    row.sequence = was.ref.sequence;
    assert_int_equal(row_encode(&row, ret_found->value, sizeof(ret_found->value), &ret_found->len),
                     0);
}

/* Nothing in the row contradicts it, but what is kept beside it does. */
static void a_row_was_made_cheaper(void **state)
{
    struct whole *whole = *state;
    for (size_t i = 0; i < 3; i++) {
        struct found found;
        begin(whole);
        make_cheaper(whole, months[i], &found);
        put_found(whole, &found);
        expect_found(whole, i < 2 ? &found.ref : NULL, "are not those of its rows");
        assert_non_null(strstr(whole->result.first, i < 2 ? "was sealed here" : "2026-12-01T01Z"));
    }
}

static void all_rows_are_gone(void **state)
{
    struct whole *whole = *state;
    for (size_t i = 0; i < 3; i++) {
        rocksdb_iterator_t *iterator;
        begin(whole);
        iterator =
            rocksdb_create_iterator_cf(whole->db->db, whole->db->read, month_of(whole, months[i]));
        for (rocksdb_iter_seek_to_first(iterator); rocksdb_iter_valid(iterator);
             rocksdb_iter_next(iterator)) {
            size_t len;
            const char *key = rocksdb_iter_key(iterator, &len);
            delete (whole, month_of(whole, months[i]), key, len);
        }
        rocksdb_iter_destroy(iterator);
        assert_int_equal(verify(whole), -EBADMSG);
    }
}

static void the_lists_were_changed(void **state)
{
    static const char *const laws[] = {"no row is there", "has a verdict that", "names a row"};
    struct whole *whole = *state;
    struct ledger_ref ref = {DECEMBER + 77, 5};
    char key[LEDGER_KEY];
    struct found found;
    begin(whole);
    ledger_db_key(&ref, LEDGER_KEY_ROW, key);
    put(whole, whole->db->pending, key, sizeof(key), "", 0);
    expect_found(whole, &ref, laws[0]);
    begin(whole);
    find(whole, DECEMBER, LEDGER_KEY_ROW, 5, &found);
    ledger_db_key(&found.ref, LEDGER_KEY_HOLD, key);
    put(whole, whole->db->holds, key, sizeof(key), found.value, found.len);
    expect_found(whole, &found.ref, laws[1]); /* a start makes a row of it */
    begin(whole);
    memcpy(found.value, "somehash", 8);
    memcpy(found.value + 8, found.key, 16);
    put(whole, whole->db->ids, found.value, 24, "", 0);
    expect_found(whole, &found.ref, laws[2]);
}

static void the_index_lost_an_entry(void **state)
{
    struct whole *whole = *state;
    rocksdb_iterator_t *iterator;
    char key[32];
    size_t len;
    begin(whole);
    iterator = rocksdb_create_iterator_cf(whole->db->db, whole->db->read, whole->db->ids);
    rocksdb_iter_seek_to_first(iterator);
    memcpy(key, rocksdb_iter_key(iterator, &len), 24);
    rocksdb_iter_destroy(iterator);
    delete (whole, whole->db->ids, key, len);
    expect_found(whole, NULL, "the index of ids does not name this row");
    begin(whole);
    put(whole, whole->db->ids, key, 23, "", 0); /* no entry at all */
    assert_int_equal(verify(whole), -EBADMSG);
}

static void an_end_was_set_back(void **state)
{
    struct whole *whole = *state;
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    struct found found;
    begin(whole);
    find(whole, DECEMBER, LEDGER_KEY_ROW, 4, &found);
    ledger_ends_put(whole->db, batch, &found.ref);
    assert_int_equal(ledger_db_write(whole->db, batch), 0);
    rocksdb_writebatch_destroy(batch);
    expect_found(whole, NULL, "comes behind the last place that lane");
}

static void heads_were_changed(void **state)
{
    struct whole *whole = *state;
    char *problem = NULL, *head;
    size_t len;
    begin(whole);
    head = rocksdb_get_cf(whole->db->db, whole->db->read, whole->db->seals, "2026-10", 7, &len,
                          &problem);
    assert_null(problem);
    delete (whole, whole->db->seals, "2026-10", 7);
    expect_found(whole, NULL, "2026-10: it has no head, though a later month is closed");
    begin(whole);
    put(whole, whole->db->seals, "2026-11", 7, head, len); /* another's */
    expect_found(whole, NULL, "2026-11: its head cannot be read");
    begin(whole);
    head[len - 9] = head[len - 9] == '0' ? '1' : '0';
    put(whole, whole->db->seals, "2026-10", 7, head, len);
    expect_found(whole, NULL, "2026-10: the signature of its head does not hold");
    rocksdb_free(head);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_did_anything),     cmocka_unit_test(a_byte_was_flipped),
        cmocka_unit_test(a_row_was_dropped),       cmocka_unit_test(a_run_of_hits_was_dropped),
        cmocka_unit_test(a_run_was_cut_short),     cmocka_unit_test(rows_of_a_run_changed_places),
        cmocka_unit_test(the_end_was_cut_off),     cmocka_unit_test(a_row_was_forged),
        cmocka_unit_test(a_row_was_replaced),      cmocka_unit_test(a_row_was_made_cheaper),
        cmocka_unit_test(all_rows_are_gone),       cmocka_unit_test(the_lists_were_changed),
        cmocka_unit_test(the_index_lost_an_entry), cmocka_unit_test(an_end_was_set_back),
        cmocka_unit_test(heads_were_changed),
    };
    return cmocka_run_group_tests(tests, make_whole, free_whole);
}
