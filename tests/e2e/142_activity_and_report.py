"""GET report groups and filters the caller's rows as Vercel does, and its sums are the export's; GET
activity has completed days only.

parity: usage-reports
"""
from harness import *

MODELS = ("openai/gpt-4.1-nano", "anthropic/claude-haiku-4.5", "zai/glm-5.3")
DAY = time.strftime("%Y-%m-%d", time.gmtime())
SUMS = {"total_cost": "billed_usd", "gateway_cost": "billed_usd", "market_cost": "market_usd",
        "input_tokens": "prompt_tokens", "output_tokens": "completion_tokens",
        "cached_input_tokens": "cached_tokens", "cache_creation_input_tokens": "cache_write_tokens",
        "reasoning_tokens": "reasoning_tokens"}


def groups_of(row, by):
    """The names of the groups that a row counts in."""
    if by == "tag":
        return json.loads(row["tags"] or "[]") or [""]
    if by == "credential_type":
        # Nobody paid for a hit: it has no credential.
        return [{"true": "byok", "false": "system", "": ""}[row["byok"]]]
    return [{"day": row["created_at"][:10], "hour": row["created_at"][:13], "model": row["model"],
             "user": row["user"], "provider": row["provider"]}[by]]


def wanted_of(rows, by):
    groups = {}
    for row in rows:
        for name in groups_of(row, by):
            sums = groups.setdefault(name, {**dict.fromkeys(SUMS, Decimal(0)), "request_count": 0})
            sums["request_count"] += 1
            for mine, theirs in SUMS.items():
                sums[mine] += Decimal(row[theirs] or 0)
    return groups


with Sim() as sim, Gateway(sim) as gateway:
    def report(query="", key=KEY, base="/v1"):
        return gateway.get(f"{base}/report?start_date={DAY}&end_date={DAY}{query}", key=key)

    for number in range(24):
        options = {"gateway": {"tags": ["all", f"t{number % 3}"]}} if number % 4 else {}
        answer = gateway.chat(sim_text({"prompt_tokens": 100 + number, "cached_tokens": number,
                                        "completion_tokens": 5, "reasoning_tokens": 2}),
                              model=MODELS[number % 3], user=f"user-{number % 5}",
                              providerOptions=options, key=KEY if number % 6 else "vck_other", cache=True)
        equal(answer.status, 200)
    gateway.chat(sim_text({"byok": True, "surcharge": "0.0001"}), user="user-0")
    for _ in range(2):
        gateway.chat("hit", cache=True, user="user-0")
    other_key = gateway.get("/v1/generations?id=" + gateway.chat(
        "x", key="vck_other").headers["x-generation-id"], key="vck_other").json()["key_id"]
    rows = gateway.settled_rows(28)
    if time.strftime("%Y-%m-%d", time.gmtime()) != DAY:
        sys.exit(0)  # it ran over midnight
    mine = [row for row in rows if row["key_id"] != other_key]
    equal(len(mine), 23)

    def check_groups(query, by, subset, base="/v1"):
        answer = report(query, base=base)
        equal(answer.status, 200, f"{query}: {answer.body}")
        results = answer.json()["results"]
        wanted = wanted_of(subset, by)
        equal({line.get(by, "") for line in results} - {""}, set(wanted) - {""}, f"{query}: groups")
        for line in results:
            sums = wanted[line.get(by, "")]
            for name, value in sums.items():
                if name in line or value:
                    equal(Decimal(line[name]), value, f"{query}: {name} of {line.get(by)}")
                    check(not isinstance(line[name], str), "numbers")

    for by in "day", "user", "model", "provider", "credential_type", "tag":
        check_groups(f"&group_by={by}", by, mine)
    check_groups("", "day", mine)
    check_groups("&date_part=hour", "hour", mine)
    check_groups("&group_by=model&user_id=user-1", "model",
                 [row for row in mine if row["user"] == "user-1"])
    check_groups(f"&group_by=user&model={MODELS[1]}", "user",
                 [row for row in mine if row["model"] == MODELS[1]])
    check_groups("&group_by=user&credential_type=byok", "user",
                 [row for row in mine if row["byok"] == "true"])
    tags = lambda row: set(json.loads(row["tags"] or "[]"))
    check_groups("&group_by=model&tags=t1,t2&tags_match=any", "model",
                 [row for row in mine if tags(row) & {"t1", "t2"}])
    check_groups("&group_by=model&tags=all,t1&tags_match=all", "model",
                 [row for row in mine if {"all", "t1"} <= tags(row)])
    # The export's own sums, over the same rows.
    exported = {line["model"]: line for line in csv.DictReader(io.StringIO(
        gateway.export("--by", "model,key"))) if line["key_id"] != other_key}
    for line in report("&group_by=model").json()["results"]:
        equal(Decimal(line["total_cost"]), Decimal(exported[line["model"]]["billed_usd"]))
        equal(line["request_count"], int(exported[line["model"]]["requests"]))
    other = report("&group_by=day", key="vck_other").json()["results"]
    equal([line["request_count"] for line in other], [28 - len(mine)], "the caller's own rows only")
    equal(report("&group_by=day", key="vck_nobody").json()["results"], [])

    for query in ("&group_by=nothing", "&date_part=week", "&tags_match=some&tags=a"):
        equal(report(query).status, 400, query)
    for path in ("/v1/report", f"/v1/report?start_date={DAY}", f"/v1/report?start_date=x&end_date={DAY}",
                 f"/v1/report?start_date={DAY}&end_date=2020-01-01"):
        answer = gateway.get(path)
        equal((answer.status, answer.json()["error"]["type"]), (400, "invalid_request_error"), path)
    equal(gateway.get(f"/v1/report?start_date={DAY}&end_date={DAY}", key=None).status, 401)

    # Activity: today is not completed; what is no such day is refused.
    activity = gateway.get("/api/v1/activity")
    equal((activity.status, activity.json()), (200, {"data": []}))
    yesterday = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86400))
    equal(gateway.get(f"/api/v1/activity?date={yesterday}").json(), {"data": []})
    for date in DAY, "2020-01-01", "yesterday":
        equal(gateway.get(f"/api/v1/activity?date={date}").status, 400, date)
    equal(gateway.get("/api/v1/activity", key=None).status, 401)
