"""The exchange recorded from Vercel, replayed: its cost to the last digit, its bytes unharmed."""
from harness import *

WIRE = f"{ROOT}/tests/data/wire/vercel-chat-stream"
with open(f"{WIRE}.request.json", "rb") as file:
    ASKED = file.read()
with open(f"{WIRE}.response.sse", "rb") as file:
    RECORDED = file.read()

with Sim() as sim, Gateway(sim) as gateway:
    sim.script({"raw": RECORDED.decode(), "content_type": "text/event-stream"})
    miss = gateway.chat(body=ASKED, cache=True)
    equal((miss.status, miss.cache(), miss.body), (200, "MISS", RECORDED))
    equal(miss.headers["x-generation-id"], "gen_01M3RJQ2GXYP8F188NH5K17ED5")
    hit = gateway.chat(body=ASKED, cache=True)
    equal(hit.cache(), "HIT")
    equal(hit.headers["x-openrouter-cache-source-id"], "gen_01M3RJQ2GXYP8F188NH5K17ED5")
    equal(hit.headers["x-tollgate-saved-cost"], "0.0000032")
    last = hit.chunks()[-1]
    gate = last["choices"][0]["delta"]["provider_metadata"]["gateway"]
    equal(gate["routing"], miss.chunks()[-1]["choices"][0]["delta"]["provider_metadata"]["gateway"]
          ["routing"], "routing")
    equal(gate["generationId"], last["id"])
    first, second = gateway.rows_of((miss, hit))
    wanted = {"id": "gen_01M3RJQ2GXYP8F188NH5K17ED5", "upstream_id": "gen_01M3RJQ2GXYP8F188NH5K17ED5",
              "api": "chat", "streamed": "true", "model_requested": "openai/gpt-4.1-nano",
              "model": "openai/gpt-4.1-nano", "provider": "openai", "upstream": "sim",
              "cache": "miss", "status": "200", "finish_reason": "stop", "prompt_tokens": "20",
              "completion_tokens": "3", "cached_tokens": "0", "cache_write_tokens": "0",
              "reasoning_tokens": "0", "billed_usd": "0.0000032", "market_usd": "0.0000032",
              "estimated_usd": "0.0000032", "booked_usd": "0.0000032", "difference_usd": "0",
              "verdict": "matched", "byok": "false"}
    equal({name: first[name] for name in wanted}, wanted, "the row")
    equal((second["saved_usd"], second["booked_usd"], second["verdict"]), ("0.0000032", "0", "free"))
