/* sim_answer.c - see sim_answer.h. */
#include "tests/sim/sim_answer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT_BYTES = 65536 }; /* a larger buffer is not worth keeping for the next answer */

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

/* Vercel's envelope. */
static void error_render(struct sim_answer *answer, const struct sim_plan *plan)
{
    struct sim_text *body = &answer->body;

    sim_text_str(body, "{\"error\":{\"message\":");
    sim_text_json(body, plan->error_message.base, plan->error_message.len);
    sim_text_str(body, ",\"type\":");
    sim_text_json(body, plan->error_type, strlen(plan->error_type));
    if (strcmp(plan->error_type, "model_not_found") == 0) {
        sim_text_str(body, ",\"param\":{\"modelId\":");
        sim_text_json(body, plan->model.base, plan->model.len);
        sim_text_str(body, "}");
    }
    sim_text_str(body, "}}");
}

static void tool_calls_render(struct sim_text *body, const struct sim_plan *plan,
                              const struct sim_moment *moment)
{
    const struct sim_behaviour *behaviour = &plan->behaviour;

    sim_text_str(body, ",\"tool_calls\":[{\"id\":\"call_");
    sim_text_hex(body, moment->body_sha256, 12);
    sim_text_str(body, "\",\"type\":\"function\",\"function\":{\"name\":");
    sim_text_json(body, behaviour->tool_name.base, behaviour->tool_name.len);
    sim_text_str(body, ",\"arguments\":");
    sim_text_json(body, behaviour->tool_arguments.base, behaviour->tool_arguments.len);
    sim_text_str(body, "}}]");
}

static void message_render(struct sim_text *body, const struct sim_plan *plan,
                           const struct sim_moment *moment)
{
    bool tool = plan->behaviour.tool_name.base != NULL;
    size_t len;

    sim_text_str(body, "\"message\":{\"role\":\"assistant\",\"content\":");
    if (tool && plan->text.len == 0)
        sim_text_str(body, "null");
    else
        sim_text_json(body, plan->text.base, plan->text.len);
    if (tool)
        tool_calls_render(body, plan, moment);
    len = body->len;
    sim_text_str(body, ",");
    if (!sim_metadata_render(body, plan, moment))
        body->len = len;
    sim_text_str(body, "}");
}

static void json_head(struct sim_text *body, const struct sim_plan *plan,
                      const struct sim_moment *moment)
{
    sim_text_str(body, "{\"id\":\"");
    sim_text_str(body, moment->id);
    sim_text_str(body, "\",\"object\":\"chat.completion\",\"created\":");
    sim_text_int(body, moment->now_ms / 1000);
    sim_text_str(body, ",\"model\":");
    sim_text_json(body, plan->model.base, plan->model.len);
    sim_text_str(body, ",\"generationId\":\"");
    sim_text_str(body, moment->id);
    sim_text_str(body, "\",\"system_fingerprint\":\"" SIM_FINGERPRINT
                       "\",\"choices\":[{\"index\":0,\"logprobs\":null,\"finish_reason\":");
    if (plan->finish_reason != NULL)
        sim_text_json(body, plan->finish_reason, strlen(plan->finish_reason));
    else
        sim_text_str(body, "null");
    sim_text_str(body, ",");
}

static void json_render(struct sim_answer *answer, const struct sim_plan *plan,
                        const struct sim_moment *moment)
{
    struct sim_text *body = &answer->body;

    json_head(body, plan, moment);
    if (plan->behaviour.endless) {
        sim_text_str(body, "\"message\":{\"role\":\"assistant\",\"content\":\"");
        answer->repeat = body->len;
        do {
            sim_text_escaped(body, plan->text.base, plan->text.len);
            sim_text_str(body, " "); /* an empty text must not repeat nothing */
        } while (plan->behaviour.gap <= 0 && body->len - answer->repeat < 16384);
        return;
    }
    message_render(body, plan, moment);
    sim_text_str(body, "}]");
    sim_usage_render(body, plan);
    sim_text_str(body, ",\"service_tier\":\"default\"}");
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

void sim_answer_render(struct sim_answer *answer, const struct sim_plan *plan,
                       const struct sim_moment *moment)
{
    static const h2o_iovec_t json = {H2O_STRLIT("application/json; charset=utf-8")};
    static const h2o_iovec_t events = {H2O_STRLIT("text/event-stream; charset=utf-8")};
    const struct sim_behaviour *behaviour = &plan->behaviour;
    bool stream = behaviour->raw.base == NULL && plan->status < 400 && plan->stream;

    assert(answer->body.len == 0);
    answer->repeat = SIZE_MAX;
    if (behaviour->raw.base != NULL)
        sim_text_add(&answer->body, behaviour->raw.base, behaviour->raw.len);
    else if (plan->status >= 400)
        error_render(answer, plan);
    else if (stream)
        sim_events_render(answer, plan, moment);
    else
        json_render(answer, plan, moment);
    if (!stream)
        cut_evenly(answer, behaviour->chunks != SIM_UNSET ? behaviour->chunks : 1);
    answer->cut = cut_of(answer, behaviour->die != SIM_NOWHERE ? behaviour->die : behaviour->hang);
    if (behaviour->gzip && !behaviour->endless && answer->cut != 0)
        sim_gzip_pack(answer);
    answer->content_type = stream ? events : json;
    if (behaviour->content_type.base != NULL)
        answer->content_type = behaviour->content_type;
    answer->content_length = promise(answer, is_event_stream(answer->content_type));
}
