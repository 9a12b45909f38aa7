"""Cache-Control: no-cache is Clear, no-store does not store, only-if-cached never goes upstream.

parity: cache-control
"""
from harness import *


def control(value, **more):
    return {"Cache-Control": value, **more}


with Sim() as sim, Gateway(sim) as gateway:
    absent = gateway.chat("x", cache=True, headers=control("only-if-cached"))
    equal(absent.status, 504)
    check(absent.json()["error"]["message"], "an envelope that tells")
    equal([name for name in absent.headers if name.startswith("x-openrouter-cache")], [],
          "cache headers on an error")
    equal(sim.posts(), 0, "calls upstream")

    unstored = gateway.chat("x", cache=True, headers=control("no-store"))
    equal((unstored.status, unstored.cache()), (200, "MISS"))
    check("stored" not in unstored.headers["cache-status"], "no-store stores nothing")
    stored = gateway.chat("x", cache=True)
    equal(stored.cache(), "MISS", "after no-store")
    for value in "no-store", "only-if-cached", "max-age=0", "NO-STORE, max-age=3":
        answer = gateway.chat("x", cache=True, headers=control(value))
        equal((answer.status, answer.cache()), (200, "HIT"), value)
        equal(answer.headers["x-openrouter-cache-source-id"], stored.json()["id"])

    fresh = gateway.chat("x", cache=True, headers=control("no-cache"))
    equal(fresh.cache(), "MISS")
    equal(gateway.chat("x", cache=True).headers["x-openrouter-cache-source-id"],
          fresh.json()["id"], "no-cache stored its answer")
    listed = gateway.chat("x", cache=True, headers=control("max-age=5, No-Cache"))
    equal(listed.cache(), "MISS", "one of a list, any case")

    # They work only where caching is on for the request.
    off = gateway.chat("x", headers=control("only-if-cached"))
    equal(off.status, 200, "only-if-cached while caching is off")
    equal(sim.posts(), 5, "calls upstream")

    rows = gateway.wait_rows(11)
    equal([row["verdict"] for row in rows if row["status"] == "504"], ["failed"])
