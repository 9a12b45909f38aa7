#include "server/wish.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* openrouter-api.md section 1.1: a TTL must begin with a digit; junk and decimals are dropped;
 * what is out of range is clamped. */
static void ttl_is_read_as_the_vendor_reads_it(void **state)
{
    static const struct {
        const char *text;
        unsigned seconds;
    } cases[] = {
        {"300", 300},      {"60abc", 60},
        {"1.5", 1},        {"0", 1},
        {"999999", 86400}, {"86400", 86400},
        {"86401", 86400},  {"", 0},
        {"-5", 0},         {"+5", 0},
        {" 5", 0},         {"abc", 0},
        {"1e3", 1},        {"99999999999999999999999", 86400},
        {"007", 7},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(wish_parse_ttl(cases[i].text, strlen(cases[i].text)), cases[i].seconds);
}

/* Section 9, point 2: the two literals in any case, everything else is absent. */
static void only_true_and_false_are_said(void **state)
{
    (void)state;
    assert_int_equal(wish_parse_switch("true", 4), WISH_ON);
    assert_int_equal(wish_parse_switch("TRUE", 4), WISH_ON);
    assert_int_equal(wish_parse_switch("False", 5), WISH_OFF);
    assert_int_equal(wish_parse_switch("1", 1), WISH_UNSAID);
    assert_int_equal(wish_parse_switch("yes", 3), WISH_UNSAID);
    assert_int_equal(wish_parse_switch("truee", 5), WISH_UNSAID);
    assert_int_equal(wish_parse_switch("", 0), WISH_UNSAID);
}

static struct wish parsed(const char *text)
{
    struct wish wish = {0};

    wish_parse_cache_control(text, strlen(text), &wish);
    return wish;
}

static void directives_are_found_in_any_list(void **state)
{
    struct wish wish = parsed("max-age=0, No-Cache , no-store");

    (void)state;
    assert_true(wish.no_cache);
    assert_true(wish.no_store);
    assert_false(wish.only_if_cached);
    assert_true(parsed("only-if-cached").only_if_cached);
    assert_true(parsed("no-cache=\"set-cookie\"").no_cache);
    assert_false(parsed("no-cachex").no_cache);
    assert_false(parsed(",, ,").no_store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ttl_is_read_as_the_vendor_reads_it),
        cmocka_unit_test(only_true_and_false_are_said),
        cmocka_unit_test(directives_are_found_in_any_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
