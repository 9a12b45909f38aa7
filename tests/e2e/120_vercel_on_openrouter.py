"""A Vercel client on an OpenRouter upstream: gateway metadata made from what that upstream says.

parity: more-upstreams
"""
from harness import *

ASK = {"model": "zai/glm-4.6", "messages": [{"role": "user", "content": "Say something."}]}


def check_gateway(gate, call, provider=True):
    for name in "cost", "gatewayCost":
        check(isinstance(gate[name], str), f"{name} is a decimal string")
        equal(Decimal(gate[name]), Decimal(call["cost"]))
    equal(gate["generationId"], call["id"])
    check("finalProvider" in gate["routing"] or not provider, str(gate))


with Sim() as sim, Gateway(sim, dialect="openrouter") as gateway:
    miss, hit = (gateway.post("/v1/chat/completions", ASK, cache=True) for _ in range(2))
    equal((miss.status, miss.cache(), hit.cache()), (200, "MISS", "HIT"), miss.body)
    call = sim.calls()[0]
    equal((call["path"], call["model"]), ("/api/v1/chat/completions", "z-ai/glm-4.6"))
    answer = miss.json()
    equal((answer["model"], answer["id"]), ("zai/glm-4.6", call["id"]))
    check_gateway(answer["choices"][0]["message"]["provider_metadata"]["gateway"], call)
    usage = answer["usage"]
    equal((usage["cost"], usage["is_byok"]), (Decimal(call["cost"]), False))
    check(re.fullmatch(r"gen_[0-9A-HJKMNP-TV-Z]{26}", hit.json()["id"]), "a HIT's id is Vercel's")
    metadata = hit.json()["choices"][0]["message"]["provider_metadata"]["gateway"]
    equal((Decimal(metadata["cost"]), metadata["generationId"]), (0, hit.json()["id"]))

    miss, hit = (gateway.post("/v1/chat/completions", {**ASK, "stream": True}, cache=True)
                 for _ in range(2))
    equal((miss.cache(), hit.cache()), ("MISS", "HIT"))
    last = miss.chunks()[-1]
    equal(last["choices"][0]["finish_reason"], "stop")
    check(last["usage"]["cost"] > 0, "the last chunk holds everything")
    check_gateway(last["choices"][0]["delta"]["provider_metadata"]["gateway"], sim.calls()[1])
    equal(sum(1 for chunk in miss.chunks() if chunk["choices"][0].get("finish_reason")), 1)
    equal(miss.text(), hit.text())

    for path, body in (("/v1/responses", {"model": "zai/glm-4.6", "input": "Hello"}),
                       ("/v1/messages", {**ASK, "max_tokens": 100}),
                       ("/v1/embeddings", {"model": "openai/text-embedding-3-small", "input": "x"})):
        answer = gateway.post(path, body)
        equal(answer.status, 200, answer.body)
        found = answer.json()
        check_gateway((found.get("provider_metadata") or found["providerMetadata"])["gateway"],
                      sim.calls()[-1], path != "/v1/responses")  # it does not say who served
    answer = gateway.chat(sim_text({"status": 429}), model="zai/glm-4.6")
    equal((answer.status, answer.json()["error"]["type"]), (429, "rate_limit_exceeded"), answer.body)
    rows = gateway.settled_rows(8)
    for row, call in rows_by_call([row for row in rows if row["cache"] == "miss" or (
            row["cache"] == "off" and row["status"] == "200")], sim.calls()[:-1]):
        equal(Decimal(row["billed_usd"]), Decimal(call["cost"]), str(row))
        equal(row["verdict"], "matched", "priced under its Vercel name: " + str(row))

with Sim() as sim, Gateway(sim, dialect="openai") as gateway:
    for base in "/v1", "/api/v1":
        for stream in False, True:
            body = {"model": MODEL, "messages": ASK["messages"], "stream": stream, "user": base}
            miss, hit = (gateway.post(f"{base}/chat/completions", body, cache=True)
                         for _ in range(2))
            equal((miss.status, miss.cache(), hit.cache()), (200, "MISS", "HIT"), miss.body)
            usage = (miss.chunks()[-1] if stream else miss.json())["usage"]
            equal(usage["completion_tokens"], sim.calls()[-1]["completion_tokens"],
                  "usage was asked for")
            equal(miss.text(), hit.text())
    rows = gateway.settled_rows(8)
    for row in rows[::2]:
        equal((row["billed_usd"], row["verdict"]), ("", "unreported"), "no cost is reported, none invented")
        check(row["estimated_usd"] and row["booked_usd"] == row["estimated_usd"], str(row))
