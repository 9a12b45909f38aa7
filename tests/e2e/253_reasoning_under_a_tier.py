"""Reasoning tokens have their own price where the table has one; under a service tier they cost that tier's output
rate (reference/pricing-and-focus 3, rule 4), unless the tier has a reasoning price of its own."""
from harness import *

BASE = {"input": "0.000001", "output": "0.000004", "reasoning": "0.000005"}
TIERS = {"service_tiers": {"flex": {"input": "0.0000005", "output": "0.000002"},
                           "priority": {"input": "0.000002", "output": "0.000008", "reasoning": "0.00001"}}}
CASES = ((None, "0.000001", "0.000004", "0.000005"), ("flex", "0.0000005", "0.000002", "0.000002"),
         ("priority", "0.000002", "0.000008", "0.00001"))

with Sim() as sim, Gateway(sim, {"prices": {"file": "prices.json"}, "ledger": {"confirm": False}},
                           files={"prices.json": price_file("openai/gpt-5-mini", {**BASE, **TIERS})}) as gateway:
    for tier, into, out, thought in CASES:
        answer = gateway.chat(sim_text({"prompt_tokens": 1000, "completion_tokens": 300, "reasoning_tokens": 120,
                                        "market": "0.001", "billed": "0.001",
                                        **({"service_tier": tier} if tier else {})}), model="openai/gpt-5-mini")
        row = gateway.rows_of_id(answer.headers["x-generation-id"])
        equal(Decimal(row["estimated_usd"]), 1000 * Decimal(into) + 180 * Decimal(out) + 120 * Decimal(thought),
              f"tier {tier}")
