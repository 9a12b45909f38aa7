"""What a budget holds is never less than what the vendor may bill: choices, prompts, candidates and answers that the
body does not bound by itself multiply the output."""
from harness import *

BIG, IMAGE = "openai/gpt-5", "openai/gpt-image-1"
OURS = price_file(BIG, {"input": "0.00000125", "output": "0.00001"},
                  **{IMAGE: {"input": "0.00001", "output": "0.00004"}})
TOKEN = Decimal("0.00001")
LIMIT = 65536  # limits.output_tokens


def holds(answer):
    equal(answer.status, 402, answer.body)
    return answer.json()["error"]["metadata"]["request_may_cost_usd"]


with Sim() as sim, Gateway(sim, {"clients": [client("b", budget_per_day="0.000001")],
                                 "prices": {"file": "own.json"}}, files={"own.json": OURS},
                           own_key=OWN_KEY) as gateway:
    chat = {"model": BIG, "messages": [{"role": "user", "content": "hi"}]}
    text = {"model": BIG, "prompt": "a", "max_tokens": 1000}
    picture = [{"type": "image_url", "image_url": {"url": "HTTPS://example.com/a.png"}}]
    form = (b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\n' + IMAGE.encode() +
            b'\r\n--b\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\nx\r\n--b--\r\n')
    cases = {
        "100 choices without a maximum":
            (gateway.post("/v1/chat/completions", {**chat, "n": 100}, key="tg_b"), 100 * LIMIT * TOKEN),
        "100 prompts, each with its own answer":
            (gateway.post("/v1/completions", {**text, "prompt": ["a"] * 100}, key="tg_b"), 100 * 1000 * TOKEN),
        "the best of 20":
            (gateway.post("/v1/completions", {**text, "best_of": 20}, key="tg_b"), 20 * 1000 * TOKEN),
        "a link in capitals":
            (gateway.post("/v1/chat/completions", {**chat, "max_tokens": 1, "messages": [
                {"role": "user", "content": picture}]}, key="tg_b"), Decimal("0.1")),
        "a form says no maximum":
            (gateway.request("POST", "/v1/images/edits", form, {
                "Authorization": "Bearer tg_b", "Content-Type": "multipart/form-data; boundary=b"}),
             LIMIT * Decimal("0.00004")),
    }
    short = {what: (holds(answer), least) for what, (answer, least) in cases.items()
             if Decimal(holds(answer)) < least}
    equal(short, {}, "held less than it may cost")
    equal(sim.posts(), 0)
