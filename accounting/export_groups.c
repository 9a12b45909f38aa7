/* export_groups.c - sums by group. Rows stream by; what stays in memory is one entry per group. */
#include "accounting/export.h"

#include "accounting/export_tags.h"
#include "accounting/export_text.h"
#include "accounting/tally.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct groups {
    const enum export_key *by;
    size_t by_count;
    struct export_buffer *buffer;
    struct tally *tally;
    char tag[ROW_TAGS_BYTES_MAX];
};
_Static_assert((int)EXPORT_KEYS <= (int)TALLY_VALUES_MAX, "a group may have every key");
_Static_assert(EXPORT_KEYS *(ROW_TAGS_BYTES_MAX + (int)sizeof(uint32_t)) <= TALLY_KEY_BYTES_MAX,
               "every set of values fits");

static const char *const token_names[TALLY_TOKENS] = {
    EXPORT_NAME("prompt_tokens"),    EXPORT_NAME("completion_tokens"),
    EXPORT_NAME("cached_tokens"),    EXPORT_NAME("cache_write_tokens"),
    EXPORT_NAME("reasoning_tokens"),
};
static const char *const money_names[TALLY_MONEY] = {
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

/* --- adding up --- */

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
    struct text values[EXPORT_KEYS];
    for (size_t i = 0; i < groups->by_count; i++)
        values[i] = value_of(groups, row, groups->by[i], tag);
    return tally_add(groups->tally, values, groups->by_count, row);
}

static int take_row(void *arg, const struct ledger_row *row)
{
    struct groups *groups = arg;
    struct export_tags_walk walk;
    size_t len;
    int found, result = 0;
    tally_next_row(groups->tally);
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

static void put_header(struct groups *groups)
{
    struct export_buffer *buffer = groups->buffer;
    const char *names[EXPORT_KEYS + 2 + TALLY_TOKENS + TALLY_MONEY];
    size_t count = 0;
    for (size_t i = 0; i < groups->by_count; i++)
        names[count++] = key_names[groups->by[i]];
    names[count++] = EXPORT_NAME("requests");
    names[count++] = EXPORT_NAME("hits");
    for (unsigned i = 0; i < TALLY_TOKENS; i++)
        names[count++] = token_names[i];
    for (unsigned i = 0; i < TALLY_MONEY; i++)
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

static void put_group(struct groups *groups, const struct tally_group *group)
{
    struct export_buffer *buffer = groups->buffer;
    export_line_begin(buffer);
    for (size_t i = 0; i < groups->by_count; i++) {
        put_name(buffer, key_names[groups->by[i]], i == 0);
        export_text(buffer, tally_value(group, i));
    }
    put_name(buffer, EXPORT_NAME("requests"), false);
    export_count(buffer, group->requests);
    put_name(buffer, EXPORT_NAME("hits"), false);
    export_count(buffer, group->hits);
    for (unsigned i = 0; i < TALLY_TOKENS; i++) {
        put_name(buffer, token_names[i], false);
        export_count(buffer, group->tokens[i]);
    }
    for (unsigned i = 0; i < TALLY_MONEY; i++) {
        put_name(buffer, money_names[i], false);
        export_money(buffer, &group->money[i]);
    }
    export_line_end(buffer);
}

static void put_groups(struct groups *groups)
{
    size_t count;
    struct tally_group *const *sorted = tally_sort(groups->tally, &count);
    for (size_t i = 0; i < count; i++)
        put_group(groups, sorted[i]);
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
    groups->tally = tally_new(0);
    if (groups->tally == NULL)
        goto out;
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
    tally_free(groups->tally);
    free(groups);
    return result < 0 ? result : finished;
}
