/* sim_ulid.c - see sim_ulid.h.
 *
 * 128 bits in 26 Crockford characters: 48 bits of time, 16 bits of the secret, 64 bits of the
 * serial scattered by an odd factor and the secret.
 */
#include "tests/sim/sim_ulid.h"

#include <string.h>

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

enum { ULID_CHARACTERS = 26 };

#define SCATTER 0x9e3779b97f4a7c15u
#define GATHER 0xf1de83e19937733du /* SCATTER x GATHER = 1 modulo 2^64 */
_Static_assert((uint64_t)(SCATTER *GATHER) == 1, "the two factors undo each other");

void sim_ulid_write(uint64_t unix_ms, uint64_t serial, uint64_t secret,
                    char ret_id[SIM_ULID_ID_LEN + 1])
{
    uint64_t high = unix_ms << 16 | (secret & 0xffff);
    unsigned __int128 value = (unsigned __int128)high << 64 | ((serial * SCATTER) ^ secret);

    memcpy(ret_id, "gen_", 4);
    for (int i = ULID_CHARACTERS - 1; i >= 0; i--) {
        ret_id[4 + i] = alphabet[(unsigned)(value & 31)];
        value >>= 5;
    }
    ret_id[SIM_ULID_ID_LEN] = '\0';
}

bool sim_ulid_serial(const char *id, size_t len, uint64_t secret, uint64_t *ret_serial)
{
    unsigned __int128 value = 0;

    if (len != SIM_ULID_ID_LEN || memcmp(id, "gen_", 4) != 0)
        return false;
    for (size_t i = 4; i < len; i++) {
        const char *found = id[i] != '\0' ? strchr(alphabet, id[i]) : NULL;
        if (found == NULL)
            return false;
        value = value << 5 | (unsigned)(found - alphabet);
    }
    *ret_serial = ((uint64_t)value ^ secret) * GATHER;
    return true;
}
