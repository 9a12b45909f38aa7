#include "accounting/tree.h"

#include <assert.h>
#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

enum { LEAF = 0, NODE = 1 };
static const char leaf_name[] = "tollgate row 1";

int tree_init(struct tree *tree)
{
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    if (digest == NULL)
        return -ENOMEM;
    /* Every hash begins anew with the same algorithm, which is looked up only here. */
    if (EVP_DigestInit_ex(digest, EVP_sha256(), NULL) != 1) {
        EVP_MD_CTX_free(digest);
        return -ENOMEM;
    }
    memset(tree, 0, sizeof(*tree));
    tree->digest = digest;
    return 0;
}

void tree_release(struct tree *tree)
{
    EVP_MD_CTX_free(tree->digest);
    tree->digest = NULL;
}

/* None of these fails once the context has its algorithm: it only computes. */
static void begin(EVP_MD_CTX *digest)
{
    int done = EVP_DigestInit_ex(digest, NULL, NULL);
    assert(done == 1);
}

static void add(EVP_MD_CTX *digest, const void *bytes, size_t len)
{
    int done = EVP_DigestUpdate(digest, bytes, len);
    assert(done == 1);
}

static void end(EVP_MD_CTX *digest, uint8_t hash[TREE_HASH])
{
    unsigned len = 0;
    int done = EVP_DigestFinal_ex(digest, hash, &len);
    assert(done == 1);
    assert(len == TREE_HASH);
}

static void hash_leaf(EVP_MD_CTX *digest, const struct ledger_ref *ref, const uint8_t *row,
                      size_t len, uint8_t hash[TREE_HASH])
{
    const uint8_t kind = LEAF;
    uint64_t place[2] = {__builtin_bswap64((uint64_t)ref->created_at_ms),
                         __builtin_bswap64(ref->sequence)};
    begin(digest);
    add(digest, &kind, 1);
    add(digest, leaf_name, sizeof(leaf_name) - 1);
    add(digest, place, sizeof(place));
    add(digest, row, len);
    end(digest, hash);
}

/* hash may be left or right. */
static void hash_node(EVP_MD_CTX *digest, const uint8_t left[TREE_HASH],
                      const uint8_t right[TREE_HASH], uint8_t hash[TREE_HASH])
{
    const uint8_t kind = NODE;
    begin(digest);
    add(digest, &kind, 1);
    add(digest, left, TREE_HASH);
    add(digest, right, TREE_HASH);
    end(digest, hash);
}

void tree_leaf(const struct tree *tree, const struct ledger_ref *ref, const uint8_t *row,
               size_t len, uint8_t ret_leaf[TREE_HASH])
{
    hash_leaf(tree->digest, ref, row, len, ret_leaf);
}

/* The full subtrees of n leaves are the bits of n: a leaf that makes one as large as its
 * neighbour's is joined with it, as a carry goes through a sum. */
void tree_add_leaf(struct tree *tree, const uint8_t leaf[TREE_HASH])
{
    assert(tree->leaves < UINT64_MAX);
    assert(tree->depth < TREE_DEPTH_MAX);
    memcpy(tree->edge[tree->depth++], leaf, TREE_HASH);
    for (uint64_t leaves = tree->leaves; leaves & 1; leaves >>= 1) {
        uint8_t *left = tree->edge[tree->depth - 2];
        hash_node(tree->digest, left, tree->edge[tree->depth - 1], left);
        tree->depth--;
    }
    tree->leaves++;
    assert(tree->depth == (unsigned)__builtin_popcountll(tree->leaves));
}

void tree_add(struct tree *tree, const struct ledger_ref *ref, const uint8_t *row, size_t len)
{
    uint8_t leaf[TREE_HASH];
    tree_leaf(tree, ref, row, len, leaf);
    tree_add_leaf(tree, leaf);
}

void tree_root(const struct tree *tree, uint8_t ret_root[TREE_HASH])
{
    EVP_MD_CTX *digest = tree->digest;
    if (tree->depth == 0) {
        begin(digest);
        end(digest, ret_root);
        return;
    }
    memcpy(ret_root, tree->edge[tree->depth - 1], TREE_HASH);
    for (unsigned i = tree->depth - 1; i > 0; i--)
        hash_node(digest, tree->edge[i - 1], ret_root, ret_root);
}
