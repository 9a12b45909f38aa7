"""tollgate report over two months with requests: every figure is computed again from the exported rows; what changed
by tag, what was written to the prompt cache and never read, what drifted, is unpriced, pending or uncovered."""
from harness import *

LAST, NOW = month_before(), this_month()
PAID = ("matched", "over", "under", "pending", "unreported", "unpriced", "unknown")
CLAUDE = "anthropic/claude-haiku-4.5"
with open(PRICES, encoding="utf-8") as file:
    TABLE = json.load(file)
del TABLE["models"]["openai/gpt-5"]


def read(gateway, month, *arguments):
    code, out, err = tollgate("report", "-c", gateway.config, "--month", month, "--json", *arguments)
    equal((code, err), (0, ""), f"report {month} {arguments}")
    return json.loads(out, parse_float=Decimal)


def total(rows, column):
    return sum((Decimal(row[column]) for row in rows if row[column]), Decimal(0))


def number(text):
    return Decimal(text or 0)


def check_figures(got, rows, what):
    hits = [row for row in rows if row["cache"] in ("hit", "collapsed")]
    for name, column in (("spend_usd", "booked_usd"), ("billed_usd", "billed_usd"), ("upstream_usd", "upstream_usd"),
                         ("saved_usd", "saved_usd"), ("prompt_tokens", "prompt_tokens"),
                         ("completion_tokens", "completion_tokens"), ("cached_tokens", "cached_tokens"),
                         ("cache_write_tokens", "cache_write_tokens"), ("reasoning_tokens", "reasoning_tokens")):
        equal(number(got[name]), total(rows, column), f"{what} {name}")
    equal((got["requests"], got["hits"], got["collapsed"]),
          (len(rows), len(hits), len([row for row in rows if row["cache"] == "collapsed"])), what)
    equal(number(got["saved_by_collapsed_usd"]), total([row for row in rows if row["cache"] == "collapsed"], "saved_usd"))


def check_report(gateway, month, rows):
    got = read(gateway, month)
    check_figures(got["totals"], rows, month)
    paid = [row for row in rows if row["verdict"] in PAID]
    covered = [row for row in paid if row["estimated_usd"]]
    equal((got["coverage"]["paid_requests"], got["coverage"]["estimated_requests"]), (len(paid), len(covered)))
    known = [row for row in covered if row["market_usd"] and row["billed_usd"]]
    equal((got["fees"]["requests"], number(got["fees"]["usd"])), (len(known), sum(
        (Decimal(row["billed_usd"]) + number(row["upstream_usd"]) - Decimal(row["market_usd"]) for row in known),
        Decimal(0))), "fees and discounts = billed - market")
    for verdict, one in got["verdicts"].items():
        of = [row for row in rows if row["verdict"] == verdict]
        equal((one["requests"], number(one["spend_usd"])), (len(of), total(of, "booked_usd")), verdict)
        equal(number(one["difference_usd"]), total(of, "difference_usd"), verdict)
    for model in {row["model"] for row in rows if row["model"]}:
        of = [row for row in rows if row["model"] == model]
        groups = [one for one in got["groups"] if one["model"] == model]
        equal(len(groups), 1, model)
        check_figures(groups[0], of, model)
        drifted = [row for row in of if row["verdict"] in ("over", "under")]
        drifts = [one for one in got["drift"] if one["model"] == model]
        equal((sum(one["requests"] for one in drifts), sum((number(one["difference_usd"]) for one in drifts), Decimal(0))),
              (len(drifted), total(drifted, "difference_usd")), f"{model} drift")
        check(all(one["cause"] for one in drifts), "each with its cause")
        without = [row for row in of if row["verdict"] in PAID and not row["estimated_usd"]]
        equal(sum(one["requests"] for one in got["without_estimate"] if one["model"] == model), len(without), model)
    for row_by, key in (("tag", None), ("user", "user"), ("app", "app"), ("project", "project"), ("api", "api")):
        groups = read(gateway, month, "--by", row_by)["groups"]
        for one in groups:
            of = [row for row in rows if (one["tag"] in json.loads(row["tags"] or "[]") if one.get("tag") else
                                          json.loads(row["tags"] or "[]") == [] if key is None else
                                          row[key] == (one[key] or ""))]
            check_figures(one, of, f"{row_by} {one.get(row_by)}")
    return got


def writes(gateway, user, nonce, **behaviour):
    text = sim_text({"prompt_tokens": 2000, "completion_tokens": 9, **behaviour}, nonce)
    gateway.chat(text, model=CLAUDE, key=f"vck_{user}")


def traffic(gateway, round_):
    for n in range(10 + 2 * round_):
        tags = [["red"], ["red", "blue"], [f"only-{round_}"], []][n % 4]
        gateway.chat(f"{n % 5} {round_}", cache=True, model=(MODEL, "zai/glm-5.3")[n % 2], user=f"u{n % 3}",
                     headers={"ai-reporting-tags": ",".join(tags), "X-Title": f"app {n % 2}"} if tags else {})
    gateway.chat(sim_text({"market": "0.01", "billed": "0.01"}, f"{round_}"))
    gateway.chat(sim_text({"discount": 0.5}, f"{round_}"))
    gateway.chat(sim_text({"surcharge": "0.00321"}, f"{round_}"))
    gateway.chat(sim_text({"byok": True, "surcharge": "0.0001"}, f"{round_}"))
    gateway.chat(sim_text({"status": 500}, f"{round_}"))
    gateway.chat(f"unpriced {round_}", model="openai/gpt-5")
    gateway.chat(sim_text({"no_cost": True, "generation": "never"}, f"{round_}"))
    together = [gateway.begin(sim_text({"delay": 300}, f"{round_}"), cache=True) for _ in range(3)]
    for connection in together:
        connection.getresponse().read()
        connection.close()
    writes(gateway, "reads", f"a{round_}", cache_write_tokens=700)
    writes(gateway, "reads", f"b{round_}", cached_tokens=700)
    writes(gateway, "never", f"c{round_}", cache_write_tokens=500)
    writes(gateway, "never", f"d{round_}", cache_write_tokens=300)


with Sim() as sim:
    data, config = None, {"prices": {"file": "prices.json"}, "ledger": {"confirm": False}}
    for round_, (month, environment) in enumerate(((LAST, clock(LAST)), (NOW, {}))):
        with Gateway(sim, config, files={"prices.json": json.dumps(TABLE)}, data=data, env=environment) as gateway:
            traffic(gateway, round_)
            wait_for(lambda: len(gateway.rows(month=month)) == 24 + 2 * round_, "all rows")
            data = gateway.data
    rows = {month: gateway.rows(month=month) for month in (LAST, NOW)}
    check("pending" in {row["verdict"] for row in rows[NOW]}, "one is pending")
    for month in rows:
        got = check_report(gateway, month, rows[month])
        # 800 tokens were written under a key that never read. An hour counts when the one after it is over.
        waste, lost = got["wasted_cache_writes"], 800 if month == LAST else 0
        equal((waste["tokens"], sum(one["tokens"] for one in waste["groups"])), (lost, lost), f"{month}: {waste}")
        equal(number(waste["usd"]), lost * Decimal(TABLE["models"][CLAUDE][-1]["input_cache_write"]), "what they cost")
        equal([one["model"] for one in waste["groups"]], [CLAUDE] if lost else [])
        text = tollgate("report", "-c", gateway.config, "--month", month)[1]
        for part in ("pending", "openai/gpt-5", CLAUDE, "%", got["totals"]["spend_usd"], got["totals"]["saved_usd"]):
            check(part in text, f"{part} in\n{text}")

    # What changed, by tag.
    for by in "tag", "model", "user":
        got = read(gateway, NOW, "--against", LAST, "--by", by)
        now, then = read(gateway, NOW, "--by", by), read(gateway, LAST, "--by", by)
        equal(number(got["totals"]["change"]["spend_usd"]),
              total(rows[NOW], "booked_usd") - total(rows[LAST], "booked_usd"), "change of spend")
        place = {one[by]: (number(one["spend_usd"]), one["requests"]) for one in now["groups"]}
        before = {one[by]: (number(one["spend_usd"]), one["requests"]) for one in then["groups"]}
        equal({one[by] for one in got["groups"]}, set(place) | set(before), f"groups by {by}")
        for one in got["groups"]:
            new, old = place.get(one[by]), before.get(one[by])
            equal(one["state"], "new" if old is None else "gone" if new is None else None, f"{by} {one[by]}")
            equal(number(one["change"]["spend_usd"]), (new or (0, 0))[0] - (old or (0, 0))[0], f"{by} {one[by]}")
            equal(one["change"]["requests"], (new or (0, 0))[1] - (old or (0, 0))[1], f"{by} {one[by]}")
        changes = [abs(number(one["change"]["spend_usd"])) for one in got["groups"]]
        equal(changes, sorted(changes, reverse=True), "the largest change first")
    text = tollgate("report", "-c", gateway.config, "--month", NOW, "--against", LAST, "--by", "tag")[1]
    check("only-0" in text and "only-1" in text and "new" in text and "gone" in text, text)
    # Rows were read for what is not in the kept sums, and the kept sums say the same.
    equal(read(gateway, LAST, "--by", "model,user")["totals"], read(gateway, LAST)["totals"])
    medians = {}
    for row in rows[NOW]:
        if row["ttft_ms"] and row["cache"] not in ("hit", "collapsed"):
            medians.setdefault(row["model"], []).append(int(row["ttft_ms"]))
    for one in read(gateway, NOW)["groups"]:
        times = sorted(medians.get(one["model"] or "", []))
        check(not times or times[0] <= one["ttft_p50_ms"] <= times[-1] * 1.1 + 1, f"P50 of {times}: {one['ttft_p50_ms']}")
