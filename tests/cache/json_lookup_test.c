/* Promises of the lookups: members, strings and whole numbers are read by value, exactly. */
#include "cache/json.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void parse(struct json_doc *doc, const char *text)
{
    json_doc_init(doc);
    assert_int_equal(json_parse(doc, text, strlen(text), NULL), 0);
}

static void a_member_is_found_by_the_value_of_its_name(void **state)
{
    struct json_doc doc;

    (void)state;
    parse(&doc, "{\"\\u0069d\":1,\"caf\\u00e9\":2,\"\":3,\"a\\/b\":4,\"x\\u0000y\":5,"
                "\"\\ud83d\\ude00\":6,\"in\":{\"id\":7},\"idx\":8,\"i\":9}");
    assert_true(json_string_is(&doc, json_get(&doc, 0, "id") - 1, "id"));
    assert_int_equal(json_get(&doc, 0, "caf\xc3\xa9"), 4);
    assert_int_equal(json_get(&doc, 0, ""), 6);
    assert_int_equal(json_get(&doc, 0, "a/b"), 8);
    assert_int_equal(json_get(&doc, 0, "x"), JSON_NONE); /* not cut at the NUL */
    assert_int_equal(json_get(&doc, 0, "\xf0\x9f\x98\x80"), 12);
    assert_int_equal(json_get(&doc, json_get(&doc, 0, "in"), "id"), 16);
    assert_int_equal(json_get(&doc, json_get(&doc, 0, "out"), "id"), JSON_NONE);
    assert_int_equal(json_get(&doc, json_get(&doc, 0, "id"), "id"), JSON_NONE);
    assert_int_equal(json_get(&doc, 0, "\\u0069d"), JSON_NONE);
    json_doc_release(&doc);
}

static void the_last_of_duplicate_members_counts(void **state)
{
    struct json_doc doc;
    int64_t value = 0;

    (void)state;
    parse(&doc, "{\"a\":1,\"b\":{\"a\":4},\"\\u0061\":2,\"c\":3}");
    assert_int_equal(json_int64(&doc, json_get(&doc, 0, "a"), &value), 0);
    assert_int_equal(value, 2);
    json_doc_release(&doc);
}

static void strings_compare_by_value(void **state)
{
    struct json_doc doc;

    (void)state;
    parse(&doc, "[\"stop\",\"st\\u006fp\",\"sto\",\"stopp\",\"\\u0073\",\"\",1,\"a\\\\b\"]");
    assert_true(json_string_is(&doc, 1, "stop"));
    assert_true(json_string_is(&doc, 2, "stop"));
    assert_false(json_string_is(&doc, 3, "stop"));
    assert_false(json_string_is(&doc, 4, "stop"));
    assert_false(json_string_is(&doc, 5, "stop"));
    assert_true(json_string_is(&doc, 5, "s"));
    assert_false(json_string_is(&doc, 5, ""));
    assert_true(json_string_is(&doc, 6, ""));
    assert_false(json_string_is(&doc, 7, "1"));
    assert_true(json_string_is(&doc, 8, "a\\b"));
    assert_false(json_string_is(&doc, JSON_NONE, ""));
    json_doc_release(&doc);
}

static void strings_are_unescaped_exactly(void **state)
{
    static const char text[] = "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\u0041\\u00E9\\u20ac\\ud83d"
                               "\\ude00\\udbff\\udfff\\u07ff\\u0800 x\xc3\xa9\"]";
    static const char want[] = "\"\\/\b\f\n\r\t\0A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"
                               "\xf4\x8f\xbf\xbf\xdf\xbf\xe0\xa0\x80 x\xc3\xa9";
    struct json_doc doc;
    char scratch[sizeof(want)];
    const char *got = NULL;
    size_t len = 0;

    (void)state;
    parse(&doc, text);
    assert_int_equal(json_string(&doc, 1, scratch, sizeof(want) - 1, &got, &len), 0);
    assert_ptr_equal(got, scratch);
    assert_int_equal(len, sizeof(want) - 1);
    assert_memory_equal(got, want, len);
    got = NULL;
    len = 42;
    for (size_t size = 0; size < sizeof(want) - 1; size++)
        assert_int_equal(json_string(&doc, 1, scratch, size, &got, &len), -ENOBUFS);
    assert_int_equal(json_string(&doc, 0, scratch, sizeof(scratch), &got, &len), -EINVAL);
    assert_int_equal(json_string(&doc, JSON_NONE, scratch, sizeof(scratch), &got, &len), -EINVAL);
    assert_null(got);
    assert_int_equal(len, 42);
    json_doc_release(&doc);
}

static void a_string_without_escapes_is_borrowed(void **state)
{
    static const char text[] = "[\"caf\xc3\xa9\"]";
    struct json_doc doc;
    const char *got = NULL;
    size_t len = 0;

    (void)state;
    parse(&doc, text);
    assert_int_equal(json_string(&doc, 1, NULL, 0, &got, &len), 0);
    assert_ptr_equal(got, text + 2);
    assert_int_equal(len, 5);
    json_doc_release(&doc);
}

static void whole_numbers_are_exact_or_refused(void **state)
{
    static const struct {
        const char *text;
        int error;
        int64_t value;
    } cases[] = {
        {"0", 0, 0},
        {"-0", 0, 0},
        {"0.000e99999999999999999999", 0, 0},
        {"1", 0, 1},
        {"-17", 0, -17},
        {"1.0", 0, 1},
        {"1e2", 0, 100},
        {"1E+2", 0, 100},
        {"100e-2", 0, 1},
        {"12.50e2", 0, 1250},
        {"0.001e3", 0, 1},
        {"1e00000000000000000000000002", 0, 100},
        {"9223372036854775807", 0, INT64_MAX},
        {"-9223372036854775808", 0, INT64_MIN},
        {"9.223372036854775807e18", 0, INT64_MAX},
        {"9223372036854775808", -ERANGE, 0},
        {"-9223372036854775809", -ERANGE, 0},
        {"18446744073709551617", -ERANGE, 0}, /* not 1 by wrapping */
        {"1e18", 0, 1000000000000000000},
        {"1e19", -ERANGE, 0},
        {"1e99999999999999999999", -ERANGE, 0},
        {"1.5", -EINVAL, 0},
        {"1e-1", -EINVAL, 0},
        {"1.25e1", -EINVAL, 0},
        {"1e-99999999999999999999", -EINVAL, 0},
        {"0.5e-18446744073709551616", -EINVAL, 0},
        {"\"1\"", -EINVAL, 0},
        {"true", -EINVAL, 0},
        {"[1]", -EINVAL, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct json_doc doc;
        int64_t value = 42;
        parse(&doc, cases[i].text);
        int error = json_int64(&doc, 0, &value);
        if (error != cases[i].error || value != (error == 0 ? cases[i].value : 42))
            fail_msg("%s: %d, %lld", cases[i].text, error, (long long)value);
        json_doc_release(&doc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_member_is_found_by_the_value_of_its_name),
        cmocka_unit_test(the_last_of_duplicate_members_counts),
        cmocka_unit_test(strings_compare_by_value),
        cmocka_unit_test(strings_are_unescaped_exactly),
        cmocka_unit_test(a_string_without_escapes_is_borrowed),
        cmocka_unit_test(whole_numbers_are_exact_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
