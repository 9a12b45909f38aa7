"""kill -9 with calls under way: with an id they are looked up, without one they end as unknown."""
from harness import *

with Sim() as sim:
    first = Gateway(sim, own_key=OWN_KEY)
    equal(first.chat("done before").status, 200)
    stream = first.begin(sim_text({"chunks": 100, "gap": 100}), stream=True, cache=True)
    response = stream.getresponse()
    for _ in range(3):
        check(next_event(response), "the stream has begun")
    waiting = first.begin(sim_text({"delay": 8000}), cache=True)
    wait_for(lambda: sim.stats()["live"] == 2, "two calls under way")
    first.kill()
    wait_for(lambda: sim.stats()["live"] == 0, "the calls to break off")

    # The export reads what is there even before the next start.
    left = first.rows()
    check([row["verdict"] for row in left].count("matched") == 1, "the row that was settled")

    with Gateway(sim, data=first.data, own_key=OWN_KEY) as second:
        done, streamed, unknown = second.settled_rows(3)
        calls = sim.calls()
        equal((done["id"], done["verdict"]), (calls[0]["id"], "matched"))
        equal((streamed["id"], streamed["upstream_id"], streamed["streamed"]),
              (calls[1]["id"], calls[1]["id"], "true"))
        equal((streamed["billed_usd"], streamed["market_usd"], streamed["verdict"]),
              (calls[1]["gateway_cost"], calls[1]["market_cost"], "matched"))
        equal((unknown["verdict"], unknown["upstream_id"], unknown["booked_usd"]),
              ("unknown", "", ""))
        equal(sim.posts(), 3, "nothing was sent again")
        equal(second.chat("done before").status, 200)
        equal(len(second.wait_rows(4)), 4)
        moments = [row["created_at"] for row in second.rows()]
        equal(moments, sorted(moments), "created_at")
    with Gateway(sim, data=first.data, own_key=OWN_KEY) as third:
        equal(len(third.rows()), 4, "a second restart adds nothing")
