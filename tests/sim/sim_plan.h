/* sim_plan.h - what one POST will be answered with, decided before anything is logged or sent.
 *
 * Ownership: strings live in the request's pool, in its body, or in the program.
 */
#ifndef TESTS_SIM_PLAN_H
#define TESTS_SIM_PLAN_H

#include "tests/sim/sim_behaviour.h"

struct sim_plan {
    struct sim_behaviour behaviour;
    int status;
    const char *error_type; /* status 400 and up without a raw body */
    h2o_iovec_t error_message;
    h2o_iovec_t model,
        provider;     /* empty when the body names none; provider: text before the slash */
    h2o_iovec_t text; /* what the answer says; of an endless one what it repeats */
    bool stream;
    const char *finish_reason; /* NULL: none is sent */
    struct sim_tokens tokens;
    struct sim_costs costs;
};

#endif
