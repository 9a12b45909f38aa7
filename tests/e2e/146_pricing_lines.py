"""GET generations: pricing_lines are class x quantity x unit price = cost, at the price table's prices, and
add up to the row's estimate to the last digit; the rest is the row's, decimals as strings.

parity: pricing-lines, generation-records
"""
from harness import *

with open(PRICES, encoding="utf-8") as file:
    TABLE = {name: prices[-1] for name, prices in json.load(file)["models"].items()}
CASES = [  # path, model, behaviour
    ("/v1/chat/completions", "zai/glm-4.6", {"prompt_tokens": 1000, "cached_tokens": 300,
                                            "completion_tokens": 17, "reasoning_tokens": 5}),
    ("/v1/chat/completions", "anthropic/claude-haiku-4.5", {
        "prompt_tokens": 18922, "cache_write_tokens": 18000, "cached_tokens": 909, "completion_tokens": 4}),
    # Above a tier's boundary every class has that tier's price.
    ("/v1/chat/completions", "anthropic/claude-sonnet-4.6", {
        "prompt_tokens": 200001, "cached_tokens": 100000, "cache_write_tokens": 1, "completion_tokens": 1}),
    ("/v1/chat/completions", "anthropic/claude-sonnet-4.6", {
        "prompt_tokens": 200000, "cached_tokens": 1, "completion_tokens": 1}),
    # No price for cache reads: the input's.
    ("/api/v1/chat/completions", "qwen/qwen3-14b", {"prompt_tokens": 777, "cached_tokens": 77,
                                                    "completion_tokens": 3}),
    ("/v1/messages", "anthropic/claude-haiku-4.5", {"prompt_tokens": 1000, "cached_tokens": 200,
                                                    "cache_write_tokens": 300, "completion_tokens": 9}),
    ("/v1/responses", "openai/gpt-5", {"prompt_tokens": 31, "cached_tokens": 30, "completion_tokens": 2}),
    ("/api/v1/responses", "openai/gpt-5", {"prompt_tokens": 31, "completion_tokens": 2}),
    ("/v1/embeddings", "openai/text-embedding-3-small", {"prompt_tokens": 12345}),
    ("/v1/chat/completions", "zai/glm-4.6", {"prompt_tokens": 10, "completion_tokens": 1, "byok": True,
                                            "surcharge": "0.0001", "discount": 0.9}),
]


def body_of(path, model, behaviour):
    text = sim_text(behaviour)
    if path.endswith("embeddings") or path.endswith("responses"):
        return {"model": model, "input": text}
    return {"model": model, "max_tokens": 500, "messages": [{"role": "user", "content": text}]}


def check_lines(record, row, model):
    price, total = TABLE[model], Decimal(0)
    tokens = {"input": 0, "output": 0, "input_cache_read": 0, "input_cache_write": 0}
    for tier in price.get("tiers", []):
        if int(record["usage"]["prompt_tokens"]) > tier["above"]:
            price = {**price, **tier}
    for line in record["pricing_lines"]:
        equal(Decimal(line["unit_price"]) * line["quantity"], Decimal(line["cost"]), str(line))
        check(isinstance(line["cost"], str) and isinstance(line["unit_price"], str), "as strings")
        name = line["class"]
        wanted = price.get(name, price["input"])
        equal(Decimal(line["unit_price"]), Decimal(wanted), f"{model}: {line}")
        if name in ("input_cache_read", "input_cache_write") and name not in price:
            equal(line["priced_as"], "input", "says whose price it is")
        tokens[name] += line["quantity"]
        total += Decimal(line["cost"])
    equal(total, Decimal(row["estimated_usd"]), f"the sum is the estimate: {record}")
    equal((tokens["output"], tokens["input_cache_read"], tokens["input_cache_write"]),
          (int(row["completion_tokens"] or 0), int(row["cached_tokens"] or 0),
           int(row["cache_write_tokens"] or 0)))


with Sim() as sim, Gateway(sim) as gateway:
    for path, model, behaviour in CASES:
        answer = gateway.post(path, body_of(path, model, behaviour))
        equal(answer.status, 200, answer.body)
        row = gateway.rows_of_id(answer.headers["x-generation-id"])
        call = sim.calls()[-1]
        records = [gateway.get(f"{base}/generations?id={row['id']}").json() for base in ("/v1", "/api/v1")]
        for record in records:
            check_lines(record, row, call["served_model"])
        record = records[0]
        for name in ("billed_usd", "upstream_usd", "market_usd", "estimated_usd", "booked_usd",
                     "difference_usd"):
            equal(record[name] or "", row[name], name)
        equal((record["verdict"], record["cache"], record["upstream"], record["route"]),
              (row["verdict"], row["cache"], row["upstream"], row["route"]))
        equal(Decimal(record["cost_nanos"]), (Decimal(row["billed_usd"]) * 10 ** 9).to_integral_value())
        equal((record["model_requested"], record["status_code"], record["stream"]), (model, 200, False))
        # By hand, once more.
        market = Decimal(call["market_cost"])
        equal(sum(Decimal(line["cost"]) for line in record["pricing_lines"]), market, str(call))
    # A HIT has none: nothing was bought.
    for _ in range(2):
        hit = gateway.chat("hit", cache=True)
    record = gateway.get("/v1/generations?id=" + hit.headers["x-generation-id"]).json()
    equal((record["pricing_lines"], record["cost_nanos"], record["cache"]), ([], 0, "hit"))
    equal(record["response_cache_source_id"], hit.headers["x-openrouter-cache-source-id"])
    check(Decimal(record["saved_usd"]) > 0, str(record))
    # Nor has what was refused.
    refused = gateway.chat(sim_text({"status": 429})).headers["x-generation-id"]
    record = wait_for(lambda: (got := gateway.get(f"/v1/generations?id={refused}")).status == 200
                      and got.json(), "the record")
    equal((record["pricing_lines"], record["success"], record["status_code"]), ([], False, 429))

own = {"format": 1, "models": {"openai/gpt-5": [{"from": "2026-01-01T00:00:00Z", "input": "1",
                                                 "output": "1"}]}}
with Sim() as sim, Gateway(sim, {"prices": {"file": "own.json"}}, files={
        "own.json": json.dumps(own)}) as gateway:
    row = gateway.rows_of_id(gateway.chat("x").headers["x-generation-id"])
    record = gateway.get(f"/v1/generations?id={row['id']}").json()
    equal((record["pricing_lines"], record["estimated_usd"], record["verdict"]), ([], None, "unpriced"))
