"""Two hundred calls with all kinds of counts: billed, market and estimate to the last digit.

parity: pricing-transparency
"""
import random
from harness import *

RANDOM = random.Random(20261121)
MODELS = ("openai/gpt-4.1-nano", "anthropic/claude-haiku-4.5", "zai/glm-5.3",
          "anthropic/claude-sonnet-4.5", "openai/gpt-5", "alibaba/qwen-3-14b")
with open(PRICES, encoding="utf-8") as file:
    TABLE = json.load(file)["models"]


def estimate(call):
    """Reference/vercel section 11, rule 3, once more and by other means."""
    price = dict(TABLE[call["model"]][0])
    above = [tier for tier in price.get("tiers", []) if call["prompt_tokens"] > tier["above"]]
    if above:
        price.update(max(above, key=lambda tier: tier["above"]))
    each = {name: Decimal(price.get(name, price["input"]))
            for name in ("input", "output", "input_cache_read", "input_cache_write")}
    cached, written = call["cached_tokens"], call["cache_write_tokens"]
    return (each["input"] * (call["prompt_tokens"] - cached - written)
            + each["input_cache_read"] * cached + each["input_cache_write"] * written
            + each["output"] * call["completion_tokens"])


def ask(gateway, connection, number):
    prompt = RANDOM.choice((RANDOM.randrange(1, 50), RANDOM.randrange(1, 10 ** 4),
                            RANDOM.randrange(1, 10 ** 6)))
    cached = RANDOM.choice((0, RANDOM.randrange(prompt + 1)))
    behaviour = {"prompt_tokens": prompt, "cached_tokens": cached,
                 "completion_tokens": RANDOM.randrange(1, 9999), "text": str(number),
                 "cost_format": RANDOM.choice(("number", "exponent", "string"))}
    model = RANDOM.choice(MODELS)
    if model.startswith("anthropic/"):
        behaviour["cache_write_tokens"] = RANDOM.randrange(prompt - cached + 1)
    answer = gateway.chat(sim_text(behaviour), stream=number % 2 == 0, model=model,
                          connection=connection)
    equal(answer.status, 200)


with Sim() as sim, Gateway(sim) as gateway:
    connection = gateway.connect()
    for number in range(200):
        ask(gateway, connection, number)
    connection.close()
    calls = sim.calls()
    for row, call in rows_by_call(gateway.wait_rows(200), calls):
        for mine, theirs in (("billed_usd", "gateway_cost"), ("market_usd", "market_cost")):
            equal(row[mine], call[theirs], f"{mine} of {call}")
        for name in ("prompt_tokens", "completion_tokens", "cached_tokens", "cache_write_tokens"):
            equal(row[name], str(call[name]), f"{name} of {call}")
        equal(Decimal(row["estimated_usd"]), estimate(call), f"estimate of {call}")
        equal((row["booked_usd"], row["verdict"]), (call["gateway_cost"], "matched"), str(call))
        equal(Decimal(row["difference_usd"]), Decimal(row["market_usd"]) - estimate(call))
    total = sum(Decimal(call["gateway_cost"]) for call in calls)
    equal(total, Decimal(sim.stats()["spent"]), "the simulator's own sum")
    for by in "model", "day", "key", "model,day":
        groups = list(csv.DictReader(io.StringIO(gateway.export("--by", by))))
        equal(sum(Decimal(group["billed_usd"]) for group in groups), total, f"the sum by {by}")
        equal(sum(int(group["requests"]) for group in groups), 200)
