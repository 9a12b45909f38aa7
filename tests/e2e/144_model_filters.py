"""OpenRouter's filters and paging of GET models; Vercel's list ignores query parameters.

parity: model-filters
"""
from harness import *
from urllib.parse import quote

with Sim() as sim, Gateway(sim) as gateway:
    def ask(query="", status=200):
        answer = gateway.get(f"/api/v1/models{query}", key=None)
        equal(answer.status, status, f"{query}: {answer.body[:300]}")
        return answer.json()

    wait_for(lambda: gateway.get("/api/v1/models").status == 200, "the catalogue")
    whole = ask()
    everything = whole["data"]
    ids = lambda answer: [model["id"] for model in answer["data"]]
    equal((whole["total_count"], whole["links"]["next"]), (len(everything), None), "the whole list")
    check(all("text" in model["architecture"]["output_modalities"] for model in everything),
          "text is the default")
    check(len(ask("?output_modalities=all")["data"]) > len(everything), "all modalities")
    for model in ask("?output_modalities=embeddings")["data"]:
        equal(model["architecture"]["output_modalities"], ["embeddings"])

    # Paging: every model once, in the same order, by following the links.
    seen, path, pages = [], "?limit=50", 0
    while path is not None:
        page = ask(path)
        seen += ids(page)
        pages += 1
        equal(page["total_count"], len(everything), "of all, not of the page")
        link = page["links"]["next"]
        path = link[link.index("?"):] if link else None
    equal((seen, pages), (ids(whole), -(-len(everything) // 50)))
    equal(ids(ask("?offset=3&limit=2")), ids(whole)[3:5])
    equal(ids(ask(f"?offset={len(everything)}&limit=5")), [])

    for model in ask("?q=GLM")["data"]:
        check("glm" in (model["id"] + model["name"]).lower(), model["id"])
    check(ids(ask("?q=glm")), "some")
    cheap = ask("?max_price=0.5")["data"]
    equal({model["id"] for model in cheap}, {model["id"] for model in everything if 0 <= Decimal(
        model["pricing"]["prompt"]) * 10 ** 6 <= Decimal("0.5")}, "USD per million")
    dear = ask("?min_price=10")["data"]
    equal({model["id"] for model in dear}, {model["id"] for model in everything
                                            if Decimal(model["pricing"]["prompt"]) * 10 ** 6 >= 10})
    equal(set(ids(ask("?model_authors=z-ai"))), {name for name in ids(whole) if name.startswith("z-ai/")})
    equal(set(ids(ask("?model_authors=z-ai,anthropic&max_price=1"))),
          {model["id"] for model in everything if model["id"].startswith(("z-ai/", "anthropic/"))
           and 0 <= Decimal(model["pricing"]["prompt"]) * 10 ** 6 <= 1})
    with_tools = ask("?supported_parameters=tools")["data"]
    equal({model["id"] for model in with_tools},
          {model["id"] for model in everything if "tools" in model["supported_parameters"]})
    equal(ids(ask("?supported_parameters=never_heard_of")), [])
    for model in ask("?context=100000")["data"]:
        check(model["context_length"] >= 100000, str(model))
    for model in ask("?input_modalities=text")["data"]:
        check("text" in model["architecture"]["input_modalities"], str(model))
    equal(ids(ask("?q=" + quote("no such model anywhere"))), [])
    equal(gateway.get("/api/v1/models/count").json()["data"]["count"], len(everything))

    for query in "?limit=0", "?limit=1001", "?limit=x", "?offset=-1", "?max_price=cheap":
        answer = ask(query, 400)
        check(query[1:].split("=")[0].removeprefix("max_") in answer["error"]["message"],
              f"says which: {answer}")
    plain = gateway.get("/v1/models", key=None)
    equal(gateway.get("/v1/models?limit=2&q=glm", key=None).body, plain.body, "Vercel has no filters")
