"""The rows of requests that the gateway itself refused agree with one another: nothing was sent, so no upstream is
named, what asked for no cache was off, and what nothing cost is written in one way."""
from harness import *

COLUMNS = ("verdict", "cache", "upstream", "upstream_id", "billed_usd", "booked_usd", "prompt_tokens")
with Sim() as sim, Gateway(sim, {"limits": {"budget_wait": "0s"}, "clients": [
        client("poor", budget_per_day="0.000001"), client("picky", models=["zai/*"]),
        client("slow", requests_per_minute=1)]}, own_key=OWN_KEY) as gateway:
    equal(gateway.chat("first", key="tg_slow").status, 200)
    rows = {}
    for status, key in (402, "tg_poor"), (403, "tg_picky"), (429, "tg_slow"):
        answer = gateway.chat("refused", key=key)
        equal(answer.status, status)
        check("x-tollgate-upstream" not in answer.headers, f"{status} names an upstream, and nothing was sent")
        rows[status] = gateway.rows_of_id(answer.headers["x-generation-id"])
    equal(sim.posts(), 1)
    got = {status: tuple(row[name] for name in COLUMNS) for status, row in rows.items()}
    equal({status: row[:4] for status, row in got.items()}, dict.fromkeys(got, ("failed", "off", "", "")),
          "rows of refusals")
    equal(len({row[4:] for row in got.values()}), 1, f"nothing was spent: {got}")
