/* ledger_close_fixture.h - months that are closed, for the tests of closing, dropping and copying.
 */
#ifndef TESTS_ACCOUNTING_LEDGER_CLOSE_FIXTURE_H
#define TESTS_ACCOUNTING_LEDGER_CLOSE_FIXTURE_H

#include "accounting/ledger_close.h"
#include "accounting/ledger_db.h"
#include "accounting/ledger_recover.h"

#include "tests/accounting/ledger_fixture.h"

static const int64_t october_ms = INT64_C(1790812800000); /* of 2026 */
static const int64_t november_ms = INT64_C(1793491200000);
static const int64_t december_ms = INT64_C(1796083200000);

static char close_error[512];

static inline struct ledger *close_open(const struct fixture *fixture, unsigned lanes)
{
    struct ledger_options options = fixture_options(fixture, lanes);
    options.now_ms = october_ms;
    options.lock_wait_ms = FIXTURE_DEADLINE_MS;
    return fixture_open(&options);
}

/* With a key that is made where there is none. expected_root may be NULL. */
static inline int try_close_as(const struct fixture *fixture, struct ledger *ledger,
                               int64_t month_ms, int64_t now_ms, bool with_pending,
                               const uint8_t *expected_root)
{
    static const uint8_t export_hash[TREE_HASH] = {7};
    struct seal_signer *signer;
    struct seal seal;
    uint8_t key[SEAL_KEY];
    int result = seal_signer_make(fixture->root, key, close_error, sizeof(close_error));
    struct ledger_close_order order = {
        .month_from_ms = month_ms,
        .now_ms = now_ms,
        .export_hash = export_hash,
        .expected_root = expected_root,
        .with_pending = with_pending,
    };
    if (result < 0 && result != -EEXIST)
        fail_msg("%s", close_error);
    result = seal_signer_open(fixture->root, &signer, close_error, sizeof(close_error));
    if (result < 0)
        fail_msg("%s", close_error);
    order.signer = signer;
    result = ledger_close_month(ledger, &order, &seal, close_error, sizeof(close_error));
    assert_int_equal(result == 0, close_error[0] == 0);
    seal_signer_free(signer);
    return result;
}

static inline int try_close(const struct fixture *fixture, struct ledger *ledger, int64_t month_ms,
                            int64_t now_ms, bool with_pending)
{
    return try_close_as(fixture, ledger, month_ms, now_ms, with_pending, NULL);
}

static inline struct ledger_ref close_append(struct ledger_lane *lane, const char *id,
                                             int64_t now_ms)
{
    struct ledger_row row = fixture_row(id);
    struct ledger_ref ref;
    row.verdict = VERDICT_MATCHED;
    while (ledger_append(lane, &row, now_ms, &ref) == -ENOSPC)
        poll(NULL, 0, 1);
    return ref;
}

static inline struct ledger_row close_pending_row(const char *id)
{
    struct ledger_row row = fixture_row(id);
    row.upstream_id = row.id;
    row.verdict = VERDICT_PENDING;
    row.billed.known = false;
    return row;
}

static inline struct ledger_ref close_post_pending(struct ledger_lane *lane, const char *id,
                                                   int64_t now_ms)
{
    struct ledger_row row = close_pending_row(id);
    struct ledger_hold hold;
    while (ledger_hold(lane, &row, now_ms, &hold) == -ENOSPC)
        poll(NULL, 0, 1);
    ledger_post(lane, &hold, &row);
    return hold.ref;
}

static inline void close_settle(struct ledger_lane *lane, const struct ledger_ref *ref,
                                const char *id, int64_t billed, bool listed)
{
    struct ledger_row was = close_pending_row(id), row = was;
    int result;
    row.billed = fixture_money(billed);
    row.verdict = VERDICT_UNPRICED;
    do
        result = ledger_settle(lane, ref, &was, &row, listed, november_ms + 1);
    while (result == -ENOSPC && poll(NULL, 0, 1) == 0);
    assert_int_equal(result, 0);
}

/* Overwrites the stored row of a place. */
static inline void close_forge(const struct fixture *fixture, const struct ledger_ref *ref,
                               const void *bytes, size_t len)
{
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    rocksdb_column_family_handle_t *month;
    struct ledger_db *db;
    char path[JOURNAL_PATH_MAX], key[LEDGER_KEY], error[256];
    ledger_db_path(fixture->dir, path);
    assert_int_equal(ledger_db_open(path, false, &db, error, sizeof(error)), 0);
    assert_int_equal(ledger_db_month(db, ref->created_at_ms, &month), 0);
    ledger_db_key(ref, LEDGER_KEY_ROW, key);
    rocksdb_writebatch_put_cf(batch, month, key, sizeof(key), bytes, len);
    assert_int_equal(ledger_db_write(db, batch), 0);
    rocksdb_writebatch_destroy(batch);
    ledger_db_close(db);
}

static inline void close_count(void *arg, const struct ledger_pending *pending)
{
    unsigned *count = arg;
    assert_non_null(pending->row);
    ++*count;
}

static inline unsigned close_listed(struct ledger *ledger)
{
    unsigned count = 0;
    assert_int_equal(ledger_pending(ledger, close_count, &count), 0);
    return count;
}

static inline int ledger_wait(struct ledger *ledger)
{
    return fixture_wait(fixture_drained, ledger) ? 0 : -ETIMEDOUT;
}

static inline struct ledger_reader *close_reader(const char *dir)
{
    struct ledger_reader *reader = NULL;
    int result = ledger_reader_open(dir, december_ms, &reader, close_error, sizeof(close_error));
    if (result != 0)
        fail_msg("ledger_reader_open: %d: %s", result, close_error);
    close_error[0] = 0;
    return reader;
}

static inline void close_read_seal(const struct fixture *fixture, int64_t month_ms,
                                   struct seal *ret_seal)
{
    struct ledger_reader *reader = close_reader(fixture->dir);
    assert_int_equal(ledger_reader_seal(reader, month_ms, ret_seal), 0);
    ledger_reader_close(reader);
}

static inline int close_add_leaf(void *arg, const struct ledger_ref *ref, const uint8_t *bytes,
                                 size_t len)
{
    tree_add(arg, ref, bytes, len);
    return 0;
}

/* Of the rows as they are stored now. */
static inline void close_root(const struct fixture *fixture, int64_t from_ms, int64_t to_ms,
                              uint8_t ret_root[TREE_HASH])
{
    struct ledger_reader *reader = close_reader(fixture->dir);
    struct tree tree;
    assert_int_equal(tree_init(&tree), 0);
    assert_int_equal(ledger_reader_raw(reader, from_ms, to_ms, close_add_leaf, &tree), 0);
    tree_root(&tree, ret_root);
    tree_release(&tree);
    ledger_reader_close(reader);
}

static inline void close_check_seal(const struct fixture *fixture, int64_t from_ms, int64_t to_ms)
{
    uint8_t root[TREE_HASH];
    struct seal seal;
    close_read_seal(fixture, from_ms, &seal);
    close_root(fixture, from_ms, to_ms, root);
    assert_memory_equal(seal.root, root, TREE_HASH);
    assert_int_equal(seal.issued, seal.rows);
    assert_true(seal_verify(&seal));
}

/* Rows gen_N, N below count, of which each was billed 1000 + N by its row or by one correction, and
 * all but so many are settled. Returns how many were corrected. */
static inline unsigned close_check_totals(const struct fixture *fixture, unsigned count,
                                          unsigned settled)
{
    struct fixture_rows *rows = fixture_read(fixture->dir);
    int64_t *billed = calloc(count, sizeof(*billed));
    unsigned corrections = 0, known = 0;
    for (size_t i = 0; i < rows->count; i++) {
        const struct fixture_row *row = &rows->rows[i];
        unsigned id;
        if (sscanf(row->id, "gen_%u", &id) != 1)
            continue;
        assert_true(id < count);
        corrections += row->row.corrects.len > 0;
        if (!row->row.billed.known)
            continue;
        billed[id] += (int64_t)row->row.billed.money.femto;
        known++;
    }
    for (unsigned id = 0; id < count; id++)
        assert_true(billed[id] == 0 || billed[id] == 1000 + id);
    assert_int_equal(known, settled);
    free(billed);
    free(rows);
    return corrections;
}

#endif
