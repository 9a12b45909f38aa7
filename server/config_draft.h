/* config_draft.h - a configuration while it is read: the values so far, where each was stated, and
 * the complaints.
 *
 * config_yaml.c fills it from text, config_check.c and config_resolve.c check what no single key
 * can know, config.c
 * owns it and prints the complaints in the order of their lines.
 * Private to server/config*.c and their tests.
 */
#ifndef SERVER_CONFIG_DRAFT_H
#define SERVER_CONFIG_DRAFT_H

#include "server/config_table.h"

enum {
    CONFIG_FILE_BYTES_MAX = 1024 * 1024,
    CONFIG_DEPTH_MAX = 8,        /* of what is skipped; what is understood is at most 3 deep */
    CONFIG_COMPLAINTS_MAX = 100, /* more are counted */
};

struct config_complaint {
    unsigned line, number; /* number: as they came, the order within a line */
    char *text;
};

struct config_draft {
    struct config *config;
    const char *directory; /* absolute; what relative paths are relative to */
    bool need_secrets;
    /* Lines, 0: not stated. A key that was stated badly is stated all the same. */
    unsigned stated[CONFIG_KEYS][CONFIG_ELEMENTS_MAX];
    unsigned group_line[CONFIG_GROUPS];
    unsigned element_line[CONFIG_GROUPS][CONFIG_ELEMENTS_MAX];
    bool unreadable; /* no YAML to its end: what is missing may only be unread */
    int error;       /* -ENOMEM, for good */
    struct config_complaint complaint[CONFIG_COMPLAINTS_MAX];
    unsigned complaint_count, complaint_lost;
};

/* Adds a complaint about a line: what is wrong and what to do, without the place. */
__attribute__((format(printf, 3, 4))) void config_complain(struct config_draft *draft,
                                                           unsigned line, const char *format, ...);

/* The line a key stands in; for one that is not stated that of its element or
 * group, else 1. */
unsigned config_draft_line(const struct config_draft *draft, enum config_group group,
                           const char *name, unsigned index);

/* The defaults of one element of a list, for what it may leave out; of a required key a default
 * would hide the omission. */
void config_draft_defaults(struct config_draft *draft, enum config_group group, unsigned index);

void config_yaml_read(struct config_draft *draft, const char *text, size_t len);

/* What keys mean together, files and environment variables; loads the secrets. */
void config_check(struct config_draft *draft);

/* config_resolve.c: routes' upstreams into indices; presets checked and given their versions. */
void config_resolve(struct config_draft *draft);

/* config_open() on text already read. path: for messages and struct config only. */
int config_parse(const char *path, const char *directory, const char *text, size_t len,
                 bool need_secrets, FILE *errors, struct config **ret_config);

#endif
