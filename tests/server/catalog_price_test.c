#include "tests/server/catalog_support.h"

/* {"pricing":X} of one entry in the other schema; the outermost braces of the result. */
static const char *price(const char *pricing, enum config_dialect from, const char *type)
{
    static char text[4096];
    enum config_dialect to = from == DIALECT_VERCEL ? DIALECT_OPENROUTER : DIALECT_VERCEL;
    struct catalogs *catalogs;
    const char *printed;
    struct json_doc doc;
    uint32_t value;

    snprintf(text, sizeof text, LIST("{\"id\":\"a/b\",\"type\":\"%s\",\"pricing\":%s}"), type,
             pricing);
    catalogs = catalogs_of(text, from);
    printed = print(catalogs, CATALOG_MODEL, to, "a/b", "");
    json_doc_init(&doc);
    assert_int_equal(json_parse(&doc, printed, strlen(printed), NULL), 0);
    value = json_get(&doc, to == DIALECT_OPENROUTER ? json_get(&doc, 0, "data") : 0, "pricing");
    assert_int_not_equal(value, JSON_NONE);
    snprintf(text, sizeof text, "%.*s", (int)(doc.tokens[value].end - doc.tokens[value].start),
             doc.text + doc.tokens[value].start);
    json_doc_release(&doc);
    catalogs_free(catalogs);
    return text;
}

static void prices_of_vercel_in_openrouters_words(void **state)
{
    static const struct {
        const char *type, *vercel, *openrouter;
    } cases[] = {
        /* Unknown is never free. */
        {"language", "{}", "{\"prompt\":\"-1\",\"completion\":\"-1\"}"},
        {"language", "null", "{\"prompt\":\"-1\",\"completion\":\"-1\"}"},
        {"language", "{\"input\":\"0.1\"}", "{\"prompt\":\"0.1\",\"completion\":\"-1\"}"},
        {"language", "{\"input\":\"-1\",\"output\":\"x\"}",
         "{\"prompt\":\"-1\",\"completion\":\"-1\"}"},
        {"language", "{\"input\":null,\"output\":{}}", "{\"prompt\":\"-1\",\"completion\":\"-1\"}"},
        {"language", "{\"input\":\"0\",\"output\":\"0\"}",
         "{\"prompt\":\"0\",\"completion\":\"0\"}"},
        /* An embedding has no completion tokens: those cost nothing indeed. */
        {"embedding", "{\"input\":\"0.1\"}", "{\"prompt\":\"0.1\",\"completion\":\"0\"}"},
        {"embedding", "{}", "{\"prompt\":\"-1\",\"completion\":\"-1\"}"},
        /* The text as it came, but no exponents. */
        {"language", "{\"input\":\"0.00000010\",\"output\":1e-7}",
         "{\"prompt\":\"0.00000010\",\"completion\":\"0.0000001\"}"},
        {"image", "{\"image\":\"0.04\"}",
         "{\"prompt\":\"-1\",\"completion\":\"-1\",\"image_output\":\"0.04\"}"},
        {"language",
         "{\"input\":\"1\",\"output\":\"2\",\"web_search\":\"0.01\",\"audio_input_token_cost\":"
         "\"3\",\"audio_output_token_cost\":\"4\",\"fast\":{\"input\":\"9\"}}",
         "{\"prompt\":\"1\",\"completion\":\"2\",\"web_search\":\"0.01\",\"audio\":\"3\","
         "\"audio_output\":\"4\"}"},
        /* Ten dollars are the price of a thousand searches. */
        {"language", "{\"input\":\"1\",\"output\":\"2\",\"web_search\":\"10\"}",
         "{\"prompt\":\"1\",\"completion\":\"2\"}"},
        /* min is inclusive here, min_prompt_tokens is not. */
        {"language",
         "{\"input\":\"1\",\"output\":\"2\",\"input_tiers\":[{\"cost\":\"1\",\"min\":0,\"max\":"
         "200001},{\"cost\":\"3\",\"min\":200001}],\"output_tiers\":[{\"cost\":\"2\",\"max\":"
         "128001},{\"cost\":\"4\",\"min\":128001}]}",
         "{\"prompt\":\"1\",\"completion\":\"2\",\"overrides\":[{\"min_prompt_tokens\":128000,"
         "\"completion\":\"4\"},{\"min_prompt_tokens\":200000,\"prompt\":\"3\"}]}"},
        /* The tiers alone; and one that ends: behind it the plain price holds. */
        {"language",
         "{\"output\":\"2\",\"input_tiers\":[{\"cost\":\"1\",\"min\":0,\"max\":5},{\"cost\":\"3\","
         "\"min\":5}],\"output_tiers\":[{\"cost\":\"7\",\"min\":3,\"max\":9}]}",
         "{\"prompt\":\"1\",\"completion\":\"2\",\"overrides\":[{\"min_prompt_tokens\":2,"
         "\"completion\":\"7\"},{\"min_prompt_tokens\":4,\"prompt\":\"3\"},"
         "{\"min_prompt_tokens\":8,\"completion\":\"2\"}]}"},
        /* What cannot be read whole is not known. */
        {"language", "{\"input\":\"1\",\"output\":\"2\",\"input_tiers\":[{\"cost\":\"x\"}]}",
         "{\"prompt\":\"-1\",\"completion\":\"-1\"}"},
        {"language",
         "{\"input\":\"1\",\"output\":\"2\",\"input_tiers\":[{\"cost\":\"1\",\"min\":1.5}]}",
         "{\"prompt\":\"-1\",\"completion\":\"-1\"}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(price(cases[i].vercel, DIALECT_VERCEL, cases[i].type),
                            cases[i].openrouter);
}

static void prices_of_openrouter_in_vercels_words(void **state)
{
    static const struct {
        const char *openrouter, *vercel;
    } cases[] = {
        {"{\"prompt\":\"-1\",\"completion\":\"-1\"}", "{}"},
        {"{\"prompt\":\"0.10\",\"completion\":\"2\",\"request\":\"0.1\",\"image\":\"5\","
         "\"image_output\":\"6\",\"discount\":0.5}",
         "{\"input\":\"0.10\",\"output\":\"2\",\"image\":\"6\"}"},
        /* Later ones win, in the order of the list and not of the sizes; by the hour is left out.
         */
        {"{\"prompt\":\"1\",\"completion\":\"2\",\"overrides\":[{\"min_prompt_tokens\":500,"
         "\"prompt\":\"3\"},{\"min_prompt_tokens\":200,\"prompt\":\"4\"},{\"min_prompt_tokens\":"
         "900,"
         "\"utc_start\":0,\"prompt\":\"9\"}]}",
         "{\"input\":\"1\",\"input_tiers\":[{\"cost\":\"1\",\"max\":201},{\"cost\":\"4\",\"min\":"
         "201}],\"output\":\"2\"}"},
        {"{\"prompt\":\"1\",\"completion\":\"2\",\"overrides\":[{\"min_prompt_tokens\":200,"
         "\"prompt\":\"4\"},{\"min_prompt_tokens\":500,\"completion\":\"3\"}]}",
         "{\"input\":\"1\",\"input_tiers\":[{\"cost\":\"1\",\"max\":201},{\"cost\":\"4\",\"min\":"
         "201}],\"output\":\"2\",\"output_tiers\":[{\"cost\":\"2\",\"max\":501},{\"cost\":\"3\","
         "\"min\":501}]}"},
        {"{\"prompt\":\"1\",\"completion\":\"2\",\"overrides\":[{\"prompt\":\"4\"}]}",
         "{\"input\":\"4\",\"output\":\"2\"}"},
        {"{\"prompt\":\"1\",\"completion\":\"2\",\"overrides\":[{\"min_prompt_tokens\":\"many\","
         "\"prompt\":\"4\"}]}",
         "{}"},
        {"{\"prompt\":\"1\",\"completion\":\"2\",\"overrides\":[{\"min_prompt_tokens\":5,"
         "\"prompt\":\"-1\"}]}",
         "{}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(price(cases[i].openrouter, DIALECT_OPENROUTER, "language"),
                            cases[i].vercel);
}

static void more_tiers_than_there_is_room_for_are_unknown(void **state)
{
    char tiers[2048] = "{\"input\":\"1\",\"output\":\"2\",\"input_tiers\":[";
    size_t len = strlen(tiers);

    (void)state;
    for (int i = 1; i < 16; i++)
        len += (size_t)snprintf(tiers + len, sizeof tiers - len, "%s{\"cost\":\"%d\",\"min\":%d}",
                                i > 1 ? "," : "", i, i * 10);
    snprintf(tiers + len, sizeof tiers - len, "]}");
    assert_contains(price(tiers, DIALECT_VERCEL, "language"),
                    "{\"min_prompt_tokens\":149,\"prompt\":\"15\"}]");
    snprintf(tiers + len, sizeof tiers - len, ",{\"cost\":\"3\",\"min\":2}]}");
    assert_string_equal(price(tiers, DIALECT_VERCEL, "language"),
                        "{\"prompt\":\"-1\",\"completion\":\"-1\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prices_of_vercel_in_openrouters_words),
        cmocka_unit_test(prices_of_openrouter_in_vercels_words),
        cmocka_unit_test(more_tiers_than_there_is_room_for_are_unknown),
    };

    return cmocka_run_group_tests(tests, open_map, close_map);
}
