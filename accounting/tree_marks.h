/* tree_marks.h - roots of equal, aligned parts of a tree, so that a changed month says where.
 *
 * A root tells that some row was changed, dropped or put in between, but not which. Marks are the
 * roots of the parts of 2^level leaves, the last of them of what is left; level is as small as
 * TREE_MARKS_MAX allows: 0, each leaf by itself, up to 65,536 rows; parts of 256 rows at ten
 * million. Taken as leaves of a tree they have the same root as all rows, so that a seal's root
 * vouches for its marks.
 *
 *   level u8, number u32 (big endian), the marks of TREE_HASH bytes each
 *
 * Threads: one per object.
 */
#ifndef ACCOUNTING_TREE_MARKS_H
#define ACCOUNTING_TREE_MARKS_H

#include "accounting/tree.h"

enum { TREE_MARKS_MAX = 65536, TREE_MARKS_HEAD = 5 };

struct tree_marks {
    unsigned level;
    size_t count, room;
    uint8_t (*marks)[TREE_HASH];
    struct tree part; /* leaves of the part that is not whole yet */
};

int tree_marks_init(struct tree_marks *marks); /* -ENOMEM */
void tree_marks_release(struct tree_marks *marks);

/* The leaves of the tree, in their order (tree_leaf()). -ENOMEM. */
int tree_marks_add(struct tree_marks *marks, const uint8_t leaf[TREE_HASH]);

/* What is stored: give *ret_bytes. More leaves may be added afterwards. -ENOMEM. */
int tree_marks_encode(const struct tree_marks *marks, uint8_t **ret_bytes, size_t *ret_len);
/* The stored marks of the tree with this root and number of leaves, into what
 * tree_marks_init() made. -EBADMSG: they are not. */
int tree_marks_decode(const uint8_t *bytes, size_t len, uint64_t leaves,
                      const uint8_t root[TREE_HASH], struct tree_marks *ret_marks);

#endif
