"""A correction of a closed month is no spending of the month that it stands in, also after a restart. The clocks are set."""
from harness import *

BIG = "openai/gpt-5"
LAST, NOW = month_before(), this_month()
LAST_DAY = calendar.monthrange(*map(int, LAST.split("-")))[1]
BEFORE, AFTER = clock(LAST, LAST_DAY, "23:58:00"), clock(NOW, 1, "00:00:30")
OURS = price_file(BIG, {"input": "0.00000125", "output": "0.00001"})
with Sim() as sim:
    def gateway_at(when, data=None):
        return Gateway(sim, {"clients": [client("c", budget_per_month="5")], "prices": {"file": "own.json"}},
                       files={"own.json": OURS}, own_key=OWN_KEY, env=when, data=data)

    def spent(gateway):
        answer = gateway.post("/v1/chat/completions", {"model": BIG, "max_tokens": 9999999, "messages": [
            {"role": "user", "content": "x"}]}, key="tg_c")
        equal(answer.status, 402, answer.body)
        metadata = answer.json()["error"]["metadata"]
        return Decimal(metadata["spent_usd"]), Decimal(metadata["held_usd"])

    with gateway_at(BEFORE) as gateway:
        late = gateway.chat(sim_text({"no_cost": True, "generation": 9000, "billed": "0.5"}), model=BIG,
                            max_tokens=1200, key="tg_c")
        wait_for(lambda: len(gateway.rows(month=LAST)) == 1, "its row")
        tollgate("keys", "signing", "-c", gateway.config, env=BEFORE)
    code, _, err = tollgate("close", "-c", gateway.config, "--month", LAST, "--with-pending", env=AFTER)
    equal(code, 0, err)
    with gateway_at(AFTER, gateway.data) as second:
        equal(second.chat(sim_text({"billed": "0.25"}), model=BIG, max_tokens=1200, key="tg_c").status, 200)
        equal(spent(second), (Decimal("0.25"), 0))
        def corrected():
            return [row for row in second.rows(month=NOW) if row["source_id"] == late.headers["x-generation-id"]]
        wait_for(corrected, "the correction")
        equal(spent(second), (Decimal("0.25"), 0), "a correction")
    with gateway_at(AFTER, gateway.data) as third:
        equal(spent(third), (Decimal("0.25"), 0), "a correction, after a restart")
