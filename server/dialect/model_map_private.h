/* model_map_private.h - what the files of the model map share; also read by its test.
 *
 * A map is five tables of pairs and four lists of patterns, in the order in which they were listed.
 * Order is meaning: of several entries that fit, the first counts, in either direction. The tables
 * are sorted once, by name and then by place, so a look-up is a binary search for the first of its
 * name. The lists are short by MAP_PATTERNS_MAX and are walked.
 */
#ifndef SERVER_DIALECT_MODEL_MAP_PRIVATE_H
#define SERVER_DIALECT_MODEL_MAP_PRIVATE_H

#include "server/dialect/model_map.h"

#include <stddef.h>
#include <stdint.h>

enum {
    MAP_FILE_MAX = 1024 * 1024, /* bytes of a mapping file */
    MAP_ENTRIES_MAX = 8192,     /* of a file, all tables and lists together */
    MAP_PATTERNS_MAX = 256,     /* of one list, or names of MAP_BARE, of a file */
};

enum map_tables {
    MAP_MODELS,    /* openrouter, vercel, third: the Vercel id while reasoning is off */
    MAP_VENDORS,   /* the part before the slash; third: ending that OpenRouter's names have */
    MAP_PROVIDERS, /* slugs of inference providers, lower case */
    MAP_VARIANTS,  /* OpenRouter's :variant, Vercel's sort */
    MAP_BARE,      /* how a name without a vendor starts, and its vendor */
    MAP_TABLES,
};
enum map_lists {
    MAP_FREE,        /* :free may be left out: the model is on Vercel, for money */
    MAP_ROUTERS,     /* only an OpenRouter upstream knows them */
    MAP_VERCEL_ONLY, /* only a Vercel upstream knows them */
    MAP_DASHED,      /* versions may be written with a dash, and with a date at the end */
    MAP_LISTS,
};

struct map_entry {
    const char *openrouter, *vercel;
    const char *third; /* NULL: none; see enum map_tables */
    bool one_way;      /* not from Vercel to OpenRouter */
    uint32_t at;       /* byte of the file it was read from */
};

struct map_table {
    const struct map_entry *entries;
    unsigned count;
};
struct map_patterns {
    const char *const *patterns; /* `*` at the end stands for any rest */
    unsigned count;
};

extern const struct map_table model_map_shipped_table[MAP_TABLES];
extern const struct map_patterns model_map_shipped_patterns[MAP_LISTS];

/* One name of an entry, in order of name and place. */
struct map_sorted {
    const char *name;
    const struct map_entry *entry;
};
struct map_index {
    struct map_sorted *names;
    unsigned count;
};

struct model_map {
    char *text; /* the strings of a file; NULL: there is none */
    struct map_entry *entries[MAP_TABLES];
    unsigned entry_count[MAP_TABLES];
    const char **patterns[MAP_LISTS];
    unsigned pattern_count[MAP_LISTS];
    struct map_index forward[MAP_TABLES];  /* by the OpenRouter name */
    struct map_index backward[MAP_TABLES]; /* by the Vercel name; reasoning_off ids count as such */
};

/* Append; -ENOMEM. borrow: texts, as long as the map. */
int model_map_add(struct model_map *map, enum map_tables table, const struct map_entry *entry);
int model_map_add_pattern(struct model_map *map, enum map_lists list, const char *pattern);
int model_map_add_shipped(struct model_map *map);

/* Reads a file into an empty map. Errors as model_map_open(). */
int model_map_read(struct model_map *map, const char *path, char *error, size_t error_size);

/* The first entry of that name, or NULL. */
const struct map_entry *model_map_find(const struct map_index *index, const char *name, size_t len);

#endif
