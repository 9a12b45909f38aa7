"""libcurl never sends a paid POST again by itself when a kept-alive connection dies."""
from harness import *

with Sim() as sim, Gateway(sim, {"workers": 1}) as gateway:
    for number in range(5):
        equal(gateway.chat(f"warm {number}").status, 200)
        # The kept connection dies after this POST was sent and before any byte of an answer.
        sim.script({"die": "connect"})
        dead = gateway.chat(f"dies {number}" + "x" * (number * 30000))
        equal((dead.status, dead.headers.get("x-should-retry")), (502, "false"))
        equal(sim.posts(), 2 * (number + 1), "calls upstream")
    rows = gateway.wait_rows(10)
    equal(sorted(row["verdict"] for row in rows), ["matched"] * 5 + ["unknown"] * 5)

    # A connection that died while idle is simply not used again.
    port = sim.port
    equal(gateway.chat("warm").status, 200)
    sim.stop()
    with Sim(port=port) as again:
        answer = gateway.chat("after the upstream's restart")
        equal((answer.status, again.posts()), (200, 1))
