"""Vercel's own vectors, price times tokens: reference/vercel section 11."""
from harness import *

VECTORS = [  # model, uncached, cached, written, out, cost
    ("zai/glm-5.3", 1, 9519, 0, 16, "0.00254674"),
    ("anthropic/claude-haiku-4.5", 13, 0, 18909, 4, "0.02366925"),
    ("anthropic/claude-haiku-4.5", 13, 18909, 0, 4, "0.0019239"),
]

with Sim() as sim, Gateway(sim) as gateway:
    answers = []
    for model, uncached, cached, written, out, cost in VECTORS:
        usage = {"prompt_tokens": uncached + cached + written, "completion_tokens": out,
                 "total_tokens": uncached + cached + written + out, "cost": float(cost),
                 "market_cost": float(cost), "gateway_cost": float(cost), "is_byok": False,
                 "prompt_tokens_details": {"cached_tokens": cached},
                 "cache_creation_input_tokens": written}
        sim.script({"raw": json.dumps({
            "id": f"gen_{cached:026d}{out}"[:30], "object": "chat.completion", "created": 1790752558,
            "model": model, "choices": [{"index": 0, "finish_reason": "stop", "message": {
                "role": "assistant", "content": "Hi"}}], "usage": usage})})
        answers.append(gateway.chat("vector", model=model))
    for row, vector in zip(gateway.rows_of(answers), VECTORS):
        model, _, cached, written, _, cost = vector
        equal((row["model"], row["cached_tokens"], row["cache_write_tokens"]),
              (model, str(cached), str(written)))
        equal((row["estimated_usd"], row["billed_usd"], row["market_usd"]), (cost, cost, cost))
        equal((row["difference_usd"], row["verdict"]), ("0", "matched"))
