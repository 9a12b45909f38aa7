/* sim_messages.c - an answer in Anthropic's shape, whole and as events. See sim_forms.h.
 *
 * `input_tokens` excludes cache reads and writes. Vercel tells the cost in the top level's
 * provider_metadata, in streams on message_delta; OpenRouter in `usage`, in streams nowhere, unless
 * the behaviour says delta_cost.
 */
#include "tests/sim/sim_forms.h"

static const char signature[] = "c2ltdWxhdGVk";

static void usage(struct sim_text *text, const struct sim_plan *plan, bool begun, bool with_cost)
{
    const struct sim_tokens *tokens = &plan->tokens;

    sim_json(text, "{'input_tokens':%i,'output_tokens':%i",
             tokens->prompt - tokens->cached - tokens->written,
             begun ? (int64_t)0 : tokens->completion);
    if (tokens->written > 0 || plan->dialect == SIM_OPENROUTER)
        sim_json(text, ",'cache_creation_input_tokens':%i", tokens->written);
    if (tokens->written_1h > 0 || plan->dialect == SIM_OPENROUTER)
        sim_json(text,
                 ",'cache_creation':{'ephemeral_5m_input_tokens':%i,"
                 "'ephemeral_1h_input_tokens':%i}",
                 tokens->written - tokens->written_1h, tokens->written_1h);
    if (tokens->cached > 0 || plan->dialect == SIM_OPENROUTER)
        sim_json(text, ",'cache_read_input_tokens':%i", tokens->cached);
    if (plan->dialect == SIM_OPENROUTER) {
        sim_json(text,
                 ",'output_tokens_details':{'thinking_tokens':%i},"
                 "'server_tool_use':null,'service_tier':%j,'inference_geo':null",
                 begun ? (int64_t)0 : tokens->reasoning, sim_plan_tier(plan, "standard"));
        if (with_cost)
            sim_openrouter_costs(text, plan, "prompt", "completions");
    }
    sim_text_str(text, "}");
}

static void stop_reason(struct sim_text *text, const struct sim_plan *plan)
{
    if (plan->finish_reason == NULL)
        sim_text_str(text, "null");
    else
        sim_text_str(text, sim_plan_has_tool(plan) ? "\"tool_use\"" : "\"end_turn\"");
}

/* Arguments that are no object would break the document; Anthropic parses them itself. */
static h2o_iovec_t tool_input(const struct sim_plan *plan)
{
    h2o_iovec_t arguments = plan->behaviour.tool_arguments;

    if (arguments.len > 0 && sim_behaviour_span(arguments.base, arguments.len) == arguments.len)
        return arguments;
    return h2o_iovec_init(H2O_STRLIT("{}"));
}

/* One content block; begun: with nothing in it. */
static void content_block(struct sim_text *text, const struct sim_plan *plan,
                          const struct sim_moment *moment, enum sim_block block, bool begun)
{
    h2o_iovec_t said = begun ? h2o_iovec_init("", 0) : sim_block_text(plan, block);
    h2o_iovec_t input = begun ? h2o_iovec_init(H2O_STRLIT("{}")) : tool_input(plan);

    if (block == SIM_REASONING) {
        sim_json(text, "{'type':'thinking','thinking':%v,'signature':%j}", &said,
                 begun ? "" : signature);
    } else if (block == SIM_TEXT) {
        sim_json(text, "{'type':'text','text':%v}", &said);
    } else {
        sim_json(text, "{'type':'tool_use','id':'toolu_%h','name':%v,'input':", moment->body_sha256,
                 (size_t)12, &plan->behaviour.tool_name);
        sim_text_add(text, input.base, input.len);
        sim_text_str(text, "}");
    }
}

static void message_head(struct sim_text *text, const struct sim_plan *plan,
                         const struct sim_moment *moment)
{
    sim_json(text, "{'id':%j,'type':'message','role':'assistant','model':%v,'content':[",
             moment->id, &plan->model);
}

/* What OpenRouter adds to a message. */
static void message_extras(struct sim_text *text, const struct sim_plan *plan)
{
    if (plan->dialect == SIM_OPENROUTER)
        sim_json(text, ",'stop_details':null,'container':null,'provider':%v", &plan->provider);
}

void sim_messages_json(struct sim_text *body, const struct sim_plan *plan,
                       const struct sim_moment *moment)
{
    static const enum sim_block order[] = {SIM_REASONING, SIM_TEXT, SIM_TOOL};
    const char *separator = "";

    message_head(body, plan, moment);
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        if (!sim_block_present(plan, order[i]))
            continue;
        sim_text_str(body, separator);
        content_block(body, plan, moment, order[i], false);
        separator = ",";
    }
    sim_text_str(body, "],\"stop_reason\":");
    stop_reason(body, plan);
    sim_text_str(body, ",\"stop_sequence\":null");
    message_extras(body, plan);
    sim_text_str(body, ",\"usage\":");
    usage(body, plan, false, true);
    if (plan->dialect == SIM_OPENROUTER)
        sim_openrouter_metadata(body, plan);
    else
        sim_vercel_metadata_member(body, plan, moment);
    sim_text_str(body, "}");
}

static void event_open(struct sim_stream *stream, const char *type)
{
    sim_json(stream->body, "event: %r\ndata: {'type':%j", type, type);
}

static void event_close(struct sim_stream *stream)
{
    sim_text_str(stream->body, "}\n\n");
}

static void open(struct sim_stream *stream)
{
    event_open(stream, "message_start");
    sim_text_str(stream->body, ",\"message\":");
    message_head(stream->body, stream->plan, stream->moment);
    sim_text_str(stream->body, "],\"stop_reason\":null,\"stop_sequence\":null");
    message_extras(stream->body, stream->plan);
    sim_text_str(stream->body, ",\"usage\":");
    usage(stream->body, stream->plan, true, false);
    sim_text_str(stream->body, "}");
    event_close(stream);
    event_open(stream, "ping");
    event_close(stream);
}

static void block_open(struct sim_stream *stream, enum sim_block block)
{
    event_open(stream, "content_block_start");
    sim_json(stream->body, ",'index':%i,'content_block':", stream->index);
    content_block(stream->body, stream->plan, stream->moment, block, true);
    event_close(stream);
}

static void delta(struct sim_stream *stream, enum sim_block block, h2o_iovec_t part)
{
    static const char *const forms[] = {
        [SIM_REASONING] = "{'type':'thinking_delta','thinking':%v}",
        [SIM_TEXT] = "{'type':'text_delta','text':%v}",
        [SIM_TOOL] = "{'type':'input_json_delta','partial_json':%v}",
    };

    event_open(stream, "content_block_delta");
    sim_json(stream->body, ",'index':%i,'delta':", stream->index);
    sim_json(stream->body, forms[block], &part);
    event_close(stream);
}

static void block_close(struct sim_stream *stream, enum sim_block block)
{
    if (block == SIM_REASONING) {
        event_open(stream, "content_block_delta");
        sim_json(stream->body, ",'index':%i,'delta':{'type':'signature_delta','signature':%j}",
                 stream->index, signature);
        event_close(stream);
    }
    event_open(stream, "content_block_stop");
    sim_json(stream->body, ",'index':%i", stream->index);
    event_close(stream);
}

static void finish(struct sim_stream *stream)
{
    event_open(stream, "message_delta");
    sim_text_str(stream->body, ",\"delta\":{\"stop_reason\":");
    stop_reason(stream->body, stream->plan);
    sim_text_str(stream->body, ",\"stop_sequence\":null},\"usage\":");
    usage(stream->body, stream->plan, false, stream->plan->behaviour.delta_cost);
    if (stream->plan->dialect == SIM_VERCEL)
        sim_vercel_metadata_member(stream->body, stream->plan, stream->moment);
    event_close(stream);
}

static void error(struct sim_stream *stream)
{
    event_open(stream, "error");
    sim_json(stream->body,
             ",'error':{'type':'overloaded_error','message':'simulated provider failure'}");
    event_close(stream);
}

static void terminate(struct sim_stream *stream)
{
    if (stream->plan->behaviour.error_frame != SIM_UNSET)
        return; /* an error is the last event */
    event_open(stream, "message_stop");
    if (stream->plan->dialect == SIM_OPENROUTER)
        sim_openrouter_metadata(stream->body, stream->plan);
    event_close(stream);
}

const struct sim_grammar sim_messages_grammar = {
    .keep_alive = "event: ping\ndata: {\"type\":\"ping\"}\n\n",
    .open = open,
    .block_open = block_open,
    .delta = delta,
    .block_close = block_close,
    .finish = finish,
    .error = error,
    .terminate = terminate,
};
