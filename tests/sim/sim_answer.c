/* sim_answer.c - see sim_answer.h. */
#include "tests/sim/sim_answer.h"
#include "tests/sim/sim_forms.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEPT_BYTES = 65536,   /* a larger buffer is not worth keeping for the next answer */
    REPEAT_BYTES = 16384, /* of text, that an endless body repeats at a time */
};

static const h2o_iovec_t json_type = {H2O_STRLIT("application/json; charset=utf-8")};
static const h2o_iovec_t events_type = {H2O_STRLIT("text/event-stream; charset=utf-8")};
static const h2o_iovec_t html_type = {H2O_STRLIT("text/html; charset=utf-8")};
static const h2o_iovec_t text_type = {H2O_STRLIT("text/plain")};
static const h2o_iovec_t audio_type = {H2O_STRLIT("audio/mpeg")};

/* How an API answers in a dialect. */
static const struct form {
    enum sim_dialect dialect;
    enum sim_api api;
    sim_render *whole;
    const struct sim_grammar *grammar; /* NULL: it never streams */
    const h2o_iovec_t *type;           /* of a whole answer */
} forms[] = {
    {SIM_VERCEL, SIM_CHAT, sim_chat_vercel_json, &sim_chat_vercel_grammar, &json_type},
    {SIM_VERCEL, SIM_RESPONSES, sim_responses_json, &sim_responses_grammar, &json_type},
    {SIM_VERCEL, SIM_MESSAGES, sim_messages_json, &sim_messages_grammar, &json_type},
    {SIM_VERCEL, SIM_COMPLETIONS, sim_completions_json, &sim_completions_grammar, &json_type},
    {SIM_VERCEL, SIM_EMBEDDINGS, sim_embeddings_json, NULL, &json_type},
    {SIM_VERCEL, SIM_IMAGES, sim_images_json, NULL, &json_type},
    {SIM_VERCEL, SIM_SPEECH, sim_speech_bytes, NULL, &audio_type},
    {SIM_VERCEL, SIM_TRANSCRIPTION, sim_transcription_json, NULL, &json_type},
    {SIM_VERCEL, SIM_VIDEOS, sim_videos_json, NULL, &json_type},
    {SIM_VERCEL, SIM_RERANK, sim_rerank_json, NULL, &json_type},
    {SIM_VERCEL, SIM_BATCHES, sim_batches_json, NULL, &json_type},
    {SIM_VERCEL, SIM_FILES, sim_files_json, NULL, &json_type},
    {SIM_OPENROUTER, SIM_CHAT, sim_chat_openrouter_json, &sim_chat_openrouter_grammar, &json_type},
    {SIM_OPENROUTER, SIM_RESPONSES, sim_responses_json, &sim_responses_grammar, &json_type},
    {SIM_OPENROUTER, SIM_MESSAGES, sim_messages_json, &sim_messages_grammar, &json_type},
    {SIM_OPENROUTER, SIM_COMPLETIONS, sim_completions_json, &sim_completions_grammar, &json_type},
    {SIM_OPENROUTER, SIM_EMBEDDINGS, sim_embeddings_json, NULL, &json_type},
    {SIM_OPENROUTER, SIM_RERANK, sim_rerank_json, NULL, &json_type},
    {SIM_OPENAI, SIM_CHAT, sim_chat_openai_json, &sim_chat_openai_grammar, &json_type},
    {SIM_OPENAI, SIM_RESPONSES, sim_responses_json, &sim_responses_grammar, &json_type},
    {SIM_OPENAI, SIM_COMPLETIONS, sim_completions_json, &sim_completions_grammar, &json_type},
    {SIM_OPENAI, SIM_EMBEDDINGS, sim_embeddings_json, NULL, &json_type},
    {SIM_AI_SDK, SIM_CHAT, sim_ai_chat_json, &sim_ai_chat_grammar, &json_type},
    {SIM_AI_SDK, SIM_EMBEDDINGS, sim_ai_embeddings_json, NULL, &json_type},
    {SIM_AI_SDK, SIM_IMAGES, sim_ai_images_json, NULL, &json_type},
    {SIM_AI_SDK, SIM_SPEECH, sim_ai_speech_json, NULL, &json_type},
    {SIM_AI_SDK, SIM_TRANSCRIPTION, sim_ai_transcription_json, NULL, &json_type},
    {SIM_AI_SDK, SIM_VIDEOS, sim_ai_video_event, NULL, &events_type},
    {SIM_AI_SDK, SIM_VIDEO_START, sim_ai_video_start_json, NULL, &json_type},
    {SIM_AI_SDK, SIM_VIDEO_STATUS, sim_ai_video_status_json, NULL, &json_type},
    {SIM_AI_SDK, SIM_RERANK, sim_ai_rerank_json, NULL, &json_type},
};

static const struct form *form_of(const struct sim_plan *plan)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (forms[i].dialect == plan->dialect && forms[i].api == plan->api)
            return &forms[i];
    }
    abort(); /* sim_route.c knows no other */
}

void sim_answer_clear(struct sim_answer *answer)
{
    struct sim_answer kept = {
        .body = answer->body,
        .ends = answer->ends,
        .end_capacity = answer->end_capacity,
    };
    if (kept.body.capacity > KEPT_BYTES)
        sim_text_release(&kept.body);
    kept.body.len = 0;
    *answer = kept;
}

void sim_answer_release(struct sim_answer *answer)
{
    if (answer == NULL)
        return;
    sim_text_release(&answer->body);
    free(answer->ends);
    *answer = (struct sim_answer){0};
}

void sim_answer_piece(struct sim_answer *answer)
{
    if (answer->end_count == answer->end_capacity) {
        answer->end_capacity = answer->end_capacity != 0 ? answer->end_capacity * 2 : 64;
        answer->ends = realloc(answer->ends, answer->end_capacity * sizeof(size_t));
        if (answer->ends == NULL)
            abort();
    }
    answer->ends[answer->end_count++] = answer->body.len;
}

void sim_call_id(struct sim_text *text, const struct sim_moment *moment)
{
    sim_json(text, "'call_%h'", moment->body_sha256, (size_t)12);
}

void sim_finish_reason(struct sim_text *text, const struct sim_plan *plan)
{
    sim_json(text, "%j", plan->finish_reason);
}

static void endless_body(struct sim_answer *answer, const struct sim_plan *plan,
                         const struct sim_moment *moment)
{
    struct sim_text *body = &answer->body;

    sim_json(body, "{'id':%j,'created':%i,'model':%v,'content':'", moment->id,
             moment->now_ms / 1000, &plan->model);
    answer->repeat = body->len;
    do {
        sim_text_escaped(body, plan->text.base, plan->text.len);
        sim_text_str(body, " "); /* an empty text must not repeat nothing */
    } while (plan->behaviour.gap <= 0 && body->len - answer->repeat < REPEAT_BYTES);
}

static void error_body(struct sim_answer *answer, const struct sim_plan *plan,
                       const struct sim_moment *moment)
{
    static const char html[] =
        "<!DOCTYPE html>\n<html><head><title>Bad gateway</title></head>"
        "<body><h1>Bad gateway</h1><p>The web server reported an error.</p></body></html>\n";

    answer->content_type = json_type;
    if (plan->behaviour.refuse_html) {
        sim_text_str(&answer->body, html);
        answer->content_type = html_type;
    } else if (plan->behaviour.empty) {
        answer->content_type = text_type;
    } else {
        sim_error_render(&answer->body, plan, moment);
    }
}

/* Bodies that are not event streams of ours: as many equal pieces as `chunks` says. */
static void cut_evenly(struct sim_answer *answer, int64_t chunks)
{
    size_t len = answer->body.len;

    for (int64_t i = 1; chunks > 1 && i <= chunks; i++) {
        answer->body.len = (size_t)((unsigned __int128)len * (uint64_t)i / (uint64_t)chunks);
        sim_answer_piece(answer);
    }
    answer->body.len = len;
    answer->middle = len / 2;
    answer->finish = len;
}

static size_t cut_of(const struct sim_answer *answer, enum sim_place place)
{
    switch (place) {
    case SIM_NOWHERE:
        return SIZE_MAX;
    case SIM_CONNECT:
    case SIM_HEADERS:
        return 0;
    case SIM_MIDDLE:
        return answer->middle;
    case SIM_END:
        return answer->finish;
    }
    abort();
}

static bool is_event_stream(h2o_iovec_t content_type)
{
    static const char events[] = "text/event-stream";
    return content_type.len >= sizeof(events) - 1 &&
           memcmp(content_type.base, events, sizeof(events) - 1) == 0;
}

/* An event stream's length is not promised; anything else's is, and when the body breaks off the
 * promise is kept at least one byte short. Where only the head is sent there has to be a promise:
 * libh2o's chunked encoding holds the head back until the first byte. */
static size_t promise(const struct sim_answer *answer, bool stream)
{
    if (answer->cut == 0)
        return answer->body.len + 1;
    if (stream || answer->repeat != SIZE_MAX)
        return SIZE_MAX;
    if (answer->cut != SIZE_MAX && answer->cut >= answer->body.len)
        return answer->cut + 1;
    return answer->body.len;
}

/* The body, its type, and where its pieces end. */
static void body_render(struct sim_answer *answer, const struct sim_plan *plan,
                        const struct sim_moment *moment)
{
    const struct sim_behaviour *behaviour = &plan->behaviour;
    const struct form *form;

    answer->content_type = json_type;
    if (behaviour->raw.base != NULL) {
        sim_text_add(&answer->body, behaviour->raw.base, behaviour->raw.len);
    } else if (plan->status >= 400) {
        error_body(answer, plan, moment);
    } else {
        form = form_of(plan);
        if (plan->stream && form->grammar != NULL) {
            answer->content_type = events_type;
            sim_stream_render(answer, plan, moment, form->grammar);
            return;
        }
        answer->content_type = *form->type;
        if (behaviour->endless)
            endless_body(answer, plan, moment);
        else
            form->whole(&answer->body, plan, moment);
    }
    cut_evenly(answer, behaviour->chunks != SIM_UNSET ? behaviour->chunks : 1);
}

void sim_answer_render(struct sim_answer *answer, const struct sim_plan *plan,
                       const struct sim_moment *moment)
{
    const struct sim_behaviour *behaviour = &plan->behaviour;

    assert(answer->body.len == 0);
    answer->repeat = SIZE_MAX;
    body_render(answer, plan, moment);
    answer->cut = cut_of(answer, behaviour->die != SIM_NOWHERE ? behaviour->die : behaviour->hang);
    if (behaviour->gzip && !behaviour->endless && answer->cut != 0)
        sim_gzip_pack(answer);
    if (behaviour->content_type.base != NULL)
        answer->content_type = behaviour->content_type;
    answer->content_length = promise(answer, is_event_stream(answer->content_type));
}
