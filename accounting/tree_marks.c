#include "accounting/tree_marks.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int tree_marks_init(struct tree_marks *marks)
{
    memset(marks, 0, sizeof(*marks));
    return tree_init(&marks->part);
}

void tree_marks_release(struct tree_marks *marks)
{
    tree_release(&marks->part);
    free(marks->marks);
    marks->marks = NULL;
    marks->count = marks->room = 0;
}

static void forget_part(struct tree *part)
{
    part->leaves = 0;
    part->depth = 0;
}

static int make_room(struct tree_marks *marks)
{
    size_t room = marks->room == 0 ? 256 : 2 * marks->room;
    uint8_t(*grown)[TREE_HASH];
    if (marks->count < marks->room)
        return 0;
    grown = realloc(marks->marks, room * sizeof(*grown));
    if (grown == NULL)
        return -ENOMEM;
    marks->marks = grown;
    marks->room = room;
    return 0;
}

/* Two parts become one of twice the size. */
static void widen(struct tree_marks *marks)
{
    struct tree *part = &marks->part;
    assert(marks->count % 2 == 0);
    assert(part->leaves == 0);
    for (size_t i = 0; i < marks->count; i += 2) {
        tree_add_leaf(part, marks->marks[i]);
        tree_add_leaf(part, marks->marks[i + 1]);
        tree_root(part, marks->marks[i / 2]);
        forget_part(part);
    }
    marks->count /= 2;
    marks->level++;
}

int tree_marks_add(struct tree_marks *marks, const uint8_t leaf[TREE_HASH])
{
    int result = make_room(marks);
    if (result < 0)
        return result;
    if (marks->count == TREE_MARKS_MAX && marks->part.leaves == 0)
        widen(marks);
    tree_add_leaf(&marks->part, leaf);
    if (marks->part.leaves >> marks->level == 0)
        return 0;
    tree_root(&marks->part, marks->marks[marks->count++]);
    forget_part(&marks->part);
    return 0;
}

int tree_marks_encode(const struct tree_marks *marks, uint8_t **ret_bytes, size_t *ret_len)
{
    size_t count = marks->count + (marks->part.leaves > 0);
    uint32_t number = __builtin_bswap32((uint32_t)count);
    uint8_t *bytes = malloc(TREE_MARKS_HEAD + count * TREE_HASH);
    if (bytes == NULL)
        return -ENOMEM;
    bytes[0] = (uint8_t)marks->level;
    memcpy(bytes + 1, &number, sizeof(number));
    if (marks->count > 0)
        memcpy(bytes + TREE_MARKS_HEAD, marks->marks, marks->count * TREE_HASH);
    if (marks->part.leaves > 0)
        tree_root(&marks->part, bytes + TREE_MARKS_HEAD + marks->count * TREE_HASH);
    *ret_bytes = bytes;
    *ret_len = TREE_MARKS_HEAD + count * TREE_HASH;
    return 0;
}

int tree_marks_decode(const uint8_t *bytes, size_t len, uint64_t leaves,
                      const uint8_t root[TREE_HASH], struct tree_marks *ret_marks)
{
    struct tree *part = &ret_marks->part;
    uint8_t found[TREE_HASH];
    uint32_t number;
    uint64_t parts;
    assert(ret_marks->count == 0);
    if (len < TREE_MARKS_HEAD || bytes[0] >= TREE_DEPTH_MAX)
        return -EBADMSG;
    memcpy(&number, bytes + 1, sizeof(number));
    number = __builtin_bswap32(number);
    parts = (leaves >> bytes[0]) + ((leaves & ((UINT64_C(1) << bytes[0]) - 1)) != 0);
    if (number > TREE_MARKS_MAX || number != parts ||
        len != TREE_MARKS_HEAD + (size_t)number * TREE_HASH)
        return -EBADMSG;
    for (uint32_t i = 0; i < number; i++)
        tree_add_leaf(part, bytes + TREE_MARKS_HEAD + (size_t)i * TREE_HASH);
    tree_root(part, found);
    forget_part(part);
    if (memcmp(found, root, TREE_HASH) != 0)
        return -EBADMSG;
    ret_marks->marks = malloc(number > 0 ? (size_t)number * TREE_HASH : 1);
    if (ret_marks->marks == NULL)
        return -ENOMEM;
    memcpy(ret_marks->marks, bytes + TREE_MARKS_HEAD, (size_t)number * TREE_HASH);
    ret_marks->count = ret_marks->room = number;
    ret_marks->level = bytes[0];
    return 0;
}
