"""If the upstream fails, the followers get the same error and nobody calls again by himself."""
from harness import *

N = 6

with Sim() as sim, Gateway(sim) as gateway:
    cases = [(stream, {"delay": 1000, "status": status})
             for stream in (False, True) for status in (429, 500)]
    cases.append((False, {"delay": 1000, "die": "connect"}))
    for count, (stream, behaviour) in enumerate(cases):
        sim.reset()
        text = sim_text(behaviour)
        answers = in_parallel(N, lambda i: gateway.chat(text, stream=stream, cache=True))
        equal(sim.posts(), 1, f"calls upstream for {behaviour}")
        equal({answer.status for answer in answers}, {behaviour.get("status", 502)})
        equal(len({answer.body for answer in answers}), 1, "the same body")
        if behaviour.get("status") == 429:
            equal({answer.headers.get("retry-after") for answer in answers}, {"1"})
        equal({answer.cache() for answer in answers}, {None}, "cache headers on an error")
        rows = gateway.wait_rows(N * (count + 1))[-N:]
        equal(sorted(row["cache"] for row in rows), ["collapsed"] * (N - 1) + ["miss"])
        equal({row["status"] for row in rows}, {str(behaviour.get("status", 502))})

    # A stream that breaks off does so for its followers too.
    sim.reset()
    text = sim_text({"delay": 700, "chunks": 6, "gap": 50, "die": "middle"})
    answers = in_parallel(N, lambda i: gateway.chat(text, stream=True, cache=True))
    equal(sim.posts(), 1)
    for answer in answers:
        check("[DONE]" not in answer.events() and "error" in answer.chunks()[-1], "an error frame")
        equal({chunk["id"] for chunk in answer.chunks()}, {answer.headers["x-generation-id"]})
    equal(len({answer.headers["x-generation-id"] for answer in answers}), N, "ids of their own")
