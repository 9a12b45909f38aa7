"""No way of writing a request leads a client to a model that it may not use."""
from harness import *

CHEAP, DEAR = "openai/gpt-4.1-nano", "openai/gpt-5"
IMAGE = "openai/gpt-image-1"
AI = {"ai-language-model-id": CHEAP, "ai-language-model-specification-version": "4",
      "ai-gateway-protocol-version": "0.0.1", "ai-language-model-streaming": "false"}
with Sim() as sim, Gateway(sim, {"clients": [client("r", models=[CHEAP])]}, own_key=OWN_KEY) as gateway:
    ways = {
        "the AI SDK's fallback models": lambda: gateway.post("/v4/ai/language-model", {
            "prompt": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
            "providerOptions": {"gateway": {"models": [DEAR]}}}, headers=AI, key="tg_r"),
        "a form whose first field looks like the model": lambda: gateway.request(
            "POST", "/v1/images/edits",
            b'--b\r\nContent-Disposition: form-data; name="note"\r\n\r\nname="model"\r\n\r\n' + CHEAP.encode() +
            b'\r\n--b\r\nContent-Disposition: form-data; name="model"\r\n\r\n' + IMAGE.encode() +
            b'\r\n--b\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\nx\r\n--b--\r\n',
            {"Authorization": "Bearer tg_r", "Content-Type": "multipart/form-data; boundary=b"}),
        "a header of another protocol, and JSON that does not say so": lambda: gateway.request(
            "POST", "/v1/images/generations", json.dumps({"model": IMAGE, "prompt": "x"}).encode(),
            {"Authorization": "Bearer tg_r", "Content-Type": "text/plain", "ai-image-model-id": CHEAP}),
    }
    got = {what: way().status for what, way in ways.items()}
    equal({what: status for what, status in got.items() if status not in (400, 403)}, {}, "let through")
    equal(sim.posts(), 0)
