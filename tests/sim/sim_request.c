/* sim_request.c - see sim_request.h. */
#include "tests/sim/sim_request.h"
#include "tests/sim/sim_text.h"

#include <string.h>
#include <strings.h>

/* A request being read. */
struct reading {
    struct json_doc *doc;
    h2o_req_t *req;
    struct sim_request *request;
};

h2o_iovec_t sim_header(h2o_req_t *req, const char *name)
{
    size_t len = strlen(name);

    /* By its bytes: headers that libh2o knows are tokens, others are not. */
    for (size_t i = 0; i < req->headers.size; i++) {
        const h2o_header_t *header = &req->headers.entries[i];
        if (h2o_memis(header->name->base, header->name->len, name, len))
            return header->value;
    }
    return (h2o_iovec_t){0};
}

static bool is_type(const struct json_doc *doc, uint32_t token, enum json_type type)
{
    return token != JSON_NONE && doc->tokens[token].type == type;
}

/* A string's value; copied into the pool only where it was escaped. Empty for anything else. */
static h2o_iovec_t string_of(struct reading *reading, uint32_t token)
{
    const struct json_doc *doc = reading->doc;
    h2o_iovec_t value = {0};
    const char *bytes;
    size_t span;
    char *scratch;

    if (!is_type(doc, token, JSON_STRING))
        return value;
    span = doc->tokens[token].end - doc->tokens[token].start;
    scratch = doc->tokens[token].escaped ? h2o_mem_alloc_pool(&reading->req->pool, span) : NULL;
    if (json_string(doc, token, scratch, scratch != NULL ? span : 0, &bytes, &value.len) == 0)
        value.base = (char *)bytes;
    return value;
}

static int64_t number_of(const struct json_doc *doc, uint32_t token, int64_t otherwise)
{
    int64_t value;
    return token != JSON_NONE && json_int64(doc, token, &value) == 0 && value >= 0 ? value
                                                                                   : otherwise;
}

/* The text of a message's content: a string, or the first text part of an array. All of its text
 * counts as tokens. */
static h2o_iovec_t content_of(struct reading *reading, uint32_t content)
{
    const struct json_doc *doc = reading->doc;
    h2o_iovec_t first = {0};

    if (!is_type(doc, content, JSON_ARRAY)) {
        first = string_of(reading, content);
        reading->request->text_bytes += first.len;
        return first;
    }
    for (uint32_t part = json_first(doc, content); part != JSON_NONE;
         part = json_next(doc, content, part)) {
        h2o_iovec_t text = string_of(reading, json_get(doc, part, "text"));
        reading->request->text_bytes += text.len;
        if (first.base == NULL)
            first = text;
    }
    return first;
}

static void user_says(struct sim_request *request, h2o_iovec_t text)
{
    if (request->first_user.base == NULL)
        request->first_user = text;
    request->last_user = text;
}

/* An array of things with a role and a content: messages, a prompt, or the input of a response. */
static void read_messages(struct reading *reading, uint32_t messages)
{
    const struct json_doc *doc = reading->doc;

    if (!is_type(doc, messages, JSON_ARRAY))
        return;
    reading->request->complete = true;
    for (uint32_t at = json_first(doc, messages); at != JSON_NONE;
         at = json_next(doc, messages, at)) {
        h2o_iovec_t text = content_of(reading, json_get(doc, at, "content"));
        if (json_string_is(doc, json_get(doc, at, "role"), "user"))
            user_says(reading->request, text);
        /* What a tool said, in a response's input. */
        content_of(reading, json_get(doc, at, "output"));
    }
}

/* One input: text, tokens, or an object of parts. Tokens count as such, at four bytes each. */
static h2o_iovec_t input_of(struct reading *reading, uint32_t input)
{
    const struct json_doc *doc = reading->doc;
    const struct json_token *token = &doc->tokens[input];

    if (token->type == JSON_OBJECT)
        return content_of(
            reading, json_get(doc, input,
                              json_get(doc, input, "content") != JSON_NONE ? "content" : "text"));
    if (token->type == JSON_STRING)
        return content_of(reading, input);
    for (uint32_t at = json_first(doc, input); at != JSON_NONE; at = json_next(doc, input, at))
        reading->request->text_bytes += 4;
    return h2o_iovec_init(doc->text + token->start, token->end - token->start);
}

/* One input or an array of them; an array of numbers is one input of tokens. */
static void read_inputs(struct reading *reading, uint32_t input)
{
    const struct json_doc *doc = reading->doc;
    struct sim_request *request = reading->request;
    uint32_t first;
    size_t count = 0;

    if (input == JSON_NONE)
        return;
    first = is_type(doc, input, JSON_ARRAY) ? json_first(doc, input) : JSON_NONE;
    if (first == JSON_NONE || is_type(doc, first, JSON_NUMBER)) {
        request->inputs = h2o_mem_alloc_pool(&reading->req->pool, sizeof(*request->inputs));
        request->inputs[0] = input_of(reading, input);
        request->input_count = 1;
    } else {
        for (uint32_t at = first; at != JSON_NONE; at = json_next(doc, input, at))
            count++;
        count = count < SIM_INPUTS_MAX ? count : SIM_INPUTS_MAX;
        request->inputs = h2o_mem_alloc_pool(&reading->req->pool, count * sizeof(*request->inputs));
        for (uint32_t at = first; request->input_count < count; at = json_next(doc, input, at))
            request->inputs[request->input_count++] = input_of(reading, at);
    }
    request->complete = true;
}

/* A prompt: one string, an array of them (the first counts as what the user says), or tokens. */
static void read_prompt(struct reading *reading, uint32_t prompt)
{
    read_inputs(reading, prompt);
    if (reading->request->input_count > 0)
        user_says(reading->request, reading->request->inputs[0]);
}

static void read_responses(struct reading *reading)
{
    const struct json_doc *doc = reading->doc;
    uint32_t input = json_get(doc, 0, "input");

    content_of(reading, json_get(doc, 0, "instructions"));
    if (is_type(doc, input, JSON_STRING)) {
        reading->request->complete = true;
        user_says(reading->request, content_of(reading, input));
    } else {
        read_messages(reading, input);
    }
    reading->request->output_max = number_of(doc, json_get(doc, 0, "max_output_tokens"), -1);
    reading->request->thinking = is_type(doc, json_get(doc, 0, "reasoning"), JSON_OBJECT);
}

static void read_anthropic(struct reading *reading, bool max_required)
{
    const struct json_doc *doc = reading->doc;
    uint32_t kind = json_get(doc, json_get(doc, 0, "thinking"), "type");

    content_of(reading, json_get(doc, 0, "system"));
    read_messages(reading, json_get(doc, 0, "messages"));
    reading->request->output_max = number_of(doc, json_get(doc, 0, "max_tokens"), -1);
    if (max_required && reading->request->output_max < 0)
        reading->request->complete = false;
    reading->request->thinking = kind != JSON_NONE && !json_string_is(doc, kind, "disabled");
}

static void read_chat(struct reading *reading)
{
    const struct json_doc *doc = reading->doc;
    struct sim_request *request = reading->request;
    int64_t reasoning =
        number_of(doc, json_get(doc, json_get(doc, 0, "reasoning"), "max_tokens"), 0);

    if (json_get(doc, 0, "prompt") != JSON_NONE && json_get(doc, 0, "messages") == JSON_NONE)
        read_prompt(reading, json_get(doc, 0, "prompt"));
    else
        read_messages(reading, json_get(doc, 0, "messages"));
    request->output_max = number_of(doc, json_get(doc, 0, "max_completion_tokens"),
                                    number_of(doc, json_get(doc, 0, "max_tokens"), -1));
    if (request->output_max >= 0)
        request->output_max += reasoning;
}

static void read_rerank(struct reading *reading)
{
    uint32_t query = json_get(reading->doc, 0, "query");
    uint32_t documents = json_get(reading->doc, 0, "documents");

    user_says(reading->request, content_of(reading, query));
    /* The AI SDK wraps them: {"type":"text","values":[...]}. */
    if (is_type(reading->doc, documents, JSON_OBJECT))
        documents = json_get(reading->doc, documents, "values");
    read_inputs(reading, documents);
    reading->request->count =
        number_of(reading->doc, json_get(reading->doc, 0, "top_n"),
                  number_of(reading->doc, json_get(reading->doc, 0, "topN"), SIM_INPUTS_MAX));
}

/* Everything that is asked with one text, under the name that the API has for it. */
static void read_text(struct reading *reading)
{
    static const char *const names[] = {"prompt", "input", "text", "input_file_id", "audio"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        uint32_t token = json_get(reading->doc, 0, names[i]);
        if (token == JSON_NONE)
            continue;
        /* The video protocol says {"text":...}; audio is data, no text. */
        if (is_type(reading->doc, token, JSON_OBJECT))
            token = json_get(reading->doc, token, "text");
        if (strcmp(names[i], "audio") == 0)
            reading->request->file_bytes = string_of(reading, token).len / 4 * 3;
        else
            user_says(reading->request, content_of(reading, token));
        reading->request->complete = true;
        break;
    }
    reading->request->count = number_of(reading->doc, json_get(reading->doc, 0, "n"), 1);
    if (reading->request->count < 1 || reading->request->count > 10)
        reading->request->count = 1;
}

static void read_api(struct reading *reading, const struct sim_route *route)
{
    const struct json_doc *doc = reading->doc;
    struct sim_request *request = reading->request;

    switch (route->api) {
    case SIM_CHAT:
        if (route->dialect != SIM_AI_SDK) {
            read_chat(reading);
            break;
        }
        read_messages(reading, json_get(doc, 0, "prompt"));
        request->output_max = number_of(doc, json_get(doc, 0, "maxOutputTokens"), -1);
        break;
    case SIM_RESPONSES:
        read_responses(reading);
        break;
    case SIM_MESSAGES:
        read_anthropic(reading, route->dialect == SIM_VERCEL);
        break;
    case SIM_COMPLETIONS:
        read_prompt(reading, json_get(doc, 0, "prompt"));
        break;
    case SIM_EMBEDDINGS:
        read_prompt(reading, json_get(doc, 0, route->dialect == SIM_AI_SDK ? "values" : "input"));
        request->dimensions = number_of(doc, json_get(doc, 0, "dimensions"), -1);
        request->base64 = json_string_is(doc, json_get(doc, 0, "encoding_format"), "base64");
        break;
    case SIM_RERANK:
        read_rerank(reading);
        break;
    case SIM_VIDEO_STATUS:
        request->complete = json_get(doc, 0, "operation") != JSON_NONE;
        break;
    case SIM_NO_API: /* read like a chat, so that a marker works with `raw` on any path */
        read_messages(reading, json_get(doc, 0, "messages"));
        break;
    default:
        read_text(reading);
    }
}

static void add_fallbacks(struct reading *reading, uint32_t models)
{
    struct sim_request *request = reading->request;

    if (!is_type(reading->doc, models, JSON_ARRAY))
        return;
    for (uint32_t at = json_first(reading->doc, models);
         at != JSON_NONE && request->fallback_count < SIM_FALLBACKS_MAX;
         at = json_next(reading->doc, models, at))
        request->fallbacks[request->fallback_count++] = string_of(reading, at);
}

static const char *wanted_of(const struct sim_route *route)
{
    bool ai = route->dialect == SIM_AI_SDK;

    switch (route->api) {
    case SIM_CHAT:
        return ai ? "model and prompt" : "model and messages";
    case SIM_RESPONSES:
        return "model and input";
    case SIM_MESSAGES:
        return "model, messages and max_tokens";
    case SIM_EMBEDDINGS:
        return ai ? "model and values" : "model and input";
    case SIM_RERANK:
        return "model, query and documents";
    case SIM_FILES:
        return "a file";
    default:
        return "model and prompt";
    }
}

/* The AI SDK says in headers what others say in the body. */
static void read_headers(h2o_req_t *req, const struct sim_route *route, struct sim_request *request)
{
    h2o_iovec_t value = sim_header(req, "x-openrouter-metadata");

    request->metadata =
        value.len == strlen("enabled") && strncasecmp(value.base, "enabled", value.len) == 0;
    if (route->dialect != SIM_AI_SDK)
        return;
    request->model =
        sim_header(req, route->api == SIM_CHAT ? "ai-language-model-id" : "ai-model-id");
    if (!sim_text_is_utf8(request->model.base, request->model.len))
        request->model = (h2o_iovec_t){0};
    value = sim_header(req, "ai-language-model-streaming");
    request->stream =
        route->api == SIM_CHAT && h2o_memis(value.base, value.len, H2O_STRLIT("true"));
}

static void read_json(struct reading *reading, const struct sim_route *route)
{
    const struct json_doc *doc = reading->doc;
    struct sim_request *request = reading->request;
    uint32_t gateway = json_get(doc, json_get(doc, 0, "providerOptions"), "gateway");

    if (route->dialect != SIM_AI_SDK) {
        request->model = string_of(reading, json_get(doc, 0, "model"));
        request->stream = is_type(doc, json_get(doc, 0, "stream"), JSON_TRUE);
    }
    request->include_usage =
        is_type(doc, json_get(doc, json_get(doc, 0, "stream_options"), "include_usage"), JSON_TRUE);
    read_api(reading, route);
    add_fallbacks(reading, json_get(doc, 0, "models"));
    add_fallbacks(reading, json_get(doc, gateway, "models"));
}

void sim_request_read(struct json_doc *doc, h2o_req_t *req, const struct sim_route *route,
                      struct sim_request *ret_request)
{
    struct reading reading = {.doc = doc, .req = req, .request = ret_request};
    bool form = route->api == SIM_IMAGES || route->api == SIM_TRANSCRIPTION ||
                route->api == SIM_FILES || route->api == SIM_NO_API;

    *ret_request = (struct sim_request){
        .wanted = wanted_of(route),
        .output_max = -1,
        .dimensions = -1,
        .count = 1,
    };
    read_headers(req, route, ret_request);
    if (form && sim_form_read(req, ret_request)) {
        json_doc_clear(doc); /* its tokens are the last request's */
        ret_request->valid = true;
        ret_request->complete = ret_request->filename.base != NULL;
    } else if (json_parse(doc, req->entity.base, req->entity.len, NULL) == 0 &&
               doc->tokens[0].type == JSON_OBJECT) {
        ret_request->valid = true;
        read_json(&reading, route);
    }
    if (!sim_api_streams(route->api))
        ret_request->stream = false;
}
