"""A cost that is still to come is held, not spent: who does not fit beside it waits for the record, and is not
refused for good while nearly all of the budget is left."""
from harness import *

BIG = "openai/gpt-5"
OURS = price_file(BIG, {"input": "0.00000125", "output": "0.00001"})
with Sim() as sim, Gateway(sim, {"clients": [client("b", budget_per_day="1")], "prices": {"file": "own.json"}},
                           files={"own.json": OURS}, own_key=OWN_KEY, dialect="openrouter") as gateway:
    for i in range(3):  # OpenRouter's streamed messages tell no cost
        answer = gateway.post("/api/v1/messages", {
            "model": BIG, "stream": True, "max_tokens": 60000, "messages": [
                {"role": "user", "content": sim_text({"prompt_tokens": 5, "completion_tokens": 5}, str(i))}]},
            key="tg_b")
        equal(answer.status, 200, f"{i}: {answer.body}")
