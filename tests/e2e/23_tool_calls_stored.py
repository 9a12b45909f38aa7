"""An answer that calls a tool is stored like any other."""
from harness import *

CALL = {"name": "get_weather", "arguments": {"city": "Z\u00fcrich", "unit": "\u00b0C"}}


def calls(answer, stream):
    """Name and arguments of the one call."""
    if not stream:
        call = answer.json()["choices"][0]["message"]["tool_calls"][0]["function"]
        return call["name"], json.loads(call["arguments"])
    parts = [part["function"] for chunk in answer.chunks() for choice in chunk["choices"]
             for part in choice["delta"].get("tool_calls") or []]
    return ("".join(part.get("name") or "" for part in parts),
            json.loads("".join(part.get("arguments") or "" for part in parts)))


with Sim() as sim, Gateway(sim) as gateway:
    for stream in False, True:
        answers = [gateway.chat(sim_text({"tool_call": CALL}), stream=stream, cache=True)
                   for _ in range(2)]
        equal([answer.cache() for answer in answers], ["MISS", "HIT"])
        for answer in answers:
            equal(calls(answer, stream), (CALL["name"], CALL["arguments"]))
    rows = gateway.wait_rows(4)
    equal({row["finish_reason"] for row in rows}, {"tool_calls"}, "finish reasons")
