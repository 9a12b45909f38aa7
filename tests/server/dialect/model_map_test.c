#include "server/dialect/model_map_private.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static struct model_map *shipped;

static int open_shipped(void **state)
{
    char error[256];

    (void)state;
    return model_map_open(NULL, &shipped, error, sizeof(error));
}

static int close_shipped(void **state)
{
    (void)state;
    model_map_free(shipped);
    return 0;
}

/* --- models --- */

struct model_case {
    const char *id, *expected;
    enum model_map_result result;
    const char *sort;
    bool reasoning_off;
};

static void run(const struct model_map *map, enum config_dialect from, enum config_dialect to,
                const struct model_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char id[ROW_NAME_MAX + 1];
        const char *sort = "unset";
        enum model_map_result result =
            model_map_model(map, from, to, text_of(cases[i].id), cases[i].reasoning_off, id, &sort);

        if (result != cases[i].result)
            print_error("%s: %d\n", cases[i].id, (int)result);
        assert_int_equal(result, cases[i].result);
        assert_string_equal(id, cases[i].expected != NULL ? cases[i].expected : cases[i].id);
        if (cases[i].sort == NULL)
            assert_null(sort);
        else
            assert_string_equal(sort, cases[i].sort);
    }
}
#define RUN(map, from, to, cases) run(map, from, to, cases, sizeof(cases) / sizeof((cases)[0]))

static void ids_become_vercels(void **state)
{
    static const struct model_case cases[] = {
        /* explicit */
        {"mistralai/codestral-2508", "mistral/codestral", MODEL_MAP_MAPPED, NULL, false},
        {"mistralai/mistral-medium-3", "mistral/mistral-medium", MODEL_MAP_MAPPED, NULL, false},
        {"mistralai/mistral-medium-3.1", "mistral/mistral-medium", MODEL_MAP_MAPPED, NULL, false},
        {"qwen/qwen3-coder:free", "alibaba/qwen3-coder", MODEL_MAP_MAPPED, NULL, false},
        {"openai/gpt-5.1", "openai/gpt-5.1-thinking", MODEL_MAP_MAPPED, NULL, false},
        {"meta-llama/llama-3.1-8b-instruct:nitro", "meta/llama-3.1-8b", MODEL_MAP_MAPPED, "tps",
         false},
        /* reasoning */
        {"x-ai/grok-4-fast", "xai/grok-4-fast-reasoning", MODEL_MAP_MAPPED, NULL, false},
        {"x-ai/grok-4-fast", "xai/grok-4-fast-non-reasoning", MODEL_MAP_MAPPED, NULL, true},
        {"x-ai/grok-4.20:floor", "xai/grok-4.20-non-reasoning", MODEL_MAP_MAPPED, "cost", true},
        {"x-ai/grok-3-beta", "xai/grok-3", MODEL_MAP_MAPPED, NULL, true},
        /* vendors */
        {"x-ai/grok-code-fast-1", "xai/grok-code-fast-1", MODEL_MAP_MAPPED, NULL, false},
        {"z-ai/glm-5.3", "zai/glm-5.3", MODEL_MAP_MAPPED, NULL, false},
        {"black-forest-labs/flux-2-pro", "bfl/flux-2-pro", MODEL_MAP_MAPPED, NULL, false},
        {"amazon/nova-premier-v1", "amazon/nova-premier", MODEL_MAP_MAPPED, NULL, false},
        {"openai/gpt-5", NULL, MODEL_MAP_SAME, NULL, false},
        {"anthropic/claude-3.5-sonnet", NULL, MODEL_MAP_SAME, NULL, false},
        {"deepseek/deepseek-r1", NULL, MODEL_MAP_SAME, NULL, false},
        {"unheard/of", NULL, MODEL_MAP_SAME, NULL, false},
        /* dashes and dates */
        {"anthropic/claude-haiku-4-5", "anthropic/claude-haiku-4.5", MODEL_MAP_MAPPED, NULL, false},
        {"anthropic/claude-3-5-sonnet", "anthropic/claude-3.5-sonnet", MODEL_MAP_MAPPED, NULL,
         false},
        {"anthropic/claude-3-5-haiku-20241022", "anthropic/claude-3.5-haiku", MODEL_MAP_MAPPED,
         NULL, false},
        {"anthropic/claude-sonnet-4-20250514", "anthropic/claude-sonnet-4", MODEL_MAP_MAPPED, NULL,
         false},
        {"anthropic/claude-3-haiku", NULL, MODEL_MAP_SAME, NULL, false},
        {"anthropic/claude-3-7-sonnet-latest", "anthropic/claude-3.7-sonnet", MODEL_MAP_MAPPED,
         NULL, false},
        {"anthropic/claude-3-5-haiku-latest:nitro", "anthropic/claude-3.5-haiku", MODEL_MAP_MAPPED,
         "tps", false},
        {"openai/gpt-5-chat-latest", NULL, MODEL_MAP_SAME, NULL, false},
        /* variants */
        {"openai/gpt-oss-120b:free", "openai/gpt-oss-120b", MODEL_MAP_MAPPED, NULL, false},
        {"z-ai/glm-4.5-air:free", "zai/glm-4.5-air", MODEL_MAP_MAPPED, NULL, false},
        {"inclusionai/ling-3.0-flash:free", "inclusionai/ling-3.0-flash-free", MODEL_MAP_MAPPED,
         NULL, false},
        {"openai/gpt-5:nitro", "openai/gpt-5", MODEL_MAP_MAPPED, "tps", false},
        {"anthropic/claude-sonnet-4-5:floor", "anthropic/claude-sonnet-4.5", MODEL_MAP_MAPPED,
         "cost", false},
        {"openai/gpt-oss-20b:free:nitro", "openai/gpt-oss-20b", MODEL_MAP_MAPPED, "tps", false},
        {"z-ai/glm-4.5-air:floor:free", "zai/glm-4.5-air", MODEL_MAP_MAPPED, "cost", false},
        {"qwen/qwen3-coder:free:nitro", "alibaba/qwen3-coder", MODEL_MAP_MAPPED, "tps", false},
        {"openai/gpt-5:floor:nitro", "openai/gpt-5", MODEL_MAP_MAPPED, "tps", false},
        {"openai/gpt-5:online:nitro", NULL, MODEL_MAP_VARIANT, NULL, false},
        {"minimax/minimax-m2:free:nitro", NULL, MODEL_MAP_VARIANT, NULL, false},
        {"minimax/minimax-m2:free", NULL, MODEL_MAP_VARIANT, NULL, false}, /* would cost money */
        {"openai/gpt-5:online", NULL, MODEL_MAP_VARIANT, NULL, false},
        {"anthropic/claude-3.7-sonnet:thinking", NULL, MODEL_MAP_VARIANT, NULL, false},
        {"openai/gpt-5:exacto", NULL, MODEL_MAP_VARIANT, NULL, false},
        {"openai/gpt-5:", NULL, MODEL_MAP_VARIANT, NULL, false},
        /* routers */
        {"openrouter/auto", NULL, MODEL_MAP_ROUTER, NULL, false},
        {"openrouter/free", NULL, MODEL_MAP_ROUTER, NULL, false},
        {"~anthropic/claude-latest", NULL, MODEL_MAP_ROUTER, NULL, false},
        /* bare names */
        {"gpt-4o", "openai/gpt-4o", MODEL_MAP_MAPPED, NULL, false},
        {"claude-sonnet-4.5", "anthropic/claude-sonnet-4.5", MODEL_MAP_MAPPED, NULL, false},
        {"claude-haiku-4-5-20251001", "anthropic/claude-haiku-4.5", MODEL_MAP_MAPPED, NULL, false},
        {"gpt-5.1", "openai/gpt-5.1-thinking", MODEL_MAP_MAPPED, NULL, false},
        {"something", NULL, MODEL_MAP_SAME, NULL, false},
        {"", NULL, MODEL_MAP_SAME, NULL, false},
    };

    (void)state;
    RUN(shipped, DIALECT_OPENROUTER, DIALECT_VERCEL, cases);
    RUN(shipped, DIALECT_OPENAI, DIALECT_VERCEL, cases);
}

static void ids_become_openrouters(void **state)
{
    static const struct model_case cases[] = {
        {"mistral/codestral", "mistralai/codestral-2508", MODEL_MAP_MAPPED, NULL, false},
        /* Of several, the first that is listed. */
        {"mistral/mistral-medium", "mistralai/mistral-medium-3.1", MODEL_MAP_MAPPED, NULL, false},
        {"alibaba/qwen-3-30b", "qwen/qwen3-30b-a3b", MODEL_MAP_MAPPED, NULL, false},
        /* One-way entries do not count: these are what they are called. */
        {"alibaba/qwen3-coder", "qwen/qwen3-coder", MODEL_MAP_MAPPED, NULL, false},
        {"anthropic/claude-opus-4.6", NULL, MODEL_MAP_SAME, NULL, false},
        {"anthropic/claude-haiku-4.5", NULL, MODEL_MAP_SAME, NULL, false},
        {"google/gemini-2.5-pro", NULL, MODEL_MAP_SAME, NULL, false},
        {"xai/grok-3", "x-ai/grok-3", MODEL_MAP_MAPPED, NULL, false},
        {"deepseek/deepseek-v3", "deepseek/deepseek-chat", MODEL_MAP_MAPPED, NULL, false},
        {"xai/grok-4-fast-reasoning", "x-ai/grok-4-fast", MODEL_MAP_MAPPED, NULL, false},
        {"xai/grok-4-fast-non-reasoning", "x-ai/grok-4-fast", MODEL_MAP_MAPPED, NULL, false},
        {"spacexai/grok-4.3", "x-ai/grok-4.3", MODEL_MAP_MAPPED, NULL, false},
        {"spacexai/grok-4-fast-reasoning", "x-ai/grok-4-fast", MODEL_MAP_MAPPED, NULL, false},
        {"spacexai/grok-4.20-non-reasoning", "x-ai/grok-4.20", MODEL_MAP_MAPPED, NULL, false},
        {"anthropic/claude-3-7-sonnet-latest", "anthropic/claude-3.7-sonnet", MODEL_MAP_MAPPED,
         NULL, false},
        {"zai/glm-5.3", "z-ai/glm-5.3", MODEL_MAP_MAPPED, NULL, false},
        {"meta/llama-3.3-70b", "meta-llama/llama-3.3-70b-instruct", MODEL_MAP_MAPPED, NULL, false},
        {"amazon/nova-pro", "amazon/nova-pro-v1", MODEL_MAP_MAPPED, NULL, false},
        {"amazon/titan-embed-text-v2", NULL, MODEL_MAP_SAME, NULL, false},
        {"inclusionai/ling-3.0-flash-free", "inclusionai/ling-3.0-flash:free", MODEL_MAP_MAPPED,
         NULL, false},
        {"anthropic/claude-sonnet-4-5", "anthropic/claude-sonnet-4.5", MODEL_MAP_MAPPED, NULL,
         false},
        {"openrouter/auto", NULL, MODEL_MAP_SAME, NULL, false},
        {"vmc/mine", NULL, MODEL_MAP_VARIANT, NULL, false},
        {"gpt-4o", "openai/gpt-4o", MODEL_MAP_MAPPED, NULL, false},
    };

    (void)state;
    RUN(shipped, DIALECT_VERCEL, DIALECT_OPENROUTER, cases);
}

static void other_pairs_keep_the_id(void **state)
{
    static const struct model_case same[] = {
        {"mistralai/codestral-2508", NULL, MODEL_MAP_SAME, NULL, false},
        {"gpt-4o", NULL, MODEL_MAP_SAME, NULL, false},
        {"llama3:8b", NULL, MODEL_MAP_SAME, NULL, false},
    };
    static const struct model_case router[] = {
        {"openrouter/auto", NULL, MODEL_MAP_ROUTER, NULL, false},
        {"~vendor/latest", NULL, MODEL_MAP_ROUTER, NULL, false},
    };
    static const struct model_case known[] = {
        {"openrouter/auto", NULL, MODEL_MAP_SAME, NULL, false},
        {"openai/gpt-5:online", NULL, MODEL_MAP_SAME, NULL, false},
    };
    static const struct model_case generic[] = {
        {"gpt-4o", "openai/gpt-4o", MODEL_MAP_MAPPED, NULL, false},
        {"qwen/qwen3-14b:nitro", NULL, MODEL_MAP_SAME, NULL, false},
    };

    (void)state;
    RUN(shipped, DIALECT_OPENROUTER, DIALECT_OPENROUTER, same);
    RUN(shipped, DIALECT_VERCEL, DIALECT_VERCEL, same);
    RUN(shipped, DIALECT_OPENROUTER, DIALECT_OPENAI, same);
    RUN(shipped, DIALECT_VERCEL, DIALECT_OPENAI, same);
    RUN(shipped, DIALECT_VERCEL, DIALECT_VERCEL, router);
    RUN(shipped, DIALECT_OPENROUTER, DIALECT_OPENAI, router);
    RUN(shipped, DIALECT_OPENROUTER, DIALECT_OPENROUTER, known);
    RUN(shipped, DIALECT_OPENAI, DIALECT_OPENROUTER, generic);
}

/* What would outgrow an id stays as it is; NUL bytes are bytes like others. */
static void long_and_odd_ids_are_harmless(void **state)
{
    char id[ROW_NAME_MAX], mapped[ROW_NAME_MAX + 1];
    const char *sort;

    (void)state;
    memset(id, 'a', sizeof(id));
    memcpy(id, "zai/", 4);
    assert_int_equal(model_map_model(shipped, DIALECT_VERCEL, DIALECT_OPENROUTER,
                                     (struct text){id, sizeof(id)}, false, mapped, &sort),
                     MODEL_MAP_SAME);
    assert_memory_equal(mapped, id, sizeof(id));
    assert_int_equal(model_map_model(shipped, DIALECT_VERCEL, DIALECT_OPENROUTER,
                                     (struct text){id, sizeof(id) - 1}, false, mapped, &sort),
                     MODEL_MAP_MAPPED);
    assert_int_equal(strlen(mapped), ROW_NAME_MAX);
    assert_int_equal(model_map_model(shipped, DIALECT_OPENROUTER, DIALECT_VERCEL,
                                     TEXT("x-ai/grok-3-beta\0y"), false, mapped, &sort),
                     MODEL_MAP_MAPPED);
    assert_memory_equal(mapped, "xai/grok-3-beta\0y", 18);
}

/* What OpenRouter calls it, Vercel's name for it calls back, unless an entry says otherwise. */
static void entries_come_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i < shipped->entry_count[MAP_MODELS]; i++) {
        const struct map_entry *entry = &shipped->entries[MAP_MODELS][i];
        const struct map_entry *first =
            model_map_find(&shipped->backward[MAP_MODELS], entry->vercel, strlen(entry->vercel));

        if (entry->one_way)
            continue;
        assert_non_null(first);
        assert_true(first <= entry);
        assert_string_equal(first->vercel, entry->vercel);
    }
}

static void reasoning_off_is_part_of_some_names(void **state)
{
    char longer[4 * ROW_NAME_MAX]; /* a body may say what no id may be */

    memset(longer, 'a', sizeof(longer));
    memcpy(longer, "spacexai/", 9);
    (void)state;
    assert_true(model_map_means_reasoning_off(shipped, TEXT("xai/grok-4.20-non-reasoning")));
    assert_true(model_map_means_reasoning_off(shipped, TEXT("spacexai/grok-4.20-non-reasoning")));
    assert_false(model_map_means_reasoning_off(shipped, TEXT("spacexai/grok-4.20-reasoning")));
    assert_false(model_map_means_reasoning_off(shipped, TEXT("")));
    assert_false(model_map_means_reasoning_off(shipped, (struct text){longer, sizeof(longer)}));
    assert_false(model_map_means_reasoning_off(shipped, TEXT("xai/grok-4.20-reasoning")));
    assert_false(model_map_means_reasoning_off(shipped, TEXT("x-ai/grok-4.20")));
    assert_false(model_map_means_reasoning_off(shipped, TEXT("openai/gpt-5")));
}

/* --- providers --- */

static void providers_have_other_names(void **state)
{
    static const struct {
        enum config_dialect from, to;
        const char *slug, *expected;
    } cases[] = {
        {DIALECT_OPENROUTER, DIALECT_VERCEL, "amazon-bedrock/us-east", "bedrock"},
        {DIALECT_OPENROUTER, DIALECT_VERCEL, "Google-AI-Studio", "google"},
        {DIALECT_OPENROUTER, DIALECT_VERCEL, "google-vertex", "vertex"},
        {DIALECT_OPENROUTER, DIALECT_VERCEL, "deepinfra/fp8", "deepinfra"},
        {DIALECT_OPENROUTER, DIALECT_VERCEL, "together", "togetherai"},
        {DIALECT_OPENROUTER, DIALECT_VERCEL, "claude-on-aws", "claudeaws"},
        {DIALECT_OPENROUTER, DIALECT_VERCEL, "seed", "bytedance"},
        {DIALECT_OPENROUTER, DIALECT_VERCEL, "z-ai", "zai"},
        {DIALECT_VERCEL, DIALECT_OPENROUTER, "bedrock", "amazon-bedrock"},
        {DIALECT_VERCEL, DIALECT_OPENROUTER, "vertexAnthropic", "google-vertex"},
        {DIALECT_VERCEL, DIALECT_OPENROUTER, "vertex", "google-vertex"},
        {DIALECT_VERCEL, DIALECT_OPENROUTER, "google", "google-ai-studio"},
        {DIALECT_VERCEL, DIALECT_OPENROUTER, "cerebras", "cerebras"},
        {DIALECT_OPENROUTER, DIALECT_OPENROUTER, "amazon-bedrock/us", "amazon-bedrock/us"},
        {DIALECT_OPENROUTER, DIALECT_OPENAI, "amazon-bedrock/us", "amazon-bedrock/us"},
        {DIALECT_OPENROUTER, DIALECT_VERCEL, "", ""},
        {DIALECT_OPENROUTER, DIALECT_VERCEL, "/x", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char slug[ROW_NAME_MAX + 1];

        model_map_provider(shipped, cases[i].from, cases[i].to, text_of(cases[i].slug), slug);
        assert_string_equal(slug, cases[i].expected);
    }
}

/* --- the file --- */

static void same_text(const char *a, const char *b)
{
    assert_int_equal(a == NULL, b == NULL);
    if (a != NULL)
        assert_string_equal(a, b);
}

/* The file is what people read and copy; the array is what runs without it. */
static void the_shipped_file_says_what_is_compiled_in(void **state)
{
    char error[256] = "";
    struct model_map *file;

    (void)state;
    if (model_map_open(SOURCE_DIR "/configs/models.json", &file, error, sizeof(error)) != 0)
        fail_msg("%s", error);
    for (unsigned table = 0; table < MAP_TABLES; table++) {
        assert_int_equal(file->entry_count[table], shipped->entry_count[table]);
        for (unsigned i = 0; i < file->entry_count[table]; i++) {
            const struct map_entry *one = &file->entries[table][i];
            const struct map_entry *other = &shipped->entries[table][i];

            same_text(one->openrouter, other->openrouter);
            same_text(one->vercel, other->vercel);
            same_text(one->third, other->third);
            assert_int_equal(one->one_way, other->one_way);
        }
    }
    for (unsigned list = 0; list < MAP_LISTS; list++) {
        assert_int_equal(file->pattern_count[list], shipped->pattern_count[list]);
        for (unsigned i = 0; i < file->pattern_count[list]; i++)
            same_text(file->patterns[list][i], shipped->patterns[list][i]);
    }
    model_map_free(file);
}

/* Opens a map of that text; on failure the complaint without the file's name. */
static int open_text(const char *text, size_t len, struct model_map **ret_map, char error[256])
{
    char path[] = "/tmp/tollgate-models-XXXXXX", complaint[512] = "";
    int fd = mkstemp(path), result;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), len);
    close(fd);
    result = model_map_open(path, ret_map, complaint, sizeof(complaint));
    unlink(path);
    error[0] = '\0';
    if (result != 0) {
        assert_memory_equal(complaint, path, strlen(path));
        snprintf(error, 256, "%s", complaint + strlen(path));
    }
    return result;
}

static void a_file_may_extend_what_is_shipped(void **state)
{
    static const char text[] =
        "{\"format\":1,\"extends\":\"shipped\",\n"
        "\"models\":[{\"openrouter\":\"x-ai/grok-3-beta\",\"vercel\":\"spacexai/grok-3\"},\n"
        " {\"openrouter\":\"a/b\",\"vercel\":\"xai\\/grok-4-fast-reasoning\"}],\n"
        "\"vendors\":[{\"openrouter\":\"x-ai\",\"vercel\":\"spacexai\"}],\n"
        "\"variants\":[{\"openrouter\":\"quick\",\"sort\":\"ttft\"}],\n"
        "\"providers\":[{\"openrouter\":\"Mine\",\"vercel\":\"YOURS\"}],\n"
        "\"routers\":[\"mine/router\"]}";
    static const struct model_case cases[] = {
        {"x-ai/grok-3-beta", "spacexai/grok-3", MODEL_MAP_MAPPED, NULL, false},
        {"x-ai/grok-9", "spacexai/grok-9", MODEL_MAP_MAPPED, NULL, false},
        {"x-ai/grok-9:quick", "spacexai/grok-9", MODEL_MAP_MAPPED, "ttft", false},
        {"x-ai/grok-9:nitro", "spacexai/grok-9", MODEL_MAP_MAPPED, "tps", false},
        {"mistralai/codestral-2508", "mistral/codestral", MODEL_MAP_MAPPED, NULL, false},
        {"mine/router", NULL, MODEL_MAP_ROUTER, NULL, false},
        {"openrouter/auto", NULL, MODEL_MAP_ROUTER, NULL, false},
    };
    static const struct model_case back[] = {
        {"xai/grok-4-fast-reasoning", "a/b", MODEL_MAP_MAPPED, NULL, false},
        {"xai/grok-4-fast-non-reasoning", "x-ai/grok-4-fast", MODEL_MAP_MAPPED, NULL, false},
        /* Also where the file prefers the other name of the vendor. */
        {"spacexai/grok-4-fast-non-reasoning", "x-ai/grok-4-fast", MODEL_MAP_MAPPED, NULL, false},
        {"xai/grok-3", "x-ai/grok-3-beta", MODEL_MAP_MAPPED, NULL, false},
    };
    char error[256], slug[ROW_NAME_MAX + 1];
    struct model_map *map;

    (void)state;
    assert_int_equal(open_text(text, sizeof(text) - 1, &map, error), 0);
    RUN(map, DIALECT_OPENROUTER, DIALECT_VERCEL, cases);
    RUN(map, DIALECT_VERCEL, DIALECT_OPENROUTER, back);
    model_map_provider(map, DIALECT_OPENROUTER, DIALECT_VERCEL, TEXT("mine/eu"), slug);
    assert_string_equal(slug, "yours");
    model_map_free(map);
}

static void a_file_may_replace_what_is_shipped(void **state)
{
    static const struct model_case cases[] = {
        {"mistralai/codestral-2508", NULL, MODEL_MAP_SAME, NULL, false},
        {"openrouter/auto", NULL, MODEL_MAP_SAME, NULL, false},
    };
    char error[256];
    struct model_map *map;

    (void)state;
    assert_int_equal(open_text("{\"format\":1}", 12, &map, error), 0);
    RUN(map, DIALECT_OPENROUTER, DIALECT_VERCEL, cases);
    model_map_free(map);
}

static void broken_files_are_refused_with_their_line(void **state)
{
    static const struct {
        const char *text, *complaint;
    } cases[] = {
        {"", ":1: is not JSON from here on"},
        {"{\n\"format\":1,\n}", ":3: is not JSON from here on"},
        {"[]", ":1: must be an object"},
        {"{}", ":1: must say \"format\": 1"},
        {"{\"format\":2}", ":1: format must be 1"},
        {"{\"format\":1,\n\"extends\":\"mine\"}", ":2: extends must be \"shipped\""},
        {"{\"format\":1,\n\"model\":[]}", ":2: no such member; there are format, "},
        {"{\"format\":1,\n\"models\":{}}", ":2: must be a list"},
        {"{\"format\":1,\"models\":[\n1]}", ":2: an entry of models must be an object"},
        {"{\"format\":1,\"models\":[\n{\"openrouter\":\"a\"}]}",
         ":2: an entry of models must say openrouter and vercel"},
        {"{\"format\":1,\"models\":[{\"openrouter\":\"a\",\n\"vercel\":\"\"}]}",
         ":2: vercel must be a text of 1 to 256 visible ASCII characters"},
        {"{\"format\":1,\"models\":[{\"openrouter\":\"a b\"}]}", ":1: openrouter must be a text"},
        {"{\"format\":1,\"models\":[{\"openrouter\":\"a\\u00e9\"}]}",
         ":1: openrouter must be a text"},
        {"{\"format\":1,\"models\":[{\"openrouter\":\"a\\u0000\"}]}",
         ":1: openrouter must be a text"},
        {"{\"format\":1,\"models\":[{\"openrouter\":1}]}", ":1: openrouter must be a text"},
        {"{\"format\":1,\"models\":[{\"drop\":\"a\"}]}", ":1: an entry of models has no such"},
        {"{\"format\":1,\"models\":[{\"one_way\":1}]}", ":1: one_way must be true or false"},
        {"{\"format\":1,\"models\":[{\"openrouter\":\"a\",\"vercel\":\"b\"},\n"
         "{\"openrouter\":\"a\",\"vercel\":\"c\"}]}",
         ":2: a is listed twice in models"},
        {"{\"format\":1,\"variants\":[{\"openrouter\":\"a\",\"sort\":\"b\"}]}",
         ":1: sort must be cost, ttft or tps"},
        {"{\"format\":1,\"free\":[\"a*b\"]}", ":1: `*` may stand at the end only"},
        {"{\"format\":1,\"free\":[1]}", ":1: free must be a text"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct model_map *map = NULL;
        char error[256];

        assert_int_equal(open_text(cases[i].text, strlen(cases[i].text), &map, error), -EINVAL);
        assert_null(map);
        if (strncmp(error, cases[i].complaint, strlen(cases[i].complaint)) != 0)
            fail_msg("%s: %s", cases[i].text, error);
    }
}

static void files_are_bounded(void **state)
{
    size_t size = MAP_FILE_MAX + 1, at;
    char *text = malloc(size), error[256];
    struct model_map *map = NULL;

    (void)state;
    assert_non_null(text);
    memset(text, ' ', size);
    memcpy(text, "{\"format\":1}", 12);
    assert_int_equal(open_text(text, size, &map, error), -EINVAL);
    assert_string_equal(error, ":1: larger than 1048576 bytes");
    assert_int_equal(open_text(text, size - 1, &map, error), 0);
    model_map_free(map);
    map = NULL;
    at = (size_t)snprintf(text, size, "{\"format\":1,\"models\":[");
    for (unsigned i = 0; i <= MAP_ENTRIES_MAX; i++)
        at += (size_t)snprintf(text + at, size - at,
                               "%s{\"openrouter\":\"a/%u\",\"vercel\":\"b/%u\"}", i > 0 ? "," : "",
                               i, i);
    at += (size_t)snprintf(text + at, size - at, "]}");
    assert_int_equal(open_text(text, at, &map, error), -EINVAL);
    assert_string_equal(error, ":1: more than 8192 entries");
    at = (size_t)snprintf(text, size, "{\"format\":1,\"free\":[\"a\"");
    for (unsigned i = 0; i < MAP_PATTERNS_MAX; i++)
        at += (size_t)snprintf(text + at, size - at, ",\"b\"");
    at += (size_t)snprintf(text + at, size - at, "]}");
    assert_int_equal(open_text(text, at, &map, error), -EINVAL);
    assert_string_equal(error, ":1: more than 256 patterns");
    free(text);
    assert_int_equal(model_map_open("/nowhere/models.json", &map, error, sizeof(error)), -ENOENT);
    assert_string_equal(error, "/nowhere/models.json: cannot be read: No such file or directory");
    assert_null(map);
    model_map_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_become_vercels),
        cmocka_unit_test(ids_become_openrouters),
        cmocka_unit_test(other_pairs_keep_the_id),
        cmocka_unit_test(long_and_odd_ids_are_harmless),
        cmocka_unit_test(entries_come_back),
        cmocka_unit_test(reasoning_off_is_part_of_some_names),
        cmocka_unit_test(providers_have_other_names),
        cmocka_unit_test(the_shipped_file_says_what_is_compiled_in),
        cmocka_unit_test(a_file_may_extend_what_is_shipped),
        cmocka_unit_test(a_file_may_replace_what_is_shipped),
        cmocka_unit_test(broken_files_are_refused_with_their_line),
        cmocka_unit_test(files_are_bounded),
    };

    return cmocka_run_group_tests(tests, open_shipped, close_shipped);
}
