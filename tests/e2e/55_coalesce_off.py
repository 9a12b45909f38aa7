"""cache.coalesce: false does as OpenRouter does: every concurrent miss goes upstream and is paid."""
from harness import *

with Sim() as sim, Gateway(sim, {"cache": {"coalesce": False}}) as gateway:
    text = sim_text({"delay": 800})
    answers = in_parallel(5, lambda i: gateway.chat(text, cache=True))
    equal([answer.cache() for answer in answers], ["MISS"] * 5)
    equal(len({answer.json()["id"] for answer in answers}), 5)
    equal(sim.posts(), 5)
    equal(gateway.chat(text, cache=True).cache(), "HIT", "one of them was stored")
    rows = gateway.wait_rows(6)
    equal(sorted(row["cache"] for row in rows), ["hit"] + ["miss"] * 5)
    for row, call in rows_by_call(rows, sim.calls()):
        equal((row["billed_usd"], row["verdict"]), (call["gateway_cost"], "matched"))
