/* Promises of the folding of duplicate members: it is right at every size, and no choice of names
 * makes it slow. */
#include "cache/json_internal.h"

#include "tests/cache/json_canonical_support.h"

/* Above a few members the sort takes over from the comparison of pairs; both must agree. */
static void duplicates_fold_in_objects_of_every_size(void **state)
{
    (void)state;
    for (int count = 1; count < 70; count++) {
        for (int names = 1; names <= count; names += 1 + names / 3) {
            char from[2048] = "", want[2048] = "";
            size_t at = 0, end = 0;
            for (int i = 0; i < count; i++) /* every other name is spelled with an escape */
                at += (size_t)snprintf(from + at, sizeof(from) - at, "%c\"%s%d\":%d",
                                       i == 0 ? '{' : ',', i % 2 ? "k" : "\\u006b", i % names, i);
            snprintf(from + at, sizeof(from) - at, "}");
            for (int name = 0; name < names; name++) {
                int last = name + (count - 1 - name) / names * names;
                end += (size_t)snprintf(want + end, sizeof(want) - end, "%c\"k%d\":%d",
                                        name == 0 ? '{' : ',', name, last);
            }
            snprintf(want + end, sizeof(want) - end, "}");
            assert_canonical(from, want);
        }
    }
}

/* A hostile object: long common beginnings, in an order chosen against the sort. */
enum hostile { ASCENDING, DESCENDING, ALL_EQUAL, ESCAPED, SHUFFLED, HOSTILE_KINDS };

static struct text hostile_object(enum hostile kind, uint32_t count)
{
    struct text text = {0};

    for (uint32_t i = 0; i < count; i++) {
        char member[96];
        uint32_t name = kind == DESCENDING  ? count - i
                        : kind == ALL_EQUAL ? 0
                        : kind == SHUFFLED  ? i * 2654435761u
                                            : i;
        int len = snprintf(member, sizeof(member), "%c\"%saaaaaaaaaaaaaaaaaaaa%010u\":0",
                           i == 0 ? '{' : ',', kind == ESCAPED ? "\\u0061" : "a", name);
        append(&text, member, (size_t)len);
    }
    append(&text, "}", 1);
    return text;
}

/* Bytes of names looked at, counted by the fold itself, so no clock is asked. */
static uint64_t work_of(enum hostile kind, uint32_t count, size_t *ret_len)
{
    struct text text = hostile_object(kind, count);
    struct json_members members;
    struct json_doc doc;
    uint32_t *keys = NULL, names = 0;

    json_doc_init(&doc);
    json_members_init(&members);
    assert_int_equal(json_parse(&doc, text.bytes, text.len, NULL), 0);
    assert_int_equal(json_members_fold(&members, &doc, 0, &keys, &names), 0);
    assert_int_equal(names, kind == ALL_EQUAL ? 1 : 0);
    uint64_t work = members.work;
    *ret_len = text.len;
    free(keys);
    json_members_release(&members);
    json_doc_release(&doc);
    free(text.bytes);
    return work;
}

static uint64_t levels_of(uint32_t count)
{
    uint64_t levels = 2; /* finding the equals, and sorting what is left by place */

    for (uint32_t width = 1; width < count; width *= 2)
        levels++;
    return levels;
}

static void no_object_costs_more_than_its_text_times_a_logarithm(void **state)
{
    (void)state;
    for (int kind = 0; kind < HOSTILE_KINDS; kind++) {
        for (uint32_t count = 200; count <= 200000; count *= 10) {
            size_t len;
            assert_true(work_of((enum hostile)kind, count, &len) <= len * levels_of(count));
        }
    }
}

static char digit_of(uint32_t block, int place)
{
    return "0123456789abcdef"[(block * 2654435761u) >> (4 * place) & 0xf];
}

static uint32_t fnv(uint32_t hash, uint32_t block)
{
    for (int i = 0; i < 8; i++)
        hash = (hash ^ (uint8_t)digit_of(block, i)) * 16777619;
    return hash;
}

/* Two blocks that lead the hash from one state to the same next state, by the birthday paradox. */
static uint32_t collide(uint32_t hash, uint32_t ret_blocks[2])
{
    enum { SLOTS = 1 << 20 };
    uint32_t *seen = calloc(SLOTS, sizeof(*seen));
    uint32_t block = 1;

    assert_non_null(seen);
    for (;; block++) {
        uint32_t next = fnv(hash, block), slot = next % SLOTS;
        while (seen[slot] != 0 && fnv(hash, seen[slot]) != next)
            slot = (slot + 1) % SLOTS;
        if (seen[slot] != 0) {
            ret_blocks[0] = seen[slot];
            break;
        }
        assert_true(block < SLOTS / 2);
        seen[slot] = block;
    }
    ret_blocks[1] = block;
    free(seen);
    return fnv(hash, block);
}

/* 2^BLOCKS names of one hash, by choosing one of two colliding blocks at every place; each twice.
 */
static struct text colliding_object(int blocks)
{
    struct text text = {0};
    uint32_t pairs[16][2], hash = 2166136261;

    for (int i = 0; i < blocks; i++)
        hash = collide(hash, pairs[i]);
    for (uint32_t name = 0; name < 2u << blocks; name++) {
        append(&text, name == 0 ? "{\"" : ",\"", 2);
        for (int i = 0; i < blocks; i++) {
            char block[8];
            for (int digit = 0; digit < 8; digit++)
                block[digit] = digit_of(pairs[i][name >> i & 1], digit);
            append(&text, block, sizeof(block));
        }
        append(&text, "\":0", 3);
    }
    append(&text, "}", 1);
    return text;
}

/* The hash is no secret, so a client can choose names that all collide. */
static void colliding_names_fold_right_and_in_bounded_work(void **state)
{
    enum { BLOCKS = 13, NAMES = 1 << BLOCKS };
    struct text from = colliding_object(BLOCKS), got;
    struct json_members members;
    struct json_doc doc;
    uint32_t *keys = NULL, names = 0;

    (void)state;
    json_doc_init(&doc);
    json_members_init(&members);
    assert_int_equal(json_parse(&doc, from.bytes, from.len, NULL), 0);
    assert_int_equal(json_members_fold(&members, &doc, 0, &keys, &names), 0);
    assert_int_equal(names, NAMES);
    assert_true(members.work > from.len); /* the names do collide, or this test is idle */
    assert_true(members.work <= from.len * levels_of(2 * NAMES));
    got = canonical(from.bytes, from.len);
    assert_int_equal(got.len, from.len / 2 + 1); /* the first half, as its order was kept */
    assert_memory_equal(got.bytes, from.bytes, got.len - 1);
    free(keys);
    json_members_release(&members);
    json_doc_release(&doc);
    free(from.bytes);
    free(got.bytes);
}

static void two_hundred_thousand_members_are_written(void **state)
{
    (void)state;
    for (int kind = 0; kind < HOSTILE_KINDS; kind++) {
        struct text from = hostile_object((enum hostile)kind, 200000);
        struct text got = canonical(from.bytes, from.len);
        if (kind == ALL_EQUAL)
            assert_int_equal(got.len, strlen("{\"aaaaaaaaaaaaaaaaaaaaa0000000000\":0}"));
        else if (kind != ESCAPED)
            assert_string_equal(got.bytes, from.bytes);
        free(got.bytes);
        free(from.bytes);
    }
}

/* Sixteen names of a megabyte that differ in their last byte only: the pairs are compared, and that
 * must stay a small multiple of the text. */
static void few_but_huge_names_are_cheap_enough(void **state)
{
    enum { NAMES = 16, LENGTH = 1 << 20 };
    struct text from = {0};
    struct json_members members;
    struct json_doc doc;
    uint32_t *keys = NULL, names = 77;
    char *name = malloc(LENGTH);

    (void)state;
    assert_non_null(name);
    memset(name, 'n', LENGTH);
    for (int i = 0; i < NAMES; i++) {
        append(&from, i == 0 ? "{\"" : ",\"", 2);
        name[LENGTH - 1] = (char)('a' + i);
        append(&from, name, LENGTH);
        append(&from, "\":0", 3);
    }
    append(&from, "}", 1);
    json_doc_init(&doc);
    json_members_init(&members);
    assert_int_equal(json_parse(&doc, from.bytes, from.len, NULL), 0);
    assert_int_equal(json_members_fold(&members, &doc, 0, &keys, &names), 0);
    assert_null(keys);
    assert_int_equal(names, 0);
    assert_true(members.work <= from.len * NAMES / 2);
    json_members_release(&members);
    json_doc_release(&doc);
    free(from.bytes);
    free(name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(duplicates_fold_in_objects_of_every_size),
        cmocka_unit_test(no_object_costs_more_than_its_text_times_a_logarithm),
        cmocka_unit_test(colliding_names_fold_right_and_in_bounded_work),
        cmocka_unit_test(two_hundred_thousand_members_are_written),
        cmocka_unit_test(few_but_huge_names_are_cheap_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
