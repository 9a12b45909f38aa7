/* sim_id.c - see sim_id.h.
 *
 * A ULID is 128 bits in 26 Crockford characters: 48 bits of time, 16 bits of the secret, 64 bits of
 * the serial scattered by an odd factor and the secret. The base62 form has the same 64 bits below
 * 48 bits of the secret: 112 of the 119 that 20 characters hold.
 */
#include "tests/sim/sim_id.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const char crockford[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
static const char base62[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

enum { ULID_CHARACTERS = 26, BASE62_CHARACTERS = 20 };

#define SCATTER 0x9e3779b97f4a7c15u
#define GATHER 0xf1de83e19937733du /* SCATTER x GATHER = 1 modulo 2^64 */
_Static_assert((uint64_t)(SCATTER *GATHER) == 1, "the two factors undo each other");

/* base is constant at each call, which makes the division cheap. */
static inline void digits_write(unsigned __int128 value, const char *alphabet, unsigned base,
                                size_t count, char *ret)
{
    for (size_t i = count; i > 0; i--) {
        ret[i - 1] = alphabet[(unsigned)(value % base)];
        value /= base;
    }
    ret[count] = '\0';
}

static bool digits_read(const char *digits, const char *alphabet, unsigned base, size_t count,
                        uint64_t *ret_low)
{
    unsigned __int128 value = 0;

    for (size_t i = 0; i < count; i++) {
        const char *found = digits[i] != '\0' ? strchr(alphabet, digits[i]) : NULL;
        if (found == NULL)
            return false;
        value = value * base + (unsigned)(found - alphabet);
    }
    *ret_low = (uint64_t)value;
    return true;
}

static const char *openai_prefix(enum sim_api api)
{
    switch (api) {
    case SIM_RESPONSES:
        return "resp_";
    case SIM_COMPLETIONS:
        return "cmpl-";
    case SIM_EMBEDDINGS:
        return "emb-";
    default:
        return "chatcmpl-";
    }
}

size_t sim_id_write(enum sim_dialect dialect, enum sim_api api, uint64_t unix_ms, uint64_t serial,
                    uint64_t secret, char ret_id[SIM_ID_MAX + 1])
{
    uint64_t low = (serial * SCATTER) ^ secret, time = unix_ms & 0xffffffffffffu;
    int len;

    if (dialect == SIM_VERCEL || dialect == SIM_AI_SDK) {
        memcpy(ret_id, "gen_", 4);
        digits_write((unsigned __int128)(time << 16 | (secret & 0xffff)) << 64 | low, crockford, 32,
                     ULID_CHARACTERS, ret_id + 4);
        return 4 + ULID_CHARACTERS;
    }
    if (dialect == SIM_OPENROUTER)
        len = snprintf(ret_id, SIM_ID_MAX + 1, "gen-%s%llu-", api == SIM_EMBEDDINGS ? "emb-" : "",
                       (unsigned long long)(unix_ms / 1000));
    else
        len = snprintf(ret_id, SIM_ID_MAX + 1, "%s", openai_prefix(api));
    assert(len > 0 && len + BASE62_CHARACTERS <= SIM_ID_MAX);
    digits_write((unsigned __int128)((secret >> 16) & 0xffffffffffffu) << 64 | low, base62, 62,
                 BASE62_CHARACTERS, ret_id + len);
    return (size_t)len + BASE62_CHARACTERS;
}

bool sim_id_serial(const char *id, size_t len, uint64_t secret, uint64_t *ret_serial)
{
    bool ulid = len == 4 + ULID_CHARACTERS && memcmp(id, "gen_", 4) == 0;
    uint64_t low = 0;

    if (len > SIM_ID_MAX || len < BASE62_CHARACTERS)
        return false;
    if (ulid ? !digits_read(id + 4, crockford, 32, ULID_CHARACTERS, &low)
             : !digits_read(id + len - BASE62_CHARACTERS, base62, 62, BASE62_CHARACTERS, &low))
        return false;
    *ret_serial = (low ^ secret) * GATHER;
    return true;
}
