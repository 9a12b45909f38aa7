/* sim_chat_openai.c - a chat answer as OpenAI, and what imitates it, sends it: no cost, no
 * provider; a stream's usage only when asked for; thoughts as reasoning_content. See sim_forms.h.
 */
#include "tests/sim/sim_forms.h"

void sim_openai_usage(struct sim_text *text, const struct sim_plan *plan)
{
    const struct sim_tokens *tokens = &plan->tokens;

    sim_json(text,
             ",'usage':{'prompt_tokens':%i,'completion_tokens':%i,'total_tokens':%i,"
             "'prompt_tokens_details':{'cached_tokens':%i,'audio_tokens':0},"
             "'completion_tokens_details':{'reasoning_tokens':%i,'audio_tokens':0,"
             "'accepted_prediction_tokens':0,'rejected_prediction_tokens':0}",
             tokens->prompt, tokens->completion, tokens->prompt + tokens->completion,
             tokens->cached, tokens->reasoning);
    if (plan->behaviour.cost_member.base != NULL && plan->costs.known) /* in billionths */
        sim_json(text, ",%v:%i", &plan->behaviour.cost_member,
                 (int64_t)(plan->costs.gateway / 1000000));
    sim_text_str(text, "}");
}

void sim_chat_openai_json(struct sim_text *body, const struct sim_plan *plan,
                          const struct sim_moment *moment)
{
    sim_json(body,
             "{'id':%j,'object':'chat.completion','created':%i,'model':%v,'choices':[{'index':0,"
             "'message':{'role':'assistant','content':",
             moment->id, moment->now_ms / 1000, &plan->model);
    if (sim_plan_has_tool(plan) && plan->text.len == 0)
        sim_text_str(body, "null");
    else
        sim_text_json(body, plan->text.base, plan->text.len);
    sim_text_str(body, ",\"refusal\":null");
    if (plan->reasoning.len > 0)
        sim_json(body, ",'reasoning_content':%v", &plan->reasoning);
    if (sim_plan_has_tool(plan)) {
        sim_text_str(body, ",\"tool_calls\":[{\"id\":");
        sim_call_id(body, moment);
        sim_json(body, ",'type':'function','function':{'name':%v,'arguments':%v}}]",
                 &plan->behaviour.tool_name, &plan->behaviour.tool_arguments);
    }
    sim_text_str(body, "},\"logprobs\":null,\"finish_reason\":");
    sim_finish_reason(body, plan);
    sim_text_str(body, "}]");
    sim_openai_usage(body, plan);
    sim_json(body, ",'service_tier':%j,'system_fingerprint':%j}", sim_plan_tier(plan, "default"),
             SIM_FINGERPRINT);
}

static void chunk_open(struct sim_stream *stream)
{
    sim_text_add(stream->body, stream->head.bytes, stream->head.len);
}

static void delta_open(struct sim_stream *stream)
{
    chunk_open(stream);
    sim_text_str(stream->body, ",\"choices\":[{\"index\":0,\"delta\":{");
}

/* `usage` is there, as null, in every chunk of a stream that will have one. */
static void chunk_close(struct sim_stream *stream)
{
    sim_text_str(stream->body,
                 stream->plan->request.include_usage ? ",\"usage\":null}\n\n" : "}\n\n");
}

static void delta_close(struct sim_stream *stream)
{
    sim_text_str(stream->body, "},\"logprobs\":null,\"finish_reason\":null}]");
    chunk_close(stream);
}

static void open(struct sim_stream *stream)
{
    sim_json(&stream->head,
             "data: {'id':%j,'object':'chat.completion.chunk','created':%i,'model':%v,"
             "'system_fingerprint':%j",
             stream->moment->id, stream->moment->now_ms / 1000, &stream->plan->model,
             SIM_FINGERPRINT);
    delta_open(stream);
    sim_text_str(stream->body, "\"role\":\"assistant\",\"content\":\"\",\"refusal\":null");
    delta_close(stream);
}

static void block_open(struct sim_stream *stream, enum sim_block block)
{
    if (block != SIM_TOOL)
        return;
    delta_open(stream);
    sim_text_str(stream->body, "\"tool_calls\":[{\"index\":0,\"id\":");
    sim_call_id(stream->body, stream->moment);
    sim_json(stream->body, ",'type':'function','function':{'name':%v,'arguments':''}}]",
             &stream->plan->behaviour.tool_name);
    delta_close(stream);
}

static void delta(struct sim_stream *stream, enum sim_block block, h2o_iovec_t part)
{
    delta_open(stream);
    if (block == SIM_TOOL)
        sim_json(stream->body, "'tool_calls':[{'index':0,'function':{'arguments':%v}}]", &part);
    else
        sim_json(stream->body, "%j:%v", block == SIM_TEXT ? "content" : "reasoning_content", &part);
    delta_close(stream);
}

static void finish(struct sim_stream *stream)
{
    delta_open(stream);
    sim_text_str(stream->body, "},\"logprobs\":null,\"finish_reason\":");
    sim_finish_reason(stream->body, stream->plan);
    sim_text_str(stream->body, "}]");
    chunk_close(stream);
    if (!stream->plan->request.include_usage)
        return;
    chunk_open(stream);
    sim_text_str(stream->body, ",\"choices\":[]");
    sim_openai_usage(stream->body, stream->plan);
    sim_text_str(stream->body, "}\n\n");
}

static void error(struct sim_stream *stream)
{
    sim_json(stream->body,
             "data: {'error':{'message':'The server had an error while processing your request',"
             "'type':'server_error','param':null,'code':null}}\n\n");
}

const struct sim_grammar sim_chat_openai_grammar = {
    .keep_alive = ": keep-alive\n\n",
    .open = open,
    .block_open = block_open,
    .delta = delta,
    .finish = finish,
    .error = error,
    .terminate = sim_stream_done,
};
