/* tree.h - a Merkle tree over rows in order (RFC 9162 section 2.1), fed one by one with memory for
 * its right edge only.
 *
 *   leaf  SHA-256(0x00 || "tollgate row 1" || created_at (8, big endian) || sequence (8) || row)
 *   node  SHA-256(0x01 || left || right)
 *   root of no leaves: SHA-256 of nothing
 *
 * Threads: one per tree.
 */
#ifndef ACCOUNTING_TREE_H
#define ACCOUNTING_TREE_H

#include "accounting/ledger.h"

enum { TREE_HASH = 32, TREE_DEPTH_MAX = 64 };

struct tree {
    uint64_t leaves;
    uint8_t edge[TREE_DEPTH_MAX][TREE_HASH]; /* roots of the full subtrees, largest first */
    unsigned depth;
    void *digest; /* EVP_MD_CTX, owned */
};

int tree_init(struct tree *tree); /* -ENOMEM */
void tree_release(struct tree *tree);
/* The hash of a row. Uses the tree's context, and leaves the tree as it is. */
void tree_leaf(const struct tree *tree, const struct ledger_ref *ref, const uint8_t *row,
               size_t len, uint8_t ret_leaf[TREE_HASH]);
/* tree_add() is tree_leaf() and this. */
void tree_add_leaf(struct tree *tree, const uint8_t leaf[TREE_HASH]);
void tree_add(struct tree *tree, const struct ledger_ref *ref, const uint8_t *row, size_t len);
/* Of what was added so far; more may be added afterwards. */
void tree_root(const struct tree *tree, uint8_t ret_root[TREE_HASH]);

#endif
