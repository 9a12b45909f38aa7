/* sim_answer.h - a plan rendered: the body's bytes, where they are cut into timed pieces, and where
 * a fault strikes.
 *
 * Layout of a body: [0, ends[0]) goes at once, each further [ends[i-1], ends[i]) a gap later, the
 * rest with the last piece. The first `lead` pieces are keep-alives: they come comment_ms apart,
 * and what follows them when the delay is over. A fault strikes behind `cut` bytes. An endless body
 * repeats [repeat, len) for ever.
 */
#ifndef TESTS_SIM_ANSWER_H
#define TESTS_SIM_ANSWER_H

#include "tests/sim/sim_plan.h"
#include "tests/sim/sim_text.h"

struct sim_answer {
    struct sim_text body;
    size_t *ends;
    size_t end_count, end_capacity;
    size_t lead;
    size_t middle, finish; /* offsets where `middle` and `end` of a fault lie */
    size_t cut;            /* SIZE_MAX: no fault in the body */
    size_t repeat;         /* SIZE_MAX: the body ends */
    size_t content_length; /* what the head promises; SIZE_MAX: nothing */
    h2o_iovec_t content_type;
};

/* What only the moment knows. */
struct sim_moment {
    const char *id; /* NUL-terminated */
    int64_t now_ms; /* unix */
    const uint8_t *body_sha256;
};

void sim_answer_render(struct sim_answer *answer, const struct sim_plan *plan,
                       const struct sim_moment *moment);
/* Keeps the memory for the next answer. */
void sim_answer_clear(struct sim_answer *answer);
void sim_answer_release(struct sim_answer *answer);

/* For the files that render: here ends a piece. */
void sim_answer_piece(struct sim_answer *answer);

/* sim_gzip.c: packs a rendered body, keeping its pieces apart. */
void sim_gzip_pack(struct sim_answer *answer);

/* sim_error.c: the envelope of plan's dialect and API. */
void sim_error_render(struct sim_text *body, const struct sim_plan *plan,
                      const struct sim_moment *moment);

#endif
