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

static struct observation observe(const struct answer *answer, enum observe_source source,
                                  int64_t at_ms)
{
    return (struct observation){.source = source, .at_ms = at_ms, .byok = answer->byok};
}

/* Under one's own key the vendor's bill comes besides; otherwise there is none. */
static void add_vendor(const struct answer *answer, struct observation *seen)
{
    if (answer->byok == 1)
        seen->upstream = first_known(answer->upstream_inference_cost, seen->market);
    assert(!seen->billed.known || seen->billed.money.femto >= 0);
    assert(!seen->upstream.known || seen->upstream.money.femto >= 0);
}

static struct observation observe_metadata(const struct answer *answer, int64_t at_ms)
{
    struct observation seen = observe(answer, OBSERVE_METADATA, at_ms);

    seen.billed = first_known(answer->meta_gateway_cost,
                              add_surcharge(answer->meta_cost, answer->meta_surcharge_cost));
    seen.market = answer->meta_market_cost;
    add_vendor(answer, &seen);
    return seen;
}

static struct observation observe_usage(const struct answer *answer, int64_t at_ms)
{
    struct observation seen = observe(answer, OBSERVE_USAGE, at_ms);

    seen.billed = first_known(
        first_known(answer->gateway_cost, answer->meta_gateway_cost),
        add_surcharge(first_known(answer->cost, answer->meta_cost),
                      first_known(answer->surcharge_cost, answer->meta_surcharge_cost)));
    seen.market = first_known(answer->market_cost, answer->meta_market_cost);
    add_vendor(answer, &seen);
    return seen;
}

size_t answer_observe(const struct answer *answer, int64_t at_ms,
                      struct observation list[ANSWER_OBSERVATIONS_MAX])
{
    size_t count = 0;

    if (answer->cost_path != NULL) { /* elsewhere the same names may mean another unit */
        if (answer->configured_cost.known) {
            list[count] = observe(answer, OBSERVE_CONFIGURED, at_ms);
            list[count++].billed = answer->configured_cost;
        }
        return count;
    }
    if (answer->meta_cost.known || answer->meta_gateway_cost.known ||
        answer->meta_market_cost.known)
        list[count++] = observe_metadata(answer, at_ms);
    if (answer->cost.known || answer->gateway_cost.known || answer->market_cost.known ||
        answer->surcharge_cost.known || answer->upstream_inference_cost.known)
        list[count++] = observe_usage(answer, at_ms);
    assert(count <= ANSWER_OBSERVATIONS_MAX);
    return count;
}

static void take(struct maybe_money *money, struct maybe_money seen)
{
    if (seen.known)
        *money = seen;
}

void answer_costs(const struct answer *answer, struct ledger_row *row)
{
    struct observation list[ANSWER_OBSERVATIONS_MAX];
    size_t count = answer_observe(answer, 0, list);

    row->byok = answer->byok;
    row->billed = row->upstream_cost = row->market = (struct maybe_money){.known = false};
    for (size_t i = 0; i < count; i++) { /* the highest rank comes last */
        take(&row->billed, list[i].billed);
        take(&row->upstream_cost, list[i].upstream);
        take(&row->market, list[i].market);
    }
}
