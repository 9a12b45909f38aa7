"""An answer without a cost is pending, then looked up until its record is there, and settles."""
from harness import *

with Sim() as sim, Gateway(sim) as gateway:
    for stream in False, True:
        gateway.chat(sim_text({"no_cost": True, "prompt_tokens": 31}), stream=stream)
        gateway.chat(sim_text({"no_cost": True, "prompt_tokens": 32, "generation": 3500}),
                     stream=stream)
        gateway.chat(sim_text({"no_cost": True, "prompt_tokens": 33, "generation": "never"}),
                     stream=stream)
    calls = sim.calls()
    rows = gateway.wait_rows(6)
    for row, call in rows_by_call(rows, calls):
        equal((row["id"], row["billed_usd"], row["market_usd"]), (call["id"], "", ""))
        equal((row["verdict"], row["booked_usd"]), ("pending", call["market_cost"]),
              "booked at the estimate meanwhile")
    began = time.monotonic()

    def settled():
        rows[:] = gateway.rows()
        return sum(row["verdict"] == "matched" for row in rows) >= 4
    wait_for(settled, "four rows to settle")
    check(time.monotonic() - began > 2.5, "a record that is not there yet is asked for again")
    equal(len(rows), 6, "settling makes no new rows")
    for row, call in rows_by_call(rows, calls):
        if row["prompt_tokens"] == "33":
            equal((row["verdict"], row["billed_usd"]), ("pending", ""), "404 is unknown, never 0")
        else:
            equal((row["verdict"], row["billed_usd"], row["booked_usd"]),
                  ("matched", call["gateway_cost"], call["gateway_cost"]))
            equal(row["difference_usd"], "0")
