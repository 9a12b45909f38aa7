/* answer_costs.c - which of the reported amounts the ledger books. */
#include "server/dialect/answer.h"

#include <assert.h>

static struct maybe_money first_known(struct maybe_money first, struct maybe_money second)
{
    return first.known ? first : second;
}

/* What the gateway bills when it does not say so itself. */
static struct maybe_money add_surcharge(struct maybe_money cost, struct maybe_money surcharge)
{
    struct maybe_money sum = {.known = true};

    if (!cost.known || !surcharge.known)
        return cost;
    if (money_add(cost.money, surcharge.money, &sum.money) != 0)
        return (struct maybe_money){.known = false};
    assert(money_compare(sum.money, cost.money) >= 0);
    return sum;
}

void answer_costs(const struct answer *answer, struct ledger_row *row)
{
    struct maybe_money unknown = {.known = false};
    struct maybe_money stated = first_known(answer->gateway_cost, answer->meta_gateway_cost);
    struct maybe_money market = first_known(answer->market_cost, answer->meta_market_cost);
    struct maybe_money derived =
        add_surcharge(first_known(answer->cost, answer->meta_cost),
                      first_known(answer->surcharge_cost, answer->meta_surcharge_cost));

    row->byok = answer->byok;
    row->billed = first_known(stated, derived);
    row->market = market;
    row->upstream_cost =
        answer->byok == 1 ? first_known(answer->upstream_inference_cost, market) : unknown;
    assert(!row->billed.known || row->billed.money.femto >= 0);
    assert(!row->upstream_cost.known || row->upstream_cost.money.femto >= 0);
}
