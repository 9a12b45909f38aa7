/* sim_completions.c - the older completions API: one prompt, one text. All dialects have the same
 * shape; each has its own usage and place of the cost. See sim_forms.h.
 */
#include "tests/sim/sim_forms.h"

static void head(struct sim_text *body, const struct sim_plan *plan,
                 const struct sim_moment *moment)
{
    sim_json(body, "{'id':%j,'object':'text_completion','created':%i,'model':%v", moment->id,
             moment->now_ms / 1000, &plan->model);
    if (plan->dialect == SIM_OPENROUTER)
        sim_json(body, ",'provider':%v", &plan->provider);
}

static void reasons(struct sim_text *body, const struct sim_plan *plan)
{
    sim_text_str(body, ",\"finish_reason\":");
    sim_finish_reason(body, plan);
    if (plan->dialect != SIM_OPENROUTER)
        return;
    sim_text_str(body, ",\"native_finish_reason\":");
    sim_finish_reason(body, plan);
}

static void tail(struct sim_text *body, const struct sim_plan *plan,
                 const struct sim_moment *moment)
{
    if (plan->dialect == SIM_VERCEL) {
        sim_vercel_usage(body, plan);
        sim_vercel_metadata_member(body, plan, moment);
    } else if (plan->dialect == SIM_OPENROUTER) {
        sim_openrouter_usage(body, plan);
        sim_openrouter_metadata(body, plan);
    } else {
        sim_openai_usage(body, plan);
    }
    sim_text_str(body, "}");
}

void sim_completions_json(struct sim_text *body, const struct sim_plan *plan,
                          const struct sim_moment *moment)
{
    head(body, plan, moment);
    sim_json(body, ",'choices':[{'text':%v,'index':0,'logprobs':null", &plan->text);
    reasons(body, plan);
    sim_text_str(body, "}]");
    tail(body, plan, moment);
}

static void open(struct sim_stream *stream)
{
    sim_text_str(&stream->head, "data: ");
    head(&stream->head, stream->plan, stream->moment);
}

static void delta(struct sim_stream *stream, enum sim_block block, h2o_iovec_t part)
{
    if (block != SIM_TEXT)
        return; /* this API has neither thoughts nor tools */
    sim_text_add(stream->body, stream->head.bytes, stream->head.len);
    sim_json(stream->body,
             ",'choices':[{'text':%v,'index':0,'logprobs':null,'finish_reason':null}]}\n\n", &part);
}

static void finish(struct sim_stream *stream)
{
    const struct sim_plan *plan = stream->plan;

    sim_text_add(stream->body, stream->head.bytes, stream->head.len);
    sim_text_str(stream->body, ",\"choices\":[{\"text\":\"\",\"index\":0,\"logprobs\":null");
    reasons(stream->body, plan);
    sim_text_str(stream->body, "}]");
    if (plan->dialect == SIM_OPENAI && !plan->request.include_usage)
        sim_text_str(stream->body, "}");
    else
        tail(stream->body, plan, stream->moment);
    sim_text_str(stream->body, "\n\n");
}

static void error(struct sim_stream *stream)
{
    sim_json(stream->body,
             "data: {'error':{'message':'simulated provider failure','type':'server_error',"
             "'code':502}}\n\n");
}

const struct sim_grammar sim_completions_grammar = {
    .keep_alive = ": OPENROUTER PROCESSING\n\n",
    .open = open,
    .delta = delta,
    .finish = finish,
    .error = error,
    .terminate = sim_stream_done,
};
