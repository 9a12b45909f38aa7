"""An upstream that breaks: 502 while no head was sent, else an error frame and an orderly end."""
from harness import *


def bad_gateway(answer, retry):
    equal(answer.status, 502)
    error = answer.json()["error"]
    check(error["message"] and error["type"], "Vercel's envelope")
    equal(answer.headers.get("x-should-retry"), retry, "x-should-retry")
    equal(answer.cache(), None, "cache headers on an error")


with Sim() as sim, Gateway(sim) as gateway:
    # A JSON answer is gathered before its head goes out.
    answers = [gateway.chat(sim_text({"die": "middle", "size": 5000}), cache=True),
               gateway.chat(sim_text({"die": "headers"})), gateway.chat(sim_text({"die": "connect"})),
               # A stream without an event yet has no head either.
               gateway.chat(sim_text({"die": "connect"}, "s"), stream=True, cache=True)]
    for answer in answers:
        bad_gateway(answer, "false")

    broken = gateway.chat(sim_text({"die": "middle", "chunks": 6, "gap": 20}), stream=True, cache=True)
    equal(broken.status, 200)  # http.client would have raised had the body not ended in order
    events = broken.events()
    check("[DONE]" not in events, "no [DONE]")
    last = json.loads(events[-1])
    check("choices" not in last and last["error"]["message"], "Vercel's error frame")
    check(all("choices" in json.loads(event) for event in events[:-1]), "one error frame, the last")
    equal({json.loads(event)["id"] for event in events}, {broken.headers["x-generation-id"]})
    # Its own error frame passes as it is.
    framed = gateway.chat(sim_text({"error_frame": 2}), stream=True)
    equal((framed.status, framed.events()[-1]), (200, "[DONE]"))
    equal(framed.chunks()[-1]["error"]["message"], "Stream error occurred")
    equal(sim.posts(), 6, "calls upstream, none sent twice")
    rows = gateway.rows_of([*answers, broken, framed])
    equal([row["status"] for row in rows], ["502"] * 4 + ["200"] * 2)
    for row in rows[1:4]:
        equal((row["verdict"], row["booked_usd"]), ("unknown", ""), "sent, and no id ever seen")

    sim.kill()
    dead = gateway.chat("nobody there")
    bad_gateway(dead, dead.headers.get("x-should-retry"))
    check(dead.headers.get("x-should-retry") != "false", "nothing was paid: a client may retry")
    row = gateway.rows_of([*answers, broken, framed, dead])[-1]
    equal((row["status"], row["verdict"]), ("502", "failed"), "never connected")
