/* clients_test.c - a key is known or it is not, a model is allowed or it is not, and nobody is
 * faster than requests_per_minute. */
#include "server/clients.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static uint8_t nibble(char digit)
{
    return (uint8_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

/* As config_open() would: a configuration of `count` clients with the keys of these hashes. */
static struct config *config_of(char (*hashes)[CLIENTS_HASH_SIZE], unsigned count)
{
    struct config *config = calloc(1, sizeof(*config));
    assert_non_null(config);
    config->client = calloc(count, sizeof(*config->client));
    config->client_count = count;
    for (unsigned i = 0; i < count; i++) {
        assert_true(asprintf(&config->client[i].name, "c%u", (i * 7919) % 1009) > 0);
        for (unsigned b = 0; b < 32; b++)
            config->client[i].key_digest[b] =
                (uint8_t)(nibble(hashes[i][2 * b]) << 4 | nibble(hashes[i][2 * b + 1]));
    }
    return config;
}

static void free_config(struct config *config)
{
    for (unsigned i = 0; i < config->client_count; i++)
        free(config->client[i].name);
    free(config->client);
    free(config);
}

static void a_name_is_that_of_one_client(void **state)
{
    enum { CLIENTS = 1000 };
    static char hashes[CLIENTS][CLIENTS_HASH_SIZE];
    struct config *config;
    struct clients *clients;
    (void)state;
    for (unsigned i = 0; i < CLIENTS; i++)
        snprintf(hashes[i], sizeof(hashes[i]), "%064x", i);
    config = config_of(hashes, CLIENTS);
    clients = clients_new(config);
    for (unsigned i = 0; i < CLIENTS; i++) {
        const char *name = config->client[i].name;
        assert_ptr_equal(clients_named(clients, text_of(name)), &config->client[i]);
    }
    assert_null(clients_named(clients, TEXT("")));
    assert_null(clients_named(clients, TEXT("c")));
    assert_null(clients_named(clients, TEXT("c10081")));
    assert_null(clients_named(clients, TEXT("d")));
    assert_null(clients_named(clients, (struct text){"c5\0", 3}));
    clients_free(clients);
    free_config(config);
}

static void every_client_is_found_by_its_key_alone(void **state)
{
    enum { CLIENTS = 300 };
    static char keys[CLIENTS][CLIENTS_KEY_SIZE], hashes[CLIENTS][CLIENTS_HASH_SIZE];
    char stranger[CLIENTS_KEY_SIZE], hash[CLIENTS_HASH_SIZE];
    struct config *config;
    struct clients *clients;
    (void)state;
    for (unsigned i = 0; i < CLIENTS; i++)
        assert_int_equal(clients_make_key(keys[i], hashes[i]), 0);
    assert_int_equal(clients_make_key(stranger, hash), 0);
    config = config_of(hashes, CLIENTS);
    clients = clients_new(config);
    assert_non_null(clients);
    assert_true(clients_required(clients));
    assert_non_null(clients_budgets(clients));
    for (unsigned i = 0; i < CLIENTS; i++) {
        const struct config_client *found = clients_find(clients, text_of(keys[i]));
        char other[CLIENTS_KEY_SIZE + 1];
        assert_ptr_equal(found, &config->client[i]);
        assert_int_equal(clients_index(clients, found), i);
        memcpy(other, keys[i], sizeof(keys[i]));
        other[CLIENTS_KEY_LEN - 1] = (char)(other[CLIENTS_KEY_LEN - 1] == 'a' ? 'b' : 'a');
        assert_null(clients_find(clients, text_of(other)));
        assert_null(clients_find(clients, (struct text){keys[i], CLIENTS_KEY_LEN - 1}));
        assert_null(clients_find(clients, (struct text){keys[i], CLIENTS_KEY_SIZE}));
        assert_null(clients_find(clients, text_of(hashes[i]))); /* the hash is no key */
    }
    assert_null(clients_find(clients, text_of(stranger)));
    assert_null(clients_find(clients, (struct text){NULL, 0}));
    assert_null(clients_find(clients, TEXT("")));
    clients_free(clients);
    free_config(config);
}

/* Digests that differ in one bit anywhere are of different keys. */
static void one_bit_is_enough_to_be_somebody_else(void **state)
{
    char key[CLIENTS_KEY_SIZE], hash[1][CLIENTS_HASH_SIZE];
    (void)state;
    assert_int_equal(clients_make_key(key, hash[0]), 0);
    for (unsigned bit = 0; bit < 256; bit++) {
        struct config *config = config_of(hash, 1);
        struct clients *clients;
        config->client[0].key_digest[bit / 8] ^= (uint8_t)(1U << bit % 8);
        clients = clients_new(config);
        assert_null(clients_find(clients, text_of(key)));
        clients_free(clients);
        free_config(config);
    }
}

static void without_clients_nobody_is_known_and_nobody_need_be(void **state)
{
    struct config config = {.client_count = 0};
    struct clients *clients = clients_new(&config);
    (void)state;
    assert_non_null(clients);
    assert_false(clients_required(clients));
    assert_null(clients_find(clients, TEXT("tg_anything")));
    clients_free(clients);
    clients_free(NULL);
}

static void a_hash_is_what_sha256sum_prints(void **state)
{
    static char hash[1][CLIENTS_HASH_SIZE] = {
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}; /* FIPS 180-2, "abc" */
    struct config *config = config_of(hash, 1);
    struct clients *clients = clients_new(config);
    (void)state;
    assert_ptr_equal(clients_find(clients, TEXT("abc")), &config->client[0]);
    assert_null(clients_find(clients, TEXT("abcd")));
    clients_free(clients);
    free_config(config);
}

static void keys_have_their_form_and_no_twin(void **state)
{
    enum { KEYS = 64 };
    static const char base62[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    static char keys[KEYS][CLIENTS_KEY_SIZE];
    unsigned seen[128] = {0};
    char hash[CLIENTS_HASH_SIZE];
    (void)state;
    for (unsigned i = 0; i < KEYS; i++) {
        assert_int_equal(clients_make_key(keys[i], hash), 0);
        assert_int_equal(strlen(keys[i]), CLIENTS_KEY_LEN);
        assert_memory_equal(keys[i], "tg_", 3);
        assert_int_equal(strspn(keys[i] + 3, base62), CLIENTS_KEY_LEN - 3);
        assert_int_equal(strlen(hash), 64);
        assert_int_equal(strspn(hash, "0123456789abcdef"), 64);
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(keys[i], keys[j]);
        for (const char *c = keys[i] + 3; *c != '\0'; c++)
            seen[(unsigned char)*c]++;
    }
    for (const char *c = base62; *c != '\0'; c++) /* 44 on average */
        assert_in_range(seen[(unsigned char)*c], 5, 120);
}

static void models_are_matched_as_in_routes(void **state)
{
    struct config_client client = {
        .models = {{(char[]){"anthropic/*"}, (char[]){"openai/gpt-5"}}, 2}};
    const struct config_client any = {.zdr = false};
    (void)state;
    assert_true(clients_allow_model(&client, TEXT("anthropic/claude-opus-4")));
    assert_true(clients_allow_model(&client, TEXT("openai/gpt-5")));
    assert_false(clients_allow_model(&client, TEXT("openai/gpt-5-mini")));
    assert_false(clients_allow_model(&client, TEXT("Anthropic/claude-opus-4")));
    assert_false(clients_allow_model(&client, TEXT("")));
    assert_true(clients_allow_model(&any, TEXT("openai/gpt-5-mini")));
    assert_true(clients_allow_model(&any, TEXT("")));
    client.models.item[0] = (char[]){"*"};
    assert_true(clients_allow_model(&client, TEXT("x")));
    assert_false(clients_allow_model(&client, TEXT(""))); /* `*` is any model, not none */
}

/* --- rates --- */

static struct clients *one_with_rate(unsigned rpm, struct config **ret_config)
{
    static char hash[1][CLIENTS_HASH_SIZE] = {
        "0000000000000000000000000000000000000000000000000000000000000000"};
    struct clients *clients;
    *ret_config = config_of(hash, 1);
    (*ret_config)->client[0].requests_per_minute = rpm;
    clients = clients_new(*ret_config);
    assert_non_null(clients);
    return clients;
}

static void a_rate_is_even_after_its_burst(void **state)
{
    struct config *config;
    struct clients *clients = one_with_rate(60, &config);
    const struct config_client *client = config->client;
    int64_t now = 123456789;
    (void)state;
    for (int i = 0; i < 10; i++)
        assert_int_equal(clients_take(clients, client, now), 0);
    assert_int_equal(clients_take(clients, client, now), 1000);
    assert_int_equal(clients_take(clients, client, now + 300), 700);
    assert_int_equal(clients_take(clients, client, now + 999), 1);
    assert_int_equal(clients_take(clients, client, now + 1000), 0);
    assert_int_equal(clients_take(clients, client, now + 1000), 1000);
    assert_int_equal(clients_take(clients, client, now + 500),
                     1500);      /* a clock of another thread */
    for (int i = 0; i < 10; i++) /* full again, and no fuller */
        assert_int_equal(clients_take(clients, client, now + 3600 * 1000), 0);
    assert_int_equal(clients_take(clients, client, now + 3600 * 1000), 1000);
    clients_free(clients);
    free_config(config);
}

static void no_rate_is_no_limit(void **state)
{
    struct config *config;
    struct clients *clients = one_with_rate(0, &config);
    (void)state;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(clients_take(clients, config->client, 5), 0);
    clients_free(clients);
    free_config(config);
}

/* Whatever the rate: what is promised to pass passes, a millisecond earlier it does not; an hour of
 * asking all the time gives sixty minutes' worth and one burst. */
static void the_wait_is_exact_at_every_rate(void **state)
{
    static const unsigned rates[] = {1, 2, 5, 6, 7, 11, 12, 59, 61, 999, 1000, 59999, 1000000};
    (void)state;
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        const unsigned rpm = rates[i], minutes = rpm > 1000 ? 1 : 60;
        const unsigned burst = rpm < 6 ? 1 : rpm / 6;
        struct config *config;
        struct clients *clients = one_with_rate(rpm, &config);
        int64_t now = 1000, end = now + (int64_t)minutes * 60000, passed = 0;
        while (now < end) {
            int64_t wait = clients_take(clients, config->client, now);
            if (wait == 0) {
                passed++;
                continue;
            }
            assert_true(wait <= 60000);
            if (wait > 1)
                assert_int_equal(clients_take(clients, config->client, now + wait - 1), 1);
            now += wait;
            if (now < end)
                assert_int_equal(clients_take(clients, config->client, now), 0);
            passed += now < end;
        }
        assert_in_range(passed, (uint64_t)minutes * rpm - 1, (uint64_t)minutes * rpm + burst);
        clients_free(clients);
        free_config(config);
    }
}

struct rush {
    struct clients *clients;
    const struct config_client *client;
    _Atomic int passed;
};

static void *rush(void *arg)
{
    struct rush *all = arg;
    for (int i = 0; i < 1000; i++)
        all->passed += clients_take(all->clients, all->client, 777) == 0;
    return NULL;
}

static void threads_share_one_rate(void **state)
{
    enum { THREADS = 8 };
    struct config *config;
    struct rush all = {.clients = one_with_rate(1200, &config)};
    pthread_t threads[THREADS];
    (void)state;
    all.client = config->client;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, rush, &all), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(all.passed, 200);
    clients_free(all.clients);
    free_config(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_that_of_one_client),
        cmocka_unit_test(every_client_is_found_by_its_key_alone),
        cmocka_unit_test(one_bit_is_enough_to_be_somebody_else),
        cmocka_unit_test(without_clients_nobody_is_known_and_nobody_need_be),
        cmocka_unit_test(a_hash_is_what_sha256sum_prints),
        cmocka_unit_test(keys_have_their_form_and_no_twin),
        cmocka_unit_test(models_are_matched_as_in_routes),
        cmocka_unit_test(a_rate_is_even_after_its_burst),
        cmocka_unit_test(no_rate_is_no_limit),
        cmocka_unit_test(the_wait_is_exact_at_every_rate),
        cmocka_unit_test(threads_share_one_rate),
    };
    return cmocka_run_group_tests_name("clients", tests, NULL, NULL);
}
