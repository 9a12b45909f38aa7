"""tollgate report: its sums are those of the rows, whatever they are grouped by; what changed against
another month; a month without requests says so.
"""
from harness import *

PAID = ("matched", "over", "under", "pending", "unreported", "unpriced", "unknown")
COLUMNS = {"key": "key_id", "tag": "tag"}
MODELS = ("openai/gpt-4.1-nano", "openai/gpt-5", "zai/glm-5.3")


def report(gateway, *arguments, month=None):
    code, out, err = tollgate("report", "-c", gateway.config, "--month", month or this_month(),
                              *arguments)
    equal((code, err), (0, ""), f"report {arguments}")
    return out


def read(gateway, *arguments, month=None):
    return json.loads(report(gateway, "--json", *arguments, month=month), parse_float=Decimal)


def total(rows, name):
    """The sum of a column as plain decimal text; None when no row knows it."""
    known = [Decimal(row[name]) for row in rows if row[name] != ""]
    if not known:
        return None
    text = format(sum(known, Decimal(0)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def is_hit(row):
    return row["cache"] in ("hit", "collapsed")


def percent(part, whole):
    return f"{part * 10000 // whole // 100}.{part * 10000 // whole % 100:02d}" if whole else None


def spend(rows):
    """What was booked; nothing, where no request was paid for."""
    paid = any(row["verdict"] in PAID for row in rows)
    return total(rows, "booked_usd") if paid else total(rows, "booked_usd") or "0"


def check_sums(got, rows, what):
    hits = [row for row in rows if is_hit(row)]
    wanted = {"requests": len(rows), "hits": len(hits),
              "hit_rate_percent": percent(len(hits), len(rows)),
              "spend_usd": spend(rows), "billed_usd": total(rows, "billed_usd"),
              "upstream_usd": total(rows, "upstream_usd"),
              "saved_usd": total(hits, "saved_usd") if hits else "0"}
    for name in ("prompt_tokens", "completion_tokens", "cached_tokens", "cache_write_tokens"):
        text = total(rows, name)
        wanted[name] = int(text) if text is not None else None
    equal({name: got[name] for name in wanted}, wanted, what)


with Sim() as sim, Gateway(sim) as gateway:
    for number in range(24):
        tags = {"ai-reporting-tags": ("red", "red,blue", "")[number % 3]} if number % 4 else {}
        gateway.chat(f"{number % 8}", cache=True, model=MODELS[number % 3], headers=tags,
                     key=f"vck_{number % 2}", stream=number % 5 == 0)
    gateway.chat(sim_text({"byok": True, "surcharge": "0.0001"}))
    gateway.chat(sim_text({"discount": 0.5, "prompt_tokens": 1000}))
    gateway.chat(sim_text({"status": 500}))
    rows = gateway.settled_rows(27)

    whole = read(gateway)
    equal((whole["month"], whole["closed"], whole["by"]), (this_month(), False, ["model"]))
    check_sums(whole["totals"], rows, "totals")
    paid = [row for row in rows if row["verdict"] in PAID]
    priced = [row for row in paid if row["estimated_usd"] != ""]
    equal(whole["coverage"], {"paid_requests": len(paid), "estimated_requests": len(priced),
                              "percent": percent(len(priced), len(paid))})
    for name, verdict in whole["verdicts"].items():
        of = [row for row in rows if row["verdict"] == name]
        equal((verdict["requests"], verdict["spend_usd"]),
              (len(of), spend(of)), name)
    fees = sum((Decimal(row["billed_usd"]) + Decimal(row["upstream_usd"] or 0) -
                Decimal(row["market_usd"]) for row in priced if row["market_usd"] != "" and
                row["billed_usd"] != ""), Decimal(0))
    equal(Decimal(whole["fees"]["usd"]), fees, "fees and discounts")
    check(fees != 0, "a surcharge and a discount")
    drifted = [row for row in rows if row["verdict"] in ("over", "under")]
    equal(sum(one["requests"] for one in whole["drift"]), len(drifted), "drift")

    # From kept sums (model, key, ...) and from rows (tag, user, app): the same sums.
    for by in ("model",), ("key",), ("day", "model"), ("upstream", "api"), ("tag",), ("user",), \
            ("model", "tag"):
        got = read(gateway, "--by", ",".join(by))
        equal(got["totals"], whole["totals"], f"totals by {by}")
        equal(got["overlap"], "tag" in by)
        wanted = {}
        for row in rows:
            for tag in json.loads(row["tags"] or "[]") or [None] if "tag" in by else [None]:
                group = tuple(tag if name == "tag" else row["created_at"][:10] if name == "day"
                              else row[COLUMNS.get(name, name)] or None for name in by)
                wanted.setdefault(group, []).append(row)
        groups = {tuple(one[COLUMNS.get(name, name)] for name in by): one for one in got["groups"]}
        equal(set(groups), set(wanted), f"groups by {by}")
        for group, of in wanted.items():
            check_sums(groups[group], of, f"{group}")
        spends = [Decimal(one["spend_usd"]) for one in got["groups"] if one["spend_usd"] is not None]
        equal(spends, sorted(spends, reverse=True), "sorted by spend")

    # Against a month without requests everything is new.
    got = read(gateway, "--against", "2020-01", "--by", "tag")
    equal((got["against"], got["totals"]["then"]["requests"]), ("2020-01", 0))
    check_sums(got["totals"]["now"], rows, "now")
    equal(got["totals"]["change"]["spend_usd"], total(rows, "booked_usd"))
    equal({one["state"] for one in got["groups"]}, {"new"})
    got = read(gateway, "--against", this_month(), month="2020-01")
    equal({one["state"] for one in got["groups"]}, {"gone"})
    got = read(gateway, "--against", this_month())
    equal({(one["state"], one["change"]["spend_usd"]) for one in got["groups"]}, {(None, "0")})

    # For people.
    text = report(gateway)
    for part in this_month() + ", open: 27 requests", total(rows, "booked_usd"), "P50 TTFT", *MODELS:
        check(part in text, f"{part!r} in\n{text}")
    check("several tags" in report(gateway, "--by", "tag"), "overlap is said")
    check("new" in report(gateway, "--against", "2020-01"), "new groups are named so")
    equal(report(gateway, month="2020-01"), "2020-01, open: no requests\n")
    path = os.path.join(gateway.dir, "report.txt")
    equal(report(gateway, "-o", path, month="2020-01"), "")
    with open(path, encoding="utf-8") as file:
        equal(file.read(), "2020-01, open: no requests\n")

    for arguments in (["--by", "weather"], ["--by", "model,model"], ["--against", "2026-13"],
                      ["--nonsense"], ["extra"]):
        code, out, err = tollgate("report", "-c", gateway.config, "--month", this_month(), *arguments)
        equal((code, out), (2, ""), f"{arguments}: {err}")
        check(err.strip(), "an error that tells")
    code, out, err = tollgate("report", "-c", gateway.config, "--month", "2026-13")
    check(code == 2 and "2026-13" in err, err)
    code, out, err = tollgate("report", "-c", gateway.config, "--month", this_month(), "-o",
                              "/nonexistent/report")
    check(code == 1 and "/nonexistent/report" in err, err)
    check("--against" in tollgate("report", "--help")[1], "help")
    config = gateway.config
# Without a gateway it reads as well.
code, out, err = tollgate("report", "-c", config, "--month", this_month(), "--json")
equal((code, json.loads(out)["totals"]["requests"]), (0, 27), err)
