"""CORS as OpenRouter does it, with our cache headers in both lists; HEAD and OPTIONS.

parity: cors
"""
from harness import *

ORIGIN = {"Origin": "https://app.example"}
with Sim() as sim, Gateway(sim) as gateway:
    for base in "/v1", "/api/v1":
        for path in "chat/completions", "models", "messages":
            answer = gateway.request("OPTIONS", f"{base}/{path}", None, {
                **ORIGIN, "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "authorization,x-openrouter-cache"})
            equal((answer.status, answer.body), (204, b""))
            equal(answer.headers["access-control-allow-origin"], "*")
            check("POST" in answer.headers["access-control-allow-methods"], str(answer.headers))
            allowed = answer.headers["access-control-allow-headers"].lower().split(",")
            check({"authorization", "x-openrouter-cache", "x-openrouter-cache-ttl", "x-title",
                   "http-referer"} <= set(allowed), str(allowed))
        for answer in (gateway.post(f"{base}/chat/completions", json.loads(chat_body("x")),
                                    cache=True, headers=ORIGIN) for _ in range(2)):
            equal(answer.headers["access-control-allow-origin"], "*")
            exposed = answer.headers["access-control-expose-headers"].lower()
            for name in "x-generation-id", "x-openrouter-cache-status", "x-tollgate-saved-cost", "age":
                check(name in exposed, name)
        answer = gateway.request("POST", f"{base}/chat/completions", b"{", ORIGIN)
        equal((answer.status, answer.headers["access-control-allow-origin"]), (401, "*"))
        check("access-control-allow-origin" not in gateway.chat("x").headers, "only for browsers")
        wait_for(lambda: gateway.get(f"{base}/models").status == 200, "the catalogue")
        head = gateway.request("HEAD", f"{base}/models")
        equal((head.status, head.body), (200, b""))
        equal(head.headers["content-length"], str(len(gateway.get(f"{base}/models").body)))
        equal(gateway.request("HEAD", f"{base}/health").status, 200)
        equal(gateway.request("HEAD", f"{base}/chat/completions").status, 405)
    answer = gateway.request("OPTIONS", "/v1/nothing")
    equal(answer.status, 404)
