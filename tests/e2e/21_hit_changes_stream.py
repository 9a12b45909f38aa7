"""What a HIT changes in a stream: the id in every chunk, created, usage and costs; nothing else."""
from harness import *


def masked(answer):
    text = answer.body.decode()
    text = text.replace(answer.chunks()[0]["id"], "ID")
    text = re.sub(r'"created":\d+', '"created":C', text)
    text = re.sub(r'"(\w*[cC]ost)":"[^"]*"', r'"\1":"0"', text)
    head, usage = text.split('"usage":', 1)
    return head + re.sub(r":\"?[-+.0-9eE]+\"?(?=[,}])", ":0", usage)


with Sim() as sim, Gateway(sim) as gateway:
    for behaviour in ({}, {"chunks": 40}, {"usage": "separate", "cost_format": "exponent"},
                      {"cost_format": "string", "metadata": "camel", "surcharge": "0.0001"},
                      {"tool_call": {"name": "f", "arguments": {"city": "\u00c5rhus", "id": 7}}},
                      {"text": "\u00e9\U0001f600 \"id\":\"gen_x\" data: [DONE]\n\ndata: {}\n", "chunks": 3}):
        text = sim_text(behaviour)
        miss = gateway.chat(text, stream=True, cache=True)
        wait_for(lambda: int(time.time()) > miss.chunks()[0]["created"], "the next second")
        before = int(time.time())
        hit = gateway.chat(text, stream=True, cache=True)
        equal((miss.cache(), hit.cache()), ("MISS", "HIT"), str(behaviour))
        fresh = hit.headers["x-generation-id"]
        check(re.fullmatch(r"gen_[0-9A-HJKMNP-TV-Z]{26}", fresh), "gen_<ULID>")
        check(miss.chunks()[0]["id"].encode() not in hit.body, "the source's id is nowhere")
        equal(len(hit.chunks()), len(miss.chunks()), "chunks")
        for old, new in zip(miss.chunks(), hit.chunks()):
            equal(new["id"], fresh)
            check(before <= new["created"] <= time.time(), "created is the time of the hit")
            if "generationId" in old:
                equal(new["generationId"], fresh)
        usage = [chunk for chunk in hit.chunks() if chunk.get("usage")][-1]["usage"]
        for name in "prompt_tokens", "completion_tokens", "total_tokens", "cost", "gateway_cost":
            equal(Decimal(usage[name]), 0, f"usage.{name}")
        last = [choice["delta"] for chunk in hit.chunks() for choice in chunk["choices"]
                if "provider_metadata" in choice["delta"] or "providerMetadata" in choice["delta"]]
        gate = (last[0].get("provider_metadata") or last[0].get("providerMetadata"))["gateway"]
        equal(gate["generationId"], fresh)
        equal({Decimal(value) for name, value in gate.items() if name.lower().endswith("cost")},
              {Decimal(0)}, "costs in the metadata")
        check(gate["routing"]["finalProvider"], "routing stays")
        equal(masked(hit), masked(miss), "the other bytes")
