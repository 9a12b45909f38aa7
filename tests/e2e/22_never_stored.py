"""Only whole, good answers are stored: what is broken in any way goes upstream again."""
from harness import *

BAD_JSON = json.dumps({"id": "gen_01M3RJQ2GXYP8F188NH5K17ED5", "object": "chat.completion",
                       "created": 1790752558, "model": MODEL,
                       "error": {"code": 502, "message": "inside"}, "choices": []})
ERROR_FINISH = json.dumps({
    "id": "gen_01M3RJQ2GXYP8F188NH5K17ED5", "object": "chat.completion", "created": 1790752558,
    "model": MODEL, "choices": [{"index": 0, "finish_reason": "error",
                                 "message": {"role": "assistant", "content": "x"}}]})
CASES = [  # stream, behaviour
    (False, {"status": 429}), (False, {"status": 400}), (False, {"status": 500}),
    (False, {"status": 503}), (False, {"die": "connect"}), (False, {"die": "headers"}),
    (False, {"die": "middle"}), (False, {"no_finish": True}), (False, {"raw": BAD_JSON}),
    (False, {"raw": ERROR_FINISH}), (False, {"raw": "not JSON"}), (False, {"raw": ""}),
    (True, {"status": 429}), (True, {"status": 500}), (True, {"error_frame": 2}),
    (True, {"error_frame": 0}), (True, {"no_done": True}), (True, {"no_finish": True}),
    (True, {"die": "headers"}), (True, {"die": "middle"}), (True, {"die": "end"}),
    (True, {"raw": "", "content_type": "text/event-stream"}),
    (True, {"raw": "data: [DONE]\n\n", "content_type": "text/event-stream"}),
]
with open(f"{ROOT}/tests/data/wire/openrouter-chat-stream-error.response.sse", encoding="utf-8") as f:
    CASES.append((True, {"raw": f.read(), "content_type": "text/event-stream"}))

with Sim() as sim, Gateway(sim) as gateway:
    for number, (stream, behaviour) in enumerate(CASES):
        sim.script(behaviour, {"text": "good"})
        bad = gateway.chat(f"case {number}", stream=stream, cache=True)
        check("stored" not in bad.headers.get("cache-status", ""), f"{behaviour}: not stored")
        good = gateway.chat(f"case {number}", stream=stream, cache=True)
        equal((good.status, good.cache()), (200, "MISS"), f"after {str(behaviour)[:80]}")
        equal(good.text(), "good")
    for number, (stream, _) in enumerate(CASES):
        hit = gateway.chat(f"case {number}", stream=stream, cache=True)
        equal((hit.cache(), hit.text()), ("HIT", "good"), "the good one was stored")
