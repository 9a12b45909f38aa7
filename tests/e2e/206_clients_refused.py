"""With clients: any other key gets 401 on every path that wants one, models not allowed get 403, too many
requests 429, each in the dialect's envelope; nothing of it goes upstream, and no client's key ever does.

parity: virtual-keys
"""
from harness import *

POSTS = ("chat/completions", "responses", "messages", "embeddings", "completions", "images/generations")
GETS = ("credits", "key", "activity", "generation?id=gen_1", "generations?id=gen_1",
        "report?start_date=2026-11-01&end_date=2026-11-02")


def body(path, model=MODEL, **more):
    if path == "embeddings":
        return {"model": "openai/text-embedding-3-small", "input": "x"}
    if path == "responses":
        return {"model": model, "input": "x", **more}
    if path in ("completions", "images/generations"):
        return {"model": model, "prompt": "x", **more}
    return {"model": model, "max_tokens": 50, "messages": [{"role": "user", "content": "x"}], **more}


def check_envelope(path, answer, status):
    equal(answer.status, status, f"{path}: {answer.body}")
    check(answer.headers["content-type"].startswith("application/json"), path)
    got = answer.json()
    if path.endswith("/messages"):
        equal(got["type"], "error", path)
        check(got["error"]["type"] and got["error"]["message"], path)
    elif path.startswith("/api/"):
        equal(got["error"]["code"], status, path)
        check(got["error"]["message"], path)
    elif isinstance(got["error"], dict):
        check(got["error"]["type"] and got["error"]["message"], path)
    check("tg_" not in answer.body.decode(), "a key in an error")
    return got


CLIENTS = [client("all"), client("picky", models=["zai/*", "z-ai/*", "openai/gpt-5*"]),
           client("slow", requests_per_minute=12), client("same", key="tg_other-key")]
# Lookalikes of a key: another case, cut, longer, with a space; the hash; none.
STRANGERS = ["tg_nobody", "TG_ALL", "tg_al", "tg_all2", "tg_same", OWN_KEY, CLIENTS[0]["key_hash"],
             CLIENTS[0]["key_hash"][7:], "", None]

with Sim() as sim, Gateway(sim, {"clients": CLIENTS, "cache": {"default": True}},
                           own_key=OWN_KEY) as gateway:
    equal(gateway.post("/v1/chat/completions", body("chat/completions"), key="tg_all").status, 200)
    equal(gateway.post("/v1/chat/completions", body("chat/completions"), key="tg_other-key").status, 200)
    count = sim.posts()
    equal(count, 2, "two clients do not share an entry")
    for base in "/v1", "/api/v1":
        for number, path in enumerate(POSTS):
            for key in STRANGERS if number < 3 else STRANGERS[:1]:
                check_envelope(f"{base}/{path}", gateway.post(f"{base}/{path}", body(path), key=key), 401)
            other = gateway.post(f"{base}/{path}", body(path), key=None, headers={"x-api-key": "tg_nobody"})
            check_envelope(f"{base}/{path}", other, 401)
        for path in GETS:
            for key in "tg_nobody", None:
                answer = gateway.get(f"{base}/{path}", key=key)
                equal(answer.status, 401, f"GET {base}/{path}: {answer.body[:200]}")
        for path in "models", "providers":
            equal(gateway.get(f"{base}/{path}", key=None).status, 200, "catalogues need no key")
        # What one may not use; a fallback counts.
        for path in "chat/completions", "responses", "messages":
            full = f"{base}/{path}"
            check_envelope(full, gateway.post(full, body(path), key="tg_picky"), 403)
            check_envelope(full, gateway.post(full, body(path, "openai/gpt-5", models=[MODEL]),
                                              key="tg_picky"), 403)
            check_envelope(full, gateway.post(full, body(path, "OPENAI/gpt-4.1-nano"), key="tg_picky"), 403)
        check_envelope(f"{base}/chat/completions", gateway.post(f"{base}/chat/completions", body(
            "chat/completions", "openai/gpt-5", providerOptions={"gateway": {"models": [MODEL]}}),
            key="tg_picky"), 403)
        full = f"{base}/embeddings"
        check_envelope(full, gateway.post(full, body("embeddings"), key="tg_picky"), 403)
    equal(sim.posts(), count, "nothing of it went upstream")
    equal({row["client"] for row in gateway.rows() if row["status"] == "403"}, {"picky"})
    check(not [row for row in gateway.rows() if row["status"] == "401"], "a 401 makes no row")
    for model in "openai/gpt-5", "openai/gpt-5-mini", "zai/glm-5.3":
        equal(gateway.post("/v1/chat/completions", body("", model), key="tg_picky").status, 200, model)
    equal(gateway.post("/v1/messages", body("messages", "zai/glm-5.3"), key=None,
                       headers={"x-api-key": "tg_picky"}).status, 200, "x-api-key")

    # 12 a minute: a sixth at once. Hits count.
    first = [gateway.post("/v1/chat/completions", body("chat/completions"), key="tg_slow") for _ in range(2)]
    equal([(answer.status, answer.cache()) for answer in first], [(200, "MISS"), (200, "HIT")])
    for base in "/v1", "/api/v1":
        for path in "chat/completions", "responses", "messages":
            answer = gateway.post(f"{base}/{path}", body(path), key="tg_slow")
            got = check_envelope(f"{base}/{path}", answer, 429)
            wait = int(answer.headers["retry-after"])
            check(1 <= wait <= 5, f"{wait}")
            metadata = got["error"]["metadata"]
            equal(metadata["limit_source"], "tollgate_requests_per_minute")
            equal((metadata["headers"]["X-RateLimit-Limit"], metadata["headers"]["X-RateLimit-Remaining"]),
                  ("12", "0"))
            equal(metadata["retry_after_seconds"], wait)
    wait_for(lambda: gateway.post("/v1/chat/completions", body("chat/completions"), key="tg_slow").status == 200,
             "the minute to go on", 8)
    equal(gateway.post("/v1/chat/completions", body("chat/completions"), key="tg_all").status, 200,
          "others are not held up")

    own = hashlib.sha256(OWN_KEY.encode()).hexdigest()
    equal({call["key"] for call in sim.calls()}, {own}, "only our own key goes upstream")
    check("tg_" not in json.dumps(sim.calls()), "a client's key in a header")
    for text in gateway.log_text(), "".join(gateway.lines), gateway.export("--format", "jsonl"):
        check(not re.search(r"tg_(all|picky|slow|other-key|nobody)", text), "a key in the log or an export")
