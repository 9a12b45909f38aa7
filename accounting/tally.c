#include "accounting/tally.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { TABLE_START = 256 /* a power of two */ };

struct tally {
    struct tally_group **table; /* open addressing */
    size_t room, count, groups_max;
    uint64_t rows;
    bool sorted;
    char key[TALLY_KEY_BYTES_MAX];
};

struct tally *tally_new(size_t groups_max)
{
    struct tally *tally = calloc(1, sizeof(*tally));
    if (tally != NULL)
        tally->groups_max = groups_max > 0 ? groups_max : SIZE_MAX;
    return tally;
}

void tally_free(struct tally *tally)
{
    if (tally == NULL)
        return;
    for (size_t i = 0; i < tally->room; i++)
        free(tally->table[i]);
    free(tally->table);
    free(tally);
}

/* --- the table --- */

static uint64_t hash_of(const char *bytes, size_t len)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325), word;
    for (; len >= sizeof(word); bytes += sizeof(word), len -= sizeof(word)) {
        memcpy(&word, bytes, sizeof(word));
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    for (; len > 0; bytes++, len--)
        hash = (hash ^ (unsigned char)*bytes) * UINT64_C(0x100000001b3);
    return hash ^ hash >> 29;
}

/* The place of a key: its group, or the free place where it goes. */
static size_t place_of(struct tally_group **table, size_t room, uint64_t hash, const char *key,
                       size_t len)
{
    size_t at = hash & (room - 1);
    while (table[at] != NULL) {
        const struct tally_group *group = table[at];
        if (group->hash == hash && group->key_len == len && memcmp(group->key, key, len) == 0)
            break;
        at = (at + 1) & (room - 1);
    }
    return at;
}

static int grow(struct tally *tally)
{
    size_t room = tally->room == 0 ? TABLE_START : 2 * tally->room;
    struct tally_group **table = calloc(room, sizeof(struct tally_group *));
    if (table == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < tally->room; i++) {
        struct tally_group *group = tally->table[i];
        if (group != NULL)
            table[place_of(table, room, group->hash, group->key, group->key_len)] = group;
    }
    free(tally->table);
    tally->table = table;
    tally->room = room;
    return 0;
}

static int find_group(struct tally *tally, size_t key_len, struct tally_group **ret_group)
{
    uint64_t hash = hash_of(tally->key, key_len);
    struct tally_group *group;
    size_t at;
    if (2 * tally->count >= tally->room) {
        int result = grow(tally);
        if (result < 0)
            return result;
    }
    at = place_of(tally->table, tally->room, hash, tally->key, key_len);
    if (tally->table[at] == NULL && tally->count >= tally->groups_max)
        return -E2BIG;
    if (tally->table[at] == NULL) {
        group = calloc(1, sizeof(*group) + key_len);
        if (group == NULL)
            return -ENOMEM;
        group->hash = hash;
        group->last_row = UINT64_MAX; /* no row yet */
        group->key_len = key_len;
        memcpy(group->key, tally->key, key_len);
        for (unsigned i = 0; i < TALLY_TOKENS; i++)
            group->tokens[i] = USAGE_ABSENT;
        tally->table[at] = group;
        tally->count++;
    }
    *ret_group = tally->table[at];
    return 0;
}

/* --- adding up --- */

static int add_tokens(int64_t *sum, int64_t count)
{
    if (count < 0)
        return 0;
    if (*sum < 0) {
        *sum = count;
        return 0;
    }
    return __builtin_add_overflow(*sum, count, sum) ? -EOVERFLOW : 0;
}

static int add_money(struct maybe_money *sum, const struct maybe_money *money)
{
    if (!money->known)
        return 0;
    if (!sum->known) {
        *sum = *money;
        return 0;
    }
    return money_add(sum->money, money->money, &sum->money);
}

/* A correction is no request: it adds the differences to what was counted before. */
static void add_request(struct tally_group *group, const struct ledger_row *row)
{
    assert(row->corrects.len == 0);
    group->requests++;
    if (row->cache == CACHE_HIT || row->cache == CACHE_COLLAPSED)
        group->hits++;
    if (!row->billed.known && row->verdict != VERDICT_FAILED)
        group->unbilled++; /* a failed row was not billed, which is known */
}

static int add_row(struct tally_group *group, const struct ledger_row *row)
{
    const int64_t tokens[TALLY_TOKENS] = {
        [TALLY_PROMPT] = row->usage.prompt_tokens,
        [TALLY_COMPLETION] = row->usage.completion_tokens,
        [TALLY_CACHED] = row->usage.cached_tokens,
        [TALLY_CACHE_WRITE] = row->usage.cache_write_tokens,
        [TALLY_REASONING] = row->usage.reasoning_tokens,
    };
    const struct maybe_money *money[TALLY_MONEY] = {
        [TALLY_BILLED] = &row->billed, [TALLY_UPSTREAM] = &row->upstream_cost,
        [TALLY_MARKET] = &row->market, [TALLY_ESTIMATED] = &row->estimated,
        [TALLY_BOOKED] = &row->booked, [TALLY_DIFFERENCE] = &row->difference,
        [TALLY_SAVED] = &row->saved,
    };
    int result = 0;
    if (row->corrects.len == 0)
        add_request(group, row);
    for (unsigned i = 0; i < TALLY_TOKENS && result == 0; i++)
        result = add_tokens(&group->tokens[i], tokens[i]);
    for (unsigned i = 0; i < TALLY_MONEY && result == 0; i++)
        result = add_money(&group->money[i], money[i]);
    return result;
}

void tally_next_row(struct tally *tally)
{
    tally->rows++;
}

int tally_add(struct tally *tally, const struct text *values, size_t count,
              const struct ledger_row *row)
{
    struct tally_group *group;
    size_t len = 0;
    int result;
    assert(count <= TALLY_VALUES_MAX);
    assert(!tally->sorted);
    for (size_t i = 0; i < count; i++) {
        uint32_t value_len = (uint32_t)values[i].len;
        assert(sizeof(value_len) + values[i].len <= sizeof(tally->key) - len);
        memcpy(tally->key + len, &value_len, sizeof(value_len));
        len += sizeof(value_len);
        if (values[i].len > 0)
            memcpy(tally->key + len, values[i].bytes, values[i].len);
        len += values[i].len;
    }
    result = find_group(tally, len, &group);
    if (result < 0)
        return result;
    if (group->last_row == tally->rows)
        return 0;
    group->last_row = tally->rows;
    return add_row(group, row);
}

/* --- the result --- */

static struct text next_value(const char **at)
{
    struct text value;
    uint32_t len;
    memcpy(&len, *at, sizeof(len));
    value = (struct text){*at + sizeof(len), len};
    *at += sizeof(len) + len;
    return value;
}

static int compare_groups(const void *a, const void *b)
{
    const struct tally_group *left = *(const struct tally_group *const *)a;
    const struct tally_group *right = *(const struct tally_group *const *)b;
    const char *at = left->key, *other = right->key;
    while (at < left->key + left->key_len) {
        struct text x = next_value(&at), y = next_value(&other);
        int order = memcmp(x.bytes, y.bytes, x.len < y.len ? x.len : y.len);
        if (order == 0)
            order = (x.len > y.len) - (x.len < y.len);
        if (order != 0)
            return order;
    }
    return 0;
}

/* Packs the table into a sorted list. */
struct tally_group *const *tally_sort(struct tally *tally, size_t *ret_count)
{
    size_t count = 0;
    for (size_t i = 0; i < tally->room; i++) {
        struct tally_group *group = tally->table[i];
        tally->table[i] = NULL;
        if (group != NULL)
            tally->table[count++] = group;
    }
    assert(count == tally->count);
    if (count > 0)
        qsort(tally->table, count, sizeof(struct tally_group *), compare_groups);
    tally->sorted = true;
    *ret_count = count;
    return tally->table;
}

struct text tally_value(const struct tally_group *group, size_t index)
{
    const char *at = group->key;
    for (; index > 0; index--)
        next_value(&at);
    return next_value(&at);
}
