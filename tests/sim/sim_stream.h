/* sim_stream.h - an answer as an event stream: what every grammar has in common.
 *
 * A stream opens, says blocks (reasoning, text, a tool call) in deltas, finishes and ends with a
 * terminator. A grammar says how each of these looks; sim_stream.c decides which come, cuts texts
 * into deltas, marks where pieces end and faults strike, and puts keep-alives in front.
 *
 * Threads: pure, apart from the answer that is written.
 */
#ifndef TESTS_SIM_STREAM_H
#define TESTS_SIM_STREAM_H

#include "tests/sim/sim_answer.h"

enum sim_block { SIM_REASONING, SIM_TEXT, SIM_TOOL };

struct sim_stream {
    struct sim_answer *answer;
    struct sim_text *body; /* of the answer */
    const struct sim_plan *plan;
    const struct sim_moment *moment;
    struct sim_text head; /* the grammar's: what its events begin with */
    int64_t sequence;     /* the grammar's: events so far */
    int64_t index;        /* of the present block */
    int64_t deltas;       /* content chunks so far */
};

/* Any function may be NULL: nothing is sent then. */
struct sim_grammar {
    const char *keep_alive; /* one, whole */
    void (*open)(struct sim_stream *stream);
    void (*block_open)(struct sim_stream *stream, enum sim_block block);
    void (*delta)(struct sim_stream *stream, enum sim_block block, h2o_iovec_t part);
    void (*block_close)(struct sim_stream *stream, enum sim_block block);
    void (*finish)(struct sim_stream *stream);    /* reason, usage, cost */
    void (*error)(struct sim_stream *stream);     /* instead: the provider failed */
    void (*terminate)(struct sim_stream *stream); /* left out by no_done */
};

void sim_stream_render(struct sim_answer *answer, const struct sim_plan *plan,
                       const struct sim_moment *moment, const struct sim_grammar *grammar);

/* What a block says: the plan's reasoning, its text, or the tool's arguments. */
h2o_iovec_t sim_block_text(const struct sim_plan *plan, enum sim_block block);

/* Whether the answer has that block. */
bool sim_block_present(const struct sim_plan *plan, enum sim_block block);

/* For grammars: "data: [DONE]". */
void sim_stream_done(struct sim_stream *stream);

#endif
