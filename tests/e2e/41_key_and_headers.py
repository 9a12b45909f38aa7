"""Upstream: the client's key or the configured one, the attribution headers, and nothing else."""
from harness import *

PASS = {"http-referer": "https://app.example/x", "x-title": "My App", "ai-reporting-tags": "a,b",
        "ai-reporting-user": "u-1", "x-session-affinity": "s-1"}
STAY = {"cookie": "session=secret", "x-forwarded-for": "203.0.113.9", "forwarded": "for=203.0.113.9",
        "x-real-ip": "203.0.113.9", "x-api-key": "sk-other", "proxy-authorization": "Basic eDp5",
        "x-custom": "1", "via": "1.1 proxy", "origin": "https://evil.example", "te": "trailers",
        "x-openrouter-cache": "true", "x-openrouter-cache-ttl": "60",
        "x-openrouter-cache-salt": "pepper", "cache-control": "max-age=1", "if-none-match": '"x"'}
OURS = {"host", "accept", "accept-encoding", "content-type", "content-length", "user-agent",
        "transfer-encoding"}


def hashed(key):
    return hashlib.sha256(key.encode()).hexdigest()


with Sim() as sim:
    with Gateway(sim) as gateway:
        body = chat_body("h\u00e9", temperature=1.50)
        equal(gateway.chat(body=body, key="vck_client_a", headers={**PASS, **STAY}).status, 200)
        gateway.chat("b", key="vck_client_b")
        first, other = sim.calls()
        equal((first["key"], other["key"]), (hashed("vck_client_a"), hashed("vck_client_b")))
        equal(first["path"], "/v1/chat/completions")
        equal(first["body_sha256"], hashlib.sha256(body).hexdigest(), "the body, untouched")
        equal({name: first["headers"].get(name) for name in PASS}, PASS, "attribution")
        equal(set(first["headers"]) - set(PASS) - OURS, set(), "headers that should stay")
        equal(first["headers"]["content-type"], "application/json")
    sim.reset()
    with Gateway(sim, own_key=OWN_KEY) as gateway:
        equal(gateway.chat("c", key="anything").status, 200)
        equal(sim.calls()[0]["key"], hashed(OWN_KEY), "the configured key")
        equal(gateway.chat("c", key=None).status, 401, "a client key is required all the same")
        equal(sim.posts(), 1)
        text = gateway.log_text() + "".join(gateway.lines)
        check("loopback" in text, "it says that anybody who reaches the port spends that key")
        check(OWN_KEY not in text and "anything" not in text, "keys are never logged")
