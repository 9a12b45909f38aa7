/* Promises of the key: every part of the tuple decides it, nothing else does. */
#include "cache/key.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t secret[32] = "0123456789abcdef0123456789abcde";
static const uint8_t client[32] = "a client's name, 32 bytes of it";

static const struct key_parts usual = {
    .client = client,
    .client_len = sizeof(client),
    .endpoint = "vercel/chat",
    .stream = false,
    .model = "openai/gpt-4o",
    .model_len = 13,
    .salt = "s",
    .salt_len = 1,
    .preset = "p@1",
    .preset_len = 3,
    .extra = "x: y",
    .extra_len = 4,
};

#define USUAL_BODY "{\"model\":\"openai/gpt-4o\",\"n\":1}"

static struct key request_key(struct key_hasher *hasher, const struct key_parts *parts,
                              const char *body)
{
    struct json_doc doc;
    struct key key;

    json_doc_init(&doc);
    assert_int_equal(json_parse(&doc, body, strlen(body), NULL), 0);
    assert_int_equal(key_of_request(hasher, parts, &doc, &key), 0);
    json_doc_release(&doc);
    return key;
}

static struct key bytes_key(struct key_hasher *hasher, const struct key_parts *parts,
                            const char *body)
{
    struct key key;

    key_of_bytes(hasher, parts, body, strlen(body), &key);
    return key;
}

static int setup(void **state)
{
    *state = key_hasher_new(secret);
    return *state == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    key_hasher_free(*state);
    return 0;
}

/* Each differs from the usual parts in one place, or moves a byte over the edge between two. */
static size_t other_parts(struct key_parts *others)
{
    static const uint8_t other_client[32] = "another client's name";
    size_t n = 0;

#define OTHER(...)                                                                                 \
    do {                                                                                           \
        others[n] = usual;                                                                         \
        struct key_parts *parts = &others[n++];                                                    \
        __VA_ARGS__;                                                                               \
    } while (0)
    OTHER(parts->client = other_client);
    OTHER(parts->client_len = 31);
    OTHER(parts->client_len = 0);
    OTHER(parts->endpoint = "openrouter/chat");
    OTHER(parts->endpoint = "vercel/responses");
    OTHER(parts->endpoint = "");
    OTHER(parts->stream = true);
    OTHER(parts->model = "openai/gpt-4o-mini", parts->model_len = 18);
    OTHER(parts->model_len = 12);
    OTHER(parts->model_len = 0);
    OTHER(parts->salt = "t");
    OTHER(parts->salt_len = 0);
    OTHER(parts->salt = "\0", parts->salt_len = 1);
    OTHER(parts->preset = "p@2");
    OTHER(parts->preset_len = 0);
    OTHER(parts->extra = "x: z");
    OTHER(parts->extra_len = 0);
    OTHER(parts->endpoint = "vercel/chato", parts->model = "penai/gpt-4o", parts->model_len = 12);
    OTHER(parts->model = "openai/gpt-4os", parts->model_len = 14, parts->salt_len = 0);
    OTHER(parts->salt = "sp@1", parts->salt_len = 4, parts->preset_len = 0);
    OTHER(parts->salt = "p@1", parts->salt_len = 3, parts->preset = "s", parts->preset_len = 1);
    OTHER(parts->preset = "p@1x", parts->preset_len = 4, parts->extra = ": y",
          parts->extra_len = 3);
    OTHER(parts->extra = "x: y{", parts->extra_len = 5);
#undef OTHER
    return n;
}

static void every_part_decides_the_key(void **state)
{
    struct key_parts others[32];
    struct key keys[33], digests[33];
    size_t count = other_parts(others);

    assert_true(count < 32);
    others[count] = usual;
    for (size_t i = 0; i <= count; i++) {
        keys[i] = request_key(*state, &others[i], USUAL_BODY);
        digests[i] = bytes_key(*state, &others[i], USUAL_BODY);
        for (size_t j = 0; j < i; j++) {
            assert_false(key_equal(&keys[i], &keys[j]));
            assert_false(key_equal(&digests[i], &digests[j]));
        }
    }
}

static void the_same_request_has_the_same_key(void **state)
{
    struct key_hasher *again = key_hasher_new(secret);
    struct key first = request_key(*state, &usual, USUAL_BODY);
    struct key second = request_key(*state, &usual, USUAL_BODY);
    struct key third = request_key(again, &usual, USUAL_BODY);

    assert_true(key_equal(&first, &second));
    assert_true(key_equal(&first, &third));
    key_hasher_free(again);
}

static void bodies_meet_by_value_only(void **state)
{
    static const char *const same[] = {
        " { \"model\" : \"openai/gpt-4o\" , \"n\" : 1.0 } ",
        "{\"mod\\u0065l\":\"openai\\/gpt-4o\",\"n\":1e0}",
        "{\"model\":\"x\",\"n\":10e-1,\"model\":\"openai/gpt-4o\"}",
    };
    static const char *const others[] = {
        "{\"n\":1,\"model\":\"openai/gpt-4o\"}",
        "{\"model\":\"openai/gpt-4o\",\"n\":2}",
        "{\"model\":\"openai/gpt-4o\",\"n\":\"1\"}",
        "{\"model\":\"openai/gpt-4o\",\"n\":1,\"m\":null}",
        "{}",
        "[]",
        "0",
    };
    struct key want = request_key(*state, &usual, USUAL_BODY);

    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        struct key got = request_key(*state, &usual, same[i]);
        assert_true(key_equal(&want, &got));
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct key got = request_key(*state, &usual, others[i]);
        assert_false(key_equal(&want, &got));
    }
}

static void raw_bytes_meet_only_themselves(void **state)
{
    struct key want = bytes_key(*state, &usual, USUAL_BODY);
    struct key again = bytes_key(*state, &usual, USUAL_BODY);
    struct key spaced = bytes_key(*state, &usual, USUAL_BODY " ");
    struct key empty = bytes_key(*state, &usual, "");

    assert_true(key_equal(&want, &again));
    assert_false(key_equal(&want, &spaced));
    assert_false(key_equal(&want, &empty));
}

/* The body is canonical already, so both hash the same bytes; the domain keeps them apart. */
static void a_memo_never_passes_for_a_key(void **state)
{
    struct key request = request_key(*state, &usual, USUAL_BODY);
    struct key bytes = bytes_key(*state, &usual, USUAL_BODY);

    assert_false(key_equal(&request, &bytes));
}

struct bytes {
    uint8_t at[8192];
    size_t len;
};

static void add_length(struct bytes *bytes, uint64_t len)
{
    for (int i = 0; i < 8; i++)
        bytes->at[bytes->len++] = (uint8_t)(len >> (8 * i));
}

static void add(struct bytes *bytes, const void *part, size_t len)
{
    memcpy(bytes->at + bytes->len, part, len);
    bytes->len += len;
}

static void add_part(struct bytes *bytes, const void *part, size_t len)
{
    add_length(bytes, len);
    add(bytes, part, len);
}

/* Written down once more from key.h: a key on disk must be found by the next version too. */
static struct key by_the_header(const char *domain, const struct key_parts *parts, const char *body)
{
    struct bytes bytes = {.len = 0};
    struct key key;

    add_part(&bytes, domain, strlen(domain));
    add_part(&bytes, "\x02", 1);
    add_part(&bytes, parts->client, parts->client_len);
    add_part(&bytes, parts->endpoint, strlen(parts->endpoint));
    add_part(&bytes, parts->stream ? "\x01" : "\0", 1);
    add_part(&bytes, parts->model, parts->model_len);
    add_part(&bytes, parts->salt, parts->salt_len);
    add_part(&bytes, parts->preset, parts->preset_len);
    add_part(&bytes, parts->extra, parts->extra_len);
    add(&bytes, body, strlen(body));
    add_length(&bytes, strlen(body));
    assert_int_equal(EVP_Digest(bytes.at, bytes.len, key.bytes, NULL, EVP_sha256(), NULL), 1);
    return key;
}

static void the_layout_is_the_documented_one(void **state)
{
    static const size_t salts[] = {0, 1, 300, 400, 511, 512, 513, 4000};
    char salt[4000];

    memset(salt, 's', sizeof(salt));
    for (size_t i = 0; i < sizeof(salts) / sizeof(salts[0]); i++) { /* around the hasher's buffer */
        struct key_parts parts = usual;
        parts.salt = salt;
        parts.salt_len = salts[i];
        parts.stream = i % 2 == 1;
        struct key want = by_the_header("tollgate request", &parts, USUAL_BODY);
        struct key got = request_key(*state, &parts, " " USUAL_BODY);
        assert_true(key_equal(&want, &got));
        want = by_the_header("tollgate bytes", &parts, "not even JSON");
        got = bytes_key(*state, &parts, "not even JSON");
        assert_true(key_equal(&want, &got));
    }
}

static void absent_parts_may_be_null(void **state)
{
    struct key_parts bare = {.endpoint = "vercel/chat"};
    struct key want = by_the_header("tollgate request",
                                    &(struct key_parts){.client = client,
                                                        .endpoint = "vercel/chat",
                                                        .model = "",
                                                        .salt = "",
                                                        .preset = "",
                                                        .extra = ""},
                                    "0");
    struct key got = request_key(*state, &bare, "-0.0");

    assert_true(key_equal(&want, &got));
    key_of_bytes(*state, &bare, NULL, 0, &got);
    want = bytes_key(*state, &bare, "");
    assert_true(key_equal(&want, &got));
}

/* A body larger than every buffer on the way, and the digest afterwards starts clean. */
static void long_bodies_are_hashed_whole(void **state)
{
    enum { LENGTH = 100000 };
    char *body = malloc(LENGTH + 1);
    struct key before = request_key(*state, &usual, USUAL_BODY);

    assert_non_null(body);
    memset(body, 'b', LENGTH);
    body[0] = body[LENGTH - 1] = '"';
    body[LENGTH] = '\0';
    struct key first = request_key(*state, &usual, body);
    body[LENGTH - 2] = 'c';
    struct key second = request_key(*state, &usual, body);
    body[LENGTH - 2] = 'b';
    struct key third = request_key(*state, &usual, body);
    struct key after = request_key(*state, &usual, USUAL_BODY);
    assert_false(key_equal(&first, &second));
    assert_true(key_equal(&first, &third));
    assert_true(key_equal(&before, &after));
    free(body);
}

static void names_are_hmac_of_label_and_key(void **state)
{
    static const char message[] = "ledger id\0sk-live-123";
    uint8_t want[32], got[32];

    assert_non_null(HMAC(EVP_sha256(), secret, sizeof(secret), (const uint8_t *)message,
                         sizeof(message) - 1, want, NULL));
    for (int i = 0; i < 3; i++) { /* the context is used again and again */
        memset(got, 0, sizeof(got));
        key_hasher_name(*state, "ledger id", "sk-live-123", 11, got);
        assert_memory_equal(got, want, sizeof(want));
    }
}

static void names_differ_by_label_key_and_secret(void **state)
{
    uint8_t other_secret[32], names[6][32];

    memcpy(other_secret, secret, sizeof(secret));
    other_secret[31] ^= 1;
    struct key_hasher *other = key_hasher_new(other_secret);
    assert_non_null(other);
    key_hasher_name(*state, "cache key", "sk-1", 4, names[0]);
    key_hasher_name(*state, "ledger id", "sk-1", 4, names[1]);
    key_hasher_name(*state, "cache key", "sk-2", 4, names[2]);
    key_hasher_name(*state, "cache ke", "ysk-1", 5, names[3]);
    key_hasher_name(*state, "cache key", "", 0, names[4]);
    key_hasher_name(other, "cache key", "sk-1", 4, names[5]);
    for (size_t i = 0; i < 6; i++) {
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(names[i], names[j], 32);
    }
    key_hasher_free(other);
    key_hasher_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_part_decides_the_key, setup, teardown),
        cmocka_unit_test_setup_teardown(the_same_request_has_the_same_key, setup, teardown),
        cmocka_unit_test_setup_teardown(bodies_meet_by_value_only, setup, teardown),
        cmocka_unit_test_setup_teardown(raw_bytes_meet_only_themselves, setup, teardown),
        cmocka_unit_test_setup_teardown(a_memo_never_passes_for_a_key, setup, teardown),
        cmocka_unit_test_setup_teardown(the_layout_is_the_documented_one, setup, teardown),
        cmocka_unit_test_setup_teardown(absent_parts_may_be_null, setup, teardown),
        cmocka_unit_test_setup_teardown(long_bodies_are_hashed_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(names_are_hmac_of_label_and_key, setup, teardown),
        cmocka_unit_test_setup_teardown(names_differ_by_label_key_and_secret, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
