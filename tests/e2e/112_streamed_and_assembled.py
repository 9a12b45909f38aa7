"""Claude above 21,333 max tokens without `stream`: streamed upstream, and one body for the client.

parity: large-answers
"""
from harness import *

with Sim("--log-bodies") as sim, Gateway(sim) as gateway:
    for base in "/v1", "/api/v1":
        for limit in "max_tokens", "max_completion_tokens":
            for content in ("Say something.", sim_text({"tool_call": {
                    "name": "weather", "arguments": {"city": "Oslo"}}})):
                body = {"model": "anthropic/claude-haiku-4.5", limit: 30000,
                        "messages": [{"role": "user", "content": content + limit}]}
                miss, hit = (gateway.post(f"{base}/chat/completions", body, cache=True)
                             for _ in range(2))
                equal((miss.status, miss.cache(), hit.cache()), (200, "MISS", "HIT"), miss.body)
                check(miss.headers["content-type"].startswith("application/json"), "a plain body")
                answer = miss.json()
                equal(answer["object"], "chat.completion")
                call = sim.calls()[-1]
                check(json.loads(call["body"])["stream"] is True, "streamed upstream")
                equal(answer["id"], call["id"])
                equal(answer["usage"]["completion_tokens"], call["completion_tokens"])
                message = answer["choices"][0]["message"]
                if "tool_call" in content:
                    function = message["tool_calls"][0]["function"]
                    equal((function["name"], json.loads(function["arguments"])),
                          ("weather", {"city": "Oslo"}))
                    equal(answer["choices"][0]["finish_reason"], "tool_calls")
                else:
                    check(message["content"].startswith("Echo"), message["content"])
                    equal(answer["choices"][0]["finish_reason"], "stop")
    body = {"model": "anthropic/claude-haiku-4.5", "max_tokens": 30000,
            "messages": [{"role": "user", "content": "Say something."}]}
    answer = gateway.post("/v1/messages", body)
    equal((answer.status, answer.json()["type"], answer.json()["stop_reason"]),
          (200, "message", "end_turn"), answer.body)
    check(answer.json()["content"][0]["text"].startswith("Echo"), answer.body)
    # What breaks off is no answer.
    body["messages"][0]["content"] = sim_text({"die": "middle", "chunks": 6})
    equal(gateway.post("/v1/chat/completions", body).status, 502)
    for row, call in rows_by_call([row for row in gateway.settled_rows(18)
                                   if row["cache"] != "hit"], sim.calls()):
        equal(Decimal(row["billed_usd"]), Decimal(call["gateway_cost"]))
