/* config_json.c - a YAML mapping as the text of a JSON object.
 *
 * Plain scalars are what YAML's core schema says, with two exceptions where that would surprise
 * more than help: on, off, yes and no, flags everywhere else in this file but strings there, and
 * numbers that JSON cannot write or that readers of YAML disagree about (0x1F, 010, .inf). Both are
 * complained about. Nothing recurses; what is open is a bit per level.
 */
#include "server/config_reader.h"
#include "server/dialect/out.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

struct conversion {
    const char *shown;
    struct out out;
    unsigned depth;
    bool in_mapping[CONFIG_JSON_DEPTH_MAX + 1]; /* by depth, from 1 */
    bool want_key[CONFIG_JSON_DEPTH_MAX + 1];
    bool too_long;
};

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (strcmp(text, *words) == 0)
            return true;
    }
    return false;
}

static const char *constant_of(const char *text)
{
    static const char *const yes[] = {"true", "True", "TRUE", NULL};
    static const char *const no[] = {"false", "False", "FALSE", NULL};
    if (is_one_of(text, yes))
        return "true";
    return is_one_of(text, no) ? "false" : NULL;
}

/* YAML 1.1 has them as flags, as the rest of this file does. */
static bool is_flag_word(const char *text)
{
    static const char *const words[] = {"yes", "Yes", "YES", "no",  "No",  "NO", "on",
                                        "On",  "ON",  "off", "Off", "OFF", NULL};
    return is_one_of(text, words);
}

enum number { NUMBER_NONE, NUMBER_PLAIN, NUMBER_ODD };

/* The parts of a decimal number as written. */
struct parts {
    bool negative;
    const char *whole, *fraction, *exponent;
    size_t whole_len, fraction_len;
};

/* +1, .5, 1., 010 and 1e5 are numbers of the core schema too. */
static bool take_apart(const char *text, struct parts *parts)
{
    static const char digits[] = "0123456789";
    parts->negative = *text == '-';
    text += *text == '-' || *text == '+' ? 1 : 0;
    parts->whole = text;
    parts->whole_len = strspn(text, digits);
    text += parts->whole_len;
    parts->fraction_len = 0;
    if (*text == '.') {
        text++;
        parts->fraction = text;
        parts->fraction_len = strspn(text, digits);
    }
    text += parts->fraction_len;
    parts->exponent = text;
    if (parts->whole_len + parts->fraction_len == 0)
        return false;
    if (*text == '\0')
        return true;
    if (*text != 'e' && *text != 'E')
        return false;
    text += text[1] == '-' || text[1] == '+' ? 2 : 1;
    return *text != '\0' && text[strspn(text, digits)] == '\0';
}

static enum number read_number(const char *text, struct parts *parts)
{
    const char *bare = text + (*text == '-' || *text == '+' ? 1 : 0);
    if (*text == '\0')
        return NUMBER_NONE;
    if (take_apart(text, parts))
        return parts->whole_len > 1 && parts->whole[0] == '0' ? NUMBER_ODD : NUMBER_PLAIN;
    if (strcasecmp(bare, ".inf") == 0 || strcasecmp(bare, ".nan") == 0)
        return NUMBER_ODD;
    if (bare[0] == '0' && (bare[1] == 'x' || bare[1] == 'o') && bare[2] != '\0' &&
        bare[2 + strspn(bare + 2, "0123456789abcdefABCDEF")] == '\0')
        return NUMBER_ODD;
    return NUMBER_NONE;
}

static void write_number(struct out *out, const struct parts *parts)
{
    if (parts->negative)
        out_char(out, '-');
    if (parts->whole_len > 0)
        out_bytes(out, parts->whole, parts->whole_len);
    else
        out_char(out, '0');
    if (parts->fraction_len > 0) {
        out_char(out, '.');
        out_bytes(out, parts->fraction, parts->fraction_len);
    }
    out_text(out, parts->exponent);
}

static struct text scalar_of(const struct config_reader *reader)
{
    const yaml_event_t *event = &reader->event;
    return (struct text){(const char *)event->data.scalar.value, event->data.scalar.length};
}

static bool is_plain(const struct config_reader *reader)
{
    return reader->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static void write_scalar(struct config_reader *reader, struct conversion *at)
{
    struct text text = scalar_of(reader);
    bool plain = is_plain(reader) && strlen(text.bytes) == text.len;
    const char *constant = plain ? constant_of(text.bytes) : NULL;
    struct parts parts = {0};
    enum number number = plain ? read_number(text.bytes, &parts) : NUMBER_NONE;
    if (config_reader_is_nothing(reader))
        out_text(&at->out, "null");
    else if (constant != NULL)
        out_text(&at->out, constant);
    else if (number == NUMBER_PLAIN)
        write_number(&at->out, &parts);
    else
        out_string(&at->out, text);
    if (number == NUMBER_ODD)
        config_complain(reader->draft, config_reader_line(reader),
                        "%s: write a number as JSON has it (31, not 031 or 0x1F; none is "
                        "infinite), or put it in quotes",
                        at->shown);
    if (plain && is_flag_word(text.bytes))
        config_complain(reader->draft, config_reader_line(reader),
                        "%s: on, off, yes and no are ambiguous here; write true or false, or put "
                        "the word in quotes",
                        at->shown);
}

/* The comma before an element or a member. */
static void separate(struct out *out)
{
    char last = out->len > 0 ? out->bytes[out->len - 1] : '[';
    if (last != '[' && last != '{' && last != ':')
        out_char(out, ',');
}

static bool read_member_name(struct config_reader *reader, struct conversion *at)
{
    at->want_key[at->depth] = false;
    if (reader->event.type == YAML_SCALAR_EVENT && !config_reader_is_nothing(reader)) {
        out_string(&at->out, scalar_of(reader));
        out_char(&at->out, ':');
        return true;
    }
    if (reader->event.type != YAML_ALIAS_EVENT)
        config_complain(reader->draft, config_reader_line(reader),
                        "%s: a key must be a word, such as temperature", at->shown);
    out_text(&at->out, "\"\":");
    return config_reader_skip(reader);
}

static bool begin(struct config_reader *reader, struct conversion *at)
{
    bool is_mapping = reader->event.type == YAML_MAPPING_START_EVENT;
    if (at->depth == CONFIG_JSON_DEPTH_MAX) {
        config_complain(reader->draft, config_reader_line(reader),
                        "%s is nested more than %d deep; no upstream takes that", at->shown,
                        CONFIG_JSON_DEPTH_MAX);
        reader->draft->unreadable = true;
        return false;
    }
    at->depth++;
    at->in_mapping[at->depth] = is_mapping;
    at->want_key[at->depth] = is_mapping;
    out_char(&at->out, is_mapping ? '{' : '[');
    return true;
}

/* One event. */
static bool convert(struct config_reader *reader, struct conversion *at)
{
    yaml_event_type_t type = reader->event.type;
    if (type == YAML_MAPPING_END_EVENT || type == YAML_SEQUENCE_END_EVENT) {
        assert(at->depth > 0);
        out_char(&at->out, type == YAML_MAPPING_END_EVENT ? '}' : ']');
        at->depth--;
        return true;
    }
    separate(&at->out);
    if (at->depth > 0 && at->want_key[at->depth])
        return read_member_name(reader, at);
    if (at->depth > 0)
        at->want_key[at->depth] = at->in_mapping[at->depth];
    if (type == YAML_MAPPING_START_EVENT || type == YAML_SEQUENCE_START_EVENT)
        return begin(reader, at);
    if (type == YAML_SCALAR_EVENT)
        write_scalar(reader, at);
    else
        out_text(&at->out, "null"); /* an alias, complained about */
    return true;
}

bool config_json_read(struct config_reader *reader, const char *shown, char **ret_json)
{
    struct conversion at = {.shown = shown, .out = OUT_INIT};
    unsigned complaints = reader->draft->complaint_count, line = config_reader_line(reader);
    bool readable;
    assert(reader->event.type == YAML_MAPPING_START_EVENT);
    do {
        readable = convert(reader, &at);
        if (at.out.len > CONFIG_JSON_MAX && !at.too_long) {
            at.too_long = true;
            config_complain(reader->draft, line, "%s must be at most %d KiB as JSON", shown,
                            CONFIG_JSON_MAX / 1024);
        }
    } while (readable && at.depth > 0 && (readable = config_reader_next(reader)));
    if (readable)
        out_char(&at.out, '\0');
    if (at.out.error < 0)
        reader->draft->error = at.out.error;
    if (readable && at.out.error == 0 && reader->draft->complaint_count == complaints) {
        *ret_json = at.out.bytes;
        at.out.bytes = NULL;
    }
    out_release(&at.out);
    return readable && reader->draft->error == 0;
}
