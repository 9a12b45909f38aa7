/* key.c - cache keys and keyed names, by OpenSSL contexts that are set up once.
 *
 * The encoding is in key.h. A digest that could not be made must never pass for one, so a failing
 * OpenSSL (it has no other reason here than memory) ends the process where the caller could not be
 * told.
 */
#include "cache/key.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

enum {
    SECRET_BYTES = 32,
    HEAD_BYTES = 512, /* holds the parts of an ordinary request, so they are hashed in one piece */
};

/* What a digest names. Two kinds never meet, whatever their parts are. */
static const char domain_request[] = "tollgate request";
static const char domain_bytes[] = "tollgate bytes";

struct key_hasher {
    EVP_MD *sha256;
    EVP_MD_CTX *digest;
    EVP_MAC_CTX *mac; /* keyed once; an init without a key starts over with the same */
};

/* A tuple on its way into the digest. */
struct tuple {
    EVP_MD_CTX *digest;
    bool failed;
    size_t filled;
    uint8_t head[HEAD_BYTES];
};

_Static_assert(sizeof(struct key) == KEY_BYTES, "a key is its bytes");

bool key_equal(const struct key *a, const struct key *b)
{
    return memcmp(a->bytes, b->bytes, KEY_BYTES) == 0;
}

static EVP_MAC_CTX *mac_new(const uint8_t secret[SECRET_BYTES])
{
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *mac = hmac != NULL ? EVP_MAC_CTX_new(hmac) : NULL;

    EVP_MAC_free(hmac); /* the context holds it */
    if (mac != NULL && EVP_MAC_init(mac, secret, SECRET_BYTES, params) != 1) {
        EVP_MAC_CTX_free(mac);
        mac = NULL;
    }
    return mac;
}

struct key_hasher *key_hasher_new(const uint8_t secret[32])
{
    struct key_hasher *hasher = calloc(1, sizeof(*hasher));

    if (hasher == NULL)
        return NULL;
    hasher->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    hasher->digest = EVP_MD_CTX_new();
    hasher->mac = mac_new(secret);
    if (hasher->sha256 == NULL || hasher->digest == NULL || hasher->mac == NULL) {
        key_hasher_free(hasher);
        return NULL;
    }
    return hasher;
}

void key_hasher_free(struct key_hasher *hasher)
{
    if (hasher == NULL)
        return;
    EVP_MAC_CTX_free(hasher->mac); /* OpenSSL wipes the key it copied */
    EVP_MD_CTX_free(hasher->digest);
    EVP_MD_free(hasher->sha256);
    OPENSSL_cleanse(hasher, sizeof(*hasher));
    free(hasher);
}

void key_hasher_name(struct key_hasher *hasher, const char *label, const char *api_key, size_t len,
                     uint8_t ret_name[32])
{
    uint8_t name[KEY_BYTES];
    size_t name_len = 0;

    int ok = EVP_MAC_init(hasher->mac, NULL, 0, NULL);
    assert(ok == 1);
    ok = EVP_MAC_update(hasher->mac, (const uint8_t *)label, strlen(label) + 1);
    assert(ok == 1);
    ok = EVP_MAC_update(hasher->mac, (const uint8_t *)api_key, len);
    assert(ok == 1);
    ok = EVP_MAC_final(hasher->mac, name, &name_len, sizeof(name));
    assert(ok == 1);
    assert(name_len == KEY_BYTES);
    memcpy(ret_name, name, KEY_BYTES);
    OPENSSL_cleanse(name, sizeof(name));
}

static void tuple_digest(struct tuple *tuple, const void *bytes, size_t len)
{
    if (!tuple->failed && EVP_DigestUpdate(tuple->digest, bytes, len) != 1)
        tuple->failed = true;
}

static void tuple_flush(struct tuple *tuple)
{
    tuple_digest(tuple, tuple->head, tuple->filled);
    tuple->filled = 0;
}

static void tuple_put(struct tuple *tuple, const void *bytes, size_t len)
{
    if (len == 0)
        return; /* bytes may be NULL */
    if (len > sizeof(tuple->head) - tuple->filled) {
        tuple_flush(tuple);
        if (len > sizeof(tuple->head)) {
            tuple_digest(tuple, bytes, len);
            return;
        }
    }
    memcpy(tuple->head + tuple->filled, bytes, len);
    tuple->filled += len;
}

static void tuple_put_length(struct tuple *tuple, uint64_t len)
{
    uint64_t little = htole64(len);

    tuple_put(tuple, &little, sizeof(little));
}

static void tuple_part(struct tuple *tuple, const void *bytes, size_t len)
{
    tuple_put_length(tuple, len);
    tuple_put(tuple, bytes, len);
}

/* Everything that stands before the body. */
static void tuple_begin(struct tuple *tuple, struct key_hasher *hasher, const char *domain,
                        const struct key_parts *parts)
{
    const uint8_t version = KEY_VERSION, stream = parts->stream;

    tuple->digest = hasher->digest;
    tuple->failed = EVP_DigestInit_ex2(hasher->digest, hasher->sha256, NULL) != 1;
    tuple->filled = 0;
    tuple_part(tuple, domain, strlen(domain));
    tuple_part(tuple, &version, sizeof(version));
    tuple_part(tuple, parts->client, parts->client_len);
    tuple_part(tuple, parts->endpoint, strlen(parts->endpoint));
    tuple_part(tuple, &stream, sizeof(stream));
    tuple_part(tuple, parts->model, parts->model_len);
    tuple_part(tuple, parts->salt, parts->salt_len);
    tuple_part(tuple, parts->preset, parts->preset_len);
    tuple_part(tuple, parts->extra, parts->extra_len);
}

/* The body comes last and its length behind it, so it can be written while it is not known. */
static int tuple_end(struct tuple *tuple, uint64_t body_len, struct key *ret_key)
{
    struct key key;
    unsigned int len = 0;

    tuple_put_length(tuple, body_len);
    tuple_flush(tuple);
    if (!tuple->failed && EVP_DigestFinal_ex(tuple->digest, key.bytes, &len) != 1)
        tuple->failed = true;
    OPENSSL_cleanse(tuple->head, sizeof(tuple->head));
    if (tuple->failed)
        return -ENOMEM;
    assert(len == KEY_BYTES);
    *ret_key = key;
    return 0;
}

struct body {
    struct tuple *tuple;
    uint64_t len;
};

static int body_sink(void *arg, const char *bytes, size_t len)
{
    struct body *body = arg;

    tuple_put(body->tuple, bytes, len);
    body->len += len;
    return body->tuple->failed ? -ENOMEM : 0;
}

int key_of_request(struct key_hasher *hasher, const struct key_parts *parts,
                   const struct json_doc *doc, struct key *ret_key)
{
    struct tuple tuple;
    struct body body = {.tuple = &tuple};

    tuple_begin(&tuple, hasher, domain_request, parts);
    int error = json_canonical(doc, 0, body_sink, &body);
    if (error != 0) {
        OPENSSL_cleanse(tuple.head, sizeof(tuple.head));
        return error;
    }
    return tuple_end(&tuple, body.len, ret_key);
}

void key_of_bytes(struct key_hasher *hasher, const struct key_parts *parts, const char *body,
                  size_t len, struct key *ret_digest)
{
    struct tuple tuple;

    tuple_begin(&tuple, hasher, domain_bytes, parts);
    tuple_put(&tuple, body, len);
    int error = tuple_end(&tuple, len, ret_digest);
    assert(error == 0);
}
