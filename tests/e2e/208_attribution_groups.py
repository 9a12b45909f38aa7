"""Tags, user, session, project, app and environment, from both vendors' fields and headers and from the
client's configuration, reach the row, the export, its groups and the report's.

parity: attribution
"""
from harness import *

CLIENTS = [client("shop", project="Shop", user="boss", environment="production", tags=["team-a", "eu"]),
           client("free")]
COLUMNS = ("client", "project", "user", "session", "app", "environment")


def asked(base, **more):
    return {"model": MODEL, "messages": [{"role": "user", "content": f"{base} {more}"}], **more}


VERCEL = {"gateway": {"user": "u-gateway", "tags": ["a", "team-a", "b"]}}
CASES = [  # path, key, body, headers, columns, tags
    ("/v1", "tg_free", {}, {}, {}, []),
    ("/v1", "tg_free", {"user": "u-body", "providerOptions": {"gateway": {"tags": ["x"]}}},
     {"HTTP-Referer": "https://app.example/page", "X-Title": "My App", "ai-o11y-environment": "staging",
      "ai-reporting-tags": "y, x"},
     {"user": "u-body", "app": "My App", "environment": "staging"}, ["x", "y"]),
    ("/v1", "tg_free", {"providerOptions": VERCEL}, {"ai-reporting-user": "u-header"},
     {"user": "u-header"}, ["a", "b", "team-a"]),
    ("/v1", "tg_shop", {"user": "u-body", "providerOptions": VERCEL}, {"ai-o11y-environment": "staging"},
     {"project": "Shop", "user": "boss", "environment": "production"}, ["a", "b", "eu", "team-a"]),
    ("/api/v1", "tg_free", {"user": "u-body", "session_id": "s-body"},
     {"HTTP-Referer": "https://app.example/page"},
     {"user": "u-body", "session": "s-body", "app": "https://app.example/page"}, []),
    ("/api/v1", "tg_free", {}, {"X-Title": "L\u00e4den, \"EU\"", "x-session-id": "s-header"},
     {"session": "s-header", "app": "L\u00e4den, \"EU\""}, []),
    ("/api/v1", "tg_free", {}, {"X-OpenRouter-Title": "New Name", "HTTP-Referer": "https://b.example"},
     {"app": "New Name"}, []),
    ("/api/v1", "tg_shop", {"user": "u-body"}, {"X-Title": "My App"},
     {"project": "Shop", "user": "boss", "environment": "production", "app": "My App"}, ["eu", "team-a"]),
]

with Sim() as sim, Gateway(sim, {"clients": CLIENTS}, own_key=OWN_KEY) as gateway:
    answers = []
    for base, key, more, headers, _, _ in CASES:
        headers = {name: value.encode().decode("latin-1") for name, value in headers.items()}
        answer = gateway.post(f"{base}/chat/completions", asked(base, **more), key=key, headers=headers)
        equal(answer.status, 200, answer.body)
        answers.append(answer)
    rows = gateway.rows_of(answers)
    wrong = []
    for number, (case, row) in enumerate(zip(CASES, rows)):
        wanted = {**dict.fromkeys(COLUMNS, ""), "client": case[1].removeprefix("tg_"), **case[4]}
        got = {name: row[name] for name in COLUMNS}
        tags = sorted(json.loads(row["tags"] or "[]"))
        for name in COLUMNS:
            if got[name] != wanted[name]:
                wrong.append(f"case {number}: {name} is {got[name]!r}, wanted {wanted[name]!r}")
        if tags != case[5]:
            wrong.append(f"case {number}: tags are {tags}, wanted {case[5]}")
        story = gateway.explain(row["id"])
        equal([story[name] or "" for name in COLUMNS], [row[name] for name in COLUMNS], "explain")
    equal(wrong, [])

    for by in "tag", "user", "app", "project", "client":
        sums = {}
        for row in rows:
            for value in (json.loads(row["tags"] or "[]") or [""] if by == "tag" else [row[by]]):
                count, money = sums.get(value, (0, Decimal(0)))
                sums[value] = count + 1, money + Decimal(row["booked_usd"])
        groups = list(csv.DictReader(io.StringIO(gateway.export("--by", by))))
        equal({group[by]: (int(group["requests"]), Decimal(group["booked_usd"])) for group in groups},
              sums, f"export by {by}")
        report = gateway.report("--by", by)
        equal({group[by] or "": (group["requests"], Decimal(group["spend_usd"]))
               for group in report["groups"]}, sums, f"report by {by}")
        equal(report["overlap"], by == "tag")
