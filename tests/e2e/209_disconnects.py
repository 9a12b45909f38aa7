"""Each moment at which a client can leave: before the headers, midway, with and without the cache, alone or
with followers, and with several in a row. The call is drained, stored when whole, booked at its true cost."""
from harness import *


def begin(gateway, text, stream, cache):
    return gateway.begin(text, stream=stream, cache=cache)


def run(gateway, sim, stream, midway, cache, followers):
    what = f"stream {stream}, midway {midway}, cache {cache}, followers {followers}"
    behaviour = {"chunks": 8, "gap": 60, "delay": 0 if midway else 400} if stream else {"delay": 600}
    text = sim_text({**behaviour, "prompt_tokens": 1000, "completion_tokens": 250}, what)
    sim.reset()
    before = len(gateway.rows())
    leader = begin(gateway, text, stream, cache)
    if midway:
        check(next_event(leader.getresponse()), what)
    else:
        wait_for(lambda: sim.stats()["live"] == 1, f"{what}: the call upstream")
    others = [begin(gateway, text, stream, cache) for _ in range(followers)]
    if midway:
        for other in others:
            check(next_event(other.getresponse()), what)
        gone = others[0] if others else None
    else:
        gone = None
    leave(leader)
    if gone:
        leave(gone)  # a follower leaves too; the last one stays
    rest = [other for other in others if other is not gone]
    if not midway:
        for other in rest:
            response = other.getresponse()
            equal(response.status, 200, what)
            response.read()
    else:
        for other in rest:
            while next_event_of(other) is not None:
                pass
    calls = [call for call in sim.wait_done() if call["state"] == "done"]
    equal(len(calls), 1, f"{what}: one call, drained to its end")
    call = calls[0]
    equal(sim.stats()["aborted"], 0, what)

    def settled():
        rows = gateway.rows()[before:]
        return rows if len(rows) == 1 + followers else None
    rows = wait_for(settled, f"{what}: the rows")
    row = [row for row in rows if row["id"] == call["id"]][0]
    equal((row["status"], row["verdict"], row["billed_usd"], row["booked_usd"]),
          ("200" if midway else "499", "matched", call["gateway_cost"], call["gateway_cost"]), what)
    equal(row["cache"], "miss" if cache else "off", what)
    equal((row["prompt_tokens"], row["completion_tokens"]), ("1000", "250"), what)
    for row in rows:
        if row["id"] != call["id"]:
            equal((row["verdict"], row["cache"], row["source_id"]), ("free", "collapsed", call["id"]), what)
    if cache:
        hit = gateway.chat(text, stream=stream, cache=True)
        equal((hit.status, hit.cache()), (200, "HIT"), what)
        equal(hit.headers["x-openrouter-cache-source-id"], call["id"], what)
        equal(sim.posts(), 1, what)
        wait_for(lambda: len(gateway.rows()) == before + 2 + followers, f"{what}: the hit's row")


RESPONSES = {}


def next_event_of(connection):
    """Of a connection whose response was begun; http.client hands it out once only."""
    return next_event(RESPONSES[connection])


def remember(connection):
    original = connection.getresponse

    def getresponse():
        RESPONSES[connection] = original()
        return RESPONSES[connection]
    connection.getresponse = getresponse
    return connection


plain_begin = begin


def begin(gateway, text, stream, cache):  # noqa: F811
    return remember(plain_begin(gateway, text, stream, cache))


with Sim() as sim, Gateway(sim) as gateway:
    for stream, midway in (False, False), (True, False), (True, True):
        for cache, followers in (False, 0), (True, 0), (True, 2):
            run(gateway, sim, stream, midway, cache, followers)
    equal(gateway.report()["verdicts"]["pending"]["requests"], 0)
    equal(gateway.request("GET", "/health").status, 200)
