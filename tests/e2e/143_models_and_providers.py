"""GET models in the schema of the path whatever the upstream speaks: every id, prices as the decimal strings
of the price table, tiers included; providers, count, one model; kept for 120 s.

parity: model-catalogue
"""
from harness import *

with open(PRICES, encoding="utf-8") as file:
    TABLE = {name: prices[-1] for name, prices in json.load(file)["models"].items()}
WORDS = {"zai/glm-4.6": "z-ai/glm-4.6", "alibaba/qwen-3-14b": "qwen/qwen3-14b",
         "meta/llama-3.3-70b": "meta-llama/llama-3.3-70b-instruct",
         "amazon/nova-lite": "amazon/nova-lite-v1", "mistral/codestral": "mistralai/codestral-2508",
         "anthropic/claude-haiku-4.5": "anthropic/claude-haiku-4.5",
         "anthropic/claude-sonnet-4.6": "anthropic/claude-sonnet-4.6",
         "google/gemini-2.5-pro": "google/gemini-2.5-pro", "openai/gpt-4.1-nano": "openai/gpt-4.1-nano"}
NAMES = {"input": "prompt", "output": "completion", "input_cache_read": "input_cache_read",
         "input_cache_write": "input_cache_write"}


def check_vercel(entry, prices):
    equal((entry["object"], entry["owned_by"]), ("model", entry["id"].split("/")[0]))
    check({"created", "name", "type", "pricing"} <= set(entry), str(entry))
    for name in NAMES:
        equal(entry["pricing"].get(name), prices.get(name), f"{entry['id']}: {name}")
        for tier in prices.get("tiers", []):
            if name in tier:
                equal([one["cost"] for one in entry["pricing"][f"{name}_tiers"]
                       if int(one.get("min", 0)) == tier["above"] + 1], [tier[name]],
                      f"{entry['id']}: {name} above {tier['above']}")


def check_openrouter(entry, prices):
    check({"id", "canonical_slug", "name", "created", "context_length", "architecture", "pricing",
           "top_provider", "per_request_limits", "supported_parameters", "default_parameters",
           "links"} <= set(entry), str(entry))
    check({"modality", "input_modalities", "output_modalities", "tokenizer", "instruct_type"} <=
          set(entry["architecture"]), str(entry))
    for mine, theirs in NAMES.items():
        equal(entry["pricing"].get(theirs), prices.get(mine), f"{entry['id']}: {theirs}")
    for value in entry["pricing"].values():
        check(isinstance(value, (str, list)), f"decimal strings: {entry['pricing']}")
    for tier in prices.get("tiers", []):
        found = [one for one in entry["pricing"]["overrides"] if one["min_prompt_tokens"] == tier["above"]]
        equal({name: found[0][name] for name in ("prompt", "completion")},
              {"prompt": tier["input"], "completion": tier["output"]}, f"{entry['id']} above")


def known(gateway, base="/v1"):
    return wait_for(lambda: (answer := gateway.get(f"{base}/models", key=None)).status == 200 and answer,
                    "the catalogue")


for dialect in "vercel", "openrouter":
    with Sim() as sim, Gateway(sim, dialect=dialect) as gateway:
        answer = known(gateway)
        body = answer.json()
        equal(body["object"], "list")
        vercel = {entry["id"]: entry for entry in body["data"]}
        openrouter = {entry["id"]: entry for entry in known(gateway, "/api/v1").json()["data"]}
        for mine, theirs in WORDS.items():
            check(mine in vercel and theirs in openrouter, f"{dialect}: {mine} and {theirs}")
            check_vercel(vercel[mine], TABLE[mine])
            check_openrouter(openrouter[theirs], TABLE[mine])
        check(not set(WORDS.values()) - set(WORDS) & set(vercel), "in the words of the path only")
        check("max-age=120" in gateway.get("/api/v1/models").headers["cache-control"], "120 s")
        if dialect == "vercel":
            equal(set(vercel), set(TABLE), "every model of the upstream")
            # The upstream's own entries pass byte for byte.
            connection = http.client.HTTPConnection("127.0.0.1", sim.port, timeout=DEADLINE)
            connection.request("GET", "/v1/models")
            equal(vercel, {entry["id"]: entry for entry in json.loads(
                connection.getresponse().read(), parse_float=Decimal)["data"]})
            connection.close()

        count = gateway.get("/api/v1/models/count", key=None).json()["data"]["count"]
        listed = gateway.get("/api/v1/models", key=None).json()
        equal((count, listed["total_count"]), (len(listed["data"]), len(listed["data"])))
        for path in "/api/v1/models/z-ai/glm-4.6", "/api/v1/model/z-ai/glm-4.6":
            equal(gateway.get(path, key=None).json()["data"]["id"], "z-ai/glm-4.6", path)
        equal(gateway.get("/v1/models/zai/glm-4.6", key=None).json(), vercel["zai/glm-4.6"])
        equal(gateway.get("/v1/models/nobody/nothing").status, 404)
        equal(gateway.get("/api/v1/model/nobody/nothing").status, 404)
        embedding = gateway.get("/api/v1/embeddings/models", key=None).json()["data"]
        if dialect == "vercel":
            check("openai/text-embedding-3-small" in {entry["id"] for entry in embedding}, "embeddings")

        providers = gateway.get("/api/v1/providers", key=None).json()["data"]
        for one in providers:
            equal(set(one) >= {"name", "slug", "privacy_policy_url", "terms_of_service_url",
                               "status_page_url"}, True, str(one))
        slugs = {one["slug"] for one in providers}
        check({"openai", "anthropic"} <= slugs and len(slugs) == len(providers), str(slugs))

        # It is kept: nobody is asked for each of these, and an outage changes nothing.
        before = sim.stats()["connections"]
        for _ in range(20):
            equal(gateway.get("/v1/models", key=None).status, 200)
        check(sim.stats()["connections"] - before <= 3, "the upstream is not asked")
        sim.kill()
        equal(set(entry["id"] for entry in gateway.get("/v1/models").json()["data"]), set(vercel))

# Before the upstream answered there is nothing to tell, and a client may ask again.
with Gateway(None) as gateway:
    for base in "/v1", "/api/v1":
        answer = gateway.get(f"{base}/models")
        equal(answer.status, 503)
        check(answer.json()["error"]["message"] and int(answer.headers["retry-after"]) >= 1, "later")
