#include "server/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct route *find(const char *path, struct text *ret_rest)
{
    return route_find(path, strlen(path), ret_rest);
}

static void both_base_paths_have_their_dialect(void **state)
{
    static const struct {
        const char *path;
        enum config_dialect dialect;
        enum route_kind kind;
        enum row_api api;
    } cases[] = {
        {"/v1/chat/completions", DIALECT_VERCEL, ROUTE_CACHEABLE, API_CHAT},
        {"/api/v1/chat/completions", DIALECT_OPENROUTER, ROUTE_CACHEABLE, API_CHAT},
        {"/v1/messages", DIALECT_VERCEL, ROUTE_CACHEABLE, API_MESSAGES},
        {"/api/v1/responses", DIALECT_OPENROUTER, ROUTE_CACHEABLE, API_RESPONSES},
        {"/v1/embeddings", DIALECT_VERCEL, ROUTE_CACHEABLE, API_EMBEDDINGS},
        {"/v4/ai/language-model", DIALECT_VERCEL, ROUTE_CACHEABLE, API_AI_LANGUAGE},
        {"/v3/ai/embedding-model", DIALECT_VERCEL, ROUTE_CACHEABLE, API_AI_EMBEDDING},
        {"/v4/ai/image-model", DIALECT_VERCEL, ROUTE_FORWARDED, API_AI_OTHER},
        {"/v1/images/generations", DIALECT_VERCEL, ROUTE_FORWARDED, API_IMAGES},
        {"/api/v1/images", DIALECT_OPENROUTER, ROUTE_FORWARDED, API_IMAGES},
        {"/v1/audio/speech", DIALECT_VERCEL, ROUTE_FORWARDED, API_AUDIO},
        {"/v1/batches/b1/cancel", DIALECT_VERCEL, ROUTE_FORWARDED, API_BATCHES},
        {"/api/v1/models", DIALECT_OPENROUTER, ROUTE_READ, API_NONE},
        {"/health", DIALECT_VERCEL, ROUTE_HEALTH, API_NONE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text rest;
        const struct route *route = find(cases[i].path, &rest);
        assert_non_null(route);
        assert_int_equal(route->dialect, cases[i].dialect);
        assert_int_equal(route->kind, cases[i].kind);
        assert_int_equal(route->api, cases[i].api);
        assert_int_equal(route_dialect(cases[i].path, strlen(cases[i].path)), cases[i].dialect);
    }
}

static void a_star_stands_for_any_text(void **state)
{
    struct text rest;
    const struct route *route = find("/v1/models/zai/glm-4.6/endpoints", &rest);

    (void)state;
    assert_int_equal(route->read, READ_ENDPOINTS);
    assert_int_equal(rest.len, strlen("zai/glm-4.6"));
    assert_memory_equal(rest.bytes, "zai/glm-4.6", rest.len);
    assert_int_equal(find("/v1/models/zai/glm-4.6", &rest)->read, READ_MODEL);
    assert_int_equal(find("/v1/models/count", &rest)->read, READ_MODELS_COUNT);
    assert_null(find("/v1/models/", &rest));
    assert_null(find("/v1/images/", &rest));
    assert_null(find("/v1/chat/completions/", &rest));
    assert_null(find("/v1", &rest));
    assert_null(find("", &rest));
}

static void unknown_paths_have_an_envelope_too(void **state)
{
    (void)state;
    assert_int_equal(route_api("/v1/messages/count_tokens", 25), API_MESSAGES);
    assert_int_equal(route_api("/api/v1/messages/x", 18), API_MESSAGES);
    assert_int_equal(route_api("/v4/ai/x", 8), API_AI_OTHER);
    assert_int_equal(route_api("/v1/x", 5), API_NONE);
    assert_int_equal(route_dialect("/api/x", 6), DIALECT_OPENROUTER);
    assert_int_equal(route_dialect("/x", 2), DIALECT_VERCEL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_base_paths_have_their_dialect),
        cmocka_unit_test(a_star_stands_for_any_text),
        cmocka_unit_test(unknown_paths_have_an_envelope_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
