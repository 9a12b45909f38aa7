"""Calls one after the other share one upstream connection; at once they take as many as needed."""
from harness import *

with Sim() as sim, Gateway(sim, {"workers": 1, "models": {"catalog": "0"}}) as gateway:
    sim.reset()
    before = sim.stats()["connections"]
    for number in range(10):
        equal(gateway.chat(f"number {number}", stream=number % 2 == 1).status, 200)
    # Each of the two looks at the statistics is a connection too, the second in this count.
    equal(sim.stats()["connections"] - before - 1, 1, "connections for ten calls")
    equal(sim.posts(), 10)
    answers = in_parallel(8, lambda i: gateway.chat(sim_text({"delay": 300}, str(i))))
    equal({answer.status for answer in answers}, {200})
    check(max(call["arrived_ms"] for call in sim.calls()[10:])
          - min(call["arrived_ms"] for call in sim.calls()[10:]) < 1000, "all went up at once")
