"""An answer longer than cache.max_entry is passed on whole and not stored."""
from harness import *

SIZE = 3 << 20

with Sim() as sim, Gateway(sim, {"cache": {"max_entry": "1MiB"}}) as gateway:
    for stream, behaviour in (False, {}), (True, {"chunks": 100, "gap": 5}), (True, {"chunks": 100}):
        text = sim_text({"size": SIZE, **behaviour})
        for _ in range(2):
            answer = gateway.chat(text, stream=stream, cache=True)
            equal((answer.status, answer.cache()), (200, "MISS"), f"stream {stream} {behaviour}")
            check("stored" not in answer.headers["cache-status"], "not stored")
            equal(len(answer.text()), SIZE)
            if stream:
                equal(answer.events()[-1], "[DONE]")
    equal(sim.posts(), 6, "calls upstream")
    # A body that is passed through is not read: its cost comes from the generation record.
    wait_for(lambda: {row["verdict"] for row in gateway.rows()} == {"matched"}, "the look-ups")
    rows = gateway.wait_rows(6)
    for row, call in rows_by_call(rows, sim.calls()):
        equal(row["billed_usd"], call["gateway_cost"])
