"""The same bytes on two endpoints, in two dialects, with a preset, a salt or another key are different
requests; a byte-identical repeat and a reformatted one are the same.

parity: response-cache, presets
"""
from harness import *

# Understood by every API: each takes of it what it knows.
BODY = {"model": MODEL, "messages": [{"role": "user", "content": "x"}], "input": "x",
        "max_tokens": 50, "temperature": 0.5}
FAMILIES = ("chat/completions", "responses", "messages", "embeddings")
PRESETS = [{"name": "one", "parameters": {"top_p": 0.5}}, {"name": "two", "parameters": {"top_p": 0.5}}]


def raw(family, stream, text):
    """A whole answer of that API that says text."""
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, "cost": 0.001}
    top = {"id": "gen_01M3RJQ2GXYP8F188NH5K17ED5", "model": MODEL, "created": 1790752558}
    flow = lambda *events: "".join(f"data: {event if event == '[DONE]' else json.dumps(event)}\n\n"
                                   for event in events)
    if family == "chat/completions":
        if stream:
            return flow({**top, "object": "chat.completion.chunk", "usage": usage, "choices": [
                {"index": 0, "delta": {"content": text}, "finish_reason": "stop"}]}, "[DONE]")
        return json.dumps({**top, "object": "chat.completion", "usage": usage, "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}]})
    if family == "responses":
        answer = {"id": top["id"], "object": "response", "created_at": 1790752558, "model": MODEL,
                  "status": "completed", "error": None, "usage": {"input_tokens": 1, "output_tokens": 1},
                  "output": [{"type": "message", "id": "m", "role": "assistant", "content": [
                      {"type": "output_text", "text": text, "annotations": []}]}]}
        return flow({"type": "response.completed", "response": answer}, "[DONE]") if stream else (
            json.dumps(answer))
    if family == "messages":
        answer = {"id": top["id"], "type": "message", "role": "assistant", "model": MODEL,
                  "content": [{"type": "text", "text": text}], "stop_reason": "end_turn",
                  "usage": {"input_tokens": 1, "output_tokens": 1}}
        return flow({"type": "message_start", "message": {**answer, "content": [], "stop_reason": None}},
                    {"type": "content_block_start", "index": 0, "content_block": {
                        "type": "text", "text": text}}, {"type": "content_block_stop", "index": 0},
                    {"type": "message_delta", "delta": {"stop_reason": "end_turn"},
                     "usage": {"output_tokens": 1}}, {"type": "message_stop"}) if stream else (
                         json.dumps(answer))
    return json.dumps({"object": "list", "model": MODEL, "note": text, "data": [
        {"object": "embedding", "index": 0, "embedding": [0.25]}],
        "usage": {"prompt_tokens": 1, "total_tokens": 1}})


def reformatted(body):
    """The same JSON value in other bytes: white space, escapes, the digits of numbers."""
    text = json.dumps(body, indent=3).replace("0.5", "5.0e-1").replace(": 50", ": 5E+1")
    return text.replace('"role"', '"r\\u006fle"').replace("\n", "\r\n\t").encode()


with Sim() as sim, Gateway(sim, {"presets": PRESETS}) as gateway:
    seen = []

    def ask(path, family, body, key=KEY, salt=None):
        headers = {"Authorization": f"Bearer {key}", "X-OpenRouter-Cache": "true",
                   "Content-Type": "application/json"}
        if salt is not None:
            headers["X-OpenRouter-Cache-Salt"] = salt
        return gateway.request("POST", path, body, headers)

    variants = [{}, {"stream": False}, {"preset": "one"}, {"preset": "two"}, {"top_p": 0.5},
                {"user": "somebody"}, {"stream": True}]
    for base in "/v1", "/api/v1":
        for family in FAMILIES:
            for more in variants if family != "embeddings" else variants[:-1]:
                for key, salt in (KEY, None), ("vck_another", None), (KEY, "s"), (KEY, "t"):
                    text = f"answer {len(seen)}"
                    body = {**BODY, **more}
                    sim.script({"raw": raw(family, "stream" in more and more["stream"], text),
                                "content_type": "text/event-stream" if more.get("stream")
                                else "application/json"})
                    answer = ask(f"{base}/{family}", family, json.dumps(body).encode(), key, salt)
                    equal((answer.status, answer.cache()), (200, "MISS"),
                          f"{base}/{family} {more} {key} {salt}: {answer.body[:200]}")
                    check(f'"{text}"'.encode() in answer.body, "its own answer")
                    seen.append((f"{base}/{family}", family, body, key, salt, text))
    equal(sim.posts(), len(seen), "each was asked upstream")
    for path, family, body, key, salt, text in seen:
        for same in json.dumps(body).encode(), reformatted(body):
            hit = ask(path, family, same, key, salt)
            equal(hit.cache(), "HIT", f"{path} {same} {key} {salt}")
            check(f'"{text}"'.encode() in hit.body, f"its own answer: {hit.body}")
    equal(sim.posts(), len(seen), "and none again")
    # An order of members is another request, as OpenRouter has it.
    path, family, body, key, salt, text = seen[0]
    sim.script({"raw": raw(family, False, "other order")})
    equal(ask(path, family, json.dumps(dict(reversed(body.items()))).encode()).cache(), "MISS")
