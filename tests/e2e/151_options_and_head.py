"""Preflights and HEAD on every kind of path: OpenRouter's lists with ours in them, no key, no row, no call;
the origin's headers are on streams, errors and forwarded answers too.

parity: cors
"""
from harness import *

ORIGIN = {"Origin": "https://app.example"}
PATHS = ("/v1/responses", "/api/v1/embeddings", "/v4/ai/language-model", "/v4/ai/embedding-model",
         "/v1/images/generations", "/api/v1/audio/speech", "/v1/videos", "/v1/batches", "/v1/files",
         "/v1/generation", "/api/v1/key", "/v1/report", "/api/v1/models/count", "/v1/models/a/b/endpoints")
OURS = {"x-openrouter-cache", "x-openrouter-cache-ttl", "x-openrouter-cache-clear",
        "x-openrouter-cache-salt", "cache-control"}
OPENROUTERS = {"authorization", "x-api-key", "content-type", "http-referer", "x-title",
               "x-openrouter-title", "x-openrouter-categories", "x-session-id", "idempotency-key",
               "traceparent"}
SHOWN = {"x-generation-id", "x-provider-name", "request-id", "x-openrouter-cache-status",
         "x-openrouter-cache-age", "x-openrouter-cache-ttl", "x-openrouter-cache-source-id",
         "cache-status", "age", "x-tollgate-saved-cost", "x-tollgate-upstream", "x-tollgate-route",
         "x-tollgate-warning"}


def names(text):
    return {name.strip().lower() for name in text.split(",")}


with Sim() as sim, Gateway(sim) as gateway:
    for path in PATHS:
        answer = gateway.request("OPTIONS", path, None, {
            **ORIGIN, "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type,x-stainless-os"})
        equal((answer.status, answer.body), (204, b""), path)
        equal(answer.headers["access-control-allow-origin"], "*", path)
        check({"GET", "OPTIONS", "PATCH", "DELETE", "POST", "PUT"} <=
              {name.upper() for name in names(answer.headers["access-control-allow-methods"])}, path)
        allowed = names(answer.headers["access-control-allow-headers"])
        equal((OURS | OPENROUTERS) - allowed, set(), path)
        check(any(name.startswith("x-stainless-") for name in allowed), "OpenAI's client sends these")
        # Without an origin it is a plain question: what may be asked here?
        answer = gateway.request("OPTIONS", path)
        equal((answer.status, answer.body), (204, b""), path)
        check("OPTIONS" in answer.headers["allow"], f"{path}: {answer.headers}")

    def check_shown(answer, what):
        equal(answer.headers["access-control-allow-origin"], "*", what)
        equal(SHOWN - names(answer.headers["access-control-expose-headers"]), set(), what)

    body = {"model": MODEL, "messages": [{"role": "user", "content": "x"}], "stream": True}
    for base in "/v1", "/api/v1":
        for _ in range(2):
            check_shown(gateway.post(f"{base}/chat/completions", body, cache=True, headers=ORIGIN),
                        "a stream")
        check_shown(gateway.post(f"{base}/chat/completions", {**body, "messages": [
            {"role": "user", "content": sim_text({"status": 429})}]}, headers=ORIGIN), "a refusal")
        check_shown(gateway.request("POST", f"{base}/nothing", b"{}", ORIGIN), "404")
        check_shown(gateway.request("PUT", f"{base}/chat/completions", b"{}", ORIGIN), "405")
        check_shown(gateway.get(f"{base}/key", headers=ORIGIN), "a read")
    check_shown(gateway.post("/v1/images/generations", {"model": "openai/gpt-image-1", "prompt": "x"},
                             headers=ORIGIN), "what is forwarded")
    wait_for(lambda: len(gateway.rows()) >= 7, "the rows")
    rows, posts = len(gateway.rows()), sim.posts()

    for path in "/v1/chat/completions", "/api/v1/responses", "/v4/ai/language-model":
        head = gateway.request("HEAD", path, None, {"Authorization": f"Bearer {KEY}"})
        equal((head.status, head.body), (405, b""), path)
        check("POST" in head.headers["allow"] and "OPTIONS" in head.headers["allow"], str(head.headers))
    for path in "/v1/nothing", "/api/v1/nothing", "/nothing":
        equal((gateway.request("HEAD", path).status, gateway.request("OPTIONS", path).status), (404, 404))
    for path in "/health", "/v1/health", "/api/v1/health":
        head, got = gateway.request("HEAD", path), gateway.request("GET", path)
        equal((head.status, head.body, head.headers["content-length"]), (200, b"", str(len(got.body))))
    equal((len(gateway.rows()), sim.posts()), (rows, posts), "none of these is a call")
