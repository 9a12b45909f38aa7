/* plan_support.h - four upstreams of three dialects, and plans shown as one line. */
#ifndef TESTS_SERVER_PLAN_SUPPORT_H
#define TESTS_SERVER_PLAN_SUPPORT_H

#include "server/catalog.h"
#include "server/gateway.h"
#include "server/health.h"
#include "server/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { VERCEL, OPENROUTER, OTHER, SECOND, UPSTREAMS };

/* Everything that a plan is made from, anew for each test. */
struct world {
    struct config config;
    struct gateway gateway;
    struct plan_order order;
    struct plan plan;
    char shown[2048];
};

static inline int set_up(void **state)
{
    static struct world world;
    static char names[UPSTREAMS][16] = {"vercel", "openrouter", "other", "second"};
    static const enum config_dialect dialects[UPSTREAMS] = {DIALECT_VERCEL, DIALECT_OPENROUTER,
                                                            DIALECT_OPENAI, DIALECT_VERCEL};
    char error[256];

    memset(&world, 0, sizeof world);
    for (unsigned i = 0; i < UPSTREAMS; i++) {
        world.config.upstream[i].name = names[i];
        world.config.upstream[i].dialect = dialects[i];
    }
    world.config.upstream_count = UPSTREAMS;
    world.gateway.config = &world.config;
    if (model_map_open(NULL, &world.gateway.models, error, sizeof error) != 0)
        return -1;
    world.gateway.catalogs = catalogs_new(&world.gateway);
    world.gateway.health = health_new();
    world.order = (struct plan_order){.config = &world.config,
                                      .catalogs = world.gateway.catalogs,
                                      .health = world.gateway.health,
                                      .map = world.gateway.models,
                                      .from = DIALECT_OPENROUTER,
                                      .model = TEXT("openai/gpt-4o"),
                                      .key_id = TEXT("0123456789abcdef0123456789abcdef"),
                                      .now_ms = 1792000000000};
    *state = &world;
    return world.gateway.catalogs != NULL && world.gateway.health != NULL ? 0 : -1;
}

static inline int tear_down(void **state)
{
    struct world *world = *state;

    catalogs_free(world->gateway.catalogs);
    health_free(world->gateway.health);
    model_map_free(world->gateway.models);
    return 0;
}

/* Says what an upstream has: ids with commas between. */
static inline void lists(struct world *world, unsigned upstream, const char *ids)
{
    char text[1024] = "{\"data\":[";
    size_t len = strlen(text);
    struct catalog *catalog = NULL;

    while (*ids != '\0') {
        size_t id_len = strcspn(ids, ",");
        len += (size_t)snprintf(text + len, sizeof text - len, "%s{\"id\":\"%.*s\"}",
                                text[len - 1] == '[' ? "" : ",", (int)id_len, ids);
        ids += id_len + (ids[id_len] == ',' ? 1 : 0);
    }
    snprintf(text + len, sizeof text - len, "]}");
    assert_int_equal(
        catalog_parse(text, strlen(text), world->config.upstream[upstream].dialect, &catalog), 0);
    catalogs_put(world->gateway.catalogs, upstream, catalog);
}

static inline struct config_route *route(struct world *world, const char *name)
{
    struct config_route *route = &world->config.route[world->config.route_count++];

    route->name = (char *)(uintptr_t)name;
    return route;
}

static inline void add(struct config_strings *strings, const char *item)
{
    strings->item[strings->count++] = (char *)(uintptr_t)item;
}

static inline void to(struct world *world, struct config_route *route, unsigned upstream)
{
    route->upstream[route->upstream_count++] = upstream;
    add(&route->upstreams, world->config.upstream[upstream].name);
}

static inline void ask(struct world *world, const char *model)
{
    world->order.model = text_of(model);
}

/* "why: upstream=model[+fallback...] ..." */
static inline const char *plan(struct world *world)
{
    struct plan *plan = &world->plan;
    size_t len;

    assert_int_equal(plan_make(&world->order, plan), PROBLEMS);
    assert_true(plan->count > 0);
    len = (size_t)snprintf(world->shown, sizeof world->shown, "%s:", plan->why);
    for (unsigned i = 0; i < plan->count; i++) {
        const struct plan_attempt *attempt = &plan->attempt[i];
        len += (size_t)snprintf(world->shown + len, sizeof world->shown - len, " %s=%s",
                                world->config.upstream[attempt->upstream].name, attempt->model);
        for (unsigned n = 0; n < attempt->model_count; n++)
            len += (size_t)snprintf(world->shown + len, sizeof world->shown - len, "+%s",
                                    attempt->models[n]);
    }
    return world->shown;
}

/* What a request is refused with. */
static inline const char *refusal(struct world *world, enum problem problem)
{
    assert_int_equal(plan_make(&world->order, &world->plan), problem);
    assert_int_equal(world->plan.count, 0);
    return world->plan.detail;
}

static inline void fail_calls(struct world *world, unsigned upstream)
{
    for (unsigned i = 0; i < 2 * HEALTH_CALLS_MIN; i++)
        health_note(world->gateway.health, upstream, true, world->order.now_ms);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
