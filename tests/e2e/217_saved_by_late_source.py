"""A hit saves what its source cost, also where that cost was told by the generation record only: streamed messages
of OpenRouter never tell it inline. What is known by the time of the hit is its row's saved_usd."""
from harness import *

MESSAGE = {"model": MODEL, "max_tokens": 300, "stream": True, "messages": [
    {"role": "user", "content": sim_text({"prompt_tokens": 1000, "completion_tokens": 250})}]}

with Sim() as sim:
    for dialect, ask in (("openrouter", lambda gateway: gateway.post("/api/v1/messages", MESSAGE, cache=True)),
                         ("vercel", lambda gateway: gateway.chat(sim_text(
                             {"no_cost": True, "prompt_tokens": 1000, "completion_tokens": 250}), cache=True))):
        with Gateway(sim, dialect=dialect) as gateway:
            source = ask(gateway)
            equal(source.status, 200, source.body)
            settled = gateway.rows_of_id(source.headers["x-generation-id"])
            equal((settled["verdict"], settled["billed_usd"]), ("matched", "0.0002"), dialect)
            hit = ask(gateway)
            equal(hit.cache(), "HIT", dialect)
            row = gateway.rows_of_id(hit.headers["x-generation-id"])
            equal((row["source_id"], row["saved_usd"]), (settled["id"], "0.0002"), dialect)
            equal(gateway.report()["totals"]["saved_usd"], "0.0002", dialect)
