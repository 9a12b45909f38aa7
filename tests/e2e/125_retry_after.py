"""Retry-After as seconds and as a date, on 429 and 503: waited for within the deadline, passed on beyond
it; with another upstream nobody waits, and the one that asked for it rests until then.

parity: retries, health-routing
"""
from email.utils import formatdate
from harness import *


def seconds(gateway, answer):
    return int(gateway.rows_of_id(answer.headers["x-generation-id"])["latency_ms"]) / 1000


with Sim() as sim, Gateway(sim, {"limits": {"retry": "4s"}}) as gateway:
    for number, (status, wait) in enumerate(((503, "1"), (429, "date"))):
        posts = sim.posts()
        sim.script({"status": status, "retry_after": formatdate(time.time() + 2, usegmt=True)
                    if wait == "date" else wait})
        answer = gateway.chat(f"{number}", stream=number % 2 == 1)
        equal((answer.status, sim.posts() - posts), (200, 2), f"{status} {wait}: asked again")
        check(0.5 <= seconds(gateway, answer) < 10, f"{status} {wait}: not before")
    for number, (status, wait) in enumerate(((429, "60"), (503, formatdate(time.time() + 60,
                                                                          usegmt=True)))):
        posts = sim.posts()
        sim.script({"status": status, "retry_after": wait})
        answer = gateway.chat(f"beyond {number}")
        equal((answer.status, answer.headers["retry-after"], sim.posts() - posts), (status, wait, 1))
    for status in 400, 402, 404:  # these do not get better by waiting
        posts = sim.posts()
        sim.script({"status": status, "retry_after": "1"})
        equal((gateway.chat(f"{status}").status, sim.posts() - posts), (status, 1))

with Sim() as first, Sim() as second:
    # With the gateway's own key: a client's own key has limits that are nobody else's business.
    config = {"upstreams": [first.upstream("first", api_key_env="FIRST"), second.upstream("second")],
              "limits": {"retry": "10s"}}
    with Gateway(first, config, env={"FIRST": OWN_KEY}) as gateway:
        first.script({"status": 429, "retry_after": "2"})
        began = time.monotonic()
        answer = gateway.chat("goes on")
        equal((answer.status, answer.headers["x-tollgate-upstream"], answer.headers["x-tollgate-route"]),
              (200, "second", "fallback"))
        check(time.monotonic() - began < 1.5, "at once")
        answer = gateway.chat("rests")
        equal((answer.headers["x-tollgate-upstream"], answer.headers["x-tollgate-route"]),
              ("second", "health"), "it asked not to be asked")
        wait_for(lambda: gateway.chat(f"{time.monotonic()}").headers["x-tollgate-upstream"] == "first",
                 "it to be asked again", 10)
        check(time.monotonic() - began > 1, "not before")

# Without a deadline nobody waits.
with Sim() as sim, Gateway(sim) as gateway:
    sim.script({"status": 429, "retry_after": "1"})
    answer = gateway.chat("x")
    equal((answer.status, answer.headers["retry-after"], sim.posts()), (429, "1", 1))
