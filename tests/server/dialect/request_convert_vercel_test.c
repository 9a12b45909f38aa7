/* From Vercel's words to OpenRouter's. */
#include "tests/server/dialect/request_convert_support.h"

static const struct request_conversion chat = {
    .api = API_CHAT,
    .from = DIALECT_VERCEL,
    .to = DIALECT_OPENROUTER,
    .model = {"m", 1},
};

static struct request_conversion with_api(struct request_conversion order, enum row_api api)
{
    order.api = api;
    return order;
}

static void providers_are_said_in_openrouters_words(void **state)
{
    static const struct request_case cases[] = {
        {"{'model':'m','providerOptions':{'gateway':{'order':['bedrock','vertexAnthropic'],'only':"
         "['google','bedrock'],'sort':'ttft'}},'n':1}",
         "{'model':'m','n':1,'provider':{'order':['amazon-bedrock','google-vertex'],'only':"
         "['google-ai-studio','amazon-bedrock'],'sort':'latency'}}",
         NULL},
        {"{'model':'m','providerOptions':{'gateway':{'zeroDataRetention':true,"
         "'disallowPromptTraining':true}}}",
         "{'model':'m','provider':{'zdr':true,'data_collection':'deny'}}", NULL},
        {"{'model':'m','providerOptions':{'gateway':{'zeroDataRetention':false}}}", "{'model':'m'}",
         NULL},
        {"{'providerOptions':{'gateway':{'zeroDataRetention':1}}}", NULL, "zeroDataRetention must"},
        {"{'model':'m','provider':{'sort':'tps','x':1}}",
         "{'model':'m','provider':{'x':1,'sort':'throughput'}}", NULL},
        {"{'model':'m','provider':{'sort':'price','only':['azure']}}",
         "{'model':'m','provider':{'sort':'price','only':['azure']}}", NULL},
        {"{'model':'m','provider':{'x':1},'providerOptions':{'gateway':{'only':['zai']}}}",
         "{'model':'m','provider':{'x':1,'only':['z-ai']}}", NULL},
        {"{'provider':{'only':['a']},'providerOptions':{'gateway':{'only':['zai']}}}", NULL,
         "only cannot be sent to OpenRouter"},
        {"{'model':'m','providerOptions':{'gateway':{'sort':'cost'}},'provider':{'sort':'price'}}",
         "{'model':'m','provider':{'sort':'price'}}", NULL},
        {"{'model':'m','provider':{'sort':'cost'},'providerOptions':{'gateway':{'sort':'cost'}}}",
         "{'model':'m','provider':{'sort':'price'}}", NULL},
        {"{'model':'m','providerOptions':{'gateway':{'sort':'tps','zeroDataRetention':true}},"
         "'provider':{'sort':'tps'}}",
         "{'model':'m','provider':{'zdr':true,'sort':'throughput'}}", NULL},
        {"{'providerOptions':{'gateway':{'sort':'tps'}},'provider':{'sort':'price'}}", NULL,
         "sort cannot be sent to OpenRouter"},
        {"{'provider':{'sort':'cost'},'providerOptions':{'gateway':{'sort':'tps'}}}", NULL,
         "sort cannot be sent to OpenRouter"},
        {"{'model':'m','providerOptions':{'gateway':{'sort':'new'}}}", "{'model':'m'}",
         "providerOptions.gateway.sort"},
        {"{'provider':1}", NULL, "provider must be"},
        {"{'providerOptions':1}", NULL, "providerOptions must be"},
        {"{'providerOptions':{'gateway':1}}", NULL, "providerOptions.gateway must be"},
        {"{'model':'m','providerOptions':null}", "{'model':'m'}", NULL},
    };

    (void)state;
    RUN(chat, cases);
}

static void what_openrouter_cannot_promise_is_refused(void **state)
{
    static const struct request_case cases[] = {
        {"{'providerOptions':{'gateway':{'byok':{'openai':[{'apiKey':'k'}]}}}}", NULL,
         "providerOptions.gateway.byok"},
        {"{'providerOptions':{'gateway':{'quotaEntityId':'q'}}}", NULL, "quotaEntityId"},
        {"{'providerOptions':{'gateway':{'has':['vision']}}}", NULL, "gateway.has"},
        {"{'providerOptions':{'gateway':{'inferenceRegion':{'scope':'zone'}}}}", NULL,
         "inferenceRegion"},
        {"{'tools':[{'type':'vercel:exa_search'}]}", NULL, "vercel:"},
        {"{'allowed_tools':['a']}", NULL, "allowed_tools"},
    };
    static const struct request_case nothing[] = {
        {"{'model':'m','providerOptions':{'gateway':{'byok':{},'has':[],'quotaEntityId':null}}}",
         "{'model':'m'}", NULL},
    };

    (void)state;
    RUN(chat, cases);
    RUN(chat, nothing);
}

static void what_changes_no_answer_goes(void **state)
{
    static const struct request_case cases[] = {
        {"{'model':'m','providerOptions':{'gateway':{'tags':['t'],'providerTimeouts':{'byok':{}},"
         "'idempotencyKey':'i','speed':'fast','newer':1},'google':{'x':1},'mistral':{}}}",
         "{'model':'m'}",
         "providerOptions.gateway.providerTimeouts, providerOptions.gateway.idempotencyKey, "
         "providerOptions.gateway.speed, providerOptions.gateway.newer, providerOptions.google"},
        {"{'model':'m','cache_anchor_items':2}", "{'model':'m'}", "cache_anchor_items"},
    };

    (void)state;
    RUN(chat, cases);
}

static void users_tiers_and_models_find_their_place(void **state)
{
    static const struct text models[] = {{"x-ai/grok-4", 11}};
    static const struct request_case cases[] = {
        {"{'model':'m','providerOptions':{'gateway':{'user':'u','serviceTier':'flex','models':"
         "['xai/grok-4']}}}",
         "{'model':'m','service_tier':'flex','models':['x-ai/grok-4'],'user':'u'}", NULL},
        {"{'model':'m','user':'t','service_tier':'auto','models':['xai/grok-4'],"
         "'providerOptions':{'gateway':{'user':'u','serviceTier':'flex'}}}",
         "{'model':'m','user':'t','service_tier':'auto','models':['x-ai/grok-4']}",
         "providerOptions.gateway.serviceTier"},
    };
    static const struct request_case of_messages[] = {
        {"{'model':'m','models':['a'],'providerOptions':{'gateway':{'speed':'fast','user':'u'}}}",
         "{'model':'m','models':['x-ai/grok-4'],'speed':'fast','user':'u'}", NULL},
    };
    static const struct request_case of_embeddings[] = {
        {"{'model':'m','input':'x','providerOptions':{'gateway':{'models':['xai/grok-4']}}}",
         "{'model':'m','input':'x'}", "models"},
    };
    struct request_conversion order = chat;

    (void)state;
    order.models = models;
    order.model_count = 1;
    RUN(order, cases);
    RUN(with_api(order, API_MESSAGES), of_messages);
    RUN(with_api(order, API_EMBEDDINGS), of_embeddings);
}

static void prompt_caching_becomes_a_mark(void **state)
{
    static const struct request_case of_chat[] = {
        {"{'model':'m','providerOptions':{'gateway':{'caching':'auto'}}}",
         "{'model':'m','cache_control':{'type':'ephemeral'}}", NULL},
        {"{'model':'m','cache_control':{'type':'x'},'providerOptions':{'gateway':{'caching':"
         "'auto'}}}",
         "{'model':'m','cache_control':{'type':'x'}}", NULL},
        {"{'model':'m','providerOptions':{'gateway':{'caching':'new'}}}", "{'model':'m'}",
         "providerOptions.gateway.caching"},
    };
    static const struct request_case of_responses[] = {
        {"{'model':'m','caching':'auto','cache_ttl':'1h'}",
         "{'model':'m','cache_control':{'type':'ephemeral','ttl':'1h'}}", NULL},
        {"{'model':'m','cache_ttl':'1h','caching':'never'}", "{'model':'m'}", "cache_ttl, caching"},
        {"{'model':'m','caching':'auto','providerOptions':{'gateway':{'caching':'auto'}}}",
         "{'model':'m','cache_control':{'type':'ephemeral'}}", NULL},
    };
    static const struct request_case of_embeddings[] = {
        {"{'model':'m','providerOptions':{'gateway':{'caching':'auto'}}}", "{'model':'m'}",
         "providerOptions.gateway.caching"},
    };

    (void)state;
    RUN(chat, of_chat);
    RUN(with_api(chat, API_RESPONSES), of_responses);
    RUN(with_api(chat, API_EMBEDDINGS), of_embeddings);
}

static void marks_on_messages_move_to_their_last_part(void **state)
{
    static const struct request_case cases[] = {
        {"{'model':'m','messages':[{'role':'user','content':'u','cache_control':{'type':"
         "'ephemeral'}},{'role':'user','content':'v'}]}",
         "{'model':'m','messages':[{'role':'user','content':[{'type':'text','text':'u',"
         "'cache_control':{'type':'ephemeral'}}]},{'role':'user','content':'v'}]}",
         NULL},
        {"{'model':'m','messages':[{'cache_control':{'ttl':'1h'},'role':'user','content':[{'type':"
         "'text','text':'a'},{'type':'text','text':'b','cache_control':null}]}]}",
         "{'model':'m','messages':[{'role':'user','content':[{'type':'text','text':'a'},{'type':"
         "'text','text':'b','cache_control':{'ttl':'1h'}}]}]}",
         NULL},
        {"{'model':'m','messages':[{'role':'user','content':[{'type':'text','text':'b',"
         "'cache_control':{'ttl':'5m'}}],'cache_control':{'ttl':'1h'}}]}",
         "{'model':'m','messages':[{'role':'user','content':[{'type':'text','text':'b',"
         "'cache_control':{'ttl':'5m'}}]}]}",
         NULL},
        {"{'model':'m','messages':[{'role':'assistant','content':null,'cache_control':{'ttl':'1h'}}"
         ",{'role':'user','content':'','cache_control':{'ttl':'1h'}}]}",
         "{'model':'m','messages':[{'role':'assistant','content':null},{'role':'user','content':"
         "''}]}",
         "messages[].cache_control"},
    };

    (void)state;
    RUN(chat, cases);
}

static void files_become_data_urls(void **state)
{
    static const struct request_case cases[] = {
        {"{'model':'m','messages':[{'role':'user','content':[{'type':'file','file':{'data':'JVBE',"
         "'media_type':'application/pdf','filename':'a.pdf'}},{'type':'text','text':'t'}]}]}",
         "{'model':'m','messages':[{'role':'user','content':[{'type':'file','file':{'file_data':"
         "'data:application/pdf;base64,JVBE','filename':'a.pdf'}},{'type':'text','text':'t'}]}]}",
         NULL},
        {"{'model':'m','messages':[{'role':'user','content':[{'type':'file','file':{'data':"
         "'https://x/a.pdf','media_type':'application/pdf','file_data':null}}]}]}",
         "{'model':'m','messages':[{'role':'user','content':[{'type':'file','file':{'file_data':"
         "'https://x/a.pdf'}}]}]}",
         NULL},
    };

    (void)state;
    RUN(chat, cases);
}

static void reasoning_is_said_in_openrouters_words(void **state)
{
    static const struct request_case cases[] = {
        {"{'model':'m','reasoning':{'effort':'low'},'reasoning_effort':'low'}",
         "{'model':'m','reasoning':{'effort':'low'},'reasoning_effort':'low'}", NULL},
        {"{'model':'m','thinking':{'type':'enabled','budget_tokens':2000}}",
         "{'model':'m','reasoning':{'max_tokens':2000}}", NULL},
        {"{'model':'m','thinking':{'type':'disabled'}}",
         "{'model':'m','reasoning':{'enabled':"
         "false}}",
         NULL},
        {"{'model':'m','thinking':{'type':'adaptive'}}",
         "{'model':'m','reasoning':{'enabled':"
         "true}}",
         NULL},
        {"{'model':'m','thinking':{'type':'enabled'},'reasoning':{'effort':'low'}}",
         "{'model':'m','reasoning':{'effort':'low'}}", "thinking"},
        {"{'model':'m','thinking':{'type':'new'}}", "{'model':'m'}", "thinking"},
        {"{'model':'m','providerOptions':{'anthropic':{'effort':'high','thinking':{'type':"
         "'enabled','budgetTokens':5},'x':1}}}",
         "{'model':'m','verbosity':'high','reasoning':{'max_tokens':5}}",
         "providerOptions.anthropic.x"},
        {"{'model':'m','providerOptions':{'openai':{'reasoningEffort':'low','reasoningSummary':"
         "'auto'}}}",
         "{'model':'m','reasoning':{'effort':'low','summary':'auto'}}", NULL},
        {"{'model':'m','reasoning_effort':'low','providerOptions':{'openai':{'reasoningEffort':"
         "'high'}}}",
         "{'model':'m','reasoning_effort':'low'}", "providerOptions.openai.reasoningEffort"},
        {"{'providerOptions':{'openai':1}}", NULL, "providerOptions.openai must be"},
    };
    static const struct request_case of_messages[] = {
        {"{'model':'m','max_tokens':1,'thinking':{'type':'enabled','budget_tokens':2000},"
         "'providerOptions':{'anthropic':{'effort':'high'}}}",
         "{'model':'m','max_tokens':1,'thinking':{'type':'enabled','budget_tokens':2000}}",
         "providerOptions.anthropic"},
    };

    (void)state;
    RUN(chat, cases);
    RUN(with_api(chat, API_MESSAGES), of_messages);
}

/* The Vercel id means what OpenRouter says with a switch. */
static void a_model_that_does_not_reason_switches_reasoning_off(void **state)
{
    static const struct request_case cases[] = {
        {"{'model':'xai/grok-4-fast-non-reasoning'}",
         "{'model':'x-ai/grok-4-fast','reasoning':{'enabled':false}}", NULL},
        {"{'model':'xai/grok-4-fast-non-reasoning','reasoning_effort':'none'}",
         "{'model':'x-ai/grok-4-fast','reasoning_effort':'none'}", NULL},
        {"{'model':'xai/grok-4-fast-reasoning'}", "{'model':'x-ai/grok-4-fast'}", NULL},
        {"{'model':'spacexai/grok-4-fast-non-reasoning'}",
         "{'model':'x-ai/grok-4-fast','reasoning':{'enabled':false}}", NULL},
        {"{'model':'xai/grok-4-fast-non-reasoning','reasoning':{}}",
         "{'model':'x-ai/grok-4-fast','reasoning':{'enabled':false}}", NULL},
        {"{'model':'xai/grok-4-fast-non-reasoning','reasoning':null}",
         "{'model':'x-ai/grok-4-fast','reasoning':{'enabled':false}}", NULL},
        {"{'model':'xai/grok-4-fast-non-reasoning','reasoning':{'enabled':null,'exclude':true}}",
         "{'model':'x-ai/grok-4-fast','reasoning':{'exclude':true,'enabled':false}}", NULL},
        {"{'model':'xai/grok-4-fast-non-reasoning','reasoning':{'enabled':false,'effort':'low'}}",
         "{'model':'x-ai/grok-4-fast','reasoning':{'enabled':false,'effort':'low'}}", NULL},
        {"{'model':'xai/grok-4-fast-non-reasoning','reasoning':{},'reasoning_effort':'none'}",
         "{'model':'x-ai/grok-4-fast','reasoning':{},'reasoning_effort':'none'}", NULL},
        {"{'model':'xai/grok-4-fast-non-reasoning','thinking':{'type':'disabled'}}",
         "{'model':'x-ai/grok-4-fast','reasoning':{'enabled':false}}", NULL},
        {"{'model':'xai/grok-4-fast-non-reasoning','providerOptions':{'openai':"
         "{'reasoningSummary':'auto'}}}",
         "{'model':'x-ai/grok-4-fast','reasoning':{'enabled':false,'summary':'auto'}}", NULL},
    };
    static const struct request_case of_responses[] = {
        {"{'model':'xai/grok-4-fast-non-reasoning','reasoning':{'summary':'auto'}}",
         "{'model':'x-ai/grok-4-fast','reasoning':{'summary':'auto','enabled':false}}", NULL},
    };
    static const struct request_case of_messages[] = {
        {"{'model':'xai/grok-4-fast-non-reasoning','max_tokens':1}",
         "{'model':'x-ai/grok-4-fast','max_tokens':1,'thinking':{'type':'disabled'}}", NULL},
        {"{'model':'xai/grok-4-fast-non-reasoning','thinking':null,'max_tokens':1}",
         "{'model':'x-ai/grok-4-fast','thinking':{'type':'disabled'},'max_tokens':1}", NULL},
        {"{'model':'xai/grok-4-fast-non-reasoning','thinking':{'type':'disabled','x':1}}",
         "{'model':'x-ai/grok-4-fast','thinking':{'type':'disabled','x':1}}", NULL},
        {"{'model':'xai/grok-4-fast-reasoning'}", "{'model':'x-ai/grok-4-fast'}", NULL},
    };
    struct request_conversion order = chat;

    (void)state;
    order.model = TEXT("x-ai/grok-4-fast");
    RUN(order, cases);
    RUN(with_api(order, API_RESPONSES), of_responses);
    RUN(with_api(order, API_MESSAGES), of_messages);
}

/* What the client says of reasoning itself is sent, and that the model's name goes unheard told. */
static void a_request_that_overrules_its_model_is_told(void **state)
{
    static const struct request_case cases[] = {
        {"{'model':'xai/grok-4-fast-non-reasoning','reasoning_effort':'low'}",
         "{'model':'x-ai/grok-4-fast','reasoning_effort':'low'}", "model"},
        {"{'model':'xai/grok-4-fast-non-reasoning','reasoning':{'max_tokens':9}}",
         "{'model':'x-ai/grok-4-fast','reasoning':{'max_tokens':9}}", "model"},
        {"{'model':'xai/grok-4-fast-non-reasoning','reasoning':{'enabled':true}}",
         "{'model':'x-ai/grok-4-fast','reasoning':{'enabled':true}}", "model"},
        {"{'model':'xai/grok-4-fast-non-reasoning','thinking':{'type':'enabled'}}",
         "{'model':'x-ai/grok-4-fast','reasoning':{'enabled':true}}", "model"},
        {"{'model':'xai/grok-4-fast-non-reasoning','providerOptions':{'openai':"
         "{'reasoningEffort':'high'}}}",
         "{'model':'x-ai/grok-4-fast','reasoning':{'effort':'high'}}", "model"},
        {"{'model':'xai/grok-4-fast-non-reasoning','reasoning':{},'thinking':{'type':'enabled'}}",
         "{'model':'x-ai/grok-4-fast','reasoning':{'enabled':false}}", "thinking"},
    };
    static const struct request_case of_messages[] = {
        {"{'model':'xai/grok-4-fast-non-reasoning','thinking':{'type':'enabled',"
         "'budget_tokens':9}}",
         "{'model':'x-ai/grok-4-fast','thinking':{'type':'enabled','budget_tokens':9}}", "model"},
    };
    struct request_conversion order = chat;

    (void)state;
    order.model = TEXT("x-ai/grok-4-fast");
    RUN(order, cases);
    RUN(with_api(order, API_MESSAGES), of_messages);
}

/* A fallback would think unless the whole request did not. */
static void a_fallback_that_does_not_reason_is_told(void **state)
{
    static const struct text models[] = {{"x-ai/grok-4-fast", 16}};
    static const struct request_case cases[] = {
        {"{'model':'m','models':['xai/grok-4-fast-non-reasoning']}",
         "{'model':'m','models':['x-ai/grok-4-fast']}", "models"},
        {"{'model':'m','providerOptions':{'gateway':{'models':['a/b',"
         "'xai/grok-4-fast-non-reasoning']}}}",
         "{'model':'m','models':['x-ai/grok-4-fast']}", "models"},
        {"{'model':'m','models':['xai/grok-4-fast-reasoning']}",
         "{'model':'m','models':['x-ai/grok-4-fast']}", NULL},
        {"{'model':'m','models':['xai/grok-4-fast-non-reasoning'],'reasoning_effort':'none'}",
         "{'model':'m','models':['x-ai/grok-4-fast'],'reasoning_effort':'none'}", NULL},
        {"{'model':'xai/grok-4-fast-non-reasoning','models':['xai/grok-4-fast-non-reasoning']}",
         "{'model':'m','models':['x-ai/grok-4-fast'],'reasoning':{'enabled':false}}", NULL},
    };
    static const struct request_case alone[] = {
        {"{'model':'m','models':['xai/grok-4-fast-non-reasoning']}", "{'model':'m'}", NULL},
    };
    struct request_conversion order = chat;

    (void)state;
    order.models = models;
    order.model_count = 1;
    RUN(order, cases);
    order.model_count = 0; /* others are attempts of ours */
    RUN(order, alone);
}

static void older_json_formats_become_schemas(void **state)
{
    static const struct request_case cases[] = {
        {"{'model':'m','response_format':{'type':'json','name':'n','description':'d','schema':"
         "{'type' : 'object'}}}",
         "{'model':'m','response_format':{'type':'json_schema','json_schema':{'name':'n',"
         "'description':'d','schema':{'type' : 'object'}}}}",
         NULL},
        {"{'model':'m','response_format':{'type':'json','schema':{}}}",
         "{'model':'m','response_format':{'type':'json_schema','json_schema':{'name':'response',"
         "'schema':{}}}}",
         NULL},
        {"{'model':'m','response_format':{'type':'json'}}",
         "{'model':'m','response_format':{'type':'json_object'}}", NULL},
        {"{'model':'m','response_format':{'type':'text'}}",
         "{'model':'m','response_format':{'type':'text'}}", NULL},
    };

    (void)state;
    RUN(chat, cases);
}

/* What OpenRouter's words became comes back as it was, where both sides have a word for it. */
static void a_round_trip_loses_nothing(void **state)
{
    static const struct {
        enum row_api api;
        const char *body;
    } cases[] = {
        {API_CHAT, "{'model':'m','messages':[{'role':'user','content':'u'}],'temperature':0.70}"},
        {API_CHAT, "{'model':'m','provider':{'order':['amazon-bedrock'],'only':['google-vertex'],"
                   "'zdr':true,'data_collection':'deny','sort':'price'}}"},
        {API_CHAT, "{'model':'m','user':'u','service_tier':'priority'}"},
        {API_CHAT, "{'model':'m','reasoning':{'effort':'low','exclude':true}}"},
        {API_MESSAGES, "{'model':'m','max_tokens':5,'speed':'fast','user':'u'}"},
        {API_RESPONSES, "{'model':'m','input':'x','cache_control':{'type':'ephemeral','ttl':"
                        "'1h'}}"},
        {API_CHAT, "{'model':'m','messages':[{'role':'user','content':[{'type':'file','file':"
                   "{'filename':'a','file_data':'data:application/pdf;base64,AA'}}]}]}"},
        {API_EMBEDDINGS, "{'model':'m','input':['x'],'user':'u'}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct request_conversion there = with_api(chat, cases[i].api);
        struct request_conversion back = there;
        char *expected = unquoted(cases[i].body);
        struct converted vercel, openrouter;

        there.from = DIALECT_OPENROUTER;
        there.to = DIALECT_VERCEL;
        vercel = convert_body(&there, cases[i].body);
        assert_int_equal(vercel.error, 0);
        openrouter = convert_body(&back, vercel.text);
        assert_int_equal(openrouter.error, 0);
        assert_string_equal(openrouter.text, expected);
        assert_string_equal(there.warning, "");
        assert_string_equal(back.warning, "");
        free(openrouter.text);
        free(vercel.text);
        free(expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(providers_are_said_in_openrouters_words),
        cmocka_unit_test(what_openrouter_cannot_promise_is_refused),
        cmocka_unit_test(what_changes_no_answer_goes),
        cmocka_unit_test(users_tiers_and_models_find_their_place),
        cmocka_unit_test(prompt_caching_becomes_a_mark),
        cmocka_unit_test(marks_on_messages_move_to_their_last_part),
        cmocka_unit_test(files_become_data_urls),
        cmocka_unit_test(reasoning_is_said_in_openrouters_words),
        cmocka_unit_test(a_model_that_does_not_reason_switches_reasoning_off),
        cmocka_unit_test(a_request_that_overrules_its_model_is_told),
        cmocka_unit_test(a_fallback_that_does_not_reason_is_told),
        cmocka_unit_test(older_json_formats_become_schemas),
        cmocka_unit_test(a_round_trip_loses_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
