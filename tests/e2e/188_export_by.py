"""--by groups by each of its eleven keys and by several at once, in CSV and JSON lines: the sums are
those of the rows, and overlap is told. A closed month's export has its head beside it."""
from harness import *

SUMS = ("prompt_tokens", "completion_tokens", "cached_tokens", "cache_write_tokens",
        "reasoning_tokens", "billed_usd", "upstream_usd", "market_usd", "estimated_usd", "booked_usd",
        "difference_usd", "saved_usd")
COLUMN = {"key": "key_id", "tag": "tag", "day": "day"}
KEYS = "model provider key client project user app tag day upstream api".split()
MODELS = ("openai/gpt-4.1-nano", "zai/glm-5.3")
CLIENTS = [{"name": name, "key_hash": "sha256:" + hashlib.sha256(f"tg_{name}".encode()).hexdigest(), **more}
           for name, more in (("shop", {"project": "Shop, \"EU\""}), ("ci", {}))]


def values_of(row, key):
    """What a row counts under; a request with several tags in each of them."""
    if key == "tag":
        return sorted(set(json.loads(row["tags"] or "[]"))) or [""]
    if key == "day":
        return [row["created_at"][:10]]
    return [row[COLUMN.get(key, key)]]


def groups(rows, keys):
    found = {}
    for row in rows:
        places = [()]
        for key in keys:
            places = [place + (value,) for place in places for value in values_of(row, key)]
        for place in places:
            sums = found.setdefault(place, {"requests": 0, "hits": 0, **dict.fromkeys(SUMS)})
            sums["requests"] += 1
            sums["hits"] += row["cache"] in ("hit", "collapsed")
            for name in SUMS:
                if row[name] != "":
                    sums[name] = (sums[name] or 0) + Decimal(row[name])
    return found


def check_groups(gateway, rows, keys):
    heads = [COLUMN.get(key, key) for key in keys]
    wanted = groups(rows, keys)
    arguments = ["export", "-c", gateway.config, "--month", this_month(), "--by", ",".join(keys)]
    code, text, notes = tollgate(*arguments)
    equal(code, 0, notes)
    equal("count in each" in notes, "tag" in keys, f"{keys}: {notes}")
    equal(text.split("\n")[0].split(","), [*heads, "requests", "hits", *SUMS], "columns")
    lines = list(csv.DictReader(io.StringIO(text, newline="")))
    places = [tuple(line[head] for head in heads) for line in lines]
    equal(places, sorted(wanted, key=lambda place: [value.encode() for value in place]), f"{keys}: sorted")
    code, text, notes = tollgate(*arguments, "--format", "jsonl")
    equal(code, 0, notes)
    objects = [json.loads(line) for line in text.splitlines()]
    equal(len(objects), len(lines), "as many groups")
    for line, one, place in zip(lines, objects, places):
        equal(list(one), list(line), "the same names")
        for name, value in wanted[place].items():
            equal(Decimal(line[name]) if line[name] else None, value, f"{place} {name}")
            equal(Decimal(one[name]) if one[name] is not None else None, value, f"{place} {name}")
            check(name not in SUMS[5:] or not isinstance(one[name], (int, float)), "decimals as strings")


with Sim() as sim, Gateway(sim, {"clients": CLIENTS, "upstreams": [
        sim.upstream("one", api_key_env="TOLLGATE_E2E_KEY"),
        sim.upstream("two", "openrouter", api_key_env="TOLLGATE_E2E_KEY")],
        "routes": [{"name": "zai", "models": ["zai/*"], "upstreams": ["two"]},
                   {"name": "rest", "upstreams": ["one"]}]},
        env={"TOLLGATE_E2E_KEY": OWN_KEY}) as gateway:
    for number in range(24):
        headers = {"X-Title": f"App {number % 3}"} if number % 4 else {}
        if number % 3:
            headers["ai-reporting-tags"] = ("a,b", "b", "a,c\"d")[number % 2 + (number % 5 == 0)]
        gateway.chat(f"{number % 6}", cache=True, model=MODELS[number % 2], headers=headers,
                     key="tg_shop" if number % 6 < 3 else "tg_ci", user=f"user-{number % 4}")
    for number in range(3):
        gateway.post("/v1/embeddings", {"model": "openai/text-embedding-3-small", "input": f"{number}"}, key="tg_ci")
    gateway.chat(sim_text({"status": 500}), key="tg_shop")
    rows = gateway.settled_rows(28)
    for column in ("client", "project", "user", "app", "provider", "upstream", "api"):
        check(len({row[column] for row in rows}) > 1, f"{column} differs")
    for key in KEYS:
        check_groups(gateway, rows, [key])
    for keys in (["client", "model"], ["tag", "day", "user"], ["upstream", "api", "provider"], KEYS):
        check_groups(gateway, rows, keys)
    for wrong in ("nonsense", "model,nonsense", "model,model", "key_id"):
        code, text, notes = tollgate("export", "-c", gateway.config, "--month", this_month(), "--by", wrong)
        equal((code, text), (2, ""), notes)
        check("--by" in notes, notes)

    # Last month can be closed; its export then has its head.
    year, month = map(int, this_month().split("-"))
    last = f"{year - (month == 1):04d}-{(month - 2) % 12 + 1:02d}"
    out = os.path.join(gateway.dir, "last.csv")
    gateway.export("-o", out, month=last)
    check(not os.path.exists(out + ".head"), "an open month has no head")
gateway_config = gateway.config
code, text, notes = tollgate("keys", "signing", "-c", gateway_config)
equal(code, 0, notes)
code, text, notes = tollgate("close", "-c", gateway_config, "--month", last)
equal(code, 0, notes)
for form in ("csv", "jsonl"):
    code, text, notes = tollgate("export", "-c", gateway_config, "--month", last, "--format", form, "-o", out)
    equal((code, text), (0, ""), notes)
    check(f"{last} is closed" in notes and out + ".head" in notes, notes)
    with open(out + ".head", encoding="utf-8") as file:
        head = file.read()
    check(head.startswith("tollgate ledger head 1\nmonth " + last) and "\nsignature " in head, head)
    os.remove(out + ".head")
