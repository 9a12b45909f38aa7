/* config_reader.h - the YAML events of a configuration, one at a time, with the complaints that
 * need no table: what is no YAML, anchors, aliases and tags.
 *
 * Every function that reads returns false when the text is no YAML from here on: then the complaint
 * is made and nothing more can be read. All else is complained about and passed over.
 * Private to server/config*.c.
 */
#ifndef SERVER_CONFIG_READER_H
#define SERVER_CONFIG_READER_H

#include "server/config_draft.h"

#include <yaml.h>

struct config_reader {
    struct config_draft *draft;
    const char *text; /* borrow */
    size_t len;
    yaml_parser_t parser;
    yaml_event_t event; /* the one being looked at */
};

/* 0 or -ENOMEM. borrow: draft and text, until the release. */
int config_reader_init(struct config_reader *reader, struct config_draft *draft, const char *text,
                       size_t len);
void config_reader_release(struct config_reader *reader);

bool config_reader_next(struct config_reader *reader);
/* Passes over the value that begins with the current event; counts instead of recursing. */
bool config_reader_skip(struct config_reader *reader);

/* Of the current event: its line, whether it is a value left out (nothing, ~ or null). */
unsigned config_reader_line(const struct config_reader *reader);
bool config_reader_is_nothing(const struct config_reader *reader);

/* config_json.c: the mapping that the current event begins as the text of a JSON object. Plain
 * scalars mean what YAML's core schema says they mean, those in quotes are strings; numbers keep
 * their digits. shown: the key, for complaints. give: *ret_json, NULL after a complaint. */
bool config_json_read(struct config_reader *reader, const char *shown, char **ret_json);

#endif
