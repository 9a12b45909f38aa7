"""200 requests at once against a budget for 50: never overspent by a cent, none refused that fitted; and
what was spent is still spent after a restart and after kill -9.

parity: budgets
"""
from harness import *

BIG = "openai/gpt-5"


def post(gateway, number, key, **more):
    """All of them may cost the same, to the byte."""
    text = sim_text({"prompt_tokens": 9, "completion_tokens": 1000, "delay": 30}, f" {number:04d}")
    return gateway.chat(text, model=BIG, max_tokens=1200, key=key, **more)


def cost_and_bound():
    with Sim() as sim, Gateway(sim, {"clients": [client("poor", budget_per_day="0.000001"), client("rich")]},
                               own_key=OWN_KEY) as gateway:
        refused, served = post(gateway, 1, "tg_poor"), post(gateway, 2, "tg_rich")
        equal((refused.status, served.status, sim.posts()), (402, 200, 1))
        return (Decimal(sim.calls()[0]["gateway_cost"]),
                Decimal(refused.json()["error"]["metadata"]["request_may_cost_usd"]))


cost, bound = cost_and_bound()
check(cost < bound < 2 * cost, f"{cost} and {bound}")
for period in "day", "month":
    # The fiftieth fits exactly, once the others' true costs are known. Another is filled into the cache.
    budget = 50 * cost + bound
    with Sim() as sim:
        def gateway_on(data=None):
            return Gateway(sim, {"limits": {"budget_wait": "5m"}, "clients": [
                client("racer", **{f"budget_per_{period}": str(budget)}), client("other")]},
                own_key=OWN_KEY, data=data)
        gateway = gateway_on()
        filled = post(gateway, 9999, "tg_racer", cache=True)
        answers = in_parallel(200, lambda i: post(gateway, i, "tg_racer"))
        statuses = [answer.status for answer in answers]
        equal((statuses.count(200), statuses.count(402)), (50, 150), f"{period}: statuses")
        equal(sim.posts(), 51, "what was refused was not sent")
        spent = Decimal(sim.stats()["spent"])
        equal(spent, 51 * cost, "what was spent")
        check(spent <= budget, f"{spent} of {budget}")
        told = [answer.json()["error"] for answer in answers if answer.status == 402]
        for error in told:
            metadata = error["metadata"]
            equal((metadata["period"], metadata["limit_usd"]), (period, str(budget)))
            check(Decimal(metadata["spent_usd"]) + Decimal(metadata["request_may_cost_usd"]) > budget,
                  f"refused, and would have fitted: {error}")
            check(metadata["resets_at_ms"] > time.time() * 1000, "when it begins anew")

        # A hit consumes none; others have their own budgets.
        hit = post(gateway, 9999, "tg_racer", cache=True)
        equal((hit.status, hit.cache()), (200, "HIT"))
        equal(hit.headers["x-openrouter-cache-source-id"], filled.headers["x-generation-id"])
        equal(post(gateway, 0, "tg_other").status, 200, "another client")
        equal(Decimal(sum(Decimal(row["billed_usd"] or 0) for row in gateway.rows()
                          if row["client"] == "racer")), spent, "the ledger's sum")
        gateway.kill()
        for how in "killed", "stopped":
            gateway = gateway_on(gateway.data)
            refused = post(gateway, 1000, "tg_racer")
            equal(refused.status, 402, f"after it was {how}")
            equal(Decimal(refused.json()["error"]["metadata"]["spent_usd"]), spent)
            equal(post(gateway, 9999, "tg_racer", cache=True).cache(), "HIT", f"after it was {how}")
            equal(gateway.stop(), 0)
        text = tollgate("keys", "list", "--spent", "-c", gateway.config)[1]
        check(str(spent.normalize()) in text, text)
