/* sim_stream.c - see sim_stream.h. */
#include "tests/sim/sim_stream.h"

#include <assert.h>

enum {
    REPEAT_BYTES = 16384, /* of events, that an endless stream repeats at a time */
    KEEP_ALIVES_MAX = 10000,
};

h2o_iovec_t sim_block_text(const struct sim_plan *plan, enum sim_block block)
{
    if (block == SIM_REASONING)
        return plan->reasoning;
    return block == SIM_TEXT ? plan->text : plan->behaviour.tool_arguments;
}

bool sim_block_present(const struct sim_plan *plan, enum sim_block block)
{
    if (block == SIM_REASONING)
        return plan->reasoning.len > 0;
    if (block == SIM_TOOL)
        return sim_plan_has_tool(plan);
    return !sim_plan_has_tool(plan) || plan->text.len > 0;
}

void sim_stream_done(struct sim_stream *stream)
{
    sim_text_str(stream->body, "data: [DONE]\n\n");
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

/* False: the answer fails here. */
static bool deltas(struct sim_stream *stream, const struct sim_grammar *grammar,
                   enum sim_block block)
{
    const struct sim_behaviour *behaviour = &stream->plan->behaviour;
    h2o_iovec_t text = sim_block_text(stream->plan, block);
    int64_t count = behaviour->chunks;
    size_t at = 0;

    for (int64_t part = 0; count != SIM_UNSET ? part < count : at < text.len; part++) {
        size_t end = part_end(text, at, part, count);
        if (stream->deltas == behaviour->error_frame)
            return false;
        grammar->delta(stream, block, h2o_iovec_init(text.base + at, end - at));
        sim_answer_piece(stream->answer);
        stream->deltas += block != SIM_REASONING ? 1 : 0;
        at = end;
    }
    return true;
}

/* False: the answer failed inside a block. */
static bool blocks(struct sim_stream *stream, const struct sim_grammar *grammar)
{
    static const enum sim_block order[] = {SIM_REASONING, SIM_TEXT, SIM_TOOL};

    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        if (!sim_block_present(stream->plan, order[i]))
            continue;
        if (grammar->block_open != NULL)
            grammar->block_open(stream, order[i]);
        if (!deltas(stream, grammar, order[i]))
            return false;
        if (grammar->block_close != NULL)
            grammar->block_close(stream, order[i]);
        stream->index++;
    }
    /* With fewer chunks than the number it was to fail behind, it fails at its end. */
    return stream->plan->behaviour.error_frame == SIM_UNSET;
}

static void unending(struct sim_stream *stream, const struct sim_grammar *grammar)
{
    struct sim_answer *answer = stream->answer;
    bool timed = stream->plan->behaviour.gap > 0;

    if (grammar->block_open != NULL)
        grammar->block_open(stream, SIM_TEXT);
    answer->repeat = answer->body.len;
    do {
        grammar->delta(stream, SIM_TEXT, stream->plan->text);
    } while (!timed && answer->body.len - answer->repeat < REPEAT_BYTES);
    sim_answer_piece(answer);
}

static void ending(struct sim_stream *stream, const struct sim_grammar *grammar)
{
    struct sim_answer *answer = stream->answer;
    size_t opened = answer->body.len, lead = answer->lead;
    bool whole = blocks(stream, grammar);
    size_t pieces = answer->end_count - lead;

    answer->middle = pieces > 1 ? answer->ends[lead + pieces / 2 - 1] : opened;
    answer->finish = answer->body.len;
    if (whole)
        grammar->finish(stream);
    else
        grammar->error(stream);
    if (!stream->plan->behaviour.no_done && grammar->terminate != NULL)
        grammar->terminate(stream);
}

/* One keep-alive every comment_ms for as long as the delay lasts, the first at once. */
static void keep_alives(struct sim_stream *stream, const char *keep_alive)
{
    const struct sim_behaviour *behaviour = &stream->plan->behaviour;

    if (behaviour->comment_ms == SIM_UNSET)
        return;
    for (int64_t at = 0; at < behaviour->delay && stream->answer->lead < KEEP_ALIVES_MAX;
         at += behaviour->comment_ms) {
        sim_text_str(stream->body, keep_alive);
        sim_answer_piece(stream->answer);
        stream->answer->lead++;
    }
}

void sim_stream_render(struct sim_answer *answer, const struct sim_plan *plan,
                       const struct sim_moment *moment, const struct sim_grammar *grammar)
{
    struct sim_stream stream = {
        .answer = answer,
        .body = &answer->body,
        .plan = plan,
        .moment = moment,
    };

    assert(answer->body.len == 0);
    keep_alives(&stream, grammar->keep_alive);
    grammar->open(&stream);
    if (plan->behaviour.endless)
        unending(&stream, grammar);
    else
        ending(&stream, grammar);
    sim_text_release(&stream.head);
}
