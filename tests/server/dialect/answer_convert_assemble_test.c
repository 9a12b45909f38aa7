/* answer_convert_assemble_test.c - a stream becomes the body that would have been answered without
 * one, or is told apart from an answer. JSON is written with ' for ". */
#include "tests/server/dialect/answer_convert_support.h"

#include "tests/server/dialect/answer_support.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
    const char *promise;
    enum row_api api;
    const char *stream, *expected;
} cases[] = {
    {"texts are joined, byte for byte, in their escapes", API_CHAT,
     "data: {'id':'c','object':'chat.completion.chunk','created':1,'model':'m','choices':[{'index':"
     "0,'delta':{'role':'assistant','content':'a\\n'},'finish_reason':null}]}\n\n"
     "data: {'id':'d','created':2,'choices':[{'index':0,'delta':{'role':'assistant','content':"
     "'\\u00e9b','reasoning':'h','refusal':null}}]}\n\n"
     "data: {'choices':[{'index':0,'delta':{'reasoning':'m'},'finish_reason':'stop'}],'usage':null}"
     "\n\ndata: {'choices':[],'usage':{'cost':1.50}}\n\ndata: [DONE]\n\n",
     "{'id':'c','object':'chat.completion','created':1,'model':'m','choices':[{'index':0,'message':"
     "{"
     "'role':'assistant','content':'a\\n\\u00e9b','reasoning':'hm','refusal':null},'finish_reason':"
     "'stop'}],'usage':{'cost':1.50}}"},
    {"tool calls by index, interleaved", API_CHAT,
     "data: {'choices':[{'index':0,'delta':{'tool_calls':[{'index':0,'id':'t0','type':'function',"
     "'function':{'name':'f','arguments':''}},{'index':1,'id':'t1','function':{'name':'g'}}]}}]}"
     "\n\ndata: {'choices':[{'index':0,'delta':{'tool_calls':[{'index':1,'id':null,'function':{"
     "'arguments':'{\\u0022a'}}]}}]}\n\n"
     "data: {'choices':[{'index':0,'delta':{'tool_calls':[{'index':0,'function':{'arguments':'{}'}}"
     ",{'index':1,'id':'late','function':{'arguments':'\\u0022:1}'}}]},'finish_reason':"
     "'tool_calls'}]}\n\n",
     "{'choices':[{'index':0,'message':{'tool_calls':[{'id':'t0','type':'function','function':{"
     "'name':'f','arguments':'{}'}},{'id':'t1','function':{'name':'g','arguments':"
     "'{\\u0022a\\u0022:1}'}}],'role':'assistant','content':null},'finish_reason':'tool_calls'}]}"},
    {"reasoning details: prose by index and type, the rest one by one", API_CHAT,
     "data: {'choices':[{'delta':{'reasoning_details':[{'type':'reasoning.text','text':'a','index':"
     "0,'format':null}]}}]}\n\n"
     "data: {'choices':[{'delta':{'reasoning_details':[{'type':'reasoning.text','text':'b','index':"
     "0,'format':'f'},{'type':'reasoning.text','text':'c','index':1},{'type':"
     "'reasoning.encrypted','data':'x','index':0},{'type':'reasoning.encrypted','data':'y',"
     "'index':0}]}}]}\n\n"
     "data: {'choices':[{'delta':{'reasoning_details':[{'type':'reasoning.text','signature':'s',"
     "'index':0}]},'finish_reason':'stop'}]}\n\n",
     "{'choices':[{'message':{'reasoning_details':[{'type':'reasoning.text','text':'ab','index':0,"
     "'format':'f','signature':'s'},{'type':'reasoning.text','text':'c','index':1},{'type':"
     "'reasoning.encrypted','data':'x','index':0},{'type':'reasoning.encrypted','data':'y',"
     "'index':0}],'role':'assistant','content':null},'finish_reason':'stop'}]}"},
    {"choices, images, log probabilities, metadata and what nobody knows", API_CHAT,
     "data: {'choices':[{'index':1,'delta':{'content':'b'},'finish_reason':'length'}]}\n\n"
     "data: "
     "{'choices':[{'index':0,'delta':{'images':[{'i':1}],'odd':1},'logprobs':{'content':[1]}}]"
     "}\n\ndata: {'choices':[{'index':0,'delta':{'images':[{'i':2}],'odd':[2],'provider_metadata':{"
     "'gateway':{'cost':'1'}}},'logprobs':{'content':[2,3]},'finish_reason':'stop'}],"
     "'generationId':'g'}\n\n",
     "{'choices':[{'index':0,'message':{'images':[{'i':1},{'i':2}],'odd':[2],'provider_metadata':{"
     "'gateway':{'cost':'1'}},'role':'assistant','content':null},'logprobs':{'content':[1,2,3]},"
     "'finish_reason':'stop'},{'index':1,'message':{'content':'b','role':'assistant'},"
     "'finish_reason':'length'}],'generationId':'g'}"},
    {"completions", API_COMPLETIONS,
     "data: {'object':'text_completion','choices':[{'index':0,'text':'a'}]}\n\n"
     "data: {'choices':[{'index':0,'text':'b','finish_reason':'stop'}]}\n\n",
     "{'object':'text_completion','choices':[{'index':0,'text':'ab','finish_reason':'stop'}]}"},
    {"messages: thinking, text, tool use, the end's usage", API_MESSAGES,
     "event: message_start\ndata: {'type':'message_start','message':{'id':'g','type':'message',"
     "'model':'m','content':[],'stop_reason':null,'usage':{'input_tokens':3,'output_tokens':1}}}"
     "\n\ndata: {'type':'content_block_start','index':0,'content_block':{'type':'thinking',"
     "'thinking':'','signature':''}}\n\n"
     "data: {'type':'content_block_delta','index':0,'delta':{'type':'thinking_delta','thinking':"
     "'h'}}\n\ndata: {'type':'content_block_delta','index':0,'delta':{'type':'thinking_delta',"
     "'thinking':'m'}}\n\ndata: {'type':'content_block_delta','index':0,'delta':{'type':"
     "'signature_delta','signature':'S'}}\n\ndata: {'type':'content_block_stop','index':0}\n\n"
     "data: {'type':'content_block_start','index':1,'content_block':{'type':'text','text':''}}\n\n"
     "data: {'type':'content_block_delta','index':1,'delta':{'type':'text_delta','text':'a'}}\n\n"
     "data: {'type':'content_block_delta','index':1,'delta':{'type':'citations_delta','citation':{"
     "'c':1}}}\n\ndata: {'type':'content_block_delta','index':1,'delta':{'type':'text_delta',"
     "'text':'b'}}\n\n"
     "data: {'type':'content_block_start','index':2,'content_block':{'type':'tool_use','id':'t',"
     "'name':'f','input':{}}}\n\n"
     "data: {'type':'content_block_delta','index':2,'delta':{'type':'input_json_delta',"
     "'partial_json':''}}\n\n"
     "data: {'type':'content_block_delta','index':2,'delta':{'type':'input_json_delta',"
     "'partial_json':'{\\u0022a'}}\n\n"
     "data: {'type':'content_block_delta','index':2,'delta':{'type':'input_json_delta',"
     "'partial_json':'\\u0022: 1}'}}\n\n"
     "data: {'type':'ping'}\n\n"
     "data: {'type':'message_delta','delta':{'stop_reason':'tool_use','stop_sequence':null},"
     "'usage':{'output_tokens':9},'provider_metadata':{'gateway':{'cost':'1'}}}\n\n"
     "data: {'type':'message_stop'}\n\n",
     "{'id':'g','type':'message','model':'m','content':[{'type':'thinking','thinking':'hm',"
     "'signature':'S'},{'type':'text','text':'ab','citations':[{'c':1}]},{'type':'tool_use','id':"
     "'t','name':'f','input':{'a': 1}}],'stop_reason':'tool_use','usage':{'input_tokens':3,"
     "'output_tokens':9},'provider_metadata':{'gateway':{'cost':'1'}},'stop_sequence':null}"},
    {"a tool call that was cut off has no arguments", API_MESSAGES,
     "data: {'type':'message_start','message':{'content':[]}}\n\n"
     "data: {'type':'content_block_start','index':0,'content_block':{'input':{}}}\n\n"
     "data: {'type':'content_block_delta','index':0,'delta':{'partial_json':'{\\u0022a'}}\n\n"
     "data: {'type':'message_stop'}\n\n",
     "{'content':[{'input':{}}]}"},
    {"blocks that come whole stay whole", API_MESSAGES,
     "data: {'type':'message_start','message':{'id':'g'}}\n\n"
     "data: {'type':'content_block_start','index':0,'content_block':{'type':"
     "'web_search_tool_result','content':[{'url':'u'}]}}\n\ndata: {'type':'message_stop'}\n\n",
     "{'id':'g','content':[{'type':'web_search_tool_result','content':[{'url':'u'}]}]}"},
    {"responses: the event that ends it holds everything", API_RESPONSES,
     "event: response.created\ndata: {'type':'response.created','response':{'id':'r'}}\n\n"
     "data: {'type':'response.output_text.delta','delta':'a'}\n\n"
     "data: {'type':'response.completed','response':{'id':'r','output':[ 1 ],'error':null}}\n\n",
     "{'id':'r','output':[ 1 ],'error':null}"},
};

static void a_stream_becomes_its_body(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer_conversion conversion = a_conversion(cases[i].api, V, V);
        char *stream = quoted(cases[i].stream), *want = quoted(cases[i].expected), *body;
        int result, status;

        print_message("%s\n", cases[i].promise);
        body = convert_assembled(&conversion, stream, &result, &status);
        assert_int_equal(result, 0);
        assert_string_equal(body, want);
        free(body);
        free(stream);
        free(want);
    }
}

/* The recording, assembled and in OpenRouter's words at once. */
static void a_recorded_stream_is_assembled_and_converted(void **state)
{
    struct answer_conversion conversion = a_conversion(API_CHAT, V, O);
    size_t len;
    char *stream = read_file(TESTS_DIR "/data/wire/vercel-chat-stream.response.sse", &len), *body;
    char *want = quoted(
        "{'id':'gen_01M3RJQ2GXYP8F188NH5K17ED5','object':'chat.completion','created':1790752558,"
        "'model':'openai/gpt-4.1-nano','provider':'OpenAI','choices':[{'index':0,'message':{'role':"
        "'assistant','content':'Hello!','refusal':null,'reasoning':null},'logprobs':null,"
        "'finish_reason':'stop','native_finish_reason':'stop'}],'system_fingerprint':"
        "'fp_w2ojz1490e','usage':{'prompt_tokens':20,'completion_tokens':3,'total_tokens':23,"
        "'cost':0.0000032,'is_byok':false,'prompt_tokens_details':{'cached_tokens':0,"
        "'cache_write_tokens':0,'audio_tokens':0,'video_tokens':0},'cost_details':{"
        "'upstream_inference_cost':0.0000032,'upstream_inference_prompt_cost':0.000002,"
        "'upstream_inference_completions_cost':0.0000012},'completion_tokens_details':{"
        "'reasoning_tokens':0,'image_tokens':0}},'service_tier':'default'}");
    int result, status;

    (void)state;
    body = convert_assembled(&conversion, stream, &result, &status);
    assert_int_equal(result, 0);
    assert_string_equal(body, want);
    free(body);
    free(want);
    free(stream);
}

static void what_is_not_whole_is_no_answer(void **state)
{
    static const struct {
        enum row_api api;
        const char *stream;
    } torn[] = {
        {API_CHAT, "data: [DONE]\n\n"},
        {API_CHAT, "data: {'choices':[{'index':0,'delta':{'content':'a'}}]}\n\ndata: [DONE]\n\n"},
        {API_CHAT, "data: {'choices':[{'index':0,'finish_reason':'stop'}]}\n\n"
                   "data: {'choices':[{'index':1,'delta':{}}]}\n\n"},
        {API_CHAT, "data: {'choices':[{'index':0,'finish_reason':'stop'}]}\n\ndata: {oops\n\n"},
        {API_CHAT, "data: {'choices':[{'index':9999,'finish_reason':'stop'}]}\n\n"},
        {API_CHAT, "data: {'choices':[{'index':-1,'finish_reason':'stop'}]}\n\n"},
        {API_MESSAGES, "data: {'type':'message_start','message':{'content':[]}}\n\n"},
        {API_MESSAGES, "data: {'type':'message_stop'}\n\n"},
        {API_MESSAGES, "data: {'type':'content_block_delta','index':0,'delta':{'text':'a'}}\n\n"
                       "data: {'type':'message_start','message':{}}\n\n"
                       "data: {'type':'message_stop'}\n\n"},
        {API_RESPONSES, "data: {'type':'response.created','response':{'id':'r'}}\n\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(torn) / sizeof(torn[0]); i++) {
        struct answer_conversion conversion = a_conversion(torn[i].api, V, O);
        char *stream = quoted(torn[i].stream), *body;
        int result, status;

        body = convert_assembled(&conversion, stream, &result, &status);
        assert_int_equal(result, -ENODATA);
        assert_string_equal(body, "");
        assert_int_equal(status, 0);
        free(body);
        free(stream);
    }
}

static void an_error_in_the_stream_is_an_error_with_its_status(void **state)
{
    static const struct {
        enum row_api api;
        enum config_dialect to;
        const char *stream, *expected;
        int status;
    } errors[] = {
        {API_CHAT, V,
         "data: {'choices':[{'index':0,'finish_reason':'stop'}]}\n\n"
         "data: {'error':{'code':400,'message':'Token limit reached'},'choices':[]}\n\n"
         "data: {'error':{'code':500,'message':'later'}}\n\n",
         "{'error':{'message':'Token limit reached','type':'invalid_request_error','param':null,"
         "'code':400}}",
         400},
        {API_CHAT, O, "data: {'error':{'message':'m','code':'error'}}\n\n",
         "{'error':{'message':'m','code':502,'metadata':{'error_type':'provider_unavailable',"
         "'provider_code':'error'}}}",
         502},
        {API_RESPONSES, V,
         "data: {'type':'response.failed','response':{'error':{'code':'rate_limit_exceeded',"
         "'message':'m'}}}\n\n",
         "{'error':{'message':'m','type':'rate_limit_exceeded','param':null,'code':"
         "'rate_limit_exceeded'}}",
         429},
        {API_MESSAGES, O,
         "event: error\ndata: {'type':'error','error':{'type':'overloaded_error','message':'m'}}"
         "\n\n",
         "{'type':'error','error':{'type':'overloaded_error','message':'m','error_type':"
         "'provider_overloaded'},'request_id':null}",
         503},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        struct answer_conversion conversion = a_conversion(errors[i].api, V, errors[i].to);
        char *stream = quoted(errors[i].stream), *want = quoted(errors[i].expected), *body;
        int result, status;

        body = convert_assembled(&conversion, stream, &result, &status);
        assert_int_equal(result, -ENODATA);
        assert_string_equal(body, want);
        assert_int_equal(status, errors[i].status);
        free(body);
        free(want);
        free(stream);
    }
}

/* No peer makes us hold more than body_max, in bytes or in pieces. */
static void what_is_too_large_is_refused(void **state)
{
    struct answer_conversion conversion = a_conversion(API_CHAT, V, V);
    static char stream[64 * 1024];
    size_t len = 0;
    int result, status;

    (void)state;
    for (int i = 0; i < 400; i++)
        len += (size_t)snprintf(stream + len, sizeof(stream) - len,
                                "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%s\"}}]}"
                                "\n\n",
                                "0123456789012345678901234567890123456789");
    snprintf(stream + len, sizeof(stream) - len,
             "data: {\"choices\":[{\"index\":0,\"finish_reason\":\"stop\"}]}\n\n");
    conversion.body_max = 16000;
    free(convert_assembled(&conversion, stream, &result, &status));
    assert_int_equal(result, -E2BIG);
    conversion.body_max = 16200;
    free(convert_assembled(&conversion, stream, &result, &status));
    assert_int_equal(result, 0);

    /* Members without end. */
    len = (size_t)snprintf(stream, sizeof(stream), "data: {\"choices\":[{\"delta\":{");
    for (int i = 0; i < 100; i++)
        len += (size_t)snprintf(stream + len, sizeof(stream) - len, "\"m%d\":1,", i);
    snprintf(stream + len, sizeof(stream) - len, "\"z\":1}}]}\n\n");
    free(convert_assembled(&conversion, stream, &result, &status));
    assert_int_equal(result, -E2BIG);
}

/* Every choice is told to have a thousand calls before its one: what that makes us hold counts. */
static void holes_are_not_free(void **state)
{
    struct answer_conversion conversion = a_conversion(API_CHAT, V, V);
    static char stream[64 * 1024];
    size_t len = 0;
    int result, status;

    (void)state;
    for (int i = 0; i < 128; i++)
        len += (size_t)snprintf(stream + len, sizeof(stream) - len,
                                "data: {\"choices\":[{\"index\":%d,\"delta\":{\"tool_calls\":[{"
                                "\"index\":1000}]}}]}\n\n",
                                i);
    free(convert_assembled(&conversion, stream, &result, &status));
    assert_int_equal(result, -E2BIG);
}

/* A JSON text inside a JSON text has a depth of its own; together they are too deep for anybody. */
static void arguments_that_are_too_deep_spoil_the_answer(void **state)
{
    struct answer_conversion conversion = a_conversion(API_MESSAGES, V, V);
    char stream[2048], open[128], close[128];
    int result, status;

    (void)state;
    memset(open, '[', 127);
    memset(close, ']', 127);
    open[127] = close[127] = '\0';
    snprintf(stream, sizeof(stream),
             "data: {\"type\":\"message_start\",\"message\":{\"content\":[]}}\n\n"
             "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{}}\n\n"
             "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"partial_json\":"
             "\"%s%s\"}}\n\ndata: {\"type\":\"message_stop\"}\n\n",
             open, close);
    free(convert_assembled(&conversion, stream, &result, &status));
    assert_int_equal(result, -ENODATA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_becomes_its_body),
        cmocka_unit_test(a_recorded_stream_is_assembled_and_converted),
        cmocka_unit_test(what_is_not_whole_is_no_answer),
        cmocka_unit_test(an_error_in_the_stream_is_an_error_with_its_status),
        cmocka_unit_test(what_is_too_large_is_refused),
        cmocka_unit_test(holes_are_not_free),
        cmocka_unit_test(arguments_that_are_too_deep_spoil_the_answer),
    };

    return cmocka_run_group_tests(tests, open_map, close_map);
}
