"""A FOCUS dataset adds up to the ledger to the last digit, in both versions and forms; its own
validator ran on it; savings on request; the same ledger gives the same bytes.

parity: focus-export
"""
from harness import *

MANDATORY = """BilledCost BillingAccountId BillingAccountName BillingCurrency BillingPeriodEnd BillingPeriodStart
    ChargeCategory ChargeClass ChargeDescription ChargePeriodEnd ChargePeriodStart ContractedCost EffectiveCost
    InvoiceIssuerName ListCost PricingQuantity PricingUnit ServiceCategory ServiceName""".split()
MODELS = ("openai/gpt-4.1-nano", "zai/glm-5.3")
UNPRICED = "openai/gpt-5"


def parse(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def total(lines, column):
    return sum((Decimal(line[column] or 0) for line in lines), Decimal(0))


def check_line(line):
    check(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:00:00Z", line["ChargePeriodStart"]), "hours")
    equal(line["BillingCurrency"], "USD")
    equal(Decimal(line["ListCost"]), Decimal(line["ListUnitPrice"]) * Decimal(line["PricingQuantity"]),
          "list cost")
    equal(Decimal(line["ContractedCost"]),
          Decimal(line["ContractedUnitPrice"]) * Decimal(line["PricingQuantity"]), "contracted cost")
    equal(line["EffectiveCost"], line["BilledCost"])
    check(line["SkuPriceId"].startswith(line["SkuId"] + "@"), "a price of its SKU")
    if line["PricingUnit"] == "1000000 Tokens":
        equal(Decimal(line["PricingQuantity"]) * 1000000, Decimal(line["ConsumedQuantity"]), "quantity")
    for cell in ("Tags", "SkuPriceDetails"):
        for value in json.loads(line[cell] or "{}").values():
            check(not isinstance(value, (dict, list)), "flat cells")


with open(PRICES, encoding="utf-8") as file:
    prices = json.load(file)
del prices["models"][UNPRICED]
CONFIG = {"ledger": {"account": "team-7", "account_name": "Team 7"}, "prices": {"file": "prices.json"}}

with Sim() as sim, Gateway(sim, CONFIG, files={"prices.json": json.dumps(prices)}) as gateway:
    for number in range(12):
        for _ in range(2):  # the second is a hit
            gateway.chat(sim_text({"prompt_tokens": 1000 + number, "completion_tokens": 77,
                                   "cached_tokens": 200}, str(number)),
                         cache=True, model=MODELS[number % 2], stream=number % 3 == 0,
                         headers={"ai-reporting-tags": "batch,b\"2"} if number % 4 == 0 else {})
    gateway.chat(sim_text({"surcharge": "0.0001"}))
    gateway.chat(sim_text({"byok": True, "surcharge": "0.0001"}))
    gateway.chat(sim_text({"billed": "0.123456789012345", "market": "0.123456789012345"}), model=UNPRICED)
    gateway.chat(sim_text({"status": 500}))
    rows = gateway.settled_rows(28)
    booked = total(rows, "booked_usd")

    text = gateway.export("--format", "focus")
    equal(gateway.export("--format", "focus"), text, "the same bytes")
    check("\r" not in text and not text.startswith("\ufeff"), "LF, no byte order mark")
    lines = parse(text)
    header = text.splitlines()[0].split(",")
    for name in MANDATORY + ["ProviderName", "PublisherName"]:
        check(name in header, f"{name} is mandatory")
    first_own = next(i for i, name in enumerate(header) if name.startswith("x_"))
    check(all(name.startswith("x_") for name in header[first_own:]), "ours come last")
    for line in lines:
        check_line(line)
        equal(line["BillingAccountId"], "team-7")
        equal(line["BillingAccountName"], "Team 7")
    equal(total(lines, "BilledCost"), booked, "billed is what was booked")
    equal(total(lines, "x_ReportedCost"), total(rows, "billed_usd") + total(rows, "upstream_usd"))

    # Every class has the ledger's tokens: of requests that have a price.
    priced = [row for row in rows if row["cache"] not in ("hit", "collapsed") and row["estimated_usd"]]
    check(len(priced) >= 14, "most are priced")

    def consumed(ending):
        return sum(int(line["ConsumedQuantity"]) for line in lines if line["SkuId"].endswith(ending))
    equal(consumed("/cache_read"), total(priced, "cached_tokens"))
    equal(consumed("/in_text") + consumed("/cache_read") + consumed("/cache_write_5m"),
          total(priced, "prompt_tokens"), "prompt tokens")
    equal(consumed("/out_text") + consumed("/out_reasoning"), total(priced, "completion_tokens"))

    # Grain: none twice, and in order.
    keys = [(line["ChargePeriodStart"], line["SubAccountId"], line["SkuPriceId"], line["Tags"],
             line["InvoiceIssuerName"], line["ListUnitPrice"]) for line in lines]
    equal(len(set(keys)), len(keys), "no grain twice")
    equal([key[:4] for key in keys], sorted((key[:4] for key in keys)), "in order")
    check(any(json.loads(line["Tags"] or "{}") == {"batch": True, "b\"2": True} for line in lines), "tags")

    unpriced = [line for line in lines if line["SkuId"] == UNPRICED + "/unpriced"]
    equal([(line["BilledCost"], line["PricingCategory"]) for line in unpriced],
          [("0.123456789012345", "Other")], "unpriced")
    fees = [line for line in lines if line["SkuId"] == "gateway/surcharge"]
    equal(total(fees, "BilledCost"), Decimal("0.0002"), "both surcharges")
    equal({line["InvoiceIssuerName"] for line in fees}, {"Vercel"})
    own = [row for row in rows if row["byok"] == "true"]
    vendors = [line for line in lines if line["InvoiceIssuerName"] != "Vercel"]
    equal(total(vendors, "BilledCost"), total(own, "upstream_usd"), "the vendor invoices own keys")

    # The other forms say the same.
    objects = [json.loads(line) for line in gateway.export("--format", "focus", "--jsonl").splitlines()]
    equal(len(objects), len(lines))
    for one, other in zip(objects, lines):
        equal(list(one), header, "names and order")
        for name in header:
            value = one[name]
            if isinstance(value, dict):
                equal(value, json.loads(other[name]), name)
            else:
                equal("" if value is None else str(value), other[name], name)
            check(not isinstance(value, float), f"{name} is no binary number")
    later = parse(gateway.export("--format", "focus", "--profile", "1.4"))
    check("ProviderName" not in later[0] and "PublisherName" not in later[0], "1.4 has them no more")
    check(all(line["ServiceProviderName"] and line["HostProviderName"] for line in later), "1.4 has these")
    equal(total(later, "BilledCost"), booked)

    # Savings: what hits would have cost, nothing billed.
    saving = [line for line in parse(gateway.export("--format", "focus", "--savings"))
              if line["SkuId"].endswith("/response-cache")]
    equal(total(saving, "BilledCost"), 0)
    equal(total(saving, "x_CacheAvoidedCost"), total(rows, "saved_usd"), "savings add up")
    equal({line["SkuId"].split("/")[-2] for line in saving}, {"in_text", "cache_read", "out_text"})

    # The validator's points are told; a report is compared, the file has its metadata.
    out = os.path.join(gateway.dir, "focus.csv")
    report = os.path.join(gateway.dir, "report.json")
    with open(report, "w", encoding="utf-8") as file:
        json.dump({"results": [{"model": MODELS[0], "total_cost": 5}]}, file)
    code, told, notes = tollgate("export", "-c", gateway.config, "--month", this_month(), "--format",
                                 "focus", "-o", out, "--report", report)
    equal((code, told), (0, ""), notes)
    equal(len(re.findall(r"^focus: point +\d+ ok", notes, re.M)), 14, notes)
    check(f"report {MODELS[0]}:" in notes and "1 of 1 models differ" in notes, notes)
    with open(out, encoding="utf-8", newline="") as file:
        equal(file.read(), text, "-o holds the same")
    with open(out + ".metadata.json", encoding="utf-8") as file:
        metadata = json.load(file)
    equal(metadata["FocusVersion"], "1.2")
    equal([column["ColumnName"] for column in metadata["ColumnDefinition"]], header, "metadata")
    equal(metadata["x_Lines"], len(lines))

    # What does not go together is misuse.
    for wrong in (("--format", "focus", "--by", "model"), ("--savings",), ("--profile", "1.4"),
                  ("--format", "focus", "--profile", "1.3"), ("--format", "focus", "--report")):
        code, told, notes = tollgate("export", "-c", gateway.config, "--month", this_month(), *wrong)
        equal((code, told), (2, ""), f"{wrong}: {notes}")
    code, told, notes = tollgate("export", "-c", gateway.config, "--month", this_month(), "--format",
                                 "focus", "--report", "/does/not/exist")
    equal((code, told), (1, ""), notes)
    equal(parse(gateway.export("--format", "focus", month="2020-02")), [], "a month without rows")
