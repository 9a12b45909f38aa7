"""X-OpenRouter-Cache turns caching on and off per request and beats the configured default."""
from harness import *


def off(answer):
    equal(answer.status, 200)
    named = [name for name in answer.headers if name.startswith("x-openrouter-cache")]
    equal(named, [], "cache headers while caching is off")
    equal(answer.headers["cache-status"], "tollgate; fwd=bypass")
    check("age" not in answer.headers, "no Age")
    equal(answer.headers["x-generation-id"], answer.json()["id"])


with Sim() as sim, Gateway(sim) as gateway:
    for value in None, "false", "FALSE", "1", "yes", "on", "":
        headers = {} if value is None else {"X-OpenRouter-Cache": value}
        for _ in range(2):
            off(gateway.chat("off", headers=headers))
    calls = sim.posts()
    equal(calls, 14, "every request went upstream")
    for value in "true", "True", "TRUE":
        answer = gateway.chat("on", headers={"X-OpenRouter-Cache": value})
        equal(answer.cache(), "MISS" if value == "true" else "HIT", value)
    # Off neither reads nor writes: the entry above is not used, and nothing was stored by "off".
    off(gateway.chat("on", cache=False))
    equal(gateway.chat("off", cache=True).cache(), "MISS")
    rows = gateway.wait_rows(19)
    equal(sorted(row["cache"] for row in rows), ["hit"] * 2 + ["miss"] * 2 + ["off"] * 15)

with Sim() as sim, Gateway(sim, {"cache": {"default": "on"}}) as gateway:
    equal([gateway.chat("default").cache() for _ in range(2)], ["MISS", "HIT"])
    off(gateway.chat("default", cache=False))
    junk = gateway.chat("default", headers={"X-OpenRouter-Cache": "maybe"})
    equal(junk.cache(), "HIT", "another literal counts as absent")
