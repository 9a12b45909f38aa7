/* config_table.h - the one table of configuration keys, and what follows from a row: its checks,
 * its messages, its documentation, its place in struct config.
 *
 * Private to server/config*.c and their tests; everybody else reads struct config.
 */
#ifndef SERVER_CONFIG_TABLE_H
#define SERVER_CONFIG_TABLE_H

#include "server/config.h"
#include "server/config_value.h"

enum config_group {
    CONFIG_TOP,
    CONFIG_LISTEN,
    CONFIG_ADMIN,
    CONFIG_UPSTREAMS,
    CONFIG_ROUTES,
    CONFIG_PRESETS,
    CONFIG_CLIENTS,
    CONFIG_MODELS,
    CONFIG_CACHE,
    CONFIG_LIMITS,
    CONFIG_PRICES,
    CONFIG_LEDGER,
    CONFIG_REQUEST_LOG,
    CONFIG_GROUPS,
};

enum config_type {
    CONFIG_FLAG,    /* bool */
    CONFIG_MAYBE,   /* int: 0, 1, or -1 when not stated */
    CONFIG_COUNT,   /* unsigned */
    CONFIG_SIZE,    /* uint64_t, bytes */
    CONFIG_SECONDS, /* unsigned; a plain number is seconds */
    CONFIG_PERIOD,  /* unsigned, seconds; needs its unit, which may be days */
    CONFIG_SPAN,    /* unsigned, milliseconds; needs its unit */
    CONFIG_PERCENT, /* int64_t, parts per million */
    CONFIG_MONTHS,  /* unsigned; a plain number is months */
    CONFIG_CHOICE,  /* an enum that counts from 0 in the order of choices */
    CONFIG_MONEY,   /* struct money */
    CONFIG_BUDGET,  /* struct maybe_money: unknown when not stated */
    CONFIG_ADDRESS, /* char * host, uint16_t port, bool loopback */
    CONFIG_URL,     /* from here on: char * */
    CONFIG_NAME,
    CONFIG_VARIABLE,
    CONFIG_PATH,
    CONFIG_MODEL,
    CONFIG_LABEL,
    CONFIG_DIGEST,
    CONFIG_MEMBERS,
    CONFIG_TEXT,
    CONFIG_JSON,    /* in the file a mapping, here the text of a JSON object; the last char * */
    CONFIG_STRINGS, /* struct config_strings; in the file a list, never empty */
    CONFIG_TYPES,
};

struct config_key {
    enum config_group group;
    const char *name;
    enum config_type type;
    bool required;               /* where its group or element is stated */
    size_t at;                   /* offset in the group's base, see config_base() */
    size_t at_port, at_loopback; /* address only */
    bool or_zero;                /* 0 is allowed besides min to max */
    uint64_t min, max;           /* in the unit of the field, of money in USD and min is more
                                    than 0; of a list: how many elements */
    const char *const *choices;  /* NULL-terminated */
    const char *items;           /* lists: what the elements are, in the plural */
    const char *(*item_check)(const char *text); /* lists: NULL, or what an element must be */
    const char *fallback; /* the default, as a file would state it; NULL: none */
    const char *example;  /* for messages, and for documentation when there is no default */
    const char *about;    /* one sentence */
};

enum { CONFIG_KEYS = 69, CONFIG_SHOWN_SIZE = 96, CONFIG_WANT_SIZE = 320 };
extern const struct config_key config_keys[CONFIG_KEYS];

/* "cache", or NULL for the top. A list group holds elements. */
const char *config_group_name(enum config_group group);
bool config_group_is_list(enum config_group group);
/* How many elements it may have; of what is no list 1. */
unsigned config_group_max(enum config_group group);

/* Index into config_keys, or -1. */
int config_key_find(enum config_group group, const char *name);
/* The group of that name, or CONFIG_TOP when there is none. */
enum config_group config_group_find(const char *name);

/* What somebody who wrote `name` in this group may have meant: the path of a near key in the same
 * group or of the same name elsewhere. False when nothing is near. */
bool config_key_suggest(enum config_group group, const char *name, char shown[CONFIG_SHOWN_SIZE]);

/* Whether somebody who wrote `name` may have meant `known`, and rather so than what *best says;
 * *best: edits between the two, begin with 99. */
bool config_is_near(const char *name, const char *known, unsigned *best);

/* "cache.ttl", "listen[0].address"; index -1 prints "listen[].address". */
void config_key_show(const struct config_key *key, int index, char shown[CONFIG_SHOWN_SIZE]);

/* Where at, at_port and at_loopback count from: the element of a list, else config itself. For an
 * index up to config_group_max(); of clients, which are only as many as the file has, for those
 * that there is room for (config_draft.h). */
void *config_base(struct config *config, enum config_group group, unsigned index);

/* How many elements a list group has. */
unsigned *config_count(struct config *config, enum config_group group);

/* Parses text into its field; of a list into one more element, of a mapping text is JSON already.
 * directory: what relative paths are relative to. 0; -EINVAL with
 * what it must be ("must be on or off ...") in want; -ENOMEM. The field keeps its value on failure.
 */
int config_key_set(const struct config_key *key, void *base, const char *directory,
                   const char *text, char want[CONFIG_WANT_SIZE]);

/* The field as text that config_key_set() accepts: borrows the field's own text, or uses scratch.
 * NULL when the field is not set. Not for lists. */
const char *config_key_get(const struct config_key *key, const void *base,
                           char scratch[CONFIG_HOST_MAX + 16]);

/* "size in B, KiB ...; 0, or 1MiB to 1TiB; default 256MiB": one line of documentation. */
void config_key_describe(const struct config_key *key, FILE *out);

#endif
