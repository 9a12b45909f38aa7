"""What is only forwarded, on both base paths and /v4/ai: status and bytes pass, nothing is cached
although it is asked for, one row per POST with its api and what was billed; GET and DELETE make none.

parity: other-endpoints, modality-image, modality-speech, modality-transcription
"""
import random
from harness import *

FORM = "multipart/form-data; boundary=tollgate-e2e"
BINARY = random.Random(104).randbytes(3000)


def form(file_name, **fields):
    """A multipart body with a file that is no text."""
    parts = [f'--tollgate-e2e\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
             .encode() for name, value in fields.items()]
    parts.append(b"--tollgate-e2e\r\nContent-Disposition: form-data; name=\"file\"; filename=\""
                 + file_name.encode() + b"\"\r\nContent-Type: application/octet-stream\r\n\r\n"
                 + BINARY + b"\r\n--tollgate-e2e--\r\n")
    return b"".join(parts)


def body_of(**members):
    return json.dumps(members).encode()


# path, content type, body, api of the row, model in the row, whether the answer says its cost
POSTS = [
    ("completions", None, body_of(model=MODEL, prompt="Once"), "completions", MODEL, True),
    ("completions", None, body_of(model=MODEL, prompt="Once", stream=True), "completions", MODEL, True),
    ("images/generations", None, body_of(model="openai/gpt-image-1", prompt="x"), "images",
     "openai/gpt-image-1", True),
    ("images/edits", FORM, form("a.png", model="openai/gpt-image-1", prompt="x"), "images",
     "openai/gpt-image-1", True),
    ("audio/speech", None, body_of(model="openai/tts-1", input="Hello", voice="alloy"), "audio",
     "openai/tts-1", False),
    ("audio/transcriptions", FORM, form("a.mp3", model="openai/whisper-1"), "audio",
     "openai/whisper-1", True),
    ("videos", None, body_of(model="google/veo-3.1-generate-001", prompt="x"), "videos",
     "google/veo-3.1-generate-001", True),
    ("batches", None, body_of(input_file_id="file-1", endpoint="/v1/chat/completions",
                              completion_window="24h"), "batches", "", False),
    ("files", FORM, form("a.jsonl", purpose="batch"), "files", "", False),
]
SDK = [  # the AI SDK's own protocol: path, body, api, model, headers of that model type
    ("image-model", body_of(prompt="x", n=1), "openai/gpt-image-1"),
    ("speech-model", body_of(text="Hello"), "openai/tts-1"),
    ("transcription-model", body_of(audio="AAAA", mediaType="audio/mpeg"), "openai/whisper-1"),
    ("reranking-model", body_of(documents={"type": "text", "values": ["a", "b"]}, query="a"),
     "cohere/rerank-v3.5"),
    ("video-model", body_of(prompt="x", n=1), "google/veo-3.1-generate-001"),
]


def send(gateway, path, kind, body, headers=None):
    return gateway.request("POST", path, body, {
        "Authorization": f"Bearer {KEY}", "Content-Type": kind or "application/json",
        "X-OpenRouter-Cache": "true", **(headers or {})})


def check_forwarded(sim, gateway, path, kind, body, api, model, has_cost, headers=None):
    """Asks twice; what the rows have to say: (id, call, columns, whether the answer says its cost)."""
    before = sim.posts()
    answers = [send(gateway, path, kind, body, headers) for _ in range(2)]
    calls = sim.calls()[-2:]
    equal(sim.posts() - before, 2, f"{path}: asked twice, sent twice")
    for answer, call in zip(answers, calls):
        equal((answer.status, call["status"]), (200, 200), f"{path}: {answer.body[:300]}")
        equal(call["body_sha256"], hashlib.sha256(body).hexdigest(), f"{path}: the body as it came")
        equal(call["headers"]["content-type"], kind or "application/json", path)
        equal(answer.cache(), None, f"{path} is not cached")
        yield answer.headers["x-generation-id"], call, {
            "api": api, "status": "200", "cache": "off", "model_requested": model}, has_cost


def check_rows(gateway, wanted):
    def settled():
        rows = {row["id"]: row for row in gateway.rows()}
        return rows if all(name in rows and (not has_cost or rows[name]["verdict"] != "pending")
                           for name, _, _, has_cost in wanted) else None
    rows = wait_for(settled, "the rows")
    for name, call, columns, has_cost in wanted:
        row = rows[name]
        equal({column: row[column] for column in columns}, columns, call["path"])
        if has_cost or row["billed_usd"] not in ("", "0"):
            equal(row["billed_usd"], call["gateway_cost"], f"{call['path']}: what was billed")


def check_bytes(sim, gateway, base):
    """Status, content type and every byte are the upstream's, of whatever kind they are."""
    for path, raw, kind, status in (
            ("images/generations", '{ "created":1, "data":[{"b64_json":"AAAA"}] ,"x":1.50}\n',
             "application/json", 200),
            ("audio/speech", "".join(map(chr, range(1, 256))), "audio/mpeg", 200),
            ("audio/transcriptions", "1\n00:00:00,000 --> 00:00:01,000\nHello\n", "text/plain", 200),
            ("videos", '{"id":"video_1","status":"queued"}', "application/json", 202),
            ("batches", '{"id":"batch_1","object":"batch"}', "application/json", 201)):
        sim.script({"raw": raw, "content_type": kind, "status": status})
        answer = send(gateway, f"{base}/{path}", None, body_of(model=MODEL, prompt="x"))
        equal((answer.status, answer.headers["content-type"], answer.body),
              (status, kind, raw.encode()), path)


def check_reads(sim, gateway, base):
    """GET and DELETE of things that a POST made; no rows."""
    auth = {"Authorization": f"Bearer {KEY}"}
    made = send(gateway, f"{base}/files", FORM, form("b.jsonl", purpose="batch"))
    name = made.json()["id"]
    posts, rows = sim.posts(), len(gateway.rows())
    one = gateway.request("GET", f"{base}/files/{name}", None, auth)
    equal((one.status, one.json()["id"]), (200, name), one.body)
    check(name in gateway.request("GET", f"{base}/files?limit=5", None, auth).body.decode(), "listed")
    gone = gateway.request("DELETE", f"{base}/files/{name}", None, auth)
    equal(gone.status, 200, gone.body)
    equal(gateway.request("GET", f"{base}/files/{name}", None, auth).status, 404, "deleted upstream")
    equal(gateway.request("GET", f"{base}/batches/batch_none", None, auth).status, 404)
    equal((sim.posts(), len(gateway.rows())), (posts, rows), "no POST, no row")
    equal(gateway.request("GET", f"{base}/files").status, 401, "nobody else's key is used")


for dialect, base in ("vercel", "/v1"), ("openrouter", "/api/v1"):
    with Sim() as sim, Gateway(sim, dialect=dialect) as gateway:
        check_bytes(sim, gateway, base)
        # Of these the simulated OpenRouter itself has only completions.
        wanted = [row for path, *case in POSTS[:None if dialect == "vercel" else 2]
                  for row in check_forwarded(sim, gateway, f"{base}/{path}", *case)]
        if dialect == "vercel":
            wanted += [row for path, body, model in SDK for row in check_forwarded(
                sim, gateway, f"/v4/ai/{path}", None, body, "ai-other", model, True, {
                    "ai-model-id": model, f"ai-{path}-specification-version": "4",
                    "ai-gateway-protocol-version": "0.0.1"})]
            check_reads(sim, gateway, base)
            equal(gateway.get("/v4/ai/config").status, 200)
        check_rows(gateway, wanted)

# An OpenRouter client on a Vercel upstream: the model's name is translated, the bytes pass.
with Sim("--log-bodies") as sim, Gateway(sim) as gateway:
    answer = send(gateway, "/api/v1/images/generations", None, body_of(
        model="black-forest-labs/flux-2-pro", prompt="x"))
    equal((answer.status, json.loads(sim.calls()[0]["body"])["model"]), (200, "bfl/flux-2-pro"))
    row = gateway.rows_of_id(answer.headers["x-generation-id"])
    equal((row["api"], row["billed_usd"]), ("images", sim.calls()[0]["gateway_cost"]))
