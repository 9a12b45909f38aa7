/* sim_ai_media.c - the AI SDK protocol's image-, speech-, transcription-, video- and
 * reranking-model. See sim_forms.h.
 */
#include "tests/sim/sim_forms.h"
#include "tests/sim/sim_media.h"

static void tail(struct sim_text *body, const struct sim_plan *plan,
                 const struct sim_moment *moment)
{
    sim_text_str(body, ",\"warnings\":[]");
    sim_vercel_metadata_member(body, plan, moment);
    sim_text_str(body, "}");
}

void sim_ai_images_json(struct sim_text *body, const struct sim_plan *plan,
                        const struct sim_moment *moment)
{
    sim_text_str(body, "{\"images\":[");
    for (int64_t i = 0; i < plan->request.count; i++) {
        sim_text_str(body, i > 0 ? ",\"" : "\"");
        sim_media_png_base64(body);
        sim_text_str(body, "\"");
    }
    sim_json(body, "],'usage':{'inputTokens':%i,'outputTokens':%i,'totalTokens':%i}",
             plan->tokens.prompt, plan->tokens.completion,
             plan->tokens.prompt + plan->tokens.completion);
    tail(body, plan, moment);
}

void sim_ai_speech_json(struct sim_text *body, const struct sim_plan *plan,
                        const struct sim_moment *moment)
{
    struct sim_text audio = {0};

    sim_media_mp3(&audio);
    sim_text_str(body, "{\"audio\":\"");
    sim_text_base64(body, audio.bytes, audio.len);
    sim_text_str(body, "\"");
    sim_text_release(&audio);
    tail(body, plan, moment);
}

void sim_ai_transcription_json(struct sim_text *body, const struct sim_plan *plan,
                               const struct sim_moment *moment)
{
    sim_json(body,
             "{'text':%v,'segments':[{'text':%v,'startSecond':0,'endSecond':1}],'language':'en',"
             "'durationInSeconds':1",
             &plan->text, &plan->text);
    tail(body, plan, moment);
}

static void videos(struct sim_text *body, const struct sim_plan *plan)
{
    sim_text_str(body, ",\"videos\":[");
    for (int64_t i = 0; i < plan->request.count; i++)
        sim_json(body, "%r{'type':'url','url':%j,'mediaType':'video/mp4'}", i > 0 ? "," : "",
                 SIM_VIDEO_URL);
    sim_text_str(body, "]");
}

/* A single event: the protocol streams so that a slow video does not time out. */
void sim_ai_video_event(struct sim_text *body, const struct sim_plan *plan,
                        const struct sim_moment *moment)
{
    sim_text_str(body, "data: {\"type\":\"result\"");
    videos(body, plan);
    tail(body, plan, moment);
    sim_text_str(body, "\n\n");
}

void sim_ai_video_start_json(struct sim_text *body, const struct sim_plan *plan,
                             const struct sim_moment *moment)
{
    sim_json(body, "{'operation':{'id':%j}", moment->id);
    tail(body, plan, moment);
}

void sim_ai_video_status_json(struct sim_text *body, const struct sim_plan *plan,
                              const struct sim_moment *moment)
{
    (void)moment; /* what it cost was told when it was started */
    sim_text_str(body, "{\"status\":\"completed\"");
    videos(body, plan);
    sim_text_str(body, ",\"warnings\":[]}");
}

void sim_ai_rerank_json(struct sim_text *body, const struct sim_plan *plan,
                        const struct sim_moment *moment)
{
    const struct sim_request *request = &plan->request;
    __int128 score = (__int128)500000000000000;

    sim_text_str(body, "{\"ranking\":[");
    for (size_t i = 0; i < request->input_count && (int64_t)i < request->count; i++) {
        sim_json(body, "%r{'index':%i,'relevanceScore':%n}", i > 0 ? "," : "", (int64_t)i, &score,
                 (int)SIM_COST_NUMBER);
        score /= 2;
    }
    sim_text_str(body, "]");
    tail(body, plan, moment);
}
