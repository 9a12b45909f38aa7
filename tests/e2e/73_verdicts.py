"""over, under, matched within the tolerance, unpriced: what the verdict of a row rests on.

parity: reconciliation
"""
from harness import *


def prices(**models):
    return json.dumps({"format": 1, "models": {name.replace("__", "/"): [
        {"from": "2026-01-01T00:00:00Z", "input": each[0], "output": each[1]}]
        for name, each in models.items()}})


# The simulator charges openai/gpt-4.1-nano 0.0000001 and 0.0000004: 0.0002 for 1000 and 250.
CASES = [("0.0000001", "0.0000004", "matched", "0"),
         ("0.0000002", "0.0000004", "under", "-0.0001"),
         ("0.00000005", "0.0000004", "over", "0.00005"),
         ("0.0000001001", "0.0000004", "matched", "-0.0000001"),    # 0.05 %
         ("0.0000001005", "0.0000004", "under", "-0.0000005"),      # 0.25 %
         ("0.0000000995", "0.0000004", "over", "0.0000005"),
         (None, None, "unpriced", "")]

for read, write, verdict, difference in CASES:
    table = prices(openai__gpt_5=("1", "1")) if read is None else prices(
        **{"openai__gpt-4.1-nano": (read, write)})
    with Sim() as sim, Gateway(sim, {"prices": {"file": "own.json"}}, files={
            "own.json": table}) as gateway:
        row, small, discounted = gateway.rows_of(gateway.chat(sim_text(behaviour)) for behaviour in (
            {"prompt_tokens": 1000, "completion_tokens": 250},
            {"prompt_tokens": 1, "completion_tokens": 1},
            {"prompt_tokens": 1000, "completion_tokens": 250, "discount": 0.5}))
        what = f"prices {read} and {write}"
        equal((row["verdict"], row["difference_usd"]), (verdict, difference), what)
        equal((row["billed_usd"], row["booked_usd"]), ("0.0002", "0.0002"), what)
        if read:
            estimated = 1000 * Decimal(read) + 250 * Decimal(write)
            equal(Decimal(row["estimated_usd"]), estimated, what)
        else:
            equal(row["estimated_usd"], "", what)
        if read == "0.0000001005":
            equal(small["verdict"], "matched", "a difference of up to 1e-9 USD is none")
        # It is the market price that is compared: a discount is no drift.
        equal((discounted["verdict"], discounted["billed_usd"]), (verdict, "0.0001"), what)
