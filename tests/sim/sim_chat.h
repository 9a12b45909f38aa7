/* sim_chat.h - reads a POST and decides its answer: behaviour, text, tokens, costs, or a refusal.
 *
 * Threads: scratch belongs to one worker; the price table is shared and never changes.
 */
#ifndef TESTS_SIM_CHAT_H
#define TESTS_SIM_CHAT_H

#include "tests/sim/sim_plan.h"
#include "tests/sim/sim_script.h"

struct sim_chat {
    const struct price_table *prices;
    struct sim_script *script;
    struct json_doc body, behaviour; /* scratch */
};

/* Always decides something. The pool's memory and the request's body must outlive the plan. */
void sim_chat_plan(struct sim_chat *chat, h2o_req_t *req, bool has_key, int64_t now_ms,
                   struct sim_plan *ret_plan);

#endif
