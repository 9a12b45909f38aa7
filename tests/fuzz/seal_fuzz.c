/* Laws of seal.h and tree_marks.h on any bytes: what is read as a head is printed as the same
 * bytes, and nobody has signed it; with its signature cut off it is no head; a mark list that is
 * accepted is stored as the same bytes; a number of money that is read is printed as it was. */
#include "accounting/money_text.h"
#include "accounting/seal.h"
#include "accounting/tree_marks.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void check_seal(const char *text, size_t len)
{
    struct seal seal;
    char again[SEAL_TEXT_MAX];
    uint8_t hash[TREE_HASH];
    size_t signed_len;

    if (seal_parse(text, len, &seal) != 0)
        return;
    assert(seal_print(&seal, true, again) == len);
    assert(memcmp(again, text, len) == 0);
    signed_len = seal_print(&seal, false, again);
    assert(signed_len < len);
    assert(memcmp(again, text, signed_len) == 0);
    assert(seal_parse(again, signed_len, &seal) != 0);
    seal_hash(&seal, hash);
    seal_verify(&seal);
}

static void check_money(const char *text, size_t len)
{
    struct money money;
    char again[MONEY_TEXT_MAX];

    if (money_text_read(text, len, &money) != 0)
        return;
    assert(money_print(money, again) == len);
    assert(memcmp(again, text, len) == 0);
}

/* The first byte says how many leaves, the next 32 are the root. */
static void check_marks(const uint8_t *data, size_t len)
{
    struct tree_marks marks;
    const uint8_t *bytes = data + 1 + TREE_HASH;
    int result;

    if (len < 1 + TREE_HASH)
        return;
    len -= 1 + TREE_HASH;
    result = tree_marks_init(&marks);
    assert(result == 0);
    if (tree_marks_decode(bytes, len, data[0], data + 1, &marks) == 0) {
        assert(len == TREE_MARKS_HEAD + marks.count * TREE_HASH);
        assert(marks.level == bytes[0]);
        assert(marks.count == 0 ||
               memcmp(marks.marks, bytes + TREE_MARKS_HEAD, marks.count * TREE_HASH) == 0);
    }
    tree_marks_release(&marks);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    check_seal((const char *)data, len);
    check_money((const char *)data, len);
    check_marks(data, len);
    return 0;
}
