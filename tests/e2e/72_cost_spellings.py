"""The reported cost is found in every place and spelling it can have, streamed or not."""
from harness import *

BASE = {"prompt_tokens": 17, "completion_tokens": 3}
BEHAVIOURS = [{}, {"cost_format": "exponent"}, {"cost_format": "string"}, {"metadata": "camel"},
              {"metadata": "none"}, {"usage": "separate"}, {"usage": "separate", "metadata": "none"},
              {"discount": 0.9}, {"discount": 0.9, "cost_format": "exponent"},
              {"surcharge": "0.0001"}, {"surcharge": "0.00012345", "usage": "separate"},
              {"byok": True}, {"byok": True, "surcharge": "0.0001"},
              {"byok": True, "metadata": "camel", "cost_format": "exponent"},
              {"reasoning_tokens": 2}, {"cached_tokens": 9}, {"prompt_tokens": 9}]

with Sim() as sim, Gateway(sim) as gateway:
    for stream in False, True:
        for behaviour in BEHAVIOURS:
            equal(gateway.chat(sim_text({**BASE, **behaviour}), stream=stream).status, 200)
    rows = gateway.wait_rows(2 * len(BEHAVIOURS))
    for (row, call), behaviour in zip(rows_by_call(rows, sim.calls()), BEHAVIOURS * 2):
        what = f"{behaviour}, streamed {row['streamed']}"
        equal(row["billed_usd"], call["gateway_cost"], f"billed of {what}")
        equal(row["market_usd"], call["market_cost"], f"market of {what}")
        equal(row["byok"], "true" if behaviour.get("byok") else "false", what)
        equal(row["upstream_usd"] or "0", call["upstream_cost"], f"upstream of {what}")
        equal(Decimal(row["booked_usd"]),
              Decimal(call["gateway_cost"]) + Decimal(call["upstream_cost"]), f"booked of {what}")
        equal((row["estimated_usd"], row["difference_usd"], row["verdict"]),
              (call["market_cost"], "0", "matched"), what)
        equal(row["reasoning_tokens"], str(behaviour.get("reasoning_tokens", 0)), what)
