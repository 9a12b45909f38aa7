"""Slow starts of OpenRouter streams are kept alive with comments; Vercel's have none.

parity: keep-alive
"""
from harness import *

with Sim() as sim, Gateway(sim, {"limits": {"keepalive": "100ms"}}) as gateway:
    body = {"model": MODEL, "stream": True,
            "messages": [{"role": "user", "content": sim_text({"delay": 2500})}]}
    answer = gateway.post("/api/v1/chat/completions", body, cache=True)
    check(answer.body.startswith(b": OPENROUTER PROCESSING\n\n"), answer.body[:200])
    chunks = answer.chunks()
    equal({chunk["id"] for chunk in chunks}, {answer.headers["x-generation-id"]},
          "the id that the head said")
    equal(answer.events()[-1], "[DONE]")
    hit = gateway.post("/api/v1/chat/completions", body, cache=True)
    equal(hit.cache(), "HIT")
    row = gateway.rows_of_id(answer.headers["x-generation-id"])
    equal(row["upstream_id"], sim.calls()[0]["id"], "the upstream's own id is kept")
    answer = gateway.post("/v1/chat/completions", body)
    check(b"OPENROUTER" not in answer.body, "Vercel sends no comments")
    # What goes wrong behind a comment is told in the stream.
    body["messages"][0]["content"] = sim_text({"delay": 2500, "status": 429})
    answer = gateway.post("/api/v1/chat/completions", body)
    equal(answer.status, 200)
    last = answer.chunks()[-1]
    check("error" in last and last["choices"][0]["finish_reason"] == "error", str(last))
