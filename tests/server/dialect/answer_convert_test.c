/* answer_convert_test.c - bodies of every api in the other vendor's words, member by member. JSON
 * is written with ' for ". */
#include "tests/server/dialect/answer_convert_support.h"

#include "tests/server/dialect/answer_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void becomes(const struct answer_conversion *conversion, const char *body,
                    const char *expected)
{
    char *in = quoted(body), *out = convert_body(conversion, in), *want = quoted(expected);

    assert_non_null(out);
    assert_string_equal(out, want);
    free(in);
    free(out);
    free(want);
}

#define ROUTED(model, provider)                                                                    \
    "'routing':{'originalModelId':'asked/model','canonicalSlug':'" model                           \
    "','resolvedProvider':'" provider "','finalProvider':'" provider                               \
    "','fallbacksAvailable':[],'modelAttemptCount':1,'modelAttempts':[{'canonicalSlug':'" model    \
    "','success':true,'providerAttemptCount':1,'providerAttempts':[{'provider':'" provider "',"
#define ROUTED_END "'success':true,'statusCode':200}]}],'totalProviderAttemptCount':1}"

static const struct {
    const char *promise;
    enum row_api api;
    enum config_dialect from, to;
    const char *body, *expected;
} cases[] = {
    /* --- Vercel's chat for OpenRouter's clients --- */
    {"the sample of the reference, whole", API_CHAT, V, O,
     "{'id':'gen_01','object':'chat.completion','created':1785600000,'model':'sent/model',"
     "'generationId':'gen_01','system_fingerprint':'fp_x','choices':[{'index':0,'logprobs':null,"
     "'finish_reason':'stop','message':{'role':'assistant','content':'Hi','provider_metadata':"
     "{'zai':{},'gateway':{'routing':{'finalProvider':'zai'},'cost':'0.00254674','marketCost':"
     "'0.00254674','gatewayCost':'0.00254674','inputInferenceCost':'0.00247634',"
     "'outputInferenceCost':'0.0000704','generationId':'gen_01'}}}}],'usage':{'prompt_tokens':9520,"
     "'completion_tokens':16,'total_tokens':9536,'cost':0.00254674,'is_byok':false,'market_cost':"
     "0.00254674,'gateway_cost':0.00254674,'prompt_tokens_details':{'cached_tokens':9519,"
     "'audio_tokens':0,'video_tokens':0},'completion_tokens_details':{'reasoning_tokens':0},"
     "'cache_creation_input_tokens':7,'cost_details':{'upstream_inference_cost':null,"
     "'upstream_inference_prompt_cost':0,'upstream_inference_completions_cost':0}}}",
     "{'id':'gen_01','object':'chat.completion','created':1785600000,'model':'asked/model',"
     "'provider':'Z.AI','system_fingerprint':'fp_x','choices':[{'index':0,'logprobs':null,"
     "'finish_reason':'stop','native_finish_reason':'stop','message':{'role':'assistant','content':"
     "'Hi','refusal':null,'reasoning':null}}],'usage':{'prompt_tokens':9520,'completion_tokens':16,"
     "'total_tokens':9536,'cost':0.00254674,'is_byok':false,'prompt_tokens_details':{"
     "'cached_tokens':9519,'cache_write_tokens':7,'audio_tokens':0,'video_tokens':0},"
     "'completion_tokens_details':{'reasoning_tokens':0},'cost_details':{'upstream_inference_cost':"
     "0.00254674,'upstream_inference_prompt_cost':0.00247634,"
     "'upstream_inference_completions_cost':0.0000704}}}"},
    {"own key: the vendor's price from market_cost, who paid from the routing", API_CHAT, V, O,
     "{'model':'x','choices':[],'provider_metadata':{'gateway':{'routing':{'modelAttempts':[{"
     "'success':false},{'success':true,'providerAttempts':[{'success':false,'credentialType':"
     "'system'},{'success':true,'credentialType':'byok'}]}]}}},'usage':{'cost':0,"
     "'market_cost':0.019295}}",
     "{'model':'x','provider':'up','choices':[],'usage':{'cost':0,'is_byok':true,'cost_details':{"
     "'upstream_inference_cost':0.019295,'upstream_inference_prompt_cost':0,"
     "'upstream_inference_completions_cost':0}},'system_fingerprint':null}"},
    {"own key, from an older routing that lists its attempts flat", API_CHAT, V, O,
     "{'choices':[],'usage':{'cost':0,'is_byok':null},'provider_metadata':{'gateway':{'routing':{"
     "'attempts':[{'success':true,'credentialType':'byok'}]}}}}",
     "{'choices':[],'usage':{'cost':0,'is_byok':true},'provider':'up','system_fingerprint':null}"},
    {"an is_byok of null is not said", API_CHAT, V, O,
     "{'choices':[],'usage':{'is_byok':null,'cost':1},'provider_metadata':{'gateway':{'routing':{"
     "'modelAttempts':[{'success':true,'providerAttempts':[{'success':true,'credentialType':"
     "'system'}]}]}}}}",
     "{'choices':[],'usage':{'cost':1,'is_byok':false},'provider':'up','system_fingerprint':null}"},
    {"own key: upstream_inference_cost ranks above market_cost", API_CHAT, V, O,
     "{'choices':[],'usage':{'cost':0,'is_byok':true,'market_cost':1,'cost_details':{"
     "'upstream_inference_cost':2}}}",
     "{'choices':[],'usage':{'cost':0,'is_byok':true,'cost_details':{'upstream_inference_cost':2,"
     "'upstream_inference_prompt_cost':0,'upstream_inference_completions_cost':0}},'provider':'up',"
     "'system_fingerprint':null}"},
    {"fees are part of what is billed: zero data retention, before gateway_cost", API_CHAT, V, O,
     "{'choices':[],'usage':{'cost':0.00001638,'surcharge_cost':0.0001,'market_cost':0.00001638}}",
     "{'choices':[],'usage':{'cost':0.00011638},'provider':'up','system_fingerprint':null}"},
    {"fees are no part of what inference costs", API_CHAT, V, O,
     "{'choices':[],'usage':{'cost':0.2,'surcharge_cost':0.1,'gateway_cost':0.3,'is_byok':false},"
     "'provider_metadata':{'gateway':{'inputInferenceCost':'0.2'}}}",
     "{'choices':[],'usage':{'cost':0.3,'is_byok':false,'cost_details':{'upstream_inference_cost':"
     "0.2,'upstream_inference_prompt_cost':0.2,'upstream_inference_completions_cost':0}},"
     "'provider':'up','system_fingerprint':null}"},
    {"gatewayCost is billed where usage does not say it; exponents stay", API_CHAT, V, O,
     "{'choices':[],'usage':{'cost':1e-7},'providerMetadata':{'gateway':{'gatewayCost':'9e-7'}}}",
     "{'choices':[],'usage':{'cost':9e-7},'provider':'up','system_fingerprint':null}"},
    {"digits are never touched, however many", API_CHAT, V, O,
     "{'choices':[],'usage':{'gateway_cost':0.0018599999999999999,'cost':0.00185999}}",
     "{'choices':[],'usage':{'cost':0.0018599999999999999},'provider':'up',"
     "'system_fingerprint':null}"},
    {"a cost that is no JSON number is not said", API_CHAT, V, O,
     "{'choices':[],'usage':{'total_tokens':1},'provider_metadata':{'gateway':{'cost':'.5',"
     "'gatewayCost':'free','inputInferenceCost':'01'}}}",
     "{'choices':[],'usage':{'total_tokens':1},'provider':'up','system_fingerprint':null}"},
    {"nothing known of the cost: none is invented", API_CHAT, N, O,
     "{'id':'c','model':'sent/model','choices':[],'usage':{'prompt_tokens':1},'provider':'groq'}",
     "{'id':'c','model':'asked/model','provider':'Groq','choices':[],'usage':{'prompt_tokens':1},"
     "'system_fingerprint':null}"},
    {"reasoning_content is reasoning; nulls that its schema does not know vanish", API_CHAT, N, O,
     "{'choices':[{'finish_reason':'stop','message':{'reasoning_content':'hm','content':null,"
     "'tool_calls':null,'refusal':null}}]}",
     "{'choices':[{'finish_reason':'stop','native_finish_reason':'stop','message':{'reasoning':"
     "'hm','content':null,'refusal':null}}],'provider':'up','system_fingerprint':null}"},
    {"nulls inside calls and counts vanish", API_CHAT, N, O,
     "{'choices':[{'message':{'refusal':null,'reasoning':null,'tool_calls':[{'index':0,'id':null,"
     "'type':null,'function':{'name':null,'arguments':null}},{'id':'c','type':'function',"
     "'function':{'name':'f','arguments':'{}','x':null}},{'function':null},7]}}],'usage':{"
     "'total_tokens':1,'prompt_tokens_details':{'audio_tokens':null,'cached_tokens':null,"
     "'text_tokens':null,'image_tokens':null},'completion_tokens_details':{"
     "'accepted_prediction_tokens':null,'audio_tokens':null,'reasoning_tokens':3,"
     "'rejected_prediction_tokens':null,'text_tokens':null}},'system_fingerprint':null}",
     "{'choices':[{'message':{'refusal':null,'reasoning':null,'tool_calls':[{'index':0,"
     "'function':{}},{'id':'c','type':'function','function':{'name':'f','arguments':'{}','x':null}"
     "},{},7]}}],'usage':{'total_tokens':1,'prompt_tokens_details':{},"
     "'completion_tokens_details':{'reasoning_tokens':3}},'system_fingerprint':null,'provider':"
     "'up'}"},
    {"counts of null do not hide those that stand elsewhere", API_CHAT, V, O,
     "{'choices':[],'usage':{'cache_creation_input_tokens':5,'prompt_tokens_details':{"
     "'cached_tokens':2,'cache_write_tokens':null},'completion_tokens_details':null},"
     "'system_fingerprint':null}",
     "{'choices':[],'usage':{'prompt_tokens_details':{'cached_tokens':2,'cache_write_tokens':5}},"
     "'system_fingerprint':null,'provider':'up'}"},
    {"reasoning that is there wins over its alias", API_CHAT, N, O,
     "{'choices':[{'message':{'reasoning_content':'a','reasoning':'b'}},{'message':{'reasoning':"
     "null,'reasoning_content':'c','refusal':'no'}}],'system_fingerprint':'f'}",
     "{'choices':[{'message':{'reasoning':'b','refusal':null}},{'message':{'reasoning':'c',"
     "'refusal':'no'}}],'system_fingerprint':'f','provider':'up'}"},
    {"cache writes without details have a place", API_CHAT, V, O,
     "{'choices':[],'usage':{'cache_creation_input_tokens':5},'system_fingerprint':null}",
     "{'choices':[],'usage':{'prompt_tokens_details':{'cached_tokens':0,'cache_write_tokens':5}},"
     "'system_fingerprint':null,'provider':'up'}"},
    {"members given twice are said once, with their last value", API_CHAT, V, O,
     "{'model':'a','model':'sent/model','choices':[],'choices':[{'finish_reason':'length'}],"
     "'system_fingerprint':null}",
     "{'model':'asked/model','provider':'up','choices':[{'finish_reason':'length',"
     "'native_finish_reason':'length'}],'system_fingerprint':null}"},
    {"a 200 that is nothing but an error", API_CHAT, V, O,
     "{'error':{'message':'m','type':'rate_limit_exceeded'}}",
     "{'error':{'message':'m','code':429,'metadata':{'error_type':'rate_limit_exceeded'}}}"},
    /* --- OpenRouter's chat for Vercel's clients --- */
    {"metadata is made of what OpenRouter says", API_CHAT, O, V,
     "{'id':'gen-1','model':'z-ai/glm-4.6','provider':'Z.AI','choices':[{'finish_reason':'stop',"
     "'native_finish_reason':'end','message':{'content':'Hi','reasoning':null}},{'message':{}}],"
     "'usage':{'prompt_tokens':3,'cost':7.35e-06,'is_byok':false,'prompt_tokens_details':{"
     "'cached_tokens':1,'cache_write_tokens':2},'cost_details':{'upstream_inference_cost':7.35e-06,"
     "'upstream_inference_prompt_cost':0.00000135,'upstream_inference_completions_cost':"
     "0.000006}}}",
     "{'id':'gen-1','model':'zai/glm-4.6','choices':[{'finish_reason':'stop','message':{'content':"
     "'Hi','provider_metadata':{'gateway':{" ROUTED(
         "zai/glm-4.6",
         "zai") "'credentialType':"
                "'system'," ROUTED_END
                ",'cost':'7.35e-06','marketCost':'7.35e-06','gatewayCost':'7.35e-06',"
                "'inferenceCost':'7.35e-06','inputInferenceCost':'0.00000135','outputInferenceCost'"
                ":"
                "'0.000006','generationId':'gen-1'}}}},{'message':{}}],'usage':{'prompt_tokens':3,'"
                "cost':"
                "7.35e-06,'is_byok':false,'prompt_tokens_details':{'cached_tokens':1},'cost_"
                "details':{"
                "'upstream_inference_cost':null,'upstream_inference_prompt_cost':0.00000135,"
                "'upstream_inference_completions_cost':0.000006},'cache_creation_input_tokens':2,"
                "'market_cost':7.35e-06,'gateway_cost':7.35e-06},'generationId':'gen-1'}"},
    {"own key: inference costs nothing, the fee is what is billed", API_CHAT, O, V,
     "{'id':'g','model':'sent/model','choices':[{'message':{}}],'usage':{'cost':0.001,'is_byok':"
     "true,'cost_details':{'upstream_inference_cost':0.02}},'provider':'Amazon Bedrock'}",
     "{'id':'g','model':'asked/"
     "model','choices':[{'message':{'provider_metadata':{'gateway':{" ROUTED(
         "asked/model",
         "bedrock") "'credentialType':'byok'," ROUTED_END
                    ",'cost':'0','marketCost':'0.02','surchargeCost':'0.001',"
                    "'gatewayCost':'0.001','inferenceCost':'0','generationId':'g'}}}}"
                    "],'usage':{'cost':0,'is_byok':true,'cost_details':{"
                    "'upstream_inference_cost':0.02},'market_cost':0.02,"
                    "'surcharge_cost':0.001,'gateway_cost':0.001},'generationId':"
                    "'g'}"},
    {"an upstream of OpenAI's dialect says little, and little is said", API_CHAT, N, V,
     "{'id':'c','model':'sent/model','choices':[{'message':{'reasoning_content':'hm'}}],'usage':{"
     "'prompt_tokens':1}}",
     "{'id':'c','model':'asked/model','choices':[{'message':{'reasoning':'hm','provider_metadata':{"
     "'gateway':{" ROUTED("asked/model", "up") ROUTED_END ",'generationId':'c'}}}}],'usage':{"
                                                          "'prompt_tokens':1},'generationId':'c'}"},
    {"metadata that an upstream wrote itself stays the only one", API_CHAT, N, V,
     "{'id':'c','choices':[{'message':{'provider_metadata':{'gateway':{'cost':'1'}}}}]}",
     "{'id':'c','choices':[{'message':{'provider_metadata':{'gateway':{'cost':'1'}}}}],"
     "'generationId':'c'}"},
    /* --- completions --- */
    {"completions have no message", API_COMPLETIONS, N, V,
     "{'id':'c','model':'sent/model','choices':[{'text':'hi','finish_reason':'stop'}]}",
     "{'id':'c','model':'asked/model','choices':[{'text':'hi','finish_reason':'stop',"
     "'provider_metadata':{'gateway':{" ROUTED("asked/model", "up") ROUTED_END
     ",'generationId':'c'}}}],'generationId':'c'}"},
    {"completions for OpenRouter", API_COMPLETIONS, N, O,
     "{'id':'c','model':'sent/model','choices':[{'text':'hi','finish_reason':'stop'}],'usage':{"
     "'total_tokens':2}}",
     "{'id':'c','model':'asked/model','provider':'up','choices':[{'text':'hi','finish_reason':"
     "'stop','native_finish_reason':'stop'}],'usage':{'total_tokens':2}}"},
    /* --- responses --- */
    {"responses for OpenRouter: input and output names", API_RESPONSES, V, O,
     "{'id':'gen_1','object':'response','created_at':1,'completed_at':2,'model':'zai/glm-4.6',"
     "'error':null,'incomplete_details':null,'instructions':null,'metadata':{},'temperature':1,"
     "'top_p':1,'presence_penalty':0,'frequency_penalty':0,'output':[{'id':'m'}],'usage':{"
     "'input_tokens':5,'input_tokens_details':{'cached_tokens':1},'output_tokens':2,"
     "'output_tokens_details':{'reasoning_tokens':0},'total_tokens':7},'providerMetadata':{"
     "'gateway':{'routing':{'finalProvider':'zai'},'cost':'0.0001','inputInferenceCost':'5e-5',"
     "'outputInferenceCost':'0.00005'}}}",
     "{'id':'gen_1','object':'response','created_at':1,'completed_at':2,'model':'z-ai/glm-4.6',"
     "'provider':'Z.AI','error':null,'incomplete_details':null,'instructions':null,'metadata':{},"
     "'temperature':1,'top_p':1,'presence_penalty':0,'frequency_penalty':0,'output':[{'id':'m'}],"
     "'usage':{'input_tokens':5,'input_tokens_details':{'cached_tokens':1},'output_tokens':2,"
     "'output_tokens_details':{'reasoning_tokens':0},'total_tokens':7,'cost':0.0001,"
     "'cost_details':{'upstream_inference_cost':0.0001,'upstream_inference_input_cost':5e-5,"
     "'upstream_inference_output_cost':0.00005}},'parallel_tool_calls':true,'tool_choice':'auto',"
     "'tools':[]}"},
    {"responses: what its schema requires, null or absent", API_RESPONSES, N, O,
     "{'completed_at':1,'error':null,'frequency_penalty':0,'incomplete_details':null,'instructions"
     "':null,'metadata':null,'presence_penalty':0,'temperature':1,'top_p':1,'parallel_tool_calls':"
     "null,'tools':null,'usage':{'input_tokens':5,'input_tokens_details':{'cached_tokens':null},'o"
     "utput_tokens_details':{}}}",
     "{'completed_at':1,'error':null,'frequency_penalty':0,'incomplete_details':null,'instructions"
     "':null,'metadata':null,'presence_penalty':0,'temperature':1,'top_p':1,'usage':{'input_tokens"
     "':5,'input_tokens_details':{'cached_tokens':0},'output_tokens_details':{'reasoning_tokens':0"
     "}},'parallel_tool_calls':true,'tool_choice':'auto','tools':[]}"},
    {"responses: what is said stays; counts without details have them", API_RESPONSES, N, O,
     "{'completed_at':1,'error':null,'frequency_penalty':0,'incomplete_details':null,'instructions"
     "':null,'metadata':null,'presence_penalty':0,'temperature':1,'top_p':1,'parallel_tool_calls':"
     "false,'tool_choice':'none','tools':[{'type':'x'}],'usage':{'input_tokens':5,'output_tokens_d"
     "etails':null}}",
     "{'completed_at':1,'error':null,'frequency_penalty':0,'incomplete_details':null,'instructions"
     "':null,'metadata':null,'presence_penalty':0,'temperature':1,'top_p':1,'parallel_tool_calls':"
     "false,'tool_choice':'none','tools':[{'type':'x'}],'usage':{'input_tokens':5,'input_tokens_de"
     "tails':{'cached_tokens':0},'output_tokens_details':{'reasoning_tokens':0}}}"},
    {"responses for Vercel: the cost is in the metadata alone", API_RESPONSES, O, V,
     "{'id':'g','model':'sent/model','provider':'OpenAI','output':[],'usage':{'input_tokens':7,"
     "'cost':0.0046,'is_byok':false,'cost_details':{'upstream_inference_cost':0.0028,"
     "'upstream_inference_input_cost':0.001,'upstream_inference_output_cost':0.0018}}}",
     "{'id':'g','model':'asked/model','output':[],'usage':{'input_tokens':7},'provider_metadata':{"
     "'gateway':{" ROUTED("asked/model",
                          "openai") "'credentialType':'system'," ROUTED_END
                                    ",'cost':'0.0046','marketCost':'0.0028','gatewayCost':'0.0046',"
                                    "'inferenceCost':'0.0046',"
                                    "'inputInferenceCost':'0.001','outputInferenceCost':'0.0018','"
                                    "generationId':'g'}}}"},
    /* --- messages --- */
    {"messages for OpenRouter", API_MESSAGES, V, O,
     "{'id':'g','type':'message','model':'sent/model','content':[],'usage':{'input_tokens':3,"
     "'cache_creation_input_tokens':4},'provider_metadata':{'gateway':{'routing':{'finalProvider':"
     "'anthropic'},'cost':'0.01','gatewayCost':'0.0101'},'anthropic':{}}}",
     "{'id':'g','type':'message','model':'asked/model','provider':'Anthropic','content':[],"
     "'usage':{'input_tokens':3,'cache_creation_input_tokens':4,'cost':0.0101}}"},
    {"messages for Vercel", API_MESSAGES, O, V,
     "{'id':'g','type':'message','model':'sent/model','provider':'Anthropic','content':[],'usage':{"
     "'input_tokens':3,'cost':0.5,'cost_details':{},'is_byok':false}}",
     "{'id':'g','type':'message','model':'asked/model','content':[],'usage':{'input_tokens':3},"
     "'provider_metadata':{'gateway':{" ROUTED(
         "asked/model", "anthropic") "'credentialType':"
                                     "'system'," ROUTED_END
                                     ",'cost':'0.5','marketCost':'0.5','gatewayCost':'0.5',"
                                     "'inferenceCost':'0.5','generationId':'g'}}}"},
    /* --- embeddings --- */
    {"embeddings for OpenRouter: provider and id come last", API_EMBEDDINGS, V, O,
     "{'object':'list','data':[{'embedding':[0.10,-2e-3]}],'model':'sent/model','usage':{"
     "'prompt_tokens':3},'providerMetadata':{'gateway':{'routing':{'finalProvider':'vertex'},"
     "'cost':'0.00000006','generationId':'gen_7'}}}",
     "{'object':'list','data':[{'embedding':[0.10,-2e-3]}],'model':'asked/model','usage':{"
     "'prompt_tokens':3,'cost':0.00000006},'provider':'Google','id':'gen_7'}"},
    {"embeddings for Vercel: no id at the top", API_EMBEDDINGS, O, V,
     "{'object':'list','data':[],'model':'sent/model','usage':{'prompt_tokens':3,'cost':6e-8},"
     "'provider':'Google AI Studio','id':'gen-emb-1'}",
     "{'object':'list','data':[],'model':'asked/model','usage':{'prompt_tokens':3},"
     "'providerMetadata':{'gateway':{" ROUTED("asked/model", "google") ROUTED_END
     ",'cost':'6e-8','marketCost':'6e-8','gatewayCost':'6e-8','inferenceCost':'6e-8',"
     "'generationId':'gen-emb-1'}}}"},
    /* --- the same dialect --- */
    {"the same dialect: the model's name, nothing else", API_CHAT, V, V,
     "{'id':'g','model':'sent/model','provider_metadata':{'gateway':{'cost':'1e0','generationId':"
     "'g'}},'choices':[{'message':{'reasoning_content':null}}],'usage':{'cost':1.0}}",
     "{'id':'g','model':'asked/model','provider_metadata':{'gateway':{'cost':'1e0','generationId':"
     "'g'}},'choices':[{'message':{'reasoning_content':null}}],'usage':{'cost':1.0}}"},
    {"the same dialect: another model served, and keeps its name", API_CHAT, O, O,
     "{'model':'z-ai/glm-4.6'}", "{'model':'z-ai/glm-4.6'}"},
};

static void bodies_speak_the_clients_dialect(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer_conversion conversion =
            a_conversion(cases[i].api, cases[i].from, cases[i].to);

        print_message("%s\n", cases[i].promise);
        becomes(&conversion, cases[i].body, cases[i].expected);
    }
}

/* An id that a client has seen stands wherever the answer states one. */
static void a_shown_id_replaces_every_id(void **state)
{
    struct answer_conversion conversion = a_conversion(API_CHAT, V, V);

    (void)state;
    conversion.shown_id = TEXT("S");
    becomes(&conversion,
            "{'id':'g','generationId':'g','choices':[{'message':{'tool_calls':[{'id':'t'}],"
            "'provider_metadata':{'gateway':{'generationId':'g'},'openai':{'id':'o'}}}}]}",
            "{'id':'S','generationId':'S','choices':[{'message':{'tool_calls':[{'id':'t'}],"
            "'provider_metadata':{'gateway':{'generationId':'S'},'openai':{'id':'o'}}}}]}");
    conversion = a_conversion(API_EMBEDDINGS, V, O);
    conversion.shown_id = TEXT("S");
    becomes(&conversion, "{'data':[],'model':'m'}", "{'data':[],'model':'m','id':'S'}");
    conversion = a_conversion(API_EMBEDDINGS, N, V);
    conversion.shown_id = TEXT("S");
    becomes(&conversion, "{'id':'g','data':[]}",
            "{'data':[],'providerMetadata':{'gateway':{" ROUTED("asked/model", "up") ROUTED_END
            ",'generationId':'S'}}}");
    conversion = a_conversion(API_RESPONSES, V, O);
    conversion.shown_id = TEXT("S");
    conversion.api = API_MESSAGES;
    becomes(&conversion, "{'id':'g','content':[{'id':'b'}]}", "{'id':'S','content':[{'id':'b'}]}");
}

static void router_metadata_tells_every_attempt(void **state)
{
    struct answer_conversion conversion = a_conversion(API_CHAT, V, O);

    (void)state;
    conversion.metadata = true;
    conversion.attempts =
        TEXT("[{\"upstream\":\"first\",\"model\":\"a/b\",\"status\":503,\"ms\":1}]");
    becomes(&conversion,
            "{'model':'zai/glm-4.6','choices':[],'system_fingerprint':null,'provider_metadata':{"
            "'gateway':{'routing':{'finalProvider':'bedrock','fallbacksAvailable':['azure'],"
            "'modelAttempts':[{'canonicalSlug':'zai/glm-4.6','success':true,'providerAttempts':[{"
            "'provider':'zai','success':false,'statusCode':429},{'provider':'bedrock','success':"
            "true,'credentialType':'byok'}]}]}}}}",
            "{'model':'z-ai/glm-4.6','provider':'Amazon Bedrock','choices':[],"
            "'system_fingerprint':null,'openrouter_metadata':{'requested':'asked/model','strategy':"
            "'fallback','region':null,'summary':'available=3, selected=Amazon Bedrock','attempt':3,"
            "'is_byok':true,'endpoints':{'total':3,'available':[{'provider':'Z.AI','model':"
            "'z-ai/glm-4.6','selected':false},{'provider':'Amazon Bedrock','model':'z-ai/glm-4.6',"
            "'selected':true},{'provider':'Azure','model':'z-ai/glm-4.6','selected':false}]},"
            "'attempts':[{'provider':'first','model':'a/b','status':503},{'provider':'Z.AI',"
            "'model':'z-ai/glm-4.6','status':429},{'provider':'Amazon Bedrock','model':"
            "'z-ai/glm-4.6','status':200}]}}");
}

static void router_metadata_names_the_upstream_for_want_of_a_provider(void **state)
{
    struct answer_conversion conversion = a_conversion(API_CHAT, V, O);

    (void)state;
    conversion.metadata = true;
    becomes(&conversion, "{'choices':[],'system_fingerprint':null}",
            "{'choices':[],'system_fingerprint':null,'provider':'up','openrouter_metadata':{"
            "'requested':'asked/model','strategy':'direct','region':null,'summary':'available=1, "
            "selected=up','attempt':1,'is_byok':false,'endpoints':{'total':1,'available':[{"
            "'provider':'up','model':'asked/model','selected':true}]},'attempts':[{'provider':"
            "'up','model':'asked/model','status':200}]}}");
}

/* gateway.routing has our own attempts as models that failed, and OpenRouter's as providers. */
static void routing_tells_every_attempt(void **state)
{
    struct answer_conversion conversion = a_conversion(API_RESPONSES, O, V);

    (void)state;
    conversion.attempts = TEXT("[{\"upstream\":\"first\",\"model\":\"a/b\",\"status\":503}]");
    becomes(&conversion,
            "{'model':'sent/model','openrouter_metadata':{'endpoints':{'available':[{'provider':"
            "'Acme','selected':false},{'provider':'Beta','selected':true}]},'attempts':[{"
            "'provider':'Acme','model':'sent/model','status':503},{'provider':'Beta','status':200}"
            "]}}",
            "{'model':'asked/model','provider_metadata':{'gateway':{'routing':{'originalModelId':"
            "'asked/model','canonicalSlug':'asked/model','resolvedProvider':'beta','finalProvider':"
            "'beta','fallbacksAvailable':[],'modelAttemptCount':2,'modelAttempts':[{"
            "'canonicalSlug':'a/b','success':false,'providerAttemptCount':1,'providerAttempts':[{"
            "'provider':'first','success':false,'statusCode':503}]},{'canonicalSlug':'asked/model',"
            "'success':true,'providerAttemptCount':2,'providerAttempts':[{'provider':'acme',"
            "'success':false,'statusCode':503},{'provider':'beta','success':true,'statusCode':200}"
            "]}],'totalProviderAttemptCount':3}}}}");
}

/* The recorded answer of a cache write, every other byte as it was. */
static void a_recorded_body_keeps_its_text(void **state)
{
    struct answer_conversion conversion = a_conversion(API_CHAT, O, V);
    size_t len, body_len;
    char *file = read_file(TESTS_DIR "/data/wire/openrouter-chat-prompt-cache.response.json", &len);
    const char *body = recorded_body(file, len, &body_len);
    char *text = strndup(body, body_len), *out;

    (void)state;
    out = convert_body(&conversion, text);
    assert_non_null(out);
    assert_non_null(strstr(out, "Comprehensive Analysis\\n\\n## Table of Contents\\n1. F"));
    assert_non_null(strstr(out, "\"cache_creation_input_tokens\":3211,\"market_cost\":0.01355025,"
                                "\"gateway_cost\":0.01355025"));
    assert_non_null(strstr(out, "\"cost\":\"0.01355025\",\"marketCost\":\"0.01355025\""));
    assert_non_null(strstr(out, "\"finalProvider\":\"anthropic\""));
    assert_null(strstr(out, "native_finish_reason"));
    assert_null(strstr(out, "cache_write_tokens"));
    assert_null(strstr(out, "\"provider\":\"Anthropic\""));
    free(out);
    free(text);
    free(file);
}

static void what_is_no_object_is_refused(void **state)
{
    static const char *const bodies[] = {"", "[]", "null", "{", "<html>"};
    struct answer_conversion conversion = a_conversion(API_CHAT, V, O);

    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        assert_null(convert_body(&conversion, bodies[i]));
}

static void only_what_differs_is_converted(void **state)
{
    struct answer_conversion conversion = a_conversion(API_CHAT, V, V);

    (void)state;
    assert_true(answer_conversion_is_needed(&conversion));
    conversion.model_sent = conversion.model_requested;
    assert_false(answer_conversion_is_needed(&conversion));
    conversion.assemble = true;
    assert_true(answer_conversion_is_needed(&conversion));
    conversion.assemble = false;
    conversion.shown_id = TEXT("S");
    assert_true(answer_conversion_is_needed(&conversion));
    conversion.api = API_IMAGES;
    assert_false(answer_conversion_is_needed(&conversion));
    conversion = a_conversion(API_CHAT, N, V);
    assert_true(answer_conversion_is_needed(&conversion));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_speak_the_clients_dialect),
        cmocka_unit_test(a_shown_id_replaces_every_id),
        cmocka_unit_test(router_metadata_tells_every_attempt),
        cmocka_unit_test(router_metadata_names_the_upstream_for_want_of_a_provider),
        cmocka_unit_test(routing_tells_every_attempt),
        cmocka_unit_test(a_recorded_body_keeps_its_text),
        cmocka_unit_test(what_is_no_object_is_refused),
        cmocka_unit_test(only_what_differs_is_converted),
    };

    return cmocka_run_group_tests(tests, open_map, close_map);
}
