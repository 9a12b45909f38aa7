"""404, 405, 401 and 400 in the dialect's own JSON envelope; none makes a row or a call.

parity: errors
"""
from harness import *

GOOD = chat_body("hello")
AUTH = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}


def envelope(answer, status, path):
    equal(answer.status, status, path)
    check(answer.headers["content-type"].startswith("application/json"), "JSON")
    error = answer.json()["error"]
    check(isinstance(error["message"], str) and error["message"], "a message")
    if path.startswith("/api/"):
        equal(error["code"], status, "OpenRouter's code")
    else:
        check(isinstance(error["type"], str) and error["type"], "Vercel's type")
    equal([name for name in answer.headers if name.startswith("x-openrouter-cache")], [],
          "cache headers on an error")
    return error


with Sim() as sim, Gateway(sim) as gateway:
    for base in "/v1", "/api/v1":
        for path in f"{base}/nothing", f"{base}/chat", f"{base}/chat/completions/x", base:
            for method in "POST", "GET":
                envelope(gateway.request(method, path, GOOD if method == "POST" else None, AUTH),
                         404, path)
    for method in "GET", "PUT", "DELETE":
        wrong = gateway.request(method, "/v1/chat/completions", None, AUTH)
        envelope(wrong, 405, "/v1/chat/completions")
        equal(wrong.headers["allow"], "POST, OPTIONS", "Allow")
    envelope(gateway.request("POST", "/api/v1/health", b"{}"), 405, "/api/v1/health")
    for path in "/", "/nothing", "/v2/chat/completions", "/chat/completions", "/v1x/health":
        equal(gateway.request("GET", path, None, AUTH).status, 404, path)

    chat = "/v1/chat/completions"
    for key in None, "Bearer ", "Bearer", "Basic dXNlcjpwYXNz", "":
        headers = {} if key is None else {"Authorization": key}
        error = envelope(gateway.request("POST", chat, GOOD, headers), 401, chat)
        equal(error["type"], "authentication_error")

    nested = b'{"model":"m","messages":' + b"[" * 100000 + b"]" * 100000 + b"}"
    for body in (b"", b" ", b"{", b"null", b"[]", b'"text"', b"{'model':1}", GOOD + b"x", GOOD[:-1],
                 b'{"model":"m","messages":[{"role":"user","content":"\xff"}]}',
                 b'{"model":"m","messages":[{"role":"user","content":"\xc0\xaf"}]}',
                 b'{"model":"m","messages":[{"role":"user","content":"\xed\xa0\x80"}]}',
                 b'{"model":"m","messages":[{"role":"user","content":"a\nb"}]}',
                 b'{"model":"m","messages":[],"n":01}', b'{"model":"m","messages":[],"n":NaN}',
                 b'{"model":"m","messages":[],"n":1.}', b'{"model":"m","messages":[],}', nested,
                 b"\xef\xbb\xbf" + GOOD):
        error = envelope(gateway.request("POST", chat, body, AUTH), 400, chat)
        equal(error["type"], "invalid_request_error")
    for arguments in [], ["--http2-prior-knowledge"]:
        broken = gateway.curl(*arguments, "-H", f"Authorization: Bearer {KEY}", body=b"{")
        envelope(broken, 400, chat)
    equal(gateway.chat("still alive").status, 200)
    equal(len(gateway.wait_rows(1)), 1)
    equal(sim.posts(), 1, "calls upstream")
