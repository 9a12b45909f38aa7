"""An upstream that compresses is read all the same: the client's bytes, the costs, the replay."""
from harness import *

with Sim() as sim, Gateway(sim) as gateway:
    for stream in False, True:
        text = sim_text({"gzip": True, "text": "compressed story " * 20})
        answers = [gateway.chat(text, stream=stream, cache=True) for _ in range(2)]
        equal([answer.cache() for answer in answers], ["MISS", "HIT"])
        for answer in answers:
            equal(answer.status, 200)
            equal(answer.headers.get("content-encoding"), None, "nobody asked for gzip")
            equal(answer.text(), "compressed story " * 20)
    rows = gateway.wait_rows(4)
    equal(sorted(row["verdict"] for row in rows), ["free", "free", "matched", "matched"])
    for row, call in rows_by_call(rows, sim.calls()):
        equal(row["billed_usd"], call["gateway_cost"])
