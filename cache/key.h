/* key.h - what identifies an answer: SHA-256 over a versioned, length-prefixed tuple.
 *
 * Tuple (design 2.3): keyed hash of the client key, endpoint type (dialect included), stream flag,
 * model, salt, preset id + version, extra (headers that steer the call), normalised body.
 *
 * Layout of what is hashed; a part is its length as 8 bytes, little-endian, then its bytes:
 *
 *   part   domain: "tollgate request" (key_of_request), "tollgate bytes" (key_of_bytes)
 *   part   KEY_VERSION, one byte
 *   part   client
 *   part   endpoint
 *   part   stream, one byte, 0 or 1
 *   part   model
 *   part   salt
 *   part   preset
 *   part   extra
 *   bytes  body: canonical form (key_of_request), as received (key_of_bytes)
 *   8      length of the body, little-endian
 *
 * The parts before the body are fixed in number and each says its length, so the body's begin is
 * known, and its end is where the last 8 bytes begin: no two tuples share an encoding, though the
 * canonical form is hashed while it is written and its length is not known up front.
 *
 * Threads: a key_hasher belongs to one thread (it keeps OpenSSL contexts so that hashing allocates
 * nothing); keys are values.
 */
#ifndef CACHE_KEY_H
#define CACHE_KEY_H

#include "cache/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 2: what the server keeps in front of a body has grown, so entries of version 1 are not found. */
enum { KEY_BYTES = 32, KEY_VERSION = 2 };

struct key {
    uint8_t bytes[KEY_BYTES];
};
bool key_equal(const struct key *a, const struct key *b);

/* The parts of the tuple except the body. All borrowed; lengths 0 where absent. */
struct key_parts {
    const uint8_t *client; /* keyed hash of the client's API key (key_hasher_name) */
    size_t client_len;
    const char *endpoint; /* "vercel/chat", ...; NUL-terminated */
    bool stream;
    const char *model; /* unescaped */
    size_t model_len;
    const char *salt;
    size_t salt_len;
    const char *preset;
    size_t preset_len;
    const char *extra;
    size_t extra_len;
};

struct key_hasher;

/* secret: the cache's secret, 32 bytes (borrow, copied inside). give; NULL when out of memory. */
struct key_hasher *key_hasher_new(const uint8_t secret[32]);
void key_hasher_free(struct key_hasher *hasher); /* wipes */

/* HMAC-SHA256(secret, label || 0 || api_key): one-way name of an API key under this secret.
 * Different labels give unrelated names ("cache key", "ledger id", "seal"); the zero byte keeps a
 * label that is the beginning of another apart from it. */
void key_hasher_name(struct key_hasher *hasher, const char *label, const char *api_key, size_t len,
                     uint8_t ret_name[32]);

/* The cache key: parts + canonical form of doc. 0, or json_canonical()'s error. */
int key_of_request(struct key_hasher *hasher, const struct key_parts *parts,
                   const struct json_doc *doc, struct key *ret_key);

/* Digest of parts + the raw body: names the same request byte for byte. Never decides a hit by
 * itself; it memorises which key a repeated body led to (memo). */
void key_of_bytes(struct key_hasher *hasher, const struct key_parts *parts, const char *body,
                  size_t len, struct key *ret_digest);

#endif
