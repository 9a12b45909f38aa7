"""GET models/{author}/{slug}/endpoints: asked upstream, in the schema and the words of the path; no row.

parity: routing-transparency, model-catalogue
"""
from harness import *

COMMON = {"name", "model_name", "provider_name", "pricing", "supported_parameters", "status"}
ONLY = {"/v1": {"uptime_last_1h", "latency_last_1h"},
        "/api/v1": {"model_id", "tag", "uptime_last_30m", "latency_last_30m", "throughput_last_30m"}}
MODELS = {"/v1": "zai/glm-4.6", "/api/v1": "z-ai/glm-4.6"}

for dialect in "vercel", "openrouter":
    with Sim("--missing", "anthropic/claude-haiku-4.5") as sim, Gateway(sim, dialect=dialect) as gateway:
        for base, model in MODELS.items():
            answer = gateway.get(f"{base}/models/{model}/endpoints")
            equal(answer.status, 200, answer.body)
            data = answer.json()["data"]
            equal(data["id"], model)
            check({"name", "created", "description", "architecture", "endpoints"} <= set(data), str(data))
            for endpoint in data["endpoints"]:
                check(COMMON <= set(endpoint), f"{dialect} {base}: {endpoint}")
                check(ONLY[base] <= set(endpoint) or base == "/v1", f"{dialect} {base}: {endpoint}")
                prices = endpoint["pricing"]
                equal((prices["prompt"], prices["completion"]), ("0.0000006", "0.0000022"),
                      "OpenRouter's names for prices on both")
                if base == "/api/v1":
                    equal(endpoint["model_id"], model)
            answer = gateway.get(f"{base}/models/nobody/nothing/endpoints")
            equal(answer.status, 404, answer.body)
            error = answer.json()["error"]
            if base == "/api/v1":
                equal(error["code"], 404, str(error))
            else:
                check(error["type"] in ("model_not_found", "not_found"), str(error))
            equal(gateway.get(f"{base}/models/anthropic/claude-haiku-4.5/endpoints").status, 404)
        equal((gateway.rows(), sim.posts()), ([], 0), "no rows")

# The first upstream that has the model is asked.
with Sim("--missing", "zai/glm-4.6") as one, Sim() as two:
    config = {"upstreams": [one.upstream("one"), two.upstream("two", "openrouter")]}
    with Gateway(one, config) as gateway:
        wait_for(lambda: "zai/glm-4.6" in {model["id"] for model in gateway.get(
            "/v1/models").json().get("data", [])}, "the catalogues")
        answer = gateway.get("/v1/models/zai/glm-4.6/endpoints")
        equal((answer.status, answer.json()["data"]["id"]), (200, "zai/glm-4.6"), answer.body)
