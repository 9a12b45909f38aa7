"""A stream that fails in the middle ends with an error in the grammar of the client's own API, whatever
the upstream speaks; there is no terminator when it broke off, nothing is stored, and its row says so.

parity: errors
"""
from harness import *

ASK = {
    "chat/completions": {"model": MODEL, "messages": [{"role": "user", "content": "x"}]},
    "completions": {"model": MODEL, "prompt": "x"},
    "responses": {"model": MODEL, "input": "x"},
    "messages": {"model": MODEL, "max_tokens": 99, "messages": [{"role": "user", "content": "x"}]},
}
SDK = {"ai-language-model-id": MODEL, "ai-language-model-streaming": "true",
       "ai-language-model-specification-version": "4"}


def events_of(answer):
    """(name or None, payload) of every event; comments are none."""
    events = []
    for block in answer.body.decode().split("\n\n"):
        name = payload = None
        for line in block.split("\n"):
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                payload = line[6:]
        if payload is not None:
            events.append((name, payload if payload == "[DONE]"
                           else json.loads(payload, parse_float=Decimal)))
    return events


def is_error(base, family, name, event):
    """Whether an event is a failure in the words of (base, family)."""
    if not isinstance(event, dict):
        return False
    if family == "messages":
        return (name, event.get("type")) == ("error", "error") and bool(
            event["error"]["type"] and event["error"]["message"])
    if family == "responses":
        if event.get("type") == "error":
            return bool(event["message"]) and "code" in event
        return event.get("type") == "response.failed" and event["response"]["status"] == "failed"
    if family == "language-model":
        return event.get("type") == "error" and bool(event["error"])
    error = event.get("error")
    if not isinstance(error, dict) or not error.get("message"):
        return False
    if base == "/api/v1":
        return isinstance(error["code"], int) and (
            family == "completions" or event["choices"][0]["finish_reason"] == "error")
    return not event.get("choices")


def check_failed(gateway, sim, base, family, behaviour, may_end, headers=None):
    body = {**ASK.get(family, {"prompt": [{"role": "user", "content": [
        {"type": "text", "text": "x"}]}]}), "user": json.dumps(behaviour)}
    if family == "language-model":
        body.pop("user")
        body["seed"] = 1 if "die" in behaviour else 2
    else:
        body["stream"] = True
    what = f"{behaviour} at {base}/{family}"
    sim.script({"chunks": 6, "text": "a b c d e f", **behaviour})
    answer = gateway.post(f"{base}/{family}", body, cache=True, headers=headers)
    equal(answer.status, 200, f"{what}: {answer.body[:300]}")
    events = events_of(answer)
    ended = events[-1] == (None, "[DONE]")
    check(may_end or not ended, f"{what}: no terminator behind what broke off")
    while events and events[-1][1] == "[DONE]":
        events.pop()
    check(is_error(base, family, *events[-1]), f"{what}: an error ends it: {events[-1]}")
    check(len(events) > 1 and not is_error(base, family, *events[0]), f"{what}: it had begun")
    for name, event in events:
        kind = event.get("type") if isinstance(event, dict) else None
        check(kind not in ("message_stop", "response.completed", "finish"), f"{what}: {kind}")
    check("stored" not in answer.headers.get("cache-status", ""), f"{what}: not stored")
    posts = sim.posts()
    again = gateway.post(f"{base}/{family}", body, cache=True, headers=headers)
    equal((again.status, sim.posts()), (200, posts + 1), f"{what}: not stored")
    return answer.headers["x-generation-id"]


for dialect in "vercel", "openrouter", "openai":
    with Sim() as sim, Gateway(sim, dialect=dialect) as gateway:
        failed = []
        for base in "/v1", "/api/v1":
            for family in ASK:
                if (dialect, family) == ("openai", "messages"):
                    continue  # the simulated one does not have it
                for behaviour, may_end in (({"error_frame": 3}, True), ({"die": "middle"}, False)):
                    failed.append(check_failed(gateway, sim, base, family, behaviour, may_end))
        if dialect == "vercel":
            for behaviour, may_end in (({"error_frame": 3}, True), ({"die": "middle"}, False)):
                failed.append(check_failed(gateway, sim, "/v4/ai", "language-model", behaviour,
                                           may_end, SDK))
        calls = {call["id"]: call for call in sim.calls()}

        def settled():
            rows = {row["id"]: row for row in gateway.rows()}
            return rows if set(failed) <= set(rows) and (dialect == "openai" or all(
                rows[name]["verdict"] != "pending" for name in failed)) else None
        rows = wait_for(settled, "the rows to settle")
        for name in failed:
            row = rows[name]
            equal((row["status"], row["streamed"]), ("200", "true"), str(row))
            call = calls.get(row["upstream_id"])
            if dialect == "openai":
                check(row["verdict"] in ("unreported", "unknown") and row["billed_usd"] == "",
                      f"nobody tells what it cost: {row}")
            elif call:  # looked up: an answer that breaks off is billed whole
                wanted = call["gateway_cost"] if dialect == "vercel" else call["cost"]
                equal((row["billed_usd"], row["verdict"]), (wanted, "matched"), str(row))
            else:
                equal((row["billed_usd"], row["verdict"]), ("", "unknown"), str(row))
