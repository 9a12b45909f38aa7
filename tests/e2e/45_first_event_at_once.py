"""The first event reaches the client at once, each later one as it comes, with honest latencies."""
from harness import *

with Sim() as sim, Gateway(sim) as gateway:
    for cache in True, False:
        began = time.monotonic()
        connection = gateway.begin(sim_text({"chunks": 6, "gap": 300, "delay": 200}), stream=True,
                                   cache=cache)
        response = connection.getresponse()
        headers = dict((name.lower(), value) for name, value in response.getheaders())
        times = []
        while next_event(response) is not None:
            times.append(time.monotonic() - began)
        check(len(times) >= 8, "role, six chunks, the last chunk, [DONE]")
        check(times[-1] >= 1.7, "the simulator took its time")
        check(times[0] < times[-1] - 1.2, f"first event at {times[0]:.2f} of {times[-1]:.2f} s")
        spread = [later - earlier for earlier, later in zip(times, times[1:])]
        check(sum(gap > 0.15 for gap in spread) >= 5, f"events come one by one: {spread}")
        equal(headers["x-openrouter-cache-status"] if cache else None, "MISS" if cache else None)
        connection.close()
    # A replay does not wait for anything.
    began = time.monotonic()
    hit = gateway.chat(sim_text({"chunks": 6, "gap": 300, "delay": 200}), stream=True, cache=True)
    equal(hit.cache(), "HIT")
    check(time.monotonic() - began < 1, "a hit is not paced")
    for row in gateway.wait_rows(3):
        if row["cache"] == "hit":
            continue
        latency, first = int(row["latency_ms"]), int(row["ttft_ms"])
        check(1700 <= latency < 10000, f"latency {latency} ms")
        check(150 <= first <= latency - 1200, f"time to the first token {first} ms")
