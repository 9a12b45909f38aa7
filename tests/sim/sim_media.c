/* sim_media.c - Vercel's endpoints that are not about text alone: small honest shapes with their
 * cost. See sim_forms.h.
 */
#include "tests/sim/sim_media.h"
#include "tests/sim/sim_forms.h"

#include <string.h>

/* Signature, IHDR (1 x 1, grey, 8 bit), IDAT (its row), IEND. */
static const uint8_t png[] = {
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48,
    0x44, 0x52, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x00, 0x00,
    0x00, 0x3a, 0x7e, 0x9b, 0x55, 0x00, 0x00, 0x00, 0x0a, 0x49, 0x44, 0x41, 0x54, 0x78,
    0xda, 0x63, 0x68, 0x00, 0x00, 0x00, 0x82, 0x00, 0x81, 0xda, 0x45, 0x08, 0x3b, 0x00,
    0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82};

enum { MP3_FRAME_BYTES = 417 }; /* of 128 kbit/s at 44.1 kHz */

void sim_media_png_base64(struct sim_text *text)
{
    sim_text_base64(text, png, sizeof(png));
}

void sim_media_mp3(struct sim_text *text)
{
    static const uint8_t frame[MP3_FRAME_BYTES] = {0xff, 0xfb, 0x90, 0x64};
    sim_text_add(text, frame, sizeof(frame));
}

static void tail(struct sim_text *body, const struct sim_plan *plan,
                 const struct sim_moment *moment)
{
    sim_vercel_metadata_member(body, plan, moment);
    sim_text_str(body, "}");
}

void sim_images_json(struct sim_text *body, const struct sim_plan *plan,
                     const struct sim_moment *moment)
{
    sim_json(body, "{'created':%i,'data':[", moment->now_ms / 1000);
    for (int64_t i = 0; i < plan->request.count; i++) {
        sim_text_str(body, i > 0 ? ",{\"b64_json\":\"" : "{\"b64_json\":\"");
        sim_media_png_base64(body);
        sim_text_str(body, "\"}");
    }
    sim_json(body, "],'usage':{'input_tokens':%i,'output_tokens':%i,'total_tokens':%i}",
             plan->tokens.prompt, plan->tokens.completion,
             plan->tokens.prompt + plan->tokens.completion);
    tail(body, plan, moment);
}

void sim_speech_bytes(struct sim_text *body, const struct sim_plan *plan,
                      const struct sim_moment *moment)
{
    (void)plan;
    (void)moment;
    sim_media_mp3(body);
}

void sim_transcription_json(struct sim_text *body, const struct sim_plan *plan,
                            const struct sim_moment *moment)
{
    sim_json(body,
             "{'text':%v,'usage':{'type':'tokens','input_tokens':%i,'output_tokens':%i,"
             "'total_tokens':%i}",
             &plan->text, plan->tokens.prompt, plan->tokens.completion,
             plan->tokens.prompt + plan->tokens.completion);
    tail(body, plan, moment);
}

void sim_videos_json(struct sim_text *body, const struct sim_plan *plan,
                     const struct sim_moment *moment)
{
    sim_json(body,
             "{'id':'video_%r','object':'video','created_at':%i,'model':%v,'status':'completed',"
             "'progress':100,'data':[{'url':%j}]",
             moment->id, moment->now_ms / 1000, &plan->model, SIM_VIDEO_URL);
    tail(body, plan, moment);
}

/* The documents in their order; every next one is half as relevant. */
void sim_rerank_json(struct sim_text *body, const struct sim_plan *plan,
                     const struct sim_moment *moment)
{
    const struct sim_request *request = &plan->request;
    __int128 score = (__int128)500000000000000;

    sim_json(body, "{'id':%j,'model':%v,'results':[", moment->id, &plan->model);
    for (size_t i = 0; i < request->input_count && (int64_t)i < request->count; i++) {
        sim_json(body, "%r{'index':%i,'relevance_score':%n,'document':{'text':%v}}",
                 i > 0 ? "," : "", (int64_t)i, &score, (int)SIM_COST_NUMBER, &request->inputs[i]);
        score /= 2;
    }
    sim_json(body, "],'usage':{'search_units':1,'total_tokens':%i", plan->tokens.prompt);
    if (plan->dialect == SIM_OPENROUTER)
        sim_openrouter_costs(body, plan, "prompt", "completions");
    sim_text_str(body, "}");
    if (plan->dialect == SIM_OPENROUTER)
        sim_json(body, ",'provider':%v}", &plan->provider);
    else
        tail(body, plan, moment);
}

void sim_batches_json(struct sim_text *body, const struct sim_plan *plan,
                      const struct sim_moment *moment)
{
    int64_t seconds = moment->now_ms / 1000;

    sim_json(body,
             "{'id':'batch_%r','object':'batch','endpoint':'/v1/chat/completions','errors':null,"
             "'input_file_id':%v,'completion_window':'24h','status':'completed',"
             "'output_file_id':null,'error_file_id':null,'created_at':%i,'completed_at':%i,"
             "'request_counts':{'total':0,'completed':0,'failed':0},'metadata':null}",
             moment->id, &plan->request.last_user, seconds, seconds);
}

void sim_files_json(struct sim_text *body, const struct sim_plan *plan,
                    const struct sim_moment *moment)
{
    h2o_iovec_t purpose = plan->request.purpose;

    if (purpose.base == NULL)
        purpose = h2o_iovec_init(H2O_STRLIT("user_data"));
    sim_json(body,
             "{'id':'file_%r','object':'file','bytes':%i,'created_at':%i,'filename':", moment->id,
             (int64_t)plan->request.file_bytes, moment->now_ms / 1000);
    sim_text_json_latin1(body, plan->request.filename.base, plan->request.filename.len);
    sim_text_str(body, ",\"purpose\":");
    sim_text_json_latin1(body, purpose.base, purpose.len);
    sim_text_str(body, ",\"status\":\"processed\"}");
}
