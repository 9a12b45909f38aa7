"""A HIT of every API in every dialect: each number of usage and each cost is zero in its own type, ids
and times are the hit's, and all else is the source's: content, vectors, routing, is_byok.

parity: response-cache, saved-cost
"""
from harness import *

ID = {"vercel": "gen_01M3RJQ2GXYP8F188NH5K17ED5", "openrouter": "gen-1790752558-AbCdEfGhIjKlMnOpQrSt"}
CREATED = 1790752558
GATE = {"routing": {"originalModelId": MODEL, "finalProvider": "openai", "cost": "0.5",
                    "modelAttempts": [{"success": True, "providerAttempts": [
                        {"provider": "openai", "startTime": 17, "credentialType": "byok"}]}]},
        "cost": "0.00254674", "marketCost": "2.54674e-3", "surchargeCost": "0", "gatewayCost":
        "0.00254674", "inputInferenceCost": "0.001", "generationId": ID["vercel"], "serviceTier": "flex"}
CHAT = {"prompt_tokens": 9520, "completion_tokens": 16, "total_tokens": 9536, "cost": 0.00254674,
        "is_byok": True, "market_cost": "0.00254674", "gateway_cost": 2.5e-3, "fresh": 1,
        "prompt_tokens_details": {"cached_tokens": 9519, "audio_tokens": 0, "video_tokens": None},
        "completion_tokens_details": {"reasoning_tokens": 7, "reasoning_tokens_estimated": True},
        "cache_creation_input_tokens": 3, "service_tier": "default",
        "cost_details": {"upstream_inference_cost": 0.00254674, "server_tool_cost": 1e-7},
        "server_tool_use_details": {"tool_calls_requested": 2}}
IO = {"input_tokens": 770, "input_tokens_details": {"cached_tokens": 1, "cache_write_tokens": 2},
      "output_tokens": 186, "output_tokens_details": {"reasoning_tokens": 64}, "total_tokens": 956,
      "cost": 0.0046999, "is_byok": False, "cost_details": {"upstream_inference_input_cost": 9.6e-4}}
ANTHROPIC = {"input_tokens": 13, "output_tokens": 4, "cache_read_input_tokens": 5,
             "cache_creation_input_tokens": None, "cache_creation": {
                 "ephemeral_5m_input_tokens": 7, "ephemeral_1h_input_tokens": 0},
             "server_tool_use": {"web_search_requests": 1}, "service_tier": "standard",
             "iterations": [{"input_tokens": 1}], "cost": 0.01, "is_byok": False}


def own(dialect, members):
    """Adds what only one vendor says at an answer's top level."""
    if dialect == "openrouter":
        return {**members, "provider": "OpenAI", "openrouter_metadata": {"requested": MODEL, "attempt": 1}}
    return {**members, "generationId": ID["vercel"], "provider_metadata": {"openai": {"cost": 3},
                                                                          "gateway": GATE}}


def chat(dialect, stream):
    said = {"role": "assistant", "content": "usage cost 7", "reasoning": "r", "reasoning_details": [
        {"type": "reasoning.text", "text": "r", "index": 0, "format": "unknown"}],
        "tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {
            "name": "f", "arguments": '{"cost":1,"id":"x","usage":{"cost":2}}'}}]}
    if dialect == "vercel":
        said["provider_metadata"] = {"openai": {"cost": 3}, "gateway": GATE}
    top = {"id": ID[dialect], "object": "chat.completion.chunk" if stream else "chat.completion",
           "created": CREATED, "model": MODEL, "system_fingerprint": "fp_1", "service_tier": "flex"}
    last = own(dialect, {"usage": CHAT})
    last.pop("provider_metadata", None)
    choice = {"index": 0, "finish_reason": "tool_calls", "logprobs": {"content": [{"logprob": -0.25}]}}
    if stream:
        return [{**top, "choices": [{"index": 0, "delta": {"role": "assistant", "content": "a"},
                                     "finish_reason": None}], **({"provider": "OpenAI"}
                                                                 if dialect == "openrouter" else {})},
                {**top, "choices": [{**choice, "delta": said}], **last}, "[DONE]"]
    return {**top, "choices": [{**choice, "message": said}], **last}


def responses(dialect, stream):
    answer = {"id": ID[dialect], "object": "response", "created_at": CREATED, "completed_at": CREATED + 2,
              "model": MODEL, "status": "completed", "error": None, "incomplete_details": None,
              "output": [{"type": "message", "id": "msg_7", "role": "assistant", "content": [
                  {"type": "output_text", "text": "cost 7", "annotations": [
                      {"type": "url_citation", "start_index": 5}]}]}],
              "temperature": 0.5, "max_output_tokens": 100, "usage": IO}
    answer = own(dialect, answer)
    answer.pop("generationId", None)
    if not stream:
        return answer
    begun = {**answer, "status": "in_progress", "usage": None, "output": [], "completed_at": None}
    for name in "openrouter_metadata", "provider_metadata":
        begun.pop(name, None)
    return [{"type": "response.created", "sequence_number": 0, "response": begun},
            {"type": "response.output_text.delta", "sequence_number": 1, "item_id": "msg_7",
             "output_index": 0, "content_index": 0, "delta": "cost 7"},
            {"type": "response.completed", "sequence_number": 2, "response": answer}, "[DONE]"]


def messages(dialect, stream):
    answer = {"id": ID[dialect], "type": "message", "role": "assistant", "model": MODEL,
              "content": [{"type": "thinking", "thinking": "t", "signature": "s"},
                          {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"cost": 5}}],
              "stop_reason": "tool_use", "stop_sequence": None, "usage": ANTHROPIC}
    meta = own(dialect, {})
    meta.pop("generationId", None)
    if not stream:
        return {**answer, **meta}
    stop = {k: v for k, v in meta.items() if k == "openrouter_metadata"}
    return [{"type": "message_start", "message": {**answer, "content": [], "stop_reason": None}},
            {"type": "content_block_start", "index": 0, "content_block": {
                "type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}},
            {"type": "content_block_delta", "index": 0, "delta": {
                "type": "input_json_delta", "partial_json": '{"cost":5}'}},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": None},
             "usage": {"output_tokens": 4, "cost": 0.01},
             **({"provider_metadata": meta["provider_metadata"]} if dialect == "vercel" else {})},
            {"type": "message_stop", **stop}]


def embeddings(dialect, _stream):
    answer = {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding":
                                          [0.1, -2e-3, 1]}],
              "model": MODEL, "usage": {"prompt_tokens": 8, "total_tokens": 8, "cost": 1e-7,
                                        "prompt_tokens_details": {"text_tokens": 8}}}
    if dialect == "vercel":
        return {**answer, "providerMetadata": {"gateway": GATE}}
    return {**answer, "provider": "OpenAI", "id": "gen-emb-1790752558-AbCdEfGhIjKlMnOpQrSt"}


MAKERS = {"chat/completions": chat, "responses": responses, "messages": messages,
          "embeddings": embeddings}
ASK = {"model": MODEL, "messages": [{"role": "user", "content": "x"}], "input": "x", "max_tokens": 99}


def is_zero(old, new, path):
    """All numbers below are 0 in the type they had; nothing else changed."""
    if isinstance(old, dict):
        equal(list(new), list(old), path)
        for name in old:
            is_zero(old[name], new[name], f"{path}.{name}")
    elif isinstance(old, list):
        for number, (one, other) in enumerate(zip(old, new, strict=True)):
            is_zero(one, other, f"{path}[{number}]")
    elif isinstance(old, bool) or old is None:
        equal(new, old, path)
    elif isinstance(old, (int, Decimal)):
        check(isinstance(new, (int, Decimal)) and new == 0, f"{path}: {new!r}")
    elif re.fullmatch(r"[-+0-9.eE]+", old):
        check(isinstance(new, str) and Decimal(new) == 0, f"{path}: {new!r} stays a string")
    else:
        equal(new, old, path)


def compare(old, new, fresh, path=""):
    """new is old with a HIT's changes, and no others."""
    if isinstance(old, list):
        for number, (one, other) in enumerate(zip(old, new, strict=True)):
            compare(one, other, fresh, f"{path}[{number}]")
        return
    if not isinstance(old, dict):
        equal(new, old, path)
        return
    equal([name for name in new], [name for name in old if name != "openrouter_metadata"], path)
    for name, value in old.items():
        here = f"{path}.{name}"
        if name == "openrouter_metadata":
            continue
        if name == "usage" and isinstance(value, dict):
            is_zero(value, new[name], here)
        elif name == "generationId" or name == "id" and str(value).startswith("gen"):
            equal(new[name], fresh, here)
        elif name in ("created", "created_at", "completed_at") and value is not None:
            check(abs(new[name] - time.time()) < 60, f"{here} is the hit's: {new[name]}")
        elif name == "gateway":
            for member, was in value.items():
                if member.lower().endswith("cost"):
                    is_zero(was, new[name][member], f"{here}.{member}")
                elif member == "routing":
                    equal(new[name][member], was, "routing stays")
            compare({k: v for k, v in value.items() if not k.lower().endswith("cost")},
                    {k: v for k, v in new[name].items() if not k.lower().endswith("cost")}, fresh, here)
        else:
            compare(value, new[name], fresh, here)


def parsed(answer, stream):
    return [json.loads(event, parse_float=Decimal) if event != "[DONE]" else event
            for event in answer.events()] if stream else answer.json()


ULID, OURS = r"gen_[0-9A-HJKMNP-TV-Z]{26}", r"gen-\d{10}-[0-9A-Za-z]{20}"
for dialect, base in ("vercel", "/v1"), ("openrouter", "/api/v1"):
    for upstream in "vercel", "openrouter":  # the other one's answers are converted, then zeroed
        with Sim() as sim, Gateway(sim, dialect=upstream) as gateway:
            hits = set()
            for family, make in MAKERS.items():
                for stream in (False, True) if family != "embeddings" else (False,):
                    what = f"{upstream} at {base}/{family}, stream {stream}"
                    said = make(upstream, stream)
                    raw = "".join(f"data: {event if event == '[DONE]' else json.dumps(event)}\n\n"
                                  for event in said) if stream else json.dumps(said)
                    if stream and family == "messages":
                        raw = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"
                                      for event in said)
                    sim.script({"raw": raw, "content_type": "text/event-stream" if stream
                                else "application/json"})
                    body = {**ASK, **({"stream": True} if stream else {})}
                    miss, hit = (gateway.post(f"{base}/{family}", body, cache=True, headers={
                        "X-OpenRouter-Metadata": "enabled"}) for _ in range(2))
                    equal((miss.status, miss.cache(), hit.cache()), (200, "MISS", "HIT"),
                          f"{what}: {miss.body[:300]}")
                    if upstream == dialect:
                        equal(miss.body.decode(), raw, f"{what}: a MISS passes as it came")
                    fresh = hit.headers["x-generation-id"]
                    check(re.fullmatch(ULID if dialect == "vercel" else OURS, fresh), f"{what}: {fresh}")
                    check(ID[upstream].encode() not in hit.body, f"{what}: the source's id")
                    compare(parsed(miss, stream), parsed(hit, stream), fresh, what)
                    check(b"openrouter_metadata" not in hit.body, f"{what}: stripped on a HIT")
                    hits.add(fresh)
            rows = {row["id"]: row for row in gateway.wait_rows(2 * len(hits))}
            for fresh in hits:
                equal((rows[fresh]["verdict"], rows[fresh]["billed_usd"]), ("free", "0"))
