"""The request log: off by default; on, generations shows the caller the request that was sent, nobody else
does, and no prompt stands readable anywhere under data_dir or in the log.

parity: replay-request
"""
from harness import *

PROMPT = "PromptMarkerOkapiZebra"
ON = {"request_log": {"enabled": True}}


def requests_of(base):
    """(path, body) in every API, streamed or not; each a request of its own."""
    message = [{"role": "user", "content": f"{PROMPT} {base} \u00e9 \U0001f600"}]
    model = "z-ai/glm-4.6" if base == "/api/v1" else "zai/glm-4.6"
    for stream in {}, {"stream": True}:
        yield "chat/completions", {"model": model, "messages": message, "temperature": 0.5, **stream}
        yield "responses", {"model": model, "input": PROMPT, **stream}
        yield "messages", {"model": model, "max_tokens": 50, "messages": message, **stream}
    yield "embeddings", {"model": "openai/text-embedding-3-small", "input": [PROMPT, base]}


def check_unreadable(gateway):
    """No file under data_dir has the prompt, as it is or in the encodings that come to mind."""
    import base64
    needles = [PROMPT.encode(), PROMPT.encode("utf-16-le"), PROMPT.encode().hex().encode(),
               base64.b64encode(PROMPT.encode())[:-4], KEY.encode()]
    count = 0
    for where, _, names in os.walk(gateway.data):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                with open(os.path.join(where, name), "rb") as file:
                    content = file.read()
                count += 1
                for needle in needles:
                    check(needle not in content, f"{needle} stands in {where}/{name}")
    check(count > 3, "there are files")
    check(PROMPT not in gateway.log_text() and PROMPT not in "".join(gateway.lines), "nor in the log")


def record(gateway, identity, key=KEY, base="/v1"):
    return gateway.get(f"{base}/generations?id={identity}", key=key)


with Sim("--log-bodies") as sim:
    gateway = Gateway(sim, ON)
    sent = {}
    for base in "/v1", "/api/v1":
        for path, body in requests_of(base):
            answer = gateway.post(f"{base}/{path}", body, cache=True)
            equal(answer.status, 200, f"{base}/{path}: {answer.body[:300]}")
            sent[answer.headers["x-generation-id"]] = body
            hit = gateway.post(f"{base}/{path}", body, cache=True)
            equal(hit.cache(), "HIT")
            sent[hit.headers["x-generation-id"]] = body
    refused = {"model": MODEL, "messages": [{"role": "user", "content": sim_text({"status": 400}, PROMPT)}]}
    answer = gateway.post("/v1/chat/completions", refused)
    sent[answer.headers["x-generation-id"]] = refused
    for identity, body in sent.items():
        for base in "/v1", "/api/v1":
            got = wait_for(lambda: (got := record(gateway, identity, base=base)).status == 200
                           and got.json()["replay_supported"] and got.json(), f"the request of {identity}", 10)
            equal(json.loads(json.dumps(got["replay_request"], default=float)), body,
                  "what the client sent, in its own words")
    # Nobody else, and nowhere else.
    some = list(sent)[0]
    equal(record(gateway, some, key="vck_another").status, 404)
    for path in (f"/v1/generation?id={some}", f"/api/v1/generation?id={some}", "/api/v1/key",
                 "/v1/report?start_date=2026-01-01&end_date=2026-12-31"):
        check(PROMPT.encode() not in gateway.get(path).body, path)
    check(PROMPT not in gateway.export("--format", "jsonl"), "the export")
    # It can be sent again as it is shown.
    again = gateway.post("/v1/chat/completions", record(gateway, some).json()["replay_request"] | {
        "temperature": 0.5}, cache=True)
    equal((again.status, again.cache()), (200, "HIT"), "the same request")
    time.sleep(1.2)  # whatever is written behind the requests' back is written by now
    check_unreadable(gateway)
    equal(gateway.stop(), 0)
    check_unreadable(gateway)

    # After a restart its owner still reads it; when it is switched off, it is kept no longer for new ones.
    with Gateway(sim, ON, data=gateway.data) as second:
        got = wait_for(lambda: (got := record(second, some)).status == 200 and got.json(), "the row")
        equal((got["replay_supported"], json.loads(json.dumps(got["replay_request"], default=float))),
              (True, sent[some]))
    with Gateway(sim) as off:
        identity = off.chat(PROMPT).headers["x-generation-id"]
        got = wait_for(lambda: (got := record(off, identity)).status == 200 and got.json(), "the row")
        equal((got["replay_supported"], got["replay_request"]), (False, None), "off by default")
        check(not os.path.exists(f"{off.data}/requests"), "nothing is kept")
        check_unreadable(off)
