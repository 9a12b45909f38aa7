/* bill_support.h - a ledger, a vendor's report, and what comes of them, for tests of bills. */
#ifndef TESTS_ACCOUNTING_BILL_SUPPORT_H
#define TESTS_ACCOUNTING_BILL_SUPPORT_H

#include "accounting/bill.h"

#include "tests/accounting/report_support.h"

#include <json-c/json.h>

#define DAY LEDGER_DAY_MS
#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))
#define FEMTO_MICRO INT64_C(1000000000) /* 1e-6 USD */

/* 100 input tokens and 10 output tokens, billed at 0.001. */
static inline struct ledger_row paid(int64_t at_ms, const char *model)
{
    struct ledger_row row;
    row_init(&row);
    row.created_at_ms = at_ms;
    row.id = TEXT("gen-1");
    row.model = text_of(model);
    row.upstream = TEXT("gate");
    row.cache = CACHE_MISS;
    row.usage.prompt_tokens = 100;
    row.usage.completion_tokens = 10;
    row.billed = row.market = row.booked = usd(1000 * FEMTO_MICRO);
    row.verdict = VERDICT_MATCHED;
    row.byok = 0;
    return row;
}

static inline struct bill_order order_of(const char *report, bool json)
{
    return (struct bill_order){.from_ms = NOVEMBER,
                               .to_ms = DECEMBER,
                               .report = report,
                               .report_len = strlen(report),
                               .json = json};
}

static inline struct json_object *written(const struct bill_order *order,
                                          const struct ledger_row *rows, size_t count, bool agrees)
{
    struct ledger_reader reader = {.rows = rows, .count = count};
    char error[512] = "", *text = NULL;
    bool got = !agrees;
    struct json_object *root;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (bill_write(&reader, order, out, error, sizeof(error), &got) != 0)
        fail_msg("%s", error);
    fclose(out);
    assert_int_equal(got, agrees);
    root = json_tokener_parse(text);
    assert_non_null(root);
    free(text);
    return root;
}

static inline struct json_object *billed(const char *report, const struct ledger_row *rows,
                                         size_t count, bool agrees)
{
    struct bill_order order = order_of(report, true);
    return written(&order, rows, count, agrees);
}

/* Follows a path of members, "lines.0.cause"; "null" where the value is. */
static inline const char *at(struct json_object *root, const char *path)
{
    while (*path != '\0') {
        size_t len = strcspn(path, ".");
        char name[64];
        snprintf(name, sizeof(name), "%.*s", (int)len, path);
        if (json_object_is_type(root, json_type_array)) {
            size_t index = (size_t)(name[0] - '0');
            if (index >= json_object_array_length(root))
                fail_msg("no %s", path);
            root = json_object_array_get_idx(root, index);
        } else if (!json_object_object_get_ex(root, name, &root)) {
            fail_msg("no %s", path);
        }
        path += path[len] == '.' ? len + 1 : len;
    }
    return root != NULL ? json_object_get_string(root) : "null";
}

static inline void assert_at(struct json_object *root, const char *path, const char *want)
{
    if (strcmp(at(root, path), want) != 0)
        fail_msg("%s is %s, not %s", path, at(root, path), want);
}

#define VERCEL(rows) "{\"results\": [" rows "]}"
#define OPENROUTER(rows) "{\"data\": [" rows "]}"
#define FIRST "\"day\": \"2026-11-01\", \"model\": \"a/x\""
#define SECOND "\"day\": \"2026-11-02\", \"model\": \"a/x\""
#define COST(cost) VERCEL("{" FIRST ", \"total_cost\": " cost "}")
#define CALL(cost) VERCEL("{" FIRST ", \"total_cost\": " cost ", " ONE_CALL "}")
#define ONE_CALL "\"request_count\": 1, \"input_tokens\": 100, \"output_tokens\": 10"

#endif
