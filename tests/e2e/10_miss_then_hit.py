"""The same request twice: the first is paid for, the second is not.

parity: chat-api, response-cache
"""
from harness import *

with Sim() as sim, Gateway(sim) as gateway:
    miss = gateway.chat("Say hello.", cache=True)
    hit = gateway.chat("Say hello.", cache=True)
    equal(miss.status, 200)
    equal(hit.status, 200)
    equal(miss.headers["x-openrouter-cache-status"], "MISS")
    equal(miss.headers["x-openrouter-cache-ttl"], "300")
    equal(hit.headers["x-openrouter-cache-status"], "HIT")
    equal(hit.headers["x-openrouter-cache-source-id"], miss.json()["id"])
    equal(miss.headers["x-generation-id"], miss.json()["id"])
    equal(hit.headers["x-generation-id"], hit.json()["id"])
    check(hit.json()["id"] != miss.json()["id"], "a hit has an id of its own")
    check(hit.headers["x-generation-id"].startswith("gen_"), "and it looks like Vercel's")
    equal(hit.json()["choices"][0]["message"]["content"],
          miss.json()["choices"][0]["message"]["content"])
    equal(int(hit.headers["x-openrouter-cache-age"]) + int(hit.headers["x-openrouter-cache-ttl"]),
          300)
    equal(hit.headers["age"], hit.headers["x-openrouter-cache-age"])
    check(hit.headers["cache-status"].startswith("tollgate; hit; ttl="), "RFC 9211")
    equal(miss.headers["cache-status"], "tollgate; fwd=miss; stored")
    equal(Decimal(hit.headers["x-tollgate-saved-cost"]), miss.json()["usage"]["gateway_cost"])

    equal(len(sim.calls()), 1, "calls upstream")
    first, second = gateway.rows_of((miss, hit))
    equal((first["cache"], second["cache"]), ("miss", "hit"))
    equal((first["verdict"], second["verdict"]), ("matched", "free"))
    equal(first["billed_usd"], sim.calls()[0]["gateway_cost"])
    equal(second["saved_usd"], first["billed_usd"])
    equal(second["source_id"], first["id"])
