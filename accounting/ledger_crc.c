#include "accounting/ledger_crc.h"

#include <string.h>

/* One nibble at a time: 64 bytes of table, so that the fallback costs no cache. */
static const uint32_t nibbles[16] = {
    0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
    0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

uint32_t ledger_crc_portable(uint32_t crc, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    crc = ~crc;
    for (size_t i = 0; i < len; i++) {
        crc ^= at[i];
        crc = crc >> 4 ^ nibbles[crc & 15];
        crc = crc >> 4 ^ nibbles[crc & 15];
    }
    return ~crc;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) static uint32_t crc_sse42(uint32_t crc, const uint8_t *at,
                                                            size_t len)
{
    uint64_t state = ~crc, word;
    uint32_t rest;
    for (; len >= sizeof(word); at += sizeof(word), len -= sizeof(word)) {
        memcpy(&word, at, sizeof(word));
        state = __builtin_ia32_crc32di(state, word);
    }
    rest = (uint32_t)state;
    for (; len > 0; at++, len--)
        rest = __builtin_ia32_crc32qi(rest, *at);
    return ~rest;
}

uint32_t ledger_crc(uint32_t crc, const void *bytes, size_t len)
{
    if (__builtin_cpu_supports("sse4.2"))
        return crc_sse42(crc, bytes, len);
    return ledger_crc_portable(crc, bytes, len);
}

#else

uint32_t ledger_crc(uint32_t crc, const void *bytes, size_t len)
{
    return ledger_crc_portable(crc, bytes, len);
}

#endif
