/* json_members.c - finds the duplicate members of an object and folds them.
 *
 * Small objects compare every pair of names. Larger ones are sorted by a hash of the name, then by
 * the name itself, with a merge sort: stable, so the last of equals is the last in the document,
 * and never worse than O(n log n). The hash only makes honest objects fast; whoever makes all names
 * collide gets the plain sort by name. In a merge each comparison costs no more than the name it
 * puts in its place, so the work is bounded in bytes too, not only in comparisons. (A hash table
 * would need a secret to be safe, and qsort promises no bound.)
 */
#include "cache/json_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    PAIRWISE_MAX = 16, /* members; 120 comparisons, mostly decided by the length */
};

/* What is sorted: by rank, then by name. The rank is the name's hash, later its first place. */
struct json_member {
    uint32_t rank;
    uint32_t key; /* token; in document order where all else is equal */
};

struct sort {
    struct json_members *members;
    const struct json_doc *doc;
    struct json_member *list;  /* in the end sorted */
    struct json_member *other; /* the second half of the merge */
    uint32_t count;
};

void json_members_init(struct json_members *members)
{
    *members = (struct json_members){0};
}

void json_members_release(struct json_members *members)
{
    if (members == NULL)
        return;
    free(members->memory);
    *members = (struct json_members){0};
}

static int compare_names(struct json_members *members, const struct json_doc *doc, uint32_t a,
                         uint32_t b)
{
    uint32_t a_len = doc->tokens[a].end - doc->tokens[a].start;
    uint32_t b_len = doc->tokens[b].end - doc->tokens[b].start;

    members->work += a_len < b_len ? a_len : b_len;
    return json_compare(doc, a, b);
}

static bool same(struct json_members *members, const struct json_doc *doc, uint32_t a, uint32_t b)
{
    const struct json_token *of_a = &doc->tokens[a], *of_b = &doc->tokens[b];

    if (!of_a->escaped && !of_b->escaped && of_a->end - of_a->start != of_b->end - of_b->start)
        return false;
    return compare_names(members, doc, a, b) == 0;
}

/* What unequal names mostly differ in, so that a pair costs one comparison of integers. */
static uint32_t signature(const struct json_doc *doc, uint32_t key)
{
    const struct json_token *token = &doc->tokens[key];
    uint32_t first = (uint8_t)doc->text[token->start + 1]; /* the quote, in an empty name */
    uint32_t last = (uint8_t)doc->text[token->end - 2];

    return (token->end - token->start) << 16 | first << 8 | last;
}

/* False also when a name is escaped, as signatures say nothing then. */
static bool pairs_differ(struct json_members *members, const struct json_doc *doc,
                         const uint32_t *keys, uint32_t count)
{
    uint32_t signatures[PAIRWISE_MAX];

    for (uint32_t i = 0; i < count; i++) {
        if (doc->tokens[keys[i]].escaped)
            return false;
        signatures[i] = signature(doc, keys[i]);
        for (uint32_t j = 0; j < i; j++) {
            if (signatures[i] == signatures[j] && same(members, doc, keys[i], keys[j]))
                return false;
        }
    }
    return true;
}

/* FNV-1a over the name's UTF-8. */
static uint32_t hash_name(const struct json_doc *doc, uint32_t key)
{
    struct json_span span = json_string_span(doc, key);
    uint32_t hash = 2166136261;

    while (span.at < span.end) {
        char bytes[4] = {*span.at};
        size_t length = 1;
        if (span.escaped)
            length = json_put_utf8(json_take_char(&span), bytes);
        else
            span.at++;
        for (size_t i = 0; i < length; i++)
            hash = (hash ^ (uint8_t)bytes[i]) * 16777619;
    }
    return hash;
}

/* Fills keys[] up to its size and returns how many members there are. */
static uint32_t list_keys(const struct json_doc *doc, uint32_t object, uint32_t *keys,
                          uint32_t size)
{
    uint32_t count = 0, end = doc->tokens[object].next;

    for (uint32_t at = object + 1; at < end; at = doc->tokens[at + 1].next) {
        if (count < size)
            keys[count] = at;
        count++;
    }
    return count;
}

static void list_members(struct sort *sort, uint32_t object)
{
    uint32_t at = object + 1;

    for (uint32_t i = 0; i < sort->count; i++) {
        sort->list[i] = (struct json_member){hash_name(sort->doc, at), at};
        at = sort->doc->tokens[at + 1].next;
    }
    assert(at == sort->doc->tokens[object].next);
}

static bool in_order(struct sort *sort, const struct json_member *a, const struct json_member *b)
{
    if (a->rank != b->rank)
        return a->rank < b->rank;
    return compare_names(sort->members, sort->doc, a->key, b->key) <= 0;
}

/* Merges list[from, middle) and list[middle, to) into other[from, to). */
static void merge(struct sort *sort, uint32_t from, uint32_t middle, uint32_t to)
{
    uint32_t left = from, right = middle;

    for (uint32_t at = from; at < to; at++) {
        bool take_left = right == to;
        if (left < middle && right < to)
            take_left = in_order(sort, &sort->list[left], &sort->list[right]);
        sort->other[at] = sort->list[take_left ? left++ : right++];
    }
    assert(left == middle);
    assert(right == to);
}

static void sort_members(struct sort *sort)
{
    for (size_t width = 1; width < sort->count; width *= 2) {
        for (size_t from = 0; from < sort->count; from += 2 * width) {
            size_t middle = from + width < sort->count ? from + width : sort->count;
            size_t to = middle + width < sort->count ? middle + width : sort->count;
            merge(sort, (uint32_t)from, (uint32_t)middle, (uint32_t)to);
        }
        struct json_member *swap = sort->list;
        sort->list = sort->other;
        sort->other = swap;
    }
}

/* Leaves one entry per name: ranked by its first place, with its last key. */
static void keep_last(struct sort *sort)
{
    uint32_t names = 0, at = 0;

    while (at < sort->count) {
        struct json_member first = sort->list[at], last = first;
        for (at++; at < sort->count; at++) {
            struct json_member next = sort->list[at];
            if (next.rank != last.rank || !same(sort->members, sort->doc, last.key, next.key))
                break;
            assert(next.key > last.key);
            last = next;
        }
        sort->list[names++] = (struct json_member){first.key, last.key};
    }
    sort->count = names;
}

static int reserve(struct json_members *members, uint32_t count)
{
    if (count <= members->capacity)
        return 0;
    struct json_member *memory = reallocarray(members->memory, count, 2 * sizeof(*memory));
    if (memory == NULL)
        return -ENOMEM;
    members->memory = memory;
    members->capacity = count;
    return 0;
}

/* give: the keys that count, by their first places. */
static int give_keys(struct sort *sort, uint32_t **ret_keys)
{
    uint32_t *keys = reallocarray(NULL, sort->count, sizeof(*keys));

    if (keys == NULL)
        return -ENOMEM;
    sort_members(sort);
    for (uint32_t i = 0; i < sort->count; i++)
        keys[i] = sort->list[i].key;
    *ret_keys = keys;
    return 0;
}

int json_members_fold(struct json_members *members, const struct json_doc *doc, uint32_t object,
                      uint32_t **ret_keys, uint32_t *ret_count)
{
    uint32_t few[PAIRWISE_MAX];
    uint32_t *keys = NULL;

    assert(doc->tokens[object].type == JSON_OBJECT);
    uint32_t count = list_keys(doc, object, few, PAIRWISE_MAX);
    bool differ = count <= PAIRWISE_MAX && pairs_differ(members, doc, few, count);
    struct sort sort = {members, doc, NULL, NULL, count};
    if (!differ) {
        int error = reserve(members, count);
        if (error != 0)
            return error;
        sort.list = members->memory;
        sort.other = members->memory + count;
        list_members(&sort, object);
        sort_members(&sort);
        keep_last(&sort);
        if (sort.count < count)
            error = give_keys(&sort, &keys);
        if (error != 0)
            return error;
    }
    *ret_keys = keys;
    *ret_count = keys != NULL ? sort.count : 0;
    return 0;
}
