"""limits.detached: 0s cancels a call whose only client left before the headers: without an id its cost is unknown,
never 0. While anybody still reads there is no bound."""
from harness import *

USE = {"prompt_tokens": 1000, "completion_tokens": 250}


def begun(gateway, text, cache):
    connection = gateway.begin(text, stream=True, cache=cache)
    response = connection.getresponse()
    check(next_event(response), "the first event")
    return connection, response


with Sim() as sim, Gateway(sim, {"limits": {"detached": "0s"}}) as gateway:
    # Before the headers: nobody knows its id.
    sim.reset()
    waiting = gateway.begin(sim_text({**USE, "delay": 20000}), cache=True)
    wait_for(lambda: sim.stats()["live"] == 1, "the call upstream")
    count = len(gateway.rows())
    leave(waiting)
    wait_for(lambda: sim.stats()["live"] == 0, "it to be cancelled", 10)
    row = wait_for(lambda: len(rows := gateway.rows()) > count and rows, "its row")[-1]
    equal((row["status"], row["upstream_id"], row["billed_usd"]), ("499", "", ""))
    check(row["verdict"] in ("unknown", "unreported"), row["verdict"])
    check(row["booked_usd"] != "0", "not known is never 0")
    # A follower that stays keeps the call alive.
    sim.reset()
    text = sim_text({**USE, "chunks": 20, "gap": 50}, "followed")
    leader, _ = begun(gateway, text, True)
    follower, response = begun(gateway, text, True)
    leave(leader)
    rest = response.read()
    check(b"[DONE]" in rest, "the follower gets all of it")
    equal([call["state"] for call in sim.calls()], ["done"])
