"""What a HIT changes in a JSON answer: ids, created, usage and costs; every other byte stays.

parity: saved-cost
"""
from harness import *


def numbers(value, path=""):
    """Every number below value, with its path; null and booleans are none."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from numbers(inner, f"{path}.{name}")
    elif not isinstance(value, bool) and isinstance(value, (int, Decimal)):
        yield path, value


def masked(answer):
    """The body with every value that a HIT may change cut out."""
    text = answer.body.decode()
    text = text.replace(answer.json()["id"], "ID")
    text = re.sub(r'"created":\d+', '"created":C', text)
    text = re.sub(r'"(\w*[cC]ost)":"[^"]*"', r'"\1":"0"', text)
    head, usage = text.split('"usage":', 1)
    return head + re.sub(r":\"?[-+.0-9eE]+\"?(?=[,}])", ":0", usage)


with Sim() as sim, Gateway(sim) as gateway:
    for number, behaviour in enumerate((
            {}, {"cost_format": "exponent", "cached_tokens": 3, "prompt_tokens": 20},
            {"cost_format": "string", "surcharge": "0.0001"}, {"metadata": "camel"},
            {"byok": True, "reasoning_tokens": 2}, {"metadata": "none"},
            {"text": "\u00e9\u20ac\U0001f600 \"id\":\"gen_x\" / \\ \"cost\":1 \t\n"},
            {"tool_call": {"name": "f", "arguments": {"id": 1, "cost": 2, "usage": {"cost": 3}}}})):
        text = sim_text(behaviour)
        miss = gateway.chat(text, cache=True)
        wait_for(lambda: int(time.time()) > miss.json()["created"], "the next second")
        before = int(time.time())
        hit = gateway.chat(text, cache=True)
        equal((miss.cache(), hit.cache()), ("MISS", "HIT"), str(behaviour))
        old, new = miss.json(), hit.json()
        check(new["id"] != old["id"] and re.fullmatch(r"gen_[0-9A-HJKMNP-TV-Z]{26}", new["id"]),
              "a new id, gen_<ULID>")
        equal(new["generationId"], new["id"])
        equal(hit.headers["x-generation-id"], new["id"])
        check(old["id"].encode() not in hit.body, "the source's id is nowhere in the body")
        check(before <= new["created"] <= time.time(), "created is the time of the hit")

        for path, value in numbers(new["usage"]):
            equal(value, 0, f"usage{path}")
        for name, value in old["usage"].items():
            equal(type(new["usage"][name]) in (int, Decimal), type(value) in (int, Decimal), name)
            if isinstance(value, str):
                check(isinstance(new["usage"][name], str) and Decimal(new["usage"][name]) == 0,
                      f"usage.{name} is a decimal string of zero")
        equal(new["usage"]["is_byok"], old["usage"]["is_byok"])

        message = new["choices"][0]["message"]
        metadata = message.get("provider_metadata") or message.get("providerMetadata")
        if metadata:
            gate = metadata["gateway"]
            equal(gate["generationId"], new["id"])
            for name, value in gate.items():
                if name.lower().endswith("cost"):
                    check(isinstance(value, str) and Decimal(value) == 0, f"{name}: {value!r}")
            source = old["choices"][0]["message"]
            source = source.get("provider_metadata") or source.get("providerMetadata")
            equal(gate["routing"], source["gateway"]["routing"], "routing")
        equal(masked(hit), masked(miss), "the other bytes")
