/* sim_responses_events.c - a response as events: each with its type and a sequence_number from 0.
 * See sim_forms.h.
 *
 * OpenRouter sends data lines alone, the others an event line before each; OpenAI ends without
 * [DONE]. Events that an endless stream repeats have one sequence_number.
 */
#include "tests/sim/sim_responses.h"

static void event_open(struct sim_stream *stream, const char *type)
{
    if (stream->plan->dialect != SIM_OPENROUTER)
        sim_json(stream->body, "event: %r\n", type);
    sim_json(stream->body, "data: {'type':%j,'sequence_number':%i", type, stream->sequence++);
}

static void event_close(struct sim_stream *stream)
{
    sim_text_str(stream->body, "}\n\n");
}

static void response_event(struct sim_stream *stream, const char *type, enum sim_progress progress)
{
    event_open(stream, type);
    sim_text_str(stream->body, ",\"response\":");
    sim_response_write(stream->body, stream->plan, stream->moment, progress);
    event_close(stream);
}

static void item_event(struct sim_stream *stream, const char *type, enum sim_block block,
                       enum sim_progress progress)
{
    event_open(stream, type);
    sim_json(stream->body, ",'output_index':%i,'item':", stream->index);
    sim_response_item(stream->body, stream->plan, stream->moment, block, progress);
    event_close(stream);
}

/* An event about the inside of an item: up to where its own members begin. */
static void inner_open(struct sim_stream *stream, const char *type, enum sim_block block)
{
    event_open(stream, type);
    sim_json(stream->body, ",'output_index':%i,'item_id':", stream->index);
    sim_response_item_id(stream->body, stream->moment, block);
    if (block == SIM_TEXT)
        sim_text_str(stream->body, ",\"content_index\":0");
    else if (block == SIM_REASONING)
        sim_text_str(stream->body, ",\"summary_index\":0");
}

static void part_event(struct sim_stream *stream, const char *type, enum sim_block block,
                       h2o_iovec_t text)
{
    inner_open(stream, type, block);
    if (block == SIM_TEXT)
        sim_json(stream->body,
                 ",'part':{'type':'output_text','annotations':[],'logprobs':[],'text':%v}", &text);
    else
        sim_json(stream->body, ",'part':{'type':'summary_text','text':%v}", &text);
    event_close(stream);
}

static void open(struct sim_stream *stream)
{
    response_event(stream, "response.created", SIM_BEGUN);
    response_event(stream, "response.in_progress", SIM_BEGUN);
}

static void block_open(struct sim_stream *stream, enum sim_block block)
{
    h2o_iovec_t empty = {.base = "", .len = 0};

    item_event(stream, "response.output_item.added", block, SIM_BEGUN);
    if (block == SIM_TEXT)
        part_event(stream, "response.content_part.added", block, empty);
    else if (block == SIM_REASONING)
        part_event(stream, "response.reasoning_summary_part.added", block, empty);
}

static void delta(struct sim_stream *stream, enum sim_block block, h2o_iovec_t part)
{
    static const char *const types[] = {
        [SIM_REASONING] = "response.reasoning_summary_text.delta",
        [SIM_TEXT] = "response.output_text.delta",
        [SIM_TOOL] = "response.function_call_arguments.delta",
    };
    int64_t sequence = stream->sequence;

    inner_open(stream, types[block], block);
    sim_json(stream->body, ",'delta':%v", &part);
    if (block == SIM_TEXT)
        sim_text_str(stream->body, ",\"logprobs\":[]");
    event_close(stream);
    if (stream->plan->behaviour.endless)
        stream->sequence = sequence;
}

static void block_close(struct sim_stream *stream, enum sim_block block)
{
    h2o_iovec_t text = sim_block_text(stream->plan, block);

    if (block == SIM_TOOL) {
        inner_open(stream, "response.function_call_arguments.done", block);
        sim_json(stream->body, ",'name':%v,'arguments':%v", &stream->plan->behaviour.tool_name,
                 &text);
        event_close(stream);
    } else {
        bool thought = block == SIM_REASONING;
        inner_open(stream,
                   thought ? "response.reasoning_summary_text.done" : "response.output_text.done",
                   block);
        sim_json(stream->body, thought ? ",'text':%v" : ",'text':%v,'logprobs':[]", &text);
        event_close(stream);
        part_event(stream,
                   thought ? "response.reasoning_summary_part.done" : "response.content_part.done",
                   block, text);
    }
    item_event(stream, "response.output_item.done", block, SIM_FINISHED);
}

/* The terminal event is this grammar's terminator, so no_done leaves it out. */
static void finish(struct sim_stream *stream)
{
    if (!stream->plan->behaviour.no_done)
        response_event(stream,
                       stream->plan->finish_reason != NULL ? "response.completed"
                                                           : "response.incomplete",
                       SIM_FINISHED);
}

static void error(struct sim_stream *stream)
{
    if (stream->plan->dialect != SIM_OPENROUTER) {
        event_open(stream, "error");
        sim_json(stream->body,
                 ",'code':'server_error','message':'simulated provider failure','param':null");
        event_close(stream);
    }
    response_event(stream, "response.failed", SIM_FAILED);
}

static void terminate(struct sim_stream *stream)
{
    if (stream->plan->dialect != SIM_OPENAI)
        sim_stream_done(stream);
}

const struct sim_grammar sim_responses_grammar = {
    .keep_alive = ": OPENROUTER PROCESSING\n\n",
    .open = open,
    .block_open = block_open,
    .delta = delta,
    .block_close = block_close,
    .finish = finish,
    .error = error,
    .terminate = terminate,
};
