"""A budget's holds: in each dialect's words 402 when a request cannot fit, 429 when it waited too long for
others; an unknown cost stays held until its record comes; a call dearer than its bound is booked all the same."""
from harness import *

BIG = "openai/gpt-5"
COUNTS = {"prompt_tokens": 9, "completion_tokens": 1000}
PATHS = ("/v1/chat/completions", "/v1/messages", "/v1/responses", "/api/v1/chat/completions",
         "/api/v1/messages", "/api/v1/responses")


def body(path, behaviour, model=BIG, nonce="", limit=1200):
    text = sim_text({**COUNTS, **behaviour}, nonce)
    if path.endswith("responses"):
        return {"model": model, "input": text, "max_output_tokens": limit}
    return {"model": model, "messages": [{"role": "user", "content": text}], "max_tokens": limit}


def error_of(answer, path, status, source="tollgate_budget"):
    """The error's metadata, out of the envelope that path has."""
    equal(answer.status, status, f"{path}: {answer.body}")
    equal(answer.headers["content-type"], "application/json", path)
    got = answer.json()
    if path.endswith("messages"):
        equal(got["type"], "error", path)
    elif path.startswith("/api/"):
        equal(got["error"]["code"], status, path)
    else:
        check(isinstance(got["error"]["type"], str), path)
    check(got["error"]["message"], path)
    equal(got["error"]["metadata"]["limit_source"], source, path)
    return got["error"]["metadata"]


clients = [client("day", budget_per_day="0.000001", budget_per_month="1"),
           client("week", budget_per_day="1", budget_per_week="0.000001"),
           client("month", budget_per_month="0.000001", budget_per_day="1"),
           # Two requests of one token more than a cent each do not fit at once.
           client("tight", budget_per_day="0.02"), client("cut", budget_per_day="0.02"),
           client("dear", budget_per_day="0.02"), client("wild", budget_per_day="1000"),
           client("embed", budget_per_day="0.000001")]
OURS = price_file(BIG, {"input": "0.00000125", "output": "0.00001"},
                  **{"openai/text-embedding-3-small": {"input": "0.00000002"}})
with Sim() as sim, Gateway(sim, {"clients": clients, "limits": {"budget_wait": "300ms"},
                                 "prices": {"file": "own.json"}},
                           files={"own.json": OURS}, own_key=OWN_KEY) as gateway:
    # 402, before anything is sent.
    for period in "day", "week", "month":
        for path in PATHS:
            metadata = error_of(gateway.post(path, body(path, {}), key=f"tg_{period}"), path, 402)
            equal((metadata["period"], metadata["limit_usd"], metadata["spent_usd"], metadata["held_usd"]),
                  (period, "0.000001", "0", "0"))
            check(Decimal(metadata["request_may_cost_usd"]) > Decimal("0.01"), str(metadata))
            reset = time.gmtime(metadata["resets_at_ms"] / 1000)
            equal((metadata["resets_at_ms"] % 86400000), 0, "midnight, UTC")
            check(period != "week" or reset.tm_wday == 0, "a week begins on Monday")
            check(period != "month" or reset.tm_mday == 1, "a month on its first")
    long = {"model": "openai/text-embedding-3-small", "input": "word " * 1000}
    for base in "/v1", "/api/v1":
        error_of(gateway.post(f"{base}/embeddings", long, key="tg_embed"), base, 402)
    # A model without a price cannot be held.
    unpriced = gateway.post("/v1/chat/completions", body("", {}, model="zai/glm-5.3"), key="tg_wild")
    equal(unpriced.status, 402, unpriced.body)
    equal(sim.posts(), 0, "nothing was sent")

    # 429 with Retry-After, when others hold the rest for longer than budget_wait.
    holding = gateway.begin(sim_text({**COUNTS, "delay": 4000}), key="tg_tight", model=BIG, max_tokens=1200)
    wait_for(lambda: sim.posts() == 1, "the call that holds")
    def waits(i):
        began = time.monotonic()
        answer = gateway.post(PATHS[i], body(PATHS[i], {}), key="tg_tight")
        check(time.monotonic() - began > 0.25, "it waits for others first")
        metadata = error_of(answer, PATHS[i], 429)
        check(Decimal(metadata["held_usd"]) > Decimal("0.01"), str(metadata))
        check(int(answer.headers["retry-after"]) >= 1, "Retry-After")
    in_parallel(len(PATHS), waits)
    equal(sim.posts(), 1, "nothing was sent")
    holding.getresponse().read()

    # A cost that is unknown stays held until the record tells it.
    cut = gateway.chat(sim_text({**COUNTS, "completion_tokens": 100, "no_cost": True, "generation": 3000}),
                       key="tg_cut", model=BIG, max_tokens=1200)
    equal(cut.status, 200)
    path = PATHS[0]
    early = gateway.post(path, body(path, {}), key="tg_cut")
    check(early.status in (402, 429), f"held in full: {early.status}")
    wait_for(lambda: gateway.post(path, body(path, {"completion_tokens": 100}, nonce="again"),
                                  key="tg_cut").status == 200, "the difference to be free again")

    # Dearer than its bound: booked, and the budget is overdrawn.
    equal(gateway.post(path, body(path, {"billed": "5"}), key="tg_dear").status, 200)
    metadata = error_of(gateway.post(path, body(path, {}, nonce="more"), key="tg_dear"), path, 402)
    equal((metadata["spent_usd"], metadata["limit_usd"]), ("5", "0.02"))
    for row in gateway.rows():
        if row["status"] in ("402", "429"):
            equal((row["verdict"], row["upstream_id"]), ("failed", ""), "refused by us")
