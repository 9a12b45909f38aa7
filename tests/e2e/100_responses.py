"""POST /v1/responses: MISS, then HIT with a new id and zero usage, as JSON and as a stream.

parity: responses-api, response-cache
"""
from harness import *


def zeroed(value):
    """No number below value is other than 0."""
    if isinstance(value, dict):
        return all(zeroed(inner) for inner in value.values())
    return isinstance(value, bool) or not isinstance(value, (int, Decimal)) or value == 0


def said(response):
    return "".join(part["text"] for item in response["output"] if item["type"] == "message"
                   for part in item["content"] if part["type"] == "output_text")


with Sim() as sim, Gateway(sim) as gateway:
    body = {"model": MODEL, "input": "Say something."}
    miss, hit = (gateway.post("/v1/responses", body, cache=True) for _ in range(2))
    equal((miss.status, hit.status, miss.cache(), hit.cache()), (200, 200, "MISS", "HIT"), hit.body)
    old, new = miss.json(), hit.json()
    equal((old["object"], old["status"]), ("response", "completed"))
    check(old["usage"]["input_tokens"] > 0 and old["usage"]["output_tokens"] > 0, "usage on a MISS")
    check(zeroed(new["usage"]), f"usage on a HIT: {new['usage']}")
    check(new["id"] != old["id"] and new["id"] == hit.headers["x-generation-id"], "a new id")
    equal(old["id"], miss.headers["x-generation-id"])
    equal(old["id"], hit.headers["x-openrouter-cache-source-id"])
    equal(said(new), said(old), "the same text")
    equal(new["output"], old["output"], "output verbatim")

    streamed = {**body, "stream": True}
    miss, hit = (gateway.post("/v1/responses", streamed, cache=True) for _ in range(2))
    equal((miss.cache(), hit.cache()), ("MISS", "HIT"), "streams have entries of their own")
    old, new = ([json.loads(event, parse_float=Decimal) for event in answer.events()
                 if event != "[DONE]"] for answer in (miss, hit))
    equal([event["type"] for event in new], [event["type"] for event in old], "the same events")
    equal([event.get("sequence_number") for event in new],
          [event.get("sequence_number") for event in old], "sequence numbers are part of the answer")
    equal(new[-1]["type"], "response.completed")
    check(zeroed(new[-1]["response"]["usage"]), "usage of the last event")
    for event in new:
        if "response" in event:
            equal(event["response"]["id"], hit.headers["x-generation-id"], event["type"])
    check(old[-1]["response"]["id"].encode() not in hit.body, "the source's id is nowhere")
    rows = gateway.settled_rows(4)
    equal([row["api"] for row in rows], ["responses"] * 4)
    for row, call in rows_by_call(rows[::2], sim.calls()):
        equal(Decimal(row["billed_usd"]), Decimal(call["gateway_cost"]), "billed")
        equal(row["verdict"], "matched")
        equal(row["finish_reason"], "stop")
    equal([row["verdict"] for row in rows[1::2]], ["free", "free"])
    equal(rows[1]["saved_usd"], rows[0]["billed_usd"], "saved")

    # A stream that breaks off is not stored, and says so in the grammar of this API.
    broken = {**streamed, "input": sim_text({"die": "middle", "chunks": 8})}
    answer = gateway.post("/v1/responses", broken, cache=True)
    last = json.loads(answer.events()[-1])
    check(last["type"] in ("error", "response.failed"), f"an error event: {last}")
    equal(gateway.post("/v1/responses", broken, cache=True).cache(), "MISS", "not stored")
