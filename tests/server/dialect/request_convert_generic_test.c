/* To a generic upstream, from both vendors' words. */
#include "tests/server/dialect/request_convert_support.h"

static const struct request_conversion from_openrouter = {
    .api = API_CHAT,
    .from = DIALECT_OPENROUTER,
    .to = DIALECT_OPENAI,
    .model = {"m", 1},
};
static const struct request_conversion from_vercel = {
    .api = API_CHAT,
    .from = DIALECT_VERCEL,
    .to = DIALECT_OPENAI,
    .model = {"m", 1},
};

static struct request_conversion with_api(struct request_conversion order, enum row_api api)
{
    order.api = api;
    return order;
}

static void openrouters_own_words_go(void **state)
{
    static const struct request_case cases[] = {
        {"{'model':'m','usage':{'include':true},'session_id':'s','models':['x'],'route':"
         "'fallback','top_k':1,'min_p':0.1,'verbosity':'low','prediction':{'x':1},"
         "'web_search_options':{'x':1}}",
         "{'model':'m','top_k':1,'min_p':0.1,'verbosity':'low','prediction':{'x':1},"
         "'web_search_options':{'x':1}}",
         NULL},
        {"{'model':'m','transforms':['middle-out'],'trace':{'x':1},'debug':{'x':1},"
         "'cache_control':{'type':'ephemeral'},'plugins':[{'id':'response-healing'}],"
         "'provider':{'order':['a'],'sort':'price','preferred_max_latency':1}}",
         "{'model':'m'}",
         "transforms, trace, debug, cache_control, plugins.response-healing, provider.order, "
         "provider.sort, provider.preferred_max_latency"},
        {"{'model':'m','service_tier':'fast'}", "{'model':'m','service_tier':'priority'}", NULL},
        {"{'model':'m','include_reasoning':false}", "{'model':'m'}", "include_reasoning"},
        {"{'provider':{'only':['a']}}", NULL, "provider.only"},
        {"{'provider':{'ignore':['a']}}", NULL, "provider.ignore"},
        {"{'provider':{'order':['a'],'allow_fallbacks':false}}", NULL, "provider.order"},
        {"{'provider':{'zdr':true}}", NULL, "provider.zdr"},
        {"{'provider':{'data_collection':'deny'}}", NULL, "provider.data_collection"},
        {"{'provider':{'max_price':{'prompt':1}}}", NULL, "provider.max_price"},
        {"{'provider':{'quantizations':['fp8']}}", NULL, "provider.quantizations"},
        {"{'provider':{'new':1}}", NULL, "provider.new"},
        {"{'image_config':{'x':1}}", NULL, "image_config"},
        {"{'preset':'p'}", NULL, "preset"},
        {"{'prompt':'p'}", NULL, "/completions"},
        {"{'tools':[{'type':'openrouter:bash'}]}", NULL, "openrouter:"},
        {"{'tools':[{'type':'vercel:exa_search'}]}", NULL, "vercel:"},
    };

    (void)state;
    RUN(from_openrouter, cases);
}

static void vercels_own_words_go(void **state)
{
    static const struct request_case cases[] = {
        {"{'model':'m','provider':{'sort':'cost'},'models':['x'],'providerOptions':{'gateway':"
         "{'order':['a'],'sort':'tps','models':['x'],'user':'u','tags':['t'],'caching':'auto',"
         "'serviceTier':'fast','speed':'fast'},'google':{'x':1}}}",
         "{'model':'m','service_tier':'priority','user':'u'}",
         "provider.sort, providerOptions.gateway.order, providerOptions.gateway.sort, "
         "providerOptions.gateway.caching, providerOptions.gateway.speed, providerOptions.google"},
        {"{'providerOptions':{'gateway':{'only':['a']}}}", NULL, "gateway.only"},
        {"{'providerOptions':{'gateway':{'byok':{'a':[]}}}}", NULL, "gateway.byok"},
        {"{'providerOptions':{'gateway':{'zeroDataRetention':true}}}", NULL, "zeroDataRetention"},
        {"{'providerOptions':{'gateway':{'disallowPromptTraining':true}}}", NULL,
         "disallowPromptTraining"},
        {"{'providerOptions':{'gateway':{'inferenceRegion':{'x':1}}}}", NULL, "inferenceRegion"},
        {"{'model':'m','messages':[{'role':'user','content':'u','cache_control':{'type':"
         "'ephemeral'}}]}",
         "{'model':'m','messages':[{'role':'user','content':[{'type':'text','text':'u',"
         "'cache_control':{'type':'ephemeral'}}]}]}",
         NULL},
    };
    static const struct request_case of_responses[] = {
        {"{'model':'m','caching':'auto','cache_ttl':'1h'}", "{'model':'m'}", "caching"},
    };

    (void)state;
    RUN(from_vercel, cases);
    RUN(with_api(from_vercel, API_RESPONSES), of_responses);
}

static void reasoning_becomes_an_effort(void **state)
{
    static const struct request_case of_chat[] = {
        {"{'model':'m','reasoning':{'effort':'high'}}", "{'model':'m','reasoning_effort':'high'}",
         NULL},
        {"{'model':'m','reasoning':{'enabled':false}}", "{'model':'m','reasoning_effort':'none'}",
         NULL},
        {"{'model':'m','reasoning':{'enabled':false,'effort':'high'}}",
         "{'model':'m','reasoning_effort':'none'}", NULL},
        {"{'model':'m','reasoning':{'enabled':true}}", "{'model':'m','reasoning_effort':'medium'}",
         NULL},
        {"{'model':'m','reasoning':{'max_tokens':2000,'exclude':true,'summary':'auto'}}",
         "{'model':'m','reasoning_effort':'medium'}",
         "reasoning.exclude, reasoning.max_tokens, reasoning.summary"},
        {"{'model':'m','reasoning':{'effort':'low'},'reasoning_effort':'high'}",
         "{'model':'m','reasoning_effort':'high'}", "reasoning"},
        {"{'model':'m','reasoning':null}", "{'model':'m'}", NULL},
        {"{'model':'m','reasoning':{}}", "{'model':'m'}", NULL},
        {"{'reasoning':'high'}", NULL, "reasoning must be"},
    };
    static const struct request_case of_vercel[] = {
        {"{'model':'m','thinking':{'type':'disabled'}}", "{'model':'m','reasoning_effort':'none'}",
         NULL},
        {"{'model':'m','thinking':{'type':'enabled','budget_tokens':5}}",
         "{'model':'m','reasoning_effort':'medium'}", "reasoning.max_tokens"},
        {"{'model':'m','providerOptions':{'openai':{'reasoningEffort':'low'}}}",
         "{'model':'m','reasoning_effort':'low'}", NULL},
    };
    static const struct request_case of_responses[] = {
        {"{'model':'m','reasoning':{'effort':'high','summary':'auto','new':1}}",
         "{'model':'m','reasoning':{'effort':'high','summary':'auto','new':1}}", NULL},
        {"{'model':'m','reasoning':{'enabled':false,'summary':'auto'}}",
         "{'model':'m','reasoning':{'effort':'none','summary':'auto'}}", NULL},
        {"{'model':'m','reasoning':{'exclude':true,'effort':'low'}}",
         "{'model':'m','reasoning':{'effort':'low'}}", "reasoning.exclude"},
    };

    (void)state;
    RUN(from_openrouter, of_chat);
    RUN(from_vercel, of_chat);
    RUN(from_vercel, of_vercel);
    RUN(with_api(from_openrouter, API_RESPONSES), of_responses);
}

/* A stream without usage could not be booked. Both vendors send it unasked. */
static void streams_are_asked_for_their_usage(void **state)
{
    static const struct request_case cases[] = {
        {"{'model':'m','stream':true}",
         "{'model':'m','stream':true,'stream_options':{'include_usage':true}}", NULL},
        {"{'model':'m','stream_options':{'include_usage':false,'x':1.0},'stream':true}",
         "{'model':'m','stream_options':{'x':1.0,'include_usage':true},'stream':true}", NULL},
        {"{'model':'m','stream_options':null,'stream':true}",
         "{'model':'m','stream_options':{'include_usage':true},'stream':true}", NULL},
        {"{'model':'m','stream_options':{'include_usage':true},'stream':true}",
         "{'model':'m','stream_options':{'include_usage':true},'stream':true}", NULL},
        {"{'model':'m','stream':false}", "{'model':'m','stream':false}", NULL},
        {"{'stream':true,'stream_options':1}", NULL, "stream_options must be"},
    };
    static const struct request_case of_responses[] = {
        {"{'model':'m','stream':true}", "{'model':'m','stream':true}", NULL},
    };
    struct request_conversion same = from_openrouter;

    (void)state;
    RUN(from_openrouter, cases);
    RUN(from_vercel, cases);
    same.from = DIALECT_OPENAI;
    RUN(same, cases);
    RUN(with_api(from_openrouter, API_COMPLETIONS), cases);
    RUN(with_api(from_openrouter, API_RESPONSES), of_responses);
}

static void anthropics_messages_get_anthropics_words(void **state)
{
    static const struct request_case cases[] = {
        {"{'model':'m','max_tokens':1,'user':'u','fallbacks':[{'model':'x'}],'session_id':'s',"
         "'speed':'fast'}",
         "{'model':'m','max_tokens':1,'speed':'fast','metadata':{'user_id':'u'}}", NULL},
        {"{'model':'m','max_tokens':1,'user':'u','metadata':{'user_id':'o'}}",
         "{'model':'m','max_tokens':1,'metadata':{'user_id':'o'}}", "user"},
        {"{'model':'m','max_tokens':1,'user':'u','metadata':{'x':1}}",
         "{'model':'m','max_tokens':1,'metadata':{'x':1,'user_id':'u'}}", NULL},
        {"{'model':'m','messages':[{'role':'system','content':'s'}]}",
         "{'model':'m','messages':[],'system':[{'type':'text','text':'s'}],'max_tokens':8192}",
         "max_tokens=8192"},
    };
    static const struct request_case of_header[] = {
        {"{'model':'m','max_tokens':1,'user':'u','metadata':{'user_id':'o','x':1}}",
         "{'model':'m','max_tokens':1,'metadata':{'x':1,'user_id':'h'}}", NULL},
        {"{'model':'m','max_tokens':1,'metadata':[]}", "{'model':'m','max_tokens':1,'metadata':[]}",
         "user"},
    };
    struct request_conversion order = with_api(from_openrouter, API_MESSAGES);

    (void)state;
    RUN(order, cases);
    order.user = TEXT("h");
    RUN(order, of_header);
}

/* OpenRouter's words include OpenAI's: a client of a third dialect is read as one of its clients.
 */
static void a_generic_client_is_read_as_openrouters(void **state)
{
    static const struct request_case cases[] = {
        {"{'model':'m','provider':{'only':['google-vertex']}}",
         "{'model':'m','providerOptions':{'gateway':{'only':['vertex']}}}", NULL},
    };
    static const struct request_case same[] = {
        {"{'model':'m','provider':{'ignore':['a']},'user':'u'}",
         "{'model':'m','provider':{'ignore':['a']},'user':'u'}", NULL},
    };
    struct request_conversion order = from_openrouter;

    (void)state;
    order.from = DIALECT_OPENAI;
    RUN(order, same);
    order.to = DIALECT_OPENROUTER;
    RUN(order, same);
    order.to = DIALECT_VERCEL;
    RUN(order, cases);
}

static void fallback_models_are_left_out_with_a_warning(void **state)
{
    static const struct text models[] = {{"x", 1}};
    static const struct request_case cases[] = {
        {"{'model':'m','models':['x']}", "{'model':'m'}", "models"},
    };
    struct request_conversion order = from_openrouter;

    (void)state;
    order.models = models;
    order.model_count = 1;
    RUN(order, cases);
}

static void reasoning_is_seen_to_be_off(void **state)
{
    static const struct {
        const char *body;
        bool off;
    } cases[] = {
        {"{}", false},
        {"[]", false},
        {"{'reasoning':{'enabled':false}}", true},
        {"{'reasoning':{'enabled':true}}", false},
        {"{'reasoning':{'effort':'none'}}", true},
        {"{'reasoning':{'effort':'low'}}", false},
        {"{'reasoning_effort':'none'}", true},
        {"{'thinking':{'type':'disabled'}}", true},
        {"{'thinking':{'type':'enabled'}}", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *body = unquoted(cases[i].body);
        struct json_doc doc;

        json_doc_init(&doc);
        assert_int_equal(json_parse(&doc, body, strlen(body), NULL), 0);
        assert_int_equal(request_reasoning_is_off(&doc), cases[i].off);
        json_doc_release(&doc);
        free(body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(openrouters_own_words_go),
        cmocka_unit_test(vercels_own_words_go),
        cmocka_unit_test(reasoning_becomes_an_effort),
        cmocka_unit_test(streams_are_asked_for_their_usage),
        cmocka_unit_test(anthropics_messages_get_anthropics_words),
        cmocka_unit_test(a_generic_client_is_read_as_openrouters),
        cmocka_unit_test(fallback_models_are_left_out_with_a_warning),
        cmocka_unit_test(reasoning_is_seen_to_be_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
