/* A ledger as the gateway leaves it on the disk, three months of which two are closed; somebody
 * writes into a copy of its database, and verify says so. */
#include "accounting/ledger_block.h"
#include "accounting/ledger_close.h"
#include "accounting/ledger_db.h"
#include "accounting/ledger_ends.h"
#include "accounting/ledger_rollup.h"
#include "accounting/verify.h"

#include "tests/accounting/ledger_fixture.h"
#include "tests/accounting/verify_rows.h"

#include <fcntl.h>

enum { LANES = 2, COPY_BYTES = 65536 };

struct whole {
    struct fixture *fixture;
    char copy[160], error[256];
    struct ledger_db *db; /* of the copy, while it is changed */
    struct verify_result result;
    char *said;
    size_t said_len;
};

/* --- making it --- */

static void wait_drained(struct ledger *ledger)
{
    for (unsigned i = 0; i < LANES; i++)
        ledger_kick(ledger_lane(ledger, i));
    assert_true(fixture_wait(fixture_drained, ledger));
}

/* Calls with a hold, and hits in runs, which share a value of the database. */
static void record(struct ledger *ledger, int64_t from_ms, size_t first, size_t count)
{
    for (size_t number = first; number < first + count; number++) {
        int64_t ms = from_ms + (int64_t)(number - first) / 6 * HOUR / 2 + (int64_t)number % 6 * 40;
        struct ledger_lane *lane = ledger_lane(ledger, number % LANES);
        struct ledger_hold hold;
        struct made made;
        make_row(&made, number, ms);
        if (made.row.cache == CACHE_HIT) {
            for (unsigned i = 0; i < 3; i++) {
                snprintf(made.id, sizeof(made.id), "gen-%" PRId64 "-%06zu-%u", ms / 1000, number,
                         i);
                made.row.id = text_of(made.id);
                assert_int_equal(ledger_append(lane, &made.row, ms, NULL), 0);
            }
            continue;
        }
        assert_int_equal(ledger_hold(lane, &made.row, ms, &hold), 0);
        ledger_post(lane, &hold, &made.row);
        if (number % 5 == 0)
            wait_drained(ledger);
    }
    wait_drained(ledger);
}

static void close_month(struct ledger *ledger, const struct seal_signer *signer, int64_t from_ms)
{
    struct ledger_close_order order = {
        .month_from_ms = from_ms, .now_ms = NOW, .signer = signer, .with_pending = true};
    char error[256];
    struct seal seal;
    int result = ledger_close_month(ledger, &order, &seal, error, sizeof(error));
    if (result != 0)
        fail_msg("ledger_close_month: %d: %s", result, error);
    assert_int_equal(seal.rows, seal.issued);
}

/* Posted in November, and still followed when it was closed: the truth comes in December. */
static void record_late(struct ledger *ledger, struct ledger_ref *ret_ref)
{
    struct ledger_lane *lane = ledger_lane(ledger, 1);
    struct ledger_hold hold;
    struct made made;
    make_row(&made, 9000, DECEMBER - HOUR);
    assert_int_equal(ledger_hold(lane, &made.row, DECEMBER - HOUR, &hold), 0);
    *ret_ref = hold.ref;
    ledger_post_listed(lane, &hold, &made.row);
    wait_drained(ledger);
}

static void settle_late(struct ledger *ledger, const struct ledger_ref *ref)
{
    struct made was, is;
    make_row(&was, 9000, DECEMBER - HOUR);
    was.row.created_at_ms = ref->created_at_ms;
    make_row(&is, 9000, DECEMBER - HOUR);
    is.row.billed.money.femto += 7;
    judge(&is.row, false);
    assert_int_equal(
        ledger_settle(ledger_lane(ledger, 0), ref, &was.row, &is.row, false, DECEMBER + 50 * HOUR),
        0);
    wait_drained(ledger);
}

static struct seal_signer *make_signer(const struct fixture *fixture)
{
    struct seal_signer *signer;
    uint8_t key[SEAL_KEY];
    char error[256];
    assert_int_equal(seal_signer_make(fixture->root, key, error, sizeof(error)), 0);
    assert_int_equal(seal_signer_open(fixture->root, &signer, error, sizeof(error)), 0);
    return signer;
}

static void make_ledger(const struct fixture *fixture)
{
    struct ledger_options options = fixture_options(fixture, LANES);
    struct seal_signer *signer = make_signer(fixture);
    struct ledger *ledger;
    struct ledger_ref late;
    unsigned made;
    options.now_ms = OCTOBER;
    ledger = fixture_open(&options);
    record(ledger, OCTOBER + HOUR, 0, 60);
    record(ledger, NOVEMBER + HOUR, 100, 60);
    ledger_close(ledger); /* another boot */
    ledger = fixture_open(&options);
    record(ledger, NOVEMBER + 100 * HOUR, 200, 30);
    record_late(ledger, &late);
    close_month(ledger, signer, OCTOBER);
    close_month(ledger, signer, NOVEMBER);
    record(ledger, DECEMBER + HOUR, 300, 60);
    settle_late(ledger, &late);
    assert_int_equal(ledger_rollup_run(ledger, NOW, 10000, &made), 0);
    assert_true(made > 10);
    record(ledger, NOW - HOUR, 400, 30); /* which no sums know yet */
    ledger_close(ledger);
    seal_signer_free(signer);
}

/* --- a copy of it --- */

static void copy_file(const char *from, const char *to)
{
    static char bytes[COPY_BYTES];
    int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ssize_t got;
    assert_true(in >= 0 && out >= 0);
    while ((got = read(in, bytes, sizeof(bytes))) > 0)
        assert_int_equal(write(out, bytes, (size_t)got), got);
    close(in);
    close(out);
}

static void copy_directory(const char *from, const char *to)
{
    struct dirent *entry;
    DIR *dir = opendir(from);
    assert_non_null(dir);
    assert_int_equal(mkdir(to, 0700), 0);
    while ((entry = readdir(dir)) != NULL) {
        char *source, *target;
        struct stat found;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        assert_true(asprintf(&source, "%s/%s", from, entry->d_name) > 0);
        assert_true(asprintf(&target, "%s/%s", to, entry->d_name) > 0);
        assert_int_equal(stat(source, &found), 0);
        if (S_ISDIR(found.st_mode))
            copy_directory(source, target);
        else
            copy_file(source, target);
        free(source);
        free(target);
    }
    closedir(dir);
}

static int make_whole(void **state)
{
    struct whole *whole = calloc(1, sizeof(*whole));
    if (fixture_setup((void **)&whole->fixture) != 0)
        return -1;
    snprintf(whole->copy, sizeof(whole->copy), "%s/copy", whole->fixture->root);
    make_ledger(whole->fixture);
    *state = whole;
    return 0;
}

static int free_whole(void **state)
{
    struct whole *whole = *state;
    fixture_teardown((void **)&whole->fixture);
    free(whole->said);
    free(whole);
    return 0;
}

static void begin(struct whole *whole)
{
    char path[256];
    ledger_db_close(whole->db); /* of a test that failed */
    whole->db = NULL;
    fixture_remove(whole->copy);
    copy_directory(whole->fixture->dir, whole->copy);
    snprintf(path, sizeof(path), "%s/db", whole->copy);
    assert_int_equal(ledger_db_open(path, false, &whole->db, whole->error, sizeof(whole->error)),
                     0);
}

static int verify(struct whole *whole)
{
    struct verify_order order = {.to_ms = INT64_MAX, .now_ms = NOW, .tolerance_ppm = TOLERANCE};
    struct ledger_reader *reader;
    FILE *out;
    int result;
    ledger_db_close(whole->db);
    whole->db = NULL;
    result = ledger_reader_open(whole->copy, NOW, &reader, whole->error, sizeof(whole->error));
    if (result != 0)
        fail_msg("%s", whole->error);
    free(whole->said);
    out = open_memstream(&whole->said, &whole->said_len);
    result = verify_ledger(reader, &order, out, &whole->result);
    fclose(out);
    ledger_reader_close(reader);
    return result;
}

static void expect_found(struct whole *whole, const struct ledger_ref *ref, const char *law)
{
    char place[64] = "";
    assert_int_equal(verify(whole), -EBADMSG);
    if (ref != NULL)
        snprintf(place, sizeof(place), ": %" PRId64 "/%" PRIu64, ref->created_at_ms, ref->sequence);
    if (strstr(whole->said, law) == NULL || strstr(whole->result.first, place) == NULL)
        fail_msg("\"%s\"%s is not what was found first, but \"%s\"; all:\n%s", law, place,
                 whole->result.first, whole->said);
}

/* --- the database --- */

struct found {
    char key[LEDGER_KEY];
    struct ledger_ref ref;
    size_t len;
    uint8_t value[LEDGER_BLOCK_BYTES];
};

static rocksdb_column_family_handle_t *month_of(struct whole *whole, int64_t ms)
{
    rocksdb_column_family_handle_t *handle;
    assert_int_equal(ledger_db_month(whole->db, ms, &handle), 0);
    return handle;
}

/* The entry of this kind (0: of any) that comes so many places behind ms, or (below 0) before the
 * end of its month. */
static void find(struct whole *whole, int64_t ms, char kind, int skip, struct found *ret_found)
{
    rocksdb_iterator_t *iterator =
        rocksdb_create_iterator_cf(whole->db->db, whole->db->read, month_of(whole, ms));
    const char *key, *value;
    size_t len;
    if (skip < 0)
        rocksdb_iter_seek_to_last(iterator);
    else
        rocksdb_iter_seek_to_first(iterator);
    for (;; skip < 0 ? rocksdb_iter_prev(iterator) : rocksdb_iter_next(iterator)) {
        assert_true(rocksdb_iter_valid(iterator));
        key = rocksdb_iter_key(iterator, &len);
        if (kind != 0 && key[16] != kind)
            continue;
        if (skip < 0 ? ++skip == 0 : skip-- == 0)
            break;
    }
    memcpy(ret_found->key, key, LEDGER_KEY);
    ret_found->ref = ledger_db_ref(key);
    value = rocksdb_iter_value(iterator, &ret_found->len);
    assert_true(ret_found->len <= sizeof(ret_found->value));
    memcpy(ret_found->value, value, ret_found->len);
    rocksdb_iter_destroy(iterator);
}

static void put(struct whole *whole, rocksdb_column_family_handle_t *family, const void *key,
                size_t key_len, const void *value, size_t len)
{
    char *problem = NULL;
    rocksdb_put_cf(whole->db->db, whole->db->write, family, key, key_len, value, len, &problem);
    assert_null(problem);
}

static void put_found(struct whole *whole, const struct found *found)
{
    put(whole, month_of(whole, found->ref.created_at_ms), found->key, LEDGER_KEY, found->value,
        found->len);
}

static void delete (struct whole *whole, rocksdb_column_family_handle_t *family, const void *key,
                    size_t key_len)
{
    char *problem = NULL;
    rocksdb_delete_cf(whole->db->db, whole->db->write, family, key, key_len, &problem);
    assert_null(problem);
}

static void delete_found(struct whole *whole, const struct found *found)
{
    delete (whole, month_of(whole, found->ref.created_at_ms), found->key, LEDGER_KEY);
}

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
