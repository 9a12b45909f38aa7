"""A long stream of many small chunks is replayed in time that grows with its length, not its square."""
from harness import *


def timed(gateway, text):
    began = time.monotonic()
    answer = gateway.chat(text, stream=True, cache=True)
    return time.monotonic() - began, answer


with Sim() as sim, Gateway(sim) as gateway:
    took = {}
    for size in 48 << 10, 192 << 10:
        text = sim_text({"size": size})  # a chunk a word
        miss = timed(gateway, text)[1]
        hits = [timed(gateway, text) for _ in range(2)]
        for _, hit in hits:
            equal((hit.cache(), len(hit.events())), ("HIT", len(miss.events())))
        equal(hits[0][1].text(), miss.text())
        took[size] = min(seconds for seconds, _ in hits)
    small, large = took.values()
    check(large < 8 * small + 0.3, f"4 times the length took {large:.2f} s after {small:.2f} s")
