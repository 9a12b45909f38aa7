#include "accounting/tree_marks.h"

#include <errno.h>
#include <openssl/sha.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void hex(const uint8_t hash[TREE_HASH], char text[2 * TREE_HASH + 1])
{
    for (size_t i = 0; i < TREE_HASH; i++)
        snprintf(text + 2 * i, 3, "%02x", hash[i]);
}

static void assert_root(const struct tree *tree, const char *expected)
{
    uint8_t root[TREE_HASH];
    char text[2 * TREE_HASH + 1];
    tree_root(tree, root);
    hex(root, text);
    assert_string_equal(text, expected);
}

/* The leaves and roots that implementations of RFC 6962 test themselves with; RFC 9162 has the same
 * tree. */
static void roots_are_those_of_the_rfc(void **state)
{
    static const struct {
        const char *leaf;
        size_t len;
        const char *root;
    } cases[] = {
        {"", 0, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
        {"\x00", 1, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
        {"\x10", 1, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
        {"\x20\x21", 2, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
        {"\x30\x31", 2, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
        {"\x40\x41\x42\x43", 4, "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
        {"\x50\x51\x52\x53\x54\x55\x56\x57", 8,
         "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
        {"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16,
         "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
    };
    struct tree tree;
    (void)state;
    assert_int_equal(tree_init(&tree), 0);
    assert_root(&tree, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t bytes[32] = {0}, leaf[TREE_HASH];
        memcpy(bytes + 1, cases[i].leaf, cases[i].len);
        SHA256(bytes, cases[i].len + 1, leaf);
        tree_add_leaf(&tree, leaf);
        assert_root(&tree, cases[i].root);
    }
    tree_release(&tree);
}

/* What is hashed of a row says what it is and where it stands. */
static void a_leaf_is_its_place_and_its_bytes(void **state)
{
    static const uint8_t bytes[] = "\0tollgate row 1"
                                   "\0\0\x01\x9a\x01\x02\x03\x04"
                                   "\x40\0\0\0\0\0\0\x07"
                                   "row";
    const struct ledger_ref ref = {INT64_C(0x19a01020304), UINT64_C(0x4000000000000007)};
    uint8_t expected[TREE_HASH], leaf[TREE_HASH], root[TREE_HASH];
    struct tree tree;
    (void)state;
    SHA256(bytes, sizeof(bytes) - 1, expected);
    assert_int_equal(tree_init(&tree), 0);
    tree_leaf(&tree, &ref, (const uint8_t *)"row", 3, leaf);
    assert_memory_equal(leaf, expected, TREE_HASH);
    assert_int_equal(tree.leaves, 0);
    tree_add(&tree, &ref, (const uint8_t *)"row", 3);
    tree_root(&tree, root);
    assert_memory_equal(root, expected, TREE_HASH);
    tree_release(&tree);
}

static void make_leaf(uint32_t number, uint8_t leaf[TREE_HASH])
{
    SHA256((const unsigned char *)&number, sizeof(number), leaf);
}

/* As section 2.1.1 of RFC 9162 defines it, with recursion. */
static void defined_root(uint32_t from, uint32_t to, uint8_t root[TREE_HASH])
{
    uint8_t pair[1 + 2 * TREE_HASH] = {1};
    uint32_t split = 1;
    if (to - from == 1) {
        make_leaf(from, root);
        return;
    }
    while (2 * split < to - from)
        split *= 2;
    defined_root(from, from + split, pair + 1);
    defined_root(from + split, to, pair + 1 + TREE_HASH);
    SHA256(pair, sizeof(pair), root);
}

static void roots_are_as_defined_for_every_number_of_rows(void **state)
{
    struct tree tree;
    (void)state;
    assert_int_equal(tree_init(&tree), 0);
    for (uint32_t rows = 1; rows <= 140; rows++) {
        uint8_t leaf[TREE_HASH], root[TREE_HASH], expected[TREE_HASH];
        make_leaf(rows - 1, leaf);
        tree_add_leaf(&tree, leaf);
        tree_root(&tree, root);
        defined_root(0, rows, expected);
        assert_memory_equal(root, expected, TREE_HASH);
    }
    tree_release(&tree);
}

/* --- marks --- */

static void fill(struct tree *tree, struct tree_marks *marks, uint32_t rows)
{
    assert_int_equal(tree_init(tree), 0);
    assert_int_equal(tree_marks_init(marks), 0);
    for (uint32_t i = 0; i < rows; i++) {
        uint8_t leaf[TREE_HASH];
        make_leaf(i, leaf);
        tree_add_leaf(tree, leaf);
        assert_int_equal(tree_marks_add(marks, leaf), 0);
    }
}

/* The marks of any number of rows are stored, and the root vouches for them. */
static void marks_come_back_under_their_root(void **state)
{
    static const uint32_t numbers[] = {
        0,     1,      2,      3,      255,    256,    257,    65535,  65536,
        65537, 131071, 131072, 131073, 131074, 196608, 262143, 262144, 262145,
    };
    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct tree tree;
        struct tree_marks marks, again;
        uint8_t *bytes, root[TREE_HASH];
        size_t len;
        fill(&tree, &marks, numbers[i]);
        tree_root(&tree, root);
        assert_true(marks.count <= TREE_MARKS_MAX);
        assert_true(numbers[i] > TREE_MARKS_MAX || marks.level == 0);
        assert_int_equal(tree_marks_encode(&marks, &bytes, &len), 0);
        assert_int_equal(tree_marks_init(&again), 0);
        assert_int_equal(tree_marks_decode(bytes, len, numbers[i], root, &again), 0);
        assert_int_equal(again.level, marks.level);
        tree_marks_release(&again);
        assert_int_equal(tree_marks_init(&again), 0);
        root[7] ^= 1;
        assert_int_equal(tree_marks_decode(bytes, len, numbers[i], root, &again), -EBADMSG);
        tree_marks_release(&again);
        free(bytes);
        tree_marks_release(&marks);
        tree_release(&tree);
    }
}

static void damaged_marks_are_refused(void **state)
{
    struct tree tree;
    struct tree_marks marks, again;
    uint8_t *bytes, root[TREE_HASH];
    size_t len;
    (void)state;
    fill(&tree, &marks, 5);
    tree_root(&tree, root);
    assert_int_equal(tree_marks_encode(&marks, &bytes, &len), 0);
    assert_int_equal(len, TREE_MARKS_HEAD + 5 * TREE_HASH);
    assert_int_equal(tree_marks_init(&again), 0);
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(tree_marks_decode(bytes, cut, 5, root, &again), -EBADMSG);
    for (size_t at = 0; at < len; at++) {
        bytes[at] ^= 0x41;
        assert_int_equal(tree_marks_decode(bytes, len, 5, root, &again), -EBADMSG);
        bytes[at] ^= 0x41;
    }
    assert_int_equal(tree_marks_decode(bytes, len, 6, root, &again), -EBADMSG);
    assert_int_equal(tree_marks_decode(bytes, len, 5, root, &again), 0);
    tree_marks_release(&again);
    free(bytes);
    tree_marks_release(&marks);
    tree_release(&tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roots_are_those_of_the_rfc),
        cmocka_unit_test(a_leaf_is_its_place_and_its_bytes),
        cmocka_unit_test(roots_are_as_defined_for_every_number_of_rows),
        cmocka_unit_test(marks_come_back_under_their_root),
        cmocka_unit_test(damaged_marks_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
