/* sim_ai_chat.c - an answer of the AI SDK protocol's language-model, whole and as stream parts: the
 * SDK's own objects (specification versions 3 and 4, which agree on what is sent here). See
 * sim_forms.h.
 */
#include "tests/sim/sim_forms.h"

static void finish_reason(struct sim_text *text, const struct sim_plan *plan)
{
    if (plan->finish_reason == NULL)
        sim_text_str(text, "null");
    else
        sim_json(text, "{'unified':%j,'raw':%j}", sim_plan_has_tool(plan) ? "tool-calls" : "stop",
                 plan->finish_reason);
}

static void usage(struct sim_text *text, const struct sim_plan *plan)
{
    const struct sim_tokens *tokens = &plan->tokens;

    sim_json(text,
             "{'inputTokens':{'total':%i,'noCache':%i,'cacheRead':%i,'cacheWrite':%i},"
             "'outputTokens':{'total':%i,'text':%i,'reasoning':%i}}",
             tokens->prompt, tokens->prompt - tokens->cached - tokens->written, tokens->cached,
             tokens->written, tokens->completion, tokens->completion - tokens->reasoning,
             tokens->reasoning);
}

static void response_members(struct sim_text *text, const struct sim_plan *plan,
                             const struct sim_moment *moment)
{
    sim_json(text, "'id':'resp_%h','timestamp':", moment->body_sha256, (size_t)24);
    sim_text_time(text, moment->now_ms);
    sim_json(text, ",'modelId':%v", &plan->model);
}

static void tool_call(struct sim_text *text, const struct sim_plan *plan,
                      const struct sim_moment *moment)
{
    sim_text_str(text, "{\"type\":\"tool-call\",\"toolCallId\":");
    sim_call_id(text, moment);
    sim_json(text, ",'toolName':%v,'input':%v}", &plan->behaviour.tool_name,
             &plan->behaviour.tool_arguments);
}

void sim_ai_chat_json(struct sim_text *body, const struct sim_plan *plan,
                      const struct sim_moment *moment)
{
    const char *separator = "";

    sim_text_str(body, "{\"content\":[");
    if (sim_block_present(plan, SIM_REASONING)) {
        sim_json(body, "{'type':'reasoning','text':%v}", &plan->reasoning);
        separator = ",";
    }
    if (sim_block_present(plan, SIM_TEXT)) {
        sim_json(body, "%r{'type':'text','text':%v}", separator, &plan->text);
        separator = ",";
    }
    if (sim_block_present(plan, SIM_TOOL)) {
        sim_text_str(body, separator);
        tool_call(body, plan, moment);
    }
    sim_text_str(body, "],\"finishReason\":");
    finish_reason(body, plan);
    sim_text_str(body, ",\"usage\":");
    usage(body, plan);
    sim_text_str(body, ",\"warnings\":[],\"response\":{");
    response_members(body, plan, moment);
    sim_text_str(body, "}");
    sim_vercel_metadata_member(body, plan, moment);
    sim_text_str(body, "}");
}

static void open(struct sim_stream *stream)
{
    sim_json(stream->body, "data: {'type':'stream-start','warnings':[]}\n\n"
                           "data: {'type':'response-metadata',");
    response_members(stream->body, stream->plan, stream->moment);
    sim_text_str(stream->body, "}\n\n");
}

/* A part about one block, up to the members that follow its id. */
static void part_open(struct sim_stream *stream, enum sim_block block, const char *event)
{
    static const char *const names[] = {
        [SIM_REASONING] = "reasoning", [SIM_TEXT] = "text", [SIM_TOOL] = "tool-input"};

    sim_json(stream->body, "data: {'type':'%r-%r','id':", names[block], event);
    if (block == SIM_TOOL)
        sim_call_id(stream->body, stream->moment);
    else
        sim_json(stream->body, "'%i'", stream->index);
}

static void block_open(struct sim_stream *stream, enum sim_block block)
{
    part_open(stream, block, "start");
    if (block == SIM_TOOL)
        sim_json(stream->body, ",'toolName':%v", &stream->plan->behaviour.tool_name);
    sim_text_str(stream->body, "}\n\n");
}

static void delta(struct sim_stream *stream, enum sim_block block, h2o_iovec_t part)
{
    part_open(stream, block, "delta");
    sim_json(stream->body, ",'delta':%v}\n\n", &part);
}

static void block_close(struct sim_stream *stream, enum sim_block block)
{
    part_open(stream, block, "end");
    sim_text_str(stream->body, "}\n\n");
    if (block != SIM_TOOL)
        return;
    sim_text_str(stream->body, "data: ");
    tool_call(stream->body, stream->plan, stream->moment);
    sim_text_str(stream->body, "\n\n");
}

/* With [DONE] this grammar's terminator, so no_done leaves it out. */
static void finish(struct sim_stream *stream)
{
    if (stream->plan->behaviour.no_done)
        return;
    sim_text_str(stream->body, "data: {\"type\":\"finish\",\"finishReason\":");
    finish_reason(stream->body, stream->plan);
    sim_text_str(stream->body, ",\"usage\":");
    usage(stream->body, stream->plan);
    sim_vercel_metadata_member(stream->body, stream->plan, stream->moment);
    sim_text_str(stream->body, "}\n\n");
}

static void error(struct sim_stream *stream)
{
    sim_json(stream->body, "data: {'type':'error','error':{'message':'simulated provider failure',"
                           "'type':'internal_server_error','statusCode':502}}\n\n");
}

const struct sim_grammar sim_ai_chat_grammar = {
    .keep_alive = "data: {\"type\":\"ping\"}\n\n",
    .open = open,
    .block_open = block_open,
    .delta = delta,
    .block_close = block_close,
    .finish = finish,
    .error = error,
    .terminate = sim_stream_done,
};
