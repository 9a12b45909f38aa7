"""HTTP/2: every cacheable endpoint of both base paths and /v4/ai on one connection at once, streams
interleaved and converted; MISS then HIT; a stream that is reset hurts no other.

parity: responses-api, messages-api, embeddings-api, ai-sdk-protocol
"""
from harness import *

SDK = {"ai-language-model-id": MODEL, "ai-language-model-specification-version": "4"}
MESSAGES = [{"role": "user", "content": sim_text({"chunks": 5, "gap": 10, "delay": 20, "text": "a b c d e"})}]


def requests():
    """(path, headers, body, what stands in the answer)."""
    for base in "/v1", "/api/v1":
        for stream in {}, {"stream": True}:
            yield f"{base}/chat/completions", {}, {"model": MODEL, "messages": MESSAGES, **stream}
            yield f"{base}/responses", {}, {"model": MODEL, "input": MESSAGES[0]["content"], **stream}
            yield f"{base}/messages", {"anthropic-version": "2023-06-01"}, {
                "model": MODEL, "max_tokens": 50, "messages": MESSAGES, **stream}
        yield f"{base}/embeddings", {}, {"model": "openai/text-embedding-3-small", "input": "x"}
    prompt = {"prompt": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]}
    for stream in "false", "true":
        yield "/v4/ai/language-model", {**SDK, "ai-language-model-streaming": stream}, prompt
    yield "/v4/ai/embedding-model", {"ai-embedding-model-id": "openai/text-embedding-3-small",
                                     "ai-model-id": "openai/text-embedding-3-small",
                                     "ai-embedding-model-specification-version": "4"}, {"values": ["x"]}


def without_usage(answer):
    """The events or members that a HIT does not change."""
    body = answer.body.decode()
    body = re.sub(r"(gen[_-]|resp_)[0-9A-Za-z-]{24,}", "ID", body)
    body = re.sub(r'"(created|created_at|completed_at)":\d+', r'"\1":0', body)
    return re.sub(r'"(usage|gateway)":\{.*', "", body)


for dialect in "vercel", "openrouter":
    with Sim() as sim, Gateway(sim, dialect=dialect) as gateway:
        cases = [case for case in requests() if dialect == "vercel" or "/v4/" not in case[0]]
        client = H2(gateway.port)
        try:
            for wanted in "MISS", "HIT":
                streams = [client.post(json.dumps(body).encode(), {**headers, "x-openrouter-cache": "true"},
                                       path) for path, headers, body in cases]
                # Two more that nobody will wait for.
                given_up = [client.post(json.dumps({"model": MODEL, "stream": True, "messages": [
                    {"role": "user", "content": sim_text({"chunks": 50, "gap": 50})}]}).encode(), {}, path)
                    for path in ("/v1/chat/completions", "/api/v1/chat/completions")]
                for stream in given_up:
                    client.wait(stream, "ResponseReceived")
                    client.reset(stream)
                answers = [client.answer(stream) for stream in streams]
                for (path, _, body), answer in zip(cases, answers):
                    what = f"{dialect} {path} {body.get('stream')}: {answer.body[:300]}"
                    equal((answer.status, answer.cache()), (200, wanted), what)
                    check(len(answer.body) > 50, what)
                    if "stream" in body:
                        check(answer.headers["content-type"].startswith("text/event-stream"), what)
                if wanted == "MISS":
                    first = answers
                else:
                    for (path, _, _), old, new in zip(cases, first, answers):
                        equal(without_usage(new), without_usage(old), f"{dialect} {path}")
            # Errors have the envelope of their path here too.
            for path, member in ("/v1/responses", "type"), ("/api/v1/responses", "code"):
                answer = client.answer(client.post(b"{", {}, path))
                equal((answer.status, member in answer.json()["error"]), (400, True), path)
        finally:
            client.close()
        wait_for(lambda: len(gateway.rows()) == 2 * len(cases) + 4, "the rows")
        gone = [row for row in gateway.rows() if row["status"] == "499" or row["cache"] == "off"]
        equal(len(gone), 4, "those that were reset")
