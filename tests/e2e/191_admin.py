"""The admin address: who may ask, what it answers, and that it says what the commands say."""
from harness import *

TOKEN = "sesame-0123456789abcdef"
WITH_TOKEN = {"Authorization": f"Bearer {TOKEN}"}


def admin_port(gateway):
    return int(wait_for(lambda: gateway.find(r"tollgate admin on http://\S+:(\d+)"),
                        "the admin address").group(1))


def ask(gateway, path, method="GET", body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", admin_port(gateway), timeout=DEADLINE)
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    answer = Answer(response.status, response.getheaders(), response.read())
    connection.close()
    return answer


def refused(answer, status, code, what=""):
    equal(answer.status, status, f"{what} {answer.body!r}")
    error = answer.json()["error"]
    equal(error["code"], code, what)
    check(error["message"], "a message")


def all_pages(gateway, query, limit):
    rows, after, pages = [], "", 0
    while after is not None:
        answer = ask(gateway, f"/ledger/requests?limit={limit}{query}" + (f"&after={after}" if after else ""),
                     headers=WITH_TOKEN).json()
        check(len(answer["data"]) <= limit, "no page is longer than asked for")
        rows += answer["data"]
        after, pages = answer["next"], pages + 1
        check(pages < 100, "pages come to an end")
    return rows


config = {"admin": {"address": "127.0.0.1:0", "token_env": "TOLLGATE_E2E_ADMIN"}}
with Sim() as sim, Gateway(sim, config=config, env={"TOLLGATE_E2E_ADMIN": TOKEN}) as gateway:
    for i in range(6):
        equal(gateway.chat(f"question {i % 3}", cache=True, headers={"X-Session-Id": f"s{i % 2}"}).status, 200)
    exported = gateway.settled_rows(6)
    month = this_month()

    # Who asks. /health needs nothing.
    equal(ask(gateway, "/health").json(), {"status": "ok"})
    equal(ask(gateway, "/health", "HEAD").body, b"")
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN},
                    {"Authorization": f"Bearer {TOKEN}x"}, {"X-Api-Key": TOKEN}):
        for path in ("/ready", "/ledger/report", "/ledger/requests", "/nonsense"):
            answer = ask(gateway, path, headers=headers)
            refused(answer, 401, "unauthorized", f"{path} {headers}")
            equal(answer.headers["www-authenticate"], "Bearer")
    check(TOKEN not in gateway.log_text(), "the token is in no log")
    equal(ask(gateway, "/ready", headers=WITH_TOKEN).json(), {"ready": True})

    # What there is.
    refused(ask(gateway, "/ledger", headers=WITH_TOKEN), 404, "not_found")
    answer = ask(gateway, "/ledger/close", headers=WITH_TOKEN)
    refused(answer, 405, "method_not_allowed")
    equal(answer.headers["allow"], "POST")
    refused(ask(gateway, "/ledger/report?month=2026-13", headers=WITH_TOKEN), 400, "bad_request")
    refused(ask(gateway, "/ledger/requests?modle=x", headers=WITH_TOKEN), 400, "bad_request")

    # The same as the commands say.
    answer = ask(gateway, f"/ledger/export?month={month}", headers=WITH_TOKEN)
    equal(answer.body.decode(), gateway.export(), "export")
    equal(answer.headers["content-type"], "text/csv; charset=utf-8")
    equal(answer.headers["content-disposition"], f'attachment; filename="tollgate-{month}.csv"')
    equal(ask(gateway, f"/ledger/export?month={month}&format=jsonl", headers=WITH_TOKEN).body.decode(),
          gateway.export("--format", "jsonl"), "export as JSON lines")
    equal(ask(gateway, f"/ledger/export?month={month}&by=model,day", headers=WITH_TOKEN).body.decode(),
          gateway.export("--by", "model,day"), "groups")
    answer = ask(gateway, f"/ledger/export?month={month}&format=focus&savings=1", headers=WITH_TOKEN)
    equal(answer.status, 200, answer.body.decode())
    check(answer.body.startswith(b"") and b"BilledCost" in answer.body.split(b"\n")[0], "a FOCUS dataset")
    refused(ask(gateway, "/ledger/export", headers=WITH_TOKEN), 400, "bad_request", "no month")
    report = ask(gateway, f"/ledger/report?month={month}", headers=WITH_TOKEN)
    equal(report.status, 200, report.body.decode())
    code, out, err = tollgate("report", "-c", gateway.config, "--month", month, "--json")
    equal(code, 0, err)
    equal(report.json().keys(), json.loads(out).keys(), "report --json")
    equal(ask(gateway, "/ledger/months", headers=WITH_TOKEN).json(),
          {"data": [{"month": month, "closed": False}]})

    # Rows, newest first, in pages of any length; ids and filters.
    newest_first = [row["id"] for row in reversed(exported)]
    for limit in (1, 2, 4, 6, 1000):
        equal([row["id"] for row in all_pages(gateway, "", limit)], newest_first, f"pages of {limit}")
    hits = [row["id"] for row in reversed(exported) if row["cache"] == "hit"]
    equal(len(hits), 3)
    equal([row["id"] for row in all_pages(gateway, "&cache=hit&verdict=free", 2)], hits)
    equal([row["id"] for row in all_pages(gateway, "&session=s1", 2)],
          [row["id"] for row in reversed(exported) if row["session"] == "s1"])
    equal(all_pages(gateway, "&model=nobody/nothing", 2), [])
    equal([row["id"] for row in ask(gateway, f"/ledger/requests?after={newest_first[1]}",
                                    headers=WITH_TOKEN).json()["data"]], newest_first[2:])
    refused(ask(gateway, "/ledger/requests?after=gen_nobody", headers=WITH_TOKEN), 404, "not_found")
    first = ask(gateway, "/ledger/requests?limit=1", headers=WITH_TOKEN).json()["data"][0]
    for name, value in exported[-1].items():
        if value and name not in ("tags", "streamed", "byok"):
            equal(str(first[name]), value, name)
    check(re.fullmatch(r"\d+/\d+", first["place"]), "its place")

    # One request's story.
    story = ask(gateway, f"/ledger/requests/{hits[0]}", headers=WITH_TOKEN)
    equal(story.status, 200, story.body.decode())
    check(hits[0] in story.body.decode(), "the story is about it")
    refused(ask(gateway, "/ledger/requests/gen_nobody", headers=WITH_TOKEN), 404, "not_found")
    refused(ask(gateway, "/ledger/requests/%ff", headers=WITH_TOKEN), 400, "bad_request")

    # Over HTTP/2 by prior knowledge, and a body too large.
    answer = gateway.curl("--http2-prior-knowledge", "-H", f"Authorization: Bearer {TOKEN}",
                          port=admin_port(gateway), path=f"/ledger/export?month={month}")
    equal(answer.body.decode(), gateway.export())
    refused(ask(gateway, "/ledger/close", "POST", b" " * 70000,
                {**WITH_TOKEN, "Content-Type": "application/json"}), 413, "too_large")

# Without a token: on loopback, and only to its own names, so that no web page gets in by one of its own.
with Sim() as sim, Gateway(sim, config={"admin": {"address": "127.0.0.1:0"}}) as gateway:
    gateway.chat("hello")
    gateway.wait_rows(1)
    equal(ask(gateway, "/ready").json(), {"ready": True})
    equal(len(ask(gateway, "/ledger/requests").json()["data"]), 1)
    equal(ask(gateway, "/ready", headers={"Host": f"localhost:{admin_port(gateway)}"}).status, 200)
    refused(ask(gateway, "/ledger/requests", headers={"Host": "attacker.example"}), 403, "forbidden")
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/jsonp"):
        refused(ask(gateway, "/ledger/close", "POST", b'{"month":"2020-01"}', {"Content-Type": kind}),
                415, "unsupported_media_type")
    with socket.create_connection(("127.0.0.1", admin_port(gateway)), timeout=DEADLINE) as old:
        old.sendall(b"GET /ready HTTP/1.0\r\n\r\n")
        check(old.recv(65536).startswith(b"HTTP/1.1 200"), "HTTP/1.0 without a Host")

# Off loopback a token is needed, and without `admin` there is no address.
settings = {"listen": [{"address": "127.0.0.1:0"}], "data_dir": "data", "admin": {"address": "0.0.0.0:0"},
            "upstreams": [{"name": "sim", "dialect": "vercel", "base_url": "http://127.0.0.1:1/v1"}]}
code, out, err = tollgate("serve", "-c", write_config(settings))
check(code == 1 and "token" in err and "listening" not in out, f"{code} {err}")
with Gateway(None) as gateway:
    check(not gateway.find("tollgate admin"), "no admin address")
