"""tollgate rerate: under the table that rated the month nothing differs, under doubled prices all doubles, a model
that the other table does not have is named and not free; and the ledger is the same before and after."""
from harness import *

MODELS = {
    "openai/gpt-4.1-nano": {"input": "0.0000001", "output": "0.0000004", "input_cache_read": "0.000000025"},
    "zai/glm-5.3": {"input": "0.0000014", "output": "0.0000044",
                    "tiers": [{"above": 2000, "input": "0.0000028", "output": "0.0000066"}]},
    "anthropic/claude-haiku-4.5": {"input": "0.000001", "output": "0.000005", "input_cache_read": "0.0000001",
                                   "input_cache_write": "0.00000125", "input_cache_write_1h": "0.000002"},
    "openai/gpt-4.1-mini": {"input": "0.0000004", "output": "0.0000016",
                            "service_tiers": {"flex": {"input": "0.0000002", "output": "0.0000008"}}},
    "meta/llama-3.3-70b": {"input": "0.00000072", "output": "0.00000072", "request": "0.001"},
    "openai/text-embedding-3-small": {"input": "0.00000002"}}
SUMS = ("then_usd", "now_usd", "difference_usd")


def table(models):
    (first, rates), *rest = models.items()
    return price_file(first, rates, **dict(rest))


def doubled(rates):
    return {name: [doubled(each) for each in value] if name == "tiers" else
            {tier: doubled(each) for tier, each in value.items()} if name == "service_tiers" else
            str(2 * Decimal(value)) if name != "above" else value for name, value in rates.items()}


def rerate(gateway, models, *arguments):
    path = os.path.join(folder(), "other.json")
    with open(path, "w", encoding="utf-8") as file:
        file.write(table(models) if isinstance(models, dict) else models)
    return tollgate("rerate", "-c", gateway.config, "--month", this_month(), "--prices", path, *arguments)


def read(gateway, models):
    code, out, err = rerate(gateway, models, "--json")
    equal((code, err), (0, ""), "rerate")
    found = json.loads(out, parse_float=Decimal)
    for name in SUMS:
        equal(Decimal(found["totals"][name] or 0),
              sum((Decimal(one[name]) for one in found["models"] if one[name]), Decimal(0)), f"sum of {name}")
    return found["totals"], {one["model"]: one for one in found["models"]}


def total(rows, column):
    return sum((Decimal(row[column]) for row in rows if row[column]), Decimal(0))


def everything(gateway):
    return [gateway.export(*form) for form in ((), ("--format", "jsonl"), ("--format", "focus"), ("--by", "model,day"))]


with Sim() as sim:
    config = {"upstreams": [sim.upstream("one"), sim.upstream("two", "openrouter"), sim.upstream("plain", "openai")],
              "routes": [{"name": "zai", "models": ["zai/*"], "upstreams": ["two"]},
                         {"name": "meta", "models": ["meta/*"], "upstreams": ["plain"]},
                         {"name": "rest", "upstreams": ["one"]}], "prices": {"file": "prices.json"},
              "ledger": {"confirm": False}}
    with Gateway(sim, config, files={"prices.json": table(MODELS)}) as gateway:
        for number in range(4):
            for model in "openai/gpt-4.1-nano", "zai/glm-5.3", "openai/gpt-4.1-mini", "meta/llama-3.3-70b":
                for _ in range(2):
                    gateway.chat(sim_text({"prompt_tokens": 1500 + 400 * number, "completion_tokens": 99,
                                           "cached_tokens": 50, **({"service_tier": "flex"} if number == 3 and
                                                                   "mini" in model else {})}, f"{number}"),
                                 model=model, cache=number == 1)
        for writes in ({"cache_write_tokens": 500, "write_1h_tokens": 200}, {"cached_tokens": 400}):
            gateway.post("/v1/messages", {"model": "anthropic/claude-haiku-4.5", "max_tokens": 100, "messages": [
                {"role": "user", "content": sim_text({"prompt_tokens": 1000, "completion_tokens": 50, **writes})}]})
        gateway.post("/v1/embeddings", {"model": "openai/text-embedding-3-small", "input": "hello"})
        gateway.chat("an unpriced one", model="openai/gpt-5")
        gateway.chat(sim_text({"status": 500}))
        rows = gateway.settled_rows(37)
        before = everything(gateway)

        paid = [row for row in rows if row["cache"] not in ("hit", "collapsed") and row["verdict"] != "failed"]
        hits = [row for row in rows if row["cache"] == "hit"]
        equal(len(hits), 4, "hits")
        totals, models = read(gateway, MODELS)
        wrong = [(name, one["not_priced"]) for name, one in models.items() if one["not_priced"] and name != "openai/gpt-5"]
        equal(wrong, [], "the table that rated them prices them all")
        equal([Decimal(totals[name]) for name in SUMS], [total(paid, "estimated_usd")] * 2 + [0], "the same table")
        for name, one in models.items():
            of = [row for row in paid if row["model"] == name]
            equal(Decimal(one["then_usd"] or 0), total(of, "estimated_usd"), name)
            equal(one["requests"], len(of), name)
        equal(totals["not_priced"], 1, "openai/gpt-5")
        equal(totals["hits"], 4)
        equal(Decimal(totals["avoided_now_usd"]), Decimal(totals["avoided_then_usd"]), "what hits avoided")

        totals, models = read(gateway, {name: doubled(rates) for name, rates in MODELS.items()})
        equal([Decimal(totals[name]) for name in SUMS],
              [total(paid, "estimated_usd"), 2 * total(paid, "estimated_usd"), total(paid, "estimated_usd")], "doubled")
        equal(Decimal(totals["avoided_now_usd"]), 2 * Decimal(totals["avoided_then_usd"]))
        less = {name: rates for name, rates in MODELS.items() if name != MODEL}
        totals, models = read(gateway, {**less, "openai/gpt-5": {"input": "0.000001", "output": "0.000002"}})
        nano = [row for row in paid if row["model"] == MODEL]
        equal((models[MODEL]["not_priced"], Decimal(models[MODEL]["not_priced_then_usd"])),
              (len(nano), total(nano, "estimated_usd")), "not free")
        equal(models["openai/gpt-5"]["newly_priced"], 1)
        for each in hits:
            check(each["model"], "hits have a model")
        text = rerate(gateway, MODELS)
        check(text[0] == 0 and this_month() in text[1] and MODEL in text[1], text)
        equal(everything(gateway), before, "nothing changed")
        for wrong in "{", "[]", '{"format": 9, "models": {}}', json.dumps({"format": 2, "models": {"a/b": [{"from": 1}]}}):
            code, out, err = rerate(gateway, wrong)
            check((code, out) == (1, "") and "other.json" in err, f"{wrong}: {code} {out} {err}")
equal(everything(gateway), before, "and nothing when it has stopped")
totals, models = read(gateway, MODELS)
equal(Decimal(totals["difference_usd"]), 0)
