"""Identical concurrent requests share one call per dialect when answers are converted too: followers get
converted bytes, ids of their own and zero usage; a leader that leaves takes nothing with it.

parity: coalescing
"""
from harness import *

N = 50
PATHS = {"vercel": "/v1/chat/completions", "openrouter": "/api/v1/chat/completions"}
MODELS = {"vercel": "zai/glm-4.6", "openrouter": "z-ai/glm-4.6"}
ID = {"vercel": r"gen_[0-9A-HJKMNP-TV-Z]{26}", "openrouter": r"gen-\d{10}-[0-9A-Za-z]{20}"}


def ask(gateway, dialect, text, stream):
    body = {"model": MODELS[dialect], "messages": [{"role": "user", "content": text}]}
    return gateway.post(PATHS[dialect], {**body, "stream": True} if stream else body, cache=True)


def check_follower(answer, leader, dialect, stream):
    own = answer.headers["x-generation-id"]
    check(re.fullmatch(ID[dialect], own), f"{dialect}: an id of its own: {own}")
    equal(answer.headers["cache-status"], "tollgate; fwd=miss; collapsed")
    chunks = answer.chunks() if stream else [answer.json()]
    equal({chunk["id"] for chunk in chunks}, {own}, dialect)
    equal({chunk["model"] for chunk in chunks}, {MODELS[dialect]})
    equal(answer.text(), leader.text())
    usage = chunks[-1]["usage"]
    equal({usage[name] for name in ("prompt_tokens", "completion_tokens", "total_tokens", "cost")}, {0})
    text = answer.body.decode()
    if dialect == "openrouter":
        check(all(chunk["provider"] for chunk in chunks) and "provider_metadata" not in text, text)
        check("gateway_cost" not in text and "generationId" not in text, text)
    else:
        check("native_finish_reason" not in text and '"provider":' not in chunks[-1], text)
        place = chunks[-1]["choices"][0]["delta" if stream else "message"]
        gate = place["provider_metadata"]["gateway"]
        equal((Decimal(gate["cost"]), gate["generationId"]), (0, own))
    if stream:
        equal(answer.events()[-1], "[DONE]")
        equal(len(chunks), len(leader.chunks()), "chunk for chunk")


for upstream in "vercel", "openrouter":
    with Sim() as sim, Gateway(sim, dialect=upstream) as gateway:
        for stream, count, behaviour in ((False, 2 * N, {"delay": 1000}),
                                         (True, N, {"delay": 800, "chunks": 6, "gap": 30})):
            sim.reset()
            text = sim_text(behaviour)
            dialects = ["vercel", "openrouter"] * N
            answers = in_parallel(count, lambda i: ask(gateway, dialects[i], text, stream))
            equal(sim.posts(), 2, "one call per dialect")
            equal({answer.status for answer in answers}, {200})
            for dialect in MODELS:
                mine = [one for one, of in zip(answers, dialects) if of == dialect]
                leaders = [one for one in mine if one.cache() == "MISS"]
                equal(len(leaders), 1, f"{dialect}: leaders")
                for answer in mine:
                    if answer is not leaders[0]:
                        check_follower(answer, leaders[0], dialect, stream)
            equal(len({one.headers["x-generation-id"] for one in answers}), count, "different ids")
        rows = gateway.wait_rows(3 * N)
        equal([row["cache"] for row in rows].count("collapsed"), 3 * N - 4)
        equal(sum(Decimal(row["billed_usd"]) for row in rows if row["cache"] == "miss" and row[
            "streamed"] == "true"), sum(Decimal(call["gateway_cost"]) for call in sim.calls()))

        # The leader's client leaves while the answer is being converted.
        sim.reset()
        text = sim_text({"delay": 300, "chunks": 8, "gap": 100}, "leaves")
        dialect = "openrouter" if upstream == "vercel" else "vercel"
        leader = gateway.connect()
        leader.request("POST", PATHS[dialect], json.dumps({
            "model": MODELS[dialect], "messages": [{"role": "user", "content": text}],
            "stream": True}), {
                    "Authorization": f"Bearer {KEY}", "X-OpenRouter-Cache": "true"})
        wait_for(lambda: sim.stats()["live"] == 1, "the leader's call")
        pending = []
        follower = threading.Thread(target=lambda: pending.append(ask(gateway, dialect, text, True)))
        follower.start()
        response = leader.getresponse()
        next_event(response)
        leave(leader)
        response.close()
        follower.join(DEADLINE)
        answer = pending[0]
        equal((answer.status, answer.cache(), answer.events()[-1], sim.posts()), (200, "HIT", "[DONE]", 1))
        check(answer.text().startswith("Echo: "), "the whole text")
        hit = ask(gateway, dialect, text, True)
        equal((hit.headers["cache-status"][:13], hit.text()), ("tollgate; hit", answer.text()))
