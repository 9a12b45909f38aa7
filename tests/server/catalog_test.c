#include "tests/server/catalog_support.h"

static void a_snapshot_knows_its_ids_and_slugs(void **state)
{
    struct catalog *catalog = parse(OPENROUTER, DIALECT_OPENROUTER);

    (void)state;
    assert_int_equal(catalog_count(catalog), 3);
    assert_true(catalog_has(catalog, TEXT("acme/m-1")));
    assert_true(catalog_has(catalog, TEXT("acme/m-1-20260420")));
    assert_true(catalog_has(catalog, TEXT("openrouter/auto")));
    assert_false(catalog_has(catalog, TEXT("acme/m-")));
    assert_false(catalog_has(catalog, TEXT("acme/m-11")));
    assert_false(catalog_has(catalog, TEXT("Acme/m-1")));
    assert_false(catalog_has(catalog, (struct text){NULL, 0}));
    catalog_free(catalog);
    catalog_free(NULL);
}

static void what_is_no_list_of_models_is_refused(void **state)
{
    static const char *const bad[] = {
        "",          "[]",    "{}", "null", "{\"data\":{}}", "{\"data\":null}", "{\"data\":[}",
        "not found", "<html>"};
    struct catalog *catalog = NULL;
    char long_id[400] = LIST("{\"id\":\"");

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(catalog_parse(bad[i], strlen(bad[i]), DIALECT_OPENAI, &catalog), -EBADMSG);
    assert_null(catalog);
    /* Entries that nobody could ask for are left out; the others count. */
    catalog = parse(LIST("1,null,{},{\"id\":7},{\"id\":\"\"},{\"id\":\"a b\"},{\"id\":\"a\\n\"},"
                         "{\"id\":\"a\\u0022\"},{\"id\":\"x\\/y\"},{\"id\":\"z\"},{\"id\":\"z\"}"),
                    DIALECT_OPENAI);
    assert_int_equal(catalog_count(catalog), 3);
    assert_true(catalog_has(catalog, TEXT("x/y")));
    assert_true(catalog_has(catalog, TEXT("z")));
    catalog_free(catalog);
    memset(long_id, 'a', sizeof long_id);
    memcpy(long_id, "{\"data\":[{\"id\":\"", 16);
    memcpy(long_id + 390, "\"}]}", 5);
    catalog = parse(long_id, DIALECT_OPENAI);
    assert_int_equal(catalog_count(catalog), 0);
    catalog_free(catalog);
}

static void patterns_leave_open_what_is_there(void **state)
{
    struct catalogs *catalogs =
        catalogs_of(LIST("{\"id\":\"openai/*\"},{\"id\":\"a/b\"}"), DIALECT_OPENAI);

    (void)state;
    assert_int_equal(catalogs_has(catalogs, 0, TEXT("a/b")), CATALOG_YES);
    assert_int_equal(catalogs_has(catalogs, 0, TEXT("openai/gpt-4o")), CATALOG_UNKNOWN);
    catalogs_free(catalogs);
}

static void too_many_models_are_refused(void **state)
{
    struct out out = OUT_INIT;
    struct catalog *catalog = NULL;

    (void)state;
    out_text(&out, "{\"data\":[");
    for (unsigned i = 0; i < CATALOG_MODELS_MAX; i++) {
        out_next(&out);
        out_text(&out, "{\"id\":\"m");
        out_number(&out, i);
        out_text(&out, "\"}");
    }
    out_text(&out, "]}");
    assert_int_equal(catalog_parse(out.bytes, out.len, DIALECT_OPENAI, &catalog), 0);
    assert_int_equal(catalog_count(catalog), CATALOG_MODELS_MAX);
    assert_true(catalog_has(catalog, TEXT("m16383")));
    catalog_free(catalog);
    out.len -= 2;
    out_text(&out, ",1]}");
    assert_int_equal(catalog_parse(out.bytes, out.len, DIALECT_OPENAI, &catalog), -EBADMSG);
    out_release(&out);
}

static void nothing_is_known_before_the_first_list(void **state)
{
    struct catalogs *catalogs = catalogs_new(&gateway);

    (void)state;
    assert_int_equal(catalogs_has(catalogs, 0, TEXT("a/b")), CATALOG_UNKNOWN);
    assert_int_equal(failure(catalogs, CATALOG_MODELS, "", "", NULL), -EAGAIN);
    catalogs_put(catalogs, 1, parse(LIST("{\"id\":\"a/b\"}"), DIALECT_VERCEL));
    assert_int_equal(catalogs_has(catalogs, 0, TEXT("a/b")), CATALOG_UNKNOWN);
    assert_int_equal(catalogs_has(catalogs, 1, TEXT("a/b")), CATALOG_YES);
    assert_int_equal(catalogs_has(catalogs, 1, TEXT("a/c")), CATALOG_NO);
    catalogs_put(catalogs, 1, NULL);
    assert_int_equal(catalogs_has(catalogs, 1, TEXT("a/b")), CATALOG_UNKNOWN);
    catalogs_free(catalogs);
    catalogs_free(NULL);
}

static void a_list_in_its_own_schema_is_spliced(void **state)
{
    struct catalogs *catalogs = catalogs_of(VERCEL, DIALECT_VERCEL);

    (void)state;
    assert_string_equal(print(catalogs, CATALOG_MODELS, DIALECT_VERCEL, "", "limit=1"), VERCEL);
    assert_string_equal(
        print(catalogs, CATALOG_MODEL, DIALECT_VERCEL, "anthropic%2fclaude-haiku-4.5", ""), HAIKU);
    catalogs_put(catalogs, 0, parse(LIST(ACME), DIALECT_OPENROUTER));
    assert_string_equal(print(catalogs, CATALOG_MODELS, DIALECT_OPENROUTER, "", ""),
                        "{\"data\":[" ACME "],\"total_count\":1,\"links\":{\"next\":null}}");
    /* Also under its slug. */
    assert_string_equal(print(catalogs, CATALOG_MODEL, DIALECT_OPENROUTER, "acme/m-1-20260420", ""),
                        "{\"data\":" ACME "}");
    assert_int_equal(failure(catalogs, CATALOG_MODEL, "acme/m-2", "", NULL), -ENOENT);
    assert_int_equal(failure(catalogs, CATALOG_MODEL, "", "", NULL), -ENOENT);
    catalogs_free(catalogs);
}

/* What its own client library insists on: an old list, or one in OpenRouter's style, lacks some. */
static void what_a_spliced_model_lacks_is_added(void **state)
{
    struct catalogs *catalogs = catalogs_of(LIST(ROUTER), DIALECT_OPENROUTER);

    (void)state;
    assert_string_equal(
        print(catalogs, CATALOG_MODEL, DIALECT_OPENROUTER, "openrouter/auto", ""),
        "{\"data\":{\"id\":\"openrouter/auto\",\"canonical_slug\":\"openrouter/auto\","
        "\"name\":\"Auto\",\"created\":7,\"pricing\":{\"prompt\":\"-1\",\"completion\":\"-1\"},"
        "\"context_length\":null,\"architecture\":{\"modality\":\"text->text\","
        "\"input_modalities\":[\"text\"],\"output_modalities\":[\"text\"],\"tokenizer\":\"Router\","
        "\"instruct_type\":null},\"top_provider\":{\"context_length\":null,"
        "\"max_completion_tokens\":null,\"is_moderated\":false},\"per_request_limits\":null,"
        "\"supported_parameters\":[],\"default_parameters\":null,\"supported_voices\":null,"
        "\"links\":{\"details\":\"/api/v1/models/openrouter/auto/endpoints\"}}}");
    catalogs_free(catalogs);
}

static void a_vercel_model_in_openrouters_schema(void **state)
{
    struct catalogs *catalogs = catalogs_of(VERCEL, DIALECT_VERCEL);

    (void)state;
    assert_string_equal(
        print(catalogs, CATALOG_MODEL, DIALECT_OPENROUTER, "anthropic/claude-haiku-4.5", ""),
        "{\"data\":{\"id\":\"anthropic/claude-haiku-4.5\","
        "\"canonical_slug\":\"anthropic/claude-haiku-4.5\",\"name\":\"Claude Haiku 4.5\","
        "\"created\":1755815280,\"description\":\"Fast \\u00e9t\\u00e9\","
        "\"context_length\":200000,\"architecture\":{\"modality\":\"text+image->text\","
        "\"input_modalities\":[\"text\",\"image\"],\"output_modalities\":[\"text\"],"
        "\"tokenizer\":\"Claude\",\"instruct_type\":null},\"pricing\":{\"prompt\":\"0.0000010\","
        "\"completion\":\"0.000005\",\"input_cache_read\":\"0.0000001\","
        "\"input_cache_write\":\"0.00000125\"},\"top_provider\":{\"context_length\":200000,"
        "\"max_completion_tokens\":64000,\"is_moderated\":false},\"per_request_limits\":null,"
        "\"supported_parameters\":[\"tools\",\"tool_choice\",\"reasoning\",\"include_reasoning\"],"
        "\"default_parameters\":null,\"supported_voices\":null,\"knowledge_cutoff\":\"2025-02\","
        "\"expiration_date\":\"2027-01-01\",\"links\":{\"details\":"
        "\"/api/v1/models/anthropic/claude-haiku-4.5/endpoints\"}}}");
    catalogs_free(catalogs);
}

static void an_openrouter_model_in_vercels_schema(void **state)
{
    struct catalogs *catalogs = catalogs_of(OPENROUTER, DIALECT_OPENROUTER);

    (void)state;
    assert_string_equal(
        print(catalogs, CATALOG_MODEL, DIALECT_VERCEL, "acme/m-1", ""),
        "{\"id\":\"acme/m-1\",\"object\":\"model\",\"created\":1776643200,"
        "\"released\":1776643200,\"owned_by\":\"acme\",\"name\":\"Acme: M 1\",\"description\":\"\","
        "\"context_window\":200000,\"max_tokens\":64000,\"type\":\"language\","
        "\"tags\":[\"tool-use\",\"reasoning\",\"vision\",\"web-search\"],"
        "\"modalities\":{\"input\":[\"text\",\"image\"],\"output\":[\"text\"]},"
        "\"supported_specifications\":[],"
        "\"supported_parameters\":[\"max_tokens\",\"tools\",\"reasoning\"],"
        "\"pricing\":{\"input\":\"0.000003\",\"input_tiers\":[{\"cost\":\"0.000003\","
        "\"max\":200001},{\"cost\":\"0.000006\",\"min\":200001}],\"output\":\"0.000015\","
        "\"output_tiers\":[{\"cost\":\"0.000015\",\"max\":200001},{\"cost\":\"0.0000225\","
        "\"min\":200001}],\"input_cache_read\":\"0.0000003\",\"web_search\":\"0.01\"}}");
    catalogs_free(catalogs);
}

static void kinds_of_models_have_words_in_both_schemas(void **state)
{
    static const struct {
        const char *type, *output;
    } kinds[] = {{"embedding", "embeddings"},       {"image", "image"},   {"video", "video"},
                 {"reranking", "rerank"},           {"speech", "speech"}, {"language", "text"},
                 {"transcription", "transcription"}};
    char list[512], expected[64];

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct catalogs *catalogs;

        snprintf(list, sizeof list, LIST("{\"id\":\"a/b\",\"type\":\"%s\"}"), kinds[i].type);
        catalogs = catalogs_of(list, DIALECT_VERCEL);
        snprintf(expected, sizeof expected, "\"output_modalities\":[\"%s\"]", kinds[i].output);
        assert_contains(print(catalogs, CATALOG_MODEL, DIALECT_OPENROUTER, "a/b", ""), expected);
        catalogs_free(catalogs);

        snprintf(list, sizeof list, LIST("{\"id\":\"a/b\",\"architecture\":{%s}}"), expected);
        catalogs = catalogs_of(list, DIALECT_OPENROUTER);
        snprintf(expected, sizeof expected, "\"type\":\"%s\"", kinds[i].type);
        assert_contains(print(catalogs, CATALOG_MODEL, DIALECT_VERCEL, "a/b", ""), expected);
        catalogs_free(catalogs);
    }
}

/* LLMGateway, LiteLLM and the like: ids as they are, the schema by what an entry holds. */
static void a_bare_list_is_shown_in_both_schemas(void **state)
{
    struct catalogs *catalogs = catalogs_of(
        LIST("{\"id\":\"gpt-4o\",\"object\":\"model\",\"created\":9,\"owned_by\":\"openai\"},"
             "{\"id\":\"qwen/x\",\"display_name\":\"X\",\"context_length\":5,\"architecture\":{},"
             "\"pricing\":{\"prompt\":\"1\",\"completion\":\"2\"}}"),
        DIALECT_OPENAI);

    (void)state;
    assert_string_equal(print(catalogs, CATALOG_MODEL, DIALECT_VERCEL, "gpt-4o", ""),
                        "{\"id\":\"gpt-4o\",\"object\":\"model\",\"created\":9,\"released\":9,"
                        "\"owned_by\":\"openai\",\"name\":\"gpt-4o\",\"description\":\"\","
                        "\"type\":\"language\",\"tags\":[],\"modalities\":{\"input\":[\"text\"],"
                        "\"output\":[\"text\"]},\"supported_specifications\":[],\"pricing\":{}}");
    assert_contains(print(catalogs, CATALOG_MODEL, DIALECT_OPENROUTER, "gpt-4o", ""),
                    "\"pricing\":{\"prompt\":\"-1\",\"completion\":\"-1\"}");
    assert_contains(print(catalogs, CATALOG_MODEL, DIALECT_VERCEL, "qwen/x", ""),
                    "\"context_window\":5,");
    /* In OpenRouter's schema already: spliced, with the rest behind. */
    assert_contains(print(catalogs, CATALOG_MODEL, DIALECT_OPENROUTER, "qwen/x", ""),
                    "\"architecture\":{},\"pricing\":{\"prompt\":\"1\",\"completion\":\"2\"},"
                    "\"canonical_slug\":\"qwen/x\",\"name\":\"X\"");
    catalogs_free(catalogs);
}

/* An id that would lead to another model when the client says it is not given. */
static void ids_are_in_the_clients_words_and_lead_back(void **state)
{
    struct catalogs *catalogs = catalogs_of(VERCEL, DIALECT_VERCEL);

    (void)state;
    assert_string_equal(
        ids(print(catalogs, CATALOG_MODELS, DIALECT_OPENROUTER, "", "output_modalities=all")),
        "anthropic/claude-haiku-4.5 google/gemini-2.5-pro perplexity/sonar "
        "mistralai/mistral-embed-2312 x-ai/grok-4-fast xai/grok-4-fast-non-reasoning");
    catalogs_put(catalogs, 0, parse(OPENROUTER, DIALECT_OPENROUTER));
    assert_string_equal(ids(print(catalogs, CATALOG_MODELS, DIALECT_VERCEL, "", "")),
                        "acme/m-1 openrouter/auto mistral/mistral-medium");
    catalogs_free(catalogs);
}

static void of_one_model_the_earlier_upstream_speaks(void **state)
{
    struct catalogs *catalogs = catalogs_new(&gateway);

    (void)state;
    catalogs_put(catalogs, 2,
                 parse(LIST("{\"id\":\"mistral/mistral-medium\",\"name\":\"Later\"},"
                            "{\"id\":\"acme/m-1\"},{\"id\":\"acme/m-3\",\"name\":\"First\"},"
                            "{\"id\":\"acme/m-3\",\"name\":\"Twin\"}"),
                       DIALECT_VERCEL));
    catalogs_put(catalogs, 1, parse(OPENROUTER, DIALECT_OPENROUTER));
    assert_string_equal(ids(print(catalogs, CATALOG_MODELS, DIALECT_OPENROUTER, "", "")),
                        "acme/m-1 openrouter/auto mistralai/mistral-medium-3.1 acme/m-3");
    assert_contains(print(catalogs, CATALOG_MODEL, DIALECT_OPENROUTER, "acme/m-3", ""), "First");
    assert_contains(
        print(catalogs, CATALOG_MODEL, DIALECT_OPENROUTER, "mistralai/mistral-medium-3.1", ""),
        "\"name\":\"Mistral\"");
    /* What was printed is not kept longer than it is true. */
    catalogs_put(catalogs, 1, NULL);
    assert_contains(
        print(catalogs, CATALOG_MODEL, DIALECT_OPENROUTER, "mistralai/mistral-medium-3.1", ""),
        "\"name\":\"Later\"");
    catalogs_free(catalogs);
}

static void providers_are_the_authors_each_once(void **state)
{
    static const char *const expected[][2] = {
        {"Anthropic", "anthropic"},
        {"Google AI Studio", "google-ai-studio"},
        {"Mistral", "mistral"},
        {"Perplexity", "perplexity"},
        {"xAI", "xai"},
        {"Z.ai", "z-ai"},
    };
    struct catalogs *catalogs = catalogs_of(VERCEL, DIALECT_VERCEL);
    char text[2048] = "{\"data\":[";
    size_t len = strlen(text);

    (void)state;
    catalogs_put(catalogs, 1,
                 parse(LIST(MISTRAL ",{\"id\":\"~z-ai/glm-latest\"},{\"id\":\"bare\"}"),
                       DIALECT_OPENROUTER));
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        len += (size_t)snprintf(text + len, sizeof text - len,
                                "%s{\"name\":\"%s\",\"slug\":\"%s\",\"privacy_policy_url\":null,"
                                "\"terms_of_service_url\":null,\"status_page_url\":null,"
                                "\"headquarters\":null,\"datacenters\":null}",
                                i > 0 ? "," : "", expected[i][0], expected[i][1]);
    snprintf(text + len, sizeof text - len, "]}");
    assert_string_equal(print(catalogs, CATALOG_PROVIDERS, DIALECT_OPENROUTER, "", ""), text);
    catalogs_free(catalogs);
}

/* What one gateway prints another can read: the text does not change any more. */
static void a_printed_list_is_a_list(void **state)
{
    struct catalogs *catalogs = catalogs_of(VERCEL, DIALECT_VERCEL);
    static char first[16384];

    (void)state;
    snprintf(first, sizeof first, "%s",
             print(catalogs, CATALOG_MODELS, DIALECT_OPENROUTER, "", "output_modalities=all"));
    catalogs_put(catalogs, 0, parse(first, DIALECT_OPENROUTER));
    assert_string_equal(
        print(catalogs, CATALOG_MODELS, DIALECT_OPENROUTER, "", "output_modalities=all"), first);
    /* And back: the same model, the same prices, to the last zero. */
    assert_contains(
        print(catalogs, CATALOG_MODEL, DIALECT_VERCEL, "anthropic/claude-haiku-4.5", ""),
        "\"pricing\":{\"input\":\"0.0000010\",\"output\":\"0.000005\","
        "\"input_cache_read\":\"0.0000001\",\"input_cache_write\":\"0.00000125\"}}");
    assert_contains(
        print(catalogs, CATALOG_MODEL, DIALECT_VERCEL, "google/gemini-2.5-pro", ""),
        "\"pricing\":{\"input\":\"0.00000125\",\"input_tiers\":[{\"cost\":\"0.00000125\","
        "\"max\":200001},{\"cost\":\"0.0000025\",\"min\":200001}],\"output\":\"0.00001\","
        "\"output_tiers\":[{\"cost\":\"0.00001\",\"max\":128001},{\"cost\":\"0.000015\","
        "\"min\":128001}],\"input_cache_read\":\"0.000000125\"}}");
    assert_contains(print(catalogs, CATALOG_MODEL, DIALECT_VERCEL, "perplexity/sonar", ""),
                    "\"pricing\":{}}");
    assert_contains(print(catalogs, CATALOG_MODEL, DIALECT_VERCEL, "mistral/mistral-embed", ""),
                    "\"type\":\"embedding\"");
    catalogs_free(catalogs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_snapshot_knows_its_ids_and_slugs),
        cmocka_unit_test(what_is_no_list_of_models_is_refused),
        cmocka_unit_test(patterns_leave_open_what_is_there),
        cmocka_unit_test(too_many_models_are_refused),
        cmocka_unit_test(nothing_is_known_before_the_first_list),
        cmocka_unit_test(a_list_in_its_own_schema_is_spliced),
        cmocka_unit_test(what_a_spliced_model_lacks_is_added),
        cmocka_unit_test(a_vercel_model_in_openrouters_schema),
        cmocka_unit_test(an_openrouter_model_in_vercels_schema),
        cmocka_unit_test(kinds_of_models_have_words_in_both_schemas),
        cmocka_unit_test(a_bare_list_is_shown_in_both_schemas),
        cmocka_unit_test(ids_are_in_the_clients_words_and_lead_back),
        cmocka_unit_test(of_one_model_the_earlier_upstream_speaks),
        cmocka_unit_test(providers_are_the_authors_each_once),
        cmocka_unit_test(a_printed_list_is_a_list),
    };

    return cmocka_run_group_tests(tests, open_map, close_map);
}
