"""tollgate reconcile: the month against the vendor's own bill, which agrees until it is made to
differ; every difference is listed with its likely cause.
"""
from harness import *

MODELS = ("openai/gpt-4.1-nano", "anthropic/claude-haiku-4.5", "zai/glm-5.3")
PAID = ("matched", "over", "under", "pending", "unreported", "unpriced", "unknown")
VERCEL = {"total_cost": "billed_usd", "gateway_cost": "billed_usd", "market_cost": "market_usd",
          "input_tokens": "prompt_tokens", "output_tokens": "completion_tokens",
          "cached_input_tokens": "cached_tokens", "reasoning_tokens": "reasoning_tokens"}
OPENROUTER = {"usage": "billed_usd", "byok_usage_inference": "upstream_usd",
              "prompt_tokens": "prompt_tokens", "completion_tokens": "completion_tokens"}


def bill(rows, members, day="day", requests="request_count"):
    """The rows of paid requests as the vendor would group them."""
    groups = {}
    for row in rows:
        if row["verdict"] not in PAID:
            continue
        key = row["created_at"][:10], row["model"]
        line = groups.setdefault(key, {day: key[0], "model": key[1], requests: 0,
                                       **dict.fromkeys(members, Decimal(0))})
        line[requests] += 1
        for theirs, ours in members.items():
            line[theirs] += Decimal(row[ours] or 0)
    return [groups[key] for key in sorted(groups)]


def plain(value):
    """A number as JavaScript prints it: small ones in E notation."""
    return format(value, "E") if 0 < abs(value) < Decimal("1e-6") else format(value, "f")


def text_of(name, lines):
    return json.dumps({name: [{member: f"@{plain(value)}@" if isinstance(value, Decimal) else value
                               for member, value in line.items()} for line in lines]}) \
        .replace('"@', "").replace('@"', "")


with Sim() as sim, Gateway(sim) as gateway:
    path = os.path.join(gateway.dir, "bill.json")

    def reconcile(text, *arguments):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return tollgate("reconcile", "-c", gateway.config, "--month", this_month(), "--report", path,
                        *arguments)

    def compare(lines, code, name="results"):
        text = text_of(name, lines)
        got, out, err = reconcile(text, "--json", "--upstream", "sim")
        equal((got, err), (code, ""), "reconcile")
        equal(reconcile(text)[0], code, "the table's exit code")
        found = json.loads(out, parse_float=Decimal)
        equal(found["agrees"], code == 0)
        total = sum((Decimal(line["difference_usd"]) for line in found["lines"]), Decimal(0))
        equal(Decimal(found["totals"]["difference_usd"]), total, "differences add up")
        return found

    def cause(found, line, day="day"):
        return [one["cause"] for one in found["lines"]
                if (one["day"], one["model"]) == (line[day], line["model"])][0]

    for number in range(18):
        gateway.chat(sim_text({"prompt_tokens": 100 + number, "cached_tokens": number,
                               "completion_tokens": 5}), model=MODELS[number % 3])
    gateway.chat(sim_text({"byok": True, "surcharge": "0.0001"}), model=MODELS[0])
    rows = gateway.settled_rows(19)

    # The gateway's own report is a bill as well.
    day = rows[0]["created_at"][:10]
    own = gateway.get(f"/v1/report?start_date={day}&end_date={rows[-1]['created_at'][:10]}"
                      "&group_by=model")
    code, out, err = reconcile(own.body.decode(), "--json")
    equal((code, err, json.loads(out)["by"]), (0, "", ["model"]), out)

    # Hits and failures are on no bill.
    for _ in range(3):
        gateway.chat("hit", cache=True)
    gateway.chat(sim_text({"status": 500}))
    rows = gateway.settled_rows(23)

    def vercel():
        return bill(rows, VERCEL)

    lines = vercel()
    found = compare(lines, 0)
    equal({line["cause"] for line in found["lines"]}, {"equal"})
    equal(found["totals"]["vendor"]["requests"], 20)
    equal(Decimal(found["totals"]["ledger"]["cost_usd"]),
          sum(Decimal(row["billed_usd"] or 0) for row in rows))
    first, second = dict(lines[0]), dict(lines[1])

    lines[0]["total_cost"] = lines[0]["gateway_cost"] = first["gateway_cost"] + Decimal("1e-9")
    equal(cause(compare(lines, 0), first), "equal")
    lines[0]["gateway_cost"] = first["gateway_cost"] + Decimal("1.001e-9")
    found = compare(lines, 1)
    equal((cause(found, first), found["differing"]), ("unexplained", 1))
    equal(found["totals"]["difference_usd"], "0.000000001001")

    lines = vercel()
    lines[1]["surcharge_cost"] = Decimal("0.0025")
    lines[1]["gateway_cost"] += Decimal("0.0025")
    equal(cause(compare(lines, 1), second), "surcharge")

    lines = vercel()
    lines[0]["input_tokens"] += 1000
    lines[0]["gateway_cost"] += Decimal("0.1")
    equal(cause(compare(lines, 1), first), "token-count")
    lines[0]["request_count"] += 1
    equal(cause(compare(lines, 1), first), "requests")

    # A call past the gateway, and one that the bill forgot.
    lines = vercel()
    past = {**lines[0], "model": "past/the-gateway"}
    found = compare(lines[1:] + [past], 1)
    equal(cause(found, past), "not-in-ledger")
    equal(cause(found, first), "not-in-report")
    equal(found["differing"], 2)
    equal(found["totals"]["difference_usd"], "0")

    # Rows of other months are named, not added.
    other = {**first, "day": "2020-02-29"}
    found = compare(vercel() + [other], 0)
    equal(found["report"]["outside_rows"], 1)
    equal(Decimal(found["report"]["outside_usd"]), first["gateway_cost"])

    # OpenRouter's: dated names count as the model.
    lines = bill(rows, OPENROUTER, "date", "requests")
    for line in lines:
        line["model_permaslug"], line["model"] = line["model"], line["model"] + "-latest"
    found = compare(lines, 0, "data")
    equal((found["vendor"], {line["cause"] for line in found["lines"]}), ("openrouter", {"equal"}))
    equal(cause(found, lines[0], "date"), "equal")
    for line in lines:
        line["usage"] += line["byok_usage_inference"]
    found = compare(lines, 1, "data")
    equal({line["cause"] for line in found["lines"] if not line["agrees"]}, {"byok"})

    # The table says the same.
    code, out, err = reconcile(text_of("results", vercel()[1:]))
    check("not in the vendor's report" in out and "1 of" in out, out)
    code, out, err = reconcile(text_of("results", vercel()), "--upstream", "nowhere")
    check(code == 1 and "the ledger has no such requests" in out, out)

    # What cannot be compared says why and prints nothing.
    for text, message in (("", "is empty"), ("{}", "is neither Vercel's report"),
                          ('{"error":{"code":403}}', "is neither Vercel's report"),
                          ('{"results":[{"day":"2026-11-01","total_cost":"x"}]}',
                           "results[0] total_cost: is not a decimal number"),
                          ('{"results":[{"day":"2026-11-01"}]}', "results[0] total_cost: is missing")):
        code, out, err = reconcile(text)
        check((code, out) == (1, "") and f"{path}: {message}" in err, f"{text}: {code} {out} {err}")
    code, out, err = tollgate("reconcile", "-c", gateway.config, "--month", this_month(), "--report",
                              path + ".none")
    check((code, out) == (1, "") and path + ".none" in err, err)
    for arguments in [], ["--month", "2026-11"], ["--report", path], \
            ["--month", "2026-13", "--report", path], ["--month", "2026-11", "--report", path, "more"]:
        equal(tollgate("reconcile", "-c", gateway.config, *arguments)[0], 2, f"{arguments}")
    check("--report" in tollgate("reconcile", "--help")[1], "help")
