"""An entry lives exactly its TTL: age + ttl is the TTL while it does, then it is a MISS again."""
from harness import *

with Sim() as sim, Gateway(sim) as gateway:
    ttl = {"X-OpenRouter-Cache-TTL": "3"}
    began = time.monotonic()
    equal(gateway.chat("short", cache=True, headers=ttl).cache(), "MISS")
    stored = time.monotonic()
    ages = set()

    def expired():
        answer = gateway.chat("short", cache=True, headers=ttl)
        if answer.cache() == "MISS":
            return True
        age = int(answer.headers["x-openrouter-cache-age"])
        equal(answer.headers["age"], str(age))
        equal(age + int(answer.headers["x-openrouter-cache-ttl"]), 3, "age + ttl")
        equal(answer.headers["cache-status"], f"tollgate; hit; ttl={3 - age}")
        ages.add(age)
        return False
    wait_for(expired, "the entry to expire", 10)
    check(time.monotonic() - began >= 3, "not before its time")
    check(time.monotonic() - stored < 6, "and not long after it")
    equal(ages, {0, 1, 2}, "ages seen")
    equal(sim.posts(), 2, "calls upstream")

    equal(gateway.chat("one", cache=True, headers={"X-OpenRouter-Cache-TTL": "1"}).cache(), "MISS")
    wait_for(lambda: gateway.chat("one", cache=True, headers={
        "Cache-Control": "only-if-cached"}).status == 504, "a TTL of 1 s to end", 5)
