/* request_convert_support.h - runs tables of requests through the conversion. */
#ifndef TESTS_SERVER_DIALECT_REQUEST_CONVERT_SUPPORT_H
#define TESTS_SERVER_DIALECT_REQUEST_CONVERT_SUPPORT_H

#include "server/dialect/request_convert.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Bodies are JSON with ' for ", so that a table can be read. */
struct request_case {
    const char *body;
    const char *expected; /* NULL: refused, and detail contains warning */
    const char *warning;  /* NULL: none */
};

static inline char *unquoted(const char *text)
{
    char *copy = strdup(text);

    assert_non_null(copy);
    for (char *at = copy; *at != '\0'; at++) {
        if (*at == '\'')
            *at = '"';
    }
    return copy;
}

struct converted {
    char *text; /* malloc'd, NUL-terminated; NULL: refused */
    int error;
    bool needless;
};

/* order: everything but map and doc. */
static inline struct converted convert_body(struct request_conversion *order, const char *body)
{
    char *json = unquoted(body), problem[256];
    struct converted converted = {0};
    struct out out = OUT_INIT;
    struct model_map *map;
    struct json_doc doc;

    assert_int_equal(model_map_open(NULL, &map, problem, sizeof(problem)), 0);
    json_doc_init(&doc);
    assert_int_equal(json_parse(&doc, json, strlen(json), NULL), 0);
    order->map = map;
    order->doc = &doc;
    converted.needless = request_needs_no_conversion(order);
    converted.error = request_convert(order, &out);
    if (converted.error == 0) {
        out_char(&out, '\0');
        converted.text = strdup(out.bytes);
        assert_non_null(converted.text);
        assert_int_equal(order->detail[0], '\0');
    } else {
        assert_int_equal(out.len, 0);
    }
    out_release(&out);
    json_doc_release(&doc);
    model_map_free(map);
    free(json);
    return converted;
}

static inline void run_case(struct request_conversion order, const struct request_case *one)
{
    struct converted converted = convert_body(&order, one->body);
    char *expected = one->expected != NULL ? unquoted(one->expected) : NULL;

    if (expected == NULL) {
        if (converted.error != -EINVAL)
            print_error("%s\nis not refused: %s\n", one->body, converted.text);
        assert_int_equal(converted.error, -EINVAL);
        if (strstr(order.detail, one->warning) == NULL)
            print_error("%s\ndetail: %s\n", one->body, order.detail);
        assert_non_null(strstr(order.detail, one->warning));
    } else {
        if (converted.error != 0)
            print_error("%s\nis refused: %s\n", one->body, order.detail);
        assert_int_equal(converted.error, 0);
        if (strcmp(converted.text, expected) != 0)
            print_error("%s\n", one->body);
        assert_string_equal(converted.text, expected);
        assert_string_equal(order.warning, one->warning != NULL ? one->warning : "");
    }
    free(expected);
    free(converted.text);
}

static inline void run_cases(struct request_conversion order, const struct request_case *cases,
                             size_t count)
{
    for (size_t i = 0; i < count; i++)
        run_case(order, &cases[i]);
}
#define RUN(order, cases) run_cases(order, cases, sizeof(cases) / sizeof((cases)[0]))

#endif
