/* reads_fuzz.c - laws of the read endpoints on what a client or an upstream may send: a parameter
 * is text or refused, a date prints as it was read, a question is within its bounds; and whatever
 * an upstream says of credits or endpoints, what is made of it is JSON, which for credits is
 * understood again. */
#include "server/reads_private.h"

#include "accounting/ledger_month.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_query(struct text query)
{
    static const char *const names[] = {"id", "start_date", "date", "tags"};
    const int64_t now_ms = INT64_C(1795215111123);
    struct report_query report;
    struct activity_query activity;
    const char *detail = NULL;
    char value[128];
    size_t value_len = 0;
    int64_t ms;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (reads_query_get(query, names[i], value, sizeof value, &value_len) != 0)
            continue;
        require(strlen(value) == value_len && value_len < sizeof value);
        if (reads_parse_date((struct text){value, value_len}, &ms) == 0) {
            char day[READS_DAY_TEXT + 1];
            require(reads_print_day(ms, false, day) == value_len && strcmp(day, value) == 0);
        }
    }
    if (reads_parse_report(query, &report, &detail) == 0) {
        require(report.from_ms < report.to_ms);
        require(report.to_ms - report.from_ms <= READS_DAYS_MAX * LEDGER_DAY_MS);
    } else {
        require(detail != NULL);
    }
    if (reads_parse_activity(query, now_ms, &activity, &detail) == 0)
        require(activity.from_ms < activity.to_ms && activity.to_ms <= now_ms);
}

static void require_json(const struct out *out)
{
    struct json_doc doc;

    json_doc_init(&doc);
    require(json_parse(&doc, out->bytes, out->len, NULL) == 0);
    json_doc_release(&doc);
}

static void check_credits(struct text answer)
{
    struct out vercel = OUT_INIT, openrouter = OUT_INIT, back = OUT_INIT;

    if (reads_print_credits(answer, DIALECT_VERCEL, &vercel) == 0)
        require_json(&vercel);
    if (reads_print_credits(answer, DIALECT_OPENROUTER, &openrouter) == 0)
        require_json(&openrouter);
    /* What was converted can be converted back: both are what this gateway itself understands. */
    if (vercel.len > 0 && openrouter.len > 0 && openrouter.len != answer.len) {
        require(reads_print_credits((struct text){openrouter.bytes, openrouter.len}, DIALECT_VERCEL,
                                    &back) == 0);
        require_json(&back);
    }
    out_release(&vercel);
    out_release(&openrouter);
    out_release(&back);
}

static void check_endpoints(struct text answer)
{
    static const enum config_dialect dialects[] = {DIALECT_VERCEL, DIALECT_OPENROUTER};
    static struct config config;

    for (size_t i = 0; i < 2; i++) {
        struct reads_view view = {.config = &config, .to = dialects[i]};
        struct out out = OUT_INIT;
        if (reads_print_endpoints(&view, dialects[1 - i], TEXT("a/b"), answer, &out) == 0)
            require_json(&out);
        else
            require(out.len == 0);
        out_release(&out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct text text = {(const char *)data, len};

    check_query(text);
    check_credits(text);
    check_endpoints(text);
    return 0;
}
