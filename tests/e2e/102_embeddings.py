"""POST embeddings on both base paths: MISS, then HIT; the vectors are byte for byte the same.

parity: embeddings-api
"""
from harness import *

MODEL_OF = {"/v1": "openai/text-embedding-3-small", "/api/v1": "openai/text-embedding-3-small"}

with Sim() as sim, Gateway(sim) as gateway:
    for base, model in MODEL_OF.items():
        for given in ("one text", ["two", "texts"]):
            for encoding in "float", "base64":
                body = {"model": model, "input": given, "encoding_format": encoding}
                miss, hit = (gateway.post(f"{base}/embeddings", body, cache=True) for _ in range(2))
                equal((miss.status, miss.cache(), hit.cache()), (200, "MISS", "HIT"), miss.body)
                old, new = miss.json(), hit.json()
                equal(len(old["data"]), 1 if isinstance(given, str) else 2)
                equal(new["data"], old["data"], "the vectors")
                check(old["usage"]["prompt_tokens"] > 0, "usage on a MISS")
                equal((new["usage"]["prompt_tokens"], new["usage"]["total_tokens"]), (0, 0))
                cut = lambda answer: answer.body[:answer.body.index(b'"usage"')]
                equal(cut(hit), cut(miss), "bytes")
    answer = gateway.post("/api/v1/embeddings", {"model": model, "input": "x"})
    equal(answer.json()["id"], answer.headers["x-generation-id"])
    check("cost" in answer.json()["usage"] and "provider" in answer.json(), answer.body)
    check("providerMetadata" not in answer.json(), "Vercel's member is gone")
    rows = gateway.settled_rows(17)
    equal({row["api"] for row in rows}, {"embeddings"})
    for row, call in rows_by_call([row for row in rows if row["cache"] != "hit"], sim.calls()):
        equal(Decimal(row["billed_usd"]), Decimal(call["gateway_cost"]))
