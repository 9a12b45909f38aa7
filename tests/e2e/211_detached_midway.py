"""Beyond the bound of time or of cost a call whose client left midway is cancelled: its row is pending, then
posted from the record at what the vendor billed, also after kill -9."""
from harness import *

USE = {"prompt_tokens": 1000, "completion_tokens": 250}


def begun(gateway, text, cache):
    connection = gateway.begin(text, stream=True, cache=cache)
    response = connection.getresponse()
    check(next_event(response), "the first event")
    return connection, response


def posted(gateway, sim, identity, what):
    row = gateway.rows_of_id(identity)
    call = [call for call in sim.calls() if call["id"] == identity][0]
    equal(call["state"], "aborted", f"{what}: cancelled upstream")
    equal((row["verdict"], row["billed_usd"], row["booked_usd"]),
          ("matched", call["gateway_cost"], call["gateway_cost"]), what)
    equal((row["prompt_tokens"], row["completion_tokens"]), ("1000", "250"), f"{what}: the record's tokens")
    story = gateway.explain(identity)
    equal({one["from"] for one in story["observations"]}, {"generation"}, what)


def abandoned(gateway, sim, what, cache, behaviour, seconds=15):
    """The id of a call that was cancelled after its only client left."""
    sim.reset()
    text = sim_text({**USE, **behaviour}, what)
    connection, _ = begun(gateway, text, cache)
    leave(connection)
    call = sim.wait_done()[0]
    equal(call["state"], "aborted", f"{what}: cancelled")
    row = wait_for(lambda: [row for row in gateway.rows() if row["id"] == call["id"]], f"{what}: its row")[0]
    check(row["verdict"] in ("pending", "matched"), f"{what}: {row['verdict']}")
    again = gateway.chat(sim_text({**USE, **behaviour, "chunks": 3, "gap": 0}, what), stream=True, cache=cache)
    equal((again.status, again.cache()), (200, "MISS" if cache else None), f"{what}: not stored")
    return call["id"]


LONG = {"chunks": 400, "gap": 50}
with Sim() as sim:
    # No time at all.
    with Gateway(sim, {"limits": {"detached": "0s"}}) as gateway:
        for cache in False, True:
            what = f"at once, cache {cache}"
            posted(gateway, sim, abandoned(gateway, sim, what, cache, LONG), what)

    # Some time.
    with Gateway(sim, {"limits": {"detached": "400ms"}}) as gateway:
        began = time.monotonic()
        posted(gateway, sim, abandoned(gateway, sim, "some time", True, LONG), "some time")
        check(time.monotonic() - began > 0.35, "not before its time")
        sim.reset()
        short = sim_text({**USE, "chunks": 4, "gap": 20}, "short")
        leave(begun(gateway, short, True)[0])
        equal([call["state"] for call in sim.wait_done()], ["done"], "what ends in time is drained")
        wait_for(lambda: gateway.chat(short, stream=True, cache=True).cache() == "HIT", "the stored answer")

    # Some money: by our estimate, 0.0000001 and 0.0000004 a token, long before 250 chunks of 40 tokens.
    with Gateway(sim, {"limits": {"detached": "10m", "detached_cost": "0.0005"}}) as gateway:
        costly = {"size": 400000, "chunks": 4000, "gap": 5}
        began = time.monotonic()
        identity = abandoned(gateway, sim, "some money", True, costly)
        check(time.monotonic() - began < 15, "long before its 20 s")
        posted(gateway, sim, identity, "some money")
        sim.reset()
        cheap = sim_text({"prompt_tokens": 10, "chunks": 30, "gap": 20}, "cheap")
        leave(begun(gateway, cheap, True)[0])
        equal([call["state"] for call in sim.wait_done()], ["done"], "what is cheap is drained")

    # Cancelled, then restarted before the record is there.
    sim.reset()
    gateway = Gateway(sim, {"limits": {"detached": "0s"}}, own_key=OWN_KEY)
    text = sim_text({**USE, **LONG, "generation": 3000}, "restart")
    leave(begun(gateway, text, True)[0])
    identity = sim.wait_done()[0]["id"]
    row = wait_for(gateway.rows, "its row")[0]
    equal((row["id"], row["verdict"], row["billed_usd"]), (identity, "pending", ""))
    gateway.kill()
    with Gateway(sim, data=gateway.data, own_key=OWN_KEY) as gateway:
        posted(gateway, sim, identity, "after a restart")
        equal(len(gateway.rows()), 1)
