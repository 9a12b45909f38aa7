/* sim_route.h - which path belongs to which vendor's API, and what is asked there.
 *
 * Threads: pure functions.
 */
#ifndef TESTS_SIM_ROUTE_H
#define TESTS_SIM_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

/* Whose words are spoken. */
enum sim_dialect {
    SIM_VERCEL,     /* /v1 */
    SIM_AI_SDK,     /* /v4/ai and /v3/ai: Vercel's protocol for its own SDK */
    SIM_OPENROUTER, /* /api/v1 */
    SIM_OPENAI,     /* /openai/v1: what LiteLLM, LLMGateway and many others speak */
};

/* What is asked. With SIM_AI_SDK, SIM_CHAT is its language-model. */
enum sim_api {
    SIM_NO_API, /* a path that no POST has */
    SIM_CHAT,
    SIM_RESPONSES,
    SIM_MESSAGES,
    SIM_COMPLETIONS,
    SIM_EMBEDDINGS,
    SIM_IMAGES,
    SIM_SPEECH,
    SIM_TRANSCRIPTION,
    SIM_VIDEOS,
    SIM_VIDEO_START, /* SIM_AI_SDK only, and so is the next */
    SIM_VIDEO_STATUS,
    SIM_RERANK,
    SIM_BATCHES,
    SIM_FILES,
};

struct sim_route {
    enum sim_dialect dialect;
    enum sim_api api;
    const char *rest; /* behind the base path; borrow: of path */
    size_t rest_len;
};

/* False: the path is under none of the four bases. */
bool sim_route_find(const char *path, size_t len, struct sim_route *ret_route);

/* As the call log says them. */
const char *sim_dialect_name(enum sim_dialect dialect);
const char *sim_api_name(enum sim_api api);

/* Whether a request of this API may ask for an event stream. */
bool sim_api_streams(enum sim_api api);
/* Whether it is billed by tokens alone, so that a model without token prices cannot do it. */
bool sim_api_needs_price(enum sim_api api);

#endif
