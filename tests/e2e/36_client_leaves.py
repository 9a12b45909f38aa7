"""A client that leaves is noticed; its fetch goes on, is stored, and the next request is a HIT."""
from harness import *


def leave_http1(gateway, sim, text, stream, midway):
    connection = gateway.begin(text, stream=stream, cache=True)
    if midway:
        next_event(connection.getresponse())
    else:
        wait_for(lambda: sim.stats()["live"] == 1, "the call upstream")
    leave(connection)


def reset_http2(gateway, sim, text, stream, midway):
    client = H2(gateway.port)
    asked = client.post(chat_body(text, stream=stream), {"x-openrouter-cache": "true"})
    if midway:
        client.wait(asked, "DataReceived")
    else:
        wait_for(lambda: sim.stats()["live"] == 1, "the call upstream")
    client.reset(asked)
    # The connection lives on.
    equal(client.answer(client.post(chat_body("another"), {"x-openrouter-cache": "true"})).status, 200)
    client.close()


def close_http2(gateway, sim, text, stream, midway):
    client = H2(gateway.port)
    asked = client.post(chat_body(text, stream=stream), {"x-openrouter-cache": "true"})
    if midway:
        client.wait(asked, "DataReceived")
    else:
        wait_for(lambda: sim.stats()["live"] == 1, "the call upstream")
    client.close()


with Sim() as sim, Gateway(sim) as gateway:
    equal(gateway.chat("another", cache=True).status, 200)
    rows = 1
    for how in leave_http1, reset_http2, close_http2:
        for stream, midway in (False, False), (True, False), (True, True):
            what = f"{how.__name__}, stream {stream}, midway {midway}"
            behaviour = {"chunks": 6, "gap": 120} if stream else {"delay": 500}
            if stream and not midway:
                behaviour["delay"] = 400
            text = sim_text(behaviour, what)
            sim.reset()
            how(gateway, sim, text, stream, midway)
            call = wait_for(lambda: [call for call in sim.calls() if call["state"] == "done"],
                            f"{what}: the fetch to go on to its end")[0]
            hit = gateway.chat(text, stream=stream, cache=True)
            equal((hit.status, hit.cache()), (200, "HIT"), what)
            equal(hit.headers["x-openrouter-cache-source-id"], call["id"], what)
            equal(sim.posts(), 1, what)
            rows += 3 if how is reset_http2 else 2
            row = [row for row in gateway.wait_rows(rows) if row["id"] == call["id"]][0]
            equal((row["status"], row["cache"], row["verdict"], row["billed_usd"]),
                  ("200" if midway else "499", "miss", "matched", call["gateway_cost"]), what)
    equal(gateway.request("GET", "/health").status, 200)
