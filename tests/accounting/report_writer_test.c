#include "accounting/report_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void percents_are_cut_never_rounded_up(void **state)
{
    static const struct {
        int64_t part, whole;
        const char *want;
    } cases[] = {
        {0, 7, "0.00"},
        {1, 3, "33.33"},
        {2, 3, "66.66"},
        {99999, 100000, "99.99"},
        {7, 7, "100.00"},
        {3, 2, "150.00"},
        {INT64_MAX, 1, ""},
        {1, 0, ""},
        {-1, 7, ""},
        {1, -7, ""},
        {INT64_MAX, INT64_MAX, "100.00"},
    };
    const __int128 huge = (__int128)1 << 126;
    char text[REPORT_PERCENT_SIZE];
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        report_percent(cases[i].part, cases[i].whole, text);
        assert_string_equal(text, cases[i].want);
    }
    report_percent(huge / 2, huge, text);
    assert_string_equal(text, "50.00");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percents_are_cut_never_rounded_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
