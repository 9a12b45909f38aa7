/* sim_plan.h - what one POST will be answered with, decided before anything is logged or sent.
 *
 * Ownership: strings live in the request's pool, in its body, or in the program.
 */
#ifndef TESTS_SIM_PLAN_H
#define TESTS_SIM_PLAN_H

#include "tests/sim/sim_behaviour.h"
#include "tests/sim/sim_request.h"

struct sim_plan {
    struct sim_behaviour behaviour;
    struct sim_request request;
    enum sim_dialect dialect;
    enum sim_api api;
    int status;
    const char *error_type; /* Vercel's word; status 400 and up without a raw body */
    h2o_iovec_t error_message;
    h2o_iovec_t model;     /* that served, in the dialect's words; empty when the body names none */
    h2o_iovec_t priced;    /* the same in the price file's words */
    h2o_iovec_t provider;  /* who served: a slug; OpenRouter: a name */
    h2o_iovec_t text;      /* what the answer says; of an endless one what it repeats */
    h2o_iovec_t reasoning; /* what was thought before; empty: nothing is shown */
    bool exists;           /* the model that was asked for, or a fallback of it, is one of ours */
    bool stream;
    const char *finish_reason; /* "stop" or "tool_calls"; NULL: none is sent */
    struct sim_tokens tokens;
    struct sim_costs costs;
};

/* Short for what nearly every renderer asks. */
static inline bool sim_plan_has_tool(const struct sim_plan *plan)
{
    return plan->behaviour.tool_name.base != NULL;
}

/* The service tier that the answer names. */
static inline const char *sim_plan_tier(const struct sim_plan *plan, const char *usual)
{
    return plan->behaviour.service_tier.base != NULL ? plan->behaviour.service_tier.base : usual;
}

/* Whether the answer says what it cost. */
static inline bool sim_plan_tells_cost(const struct sim_plan *plan)
{
    return plan->costs.known && !plan->behaviour.no_cost;
}

#endif
