#include "accounting/money_text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Sums of many digits are no noise: what was printed comes back. */
static void what_was_printed_is_read_to_the_last_digit(void **state)
{
    static const struct money cases[] = {
        {0}, {1}, {-1}, {1000000000000000}, {-1000000000000001}, {1234567890123456789},
    };
    const __int128 most = (__int128)(((unsigned __int128)1 << 127) - 1);
    const struct money extremes[] = {{most}, {-most}, {-most - 1}, {most / 3}};
    struct money all[10];
    (void)state;
    memcpy(all, cases, sizeof(cases));
    memcpy(all + 6, extremes, sizeof(extremes));
    for (size_t i = 0; i < 10; i++) {
        char text[MONEY_TEXT_MAX];
        size_t len = money_print(all[i], text);
        struct money read = {42};
        assert_int_equal(money_text_read(text, len, &read), 0);
        assert_int_equal(money_compare(read, all[i]), 0);
    }
}

static void other_texts_are_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "-",
        ".",
        "0.",
        ".5",
        "1.",
        "01",
        "-0",
        "1.0",
        "0.50",
        "1e3",
        "+1",
        " 1",
        "1 ",
        "1..2",
        "--1",
        "1-",
        "0x1",
        "nan",
        "1,5",
        "0.0000000000000001",
        "170141183460469231731687.303715884105728", /* one more than there is */
        "99999999999999999999999999999999999999999999",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct money read = {42};
        assert_int_equal(money_text_read(cases[i], strlen(cases[i]), &read), -EBADMSG);
        assert_int_equal((int)read.femto, 42);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_printed_is_read_to_the_last_digit),
        cmocka_unit_test(other_texts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
