"""GET key says what this key spent, and no other's; GET credits is the upstream's, in the words of the path.

parity: key-and-credits
"""
from harness import *

KEYS = ("vck_first", "vck_second")
for dialect in "vercel", "openrouter":
    with Sim() as sim, Gateway(sim, dialect=dialect) as gateway:
        for number in range(6):
            for position, key in enumerate(KEYS):
                if number < 4 or position == 0:
                    text = sim_text({"prompt_tokens": 1000 + number, "byok": number == 3,
                                     "surcharge": "0.0001"})
                    for _ in range(2):
                        equal(gateway.chat(text, key=key, cache=number % 2 == 0).status, 200)
        rows = gateway.settled_rows(20)
        key_ids = [gateway.get("/v1/generations?id=" + gateway.chat(
            "who", key=key).headers["x-generation-id"], key=key).json()["key_id"] for key in KEYS]
        rows = gateway.settled_rows(22)
        for key, key_id in zip(KEYS, key_ids):
            mine = [row for row in rows if row["key_id"] == key_id]
            billed = sum(Decimal(row["billed_usd"]) for row in mine)
            vendors = sum(Decimal(row["upstream_usd"] or 0) for row in mine if row["byok"] == "true")
            check(billed > 0 and vendors > 0, "something of each")
            for base in "/api/v1", "/v1":
                answer = gateway.get(f"{base}/key", key=key)
                data = answer.json()["data"]
                for name in "usage", "usage_daily", "usage_weekly", "usage_monthly":
                    equal(Decimal(data[name]), billed, f"{name} of {key}")
                    equal(Decimal(data["byok_" + name]), vendors, f"byok_{name} of {key}")
                check(key not in answer.body.decode(), "the key itself is nowhere")
                for name in ("label", "limit", "limit_remaining", "limit_reset", "is_free_tier",
                             "include_byok_in_limit", "is_management_key", "is_provisioning_key",
                             "creator_user_id", "expires_at", "rate_limit"):
                    check(name in data, f"{name}: {data}")
                check("no-store" in answer.headers["cache-control"], "nobody keeps it")
        stranger = gateway.get("/api/v1/key", key="vck_never_seen").json()["data"]
        equal((stranger["usage"], stranger["byok_usage"]), (0, 0))
        equal(gateway.get("/api/v1/key", key=None).status, 401)

        spent = Decimal(sim.stats()["spent"])
        own = gateway.get("/v1/credits").json()
        check(isinstance(own["balance"], str) and isinstance(own["total_used"], str), f"strings: {own}")
        data = gateway.get("/api/v1/credits").json()["data"]
        check(not isinstance(data["total_usage"], str), f"numbers: {data}")
        equal((Decimal(own["balance"]) + Decimal(own["total_used"]), Decimal(data["total_credits"])),
              (1000, 1000))
        equal(Decimal(own["total_used"]), Decimal(data["total_usage"]))
        check(abs(Decimal(own["total_used"]) - spent) < Decimal("0.00000001"), f"{own} {spent}")
        equal(gateway.get("/api/v1/credits", key=None).status, 401)

# A generic upstream has no credits to tell.
with Sim() as sim, Gateway(sim, dialect="openai") as gateway:
    for base in "/v1", "/api/v1":
        answer = gateway.get(f"{base}/credits")
        check(answer.status >= 400 and answer.json()["error"]["message"], f"{answer.status} {answer.body}")
