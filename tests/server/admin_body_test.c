#include "server/admin_query.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void bodies_say_what_they_say(void **state)
{
    struct admin_error error = {.status = 0};
    struct admin_close_body close;
    struct admin_backup_body backup;

    (void)state;
    assert_int_equal(admin_close_parse(TEXT("{\"month\":\"2026-10\"}"), &close, &error), 0);
    assert_string_equal(close.month, "2026-10");
    assert_true(close.from_ms < close.to_ms);
    assert_false(close.with_pending);
    assert_string_equal(close.export_path, "");
    assert_int_equal(admin_close_parse(TEXT("{\"with_pending\":true,\"month\":\"2026-10\","
                                            "\"export\":\"/var/\\u0074/2026-10.csv\"}"),
                                       &close, &error),
                     0);
    assert_true(close.with_pending);
    assert_string_equal(close.export_path, "/var/t/2026-10.csv");
    assert_int_equal(
        admin_close_parse(TEXT("{\"month\":\"2026-10\",\"export\":null}"), &close, &error), 0);
    assert_string_equal(close.export_path, "");
    assert_int_equal(admin_backup_parse(TEXT("{\"dir\":\"/var/backup/..x\"}"), &backup, &error), 0);
    assert_string_equal(backup.dir, "/var/backup/..x");
    assert_int_equal(error.status, 0);
}

static void bad_bodies_are_told(void **state)
{
    static const struct {
        const char *body, *complaint;
    } cases[] = {
        {"", "JSON"},
        {"{", "JSON"},
        {"[]", "object"},
        {"\"2026-10\"", "object"},
        {"{}", "month is required"},
        {"{\"month\":202610}", "month"},
        {"{\"month\":\"2026-13\"}", "month"},
        {"{\"month\":\"2026-10\\u0000\"}", "month"},
        {"{\"month\":\"2026-10\",\"with_pending\":\"yes\"}", "with_pending"},
        {"{\"month\":\"2026-10\",\"with_pendign\":true}", "not known"},
        {"{\"month\":\"2026-10\",\"export\":\"x.csv\"}", "export"},
        {"{\"month\":\"2026-10\",\"export\":\"/x\"}", "export"},
        {"{\"month\":\"2026-10\",\"export\":\"/.csv\"}", "export"},
        {"{\"month\":\"2026-10\",\"export\":\"/a/../x.csv\"}", "export"},
        {"{\"month\":\"2026-10\",\"export\":\"/a/..\"}", "export"},
        {"{\"month\":\"2026-10\",\"export\":\"/a\\n.csv\"}", "export"},
        {"{\"month\":\"2026-10\",\"export\":\"/a\\u0000.csv\"}", "export"},
        {"{\"month\":\"2026-10\",\"export\":7}", "export"},
    };
    static const char *const dirs[] = {"{}",
                                       "{\"dir\":\"\"}",
                                       "{\"dir\":\"/\"}",
                                       "{\"dir\":\"relative\"}",
                                       "{\"dir\":\"/a/\"}",
                                       "{\"dir\":\"/..\"}",
                                       "{\"dir\":null}",
                                       "{\"dir\":\"/a\",\"force\":true}"};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct admin_error error = {.status = 0};
        struct admin_close_body body = {.from_ms = 42};
        int result = admin_close_parse(text_of(cases[i].body), &body, &error);
        if (result != -1 || error.status != 400 ||
            strstr(error.message, cases[i].complaint) == NULL)
            fail_msg("%s: %d %s", cases[i].body, result, error.message);
        assert_int_equal(body.from_ms, 42);
    }
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
        struct admin_error error = {.status = 0};
        struct admin_backup_body body;
        if (admin_backup_parse(text_of(dirs[i]), &body, &error) != -1 || error.status != 400)
            fail_msg("%s", dirs[i]);
    }
}

static void only_the_token_opens(void **state)
{
    static const char *const wrong[] = {"",
                                        "Bearer",
                                        "Bearer ",
                                        "Bearer secre",
                                        "Bearer secrett",
                                        "Bearer  secret",
                                        "Bearer secret ",
                                        "Basic secret",
                                        "secret",
                                        "Bearer SECRET"};
    uint8_t digest[ADMIN_DIGEST];

    (void)state;
    admin_token_digest(TEXT("secret"), digest);
    assert_true(admin_token_matches(digest, TEXT("Bearer secret")));
    assert_true(admin_token_matches(digest, TEXT("bearer secret"))); /* schemes have no case */
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (admin_token_matches(digest, text_of(wrong[i])))
            fail_msg("%s", wrong[i]);
}

static void only_names_of_loopback_are_local(void **state)
{
    static const char *const local[] = {"",          "localhost", "LocalHost:8081",
                                        "127.0.0.1", "127.1.2.3", "127.0.0.1:8081",
                                        "[::1]",     "[::1]:1"};
    static const char *const others[] = {
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "10.0.0.1",
        "0.0.0.0",
        "127.0.0.1:",
        "127.0.0.1:80:80",
        "127.0.0.1:x",
        "[::1",
        "[::2]",
        "[::1]x",
        "[]",
        "::1",
        "127.1",
        "localhost:123456",
        "localhos",
        "[::ffff:10.0.0.1]:1",
        "0x7f.0.0.1",
        " localhost",
        "2130706433",
    };
    (void)state;
    for (size_t i = 0; i < sizeof local / sizeof *local; i++)
        if (!admin_host_is_local(text_of(local[i])))
            fail_msg("%s", local[i]);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (admin_host_is_local(text_of(others[i])))
            fail_msg("%s", others[i]);
}

static void errors_are_json_whatever_they_say(void **state)
{
    struct admin_error error;
    struct out out = OUT_INIT;
    struct json_doc doc;

    (void)state;
    assert_int_equal(admin_error_set(&error, 400, "bad_request", "\"%s\"\n\xff", "a"), -1);
    admin_error_print(&error, &out);
    json_doc_init(&doc);
    assert_int_equal(json_parse(&doc, out.bytes, out.len, NULL), 0);
    assert_true(
        json_string_is(&doc, json_get(&doc, json_get(&doc, 0, "error"), "code"), "bad_request"));
    json_doc_release(&doc);
    out_release(&out);
    for (int result = 1; result < 134; result++) {
        error.status = 0;
        assert_int_equal(admin_error_ledger(&error, -result, ""), -1);
        assert_in_range(error.status, 400, 599);
        assert_true(error.message[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_say_what_they_say),
        cmocka_unit_test(bad_bodies_are_told),
        cmocka_unit_test(only_the_token_opens),
        cmocka_unit_test(only_names_of_loopback_are_local),
        cmocka_unit_test(errors_are_json_whatever_they_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
