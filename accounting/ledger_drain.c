#include "accounting/ledger_drain.h"

#include "accounting/ledger_ends.h"
#include "accounting/ledger_ids.h"
#include "accounting/ledger_place.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

void drain_init(struct drain *drain, struct ledger_db *db, struct drain_source *sources,
                unsigned count)
{
    memset(drain, 0, sizeof(*drain));
    drain->db = db;
    drain->sources = sources;
    drain->count = count;
    drain->batch = rocksdb_writebatch_create();
}

void drain_release(struct drain *drain)
{
    if (drain->batch != NULL)
        rocksdb_writebatch_destroy(drain->batch);
    drain->batch = NULL;
}

/* --- effects --- */

/* A row of an hour that rollups have come to makes its rollup stale: the counter goes up with the
 * very batch that has the row. Once for a batch is enough; should the list of hours be too short,
 * the same number is written again. */
static int tell_rollup(struct drain *drain, int64_t created_at_ms)
{
    int64_t hour_ms = created_at_ms - created_at_ms % LEDGER_HOUR_MS;
    uint64_t count;
    int result;
    if (created_at_ms >= drain->db->rolled_before_ms)
        return 0;
    for (unsigned i = 0; i < drain->changed_count; i++)
        if (drain->changed_ms[i] == hour_ms)
            return 0;
    result = ledger_db_get_hour(drain->db, NULL, LEDGER_HOUR_CHANGED, hour_ms, &count);
    if (result < 0)
        return result;
    ledger_db_put_hour(drain->db, drain->batch, LEDGER_HOUR_CHANGED, hour_ms, count + 1);
    if (drain->changed_count < DRAIN_HOURS)
        drain->changed_ms[drain->changed_count++] = hour_ms;
    return 0;
}

int drain_put_row(struct drain *drain, const struct ledger_ref *ref, const uint8_t *row, size_t len,
                  bool pending)
{
    rocksdb_column_family_handle_t *month;
    char key[LEDGER_KEY];
    int result = ledger_db_month(drain->db, ref->created_at_ms, &month);
    if (result == 0)
        result = tell_rollup(drain, ref->created_at_ms);
    if (result < 0)
        return result;
    ledger_db_key(ref, LEDGER_KEY_ROW, key);
    rocksdb_writebatch_put_cf(drain->batch, month, key, sizeof(key), (const char *)row, len);
    if (pending)
        rocksdb_writebatch_put_cf(drain->batch, drain->db->pending, key, sizeof(key), "", 0);
    drain->batch_bytes += len + 2 * sizeof(key);
    return 0;
}

void drain_drop_hold(struct drain *drain, const struct ledger_ref *ref)
{
    char key[LEDGER_KEY];
    ledger_db_key(ref, LEDGER_KEY_HOLD, key);
    rocksdb_writebatch_delete_cf(drain->batch, drain->db->holds, key, sizeof(key));
    ledger_db_key(ref, LEDGER_KEY_SEEN, key);
    rocksdb_writebatch_delete_cf(drain->batch, drain->db->holds, key, sizeof(key));
}

void drain_index(struct drain *drain, const struct ledger_ref *ref, const struct ledger_row *row)
{
    drain->batch_bytes += ledger_ids_put(drain->db, drain->batch, ref, row);
}

/* A row that cannot be read is stored all the same, for `verify` to find. */
static void index_record(struct drain *drain, const struct journal_record *record)
{
    struct ledger_row row;
    if (row_decode(record->payload, record->len, &row) == 0)
        drain_index(drain, &record->ref, &row);
}

static void put_held(struct drain *drain, const struct journal_record *record,
                     enum ledger_key_kind kind)
{
    char key[LEDGER_KEY];
    ledger_db_key(&record->ref, kind, key);
    rocksdb_writebatch_put_cf(drain->batch, drain->db->holds, key, sizeof(key),
                              (const char *)record->payload, record->len);
    drain->batch_bytes += record->len + sizeof(key);
}

/* The block goes into the batch: as a row, where it has only one. */
static int put_block(struct drain *drain)
{
    struct ledger_block *block = &drain->block;
    rocksdb_column_family_handle_t *month;
    char key[LEDGER_KEY];
    int result;
    if (block->rows == 0)
        return 0;
    result = ledger_db_month(drain->db, block->first.created_at_ms, &month);
    if (result < 0)
        return result;
    ledger_db_key(&block->first, block->rows > 1 ? LEDGER_KEY_BLOCK : LEDGER_KEY_ROW, key);
    if (block->rows > 1)
        rocksdb_writebatch_put_cf(drain->batch, month, key, sizeof(key), (const char *)block->bytes,
                                  block->len);
    else
        rocksdb_writebatch_put_cf(drain->batch, month, key, sizeof(key),
                                  (const char *)block->bytes + LEDGER_BLOCK_HEAD,
                                  block->len - LEDGER_BLOCK_HEAD);
    block->rows = 0;
    return 0;
}

static int add_to_block(struct drain *drain, const struct journal_record *record)
{
    int told = tell_rollup(drain, record->ref.created_at_ms);
    bool added;
    if (told < 0)
        return told;
    added = ledger_block_add(&drain->block, &record->ref, record->payload, record->len);
    drain->batch_bytes += record->len;
    if (!added) {
        int result = put_block(drain);
        if (result < 0)
            return result;
        added = ledger_block_add(&drain->block, &record->ref, record->payload, record->len);
    }
    assert(added); /* an empty block takes any row */
    return 0;
}

/* --- rows that change --- */

/* True when another lane's journal still holds the post of this row. */
static bool posted_elsewhere(const struct drain *drain, const struct drain_source *source,
                             const struct ledger_ref *ref)
{
    struct journal_record record;
    for (unsigned i = 0; i < drain->count; i++) {
        const struct drain_source *other = &drain->sources[i];
        uint64_t position = other->position, tail = journal_tail(other->journal);
        if (other == source)
            continue;
        while (journal_read(other->journal, position, tail, &record) == 1) {
            if (record.kind == JOURNAL_POST && record.ref.sequence == ref->sequence &&
                record.ref.created_at_ms == ref->created_at_ms)
                return true;
            position = record.end;
        }
    }
    return false;
}

/* Whether a row may still change. What comes before is written first, for the list to be true. 1,
 * 0, or an error. */
static int is_pending(struct drain *drain, const char key[LEDGER_KEY])
{
    char *value;
    size_t len;
    int found = drain_commit(drain);
    if (found == 0)
        found = ledger_db_get(drain->db, drain->db->pending, key, LEDGER_KEY, &value, &len);
    if (found == 1)
        rocksdb_free(value);
    return found;
}

/* The row may have been posted by way of another lane: then that lane goes first. It cannot wait in
 * turn for this one, because its post was made before this change was. */
static int apply_change(struct drain *drain, const struct drain_source *source,
                        const struct journal_record *record, bool *ret_blocked)
{
    bool listed = (record->flags & JOURNAL_PENDING) != 0;
    char key[LEDGER_KEY];
    int found;
    /* ledger_settle() makes a correction of it then. Should one slip through all the same, the row
     * stays as it was sealed, and listed: the next start finds its truth again. */
    if (record->ref.created_at_ms < drain->db->closed_before_ms)
        return 0;
    ledger_db_key(&record->ref, LEDGER_KEY_ROW, key);
    found = is_pending(drain, key);
    if (found < 0)
        return found;
    if (found == 0) {
        *ret_blocked = posted_elsewhere(drain, source, &record->ref);
        return 0; /* settled already: left alone */
    }
    found = drain_put_row(drain, &record->ref, record->payload, record->len, listed);
    if (found < 0)
        return found;
    index_record(drain, record);
    if (!listed)
        rocksdb_writebatch_delete_cf(drain->batch, drain->db->pending, key, sizeof(key));
    return 0;
}

/* What is left of a correction that came too late: its place, which no other row can have, and who
 * it was about. */
static size_t empty_correction(struct drain *drain, struct ledger_row *row)
{
    size_t len;
    int result;
    row->usage = USAGE_INIT;
    row->billed = row->upstream_cost = row->market = row->estimated = row->booked =
        row->difference = row->saved = (struct maybe_money){0};
    row->rating = row->observed = (struct text){NULL, 0};
    result = row_encode(row, drain->scratch, sizeof(drain->scratch), &len);
    assert(result == 0);
    return len;
}

/* The row that it corrects leaves the list in the same batch. One that had left it before was
 * settled before: then the difference counts for nothing. */
static int apply_correction(struct drain *drain, const struct journal_record *record)
{
    struct journal_record emptied = *record;
    struct ledger_row row;
    struct ledger_ref corrected;
    char key[LEDGER_KEY];
    int found;
    if (row_decode(record->payload, record->len, &row) < 0 ||
        ledger_place_parse(row.corrects, &corrected) < 0)
        return add_to_block(drain, record); /* for `verify` to find */
    row.sequence = record->ref.sequence;
    ledger_db_key(&corrected, LEDGER_KEY_ROW, key);
    found = is_pending(drain, key);
    if (found < 0)
        return found;
    if (found == 1) {
        rocksdb_writebatch_delete_cf(drain->batch, drain->db->pending, key, sizeof(key));
        return add_to_block(drain, record);
    }
    emptied.len = empty_correction(drain, &row);
    emptied.payload = drain->scratch;
    return add_to_block(drain, &emptied);
}

/* --- records --- */

/* What gives a place is the lane's last, and its time the floor of the lane's clock. */
static void note_place(struct drain_source *source, const struct journal_record *record)
{
    bool again = record->kind == JOURNAL_HOLD && (record->flags & JOURNAL_REPLACES) != 0;
    if ((record->kind != JOURNAL_HOLD && record->kind != JOURNAL_ROW) || again)
        return;
    if (record->ref.created_at_ms > source->created_at_ms)
        source->created_at_ms = record->ref.created_at_ms;
    source->last = record->ref;
    source->gave = true;
}

static int apply(struct drain *drain, struct drain_source *source,
                 const struct journal_record *record, bool *ret_blocked)
{
    int result = 0;
    switch (record->kind) {
    case JOURNAL_HOLD:
        if (record->flags & JOURNAL_REPLACES)
            drain_drop_hold(drain, &record->ref); /* the id that its last attempt saw, above all */
        put_held(drain, record, LEDGER_KEY_HOLD);
        break;
    case JOURNAL_SEEN:
        put_held(drain, record, LEDGER_KEY_SEEN);
        break;
    case JOURNAL_POST:
        drain_drop_hold(drain, &record->ref);
        result = drain_put_row(drain, &record->ref, record->payload, record->len,
                               (record->flags & JOURNAL_PENDING) != 0);
        index_record(drain, record);
        drain->batch_rows += result == 0;
        break;
    case JOURNAL_ROW:
        result = record->flags & JOURNAL_CORRECTS ? apply_correction(drain, record)
                                                  : add_to_block(drain, record);
        if (record->flags & JOURNAL_INDEXED)
            index_record(drain, record);
        drain->batch_rows += result == 0;
        break;
    case JOURNAL_CHANGE:
        result = apply_change(drain, source, record, ret_blocked);
        break;
    case JOURNAL_SETTLE:
    case JOURNAL_PAD:
    case JOURNAL_KINDS:
        break;
    }
    if (result == 0)
        note_place(source, record);
    return result;
}

int drain_source(struct drain *drain, struct drain_source *source, uint64_t limit,
                 bool *ret_blocked)
{
    struct journal_record record;
    bool blocked = false;
    int result;

    *ret_blocked = false;
    while ((result = journal_read(source->journal, source->position, limit, &record)) == 1) {
        result = apply(drain, source, &record, &blocked);
        if (result < 0)
            return result;
        if (blocked) {
            *ret_blocked = true;
            return 0;
        }
        if (record.kind != JOURNAL_PAD)
            source->bytes += record.end - source->position;
        source->position = record.end;
        drain->batch_records++;
        if (drain->batch_rows >= DRAIN_BATCH_ROWS || drain->batch_bytes >= DRAIN_BATCH_BYTES) {
            result = drain_commit(drain);
            if (result < 0)
                return result;
        }
    }
    return result;
}

int drain_commit(struct drain *drain)
{
    int result;
    if (drain->batch_records == 0)
        return 0;
    result = put_block(drain);
    if (result < 0)
        return result;
    for (unsigned i = 0; i < drain->count; i++) {
        const struct drain_source *source = &drain->sources[i];
        assert(source->position >= source->committed);
        if (source->gave)
            ledger_ends_put(drain->db, drain->batch, &source->last);
        if (source->position > source->committed)
            ledger_db_put_lane(drain->db, drain->batch, source->lane, source->position,
                               source->created_at_ms);
    }
    result = ledger_db_write(drain->db, drain->batch);
    if (result < 0)
        return result;
    for (unsigned i = 0; i < drain->count; i++) {
        struct drain_source *source = &drain->sources[i];
        if (source->position == source->committed)
            continue;
        source->committed = source->position;
        source->gave = false;
        atomic_store_explicit(&source->applied, source->bytes, memory_order_relaxed);
        journal_set_head(source->journal, source->position);
    }
    atomic_fetch_add_explicit(&drain->rows, drain->batch_rows, memory_order_relaxed);
    rocksdb_writebatch_clear(drain->batch);
    drain->batch_records = 0;
    drain->batch_rows = 0;
    drain->batch_bytes = 0;
    drain->changed_count = 0;
    return 0;
}

int drain_rewind(struct drain *drain, struct ledger_db *db)
{
    drain->db = db;
    drain->block.rows = 0;
    rocksdb_writebatch_clear(drain->batch);
    drain->batch_records = 0;
    drain->batch_rows = 0;
    drain->batch_bytes = 0;
    drain->changed_count = 0;
    for (unsigned i = 0; i < drain->count; i++) {
        struct drain_source *source = &drain->sources[i];
        uint64_t position;
        int64_t created_at_ms;
        int found = ledger_db_get_lane(db, source->lane, &position, &created_at_ms);
        if (found < 0)
            return found;
        if (found == 0)
            return -EBADMSG;
        /* A batch is written as a whole or not at all. */
        assert(position == source->committed || position == source->position);
        if (position != source->position)
            source->bytes = atomic_load_explicit(&source->applied, memory_order_relaxed);
        atomic_store_explicit(&source->applied, source->bytes, memory_order_relaxed);
        source->position = position;
        source->committed = position;
        source->gave = false;
        source->created_at_ms = created_at_ms;
        journal_set_head(source->journal, position);
    }
    return 0;
}
