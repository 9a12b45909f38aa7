/* config_draft.h - a configuration while it is read: the values so far, where each was stated, and
 * the complaints.
 *
 * config_yaml.c fills it from text, config_check.c, config_resolve.c and config_clients.c check
 * what no single key can know, config.c owns it and prints the complaints in the order of their
 * lines. Private to server/config*.c and their tests.
 */
#ifndef SERVER_CONFIG_DRAFT_H
#define SERVER_CONFIG_DRAFT_H

#include "server/config_table.h"

enum {
    CONFIG_FILE_BYTES_MAX = 4 * 1024 * 1024, /* a kilobyte for each client, and the rest */
    CONFIG_DEPTH_MAX = 8,        /* of what is skipped; what is understood is at most 3 deep */
    CONFIG_COMPLAINTS_MAX = 100, /* more are counted */
};

struct config_complaint {
    unsigned line, number; /* number: as they came, the order within a line */
    char *text;
};

/* Lines, 0: not stated. A key that was stated badly is stated all the same. */
struct config_element {
    unsigned line;
    unsigned stated[CONFIG_KEYS]; /* those of other groups stay 0 */
};

struct config_draft {
    struct config *config;
    const char *directory; /* absolute; what relative paths are relative to */
    bool need_secrets;
    unsigned group_line[CONFIG_GROUPS];
    struct config_element *element[CONFIG_GROUPS]; /* owned; at least one of each group */
    unsigned room[CONFIG_GROUPS];                  /* elements there is memory for */
    bool unreadable; /* no YAML to its end: what is missing may only be unread */
    int error;       /* -ENOMEM, for good */
    struct config_complaint complaint[CONFIG_COMPLAINTS_MAX];
    unsigned complaint_count, complaint_lost;
};

/* Adds a complaint about a line: what is wrong and what to do, without the place. */
__attribute__((format(printf, 3, 4))) void config_complain(struct config_draft *draft,
                                                           unsigned line, const char *format, ...);

/* Makes room for element `index` of a group, here and in the configuration. -ENOMEM, which is also
 * in draft->error. Pointers into either are of no use after it. */
int config_draft_grow(struct config_draft *draft, enum config_group group, unsigned index);

/* The line in which element `index` states config_keys[at]. */
unsigned *config_draft_stated(struct config_draft *draft, unsigned at, unsigned index);
bool config_draft_states(const struct config_draft *draft, enum config_group group,
                         const char *name, unsigned index);

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
/* Which upstream has this name; their count: none has. Then the complaint about element `item` of
 * the list `name`: the one that was meant, else all there are. The text itself is not repeated, it
 * may be a key. */
unsigned config_upstream_find(const struct config *config, const char *name);
void config_complain_upstream(struct config_draft *draft, enum config_group group, const char *name,
                              unsigned index, unsigned item, const char *text);

/* config_clients.c: clients and their keys' digests; what upstreams' costs and prices mean. */
void config_clients(struct config_draft *draft);

/* config_open() on text already read. path: for messages and struct config only. */
int config_parse(const char *path, const char *directory, const char *text, size_t len,
                 bool need_secrets, FILE *errors, struct config **ret_config);

#endif
