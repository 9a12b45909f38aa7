/* Promises of the parser: RFC 8259 and nothing else, in bounded memory. */
#include "cache/json.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT(literal)                                                                              \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }

struct text {
    const char *bytes;
    size_t len;
};

static const struct text valid[] = {
    TEXT("0"),
    TEXT("-0"),
    TEXT("-0.0"),
    TEXT("10"),
    TEXT("0.5"),
    TEXT("1E5"),
    TEXT("1e+5"),
    TEXT("1e-05"),
    TEXT("0e0"),
    TEXT("-1.50E-007"),
    TEXT("123456789012345678901234567890"),
    TEXT("1e99999999999999999999"),
    TEXT("true"),
    TEXT("false"),
    TEXT("null"),
    TEXT("\"\""),
    TEXT("\"a\""),
    TEXT(" \t\r\n1 \t\r\n"),
    TEXT("{}"),
    TEXT("[]"),
    TEXT("{ }"),
    TEXT("[ ]"),
    TEXT("[[],{},[{}]]"),
    TEXT("{\"\":0}"),
    TEXT("{\"a\" : [ 1 , 2 ] , \"b\" : null }"),
    TEXT("{\"a\":1,\"a\":2}"),
    TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
    TEXT("\"\\u0000\\u001f\\uFFFF\\uffff\\uAbCd\""),
    TEXT("\"\\ud800\\udc00\\uDBFF\\uDFFF\""),
    TEXT("\"\\ud7ff\\ue000\""),
    TEXT("\"\x20\x7f\""),
    TEXT("\"\xc2\x80\xdf\xbf\""),
    TEXT("\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\""),
    TEXT("\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""),
    TEXT("\"12345678\xc3\xa9\x31\x32\x33\x34\x35\x36\x37\xc3\xa9\""),
    TEXT("\"1234567\\n12345678\\\\1\""),
};

/* The byte where reading must stop goes with each: what lies before it was still good. */
static const struct {
    struct text text;
    size_t stops_at;
} invalid[] = {
    {TEXT(""), 0},
    {TEXT(" \n"), 2},
    {TEXT("\xef\xbb\xbf{}"), 0}, /* a byte order mark */
    {TEXT("1 2"), 2},
    {TEXT("{}{}"), 2},
    {TEXT("[]]"), 2},
    {TEXT("\0"), 0},
    {TEXT("1\0"), 1},
    {TEXT("\v1"), 0},
    {TEXT("\f1"), 0},
    {TEXT("\xc2\xa0\x31"), 0}, /* a space, but not JSON's */
    {TEXT("/**/1"), 0},
    {TEXT("'a'"), 0},
    {TEXT("a"), 0},
    /* numbers */
    {TEXT("-"), 1},
    {TEXT("+1"), 0},
    {TEXT("01"), 1},
    {TEXT("-01"), 2},
    {TEXT("00"), 1},
    {TEXT(".5"), 0},
    {TEXT("-.5"), 1},
    {TEXT("1."), 2},
    {TEXT("[1.]"), 3},
    {TEXT("1.e1"), 2},
    {TEXT("1e"), 2},
    {TEXT("1e+"), 3},
    {TEXT("1e+-1"), 3},
    {TEXT("1e1.5"), 3},
    {TEXT("1.5.5"), 3},
    {TEXT("0x10"), 1},
    {TEXT("1_000"), 1},
    {TEXT("NaN"), 0},
    {TEXT("Infinity"), 0},
    {TEXT("-Infinity"), 1},
    /* words */
    {TEXT("tru"), 3},
    {TEXT("trUe"), 2},
    {TEXT("True"), 0},
    {TEXT("nul"), 3},
    {TEXT("nulll"), 4},
    {TEXT("falsey"), 5},
    /* containers */
    {TEXT("["), 1},
    {TEXT("{"), 1},
    {TEXT("]"), 0},
    {TEXT("}"), 0},
    {TEXT("[1"), 2},
    {TEXT("[1,"), 3},
    {TEXT("[1,]"), 3},
    {TEXT("[,1]"), 1},
    {TEXT("[1,,2]"), 3},
    {TEXT("[1 2]"), 3},
    {TEXT("[1}"), 2},
    {TEXT("[1:2]"), 2},
    {TEXT("{\"a\"}"), 4},
    {TEXT("{\"a\":}"), 5},
    {TEXT("{\"a\":1"), 6},
    {TEXT("{\"a\":1,}"), 7},
    {TEXT("{,\"a\":1}"), 1},
    {TEXT("{\"a\":1]"), 6},
    {TEXT("{\"a\" 1}"), 5},
    {TEXT("{\"a\",1}"), 4},
    {TEXT("{\"a\"::1}"), 5},
    {TEXT("{a:1}"), 1},
    {TEXT("{1:1}"), 1},
    {TEXT("{null:1}"), 1},
    {TEXT("{\"a\":1 \"b\":2}"), 7},
    /* strings */
    {TEXT("\""), 1},
    {TEXT("\"abcdefghijk"), 12},
    {TEXT("\"\\"), 2},
    {TEXT("\"\\\""), 3},
    {TEXT("\"\\a\""), 2},
    {TEXT("\"\\'\""), 2},
    {TEXT("\"\\x41\""), 2},
    {TEXT("\"\\U0041\""), 2},
    {TEXT("\"\\\n\""), 2},
    {TEXT("\"\\u\""), 3},
    {TEXT("\"\\u12"), 5},
    {TEXT("\"\\u123\""), 6},
    {TEXT("\"\\u12g4\""), 5},
    {TEXT("\"\\u 123\""), 3},
    {TEXT("\"\0\""), 1},
    {TEXT("\"\n\""), 1},
    {TEXT("\"\t\""), 1},
    {TEXT("\"\x1f\""), 1},
    {TEXT("\"12345678901\x1f\""), 12},
    /* surrogates, escaped */
    {TEXT("\"\\ud800\""), 7},
    {TEXT("\"\\udc00\""), 7},
    {TEXT("\"\\udc00\\ud800\""), 7},
    {TEXT("\"\\ud800\\ud800\""), 13},
    {TEXT("\"\\ud800\\n\""), 7},
    {TEXT("\"\\ud800x\""), 7},
    {TEXT("\"\\ud800\\u\""), 9},
    {TEXT("\"\\ud800\\u0041\""), 13},
    {TEXT("\"\\ud83d\xf0\x9f\x98\x80\""), 7},
    {TEXT("\"\\ud800\\"), 7},
    /* UTF-8: overlong, surrogate, too large, cut off, stray */
    {TEXT("\"\xc0\x80\""), 1},
    {TEXT("\"\xc1\xbf\""), 1},
    {TEXT("\"\xe0\x80\x80\""), 1},
    {TEXT("\"\xe0\x9f\xbf\""), 1},
    {TEXT("\"\xf0\x80\x80\x80\""), 1},
    {TEXT("\"\xf0\x8f\xbf\xbf\""), 1},
    {TEXT("\"\xed\xa0\x80\""), 1},
    {TEXT("\"\xed\xbf\xbf\""), 1},
    {TEXT("\"\xf4\x90\x80\x80\""), 1},
    {TEXT("\"\xf5\x80\x80\x80\""), 1},
    {TEXT("\"\xff\""), 1},
    {TEXT("\"\xfe\""), 1},
    {TEXT("\"\x80\""), 1},
    {TEXT("\"\xbf\""), 1},
    {TEXT("\"\xc3\""), 1},
    {TEXT("\"\xc3"), 1},
    {TEXT("\"\xe2\x82\""), 1},
    {TEXT("\"\xe2\x82"), 1},
    {TEXT("\"\xf0\x9f\x98\""), 1},
    {TEXT("\"\xf0\x9f\x98"), 1},
    {TEXT("\"\xe2\x28\xa1\""), 1},
    {TEXT("\"\xf0\x9f\x28\x80\""), 1},
    {TEXT("\"ab\xc3\xa9\xc3\""), 5},
};

/* From a copy of exactly its size, so that the sanitizer sees a byte read behind the end. */
static int parse_copy(struct json_doc *doc, struct text text, char **ret_copy, size_t *ret_at)
{
    char *copy = malloc(text.len > 0 ? text.len : 1);

    assert_non_null(copy);
    if (text.len > 0)
        memcpy(copy, text.bytes, text.len);
    *ret_copy = copy;
    return json_parse(doc, copy, text.len, ret_at);
}

static void all_of_rfc_8259_is_accepted(void **state)
{
    struct json_doc doc;

    (void)state;
    json_doc_init(&doc);
    for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
        char *copy;
        size_t at = 777;
        if (parse_copy(&doc, valid[i], &copy, &at) != 0)
            fail_msg("refused at %zu: %s", at, valid[i].bytes);
        assert_int_equal(at, 777);
        assert_true(doc.count > 0);
        assert_int_equal(doc.tokens[0].next, doc.count);
        free(copy);
    }
    json_doc_release(&doc);
}

static void nothing_else_is_accepted(void **state)
{
    struct json_doc doc;

    (void)state;
    json_doc_init(&doc);
    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++) {
        char *copy;
        size_t at = 777;
        int error = parse_copy(&doc, invalid[i].text, &copy, &at);
        if (error != -EBADMSG || at != invalid[i].stops_at)
            fail_msg("case %zu: %d at %zu: %s", i, error, at, invalid[i].text.bytes);
        assert_int_equal(doc.count, 0);
        assert_int_equal(json_get(&doc, 0, "a"), JSON_NONE);
        free(copy);
    }
    json_doc_release(&doc);
}

/* A text becomes invalid whichever byte its end is cut off at, and never crashes. */
static void every_beginning_of_an_object_is_refused(void **state)
{
    static const char text[] = "{\"a\\u00e9\xc3\xa9\":[1.5e-3,true,{\"b\":null}],\"c\":\"\\ud83d"
                               "\\ude00\xf0\x9f\x98\x80\",\"d\":-0.0}";
    struct json_doc doc;

    (void)state;
    json_doc_init(&doc);
    for (size_t len = 0; len < sizeof(text) - 1; len++) {
        char *copy;
        assert_int_equal(parse_copy(&doc, (struct text){text, len}, &copy, NULL), -EBADMSG);
        free(copy);
    }
    assert_int_equal(json_parse(&doc, text, sizeof(text) - 1, NULL), 0);
    json_doc_release(&doc);
}

/* The fast path looks at eight bytes at once; a byte must be seen at each of its places. */
static void a_bad_byte_is_found_at_every_offset(void **state)
{
    static const char bad[] = {'\0', '\x01', '\x1f', '\n', '\x80', '\xff', '\xc0'};
    struct json_doc doc;

    (void)state;
    json_doc_init(&doc);
    for (size_t b = 0; b < sizeof(bad); b++) {
        for (size_t offset = 1; offset < 33; offset++) {
            char text[34];
            size_t at = 0;
            memset(text, 'x', sizeof(text));
            text[0] = text[sizeof(text) - 1] = '"';
            assert_int_equal(json_parse(&doc, text, sizeof(text), NULL), 0);
            text[offset] = bad[b];
            assert_int_equal(json_parse(&doc, text, sizeof(text), &at), -EBADMSG);
            assert_int_equal(at, offset);
        }
    }
    json_doc_release(&doc);
}

static void every_ascii_byte_is_classified(void **state)
{
    struct json_doc doc;

    (void)state;
    json_doc_init(&doc);
    for (int byte = 0; byte < 0x100; byte++) {
        const char raw[] = {'"', (char)byte, '"'};
        const char escaped[] = {'"', '\\', (char)byte, '"'};
        const char around[] = {(char)byte, '1', (char)byte};
        bool plain = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
        bool escape = byte != 0 && strchr("\"\\/bfnrt", byte) != NULL;
        bool space = byte != 0 && strchr(" \t\r\n", byte) != NULL;
        bool value = (byte > '0' && byte <= '9') || byte == '"'; /* 111, "1" */
        assert_int_equal(json_parse(&doc, raw, 3, NULL) == 0, plain);
        assert_int_equal(json_parse(&doc, escaped, 4, NULL) == 0, escape);
        assert_int_equal(json_parse(&doc, around, 3, NULL) == 0, space || value);
    }
    json_doc_release(&doc);
}

static char *nested(char open, char close, size_t depth, size_t *ret_len)
{
    char *text = malloc(2 * depth);

    assert_non_null(text);
    memset(text, open, depth);
    memset(text + depth, close, depth);
    *ret_len = 2 * depth;
    return text;
}

static void depth_is_bounded(void **state)
{
    struct json_doc doc;
    size_t len, at = 0;

    (void)state;
    json_doc_init(&doc);
    char *text = nested('[', ']', JSON_DEPTH_MAX, &len);
    assert_int_equal(json_parse(&doc, text, len, NULL), 0);
    assert_int_equal(doc.count, JSON_DEPTH_MAX);
    free(text);
    text = nested('[', ']', JSON_DEPTH_MAX + 1, &len);
    assert_int_equal(json_parse(&doc, text, len, &at), -E2BIG);
    assert_int_equal(at, JSON_DEPTH_MAX);
    assert_int_equal(doc.count, 0);
    free(text);
    text = nested('[', ']', 1 << 20, &len);
    assert_int_equal(json_parse(&doc, text, len, NULL), -E2BIG);
    free(text);
    json_doc_release(&doc);
}

static void objects_count_as_depth_too(void **state)
{
    struct json_doc doc;
    char text[(JSON_DEPTH_MAX + 1) * 6 + 1] = "";

    (void)state;
    json_doc_init(&doc);
    for (int i = 0; i < JSON_DEPTH_MAX; i++)
        strcat(text, "{\"\":");
    strcat(text, "0");
    for (int i = 0; i < JSON_DEPTH_MAX; i++)
        strcat(text, "}");
    assert_int_equal(json_parse(&doc, text, strlen(text), NULL), 0);
    strcpy(strchr(text, '0'), "{}");
    assert_int_equal(json_parse(&doc, text, strlen(text), NULL), -E2BIG);
    json_doc_release(&doc);
}

static void a_text_whose_offsets_do_not_fit_is_refused(void **state)
{
    struct json_doc doc;

    (void)state;
    json_doc_init(&doc);
    assert_int_equal(json_parse(&doc, "0", UINT32_MAX, NULL), -E2BIG); /* never looked at */
    assert_int_equal(doc.count, 0);
    json_doc_release(&doc);
}

/* The header promises 8 bytes of tokens per byte of text. */
static void token_memory_is_bounded_by_the_text(void **state)
{
    static const char *const worst[] = {"0,", "[],", "{},", "\"\",", "[[[[]]]],", "{\"\":0},"};
    size_t len = 1 << 20;
    char *text = malloc(len + 16);
    struct json_doc doc;

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < sizeof(worst) / sizeof(worst[0]); i++) {
        size_t at = 0;
        text[at++] = '[';
        while (at + strlen(worst[i]) + 2 < len) {
            memcpy(text + at, worst[i], strlen(worst[i]));
            at += strlen(worst[i]);
        }
        text[at++] = '0';
        text[at++] = ']';
        json_doc_init(&doc);
        assert_int_equal(json_parse(&doc, text, at, NULL), 0);
        assert_true((size_t)doc.capacity * sizeof(struct json_token) <= 8 * at + 2048);
        json_doc_clear(&doc);
        assert_true(doc.capacity <= JSON_TOKENS_KEPT);
        assert_int_equal(json_parse(&doc, "[1]", 3, NULL), 0);
        assert_int_equal(doc.count, 2);
        json_doc_release(&doc);
    }
    free(text);
}

static void a_document_can_be_reused_after_a_failure(void **state)
{
    struct json_doc doc;

    (void)state;
    json_doc_init(&doc);
    assert_int_equal(json_parse(&doc, "{\"a\":1}", 7, NULL), 0);
    struct json_token *tokens = doc.tokens;
    assert_int_equal(json_parse(&doc, "{\"a\":1", 6, NULL), -EBADMSG);
    assert_int_equal(json_get(&doc, 0, "a"), JSON_NONE);
    assert_int_equal(json_parse(&doc, "{\"a\":2}", 7, NULL), 0);
    assert_int_equal(json_get(&doc, 0, "a"), 2);
    assert_ptr_equal(doc.tokens, tokens); /* memory was kept */
    json_doc_release(&doc);
    json_doc_release(&doc);
    json_doc_release(NULL);
}

static void parse(struct json_doc *doc, const char *text)
{
    json_doc_init(doc);
    assert_int_equal(json_parse(doc, text, strlen(text), NULL), 0);
}

static void tokens_are_spans_of_the_text(void **state)
{
    static const struct json_token want[] = {
        {1, 28, 9, JSON_OBJECT, 0},  {2, 5, 2, JSON_STRING, 0},  {6, 16, 6, JSON_ARRAY, 0},
        {7, 8, 4, JSON_NUMBER, 0},   {9, 13, 5, JSON_TRUE, 0},   {14, 15, 6, JSON_NUMBER, 0},
        {17, 21, 7, JSON_STRING, 1}, {22, 27, 8, JSON_FALSE, 0},
    };
    static const char text[] = " {\"a\":[1,true,2],\"\\n\":false} ";
    struct json_doc doc;

    (void)state;
    parse(&doc, text);
    assert_int_equal(doc.count, 8);
    for (uint32_t i = 0; i < doc.count; i++) {
        assert_int_equal(doc.tokens[i].start, want[i].start);
        assert_int_equal(doc.tokens[i].end, want[i].end);
        assert_int_equal(doc.tokens[i].next, i == 0 ? 8 : want[i].next);
        assert_int_equal(doc.tokens[i].type, want[i].type);
        assert_int_equal(doc.tokens[i].escaped, want[i].escaped);
    }
    json_doc_release(&doc);
}

static void siblings_are_walked_in_order(void **state)
{
    static const enum json_type want[] = {JSON_ARRAY, JSON_OBJECT, JSON_STRING, JSON_NULL};
    struct json_doc doc;
    size_t seen = 0;

    (void)state;
    parse(&doc, "[[1,[2]],{\"a\":{\"b\":1}},\"s\",null]");
    for (uint32_t at = json_first(&doc, 0); at != JSON_NONE; at = json_next(&doc, 0, at))
        assert_int_equal(doc.tokens[at].type, want[seen++]);
    assert_int_equal(seen, 4);
    json_doc_release(&doc);
    parse(&doc, "[[],{},1]");
    assert_int_equal(json_first(&doc, 1), JSON_NONE);
    assert_int_equal(json_first(&doc, 2), JSON_NONE);
    assert_int_equal(json_first(&doc, 3), JSON_NONE);
    assert_int_equal(json_first(&doc, JSON_NONE), JSON_NONE);
    assert_int_equal(json_next(&doc, 0, 3), JSON_NONE);
    json_doc_release(&doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_rfc_8259_is_accepted),
        cmocka_unit_test(nothing_else_is_accepted),
        cmocka_unit_test(every_beginning_of_an_object_is_refused),
        cmocka_unit_test(a_bad_byte_is_found_at_every_offset),
        cmocka_unit_test(every_ascii_byte_is_classified),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(objects_count_as_depth_too),
        cmocka_unit_test(a_text_whose_offsets_do_not_fit_is_refused),
        cmocka_unit_test(token_memory_is_bounded_by_the_text),
        cmocka_unit_test(a_document_can_be_reused_after_a_failure),
        cmocka_unit_test(tokens_are_spans_of_the_text),
        cmocka_unit_test(siblings_are_walked_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
