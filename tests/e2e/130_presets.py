"""Presets: three ways to name one, what is merged, precedence of its cache settings, and its key.

parity: presets, request-defaults
"""
from harness import *

PRESETS = [
    {"name": "terse", "model": MODEL, "system_prompt": "Be terse.",
     "parameters": {"temperature": 0.25, "max_tokens": 50, "tools": [
         {"type": "function", "function": {"name": "a", "parameters": {"type": "object"}}}]},
     "cache_enabled": True, "cache_ttl_seconds": 77},
    {"name": "never", "model": MODEL, "cache_enabled": False},
    {"name": "plain", "model": MODEL},
]
MESSAGES = [{"role": "user", "content": "Say something."}]

with Sim("--log-bodies") as sim, Gateway(sim, {"presets": PRESETS}) as gateway:
    def ask(base="/api/v1", cache=None, headers=None, **body):
        return gateway.post(f"{base}/chat/completions", {"messages": MESSAGES, **body}, cache=cache,
                            headers=headers)

    sent = lambda: json.loads(sim.calls()[-1]["body"])
    for base in "/v1", "/api/v1":
        for body in ({"model": "@preset/terse"}, {"preset": "terse"},
                     {"model": f"{MODEL}@preset/terse"}):
            miss, hit = ask(base, **body), ask(base, **body)
            equal((miss.status, miss.cache(), hit.cache()), (200, "MISS", "HIT"), str(body))
            equal(miss.headers["x-openrouter-cache-ttl"], "77", "the preset's TTL")
            merged = sent()
            equal((merged["model"], merged["temperature"], merged["max_tokens"]), (MODEL, 0.25, 50))
            equal(merged["messages"], [{"role": "system", "content": "Be terse."}, *MESSAGES])
            check("preset" not in merged, "not sent")
    # The request's own members win; tools are united.
    b = {"type": "function", "function": {"name": "b", "parameters": {"type": "object"}}}
    ask(model="@preset/terse", temperature=0.9, tools=[b])
    merged = sent()
    equal((merged["temperature"], merged["max_tokens"]), (0.9, 50))
    equal({tool["function"]["name"] for tool in merged["tools"]}, {"a", "b"})
    ask(model="zai/glm-4.6@preset/terse")
    equal(sent()["model"], "zai/glm-4.6", "the model before the @ wins")

    # Precedence 1 to 5 (openrouter section 1.6).
    for body, cache, wanted in (
            ({"model": "@preset/never"}, True, None), ({"model": "@preset/terse"}, False, None),
            ({"model": "@preset/plain"}, True, "MISS"), ({"model": "@preset/terse", "seed": 1}, None,
                                                         "MISS"),
            ({"model": "@preset/plain"}, None, None)):
        equal(ask(cache=cache, **body).cache(), wanted, f"{body} {cache}")
    answer = ask(model="@preset/terse", seed=2, headers={"X-OpenRouter-Cache-TTL": "33"})
    equal(answer.headers["x-openrouter-cache-ttl"], "33", "the header's TTL ranks first")
    answer = ask(model="@preset/unknown")
    equal(answer.status, 400)
    check("unknown" in answer.json()["error"]["message"], answer.body)
    data = gateway.data
    entry = {"model": "@preset/terse"}
    equal(ask(**entry).cache(), "HIT")

PRESETS[0]["system_prompt"] = "Be very terse."
with Sim() as sim, Gateway(sim, {"presets": PRESETS}, data=data) as gateway:
    answer = gateway.post("/api/v1/chat/completions", {**entry, "messages": MESSAGES})
    equal(answer.cache(), "MISS", "another version of the preset is another key")

# An outage of one vendor becomes an answer from another.
fallback = [{"name": "safe", "model": "zai/glm-4.6", "fallback_models": [MODEL]}]
with Sim("--log-bodies") as sim, Gateway(sim, {"presets": fallback}, dialect="openai") as gateway:
    sim.script({"status": 503})
    answer = gateway.post("/v1/chat/completions", {"model": "@preset/safe", "messages": MESSAGES})
    equal((answer.status, [call["model"] for call in sim.calls()]), (200, ["zai/glm-4.6", MODEL]))
    equal(answer.headers["x-tollgate-route"], "fallback")
