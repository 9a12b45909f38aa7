/* sim_price.c - which rates an answer is billed at. See sim_planner.h.
 *
 * Tokens times list prices where the price file has them. What vendors bill by the image, character
 * or call the file does not carry; there the simulator has rates of its own, in 1e-15 USD.
 */
#include "tests/sim/sim_planner.h"

#define MICRO_DOLLARS(count) ((__int128)(count)*1000000000)

static __int128 flat_cost(const struct sim_plan *plan)
{
    switch (plan->api) {
    case SIM_IMAGES:
        return MICRO_DOLLARS(40000) * plan->request.count;
    case SIM_SPEECH:
        return MICRO_DOLLARS(15) * (__int128)plan->request.text_bytes;
    case SIM_TRANSCRIPTION:
        return MICRO_DOLLARS(6000);
    case SIM_VIDEOS:
    case SIM_VIDEO_START:
        return MICRO_DOLLARS(500000) * plan->request.count;
    case SIM_RERANK:
        return MICRO_DOLLARS(2000);
    default:
        return 0;
    }
}

struct sim_costs sim_price_plan(const struct sim_plan *plan, const struct price *price)
{
    const struct sim_billing *billing = &plan->behaviour.billing;
    struct sim_costs costs =
        sim_cost_of(price, plan->behaviour.service_tier.base, &plan->tokens, billing);

    if (costs.known || sim_api_needs_price(plan->api))
        return costs;
    return sim_cost_flat(flat_cost(plan), billing);
}
