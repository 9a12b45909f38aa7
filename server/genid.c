#include "server/genid.h"

#include <assert.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

enum { RANDOM_BYTES = 10, SECOND_DIGITS = 10, BASE62_LEN = 20 };
_Static_assert(4 + SECOND_DIGITS + 1 + BASE62_LEN == (int)GENID_OPENROUTER_LEN,
               "gen-SECONDS-RANDOM");

void genid_init(struct genid *genid)
{
    genid->used = GENID_POOL_BYTES; /* empty: the first id fills it */
}

static const uint8_t *take_random(struct genid *genid, size_t bytes)
{
    const uint8_t *taken;

    if (GENID_POOL_BYTES - genid->used < bytes) {
        /* Without randomness two answers could share an id; there is no way to go on. */
        if (RAND_bytes(genid->pool, GENID_POOL_BYTES) != 1)
            abort();
        genid->used = 0;
    }
    taken = genid->pool + genid->used;
    genid->used += bytes;
    return taken;
}

void genid_vercel(struct genid *genid, int64_t now_ms, char id[GENID_VERCEL_LEN + 1])
{
    static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    const uint8_t *random = take_random(genid, RANDOM_BYTES);
    uint64_t time = (uint64_t)now_ms;
    uint64_t high = 0, low = 0; /* the 80 random bits: two halves of 40 */

    assert(now_ms >= 0);
    for (int i = 0; i < 5; i++) {
        high = high << 8 | random[i];
        low = low << 8 | random[i + 5];
    }
    memcpy(id, "gen_", 4);
    for (int i = 0; i < 10; i++)
        id[4 + i] = alphabet[(time >> (45 - 5 * i)) & 31];
    for (int i = 0; i < 8; i++) {
        id[14 + i] = alphabet[(high >> (35 - 5 * i)) & 31];
        id[22 + i] = alphabet[(low >> (35 - 5 * i)) & 31];
    }
    id[GENID_VERCEL_LEN] = '\0';
}

void genid_openrouter(struct genid *genid, int64_t now_ms, char id[GENID_OPENROUTER_LEN + 1])
{
    static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    int64_t seconds = now_ms / 1000;
    char *random = id + 4 + SECOND_DIGITS + 1;

    assert(seconds >= INT64_C(1000000000));
    assert(seconds < INT64_C(10000000000));
    memcpy(id, "gen-", 4);
    for (int i = SECOND_DIGITS - 1; i >= 0; i--, seconds /= 10)
        id[4 + i] = (char)('0' + seconds % 10);
    id[4 + SECOND_DIGITS] = '-';
    /* Six bits are thrown until they name a character: a remainder would favour the first ones. */
    for (int i = 0; i < BASE62_LEN;) {
        unsigned number = *take_random(genid, 1) & 63;
        if (number < sizeof alphabet - 1)
            random[i++] = alphabet[number];
    }
    id[GENID_OPENROUTER_LEN] = '\0';
}
