"""Only whole answers are stored, by each API's own rule: an answer without its terminal event, without
how it finished, or with an error inside is not; tool calls and answers cut by a limit are.

parity: response-cache
"""
from harness import *

CHAT = {"model": MODEL, "messages": [{"role": "user", "content": "x"}]}
ASK = {"chat/completions": CHAT, "responses": {"model": MODEL, "input": "x"},
       "messages": {**CHAT, "max_tokens": 99},
       "embeddings": {"model": "openai/text-embedding-3-small", "input": "x"},
       "language-model": {"prompt": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]},
       "embedding-model": {"values": ["x"]}}
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5, "cost": 0.001}
IO = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}
TOOL = [{"index": 0, "id": "call_1", "type": "function",
         "function": {"name": "f", "arguments": "{}"}}]
ERROR = {"code": "error", "message": "inside"}


def chunk(finish=None, delta=None, **more):
    return {"id": "gen_01M3RJQ2GXYP8F188NH5K17ED5", "object": "chat.completion.chunk",
            "created": 1790752558, "model": MODEL, "choices": [
                {"index": 0, "delta": delta or {}, "finish_reason": finish}], **more}


def chat(finish="stop", done=True, delta=None, **more):
    """A stream: a piece of text, how it finished, the terminator."""
    return [chunk(delta={"role": "assistant", "content": "x"}, **more),
            chunk(finish, delta, usage=USAGE), *(["[DONE]"] if done else [])]


def chat_body(finish="stop", message=None, **more):
    return {"id": "gen_01M3RJQ2GXYP8F188NH5K17ED5", "object": "chat.completion", "model": MODEL,
            "created": 1790752558, "usage": USAGE, "choices": [{
                "index": 0, "finish_reason": finish,
                "message": message or {"role": "assistant", "content": "x"}}], **more}


def response(status="completed", output=None, **more):
    text = [{"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
             "content": [{"type": "output_text", "text": "x", "annotations": []}]}]
    return {"id": "gen_01M3RJQ2GXYP8F188NH5K17ED5", "object": "response", "created_at": 1790752558,
            "model": MODEL, "status": status, "output": text if output is None else output,
            "error": None, "incomplete_details": None, "usage": IO, **more}


def responses(kind="response.completed", **more):
    events = [{"type": "response.created", "response": response("in_progress", [], usage=None)},
              {"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0,
               "content_index": 0, "delta": "x"}]
    if kind:
        events += [{"type": kind, "response": response(**more)}, "[DONE]"]
    return events


CALL = [{"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": "{}",
         "status": "completed"}]
LIMIT = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}


def message(stop="end_turn", **more):
    return {"id": "gen_01M3RJQ2GXYP8F188NH5K17ED5", "type": "message", "role": "assistant",
            "model": MODEL, "content": [{"type": "text", "text": "x"}], "stop_reason": stop,
            "stop_sequence": None, "usage": {"input_tokens": 3, "output_tokens": 2}, **more}


def messages(stop="end_turn", end=True, error=False):
    events = [{"type": "message_start", "message": message(None, content=[])},
              {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
              {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "x"}},
              {"type": "content_block_stop", "index": 0}]
    if error:
        return events + [{"type": "error", "error": {"type": "overloaded_error", "message": "x"}}]
    events.append({"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None},
                   "usage": {"output_tokens": 2}})
    return events + ([{"type": "message_stop"}] if end else [])


def parts(finish="stop", *more, done=True):
    usage = {"inputTokens": {"total": 3}, "outputTokens": {"total": 2}}
    last = [{"type": "finish", "finishReason": {"unified": finish, "raw": finish}, "usage": usage}]
    return [{"type": "stream-start", "warnings": []}, {"type": "text-start", "id": "0"},
            {"type": "text-delta", "id": "0", "delta": "x"}, {"type": "text-end", "id": "0"},
            *more, *(last if finish else []), *(["[DONE]"] if done else [])]


def generated(finish="stop"):
    return {"content": [{"type": "text", "text": "x"}], "warnings": [],
            "finishReason": {"unified": finish, "raw": finish} if finish else None,
            "usage": {"inputTokens": {"total": 3}, "outputTokens": {"total": 2}}}


CASES = [  # path, what the upstream says (a list is a stream), stored
    ("chat/completions", chat(), True), ("chat/completions", chat("tool_calls", delta={
        "tool_calls": TOOL}), True), ("chat/completions", chat("length"), True),
    ("chat/completions", chat("content_filter"), True),
    ("chat/completions", chat(done=False), False), ("chat/completions", chat(None), False),
    ("chat/completions", chat("error"), False), ("chat/completions", chat(error=ERROR), False),
    ("chat/completions", [*chat()[:-1], {**chunk(), "choices": [
        {"index": 1, "delta": {"content": "y"}, "finish_reason": None}]}, "[DONE]"], False),
    ("chat/completions", ["[DONE]"], False),
    ("chat/completions", chat_body(), True), ("chat/completions", chat_body("tool_calls", {
        "role": "assistant", "content": None, "tool_calls": TOOL}), True),
    ("chat/completions", chat_body("length"), True), ("chat/completions", chat_body(None), False),
    ("chat/completions", chat_body("error"), False),
    ("chat/completions", chat_body(error=ERROR), False), ("chat/completions", {"error": ERROR}, False),
    ("responses", responses(), True), ("responses", responses(output=CALL), True),
    ("responses", responses("response.incomplete", **LIMIT), True),
    ("responses", responses(None), False), ("responses", [*responses(None), "[DONE]"], False),
    ("responses", responses("response.failed", status="failed", error=ERROR), False),
    ("responses", [*responses(None), {"type": "error", **ERROR, "param": None}], False),
    ("responses", [*responses(None), {"type": "error", **ERROR, "param": None},
                   *responses()[-2:]], False),
    ("responses", response(), True), ("responses", response(output=CALL), True),
    ("responses", response(**LIMIT), True), ("responses", response("failed", error=ERROR), False),
    ("responses", response("in_progress"), False), ("responses", response("cancelled"), False),
    ("messages", messages(), True), ("messages", messages("tool_use"), True),
    ("messages", messages("max_tokens"), True), ("messages", messages("refusal"), True),
    ("messages", messages(None), False), ("messages", messages(end=False), False),
    ("messages", messages(error=True), False),
    ("messages", message(), True), ("messages", message("tool_use", content=[
        {"type": "tool_use", "id": "t", "name": "f", "input": {}}]), True),
    ("messages", message("max_tokens"), True), ("messages", message(None), False),
    ("messages", {"type": "error", "error": {"type": "api_error", "message": "x"}}, False),
    ("language-model", parts(), True), ("language-model", parts("tool-calls", {
        "type": "tool-call", "toolCallId": "c", "toolName": "f", "input": "{}"}), True),
    ("language-model", parts("length"), True), ("language-model", parts(None), False),
    ("language-model", parts(None, done=False), False), ("language-model", parts("error"), False),
    ("language-model", parts("stop", {"type": "error", "error": "x"}), False),
    ("language-model", generated(), True), ("language-model", generated("tool-calls"), True),
    ("language-model", generated("length"), True), ("language-model", generated("error"), False),
    ("language-model", generated(None), False),
    ("embeddings", {"object": "list", "model": MODEL, "usage": {"prompt_tokens": 1, "total_tokens": 1},
                    "data": [{"object": "embedding", "index": 0, "embedding": [0.25]}]}, True),
    ("embeddings", {"object": "list", "model": MODEL, "error": ERROR, "data": [
        {"object": "embedding", "index": 0, "embedding": [0.25]}]}, False),
    ("embeddings", {"object": "list", "model": MODEL, "data": []}, False),
    ("embeddings", {"error": ERROR}, False),
    ("embedding-model", {"embeddings": [[0.25]], "usage": {"tokens": 1}}, True),
    ("embedding-model", {"error": ERROR}, False),
]


def raw_of(said, path):
    if not isinstance(said, list):
        return json.dumps(said)
    names = path in ("responses", "messages")
    return "".join((f"event: {event['type']}\n" if names and event != "[DONE]" else "")
                   + f"data: {event if event == '[DONE]' else json.dumps(event)}\n\n" for event in said)


def asked(path, stream, number):
    """Headers and body of the request."""
    body, headers = {**ASK[path]}, None
    if path.endswith("-model"):
        kind = path.removesuffix("-model")
        headers = {f"ai-{kind}-model-id": MODEL, f"ai-{kind}-model-specification-version": "4",
                   "ai-model-id": MODEL}
        if kind == "language":
            headers["ai-language-model-streaming"] = "true" if stream else "false"
        body["seed"] = number
    else:
        body["user"] = str(number)
        if stream:
            body["stream"] = True
    return headers, body


for dialect, bases in ("vercel", ("/v1", "/api/v1")), ("openrouter", ("/api/v1", "/v1")):
    with Sim() as sim, Gateway(sim, dialect=dialect) as gateway:
        for base in bases:
            for number, (path, said, stored) in enumerate(CASES):
                where = "/v4/ai" if path.endswith("-model") else base
                if where == "/v4/ai" and (dialect, base) != ("vercel", "/v1"):
                    continue
                headers, body = asked(path, isinstance(said, list), number)
                behaviour = {"raw": raw_of(said, path), "content_type": (
                    "text/event-stream" if isinstance(said, list) else "application/json")}
                sim.script(behaviour, behaviour)
                answers = [gateway.post(f"{where}/{path}", body, cache=True, headers=headers)
                           for _ in range(2)]
                what = f"{dialect} at {where}/{path}, case {number}: {behaviour['raw'][-400:]}"
                equal(answers[0].cache() or "MISS", "MISS", what)
                equal(answers[1].cache() == "HIT", stored, f"stored: {what}")
                sim.reset()
        # A client that leaves does not spoil what goes on; an upstream that breaks off does.
        for path in ("chat/completions", "responses", "messages"):
            headers, body = asked(path, True, 1000)
            for die in "middle", "end":
                sim.script({"die": die, "chunks": 4, "text": "a b c d"}, {"text": "whole"})
                for wanted in "MISS", "MISS", "HIT":
                    answer = gateway.post(f"{bases[0]}/{path}", {**body, "top_p": len(die)}, cache=True)
                    equal((answer.status, answer.cache()), (200, wanted), f"{path}, {die}")
                check(b"whole" in answer.body, "the whole one is served")
