"""OpenRouter's request in Vercel's words, as the upstream received it; and back.

parity: provider-routing, request-conversion
"""
from harness import *

MESSAGES = [{"role": "user", "content": "Say something."}]


def sent(sim):
    return json.loads(sim.calls()[-1]["body"])


with Sim("--log-bodies") as sim, Gateway(sim) as gateway:
    ask = lambda **more: gateway.post("/api/v1/chat/completions",
                                      {"model": "z-ai/glm-4.6", "messages": MESSAGES, **more})
    answer = ask(provider={"only": ["amazon-bedrock", "z-ai"], "order": ["z-ai"], "sort": "price",
                           "zdr": True, "data_collection": "deny"},
                 models=["anthropic/claude-haiku-4.5"], temperature=0.70, usage={"include": True},
                 user="somebody")
    equal(answer.status, 200, answer.body)
    body = sent(sim)
    equal(body["model"], "zai/glm-4.6")
    check("provider" not in body and "models" not in body and "usage" not in body, str(body))
    options = body["providerOptions"]["gateway"]
    equal((options["only"], options["order"]), (["bedrock", "zai"], ["zai"]))
    equal((options["sort"], options["zeroDataRetention"], options["disallowPromptTraining"]),
          ("cost", True, True))
    equal(options["models"], ["anthropic/claude-haiku-4.5"])
    equal(ask(reasoning={"effort": "high"}).status, 200)
    equal(sent(sim)["reasoning"], {"effort": "high"})

    # Dropped, and said so.
    answer = ask(transforms=["middle-out"])
    equal(answer.status, 200, answer.body)
    check("transforms" in answer.headers["x-tollgate-warning"], str(answer.headers))
    check("transforms" not in sent(sim), "not sent")

    # Refused: it would change what is answered.
    calls = len(sim.calls())
    for more in ({"plugins": [{"id": "web"}]}, {"provider": {"max_price": {"prompt": 1}}},
                 {"provider": {"ignore": ["z-ai"]}}, {"provider": {"require_parameters": True}},
                 {"provider": {"quantizations": ["fp8"]}}):
        answer = ask(**more)
        equal((answer.status, answer.json()["error"]["code"]), (400, 400), str(more))
        name = list(more)[0]
        check(name in answer.json()["error"]["message"], f"says what for: {answer.body}")
    equal(len(sim.calls()), calls, "nothing was sent")

    # A model that Vercel does not have, and one that only OpenRouter can choose.
    for model, words in (("nobody/nothing", "not a valid model"), ("openrouter/auto", "openrouter")):
        answer = ask(model=model)
        equal(answer.status, 400, answer.body)
        check(words in answer.json()["error"]["message"], f"{answer.body}")

with Sim("--log-bodies") as sim, Gateway(sim, dialect="openrouter") as gateway:
    body = {"model": "zai/glm-4.6", "messages": MESSAGES, "providerOptions": {"gateway": {
        "only": ["zai"], "sort": "tps", "models": ["alibaba/qwen3-coder"]}}}
    equal(gateway.post("/v1/chat/completions", body).status, 200)
    body = sent(sim)
    equal(body["model"], "z-ai/glm-4.6")
    check("providerOptions" not in body, str(body))
    equal((body["provider"]["only"], body["provider"]["sort"]), (["z-ai"], "throughput"))
    equal(body["models"], ["qwen/qwen3-coder"])
