"""A stream that was kept alive with comments while it waited for its budget ends with an error in the stream."""
from harness import *

BIG = "openai/gpt-5"
COUNTS = {"prompt_tokens": 9, "completion_tokens": 1000}
OURS = price_file(BIG, {"input": "0.00000125", "output": "0.00001"})
with Sim() as sim, Gateway(sim, {"clients": [client("tight", budget_per_day="0.02")],
                                 "limits": {"budget_wait": "3s", "keepalive": "500ms"},
                                 "prices": {"file": "own.json"}, "workers": 1},
                           files={"own.json": OURS}, own_key=OWN_KEY) as gateway:
    holding = gateway.begin(sim_text({**COUNTS, "delay": 6000}), key="tg_tight", model=BIG, max_tokens=1200)
    wait_for(lambda: sim.posts() == 1, "the call that holds")
    answer = gateway.post("/api/v1/chat/completions", {
        "model": BIG, "stream": True, "max_tokens": 1200,
        "messages": [{"role": "user", "content": sim_text(COUNTS, "second")}]}, key="tg_tight")
    print(answer.status, answer.body)
    equal(gateway.request("GET", "/health").status, 200)
    equal(answer.status, 200)
    check(b"error" in answer.body, "the error is told in the stream")
    equal(holding.getresponse().status, 200)
