"""All nine verdicts side by side: in the export, in explain with a reason, in the report's sums.

parity: reconciliation
"""
from harness import *

# The simulator charges 0.0002 for 1000 and 250 tokens of MODEL; our table does not know zai/glm-5.3.
OURS = price_file(MODEL, {"input": "0.0000001", "output": "0.0000004"})
UNPRICED = "zai/glm-5.3"
COUNTS = {"prompt_tokens": 1000, "completion_tokens": 250}

with Sim() as sim, Gateway(sim, {"prices": {"file": "own.json"}, "upstreams": [
        sim.upstream("first"), sim.upstream("plain", "openai")],
        "routes": [{"name": "own", "models": ["gpt-4.1-mini", "gpt-4.1-nano"], "upstreams": ["plain"]},
                   {"name": "rest", "upstreams": ["first"]}]},
        files={"own.json": OURS}) as gateway:
    def ask(nonce="", model=MODEL, cache=None, **behaviour):
        return gateway.chat(sim_text({**COUNTS, **behaviour}, nonce), model=model, cache=cache)

    answers = {
        "matched": ask(cache=True),
        "free": ask(cache=True),
        "over": ask(market="0.0003"),
        "under": ask(market="0.0001"),
        "pending": ask(no_cost=True, generation="never"),
        "unpriced": ask(model=UNPRICED),
        "failed": ask(status=400),
        # A plain upstream reports no cost and has no records to ask for.
        "unreported": ask(model="gpt-4.1-nano"),
        "unknown": ask(model="gpt-4.1-mini"),
    }
    equal([answer.status for answer in answers.values()], [200] * 6 + [400, 200, 200])

    def settled():
        rows = dict(zip(answers, gateway.rows_of(answers.values())))
        return rows if [row["verdict"] for row in rows.values()] == list(answers) else None
    try:
        rows = wait_for(settled, "the verdicts", 10)
    except AssertionError:
        rows = dict(zip(answers, gateway.rows_of(answers.values())))
        equal({name: row["verdict"] for name, row in rows.items()}, {name: name for name in answers})

    money = {  # billed, market, estimated, booked, difference
        "matched": ("0.0002", "0.0002", "0.0002", "0.0002", "0"),
        "free": ("0", "0", "0", "0", "0"),
        "over": ("0.0002", "0.0003", "0.0002", "0.0002", "0.0001"),
        "under": ("0.0002", "0.0001", "0.0002", "0.0002", "-0.0001"),
        "pending": ("", "", "0.0002", "0.0002", ""),
        "unreported": ("", "", "0.0002", "0.0002", ""),
        "unknown": ("", "", "", "", ""),
    }
    for name, wanted in money.items():
        row = rows[name]
        got = tuple(row[column + "_usd"] for column in
                    ("billed", "market", "estimated", "booked", "difference"))
        if name in ("over", "under"):
            got, wanted = got[1:3] + got[4:], wanted[1:3] + wanted[4:]
        equal(got, wanted, name)
    call = [call for call in sim.calls() if call["model"] == UNPRICED][0]
    row = rows["unpriced"]
    equal((row["billed_usd"], row["booked_usd"], row["estimated_usd"], row["difference_usd"]),
          (call["gateway_cost"], call["gateway_cost"], "", ""), "unpriced is billed, never free")

    for name, answer in answers.items():
        story = gateway.explain(answer)
        equal(story["verdict"], name)
        check(story["verdict_reason"], f"a reason for {name}")
        equal(story["cause"] is not None, name in ("over", "under"), f"{name} has a cause")
    report = gateway.report()
    equal({name: one["requests"] for name, one in report["verdicts"].items()},
          dict.fromkeys(answers, 1), "the report counts each once")
    equal(report["totals"]["requests"], 9)
    equal(Decimal(report["totals"]["spend_usd"]),
          sum(Decimal(row["booked_usd"]) for row in rows.values() if row["booked_usd"]), "spend")
    equal(report["coverage"]["paid_requests"] - report["coverage"]["estimated_requests"], 2,
          "what has no price is not covered")
    equal(sum(one["requests"] for one in report["drift"]), 2, "drift")
