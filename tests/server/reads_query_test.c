#include "server/reads_private.h"

#include "accounting/ledger_month.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* 2026-11-20T22:51:51.123Z */
static const int64_t now_ms = INT64_C(1795215111123);

static void parameters_are_decoded_or_refused(void **state)
{
    static const struct {
        const char *query, *name;
        int result;
        const char *value;
    } cases[] = {
        {"id=gen-1", "id", 0, "gen-1"},
        {"a=1&id=x&id=y", "id", 0, "x"},
        {"id=", "id", 0, ""},
        {"xid=1", "id", -ENOENT, NULL},
        {"id", "id", -ENOENT, NULL},
        {"", "id", -ENOENT, NULL},
        {"&&id=7&", "id", 0, "7"},
        {"id=a%2Fb%20c+d", "id", 0, "a/b c d"},
        {"id=%c3%A9", "id", 0, "\xc3\xa9"},
        {"id=%", "id", -EINVAL, NULL},
        {"id=%4", "id", -EINVAL, NULL},
        {"id=%4&x=1", "id", -EINVAL, NULL},
        {"id=%zz", "id", -EINVAL, NULL},
        {"id=%00", "id", -EINVAL, NULL},
        {"id=%ff", "id", -EINVAL, NULL},
        {"id=%c3", "id", -EINVAL, NULL},
        {"id=%ed%a0%80", "id", -EINVAL, NULL},
        {"id=1234567890123456", "id", -EINVAL, NULL}, /* one more than there is room for */
        {"id=123456789012345", "id", 0, "123456789012345"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char value[16] = "kept";
        size_t len = 42;
        int result =
            reads_query_get(text_of(cases[i].query), cases[i].name, value, sizeof value, &len);

        if (result != cases[i].result)
            fail_msg("%s: %d", cases[i].query, result);
        if (result != 0)
            continue;
        assert_string_equal(value, cases[i].value);
        assert_int_equal(len, strlen(cases[i].value));
    }
}

static void only_days_that_exist_are_dates(void **state)
{
    static const char *const none[] = {
        "2026-02-29", "2026-13-01", "2026-00-10", "2026-04-31",    "2026-1-01",
        "2026-01-1",  "2026/01/01", "20260101",   " 2026-01-01",   "1969-12-31",
        "9999-01-01", "2026-01-00", "",           "2026-01-01T00",
    };
    int64_t ms = 42;

    (void)state;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        if (reads_parse_date(text_of(none[i]), &ms) != -EINVAL)
            fail_msg("%s", none[i]);
    assert_int_equal(ms, 42);
    assert_int_equal(reads_parse_date(TEXT("1970-01-01"), &ms), 0);
    assert_int_equal(ms, 0);
    assert_int_equal(reads_parse_date(TEXT("2024-02-29"), &ms), 0);
    assert_int_equal(reads_parse_date(TEXT("2026-11-20"), &ms), 0);
    assert_int_equal(ms, now_ms / LEDGER_DAY_MS * LEDGER_DAY_MS);
}

static void times_print_as_they_should(void **state)
{
    struct out out = OUT_INIT;
    char text[READS_DAY_TEXT + 1];

    (void)state;
    assert_int_equal(reads_print_day(now_ms, false, text), 10);
    assert_string_equal(text, "2026-11-20");
    assert_int_equal(reads_print_day(now_ms, true, text), 13);
    assert_string_equal(text, "2026-11-20T22");
    reads_print_time(&out, now_ms);
    assert_int_equal(out.len, 26);
    assert_memory_equal(out.bytes, "\"2026-11-20T22:51:51.123Z\"", 26);
    out_release(&out);
}

static void reports_say_what_is_wrong_with_them(void **state)
{
#define DAYS "start_date=2026-11-01&end_date=2026-11-30"
    static const struct {
        const char *query, *complaint;
    } cases[] = {
        {"", "start_date"},
        {"end_date=2026-11-30", "start_date"},
        {"start_date=2026-11-31&end_date=2026-12-01", "start_date"},
        {"start_date=2026-11-01", "end_date"},
        {"start_date=2026-11-02&end_date=2026-11-01", "before"},
        {"start_date=2025-11-01&end_date=2026-11-02", "366"},
        {DAYS "&group_by=country", "group_by"},
        {DAYS "&date_part=week", "date_part"},
        {DAYS "&date_part=hour&group_by=model", "date_part=hour"},
        {DAYS "&credential_type=own", "credential_type"},
        {DAYS "&zero_data_retention=true", "zero_data_retention"},
        {DAYS "&tags_match=some", "tags_match"},
        {DAYS "&tags=%ff", "tags"},
    };
    struct report_query report = {.byok = 42};
    const char *detail;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        detail = "";
        assert_int_equal(reads_parse_report(text_of(cases[i].query), &report, &detail), -EINVAL);
        if (strstr(detail, cases[i].complaint) == NULL)
            fail_msg("%s: %s", cases[i].query, detail);
        assert_int_equal(report.byok, 42);
    }
    assert_int_equal(reads_parse_report(TEXT(DAYS), &report, &detail), 0);
    assert_int_equal(report.group, REPORT_DAY);
    assert_int_equal(report.to_ms - report.from_ms, 30 * LEDGER_DAY_MS);
    assert_int_equal(report.byok, -1);
    assert_int_equal(reads_parse_report(TEXT(DAYS "&group_by=tag&tags=a,b&tags_match=all&user_id=u"
                                                  "&credential_type=byok"),
                                        &report, &detail),
                     0);
    assert_int_equal(report.group, REPORT_TAG);
    assert_string_equal(report.tags, "a,b");
    assert_true(report.all_tags);
    assert_int_equal(report.byok, 1);
    assert_string_equal(report.user, "u");
    assert_int_equal(
        reads_parse_report(TEXT("start_date=2025-11-01&end_date=2026-11-01"), &report, &detail), 0);
}

static void activity_is_of_the_last_thirty_completed_days(void **state)
{
    int64_t today_ms = now_ms / LEDGER_DAY_MS * LEDGER_DAY_MS;
    struct activity_query query;
    const char *detail;

    (void)state;
    assert_int_equal(reads_parse_activity(TEXT(""), now_ms, &query, &detail), 0);
    assert_int_equal(query.from_ms, today_ms - 30 * LEDGER_DAY_MS);
    assert_int_equal(query.to_ms, today_ms);
    assert_int_equal(reads_parse_activity(TEXT("date=2026-11-19"), now_ms, &query, &detail), 0);
    assert_int_equal(query.from_ms, today_ms - LEDGER_DAY_MS);
    assert_int_equal(query.to_ms, today_ms);
    assert_int_equal(reads_parse_activity(TEXT("date=2026-10-21"), now_ms, &query, &detail), 0);
    assert_int_equal(reads_parse_activity(TEXT("date=2026-10-20"), now_ms, &query, &detail),
                     -EINVAL);
    assert_int_equal(reads_parse_activity(TEXT("date=2026-11-20"), now_ms, &query, &detail),
                     -EINVAL);
    assert_int_equal(reads_parse_activity(TEXT("date=today"), now_ms, &query, &detail), -EINVAL);
    assert_int_equal(reads_parse_activity(TEXT("api_key_hash=x"), now_ms, &query, &detail),
                     -EINVAL);
    assert_non_null(strstr(detail, "api_key_hash"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_are_decoded_or_refused),
        cmocka_unit_test(only_days_that_exist_are_dates),
        cmocka_unit_test(times_print_as_they_should),
        cmocka_unit_test(reports_say_what_is_wrong_with_them),
        cmocka_unit_test(activity_is_of_the_last_thirty_completed_days),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
