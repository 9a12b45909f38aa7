/* Promises of the canonical form: equal documents share one text, others never do. */
#include "tests/cache/json_canonical_support.h"

static void every_value_has_one_written_form(void **state)
{
    static const char *const cases[][2] = {
        {" { \"a\" : [ 1 , true , false , null ] , \"b\" : { } , \"c\" : [ ] } ",
         "{\"a\":[1,true,false,null],\"b\":{},\"c\":[]}"},
        {"\"\"", "\"\""},
        {"[[[]],{\"\":{}}]", "[[[]],{\"\":{}}]"},
        /* strings */
        {"\"\\u00e9\"", "\"\xc3\xa9\""},
        {"\"\xc3\xa9\"", "\"\xc3\xa9\""},
        {"\"\\u0041\\/\\u002F\"", "\"A//\""},
        {"\"\\u0022\\u005c\\\"\\\\\"", "\"\\\"\\\\\\\"\\\\\""},
        {"\"\\u0008\\u0009\\u000a\\u000C\\u000d\"", "\"\\b\\t\\n\\f\\r\""},
        {"\"\\b\\t\\n\\f\\r\"", "\"\\b\\t\\n\\f\\r\""},
        {"\"\\u0000\\u000B\\u001F\\u007f\"", "\"\\u0000\\u000b\\u001f\x7f\""},
        {"\"\\ud83d\\ude00\\uD83D\\uDE00\"", "\"\xf0\x9f\x98\x80\xf0\x9f\x98\x80\""},
        {"\"\\u2028\\uffff\"", "\"\xe2\x80\xa8\xef\xbf\xbf\""},
        {"\"a\\nb\\u0020c\\/d\\\\/\"", "\"a\\nb c/d\\\\/\""},
        {"{\"\\u006bey\":\"\\u0076\"}", "{\"key\":\"v\"}"},
        /* members */
        {"{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}"},
        {"{\"a\":1,\"\\u0061\":3}", "{\"a\":3}"},
        {"{\"b\":0,\"\\u0061\":1,\"a\":{\"x\":1,\"y\":2,\"x\":[{\"z\":1,\"z\":2}]},\"b\":1}",
         "{\"b\":1,\"a\":{\"x\":[{\"z\":2}],\"y\":2}}"},
        {"[{\"\":1,\"\":2},{\"\":3}]", "[{\"\":2},{\"\":3}]"},
        {"{\"a\\u0000b\":1,\"a\\u0000c\":2,\"a\":3,\"a\\u0000b\":4}",
         "{\"a\\u0000b\":4,\"a\\u0000c\":2,\"a\":3}"},
        {"{\"a\":1,\"a \":2,\"A\":3}", "{\"a\":1,\"a \":2,\"A\":3}"},
        {"{\"2\":0,\"1\":0,\"b\":0,\"a\":0}", "{\"2\":0,\"1\":0,\"b\":0,\"a\":0}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_canonical(cases[i][0], cases[i][1]);
}

static void a_number_is_written_by_its_decimal_value(void **state)
{
    static const char *const cases[][2] = {
        {"0", "0"},
        {"-0", "0"},
        {"-0.0", "0"},
        {"0e5", "0"},
        {"0.000e-99999999999999999999999", "0"},
        {"-0E+99999999999999999999999", "0"},
        {"1", "1"},
        {"-1", "-1"},
        {"1.0", "1"},
        {"1e0", "1"},
        {"10e-1", "1"},
        {"0.01e2", "1"},
        {"-1.000E+00", "-1"},
        {"1e2", "100"},
        {"1.5e1", "15"},
        {"120.50e1", "1205"},
        {"0.7", "7e-1"},
        {"0.70", "7e-1"},
        {"7E-01", "7e-1"},
        {"-0.25", "-2.5e-1"},
        {"1.5", "1.5e0"},
        {"100.25", "1.0025e2"},
        {"0.00100", "1e-3"},
        {"0.69999999999999996", "6.9999999999999996e-1"},
        {"123456789012345678901", "123456789012345678901"},
        {"-123456789012345678901", "-123456789012345678901"},
        {"1e20", "100000000000000000000"},
        {"100000000000000000000", "100000000000000000000"},
        {"1e21", "1e21"},
        {"1000000000000000000000", "1e21"},
        {"1234567890123456789012", "1.234567890123456789012e21"},
        {"9007199254740993", "9007199254740993"}, /* no double holds it */
        /* exponents at and beyond what an int64_t holds */
        {"1e999999999999999999", "1e999999999999999999"},
        {"10e999999999999999999", "1e1000000000000000000"},
        {"1e1000000000000000000", "1e1000000000000000000"},
        {"0.1e1000000000000000000", "1e999999999999999999"},
        {"0.001e1000000000000000001", "1e999999999999999998"},
        {"1e-999999999999999999", "1e-999999999999999999"},
        {"0.1e-999999999999999999", "1e-1000000000000000000"},
        {"10e-1000000000000000000", "1e-999999999999999999"},
        {"1e99999999999999999999", "1e99999999999999999999"},
        {"10e99999999999999999998", "1e99999999999999999999"},
        {"10e99999999999999999999", "1e100000000000000000000"},
        {"0.1e100000000000000000000", "1e99999999999999999999"},
        {"100e199999999999999999999", "1e200000000000000000001"},
        {"0.1e-99999999999999999999", "1e-100000000000000000000"},
        {"10e-200000000000000000000", "1e-199999999999999999999"},
        {"1e00000000000000000000000000000000000005", "100000"},
        {"1.50e-00000000000000000000000000000000007", "1.5e-7"},
        {"-12.5e123456789012345678901234567890", "-1.25e123456789012345678901234567891"},
        {"1e9223372036854775808", "1e9223372036854775808"},
        {"1e18446744073709551616", "1e18446744073709551616"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_canonical(cases[i][0], cases[i][1]);
}

static void different_documents_differ(void **state)
{
    static const char *const cases[] = {
        "{\"a\":1,\"b\":2}",
        "{\"b\":2,\"a\":1}",
        "{\"a\":1}",
        "{\"a\":\"1\"}",
        "{\"a\":[1]}",
        "{\"a\":1.1}",
        "{\"a\":-1}",
        "{\"a\":10}",
        "{\"a\":1e-1}",
        "{\"a\":null}",
        "{\"a\":false}",
        "{\"a\":0}",
        "{\"a\":\"\"}",
        "{\"a\":{}}",
        "{\"a\":[]}",
        "{\"a\":[[],[]]}",
        "{\"a\":[[[]]]}",
        "{\"A\":1}",
        "{\"a\":1,\"b\":null}",
        "{\"a\":\"e\xcc\x81\"}", /* combined and composed: not one text */
        "{\"a\":\"\xc3\xa9\"}",
        "{\"a\":\"\\\\u00e9\"}",
        "{\"a\":\"a\\\",\\\"b\"}",
        "{\"a\":[\"a\",\"b\"]}",
        "{\"a\":\" 1\"}",
        "{\"a\":9007199254740992}",
        "{\"a\":9007199254740993}",
        "{\"a\":1e400}",
        "{\"a\":1e401}",
        "{\"a\":1e-400}",
        "{\"a\":0.1}",
        "{\"a\":0.1000000000000000000000000000001}",
        "{\"a\":1e18446744073709551617}",
        "{\"a\":18446744073709551616}",
    };
    enum { CASES = sizeof(cases) / sizeof(cases[0]) };
    struct text texts[CASES];

    (void)state;
    for (size_t i = 0; i < CASES; i++)
        texts[i] = canonical(cases[i], strlen(cases[i]));
    for (size_t i = 0; i < CASES; i++) {
        for (size_t j = 0; j < i; j++) {
            bool equal = strcmp(texts[i].bytes, texts[j].bytes) == 0;
            bool same_value =
                strcmp(cases[i], "{\"a\":0.1}") == 0 && strcmp(cases[j], "{\"a\":1e-1}") == 0;
            if (equal != same_value)
                fail_msg("%s and %s", cases[i], cases[j]);
        }
    }
    for (size_t i = 0; i < CASES; i++)
        free(texts[i].bytes);
}

/* Plain integers end at 21 digits; on both sides all spellings must still meet. */
static void spellings_meet_around_the_plain_limit(void **state)
{
    (void)state;
    for (int digits = 1; digits < 30; digits++) {
        char plain[64], power[64], point[64];
        snprintf(plain, sizeof(plain), "3%.*s", digits, "00000000000000000000000000000");
        snprintf(power, sizeof(power), "3e%d", digits);
        snprintf(point, sizeof(point), "0.0030e%d", digits + 3);
        struct text want = canonical(plain, strlen(plain));
        assert_canonical(power, want.bytes);
        assert_canonical(point, want.bytes);
        free(want.bytes);
    }
}

static void digits_of_any_length_are_kept(void **state)
{
    enum { DIGITS = 100000 };
    static char long_number[DIGITS + 32], with_point[DIGITS + 32];

    (void)state;
    memset(long_number, '7', DIGITS);
    snprintf(long_number + DIGITS, 32, "e-99999");
    memset(with_point, '7', DIGITS + 1);
    with_point[1] = '.';
    snprintf(with_point + DIGITS + 1, 16, "000e0");
    struct text want = canonical(with_point, strlen(with_point));
    assert_canonical(long_number, want.bytes);
    assert_int_equal(want.len, DIGITS + 3); /* the digits, a point and e0 */
    long_number[DIGITS - 1] = '8';
    struct text other = canonical(long_number, strlen(long_number));
    assert_string_not_equal(other.bytes, want.bytes);
    free(want.bytes);
    free(other.bytes);
}

static void exponents_of_any_length_carry(void **state)
{
    enum { DIGITS = 100000 };
    static char from[DIGITS + 32], want[DIGITS + 32];

    (void)state;
    memcpy(from, "10e", 3);
    memset(from + 3, '9', DIGITS);
    memcpy(want, "1e1", 3);
    memset(want + 3, '0', DIGITS);
    assert_canonical(from, want);
    memcpy(from, "0.1e1", 5);
    memset(from + 5, '0', DIGITS);
    memcpy(want, "1e", 2);
    memset(want + 2, '9', DIGITS);
    want[DIGITS + 2] = '\0';
    assert_canonical(from, want);
}

/* One value of a bigger document is what a response's tool call or a message is. */
static void a_part_can_be_written_alone(void **state)
{
    static const char text[] = "{\"a\":[1.0, {\"x\":1,\"x\":2}], \"b\":0}";
    struct text got = {0};
    struct json_doc doc;

    (void)state;
    json_doc_init(&doc);
    assert_int_equal(json_parse(&doc, text, strlen(text), NULL), 0);
    assert_int_equal(json_canonical(&doc, json_get(&doc, 0, "a"), append, &got), 0);
    assert_string_equal(got.bytes, "[1,{\"x\":2}]");
    free(got.bytes);
    json_doc_release(&doc);
}

static void text_comes_in_few_pieces_and_whole(void **state)
{
    enum { STRINGS = 300 };
    struct text from = {0}, got;
    char piece[400];

    (void)state;
    append(&from, "[\"\"", 3);
    for (int i = 0; i < STRINGS; i++) { /* lengths around and beyond the writer's buffer */
        int len = snprintf(piece, sizeof(piece), ",\"%0*d\"", 1 + i, i);
        append(&from, piece, (size_t)len);
    }
    memset(piece, 'x', sizeof(piece));
    append(&from, ",\"", 2);
    for (int i = 0; i < 50; i++)
        append(&from, piece, sizeof(piece));
    append(&from, "\\n\"]", 4);
    got = canonical(from.bytes, from.len);
    assert_int_equal(got.len, from.len);
    assert_memory_equal(got.bytes, from.bytes, from.len);
    assert_true(got.pieces <= from.len / 2048);
    free(from.bytes);
    free(got.bytes);
}

static int refuse(void *arg, const char *bytes, size_t len)
{
    int *calls = arg;

    (void)bytes;
    (void)len;
    return ++*calls == 2 ? -ENOSPC : 0;
}

static void an_error_of_the_sink_ends_the_writing(void **state)
{
    enum { MEMBERS = 20000 };
    struct text from = {0};
    struct json_doc doc;
    int calls = 0;

    (void)state;
    for (int i = 0; i < MEMBERS; i++) { /* with duplicates, whose memory must be freed too */
        char member[32];
        int len = snprintf(member, sizeof(member), "%c\"%d\":%d", i == 0 ? '{' : ',', i / 2, i);
        append(&from, member, (size_t)len);
    }
    append(&from, "}", 1);
    json_doc_init(&doc);
    assert_int_equal(json_parse(&doc, from.bytes, from.len, NULL), 0);
    assert_int_equal(json_canonical(&doc, 0, refuse, &calls), -ENOSPC);
    assert_int_equal(calls, 2);
    json_doc_release(&doc);
    free(from.bytes);
}

static void all_levels_can_hold_duplicates(void **state)
{
    struct text from = {0}, want = {0};

    (void)state;
    for (int i = 0; i < JSON_DEPTH_MAX; i++) {
        append(&from, "{\"a\":0,\"a\":", 11);
        append(&want, "{\"a\":", 5);
    }
    append(&from, "1", 1);
    append(&want, "1", 1);
    for (int i = 0; i < JSON_DEPTH_MAX; i++) {
        append(&from, "}", 1);
        append(&want, "}", 1);
    }
    assert_canonical(from.bytes, want.bytes);
    free(from.bytes);
    free(want.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_has_one_written_form),
        cmocka_unit_test(a_number_is_written_by_its_decimal_value),
        cmocka_unit_test(different_documents_differ),
        cmocka_unit_test(spellings_meet_around_the_plain_limit),
        cmocka_unit_test(digits_of_any_length_are_kept),
        cmocka_unit_test(exponents_of_any_length_carry),
        cmocka_unit_test(a_part_can_be_written_alone),
        cmocka_unit_test(text_comes_in_few_pieces_and_whole),
        cmocka_unit_test(an_error_of_the_sink_ends_the_writing),
        cmocka_unit_test(all_levels_can_hold_duplicates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
