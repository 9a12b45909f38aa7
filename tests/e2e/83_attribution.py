"""Who asked: user, tags, app and key of a request stand in its row, from headers and body."""
from harness import *

with Sim() as sim, Gateway(sim) as gateway:
    options = {"gateway": {"user": "u-options", "tags": ["a", "b"]}}
    answers = [
        gateway.chat("plain"),
        gateway.chat("body", user="u-field", providerOptions=options),
        gateway.chat("headers", providerOptions=options, headers={
            "ai-reporting-tags": "b,c, d", "ai-reporting-user": "u-header", "X-Title": "My App",
            "HTTP-Referer": "https://app.example/x"}),
        gateway.chat("who", cache=True, key="vck_other", headers={
            "ai-reporting-tags": "t,\u00fc".encode().decode("latin-1"), "X-Title": "My App"}),
        gateway.chat("who", cache=True, key="vck_other", headers={"X-Title": "Another App"}),
    ]
    plain, body, headers, miss, hit = gateway.rows_of(answers)
    equal((plain["user"], plain["app"]), ("", ""))
    check(plain["tags"] in ("", "[]"), "no tags")
    check(body["user"] in ("u-options", "u-field"), "the body's user")
    equal(json.loads(body["tags"]), ["a", "b"])
    equal(headers["user"], "u-header", "the header replaces the body's user")
    equal(sorted(json.loads(headers["tags"])), ["a", "b", "c", "d"], "merged, no duplicates")
    equal(headers["app"], "My App")
    equal(json.loads(miss["tags"]), ["t", "\u00fc"])
    equal((hit["cache"], hit["app"], hit["tags"] in ("", "[]")), ("hit", "Another App", True),
          "a hit's row says who asked, not who filled")
    equal(plain["key_id"], body["key_id"])
    check(plain["key_id"] != miss["key_id"], "another key, another id")
    equal(miss["key_id"], hit["key_id"])
