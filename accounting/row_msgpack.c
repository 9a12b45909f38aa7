#include "accounting/row_msgpack.h"

#include <string.h>

static inline bool read_big_endian(struct msgpack_walk *walk, unsigned width, uint64_t *ret_number)
{
    uint64_t number = 0;
    if ((size_t)(walk->end - walk->at) < width)
        return false;
    memcpy((char *)&number + sizeof(number) - width, walk->at, width);
    walk->at += width;
    *ret_number = __builtin_bswap64(number);
    return true;
}
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "msgpack is big endian");

static bool read_body(struct msgpack_walk *walk, size_t len, struct msgpack_value *value)
{
    if ((size_t)(walk->end - walk->at) < len)
        return false;
    value->bytes = walk->at;
    value->len = len;
    walk->at += len;
    return true;
}

static bool read_sized(struct msgpack_walk *walk, unsigned width, size_t extra,
                       struct msgpack_value *value)
{
    uint64_t len;
    if (!read_big_endian(walk, width, &len))
        return false;
    return read_body(walk, len + extra, value);
}

static inline bool read_unsigned(struct msgpack_walk *walk, unsigned width,
                                 struct msgpack_value *value)
{
    uint64_t number;
    if (!read_big_endian(walk, width, &number))
        return false;
    value->kind = number <= INT64_MAX ? VALUE_INT : VALUE_OTHER;
    value->number = (int64_t)number;
    return true;
}

static inline bool read_signed(struct msgpack_walk *walk, unsigned width,
                               struct msgpack_value *value)
{
    uint64_t number;
    unsigned shift = 64 - 8 * width;
    if (!read_big_endian(walk, width, &number))
        return false;
    value->kind = VALUE_INT;
    value->number = (int64_t)(number << shift) >> shift;
    return true;
}

static bool read_children(struct msgpack_walk *walk, unsigned width, unsigned each,
                          struct msgpack_value *value)
{
    uint64_t count;
    if (!read_big_endian(walk, width, &count))
        return false;
    value->children = count * each;
    return true;
}

/* Forms with a tag byte of their own, 0xc0 to 0xdf (the msgpack specification's table). */
static bool read_tagged(struct msgpack_walk *walk, uint8_t tag, struct msgpack_value *value)
{
    switch (tag) {
    case 0xc0: /* nil */
        return true;
    case 0xc2:
    case 0xc3:
        value->kind = VALUE_BOOL;
        value->number = tag & 1;
        return true;
    case 0xc4:
    case 0xc5:
    case 0xc6:
        value->kind = VALUE_BIN;
        return read_sized(walk, 1u << (tag - 0xc4), 0, value);
    case 0xc7:
    case 0xc8:
    case 0xc9: /* ext: one byte of type before the body */
        return read_sized(walk, 1u << (tag - 0xc7), 1, value);
    case 0xca:
    case 0xcb: /* binary fractions: stepped over, never read */
        return read_body(walk, tag == 0xca ? 4 : 8, value);
    case 0xcc:
        return read_unsigned(walk, 1, value);
    case 0xcd:
        return read_unsigned(walk, 2, value);
    case 0xce:
        return read_unsigned(walk, 4, value);
    case 0xcf:
        return read_unsigned(walk, 8, value);
    case 0xd0:
        return read_signed(walk, 1, value);
    case 0xd1:
        return read_signed(walk, 2, value);
    case 0xd2:
        return read_signed(walk, 4, value);
    case 0xd3:
        return read_signed(walk, 8, value);
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8: /* fixext */
        return read_body(walk, 1 + ((size_t)1 << (tag - 0xd4)), value);
    case 0xd9:
    case 0xda:
    case 0xdb:
        value->kind = VALUE_TEXT;
        return read_sized(walk, 1u << (tag - 0xd9), 0, value);
    case 0xdc:
    case 0xdd:
        return read_children(walk, tag == 0xdc ? 2 : 4, 1, value);
    case 0xde:
    case 0xdf:
        return read_children(walk, tag == 0xde ? 2 : 4, 2, value);
    default: /* 0xc1 is never used */
        return false;
    }
}

bool msgpack_walk_any(struct msgpack_walk *walk, struct msgpack_value *value)
{
    uint8_t tag;
    *value = (struct msgpack_value){.kind = VALUE_OTHER};
    if (walk->at == walk->end)
        return false;
    tag = *walk->at++;
    if (tag < 0x80 || tag >= 0xe0) {
        value->kind = VALUE_INT;
        value->number = tag < 0x80 ? tag : tag - 256;
        return true;
    }
    if (tag < 0xa0) { /* fixmap, fixarray */
        value->children = tag < 0x90 ? 2u * (tag & 0x0fu) : tag & 0x0fu;
        return true;
    }
    if (tag < 0xc0) {
        value->kind = VALUE_TEXT;
        return read_body(walk, tag & 0x1f, value);
    }
    return read_tagged(walk, tag, value);
}

/* Every step takes at least one byte, so it ends. */
bool msgpack_walk_skip(struct msgpack_walk *walk, uint64_t left)
{
    struct msgpack_value value;
    while (left > 0) {
        if (!msgpack_walk_value(walk, &value))
            return false;
        left += value.children;
        left--;
    }
    return true;
}

bool msgpack_walk_map(struct msgpack_walk *walk, uint64_t *ret_pairs)
{
    uint8_t tag;
    if (walk->at == walk->end)
        return false;
    tag = *walk->at++;
    if ((tag & 0xf0) == 0x80) {
        *ret_pairs = tag & 0x0f;
        return true;
    }
    if (tag != 0xde && tag != 0xdf)
        return false;
    return read_big_endian(walk, tag == 0xde ? 2 : 4, ret_pairs);
}
