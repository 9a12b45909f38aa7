/* sim_gzip.c - wraps a body as a gzip file (RFC 1952) of stored blocks. See sim_answer.h.
 *
 * Nothing is compressed: the point is a body that cannot be read without undoing the encoding, and
 * stored blocks end where pieces end, so a timed stream stays timed.
 */
#include "tests/sim/sim_answer.h"

#include <string.h>

enum { STORED_BLOCK_MAX = 65535 };

static uint32_t crc32_of(const char *bytes, size_t len)
{
    uint32_t crc = 0xffffffffu;

    for (size_t i = 0; i < len; i++) {
        crc ^= (unsigned char)bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320u : 0);
    }
    return ~crc;
}

static void little_endian(struct sim_text *text, uint32_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        char byte = (char)(value >> (8 * i) & 0xff);
        sim_text_add(text, &byte, 1);
    }
}

/* One or more stored blocks, none of them the last. */
static void blocks(struct sim_text *text, const char *bytes, size_t len)
{
    while (len > 0) {
        uint32_t take = len < STORED_BLOCK_MAX ? (uint32_t)len : STORED_BLOCK_MAX;
        sim_text_add(text, "\0", 1);
        little_endian(text, take, 2);
        little_endian(text, ~take & 0xffff, 2);
        sim_text_add(text, bytes, take);
        bytes += take;
        len -= take;
    }
}

void sim_gzip_pack(struct sim_answer *answer)
{
    struct sim_text plain = answer->body, packed = {0};
    bool whole = answer->cut == SIZE_MAX;
    size_t len = whole ? plain.len : answer->cut, at = 0, kept = 0;

    sim_text_add(&packed, "\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
    for (size_t i = 0; i < answer->end_count && answer->ends[i] <= len; i++) {
        blocks(&packed, plain.bytes + at, answer->ends[i] - at);
        at = answer->ends[i];
        answer->ends[kept++] = packed.len;
    }
    answer->end_count = kept;
    blocks(&packed, plain.bytes + at, len - at);
    if (whole) {
        sim_text_add(&packed, "\x01\0\0\xff\xff", 5);
        little_endian(&packed, crc32_of(plain.bytes, plain.len), 4);
        little_endian(&packed, (uint32_t)plain.len, 4);
    } else {
        answer->cut = packed.len;
    }
    answer->body = packed;
    sim_text_release(&plain);
}
