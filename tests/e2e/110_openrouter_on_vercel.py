"""An OpenRouter client on a Vercel upstream: ids, names, provider, usage and costs in OpenRouter's words.

parity: openrouter-dialect, routing-transparency, pricing-transparency
"""
from harness import *

ASK = {"model": "z-ai/glm-4.6", "messages": [{"role": "user", "content": "Say something."}]}


def usage_of(answer):
    chunks = [chunk for chunk in answer.chunks() if chunk.get("usage")]
    equal(len(chunks), 1, "one chunk has the usage")
    return chunks[0]["usage"]


def check_usage(usage, call):
    equal(usage["cost"], Decimal(call["gateway_cost"]), "cost is what is billed")
    equal((usage["prompt_tokens"], usage["completion_tokens"]),
          (call["prompt_tokens"], call["completion_tokens"]))
    equal(usage["is_byok"], False)
    details = usage["cost_details"]
    check({"upstream_inference_cost", "upstream_inference_prompt_cost",
           "upstream_inference_completions_cost"} <= set(details), str(details))
    check({"cached_tokens", "cache_write_tokens"} <= set(usage["prompt_tokens_details"]), "details")
    check("gateway_cost" not in usage and "market_cost" not in usage, "Vercel's names are gone")


with Sim() as sim, Gateway(sim) as gateway:
    miss, hit = (gateway.post("/api/v1/chat/completions", ASK, cache=True) for _ in range(2))
    equal((miss.status, miss.cache(), hit.cache()), (200, "MISS", "HIT"), miss.body)
    old, new = miss.json(), hit.json()
    call = sim.calls()[0]
    equal(call["model"], "zai/glm-4.6", "asked in Vercel's words")
    equal((old["model"], old["id"]), ("z-ai/glm-4.6", call["id"]))
    check(isinstance(old["provider"], str) and old["provider"], "who served")
    choice = old["choices"][0]
    equal(choice["native_finish_reason"], choice["finish_reason"])
    for gone in "provider_metadata", "providerMetadata", "generationId":
        check(gone not in miss.body.decode(), f"{gone} is Vercel's")
    check_usage(old["usage"], call)
    equal((miss.headers["x-tollgate-upstream"], miss.headers["x-tollgate-route"]), ("sim", "only"))
    check(re.fullmatch(r"gen-\d{10}-[0-9A-Za-z]{20}", new["id"]), "a HIT's id in OpenRouter's form")
    equal(hit.headers["x-generation-id"], new["id"])
    equal((new["usage"]["cost"], new["usage"]["prompt_tokens"], new["usage"]["is_byok"]), (0, 0, False))
    equal(new["choices"], old["choices"])

    streamed = {**ASK, "stream": True}
    miss, hit = (gateway.post("/api/v1/chat/completions", streamed, cache=True) for _ in range(2))
    equal((miss.cache(), hit.cache()), ("MISS", "HIT"))
    chunks = miss.chunks()
    equal(miss.events()[-1], "[DONE]")
    equal({chunk["model"] for chunk in chunks}, {"z-ai/glm-4.6"})
    check(all(chunk["provider"] for chunk in chunks), "provider on every chunk")
    # The usage chunk repeats the finishing one, with an empty delta (openrouter section 2.6).
    last, before = chunks[-1], chunks[-2]
    check("usage" in last and not before.get("usage"), "finish first, then usage")
    equal(last["choices"][0]["finish_reason"], before["choices"][0]["finish_reason"])
    equal(last["choices"][0]["delta"].get("content"), "")
    check_usage(usage_of(miss), sim.calls()[1])
    equal(usage_of(hit)["cost"], 0)
    equal(miss.text(), hit.text())
    check("provider_metadata" not in miss.body.decode(), "Vercel's metadata is gone")

    # Metadata on demand, never on a HIT.
    wish = {"X-OpenRouter-Metadata": "enabled"}
    other = {**ASK, "messages": [{"role": "user", "content": "With metadata."}]}
    miss, hit = (gateway.post("/api/v1/chat/completions", other, cache=True, headers=wish)
                 for _ in range(2))
    metadata = miss.json()["openrouter_metadata"]
    equal((metadata["requested"], metadata["is_byok"], metadata["attempt"]), ("z-ai/glm-4.6", False, 1))
    check(any(one["selected"] for one in metadata["endpoints"]["available"]), str(metadata))
    check("openrouter_metadata" not in hit.json(), "stripped on a HIT")

    # Under BYOK the gateway bills a fee and the vendor the list price.
    own = {**ASK, "messages": [{"role": "user", "content": sim_text({"byok": True})}]}
    answer = gateway.post("/api/v1/chat/completions", own)
    call = sim.calls()[-1]
    usage = answer.json()["usage"]
    equal((usage["is_byok"], usage["cost"]), (True, Decimal(call["gateway_cost"])))
    equal(usage["cost_details"]["upstream_inference_cost"], Decimal(call["upstream_cost"]))

    # Cache writes have another name and place.
    wrote = {**ASK, "model": "anthropic/claude-haiku-4.5", "messages": [{
        "role": "user", "content": sim_text({"prompt_tokens": 500, "cache_write_tokens": 400})}]}
    details = gateway.post("/api/v1/chat/completions", wrote).json()["usage"]
    equal(details["prompt_tokens_details"]["cache_write_tokens"], 400, str(details))
    rows = gateway.settled_rows(8)
    equal({row["upstream"] for row in rows if row["cache"] != "hit"}, {"sim"})
    equal([row["verdict"] for row in rows if row["cache"] != "hit"], ["matched"] * 5)
