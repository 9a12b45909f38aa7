"""The recorded exchanges, replayed by upstreams of their own dialect: byte for byte to a client of that
dialect, chunk by chunk in the other's words to one of the other; costs in the ledger to the last digit.

parity: openrouter-dialect, more-upstreams, pricing-transparency
"""
from harness import *

WIRE = f"{ROOT}/tests/data/wire"
OTHER = {"/v1": "vercel", "/api/v1": "openrouter"}
# USD per token of the day it was recorded, where the list of today does not have the model.
PRICES_THEN = json.dumps({"format": 1, "models": {
    "xai/grok-4": [{"from": "2025-01-01T00:00:00Z", "input": "0.000003", "output": "0.000015",
                    "input_cache_read": "0.00000075"}],
    "anthropic/claude-sonnet-4.6": [{"from": "2025-01-01T00:00:00Z", "input": "0.000003",
                                     "output": "0.000015", "input_cache_read": "0.0000003",
                                     "input_cache_write": "0.00000375"}],
    "openai/gpt-4.1-nano": [{"from": "2025-01-01T00:00:00Z", "input": "0.0000001",
                             "output": "0.0000004"}]}})


def recorded(name):
    """(request bytes, answer text, content type, status)."""
    with open(f"{WIRE}/{name}.request.json", "rb") as file:
        asked = file.read()
    if os.path.exists(f"{WIRE}/{name}.response.sse"):
        with open(f"{WIRE}/{name}.response.sse", encoding="utf-8") as file:
            return asked, file.read(), "text/event-stream", 200
    with open(f"{WIRE}/{name}.response.json", encoding="utf-8") as file:
        text = file.read()
    status = json.loads(text)["status"]
    body = text[text.index('"body":') + 7:text.rindex("}")].strip()  # its bytes, numbers as they were
    return asked, body, "application/json", status


def start(sim, dialect):
    # No catalogue: some of these models are gone.
    return Gateway(sim, {"models": {"catalog": "0"}, "prices": {"file": "then.json"}},
                   files={"then.json": PRICES_THEN}, dialect=dialect)


def ask(gateway, sim, base, name, model=None, cache=True):
    asked, raw, kind, status = recorded(name)
    if model:
        body = json.loads(asked)
        for member in ("provider", "models", "transforms"):
            body.pop(member, None)
        asked = json.dumps({**body, "model": model}).encode()
    sim.script({"raw": raw, "content_type": kind, "status": status})
    return gateway.request("POST", f"{base}/chat/completions", asked, {
        "Authorization": f"Bearer {KEY}", "Content-Type": "application/json",
        **({"X-OpenRouter-Cache": "true"} if cache else {})}), raw


def row_of(gateway, answer):
    return wait_for(lambda: [row for row in gateway.rows()
                             if row["id"] == answer.headers["x-generation-id"]], "the row")[0]


def check_row(gateway, answer, **wanted):
    row = row_of(gateway, answer)
    equal({name: row[name] for name in wanted}, wanted, "the row")


GROK = {"api": "chat", "streamed": "true", "model": "x-ai/grok-4", "provider": "xAI",
        "prompt_tokens": "687", "completion_tokens": "187", "cached_tokens": "679",
        "reasoning_tokens": "118", "finish_reason": "stop", "status": "200", "byok": "false",
        # 8 x 0.000003 + 679 x 0.00000075 + 187 x 0.000015
        "billed_usd": "0.00333825", "estimated_usd": "0.00333825", "booked_usd": "0.00333825",
        "difference_usd": "0", "verdict": "matched"}

# OpenRouter's recordings to an OpenRouter client.
with Sim() as sim, start(sim, "openrouter") as gateway:
    for name, stored in (("openrouter-chat-stream", True), ("openrouter-chat-stream-error", False),
                         ("openrouter-chat-tool-call", True), ("openrouter-chat-429", False),
                         ("openrouter-chat-prompt-cache", True)):
        answer, raw = ask(gateway, sim, "/api/v1", name)
        equal(answer.body.decode(), raw, name)
        equal(answer.status, 429 if name.endswith("429") else 200, name)
        call = sim.calls()[-1]
        equal(call["body_sha256"], hashlib.sha256(recorded(name)[0]).hexdigest(), f"{name}: as asked")
        if answer.status == 200:
            identity = re.search(r'"id": ?"(gen-[^"]+)"', raw).group(1)
            equal(answer.headers["x-generation-id"], identity, name)
        if name == "openrouter-chat-stream":
            check_row(gateway, answer, **GROK)
        if name == "openrouter-chat-prompt-cache":
            # 3 x 0.000003 + 3211 x 0.00000375 + 100 x 0.000015
            check_row(gateway, answer, prompt_tokens="3214", cache_write_tokens="3211", cached_tokens="0",
                      completion_tokens="100", billed_usd="0.01355025", estimated_usd="0.01355025",
                      verdict="matched", finish_reason="length", provider="Anthropic",
                      model_requested="anthropic/claude-sonnet-4.6",
                      model="anthropic/claude-4.6-sonnet-20260217")
        if name == "openrouter-chat-tool-call":
            check_row(gateway, answer, prompt_tokens="134", completion_tokens="43", billed_usd="",
                      finish_reason="tool_calls", provider="Mistral")
        if name == "openrouter-chat-stream-error":
            check_row(gateway, answer, status="200", billed_usd="0", prompt_tokens="43",
                      completion_tokens="10")
        posts = sim.posts()
        again, _ = ask(gateway, sim, "/api/v1", name)
        equal((again.cache() == "HIT", sim.posts() - posts), (stored, 0 if stored else 1), name)
        if stored:
            check(identity not in again.body.decode() and again.headers["x-generation-id"]
                  in again.body.decode(), "a HIT's own id")
        sim.reset()

# Vercel's recording to an OpenRouter client, chunk by chunk.
with Sim() as sim, start(sim, "vercel") as gateway:
    answer, raw = ask(gateway, sim, "/api/v1", "vercel-chat-stream")
    events = answer.events()
    equal(events.pop(), "[DONE]")
    chunks = [json.loads(event, parse_float=Decimal) for event in events]
    top = {"id": "gen_01M3RJQ2GXYP8F188NH5K17ED5", "object": "chat.completion.chunk",
           "created": 1790752558, "model": "openai/gpt-4.1-nano", "system_fingerprint": "fp_w2ojz1490e"}
    for chunk in chunks:
        equal({name: chunk[name] for name in top}, top)
        check(isinstance(chunk["provider"], str) and chunk["provider"], "every chunk names one")
        equal(len(chunk["choices"]), 1)
        check("generationId" not in chunk and "provider_metadata" not in json.dumps(
            chunk, default=str), str(chunk))
    said = [(chunk["choices"][0]["delta"].get("content") or "", chunk["choices"][0]["finish_reason"],
             chunk["choices"][0]["native_finish_reason"]) for chunk in chunks]
    equal(said, [("", None, None), ("Hello", None, None), ("!", None, None), ("", "stop", "stop"),
                 ("", "stop", "stop")], "one finishing chunk more: the usage's")
    # Vercel says who served in its last chunk, and not before.
    equal({chunk["provider"].lower() for chunk in chunks[-2:]}, {"openai"})
    equal(chunks[0]["choices"][0]["delta"]["role"], "assistant")
    check(not any(chunk.get("usage") for chunk in chunks[:-1]), "usage is in the last one")
    usage = chunks[-1]["usage"]
    equal((usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"], usage["cost"],
           usage["is_byok"]), (20, 3, 23, Decimal("0.0000032"), False))
    equal(usage["prompt_tokens_details"], {"cached_tokens": 0, "audio_tokens": 0, "video_tokens": 0,
                                           "cache_write_tokens": 0})
    equal(usage["completion_tokens_details"], {"reasoning_tokens": 0, "image_tokens": 0})
    check(not {"market_cost", "gateway_cost", "cache_creation_input_tokens"} & set(usage), str(usage))
    check(re.search(r'"cost": ?0\.0000032[,}]', events[-1]), "the cost in the text it came in")
    equal(chunks[-1].get("service_tier"), "default")
    check_row(gateway, answer, billed_usd="0.0000032", market_usd="0.0000032", verdict="matched",
              estimated_usd="0.0000032", upstream_id="gen_01M3RJQ2GXYP8F188NH5K17ED5")
    same, raw = ask(gateway, sim, "/v1", "vercel-chat-stream")
    equal(same.body.decode(), raw, "a Vercel client gets its bytes")

# OpenRouter's recordings to a Vercel client.
with Sim() as sim, start(sim, "openrouter") as gateway:
    answer, raw = ask(gateway, sim, "/v1", "openrouter-chat-stream", "xai/grok-4")
    sources = [json.loads(line[6:], parse_float=Decimal) for line in raw.split("\n")
               if line.startswith("data: {")]
    chunks = answer.chunks()
    equal(answer.events()[-1], "[DONE]")
    for chunk in chunks:
        equal((chunk["id"], chunk["created"], chunk["model"]),
              (sources[0]["id"], sources[0]["created"], "xai/grok-4"))
        check("provider" not in chunk, "Vercel has no such member")
        for choice in chunk["choices"]:
            check("native_finish_reason" not in choice, "nor this")
    deltas = lambda side, name: [choice["delta"][name] for chunk in side for choice in chunk["choices"]
                                 if choice["delta"].get(name)]
    for name in "content", "reasoning_details":
        equal(deltas(chunks, name), deltas(sources, name), f"{name}, chunk by chunk")
    last = chunks[-1]
    equal([chunk["choices"][0]["finish_reason"] for chunk in chunks if chunk["choices"]],
          [None] * (len(chunks) - 1) + ["stop"], "the last chunk holds everything")
    usage, gate = last["usage"], last["choices"][0]["delta"]["provider_metadata"]["gateway"]
    equal((usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"], usage["cost"],
           usage["is_byok"], usage["prompt_tokens_details"]["cached_tokens"],
           usage["completion_tokens_details"]["reasoning_tokens"]),
          (687, 187, 874, Decimal("0.00333825"), False, 679, 118))
    equal((gate["cost"], gate["generationId"], last["generationId"], gate["routing"]["finalProvider"]),
          ("0.00333825", sources[0]["id"], sources[0]["id"], "xai"))
    check_row(gateway, answer, **{**GROK, "model": row_of(gateway, answer)["model"],
                                  "provider": row_of(gateway, answer)["provider"]})

    answer, raw = ask(gateway, sim, "/v1", "openrouter-chat-stream-error", "minimax/minimax-m2")
    frames = [chunk for chunk in answer.chunks() if "error" in chunk]
    equal((len(frames), frames[0]["error"]["message"]), (1, "Token limit reached"))
    check(not frames[0].get("choices") and "error" in answer.chunks()[-1], "Vercel's error frame, last")

    answer, raw = ask(gateway, sim, "/v1", "openrouter-chat-tool-call", "mistral/mistral-small")
    source, body = json.loads(raw), answer.json()
    choice = body["choices"][0]
    equal((body["id"], body["model"], choice["finish_reason"]),
          (source["id"], "mistral/mistral-small", "tool_calls"))
    equal(choice["message"]["tool_calls"], source["choices"][0]["message"]["tool_calls"])
    equal((body["usage"]["prompt_tokens"], body["usage"]["completion_tokens"]), (134, 43))
    check("provider" not in body and "native_finish_reason" not in choice, str(body))
    check("cost" not in body["usage"], "a cost that nobody reported is not invented")

    answer, raw = ask(gateway, sim, "/v1", "openrouter-chat-prompt-cache", "anthropic/claude-sonnet-4.6")
    usage = answer.json()["usage"]
    equal((usage["cache_creation_input_tokens"], usage["cost"], usage["prompt_tokens"]),
          (3211, Decimal("0.01355025"), 3214))
    check("cache_write_tokens" not in usage["prompt_tokens_details"], str(usage))
    check_row(gateway, answer, billed_usd="0.01355025", estimated_usd="0.01355025", verdict="matched",
              model_requested="anthropic/claude-sonnet-4.6")

    answer, raw = ask(gateway, sim, "/v1", "openrouter-chat-429", "google/gemini-2.0-flash")
    equal((answer.status, answer.json()["error"]["message"], answer.json()["error"]["type"]),
          (429, "Provider returned error", "rate_limit_exceeded"))
