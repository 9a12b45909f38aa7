"""When the leader's client leaves, the fetch goes on and the followers get everything."""
from harness import *

with Sim() as sim, Gateway(sim) as gateway:
    for count, (stream, behaviour) in enumerate(((False, {"delay": 1200}),
                                                 (True, {"delay": 500, "chunks": 8, "gap": 120}))):
        sim.reset()
        text = sim_text(behaviour)
        leader = gateway.begin(text, stream=stream, cache=True)
        wait_for(lambda: sim.stats()["live"] == 1, "the leader's call")
        followers = [gateway.begin(text, stream=stream, cache=True) for _ in range(5)]
        gone = followers.pop()
        leave(leader)
        leave(gone)
        for follower in followers:
            response = follower.getresponse()
            answer = Answer(response.status, response.getheaders(), response.read())
            equal((answer.status, answer.cache()), (200, "HIT"))
            check(answer.text().startswith("Echo: "), "the whole text")
            if stream:
                equal(answer.events()[-1], "[DONE]")
        equal((sim.posts(), sim.calls()[0]["state"]), (1, "done"))
        rows = gateway.wait_rows(6 * (count + 1))[-6:]
        paid = [row for row in rows if row["cache"] == "miss"]
        equal([(row["status"], row["verdict"]) for row in paid], [("499", "matched")])
        equal(sorted(row["status"] for row in rows if row["cache"] == "collapsed"),
              ["200"] * 4 + ["499"])
