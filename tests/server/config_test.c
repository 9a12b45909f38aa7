/* config_test.c - the configuration is read strictly, refused with every complaint in its place.
 * What is printed and documented of it is in config_print_test.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/server/config_cases.h"
#include "tests/server/config_support.h"

static void what_is_wrong_is_told_with_its_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        assert_refused(refused[i].text, false, refused[i].complaints);
}

/* Group, key, what the file says, what it means. */
static void what_is_right_keeps_its_exact_value(void **state)
{
    static const struct {
        enum config_group group;
        const char *name, *text, *printed;
    } right[] = {
        {CONFIG_CACHE, "default", "on", "on"},
        {CONFIG_CACHE, "default", "off", "off"},
        {CONFIG_CACHE, "default", "true", "on"},
        {CONFIG_CACHE, "default", "false", "off"},
        {CONFIG_CACHE, "default", "yes", "on"},
        {CONFIG_CACHE, "default", "no", "off"},
        {CONFIG_CACHE, "default", "'on'", "on"},
        {CONFIG_CACHE, "ttl", "1", "1"},
        {CONFIG_CACHE, "ttl", "86400", "86400"},
        {CONFIG_CACHE, "ttl", "5m", "300"},
        {CONFIG_CACHE, "ttl", "24h", "86400"},
        {CONFIG_CACHE, "ttl", "3000ms", "3"},
        {CONFIG_CACHE, "memory", "0", "0"},
        {CONFIG_CACHE, "memory", "1MiB", "1MiB"},
        {CONFIG_CACHE, "memory", "1TiB", "1TiB"},
        {CONFIG_CACHE, "memory", "1048577", "1048577B"},
        {CONFIG_CACHE, "memory", "1048577B", "1048577B"},
        {CONFIG_CACHE, "memory", "1536KiB", "1536KiB"},
        {CONFIG_CACHE, "memory", "1024MiB", "1GiB"},
        {CONFIG_CACHE, "disk", "16MiB", "16MiB"},
        {CONFIG_CACHE, "disk", "64TiB", "64TiB"},
        {CONFIG_CACHE, "max_entry", "1KiB", "1KiB"},
        {CONFIG_CACHE, "coalesce", "false", "off"},
        {CONFIG_LIMITS, "body", "1GiB", "1GiB"},
        {CONFIG_LIMITS, "buffered", "1TiB", "1TiB"},
        {CONFIG_LIMITS, "drain", "0s", "0s"},
        {CONFIG_LIMITS, "drain", "0ms", "0s"},
        {CONFIG_LIMITS, "drain", "500ms", "500ms"},
        {CONFIG_LIMITS, "drain", "90s", "90s"},
        {CONFIG_LIMITS, "drain", "60m", "1h"},
        {CONFIG_LEDGER, "tolerance", "0%", "0%"},
        {CONFIG_LEDGER, "tolerance", "100%", "100%"},
        {CONFIG_LEDGER, "tolerance", "0.0001%", "0.0001%"},
        {CONFIG_LEDGER, "tolerance", "12.3400%", "12.34%"},
        {CONFIG_LEDGER, "durability", "power", "power"},
        {CONFIG_LIMITS, "retry", "0s", "0s"},
        {CONFIG_LIMITS, "retry", "60s", "1m"},
        {CONFIG_LIMITS, "keepalive", "0", "0s"},
        {CONFIG_LIMITS, "keepalive", "100ms", "100ms"},
        {CONFIG_LIMITS, "keepalive", "10m", "10m"},
        {CONFIG_MODELS, "catalog", "0", "0s"},
        {CONFIG_MODELS, "catalog", "0s", "0s"},
        {CONFIG_MODELS, "catalog", "1s", "1s"},
        {CONFIG_MODELS, "catalog", "24h", "24h"},
        {CONFIG_REQUEST_LOG, "enabled", "on", "on"},
        {CONFIG_REQUEST_LOG, "retention", "1m", "1m"},
        {CONFIG_REQUEST_LOG, "retention", "90d", "90d"},
        {CONFIG_REQUEST_LOG, "retention", "36h", "36h"},
        {CONFIG_REQUEST_LOG, "retention", "48h", "2d"},
        {CONFIG_REQUEST_LOG, "disk", "1TiB", "1TiB"},
        {CONFIG_LIMITS, "detached", "0", "0s"},
        {CONFIG_LIMITS, "detached", "24h", "24h"},
        {CONFIG_LIMITS, "detached", "900s", "15m"},
        {CONFIG_LIMITS, "detached_cost", "0", "0"},
        {CONFIG_LIMITS, "detached_cost", "0.000000000000001", "0.000000000000001"},
        {CONFIG_LIMITS, "detached_cost", "1000000000", "1000000000"},
        {CONFIG_LIMITS, "detached_cost", "2.50", "2.5"},
        {CONFIG_LIMITS, "budget_wait", "0", "0s"},
        {CONFIG_LIMITS, "budget_wait", "10ms", "10ms"},
        {CONFIG_LIMITS, "output_tokens", "1", "1"},
        {CONFIG_LIMITS, "output_tokens", "10000000", "10000000"},
        {CONFIG_LEDGER, "account", "'Acme: main'", "Acme: main"},
        {CONFIG_LEDGER, "account_name", "é", "é"},
        {CONFIG_LEDGER, "confirm", "off", "off"},
        {CONFIG_LEDGER, "retention", "0", "0"},
        {CONFIG_LEDGER, "retention", "1", "1 month"},
        {CONFIG_LEDGER, "retention", "24 months", "24 months"},
        {CONFIG_LEDGER, "retention", "1200", "1200 months"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
        const struct config_key *key = &config_keys[config_key_find(right[i].group, right[i].name)];
        char text[PATH_SIZE], scratch[CONFIG_HOST_MAX + 16];
        struct config *config;
        snprintf(text, sizeof(text), EXAMPLE "%s: { %s: %s }\n", config_group_name(right[i].group),
                 right[i].name, right[i].text);
        config = accept(text, false);
        assert_string_equal(config_key_get(key, config, scratch), right[i].printed);
        config_free(config);
    }
}

static void numbers_land_in_their_units(void **state)
{
    struct config *config = accept(EXAMPLE "cache: { ttl: 2m, memory: 2MiB, default: yes }\n"
                                           "limits: { drain: 2s }\nworkers: 3\n"
                                           "ledger: { tolerance: 0.1% }\n",
                                   false);
    (void)state;
    assert_int_equal(config->cache.ttl_s, 120);
    assert_int_equal(config->cache.memory_bytes, 2097152);
    assert_true(config->cache.by_default);
    assert_int_equal(config->limits.drain_ms, 2000);
    assert_int_equal(config->ledger.tolerance_ppm, 1000);
    assert_int_equal(config->workers, 3);
    config_free(config);
}

static void addresses_are_taken_apart(void **state)
{
    static const struct {
        const char *text, *host;
        unsigned port;
        bool loopback;
    } addresses[] = {
        {"127.0.0.1:8080", "127.0.0.1", 8080, true},
        {"127.255.0.9:1", "127.255.0.9", 1, true},
        {"localhost:0", "localhost", 0, true},
        {"LocalHost:1", "LocalHost", 1, true},
        {"\"[::1]:8080\"", "::1", 8080, true},
        {"'[::ffff:127.0.0.1]:1'", "::ffff:127.0.0.1", 1, true},
        {"'[::]:443'", "::", 443, false},
        {"0.0.0.0:65535", "0.0.0.0", 65535, false},
        {"128.0.0.1:1", "128.0.0.1", 1, false},
        {"gate_way.example-host.net:1", "gate_way.example-host.net", 1, false},
        {"localhost.example.net:1", "localhost.example.net", 1, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        char text[PATH_SIZE];
        struct config *config;
        snprintf(text, sizeof(text), EXAMPLE "listen:\n  - address: %s\n", addresses[i].text);
        config = accept(text, true);
        assert_int_equal(config->listen_count, 1);
        assert_string_equal(config->listen[0].host, addresses[i].host);
        assert_int_equal(config->listen[0].port, addresses[i].port);
        assert_int_equal(config->listen[0].loopback, addresses[i].loopback);
        config_free(config);
    }
}

static void base_urls_lose_their_last_slash(void **state)
{
    static const char *const urls[][2] = {
        {"https://example.com/v1/", "https://example.com/v1"},
        {"https://example.com//", "https://example.com"},
        {"https://example.com", "https://example.com"},
        {"https://example.com:8443/a/b", "https://example.com:8443/a/b"},
        {"https://example.com/a@b:1", "https://example.com/a@b:1"},
        {"http://127.0.0.1:9090/v1", "http://127.0.0.1:9090/v1"},
        {"http://[::1]:9090/v1", "http://[::1]:9090/v1"},
        {"http://localhost", "http://localhost"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        char text[PATH_SIZE];
        struct config *config;
        snprintf(text, sizeof(text), AT_URL "\"%s\"\n", urls[i][0]);
        config = accept(text, false);
        assert_string_equal(config->upstream[0].base_url, urls[i][1]);
        config_free(config);
    }
}

static void what_is_absent_has_its_default(void **state)
{
    struct config *config = accept(EXAMPLE, true);
    char data[PATH_SIZE];
    (void)state;
    path_in("data", data);
    assert_int_equal(config->listen_count, 1);
    assert_string_equal(config->listen[0].host, "127.0.0.1");
    assert_int_equal(config->listen[0].port, 8080);
    assert_true(config->listen[0].loopback);
    assert_null(config->listen[0].certificate);
    assert_null(config->admin.host);
    assert_null(config->admin.token);
    assert_null(config->prices.file);
    assert_string_equal(config->data_dir, data);
    assert_true(config->workers >= 1);
    assert_true(config->workers <= 64);
    assert_false(config->cache.by_default);
    assert_int_equal(config->cache.ttl_s, 300);
    assert_int_equal(config->cache.memory_bytes, UINT64_C(256) << 20);
    assert_int_equal(config->cache.disk_bytes, UINT64_C(8) << 30);
    assert_int_equal(config->cache.max_entry_bytes, UINT64_C(16) << 20);
    assert_true(config->cache.coalesce);
    assert_int_equal(config->limits.body_bytes, UINT64_C(32) << 20);
    assert_int_equal(config->limits.buffered_bytes, UINT64_C(512) << 20);
    assert_int_equal(config->limits.drain_ms, 30000);
    assert_int_equal(config->ledger.tolerance_ppm, 1000);
    assert_int_equal(config->ledger.durability, DURABILITY_CRASH);
    assert_int_equal(config->upstream_count, 1);
    assert_int_equal(config->upstream[0].dialect, DIALECT_VERCEL);
    assert_null(config->upstream[0].api_key_env);
    assert_null(config->upstream[0].api_key);
    assert_int_equal(config->route_count, 0);
    assert_int_equal(config->preset_count, 0);
    assert_null(config->models.map);
    assert_int_equal(config->models.catalog_ms, 120000);
    assert_false(config->request_log.enabled);
    assert_int_equal(config->request_log.retention_s, 7 * 86400);
    assert_int_equal(config->request_log.disk_bytes, UINT64_C(1) << 30);
    assert_int_equal(config->limits.retry_ms, 0);
    assert_int_equal(config->limits.keepalive_ms, 10000);
    assert_int_equal(config->limits.detached_ms, 900000);
    assert_true(config->limits.detached_cost.femto == 0);
    assert_int_equal(config->limits.budget_wait_ms, 30000);
    assert_int_equal(config->limits.output_tokens, 65536);
    assert_int_equal(config->client_count, 0);
    assert_null(config->upstream[0].cost_path);
    assert_null(config->upstream[0].bills_as);
    assert_int_equal(config->upstream[0].cost_unit_femto, INT64_C(1000000000000000));
    assert_int_equal(config->prices.refresh_ms, 0);
    assert_int_equal(config->prices.from.count, 0);
    assert_string_equal(config->ledger.account, "tollgate");
    assert_null(config->ledger.account_name);
    assert_true(config->ledger.confirm);
    assert_int_equal(config->ledger.retention_months, 0);
    config_free(config);
    config_free(NULL);
}

static void paths_are_relative_to_the_file(void **state)
{
    char want[PATH_SIZE], link_path[PATH_SIZE], dir[PATH_SIZE], path[2 * PATH_SIZE], *errors;
    struct config *config = accept(EXAMPLE "data_dir: /absolute/../kept\n"
                                           "prices: { file: ./prices.json }\n"
                                           "listen: [{address: 127.0.0.1:1, certificate: "
                                           "dir/../cert.pem, private_key: key.pem}]\n",
                                   false);
    (void)state;
    assert_string_equal(config->data_dir, "/absolute/../kept");
    path_in("prices.json", want);
    assert_string_equal(config->prices.file, want);
    path_in("dir/../cert.pem", want);
    assert_string_equal(config->listen[0].certificate, want);
    path_in("key.pem", want);
    assert_string_equal(config->listen[0].private_key, want);
    config_free(config);

    /* ../ means the parent of where the file really is, however it was reached. */
    path_in("link", link_path);
    path_in("dir", dir);
    assert_int_equal(symlink(dir, link_path), 0);
    write_file("dir/again.yaml", EXAMPLE "data_dir: ../data\n",
               strlen(EXAMPLE "data_dir: ../data\n"));
    snprintf(path, sizeof(path), "%s/again.yaml", link_path);
    config = NULL;
    assert_int_equal(open_file(path, false, &errors, &config), 0);
    path_in("data", want);
    assert_string_equal(config->data_dir, want);
    assert_string_equal(config->path, path);
    config_free(config);
    free(errors);
}

static void an_unreadable_file_is_told(void **state)
{
    struct config *config = NULL;
    char path[PATH_SIZE], want[2 * PATH_SIZE], *errors, *large;
    (void)state;
    path_in("missing.yaml", path);
    assert_int_equal(open_file(path, false, &errors, &config), -ENOENT);
    snprintf(want, sizeof(want),
             "%s: cannot be read: No such file or directory; name a "
             "configuration file with -c\n",
             path);
    assert_string_equal(errors, want);
    free(errors);
    assert_int_equal(open_file(directory, false, &errors, &config), -EISDIR);
    assert_non_null(strstr(errors, ": cannot be read: Is a directory; "));
    free(errors);

    large = test_malloc(CONFIG_FILE_BYTES_MAX + 2);
    memset(large, '\n', CONFIG_FILE_BYTES_MAX + 1);
    memcpy(large, EXAMPLE, strlen(EXAMPLE));
    large[CONFIG_FILE_BYTES_MAX + 1] = '\0';
    assert_refused(
        large, false,
        "1: is over 4 MiB; a configuration is a few hundred lines, and some for each client\n");
    large[CONFIG_FILE_BYTES_MAX] = '\0';
    config_free(accept(large, false)); /* the maximum itself is fine */
    test_free(large);
    assert_null(config);
}

static void a_list_over_its_maximum_is_told_once(void **state)
{
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    (void)state;
    fputs("upstreams:\n", out);
    for (int i = 0; i < CONFIG_UPSTREAMS_MAX + 3; i++)
        fprintf(out, "  - { name: n%d, dialect: openai, base_url: \"https://x\" }\n", i);
    fclose(out);
    assert_refused(text, false, "18: upstreams may have at most 16 elements; remove the rest\n");
    free(text);
}

static void complaints_come_in_the_order_of_lines_and_end(void **state)
{
    char *text, *errors, *at;
    size_t len, lines = 0;
    struct config *config = NULL;
    FILE *out;
    (void)state;
    assert_refused("workers: 99\nadmin: { address: 0.0.0.0:1 }\nx1: 1\nupstreams: [{ name: a }]\n",
                   false,
                   "1: workers must be 0 to 64\n"
                   "2: admin.address is off loopback and has no token: anybody who reaches the "
                   "port reads the ledger; add token_env or listen on 127.0.0.1\n"
                   "3: x1 is not a key; at the top stand listen, admin, upstreams, routes, "
                   "presets, clients, models, "
                   "cache, limits, prices, ledger, request_log, data_dir, workers\n"
                   "4: upstreams[0].dialect is missing; add for example dialect: vercel\n"
                   "4: upstreams[0].base_url is missing; add for example base_url: "
                   "https://ai-gateway.vercel.sh/v1\n");

    out = open_memstream(&text, &len);
    for (int i = 0; i < CONFIG_COMPLAINTS_MAX + 23; i++)
        fprintf(out, "x%d: 1\n", i);
    fputs(EXAMPLE, out);
    fclose(out);
    assert_int_equal(open_text(text, false, &errors, &config), -EINVAL);
    for (at = errors; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    assert_int_equal(lines, CONFIG_COMPLAINTS_MAX + 1);
    assert_non_null(strstr(errors, "c.yaml:100: and 23 more; correct these first\n"));
    free(errors);
    free(text);
}

static void the_cure_for_no_upstreams_is_one(void **state)
{
    static const char marker[] = "add for example ";
    struct config *config = NULL;
    char *errors;
    (void)state;
    assert_int_equal(open_text("", false, &errors, &config), -EINVAL);
    assert_non_null(strstr(errors, marker));
    config = accept(strstr(errors, marker) + strlen(marker), false);
    assert_string_equal(config->upstream[0].api_key_env, "AI_GATEWAY_API_KEY");
    config_free(config);
    free(errors);
}

static void secrets_come_from_the_environment(void **state)
{
    static const char unset[] =
        "1: upstreams[0].api_key_env names TOLLGATE_TEST_KEY, which is not set; export it, or "
        "remove the line so that each client's own key is forwarded\n";
    struct config *config;
    char *printed;
    size_t len;
    FILE *out;
    (void)state;
    unsetenv("TOLLGATE_TEST_KEY");
    assert_refused(PAYING, true, unset);
    config = accept(PAYING, false);
    assert_null(config->upstream[0].api_key);
    config_free(config);
    setenv("TOLLGATE_TEST_KEY", "", 1);
    assert_refused(PAYING, true, unset);
    setenv("TOLLGATE_TEST_KEY", "vck_secret\n",
           1); /* as `export K="$(cat file; echo)"` leaves it */
    assert_refused(PAYING, true,
                   "1: upstreams[0].api_key_env names TOLLGATE_TEST_KEY, whose value cannot stand "
                   "in a header (a space, a line end, or over 4096 bytes); export it anew, or "
                   "remove the line so that each client's own key is forwarded\n");

    setenv("TOLLGATE_TEST_KEY", "vck_secret", 1);
    config = accept(PAYING, true);
    assert_string_equal(config->upstream[0].api_key, "vck_secret");
    out = open_memstream(&printed, &len);
    config_print(config, out);
    fclose(out);
    assert_non_null(strstr(printed, "TOLLGATE_TEST_KEY"));
    assert_null(strstr(printed, "vck_secret"));
    free(printed);
    config_free(config);
    unsetenv("TOLLGATE_TEST_KEY");
}

/* People paste the key where its variable's name belongs; the complaint ends in a log. */
static void a_pasted_secret_is_not_repeated(void **state)
{
    static const char *const texts[] = {
        "upstreams: [{name: a, dialect: vercel, base_url: 'https://x', api_key_env: vck_s3cret}]\n",
        "upstreams: [{name: a, dialect: vercel, base_url: 'https://u:vck_s3cret@x'}]\n",
        "upstreams: [{name: a, dialect: vck_s3cret, base_url: 'https://x?k=vck_s3cret'}]\n",
        EXAMPLE "admin: {address: 127.0.0.1:1, token_env: vck_s3cret}\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct config *config = NULL;
        char *errors;
        assert_int_equal(open_text(texts[i], true, &errors, &config), -EINVAL);
        assert_null(strstr(errors, "s3cret"));
        free(errors);
    }
}

static void the_admin_token_may_be_unset_on_loopback_only(void **state)
{
    static const char near[] = EXAMPLE "admin: {address: 127.0.0.1:0, token_env: TOLLGATE_TEST_T}";
    static const char far[] = EXAMPLE "admin: {address: 0.0.0.0:81, token_env: TOLLGATE_TEST_T}";
    struct config *config;
    (void)state;
    unsetenv("TOLLGATE_TEST_T");
    config = accept(near, true);
    assert_true(config->admin.loopback);
    assert_null(config->admin.token);
    config_free(config);
    config_free(accept(far, false));
    assert_refused(far, true,
                   "2: admin.token_env names TOLLGATE_TEST_T, which is not set; export it: off "
                   "loopback the admin address needs a token\n");
    setenv("TOLLGATE_TEST_T", "two words", 1);
    assert_refused(near, true,
                   "2: admin.token_env names TOLLGATE_TEST_T, whose value cannot stand in a header "
                   "(a space, a line end, or over 4096 bytes); export it anew\n");
    setenv("TOLLGATE_TEST_T", "token", 1);
    config = accept(far, true);
    assert_string_equal(config->admin.host, "0.0.0.0");
    assert_int_equal(config->admin.port, 81);
    assert_false(config->admin.loopback);
    assert_string_equal(config->admin.token, "token");
    config_free(config);
    unsetenv("TOLLGATE_TEST_T");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_is_told_with_its_line),
        cmocka_unit_test(what_is_right_keeps_its_exact_value),
        cmocka_unit_test(numbers_land_in_their_units),
        cmocka_unit_test(addresses_are_taken_apart),
        cmocka_unit_test(base_urls_lose_their_last_slash),
        cmocka_unit_test(what_is_absent_has_its_default),
        cmocka_unit_test(paths_are_relative_to_the_file),
        cmocka_unit_test(an_unreadable_file_is_told),
        cmocka_unit_test(a_list_over_its_maximum_is_told_once),
        cmocka_unit_test(complaints_come_in_the_order_of_lines_and_end),
        cmocka_unit_test(the_cure_for_no_upstreams_is_one),
        cmocka_unit_test(secrets_come_from_the_environment),
        cmocka_unit_test(a_pasted_secret_is_not_repeated),
        cmocka_unit_test(the_admin_token_may_be_unset_on_loopback_only),
    };
    return cmocka_run_group_tests_name("config", tests, set_up, tear_down);
}
