"""HTTP/2 for what is not a model call: reads, HEAD, preflights, multipart and binary bodies, and DELETE.

parity: other-endpoints, cors
"""
from harness import *

H2_ONLY = "--http2-prior-knowledge"
AUTH = ("-H", f"Authorization: Bearer {KEY}")

with Sim() as sim, Gateway(sim) as gateway:
    wait_for(lambda: gateway.get("/v1/models").status == 200, "the catalogue")
    for base in "/v1", "/api/v1":
        one = gateway.curl(H2_ONLY, path=f"{base}/models")
        equal((one.status, one.body), (200, gateway.get(f"{base}/models", key=None).body), base)
        head = gateway.curl(H2_ONLY, "--head", path=f"{base}/models")
        equal((head.status, head.headers["content-length"]), (200, str(len(one.body))), base)
        answer = gateway.curl(H2_ONLY, "-X", "OPTIONS", "-H", "Origin: https://app.example", "-H",
                              "Access-Control-Request-Method: POST", path=f"{base}/responses")
        equal((answer.status, answer.body, answer.headers["access-control-allow-origin"]), (204, b"", "*"))
        equal(gateway.curl(H2_ONLY, "--head", path=f"{base}/responses").status, 405, base)
        equal(gateway.curl(H2_ONLY, path=f"{base}/key").status, 401, base)
        equal(gateway.curl(H2_ONLY, *AUTH, path=f"{base}/key").status, 200, base)
        answer = gateway.curl(H2_ONLY, "-X", "PUT", *AUTH, body=b"{}", path=f"{base}/embeddings")
        equal((answer.status, "POST" in answer.headers["allow"]), (405, True), base)

    # A picture comes back as it is, a form goes out as it is.
    speech = gateway.curl(H2_ONLY, *AUTH, "-H", "Content-Type: application/json",
                          body=b'{"model":"openai/tts-1","input":"Hello","voice":"alloy"}',
                          path="/v1/audio/speech")
    plain = gateway.request("POST", "/v1/audio/speech",
                            b'{"model":"openai/tts-1","input":"Hello","voice":"alloy"}',
                            {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"})
    equal((speech.status, speech.body, speech.headers["content-type"]),
          (200, plain.body, plain.headers["content-type"]))
    path = os.path.join(gateway.dir, "upload.jsonl")
    with open(path, "wb") as file:
        file.write(bytes(range(256)) * 40)
    made = gateway.curl(H2_ONLY, *AUTH, "-F", "purpose=batch", "-F", f"file=@{path}", path="/v1/files")
    equal(made.status, 200, made.body)
    check(sim.calls()[-1]["headers"]["content-type"].startswith("multipart/form-data; boundary="), "a form")
    name = made.json()["id"]
    equal(gateway.curl(H2_ONLY, *AUTH, path=f"/v1/files/{name}").json()["id"], name)
    equal(gateway.curl(H2_ONLY, "-X", "DELETE", *AUTH, path=f"/v1/files/{name}").status, 200)
    equal(gateway.curl(H2_ONLY, *AUTH, path=f"/v1/files/{name}").status, 404)
    equal([row["api"] for row in gateway.wait_rows(3)], ["audio", "audio", "files"])
