"""X-OpenRouter-Cache-TTL: parsed like JavaScript's parseInt, clamped, else ignored."""
from harness import *

CASES = {"600": 600, "1": 1, "86400": 86400, "60abc": 60, "1.5": 1, "007": 7, "2e3": 2,
         "0": 1, "999999": 86400, "99999999999999999999999999": 86400,
         "": 300, "abc": 300, "-5": 300, "+5": 300, ".5": 300}

with Sim() as sim, Gateway(sim) as gateway:
    connection = gateway.connect()
    for text, ttl in CASES.items():
        answer = gateway.chat(f"ttl {text}", cache=True, connection=connection,
                              headers={"X-OpenRouter-Cache-TTL": text})
        equal(answer.status, 200, "a malformed cache header never fails a request")
        equal(answer.headers.get("x-openrouter-cache-ttl"), str(ttl), f"TTL {text!r}")
    # A TTL on a later hit does not extend the entry.
    hit = gateway.chat("ttl 60abc", cache=True, headers={"X-OpenRouter-Cache-TTL": "4000"})
    equal(hit.cache(), "HIT")
    check(int(hit.headers["x-openrouter-cache-ttl"]) <= 60, "what is left of 60 s")
    connection.close()

with Sim() as sim, Gateway(sim, {"cache": {"ttl": 120}}) as gateway:
    plain = gateway.chat("configured", cache=True)
    equal(plain.headers["x-openrouter-cache-ttl"], "120", "the configured TTL")
    junk = gateway.chat("configured, junk", cache=True, headers={"X-OpenRouter-Cache-TTL": "x"})
    equal(junk.headers["x-openrouter-cache-ttl"], "120", "an ignored header falls through")
    asked = gateway.chat("asked", cache=True, headers={"X-OpenRouter-Cache-TTL": "30"})
    equal(asked.headers["x-openrouter-cache-ttl"], "30", "the header comes first")
