/* config_clients_test.c - clients in the configuration: exact budgets, no two alike, never more
 * than there is room for; and what upstreams' costs and price lists must be. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/server/config_support.h"

/* What clients need around them is in the first two lines; each text begins in line 3. */
#define AROUND PAYING "prices: { file: prices.json }\n"
#define A "name: a, key_hash: '" HASH_A "'"
#define B "name: b, key_hash: '" HASH_B "'"
#define USD INT64_C(1000000000000000)

static const char needs_hash[] =
    "must be sha256: and 64 hex digits in lower case, as `tollgate keys new NAME` prints it; the "
    "key itself never stands in this file\n";

static const struct {
    const char *text, *complaints;
} refused[] = {
    {"clients: []\n", "3: clients is empty; add an element or remove it\n"},
    {"clients:\n", "3: clients has nothing under it; add an element with name, key_hash, project, "
                   "user, environment, tags, models, requests_per_minute, budget_per_day, "
                   "budget_per_week, budget_per_month, cache, zdr\n"},
    {"clients: [a]\n",
     "3: clients[0] must be a mapping of name, key_hash, project, user, environment, tags, models, "
     "requests_per_minute, budget_per_day, budget_per_week, budget_per_month, cache, zdr\n"},
    {"clients: [{ key_hash: '" HASH_A "' }]\n",
     "3: clients[0].name is missing; add for example name: support-bot\n"},
    {"clients: [{ name: a }]\n",
     "3: clients[0].key_hash is missing; add for example key_hash: sha256:"
     "0000000000000000000000000000000000000000000000000000000000000000\n"},
    {"clients: [{ name: Alice, key_hash: '" HASH_A "' }]\n",
     "3: clients[0].name must be 1 to 32 of a-z, 0-9, _ and -\n"},
    {"clients:\n  - { " A " }\n  - { name: a, key_hash: '" HASH_B "' }\n",
     "5: clients[1].name is that of clients[0]; give each its own\n"},
    {"clients:\n  - { " A " }\n  - { " B " }\n  - { name: c, key_hash: '" HASH_A "' }\n",
     "6: clients[2].key_hash is that of clients[0]: nobody could tell them apart; make another key "
     "with `tollgate keys new`\n"},
    {"clients: [{ " A ", tags: ['', b] }]\n",
     "3: clients[0].tags[0] must be 1 to 64 characters, none of them a control character\n"},
    {"clients: [{ " A ", tags: [a, b, c, d, e, f, g, h, i, j, k] }]\n",
     "3: clients[0].tags may have at most 10 elements; remove the rest\n"},
    {"clients: [{ " A ", models: [] }]\n",
     "3: clients[0].models is empty; add an element or remove it\n"},
    {"clients: [{ " A ", models: ['a b'] }]\n",
     "3: clients[0].models[0] must be a pattern such as anthropic/*: 1 to 256 characters without "
     "spaces, quotes or @preset/\n"},
    {"clients: [{ " A ", user: \"a\\nb\" }]\n",
     "3: clients[0].user must be 1 to 128 bytes of text without control characters\n"},
    {"clients: [{ " A ", requests_per_minute: 0 }]\n",
     "3: clients[0].requests_per_minute must be 1 to 1000000\n"},
    {"clients: [{ " A ", requests_per_minute: 1000001 }]\n",
     "3: clients[0].requests_per_minute must be 1 to 1000000\n"},
    {"clients: [{ " A ", cache: maybe }]\n",
     "3: clients[0].cache must be on or off (or true, false, yes, no)\n"},
    {"clients: [{ " A ", cache: on, zdr: on }]\n",
     "3: clients[0].cache is on, and its zdr says that nothing may be kept; remove one\n"},
    {"clients: [{ " A ", key: x }]\n",
     "3: clients[0].key is not a key; under clients stand name, key_hash, project, user, "
     "environment, tags, models, requests_per_minute, budget_per_day, budget_per_week, "
     "budget_per_month, cache, zdr\n"},
    {"clients: [{ " A ", requests_per_minut: 1 }]\n",
     "3: clients[0].requests_per_minut is not a key; did you mean "
     "clients[].requests_per_minute?\n"},
    {"clients: [{ " A ", budget_per_year: 1 }]\n",
     "3: clients[0].budget_per_year is not a key; under clients stand name, key_hash, project, "
     "user, environment, tags, models, requests_per_minute, budget_per_day, budget_per_week, "
     "budget_per_month, cache, zdr\n"},
};

static void a_bad_client_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        char text[2048];
        snprintf(text, sizeof(text), "%s%s", AROUND, refused[i].text);
        assert_refused(text, false, refused[i].complaints);
    }
}

static void a_key_hash_has_one_form(void **state)
{
    static const char *const hashes[] = {
        "",
        "sha256:",
        "tg_Wq3vTZr0a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6q7r",
        "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
        "sha256:CA978112CA1BBDCAFAC231B39A23DC4DA786EFF8147C4E72B9807785AFEE48BB",
        "sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48b",
        "sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb0",
        "sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bg",
        "SHA256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"};
    (void)state;
    for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
        char text[1024], want[512];
        snprintf(text, sizeof(text), AROUND "clients: [{ name: a, key_hash: '%s' }]\n", hashes[i]);
        snprintf(want, sizeof(want), "3: clients[0].key_hash %s", needs_hash);
        assert_refused(text, false, want);
    }
}

static void sums_are_exact_or_refused(void **state)
{
    static const struct {
        const char *text;
        int64_t usd, femto; /* 0: refused */
        bool out_of_range;
    } sums[] = {
        {"0.10", 0, USD / 10, false},
        {"25", 25, 0, false},
        {"25.00", 25, 0, false},
        {"'7.5'", 7, USD / 2, false},
        {"0.000000000000001", 0, 1, false},
        {"1000000000", 1000000000, 0, false},
        {"1000000000.00", 1000000000, 0, false},
        {"123456.000000001", 123456, 1000000, false},
        {"0.0000000000000001", 0, 0, false}, /* 16 places */
        {"1234567.000000001", 0, 0, false},  /* 16 digits would be rounded */
        {"0", 0, 0, true},
        {"0.00", 0, 0, true},
        {"1000000000.01", 0, 0, true},
        {"-1", 0, 0, false},
        {"+1", 0, 0, false},
        {"1e2", 0, 0, false},
        {".5", 0, 0, false},
        {"5.", 0, 0, false},
        {"05", 0, 0, false},
        {"0x10", 0, 0, false},
        {"1,000", 0, 0, false},
        {"$5", 0, 0, false},
        {"5 USD", 0, 0, false},
        {"nan", 0, 0, false},
        {"99999999999999999999999999999999999999999999", 0, 0, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
        char text[1024];
        snprintf(text, sizeof(text),
                 AROUND "clients:\n - name: a\n   key_hash: " HASH_A "\n   budget_per_week: %s\n",
                 sums[i].text);
        if (sums[i].usd != 0 || sums[i].femto != 0) {
            struct config *config = accept(text, false);
            const struct maybe_money *limit = config->client[0].budget.limit;
            assert_false(limit[BUDGET_DAY].known);
            assert_true(limit[BUDGET_WEEK].known);
            assert_true(limit[BUDGET_WEEK].money.femto ==
                        (__int128)sums[i].usd * USD + sums[i].femto);
            config_free(config);
        } else if (sums[i].out_of_range) {
            assert_refused(text, false,
                           "6: clients[0].budget_per_week must be more than 0, up to 1000000000 "
                           "USD\n");
        } else {
            assert_refused(text, false,
                           "6: clients[0].budget_per_week must be a sum in USD of up to 15 digits, "
                           "such as 100.00; more than 0, up to 1000000000 USD\n");
        }
    }
}

static void a_client_keeps_what_it_was_given(void **state)
{
    struct config *config = accept(
        AROUND "clients:\n"
               "  - name: a\n"
               "    key_hash: " HASH_A "\n"
               "    project: shop\n"
               "    user: alice@example.com\n"
               "    environment: production\n"
               "    tags: [team-a, zwölf]\n"
               "    models: [anthropic/*]\n"
               "    requests_per_minute: 60\n"
               "    budget_per_month: 300.00\n"
               "  - {" B ", cache: off}\n"
               "  - {name: c, key_hash: 'sha256:"
               "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef', zdr: on}\n",
        false);
    const struct config_client *client = config->client;
    (void)state;
    assert_int_equal(config->client_count, 3);
    assert_string_equal(client[0].name, "a");
    assert_string_equal(client[0].key_hash, HASH_A);
    assert_memory_equal(client[0].key_digest, "\xca\x97\x81\x12\xca\x1b\xbd\xca", 8);
    assert_string_equal(client[0].project, "shop");
    assert_string_equal(client[0].user, "alice@example.com");
    assert_string_equal(client[0].environment, "production");
    assert_int_equal(client[0].tags.count, 2);
    assert_string_equal(client[0].tags.item[1], "zwölf");
    assert_string_equal(client[0].models.item[0], "anthropic/*");
    assert_int_equal(client[0].requests_per_minute, 60);
    assert_false(client[0].budget.limit[BUDGET_DAY].known);
    assert_false(client[0].budget.limit[BUDGET_WEEK].known);
    assert_true(client[0].budget.limit[BUDGET_MONTH].known);
    assert_true(client[0].budget.limit[BUDGET_MONTH].money.femto == (__int128)300 * USD);
    assert_true(client[0].cache);
    assert_false(client[0].zdr);
    assert_null(client[1].project);
    assert_null(client[1].user);
    assert_int_equal(client[1].tags.count, 0);
    assert_int_equal(client[1].requests_per_minute, 0);
    assert_false(client[1].cache);
    assert_true(client[2].zdr);
    assert_false(client[2].cache); /* zdr says so */
    assert_memory_equal(client[2].key_digest, "\x01\x23\x45\x67\x89\xab\xcd\xef", 8);
    config_free(config);
}

/* Off loopback a key of ours is safe with clients; clients need one; and budgets need prices. */
static void clients_and_keys_go_together(void **state)
{
    struct config *config =
        accept(PAYING "listen: [{ address: 0.0.0.0:8443 }]\nclients: [{ " A " }]\n", false);
    (void)state;
    assert_false(config->listen[0].loopback);
    config_free(config);
    assert_refused(EXAMPLE "clients: [{ " A " }]\n", false,
                   "1: upstreams[0] has no api_key_env: with clients, whose keys are ours, there "
                   "is none to forward; add api_key_env\n");
    assert_refused(
        PAYING "clients: [{ " A " }, { " B ", budget_per_day: 1, budget_per_week: 2 }]\n", false,
        "2: clients[1].budget_per_day needs prices: without them nobody knows what a "
        "request may cost before it has; add prices: { file: prices.json }\n");
}

static void write_clients(FILE *out, unsigned count)
{
    fputs(PAYING "clients:\n", out);
    for (unsigned i = 0; i < count; i++)
        fprintf(out, "  - { name: c%u, key_hash: 'sha256:%064x' }\n", i, i + 1);
}

static void there_is_room_for_thousands_and_no_more(void **state)
{
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    struct config *config;
    (void)state;
    write_clients(out, CONFIG_CLIENTS_MAX);
    fclose(out);
    config = accept(text, false);
    assert_int_equal(config->client_count, CONFIG_CLIENTS_MAX);
    for (unsigned i = 0; i < CONFIG_CLIENTS_MAX; i++) {
        assert_int_equal(config->client[i].key_digest[31], (uint8_t)(i + 1));
        assert_int_equal(strtoul(config->client[i].name + 1, NULL, 10), i);
        assert_true(config->client[i].cache);
    }
    config_free(config);
    free(text);
    out = open_memstream(&text, &len);
    write_clients(out, CONFIG_CLIENTS_MAX + 2);
    fclose(out);
    assert_refused(text, false, "4099: clients may have at most 4096 elements; remove the rest\n");
    free(text);
}

/* --- money --- */

static void a_unit_is_worth_what_it_says(void **state)
{
    static const struct {
        const char *name;
        int64_t femto;
    } units[] = {
        {"usd", USD}, {"milli_usd", USD / 1000}, {"micro_usd", 1000000000}, {"nano_usd", 1000000}};
    (void)state;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        char text[512];
        struct config *config;
        snprintf(text, sizeof(text),
                 "upstreams: [{name: a, dialect: openai, base_url: 'https://x', cost_path: "
                 "usage.cost_nano_usd, cost_unit: %s, bills_as: LLM Gateway}]\n",
                 units[i].name);
        config = accept(text, false);
        assert_int_equal(config->upstream[0].cost_unit_femto, units[i].femto);
        assert_string_equal(config->upstream[0].cost_path, "usage.cost_nano_usd");
        assert_string_equal(config->upstream[0].bills_as, "LLM Gateway");
        config_free(config);
    }
}

static void a_cost_path_names_members(void **state)
{
    static const char *const good[] = {"cost", "a.b.c.d.e.f.g.h", "x-y.z_1.$q", "0.1"};
    static const char *const bad[] = {
        "''",     "'a..b'", "'.a'", "'a.'", "'a b'", "'$.'", "a.b.c.d.e.f.g.h.i",
        "'a[0]'", "'a/b'",  "'é'"};
    static const char form[] = "5: upstreams[0].cost_path must be the names of 1 to 8 members with "
                               "dots between them, such "
                               "as usage.cost; each of a-z, A-Z, 0-9, _, - and $\n";
    char text[512];
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct config *config;
        snprintf(text, sizeof(text), AT_URL "https://x\n    cost_path: %s\n", good[i]);
        config = accept(text, false);
        assert_string_equal(config->upstream[0].cost_path, good[i]);
        config_free(config);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(text, sizeof(text), AT_URL "https://x\n    cost_path: %s\n", bad[i]);
        assert_refused(text, false, form);
    }
    assert_refused(AT_URL "https://x\n    cost_unit: cents\n", false,
                   "5: upstreams[0].cost_unit must be usd, milli_usd, micro_usd or nano_usd\n");
    assert_refused(AT_URL "https://x\n    cost_unit: nano_usd\n", false,
                   "5: upstreams[0].cost_unit needs cost_path beside it\n");
}

#define THREE                                                                                      \
    "upstreams: [{name: vercel, dialect: vercel, base_url: 'https://x'}, {name: openrouter, "      \
    "dialect: openrouter, base_url: 'https://x/o'}, {name: other, dialect: openai, base_url: "     \
    "'https://x/z'}]\n"

static void price_lists_are_those_of_upstreams_that_have_prices(void **state)
{
    struct config *config = accept(
        THREE "prices: { file: prices.json, refresh: 1h, from: [openrouter, vercel] }\n", false);
    (void)state;
    assert_int_equal(config->prices.refresh_ms, 3600000);
    assert_int_equal(config->prices.from.count, 2);
    assert_string_equal(config->prices.from.item[0], "openrouter");
    config_free(config);
    config_free(accept(THREE "prices: { file: prices.json, refresh: 1h }\n", false));
    assert_refused(THREE "prices:\n  file: prices.json\n  from: [vercle, zzz, other, vercel, "
                         "vercel]\n",
                   false,
                   "4: prices.from[0] names no upstream; did you mean vercel?\n"
                   "4: prices.from[1] names no upstream; there are vercel, openrouter, other\n"
                   "4: prices.from[2] has dialect openai, whose lists of models have no prices; "
                   "name upstreams with dialect vercel or openrouter\n"
                   "4: prices.from[4] was named before; remove one\n");
    assert_refused("upstreams: [{name: a, dialect: openai, base_url: 'https://x'}]\n"
                   "prices: { file: prices.json, refresh: 1h }\n",
                   false,
                   "2: prices.refresh needs an upstream with dialect vercel or openrouter; others' "
                   "lists of models have no prices\n");
    assert_refused(EXAMPLE "prices: { refresh: 1h }\n", false,
                   "2: prices.file is missing; add for example file: prices.json\n");
}

/* Sixteen of the longest names fill the complaint that lists them. */
static void a_complaint_has_room_for_every_upstream(void **state)
{
    char *text, *want;
    size_t len;
    FILE *out = open_memstream(&text, &len), *complaint;
    (void)state;
    fputs("upstreams:\n", out);
    complaint = open_memstream(&want, &len);
    fputs("19: routes[0].upstreams[0] names no upstream; there are ", complaint);
    for (int i = 0; i < CONFIG_UPSTREAMS_MAX; i++) {
        fprintf(out, "  - { name: %032d, dialect: openai, base_url: \"https://x\" }\n", i);
        fprintf(complaint, "%s%032d", i > 0 ? ", " : "", i);
    }
    fputs("routes:\n  - { name: a, upstreams: [b] }\n", out);
    fputs("\n", complaint);
    fclose(out);
    fclose(complaint);
    assert_refused(text, false, want);
    free(want);
    free(text);
}

/* The example of the design, whole. */
static void the_designs_example_is_accepted(void **state)
{
    static const char text[] =
        "listen:\n"
        "  - address: 127.0.0.1:8080            # HTTP/1.1, and HTTP/2 by prior knowledge\n"
        "admin: { address: 127.0.0.1:8081, token_env: TOLLGATE_ADMIN_TOKEN }\n"
        "data_dir: data                         # two RocksDB databases\n"
        "workers: 0                             # 0: one per core\n"
        "upstreams:\n"
        "  - name: vercel\n"
        "    dialect: vercel                    # vercel | openrouter | openai\n"
        "    base_url: https://ai-gateway.vercel.sh/v1\n"
        "    api_key_env: AI_GATEWAY_API_KEY\n"
        "cache: { default: off, ttl: 300, memory: 256MiB, disk: 8GiB, max_entry: 16MiB, coalesce: "
        "true }\n"
        "limits: { body: 32MiB, buffered: 512MiB, drain: 30s }\n"
        "prices: { file: prices.json }\n"
        "ledger: { tolerance: 0.1%, durability: crash }\n";
    (void)state;
    config_free(accept(text, false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_client_is_told),
        cmocka_unit_test(a_key_hash_has_one_form),
        cmocka_unit_test(sums_are_exact_or_refused),
        cmocka_unit_test(a_client_keeps_what_it_was_given),
        cmocka_unit_test(clients_and_keys_go_together),
        cmocka_unit_test(there_is_room_for_thousands_and_no_more),
        cmocka_unit_test(a_unit_is_worth_what_it_says),
        cmocka_unit_test(a_cost_path_names_members),
        cmocka_unit_test(price_lists_are_those_of_upstreams_that_have_prices),
        cmocka_unit_test(a_complaint_has_room_for_every_upstream),
        cmocka_unit_test(the_designs_example_is_accepted),
    };
    return cmocka_run_group_tests_name("config_clients", tests, set_up, tear_down);
}
