/* sim_responses.c - the response object of the Responses API. See sim_responses.h.
 *
 * Vercel tells the cost in provider_metadata.gateway alone, OpenRouter in `usage`, OpenAI nowhere.
 */
#include "tests/sim/sim_responses.h"

#include <string.h>

void sim_response_item_id(struct sim_text *text, const struct sim_moment *moment,
                          enum sim_block block)
{
    static const char *const prefixes[] = {
        [SIM_REASONING] = "rs_", [SIM_TEXT] = "msg_", [SIM_TOOL] = "fc_"};

    sim_json(text, "'%r%h'", prefixes[block], moment->body_sha256, (size_t)24);
}

void sim_response_item(struct sim_text *text, const struct sim_plan *plan,
                       const struct sim_moment *moment, enum sim_block block,
                       enum sim_progress progress)
{
    const char *status = progress == SIM_BEGUN ? "in_progress" : "completed";
    bool whole = progress == SIM_FINISHED;
    h2o_iovec_t arguments = whole ? plan->behaviour.tool_arguments : h2o_iovec_init("", 0);

    sim_text_str(text, "{\"id\":");
    sim_response_item_id(text, moment, block);
    if (block == SIM_REASONING && whole) {
        sim_json(text, ",'type':'reasoning','summary':[{'type':'summary_text','text':%v}]}",
                 &plan->reasoning);
    } else if (block == SIM_REASONING) {
        sim_json(text, ",'type':'reasoning','summary':[]}");
    } else if (block == SIM_TOOL) {
        sim_json(text, ",'type':'function_call','status':%j,'arguments':%v,'call_id':", status,
                 &arguments);
        sim_call_id(text, moment);
        sim_json(text, ",'name':%v}", &plan->behaviour.tool_name);
    } else {
        sim_json(text, ",'type':'message','status':%j,'content':[", status);
        if (whole)
            sim_json(text, "{'type':'output_text','annotations':[],'logprobs':[],'text':%v}",
                     &plan->text);
        sim_text_str(text, "],\"role\":\"assistant\"}");
    }
}

static void output(struct sim_text *text, const struct sim_plan *plan,
                   const struct sim_moment *moment)
{
    static const enum sim_block order[] = {SIM_REASONING, SIM_TEXT, SIM_TOOL};
    const char *separator = "";

    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        if (!sim_block_present(plan, order[i]))
            continue;
        sim_text_str(text, separator);
        sim_response_item(text, plan, moment, order[i], SIM_FINISHED);
        separator = ",";
    }
}

static void usage(struct sim_text *text, const struct sim_plan *plan)
{
    const struct sim_tokens *tokens = &plan->tokens;

    sim_json(text, "{'input_tokens':%i,'input_tokens_details':{'cached_tokens':%i", tokens->prompt,
             tokens->cached);
    if (plan->dialect == SIM_OPENROUTER)
        sim_json(text, ",'cache_write_tokens':%i", tokens->written);
    sim_json(text,
             "},'output_tokens':%i,'output_tokens_details':{'reasoning_tokens':%i},"
             "'total_tokens':%i",
             tokens->completion, tokens->reasoning, tokens->prompt + tokens->completion);
    if (plan->dialect == SIM_OPENROUTER)
        sim_openrouter_costs(text, plan, "input", "output");
    sim_text_str(text, "}");
}

static const char *status_of(const struct sim_plan *plan, enum sim_progress progress)
{
    if (progress == SIM_BEGUN)
        return "in_progress";
    if (progress == SIM_FAILED)
        return "failed";
    return plan->finish_reason != NULL ? "completed" : "incomplete";
}

/* What the request could have asked for and did not. */
static void settings(struct sim_text *text)
{
    sim_json(text, ",'instructions':null,'metadata':{},'tools':[],'tool_choice':'auto',"
                   "'parallel_tool_calls':true,'temperature':1,'top_p':1,'presence_penalty':0,"
                   "'frequency_penalty':0,'top_logprobs':0,'max_output_tokens':null,"
                   "'max_tool_calls':null,'background':false,'previous_response_id':null,"
                   "'service_tier':'default','truncation':'disabled','store':false,"
                   "'text':{'format':{'type':'text'}},'reasoning':{'effort':null,'summary':null},"
                   "'safety_identifier':null,'prompt_cache_key':null,'user':null");
}

void sim_response_write(struct sim_text *text, const struct sim_plan *plan,
                        const struct sim_moment *moment, enum sim_progress progress)
{
    const char *status = status_of(plan, progress);

    sim_json(text, "{'id':%j,'object':'response','created_at':%i,'completed_at':", moment->id,
             moment->now_ms / 1000);
    if (progress == SIM_FINISHED && plan->finish_reason != NULL)
        sim_text_int(text, moment->now_ms / 1000);
    else
        sim_text_str(text, "null");
    sim_json(text, ",'model':%v,'status':%j,'output':[", &plan->model, status);
    if (progress == SIM_FINISHED)
        output(text, plan, moment);
    sim_text_str(text, progress == SIM_FAILED
                           ? "],\"error\":{\"code\":\"server_error\",\"message\":\"simulated "
                             "provider failure\"}"
                           : "],\"error\":null");
    sim_text_str(text, strcmp(status, "incomplete") == 0
                           ? ",\"incomplete_details\":{\"reason\":\"max_output_tokens\"}"
                           : ",\"incomplete_details\":null");
    settings(text);
    sim_text_str(text, ",\"usage\":");
    if (progress == SIM_FINISHED)
        usage(text, plan);
    else
        sim_text_str(text, "null");
    if (progress == SIM_FINISHED && plan->dialect == SIM_VERCEL)
        sim_vercel_metadata_member(text, plan, moment);
    if (progress == SIM_FINISHED && plan->dialect == SIM_OPENROUTER)
        sim_openrouter_metadata(text, plan);
    sim_text_str(text, "}");
}

void sim_responses_json(struct sim_text *body, const struct sim_plan *plan,
                        const struct sim_moment *moment)
{
    sim_response_write(body, plan, moment, SIM_FINISHED);
}
