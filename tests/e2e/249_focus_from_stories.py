"""Every line of a FOCUS dataset can be told from the requests' stories: their pricing lines, and what was reported
shared out in proportion by the largest remainder."""
from harness import *

CLASS = {"input": "in_text", "output": "out_text", "input_cache_read": "cache_read", "reasoning": "out_reasoning",
         "input_cache_write": "cache_write_5m", "input_cache_write_1h": "cache_write_1h"}
ORDER = "in_text cache_read cache_write_5m cache_write_1h out_text out_reasoning".split()
UNIT = Decimal("1e-15")


def shared(amount, parts):
    """amount in proportion to parts, each rounded down at 1e-15, the rest to the largest remainders."""
    whole = int(amount / UNIT)
    counts = [int(part / UNIT) for part in parts]
    exact = [divmod(whole * count, sum(counts)) for count in counts]
    got = [quotient for quotient, _ in exact]
    order = sorted(range(len(parts)), key=lambda place: (-exact[place][1], place))
    for place in order[:whole - sum(got)]:
        got[place] += 1
    return [part * UNIT for part in got]


# The reference's own example, so that this test knows what it says.
equal(shared(Decimal("0.0544"), [Decimal("0.000009"), Decimal("0.04614"), Decimal("0.00825")]),
      [Decimal("0.000009000165444"), Decimal("0.046140848177356"), Decimal("0.0082501516572")], "the example")

with Sim() as sim, Gateway(sim, {"ledger": {"confirm": False}}) as gateway:
    answers = []
    for number in range(30):
        model = (MODEL, "zai/glm-5.3", "anthropic/claude-sonnet-4.6")[number % 3]
        told = [{}, {"market": f"0.00{number + 17}000000000{number + 3}", "billed": f"0.00{number + 17}000000000{number + 3}"},
                {"market": "0.000000000000007", "billed": "0.000000000000007"}, {"market": "0.1", "billed": "0.1"}][number % 4]
        answers.append(gateway.chat(sim_text({"prompt_tokens": 900 + 7 * number, "completion_tokens": 31 + number,
                                              "cached_tokens": 111 * (number % 5), **told}, f"{number}"), model=model))
    rows = gateway.rows_of(answers, settled=True)
    wanted, listed, tokens = {}, {}, {}
    for row in rows:
        story = gateway.explain(row["id"])
        lines = sorted(story["pricing"]["lines"], key=lambda line: ORDER.index(CLASS[line["class"]]))
        above = story["pricing"]["context_above"]
        parts = shared(Decimal(row["booked_usd"]), [Decimal(line["cost_usd"]) for line in lines])
        for line, part in zip(lines, parts):
            name = f"{row['model']}/{CLASS[line['class']]}"
            equal(Decimal(line["unit_price_usd"]) * line["quantity"], Decimal(line["cost_usd"]), name)
            wanted[name] = wanted.get(name, 0) + part
            listed[name] = listed.get(name, 0) + Decimal(line["cost_usd"])
            tokens[name] = tokens.get(name, 0) + line["quantity"]
        equal(above, 0, "no tier was reached")
    got = {"BilledCost": {}, "ListCost": {}, "ConsumedQuantity": {}}
    for line in csv.DictReader(io.StringIO(gateway.export("--format", "focus"), newline="")):
        for column, sums in got.items():
            if line["SkuId"] not in sums:
                sums[line["SkuId"]] = Decimal(0)
            sums[line["SkuId"]] += Decimal(line[column])
    wanted = {name: cost for name, cost in wanted.items() if tokens[name]}
    equal({name: str(tokens) for name, tokens in got["ConsumedQuantity"].items()},
          {name: str(tokens[name]) for name in wanted}, "tokens")
    equal(got["ListCost"], {name: listed[name] for name in wanted}, "list cost")
    equal(got["BilledCost"], wanted, "shares of what was booked")
