"""Clear and no-cache fly alone, later arrivals join them, and the older answer does not win."""
from harness import *

CLEAR = {"X-OpenRouter-Cache-Clear": "true"}


def finish(connection):
    response = connection.getresponse()
    return Answer(response.status, response.getheaders(), response.read())


with Sim() as sim, Gateway(sim) as gateway:
    for number, headers in enumerate((CLEAR, {"Cache-Control": "no-cache"})):
        sim.reset()
        sim.script({"delay": 2000, "text": "old"}, {"delay": 800, "text": "new"})
        text = f"clear {number}"
        old = gateway.begin(text, cache=True)
        wait_for(lambda: sim.stats()["live"] == 1, "the older flight")
        new = gateway.begin(text, cache=True, headers=headers)
        wait_for(lambda: sim.stats()["live"] == 2, "the newer flight")
        later = gateway.chat(text, cache=True)
        equal((later.cache(), later.text()), ("HIT", "new"), "a later arrival")
        equal(later.headers["cache-status"], "tollgate; fwd=miss; collapsed")
        new, old = finish(new), finish(old)
        equal((new.cache(), new.text()), ("MISS", "new"))
        equal((old.cache(), old.text()), ("MISS", "old"))
        equal(sim.posts(), 2)
        after = gateway.chat(text, cache=True)
        equal((after.cache(), after.text()), ("HIT", "new"), "what the newer one stored stays")

    # Many at once: each its own call.
    sim.reset()
    answers = in_parallel(4, lambda i: gateway.chat(sim_text({"delay": 500}), cache=True,
                                                    headers=CLEAR))
    equal([answer.cache() for answer in answers], ["MISS"] * 4)
    equal(sim.posts(), 4)
