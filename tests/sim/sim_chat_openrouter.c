/* sim_chat_openrouter.c - a chat answer as OpenRouter sends it, whole and as events (sections 2.4
 * and 2.6 of its API). See sim_forms.h.
 *
 * Every delta repeats the role and an empty content; behind the chunk with the finish_reason comes
 * one more that repeats it and carries the usage.
 */
#include "tests/sim/sim_forms.h"

static void reasoning_members(struct sim_text *body, h2o_iovec_t part)
{
    sim_json(body,
             ",'reasoning':%v,'reasoning_details':[{'type':'reasoning.text','text':%v,'index':0,"
             "'format':'unknown'}]",
             &part, &part);
}

static void reasons(struct sim_text *body, const struct sim_plan *plan)
{
    sim_text_str(body, "\"finish_reason\":");
    sim_finish_reason(body, plan);
    sim_text_str(body, ",\"native_finish_reason\":");
    sim_finish_reason(body, plan);
}

static void message(struct sim_text *body, const struct sim_plan *plan,
                    const struct sim_moment *moment)
{
    sim_json(body, "'message':{'role':'assistant','content':%v,'refusal':null", &plan->text);
    if (plan->reasoning.len > 0)
        reasoning_members(body, plan->reasoning);
    else
        sim_text_str(body, ",\"reasoning\":null");
    if (sim_plan_has_tool(plan)) {
        sim_text_str(body, ",\"tool_calls\":[{\"index\":0,\"id\":");
        sim_call_id(body, moment);
        sim_json(body, ",'type':'function','function':{'name':%v,'arguments':%v}}]",
                 &plan->behaviour.tool_name, &plan->behaviour.tool_arguments);
    }
    sim_text_str(body, "}");
}

void sim_chat_openrouter_json(struct sim_text *body, const struct sim_plan *plan,
                              const struct sim_moment *moment)
{
    sim_json(body,
             "{'id':%j,'object':'chat.completion','created':%i,'model':%v,'provider':%v,"
             "'system_fingerprint':null,'service_tier':null,"
             "'choices':[{'index':0,'logprobs':null,",
             moment->id, moment->now_ms / 1000, &plan->model, &plan->provider);
    reasons(body, plan);
    sim_text_str(body, ",");
    message(body, plan, moment);
    sim_text_str(body, "}]");
    sim_openrouter_usage(body, plan);
    sim_openrouter_metadata(body, plan);
    sim_text_str(body, "}");
}

static void delta_open(struct sim_stream *stream)
{
    sim_text_add(stream->body, stream->head.bytes, stream->head.len);
    sim_text_str(stream->body, ",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\"");
}

static void delta_close(struct sim_stream *stream)
{
    sim_text_str(stream->body, "},\"finish_reason\":null,\"native_finish_reason\":null,"
                               "\"logprobs\":null}]}\n\n");
}

static void open(struct sim_stream *stream)
{
    sim_json(&stream->head,
             "data: {'id':%j,'object':'chat.completion.chunk','created':%i,'model':%v,"
             "'provider':%v",
             stream->moment->id, stream->moment->now_ms / 1000, &stream->plan->model,
             &stream->plan->provider);
}

static void block_open(struct sim_stream *stream, enum sim_block block)
{
    if (block != SIM_TOOL)
        return;
    delta_open(stream);
    sim_text_str(stream->body, ",\"content\":null,\"tool_calls\":[{\"index\":0,\"id\":");
    sim_call_id(stream->body, stream->moment);
    sim_json(stream->body, ",'type':'function','function':{'name':%v,'arguments':''}}]",
             &stream->plan->behaviour.tool_name);
    delta_close(stream);
}

static void delta(struct sim_stream *stream, enum sim_block block, h2o_iovec_t part)
{
    delta_open(stream);
    if (block == SIM_REASONING) {
        sim_text_str(stream->body, ",\"content\":\"\"");
        reasoning_members(stream->body, part);
    } else if (block == SIM_TEXT) {
        sim_json(stream->body, ",'content':%v", &part);
    } else {
        sim_json(stream->body,
                 ",'content':null,'tool_calls':[{'index':0,'type':'function',"
                 "'function':{'arguments':%v}}]",
                 &part);
    }
    delta_close(stream);
}

static void last_open(struct sim_stream *stream)
{
    delta_open(stream);
    sim_text_str(stream->body, ",\"content\":\"\"},");
    reasons(stream->body, stream->plan);
    sim_text_str(stream->body, ",\"logprobs\":null}]");
}

static void finish(struct sim_stream *stream)
{
    const struct sim_plan *plan = stream->plan;

    last_open(stream);
    sim_text_str(stream->body, "}\n\n");
    if (plan->behaviour.usage == SIM_USAGE_SEPARATE) { /* as it was until 2026-08 */
        sim_text_add(stream->body, stream->head.bytes, stream->head.len);
        sim_text_str(stream->body, ",\"choices\":[]");
    } else {
        last_open(stream);
    }
    sim_openrouter_usage(stream->body, plan);
    sim_openrouter_metadata(stream->body, plan);
    sim_text_str(stream->body, "}\n\n");
}

static void error(struct sim_stream *stream)
{
    sim_text_add(stream->body, stream->head.bytes, stream->head.len);
    sim_json(stream->body,
             ",'error':{'code':502,'message':'Provider disconnected',"
             "'metadata':{'error_type':'provider_unavailable'}},'choices':[{'index':0,"
             "'delta':{'role':'assistant','content':''},'finish_reason':'error',"
             "'native_finish_reason':'error','logprobs':null}]}\n\n");
}

const struct sim_grammar sim_chat_openrouter_grammar = {
    .keep_alive = ": OPENROUTER PROCESSING\n\n",
    .open = open,
    .block_open = block_open,
    .delta = delta,
    .finish = finish,
    .error = error,
    .terminate = sim_stream_done,
};
