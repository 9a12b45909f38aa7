#include "accounting/ledger_drain.h"

#include "accounting/ledger_ids.h"
#include "accounting/reconcile.h"

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

int drain_put_row(struct drain *drain, const struct ledger_ref *ref, const uint8_t *row, size_t len,
                  bool pending)
{
    rocksdb_column_family_handle_t *month;
    char key[LEDGER_KEY];
    int result = ledger_db_month(drain->db, ref->created_at_ms, &month);
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
    bool added = ledger_block_add(&drain->block, &record->ref, record->payload, record->len);
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

/* --- settling --- */

static void take_text(struct text *text, struct text late)
{
    if (late.len > 0)
        *text = late;
}

static void take_count(int64_t *count, int64_t late)
{
    if (late >= 0)
        *count = late;
}

static void take_money(struct maybe_money *money, struct maybe_money late)
{
    if (late.known)
        *money = late;
}

static void take_usage(struct usage *usage, const struct usage *late)
{
    if (late->prompt_tokens >= 0)
        usage->exclusive = late->exclusive; /* says what its own prompt_tokens means */
    take_count(&usage->prompt_tokens, late->prompt_tokens);
    take_count(&usage->completion_tokens, late->completion_tokens);
    take_count(&usage->cached_tokens, late->cached_tokens);
    take_count(&usage->cache_write_tokens, late->cache_write_tokens);
    take_count(&usage->cache_write_1h_tokens, late->cache_write_1h_tokens);
    take_count(&usage->reasoning_tokens, late->reasoning_tokens);
    take_count(&usage->audio_tokens, late->audio_tokens);
    take_count(&usage->image_tokens, late->image_tokens);
    take_count(&usage->web_searches, late->web_searches);
}

/* Known members of late replace those of the row; then the verdict is found anew. */
static void settle_row(struct ledger_row *row, const struct ledger_row *late, int64_t tolerance_ppm)
{
    struct reconcile_input input;
    struct reconcile_result result;

    take_usage(&row->usage, &late->usage);
    take_text(&row->model, late->model);
    take_text(&row->provider, late->provider);
    take_text(&row->finish_reason, late->finish_reason);
    take_text(&row->price_hash, late->price_hash);
    take_money(&row->billed, late->billed);
    take_money(&row->upstream_cost, late->upstream_cost);
    take_money(&row->market, late->market);
    take_money(&row->estimated, late->estimated);
    if (late->byok >= 0)
        row->byok = late->byok;
    input = (struct reconcile_input){
        .billed = row->billed,
        .upstream = row->upstream_cost,
        .market = row->market,
        .estimated = row->estimated,
        .gave_up = true, /* nobody asks again, found or not */
        .tolerance_ppm = tolerance_ppm,
    };
    if (reconcile(&input, &result) < 0) {
        /* A sum that does not fit is not known; wrapping it would bill wrong for ever. */
        row->booked = (struct maybe_money){0};
        row->difference = (struct maybe_money){0};
        row->verdict = VERDICT_UNKNOWN;
        return;
    }
    row->booked = result.booked;
    row->difference = result.difference;
    row->verdict = result.verdict;
    assert(row->verdict != VERDICT_PENDING);
}

static int settle_stored(struct drain *drain, const struct journal_record *record,
                         const char *stored, size_t stored_len)
{
    struct ledger_row row, late;
    char key[LEDGER_KEY];
    size_t len;
    int result;

    if (row_decode((const uint8_t *)stored, stored_len, &row) < 0 ||
        row_decode(record->payload, record->len, &late) < 0)
        return 0; /* stays pending, for `verify` to find: one bad row must not stop the others */
    settle_row(&row, &late, record->flags);
    result = row_encode(&row, drain->scratch, sizeof(drain->scratch), &len);
    assert(result == 0); /* ROW_ENCODED_MAX holds any row */
    result = drain_put_row(drain, &record->ref, drain->scratch, len, false);
    if (result < 0)
        return result;
    ledger_db_key(&record->ref, LEDGER_KEY_ROW, key);
    rocksdb_writebatch_delete_cf(drain->batch, drain->db->pending, key, sizeof(key));
    return 0;
}

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

/* A settlement reads what it changes, so all that comes before it is written first. The row may
 * have been posted by way of another lane: then that lane goes first. It cannot wait in turn for
 * this one, because its post was made before this settlement was. */
static int apply_settle(struct drain *drain, const struct drain_source *source,
                        const struct journal_record *record, bool *ret_blocked)
{
    rocksdb_column_family_handle_t *month;
    char key[LEDGER_KEY], *value;
    size_t len;
    int found = drain_commit(drain);
    if (found < 0)
        return found;
    ledger_db_key(&record->ref, LEDGER_KEY_ROW, key);
    found = ledger_db_get(drain->db, drain->db->pending, key, sizeof(key), &value, &len);
    if (found < 0)
        return found;
    if (found == 0) {
        *ret_blocked = posted_elsewhere(drain, source, &record->ref);
        return 0; /* not pending any more: left alone */
    }
    rocksdb_free(value);
    found = ledger_db_month(drain->db, record->ref.created_at_ms, &month);
    if (found < 0)
        return found;
    found = ledger_db_get(drain->db, month, key, sizeof(key), &value, &len);
    if (found <= 0)
        return found;
    found = settle_stored(drain, record, value, len);
    rocksdb_free(value);
    return found;
}

/* --- records --- */

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
        result = add_to_block(drain, record);
        if (record->flags & JOURNAL_INDEXED)
            index_record(drain, record);
        drain->batch_rows += result == 0;
        break;
    case JOURNAL_SETTLE:
        result = apply_settle(drain, source, record, ret_blocked);
        break;
    case JOURNAL_PAD:
    case JOURNAL_KINDS:
        break;
    }
    if (record->kind == JOURNAL_HOLD || record->kind == JOURNAL_ROW) {
        if (record->ref.created_at_ms > source->created_at_ms)
            source->created_at_ms = record->ref.created_at_ms;
    }
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
        atomic_store_explicit(&source->applied, source->bytes, memory_order_relaxed);
        journal_set_head(source->journal, source->position);
    }
    atomic_fetch_add_explicit(&drain->rows, drain->batch_rows, memory_order_relaxed);
    rocksdb_writebatch_clear(drain->batch);
    drain->batch_records = 0;
    drain->batch_rows = 0;
    drain->batch_bytes = 0;
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
        source->created_at_ms = created_at_ms;
        journal_set_head(source->journal, position);
    }
    return 0;
}
