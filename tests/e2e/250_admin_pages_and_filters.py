"""The admin address answers what the commands answer, for each grouping and format; its pages hold every row once
whatever the filter and the size of the page, and its stories are those of explain."""
from harness import *

TOKEN = "sesame-0123456789abcdef"
MONTH = this_month()
ENV = {"TOLLGATE_E2E_ADMIN": TOKEN, "TOLLGATE_E2E_KEY": OWN_KEY}
KEYS = "model provider key client project user app tag day upstream api".split()


def ask(path, method="GET", body=None, token=TOKEN):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
    headers = {"Authorization": f"Bearer {token}"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    answer = Answer(response.status, response.getheaders(), response.read())
    connection.close()
    return answer


def command(*arguments):
    code, out, err = tollgate(arguments[0], "-c", gateway.config, "--month", MONTH, *arguments[1:])
    equal(code, 0, err)
    return out


def pages(query, limit):
    found, after = [], None
    while True:
        answer = ask(f"/ledger/requests?month={MONTH}&limit={limit}{query}" + (f"&after={after}" if after else ""))
        equal(answer.status, 200, answer.body)
        page = answer.json()
        check(len(page["data"]) <= limit and page["month"] == MONTH, "a page")
        found += page["data"]
        after = page["next"]
        if after is None:
            return found


def quoted(text):
    return "".join(chr(byte) if chr(byte).isalnum() and byte < 128 else f"%{byte:02X}" for byte in text.encode())


with Sim() as sim:
    config = {"admin": {"address": "127.0.0.1:0", "token_env": "TOLLGATE_E2E_ADMIN"}, "ledger": {"confirm": False},
              "clients": [client("shop", project="Läden & \"Co\""), client("ci")],
              "upstreams": [sim.upstream("one", api_key_env="TOLLGATE_E2E_KEY"),
                            sim.upstream("two", "openrouter", api_key_env="TOLLGATE_E2E_KEY")],
              "routes": [{"name": "zai", "models": ["zai/*"], "upstreams": ["two"]},
                         {"name": "rest", "upstreams": ["one"]}]}
    with Gateway(sim, config, env=ENV) as gateway:
        port = int(wait_for(lambda: gateway.find(r"tollgate admin on http://\S+:(\d+)"), "the admin address").group(1))
        for number in range(20):
            gateway.chat(f"{number % 7}", cache=True, model=(MODEL, "zai/glm-5.3")[number % 2], user=f"us er&{number % 3}",
                         headers={"ai-reporting-tags": "a,b" if number % 3 else "c", "X-Session-Id": f"s{number % 4}"},
                         key=("tg_shop", "tg_ci")[number % 5 == 0])
        gateway.chat(sim_text({"market": "0.01", "billed": "0.01"}), key="tg_ci")
        gateway.chat(sim_text({"discount": 0.9, "prompt_tokens": 1000}), key="tg_ci", model="zai/glm-5.3")
        gateway.chat(sim_text({"status": 500}), key="tg_ci")
        gateway.post("/v1/embeddings", {"model": "openai/text-embedding-3-small", "input": "a"}, key="tg_ci")
        rows = gateway.settled_rows(24)

        # The commands' content, byte for byte.
        for form in "csv", "jsonl":
            equal(ask(f"/ledger/export?month={MONTH}&format={form}").body.decode(), command("export", "--format", form))
            for by in [*KEYS, "client,model", "tag,day,api"]:
                answer = ask(f"/ledger/export?month={MONTH}&format={form}&by={by}")
                equal(answer.body.decode(), command("export", "--format", form, "--by", by), f"{form} by {by}")
                equal("tag" in by, "x-tollgate-warning" in answer.headers, f"{by}: overlap is told")
        for profile in "1.2", "1.4":
            for query, more in (("", ()), ("&savings=1", ("--savings",))):
                equal(ask(f"/ledger/export?month={MONTH}&format=focus&profile={profile}{query}").body.decode(),
                      command("export", "--format", "focus", "--profile", profile, *more), f"FOCUS {profile} {more}")
        for query, more in (("", ()), ("&by=tag", ("--by", "tag")), ("&against=2020-01", ("--against", "2020-01")),
                            ("&by=client,day", ("--by", "client,day")),
                            ("&against=2020-01&by=user", ("--against", "2020-01", "--by", "user"))):
            equal(ask(f"/ledger/report?month={MONTH}{query}").json(), json.loads(command("report", "--json", *more),
                                                                               parse_float=Decimal), f"report {query}")

        # Pages and filters: each row once, in order, as the export has it.
        newest = [row["id"] for row in reversed(rows)]
        for limit in 1, 3, 7, 24, 1000:
            equal([row["id"] for row in pages("", limit)], newest, f"pages of {limit}")
        causes = {row["id"]: gateway.explain(row["id"])["cause"] for row in rows}
        check(len({cause for cause in causes.values() if cause}) >= 2, f"causes: {causes}")
        filters = {"provider": "provider", "upstream": "upstream", "client": "client", "key_id": "key_id",
                   "project": "project", "user": "user", "session": "session", "api": "api", "cache": "cache",
                   "verdict": "verdict", "model": "model"}
        for name, column in filters.items():
            for value in {row[column] for row in rows if row[column]}:
                wanted = [row["id"] for row in reversed(rows)
                          if row[column] == value or name == "model" and row["model_requested"] == value]
                equal([row["id"] for row in pages(f"&{name}={quoted(value)}", 2)], wanted, f"{name}={value}")
        for cause in set(causes.values()):
            equal([row["id"] for row in pages(f"&cause={cause or 'none'}", 3)],
                  [identity for identity in newest if causes[identity] == cause], f"cause {cause}")
        equal([row["id"] for row in pages("&client=ci&cache=hit&api=chat", 1)],
              [row["id"] for row in reversed(rows) if (row["client"], row["cache"]) == ("ci", "hit")])
        for name in filters:
            value = "nobody" if name not in ("api", "cache", "verdict") else None
            answer = ask(f"/ledger/requests?month={MONTH}&{name}={value or 'nonsense'}")
            equal((answer.status, value is None or answer.json()["data"] == []), (200 if value else 400, True), name)
        for row in pages("", 5):
            exported = next(one for one in rows if one["id"] == row["id"])
            for name, text in exported.items():
                value = row[name]
                value = "" if value is None else str(value).lower() if isinstance(value, bool) else value
                check(json.loads(text or "[]") == (value or []) if name == "tags" else str(value) == text, f"{name}: {value} {text}")
            equal(row["cause"], causes[row["id"]])
            equal(ask(f"/ledger/requests/{row['id']}").body.decode().rstrip("\n"), tollgate(
                "explain", "-c", gateway.config, row["id"], "--json")[1].rstrip("\n"), "the story")

        # What is wrong is named; nothing is answered to a wrong token.
        for path in ("report?month=2026-13", "report?by=nonsense", "report?by=model,model", "report?against=x", "export",
                     "export?month=", f"export?month={MONTH}&format=xml", f"export?month={MONTH}&by=nonsense",
                     f"export?month={MONTH}&profile=1.4", f"export?month={MONTH}&format=focus&by=model",
                     f"export?month={MONTH}&format=focus&profile=9", f"export?month={MONTH}&savings=1",
                     f"export?month={MONTH}&format=focus&savings=maybe", "requests?limit=0", "requests?limit=1001",
                     "requests?limit=-1", "requests?limit=1e2", "requests?month=2026-11&month=2026-10", "requests?after=",
                     "requests?model=%zz", "requests?cause=nonsense", f"report?month={MONTH}&nonsense=1"):
            answer = ask(f"/ledger/{path}")
            equal((answer.status, answer.json()["error"]["code"]), (400, "bad_request"), path)
            check(answer.json()["error"]["message"], path)
        for path in "report", "requests", f"requests/{newest[0]}", f"export?month={MONTH}", "months":
            equal(ask(f"/ledger/{path}", token="wrong").status, 401, path)
            equal(ask(f"/ledger/{path}", method="POST", body=b"{}").status, 405, path)
        for body in b"", b"{", b"[]", b'{"month":"2026-13"}', b'{"month":1}', b'{"month":"2020-01","nonsense":1}', b"{}", \
                b'{"month":"2020-01","export":"relative.csv"}', b'{"month":"2020-01","with_pending":"yes"}':
            equal(ask("/ledger/close", "POST", body).status, 400, body)
        for body in b"{}", b'{"dir":"relative"}', b'{"dir":1}', b'{"dir":""}', b'{"dir":"/tmp/x","more":1}':
            equal(ask("/ledger/backup", "POST", body).status, 400, body)
        equal(ask("/ledger/close", "POST", json.dumps({"month": MONTH}).encode()).status, 409, "not over")
        equal(ask("/ledger/months").json(), {"data": [{"month": MONTH, "closed": False}]})
