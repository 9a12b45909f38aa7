"""Under one's own key the gateway bills a fee or nothing and the vendor the rest: both columns, their sum booked,
saved by a hit, billed in FOCUS, counted against a budget; inline and from the record; in both dialects.

parity: byok
"""
from harness import *

USE = {"prompt_tokens": 1000, "completion_tokens": 250, "byok": True}  # 0.0002 of the vendor


def money(row):
    return tuple(row[name + "_usd"] for name in ("billed", "upstream", "booked"))


CASES = [({}, "0", "0.0002", "0.0002"), ({"surcharge": "0.00001"}, "0.00001", "0.0002", "0.00021")]
for dialect in "vercel", "openrouter":
    with Sim() as sim, Gateway(sim, {"clients": [client("own", budget_per_day="0.01")]}, own_key=OWN_KEY,
                               dialect=dialect) as gateway:
        wanted, answers = [], []
        for extra, billed, upstream, booked in CASES:
            for stream in False, True:
                for late in {}, {"no_cost": True}:
                    answers.append(gateway.chat(sim_text({**USE, **extra, **late}, f"{stream}"), stream=stream,
                                                cache=True, key="tg_own", max_tokens=300))
                    wanted.append((billed, upstream, booked))
        equal([answer.status for answer in answers], [200] * 8)
        rows = gateway.rows_of(answers, settled=True)
        for row, each in zip(rows, wanted):
            equal((money(row), row["byok"], row["verdict"]), (each, "true", "matched"), f"{dialect}: {row}")
        hits = [gateway.chat(sim_text({**USE, **extra}, f"{stream}"), stream=stream, cache=True, key="tg_own",
                             max_tokens=300) for extra, *_ in CASES for stream in (False, True)]
        for hit, each, source in zip(hits, wanted[::2], rows[::2]):
            equal(hit.cache(), "HIT")
            row = gateway.rows_of_id(hit.headers["x-generation-id"])
            equal((row["saved_usd"], row["source_id"]), (each[2], source["id"]), f"{dialect}: saved by a hit")
        total = sum(Decimal(each[2]) for each in wanted)
        report = gateway.report()
        equal(Decimal(report["totals"]["spend_usd"]), total, "spend")
        equal((Decimal(report["totals"]["billed_usd"]), Decimal(report["totals"]["upstream_usd"])),
              (sum(Decimal(each[0]) for each in wanted), sum(Decimal(each[1]) for each in wanted)))
        equal(Decimal(report["totals"]["saved_usd"]), total / 2, "saved")
        lines = list(csv.DictReader(io.StringIO(gateway.export("--format", "focus"))))
        equal(sum(Decimal(line["BilledCost"]) for line in lines), total, f"{dialect}: FOCUS BilledCost")
        # What the vendor bills is invoiced by the vendor.
        check({line["InvoiceIssuerName"] for line in lines} - {"Vercel", "OpenRouter"}, "who sends the invoice")
        spent = gateway.post("/v1/chat/completions", {"model": "openai/gpt-5", "max_tokens": 100000, "messages": [
            {"role": "user", "content": "x"}]}, key="tg_own")
        equal(spent.status, 402, spent.body)
        equal(Decimal(spent.json()["error"]["metadata"]["spent_usd"]), total, "the budget counts both")
