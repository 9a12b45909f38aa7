"""Fallback models: told to an upstream that tries them itself, in its own words; tried one by one where
it does not; the request's, else the preset's or the route's. An outage of one vendor becomes an answer.

parity: fallback-controls, failover
"""
from harness import *

MESSAGES = [{"role": "user", "content": "x"}]
HAIKU, GLM, QWEN = "anthropic/claude-haiku-4.5", "zai/glm-4.6", "alibaba/qwen-3-14b"
WORDS = {"vercel": {GLM: GLM, QWEN: QWEN, HAIKU: HAIKU},
         "openrouter": {GLM: "z-ai/glm-4.6", QWEN: "qwen/qwen3-14b", HAIKU: HAIKU}}
BASES = {"/v1": "vercel", "/api/v1": "openrouter"}


def asked(base, model=GLM, models=(QWEN, HAIKU)):
    """A request with fallbacks in the words of the path's dialect, in each place it can have."""
    words = WORDS[BASES[base]]
    body = {"model": words[model], "messages": MESSAGES}
    names = [words[name] for name in models]
    yield {**body, "models": names}
    if base == "/v1":
        yield {**body, "providerOptions": {"gateway": {"models": names}}}


def told(body):
    return body.get("models") or body.get("providerOptions", {}).get("gateway", {}).get("models")


for dialect in "vercel", "openrouter":
    with Sim("--log-bodies") as sim, Gateway(sim, dialect=dialect) as gateway:
        words = WORDS[dialect]
        for base in BASES:
            for body in asked(base):
                answer = gateway.post(f"{base}/chat/completions", body)
                equal((answer.status, sim.posts()), (200, 1), f"{dialect} {base}: {answer.body[:200]}")
                sent = json.loads(sim.calls()[-1]["body"])
                equal((sent["model"], told(sent)), (words[GLM], [words[QWEN], words[HAIKU]]),
                      f"{dialect} {base} {body}: {sent}")
                sim.reset()
        # The one that answered, in the client's words, and billed at its own price.
        for base, served in BASES.items():
            sim.script({"served_model": words[HAIKU], "models_tried": [words[GLM]]})
            answer = gateway.post(f"{base}/chat/completions", next(asked(base)))
            equal(answer.json()["model"], WORDS[served][HAIKU], f"{dialect} {base}")
            row = gateway.rows_of_id(answer.headers["x-generation-id"])
            equal((row["model_requested"], row["verdict"]), (WORDS[served][GLM], "matched"), str(row))
            check(row["model"].endswith("claude-haiku-4.5"), str(row))

# A generic upstream takes one model at a time: the next one is another attempt, in the same row.
for base in BASES:
    with Sim() as sim, Gateway(sim, dialect="openai") as gateway:
        for body in asked(base):
            sim.script({"status": 503}, {"status": 429})
            answer = gateway.post(f"{base}/chat/completions", body)
            words = WORDS[BASES[base]]
            equal((answer.status, len(sim.calls())), (200, 3), f"{base} {body}: {answer.body[:200]}")
            equal([call["model"].split("/")[-1] for call in sim.calls()],
                  ["glm-4.6", "qwen-3-14b" if sim.calls()[1]["model"].endswith("qwen-3-14b")
                   else "qwen3-14b", "claude-haiku-4.5"])
            equal(answer.headers["x-tollgate-route"], "fallback")
            check("claude-haiku-4.5" in answer.json()["model"], answer.body)
            row = [row for row in gateway.rows() if row["id"] == answer.headers["x-generation-id"]][0]
            equal((row["model_requested"], row["route"], row["status"]),
                  (words[GLM], "fallback", "200"))
            check(row["model"].endswith("claude-haiku-4.5"), f"who served: {row}")
            # 1 token at 0.000001 and 2 at 0.000005: the price of the one that served.
            equal(row["estimated_usd"], "0.000011", str(row))
            record = gateway.get(f"/v1/generations?id={row['id']}").json()
            equal([one["status"] for one in record["attempts"]], [503, 429], str(record))
            sim.reset()
        # What a client has to mend is its own: 400 does not go on.
        sim.script({"status": 400})
        equal((gateway.post(f"{base}/chat/completions", next(asked(base))).status, sim.posts()), (400, 1))

# A route's fallbacks, where the request names none; across two vendors.
routes = [{"name": "glm", "models": ["zai/*", "z-ai/*"], "fallback_models": [HAIKU]}]
with Sim("--log-bodies") as sim, Gateway(sim, {"routes": routes}) as gateway:
    gateway.chat("x", model=GLM)
    equal(told(json.loads(sim.calls()[-1]["body"])), [HAIKU], "the route's")
    gateway.post("/v1/chat/completions", next(asked("/v1", models=(QWEN,))))
    equal(told(json.loads(sim.calls()[-1]["body"])), [QWEN], "the request's, and not the route's")
    gateway.chat("x", model=MODEL)
    equal(told(json.loads(sim.calls()[-1]["body"])), None)

with Sim("--missing", HAIKU) as first, Sim("--missing", GLM) as second:
    config = {"upstreams": [first.upstream("first", "openai"), second.upstream("second", "openai")],
              "routes": routes}
    with Gateway(first, config) as gateway:
        wait_for(lambda: {HAIKU, GLM} <= {model["id"] for model in gateway.get(
            "/v1/models").json().get("data", [])}, "the catalogues")
        first.script({"status": 503})
        answer = gateway.chat("an outage", model=GLM)
        equal((answer.status, answer.headers["x-tollgate-upstream"], answer.headers["x-tollgate-route"]),
              (200, "second", "fallback"), answer.body)
        equal(second.calls()[-1]["model"].split("/")[-1], "claude-haiku-4.5")
        first.kill()
        equal(gateway.chat("gone altogether", model=GLM).status, 200)
