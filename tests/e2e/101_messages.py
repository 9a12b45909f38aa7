"""POST /v1/messages: Anthropic's shape, MISS then HIT, JSON and stream; usage without cache reads.

parity: messages-api, prompt-caching
"""
from harness import *

BODY = {"model": "anthropic/claude-haiku-4.5", "max_tokens": 200,
        "messages": [{"role": "user", "content": "Say something."}]}


def named_events(answer):
    """(event name, payload) of each event."""
    events = []
    for block in answer.body.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
        if "data" in fields and fields["data"] != "[DONE]":
            events.append((fields.get("event"), json.loads(fields["data"], parse_float=Decimal)))
    return events


def text_of(events):
    return "".join(data["delta"].get("text", "") for _, data in events
                   if data["type"] == "content_block_delta")


with Sim() as sim, Gateway(sim) as gateway:
    headers = {"x-api-key": KEY, "anthropic-version": "2023-06-01"}
    ask = lambda body: gateway.post("/v1/messages", body, cache=True, headers=headers, key=None)
    miss, hit = ask(BODY), ask(BODY)
    equal((miss.status, miss.cache(), hit.cache()), (200, "MISS", "HIT"), miss.body)
    old, new = miss.json(), hit.json()
    equal((old["type"], old["stop_reason"]), ("message", "end_turn"))
    equal((new["usage"]["input_tokens"], new["usage"]["output_tokens"]), (0, 0))
    check(old["usage"]["output_tokens"] > 0, "usage on a MISS")
    equal(new["content"], old["content"])
    check(new["id"] != old["id"] and new["id"] == hit.headers["x-generation-id"], "a new id")

    streamed = {**BODY, "stream": True}
    miss, hit = ask(streamed), ask(streamed)
    equal((miss.cache(), hit.cache()), ("MISS", "HIT"))
    old, new = named_events(miss), named_events(hit)
    equal([name for name, _ in new], [name for name, _ in old], "event names")
    equal([name for name, _ in new], [data["type"] for _, data in new], "names are the types")
    equal(text_of(new), text_of(old))
    equal(new[0][1]["message"]["id"], hit.headers["x-generation-id"])
    equal(new[0][1]["message"]["usage"]["input_tokens"], 0, "message_start")
    delta = [data for _, data in new if data["type"] == "message_delta"][0]
    equal(delta["usage"]["output_tokens"], 0, "message_delta")
    equal(new[-1][0], "message_stop")

    # Cache reads and writes stand beside input_tokens here: pricing section, the reference's vectors.
    for behaviour, cost in (
            ({"prompt_tokens": 18922, "cache_write_tokens": 18909, "completion_tokens": 4},
             "0.02366925"),
            ({"prompt_tokens": 18922, "cached_tokens": 18909, "completion_tokens": 4}, "0.0019239")):
        answer = ask({**BODY, "messages": [{"role": "user", "content": sim_text(behaviour)}]})
        equal(answer.json()["usage"]["input_tokens"], 13, "input without the cache")
        row = gateway.rows_of_id(answer.headers["x-generation-id"])
        equal((row["estimated_usd"], row["verdict"]), (cost, "matched"), str(row))
        equal(row["prompt_tokens"], "13")

    # Errors are Anthropic's, ours and the upstream's.
    for answer, status, kind in (
            (gateway.request("POST", "/v1/messages", b"{", {"x-api-key": KEY}), 400,
             "invalid_request_error"),
            (gateway.request("POST", "/v1/messages", b"{}", {}), 401, "authentication_error"),
            (ask({**BODY, "messages": [{"role": "user", "content": sim_text({"status": 429})}]}), 429,
             "rate_limit_error")):
        equal(answer.status, status, answer.body)
        equal((answer.json()["type"], answer.json()["error"]["type"]), ("error", kind))
    broken = {**streamed, "messages": [{"role": "user", "content": sim_text(
        {"die": "middle", "chunks": 8})}]}
    answer = ask(broken)
    equal(named_events(answer)[-1][0], "error", "an error event ends it")
    equal(ask(broken).cache(), "MISS", "not stored")
