/* config_print_test.c - the effective configuration prints as one that means the same, and the
 * files in configs/ say what the table says, to the letter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/server/config_support.h"

static char *print(const struct config *config)
{
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    config_print(config, out);
    fclose(out);
    return text;
}

static void assert_same_client(const struct config_client *client,
                               const struct config_client *other)
{
    assert_memory_equal(client->key_digest, other->key_digest, sizeof(client->key_digest));
    assert_memory_equal(&client->budget, &other->budget, sizeof(client->budget));
    assert_int_equal(client->cache, other->cache);
    assert_int_equal(client->zdr, other->zdr);
}

static void what_is_printed_is_the_same_configuration(void **state)
{
    static const char *const texts[] = {
        EXAMPLE,
        PAYING
        "admin: {address: '[::1]:9', token_env: T}\nprices: {file: prices.json}\nworkers: 7\n",
        EXAMPLE "listen:\n  - address: '[::]:1'\n    certificate: cert.pem\n    private_key: "
                "key.pem\n  - address: localhost:0\n",
        EXAMPLE "data_dir: \"x: \\u0085 # 'y' \\\"z\\\" \\u00e9\"\n",
        "upstreams:\n  - {name: 'null', dialect: openai, base_url: 'https://x'}\n"
        "  - {name: 'on', dialect: openrouter, base_url: 'https://y', api_key_env: 'NULL'}\n"
        "cache: {default: on, ttl: 7, memory: 0, disk: 0, max_entry: 1025, coalesce: off}\n"
        "limits: {body: 1025, buffered: 1048577, drain: 1ms}\n"
        "ledger: {tolerance: 99.9999%, durability: power}\n",
        EXAMPLE "models: {catalog: 0, map: prices.json}\nlimits: {retry: 5s, keepalive: 0}\n"
                "request_log: {enabled: on, retention: 36h, disk: 16MiB}\n",
        EXAMPLE "routes:\n  - name: x\n    models: ['*', a/b*, \"null\"]\n    providers: ['~']\n"
                "    upstreams: [a]\n    fallback_models: [b, '&c']\n  - name: 'y'\n",
        EXAMPLE
        "presets:\n  - name: x\n    system_prompt: |+\n        a\n         b: c\n\n\n"
        "    cache_enabled: off\n    cache_ttl_seconds: 9\n    fallback_models: [a]\n"
        "  - name: y\n    system_prompt: \" \\t\\u0085\\u2028\\e[0m'x' \\\"y\\\" # \\r\\n\"\n"
        "    cache_enabled: on\n"
        "    parameters: { a: [1, -0.0, 1e400, 'x', null, true, [[], {}]], '': {}, "
        "\"\\0\": \"\\0\\u0085\\n \", \"1\": \"1\", 'null': 'null', 'a b: c': '- d' }\n",
        PAYING "prices: {file: prices.json, refresh: 90m, from: [a]}\n"
               "limits: {detached: 0, detached_cost: 0.000000000000001, budget_wait: 0, "
               "output_tokens: 1}\n"
               "ledger: {account: 'null', account_name: \"a: 'b' #\", confirm: off, retention: 1 "
               "month}\n"
               "clients:\n  - name: 'null'\n    key_hash: " HASH_A "\n    project: \"é \\\" x\"\n"
               "    user: '*'\n    environment: '~'\n    tags: ['1', \"null\", é]\n"
               "    models: ['*']\n    requests_per_minute: 1000000\n    budget_per_day: 0.10\n"
               "    budget_per_week: 1000000000\n    budget_per_month: 123456.000000001\n"
               "    cache: off\n  - {name: b, key_hash: '" HASH_B "', zdr: on}\n",
        AT_URL "https://x\n    cost_path: metadata.cost\n    cost_unit: nano_usd\n"
               "    bills_as: 'A, B'\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct config *config = accept(texts[i], false), *again = NULL;
        char path[PATH_SIZE], *printed = print(config), *reprinted, *errors;
        path_in("dir/again.yaml", path); /* another directory: paths must not move */
        write_file("dir/again.yaml", printed, strlen(printed));
        assert_int_equal(open_file(path, false, &errors, &again), 0);
        assert_string_equal(errors, "");
        reprinted = print(again);
        assert_string_equal(printed, reprinted);
        assert_string_equal(config->data_dir, again->data_dir);
        assert_int_equal(config->workers, again->workers);
        assert_int_equal(config->listen_count, again->listen_count);
        assert_int_equal(config->upstream_count, again->upstream_count);
        assert_int_equal(config->route_count, again->route_count);
        assert_int_equal(config->preset_count, again->preset_count);
        assert_int_equal(config->client_count, again->client_count);
        for (unsigned n = 0; n < config->client_count; n++)
            assert_same_client(&config->client[n], &again->client[n]);
        for (unsigned n = 0; n < config->preset_count; n++)
            assert_string_equal(config->preset[n].version, again->preset[n].version);
        free(errors);
        free(reprinted);
        free(printed);
        config_free(again);
        config_free(config);
    }
}

/* What configs/tollgate.yaml shows in comments would be read if it were none. */
static void the_examples_of_lists_are_right(void **state)
{
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    struct config *config;
    (void)state;
    fputs(PAYING "prices: { file: prices.json }\n", out);
    for (unsigned i = 0; i < CONFIG_KEYS; i++) {
        const struct config_key *key = &config_keys[i];
        bool first = i == 0 || config_keys[i - 1].group != key->group;
        if (key->group != CONFIG_ROUTES && key->group != CONFIG_PRESETS &&
            key->group != CONFIG_CLIENTS)
            continue;
        if (first)
            fprintf(out, "%s:\n", config_group_name(key->group));
        if (strcmp(key->name, "upstreams") == 0)
            continue; /* of the documented configuration, not of this one */
        fprintf(out, "  %s %s: %s\n", first ? "-" : " ", key->name,
                key->fallback != NULL ? key->fallback : key->example);
    }
    fclose(out);
    config = accept(text, false);
    assert_int_equal(config->route_count, 1);
    assert_int_equal(config->preset_count, 1);
    assert_int_equal(config->client_count, 1);
    assert_true(config->client[0].budget.limit[BUDGET_MONTH].known);
    assert_string_equal(config->preset[0].parameters, "{\"temperature\":0,\"max_tokens\":1000}");
    config_free(config);
    free(text);
}

static void the_reference_names_every_key(void **state)
{
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    (void)state;
    config_print_reference(out);
    fclose(out);
    for (unsigned i = 0; i < CONFIG_KEYS; i++) {
        char shown[CONFIG_SHOWN_SIZE];
        config_key_show(&config_keys[i], -1, shown);
        assert_non_null(strstr(text, shown));
        assert_non_null(strstr(text, config_keys[i].about));
    }
    assert_non_null(strstr(text, "cache.memory: size in B, KiB, MiB, GiB or TiB; plain: bytes; 0, "
                                 "or 1MiB to 1TiB; default 256MiB\n"));
    free(text);
}

static char *read_whole(const char *path)
{
    char *text = test_malloc(CONFIG_FILE_BYTES_MAX);
    FILE *file = fopen(path, "re");
    size_t len;
    assert_non_null(file);
    len = fread(text, 1, CONFIG_FILE_BYTES_MAX - 1, file);
    text[len] = '\0';
    fclose(file);
    return text;
}

/* The line after the comments under `at`: "KEY: VALUE", perhaps behind "- " or commented out. */
static void assert_states(const char *at, const struct config_key *key)
{
    const char *value = key->fallback != NULL ? key->fallback : key->example;
    char statement[PATH_SIZE];
    size_t len;
    snprintf(statement, sizeof(statement), "%s: %s", key->name, value);
    for (;;) {
        const char *end = strchr(at, '\n');
        assert_non_null(end);
        len = strspn(at, " -#");
        if ((size_t)(end - at) == len + strlen(statement) &&
            strncmp(at + len, statement, strlen(statement)) == 0)
            return;
        assert_int_equal(at[strspn(at, " ")], '#'); /* another statement came first */
        at = end + 1;
    }
}

/* Key, type, unit, range, default and sentence stand in the file as they stand in the table. */
static void tollgate_yaml_documents_every_key(void **state)
{
    char *text = read_whole(SOURCE_DIR "/configs/tollgate.yaml");
    (void)state;
    for (unsigned i = 0; i < CONFIG_KEYS; i++) {
        char shown[CONFIG_SHOWN_SIZE], *described, *found;
        size_t len;
        FILE *out = open_memstream(&described, &len);
        config_key_show(&config_keys[i], -1, shown);
        fprintf(out, "# %s: ", shown);
        config_key_describe(&config_keys[i], out);
        fputs("\n", out);
        fclose(out);
        found = strstr(text, described);
        if (found == NULL)
            fail_msg("configs/tollgate.yaml lacks the line: %s", described);
        found += len;
        found += strspn(found, " ");
        assert_memory_equal(found, "# ", 2);
        assert_memory_equal(found + 2, config_keys[i].about, strlen(config_keys[i].about));
        assert_states(found, &config_keys[i]);
        free(described);
    }
    test_free(text);
}

static void tollgate_yaml_is_the_default(void **state)
{
    struct config *config = NULL, *bare = accept(EXAMPLE, false);
    char *errors;
    (void)state;
    assert_int_equal(open_file(SOURCE_DIR "/configs/tollgate.yaml", false, &errors, &config), 0);
    assert_string_equal(errors, "");
    for (unsigned i = 0; i < CONFIG_KEYS; i++) {
        const struct config_key *key = &config_keys[i];
        char one[CONFIG_HOST_MAX + 16], other[CONFIG_HOST_MAX + 16];
        if (key->fallback == NULL || key->type == CONFIG_PATH)
            continue;
        assert_string_equal(config_key_get(key, config_base(config, key->group, 0), one),
                            config_key_get(key, config_base(bare, key->group, 0), other));
    }
    assert_string_equal(config->upstream[0].base_url, "https://ai-gateway.vercel.sh/v1");
    assert_string_equal(config->upstream[0].api_key_env, "AI_GATEWAY_API_KEY");
    assert_string_equal(config->admin.token_env, "TOLLGATE_ADMIN_TOKEN");
    assert_true(config->admin.loopback);
    free(errors);
    config_free(bare);
    config_free(config);
}

static void local_sim_yaml_fronts_the_simulator(void **state)
{
    struct config *config = NULL;
    char *errors, *root = realpath(SOURCE_DIR, NULL), data[2 * PATH_SIZE];
    (void)state;
    assert_non_null(root);
    snprintf(data, sizeof(data), "%s/data", root);
    free(root);
    assert_int_equal(open_file(SOURCE_DIR "/configs/local-sim.yaml", true, &errors, &config), 0);
    assert_string_equal(errors, "");
    assert_string_equal(config->upstream[0].name, "sim");
    assert_int_equal(config->upstream[0].dialect, DIALECT_VERCEL);
    assert_string_equal(config->upstream[0].base_url, "http://127.0.0.1:9090/v1");
    assert_null(config->upstream[0].api_key_env);
    assert_int_equal(config->listen[0].port, 8080);
    assert_string_equal(config->data_dir, data);
    free(errors);
    config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_printed_is_the_same_configuration),
        cmocka_unit_test(the_examples_of_lists_are_right),
        cmocka_unit_test(the_reference_names_every_key),
        cmocka_unit_test(tollgate_yaml_documents_every_key),
        cmocka_unit_test(tollgate_yaml_is_the_default),
        cmocka_unit_test(local_sim_yaml_fronts_the_simulator),
    };
    return cmocka_run_group_tests_name("config_print", tests, set_up, tear_down);
}
