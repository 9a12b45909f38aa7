/* model_map.h - names of models and inference providers between OpenRouter's and Vercel's
 * catalogues.
 *
 * Data: configs/models.json, documented in docs/models.md (vercel-ai-gateway-api.md section 12); an
 * operator may add to it or replace it. Rule order: explicit pair, then `:variant` dropped where
 * the file lists it, then vendor prefix, then the id as it is. Whether the result exists upstream
 * is the catalogue's to say.
 *
 * Threads: read once, immutable afterwards.
 */
#ifndef SERVER_DIALECT_MODEL_MAP_H
#define SERVER_DIALECT_MODEL_MAP_H

#include "accounting/row.h"
#include "server/config.h"

struct model_map;

/* give; on failure a negative errno and "file:line: what is wrong" in error. path NULL: the map
 * that is compiled in (the shipped configs/models.json). */
int model_map_open(const char *path, struct model_map **ret_map, char *error, size_t error_size);
void model_map_free(struct model_map *map); /* accepts NULL */

enum model_map_result {
    MODEL_MAP_SAME,    /* the id stays */
    MODEL_MAP_MAPPED,  /* *ret_id is another id */
    MODEL_MAP_ROUTER,  /* openrouter/auto and the like: only an OpenRouter upstream can do it */
    MODEL_MAP_VARIANT, /* has no form there: a :variant (:online, :thinking, :extended, ...), or a
                        * virtual model of a Vercel account (vmc/...) */
};

/* id as said in dialect `from` -> id in dialect `to` (OPENAI: as it is). reasoning_off: the request
 * disables reasoning (some x-ai pairs differ). sort: set to "tps"/"cost" when a :nitro/:floor
 * became a sort, else NULL; lives as long as the map. id has at most ROW_NAME_MAX bytes; ret_id
 * holds ROW_NAME_MAX + 1 and is NUL-terminated; for ROUTER and VARIANT it is the id as it came. */
enum model_map_result model_map_model(const struct model_map *map, enum config_dialect from,
                                      enum config_dialect to, struct text id, bool reasoning_off,
                                      char ret_id[ROW_NAME_MAX + 1], const char **ret_sort);

/* Of a Vercel id: it is what another id becomes while reasoning is off, so that on OpenRouter the
 * request itself has to switch it off. */
bool model_map_means_reasoning_off(const struct model_map *map, struct text id);

/* The same for the slug of an inference provider (`amazon-bedrock/us` -> `bedrock`). Writes a
 * NUL-terminated slug, in lower case; slug has at most ROW_NAME_MAX bytes. From Vercel to
 * OpenRouter and back nothing but the names changes; the same dialect, or OPENAI: as it is. */
void model_map_provider(const struct model_map *map, enum config_dialect from,
                        enum config_dialect to, struct text slug, char ret_slug[ROW_NAME_MAX + 1]);

#endif
