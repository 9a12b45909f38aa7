#include "tests/server/plan_support.h"

/* --- split --- */

static void split_between(struct world *world, int64_t ppm)
{
    struct config_route *one = &world->config.route[0];

    memset(one, 0, sizeof *one);
    one->name = (char *)(uintptr_t) "r";
    one->split_ppm = ppm;
    to(world, one, VERCEL);
    to(world, one, SECOND);
    world->config.route_count = 1;
}

static bool is_second(struct world *world)
{
    plan(world);
    if (world->plan.attempt[0].upstream != SECOND)
        return false;
    assert_string_equal(world->plan.why, "split");
    assert_int_equal(world->plan.attempt[1].upstream, VERCEL);
    return true;
}

/* SHA-256("tollgate_routing_" + who + model), its first four bytes modulo a million. */
static void the_split_is_the_published_hash(void **state)
{
    static const struct {
        const char *user, *model;
        int64_t at;
    } cases[] = {
        {"user-1", "anthropic/claude-haiku-4.5", 432911},
        {"user-2", "anthropic/claude-haiku-4.5", 553194},
        {"user-1", "openai/gpt-4o", 214719},
        {"", "openai/gpt-4o", 101711}, /* by the key's id */
    };
    struct world *world = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world->order.user = text_of(cases[i].user);
        ask(world, cases[i].model);
        split_between(world, cases[i].at);
        assert_false(is_second(world));
        assert_string_equal(world->plan.why, "route r");
        split_between(world, cases[i].at + 1);
        assert_true(is_second(world));
    }
    split_between(world, 0);
    assert_false(is_second(world));
    split_between(world, 1000000);
    assert_true(is_second(world));
}

static void a_split_is_stable_and_has_its_share(void **state)
{
    struct world *world = *state;
    unsigned second = 0;
    char user[16];

    split_between(world, 250000);
    for (unsigned i = 0; i < 4000; i++) {
        bool first;

        snprintf(user, sizeof user, "u%u", i);
        world->order.user = text_of(user);
        first = is_second(world);
        world->order.now_ms += 1000;
        assert_int_equal(is_second(world), first);
        second += first ? 1 : 0;
    }
    assert_in_range(second, 1000 - 140, 1000 + 140); /* five standard deviations */
}

static void a_split_needs_both_of_its_upstreams(void **state)
{
    struct world *world = *state;

    split_between(world, 1000000);
    to(world, &world->config.route[0], OTHER);
    lists(world, SECOND, "a/b");
    assert_string_equal(plan(world), "route r: vercel=openai/gpt-4o other=openai/gpt-4o");
    lists(world, VERCEL, "a/b");
    lists(world, SECOND, "openai/gpt-4o");
    assert_string_equal(plan(world), "catalog: second=openai/gpt-4o other=openai/gpt-4o");
    world->order.forced = TEXT("vercel");
    lists(world, VERCEL, "openai/gpt-4o");
    assert_string_equal(plan(world), "forced: vercel=openai/gpt-4o");
}

/* --- health --- */

static void a_failing_upstream_goes_to_the_end_and_comes_back(void **state)
{
    struct world *world = *state;
    unsigned began = 0;

    world->config.upstream_count = 3;
    fail_calls(world, VERCEL);
    assert_string_equal(
        plan(world), "health: openrouter=openai/gpt-4o other=openai/gpt-4o vercel=openai/gpt-4o");
    for (unsigned i = 0; i < 10 * HEALTH_PROBE_EVERY; i++) {
        plan(world);
        began += world->plan.attempt[0].upstream == VERCEL ? 1 : 0;
    }
    assert_int_equal(began, 10); /* so that it is noticed when it is well again */
    for (unsigned i = 0; i < HEALTH_RECOVERED; i++)
        health_note(world->gateway.health, VERCEL, false, world->order.now_ms);
    assert_string_equal(plan(world),
                        "first: vercel=openai/gpt-4o openrouter=openai/gpt-4o other=openai/gpt-4o");
    health_rest(world->gateway.health, OPENROUTER, world->order.model, 5000, world->order.now_ms);
    assert_string_equal(plan(world),
                        "first: vercel=openai/gpt-4o other=openai/gpt-4o openrouter=openai/gpt-4o");
    world->order.now_ms += 5000;
    assert_string_equal(plan(world),
                        "first: vercel=openai/gpt-4o openrouter=openai/gpt-4o other=openai/gpt-4o");
}

static void where_all_fail_the_order_stays(void **state)
{
    struct world *world = *state;

    world->config.upstream_count = 2;
    health_rest(world->gateway.health, VERCEL, world->order.model, 5000, world->order.now_ms);
    health_rest(world->gateway.health, OPENROUTER, world->order.model, 5000, world->order.now_ms);
    assert_string_equal(plan(world), "first: vercel=openai/gpt-4o openrouter=openai/gpt-4o");
    world->config.upstream_count = 1;
    assert_string_equal(plan(world), "only: vercel=openai/gpt-4o");
}

/* --- fallback models --- */

static void fall_back(struct world *world, const char *model)
{
    world->order.fallbacks[world->order.fallback_count++] = text_of(model);
}

static void fallbacks_go_to_upstreams_that_try_them_and_become_attempts_elsewhere(void **state)
{
    struct world *world = *state;

    world->config.upstream_count = 3;
    fall_back(world, "mistralai/mistral-medium-3.1");
    fall_back(world, "openai/gpt-4o"); /* the model itself: no news */
    fall_back(world, "a/b");
    fall_back(world, "a/b");
    fall_back(world, "");
    assert_string_equal(plan(world),
                        "first: vercel=openai/gpt-4o+mistral/mistral-medium+a/b "
                        "openrouter=openai/gpt-4o+mistralai/mistral-medium-3.1+a/b "
                        "other=openai/gpt-4o other=mistralai/mistral-medium-3.1 other=a/b");
    /* Not what is known to be missing. */
    lists(world, VERCEL, "openai/gpt-4o,a/b");
    lists(world, OTHER, "gpt-4o,b");
    assert_string_equal(plan(world), "first: vercel=openai/gpt-4o+a/b "
                                     "openrouter=openai/gpt-4o+mistralai/mistral-medium-3.1+a/b "
                                     "other=gpt-4o other=b");
}

static void a_routes_fallbacks_are_for_requests_without_any(void **state)
{
    struct world *world = *state;
    struct config_route *one = route(world, "r");

    to(world, one, VERCEL);
    add(&one->fallback_models, "a/b");
    assert_string_equal(plan(world), "route r: vercel=openai/gpt-4o+a/b");
    fall_back(world, "c/d");
    assert_string_equal(plan(world), "route r: vercel=openai/gpt-4o+c/d");
}

/* An outage of one vendor becomes an answer from another, also where they share no model. */
static void an_upstream_that_lacks_the_model_waits_with_its_fallback(void **state)
{
    struct world *world = *state;

    world->config.upstream_count = 3;
    lists(world, VERCEL, "x/y");
    lists(world, OPENROUTER, "openai/gpt-4o");
    lists(world, OTHER, "c/d");
    fall_back(world, "a/b");
    fall_back(world, "x/y");
    fall_back(world, "c/d");
    assert_string_equal(plan(world), "catalog: openrouter=openai/gpt-4o vercel=x/y other=c/d");
}

static void where_all_lack_the_first_model_a_fallback_leads(void **state)
{
    struct world *world = *state;

    world->config.upstream_count = 3;
    lists(world, VERCEL, "x/y,c/d");
    lists(world, OPENROUTER, "c/d");
    lists(world, OTHER, "c/d,x/y");
    fall_back(world, "x/y");
    fall_back(world, "c/d");
    assert_string_equal(plan(world), "catalog: vercel=x/y+c/d other=x/y openrouter=c/d other=c/d");
    world->order.fallback_count = 0;
    fall_back(world, "e/f");
    assert_string_equal(refusal(world, PROBLEM_MODEL), "openai/gpt-4o is not a valid model ID");
}

static void a_plan_has_a_bound(void **state)
{
    struct world *world = *state;
    char models[PLAN_MODELS_MAX][8];
    char long_model[ROW_NAME_MAX + 2];

    world->config.upstream_count = CONFIG_UPSTREAMS_MAX;
    for (unsigned i = 0; i < CONFIG_UPSTREAMS_MAX; i++)
        world->config.upstream[i] = world->config.upstream[OTHER];
    for (unsigned i = 0; i < PLAN_MODELS_MAX; i++) {
        snprintf(models[i], sizeof models[i], "m/%u", i);
        fall_back(world, models[i]);
    }
    plan(world);
    assert_int_equal(world->plan.count, PLAN_ATTEMPTS_MAX);
    world->config.upstream_count = 1;
    plan(world);
    assert_int_equal(world->plan.count, PLAN_ATTEMPTS_MAX);
    world->config.upstream[0].dialect = DIALECT_VERCEL;
    plan(world);
    assert_int_equal(world->plan.attempt[0].model_count, PLAN_MODELS_MAX);
    memset(long_model, 'a', sizeof long_model);
    world->order.model = (struct text){long_model, ROW_NAME_MAX};
    plan(world);
    world->order.model.len++;
    refusal(world, PROBLEM_BAD_REQUEST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_split_is_the_published_hash),
        TEST(a_split_is_stable_and_has_its_share),
        TEST(a_split_needs_both_of_its_upstreams),
        TEST(a_failing_upstream_goes_to_the_end_and_comes_back),
        TEST(where_all_fail_the_order_stays),
        TEST(fallbacks_go_to_upstreams_that_try_them_and_become_attempts_elsewhere),
        TEST(a_routes_fallbacks_are_for_requests_without_any),
        TEST(an_upstream_that_lacks_the_model_waits_with_its_fallback),
        TEST(where_all_lack_the_first_model_a_fallback_leads),
        TEST(a_plan_has_a_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
