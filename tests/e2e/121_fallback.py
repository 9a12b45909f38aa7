"""Connect failure, 408, 429 and 5xx before the first byte go on to the next upstream; nothing else does,
and nothing after the first byte. One row, with its attempts.

parity: fallback-controls, failover
"""
from harness import *

with Sim() as first, Sim() as second, Sim() as dead:
    dead.kill()
    upstreams = [first.upstream("first"), second.upstream("second", "openrouter")]
    # One call to a gateway: an upstream that failed or asked to wait is avoided (123_health.py).
    for status in 408, 429, 500, 502, 503, 529:
        for stream in False, True:
            with Gateway(first, {"upstreams": upstreams}) as gateway:
                first.script({"status": status})
                answer = gateway.chat(f"{status}", stream=stream)
                equal(answer.status, 200, f"{status}: {answer.body}")
                equal((answer.headers["x-tollgate-upstream"], answer.headers["x-tollgate-route"]),
                      ("second", "fallback"))
                row = gateway.settled_rows(1)[0]
                equal(row["id"], answer.headers["x-generation-id"], "one row")
                equal((row["upstream"], row["route"], row["status"]), ("second", "fallback", "200"))
                record = gateway.get("/v1/generations?id=" + row["id"]).json()
                equal([(one["upstream"], one["status"]) for one in record["attempts"]],
                      [("first", status)], str(record))
    with Gateway(first, {"upstreams": upstreams}) as gateway:
        for behaviour in ({"status": 400}, {"status": 401}, {"status": 402}, {"status": 403},
                          {"status": 404}, {"status": 413}, {"status": 422}):
            calls = second.posts()
            first.script(behaviour)
            answer = gateway.chat(f"{behaviour}")
            equal((answer.status, second.posts()), (behaviour["status"], calls), "not repeated")
        # Sent, then broken: it may have been billed.
        for die in "connect", "headers", "middle":
            calls = second.posts()
            first.script({"die": die, "chunks": 6})
            gateway.chat(f"{die}", stream=die != "connect")
            equal(second.posts(), calls, f"{die}: a call that may have been billed is not repeated")
        # Both refuse: the last one's answer, in the client's envelope.
        first.script({"status": 503})
        second.script({"status": 429})
        answer = gateway.chat("both")
        equal((answer.status, answer.json()["error"]["type"]), (429, "rate_limit_exceeded"))
    with Gateway(dead, {"upstreams": [dead.upstream("dead"), second.upstream("second")]}) as gateway:
        for stream in False, True:
            answer = gateway.chat("hello", stream=stream, cache=True)
            equal((answer.status, answer.headers["x-tollgate-upstream"]), (200, "second"))
        equal(gateway.chat("hello", cache=True).cache(), "HIT", "an answer of the second is stored")
