"""Each cause of a difference is found by re-rating, stored with the row, and summed in the report.

parity: reconciliation, drift-causes
"""
from harness import *

BASE = {"input": "0.000001", "output": "0.000004", "input_cache_read": "0.0000001",
        "input_cache_write": "0.00000125", "input_cache_write_1h": "0.000002", "web_search": "0.01"}
TIER = {"above": 2000, "input": "0.000002", "output": "0.000006", "input_cache_read": "0.0000002"}
PRIORITY = {"priority": {"input": "0.0000018", "output": "0.000007"}}


def without(*names):
    return {name: price for name, price in BASE.items() if name not in names}


# model: what the simulator bills by, what our table has; in each version of it.
TABLES = {
    "openai/gpt-5": ([without("input_cache_read")], [BASE]),
    "openai/gpt-5-mini": ([BASE], [{**BASE, "tiers": [TIER]}]),
    "openai/gpt-5-nano": ([{**BASE, "tiers": [{**TIER, "above": 500}]}], [{**BASE, "tiers": [TIER]}]),
    "openai/gpt-4.1": ([BASE], [{**BASE, "service_tiers": PRIORITY}]),
    "openai/gpt-4.1-mini": ([{**BASE, "service_tiers": PRIORITY}], [{**BASE, "service_tiers": PRIORITY}]),
    "anthropic/claude-haiku-4.5": ([BASE], [BASE]),
    "zai/glm-5.3": ([{**BASE, "input": "0.0000009", "output": "0.0000041"}],
                    [{**BASE, "input": "0.0000009", "output": "0.0000041"},
                     {**BASE, "from": "2026-02-01T00:00:00Z"}]),
    MODEL: ([BASE], [BASE]),
}


def table(which):
    return json.dumps({"format": 2, "models": {
        model: [{"from": "2026-01-01T00:00:00Z", **version} for version in sides[which]]
        for model, sides in TABLES.items()}})


VERCEL, OPENROUTER, ANY = "vercel", "openrouter", "chat"
CASES = [  # what is expected, verdict, upstream, api, model, behaviour
    ("cached-tokens-ignored", "over", VERCEL, "chat", "openai/gpt-5", {"cached_tokens": 800}),
    ("tier-missed", "under", VERCEL, "chat", "openai/gpt-5-mini", {"prompt_tokens": 3000}),
    ("tier-missed", "over", VERCEL, "chat", "openai/gpt-5-nano", {}),
    ("service-tier", "under", VERCEL, "chat", "openai/gpt-4.1", {"service_tier": "priority"}),
    ("service-tier", "over", VERCEL, "responses", "openai/gpt-4.1-mini", {"service_tier": "priority"}),
    ("cache-write-ttl", "over", VERCEL, "chat", "anthropic/claude-haiku-4.5",
     {"cache_write_tokens": 600, "write_1h_tokens": 600}),
    ("surcharge", "over", OPENROUTER, "chat", MODEL, {"surcharge": "0.0001"}),
    ("discount", "under", OPENROUTER, "chat", MODEL, {"discount": 0.9}),
    ("markup", "over", OPENROUTER, "chat", MODEL, {"billed": "0.002153255"}),  # 5.5 %
    ("search-fee", "over", VERCEL, "responses", MODEL, {"web_searches": 2, "generation": "never"}),
    # The record counts more than what it bills.
    ("token-count", "under", VERCEL, "chat", MODEL,
     {"no_cost": True, "record_prompt_tokens": 1337}),
    # One's own key, and only the gateway's fee is told.
    ("byok", "under", OPENROUTER, "chat", MODEL, {"raw": json.dumps({
        "id": "gen-1795247064-0FeK69wmgj7PkS1KFFuv", "object": "chat.completion", "created": 1795247064,
        "model": MODEL, "provider": "OpenAI", "choices": [{"index": 0, "finish_reason": "stop", "message": {
            "role": "assistant", "content": "Hi"}}], "usage": {
                "prompt_tokens": 1037, "completion_tokens": 251, "total_tokens": 1288,
                "cost": 0.00010205, "is_byok": True}})}),
    ("price-version", "under", VERCEL, "chat", "zai/glm-5.3", {}),
    ("unexplained", "over", VERCEL, "chat", MODEL, {"market": "0.0034567891"}),
    ("unexplained", "under", VERCEL, "chat", MODEL, {"market": "0.0004567891"}),
]


def ask(gateway, upstream, api, model, behaviour, nonce):
    text = sim_text({"prompt_tokens": 1037, "completion_tokens": 251, **behaviour}, nonce)
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    body = {"model": model, "user": upstream}
    if api == "responses":
        body["input"] = text
        answer = gateway.request("POST", "/v1/responses", json.dumps(body), headers)
    else:
        answer = gateway.chat(text, model=model)
    equal(answer.status, 200, answer.body)
    return answer


directory = folder()
with open(os.path.join(directory, "truth.json"), "w", encoding="utf-8") as file:
    file.write(table(0))
with Sim("--prices", os.path.join(directory, "truth.json")) as sim:
    wrong = []
    for upstream in VERCEL, OPENROUTER:
        cases = [case for case in CASES if case[2] == upstream]
        with Gateway(sim, {"prices": {"file": "own.json"}}, files={"own.json": table(1)},
                     dialect=upstream) as gateway:
            answers = [ask(gateway, *case[2:], str(number)) for number, case in enumerate(cases)]

            def stories():
                """Once what was over or under was confirmed at the upstream, or cannot be."""
                got = [gateway.explain(answer) for answer in answers]
                done = [(one["cause"], one["verdict"]) == case[:2] for one, case in zip(got, cases)]
                return got if all(done) else None
            with contextlib.suppress(AssertionError):
                wait_for(stories, "all causes", 8)
            for answer, case in zip(answers, cases):
                story = gateway.explain(answer)
                if (story["cause"], story["verdict"]) != case[:2]:
                    wrong.append((case, story["verdict"], story["cause"], story["estimated_usd"],
                                  story["market_usd"], story["billed_usd"],
                                  [one["from"] for one in story["observations"]]))
                    continue
                check(story["cause_reason"], f"{case[0]}: a reason")
                equal(Decimal(story["difference_usd"]),
                      Decimal(story["market_usd"] or story["booked_usd"]) - Decimal(story["estimated_usd"]))
            drift = gateway.report()["drift"]
            if not wrong:
                equal(sorted((one["cause"], one["requests"]) for one in drift),
                      sorted((name, len([case for case in cases if case[::4] == (name, model)]))
                             for name, model in {case[::4] for case in cases}), "drift by model and cause")
    for each in wrong:
        print(each, file=sys.stderr)
    equal(len(wrong), 0, "causes that are wrong")
