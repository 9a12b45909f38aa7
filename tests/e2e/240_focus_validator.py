"""A validator of our own reads the FOCUS datasets of a varied month, in both versions and forms, and compares
them with the row export: the fourteen points of the reference, to the last digit.

The month is a past one: the gateway's clock is set back, so that there are several hours and days."""
from harness import *

LAST = month_before()
MODELS = {  # ours: what the gateway rates by
    "openai/gpt-4.1-nano": {"input": "0.0000001", "output": "0.0000004", "input_cache_read": "0.000000025"},
    "zai/glm-5.3": {"input": "0.0000014", "output": "0.0000044", "input_cache_read": "0.00000026",
                    "tiers": [{"above": 2000, "input": "0.0000028", "output": "0.0000066"}]},
    "anthropic/claude-haiku-4.5": {"input": "0.000001", "output": "0.000005", "input_cache_read": "0.0000001",
                                   "input_cache_write": "0.00000125", "input_cache_write_1h": "0.000002",
                                   "web_search": "0.01"},
    "openai/gpt-4.1-mini": {"input": "0.0000004", "output": "0.0000016", "reasoning": "0.0000017",
                            "service_tiers": {"flex": {"input": "0.0000002", "output": "0.0000008"},
                                              "priority": {"input": "0.0000007", "output": "0.0000028"}}},
    "openai/gpt-5-mini": {"input": "0.00000025", "output": "0.000002", "request": "0.0003", "multiplier": "0.85"},
    "meta/llama-3.3-70b": {"input": "0.00000072", "output": "0.00000072"},
    "openai/text-embedding-3-small": {"input": "0.00000002"}}
TRUTH = {name: {unit: price for unit, price in rates.items() if unit != "multiplier"}
         for name, rates in MODELS.items()}
TRUTH["openai/gpt-5"] = {"input": "0.00000125", "output": "0.00001"}  # and is unpriced for us
MANDATORY = """BilledCost BillingAccountId BillingCurrency BillingPeriodEnd BillingPeriodStart ChargeCategory
    ChargePeriodEnd ChargePeriodStart ContractedCost EffectiveCost InvoiceIssuerName ListCost PricingQuantity
    PricingUnit ServiceCategory ServiceName ChargeDescription ConsumedQuantity ConsumedUnit ListUnitPrice
    PricingCategory SkuId SkuPriceId SkuMeter SubAccountId SubAccountType ResourceId ResourceName ResourceType
    ServiceSubcategory ChargeFrequency ContractedUnitPrice""".split()  # with a value where there is no correction
NULLABLE = "BillingAccountName ChargeClass SkuPriceDetails SubAccountName RegionId RegionName Tags".split()
OF_12, OF_14 = ["ProviderName", "PublisherName"], ["ServiceProviderName", "HostProviderName"]
MONEY = ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost", "ListUnitPrice", "ContractedUnitPrice",
         "PricingQuantity", "ConsumedQuantity", "x_EstimatedCost", "x_ReportedCost", "x_Variance",
         "x_CacheAvoidedCost")
PLAIN = re.compile(r"-?(0|[1-9]\d*)(\.\d*[1-9])?")
UNITS = {"1000000 Tokens": ("Tokens", 1000000), "Requests": ("Requests", 1), "Images": ("Images", 1)}


def cells(text):
    """RFC 4180 by hand: rows of (value, was it quoted)."""
    rows, row, at = [], [], 0
    while at < len(text):
        if text[at] == '"':
            end = at + 1
            while text[end] != '"' or text[end:end + 2] == '""':
                end += 2 if text[end] == '"' else 1
            row.append((text[at + 1:end].replace('""', '"'), True))
            at = end + 1
        else:
            end = min(place for place in (text.find(",", at), text.find("\n", at)) if place >= 0)
            check('"' not in text[at:end], f"a quote inside of {text[at:end]!r}")
            row.append((text[at:end], False))
            at = end
        check(text[at] in ",\n", f"{text[at]!r} behind a cell")
        if text[at] == "\n":
            rows, row = rows + [row], []
        at += 1
    equal(row, [], "ends with its line")
    return rows


def unique_sorted(pairs):
    names = [name for name, _ in pairs]
    equal(names, sorted(set(names), key=str.encode), "JSON keys are sorted and unique")
    return dict(pairs)


def read_csv(text):
    check("\r" not in text and not text.startswith("\ufeff"), "LF and no byte order mark")
    head, *rows = cells(text)
    names = [name for name, _ in head]
    equal(len(set(names)), len(names), "no column twice")
    lines = []
    for row in rows:
        equal(len(row), len(names), "as many cells as columns")
        check(not any(value == "" and quoted for value, quoted in row), "null is unquoted")
        lines.append({name: value or None for name, (value, _) in zip(names, row)})
    return names, lines


def total(rows, column):
    return sum((Decimal(row[column]) for row in rows if row[column]), Decimal(0))


def instant(text):
    check(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text), text)
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))


def validate(names, lines, rows, profile, savings):
    wanted = MANDATORY + (OF_12 if profile == "1.2" else OF_14)
    missing = [name for name in wanted + NULLABLE if name not in names]
    equal(missing, [], f"{profile}: columns that are missing")                                        # 1
    for gone in OF_14 if profile == "1.2" else OF_12:
        check(gone not in names, f"{profile} does not have {gone}")
    own = [name.startswith("x_") for name in names]
    equal(own, sorted(own), "FOCUS columns come first")                                               # 11
    check(all(re.fullmatch(r"(x_)?[A-Z][A-Za-z]*", name) for name in names), "Pascal case")
    grain, parents = set(), {}
    first, end = instant(f"{LAST}-01T00:00:00Z"), instant(f"{this_month()}-01T00:00:00Z")
    for line in lines:
        empty = [name for name in wanted if line[name] is None]
        equal(empty, [], f"{line['SkuPriceId']}: null")
        equal([line[name] for name in ("BillingCurrency", "ChargeCategory", "ChargeClass", "ServiceCategory",
                                       "ServiceSubcategory", "ChargeFrequency", "ResourceType")],
              ["USD", "Usage", None, "AI and Machine Learning", "Generative AI", "Usage-Based", "Model"]
              if line["SkuId"] != "gateway/surcharge" else
              ["USD", "Usage", None, "AI and Machine Learning", "Generative AI", "Usage-Based",
               line["ResourceType"]])                                                                  # 2
        check(line["PricingCategory"] in ("Standard", "Dynamic", "Other"), line["PricingCategory"])
        equal((instant(line["BillingPeriodStart"]), instant(line["BillingPeriodEnd"])), (first, end))  # 3
        begin = instant(line["ChargePeriodStart"])
        check(begin % 3600 == 0 and instant(line["ChargePeriodEnd"]) == begin + 3600, "an hour")
        check(first <= begin < end, "within the month")
        for name in MONEY:
            if line.get(name) is not None:
                check(PLAIN.fullmatch(line[name]), f"{name} {line[name]!r}")
        number = {name: Decimal(line[name]) for name in MONEY[:8]}
        equal(number["ListUnitPrice"] * number["PricingQuantity"], number["ListCost"], "list cost")    # 4
        is_saving = line["SkuId"].endswith("/response-cache")
        if is_saving:
            check(savings, "savings only on request")
            equal((line["BilledCost"], line["EffectiveCost"], line["ContractedCost"]), ("0", "0", "0"))
        equal(number["ContractedUnitPrice"] * number["PricingQuantity"], number["ContractedCost"])     # 5
        equal(line["EffectiveCost"], line["BilledCost"])
        unit, size = UNITS[line["PricingUnit"]]                                                        # 8
        equal(line["ConsumedUnit"], unit)
        if line["SkuId"] == "gateway/surcharge" or line["SkuId"].endswith("/unpriced"):
            equal(line["PricingQuantity"], "1")  # of whatever number of requests
        else:
            equal(number["PricingQuantity"] * size, number["ConsumedQuantity"], "quantity")
        for column, cell in (("Tags", line["Tags"]), ("SkuPriceDetails", line["SkuPriceDetails"])):     # 10
            if cell is None:
                continue
            check("\n" not in cell, "one line")
            for name, value in json.loads(cell, object_pairs_hook=unique_sorted).items():
                check(value is None or isinstance(value, (str, int, bool)), "flat")
                check(column == "Tags" or (name.startswith("x_") and "rice" not in name), name)
        equal(parents.setdefault(line["SkuPriceId"], line["SkuId"]), line["SkuId"], "one parent")      # 12
        key = tuple(line[name] for name in names if name not in MONEY and not name.startswith("x_"))
        key += (line["ListUnitPrice"], line["ContractedUnitPrice"])
        check(key not in grain, f"twice: {key}")                                                       # 13
        grain.add(key)
    order = [[line[name] or "" for name in ("ChargePeriodStart", "BillingAccountId", "SubAccountId",
                                            "SkuPriceId", "Tags")] for line in lines]
    equal(order, sorted(order, key=lambda each: [part.encode() for part in each]), "in order")
    equal(total(lines, "BilledCost"), total(rows, "booked_usd"), "the sum of BilledCost")              # 6
    equal(total(lines, "x_ReportedCost"), total(rows, "billed_usd") + total(rows, "upstream_usd"))
    saved = [line for line in lines if line["SkuId"].endswith("/response-cache")]
    equal(total(saved, "x_CacheAvoidedCost"), total(rows, "saved_usd") if savings else 0)
    check_tokens([line for line in lines if line not in saved], rows)                                  # 7


def check_tokens(lines, rows):
    """Classes have the ledger's tokens, model by model, of the requests that have a price."""
    for model in {row["model"] for row in rows}:
        priced = [row for row in rows if row["model"] == model and row["estimated_usd"] and
                  row["cache"] not in ("hit", "collapsed")]
        got = {}
        for line in lines:
            if line["SkuId"].startswith(model + "/"):
                name = line["SkuId"].removeprefix(model + "/")
                got[name] = got.get(name, 0) + int(line["ConsumedQuantity"])

        def classes(*names):
            return sum(got.get(name, 0) for name in names)
        equal(classes("cache_read"), total(priced, "cached_tokens"), f"{model} cache reads")
        equal(classes("cache_write_5m", "cache_write_1h"), total(priced, "cache_write_tokens"), f"{model} writes")
        cached = [row for row in priced if row["api"] == "messages"]  # there prompt_tokens excludes these
        equal(classes("in_text", "cache_read", "cache_write_5m", "cache_write_1h"), total(priced, "prompt_tokens") +
              total(cached, "cached_tokens") + total(cached, "cache_write_tokens"), f"{model} prompts")
        equal(classes("out_text", "out_reasoning"), total(priced, "completion_tokens"), f"{model} completions")
        if "reasoning" in MODELS.get(model, ()):
            equal(classes("out_reasoning"), total(priced, "reasoning_tokens"), f"{model} reasoning")


def traffic(gateway, round_):
    def ask(model, behaviour, number=0, **more):
        text = sim_text({"prompt_tokens": 1000 + number, "completion_tokens": 70 + number % 9, **behaviour},
                        f" {round_} {number}")
        return gateway.chat(text, model=model, **{"key": "tg_other", **more})
    for number in range(12):
        for _ in range(2):  # the second is a hit
            ask(MODEL, {"cached_tokens": 37 * number}, number, cache=True, stream=number % 3 == 0,
                key="tg_shop" if number % 2 else "tg_ci",
                headers={"ai-reporting-tags": ("a", "b\"q,", "é")[number % 3], "X-Title": f"App {number % 2}"})
        ask("zai/glm-5.3", {"prompt_tokens": 1500 + 101 * number, "cached_tokens": 700}, number, key="tg_ci")
    for tier in "flex", "priority":
        ask("openai/gpt-4.1-mini", {"service_tier": tier, "reasoning_tokens": 33, "completion_tokens": 133})
    ask("openai/gpt-4.1-mini", {"reasoning_tokens": 21, "completion_tokens": 121})
    ask("openai/gpt-5-mini", {})
    ask("openai/gpt-5", {"billed": "0.123456789012345", "market": "0.123456789012345"})
    ask(MODEL, {"byok": True, "surcharge": "0.0001"}, 50)
    ask("zai/glm-5.3", {"byok": True}, 51)
    ask(MODEL, {"surcharge": "0.000123"}, 52)
    ask(MODEL, {"discount": 0.7}, 53)
    ask("zai/glm-5.3", {"market": "0.0017"}, 54)
    ask("meta/llama-3.3-70b", {}, 55)
    ask(MODEL, {"status": 500}, 56)
    ask(MODEL, {"prompt_tokens": 0, "completion_tokens": 0}, 57)
    for writes in ({"cache_write_tokens": 300}, {"cache_write_tokens": 500, "write_1h_tokens": 200},
                   {"cached_tokens": 400, "web_searches": 2, "generation": "never"}):
        gateway.post("/v1/messages", {"model": "anthropic/claude-haiku-4.5", "max_tokens": 100, "messages": [
            {"role": "user", "content": sim_text({"prompt_tokens": 1000, "completion_tokens": 50, **writes},
                                                 f" {round_}")}]}, key="tg_shop")
    gateway.post("/v1/responses", {"model": MODEL, "input": f"responses {round_}"}, key="tg_shop")
    gateway.post("/v1/embeddings", {"model": "openai/text-embedding-3-small", "input": f"{round_}"}, key="tg_ci")


def table(models):
    first, *rest = models
    return price_file(first, models[first], **{name: models[name] for name in rest})


directory = folder()
with open(os.path.join(directory, "truth.json"), "w", encoding="utf-8") as file:
    file.write(table(TRUTH))
with Sim("--prices", os.path.join(directory, "truth.json")) as sim:
    config = {
        "clients": [client("shop", project="Shop, \"EU\""), client("ci"), client("other")],
        "upstreams": [sim.upstream("one", api_key_env="TOLLGATE_E2E_KEY"),
                      sim.upstream("two", "openrouter", api_key_env="TOLLGATE_E2E_KEY", bills_as="Router, Inc."),
                      sim.upstream("plain", "openai", api_key_env="TOLLGATE_E2E_KEY")],
        "routes": [{"name": "zai", "models": ["zai/*"], "upstreams": ["two"]},
                   {"name": "meta", "models": ["meta/*"], "upstreams": ["plain"]},
                   {"name": "rest", "upstreams": ["one"]}],
        "ledger": {"account": "team, 7", "account_name": "Team \"7\""}, "prices": {"file": "prices.json"}}
    files, data = {"prices.json": table(MODELS)}, None
    for round_, (day, at) in enumerate(((3, "10:59:50"), (3, "23:00:00"), (28, "00:30:00"))):
        environment = {"TOLLGATE_E2E_KEY": OWN_KEY, **clock(LAST, day, at)}
        with Gateway(sim, config, files=files, env=environment, data=data) as gateway:
            for _ in range(1 if round_ else 2):
                traffic(gateway, round_)

            def settled():
                rows = gateway.rows(month=LAST)
                return "pending" not in [row["verdict"] for row in rows]
            wait_for(settled, "settled rows")
            data = gateway.data
rows = gateway.rows(month=LAST)  # nothing changes them now
check(len(rows) > 150 and {"miss", "hit", "off"} <= {row["cache"] for row in rows}, "a varied month")
check({"matched", "over", "under", "unpriced", "free", "failed", "unreported"} <=
      {row["verdict"] for row in rows}, f"verdicts: {sorted({row['verdict'] for row in rows})}")


def export(*arguments):
    code, out, err = tollgate("export", "-c", gateway.config, "--month", LAST, "--format", "focus", *arguments)
    equal(code, 0, err)
    return out


for profile in "1.2", "1.4":
    for savings in (), ("--savings",):
        what = ("--profile", profile, *savings)
        text = export(*what)
        equal(export(*what), text, "the same bytes")
        names, lines = read_csv(text)
        validate(names, lines, rows, profile, bool(savings))
        objects = [json.loads(line, parse_float=Decimal, object_pairs_hook=lambda pairs: dict(pairs))
                   for line in export(*what, "--jsonl").splitlines()]
        equal(len(objects), len(lines), "as many objects")
        for one, line in zip(objects, lines):
            equal(list(one), names)
            for name, value in one.items():
                check(value != "", f"{name} is empty")
                if isinstance(value, dict):
                    equal(value, json.loads(line[name]), name)
                else:
                    equal(None if value is None else str(value), line[name], name)
                check(name not in MONEY[:6] or isinstance(value, str), f"{name} is a string")

names, lines = read_csv(export())
for line in lines:
    equal((line["BillingAccountId"], line["BillingAccountName"]), ("team, 7", "Team \"7\""))
equal({line["SubAccountId"] for line in lines}, {row["project"] or row["client"] for row in rows if row["booked_usd"]
      and Decimal(row["booked_usd"]) > 0}, "sub-accounts")
own = [row for row in rows if row["byok"] == "true" and Decimal(row["upstream_usd"] or 0) > 0]
by_vendor = {}
for line in lines:
    by_vendor[line["InvoiceIssuerName"]] = by_vendor.get(line["InvoiceIssuerName"], 0) + Decimal(line["BilledCost"])
check("Vercel" in by_vendor and "Router, Inc." in by_vendor, f"issuers: {by_vendor}")
check(len(own) >= 6 and sum(by_vendor.values()) == total(rows, "booked_usd"), "who invoices")
equal(by_vendor["Router, Inc."], sum(Decimal(row["billed_usd"]) for row in rows
                                     if row["upstream"] == "two" and row["billed_usd"]), "what the router bills")
fees = [line for line in lines if line["SkuId"] == "gateway/surcharge"]
check(fees and {line["InvoiceIssuerName"] for line in fees} <= {"Vercel", "Router, Inc."}, "the gateway's fees")
unpriced = [line for line in lines if line["SkuId"] == "openai/gpt-5/unpriced"]
count = len([row for row in rows if row["model"] == "openai/gpt-5"])
equal(total(unpriced, "BilledCost"), count * Decimal("0.123456789012345"), "unpriced")
equal({(line["PricingUnit"], line["PricingCategory"]) for line in unpriced}, {("Requests", "Other")})
flex = [line for line in lines if "@flex" in line["SkuPriceId"]]
check(flex and {line["PricingCategory"] for line in flex} == {"Dynamic"}, "flex moves")
check(any("+>" in line["SkuPriceId"] for line in lines), "a tier")
# The tool's own file, and the gateway's report by model: differences are told.
out, report = os.path.join(directory, "focus.csv"), os.path.join(directory, "report.json")
by_model = {}
for row in rows:
    if row["billed_usd"] and row["upstream"] == "one":
        by_model[row["model"]] = by_model.get(row["model"], 0) + Decimal(row["billed_usd"])
with open(report, "w", encoding="utf-8") as file:
    json.dump({"results": [{"model": model, "total_cost": str(cost + (model == "openai/gpt-5"))}
                           for model, cost in by_model.items()]}, file)
code, told, notes = tollgate("export", "-c", gateway.config, "--month", LAST, "--format", "focus", "-o", out,
                             "--report", report)
equal((code, told, len(re.findall(r"^focus: point +\d+ ok", notes, re.M))), (0, "", 14), notes)       # 14
check("openai/gpt-5:" in notes, notes)
with open(out, encoding="utf-8", newline="") as file:
    equal(read_csv(file.read()), (names, lines))
with open(out + ".metadata.json", encoding="utf-8") as file:
    metadata = json.load(file)
equal([column["ColumnName"] for column in metadata["ColumnDefinition"]], names, "the metadata's columns")
