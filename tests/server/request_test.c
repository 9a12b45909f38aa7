#include "server/request.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct text text(const char *bytes)
{
    return (struct text){bytes, strlen(bytes)};
}

static void assert_text(struct text got, const char *wanted)
{
    assert_int_equal(got.len, strlen(wanted));
    assert_memory_equal(got.bytes, wanted, got.len);
}

static struct request_headers headers_of(const char *const (*pairs)[2], size_t count)
{
    struct request_headers headers;

    memset(&headers, 0, sizeof headers);
    for (size_t i = 0; i < count; i++)
        request_read_header(&headers, text(pairs[i][0]), text(pairs[i][1]));
    return headers;
}

static void listed_headers_are_read_and_only_they_go_upstream(void **state)
{
    static const char *const pairs[][2] = {
        {"authorization", "bearer  vck_1"}, {"x-title", "App"},
        {"http-referer", "https://a"},      {"cookie", "secret=1"},
        {"x-forwarded-for", "10.0.0.1"},    {"x-openrouter-cache", "true"},
        {"x-openrouter-cache-ttl", "60"},   {"x-openrouter-cache-salt", "s"},
        {"cache-control", "no-store"},      {"ai-reporting-user", "u"},
    };
    struct request_headers headers = headers_of(pairs, sizeof pairs / sizeof *pairs);

    (void)state;
    assert_text(headers.api_key, "vck_1");
    assert_text(headers.app, "App");
    assert_text(headers.user, "u");
    assert_int_equal(headers.wish.cache, WISH_ON);
    assert_int_equal(headers.wish.ttl_s, 60);
    assert_int_equal(headers.wish.salt_len, 1);
    assert_true(headers.wish.no_store);
    assert_int_equal(headers.forward_count, 3);
    for (unsigned i = 0; i < headers.forward_count; i++) {
        assert_int_not_equal(headers.forward[i].name.len, strlen("cookie"));
        assert_int_not_equal(headers.forward[i].name.len, strlen("authorization"));
    }
}

/* A column has to be UTF-8; a header value need not be. */
static void values_are_made_utf8(void **state)
{
    char title[] = "caf\xe9 \xc3\xa9 \xed\xa0\x80 \xf4\x90\x80\x80 \xe2\x82";
    struct request_headers headers;

    (void)state;
    memset(&headers, 0, sizeof headers);
    request_read_header(&headers, text("x-title"), text(title));
    assert_text(headers.app, "caf? \xc3\xa9 ??? ???? ??");
}

static void anthropic_clients_may_send_x_api_key(void **state)
{
    static const char *const alone[][2] = {{"x-api-key", "k"}};
    static const char *const both[][2] = {{"x-api-key", "k"}, {"authorization", "Bearer b"}};
    static const char *const basic[][2] = {{"authorization", "Basic dTpw"}};

    (void)state;
    assert_text(headers_of(alone, 1).api_key, "k");
    assert_text(headers_of(both, 2).api_key, "b");
    assert_int_equal(headers_of(basic, 1).api_key.len, 0);
}

static void oversized_headers_are_noticed(void **state)
{
    char long_value[REQUEST_VALUE_MAX + 2];
    struct request_headers headers;

    (void)state;
    memset(&headers, 0, sizeof headers);
    memset(long_value, 'x', sizeof long_value);
    long_value[sizeof long_value - 1] = '\0';
    request_read_header(&headers, text("x-title"), text(long_value));
    assert_true(headers.too_long);
}

static int read_body(const char *json, struct request_body *body, const char **detail)
{
    static char tags[ROW_TAGS_BYTES_MAX];
    struct json_doc doc;
    int result;

    json_doc_init(&doc);
    result = json_parse(&doc, json, strlen(json), NULL);
    assert_int_equal(result, 0);
    result = request_read_body(&doc, body, tags, detail);
    json_doc_release(&doc);
    return result;
}

static void body_facts_are_read(void **state)
{
    struct request_body body;
    const char *detail;

    (void)state;
    assert_int_equal(read_body("{\"model\":\"a\\u002fb\",\"stream\":true,\"user\":\"top\","
                               "\"session_id\":\"s\",\"providerOptions\":{\"gateway\":{\"user\":"
                               "\"g\",\"tags\":[\"x\",\"y\\\"\",\"x\"]}}}",
                               &body, &detail),
                     0);
    assert_string_equal(body.model, "a/b");
    assert_true(body.stream);
    assert_string_equal(body.user, "g");
    assert_string_equal(body.session, "s");
    assert_text(body.tags, "[\"x\",\"y\\\"\"]");
}

static void absent_facts_are_empty(void **state)
{
    struct request_body body;
    const char *detail;

    (void)state;
    assert_int_equal(
        read_body("{\"model\":\"m\",\"user\":null,\"stream\":\"yes\"}", &body, &detail), 0);
    assert_false(body.stream);
    assert_int_equal(body.user_len, 0);
    assert_int_equal(body.tags.len, 0);
}

static void bad_bodies_are_refused_by_name(void **state)
{
    static const struct {
        const char *json, *names;
    } cases[] = {
        {"[]", "object"},
        {"{\"model\":7}", "model"},
        {"{\"model\":\"a\\u0000b\"}", "model"},
        {"{\"model\":\"m\",\"models\":[7]}", "models"},
        {"{\"model\":\"m\",\"models\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]}",
         "models"},
        {"{\"model\":\"m\",\"fallbacks\":[{\"name\":\"x\"}]}", "models"},
        {"{\"model\":\"m\",\"user\":{}}", "user"},
        {"{\"model\":\"m\",\"session_id\":1}", "session_id"},
        {"{\"model\":\"m\",\"providerOptions\":{\"gateway\":{\"tags\":[1]}}}", "tags"},
        {"{\"model\":\"m\",\"providerOptions\":{\"gateway\":{\"tags\":[\"\"]}}}", "tags"},
        {"{\"model\":\"m\",\"providerOptions\":{\"gateway\":{\"tags\":[\"1\",\"2\",\"3\",\"4\","
         "\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\"]}}}",
         "tags"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct request_body body;
        const char *detail = "";
        assert_int_equal(read_body(cases[i].json, &body, &detail), -EINVAL);
        assert_non_null(strstr(detail, cases[i].names));
    }
}

static void fallback_models_come_from_every_place_that_names_them(void **state)
{
    struct request_body body;
    const char *detail = "";

    (void)state;
    assert_int_equal(
        read_body("{\"model\":\"m\",\"models\":[\"m\",\"a\"],\"fallbacks\":[{\"model\":"
                  "\"b\"}],\"providerOptions\":{\"gateway\":{\"models\":[\"c\"]}},"
                  "\"reasoning\":{\"enabled\":false},\"metadata\":{\"user_id\":\"u\"}}",
                  &body, &detail),
        0);
    assert_int_equal(body.fallback_count, 3);
    assert_int_equal(body.named_count, 3);
    assert_string_equal(body.fallback[0], "a");
    assert_string_equal(body.fallback[1], "c");
    assert_string_equal(body.fallback[2], "b");
    assert_true(body.reasoning_off);
    assert_string_equal(body.user, "u");
    /* Metadata is also a free object: what is no user is none. */
    assert_int_equal(read_body("{\"model\":\"m\",\"metadata\":{\"user_id\":7}}", &body, &detail),
                     0);
    assert_int_equal(body.user_len, 0);
    assert_int_equal(read_body("{}", &body, &detail), 0);
    assert_int_equal(body.model_len, 0);
}

static void models_of_tools_and_plugins_are_named_and_not_planned_with(void **state)
{
    struct request_body body;
    const char *detail = "";

    (void)state;
    assert_int_equal(
        read_body(
            "{\"model\":\"m\",\"models\":[\"a\"],\"plugins\":[{\"id\":\"fusion\",\"model\":"
            "\"b\",\"analysis_models\":[\"a\",\"c\"]}],\"tools\":[{\"type\":\"image_generation\","
            "\"\\u006dodel\":\"d\"},{\"parameters\":{\"properties\":{\"model\":{}}}}]}",
            &body, &detail),
        0);
    assert_int_equal(body.fallback_count, 1);
    assert_int_equal(body.named_count, 4);
    assert_string_equal(body.fallback[1], "b");
    assert_string_equal(body.fallback[2], "c");
    assert_string_equal(body.fallback[3], "d");
    assert_false(body.names_more);
    assert_int_equal(
        read_body("{\"plugins\":[{\"models\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\","
                  "\"9\"]}]}",
                  &body, &detail),
        0);
    assert_int_equal(body.named_count, REQUEST_FALLBACKS_MAX);
    assert_true(body.names_more);
}

static void a_list_of_models_alone_is_enough_for_openrouter(void **state)
{
    struct request_body body;
    const char *detail = "";

    (void)state;
    assert_int_equal(read_body("{\"models\":[\"a\",\"b\"]}", &body, &detail), 0);
    request_lead_with_fallback(&body);
    assert_string_equal(body.model, "a");
    assert_int_equal(body.model_len, 1);
    assert_int_equal(body.fallback_count, 1);
    assert_int_equal(body.named_count, 1);
    assert_string_equal(body.fallback[0], "b");
}

static void a_body_of_very_many_members_is_not_modest(void **state)
{
    char text[8 * 300];
    size_t len = 0;
    struct json_doc doc;

    (void)state;
    text[len++] = '{';
    for (int i = 0; i < 257; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s\"a\":0", i > 0 ? "," : "");
    text[len] = '}';
    json_doc_init(&doc);
    assert_int_equal(json_parse(&doc, text, len + 1, NULL), 0);
    assert_false(request_is_modest(&doc));
    text[len - 6] = '}';
    assert_int_equal(json_parse(&doc, text, len - 5, NULL), 0);
    assert_true(request_is_modest(&doc));
    json_doc_release(&doc);
}

static void only_headers_that_steer_belong_to_the_key(void **state)
{
    static const char expected[] = "ai-language-model-id\0m\0ai-gateway-protocol-version\0"
                                   "0.0.1\0x-tollgate-upstream\0here";
    struct request_headers headers = {.forward_count = 0};
    char text[REQUEST_STEER_MAX], long_value[REQUEST_STEER_MAX];
    size_t len;

    (void)state;
    request_read_header(&headers, TEXT("ai-language-model-id"), TEXT("m"));
    request_read_header(&headers, TEXT("ai-gateway-auth-method"), TEXT("oidc"));
    request_read_header(&headers, TEXT("ai-gateway-protocol-version"), TEXT("0.0.1"));
    request_read_header(&headers, TEXT("x-tollgate-upstream"), TEXT("here"));
    assert_int_equal(request_print_steering(&headers, text, &len), 0);
    assert_int_equal(len, sizeof expected);
    assert_memory_equal(text, expected, len);
    assert_int_equal(headers.ai_model.len, 1);
    memset(long_value, 'v', sizeof long_value);
    headers.upstream = (struct text){long_value, sizeof long_value};
    assert_int_equal(request_print_steering(&headers, text, &len), -E2BIG);
}

#define PART(name, value) "--x\r\nContent-Disposition: form-data; " name "\r\n\r\n" value "\r\n"

static void a_form_says_its_model_in_a_part(void **state)
{
    static const char type[] = "multipart/form-data; boundary=x";
    static const char quoted[] = "Multipart/Form-Data; charset=a; Boundary=\"x\"";
    static const struct {
        const char *type, *body, *model; /* NULL: not plain to see */
    } cases[] = {
        {type, PART("name=\"model\"", "a/b") "--x--\r\n", "a/b"},
        {quoted, PART("name=\"model\"", "a/b") "--x--\r\n", "a/b"},
        {type, PART("name=model", "a/b") "--x--\r\n", "a/b"},
        {type, "--x\nContent-Disposition: form-data; name=model\n\na/b\n--x--\n", "a/b"},
        {type, PART("name=\"file\"; filename=\"model\"", "a/b") "--x--\r\n", ""},
        {type, PART("name=\"note\"", "name=\"model\"\r\n\r\nc/d") PART("name=\"model\"", "a/b"),
         "a/b"},
        {type, PART("name=\"model\"", "a/b") PART("name=\"model\"", "a/b"), "a/b"},
        {type, PART("name=\"model\"", "a/b") PART("name=\"model\"", "c/d"), NULL},
        {type, PART("name=\"model\"", "a/b") PART("name=\"Model\"", "c/d"), NULL},
        {type,
         PART("name=\"model\"", "a/b") "--x\nContent-Disposition: form-data; name=model\n\nc/d\n",
         NULL},
        {type, PART("name=\"a\"; name=\"model\"", "a/b"), "a/b"},
        {type, PART("name*=utf-8''model", "a/b"), NULL},
        {type, PART("name=\"mod\\el\"", "a/b"), NULL},
        {type, PART("name = \"model\"", "a/b"), NULL},
        {type, PART("name=\"model\"\r\nContent-Transfer-Encoding: base64", "a/b"), NULL},
        {type, "--x\r\nContent-Disposition: form-data; name=\"model\"\r\n--x--", NULL},
        {type, "", ""},
        {type, "--x", ""},
        {type, "--x--\r\n", ""},
        {"multipart/form-data", PART("name=\"model\"", "a/b"), NULL},
        {"multipart/form-data; boundary=x; boundary=y", PART("name=\"model\"", "a/b"), NULL},
        {"audio/mpeg", PART("name=\"model\"", "a/b"), ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *wanted = cases[i].model;
        struct text model;
        int result = request_find_form_model(text(cases[i].type), text(cases[i].body), &model);

        if (result != (wanted != NULL ? 0 : -EINVAL) ||
            (wanted != NULL && (model.len != strlen(wanted) ||
                                (model.len > 0 && memcmp(model.bytes, wanted, model.len) != 0))))
            fail_msg("%zu, %s: %d %.*s", i, cases[i].body, result, (int)model.len, model.bytes);
    }
}

static void a_forms_parts_and_choices_are_counted(void **state)
{
    static const char body[] = PART("name=\"n\"", "2") PART("name=\"n\"", "7") "--x--\r\n";
    static const char many[] = PART("name=\"n\"", "99999999999999999999");
    int64_t parts, n;

    (void)state;
    request_measure_form(TEXT("multipart/form-data; boundary=x"), text(body), &parts, &n);
    assert_true(parts >= 2);
    assert_int_equal(n, 7);
    request_measure_form(TEXT("multipart/form-data; boundary=x"), text(many), &parts, &n);
    assert_int_equal(n, INT64_MAX);
    request_measure_form(TEXT("application/json"), text(body), &parts, &n);
    assert_int_equal(parts, 0);
    assert_int_equal(n, 0);
}

static void headers_of_two_models_are_noticed(void **state)
{
    static const char *const same[][2] = {{"ai-image-model-id", "a/b"},
                                          {"ai-language-model-id", "a/b"}};
    static const char *const other[][2] = {{"ai-image-model-id", "a/b"},
                                           {"ai-language-model-id", "c/d"}};

    (void)state;
    assert_false(headers_of(same, 2).ai_models_differ);
    assert_true(headers_of(other, 2).ai_models_differ);
}

static void tags_of_body_and_header_merge_without_duplicates(void **state)
{
    struct json_doc doc;
    char tags[ROW_TAGS_BYTES_MAX];
    size_t len = 99;

    (void)state;
    json_doc_init(&doc);
    assert_int_equal(request_merge_tags(&doc, text("[\"a\",\"b\"]"), text(" b , c,,"), tags, &len),
                     0);
    assert_text((struct text){tags, len}, "[\"a\",\"b\",\"c\"]");
    assert_int_equal(request_merge_tags(&doc, text(""), text(""), tags, &len), 0);
    assert_int_equal(len, 0);
    assert_int_equal(
        request_merge_tags(&doc, text(""), text("1,2,3,4,5,6,7,8,9,10,11"), tags, &len), -E2BIG);
    json_doc_release(&doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listed_headers_are_read_and_only_they_go_upstream),
        cmocka_unit_test(values_are_made_utf8),
        cmocka_unit_test(anthropic_clients_may_send_x_api_key),
        cmocka_unit_test(oversized_headers_are_noticed),
        cmocka_unit_test(body_facts_are_read),
        cmocka_unit_test(absent_facts_are_empty),
        cmocka_unit_test(bad_bodies_are_refused_by_name),
        cmocka_unit_test(fallback_models_come_from_every_place_that_names_them),
        cmocka_unit_test(models_of_tools_and_plugins_are_named_and_not_planned_with),
        cmocka_unit_test(a_list_of_models_alone_is_enough_for_openrouter),
        cmocka_unit_test(a_body_of_very_many_members_is_not_modest),
        cmocka_unit_test(only_headers_that_steer_belong_to_the_key),
        cmocka_unit_test(a_form_says_its_model_in_a_part),
        cmocka_unit_test(a_forms_parts_and_choices_are_counted),
        cmocka_unit_test(headers_of_two_models_are_noticed),
        cmocka_unit_test(tags_of_body_and_header_merge_without_duplicates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
