/* sim_models.h - the catalogue in the schema of each dialect, at the prices of the moment.
 *
 * Threads: pure, apart from the text that is written.
 */
#ifndef TESTS_SIM_MODELS_H
#define TESTS_SIM_MODELS_H

#include "tests/sim/sim_catalogue.h"

/* sim_models.c: Vercel (section 9 of its API) and what the AI SDK and OpenAI make of it. */
void sim_models_vercel(const struct sim_catalogue *catalogue, int64_t now_ms,
                       struct sim_text *text);
void sim_models_vercel_one(const struct sim_catalogue *catalogue, const struct sim_model *model,
                           int64_t now_ms, struct sim_text *text);
void sim_models_vercel_endpoints(const struct sim_catalogue *catalogue,
                                 const struct sim_model *model, int64_t now_ms,
                                 struct sim_text *text);
/* GET config. version: "v4" or "v3". */
void sim_models_ai_sdk(const struct sim_catalogue *catalogue, const char *version, int64_t now_ms,
                       struct sim_text *text);
void sim_models_openai(const struct sim_catalogue *catalogue, struct sim_text *text);
void sim_models_openai_one(const struct sim_model *model, struct sim_text *text);

/* sim_models_openrouter.c: OpenRouter (sections 5.2 to 5.4 of its API). Models without a price are
 * not listed: its schema has no word for them. */
struct sim_models_filter {
    const char *type;     /* NULL: any */
    size_t offset, limit; /* limit 0: all */
};
void sim_models_openrouter(const struct sim_catalogue *catalogue,
                           const struct sim_models_filter *filter, int64_t now_ms,
                           struct sim_text *text);
void sim_models_openrouter_count(const struct sim_catalogue *catalogue, const char *type,
                                 int64_t now_ms, struct sim_text *text);
void sim_models_openrouter_one(const struct sim_catalogue *catalogue, const struct sim_model *model,
                               int64_t now_ms, struct sim_text *text);
void sim_models_openrouter_endpoints(const struct sim_catalogue *catalogue,
                                     const struct sim_model *model, int64_t now_ms,
                                     struct sim_text *text);
void sim_models_openrouter_providers(const struct sim_catalogue *catalogue, struct sim_text *text);

enum {
    SIM_MODEL_CREATED = 1755815280, /* unix s; the price file does not know when a model appeared */
    SIM_MODEL_CONTEXT = 200000,     /* tokens, of every language model, and what it says at most: */
    SIM_MODEL_OUTPUT = 64000,
};

#endif
