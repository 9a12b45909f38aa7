/* What holds for every pair: the rules of an upstream, the same dialect on both sides, bounds. */
#include "tests/server/dialect/request_convert_support.h"

static const struct request_conversion chat = {
    .api = API_CHAT,
    .from = DIALECT_OPENROUTER,
    .to = DIALECT_VERCEL,
    .model = {"openai/gpt-5", 12},
};

static struct request_conversion with_api(struct request_conversion order, enum row_api api)
{
    order.api = api;
    return order;
}

/* --- the rules of an upstream --- */

static void large_plain_requests_for_claude_are_streamed(void **state)
{
    static const struct {
        enum row_api api;
        const char *model, *body;
        bool assemble;
    } cases[] = {
        {API_CHAT, "anthropic/c", "{'model':'anthropic/c','max_tokens':21333}", false},
        {API_CHAT, "anthropic/c", "{'model':'anthropic/c','max_tokens':21334}", true},
        {API_CHAT, "anthropic/c", "{'model':'anthropic/c','max_completion_tokens':3e4}", true},
        {API_CHAT, "anthropic/c", "{'model':'anthropic/c','max_tokens':9e99}", true},
        {API_CHAT, "anthropic/c", "{'model':'anthropic/c','max_tokens':-30000}", false},
        {API_CHAT, "anthropic/c",
         "{'model':'anthropic/c','max_tokens':20000,'reasoning':{'max_tokens':2000}}", true},
        {API_CHAT, "anthropic/c", "{'model':'anthropic/c','max_tokens':30000,'stream':true}",
         false},
        {API_CHAT, "anthropic/c", "{'model':'anthropic/c','max_tokens':30000,'stream':false}",
         true},
        {API_CHAT, "openai/gpt-5", "{'model':'openai/gpt-5','max_tokens':30000}", false},
        {API_RESPONSES, "anthropic/c", "{'model':'anthropic/c','max_output_tokens':30000}", true},
        {API_RESPONSES, "anthropic/c", "{'model':'anthropic/c','max_tokens':30000}", false},
        {API_MESSAGES, "anthropic/c", "{'model':'anthropic/c','max_tokens':30000}", true},
        {API_EMBEDDINGS, "anthropic/c", "{'model':'anthropic/c','max_tokens':30000}", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int from = DIALECT_VERCEL; from <= DIALECT_OPENROUTER; from++) {
            struct request_conversion order = {.api = cases[i].api,
                                               .from = (enum config_dialect)from,
                                               .to = DIALECT_VERCEL,
                                               .model = text_of(cases[i].model)};
            struct converted converted = convert_body(&order, cases[i].body);

            assert_int_equal(converted.error, 0);
            assert_int_equal(order.assemble, cases[i].assemble);
            assert_true(!cases[i].assemble || strstr(converted.text, "\"stream\":true") != NULL);
            assert_true(!cases[i].assemble || !converted.needless);
            free(converted.text);
        }
    }
}

/* A fallback to Claude would be refused as well. */
static void large_requests_that_may_fall_back_to_claude_are_streamed(void **state)
{
    static const struct text models[] = {{"anthropic/c", 11}};
    struct request_conversion order = chat;
    struct converted converted;

    (void)state;
    order.models = models;
    order.model_count = 1;
    converted = convert_body(&order, "{'model':'m','max_tokens':30000}");
    assert_true(order.assemble);
    free(converted.text);
    order.to = DIALECT_OPENROUTER;
    converted = convert_body(&order, "{'model':'m','max_tokens':30000}");
    assert_false(order.assemble);
    free(converted.text);
}

/* --- the same dialect on both sides --- */

static void what_needs_nothing_goes_as_it_came(void **state)
{
    static const struct {
        const char *body, *expected;
        enum config_dialect dialect;
        bool with_models, with_user;
    } cases[] = {
        {"{ 'model' : 'openai/gpt-5', 'provider':{'ignore':['a']} }", NULL, DIALECT_OPENROUTER,
         false, false},
        {"{'model':'openai\\/gpt-5','byok':1}", NULL, DIALECT_VERCEL, false, false},
        {"{'messages':[]}", "{'messages':[],'model':'openai/gpt-5'}", DIALECT_VERCEL, false, false},
        {"{'model':'x','a':1}", "{'model':'openai/gpt-5','a':1}", DIALECT_VERCEL, false, false},
        {"{'a':1,'model':'x','a':2.0,'model':'openai/gpt-5'}", "{'a':2.0,'model':'openai/gpt-5'}",
         DIALECT_VERCEL, false, false},
        {"{'a':1,'\\u0061':2,'model':'openai/gpt-5'}", "{'a':2,'model':'openai/gpt-5'}",
         DIALECT_OPENROUTER, false, false},
        {"{'model':'openai/gpt-5','models':['y','z']}", NULL, DIALECT_OPENROUTER, true, false},
        {"{'model':'openai/gpt-5','models':['y']}", "{'model':'openai/gpt-5','models':['y','z']}",
         DIALECT_OPENROUTER, true, false},
        {"{'model':'openai/gpt-5','models':['y'],'b':1}", "{'model':'openai/gpt-5','b':1}",
         DIALECT_OPENROUTER, false, false},
        {"{'model':'openai/gpt-5','models':['y','z']}", NULL, DIALECT_VERCEL, true, false},
        {"{'model':'openai/gpt-5','models':['q']}", "{'model':'openai/gpt-5','models':['y','z']}",
         DIALECT_VERCEL, true, false},
        {"{'model':'openai/gpt-5','providerOptions':{'gateway':{'models':['y','z']}}}", NULL,
         DIALECT_VERCEL, true, false},
        {"{'model':'openai/gpt-5','models':['y','z'],'providerOptions':{'gateway':{'models':['y'],"
         "'order':['a']},'x':{}}}",
         "{'model':'openai/gpt-5','providerOptions':{'x':{},'gateway':{'order':['a'],'models':['y',"
         "'z']}}}",
         DIALECT_VERCEL, true, false},
        {"{'model':'openai/gpt-5'}",
         "{'model':'openai/gpt-5','providerOptions':{'gateway':{'models':['y','z']}}}",
         DIALECT_VERCEL, true, false},
        {"{'model':'openai/gpt-5','user':'h'}", NULL, DIALECT_VERCEL, false, true},
        {"{'model':'openai/gpt-5','user':'u'}", "{'model':'openai/gpt-5','user':'h'}",
         DIALECT_OPENROUTER, false, true},
    };
    static const struct text models[] = {{"y", 1}, {"z", 1}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct request_conversion order = chat;
        bool same = cases[i].expected == NULL;
        const char *wanted = same ? cases[i].body : cases[i].expected;
        char *expected = unquoted(wanted);
        struct converted converted;

        order.from = order.to = cases[i].dialect;
        order.models = models;
        order.model_count = cases[i].with_models ? 2 : 0;
        order.user = cases[i].with_user ? TEXT("h") : (struct text){NULL, 0};
        converted = convert_body(&order, cases[i].body);
        assert_int_equal(converted.error, 0);
        assert_string_equal(converted.text, expected);
        assert_int_equal(converted.needless, same);
        free(converted.text);
        free(expected);
    }
}

static void fallbacks_of_messages_stay_where_they_are(void **state)
{
    static const struct text models[] = {{"y", 1}};
    struct request_conversion order = with_api(chat, API_MESSAGES);
    struct converted converted;

    (void)state;
    order.to = DIALECT_OPENROUTER;
    order.models = models;
    order.model_count = 1;
    converted = convert_body(&order, "{'model':'openai/gpt-5','fallbacks':[{'model':'y'}]}");
    assert_true(converted.needless);
    free(converted.text);
    run_case(order, &(struct request_case){"{'model':'openai/gpt-5','fallbacks':[{'model':'z'}]}",
                                           "{'model':'openai/gpt-5','models':['y']}", NULL});
}

static void other_apis_change_nothing_but_the_model(void **state)
{
    static const struct request_case cases[] = {
        {"{'model':'m','provider':{'ignore':['a']},'plugins':[{'id':'web'}],'user':'u'}",
         "{'model':'openai/gpt-5','provider':{'ignore':['a']},'plugins':[{'id':'web'}],'user':"
         "'u'}",
         NULL},
    };

    (void)state;
    RUN(with_api(chat, API_IMAGES), cases);
}

/* --- bounds --- */

static char *many_members(unsigned count, const char *name)
{
    char *body = malloc(count * (strlen(name) + 20) + 3), *at = body;

    assert_non_null(body);
    *at++ = '{';
    for (unsigned i = 0; i < count; i++)
        at += snprintf(at, strlen(name) + 20, "%s'%s%u':1", i > 0 ? "," : "", name, i);
    *at++ = '}';
    *at = '\0';
    return body;
}

static void members_are_bounded(void **state)
{
    char name[REQUEST_NAME_MAX + 1];
    char *body = many_members(REQUEST_MEMBERS_MAX, "m");
    struct request_conversion order = chat;
    struct converted converted = convert_body(&order, body);

    (void)state;
    assert_int_equal(converted.error, 0);
    free(converted.text);
    free(body);
    body = many_members(REQUEST_MEMBERS_MAX + 1, "m");
    run_case(chat, &(struct request_case){body, NULL, "256 members"});
    free(body);
    run_case(chat, &(struct request_case){"{'provider':{'only':['a','b','c','d','e','f','g','h',"
                                          "'a','b','c','d','e','f','g','h','a','b','c','d','e','f',"
                                          "'g','h','a','b','c','d','e','f','g','h','a']}}",
                                          NULL, "at most 32 providers"});
    memset(name, 'n', sizeof(name));
    name[REQUEST_NAME_MAX] = '\0';
    body = many_members(1, name);
    run_case(chat, &(struct request_case){body, NULL, "shorter than 255"});
    free(body);
}

/* The warning becomes a header: it ends in dots rather than in half a name. */
static void check_warning(const char *name, const char *expected)
{
    struct request_conversion order = {.api = API_CHAT,
                                       .from = DIALECT_VERCEL,
                                       .to = DIALECT_OPENROUTER,
                                       .model = TEXT("openai/gpt-5")};
    char *options = many_members(200, name);
    char *body = malloc(strlen(options) + 40);
    struct converted converted;
    size_t len;

    assert_non_null(body);
    snprintf(body, strlen(options) + 40, "{'providerOptions':%s}", options);
    converted = convert_body(&order, body);
    assert_int_equal(converted.error, 0);
    len = strlen(order.warning);
    assert_true(len > REQUEST_WARNING_MAX / 2 && len < REQUEST_WARNING_MAX);
    assert_memory_equal(order.warning, expected, strlen(expected));
    assert_string_equal(order.warning + len - 5, ", ...");
    free(converted.text);
    free(body);
    free(options);
}

static void warnings_are_bounded(void **state)
{
    char name[100];

    (void)state;
    check_warning("caf\xc3\xa9,\\n", "providerOptions.caf????0, ");
    for (size_t len = 1; len < sizeof(name); len++) {
        memset(name, 'n', len);
        name[len] = '\0';
        check_warning(name, "providerOptions.n");
    }
}

static void bodies_that_are_no_object_are_refused(void **state)
{
    (void)state;
    run_case(chat, &(struct request_case){"[]", NULL, "the body must be"});
    run_case(chat, &(struct request_case){"'x'", NULL, "the body must be"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_plain_requests_for_claude_are_streamed),
        cmocka_unit_test(large_requests_that_may_fall_back_to_claude_are_streamed),
        cmocka_unit_test(what_needs_nothing_goes_as_it_came),
        cmocka_unit_test(fallbacks_of_messages_stay_where_they_are),
        cmocka_unit_test(other_apis_change_nothing_but_the_model),
        cmocka_unit_test(members_are_bounded),
        cmocka_unit_test(warnings_are_bounded),
        cmocka_unit_test(bodies_that_are_no_object_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
