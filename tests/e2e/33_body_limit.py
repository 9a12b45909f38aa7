"""A body of exactly limits.body passes, one byte more is 413, on both protocols."""
from harness import *

LIMIT = 64 * 1024


def sized(length):
    empty = len(chat_body(""))
    body = chat_body("x" * (length - empty))
    equal(len(body), length)
    return body


with Sim() as sim, Gateway(sim, {"limits": {"body": "64KiB"}}) as gateway:
    for arguments in ["--http1.1"], ["--http2-prior-knowledge"]:
        auth = [*arguments, "-H", f"Authorization: Bearer {KEY}"]
        equal(gateway.curl(*auth, body=sized(LIMIT)).status, 200, "at the limit")
        for length in LIMIT + 1, LIMIT * 2:
            refused = gateway.curl(*auth, body=sized(length))
            equal(refused.status, 413, f"{length} bytes")
            check(refused.json()["error"]["type"], "Vercel's envelope")
    # Chunked, with no length announced.
    chunked = gateway.curl("--http1.1", "-H", f"Authorization: Bearer {KEY}", "-H",
                           "Transfer-Encoding: chunked", body=sized(LIMIT + 1))
    equal(chunked.status, 413, "chunked")
    equal(sim.posts(), 2, "calls upstream")
    equal(len(gateway.wait_rows(2)), 2)
