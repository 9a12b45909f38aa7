/* json_canonical_support.h - what the tests of the canonical form share: a text that grows, and the
 * canonical form of one, checked to be a fixed point. */
#ifndef TESTS_CACHE_JSON_CANONICAL_SUPPORT_H
#define TESTS_CACHE_JSON_CANONICAL_SUPPORT_H

#include "cache/json.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct text {
    char *bytes;
    size_t len, size;
    size_t pieces;
};

static inline int append(void *arg, const char *bytes, size_t len)
{
    struct text *text = arg;

    assert_true(len > 0);
    if (len >= text->size - text->len) {
        text->size = (text->size + len) * 2;
        text->bytes = realloc(text->bytes, text->size);
        assert_non_null(text->bytes);
    }
    memcpy(text->bytes + text->len, bytes, len);
    text->len += len;
    text->bytes[text->len] = '\0';
    text->pieces++;
    return 0;
}

/* give: the canonical form, after a check that it is its own canonical form. */
static inline struct text canonical(const char *bytes, size_t len)
{
    struct text once = {0}, twice = {0};
    struct json_doc doc;

    json_doc_init(&doc);
    if (json_parse(&doc, bytes, len, NULL) != 0)
        fail_msg("not JSON: %.100s", bytes);
    assert_int_equal(json_canonical(&doc, 0, append, &once), 0);
    if (json_parse(&doc, once.bytes, once.len, NULL) != 0)
        fail_msg("canonical form is not JSON: %.100s", once.bytes);
    assert_int_equal(json_canonical(&doc, 0, append, &twice), 0);
    assert_int_equal(once.len, twice.len);
    assert_memory_equal(once.bytes, twice.bytes, once.len);
    free(twice.bytes);
    json_doc_release(&doc);
    return once;
}

static inline void assert_canonical(const char *from, const char *want)
{
    struct text got = canonical(from, strlen(from));

    assert_string_equal(got.bytes, want);
    free(got.bytes);
}

#endif
