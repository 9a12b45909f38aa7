/* From OpenRouter's words to Vercel's. */
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

static void providers_are_said_in_vercels_words(void **state)
{
    static const struct request_case cases[] = {
        {"{'model':'m','provider':null}", "{'model':'openai/gpt-5'}", NULL},
        {"{'model':'openai/gpt-5','provider':{}}", "{'model':'openai/gpt-5'}", NULL},
        {"{'model':'openai/gpt-5','provider':{'order':['amazon-bedrock','Azure']}}",
         "{'model':'openai/gpt-5','providerOptions':{'gateway':{'order':['bedrock','azure']}}}",
         NULL},
        {"{'model':'openai/gpt-5','provider':{'order':['google-vertex/us','google-vertex/eu']}}",
         "{'model':'openai/gpt-5','providerOptions':{'gateway':{'order':['vertex']}}}",
         "provider region or quantization suffix"},
        {"{'model':'openai/gpt-5','provider':{'only':['a','b/x'],'ignore':['b/y']}}", NULL,
         "provider.only cannot be sent"},
        {"{'model':'openai/gpt-5','provider':{'only':['a','b'],'ignore':['b/y']}}",
         "{'model':'openai/gpt-5','providerOptions':{'gateway':{'only':['a']}}}",
         "provider region or quantization suffix"},
        {"{'model':'openai/gpt-5','provider':{'only':['google-vertex/europe']}}", NULL,
         "provider.only cannot be sent"},
        {"{'model':'openai/gpt-5','provider':{'order':['google-vertex/europe'],"
         "'allow_fallbacks':false}}",
         NULL, "provider.order cannot be sent"},
        {"{'model':'openai/gpt-5','provider':{'only':['a','b'],'ignore':['b']}}",
         "{'model':'openai/gpt-5','providerOptions':{'gateway':{'only':['a']}}}", NULL},
        {"{'model':'openai/gpt-5','provider':{'only':['a'],'ignore':['a']}}", NULL,
         "leave no provider"},
        {"{'model':'openai/gpt-5','provider':{'ignore':['b']}}", NULL, "provider.ignore"},
        {"{'model':'openai/gpt-5','provider':{'ignore':[]}}", "{'model':'openai/gpt-5'}", NULL},
        {"{'model':'openai/gpt-5','provider':{'only':'a'}}", NULL, "provider.only must be"},
        {"{'model':'openai/gpt-5','provider':{'only':[1]}}", NULL, "provider.only must be"},
        {"{'model':'openai/gpt-5','provider':[]}", NULL, "provider must be an object"},
        {"{'model':'openai/gpt-5','provider':{'zdr':true,'data_collection':'deny'}}",
         "{'model':'openai/gpt-5','providerOptions':{'gateway':{'zeroDataRetention':true,"
         "'disallowPromptTraining':true}}}",
         NULL},
        {"{'model':'openai/gpt-5','provider':{'zdr':false,'data_collection':'allow'}}",
         "{'model':'openai/gpt-5'}", NULL},
        {"{'model':'openai/gpt-5','provider':{'data_collection':'maybe'}}", NULL, "allow or deny"},
        {"{'model':'openai/gpt-5','provider':{'zdr':'yes'}}", NULL, "provider.zdr must be"},
        {"{'model':'openai/gpt-5','provider':{'sort':'price'}}",
         "{'model':'openai/gpt-5','providerOptions':{'gateway':{'sort':'cost'}}}", NULL},
        {"{'model':'openai/gpt-5','provider':{'sort':'throughput'}}",
         "{'model':'openai/gpt-5','providerOptions':{'gateway':{'sort':'tps'}}}", NULL},
        {"{'model':'openai/gpt-5','provider':{'sort':{'by':'latency','partition':'none'}}}",
         "{'model':'openai/gpt-5','providerOptions':{'gateway':{'sort':'ttft'}}}",
         "provider.sort.partition"},
        {"{'model':'openai/gpt-5','provider':{'sort':'exacto'}}", "{'model':'openai/gpt-5'}",
         "provider.sort"},
        {"{'model':'openai/gpt-5','provider':{'preferred_max_latency':1,"
         "'preferred_min_throughput':{'p50':1},'options':{'a':{}}}}",
         "{'model':'openai/gpt-5'}",
         "provider.preferred_max_latency, provider.preferred_min_throughput, provider.options"},
    };

    (void)state;
    RUN(chat, cases);
}

/* Without fallbacks an order is all who may serve: that is what `only` says. */
static void no_fallbacks_is_a_list_of_who_may(void **state)
{
    static const struct request_case cases[] = {
        {"{'model':'openai/gpt-5','provider':{'allow_fallbacks':false,'order':['anthropic']}}",
         "{'model':'openai/gpt-5','providerOptions':{'gateway':{'order':['anthropic'],'only':"
         "['anthropic']}}}",
         NULL},
        {"{'model':'openai/gpt-5','provider':{'allow_fallbacks':false,'order':['a','b'],'only':"
         "['c','b']}}",
         "{'model':'openai/gpt-5','providerOptions':{'gateway':{'order':['a','b'],'only':['b']}}}",
         NULL},
        {"{'model':'openai/gpt-5','provider':{'allow_fallbacks':false,'order':['a'],'only':['c']}}",
         NULL, "leave no provider"},
        {"{'model':'openai/gpt-5','provider':{'allow_fallbacks':false,'order':['a','b'],'ignore':"
         "['a']}}",
         "{'model':'openai/gpt-5','providerOptions':{'gateway':{'order':['b'],'only':['b']}}}",
         NULL},
        {"{'model':'openai/gpt-5','provider':{'allow_fallbacks':false,'only':['a']}}",
         "{'model':'openai/gpt-5','providerOptions':{'gateway':{'only':['a']}}}", NULL},
        {"{'model':'openai/gpt-5','provider':{'allow_fallbacks':false,'only':['a','b']}}",
         "{'model':'openai/gpt-5','providerOptions':{'gateway':{'only':['a','b']}}}",
         "provider.allow_fallbacks"},
        {"{'model':'openai/gpt-5','provider':{'allow_fallbacks':false}}",
         "{'model':'openai/gpt-5'}", "provider.allow_fallbacks"},
        {"{'model':'openai/gpt-5','provider':{'allow_fallbacks':true,'order':['a']}}",
         "{'model':'openai/gpt-5','providerOptions':{'gateway':{'order':['a']}}}", NULL},
    };

    (void)state;
    RUN(chat, cases);
}

static void promises_that_vercel_does_not_make_are_refused(void **state)
{
    static const struct request_case cases[] = {
        {"{'provider':{'require_parameters':true}}", NULL, "provider.require_parameters"},
        {"{'provider':{'quantizations':['fp8']}}", NULL, "provider.quantizations"},
        {"{'provider':{'max_price':{'prompt':1}}}", NULL, "provider.max_price"},
        {"{'provider':{'enforce_distillable_text':true}}", NULL, "enforce_distillable_text"},
        {"{'provider':{'data_region':'europe'}}", NULL, "provider.data_region"},
        {"{'provider':{'a new\\u000arule,':1}}", NULL, "provider.a?new?rule? cannot be sent"},
        {"{'preset':'p'}", NULL, "preset"},
        {"{'plugins':[{'id':'web'}]}", NULL, "plugins.web"},
        {"{'plugins':[{'id':'file-parser','pdf':{'engine':'mistral-ocr'}}]}", NULL,
         "plugins.file-parser"},
        {"{'plugins':[{'id':'brand-new'}]}", NULL, "plugins.brand-new"},
        {"{'plugins':[{}]}", NULL, "plugins must be"},
        {"{'plugins':{}}", NULL, "plugins must be"},
        {"{'web_search_options':{'search_context_size':'low'}}", NULL, "web_search_options"},
        {"{'image_config':{'aspect_ratio':'1:1'}}", NULL, "image_config"},
        {"{'tools':[{'type':'function'},{'type':'openrouter:web_search'}]}", NULL, "openrouter:"},
        {"{'response_format':{'type':'grammar','grammar':'x'}}", NULL, "response_format"},
        {"{'prompt':'hello'}", NULL, "/completions"},
    };
    /* What says nothing promises nothing. */
    static const struct request_case nothing[] = {
        {"{'model':'openai/gpt-5','provider':{'require_parameters':false,'quantizations':[],"
         "'max_price':{},'data_region':null},'preset':'','plugins':[],'web_search_options':{},"
         "'image_config':null,'prompt':null}",
         "{'model':'openai/gpt-5'}", NULL},
    };

    (void)state;
    RUN(chat, cases);
    RUN(chat, nothing);
}

static void what_changes_no_answer_goes(void **state)
{
    static const struct request_case cases[] = {
        {"{'model':'openai/gpt-5','usage':{'include':true},'session_id':'s','route':'fallback',"
         "'temperature':0.70}",
         "{'model':'openai/gpt-5','temperature':0.70}", NULL},
        {"{'model':'openai/gpt-5','transforms':['middle-out'],'trace':{'trace_id':'t'},'debug':"
         "{'echo_upstream_body':true},'route':'sort'}",
         "{'model':'openai/gpt-5'}", "transforms, trace, debug, route"},
        {"{'model':'openai/gpt-5','transforms':[],'structured_outputs':false}",
         "{'model':'openai/gpt-5'}", NULL},
        {"{'model':'openai/gpt-5','top_k':1,'min_p':0.1,'top_a':0.1,'repetition_penalty':1.1,"
         "'top_p':0.9}",
         "{'model':'openai/gpt-5','top_p':0.9}", "top_k, min_p, top_a, repetition_penalty"},
        {"{'model':'openai/gpt-5','prediction':{'type':'content','content':'x'},"
         "'structured_outputs':true,'stop_server_tools_when':[{'type':'step_count_is'}],"
         "'prompt_cache_options':{'mode':'explicit'}}",
         "{'model':'openai/gpt-5'}",
         "prediction, structured_outputs, stop_server_tools_when, prompt_cache_options"},
        {"{'model':'openai/gpt-5','plugins':[{'id':'web','enabled':false},{'id':"
         "'response-healing'},{'id':'context-compression'},{'id':'file-parser','pdf':{'engine':"
         "'native'}}]}",
         "{'model':'openai/gpt-5'}",
         "plugins.response-healing, plugins.context-compression, plugins.file-parser"},
    };

    (void)state;
    RUN(chat, cases);
}

/* Vendors add members without notice. Where nothing is to be said not even white space changes. */
static void what_is_not_known_goes_byte_by_byte(void **state)
{
    static const struct request_case cases[] = {
        {"{ 'new' : { 'a' : 1.50 , 'b':'\\u00e9' } ,\n'model':'openai/gpt-5'}",
         "{ 'new' : { 'a' : 1.50 , 'b':'\\u00e9' } ,\n'model':'openai/gpt-5'}", NULL},
        {"{ 'new' : { 'a' : 1.50 } ,\n 'model' : 'm' }",
         "{'new' : { 'a' : 1.50 },'model':'openai/gpt-5'}", NULL},
    };

    (void)state;
    RUN(chat, cases);
}

static void the_clients_own_options_are_kept(void **state)
{
    static const struct request_case cases[] = {
        {"{'model':'openai/gpt-5','providerOptions':{'gateway':{'tags':['t']},'openai':{'x':1}},"
         "'provider':{'only':['azure']},'n':1}",
         "{'model':'openai/gpt-5','providerOptions':{'openai':{'x':1},'gateway':{'tags':['t'],"
         "'only':['azure']}},'n':1}",
         NULL},
        {"{'provider':{'only':['azure']},'providerOptions':{'gateway':{'only':['openai']}}}", NULL,
         "only cannot be sent"},
        {"{'model':'openai/gpt-5','provider':{'zdr':true},'providerOptions':{'gateway':"
         "{'zeroDataRetention':true}}}",
         "{'model':'openai/gpt-5','providerOptions':{'gateway':{'zeroDataRetention':true}}}", NULL},
        {"{'provider':{'zdr':true},'providerOptions':[]}", NULL, "providerOptions must be"},
        {"{'provider':{'zdr':true},'providerOptions':{'gateway':1}}", NULL,
         "providerOptions.gateway must be"},
    };

    (void)state;
    RUN(chat, cases);
}

static void reasoning_and_verbosity_are_translated(void **state)
{
    static const struct request_case cases[] = {
        {"{'model':'anthropic/claude-opus-4.6','reasoning':{'effort':'high'},"
         "'reasoning_effort':'high','include_reasoning':true}",
         "{'model':'anthropic/claude-opus-4.6','reasoning':{'effort':'high'},'reasoning_effort':"
         "'high'}",
         NULL},
        {"{'model':'anthropic/claude-opus-4.6','include_reasoning':false}",
         "{'model':'anthropic/claude-opus-4.6','reasoning':{'exclude':true}}", NULL},
        {"{'model':'anthropic/claude-opus-4.6','include_reasoning':false,'reasoning':"
         "{'max_tokens':5,'exclude':null}}",
         "{'model':'anthropic/claude-opus-4.6','reasoning':{'max_tokens':5,'exclude':true}}", NULL},
        {"{'model':'anthropic/claude-opus-4.6','verbosity':'max'}",
         "{'model':'anthropic/claude-opus-4.6','providerOptions':{'anthropic':{'effort':'max'}}}",
         NULL},
        {"{'model':'anthropic/claude-opus-4.6','verbosity':'low','providerOptions':{'anthropic':"
         "{'x':1}},'provider':{'sort':'price'}}",
         "{'model':'anthropic/claude-opus-4.6','providerOptions':{'gateway':{'sort':'cost'},"
         "'anthropic':{'x':1,'effort':'low'}}}",
         NULL},
        {"{'model':'anthropic/claude-opus-4.6','verbosity':'low','providerOptions':{'anthropic':"
         "{'effort':'high'}}}",
         "{'model':'anthropic/claude-opus-4.6','providerOptions':{'anthropic':{'effort':'high'}}}",
         "verbosity"},
    };
    static const struct request_case gpt = {"{'model':'openai/gpt-5','verbosity':'low'}",
                                            "{'model':'openai/gpt-5','verbosity':'low'}", NULL};
    struct request_conversion claude = chat;

    (void)state;
    claude.model = TEXT("anthropic/claude-opus-4.6");
    RUN(claude, cases);
    run_case(chat, &gpt);
}

static void tiers_and_users_find_their_place(void **state)
{
    static const struct request_case of_chat[] = {
        {"{'model':'openai/gpt-5','user':'u','service_tier':'fast'}",
         "{'model':'openai/gpt-5','user':'u','providerOptions':{'gateway':{'serviceTier':"
         "'priority'}}}",
         NULL},
        {"{'model':'openai/gpt-5','service_tier':'flex'}",
         "{'model':'openai/gpt-5','providerOptions':{'gateway':{'serviceTier':'flex'}}}", NULL},
        {"{'model':'openai/gpt-5','service_tier':'auto'}",
         "{'model':'openai/gpt-5','service_tier':'auto'}", NULL},
    };
    static const struct request_case of_messages[] = {
        {"{'model':'openai/gpt-5','max_tokens':1,'user':'u','speed':'fast'}",
         "{'model':'openai/gpt-5','max_tokens':1,'providerOptions':{'gateway':{'speed':'fast',"
         "'user':'u'}}}",
         NULL},
    };
    static const struct request_case of_embeddings[] = {
        {"{'model':'openai/gpt-5','input':'x','user':'u','dimensions':3}",
         "{'model':'openai/gpt-5','input':'x','dimensions':3,'providerOptions':{'gateway':{'user':"
         "'u'}}}",
         NULL},
        {"{'input':'x','input_type':'search_query'}", NULL, "input_type"},
    };

    (void)state;
    RUN(chat, of_chat);
    RUN(with_api(chat, API_MESSAGES), of_messages);
    RUN(with_api(chat, API_EMBEDDINGS), of_embeddings);
}

static void prompt_cache_marks_sit_where_vercel_looks(void **state)
{
    static const struct request_case of_chat[] = {
        {"{'model':'openai/"
         "gpt-5','cache_control':{'type':'ephemeral'},'messages':[{'role':'system',"
         "'content':'s'},{'role':'user','content':'u'}]}",
         "{'model':'openai/gpt-5','messages':[{'role':'system','content':'s'},{'role':'user',"
         "'content':'u','cache_control':{'type':'ephemeral'}}]}",
         NULL},
        {"{'model':'openai/gpt-5','messages':[{'role':'user','content':[{'type':'text','text':'a',"
         "'cache_control':{'type':'ephemeral','ttl':'5m'}},{'type':'text','text':'b'}]}, {'role':"
         "'user','content':'c'}]}",
         "{'model':'openai/gpt-5','messages':[{'role':'user','content':[{'type':'text','text':'a',"
         "'cache_control':{'type':'ephemeral','ttl':'5m'}},{'type':'text','text':'b'}],"
         "'cache_control':{'type':'ephemeral','ttl':'5m'}},{'role':'user','content':'c'}]}",
         NULL},
        {"{'model':'openai/gpt-5','cache_control':{'type':'ephemeral'},'messages':[{'role':'user',"
         "'content':'u','cache_control':{'type':'ephemeral','ttl':'1h'}}]}",
         "{'model':'openai/gpt-5','messages':[{'role':'user','content':'u','cache_control':{'type':"
         "'ephemeral','ttl':'1h'}}]}",
         NULL},
        {"{'model':'openai/gpt-5','cache_control':{'type':'ephemeral'}}",
         "{'model':'openai/gpt-5'}", "cache_control"},
        {"{'model':'openai/gpt-5','cache_control':{'ttl':'5m'},'messages':[{'role':'user',"
         "'content':[{'type':'text','text':'u','cache_control':{'ttl':'1h'}}]}]}",
         "{'model':'openai/gpt-5','messages':[{'role':'user','content':[{'type':'text','text':'u',"
         "'cache_control':{'ttl':'1h'}}],'cache_control':{'ttl':'1h'}}]}",
         NULL},
        {"{'cache_control':1}", NULL, "cache_control must be"},
    };
    static const struct request_case of_responses[] = {
        {"{'model':'openai/gpt-5','cache_control':{'type':'ephemeral','ttl':'1h'},'input':'x'}",
         "{'model':'openai/gpt-5','input':'x','caching':'auto','cache_ttl':'1h'}", NULL},
    };
    static const struct request_case of_messages[] = {
        {"{'model':'openai/gpt-5','max_tokens':1,'cache_control':{'type':'ephemeral'}}",
         "{'model':'openai/gpt-5','max_tokens':1,'cache_control':{'type':'ephemeral'}}", NULL},
    };

    (void)state;
    RUN(chat, of_chat);
    RUN(with_api(chat, API_RESPONSES), of_responses);
    RUN(with_api(chat, API_MESSAGES), of_messages);
}

static void messages_are_said_in_vercels_words(void **state)
{
    static const struct request_case cases[] = {
        {"{'model':'openai/gpt-5','messages':[{'role':'assistant','content':'a',"
         "'reasoning_content':'r\\n'}]}",
         "{'model':'openai/gpt-5','messages':[{'role':'assistant','content':'a','reasoning':"
         "'r\\n'}]}",
         NULL},
        {"{'model':'openai/gpt-5','messages':[{'role':'assistant','reasoning':null,"
         "'reasoning_content':'r'},{'role':'assistant','reasoning':'x','reasoning_content':'r'}]}",
         "{'model':'openai/gpt-5','messages':[{'role':'assistant','reasoning':'r'},{'role':"
         "'assistant','reasoning':'x'}]}",
         NULL},
        {"{'model':'openai/gpt-5','messages':[{'role':'user','content':[{'type':'file','file':"
         "{'filename':'a.pdf','file_data':'data:application\\/pdf;base64,JVBE\\/w=='}}]}]}",
         "{'model':'openai/gpt-5','messages':[{'role':'user','content':[{'type':'file','file':"
         "{'filename':'a.pdf','data':'JVBE\\/w==','media_type':'application\\/pdf'}}]}]}",
         NULL},
        {"{'model':'openai/gpt-5','messages':[{'role':'user','content':'u'},{'role':'user',"
         "'content':[{'type':'file','file':{'file_data':'https://x/a.pdf'}},{'type':'file','file':"
         "{'file_data':'data:a/b;base64,AA'}}]}]}",
         NULL, "messages[].file_data cannot be sent to Vercel"},
        {"{'messages':[{'role':'user','content':[{'type':'file','file':{'file_data':'JVBE'}}]}]}",
         NULL, "messages[].file_data cannot be sent to Vercel"},
        {"{'model':'openai/gpt-5','messages':[{'role':'user','content':[{'type':'file','file':"
         "{'file_data':''}},{'type':'file','file':{'file_data':'https://x','data':'AA'}}]}]}",
         "{'model':'openai/gpt-5','messages':[{'role':'user','content':[{'type':'file','file':"
         "{'file_data':''}},{'type':'file','file':{'file_data':'https://x','data':'AA'}}]}]}",
         NULL},
    };

    (void)state;
    RUN(chat, cases);
}

static void leading_system_messages_become_the_system_prompt(void **state)
{
    static const struct request_case cases[] = {
        {"{'model':'openai/gpt-5','max_tokens':1,'messages':[{'role':'system','content':'s'},"
         "{'role':'user','content':'u'}]}",
         "{'model':'openai/gpt-5','max_tokens':1,'messages':[{'role':'user','content':'u'}],"
         "'system':[{'type':'text','text':'s'}]}",
         NULL},
        {"{'model':'openai/gpt-5','max_tokens':1,'system':'first','messages':[{'role':'system',"
         "'content':[{'type':'text','text':'s','cache_control':{'type':'ephemeral'}}]},{'role':"
         "'user','content':'u'}]}",
         "{'model':'openai/gpt-5','max_tokens':1,'system':[{'type':'text','text':'first'},{'type':"
         "'text','text':'s','cache_control':{'type':'ephemeral'}}],'messages':[{'role':'user',"
         "'content':'u'}]}",
         NULL},
        {"{'max_tokens':1,'messages':[{'role':'user','content':'u'},{'role':'system','content':"
         "'s'}]}",
         NULL, "messages[].role system"},
        {"{'max_tokens':1,'messages':[{'role':'system','content':1}]}", NULL, "messages[].content"},
        {"{'max_tokens':1,'system':1,'messages':[{'role':'system','content':'s'}]}", NULL,
         "system must be"},
    };

    (void)state;
    RUN(with_api(chat, API_MESSAGES), cases);
}

static void messages_get_the_maximum_that_they_need(void **state)
{
    static const struct request_case cases[] = {
        {"{'model':'openai/gpt-5'}", "{'model':'openai/gpt-5','max_tokens':8192}",
         "max_tokens=8192"},
        {"{'model':'openai/gpt-5','max_tokens':null,'thinking':{'type':'enabled','budget_tokens':"
         "1000}}",
         "{'model':'openai/gpt-5','max_tokens':9192,'thinking':{'type':'enabled','budget_tokens':"
         "1000}}",
         "max_tokens=9192"},
        {"{'fallbacks':[{'model':'a'}],'models':['a']}", NULL, "fallbacks"},
    };

    (void)state;
    RUN(with_api(chat, API_MESSAGES), cases);
}

static void fallback_models_move(void **state)
{
    static const struct text models[] = {{"anthropic/claude-opus-4.6", 25}, {"xai/grok-3", 10}};
    static const struct request_case cases[] = {
        {"{'model':'openai/gpt-5','models':['anthropic/claude-opus-4.6','x-ai/grok-3-beta']}",
         "{'model':'openai/gpt-5','providerOptions':{'gateway':{'models':"
         "['anthropic/claude-opus-4.6','xai/grok-3']}}}",
         NULL},
        {"{'model':'openai/gpt-5','providerOptions':{'gateway':{'models':['x'],'user':'u'}}}",
         "{'model':'openai/gpt-5','providerOptions':{'gateway':{'user':'u','models':"
         "['anthropic/claude-opus-4.6','xai/grok-3']}}}",
         NULL},
    };
    static const struct request_case none[] = {
        {"{'model':'openai/gpt-5','models':['a'],'providerOptions':{'gateway':{'models':['x']}}}",
         "{'model':'openai/gpt-5','providerOptions':{'gateway':{}}}", NULL},
    };
    struct request_conversion order = chat;

    (void)state;
    RUN(order, none);
    order.models = models;
    order.model_count = 2;
    RUN(order, cases);
}

static void variants_sort_unless_the_request_does(void **state)
{
    static const struct request_case cases[] = {
        {"{'model':'m:nitro'}",
         "{'model':'openai/gpt-5','providerOptions':{'gateway':{'sort':'tps'}}}", NULL},
        {"{'model':'m:nitro','provider':{'sort':'price'}}",
         "{'model':'openai/gpt-5','providerOptions':{'gateway':{'sort':'cost'}}}", NULL},
        {"{'model':'m:nitro','providerOptions':{'gateway':{'sort':'ttft'}}}",
         "{'model':'openai/gpt-5','providerOptions':{'gateway':{'sort':'ttft'}}}", NULL},
    };
    struct request_conversion order = chat;

    (void)state;
    order.sort = "tps";
    RUN(order, cases);
}

static void a_header_replaces_the_user(void **state)
{
    static const struct request_case of_chat[] = {
        {"{'model':'openai/gpt-5'}", "{'model':'openai/gpt-5','user':'h'}", NULL},
        {"{'user':'u','model':'openai/gpt-5'}", "{'user':'h','model':'openai/gpt-5'}", NULL},
        {"{'model':'openai/gpt-5','providerOptions':{'gateway':{'user':'u'}}}",
         "{'model':'openai/gpt-5','providerOptions':{'gateway':{'user':'h'}}}", NULL},
    };
    static const struct request_case of_messages[] = {
        {"{'model':'openai/gpt-5','max_tokens':1,'user':'u'}",
         "{'model':'openai/gpt-5','max_tokens':1,'providerOptions':{'gateway':{'user':'h'}}}",
         NULL},
    };
    struct request_conversion order = chat;

    (void)state;
    order.user = TEXT("h");
    RUN(order, of_chat);
    RUN(with_api(order, API_MESSAGES), of_messages);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(providers_are_said_in_vercels_words),
        cmocka_unit_test(no_fallbacks_is_a_list_of_who_may),
        cmocka_unit_test(promises_that_vercel_does_not_make_are_refused),
        cmocka_unit_test(what_changes_no_answer_goes),
        cmocka_unit_test(what_is_not_known_goes_byte_by_byte),
        cmocka_unit_test(the_clients_own_options_are_kept),
        cmocka_unit_test(reasoning_and_verbosity_are_translated),
        cmocka_unit_test(tiers_and_users_find_their_place),
        cmocka_unit_test(prompt_cache_marks_sit_where_vercel_looks),
        cmocka_unit_test(messages_are_said_in_vercels_words),
        cmocka_unit_test(leading_system_messages_become_the_system_prompt),
        cmocka_unit_test(messages_get_the_maximum_that_they_need),
        cmocka_unit_test(fallback_models_move),
        cmocka_unit_test(variants_sort_unless_the_request_does),
        cmocka_unit_test(a_header_replaces_the_user),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
