"""Vercel's AI SDK protocol: language-model and embedding-model are cached as types of their own, and
the headers that steer the call belong to the key.

parity: ai-sdk-protocol
"""
from harness import *

PROMPT = {"prompt": [{"role": "user", "content": [{"type": "text", "text": "Say something."}]}]}


def headers(**more):
    return {"ai-language-model-id": MODEL, "ai-language-model-streaming": "false",
            "ai-language-model-specification-version": "4", "ai-gateway-protocol-version": "0.0.1",
            "ai-gateway-auth-method": "api-key", **more}


with Sim() as sim, Gateway(sim) as gateway:
    path = "/v4/ai/language-model"
    miss, hit = (gateway.post(path, PROMPT, cache=True, headers=headers()) for _ in range(2))
    equal((miss.status, miss.cache(), hit.cache()), (200, "MISS", "HIT"), miss.body)
    equal(hit.json()["content"], miss.json()["content"])
    for more, wanted in (({"ai-language-model-id": "openai/gpt-5-nano"}, "MISS"),
                         ({"ai-language-model-specification-version": "3"}, "MISS"),
                         ({"ai-gateway-auth-method": "oidc"}, "HIT"),
                         ({"ai-o11y-request-id": "1"}, "HIT")):
        equal(gateway.post(path, PROMPT, cache=True, headers=headers(**more)).cache(), wanted,
              str(more))
    stream = headers(**{"ai-language-model-streaming": "true"})
    miss, hit = (gateway.post(path, PROMPT, cache=True, headers=stream) for _ in range(2))
    equal((miss.cache(), hit.cache()), ("MISS", "HIT"), "a stream of its own")
    kinds = [[json.loads(event)["type"] for event in answer.events() if event != "[DONE]"]
             for answer in (miss, hit)]
    equal(kinds[0], kinds[1])
    check("finish" in kinds[0], str(kinds[0]))

    embed = {"ai-model-id": "openai/text-embedding-3-small",
             "ai-embedding-model-specification-version": "4"}
    miss, hit = (gateway.post("/v4/ai/embedding-model", {"values": ["a", "b"]}, cache=True,
                              headers=embed) for _ in range(2))
    equal((miss.status, miss.cache(), hit.cache()), (200, "MISS", "HIT"), miss.body)
    equal(hit.json()["embeddings"], miss.json()["embeddings"])

    config = gateway.get("/v4/ai/config")
    equal(config.status, 200, config.body)
    rows = gateway.settled_rows(10)
    equal([row["api"] for row in rows], ["ai-language"] * 8 + ["ai-embedding"] * 2)
    for row, call in rows_by_call([row for row in rows if row["cache"] == "miss"], sim.calls()):
        equal(Decimal(row["billed_usd"]), Decimal(call["gateway_cost"]), row["api"])
