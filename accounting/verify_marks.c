/* verify_marks.c - which rows of a closed month are not those that were sealed. */
#include "accounting/verify_private.h"

#include "accounting/ledger_proof.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct text no_id;

int verify_marks_begin(struct verify_month *month)
{
    struct verify_marks *marks = &month->marks;
    const struct seal *seal = &month->one->seal;
    uint8_t *bytes;
    size_t len;
    int result = tree_init(&marks->part);
    if (result == 0)
        result = tree_marks_init(&marks->sealed);
    if (result < 0)
        return result;
    result = ledger_reader_marks(month->verify->reader, month->one->from_ms, &bytes, &len);
    if (result < 0)
        return result == -ENOENT ? 0 : result;
    result = tree_marks_decode(bytes, len, seal->rows, seal->root, &marks->sealed);
    free(bytes);
    marks->there = result == 0;
    if (result == -EBADMSG)
        verify_complain(month, NULL, no_id, "the marks of its tree are not those of its head");
    return result == -EBADMSG ? 0 : result;
}

/* The first part that differs is where rows were changed, or from where on they are out of step. */
static void compare_part(struct verify_month *month)
{
    struct verify_marks *marks = &month->marks;
    uint64_t leaves = marks->part.leaves;
    uint8_t root[TREE_HASH];
    tree_root(&marks->part, root);
    marks->part.leaves = 0;
    marks->part.depth = 0;
    if (marks->at < marks->sealed.count &&
        memcmp(root, marks->sealed.marks[marks->at++], TREE_HASH) == 0)
        return;
    marks->found = true;
    if (leaves == 1)
        verify_complain(month, &marks->first, no_id, "is not the row that was sealed here");
    else
        verify_complain(month, &marks->first, no_id,
                        "it and the %llu rows behind it are not all as they were sealed",
                        (unsigned long long)leaves - 1);
}

void verify_marks_add(struct verify_month *month, const struct ledger_ref *ref,
                      const uint8_t leaf[TREE_HASH])
{
    struct verify_marks *marks = &month->marks;
    if (!marks->there || marks->found)
        return;
    if (marks->part.leaves == 0)
        marks->first = *ref;
    tree_add_leaf(&marks->part, leaf);
    if (marks->part.leaves >> marks->sealed.level != 0)
        compare_part(month);
}

void verify_marks_end(struct verify_month *month)
{
    struct verify_marks *marks = &month->marks;
    if (!marks->there || marks->found)
        return;
    if (marks->part.leaves > 0)
        compare_part(month);
    if (!marks->found && marks->at < marks->sealed.count)
        verify_complain(month, month->rows > 0 ? &month->last : NULL, no_id,
                        "rows that were sealed behind it are gone");
}

void verify_marks_release(struct verify_marks *marks)
{
    tree_release(&marks->part);
    tree_marks_release(&marks->sealed);
}
