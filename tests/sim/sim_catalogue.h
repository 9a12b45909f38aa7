/* sim_catalogue.h - the models that exist here, under the names that each vendor has for them.
 *
 * The names come from the price file, whose words are Vercel's. OpenRouter's are made from them by
 * a table of this simulator's own (sim_catalogue.c), so that a gateway's table is tested against
 * another hand's. Nothing here changes after the start.
 *
 * Threads: any; read only.
 */
#ifndef TESTS_SIM_CATALOGUE_H
#define TESTS_SIM_CATALOGUE_H

#include "accounting/price.h"
#include "tests/sim/sim_route.h"
#include "tests/sim/sim_text.h"

struct sim_model {
    struct sim_span id;         /* the price file's and Vercel's */
    struct sim_span openrouter; /* OpenRouter's */
    const char *type;           /* Vercel's word: language, embedding, image, ... */
};

struct sim_catalogue {
    struct price_table *prices;
    struct sim_model *models; /* sorted by id */
    size_t count;
    struct sim_model **by_openrouter; /* sorted by that name */
};

/* Reads the names of a price file, without those in missing (in either vendor's words). prices: of
 * the same file; share. Negative errno when the file cannot be read. Lives as long as the process.
 */
int sim_catalogue_open(const char *path, struct price_table *prices, char *const *missing,
                       size_t missing_count, struct sim_catalogue *ret_catalogue);

/* The model that a vendor understands by this name; NULL when it has none. OpenRouter ignores a
 * `:variant` and picks a model for its routers (openrouter/auto); generic OpenAI knows bare names
 * too. */
const struct sim_model *sim_catalogue_find(const struct sim_catalogue *catalogue,
                                           enum sim_dialect dialect, struct sim_span name);
/* The model of exactly this id in the price file's words. */
const struct sim_model *sim_catalogue_at(const struct sim_catalogue *catalogue, struct sim_span id);
/* Its name there. */
struct sim_span sim_model_name(const struct sim_model *model, enum sim_dialect dialect);
/* The price in force; NULL where none is known. model may be NULL. */
const struct price *sim_model_price(const struct sim_catalogue *catalogue,
                                    const struct sim_model *model, int64_t now_ms);

/* Who serves a model when nothing else is said: the text before the slash of its id. */
struct sim_span sim_model_owner(struct sim_span id);
/* OpenRouter's display name of a vendor, from its slug in the price file's words; written to
 * scratch where it has to be made up. */
enum { SIM_PROVIDER_MAX = 64 };
struct sim_span sim_provider_display(struct sim_span slug, char scratch[SIM_PROVIDER_MAX]);
/* OpenRouter's slug of the same vendor; the slug itself where they agree. */
struct sim_span sim_provider_slug(struct sim_span slug);

#endif
