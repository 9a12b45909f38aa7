/* price_support.h - tables and imports in memory, for the tests of prices. */
#ifndef TESTS_ACCOUNTING_PRICE_SUPPORT_H
#define TESTS_ACCOUNTING_PRICE_SUPPORT_H

#include "accounting/price.h"
#include "accounting/price_import.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define JULY INT64_C(1782864000000)   /* 2026-07-01T00:00:00Z, a Wednesday */
#define AUGUST INT64_C(1785542400000) /* 2026-08-01T00:00:00Z */
#define HOUR INT64_C(3600000)
#define DAY (24 * HOUR)

/* A table around models, and one of a single model with one entry from July on. */
#define TABLE(text) "{\"format\": 2, \"models\": {" text "}}"
#define ENTRY(text) TABLE("\"a/b\": [{\"from\": \"2026-07-01T00:00:00Z\", " text "}]")

/* How an import writes one: models, a model "a/b" from July on. */
#define WRITTEN(rows) "{\n  \"format\": 2,\n  \"models\": {" rows "\n  }\n}\n"
#define ROW(source, rest)                                                                          \
    WRITTEN("\n    \"a/b\": [{\"from\": \"2026-07-01T00:00:00Z\", \"source\": \"" source "\"" rest \
            "}]")

struct imported_text {
    int rc;
    char *table, *report;
    size_t table_len, report_len;
    struct price_import_result result;
    char error[512];
};

static inline struct price_table *table_of(const char *text)
{
    struct price_table *table = NULL;
    char error[512] = "";

    if (price_table_read(NULL, text, strlen(text), &table, error, sizeof(error)) != 0)
        fail_msg("%s\n%s", text, error);
    return table;
}

static inline const struct price *price_of(const struct price_table *table, const char *model,
                                           int64_t at_ms)
{
    return price_find(table, model, strlen(model), at_ms);
}

static inline struct imported_text import_bytes(enum price_source source, const char *json,
                                                size_t len, const struct price_table *old,
                                                int64_t from_ms)
{
    struct imported_text text = {0};
    struct price_import_order order = {.source = source, .from_ms = from_ms, .old = old};

    order.out = open_memstream(&text.table, &text.table_len);
    order.report = open_memstream(&text.report, &text.report_len);
    assert_non_null(order.out);
    assert_non_null(order.report);
    text.rc = price_import(&order, json, len, &text.result, text.error, sizeof(text.error));
    fclose(order.out);
    fclose(order.report);
    return text;
}

static inline void imported_text_release(struct imported_text *text)
{
    free(text->table);
    free(text->report);
}

/* What is written, what is told; and that reading it back and importing again adds nothing. */
static inline void assert_import(enum price_source source, const char *json, const char *table,
                                 const char *report)
{
    struct imported_text text = import_bytes(source, json, strlen(json), NULL, JULY), again;
    struct price_table *old;

    if (text.rc != 0)
        fail_msg("%s: %d %s", json, text.rc, text.error);
    assert_string_equal(text.table, table);
    assert_string_equal(text.report, report);
    old = table_of(text.table);
    again = import_bytes(source, json, strlen(json), old, JULY + 1);
    assert_int_equal(again.rc, 0);
    assert_string_equal(again.table, table);
    assert_int_equal(again.result.added + again.result.changed + again.result.missing, 0);
    price_table_free(old);
    imported_text_release(&text);
    imported_text_release(&again);
}

/* Refused with a message that begins so, before a byte is written. */
static inline void assert_import_refused(enum price_source source, const char *json,
                                         const char *error)
{
    struct imported_text text = import_bytes(source, json, strlen(json), NULL, JULY);

    if (text.rc != -EINVAL || strncmp(text.error, error, strlen(error)) != 0)
        fail_msg("%s\n  gave %d %s\n  not    %s", json, text.rc, text.error, error);
    assert_int_equal(text.table_len, 0);
    imported_text_release(&text);
}

#endif
