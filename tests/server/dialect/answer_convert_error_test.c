/* answer_convert_error_test.c - an answer that is no 200, in the envelope of the client's dialect
 * and api. JSON is written with ' for ". */
#include "tests/server/dialect/answer_convert_support.h"

#include "tests/server/dialect/answer_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* give; "" when the body goes out as it came. */
static char *convert(const struct answer_conversion *conversion, int status, const char *body)
{
    struct out out = OUT_INIT;

    assert_int_equal(answer_convert_error(conversion, status, text_of(body), &out), 0);
    return text_from(&out);
}

static const struct {
    const char *promise;
    enum row_api api;
    enum config_dialect from, to;
    int status;
    const char *body, *expected;
} cases[] = {
    /* --- as it came --- */
    {"Vercel's for Vercel", API_CHAT, V, V, 429,
     "{'error':{'message':'m','type':'rate_limit_exceeded'},'generationId':'g'}", ""},
    {"OpenAI's for Vercel: the same envelope", API_RESPONSES, N, V, 400,
     "{'error':{'message':'m','type':'invalid_request_error','param':'x','code':null}}", ""},
    {"OpenRouter's for OpenRouter", API_EMBEDDINGS, O, O, 429,
     "{'error':{'message':'m','code':429,'metadata':{'retry_after_seconds':1}},'user_id':'u'}", ""},
    {"Anthropic's on messages, whoever", API_MESSAGES, V, O, 529,
     "{'type':'error','error':{'type':'overloaded_error','message':'m'},'request_id':'r'}", ""},
    /* --- Vercel -> OpenRouter --- */
    {"type and param are kept where a machine finds them", API_CHAT, V, O, 404,
     "{'error':{'message':'Model not found','type':'model_not_found','param':{'modelId':'x/y'},"
     "'code':'model_not_found'}}",
     "{'error':{'message':'Model not found','code':404,'metadata':{'error_type':'not_found','type':"
     "'model_not_found','provider_code':'model_not_found','param':{'modelId':'x/y'}}}}"},
    {"flat, with its own status", API_CHAT, V, O, 400,
     "{'error':'nobody is left','type':'no_providers_available','statusCode':400}",
     "{'error':{'message':'nobody is left','code':400,'metadata':{'error_type':'invalid_request',"
     "'type':'no_providers_available'}}}"},
    {"flat, of a generation", API_CHAT, V, O, 404,
     "{'error':'Usage event not found','id':'g','message':'No such generation.'}",
     "{'error':{'message':'No such "
     "generation.','code':404,'metadata':{'error_type':'not_found'}}}"},
    {"a quota is no rate, whatever the status", API_CHAT, V, O, 429,
     "{'error':{'message':'m','type':'quota_for_entity_exceeded'}}",
     "{'error':{'message':'m','code':429,'metadata':{'error_type':'payment_required','type':"
     "'quota_for_entity_exceeded'}}}"},
    {"a provider overloaded", API_CHAT, V, O, 503,
     "{'error':{'message':'m','type':'internal_server_error'}}",
     "{'error':{'message':'m','code':503,'metadata':{'error_type':'provider_overloaded','type':"
     "'internal_server_error'}}}"},
    {"an error without a message has one", API_CHAT, V, O, 500, "{'error':{'type':'x'}}",
     "{'error':{'message':'Provider returned error','code':500,'metadata':{'error_type':'server',"
     "'type':'x'}}}"},
    {"on messages, with its error_type", API_MESSAGES, N, O, 401,
     "{'error':{'message':'m','type':'invalid_request_error','code':'invalid_api_key'}}",
     "{'type':'error','error':{'type':'authentication_error','message':'m','error_type':"
     "'authentication'},'request_id':null}"},
    /* --- OpenRouter -> Vercel --- */
    {"metadata and retry hints stay", API_CHAT, O, V, 429,
     "{'error':{'message':'Provider returned error','code':429,'metadata':{'raw':'busy',"
     "'retry_after_seconds':1,'headers':{'Retry-After':'1'}}},'user_id':'u'}",
     "{'error':{'message':'Provider returned error','type':'rate_limit_exceeded','param':null,"
     "'code':429,'metadata':{'raw':'busy','retry_after_seconds':1,'headers':{'Retry-After':'1'}}}"
     "}"},
    {"error_type ranks above the status", API_CHAT, O, V, 400,
     "{'error':{'message':'m','code':400,'metadata':{'error_type':'payment_required'}}}",
     "{'error':{'message':'m','type':'insufficient_funds','param':null,'code':400,'metadata':{"
     "'error_type':'payment_required'}}}"},
    {"an unknown model is what Vercel's clients look for by name", API_CHAT, O, V, 400,
     "{'error':{'message':'x/y is not a valid model ID','code':400}}",
     "{'error':{'message':'x/y is not a valid model ID','type':'model_not_found','param':{"
     "'modelId':'asked/model'},'code':400}}"},
    {"availability stays", API_CHAT, O, V, 503,
     "{'error':{'message':'m','code':503,'availability':{'retryable':true}}}",
     "{'error':{'message':'m','type':'internal_server_error','param':null,'code':503,"
     "'availability':{'retryable':true}}}"},
    {"the schema's own error", API_CHAT, O, V, 400,
     "{'success':false,'error':{'name':'ZodError','message':'[1]'}}",
     "{'error':{'message':'[1]','type':'invalid_request_error','param':null,'code':"
     "'invalid_request_error'}}"},
    {"on messages", API_MESSAGES, O, V, 402, "{'error':{'message':'m','code':402}}",
     "{'type':'error','error':{'type':'billing_error','message':'m'}}"},
    /* --- OpenAI -> both --- */
    {"a word of OpenAI's is kept", API_CHAT, N, O, 400,
     "{'error':{'message':'m','type':'invalid_request_error','code':'context_length_exceeded'}}",
     "{'error':{'message':'m','code':400,'metadata':{'error_type':'invalid_request','type':"
     "'invalid_request_error','provider_code':'context_length_exceeded'}}}"},
    {"Anthropic's on chat", API_CHAT, N, V, 529,
     "{'type':'error','error':{'message':'m','type':1},'request_id':'r'}",
     "{'error':{'message':'m','type':'internal_server_error','param':null,'code':"
     "'internal_server_error'}}"},
    {"a framework's", API_CHAT, N, V, 404, "{'detail':'Not Found'}",
     "{'error':{'message':'Not Found','type':'not_found','param':null,'code':'not_found'}}"},
    /* --- no JSON --- */
    {"a page", API_CHAT, V, O, 502, "\n<!DOCTYPE html><html>secret</html>",
     "{'error':{'message':'Upstream answered 502 with HTML','code':502,'metadata':{'error_type':"
     "'provider_unavailable'}}}"},
    {"nothing", API_CHAT, V, V, 405, " \n",
     "{'error':{'message':'Upstream answered 405 with an empty body','type':"
     "'invalid_request_error','param':null,'code':'invalid_request_error'}}"},
    {"a word", API_MESSAGES, V, V, 504, "upstream \xff timeout\n",
     "{'type':'error','error':{'type':'timeout_error','message':'upstream ? timeout'}}"},
    {"half an object", API_CHAT, V, V, 500, "{'error':{'mess",
     "{'error':{'message':'Upstream answered 500 with JSON that tells no error','type':"
     "'internal_server_error','param':null,'code':'internal_server_error'}}"},
    {"an answer with the wrong status", API_CHAT, V, O, 418, "{'choices':[]}",
     "{'error':{'message':'Upstream answered 418 with JSON that tells no error','code':418,"
     "'metadata':{'error_type':'invalid_request'}}}"},
};

static void errors_are_in_the_clients_envelope(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer_conversion conversion =
            a_conversion(cases[i].api, cases[i].from, cases[i].to);
        char *body = quoted(cases[i].body), *want = quoted(cases[i].expected), *got;

        print_message("%s\n", cases[i].promise);
        got = convert(&conversion, cases[i].status, body);
        assert_string_equal(got, want);
        free(got);
        free(body);
        free(want);
    }
}

static void a_recorded_rate_limit_is_vercels(void **state)
{
    struct answer_conversion conversion = a_conversion(API_CHAT, O, V);
    size_t len, body_len;
    char *file = read_file(TESTS_DIR "/data/wire/openrouter-chat-429.response.json", &len);
    const char *recorded = recorded_body(file, len, &body_len);
    char *body = strndup(recorded, body_len), *got;

    (void)state;
    got = convert(&conversion, 429, body);
    assert_non_null(strstr(got,
                           "{\"error\":{\"message\":\"Provider returned error\",\"type\":"
                           "\"rate_limit_exceeded\",\"param\":null,\"code\":429,\"metadata\":"));
    assert_non_null(strstr(got, "is temporarily rate-limited upstream."));
    assert_null(strstr(got, "user_2wT5E"));
    free(got);
    free(body);
    free(file);
}

/* A message is cut at 2 KiB, between characters, and is then left alone. */
static void a_long_message_is_cut_once(void **state)
{
    static const char *const fillings[] = {"a", "\\\"", "\xc3\xa9", "\\u00e9"};
    struct answer_conversion conversion = a_conversion(API_CHAT, V, O);

    (void)state;
    for (size_t f = 0; f < sizeof(fillings) / sizeof(fillings[0]); f++) {
        static char body[40000];
        size_t len =
            (size_t)snprintf(body, sizeof(body), "{\"error\":{\"code\":400,\"message\":\"x");
        char *once, *twice;

        for (int i = 0; i < 5000; i++)
            len += (size_t)snprintf(body + len, sizeof(body) - len, "%s", fillings[f]);
        snprintf(body + len, sizeof(body) - len, "\"}}");
        once = convert(&conversion, 400, body);
        assert_in_range(strlen(once), 2000, 2 * 2048 + 200);
        twice = convert(&conversion, 400, once);
        assert_string_equal(twice, "");
        free(once);
        free(twice);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_in_the_clients_envelope),
        cmocka_unit_test(a_recorded_rate_limit_is_vercels),
        cmocka_unit_test(a_long_message_is_cut_once),
    };

    return cmocka_run_group_tests(tests, open_map, close_map);
}
