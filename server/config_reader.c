/* config_reader.c - libyaml's events, and what is wrong with a text as YAML. */
#include "server/config_reader.h"

#include <errno.h>
#include <string.h>

int config_reader_init(struct config_reader *reader, struct config_draft *draft, const char *text,
                       size_t len)
{
    *reader = (struct config_reader){.draft = draft, .text = text, .len = len};
    if (!yaml_parser_initialize(&reader->parser))
        return -ENOMEM;
    yaml_parser_set_encoding(&reader->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader->parser, (const unsigned char *)text, len);
    return 0;
}

void config_reader_release(struct config_reader *reader)
{
    yaml_event_delete(&reader->event);
    yaml_parser_delete(&reader->parser);
}

unsigned config_reader_line(const struct config_reader *reader)
{
    return (unsigned)reader->event.start_mark.line + 1;
}

/* The reader's errors come with an offset only. */
static unsigned line_at(const struct config_reader *reader, size_t offset)
{
    unsigned line = 1;
    for (size_t i = 0; i < offset && i < reader->len; i++)
        line += reader->text[i] == '\n';
    return line;
}

/* The cure, as far as the line tells: the two slips libyaml has no words for. */
static const char *cure_for_line(const struct config_reader *reader, unsigned line)
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

static void complain_syntax(struct config_reader *reader)
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
static void refuse_indirection(struct config_reader *reader)
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
        config_complain(reader->draft, config_reader_line(reader),
                        "anchors (&) and aliases (*) are not read; write the value itself, in "
                        "quotes when it begins with & or *");
    if (tag != NULL)
        config_complain(reader->draft, config_reader_line(reader),
                        "tags (!) are not read; write the value alone, in quotes when it begins "
                        "with !");
}

bool config_reader_next(struct config_reader *reader)
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

bool config_reader_skip(struct config_reader *reader)
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
            config_complain(reader->draft, config_reader_line(reader),
                            "nested more than %d deep; no key needs that", CONFIG_DEPTH_MAX);
            reader->draft->unreadable = true;
            return false;
        }
        if (!config_reader_next(reader))
            return false;
    }
}

bool config_reader_is_nothing(const struct config_reader *reader)
{
    const yaml_event_t *event = &reader->event;
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    if (event->type != YAML_SCALAR_EVENT || event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp((const char *)event->data.scalar.value, words[i]) == 0)
            return true;
    }
    return false;
}
