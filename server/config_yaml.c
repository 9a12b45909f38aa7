/* config_yaml.c - YAML events into a draft, key by key along the table.
 *
 * Every function that reads returns false when nothing more can be read (config_reader.h). What
 * nests deeper than the table goes through config_reader_skip() or config_json_read(), which do not
 * recurse.
 */
#include "server/config_reader.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_SIZE = 48, LIST_SIZE = 256 };

/* "default, ttl, memory": what may stand in a group. */
static void list_names(enum config_group group, char list[LIST_SIZE])
{
    size_t len = 0;
    list[0] = '\0';
    for (unsigned i = CONFIG_TOP + 1; group == CONFIG_TOP && i < CONFIG_GROUPS; i++)
        len += (size_t)snprintf(list + len, LIST_SIZE - len, "%s%s", len > 0 ? ", " : "",
                                config_group_name((enum config_group)i));
    for (unsigned i = 0; i < CONFIG_KEYS; i++) {
        if (config_keys[i].group == group)
            len += (size_t)snprintf(list + len, LIST_SIZE - len, "%s%s", len > 0 ? ", " : "",
                                    config_keys[i].name);
    }
    assert(len < LIST_SIZE);
}

static void complain_unknown(struct config_reader *reader, enum config_group group, unsigned index,
                             const char *word, unsigned line)
{
    struct config_key key = {.group = group, .name = word};
    char shown[CONFIG_SHOWN_SIZE], near[CONFIG_SHOWN_SIZE], list[LIST_SIZE];
    config_key_show(&key, (int)index, shown);
    list_names(group, list);
    if (config_key_suggest(group, word, near))
        config_complain(reader->draft, line, "%s is not a key; did you mean %s?", shown, near);
    else if (group == CONFIG_TOP)
        config_complain(reader->draft, line, "%s is not a key; at the top stand %s", shown, list);
    else
        config_complain(reader->draft, line, "%s is not a key; under %s stand %s", shown,
                        config_group_name(group), list);
}

/* A scalar into its field, or into a list as one more element. shown: the key, or the element. */
static void read_leaf(struct config_reader *reader, unsigned at, unsigned index, const char *shown)
{
    const struct config_key *key = &config_keys[at];
    struct config_draft *draft = reader->draft;
    const yaml_event_t *event = &reader->event;
    const char *text = (const char *)event->data.scalar.value;
    size_t max = key->type == CONFIG_TEXT ? CONFIG_PROSE_MAX : CONFIG_TEXT_MAX;
    bool nothing = config_reader_is_nothing(reader);
    char want[CONFIG_WANT_SIZE];
    int error;
    if (strlen(text) != event->data.scalar.length || strlen(text) >= max) {
        config_complain(draft, config_reader_line(reader),
                        "%s must be under %zu bytes, none of them zero", shown, max);
        return;
    }
    error = config_key_set(key, config_base(draft->config, key->group, index), draft->directory,
                           nothing ? "" : text, want);
    if (error == -ENOMEM)
        draft->error = -ENOMEM;
    else if (error < 0)
        config_complain(draft, config_reader_line(reader), "%s %s%s", shown,
                        nothing ? "has no value; it " : "", want);
}

static void read_item(struct config_reader *reader, unsigned at, unsigned index, unsigned item,
                      const char *list)
{
    char shown[CONFIG_SHOWN_SIZE + 12];
    snprintf(shown, sizeof(shown), "%s[%u]", list, item);
    if (item == config_keys[at].max)
        config_complain(reader->draft, config_reader_line(reader),
                        "%s may have at most %u elements; remove the rest", list, item);
    if (item >= config_keys[at].max || reader->event.type == YAML_ALIAS_EVENT)
        return;
    if (reader->event.type != YAML_SCALAR_EVENT)
        config_complain(reader->draft, config_reader_line(reader),
                        "%s must be a single value, not a list or a mapping", shown);
    else
        read_leaf(reader, at, index, shown);
}

static bool read_strings(struct config_reader *reader, unsigned at, unsigned index,
                         const char *shown)
{
    unsigned line = config_reader_line(reader);
    for (unsigned item = 0;; item++) {
        if (!config_reader_next(reader))
            return false;
        if (reader->event.type == YAML_SEQUENCE_END_EVENT) {
            if (item == 0)
                config_complain(reader->draft, line, "%s is empty; add an element or remove it",
                                shown);
            return true;
        }
        read_item(reader, at, index, item, shown);
        if (!config_reader_skip(reader))
            return false;
    }
}

static bool read_json(struct config_reader *reader, unsigned at, unsigned index, const char *shown)
{
    const struct config_key *key = &config_keys[at];
    struct config_draft *draft = reader->draft;
    char want[CONFIG_WANT_SIZE], *json = NULL;
    if (!config_json_read(reader, shown, &json))
        return false;
    if (json != NULL &&
        config_key_set(key, config_base(draft->config, key->group, index), NULL, json, want) < 0)
        draft->error = -ENOMEM;
    free(json);
    return true;
}

static bool complain_form(struct config_reader *reader, unsigned line, const struct config_key *key,
                          const char *shown)
{
    if (key->type == CONFIG_STRINGS)
        config_complain(reader->draft, line, "%s must be a list of %s, such as %s", shown,
                        key->items, key->example);
    else if (key->type == CONFIG_JSON)
        config_complain(reader->draft, line, "%s must be a mapping, such as %s", shown,
                        key->example);
    else
        config_complain(reader->draft, line, "%s must be a single value%s", shown,
                        key->type == CONFIG_ADDRESS ? ", in quotes when it begins with ["
                                                    : ", not a list or a mapping");
    return config_reader_skip(reader);
}

/* The value of a known key; line: of the key. */
static bool read_key(struct config_reader *reader, unsigned at, unsigned index, unsigned line)
{
    const struct config_key *key = &config_keys[at];
    unsigned *stated = config_draft_stated(reader->draft, at, index);
    yaml_event_type_t type = reader->event.type;
    char shown[CONFIG_SHOWN_SIZE];
    config_key_show(key, (int)index, shown);
    if (*stated != 0) {
        config_complain(reader->draft, line, "%s is stated twice, first in line %u; keep one",
                        shown, *stated);
        return config_reader_skip(reader);
    }
    *stated = line;
    if (type == YAML_ALIAS_EVENT)
        return true;
    if (key->type == CONFIG_STRINGS && type == YAML_SEQUENCE_START_EVENT)
        return read_strings(reader, at, index, shown);
    if (key->type == CONFIG_JSON && type == YAML_MAPPING_START_EVENT)
        return read_json(reader, at, index, shown);
    if (key->type >= CONFIG_JSON || type != YAML_SCALAR_EVENT)
        return complain_form(reader, line, key, shown);
    read_leaf(reader, at, index, shown);
    return true;
}

static bool read_group(struct config_reader *reader, enum config_group group, unsigned line);

/* A key as it may be shown: short, and nothing in it that a terminal would obey. */
static void copy_word(const yaml_event_t *event, char word[WORD_SIZE])
{
    const char *text = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length;
    bool cut = len >= WORD_SIZE;
    len = cut ? WORD_SIZE - 4 : len;
    for (size_t i = 0; i < len; i++)
        word[i] = text[i] > ' ' && text[i] <= '~' ? text[i] : '?';
    memcpy(word + len, cut ? "..." : "", cut ? 4 : 1);
}

/* The current event is the key. */
static bool read_member(struct config_reader *reader, enum config_group group, unsigned index)
{
    unsigned line = config_reader_line(reader);
    enum config_group inner;
    char word[WORD_SIZE];
    int at;
    if (reader->event.type != YAML_SCALAR_EVENT) {
        config_complain(reader->draft, line, "a key must be a plain word, such as cache");
        return config_reader_skip(reader) && config_reader_next(reader) &&
               config_reader_skip(reader);
    }
    copy_word(&reader->event, word);
    if (!config_reader_next(reader))
        return false;
    at = config_key_find(group, word);
    if (at >= 0)
        return read_key(reader, (unsigned)at, index, line);
    inner = group == CONFIG_TOP ? config_group_find(word) : CONFIG_TOP;
    if (inner != CONFIG_TOP)
        return read_group(reader, inner, line);
    complain_unknown(reader, group, index, word, line);
    return config_reader_skip(reader);
}

static bool read_mapping(struct config_reader *reader, enum config_group group, unsigned index)
{
    for (;;) {
        if (!config_reader_next(reader))
            return false;
        if (reader->event.type == YAML_MAPPING_END_EVENT)
            return true;
        if (!read_member(reader, group, index))
            return false;
    }
}

/* Of what is no mapping no key is missing. */
static void state_all(struct config_draft *draft, enum config_group group, unsigned index,
                      unsigned line)
{
    for (unsigned i = 0; i < CONFIG_KEYS; i++) {
        if (config_keys[i].group == group)
            *config_draft_stated(draft, i, index) = line;
    }
}

static bool read_element(struct config_reader *reader, enum config_group group, unsigned index)
{
    struct config_draft *draft = reader->draft;
    char list[LIST_SIZE];
    unsigned max = config_group_max(group);
    if (index == max)
        config_complain(draft, config_reader_line(reader),
                        "%s may have at most %u elements; remove the rest",
                        config_group_name(group), max);
    if (index >= max)
        return config_reader_skip(reader);
    if (config_draft_grow(draft, group, index) < 0)
        return false;
    *config_count(draft->config, group) = index + 1;
    draft->element[group][index].line = config_reader_line(reader);
    config_draft_defaults(draft, group, index);
    if (reader->event.type == YAML_MAPPING_START_EVENT)
        return read_mapping(reader, group, index);
    list_names(group, list);
    config_complain(draft, config_reader_line(reader), "%s[%u] must be a mapping of %s",
                    config_group_name(group), index, list);
    state_all(draft, group, index, config_reader_line(reader));
    return config_reader_skip(reader);
}

static bool read_list(struct config_reader *reader, enum config_group group)
{
    unsigned line = config_reader_line(reader);
    for (unsigned index = 0;; index++) {
        if (!config_reader_next(reader))
            return false;
        if (reader->event.type == YAML_SEQUENCE_END_EVENT) {
            if (index == 0)
                config_complain(reader->draft, line, "%s is empty; add an element%s",
                                config_group_name(group),
                                group == CONFIG_UPSTREAMS ? "" : " or remove it");
            return true;
        }
        if (!read_element(reader, group, index))
            return false;
    }
}

/* line: of the group's key; the current event begins its value. */
static bool read_group(struct config_reader *reader, enum config_group group, unsigned line)
{
    struct config_draft *draft = reader->draft;
    bool is_list = config_group_is_list(group);
    const char *name = config_group_name(group);
    yaml_event_type_t type = reader->event.type;
    char list[LIST_SIZE];
    if (draft->group_line[group] != 0) {
        config_complain(draft, line, "%s is stated twice, first in line %u; keep one", name,
                        draft->group_line[group]);
        return config_reader_skip(reader);
    }
    draft->group_line[group] = line;
    if (is_list && type == YAML_SEQUENCE_START_EVENT)
        return read_list(reader, group);
    if (!is_list && type == YAML_MAPPING_START_EVENT)
        return read_mapping(reader, group, 0);
    list_names(group, list);
    if (config_reader_is_nothing(reader))
        config_complain(draft, line, "%s has nothing under it; add %s%s", name,
                        is_list ? "an element with " : "", list);
    else
        config_complain(draft, line, "%s must be a %s of %s", name,
                        is_list ? "list (each element begins with -)" : "mapping", list);
    state_all(draft, group, 0, line);
    return config_reader_skip(reader);
}

static bool read_document(struct config_reader *reader)
{
    struct config_draft *draft = reader->draft;
    if (!config_reader_next(reader)) /* the stream's start */
        return false;
    if (!config_reader_next(reader))
        return false;
    if (reader->event.type == YAML_STREAM_END_EVENT)
        return true; /* nothing but comments: what is missing is said by config_check() */
    if (!config_reader_next(reader))
        return false;
    if (reader->event.type == YAML_MAPPING_START_EVENT) {
        if (!read_mapping(reader, CONFIG_TOP, 0))
            return false;
    } else if (!config_reader_is_nothing(reader)) {
        config_complain(draft, config_reader_line(reader),
                        "the file must be a mapping of keys, such as upstreams:");
        draft->unreadable = true;
        if (!config_reader_skip(reader))
            return false;
    }
    if (!config_reader_next(reader)) /* the document's end */
        return false;
    if (!config_reader_next(reader))
        return false;
    if (reader->event.type != YAML_STREAM_END_EVENT)
        config_complain(draft, config_reader_line(reader),
                        "a second document begins (---); keep one in this file");
    return true;
}

void config_yaml_read(struct config_draft *draft, const char *text, size_t len)
{
    struct config_reader reader;
    if (config_reader_init(&reader, draft, text, len) < 0) {
        draft->error = -ENOMEM;
        return;
    }
    if (!read_document(&reader))
        assert(draft->unreadable || draft->error < 0);
    config_reader_release(&reader);
}
