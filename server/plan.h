/* plan.h - which upstreams are tried for a request, in which order, with which model, and why.
 *
 *  1. `X-Tollgate-Upstream: NAME` leaves that one only.
 *  2. The first route of the configuration whose patterns (of both kinds, where it has both) match
 *     the requested model names the upstreams and their order; else all in the order of the
 *     configuration. For a request without a model that is the first route without patterns.
 *  3. Routers (openrouter/auto, ...), variants that an upstream has no form for, and the AI SDK
 *     protocol leave only upstreams that speak them.
 *  4. Upstreams whose catalogue is known and lacks the model leave; those without a known catalogue
 *     stay. When none is left: PROBLEM_MODEL. Ids that a catalogue never lists are not looked up:
 *     Vercel's vmc/..., OpenRouter's ~..., @..., and the base of its :nitro, :floor, :online and
 *     :exacto counts. An openai upstream that lists only what stands behind the `/` is sent that;
 *     an id in the other vendor's words, or a bare name, is sent as the catalogue has it.
 *  5. split: SHA-256("tollgate_routing_" + user or key id + model), first 4 bytes big-endian,
 *     modulo 1e6 below split_ppm: the route's second upstream comes before its first, when both
 *     are still there (vercel-ai-gateway-api.md section 16).
 *  6. An upstream that is failing or told us to wait (health.h) goes to the end.
 *  7. Fallback models follow, the route's when the request and its preset name none: an upstream
 *     that tries models by itself is told those that its catalogue does not lack; for one that
 *     does not (dialect openai) each becomes an attempt, behind those of the first model. So does
 *     an upstream that left by rule 3 or 4 but has a fallback; where all lack the first model,
 *     that is the whole plan.
 *
 * Threads: pure, apart from health and catalogues, which have their own rules.
 */
#ifndef SERVER_PLAN_H
#define SERVER_PLAN_H

#include "accounting/row.h"
#include "server/config.h"
#include "server/dialect/model_map.h"
#include "server/dialect/problem.h"

enum { PLAN_ATTEMPTS_MAX = 8, PLAN_MODELS_MAX = 8, PLAN_WHY_MAX = 64, PLAN_DETAIL_MAX = 320 };

struct catalogs;
struct health;

struct plan_order {
    const struct config *config;
    struct catalogs *catalogs; /* NULL: none are known */
    struct health *health;     /* NULL: all are well */
    const struct model_map *map;
    enum config_dialect from; /* the client's */
    bool ai_sdk;              /* the AI SDK protocol, which only Vercel speaks */
    struct text model;        /* as the client said it; empty: forwarded without one */
    struct text
        fallbacks[PLAN_MODELS_MAX]; /* the request's or the preset's, in the client's words */
    unsigned fallback_count;
    struct text forced; /* X-Tollgate-Upstream, or empty */
    struct text user, key_id;
    bool reasoning_off;
    int64_t now_ms; /* wall clock */
};

struct plan_attempt {
    unsigned upstream;            /* index into config->upstream */
    char said[ROW_NAME_MAX + 1];  /* its model in the client's words: the request's or a fallback */
    char model[ROW_NAME_MAX + 1]; /* in the upstream's words */
    const char *sort;             /* from the model map, or NULL */
    char models[PLAN_MODELS_MAX][ROW_NAME_MAX + 1]; /* fallbacks it tries by itself */
    unsigned model_count;
};

struct plan {
    struct plan_attempt attempt[PLAN_ATTEMPTS_MAX];
    unsigned count;
    /* Why the first comes first; the row's `route` and the header X-Tollgate-Route: "first",
     * "only", "forced", "route NAME", "dialect" (an earlier one does not speak what was asked),
     * "catalog" (an earlier one lacks the model), "split", "health". A fetch that went on to
     * another attempt makes it "fallback". */
    char why[PLAN_WHY_MAX];
    char detail[PLAN_DETAIL_MAX]; /* of a refusal */
};

/* PROBLEMS: fine, at least one attempt. Else what to refuse with (BAD_REQUEST, MODEL) and detail.
 */
enum problem plan_make(const struct plan_order *order, struct plan *plan);

/* `*` matches any text, also none; case matters. For model and provider patterns. */
bool plan_pattern_matches(const char *pattern, struct text text);

#endif
