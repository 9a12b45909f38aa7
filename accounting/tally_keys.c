#include "accounting/tally_keys.h"

#include "accounting/ledger_month.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { TABLE_START = 64 /* a power of two */ };

/* --- one key --- */

static int64_t begin_of(enum tally_period period, int64_t ms)
{
    int64_t day = ms / LEDGER_DAY_MS, to_ms, from_ms = 0;
    assert(ms >= 0);
    switch (period) {
    case TALLY_DAY:
        from_ms = day * LEDGER_DAY_MS;
        break;
    case TALLY_WEEK: /* 1970-01-01 was a Thursday, the fourth day of its week */
        from_ms = (day + 3) / 7 * 7 - 3;
        from_ms = from_ms > 0 ? from_ms * LEDGER_DAY_MS : 0;
        break;
    case TALLY_MONTH:
        ledger_month_range(ms, &from_ms, &to_ms);
        break;
    case TALLY_TOTAL:
    case TALLY_PERIODS:
        break;
    }
    return from_ms;
}

void tally_key_advance(struct tally_key *key, int64_t now_ms)
{
    for (unsigned i = TALLY_DAY; i < TALLY_PERIODS; i++) {
        int64_t from_ms = begin_of((enum tally_period)i, now_ms);
        if (from_ms <= key->from_ms[i])
            continue;
        key->from_ms[i] = from_ms;
        key->billed[i] = key->byok[i] = (struct money){0};
    }
}

static bool spent_own(const struct ledger_row *row)
{
    return row->byok == 1 && row->upstream_cost.known;
}

int tally_key_add(struct tally_key *key, const struct ledger_row *row)
{
    int result = 0;
    if (row->created_at_ms >= 0)
        tally_key_advance(key, row->created_at_ms);
    for (unsigned i = 0; i < TALLY_PERIODS && result == 0; i++) {
        if (row->created_at_ms < key->from_ms[i])
            continue; /* of the period before: the clock had gone back */
        if (row->billed.known)
            result = money_add(key->billed[i], row->billed.money, &key->billed[i]);
        if (result == 0 && spent_own(row))
            result = money_add(key->byok[i], row->upstream_cost.money, &key->byok[i]);
    }
    return result;
}

/* --- all of them --- */

struct slot {
    char key_id[ROW_NAME_MAX];
    size_t len; /* 0: free */
    struct tally_key key;
};

struct tally_keys {
    struct slot **table; /* open addressing */
    size_t room, count, keys_max;
    bool overflowed;
};

struct tally_keys *tally_keys_new(size_t keys_max)
{
    struct tally_keys *keys = calloc(1, sizeof(*keys));
    if (keys == NULL)
        return NULL;
    keys->keys_max = keys_max;
    keys->room = TABLE_START;
    keys->table = calloc(keys->room, sizeof(struct slot *));
    if (keys->table == NULL) {
        free(keys);
        return NULL;
    }
    return keys;
}

void tally_keys_free(struct tally_keys *keys)
{
    if (keys == NULL)
        return;
    for (size_t i = 0; i < keys->room; i++)
        free(keys->table[i]);
    free(keys->table);
    free(keys);
}

/* Key ids are keyed hashes in hex (or whatever an operator names): any spread will do. */
static size_t place_of(struct slot *const *table, size_t room, struct text key_id)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    size_t at;
    for (size_t i = 0; i < key_id.len; i++)
        hash = (hash ^ (unsigned char)key_id.bytes[i]) * UINT64_C(0x100000001b3);
    at = (hash ^ hash >> 29) & (room - 1);
    while (table[at] != NULL && (table[at]->len != key_id.len ||
                                 memcmp(table[at]->key_id, key_id.bytes, key_id.len) != 0))
        at = (at + 1) & (room - 1);
    return at;
}

static int grow(struct tally_keys *keys)
{
    size_t room = 2 * keys->room;
    struct slot **table = calloc(room, sizeof(struct slot *));
    if (table == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < keys->room; i++) {
        struct slot *slot = keys->table[i];
        if (slot != NULL)
            table[place_of(table, room, (struct text){slot->key_id, slot->len})] = slot;
    }
    free(keys->table);
    keys->table = table;
    keys->room = room;
    return 0;
}

static int add_slot(struct tally_keys *keys, struct text key_id, struct slot **ret_slot)
{
    struct slot *slot;
    int result = 2 * (keys->count + 1) > keys->room ? grow(keys) : 0;
    if (result < 0)
        return result;
    slot = calloc(1, sizeof(*slot));
    if (slot == NULL)
        return -ENOMEM;
    memcpy(slot->key_id, key_id.bytes, key_id.len);
    slot->len = key_id.len;
    keys->table[place_of(keys->table, keys->room, key_id)] = slot;
    keys->count++;
    *ret_slot = slot;
    return 0;
}

int tally_keys_add(struct tally_keys *keys, const struct ledger_row *row)
{
    bool spent = (row->billed.known && row->billed.money.femto != 0) ||
                 (spent_own(row) && row->upstream_cost.money.femto != 0);
    struct slot *slot;
    int result = 0;
    if (!spent || row->key_id.len == 0)
        return 0;
    assert(row->key_id.len <= ROW_NAME_MAX);
    slot = keys->table[place_of(keys->table, keys->room, row->key_id)];
    if (slot == NULL && keys->count >= keys->keys_max) {
        keys->overflowed = true;
        return 0;
    }
    if (slot == NULL)
        result = add_slot(keys, row->key_id, &slot);
    return result < 0 ? result : tally_key_add(&slot->key, row);
}

bool tally_keys_get(const struct tally_keys *keys, struct text key_id, struct tally_key *ret_key)
{
    const struct slot *slot = keys->table[place_of(keys->table, keys->room, key_id)];
    if (slot == NULL && keys->overflowed)
        return false;
    *ret_key = slot != NULL ? slot->key : TALLY_KEY_INIT;
    return true;
}
