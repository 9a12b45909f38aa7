"""Two vendors behind one address: a model goes to the upstream that has it, in either client's words, and
one that nobody has is refused before anything is sent.

parity: catalogue-routing, more-upstreams
"""
from harness import *

MESSAGES = [{"role": "user", "content": "x"}]
HAIKU, GLM, QWEN = "anthropic/claude-haiku-4.5", "zai/glm-4.6", "alibaba/qwen-3-14b"

with Sim("--missing", HAIKU, "--missing", QWEN) as one, Sim("--missing", GLM, "--missing",
                                                            QWEN) as two:
    config = {"upstreams": [one.upstream("vercel"), two.upstream("openrouter", "openrouter")]}
    with Gateway(one, config) as gateway:
        def went(base, model, **more):
            return gateway.post(f"{base}/chat/completions",
                                {"model": model, "messages": MESSAGES, **more})

        # Both catalogues are known when the list has what only one of them has.
        wait_for(lambda: {HAIKU, GLM} <= {model["id"] for model in gateway.get(
            "/v1/models").json().get("data", [])}, "the catalogues")
        posts = one.posts() + two.posts()
        for base, model, upstream, route, sent in (
                ("/v1", HAIKU, "openrouter", "catalog", HAIKU),
                ("/api/v1", HAIKU, "openrouter", "catalog", HAIKU),
                ("/v1", GLM, "vercel", "only", GLM), ("/api/v1", "z-ai/glm-4.6", "vercel", "only", GLM),
                ("/v1", MODEL, "vercel", "first", MODEL),
                # In the other vendor's words, as the catalogue has it.
                ("/api/v1", GLM, "vercel", "only", GLM),
                ("/v1", "z-ai/glm-4.6", "vercel", "only", GLM)):
            answer = went(base, model)
            equal((answer.status, answer.headers.get("x-tollgate-upstream"),
                   answer.headers.get("x-tollgate-route")), (200, upstream, route), f"{base} {model}")
            call = (one if upstream == "vercel" else two).calls()[-1]
            equal(call["model"], sent)
            equal(answer.json()["model"], model, "the client's own word for it")
            posts += 1
        for base, model, status in (("/v1", QWEN, 404), ("/api/v1", "qwen/qwen3-14b", 400),
                                    ("/v1", "nobody/nothing", 404), ("/api/v1", "nobody/nothing", 400)):
            answer = went(base, model)
            equal(answer.status, status, f"{base} {model}: {answer.body}")
            error = answer.json()["error"]
            check(model in error["message"], f"says which: {error}")
            if base == "/v1":
                equal((error["type"], error["param"]), ("model_not_found", {"modelId": model}))
            else:
                equal(error["code"], 400)
                check("not a valid model ID" in error["message"], str(error))
        equal(one.posts() + two.posts(), posts, "refused before anything was sent")
        # What goes elsewhere because of the catalogue still falls back by the rules.
        two.script({"status": 503})
        equal(went("/v1", HAIKU).status, 503, "nobody else has it")
        # Lists of models are the union, in the schema of the path.
        ids = {model["id"] for model in gateway.get("/v1/models").json()["data"]}
        check({HAIKU, GLM, MODEL} <= ids and QWEN not in ids, "the union")
        ids = {model["id"] for model in gateway.get("/api/v1/models").json()["data"]}
        check({HAIKU, "z-ai/glm-4.6", MODEL} <= ids and not {QWEN, "qwen/qwen3-14b"} & ids, "the union")
        row = gateway.settled_rows(len(gateway.rows()))[-1]
        equal((row["upstream"], row["route"], row["status"]), ("openrouter", "catalog", "503"))
