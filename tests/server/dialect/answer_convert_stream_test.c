/* answer_convert_stream_test.c - streams in the other vendor's grammar, event by event. JSON is
 * written with ' for ". */
#include "tests/server/dialect/answer_convert_support.h"

#include "tests/server/dialect/answer_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void becomes(const struct answer_conversion *conversion, const char *stream,
                    const char *expected)
{
    char *in = quoted(stream), *out = convert_stream(conversion, in), *want = quoted(expected);

    assert_string_equal(out, want);
    free(in);
    free(out);
    free(want);
}

/* The event of this number, borrowed until the next call; its `data: ` and blank line cut off. */
static const char *nth_event(const char *stream, size_t number)
{
    static char text[1 << 16];
    const char *end;

    for (; number > 0; number--) {
        stream = strstr(stream, "\n\n");
        assert_non_null(stream);
        stream += 2;
    }
    end = strstr(stream, "\n\n");
    assert_non_null(end);
    assert_memory_equal(stream, "data: ", 6);
    memcpy(text, stream + 6, (size_t)(end - stream) - 6);
    text[end - stream - 6] = '\0';
    return text;
}

static void is_event(const char *stream, size_t number, const char *expected)
{
    char *want = quoted(expected);

    assert_string_equal(nth_event(stream, number), want);
    free(want);
}

static char *recorded(const char *name)
{
    char path[512];
    size_t len;

    snprintf(path, sizeof(path), "%s/data/wire/%s", TESTS_DIR, name);
    return read_file(path, &len);
}

#define HEAD                                                                                       \
    "{'id':'gen_01M3RJQ2GXYP8F188NH5K17ED5','object':'chat.completion.chunk','created':"           \
    "1790752558,'model':'openai/gpt-4.1-nano','provider':"

/* Chunk by chunk: one more than came, since the last is two. */
static void a_recorded_vercel_stream_is_openrouters(void **state)
{
    struct answer_conversion conversion = a_conversion(API_CHAT, V, O);
    char *stream = recorded("vercel-chat-stream.response.sse"), *out;

    (void)state;
    conversion.model_requested = conversion.model_sent = TEXT("openai/gpt-4.1-nano");
    conversion.metadata = true;
    out = convert_stream(&conversion, stream);
    is_event(out, 0,
             HEAD "'up','choices':[{'index':0,'delta':{'role':'assistant'},'logprobs':null,"
                  "'finish_reason':null,'native_finish_reason':null}],'system_fingerprint':"
                  "'fp_w2ojz1490e'}");
    is_event(out, 1,
             HEAD "'up','choices':[{'index':0,'delta':{'content':'Hello'},'logprobs':null,"
                  "'finish_reason':null,'native_finish_reason':null}],'system_fingerprint':"
                  "'fp_w2ojz1490e'}");
    is_event(out, 2,
             HEAD "'up','choices':[{'index':0,'delta':{'content':'!'},'logprobs':null,"
                  "'finish_reason':null,'native_finish_reason':null}],'system_fingerprint':"
                  "'fp_w2ojz1490e'}");
    is_event(out, 3,
             HEAD "'OpenAI','choices':[{'index':0,'delta':{'role':'assistant','content':''},"
                  "'logprobs':null,'finish_reason':'stop','native_finish_reason':'stop'}],"
                  "'system_fingerprint':'fp_w2ojz1490e','service_tier':'default'}");
    is_event(out, 4,
             HEAD
             "'OpenAI','choices':[{'index':0,'delta':{'role':'assistant','content':''},"
             "'finish_reason':'stop','native_finish_reason':'stop','logprobs':null}],'usage':{"
             "'prompt_tokens':20,'completion_tokens':3,'total_tokens':23,'cost':0.0000032,"
             "'is_byok':false,'prompt_tokens_details':{'cached_tokens':0,'cache_write_tokens':"
             "0,'audio_tokens':0,'video_tokens':0},'cost_details':{'upstream_inference_cost':"
             "0.0000032,'upstream_inference_prompt_cost':0.000002,"
             "'upstream_inference_completions_cost':0.0000012},'completion_tokens_details':{"
             "'reasoning_tokens':0,'image_tokens':0}},'system_fingerprint':'fp_w2ojz1490e',"
             "'service_tier':'default','openrouter_metadata':{'requested':"
             "'openai/gpt-4.1-nano','strategy':'direct','region':null,'summary':"
             "'available=2, selected=OpenAI','attempt':1,'is_byok':false,'endpoints':{'total':"
             "2,'available':[{'provider':'OpenAI','model':'openai/gpt-4.1-nano','selected':"
             "true},{'provider':'Azure','model':'openai/gpt-4.1-nano','selected':false}]},"
             "'attempts':[{'provider':'OpenAI','model':'openai/gpt-4.1-nano','status':200}]}}");
    assert_string_equal(nth_event(out, 5), "[DONE]");
    free(out);
    free(stream);
}

/* The finishing and the usage chunk become one, and all before them lose two members. */
static void a_recorded_openrouter_stream_is_vercels(void **state)
{
    struct answer_conversion conversion = a_conversion(API_CHAT, O, V);
    char *stream = recorded("openrouter-chat-stream.response.sse"), *out;
    size_t chunks = 0, came = 0;

    (void)state;
    conversion.model_requested = TEXT("spacexai/grok-4");
    conversion.model_sent = TEXT("x-ai/grok-4");
    out = convert_stream(&conversion, stream);
    for (const char *at = stream; (at = strstr(at, "data: ")) != NULL; at++)
        came++;
    for (const char *at = out; (at = strstr(at, "data: ")) != NULL; at++)
        chunks++;
    assert_int_equal(chunks, came - 1);
    is_event(out, 0,
             "{'id':'gen-1762064096-m5VxL2xrxOREwashCey6','model':'spacexai/grok-4','object':"
             "'chat.completion.chunk','created':1762064097,'choices':[{'index':0,'delta':{'role':"
             "'assistant','content':''},'finish_reason':null,'logprobs':null}]}");
    assert_null(strstr(out, "\"provider\":\"xAI\""));
    assert_null(strstr(out, "native_finish_reason"));
    assert_non_null(strstr(nth_event(out, 1), "\"type\":\"reasoning.encrypted\",\"data\":\"B7oH6"));
    is_event(out, chunks - 2,
             "{'id':'gen-1762064096-m5VxL2xrxOREwashCey6','model':'spacexai/grok-4','object':"
             "'chat.completion.chunk','created':1762064097,'choices':[{'index':0,'delta':{'role':"
             "'assistant','content':'','provider_metadata':{'gateway':{'routing':{"
             "'originalModelId':'spacexai/grok-4','canonicalSlug':'spacexai/grok-4',"
             "'resolvedProvider':'xai','finalProvider':'xai','fallbacksAvailable':[],"
             "'modelAttemptCount':1,'modelAttempts':[{'canonicalSlug':'spacexai/grok-4','success':"
             "true,'providerAttemptCount':1,'providerAttempts':[{'provider':'xai','credentialType':"
             "'system','success':true,'statusCode':200}]}],'totalProviderAttemptCount':1},'cost':"
             "'0.00333825','marketCost':'0.00333825','gatewayCost':'0.00333825','inferenceCost':"
             "'0.00333825','inputInferenceCost':'0.00053325','outputInferenceCost':'0.002805',"
             "'generationId':'gen-1762064096-m5VxL2xrxOREwashCey6'}}},'finish_reason':'stop',"
             "'logprobs':null}],'usage':{'prompt_tokens':687,'completion_tokens':187,"
             "'total_tokens':874,'cost':0.00333825,'is_byok':false,'prompt_tokens_details':{"
             "'cached_tokens':679,'audio_tokens':0},'cost_details':{'upstream_inference_cost':null,"
             "'upstream_inference_prompt_cost':0.00053325,'upstream_inference_completions_cost':"
             "0.002805},'completion_tokens_details':{'reasoning_tokens':118,'image_tokens':0},"
             "'market_cost':0.00333825,'gateway_cost':0.00333825},'generationId':"
             "'gen-1762064096-m5VxL2xrxOREwashCey6'}");
    assert_string_equal(nth_event(out, chunks - 1), "[DONE]");
    free(out);
    free(stream);
}

/* Two chunks that seem to finish, then an error: what was held goes out as it came. */
static void a_recorded_stream_error_is_vercels(void **state)
{
    struct answer_conversion conversion = a_conversion(API_CHAT, O, V);
    char *stream = recorded("openrouter-chat-stream-error.response.sse"), *out;

    (void)state;
    conversion.model_requested = TEXT("minimax/minimax-m2");
    conversion.model_sent = TEXT("minimax/minimax-m2:free");
    out = convert_stream(&conversion, stream);
    is_event(out, 1,
             "{'id':'gen-1762179802-UN8pkJI4AGZvryk0kFnb','model':'minimax/minimax-m2','object':"
             "'chat.completion.chunk','created':1762179802,'choices':[{'index':0,'delta':{'role':"
             "'assistant','content':'','reasoning':' to respond to a greeting. The user',"
             "'reasoning_details':[{'type':'reasoning.text','text':"
             "' to respond to a greeting. The user','index':0,'format':null}]},'finish_reason':"
             "'length','logprobs':null}]}");
    assert_non_null(strstr(nth_event(out, 2), "\"finish_reason\":\"length\""));
    is_event(out, 3,
             "{'id':'gen-1762179802-UN8pkJI4AGZvryk0kFnb','error':{'message':"
             "'Token limit reached','type':'invalid_request_error','param':null,'code':400},"
             "'model':'minimax/minimax-m2','object':'chat.completion.chunk','created':1762179802}");
    assert_string_equal(nth_event(out, 4), "[DONE]");
    free(out);
    free(stream);
}

#define DONE "data: [DONE]\n\n"
#define CHUNK "data: {'id':'c','created':1,'model':'sent/model',"
#define TO_O "data: {'id':'c','created':1,'model':'asked/model','provider':'up',"
#define TO_V "data: {'id':'c','created':1,'model':'asked/model',"
#define GATEWAY                                                                                    \
    "'provider_metadata':{'gateway':{'routing':{'originalModelId':'asked/model','canonicalSlug':"  \
    "'asked/model','resolvedProvider':'up','finalProvider':'up','fallbacksAvailable':[],"          \
    "'modelAttemptCount':1,'modelAttempts':[{'canonicalSlug':'asked/model','success':true,"        \
    "'providerAttemptCount':1,'providerAttempts':[{'provider':'up','success':true,'statusCode':"   \
    "200}]}],'totalProviderAttemptCount':1},'generationId':'c'}}"

static const struct {
    const char *promise;
    enum row_api api;
    enum config_dialect from, to;
    const char *stream, *expected;
} cases[] = {
    {"OpenAI's three ends become OpenRouter's: usage without a choice", API_CHAT, N, O,
     CHUNK "'choices':[{'index':0,'delta':{'content':'a'},'finish_reason':null}],'usage':null,"
           "'system_fingerprint':null}\n\n" CHUNK
           "'choices':[{'index':0,'delta':{},'finish_reason':'length'}]}\n\n" CHUNK
           "'choices':[],'usage':{'total_tokens':3}}\n\n" DONE,
     TO_O "'choices':[{'index':0,'delta':{'content':'a'},'finish_reason':null,"
          "'native_finish_reason':null}]}\n\n" TO_O
          "'choices':[{'index':0,'delta':{'role':'assistant','content':''},'finish_reason':"
          "'length','native_finish_reason':'length'}]}\n\n" TO_O
          "'choices':[{'index':0,'delta':{'role':'assistant','content':''},'finish_reason':"
          "'length','native_finish_reason':'length','logprobs':null}],'usage':{'total_tokens':3}}"
          "\n\n" DONE},
    {"and Vercel's: one chunk that holds everything", API_CHAT, N, V,
     CHUNK
     "'choices':[{'index':0,'delta':{'reasoning_content':'hm'},'finish_reason':null}]}\n\n" CHUNK
     "'choices':[{'index':0,'delta':{},'finish_reason':'stop'}]}\n\n" CHUNK
     "'choices':[],'usage':{'total_tokens':3}}\n\n" DONE,
     TO_V "'choices':[{'index':0,'delta':{'reasoning':'hm'},'finish_reason':null}]}\n\n" TO_V
          "'choices':[{'index':0,'delta':{" GATEWAY
          "},'finish_reason':'stop'}],'usage':{'total_tokens':3},'generationId':'c'}\n\n" DONE},
    {"no usage at all: the end waits for [DONE]", API_CHAT, N, V,
     CHUNK "'choices':[{'index':0,'delta':{},'finish_reason':'stop'}]}\n\n" DONE,
     TO_V "'choices':[{'index':0,'delta':{" GATEWAY
          "},'finish_reason':'stop'}],'generationId':'c'}\n\n" DONE},
    {"nor [DONE]: for the end of the stream", API_CHAT, N, O,
     CHUNK "'choices':[{'index':0,'delta':{},'finish_reason':'stop'}]}\n\n",
     TO_O "'choices':[{'index':0,'delta':{'role':'assistant','content':''},'finish_reason':'stop',"
          "'native_finish_reason':'stop'}]}\n\n"},
    {"several choices: each ends, the last tells all", API_CHAT, N, V,
     CHUNK "'choices':[{'index':0,'delta':{},'finish_reason':'stop'}]}\n\n" CHUNK
           "'choices':[{'index':1,'delta':{'content':'b'},'finish_reason':null}]}\n\n" CHUNK
           "'choices':[{'index':1,'delta':{},'finish_reason':'stop'}],'usage':{'total_tokens':3}}"
           "\n\n" DONE,
     TO_V "'choices':[{'index':0,'delta':{},'finish_reason':'stop'}]}\n\n" TO_V
          "'choices':[{'index':1,'delta':{'content':'b'},'finish_reason':null}]}\n\n" TO_V
          "'choices':[{'index':1,'delta':{" GATEWAY
          "},'finish_reason':'stop'}],'usage':{'total_tokens':3},'generationId':'c'}\n\n" DONE},
    {"usage beside words that are still to come is no end", API_CHAT, N, O,
     CHUNK "'choices':[{'index':0,'delta':{'content':'a'},'finish_reason':null}],'usage':{"
           "'total_tokens':1}}\n\n",
     TO_O "'choices':[{'index':0,'delta':{'content':'a'},'finish_reason':null,"
          "'native_finish_reason':null}],'usage':{'total_tokens':1}}\n\n"},
    {"words beside a late usage are not lost", API_CHAT, N, V,
     CHUNK "'choices':[{'index':0,'delta':{},'finish_reason':'stop'}]}\n\n" CHUNK
           "'choices':[{'index':0,'delta':{'content':'late'},'finish_reason':null}],'usage':{"
           "'total_tokens':1}}\n\n",
     TO_V "'choices':[{'index':0,'delta':{},'finish_reason':'stop'}]}\n\n" TO_V
          "'choices':[{'index':0,'delta':{'content':'late'},'finish_reason':null}],'usage':{"
          "'total_tokens':1}}\n\n"},
    {"completions: text in place of a delta", API_COMPLETIONS, N, O,
     CHUNK "'choices':[{'index':0,'text':'','finish_reason':'stop'}]}\n\n" CHUNK
           "'choices':[],'usage':{'total_tokens':3}}\n\n" DONE,
     TO_O "'choices':[{'index':0,'text':'','finish_reason':'stop','native_finish_reason':'stop'}]}"
          "\n\n" TO_O "'choices':[{'index':0,'text':'','finish_reason':'stop',"
          "'native_finish_reason':'stop','logprobs':null}],'usage':{'total_tokens':3}}\n\n" DONE},
    {"Vercel's error frame tells the provider's own words", API_CHAT, V, O,
     "data: {'id':'c','object':'chat.completion.chunk','created':1,'model':'sent/model','error':{"
     "'code':'error','message':'Stream error occurred','name':'AI_TypeValidationError','value':{"
     "'error_type':'validation_error','error_message':'the real text'}}}\n\n",
     "data: {'id':'c','object':'chat.completion.chunk','created':1,'model':'asked/model',"
     "'provider':'up','error':{'message':'the real text','code':502,'metadata':{'error_type':"
     "'provider_unavailable','provider_code':'error'}},'choices':[{'index':0,'delta':{'content':"
     "''},'finish_reason':'error'}]}\n\n"},
    {"an error without its answer is told which one it ends", API_CHAT, N, O,
     CHUNK "'choices':[{'index':0,'delta':{'content':'a'},'finish_reason':null}]}\n\n"
           "data: {'error':{'message':'m','type':'server_error','code':500}}\n\n",
     TO_O "'choices':[{'index':0,'delta':{'content':'a'},'finish_reason':null,"
          "'native_finish_reason':null}]}\n\n"
          "data: {'error':{'message':'m','code':500,'metadata':{'error_type':'server','type':"
          "'server_error'}},'id':'c','object':'chat.completion.chunk','created':1,'model':"
          "'asked/model','provider':'up','choices':[{'index':0,'delta':{'content':''},"
          "'finish_reason':'error'}]}\n\n"},
    {"what is no JSON passes as it came", API_CHAT, N, O, "data: {oops\n\ndata: [1]\n\n",
     "data: {oops\n\ndata: [1]\n\n"},
    /* --- responses --- */
    {"responses for OpenRouter: no event lines, the cost in the end, then [DONE]", API_RESPONSES, V,
     O,
     "event: response.output_text.delta\ndata: {'type':'response.output_text.delta','delta':'a'}"
     "\n\nevent: response.incomplete\ndata: {'type':'response.incomplete','response':{'id':'r',"
     "'model':'sent/model','completed_at':1,'error':null,'frequency_penalty':0,"
     "'incomplete_details':{},'instructions':null,'metadata':{},'presence_penalty':0,"
     "'temperature':1,'top_p':1,'usage':{'total_tokens':2},'provider_metadata':{'gateway':{"
     "'cost':'1e-3'}}},'sequence_number':4}\n\n",
     "data: {'type':'response.output_text.delta','delta':'a'}\n\n"
     "data: {'type':'response.incomplete','response':{'id':'r','model':'asked/model',"
     "'completed_at':1,'error':null,'frequency_penalty':0,'incomplete_details':{},'instructions':"
     "null,'metadata':{},'presence_penalty':0,'temperature':1,'top_p':1,'usage':{'total_tokens':2,"
     "'cost':1e-3,'input_tokens_details':{'cached_tokens':0},'output_tokens_details':{"
     "'reasoning_tokens':0}},'parallel_tool_calls':true,'tool_choice':'auto','tools':[]},"
     "'sequence_number':4}\n\n" DONE},
    {"responses for Vercel", API_RESPONSES, O, V,
     "data: {'type':'response.created','response':{'id':'r','model':'sent/model','usage':null}}"
     "\n\ndata: {'type':'response.completed','response':{'id':'r','model':'sent/model','usage':{"
     "'total_tokens':2,'cost':1}}}\n\n" DONE,
     "data: {'type':'response.created','response':{'id':'r','model':'asked/model','usage':null}}"
     "\n\ndata: {'type':'response.completed','response':{'id':'r','model':'asked/model','usage':{"
     "'total_tokens':2},'provider_metadata':{'gateway':{'routing':{'originalModelId':'asked/model',"
     "'canonicalSlug':'asked/model','fallbacksAvailable':[],'modelAttemptCount':1,"
     "'modelAttempts':[{'canonicalSlug':'asked/model','success':true,'providerAttemptCount':1,"
     "'providerAttempts':[{'success':true,'statusCode':200}]}],"
     "'totalProviderAttemptCount':1},'cost':'1','marketCost':'1','gatewayCost':'1',"
     "'inferenceCost':'1','generationId':'r'}}}}\n\n" DONE},
    {"an error in responses is flat, and named for OpenAI's client", API_RESPONSES, N, O,
     "data: {'type':'error','sequence_number':7,'error':{'code':'rate_limit_exceeded','message':"
     "'m'}}\n\n",
     "event: error\ndata: {'type':'error','code':'rate_limit_exceeded','message':'m','param':null,"
     "'sequence_number':7}\n\n"},
    /* --- messages --- */
    {"messages for OpenRouter: cost and provider in message_delta", API_MESSAGES, V, O,
     "event: message_start\ndata: {'type':'message_start','message':{'id':'g','model':'sent/model',"
     "'usage':{'input_tokens':3}}}\n\nevent: ping\ndata: {'type':'ping'}\n\n"
     "event: message_delta\ndata: {'type':'message_delta','delta':{'stop_reason':'end_turn'},"
     "'usage':{'output_tokens':9},'provider_metadata':{'gateway':{'routing':{'finalProvider':"
     "'anthropic'},'cost':'0.01','gatewayCost':'0.0101'}}}\n\n"
     "event: message_stop\ndata: {'type':'message_stop'}\n\n",
     "event: message_start\ndata: {'type':'message_start','message':{'id':'g','model':"
     "'asked/model','usage':{'input_tokens':3}}}\n\nevent: ping\ndata: {'type':'ping'}\n\n"
     "event: message_delta\ndata: {'type':'message_delta','delta':{'stop_reason':'end_turn'},"
     "'usage':{'output_tokens':9,'cost':0.0101},'provider':'Anthropic'}\n\n"
     "event: message_stop\ndata: {'type':'message_stop'}\n\n"},
    {"messages for Vercel: metadata on message_delta, with what message_start said", API_MESSAGES,
     N, V,
     "event: message_start\ndata: {'type':'message_start','message':{'id':'c','model':'sent/model',"
     "'provider':'up','usage':{'input_tokens':3}}}\n\n"
     "event: message_delta\ndata: {'type':'message_delta','delta':{},'usage':{'output_tokens':9}}"
     "\n\n",
     "event: message_start\ndata: {'type':'message_start','message':{'id':'c','model':'asked/model'"
     ",'usage':{'input_tokens':3}}}\n\n"
     "event: message_delta\ndata: "
     "{'type':'message_delta','delta':{},'usage':{'output_tokens':9}," GATEWAY "}\n\n"},
    {"an error in messages is Anthropic's already", API_MESSAGES, V, O,
     "event: error\ndata: {'type':'error','error':{'type':'overloaded_error','message':'m'}}\n\n",
     "event: error\ndata: {'type':'error','error':{'type':'overloaded_error','message':'m'}}\n\n"},
    {"or becomes it", API_MESSAGES, N, V, "data: {'error':{'message':'m','code':429}}\n\n",
     "event: error\ndata: {'type':'error','error':{'type':'rate_limit_error','message':'m'}}\n\n"},
    /* --- the same dialect --- */
    {"the same dialect: the model's name", API_CHAT, V, V,
     CHUNK "'choices':[{'delta':{},'finish_reason':'stop'}]}\n\n" DONE,
     TO_V "'choices':[{'delta':{},'finish_reason':'stop'}]}\n\n" DONE},
    {"the same dialect, responses", API_RESPONSES, O, O,
     "event: x\ndata: {'type':'response.created','response':{'id':'r','model':'sent/model'}}\n\n",
     "event: x\ndata: {'type':'response.created','response':{'id':'r','model':'asked/model'}}\n\n"},
};

static void streams_speak_the_clients_grammar(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer_conversion conversion =
            a_conversion(cases[i].api, cases[i].from, cases[i].to);

        print_message("%s\n", cases[i].promise);
        becomes(&conversion, cases[i].stream, cases[i].expected);
    }
}

static void a_shown_id_replaces_the_ids_of_events(void **state)
{
    struct answer_conversion conversion = a_conversion(API_RESPONSES, V, V);

    (void)state;
    conversion.shown_id = TEXT("S");
    becomes(&conversion,
            "data: {'type':'response.created','response':{'id':'r','provider_metadata':{'gateway':{"
            "'generationId':'r'}}},'item_id':'i'}\n\n",
            "data: {'type':'response.created','response':{'id':'S','provider_metadata':{'gateway':{"
            "'generationId':'S'}}},'item_id':'i'}\n\n");
    conversion.api = API_MESSAGES;
    becomes(&conversion,
            "data: {'type':'message_start','message':{'id':'m'}}\n\n"
            "data: {'type':'content_block_start','content_block':{'id':'t'}}\n\n",
            "data: {'type':'message_start','message':{'id':'S'}}\n\n"
            "data: {'type':'content_block_start','content_block':{'id':'t'}}\n\n");
    conversion = a_conversion(API_CHAT, N, V);
    conversion.shown_id = TEXT("S");
    becomes(&conversion, "data: {'id':'c','choices':[]}\n\ndata: {'error':{'message':'m'}}\n\n",
            "data: {'id':'S','choices':[]}\n\n"
            "data: {'error':{'message':'m','type':'internal_server_error','param':null,'code':"
            "'internal_server_error'},'id':'S','object':'chat.completion.chunk','model':"
            "'asked/model'}\n\n");
}

/* Which answer it ends nobody has said: it is the row's, and of now. */
static void an_error_before_all_else_is_named(void **state)
{
    static const char frame[] = "data: {'error':{'message':'m','code':500}}\n\n";
    static const char first[] = "data: {'id':'g','created':7,'choices':[]}\n\n";
    struct answer_conversion conversion = a_conversion(API_CHAT, O, V);
    char both[sizeof(first) + sizeof(frame)];

    (void)state;
    conversion.row_id = TEXT("row-1");
    conversion.now_s = 1785600000;
    becomes(&conversion, frame,
            "data: "
            "{'error':{'message':'m','type':'internal_server_error','param':null,'code':500},'id':'"
            "row-1','object':'chat.completion.chunk','created':"
            "1785600000,'model':'asked/model'}\n\n");
    conversion = a_conversion(API_CHAT, N, O);
    conversion.row_id = TEXT("row-1");
    conversion.now_s = 1785600000;
    becomes(&conversion, frame,
            "data: "
            "{'error':{'message':'m','code':500,'metadata':{'error_type':'server'}},'id':'row-1','"
            "object':"
            "'chat.completion.chunk','created':1785600000,'model':'asked/model','provider':'up',"
            "'choices':[{'index':0,'delta':{'content':''},'finish_reason':'error'}]}\n\n");
    snprintf(both, sizeof(both), "%s%s", first, frame);
    becomes(&conversion, both,
            "data: {'id':'g','created':7,'choices':[],'provider':'up'}\n\n"
            "data: "
            "{'error':{'message':'m','code':500,'metadata':{'error_type':'server'}},'id':'g','"
            "object':'chat.completion.chunk',"
            "'created':7,'model':'asked/model','provider':'up','choices':[{'index':0,'delta':{"
            "'content':''},'finish_reason':'error'}]}\n\n");
    conversion.shown_id = TEXT("S");
    conversion.now_s = 0;
    becomes(&conversion, frame,
            "data: "
            "{'error':{'message':'m','code':500,'metadata':{'error_type':'server'}},'id':'S','"
            "object':'chat.completion.chunk',"
            "'model':'asked/model','provider':'up','choices':[{'index':0,'delta':{'content':''},"
            "'finish_reason':'error'}]}\n\n");
}

/* Upstreams of OpenAI's dialect repeat as null what the first piece of a call said. */
static void nulls_inside_the_pieces_of_calls_vanish(void **state)
{
    struct answer_conversion conversion = a_conversion(API_CHAT, N, O);

    (void)state;
    becomes(&conversion,
            "data: {'provider':'up','choices':[{'delta':{'tool_calls':[{'index':0,'id':null,"
            "'type':null,'function':{'name':null,'arguments':'{}'}}]}}]}\n\n",
            "data: {'choices':[{'delta':{'tool_calls':[{'index':0,'function':{'arguments':'{}'}}]}"
            "}],'provider':'up'}\n\n");
}

/* message_stop is where OpenRouter tells how a stream of messages came about; once. */
static void router_metadata_of_messages_waits_for_the_stop(void **state)
{
    struct answer_conversion conversion = a_conversion(API_MESSAGES, V, O);

    (void)state;
    conversion.metadata = true;
    becomes(&conversion,
            "data: {'type':'message_start','message':{'model':'zai/glm-4.6'}}\n\n"
            "data: {'type':'message_delta','provider_metadata':{'gateway':{'routing':{"
            "'finalProvider':'zai'}}}}\n\ndata: {'type':'message_stop'}\n\n"
            "data: {'type':'message_stop'}\n\n",
            "data: {'type':'message_start','message':{'model':'z-ai/glm-4.6'}}\n\n"
            "data: {'type':'message_delta','provider':'Z.AI'}\n\n"
            "data: {'type':'message_stop','openrouter_metadata':{'requested':'asked/model',"
            "'strategy':'direct','region':null,'summary':'available=1, selected=Z.AI','attempt':1,"
            "'is_byok':false,'endpoints':{'total':1,'available':[{'provider':'Z.AI','model':"
            "'z-ai/glm-4.6','selected':true}]},'attempts':[{'provider':'Z.AI','model':"
            "'z-ai/glm-4.6','status':200}]}}\n\ndata: {'type':'message_stop'}\n\n");
}

static int stop(void *arg, const struct answer_event *event)
{
    (void)event;
    return ++*(int *)arg;
}

static void what_the_sink_returns_ends_the_event(void **state)
{
    struct answer_conversion conversion = a_conversion(API_CHAT, V, O);
    struct answer_converter *converter = answer_converter_new(&conversion);
    char *both = quoted("{'choices':[{'finish_reason':'stop'}],'usage':{'total_tokens':1}}");
    int calls = 0;

    (void)state;
    assert_int_equal(
        answer_convert_event(converter, (struct text){NULL, 0}, text_of(both), stop, &calls), 1);
    assert_int_equal(calls, 1); /* the usage chunk was not written any more */
    free(both);
    answer_converter_free(converter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_recorded_vercel_stream_is_openrouters),
        cmocka_unit_test(a_recorded_openrouter_stream_is_vercels),
        cmocka_unit_test(a_recorded_stream_error_is_vercels),
        cmocka_unit_test(streams_speak_the_clients_grammar),
        cmocka_unit_test(a_shown_id_replaces_the_ids_of_events),
        cmocka_unit_test(an_error_before_all_else_is_named),
        cmocka_unit_test(nulls_inside_the_pieces_of_calls_vanish),
        cmocka_unit_test(router_metadata_of_messages_waits_for_the_stop),
        cmocka_unit_test(what_the_sink_returns_ends_the_event),
    };

    return cmocka_run_group_tests(tests, open_map, close_map);
}
