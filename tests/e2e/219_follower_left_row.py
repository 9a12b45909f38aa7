"""The row of a follower that left midway says whose answer it read, and what that cost: it was told the source
in its headers, and without us it would have paid for the call."""
from harness import *

with Sim() as sim, Gateway(sim) as gateway:
    text = sim_text({"chunks": 12, "gap": 60, "prompt_tokens": 1000, "completion_tokens": 250})
    leader = gateway.begin(text, stream=True, cache=True)
    leading = leader.getresponse()
    check(next_event(leading), "the leader's first event")
    follower = gateway.begin(text, stream=True, cache=True)
    following = follower.getresponse()
    check(next_event(following), "the follower's first event")
    source = following.headers["x-openrouter-cache-source-id"]
    identity = following.headers["x-generation-id"]
    leave(follower)
    leading.read()
    call = sim.wait_done()[0]
    equal(source, call["id"], "what the follower's headers said")
    rows = {row["id"]: row for row in gateway.settled_rows(2)}
    row = rows[identity]
    equal((row["cache"], row["verdict"], row["model"]), ("collapsed", "free", MODEL))
    equal((row["source_id"], row["saved_usd"]), (call["id"], call["gateway_cost"]))
