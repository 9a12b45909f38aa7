"""kill -9 with held budget: open holds and costs that are still to come stay spent in full after the restart, until
the record tells the true cost; nothing is counted twice; what collapsed or failed costs nothing."""
from harness import *

BIG = "openai/gpt-5"
USE = {"prompt_tokens": 9, "completion_tokens": 1000}
COST = Decimal("0.01001125")


def spent(gateway, key):
    """What the gateway says is spent and held: a request that never fits asks."""
    answer = gateway.post("/v1/chat/completions", {"model": BIG, "max_tokens": 9999999, "messages": [
        {"role": "user", "content": "x"}]}, key=key)
    equal(answer.status, 402, answer.body)
    metadata = answer.json()["error"]["metadata"]
    return Decimal(metadata["spent_usd"]) + Decimal(metadata["held_usd"])


CLIENTS = [client(name, budget_per_day="1", budget_per_month="50") for name in ("a", "b", "c")]
with Sim() as sim, Sim() as spare:
    def gateway_on(data=None):
        return Gateway(sim, {"clients": CLIENTS, "limits": {"budget_wait": "0s"}, "upstreams": [
            sim.upstream("first", api_key_env="TOLLGATE_E2E_KEY"),
            spare.upstream("second", api_key_env="TOLLGATE_E2E_KEY")]},
            env={"TOLLGATE_E2E_KEY": OWN_KEY}, data=data)

    first = gateway_on()
    # Known: one that is whole, its hit, one that collapsed into another, one that fell back, two refusals.
    text = sim_text({**USE, "delay": 500}, "twin")
    twins = [first.begin(text, cache=True, key="tg_a", model=BIG, max_tokens=1200) for _ in range(3)]
    equal([twin.getresponse().read() != b"" for twin in twins], [True] * 3)
    equal(first.chat(text, cache=True, key="tg_a", model=BIG, max_tokens=1200).cache(), "HIT")
    equal((sim.posts(), spent(first, "tg_a")), (1, COST), "three twins and a hit, one call")
    sim.script({"status": 503})
    equal(first.chat(sim_text(USE, "fall back"), key="tg_a", model=BIG, max_tokens=1200).status, 200)
    equal(spare.posts(), 1)
    equal(spent(first, "tg_a"), 2 * COST, "the attempt that failed costs nothing")
    sim.script({"status": 400})
    first.chat(sim_text(USE, "bad"), key="tg_a", model=BIG, max_tokens=1200)
    equal(spent(first, "tg_a"), 2 * COST, "refused")

    # To come: an answer without a cost, a stream under way with an id, a call without one.
    late = first.chat(sim_text({**USE, "no_cost": True, "generation": 6000}), key="tg_b", model=BIG, max_tokens=1200)
    held = spent(first, "tg_b")
    check(held > COST, f"the whole bound is held: {held}")
    stream = first.begin(sim_text({**USE, "chunks": 200, "gap": 100, "generation": 3000}), stream=True, key="tg_b",
                         model=BIG, max_tokens=1200)
    check(next_event(stream.getresponse()), "a stream under way")
    waiting = first.begin(sim_text({**USE, "delay": 20000}), key="tg_c", model=BIG, max_tokens=1200)
    wait_for(lambda: sim.stats()["live"] == 2, "both under way")
    before = {key: spent(first, key) for key in ("tg_a", "tg_b", "tg_c")}
    check(before["tg_b"] > held and before["tg_c"] > COST, str(before))
    first.kill()

    second = gateway_on(first.data)
    after = {key: spent(second, key) for key in before}
    equal(after["tg_a"], before["tg_a"], "what was posted")
    check(after["tg_b"] >= 2 * COST, f"both that are to come: {after['tg_b']} of {before['tg_b']}")
    check(after["tg_c"] >= COST, f"the call whose id nobody knows: {after['tg_c']} of {before['tg_c']}")
    wait_for(lambda: spent(second, "tg_b") == 2 * COST, "the records to tell the true costs")
    rows = {row["id"]: row for row in second.rows()}
    equal(rows[late.headers["x-generation-id"]]["verdict"], "matched")
    check(spent(second, "tg_c") >= COST, "unknown stays spent")
    equal(second.stop(), 0)
    with gateway_on(first.data) as third:
        equal((spent(third, "tg_a"), spent(third, "tg_b")), (2 * COST, 2 * COST), "after a restart")
        check(spent(third, "tg_c") >= COST, "unknown stays spent after a restart")
