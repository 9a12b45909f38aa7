"""A row that waits for its record while its upstream leaves the configuration: nobody else is asked, the row
ends as unreported or stays pending, booked at the estimate; once the upstream is back, nothing is worse."""
from harness import *

with Sim() as sim, Sim() as other:
    upstream = sim.upstream("gone", api_key_env="TOLLGATE_E2E_KEY")
    stays = other.upstream("stays", api_key_env="TOLLGATE_E2E_KEY")
    env = {"TOLLGATE_E2E_KEY": OWN_KEY}
    first = Gateway(sim, {"upstreams": [upstream, stays]}, env=env)
    waiting = first.chat(sim_text({"no_cost": True, "generation": 4000, "prompt_tokens": 1000,
                                   "completion_tokens": 250}))
    told = first.chat("told")
    # kill -9 in the middle of a stream whose id was seen: an open hold of that upstream.
    connection = first.begin(sim_text({"chunks": 200, "gap": 100}), stream=True)
    response = connection.getresponse()
    check(next_event(response), "a stream has begun")
    first.wait_rows(2)
    first.kill()
    with Gateway(other, {"upstreams": [stays]}, data=first.data, env=env) as second:
        answered = second.chat("served meanwhile")
        rows = wait_for(lambda: len(rows := second.rows()) >= 4 and rows, "four rows")
        by_id = {row["id"]: row for row in rows}
        row = by_id[waiting.headers["x-generation-id"]]
        check(row["verdict"] in ("pending", "unreported"), row["verdict"])
        equal((row["billed_usd"], row["booked_usd"], row["upstream"]), ("", "0.0002", "gone"))
        equal(by_id[told.headers["x-generation-id"]]["verdict"], "matched")
        equal(by_id[answered.headers["x-generation-id"]]["upstream"], "stays")
        cut = [row for row in rows if row["id"] not in
               {answer.headers["x-generation-id"] for answer in (waiting, told, answered)}]
        equal([(row["billed_usd"], row["upstream"]) for row in cut], [("", "gone")], "the open hold")
        check(cut[0]["verdict"] in ("pending", "unreported", "unknown"), cut[0]["verdict"])
        equal(other.stats()["generations"], 0, "the wrong upstream was not asked")
        third_wanted = {row["id"]: row for row in rows}
    with Gateway(sim, {"upstreams": [upstream, stays]}, data=first.data, env=env) as third:
        def settled():
            rows = {row["id"]: row for row in third.rows()}
            return all(row["verdict"] != "pending" for row in rows.values()) and rows
        rows = wait_for(settled, "all rows to settle")
        equal(set(rows), set(third_wanted), "the same rows")
        calls = {call["id"]: call for call in sim.calls()}
        for identity, call in calls.items():
            before, after = third_wanted[identity], rows[identity]
            if before["verdict"] == "pending":
                equal((after["verdict"], after["billed_usd"]), ("matched", call["gateway_cost"]))
            else:
                equal(after, before, "what was given up stays")
