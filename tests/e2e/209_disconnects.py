"""Each moment at which a client can leave: before the headers, midway, with and without the cache, alone or
with followers, and with several in a row. The call is drained, stored when whole, booked at its true cost."""
from harness import *


class Client:
    """One that can be midway through its answer."""

    def __init__(self, gateway, text, stream, cache):
        self.connection = gateway.begin(text, stream=stream, cache=cache)
        self.response = None

    def next(self):
        self.response = self.response or self.connection.getresponse()
        return next_event(self.response)

    def finish(self):
        self.response = self.response or self.connection.getresponse()
        return self.response.status, self.response.read()


def run(gateway, sim, stream, midway, cache, followers):
    what = f"stream {stream}, midway {midway}, cache {cache}, followers {followers}"
    behaviour = {"chunks": 8, "gap": 60, "delay": 0 if midway else 400} if stream else {"delay": 600}
    text = sim_text({**behaviour, "prompt_tokens": 1000, "completion_tokens": 250}, what)
    sim.reset()
    before = len(gateway.rows())
    leader = Client(gateway, text, stream, cache)
    if midway:
        check(leader.next(), what)
    else:
        wait_for(lambda: sim.stats()["live"] == 1, f"{what}: the call upstream")
    others = [Client(gateway, text, stream, cache) for _ in range(followers)]
    if midway:
        check(all(other.next() for other in others), what)
    leave(leader.connection)
    stayed = others[1:] if midway else others
    for other in others:
        if other not in stayed:
            leave(other.connection)
    for other in stayed:
        equal(other.finish()[0], 200, what)
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
            equal((row["verdict"], row["cache"], row["booked_usd"]), ("free", "collapsed", "0"), what)
    told = [row["source_id"] for row in rows if row["finish_reason"] and row["id"] != call["id"]]
    equal(told, [call["id"]] * followers, f"{what}: those that stayed, and those that left, know whose answer it was")
    if cache:
        hit = gateway.chat(text, stream=stream, cache=True)
        equal((hit.status, hit.cache()), (200, "HIT"), what)
        equal(hit.headers["x-openrouter-cache-source-id"], call["id"], what)
        equal(sim.posts(), 1, what)
        wait_for(lambda: len(gateway.rows()) == before + 2 + followers, f"{what}: the hit's row")


with Sim() as sim, Gateway(sim) as gateway:
    for stream, midway in (False, False), (True, False), (True, True):
        for cache, followers in (False, 0), (True, 0), (True, 2):
            run(gateway, sim, stream, midway, cache, followers)
    equal(gateway.report()["verdicts"]["pending"]["requests"], 0)
    equal(gateway.request("GET", "/health").status, 200)
