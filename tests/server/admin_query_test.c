#include "server/admin_query.h"

#include "accounting/ledger_month.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* 2026-11-20T22:51:51.123Z */
static const int64_t now_ms = INT64_C(1795215111123);

static struct admin_query parse(enum admin_route route, const char *text)
{
    struct admin_error error = {.status = 0};
    struct admin_query query;

    if (admin_query_parse(route, text_of(text), now_ms, &query, &error) != 0)
        fail_msg("%s: %s", text, error.message);
    return query;
}

static void paths_lead_where_they_say(void **state)
{
    static const struct {
        const char *path;
        enum admin_route route;
        const char *rest;
    } cases[] = {
        {"/health", ADMIN_HEALTH, ""},
        {"/ready", ADMIN_READY, ""},
        {"/ledger/report", ADMIN_REPORT, ""},
        {"/ledger/requests", ADMIN_REQUESTS, ""},
        {"/ledger/requests/", ADMIN_NOT_FOUND, ""},
        {"/ledger/requests/gen_1", ADMIN_REQUEST, "gen_1"},
        {"/ledger/requests/a%2Fb", ADMIN_REQUEST, "a%2Fb"},
        {"/ledger/export", ADMIN_EXPORT, ""},
        {"/ledger/months", ADMIN_MONTHS, ""},
        {"/ledger/close", ADMIN_CLOSE, ""},
        {"/ledger/backup", ADMIN_BACKUP, ""},
        {"/ledger", ADMIN_NOT_FOUND, ""},
        {"/ledger/reports", ADMIN_NOT_FOUND, ""},
        {"/Health", ADMIN_NOT_FOUND, ""},
        {"", ADMIN_NOT_FOUND, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text rest = {"", 0};
        enum admin_route route = admin_route_find(text_of(cases[i].path), &rest);
        if (route != cases[i].route)
            fail_msg("%s: %d", cases[i].path, (int)route);
        assert_int_equal(rest.len, strlen(cases[i].rest));
        assert_memory_equal(rest.bytes, cases[i].rest, rest.len);
    }
    for (unsigned i = ADMIN_NOT_FOUND + 1; i < ADMIN_ROUTES; i++)
        assert_non_null(admin_route_methods((enum admin_route)i));
}

static void ids_in_paths_are_decoded_or_refused(void **state)
{
    static const char *const none[] = {"", "%", "%4", "%zz", "%00", "%ff", "a%c3"};
    char id[ROW_ID_MAX + 1] = "kept", longest[ROW_ID_MAX + 2];

    (void)state;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        if (admin_path_id(text_of(none[i]), id) != -EINVAL)
            fail_msg("%s", none[i]);
    assert_string_equal(id, "kept");
    assert_int_equal(admin_path_id(TEXT("gen%2F1+%c3%A9"), id), 0);
    assert_string_equal(id, "gen/1+\xc3\xa9"); /* in a path a plus is a plus */
    memset(longest, 'a', sizeof longest);
    assert_int_equal(admin_path_id((struct text){longest, ROW_ID_MAX}, id), 0);
    assert_int_equal(admin_path_id((struct text){longest, ROW_ID_MAX + 1}, id), -EINVAL);
}

static void parameters_say_what_they_say(void **state)
{
    struct admin_query query = parse(ADMIN_REQUESTS, "");

    (void)state;
    assert_string_equal(query.month, "2026-11"); /* that of now */
    assert_int_equal(query.limit, ADMIN_LIMIT);
    assert_int_equal(query.after.kind, ADMIN_AFTER_NOTHING);

    query =
        parse(ADMIN_REQUESTS,
              "month=2026-10&limit=7&after=1763679111123%2F42&model=openai%2Fgpt&verdict=over&"
              "cause=none&cache=hit&api=ai-language&client=a+b&&key_id=k&upstream=u&user=%C3%A9");
    assert_string_equal(query.month, "2026-10");
    assert_int_equal(query.to_ms - query.from_ms, 31 * LEDGER_DAY_MS);
    assert_int_equal(query.limit, 7);
    assert_int_equal(query.after.kind, ADMIN_AFTER_PLACE);
    assert_int_equal(query.after.place.created_at_ms, INT64_C(1763679111123));
    assert_int_equal(query.after.place.sequence, 42);
    assert_string_equal(query.filter.text[ADMIN_MODEL], "openai/gpt");
    assert_string_equal(query.filter.text[ADMIN_CLIENT], "a b");
    assert_string_equal(query.filter.text[ADMIN_USER], "\xc3\xa9");
    assert_int_equal(query.filter.verdict, VERDICT_OVER);
    assert_true(query.filter.by_cause);
    assert_int_equal(query.filter.cause, CAUSE_NONE);
    assert_int_equal(query.filter.cache, CACHE_HIT);
    assert_int_equal(query.filter.api, API_AI_LANGUAGE);
    assert_int_equal(parse(ADMIN_REQUESTS, "after=gen_1").after.kind, ADMIN_AFTER_ID);

    query = parse(ADMIN_REPORT, "month=2026-11&against=2026-10&by=tag,model");
    assert_int_equal(query.by_count, 2);
    assert_int_equal(query.by[0], EXPORT_TAG);
    assert_int_equal(query.by[1], EXPORT_MODEL);
    assert_int_equal(query.against_to_ms, query.from_ms);

    query = parse(ADMIN_EXPORT, "month=2026-11&format=focus&profile=1.4&savings=true");
    assert_int_equal(query.format, ADMIN_FOCUS);
    assert_int_equal(query.profile, FOCUS_1_4);
    assert_true(query.savings);
}

/* What a name is told by is what the ledger prints: every word is found again. */
static void every_word_of_the_ledger_is_a_filter(void **state)
{
    char text[64];

    (void)state;
    for (unsigned i = 1; i < APIS; i++) {
        snprintf(text, sizeof text, "api=%s", row_api_name((enum row_api)i));
        assert_int_equal(parse(ADMIN_REQUESTS, text).filter.api, i);
    }
    for (unsigned i = 1; i < CACHES; i++) {
        snprintf(text, sizeof text, "cache=%s", row_cache_name((enum row_cache)i));
        assert_int_equal(parse(ADMIN_REQUESTS, text).filter.cache, i);
    }
    for (unsigned i = 1; i < VERDICTS; i++) {
        snprintf(text, sizeof text, "verdict=%s", verdict_name((enum verdict)i));
        assert_int_equal(parse(ADMIN_REQUESTS, text).filter.verdict, i);
    }
    for (unsigned i = 1; i < CAUSES; i++) {
        snprintf(text, sizeof text, "cause=%s", cause_name((enum cause)i));
        assert_int_equal(parse(ADMIN_REQUESTS, text).filter.cause, i);
    }
}

static void what_is_wrong_is_told(void **state)
{
    static const struct {
        enum admin_route route;
        const char *query, *complaint;
    } cases[] = {
        {ADMIN_REQUESTS, "month=2026-13", "month"},
        {ADMIN_REQUESTS, "month=", "month"},
        {ADMIN_REQUESTS, "month", "month"},
        {ADMIN_REQUESTS, "limit=0", "limit"},
        {ADMIN_REQUESTS, "limit=1001", "limit"},
        {ADMIN_REQUESTS, "limit=99999999999999999999999", "limit"},
        {ADMIN_REQUESTS, "limit=-1", "limit"},
        {ADMIN_REQUESTS, "after=", "after"},
        {ADMIN_REQUESTS, "verdict=wrong", "verdict"},
        {ADMIN_REQUESTS, "verdict=", "verdict"},
        {ADMIN_REQUESTS, "cause=", "cause"},
        {ADMIN_REQUESTS, "cache=none", "cache"},
        {ADMIN_REQUESTS, "api=", "api"},
        {ADMIN_REQUESTS, "model=", "model"},
        {ADMIN_REQUESTS, "model=%ff", "model"},
        {ADMIN_REQUESTS, "model=%00", "model"},
        {ADMIN_REQUESTS, "model=a&model=b", "twice"},
        {ADMIN_REQUESTS, "modle=a", "no parameter"},
        {ADMIN_REQUESTS, "format=csv", "no parameter"}, /* another path's */
        {ADMIN_REQUEST, "month=2026-11", "no parameter"},
        {ADMIN_MONTHS, "x", "no parameter"},
        {ADMIN_CLOSE, "month=2026-11", "no parameter"},
        {ADMIN_REPORT, "by=", "by"},
        {ADMIN_REPORT, "by=model,model", "by"},
        {ADMIN_REPORT, "by=model,", "by"},
        {ADMIN_REPORT, "by=weather", "by"},
        {ADMIN_REPORT, "against=2026", "against"},
        {ADMIN_EXPORT, "", "month is required"},
        {ADMIN_EXPORT, "month=2026-11&format=xml", "format"},
        {ADMIN_EXPORT, "month=2026-11&profile=1.3", "profile"},
        {ADMIN_EXPORT, "month=2026-11&savings=maybe", "savings"},
        {ADMIN_EXPORT, "month=2026-11&savings=1", "focus"},
        {ADMIN_EXPORT, "month=2026-11&profile=1.4", "focus"},
        {ADMIN_EXPORT, "month=2026-11&format=focus&by=model", "grain"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct admin_error error = {.status = 0};
        struct admin_query query = {.limit = 42};
        int result =
            admin_query_parse(cases[i].route, text_of(cases[i].query), now_ms, &query, &error);
        if (result != -1 || error.status != 400 ||
            strstr(error.message, cases[i].complaint) == NULL)
            fail_msg("%s: %d %s", cases[i].query, result, error.message);
        assert_int_equal(query.limit, 42);
    }
}

static void places_print_as_they_are_read(void **state)
{
    static const struct ledger_ref places[] = {
        {0, 0}, {INT64_C(1763679111123), UINT64_C(18014398509481984)}, {INT64_MAX, UINT64_MAX}};
    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char text[ADMIN_PLACE_MAX], query[ADMIN_PLACE_MAX + 8];
        struct admin_after after;
        size_t len = admin_place_print(&places[i], text);
        assert_int_equal(len, strlen(text));
        snprintf(query, sizeof query, "after=%s", text);
        after = parse(ADMIN_REQUESTS, query).after;
        assert_int_equal(after.kind, ADMIN_AFTER_PLACE);
        assert_int_equal(after.place.created_at_ms, places[i].created_at_ms);
        assert_int_equal(after.place.sequence, places[i].sequence);
    }
}

static void filters_let_through_what_has_all_they_want(void **state)
{
    static const char *const others[] = {
        "model=zai/glm",   "provider=other", "upstream=other", "client=other", "key_id=k11",
        "project=other",   "user=other",     "session=other",  "api=messages", "cache=hit",
        "verdict=matched", "cause=markup",   "cause=none",
    };
    static const char all[] = "model=zai/glm-5.3&provider=p&upstream=vercel&client=c&key_id=k1&"
                              "project=pr&user=u&session=s&api=chat&cache=miss&verdict=over&"
                              "cause=surcharge";
    struct admin_filter filter = parse(ADMIN_REQUESTS, all).filter;
    struct ledger_row row;

    (void)state;
    row_init(&row);
    row.model = TEXT("zai/glm-5.3");
    row.model_requested = TEXT("glm");
    row.provider = TEXT("p");
    row.upstream = TEXT("vercel");
    row.client = TEXT("c");
    row.key_id = TEXT("k1");
    row.project = TEXT("pr");
    row.user = TEXT("u");
    row.session = TEXT("s");
    row.api = API_CHAT;
    row.cache = CACHE_MISS;
    row.verdict = VERDICT_OVER;
    row.cause = CAUSE_SURCHARGE;
    assert_true(admin_filter_matches(&filter, &row));
    filter = parse(ADMIN_REQUESTS, "").filter;
    assert_true(admin_filter_matches(&filter, &row));
    filter = parse(ADMIN_REQUESTS, "model=glm").filter; /* as it was requested */
    assert_true(admin_filter_matches(&filter, &row));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        filter = parse(ADMIN_REQUESTS, others[i]).filter;
        if (admin_filter_matches(&filter, &row))
            fail_msg("%s", others[i]);
    }
    row_init(&row); /* a row of which nothing is known has none of it */
    filter = parse(ADMIN_REQUESTS, "user=u").filter;
    assert_false(admin_filter_matches(&filter, &row));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_lead_where_they_say),
        cmocka_unit_test(ids_in_paths_are_decoded_or_refused),
        cmocka_unit_test(parameters_say_what_they_say),
        cmocka_unit_test(every_word_of_the_ledger_is_a_filter),
        cmocka_unit_test(what_is_wrong_is_told),
        cmocka_unit_test(places_print_as_they_are_read),
        cmocka_unit_test(filters_let_through_what_has_all_they_want),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
