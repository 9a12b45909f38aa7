/* row_msgpack.h - a walk over msgpack that allocates nothing and never looks past the end.
 * Threads: pure functions. Ownership: values borrow from the bytes.
 */
#ifndef ACCOUNTING_ROW_MSGPACK_H
#define ACCOUNTING_ROW_MSGPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct msgpack_walk {
    const uint8_t *at, *end;
};

enum msgpack_kind { VALUE_INT, VALUE_BOOL, VALUE_TEXT, VALUE_BIN, VALUE_OTHER };

struct msgpack_value {
    enum msgpack_kind kind;
    int64_t number; /* of an int or bool */
    const uint8_t *bytes;
    size_t len;        /* of a text, a bin or what else has a body */
    uint64_t children; /* values that follow inside an array or map */
};

/* Opens a map: how many pairs follow. Each of these is false when the bytes are no msgpack. */
bool msgpack_walk_map(struct msgpack_walk *walk, uint64_t *ret_pairs);
/* Any value; what is inside an array or map follows as values of its own. */
bool msgpack_walk_any(struct msgpack_walk *walk, struct msgpack_value *value);
/* Steps over left values and all that is inside them. */
bool msgpack_walk_skip(struct msgpack_walk *walk, uint64_t left);

/* The next value. Small numbers and short texts, which is what rows are made of, are read here. */
static inline bool msgpack_walk_value(struct msgpack_walk *walk, struct msgpack_value *value)
{
    uint8_t tag;
    if (walk->at == walk->end)
        return false;
    tag = *walk->at;
    value->children = 0;
    if (tag < 0x80) {
        walk->at++;
        value->kind = VALUE_INT;
        value->number = tag;
        return true;
    }
    if (tag >= 0xa0 && tag < 0xc0) {
        size_t len = tag & 0x1f;
        if ((size_t)(walk->end - walk->at) <= len)
            return false;
        value->kind = VALUE_TEXT;
        value->bytes = walk->at + 1;
        value->len = len;
        walk->at += 1 + len;
        return true;
    }
    return msgpack_walk_any(walk, value);
}

#endif
