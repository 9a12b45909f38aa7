"""Rows are rated by the version in force at the request's start; no price is no price, not zero."""
from harness import *

USE = {"prompt_tokens": 1000, "completion_tokens": 250}


def entry(since, read, write, **more):
    return {"from": since, "input": read, "output": write, **more}


# The simulator charges openai/gpt-4.1-nano 0.0000001 and 0.0000004: 0.0002.
def table(*entries):
    return json.dumps({"format": 2, "models": {MODEL: list(entries)}})


RIGHT = ("0.0000001", "0.0000004")
CASES = [
    ("an older price no longer holds",
     [entry("2020-01-01T00:00:00Z", "1", "1"), entry("2026-01-01T00:00:00Z", *RIGHT)],
     "matched", "0.0002"),
    ("a later price does not hold yet",
     [entry("2999-01-01T00:00:00Z", "1", "1"), entry("2026-01-01T00:00:00Z", *RIGHT)],
     "matched", "0.0002"),
    ("only later prices", [entry("2999-01-01T00:00:00Z", *RIGHT)], "unpriced", ""),
    ("a price that has ended",
     [entry("2026-01-01T00:00:00Z", *RIGHT), {"from": "2026-02-01T00:00:00Z"}], "unpriced", ""),
    ("tiers are strict",
     [entry("2026-01-01T00:00:00Z", *RIGHT, tiers=[{"above": 1000, "input": "1"}])],
     "matched", "0.0002"),
    ("tiers hold for the whole request",
     [entry("2026-01-01T00:00:00Z", "1", "1", tiers=[{"above": 999, "input": RIGHT[0],
                                                      "output": RIGHT[1]}])],
     "matched", "0.0002"),
    ("a service tier of others does not count",
     [entry("2026-01-01T00:00:00Z", *RIGHT, service_tiers={"flex": {"input": "1"}})],
     "matched", "0.0002"),
    ("off-peak all day long",
     [entry("2026-01-01T00:00:00Z", "1", "1", off_peak=[
         {"utc": "00:00-00:00", "input": RIGHT[0], "output": RIGHT[1]}])],
     "matched", "0.0002"),
    ("a multiplier is applied once to the sum",
     [entry("2026-01-01T00:00:00Z", "0.0000002", "0.0000008", multiplier="0.5")],
     "matched", "0.0002"),
]

for what, entries, verdict, estimated in CASES:
    with Sim() as sim, Gateway(sim, {"prices": {"file": "own.json"}},
                               files={"own.json": table(*entries)}) as gateway:
        row, = gateway.rows_of([gateway.chat(sim_text(USE))])
        equal((row["verdict"], row["estimated_usd"]), (verdict, estimated), what)
        equal(row["booked_usd"], "0.0002", what)
