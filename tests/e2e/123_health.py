"""While an upstream fails, traffic shifts away, and comes back by itself; Retry-After is honoured.

parity: health-routing, retries
"""
from harness import *

with Sim() as bad, Sim() as good:
    upstreams = [bad.upstream("bad"), good.upstream("good")]
    with Gateway(bad, {"upstreams": upstreams, "workers": 1}) as gateway:
        # Failures that were sent are the client's to see; 5xx go on to the next.
        for number in range(12):
            bad.script({"status": 500})
            equal(gateway.chat(f"{number}").status, 200)
        bad.script(*[{"status": 500}] * 10)
        asked = bad.posts()
        for number in range(20):
            equal(gateway.chat(f"shifted {number}").status, 200)
        probes = bad.posts() - asked
        check(1 <= probes <= 4, f"most go elsewhere, some probe: {probes} of 20")
        bad.reset()

        def back():
            answers = [gateway.chat(f"back {time.monotonic_ns()}") for _ in range(10)]
            return sum(one.headers["x-tollgate-upstream"] == "bad" for one in answers) == 10
        wait_for(back, "traffic to come back", 60)

with Sim() as sim, Gateway(sim, {"limits": {"retry": "5s"}}) as gateway:
    sim.script({"status": 429, "retry_after": "1"})
    answer = gateway.chat("hello")
    equal((answer.status, sim.posts()), (200, 2), "asked again when it was time")
    check(int(gateway.settled_rows(1)[0]["latency_ms"]) >= 900, "not before")
    sim.script({"status": 429, "retry_after": "60"})
    answer = gateway.chat("later")
    equal((answer.status, answer.headers["retry-after"], sim.posts()), (429, "60", 3),
          "beyond the deadline")
