#include "accounting/ledger_scan.h"

#include "accounting/ledger_month.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { READAHEAD_BYTES = 2 * 1024 * 1024, OPEN_MAX = 4096 };

/* A block whose walk stands at its next row. Its bytes are a copy: the iterator moves on. Blocks
 * that ended stay behind open_count, for their memory to be used again. */
struct ledger_scan_block {
    struct ledger_block_walk walk;
    uint8_t *bytes; /* LEDGER_BLOCK_BYTES */
};

static int visit(const struct ledger_scan *scan, const struct ledger_ref *ref, const uint8_t *bytes,
                 size_t len)
{
    struct ledger_row row;
    for (unsigned i = 0; i < 2; i++)
        if (scan->stop[i] != NULL && atomic_load_explicit(scan->stop[i], memory_order_relaxed))
            return -ECANCELED;
    if (ref->created_at_ms < scan->from_ms || ref->created_at_ms >= scan->to_ms)
        return 0;
    if (scan->raw != NULL)
        return scan->raw(scan->arg, ref, bytes, len);
    if ((scan->id.len > 0 || scan->key_id.len > 0) &&
        !row_may_match(bytes, len, scan->id, scan->key_id))
        return 0;
    if (row_decode(bytes, len, &row) < 0 || row.created_at_ms != ref->created_at_ms)
        return -EBADMSG;
    return scan->fn(scan->arg, &row);
}

/* The two open blocks with the earliest rows; *ret_second is NULL when there is only one. */
static struct ledger_scan_block *earliest(struct ledger_scan *scan,
                                          const struct ledger_scan_block **ret_second)
{
    struct ledger_scan_block *first = &scan->open[0], *second = NULL;
    for (size_t i = 1; i < scan->open_count; i++) {
        struct ledger_scan_block *at = &scan->open[i];
        if (ledger_ref_compare(&at->walk.ref, &first->walk.ref) < 0) {
            second = first;
            first = at;
        } else if (second == NULL || ledger_ref_compare(&at->walk.ref, &second->walk.ref) < 0) {
            second = at;
        }
    }
    *ret_second = second;
    return first;
}

static void close_block(struct ledger_scan *scan, struct ledger_scan_block *block)
{
    struct ledger_scan_block ended = *block;
    assert(scan->open_count > 0);
    *block = scan->open[--scan->open_count];
    scan->open[scan->open_count] = ended;
}

/* What cannot be told apart any more goes to whoever wants everything, under the last place that
 * could be read. */
static int visit_broken(const struct ledger_scan *scan, const struct ledger_block_walk *walk)
{
    if (scan->raw == NULL)
        return -EBADMSG;
    return visit(scan, &walk->ref, walk->at, (size_t)(walk->end - walk->at));
}

/* Visits the rows of open blocks that come before limit; NULL: all of them. */
static int visit_open(struct ledger_scan *scan, const struct ledger_ref *limit)
{
    while (scan->open_count > 0) {
        const struct ledger_scan_block *second;
        struct ledger_scan_block *block = earliest(scan, &second);
        const struct ledger_ref *stop = limit;
        int result;
        if (limit != NULL && ledger_ref_compare(&block->walk.ref, limit) >= 0)
            return 0;
        if (second != NULL && (stop == NULL || ledger_ref_compare(&second->walk.ref, stop) < 0))
            stop = &second->walk.ref;
        do {
            result = visit(scan, &block->walk.ref, block->walk.row, block->walk.len);
            if (result != 0)
                return result;
            result = ledger_block_next(&block->walk);
        } while (result == 1 && (stop == NULL || ledger_ref_compare(&block->walk.ref, stop) < 0));
        if (result < 0) {
            result = visit_broken(scan, &block->walk);
            if (result != 0)
                return result;
        }
        if (result == 0)
            close_block(scan, block);
    }
    return 0;
}

static int make_block_room(struct ledger_scan *scan)
{
    size_t room = scan->open_room == 0 ? 8 : 2 * scan->open_room;
    struct ledger_scan_block *open;
    if (scan->open_count < scan->open_room)
        return 0;
    if (scan->open_count >= OPEN_MAX)
        return -EBADMSG; /* no ledger has as many lanes */
    open = realloc(scan->open, room * sizeof(*open));
    if (open == NULL)
        return -ENOMEM;
    memset(open + scan->open_room, 0, (room - scan->open_room) * sizeof(*open));
    scan->open = open;
    scan->open_room = room;
    return 0;
}

static int open_block(struct ledger_scan *scan, const struct ledger_ref *first, const char *value,
                      size_t len)
{
    struct ledger_scan_block *block;
    int result = make_block_room(scan);
    if (result < 0)
        return result;
    if (len > LEDGER_BLOCK_BYTES)
        return scan->raw == NULL ? -EBADMSG : visit(scan, first, (const uint8_t *)value, len);
    block = &scan->open[scan->open_count];
    if (block->bytes == NULL)
        block->bytes = malloc(LEDGER_BLOCK_BYTES);
    if (block->bytes == NULL)
        return -ENOMEM;
    memcpy(block->bytes, value, len);
    block->walk = ledger_block_walk(first, block->bytes, len);
    result = ledger_block_next(&block->walk);
    if (result == 1)
        scan->open_count++;
    return result < 0 ? visit_broken(scan, &block->walk) : 0;
}

static int take(struct ledger_scan *scan, rocksdb_iterator_t *iterator)
{
    static const struct ledger_ref nowhere;
    size_t key_len, len;
    const char *key = rocksdb_iter_key(iterator, &key_len);
    const char *value = rocksdb_iter_value(iterator, &len);
    struct ledger_ref ref;
    int result;
    if (key_len != LEDGER_KEY && scan->raw == NULL)
        return -EBADMSG;
    if (key_len != LEDGER_KEY)
        return scan->raw(scan->arg, &nowhere, (const uint8_t *)value, len);
    ref = ledger_db_ref(key);
    result = visit_open(scan, &ref);
    if (result != 0)
        return result;
    if (key[16] == LEDGER_KEY_BLOCK)
        return open_block(scan, &ref, value, len);
    return key[16] == LEDGER_KEY_ROW || scan->raw != NULL
               ? visit(scan, &ref, (const uint8_t *)value, len)
               : 0;
}

int ledger_scan_month(struct ledger_scan *scan, struct ledger_db *db,
                      const struct ledger_month *month)
{
    int64_t early_ms = scan->from_ms - LEDGER_BLOCK_SPAN_MS;
    struct ledger_ref from = {early_ms > month->from_ms ? early_ms : month->from_ms, 0};
    struct ledger_ref to = {scan->to_ms, 0};
    rocksdb_readoptions_t *options = rocksdb_readoptions_create();
    char first[LEDGER_KEY], bound[LEDGER_KEY], *problem = NULL;
    rocksdb_iterator_t *iterator;
    int result = 0;

    assert(scan->open_count == 0);
    ledger_db_key(&from, 0, first);
    ledger_db_key(&to, 0, bound);
    rocksdb_readoptions_set_iterate_upper_bound(options, bound, sizeof(bound));
    if (!scan->brief)
        rocksdb_readoptions_set_readahead_size(options, READAHEAD_BYTES);
    rocksdb_readoptions_set_fill_cache(options, 0);
    if (scan->snapshot != NULL)
        rocksdb_readoptions_set_snapshot(options, scan->snapshot);
    iterator = rocksdb_create_iterator_cf(db->db, options, month->handle);
    rocksdb_iter_seek(iterator, first, sizeof(first));
    for (; result == 0 && rocksdb_iter_valid(iterator); rocksdb_iter_next(iterator))
        result = take(scan, iterator);
    if (result == 0)
        rocksdb_iter_get_error(iterator, &problem);
    rocksdb_iter_destroy(iterator);
    rocksdb_readoptions_destroy(options);
    if (problem != NULL)
        return ledger_db_error(problem, NULL, 0);
    return result != 0 ? result : visit_open(scan, NULL);
}

void ledger_scan_release(struct ledger_scan *scan)
{
    for (size_t i = 0; i < scan->open_room; i++)
        free(scan->open[i].bytes);
    free(scan->open);
    scan->open = NULL;
    scan->open_count = scan->open_room = 0;
}

int ledger_scan_all(struct ledger_scan *scan, struct ledger_db *db)
{
    struct ledger_month *months;
    size_t count;
    int result;
    if (scan->from_ms < 0)
        scan->from_ms = 0;
    if (scan->to_ms > LEDGER_TIME_END_MS)
        scan->to_ms = LEDGER_TIME_END_MS;
    if (scan->from_ms >= scan->to_ms)
        return 0;
    result = ledger_db_copy_months(db, scan->from_ms, scan->to_ms, &months, &count);
    if (result < 0)
        return result;
    for (size_t i = 0; i < count && result == 0; i++)
        result = ledger_scan_month(scan, db, &months[i]);
    ledger_scan_release(scan);
    free(months);
    return result;
}
