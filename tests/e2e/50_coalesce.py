"""Twenty identical concurrent misses are one upstream call, JSON and stream, on every worker.

parity: coalescing
"""
from harness import *

N = 20

with Sim() as sim, Gateway(sim) as gateway:
    rows = 0
    for stream, behaviour in (False, {"delay": 1500}), (True, {"delay": 700, "chunks": 8, "gap": 100}):
        sim.reset()
        text = sim_text(behaviour)
        answers = in_parallel(N, lambda i: gateway.chat(text, stream=stream, cache=True))
        equal(sim.posts(), 1, "calls upstream")
        equal({answer.status for answer in answers}, {200})
        leaders = [answer for answer in answers if answer.cache() == "MISS"]
        followers = [answer for answer in answers if answer.cache() == "HIT"]
        equal((len(leaders), len(followers)), (1, N - 1), "leaders and followers")
        leader = leaders[0]
        call = sim.calls()[0]
        equal(leader.headers["x-generation-id"], call["id"])
        for answer in followers:
            equal(answer.headers["cache-status"], "tollgate; fwd=miss; collapsed")
            equal(answer.headers["x-openrouter-cache-age"], "0")
            equal(answer.headers["x-openrouter-cache-source-id"], call["id"])
            equal(answer.text(), leader.text())
            own = answer.headers["x-generation-id"]
            if stream:
                equal({chunk["id"] for chunk in answer.chunks()}, {own}, "ids in every chunk")
                equal(len(answer.chunks()), len(leader.chunks()))
                equal(answer.events()[-1], "[DONE]")
            else:
                equal(answer.json()["id"], own)
            usage = (answer.chunks()[-1] if stream else answer.json())["usage"]
            equal((usage["prompt_tokens"], usage["completion_tokens"], usage["cost"],
                   usage["gateway_cost"]), (0, 0, 0, 0), "a follower's usage")
        equal(len({answer.headers["x-generation-id"] for answer in answers}), N, "different ids")

        rows += N
        new = gateway.wait_rows(rows)[-N:]
        equal(sorted(row["cache"] for row in new), ["collapsed"] * (N - 1) + ["miss"])
        for row in new:
            if row["cache"] == "collapsed":
                equal((row["verdict"], row["source_id"], row["billed_usd"], row["prompt_tokens"]),
                      ("free", call["id"], "0", "0"))
                equal(row["saved_usd"], call["gateway_cost"], "what the source cost")
            else:
                equal((row["id"], row["verdict"], row["billed_usd"]),
                      (call["id"], "matched", call["gateway_cost"]))
        equal({row["id"] for row in new}, {answer.headers["x-generation-id"] for answer in answers})
        equal(gateway.chat(text, stream=stream, cache=True).headers["cache-status"][:13],
              "tollgate; hit", "and it was stored")
        rows += 1
