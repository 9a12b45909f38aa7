/* verify_disk.h - a ledger as the gateway leaves it on the disk: three months of which two are
 * closed, with calls, runs of hits, a late truth, sums; copies of it whose database is changed. */
#ifndef TESTS_ACCOUNTING_VERIFY_DISK_H
#define TESTS_ACCOUNTING_VERIFY_DISK_H

#include "accounting/ledger_block.h"
#include "accounting/ledger_close.h"
#include "accounting/ledger_db.h"
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

static inline void wait_drained(struct ledger *ledger)
{
    for (unsigned i = 0; i < LANES; i++)
        ledger_kick(ledger_lane(ledger, i));
    assert_true(fixture_wait(fixture_drained, ledger));
}

/* Calls with a hold, and hits in runs, which share a value of the database. */
static inline void record(struct ledger *ledger, int64_t from_ms, size_t first, size_t count)
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

static inline void close_month(struct ledger *ledger, const struct seal_signer *signer,
                               int64_t from_ms)
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
static inline void record_late(struct ledger *ledger, struct ledger_ref *ret_ref)
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

static inline void settle_late(struct ledger *ledger, const struct ledger_ref *ref)
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

static inline struct seal_signer *make_signer(const struct fixture *fixture)
{
    struct seal_signer *signer;
    uint8_t key[SEAL_KEY];
    char error[256];
    assert_int_equal(seal_signer_make(fixture->root, key, error, sizeof(error)), 0);
    assert_int_equal(seal_signer_open(fixture->root, &signer, error, sizeof(error)), 0);
    return signer;
}

static inline void make_ledger(const struct fixture *fixture)
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

static inline void copy_file(const char *from, const char *to)
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

static inline void copy_directory(const char *from, const char *to)
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

static inline int make_whole(void **state)
{
    struct whole *whole = calloc(1, sizeof(*whole));
    if (fixture_setup((void **)&whole->fixture) != 0)
        return -1;
    snprintf(whole->copy, sizeof(whole->copy), "%s/copy", whole->fixture->root);
    make_ledger(whole->fixture);
    *state = whole;
    return 0;
}

static inline int free_whole(void **state)
{
    struct whole *whole = *state;
    fixture_teardown((void **)&whole->fixture);
    free(whole->said);
    free(whole);
    return 0;
}

static inline void begin(struct whole *whole)
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

static inline int verify(struct whole *whole)
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

static inline void expect_found(struct whole *whole, const struct ledger_ref *ref, const char *law)
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

static inline rocksdb_column_family_handle_t *month_of(struct whole *whole, int64_t ms)
{
    rocksdb_column_family_handle_t *handle;
    assert_int_equal(ledger_db_month(whole->db, ms, &handle), 0);
    return handle;
}

/* The entry of this kind (0: of any) that comes so many places behind ms, or (below 0) before the
 * end of its month. */
static inline void find(struct whole *whole, int64_t ms, char kind, int skip,
                        struct found *ret_found)
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

static inline void put(struct whole *whole, rocksdb_column_family_handle_t *family, const void *key,
                       size_t key_len, const void *value, size_t len)
{
    char *problem = NULL;
    rocksdb_put_cf(whole->db->db, whole->db->write, family, key, key_len, value, len, &problem);
    assert_null(problem);
}

static inline void put_found(struct whole *whole, const struct found *found)
{
    put(whole, month_of(whole, found->ref.created_at_ms), found->key, LEDGER_KEY, found->value,
        found->len);
}

static inline void delete (struct whole *whole, rocksdb_column_family_handle_t *family,
                           const void *key, size_t key_len)
{
    char *problem = NULL;
    rocksdb_delete_cf(whole->db->db, whole->db->write, family, key, key_len, &problem);
    assert_null(problem);
}

static inline void delete_found(struct whole *whole, const struct found *found)
{
    delete (whole, month_of(whole, found->ref.created_at_ms), found->key, LEDGER_KEY);
}

#endif
