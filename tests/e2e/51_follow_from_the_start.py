"""A follower that comes late gets the stream from its first byte, and then as it grows."""
from harness import *

with Sim() as sim, Gateway(sim) as gateway:
    text = sim_text({"chunks": 8, "gap": 250})
    leader = gateway.begin(text, stream=True, cache=True).getresponse()
    events = [next_event(leader) for _ in range(4)]
    began = time.monotonic()
    follower = gateway.begin(text, stream=True, cache=True).getresponse()
    equal(follower.getheader("cache-status"), "tollgate; fwd=miss; collapsed")
    mine, times = [], []
    while (event := next_event(follower)) is not None:
        mine.append(event)
        times.append(time.monotonic() - began)
    while (event := next_event(leader)) is not None:
        events.append(event)
    check(times[2] < 0.5, f"what had passed comes at once, not after {times[2]:.2f} s")
    check(times[-1] > 0.8, "what had not passed comes as it grows")
    equal(len(mine), len(events), "events")
    said = [[json.loads(event)["choices"][0]["delta"].get("content") for event in side[:-1]]
            for side in (mine, events)]
    equal(said[0], said[1], "content, chunk for chunk")
    equal(sim.posts(), 1)
