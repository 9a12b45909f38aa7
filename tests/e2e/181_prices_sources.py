"""tollgate prices import: each public list, and the rates that a request gets from it."""
from harness import *

DIR = folder()


def imported(source, tree, *more):
    """(path of the table, what the import told)"""
    path, table = os.path.join(DIR, f"{source}.list"), os.path.join(DIR, f"{source}.json")
    with open(path, "w", encoding="utf-8") as file:
        file.write(tree if isinstance(tree, str) else json.dumps(tree))
    code, _, err = tollgate("prices", "import", source, path, "--from", "2026-07-01", "--replace",
                            "-o", table, *more)
    equal(code, 0, err)
    return table, err


def rates(table, model, *more):
    code, out, err = tollgate("prices", "show", table, model, *(more or ("--prompt", "0")))
    equal(code, 0, err)
    return {line.split()[0]: line.split()[1] for line in out.splitlines() if line.startswith("  ")}


# LiteLLM: thresholds, then service tiers; hours; numbers in any notation.
table, told = imported("litellm", """{
  "sample_spec": {"input_cost_per_token": "a number"},
  "acme-1": {"litellm_provider": "acme", "mode": "chat", "max_tokens": 8192,
    "input_cost_per_token": 1e-06, "output_cost_per_token": "4e-06",
    "cache_creation_input_token_cost_above_1hr": 0.000002,
    "input_cost_per_token_above_200k_tokens": 2e-06, "input_cost_per_token_priority": 3e-06,
    "input_cost_per_token_above_200k_tokens_priority": 6.0000000000000001e-06,
    "output_cost_per_token_flex": 2e-06, "input_cost_per_second": 0.01,
    "regional_endpoint_uplift_multiplier": 1.1,
    "off_peak_pricing": {"hours_utc": "16:30-00:30", "input_cost_per_token": 5e-07}}}""")
check("acme-1: input_cost_per_second: not used" in told, told)
check("acme-1: regional_endpoint_uplift_multiplier: not used" in told, told)
check("6.0000000000000001e-06 read as 0.000006 (binary noise)" in told, told)
NOON = ("--at", "2026-07-02T12:00:00Z")
for more, wanted in ((("--prompt", "200000"), "0.000001"), (("--prompt", "200001"), "0.000002"),
                     (("--tier", "priority"), "0.000003"), (("--tier", "fast"), "0.000003"),
                     (("--tier", "priority", "--prompt", "200001"), "0.000006"),
                     (("--tier", "flex"), "0.000001"), (("--tier", "unheard-of"), "0.000001")):
    equal(rates(table, "acme-1", *NOON, *more)["input"], wanted, f"input of {more}")
equal(rates(table, "acme-1", *NOON, "--tier", "flex")["output"], "0.000002")
for at, wanted in (("16:29:59", "0.000001"), ("16:30:00", "0.0000005"), ("00:29:59", "0.0000005"),
                   ("00:30:00", "0.000001")):
    equal(rates(table, "acme-1", "--prompt", "0", "--at", f"2026-07-02T{at}Z")["input"], wanted, at)
equal(rates(table, "acme-1")["input_cache_write_1h"], "0.000002")

# OpenRouter: overrides by prompt size and by the hour, a discount, a router without a price.
table, told = imported("openrouter", {"data": [
    {"id": "acme/m-1", "pricing": {
        "prompt": "0.000003", "completion": "0.000015", "input_cache_read": "0.0000003",
        "web_search": "0.01", "input_audio_cache": "0.0000001", "discount": 0.1,
        "overrides": [{"min_prompt_tokens": 200000, "prompt": "0.000006",
                       "completion": "0.0000225"},
                      {"utc_start": 100, "utc_end": 200, "input_cache_read": "0.0000001"}]}},
    {"id": "acme/auto", "pricing": {"prompt": "-1", "completion": "-1"}}]})
check("acme/m-1: input_audio_cache: not used" in told, told)
check("acme/auto: prompt: below 0: not used" in told, told)
equal(rates(table, "acme/m-1", "--prompt", "200001", *NOON),
      {"input": "0.000006", "output": "0.0000225", "input_cache_read": "0.0000003",
       "web_search": "0.01"})
equal(rates(table, "acme/m-1", "--prompt", "1", "--at", "2026-07-02T01:00:00Z")["input_cache_read"],
      "0.0000001")
check("multiplied by 0.9" in tollgate("prices", "show", table, "acme/m-1")[1], "the discount")
equal(tollgate("prices", "show", table, "acme/auto")[0], 1, "a router's price")

# models.dev: USD for a million, exactly; modes; one provider alone.
tree = {"acme": {"models": {"m-1": {
    "cost": {"input": 1.1, "output": 4.4, "cache_read": 0.275, "context_over_200k": {"input": 2.2},
             "tiers": [{"input": 2.2, "tier": {"type": "context", "size": 200000}}]},
    "experimental": {"modes": {"fast": {"cost": {"input": 6.6}}}}}}},
    "shop": {"models": {"acme/m-1": {"cost": {"input": 9, "output": 9}}}}}
table, told = imported("models.dev", tree)
check("2 models, 2 with a price; 2 new" in told and "0 notes" in told, told)
equal(rates(table, "acme/m-1", "--prompt", "1"),
      {"input": "0.0000011", "output": "0.0000044", "input_cache_read": "0.000000275"})
equal(rates(table, "acme/m-1", "--prompt", "200001")["input"], "0.0000022")
equal(rates(table, "acme/m-1", "--tier", "fast")["input"], "0.0000066")
equal(rates(table, "shop/acme/m-1")["input"], "0.000009")
table, _ = imported("models.dev", tree, "--provider", "shop")
equal(rates(table, "acme/m-1")["input"], "0.000009")
