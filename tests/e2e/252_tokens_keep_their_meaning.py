"""A row's tokens mean the same before and after its cost was looked up: Anthropic's messages leave what was cached out
of the prompt, the generation record does not, and a row says one or the other, always."""
from harness import *

CLAUDE = "anthropic/claude-haiku-4.5"
COUNTS = ("prompt_tokens", "cached_tokens", "completion_tokens")


def ask(gateway, behaviour):
    answer = gateway.post("/v1/messages", {"model": CLAUDE, "max_tokens": 100, "messages": [
        {"role": "user", "content": sim_text({"prompt_tokens": 1000, "completion_tokens": 50, "cached_tokens": 400,
                                              **behaviour})}]})
    equal(answer.status, 200, answer.body)
    return answer.headers["x-generation-id"]


# Surely drifting, so that the record is asked for; in the second gateway it is not.
with Sim() as sim:
    told = {}
    for confirm in True, False:
        with Gateway(sim, {"ledger": {"confirm": confirm}}) as gateway:
            identity = ask(gateway, {"market": "0.01", "billed": "0.01"})
            if confirm:
                wait_for(lambda: "generation" in [one["from"] for one in gateway.explain(identity)["observations"]],
                         "the look-up")
            row = gateway.rows_of_id(identity)
            told[confirm] = {name: row[name] for name in COUNTS}
            story = gateway.explain(identity)
            equal(sum(line["quantity"] for line in story["pricing"]["lines"]), 1050, "each token is priced once")
    equal(told[True], told[False], "the tokens of a row that was confirmed, and of one that was not")
