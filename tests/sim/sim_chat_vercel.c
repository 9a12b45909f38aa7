/* sim_chat_vercel.c - a chat answer as Vercel sends it, whole and as events (sections 3 and 4 of
 * its API). See sim_forms.h.
 *
 * Order of events: role; reasoning, content (or tool call fragments); one last chunk with
 * finish_reason, provider_metadata and usage; [DONE].
 */
#include "tests/sim/sim_forms.h"

static void reasoning_members(struct sim_text *body, h2o_iovec_t part)
{
    sim_json(body,
             "'reasoning':%v,'reasoning_details':[{'type':'reasoning.text','text':%v,"
             "'format':'unknown','index':0}]",
             &part, &part);
}

static void tool_calls(struct sim_text *body, const struct sim_plan *plan,
                       const struct sim_moment *moment)
{
    sim_text_str(body, ",\"tool_calls\":[{\"id\":");
    sim_call_id(body, moment);
    sim_json(body, ",'type':'function','function':{'name':%v,'arguments':%v}}]",
             &plan->behaviour.tool_name, &plan->behaviour.tool_arguments);
}

void sim_chat_vercel_json(struct sim_text *body, const struct sim_plan *plan,
                          const struct sim_moment *moment)
{
    sim_json(body,
             "{'id':%j,'object':'chat.completion','created':%i,'model':%v,'generationId':%j,"
             "'system_fingerprint':%j,'choices':[{'index':0,'logprobs':null,'finish_reason':",
             moment->id, moment->now_ms / 1000, &plan->model, moment->id, SIM_FINGERPRINT);
    sim_finish_reason(body, plan);
    sim_text_str(body, ",\"message\":{\"role\":\"assistant\",\"content\":");
    if (sim_plan_has_tool(plan) && plan->text.len == 0)
        sim_text_str(body, "null");
    else
        sim_text_json(body, plan->text.base, plan->text.len);
    if (plan->reasoning.len > 0) {
        sim_text_str(body, ",");
        reasoning_members(body, plan->reasoning);
    }
    if (sim_plan_has_tool(plan))
        tool_calls(body, plan, moment);
    sim_vercel_metadata_member(body, plan, moment);
    sim_text_str(body, "}}]");
    sim_vercel_usage(body, plan);
    sim_json(body, ",'service_tier':%j}", sim_plan_tier(plan, "default"));
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

static void delta_close(struct sim_stream *stream)
{
    sim_text_str(stream->body, "},\"logprobs\":null,\"finish_reason\":null}],"
                               "\"system_fingerprint\":\"" SIM_FINGERPRINT "\"}\n\n");
}

static void open(struct sim_stream *stream)
{
    sim_json(&stream->head,
             "data: {'id':%j,'object':'chat.completion.chunk','created':%i,'model':%v",
             stream->moment->id, stream->moment->now_ms / 1000, &stream->plan->model);
    delta_open(stream);
    sim_text_str(stream->body, "\"role\":\"assistant\"");
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
    if (block == SIM_REASONING) {
        reasoning_members(stream->body, part);
    } else if (block == SIM_TEXT) {
        sim_text_str(stream->body, "\"content\":");
        sim_text_json(stream->body, part.base, part.len);
    } else {
        sim_json(stream->body, "'tool_calls':[{'index':0,'function':{'arguments':%v}}]", &part);
    }
    delta_close(stream);
}

static void finish(struct sim_stream *stream)
{
    const struct sim_plan *plan = stream->plan;
    struct sim_text *body = stream->body;
    bool separate = plan->behaviour.usage == SIM_USAGE_SEPARATE;

    delta_open(stream);
    sim_vercel_metadata(body, plan, stream->moment);
    sim_text_str(body, "},\"logprobs\":null,\"finish_reason\":");
    sim_finish_reason(body, plan);
    sim_text_str(body, "}]");
    if (!separate)
        sim_vercel_usage(body, plan);
    sim_json(body, ",'system_fingerprint':%j,'service_tier':%j,'generationId':%j}\n\n",
             SIM_FINGERPRINT, sim_plan_tier(plan, "default"), stream->moment->id);
    if (!separate)
        return;
    chunk_open(stream);
    sim_text_str(body, ",\"choices\":[]");
    sim_vercel_usage(body, plan);
    sim_json(body, ",'system_fingerprint':%j}\n\n", SIM_FINGERPRINT);
}

static void error(struct sim_stream *stream)
{
    chunk_open(stream);
    sim_json(stream->body,
             ",'error':{'code':'error','message':'Stream error occurred',"
             "'name':'AI_TypeValidationError','cause':{'name':'ZodError',"
             "'message':'Invalid input'},'value':{'error_type':'validation_error',"
             "'error_message':%j}}}\n\n",
             "{\"error\":{\"message\":\"simulated provider failure\"}}");
}

const struct sim_grammar sim_chat_vercel_grammar = {
    .keep_alive = ": keep-alive\n\n",
    .open = open,
    .block_open = block_open,
    .delta = delta,
    .finish = finish,
    .error = error,
    .terminate = sim_stream_done,
};
