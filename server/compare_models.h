/* compare_models.h - which model ids exist where: `tollgate check --models`.
 *
 * An id may be in either vendor's words: one that the model map changes on its way to Vercel is
 * OpenRouter's, any other is taken as Vercel's. For each upstream it is mapped as a request would
 * be; what the catalogue lacks under that name but has under the id itself counts as well.
 *
 * Threads: pure functions.
 */
#ifndef SERVER_COMPARE_MODELS_H
#define SERVER_COMPARE_MODELS_H

#include "server/catalog.h"
#include "server/config.h"
#include "server/dialect/model_map.h"

#include <stdio.h>

enum {
    COMPARE_IDS_MAX = 10000,
    COMPARE_IDS_BYTES_MAX = 8 * 1024 * 1024, /* of the file */
};

struct compare_ids {
    struct text id[COMPARE_IDS_MAX]; /* borrowed from the text */
    unsigned count;
};
/* One id a line; what follows a # behind a blank or at the line's begin is a comment; an id that
 * came before is left out. 0 or -EINVAL with "line N: what is wrong" in error. */
int compare_ids_read(const char *text, size_t len, struct compare_ids *ids, char *error,
                     size_t error_size);

struct compare_place {
    char model[ROW_NAME_MAX + 1]; /* what it is called there */
    const char *why;              /* static */
    enum catalog_has has;
};
/* catalog NULL: could not be read. */
void compare_place(const struct model_map *map, enum config_dialect upstream,
                   const struct catalog *catalog, struct text id, struct compare_place *ret_place);

/* A table, or one JSON object a line. catalogs: one for each upstream of config, NULL where it
 * could not be read. Returns how many ids exist nowhere. */
unsigned compare_models_print(const struct config *config, const struct model_map *map,
                              struct catalog *const *catalogs, const struct compare_ids *ids,
                              bool json, FILE *out);

#endif
