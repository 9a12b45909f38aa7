#include "accounting/focus_tags.h"

#include "accounting/export_tags.h"

#include <assert.h>
#include <stdlib.h>

/* Keys and values are cleaned before they are sorted: the order is that of what is written. */
static struct text keep(struct focus_tags *tags, struct text text, size_t len_max)
{
    char *at = tags->clean + tags->clean_len;
    size_t len = focus_clean(at, text, len_max);
    tags->clean_len += len;
    assert(tags->clean_len <= sizeof(tags->clean));
    return (struct text){at, len};
}

static void add_callers(struct focus_tags *tags, struct text tag)
{
    if (tag.len == 0)
        return;
    assert(tags->count < FOCUS_TAGS_COUNT_MAX);
    tags->tags[tags->count++] = (struct focus_tag){.key = keep(tags, tag, ROW_TAGS_BYTES_MAX)};
}

static void add_ours(struct focus_tags *tags, struct text key, struct text value)
{
    if (value.len == 0)
        return;
    assert(tags->count < FOCUS_TAGS_COUNT_MAX);
    tags->tags[tags->count++] =
        (struct focus_tag){.key = key, .value = keep(tags, value, ROW_NAME_MAX), .ours = true};
}

static void add_array(struct focus_tags *tags, struct text array)
{
    struct export_tags_walk walk = export_tags_walk(array);
    size_t len;
    assert(array.len <= ROW_TAGS_BYTES_MAX);
    if (!export_tags_valid(array)) { /* as the other exports: one tag of that text */
        add_callers(tags, array);
        return;
    }
    while (export_tags_next(&walk, tags->decoded, &len) == 1)
        add_callers(tags, (struct text){tags->decoded, len});
}

/* Ours stands before the caller's of the same name, which then goes. */
static int compare_tags(const void *left, const void *right)
{
    const struct focus_tag *a = left, *b = right;
    int order = focus_compare(a->key, b->key);
    return order != 0 ? order : b->ours - a->ours;
}

static size_t print(struct focus_tags *tags)
{
    size_t len = 0;
    for (size_t i = 0; i < tags->count; i++) {
        const struct focus_tag *tag = &tags->tags[i];
        if (i > 0 && focus_compare(tag->key, tags->tags[i - 1].key) == 0)
            continue;
        tags->text[len++] = i == 0 ? '{' : ',';
        len += focus_json_string(tags->text + len, tag->key);
        tags->text[len++] = ':';
        if (tag->ours) {
            len += focus_json_string(tags->text + len, tag->value);
        } else {
            memcpy(tags->text + len, "true", 4);
            len += 4;
        }
    }
    tags->text[len++] = '}';
    assert(len <= FOCUS_TAGS_TEXT_MAX);
    return len;
}

struct text focus_tags_of(struct focus_tags *tags, const struct ledger_row *row, bool with_client)
{
    tags->count = 0;
    tags->clean_len = 0;
    if (row->tags.len > 0)
        add_array(tags, row->tags);
    add_ours(tags, TEXT(FOCUS_TAG_PREFIX "/app"), row->app);
    add_ours(tags, TEXT(FOCUS_TAG_PREFIX "/environment"), row->environment);
    if (with_client)
        add_ours(tags, TEXT(FOCUS_TAG_PREFIX "/client"), row->client);
    if (tags->count == 0)
        return (struct text){NULL, 0};
    qsort(tags->tags, tags->count, sizeof(tags->tags[0]), compare_tags);
    return (struct text){tags->text, print(tags)};
}
