#include "server/genid.h"

#include <assert.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

enum { RANDOM_BYTES = 10 };

void genid_init(struct genid *genid)
{
    genid->used = GENID_POOL_BYTES; /* empty: the first id fills it */
}

static const uint8_t *take_random(struct genid *genid)
{
    const uint8_t *taken;

    if (GENID_POOL_BYTES - genid->used < RANDOM_BYTES) {
        /* Without randomness two answers could share an id; there is no way to go on. */
        if (RAND_bytes(genid->pool, GENID_POOL_BYTES) != 1)
            abort();
        genid->used = 0;
    }
    taken = genid->pool + genid->used;
    genid->used += RANDOM_BYTES;
    return taken;
}

void genid_vercel(struct genid *genid, int64_t now_ms, char id[GENID_VERCEL_LEN + 1])
{
    static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    const uint8_t *random = take_random(genid);
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
