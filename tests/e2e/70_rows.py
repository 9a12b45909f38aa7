"""One row per request, whatever became of it; a hit's tokens and money are 0, unknown is empty."""
from harness import *

TOKENS = ("prompt_tokens", "completion_tokens", "cached_tokens", "cache_write_tokens",
          "reasoning_tokens")
MONEY = ("billed_usd", "upstream_usd", "market_usd", "estimated_usd", "booked_usd",
         "difference_usd")

with Sim() as sim, Gateway(sim) as gateway:
    answers = [
        gateway.chat("off"),
        gateway.chat("json", cache=True), gateway.chat("json", cache=True),
        gateway.chat("stream", stream=True, cache=True),
        gateway.chat("stream", stream=True, cache=True),
        gateway.chat(sim_text({"status": 500}), cache=True),
        gateway.chat(sim_text({"die": "connect"}), cache=True),
        gateway.chat("no such", cache=True, headers={"Cache-Control": "only-if-cached"}),
    ]
    for refused in (gateway.chat("x", key=None), gateway.chat(body=b"{"),
                    gateway.request("GET", "/v1/chat/completions"),
                    gateway.request("POST", "/v1/nothing", b"{}")):
        check(refused.status in (400, 401, 404, 405), "no row for these")
    rows = gateway.rows_of(answers, settled=True)
    equal([row["cache"] for row in rows],
          ["off", "miss", "hit", "miss", "hit", "miss", "miss", "miss"])
    equal([row["verdict"] for row in rows],
          ["matched", "matched", "free", "matched", "free", "failed", "unknown", "failed"])
    equal([row["status"] for row in rows], ["200"] * 5 + ["500", "502", "504"])
    equal([row["streamed"] for row in rows],
          ["false", "false", "false", "true", "true", "false", "false", "false"])
    equal(len({row["id"] for row in rows}), len(rows), "ids")
    calls = sim.calls()
    for row, call in zip((rows[0], rows[1], rows[3]), calls):
        wanted = {"id": call["id"], "upstream_id": call["id"], "billed_usd": call["gateway_cost"],
                  "market_usd": call["market_cost"], "booked_usd": call["gateway_cost"],
                  "estimated_usd": call["market_cost"], "difference_usd": "0",
                  "prompt_tokens": str(call["prompt_tokens"]),
                  "completion_tokens": str(call["completion_tokens"]), "byok": "false",
                  "finish_reason": "stop", "provider": "openai", "source_id": ""}
        equal({name: row[name] for name in wanted}, wanted)
    for hit, source in (rows[2], rows[1]), (rows[4], rows[3]):
        equal({name: hit[name] for name in TOKENS + MONEY}, dict.fromkeys(TOKENS + MONEY, "0"))
        equal((hit["saved_usd"], hit["source_id"]), (source["booked_usd"], source["id"]))
        equal(hit["finish_reason"], "stop")
    for row in rows:
        equal((row["api"], row["model_requested"]), ("chat", MODEL))
        check(0 <= int(row["latency_ms"]) < 60000, "latency")
        check(row["key_id"] and KEY not in row["key_id"], "the key's id")
    equal(rows[6]["booked_usd"], "", "not known is empty, never 0")
