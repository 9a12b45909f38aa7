"""The cache survives a restart, and a kill -9 a second after the answer was stored."""
from harness import *

with Sim() as sim:
    first = Gateway(sim)
    sources = {}
    for stream in False, True:
        for number in range(5):
            answer = first.chat(f"question {number}", stream=stream, cache=True)
            sources[stream, number] = (answer.headers["x-generation-id"], answer.text())
    equal(first.stop(), 0)

    second = Gateway(sim, data=first.data)
    for (stream, number), source in sources.items():
        hit = second.chat(f"question {number}", stream=stream, cache=True)
        equal((hit.cache(), hit.headers.get("x-openrouter-cache-source-id"), hit.text()),
              ("HIT", *source))
    late = second.chat("just before the crash", cache=True)
    time.sleep(1.5)  # the cache may lose its last second, not more
    second.kill()

    with Gateway(sim, data=first.data) as third:
        hit = third.chat("just before the crash", cache=True)
        equal((hit.cache(), hit.text()), ("HIT", late.text()))
        for (stream, number), source in sources.items():
            hit = third.chat(f"question {number}", stream=stream, cache=True)
            equal((hit.cache(), hit.text()), ("HIT", source[1]))
            check(int(hit.headers["x-openrouter-cache-age"]) >= 1, "the age counts on")
        equal(sim.posts(), 11, "calls upstream")
        rows = third.wait_rows(32)
        equal([row["cache"] for row in rows].count("miss"), 11)
