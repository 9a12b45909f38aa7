"""Status, Retry-After and an error envelope of the upstream reach the client byte for byte; HTML, text
or nothing becomes an envelope.

parity: errors
"""
from harness import *

HTML = "<!DOCTYPE html>\n<title>404: NOT_FOUND</title>\u00e9\r\n"
ERROR = '{ "error" : {"message":"budget \\u0061","type":"quota_for_entity_exceeded","code":null}}\n'
CASES = [  # status, content type, body, more
    (400, "application/json; charset=utf-8", ERROR, {}), (401, "application/json", ERROR, {}),
    (402, "application/json", ERROR, {}), (403, "application/json", ERROR, {}),
    (404, "text/html; charset=utf-8", HTML, {}), (405, "text/plain", "", {}),
    (408, "application/json", ERROR, {}), (413, "application/json", ERROR, {}),
    (429, "application/json", ERROR, {"retry_after": "17"}),
    (429, "application/json", ERROR, {"retry_after": "Fri, 20 Nov 2026 10:00:00 GMT"}),
    (500, "application/json", ERROR, {}), (502, "text/html", HTML, {}),
    (503, "application/json", ERROR, {"retry_after": "3"}), (529, "text/plain", "", {}),
]

with Sim() as sim, Gateway(sim) as gateway:
    count = 0
    for stream in False, True:
        for number, (status, kind, body, more) in enumerate(CASES):
            sim.script({"status": status, "content_type": kind, "raw": body, **more})
            answer = gateway.chat(f"{number}", stream=stream, cache=True)
            equal(answer.status, status, f"{status} {kind}")
            if body == ERROR:
                equal(answer.body.decode(), body, f"{status} {kind}")
                equal(answer.headers["content-type"], kind)
            else:
                error = answer.json()["error"]
                check(error["message"] and error["type"] and "<" not in error["message"],
                      f"an envelope without HTML: {error}")
                check(answer.headers["content-type"].startswith("application/json"), "JSON")
            equal(answer.headers.get("retry-after"), more.get("retry_after"), "Retry-After")
            equal([name for name in answer.headers if name.startswith("x-openrouter-cache")], [],
                  "cache headers on an error")
            count += 1
            row = gateway.wait_rows(count)[-1]
            equal((row["status"], row["verdict"], row["cache"]), (str(status), "failed", "miss"))
            equal(answer.headers["x-generation-id"], row["id"], "X-Generation-Id is the row's id")
            check(row["billed_usd"] in ("", "0") and row["booked_usd"] in ("", "0"), "not billed")
    # The simulator's own envelope, as Vercel sends it.
    direct = Answer(*(lambda r: (r.status, r.getheaders(), r.read()))(
        gateway.begin(sim_text({"status": 429})).getresponse()))
    equal((direct.status, direct.headers["retry-after"]), (429, "1"))
    equal(direct.json()["error"]["type"], "rate_limit_exceeded")
