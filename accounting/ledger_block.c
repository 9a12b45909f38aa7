#include "accounting/ledger_block.h"

#include "accounting/ledger_month.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

_Static_assert((int)LEDGER_BLOCK_HEAD + (int)ROW_ENCODED_MAX <= (int)LEDGER_BLOCK_BYTES,
               "any row fits an empty block");
_Static_assert((int)ROW_ENCODED_MAX <= UINT16_MAX, "a row's length has 16 bits");
_Static_assert((int)LEDGER_BLOCK_SPAN_MS <= UINT16_MAX, "a row's time has 16 bits");

static bool belongs(const struct ledger_block *block, const struct ledger_ref *ref, size_t len)
{
    if (block->rows == LEDGER_BLOCK_ROWS)
        return false;
    if (block->len + LEDGER_BLOCK_HEAD + len > sizeof(block->bytes))
        return false;
    if (ref->created_at_ms < block->first.created_at_ms ||
        ref->created_at_ms - block->first.created_at_ms > LEDGER_BLOCK_SPAN_MS)
        return false;
    if (ref->created_at_ms >= block->month_end_ms)
        return false;
    return ledger_ref_compare(ref, &block->last) > 0;
}

bool ledger_block_add(struct ledger_block *block, const struct ledger_ref *ref, const uint8_t *row,
                      size_t len)
{
    uint16_t later, length = __builtin_bswap16((uint16_t)len);
    uint64_t sequence = __builtin_bswap64(ref->sequence);
    uint8_t *at;
    int64_t month_start_ms;

    assert(len <= ROW_ENCODED_MAX);
    if (block->rows == 0) {
        block->first = *ref;
        block->len = 0;
        ledger_month_range(ref->created_at_ms, &month_start_ms, &block->month_end_ms);
    } else if (!belongs(block, ref, len)) {
        return false;
    }
    later = __builtin_bswap16((uint16_t)(ref->created_at_ms - block->first.created_at_ms));
    block->last = *ref;
    at = block->bytes + block->len;
    memcpy(at, &later, sizeof(later));
    memcpy(at + 2, &sequence, sizeof(sequence));
    memcpy(at + 10, &length, sizeof(length));
    memcpy(at + LEDGER_BLOCK_HEAD, row, len);
    block->len += LEDGER_BLOCK_HEAD + len;
    block->rows++;
    return true;
}

struct ledger_block_walk ledger_block_walk(const struct ledger_ref *first, const uint8_t *bytes,
                                           size_t len)
{
    return (struct ledger_block_walk){
        .first = *first, .at = bytes, .end = bytes + len, .ref = *first};
}

int ledger_block_next(struct ledger_block_walk *walk)
{
    size_t left = (size_t)(walk->end - walk->at);
    uint16_t later, length;
    uint64_t sequence;
    if (left == 0)
        return 0;
    if (left < LEDGER_BLOCK_HEAD)
        return -EBADMSG;
    memcpy(&later, walk->at, sizeof(later));
    memcpy(&sequence, walk->at + 2, sizeof(sequence));
    memcpy(&length, walk->at + 10, sizeof(length));
    walk->len = __builtin_bswap16(length);
    if (walk->len > left - LEDGER_BLOCK_HEAD)
        return -EBADMSG;
    walk->ref.created_at_ms = walk->first.created_at_ms + __builtin_bswap16(later);
    walk->ref.sequence = __builtin_bswap64(sequence);
    walk->row = walk->at + LEDGER_BLOCK_HEAD;
    walk->at = walk->row + walk->len;
    return 1;
}
