"""No key sees another key's answer: not from the cache, not from a flight that is under way."""
from harness import *

with Sim() as sim, Gateway(sim, own_key=OWN_KEY) as gateway:
    text = sim_text({"delay": 800})
    answers = in_parallel(6, lambda i: gateway.chat(text, cache=True, key=f"vck_{i}"))
    equal([answer.cache() for answer in answers], ["MISS"] * 6)
    equal(sim.posts(), 6, "though all six go upstream with the gateway's own key")
    stranger = gateway.chat(text, cache=True, key="vck_stranger",
                            headers={"Cache-Control": "only-if-cached"})
    equal(stranger.status, 504)
    rows = gateway.wait_rows(7)
    equal(len({row["key_id"] for row in rows}), 7, "key ids")
    check(not any("vck" in value for row in rows for value in row.values()), "no key in the ledger")
