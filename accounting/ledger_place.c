#include "accounting/ledger_place.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

size_t ledger_place_print(const struct ledger_ref *ref, char text[ROW_PLACE_MAX])
{
    int len;
    assert(ref->created_at_ms >= 0);
    len = snprintf(text, ROW_PLACE_MAX, "%" PRId64 "/%" PRIu64, ref->created_at_ms, ref->sequence);
    assert(len > 0 && len < ROW_PLACE_MAX);
    return (size_t)len;
}

/* The number at the beginning of text, up to its end or a stroke: without leading zeros, so that a
 * place has one text only. Returns its length, 0 when there is none. */
static size_t read_number(struct text text, uint64_t *ret_number)
{
    uint64_t number = 0;
    size_t at = 0;
    for (; at < text.len && text.bytes[at] >= '0' && text.bytes[at] <= '9'; at++) {
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(text.bytes[at] - '0'), &number))
            return 0;
    }
    if (at > 1 && text.bytes[0] == '0')
        return 0;
    *ret_number = number;
    return at;
}

int ledger_place_parse(struct text text, struct ledger_ref *ret_ref)
{
    uint64_t created_at_ms, sequence;
    size_t len = read_number(text, &created_at_ms), rest;
    if (len == 0 || len == text.len || text.bytes[len] != '/' || created_at_ms > INT64_MAX)
        return -EINVAL;
    rest = text.len - len - 1;
    if (rest == 0 || read_number((struct text){text.bytes + len + 1, rest}, &sequence) != rest)
        return -EINVAL;
    *ret_ref = (struct ledger_ref){(int64_t)created_at_ms, sequence};
    return 0;
}
