/* sim_events.c - a chat answer as Vercel's event stream. See sim_answer.h.
 *
 * Order: role; content (or tool call fragments); one last chunk with finish_reason,
 * provider_metadata and usage; [DONE].
 */
#include "tests/sim/sim_answer.h"

#include <assert.h>
#include <string.h>

enum { REPEAT_BYTES = 16384 }; /* of events, that an endless stream repeats at a time */

/* An event stream being rendered. */
struct events {
    struct sim_answer *answer;
    const struct sim_plan *plan;
    const struct sim_moment *moment;
    struct sim_text head; /* what every chunk begins with */
};

static void chunk_open(struct events *events)
{
    sim_text_add(&events->answer->body, events->head.bytes, events->head.len);
}

static void head_render(struct events *events)
{
    struct sim_text *head = &events->head;

    sim_text_str(head, "data: {\"id\":\"");
    sim_text_str(head, events->moment->id);
    sim_text_str(head, "\",\"object\":\"chat.completion.chunk\",\"created\":");
    sim_text_int(head, events->moment->now_ms / 1000);
    sim_text_str(head, ",\"model\":");
    sim_text_json(head, events->plan->model.base, events->plan->model.len);
}

static void delta_open(struct events *events)
{
    chunk_open(events);
    sim_text_str(&events->answer->body, ",\"choices\":[{\"index\":0,\"delta\":{");
}

static void delta_close(struct events *events)
{
    sim_text_str(&events->answer->body, "},\"logprobs\":null,\"finish_reason\":null}],"
                                        "\"system_fingerprint\":\"" SIM_FINGERPRINT "\"}\n\n");
}

static void content_chunk(struct events *events, h2o_iovec_t text)
{
    delta_open(events);
    sim_text_str(&events->answer->body, "\"content\":");
    sim_text_json(&events->answer->body, text.base, text.len);
    delta_close(events);
}

static void tool_chunk(struct events *events, h2o_iovec_t arguments)
{
    delta_open(events);
    sim_text_str(&events->answer->body,
                 "\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":");
    sim_text_json(&events->answer->body, arguments.base, arguments.len);
    sim_text_str(&events->answer->body, "}}]");
    delta_close(events);
}

static void tool_name_chunk(struct events *events)
{
    h2o_iovec_t name = events->plan->behaviour.tool_name;

    delta_open(events);
    sim_text_str(&events->answer->body, "\"tool_calls\":[{\"index\":0,\"id\":\"call_");
    sim_text_hex(&events->answer->body, events->moment->body_sha256, 12);
    sim_text_str(&events->answer->body, "\",\"type\":\"function\",\"function\":{\"name\":");
    sim_text_json(&events->answer->body, name.base, name.len);
    sim_text_str(&events->answer->body, ",\"arguments\":\"\"}}]");
    delta_close(events);
}

/* End of the chunk that begins at `at`: one of `count` equal parts, or without a count one word
 * with the blanks behind it; never half a character. */
static size_t part_end(h2o_iovec_t text, size_t at, int64_t part, int64_t count)
{
    size_t end = at;

    if (count != SIM_UNSET) {
        end = (size_t)((unsigned __int128)text.len * (uint64_t)(part + 1) / (uint64_t)count);
        if (end < at)
            end = at;
        while (end < text.len && end > at && ((unsigned char)text.base[end] & 0xc0) == 0x80)
            end++;
        return end;
    }
    while (end < text.len && text.base[end] != ' ')
        end++;
    while (end < text.len && text.base[end] == ' ')
        end++;
    return end;
}

/* Cuts text into chunks; stops early behind `most` of them. */
static void text_chunks(struct events *events, h2o_iovec_t text, int64_t most,
                        void (*chunk)(struct events *events, h2o_iovec_t text))
{
    int64_t count = events->plan->behaviour.chunks;
    size_t at = 0;

    for (int64_t part = 0; part < most; part++) {
        bool more = count != SIM_UNSET ? part < count : at < text.len;
        size_t end;
        if (!more)
            break;
        end = part_end(text, at, part, count);
        chunk(events, h2o_iovec_init(text.base + at, end - at));
        sim_answer_piece(events->answer);
        at = end;
    }
}

static void last_chunk(struct events *events)
{
    const struct sim_plan *plan = events->plan;
    struct sim_text *body = &events->answer->body;
    bool separate = plan->behaviour.usage == SIM_USAGE_SEPARATE;

    delta_open(events);
    sim_metadata_render(body, plan, events->moment);
    sim_text_str(body, "},\"logprobs\":null,\"finish_reason\":");
    if (plan->finish_reason != NULL)
        sim_text_json(body, plan->finish_reason, strlen(plan->finish_reason));
    else
        sim_text_str(body, "null");
    sim_text_str(body, "}]");
    if (!separate)
        sim_usage_render(body, plan);
    sim_text_str(body, ",\"system_fingerprint\":\"" SIM_FINGERPRINT
                       "\",\"service_tier\":\"default\",\"generationId\":\"");
    sim_text_str(body, events->moment->id);
    sim_text_str(body, "\"}\n\n");
    if (!separate)
        return;
    chunk_open(events);
    sim_text_str(body, ",\"choices\":[]");
    sim_usage_render(body, plan);
    sim_text_str(body, ",\"system_fingerprint\":\"" SIM_FINGERPRINT "\"}\n\n");
}

static void error_chunk(struct events *events)
{
    chunk_open(events);
    sim_text_str(&events->answer->body,
                 ",\"error\":{\"code\":\"error\",\"message\":\"Stream error occurred\","
                 "\"name\":\"AI_TypeValidationError\",\"cause\":{\"name\":\"ZodError\","
                 "\"message\":\"Invalid input\"},\"value\":{\"error_type\":\"validation_error\","
                 "\"error_message\":\"{\\\"error\\\":{\\\"message\\\":\\\"simulated provider "
                 "failure\\\"}}\"}}}\n\n");
}

static void endless_chunks(struct events *events)
{
    struct sim_answer *answer = events->answer;
    bool timed = events->plan->behaviour.gap > 0;
    h2o_iovec_t text = events->plan->text;

    answer->repeat = answer->body.len;
    do {
        content_chunk(events, text);
    } while (!timed && answer->body.len - answer->repeat < REPEAT_BYTES);
    sim_answer_piece(answer);
}

static void finite_chunks(struct events *events)
{
    const struct sim_behaviour *behaviour = &events->plan->behaviour;
    struct sim_answer *answer = events->answer;
    int64_t most = behaviour->error_frame != SIM_UNSET ? behaviour->error_frame : INT64_MAX;
    size_t role = answer->body.len;

    if (behaviour->tool_name.base == NULL || events->plan->text.len > 0)
        text_chunks(events, events->plan->text, most, content_chunk);
    if (behaviour->tool_name.base != NULL) {
        tool_name_chunk(events);
        text_chunks(events, behaviour->tool_arguments, most, tool_chunk);
    }
    answer->middle = answer->end_count > 1 ? answer->ends[answer->end_count / 2 - 1] : role;
    answer->finish = answer->body.len;
    if (behaviour->error_frame != SIM_UNSET)
        error_chunk(events);
    else
        last_chunk(events);
    if (!behaviour->no_done)
        sim_text_str(&answer->body, "data: [DONE]\n\n");
}

void sim_events_render(struct sim_answer *answer, const struct sim_plan *plan,
                       const struct sim_moment *moment)
{
    struct events events = {.answer = answer, .plan = plan, .moment = moment};

    assert(answer->body.len == 0);
    head_render(&events);
    delta_open(&events);
    sim_text_str(&answer->body, "\"role\":\"assistant\"");
    delta_close(&events);
    if (plan->behaviour.endless)
        endless_chunks(&events);
    else
        finite_chunks(&events);
    sim_text_release(&events.head);
}
