/* compare_models_test.c - `tollgate check --models`: lists of ids, and where each exists. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/compare_models.h"

/* The part of Vercel's catalogue that matters here: it has neither grok-code-fast-1 nor Claude 3.5
 * Sonnet. */
static const char vercel_models[] =
    "{\"object\":\"list\",\"data\":[{\"id\":\"xai/grok-4\"},{\"id\":\"anthropic/"
    "claude-haiku-4.5\"},"
    "{\"id\":\"alibaba/qwen-3-14b\"},{\"id\":\"openai/gpt-5-mini\"},{\"id\":\"openai/gpt-4o\"}]}";
static const char openrouter_models[] =
    "{\"data\":[{\"id\":\"x-ai/grok-4\"},{\"id\":\"qwen/qwen3-14b\"},{\"id\":\"openrouter/auto\"},"
    "{\"id\":\"openai/gpt-5-mini\"},{\"id\":\"x-ai/grok-code-fast-1\"}]}";

static struct model_map *map;
static struct catalog *catalogs[2];

static int set_up(void **state)
{
    char error[256];

    (void)state;
    if (model_map_open(NULL, &map, error, sizeof(error)) != 0)
        return -1;
    return catalog_parse(vercel_models, strlen(vercel_models), DIALECT_VERCEL, &catalogs[0]) != 0 ||
           catalog_parse(openrouter_models, strlen(openrouter_models), DIALECT_OPENROUTER,
                         &catalogs[1]) != 0;
}

static int tear_down(void **state)
{
    (void)state;
    catalog_free(catalogs[0]);
    catalog_free(catalogs[1]);
    model_map_free(map);
    return 0;
}

static void an_id_is_looked_for_under_its_name_there(void **state)
{
    static const struct {
        const char *id;
        unsigned upstream; /* 0: Vercel, 1: OpenRouter */
        enum catalog_has has;
        const char *model, *why;
    } cases[] = {
        {"x-ai/grok-code-fast-1", 0, CATALOG_NO, "xai/grok-code-fast-1", "vendor's other name"},
        {"x-ai/grok-code-fast-1", 1, CATALOG_YES, "x-ai/grok-code-fast-1", "the same there"},
        {"anthropic/claude-3.5-sonnet", 0, CATALOG_NO, "anthropic/claude-3.5-sonnet",
         "the same there"},
        {"anthropic/claude-3.5-sonnet", 1, CATALOG_NO, "anthropic/claude-3.5-sonnet",
         "the same there"},
        {"x-ai/grok-4", 0, CATALOG_YES, "xai/grok-4", "vendor's other name"},
        {"xai/grok-4", 1, CATALOG_YES, "x-ai/grok-4", "vendor's other name"},
        {"xai/grok-4", 0, CATALOG_YES, "xai/grok-4", "the same there"},
        {"qwen/qwen3-14b", 0, CATALOG_YES, "alibaba/qwen-3-14b", "listed pair"},
        {"alibaba/qwen-3-14b", 1, CATALOG_YES, "qwen/qwen3-14b", "listed pair"},
        {"openai/gpt-5-mini:nitro", 0, CATALOG_YES, "openai/gpt-5-mini", "variant dropped"},
        {"openai/gpt-5-mini:nitro", 1, CATALOG_YES, "openai/gpt-5-mini:nitro",
         "the same there, a suffix that the router reads"},
        {"openai/gpt-5-mini:online", 0, CATALOG_NO, "openai/gpt-5-mini:online",
         "has no form there"},
        {"openrouter/auto", 0, CATALOG_NO, "openrouter/auto",
         "a router, which only an openrouter upstream has"},
        {"openrouter/auto", 1, CATALOG_YES, "openrouter/auto", "the same there"},
        {"gpt-4o", 0, CATALOG_YES, "openai/gpt-4o", "vendor added"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum config_dialect dialect = cases[i].upstream == 0 ? DIALECT_VERCEL : DIALECT_OPENROUTER;
        struct compare_place place;

        compare_place(map, dialect, catalogs[cases[i].upstream], text_of(cases[i].id), &place);
        assert_string_equal(place.model, cases[i].model);
        assert_string_equal(place.why, cases[i].why);
        assert_int_equal(place.has, cases[i].has);
        compare_place(map, dialect, NULL, text_of(cases[i].id), &place);
        assert_true(place.has != CATALOG_YES); /* not told is not there */
    }
}

static void a_list_has_one_id_a_line(void **state)
{
    static const char list[] =
        "# our models\n\n a/b \r\nc/d # why\na/b\nx@preset/p\n@preset/q\ne#f";
    struct compare_ids *ids = malloc(sizeof(*ids));
    char error[256] = "";

    (void)state;
    assert_non_null(ids);
    assert_int_equal(compare_ids_read(list, strlen(list), ids, error, sizeof(error)), 0);
    assert_int_equal(ids->count, 4);
    assert_memory_equal(ids->id[0].bytes, "a/b", 3);
    assert_int_equal(ids->id[1].len, 3);
    assert_memory_equal(ids->id[2].bytes, "x", ids->id[2].len);
    assert_memory_equal(ids->id[3].bytes, "e#f", 3);
    assert_int_equal(compare_ids_read("a\n\"b\",\n", 7, ids, error, sizeof(error)), -EINVAL);
    assert_string_equal(error,
                        "line 2: is no model id; write one a line, without quotes or commas");
    free(ids);
}

static void a_list_has_a_bound(void **state)
{
    struct compare_ids *ids = malloc(sizeof(*ids));
    char *list = malloc((COMPARE_IDS_MAX + 1) * 8), error[256] = "";
    size_t len = 0;

    (void)state;
    assert_non_null(ids);
    assert_non_null(list);
    for (unsigned i = 0; i <= COMPARE_IDS_MAX; i++)
        len += (size_t)snprintf(list + len, 9, "m%u\n", i);
    assert_int_equal(compare_ids_read(list, len, ids, error, sizeof(error)), -EINVAL);
    assert_string_equal(error, "line 10001: more than 10000 ids; split the list");
    len -= strlen("m10000\n");
    assert_int_equal(compare_ids_read(list, len, ids, error, sizeof(error)), 0);
    assert_int_equal(ids->count, COMPARE_IDS_MAX);
    free(list);
    free(ids);
}

static char *print(bool json, unsigned *ret_missing)
{
    static char vercel[] = "vercel", openrouter[] = "or";
    static struct config config = {
        .upstream = {{.name = vercel, .dialect = DIALECT_VERCEL},
                     {.name = openrouter, .dialect = DIALECT_OPENROUTER}},
        .upstream_count = 2,
    };
    static const char list[] = "x-ai/grok-4\nanthropic/claude-3.5-sonnet\n";
    struct compare_ids *ids = malloc(sizeof(*ids));
    char error[256], *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    assert_non_null(ids);
    assert_int_equal(compare_ids_read(list, strlen(list), ids, error, sizeof(error)), 0);
    *ret_missing = compare_models_print(&config, map, catalogs, ids, json, out);
    fclose(out);
    free(ids);
    return text;
}

static void what_exists_nowhere_is_counted(void **state)
{
    unsigned missing;
    char *text = print(false, &missing);

    (void)state;
    assert_int_equal(missing, 1);
    assert_string_equal(
        text, "MODEL                        UPSTREAM           CALLED THERE               "
              "  WHY\n"
              "x-ai/grok-4                  vercel    found    xai/grok-4                 "
              "  vendor's other name\n"
              "                             or        found    x-ai/grok-4                "
              "  the same there\n"
              "anthropic/claude-3.5-sonnet  vercel    missing  anthropic/claude-3.5-sonnet"
              "  the same there\n"
              "                             or        missing  anthropic/claude-3.5-sonnet"
              "  the same there\n"
              "1 of 2 exist\n");
    free(text);
    text = print(true, &missing);
    assert_string_equal(
        text,
        "{\"id\":\"x-ai/grok-4\",\"exists\":true,\"upstreams\":[{\"upstream\":\"vercel\",\"model\":"
        "\"xai/grok-4\",\"found\":true,\"why\":\"vendor's other name\"},{\"upstream\":\"or\","
        "\"model\":\"x-ai/grok-4\",\"found\":true,\"why\":\"the same there\"}]}\n"
        "{\"id\":\"anthropic/claude-3.5-sonnet\",\"exists\":false,\"upstreams\":[{\"upstream\":"
        "\"vercel\",\"model\":\"anthropic/claude-3.5-sonnet\",\"found\":false,\"why\":\"the same "
        "there\"},{\"upstream\":\"or\",\"model\":\"anthropic/claude-3.5-sonnet\",\"found\":false,"
        "\"why\":\"the same there\"}]}\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_is_looked_for_under_its_name_there),
        cmocka_unit_test(a_list_has_one_id_a_line),
        cmocka_unit_test(a_list_has_a_bound),
        cmocka_unit_test(what_exists_nowhere_is_counted),
    };
    return cmocka_run_group_tests_name("compare_models", tests, set_up, tear_down);
}
