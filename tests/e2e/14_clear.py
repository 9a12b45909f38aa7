"""X-OpenRouter-Cache-Clear drops this key's entry, calls upstream and stores the new answer."""
from harness import *

CLEAR = {"X-OpenRouter-Cache-Clear": "true"}

with Sim() as sim, Gateway(sim) as gateway:
    sim.script({"text": "first"}, {"text": "other"}, {"text": "second"}, {"status": 500},
               {"text": "third"}, {"text": "off"})
    equal(gateway.chat("a", cache=True).text(), "first")
    equal(gateway.chat("b", cache=True).text(), "other")
    fresh = gateway.chat("a", cache=True, headers=CLEAR)
    equal((fresh.cache(), fresh.text()), ("MISS", "second"))
    equal(fresh.headers["x-openrouter-cache-ttl"], "300", "the full TTL")
    again = gateway.chat("a", cache=True)
    equal((again.cache(), again.text()), ("HIT", "second"))
    equal(again.headers["x-openrouter-cache-source-id"], fresh.json()["id"])
    kept = gateway.chat("b", cache=True)
    equal((kept.cache(), kept.text()), ("HIT", "other"), "the other entry")

    # Deleted, called, stored, in this order: a refresh that fails leaves no entry.
    equal(gateway.chat("a", cache=True, headers=CLEAR).status, 500)
    gone = gateway.chat("a", cache=True)
    equal((gone.cache(), gone.text()), ("MISS", "third"))

    # Without caching it has no effect.
    equal(gateway.chat("a", cache=False, headers=CLEAR).text(), "off")
    kept = gateway.chat("a", cache=True)
    equal((kept.cache(), kept.text()), ("HIT", "third"))
    for value in "false", "1", "yes":
        answer = gateway.chat("b", cache=True, headers={"X-OpenRouter-Cache-Clear": value})
        equal(answer.cache(), "HIT", f"Clear: {value} is none")
