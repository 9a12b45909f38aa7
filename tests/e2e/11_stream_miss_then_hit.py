"""A stream is recorded as it passes and replayed chunk for chunk, with the cache headers first."""
from harness import *

with Sim() as sim, Gateway(sim) as gateway:
    story = sim_text({"text": "Once upon a time there was an end.", "gap": 50})
    miss = gateway.chat(story, stream=True, cache=True)
    hit = gateway.chat(story, stream=True, cache=True)
    for answer in miss, hit:
        equal(answer.status, 200)
        check(answer.headers["content-type"].startswith("text/event-stream"), "an event stream")
        equal(answer.events()[-1], "[DONE]")
    equal((miss.cache(), hit.cache()), ("MISS", "HIT"))
    equal(miss.headers["x-openrouter-cache-ttl"], "300")
    equal(miss.headers["cache-status"], "tollgate; fwd=miss", "not stored yet")
    check("x-openrouter-cache-age" not in miss.headers, "an age is for hits")
    check("x-openrouter-cache-source-id" not in miss.headers, "a source is for hits")
    check(hit.headers["cache-status"].startswith("tollgate; hit; ttl="), "RFC 9211")

    source = miss.chunks()[0]["id"]
    equal(miss.headers["x-generation-id"], source)
    equal(hit.headers["x-openrouter-cache-source-id"], source)
    check(hit.headers["x-generation-id"] != source, "a hit has an id of its own")
    equal({chunk["id"] for chunk in hit.chunks()}, {hit.headers["x-generation-id"]}, "ids")
    equal(len(hit.events()), len(miss.events()), "events")
    equal(hit.text(), miss.text())
    equal(Decimal(hit.headers["x-tollgate-saved-cost"]), miss.chunks()[-1]["usage"]["gateway_cost"])

    equal(sim.posts(), 1, "calls upstream")
    first, second = gateway.rows_of((miss, hit))
    equal((first["cache"], second["cache"]), ("miss", "hit"))
    equal((first["streamed"], second["streamed"]), ("true", "true"))
    equal((first["verdict"], second["verdict"]), ("matched", "free"))
    equal(first["billed_usd"], sim.calls()[0]["gateway_cost"])
