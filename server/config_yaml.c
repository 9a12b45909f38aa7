/* config_yaml.c - YAML events into a draft, key by key along the table.
 *
 * Every function that reads returns false when the text is no YAML from here on: then the complaint
 * is made and nothing more can be read. All else is complained about and passed over. What nests
 * deeper than the table goes through skip(), which counts instead of recursing.
 */
#include "server/config_draft.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <yaml.h>

enum { WORD_SIZE = 48, LIST_SIZE = 256 };

struct reader {
    struct config_draft *draft;
    const char *text;
    size_t len;
    yaml_parser_t parser;
    yaml_event_t event; /* the one being looked at */
};

static unsigned line_of(const struct reader *reader)
{
    return (unsigned)reader->event.start_mark.line + 1;
}

/* The reader's errors come with an offset only. */
static unsigned line_at(const struct reader *reader, size_t offset)
{
    unsigned line = 1;
    for (size_t i = 0; i < offset && i < reader->len; i++)
        line += reader->text[i] == '\n';
    return line;
}

/* The cure, as far as the line tells: the two slips libyaml has no words for. */
static const char *cure_for_line(const struct reader *reader, unsigned line)
{
    const char *at = reader->text, *end = at + reader->len, *stop;
    for (; line > 1 && at < end; line--) {
        stop = memchr(at, '\n', (size_t)(end - at));
        at = stop != NULL ? stop + 1 : end;
    }
    stop = memchr(at, '\n', (size_t)(end - at));
    if (stop == NULL)
        stop = end;
    for (const char *c = at; c < stop && (*c == ' ' || *c == '\t'); c++) {
        if (*c == '\t')
            return "indent with spaces, not with a tab";
    }
    if (memmem(at, (size_t)(stop - at), "]:", 2) != NULL)
        return "put an address that begins with [ in quotes: \"[::1]:8080\"";
    return "check the indentation, quotes and brackets here";
}

static void complain_syntax(struct reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    unsigned line = (unsigned)parser->problem_mark.line + 1, last = line_at(reader, reader->len);
    unsigned begun = (unsigned)parser->context_mark.line + 1;
    const char *problem = parser->problem != NULL ? parser->problem : "it ends too early";
    char from[32] = "";
    reader->draft->unreadable = true;
    if (parser->error == YAML_MEMORY_ERROR) {
        reader->draft->error = -ENOMEM;
        return;
    }
    if (parser->error == YAML_READER_ERROR) {
        line = line_at(reader, parser->problem_offset);
        config_complain(reader->draft, line, "not YAML: %s; save the file as plain UTF-8 text",
                        problem);
        return;
    }
    if (line > last)
        line = last;
    if (parser->context != NULL && begun != line)
        snprintf(from, sizeof(from), " from line %u", begun);
    config_complain(
        reader->draft, line, "not YAML: %s%s%s%s; %s", problem, parser->context != NULL ? " " : "",
        parser->context != NULL ? parser->context : "", from, cure_for_line(reader, line));
}

/* Anchors, aliases and tags could make a value other than it looks. */
static void refuse_indirection(struct reader *reader)
{
    const yaml_event_t *event = &reader->event;
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
    }
    if (anchor != NULL || event->type == YAML_ALIAS_EVENT)
        config_complain(reader->draft, line_of(reader),
                        "anchors (&) and aliases (*) are not read; write the value itself, in "
                        "quotes when it begins with & or *");
    if (tag != NULL)
        config_complain(reader->draft, line_of(reader),
                        "tags (!) are not read; write the value alone, in quotes when it begins "
                        "with !");
}

static bool next(struct reader *reader)
{
    yaml_event_delete(&reader->event);
    if (reader->draft->error < 0)
        return false;
    if (!yaml_parser_parse(&reader->parser, &reader->event)) {
        complain_syntax(reader);
        return false;
    }
    refuse_indirection(reader);
    return true;
}

/* Passes over the value that begins with the current event. */
static bool skip(struct reader *reader)
{
    unsigned depth = 0;
    for (;;) {
        yaml_event_type_t type = reader->event.type;
        if (type == YAML_MAPPING_START_EVENT || type == YAML_SEQUENCE_START_EVENT)
            depth++;
        if (type == YAML_MAPPING_END_EVENT || type == YAML_SEQUENCE_END_EVENT)
            depth--;
        if (depth == 0)
            return true;
        if (depth > CONFIG_DEPTH_MAX) {
            config_complain(reader->draft, line_of(reader),
                            "nested more than %d deep; no key needs that", CONFIG_DEPTH_MAX);
            reader->draft->unreadable = true;
            return false;
        }
        if (!next(reader))
            return false;
    }
}

/* A value left out, as YAML has it. */
static bool is_nothing(const yaml_event_t *event)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    if (event->type != YAML_SCALAR_EVENT || event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp((const char *)event->data.scalar.value, words[i]) == 0)
            return true;
    }
    return false;
}

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

static void complain_unknown(struct reader *reader, enum config_group group, unsigned index,
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

static void read_leaf(struct reader *reader, unsigned at, unsigned index)
{
    const struct config_key *key = &config_keys[at];
    struct config_draft *draft = reader->draft;
    const yaml_event_t *event = &reader->event;
    const char *text = (const char *)event->data.scalar.value;
    char shown[CONFIG_SHOWN_SIZE], want[CONFIG_WANT_SIZE];
    bool nothing = is_nothing(event);
    int error;
    config_key_show(key, (int)index, shown);
    if (strlen(text) != event->data.scalar.length || strlen(text) >= CONFIG_TEXT_MAX) {
        config_complain(draft, line_of(reader), "%s must be under %d bytes, none of them zero",
                        shown, CONFIG_TEXT_MAX);
        return;
    }
    error = config_key_set(key, config_base(draft->config, key->group, index), draft->directory,
                           nothing ? "" : text, want);
    if (error == -ENOMEM)
        draft->error = -ENOMEM;
    else if (error < 0)
        config_complain(draft, line_of(reader), "%s %s%s", shown,
                        nothing ? "has no value; it " : "", want);
}

/* The value of a known key; line: of the key. */
static bool read_key(struct reader *reader, unsigned at, unsigned index, unsigned line)
{
    const struct config_key *key = &config_keys[at];
    unsigned *stated = &reader->draft->stated[at][index];
    char shown[CONFIG_SHOWN_SIZE];
    config_key_show(key, (int)index, shown);
    if (*stated != 0) {
        config_complain(reader->draft, line, "%s is stated twice, first in line %u; keep one",
                        shown, *stated);
        return skip(reader);
    }
    *stated = line;
    if (reader->event.type == YAML_ALIAS_EVENT)
        return true;
    if (reader->event.type != YAML_SCALAR_EVENT) {
        config_complain(reader->draft, line, "%s must be a single value%s", shown,
                        key->type == CONFIG_ADDRESS ? ", in quotes when it begins with ["
                                                    : ", not a list or a mapping");
        return skip(reader);
    }
    read_leaf(reader, at, index);
    return true;
}

static bool read_group(struct reader *reader, enum config_group group, unsigned line);

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
static bool read_member(struct reader *reader, enum config_group group, unsigned index)
{
    unsigned line = line_of(reader);
    enum config_group inner;
    char word[WORD_SIZE];
    int at;
    if (reader->event.type != YAML_SCALAR_EVENT) {
        config_complain(reader->draft, line, "a key must be a plain word, such as cache");
        return skip(reader) && next(reader) && skip(reader);
    }
    copy_word(&reader->event, word);
    if (!next(reader))
        return false;
    at = config_key_find(group, word);
    if (at >= 0)
        return read_key(reader, (unsigned)at, index, line);
    inner = group == CONFIG_TOP ? config_group_find(word) : CONFIG_TOP;
    if (inner != CONFIG_TOP)
        return read_group(reader, inner, line);
    complain_unknown(reader, group, index, word, line);
    return skip(reader);
}

static bool read_mapping(struct reader *reader, enum config_group group, unsigned index)
{
    for (;;) {
        if (!next(reader))
            return false;
        if (reader->event.type == YAML_MAPPING_END_EVENT)
            return true;
        if (!read_member(reader, group, index))
            return false;
    }
}

static bool read_element(struct reader *reader, enum config_group group, unsigned index)
{
    struct config_draft *draft = reader->draft;
    struct config *config = draft->config;
    char list[LIST_SIZE];
    if (index == CONFIG_ELEMENTS_MAX)
        config_complain(draft, line_of(reader), "%s may have at most %d elements; remove the rest",
                        config_group_name(group), CONFIG_ELEMENTS_MAX);
    if (index >= CONFIG_ELEMENTS_MAX)
        return skip(reader);
    *(group == CONFIG_LISTEN ? &config->listen_count : &config->upstream_count) = index + 1;
    draft->element_line[group][index] = line_of(reader);
    if (reader->event.type == YAML_MAPPING_START_EVENT)
        return read_mapping(reader, group, index);
    list_names(group, list);
    config_complain(draft, line_of(reader), "%s[%u] must be a mapping of %s",
                    config_group_name(group), index, list);
    for (unsigned i = 0; i < CONFIG_KEYS; i++)
        draft->stated[i][index] =
            config_keys[i].group == group ? line_of(reader) : draft->stated[i][index];
    return skip(reader);
}

static bool read_list(struct reader *reader, enum config_group group)
{
    unsigned line = line_of(reader);
    for (unsigned index = 0;; index++) {
        if (!next(reader))
            return false;
        if (reader->event.type == YAML_SEQUENCE_END_EVENT) {
            if (index == 0)
                config_complain(reader->draft, line, "%s is empty; add an element%s",
                                config_group_name(group),
                                group == CONFIG_LISTEN ? " or remove it" : "");
            return true;
        }
        if (!read_element(reader, group, index))
            return false;
    }
}

/* line: of the group's key; the current event begins its value. */
static bool read_group(struct reader *reader, enum config_group group, unsigned line)
{
    struct config_draft *draft = reader->draft;
    bool is_list = config_group_is_list(group);
    const char *name = config_group_name(group);
    yaml_event_type_t type = reader->event.type;
    char list[LIST_SIZE];
    if (draft->group_line[group] != 0) {
        config_complain(draft, line, "%s is stated twice, first in line %u; keep one", name,
                        draft->group_line[group]);
        return skip(reader);
    }
    draft->group_line[group] = line;
    if (is_list && type == YAML_SEQUENCE_START_EVENT)
        return read_list(reader, group);
    if (!is_list && type == YAML_MAPPING_START_EVENT)
        return read_mapping(reader, group, 0);
    list_names(group, list);
    if (is_nothing(&reader->event))
        config_complain(draft, line, "%s has nothing under it; add %s%s", name,
                        is_list ? "an element with " : "", list);
    else
        config_complain(draft, line, "%s must be a %s of %s", name,
                        is_list ? "list (each element begins with -)" : "mapping", list);
    for (unsigned i = 0; i < CONFIG_KEYS; i++)
        draft->stated[i][0] = config_keys[i].group == group ? line : draft->stated[i][0];
    return skip(reader);
}

static bool read_document(struct reader *reader)
{
    struct config_draft *draft = reader->draft;
    if (!next(reader)) /* the stream's start */
        return false;
    if (!next(reader))
        return false;
    if (reader->event.type == YAML_STREAM_END_EVENT)
        return true; /* nothing but comments: what is missing is said by config_check() */
    if (!next(reader))
        return false;
    if (reader->event.type == YAML_MAPPING_START_EVENT) {
        if (!read_mapping(reader, CONFIG_TOP, 0))
            return false;
    } else if (!is_nothing(&reader->event)) {
        config_complain(draft, line_of(reader),
                        "the file must be a mapping of keys, such as upstreams:");
        draft->unreadable = true;
        if (!skip(reader))
            return false;
    }
    if (!next(reader)) /* the document's end */
        return false;
    if (!next(reader))
        return false;
    if (reader->event.type != YAML_STREAM_END_EVENT)
        config_complain(draft, line_of(reader),
                        "a second document begins (---); keep one in this file");
    return true;
}

void config_yaml_read(struct config_draft *draft, const char *text, size_t len)
{
    struct reader reader = {.draft = draft, .text = text, .len = len};
    if (!yaml_parser_initialize(&reader.parser)) {
        draft->error = -ENOMEM;
        return;
    }
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, len);
    if (!read_document(&reader))
        assert(draft->unreadable || draft->error < 0);
    yaml_event_delete(&reader.event);
    yaml_parser_delete(&reader.parser);
}
