"""The line for a budget: first come, first served, also when the first leaves; who still waits when the gateway stops
is told 503 and has its row; a stream of another API than chat ends with an error event when its wait is over."""
from harness import *

BIG = "openai/gpt-5"
USE = {"prompt_tokens": 9, "completion_tokens": 10}
OURS = price_file(BIG, {"input": "0.00000125", "output": "0.00001"})


def gateway_with(sim, **limits):
    return Gateway(sim, {"clients": [client("tight", budget_per_day="0.02")], "limits": limits,
                         "prices": {"file": "own.json"}, "workers": 1},
                   files={"own.json": OURS}, own_key=OWN_KEY)


def hold(gateway, sim, delay):
    call = gateway.begin(sim_text({**USE, "delay": delay}, "holds"), key="tg_tight", model=BIG, max_tokens=1200)
    wait_for(lambda: sim.posts() == 1, "the call that holds")
    return call


# A small one waits behind a large one; when that leaves, it is served at once.
with Sim() as sim, gateway_with(sim, budget_wait="20s") as gateway:
    holding = hold(gateway, sim, 8000)
    large = gateway.begin(sim_text(USE, "large"), key="tg_tight", model=BIG, max_tokens=1200)
    time.sleep(0.3)
    small = gateway.begin(sim_text(USE, "small"), key="tg_tight", model=BIG, max_tokens=10)
    time.sleep(0.7)
    equal(sim.posts(), 1, "a small one does not overtake")
    leave(large)
    began = time.monotonic()
    equal(small.getresponse().status, 200)
    check(time.monotonic() - began < 4, "it did not wait for the call that holds")
    equal(holding.getresponse().status, 200)
    equal(sorted((row["status"], row["verdict"]) for row in gateway.wait_rows(3))[2], ("499", "failed"))

# Shorter than a second, and an event of its API.
with Sim() as sim, gateway_with(sim, budget_wait="2500ms", keepalive="500ms") as gateway:
    holding = hold(gateway, sim, 6000)
    began = time.monotonic()
    told = gateway.post("/api/v1/messages", {"model": BIG, "stream": True, "max_tokens": 1200, "messages": [
        {"role": "user", "content": sim_text(USE, "second")}]}, key="tg_tight")
    took = time.monotonic() - began
    check(2.4 < took < 3.3, f"as long as it says: {took}")
    check(b"event: error" in told.body, told.body)
    equal(gateway.request("GET", "/health").status, 200)
    equal(holding.getresponse().status, 200)

# The end.
with Sim() as sim, gateway_with(sim, budget_wait="1m", drain="1s") as gateway:
    holding = hold(gateway, sim, 30000)
    waiting = gateway.begin(sim_text(USE, "waits"), key="tg_tight", model=BIG, max_tokens=1200)
    time.sleep(0.3)
    gateway.process.send_signal(signal.SIGTERM)
    equal(waiting.getresponse().status, 503)
    gateway.stop()
    rows = gateway.rows()
    check(("503", "failed", "") in [(row["status"], row["verdict"], row["upstream"]) for row in rows], str(rows))
