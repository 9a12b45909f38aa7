"""However many ai-* headers come, none that steers the call is left out of the key: too many are a 400."""
from harness import *

PROMPT = {"prompt": [{"role": "user", "content": [{"type": "text", "text": "Say something."}]}]}

with Sim() as sim, Gateway(sim) as gateway:
    for pads, wanted in (2, {"MISS"}), (30, {None}):
        for model in MODEL, "openai/gpt-5-nano":
            headers = {f"ai-pad-{n}": "x" for n in range(pads)}
            headers |= {"ai-language-model-id": model, "ai-language-model-streaming": "false",
                        "ai-language-model-specification-version": "4"}
            answer = gateway.post("/v4/ai/language-model", PROMPT, cache=True, headers=headers)
            equal(({answer.cache()}, answer.status), (wanted, 200 if pads == 2 else 400),
                  f"{pads} {model}")

# Nobody is there any more: what was told to come later is not asked again.
with Sim() as sim, Gateway(sim, {"limits": {"retry": "10s"}}) as gateway:
    sim.script({"status": 429, "retry_after": "2"})
    connection = gateway.begin("nobody waits")
    wait_for(lambda: sim.posts() == 1, "the first attempt")
    leave(connection)
    row = gateway.settled_rows(1)[0]
    equal((row["status"], row["verdict"], sim.posts()), ("499", "failed", 1))
