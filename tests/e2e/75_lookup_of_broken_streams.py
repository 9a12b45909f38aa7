"""A stream that breaks off or errs after its id was seen is looked up and settles at its cost."""
from harness import *

with Sim() as sim, Gateway(sim) as gateway:
    gateway.chat(sim_text({"die": "middle", "chunks": 6, "gap": 10}), stream=True, cache=True)
    gateway.chat(sim_text({"error_frame": 2, "chunks": 6}), stream=True, cache=True)
    gateway.chat(sim_text({"no_done": True, "no_cost": True}), stream=True)
    gateway.chat(sim_text({"die": "middle", "size": 4000}))
    pairs = rows_by_call(gateway.settled_rows(4), sim.calls())
    for row, call in pairs:
        equal((row["billed_usd"], row["booked_usd"]), (call["gateway_cost"], call["gateway_cost"]))
        equal(row["market_usd"], call["market_cost"])
    equal([row["status"] for row, _ in pairs], ["200", "200", "200", "502"])
