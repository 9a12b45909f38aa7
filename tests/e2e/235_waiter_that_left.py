"""Nobody pays for a client that left while its request waited for the budget: nothing is sent."""
from harness import *

BIG = "openai/gpt-5"
OURS = price_file(BIG, {"input": "0.00000125", "output": "0.00001"})
USE = {"prompt_tokens": 9, "completion_tokens": 10}
with Sim() as sim, Gateway(sim, {"clients": [client("tight", budget_per_day="0.02")],
                                 "prices": {"file": "own.json"}, "workers": 1},
                           files={"own.json": OURS}, own_key=OWN_KEY) as gateway:
    holding = gateway.begin(sim_text({**USE, "delay": 2500}), key="tg_tight", model=BIG, max_tokens=1200)
    wait_for(lambda: sim.posts() == 1, "the call that holds")
    waiting = gateway.begin(sim_text(USE, "left"), key="tg_tight", model=BIG, max_tokens=1200)
    time.sleep(0.3)
    leave(waiting)
    holding.getresponse().read()
    rows = gateway.wait_rows(2)
    equal(sim.posts(), 1, "the one that left was not sent")
    equal([(row["status"], row["verdict"]) for row in rows if row["status"] == "499"], [("499", "failed")])
