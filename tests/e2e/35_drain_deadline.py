"""SIGTERM: an answer that does not end is cut at limits.drain; its hold is not forgotten."""
from harness import *

with Sim() as sim:
    first = Gateway(sim, {"limits": {"drain": "1s"}}, own_key=OWN_KEY)
    connection = first.begin(sim_text({"chunks": 4, "hang": "middle"}), stream=True)
    response = connection.getresponse()
    check(next_event(response), "the answer has begun")
    began = time.monotonic()
    equal(first.stop(), 0, "exit code")
    took = time.monotonic() - began
    check(0.9 < took < 8, f"a deadline of 1 s took {took:.1f} s")
    check("Sanitizer" not in first.log_text(), first.log_text()[-4000:])
    leave(connection)
    with Gateway(sim, data=first.data, own_key=OWN_KEY) as second:
        row = second.settled_rows(1)[0]
        call = sim.calls()[0]
        equal((row["id"], row["status"], row["billed_usd"]),
              (call["id"], "200", call["gateway_cost"]))
