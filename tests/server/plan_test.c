#include "tests/server/plan_support.h"

static void a_pattern_matches_by_its_stars(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool matches;
    } cases[] = {
        {"", "", true},           {"", "a", false},
        {"a", "a", true},         {"a", "A", false},
        {"a", "ab", false},       {"ab", "a", false},
        {"*", "", true},          {"*", "a/b", true},
        {"**", "", true},         {"a*", "a", true},
        {"a*", "ba", false},      {"*a", "ba", true},
        {"*a", "ab", false},      {"a*c", "abc", true},
        {"a*c", "ac", true},      {"a*c", "acb", false},
        {"*b*", "abc", true},     {"*b*", "ac", false},
        {"a*b*c", "axbxc", true}, {"a*b*c", "axcxb", false},
        {"*ab", "aab", true},     {"*aab", "aaab", true},
        {"a.c", "abc", false},    {"openai/gpt-5*", "openai/gpt-5.1", true},
    };
    char text[257];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (plan_pattern_matches(cases[i].pattern, text_of(cases[i].text)) != cases[i].matches)
            fail_msg("%s %s", cases[i].pattern, cases[i].text);
    /* Not exponential: each star forgets the one before it. */
    memset(text, 'a', sizeof text);
    assert_false(plan_pattern_matches("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b",
                                      (struct text){text, sizeof text - 1}));
}

static void without_rules_the_order_is_that_of_the_configuration(void **state)
{
    struct world *world = *state;

    assert_string_equal(plan(world), "first: vercel=openai/gpt-4o openrouter=openai/gpt-4o "
                                     "other=openai/gpt-4o second=openai/gpt-4o");
    world->config.upstream_count = 1;
    assert_string_equal(plan(world), "only: vercel=openai/gpt-4o");
    world->order.catalogs = NULL;
    world->order.health = NULL;
    assert_string_equal(plan(world), "only: vercel=openai/gpt-4o");
}

static void each_upstream_is_asked_in_its_own_words(void **state)
{
    struct world *world = *state;

    ask(world, "mistralai/mistral-medium-3.1");
    assert_string_equal(plan(world), "first: vercel=mistral/mistral-medium "
                                     "openrouter=mistralai/mistral-medium-3.1 "
                                     "other=mistralai/mistral-medium-3.1 "
                                     "second=mistral/mistral-medium");
    world->order.from = DIALECT_VERCEL;
    ask(world, "mistral/mistral-medium");
    assert_string_equal(plan(world), "first: vercel=mistral/mistral-medium "
                                     "openrouter=mistralai/mistral-medium-3.1 "
                                     "other=mistral/mistral-medium second=mistral/mistral-medium");
    world->order.from = DIALECT_OPENROUTER;
    world->config.upstream_count = 1;
    ask(world, "x-ai/grok-4-fast");
    assert_string_equal(plan(world), "only: vercel=xai/grok-4-fast-reasoning");
    world->order.reasoning_off = true;
    assert_string_equal(plan(world), "only: vercel=xai/grok-4-fast-non-reasoning");
    assert_null(world->plan.attempt[0].sort);
    ask(world, "openai/gpt-4o:nitro");
    assert_string_equal(plan(world), "only: vercel=openai/gpt-4o");
    assert_string_equal(world->plan.attempt[0].sort, "tps");
}

static void a_forced_upstream_is_the_only_one(void **state)
{
    struct world *world = *state;
    struct config_route *one = route(world, "all");

    to(world, one, VERCEL);
    fail_calls(world, SECOND);
    world->order.forced = TEXT("second");
    assert_string_equal(plan(world), "forced: second=openai/gpt-4o");
    lists(world, SECOND, "a/b");
    assert_string_equal(refusal(world, PROBLEM_MODEL), "openai/gpt-4o is not a valid model ID");
    world->order.forced = TEXT("sk-secret");
    assert_string_equal(refusal(world, PROBLEM_BAD_REQUEST),
                        "X-Tollgate-Upstream names no upstream; there are vercel, openrouter, "
                        "other, second");
    world->order.forced = TEXT("secon");
    refusal(world, PROBLEM_BAD_REQUEST);
}

static void the_first_route_that_matches_names_upstreams_and_order(void **state)
{
    struct world *world = *state;
    struct config_route *claude = route(world, "claude"), *both = route(world, "both"),
                        *rest = route(world, "rest");

    add(&claude->models, "anthropic/claude-*");
    add(&claude->models, "*haiku");
    to(world, claude, SECOND);
    to(world, claude, VERCEL);
    add(&both->models, "*-4o");
    add(&both->providers, "google");
    add(&both->providers, "open*");
    to(world, both, OTHER);
    to(world, rest, OPENROUTER);

    ask(world, "anthropic/claude-x");
    assert_string_equal(plan(world),
                        "route claude: second=anthropic/claude-x vercel=anthropic/claude-x");
    ask(world, "a/haiku");
    assert_string_equal(plan(world), "route claude: second=a/haiku vercel=a/haiku");
    ask(world, "openai/gpt-4o"); /* the model and the provider */
    assert_string_equal(plan(world), "route both: other=openai/gpt-4o");
    ask(world, "acme/gpt-4o");
    assert_string_equal(plan(world), "route rest: openrouter=acme/gpt-4o");
    ask(world, "openai/gpt-5");
    assert_string_equal(plan(world), "route rest: openrouter=openai/gpt-5");
    ask(world, "open"); /* no author: only `*` would match */
    assert_string_equal(plan(world), "route rest: openrouter=open");
}

/* A route for fallbacks or a split only leaves the order, and the reason, as they are. */
static void a_route_without_upstreams_is_for_all(void **state)
{
    struct world *world = *state;
    struct config_route *one = route(world, "all");

    add(&one->models, "*");
    for (unsigned i = 0; i < 2; i++)
        one->upstream[one->upstream_count++] = i;
    assert_string_equal(plan(world), "first: vercel=openai/gpt-4o openrouter=openai/gpt-4o");
}

static void a_request_without_a_model_goes_to_all(void **state)
{
    struct world *world = *state;
    struct config_route *one = route(world, "star");

    add(&one->models, "*");
    to(world, one, OTHER);
    lists(world, VERCEL, "a/b");
    ask(world, "");
    world->order.fallbacks[0] = TEXT("a/b");
    world->order.fallback_count = 1;
    assert_string_equal(plan(world), "first: vercel= openrouter= other= second=");
    to(world, route(world, "every"), SECOND);
    assert_string_equal(plan(world), "route every: second=");
}

static void what_a_known_catalogue_lacks_is_not_asked_there(void **state)
{
    struct world *world = *state;

    lists(world, VERCEL, "a/b,openai/gpt-4o");
    assert_string_equal(plan(world), "first: vercel=openai/gpt-4o openrouter=openai/gpt-4o "
                                     "other=openai/gpt-4o second=openai/gpt-4o");
    lists(world, VERCEL, "a/b");
    assert_string_equal(plan(world), "catalog: openrouter=openai/gpt-4o other=openai/gpt-4o "
                                     "second=openai/gpt-4o");
    lists(world, OTHER, "openai/gpt-4o");
    lists(world, OPENROUTER, "openai/gpt-4o-mini");
    assert_string_equal(plan(world), "catalog: other=openai/gpt-4o second=openai/gpt-4o");
    lists(world, OTHER, "gpt-4");
    assert_string_equal(plan(world), "catalog: second=openai/gpt-4o"); /* not known: used */
    lists(world, SECOND, "a/b");
    assert_string_equal(refusal(world, PROBLEM_MODEL), "openai/gpt-4o is not a valid model ID");
    world->order.from = DIALECT_VERCEL;
    assert_string_equal(refusal(world, PROBLEM_MODEL), "Model 'openai/gpt-4o' not found");
    ask(world, "a\nb\x7f\xc3\xa9");
    assert_string_equal(refusal(world, PROBLEM_MODEL), "Model 'a?b\?\?\?' not found");
    world->order.model = (struct text){"a/b\0c", 5}; /* which is not a/b */
    assert_string_equal(refusal(world, PROBLEM_MODEL), "Model 'a/b?c' not found");
}

/* The catalogue is asked in its own words, not in the client's. */
static void the_catalogue_is_asked_in_its_own_words(void **state)
{
    struct world *world = *state;

    world->config.upstream_count = 2;
    ask(world, "mistralai/mistral-medium-3.1");
    lists(world, VERCEL, "mistral/mistral-medium");
    lists(world, OPENROUTER, "mistral/mistral-medium");
    assert_string_equal(plan(world), "only: vercel=mistral/mistral-medium");
}

/* Only where the catalogue proves it: what is not there may be there under its other name. */
static void the_other_vendors_words_are_understood(void **state)
{
    struct world *world = *state;

    world->config.upstream_count = 2;
    lists(world, VERCEL, "mistral/mistral-medium,openai/gpt-4o");
    lists(world, OPENROUTER, "mistralai/mistral-medium-3.1,openai/gpt-4o");
    ask(world, "mistral/mistral-medium");
    assert_string_equal(plan(world), "first: vercel=mistral/mistral-medium "
                                     "openrouter=mistralai/mistral-medium-3.1");
    world->order.from = DIALECT_VERCEL;
    ask(world, "mistralai/mistral-medium-3.1");
    assert_string_equal(plan(world), "first: vercel=mistral/mistral-medium "
                                     "openrouter=mistralai/mistral-medium-3.1");
    ask(world, "gpt-4o");
    assert_string_equal(plan(world), "first: vercel=openai/gpt-4o openrouter=openai/gpt-4o");
    ask(world, "gpt-5");
    refusal(world, PROBLEM_MODEL);
    catalogs_put(world->gateway.catalogs, VERCEL, NULL);
    assert_string_equal(plan(world), "only: vercel=gpt-5");
}

static void an_openai_upstream_may_list_ids_without_their_author(void **state)
{
    struct world *world = *state;

    world->order.forced = TEXT("other");
    lists(world, OTHER, "gpt-4o,x/claude");
    assert_string_equal(plan(world), "forced: other=gpt-4o");
    ask(world, "gpt-4o");
    assert_string_equal(plan(world), "forced: other=gpt-4o");
    ask(world, "x/claude");
    assert_string_equal(plan(world), "forced: other=x/claude");
    ask(world, "claude");
    refusal(world, PROBLEM_MODEL);
    ask(world, "x/");
    refusal(world, PROBLEM_MODEL);
}

static void ids_that_no_catalogue_lists_are_not_looked_up(void **state)
{
    struct world *world = *state;

    world->config.upstream_count = 2;
    lists(world, VERCEL, "a/b");
    lists(world, OPENROUTER, "openai/gpt-4o,openai/gpt-4o:free");
    ask(world, "~anthropic/claude-latest");
    assert_string_equal(plan(world), "dialect: openrouter=~anthropic/claude-latest");
    ask(world, "openai/gpt-4o:online");
    assert_string_equal(plan(world), "dialect: openrouter=openai/gpt-4o:online");
    ask(world, "openai/gpt-4o:nitro");
    assert_string_equal(plan(world), "catalog: openrouter=openai/gpt-4o:nitro");
    ask(world, "openai/gpt-4o:free");
    assert_non_null(strstr(plan(world), ": openrouter=openai/gpt-4o:free"));
    ask(world, "openai/gpt-5:online");
    refusal(world, PROBLEM_BAD_REQUEST);
    world->order.from = DIALECT_VERCEL;
    ask(world, "vmc/mine");
    assert_string_equal(plan(world), "only: vercel=vmc/mine");
}

static void routers_are_openrouters(void **state)
{
    static const enum config_dialect dialects[] = {DIALECT_VERCEL, DIALECT_OPENROUTER};
    struct world *world = *state;

    lists(world, OPENROUTER, "openai/gpt-4o");
    for (size_t i = 0; i < 2; i++) {
        world->order.from = dialects[i];
        ask(world, "openrouter/auto");
        world->config.upstream_count = UPSTREAMS;
        world->order.forced = (struct text){NULL, 0};
        lists(world, OPENROUTER, "openai/gpt-4o,openrouter/auto");
        assert_string_equal(plan(world), "dialect: openrouter=openrouter/auto");
        world->order.forced = TEXT("other");
        assert_string_equal(refusal(world, PROBLEM_BAD_REQUEST),
                            "openrouter/auto is chosen by OpenRouter; configure an upstream with "
                            "dialect openrouter");
        world->order.forced = (struct text){NULL, 0};
        world->config.upstream_count = 1;
        /* A fallback does not hide it: the client is to know. */
        world->order.fallbacks[0] = TEXT("openai/gpt-4o");
        world->order.fallback_count = 1;
        refusal(world, PROBLEM_BAD_REQUEST);
        world->order.fallback_count = 0;
    }
}

static void a_variant_goes_to_those_that_have_a_form_for_it(void **state)
{
    struct world *world = *state;

    ask(world, "openai/gpt-4o:online");
    assert_string_equal(plan(world),
                        "dialect: openrouter=openai/gpt-4o:online other=openai/gpt-4o:online");
    world->config.upstream_count = 1;
    assert_string_equal(refusal(world, PROBLEM_BAD_REQUEST),
                        "openai/gpt-4o:online: no upstream of this request has a form for the "
                        "variant :online");
}

static void the_ai_sdks_protocol_is_vercels(void **state)
{
    struct world *world = *state;
    struct config_route *one;

    world->order.from = DIALECT_VERCEL;
    world->order.ai_sdk = true;
    assert_string_equal(plan(world), "first: vercel=openai/gpt-4o second=openai/gpt-4o");
    one = route(world, "r");
    memset(one, 0, sizeof *one);
    one->name = (char *)(uintptr_t) "r";
    to(world, one, OTHER);
    to(world, one, SECOND);
    assert_string_equal(plan(world), "dialect: second=openai/gpt-4o");
    world->order.forced = TEXT("openrouter");
    assert_string_equal(refusal(world, PROBLEM_BAD_REQUEST),
                        "the AI SDK protocol needs an upstream with dialect vercel");
    world->order.forced = (struct text){NULL, 0};
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pattern_matches_by_its_stars),
        TEST(without_rules_the_order_is_that_of_the_configuration),
        TEST(each_upstream_is_asked_in_its_own_words),
        TEST(a_forced_upstream_is_the_only_one),
        TEST(the_first_route_that_matches_names_upstreams_and_order),
        TEST(a_route_without_upstreams_is_for_all),
        TEST(a_request_without_a_model_goes_to_all),
        TEST(what_a_known_catalogue_lacks_is_not_asked_there),
        TEST(the_catalogue_is_asked_in_its_own_words),
        TEST(the_other_vendors_words_are_understood),
        TEST(an_openai_upstream_may_list_ids_without_their_author),
        TEST(ids_that_no_catalogue_lists_are_not_looked_up),
        TEST(routers_are_openrouters),
        TEST(a_variant_goes_to_those_that_have_a_form_for_it),
        TEST(the_ai_sdks_protocol_is_vercels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
