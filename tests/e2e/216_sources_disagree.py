"""The final usage and the gateway's metadata of one answer disagree: both are kept, usage ranks above metadata,
the record above both; what a higher rank leaves out is taken from the next; and the tokens are told once."""
from harness import *

NUMBERS = iter(range(1, 100))


def raw(usage, metadata, stream):
    """A chat answer whose costs are told twice."""
    identity = f"gen_01M7YGT883RP6FMHY514ZQ{next(NUMBERS):04d}"
    counts = {"prompt_tokens": 1000, "completion_tokens": 250, "total_tokens": 1250, **usage}
    message = {"role": "assistant", "content": "Hi", "provider_metadata": {"gateway": {
        **metadata, "generationId": identity}}}
    head = {"id": identity, "created": 1795247064, "model": MODEL}
    if not stream:
        return {"raw": json.dumps({**head, "object": "chat.completion", "choices": [
            {"index": 0, "finish_reason": "stop", "message": message}], "usage": counts})}
    chunks = [{**head, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "Hi"},
                                                                      "finish_reason": None}]},
              {**head, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {
                  "provider_metadata": message["provider_metadata"]}, "finish_reason": "stop"}], "usage": counts}]
    return {"raw": "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n",
            "content_type": "text/event-stream"}


CASES = [  # usage, metadata, billed, market, verdict, how many observations
    ({"cost": 0.0002, "market_cost": 0.0002}, {"cost": "0.0002", "marketCost": "0.0002"},
     "0.0002", "0.0002", "matched", 2),
    ({"cost": 0.0002, "market_cost": 0.0002}, {"cost": "0.0007", "marketCost": "0.0007"},
     "0.0002", "0.0002", "matched", 2),
    ({"cost": 0.0007, "market_cost": 0.0007}, {"cost": "0.0002", "marketCost": "0.0002"},
     "0.0007", "0.0007", "over", 2),
    ({"cost": 0.0002}, {"cost": "0.0007", "marketCost": "0.0002"}, "0.0002", "0.0002", "matched", 2),
    ({}, {"cost": "0.0002", "marketCost": "0.0002", "gatewayCost": "0.0003"}, "0.0003", "0.0002", "matched", 1),
    ({"gateway_cost": 0.0003, "cost": 0.0002, "market_cost": 0.0002}, {}, "0.0003", "0.0002", "matched", 1),
    ({"cost": 0.0002, "surcharge_cost": 0.0001, "market_cost": 0.0002}, {}, "0.0003", "0.0002", "matched", 1),
    # Digits beyond a double's, and binary noise.
    ({"cost": 0.00020000000000000001}, {}, "0.0002", "", "matched", 1),
]

with Sim() as sim, Gateway(sim, {"ledger": {"confirm": False}}) as gateway:
    wrong = []
    for stream in False, True:
        answers = []
        for number, (usage, metadata, *_) in enumerate(CASES):
            sim.script(raw(usage, metadata, stream))
            answers.append(gateway.chat(f"{number}", stream=stream))
            equal(answers[-1].status, 200)
        rows = {row["id"]: row for row in gateway.rows()}
        for number, (answer, case) in enumerate(zip(answers, CASES)):
            story = wait_for(lambda: gateway.explain(answer), "its story")
            row = [row for row in gateway.rows() if row["id"] == story["id"]][0]
            got = (row["billed_usd"], row["market_usd"], row["verdict"], len(story["observations"]))
            if got != case[2:]:
                wrong.append((stream, number, got, case[2:], story["observations"]))
            equal((row["prompt_tokens"], row["completion_tokens"]), ("1000", "250"))
    for each in wrong:
        print(each, file=sys.stderr)
    equal(len(wrong), 0, "rows that are wrong")
