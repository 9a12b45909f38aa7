#include "accounting/report_table.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

enum { TABLE_START = 64 /* a power of two */, ALIGN = 16 };

const char report_others[] = "(others)";

/* One allocation: this, the sums, the key. */
struct entry {
    uint64_t hash;
    size_t key_len;
    _Alignas(ALIGN) unsigned char sums[];
};

struct report_table {
    void **slots; /* sums of entries; open addressing until it is sorted */
    size_t room, count, groups_max, size, values;
    bool sorted;
    void *empty;
    char *key; /* scratch */
    size_t key_size;
};

struct report_table *report_table_new(const void *empty, size_t size, size_t groups_max)
{
    struct report_table *table = calloc(1, sizeof(*table));

    assert(groups_max > 0);
    if (table == NULL)
        return NULL;
    table->size = (size + ALIGN - 1) / ALIGN * ALIGN;
    table->groups_max = groups_max;
    table->empty = calloc(1, table->size);
    if (table->empty == NULL) {
        report_table_free(table);
        return NULL;
    }
    memcpy(table->empty, empty, size);
    return table;
}

static struct entry *entry_of(const void *sums)
{
    return (struct entry *)((const char *)sums - offsetof(struct entry, sums));
}

static const char *key_of(const struct report_table *table, const void *sums)
{
    return (const char *)sums + table->size;
}

void report_table_free(struct report_table *table)
{
    if (table == NULL)
        return;
    for (size_t i = 0; i < table->room; i++) {
        if (table->slots[i] != NULL)
            free(entry_of(table->slots[i]));
    }
    free(table->slots);
    free(table->empty);
    free(table->key);
    free(table);
}

static uint64_t hash_of(const char *bytes, size_t len)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
    return hash ^ hash >> 29;
}

/* The place of a key: its group, or the free place where it goes. */
static size_t place_of(const struct report_table *table, uint64_t hash, const char *key, size_t len)
{
    size_t at = hash & (table->room - 1);

    for (; table->slots[at] != NULL; at = (at + 1) & (table->room - 1)) {
        const struct entry *entry = entry_of(table->slots[at]);
        if (entry->hash == hash && entry->key_len == len &&
            memcmp(key_of(table, entry->sums), key, len) == 0)
            break;
    }
    return at;
}

static bool grow(struct report_table *table)
{
    size_t room = table->room == 0 ? TABLE_START : 2 * table->room, old = table->room;
    void **slots = calloc(room, sizeof(void *)), **from = table->slots;

    if (slots == NULL)
        return false;
    table->slots = slots;
    table->room = room;
    for (size_t i = 0; i < old; i++) {
        const struct entry *entry = from[i] != NULL ? entry_of(from[i]) : NULL;
        if (entry != NULL)
            slots[place_of(table, entry->hash, key_of(table, from[i]), entry->key_len)] = from[i];
    }
    free(from);
    return true;
}

/* Packs values into table->key; 0 without memory (a key has a length before each value). */
static size_t pack(struct report_table *table, const struct text *values, size_t count)
{
    size_t len = count * sizeof(uint32_t), at = 0;

    assert(count > 0 && count <= REPORT_VALUES_MAX);
    for (size_t i = 0; i < count; i++)
        len += values[i].len;
    if (len > table->key_size) {
        char *key = realloc(table->key, 2 * len);
        if (key == NULL)
            return 0;
        table->key = key;
        table->key_size = 2 * len;
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t value_len = (uint32_t)values[i].len;
        memcpy(table->key + at, &value_len, sizeof(value_len));
        if (value_len > 0)
            memcpy(table->key + at + sizeof(value_len), values[i].bytes, value_len);
        at += sizeof(value_len) + value_len;
    }
    return len;
}

static void *add(struct report_table *table, size_t at, uint64_t hash, size_t len)
{
    struct entry *entry =
        aligned_alloc(ALIGN, (sizeof(*entry) + table->size + len + ALIGN - 1) / ALIGN * ALIGN);

    if (entry == NULL)
        return NULL;
    entry->hash = hash;
    entry->key_len = len;
    memcpy(entry->sums, table->empty, table->size);
    memcpy(entry->sums + table->size, table->key, len);
    table->slots[at] = entry->sums;
    table->count++;
    return entry->sums;
}

void *report_table_get(struct report_table *table, const struct text *values, size_t count)
{
    struct text others[REPORT_VALUES_MAX];
    size_t at, len = pack(table, values, count);
    uint64_t hash;

    assert(!table->sorted);
    if (len == 0 || (2 * table->count >= table->room && !grow(table)))
        return NULL;
    table->values = count;
    hash = hash_of(table->key, len);
    at = place_of(table, hash, table->key, len);
    if (table->slots[at] != NULL)
        return table->slots[at];
    if (table->count < table->groups_max)
        return add(table, at, hash, len);
    for (size_t i = 0; i < count; i++)
        others[i] = text_of(report_others);
    len = pack(table, others, count);
    if (len == 0)
        return NULL;
    hash = hash_of(table->key, len);
    at = place_of(table, hash, table->key, len);
    return table->slots[at] != NULL ? table->slots[at] : add(table, at, hash, len);
}

struct text report_table_value(const struct report_table *table, const void *sums, size_t index)
{
    const char *at = key_of(table, sums);
    uint32_t len;

    assert(index < table->values);
    memcpy(&len, at, sizeof(len));
    for (; index > 0; index--) {
        at += sizeof(len) + len;
        memcpy(&len, at, sizeof(len));
    }
    return (struct text){at + sizeof(len), len};
}

int report_table_each(struct report_table *table, int (*fn)(void *arg, void *sums), void *arg)
{
    int result = 0;

    for (size_t i = 0; i < table->room && result == 0; i++) {
        if (table->slots[i] != NULL)
            result = fn(arg, table->slots[i]);
    }
    return result;
}

/* --- sorting --- */

struct order {
    const struct report_table *table;
    int (*compare)(const void *a, const void *b);
};

static int compare_text(struct text a, struct text b)
{
    int order = memcmp(a.bytes, b.bytes, a.len < b.len ? a.len : b.len);

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_sums(const void *a, const void *b, void *arg)
{
    const void *left = *(void *const *)a, *right = *(void *const *)b;
    const struct order *order = arg;
    int result = order->compare(left, right);

    for (size_t i = 0; i < order->table->values && result == 0; i++)
        result = compare_text(report_table_value(order->table, left, i),
                              report_table_value(order->table, right, i));
    return result;
}

void *const *report_table_sort(struct report_table *table,
                               int (*compare)(const void *a, const void *b), size_t *ret_count)
{
    struct order order = {table, compare};
    size_t count = 0;

    for (size_t i = 0; i < table->room; i++) {
        void *sums = table->slots[i];
        table->slots[i] = NULL;
        if (sums != NULL)
            table->slots[count++] = sums;
    }
    assert(count == table->count);
    if (count > 0)
        qsort_r(table->slots, count, sizeof(void *), compare_sums, &order);
    table->sorted = true;
    *ret_count = count;
    return table->slots;
}
