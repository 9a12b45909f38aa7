"""JSON lines have the CSV's names with decimals as strings; --by sums exactly over its groups."""
from harness import *

MODELS = ("openai/gpt-4.1-nano", "openai/gpt-5", "zai/glm-5.3")
SUMS = ("prompt_tokens", "completion_tokens", "cached_tokens", "cache_write_tokens",
        "reasoning_tokens", "billed_usd", "upstream_usd", "market_usd", "estimated_usd", "booked_usd",
        "difference_usd", "saved_usd")

with Sim() as sim, Gateway(sim) as gateway:
    for number in range(24):
        gateway.chat(f"{number % 8}", cache=True, model=MODELS[number % 3],
                     key=f"vck_{number % 2}", stream=number % 5 == 0)
    gateway.chat(sim_text({"byok": True, "surcharge": "0.0001"}))
    gateway.chat(sim_text({"status": 500}))
    rows = gateway.settled_rows(26)

    lines = [json.loads(line, parse_float=Decimal)
             for line in gateway.export("--format", "jsonl").splitlines()]
    equal(len(lines), 26)
    for line, row in zip(lines, rows):
        equal(list(line), list(row), "names and order")
        for name, value in row.items():
            if name.endswith("_usd"):
                check(line[name] is None or isinstance(line[name], str), "decimals as strings")
                equal(line[name] or "", value, name)
            elif isinstance(line[name], bool):
                equal(str(line[name]).lower(), value, name)
            elif isinstance(line[name], list):
                equal(line[name], json.loads(value or "[]"), name)
            else:
                equal(str("" if line[name] is None else line[name]), value, name)

    def group(*names):
        columns = {"model": "model", "key": "key_id", "provider": "provider", "api": "api"}
        return lambda row: tuple(row["created_at"][:10] if name == "day" else row[columns[name]]
                                 for name in names)
    for by in ("model",), ("key",), ("day",), ("model", "key"), ("day", "model"):
        wanted = {}
        for row in rows:
            sums = wanted.setdefault(group(*by)(row), dict.fromkeys(("requests", "hits") + SUMS, 0))
            sums["requests"] += 1
            sums["hits"] += row["cache"] in ("hit", "collapsed")
            for name in SUMS:
                sums[name] += Decimal(row[name] or 0)
        text = gateway.export("--by", ",".join(by))
        header = text.splitlines()[0].split(",")
        heads = [{"key": "key_id"}.get(name, name) for name in by]
        equal(header[:len(by) + 2], heads + ["requests", "hits"], "the first columns")
        check(set(SUMS) <= set(header), f"sums of {set(SUMS) - set(header)}")
        got = {tuple(line[name] for name in heads): line
               for line in csv.DictReader(io.StringIO(text))}
        equal(set(got), set(wanted), f"groups by {by}")
        for key, sums in wanted.items():
            for name, value in sums.items():
                equal(Decimal(got[key][name] or 0), value, f"{name} of {key}")
