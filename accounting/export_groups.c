/* export_groups.c - sums by group. Rows stream by; what stays in memory is one entry per group.
 *
 * A group's key is the values of its columns, each with its length before it, so that no two sets
 * of values are ever the same bytes.
 */
#include "accounting/export.h"

#include "accounting/export_tags.h"
#include "accounting/export_text.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    TOKEN_SUMS = 5,
    MONEY_SUMS = 7,
    TABLE_START = 256, /* a power of two */
    KEY_BYTES_MAX = EXPORT_KEYS * (ROW_TAGS_BYTES_MAX + (int)sizeof(uint32_t)),
};

struct group {
    uint64_t hash;
    uint64_t last_row; /* the last row that was counted: a tag named twice counts once */
    int64_t requests, hits;
    int64_t tokens[TOKEN_SUMS]; /* USAGE_ABSENT until a row knows one */
    struct maybe_money money[MONEY_SUMS];
    size_t key_len;
    char key[];
};

struct groups {
    const enum export_key *by;
    size_t by_count;
    struct export_buffer *buffer;
    struct group **table; /* open addressing */
    size_t room, count;
    uint64_t rows;
    char key[KEY_BYTES_MAX];
    char tag[ROW_TAGS_BYTES_MAX];
};

static const char *const token_names[TOKEN_SUMS] = {
    EXPORT_NAME("prompt_tokens"),    EXPORT_NAME("completion_tokens"),
    EXPORT_NAME("cached_tokens"),    EXPORT_NAME("cache_write_tokens"),
    EXPORT_NAME("reasoning_tokens"),
};
static const char *const money_names[MONEY_SUMS] = {
    EXPORT_NAME("billed_usd"),    EXPORT_NAME("upstream_usd"), EXPORT_NAME("market_usd"),
    EXPORT_NAME("estimated_usd"), EXPORT_NAME("booked_usd"),   EXPORT_NAME("difference_usd"),
    EXPORT_NAME("saved_usd"),
};
static const char *const key_names[EXPORT_KEYS] = {
    [EXPORT_MODEL] = EXPORT_NAME("model"),     [EXPORT_PROVIDER] = EXPORT_NAME("provider"),
    [EXPORT_KEY] = EXPORT_NAME("key_id"),      [EXPORT_CLIENT] = EXPORT_NAME("client"),
    [EXPORT_PROJECT] = EXPORT_NAME("project"), [EXPORT_USER] = EXPORT_NAME("user"),
    [EXPORT_APP] = EXPORT_NAME("app"),         [EXPORT_TAG] = EXPORT_NAME("tag"),
    [EXPORT_DAY] = EXPORT_NAME("day"),         [EXPORT_UPSTREAM] = EXPORT_NAME("upstream"),
    [EXPORT_API] = EXPORT_NAME("api"),
};

bool export_groups_overlap(const enum export_key *by, size_t by_count)
{
    for (size_t i = 0; i < by_count; i++) {
        if (by[i] == EXPORT_TAG)
            return true;
    }
    return false;
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
static size_t place_of(struct group **table, size_t room, uint64_t hash, const char *key,
                       size_t len)
{
    size_t at = hash & (room - 1);
    while (table[at] != NULL) {
        const struct group *group = table[at];
        if (group->hash == hash && group->key_len == len && memcmp(group->key, key, len) == 0)
            break;
        at = (at + 1) & (room - 1);
    }
    return at;
}

static int grow(struct groups *groups)
{
    size_t room = groups->room == 0 ? TABLE_START : 2 * groups->room;
    struct group **table = calloc(room, sizeof(struct group *));
    if (table == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < groups->room; i++) {
        struct group *group = groups->table[i];
        if (group != NULL)
            table[place_of(table, room, group->hash, group->key, group->key_len)] = group;
    }
    free(groups->table);
    groups->table = table;
    groups->room = room;
    return 0;
}

static int find_group(struct groups *groups, size_t key_len, struct group **ret_group)
{
    uint64_t hash = hash_of(groups->key, key_len);
    struct group *group;
    size_t at;
    if (2 * groups->count >= groups->room) {
        int result = grow(groups);
        if (result < 0)
            return result;
    }
    at = place_of(groups->table, groups->room, hash, groups->key, key_len);
    if (groups->table[at] == NULL) {
        group = calloc(1, sizeof(*group) + key_len);
        if (group == NULL)
            return -ENOMEM;
        group->hash = hash;
        group->key_len = key_len;
        memcpy(group->key, groups->key, key_len);
        for (unsigned i = 0; i < TOKEN_SUMS; i++)
            group->tokens[i] = USAGE_ABSENT;
        groups->table[at] = group;
        groups->count++;
    }
    *ret_group = groups->table[at];
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

static int add_row(struct group *group, const struct ledger_row *row)
{
    const int64_t tokens[TOKEN_SUMS] = {
        row->usage.prompt_tokens,      row->usage.completion_tokens, row->usage.cached_tokens,
        row->usage.cache_write_tokens, row->usage.reasoning_tokens,
    };
    const struct maybe_money *money[MONEY_SUMS] = {
        &row->billed, &row->upstream_cost, &row->market, &row->estimated,
        &row->booked, &row->difference,    &row->saved,
    };
    int result = 0;
    group->requests++;
    if (row->cache == CACHE_HIT || row->cache == CACHE_COLLAPSED)
        group->hits++;
    for (unsigned i = 0; i < TOKEN_SUMS && result == 0; i++)
        result = add_tokens(&group->tokens[i], tokens[i]);
    for (unsigned i = 0; i < MONEY_SUMS && result == 0; i++)
        result = add_money(&group->money[i], money[i]);
    return result;
}

static struct text value_of(struct groups *groups, const struct ledger_row *row,
                            enum export_key key, struct text tag)
{
    const char *name;
    switch (key) {
    case EXPORT_MODEL:
        return row->model;
    case EXPORT_PROVIDER:
        return row->provider;
    case EXPORT_KEY:
        return row->key_id;
    case EXPORT_CLIENT:
        return row->client;
    case EXPORT_PROJECT:
        return row->project;
    case EXPORT_USER:
        return row->user;
    case EXPORT_APP:
        return row->app;
    case EXPORT_TAG:
        return tag;
    case EXPORT_DAY:
        return (struct text){export_day(groups->buffer, row->created_at_ms), EXPORT_DAY_TEXT};
    case EXPORT_UPSTREAM:
        return row->upstream;
    case EXPORT_API:
        name = row_api_name(row->api);
        return (struct text){name, strlen(name)};
    case EXPORT_KEYS:
        break;
    }
    return (struct text){NULL, 0};
}

static int count_row(struct groups *groups, const struct ledger_row *row, struct text tag)
{
    struct group *group;
    size_t len = 0;
    int result;
    for (size_t i = 0; i < groups->by_count; i++) {
        struct text value = value_of(groups, row, groups->by[i], tag);
        uint32_t value_len = (uint32_t)value.len;
        assert(sizeof(value_len) + value.len <= sizeof(groups->key) - len);
        memcpy(groups->key + len, &value_len, sizeof(value_len));
        len += sizeof(value_len);
        if (value.len > 0)
            memcpy(groups->key + len, value.bytes, value.len);
        len += value.len;
    }
    result = find_group(groups, len, &group);
    if (result < 0)
        return result;
    if (group->last_row == groups->rows)
        return 0;
    group->last_row = groups->rows;
    return add_row(group, row);
}

static int take_row(void *arg, const struct ledger_row *row)
{
    struct groups *groups = arg;
    struct export_tags_walk walk;
    size_t len;
    int found, result = 0;
    groups->rows++;
    if (!export_groups_overlap(groups->by, groups->by_count) || row->tags.len == 0)
        return count_row(groups, row, (struct text){NULL, 0});
    if (!export_tags_valid(row->tags))
        return count_row(groups, row, row->tags);
    walk = export_tags_walk(row->tags);
    found = export_tags_next(&walk, groups->tag, &len);
    if (found == 0)
        return count_row(groups, row, (struct text){NULL, 0});
    for (; found == 1 && result == 0; found = export_tags_next(&walk, groups->tag, &len))
        result = count_row(groups, row, (struct text){groups->tag, len});
    return result;
}

/* --- writing --- */

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
    const struct group *left = *(const struct group *const *)a;
    const struct group *right = *(const struct group *const *)b;
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

static void put_header(struct groups *groups)
{
    struct export_buffer *buffer = groups->buffer;
    const char *names[EXPORT_KEYS + 2 + TOKEN_SUMS + MONEY_SUMS];
    size_t count = 0;
    for (size_t i = 0; i < groups->by_count; i++)
        names[count++] = key_names[groups->by[i]];
    names[count++] = EXPORT_NAME("requests");
    names[count++] = EXPORT_NAME("hits");
    for (unsigned i = 0; i < TOKEN_SUMS; i++)
        names[count++] = token_names[i];
    for (unsigned i = 0; i < MONEY_SUMS; i++)
        names[count++] = money_names[i];
    export_line_begin(buffer);
    for (size_t i = 0; i < count; i++)
        export_heading(buffer, names[i], strlen(names[i]), i == 0);
    export_line_end(buffer);
}

static void put_name(struct export_buffer *buffer, const char *name, bool first)
{
    export_field(buffer, name, strlen(name), first);
}

static void put_group(struct groups *groups, const struct group *group)
{
    struct export_buffer *buffer = groups->buffer;
    const char *at = group->key;
    export_line_begin(buffer);
    for (size_t i = 0; i < groups->by_count; i++) {
        put_name(buffer, key_names[groups->by[i]], i == 0);
        export_text(buffer, next_value(&at));
    }
    put_name(buffer, EXPORT_NAME("requests"), false);
    export_count(buffer, group->requests);
    put_name(buffer, EXPORT_NAME("hits"), false);
    export_count(buffer, group->hits);
    for (unsigned i = 0; i < TOKEN_SUMS; i++) {
        put_name(buffer, token_names[i], false);
        export_count(buffer, group->tokens[i]);
    }
    for (unsigned i = 0; i < MONEY_SUMS; i++) {
        put_name(buffer, money_names[i], false);
        export_money(buffer, &group->money[i]);
    }
    export_line_end(buffer);
}

/* Packs the table into a sorted list; it is no table any more afterwards. */
static void put_groups(struct groups *groups)
{
    size_t count = 0;
    for (size_t i = 0; i < groups->room; i++) {
        struct group *group = groups->table[i];
        groups->table[i] = NULL;
        if (group != NULL)
            groups->table[count++] = group;
    }
    assert(count == groups->count);
    if (count > 0)
        qsort(groups->table, count, sizeof(struct group *), compare_groups);
    for (size_t i = 0; i < count; i++)
        put_group(groups, groups->table[i]);
}

static bool keys_valid(const enum export_key *by, size_t by_count)
{
    uint32_t seen = 0;
    if (by_count == 0)
        return false;
    for (size_t i = 0; i < by_count; i++) {
        if ((unsigned)by[i] >= EXPORT_KEYS || (seen & 1u << by[i]) != 0)
            return false;
        seen |= 1u << by[i];
    }
    return true;
}

int export_groups(struct ledger_reader *reader, int64_t from_ms, int64_t to_ms,
                  const enum export_key *by, size_t by_count, enum export_format format, FILE *out)
{
    struct groups *groups;
    int result = -ENOMEM, finished = 0;
    if (!keys_valid(by, by_count))
        return -EINVAL;
    groups = calloc(1, sizeof(*groups));
    if (groups == NULL)
        return result;
    groups->by = by;
    groups->by_count = by_count;
    groups->buffer = export_buffer_new(out, format);
    if (groups->buffer == NULL)
        goto out;
    result = ledger_reader_rows(reader, from_ms, to_ms, take_row, groups);
    if (result == 0 && format == EXPORT_CSV)
        put_header(groups);
    if (result == 0)
        put_groups(groups);
    finished = export_buffer_finish(groups->buffer);
out:
    for (size_t i = 0; i < groups->room; i++)
        free(groups->table[i]);
    free(groups->table);
    free(groups);
    return result < 0 ? result : finished;
}
