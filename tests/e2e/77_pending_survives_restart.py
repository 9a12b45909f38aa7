"""A lookup that waits for its record goes on after a restart, and settles the same row."""
from harness import *

with Sim() as sim:
    first = Gateway(sim, own_key=OWN_KEY)
    answer = first.chat(sim_text({"no_cost": True, "generation": 5000}))
    pending = first.wait_rows(1)[0]
    equal((pending["id"], pending["verdict"]), (answer.json()["id"], "pending"))
    equal(first.stop(), 0)
    second = Gateway(sim, data=first.data, own_key=OWN_KEY)
    equal(second.wait_rows(1)[0]["verdict"], "pending")
    second.kill()
    with Gateway(sim, data=first.data, own_key=OWN_KEY) as third:
        row = third.settled_rows(1)[0]
        equal((row["id"], row["verdict"], row["billed_usd"], row["created_at"]),
              (pending["id"], "matched", sim.calls()[0]["gateway_cost"], pending["created_at"]))
