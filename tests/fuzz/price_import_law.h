/* price_import_law.h - the laws of every importer on any bytes: nothing crashes; what fails has a
 * message and has written nothing; what succeeds is a table that opens, and importing the same list
 * over it, then or later, changes nothing. */
#ifndef TESTS_FUZZ_PRICE_IMPORT_LAW_H
#define TESTS_FUZZ_PRICE_IMPORT_LAW_H

#include "accounting/price_import.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct price_import_text {
    char *table, *report, error[512];
    size_t table_len, report_len;
    struct price_import_result result;
    int rc;
};

static inline struct price_import_text price_import_text(enum price_source source, const char *json,
                                                         size_t len, int64_t from_ms,
                                                         const struct price_table *old)
{
    struct price_import_text text = {0};
    struct price_import_order order = {.source = source, .from_ms = from_ms, .old = old};

    order.out = open_memstream(&text.table, &text.table_len);
    order.report = open_memstream(&text.report, &text.report_len);
    assert(order.out != NULL);
    assert(order.report != NULL);
    text.rc = price_import(&order, json, len, &text.result, text.error, sizeof(text.error));
    fclose(order.out);
    fclose(order.report);
    return text;
}

static inline void price_import_text_free(struct price_import_text *text)
{
    free(text->table);
    free(text->report);
}

static inline size_t price_import_lines(const char *text, size_t len)
{
    size_t lines = 0;

    for (size_t i = 0; i < len; i++)
        lines += text[i] == '\n';
    return lines;
}

static inline void price_import_law(enum price_source source, const char *json, size_t len)
{
    struct price_import_text once = price_import_text(source, json, len, 1782864000000, NULL);
    struct price_import_text again;
    struct price_table *table = NULL;
    char error[512] = "";
    int rc;

    if (once.rc != 0) {
        assert(once.rc == -EINVAL);
        assert(once.error[0] != '\0');
        assert(once.table_len == 0);
        price_import_text_free(&once);
        return;
    }
    assert(once.result.added == once.result.models);
    assert(once.result.notes <= price_import_lines(once.report, once.report_len));
    rc = price_table_read(NULL, once.table, once.table_len, &table, error, sizeof(error));
    assert(rc == 0);
    assert(price_table_models(table) == once.result.models);
    assert(price_table_priced(table) == once.result.priced);
    for (int64_t later = 0; later <= 1; later++) {
        again = price_import_text(source, json, len, 1782864000000 + later, table);
        assert(again.rc == 0);
        assert(again.result.added + again.result.changed + again.result.missing == 0);
        assert(again.table_len == once.table_len);
        assert(memcmp(again.table, once.table, once.table_len) == 0);
        price_import_text_free(&again);
    }
    price_table_free(table);
    price_import_text_free(&once);
}

#endif
