#include "tests/server/catalog_support.h"

static void openrouters_filters(void **state)
{
    static const struct {
        const char *query, *ids;
    } cases[] = {
        {"", "anthropic/claude-haiku-4.5 google/gemini-2.5-pro perplexity/sonar x-ai/grok-4-fast "
             "xai/grok-4-fast-non-reasoning acme/m-1 openrouter/auto mistralai/mistral-medium-3.1"},
        {"output_modalities=embeddings", "mistralai/mistral-embed-2312"},
        {"output_modalities=embeddings%2Cimage&q=embed", "mistralai/mistral-embed-2312"},
        {"input_modalities=image,text", "anthropic/claude-haiku-4.5 acme/m-1"},
        {"input_modalities=audio", ""},
        {"supported_parameters=tools,reasoning", "anthropic/claude-haiku-4.5 acme/m-1"},
        {"supported_parameters=", "*"},
        {"supported_parameters=nothing", ""},
        {"q=GEMINI", "google/gemini-2.5-pro"},
        {"q=acme%3A+m", "acme/m-1"},
        {"context=200000", "anthropic/claude-haiku-4.5 acme/m-1"},
        {"context=200001", ""},
        {"min_price=3", "acme/m-1"},
        {"min_price=1&max_price=1.25", "anthropic/claude-haiku-4.5 google/gemini-2.5-pro"},
        {"max_price=0.2", "x-ai/grok-4-fast"},
        {"max_output_price=5",
         "anthropic/claude-haiku-4.5 x-ai/grok-4-fast mistralai/mistral-medium-3.1"},
        {"min_output_price=15", "acme/m-1"},
        {"arch=claude", "anthropic/claude-haiku-4.5"},
        {"model_authors=google,acme", "google/gemini-2.5-pro acme/m-1"},
        {"model_authors=goo", ""},
        {"zdr=true", "anthropic/claude-haiku-4.5"},
        {"zdr=false", "*"},
        {"region=us", "anthropic/claude-haiku-4.5"},
        {"region=eu", ""},
        {"category=programming&providers=x&distillable=true&use_rss=1&sort=most-popular&x", "*"},
        {"sort=context-high-to-low&q=a",
         "anthropic/claude-haiku-4.5 acme/m-1 perplexity/sonar x-ai/grok-4-fast "
         "xai/grok-4-fast-non-reasoning openrouter/auto mistralai/mistral-medium-3.1"},
        {"sort=newest&min_price=0",
         "acme/m-1 anthropic/claude-haiku-4.5 mistralai/mistral-medium-3.1 x-ai/grok-4-fast "
         "google/gemini-2.5-pro"},
        {"sort=pricing-low-to-high",
         "x-ai/grok-4-fast mistralai/mistral-medium-3.1 anthropic/claude-haiku-4.5 "
         "google/gemini-2.5-pro acme/m-1 perplexity/sonar xai/grok-4-fast-non-reasoning "
         "openrouter/auto"},
        {"sort=pricing-high-to-low",
         "acme/m-1 google/gemini-2.5-pro anthropic/claude-haiku-4.5 mistralai/mistral-medium-3.1 "
         "x-ai/grok-4-fast perplexity/sonar xai/grok-4-fast-non-reasoning openrouter/auto"},
        {"max_age_days=0", ""},
        {"min_age_days=18000&output_modalities=all",
         "google/gemini-2.5-pro perplexity/sonar mistralai/mistral-embed-2312 x-ai/grok-4-fast "
         "xai/grok-4-fast-non-reasoning openrouter/auto mistralai/mistral-medium-3.1"},
        {"limit=2", "anthropic/claude-haiku-4.5 google/gemini-2.5-pro"},
        {"offset=6", "openrouter/auto mistralai/mistral-medium-3.1"},
        {"offset=6&limit=1", "openrouter/auto"},
        {"offset=99", ""},
    };
    struct catalogs *catalogs = catalogs_of(VERCEL, DIALECT_VERCEL);

    (void)state;
    catalogs_put(catalogs, 1, parse(OPENROUTER, DIALECT_OPENROUTER));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *expected = strcmp(cases[i].ids, "*") == 0 ? cases[0].ids : cases[i].ids;
        const char *got =
            ids(print(catalogs, CATALOG_MODELS, DIALECT_OPENROUTER, "", cases[i].query));
        if (strcmp(got, expected) != 0)
            fail_msg("%s: %s", cases[i].query, got);
    }
    catalogs_free(catalogs);
}

static void a_filter_that_means_nothing_is_refused(void **state)
{
    static const char *const bad[] = {
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=x",
        "offset=-1",
        "offset=1.5",
        "offset=9999999999999999",
        "sort=best",
        "output_modalities=smell",
        "input_modalities=text,smell",
        "context=many",
        "min_price=cheap",
        "max_output_price=0x1",
        "min_age_days=-1",
        "supported_parameters=a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a",
    };
    struct catalogs *catalogs = catalogs_of(VERCEL, DIALECT_VERCEL);
    const char *detail = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (failure(catalogs, CATALOG_MODELS, "", bad[i], &detail) != -EINVAL)
            fail_msg("%s", bad[i]);
        assert_non_null(detail);
    }
    failure(catalogs, CATALOG_MODELS, "", "a=1&limit=0", &detail);
    assert_string_equal(detail, "limit must be a whole number from 1 to 1000");
    catalogs_free(catalogs);
}

static void a_page_says_where_the_next_begins(void **state)
{
    struct catalogs *catalogs = catalogs_of(VERCEL, DIALECT_VERCEL);

    (void)state;
    assert_contains(print(catalogs, CATALOG_MODELS, DIALECT_OPENROUTER, "",
                          "q=%61&limit=2&offset=1&sort=newest"),
                    "\"total_count\":4,\"links\":{\"next\":"
                    "\"/api/v1/models?offset=3&limit=2&q=%61&sort=newest\"}}");
    assert_contains(print(catalogs, CATALOG_MODELS, DIALECT_OPENROUTER, "", "limit=2&offset=3"),
                    "\"total_count\":5,\"links\":{\"next\":null}}");
    assert_contains(print(catalogs, CATALOG_EMBEDDING_MODELS, DIALECT_OPENROUTER, "", ""),
                    "\"total_count\":1,\"links\":{\"next\":null}}");
    catalogs_free(catalogs);
}

static void counts_and_embedding_models(void **state)
{
    struct catalogs *catalogs = catalogs_of(VERCEL, DIALECT_VERCEL);

    (void)state;
    assert_string_equal(print(catalogs, CATALOG_COUNT, DIALECT_OPENROUTER, "", ""),
                        "{\"data\":{\"count\":5}}");
    assert_string_equal(
        print(catalogs, CATALOG_COUNT, DIALECT_OPENROUTER, "", "output_modalities=all&limit=1"),
        "{\"data\":{\"count\":6}}");
    assert_string_equal(print(catalogs, CATALOG_COUNT, DIALECT_VERCEL, "", "q=sonar"),
                        "{\"data\":{\"count\":6}}");
    assert_string_equal(print(catalogs, CATALOG_EMBEDDING_MODELS, DIALECT_VERCEL, "", ""),
                        LIST(EMBED));
    assert_string_equal(
        ids(print(catalogs, CATALOG_EMBEDDING_MODELS, DIALECT_OPENROUTER, "", "q=mistral")),
        "mistralai/mistral-embed-2312");
    catalogs_free(catalogs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(openrouters_filters),
        cmocka_unit_test(a_filter_that_means_nothing_is_refused),
        cmocka_unit_test(a_page_says_where_the_next_begins),
        cmocka_unit_test(counts_and_embedding_models),
    };

    return cmocka_run_group_tests(tests, open_map, close_map);
}
