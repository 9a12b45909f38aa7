#include "server/dialect/out.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void is(struct out *out, const char *expected)
{
    assert_int_equal(out->error, 0);
    assert_int_equal(out->len, strlen(expected));
    assert_memory_equal(out->bytes, expected, out->len);
    out_clear(out);
}

static void numbers_are_plain_decimals(void **state)
{
    struct out out = OUT_INIT;

    (void)state;
    out_number(&out, 0);
    is(&out, "0");
    out_number(&out, INT64_MIN);
    is(&out, "-9223372036854775808");
    out_number(&out, INT64_MAX);
    is(&out, "9223372036854775807");
    out_money(&out, (struct money){.femto = 900000000});
    is(&out, "0.0000009");
    out_release(&out);
}

static void strings_are_escaped_and_utf8(void **state)
{
    struct out out = OUT_INIT;

    (void)state;
    out_string(&out, text_of("a\"b\\c\n\x01\x7f\xc3\xa9\xf0\x9f\x98\x80"));
    is(&out, "\"a\\\"b\\\\c\\n\\u0001\x7f\xc3\xa9\xf0\x9f\x98\x80\"");
    out_string(&out, TEXT("\0"));
    is(&out, "\"\\u0000\"");
    out_string(&out, text_of("\xff\xc0\xaf\xed\xa0\x80z\xe2\x82"));
    is(&out, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz"
             "\xef\xbf\xbd\xef\xbf\xbd\"");
    out_release(&out);
}

static void members_and_elements_get_their_commas(void **state)
{
    struct out out = OUT_INIT;

    (void)state;
    out_char(&out, '{');
    out_name(&out, "a");
    out_number(&out, 1);
    out_name(&out, "b");
    out_char(&out, '[');
    out_next(&out);
    out_string(&out, text_of("x"));
    out_next(&out);
    out_text(&out, "null]}");
    is(&out, "{\"a\":1,\"b\":[\"x\",null]}");
    out_release(&out);
}

static void values_are_spliced_byte_for_byte(void **state)
{
    struct out out = OUT_INIT;
    static const char text[] = "{\"n\": 1.50e0 , \"s\":\"\\u00e9\"}";
    struct json_doc doc;

    (void)state;
    json_doc_init(&doc);
    assert_int_equal(json_parse(&doc, text, sizeof text - 1, NULL), 0);
    out_value(&out, &doc, json_get(&doc, 0, "n"));
    is(&out, "1.50e0");
    out_value(&out, &doc, json_get(&doc, 0, "s"));
    is(&out, "\"\\u00e9\"");
    json_doc_release(&doc);
    out_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_plain_decimals),
        cmocka_unit_test(strings_are_escaped_and_utf8),
        cmocka_unit_test(members_and_elements_get_their_commas),
        cmocka_unit_test(values_are_spliced_byte_for_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
