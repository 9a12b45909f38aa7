/* sim_planner.h - reads a POST and decides its answer: behaviour, model, text, tokens, costs, or a
 * refusal.
 *
 * Threads: scratch belongs to one worker; the catalogue and the script are shared.
 */
#ifndef TESTS_SIM_PLANNER_H
#define TESTS_SIM_PLANNER_H

#include "tests/sim/sim_catalogue.h"
#include "tests/sim/sim_plan.h"
#include "tests/sim/sim_script.h"

struct sim_planner {
    const struct sim_catalogue *catalogue;
    struct sim_script *script;
    struct json_doc body, behaviour; /* scratch */
};

/* Always decides something. The pool's memory and the request's body must outlive the plan. */
void sim_planner_plan(struct sim_planner *planner, h2o_req_t *req, const struct sim_route *route,
                      bool has_key, int64_t now_ms, struct sim_plan *ret_plan);

/* sim_price.c: what a plan's answer costs, from its tokens or, where the API is billed otherwise,
 * from its flat rates. price: NULL where none is known. */
struct sim_costs sim_price_plan(const struct sim_plan *plan, const struct price *price);

#endif
