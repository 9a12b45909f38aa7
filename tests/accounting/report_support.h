/* report_support.h - a ledger that is a list of rows, for tests of what reads one. */
#ifndef TESTS_ACCOUNTING_REPORT_SUPPORT_H
#define TESTS_ACCOUNTING_REPORT_SUPPORT_H

#include "accounting/ledger_close.h"
#include "accounting/ledger_month.h"
#include "accounting/ledger_rollup.h"
#include "accounting/rating.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What the real reader is in accounting/ledger_reader.c, which is not linked. */
struct ledger_reader {
    const struct ledger_row *rows; /* oldest first */
    size_t count;
    int64_t closed_before_ms;
    int fails;        /* what every call returns, when not 0 */
    unsigned scanned; /* how often rows were read */
};

#define NOVEMBER INT64_C(1793491200000) /* 2026-11-01T00:00:00Z */
#define OCTOBER INT64_C(1790812800000)
#define DECEMBER INT64_C(1796083200000)
#define HOUR INT64_C(3600000)
#define USD INT64_C(1000000000000000)

static inline struct maybe_money usd(int64_t femto)
{
    return (struct maybe_money){true, {femto}};
}

int ledger_reader_rows(struct ledger_reader *reader, int64_t from_ms, int64_t to_ms,
                       int (*fn)(void *arg, const struct ledger_row *row), void *arg)
{
    int result = reader->fails;

    reader->scanned++;
    for (size_t i = 0; i < reader->count && result == 0; i++) {
        const struct ledger_row *row = &reader->rows[i];
        if (row->created_at_ms >= from_ms && row->created_at_ms < to_ms)
            result = fn(arg, row);
    }
    return result;
}

int ledger_reader_find(struct ledger_reader *reader, struct text id,
                       uint8_t buffer[ROW_ENCODED_MAX], struct ledger_row *ret_row)
{
    if (reader->fails != 0)
        return reader->fails;
    for (size_t i = reader->count; i-- > 0;) {
        const struct ledger_row *row = &reader->rows[i];
        size_t len;
        if ((row->id.len != id.len || memcmp(row->id.bytes, id.bytes, id.len) != 0) &&
            (row->upstream_id.len != id.len || memcmp(row->upstream_id.bytes, id.bytes, id.len)))
            continue;
        assert_int_equal(row_encode(row, buffer, ROW_ENCODED_MAX, &len), 0);
        return row_decode(buffer, len, ret_row);
    }
    return -ENOENT;
}

int ledger_reader_seal(struct ledger_reader *reader, int64_t month_from_ms, struct seal *ret_seal)
{
    if (reader->fails != 0 || month_from_ms >= reader->closed_before_ms)
        return reader->fails != 0 ? reader->fails : -ENOENT;
    memset(ret_seal, 0, sizeof(*ret_seal));
    ret_seal->closed_ms = reader->closed_before_ms + 1000;
    return 0;
}

int ledger_reader_sums(struct ledger_reader *reader, int64_t from_ms, int64_t to_ms,
                       int (*fn)(void *arg, const struct rollup_group *group), void *arg,
                       uint64_t *rows_read)
{
    const struct rollup_group *const *groups;
    struct rollup *rollup = rollup_new();
    size_t count;
    int result = reader->fails;

    assert_non_null(rollup);
    assert_int_equal(from_ms % HOUR, 0);
    assert_int_equal(to_ms % HOUR, 0);
    for (size_t i = 0; i < reader->count && result == 0; i++) {
        const struct ledger_row *row = &reader->rows[i];
        if (row->created_at_ms >= from_ms && row->created_at_ms < to_ms)
            result = rollup_add(rollup, row);
    }
    groups = rollup_sort(rollup, &count);
    for (size_t i = 0; i < count && result == 0; i++)
        result = fn(arg, groups[count - 1 - i]); /* they come in no order */
    rollup_free(rollup);
    if (rows_read != NULL)
        *rows_read = 0;
    return result;
}

#endif
